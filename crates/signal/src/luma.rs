//! A picture in grey, reduced once, from which all views and keypoints are made.
//!
//! Edits that matter leave the picture recognisable at a few hundred pixels, so nothing but the exact hash of the whole picture needs more.

use crate::pdq::{BadPixels, Dihedral, LumaImage, RgbImage};

/// Grey pixels, row after row from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Luma {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// A part of a picture, in pixels of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// Column of the left edge.
    pub left: usize,
    /// Row of the upper edge.
    pub top: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Luma {
    /// Longest side of the picture that views and keypoints are made from.
    pub const WORK_SIDE: usize = 512;

    /// Grey pixels of this size.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Result<Self, BadPixels> {
        let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        LumaImage::new(side(width), side(height), &pixels)?;
        Ok(Self { width, height, pixels })
    }

    /// The mean luma (ITU-R BT.601) of the pixels under each pixel of a picture whose longest side is `longest`; never larger than the original.
    pub fn reduce(image: RgbImage<'_>, longest: usize) -> Self {
        Self::reduce_channels::<3>(image.width(), image.height(), image.pixels(), longest)
    }

    /// The same of a picture that is grey already.
    pub fn reduce_luma(image: LumaImage<'_>, longest: usize) -> Self {
        Self::reduce_channels::<1>(image.width(), image.height(), image.pixels(), longest)
    }

    fn reduce_channels<const CHANNELS: usize>(width: usize, height: usize, pixels: &[u8], longest: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") {
            #[expect(unsafe_code, reason = "a function compiled for features of this processor")]
            // SAFETY: the processor has the feature that the function is compiled for.
            return unsafe { Self::reduce_avx2::<CHANNELS>(width, height, pixels, longest) };
        }
        Self::reduce_anywhere::<CHANNELS>(width, height, pixels, longest)
    }

    /// The same additions in the same order, so the same picture.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn reduce_avx2<const CHANNELS: usize>(width: usize, height: usize, pixels: &[u8], longest: usize) -> Self {
        Self::reduce_anywhere::<CHANNELS>(width, height, pixels, longest)
    }

    #[inline(always)]
    fn reduce_anywhere<const CHANNELS: usize>(width: usize, height: usize, pixels: &[u8], longest: usize) -> Self {
        let (out_width, out_height) = fit(width, height, longest.max(1));
        let (down, across) = (shares(height, out_height), Across::new(width, out_width));
        let stride = CHANNELS * width;
        let mut sums = vec![0.0_f32; stride];
        let mut grey = vec![0.0_f32; width + across.n_beyond()];
        let mut line = vec![0.0_f32; out_width];
        let mut pixels_out = vec![0_u8; out_width * out_height];
        for (rows, reduced) in down.iter().zip(pixels_out.chunks_exact_mut(out_width)) {
            let out = if CHANNELS == 3 { &mut sums } else { &mut grey };
            for (at, weight) in rows.weights.iter().enumerate() {
                let row = &pixels[(rows.first + at) * stride..][..stride];
                if at == 0 {
                    for (sum, byte) in out.iter_mut().zip(row) {
                        *sum = weight * f32::from(*byte);
                    }
                } else {
                    for (sum, byte) in out.iter_mut().zip(row) {
                        *sum += weight * f32::from(*byte);
                    }
                }
            }
            if CHANNELS == 3 {
                for (grey, rgb) in grey.iter_mut().zip(sums.as_chunks::<3>().0) {
                    *grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
                }
            }
            across.sum(&grey, &mut line);
            let line = line.iter().map(|sum| (sum + 0.5) as u8);
            for (out, byte) in reduced.iter_mut().zip(line) {
                *out = byte;
            }
        }
        Self {
            width: out_width,
            height: out_height,
            pixels: pixels_out,
        }
    }

    /// The same for a picture that is grey already.
    pub fn shrink(&self, longest: usize) -> Self {
        let rgb: Vec<u8> = self.pixels.iter().flat_map(|grey| [*grey; 3]).collect();
        Self::reduce(RgbImage::of_checked(self.width, self.height, &rgb), longest)
    }

    /// Laid down another way.
    pub fn turned(&self, turn: Dihedral) -> Self {
        let (width, height) = if turn.swaps_sides() {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        let mut pixels = Vec::with_capacity(self.pixels.len());
        let (right, bottom) = (self.width - 1, self.height - 1);
        for y in 0..height {
            for x in 0..width {
                let (from_x, from_y) = match turn {
                    Dihedral::Original => (x, y),
                    Dihedral::Rotate90 => (right - y, x),
                    Dihedral::Rotate180 => (right - x, bottom - y),
                    Dihedral::Rotate270 => (y, bottom - x),
                    Dihedral::FlipX => (x, bottom - y),
                    Dihedral::FlipY => (right - x, y),
                    Dihedral::FlipPlus => (y, x),
                    Dihedral::FlipMinus => (right - y, bottom - x),
                };
                pixels.push(self.pixels[from_y * self.width + from_x]);
            }
        }
        Self { width, height, pixels }
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The bytes.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// A row.
    pub fn row(&self, y: usize) -> &[u8] {
        &self.pixels[y * self.width..][..self.width]
    }

    /// The whole of it.
    pub fn rect(&self) -> Rect {
        Rect {
            left: 0,
            top: 0,
            width: self.width,
            height: self.height,
        }
    }

    /// A copy of a part, cut at the edges of the picture. It has at least one pixel.
    pub fn crop(&self, rect: Rect) -> Self {
        let left = rect.left.min(self.width - 1);
        let top = rect.top.min(self.height - 1);
        let width = rect.width.clamp(1, self.width - left);
        let height = rect.height.clamp(1, self.height - top);
        // By rows: pixel by pixel this was a tenth of what a frame of a video costs.
        let mut pixels = Vec::with_capacity(width * height);
        for y in top..top + height {
            pixels.extend_from_slice(&self.row(y)[left..][..width]);
        }
        Self { width, height, pixels }
    }

    /// With light and dark exchanged.
    pub fn negative(&self) -> Self {
        Self {
            pixels: self.pixels.iter().map(|grey| 255 - grey).collect(),
            ..*self
        }
    }

    /// Borrowed, for hashing.
    pub fn image(&self) -> LumaImage<'_> {
        LumaImage::of_checked(self.width, self.height, &self.pixels)
    }
}

/// The size that has this longest side, or the size itself if it is smaller.
fn fit(width: usize, height: usize, longest: usize) -> (usize, usize) {
    let side = width.max(height);
    if side <= longest {
        return (width, height);
    }
    let reduced = |pixels: usize| ((pixels * longest + side / 2) / side).max(1);
    (reduced(width), reduced(height))
}

/// The pixels of a line that make one of a shorter line, and how much of each; the weights add up to 1.
struct Shares {
    first: usize,
    weights: Vec<f32>,
}

/// The shares of all pixels of a shorter line, as many of each: what is too much counts nothing.
struct Across {
    firsts: Vec<usize>,
    /// Of each pixel as many blocks.
    weights: Vec<[f32; BLOCK]>,
    n_blocks: usize,
}

/// Pixels that are weighed together.
const BLOCK: usize = 4;

impl Across {
    fn new(from: usize, to: usize) -> Self {
        let shares = shares(from, to);
        let n_blocks = shares
            .iter()
            .map(|shares| shares.weights.len().div_ceil(BLOCK))
            .max()
            .unwrap_or(1);
        let mut weights = vec![[0.0; BLOCK]; n_blocks * shares.len()];
        for (blocks, shares) in weights.chunks_exact_mut(n_blocks).zip(&shares) {
            blocks.as_flattened_mut()[..shares.weights.len()].copy_from_slice(&shares.weights);
        }
        Self {
            firsts: shares.iter().map(|shares| shares.first).collect(),
            weights,
            n_blocks,
        }
    }

    /// So many zeros must follow a line.
    fn n_beyond(&self) -> usize {
        self.n_blocks * BLOCK
    }

    #[inline(always)]
    fn sum(&self, line: &[f32], out: &mut [f32]) {
        let weighed = |sum, weights: &[f32; BLOCK], values: &[f32; BLOCK]| {
            let pairs = weights.iter().zip(values);
            pairs.fold(sum, |sum, (weight, value)| sum + weight * value)
        };
        if self.n_blocks == 1 {
            for ((out, first), weights) in out.iter_mut().zip(&self.firsts).zip(&self.weights) {
                if let Some(values) = line.get(*first..).and_then(<[f32]>::first_chunk) {
                    *out = weighed(0.0, weights, values);
                }
            }
            return;
        }
        let weights = self.weights.chunks_exact(self.n_blocks);
        for ((out, first), weights) in out.iter_mut().zip(&self.firsts).zip(weights) {
            let values = line[*first..].as_chunks::<BLOCK>().0;
            *out = weights
                .iter()
                .zip(values)
                .fold(0.0, |sum, (weights, values)| weighed(sum, weights, values));
        }
    }
}

fn shares(from: usize, to: usize) -> Vec<Shares> {
    let ratio = from as f64 / to as f64;
    let of = |at: usize| {
        let (start, end) = (at as f64 * ratio, (at + 1) as f64 * ratio);
        let first = start as usize;
        let last = (end.ceil() as usize).clamp(first + 1, from);
        let covered = |pixel: usize| end.min((pixel + 1) as f64) - start.max(pixel as f64);
        Shares {
            first,
            weights: (first..last).map(|pixel| (covered(pixel) / ratio) as f32).collect(),
        }
    };
    (0..to).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_picture_is_only_ever_made_smaller() {
        let rgb = vec![77; 3 * 30 * 20];
        let image = RgbImage::new(30, 20, &rgb).unwrap();
        let same = Luma::reduce(image, 100);
        assert_eq!((same.width(), same.height()), (30, 20));
        let small = Luma::reduce(image, 15);
        assert_eq!((small.width(), small.height()), (15, 10));
        assert!(small.pixels().iter().all(|grey| *grey == 77));
    }

    #[test]
    fn luma_is_that_of_bt_601() {
        let luma = |rgb: [u8; 3]| Luma::reduce(RgbImage::new(1, 1, &rgb).unwrap(), 8).pixels()[0];
        assert_eq!(
            [luma([255, 0, 0]), luma([0, 255, 0]), luma([0, 0, 255]), luma([255; 3])],
            [76, 150, 29, 255]
        );
    }

    #[test]
    fn pictures_are_turned_as_their_names_say() {
        let picture = Luma::new(3, 2, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let check = |turn, width, expected: [u8; 6]| {
            let turned = picture.turned(turn);
            assert_eq!((turned.width(), turned.pixels()), (width, &expected[..]), "{turn}");
        };
        check(Dihedral::Original, 3, [1, 2, 3, 4, 5, 6]);
        check(Dihedral::Rotate90, 2, [3, 6, 2, 5, 1, 4]);
        check(Dihedral::Rotate180, 3, [6, 5, 4, 3, 2, 1]);
        check(Dihedral::Rotate270, 2, [4, 1, 5, 2, 6, 3]);
        check(Dihedral::FlipX, 3, [4, 5, 6, 1, 2, 3]);
        check(Dihedral::FlipY, 3, [3, 2, 1, 6, 5, 4]);
        check(Dihedral::FlipPlus, 2, [1, 4, 2, 5, 3, 6]);
        check(Dihedral::FlipMinus, 2, [6, 3, 5, 2, 4, 1]);
    }

    proptest! {
        #[test]
        fn every_pixel_counts_as_much_as_it_covers(width in 1..90_usize, height in 1..90_usize, longest in 1..60_usize, seed: u8) {
            let grey = |at: usize| (at.wrapping_mul(97) as u8) ^ seed;
            let rgb: Vec<u8> = (0..width * height).flat_map(|at| [grey(at); 3]).collect();
            let image = RgbImage::new(width as u32, height as u32, &rgb).unwrap();
            let small = Luma::reduce(image, longest);
            prop_assert!(small.width().max(small.height()) <= longest.max(1).min(width.max(height)).max(1));
            prop_assert_eq!(&small, &Luma::reduce_anywhere::<3>(width, height, &rgb, longest), "on every machine the same");
            let (fx, fy) = (width as f64 / small.width() as f64, height as f64 / small.height() as f64);
            for y in 0..small.height() {
                for x in 0..small.width() {
                    let mut sum = 0.0;
                    for sy in (y as f64 * fy) as usize..(((y + 1) as f64 * fy).ceil() as usize).min(height) {
                        for sx in (x as f64 * fx) as usize..(((x + 1) as f64 * fx).ceil() as usize).min(width) {
                            let covers = |at: usize, from: usize, by: f64| {
                                (((from + 1) as f64 * by).min((at + 1) as f64) - (from as f64 * by).max(at as f64)).max(0.0)
                            };
                            sum += covers(sx, x, fx) * covers(sy, y, fy) * f64::from(grey(sy * width + sx));
                        }
                    }
                    let found = f64::from(small.row(y)[x]);
                    prop_assert!((found - sum / (fx * fy)).abs() <= 0.6, "{} is not {}", found, sum / (fx * fy));
                }
            }
        }
    }
}
