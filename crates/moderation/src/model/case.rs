//! A case: work for a person. Its states and how one becomes the other.
//!
//! ```text
//! Open ──close──► Closed          (a closed case stays closed; a new submission of the item opens a new one)
//!   ▲ └───────reopen──┘            (but for who closed it, for as long as the decision can be undone)
//!   └─take/release/escalate─┘
//! ```

use std::time::Duration;

use super::{Actor, CaseId, DecisionId, ItemId, Queue, Timestamp, UserId};

/// A case as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its id.
    pub id: CaseId,
    /// The item that it is about.
    pub item: ItemId,
    /// Where it waits.
    pub queue: Queue,
    /// The higher, the sooner within its queue.
    pub priority: i32,
    /// Why it was opened, in words.
    pub reason: String,
    /// Open or closed.
    pub state: CaseState,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// The decision that opened it.
    pub opened_by: DecisionId,
}

/// Open or closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseState {
    /// Waits for a person.
    Open {
        /// Who holds it, if anyone.
        lease: Option<Lease>,
    },
    /// Was decided.
    Closed {
        /// When.
        at: Timestamp,
        /// By whom.
        by: UserId,
        /// How.
        decision: DecisionId,
    },
}

/// A person holds a case so that no second one works on it at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it.
    pub holder: UserId,
    /// Until when.
    pub until: Timestamp,
}

/// What cannot be done with a case in its state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTransition {
    /// The case was decided before.
    #[error("the case was closed before, by {decision}")]
    AlreadyClosed {
        /// How.
        decision: DecisionId,
    },
    /// Someone else holds the case.
    #[error("the case is held by a colleague until {until}")]
    HeldByAnother {
        /// Until when.
        until: Timestamp,
    },
    /// The case waits in that queue already.
    #[error("the case is in that queue already")]
    SameQueue,
}

impl Case {
    /// How long a person holds a case that they took.
    pub const LEASE: Duration = Duration::from_secs(15 * 60);

    /// The lease in force at `now`.
    pub fn lease(&self, now: Timestamp) -> Option<Lease> {
        match self.state {
            CaseState::Open { lease } => lease.filter(|lease| lease.until > now),
            CaseState::Closed { .. } => None,
        }
    }

    /// Whether the actor reaches it: it waits in a queue that they work on, or they hold it. One that moves to another queue
    /// stays with who is in the middle of it.
    pub fn is_open_to(&self, actor: &Actor, now: Timestamp) -> bool {
        let is_held = || self.lease(now).is_some_and(|lease| Some(lease.holder) == actor.user());
        actor.queues().has(self.queue) || is_held()
    }

    /// The case, held by `user` from `now`.
    pub fn take(self, user: UserId, now: Timestamp) -> Result<Self, InvalidTransition> {
        self.may_be_worked_on_by(user, now)?;
        let lease = Some(Lease {
            holder: user,
            until: now.after(Self::LEASE),
        });
        Ok(Self {
            state: CaseState::Open { lease },
            ..self
        })
    }

    /// The case, held by nobody.
    pub fn release(self, user: UserId, now: Timestamp) -> Result<Self, InvalidTransition> {
        self.may_be_worked_on_by(user, now)?;
        Ok(Self {
            state: CaseState::Open { lease: None },
            ..self
        })
    }

    /// The case, waiting in the queue of what is hard.
    pub fn escalate(self, user: UserId, now: Timestamp) -> Result<Self, InvalidTransition> {
        self.may_be_worked_on_by(user, now)?;
        if self.queue == Queue::Escalated {
            return Err(InvalidTransition::SameQueue);
        }
        Ok(Self {
            queue: Queue::Escalated,
            state: CaseState::Open { lease: None },
            ..self
        })
    }

    /// The case, decided.
    pub fn close(self, user: UserId, decision: DecisionId, now: Timestamp) -> Result<Self, InvalidTransition> {
        self.may_be_worked_on_by(user, now)?;
        Ok(Self {
            state: CaseState::Closed {
                at: now,
                by: user,
                decision,
            },
            ..self
        })
    }

    /// The case as it was before `decision` closed it, held by who did; none if something else closed it.
    pub fn reopen(self, user: UserId, decision: DecisionId, now: Timestamp) -> Option<Self> {
        match self.state {
            CaseState::Closed { by, decision: how, .. } if by == user && how == decision => Some(Self {
                state: CaseState::Open {
                    lease: Some(Lease {
                        holder: user,
                        until: now.after(Self::LEASE),
                    }),
                },
                ..self
            }),
            CaseState::Closed { .. } | CaseState::Open { .. } => None,
        }
    }

    fn may_be_worked_on_by(&self, user: UserId, now: Timestamp) -> Result<(), InvalidTransition> {
        if let CaseState::Closed { decision, .. } = self.state {
            return Err(InvalidTransition::AlreadyClosed { decision });
        }
        match self.lease(now) {
            Some(lease) if lease.holder != user => Err(InvalidTransition::HeldByAnother { until: lease.until }),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Chance;

    fn ids() -> (Case, UserId, UserId, DecisionId) {
        let (t, chance) = (Timestamp::from_unix_ms(1_000), Chance::seeded(3));
        let decision = DecisionId::fresh(t, &chance);
        let case = Case {
            id: CaseId::fresh(t, &chance),
            item: "post-1".parse().unwrap(),
            queue: Queue::Matches,
            priority: 0,
            reason: String::new(),
            state: CaseState::Open { lease: None },
            opened_at: t,
            opened_by: decision,
        };
        (case, UserId::fresh(t, &chance), UserId::fresh(t, &chance), decision)
    }

    #[test]
    fn two_people_cannot_hold_one_case_until_the_lease_runs_out() {
        let (case, amal, ben, decision) = ids();
        let now = Timestamp::from_unix_ms(5_000);
        let held = case.take(amal, now).unwrap();
        assert!(matches!(
            held.clone().take(ben, now),
            Err(InvalidTransition::HeldByAnother { .. })
        ));
        assert!(matches!(
            held.clone().close(ben, decision, now),
            Err(InvalidTransition::HeldByAnother { .. })
        ));
        let later = now.after(Case::LEASE);
        assert!(held.clone().take(ben, later).is_ok());
        assert!(held.close(amal, decision, later).is_ok());
    }

    #[test]
    fn a_closed_case_stays_closed() {
        let (case, amal, ben, decision) = ids();
        let now = Timestamp::from_unix_ms(5_000);
        let closed = case.close(amal, decision, now).unwrap();
        for user in [amal, ben] {
            assert_eq!(
                closed.clone().take(user, now),
                Err(InvalidTransition::AlreadyClosed { decision })
            );
            assert_eq!(
                closed.clone().escalate(user, now),
                Err(InvalidTransition::AlreadyClosed { decision })
            );
            assert_eq!(
                closed.clone().close(user, decision, now),
                Err(InvalidTransition::AlreadyClosed { decision })
            );
        }
    }

    #[test]
    fn only_who_closed_a_case_opens_it_again() {
        let (case, amal, ben, decision) = ids();
        let now = Timestamp::from_unix_ms(5_000);
        let other = DecisionId::fresh(now, &Chance::seeded(9));
        assert_eq!(case.clone().reopen(amal, decision, now), None);
        let closed = case.close(amal, decision, now).unwrap();
        assert_eq!(closed.clone().reopen(ben, decision, now), None);
        assert_eq!(closed.clone().reopen(amal, other, now), None);
        let open = closed.reopen(amal, decision, now).unwrap();
        assert!(matches!(
            open.clone().take(ben, now),
            Err(InvalidTransition::HeldByAnother { .. })
        ));
        assert!(open.take(amal, now).is_ok());
    }

    #[test]
    fn an_escalated_case_is_free_to_be_taken() {
        let (case, amal, ben, _) = ids();
        let now = Timestamp::from_unix_ms(5_000);
        let escalated = case.take(amal, now).unwrap().escalate(amal, now).unwrap();
        assert_eq!(escalated.queue, Queue::Escalated);
        assert!(escalated.take(ben, now).is_ok());
    }
}
