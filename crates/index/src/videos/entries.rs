//! The videos themselves: which mark has which number.

use super::VideoStats;
use signal::Pdq;
use signal::keypoints::{ALIKE_BITS_MAX, Place};
use signal::video::Timeline;
use signal::video::align::Point;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A banked video.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub handle: u64,
    pub duration_ms: u32,
    /// What votes are aligned by, one for each mark.
    pub points: Vec<Point>,
    /// Keypoints of each mark.
    pub marks: Vec<Box<[(Pdq, Place)]>>,
}

/// Videos by handle and by the number of their first mark. Numbers are never given twice.
#[derive(Debug, Default)]
pub(super) struct Entries {
    by_handle: HashMap<u64, u64>,
    by_first: BTreeMap<u64, Arc<Entry>>,
    next: u64,
    next_common: u64,
}

impl Entry {
    pub fn new(
        handle: u64,
        timeline: &Timeline,
        is_common: impl Fn(Pdq) -> bool,
        is_common_keypoint: impl Fn(Pdq) -> bool,
    ) -> Self {
        let points: Vec<Point> = timeline
            .marks
            .iter()
            .map(|mark| Point {
                is_mute: mark.is_flat() || is_common(mark.pdq.hash),
                ..Point::of(mark)
            })
            .collect();
        let marks = timeline.marks.iter().zip(&points).map(|(mark, point)| {
            let kept = mark.keypoints.iter();
            let kept = kept.filter(|(code, _)| !point.is_mute && !is_common_keypoint(*code));
            kept.copied().collect()
        });
        Self {
            handle,
            duration_ms: timeline.duration_ms,
            marks: marks.collect(),
            points,
        }
    }

    /// Hashes of the marks that vote, under their numbers.
    pub fn hashes(&self, first: u64) -> impl Iterator<Item = (u64, Pdq)> {
        let voting = self.points.iter().enumerate().filter(|(_, point)| !point.is_mute);
        voting.map(move |(at, point)| (first + at as u64, point.hash))
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
    pub fn of_first(&self, first: u64) -> Option<&Entry> {
        self.by_first.get(&first).map(|entry| &**entry)
    }

    /// Lets a mark vote for nothing. Returns the handle if it did before.
    pub fn silence(&mut self, number: u64) -> Option<u64> {
        let (first, entry) = self.by_first.range_mut(..=number).next_back()?;
        let at = (number - first) as usize;
        let entry = Arc::make_mut(entry);
        let point = entry.points.get_mut(at).filter(|point| !point.is_mute)?;
        point.is_mute = true;
        entry.marks[at] = Box::default();
        Some(entry.handle)
    }

    /// Drops keypoints of a mark that look like one. Returns what is left if there were any.
    pub fn drop_keypoints(&mut self, number: u64, like: Pdq) -> Option<Vec<Pdq>> {
        let (first, entry) = self.by_first.range_mut(..=number).next_back()?;
        let at = (number - first) as usize;
        let is_left = |(code, _): &&(Pdq, Place)| code.distance(like) > ALIKE_BITS_MAX;
        let points = entry.marks.get(at)?;
        let left: Box<[(Pdq, Place)]> = points.iter().filter(is_left).copied().collect();
        if left.len() == points.len() {
            return None;
        }
        let codes = left.iter().map(|(code, _)| *code).collect();
        Arc::make_mut(entry).marks[at] = left;
        Some(codes)
    }

    /// Numbers for so many harmless frames.
    pub fn next_common(&mut self, n: u64) -> u64 {
        let first = self.next_common;
        self.next_common += n;
        first
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
                + entry.marks.len() * (size_of::<Point>() + size_of::<Box<[(Pdq, Place)]>>())
                + size_of::<Entry>();
        }
        stats
    }
}
