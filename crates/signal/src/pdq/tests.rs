//! Hashes of whole pictures: the reference's own answers, and what must hold between ours.

use super::*;
use proptest::prelude::*;

/// Pictures that need no file: any implementation can draw them from these integer formulas.
/// `conformance/make_vectors.py` draws the same ones.
fn draw(pattern: &str, width: usize, height: usize) -> Vec<u8> {
    let scatter = |n: usize| (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0];
    let channel = |x: usize, y: usize, c: usize| -> usize {
        match pattern {
            "flat" => 77,
            "ramp" => [x * 255 / width, y * 255 / height, (x + y) % 256][c],
            "noise" => scatter((y * width + x) * 3 + c).into(),
            "tiles" => scatter(x * 8 / width * 100 + y * 8 / height * 10 + c).into(),
            "rings" => (x.abs_diff(width / 3).pow(2) + y.abs_diff(height / 2).pow(2)) * (40 + 9 * c) / (width * height),
            "bars" => (x * 16 / width + y * 5 / height) % 2 * 255,
            _ => panic!("no pattern is called {pattern}"),
        }
    };
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            pixels.extend((0..3).map(|c| channel(x, y, c) as u8));
        }
    }
    pixels
}

fn rgb(width: usize, height: usize, pixels: &[u8]) -> RgbImage<'_> {
    RgbImage::new(width as u32, height as u32, pixels).unwrap()
}

#[test]
fn vectors_of_the_reference() {
    let mut n_vectors = 0;
    for line in include_str!("../../tests/pdq_vectors.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[pattern, width, height, quality, hash] = fields.as_slice() else {
            panic!("not a vector: {line}")
        };
        let (width, height): (usize, usize) = (width.parse().unwrap(), height.parse().unwrap());
        if cfg!(miri) && width * height > 5000 {
            continue;
        }
        let pixels = draw(pattern, width, height);
        let found = hash_rgb(rgb(width, height, &pixels));
        let expected = PdqSignal {
            hash: hash.parse().unwrap(),
            quality: quality.parse().unwrap(),
        };
        assert_eq!(found, expected, "{line}");
        n_vectors += 1;
    }
    assert!(cfg!(miri) || n_vectors >= 60, "{n_vectors} vectors");
}

#[test]
fn too_small_is_all_zero() {
    for (width, height) in [(1, 1), (4, 100), (100, 4), (4, 4)] {
        let pixels = draw("noise", width, height);
        assert_eq!(hash_rgb(rgb(width, height, &pixels)), PdqSignal::TOO_SMALL);
        assert_eq!(
            hash_rgb_dihedral(rgb(width, height, &pixels)),
            [PdqSignal::TOO_SMALL; 8]
        );
    }
}

#[test]
fn longer_than_the_quick_way_reaches() {
    let (width, height) = (255 * 128 + 1, 5);
    assert!(!tent::fits(width, height));
    let found = hash_rgb(rgb(width, height, &draw("rings", width, height)));
    let expected = "690e16d796f1693816b3bd0c163a4ea9e9453ec7690e845796f1c13816baaddc"
        .parse()
        .unwrap();
    assert_eq!(
        found,
        PdqSignal {
            hash: expected,
            quality: 70
        }
    );
}

/// Where pixel (`x`, `y`) of the turned picture comes from in a square one whose last row and column are `last`.
fn source(turn: Dihedral, x: usize, y: usize, last: usize) -> (usize, usize) {
    match turn {
        Dihedral::Original => (x, y),
        Dihedral::Rotate90 => (last - y, x),
        Dihedral::Rotate180 => (last - x, last - y),
        Dihedral::Rotate270 => (y, last - x),
        Dihedral::FlipX => (x, last - y),
        Dihedral::FlipY => (last - x, y),
        Dihedral::FlipPlus => (y, x),
        Dihedral::FlipMinus => (last - y, last - x),
    }
}

#[test]
fn dihedral_hashes_are_those_of_the_turned_pictures() {
    // Windows and centres lean to one side by up to a pixel, so turning pixels and turning coefficients differ somewhat.
    let side = if cfg!(miri) { 65 } else { 700 };
    let last = side - 1;
    let original = {
        let (tiles, rings) = (draw("tiles", side, side), draw("rings", side, side));
        tiles
            .iter()
            .zip(&rings)
            .map(|(tile, ring)| tile / 2 + ring / 2)
            .collect::<Vec<u8>>()
    };
    let from_one_transform = hash_rgb_dihedral(rgb(side, side, &original));
    assert_eq!(from_one_transform[0], hash_rgb(rgb(side, side, &original)));
    for (turn, found) in Dihedral::ALL.into_iter().zip(from_one_transform) {
        let mut turned = Vec::new();
        for y in 0..side {
            for x in 0..side {
                let (x, y) = source(turn, x, y, last);
                turned.extend_from_slice(&original[(y * side + x) * 3..][..3]);
            }
        }
        let expected = hash_rgb(rgb(side, side, &turned));
        for (other, other_found) in Dihedral::ALL.into_iter().zip(from_one_transform) {
            let distance = expected.hash.distance(other_found.hash);
            if other == turn {
                assert!(
                    distance <= 45,
                    "{turn}: {distance} bits from the hash of the turned picture"
                );
            } else {
                assert!(distance >= 80, "{turn} and {other} are only {distance} bits apart");
            }
        }
        assert!(expected.quality.abs_diff(found.quality) <= 2, "{turn}");
    }
}

#[test]
fn smooth_pictures_are_in_doubt_and_photos_are_not() {
    let doubt = |picture: &crate::Luma| nearly_hash_luma_dihedral_and_doubt(picture.image()).1;
    for seed in 0..20 {
        assert!(doubt(&crate::drawn::photo(640, 360, seed)) <= 8, "photo {seed}");
    }
    let slope = |x: usize, y: usize| (40 + x * 150 / 640 + y * 40 / 360) as u8;
    let pixels = (0..360).flat_map(|y| (0..640).map(move |x| slope(x, y)));
    assert!(doubt(&crate::Luma::new(640, 360, pixels.collect()).unwrap()) > 30);
}

#[test]
fn dihedral_names_are_stable() {
    let names = Dihedral::ALL.map(Dihedral::as_str);
    let expected = [
        "original",
        "rotate_90",
        "rotate_180",
        "rotate_270",
        "flip_x",
        "flip_y",
        "flip_plus",
        "flip_minus",
    ];
    assert_eq!(names, expected);
}

/// Smooth, drawn, noisy and flat pictures of any shape, where rounding decides often and where it never does.
fn picture() -> impl Strategy<Value = (usize, usize, Vec<u8>)> {
    let side = prop_oneof![5..70_usize, 100..140_usize, 200..400_usize];
    let pattern = prop::sample::select(vec!["flat", "ramp", "noise", "tiles", "rings", "bars"]);
    (side.clone(), side, pattern.clone(), pattern, 0..=8_u16).prop_map(|(width, height, one, other, part)| {
        let mix = |(&a, &b): (&u8, &u8)| ((u16::from(a) * part + u16::from(b) * (8 - part)) / 8) as u8;
        let pixels = draw(one, width, height)
            .iter()
            .zip(&draw(other, width, height))
            .map(mix)
            .collect();
        (width, height, pixels)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 400 }, ..ProptestConfig::default() })]

    #[test]
    fn the_quick_way_is_certain_only_of_what_is_so((width, height, pixels) in picture()) {
        let thumbnail = sequential::thumbnail::<3>(width, height, &pixels);
        let expected = conclude(&thumbnail, Dihedral::ALL, None).signals;
        let scale = Some(margin::scale(width, height));
        let portable = quick_portable::<3, 8>(width, height, &pixels, Dihedral::ALL, scale);
        if portable.is_certain {
            prop_assert_eq!(portable.signals, expected);
        }
        prop_assert_eq!(quick::<3, 8>(width, height, &pixels, Dihedral::ALL, scale), portable);
        prop_assert_eq!(hash_rgb_dihedral(rgb(width, height, &pixels)), expected);
        prop_assert_eq!(hash_rgb(rgb(width, height, &pixels)), expected[0]);
    }

    #[test]
    fn grey_is_the_same_in_one_channel_and_in_three((width, height, pixels) in picture()) {
        let grey: Vec<u8> = pixels.iter().step_by(3).copied().collect();
        let tripled: Vec<u8> = grey.iter().flat_map(|&grey| [grey; 3]).collect();
        let luma = LumaImage::new(width as u32, height as u32, &grey).unwrap();
        prop_assert_eq!(hash_luma(luma), hash_rgb(rgb(width, height, &tripled)));
    }

    #[test]
    fn text_words_and_bytes_are_one_code(words in any::<[u64; 4]>()) {
        let code = Pdq::from_words(words);
        let text = code.to_string();
        prop_assert_eq!(text.len(), 64);
        prop_assert_eq!(&text[..16], &format!("{:016x}", words[0]));
        prop_assert_eq!(text.parse(), Ok(code));
        prop_assert_eq!(text.to_uppercase().parse(), Ok(code));
        prop_assert_eq!(Pdq::from_bytes(code.to_bytes()), code);
        prop_assert_eq!(&hex::encode(code.to_bytes()), &text);
        prop_assert_eq!(Pdq::from_bits(|n| words[3 - n / 64] >> (n % 64) & 1 == 1), code);
    }

    #[test]
    fn distance_counts_flipped_bits(words in any::<[u64; 4]>(), flips in prop::collection::hash_set(0..256_usize, 0..256)) {
        let code = Pdq::from_words(words);
        let flipped = Pdq::from_bits(|n| (words[3 - n / 64] >> (n % 64) & 1 == 1) != flips.contains(&n));
        prop_assert_eq!(code.distance(flipped) as usize, flips.len());
        prop_assert_eq!(flipped.distance(code) as usize, flips.len());
        prop_assert_eq!(code.complement().distance(flipped) as usize, 256 - flips.len());
    }

    #[test]
    fn any_text_is_a_code_or_an_error(text in "[0-9a-fA-Fg é]{0,70}") {
        let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        prop_assert_eq!(text.parse::<Pdq>().is_ok(), is_hash);
    }
}

#[test]
fn malformed_text_is_told_apart() {
    let text = "0123456789abcdef".repeat(4);
    assert_eq!(text[1..].parse::<Pdq>(), Err(ParsePdqError::Length { found: 63 }));
    assert_eq!(
        format!("{text}0").parse::<Pdq>(),
        Err(ParsePdqError::Length { found: 65 })
    );
    assert_eq!(
        format!(" {text}").parse::<Pdq>(),
        Err(ParsePdqError::NotHex {
            character: ' ',
            position: 0
        })
    );
    assert_eq!(
        text.replace("e", "é").parse::<Pdq>(),
        Err(ParsePdqError::NotHex {
            character: 'é',
            position: 14
        })
    );
    assert_eq!(
        "".parse::<Pdq>().unwrap_err().to_string(),
        "a PDQ hash has 64 hexadecimal digits, this has 0 characters"
    );
}
