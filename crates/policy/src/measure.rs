//! How good a rule is, as far as people have looked: its precision with an interval, and whether it suddenly fires far more often.

/// What people said of a rule's findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Looked {
    /// They agreed.
    pub confirmed: u64,
    /// They did not.
    pub reversed: u64,
}

/// A share with the interval that the truth lies in, nineteen times out of twenty (Wilson 1927).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// What was measured.
    pub measured: f64,
    /// The least that it may be.
    pub low: f64,
    /// The most that it may be.
    pub high: f64,
}

/// Two sides, one in twenty.
const Z: f64 = 1.959_963_984_540_054;

impl Looked {
    /// How many findings people looked at.
    pub fn n(self) -> u64 {
        self.confirmed + self.reversed
    }

    /// The share that they confirmed; none before they looked at any.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn precision(self) -> Option<Share> {
        if self.n() == 0 {
            return None;
        }
        let (n, measured) = (self.n() as f64, self.confirmed as f64 / self.n() as f64);
        let z2 = Z * Z;
        let middle = (measured + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = Z / (1.0 + z2 / n) * (measured * (1.0 - measured) / n + z2 / (4.0 * n * n)).sqrt();
        Some(Share {
            measured,
            low: (middle - half).max(0.0),
            high: (middle + half).min(1.0),
        })
    }

    /// Whether even the most that its precision may be is too little.
    pub fn is_below(self, floor: f64) -> bool {
        self.precision().is_some_and(|share| share.high < floor)
    }
}

/// How unlikely a jump has to be before it is called one.
pub const JUMP_CHANCE_MAX: f64 = 1e-6;
/// How many times the expected it has to be at least: small changes of a frequent rule are unlikely and mean nothing.
pub const JUMP_TIMES_MIN: f64 = 3.0;

/// Whether something that was expected so often happened so often by more than chance: the tail of Poisson's distribution, and a factor.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
pub fn is_jump(expected: f64, happened: u64) -> bool {
    // What never happened is expected once: the first few firings are no jump.
    let expected = expected.max(1.0);
    happened as f64 >= expected * JUMP_TIMES_MIN && poisson_tail(expected, happened) < JUMP_CHANCE_MAX
}

/// The chance of at least `n` where `expected` are expected.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
pub fn poisson_tail(expected: f64, n: u64) -> f64 {
    if n == 0 {
        return 1.0;
    }
    if expected <= 0.0 {
        return 0.0;
    }
    // Beyond the middle the terms shrink by `expected / k` each; the first is worked out by its logarithm.
    let log_first = -expected + n as f64 * expected.ln() - log_factorial(n);
    if (n as f64) > expected {
        let (mut term, mut sum, mut k) = (1.0, 1.0, n as f64);
        while term > 1e-12 && k < n as f64 + 100_000.0 {
            k += 1.0;
            term *= expected / k;
            sum += term;
        }
        return (log_first + f64::ln(sum)).exp().min(1.0);
    }
    // The other side, term by term downwards from n - 1.
    let (mut term, mut sum, mut k) = (1.0, 0.0, n as f64);
    while k >= 1.0 && term > 1e-15 {
        term *= k / expected;
        sum += term;
        k -= 1.0;
    }
    (1.0 - (log_first + sum.ln()).exp()).clamp(0.0, 1.0)
}

/// Stirling's series; exact enough from one on.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn log_factorial(n: u64) -> f64 {
    if n < 20 {
        return (1..=n).map(|k| (k as f64).ln()).sum();
    }
    let n = n as f64;
    n * n.ln() - n + 0.5 * (2.0 * std::f64::consts::PI * n).ln() + 1.0 / (12.0 * n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn precision(confirmed: u64, reversed: u64) -> [f64; 2] {
        let share = Looked { confirmed, reversed }.precision().unwrap();
        [share.low, share.high]
    }

    #[test]
    fn the_interval_is_wilsons() {
        let close = |a: [f64; 2], b: [f64; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 5e-4);
        // By hand of the formula, and as other programs print them.
        assert!(close(precision(8, 2), [0.4902, 0.9433]), "{:?}", precision(8, 2));
        assert!(close(precision(0, 20), [0.0, 0.1611]), "{:?}", precision(0, 20));
        assert!(close(precision(50, 0), [0.9287, 1.0]), "{:?}", precision(50, 0));
        assert_eq!(Looked::default().precision(), None);
    }

    #[test]
    fn a_floor_is_missed_only_when_it_is_sure() {
        let looked = |confirmed, reversed| Looked { confirmed, reversed };
        assert!(!looked(0, 2).is_below(0.5), "two may be bad luck");
        assert!(looked(0, 10).is_below(0.5));
        assert!(looked(30, 70).is_below(0.5));
        assert!(!looked(45, 55).is_below(0.5));
    }

    #[test]
    fn the_tail_is_poissons() {
        let cases = [
            (1.0, 1, 0.632_120_6),
            (1.0, 5, 0.003_659_8),
            (10.0, 10, 0.542_070_3),
            (10.0, 20, 0.003_454_3),
        ];
        for (expected, n, chance) in cases {
            let got = poisson_tail(expected, n);
            assert!((got - chance).abs() < 1e-6, "{expected} {n}: {got}");
        }
        assert!((poisson_tail(1000.0, 900) - 0.999_3).abs() < 1e-3);
        assert!(poisson_tail(100.0, 1000) < 1e-200);
        assert!(poisson_tail(0.0, 0) == 1.0);
    }

    #[test]
    fn a_jump_is_both_unlikely_and_large() {
        assert!(!is_jump(0.0, 8), "a rule that never fired fires a few times");
        assert!(is_jump(0.0, 12));
        assert!(!is_jump(100.0, 160));
        assert!(!is_jump(10_000.0, 12_000), "unlikely, and a fifth more only");
        assert!(is_jump(100.0, 300));
    }
}
