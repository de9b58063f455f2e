//! Users, sessions and API keys, as they are kept and shown. Secrets are never part of these values.

use std::fmt;
use std::str::FromStr;

use super::{KeyId, QueueSet, Roles, Timestamp, UserId};

/// What an API key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Submit and check items.
    ItemsWrite,
    /// Read items, decisions and actions.
    ItemsRead,
    /// Read banks and entries.
    BanksRead,
    /// Make and change banks and entries.
    BanksWrite,
    /// Read cases.
    CasesRead,
    /// Have actions delivered again.
    ActionsWrite,
    /// Read the event log.
    EventsRead,
    /// Read rules, their changes, lists and labels.
    RulesRead,
    /// Propose changes of the rules; keep lists and labels.
    RulesWrite,
    /// Refuse changes of the rules and roll back. Approving is a person's work: no key opens it.
    RulesApprove,
    /// Be the second person for what a colleague proposed to decide, or take back what one proposed oneself. Only a person's token has it.
    ProposalsDecide,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Scope; 11] = [
        Scope::ItemsWrite,
        Scope::ItemsRead,
        Scope::BanksRead,
        Scope::BanksWrite,
        Scope::CasesRead,
        Scope::ActionsWrite,
        Scope::EventsRead,
        Scope::RulesRead,
        Scope::RulesWrite,
        Scope::RulesApprove,
        Scope::ProposalsDecide,
    ];

    /// The scopes that a key of a program can have: all but those of people.
    pub fn of_keys() -> Vec<Scope> {
        Scope::ALL.into_iter().filter(|scope| !scope.is_of_people()).collect()
    }

    /// Whether only the token of a person can have it: it opens what nobody does for somebody else.
    pub const fn is_of_people(self) -> bool {
        match self {
            Scope::ProposalsDecide => true,
            Scope::ItemsWrite
            | Scope::ItemsRead
            | Scope::BanksRead
            | Scope::BanksWrite
            | Scope::CasesRead
            | Scope::ActionsWrite
            | Scope::EventsRead
            | Scope::RulesRead
            | Scope::RulesWrite
            | Scope::RulesApprove => false,
        }
    }

    /// The word for it in tables, JSON and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::ItemsWrite => "items:write",
            Scope::ItemsRead => "items:read",
            Scope::BanksRead => "banks:read",
            Scope::BanksWrite => "banks:write",
            Scope::CasesRead => "cases:read",
            Scope::ActionsWrite => "actions:write",
            Scope::EventsRead => "events:read",
            Scope::RulesRead => "rules:read",
            Scope::RulesWrite => "rules:write",
            Scope::RulesApprove => "rules:approve",
            Scope::ProposalsDecide => "proposals:decide",
        }
    }
}

/// A text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a scope of API keys")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Scope::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or(UnknownScope)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a person can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserState {
    /// Was sent a one-time link and has not used it yet.
    Invited,
    /// Can sign in.
    Active,
    /// Cannot sign in any more; what they did stays theirs in the log.
    Disabled,
}

impl UserState {
    /// The word for it in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            UserState::Invited => "invited",
            UserState::Active => "active",
            UserState::Disabled => "disabled",
        }
    }
}

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// The name they sign in with; seen by colleagues, never by the platform or its users.
    pub name: String,
    /// What they are.
    pub roles: Roles,
    /// Whose cases they see: those of these queues.
    pub queues: QueueSet,
    /// Whether they can sign in.
    pub state: UserState,
    /// When they were invited.
    pub created_at: Timestamp,
    /// When they last signed in.
    pub signed_in_at: Option<Timestamp>,
}

/// The public name of a session: the first half of its token's hash, which opens nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionId(String);

impl SessionId {
    /// How many characters of the hash it takes.
    pub const LENGTH: usize = 32;

    /// The name of the session whose token has this hash.
    pub fn of_hash(token_hash: &str) -> Self {
        Self(token_hash.chars().take(Self::LENGTH).collect())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A session as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLine {
    /// Its name.
    pub id: SessionId,
    /// When its person signed in.
    pub created_at: Timestamp,
    /// When it was last used, to about a minute.
    pub seen_at: Timestamp,
    /// Roughly which browser; empty if it is not known.
    pub agent: String,
}

/// A person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// Who.
    pub user: User,
    /// The token that forms of this session must carry.
    pub csrf_token: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used, to about a minute.
    pub seen_at: Timestamp,
}

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// What it opens.
    pub scopes: Vec<Scope>,
    /// Who made it, if a person did: what it proposes they do not approve.
    pub made_by: Option<UserId>,
    /// The person as whom it acts, if it is a token of theirs.
    pub person: Option<UserId>,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to about a minute.
    pub used_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}
