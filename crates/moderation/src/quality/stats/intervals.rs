//! Shares and other figures with the interval in which they may well lie.

use super::{Dice, Interval};

/// The confidence of every interval.
pub const CONFIDENCE: f64 = 0.95;
/// How often a figure is worked out anew over other draws of the same units.
pub const REPEATS: usize = 600;
/// The quantile of the normal distribution that belongs to [`CONFIDENCE`].
const Z: f64 = 1.959_963_984_540_054;
/// Of so many repeats out of ten the figure must be defined, or there is no interval: what is left out would be the odd ones.
const DEFINED_TENTHS_MIN: usize = 9;

/// The score interval of a share of `n` independent yes-or-no answers (E. B. Wilson, 1927). None of nothing.
///
/// It never leaves `0..=1` and says something sensible of 0 out of 5, which the usual `± 1.96 standard errors` does not.
pub fn wilson(hits: u64, n: u64) -> Option<Interval> {
    if n == 0 {
        return None;
    }
    let (hits, n) = (hits.min(n) as f64, n as f64);
    let share = hits / n;
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    Some(Interval {
        low: if hits == 0.0 { 0.0 } else { (middle - half).max(0.0) },
        high: if hits == n { 1.0 } else { (middle + half).min(1.0) },
    })
}

/// The percentile interval of a figure by the bootstrap (B. Efron, 1979): the units are drawn anew with replacement, again and again, and the figure worked out of
/// each draw. `figure` is given the places of the units drawn; where it cannot be said of a draw, the draw is passed over. None for fewer than two units, and
/// where it could too rarely be said.
pub fn bootstrap(n_units: usize, seed: u64, mut figure: impl FnMut(&[usize]) -> Option<f64>) -> Option<Interval> {
    if n_units < 2 {
        return None;
    }
    let mut dice = Dice::seeded(seed);
    let mut drawn = vec![0; n_units];
    let mut figures: Vec<f64> = Vec::with_capacity(REPEATS);
    for _ in 0..REPEATS {
        drawn.fill_with(|| dice.below(n_units));
        figures.extend(figure(&drawn).filter(|figure| figure.is_finite()));
    }
    if figures.len() * 10 < REPEATS * DEFINED_TENTHS_MIN {
        return None;
    }
    figures.sort_by(f64::total_cmp);
    let tail = (1.0 - CONFIDENCE) / 2.0;
    Some(Interval {
        low: quantile(&figures, tail)?,
        high: quantile(&figures, 1.0 - tail)?,
    })
}

/// The quantile of sorted values, between two of them in proportion. None of nothing.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = place.floor();
    let (low, high) = (sorted.get(below as usize)?, sorted.get(place.ceil() as usize)?);
    Some(low + (high - low) * (place - below))
}

/// The share of yes among all, from units that were drawn with known chances: each counts as one over its chance (J. Hájek, 1971). None of nothing.
pub fn weighted_share(units: impl IntoIterator<Item = (bool, f64)>) -> Option<f64> {
    let (mut yes, mut all) = (0.0, 0.0);
    for (is_yes, chance) in units {
        if chance > 0.0 {
            yes += f64::from(u8::from(is_yes)) / chance;
            all += 1.0 / chance;
        }
    }
    (all > 0.0).then(|| yes / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_interval_has_its_published_values() {
        // R. G. Newcombe, "Two-sided confidence intervals for the single proportion" (1998), method 3.
        let check = |hits, n, low: f64, high: f64| {
            let found = wilson(hits, n).unwrap();
            assert!(
                (found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5,
                "{hits}/{n}: {found:?}"
            );
        };
        check(81, 263, 0.2553, 0.3662);
        check(15, 148, 0.0624, 0.1605);
        check(0, 20, 0.0, 0.1611);
        check(1, 29, 0.0061, 0.1718);
        check(29, 29, 0.8830, 1.0);
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn drawing_anew_finds_the_interval_of_a_mean() {
        let values: Vec<f64> = (0..200).map(|n| f64::from(n % 2)).collect();
        let mean = |drawn: &[usize]| Some(drawn.iter().map(|at| values[*at]).sum::<f64>() / drawn.len() as f64);
        let found = bootstrap(values.len(), 7, mean).unwrap();
        // The standard error of a half of 200 is 0.0354.
        assert!(
            (found.low - 0.431).abs() < 0.02 && (found.high - 0.569).abs() < 0.02,
            "{found:?}"
        );
        assert_eq!(
            Some(found),
            bootstrap(values.len(), 7, mean),
            "the same seed says the same"
        );
        assert_eq!(bootstrap(1, 7, |_| Some(1.0)), None);
        assert_eq!(
            bootstrap(9, 7, |drawn| (drawn[0] > 3).then_some(1.0)),
            None,
            "it could be said too rarely"
        );
    }

    #[test]
    fn quantiles_lie_between_values() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn rare_draws_count_for_those_that_were_not_drawn() {
        // Of 100 that were all looked at 50 are wrong; of 900, of which one in nine was looked at, 10 of 100.
        let some = (0..100).map(|n| (n < 50, 1.0));
        let rare = (0..100).map(|n| (n < 10, 1.0 / 9.0));
        let share = weighted_share(some.chain(rare)).unwrap();
        assert!((share - 0.14).abs() < 1e-12, "{share}");
        assert_eq!(weighted_share([]), None);
    }
}
