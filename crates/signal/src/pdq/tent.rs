//! The thumbnail in one pass over the pixels, as near to the true mean as `f32` can say.
//!
//! Two running means followed by thinning are one weighted mean for each point: a tent, one 64th of the side wide at half
//! its height. Down the rows all weights are small whole numbers, so the bytes of each channel are summed exactly, as they
//! lie, before there is any luma. What remains are 64 rows; across them tent and luma weights are multiplied out.
//!
//! The reference carries running sums along whole rows and columns and collects rounding errors on the way; this does not.
//! Where that may show in a bit, `margin` says so.

use super::SIDE_PIXELS_MIN;
use super::portable;
use super::sequential::{before, centre, reach, window};
use super::spectrum::Thumbnail;
use std::ops::Range;

/// Longest window that is summed here; with longer ones the integers would overflow.
const WINDOW_PIXELS_MAX: usize = 255;

/// Parts of red, green and blue in luma.
const LUMA_RGB: [f64; 3] = [0.299, 0.587, 0.114];

/// Numbers that are multiplied at a time; weights are padded with zeroes to whole blocks.
pub(super) const BLOCK: usize = 8;

/// The weights of the pixels that make one point along a side.
pub(super) struct Tent {
    pub(super) weights: Vec<u32>,
    /// The sum of the weights.
    pub(super) total: u32,
    /// See [`portable::groups`].
    pub(super) groups: Vec<Range<usize>>,
}

/// The 64 tents along a side. All have one shape, but for the last, which the edge may cut short.
pub(super) struct Tents {
    firsts: [usize; 64],
    inner: Tent,
    last: Tent,
}

/// Whether a picture of this size can be thinned here: neither too small to hash at all nor enormously long.
pub(super) fn fits(width: usize, height: usize) -> bool {
    let sides = SIDE_PIXELS_MIN..=WINDOW_PIXELS_MAX * 128;
    sides.contains(&width) && sides.contains(&height)
}

/// The thumbnail of interleaved pixels with `CHANNELS` bytes each: 3 for RGB, 1 for luma. The size must fit.
#[inline(always)]
pub(super) fn thumbnail<const CHANNELS: usize>(
    width: usize,
    height: usize,
    pixels: &[u8],
    sum_rows: impl Fn(&[u8], usize, &Tent, &mut [f32]),
    sum_across: impl Fn(&Across, &[f32], &mut [f32; 64]),
) -> Thumbnail {
    let stride = width * CHANNELS;
    let across = Across::new::<CHANNELS>(width);
    let mut sums = vec![0.0_f32; across.numbers];
    let mut thumbnail = [[0.0; 64]; 64];
    for (points, (first, tent)) in thumbnail.iter_mut().zip(Tents::new(height).iter()) {
        let pixels = &pixels[first * stride..][..tent.weights.len() * stride];
        sum_rows(pixels, stride, tent, &mut sums[..stride]);
        sum_across(&across, &sums, points);
        for point in points {
            *point /= tent.total as f32;
        }
    }
    thumbnail
}

impl Tents {
    pub(super) fn new(side: usize) -> Self {
        Self {
            firsts: std::array::from_fn(|point| centre(point, side) - 2 * before(window(side))),
            inner: Tent::new(0, side),
            last: Tent::new(63, side),
        }
    }

    /// For each point its first pixel and its weights.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Tent)> {
        let shapes = std::iter::repeat_n(&self.inner, 63).chain([&self.last]);
        self.firsts.into_iter().zip(shapes)
    }
}

impl Tent {
    fn new(point: usize, side: usize) -> Self {
        let window = window(side);
        let (before, after) = (before(window), reach(window));
        let centre = centre(point, side);
        let first = centre - 2 * before;
        // Mean of the means around `centre`. Only the last mean of an even window can be cut short by the edge, by one.
        let is_cut = centre + 2 * after >= side;
        let last = (centre + 2 * after).min(side - 1);
        let mut weights = vec![0; last - first + 1];
        for mean in centre - before..=centre + after {
            let pixels = mean - before..=(mean + after).min(side - 1);
            let parts = match (is_cut, pixels.end() - pixels.start() + 1 == window) {
                (false, _) => 1,
                (true, true) => window - 1,
                (true, false) => window,
            };
            for weight in &mut weights[pixels.start() - first..=pixels.end() - first] {
                *weight += parts as u32;
            }
        }
        let total = weights.iter().sum();
        Self {
            groups: portable::groups(&weights),
            weights,
            total,
        }
    }
}

/// The tents across a row of interleaved sums, luma's parts multiplied in.
pub(super) struct Across {
    /// For each point its first number.
    pub(super) firsts: [usize; 64],
    /// The weights of a point, in whole blocks.
    pub(super) inner: Vec<[f32; BLOCK]>,
    /// The weights of the last point, no more blocks than those of others.
    pub(super) last: Vec<[f32; BLOCK]>,
    /// Numbers that a row must have for every block of every point to lie inside it.
    pub(super) numbers: usize,
}

impl Across {
    pub(super) fn new<const CHANNELS: usize>(width: usize) -> Self {
        let luma = if CHANNELS == 3 { LUMA_RGB.as_slice() } else { &[1.0] };
        let blocks = |tent: &Tent| {
            let mut blocks = vec![[0.0; BLOCK]; (tent.weights.len() * CHANNELS).div_ceil(BLOCK)];
            for (block, &weight) in blocks.as_flattened_mut().chunks_mut(CHANNELS).zip(&tent.weights) {
                for (block, part) in block.iter_mut().zip(luma) {
                    *block = (part * f64::from(weight) / f64::from(tent.total)) as f32;
                }
            }
            blocks
        };
        let tents = Tents::new(width);
        let firsts = tents.firsts.map(|first| first * CHANNELS);
        let inner = blocks(&tents.inner);
        Self {
            firsts,
            last: blocks(&tents.last),
            numbers: (firsts[63] + inner.len() * BLOCK).max(width * CHANNELS),
            inner,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tents_are_the_mean_of_means() {
        for side in SIDE_PIXELS_MIN..1200 {
            let window = window(side);
            let mean = |centre: usize| centre.saturating_sub(before(window))..=(centre + reach(window)).min(side - 1);
            for (point, (first, tent)) in Tents::new(side).iter().enumerate() {
                let mut expected = vec![0.0; side];
                let outer = mean(centre(point, side));
                for inner in outer.clone() {
                    for pixel in mean(inner) {
                        expected[pixel] += 1.0 / (outer.clone().count() * mean(inner).count()) as f64;
                    }
                }
                let mut found = vec![0.0; side];
                for (found, &weight) in found[first..].iter_mut().zip(&tent.weights) {
                    *found = f64::from(weight) / f64::from(tent.total);
                }
                for (expected, found) in expected.iter().zip(&found) {
                    assert!((expected - found).abs() < 1e-12, "side {side}, point {point}");
                }
            }
        }
    }

    #[test]
    fn the_longest_side_does_not_overflow() {
        for side in [WINDOW_PIXELS_MAX * 128, (WINDOW_PIXELS_MAX - 1) * 128] {
            for (first, tent) in Tents::new(side).iter() {
                assert!(first + tent.weights.len() <= side);
                assert!(tent.total.checked_mul(255).is_some());
            }
        }
    }
}
