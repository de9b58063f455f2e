//! Rectangles, discs, arcs and letters on a picture.

use crate::picture::{Colour, Picture};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster};
use std::sync::OnceLock;

pub fn rectangle(picture: &mut Picture, left: isize, top: isize, width: usize, height: usize, colour: Colour) {
    let x_range = left.max(0)..(left + width as isize).min(picture.width as isize);
    for y in top.max(0)..(top + height as isize).min(picture.height as isize) {
        for x in x_range.clone() {
            picture.mix(x, y, colour, 1.0);
        }
    }
}

/// A filled ellipse with soft edges.
pub fn ellipse(picture: &mut Picture, middle: (f64, f64), radii: (f64, f64), colour: Colour) {
    let (radius_x, radius_y) = (radii.0.max(0.5), radii.1.max(0.5));
    shade(picture, middle, (radius_x + 1.0, radius_y + 1.0), colour, |x, y| {
        let distance = (x / radius_x).hypot(y / radius_y);
        (1.0 - distance) * radius_x.min(radius_y) + 0.5
    });
}

pub fn disc(picture: &mut Picture, middle: (f64, f64), radius: f64, colour: Colour) {
    ellipse(picture, middle, (radius, radius), colour);
}

/// The lower half of an ellipse's line.
pub fn smile(picture: &mut Picture, middle: (f64, f64), radii: (f64, f64), thick: f64, colour: Colour) {
    let reach = (radii.0 + thick, radii.1 + thick);
    shade(picture, middle, reach, colour, |x, y| {
        if y < 0.0 {
            return 0.0;
        }
        let distance = (x / radii.0).hypot(y / radii.1);
        thick / 2.0 - (distance - 1.0).abs() * radii.0.min(radii.1) + 0.5
    });
}

/// Mixes in a colour around a middle, as much as `cover` says for the way from there.
fn shade(
    picture: &mut Picture,
    middle: (f64, f64),
    reach: (f64, f64),
    colour: Colour,
    cover: impl Fn(f64, f64) -> f64,
) {
    let range = |middle: f64, reach: f64| (middle - reach).floor() as isize..=(middle + reach).ceil() as isize;
    for y in range(middle.1, reach.1) {
        for x in range(middle.0, reach.0) {
            let share = cover(x as f64 + 0.5 - middle.0, y as f64 + 0.5 - middle.1);
            if share > 0.0 {
                picture.mix(x, y, colour, share.min(1.0) as f32);
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Bold,
}

/// How letters look. `size` is the height of a line in pixels; capitals take [`CAPITAL`] of it.
#[derive(Debug, Clone, Copy)]
pub struct Letters {
    pub size: f64,
    pub weight: Weight,
    pub colour: Colour,
    /// 1 is opaque.
    pub opacity: f32,
}

/// One letter, cut to where it has ink.
struct Glyph {
    /// Rows of `width` shares of ink, 32 of them.
    ink: Vec<f32>,
    width: usize,
}

/// Where letters stand, from the top of their line, and how tall capitals are, as shares of the size.
pub const BASELINE: f64 = 0.78;
pub const CAPITAL: f64 = 0.53;
/// Rows of a drawn letter.
const GLYPH_HEIGHT: usize = 32;
/// Between two letters, and for a space, in glyph pixels.
const GAP: f64 = 2.5;
const SPACE: f64 = 9.0;

fn glyph(letter: char, weight: Weight) -> Option<&'static Glyph> {
    static DRAWN: OnceLock<Vec<[Option<Glyph>; 2]>> = OnceLock::new();
    let drawn = DRAWN.get_or_init(|| {
        let draw = |letter: char, weight| {
            let raster = get_raster(letter, weight, RasterHeight::Size32)?;
            let rows: Vec<&[u8]> = raster.rows().collect();
            let inked: Vec<usize> = (0..raster.width())
                .filter(|x| rows.iter().any(|row| row[*x] > 0))
                .collect();
            let (first, last) = (*inked.first()?, *inked.last()?);
            let ink = rows
                .iter()
                .flat_map(|row| row[first..=last].iter().map(|ink| f32::from(*ink) / 255.0))
                .collect();
            Some(Glyph {
                ink,
                width: last - first + 1,
            })
        };
        (0..127u8)
            .map(|n| [FontWeight::Regular, FontWeight::Bold].map(|weight| draw(n as char, weight)))
            .collect()
    });
    drawn.get(letter as usize)?[usize::from(weight == Weight::Bold)].as_ref()
}

/// How wide a line of text is, in pixels.
pub fn text_width(text: &str, letters: Letters) -> f64 {
    let scale = letters.size / GLYPH_HEIGHT as f64;
    text.chars()
        .map(|letter| glyph(letter, letters.weight).map_or(SPACE, |glyph| glyph.width as f64 + GAP) * scale)
        .sum()
}

/// A line of text whose box begins at (left, top). What reaches over the edge is lost.
pub fn text(picture: &mut Picture, text: &str, left: f64, top: f64, letters: Letters) {
    let scale = letters.size / GLYPH_HEIGHT as f64;
    let mut left = left;
    for letter in text.chars() {
        let Some(glyph) = glyph(letter, letters.weight) else {
            left += SPACE * scale;
            continue;
        };
        let right = left + glyph.width as f64 * scale;
        // Each pixel is the mean ink over what it covers of the letter: right for small letters and for large ones.
        for y in top.floor() as isize..(top + letters.size).ceil() as isize {
            for x in left.floor() as isize..right.ceil() as isize {
                let from = ((x as f64 - left) / scale, (y as f64 - top) / scale);
                let share = mean_ink(glyph, from, 1.0 / scale);
                if share > 0.0 {
                    picture.mix(x, y, letters.colour, share * letters.opacity);
                }
            }
        }
        left = right + GAP * scale;
    }
}

fn mean_ink(glyph: &Glyph, from: (f64, f64), side: f64) -> f32 {
    let cover = |start: f64, length: usize| {
        let first = start.floor().max(0.0) as usize;
        let last = ((start + side).ceil().max(0.0) as usize).min(length);
        (first..last).map(move |n| (n, ((n + 1) as f64).min(start + side) - (n as f64).max(start)))
    };
    let mut sum = 0.0;
    for (y, tall) in cover(from.1, GLYPH_HEIGHT) {
        for (x, wide) in cover(from.0, glyph.width) {
            sum += f64::from(glyph.ink[y * glyph.width + x]) * tall * wide;
        }
    }
    (sum / (side * side)) as f32
}

/// Words broken into lines no wider than `width` pixels. A word that is wider stands alone.
pub fn lines(words: &[String], width: f64, letters: Letters) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), letters) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{BLACK, WHITE};

    const LETTERS: Letters = Letters {
        size: 20.0,
        weight: Weight::Regular,
        colour: BLACK,
        opacity: 1.0,
    };

    fn dark(picture: &Picture) -> usize {
        picture.rgb.chunks_exact(3).filter(|pixel| pixel[0] < 128).count()
    }

    #[test]
    fn text_stays_in_its_box_and_grows_with_its_size() {
        let width = text_width("SAMPLE text", LETTERS);
        let mut page = Picture::filled(400, 60, WHITE);
        text(&mut page, "SAMPLE text", 30.0, 10.0, LETTERS);
        assert!(dark(&page) > 200);
        let inside = page.part(30, 10, width.ceil() as usize, 20);
        assert_eq!(dark(&inside), dark(&page));
        let twice = Letters { size: 40.0, ..LETTERS };
        assert!((text_width("SAMPLE text", twice) - 2.0 * width).abs() < 1e-6);
    }

    #[test]
    fn capitals_stand_on_the_baseline() {
        let mut page = Picture::filled(60, 120, WHITE);
        let letters = Letters { size: 100.0, ..LETTERS };
        text(&mut page, "H", 2.0, 10.0, letters);
        let inked: Vec<usize> = (0..120).filter(|y| dark(&page.part(0, *y, 60, 1)) > 0).collect();
        let (first, last) = (inked[0] as f64 - 10.0, inked[inked.len() - 1] as f64 - 9.0);
        assert!((last - 100.0 * BASELINE).abs() < 3.0, "{last}");
        assert!((last - first - 100.0 * CAPITAL).abs() < 3.0, "{}", last - first);
    }

    #[test]
    fn shapes_have_their_area() {
        let mut page = Picture::filled(100, 100, WHITE);
        disc(&mut page, (50.0, 50.0), 20.0, BLACK);
        assert!((dark(&page) as f64 - std::f64::consts::PI * 400.0).abs() < 30.0);
        let mut page = Picture::filled(100, 100, WHITE);
        rectangle(&mut page, -5, 90, 20, 20, BLACK);
        assert_eq!(dark(&page), 150);
    }

    #[test]
    fn lines_fit() {
        let words: Vec<String> = "lorem ipsum dolor sit amet consectetur"
            .split(' ')
            .map(String::from)
            .collect();
        let lines = lines(&words, 120.0, LETTERS);
        assert!(lines.len() > 2);
        assert!(
            lines
                .iter()
                .all(|line| text_width(line, LETTERS) <= 120.0 || !line.contains(' '))
        );
        assert_eq!(lines.join(" "), words.join(" "));
    }
}
