//! How much one person looks at before they rest. Pure.
//!
//! Exposure is a dose: what counts is how many pictures without their blur, how close together. That is all that is counted; it is for the person's protection and says
//! nothing of how they work. No claim is made that blur protects: what is known of it is mixed. Not looking does, and breaks are what research on tenure supports.

use std::time::Duration;

use super::Timestamp;

/// The caps that the operator set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CareSettings {
    /// The most clear pictures that one person uncovers in 24 hours; 0 for any number.
    pub reveals_per_day: u32,
    /// The most that they uncover without a break; 0 for any number.
    pub reveals_in_a_row: u32,
    /// How long a break is.
    pub rest: Duration,
}

impl Default for CareSettings {
    fn default() -> Self {
        Self {
            reveals_per_day: 300,
            reveals_in_a_row: 40,
            rest: Duration::from_secs(10 * 60),
        }
    }
}

/// How much a person uncovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exposure {
    /// In the last 24 hours.
    pub n_day: u32,
    /// Since their last break.
    pub n_in_a_row: u32,
    /// Until when pictures stay covered for them.
    pub rests_until: Option<Timestamp>,
}

impl CareSettings {
    /// So far back is looked.
    pub const DAY: Duration = Duration::from_secs(24 * 3600);

    /// How much that was. `looks` are the moments of the last day at which something was uncovered, in any order.
    pub fn exposure(&self, looks: &[Timestamp], now: Timestamp) -> Exposure {
        let mut looks: Vec<Timestamp> = looks
            .iter()
            .copied()
            .filter(|at| *at <= now && now.since(*at) < Self::DAY)
            .collect();
        looks.sort_by(|a, b| b.cmp(a));
        let mut n_in_a_row = 0;
        let mut later = now;
        for at in &looks {
            if later.since(*at) >= self.rest {
                break;
            }
            n_in_a_row += 1;
            later = *at;
        }
        // The day's cap ends when the oldest look that fills it is a day old.
        let day_ends = match self.reveals_per_day as usize {
            0 => None,
            cap => looks.get(cap - 1).map(|at| at.after(Self::DAY)),
        };
        let is_long = self.reveals_in_a_row > 0 && n_in_a_row >= self.reveals_in_a_row as usize;
        let break_ends = looks.first().filter(|_| is_long).map(|at| at.after(self.rest));
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Exposure {
            n_day: count(looks.len()),
            n_in_a_row: count(n_in_a_row),
            rests_until: day_ends.max(break_ends).filter(|until| *until > now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARE: CareSettings = CareSettings {
        reveals_per_day: 6,
        reveals_in_a_row: 3,
        rest: Duration::from_secs(600),
    };

    fn minute(n: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_000_000_000 + n * 60_000)
    }

    fn after(looks: &[i64], now: i64) -> Exposure {
        let looks: Vec<Timestamp> = looks.iter().map(|n| minute(*n)).collect();
        CARE.exposure(&looks, minute(now))
    }

    #[test]
    fn looks_close_together_ask_for_a_break() {
        assert_eq!(after(&[0, 5], 6).rests_until, None);
        let tired = after(&[0, 5, 9], 10);
        assert_eq!((tired.n_in_a_row, tired.rests_until), (3, Some(minute(19))));
        // After the break the count begins anew.
        assert_eq!(after(&[0, 5, 9], 19).rests_until, None);
        assert_eq!(after(&[0, 5, 9, 19], 20).n_in_a_row, 1);
        // Looks a break apart are no row.
        assert_eq!(after(&[0, 10, 20, 30], 31).rests_until, None);
    }

    #[test]
    fn a_day_has_so_many_looks() {
        let looks = [0, 20, 40, 60, 80, 100];
        assert_eq!(after(&looks[..5], 120).rests_until, None);
        assert_eq!(
            after(&looks, 120).rests_until,
            Some(minute(24 * 60)),
            "until the oldest is a day old"
        );
        assert_eq!(after(&looks, 24 * 60).rests_until, None);
        assert_eq!(after(&looks, 24 * 60).n_day, 5);
        // What lies ahead, after a clock was set back, counts for nothing.
        assert_eq!(after(&[130, 140, 150], 120).n_day, 0);
    }

    #[test]
    fn without_caps_nobody_rests() {
        let none = CareSettings {
            reveals_per_day: 0,
            reveals_in_a_row: 0,
            ..CARE
        };
        let looks: Vec<Timestamp> = (0..500).map(minute).collect();
        let exposure = none.exposure(&looks, minute(500));
        assert_eq!((exposure.n_day, exposure.rests_until), (500, None));
    }
}
