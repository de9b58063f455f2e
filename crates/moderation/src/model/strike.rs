//! Strikes: what people's decisions in force weigh against an account. Counted anew from the decisions each time, so that a strike goes with its decision:
//! reversed, undone, or over in time. They order nothing: past a threshold they suggest something to a person. Pure.

use std::time::Duration;

use policy::{Outcome, PolicyCode, words};

use super::{DecisionId, ItemId, Timestamp};

/// What a decision under a policy weighs, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrikeRule {
    /// The policy.
    pub policy: PolicyCode,
    /// What it weighs; 0: nothing.
    pub weight: u32,
    /// For how long.
    pub lasts: Duration,
}

/// What decisions weigh, and when that suggests something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrikeSettings {
    /// One for each policy.
    pub rules: Vec<StrikeRule>,
    /// From this sum on a suspension of the account is suggested.
    pub suspend_at: u32,
    /// From this sum on its end is.
    pub terminate_at: u32,
}

words! {
    /// What strikes suggest to a person.
    Suggestion, "what strikes suggest" {
        /// To suspend the account.
        Suspend = "suspend",
        /// To end it.
        Terminate = "terminate",
    }
}

const DAY: Duration = Duration::from_secs(24 * 3_600);

impl Default for StrikeSettings {
    fn default() -> Self {
        let rule = |policy, weight, days| StrikeRule {
            policy,
            weight,
            lasts: DAY * days,
        };
        Self {
            rules: vec![
                rule(PolicyCode::TerroristContent, 4, 365),
                rule(PolicyCode::ViolentExtremism, 3, 365),
                rule(PolicyCode::PerpetratorContent, 4, 365),
                rule(PolicyCode::HateSpeech, 2, 180),
                rule(PolicyCode::GraphicViolence, 1, 90),
                rule(PolicyCode::OtherTerms, 1, 90),
            ],
            suspend_at: 4,
            terminate_at: 8,
        }
    }
}

/// A decision on an item of an account, as far as strikes ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastDecision {
    /// Its id.
    pub id: DecisionId,
    /// The item.
    pub item: ItemId,
    /// What was decided.
    pub outcome: Outcome,
    /// Under which policy.
    pub policy: Option<PolicyCode>,
    /// Whether a person decided.
    pub by_person: bool,
    /// The decision that it undoes.
    pub undoes: Option<DecisionId>,
    /// It says only that a restriction's time was over.
    pub is_end: bool,
    /// When.
    pub at: Timestamp,
}

/// A strike that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strike {
    /// The item that it was given for.
    pub item: ItemId,
    /// Under which policy.
    pub policy: PolicyCode,
    /// What it weighs.
    pub weight: u32,
    /// When it was given.
    pub given_at: Timestamp,
    /// When it is over.
    pub expires_at: Timestamp,
}

/// What is known of an account's past.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountHistory {
    /// Its items that were ever restricted, by a rule or a person.
    pub n_restricted: usize,
    /// Those of them that a person let go again.
    pub n_reversed: usize,
    /// The strikes that count, the newest first.
    pub strikes: Vec<Strike>,
    /// What they weigh together.
    pub weight: u32,
    /// What that suggests to a person.
    pub suggestion: Option<Suggestion>,
}

impl StrikeSettings {
    /// The past of an account from the decisions on its items, those on one item in their order.
    pub fn history(&self, decisions: &[PastDecision], now: Timestamp) -> AccountHistory {
        let mut history = AccountHistory::default();
        for of_item in decisions.chunk_by(|a, b| a.item == b.item) {
            let stood = without_undone(of_item);
            let was_restricted = stood.iter().any(|past| past.outcome == Outcome::Restrict);
            let last = stood.last();
            let is_let_go = last.is_some_and(|last| last.outcome == Outcome::Allow && last.by_person);
            history.n_restricted += usize::from(was_restricted);
            history.n_reversed += usize::from(was_restricted && is_let_go);
            history.strikes.extend(self.strike(&stood, now));
        }
        history.strikes.sort_by(|a, b| {
            b.given_at
                .cmp(&a.given_at)
                .then_with(|| a.item.as_str().cmp(b.item.as_str()))
        });
        let weights = history.strikes.iter().map(|strike| strike.weight);
        history.weight = weights.fold(0, u32::saturating_add);
        history.suggestion = match history.weight {
            0 => None,
            weight if weight >= self.terminate_at => Some(Suggestion::Terminate),
            weight if weight >= self.suspend_at => Some(Suggestion::Suspend),
            _ => None,
        };
        history
    }

    /// The strike for an item, if a person's decision restricts it now. To confirm it again does not make it younger.
    fn strike(&self, stood: &[&PastDecision], now: Timestamp) -> Option<Strike> {
        let restricts = |past: &&&PastDecision| past.outcome == Outcome::Restrict && past.by_person;
        let last = stood.last().filter(restricts)?;
        let first = stood.iter().rev().take_while(restricts).last()?;
        let policy = last.policy?;
        let rule = self.rules.iter().find(|rule| rule.policy == policy)?;
        let expires_at = first.at.after(rule.lasts);
        (rule.weight > 0 && expires_at > now).then(|| Strike {
            item: last.item.clone(),
            policy,
            weight: rule.weight,
            given_at: first.at,
            expires_at,
        })
    }
}

/// The decisions without those that were undone, and without the undoing. That a restriction's time is over says nothing of the item either.
fn without_undone(decisions: &[PastDecision]) -> Vec<&PastDecision> {
    let mut stood: Vec<&PastDecision> = Vec::with_capacity(decisions.len());
    for past in decisions {
        match past.undoes {
            Some(undone) => stood.retain(|earlier| earlier.id != undone),
            None if past.is_end => {}
            None => stood.push(past),
        }
    }
    stood
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Chance;

    fn at(days: u32) -> Timestamp {
        Timestamp::from_unix_ms(1_795_000_000_000).after(DAY * days)
    }

    fn past(item: &str, outcome: Outcome, by_person: bool, day: u32) -> PastDecision {
        PastDecision {
            id: DecisionId::fresh(at(day), &Chance::seeded(u64::from(day))),
            item: item.parse().unwrap(),
            outcome,
            policy: (outcome == Outcome::Restrict).then_some(PolicyCode::HateSpeech),
            by_person,
            undoes: None,
            is_end: false,
            at: at(day),
        }
    }

    #[test]
    fn only_what_a_person_decided_and_still_holds_counts() {
        let settings = StrikeSettings::default();
        let rule = past("a", Outcome::Restrict, false, 0);
        let person = past("a", Outcome::Restrict, true, 1);
        let again = past("a", Outcome::Restrict, true, 50);
        let allow = past("a", Outcome::Allow, true, 60);
        let weigh = |decisions: &[PastDecision], day| {
            let history = settings.history(decisions, at(day));
            (history.weight, history.n_restricted, history.n_reversed)
        };
        assert_eq!(weigh(&[], 2), (0, 0, 0));
        assert_eq!(weigh(std::slice::from_ref(&rule), 2), (0, 1, 0));
        assert_eq!(weigh(&[rule.clone(), person.clone()], 2), (2, 1, 0));
        // Confirmed again it is no younger.
        assert_eq!(weigh(&[rule.clone(), person.clone(), again.clone()], 180), (2, 1, 0));
        assert_eq!(weigh(&[rule.clone(), person.clone(), again], 181), (0, 1, 0));
        assert_eq!(weigh(&[rule, person.clone(), allow], 62), (0, 1, 1));
        let ended = PastDecision {
            is_end: true,
            ..past("a", Outcome::Allow, false, 8)
        };
        // A suspension that is over was deserved all the same.
        assert_eq!(weigh(&[person.clone(), ended], 9), (2, 1, 0));
        let undone = PastDecision {
            undoes: Some(person.id),
            ..past("a", Outcome::Review, true, 2)
        };
        assert_eq!(weigh(&[person, undone], 3), (0, 0, 0));
    }

    #[test]
    fn enough_of_them_suggest_something() {
        let settings = StrikeSettings::default();
        let names = ["a", "b", "c", "d"];
        let decisions: Vec<PastDecision> = names
            .iter()
            .map(|name| past(name, Outcome::Restrict, true, 1))
            .collect();
        let suggestion = |n: usize| settings.history(&decisions[..n], at(2)).suggestion;
        assert_eq!(suggestion(1), None);
        assert_eq!(suggestion(2), Some(Suggestion::Suspend));
        assert_eq!(suggestion(3), Some(Suggestion::Suspend));
        assert_eq!(suggestion(4), Some(Suggestion::Terminate));
    }
}
