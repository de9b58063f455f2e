//! Every edit has the size, the place and the colours that its name says, and the same seed gives the same pixels.

use super::*;

/// A smooth picture in which every place has its own colour: x in red, y in green.
fn chart() -> Picture {
    let (width, height) = (384, 256);
    let mut picture = Picture::filled(width, height, BLACK);
    for y in 0..height {
        for x in 0..width {
            picture.set(x, y, [(x * 255 / width) as u8, (y * 255 / height) as u8, 90]);
        }
    }
    picture
}

fn edited(name: &str, seed: u64) -> Picture {
    let backdrop = Picture::filled(200, 100, [9, 9, 200]);
    let (_, edit) = EDITS
        .iter()
        .find(|(other, _)| *other == name)
        .expect("an edit of that name");
    let mut around = Surroundings {
        chance: Chance::of(&[name], seed),
        backdrop: &backdrop,
    };
    edit(&chart(), &mut around).expect("every edit works on a chart")
}

/// Where on the chart a pixel was, in its pixels.
fn place(pixel: Colour) -> (f64, f64) {
    (f64::from(pixel[0]) / 255.0 * 384.0, f64::from(pixel[1]) / 255.0 * 256.0)
}

#[track_caller]
fn check_place(name: &str, x: usize, y: usize, expected: (f64, f64)) {
    let found = place(edited(name, 1).at(x, y));
    let away = (found.0 - expected.0).hypot(found.1 - expected.1);
    // JPEG at quality 30 moves colours by some levels of 255.
    let away_max = if name.starts_with("combo") { 15.0 } else { 4.0 };
    assert!(away < away_max, "{name}: {found:?}, not {expected:?}");
}

#[test]
fn sizes() {
    let expected = [
        ("identity", 384, 256),
        ("resize_50", 192, 128),
        ("resize_20", 76, 51),
        ("stretch_square", 400, 400),
        ("crop_2", 369, 245),
        ("crop_20", 231, 153),
        ("crop_right_10", 345, 256),
        ("crop_left_half", 192, 256),
        ("rotate_90", 256, 384),
        ("rotate_15deg", 384, 256),
        ("letterbox_12", 384, 316),
        ("pillarbox_25", 576, 256),
        ("white_frame_5", 422, 280),
        ("blurred_pillarbox", 499, 256),
        ("caption_band_20", 384, 307),
        ("phone_light", 540, 1170),
        ("pip_50", 384, 256),
        ("camcorder", 384, 256),
        ("combo_letterbox_logo_resize_jpeg", 192, 158),
    ];
    for (name, width, height) in expected {
        let picture = edited(name, 1);
        assert_eq!((picture.width, picture.height), (width, height), "{name}");
        assert_eq!(picture.rgb.len(), 3 * width * height, "{name}");
    }
}

#[test]
fn places() {
    check_place("mirror", 10, 30, (374.0, 30.0));
    check_place("rotate_90", 20, 50, (334.0, 20.0));
    check_place("rotate_180", 20, 50, (364.0, 206.0));
    check_place("crop_20", 0, 0, (76.0, 51.0));
    check_place("crop_left_half", 100, 100, (100.0, 100.0));
    check_place("letterbox_12", 100, 130, (100.0, 100.0));
    check_place("pillarbox_25", 196, 100, (100.0, 100.0));
    check_place("blurred_pillarbox", 57 + 100, 100, (100.0, 100.0));
    check_place("caption_band_20", 100, 51 + 100, (100.0, 100.0));
    check_place("phone_dark", 270, 220 + 180, (192.0, 128.0));
    check_place("pip_70", 192, 128, (192.0, 128.0));
    check_place("pip_50", 192 + 48, 128, (288.0, 128.0));
    check_place("combo_letterbox_logo_resize_jpeg", 96, 79, (192.0, 128.0));
    // Turned against the clock, what is now to the right of the middle was below that: sin 15° = 0.26.
    check_place("rotate_15deg", 292, 128, (192.0 + 96.6, 128.0 + 25.9));
}

#[test]
fn the_camcorder_stands_askew() {
    let picture = edited("camcorder", 1);
    assert!(
        picture.at(2, 2).iter().all(|value| *value < 40),
        "outside of the screen it is dark"
    );
    let corner = picture.at(30, 14);
    assert!(
        corner[0] < 25 && corner[1] < 25,
        "the upper left corner of the chart: {corner:?}"
    );
    let far = picture.at(355, 240);
    assert!(
        far[0] > 190 && far[1] > 190,
        "the lower right corner of the chart: {far:?}"
    );
}

#[test]
fn colours() {
    let chart = chart();
    let [old, inverted] = [chart.at(100, 60), edited("invert", 1).at(100, 60)];
    assert_eq!(old.map(|value| 255 - value), inverted);
    assert_eq!(edited("brightness_1.5", 1).at(100, 60), [99, 88, 135]);
    assert_eq!(
        edited("gamma_2.2", 1).at(100, 60),
        old.map(|value| ((f64::from(value) / 255.0).powf(2.2) * 255.0) as u8)
    );
    let [red, green, blue] = edited("grayscale", 1).at(100, 60);
    assert!(red == green && green == blue);
    assert_eq!(hue_turned([200, 0, 0], 120.0), [0, 200, 0]);
    assert_eq!(hue_turned([200, 100, 100], 240.0), [100, 100, 200]);
    assert_eq!(hue_turned([200, 0, 0], 90.0), [100, 200, 0]);
}

#[test]
fn what_covers_covers_its_share() {
    for (name, share) in [
        ("logo_3", 0.03),
        ("logo_10", 0.10),
        ("emoji_5", 0.05),
        ("emoji_20", 0.20),
    ] {
        let (before, after) = (chart(), edited(name, 1));
        let changed = before
            .rgb
            .chunks_exact(3)
            .zip(after.rgb.chunks_exact(3))
            .filter(|(old, new)| old != new)
            .count();
        let found = changed as f64 / (384.0 * 256.0);
        assert!((found - share).abs() < 0.1 * share, "{name}: {found}");
    }
    let (before, after) = (chart(), edited("watermark_text", 1));
    let changed = before
        .rgb
        .iter()
        .zip(&after.rgb)
        .filter(|(old, new)| old != new)
        .count() as f64
        / before.rgb.len() as f64;
    assert!((0.02..0.2).contains(&changed), "{changed}");
}

#[test]
fn the_same_seed_gives_the_same_pixels() {
    for (name, _) in EDITS {
        assert_eq!(edited(name, 5), edited(name, 5), "{name}");
    }
    for name in ["noise_25", "crop_random_70", "camcorder"] {
        assert_ne!(edited(name, 5), edited(name, 6), "{name}");
    }
}

#[test]
fn noise_has_its_deviation() {
    let flat = Picture::filled(100, 100, [128; 3]);
    let noisy = noisy(&flat, 25.0, &mut Chance::of(&["noise"], 1));
    let n = noisy.rgb.len() as f64;
    let deviation = (noisy
        .rgb
        .iter()
        .map(|value| (f64::from(*value) - 127.5).powi(2))
        .sum::<f64>()
        / n)
        .sqrt();
    assert!((deviation - 25.0).abs() < 0.5, "{deviation}");
}

#[test]
fn a_crop_by_chance_keeps_seventy_hundredths() {
    let picture = edited("crop_random_70", 3);
    let share = (picture.width * picture.height) as f64 / (384.0 * 256.0);
    assert!((share - 0.70).abs() < 0.01, "{share}");
}
