//! Measures the rules: `bench/rules.sh` runs it and writes what it prints into bench/README.md.
//!
//! Rules of four conditions over generated posts, as in the measurement of Osprey's engine: a comparison, a word, a number and a linear-time
//! pattern in each; every fifth asks a windowed counter, and counters share their keys as they do in practice.

use std::fmt::Write;
use std::time::Instant;

use policy::batch::replay;
use policy::compile::compile;
use policy::window::{Bump, Seed, State, WindowKind, WindowSpec};
use policy::{Event, Given, Lists, Rules, Scratch, Source};

const WORDS: &[&str] = &[
    "today", "people", "market", "garden", "river", "music", "coffee", "window", "summer", "letter", "morning",
    "street", "football", "recipe", "holiday", "photo", "train", "library", "weather", "picture", "story", "village",
    "evening", "bridge", "mountain", "teacher", "concert", "forest", "island", "bicycle", "dinner", "museum",
];

/// A small generator: the same events on every machine.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

fn rules_text(n: usize, is_live: bool) -> String {
    let windows = [
        "count(by: account.id, within: 10min)",
        "distinct(account.id, by: item.url, within: 10min)",
        "count(by: channel.id, within: 1h)",
        "sum(item.views, by: account.id, within: 1d)",
        "distinct(item.url, by: account.id, within: 1h)",
        "count(by: item.url, within: 1d, where: account.age < 7d)",
    ];
    let mut text = String::new();
    for i in 0..n {
        let word = WORDS[i % WORDS.len()];
        let other = WORDS[(i * 7 + 3) % WORDS.len()];
        let kind = ["post", "image", "profile"][i % 3];
        let pattern = match i % 4 {
            0 => format!(r"(?i)\b{word}s?\s+{other}\b"),
            1 => format!(r"(?i){word}[0-9]{{2,}}"),
            2 => format!(r"(?i)\b(?:{word}|{other}) (?:free|cheap|now) offer{}\b", i % 17),
            _ => format!(r"https?://[a-z0-9.-]*{word}{}\.example/", i % 13),
        };
        let third = if i % 5 == 4 {
            format!("{} > {}", windows[(i / 5) % windows.len()], 3 + i % 20)
        } else {
            format!("account.followers < {}", 50 + (i * 37) % 5_000)
        };
        let kind = if i % 10 < 7 {
            format!("item.kind != \"{kind}\"")
        } else {
            "item.kind == \"post\"".to_owned()
        };
        let _ = write!(
            text,
            "rule rule_{i} {{\n  policy: other_terms\n  when: {kind} && account.age < {}h && {third} && item.text.matches(r\"{pattern}\")\n  \
             then: case matches\n  reason: \"bench\"\n  owner: \"bench\"\n  review: 2030-01-01\n  mode: {}\n}}\n",
            24 + (i * 13) % 2_000,
            if is_live { "live" } else { "shadow" },
        );
    }
    text
}

fn events(n: usize) -> Vec<Event> {
    let mut draw = Draw(7);
    (0..n)
        .map(|i| {
            let mut event = Event::at(1_800_000_000_000 + i as i64 * 40 - (draw.below(2_000) as i64));
            // Few accounts post much.
            let busy = draw.below(14);
            let account = draw.below(1 << (4 + busy));
            let shared = draw.below(12);
            let url = draw.below(1 << (4 + shared));
            let mut text = String::new();
            for _ in 0..20 + draw.below(30) {
                let word = WORDS[draw.below(WORDS.len() as u64) as usize];
                let _ = match draw.below(24) {
                    0 => write!(text, "{word}{} ", draw.below(1_000)),
                    1 => write!(text, "https://{word}{}.example/a ", draw.below(13)),
                    _ => write!(text, "{word} "),
                };
            }
            let given = [
                ("item.id", Given::Text(format!("item{i}"))),
                ("item.kind", ["post", "image", "profile"][draw.below(3) as usize].into()),
                ("item.text", Given::Text(text)),
                ("item.url", Given::Text(format!("https://host{url}.example/page"))),
                ("item.views", Given::Int(draw.below(1_000) as i64)),
                ("account.id", Given::Text(format!("account{account}"))),
                ("account.age", Given::Duration(draw.below(3_000) as i64 * 3_600_000)),
                ("account.followers", Given::Int(draw.below(6_000) as i64)),
                ("channel.id", Given::Text(format!("channel{}", account % 97))),
            ];
            for (name, value) in &given {
                event.set(name, value).expect("the schema has it");
            }
            event
        })
        .collect()
}

fn compiled(n: usize) -> (Rules, f64) {
    let sources = [Source::new("bench.rules", rules_text(n, true))];
    let started = Instant::now();
    let compiled = compile(&sources, 0);
    let took = started.elapsed().as_secs_f64();
    let errors = compiled.report.render(&sources);
    (compiled.rules.unwrap_or_else(|| panic!("{errors}")), took)
}

/// What this thread has used of a processor, in seconds.
fn cpu_s() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = text.split_whitespace().next().and_then(|n| n.parse::<f64>().ok());
    ns.unwrap_or(f64::NAN) / 1e9
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    kib.unwrap_or(0) * 1024
}

fn measure_rules(n_rules: usize, events: &[Event]) {
    let (rules, compile_s) = compiled(n_rules);
    let lists = Lists::default();
    // One core, one after the other, with the bytes that a decision keeps.
    let mut state = State::new(&rules.windows(), Seed::default());
    let mut scratch = Scratch::default();
    let mut times = Vec::with_capacity(events.len());
    let (mut n_fired, mut n_bytes) = (0, 0);
    let cpu = cpu_s();
    let started = Instant::now();
    for event in events {
        let begun = Instant::now();
        let evaluation = rules.evaluate(event, &lists, &state, &mut scratch);
        state.apply(&evaluation.bumps);
        n_bytes += evaluation.to_json(&rules, event).len();
        times.push(begun.elapsed().as_secs_f64());
        n_fired += evaluation.fired.len();
    }
    let one = events.len() as f64 / started.elapsed().as_secs_f64();
    let one_cpu = events.len() as f64 / (cpu_s() - cpu);
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] * 1e6;
    let replayed = |n_threads: usize| {
        let mut state = State::new(&rules.windows(), Seed::default());
        let mut n = 0;
        let started = Instant::now();
        replay(&rules, events, &lists, &mut state, n_threads, |_, evaluation| {
            n += evaluation.fired.len()
        });
        let rate = events.len() as f64 / started.elapsed().as_secs_f64();
        assert_eq!(n, n_fired, "replay fires as often");
        rate
    };
    let (replay_one, replay_two) = (replayed(1), replayed(2));
    println!(
        "rules {n_rules} windows {} compile_ms {:.1} one {one:.0} one_cpu {one_cpu:.0} p50_us {:.1} p99_us {:.1} max_us {:.0} replay_one {replay_one:.0} replay_two {replay_two:.0} fired {n_fired} bytes {}",
        rules.windows().len(),
        compile_s * 1e3,
        at(0.5),
        at(0.99),
        at(1.0),
        n_bytes / events.len(),
    );
}

/// Ten million keys in three windows, as they come: most are seen once or twice, some often.
fn measure_memory(n_keys: u64) {
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

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |idx: usize, default: usize| arguments.get(idx).and_then(|n| n.parse().ok()).unwrap_or(default);
    match arguments.first().map(String::as_str) {
        Some("memory") => measure_memory(number(1, 10_000_000) as u64),
        Some("rules") => {
            let events = events(number(2, 100_000));
            measure_rules(number(1, 500), &events);
        }
        _ => eprintln!("measure rules N_RULES N_EVENTS | measure memory N_KEYS"),
    }
}
