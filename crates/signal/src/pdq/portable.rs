//! The two sums that take a hash's time, in loops that the compiler turns into whatever vectors the machine has.
//!
//! Down: rows of bytes, each times its weight, exactly. The columns are taken in strips. Inside a strip sixteen bits hold
//! the sum of a few rows; before they can overflow they are added to `f32`, which is exact below 2^24. Across: the sums of a
//! row times the weights of each point.
//!
//! What [`avx2`](super::avx2) does otherwise gives the same numbers to the last bit.

use super::tent::{Across, BLOCK, Tent};
use std::ops::Range;

/// Columns whose sums are kept in registers together.
pub(super) const STRIP_BYTES: usize = 64;

/// Sum of the weights up to which bytes times weights fit in sixteen bits.
const GROUP_WEIGHT_MAX: u32 = 257;

/// Writes the weighted sum of every column, in a loop that the compiler turns into whatever vectors the machine has.
#[inline(always)]
pub(super) fn sum_rows(rows: &[u8], stride: usize, tent: &Tent, sums: &mut [f32]) {
    if tent.groups.is_empty() || stride < STRIP_BYTES {
        return sum_wide(rows, stride, tent, sums);
    }
    for start in strips(stride) {
        let sums = &mut sums[start..start + STRIP_BYTES];
        sums.fill(0.0);
        for group in &tent.groups {
            let mut strip = [0_u16; STRIP_BYTES];
            let rows = rows[group.start * stride + start..].chunks(stride);
            for (row, &weight) in rows.zip(&tent.weights[group.clone()]) {
                for (sum, &byte) in strip.iter_mut().zip(&row[..STRIP_BYTES]) {
                    // Cannot wrap: the group's weights add up to 257, and 257 times 255 are sixteen bits.
                    *sum = sum.wrapping_add(u16::from(byte).wrapping_mul(weight as u16));
                }
            }
            for (sum, &strip) in sums.iter_mut().zip(&strip) {
                *sum += f32::from(strip);
            }
        }
    }
}

/// Where the strips of a row begin. The last one reaches back over the one before it instead of past the end.
pub(super) fn strips(stride: usize) -> impl Iterator<Item = usize> {
    let last = stride - STRIP_BYTES;
    (0..last).step_by(STRIP_BYTES).chain([last])
}

/// For weights that need more than sixteen bits, and rows shorter than a strip.
fn sum_wide(rows: &[u8], stride: usize, tent: &Tent, sums: &mut [f32]) {
    for (n, sum) in sums.iter_mut().enumerate() {
        let column = rows[n..].iter().step_by(stride);
        let products = column
            .zip(&tent.weights)
            .map(|(&byte, &weight)| u32::from(byte) * weight);
        *sum = products.sum::<u32>() as f32;
    }
}

/// Runs of rows whose sums fit in sixteen bits. Weights too large for that have none.
pub(super) fn groups(weights: &[u32]) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    while start < weights.len() {
        let mut total = 0;
        let fitting = weights[start..].iter().take_while(|&&weight| {
            total += weight;
            total <= GROUP_WEIGHT_MAX
        });
        let end = start + fitting.count();
        if end == start {
            return Vec::new();
        }
        groups.push(start..end);
        start = end;
    }
    groups
}

/// Writes the 64 points of a row of sums.
#[inline(always)]
pub(super) fn sum_across(across: &Across, numbers: &[f32], points: &mut [f32; 64]) {
    for (n, (point, &first)) in points.iter_mut().zip(&across.firsts).enumerate() {
        *point = dot(if n == 63 { &across.last } else { &across.inner }, &numbers[first..]);
    }
}

/// The sum of products of `blocks` with as many numbers.
#[inline(always)]
pub(super) fn dot(blocks: &[[f32; BLOCK]], numbers: &[f32]) -> f32 {
    let mut sums = [0.0_f32; BLOCK];
    for (weights, numbers) in blocks.iter().zip(numbers.as_chunks::<BLOCK>().0) {
        for ((sum, weight), number) in sums.iter_mut().zip(weights).zip(numbers) {
            *sum += weight * number;
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (b + f)) + ((c + g) + (d + h))
}

#[cfg(test)]
mod tests {
    use super::super::tent::Tents;
    use super::*;
    use proptest::prelude::*;

    fn plain(rows: &[u8], stride: usize, tent: &Tent) -> Vec<f32> {
        let column = |n| {
            tent.weights
                .iter()
                .enumerate()
                .map(move |(row, weight)| (rows[row * stride + n], weight))
        };
        (0..stride)
            .map(|n| column(n).map(|(byte, weight)| u32::from(byte) * weight).sum::<u32>() as f32)
            .collect()
    }

    fn check(side: usize, point: usize, stride: usize, byte: impl Fn(usize) -> u8) {
        let tents = Tents::new(side);
        let (_, tent) = tents.iter().nth(point).unwrap();
        let rows: Vec<u8> = (0..stride * tent.weights.len()).map(byte).collect();
        let expected = plain(&rows, stride, tent);
        let mut sums = vec![f32::NAN; stride];
        sum_rows(&rows, stride, tent, &mut sums);
        assert_eq!(sums, expected);
    }

    #[test]
    fn white_does_not_overflow_at_any_height() {
        let sides = (1..=70).chain([127, 128, 129, 200, 254, 255]);
        for side in sides.map(|window| window * 128) {
            check(side, 0, 70, |_| 255);
            check(side, 63, 70, |_| 255);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_added_up(
            side in 5..12_000_usize,
            point in 0..64_usize,
            stride in 1..200_usize,
            seed in any::<usize>(),
        ) {
            check(side, point, stride, |n| (n ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0]);
        }
    }
}
