//! Statistics as plain functions over plain values: agreement, shares with their intervals, waiting times. Pure.
//!
//! Nothing here is a NaN: what cannot be said is [`Undefined`] and says why. Chance is a seed, so that a page shows the same figures when it is loaded twice.
//! `conformance/agreement` compares these functions with the Python packages `krippendorff` and `scikit-learn`.

mod agreement;
mod intervals;
mod survival;

pub use agreement::{Metric, alpha, kappa};
pub use intervals::{CONFIDENCE, REPEATS, bootstrap, quantile, weighted_share, wilson};
pub use survival::{Span, survival_quantile};

/// A figure cannot be said of these values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undefined {
    /// Nothing was judged by two.
    #[error("nothing was judged by two")]
    NoPair,
    /// Everyone always said the same one thing: there is no telling agreement from habit.
    #[error("only one answer was ever given")]
    OneCategory,
}

/// From where to where a figure may well lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Draws from a seed: SplitMix64 (Steele, Lea & Flood, 2014). For resampling and simulation, never for secrets.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The same draws for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..1`.
    pub fn unit(&mut self) -> f64 {
        // 53 bits are what an f64 can hold without rounding to 1.
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// One of `0..n`; 0 if there is none.
    pub fn below(&mut self, n: usize) -> usize {
        // The product's upper half: biased by less than n / 2^64, which nobody can see.
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// A waiting time with this mean, as it is between events that know nothing of each other.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_those_of_splitmix64_and_fill_their_range() {
        // The first values for the seed 1234567, as published with the algorithm.
        let mut dice = Dice::seeded(1_234_567);
        assert_eq!(dice.bits(), 6_457_827_717_110_365_317);
        assert_eq!(dice.bits(), 3_203_168_211_198_807_973);
        let mut seen = [0u32; 7];
        for _ in 0..7_000 {
            seen[dice.below(7)] += 1;
        }
        assert!(seen.iter().all(|n| (850..1_150).contains(n)), "{seen:?}");
        assert_eq!(dice.below(0), 0);
        let mean = (0..20_000).map(|_| dice.exponential(3.0)).sum::<f64>() / 20_000.0;
        assert!((mean - 3.0).abs() < 0.1, "{mean}");
    }
}
