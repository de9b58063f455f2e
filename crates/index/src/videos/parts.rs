//! A query looked up part by part, so that a film of hours takes no more memory and is found no worse than one of minutes.

use super::votes::FrameVotes;
use super::{VideoIndex, collect};
use signal::video::align::Shown;
use signal::video::{Frame, Segment};
use std::collections::{HashMap, VecDeque};

/// How long a part is, and how much of it is the beginning of the next.
const PART_MS: u32 = 600_000;
const OVERLAP_MS: u32 = 90_000;
/// Segments of one entry in one query, the first ones.
const SEGMENTS_MAX: usize = 256;
/// A segment goes on where another ended if there is so little between them,
pub(super) const GAP_MS: u32 = 10_000;
/// and both lie on one line, but for this.
const AWAY_MS: f64 = 3_000.0;

/// The frames of a query that were not aligned yet, and what was found before.
pub(super) struct Part {
    asked_ms: u32,
    frames: VecDeque<FrameVotes>,
    found: HashMap<u64, Vec<Segment>>,
}

impl Part {
    /// The first of a query.
    pub fn of(query: &[Frame]) -> Self {
        let asked_ms = match query {
            [first, .., last] => last.at_ms.saturating_sub(first.at_ms),
            _ => 0,
        };
        Self {
            asked_ms,
            frames: VecDeque::new(),
            found: HashMap::new(),
        }
    }

    /// The next frame.
    pub fn push(&mut self, index: &VideoIndex, frame: FrameVotes) {
        let at_ms = frame.shown.at_ms;
        if self
            .first_ms()
            .is_some_and(|first| at_ms.saturating_sub(first) >= PART_MS)
        {
            self.align(index);
            while self
                .first_ms()
                .is_some_and(|first| at_ms.saturating_sub(first) > OVERLAP_MS)
            {
                self.frames.pop_front();
            }
        }
        self.frames.push_back(frame);
    }

    /// What was found in all of it.
    pub fn end(mut self, index: &VideoIndex) -> Vec<(u64, Vec<Segment>)> {
        self.align(index);
        self.found.into_iter().collect()
    }

    fn first_ms(&self) -> Option<u32> {
        self.frames.front().map(|frame| frame.shown.at_ms)
    }

    fn align(&mut self, index: &VideoIndex) {
        // Times within the part, so that lines are found as well after hours as at first.
        let start_ms = self.first_ms().unwrap_or_default();
        let in_part = |shown: Shown| Shown {
            at_ms: shown.at_ms.saturating_sub(start_ms),
            ..shown
        };
        let shown: Vec<Shown> = self.frames.iter().map(|frame| in_part(frame.shown)).collect();
        let mut votes = HashMap::new();
        for (at, frame) in (0..).zip(&self.frames) {
            collect(&mut votes, at, &frame.votes);
        }
        for (handle, segments) in index.align(&shown, self.asked_ms, votes) {
            let known = self.found.entry(handle).or_default();
            // What lies side by side in one part was found to be two.
            let n_before = known.len();
            for mut segment in segments {
                segment.query.from_ms += start_ms;
                segment.query.to_ms += start_ms;
                match known[..n_before].iter().rposition(|known| goes_on(known, &segment)) {
                    Some(at) => known[at] = both(&known[at], segment),
                    None if known.len() < SEGMENTS_MAX => known.push(segment),
                    None => {}
                }
            }
            known.sort_by_key(|segment| segment.query);
        }
    }
}

/// Whether a segment is one that was found before, or what follows it.
pub(super) fn goes_on(known: &Segment, segment: &Segment) -> bool {
    let follows = segment.query.from_ms <= known.query.to_ms.saturating_add(GAP_MS);
    let is_later = segment.query.to_ms >= known.query.from_ms;
    let rate = f64::from(known.rate);
    let expected =
        f64::from(known.entry.to_ms) + (f64::from(segment.query.to_ms) - f64::from(known.query.to_ms)) * rate;
    let away = (expected - f64::from(segment.entry.to_ms)).abs();
    follows && is_later && known.is_mirrored == segment.is_mirrored && away <= AWAY_MS
}

/// A segment with what was found of it before.
pub(super) fn both(known: &Segment, segment: Segment) -> Segment {
    let mut whole = segment;
    if known.query.from_ms < segment.query.from_ms {
        whole.query.from_ms = known.query.from_ms;
        whole.entry.from_ms = known.entry.from_ms.min(segment.entry.from_ms);
        // What lies in both is counted once.
        let new_ms = segment
            .query
            .to_ms
            .saturating_sub(known.query.to_ms.max(segment.query.from_ms));
        let new = |n: u32| (f64::from(n) * f64::from(new_ms) / f64::from(segment.query.len_ms().max(1))) as u32;
        whole.frames = known.frames + new(segment.frames);
        whole.marks = known.marks + new(segment.marks);
    }
    if known.query.to_ms > segment.query.to_ms {
        whole.query.to_ms = known.query.to_ms;
        whole.entry.to_ms = known.entry.to_ms;
    }
    whole.log10_chance = whole.log10_chance.min(known.log10_chance);
    whole.near = whole.near.min(known.near);
    whole
}
