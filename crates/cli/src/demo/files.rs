//! Files made of pictures: the edits that people make before they post a picture again, and files that cannot be decoded.
//!
//! Encoding only. Nothing here decodes: that is the worker's work.

use std::io::Cursor;
use std::time::Duration;

use anyhow::Context;
use image::codecs::gif::{GifEncoder, Repeat};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::{self, FilterType};
use image::{Delay, ExtendedColorType, Frame, ImageEncoder, Rgb, RgbImage};
use signal::looks::{Likely, sight};
use signal::views::{self, Grid};
use signal::{KeptLook, Looks, Pdq, pdq};

use super::canvas::Dice;

/// What was done to a picture before it was posted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Edit {
    /// Nothing.
    None,
    /// Saved as JPEG of this quality.
    Recompress(u8),
    /// Made smaller or larger.
    Resize(f32),
    /// Lighter or darker, of 255.
    Brighten(i32),
    /// More or less contrast.
    Contrast(f32),
    /// Without colour.
    Grey,
    /// Colours turned by so many degrees.
    Tint(i32),
    /// Blurred.
    Blur(f32),
    /// Sprinkled with noise.
    Noise(i16),
    /// Cut off at each side, in thousandths.
    Crop(u32),
    /// With a caption in a bar below.
    Caption,
    /// With a badge in a corner.
    Badge,
    /// Left and right swapped.
    Mirror,
    /// In a wide frame.
    Framed,
    /// Turned by so many degrees, on a wall.
    Turned(f32),
    /// Rippled like a print in the wind until it is only a lead: not near enough for a match, near enough for human eyes.
    UntilLead,
}

impl Edit {
    /// The picture after the edit.
    pub fn apply(self, picture: &RgbImage) -> RgbImage {
        let (width, height) = picture.dimensions();
        match self {
            Edit::None | Edit::Recompress(_) => picture.clone(),
            Edit::Resize(by) => {
                let side = |length: u32| ((length as f32 * by).round() as u32).max(16);
                imageops::resize(picture, side(width), side(height), FilterType::CatmullRom)
            }
            Edit::Brighten(by) => imageops::brighten(picture, by),
            Edit::Contrast(by) => imageops::contrast(picture, by),
            Edit::Grey => {
                let grey = imageops::grayscale(picture);
                RgbImage::from_fn(width, height, |x, y| Rgb([grey.get_pixel(x, y).0[0]; 3]))
            }
            Edit::Tint(degrees) => imageops::huerotate(picture, degrees),
            Edit::Blur(sigma) => imageops::fast_blur(picture, sigma),
            Edit::Noise(strength) => sprinkle(picture, strength),
            Edit::Crop(thousandths) => crop(picture, thousandths),
            Edit::Caption => caption(picture),
            Edit::Badge => badge(picture),
            Edit::Mirror => imageops::flip_horizontal(picture),
            Edit::Framed => framed(picture),
            Edit::Turned(degrees) => turned(picture, degrees),
            Edit::UntilLead => until_lead(picture),
        }
    }

    /// The picture after the edit, as the file that is posted.
    pub fn file(self, picture: &RgbImage) -> anyhow::Result<Vec<u8>> {
        let edited = self.apply(picture);
        match self {
            Edit::None | Edit::Grey => png(&edited),
            Edit::Recompress(quality) => jpeg(&edited, quality),
            _ => jpeg(&edited, 88),
        }
    }
}

fn crop(picture: &RgbImage, thousandths: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let (x, y) = (width * thousandths / 1000, height * thousandths / 1000);
    imageops::crop_imm(picture, x, y, width - 2 * x, height - 2 * y).to_image()
}

/// Like paper, warm grey.
const GROUND: Rgb<u8> = Rgb([214, 208, 198]);

fn framed(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let border = width / 7;
    let mut frame = RgbImage::from_pixel(width + 2 * border, height + 2 * border, GROUND);
    imageops::replace(&mut frame, picture, i64::from(border), i64::from(border));
    frame
}

/// The picture whose every place is taken from another place, or from the ground where that lies outside.
fn moved(picture: &RgbImage, (width, height): (u32, u32), from: impl Fn(f32, f32) -> (f32, f32)) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = from(x as f32, y as f32);
        imageops::interpolate_bilinear(picture, x, y).unwrap_or(GROUND)
    })
}

fn turned(picture: &RgbImage, degrees: f32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let (sin, cos) = degrees.to_radians().sin_cos();
    let middle = (width as f32 / 2.0, height as f32 / 2.0);
    let wall = (width * 13 / 10, height * 13 / 10);
    moved(picture, wall, |x, y| {
        let (dx, dy) = (x - wall.0 as f32 / 2.0, y - wall.1 as f32 / 2.0);
        (middle.0 + cos * dx + sin * dy, middle.1 + cos * dy - sin * dx)
    })
}

/// Moved by waves of so many pixels. At the edges the picture goes on as it ends.
fn rippled(picture: &RgbImage, pixels: f32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let wave = std::f32::consts::TAU * 2.3 / width as f32;
    let within = |at: f32, side: u32| at.clamp(0.0, side as f32 - 1.0);
    moved(picture, (width, height), |x, y| {
        let (dx, dy) = (pixels * (y * wave).sin(), pixels * (x * wave).cos());
        (within(x + dx, width), within(y + dy, height))
    })
}

/// The least ripple after which hashes are far and the pixels agree only by half.
fn until_lead(picture: &RgbImage) -> RgbImage {
    let kept = looks(picture).keep();
    let mut codes = vec![hash(picture)];
    codes.extend(views::crops(&kept.picture, Grid::Few).iter().map(|(_, crop)| crop.hash));
    let is_lead = |edited: &RgbImage| {
        let query = looks(edited);
        let mut views = query.views.iter().map(|seen| seen.pdq.hash);
        let is_far = views.all(|hash| codes.iter().all(|code| code.distance(hash) > 36));
        let seen = sight(&query, &kept, &likely(&query, &kept), 0);
        is_far
            && seen
                .is_some_and(|seen| seen.places >= 8 && (53..=61).contains(&(seen.alike * 100 / seen.compared.max(1))))
    };
    let mut edited = (8..48).map(|halves| rippled(picture, halves as f32 / 2.0));
    edited.find(is_lead).unwrap_or_else(|| rippled(picture, 6.0))
}

fn likely(query: &Looks, kept: &KeptLook) -> Vec<Likely> {
    let pairs = query.keypoints.iter().enumerate().flat_map(|(query_at, seen)| {
        let near = kept.keypoints.iter().enumerate();
        let near = near.filter(move |(_, (code, _))| code.distance(seen.code) <= 31);
        near.map(move |(kept_at, _)| Likely {
            query_at,
            kept_at,
            is_mirrored: false,
        })
    });
    pairs.collect()
}

fn looks(picture: &RgbImage) -> Looks {
    Looks::of(pixels(picture))
}

/// The hash of a picture.
pub fn hash(picture: &RgbImage) -> Pdq {
    pdq::hash_rgb(pixels(picture)).hash
}

fn pixels(picture: &RgbImage) -> pdq::RgbImage<'_> {
    let (width, height) = picture.dimensions();
    // Unwrap safety: a picture has as many bytes as its size says, and the ones made here have pixels.
    pdq::RgbImage::new(width, height, picture.as_raw()).expect("a picture is whole")
}

fn sprinkle(picture: &RgbImage, strength: i16) -> RgbImage {
    let mut dice = Dice::new(u64::from(strength.unsigned_abs()));
    let mut noisy = picture.clone();
    for pixel in noisy.pixels_mut() {
        let by = (dice.below(2 * usize::from(strength.unsigned_abs()) + 1)) as i16 - strength;
        pixel.0 = pixel.0.map(|part| (i16::from(part) + by).clamp(0, 255) as u8);
    }
    noisy
}

/// A bar below, with strokes in place of letters.
fn caption(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let bar = height / 14;
    let mut captioned = RgbImage::from_pixel(width, height + bar, Rgb([250, 250, 248]));
    imageops::replace(&mut captioned, picture, 0, 0);
    let mut dice = Dice::new(u64::from(width));
    let mut x = bar / 2;
    while x + bar < width * 3 / 4 {
        let word = bar / 2 + dice.below(bar as usize * 2) as u32;
        for dx in 0..word.min(width - x) {
            for dy in 0..bar / 4 {
                captioned.put_pixel(x + dx, height + bar * 3 / 8 + dy, Rgb([40, 40, 44]));
            }
        }
        x += word + bar / 3;
    }
    captioned
}

fn badge(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let radius = (width.min(height) / 16) as i32;
    let (cx, cy) = (width as i32 - radius * 3 / 2, height as i32 - radius * 3 / 2);
    let mut badged = picture.clone();
    for (x, y, pixel) in badged.enumerate_pixels_mut() {
        let (dx, dy) = (x as i32 - cx, y as i32 - cy);
        let away = dx * dx + dy * dy;
        if away < radius * radius {
            *pixel = if away < radius * radius / 3 {
                Rgb([232, 78, 60])
            } else {
                Rgb([252, 250, 245])
            };
        }
    }
    badged
}

/// A PNG file.
pub fn png(picture: &RgbImage) -> anyhow::Result<Vec<u8>> {
    let mut file = Vec::new();
    let (width, height) = picture.dimensions();
    PngEncoder::new(&mut file)
        .write_image(picture, width, height, ExtendedColorType::Rgb8)
        .context("cannot write a PNG")?;
    Ok(file)
}

/// A JPEG file.
pub fn jpeg(picture: &RgbImage, quality: u8) -> anyhow::Result<Vec<u8>> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality)
        .encode_image(picture)
        .context("cannot write a JPEG")?;
    Ok(file)
}

/// A JPEG whose pixels lie on their side, and which asks viewers to turn it upright.
pub fn sideways_jpeg(picture: &RgbImage, quality: u8) -> anyhow::Result<Vec<u8>> {
    let file = jpeg(&imageops::rotate270(picture), quality)?;
    // An EXIF block with one field, orientation 6: "turn by 90° clockwise to see it upright" (EXIF 2.3, 4.6.4).
    let mut exif =
        b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    let (start, rest) = file.split_at(2);
    let mut sideways = start.to_vec();
    sideways.append(&mut exif);
    sideways.extend_from_slice(rest);
    Ok(sideways)
}

/// A GIF that shows one picture after the other.
pub fn animation(pictures: &[RgbImage]) -> anyhow::Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut file, 20);
    encoder.set_repeat(Repeat::Infinite)?;
    for picture in pictures {
        let small = imageops::resize(picture, 320, 240, FilterType::Triangle);
        let frame = image::DynamicImage::ImageRgb8(small).to_rgba8();
        let delay = Delay::from_saturating_duration(Duration::from_millis(700));
        encoder
            .encode_frame(Frame::from_parts(frame, 0, 0, delay))
            .context("cannot write a GIF")?;
    }
    drop(encoder);
    Ok(file)
}

/// A file that cannot be scanned, each for another reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unscannable {
    /// A picture of which the end was lost on the way.
    Truncated,
    /// A video: not looked into yet.
    Video,
    /// A picture that says it has four billion pixels.
    Enormous,
    /// Nothing at all.
    Empty,
    /// A document under the name of a picture.
    Document,
}

impl Unscannable {
    /// The file.
    pub fn file(self, picture: &RgbImage) -> anyhow::Result<Vec<u8>> {
        Ok(match self {
            Unscannable::Truncated => {
                let mut file = png(picture)?;
                file.truncate(file.len() / 3);
                file
            }
            Unscannable::Video => {
                let mut file = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2".to_vec();
                file.extend([0; 4096]);
                file
            }
            Unscannable::Enormous => enormous_png(),
            Unscannable::Empty => Vec::new(),
            Unscannable::Document => {
                b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n".to_vec()
            }
        })
    }
}

/// A PNG's beginning, with a header of 65,535 by 65,535 pixels and its right checksum.
fn enormous_png() -> Vec<u8> {
    let mut header = Cursor::new(Vec::new());
    let mut chunk = b"IHDR".to_vec();
    chunk.extend(65_535u32.to_be_bytes());
    chunk.extend(65_535u32.to_be_bytes());
    chunk.extend([8, 2, 0, 0, 0]);
    let file = header.get_mut();
    file.extend(b"\x89PNG\r\n\x1a\n\0\0\0\x0d");
    file.extend(&chunk);
    file.extend(crc32(&chunk).to_be_bytes());
    file.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    header.into_inner()
}

/// CRC-32 as PNG defines it.
fn crc32(bytes: &[u8]) -> u32 {
    let update = |mut crc: u32, byte: u8| {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
        crc
    };
    !bytes.iter().fold(u32::MAX, |crc, byte| update(crc, *byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_png() {
        assert_eq!(crc32(b"IEND"), 0xae42_6082);
    }
}
