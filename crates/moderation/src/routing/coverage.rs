//! When nobody who could do the work is on shift. Pure: shifts of a week become spans of time, and the spans between them are the gaps.
//!
//! Days and hours are those of the clocks where a shift is meant: it begins at eight there on the day after clocks were put forward, too. A night in which they are put
//! forward is an hour shorter.

use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::Date;

use super::shifts::Shift;
use crate::model::{Timestamp, Zone};

const DAY: Duration = Duration::from_secs(24 * 3600);

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
    // One that began the day before may still go on, and that day may have been an hour longer.
    let days = (shift.zone.civil(from.before(2 * DAY)), shift.zone.civil(until));
    let (Some(first), Some(last)) = days else { return found };
    let mut day = first.date();
    while day <= last.date() {
        if is_on(shift, day)
            && let Some(span) = on(shift, day)
            && span.until > from
            && span.from < until
        {
            found.push(OnShift {
                from: span.from.max(from),
                until: span.until.min(until),
            });
        }
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    found
}

/// The days and times of a shift as they are read by other clocks, in the week that begins at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeekOf {
    /// On which days it begins; 0 is Monday.
    pub days: Vec<u8>,
    /// At which minute of the day it begins.
    pub from_minute: u16,
    /// At which minute of the day it ends.
    pub until_minute: u16,
}

/// When a shift is by the clocks of a zone, in the week that begins at a moment. Where clocks change in that week, as its first day has it.
pub fn week_in(shift: &Shift, zone: Zone, now: Timestamp) -> WeekOf {
    const DAY_MINUTES: u16 = Shift::MINUTES_MAX;
    let as_meant = WeekOf {
        days: shift.days.clone(),
        from_minute: shift.from_minute,
        until_minute: shift.from_minute.saturating_add(shift.n_minutes) % DAY_MINUTES,
    };
    let Some(today) = shift.zone.civil(now).filter(|_| zone != shift.zone) else {
        return as_meant;
    };
    let mut week: Option<WeekOf> = None;
    for n in 0..7 {
        let day = today.date().checked_add(n.days()).ok().filter(|day| is_on(shift, *day));
        let Some(span) = day.and_then(|day| on(shift, day)) else {
            continue;
        };
        let (Some(begins), Some(ends)) = (zone.civil(span.from), zone.civil(span.until)) else {
            continue;
        };
        let minute = |at: jiff::civil::DateTime| u16::try_from(i32::from(at.hour()) * 60 + i32::from(at.minute()));
        let (Ok(from_minute), Ok(until_minute)) = (minute(begins), minute(ends)) else {
            continue;
        };
        let week = week.get_or_insert(WeekOf {
            days: Vec::new(),
            from_minute,
            until_minute,
        });
        week.days.push(weekday(begins.date()));
    }
    let mut week = week.unwrap_or(as_meant);
    week.days.sort_unstable();
    week.days.dedup();
    week
}

fn weekday(day: Date) -> u8 {
    day.weekday().to_monday_zero_offset().unsigned_abs()
}

fn is_on(shift: &Shift, day: Date) -> bool {
    shift.days.contains(&weekday(day))
}

/// The shift that begins on that day.
fn on(shift: &Shift, day: Date) -> Option<OnShift> {
    let midnight = day.at(0, 0, 0, 0);
    let begins = midnight.checked_add(i64::from(shift.from_minute).minutes()).ok()?;
    let ends = begins.checked_add(i64::from(shift.n_minutes).minutes()).ok()?;
    Some(OnShift {
        from: shift.zone.instant(begins)?,
        until: shift.zone.instant(ends)?,
    })
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

/// The same times, each once and in order: what overlaps or touches is one.
pub fn joined(mut gaps: Vec<Gap>) -> Vec<Gap> {
    gaps.sort_unstable_by_key(|gap| gap.from);
    let mut found: Vec<Gap> = Vec::with_capacity(gaps.len());
    for gap in gaps {
        match found.last_mut() {
            Some(last) if gap.from <= last.until => last.until = last.until.max(gap.until),
            Some(_) | None => found.push(gap),
        }
    }
    found
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
            zone: Zone::UTC,
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

    fn utc(text: &str) -> Timestamp {
        let instant: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_unix_ms(instant.as_millisecond())
    }

    #[test]
    fn a_shift_keeps_its_hours_when_clocks_change() {
        let shift = Shift {
            zone: "Europe/Berlin".parse().unwrap(),
            ..shift(&[5, 6, 0], 8, 8)
        };
        // Clocks are put forward in the night to Sunday, 29 March 2026.
        let found = occurrences(&shift, utc("2026-03-28T00:00:00Z"), utc("2026-03-31T00:00:00Z"));
        let spans: Vec<(String, String)> = found
            .iter()
            .map(|span| (span.from.to_string(), span.until.to_string()))
            .collect();
        let expected = [
            ("2026-03-28T07:00:00.000Z", "2026-03-28T15:00:00.000Z"),
            ("2026-03-29T06:00:00.000Z", "2026-03-29T14:00:00.000Z"),
            ("2026-03-30T06:00:00.000Z", "2026-03-30T14:00:00.000Z"),
        ];
        let expected = expected.map(|(from, until)| (from.to_owned(), until.to_owned()));
        assert_eq!(spans, expected);
        // A night shift ends when its clocks say so: an hour earlier in one night, an hour later in another.
        let night = Shift {
            from_minute: 22 * 60,
            days: vec![5],
            ..shift
        };
        for (from, hours) in [
            ("2026-03-28T12:00:00Z", 7),
            ("2026-10-24T12:00:00Z", 9),
            ("2026-07-04T12:00:00Z", 8),
        ] {
            let span = occurrences(&night, utc(from), utc(from).after(2 * DAY))[0];
            assert_eq!(span.until.since(span.from), Duration::from_secs(hours * 3600), "{from}");
        }
    }

    #[test]
    fn a_shift_is_read_by_other_clocks() {
        let late = Shift {
            zone: "Europe/Berlin".parse().unwrap(),
            ..shift(&[0, 6], 20, 8)
        };
        let kathmandu: Zone = "Asia/Kathmandu".parse().unwrap();
        // A Thursday in winter: eight in the evening in Berlin is a quarter to one there, on the next day.
        let week = week_in(&late, kathmandu, utc("2026-01-15T00:00:00Z"));
        let expected = WeekOf {
            days: vec![0, 1],
            from_minute: 45,
            until_minute: 8 * 60 + 45,
        };
        assert_eq!(week, expected);
        let summer = week_in(&late, kathmandu, utc("2026-07-16T00:00:00Z"));
        assert_eq!((summer.days, summer.from_minute), (vec![0, 6], 23 * 60 + 45));
        assert_eq!(week_in(&late, late.zone, utc("2026-07-16T00:00:00Z")).days, [0, 6]);
    }
}
