//! The head: codes being added while searchers read. A pair that was added is found by the next search, without anything being rebuilt.
//!
//! Each code hangs in sixteen lists, one for each of its 16-bit substrings, so that a search walks a few hundred short lists. One more list
//! finds the codes of a key. Slots below a view's length are written before the view is published and never again; a list may already
//! lead to later slots, which the view passes over.

use crate::buckets::prefetch;
use crate::chunks::{Chunk, Chunks, patterns};
use crate::collect::Collector;
use crate::stamps::Stamps;
use signal::Pdq;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Fewer codes than these are faster looked at one after the other.
const LISTED_MIN: usize = 1024;
/// One list for each substring and value, then one for each hash of a key.
const N_CHUNKS: usize = 16;
const N_VALUES: usize = 1 << 16;
const KEY_LISTS: usize = N_CHUNKS;
/// The most differing bits of a substring for which lists are walked.
const FLIPS_MAX: u32 = 2;

/// Codes being added.
pub(crate) struct Head {
    words: Box<[[AtomicU64; 4]]>,
    keys: Box<[AtomicU64]>,
    lists: Option<Lists>,
    pub(crate) stamps: Stamps,
}

/// A slot's number plus one, or 0 at a list's end.
type Link = AtomicU32;

struct Lists {
    chunks: Chunks,
    first: Box<[Link]>,
    /// For each slot its next in each list.
    next: Box<[[Link; N_CHUNKS + 1]]>,
}

impl Head {
    /// Room for so many codes.
    pub(crate) fn new(codes_max: usize) -> Self {
        Self::with_lists_from(codes_max, LISTED_MIN)
    }

    /// The same, with lists if there is room for at least `listed_min` codes.
    pub(crate) fn with_lists_from(codes_max: usize, listed_min: usize) -> Self {
        let lists = (codes_max >= listed_min).then(|| Lists {
            chunks: Chunks::new(N_CHUNKS as u32),
            first: (0..(N_CHUNKS + 1) * N_VALUES).map(|_| Link::new(0)).collect(),
            next: (0..codes_max).map(|_| Default::default()).collect(),
        });
        Self {
            words: (0..codes_max).map(|_| Default::default()).collect(),
            keys: (0..codes_max).map(|_| AtomicU64::new(0)).collect(),
            lists,
            stamps: Stamps::new(codes_max),
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.keys.len()
    }

    /// Fills a slot that no published view reaches. Only ever called by the one writer.
    pub(crate) fn write(&self, slot: usize, key: u64, code: Pdq) {
        for (place, word) in self.words[slot].iter().zip(code.words()) {
            place.store(word, Ordering::Relaxed);
        }
        self.keys[slot].store(key, Ordering::Relaxed);
        let Some(lists) = &self.lists else { return };
        let link = slot as u32 + 1;
        for list in 0..=N_CHUNKS {
            let first = &lists.first[lists.list_of(list, key, code)];
            lists.next[slot][list].store(first.load(Ordering::Relaxed), Ordering::Relaxed);
            first.store(link, Ordering::Release);
        }
    }

    pub(crate) fn key(&self, slot: usize) -> u64 {
        self.keys[slot].load(Ordering::Relaxed)
    }

    pub(crate) fn code(&self, slot: usize) -> Pdq {
        Pdq::from_words(self.words[slot].each_ref().map(|word| word.load(Ordering::Relaxed)))
    }

    /// The slots, below `len`, of a key's codes, removed ones too.
    pub(crate) fn slots_of(&self, key: u64, len: usize) -> Vec<usize> {
        match &self.lists {
            None => (0..len).filter(|slot| self.key(*slot) == key).collect(),
            Some(lists) => {
                let first = &lists.first[lists.list_of(KEY_LISTS, key, Pdq::from_words([0; 4]))];
                let mut found = Vec::new();
                let mut link = first.load(Ordering::Acquire);
                while let Some(slot) = (link as usize).checked_sub(1) {
                    if slot < len && self.key(slot) == key {
                        found.push(slot);
                    }
                    link = lists.next[slot][KEY_LISTS].load(Ordering::Acquire);
                }
                found
            }
        }
    }

    /// Gives the collector every pair within its radius that a view of this length and stamp sees.
    pub(crate) fn collect(&self, len: usize, stamp: u64, query: Pdq, collector: &mut Collector<'_>) {
        let walked = match &self.lists {
            Some(lists) if len >= LISTED_MIN => self.walk(lists, len, stamp, query, collector),
            Some(_) | None => false,
        };
        if !walked {
            // What a walk found before it was given up is found again: that changes nothing.
            for slot in 0..len {
                self.try_slot(slot, stamp, query, collector);
            }
        }
    }

    /// Walks the lists of all values near the query's. Returns false, with nothing certain, if that is not for this radius or if the
    /// lists turn out to be longer than all codes together, as they are when many are nearly the same.
    fn walk(&self, lists: &Lists, len: usize, stamp: u64, query: Pdq, collector: &mut Collector<'_>) -> bool {
        let radius = collector.radius();
        if radius >= (FLIPS_MAX + 1) * N_CHUNKS as u32 {
            return false;
        }
        let units = lists.chunks.units(radius);
        let mut steps_left = len * 2;
        let mut walkers: Vec<u32> = Vec::with_capacity(256);
        for (list, chunk) in lists.chunks.iter().enumerate() {
            let Some(flips) = units[list].checked_sub(1) else { break };
            let Some(patterns) = patterns(chunk.width, flips) else {
                return false;
            };
            let value = list * N_VALUES + chunk.of(query.words()) as usize;
            for pattern in patterns {
                prefetch(&lists.first, value ^ *pattern as usize);
            }
            walkers.clear();
            for pattern in patterns {
                let link = lists.first[value ^ *pattern as usize].load(Ordering::Acquire);
                if link != 0 {
                    prefetch(&self.words, link as usize - 1);
                    prefetch(&lists.next, link as usize - 1);
                    walkers.push(link);
                }
            }
            while !walkers.is_empty() {
                let Some(left) = steps_left.checked_sub(walkers.len()) else {
                    return false;
                };
                steps_left = left;
                walkers.retain_mut(|link| {
                    let slot = *link as usize - 1;
                    if slot < len {
                        self.try_slot(slot, stamp, query, collector);
                    }
                    *link = lists.next[slot][list].load(Ordering::Acquire);
                    if *link != 0 {
                        prefetch(&self.words, *link as usize - 1);
                        prefetch(&lists.next, *link as usize - 1);
                    }
                    *link != 0
                });
            }
        }
        true
    }

    #[inline]
    fn try_slot(&self, slot: usize, stamp: u64, query: Pdq, collector: &mut Collector<'_>) {
        let distance = self.code(slot).distance(query);
        if distance <= collector.radius() && self.stamps.is_present_at(slot, stamp) {
            collector.add(self.key(slot), distance);
        }
    }
}

impl Lists {
    fn list_of(&self, list: usize, key: u64, code: Pdq) -> usize {
        let value = match self.chunks.iter().nth(list) {
            Some(chunk) => Chunk::of(chunk, code.words()) as usize,
            None => (spread(key) as usize) % N_VALUES,
        };
        list * N_VALUES + value
    }
}

/// Scatters keys, which are often consecutive numbers (the finaliser of SplitMix64).
fn spread(key: u64) -> u64 {
    let key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ (key >> 31)
}
