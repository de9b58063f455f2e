//! What authors are told of their own tests: which failed, and why; and what no test ever saw.

use policy::{Source, author_tests};

const RULE: &str = "rule r { when: item.views > 3 && item.reported then: case q reason: \"{item.views} views\" owner: \"o\" review: 2030-01-01 mode: draft }\n";

/// The tests that failed, what was said, and the parts that no test saw.
fn run(tests: &str) -> (Vec<String>, Vec<String>, Vec<String>) {
    let sources = [Source::new("a.rules", format!("{RULE}{tests}"))];
    let read = |_: usize, name: &str| match name {
        "benign.jsonl" => Ok("{\"item\":{\"views\":1}}\n\n{\"item.views\":9,\"item.reported\":true}\n".to_owned()),
        "broken.jsonl" => Ok("{\"item\":{\"views\":true}}".to_owned()),
        _ => Err("no such file".to_owned()),
    };
    let run = author_tests::run(&sources, 0, read);
    let failed = run
        .tests
        .iter()
        .filter(|test| !run.is_ok(test))
        .map(|test| test.name.clone())
        .collect::<Vec<_>>();
    assert_eq!(failed.is_empty(), run.passed(), "what failed is named");
    let said = run.report.diagnostics.iter().map(|d| d.message.clone()).collect();
    let unseen = run
        .coverage
        .iter()
        .flat_map(|rule| rule.never_true.iter().chain(&rule.never_false).cloned())
        .collect();
    (failed, said, unseen)
}

#[test]
fn a_test_that_fails_is_named_and_the_others_are_not() {
    let (failed, said, _) = run(
        "test good { at 0s { item.views: 4, item.reported: true } -> r because \"4 views\" }
        test bad { at 0s { item.views: 4, item.reported: true } -> nothing }
        test wrong_reason { at 0s { item.views: 4, item.reported: true } -> r because \"5 views\" }
        test shorter { at 0s { item.views: 4, item.reported: true } -> r because \"4 views more\" }
        test another_word { at 0s { item.views: 4, item.reported: true } -> r because \"4 visits\" }
        test unknown { at 0s { item.views: 4 } -> unknown r }",
    );
    assert_eq!(failed, ["bad", "wrong_reason", "shorter", "another_word"]);
    assert_eq!(
        said,
        [
            "`r` fired",
            "the reason does not hold \"5 views\"; it is \"4 views\"",
            "the reason ends where \" more\" should follow, after \"4 views\"; it is \"4 views\"",
            "the reason has \"ews\" where \"sits\" should be, after \"4 vi\"; it is \"4 views\"",
        ]
    );
}

#[test]
fn a_rule_that_fires_on_a_sample_fails_the_test_that_names_it() {
    let (failed, said, _) = run("test fires { sample \"benign.jsonl\" never r }
        test missing { sample \"gone.jsonl\" never r }
        test broken { sample \"broken.jsonl\" never r }
        test unknown_rule { sample \"benign.jsonl\" never s }
        test good { at 0s { item.views: 1 } -> nothing }");
    assert_eq!(failed, ["fires", "missing", "broken", "unknown_rule"]);
    assert_eq!(
        said,
        [
            "`r` fired on 1 of 2 events of `benign.jsonl`, first on line 3",
            "cannot read `gone.jsonl`: no such file",
            "`broken.jsonl`, line 1: `item.views`: should be a whole number",
            "no rule is called `s`",
        ]
    );
}

#[test]
fn what_no_test_saw_is_told() {
    let (_, _, unseen) = run("test one { at 0s { item.views: 4, item.reported: true } -> r }");
    assert_eq!(unseen, ["item.reported", "item.views > 3"]);
}
