//! Decisions: an outcome, on which facts, by whom. A decision never changes; a later one takes its place.

use std::fmt;

use super::{
    Assessment, CaseId, DecisionId, ItemId, Measure, Notice, Outcome, PolicyCode, Restricted, Timestamp, UserId,
};

/// A decision as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// The item.
    pub item: ItemId,
    /// The item's revision that was judged.
    pub revision: i64,
    /// What was decided.
    pub outcome: Outcome,
    /// Who decided.
    pub author: Author,
    /// The policy that it rests on; none if nothing is wrong with the item.
    pub policy: Option<PolicyCode>,
    /// Why, in words.
    pub reason: String,
    /// What was known, as JSON.
    pub facts: serde_json::Value,
    /// What judged.
    pub versions: Versions,
    /// The decision on the same item that this one takes the place of.
    pub supersedes: Option<DecisionId>,
    /// The case it opened or closed.
    pub case: Option<CaseId>,
    /// When.
    pub decided_at: Timestamp,
}

/// Who decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// A rule, by its name.
    Rule(String),
    /// A person.
    Person(UserId),
}

impl Decision {
    /// Whether a person made it. Who takes a decision back puts back what stood before: what a rule had said is a rule's word again.
    pub fn is_of_a_person(&self) -> bool {
        matches!(self.author, Author::Person(_)) && self.facts["restores_author"] != "rule"
    }

    /// Whether it does nothing but take another back.
    pub fn is_undo(&self) -> bool {
        self.facts["undoes"].is_string()
    }

    /// What is restricted by it, the item itself first. Decisions of before parts could be restricted say nothing of them: then it is the item.
    pub fn restricted(&self) -> Vec<Restricted> {
        Self::restricted_in(self.outcome, &self.facts)
    }

    /// The same, of a decision of which no more was read.
    pub fn restricted_in(outcome: Outcome, facts: &serde_json::Value) -> Vec<Restricted> {
        if outcome != Outcome::Restrict {
            return Vec::new();
        }
        let words = facts["restricted"].as_array().into_iter().flatten();
        let mut restricted: Vec<Restricted> = words.filter_map(|what| what.as_str()?.parse().ok()).collect();
        restricted.sort_by_key(|what| Restricted::ALL.iter().position(|known| known == what));
        if restricted.is_empty() {
            restricted.push(Restricted::Item);
        }
        restricted
    }
}

impl Author {
    /// `rule` or `person`: all that the platform is told.
    pub const fn kind(&self) -> &'static str {
        match self {
            Author::Rule(_) => "rule",
            Author::Person(_) => "person",
        }
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Author::Rule(name) => f.write_str(name),
            Author::Person(user) => write!(f, "{user}"),
        }
    }
}

/// What judged: with these and the facts, a rule's decision can be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// Of Seawall.
    pub seawall: String,
    /// Of the rules.
    pub rules: String,
}

/// What a person decides on a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The item's revision that the person looked at.
    pub revision: i64,
    /// Restrict or allow.
    pub outcome: Outcome,
    /// The policy it rests on; needed to restrict.
    pub policy: Option<PolicyCode>,
    /// To restrict: all that shall be restricted from now on. With none, what stands is confirmed, and the item itself restricted where nothing does.
    pub measures: Vec<Measure>,
    /// Why, in words that the affected person may one day read.
    pub reason: String,
    /// For which purpose it is spread; needed to restrict under a policy against terrorist or violent-extremist content.
    pub assessment: Option<Assessment>,
    /// To restrict: what the affected person is told.
    pub notice: Option<Notice>,
}

impl Judgement {
    /// The most characters of a reason.
    pub const REASON_LENGTH_MAX: usize = 5_000;

    /// To restrict what no purpose excuses.
    pub fn restrict(revision: i64, policy: PolicyCode, reason: impl Into<String>) -> Self {
        Self {
            revision,
            outcome: Outcome::Restrict,
            policy: Some(policy),
            measures: Vec::new(),
            reason: reason.into(),
            assessment: Some(Assessment::no_purpose()),
            notice: None,
        }
    }

    /// To let it be, or to put it back.
    pub fn allow(revision: i64, reason: impl Into<String>) -> Self {
        Self {
            revision,
            outcome: Outcome::Allow,
            policy: None,
            measures: Vec::new(),
            reason: reason.into(),
            assessment: None,
            notice: None,
        }
    }
}
