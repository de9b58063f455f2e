//! The default rules, written in the language, decide as the fixed function did that they took the place of.

use policy::compile::compile;
use policy::window::{Seed, State};
use policy::{
    DEFAULT_RULES, DEFAULT_RULES_FILE, Event, Lists, Outcome, PolicyCode, Queue, Rules, Scratch, Source, author_tests,
};
use proptest::prelude::*;
use serde_json::json;

/// What the function knew.
#[derive(Debug, Clone, Default)]
struct Facts {
    matches: Vec<MatchFact>,
    n_unscanned: usize,
    n_damaged: usize,
    reported: bool,
    restricted_before: Option<PolicyCode>,
}

#[derive(Debug, Clone, Copy)]
struct MatchFact {
    bank_confirmed: bool,
    lead: bool,
}

fn rules() -> Rules {
    let compiled = compile(&[Source::new(DEFAULT_RULES_FILE, DEFAULT_RULES)], 0);
    compiled.rules.unwrap_or_else(|| panic!("{:?}", compiled.report))
}

/// What the rules say of the same facts.
fn as_now(rules: &Rules, facts: &Facts) -> (Outcome, Option<Queue>, Option<PolicyCode>, String, String) {
    let matches = facts
        .matches
        .iter()
        .map(|m| json!({ "tier": if m.lead { "lead" } else { "match" }, "confirmed": m.bank_confirmed }));
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let event = json!({
        "time": 0, "matches": matches.collect::<Vec<_>>(), "media.unscanned": count(facts.n_unscanned),
        "media.damaged": count(facts.n_damaged), "item.reported": facts.reported,
        "item.restricted_under": facts.restricted_before.map(PolicyCode::as_str),
    });
    let event = Event::from_json(&event).expect("the schema holds these facts");
    let state = State::new(&rules.windows(), Seed::default());
    let evaluation = rules.evaluate(&event, &Lists::default(), &state, &mut Scratch::default());
    let ruling = evaluation.ruling(rules);
    let queue = ruling.case.map(|(queue, _)| queue);
    (ruling.outcome, queue, ruling.policy, ruling.rule, ruling.reason)
}

/// The function as it stood in the program before there was a language: the first that applies decides.
fn as_before(facts: &Facts) -> (Outcome, Option<Queue>, Option<PolicyCode>, &'static str, &'static str) {
    let any = |confirmed: bool, lead: bool| {
        facts
            .matches
            .iter()
            .any(|m| m.bank_confirmed == confirmed && m.lead == lead)
    };
    let review = |queue, rule, reason| (Outcome::Review, Some(queue), None, rule, reason);
    if any(true, false) {
        let policy = Some(PolicyCode::TerroristContent);
        let reason = "matches known content in a confirmed bank";
        return (
            Outcome::Restrict,
            Some(Queue::Matches),
            policy,
            "confirmed_match",
            reason,
        );
    }
    if let Some(policy) = facts.restricted_before {
        let reason = "was restricted before its content changed; a person shall look again";
        return (
            Outcome::Restrict,
            Some(Queue::Matches),
            Some(policy),
            "restricted_before",
            reason,
        );
    }
    if any(false, false) {
        return review(
            Queue::Matches,
            "unconfirmed_match",
            "matches content in a bank that is not confirmed",
        );
    }
    if facts.reported {
        return review(Queue::Reported, "reported", "was reported by a person");
    }
    if facts.matches.iter().any(|m| m.lead) {
        return review(
            Queue::Leads,
            "lead",
            "lies near known content, not near enough for a match",
        );
    }
    if facts.n_unscanned > 0 {
        return review(
            Queue::Unscanned,
            "unscanned",
            "could not be hashed, so nobody knows whether it is known",
        );
    }
    if facts.n_damaged > 0 {
        return review(
            Queue::Unscanned,
            "damaged",
            "could be decoded only in part, and that part matches nothing",
        );
    }
    (Outcome::Allow, None, None, "nothing_found", "nothing speaks against it")
}

fn facts() -> impl Strategy<Value = Facts> {
    let found = (any::<bool>(), any::<bool>()).prop_map(|(bank_confirmed, lead)| MatchFact { bank_confirmed, lead });
    let before = proptest::option::of(proptest::sample::select(PolicyCode::ALL));
    let matches = proptest::collection::vec(found, 0..5);
    let count = prop_oneof![Just(0_usize), 1_usize..4, Just(usize::MAX)];
    (matches, count.clone(), count, any::<bool>(), before).prop_map(
        |(matches, n_unscanned, n_damaged, reported, restricted_before)| Facts {
            matches,
            n_unscanned,
            n_damaged,
            reported,
            restricted_before,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn they_decide_as_the_function_did(facts in facts()) {
        let (outcome, queue, policy, rule, reason) = as_before(&facts);
        let before = (outcome, queue, policy, rule.to_owned(), reason.to_owned());
        prop_assert_eq!(as_now(&rules(), &facts), before);
    }
}

#[test]
fn their_own_tests_pass_and_the_checker_has_nothing_to_say() {
    let sources = [Source::new("default.rules", DEFAULT_RULES)];
    let run = author_tests::run(&sources, 0, |_, name| Err(format!("no `{name}`")));
    assert_eq!(run.report.render(&sources), "");
    assert_eq!(run.tests.len(), 4);
    let unseen: Vec<_> = run.coverage.iter().filter(|rule| rule.fired == 0).collect();
    assert!(unseen.is_empty(), "no test sees {unseen:?} fire");
}
