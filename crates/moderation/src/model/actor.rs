//! Who acts, and what they may do. An [`Actor`] is the first argument of every flow.

use std::fmt;

use super::{KeyId, QueueSet, Roles, Scope, UserId};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person who signed in to the console, or a program that holds a token of theirs.
    Person {
        /// Which person.
        user: UserId,
        /// What they are at this platform.
        roles: Roles,
        /// Which queues they work on.
        queues: QueueSet,
        /// The token that a program acts by, if it is one.
        token: Option<Token>,
    },
    /// A program of the platform that holds an API key.
    Key {
        /// Which key.
        key: KeyId,
        /// What the key opens.
        scopes: Vec<Scope>,
    },
    /// Whoever has a shell on the machine: the command line.
    Operator,
    /// Seawall itself: the worker that delivers, the rule that decided.
    System,
}

/// A personal token, as a program holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Which.
    pub key: KeyId,
    /// What it opens of what its person may.
    pub scopes: Vec<Scope>,
}

/// Something that one needs a right to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Submit items and be told the verdict.
    SubmitItems,
    /// Read items, decisions, actions.
    ReadItems,
    /// Read cases, their evidence and previews.
    ReadCases,
    /// See pictures without their blur.
    RevealMedia,
    /// Take, decide, escalate cases.
    DecideCases,
    /// Take a case over that a colleague holds.
    TakeOverCases,
    /// Be the second person: approve or reject what a colleague proposed to decide.
    ApproveProposals,
    /// Say who is on shift when, and who has which skills.
    PlanShifts,
    /// Read banks and entries.
    ReadBanks,
    /// Make and change banks and entries.
    WriteBanks,
    /// Have an order delivered again.
    RetryActions,
    /// Read the event log.
    ReadEvents,
    /// Read rules, their changes, lists and labels.
    ReadRules,
    /// Propose changes of the rules, backtest them and put them in shadow; keep lists and labels.
    ProposeRules,
    /// Make rules live that somebody else proposed.
    ApproveRules,
    /// Refuse changes of the rules, and go back to rules that were live before.
    StopRules,
    /// See how much each person looked at, never what.
    ReadWorkload,
    /// See how right decisions are and how the desk keeps up, in figures without names.
    ReadQuality,
    /// Settle which of two answers is right, keep golden cases, choose how much is asked twice.
    SettleReviews,
    /// Invite, change and disable users; make and revoke keys.
    ManageAccess,
}

impl Right {
    /// All rights.
    pub const ALL: [Right; 20] = [
        Right::SubmitItems,
        Right::ReadItems,
        Right::ReadCases,
        Right::RevealMedia,
        Right::DecideCases,
        Right::TakeOverCases,
        Right::ApproveProposals,
        Right::PlanShifts,
        Right::ReadBanks,
        Right::WriteBanks,
        Right::RetryActions,
        Right::ReadEvents,
        Right::ReadRules,
        Right::ProposeRules,
        Right::ApproveRules,
        Right::StopRules,
        Right::ReadWorkload,
        Right::ReadQuality,
        Right::SettleReviews,
        Right::ManageAccess,
    ];
}

/// The actor has no right to do this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} may not {}", .actor, .right)]
pub struct Denied {
    /// Who wanted to, as the event log names them.
    pub actor: String,
    /// What they wanted.
    pub right: Right,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Right::SubmitItems => "submit items",
            Right::ReadItems => "read items",
            Right::ReadCases => "read cases",
            Right::RevealMedia => "see pictures without their blur",
            Right::DecideCases => "decide cases",
            Right::TakeOverCases => "take cases over",
            Right::ApproveProposals => "approve decisions as the second person",
            Right::PlanShifts => "plan shifts and skills",
            Right::ReadBanks => "read banks",
            Right::WriteBanks => "change banks",
            Right::RetryActions => "retry actions",
            Right::ReadEvents => "read the event log",
            Right::ReadRules => "read the rules",
            Right::ProposeRules => "propose changes of the rules",
            Right::ApproveRules => "approve changes of the rules",
            Right::StopRules => "refuse changes of the rules or roll back",
            Right::ReadWorkload => "see how much people looked at",
            Right::ReadQuality => "see the figures of quality and of the desk",
            Right::SettleReviews => "settle blind reviews and keep golden cases",
            Right::ManageAccess => "manage users and keys",
        })
    }
}

impl Actor {
    /// A person who signed in and works on all queues.
    pub fn person(user: UserId, roles: Roles) -> Self {
        Actor::Person {
            user,
            roles,
            queues: QueueSet::All,
            token: None,
        }
    }

    /// Whether the actor may.
    pub fn may(&self, right: Right) -> bool {
        let opened = |scopes: &[Scope]| scope_for(right).is_some_and(|scope| scopes.contains(&scope));
        match self {
            Actor::Operator | Actor::System => true,
            Actor::Person { roles, token, .. } => {
                roles.give(right) && token.as_ref().is_none_or(|token| opened(&token.scopes))
            }
            Actor::Key { scopes, .. } => opened(scopes) && !scope_for(right).is_some_and(Scope::is_of_people),
        }
    }

    /// The person who says yes or no to what was proposed, or takes it back: somebody who decides cases, by themselves or by a token of theirs that opens
    /// this. Nobody does so blindly: what cannot be read cannot be ended.
    pub fn judges_proposals(&self) -> Result<UserId, Denied> {
        self.require(Right::ReadCases)?;
        match self {
            Actor::Person {
                user,
                roles,
                token: Some(token),
                ..
            } if roles.give(Right::DecideCases) && token.scopes.contains(&Scope::ProposalsDecide) => Ok(*user),
            Actor::Person { user, token: None, .. } if self.may(Right::DecideCases) => Ok(*user),
            Actor::Person { .. } | Actor::Key { .. } | Actor::Operator | Actor::System => Err(Denied {
                actor: self.to_string(),
                right: Right::DecideCases,
            }),
        }
    }

    /// The queues whose cases the actor sees. Programs and the command line see all.
    pub fn queues(&self) -> &QueueSet {
        match self {
            Actor::Person { queues, .. } => queues,
            Actor::Key { .. } | Actor::Operator | Actor::System => &QueueSet::All,
        }
    }

    /// Nothing, if the actor may.
    pub fn require(&self, right: Right) -> Result<(), Denied> {
        if self.may(right) {
            Ok(())
        } else {
            Err(Denied {
                actor: self.to_string(),
                right,
            })
        }
    }

    /// The personal token that acts, if it is one.
    pub fn token(&self) -> Option<KeyId> {
        match self {
            Actor::Person { token, .. } => token.as_ref().map(|token| token.key),
            Actor::Key { .. } | Actor::Operator | Actor::System => None,
        }
    }

    /// The person, if it is one.
    pub fn user(&self) -> Option<UserId> {
        match self {
            Actor::Person { user, .. } => Some(*user),
            Actor::Key { .. } | Actor::Operator | Actor::System => None,
        }
    }
}

/// As the event log names the actor: an id, never a name. Of a token it is its person: the line says which token beside it.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Person { user, .. } => write!(f, "{user}"),
            Actor::Key { key, .. } => write!(f, "{key}"),
            Actor::Operator => f.write_str("operator"),
            Actor::System => f.write_str("system"),
        }
    }
}

/// The scope by which a key or a token opens it; none if only a person does it, signed in.
pub fn scope_for(right: Right) -> Option<Scope> {
    match right {
        Right::SubmitItems => Some(Scope::ItemsWrite),
        Right::ReadItems => Some(Scope::ItemsRead),
        Right::ReadCases | Right::RevealMedia => Some(Scope::CasesRead),
        // Deciding is a person's work: no key opens it.
        Right::DecideCases | Right::TakeOverCases | Right::PlanShifts => None,
        // The second person's yes or no may come from a program of theirs: the scope is one that only their token has.
        Right::ApproveProposals => Some(Scope::ProposalsDecide),
        Right::ReadBanks => Some(Scope::BanksRead),
        Right::WriteBanks => Some(Scope::BanksWrite),
        Right::RetryActions => Some(Scope::ActionsWrite),
        Right::ReadEvents => Some(Scope::EventsRead),
        Right::ReadRules => Some(Scope::RulesRead),
        Right::ProposeRules => Some(Scope::RulesWrite),
        // The second pair of eyes is a person's: whoever proposed may hold a key.
        Right::ApproveRules => None,
        Right::StopRules => Some(Scope::RulesApprove),
        // Figures without names: whoever reads the log could count them.
        Right::ReadQuality => Some(Scope::EventsRead),
        Right::SettleReviews | Right::ReadWorkload | Right::ManageAccess => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Chance, Role, Timestamp};

    #[test]
    fn a_key_opens_its_scopes_and_never_decides() {
        let key = KeyId::fresh(Timestamp::from_unix_ms(1), &Chance::seeded(1));
        let actor = Actor::Key {
            key,
            scopes: Scope::ALL.to_vec(),
        };
        assert!(actor.may(Right::SubmitItems));
        assert!(!actor.may(Right::DecideCases));
        assert!(!actor.may(Right::ManageAccess));
        assert!(!actor.may(Right::ApproveRules) && actor.may(Right::StopRules));
        assert!(!actor.may(Right::ApproveProposals) && actor.judges_proposals().is_err());
        let narrow = Actor::Key {
            key,
            scopes: vec![Scope::ItemsRead],
        };
        assert_eq!(
            narrow.require(Right::SubmitItems).map_err(|e| e.right),
            Err(Right::SubmitItems)
        );
    }

    #[test]
    fn a_token_opens_no_more_than_its_person_may() {
        let user = UserId::fresh(Timestamp::from_unix_ms(1), &Chance::seeded(1));
        let token_of = |role: Role| Actor::Person {
            user,
            roles: role.into(),
            queues: QueueSet::All,
            token: Some(Token {
                key: KeyId::fresh(Timestamp::from_unix_ms(1), &Chance::seeded(1)),
                scopes: vec![Scope::ItemsRead, Scope::EventsRead],
            }),
        };
        let check = |role, right, expected| assert_eq!(token_of(role).may(right), expected, "{role} {right}");
        check(Role::Moderator, Right::ReadItems, true);
        check(Role::Moderator, Right::ReadEvents, false);
        check(Role::Moderator, Right::DecideCases, false);
        check(Role::Admin, Right::ReadEvents, true);
        check(Role::Admin, Right::ReadCases, false);
        check(Role::Admin, Right::ManageAccess, false);
        assert_eq!(token_of(Role::Admin).to_string(), user.to_string());
    }

    #[test]
    fn a_token_ends_proposals_with_its_scope_and_the_rights_of_its_person() {
        let user = UserId::fresh(Timestamp::from_unix_ms(1), &Chance::seeded(1));
        let ends = |role: Role, scopes: Option<&[Scope]>| {
            let actor = Actor::Person {
                user,
                roles: role.into(),
                queues: QueueSet::All,
                token: scopes.map(|scopes| Token {
                    key: KeyId::fresh(Timestamp::from_unix_ms(1), &Chance::seeded(1)),
                    scopes: scopes.to_vec(),
                }),
            };
            (actor.may(Right::ApproveProposals), actor.judges_proposals().is_ok())
        };
        let both: &[Scope] = &[Scope::CasesRead, Scope::ProposalsDecide];
        assert_eq!(ends(Role::Lead, None), (true, true));
        assert_eq!(ends(Role::Lead, Some(both)), (true, true));
        assert_eq!(
            ends(Role::Lead, Some(&[Scope::ProposalsDecide])),
            (true, false),
            "blindly"
        );
        assert_eq!(ends(Role::Lead, Some(&[Scope::CasesRead])), (false, false));
        assert_eq!(ends(Role::Moderator, Some(both)), (false, true), "takes back their own");
        assert_eq!(ends(Role::Auditor, Some(both)), (false, false));
    }
}
