//! How likely it is that unrelated sounds are as alike as a run.
//!
//! Bits of items are not independent: items overlap by more than nine tenths, chords last, and much music keeps to few notes. Between pairs of unrelated stretches of
//! music (200,000 pairs out of thirteen pieces by several hands) a share of 0.491 of the bits differs in the mean. That share spreads by 0.050 for stretches of 20 items, 0.040 for 40, 0.035 for 59 (a
//! clip of ten seconds), 0.030 for 100, 0.024 for 200: as if ten seconds had two hundred independent bits, not two thousand, and less than by the root of
//! the length, as some pieces are nearer to each other than others throughout. One pair in ten thousand of 59 items differs in less than 0.33.
//!
//! So the run is held against other places of the index, which tell how alike this very stretch of the query is to what it has nothing to do with. What a run
//! gains by choosing where it begins and ends, and where it steps, is measured too: [`CHOICES`].

use super::align::{Run, tally};
use super::arena::Arena;
use signal::audio::Played;

/// Places that a run is compared with.
const PLACES: usize = 256;
/// Items of a run that are compared with other places.
const ITEMS_MAX: usize = 256;
/// Mean and spread of the share of sure bits that differ, for one item, between unrelated sounds; the spread falls with the run's length to this power.
const MEAN: f64 = 0.49;
const SPREAD_OF_ONE: f64 = 0.135;
const SPREAD_POWER: f64 = -0.31;
/// By so much, as a power of ten, unrelated sounds are oftener as alike than the above says: of 702 look-ups of music in other music 147, 35, 4 and 0 were as alike as was
/// expected of a hundredth, a thousandth, a ten-thousandth and a millionth of them.
const CHOICES: f64 = 2.0;
/// Share of that spread which every run has at least.
const SPREAD_MIN: f64 = 0.7;
/// As many places count what was measured elsewhere.
const KNOWN: f64 = 32.0;
/// Spreads below the mean from which on a stretch is followed.
const PROMISING: f64 = 3.0;

/// The logarithm of how many of so many comparisons with unrelated sounds are as alike as this one.
pub(super) fn log10_chance(arena: &Arena, played: &Played, run: &Run, n_trials: f64) -> f32 {
    log10(deviations(arena, played, run), n_trials)
}

/// The same, had the run's stretch of the query nothing peculiar.
pub(super) fn log10_chance_anywhere(run: &Run, n_trials: f64) -> f32 {
    log10((MEAN - run.share()) / spread(run.to - run.from) / SPREAD_MIN, n_trials)
}

fn log10(z: f64, n_trials: f64) -> f32 {
    ((CHOICES + n_trials.log10() + log10_tail(z)) as f32).min(0.0)
}

/// Whether a stretch is so much more alike than unrelated ones are that following it may lead to something.
pub(super) fn is_promising(share: f32, n_items: usize) -> bool {
    (MEAN - f64::from(share)) / spread(n_items) > PROMISING
}

fn spread(n_items: usize) -> f64 {
    SPREAD_OF_ONE * (n_items.max(1) as f64).powf(SPREAD_POWER)
}

/// By how many of its spreads the share lies below the mean of unrelated sounds.
fn deviations(arena: &Arena, played: &Played, run: &Run) -> f64 {
    let query = &played.items[run.from..run.to.min(run.from + ITEMS_MAX)];
    let spread = spread(run.to - run.from);
    let free = arena.items().len().saturating_sub(query.len());
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    // The same places in every run of the program: steps of the golden ratio.
    for number in 1..=PLACES.min(free) {
        let at = (number as f64 * 0.618_033_988_749_895).fract() * free as f64;
        let at = at as usize;
        if at + query.len() > run.at.saturating_sub(query.len()) && at < run.end_at + query.len() {
            continue;
        }
        let share = f64::from(tally(query, &arena.items()[at..]).share());
        n += 1.0;
        sum += share;
        squares += share * share;
    }
    // With few places to compare with, what was measured elsewhere holds.
    let mean = (sum + KNOWN * MEAN) / (n + KNOWN);
    let around = squares - 2.0 * mean * sum + n * mean * mean;
    let variance = (around.max(0.0) + KNOWN * spread * spread) / (n + KNOWN);
    (mean.min(MEAN) - run.share()) / variance.sqrt().max(spread * SPREAD_MIN)
}

/// The logarithm of the chance that a normal variable lies so many deviations out.
fn log10_tail(z: f64) -> f64 {
    if z < 1.0 {
        return 0.0;
    }
    let density = -z * z / 2.0 - (2.0 * std::f64::consts::PI).ln() / 2.0;
    (density - z.ln()) / std::f64::consts::LN_10
}
