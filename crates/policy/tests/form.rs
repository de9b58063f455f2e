//! Forms: what is filled in becomes a rule that passes the checker and its own tests, alone and beside the rules that Seawall ships.

use std::collections::HashMap;

use policy::author_tests::run;
use policy::form::{Known, Listed, Pattern, RuleForm, SameThing, Shape, Span, Then, Thing, Tier, Unit, read};
use policy::{DEFAULT_RULES, PolicyCode, Source};
use proptest::prelude::*;

fn default_rules() -> Vec<Source> {
    vec![Source::new("default.rules", DEFAULT_RULES)]
}

fn newcomers() -> RuleForm {
    RuleForm {
        name: "shared_link".to_owned(),
        shape: Shape::SameThing(SameThing {
            accounts: 3,
            thing: Thing::Link,
            within: Span {
                n: 10,
                unit: Unit::Minutes,
            },
            younger: Some(Span { n: 1, unit: Unit::Days }),
        }),
        then: Then::Case {
            queue: "links".to_owned(),
            priority: 50,
        },
        severity: "medium",
        owner: "trust@example.org".to_owned(),
        review: "2027-05-01".to_owned(),
        mode: "live",
        reason: None,
    }
}

#[test]
fn a_form_writes_what_a_person_would() {
    let text = newcomers().text(&default_rules()).unwrap();
    expect_test::expect![[r#"
        rule shared_link {
          when:     links.exists(l, distinct(account.id, by: l.url, within: 10min) >= 3
                     && count(by: l.url, where: account.age < 1d, within: 10min) >= 1)
          then:     case links priority 50
          reason:   "3 different accounts posted the same address within 10min, one of them younger than 1d"
          severity: medium
          owner:    "trust@example.org"
          review:   2027-05-01
          mode:     live
        }

        test shared_link_fires {
          at 0s { item.kind: "post", account.id: "account-1", account.age: 12h, links: [{url: "https://a.example/1", host: "a.example"}] } -> nothing
          at 200s { item.kind: "post", account.id: "account-2", account.age: 2d, links: [{url: "https://a.example/1", host: "a.example"}] } -> nothing
          at 400s { item.kind: "post", account.id: "account-3", account.age: 2d, links: [{url: "https://a.example/1", host: "a.example"}] } -> shared_link then case links
        }

        test shared_link_leaves_one_account_alone {
          at 0s { item.kind: "post", account.id: "account-1", account.age: 12h, links: [{url: "https://a.example/1", host: "a.example"}] } -> nothing
          at 200s { item.kind: "post", account.id: "account-1", account.age: 2d, links: [{url: "https://a.example/1", host: "a.example"}] } -> nothing
          at 400s { item.kind: "post", account.id: "account-1", account.age: 2d, links: [{url: "https://a.example/1", host: "a.example"}] } -> nothing
        }

        test shared_link_leaves_older_accounts {
          at 0s { item.kind: "post", account.id: "account-1", account.age: 2d, links: [{url: "https://a.example/1", host: "a.example"}] } -> nothing
          at 200s { item.kind: "post", account.id: "account-2", account.age: 2d, links: [{url: "https://a.example/1", host: "a.example"}] } -> nothing
          at 400s { item.kind: "post", account.id: "account-3", account.age: 2d, links: [{url: "https://a.example/1", host: "a.example"}] } -> nothing
        }
    "#]]
    .assert_eq(&text);
}

#[test]
fn tests_name_the_other_rules_that_fire() {
    let form = RuleForm {
        name: "reported_and_seen".to_owned(),
        shape: Shape::ReportedAndSeen { views: 1_000 },
        ..newcomers()
    };
    let alone = form.text(&[]).unwrap();
    assert!(
        alone.contains("item.views: 1000 } -> reported_and_seen then case links"),
        "{alone}"
    );
    assert!(alone.contains("item.views: 999 } -> nothing"), "{alone}");
    let beside = form.text(&default_rules()).unwrap();
    assert!(
        beside.contains("item.views: 1000 } -> reported_and_seen, reported\n"),
        "{beside}"
    );
    assert!(beside.contains("item.views: 999 } -> reported\n"), "{beside}");
}

#[test]
fn a_name_that_is_taken_is_wrong_and_a_declared_list_is_not_declared_again() {
    let taken = RuleForm {
        name: "reported".to_owned(),
        ..newcomers()
    };
    let errors = taken.text(&default_rules()).unwrap_err();
    assert_eq!((errors.len(), errors[0].field), (1, "name"), "{errors:?}");

    let listed = RuleForm {
        shape: Shape::Listed {
            what: Listed::Host,
            list: "bad_hosts".to_owned(),
        },
        ..newcomers()
    };
    let first = listed.text(&default_rules()).unwrap();
    assert!(first.contains("list bad_hosts\n"), "{first}");
    let beside = [default_rules(), vec![Source::new("first.rules", first)]].concat();
    let second = RuleForm {
        name: "second".to_owned(),
        shape: Shape::Listed {
            what: Listed::Link,
            list: "bad_hosts".to_owned(),
        },
        ..listed
    };
    let text = second.text(&beside).unwrap();
    assert!(!text.contains("list bad_hosts\n"), "{text}");
    assert!(text.contains("-> unknown second\n"), "{text}");
    passes(&beside, "second", &text);
}

#[test]
fn every_error_names_its_field() {
    let right: HashMap<&str, &str> = HashMap::from([
        ("shape", "same_thing"),
        ("name", "shared_link"),
        ("then", "case"),
        ("queue", "links"),
        ("priority", "50"),
        ("severity", "medium"),
        ("owner", "trust@example.org"),
        ("review", "2027-05-01"),
        ("mode", "live"),
        ("accounts", "3"),
        ("thing", "link"),
        ("within", "10"),
        ("within_unit", "min"),
        ("younger", "1"),
        ("younger_unit", "d"),
    ]);
    let fields_wrong = |changes: &[(&'static str, &'static str)]| -> Vec<&'static str> {
        let mut fields = right.clone();
        fields.extend(changes.iter().copied());
        match read(|field| fields.get(field).copied().unwrap_or_default()) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.into_iter().map(|error| error.field).collect(),
        }
    };
    assert_eq!(
        read(|field| right.get(field).copied().unwrap_or_default()),
        Ok(newcomers())
    );
    let check = |changes: &[(&'static str, &'static str)], field: &str| {
        assert_eq!(fields_wrong(changes), [field], "{changes:?}");
    };
    check(&[("shape", "round")], "shape");
    check(&[("name", "Shared Link")], "name");
    check(&[("name", "rule")], "name");
    check(&[("queue", "")], "queue");
    check(&[("priority", "1001")], "priority");
    check(&[("priority", "-1")], "priority");
    check(&[("severity", "")], "severity");
    check(&[("owner", "  ")], "owner");
    check(&[("review", "soon")], "review");
    check(&[("review", "2027-05-01T00:00:00Z")], "review");
    check(&[("mode", "on")], "mode");
    check(&[("reason", "two\nlines")], "reason");
    check(&[("accounts", "1")], "accounts");
    check(&[("accounts", "99999999999")], "accounts");
    check(&[("within", "0")], "within");
    check(&[("within", "91"), ("within_unit", "d")], "within");
    check(&[("within_unit", "years")], "within");
    check(&[("younger", "x")], "younger");
    check(&[("then", "restrict"), ("policy", "other_terms")], "then");
    check(&[("shape", "many_items"), ("more_than", "51")], "more_than");
    check(&[("shape", "known"), ("tier", "match")], "bank");
    check(&[("shape", "known"), ("tier", "near"), ("bank", "b")], "tier");
    check(&[("shape", "words"), ("words", " \n ")], "words");
    check(&[("shape", "pattern"), ("pattern", "("), ("example", "a")], "pattern");
    check(
        &[("shape", "pattern"), ("pattern", r"(?=a)"), ("example", "a")],
        "pattern",
    );
    check(
        &[("shape", "pattern"), ("pattern", "a{2000}{2000}"), ("example", "a")],
        "pattern",
    );
    check(&[("shape", "pattern"), ("pattern", "a"), ("example", "b")], "example");
    check(
        &[("shape", "pattern"), ("pattern", "a"), ("example", "a"), ("other", "a")],
        "other",
    );
    check(&[("shape", "listed"), ("listed", "host"), ("list", "in")], "list");
    check(&[("shape", "reported_and_seen"), ("views", "0")], "views");
}

#[test]
fn only_matches_in_confirmed_banks_restrict() {
    let form = |tier| RuleForm {
        shape: Shape::Known(Known {
            bank: Some("known \"pictures\"".to_owned()),
            label: None,
            tier,
        }),
        then: Then::Restrict {
            policy: PolicyCode::OtherTerms,
            queue: "matches".to_owned(),
            priority: 10,
        },
        ..newcomers()
    };
    let text = form(Tier::Match).text(&default_rules()).unwrap();
    assert!(text.contains("m.confirmed"), "{text}");
    for tier in [Tier::Lead, Tier::Any] {
        let errors = form(tier).text(&default_rules()).unwrap_err();
        assert_eq!(errors[0].field, "then");
    }
}

/// The text passes the checker and its tests beside the others, and what it should say was seen.
#[track_caller]
fn passes(others: &[Source], name: &str, text: &str) {
    let sources = [others.to_vec(), vec![Source::new("form.rules", text)]].concat();
    let run = run(&sources, 0, |_, _| Err("no samples".to_owned()));
    let report = run.report.render(&sources);
    assert!(run.passed(), "{report}\n{text}");
    let own: Vec<_> = run
        .report
        .diagnostics
        .iter()
        .filter(|found| found.file + 1 == sources.len())
        .collect();
    assert!(own.is_empty(), "warnings: {report}\n{text}");
    let seen = run.coverage.iter().find(|seen| seen.rule == name).unwrap();
    if text.contains("-> unknown") {
        assert!(seen.undecided > 0, "{text}");
    } else {
        assert!(seen.fired > 0 && seen.not_fired > 0, "{text}");
    }
}

fn words() -> impl Strategy<Value = String> {
    "[^\\p{C}\\s][^\\p{C}]{0,30}".prop_map(|words| words.trim().to_owned())
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_]{0,20}".prop_map(|name| format!("x{name}"))
}

fn span(days_max: u32) -> impl Strategy<Value = Span> {
    prop_oneof![
        (1..=days_max * 1_440).prop_map(|n| Span { n, unit: Unit::Minutes }),
        (1..=days_max * 24).prop_map(|n| Span { n, unit: Unit::Hours }),
        (1..=days_max).prop_map(|n| Span { n, unit: Unit::Days }),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    let thing = prop_oneof![
        Just(Thing::Link),
        Just(Thing::Host),
        Just(Thing::Text),
        Just(Thing::Entry)
    ];
    let same = (2..=Shape::COUNT_MAX, thing, span(90), prop::option::of(span(3_650)));
    let same = same.prop_map(|(accounts, thing, within, younger)| {
        Shape::SameThing(SameThing {
            accounts,
            thing,
            within,
            younger,
        })
    });
    let tier = prop_oneof![Just(Tier::Match), Just(Tier::Lead), Just(Tier::Any)];
    let known = (prop::option::of(words()), prop::option::of(words()), tier);
    let known = known.prop_map(|(bank, label, tier)| {
        let bank = if label.is_none() {
            Some(bank.unwrap_or_else(|| "b".to_owned()))
        } else {
            bank
        };
        Shape::Known(Known { bank, label, tier })
    });
    let pattern = words().prop_map(|word| {
        let pattern = regex_syntax::escape(&word).replace('"', r"\x22");
        let other = if word.chars().count() > 1 {
            word.chars().take(1).collect()
        } else {
            String::new()
        };
        Shape::Pattern(Pattern {
            pattern,
            example: format!("before {word} after"),
            other,
        })
    });
    let listed = prop_oneof![Just(Listed::Link), Just(Listed::Host), Just(Listed::Account)];
    prop_oneof![
        same,
        (1..=Shape::COUNT_MAX, span(90)).prop_map(|(more_than, within)| Shape::ManyItems { more_than, within }),
        known,
        prop::collection::vec(words(), 1..6).prop_map(Shape::Words),
        pattern,
        (listed, name()).prop_map(|(what, list)| Shape::Listed {
            what,
            list: format!("list_{list}")
        }),
        (1..=Shape::VIEWS_MAX).prop_map(|views| Shape::ReportedAndSeen { views }),
    ]
}

fn form() -> impl Strategy<Value = RuleForm> {
    let severity = prop::sample::select(vec!["low", "medium", "high", "critical"]);
    let mode = prop::sample::select(vec!["draft", "shadow", "live"]);
    let day = (2027_u32..2090, 1_u32..=12, 1_u32..=28).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}"));
    let outcome = (
        any::<bool>(),
        name(),
        0..=RuleForm::PRIORITY_MAX,
        prop::sample::select(PolicyCode::ALL.to_vec()),
    );
    let parts = (
        name(),
        shape(),
        outcome,
        severity,
        words(),
        day,
        mode,
        prop::option::of(words()),
    );
    parts.prop_map(
        |(name, shape, (restricts, queue, priority, policy), severity, owner, review, mode, reason)| {
            let may_restrict = matches!(&shape, Shape::Known(known) if known.tier == Tier::Match);
            let then = if restricts && may_restrict {
                Then::Restrict {
                    policy,
                    queue,
                    priority,
                }
            } else {
                Then::Case { queue, priority }
            };
            RuleForm {
                name,
                shape,
                then,
                severity,
                owner,
                review,
                mode,
                reason,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_form_that_is_filled_in_right_passes_the_checker_and_its_tests(form in form()) {
        for others in [Vec::new(), default_rules()] {
            let text = form.text(&others).unwrap_or_else(|errors| panic!("{errors:?} of {form:?}"));
            passes(&others, &form.name, &text);
        }
    }
}

/// What a program takes for a letter and what a pattern does are not the same: `൷` is a number, and no part of a word.
#[test]
fn words_end_where_patterns_say() {
    let words = ["൷ends൷", "c++", "plain words", "\"quoted'"]
        .map(str::to_owned)
        .to_vec();
    let form = RuleForm {
        shape: Shape::Words(words),
        ..newcomers()
    };
    passes(&[], &form.name, &form.text(&[]).unwrap());
}
