//! Views of drawn pictures: edited copies lie near, strangers do not, and no picture is too odd.

use super::*;
use crate::drawn::{flat, laid_onto, mirrored, photo, rect, rgb};
use crate::looks::Looks;
use crate::pdq::RgbImage;
use proptest::prelude::*;

fn views_of(picture: &Luma) -> Vec<ViewSignal> {
    let rgb = rgb(picture);
    let image = RgbImage::new(picture.width() as u32, picture.height() as u32, &rgb).unwrap();
    Looks::of(image).views
}

#[test]
fn a_view_that_shows_the_entry_is_confirmed_and_no_other() {
    let entry = photo(300, 300, 40);
    let looks = |picture: &Luma| {
        let rgb = rgb(picture);
        Looks::of(RgbImage::new(picture.width() as u32, picture.height() as u32, &rgb).unwrap())
    };
    let kept = looks(&entry).keep();
    let share = |query: &Looks, view: &ViewSignal| crate::looks::confirm(query, view, &kept).share();
    let query = looks(&entry);
    let whole = query
        .views
        .iter()
        .filter(|found| found.view.part == Part::Whole && !found.view.is_negative);
    for found in whole {
        // What this view's turn undoes.
        let turn = found.view.turn;
        let place = |x: f32, y: f32| {
            let (u, v) = (x / 300.0, y / 300.0);
            let (u, v) = match turn {
                Dihedral::Original => (u, v),
                Dihedral::Rotate90 => (v, 1.0 - u),
                Dihedral::Rotate180 => (1.0 - u, 1.0 - v),
                Dihedral::Rotate270 => (1.0 - v, u),
                Dihedral::FlipX => (u, 1.0 - v),
                Dihedral::FlipY => (1.0 - u, v),
                Dihedral::FlipPlus => (v, u),
                Dihedral::FlipMinus => (1.0 - v, 1.0 - u),
            };
            (u * 300.0, v * 300.0)
        };
        let turned = looks(&crate::drawn::warped(&entry, (300, 300), 0, place));
        for view in turned
            .views
            .iter()
            .filter(|found| found.view.part == Part::Whole && !found.view.is_negative)
        {
            let distance = view.pdq.hash.distance(pdq::hash_luma(entry.image()).hash);
            assert_eq!(
                share(&turned, view) > 0.9,
                view.view.turn == turn,
                "{turn} as {}",
                view.view
            );
            assert_eq!(
                distance <= 31,
                view.view.turn == turn,
                "{turn} as {}: {distance}",
                view.view
            );
        }
    }
    let negative = looks(&entry.negative());
    let view = negative.views.iter().find(|found| found.view.is_negative).unwrap();
    assert!(share(&negative, view) > 0.9);
    assert!(share(&negative, &negative.views[0]) < 0.1);
}

/// The view nearest to the picture, and how near.
fn nearest(query: &Luma, entry: &Luma) -> (u32, String) {
    let entry = pdq::hash_luma(entry.image()).hash;
    let found = views_of(query).into_iter();
    let found = found.map(|found| (found.pdq.hash.distance(entry), found.view.to_string()));
    found.min().unwrap()
}

fn part(picture: &Luma, part: Part) -> Rect {
    let found = parts(picture).into_iter().find(|(found, _)| *found == part);
    found.unwrap_or_else(|| panic!("no {part:?}")).1
}

#[test]
fn frames_of_any_grey_are_trimmed_one_inside_another() {
    let picture = photo(300, 200, 1);
    let framed = laid_onto(&flat(340, 240, 255), &picture, 20, 20);
    let boxed = laid_onto(&flat(340, 360, 0), &framed, 0, 60);
    let trimmed = part(&boxed, Part::Trimmed);
    assert!(trimmed.is_like(rect(20, 80, 300, 200)), "{trimmed:?}");
    let (distance, view) = nearest(&boxed, &picture);
    assert!(distance <= 10 && view == "trimmed", "{distance} {view}");
}

#[test]
fn a_picture_within_a_picture_is_a_box() {
    let (picture, ground) = (photo(260, 180, 2), photo(480, 360, 3));
    let query = laid_onto(&ground, &picture, 100, 70);
    let (distance, view) = nearest(&query, &picture);
    assert!(distance <= 12 && view.starts_with("box"), "{distance} {view}");
}

#[test]
fn a_picture_under_a_caption_is_a_box() {
    let picture = photo(400, 260, 4);
    let mut card = flat(400, 340, 250);
    for word in 0..9 {
        card = laid_onto(&card, &flat(30, 12, 10), 12 + 42 * word, 30);
    }
    let query = laid_onto(&card, &picture, 0, 80);
    let (distance, view) = nearest(&query, &picture);
    assert!(distance <= 12 && view.starts_with("box"), "{distance} {view}");
}

#[test]
fn mirrored_and_negative_pictures_are_views_of_the_whole() {
    let picture = photo(320, 240, 5);
    let (distance, view) = nearest(&mirrored(&picture), &picture);
    assert!(distance <= 8 && view == "whole.flip_y", "{distance} {view}");
    let (distance, view) = nearest(&picture.negative(), &picture);
    assert!(distance <= 4 && view == "whole.negative", "{distance} {view}");
}

#[test]
fn stacked_pictures_are_tiles() {
    let (upper, lower) = (photo(300, 200, 6), photo(300, 200, 7));
    let query = laid_onto(&laid_onto(&flat(300, 400, 0), &upper, 0, 0), &lower, 0, 200);
    for (picture, names) in [
        (upper, ["tile_1_of_1x2", "box", "box_2"]),
        (lower, ["tile_2_of_1x2", "box", "box_2"]),
    ] {
        let (distance, view) = nearest(&query, &picture);
        assert!(distance <= 10 && names.contains(&&*view), "{distance} {view}");
    }
}

#[test]
fn a_plain_picture_has_few_views_and_strangers_stay_far() {
    let (one, other) = (photo(320, 240, 8), photo(320, 240, 9));
    let (distance, _) = nearest(&one, &other);
    assert!(distance > 60, "{distance}");
    let views = views_of(&one);
    assert!(views.len() <= CODES_MAX);
    assert_eq!(views[0].view, View::AS_IS);
    assert_eq!(views[0].share, Share::WHOLE);
}

#[test]
fn names_never_change() {
    let name = |part, turn, is_negative| {
        let view = View {
            part,
            turn,
            is_negative,
        };
        view.to_string()
    };
    assert_eq!(name(Part::Whole, Dihedral::Original, false), "whole");
    assert_eq!(name(Part::Trimmed, Dihedral::FlipY, false), "trimmed.flip_y");
    assert_eq!(
        name(Part::SecondBox, Dihedral::Rotate90, true),
        "box_2.rotate_90.negative"
    );
    let tile = Part::Tile {
        across: 2,
        down: 1,
        at: 1,
    };
    assert_eq!(name(tile, Dihedral::Original, false), "tile_2_of_2x1");
    assert_eq!(
        name(Part::Centre { percent: 70 }, Dihedral::Original, false),
        "centre_70"
    );
}

#[test]
fn crops_of_an_entry_lie_in_it_and_are_found() {
    for (grid, number) in [(Grid::None, 0), (Grid::Few, 24), (Grid::Dense, DENSE)] {
        let shares = grid.shares();
        assert_eq!(shares.len(), number, "{grid:?}");
        for share in shares {
            assert!(
                share.left + share.width <= 10_000 && share.top + share.height <= 10_000,
                "{share:?}"
            );
        }
    }
    let picture = photo(480, 360, 10);
    let kept = picture.shrink(160);
    let codes = crops(&kept, Grid::Few);
    let query = picture.crop(rect(48, 36, 384, 288));
    let code = pdq::hash_luma(query.image()).hash;
    let nearest = codes
        .iter()
        .map(|(_, signal)| signal.hash.distance(code))
        .min()
        .unwrap();
    assert!(nearest <= 20, "a tenth off each side: {nearest}");
    // Any crop of the picture's shape, to the size of one of the dense ones.
    let dense = crops(&kept, Grid::Dense);
    let query = picture.crop(rect(61, 77, 346, 260));
    let code = pdq::hash_luma(query.image()).hash;
    let nearest = dense
        .iter()
        .map(|(_, signal)| signal.hash.distance(code))
        .min()
        .unwrap();
    assert!(nearest <= 60, "anywhere: {nearest}");
}

/// What an incident's entry gets.
const DENSE: usize = 378;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_picture_is_too_odd(width in 1..70_usize, height in 1..70_usize, seed: u64, is_flat: bool) {
        let picture = if is_flat { flat(width, height, seed as u8) } else { photo(width, height, seed) };
        let views = views_of(&picture);
        prop_assert!(views.len() <= CODES_MAX);
        for found in &views {
            let Share { left, top, width, height } = found.share;
            prop_assert!(width > 0 && height > 0 && left + width <= 10_001 && top + height <= 10_001);
        }
        prop_assert_eq!(views, views_of(&picture), "the same picture gives the same views");
    }
}
