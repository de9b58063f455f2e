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
use signal::Pdq;
use signal::pdq;

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
    /// Cropped until it is only a lead: too far for a match, near enough for human eyes.
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

fn until_lead(picture: &RgbImage) -> RgbImage {
    let original = hash(picture);
    let lead = |cropped: &RgbImage| (34..=38).contains(&hash(cropped).distance(original));
    let cropped = (4..120).step_by(2).map(|thousandths| crop(picture, thousandths));
    cropped.into_iter().find(lead).unwrap_or_else(|| crop(picture, 25))
}

/// The hash of a picture.
pub fn hash(picture: &RgbImage) -> Pdq {
    let (width, height) = picture.dimensions();
    // Unwrap safety: a picture has as many bytes as its size says, and the ones made here have pixels.
    let pixels = pdq::RgbImage::new(width, height, picture.as_raw()).expect("a picture is whole");
    pdq::hash_rgb(pixels).hash
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
