//! Sound that a platform sends beside frames that it hashed itself: samples as they are, put in order of the stream's time. Start with [`push_sound`].

use signal::audio::{CHANNELS_MAX, Printer, RATE_MAX, RATE_MIN};

use super::{BURST_S, StreamError, keep_seen, not_judged, to_its_end};
use crate::Seawall;
use crate::model::{Actor, Right, StreamId};

/// Samples of a channel that one piece may hold, in seconds.
pub const PIECE_SOUND_S_MAX: u64 = 60;
/// The longest time without a sample that is taken for silence. After a longer one what is heard begins anew.
const SILENCE_MS_MAX: u32 = 10_000;
/// Silence is put in so much at a time.
const SILENCE_STEP: usize = 1 << 16;

/// A piece of sound: PCM of 16 bits, the samples of all channels of one moment beside each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pcm {
    /// When its first sample is heard, in milliseconds of the stream's own time.
    pub at_ms: u32,
    /// Samples a second of each channel.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
    /// Interleaved.
    pub samples: Vec<i16>,
}

/// Takes the next piece of the sound of a stream that was opened for frames, in the order of the stream. What was heard before is passed over, so that a piece may be sent
/// again; a gap is silence, and after a long one, or where the rate or the channels change, what is heard begins anew. What is found is remembered before the call returns.
pub async fn push_sound(app: &Seawall, actor: &Actor, id: StreamId, piece: Pcm) -> Result<(), StreamError> {
    actor.require(Right::SubmitItems)?;
    let live = app.streams.find(id)?;
    if live.is_over() {
        return Err(StreamError::NotOpen);
    }
    if live.is_decoded() {
        let what = "is for streams that were opened for frames; this one was opened for bytes".to_owned();
        return Err(StreamError::Invalid { field: "sound", what });
    }
    check(&piece)?;
    let now = app.clock.now();
    let n_bytes = 2 * piece.samples.len() as u64;
    let bytes_per_second_max = app.settings.streams.bytes_per_second_max;
    if !live.takes(n_bytes, bytes_per_second_max, BURST_S, now) {
        return Err(StreamError::TooFast { bytes_per_second_max });
    }
    live.touch(now);
    keep_seen(app, &live, now).await?;
    let app = app.clone();
    let heard = to_its_end(async move {
        live.hear_piece(&app, &piece).await?.map_err(not_judged)?;
        live.count_bytes(n_bytes);
        Ok(())
    });
    heard.await
}

fn check(piece: &Pcm) -> Result<(), StreamError> {
    let invalid = |field, what: String| Err(StreamError::Invalid { field, what });
    if !(RATE_MIN..=RATE_MAX).contains(&piece.rate) {
        return invalid("rate", format!("is from {RATE_MIN} to {RATE_MAX} samples a second"));
    }
    if !(1..=CHANNELS_MAX).contains(&piece.channels) {
        return invalid("channels", format!("are from 1 to {CHANNELS_MAX}"));
    }
    if !piece.samples.len().is_multiple_of(usize::from(piece.channels)) {
        return invalid("sound", "breaks off in the middle of a moment".to_owned());
    }
    let n_moments = (piece.samples.len() / usize::from(piece.channels)) as u64;
    if n_moments > PIECE_SOUND_S_MAX * u64::from(piece.rate) {
        return invalid("sound", format!("is longer than {PIECE_SOUND_S_MAX} seconds"));
    }
    Ok(())
}

/// How far the sound of a stream has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heard {
    rate: u32,
    channels: u16,
    /// Samples of each channel since the stream began, silence in gaps counted.
    n_moments: u64,
}

/// What of a piece is new.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct New<'a> {
    /// Where it begins anew, if it does: nothing that was heard before is near.
    pub begins_ms: Option<u32>,
    /// Samples of silence before it, of each channel.
    pub n_silent: usize,
    pub samples: &'a [i16],
}

impl Heard {
    /// When the next sample is heard.
    pub fn end_ms(&self) -> u32 {
        u32::try_from(self.n_moments * 1_000 / u64::from(self.rate)).unwrap_or(u32::MAX)
    }

    /// Puts a piece where it belongs after what was heard before, if anything was.
    pub fn take(before: Option<Self>, piece: &Pcm) -> (Self, New<'_>) {
        let end_ms = before.map_or(0, |before| before.end_ms());
        let goes_on = before.filter(|before| {
            (before.rate, before.channels) == (piece.rate, piece.channels)
                && piece.at_ms <= end_ms.saturating_add(SILENCE_MS_MAX)
        });
        let moments = |ms: u32| u64::from(ms) * u64::from(piece.rate) / 1_000;
        let first = moments(piece.at_ms);
        let (first, begins, n_silent) = match goes_on {
            // Times are whole milliseconds: what is less than two apart follows without a gap.
            Some(before) if first.abs_diff(before.n_moments) * 1_000 <= 2 * u64::from(piece.rate) => {
                (before.n_moments, before.n_moments, 0)
            }
            Some(before) => (first, before.n_moments, first.saturating_sub(before.n_moments)),
            None => (first, first.max(moments(end_ms)), 0),
        };
        let channels = usize::from(piece.channels);
        let n_known = (begins.saturating_sub(first) as usize * channels).min(piece.samples.len());
        let samples = &piece.samples[n_known..];
        let heard = Self {
            rate: piece.rate,
            channels: piece.channels,
            n_moments: begins + n_silent + (samples.len() / channels) as u64,
        };
        let begins_ms = goes_on.is_none().then(|| piece.at_ms.max(end_ms));
        let new = New {
            begins_ms,
            n_silent: n_silent as usize,
            samples,
        };
        (heard, new)
    }
}

/// Gives silence to a printer, a bit at a time.
pub(super) fn push_silence(printer: &mut Printer, n_silent: usize) {
    let silence = vec![0.0; n_silent.min(SILENCE_STEP)];
    let mut left = n_silent;
    while left > 0 {
        let n = left.min(SILENCE_STEP);
        printer.push_mono(&silence[..n]);
        left -= n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(at_ms: u32, n_moments: usize) -> Pcm {
        Pcm {
            at_ms,
            rate: 8_000,
            channels: 2,
            samples: (0..2 * n_moments).map(|at| at as i16).collect(),
        }
    }

    #[test]
    fn pieces_follow_each_other_gaps_are_silent_and_what_was_heard_is_passed_over() {
        let mut heard = None;
        let mut taken = |piece: &Pcm| {
            let (now, new) = Heard::take(heard, piece);
            heard = Some(now);
            let is_anew = new.begins_ms.is_some();
            (is_anew, new.n_silent, new.samples.len(), now.end_ms())
        };
        assert_eq!(taken(&piece(0, 8_000)), (true, 0, 16_000, 1_000));
        assert_eq!(taken(&piece(0, 8_000)), (false, 0, 0, 1_000), "the same again");
        assert_eq!(taken(&piece(1_001, 80)), (false, 0, 160, 1_010), "times are rounded");
        // This one begins with the last 5 ms of what was heard.
        assert_eq!(taken(&piece(1_005, 80)), (false, 0, 80, 1_015));
        assert_eq!(
            taken(&piece(2_015, 80)),
            (false, 8_000, 160, 2_025),
            "a second is missing"
        );
        let late = 2_025 + SILENCE_MS_MAX + 1;
        assert_eq!(
            taken(&piece(late, 8)),
            (true, 0, 16, late + 1),
            "it was silent for long"
        );
        let other = Pcm {
            rate: 16_000,
            ..piece(late, 32)
        };
        assert_eq!(
            taken(&other),
            (true, 0, 32, late + 2),
            "half of it was heard at another rate"
        );
    }

    #[test]
    fn a_sound_that_begins_late_lies_where_it_began() {
        let late = piece(3_600_000, 8_000);
        let (heard, new) = Heard::take(None, &late);
        assert_eq!(
            (new.begins_ms, new.n_silent, new.samples.len()),
            (Some(3_600_000), 0, 16_000)
        );
        assert_eq!(heard.end_ms(), 3_601_000);
    }

    #[test]
    fn what_is_no_sound_is_refused() {
        let field = |piece: &Pcm| match check(piece) {
            Err(StreamError::Invalid { field, .. }) => field,
            _ => "none",
        };
        assert_eq!(field(&piece(0, 0)), "none", "silence of no length");
        assert_eq!(field(&Pcm { rate: 0, ..piece(0, 1) }), "rate");
        assert_eq!(
            field(&Pcm {
                channels: 0,
                ..piece(0, 1)
            }),
            "channels"
        );
        assert_eq!(
            field(&Pcm {
                samples: vec![0; 3],
                ..piece(0, 1)
            }),
            "sound"
        );
        assert_eq!(field(&piece(0, 8_000 * PIECE_SOUND_S_MAX as usize + 1)), "sound");
    }
}
