//! What SQRL's public tests pin down about counts, unique values, quotas and sessions, with the same numbers.
//!
//! Source: github.com/sqrl-lang/sqrl (Copyright 2018 Twitter, Inc., Apache-2.0), packages/sqrl-redis-functions/__tests__; each test here names
//! the file and the test there. Only the facts and numbers were carried over. `EXECUTE` there is [`State::apply`] here: reading changes nothing,
//! and a value is read as if the event at hand had been counted.

use policy::window::{Bump, Refill, Seed, State, WindowKind, WindowSpec};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const BEGIN: i64 = 1_547_758_768_874;

struct Window {
    state: State,
}

impl Window {
    fn new(kind: WindowKind, within_ms: i64) -> Self {
        let spec = WindowSpec {
            id: 1,
            kind,
            within_ms,
            ago_ms: 0,
            text: String::new(),
        };
        Self {
            state: State::new(&[spec], Seed::default()),
        }
    }

    fn quota(max: i32, every_ms: i64, is_strict: bool) -> Self {
        Self::new(WindowKind::Quota(refill(max, every_ms, 1, is_strict)), every_ms)
    }

    fn read(&self, key: u64, at: i64, own: Option<u64>) -> Option<i64> {
        self.state.read(0, key, BEGIN + at, own).value
    }

    fn execute(&mut self, key: u64, at: i64, value: u64) {
        self.state.apply(&[Bump {
            window: 0,
            key,
            value,
            time_ms: BEGIN + at,
        }]);
    }

    /// Reads, then remembers.
    fn run(&mut self, key: u64, at: i64, value: u64) -> Option<i64> {
        let read = self.read(key, at, Some(value));
        self.execute(key, at, value);
        read
    }
}

fn refill(max: i32, every_ms: i64, take: i32, is_strict: bool) -> Refill {
    Refill {
        max,
        every_ms,
        amount: max,
        take,
        is_strict,
    }
}

/// count.spec.ts, "decaying works". A month there is 30 days whose oldest end is cut in whole buckets; 719 hours leave out the same event.
#[test]
fn counts_decay() {
    let mut windows = [DAY, 7 * DAY, 719 * HOUR, 400 * DAY].map(|within| Window::new(WindowKind::Count, within));
    let steps = [
        (0, [1, 1, 1, 1]),
        (HOUR, [2, 2, 2, 2]),
        (30 * HOUR, [1, 3, 3, 3]),
        (2 * DAY, [2, 4, 4, 4]),
        (10 * DAY, [1, 1, 5, 5]),
        (30 * DAY, [1, 1, 5, 6]),
        (35 * DAY, [1, 2, 3, 7]),
        (90 * DAY, [1, 1, 1, 8]),
    ];
    for (at, expected) in steps {
        for (window, expected) in windows.iter_mut().zip(expected) {
            assert_eq!(window.run(1, at, 0), Some(expected), "at {at}");
        }
    }
}

/// count.spec.ts, "multi aliases work": what is counted by one name is read by another; without the condition nothing is added.
#[test]
fn a_count_by_one_name_is_read_by_another() {
    const JOSH: u64 = 1;
    const JULIAN: u64 = 2;
    let mut reports = Window::new(WindowKind::Count, 7 * DAY);
    assert_eq!(reports.read(JULIAN, 0, Some(0)), Some(1));
    assert_eq!(reports.read(JOSH, 0, None), Some(0));
    for _ in 0..3 {
        reports.execute(JULIAN, 0, 0);
    }
    assert_eq!(reports.read(JOSH, 0, Some(0)), Some(1));
    assert_eq!(reports.read(JULIAN, 0, None), Some(3));
    reports.execute(JOSH, 0, 0);
    assert_eq!(reports.read(JOSH, 0, None), Some(1));
    assert_eq!(reports.read(JULIAN, 0, None), Some(3));
}

/// count.spec.ts, "trending works": from none to ten from one day to the next.
#[test]
fn trending_is_today_against_yesterday() {
    let spec = |id, ago_ms| WindowSpec {
        id,
        kind: WindowKind::Count,
        within_ms: DAY - 1,
        ago_ms,
        text: String::new(),
    };
    let mut state = State::new(&[spec(1, 0), spec(2, DAY)], Seed::default());
    let bump = |window, time_ms| Bump {
        window,
        key: 1,
        value: 0,
        time_ms,
    };
    for _ in 0..10 {
        state.apply(&[bump(0, BEGIN), bump(1, BEGIN)]);
    }
    let (current, previous) = (state.read(0, 1, BEGIN, None).value, state.read(1, 1, BEGIN, None).value);
    assert_eq!((current, previous), (Some(10), Some(0)));
    let tomorrow = BEGIN + DAY;
    let (current, previous) = (
        state.read(0, 1, tomorrow, None).value,
        state.read(1, 1, tomorrow, None).value,
    );
    assert_eq!((current, previous), (Some(0), Some(10)));
}

/// RedisApproxCount.spec.ts, "works": a window of five seconds; events and questions out of order.
#[test]
fn counts_take_events_out_of_order() {
    let mut window = Window::new(WindowKind::Count, 5_000);
    for at in [1_000, 1_100, 1_200] {
        window.execute(3, at, 0);
    }
    assert_eq!(window.read(4, 1_300, None), Some(0), "another key");
    assert_eq!(window.read(3, 1_300, None), Some(3));
    assert_eq!(window.read(3, 7_000, None), Some(0));
    window.execute(3, 4_000, 0);
    assert_eq!(window.read(3, 4_100, None), Some(4));
    assert_eq!(window.read(3, 7_000, None), Some(1));
}

/// countUnique.spec.ts, "clears as expected".
#[test]
fn unique_values_clear() {
    const JOSH: u64 = 1;
    const GREG: u64 = 2;
    const TIM: u64 = 3;
    let mut hour = Window::new(WindowKind::Distinct, HOUR);
    let mut total = Window::new(WindowKind::Distinct, 400 * DAY);
    assert_eq!(hour.read(1, 0, Some(JOSH)), Some(1));
    assert_eq!(hour.read(1, 0, Some(GREG)), Some(1), "reading adds nothing");
    for (who, expected) in [(GREG, 1), (GREG, 1), (JOSH, 2), (TIM, 3)] {
        assert_eq!(hour.run(1, 0, who), Some(expected));
        total.execute(1, 0, who);
    }
    assert_eq!(hour.read(1, 30 * MINUTE, Some(TIM)), Some(3));
    assert_eq!(hour.read(1, 70 * MINUTE, Some(TIM)), Some(1));
    assert_eq!(total.read(1, 70 * MINUTE, Some(TIM)), Some(3));
}

/// countUnique.spec.ts, "arbitrary counts work": windows of 10, 30 and 45 minutes and 12 days; both ends belong to a window.
/// One number differs: at minute 35 SQRL still says 1 for 30 minutes, because its buckets are some minutes wide. Here a value that was last seen
/// in minute 4 belongs to the window until minute 34, to the millisecond.
#[test]
fn unique_values_in_windows_of_any_length() {
    let lengths = [10 * MINUTE, 30 * MINUTE, 45 * MINUTE, 12 * DAY];
    let mut windows = lengths.map(|within| Window::new(WindowKind::Distinct, within));
    for minute in 0..5 {
        windows
            .iter_mut()
            .for_each(|window| window.execute(1, minute * MINUTE, minute as u64 + 1));
    }
    let steps = [
        (4 * MINUTE, [Some(5), None, None, Some(5)]),
        (5 * MINUTE, [Some(5), None, None, Some(5)]),
        (9 * MINUTE, [Some(5), Some(5), None, None]),
        (10 * MINUTE, [Some(5), Some(5), None, None]),
        (11 * MINUTE, [Some(4), Some(5), None, None]),
        (12 * MINUTE, [Some(3), Some(5), None, None]),
        (13 * MINUTE, [Some(2), Some(5), None, None]),
        (14 * MINUTE, [Some(1), Some(5), None, None]),
        (15 * MINUTE, [Some(0), Some(5), None, None]),
        (34 * MINUTE, [Some(0), Some(1), None, None]),
        (40 * MINUTE, [None, Some(0), Some(5), None]),
        (3 * DAY, [Some(0), Some(0), Some(0), Some(5)]),
        (13 * DAY, [Some(0), Some(0), Some(0), Some(0)]),
    ];
    for (at, expected) in steps {
        for (window, expected) in windows.iter().zip(expected).filter(|(_, expected)| expected.is_some()) {
            assert_eq!(window.read(1, at, None), expected, "at minute {}", at / MINUTE);
        }
    }
}

/// countUnique.spec.ts, "unique aliases dont bump aliased" and "unique aliases work".
#[test]
fn unique_values_by_one_name_are_read_by_another() {
    const JOSH: u64 = 1;
    const GREG: u64 = 2;
    let mut addresses = Window::new(WindowKind::Distinct, 7 * DAY);
    for address in [4, 5, 6] {
        addresses.execute(GREG, 0, address);
    }
    assert_eq!(addresses.read(JOSH, 0, None), Some(0));
    assert_eq!(addresses.read(GREG, 0, None), Some(3));
    assert_eq!(addresses.read(GREG, 0, Some(5)), Some(3), "a known one is no new one");
    assert_eq!(addresses.read(GREG, 0, Some(7)), Some(4));
}

/// RedisApproxCountUnique.spec.ts, "works": a window of five seconds, several values at once.
#[test]
fn unique_values_leave_one_by_one() {
    let mut window = Window::new(WindowKind::Distinct, 5_000);
    let [a, b, c, d, e, f] = [1, 2, 3, 4, 5, 6];
    let steps: [(&[u64], i64); 7] = [
        (&[a, b, c, d], 4),
        (&[d, e], 5),
        (&[], 5),
        (&[], 5),
        (&[d, f], 6),
        (&[f], 6),
        (&[], 3),
    ];
    for (second, (values, expected)) in (0..).zip(steps) {
        values
            .iter()
            .for_each(|value| window.execute(1, second * SECOND, *value));
        assert_eq!(window.read(1, second * SECOND, None), Some(expected), "second {second}");
    }
}

/// rateLimit.spec.ts, "Basic test works": two a day.
#[test]
fn a_quota_is_used_up_and_refilled() {
    let mut window = Window::quota(2, DAY, false);
    let limited: Vec<bool> = (0..3).map(|_| window.run(1, 0, 0) == Some(0)).collect();
    assert_eq!(limited, [false, false, true]);
    assert_ne!(window.run(1, DAY, 0), Some(0));
}

/// rateLimit.spec.ts, "take works with ints".
#[test]
fn an_event_may_take_several() {
    let mut window = Window::new(WindowKind::Quota(refill(3, MINUTE, 3, false)), MINUTE);
    assert_eq!((window.run(1, 0, 0), window.run(1, 0, 0)), (Some(3), Some(0)));
}

/// rateLimit.spec.ts, "works with retries": what is only read takes nothing.
#[test]
fn a_retry_takes_nothing() {
    let mut window = Window::quota(3, MINUTE, false);
    let first: Vec<Option<i64>> = (0..5).map(|_| window.run(1, 0, 0)).collect();
    assert_eq!(first, [Some(3), Some(2), Some(1), Some(0), Some(0)]);
    assert_eq!((window.run(2, 0, 0), window.run(2, 0, 0)), (Some(3), Some(2)));
    assert_eq!(
        (window.read(2, 0, Some(0)), window.read(2, 0, Some(0))),
        (Some(1), Some(1))
    );
    assert_eq!(window.read(1, 0, Some(0)), Some(0));
}

/// rateLimit.spec.ts, "works with multiple values": of several keys the one with least left counts.
#[test]
fn several_keys_of_one_event() {
    let mut window = Window::quota(3, MINUTE, false);
    let [m1, m2, other] = [1, 2, 3];
    let mut run = |keys: &[u64]| keys.iter().filter_map(|key| window.run(*key, 0, 0)).min();
    let answers = [
        run(&[m1]),
        run(&[m1]),
        run(&[m2]),
        run(&[m1, m2]),
        run(&[m2]),
        run(&[m2]),
        run(&[other]),
        run(&[other]),
        run(&[other]),
        run(&[other]),
        run(&[other]),
    ];
    assert_eq!(
        answers.map(Option::unwrap_or_default),
        [3, 2, 3, 1, 1, 0, 3, 2, 1, 0, 0]
    );
}

/// lua/rateLimitFetchLua.ts, the difference that `STRICT` makes: who asks while nothing is left begins to wait anew; a leaky quota is
/// refilled whether or not one asks.
#[test]
fn a_strict_quota_waits_for_silence() {
    let mut leaky = Window::quota(1, 10 * SECOND, false);
    let mut strict = Window::quota(1, 10 * SECOND, true);
    for window in [&mut leaky, &mut strict] {
        assert_eq!(window.run(1, 0, 0), Some(1));
        assert_eq!(window.run(1, 6 * SECOND, 0), Some(0));
    }
    assert_eq!(leaky.run(1, 12 * SECOND, 0), Some(1));
    assert_eq!(strict.run(1, 12 * SECOND, 0), Some(0));
    assert_eq!(strict.run(1, 22 * SECOND, 0), Some(1));
}

/// sessionize.spec.ts, "basic test works": two events within ten seconds, then a session goes on until ten quiet seconds.
#[test]
fn a_session_begins_when_the_quota_is_used_up_and_ends_in_silence() {
    let mut window = Window::new(WindowKind::Session(refill(2, 10 * SECOND, 1, false)), 10 * SECOND);
    let steps = [
        (0, None),
        (0, None),
        (0, Some(0)),
        (5_000, Some(5_000)),
        (6_000, Some(6_000)),
        (15_000, Some(15_000)),
        (25_000, None),
    ];
    for (at, expected) in steps {
        assert_eq!(window.run(1, at, 0), expected, "at {at}");
    }
}
