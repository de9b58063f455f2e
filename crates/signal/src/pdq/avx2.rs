//! The two sums of [`portable`] with AVX2, in a third of the time that the plain loops take when compiled for any x86-64.

use super::portable::{self, STRIP_BYTES, strips};
use super::tent::{Across, BLOCK, Tent};
use std::arch::x86_64::*;

/// Largest weight for the instruction that adds two products of a byte and a weight as signed sixteen bits.
const WEIGHT_MAX: u32 = 64;

/// Writes the weighted sum of every column: two rows at a time, byte beside byte, are multiplied and added by one instruction.
#[target_feature(enable = "avx2")]
pub(super) fn sum_rows(rows: &[u8], stride: usize, tent: &Tent, sums: &mut [f32]) {
    let largest = tent.weights.iter().copied().max().unwrap_or(0);
    if tent.groups.is_empty() || stride < STRIP_BYTES || largest > WEIGHT_MAX {
        return portable::sum_rows(rows, stride, tent, sums);
    }
    assert_eq!(rows.len(), tent.weights.len() * stride, "a row for each weight");
    let zero = _mm256_setzero_si256();
    for start in strips(stride) {
        let (eights, _) = sums[start..start + STRIP_BYTES].as_chunks_mut::<8>();
        // A pointer because the checks of slices cost as much as the sums. Never followed past the last row.
        let mut row = rows[start..].as_ptr();
        for group in &tent.groups {
            let (mut a, mut b, mut c, mut d) = (zero, zero, zero, zero);
            let mut add = |upper: (__m256i, __m256i), lower: (__m256i, __m256i), weights: u32| {
                let weights = _mm256_set1_epi16(weights as i16);
                let product = |bytes| _mm256_maddubs_epi16(bytes, weights);
                a = _mm256_add_epi16(a, product(_mm256_unpacklo_epi8(upper.0, lower.0)));
                b = _mm256_add_epi16(b, product(_mm256_unpackhi_epi8(upper.0, lower.0)));
                c = _mm256_add_epi16(c, product(_mm256_unpacklo_epi8(upper.1, lower.1)));
                d = _mm256_add_epi16(d, product(_mm256_unpackhi_epi8(upper.1, lower.1)));
            };
            let (pairs, single) = tent.weights[group.clone()].as_chunks::<2>();
            for &[weight, next_weight] in pairs {
                #[expect(unsafe_code, reason = "memory to vector")]
                // SAFETY: rows and weights come in equal number, so both rows are there; `strips` ends in a row.
                let (upper, lower) = unsafe { (load_strip(row), load_strip(row.wrapping_add(stride))) };
                row = row.wrapping_add(2 * stride);
                add(upper, lower, weight | next_weight << 8);
            }
            for &weight in single {
                #[expect(unsafe_code, reason = "memory to vector")]
                // SAFETY: as above.
                let upper = unsafe { load_strip(row) };
                row = row.wrapping_add(stride);
                add(upper, (zero, zero), weight);
            }
            if group.start == 0 {
                eights.as_flattened_mut().fill(0.0);
            }
            // Interleaving has left columns 0-7 and 16-23 of a half in its first vector, 8-15 and 24-31 in its second.
            add_to(&mut eights[0], _mm256_castsi256_si128(a));
            add_to(&mut eights[1], _mm256_castsi256_si128(b));
            add_to(&mut eights[2], _mm256_extracti128_si256::<1>(a));
            add_to(&mut eights[3], _mm256_extracti128_si256::<1>(b));
            add_to(&mut eights[4], _mm256_castsi256_si128(c));
            add_to(&mut eights[5], _mm256_castsi256_si128(d));
            add_to(&mut eights[6], _mm256_extracti128_si256::<1>(c));
            add_to(&mut eights[7], _mm256_extracti128_si256::<1>(d));
        }
    }
}

/// Adds eight numbers of sixteen bits.
#[target_feature(enable = "avx2")]
#[inline]
fn add_to(sums: &mut [f32; 8], numbers: __m128i) {
    let numbers = _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(numbers));
    #[expect(unsafe_code, reason = "memory to vector and back")]
    // SAFETY: eight `f32` are read and written, which is what `sums` is; neither needs alignment.
    unsafe {
        _mm256_storeu_ps(
            sums.as_mut_ptr(),
            _mm256_add_ps(_mm256_loadu_ps(sums.as_ptr()), numbers),
        );
    }
}

/// The 64 bytes at `row`.
///
/// # Safety
/// They can be read.
#[target_feature(enable = "avx2")]
#[inline]
#[expect(unsafe_code, reason = "memory to vector")]
unsafe fn load_strip(row: *const u8) -> (__m256i, __m256i) {
    // SAFETY: both loads lie in the 64 bytes; they need no alignment.
    unsafe { (_mm256_loadu_si256(row.cast()), _mm256_loadu_si256(row.add(32).cast())) }
}

/// Writes the 64 points of a row of sums, eight at a time.
#[target_feature(enable = "avx2")]
pub(super) fn sum_across(across: &Across, numbers: &[f32], points: &mut [f32; 64]) {
    let blocks = across.inner.as_slice();
    let (points_by_eight, _) = points.as_chunks_mut::<8>();
    for (points, firsts) in points_by_eight.iter_mut().zip(across.firsts.as_chunks::<8>().0) {
        let starts = firsts.map(|first| numbers[first..][..blocks.len() * BLOCK].as_ptr());
        let zero = _mm256_setzero_ps();
        let (mut a, mut b, mut c, mut d) = (zero, zero, zero, zero);
        let (mut e, mut f, mut g, mut h) = (zero, zero, zero, zero);
        for (n, weights) in blocks.iter().enumerate() {
            #[expect(unsafe_code, reason = "memory to vector")]
            // SAFETY: a block is eight `f32`, which is what is read; it needs no alignment.
            let weights = unsafe { _mm256_loadu_ps(weights.as_ptr()) };
            let product = |start: *const f32| {
                #[expect(unsafe_code, reason = "memory to vector")]
                // SAFETY: each start was taken from a slice of as many numbers as there are in `blocks`.
                let numbers = unsafe { _mm256_loadu_ps(start.add(n * BLOCK)) };
                _mm256_mul_ps(weights, numbers)
            };
            a = _mm256_add_ps(a, product(starts[0]));
            b = _mm256_add_ps(b, product(starts[1]));
            c = _mm256_add_ps(c, product(starts[2]));
            d = _mm256_add_ps(d, product(starts[3]));
            e = _mm256_add_ps(e, product(starts[4]));
            f = _mm256_add_ps(f, product(starts[5]));
            g = _mm256_add_ps(g, product(starts[6]));
            h = _mm256_add_ps(h, product(starts[7]));
        }
        // Adds the upper half of two vectors to their lower halves.
        let fold = |x, y| {
            _mm256_add_ps(
                _mm256_permute2f128_ps::<0x20>(x, y),
                _mm256_permute2f128_ps::<0x31>(x, y),
            )
        };
        let left = _mm256_hadd_ps(fold(a, e), fold(b, f));
        let right = _mm256_hadd_ps(fold(c, g), fold(d, h));
        #[expect(unsafe_code, reason = "vector to memory")]
        // SAFETY: eight `f32` are written, which is what `points` is; it needs no alignment.
        unsafe {
            _mm256_storeu_ps(points.as_mut_ptr(), _mm256_hadd_ps(left, right));
        }
    }
    points[63] = portable::dot(&across.last, &numbers[across.firsts[63]..]);
}

#[cfg(test)]
mod tests {
    use super::super::tent::Tents;
    use super::*;
    use proptest::prelude::*;

    fn is_here() -> bool {
        std::is_x86_feature_detected!("avx2")
    }

    proptest! {
        #[test]
        fn rows_are_summed_as_by_the_portable_code(
            side in 5..40_000_usize,
            point in 0..64_usize,
            stride in 1..200_usize,
            seed in any::<usize>(),
        ) {
            prop_assume!(is_here());
            let tents = Tents::new(side.min(255 * 128));
            let (_, tent) = tents.iter().nth(point).unwrap();
            let white = if seed % 3 == 0 { 255 } else { 0 };
            let byte = |n: usize| (n ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0] | white;
            let rows: Vec<u8> = (0..stride * tent.weights.len()).map(byte).collect();
            let mut expected = vec![f32::NAN; stride];
            portable::sum_rows(&rows, stride, tent, &mut expected);
            let mut found = vec![f32::NAN; stride];
            #[expect(unsafe_code, reason = "a function compiled for features of this processor")]
            // SAFETY: the processor has the feature that the function is compiled for.
            unsafe {
                sum_rows(&rows, stride, tent, &mut found);
            }
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn points_are_summed_as_by_the_portable_code(width in 5..5000_usize, is_grey in any::<bool>(), seed in any::<u32>()) {
            prop_assume!(is_here());
            let across = if is_grey { Across::new::<1>(width) } else { Across::new::<3>(width) };
            let number = |n: u32| ((n ^ seed).wrapping_mul(0x9e37_79b9) >> 11) as f32;
            let numbers: Vec<f32> = (0..across.numbers as u32).map(number).collect();
            let (mut expected, mut found) = ([0.0; 64], [0.0; 64]);
            portable::sum_across(&across, &numbers, &mut expected);
            #[expect(unsafe_code, reason = "a function compiled for features of this processor")]
            // SAFETY: the processor has the feature that the function is compiled for.
            unsafe {
                sum_across(&across, &numbers, &mut found);
            }
            prop_assert_eq!(found, expected);
        }
    }
}
