//! The default rules, written in the language, decide as the fixed function did that they took the place of.

use policy::{DEFAULT_RULES, Facts, MatchFact, Outcome, PolicyCode, Queue, Source, author_tests, evaluate};
use proptest::prelude::*;

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
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn they_decide_as_the_function_did(facts in facts()) {
        let ruling = evaluate(&facts);
        let now = (ruling.outcome, ruling.queue, ruling.policy, ruling.rule, ruling.reason);
        prop_assert_eq!(now, as_before(&facts));
    }
}

#[test]
fn a_million_matches_are_judged_as_a_few() {
    let lead = MatchFact {
        bank_confirmed: true,
        lead: true,
    };
    let mut matches = vec![lead; 1_000_000];
    matches.push(MatchFact { lead: false, ..lead });
    let facts = Facts {
        matches,
        ..Facts::default()
    };
    assert_eq!(evaluate(&facts).rule, "confirmed_match");
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
