//! An action: what is ordered from the platform, and how far it got.
//!
//! ```text
//! Waiting ──attempt fails──► Retrying ──…──► Dead ──retry by a person──► Waiting
//!    │└─────────────┬───────────┘
//!    │              ├─ the platform says done, already_done, gone ──► Confirmed
//!    │              └─ the platform says refused ──────────────────► Refused ──retry──► Waiting
//!    └─ the decision is undone before anything left ──► Withdrawn
//!
//! Confirmed ──a re-check finds that it is not so──► Waiting, once; then Doubtful ──retry by a person──► Waiting
//! ```

use super::{ActionId, DecisionId, ItemId, Restricted, Timestamp};
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

words! {
    /// What a re-check found an item, or a part of what belongs to it, to be.
    Found, "what a re-check finds" {
        /// Everybody has it.
        Available = "available",
        /// It is restricted.
        Restricted = "restricted",
        /// It exists no more.
        Gone = "gone",
        /// There was no answer that says.
        Unknown = "unknown",
    }
}

impl Found {
    /// Whether it is as ordered; `None`, if nobody knows.
    pub const fn agrees_with(self, kind: ActionKind) -> Option<bool> {
        match (self, kind) {
            (Found::Unknown, _) => None,
            (Found::Gone, _) | (Found::Restricted, ActionKind::Restrict) | (Found::Available, ActionKind::Restore) => {
                Some(true)
            }
            (Found::Available, ActionKind::Restrict) | (Found::Restricted, ActionKind::Restore) => Some(false),
        }
    }
}

/// What one re-check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recheck {
    /// The action.
    pub action: ActionId,
    /// Which giving of the order it was about, from 1.
    pub run: u32,
    /// The how many-th re-check of that, from 1.
    pub n: u32,
    /// When.
    pub at: Timestamp,
    /// What was found.
    pub found: Found,
    /// Why nothing was found, in words.
    pub detail: String,
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
    /// The decision was undone before anything left: the platform never heard of it.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
    /// The platform confirmed it, and re-checks found that it is not so, or could not find out. A person can have it given again.
    Doubtful {
        /// What the platform had said.
        answer: Answer,
        /// What was found.
        found: Found,
        /// When.
        at: Timestamp,
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
            ActionState::Withdrawn { .. } => "withdrawn",
            ActionState::Doubtful { .. } => "doubtful",
        }
    }

    /// The words of the states in which the action will still be tried.
    pub const UNFINISHED: [&'static str; 2] = ["waiting", "retrying"];

    /// Whether the action will still be tried.
    pub const fn is_unfinished(&self) -> bool {
        match self {
            ActionState::Waiting | ActionState::Retrying { .. } => true,
            ActionState::Dead { .. }
            | ActionState::Confirmed { .. }
            | ActionState::Refused { .. }
            | ActionState::Withdrawn { .. }
            | ActionState::Doubtful { .. } => false,
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
    /// In which countries, with which label, which service: see [`super::Measure`]. Empty for all others.
    pub scope: String,
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
    /// Not before this does it leave: until then the decision can be undone.
    pub held_until: Option<Timestamp>,
    /// How often it was given, from 1. It is given anew, under a key of its own, where a re-check found that it was not carried out.
    pub run: u32,
}

impl Action {
    /// The word of the order.
    pub fn order_word(&self) -> String {
        self.what.order_word(self.kind)
    }

    /// The idempotency key under which the platform hears of it: what was confirmed and not done would else be taken for a repeat.
    pub fn key(&self) -> String {
        match self.run {
            0 | 1 => self.id.to_string(),
            run => format!("{}.{run}", self.id),
        }
    }
}
