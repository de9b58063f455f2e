//! Prints, against the library that others use, and against what was done to a sound.

use super::*;
use proptest::prelude::*;
use rusty_chromaprint::{Configuration, FingerprintCompressor, Fingerprinter};

/// A tune nobody wrote: chords of a seed, with overtones and a little noise.
fn tune(seed: u64, seconds: f64, rate: u32, speed: f64) -> Vec<i16> {
    let mut state = seed | 1;
    let mut chance = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f64 / f64::from(1 << 24)
    };
    let chords: Vec<[f64; 3]> = (0..(seconds * speed / 0.3) as usize + 1)
        .map(|_| std::array::from_fn(|_| 110.0 * (chance() * 36.0).floor().exp2().powf(1.0 / 12.0)))
        .collect();
    (0..(seconds * f64::from(rate)) as usize)
        .map(|i| {
            let time = i as f64 / f64::from(rate) * speed;
            let within = time / 0.3 % 1.0;
            let tone = |hz: f64| {
                let angle = 2.0 * std::f64::consts::PI * hz * time;
                angle.sin() + 0.5 * (2.0 * angle).sin() + 0.25 * (3.0 * angle).sin()
            };
            let chord: f64 = chords[(time / 0.3) as usize].iter().copied().map(tone).sum();
            ((chord * (1.0 - within) * 0.15 + (chance() - 0.5) * 0.02) * 32_000.0) as i16
        })
        .collect()
}

fn prints(samples: &[i16], rate: u32) -> QueryPrints {
    let mut printer = Printer::new(rate, 1).unwrap();
    printer.push(samples);
    printer.finish()
}

fn differing(a: impl Iterator<Item = u32>, b: impl Iterator<Item = u32>) -> f64 {
    let (mut n_items, mut n_bits) = (0, 0);
    for (a, b) in a.zip(b) {
        n_items += 1;
        n_bits += (a ^ b).count_ones();
    }
    assert!(n_items > 20, "too little to compare");
    f64::from(n_bits) / f64::from(32 * n_items)
}

#[test]
fn our_items_are_chromaprints() {
    for seed in 1..6 {
        let samples = tune(seed, 20.0, RATE, 1.0);
        let mut theirs = Fingerprinter::new(&Configuration::preset_test2());
        theirs.start(RATE, 1).unwrap();
        theirs.consume(&samples);
        theirs.finish();
        let ours = prints(&samples, RATE).print();
        assert_eq!(ours.items.len(), theirs.fingerprint().len());
        let share = differing(ours.items.iter().copied(), theirs.fingerprint().iter().copied());
        assert!(share < 0.001, "{share} of the bits differ");
    }
}

#[test]
fn silence_is_the_item_that_everyone_knows() {
    let print = prints(&[0; 8 * RATE as usize], RATE).print();
    assert!(!print.items.is_empty() && print.items.iter().all(|item| *item == SILENCE));
}

#[test]
fn rate_channels_and_cuts_change_nothing() {
    let mono = prints(&tune(7, 20.0, RATE, 1.0), RATE).print();
    for rate in [22_050, 44_100, 48_000] {
        let samples = tune(7, 20.0, rate, 1.0);
        let mut printer = Printer::new(rate, 2).unwrap();
        let both: Vec<i16> = samples.iter().flat_map(|sample| [*sample, *sample]).collect();
        let mut items = Vec::new();
        for piece in both.chunks(4_999) {
            printer.push(piece);
            items.extend(printer.drain().print().items);
        }
        let whole = {
            let mut printer = Printer::new(rate, 2).unwrap();
            printer.push(&both);
            printer.finish().print()
        };
        assert_eq!(items, whole.items, "a sound in pieces is the same sound");
        let share = differing(mono.items.iter().copied(), items.iter().copied());
        assert!(share < 0.03, "{share} of the bits differ at {rate}");
    }
}

#[test]
fn a_speed_undoes_what_was_done() {
    let entry = prints(&tune(9, 30.0, RATE, 1.0), RATE).print();
    for speed in [0.94, 0.985, 1.03, 1.09, 1.25] {
        let query = prints(&tune(9, 20.0, RATE, f64::from(speed)), RATE);
        let share_at = |wanted: Speed| {
            let played = query.played.iter().find(|played| played.speed == wanted).unwrap();
            let items = played.items.iter().map(|item| item.bits);
            differing(items, entry.items.iter().copied())
        };
        let undone = share_at(both(speed));
        assert!(undone < 0.1, "{undone} of the bits differ at {speed}");
        assert!(share_at(AS_IS) > 2.0 * undone);
    }
}

#[test]
fn a_sound_that_begins_late_has_its_items_where_it_begins() {
    let samples = tune(5, 8.0, RATE, 1.0);
    let mut late = Printer::beginning_at(RATE, 1, 3_600_000).unwrap();
    late.push(&samples);
    for (played, from_start) in late.drain().played.iter().zip(prints(&samples, RATE).played) {
        assert_eq!(played.items, from_start.items);
        let began_ms = f64::from(played.first) * ITEM_MS / f64::from(played.speed.tempo);
        assert!(
            (began_ms - 3_600_000.0).abs() < ITEM_MS,
            "{began_ms} at {:?}",
            played.speed
        );
    }
}

#[test]
fn doubtful_bits_are_those_that_differ() {
    let clean = tune(11, 30.0, RATE, 1.0);
    let mut state = 1_u32;
    let noisy: Vec<i16> = clean
        .iter()
        .map(|sample| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            sample.saturating_add((state >> 18) as i16 - (1 << 13))
        })
        .collect();
    let (entry, query) = (prints(&clean, RATE).print(), prints(&noisy, RATE));
    let (mut differ, mut doubtful) = (0, 0);
    for (entry, query) in entry.items.iter().zip(&query.played[0].items) {
        assert_eq!(query.doubts.count_ones() as usize, DOUBTS);
        differ += (entry ^ query.bits).count_ones();
        doubtful += ((entry ^ query.bits) & query.doubts).count_ones();
    }
    assert!(differ > 100, "the noise changed too little: {differ}");
    // By chance it were a quarter of them.
    assert!(doubtful * 2 > differ, "{doubtful} of {differ}");
}

#[test]
fn what_is_no_sound_is_refused() {
    assert_eq!(Printer::new(0, 1).err(), Some(BadSound::Rate(0)));
    assert_eq!(Printer::new(1_000_000, 1).err(), Some(BadSound::Rate(1_000_000)));
    assert_eq!(Printer::new(RATE, 0).err(), Some(BadSound::Channels(0)));
    let mut printer = Printer::new(RATE, 1).unwrap();
    printer.push_mono(&[f32::NAN; 40_000]);
    assert!(printer.finish().print().items.iter().all(|item| *item == SILENCE));
}

#[test]
fn a_sound_shorter_than_an_item_has_none() {
    assert!(prints(&tune(1, 2.7, RATE, 1.0), RATE).played[0].items.is_empty());
    assert!(!prints(&tune(1, 2.75, RATE, 1.0), RATE).is_empty());
}

proptest! {
    #[test]
    fn acoustids_form_is_theirs_and_comes_back(items in proptest::collection::vec(any::<u32>(), 0..200)) {
        let config = Configuration::preset_test2();
        let theirs = FingerprintCompressor::from(&config).compress(&items);
        let print = Print { items };
        let text = print.to_acoustid();
        prop_assert_eq!(Print::from_acoustid(&text), Ok(print.clone()));
        use base64::Engine as _;
        prop_assert_eq!(base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(&text).unwrap(), theirs);
        prop_assert_eq!(Print::from_bytes(&print.to_bytes()), Ok(print));
    }

    #[test]
    fn damaged_forms_are_refused_or_another_print(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[A-Za-z0-9_-]{0,80}") {
        let bounded = |print: Print, n: usize| print.items.len() <= 8 * n;
        prop_assert!(Print::from_bytes(&bytes).is_ok_and(|print| bounded(print, bytes.len())) || Print::from_bytes(&bytes).is_err());
        prop_assert!(Print::from_acoustid(&text).map_or(true, |print| bounded(print, text.len())));
        if let Ok(prints) = QueryPrints::from_bytes(&bytes) {
            prop_assert_eq!(prints.to_bytes(), bytes);
        }
    }

    #[test]
    fn the_prints_of_a_query_come_back(items in proptest::collection::vec((any::<u32>(), any::<u32>()), 0..50), first in 0..1_000_u32) {
        let items: Vec<Item> = items.into_iter().map(|(bits, doubts)| Item { bits, doubts }).collect();
        let prints = QueryPrints {
            played: SPEEDS.iter().map(|speed| Played { speed: *speed, first, items: items.clone() }).collect(),
        };
        prop_assert_eq!(QueryPrints::from_bytes(&prints.to_bytes()), Ok(prints));
    }
}

#[test]
fn what_is_heard_lies_with_what_is_seen_only_at_one_moment_of_both() {
    let span = |from_ms, to_ms| Span { from_ms, to_ms };
    let seen = crate::video::Segment {
        query: span(10_000, 20_000),
        entry: span(60_000, 80_000),
        rate: 2.0,
        frames: 5,
        marks: 5,
        is_mirrored: false,
        log10_chance: -2.0,
        near: crate::nearness::Near::Lead,
    };
    let is_together = |query, entry| {
        let heard = SoundSegment {
            query,
            entry,
            rate: 2.0,
            pitch: 1.0,
            bit_errors_share: 0.1,
            log10_chance: -20.0,
        };
        heard.is_heard_with(&seen)
    };
    assert!(is_together(span(12_000, 18_000), span(64_500, 76_500)));
    assert!(
        !is_together(span(12_000, 18_000), span(90_000, 102_000)),
        "another part of it"
    );
    assert!(
        !is_together(span(21_000, 25_000), span(82_000, 90_000)),
        "at another time"
    );
}
