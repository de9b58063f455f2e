//! Time stamps to milliseconds from the beginning, which never run backwards.

use ac_ffmpeg::time::Timestamp;

/// A step back beyond this is no disorder but a new beginning, as where recordings were joined.
const BACK_MS_MAX: i64 = 1_000;
/// A step ahead beyond this is one too, where nothing says that so much is still to come.
const AHEAD_MS_MAX: i64 = 10_000;
/// How long the last frame before a new beginning is shown, for want of better knowledge.
const STEP_MS: i64 = 40;

/// The clock of one track.
#[derive(Debug)]
pub struct Clock {
    /// What the time stamps begin with; the first seen where the container does not say.
    base_ms: Option<i64>,
    shift_ms: i64,
    last_ms: Option<i64>,
    /// Up to here a step ahead of any size is believed.
    believed_ms: i64,
    /// Between frames without time stamps.
    step_ms: i64,
}

impl Clock {
    /// For a track of a container that begins at `base_ms` and claims to last `claimed_ms`. A stream claims nothing.
    pub fn new(base_ms: Option<i64>, claimed_ms: i64, frame_rate: f64) -> Self {
        let step_ms = if frame_rate > 0.0 {
            (1_000.0 / frame_rate) as i64
        } else {
            STEP_MS
        };
        Self {
            base_ms,
            shift_ms: 0,
            last_ms: None,
            believed_ms: claimed_ms,
            step_ms: step_ms.clamp(1, 1_000),
        }
    }

    /// Another track of the same file has come so far: a step ahead to there is none into the blue.
    pub fn believe(&mut self, ms: u32) {
        self.believed_ms = self.believed_ms.max(ms.into());
    }

    /// When something with this time stamp is shown.
    pub fn at_ms(&mut self, timestamp: Timestamp) -> u32 {
        let next = self.last_ms.map_or(0, |last| last.saturating_add(self.step_ms));
        let at = match timestamp.as_millis() {
            None => next,
            Some(stamp) => {
                let base = *self.base_ms.get_or_insert(stamp);
                let at = stamp.saturating_sub(base).saturating_add(self.shift_ms);
                let last = self.last_ms.unwrap_or(0);
                let is_back = at < last.saturating_sub(BACK_MS_MAX);
                let is_ahead = at > last.max(self.believed_ms).saturating_add(AHEAD_MS_MAX);
                if is_back || is_ahead {
                    self.shift_ms = next.saturating_sub(stamp.saturating_sub(base));
                    next
                } else {
                    at
                }
            }
        };
        let at = at.clamp(self.last_ms.unwrap_or(0), u32::MAX.into());
        self.last_ms = Some(at);
        // Clamped to what fits.
        at as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(base_ms: Option<i64>, claimed_ms: i64, stamps: &[Option<i64>], expected: &[u32]) {
        let mut clock = Clock::new(base_ms, claimed_ms, 25.0);
        let stamp = |ms: Option<i64>| ms.map_or(Timestamp::null(), Timestamp::from_millis);
        let found: Vec<u32> = stamps.iter().map(|ms| clock.at_ms(stamp(*ms))).collect();
        assert_eq!(found, expected, "{stamps:?}");
    }

    #[test]
    fn time_begins_at_zero_and_never_runs_backwards() {
        check(
            Some(1_400),
            0,
            &[Some(1_400), Some(1_440), Some(1_420), Some(1_480)],
            &[0, 40, 40, 80],
        );
        check(
            None,
            0,
            &[Some(77_000), Some(77_040), None, Some(77_120)],
            &[0, 40, 80, 120],
        );
        check(Some(100), 0, &[Some(60), Some(140)], &[0, 40]);
    }

    #[test]
    fn a_new_beginning_goes_on_where_the_last_ended() {
        check(
            Some(0),
            0,
            &[Some(0), Some(8_000), Some(0), Some(40)],
            &[0, 8_000, 8_040, 8_080],
        );
        check(
            Some(0),
            0,
            &[Some(0), Some(i64::MAX / 2), Some(i64::MAX / 2 + 40)],
            &[0, 40, 80],
        );
        check(
            Some(0),
            0,
            &[Some(0), Some(i64::MIN / 2), Some(i64::MIN / 2 + 40)],
            &[0, 40, 80],
        );
    }

    #[test]
    fn what_another_track_has_come_to_is_believed() {
        let mut late = Clock::new(Some(0), 0, 0.0);
        late.believe(660_000);
        assert_eq!(late.at_ms(Timestamp::from_millis(661_000)), 661_000);
        let mut alone = Clock::new(Some(0), 0, 0.0);
        assert_eq!(alone.at_ms(Timestamp::from_millis(661_000)), 0);
    }

    #[test]
    fn a_long_picture_is_believed_as_far_as_the_container_claims() {
        check(
            Some(0),
            60_000,
            &[Some(0), Some(59_000), Some(190_000)],
            &[0, 59_000, 59_040],
        );
    }
}
