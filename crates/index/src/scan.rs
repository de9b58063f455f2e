//! The linear scan: every code of a segment against a query, four at a time.
//!
//! It serves radii for which substrings do not pay, and segments that are kept without tables. With AVX-512 it counts bits by an instruction,
//! for four queries at a time where there are so many; with AVX2 it counts them by looking half bytes up in a register (Muła, Kurz and
//! Lemire, 2018); otherwise it is a plain loop. Which one runs is decided at run time and never changes the answer.

use crate::codes::{CodesRef, GROUP, Line};
use signal::Pdq;
use std::ops::Range;

/// Lines that are compared with one query after the other before the next are read: they stay in the second-level cache meanwhile.
pub(crate) const BLOCK_LINES: usize = 512;

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

/// Lines that AVX-512 has registers for, and asks of together.
#[cfg(target_arch = "x86_64")]
const LINES_IN_REGISTERS: usize = 8;

/// Queries that are compared with a line while it is in registers.
const QUERIES_TOGETHER: usize = 4;

/// What is looked for: a code, and how far from it.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) query: Pdq,
    pub(crate) radius: u32,
}

/// Calls `found(which, slot, distance)` for every code of these lines that is within its radius of `wanted[which]`; for each of them in order
/// of slots.
pub(crate) fn near(
    codes: CodesRef<'_>,
    lines: Range<usize>,
    wanted: &[Wanted],
    mut found: impl FnMut(usize, usize, u32),
) {
    let mut rest = 0..wanted.len();
    #[cfg(target_arch = "x86_64")]
    if has_avx512() {
        let (groups, _) = wanted.as_chunks::<QUERIES_TOGETHER>();
        for wanted in groups {
            let farthest = wanted.iter().map(|wanted| wanted.radius).max().unwrap_or(0);
            let found = |which: usize, slot: usize, distance: u32| found(rest.start + which, slot, distance);
            let lines = lines.clone();
            #[expect(unsafe_code, reason = "functions compiled for features of this processor")]
            // SAFETY: the processor has the features that the functions are compiled for.
            unsafe {
                match words_needed(farthest) {
                    2 => together_avx512::<2>(codes, lines, wanted, found),
                    3 => together_avx512::<3>(codes, lines, wanted, found),
                    _ => together_avx512::<4>(codes, lines, wanted, found),
                }
            }
            rest.start += QUERIES_TOGETHER;
        }
    }
    for which in rest {
        one(codes, lines.clone(), wanted[which], |slot, distance| {
            found(which, slot, distance)
        });
    }
}

/// The same for one query.
fn one(codes: CodesRef<'_>, lines: Range<usize>, wanted: Wanted, found: impl FnMut(usize, u32)) {
    let Wanted { query, radius } = wanted;
    #[cfg(target_arch = "x86_64")]
    if has_avx512() {
        #[expect(unsafe_code, reason = "functions compiled for features of this processor")]
        // SAFETY: the processor has the features that the functions are compiled for.
        return unsafe {
            match words_needed(radius) {
                2 => one_avx512::<2>(codes, lines, query, radius, found),
                3 => one_avx512::<3>(codes, lines, query, radius, found),
                _ => one_avx512::<4>(codes, lines, query, radius, found),
            }
        };
    }
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("popcnt") {
        #[expect(unsafe_code, reason = "functions compiled for features of this processor")]
        // SAFETY: the processor has the two features that the functions are compiled for.
        return unsafe {
            match words_needed(radius) {
                2 => one_avx2::<2>(codes, lines, query, radius, found),
                3 => one_avx2::<3>(codes, lines, query, radius, found),
                _ => one_avx2::<4>(codes, lines, query, radius, found),
            }
        };
    }
    one_portable(codes, lines, query, radius, found);
}

/// What looking at a code takes, in nanoseconds, measured, if so many queries are asked at a time: comparing it for each, and once for all
/// reading one half of it or both.
pub(crate) fn code_ns(radius: u32, n_queries: usize) -> f64 {
    let n_words = words_needed(radius);
    let read_ns = if n_words == 2 { 0.25 } else { 0.5 };
    compare_ns(n_words) + read_ns / n_queries.max(1) as f64
}

fn compare_ns(n_words: usize) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if has_avx512() {
        return match n_words {
            2 => 0.13,
            3 => 0.2,
            _ => 0.25,
        };
    }
    if n_words == 2 { 0.45 } else { 0.7 }
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512vl")
        && std::is_x86_feature_detected!("avx2")
        && std::is_x86_feature_detected!("avx512vpopcntdq")
        && std::is_x86_feature_detected!("popcnt")
}

fn one_portable(codes: CodesRef<'_>, lines: Range<usize>, query: Pdq, radius: u32, mut found: impl FnMut(usize, u32)) {
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

/// With AVX-512 there is an instruction that counts bits, here of one word of eight codes at once. Lines are put into that shape once for
/// all queries.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vpopcntdq,popcnt")]
fn together_avx512<const WORDS: usize>(
    codes: CodesRef<'_>,
    lines: Range<usize>,
    wanted: &[Wanted; QUERIES_TOGETHER],
    mut found: impl FnMut(usize, usize, u32),
) {
    use std::arch::x86_64::{
        __m512i, _mm512_add_epi64, _mm512_cmple_epu64_mask, _mm512_min_epu64, _mm512_popcnt_epi64, _mm512_set1_epi64,
        _mm512_shuffle_i64x2, _mm512_xor_si512,
    };

    let words: [[__m512i; WORDS]; QUERIES_TOGETHER] = std::array::from_fn(|which| {
        let words = wanted[which].query.words();
        std::array::from_fn(|word| _mm512_set1_epi64(words[word].cast_signed()))
    });
    let radii: [__m512i; QUERIES_TOGETHER] =
        std::array::from_fn(|which| _mm512_set1_epi64(i64::from(wanted[which].radius)));
    // Each word of eight codes, of which four share a line.
    let eight = |front: &[Line], back: &[Line]| -> [__m512i; WORDS] {
        std::array::from_fn(|word| {
            let two = if word < 2 { front } else { back };
            let (a, b): (__m512i, __m512i) = (bytemuck::cast(two[0].0), bytemuck::cast(two[1].0));
            if word % 2 == 0 {
                _mm512_shuffle_i64x2::<0b01_00_01_00>(a, b)
            } else {
                _mm512_shuffle_i64x2::<0b11_10_11_10>(a, b)
            }
        })
    };
    let distances = |codes: &[__m512i; WORDS], words: &[__m512i; WORDS]| -> __m512i {
        let mut sum = _mm512_popcnt_epi64(_mm512_xor_si512(codes[0], words[0]));
        for word in 1..WORDS {
            sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_si512(codes[word], words[word])));
        }
        sum
    };

    let (front, _) = codes.front[lines.clone()].as_chunks::<LINES_IN_REGISTERS>();
    let (back, _) = codes.back[lines.clone()].as_chunks::<LINES_IN_REGISTERS>();
    let mut at = lines.start;
    for (front, back) in front.iter().zip(back) {
        let codes_of: [_; LINES_IN_REGISTERS / 2] =
            std::array::from_fn(|two| eight(&front[2 * two..2 * two + 2], &back[2 * two..2 * two + 2]));
        let mut any = 0;
        for which in 0..QUERIES_TOGETHER {
            let mut nearest = distances(&codes_of[0], &words[which]);
            for codes in &codes_of[1..] {
                nearest = _mm512_min_epu64(nearest, distances(codes, &words[which]));
            }
            any |= u32::from(_mm512_cmple_epu64_mask(nearest, radii[which])) << (8 * which);
        }
        while any != 0 {
            let which = any.trailing_zeros() as usize / 8;
            any &= !(0xff << (8 * which));
            let Wanted { query, radius } = wanted[which];
            each(
                codes,
                at..at + LINES_IN_REGISTERS,
                query.words(),
                radius,
                &mut |slot, distance| {
                    found(which, slot, distance);
                },
            );
        }
        at += LINES_IN_REGISTERS;
    }
    for (which, Wanted { query, radius }) in wanted.iter().enumerate() {
        each(codes, at..lines.end, query.words(), *radius, &mut |slot, distance| {
            found(which, slot, distance);
        });
    }
}

/// The same for one query, which waits for memory: line after line as they lie, which the processor foresees.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512vpopcntdq,avx2,popcnt")]
fn one_avx512<const WORDS: usize>(
    codes: CodesRef<'_>,
    lines: Range<usize>,
    query: Pdq,
    radius: u32,
    mut found: impl FnMut(usize, u32),
) {
    use std::arch::x86_64::{
        __m256i, __m512i, _mm256_add_epi64, _mm256_cmple_epu64_mask, _mm256_min_epu64, _mm256_popcnt_epi64,
        _mm256_set1_epi64x, _mm256_xor_si256, _mm512_add_epi64, _mm512_castsi512_si256, _mm512_extracti64x4_epi64,
        _mm512_popcnt_epi64, _mm512_xor_si512,
    };

    let words = query.words();
    let four_times = |a: u64, b: u64| -> __m512i { bytemuck::cast([a, a, a, a, b, b, b, b]) };
    let (wanted_front, wanted_back) = (four_times(words[0], words[1]), four_times(words[2], words[3]));
    let wanted_third = _mm256_set1_epi64x(words[2].cast_signed());
    let radius_of_each = _mm256_set1_epi64x(i64::from(radius));

    // Bits by which four codes differ in the words that are looked at.
    let distances = |front: &Line, back: &Line| -> __m256i {
        let mut ones = _mm512_popcnt_epi64(_mm512_xor_si512(bytemuck::cast(front.0), wanted_front));
        if WORDS == 4 {
            let more = _mm512_popcnt_epi64(_mm512_xor_si512(bytemuck::cast(back.0), wanted_back));
            ones = _mm512_add_epi64(ones, more);
        }
        let sum = _mm256_add_epi64(_mm512_castsi512_si256(ones), _mm512_extracti64x4_epi64::<1>(ones));
        if WORDS == 3 {
            let [third, _]: [__m256i; 2] = bytemuck::cast(back.0);
            return _mm256_add_epi64(sum, _mm256_popcnt_epi64(_mm256_xor_si256(third, wanted_third)));
        }
        sum
    };

    let (front, _) = codes.front[lines.clone()].as_chunks::<LINES_TOGETHER>();
    let (back, _) = codes.back[lines.clone()].as_chunks::<LINES_TOGETHER>();
    let mut at = lines.start;
    for (front, back) in front.iter().zip(back) {
        // Written out: in a loop over the four, they were seen not to stay in registers.
        let nearest = _mm256_min_epu64(
            _mm256_min_epu64(distances(&front[0], &back[0]), distances(&front[1], &back[1])),
            _mm256_min_epu64(distances(&front[2], &back[2]), distances(&front[3], &back[3])),
        );
        if _mm256_cmple_epu64_mask(nearest, radius_of_each) != 0 {
            each(codes, at..at + LINES_TOGETHER, words, radius, &mut found);
        }
        at += LINES_TOGETHER;
    }
    each(codes, at..lines.end, words, radius, &mut found);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn one_avx2<const WORDS: usize>(
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
            one_portable(kept.slices(), lines.clone(), query, radius, |slot, distance| portable.push((slot, distance)));
            prop_assert_eq!(&portable, &expected);
            #[cfg(target_arch = "x86_64")]
            if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("popcnt") {
                // Besides what is chosen below, which may be the one for AVX-512.
                for words in [words_needed(radius), 4] {
                    let mut vectors = Vec::new();
                    let push = |slot, distance| vectors.push((slot, distance));
                    #[expect(unsafe_code, reason = "functions compiled for features of this processor")]
                    // SAFETY: the processor has the two features that the functions are compiled for.
                    unsafe {
                        match words {
                            2 => one_avx2::<2>(kept.slices(), lines.clone(), query, radius, push),
                            3 => one_avx2::<3>(kept.slices(), lines.clone(), query, radius, push),
                            _ => one_avx2::<4>(kept.slices(), lines.clone(), query, radius, push),
                        }
                    }
                    prop_assert_eq!(&vectors, &expected);
                }
            }
            // So many queries that some are compared together and some alone.
            for n_queries in [1, QUERIES_TOGETHER, 2 * QUERIES_TOGETHER + 1] {
                let wanted: Vec<Wanted> = (0..n_queries as u32)
                    .map(|which| Wanted { query, radius: radius.saturating_sub(20 * which) })
                    .collect();
                let mut detected = vec![Vec::new(); n_queries];
                near(kept.slices(), lines.clone(), &wanted, |which, slot, distance| detected[which].push((slot, distance)));
                for (Wanted { radius, .. }, detected) in wanted.iter().zip(detected) {
                    let expected: Vec<_> = expected.iter().copied().filter(|(_, distance)| distance <= radius).collect();
                    prop_assert_eq!(detected, expected);
                }
            }
        }
    }
}
