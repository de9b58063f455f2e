//! The rules that Seawall starts with, in code until platforms write their own.
//!
//! A match in a bank that people confirmed restricts at once and opens a case, so that a person confirms or reverses it.
//! An item that is restricted stays so when its content changes, until a person has looked. Everything else that speaks against an item only opens a case. What could not be hashed waits in a queue of its own.

use crate::{Facts, Outcome, PolicyCode, Queue, Ruling};

/// The version of these rules; every decision names it.
pub const RULES_VERSION: &str = "default-2";

/// What the rules say about `facts`. The first rule that applies decides.
pub fn evaluate(facts: &Facts) -> Ruling {
    let matches_of = |confirmed: bool, lead: bool| {
        facts
            .matches
            .iter()
            .any(|m| m.bank_confirmed == confirmed && m.lead == lead)
    };

    if matches_of(true, false) {
        return Ruling {
            outcome: Outcome::Restrict,
            queue: Some(Queue::Matches),
            policy: Some(PolicyCode::TerroristContent),
            rule: "confirmed_match",
            reason: "matches known content in a confirmed bank",
        };
    }
    if let Some(policy) = facts.restricted_before {
        return Ruling {
            outcome: Outcome::Restrict,
            queue: Some(Queue::Matches),
            policy: Some(policy),
            rule: "restricted_before",
            reason: "was restricted before its content changed; a person shall look again",
        };
    }
    let review = |queue, rule, reason| Ruling {
        outcome: Outcome::Review,
        queue: Some(queue),
        policy: None,
        rule,
        reason,
    };
    if matches_of(false, false) {
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
    Ruling {
        outcome: Outcome::Allow,
        queue: None,
        policy: None,
        rule: "nothing_found",
        reason: "nothing speaks against it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MatchFact;

    const CONFIRMED: MatchFact = MatchFact {
        bank_confirmed: true,
        lead: false,
    };
    const UNCONFIRMED: MatchFact = MatchFact {
        bank_confirmed: false,
        lead: false,
    };
    const CONFIRMED_LEAD: MatchFact = MatchFact {
        bank_confirmed: true,
        lead: true,
    };

    fn check(matches: &[MatchFact], n_unscanned: usize, reported: bool, expected: (Outcome, Option<Queue>, &str)) {
        let ruling = evaluate(&Facts {
            matches: matches.to_vec(),
            n_unscanned,
            reported,
            ..Facts::default()
        });
        assert_eq!((ruling.outcome, ruling.queue, ruling.rule), expected);
        assert_eq!(ruling.outcome == Outcome::Restrict, ruling.policy.is_some());
    }

    #[test]
    fn only_a_match_in_a_confirmed_bank_restricts() {
        check(&[], 0, false, (Outcome::Allow, None, "nothing_found"));
        check(
            &[CONFIRMED],
            0,
            false,
            (Outcome::Restrict, Some(Queue::Matches), "confirmed_match"),
        );
        check(
            &[UNCONFIRMED],
            0,
            false,
            (Outcome::Review, Some(Queue::Matches), "unconfirmed_match"),
        );
        check(
            &[CONFIRMED_LEAD],
            0,
            false,
            (Outcome::Review, Some(Queue::Leads), "lead"),
        );
    }

    #[test]
    fn the_strongest_fact_decides_wherever_it_stands() {
        check(
            &[CONFIRMED_LEAD, UNCONFIRMED, CONFIRMED],
            3,
            true,
            (Outcome::Restrict, Some(Queue::Matches), "confirmed_match"),
        );
        check(
            &[CONFIRMED_LEAD, UNCONFIRMED],
            3,
            true,
            (Outcome::Review, Some(Queue::Matches), "unconfirmed_match"),
        );
        check(
            &[CONFIRMED_LEAD],
            3,
            true,
            (Outcome::Review, Some(Queue::Reported), "reported"),
        );
        check(
            &[CONFIRMED_LEAD],
            3,
            false,
            (Outcome::Review, Some(Queue::Leads), "lead"),
        );
    }

    #[test]
    fn a_change_of_content_alone_lifts_no_restriction() {
        let facts = Facts {
            restricted_before: Some(PolicyCode::HateSpeech),
            ..Facts::default()
        };
        let ruling = evaluate(&facts);
        assert_eq!(
            (ruling.outcome, ruling.queue, ruling.policy),
            (Outcome::Restrict, Some(Queue::Matches), Some(PolicyCode::HateSpeech))
        );
    }

    #[test]
    fn what_could_not_be_hashed_is_never_clean() {
        check(&[], 1, false, (Outcome::Review, Some(Queue::Unscanned), "unscanned"));
    }

    #[test]
    fn what_was_hashed_only_in_part_is_never_clean() {
        let damaged = Facts {
            n_damaged: 1,
            ..Facts::default()
        };
        let ruling = evaluate(&damaged);
        assert_eq!(
            (ruling.outcome, ruling.queue, ruling.rule),
            (Outcome::Review, Some(Queue::Unscanned), "damaged")
        );
        let known = Facts {
            matches: vec![CONFIRMED],
            ..damaged
        };
        assert_eq!(evaluate(&known).rule, "confirmed_match");
    }
}
