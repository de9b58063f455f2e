//! Windows against a list of all that happened: exact while small, within the stated error beyond, and the same after a restart.

use policy::window::{Bump, Reading, Refill, Seed, State, WindowKind, WindowSpec, decode_bumps, encode_bumps};
use proptest::prelude::*;

const BEGIN_MS: i64 = 1_800_000_000_000;

fn spec(kind: WindowKind, within_ms: i64, ago_ms: i64) -> WindowSpec {
    WindowSpec {
        id: 1,
        kind,
        within_ms,
        ago_ms,
        text: format!("{kind:?}"),
    }
}

fn bump(key: u64, value: u64, time_ms: i64) -> Bump {
    Bump {
        window: 0,
        key,
        value,
        time_ms,
    }
}

/// What the manual says that windows say, worked out the slow way.
fn slowly(spec: &WindowSpec, past: &[Bump], key: u64, time_ms: i64, own: Option<u64>) -> i64 {
    let of_key: Vec<&Bump> = past.iter().filter(|bump| bump.key == key).collect();
    let newest = of_key
        .iter()
        .map(|bump| bump.time_ms)
        .max()
        .unwrap_or(i64::MIN)
        .max(time_ms);
    let to = newest - spec.ago_ms;
    let inside = |at: i64| to - spec.within_ms <= at && at <= to;
    let own = own.filter(|_| inside(time_ms));
    let seen = of_key.iter().filter(|bump| inside(bump.time_ms));
    match spec.kind {
        WindowKind::Count => seen.count() as i64 + i64::from(own.is_some()),
        WindowKind::Sum => seen.map(|bump| bump.value as i64).sum::<i64>() + own.map_or(0, |own| own as i64),
        _ => {
            // The last time of each value counts.
            let mut last: Vec<(u64, i64)> = Vec::new();
            for bump in &of_key {
                match last.iter_mut().find(|(value, _)| *value == bump.value) {
                    Some((_, at)) => *at = bump.time_ms.max(*at),
                    None => last.push((bump.value, bump.time_ms)),
                }
            }
            let mut values: Vec<u64> = last
                .iter()
                .filter(|(_, at)| inside(*at))
                .map(|(value, _)| *value)
                .collect();
            values.extend(own.filter(|own| !values.contains(own)));
            values.len() as i64
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Events arrive in any order, no later than a window's length.
    #[test]
    fn they_say_what_happened(
        kind in prop_oneof![Just(WindowKind::Count), Just(WindowKind::Distinct), Just(WindowKind::Sum)],
        ago in prop_oneof![Just(0_i64), Just(30_000)],
        steps in proptest::collection::vec((1_u64..4, 0_u64..30, 0_i64..3_000, 0_i64..50_000), 1..120),
    ) {
        let spec = spec(kind, 60_000, ago);
        let mut state = State::new(std::slice::from_ref(&spec), Seed::default());
        let mut past = Vec::new();
        let mut clock = BEGIN_MS;
        for (key, value, ahead, late) in steps {
            clock += ahead;
            let value = value + 1;
            let bump = bump(key, value, clock - late);
            let reading = state.read(0, key, bump.time_ms, Some(value));
            let expected = slowly(&spec, &past, key, bump.time_ms, Some(value));
            if reading.error == 0 {
                prop_assert_eq!(reading.value, Some(expected));
            } else {
                let value = reading.value.expect("a number");
                prop_assert!((value - expected).abs() <= reading.error, "{} ± {} is not {}", value, reading.error, expected);
            }
            state.apply(&[bump]);
            past.push(bump);
        }
    }

    #[test]
    fn snapshots_and_logs_bring_all_of_it_back(
        kind in prop_oneof![
            Just(WindowKind::Count), Just(WindowKind::Distinct), Just(WindowKind::Sum), Just(WindowKind::FirstSeen),
            Just(WindowKind::Since),
            Just(WindowKind::Quota(Refill { max: 5, every_ms: 1_000, amount: 2, take: 1, is_strict: true })),
        ],
        steps in proptest::collection::vec((1_u64..6, 0_u64..900, 0_i64..900), 0..1500),
    ) {
        let spec = [spec(kind, 600_000, 0)];
        let mut state = State::new(&spec, Seed([7; 16]));
        let mut log = Vec::new();
        let mut at = BEGIN_MS;
        let half = steps.len() / 2;
        let mut snapshot = state.snapshot();
        for (idx, (key, value, ahead)) in steps.into_iter().enumerate() {
            at += ahead;
            let bumps = [bump(key, value, at)];
            if idx == half {
                snapshot = state.snapshot();
                log.clear();
            }
            log.extend(encode_bumps(&state, &bumps));
            state.apply(&bumps);
        }
        let mut again = State::new(&spec, Seed::default());
        again.restore(&snapshot).expect("reads");
        let bumps = decode_bumps(&again, &log).expect("reads");
        again.apply(&bumps);
        prop_assert_eq!(again.snapshot(), state.snapshot());
        prop_assert_eq!(again.seed(), state.seed());
    }

    #[test]
    fn bytes_that_are_no_snapshot_are_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), flip in any::<usize>()) {
        let spec = [spec(WindowKind::Count, 60_000, 0)];
        let mut state = State::new(&spec, Seed::default());
        prop_assert!(state.restore(&bytes).is_err());
        state.apply(&(0..50).map(|n| bump(1 + n % 3, n, BEGIN_MS)).collect::<Vec<_>>());
        bytes = state.snapshot();
        let at = flip % bytes.len();
        bytes[at] ^= 1;
        prop_assert!(State::new(&spec, Seed::default()).restore(&bytes).is_err());
    }
}

#[test]
fn beyond_the_exact_the_error_is_told_and_holds() {
    for n in [100_u64, 1_000, 20_000, 300_000] {
        let specs = [
            WindowSpec {
                id: 1,
                ..spec(WindowKind::Count, 3_600_000, 0)
            },
            WindowSpec {
                id: 2,
                ..spec(WindowKind::Distinct, 3_600_000, 0)
            },
        ];
        let mut state = State::new(&specs, Seed([3; 16]));
        for at in 0..n {
            // Two hours; values are hashes, as keys make them.
            let time_ms = BEGIN_MS + (at * 7_200_000 / n) as i64;
            let value = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (at << 32).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            state.apply(&[
                Bump {
                    window: 0,
                    ..bump(9, value, time_ms)
                },
                Bump {
                    window: 1,
                    ..bump(9, value, time_ms)
                },
            ]);
        }
        let expected = (n / 2) as i64;
        let now = BEGIN_MS + 7_200_000;
        let count = state.read(0, 9, now, None);
        let distinct = state.read(1, 9, now, None);
        let off = |reading: Reading| (reading.value.expect("a number") - expected).abs();
        assert!(off(count) <= count.error.max(1), "{count:?} is not {expected}");
        assert!(
            count.error <= (n / 60) as i64,
            "a slice is a sixty-fourth of the window: {count:?}"
        );
        assert!(off(distinct) <= distinct.error.max(1), "{distinct:?} is not {expected}");
        assert!(
            distinct.error as f64 <= 0.2 * expected as f64,
            "{distinct:?} of {expected}"
        );
        assert!(state.n_bytes() < 40_000, "one key takes {} bytes", state.n_bytes());
    }
}

#[test]
fn what_has_left_its_window_makes_room() {
    let spec = [spec(WindowKind::Count, 60_000, 0)];
    let mut state = State::new(&spec, Seed::default());
    for key in 1..=200_000_u64 {
        // A thousand keys a second, each once.
        let key_hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state.apply(&[bump(key_hash, 0, BEGIN_MS + key as i64)]);
        if key % 50_000 == 0 {
            // An hour later all of it is gone.
            let later = BEGIN_MS + 3_600_000 * (key as i64 / 50_000);
            state.apply(&[bump(key_hash ^ 1, 0, later)]);
        }
    }
    assert!(state.n_keys() < 120_000, "{} keys are kept", state.n_keys());
}

#[test]
fn a_full_window_refuses_new_keys_and_says_so() {
    let spec = [spec(WindowKind::FirstSeen, 60_000, 0)];
    let mut state = State::new(&spec, Seed::default()).with_keys_max(100);
    for key in 1..=150 {
        state.apply(&[bump(key, 0, BEGIN_MS)]);
    }
    assert_eq!((state.n_keys(), state.n_refused()), (100, 50));
}

#[test]
fn other_rules_keep_the_windows_that_they_still_define() {
    let kept = spec(WindowKind::Count, 60_000, 0);
    let gone = WindowSpec { id: 2, ..kept.clone() };
    let new = WindowSpec { id: 3, ..kept.clone() };
    let mut state = State::new(&[gone, kept.clone()], Seed::default());
    state.apply(&[
        Bump {
            window: 0,
            ..bump(1, 0, BEGIN_MS)
        },
        Bump {
            window: 1,
            ..bump(1, 0, BEGIN_MS)
        },
    ]);
    state.adapt(&[kept, new]);
    assert_eq!(state.read(0, 1, BEGIN_MS, None).value, Some(1));
    assert_eq!(state.read(1, 1, BEGIN_MS, None).value, Some(0));
}
