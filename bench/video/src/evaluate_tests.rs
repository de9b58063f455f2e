//! What counts as found, as false, and as a good edge.

use super::*;
use crate::corpus::Corpus;

/// Two videos of a family that share an intro and a photo, one of another, and a copy of the first from its sixth second on.
fn corpus() -> Corpus {
    let entry = |name: &str, family: &str, shared: &str| {
        format!(
            r#"{{"name":"{name}","family":"{family}","path":"","vpdq":{{"cpu_seconds":1,"frames":[]}},"seconds":40,"shared":[{shared}]}}"#
        )
    };
    let shared = r#"[0,4,"intro"],[20,30,"photo 1"]"#;
    let text = format!(
        r#"{{"half":"tuning","edits":["clip"],"entries":[{},{},{}],
        "queries":[{{"edit":"clip","reference":"a","path":"","vpdq":{{"cpu_seconds":1,"frames":[]}},"runs":[{{"query":[0,20],"entry":[0,40]}}]}}],
        "strangers":[],"benign":[],"streams":[],"ten_minutes":[]}}"#,
        entry("a", "one", shared),
        entry("b", "one", shared),
        entry("c", "two", ""),
    );
    serde_json::from_str(&text).unwrap()
}

fn run(query: (f64, f64), entry: (f64, f64), near: Near) -> FoundRun {
    FoundRun {
        query: span(query),
        entry: span(entry),
        near,
        log10_chance: -20.0,
        rate: 1.0,
        bit_errors: None,
    }
}

fn counted(entry: usize, runs: Vec<FoundRun>) -> Tally {
    let corpus = corpus();
    let near = runs.iter().map(|run| run.near).min().unwrap_or(Near::Match);
    let mut tally = Tally::new(1);
    tally.count(
        0,
        &corpus.queries[0],
        0,
        &corpus.entries,
        &[Found { entry, near, runs }],
    );
    tally
}

#[test]
fn a_copy_is_found_where_it_shows_the_entry() {
    let tally = counted(0, vec![run((0.5, 19.0), (1.0, 38.5), Near::Match)]);
    assert_eq!((tally.recall[0].n_match, tally.recall[0].n_lead), (1, 1));
    assert_eq!((tally.edges.n, tally.edges.n_good), (1, 1));
    assert_eq!(
        (tally.wrong.n_pairs, tally.wrong.n_lead, tally.wrong.n_family_pairs),
        (2, 0, 1)
    );
}

#[test]
fn a_lead_is_no_match_and_what_lies_elsewhere_is_not_found() {
    let lead = counted(0, vec![run((0.5, 19.0), (1.0, 38.5), Near::Lead)]);
    assert_eq!((lead.recall[0].n_match, lead.recall[0].n_lead), (0, 1));
    let elsewhere = counted(0, vec![run((25.0, 30.0), (10.0, 15.0), Near::Match)]);
    assert_eq!((elsewhere.recall[0].n_match, elsewhere.recall[0].n_lead), (0, 0));
    assert_eq!(elsewhere.edges.n_good, 0);
}

#[test]
fn an_intro_may_be_left_out_but_nothing_else() {
    assert_eq!(
        counted(0, vec![run((2.0, 20.0), (4.0, 40.0), Near::Match)])
            .edges
            .n_good,
        1
    );
    assert_eq!(
        counted(0, vec![run((5.0, 20.0), (10.0, 40.0), Near::Match)])
            .edges
            .n_good,
        0
    );
    assert_eq!(
        counted(0, vec![run((0.0, 17.0), (0.0, 34.0), Near::Match)])
            .edges
            .n_good,
        0
    );
}

#[test]
fn a_template_is_false_and_a_shared_photo_is_not() {
    let template = counted(1, vec![run((5.0, 9.0), (10.0, 18.0), Near::Lead)]);
    assert_eq!(
        (template.wrong.n_lead, template.wrong.n_match, template.wrong.n_family),
        (1, 0, 1)
    );
    let intro = counted(1, vec![run((0.0, 2.0), (0.0, 4.0), Near::Match)]);
    assert_eq!((intro.wrong.n_match, intro.wrong.n_shared), (1, 0));
    let photo = counted(1, vec![run((10.0, 15.0), (20.5, 30.5), Near::Match)]);
    assert_eq!((photo.wrong.n_lead, photo.wrong.n_shared), (0, 1));
    let other = counted(2, vec![run((0.0, 9.0), (0.0, 18.0), Near::Match)]);
    assert_eq!((other.wrong.n_match, other.wrong.n_family), (1, 0));
}
