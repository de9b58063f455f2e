//! Memory: millions of keys in windows.

use std::time::Instant;

use policy::window::{Bump, Seed, State, WindowKind, WindowSpec};

use crate::generated::Draw;

/// Ten million keys in three windows, as they come: most are seen once or twice, some often.
pub fn measure(n_keys: u64) {
    let spec = |id: u64, kind| WindowSpec {
        id,
        kind,
        within_ms: 3_600_000,
        ago_ms: 0,
        text: String::new(),
    };
    let specs = [
        spec(1, WindowKind::Count),
        spec(2, WindowKind::Distinct),
        spec(3, WindowKind::Sum),
    ];
    let before = resident();
    let mut state = State::new(&specs, Seed::default());
    let mut draw = Draw(11);
    let mut n = 0_u64;
    let started = Instant::now();
    for key in 1..=n_keys {
        // One event for every key; a tenth see more, one in ten thousand sees a thousand.
        let more = match draw.below(10_000) {
            0 => 1_000,
            1..=1_000 => 1 + draw.below(4),
            _ => 0,
        };
        for at in 0..=more {
            n += 1;
            let bump = |window| Bump {
                window,
                key: key.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                value: draw_of(key, at),
                time_ms: 1_800_000_000_000 + (at as i64 * 1_000).min(3_000_000),
            };
            state.apply(&[bump(0), bump(1), bump(2)]);
        }
    }
    let took = started.elapsed().as_secs_f64();
    let resident = resident() - before;
    println!(
        "memory keys {n_keys} windows 3 events {n} seconds {took:.1} own_mb {:.0} resident_mb {:.0} per_key_bytes {:.1}",
        state.n_bytes() as f64 / 1e6,
        resident as f64 / 1e6,
        resident as f64 / (3.0 * n_keys as f64),
    );
    let started = Instant::now();
    let mut sum = 0;
    for key in 1..=1_000_000_u64 {
        let key = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        sum += state.read(0, key, 1_800_000_003_000, Some(0)).value.unwrap_or(0);
    }
    println!("read_ns {:.0} sum {sum}", started.elapsed().as_secs_f64() * 1e3);
}

fn draw_of(key: u64, at: u64) -> u64 {
    Draw(key ^ (at << 40)).next()
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    kib.unwrap_or(0) * 1024
}
