//! Tables of substrings: which codes have this value in that substring? Built once for a segment, never changed.
//!
//! A table is a row of buckets laid end to end: `starts` says where each begins in `slots`. A search reads thousands of buckets at random, so it goes in stages, each
//! of which asks the memory for what the next one needs.

use crate::chunks::{Chunk, Chunks, patterns};
use crate::codes::{Codes, CodesRef};
use crate::memory::Column;
use signal::Pdq;
use std::io;
use std::num::NonZero;
use std::sync::{Mutex, PoisonError};

/// The substrings of a segment's codes, looked up.
pub(crate) struct Tables {
    chunks: Chunks,
    tables: Vec<Table>,
}

struct Table {
    /// For each value of the substring, and one more, where its slots begin.
    starts: Column<u32>,
    slots: Column<u32>,
}

/// Buckets that are asked for together: what they lead to fits into the first-level cache.
const BUCKETS_TOGETHER: usize = 256;
/// How many buckets ahead memory is asked for.
const AHEAD: usize = 24;

/// Room that a search needs on its way.
#[derive(Default)]
pub(crate) struct TableScratch {
    buckets: Vec<(u32, u32)>,
    candidates: Vec<u32>,
}

impl Tables {
    pub(crate) fn build(codes: &Codes, n_chunks: u32) -> io::Result<Self> {
        let chunks = Chunks::new(n_chunks);
        let built: Mutex<Vec<(usize, io::Result<Table>)>> = Mutex::new(Vec::new());
        let waiting: Mutex<_> = Mutex::new(chunks.iter().enumerate());
        let n_threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        std::thread::scope(|scope| {
            for _ in 0..if codes.len() < 1 << 18 { 1 } else { n_threads } {
                scope.spawn(|| {
                    loop {
                        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some((at, chunk)) = next else { return };
                        let table = Table::build(codes.slices(), chunk);
                        built.lock().unwrap_or_else(PoisonError::into_inner).push((at, table));
                    }
                });
            }
        });
        drop(waiting);
        let mut built = built.into_inner().unwrap_or_else(PoisonError::into_inner);
        built.sort_unstable_by_key(|(at, _)| *at);
        let tables = built
            .into_iter()
            .map(|(_, table)| table)
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Self { chunks, tables })
    }

    /// What a search would cost: see [`Chunks::cost`].
    pub(crate) fn cost(&self, radius: u32, n_codes: usize) -> Option<(f64, f64)> {
        self.chunks.cost(radius, n_codes)
    }

    pub(crate) fn n_bytes(&self) -> usize {
        self.tables
            .iter()
            .map(|table| table.starts.n_bytes() + table.slots.n_bytes())
            .sum()
    }

    /// Calls `found(slot, distance)` once for every code at most `radius` from `query`, in no order.
    pub(crate) fn near(
        &self,
        codes: CodesRef<'_>,
        query: Pdq,
        radius: u32,
        scratch: &mut TableScratch,
        found: impl FnMut(usize, u32),
    ) {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("bmi1") && std::is_x86_feature_detected!("popcnt") {
            #[expect(unsafe_code, reason = "a function compiled for features of this processor")]
            // SAFETY: the processor has the features that the function is compiled for.
            return unsafe { self.near_popcnt(codes, query, radius, scratch, found) };
        }
        self.near_anywhere(codes, query, radius, scratch, found);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "bmi1,popcnt")]
    fn near_popcnt(
        &self,
        codes: CodesRef<'_>,
        query: Pdq,
        radius: u32,
        scratch: &mut TableScratch,
        found: impl FnMut(usize, u32),
    ) {
        self.near_anywhere(codes, query, radius, scratch, found);
    }

    #[inline(always)]
    fn near_anywhere(
        &self,
        codes: CodesRef<'_>,
        query: Pdq,
        radius: u32,
        scratch: &mut TableScratch,
        mut found: impl FnMut(usize, u32),
    ) {
        let words = query.words();
        let units = self.chunks.units(radius);
        for (at, (chunk, table)) in self.chunks.iter().zip(&self.tables).enumerate() {
            let Some(flips) = units[at].checked_sub(1) else { break };
            let Some(patterns) = patterns(chunk.width, flips) else {
                return; // the planner asks for no such radius
            };
            let value = chunk.of(words);
            let (starts, slots): (&[u32], &[u32]) = (&table.starts, &table.slots);
            for together in patterns.chunks(BUCKETS_TOGETHER) {
                scratch.read_buckets(starts, slots, value, together);
                scratch.read_candidates(slots, codes);
                for &slot in &scratch.candidates {
                    let Some(distance) = codes.distance_within(slot as usize, words, radius) else {
                        continue;
                    };
                    // A code that an earlier substring leads to was found there.
                    let code = codes.get(slot as usize).words();
                    let differing = [0, 1, 2, 3].map(|word| code[word] ^ words[word]);
                    if !self.chunks.led_to_before(differing, &units, at) {
                        found(slot as usize, distance);
                    }
                }
            }
        }
    }
}

impl TableScratch {
    #[inline(always)]
    fn read_buckets(&mut self, starts: &[u32], slots: &[u32], value: u32, patterns: &[u32]) {
        self.buckets.clear();
        for pattern in patterns.iter().take(AHEAD) {
            prefetch(starts, (value ^ pattern) as usize);
        }
        for (at, pattern) in patterns.iter().enumerate() {
            if let Some(later) = patterns.get(at + AHEAD) {
                prefetch(starts, (value ^ later) as usize);
            }
            let bucket = (value ^ pattern) as usize;
            let (start, end) = (starts[bucket], starts[bucket + 1]);
            if start < end {
                prefetch(slots, start as usize);
                self.buckets.push((start, end));
            }
        }
    }

    #[inline(always)]
    fn read_candidates(&mut self, slots: &[u32], codes: CodesRef<'_>) {
        self.candidates.clear();
        for &(start, end) in &self.buckets {
            for &slot in &slots[start as usize..end as usize] {
                prefetch(codes.front, slot as usize / crate::codes::GROUP);
                self.candidates.push(slot);
            }
        }
    }
}

impl Table {
    fn build(codes: CodesRef<'_>, chunk: Chunk) -> io::Result<Self> {
        let n_buckets = 1_usize << chunk.width;
        let mut starts = Column::<u32>::zeroed(n_buckets + 1)?;
        let mut slots = Column::<u32>::zeroed(codes.len)?;
        // Counted one place later than they lie, so that what says where the next slot goes ends up as where the bucket ends.
        let next = &mut starts.values_mut()[1..];
        for slot in 0..codes.len {
            next[chunk.of(codes.get(slot).words()) as usize] += 1;
        }
        let mut end = 0;
        for count in next.iter_mut() {
            (*count, end) = (end, end + *count);
        }
        let slots_out = slots.values_mut();
        for slot in 0..codes.len {
            if slot + AHEAD < codes.len {
                prefetch(next, chunk.of(codes.get(slot + AHEAD).words()) as usize);
            }
            let place = &mut next[chunk.of(codes.get(slot).words()) as usize];
            slots_out[*place as usize] = slot as u32;
            *place += 1;
        }
        Ok(Self { starts, slots })
    }
}

/// Asks the memory for a value that will be read soon. A hint: it changes nothing and never fails.
#[inline(always)]
pub(crate) fn prefetch<T>(values: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(value) = values.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[expect(unsafe_code, reason = "a hint to the memory")]
        // SAFETY: prefetching has no effect but on time, at any address; this one is of a value besides.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, at);
}
