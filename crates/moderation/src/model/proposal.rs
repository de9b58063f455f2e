//! A proposal: a judgement of one person, on a case or on many items, that waits for a second person before it becomes decisions. Why it needs one, its states and
//! how one becomes the other. Pure. Start with [`reasons_for_second`].
//!
//! ```text
//! Waiting ──approve──► Approved      (by anybody but who proposed it; then item by item it becomes decisions)
//!    ├──reject──────► Rejected
//!    ├──withdraw────► Withdrawn      (by who proposed it)
//!    ├──────────────► Lapsed         (its time is over)
//!    └──────────────► Stale          (each of its items changed or was decided otherwise)
//! Alone                              (on several items, and needs nobody else: it becomes decisions at once)
//! ```

use std::time::Duration;

use policy::{PolicyCode, words};
use serde_json::{Value, json};

use super::{
    Assessment, CaseId, DecisionId, ItemId, Judgement, Measure, Notice, Outcome, ProposalId, Restricted, Timestamp,
    UserId,
};

words! {
    /// Why a judgement needs a second person.
    SecondReason, "a reason for a second person" {
        /// It is on more items than one person decides at once.
        Items = "many_items",
        /// The platform wants it for restrictions under this policy.
        Policy = "policy",
        /// The platform wants it for a measure as grave as one of these.
        Measure = "measure",
    }
}

words! {
    /// How far a proposal got.
    ProposalState, "a state of a proposal" {
        /// It waits for a second person.
        Waiting = "waiting",
        /// A second person agreed.
        Approved = "approved",
        /// It needed nobody else.
        Alone = "alone",
        /// A second person disagreed.
        Rejected = "rejected",
        /// Who proposed it took it back.
        Withdrawn = "withdrawn",
        /// Nobody looked at it in time.
        Lapsed = "lapsed",
        /// Nothing of it was left to decide.
        Stale = "stale",
    }
}

words! {
    /// What became of one item of a proposal.
    ProposedState, "a state of an item of a proposal" {
        /// Nothing yet.
        Waiting = "waiting",
        /// It was decided as proposed.
        Decided = "decided",
        /// The decision was taken back.
        Undone = "undone",
        /// The second person left it out.
        Excluded = "excluded",
        /// Its content changed since it was looked at.
        Changed = "changed",
        /// Somebody decided on it otherwise meanwhile.
        Overtaken = "overtaken",
        /// A colleague was at work on it.
        Held = "held",
        /// It cannot be done here, or what should go on had ended.
        Impossible = "impossible",
        /// The proposal ended without it.
        Dropped = "dropped",
    }
}

/// When a second person is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwoPersonSettings {
    /// One person decides on so many items at once, and no more; nor on more in several baskets within [`TwoPersonSettings::ITEMS_WITHIN`].
    pub items_over: usize,
    /// Nobody restricts under these policies alone.
    pub policies: Vec<PolicyCode>,
    /// Nobody takes these measures alone.
    pub measures: Vec<Restricted>,
    /// A proposal that nobody looked at for so long lapses.
    pub lapses_after: Duration,
}

impl TwoPersonSettings {
    /// So far back is counted what one person decided on several items at once.
    pub const ITEMS_WITHIN: Duration = Duration::from_secs(3_600);
}

impl Default for TwoPersonSettings {
    fn default() -> Self {
        Self {
            items_over: 10,
            policies: Vec::new(),
            measures: vec![Restricted::Termination],
            lapses_after: Duration::from_secs(24 * 3_600),
        }
    }
}

/// Why this judgement on so many items needs a second person; none if one person is enough. The one place for every such reason. `n_lately` are the items on which the
/// same person decided alike within [`TwoPersonSettings::ITEMS_WITHIN`], several at once each time: what is split into small baskets is counted together.
pub fn reasons_for_second(
    judgement: &Judgement,
    (n_items, n_lately): (usize, usize),
    settings: &TwoPersonSettings,
) -> Vec<SecondReason> {
    let mut reasons = Vec::new();
    if n_items.saturating_add(n_lately) > settings.items_over {
        reasons.push(SecondReason::Items);
    }
    let policy = judgement.policy.filter(|_| judgement.outcome == Outcome::Restrict);
    if policy.is_some_and(|policy| settings.policies.contains(&policy)) {
        reasons.push(SecondReason::Policy);
    }
    let is_grave = |what: Restricted| settings.measures.contains(&what);
    // Where no measure is named, the item itself is restricted if nothing stands.
    let takes_grave = match judgement.measures.is_empty() {
        true => is_grave(Restricted::Item),
        false => judgement.measures.iter().any(|measure| is_grave(measure.what)),
    };
    if judgement.outcome == Outcome::Restrict && takes_grave {
        reasons.push(SecondReason::Measure);
    }
    reasons
}

/// A proposal as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Its id.
    pub id: ProposalId,
    /// Who proposed it: the author of the decisions that it becomes.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Why it needs a second person; empty if it needs none.
    pub reasons: Vec<SecondReason>,
    /// What is proposed. Its revision says nothing: that of each item stands with the item, and so does what is told.
    pub judgement: Judgement,
    /// How far it got.
    pub state: ProposalState,
    /// When it lapses, if nobody looks at it before.
    pub lapses_at: Timestamp,
    /// Who approved, rejected or withdrew it.
    pub ended_by: Option<UserId>,
    /// When it was no longer waiting.
    pub ended_at: Option<Timestamp>,
    /// What they said.
    pub note: String,
    /// When the last of its items was dealt with.
    pub carried_at: Option<Timestamp>,
    /// When all of it was taken back.
    pub undone_at: Option<Timestamp>,
}

/// One item of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedItem {
    /// Which.
    pub item: ItemId,
    /// The revision that was looked at.
    pub revision: i64,
    /// The decision that was in force then.
    pub seen: Option<DecisionId>,
    /// The case that was open about it then.
    pub case: Option<CaseId>,
    /// What the affected person would be told.
    pub notice: Option<Notice>,
    /// What became of it.
    pub state: ProposedState,
    /// The decision that it became.
    pub decision: Option<DecisionId>,
}

/// What cannot be done with a proposal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposalRefused {
    /// It waits no longer.
    #[error("the proposal is {state} already")]
    Ended {
        /// What became of it.
        state: ProposalState,
    },
    /// Nobody is their own second person.
    #[error("whoever proposed it cannot be the second person")]
    SamePerson,
    /// Only who proposed it takes it back.
    #[error("somebody else proposed it")]
    NotYours,
    /// It did not become decisions, or its orders may have left by now.
    #[error("it is too late to undo it")]
    TooLate,
}

impl Proposal {
    /// The most items of one.
    pub const ITEMS_MAX: usize = 500;
    /// The most characters of what is said to one.
    pub const NOTE_LENGTH_MAX: usize = 2_000;

    /// The proposal, to which `user` says yes.
    pub fn approve(self, user: UserId, note: String, now: Timestamp) -> Result<Self, ProposalRefused> {
        self.require_other(user)?;
        if self.state == ProposalState::Waiting && now >= self.lapses_at {
            return Err(ProposalRefused::Ended {
                state: ProposalState::Lapsed,
            });
        }
        self.end(ProposalState::Approved, Some(user), note, now)
    }

    /// The proposal, to which `user` says no.
    pub fn reject(self, user: UserId, note: String, now: Timestamp) -> Result<Self, ProposalRefused> {
        self.require_other(user)?;
        self.end(ProposalState::Rejected, Some(user), note, now)
    }

    /// The proposal, taken back by who made it.
    pub fn withdraw(self, user: UserId, now: Timestamp) -> Result<Self, ProposalRefused> {
        if self.by != user {
            return Err(ProposalRefused::NotYours);
        }
        self.end(ProposalState::Withdrawn, Some(user), String::new(), now)
    }

    /// The proposal, whose time is over or of which nothing is left.
    pub fn end_by_itself(self, state: ProposalState, now: Timestamp) -> Result<Self, ProposalRefused> {
        self.end(state, None, String::new(), now)
    }

    /// Whether its items become decisions.
    pub fn is_agreed(&self) -> bool {
        let is_agreed = match self.state {
            ProposalState::Approved | ProposalState::Alone => true,
            ProposalState::Waiting
            | ProposalState::Rejected
            | ProposalState::Withdrawn
            | ProposalState::Lapsed
            | ProposalState::Stale => false,
        };
        is_agreed && self.undone_at.is_none()
    }

    /// Since when it is agreed; it may have been taken back since.
    pub fn agreed_at(&self) -> Option<Timestamp> {
        match self.state {
            ProposalState::Approved => self.ended_at,
            ProposalState::Alone => Some(self.at),
            ProposalState::Waiting
            | ProposalState::Rejected
            | ProposalState::Withdrawn
            | ProposalState::Lapsed
            | ProposalState::Stale => None,
        }
    }

    /// Who approved it.
    pub fn approved_by(&self) -> Option<UserId> {
        self.ended_by.filter(|_| self.state == ProposalState::Approved)
    }

    fn require_other(&self, user: UserId) -> Result<(), ProposalRefused> {
        match self.by == user {
            true => Err(ProposalRefused::SamePerson),
            false => Ok(()),
        }
    }

    fn end(
        self,
        state: ProposalState,
        by: Option<UserId>,
        note: String,
        now: Timestamp,
    ) -> Result<Self, ProposalRefused> {
        match self.state {
            ProposalState::Waiting => Ok(Self {
                state,
                ended_by: by,
                ended_at: Some(now),
                note,
                ..self
            }),
            state => Err(ProposalRefused::Ended { state }),
        }
    }
}

/// What is proposed, as JSON: all but what differs from item to item.
pub fn judgement_to_json(judgement: &Judgement) -> Value {
    // Taken apart whole, so that whatever a judgement says besides cannot be forgotten here.
    let Judgement {
        revision: _,
        outcome,
        policy,
        measures,
        reason,
        assessment,
        notice: _,
    } = judgement;
    let mut json = json!({
        "outcome": outcome.as_str(), "policy": policy.map(|policy| policy.as_str()), "reason": reason.trim(),
    });
    json["measures"] = measures.iter().map(Measure::to_json).collect();
    if let Some(assessment) = assessment {
        json["assessment"] = assessment.to_json();
    }
    json
}

/// What is proposed, from JSON.
pub fn judgement_of_json(json: &Value) -> Option<Judgement> {
    let policy = match &json["policy"] {
        Value::Null => None,
        word => Some(word.as_str()?.parse().ok()?),
    };
    Some(Judgement {
        revision: 0,
        outcome: json["outcome"].as_str()?.parse().ok()?,
        policy,
        measures: json["measures"]
            .as_array()?
            .iter()
            .map(Measure::of_json)
            .collect::<Option<_>>()?,
        reason: json["reason"].as_str()?.to_owned(),
        assessment: Assessment::of_facts(json),
        notice: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Chance, Lasts, Purpose};

    fn user(seed: u64) -> UserId {
        UserId::fresh(Timestamp::from_unix_ms(1), &Chance::seeded(seed))
    }

    fn proposal(reasons: Vec<SecondReason>) -> Proposal {
        let at = Timestamp::from_unix_ms(1_000);
        Proposal {
            id: ProposalId::fresh(at, &Chance::seeded(1)),
            by: user(1),
            at,
            reasons,
            judgement: Judgement::allow(0, "nothing"),
            state: ProposalState::Waiting,
            lapses_at: at.after(Duration::from_secs(3_600)),
            ended_by: None,
            ended_at: None,
            note: String::new(),
            carried_at: None,
            undone_at: None,
        }
    }

    #[test]
    fn nobody_is_their_own_second_person() {
        let now = Timestamp::from_unix_ms(5_000);
        let waiting = || proposal(vec![SecondReason::Items]);
        assert_eq!(
            waiting().approve(user(1), String::new(), now),
            Err(ProposalRefused::SamePerson)
        );
        assert_eq!(
            waiting().reject(user(1), String::new(), now),
            Err(ProposalRefused::SamePerson)
        );
        assert_eq!(waiting().withdraw(user(2), now), Err(ProposalRefused::NotYours));
        let approved = waiting().approve(user(2), "yes".to_owned(), now).unwrap();
        assert!(approved.is_agreed() && approved.approved_by() == Some(user(2)));
    }

    #[test]
    fn what_lapsed_is_not_approved_any_more() {
        let late = Timestamp::from_unix_ms(1_000).after(Duration::from_secs(3_600));
        let approved = proposal(vec![SecondReason::Items]).approve(user(2), String::new(), late);
        let lapsed = ProposalRefused::Ended {
            state: ProposalState::Lapsed,
        };
        assert_eq!(approved, Err(lapsed));
    }

    #[test]
    fn a_proposal_ends_once() {
        let now = Timestamp::from_unix_ms(5_000);
        let waiting = || proposal(vec![SecondReason::Policy]);
        let ended = [
            waiting().approve(user(2), String::new(), now).unwrap(),
            waiting().reject(user(2), String::new(), now).unwrap(),
            waiting().withdraw(user(1), now).unwrap(),
            waiting().end_by_itself(ProposalState::Lapsed, now).unwrap(),
        ];
        for ended in ended {
            let refused = Err(ProposalRefused::Ended { state: ended.state });
            assert_eq!(ended.clone().approve(user(3), String::new(), now), refused);
            assert_eq!(ended.clone().reject(user(3), String::new(), now), refused);
            assert_eq!(ended.clone().withdraw(user(1), now), refused);
            assert_eq!(ended.is_agreed(), ended.state == ProposalState::Approved);
        }
    }

    #[test]
    fn a_second_person_is_needed_above_a_size_and_for_policies_that_are_named() {
        let settings = TwoPersonSettings {
            policies: vec![PolicyCode::PerpetratorContent],
            ..TwoPersonSettings::default()
        };
        let check = |judgement: &Judgement, n, expected: &[SecondReason]| {
            assert_eq!(
                reasons_for_second(judgement, (n, 0), &settings),
                expected,
                "{judgement:?} on {n}"
            );
        };
        let grave = Judgement::restrict(1, PolicyCode::PerpetratorContent, "x");
        let other = Judgement::restrict(1, PolicyCode::HateSpeech, "x");
        check(&other, 1, &[]);
        check(&other, 10, &[]);
        check(&other, 11, &[SecondReason::Items]);
        // Two small baskets are as much as a large one.
        assert_eq!(reasons_for_second(&other, (5, 5), &settings), []);
        assert_eq!(reasons_for_second(&other, (5, 6), &settings), [SecondReason::Items]);
        check(&Judgement::allow(1, "x"), 11, &[SecondReason::Items]);
        check(&grave, 1, &[SecondReason::Policy]);
        check(&grave, 11, &[SecondReason::Items, SecondReason::Policy]);
        // To let be what might break the policy is no restriction under it.
        let allowed = Judgement {
            policy: Some(PolicyCode::PerpetratorContent),
            ..Judgement::allow(1, "x")
        };
        check(&allowed, 1, &[]);
        let closes = Judgement {
            measures: vec![Measure::new(Restricted::Termination, Lasts::Open)],
            ..other
        };
        check(&closes, 1, &[SecondReason::Measure]);
        let settings = TwoPersonSettings {
            measures: vec![Restricted::Item],
            ..TwoPersonSettings::default()
        };
        // Whoever names no measure may take the item down.
        let unnamed = reasons_for_second(&Judgement::restrict(1, PolicyCode::HateSpeech, "x"), (1, 0), &settings);
        assert_eq!(unnamed, [SecondReason::Measure]);
        assert_eq!(reasons_for_second(&Judgement::allow(1, "x"), (1, 0), &settings), []);
    }

    #[test]
    fn what_is_proposed_is_read_as_it_was_written() {
        let assessment = Assessment {
            purpose: Purpose::Debate,
            note: "a speech".to_owned(),
            rabat: Vec::new(),
        };
        let judgement = Judgement {
            measures: vec![
                Measure::new(Restricted::Item, Lasts::Open),
                Measure::new(Restricted::Account, Lasts::AsItStands),
            ],
            assessment: Some(assessment),
            ..Judgement::restrict(0, PolicyCode::TerroristContent, "It shows how.")
        };
        for judgement in [judgement, Judgement::allow(0, "nothing")] {
            assert_eq!(judgement_of_json(&judgement_to_json(&judgement)), Some(judgement));
        }
        assert_eq!(judgement_of_json(&json!({ "outcome": "restrict" })), None);
    }
}
