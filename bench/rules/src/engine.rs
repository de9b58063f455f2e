//! The engine alone: rules asked, windows read and filled, evidence written, no store.

use std::time::Instant;

use policy::batch::replay;
use policy::compile::compile;
use policy::window::{Seed, State};
use policy::{Event, Given, Lists, Rules, Scratch, Source};

use crate::generated::{Post, rules_text};

fn event(post: &Post) -> Event {
    let mut event = Event::at(1_800_000_000_000 + post.number as i64 * 40 - post.late_ms);
    let given = [
        ("item.id", Given::Text(format!("item{}", post.number))),
        ("item.kind", post.kind.into()),
        ("item.text", Given::Text(post.text.clone())),
        ("item.url", Given::Text(post.url.clone())),
        ("item.views", Given::Int(post.views)),
        ("account.id", Given::Text(format!("account{}", post.account))),
        ("account.age", Given::Duration(post.account_age_ms)),
        ("account.followers", Given::Int(post.followers)),
        ("channel.id", Given::Text(format!("channel{}", post.account % 97))),
    ];
    for (name, value) in &given {
        event.set(name, value).expect("the schema has it");
    }
    event
}

fn compiled(n: usize) -> (Rules, f64) {
    let sources = [Source::new("bench.rules", rules_text(n))];
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

/// Measures so many rules on these posts, and prints what it finds as names and numbers.
pub fn measure(n_rules: usize, posts: &[Post]) {
    let events: Vec<Event> = posts.iter().map(event).collect();
    let (rules, compile_s) = compiled(n_rules);
    let lists = Lists::default();
    // One core, one after the other, with the bytes that a decision keeps.
    let mut state = State::new(&rules.windows(), Seed::default());
    let mut scratch = Scratch::default();
    let mut times = Vec::with_capacity(events.len());
    let (mut n_fired, mut n_bytes) = (0, 0);
    let cpu = cpu_s();
    let started = Instant::now();
    for event in &events {
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
        replay(&rules, &events, &lists, &mut state, n_threads, |_, evaluation| {
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
