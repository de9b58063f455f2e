//! What if so many people were on shift: a week of cases is played through, again and again, and it is counted who waits how long. Pure.
//!
//! Cases arrive as they do at this platform, hour by hour of the week (a Poisson process), and take as long as they took here. They are taken in the order of their
//! arrival; whoever goes home finishes the case in hand. Start with [`forecast`]. Where formulas exist (Erlang's, for an even stream), a test compares.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::stats::{Dice, quantile};

/// Hours of a week; the first begins on Monday at 00:00 UTC.
pub const WEEK_HOURS: usize = 168;
/// The most cases of one repetition; what would come after is left out, and the forecast says so.
pub const CASES_MAX: usize = 100_000;
/// The most repetitions, and the least.
const REPEATS: (usize, usize) = (5, 60);
/// Cases of all repetitions together, about: large platforms get fewer repetitions, which they need less.
const CASES_OF_ALL: f64 = 600_000.0;
/// After its hours a repetition goes on for so many weeks without new cases, until what waits is done.
const DRAIN_WEEKS: u64 = 4;

const HOUR_MS: u64 = 3_600_000;

/// What is played through.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Cases that arrive in each hour of the week, on average.
    pub arrivals: [f64; WEEK_HOURS],
    /// So many times as many.
    pub surge: f64,
    /// Many at once.
    pub burst: Option<Burst>,
    /// Cases that wait when it begins.
    pub backlog: usize,
    /// How long cases take, in seconds: one of these for each case.
    pub handling_seconds: Handling,
    /// People at work in each hour of the week.
    pub on_shift: [u32; WEEK_HOURS],
    /// A case is late if it is not decided after so many minutes.
    pub deadline_minutes: u32,
    /// Hours that are played through.
    pub hours: usize,
}

/// Many cases at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst {
    /// How many.
    pub n: usize,
    /// In which hour of the week.
    pub at_hour: usize,
}

/// How long cases take.
#[derive(Debug, Clone, PartialEq)]
pub enum Handling {
    /// Each as long as one of these took, in seconds.
    Seen(Vec<f64>),
    /// So many seconds on average, mostly shorter, sometimes far longer.
    Mean(f64),
}

impl Handling {
    /// Seconds on average.
    pub fn mean(&self) -> f64 {
        match self {
            Handling::Seen(seen) if !seen.is_empty() => seen.iter().sum::<f64>() / seen.len() as f64,
            Handling::Seen(_) => 0.0,
            Handling::Mean(mean) => *mean,
        }
    }

    fn draw_ms(&self, dice: &mut Dice) -> u64 {
        let seconds = match self {
            Handling::Seen(seen) => seen.get(dice.below(seen.len())).copied().unwrap_or(0.0),
            Handling::Mean(mean) => dice.exponential(*mean),
        };
        (seconds.max(0.0) * 1_000.0) as u64
    }
}

/// A figure over all repetitions: its middle, and between which values nine of ten repetitions lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The middle one.
    pub middle: f64,
    /// Nineteen of twenty are at least this.
    pub low: f64,
    /// Nineteen of twenty are at most this.
    pub high: f64,
}

/// What became of the cases.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Cases of one repetition.
    pub n_cases: Range,
    /// The share that is late.
    pub late: Range,
    /// Minutes until a case is taken: half wait no longer.
    pub wait_p50: Range,
    /// Nine of ten wait no longer.
    pub wait_p90: Range,
    /// 99 of 100 wait no longer.
    pub wait_p99: Range,
    /// The most cases that waited at once.
    pub backlog_max: Range,
    /// The share of the time on shift in which people were at work on cases.
    pub busy: Range,
    /// Repetitions.
    pub n_repeats: usize,
    /// Whether one had more than [`CASES_MAX`] cases.
    pub is_cut: bool,
}

/// Plays the plan through several times. None, if nothing ever arrives.
pub fn forecast(plan: &Plan, seed: u64) -> Option<Forecast> {
    let expected: f64 = (0..plan.hours).map(|hour| plan.rate(hour)).sum();
    let expected = expected + (plan.backlog + plan.burst.map_or(0, |burst| burst.n)) as f64;
    let n_repeats = ((CASES_OF_ALL / expected.max(1.0)) as usize).clamp(REPEATS.0, REPEATS.1);
    let mut dice = Dice::seeded(seed);
    let runs: Vec<Run> = (0..n_repeats).map(|_| run(plan, dice.bits())).collect();
    if runs.iter().all(|run| run.waits_ms.is_empty()) {
        return None;
    }
    let range = |figure: &dyn Fn(&Run) -> f64| {
        let mut figures: Vec<f64> = runs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        Some(Range {
            middle: quantile(&figures, 0.5)?,
            low: quantile(&figures, 0.05)?,
            high: quantile(&figures, 0.95)?,
        })
    };
    Some(Forecast {
        n_cases: range(&|run| run.waits_ms.len() as f64)?,
        late: range(&|run| run.n_late as f64 / run.waits_ms.len().max(1) as f64)?,
        wait_p50: range(&|run| run.wait_minutes(0.5))?,
        wait_p90: range(&|run| run.wait_minutes(0.9))?,
        wait_p99: range(&|run| run.wait_minutes(0.99))?,
        backlog_max: range(&|run| run.backlog_max as f64)?,
        busy: range(&|run| run.worked_ms as f64 / run.on_shift_ms.max(1) as f64)?,
        n_repeats,
        is_cut: runs.iter().any(|run| run.is_cut),
    })
}

impl Plan {
    fn rate(&self, hour: usize) -> f64 {
        (self.arrivals[hour % WEEK_HOURS] * self.surge).max(0.0)
    }

    fn staff(&self, at_ms: u64) -> usize {
        self.on_shift[(at_ms / HOUR_MS) as usize % WEEK_HOURS] as usize
    }

    /// When cases arrive, in order, and whether some were left out.
    fn arrivals_ms(&self, dice: &mut Dice) -> (Vec<u64>, bool) {
        let mut arrivals = vec![0; self.backlog.min(CASES_MAX)];
        for hour in 0..self.hours {
            let begins = hour as u64 * HOUR_MS;
            if let Some(burst) = self.burst.filter(|burst| burst.at_hour == hour) {
                arrivals.extend(std::iter::repeat_n(begins, burst.n.min(CASES_MAX)));
            }
            let rate = self.rate(hour);
            if rate <= 0.0 {
                continue;
            }
            let gap = HOUR_MS as f64 / rate;
            let mut at = dice.exponential(gap);
            while at < HOUR_MS as f64 && arrivals.len() <= CASES_MAX {
                arrivals.push(begins + at as u64);
                at += dice.exponential(gap);
            }
        }
        let is_cut = arrivals.len() > CASES_MAX;
        arrivals.truncate(CASES_MAX);
        (arrivals, is_cut)
    }
}

/// One repetition.
struct Run {
    /// Until each case was taken, sorted; of one that was never taken, until the end.
    waits_ms: Vec<u64>,
    n_late: usize,
    backlog_max: usize,
    worked_ms: u64,
    on_shift_ms: u64,
    is_cut: bool,
}

impl Run {
    fn wait_minutes(&self, share: f64) -> f64 {
        let last = self.waits_ms.len().saturating_sub(1) as f64;
        // The least wait that so many do not exceed.
        let place = (share * last).ceil() as usize;
        self.waits_ms.get(place).map_or(0.0, |ms| *ms as f64 / 60_000.0)
    }
}

fn run(plan: &Plan, seed: u64) -> Run {
    let mut dice = Dice::seeded(seed);
    let (arrivals, is_cut) = plan.arrivals_ms(&mut dice);
    let ends = plan.hours as u64 * HOUR_MS;
    let gives_up = ends + DRAIN_WEEKS * WEEK_HOURS as u64 * HOUR_MS;
    let deadline = u64::from(plan.deadline_minutes) * 60_000;
    let mut coming = arrivals.iter().copied().peekable();
    let mut waiting: VecDeque<u64> = VecDeque::new();
    let mut busy: BinaryHeap<Reverse<u64>> = BinaryHeap::new();
    let mut done = Run {
        waits_ms: Vec::with_capacity(arrivals.len()),
        n_late: 0,
        backlog_max: 0,
        worked_ms: 0,
        on_shift_ms: (0..plan.hours)
            .map(|hour| u64::from(plan.on_shift[hour % WEEK_HOURS]) * HOUR_MS)
            .sum(),
        is_cut,
    };
    let mut now = 0;
    loop {
        while busy.peek().is_some_and(|Reverse(at)| *at <= now) {
            busy.pop();
        }
        while let Some(at) = coming.next_if(|at| *at <= now) {
            waiting.push_back(at);
        }
        while busy.len() < plan.staff(now)
            && let Some(arrived) = waiting.pop_front()
        {
            let handling = plan.handling_seconds.draw_ms(&mut dice);
            busy.push(Reverse(now + handling));
            done.waits_ms.push(now - arrived);
            done.n_late += usize::from(now - arrived + handling > deadline);
            done.worked_ms += handling.min(ends.saturating_sub(now));
        }
        done.backlog_max = done.backlog_max.max(waiting.len());
        // The next that changes anything: a case, a pair of hands, another shift.
        let hour = (!waiting.is_empty()).then(|| (now / HOUR_MS + 1) * HOUR_MS);
        let next = [coming.peek().copied(), busy.peek().map(|Reverse(at)| *at), hour];
        match next.into_iter().flatten().min() {
            Some(next) if next < gives_up => now = next,
            Some(_) | None => break,
        }
    }
    for arrived in waiting {
        done.waits_ms.push(gives_up - arrived);
        done.n_late += usize::from(gives_up - arrived > deadline);
    }
    done.waits_ms.sort_unstable();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn even(per_hour: f64, people: u32, hours: usize) -> Plan {
        Plan {
            arrivals: [per_hour; WEEK_HOURS],
            surge: 1.0,
            burst: None,
            backlog: 0,
            handling_seconds: Handling::Mean(180.0),
            on_shift: [people; WEEK_HOURS],
            deadline_minutes: 60,
            hours,
        }
    }

    /// P(a case waits) of Erlang (1917): `c` people, `a` = arrivals × handling.
    fn erlang_c(c: u32, a: f64) -> f64 {
        // By the recursion of Erlang B, which never leaves the range of numbers.
        let b = (1..=c).fold(1.0, |b, k| a * b / (f64::from(k) + a * b));
        let c = f64::from(c);
        c * b / (c - a * (1.0 - b))
    }

    #[test]
    fn an_even_stream_waits_as_erlang_says() {
        assert!((erlang_c(4, 3.0) - 0.509).abs() < 0.001);
        for (people, per_hour) in [(4, 60.0), (5, 80.0), (1, 10.0), (10, 180.0)] {
            let run = run(&even(per_hour, people, 1_600), 11);
            let (arrivals, services) = (per_hour / 3_600.0, 1.0 / 180.0);
            let waits = erlang_c(people, arrivals / services);
            for seconds in [0.0, 60.0, 180.0, 600.0] {
                let expected = waits * (-(f64::from(people) * services - arrivals) * seconds).exp();
                let longer = run.waits_ms.iter().filter(|ms| **ms as f64 > seconds * 1_000.0).count();
                let found = longer as f64 / run.waits_ms.len() as f64;
                assert!(
                    (found - expected).abs() < 0.03,
                    "{people} people, {per_hour} an hour: longer than {seconds} s wait {found:.3}, by the formula {expected:.3}"
                );
            }
        }
    }

    #[test]
    fn a_burst_takes_as_long_as_it_must() {
        // 300 at once where four people could do 80 an hour and 60 come: 15 hours until nothing waits, and most of it is late.
        let mut plan = even(60.0, 4, WEEK_HOURS);
        plan.burst = Some(Burst { n: 300, at_hour: 24 });
        let with = forecast(&plan, 3).unwrap();
        plan.on_shift = [10; WEEK_HOURS];
        let more_people = forecast(&plan, 3).unwrap();
        assert!(with.backlog_max.middle >= 290.0, "{with:?}");
        assert!(
            with.late.middle > 4.0 * more_people.late.middle.max(0.001),
            "{with:?} {more_people:?}"
        );
        assert!(with.late.low <= with.late.middle && with.late.middle <= with.late.high);
        assert_eq!(forecast(&plan, 3), Some(more_people), "the same seed says the same");
    }

    #[test]
    fn nights_without_anybody_are_waited_out() {
        let mut plan = even(4.0, 2, WEEK_HOURS);
        for hour in 0..WEEK_HOURS {
            plan.on_shift[hour] = if hour % 24 < 8 { 0 } else { 2 };
        }
        let found = forecast(&plan, 5).unwrap();
        // A third arrives in the eight hours of the night, and waits four hours on average.
        assert!((0.2..0.45).contains(&found.late.middle), "{found:?}");
        assert!((240.0..481.0).contains(&found.wait_p90.middle), "{found:?}");
        assert!(found.wait_p50.middle < 15.0);
    }

    #[test]
    fn nobody_at_work_and_nothing_to_do_end_too() {
        let mut plan = even(5.0, 0, WEEK_HOURS);
        let found = forecast(&plan, 1).unwrap();
        assert_eq!((found.late.middle, found.busy.middle), (1.0, 0.0));
        plan.arrivals = [0.0; WEEK_HOURS];
        assert_eq!(forecast(&plan, 1), None);
        plan.arrivals = [1e7; WEEK_HOURS];
        plan.on_shift = [1_000; WEEK_HOURS];
        plan.hours = 1;
        assert!(run(&plan, 1).is_cut);
        plan.handling_seconds = Handling::Seen(Vec::new());
        assert_eq!(run(&plan, 1).waits_ms.len(), CASES_MAX);
    }
}
