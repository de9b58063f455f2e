//! An action: what is ordered from the platform, and how far it got.
//!
//! ```text
//! Waiting ──attempt fails──► Retrying ──…──► Dead ──retry by a person──► Waiting
//!    └──────────────┬───────────┘
//!                   ├─ the platform says done, already_done, gone ──► Confirmed
//!                   └─ the platform says refused ──────────────────► Refused ──retry──► Waiting
//! ```

use super::{ActionId, DecisionId, ItemId, Timestamp};
use policy::words;

words! {
    /// What is ordered.
    ActionKind, "a kind of action" {
        /// Make the item unavailable, reversibly.
        Restrict = "restrict",
        /// Make it available again.
        Restore = "restore",
    }
}

words! {
    /// What is restricted, or available again.
    Restricted, "what can be restricted" {
        /// The item itself.
        Item = "item",
        /// How far it is shown to others.
        Reach = "reach",
        /// Its comments.
        Comments = "comments",
        /// The account that posted it, for a time.
        Account = "account",
    }
}

words! {
    /// What the platform answered.
    Answer, "an answer to an action" {
        /// It did it.
        Done = "done",
        /// It had been done before.
        AlreadyDone = "already_done",
        /// The item exists no more.
        Gone = "gone",
        /// It will not do it.
        Refused = "refused",
    }
}

/// How far an action got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionState {
    /// Not tried yet.
    Waiting,
    /// Tried; will be tried again.
    Retrying {
        /// What went wrong the last time, in words.
        error: String,
        /// When it is tried next.
        next_at: Timestamp,
    },
    /// Tried for so long that Seawall gave up. A person can have it tried again.
    Dead {
        /// What went wrong the last time, in words.
        error: String,
    },
    /// The platform confirmed it.
    Confirmed {
        /// What it said.
        answer: Answer,
        /// When.
        at: Timestamp,
    },
    /// The platform said that it will not.
    Refused {
        /// When.
        at: Timestamp,
        /// What it said, in words.
        detail: String,
    },
}

impl ActionState {
    /// The word for it in tables and JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            ActionState::Waiting => "waiting",
            ActionState::Retrying { .. } => "retrying",
            ActionState::Dead { .. } => "dead",
            ActionState::Confirmed { .. } => "confirmed",
            ActionState::Refused { .. } => "refused",
        }
    }

    /// The words of the states in which the action will still be tried.
    pub const UNFINISHED: [&'static str; 2] = ["waiting", "retrying"];

    /// Whether the action will still be tried.
    pub const fn is_unfinished(&self) -> bool {
        match self {
            ActionState::Waiting | ActionState::Retrying { .. } => true,
            ActionState::Dead { .. } | ActionState::Confirmed { .. } | ActionState::Refused { .. } => false,
        }
    }
}

/// An action as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Its id; also the idempotency key that the platform sees.
    pub id: ActionId,
    /// The item.
    pub item: ItemId,
    /// What is ordered.
    pub kind: ActionKind,
    /// Of what.
    pub what: Restricted,
    /// Until when, if it has an end; the platform is told then, too.
    pub until: Option<Timestamp>,
    /// The decision that ordered it.
    pub decision: DecisionId,
    /// How far it got.
    pub state: ActionState,
    /// How often it was tried since it was ordered or retried.
    pub attempts: u32,
    /// When it was ordered.
    pub ordered_at: Timestamp,
}
