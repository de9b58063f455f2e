//! Keypoints of drawn pictures: edited copies are seen, strangers and shared patterns are not.

use super::*;
use crate::drawn::{flat, laid_onto, mirrored, photo, rect, rgb, rotated, text, warped};
use crate::looks::{KeptLook, Likely, Looks, Sighting, sight};
use crate::nearness::{Near, Nearness, Reach};
use crate::pdq::RgbImage;
use proptest::prelude::*;

fn looks(picture: &Luma) -> Looks {
    let rgb = rgb(picture);
    Looks::of(RgbImage::new(picture.width() as u32, picture.height() as u32, &rgb).unwrap())
}

/// As an index would tell them, the likeliest first.
fn likely(query: &Looks, kept: &KeptLook) -> Vec<Likely> {
    let mut found = Vec::new();
    for (query_at, point) in query.keypoints.iter().enumerate() {
        for (is_mirrored, code) in [(false, point.code), (true, point.mirrored)] {
            for (kept_at, (kept, _)) in kept.keypoints.iter().enumerate() {
                let distance = code.distance(*kept);
                if distance <= ALIKE_BITS_MAX {
                    let pair = Likely {
                        query_at,
                        kept_at,
                        is_mirrored,
                    };
                    found.push((distance, pair));
                }
            }
        }
    }
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().map(|(_, pair)| pair).collect()
}

fn seen(query: &Luma, entry: &Luma) -> Option<Sighting> {
    let (query, kept) = (looks(query), looks(entry).keep());
    sight(&query, &kept, &likely(&query, &kept), 0)
}

fn near(query: &Luma, entry: &Luma) -> Option<Near> {
    Reach::unjudged(&Nearness::default()).of_sighting(&seen(query, entry)?)
}

#[test]
fn a_part_is_found_turned_mirrored_shrunk_and_pasted() {
    let entry = photo(480, 360, 20);
    let crop = entry.crop(rect(90, 60, 300, 240));
    let half = entry.shrink(240);
    let pasted = laid_onto(&photo(500, 400, 21), &half, 200, 150);
    let mut emoji = entry.clone();
    emoji = laid_onto(&emoji, &flat(180, 180, 200), 150, 90);
    for (name, query) in [
        ("as it is", entry.clone()),
        ("cropped", crop.clone()),
        ("turned a little", rotated(&entry, 12.0)),
        ("mirrored and cropped", mirrored(&crop)),
        ("shrunk and pasted", pasted),
        ("covered in the middle", emoji),
    ] {
        let sighting = seen(&query, &entry).unwrap_or_else(|| panic!("{name}: not seen"));
        let near = Reach::unjudged(&Nearness::default()).of_sighting(&sighting);
        assert_eq!(near, Some(Near::Match), "{name}: {sighting:?}");
        assert_eq!(sighting.is_mirrored, name.contains("mirrored"), "{name}");
    }
}

#[test]
fn a_sighting_says_where() {
    let entry = photo(400, 300, 22);
    let query = laid_onto(&flat(500, 500, 90), &entry.shrink(300), 100, 150);
    let corners = seen(&query, &entry).unwrap().corners;
    let expected = [(2000, 3000), (8000, 3000), (8000, 7500), (2000, 7500)];
    for ((x, y), (ex, ey)) in corners.into_iter().zip(expected) {
        assert!((x - ex).abs() < 150 && (y - ey).abs() < 150, "{corners:?}");
    }
}

#[test]
fn a_slanted_view_is_found() {
    // As a camera sees a screen from the side: the right edge shorter than the left.
    let entry = photo(480, 360, 23);
    let query = warped(&entry, (480, 360), 15, |x, y| {
        let shrink = 1.0 + 0.12 * x / 480.0;
        (x, (y - 180.0) * shrink + 180.0)
    });
    assert_eq!(near(&query, &entry), Some(Near::Match));
}

#[test]
fn strangers_and_flat_pictures_are_not_seen() {
    let entry = photo(480, 360, 24);
    for seed in 25..35 {
        assert_eq!(near(&photo(480, 360, seed), &entry), None, "{seed}");
    }
    assert_eq!(near(&flat(480, 360, 90), &entry), None);
    assert_eq!(near(&entry, &flat(480, 360, 90)), None);
}

#[test]
fn cards_that_share_a_frame_but_no_text_do_not_match() {
    // A frame with an emblem, and different words.
    let card = |seed| {
        let card = laid_onto(&flat(480, 360, 240), &photo(90, 90, 99), 20, 20);
        laid_onto(&card, &text(420, 216, seed), 30, 130)
    };
    let sighting = seen(&card(100), &card(200));
    let reach = Reach::unjudged(&Nearness::default());
    assert_ne!(
        sighting.and_then(|sighting| reach.of_sighting(&sighting)),
        Some(Near::Match),
        "{sighting:?}"
    );
    assert_eq!(near(&card(100), &card(100)), Some(Near::Match));
}

#[test]
fn patterns_that_repeat_themselves_are_not_taken_for_each_other() {
    // One motif in a grid, each field a little lighter or darker by chance: as two photos of tiles are, from one shop.
    let motif = photo(40, 40, 50);
    let wall = |seed: u64| {
        let mut wall = flat(480, 360, 128);
        for row in 0..9 {
            for column in 0..12 {
                let light = (text(20, 36, seed * 1000 + row * 12 + column).row(2)[2] / 120) as i16;
                let tile: Vec<u8> = motif
                    .pixels()
                    .iter()
                    .map(|grey| (i16::from(*grey) + light).clamp(0, 255) as u8)
                    .collect();
                let tile = Luma::new(40, 40, tile).unwrap();
                wall = laid_onto(&wall, &tile, 40 * column as usize, 40 * row as usize);
            }
        }
        wall
    };
    // The same motif is in both, so they do look alike; but which wall it is, nothing says.
    let kept = looks(&wall(1)).keep();
    assert!(kept.keypoints.len() < 16, "{}", kept.keypoints.len());
    assert_eq!(
        looks(&photo(480, 360, 51)).keep().keypoints.len(),
        64,
        "a photo keeps its own"
    );
}

#[test]
fn what_is_kept_is_read_back() {
    let kept = looks(&photo(640, 300, 36)).keep();
    assert_eq!(kept.keypoints.len(), 64);
    let read = KeptLook::from_bytes(&kept.to_bytes()).unwrap();
    assert_eq!(read.picture, kept.picture);
    for ((code, place), (read_code, read_place)) in kept.keypoints.iter().zip(&read.keypoints) {
        assert_eq!(code, read_code);
        assert!((place.x - read_place.x).abs() < 0.01 && (place.direction - read_place.direction).abs() < 0.01);
    }
    assert_eq!(
        read,
        KeptLook::from_bytes(&read.to_bytes()).unwrap(),
        "reading changes nothing more"
    );
}

#[test]
fn no_bytes_are_read_as_more_than_they_are() {
    let bytes = looks(&photo(200, 100, 37)).keep().to_bytes();
    for end in 0..bytes.len() {
        assert!(KeptLook::from_bytes(&bytes[..end]).is_err(), "{end}");
    }
    assert!(KeptLook::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    let mut other = bytes.clone();
    other[0] = 2;
    assert_eq!(
        KeptLook::from_bytes(&other).unwrap_err().to_string(),
        "not the look of an entry: another version of Seawall wrote it"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_are_a_look_or_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), w in 1..9_u8, h in 1..9_u8) {
        let _ = KeptLook::from_bytes(&bytes);
        // One that is a look by its header: whatever its numbers are, the second look ends.
        bytes.resize(4 + 2 * 40 + usize::from(w) * usize::from(h), 7);
        bytes[..4].copy_from_slice(&[1, w, h, 2]);
        let kept = KeptLook::from_bytes(&bytes).unwrap();
        let query = looks(&photo(64, 64, 38));
        let pairs = [(0, 0), (1, 1), (2, 0), (500, 0), (0, 500)].map(|(query_at, kept_at)| Likely { query_at, kept_at, is_mirrored: kept_at == 1 });
        let _ = sight(&query, &kept, &pairs, 0);
    }

    #[test]
    fn no_picture_is_too_odd(width in 1..90_usize, height in 1..90_usize, seed: u64) {
        for picture in [photo(width, height, seed), flat(width, height, seed as u8)] {
            let found = find(&picture, 128);
            prop_assert!(found.len() <= 128);
            for point in found {
                let Place { x, y, sigma, direction } = point.place;
                prop_assert!((-1.0..=91.0).contains(&x) && (-1.0..=91.0).contains(&y) && sigma > 0.0);
                prop_assert!((-0.2..6.5).contains(&direction), "{direction}");
            }
        }
    }
}

#[test]
fn on_every_processor_the_same_and_memory_that_was_used_before_changes_nothing() {
    let mut memory = Memory::default();
    for (width, height, seed) in [
        (512, 288, 1),
        (300, 512, 2),
        (64, 64, 3),
        (21, 40, 4),
        (512, 512, 5),
        (90, 19, 6),
        (2, 2, 7),
    ] {
        let picture = photo(width, height, seed);
        let expected = find_anywhere(&picture, 200, &mut Memory::default());
        assert_eq!(find_with(&picture, 200, &mut memory), expected, "{width} x {height}");
        assert_eq!(find(&picture, 200), expected, "{width} x {height}");
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") {
            #[expect(unsafe_code, reason = "a function compiled for features of this processor")]
            // SAFETY: the processor has the feature that the function is compiled for.
            let found = unsafe { find_avx2(&picture, 200, &mut memory) };
            assert_eq!(found, expected, "{width} x {height}");
        }
    }
}
