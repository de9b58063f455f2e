//! When nobody who could do the work is on shift. Pure: shifts of a week become spans of time, and the spans between them are the gaps.
//!
//! Days and hours are in UTC, as everywhere at the desk: a shift lies where it lies when clocks are put forward.

use std::time::Duration;

use super::shifts::Shift;
use crate::model::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 3600);
const DAY_MS: i64 = 24 * 3600 * 1000;
/// 1970 began on a Thursday, the fourth day of a week that begins on a Monday.
const FIRST_WEEKDAY: i64 = 3;

/// Somebody is on shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnShift {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Nobody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// When a shift takes place between two moments.
pub fn occurrences(shift: &Shift, from: Timestamp, until: Timestamp) -> Vec<OnShift> {
    let mut found = Vec::new();
    // One that began the day before may still go on.
    let mut day = from.before(DAY).unix_ms().div_euclid(DAY_MS);
    while day.saturating_mul(DAY_MS) < until.unix_ms() {
        let weekday = (day + FIRST_WEEKDAY).rem_euclid(7);
        if shift.days.iter().any(|on| i64::from(*on) == weekday) {
            let begins = Timestamp::from_unix_ms(day * DAY_MS).after(minutes(shift.from_minute));
            let ends = begins.after(minutes(shift.n_minutes));
            if ends > from && begins < until {
                found.push(OnShift {
                    from: begins.max(from),
                    until: ends.min(until),
                });
            }
        }
        day += 1;
    }
    found
}

/// The spans between two moments in which nobody is on shift.
pub fn gaps(on_shift: &[OnShift], from: Timestamp, until: Timestamp) -> Vec<Gap> {
    let mut sorted = on_shift.to_vec();
    sorted.sort_unstable_by_key(|span| span.from);
    let mut gaps = Vec::new();
    let mut covered = from;
    for span in sorted {
        if span.from > covered {
            gaps.push(Gap {
                from: covered,
                until: span.from.min(until),
            });
        }
        covered = covered.max(span.until);
    }
    if covered < until {
        gaps.push(Gap { from: covered, until });
    }
    gaps
}

fn minutes(n: u16) -> Duration {
    Duration::from_secs(u64::from(n) * 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Chance, UserId};
    use crate::routing::ShiftId;

    /// A Thursday, as all of 1970-01-01 was.
    fn at(day: i64, hour: i64) -> Timestamp {
        Timestamp::from_unix_ms((day * 24 + hour) * 3_600_000)
    }

    fn shift(days: &[u8], from_hour: u16, hours: u16) -> Shift {
        let (t, chance) = (Timestamp::from_unix_ms(1), Chance::seeded(1));
        Shift {
            id: ShiftId::fresh(&chance),
            user: UserId::fresh(t, &chance),
            days: days.to_vec(),
            from_minute: from_hour * 60,
            n_minutes: hours * 60,
        }
    }

    fn check(shifts: &[Shift], from: Timestamp, until: Timestamp, expected: &[(Timestamp, Timestamp)]) {
        let on_shift: Vec<OnShift> = shifts
            .iter()
            .flat_map(|shift| occurrences(shift, from, until))
            .collect();
        let found: Vec<(Timestamp, Timestamp)> = gaps(&on_shift, from, until)
            .into_iter()
            .map(|gap| (gap.from, gap.until))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_lies_between_shifts_is_a_gap() {
        check(&[], at(0, 0), at(1, 0), &[(at(0, 0), at(1, 0))]);
        let (thursday, friday) = (3, 4);
        check(
            &[shift(&[thursday], 8, 8), shift(&[thursday], 14, 6)],
            at(0, 0),
            at(1, 0),
            &[(at(0, 0), at(0, 8)), (at(0, 20), at(1, 0))],
        );
        // A night shift that began on Thursday covers the morning of Friday, and of no other day.
        let night = [shift(&[thursday], 20, 10)];
        check(&night, at(1, 0), at(1, 8), &[(at(1, 6), at(1, 8))]);
        check(&night, at(2, 0), at(2, 8), &[(at(2, 0), at(2, 8))]);
        // Day and night, every day.
        let all: Vec<u8> = (0..7).collect();
        check(&[shift(&all, 0, 24)], at(3, 5), at(12, 7), &[]);
        check(&[shift(&[friday], 0, 24)], at(1, 23), at(2, 1), &[(at(2, 0), at(2, 1))]);
    }
}
