//! How long changes and searches take, by the number of codes.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use index::Index;
use signal::Pdq;

fn main() {
    divan::main();
}

const SIZES: [u64; 2] = [100_000, 1_000_000];
const LIMIT: usize = 100;

/// The `n`th of a fixed sequence of codes without structure.
fn code(n: u64) -> Pdq {
    let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Pdq::from_words([(); 4].map(|()| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }))
}

fn filled(n_codes: u64) -> Index {
    let index = Index::new();
    index.insert_many((0..n_codes).map(|n| (n, code(n))));
    index
}

#[divan::bench(args = SIZES, sample_count = 20)]
fn search_within_31(bencher: Bencher, n_codes: u64) {
    let snapshot = filled(n_codes).snapshot();
    bencher.bench_local(|| snapshot.search(black_box(code(u64::MAX)), 31, LIMIT));
}

#[divan::bench(args = SIZES, sample_count = 20)]
fn search_within_90(bencher: Bencher, n_codes: u64) {
    let snapshot = filled(n_codes).snapshot();
    bencher.bench_local(|| snapshot.search(black_box(code(u64::MAX)), 90, LIMIT));
}

#[divan::bench(args = SIZES, sample_count = 20)]
fn search_64_queries_within_31(bencher: Bencher, n_codes: u64) {
    let snapshot = filled(n_codes).snapshot();
    let queries: Vec<Pdq> = (0..64).map(|n| code(u64::MAX - n)).collect();
    let bencher = bencher.counter(ItemsCount::new(queries.len()));
    bencher.bench_local(|| snapshot.search_many(black_box(&queries), 31, LIMIT));
}

#[divan::bench(args = SIZES, sample_count = 5)]
fn fill(bencher: Bencher, n_codes: u64) {
    bencher.bench_local(|| filled(black_box(n_codes)));
}

#[divan::bench(args = SIZES)]
fn insert_and_snapshot(bencher: Bencher, n_codes: u64) {
    let index = filled(n_codes);
    let mut next = n_codes;
    bencher.bench_local(|| {
        index.insert(next, code(next));
        next += 1;
        index.snapshot()
    });
}
