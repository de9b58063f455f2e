//! How two versions of the rules differ over the same events, as JSON.

use std::collections::BTreeMap;

use moderation::policy::compare::{Comparison, Example};
use serde::Serialize;
use utoipa::ToSchema;

/// How two versions differ over the same events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Comparison)]
pub(crate) struct ComparisonJson {
    /// Events that both judged.
    pub n_events: u64,
    /// Those on which they differ.
    pub n_differ: u64,
    /// Accounts that these are of; at most a million are counted.
    pub n_accounts: u64,
    /// From what to what; differences only.
    pub outcomes: Vec<OutcomeJson>,
    /// Cases for each queue.
    pub queues: Vec<BeforeAfterJson>,
    /// Events and differences for each language.
    pub languages: Vec<LanguageJson>,
    /// How often each rule fired, counting or not.
    pub rules: Vec<BeforeAfterJson>,
    /// Some differences of each kind.
    pub examples: Vec<ExampleJson>,
}

/// From what to what, and how often.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ComparedOutcome)]
pub(crate) struct OutcomeJson {
    /// What happened.
    pub was: String,
    /// What would have happened.
    pub would_be: String,
    /// How often.
    pub n: u64,
}

/// How often with the one and with the other.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ComparedCount)]
pub(crate) struct BeforeAfterJson {
    /// Of what: a queue, or a rule.
    pub name: String,
    /// How often it was.
    pub was: u64,
    /// How often it would have been.
    pub would_be: u64,
}

/// A language.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ComparedLanguage)]
pub(crate) struct LanguageJson {
    /// Its tag, or `other`.
    pub name: String,
    /// Events in it.
    pub n_events: u64,
    /// Those on which they differ.
    pub n_differ: u64,
}

/// An event on which they differ.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ComparedExample)]
pub(crate) struct ExampleJson {
    /// Its number among all events.
    pub place: u64,
    /// The item.
    pub item: String,
    /// What happened.
    pub was: String,
    /// What would have happened.
    pub would_be: String,
    /// By which rules.
    pub rules: Vec<String>,
    /// For what reason.
    pub reason: String,
}

impl From<&Comparison> for ComparisonJson {
    fn from(found: &Comparison) -> Self {
        let counts = |map: &BTreeMap<String, (u64, u64)>| -> Vec<BeforeAfterJson> {
            let rows = map.iter();
            rows.map(|(name, (was, would_be))| BeforeAfterJson {
                name: name.clone(),
                was: *was,
                would_be: *would_be,
            })
            .collect()
        };
        let outcomes = found.outcomes.iter().map(|((was, would_be), n)| OutcomeJson {
            was: was.clone(),
            would_be: would_be.clone(),
            n: *n,
        });
        let languages = found.languages.iter().map(|(name, (n_events, n_differ))| LanguageJson {
            name: name.clone(),
            n_events: *n_events,
            n_differ: *n_differ,
        });
        Self {
            n_events: found.n_events,
            n_differ: found.n_differ,
            n_accounts: found.n_accounts,
            outcomes: outcomes.collect(),
            queues: counts(&found.queues),
            languages: languages.collect(),
            rules: counts(&found.rules),
            examples: found.examples.iter().map(ExampleJson::from).collect(),
        }
    }
}

impl From<&Example> for ExampleJson {
    fn from(example: &Example) -> Self {
        Self {
            place: example.place,
            item: example.item.clone(),
            was: example.was.clone(),
            would_be: example.would_be.clone(),
            rules: example.rules.clone(),
            reason: example.reason.clone(),
        }
    }
}
