//! A version that can be asked, with what is looked up for every event worked out once.

use std::collections::HashSet;

use policy::compile::compile;
use policy::edit::RuleText;
use policy::{Cause, Evaluation, Mode, Rules};

use super::firings::{Firing, Key};
use super::versions;
use crate::model::RuleFile;
use crate::store::StoreError;
use crate::store::columns::damaged;

/// A version that can be asked.
#[derive(Debug)]
pub struct CompiledVersion {
    /// Its number.
    pub number: i64,
    /// Its files.
    pub files: Vec<RuleFile>,
    /// Its rules.
    pub rules: Rules,
    /// The texts of its rules, in the same order.
    pub texts: Vec<RuleText>,
    /// What each rule is measured by, in the same order.
    keys: Vec<Key>,
    known: HashSet<Key>,
    /// Of each window, what tells it from all others.
    window_ids: Vec<u64>,
    windows: HashSet<u64>,
}

impl CompiledVersion {
    pub(super) fn new(number: i64, files: Vec<RuleFile>) -> Result<Self, StoreError> {
        // Only review dates depend on the day, and they stop nothing.
        let rules = compile(&versions::sources(&files), 0).rules;
        let rules =
            rules.ok_or_else(|| damaged("rules_file", format!("version {number} of the rules does not compile")))?;
        let texts = versions::texts(&files);
        let of_text = |(idx, rule): (usize, &policy::Rule)| Key {
            rule: rule.name.clone(),
            fingerprint: texts.get(idx).map(|text| text.fingerprint.clone()).unwrap_or_default(),
        };
        let keys: Vec<Key> = rules.rules().iter().enumerate().map(of_text).collect();
        let window_ids: Vec<u64> = rules.windows().iter().map(|window| window.id).collect();
        Ok(Self {
            number,
            files,
            known: keys.iter().cloned().collect(),
            keys,
            windows: window_ids.iter().copied().collect(),
            window_ids,
            texts,
            rules,
        })
    }

    /// What a rule is measured by.
    pub fn key(&self, rule: usize) -> Key {
        self.keys[rule].clone()
    }

    /// What each rule is measured by.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Whether a rule stands in it and counts.
    pub fn counts(&self, key: &Key) -> bool {
        let mut rules = self.keys.iter().zip(self.rules.rules());
        rules.any(|(known, rule)| known == key && rule.mode == Mode::Live)
    }

    /// Whether windows remember anything for it.
    pub(super) fn keeps_windows(&self) -> bool {
        !self.window_ids.is_empty()
    }

    /// Whether a window of another version is one of its own too.
    pub(super) fn shares_window(&self, other: &Self, window: u32) -> bool {
        let id = other.window_ids.get(window as usize);
        id.is_some_and(|id| self.windows.contains(id))
    }

    /// Whether a rule of another version is one of its own too.
    pub(super) fn shares_rule(&self, other: &Self, rule: usize) -> bool {
        other.keys.get(rule).is_some_and(|key| self.known.contains(key))
    }

    /// What is measured of the rules that fired.
    pub(super) fn fired(&self, evaluation: &Evaluation) -> Vec<Firing> {
        let fired = evaluation.fired.iter();
        fired
            .map(|fired| Firing::once(self.key(fired.rule), fired.counts))
            .collect()
    }

    /// The rules that could not be decided, and whether because they took too long.
    pub(super) fn undecided(&self, evaluation: &Evaluation) -> Vec<(usize, bool)> {
        let undecided = evaluation.undecided.iter();
        undecided
            .map(|undecided| (undecided.rule, undecided.causes.contains(&Cause::TooLong)))
            .collect()
    }
}
