//! Enough codes that heads have lists and segments have tables, of the kinds that banks hold: unrelated codes, families of near ones, and floods
//! of equal ones.

use super::{Model, oracle};
use crate::{Index, Layout, Options, Snapshot};
use signal::Pdq;

/// A generator that is the same everywhere (SplitMix64).
pub(super) struct Draw(pub(super) u64);

impl Draw {
    pub(super) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.word() % n
    }

    pub(super) fn code(&mut self) -> Pdq {
        Pdq::from_words([(); 4].map(|()| self.word()))
    }

    /// The code with so many of its bits flipped.
    pub(super) fn near(&mut self, code: Pdq, flips: u32) -> Pdq {
        let mut words = code.words();
        let mut left = flips;
        while left > 0 {
            let bit = self.below(256) as usize;
            let mask = 1 << (bit % 64);
            let is_new = (words[bit / 64] ^ code.words()[bit / 64]) & mask == 0;
            if is_new {
                words[bit / 64] ^= mask;
                left -= 1;
            }
        }
        Pdq::from_words(words)
    }
}

/// So many pairs: half unrelated, the rest in families, some codes under several keys.
fn bank(draw: &mut Draw, n: u64) -> Vec<(u64, Pdq)> {
    let mut pairs = Vec::new();
    let mut centre = draw.code();
    for key in 0..n {
        let code = match draw.below(8) {
            0..4 => draw.code(),
            4 => centre,
            _ => {
                let flips = draw.below(40) as u32;
                draw.near(centre, flips)
            }
        };
        if draw.below(50) == 0 {
            centre = draw.code();
        }
        pairs.push((key, code));
    }
    pairs
}

fn check_all(snapshot: &Snapshot, model: &Model, draw: &mut Draw) {
    let members: Vec<Pdq> = model.iter().map(|(_, code)| *code).collect();
    for radius in [0, 7, 15, 31, 32, 40, 60, 90, 130, 256] {
        let mut queries = vec![draw.code(), Pdq::from_words([0; 4])];
        for _ in 0..6 {
            let member = members[draw.below(members.len() as u64) as usize];
            let flips = draw.below(u64::from(radius.min(250)) + 6) as u32;
            queries.push(draw.near(member, flips));
        }
        let expected: Vec<_> = queries.iter().map(|query| oracle(model, *query, radius, 50)).collect();
        assert_eq!(snapshot.search_many(&queries, radius, 50), expected, "within {radius}");
        for (query, expected) in queries.iter().zip(&expected) {
            assert_eq!(&snapshot.search(*query, radius, 50), expected, "within {radius}");
        }
    }
}

#[test]
fn heads_with_lists_and_segments_with_tables_answer_as_a_plain_list() {
    for (seed, substrings) in [(1, None), (2, Some(11)), (3, Some(13))] {
        let mut draw = Draw(seed);
        let index = Index::with_options(Options {
            head_codes: 2_000,
            layout: Layout {
                substrings,
                ..Layout::default()
            },
        });
        let pairs = bank(&mut draw, 9_000);
        let mut model: Model = Model::new();
        for (place, (key, code)) in pairs.iter().enumerate() {
            index.insert(*key, *code);
            model.insert((*key, *code));
            if draw.below(9) == 0 {
                let key = draw.below(*key + 1);
                index.remove(key);
                model.retain(|(other, _)| *other != key);
            }
            if place % 3_300 == 0 {
                index.maintain().unwrap();
            }
        }
        check_all(&index.snapshot(), &model, &mut draw);
        index.maintain().unwrap();
        check_all(&index.snapshot(), &model, &mut draw);
        index.persist().unwrap();
        check_all(&index.snapshot(), &model, &mut draw);
        assert!(index.stats().n_segments <= 4, "{:?}", index.stats());
    }
}

#[test]
fn many_at_once_become_a_segment_at_once() {
    let mut draw = Draw(4);
    let pairs = bank(&mut draw, 20_000);
    let index = Index::with_options(Options {
        head_codes: 1_000,
        ..Options::default()
    });
    index.insert_many(pairs.iter().copied());
    assert_eq!(index.stats().n_segments, 1);
    let model: Model = pairs.iter().copied().collect();
    check_all(&index.snapshot(), &model, &mut draw);
    // Told again, nothing changes.
    index.insert_many(pairs);
    assert_eq!(index.len(), model.len());
}

#[test]
fn a_flood_of_equal_codes_is_answered_and_capped() {
    let mut draw = Draw(5);
    let code = draw.code();
    let index = Index::with_options(Options {
        head_codes: 4_000,
        ..Options::default()
    });
    let model: Model = (0..9_000).map(|key| (key, code)).collect();
    for (key, code) in &model {
        index.insert(*key, *code);
    }
    check_all(&index.snapshot(), &model, &mut draw);
    index.persist().unwrap();
    check_all(&index.snapshot(), &model, &mut draw);
    let hits = index.snapshot().search(code, 31, 10);
    assert!(hits.capped);
    assert_eq!(hits.hits.len(), 10);
}

#[test]
fn a_segment_without_tables_weighs_little_and_answers_the_same() {
    let mut draw = Draw(6);
    let pairs = bank(&mut draw, 12_000);
    let model: Model = pairs.iter().copied().collect();
    let with = |tabled_codes_max| {
        let index = Index::with_options(Options {
            head_codes: 500,
            layout: Layout {
                tabled_codes_max,
                ..Layout::default()
            },
        });
        index.insert_many(pairs.iter().copied());
        index
    };
    let scanned = with(1_000);
    check_all(&scanned.snapshot(), &model, &mut draw);
    assert!(scanned.stats().n_bytes <= 50 * model.len(), "{:?}", scanned.stats());
    assert!(with(usize::MAX).stats().n_bytes > scanned.stats().n_bytes * 2);
}

#[test]
fn a_key_may_have_a_threshold_of_its_own() {
    let mut draw = Draw(7);
    let code = draw.code();
    let index = Index::new();
    for key in 0..200 {
        index.insert(key, draw.near(code, key as u32 % 40));
    }
    let strict = |key: u64, distance: u32| distance <= if key.is_multiple_of(2) { 10 } else { 40 };
    let hits = index.snapshot().search_where(code, 40, 30, &strict);
    assert!(hits.capped);
    assert!(hits.hits.iter().all(|hit| strict(hit.key, hit.distance)));
    let all = index.snapshot().search_where(code, 40, 500, &strict);
    let expected = (0..200_u64).filter(|key| strict(*key, *key as u32 % 40)).count();
    assert_eq!((all.hits.len(), all.capped), (expected, false));
}

#[test]
fn beyond_the_greatest_distance_everything_is_found() {
    let index = Index::new();
    let n = 5_000;
    index.insert_many((0..n).map(|key| (key, Draw(key).code())));
    index.persist().unwrap();
    for max_distance in [256, 257, u32::MAX] {
        let found = index.snapshot().search(Draw(n).code(), max_distance, usize::MAX);
        assert_eq!(found.hits.len() as u64, n, "{max_distance}");
    }
}

#[test]
fn the_complement_is_found_by_the_complement() {
    let mut draw = Draw(8);
    let code = draw.code();
    let index = Index::new();
    let inverted = Pdq::from_words(code.words().map(|word| !word));
    index.insert(1, draw.near(inverted, 5));
    assert_eq!(index.snapshot().search(code, 96, 9).hits, []);
    assert_eq!(index.snapshot().search(inverted, 96, 9).hits[0].distance, 5);
}
