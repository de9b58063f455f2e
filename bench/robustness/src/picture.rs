//! Decoded pictures and what every edit needs: sizes, parts, blur, warps. It knows no edit and no signal's meaning.
//!
//! Coordinates are pixels from the top left corner; the middle of the first pixel is at 0.5. Channels are eight-bit RGB.

use anyhow::{Context, Result};
use image::ImageEncoder;
use signal::pdq::RgbImage;

/// Eight-bit RGB, rows from the top, without padding. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    /// `3 * width * height` bytes.
    pub rgb: Vec<u8>,
}

pub type Colour = [u8; 3];

pub const BLACK: Colour = [0, 0, 0];
pub const WHITE: Colour = [255, 255, 255];

impl Picture {
    pub fn filled(width: usize, height: usize, colour: Colour) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self {
            width,
            height,
            rgb: colour.repeat(width * height),
        }
    }

    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let decoded = image::load_from_memory(bytes)
            .context("cannot decode the picture")?
            .into_rgb8();
        let (width, height) = (decoded.width() as usize, decoded.height() as usize);
        anyhow::ensure!(width > 0 && height > 0, "a picture without pixels");
        Ok(Self {
            width,
            height,
            rgb: decoded.into_raw(),
        })
    }

    /// As `signal` takes it.
    pub fn as_rgb(&self) -> Result<RgbImage<'_>> {
        Ok(RgbImage::new(
            u32::try_from(self.width)?,
            u32::try_from(self.height)?,
            &self.rgb,
        )?)
    }

    pub fn png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let (width, height) = (u32::try_from(self.width)?, u32::try_from(self.height)?);
        image::codecs::png::PngEncoder::new(&mut bytes).write_image(
            &self.rgb,
            width,
            height,
            image::ExtendedColorType::Rgb8,
        )?;
        Ok(bytes)
    }

    pub fn at(&self, x: usize, y: usize) -> Colour {
        let start = 3 * (y * self.width + x);
        [self.rgb[start], self.rgb[start + 1], self.rgb[start + 2]]
    }

    #[cfg(test)]
    pub fn set(&mut self, x: usize, y: usize, colour: Colour) {
        let start = 3 * (y * self.width + x);
        self.rgb[start..start + 3].copy_from_slice(&colour);
    }

    /// Mixes a colour in; `share` 0 leaves the pixel, 1 replaces it. Outside of the picture nothing happens.
    pub fn mix(&mut self, x: isize, y: isize, colour: Colour, share: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
            return;
        };
        if x >= self.width || y >= self.height {
            return;
        }
        let start = 3 * (y * self.width + x);
        for (old, new) in self.rgb[start..start + 3].iter_mut().zip(colour) {
            *old = byte(f32::from(*old) * (1.0 - share) + f32::from(new) * share);
        }
    }

    /// Every pixel through a function.
    pub fn map(&self, mut change: impl FnMut(Colour) -> Colour) -> Self {
        let mut out = self.clone();
        for pixel in out.rgb.chunks_exact_mut(3) {
            pixel.copy_from_slice(&change([pixel[0], pixel[1], pixel[2]]));
        }
        out
    }

    /// The part from (left, top) on, at least one pixel, cut where the picture ends.
    pub fn part(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let (left, top) = (left.min(self.width - 1), top.min(self.height - 1));
        let width = width.clamp(1, self.width - left);
        let height = height.clamp(1, self.height - top);
        let mut rgb = Vec::with_capacity(3 * width * height);
        for y in top..top + height {
            let start = 3 * (y * self.width + left);
            rgb.extend_from_slice(&self.rgb[start..start + 3 * width]);
        }
        Self { width, height, rgb }
    }

    /// Another picture laid on this one with its corner at (left, top). What reaches over the edge is lost.
    pub fn paste(&mut self, other: &Self, left: usize, top: usize) {
        for y in 0..other.height.min(self.height.saturating_sub(top)) {
            let width = other.width.min(self.width.saturating_sub(left));
            let to = 3 * ((top + y) * self.width + left);
            let from = 3 * y * other.width;
            self.rgb[to..to + 3 * width].copy_from_slice(&other.rgb[from..from + 3 * width]);
        }
    }

    pub fn mirrored(&self) -> Self {
        self.rearranged(self.width, self.height, |x, y| (self.width - 1 - x, y))
    }

    pub fn turned_half(&self) -> Self {
        self.rearranged(self.width, self.height, |x, y| {
            (self.width - 1 - x, self.height - 1 - y)
        })
    }

    /// A quarter turn against the clock.
    pub fn turned_left(&self) -> Self {
        self.rearranged(self.height, self.width, |x, y| (self.width - 1 - y, x))
    }

    fn rearranged(&self, width: usize, height: usize, source: impl Fn(usize, usize) -> (usize, usize)) -> Self {
        let mut rgb = Vec::with_capacity(3 * width * height);
        for y in 0..height {
            for x in 0..width {
                let (from_x, from_y) = source(x, y);
                rgb.extend_from_slice(&self.at(from_x, from_y));
            }
        }
        Self { width, height, rgb }
    }

    /// Scaled to a size. What shrinks is averaged over the area that a new pixel covers, what grows is bilinear.
    pub fn scaled(&self, width: usize, height: usize) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let across = weights(self.width, width);
        let down = weights(self.height, height);
        let mut narrow = vec![0f32; 3 * width * self.height];
        for y in 0..self.height {
            let row = &self.rgb[3 * y * self.width..3 * (y + 1) * self.width];
            for (x, (first, parts)) in across.iter().enumerate() {
                let mut sum = [0f32; 3];
                for (pixel, part) in row[3 * first..].chunks_exact(3).zip(parts) {
                    for (total, value) in sum.iter_mut().zip(pixel) {
                        *total += f32::from(*value) * part;
                    }
                }
                narrow[3 * (y * width + x)..][..3].copy_from_slice(&sum);
            }
        }
        let mut rgb = Vec::with_capacity(3 * width * height);
        let mut sums = vec![0f32; 3 * width];
        for (first, parts) in &down {
            sums.fill(0.0);
            for (row, part) in narrow[3 * width * first..].chunks_exact(3 * width).zip(parts) {
                for (total, value) in sums.iter_mut().zip(row) {
                    *total += value * part;
                }
            }
            rgb.extend(sums.iter().map(|value| byte(*value)));
        }
        Self { width, height, rgb }
    }

    /// Scaled so that the longer side has so many pixels; never enlarged.
    pub fn scaled_down_to(&self, longest_side: usize) -> Self {
        let longest = self.width.max(self.height);
        if longest <= longest_side {
            return self.clone();
        }
        let scale = longest_side as f64 / longest as f64;
        let side = |pixels: usize| ((pixels as f64 * scale).round() as usize).max(1);
        self.scaled(side(self.width), side(self.height))
    }

    /// Gaussian blur; beyond the edge the picture is mirrored without repeating the last row, as OpenCV does by default.
    pub fn blurred(&self, sigma: f32) -> Self {
        let reach = (3.0 * sigma).ceil() as isize;
        let mut kernel: Vec<f32> = (-reach..=reach)
            .map(|at| (-((at * at) as f32) / (2.0 * sigma * sigma)).exp())
            .collect();
        let sum: f32 = kernel.iter().sum();
        kernel.iter_mut().for_each(|value| *value /= sum);

        let (width, height) = (self.width, self.height);
        let mut across = vec![0f32; 3 * width * height];
        let mut padded = vec![0f32; 3 * (width + 2 * reach as usize)];
        for y in 0..height {
            for (at, pixel) in padded.chunks_exact_mut(3).enumerate() {
                let x = reflected(at as isize - reach, width);
                pixel.copy_from_slice(&self.at(x, y).map(f32::from));
            }
            let row = &mut across[3 * y * width..3 * (y + 1) * width];
            for (k, weight) in kernel.iter().enumerate() {
                for (out, value) in row.iter_mut().zip(&padded[3 * k..]) {
                    *out += value * weight;
                }
            }
        }
        let mut rgb = Vec::with_capacity(3 * width * height);
        let mut sums = vec![0f32; 3 * width];
        for y in 0..height {
            sums.fill(0.0);
            for (k, weight) in kernel.iter().enumerate() {
                let from = reflected(y as isize + k as isize - reach, height);
                for (total, value) in sums.iter_mut().zip(&across[3 * from * width..3 * (from + 1) * width]) {
                    *total += value * weight;
                }
            }
            rgb.extend(sums.iter().map(|value| byte(*value)));
        }
        Self { width, height, rgb }
    }

    /// A picture of the same size; `source` says where, in pixel indices, each of its pixels comes from. Bilinear; beyond the
    /// edge is `outside`.
    pub fn warped(&self, outside: Colour, source: impl Fn(f64, f64) -> (f64, f64)) -> Self {
        let mut rgb = Vec::with_capacity(self.rgb.len());
        let fetch = |x: isize, y: isize| -> [f32; 3] {
            match (usize::try_from(x), usize::try_from(y)) {
                (Ok(x), Ok(y)) if x < self.width && y < self.height => self.at(x, y).map(f32::from),
                _ => outside.map(f32::from),
            }
        };
        for y in 0..self.height {
            for x in 0..self.width {
                let (from_x, from_y) = source(x as f64, y as f64);
                let (left, top) = (from_x.floor(), from_y.floor());
                let (right_share, lower_share) = ((from_x - left) as f32, (from_y - top) as f32);
                let (left, top) = (left as isize, top as isize);
                let [a, b] = [fetch(left, top), fetch(left + 1, top)];
                let [c, d] = [fetch(left, top + 1), fetch(left + 1, top + 1)];
                rgb.extend((0..3).map(|n| {
                    let upper = a[n] * (1.0 - right_share) + b[n] * right_share;
                    let lower = c[n] * (1.0 - right_share) + d[n] * right_share;
                    byte(upper * (1.0 - lower_share) + lower * lower_share)
                }));
            }
        }
        Self {
            width: self.width,
            height: self.height,
            rgb,
        }
    }
}

/// For each new position the first old one it takes from and the shares of it and those that follow. Shares add up to one.
fn weights(old: usize, new: usize) -> Vec<(usize, Vec<f32>)> {
    let scale = old as f64 / new as f64;
    (0..new)
        .map(|at| {
            if scale > 1.0 {
                let (start, end) = (at as f64 * scale, ((at + 1) as f64 * scale).min(old as f64));
                let first = start.floor() as usize;
                let last = ((end - 1e-9).floor() as usize).min(old - 1);
                let covered = |n: usize| ((n + 1) as f64).min(end) - (n as f64).max(start);
                (
                    first,
                    (first..=last).map(|n| (covered(n) / (end - start)) as f32).collect(),
                )
            } else {
                let middle = ((at as f64 + 0.5) * scale - 0.5).clamp(0.0, (old - 1) as f64);
                let first = (middle.floor() as usize).min(old.saturating_sub(2));
                let share = (middle - first as f64) as f32;
                (first, if old == 1 { vec![1.0] } else { vec![1.0 - share, share] })
            }
        })
        .collect()
}

fn reflected(at: isize, length: usize) -> usize {
    let last = length as isize - 1;
    if last == 0 {
        return 0;
    }
    let at = at.rem_euclid(2 * last);
    at.min(2 * last - at) as usize
}

/// Rounded and kept within a byte.
pub fn byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pixel another colour.
    fn numbered(width: usize, height: usize) -> Picture {
        let rgb = (0..width * height)
            .flat_map(|n| [(n % 251) as u8, (n / 251) as u8, (n % 7) as u8])
            .collect();
        Picture { width, height, rgb }
    }

    #[test]
    fn shrinking_averages_the_area() {
        let mut picture = Picture::filled(4, 2, BLACK);
        picture.set(0, 0, [100, 200, 40]);
        let small = picture.scaled(2, 1);
        assert_eq!(small.at(0, 0), [25, 50, 10]);
        assert_eq!(small.at(1, 0), BLACK);
        let third = Picture {
            width: 3,
            height: 1,
            rgb: vec![30, 30, 30, 60, 60, 60, 90, 90, 90],
        }
        .scaled(2, 1);
        assert_eq!((third.at(0, 0)[0], third.at(1, 0)[0]), (40, 80));
    }

    #[test]
    fn growing_is_bilinear_between_the_middles() {
        let line = Picture {
            width: 2,
            height: 1,
            rgb: vec![0, 0, 0, 100, 100, 100],
        }
        .scaled(4, 1);
        assert_eq!([0, 1, 2, 3].map(|x| line.at(x, 0)[0]), [0, 25, 75, 100]);
    }

    #[test]
    fn a_blur_keeps_what_is_flat_and_spreads_a_point_evenly() {
        let flat = Picture::filled(20, 9, [7, 80, 200]);
        assert_eq!(flat.blurred(25.0), flat);
        let mut point = Picture::filled(21, 21, BLACK);
        point.set(10, 10, [255; 3]);
        let soft = point.blurred(2.0);
        assert_eq!(soft.at(8, 10), soft.at(12, 10));
        assert_eq!(soft.at(10, 8), soft.at(8, 10));
        assert!(soft.at(10, 10)[0] < 20);
    }

    #[test]
    fn turns_move_corners() {
        let picture = numbered(5, 3);
        assert_eq!(picture.mirrored().at(0, 0), picture.at(4, 0));
        assert_eq!(picture.turned_half().at(0, 0), picture.at(4, 2));
        let left = picture.turned_left();
        assert_eq!((left.width, left.height), (3, 5));
        assert_eq!(left.at(0, 0), picture.at(4, 0));
        assert_eq!(left.turned_left().turned_left().turned_left(), picture);
        assert_eq!(picture.part(2, 1, 99, 99).at(0, 0), picture.at(2, 1));
    }

    #[test]
    fn a_warp_to_the_same_place_changes_nothing() {
        let picture = numbered(13, 11);
        assert_eq!(picture.warped(WHITE, |x, y| (x, y)), picture);
        assert_eq!(
            picture.warped(WHITE, |x, y| (x + 50.0, y)),
            Picture::filled(13, 11, WHITE)
        );
    }
}
