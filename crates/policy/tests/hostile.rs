//! Files and events that were made to do harm: refused, or done in time that grows as they do.

use std::time::Duration;

use policy::compile::{Compiled, compile};
use policy::window::{Seed, State};
use policy::{Cause, Event, Given, Lists, Rules, Scratch, Source};

/// What this thread has used of a processor: a loaded machine must not fail a test.
fn used() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = text.split_whitespace().next().and_then(|ns| ns.parse().ok());
    Duration::from_nanos(ns.unwrap_or(0))
}

fn rule(condition: &str) -> String {
    format!(
        "rule r {{ when: {condition}\n then: case q\n reason: \"r\" owner: \"o\" review: 2030-01-01 mode: live }}\n"
    )
}

fn check(text: &str) -> Compiled {
    compile(&[Source::new("hostile.rules", text)], 0)
}

/// The codes of the errors.
fn refused(text: &str) -> Vec<&'static str> {
    let before = used();
    let compiled = check(text);
    assert!(compiled.rules.is_none(), "this was taken");
    assert!(
        (used() - before) < Duration::from_secs(20),
        "refusing took {:?}",
        (used() - before)
    );
    compiled.report.diagnostics.iter().map(|d| d.code).collect()
}

fn rules(text: &str) -> Rules {
    let compiled = check(text);
    let report = compiled.report.render(&[Source::new("hostile.rules", text)]);
    compiled.rules.unwrap_or_else(|| panic!("{report}"))
}

fn ask(rules: &Rules, event: &Event) -> policy::Evaluation {
    let state = State::new(&rules.windows(), Seed::default());
    rules.evaluate(event, &Lists::default(), &state, &mut Scratch::default())
}

fn event(given: &[(&str, Given)]) -> Event {
    let mut event = Event::at(1_800_000_000_000);
    for (name, value) in given {
        event.set(name, value).expect("fits");
    }
    event
}

#[test]
fn patterns_that_hang_others_are_matched_in_linear_time() {
    let text = "a".repeat(100_000) + "!";
    for pattern in ["(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*a){20}$", "^(a?){50}a{50}$"] {
        let rules = rules(&rule(&format!("item.text.matches(r\"{pattern}\")")));
        let event = event(&[("item.text", Given::Text(text.clone()))]);
        let before = used();
        let said = ask(&rules, &event);
        assert!(said.fired.is_empty(), "{pattern} does not match");
        assert!(
            (used() - before) < Duration::from_secs(10),
            "{pattern} took {:?}",
            (used() - before)
        );
    }
}

#[test]
fn patterns_that_grow_or_look_around_are_refused() {
    for pattern in [
        "(a{1000}){1000}",
        "((a{100}){100}){100}",
        "(?=a)b",
        r"(a)\\1",
        "(",
        "a{100000}",
    ] {
        assert_eq!(
            refused(&rule(&format!("item.text.matches(\"{pattern}\")"))),
            ["pattern"],
            "{pattern}"
        );
    }
    let long = "a".repeat(10_000);
    assert_eq!(refused(&rule(&format!("item.text.matches(\"{long}\")"))), ["pattern"]);
    assert_eq!(refused(&rule("item.text.matches(item.url)")), ["not-constant"]);
}

#[test]
fn what_stands_in_itself_too_deeply_is_refused() {
    for (open, close) in [
        ("(", ")"),
        ("!", ""),
        ("-", ""),
        ("[", "]"),
        ("has(", ")"),
        ("true ? true : ", "true"),
    ] {
        let text = rule(&format!("{}true{}", open.repeat(100_000), close.repeat(100_000)));
        assert_eq!(refused(&text)[0], "too-deep", "{open}");
    }
    for joint in [" + 1", ".a", " == 1"] {
        refused(&rule(&format!("item.views{} > 0", joint.repeat(100_000))));
    }
    let wide = vec!["item.reported"; 100_000].join(" || ");
    assert_eq!(refused(&rule(&wide))[0], "too-many");
    let nested = "links.exists(a, links.exists(b, links.exists(c, a.url == c.url)))";
    assert_eq!(refused(&rule(nested)), ["too-deep"]);
}

#[test]
fn definitions_that_need_themselves_are_refused() {
    assert!(refused(&format!("let a = a\n{}", rule("a"))).contains(&"cycle"));
    assert!(refused(&format!("let a = b\nlet b = c\nlet c = !a\n{}", rule("a"))).contains(&"cycle"));
    let mut chain = String::from("let x0 = item.reported\n");
    for n in 1..5_000 {
        chain.push_str(&format!("let x{n} = !(x{} && item.views > {n})\n", n - 1));
    }
    refused(&format!("{chain}{}", rule("x4999")));
}

#[test]
fn definitions_that_double_each_other_stay_small() {
    let mut text = String::from("let x0 = item.views > 0\n");
    for n in 1..40 {
        text.push_str(&format!("let x{n} = x{} ? !x{} : x{}\n", n - 1, n - 1, n - 1));
    }
    let rules = rules(&format!("{text}{}", rule("x39")));
    let before = used();
    ask(&rules, &event(&[("item.views", Given::Int(1))]));
    assert!((used() - before) < Duration::from_secs(1));
}

#[test]
fn files_beyond_the_limits_are_refused() {
    assert_eq!(refused(&" ".repeat(3 << 20)), ["file-too-long"]);
    let entries = vec!["\"a\""; 5_000].join(",");
    assert_eq!(
        refused(&format!("list many = [{entries}]\n{}", rule("item.text in many")))[0],
        "list-too-long"
    );
    let mut rules = String::new();
    for n in 0..30_000 {
        rules.push_str(&format!("let x{n} = 1\n"));
    }
    assert!(refused(&rules).contains(&"too-many"));
}

#[test]
fn ten_megabytes_of_text_are_looked_at_in_part_and_the_rest_is_unknown() {
    let rules = rules(&rule(
        "item.text.contains(\"needle\") || item.text.matches(r\"(?i)hay+stack$\")",
    ));
    let before = used();
    let hay = "hay ".repeat(2_500_000);
    let at_the_end = event(&[("item.text", Given::Text(format!("{hay}needle")))]);
    let said = ask(&rules, &at_the_end);
    assert_eq!(
        (said.fired.len(), &said.undecided[0].causes[..]),
        (0, &[Cause::Cut][..])
    );
    let at_the_start = event(&[("item.text", Given::Text(format!("needle{hay}")))]);
    assert_eq!(ask(&rules, &at_the_start).fired.len(), 1);
    assert!(
        (used() - before) < Duration::from_secs(10),
        "took {:?}",
        (used() - before)
    );
}

#[test]
fn a_million_rows_are_looked_at_in_part_and_the_rest_is_unknown() {
    let rules = rules(&rule(
        "links.exists(l, l.host == \"needle.example\") || account.labels.exists(l, l == \"x\")",
    ));
    let row = |host: &str| Given::Row(vec![("host".to_owned(), host.into())]);
    let mut links = vec![row("hay.example"); 1_000_000];
    links.push(row("needle.example"));
    let labels = vec![Given::Text("y".to_owned()); 1_000_000];
    let given = [
        ("links", Given::List(links.clone())),
        ("account.labels", Given::List(labels)),
    ];
    let said = ask(&rules, &event(&given));
    assert_eq!(
        (said.fired.len(), &said.undecided[0].causes[..]),
        (0, &[Cause::Cut][..])
    );
    links.swap(0, 1_000_000);
    assert_eq!(ask(&rules, &event(&[("links", Given::List(links))])).fired.len(), 1);
}

#[test]
fn a_rule_that_takes_too_long_is_unknown_and_stops_no_other() {
    let text = rule("links.exists(a, reports.exists(b, a.url == b.policy && a.host == b.policy))")
        + &rule("item.views > 3").replace("rule r ", "rule other ");
    let rules = rules(&text);
    let rows = |columns: &[&str]| {
        let row = |n: usize| {
            Given::Row(
                columns
                    .iter()
                    .map(|c| ((*c).to_owned(), Given::Text(format!("{c}{n}"))))
                    .collect(),
            )
        };
        Given::List((0..1_000).map(row).collect())
    };
    let event = event(&[
        ("links", rows(&["url", "host"])),
        ("reports", rows(&["policy"])),
        ("item.views", Given::Int(4)),
    ]);
    let before = used();
    let said = ask(&rules, &event);
    assert!((used() - before) < Duration::from_secs(5));
    assert_eq!(said.undecided[0].causes, [Cause::TooLong]);
    assert_eq!(rules.rules()[said.fired[0].rule].name, "other");
}

#[test]
fn sums_that_overflow_are_unknown_and_stop_no_other() {
    let text = rule("item.views * item.views > 0")
        + &rule("item.views / account.items > 0").replace("rule r ", "rule s ")
        + &rule("item.views > 3").replace("rule r ", "rule other ");
    let rules = rules(&text);
    let event = event(&[("item.views", Given::Int(i64::MAX)), ("account.items", Given::Int(0))]);
    let said = ask(&rules, &event);
    assert_eq!(said.undecided.len(), 2);
    assert!(
        said.undecided
            .iter()
            .all(|undecided| undecided.causes == [Cause::Arithmetic])
    );
    assert_eq!(rules.rules()[said.fired[0].rule].name, "other");
}

#[test]
fn lists_of_millions_are_asked_at_once() {
    let rules = rules(&format!("list bad\n{}", rule("links.exists(l, l.url in bad)")));
    let entries: Vec<String> = (0..2_000_000).map(|n| format!("https://host{n}.example/")).collect();
    let mut lists = Lists::new(Seed([1; 16]));
    let ends = |n: usize| (n % 2 == 1).then_some(1_799_999_999_999);
    lists.put(
        "bad",
        entries.iter().enumerate().map(|(n, entry)| (entry.as_str(), ends(n))),
    );
    let link = |n: usize| {
        Given::List(vec![Given::Row(vec![(
            "url".to_owned(),
            Given::Text(format!("https://host{n}.example/")),
        )])])
    };
    let state = State::new(&rules.windows(), Seed::default());
    let fired = |n: usize| {
        let event = event(&[("links", link(n))]);
        rules
            .evaluate(&event, &lists, &state, &mut Scratch::default())
            .fired
            .len()
    };
    assert_eq!(
        (fired(1_999_998), fired(1_999_999), fired(2_000_000)),
        (1, 0, 0),
        "the second has ended"
    );
    let nothing = ask(&rules, &event(&[("links", link(1))]));
    assert_eq!(
        nothing.undecided[0].causes,
        [Cause::Outside(0)],
        "a list that is not there is unknown, not empty"
    );
}

#[test]
fn one_event_with_many_rows_adds_little_to_a_window() {
    let rules = rules(&rule("links.exists(l, count(by: l.url, within: 1h) > 3)"));
    let rows = (0..1_000)
        .map(|n| Given::Row(vec![("url".to_owned(), Given::Text(format!("u{n}")))]))
        .collect();
    let said = ask(&rules, &event(&[("links", Given::List(rows))]));
    assert_eq!(said.bumps.len(), 100);
}

#[test]
fn errors_among_very_many_warnings_are_not_lost() {
    let mut text = String::new();
    for n in 0..400 {
        text.push_str(&format!("let x{n} = 1\n"));
    }
    let compiled = check(&format!("{text}{}", rule("nobody_knows_this")));
    assert!(compiled.rules.is_none() && compiled.report.has_errors());
    let unknown: Vec<String> = (0..5_000).map(|n| format!("y{n}y == 1")).collect();
    let before = used();
    for part in unknown.chunks(500) {
        text.push_str(&rule(&part.join(" || ")).replace("rule r ", &format!("rule r{} ", text.len())));
    }
    assert!(check(&text).rules.is_none());
    assert!(used() - before < Duration::from_secs(20));
}
