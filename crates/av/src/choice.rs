//! Which frames are taken: two a second, four of a live stream, the first of each scene, and those that vPDQ takes: every n-th, n being the whole part of the frame rate.

use media::av::wire::LastFrame;

/// From one frame that is taken to the next.
pub const EVERY_MS: u32 = 500;
/// The same in a live stream, where what is looked at sooner is known sooner: of what moves, twice as many frames are near to one that is banked.
pub const EVERY_MS_LIVE: u32 = 250;
/// No frame is taken for its time alone so soon after another: a share of the time from one to the next.
const APART_SHARE: (u32, u32) = (2, 5);
/// Scenes that are shorter are not told apart: what flickers would fill everything.
const SCENE_MS: u32 = 300;

/// Decides which frames are taken.
#[derive(Debug)]
pub struct Choice {
    /// vPDQ takes every so many; 0 when the rate is unknown or not every frame is seen.
    every: u64,
    /// And time asks for one so often,
    every_ms: u32,
    /// but not so soon after another.
    apart_ms: u32,
    half_frame_ms: u32,
    /// When the frame before was shown, taken or not.
    before_ms: Option<u32>,
    from_ms: u32,
    frame_rate: f64,
    next_number: Option<u64>,
    due_ms: u32,
    last_taken_ms: Option<u32>,
    last_scene_ms: Option<u32>,
    /// A new scene began with a frame that came too soon after the last scene's.
    is_scene_owed: bool,
}

/// A frame that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// Its number among the frames of the file.
    pub number: u64,
    /// Whether it is the first of a scene.
    pub is_scene: bool,
    /// Whether vPDQ takes it.
    pub is_vpdq: bool,
}

impl Choice {
    /// Of frames so many a second, from a time on; `is_full` if every frame is seen.
    pub fn new(frame_rate: f64, from_ms: u32, is_full: bool, every_ms: u32) -> Self {
        let every = if is_full && frame_rate > 0.0 {
            (frame_rate as u64).max(1)
        } else {
            0
        };
        let half_frame_ms = if frame_rate > 0.0 { 500.0 / frame_rate } else { 0.0 };
        Self {
            every,
            every_ms,
            apart_ms: every_ms * APART_SHARE.0 / APART_SHARE.1,
            half_frame_ms: (half_frame_ms as u32).min(every_ms / 2),
            before_ms: None,
            from_ms,
            frame_rate,
            next_number: None,
            due_ms: 0,
            last_taken_ms: None,
            last_scene_ms: None,
            is_scene_owed: false,
        }
    }

    /// Whether vPDQ takes the frame with this number.
    pub fn is_vpdq(&self, number: u64) -> bool {
        self.every > 0 && number.is_multiple_of(self.every)
    }

    /// Goes on after a frame that another took. Before it no scene was owed: the host names only such frames.
    pub fn go_on_after(&mut self, last: &LastFrame) {
        self.next_number = Some(last.number + 1);
        let reached_ms = last.at_ms.saturating_add(self.half_frame_ms);
        self.due_ms = (reached_ms / self.every_ms + 1).saturating_mul(self.every_ms);
        self.before_ms = Some(last.at_ms);
        self.last_taken_ms = Some(last.at_ms);
        self.last_scene_ms = last.scene_ms;
        self.is_scene_owed = false;
    }

    /// Whether the next frame is taken, which may begin a scene.
    pub fn next(&mut self, at_ms: u32, is_cut: bool) -> Option<Chosen> {
        // From the middle, the number follows from the time.
        let first = || {
            if self.from_ms == 0 {
                0
            } else {
                (f64::from(at_ms) * self.frame_rate / 1_000.0).round() as u64
            }
        };
        let number = self.next_number.unwrap_or_else(first);
        self.next_number = Some(number + 1);
        self.is_scene_owed |= is_cut;
        let is_apart = |last: Option<u32>, ms: u32| last.is_none_or(|last| at_ms - last >= ms);
        let is_scene = self.is_scene_owed && is_apart(self.last_scene_ms, SCENE_MS);
        let is_vpdq = self.is_vpdq(number);
        let reached_ms = at_ms.saturating_add(self.half_frame_ms);
        let is_due = reached_ms >= self.due_ms;
        if is_due {
            // On a grid, so that frames of vPDQ and of time fall together.
            self.due_ms = (reached_ms / self.every_ms + 1).saturating_mul(self.every_ms);
        }
        if is_scene {
            self.is_scene_owed = false;
            self.last_scene_ms = Some(at_ms);
        }
        // One that vPDQ takes in a moment will do.
        let left = if self.every > 0 {
            self.every - number % self.every
        } else {
            u64::MAX
        };
        // A rate is what whoever made the file says: frames may lie further apart, and then that moment is long.
        let seen_step_ms = self.before_ms.replace(at_ms).map_or(0, |before| at_ms - before);
        let step_ms = (2 * self.half_frame_ms).max(seen_step_ms).max(1);
        let is_vpdq_soon = left.saturating_mul(step_ms.into()) < self.apart_ms.into();
        // And whatever vPDQ is about to take, time is not put off for long.
        let is_overdue = is_apart(self.last_taken_ms, self.every_ms + self.apart_ms);
        let is_time = is_overdue || (is_due && !is_vpdq_soon && is_apart(self.last_taken_ms, self.apart_ms));
        if !is_scene && !is_vpdq && !is_time {
            return None;
        }
        self.last_taken_ms = Some(at_ms);
        // What was taken by the scan that this one continues goes through the same motions, so that both take the same.
        if at_ms < self.from_ms {
            return None;
        }
        Some(Chosen {
            number,
            is_scene,
            is_vpdq,
        })
    }
}

#[cfg(test)]
mod tests {
    use media::av::wire::StripPlace;
    use signal::Pdq;

    use super::*;

    fn choose(rate: f64, from_ms: u32, is_full: bool, seconds: f64, cuts: &[u64]) -> Vec<(u32, Chosen)> {
        let mut choice = Choice::new(rate, from_ms, is_full, EVERY_MS);
        let frames = (0..(seconds * rate) as u64)
            .map(|number| ((number as f64 * 1_000.0 / rate) as u32, cuts.contains(&number)));
        frames
            .filter_map(|(at_ms, is_cut)| Some((at_ms, choice.next(at_ms, is_cut)?)))
            .collect()
    }

    #[test]
    fn vpdq_takes_every_nth_frame() {
        for (rate, every) in [
            (30.0, 30),
            (25.0, 25),
            (30_000.0 / 1_001.0, 29),
            (24_000.0 / 1_001.0, 23),
            (60.0, 60),
            (0.5, 1),
        ] {
            let taken = choose(rate, 0, true, 20.0, &[]);
            let numbers: Vec<u64> = taken
                .iter()
                .filter(|(_, chosen)| chosen.is_vpdq)
                .map(|(_, chosen)| chosen.number)
                .collect();
            let expected: Vec<u64> = (0..(20.0 * rate) as u64).step_by(every).collect();
            assert_eq!(numbers, expected, "{rate}");
        }
    }

    #[test]
    fn two_frames_a_second_are_taken_and_hardly_more() {
        for rate in [
            10.0,
            24.0,
            25.0,
            30.0,
            50.0,
            60.0,
            30_000.0 / 1_001.0,
            24_000.0 / 1_001.0,
        ] {
            let taken = choose(rate, 0, true, 100.0, &[]);
            assert!((200..=260).contains(&taken.len()), "{rate}: {}", taken.len());
            let widest = taken.windows(2).map(|pair| pair[1].0 - pair[0].0).max().unwrap();
            assert!(widest <= EVERY_MS + EVERY_MS / 2 + 50, "{rate}: {widest}");
        }
        assert_eq!(choose(25.0, 0, true, 100.0, &[]).len(), 200);
        assert_eq!(choose(30.0, 0, true, 100.0, &[]).len(), 200);
    }

    #[test]
    fn four_frames_a_second_are_taken_of_a_live_stream() {
        for rate in [10.0, 24.0, 25.0, 30.0, 50.0, 60.0, 30_000.0 / 1_001.0] {
            let mut choice = Choice::new(rate, 0, true, EVERY_MS_LIVE);
            let all = (0..(100.0 * rate) as u64).map(|number| (number as f64 * 1_000.0 / rate) as u32);
            let taken: Vec<u32> = all.filter(|at_ms| choice.next(*at_ms, false).is_some()).collect();
            assert!((375..=490).contains(&taken.len()), "{rate}: {}", taken.len());
            let widest = taken.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            assert!(widest <= EVERY_MS_LIVE + EVERY_MS_LIVE / 2 + 50, "{rate}: {widest}");
        }
    }

    /// The rate is told by whoever made the file.
    #[test]
    fn a_false_rate_leaves_no_hole() {
        for (every_ms, told) in [EVERY_MS, EVERY_MS_LIVE]
            .into_iter()
            .flat_map(|every_ms| [0.1, 5.0, 240.0, 499.0, 501.0, 909.0, 1_000.0].map(|told| (every_ms, told)))
        {
            for step_ms in [1, 16, 40, 100, 300] {
                let mut choice = Choice::new(told, 0, true, every_ms);
                let all = (0..120_000 / step_ms).map(|number| number * step_ms);
                let taken: Vec<u32> = all.filter(|at_ms| choice.next(*at_ms, false).is_some()).collect();
                let widest = taken.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
                assert!(
                    widest <= every_ms + every_ms / 2 + step_ms,
                    "{told} told, one each {step_ms} ms: {widest}"
                );
                // Nor does it fill everything, unless vPDQ itself takes so many.
                let n_time_max = (120_000 / every_ms * 3 / 2) as usize;
                assert!(
                    told < 900.0 || taken.len() <= n_time_max,
                    "{told} told, one each {step_ms} ms"
                );
            }
        }
    }

    #[test]
    fn scenes_are_taken_and_flicker_is_not() {
        let scenes = |cuts: &[u64]| {
            let taken = choose(25.0, 0, true, 10.0, cuts);
            taken
                .iter()
                .filter(|(_, chosen)| chosen.is_scene)
                .map(|(_, chosen)| chosen.number)
                .collect::<Vec<_>>()
        };
        assert_eq!(scenes(&[0, 33, 111]), [0, 33, 111]);
        // The second cut comes too soon; its scene is taken as soon as may be.
        assert_eq!(scenes(&[33, 35]), [33, 41]);
        let all: Vec<u64> = (0..250).collect();
        assert!(scenes(&all).len() <= 34);
    }

    #[test]
    fn a_scan_that_begins_again_numbers_frames_as_one_that_did_not_stop() {
        let whole = choose(25.0, 0, true, 20.0, &[]);
        let mut choice = Choice::new(25.0, 10_000, true, EVERY_MS);
        // From the key frame before.
        let later: Vec<_> = (225..500)
            .filter_map(|number| Some((number * 40, choice.next(number * 40, false)?)))
            .collect();
        let expected: Vec<_> = whole.into_iter().filter(|(at_ms, _)| *at_ms >= 10_000).collect();
        assert_eq!(later, expected);
    }

    #[test]
    fn one_that_goes_on_after_a_frame_takes_what_the_first_would_have_taken() {
        for rate in [10.0, 24.0, 25.0, 30.0, 60.0, 30_000.0 / 1_001.0] {
            // Scenes that flicker, so that some are owed.
            let cuts: Vec<u64> = (0..600).filter(|number| number % 97 < 30 && number % 3 == 0).collect();
            let whole = choose(rate, 0, true, 20.0, &cuts);
            for (idx, (last_ms, last)) in whole.iter().enumerate() {
                let mut scenes = whole[..=idx].iter().filter(|(_, chosen)| chosen.is_scene);
                let scene_ms = scenes.next_back().map(|(at_ms, _)| *at_ms);
                if scene_ms.is_some_and(|ms| ms < *last_ms && last_ms - ms < SCENE_MS) {
                    continue;
                }
                let mut choice = Choice::new(rate, 0, true, EVERY_MS);
                choice.go_on_after(&LastFrame {
                    at_ms: *last_ms,
                    number: last.number,
                    hash: Pdq::from_bytes([0; 32]),
                    n_frames: 1,
                    scene_ms,
                    keypoints: None,
                    strip: StripPlace::default(),
                });
                let rest = (last.number + 1..(20.0 * rate) as u64).filter_map(|number| {
                    let at_ms = (number as f64 * 1_000.0 / rate) as u32;
                    Some((at_ms, choice.next(at_ms, cuts.contains(&number))?))
                });
                assert_eq!(rest.collect::<Vec<_>>(), whole[idx + 1..], "{rate} {last:?}");
            }
        }
    }

    #[test]
    fn key_frames_are_none_of_vpdqs() {
        let taken = choose(0.5, 0, false, 20.0, &[]);
        assert_eq!(taken.len(), 10);
        assert!(taken.iter().all(|(_, chosen)| !chosen.is_vpdq));
        // Where every frame is a key frame.
        assert_eq!(choose(25.0, 0, false, 20.0, &[]).len(), 40);
    }
}
