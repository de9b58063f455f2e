//! The linear scan: every code of a segment against a query, four at a time.
//!
//! It serves radii for which substrings do not pay, and segments that are kept without tables. With AVX2 it counts bits by looking half
//! bytes up in a register (Muła, Kurz and Lemire, 2018); otherwise it is a plain loop. Which one runs is decided at run time and never
//! changes the answer.

use crate::codes::{CodesRef, GROUP, Line};
use signal::Pdq;
use std::ops::Range;

/// Lines that are compared with one query after the other before the next are read: they stay in the first-level cache meanwhile.
pub(crate) const BLOCK_LINES: usize = 128;

/// Lines of which it is asked together whether any code in them may be near.
const LINES_TOGETHER: usize = 4;

/// Words of a code that tell enough. Of unrelated codes about one in 100,000 differs in at most 40 of its first 128 bits, or in at most 66
/// of its first 192.
fn words_needed(radius: u32) -> usize {
    match radius {
        0..=40 => 2,
        41..=66 => 3,
        _ => 4,
    }
}

/// Calls `found(slot, distance)` for every code of these lines at most `radius` from `query`, in order of slots.
pub(crate) fn near(codes: CodesRef<'_>, lines: Range<usize>, query: Pdq, radius: u32, found: impl FnMut(usize, u32)) {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("popcnt") {
        #[expect(unsafe_code, reason = "functions compiled for features of this processor")]
        // SAFETY: the processor has the two features that the functions are compiled for.
        return unsafe {
            match words_needed(radius) {
                2 => near_avx2::<2>(codes, lines, query, radius, found),
                3 => near_avx2::<3>(codes, lines, query, radius, found),
                _ => near_avx2::<4>(codes, lines, query, radius, found),
            }
        };
    }
    near_portable(codes, lines, query, radius, found);
}

fn near_portable(codes: CodesRef<'_>, lines: Range<usize>, query: Pdq, radius: u32, mut found: impl FnMut(usize, u32)) {
    let words = query.words();
    let n_words = words_needed(radius);
    for at in lines {
        let mut distances = [0_u32; GROUP];
        for (word, bits) in words.iter().enumerate().take(n_words) {
            let line = if word < 2 { &codes.front[at] } else { &codes.back[at] };
            let from = GROUP * (word % 2);
            for (distance, code) in distances.iter_mut().zip(&line.0[from..from + GROUP]) {
                *distance += (code ^ bits).count_ones();
            }
        }
        if distances.iter().any(|distance| *distance <= radius) {
            each(codes, at..at + 1, words, radius, &mut found);
        }
    }
}

/// Looks at each code of a few lines in full.
#[inline(always)]
fn each(codes: CodesRef<'_>, lines: Range<usize>, words: [u64; 4], radius: u32, found: &mut impl FnMut(usize, u32)) {
    for slot in lines.start * GROUP..(lines.end * GROUP).min(codes.len) {
        if let Some(distance) = codes.distance_within(slot, words, radius) {
            found(slot, distance);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn near_avx2<const WORDS: usize>(
    codes: CodesRef<'_>,
    lines: Range<usize>,
    query: Pdq,
    radius: u32,
    mut found: impl FnMut(usize, u32),
) {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi8, _mm256_and_si256, _mm256_cmpgt_epi64, _mm256_or_si256, _mm256_sad_epu8,
        _mm256_set1_epi8, _mm256_set1_epi64x, _mm256_setr_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
        _mm256_srli_epi16, _mm256_testz_si256, _mm256_xor_si256,
    };

    let words = query.words();
    let wanted: [__m256i; 4] = words.map(|word| _mm256_set1_epi64x(word.cast_signed()));
    let ones_of_half_byte = _mm256_setr_epi8(
        0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
    );
    let low_half = _mm256_set1_epi8(0x0f);
    let beyond = _mm256_set1_epi64x(i64::from(radius) + 1);
    let half = |line: &Line, second: bool| -> __m256i {
        let values: [__m256i; 2] = bytemuck::cast(line.0);
        values[usize::from(second)]
    };

    // Bit counts of the bytes of four codes' words; of WORDS words together at most 32 in a byte.
    let near_in_line = |at: usize| -> __m256i {
        let mut ones = _mm256_setzero_si256();
        for (word, wanted) in wanted.iter().enumerate().take(WORDS) {
            let line = if word < 2 { &codes.front[at] } else { &codes.back[at] };
            let differing = _mm256_xor_si256(half(line, word % 2 == 1), *wanted);
            let low = _mm256_and_si256(differing, low_half);
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(differing), low_half);
            ones = _mm256_add_epi8(ones, _mm256_shuffle_epi8(ones_of_half_byte, low));
            ones = _mm256_add_epi8(ones, _mm256_shuffle_epi8(ones_of_half_byte, high));
        }
        _mm256_cmpgt_epi64(beyond, _mm256_sad_epu8(ones, _mm256_setzero_si256()))
    };

    let mut at = lines.start;
    while at + LINES_TOGETHER <= lines.end {
        let mut any = near_in_line(at);
        for next in at + 1..at + LINES_TOGETHER {
            any = _mm256_or_si256(any, near_in_line(next));
        }
        if _mm256_testz_si256(any, any) == 0 {
            each(codes, at..at + LINES_TOGETHER, words, radius, &mut found);
        }
        at += LINES_TOGETHER;
    }
    each(codes, at..lines.end, words, radius, &mut found);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::Codes;
    use proptest::prelude::*;

    /// Codes around a few centres, so that every radius has codes inside and outside.
    fn codes() -> impl Strategy<Value = Vec<Pdq>> {
        let code = (any::<bool>(), proptest::collection::vec(0..256_usize, 0..120)).prop_map(|(negative, flips)| {
            let mut words = if negative { [u64::MAX; 4] } else { [0; 4] };
            for bit in flips {
                words[bit / 64] ^= 1 << (bit % 64);
            }
            Pdq::from_words(words)
        });
        proptest::collection::vec(code, 0..70)
    }

    proptest! {
        #[test]
        fn every_variant_agrees_with_the_plain_distance(codes in codes(), query in codes(), radius in 0..=260_u32) {
            let query = query.first().copied().unwrap_or(Pdq::from_words([0; 4]));
            let distances = codes.iter().map(|code| code.distance(query)).enumerate();
            let expected: Vec<_> = distances.filter(|&(_, distance)| distance <= radius).collect();

            let kept = Codes::collect(codes.iter().copied()).unwrap();
            let lines = 0..Codes::n_lines(codes.len());
            let mut portable = Vec::new();
            near_portable(kept.slices(), lines.clone(), query, radius, |slot, distance| portable.push((slot, distance)));
            prop_assert_eq!(&portable, &expected);
            let mut detected = Vec::new();
            near(kept.slices(), lines, query, radius, |slot, distance| detected.push((slot, distance)));
            prop_assert_eq!(&detected, &expected);
        }
    }
}
