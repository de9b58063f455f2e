//! A case: work for a person. Its states and how one becomes the other.
//!
//! ```text
//! Open ──close──► Closed          (a closed case stays closed; a new submission of the item opens a new one)
//!   ▲ └───────reopen──┘            (but for who closed it, for as long as the decision can be undone)
//!   └─take/release/escalate─┘
//! ```

use std::time::Duration;

use super::{Actor, CaseId, DecisionId, ItemId, Place, Queue, Timestamp, UserId};

/// A case as it is kept.
#[derive(Debug, Clone, PartialEq)]
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
    /// Where it stands among those that wait.
    pub place: Place,
    /// Since when whoever holds it, or held it last, has worked on it.
    pub taken_at: Option<Timestamp>,
    /// From whom it was taken over while they held it, and why.
    pub taken_over: Option<TakenOver>,
}

/// A case was taken from somebody who held it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOver {
    /// From whom.
    pub from: UserId,
    /// Why, in the words of who took it.
    pub note: String,
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
    /// It was the actor's, and a colleague took it over.
    #[error("a colleague took the case over: {note}")]
    TakenOver {
        /// Until when they hold it.
        until: Timestamp,
        /// Why they took it.
        note: String,
    },
    /// The actor does not hold it: there is nothing to renew, and nobody to take it from.
    #[error("nobody holds the case, or not who should")]
    NotHeld,
    /// It was held for as long as anyone may without taking it anew.
    #[error("the case was held for as long as it may be; take it again")]
    HeldTooLong,
    /// The case waits in that queue already.
    #[error("the case is in that queue already")]
    SameQueue,
}

impl Case {
    /// How long a person holds a case that they took.
    pub const LEASE: Duration = Duration::from_secs(15 * 60);
    /// How long it stays theirs once they have left its page: a page that is loaded anew takes it up again.
    pub const LEAVE: Duration = Duration::from_secs(90);
    /// How long an open page renews it. A page that nobody closed shall not keep a case for ever.
    pub const HOLD_MAX: Duration = Duration::from_secs(4 * 3600);

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
        let is_mine = self.lease(now).is_some();
        let (taken_at, taken_over) = match is_mine {
            // The note stays until the case is somebody else's.
            true => (self.taken_at, self.taken_over.clone()),
            false => (Some(now), None),
        };
        Ok(Self {
            state: held_by(user, now.after(Self::LEASE)),
            taken_at,
            taken_over,
            ..self
        })
    }

    /// The case, held by the same person for longer: they look at it still. It may have run out, if nobody took it since.
    pub fn renew(self, user: UserId, now: Timestamp) -> Result<Self, InvalidTransition> {
        self.may_be_worked_on_by(user, now)?;
        match (&self.state, self.taken_at) {
            (CaseState::Open { lease: Some(lease) }, Some(taken_at)) if lease.holder == user => {
                if now.since(taken_at) >= Self::HOLD_MAX {
                    return Err(InvalidTransition::HeldTooLong);
                }
                Ok(Self {
                    state: held_by(user, now.after(Self::LEASE)),
                    ..self
                })
            }
            (_, _) => Err(InvalidTransition::NotHeld),
        }
    }

    /// The case, whose holder has left its page: soon it is free, and not at once, for they may only have loaded the page anew.
    pub fn leave(self, user: UserId, now: Timestamp) -> Result<Self, InvalidTransition> {
        self.may_be_worked_on_by(user, now)?;
        match self.lease(now) {
            Some(lease) => Ok(Self {
                state: held_by(user, lease.until.min(now.after(Self::LEAVE))),
                ..self
            }),
            None => Err(InvalidTransition::NotHeld),
        }
    }

    /// The case, held by `user` in place of whoever holds it now.
    pub fn take_over(self, user: UserId, note: String, now: Timestamp) -> Result<Self, InvalidTransition> {
        if let CaseState::Closed { decision, .. } = self.state {
            return Err(InvalidTransition::AlreadyClosed { decision });
        }
        match self.lease(now) {
            Some(lease) if lease.holder != user => Ok(Self {
                state: held_by(user, now.after(Self::LEASE)),
                taken_at: Some(now),
                taken_over: Some(TakenOver {
                    from: lease.holder,
                    note,
                }),
                ..self
            }),
            Some(_) | None => Err(InvalidTransition::NotHeld),
        }
    }

    /// The case, held by nobody.
    pub fn release(self, user: UserId, now: Timestamp) -> Result<Self, InvalidTransition> {
        self.may_be_worked_on_by(user, now)?;
        Ok(Self {
            state: CaseState::Open { lease: None },
            taken_at: None,
            taken_over: None,
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
            taken_at: None,
            taken_over: None,
            ..self
        })
    }

    /// The case, decided.
    pub fn close(self, user: UserId, decision: DecisionId, now: Timestamp) -> Result<Self, InvalidTransition> {
        self.may_be_worked_on_by(user, now)?;
        // Who decides without having taken it has not worked on it since some colleague did.
        let taken_at = self.lease(now).and(self.taken_at);
        Ok(Self {
            state: CaseState::Closed {
                at: now,
                by: user,
                decision,
            },
            taken_at,
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
        match (self.lease(now), &self.taken_over) {
            (Some(lease), Some(taken)) if lease.holder != user && taken.from == user => {
                let (until, note) = (lease.until, taken.note.clone());
                Err(InvalidTransition::TakenOver { until, note })
            }
            (Some(lease), _) if lease.holder != user => Err(InvalidTransition::HeldByAnother { until: lease.until }),
            (_, _) => Ok(()),
        }
    }
}

fn held_by(holder: UserId, until: Timestamp) -> CaseState {
    CaseState::Open {
        lease: Some(Lease { holder, until }),
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
            place: Place::by_age(t),
            taken_at: None,
            taken_over: None,
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

    #[test]
    fn a_lease_is_renewed_while_its_holder_looks_and_not_for_ever() {
        let (case, amal, ben, _) = ids();
        let start = Timestamp::from_unix_ms(5_000);
        assert_eq!(case.clone().renew(amal, start), Err(InvalidTransition::NotHeld));
        let mut held = case.take(amal, start).unwrap();
        let mut now = start;
        while now.since(start) < Case::HOLD_MAX {
            held = held.renew(amal, now).unwrap();
            assert!(matches!(
                held.clone().renew(ben, now),
                Err(InvalidTransition::HeldByAnother { .. })
            ));
            now = now.after(Duration::from_secs(600));
        }
        assert_eq!(held.clone().renew(amal, now), Err(InvalidTransition::HeldTooLong));
        // It ran out and nobody took it: its holder's page takes it up again. Once somebody did, it does not.
        let (again, _, _, _) = ids();
        let ran_out = again.take(amal, start).unwrap();
        let later = start.after(Case::LEASE);
        assert!(ran_out.clone().renew(amal, later).is_ok());
        let taken = ran_out.take(ben, later).unwrap();
        assert!(taken.renew(amal, later).is_err());
    }

    #[test]
    fn who_leaves_gives_it_back_soon_and_only_what_is_theirs() {
        let (case, amal, ben, decision) = ids();
        let now = Timestamp::from_unix_ms(5_000);
        let left = case.clone().take(amal, now).unwrap().leave(amal, now).unwrap();
        assert!(
            left.clone().take(ben, now).is_err(),
            "a page that is loaded anew finds its case"
        );
        assert!(left.clone().take(ben, now.after(Case::LEAVE)).is_ok());
        assert!(left.renew(amal, now.after(Case::LEAVE)).is_ok());
        assert_eq!(case.clone().leave(amal, now), Err(InvalidTransition::NotHeld));
        let held = case.take(amal, now).unwrap();
        assert!(held.clone().leave(ben, now).is_err());
        let closed = held.close(amal, decision, now).unwrap();
        assert_eq!(
            closed.leave(amal, now),
            Err(InvalidTransition::AlreadyClosed { decision })
        );
    }

    #[test]
    fn who_was_taken_over_from_is_told_why() {
        let (case, amal, ben, decision) = ids();
        let now = Timestamp::from_unix_ms(5_000);
        let note = || "off shift".to_owned();
        assert_eq!(
            case.clone().take_over(ben, note(), now),
            Err(InvalidTransition::NotHeld),
            "what is free is taken, not taken over"
        );
        let taken = case.take(amal, now).unwrap().take_over(ben, note(), now).unwrap();
        let refused = InvalidTransition::TakenOver {
            until: now.after(Case::LEASE),
            note: note(),
        };
        assert_eq!(taken.clone().close(amal, decision, now), Err(refused.clone()));
        assert_eq!(taken.clone().renew(amal, now), Err(refused.clone()));
        assert_eq!(taken.clone().leave(amal, now), Err(refused.clone()));
        assert_eq!(taken.clone().take(ben, now).unwrap().release(amal, now), Err(refused));
        assert!(taken.clone().close(ben, decision, now).is_ok());
        assert!(taken.release(ben, now).unwrap().take(amal, now).is_ok());
    }
}
