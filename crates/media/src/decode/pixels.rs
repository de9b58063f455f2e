//! Decoded pixels: their hash in each view, and the small picture.

use std::borrow::Cow;

use image::metadata::Orientation;
use image::{ColorType, ImageDecoder};
use signal::Looks;
use signal::pdq::{self, LumaImage, PdqSignal, RgbImage};

use super::refusal;
use crate::View;
use crate::wire::{PREVIEW_SIDE_MAX, Refusal, SmallPicture, Unsupported};

/// A frame in memory, eight bits a channel, row after row from the top, as the file stores it.
pub(super) struct Pixels {
    width: u32,
    height: u32,
    layout: Layout,
    bytes: Vec<u8>,
}

/// The channels of a pixel. Alpha is not premultiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
}

impl Layout {
    fn channels(self) -> usize {
        match self {
            Layout::Grey => 1,
            Layout::GreyAlpha => 2,
            Layout::Rgb => 3,
            Layout::Rgba => 4,
        }
    }
}

impl Pixels {
    /// Takes over a decoder's buffer. One of the wrong length is the decoder's fault and refused as damage.
    pub(super) fn new(width: u32, height: u32, layout: Layout, bytes: Vec<u8>) -> Result<Self, Refusal> {
        let expected = u64::from(width) * u64::from(height) * layout.channels() as u64;
        if expected == 0 || bytes.len() as u64 != expected {
            return Err(super::damaged(
                "the decoder returned another number of pixels than it announced",
            ));
        }
        Ok(Self {
            width,
            height,
            layout,
            bytes,
        })
    }

    /// Decodes the picture, whose size was checked. Sixteen bits become eight by dropping the lower half, as Pillow does.
    pub(super) fn read(decoder: impl ImageDecoder) -> Result<Self, Refusal> {
        let (width, height) = decoder.dimensions();
        let color = decoder.color_type();
        let (layout, sample_bytes) = match color {
            ColorType::L8 => (Layout::Grey, 1),
            ColorType::La8 => (Layout::GreyAlpha, 1),
            ColorType::Rgb8 => (Layout::Rgb, 1),
            ColorType::Rgba8 => (Layout::Rgba, 1),
            ColorType::L16 => (Layout::Grey, 2),
            ColorType::La16 => (Layout::GreyAlpha, 2),
            ColorType::Rgb16 => (Layout::Rgb, 2),
            ColorType::Rgba16 => (Layout::Rgba, 2),
            ColorType::Rgb32F => (Layout::Rgb, 4),
            ColorType::Rgba32F => (Layout::Rgba, 4),
            _ => return Err(Refusal::Unsupported(Unsupported::Variant)),
        };
        let size_bytes = usize::try_from(decoder.total_bytes()).map_err(|_| Refusal::Memory)?;
        let mut bytes = vec![0; size_bytes];
        decoder.read_image(&mut bytes).map_err(refusal)?;
        let bytes = match sample_bytes {
            1 => bytes,
            2 => bytes
                .as_chunks()
                .0
                .iter()
                .map(|sample| (u16::from_ne_bytes(*sample) >> 8) as u8)
                .collect(),
            _ => bytes
                .as_chunks()
                .0
                .iter()
                .map(|sample| (f32::from_ne_bytes(*sample) * 255.0) as u8)
                .collect(),
        };
        Self::new(width, height, layout, bytes)
    }

    /// The same picture with its pixels in another order.
    pub(super) fn turned(self, orientation: Orientation) -> Self {
        if orientation == Orientation::NoTransforms {
            return self;
        }
        let (width, height) = self.size_upright(orientation);
        let bytes = match self.layout {
            Layout::Grey => turn::<1>(&self.bytes, self.width, self.height, orientation),
            Layout::GreyAlpha => turn::<2>(&self.bytes, self.width, self.height, orientation),
            Layout::Rgb => turn::<3>(&self.bytes, self.width, self.height, orientation),
            Layout::Rgba => turn::<4>(&self.bytes, self.width, self.height, orientation),
        };
        Self {
            width,
            height,
            layout: self.layout,
            bytes,
        }
    }

    pub(super) fn size_upright(&self, orientation: Orientation) -> (u32, u32) {
        if swaps_sides(orientation) {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        }
    }

    /// The signals of the views that differ.
    ///
    /// A turned view is hashed from turned pixels. The coefficients of the original would give its hash for nothing, but
    /// up to a dozen bits beside that of the same picture stored upright, which is what it is compared with.
    pub(super) fn hash(&self, orientation: Orientation) -> Vec<(View, PdqSignal)> {
        let mut signals = vec![(View::AsIs, self.hash_as_is())];
        let upright = |rgb: &[u8]| match orientation {
            Orientation::NoTransforms => pdq::hash_rgb(rgb_image(self.width, self.height, rgb)),
            _ => {
                let (width, height) = self.size_upright(orientation);
                pdq::hash_rgb(rgb_image(
                    width,
                    height,
                    &turn::<3>(rgb, self.width, self.height, orientation),
                ))
            }
        };
        if orientation != Orientation::NoTransforms {
            signals.push((View::Upright, upright(&self.rgb())));
        }
        if self.is_transparent_somewhere() {
            signals.push((View::OnWhite, upright(&self.rgb_on_white())));
        }
        signals
    }

    fn hash_as_is(&self) -> PdqSignal {
        match self.layout {
            Layout::Grey => match LumaImage::new(self.width, self.height, &self.bytes) {
                Ok(image) => pdq::hash_luma(image),
                Err(error) => unreachable!("checked in `new`: {error}"),
            },
            _ => pdq::hash_rgb(rgb_image(self.width, self.height, &self.rgb())),
        }
    }

    /// The colours without alpha, those under transparent pixels as the file stores them.
    fn rgb(&self) -> Cow<'_, [u8]> {
        match self.layout {
            Layout::Rgb => Cow::Borrowed(&self.bytes),
            Layout::Grey => self.bytes.iter().flat_map(|grey| [*grey; 3]).collect(),
            Layout::GreyAlpha => self
                .bytes
                .as_chunks()
                .0
                .iter()
                .flat_map(|[grey, _]| [*grey; 3])
                .collect(),
            Layout::Rgba => self
                .bytes
                .as_chunks()
                .0
                .iter()
                .flat_map(|[r, g, b, _]| [*r, *g, *b])
                .collect(),
        }
    }

    fn rgb_on_white(&self) -> Cow<'_, [u8]> {
        match self.layout {
            Layout::Grey | Layout::Rgb => self.rgb(),
            Layout::GreyAlpha | Layout::Rgba => self
                .bytes
                .chunks_exact(self.layout.channels())
                .flat_map(|pixel| on_white(self.layout, pixel))
                .collect(),
        }
    }

    fn is_transparent_somewhere(&self) -> bool {
        match self.layout {
            Layout::Grey | Layout::Rgb => false,
            Layout::GreyAlpha => self.bytes.as_chunks().0.iter().any(|[_, alpha]| *alpha != 255),
            Layout::Rgba => self.bytes.as_chunks().0.iter().any(|[_, _, _, alpha]| *alpha != 255),
        }
    }

    /// What the picture is recognised by when it was edited: on white and upright.
    pub(super) fn looks(&self, orientation: Orientation) -> Looks {
        let rgb = self.rgb_on_white();
        if orientation == Orientation::NoTransforms {
            return Looks::of(rgb_image(self.width, self.height, &rgb));
        }
        let (width, height) = self.size_upright(orientation);
        let turned = turn::<3>(&rgb, self.width, self.height, orientation);
        Looks::of(rgb_image(width, height, &turned))
    }

    /// The picture on white and upright, each pixel the mean of those it stands for. A small picture keeps its size.
    pub(super) fn shrink(&self, orientation: Orientation) -> SmallPicture {
        let longest = self.width.max(self.height);
        let scaled = |side: u32| match longest > PREVIEW_SIDE_MAX {
            true => ((u64::from(side) * u64::from(PREVIEW_SIDE_MAX) / u64::from(longest)) as u32).max(1),
            false => side,
        };
        let (width, height) = (scaled(self.width), scaled(self.height));
        let span = |i: u32, small: u32, large: u32| {
            let at = |i: u32| (u64::from(i) * u64::from(large) / u64::from(small)) as usize;
            at(i)..at(i + 1)
        };
        let row_bytes = self.width as usize * self.layout.channels();
        let mut rgb = Vec::with_capacity((width * height * 3) as usize);
        let mut sums = vec![[0_u32; 3]; width as usize];
        for y in 0..height {
            let rows = span(y, height, self.height);
            sums.fill([0; 3]);
            for row in self.bytes[rows.start * row_bytes..rows.end * row_bytes].chunks_exact(row_bytes) {
                for (x, sum) in (0..width).zip(&mut sums) {
                    let columns = span(x, width, self.width);
                    let channels = self.layout.channels();
                    for pixel in row[columns.start * channels..columns.end * channels].chunks_exact(channels) {
                        let [r, g, b] = on_white(self.layout, pixel);
                        *sum = [sum[0] + u32::from(r), sum[1] + u32::from(g), sum[2] + u32::from(b)];
                    }
                }
            }
            for (x, sum) in (0..width).zip(&sums) {
                let n_pixels = (rows.len() * span(x, width, self.width).len()) as u32;
                rgb.extend(sum.map(|sum| (sum / n_pixels) as u8));
            }
        }
        if orientation == Orientation::NoTransforms {
            return SmallPicture { width, height, rgb };
        }
        let rgb = turn::<3>(&rgb, width, height, orientation);
        match swaps_sides(orientation) {
            true => SmallPicture {
                width: height,
                height: width,
                rgb,
            },
            false => SmallPicture { width, height, rgb },
        }
    }
}

fn on_white(layout: Layout, pixel: &[u8]) -> [u8; 3] {
    let blend = |colour: u8, alpha: u8| {
        let (colour, alpha) = (u32::from(colour), u32::from(alpha));
        ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    match (layout, pixel) {
        (Layout::Grey, [grey]) => [*grey; 3],
        (Layout::GreyAlpha, [grey, alpha]) => [blend(*grey, *alpha); 3],
        (Layout::Rgb, [r, g, b]) => [*r, *g, *b],
        (Layout::Rgba, [r, g, b, alpha]) => [*r, *g, *b].map(|colour| blend(colour, *alpha)),
        _ => unreachable!("a pixel has as many bytes as its layout has channels"),
    }
}

fn rgb_image(width: u32, height: u32, rgb: &[u8]) -> RgbImage<'_> {
    match RgbImage::new(width, height, rgb) {
        Ok(image) => image,
        Err(error) => unreachable!("the size was checked in `Pixels::new`: {error}"),
    }
}

/// The pixels as `orientation` says they are to be seen.
fn turn<const CHANNELS: usize>(pixels: &[u8], width: u32, height: u32, orientation: Orientation) -> Vec<u8> {
    /// Tiles of this side fit the first cache with room to spare, both where they come from and where they go.
    const TILE: usize = 32;
    let (width, height) = (width as usize, height as usize);
    let (right, bottom) = (width - 1, height - 1);
    // Where the first turned pixel comes from, and how far apart its neighbours to the right and below come from.
    let (start, across, down) = match orientation {
        Orientation::NoTransforms => (0, 1, width as isize),
        Orientation::FlipHorizontal => (right, -1, width as isize),
        Orientation::FlipVertical => (bottom * width, 1, -(width as isize)),
        Orientation::Rotate180 => (bottom * width + right, -1, -(width as isize)),
        Orientation::Rotate90FlipH => (0, width as isize, 1),
        Orientation::Rotate90 => (bottom * width, -(width as isize), 1),
        Orientation::Rotate270FlipH => (bottom * width + right, -(width as isize), -1),
        Orientation::Rotate270 => (right, width as isize, -1),
    };
    let (turned_width, turned_height) = if swaps_sides(orientation) {
        (height, width)
    } else {
        (width, height)
    };
    let from = pixels.as_chunks::<CHANNELS>().0;
    let mut turned = vec![0; pixels.len()];
    let to = turned.as_chunks_mut::<CHANNELS>().0;
    for tile_y in (0..turned_height).step_by(TILE) {
        for tile_x in (0..turned_width).step_by(TILE) {
            for y in tile_y..(tile_y + TILE).min(turned_height) {
                for x in tile_x..(tile_x + TILE).min(turned_width) {
                    let at = start as isize + x as isize * across + y as isize * down;
                    to[y * turned_width + x] = from[at as usize];
                }
            }
        }
    }
    turned
}

fn swaps_sides(orientation: Orientation) -> bool {
    match orientation {
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => false,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH => {
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Smooth, so that it has a hash, and different in every corner, so that each turn shows.
    fn picture(width: u32, height: u32) -> Pixels {
        let at = |x: u32, y: u32| {
            let (x, y) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
            let wave = |a: f64, b: f64| ((a * x + b * y * y).sin() * 100.0 + 128.0) as u8;
            [wave(9.0, 4.0), wave(5.0, 21.0), wave(17.0, 2.0)]
        };
        let bytes = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| at(x, y)))
            .collect();
        Pixels::new(width, height, Layout::Rgb, bytes).unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    const ORIENTATIONS: [Orientation; 8] = [
        Orientation::NoTransforms,
        Orientation::Rotate90,
        Orientation::Rotate180,
        Orientation::Rotate270,
        Orientation::FlipHorizontal,
        Orientation::FlipVertical,
        Orientation::Rotate90FlipH,
        Orientation::Rotate270FlipH,
    ];

    #[test]
    fn every_turn_agrees_with_the_image_crate() {
        let pixels = picture(320, 200);
        for orientation in ORIENTATIONS {
            let mut reference = image::DynamicImage::ImageRgb8(
                image::RgbImage::from_raw(pixels.width, pixels.height, pixels.bytes.clone()).unwrap(),
            );
            reference.apply_orientation(orientation);
            let reference = reference.to_rgb8();
            assert_eq!(pixels.size_upright(orientation), reference.dimensions());

            let small = pixels.shrink(orientation);
            assert_eq!((small.width, small.height), reference.dimensions(), "{orientation:?}");
            assert_eq!(&small.rgb, reference.as_raw(), "{orientation:?}");

            let upright = pixels.hash(orientation).last().unwrap().1;
            let turned = pdq::hash_rgb(rgb_image(reference.width(), reference.height(), reference.as_raw()));
            assert_eq!(upright, turned, "{orientation:?}");
        }
    }

    #[test]
    fn an_opaque_upright_picture_has_one_view() {
        let signals = picture(64, 64).hash(Orientation::NoTransforms);
        assert_eq!(signals.iter().map(|(view, _)| *view).collect::<Vec<_>>(), [View::AsIs]);
    }

    #[test]
    fn colours_hidden_under_transparency_have_a_view_of_their_own() {
        let hidden = picture(64, 64);
        let rgba = hidden
            .bytes
            .as_chunks()
            .0
            .iter()
            .flat_map(|[r, g, b]| [*r, *g, *b, 0])
            .collect();
        let transparent = Pixels::new(64, 64, Layout::Rgba, rgba).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        let signals = transparent.hash(Orientation::Rotate180);
        let [(View::AsIs, as_is), (View::Upright, upright), (View::OnWhite, white)] = signals[..] else {
            panic!("{signals:?}")
        };
        assert_eq!(as_is, hidden.hash(Orientation::NoTransforms)[0].1);
        assert_ne!(as_is, upright);
        assert_eq!(white.quality, 0, "nothing is to be seen but white");
        assert_eq!(transparent.shrink(Orientation::NoTransforms).rgb, [255; 64 * 64 * 3]);
    }

    #[test]
    fn shrinking_keeps_the_aspect_and_every_pixel_counts() {
        let check = |width, height, expected| {
            let bytes = (0..width * height).map(|i| if i % 2 == 0 { 0 } else { 200 }).collect();
            let pixels =
                Pixels::new(width, height, Layout::Grey, bytes).unwrap_or_else(|refusal| panic!("{refusal:?}"));
            let small = pixels.shrink(Orientation::NoTransforms);
            assert_eq!((small.width, small.height), expected);
            assert_eq!(small.rgb.len(), (3 * small.width * small.height) as usize);
            small
        };
        let small = check(640, 480, (320, 240));
        assert!(small.rgb.iter().all(|value| *value == 100));
        check(1, 1, (1, 1));
        check(320, 320, (320, 320));
        check(10_000, 3, (320, 1));
        check(7, 5_000, (1, 320));
    }
}
