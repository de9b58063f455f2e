//! Banked videos: which of many shows up in these frames, where, and from when to when?
//!
//! A video is a [`Timeline`] of marks under a handle that the caller chooses. The hashes of its marks lie in one index of codes, their keypoints in another. Each frame of a
//! query votes for the marks that it looks like (`votes`); which votes lie in time as those of a copy do is told by [`signal::video::align`].
//! What harmless videos show too, the black before a film, a countdown, the opening of a platform, is learnt from them and votes for nothing.

mod entries;
mod stills;
mod tracker;
mod votes;

#[cfg(test)]
mod tests;

pub use stills::Still;
pub use tracker::{Tracker, WINDOW_MS};

use crate::Index;
use entries::{Entries, Entry};
use signal::Pdq;
use signal::keypoints::ALIKE_BITS_MAX;
use signal::video::align::{self, Shown, Subject, Vote};
use signal::video::{Frame, Segment, Timeline};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Entries that are aligned with one query, those with most votes.
pub const CANDIDATES_MAX: usize = 64;
/// Distinct frames of a query that must vote for an entry.
const FRAMES_MIN: usize = 2;
/// Frames that are compared at once: votes are made and kept by as many.
const BATCH_FRAMES: usize = 64;
/// Harmless frames that are remembered. More are still used to silence what is there.
pub const COMMON_FRAMES_MAX: usize = 50_000;
/// Bits within which a mark is a harmless frame.
const COMMON_BITS: u32 = 31;

/// A set of banked videos to search. Shared between threads by reference; searches go on while it changes.
pub struct VideoIndex {
    /// Hashes of marks, under the numbers of the marks.
    hashes: Index,
    /// Keypoints of marks, under the numbers of the marks.
    keypoints: Index,
    /// Hashes and keypoints of harmless frames, under numbers of the frames.
    common_hashes: Index,
    common_keypoints: Index,
    entries: RwLock<Entries>,
}

/// How much an index of videos holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VideoStats {
    /// Videos.
    pub n_videos: usize,
    /// Marks of them.
    pub n_marks: usize,
    /// Marks that vote for nothing, because harmless videos show them too or nothing is seen.
    pub n_silent: usize,
    /// Keypoints of marks.
    pub n_keypoints: usize,
    /// Harmless frames that are remembered.
    pub n_common: usize,
    /// Bytes of memory, nearly.
    pub n_bytes: usize,
}

impl VideoIndex {
    /// An empty index, in memory alone.
    pub fn new() -> Self {
        Self {
            hashes: Index::new(),
            keypoints: Index::new(),
            common_hashes: Index::new(),
            common_keypoints: Index::new(),
            entries: RwLock::default(),
        }
    }

    /// Adds a video, or gives a handle another video.
    pub fn add(&self, handle: u64, timeline: &Timeline) {
        self.remove(handle);
        let entry = Arc::new(Entry::new(
            handle,
            timeline,
            |hash| self.is_common(hash),
            |code| self.is_common_keypoint(code),
        ));
        let first = self.write().insert(&entry);
        self.hashes.insert_many(entry.hashes(first));
        self.keypoints.insert_many(entry.keypoints(first));
    }

    /// Removes a video. Returns whether it was there.
    pub fn remove(&self, handle: u64) -> bool {
        let Some((first, entry)) = self.write().remove(handle) else {
            return false;
        };
        let numbers = || (0..entry.marks.len() as u64).map(|at| (first + at, [].as_slice()));
        self.hashes.apply(numbers(), None);
        self.keypoints.apply(numbers(), None);
        true
    }

    /// Puts what was added in order, as [`Index::maintain`].
    pub fn maintain(&self) -> io::Result<bool> {
        let hashes = self.hashes.maintain()?;
        Ok(self.keypoints.maintain()? || hashes)
    }

    /// The videos that the frames of a query show, the surest first, each with its segments in order of time. Frames are in order of time.
    pub fn look_up(&self, frames: &[Frame]) -> Vec<(u64, Vec<Segment>)> {
        self.look_up_where(frames, &|_| true)
    }

    /// The same among the videos whose handles `counts` lets pass. What it does not takes no place of others.
    pub fn look_up_where(&self, frames: &[Frame], counts: &dyn Fn(u64) -> bool) -> Vec<(u64, Vec<Segment>)> {
        let mut asked = votes::Asked::default();
        let mut shown: Vec<Shown> = Vec::with_capacity(frames.len());
        let mut votes: Votes = HashMap::new();
        for batch in frames.chunks(BATCH_FRAMES) {
            let first = shown.len();
            let found = self.votes(batch, &mut asked, counts);
            for (at, one) in found.into_iter().enumerate() {
                shown.push(one.shown);
                collect(&mut votes, (first + at) as u32, &one.votes);
            }
        }
        let mut found = self.align(&shown, votes);
        let surest = |segments: &[Segment]| segments.iter().map(|found| found.log10_chance).fold(0.0, f32::min);
        found.sort_by(|a, b| surest(&a.1).total_cmp(&surest(&b.1)).then(a.0.cmp(&b.0)));
        found
    }

    /// Learns what harmless videos show: marks that one of these frames looks like vote for nothing from now on, nor do keypoints that it has, now or in videos that are
    /// added later. Returns the videos of which marks were silenced, with how many: where that is most of a video, the sample is probably not harmless.
    pub fn learn(&self, frames: &[Frame]) -> Vec<(u64, usize)> {
        self.remember(frames);
        let mut silenced: HashMap<u64, usize> = HashMap::new();
        let hashes = self.hashes.snapshot();
        let keypoints = self.keypoints.snapshot();
        for frame in frames.iter().filter(|frame| !frame.is_flat()) {
            let near = hashes.search(frame.pdq.hash, COMMON_BITS, usize::MAX);
            for hit in near.hits {
                self.silence(hit.key, &mut silenced);
            }
            let points = frame.glimpse.iter().flat_map(|glimpse| &glimpse.keypoints);
            for point in points {
                for hit in keypoints.search(point.code, ALIKE_BITS_MAX, usize::MAX).hits {
                    self.drop_keypoints(hit.key, point.code);
                }
            }
        }
        let mut silenced: Vec<(u64, usize)> = silenced.into_iter().collect();
        silenced.sort_unstable();
        silenced
    }

    /// How much it holds.
    pub fn stats(&self) -> VideoStats {
        let mut stats = self.read().stats();
        stats.n_common = self.common_hashes.len();
        for index in [
            &self.hashes,
            &self.keypoints,
            &self.common_hashes,
            &self.common_keypoints,
        ] {
            let of_index = index.stats();
            // What is in no segment yet lies in heads: a key and a code.
            stats.n_bytes += of_index.n_bytes.max(of_index.n_pairs * 40);
        }
        stats
    }

    /// The segments of those entries that votes promise most of.
    fn align(&self, shown: &[Shown], votes: Votes) -> Vec<(u64, Vec<Segment>)> {
        let mut candidates: Vec<(f32, u64, Vec<Vote>)> = votes
            .into_iter()
            .filter_map(|(first, votes)| Some((promise(&votes)?, first, votes)))
            .collect();
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        candidates.truncate(CANDIDATES_MAX);
        let entries = self.read();
        let segments = candidates.into_iter().filter_map(|(_, first, votes)| {
            // It may have been removed meanwhile.
            let entry = entries.of_first(first)?;
            let segments = align::align(shown, entry.subject(), &votes);
            (!segments.is_empty()).then_some((entry.handle, segments))
        });
        segments.collect()
    }

    fn remember(&self, frames: &[Frame]) {
        let free = COMMON_FRAMES_MAX.saturating_sub(self.common_hashes.len());
        let first = self.write().next_common(frames.len() as u64);
        let mut hashes = Vec::new();
        let mut keypoints = Vec::new();
        for (number, frame) in (first..).zip(frames.iter().filter(|frame| !frame.is_flat()).take(free)) {
            if self.is_common(frame.pdq.hash) {
                continue;
            }
            hashes.push((number, frame.pdq.hash));
            let points = frame.glimpse.iter().flat_map(|glimpse| &glimpse.keypoints);
            keypoints.extend(points.map(|point| (number, point.code)));
        }
        self.common_hashes.insert_many(hashes);
        self.common_keypoints.insert_many(keypoints);
    }

    fn is_common(&self, hash: Pdq) -> bool {
        let near = self.common_hashes.snapshot().search(hash, COMMON_BITS, 1);
        !near.hits.is_empty()
    }

    fn is_common_keypoint(&self, code: Pdq) -> bool {
        let near = self.common_keypoints.snapshot().search(code, ALIKE_BITS_MAX, 1);
        !near.hits.is_empty()
    }

    fn silence(&self, number: u64, silenced: &mut HashMap<u64, usize>) {
        if let Some(handle) = self.write().silence(number) {
            *silenced.entry(handle).or_default() += 1;
            self.hashes.remove(number);
            self.keypoints.remove(number);
        }
    }

    fn drop_keypoints(&self, number: u64, like: Pdq) {
        if let Some(left) = self.write().drop_keypoints(number, like) {
            self.keypoints.replace(number, &left);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        // Each change of the entries is one insertion or removal; none can be seen half done.
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Votes on entries, by the number of their first marks.
type Votes = HashMap<u64, Vec<Vote>>;

fn collect(votes: &mut Votes, frame: u32, of_frame: &[(u64, Vote)]) {
    for (first, vote) in of_frame {
        let of_entry = votes.entry(*first).or_default();
        if of_entry.len() < align::VOTES_MAX {
            of_entry.push(Vote { frame, ..*vote });
        }
    }
}

/// How much votes promise, so that the likeliest entries are aligned: the best of each frame. `None` if too few frames vote.
fn promise(votes: &[Vote]) -> Option<f32> {
    // Votes are in order of frames.
    let mut of_frames = votes.chunk_by(|a, b| a.frame == b.frame);
    let (mut n_frames, mut sum) = (0, 0.0);
    for of_frame in &mut of_frames {
        n_frames += 1;
        let chances = of_frame.iter().filter_map(|vote| vote.likeness.chance());
        sum += chances.map(|chance| -chance.log10()).fold(0.0, f32::max);
    }
    (n_frames >= FRAMES_MIN).then_some(sum)
}

impl Entry {
    fn subject(&self) -> Subject<'_> {
        Subject {
            duration_ms: self.duration_ms,
            points: &self.points,
            background: 0.0,
        }
    }
}

impl Default for VideoIndex {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for VideoIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VideoIndex").field("stats", &self.stats()).finish()
    }
}
