//! Deciding again what was decided gives the same bytes: whatever the threads, the scratch, or a restart in between.

use policy::batch::replay;
use policy::compile::compile;
use policy::window::{Seed, State};
use policy::{Event, Given, Lists, Rules, Scratch, Source};
use proptest::prelude::*;

const RULES: &str = r#"
let young = account.age < 24h

rule shared_link {
  on: post
  policy: other_terms
  when: links.exists(l, distinct(account.id, by: l.url, within: 10min) >= 3) && young
  then: case links priority 50
  reason: "{account.id} posted a link that others posted within ten minutes; its account is {account.age} old"
  owner: "bench" review: 2030-01-01 mode: live
}
rule many {
  when: count(by: account.id, within: 1min) > 4 || quota(by: account.id, max: 2, every: 30s) == 0
  then: label account busy 1d
  reason: "{count(by: account.id, within: 1min)} posts in a minute, the first on {first_seen(by: account.id)}"
  owner: "bench" review: 2030-01-01 mode: live 50%
}
rule text {
  when: item.text.matches(r"(?i)\bfree (coins|money)\b") && since(by: account.id) < 1h
  then: restrict reach 2h
  policy: other_terms
  reason: "an offer"
  owner: "bench" review: 2030-01-01 mode: shadow
}
"#;

fn rules() -> Rules {
    let sources = [Source::new("replay.rules", RULES)];
    let compiled = compile(&sources, 0);
    let report = compiled.report.render(&sources);
    assert_eq!(report, "");
    compiled.rules.expect("no errors")
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (0_i64..8_000, 0_u8..5, 0_u8..4, 0_u8..3, any::<bool>());
    proptest::collection::vec(event, 1..200).prop_map(|drawn| {
        let mut at = 1_800_000_000_000;
        let mut events = Vec::new();
        for (n, (ahead, account, link, kind, is_offer)) in drawn.into_iter().enumerate() {
            at += ahead - 1_000;
            let mut event = Event::at(at);
            let text = if is_offer {
                "FREE coins for all"
            } else {
                "a walk by the river"
            };
            let url = Given::Row(vec![(
                "url".to_owned(),
                Given::Text(format!("https://host{link}.example/")),
            )]);
            let mut given = vec![
                ("item.id", Given::Text(format!("item{n}"))),
                ("item.text", text.into()),
                ("account.id", Given::Text(format!("account{account}"))),
                ("links", Given::List(vec![url])),
            ];
            if kind > 0 {
                given.push(("item.kind", ["post", "image"][kind as usize - 1].into()));
            }
            if account != 4 {
                given.push(("account.age", Given::Duration(i64::from(account) * 3_600_000 * 10)));
            }
            for (name, value) in &given {
                event.set(name, value).expect("fits");
            }
            events.push(event);
        }
        events
    })
}

/// Every decision as it would be stored, and the memory at the end.
fn decide(rules: &Rules, events: &[Event], n_threads: usize) -> (Vec<String>, Vec<u8>) {
    let mut state = State::new(&rules.windows(), Seed([5; 16]));
    let mut decisions = Vec::new();
    replay(rules, events, &Lists::default(), &mut state, n_threads, |idx, said| {
        decisions.push(said.to_json(rules, &events[idx]));
    });
    (decisions, state.snapshot())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn replay_gives_the_same_bytes(events in events()) {
        let rules = rules();
        let (decisions, memory) = decide(&rules, &events, 1);
        prop_assert_eq!(&decide(&rules, &events, 3), &(decisions.clone(), memory.clone()));

        // One after the other, with a restart from a snapshot in the middle and rules compiled anew.
        let lists = Lists::default();
        let mut state = State::new(&rules.windows(), Seed([5; 16]));
        let mut scratch = Scratch::default();
        let again = self::rules();
        for (idx, event) in events.iter().enumerate() {
            if idx == events.len() / 2 {
                let snapshot = state.snapshot();
                state = State::new(&again.windows(), Seed::default());
                state.restore(&snapshot).expect("reads");
                scratch = Scratch::default();
            }
            let said = again.evaluate(event, &lists, &state, &mut scratch);
            // A retry that is not remembered changes nothing.
            prop_assert_eq!(&again.evaluate(event, &lists, &state, &mut scratch), &said);
            prop_assert_eq!(&said.to_json(&again, event), &decisions[idx]);
            state.apply(&said.bumps);
        }
        prop_assert_eq!(state.snapshot(), memory);
    }
}

#[test]
fn a_decision_says_what_it_rests_on() {
    let rules = rules();
    let lists = Lists::default();
    let mut state = State::new(&rules.windows(), Seed([5; 16]));
    let mut last = String::new();
    let mut json = String::new();
    for (n, account) in ["ann", "bob", "cem"].into_iter().enumerate() {
        let mut event = Event::at(1_800_000_000_000 + n as i64 * 60_000);
        let url = Given::Row(vec![("url".to_owned(), "https://a.example/1".into())]);
        let given = [
            ("item.kind", Given::from("post")),
            ("item.text", "a walk".into()),
            ("account.id", account.into()),
            ("account.age", Given::Duration(3_600_000 * 5)),
            ("links", Given::List(vec![url])),
        ];
        for (name, value) in &given {
            event.set(name, value).expect("fits");
        }
        let said = rules.evaluate(&event, &lists, &state, &mut Scratch::default());
        state.apply(&said.bumps);
        last = said.explain(&rules, &event);
        json = said.to_json(&rules, &event);
    }
    expect_test::expect![[r#"
        case links priority 50, by rule `shared_link`: cem posted a link that others posted within ten minutes; its account is 5 hours old
        Counted: distinct(account.id, by: l.url, within: 10min) was 3.
        Counted: count(by: account.id, within: 1min) was 1.
        Counted: quota(by: account.id, max: 2, every: 30s) was 2.
        Looked at: item.text = {"bytes":6}, account.id = "cem", account.age = 18000000, links = {"rows":1}."#]].assert_eq(&last);
    expect_test::expect![[r#"{"counters":[{"error":0,"key":"291df87d31116642","value":3,"window":"distinct(account.id, by: l.url, within: 10min)"},{"error":0,"key":"6185af180f24dc2d","value":1,"window":"count(by: account.id, within: 1min)"},{"error":0,"key":"6185af180f24dc2d","value":2,"window":"quota(by: account.id, max: 2, every: 30s)"}],"facts":{"account.age":18000000,"account.id":"cem","item.text":{"bytes":6},"links":{"rows":1}},"fired":[{"counts":true,"decides":true,"policy":"other_terms","reason":"cem posted a link that others posted within ten minutes; its account is 5 hours old","rule":"shared_link"}],"undecided":[]}"#]].assert_eq(&json);
}
