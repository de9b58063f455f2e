//! Edits with drawn measures, so that nothing can be fitted to the 44 fixed ones.
//!
//! A draw is one kind of edit, each kind as likely, with measures drawn evenly from its range, saved as JPEG of quality 30–90:
//!
//! | kind | what is drawn |
//! |---|---|
//! | `crop_area` | 1–30 % of the area go; the shape stays, the place is drawn |
//! | `crop_sides` | 1–30 % of the area go, in drawn parts from each of the four sides |
//! | `rotation` | −15…15° about the middle; the canvas stays, its corners have a drawn colour |
//! | `border` | 0–40 % of the side, all round or on two opposite sides; black, white or a drawn colour |
//! | `logo` | a rectangle or an ellipse of 1–15 % of the area anywhere, in two drawn colours |
//! | `scale` | 0.2–1.5 times the size |
//! | `caption` | a band of 5–30 % of the height above or below, black or white, with one or two lines of text |
//!
//! A draw of two has two different kinds, one after the other, then the JPEG.

use crate::{
    cards::Words,
    chance::Chance,
    edits::{self, Sides},
    paint::{self, Letters, Weight},
    picture::{BLACK, Colour, Picture, WHITE},
};
use anyhow::Result;

type Draw = fn(&Picture, &mut Chance) -> Picture;

/// The kinds, in the order in which they are reported.
pub const KINDS: [(&str, Draw); 7] = [
    ("crop_area", crop_area),
    ("crop_sides", crop_sides),
    ("rotation", rotation),
    ("border", border),
    ("logo", logo),
    ("scale", |picture, chance| {
        edits::resized(picture, chance.between(0.2, 1.5))
    }),
    ("caption", caption),
];

/// The kinds of a draw, one or two, as numbers in [`KINDS`], the first one evenly by turns.
pub fn kinds(n: usize, of: usize, chance: &mut Chance) -> Vec<usize> {
    let first = n % KINDS.len();
    let mut kinds = vec![first];
    if of == 2 {
        kinds.push((first + 1 + chance.below(KINDS.len() - 1)) % KINDS.len());
        if chance.below(2) == 0 {
            kinds.reverse();
        }
    }
    kinds
}

pub fn apply(picture: &Picture, kinds: &[usize], chance: &mut Chance) -> Result<Picture> {
    let drawn = kinds
        .iter()
        .fold(picture.clone(), |picture, kind| KINDS[*kind].1(&picture, chance));
    edits::jpeg(&drawn, 30 + chance.below(61) as u8)
}

fn crop_area(picture: &Picture, chance: &mut Chance) -> Picture {
    let off = 1.0 - (1.0 - chance.between(0.01, 0.30)).sqrt();
    let (left, top) = (chance.between(0.0, off), chance.between(0.0, off));
    edits::cropped(
        picture,
        Sides {
            left,
            top,
            right: off - left,
            bottom: off - top,
        },
    )
}

fn crop_sides(picture: &Picture, chance: &mut Chance) -> Picture {
    let goal = chance.between(0.01, 0.30);
    let [left, top, right, bottom] = [(); 4].map(|()| chance.share());
    // The four parts are scaled alike until the area that goes is the one drawn.
    let lost = |scale: f64| 1.0 - (1.0 - scale * (left + right)) * (1.0 - scale * (top + bottom));
    let (mut low, mut high) = (0.0, 1.0 / (left + right + top + bottom + f64::EPSILON));
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if lost(middle) < goal {
            low = middle
        } else {
            high = middle
        }
    }
    let [left, top, right, bottom] = [left, top, right, bottom].map(|part| part * low);
    edits::cropped(
        picture,
        Sides {
            left,
            top,
            right,
            bottom,
        },
    )
}

fn rotation(picture: &Picture, chance: &mut Chance) -> Picture {
    let degrees = chance.between(-15.0, 15.0);
    edits::rotated(picture, degrees, plain_colour(chance))
}

fn border(picture: &Picture, chance: &mut Chance) -> Picture {
    // A share of the side in all, half of it at either end.
    let each = chance.between(0.0, 0.40) / 2.0;
    let more = match chance.below(3) {
        0 => Sides::all(each),
        1 => Sides {
            top: each,
            bottom: each,
            ..Sides::NONE
        },
        _ => Sides {
            left: each,
            right: each,
            ..Sides::NONE
        },
    };
    edits::padded(picture, more, plain_colour(chance))
}

fn logo(picture: &Picture, chance: &mut Chance) -> Picture {
    let (width, height) = (picture.width as f64, picture.height as f64);
    let area = width * height * chance.between(0.01, 0.15);
    let wide = (area * chance.between(0.5, 2.0)).sqrt().min(width);
    let tall = (area / wide).min(height);
    let (left, top) = (chance.between(0.0, width - wide), chance.between(0.0, height - tall));
    let (colour, mark) = (chance.colour(), chance.colour());
    let middle = (left + wide / 2.0, top + tall / 2.0);
    let mut out = picture.clone();
    if chance.below(2) == 0 {
        paint::rectangle(
            &mut out,
            left as isize,
            top as isize,
            wide.ceil() as usize,
            tall.ceil() as usize,
            colour,
        );
    } else {
        // An ellipse in the same box has less area: it is drawn larger, and may reach over the edge.
        let larger = (4.0 / std::f64::consts::PI).sqrt() / 2.0;
        paint::ellipse(&mut out, middle, (wide * larger, tall * larger), colour);
    }
    paint::ellipse(&mut out, middle, (wide / 4.0, tall / 4.0), mark);
    out
}

fn caption(picture: &Picture, chance: &mut Chance) -> Picture {
    let share = chance.between(0.05, 0.30);
    let is_above = chance.below(2) == 0;
    let (paper, ink) = if chance.below(4) == 0 {
        (BLACK, WHITE)
    } else {
        (WHITE, BLACK)
    };
    let more = if is_above {
        Sides {
            top: share,
            ..Sides::NONE
        }
    } else {
        Sides {
            bottom: share,
            ..Sides::NONE
        }
    };
    let mut out = edits::padded(picture, more, paper);
    let band = (out.height - picture.height) as f64;
    let n_lines = 1 + chance.below(2);
    let words = Words::of(&mut chance.clone());
    let letters = Letters {
        size: (band * 0.8 / n_lines as f64).min(picture.width as f64 / 9.0),
        weight: Weight::Bold,
        colour: ink,
        opacity: 1.0,
    };
    let lines = paint::lines(&words.sentence(12, chance), picture.width as f64 * 0.94, letters);
    let first = if is_above { 0.0 } else { picture.height as f64 };
    let top = first + (band - letters.size * n_lines as f64) / 2.0;
    for (n, line) in lines.iter().take(n_lines).enumerate() {
        let left = (picture.width as f64 - paint::text_width(line, letters)) / 2.0;
        paint::text(&mut out, line, left, top + n as f64 * letters.size, letters);
    }
    out
}

fn plain_colour(chance: &mut Chance) -> Colour {
    match chance.below(4) {
        0 => BLACK,
        1 => WHITE,
        _ => chance.colour(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (usize, usize) = (300, 200);

    /// Each kind a hundred times, on a picture of one colour that no other thing has.
    fn draws(kind: &str) -> impl Iterator<Item = Picture> {
        let picture = Picture::filled(SIZE.0, SIZE.1, [1, 250, 77]);
        let (_, draw) = KINDS
            .iter()
            .find(|(name, _)| *name == kind)
            .expect("a kind of that name");
        (0..100).map(move |seed| draw(&picture, &mut Chance::of(&["test"], seed)))
    }

    fn area(picture: &Picture) -> f64 {
        (picture.width * picture.height) as f64 / (SIZE.0 * SIZE.1) as f64
    }

    fn untouched(picture: &Picture) -> f64 {
        let n = picture
            .rgb
            .chunks_exact(3)
            .filter(|pixel| pixel == &[1, 250, 77])
            .count();
        n as f64 / (SIZE.0 * SIZE.1) as f64
    }

    #[track_caller]
    fn check(values: impl Iterator<Item = f64>, low: f64, high: f64) {
        let values: Vec<f64> = values.collect();
        let (least, most) = values
            .iter()
            .fold((f64::MAX, f64::MIN), |(a, b), value| (a.min(*value), b.max(*value)));
        let slack = 0.15 * (high - low);
        assert!(least >= low - 0.02 && least < low + slack, "{least}, not {low}");
        assert!(most <= high + 0.02 && most > high - slack, "{most}, not {high}");
    }

    #[test]
    fn draws_fill_their_ranges_and_stay_inside() {
        check(draws("crop_area").map(|picture| 1.0 - area(&picture)), 0.01, 0.30);
        check(draws("crop_sides").map(|picture| 1.0 - area(&picture)), 0.01, 0.30);
        check(draws("logo").map(|picture| 1.0 - untouched(&picture)), 0.01, 0.15);
        check(
            draws("scale").map(|picture| picture.width as f64 / SIZE.0 as f64),
            0.2,
            1.5,
        );
        check(draws("caption").map(|picture| area(&picture) - 1.0), 0.05, 0.30);
        check(
            draws("border").map(|picture| picture.width as f64 / SIZE.0 as f64 - 1.0),
            0.0,
            0.40,
        );
        assert!(draws("rotation").all(|picture| area(&picture) == 1.0 && untouched(&picture) > 0.7));
        assert!(draws("border").all(|picture| (untouched(&picture) - 1.0).abs() < 1e-9));
    }

    #[test]
    fn draws_follow_from_the_seed() {
        let photo = crate::edits::padded(&Picture::filled(90, 80, [9, 80, 7]), Sides::all(0.2), WHITE);
        for n in 0..14 {
            let draw = |seed| {
                let mut chance = Chance::of(&["draw"], seed);
                let kinds = kinds(n, 2, &mut chance);
                assert_ne!(kinds[0], kinds[1]);
                apply(&photo, &kinds, &mut chance).expect("a draw")
            };
            assert_eq!(draw(3), draw(3));
        }
    }
}
