//! Cutting a code into substrings, so that two near codes must nearly agree in one of them.
//!
//! If two codes differ in at most `r` bits, and each of `m` substrings is given `uᵢ` units with Σ uᵢ = r + 1, then in one of them they
//! differ in fewer than `uᵢ` bits: otherwise the differences would add up to r + 1. This is the pigeonhole of multi-index hashing (Norouzi,
//! Punjani and Fleet, 2012) with a share of its own for each substring.

use std::sync::OnceLock;

/// Bits of a code.
const BITS: u32 = 256;
/// Most substrings.
pub(crate) const CHUNKS_MAX: usize = 16;
/// The widest substring: 16 million buckets.
const WIDTH_MAX: usize = 24;
/// The most differing bits for which all patterns of a substring are listed.
const FLIPS_MAX: usize = 4;

/// How a code is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunks {
    all: Vec<Chunk>,
}

/// A substring: which bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk {
    start: u32,
    pub(crate) width: u32,
}

impl Chunks {
    /// `n` substrings of nearly the same width, the narrower ones first. `n` is 11 to 16.
    pub(crate) fn new(n: u32) -> Self {
        let (base, rest) = (BITS / n, BITS % n);
        let mut start = 0;
        let all = (0..n)
            .map(|at| {
                let width = base + u32::from(at >= n - rest);
                let chunk = Chunk { start, width };
                start += width;
                chunk
            })
            .collect();
        Self { all }
    }

    /// How many substrings make a segment of so many codes fastest, where they pay at all. Measured: few wide ones where buckets would
    /// overflow, many narrow ones where the tables would weigh more than the codes.
    pub(crate) fn best_number(n_codes: usize) -> u32 {
        match n_codes {
            0..700_000 => 16,
            700_000..4_000_000 => 12,
            _ => 11,
        }
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Chunk> + '_ {
        self.all.iter().copied()
    }

    /// Units for each substring: r + 1 in all, the narrower ones first. A substring without units is not looked at.
    pub(crate) fn units(&self, radius: u32) -> [u32; CHUNKS_MAX] {
        let n = self.all.len() as u32;
        let (base, rest) = ((radius + 1) / n, (radius + 1) % n);
        let mut units = [0; CHUNKS_MAX];
        for (at, units) in units.iter_mut().enumerate().take(self.all.len()) {
            *units = base + u32::from((at as u32) < rest);
        }
        units
    }

    /// Whether a code that differs from the query in these bits was led to by a substring before this one.
    #[inline(always)]
    pub(crate) fn led_to_before(&self, differing: [u64; 4], units: &[u32; CHUNKS_MAX], at: usize) -> bool {
        let before = self.all.iter().zip(units).take(at);
        before
            .into_iter()
            .any(|(chunk, units)| chunk.of(differing).count_ones() < *units)
    }

    /// Buckets that a search reads, and codes that it may expect in them if codes were without structure; `None` if patterns of so many
    /// bits are not listed.
    pub(crate) fn cost(&self, radius: u32, n_codes: usize) -> Option<(f64, f64)> {
        let units = self.units(radius);
        let (mut n_buckets, mut n_candidates) = (0.0, 0.0);
        for (chunk, units) in self.all.iter().zip(units) {
            let Some(flips) = units.checked_sub(1) else { continue };
            let n_patterns = patterns(chunk.width, flips)?.len() as f64;
            n_buckets += n_patterns;
            n_candidates += n_patterns * n_codes as f64 / f64::from(chunk.width).exp2();
        }
        Some((n_buckets, n_candidates))
    }
}

impl Chunk {
    /// The substring of a code.
    #[inline(always)]
    pub(crate) fn of(self, words: [u64; 4]) -> u32 {
        let (word, shift) = ((self.start / 64) as usize, self.start % 64);
        let mut bits = words[word & 3] >> shift;
        if shift + self.width > 64 {
            bits |= words[(word + 1) & 3] << (64 - shift);
        }
        (bits & ((1 << self.width) - 1)) as u32
    }
}

/// All patterns of `width` bits of which at most `flips` are set, in ascending order: neighbours read the same cache line.
pub(crate) fn patterns(width: u32, flips: u32) -> Option<&'static [u32]> {
    static LISTS: [[OnceLock<Vec<u32>>; FLIPS_MAX + 1]; WIDTH_MAX + 1] =
        [const { [const { OnceLock::new() }; FLIPS_MAX + 1] }; WIDTH_MAX + 1];
    let list = LISTS.get(width as usize)?.get(flips as usize)?;
    Some(list.get_or_init(|| {
        let mut found = vec![0_u32];
        let mut from = 0;
        for _ in 0..flips {
            let to = found.len();
            for at in from..to {
                // Only above the highest set bit, so that each pattern comes once.
                for bit in (u32::BITS - found[at].leading_zeros())..width {
                    found.push(found[at] | 1 << bit);
                }
            }
            from = to;
        }
        found.sort_unstable();
        found
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn substrings_cover_each_bit_once() {
        for n in 11..=16 {
            let chunks = Chunks::new(n);
            let bit = |at: u32| {
                let mut words = [0_u64; 4];
                words[at as usize / 64] = 1 << (at % 64);
                words
            };
            for at in 0..BITS {
                let n_set: u32 = chunks.iter().map(|chunk| chunk.of(bit(at)).count_ones()).sum();
                assert_eq!(n_set, 1, "bit {at} of {n} substrings");
            }
        }
    }

    #[test]
    fn patterns_are_all_and_each_once() {
        for (width, flips, expected) in [(16, 1, 17), (21, 2, 232), (23, 2, 277), (24, 3, 2325), (5, 4, 31)] {
            let found = patterns(width, flips).unwrap();
            assert_eq!(found.len(), expected, "{flips} of {width}");
            assert!(found.is_sorted_by(|a, b| a < b));
            assert!(found.iter().all(|p| p.count_ones() <= flips && *p < 1 << width));
        }
        assert_eq!(patterns(25, 1), None);
        assert_eq!(patterns(16, 5), None);
    }

    proptest! {
        #[test]
        fn two_near_codes_nearly_agree_in_a_substring(
            n in 11..=16_u32,
            flips in proptest::collection::btree_set(0..256_u32, 0..64),
        ) {
            let mut diff = [0_u64; 4];
            for bit in &flips {
                diff[*bit as usize / 64] |= 1 << (bit % 64);
            }
            let chunks = Chunks::new(n);
            for radius in flips.len() as u32..66 {
                let units = chunks.units(radius);
                prop_assert_eq!(units.iter().sum::<u32>(), radius + 1);
                prop_assert!(chunks.iter().zip(units).any(|(chunk, units)| chunk.of(diff).count_ones() < units));
            }
        }
    }
}
