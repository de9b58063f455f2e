//! A query that does not end: a live stream, looked up while it comes.

use super::parts::{GAP_MS, both, goes_on};
use super::votes::{Asked, FrameVotes};
use super::{VideoIndex, collect};
use signal::nearness::Near;
use signal::video::align::Shown;
use signal::video::{Frame, Segment};
use std::collections::{HashMap, HashSet, VecDeque};

/// How much of a stream is remembered.
pub const WINDOW_MS: u32 = 90_000;
/// Frames that are remembered: eight a second for as long.
const FRAMES_MAX: usize = 720;
/// A segment that is known is told again when it has grown by this.
const GROWN_MS: u32 = GAP_MS;
/// Entries are aligned again at most so often.
const ALIGN_EVERY_MS: u32 = 200;
/// Frames among which a vote is new: those since entries were aligned last, and a few.
const RECENT_FRAMES: usize = 6;
/// Segments that are remembered, the last ones.
const TOLD_MAX: usize = 256;

/// What of a stream was seen last, and what was told of it.
#[derive(Debug, Default)]
pub struct Tracker {
    asked: Asked,
    window: VecDeque<FrameVotes>,
    told: VecDeque<(u64, Segment)>,
    aligned_ms: Option<u32>,
    began_ms: Option<u32>,
    /// Whether any entry got a vote since then.
    is_new: bool,
}

impl Tracker {
    /// Of a stream that begins.
    pub fn new() -> Self {
        Self::default()
    }

    /// Frames that are remembered.
    pub fn n_frames(&self) -> usize {
        self.window.len()
    }

    /// The next frame of the stream. Returns segments that have become known by it, or surer, or longer by some seconds; the same segment begins where it was told to
    /// begin before.
    pub fn push(&mut self, index: &VideoIndex, frame: &Frame) -> Vec<(u64, Segment)> {
        self.push_where(index, frame, &|_| true)
    }

    /// The same among the videos whose handles `counts` lets pass.
    pub fn push_where(
        &mut self,
        index: &VideoIndex,
        frame: &Frame,
        counts: &dyn Fn(u64) -> bool,
    ) -> Vec<(u64, Segment)> {
        // A stream that began anew begins anew here too.
        if self.window.back().is_some_and(|last| frame.at_ms < last.shown.at_ms) {
            *self = Self::default();
        }
        self.began_ms.get_or_insert(frame.at_ms);
        let found = index.votes(std::slice::from_ref(frame), &mut self.asked, counts);
        for one in found {
            self.is_new |= !one.votes.is_empty();
            self.window.push_back(one);
        }
        let oldest = frame.at_ms.saturating_sub(WINDOW_MS);
        while self.window.len() > FRAMES_MAX || self.window.front().is_some_and(|first| first.shown.at_ms < oldest) {
            self.window.pop_front();
        }
        let is_due = self
            .aligned_ms
            .is_none_or(|aligned| frame.at_ms - aligned.min(frame.at_ms) >= ALIGN_EVERY_MS);
        if !self.is_new || !is_due {
            return Vec::new();
        }
        self.aligned_ms = Some(frame.at_ms);
        self.is_new = false;
        self.align(index)
    }

    fn align(&mut self, index: &VideoIndex) -> Vec<(u64, Segment)> {
        // Times within the window, so that lines are found as well after hours as at first.
        let start_ms = self.window.front().map_or(0, |first| first.shown.at_ms);
        let in_window = |shown: Shown| Shown {
            at_ms: shown.at_ms - start_ms,
            ..shown
        };
        let shown: Vec<Shown> = self.window.iter().map(|one| in_window(one.shown)).collect();
        // An entry without a new vote has nothing new to say.
        let recent = self.window.len().saturating_sub(RECENT_FRAMES);
        let new: HashSet<u64> = self
            .window
            .iter()
            .skip(recent)
            .flat_map(|one| one.votes.iter().map(|(first, _)| *first))
            .collect();
        let mut votes = HashMap::new();
        for (at, one) in self.window.iter().enumerate() {
            collect(&mut votes, at as u32, &one.votes);
        }
        votes.retain(|first, _| new.contains(first));
        let mut news = Vec::new();
        // All of the stream was asked, and each minute of it was a chance to be wrong.
        let now_ms = self.window.back().map_or(0, |last| last.shown.at_ms);
        let asked_ms = now_ms.saturating_sub(self.began_ms.unwrap_or_default());
        for (handle, segments) in index.align(&shown, asked_ms, votes) {
            for mut segment in segments {
                segment.query.from_ms += start_ms;
                segment.query.to_ms += start_ms;
                news.extend(self.tell(handle, segment).map(|segment| (handle, segment)));
            }
        }
        news
    }

    /// What is new in a segment, if anything is.
    fn tell(&mut self, handle: u64, segment: Segment) -> Option<Segment> {
        let known = self
            .told
            .iter_mut()
            .rev()
            .find(|(other, told)| *other == handle && goes_on(told, &segment));
        let Some((_, told)) = known else {
            if self.told.len() >= TOLD_MAX {
                self.told.pop_front();
            }
            self.told.push_back((handle, segment));
            return Some(segment);
        };
        // The window has lost the beginning.
        let whole = both(told, segment);
        let is_surer = told.near == Near::Lead && whole.near == Near::Match;
        let has_grown = whole.query.to_ms >= told.query.to_ms.saturating_add(GROWN_MS);
        if !is_surer && !has_grown {
            return None;
        }
        *told = whole;
        Some(whole)
    }
}
