//! How the desk keeps up: what arrives, what waits and since when, how long decisions take, at which hours the work comes. Pure: cases in, figures out.
//! Start with [`Numbers::of`]; `docs/quality.md` says in words what each figure means.

use std::collections::BTreeMap;

use super::staffing::{Handling, WEEK_HOURS};
use super::stats::{Span, survival_quantile};
use crate::model::{Queue, Timestamp};

/// So many days back is looked.
pub const DAYS: i64 = 28;
/// Of fewer cases no quantile is said.
pub const CASES_MIN: usize = 10;
/// From so many cases on whose work was timed, forecasts take their times from these; else they assume [`HANDLING_ASSUMED_SECONDS`] on average.
pub const TIMED_MIN: usize = 20;
/// What a case is assumed to take where too few were timed.
pub const HANDLING_ASSUMED_SECONDS: f64 = 180.0;

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// 1970 began on a Thursday; weeks begin on Monday.
const MONDAY_HOUR: i64 = 4 * 24;

/// A case, as far as figures look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaseTimes {
    /// Where it waits, or waited.
    pub queue: Queue,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was decided; none while it is open.
    pub closed_at: Option<Timestamp>,
    /// By when it had to be decided, where anything says so.
    pub due_at: Option<Timestamp>,
}

/// How the desk keeps up.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// Since when cases are looked at.
    pub since: Timestamp,
    /// All queues together.
    pub all: QueueNumbers,
    /// Each queue.
    pub queues: Vec<(Queue, QueueNumbers)>,
    /// Each day, the oldest first; the last is today.
    pub days: Vec<DayNumbers>,
    /// Cases that arrive in each hour of the week on average; the first begins on Monday at 00:00 UTC.
    pub hours: [f64; WEEK_HOURS],
}

/// How one queue keeps up.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct QueueNumbers {
    /// Opened since.
    pub n_arrived: usize,
    /// Decided since.
    pub n_decided: usize,
    /// Open now.
    pub n_open: usize,
    /// When the oldest of these was opened.
    pub oldest_at: Option<Timestamp>,
    /// Within so many milliseconds half of what was opened since is decided, open cases counting as "longer than until now". None where that cannot be said.
    pub median_ms: Option<i64>,
    /// The same for nine of ten.
    pub p90_ms: Option<i64>,
    /// Cases that had to be decided by now.
    pub n_due: usize,
    /// Those of them that were not decided in time.
    pub n_due_missed: usize,
}

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayNumbers {
    /// When it begins, UTC.
    pub begins: Timestamp,
    /// Opened on it.
    pub n_arrived: usize,
    /// Decided on it.
    pub n_decided: usize,
    /// Open at its end; today, now.
    pub n_open: usize,
}

/// The hour of the week that an instant lies in, from Monday 00:00 UTC.
pub fn hour_of_week(at: Timestamp) -> usize {
    let hour = (at.unix_ms().div_euclid(HOUR_MS) - MONDAY_HOUR).rem_euclid(WEEK_HOURS as i64);
    usize::try_from(hour).unwrap_or(0)
}

/// The beginning of the first day that is looked at.
pub fn looks_back_to(now: Timestamp) -> Timestamp {
    let today = now.unix_ms().div_euclid(DAY_MS) * DAY_MS;
    Timestamp::from_unix_ms(today - (DAYS - 1) * DAY_MS)
}

impl Numbers {
    /// How the desk keeps up at `now`. The cases are those that were opened since [`looks_back_to`], that were decided since, and that are open.
    pub fn of(cases: &[CaseTimes], now: Timestamp) -> Self {
        let since = looks_back_to(now);
        let mut by_queue: BTreeMap<Queue, Vec<CaseTimes>> = BTreeMap::new();
        for case in cases {
            by_queue.entry(case.queue).or_default().push(*case);
        }
        let queues = by_queue.into_iter();
        Self {
            since,
            all: QueueNumbers::of(cases, since, now),
            queues: queues
                .map(|(queue, cases)| (queue, QueueNumbers::of(&cases, since, now)))
                .collect(),
            days: days(cases, since, now),
            hours: hours(cases, since, now),
        }
    }
}

impl QueueNumbers {
    fn of(cases: &[CaseTimes], since: Timestamp, now: Timestamp) -> Self {
        let open = || cases.iter().filter(|case| case.closed_at.is_none());
        let decided = cases.iter().filter(|case| case.closed_at.is_some_and(|at| at >= since));
        // Those that were opened since, whatever became of them: of older ones only the slow are here, which would say that all are slow.
        let spans: Vec<Span> = cases
            .iter()
            .filter(|case| case.opened_at >= since)
            .map(|case| Span {
                ms: (case.closed_at.unwrap_or(now).unix_ms() - case.opened_at.unix_ms()).max(0),
                is_over: case.closed_at.is_some(),
            })
            .collect();
        let quantile = |share| match spans.len() >= CASES_MIN {
            true => survival_quantile(&spans, share),
            false => None,
        };
        let due = || {
            cases
                .iter()
                .filter_map(|case| Some((case, case.due_at.filter(|due| *due <= now)?)))
        };
        Self {
            n_arrived: spans.len(),
            n_decided: decided.count(),
            n_open: open().count(),
            oldest_at: open().map(|case| case.opened_at).min(),
            median_ms: quantile(0.5),
            p90_ms: quantile(0.9),
            n_due: due().count(),
            n_due_missed: due()
                .filter(|(case, due)| case.closed_at.is_none_or(|at| at > *due))
                .count(),
        }
    }
}

fn days(cases: &[CaseTimes], since: Timestamp, now: Timestamp) -> Vec<DayNumbers> {
    (0..DAYS)
        .map(|day| {
            let begins = since.unix_ms() + day * DAY_MS;
            let ends = (begins + DAY_MS).min(now.unix_ms() + 1);
            let is_in = |at: Timestamp| (begins..ends).contains(&at.unix_ms());
            let is_open = |case: &&CaseTimes| {
                case.opened_at.unix_ms() < ends && case.closed_at.is_none_or(|at| at.unix_ms() >= ends)
            };
            DayNumbers {
                begins: Timestamp::from_unix_ms(begins),
                n_arrived: cases.iter().filter(|case| is_in(case.opened_at)).count(),
                n_decided: cases.iter().filter(|case| case.closed_at.is_some_and(is_in)).count(),
                n_open: cases.iter().filter(is_open).count(),
            }
        })
        .collect()
}

/// Each hour of the week by how often it was there: since the first case, if that is later than the first day.
fn hours(cases: &[CaseTimes], since: Timestamp, now: Timestamp) -> [f64; WEEK_HOURS] {
    let arrived = || cases.iter().map(|case| case.opened_at).filter(|at| *at >= since);
    let mut found = [0.0; WEEK_HOURS];
    let Some(first) = arrived().min() else {
        return found;
    };
    let has_older = cases.iter().any(|case| case.opened_at < since);
    let begins = if has_older { since } else { first };
    let mut n_times = [0.0; WEEK_HOURS];
    let (mut hour, last) = (begins.unix_ms().div_euclid(HOUR_MS), now.unix_ms().div_euclid(HOUR_MS));
    while hour <= last {
        n_times[hour_of_week(Timestamp::from_unix_ms(hour * HOUR_MS))] += 1.0;
        hour += 1;
    }
    for at in arrived() {
        found[hour_of_week(at)] += 1.0;
    }
    for (found, times) in found.iter_mut().zip(n_times) {
        *found /= f64::max(times, 1.0);
    }
    found
}

/// How long cases take, for forecasts: as they were timed, in seconds, or as it is assumed.
pub fn handling(timed_seconds: &[f64]) -> Handling {
    match timed_seconds.len() >= TIMED_MIN {
        true => Handling::Seen(timed_seconds.to_vec()),
        false => Handling::Mean(HANDLING_ASSUMED_SECONDS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wednesday, 2026-11-18 at 11:06:40 UTC.
    const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);

    fn case(queue: Queue, opened_hours_ago: i64, took_hours: Option<i64>) -> CaseTimes {
        let opened = NOW.unix_ms() - opened_hours_ago * HOUR_MS;
        CaseTimes {
            queue,
            opened_at: Timestamp::from_unix_ms(opened),
            closed_at: took_hours.map(|hours| Timestamp::from_unix_ms(opened + hours * HOUR_MS)),
            due_at: None,
        }
    }

    #[test]
    fn open_cases_count_in_the_time_to_a_decision() {
        let mut cases: Vec<CaseTimes> = (0..10).map(|_| case(Queue::Matches, 48, Some(1))).collect();
        let closed_only = Numbers::of(&cases, NOW).all;
        assert_eq!(
            (closed_only.median_ms, closed_only.p90_ms),
            (Some(HOUR_MS), Some(HOUR_MS))
        );
        // As many again wait for two days: half is decided within an hour, and when nine of ten will be nobody knows.
        cases.extend((0..10).map(|_| case(Queue::Leads, 48, None)));
        let found = Numbers::of(&cases, NOW);
        assert_eq!((found.all.median_ms, found.all.p90_ms), (Some(HOUR_MS), None));
        assert_eq!(
            (found.all.n_arrived, found.all.n_decided, found.all.n_open),
            (20, 10, 10)
        );
        assert_eq!(found.all.oldest_at, Some(cases[10].opened_at));
        let [(Queue::Matches, matches), (Queue::Leads, leads)] = found.queues[..] else {
            panic!("{:?}", found.queues)
        };
        assert_eq!((matches.n_open, matches.median_ms), (0, Some(HOUR_MS)));
        assert_eq!((leads.n_open, leads.median_ms), (10, None));
        assert_eq!(
            Numbers::of(&cases[..9], NOW).all.median_ms,
            None,
            "of few nothing is said"
        );
    }

    #[test]
    fn what_is_older_waits_and_says_nothing_of_how_long_things_take() {
        let old = case(Queue::Matches, 24 * 40, None);
        let decided_lately = case(Queue::Matches, 24 * 40, Some(24 * 39));
        let found = Numbers::of(&[old, decided_lately], NOW).all;
        assert_eq!((found.n_arrived, found.n_decided, found.n_open), (0, 1, 1));
        assert_eq!(found.median_ms, None);
    }

    #[test]
    fn days_count_what_came_what_went_and_what_was_left() {
        let cases = [
            case(Queue::Leads, 24 * 40, None),
            case(Queue::Leads, 50, Some(3)),
            case(Queue::Leads, 50, Some(30)),
            case(Queue::Leads, 1, None),
        ];
        let days = Numbers::of(&cases, NOW).days;
        assert_eq!(days.len(), 28);
        let of = |day: &DayNumbers| (day.n_arrived, day.n_decided, day.n_open);
        assert_eq!(days[27].begins.to_string(), "2026-11-18T00:00:00.000Z");
        assert_eq!(of(&days[24]), (0, 0, 1));
        // 50 hours ago is Monday at 9.
        assert_eq!(of(&days[25]), (2, 1, 2));
        assert_eq!(of(&days[26]), (0, 1, 1));
        assert_eq!(of(&days[27]), (1, 0, 2));
    }

    #[test]
    fn an_hour_of_the_week_is_measured_by_how_often_it_was_there() {
        assert_eq!(hour_of_week(NOW), 2 * 24 + 11);
        // Two weeks, with two cases in this hour of the one and none of the other.
        let first = case(Queue::Leads, 24 * 14 - 5, Some(1));
        let some = [first, case(Queue::Leads, 0, None), case(Queue::Leads, 0, None)];
        let hours = Numbers::of(&some, NOW).hours;
        assert_eq!(hours[59], 1.0, "{hours:?}");
        let week: f64 = hours.iter().sum();
        assert!((1.4..=2.1).contains(&week), "{week}");
        assert_eq!(Numbers::of(&[], NOW).hours, [0.0; WEEK_HOURS]);
    }

    #[test]
    fn what_was_due_and_not_decided_is_missed() {
        let due = |case: CaseTimes, after_hours: i64| CaseTimes {
            due_at: Some(Timestamp::from_unix_ms(
                case.opened_at.unix_ms() + after_hours * HOUR_MS,
            )),
            ..case
        };
        let cases = [
            due(case(Queue::Leads, 10, Some(2)), 3),
            due(case(Queue::Leads, 10, Some(5)), 3),
            due(case(Queue::Leads, 10, None), 3),
            due(case(Queue::Leads, 1, None), 3),
            case(Queue::Leads, 10, None),
        ];
        let found = Numbers::of(&cases, NOW).all;
        assert_eq!((found.n_due, found.n_due_missed), (3, 2));
    }

    #[test]
    fn few_timed_cases_are_no_measure_of_the_work() {
        assert_eq!(handling(&[10.0; 19]), Handling::Mean(180.0));
        assert_eq!(handling(&[10.0; 20]).mean(), 10.0);
    }
}
