//! What should happen, given facts. Pure: values in, values out; it knows no store, no clock, no media.
//!
//! For now the rules are fixed and live in [`default_rules`]. Start with [`Facts`] and [`evaluate`].

mod default_rules;
mod words;

pub use default_rules::{RULES_VERSION, evaluate};
pub use words::{Outcome, PolicyCode, Queue, UnknownWord};

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
