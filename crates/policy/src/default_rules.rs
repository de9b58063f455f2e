//! The rules that Seawall starts with, in their own language, asked as the program asks today: a few facts in, one ruling out.
//!
//! The text is `default.rules`; it is checked when it is first needed, and by a test before that. A match in a bank that people confirmed
//! restricts at once and opens a case. Everything else that speaks against an item only opens a case.

use std::cell::RefCell;
use std::sync::LazyLock;

use crate::compile::compile;
use crate::eval::Scratch;
use crate::event::{Event, Given};
use crate::lang::source::Source;
use crate::lists::Lists;
use crate::rules::{self, Rules};
use crate::window::{Seed, State};
use crate::{Outcome, PolicyCode, Queue};

/// The version of these rules; every decision names it.
pub const RULES_VERSION: &str = "default-2";

/// Their text.
pub const DEFAULT_RULES: &str = include_str!("default.rules");

/// What is known about an item when the rules are asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The entries that its media lie near to.
    pub matches: Vec<MatchFact>,
    /// How many of its media could not be hashed. An unscanned file is unknown, not clean.
    pub n_unscanned: usize,
    /// How many of its media could be decoded only in part. What comes after the damage is unknown, not clean.
    pub n_damaged: usize,
    /// Whether a person reported it.
    pub reported: bool,
    /// The policy under which it is restricted now, if its content changed since.
    pub restricted_before: Option<PolicyCode>,
}

/// One entry that the item lies near to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchFact {
    /// Whether people have confirmed what is in the entry's bank.
    pub bank_confirmed: bool,
    /// Whether it is only near enough for a person to look at.
    pub lead: bool,
}

/// What the rules say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// What is to happen with the item now.
    pub outcome: Outcome,
    /// Where a person will look at it, if one should.
    pub queue: Option<Queue>,
    /// The policy that the outcome rests on, if the item is restricted.
    pub policy: Option<PolicyCode>,
    /// The rule that decided.
    pub rule: &'static str,
    /// Why, in words.
    pub reason: &'static str,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let compiled = compile(&[Source::new("default.rules", DEFAULT_RULES)], 0);
    let report = compiled.report;
    // Our own text: a test compiles it, so this cannot happen in a program that was built.
    compiled
        .rules
        .unwrap_or_else(|| panic!("the default rules do not compile: {report:?}"))
});

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// What the rules say about `facts`. The strongest outcome decides.
pub fn evaluate(facts: &Facts) -> Ruling {
    let event = event(facts);
    // The default rules keep no windows and no lists, so nothing is remembered.
    let state = State::new(&[], Seed::default());
    let lists = Lists::default();
    let evaluation = SCRATCH.with_borrow_mut(|scratch| RULES.evaluate(&event, &lists, &state, scratch));
    let Some(fired) = evaluation.deciding.map(|idx| &evaluation.fired[idx]) else {
        // `nothing_found` always holds.
        unreachable!("one of the default rules always fires");
    };
    let rule = &RULES.rules()[fired.rule];
    let queue = rule.outcomes.iter().find_map(|outcome| match outcome {
        rules::Outcome::Case { queue, .. } => queue.parse().ok(),
        rules::Outcome::Allow | rules::Outcome::Label { .. } | rules::Outcome::Restrict { .. } => None,
    });
    let outcome = match rule.outcomes.iter().map(rules::Outcome::strength).max() {
        Some(3..) => Outcome::Restrict,
        Some(2) => Outcome::Review,
        _ => Outcome::Allow,
    };
    Ruling {
        outcome,
        queue,
        policy: fired.policy.as_deref().and_then(|policy| policy.parse().ok()),
        rule: &rule.name,
        reason: rule.plain_reason(),
    }
}

/// The facts as an event. Equal matches say the same to these rules and stand once, so that no limit of lists is met.
fn event(facts: &Facts) -> Event {
    let mut event = Event::at(0);
    let mut kinds: Vec<MatchFact> = Vec::with_capacity(4);
    for found in &facts.matches {
        if !kinds.contains(found) {
            kinds.push(*found);
        }
    }
    let rows = kinds.iter().map(|found| {
        let tier = if found.lead { "lead" } else { "match" };
        Given::Row(vec![
            ("tier".to_owned(), tier.into()),
            ("confirmed".to_owned(), Given::Bool(found.bank_confirmed)),
        ])
    });
    let count = |n: usize| Given::Int(i64::try_from(n).unwrap_or(i64::MAX));
    let policy = facts
        .restricted_before
        .map_or(Given::Nothing, |policy| policy.as_str().into());
    let given = [
        ("matches", Given::List(rows.collect())),
        ("media.unscanned", count(facts.n_unscanned)),
        ("media.damaged", count(facts.n_damaged)),
        ("item.reported", Given::Bool(facts.reported)),
        ("item.restricted_under", policy),
    ];
    for (name, value) in given {
        let set = event.set(name, &value);
        debug_assert_eq!(set, Ok(()), "the schema holds the facts of today");
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
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
