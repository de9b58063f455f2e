//! Banked videos: which of many shows up in these frames, where, and from when to when?
//!
//! A video is a [`Timeline`] of marks under a handle that the caller chooses. The hashes of its marks lie in one index of codes, their keypoints in another. Each frame of a
//! query votes for the marks that it looks like (`votes`); which votes lie in time as those of a copy do is told by [`signal::video::align`].
//! What harmless videos show too, a countdown, the opening of a platform, is learnt from them and votes for nothing (`harmless`).

mod entries;
mod harmless;
mod parts;
mod stills;
mod tracker;
mod votes;

#[cfg(test)]
mod tests;

pub use stills::Still;
pub use tracker::{Tracker, WINDOW_MS};

use crate::{Index, Options};
use entries::{Entries, Entry};
use harmless::Harmless;
use parts::Part;
use signal::Pdq;
use signal::video::align::{self, Shown, Weighed};
use signal::video::{Frame, Segment, Timeline};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Entries that are aligned with one query, those with most votes.
pub const CANDIDATES_MAX: usize = 64;
/// Distinct frames of a query that must vote for an entry.
const FRAMES_MIN: usize = 2;
/// Frames that are compared at once: votes are made and kept by as many.
const BATCH_FRAMES: usize = 64;
/// Codes in a head. Those of frames and keypoints crowd in a few places, where its lists are long: a segment is searched six times as fast.
const HEAD_CODES: usize = 1 << 12;

/// A set of banked videos to search. Shared between threads by reference; searches go on while it changes.
pub struct VideoIndex {
    /// Hashes of marks, under the numbers of the marks.
    hashes: Index,
    /// Keypoints of marks, under the numbers of the marks.
    keypoints: Index,
    /// What harmless videos show.
    harmless: Harmless,
    entries: RwLock<Entries>,
    /// Held while a video is added or something is learnt, so that neither misses the other.
    changing: Mutex<()>,
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
    /// Marks of harmless videos that are remembered.
    pub n_common: usize,
    /// Bytes of memory, nearly.
    pub n_bytes: usize,
}

impl VideoIndex {
    /// An empty index, in memory alone.
    pub fn new() -> Self {
        let options = Options {
            head_codes: HEAD_CODES,
            ..Options::default()
        };
        Self {
            hashes: Index::with_options(options),
            keypoints: Index::with_options(options),
            harmless: Harmless::default(),
            entries: RwLock::default(),
            changing: Mutex::default(),
        }
    }

    /// Adds a video, or gives a handle another video.
    pub fn add(&self, handle: u64, timeline: &Timeline) {
        self.add_many(&[(handle, timeline)]);
    }

    /// Adds videos, or gives their handles others. Many at once take a fraction of the time: what they are found by is put in order once.
    pub fn add_many(&self, videos: &[(u64, &Timeline)]) {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut hashes, mut keypoints) = (Vec::new(), Vec::new());
        for (number, (handle, timeline)) in videos.iter().enumerate() {
            // Of a handle that is named twice the last counts.
            if videos[number + 1..].iter().any(|(later, _)| later == handle) {
                continue;
            }
            self.remove(*handle);
            let entry = Arc::new(self.harmless.judged(&Entry::new(*handle, timeline)));
            let first = self.write().insert(&entry);
            hashes.extend(entry.hashes(first));
            keypoints.extend(entry.keypoints(first));
        }
        self.hashes.insert_many(hashes);
        self.keypoints.insert_many(keypoints);
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
        let [common_hashes, common_keypoints] = self.harmless.indexes();
        let mut has_more = false;
        for index in [&self.hashes, &self.keypoints, common_hashes, common_keypoints] {
            has_more |= index.maintain()?;
        }
        Ok(has_more)
    }

    /// The videos that the frames of a query show, the surest first, each with its segments in order of time. Frames are in order of time.
    pub fn look_up(&self, frames: &[Frame]) -> Vec<(u64, Vec<Segment>)> {
        self.look_up_where(frames, &|_| true)
    }

    /// The same among the videos whose handles `counts` lets pass. What it does not takes no place of others.
    pub fn look_up_where(&self, frames: &[Frame], counts: &dyn Fn(u64) -> bool) -> Vec<(u64, Vec<Segment>)> {
        let mut asked = votes::Asked::default();
        let mut part = Part::of(frames);
        for batch in frames.chunks(BATCH_FRAMES) {
            for one in self.votes(batch, &mut asked, counts) {
                part.push(self, one);
            }
        }
        let mut found = part.end(self);
        let surest = |segments: &[Segment]| segments.iter().map(|found| found.log10_chance).fold(0.0, f32::min);
        found.sort_by(|a, b| surest(&a.1).total_cmp(&surest(&b.1)).then(a.0.cmp(&b.0)));
        found
    }

    /// Learns what a harmless video shows: marks and keypoints that two of them or more have too vote for nothing from now on, in videos that are added later as well. A
    /// video that shows most of a banked one is a copy that nobody objected to yet, and silences nothing of it. `source` is the caller's; what was learnt
    /// from it before is forgotten.
    pub fn learn(&self, source: u64, shown: &Timeline) {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.harmless.forget(source);
        let learnt = self.harmless.learn(source, shown);
        self.judge_again(before.into_iter().chain(learnt));
    }

    /// Forgets what was learnt from a video: it was not harmless, or is old.
    pub fn forget(&self, source: u64) {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.harmless.forget(source);
        self.judge_again(before.into_iter());
    }

    /// Judges those videos anew that any of these hashes is near to.
    fn judge_again(&self, hashes: impl Iterator<Item = Pdq>) {
        let marks = self.hashes.snapshot();
        let mut firsts: BTreeSet<u64> = BTreeSet::new();
        for hash in hashes {
            for hit in marks.search(hash, harmless::COMMON_BITS, usize::MAX).hits {
                let entries = self.read();
                firsts.extend(entries.of_mark(hit.key).map(|(_, at)| hit.key - at as u64));
            }
        }
        for first in firsts {
            let Some(entry) = self.read().of_first(first).cloned() else {
                continue;
            };
            let judged = Arc::new(self.harmless.judged(&entry));
            self.write().replace(first, &judged);
            for (at, (before, after)) in entry.marks.iter().zip(&judged.marks).enumerate() {
                if before.len() != after.len() {
                    let codes: Vec<Pdq> = after.iter().map(|(code, _)| *code).collect();
                    self.keypoints.replace(first + at as u64, &codes);
                }
            }
        }
    }

    /// How much it holds.
    pub fn stats(&self) -> VideoStats {
        let mut stats = self.read().stats();
        let [common_hashes, common_keypoints] = self.harmless.indexes();
        stats.n_common = common_hashes.len();
        for index in [&self.hashes, &self.keypoints, common_hashes, common_keypoints] {
            let of_index = index.stats();
            // What is in no segment yet lies in heads: a key and a code.
            stats.n_bytes += of_index.n_bytes.max(of_index.n_pairs * 40);
        }
        stats
    }

    /// The segments of those entries that votes promise most of. The query goes on for `asked_ms`, of which this is a part.
    fn align(&self, shown: &[Shown], asked_ms: u32, votes: Votes) -> Vec<(u64, Vec<Segment>)> {
        let mut candidates: Vec<(f32, u64, Vec<Weighed>)> = votes
            .into_iter()
            .filter_map(|(first, votes)| Some((promise(&votes)?, first, votes)))
            .collect();
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        candidates.truncate(CANDIDATES_MAX);
        let segments = candidates.into_iter().filter_map(|(_, first, votes)| {
            // It may have been removed meanwhile. Nobody who adds one waits until this is aligned.
            let entry = self.read().of_first(first).cloned()?;
            let segments = align::align(shown, asked_ms, entry.subject(), &votes);
            (!segments.is_empty()).then_some((entry.handle, segments))
        });
        segments.collect()
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
type Votes = HashMap<u64, Vec<Weighed>>;

fn collect(votes: &mut Votes, frame: u32, of_frame: &[(u64, Weighed)]) {
    for (first, vote) in of_frame {
        votes.entry(*first).or_default().push(Weighed { frame, ..*vote });
    }
}

/// How much votes promise, so that the likeliest entries are aligned: the best of each frame. `None` if too few frames vote.
fn promise(votes: &[Weighed]) -> Option<f32> {
    // Votes are in order of frames.
    let mut of_frames = votes.chunk_by(|a, b| a.frame == b.frame);
    let (mut n_frames, mut sum) = (0, 0.0);
    for of_frame in &mut of_frames {
        n_frames += 1;
        sum += of_frame.iter().map(|vote| vote.odds).fold(0.0, f32::max);
    }
    (n_frames >= FRAMES_MIN).then_some(sum)
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
