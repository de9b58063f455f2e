//! What the checker says, word for word: authors read it.

use expect_test::{Expect, expect};
use policy::Source;
use policy::compile::compile;

const TODAY_MS: i64 = 1_780_000_000_000;

fn check(text: &str, expected: Expect) {
    let sources = [Source::new("a.rules", text)];
    let compiled = compile(&sources, TODAY_MS);
    let rendered = compiled.report.render(&sources);
    assert_eq!(compiled.rules.is_some(), !compiled.report.has_errors());
    expected.assert_eq(&rendered);
}

/// A rule with nothing wrong but its condition.
fn condition(condition: &str, expected: Expect) {
    let text = format!(
        "rule r {{\n  when: {condition}\n  then: case q\n  reason: \"r\" owner: \"o\" review: 2030-01-01 mode: live\n}}\n"
    );
    check(&text, expected);
}

#[test]
fn names() {
    condition(
        "acount.age < 1h",
        expect![[r#"
        error[unknown-name]: nothing is called `acount.age`
         --> a.rules:2:9
          |
        2 |   when: acount.age < 1h
          |         ^^^^^^^^^^
          = help: was `account.age` meant?
    "#]],
    );
    condition(
        "matches.exists(m, m.teir == \"match\")",
        expect![[r#"
        error[unknown-name]: a row of `matches` has no `teir`
         --> a.rules:2:27
          |
        2 |   when: matches.exists(m, m.teir == "match")
          |                           ^^^^^^
          = help: was `tier` meant?
    "#]],
    );
    condition(
        "matches.tier == \"match\"",
        expect![[r#"
        error[not-one]: `matches` is a list; which of its rows?
         --> a.rules:2:9
          |
        2 |   when: matches.tier == "match"
          |         ^^^^^^^^^^^^
          = help: `matches.exists(x, x.tier …)` asks whether any does
    "#]],
    );
    condition(
        "item.kind == \"posst\"",
        expect![[r#"
        error[unknown-word]: it is never "posst"
         --> a.rules:2:22
          |
        2 |   when: item.kind == "posst"
          |                      ^^^^^^^
          = help: was "post" meant?
    "#]],
    );
    condition(
        "item.text.contain(\"a\")",
        expect![[r#"
        error[unknown-function]: nothing can be asked as `.contain()`
         --> a.rules:2:19
          |
        2 |   when: item.text.contain("a")
          |                   ^^^^^^^
          = help: was `contains` meant?
    "#]],
    );
    condition(
        "yuong",
        expect![[r#"
        error[unknown-name]: nothing is called `yuong`
         --> a.rules:2:9
          |
        2 |   when: yuong
          |         ^^^^^
          = help: define it with `let`, or see the list of facts in the manual
    "#]],
    );
}

#[test]
fn types_and_units() {
    condition(
        "account.age < 24",
        expect![[r#"
        error[type]: `<` does not go between a span of time and a whole number
         --> a.rules:2:9
          |
        2 |   when: account.age < 24
          |         ^^^^^^^^^^^^^^^^
          = help: give the number a unit: 10min, 24h, 30d
    "#]],
    );
    condition(
        "matches.exists(m, m.distance <= 31)",
        expect![[r#"
        error[type]: `<=` does not go between bits and a whole number
         --> a.rules:2:27
          |
        2 |   when: matches.exists(m, m.distance <= 31)
          |                           ^^^^^^^^^^^^^^^^
          = help: give the number its unit: `31 bits`
    "#]],
    );
    condition(
        "account.age < 3 months",
        expect![[r#"
            error[unknown-unit]: units of time are short, and stand at the number
             --> a.rules:2:23
              |
            2 |   when: account.age < 3 months
              |                       ^^^^^^^^
              = help: write 90s, 10min, 24h, 30d or 2w
        "#]],
    );
    condition(
        "account.age < 10m",
        expect![[r#"
        error[unknown-unit]: no unit is called `m`
         --> a.rules:2:23
          |
        2 |   when: account.age < 10m
          |                       ^^^
          = help: minutes are `min`; a month is written in days, `30d`
    "#]],
    );
    condition(
        "item.views",
        expect![[r#"
        error[type]: this should be a truth value, and is a whole number
         --> a.rules:2:9
          |
        2 |   when: item.views
          |         ^^^^^^^^^^
          = help: compare it with something: `==`, `<`, `in`
    "#]],
    );
    condition(
        "item.views + 1.5 > 2",
        expect![[r#"
        error[type]: `+` does not go between a whole number and a number
         --> a.rules:2:9
          |
        2 |   when: item.views + 1.5 > 2
          |         ^^^^^^^^^^^^^^^^
          = help: write the whole number with a point, `2.0`
    "#]],
    );
    condition(
        "item.text > \"a\"",
        expect![[r#"
        error[type]: `>` does not go between a text and a text
         --> a.rules:2:9
          |
        2 |   when: item.text > "a"
          |         ^^^^^^^^^^^^^^^
    "#]],
    );
    condition(
        "time > \"2026-01-01\"",
        expect![[r#"
        error[type]: `>` does not go between a time and a text
         --> a.rules:2:9
          |
        2 |   when: time > "2026-01-01"
          |         ^^^^^^^^^^^^^^^^^^^
          = help: a time is written without quotes: 2027-05-01
    "#]],
    );
    condition(
        "a < item.views < b",
        expect![[r#"
        error[chained-comparison]: comparisons do not follow one another
         --> a.rules:2:24
          |
        2 |   when: a < item.views < b
          |                        ^
          = help: write `a < b && b < c`
    "#]],
    );
}

#[test]
fn conditions_that_cannot_be_meant() {
    condition(
        "account.age < 1h && account.age > 2h",
        expect![[r#"
        error[never]: this condition never holds
         --> a.rules:2:9
          |
        2 |   when: account.age < 1h && account.age > 2h
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          = help: its parts exclude each other, or one of them is always false
    "#]],
    );
    condition(
        "item.views > 3 && item.views < 4",
        expect![[r#"
        error[never]: this condition never holds
         --> a.rules:2:9
          |
        2 |   when: item.views > 3 && item.views < 4
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          = help: its parts exclude each other, or one of them is always false
    "#]],
    );
    condition(
        "item.kind == \"post\" && item.kind == \"image\"",
        expect![[r#"
        error[never]: this condition never holds
         --> a.rules:2:9
          |
        2 |   when: item.kind == "post" && item.kind == "image"
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          = help: its parts exclude each other, or one of them is always false
    "#]],
    );
    condition(
        "item.reported && !item.reported",
        expect![[r#"
        error[never]: this condition never holds
         --> a.rules:2:9
          |
        2 |   when: item.reported && !item.reported
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          = help: its parts exclude each other, or one of them is always false
    "#]],
    );
    condition(
        "item.views < 5 || item.views >= 5",
        expect![[r#"
        warning[always]: this condition always holds where it is known
         --> a.rules:2:9
          |
        2 |   when: item.views < 5 || item.views >= 5
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    condition(
        "item.reported && item.views > 3 && item.reported",
        expect![[r#"
        warning[said-twice]: this condition stands here already
         --> a.rules:2:44
          |
        2 |   when: item.reported && item.views > 3 && item.reported
          |                                            ^^^^^^^^^^^^^
          = help: leave it out: it changes nothing
    "#]],
    );
    condition(
        "account.age < 1h && account.age < 2h",
        expect![[r#"
        warning[implied]: another condition beside it says this already
         --> a.rules:2:29
          |
        2 |   when: account.age < 1h && account.age < 2h
          |                             ^^^^^^^^^^^^^^^^
    "#]],
    );
    condition(
        "1 > 2",
        expect![[r#"
        error[never]: this condition never holds
         --> a.rules:2:9
          |
        2 |   when: 1 > 2
          |         ^^^^^
          = help: its parts exclude each other, or one of them is always false
    "#]],
    );
    check(
        "rule r {\n  on: image\n  when: item.kind == \"post\" && item.reported\n  then: case q\n  reason: \"r\" owner: \"o\" review: 2030-01-01 mode: live\n}\n",
        expect![[r#"
            error[never]: it asks for "post", and `on:` leaves that out
             --> a.rules:3:9
              |
            3 |   when: item.kind == "post" && item.reported
              |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn windows() {
    condition(
        "count(by: account.id) > 3",
        expect![[r#"
        error[arguments]: `count` lacks `within:`, how long
         --> a.rules:2:9
          |
        2 |   when: count(by: account.id) > 3
          |         ^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    condition(
        "count(by: account.id, within: 10) > 3",
        expect![[r#"
        error[type]: this should be a span of time, and is a whole number
         --> a.rules:2:39
          |
        2 |   when: count(by: account.id, within: 10) > 3
          |                                       ^^
          = help: give it a unit: 10min, 24h, 30d
    "#]],
    );
    condition(
        "distinct(by: account.id, within: 10min) > 3",
        expect![[r#"
        error[arguments]: `distinct` lacks a value first, as in `distinct(account.id, by: …)`
         --> a.rules:2:9
          |
        2 |   when: distinct(by: account.id, within: 10min) > 3
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    condition(
        "count(by: account.id, witin: 10min) > 3",
        expect![[r#"
        error[arguments]: a window has no `witin`
         --> a.rules:2:31
          |
        2 |   when: count(by: account.id, witin: 10min) > 3
          |                               ^^^^^
          = help: was `within` meant?
    "#]],
    );
    condition(
        "count(by: account.id, within: 10min, where: count(by: item.url, within: 1h) > 3) > 3",
        expect![[r#"
        error[window-in-window]: a window is not kept by what another window says
         --> a.rules:2:9
          |
        2 |   when: count(by: account.id, within: 10min, where: count(by: item.url, within: 1h) > 3) > 3
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    condition(
        "count(by: account.id, within: 2ms) > 3",
        expect![[r#"
        error[window-length]: a window is between 1s and 400d long
         --> a.rules:2:9
          |
        2 |   when: count(by: account.id, within: 2ms) > 3
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
}

#[test]
fn what_a_rule_lacks() {
    check(
        "rule r { when: item.reported }",
        expect![[r#"
        error[missing]: nothing happens by `r`
         --> a.rules:1:6
          |
        1 | rule r { when: item.reported }
          |      ^
          = help: give it `then: case QUEUE`, `then: restrict`, `then: label account NAME 30d` or `then: allow`

        error[missing]: `r` gives no reason
         --> a.rules:1:6
          |
        1 | rule r { when: item.reported }
          |      ^
          = help: give it `reason: "…"`: people are told it

        error[missing]: nobody answers for `r`
         --> a.rules:1:6
          |
        1 | rule r { when: item.reported }
          |      ^
          = help: give it `owner: "…"`

        error[missing]: `r` is never looked at again
         --> a.rules:1:6
          |
        1 | rule r { when: item.reported }
          |      ^
          = help: give it `review: 2027-05-01`, or `expires:`

        error[missing]: `r` says not whether it counts
         --> a.rules:1:6
          |
        1 | rule r { when: item.reported }
          |      ^
          = help: give it `mode: draft`, `mode: shadow` or `mode: live`
    "#]],
    );
    check(
        "let unused = 3\nlist also = [\"a\"]\nrule r {\n  polcy: x\n}\n",
        expect![[r#"
            error[unknown-key]: a rule has no `polcy`
             --> a.rules:4:3
              |
            4 |   polcy: x
              |   ^^^^^
              = help: was `policy` meant?

            warning[unused]: nothing uses `unused`
             --> a.rules:1:5
              |
            1 | let unused = 3
              |     ^^^^^^

            warning[unused]: nothing uses `also`
             --> a.rules:2:6
              |
            2 | list also = ["a"]
              |      ^^^^
        "#]],
    );
    check(
        "rule r {\n  when: item.reported\n  then: restrict account, label account bad\n  reason: \"because {account.nam} and {{ it }}\"\n  owner: \"o\"\n  review: 2026-01-01\n  mode: life\n}\n",
        expect![[r#"
            error[account]: a rule alone ends no account: it restricts one for at most 30d
             --> a.rules:3:9
              |
            3 |   then: restrict account, label account bad
              |         ^^^^^^^^^^^^^^^^
              = help: write `restrict account 7d`, and `case QUEUE` for a person to decide

            error[unknown-name]: nothing is called `account.nam`
             --> a.rules:4:11
              |
            4 |   reason: "because {account.nam} and {{ it }}"
              |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = help: was `account.name` meant?

            error[unknown-word]: `life` is not a mode
             --> a.rules:7:9
              |
            7 |   mode: life
              |         ^^^^
              = help: was `live` meant?

            warning[label]: this label never ends
             --> a.rules:3:27
              |
            3 |   then: restrict account, label account bad
              |                           ^^^^^^^^^^^^^^^^^
              = help: write how long, `30d`

            warning[review-passed]: it was to be looked at again by 2026-01-01
             --> a.rules:6:11
              |
            6 |   review: 2026-01-01
              |           ^^^^^^^^^^
        "#]],
    );
    check(
        "rule a {\n  when: item.reported &&\n}\nrule b { whe: true }\nrul c {}\n",
        expect![[r#"
        error[unexpected]: here should be a value, a fact or a function, and there is `}`
         --> a.rules:3:1
          |
        3 | }
          | ^

        error[unknown-key]: a rule has no `whe`
         --> a.rules:4:10
          |
        4 | rule b { whe: true }
          |          ^^^
          = help: was `when` meant?
    "#]],
    );
}
