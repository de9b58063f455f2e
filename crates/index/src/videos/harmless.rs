//! What harmless videos show too: it is no evidence where a banked video shows it.
//!
//! A mark is common when two harmless videos have it, a keypoint when one has. A harmless video that shows most of a banked one says nothing of that one: it is a copy that
//! nobody objected to yet, and were it believed, what is posted most would be found least.

use super::entries::Entry;
use crate::Index;
use signal::Pdq;
use signal::keypoints::{ALIKE_BITS_MAX, Place};
use signal::video::Timeline;
use signal::video::align::{Moments, Point};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// Bits within which a mark is one of a harmless video.
pub(super) const COMMON_BITS: u32 = 31;
/// Harmless videos that must show a mark for it to be common,
const SOURCES_MIN: usize = 2;
/// and a keypoint: a detail that any of them has tells little, and the mark's hash is left.
const SOURCES_OF_KEYPOINT_MIN: usize = 1;
/// A harmless video that shows more than this share of a banked one is a copy.
const COPY_SHARE: f32 = 0.5;
/// Marks that are remembered of one harmless video, the first ones.
const MARKS_MAX: usize = 1 << MARK_DIGITS;
const MARK_DIGITS: u32 = 10;

/// Marks of harmless videos, under numbers that tell which video.
#[derive(Default)]
pub(super) struct Harmless {
    hashes: Index,
    keypoints: Index,
    /// What was learnt from each source.
    learnt: Mutex<Learnt>,
}

#[derive(Default)]
struct Learnt {
    /// Number and hashes of each source.
    of: HashMap<u64, (u64, Vec<Pdq>)>,
    next: u64,
    n_marks: usize,
}

impl Harmless {
    /// Remembers what a source shows, and returns its hashes.
    pub fn learn(&self, source: u64, shown: &Timeline) -> Vec<Pdq> {
        let marks = || shown.marks.iter().filter(|mark| !mark.is_flat()).take(MARKS_MAX);
        let hashes: Vec<Pdq> = marks().map(|mark| mark.pdq.hash).collect();
        let number = {
            let mut learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
            let number = learnt.next;
            learnt.next += 1;
            learnt.n_marks += hashes.len();
            learnt.of.insert(source, (number, hashes.clone()));
            number << MARK_DIGITS
        };
        self.hashes.insert_many((number..).zip(hashes.iter().copied()));
        let keypoints = (number..).zip(marks());
        self.keypoints
            .insert_many(keypoints.flat_map(|(key, mark)| mark.keypoints.iter().map(move |(code, _)| (key, *code))));
        hashes
    }

    /// Forgets a source, and returns the hashes that it had.
    pub fn forget(&self, source: u64) -> Vec<Pdq> {
        let mut learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((number, hashes)) = learnt.of.remove(&source) else {
            return Vec::new();
        };
        learnt.n_marks -= hashes.len();
        drop(learnt);
        let keys = || {
            ((number << MARK_DIGITS)..)
                .take(hashes.len())
                .map(|key| (key, [].as_slice()))
        };
        self.hashes.apply(keys(), None);
        self.keypoints.apply(keys(), None);
        hashes
    }

    /// Whether a frame is what everything shows.
    pub fn is_common(&self, hash: Pdq) -> bool {
        let sources: HashSet<u64> = self.near(&self.hashes, hash, COMMON_BITS).collect();
        sources.len() >= SOURCES_MIN
    }

    /// An entry, with what is known of it now.
    pub fn judged(&self, entry: &Entry) -> Entry {
        let near: Vec<Vec<u64>> = entry
            .points
            .iter()
            .map(|point| self.near(&self.hashes, point.hash, COMMON_BITS).collect())
            .collect();
        let mut shown: HashMap<u64, usize> = HashMap::new();
        for sources in &near {
            let distinct: HashSet<u64> = sources.iter().copied().collect();
            for source in distinct {
                *shown.entry(source).or_default() += 1;
            }
        }
        let n_marks = entry.points.len().max(1) as f32;
        shown.retain(|_, n| *n as f32 > COPY_SHARE * n_marks);
        let copies = shown;
        let is_common = |sources: &mut dyn Iterator<Item = u64>, least: usize| {
            let others: HashSet<u64> = sources.filter(|source| !copies.contains_key(source)).collect();
            others.len() >= least
        };
        let mut points: Vec<Point> = entry.points.clone();
        for (point, sources) in points.iter_mut().zip(&near) {
            point.is_mute = point.is_flat || is_common(&mut sources.iter().copied(), SOURCES_MIN);
        }
        let n_common = self.learnt.lock().unwrap_or_else(PoisonError::into_inner).n_marks;
        let n_alike = near
            .iter()
            .flatten()
            .filter(|source| !copies.contains_key(source))
            .count();
        let mut all: Vec<Vec<(Pdq, Place)>> = entry.marks.iter().map(|mark| mark.to_vec()).collect();
        for (mark, keypoint) in &entry.common {
            all[*mark as usize].push(*keypoint);
        }
        let mut common: Vec<(u32, (Pdq, Place))> = Vec::new();
        for (number, of_mark) in (0..).zip(&mut all) {
            of_mark.retain(|keypoint| {
                let is_left = !is_common(
                    &mut self.near(&self.keypoints, keypoint.0, ALIKE_BITS_MAX),
                    SOURCES_OF_KEYPOINT_MIN,
                );
                if !is_left {
                    common.push((number, *keypoint));
                }
                is_left
            });
        }
        Entry {
            handle: entry.handle,
            duration_ms: entry.duration_ms,
            moments: Moments::new(points.len()),
            points,
            marks: all.into_iter().map(Vec::into_boxed_slice).collect(),
            common,
            background: n_alike as f32 / (n_common.max(1) as f32 * n_marks),
        }
    }

    /// Of hashes and of keypoints.
    pub fn indexes(&self) -> [&Index; 2] {
        [&self.hashes, &self.keypoints]
    }

    /// The sources of what is near to a code, one for each mark.
    fn near(&self, index: &Index, code: Pdq, bits: u32) -> impl Iterator<Item = u64> + use<> {
        let near = index.snapshot().search(code, bits, usize::MAX).hits;
        near.into_iter().map(|hit| hit.key >> MARK_DIGITS)
    }
}
