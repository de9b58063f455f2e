//! Where both languages say the same, the `cel` crate is asked too: numbers, texts, truth, lists, choices and macros.

use cel::{Context, Program, Value as CelValue};
use policy::compile::compile;
use policy::window::{Seed, State};
use policy::{Event, Given, Lists, Scratch, Source};
use proptest::prelude::*;

/// An expression that gives a truth value, of facts `item.views` (v), `account.items` (n), `item.text` (t), `item.reported` (r) and the
/// texts of `item.languages` (l), all known.
fn condition() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        Just("item.views".to_owned()),
        Just("account.items".to_owned()),
        (-20_i64..20).prop_map(|n| if n < 0 { format!("(-{})", -n) } else { n.to_string() }),
    ];
    let number = number.prop_recursive(3, 8, 2, |inner| {
        let op = prop_oneof![Just("+"), Just("-"), Just("*"), Just("/"), Just("%")];
        let choice = (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(item.reported ? {a} : {b})"));
        prop_oneof![
            (inner.clone(), op, inner).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            choice
        ]
    });
    let text = prop_oneof![
        Just("item.text".to_owned()),
        "[ab]{0,3}".prop_map(|text| format!("\"{text}\""))
    ];
    let leaf = prop_oneof![
        Just("item.reported".to_owned()),
        Just("true".to_owned()),
        (
            number.clone(),
            prop_oneof![Just("=="), Just("!="), Just("<"), Just("<="), Just(">"), Just(">=")],
            number.clone()
        )
            .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (
            text.clone(),
            prop_oneof![Just("contains"), Just("startsWith"), Just("endsWith")],
            text.clone()
        )
            .prop_map(|(a, f, b)| format!("{a}.{f}({b})")),
        text.clone().prop_map(|t| format!("{t} in [\"a\", \"ab\", \"b\"]")),
        number.prop_map(|n| format!("size(item.text) < {n}")),
        text.clone().prop_map(|t| format!("item.languages.exists(x, x == {t})")),
        text.prop_map(|t| format!("item.languages.all(x, x.startsWith({t}))")),
        Just("\"ab\" in item.languages".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("(({a}) ? ({b}) : ({c}))")),
        ]
    })
}

/// `None` is unknown here, and an error there.
fn ours(condition: &str, facts: &Facts) -> Option<bool> {
    // What always or never holds is told by the checker, and is not what is compared here.
    let sources = [Source::new(
        "oracle.rules",
        format!(
            "rule r {{ when: ({condition}) || (account.strikes > 0)\n then: case q\n reason: \"r\" owner: \"o\" review: 2030-01-01 mode: live }}"
        ),
    )];
    let compiled = compile(&sources, 0);
    let Some(rules) = compiled.rules else {
        panic!("{condition}\n{}", compiled.report.render(&sources));
    };
    let mut event = Event::at(1_800_000_000_000);
    let languages = facts.languages.iter().map(|text| Given::Text(text.clone())).collect();
    let given = [
        ("item.views", Given::Int(facts.views)),
        ("account.items", Given::Int(facts.items)),
        ("item.text", Given::Text(facts.text.clone())),
        ("item.reported", Given::Bool(facts.reported)),
        ("item.languages", Given::List(languages)),
        ("account.strikes", Given::Int(0)),
        ("item.kind", "post".into()),
    ];
    for (name, value) in &given {
        event.set(name, value).expect("fits");
    }
    let state = State::new(&[], Seed::default());
    let said = rules.evaluate(&event, &Lists::default(), &state, &mut Scratch::default());
    match (said.fired.len(), said.undecided.len()) {
        (1, 0) => Some(true),
        (0, 1) => None,
        _ => Some(false),
    }
}

fn theirs(condition: &str, facts: &Facts) -> Option<bool> {
    let program = Program::compile(condition).expect("reads");
    let mut context = Context::default();
    let map = |pairs: Vec<(&str, CelValue)>| {
        let pairs: std::collections::HashMap<String, CelValue> =
            pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        CelValue::from(pairs)
    };
    let languages: Vec<CelValue> = facts
        .languages
        .iter()
        .map(|text| CelValue::from(text.as_str()))
        .collect();
    context.add_variable_from_value(
        "item",
        map(vec![
            ("views", facts.views.into()),
            ("text", facts.text.as_str().into()),
            ("reported", facts.reported.into()),
            ("languages", languages.into()),
        ]),
    );
    context.add_variable_from_value("account", map(vec![("items", facts.items.into())]));
    match program.execute(&context) {
        Ok(CelValue::Bool(b)) => Some(b),
        _ => None,
    }
}

#[derive(Debug, Clone)]
struct Facts {
    views: i64,
    items: i64,
    text: String,
    reported: bool,
    languages: Vec<String>,
}

fn facts() -> impl Strategy<Value = Facts> {
    let number = || prop_oneof![-3_i64..30, Just(i64::MAX), Just(i64::MIN)];
    let languages = proptest::collection::vec("[ab]{0,3}", 0..4);
    (number(), number(), "[ab]{0,4}", any::<bool>(), languages).prop_map(|(views, items, text, reported, languages)| {
        Facts {
            views,
            items,
            text,
            reported,
            languages,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn what_cel_says_is_what_rules_say(condition in condition(), facts in facts()) {
        // An error there hides what the other side of `&&` and `||` says in some versions; where it answers, the answer is ours.
        if let Some(theirs) = theirs(&condition, &facts) {
            prop_assert_eq!(ours(&condition, &facts), Some(theirs), "{}", condition);
        }
    }
}
