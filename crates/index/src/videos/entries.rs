//! The videos themselves: which mark has which number.

use super::VideoStats;
use signal::Pdq;
use signal::keypoints::Place;
use signal::video::Timeline;
use signal::video::align::{Moments, Point, Subject};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A banked video. It never changes: what is learnt about it makes another of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub handle: u64,
    pub duration_ms: u32,
    /// What votes are aligned by, one for each mark.
    pub points: Vec<Point>,
    /// Keypoints of each mark.
    pub marks: Vec<Box<[(Pdq, Place)]>>,
    /// Keypoints of marks that harmless videos have too, with the mark's place: they vote for nothing.
    pub common: Vec<(u32, (Pdq, Place))>,
    /// How many other moments each mark has.
    pub moments: Moments,
    /// Share of harmless frames that look like any one mark.
    pub background: f32,
}

/// Videos by handle and by the number of their first mark. Numbers are never given twice.
#[derive(Debug, Default)]
pub(super) struct Entries {
    by_handle: HashMap<u64, u64>,
    by_first: BTreeMap<u64, Arc<Entry>>,
    next: u64,
}

impl Entry {
    /// Of a video of which nothing harmless is known to show any part.
    pub fn new(handle: u64, timeline: &Timeline) -> Self {
        Self {
            handle,
            duration_ms: timeline.duration_ms,
            points: timeline.marks.iter().map(Point::of).collect(),
            marks: timeline
                .marks
                .iter()
                .map(|mark| mark.keypoints.iter().copied().collect())
                .collect(),
            common: Vec::new(),
            moments: Moments::new(timeline.marks.len()),
            background: 0.0,
        }
    }

    /// What votes on it are aligned by.
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            duration_ms: self.duration_ms,
            points: &self.points,
            moments: &self.moments,
            background: self.background,
        }
    }

    /// Hashes of the marks, under their numbers; those that vote for nothing now may later, but for those that show nothing.
    pub fn hashes(&self, first: u64) -> impl Iterator<Item = (u64, Pdq)> {
        let marks = self.points.iter().enumerate().filter(|(_, point)| !point.is_flat);
        marks.map(move |(at, point)| (first + at as u64, point.hash))
    }

    /// Keypoints of the marks, under their numbers.
    pub fn keypoints(&self, first: u64) -> impl Iterator<Item = (u64, Pdq)> {
        let marks = self.marks.iter().enumerate();
        marks.flat_map(move |(at, points)| points.iter().map(move |(code, _)| (first + at as u64, *code)))
    }
}

impl Entries {
    /// Returns the number of the first mark.
    pub fn insert(&mut self, entry: &Arc<Entry>) -> u64 {
        let first = self.next;
        // A video without marks has a number too.
        self.next += entry.marks.len().max(1) as u64;
        self.by_handle.insert(entry.handle, first);
        self.by_first.insert(first, Arc::clone(entry));
        first
    }

    pub fn remove(&mut self, handle: u64) -> Option<(u64, Arc<Entry>)> {
        let first = self.by_handle.remove(&handle)?;
        Some((first, self.by_first.remove(&first)?))
    }

    /// The video that a mark belongs to, and which of its marks it is.
    pub fn of_mark(&self, number: u64) -> Option<(&Entry, usize)> {
        let (first, entry) = self.by_first.range(..=number).next_back()?;
        let at = (number - first) as usize;
        (at < entry.marks.len()).then_some((entry, at))
    }

    /// The video whose first mark has this number.
    pub fn of_first(&self, first: u64) -> Option<&Arc<Entry>> {
        self.by_first.get(&first)
    }

    /// Puts what was learnt of a video in its place.
    pub fn replace(&mut self, first: u64, entry: &Arc<Entry>) {
        if let Some(kept) = self.by_first.get_mut(&first) {
            *kept = Arc::clone(entry);
        }
    }

    pub fn stats(&self) -> VideoStats {
        let mut stats = VideoStats {
            n_videos: self.by_first.len(),
            ..VideoStats::default()
        };
        for entry in self.by_first.values() {
            let n_keypoints: usize = entry.marks.iter().map(|points| points.len()).sum();
            stats.n_marks += entry.marks.len();
            stats.n_silent += entry.points.iter().filter(|point| point.is_mute).count();
            stats.n_keypoints += n_keypoints;
            stats.n_bytes += n_keypoints * size_of::<(Pdq, Place)>()
                + entry.common.len() * size_of::<(u32, (Pdq, Place))>()
                + entry.marks.len() * (size_of::<Point>() + size_of::<Box<[(Pdq, Place)]>>() + size_of::<u32>())
                + size_of::<Entry>();
        }
        stats
    }
}
