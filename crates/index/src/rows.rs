//! Rows: for each value of each substring the codes that have it, each with the *next* substring beside it, so that nearly every
//! candidate is turned away where it stands.
//!
//! A code is cut into a ring of 16 substrings of 16 bits. Given units that add up to r + 1, a code that differs from the query in at
//! most r bits has a place in the ring from which on, however far one goes round, the differing bits so far are fewer than the units so far: the
//! differences `uᵢ − dᵢ` add up to at least one, so start behind the last place at which their running sum is least (Raney's lemma; as a filter: Qin
//! and Xiao, "Pigeonring", 2018). Rows use its first two steps: `d` of the substring is below its units, which is a look-up of few patterns, and
//! `d` of it and the next together is below the units of both, which the 16 bits beside each slot tell. Of unrelated codes in
//! a row that is true of about one in 400 at r = 31. So a search reads some hundred short rows, of two bytes a code, and then little more
//! than the codes that are near.
//!
//! It costs 80 bytes a code. How a row is compared is told in [`compare`].

use crate::buckets::{lay_out, prefetch, share_out};
use crate::chunks::patterns;
use crate::codes::{Codes, CodesRef};
use crate::compare::{self, LANES};
use crate::memory::Column;
use bytemuck::{Pod, Zeroable};
use signal::Pdq;
use std::io;

/// Slots are numbered in 24 bits.
pub(crate) const CODES_MAX: usize = 1 << 24;

const N_CHUNKS: usize = 16;
const WIDTH: u32 = 16;
const N_VALUES: usize = 1 << WIDTH;
// Three bytes hold the greatest slot, and four the place behind the last row.
const _: () = assert!(CODES_MAX - 1 <= 0xff_ff_ff && N_CHUNKS * CODES_MAX <= u32::MAX as usize);

/// Cache lines of a row that are asked for; the processor asks for the rest by itself.
const LINES_ASKED: usize = 8;
/// Candidates that are looked at together.
const CANDIDATES_TOGETHER: usize = 256;

/// What a search takes, in nanoseconds, measured. A wrong figure costs time and no answer.
const ROW_NS: f64 = 15.0;
const ENTRY_NS: f64 = 0.45;
const CANDIDATE_NS: f64 = 50.0;

/// Rows of codes, one for each value of each substring.
pub(crate) struct Rows {
    n_codes: usize,
    /// For each substring and value where its row begins, and one more. The rows of a substring are as long as there are codes.
    starts: Column<u32>,
    /// The substring after the one that the row is of, by cache lines: what is read of a row is no line that it does not touch.
    nexts: Column<Line>,
    slots: Column<[u8; 3]>,
}

/// Nexts that share a line.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u16; LANES]);

/// Room that a search needs on its way.
#[derive(Default)]
pub(crate) struct RowScratch {
    /// The rows that were asked for and not compared yet.
    asked: Vec<Row>,
    /// Places in rows that may be of a near code, and the slots that stand there.
    candidates: Vec<(u32, u32)>,
}

#[derive(Clone, Copy)]
struct Row {
    start: u32,
    end: u32,
    /// Most bits in which the next substring may differ.
    limit: u16,
}

/// A code's substrings.
#[inline(always)]
fn substrings(words: [u64; 4]) -> [u16; N_CHUNKS] {
    std::array::from_fn(|at| (words[at / 4] >> (16 * (at % 4))) as u16)
}

#[inline(always)]
fn after(at: usize) -> usize {
    (at + 1) % N_CHUNKS
}

/// Units for each substring: r + 1 in all, spread so that after one with more comes one with fewer, which lets the fewest strangers pass.
#[inline(always)]
fn units_within(radius: u32) -> [u32; N_CHUNKS] {
    let until = |at: usize| at as u32 * (radius + 1) / N_CHUNKS as u32;
    std::array::from_fn(|at| until(at + 1) - until(at))
}

/// Whether a substring leads to a code that differs in so many bits of each.
#[inline(always)]
fn leads(differing: &[u32; N_CHUNKS], units: &[u32; N_CHUNKS], at: usize) -> bool {
    let next = after(at);
    differing[at] < units[at] && differing[at] + differing[next] < units[at] + units[next]
}

impl Rows {
    /// Rows of at most [`CODES_MAX`] codes.
    pub(crate) fn build(codes: &Codes) -> io::Result<Self> {
        let (codes, n_codes) = (codes.slices(), codes.len());
        assert!(n_codes <= CODES_MAX, "a row numbers its slots in 24 bits");
        let mut starts = Column::<u32>::zeroed(N_CHUNKS * N_VALUES + 1)?;
        let mut nexts = Column::<Line>::zeroed((N_CHUNKS * n_codes).div_ceil(LANES))?;
        let mut slots = Column::<[u8; 3]>::zeroed(N_CHUNKS * n_codes)?;
        if n_codes > 0 {
            // The ends of one substring's rows are the starts of what follows.
            let ends = starts.values_mut()[1..].chunks_mut(N_VALUES);
            let nexts: &mut [u16] = bytemuck::cast_slice_mut(nexts.values_mut());
            let of_substrings = nexts.chunks_mut(n_codes).zip(slots.values_mut().chunks_mut(n_codes));
            let jobs = ends.zip(of_substrings).enumerate();
            share_out(n_codes, jobs, |(at, (ends, (nexts, slots)))| {
                let first = at * n_codes;
                let substring = |slot: usize, at: usize| substrings(codes.get(slot).words())[at];
                lay_out(
                    ends,
                    first as u32,
                    n_codes,
                    |slot| usize::from(substring(slot, at)),
                    |slot, place| {
                        let [a, b, c, _] = (slot as u32).to_le_bytes();
                        nexts[place - first] = substring(slot, after(at));
                        slots[place - first] = [a, b, c];
                    },
                );
            });
        }
        Ok(Self {
            n_codes,
            starts,
            nexts,
            slots,
        })
    }

    /// How long a search would take, in nanoseconds, if codes were without structure; `None` if patterns of so many bits are not listed.
    pub(crate) fn cost_ns(&self, radius: u32) -> Option<f64> {
        let in_row = self.n_codes as f64 / N_VALUES as f64;
        let units = units_within(radius);
        let mut cost = 0.0;
        for at in 0..N_CHUNKS {
            let Some(flips) = units[at].checked_sub(1) else {
                continue;
            };
            // Most patterns flip as many bits as they may.
            let limit = units[after(at)].min(WIDTH) as usize;
            let n_rows = patterns(WIDTH, flips)?.len() as f64;
            cost += n_rows * (ROW_NS + in_row * (ENTRY_NS + CANDIDATE_NS * compare::chance_within(limit)));
        }
        Some(cost)
    }

    pub(crate) fn n_bytes(&self) -> usize {
        self.starts.n_bytes() + self.nexts.n_bytes() + self.slots.n_bytes()
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
        if compare::has_avx512() {
            #[expect(unsafe_code, reason = "a function compiled for features of this processor")]
            // SAFETY: the processor has the features that the function is compiled for.
            return unsafe { self.near_avx512(codes, query, radius, scratch, found) };
        }
        #[cfg(target_arch = "x86_64")]
        if compare::has_avx2() {
            #[expect(unsafe_code, reason = "a function compiled for features of this processor")]
            // SAFETY: the processor has the features that the function is compiled for.
            return unsafe { self.near_avx2(codes, query, radius, scratch, found) };
        }
        self.near_by(codes, query, radius, scratch, compare::within_portable, found);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512bitalg,bmi1,popcnt")]
    fn near_avx512(
        &self,
        codes: CodesRef<'_>,
        query: Pdq,
        radius: u32,
        scratch: &mut RowScratch,
        found: impl FnMut(usize, u32),
    ) {
        let within = |nexts: &[u16; LANES], wanted: u16, limit: u16| compare::within_avx512(nexts, wanted, limit);
        self.near_by(codes, query, radius, scratch, within, found);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,popcnt")]
    fn near_avx2(
        &self,
        codes: CodesRef<'_>,
        query: Pdq,
        radius: u32,
        scratch: &mut RowScratch,
        found: impl FnMut(usize, u32),
    ) {
        let within = |nexts: &[u16; LANES], wanted: u16, limit: u16| compare::within_avx2(nexts, wanted, limit);
        self.near_by(codes, query, radius, scratch, within, found);
    }

    /// Three things go on at a time: the starts of one substring's rows are asked for, the rows of the one before it, whose starts have come,
    /// are asked for, and the rows of the one before that are compared.
    #[inline(always)]
    fn near_by(
        &self,
        codes: CodesRef<'_>,
        query: Pdq,
        radius: u32,
        scratch: &mut RowScratch,
        within: impl Fn(&[u16; LANES], u16, u16) -> u32,
        mut found: impl FnMut(usize, u32),
    ) {
        let words = query.words();
        let values = substrings(words);
        let units = units_within(radius);
        let (starts, nexts, slots): (&[u32], &[Line], &[[u8; 3]]) = (&self.starts, &self.nexts, &self.slots);
        let RowScratch { asked, candidates } = scratch;
        asked.clear();
        candidates.clear();
        // The planner asks for no radius whose patterns are not listed.
        let patterns_of = |at: usize| {
            units[at]
                .checked_sub(1)
                .and_then(|flips| patterns(WIDTH, flips))
                .unwrap_or_default()
        };
        let bucket = |at: usize, pattern: u32| at * N_VALUES + (u32::from(values[at]) ^ pattern) as usize;

        for step in 0..N_CHUNKS + 2 {
            if step < N_CHUNKS {
                for &pattern in patterns_of(step) {
                    prefetch(starts, bucket(step, pattern));
                }
            }
            let n_waiting = asked.len();
            if let Some(at) = step.checked_sub(1).filter(|at| *at < N_CHUNKS) {
                let limit = units[at] + units[after(at)];
                for &pattern in patterns_of(at) {
                    let bucket = bucket(at, pattern);
                    let (start, end) = (starts[bucket], starts[bucket + 1]);
                    if start < end {
                        for line in (start as usize / LANES..=(end as usize - 1) / LANES).take(LINES_ASKED) {
                            prefetch(nexts, line);
                        }
                        let limit = (limit - 1 - pattern.count_ones()) as u16;
                        asked.push(Row { start, end, limit });
                    }
                }
            }
            if let Some(at) = step.checked_sub(2) {
                let wanted = values[after(at)];
                for row in &asked[..n_waiting] {
                    let (start, last) = (row.start as usize, row.end as usize - 1);
                    let (first_line, last_line) = (start / LANES, last / LANES);
                    let mut of_row = u32::MAX << (start % LANES);
                    for (line, some) in (first_line..).zip(&nexts[first_line..=last_line]) {
                        if line == last_line {
                            of_row &= u32::MAX >> (LANES - 1 - last % LANES);
                        }
                        let mut near = within(&some.0, wanted, row.limit) & of_row;
                        of_row = u32::MAX;
                        while near != 0 {
                            let candidate = line * LANES + near.trailing_zeros() as usize;
                            prefetch(slots, candidate);
                            candidates.push((candidate as u32, 0));
                            near &= near - 1;
                        }
                    }
                    if candidates.len() >= CANDIDATES_TOGETHER {
                        self.check(codes, words, radius, &units, candidates, &mut found);
                    }
                }
            }
            asked.drain(..n_waiting);
        }
        self.check(codes, words, radius, &units, candidates, &mut found);
    }

    /// Compares the candidates' codes, and tells of those that are near and that no earlier substring leads to.
    #[inline(always)]
    fn check(
        &self,
        codes: CodesRef<'_>,
        words: [u64; 4],
        radius: u32,
        units: &[u32; N_CHUNKS],
        candidates: &mut Vec<(u32, u32)>,
        found: &mut impl FnMut(usize, u32),
    ) {
        for (place, slot) in candidates.iter_mut() {
            let [a, b, c] = self.slots[*place as usize];
            *slot = u32::from_le_bytes([a, b, c, 0]);
            prefetch(codes.front, *slot as usize / crate::codes::GROUP);
        }
        for (place, slot) in candidates.drain(..) {
            let slot = slot as usize;
            if let Some(distance) = codes.distance_within(slot, words, radius) {
                let code = codes.get(slot).words();
                let differing = substrings([0, 1, 2, 3].map(|word| code[word] ^ words[word])).map(u16::count_ones);
                let at = place as usize / self.n_codes;
                if !(0..at).any(|earlier| leads(&differing, units, earlier)) {
                    found(slot, distance);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A code that differs from `query` in so many bits of each substring.
    fn differing(query: Pdq, bits_of_each: [u32; N_CHUNKS], turn: u32) -> Pdq {
        let mut words = query.words();
        for (at, n_bits) in bits_of_each.into_iter().enumerate() {
            let bits = (((1_u32 << n_bits) - 1) as u16).rotate_left(turn + at as u32);
            words[at / 4] ^= u64::from(bits) << (16 * (at % 4));
        }
        Pdq::from_words(words)
    }

    /// How the differing bits lie: even, uneven, or all in a few substrings, so that every radius has codes at its edge.
    fn bits_of_each() -> impl Strategy<Value = [u32; N_CHUNKS]> {
        prop_oneof![
            proptest::array::uniform16(1..4_u32),
            proptest::array::uniform16(0..8_u32),
            proptest::array::uniform16(prop_oneof![4 => Just(0), 1 => 0..=16_u32]),
            proptest::array::uniform16(0..=16_u32),
        ]
    }

    fn check(query: Pdq, codes: &[Pdq], radius: u32) {
        let mut expected = Vec::new();
        for (slot, code) in codes.iter().enumerate() {
            let distance = code.distance(query);
            if distance <= radius {
                expected.push((slot, distance));
            }
        }
        let kept = Codes::collect(codes.iter().copied()).unwrap();
        let rows = Rows::build(&kept).unwrap();
        let mut scratch = RowScratch::default();
        let mut found = Vec::new();
        let push = |slot, distance| found.push((slot, distance));
        rows.near_by(
            kept.slices(),
            query,
            radius,
            &mut scratch,
            compare::within_portable,
            push,
        );
        found.sort_unstable();
        assert_eq!(found, expected, "plain, within {radius}");
        found.clear();
        rows.near(kept.slices(), query, radius, &mut scratch, |slot, distance| {
            found.push((slot, distance))
        });
        found.sort_unstable();
        assert_eq!(found, expected, "within {radius}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 48 }, ..ProptestConfig::default() })]

        #[test]
        fn every_near_code_is_found_once(
            query in proptest::array::uniform4(any::<u64>()),
            near in proptest::collection::vec((bits_of_each(), 0..16_u32), 0..120),
            far in proptest::collection::vec(proptest::array::uniform4(any::<u64>()), 0..20),
        ) {
            let query = Pdq::from_words(query);
            let near = near.into_iter().map(|(bits_of_each, turn)| differing(query, bits_of_each, turn));
            let mut codes: Vec<Pdq> = near.chain(far.into_iter().map(Pdq::from_words)).collect();
            codes.sort_unstable();
            codes.dedup();
            for radius in [0, 1, 8, 15, 16, 24, 31, 32, 40, 45, 50, 60, 63, RADIUS_MAX] {
                check(query, &codes, radius);
            }
        }

        /// The lemma, without codes: however few or many bits differ and wherever, from some place in the ring on they are fewer than the units.
        #[test]
        fn some_substring_leads_to_whatever_is_near(
            radius in 0..256_u32,
            moves in proptest::collection::vec((0..N_CHUNKS, 0..N_CHUNKS, 1..16_u32), 0..40),
            drops in proptest::collection::vec(0..N_CHUNKS, 0..4),
        ) {
            let units = units_within(radius);
            prop_assert_eq!(units.iter().sum::<u32>(), radius + 1);
            // As many bits as units in each substring, which leads nowhere, less one: then they are moved about.
            let mut differing = units;
            let full = differing.iter().position(|n_bits| *n_bits > 0).unwrap();
            differing[full] -= 1;
            for (from, to, n_bits) in moves {
                let n_bits = n_bits.min(differing[from]).min(WIDTH - differing[to].min(WIDTH));
                differing[from] -= n_bits;
                differing[to] += n_bits;
            }
            for at in drops {
                differing[at] = differing[at].saturating_sub(1);
            }
            prop_assert!(differing.iter().sum::<u32>() <= radius);
            let leads_to: Vec<usize> = (0..N_CHUNKS).filter(|at| leads(&differing, &units, *at)).collect();
            prop_assert!(!leads_to.is_empty(), "{units:?} {differing:?}");
        }
    }

    /// The greatest radius whose patterns are all listed.
    const RADIUS_MAX: u32 = 79;

    #[test]
    fn units_are_one_more_than_the_radius_and_spread_evenly() {
        let kept = Codes::collect([Pdq::from_words([0; 4])].into_iter()).unwrap();
        let rows = Rows::build(&kept).unwrap();
        for radius in 0..=256 {
            let units = units_within(radius);
            assert_eq!(units.iter().sum::<u32>(), radius + 1);
            let (least, most) = (units.iter().min().unwrap(), units.iter().max().unwrap());
            assert!(most - least <= 1, "{units:?}");
            for at in 0..N_CHUNKS {
                let of_two = units[at] + units[after(at)];
                assert!(of_two * 8 < radius + 1 + 8, "{units:?}");
            }
            // Beyond, rows would pass over codes: the planner must not choose them.
            assert_eq!(rows.cost_ns(radius).is_some(), radius <= RADIUS_MAX, "{radius}");
        }
    }

    #[test]
    fn a_long_row_is_read_to_its_end() {
        let query = Pdq::from_words([0; 4]);
        // All but the last substring are those of the query, so each row of 31, 32, 33… codes is as long as there are codes.
        for n in [1, 31, 32, 33, 64, 1000, 65_536] {
            let codes: Vec<Pdq> = (0..n).map(|code| Pdq::from_words([0, 0, 0, code << 48])).collect();
            check(query, &codes, 8);
        }
    }
}
