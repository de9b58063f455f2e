//! What the manual for authors shows is true: its rules pass the checker and their tests, its table names every fact.

use policy::schema::{FACTS, LISTS};
use policy::window::{Seed, State};
use policy::{Event, Lists, Scratch, Source, author_tests};

const MANUAL: &str = include_str!("../../../docs/rules.md");

#[test]
fn its_rules_pass_their_tests() {
    let blocks: Vec<&str> = MANUAL
        .split("```rules\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let sources = [Source::new("manual.rules", block)];
        let run = author_tests::run(&sources, 0, |_, name| Err(format!("no `{name}`")));
        assert_eq!(run.report.render(&sources), "");
        assert!(run.passed() && !run.tests.is_empty());
    }
}

#[test]
fn its_rule_fires_on_its_events() {
    let block = |kind: &str| {
        let rest = MANUAL.split(&format!("```{kind}\n")).nth(1).expect("is there");
        rest.split("```").next().expect("ends")
    };
    let compiled = policy::compile::compile(&[Source::new("links.rules", block("rules"))], 0);
    let rules = compiled.rules.expect("reads");
    let (mut state, lists) = (State::new(&rules.windows(), Seed::default()), Lists::default());
    let fired = block("jsonl").lines().map(|line| {
        let event = Event::from_json(&serde_json::from_str(line).expect("is JSON")).expect("is an event");
        let said = rules.evaluate(&event, &lists, &state, &mut Scratch::default());
        state.apply(&said.bumps);
        assert!(said.undecided.is_empty());
        said.fired.len()
    });
    assert_eq!(fired.collect::<Vec<_>>(), [0, 0, 1]);
}

#[test]
fn it_names_every_fact() {
    for fact in FACTS {
        assert!(MANUAL.contains(&format!("| `{}` |", fact.name)), "{}", fact.name);
    }
    for list in LISTS {
        for column in list.columns {
            assert!(
                MANUAL.contains(&format!("| `{}` `.{}` |", list.name, column.name)),
                "{}.{}",
                list.name,
                column.name
            );
        }
    }
}

#[test]
fn every_window_in_its_table_reads() {
    let section = MANUAL
        .split("## Windows")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .expect("is there");
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let written = line.split('`').nth(1).expect("stands in backticks");
        let on_a_link = written.contains("l.url");
        let asked = if on_a_link {
            format!("links.exists(l, has({written}))")
        } else {
            format!("has({written})")
        };
        let text =
            format!("rule r {{ when: {asked} then: case q reason: \"r\" owner: \"o\" review: 2030-01-01 mode: live }}");
        let sources = [Source::new("window.rules", text)];
        let compiled = policy::compile::compile(&sources, 0);
        assert_eq!(compiled.report.render(&sources), "", "{written}");
    }
}
