//! When to try an order again. Pure.

use std::time::Duration;

/// How patient the delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// How long to wait after the first failed attempt.
    pub first: Duration,
    /// The longest wait between two attempts.
    pub max: Duration,
    /// After this long without success the action is dead, until a person has it retried.
    pub give_up_after: Duration,
}

impl Backoff {
    /// How long to wait after the `attempts`-th failed attempt, from 1: twice as long each time, up to the longest. `draw`,
    /// in `0..1`, takes up to a fifth off, so that orders that failed together do not come back together.
    pub fn wait_after(&self, attempts: u32, draw: f64) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let full = self.first.saturating_mul(1 << doublings).min(self.max);
        full.mul_f64(1.0 - 0.2 * draw.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let backoff = Backoff {
            first: Duration::from_secs(2),
            max: Duration::from_secs(300),
            give_up_after: Duration::from_secs(86_400),
        };
        let waits: Vec<u64> = [1, 2, 3, 7, 8, 9, 1_000]
            .iter()
            .map(|n| backoff.wait_after(*n, 0.0).as_secs())
            .collect();
        assert_eq!(waits, [2, 4, 8, 128, 256, 300, 300]);
        assert_eq!(backoff.wait_after(1, 1.0), Duration::from_millis(1_600));
    }
}
