//! What the manual for authors shows is true: its rules pass the checker and their tests, its table names every fact.

use policy::schema::{FACTS, LISTS};
use policy::{Source, author_tests};

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
