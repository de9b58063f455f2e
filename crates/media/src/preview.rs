//! The pictures that a console shows, made in the host from the small picture a worker returned.
//!
//! The worker hands over bare pixels and the host compresses them, so nothing that a decoder of foreign bytes wrote is
//! ever parsed by a reviewer's browser, and no metadata of the original can come along.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

use crate::Previews;
use crate::wire::SmallPicture;

/// JPEG quality of every preview, 1–100.
const QUALITY: u8 = 80;
/// The blurred picture holds no more than this many values along its longer side: a face or a word is far below that.
const BLURRED_SIDE_MAX: u32 = 10;

pub(crate) fn make(picture: SmallPicture) -> Previews {
    let greyscale: Vec<u8> = picture.rgb.as_chunks().0.iter().map(luma).collect();
    Previews {
        small: jpeg(&picture.rgb, picture.width, picture.height, ExtendedColorType::Rgb8),
        blurred: jpeg(&blur(&picture), picture.width, picture.height, ExtendedColorType::Rgb8),
        greyscale: jpeg(&greyscale, picture.width, picture.height, ExtendedColorType::L8),
    }
}

/// ITU-R BT.601 luma, in 256ths.
fn luma(&[r, g, b]: &[u8; 3]) -> u8 {
    ((77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b)) >> 8) as u8
}

/// Keeps a grid of at most [`BLURRED_SIDE_MAX`] means, and draws a smooth surface through them. What is lost is lost: no
/// sharpening brings it back.
fn blur(picture: &SmallPicture) -> Vec<u8> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let longest = width.max(height);
    let cells = |side: usize| (side * BLURRED_SIDE_MAX as usize).div_ceil(longest).clamp(1, side);
    let (n_columns, n_rows) = (cells(width), cells(height));

    let mut sums = vec![([0_u32; 3], 0_u32); n_columns * n_rows];
    for (i, pixel) in picture.rgb.as_chunks::<3>().0.iter().enumerate() {
        let (x, y) = (i % width, i / width);
        let (sum, n) = &mut sums[y * n_rows / height * n_columns + x * n_columns / width];
        for (sum, value) in sum.iter_mut().zip(pixel) {
            *sum += u32::from(*value);
        }
        *n += 1;
    }
    let means: Vec<[f32; 3]> = sums
        .iter()
        .map(|(sum, n)| sum.map(|sum| sum as f32 / (*n).max(1) as f32))
        .collect();

    // Where a pixel lies between the centres of two cells, and how far.
    let between = |i: usize, side: usize, n: usize| {
        let at = ((i as f32 + 0.5) * n as f32 / side as f32 - 0.5).clamp(0.0, (n - 1) as f32);
        let low = at as usize;
        (low, (low + 1).min(n - 1), at - low as f32)
    };
    let mut blurred = Vec::with_capacity(picture.rgb.len());
    for y in 0..height {
        let (top, bottom, down) = between(y, height, n_rows);
        for x in 0..width {
            let (left, right, across) = between(x, width, n_columns);
            let mix = |a: [f32; 3], b: [f32; 3], t: f32| std::array::from_fn(|i| a[i] * (1.0 - t) + b[i] * t);
            let mean = |row: usize, column: usize| means[row * n_columns + column];
            let upper = mix(mean(top, left), mean(top, right), across);
            let lower = mix(mean(bottom, left), mean(bottom, right), across);
            blurred.extend(mix(upper, lower, down).map(|value| value as u8));
        }
    }
    blurred
}

fn jpeg(pixels: &[u8], width: u32, height: u32, color: ExtendedColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    match JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode(pixels, width, height, color) {
        Ok(()) => bytes,
        Err(error) => unreachable!("pixels of known size are written to memory: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(jpeg: &[u8]) -> image::DynamicImage {
        image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg).unwrap()
    }

    #[test]
    fn previews_are_small_plain_jpegs() {
        for (width, height) in [(320, 240), (1, 1), (320, 1), (1, 320), (3, 17)] {
            let rgb = (0..3 * width * height).map(|i| (i * 7 % 256) as u8).collect();
            let previews = make(SmallPicture { width, height, rgb });
            for jpeg in [&previews.small, &previews.blurred, &previews.greyscale] {
                let picture = decode(jpeg);
                assert_eq!((picture.width(), picture.height()), (width, height));
                assert!(!jpeg.windows(4).any(|window| window == b"Exif"));
            }
            assert_eq!(decode(&previews.greyscale).color(), image::ColorType::L8);
        }
    }

    #[test]
    fn the_blurred_picture_has_nothing_to_recognise() {
        // A checkerboard of 8 by 8 squares: coarser than the strokes of any word that fits a preview.
        let (width, height) = (320, 240);
        let square = |i: u32| {
            if (i % width / 8 + i / width / 8).is_multiple_of(2) {
                255
            } else {
                0
            }
        };
        let rgb = (0..width * height).flat_map(|i| [square(i); 3]).collect();
        let previews = make(SmallPicture { width, height, rgb });
        let blurred = decode(&previews.blurred).to_luma8();
        let (darkest, brightest) = (blurred.iter().min().unwrap(), blurred.iter().max().unwrap());
        assert!(brightest - darkest < 12, "{darkest}..{brightest}");
    }

    #[test]
    fn the_blurred_picture_keeps_the_large_shapes() {
        let (width, height) = (200, 100);
        let rgb = (0..width * height)
            .flat_map(|i| {
                if i % width < width / 2 {
                    [255, 0, 0]
                } else {
                    [0, 0, 255]
                }
            })
            .collect();
        let blurred = decode(&make(SmallPicture { width, height, rgb }).blurred).to_rgb8();
        assert!(blurred.get_pixel(20, 50).0[0] > 200 && blurred.get_pixel(180, 50).0[2] > 200);
    }
}
