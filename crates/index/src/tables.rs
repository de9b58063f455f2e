//! Tables of substrings: which codes have this value in that substring? Built once for a segment, never changed.
//!
//! A table is a row of buckets laid end to end: `starts` says where each begins in `slots`. A search reads thousands of buckets at random, so it goes in stages, each
//! of which asks the memory for what the next one needs.

use crate::buckets::{lay_out, prefetch, share_out};
use crate::chunks::{Chunk, Chunks, patterns};
use crate::codes::{Codes, CodesRef};
use crate::memory::Column;
use signal::Pdq;
use std::io;

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

/// What a search takes, in nanoseconds, measured. A wrong figure costs time and no answer.
const BUCKET_NS: f64 = 8.0;
const CANDIDATE_NS: f64 = 15.0;

/// Room that a search needs on its way.
#[derive(Default)]
pub(crate) struct TableScratch {
    buckets: Vec<(u32, u32)>,
    candidates: Vec<u32>,
}

impl Tables {
    pub(crate) fn build(codes: &Codes, n_chunks: u32) -> io::Result<Self> {
        let chunks = Chunks::new(n_chunks);
        let tables = share_out(codes.len(), chunks.iter(), |chunk| Table::build(codes.slices(), chunk));
        let tables = tables.into_iter().collect::<io::Result<Vec<_>>>()?;
        Ok(Self { chunks, tables })
    }

    /// How long a search would take, in nanoseconds, if codes were without structure; `None` if patterns of so many bits are not listed.
    pub(crate) fn cost_ns(&self, radius: u32, n_codes: usize) -> Option<f64> {
        let (n_buckets, n_candidates) = self.chunks.cost(radius, n_codes)?;
        Some(n_buckets * BUCKET_NS + n_candidates * CANDIDATE_NS)
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
        let out = slots.values_mut();
        // The end of each bucket is the start of the next.
        lay_out(
            &mut starts.values_mut()[1..],
            0,
            codes.len,
            |slot| chunk.of(codes.get(slot).words()) as usize,
            |slot, place| out[place] = slot as u32,
        );
        Ok(Self { starts, slots })
    }
}
