//! Sounds: against comparing everything with everything.

use super::*;
use proptest::prelude::*;
use signal::audio::{AS_IS, Item, SILENCE};

fn dice(seed: u64) -> impl FnMut() -> u32 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u32
    }
}

/// Items that change as those of sounds do: a few bits at each step.
fn items(seed: u64, n: usize) -> Vec<u32> {
    let mut next = dice(seed);
    let mut item = next();
    (0..n)
        .map(|_| {
            item ^= next() & next() & next();
            item
        })
        .collect()
}

/// A query whose bits differ here and there, mostly where it doubts.
fn query(bits: &[u32], seed: u64, errors: usize) -> QueryPrints {
    let mut next = dice(seed);
    let mut place = || 1_u32 << (next() & 31);
    let items = bits.iter().map(|bits| {
        let wrong = (0..errors).fold(0, |mask, _| mask | place());
        let doubts = (0..8).fold(wrong & wrong.wrapping_sub(1), |mask, _| mask | place());
        Item {
            bits: bits ^ wrong,
            doubts,
        }
    });
    QueryPrints {
        played: vec![Played {
            speed: AS_IS,
            first: 0,
            items: items.collect(),
        }],
    }
}

fn index(entries: &[(u64, Vec<u32>)]) -> SoundIndex {
    let mut index = SoundIndex::new();
    for (handle, items) in entries {
        index.add(*handle, &Print { items: items.clone() });
    }
    index
}

fn handles(found: &[(u64, Vec<SoundSegment>)]) -> Vec<u64> {
    found.iter().map(|(handle, _)| *handle).collect()
}

fn seconds(segment: &SoundSegment) -> [u32; 4] {
    [
        segment.query.from_ms,
        segment.query.to_ms,
        segment.entry.from_ms,
        segment.entry.to_ms,
    ]
    .map(|ms| (ms + 500) / 1_000)
}

#[test]
fn nothing_is_found_in_nothing() {
    assert!(SoundIndex::new().look_up(&QueryPrints::default()).is_empty());
    assert!(SoundIndex::new().look_up(&query(&items(1, 80), 2, 2)).is_empty());
    let mut index = index(&[(1, items(1, 500))]);
    assert!(index.look_up(&QueryPrints::default()).is_empty());
    index.add(2, &Print::default());
    assert_eq!(index.stats().n_entries, 1, "a print without items is no entry to find");
}

#[test]
fn a_clip_is_found_where_it_is() {
    let entries: Vec<(u64, Vec<u32>)> = (1..20).map(|seed| (seed * 10, items(seed, 600))).collect();
    let index = index(&entries);
    let found = index.look_up(&query(&entries[6].1[200..260], 99, 4));
    assert_eq!(handles(&found), [70]);
    let [segment] = found[0].1[..] else {
        panic!("{:?}", found[0].1)
    };
    // 60 items are 7.4 s, and the last of them 2.7 s.
    assert_eq!(seconds(&segment), [0, 10, 25, 35], "{segment:?}");
    assert_eq!((segment.rate, segment.pitch), (1.0, 1.0));
    assert!((0.05..0.2).contains(&segment.bit_errors_share) && segment.log10_chance < -6.0);
}

#[test]
fn parts_of_two_entries_in_one_query_are_told_apart() {
    let index = index(&[(1, items(1, 800)), (2, items(2, 800)), (3, items(3, 800))]);
    let parts = [
        &items(50, 100)[..],
        &items(1, 800)[300..400],
        &items(51, 100),
        &items(2, 800)[..100],
        &items(1, 800)[500..580],
    ];
    let found = index.look_up(&query(&parts.concat(), 7, 3));
    let mut told: Vec<(u64, [u32; 4])> = Vec::new();
    for (handle, segments) in &found {
        told.extend(segments.iter().map(|segment| (*handle, seconds(segment))));
    }
    told.sort_unstable();
    let starts: Vec<(u64, u32, u32)> = told
        .iter()
        .map(|(handle, [from, _, at, _])| (*handle, from / 4, at / 4))
        .collect();
    // Item 100 begins at 12.4 s, item 300 at 37.1 s, and so on, and an edge of 0.8 s is left out.
    assert_eq!(starts, [(1, 3, 9), (1, 12, 15), (2, 9, 0)], "{told:?}");
}

#[test]
fn what_is_removed_or_replaced_is_not_found() {
    let mut index = index(&(1..9).map(|seed| (seed, items(seed, 300))).collect::<Vec<_>>());
    let of = |index: &SoundIndex, seed: u64| handles(&index.look_up(&query(&items(seed, 300)[100..180], 5, 2)));
    assert_eq!(of(&index, 3), [3]);
    assert!(index.remove(3) && !index.remove(3));
    assert!(of(&index, 3).is_empty());
    index.add(4, &Print { items: items(40, 300) });
    assert_eq!((of(&index, 4), of(&index, 40)), (vec![], vec![4]));
    // So many that the row is made anew.
    for handle in [1, 2, 5, 6, 7] {
        assert!(index.remove(handle));
    }
    assert_eq!(of(&index, 8), [8]);
    assert_eq!(of(&index, 40), [4]);
    assert_eq!((index.stats().n_entries, index.stats().n_items), (2, 600));
}

#[test]
fn silence_and_what_never_changes_find_nothing() {
    let quiet = [&items(1, 100)[..], &[SILENCE; 400], &[0x1234_5678; 400]].concat();
    let index = index(&[(1, quiet), (2, [SILENCE; 300].to_vec())]);
    for item in [SILENCE, 0x1234_5678] {
        assert!(index.look_up(&query(&[item; 200], 1, 0)).is_empty());
    }
}

#[test]
fn a_stream_finds_it_while_it_goes_on() {
    let index = index(&[(1, items(1, 800)), (2, items(2, 800))]);
    let stream = [&items(9, 300)[..], &items(2, 800)[200..400], &items(10, 300)].concat();
    let whole = query(&stream, 3, 3);
    let mut tracker = Tracker::new();
    let mut first_told = None;
    for (number, piece) in whole.played[0].items.chunks(20).enumerate() {
        let first = 20 * number as u32;
        let played = vec![Played {
            speed: AS_IS,
            first,
            items: piece.to_vec(),
        }];
        for (handle, segment) in tracker.push(&index, QueryPrints { played }) {
            assert_eq!(handle, 2);
            // Item 300 of the stream is item 200 of the entry.
            let shift_ms = i64::from(segment.query.from_ms) - i64::from(segment.entry.from_ms);
            assert!((shift_ms - (100.0 * ITEM_MS) as i64).abs() < 300, "{segment:?}");
            first_told.get_or_insert(first as usize + 20);
        }
    }
    assert!(
        first_told.is_some_and(|item| item <= 300 + 60),
        "heard only after item {first_told:?}"
    );
}

/// The items of a query from one on, to another.
fn part(query: &QueryPrints, from: usize, to: usize) -> QueryPrints {
    let played = Played {
        speed: AS_IS,
        first: from as u32,
        items: query.played[0].items[from..to].to_vec(),
    };
    QueryPrints { played: vec![played] }
}

#[test]
fn a_stream_is_told_of_as_soon_as_its_latest_items_are_enough() {
    let index = index(&[(1, items(1, 800)), (2, items(2, 800))]);
    // Wherever it begins between two looks at all that is remembered.
    for begins in [300, 304, 308, 312] {
        let stream = [&items(9, begins)[..], &items(2, 800)[200..400]].concat();
        let whole = query(&stream, 3, 3);
        let is_enough = |n: &usize| !index.look_up(&part(&whole, n - 72, *n)).is_empty();
        let enough = (begins..stream.len()).step_by(4).find(is_enough).unwrap();
        let mut tracker = Tracker::new();
        let told = (4..=stream.len())
            .step_by(4)
            .find(|n| !tracker.push(&index, part(&whole, n - 4, *n)).is_empty());
        assert!(
            // Every fourth look is at all that is remembered, where the beginning counts for less: a second at most is lost.
            told.is_some_and(|told| told <= enough + 8),
            "{told:?}, and {enough} would do"
        );
    }
}

proptest! {
    /// Everything compared with everything: where a shift of the whole query agrees in more than three quarters of its bits, it is found, and nothing else is.
    #[test]
    fn it_is_what_comparing_everything_finds(seed in 1..1_000_000_u64, from in 0..300_usize, n in 60..120_usize, errors in 0..6_usize, of in 0..5_u64) {
        let entries: Vec<(u64, Vec<u32>)> = (0..4).map(|number| (number, items(seed + number, 420))).collect();
        let index = index(&entries);
        // The fifth is in no bank.
        let asked = query(&items(seed + of, 420)[from..(from + n).min(420)], seed + 77, errors);
        let bits: Vec<u32> = asked.played[0].items.iter().map(|item| item.bits).collect();
        let is_alike = |entry: &[u32]| entry.windows(bits.len()).any(|window| {
            let n_errors: u32 = window.iter().zip(&bits).map(|(a, b)| (a ^ b).count_ones()).sum();
            n_errors < 8 * bits.len() as u32
        });
        let expected: Vec<u64> = entries.iter().filter(|(_, items)| is_alike(items)).map(|(handle, _)| *handle).collect();
        prop_assert_eq!(handles(&index.look_up(&asked)), expected);
    }
}
