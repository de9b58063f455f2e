//! Rows: tables of substrings that carry a part of each code with them, so that nearly every candidate is turned away where it stands.
//!
//! With up to a few million codes a bucket of a 16-bit substring holds a handful of them. Beside each slot lie 96 bits of its code, chosen
//! away from the substring: a search reads some hundred short rows from end to end and then the codes that are near, instead of thousands of places
//! at random. It costs 256 bytes a code, which is why larger segments have [`Tables`](crate::tables::Tables).

use crate::chunks::{Chunks, patterns};
use crate::codes::{Codes, CodesRef};
use crate::memory::Column;
use crate::tables::prefetch;
use bytemuck::{Pod, Zeroable};
use signal::Pdq;
use std::io;

const N_CHUNKS: usize = 16;
const N_VALUES: usize = 1 << 16;
/// Buckets that are asked for together.
const BUCKETS_TOGETHER: usize = 512;
/// How many buckets ahead the first entries are asked for.
const AHEAD: usize = 8;
/// Cache lines of a row that are asked for; the processor asks for the rest by itself.
const LINES_ASKED: usize = 8;
/// Entries in a cache line.
const ENTRIES_IN_LINE: usize = 4;

/// Rows of entries, one for each value of each substring.
pub(crate) struct Rows {
    chunks: Chunks,
    /// For each substring and value where its row begins among the substring's entries; for each substring one more.
    starts: Column<u32>,
    entries: Vec<Column<Entry>>,
}

/// A code's slot and a part of the code.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(16))]
struct Entry {
    part: [u32; 3],
    slot: u32,
}

/// Room that a search needs on its way: substring, first entry, and the one after the last.
#[derive(Default)]
pub(crate) struct RowScratch {
    rows: Vec<(u32, u32, u32)>,
}

/// Three of the eight half words of a code that do not touch the substring.
#[inline(always)]
fn part_of(words: [u64; 4], chunk: usize) -> [u32; 3] {
    let half = |at: usize| (words[(at / 2) % 4] >> (32 * (at % 2))) as u32;
    let own = chunk / 2;
    [half(own + 1), half(own + 2), half(own + 3)]
}

impl Rows {
    pub(crate) fn build(codes: &Codes) -> io::Result<Self> {
        let codes = codes.slices();
        let chunks = Chunks::new(N_CHUNKS as u32);
        let mut starts = Column::<u32>::zeroed(N_CHUNKS * (N_VALUES + 1))?;
        let mut entries = Vec::with_capacity(N_CHUNKS);
        for (at, (chunk, starts)) in chunks
            .iter()
            .zip(starts.values_mut().chunks_mut(N_VALUES + 1))
            .enumerate()
        {
            // Counted one place later than they lie, so that what says where the next entry goes ends up as where the row ends.
            let next = &mut starts[1..];
            for slot in 0..codes.len {
                next[chunk.of(codes.get(slot).words()) as usize] += 1;
            }
            let mut end = 0;
            for count in next.iter_mut() {
                (*count, end) = (end, end + *count);
            }
            let mut column = Column::<Entry>::zeroed(codes.len)?;
            let out = column.values_mut();
            for slot in 0..codes.len {
                let words = codes.get(slot).words();
                let place = &mut next[chunk.of(words) as usize];
                out[*place as usize] = Entry {
                    part: part_of(words, at),
                    slot: slot as u32,
                };
                *place += 1;
            }
            entries.push(column);
        }
        Ok(Self {
            chunks,
            starts,
            entries,
        })
    }

    /// What a search would cost: see [`Chunks::cost`].
    pub(crate) fn cost(&self, radius: u32, n_codes: usize) -> Option<(f64, f64)> {
        self.chunks.cost(radius, n_codes)
    }

    pub(crate) fn n_bytes(&self) -> usize {
        self.starts.n_bytes() + self.entries.iter().map(Column::n_bytes).sum::<usize>()
    }

    /// Calls `found(slot, distance)` once for every code at most `radius` from `query`, in no order.
    pub(crate) fn near(
        &self,
        codes: CodesRef<'_>,
        query: Pdq,
        radius: u32,
        scratch: &mut RowScratch,
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
        scratch: &mut RowScratch,
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
        scratch: &mut RowScratch,
        mut found: impl FnMut(usize, u32),
    ) {
        let words = query.words();
        let units = self.chunks.units(radius);
        let mut values = [0_u32; N_CHUNKS];
        let mut parts = [[0_u32; 3]; N_CHUNKS];
        for (at, chunk) in self.chunks.iter().enumerate() {
            values[at] = chunk.of(words);
            parts[at] = part_of(words, at);
        }
        let starts: &[u32] = &self.starts;
        let row = |at: usize, pattern: u32| at * (N_VALUES + 1) + (values[at] ^ pattern) as usize;

        scratch.rows.clear();
        // All substrings together: while one waits for memory, the others ask for theirs.
        for at in 0..N_CHUNKS {
            for pattern in self.patterns_of(at, units) {
                prefetch(starts, row(at, *pattern));
            }
        }
        for at in 0..N_CHUNKS {
            for pattern in self.patterns_of(at, units) {
                let place = row(at, *pattern);
                let (start, end) = (starts[place], starts[place + 1]);
                if start < end {
                    scratch.rows.push((at as u32, start, end));
                }
            }
        }
        for together in scratch.rows.chunks(BUCKETS_TOGETHER) {
            for &row in together.iter().take(AHEAD) {
                self.ask_for(row);
            }
            for (place, &(at, start, end)) in together.iter().enumerate() {
                if let Some(&later) = together.get(place + AHEAD) {
                    self.ask_for(later);
                }
                let at = at as usize;
                let part = parts[at];
                let wide = u64::from(part[0]) | u64::from(part[1]) << 32;
                for entry in &self.entries[at][start as usize..end as usize] {
                    let entry_wide = u64::from(entry.part[0]) | u64::from(entry.part[1]) << 32;
                    let differing = (entry_wide ^ wide).count_ones() + (entry.part[2] ^ part[2]).count_ones();
                    if differing <= radius {
                        let slot = entry.slot as usize;
                        if let Some(distance) = codes.distance_within(slot, words, radius) {
                            let code = codes.get(slot).words();
                            let differing = [0, 1, 2, 3].map(|word| code[word] ^ words[word]);
                            if !self.chunks.led_to_before(differing, &units, at) {
                                found(slot, distance);
                            }
                        }
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn patterns_of(&self, at: usize, units: [u32; N_CHUNKS]) -> &'static [u32] {
        // The planner asks for no radius whose patterns are not listed.
        let flips = units[at].checked_sub(1);
        flips.and_then(|flips| patterns(16, flips)).unwrap_or_default()
    }

    #[inline(always)]
    fn ask_for(&self, (at, start, end): (u32, u32, u32)) {
        let entries: &[Entry] = &self.entries[at as usize];
        for line in (start as usize..end as usize)
            .step_by(ENTRIES_IN_LINE)
            .take(LINES_ASKED)
        {
            prefetch(entries, line);
        }
    }
}
