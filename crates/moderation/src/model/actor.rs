//! Who acts, and what they may do. An [`Actor`] is the first argument of every flow.

use std::fmt;
use std::str::FromStr;

use super::{KeyId, Scope, UserId};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person who signed in to the console.
    Person {
        /// Which person.
        user: UserId,
        /// What they are at this platform.
        role: Role,
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

/// What a person is at this platform. Each may do what the one before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees cases and decides them.
    Moderator,
    /// Also keeps the banks and retries what was not delivered.
    Lead,
    /// Also keeps users and keys.
    Admin,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Role; 3] = [Role::Moderator, Role::Lead, Role::Admin];

    /// The word for it in tables, JSON and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Moderator => "moderator",
            Role::Lead => "lead",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a role; the roles are moderator, lead and admin")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
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
    /// Take, decide, escalate cases.
    DecideCases,
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
    /// Invite, change and disable users; make and revoke keys.
    ManageAccess,
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
            Right::DecideCases => "decide cases",
            Right::ReadBanks => "read banks",
            Right::WriteBanks => "change banks",
            Right::RetryActions => "retry actions",
            Right::ReadEvents => "read the event log",
            Right::ReadRules => "read the rules",
            Right::ProposeRules => "propose changes of the rules",
            Right::ApproveRules => "approve changes of the rules",
            Right::StopRules => "refuse changes of the rules or roll back",
            Right::ManageAccess => "manage users and keys",
        })
    }
}

impl Actor {
    /// Whether the actor may.
    pub fn may(&self, right: Right) -> bool {
        match self {
            Actor::Operator | Actor::System => true,
            Actor::Person { role, .. } => *role >= least_role(right),
            Actor::Key { scopes, .. } => scope_for(right).is_some_and(|scope| scopes.contains(&scope)),
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

    /// The person, if it is one.
    pub fn user(&self) -> Option<UserId> {
        match self {
            Actor::Person { user, .. } => Some(*user),
            Actor::Key { .. } | Actor::Operator | Actor::System => None,
        }
    }
}

/// As the event log names the actor: an id, never a name.
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

fn least_role(right: Right) -> Role {
    match right {
        Right::ReadItems | Right::ReadCases | Right::DecideCases | Right::ReadBanks | Right::ReadRules => {
            Role::Moderator
        }
        Right::WriteBanks
        | Right::RetryActions
        | Right::ReadEvents
        | Right::SubmitItems
        | Right::ProposeRules
        | Right::ApproveRules
        | Right::StopRules => Role::Lead,
        Right::ManageAccess => Role::Admin,
    }
}

fn scope_for(right: Right) -> Option<Scope> {
    match right {
        Right::SubmitItems => Some(Scope::ItemsWrite),
        Right::ReadItems => Some(Scope::ItemsRead),
        Right::ReadCases => Some(Scope::CasesRead),
        // Deciding is a person's work: no key opens it.
        Right::DecideCases => None,
        Right::ReadBanks => Some(Scope::BanksRead),
        Right::WriteBanks => Some(Scope::BanksWrite),
        Right::RetryActions => Some(Scope::ActionsWrite),
        Right::ReadEvents => Some(Scope::EventsRead),
        Right::ReadRules => Some(Scope::RulesRead),
        Right::ProposeRules => Some(Scope::RulesWrite),
        // The second pair of eyes is a person's: whoever proposed may hold a key.
        Right::ApproveRules => None,
        Right::StopRules => Some(Scope::RulesApprove),
        Right::ManageAccess => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Chance, Timestamp};

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
    fn roles_contain_each_other() {
        let user = UserId::fresh(Timestamp::from_unix_ms(1), &Chance::seeded(1));
        let may = |role, right| Actor::Person { user, role }.may(right);
        assert!(may(Role::Moderator, Right::DecideCases) && !may(Role::Moderator, Right::WriteBanks));
        assert!(may(Role::Lead, Right::WriteBanks) && !may(Role::Lead, Right::ManageAccess));
        assert!(may(Role::Admin, Right::ManageAccess) && may(Role::Admin, Right::DecideCases));
    }
}
