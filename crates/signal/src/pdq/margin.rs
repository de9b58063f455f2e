//! Whether rounding could have changed a hash: the difference between nearly and always the reference's bits.
//!
//! The exact mean of the pixels ([`tent`](super::tent)) and the reference's running sums
//! ([`sequential`](super::sequential)) differ by their rounding errors. A bit may differ only where a coefficient on one
//! side of the median comes as near to one on the other side as both may be wrong; the quality only where a step between
//! points comes so near to a whole number. The errors were measured on 358 pictures at four sizes each, up to 7680 pixels
//! wide: the limits here are twice the largest error seen of a coefficient, and more than the steps ever needed. One photo
//! in 250 is uncertain and hashed again in the reference's order; flat and drawn pictures are more often.

use super::spectrum::{Coefficients, Thumbnail, quality, sum_of_steps};
use std::sync::LazyLock;

/// Sides up to which the errors were measured. Those of running sums grow with the root of the length.
const SIDE_PIXELS: f32 = 4096.0;

/// How far a step of the quality, in hundredths of full contrast, may be wrong.
const STEP_ERROR: f32 = 0.0005;

/// Sums of steps from here on have quality 100 whatever a thousand of them were rounded to.
const STEPS_AMPLE: f32 = 10_000.0;

/// How many times the errors of a picture of this size may be larger than those measured.
pub(super) fn scale(width: usize, height: usize) -> f32 {
    (width.max(height) as f32 / SIDE_PIXELS).sqrt().max(1.0)
}

/// Largest error of each coefficient. Errors along a running sum are alike, so low frequencies take most of them.
static COEFFICIENT_ERRORS: LazyLock<Coefficients> = LazyLock::new(|| {
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let (i, j) = (i as f32, j as f32);
            0.001 + 0.024 / (1.0 + i * j + 0.3 * (i + j))
        })
    })
});

/// Whether no rounding could move a coefficient across the median.
#[inline(always)]
pub(super) fn bits_are_certain(coefficients: &Coefficients, median: f32, scale: f32) -> bool {
    let mut highest_below = f32::NEG_INFINITY;
    let mut lowest_above = f32::INFINITY;
    let mut n_above = 0;
    let errors = COEFFICIENT_ERRORS.as_flattened();
    for (&coefficient, &error) in coefficients.as_flattened().iter().zip(errors) {
        if coefficient > median {
            lowest_above = lowest_above.min(coefficient - error * scale);
            n_above += 1;
        } else {
            highest_below = highest_below.max(coefficient + error * scale);
        }
    }
    // With fewer above, several are equal to the median, and rounding would have set bits for half of them.
    n_above == 128 && highest_below < lowest_above
}

/// How far a coefficient may move when pixels are rounded in another way: between the luma of a video's frame and that of the RGB that swscale makes of it. Of photos and films no more than
/// eight coefficients lie so near to the median; of drawn colours that run into each other up to a hundred do, and 34 bits were seen to turn.
const PIXEL_ERROR: f32 = 0.3;

/// How many bits pixels that are rounded in another way may turn.
#[inline(always)]
pub(super) fn n_doubtful(coefficients: &Coefficients, median: f32) -> u32 {
    let near = |coefficient: &f32| u32::from((coefficient - median).abs() < PIXEL_ERROR);
    let mut n = 0;
    for coefficient in coefficients.as_flattened() {
        n += near(coefficient);
    }
    n
}

/// Whether no rounding could give the steps, whose whole parts add up to `sum`, another quality.
#[inline(always)]
pub(super) fn quality_is_certain(thumbnail: &Thumbnail, sum: f32, scale: f32) -> bool {
    if sum >= STEPS_AMPLE {
        return true;
    }
    let error = STEP_ERROR * scale;
    let near_whole = |step: f32| {
        let size = step.abs();
        // Whole parts are cut off, so only 1, 2, … are edges.
        (size + error).floor() != (size - error).max(0.0).floor()
    };
    let uncertain = sum_of_steps(thumbnail, |step| f32::from(u8::from(near_whole(step))));
    quality(sum - uncertain) == quality(sum + uncertain)
}
