//! The index against a linear scan of a plain list: any changes, any query, snapshots kept meanwhile.

mod crashes;
mod large;

use crate::{Hit, Hits, Index, Layout, Options, Snapshot};
use proptest::prelude::*;
use signal::Pdq;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
enum Op {
    Insert(u64, Pdq),
    InsertMany(Vec<(u64, Pdq)>),
    Remove(u64),
    Replace(u64, Vec<Pdq>),
    KeepSnapshot,
    Maintain,
}

/// Few centres and few flips: equal codes, near codes and far codes all occur.
fn code() -> impl Strategy<Value = Pdq> {
    (0..3_u64, proptest::collection::vec(0..256_usize, 0..6)).prop_map(|(centre, flips)| {
        let mut words = [0, centre * 0xffff, 0, centre << 40];
        for bit in flips {
            words[bit / 64] ^= 1 << (bit % 64);
        }
        Pdq::from_words(words)
    })
}

fn op() -> impl Strategy<Value = Op> {
    let key = 0..24_u64;
    prop_oneof![
        8 => (key.clone(), code()).prop_map(|(key, code)| Op::Insert(key, code)),
        1 => proptest::collection::vec((key.clone(), code()), 0..30).prop_map(Op::InsertMany),
        4 => key.clone().prop_map(Op::Remove),
        2 => (key, proptest::collection::vec(code(), 0..4)).prop_map(|(key, codes)| Op::Replace(key, codes)),
        1 => Just(Op::KeepSnapshot),
        1 => Just(Op::Maintain),
    ]
}

/// Small heads; tables, rows and neither.
fn options() -> impl Strategy<Value = Options> {
    let tabled = prop_oneof![3 => Just(usize::MAX), 2 => 20..60_usize];
    (1..40_usize, tabled, any::<bool>()).prop_map(|(head_codes, tabled_codes_min, rows)| Options {
        head_codes,
        layout: Layout {
            tabled_codes_min,
            substrings: (!rows).then_some(16),
            ..Layout::default()
        },
    })
}

type Model = BTreeSet<(u64, Pdq)>;

fn oracle(model: &Model, query: Pdq, max_distance: u32, limit: usize) -> Hits {
    let mut nearest = BTreeMap::<u64, u32>::new();
    for &(key, code) in model {
        let distance = code.distance(query);
        if distance <= max_distance {
            nearest
                .entry(key)
                .and_modify(|nearest| *nearest = distance.min(*nearest))
                .or_insert(distance);
        }
    }
    let mut hits: Vec<Hit> = nearest
        .into_iter()
        .map(|(key, distance)| Hit { distance, key })
        .collect();
    hits.sort_by_key(|hit| (hit.distance, hit.key));
    let capped = hits.len() > limit;
    hits.truncate(limit);
    Hits { hits, capped }
}

/// Checks what an index holds against the model, by queries of every kind.
fn check(snapshot: &Snapshot, model: &Model, queries: &[Pdq]) {
    assert_eq!(snapshot.len(), model.len());
    for (max_distance, limit) in [(0, 100), (3, 100), (31, 5), (70, 100), (256, 100), (256, 1), (31, 0)] {
        let expected: Vec<Hits> = queries
            .iter()
            .map(|&query| oracle(model, query, max_distance, limit))
            .collect();
        let one_by_one: Vec<Hits> = queries
            .iter()
            .map(|&query| snapshot.search(query, max_distance, limit))
            .collect();
        assert_eq!(one_by_one, expected, "within {max_distance}, at most {limit}");
        assert_eq!(snapshot.search_many(queries, max_distance, limit), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 400 }, ..ProptestConfig::default() })]

    #[test]
    fn any_changes_answer_as_a_plain_list(
        ops in proptest::collection::vec(op(), 0..200),
        queries in proptest::collection::vec(code(), 1..5),
        options in options(),
    ) {
        let index = Index::with_options(options);
        let mut model = Model::new();
        let mut kept = Vec::new();
        for op in ops {
            match op {
                Op::Insert(key, code) => {
                    index.insert(key, code);
                    model.insert((key, code));
                }
                Op::InsertMany(pairs) => {
                    index.insert_many(pairs.iter().copied());
                    model.extend(pairs);
                }
                Op::Remove(key) => {
                    let before = model.len();
                    model.retain(|&(other, _)| other != key);
                    prop_assert_eq!(index.remove(key), before - model.len());
                }
                Op::Replace(key, codes) => {
                    index.replace(key, &codes);
                    model.retain(|&(other, _)| other != key);
                    model.extend(codes.iter().map(|&code| (key, code)));
                }
                Op::Maintain => {
                    index.maintain().unwrap();
                }
                Op::KeepSnapshot => kept.push((index.snapshot(), model.clone())),
            }
            prop_assert_eq!(index.len(), model.len());
        }
        kept.push((index.snapshot(), model));
        for (snapshot, model) in kept {
            check(&snapshot, &model, &queries);
        }
    }
}

#[test]
fn more_hits_than_the_collector_keeps_are_cut_to_the_nearest() {
    let index = Index::new();
    let at = |flips: u64| Pdq::from_words([0, 0, 0, (1 << flips) - 1]);
    // Far codes first, so that the nearest come when the surplus has long been sorted out.
    let model: Model = (0..10_000).map(|key| (key, at(40 - key / 250))).collect();
    index.insert_many(model.iter().copied());
    check(&index.snapshot(), &model, &[at(0), at(20), at(60)]);
    assert_eq!(
        index.snapshot().search(at(0), 31, 3).hits[0],
        Hit {
            distance: 1,
            key: 9_750
        }
    );
}

#[test]
fn searches_and_changes_run_side_by_side() {
    let index = Index::with_options(Options {
        head_codes: 64,
        ..Options::default()
    });
    let code = |key: u64| Pdq::from_words([key, key << 7, !key, 0]);
    let n_keys = if cfg!(miri) { 300 } else { 20_000 };
    index.insert(0, code(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for key in 1..n_keys {
                index.insert(key, code(key));
                assert_eq!(
                    index.snapshot().search(code(key), 0, 1).hits,
                    [Hit { distance: 0, key }]
                );
                if key % 3 == 0 {
                    index.remove(key);
                    assert_eq!(index.snapshot().search(code(key), 0, 1).hits, []);
                }
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                let mut len = 0;
                while len < n_keys as usize / 2 {
                    let snapshot = index.snapshot();
                    len = snapshot.len();
                    assert_eq!(snapshot.search(code(0), 256, usize::MAX).hits.len(), len);
                    assert!(
                        snapshot
                            .search(code(0), 0, 1)
                            .hits
                            .contains(&Hit { distance: 0, key: 0 })
                    );
                }
            });
        }
    });
    let model: Model = (0..n_keys)
        .filter(|key| *key == 0 || key % 3 != 0)
        .map(|key| (key, code(key)))
        .collect();
    check(&index.snapshot(), &model, &[code(0), code(5), code(6)]);
}
