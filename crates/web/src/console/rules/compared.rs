//! What would be different with other rules, for the editor and for the page of a change.

use moderation::policy::compare::Comparison;

/// Most lines of each table.
const LINES_MAX: usize = 40;

/// A comparison as pages show it.
pub struct Compared {
    /// Events that both judged.
    pub n_events: u64,
    /// Those on which they differ.
    pub n_differ: u64,
    /// Accounts that these are of.
    pub n_accounts: u64,
    /// From what, to what, how often.
    pub outcomes: Vec<(String, String, u64)>,
    /// Of each queue: cases before and after.
    pub queues: Vec<Pair>,
    /// Of each language: events and differences.
    pub languages: Vec<Pair>,
    /// Of each rule: how often it fired before and after.
    pub rules: Vec<Pair>,
    /// Some of the differences.
    pub examples: Vec<ExampleLine>,
}

/// A name and two counts.
pub struct Pair {
    /// The name.
    pub name: String,
    /// The first.
    pub before: u64,
    /// The second.
    pub after: u64,
}

/// An event on which they differ.
pub struct ExampleLine {
    /// The item.
    pub item: String,
    /// What happened.
    pub was: String,
    /// What would.
    pub would_be: String,
    /// By which rules.
    pub rules: String,
    /// Why.
    pub reason: String,
}

impl Compared {
    /// The comparison as it is shown: what changed most comes first.
    pub fn of(found: &Comparison) -> Self {
        let pairs = |map: &std::collections::BTreeMap<String, (u64, u64)>, changed_only: bool| {
            let pairs = map.iter().filter(|(_, (a, b))| !changed_only || a != b);
            let mut pairs: Vec<Pair> = pairs
                .map(|(name, (before, after))| Pair {
                    name: name.clone(),
                    before: *before,
                    after: *after,
                })
                .collect();
            pairs.sort_by_key(|pair| {
                let by = if changed_only {
                    pair.before.abs_diff(pair.after)
                } else {
                    pair.after
                };
                std::cmp::Reverse(by)
            });
            pairs.truncate(LINES_MAX);
            pairs
        };
        let mut outcomes: Vec<(String, String, u64)> = found
            .outcomes
            .iter()
            .map(|((was, would_be), n)| (was.clone(), would_be.clone(), *n))
            .collect();
        outcomes.sort_by_key(|(_, _, n)| std::cmp::Reverse(*n));
        outcomes.truncate(LINES_MAX);
        let examples = found.examples.iter().map(|example| ExampleLine {
            item: example.item.clone(),
            was: example.was.clone(),
            would_be: example.would_be.clone(),
            rules: example.rules.join(", "),
            reason: example.reason.clone(),
        });
        Self {
            n_events: found.n_events,
            n_differ: found.n_differ,
            n_accounts: found.n_accounts,
            outcomes,
            queues: pairs(&found.queues, false),
            languages: pairs(&found.languages, false),
            rules: pairs(&found.rules, true),
            examples: examples.collect(),
        }
    }
}
