//! The index: which of many PDQ codes lie within a distance of this one? Exact, never approximate.
//!
//! It holds codes under keys that the caller chooses and knows nothing of banks, entries, files or what a hit means.
//!
//! Start with [`Index`], which takes codes in and out, and [`Snapshot`], which answers. Behind them, codes lie in immutable
//! segments and a small head that grows; a removal stamps a code instead of moving anything. So a snapshot is a
//! reference count, a change is visible to the next snapshot, and neither waits for the other.

mod collect;
mod scan;
mod segment;
mod snapshot;
mod writer;

pub use collect::{Hit, Hits};
pub use snapshot::Snapshot;

#[cfg(test)]
mod tests;

use arc_swap::ArcSwap;
use signal::Pdq;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use writer::Writer;

/// Codes in a head, hence at most in a segment: large enough that segments are few, small enough that sealing one is a
/// copy of 0.2 MB.
const SEGMENT_CODES: usize = 4096;

/// A set of (key, code) pairs to search. Shared between threads by reference; changes wait for each other, searches wait
/// for nothing.
pub struct Index {
    writer: Mutex<Writer>,
    current: ArcSwap<snapshot::View>,
}

impl Index {
    /// An empty index.
    pub fn new() -> Self {
        Self::with_segments_of(SEGMENT_CODES)
    }

    fn with_segments_of(codes: usize) -> Self {
        let writer = Writer::new(codes);
        let current = ArcSwap::from_pointee(writer.view());
        Self {
            writer: Mutex::new(writer),
            current,
        }
    }

    /// Adds a code under a key. A key may have many codes; adding a pair that is there changes nothing.
    pub fn insert(&self, key: u64, code: Pdq) {
        self.change(|writer| {
            writer.insert(key, code);
        });
    }

    /// Adds many pairs at once: they become visible together, and faster than one by one.
    pub fn insert_many(&self, pairs: impl IntoIterator<Item = (u64, Pdq)>) {
        self.change(|writer| {
            for (key, code) in pairs {
                writer.insert(key, code);
            }
        });
    }

    /// Removes every code of a key. Returns how many there were.
    pub fn remove(&self, key: u64) -> usize {
        self.change(|writer| writer.remove(key))
    }

    /// Gives a key exactly these codes, whatever it had: no snapshot sees it with some of both, or with none between.
    pub fn replace(&self, key: u64, codes: &[Pdq]) {
        self.change(|writer| {
            writer.remove(key);
            for &code in codes {
                writer.insert(key, code);
            }
        });
    }

    /// What the index holds now, for as long as the snapshot is kept. Takes no lock and copies no code.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.current.load_full())
    }

    /// Number of (key, code) pairs.
    pub fn len(&self) -> usize {
        self.current.load().len()
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn change<T>(&self, make: impl FnOnce(&mut Writer) -> T) -> T {
        let mut writer = self.lock();
        let outcome = make(&mut writer);
        self.current.store(writer.view().into());
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        // An iterator handed to `insert_many` may panic between two inserts; each insert leaves the writer whole.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Index {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
