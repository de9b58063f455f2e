//! Rules as they are kept: versions, changes and how far they got, lists, labels, and what is measured of each rule.

use policy::compare::Comparison;
use policy::measure::{Looked, Share};
use policy::words;

use super::{ChangeId, DecisionId, ItemId, Timestamp};

/// A file of rules, or a sample beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// Its name; rules end in `.rules`, everything else is a sample for their tests.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

impl RuleFile {
    /// The most files of one version.
    pub const N_MAX: usize = 500;
    /// The most bytes of all files of one version.
    pub const BYTES_MAX: usize = 16 << 20;
    /// The most bytes of a file's name.
    pub const NAME_LENGTH_MAX: usize = 200;

    /// Whether rules stand in it.
    pub fn is_rules(&self) -> bool {
        self.name.ends_with(".rules")
    }
}

/// A set of rules that never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesVersion {
    /// Its number, from 1: every decision names it.
    pub number: i64,
    /// SHA-256, in hex, of its files.
    pub digest: String,
    /// What it is for, in its author's words.
    pub note: String,
    /// Who wrote it, as the event log names them.
    pub author: String,
    /// Where it came from.
    pub source: RulesSource,
    /// How many rules it has.
    pub n_rules: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

words! {
    /// Where a version came from.
    RulesSource, "a source of rules" {
        /// Seawall ships it.
        Shipped = "shipped",
        /// Somebody proposed it.
        Proposed = "proposed",
        /// Seawall took a rule back to shadow.
        Suspended = "suspended",
    }
}

words! {
    /// How far a change of the rules got.
    ChangeState, "a state of a change" {
        /// It was checked, and its tests passed.
        Tested = "tested",
        /// It was held against what was judged before.
        Backtested = "backtested",
        /// It is asked beside the live rules, and its answers are only counted.
        Shadow = "shadow",
        /// A second person approved it, and it counts.
        Live = "live",
        /// It was live, and another took its place.
        Replaced = "replaced",
        /// Who proposed it took it back.
        Withdrawn = "withdrawn",
        /// Somebody else refused it.
        Rejected = "rejected",
    }
}

impl ChangeState {
    /// Whether it may still become live.
    pub const fn is_open(self) -> bool {
        match self {
            ChangeState::Tested | ChangeState::Backtested | ChangeState::Shadow => true,
            ChangeState::Live | ChangeState::Replaced | ChangeState::Withdrawn | ChangeState::Rejected => false,
        }
    }
}

/// A change of the rules: a version that somebody wants to be live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its id.
    pub id: ChangeId,
    /// The version that it would make live.
    pub version: i64,
    /// The version that was live when it was proposed.
    pub base: i64,
    /// How far it got.
    pub state: ChangeState,
    /// Why, in the proposer's words.
    pub note: String,
    /// Who, as the event log names them.
    pub proposed_by: String,
    /// When.
    pub proposed_at: Timestamp,
    /// What the last backtest found.
    pub backtest: Option<Backtest>,
    /// Since when it is, or when it was put, in shadow.
    pub shadow_since: Option<Timestamp>,
    /// Who approved, rejected or withdrew it.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// What they said.
    pub decided_note: Option<String>,
}

impl Change {
    /// The most characters of a note.
    pub const NOTE_LENGTH_MAX: usize = 2_000;
}

/// A version held against what was judged before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backtest {
    /// The version that was live.
    pub base: i64,
    /// From when.
    pub from: Timestamp,
    /// To when.
    pub to: Timestamp,
    /// When it was done.
    pub done_at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Events whose content is kept no more, and which could not be judged again.
    pub n_forgotten: u64,
    /// What is different.
    pub found: Comparison,
}

/// What the version in shadow said beside the live one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShadowResult {
    /// Events that both judged.
    pub n_events: i64,
    /// Those on which they differ.
    pub n_differ: i64,
    /// From what to what, and how often; differences only, the most frequent first.
    pub outcomes: Vec<(String, String, i64)>,
    /// Events and differences for each language.
    pub languages: Vec<(String, i64, i64)>,
    /// Some of the differences, the last first; at most [`ShadowResult::EXAMPLES_MAX`].
    pub examples: Vec<ShadowExample>,
}

impl ShadowResult {
    /// The most examples that are kept.
    pub const EXAMPLES_MAX: i64 = 50;
}

/// An event on which shadow and live differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowExample {
    /// The event's number.
    pub seq: i64,
    /// The item.
    pub item: ItemId,
    /// The decision that was made.
    pub decision: DecisionId,
    /// What happened.
    pub was: String,
    /// What would have.
    pub would_be: String,
    /// The rules in shadow that fired and count.
    pub rules: Vec<String>,
}

/// Which versions judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The version that counts.
    pub live: i64,
    /// Since when.
    pub live_since: Timestamp,
    /// The version that is only watched, with the change that it is of.
    pub shadow: Option<(i64, ChangeId)>,
    /// Since when.
    pub shadow_since: Option<Timestamp>,
}

/// What is measured of a rule, of its present text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measured {
    /// How often it fired.
    pub fired: u64,
    /// How often that counted: live, and the item in its share.
    pub counted: u64,
    /// How often it could not be decided.
    pub undecided: u64,
    /// How often it took too long.
    pub failed: u64,
    /// What people said of what it found.
    pub looked: Looked,
}

impl Measured {
    /// The share of its findings that people confirmed.
    pub fn precision(&self) -> Option<Share> {
        self.looked.precision()
    }
}

words! {
    /// Why Seawall warns of a rule.
    AlarmKind, "a kind of alarm" {
        /// People reverse more of what it finds than its floor allows.
        Precision = "precision",
        /// It fires far more often than before.
        Surge = "surge",
    }
}

/// A rule does what it did not do before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its id.
    pub id: super::AlarmId,
    /// The rule.
    pub rule: String,
    /// Why.
    pub kind: AlarmKind,
    /// In words, with the numbers.
    pub detail: String,
    /// Whether the rule was taken back to shadow for it.
    pub is_suspended: bool,
    /// The version in which it was live.
    pub version: i64,
    /// When.
    pub raised_at: Timestamp,
    /// Who took note of it, and when.
    pub seen: Option<(String, Timestamp)>,
}

/// A list that rules name: addresses, hashes, accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleList {
    /// Its name, as rules write it.
    pub name: String,
    /// What it is.
    pub note: String,
    /// Who answers for it.
    pub owner: String,
    /// Who made it, as the event log names them.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When an entry was last added or taken away.
    pub changed_at: Timestamp,
}

impl RuleList {
    /// The most bytes of a key.
    pub const KEY_BYTES_MAX: usize = 2_000;
    /// The most entries of one list.
    pub const ENTRIES_MAX: usize = 20_000_000;
    /// The most characters of a name; it is a name of the rules' language.
    pub const NAME_LENGTH_MAX: usize = 64;
}

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntry {
    /// What is listed.
    pub key: String,
    /// When it ends.
    pub until: Option<Timestamp>,
    /// Who added it, as the event log names them.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
}

words! {
    /// What carries a label.
    LabelOn, "what carries labels" {
        /// An account.
        Account = "account",
        /// A channel.
        Channel = "channel",
    }
}

/// A label on an account or a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// What carries it.
    pub on: LabelOn,
    /// Which, by the platform's name.
    pub subject: String,
    /// The label.
    pub label: String,
    /// When it ends.
    pub until: Option<Timestamp>,
    /// Who set it: as the event log names them, or `rule NAME`.
    pub set_by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub set_at: Timestamp,
}

impl Label {
    /// The most characters of a label.
    pub const LENGTH_MAX: usize = 64;
    /// The most labels of one account or channel.
    pub const N_MAX: usize = 100;
}
