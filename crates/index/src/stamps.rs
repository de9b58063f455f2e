//! What was removed, and by which change: a snapshot that is older still sees it.
//!
//! One bit for each pair says whether it was ever removed; which change did it is only asked for the few pairs whose bit is set and that
//! lie near a query.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// Stamps of removed pairs of a segment or head.
pub(crate) struct Stamps {
    bits: Box<[AtomicU64]>,
    removed_at: RwLock<HashMap<u32, u64>>,
}

impl Stamps {
    /// For so many pairs, none of them removed.
    pub(crate) fn new(n_pairs: usize) -> Self {
        Self {
            bits: (0..n_pairs.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            removed_at: RwLock::default(),
        }
    }

    /// Whether the pair is there for a snapshot of this stamp.
    #[inline]
    pub(crate) fn is_present_at(&self, pair: usize, stamp: u64) -> bool {
        let bits = self.bits[pair / 64].load(Ordering::Acquire);
        if bits & (1 << (pair % 64)) == 0 {
            return true;
        }
        let removed_at = self.removed_at.read().unwrap_or_else(PoisonError::into_inner);
        removed_at.get(&(pair as u32)).is_none_or(|removed| *removed > stamp)
    }

    /// Marks the pair as removed by the change of this stamp. Returns whether it was there.
    pub(crate) fn remove(&self, pair: usize, stamp: u64) -> bool {
        let mut removed_at = self.removed_at.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = !removed_at.contains_key(&(pair as u32));
        if fresh {
            removed_at.insert(pair as u32, stamp);
            // After the stamp: whoever sees the bit finds it.
            self.bits[pair / 64].fetch_or(1 << (pair % 64), Ordering::Release);
        }
        fresh
    }

    /// Pairs that changes after this stamp removed, with their stamps.
    pub(crate) fn removed_after(&self, stamp: u64) -> Vec<(u32, u64)> {
        let removed_at = self.removed_at.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<(u32, u64)> = removed_at
            .iter()
            .filter(|(_, removed)| **removed > stamp)
            .map(|(pair, removed)| (*pair, *removed))
            .collect();
        found.sort_unstable();
        found
    }

    /// All pairs that changes up to this stamp removed, in order.
    pub(crate) fn removed_until(&self, stamp: u64) -> Vec<u32> {
        let removed_at = self.removed_at.read().unwrap_or_else(PoisonError::into_inner);
        let until = removed_at.iter().filter(|(_, removed)| **removed <= stamp);
        let mut found: Vec<u32> = until.map(|(pair, _)| *pair).collect();
        found.sort_unstable();
        found
    }

    /// How many were ever removed.
    pub(crate) fn n_removed(&self) -> usize {
        self.removed_at.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}
