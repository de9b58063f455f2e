//! Any sequence of changes and searches: the index answers as a plain list would.
#![no_main]

use index::{Hit, Index, Layout, Options};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use signal::Pdq;
use std::collections::BTreeMap;

#[derive(Debug, Arbitrary)]
enum Op {
    Insert {
        key: u8,
        code: [u8; 32],
    },
    Replace {
        key: u8,
        codes: Vec<[u8; 32]>,
    },
    Remove {
        key: u8,
    },
    Maintain,
    Search {
        query: [u8; 32],
        max_distance: u16,
        limit: u8,
    },
}

fuzz_target!(|ops: Vec<Op>| {
    let index = Index::with_options(Options {
        head_codes: 8,
        layout: Layout {
            tabled_codes_min: 24,
            ..Layout::default()
        },
    });
    let mut list: Vec<(u64, Pdq)> = Vec::new();
    for op in ops {
        match op {
            Op::Insert { key, code } => {
                let code = Pdq::from_bytes(code);
                index.insert(key.into(), code);
                list.push((key.into(), code));
            }
            Op::Replace { key, codes } => {
                let codes: Vec<Pdq> = codes.into_iter().map(Pdq::from_bytes).collect();
                index.replace(key.into(), &codes);
                list.retain(|(existing, _)| *existing != u64::from(key));
                list.extend(codes.into_iter().map(|code| (u64::from(key), code)));
            }
            Op::Remove { key } => {
                index.remove(key.into());
                list.retain(|(existing, _)| *existing != u64::from(key));
            }
            Op::Maintain => {
                let maintained = index.maintain();
                assert!(maintained.is_ok(), "{maintained:?}");
            }
            Op::Search {
                query,
                max_distance,
                limit,
            } => {
                let (query, max_distance, limit) = (
                    Pdq::from_bytes(query),
                    u32::from(max_distance) % 257,
                    usize::from(limit),
                );
                let mut nearest: BTreeMap<u64, u32> = BTreeMap::new();
                for (key, code) in &list {
                    let distance = distance(*code, query);
                    if distance <= max_distance {
                        nearest
                            .entry(*key)
                            .and_modify(|known| *known = distance.min(*known))
                            .or_insert(distance);
                    }
                }
                let mut expected: Vec<Hit> = nearest
                    .into_iter()
                    .map(|(key, distance)| Hit { distance, key })
                    .collect();
                expected.sort_by_key(|hit| (hit.distance, hit.key));
                let n_within = expected.len();
                expected.truncate(limit);
                let found = index.snapshot().search(query, max_distance, limit);
                assert_eq!(found.hits, expected);
                assert_eq!(found.capped, n_within > limit);
            }
        }
    }
});

fn distance(a: Pdq, b: Pdq) -> u32 {
    a.to_bytes()
        .iter()
        .zip(b.to_bytes())
        .map(|(a, b)| (a ^ b).count_ones())
        .sum()
}
