//! From the 64 by 64 thumbnail to bits: cosine transform, median, quality.
//!
//! Every sum runs in the reference's order in plain `f32`, without fused multiply-add: the last bit of a coefficient
//! decides when two lie next to the median.

use super::code::Pdq;
use std::sync::LazyLock;

/// The blurred and thinned picture, rows of columns.
pub(super) type Thumbnail = [[f32; 64]; 64];

/// Coefficients 1 to 16 of the cosine transform along each axis, rows of columns.
pub(super) type Coefficients = [[f32; 16]; 16];

/// Row `i` is the cosine of frequency `i + 1`, sampled at the 64 centres; orthonormal.
static COSINES: LazyLock<[[f32; 64]; 16]> = LazyLock::new(|| {
    let scale = f64::from((2.0_f64 / 64.0).sqrt() as f32);
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let angle = std::f64::consts::PI / 2.0 / 64.0 * (i + 1) as f64 * (2 * j + 1) as f64;
            (scale * angle.cos()) as f32
        })
    })
});

/// The cosine transform of the thumbnail, lowest 16 by 16 frequencies without the constant ones.
pub(super) fn transform(thumbnail: &Thumbnail) -> Coefficients {
    let cosines = &*COSINES;
    let mut coefficients = [[0.0; 16]; 16];
    for (i, output) in coefficients.iter_mut().enumerate() {
        let mut along_rows = [0.0_f32; 64];
        for (row, weight) in thumbnail.iter().zip(cosines[i]) {
            for (sum, value) in along_rows.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
        for (k, value) in along_rows.iter().enumerate() {
            for (j, sum) in output.iter_mut().enumerate() {
                *sum += value * cosines[j][k];
            }
        }
    }
    coefficients
}

/// One bit for each coefficient above the median. Of 256 values the median is the lower of the two in the middle.
pub(super) fn threshold(coefficients: &Coefficients) -> Pdq {
    let mut sorted = *coefficients;
    let (_, &mut median, _) = sorted.as_flattened_mut().select_nth_unstable_by(127, f32::total_cmp);
    let flat = coefficients.as_flattened();
    Pdq::from_bits(|n| flat[n] > median)
}

/// 0–100: how much the thumbnail changes from point to point. Steps below 1 % of full contrast count for nothing.
pub(super) fn quality(thumbnail: &Thumbnail) -> u8 {
    let step = |(u, v): (&f32, &f32)| (((u - v) * 100.0 / 255.0) as i32).abs();
    let down: i32 = thumbnail
        .as_flattened()
        .iter()
        .zip(&thumbnail.as_flattened()[64..])
        .map(step)
        .sum();
    let across: i32 = thumbnail
        .iter()
        .flat_map(|row| row.iter().zip(&row[1..]))
        .map(step)
        .sum();
    ((down + across) / 90).min(100) as u8
}
