//! Where codes lie: the head, which takes new ones while searchers read, and segments, which never gain one.
//!
//! Codes lie as four planes, one for each 64-bit word, so that a scan reads only the words it needs, side by side.
//! A removed code stays where it is, stamped with the change that removed it: a view older than the stamp still sees it.

use signal::Pdq;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The stamp of a code that was not removed.
const PRESENT: u64 = u64::MAX;

/// Codes that no longer move or grow.
pub(crate) struct Segment {
    planes: [Box<[u64]>; 4],
    keys: Box<[u64]>,
    removed_at: Box<[AtomicU64]>,
}

/// Codes being added. Slots below a view's `head_len` are written before the view is published and never again, hence the
/// relaxed loads and stores: publishing orders them.
pub(crate) struct Head {
    planes: [Box<[AtomicU64]>; 4],
    keys: Box<[AtomicU64]>,
    removed_at: Box<[AtomicU64]>,
}

impl Segment {
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn planes(&self) -> [&[u64]; 4] {
        self.planes.each_ref().map(|plane| &**plane)
    }

    pub(crate) fn key(&self, slot: usize) -> u64 {
        self.keys[slot]
    }

    pub(crate) fn code(&self, slot: usize) -> Pdq {
        Pdq::from_words(self.planes.each_ref().map(|plane| plane[slot]))
    }

    pub(crate) fn is_present_at(&self, slot: usize, stamp: u64) -> bool {
        self.removed_at[slot].load(Relaxed) > stamp
    }

    pub(crate) fn remove(&self, slot: usize, stamp: u64) {
        self.removed_at[slot].store(stamp, Relaxed);
    }
}

impl Head {
    pub(crate) fn new(codes_max: usize) -> Self {
        let zeroes = || (0..codes_max).map(|_| AtomicU64::new(0)).collect();
        Self {
            planes: [zeroes(), zeroes(), zeroes(), zeroes()],
            keys: zeroes(),
            removed_at: (0..codes_max).map(|_| AtomicU64::new(PRESENT)).collect(),
        }
    }

    /// Fills a slot that no published view reaches.
    pub(crate) fn write(&self, slot: usize, key: u64, code: Pdq) {
        for (plane, word) in self.planes.iter().zip(code.words()) {
            plane[slot].store(word, Relaxed);
        }
        self.keys[slot].store(key, Relaxed);
    }

    pub(crate) fn key(&self, slot: usize) -> u64 {
        self.keys[slot].load(Relaxed)
    }

    pub(crate) fn code(&self, slot: usize) -> Pdq {
        Pdq::from_words(self.planes.each_ref().map(|plane| plane[slot].load(Relaxed)))
    }

    pub(crate) fn is_present_at(&self, slot: usize, stamp: u64) -> bool {
        self.removed_at[slot].load(Relaxed) > stamp
    }

    pub(crate) fn remove(&self, slot: usize, stamp: u64) {
        self.removed_at[slot].store(stamp, Relaxed);
    }

    /// The head's slots, removed ones too, as a segment: every code keeps its slot.
    pub(crate) fn seal(&self) -> Segment {
        let copy = |values: &[AtomicU64]| values.iter().map(|value| value.load(Relaxed)).collect();
        Segment {
            planes: self.planes.each_ref().map(|plane| copy(plane)),
            keys: copy(&self.keys),
            removed_at: self
                .removed_at
                .iter()
                .map(|stamp| AtomicU64::new(stamp.load(Relaxed)))
                .collect(),
        }
    }
}
