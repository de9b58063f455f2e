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

/// Samples of cosines at the 64 centres, orthonormal: `COSINES[k][i]` belongs to centre `k` and frequency `i + 1`.
static COSINES: LazyLock<[[f32; 16]; 64]> = LazyLock::new(|| {
    let scale = f64::from((2.0_f64 / 64.0).sqrt() as f32);
    std::array::from_fn(|k| {
        std::array::from_fn(|i| {
            let angle = std::f64::consts::PI / 2.0 / 64.0 * (i + 1) as f64 * (2 * k + 1) as f64;
            (scale * angle.cos()) as f32
        })
    })
});

/// The cosine transform of the thumbnail, lowest 16 by 16 frequencies without the constant ones.
#[inline(always)]
pub(super) fn transform(thumbnail: &Thumbnail) -> Coefficients {
    let cosines = &*COSINES;
    let mut coefficients = [[0.0; 16]; 16];
    for (i, output) in coefficients.iter_mut().enumerate() {
        let mut down = [0.0_f32; 64];
        for (row, cosines) in thumbnail.iter().zip(cosines) {
            for (sum, value) in down.iter_mut().zip(row) {
                *sum += cosines[i] * value;
            }
        }
        for (value, cosines) in down.iter().zip(cosines) {
            for (sum, cosine) in output.iter_mut().zip(cosines) {
                *sum += value * cosine;
            }
        }
    }
    coefficients
}

/// Of 256 values the lower of the two in the middle.
#[inline(always)]
pub(super) fn median(coefficients: &Coefficients) -> f32 {
    let mut sorted = *coefficients;
    let (_, &mut median, _) = sorted.as_flattened_mut().select_nth_unstable_by(127, f32::total_cmp);
    median
}

/// One bit for each coefficient above the median.
#[inline(always)]
pub(super) fn bits(coefficients: &Coefficients, median: f32) -> Pdq {
    let flat = coefficients.as_flattened();
    Pdq::from_bits(|n| flat[n] > median)
}

/// What `count`, a whole number, makes of the steps between points that lie side by side or one above the other, in hundredths of full
/// contrast, added up.
#[inline(always)]
pub(super) fn sum_of_steps(thumbnail: &Thumbnail, count: impl Fn(f32) -> f32) -> f32 {
    // One sum for each column, so that the steps are taken side by side. Sums of whole numbers, hence exact.
    let mut sums = [0.0_f32; 64];
    let step = |from: f32, to: f32| (from - to) * 100.0 / 255.0;
    for pair in thumbnail.windows(2) {
        for ((sum, &from), &to) in sums.iter_mut().zip(&pair[0]).zip(&pair[1]) {
            *sum += count(step(from, to));
        }
    }
    for row in thumbnail {
        for ((sum, &from), &to) in sums.iter_mut().zip(&row[..63]).zip(&row[1..]) {
            *sum += count(step(from, to));
        }
    }
    sums.iter().sum()
}

/// The part of a step that counts: whole hundredths.
#[inline(always)]
pub(super) fn whole(step: f32) -> f32 {
    step.abs().floor()
}

/// 0–100, from the sum of the whole parts of all steps.
pub(super) fn quality(steps: f32) -> u8 {
    (steps / 90.0).clamp(0.0, 100.0) as u8
}
