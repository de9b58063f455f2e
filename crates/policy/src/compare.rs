//! Two sets of rules over the same events: what would have been different, how often, for whom; with examples to look at.
//!
//! Each set keeps windows of its own, as if it had judged all the events alone. What is counted does not depend on the number of threads.

use std::collections::{BTreeMap, BTreeSet};

use crate::Event;
use crate::batch::replay;
use crate::lists::Lists;
use crate::rules::Rules;
use crate::ruling::Ruling;
use crate::schema;
use crate::window::{Seed, State};

/// Most examples that are kept.
pub const EXAMPLES_MAX: usize = 20;
/// Most examples of the same difference.
const EXAMPLES_OF_A_PAIR_MAX: usize = 5;
/// Most languages that are told apart; the rest counts as [`OTHER`].
const LANGUAGES_MAX: usize = 100;
/// Most accounts that are told apart.
const ACCOUNTS_MAX: usize = 1_000_000;
/// What stands for languages that were not told, and for those beyond the limit.
pub const OTHER: &str = "other";

/// How two sets of rules differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Events that both judged.
    pub n_events: u64,
    /// Those on which they differ.
    pub n_differ: u64,
    /// Accounts that these are of; at most a million are counted.
    pub n_accounts: u64,
    /// From what to what, as [`Ruling::brief`] says; differences only.
    pub outcomes: BTreeMap<(String, String), u64>,
    /// Cases for each queue: with the one and with the other.
    pub queues: BTreeMap<String, (u64, u64)>,
    /// Events and differences for each language.
    pub languages: BTreeMap<String, (u64, u64)>,
    /// For each rule, how often it fired with the one and with the other, counting or not.
    pub rules: BTreeMap<String, (u64, u64)>,
    /// Some differences of each kind.
    pub examples: Vec<Example>,
}

/// An event on which they differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Its place, as the caller numbers events.
    pub place: u64,
    /// The item.
    pub item: String,
    /// What happens with the one.
    pub was: String,
    /// What happens with the other.
    pub would_be: String,
    /// The rules that fire and count with the other.
    pub rules: Vec<String>,
    /// The reason that the other gives.
    pub reason: String,
}

/// Compares as events come in.
#[derive(Debug)]
pub struct Comparer<'a> {
    old: Side<'a>,
    new: Side<'a>,
    lists: &'a Lists,
    accounts: BTreeSet<String>,
    comparison: Comparison,
}

#[derive(Debug)]
struct Side<'a> {
    rules: &'a Rules,
    state: State,
}

/// What one set says of one event.
struct Said {
    ruling: Ruling,
    brief: String,
    /// Rules that fired, and whether each counts.
    fired: Vec<(usize, bool)>,
}

impl Side<'_> {
    fn judge(&mut self, events: &[Event], lists: &Lists, n_threads: usize) -> Vec<Said> {
        let mut said = Vec::with_capacity(events.len());
        let rules = self.rules;
        replay(rules, events, lists, &mut self.state, n_threads, |_, evaluation| {
            let ruling = evaluation.ruling(rules);
            said.push(Said {
                brief: ruling.brief(),
                ruling,
                fired: evaluation
                    .fired
                    .iter()
                    .map(|fired| (fired.rule, fired.counts))
                    .collect(),
            });
        });
        said
    }
}

impl<'a> Comparer<'a> {
    /// Begins with empty windows.
    pub fn new(old: &'a Rules, new: &'a Rules, lists: &'a Lists, seed: Seed) -> Self {
        let side = |rules: &'a Rules| Side {
            rules,
            state: State::new(&rules.windows(), seed),
        };
        Self {
            old: side(old),
            new: side(new),
            lists,
            accounts: BTreeSet::new(),
            comparison: Comparison::default(),
        }
    }

    /// Fills the windows with events of before, counting nothing.
    pub fn warm_up(&mut self, events: &[Event], n_threads: usize) {
        self.old.judge(events, self.lists, n_threads);
        self.new.judge(events, self.lists, n_threads);
    }

    /// Goes on with these events, in their order; `places` are their numbers.
    pub fn feed(&mut self, events: &[Event], places: &[u64], n_threads: usize) {
        let old = self.old.judge(events, self.lists, n_threads);
        let new = self.new.judge(events, self.lists, n_threads);
        for (idx, (event, (was, would_be))) in events.iter().zip(old.iter().zip(&new)).enumerate() {
            let place = places.get(idx).copied().unwrap_or(idx as u64);
            self.note(event, place, was, would_be);
        }
    }

    /// What was found.
    pub fn finish(mut self) -> Comparison {
        self.comparison.n_accounts = self.accounts.len() as u64;
        self.comparison
    }

    fn note(&mut self, event: &Event, place: u64, was: &Said, would_be: &Said) {
        let differs = was.brief != would_be.brief;
        let found = &mut self.comparison;
        found.n_events += 1;
        found.n_differ += u64::from(differs);
        let sides = [(was, self.old.rules, true), (would_be, self.new.rules, false)];
        for (said, rules, is_old) in sides {
            let count = |counts: &mut (u64, u64)| if is_old { counts.0 += 1 } else { counts.1 += 1 };
            if let Some((queue, _)) = said.ruling.case {
                count(entry(&mut found.queues, queue.as_str()));
            }
            for (rule, _) in &said.fired {
                count(entry(&mut found.rules, &rules.rules()[*rule].name));
            }
        }
        for language in languages(event) {
            let is_known = found.languages.contains_key(&language) || found.languages.len() < LANGUAGES_MAX;
            let counts = entry(&mut found.languages, if is_known { &language } else { OTHER });
            counts.0 += 1;
            counts.1 += u64::from(differs);
        }
        if !differs {
            return;
        }
        if let Some(account) = text_of(event, "account.id").filter(|_| self.accounts.len() < ACCOUNTS_MAX) {
            self.accounts.insert(account);
        }
        let pair = (was.brief.clone(), would_be.brief.clone());
        let n_of_pair = found.outcomes.entry(pair).or_default();
        *n_of_pair += 1;
        if *n_of_pair <= EXAMPLES_OF_A_PAIR_MAX as u64 && found.examples.len() < EXAMPLES_MAX {
            let counting = would_be.fired.iter().filter(|(_, counts)| *counts);
            found.examples.push(Example {
                place,
                item: text_of(event, "item.id").unwrap_or_default(),
                was: was.brief.clone(),
                would_be: would_be.brief.clone(),
                rules: counting
                    .map(|(rule, _)| self.new.rules.rules()[*rule].name.clone())
                    .collect(),
                reason: would_be.ruling.reason.clone(),
            });
        }
    }
}

fn entry<'m>(map: &'m mut BTreeMap<String, (u64, u64)>, key: &str) -> &'m mut (u64, u64) {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), (0, 0));
    }
    // Unwrap safety: it was put there if it was missing.
    map.get_mut(key).expect("the key is there")
}

fn text_of(event: &Event, fact: &str) -> Option<String> {
    schema::fact(fact)
        .and_then(|idx| event.fact_text(idx))
        .map(str::to_owned)
}

/// The languages of an event, [`OTHER`] if they were not told.
pub fn languages(event: &Event) -> Vec<String> {
    let told = event.texts("item.languages");
    if told.is_empty() { vec![OTHER.to_owned()] } else { told }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Given, Source, compile::compile};

    fn rules(text: &str) -> Rules {
        let compiled = compile(&[Source::new("a.rules", text)], 0);
        compiled.rules.unwrap_or_else(|| panic!("{:?}", compiled.report))
    }

    fn rule(name: &str, when: &str, then: &str) -> String {
        format!(
            "rule {name} {{ policy: other_terms when: {when} then: {then} reason: \"it\" owner: \"me\" review: 2030-01-01 mode: live }}\n"
        )
    }

    #[test]
    fn differences_are_counted_by_outcome_queue_language_and_rule() {
        let old = rules(&rule("a", "item.views > 5", "case reported"));
        let new = rules(
            &(rule("a", "item.views > 5", "case links")
                + &rule("b", "count(by: account.id, within: 1h) > 2", "restrict 1h, case links")),
        );
        let lists = Lists::default();
        let events: Vec<Event> = (0..6)
            .map(|n| {
                let mut event = Event::at(1_800_000_000_000 + n * 1_000);
                let language = Given::List(vec![if n % 2 == 0 { "ar" } else { "en" }.into()]);
                let given = [
                    ("item.id", Given::Text(format!("i{n}"))),
                    ("account.id", "ann".into()),
                    ("item.views", Given::Int(if n == 0 { 9 } else { 0 })),
                    ("item.languages", language),
                ];
                given.iter().for_each(|(name, value)| event.set(name, value).unwrap());
                event
            })
            .collect();
        let compare = |n_threads| {
            let mut comparer = Comparer::new(&old, &new, &lists, Seed::default());
            comparer.feed(&events[..4], &[10, 11, 12, 13], n_threads);
            comparer.feed(&events[4..], &[14, 15], n_threads);
            comparer.finish()
        };
        let found = compare(1);
        assert_eq!(found, compare(3));
        assert_eq!((found.n_events, found.n_differ, found.n_accounts), (6, 5, 1));
        let pair = |a: &str, b: &str| found.outcomes.get(&(a.to_owned(), b.to_owned())).copied();
        assert_eq!(pair("case reported", "case links"), Some(1));
        assert_eq!(pair("allow", "restrict item"), Some(4));
        assert_eq!(found.queues["links"], (0, 5));
        assert_eq!(found.languages["en"], (3, 2));
        assert_eq!((found.rules["a"], found.rules["b"]), ((1, 1), (0, 4)));
        assert_eq!((found.examples[1].place, found.examples[1].item.as_str()), (12, "i2"));
        assert_eq!(found.examples[1].rules, ["b"]);
    }
}
