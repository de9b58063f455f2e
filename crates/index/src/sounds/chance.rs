//! How likely it is that unrelated sounds are as alike as a run.
//!
//! Bits of items are not independent: items overlap by more than nine tenths, chords last, and much music keeps to few notes. So the run is held
//! against other places of the index, which tell how alike this very stretch of the query is to what it has nothing to do with.

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

/// The logarithm of how many of so many comparisons with unrelated sounds are as alike as this one.
pub(super) fn log10_chance(arena: &Arena, played: &Played, run: &Run, n_trials: f64) -> f32 {
    let z = deviations(arena, played, run);
    ((n_trials.log10() + log10_tail(z)) as f32).min(0.0)
}

/// By how many of its spreads the share lies below the mean of unrelated sounds.
pub(super) fn deviations(arena: &Arena, played: &Played, run: &Run) -> f64 {
    let share = f64::from(run.n_sure_errors) / f64::from(run.n_sure.max(1));
    let n_items = run.to - run.from;
    let query = &played.items[run.from..run.to.min(run.from + ITEMS_MAX)];
    let spread = SPREAD_OF_ONE * (n_items as f64).powf(SPREAD_POWER);
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
    let known = 32.0;
    let mean = (sum + known * MEAN) / (n + known);
    let around = squares - 2.0 * mean * sum + n * mean * mean;
    let variance = (around.max(0.0) + known * spread * spread) / (n + known);
    (mean.min(MEAN) - share) / variance.sqrt().max(spread * 0.7)
}

/// The logarithm of the chance that a normal variable lies so many deviations out.
fn log10_tail(z: f64) -> f64 {
    if z < 1.0 {
        return 0.0;
    }
    let density = -z * z / 2.0 - (2.0 * std::f64::consts::PI).ln() / 2.0;
    (density - z.ln()) / std::f64::consts::LN_10
}
