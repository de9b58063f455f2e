//! What is counted: what was found, what was found that is not there, and how well its edges are told.

use crate::corpus::{Entry, Query, Run, span};
use crate::methods::{Found, FoundRun};
use signal::Span;
use signal::nearness::Near;

/// An edge is told well within so much.
pub const EDGE_MS: u32 = 2_000;
/// A run that lies by this share within what two videos share by agreement tells the truth.
const SHARED_SHARE_MIN: f64 = 0.8;
/// What a shared run may reach beyond.
const SHARED_MARGIN_MS: u32 = 1_500;

/// Counts of one method.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// By edit, in the corpus's order.
    pub recall: Vec<Recall>,
    pub wrong: Wrong,
    pub edges: Edges,
    /// Of each segment of an entry that is there: the edit, the chance against it, and for sounds the share of bits that differ.
    pub sureness: Vec<(usize, f32, Option<f32>)>,
    /// Words about each query that was not found, and each entry that was found and is not there.
    pub remarks: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy)]
pub struct Recall {
    pub n: usize,
    pub n_match: usize,
    pub n_lead: usize,
}

/// Pairs of a file and an entry that it does not show.
#[derive(Debug, Default, Clone, Copy)]
pub struct Wrong {
    pub n_pairs: usize,
    pub n_match: usize,
    pub n_lead: usize,
    /// Of them, entries of the query's own family: the same studio, camera, layout.
    pub n_family_pairs: usize,
    pub n_family: usize,
    /// Pairs found rightly by a photo or scene that both videos show.
    pub n_shared: usize,
}

/// Segments of entries that are there.
#[derive(Debug, Default, Clone, Copy)]
pub struct Edges {
    pub n: usize,
    pub n_good: usize,
}

impl Tally {
    pub fn new(n_edits: usize) -> Self {
        Self {
            recall: vec![Recall::default(); n_edits],
            ..Self::default()
        }
    }

    /// Counts what was found in a copy.
    pub fn count(&mut self, edit: usize, query: &Query, reference: usize, entries: &[Entry], found: &[Found]) {
        let right = found.iter().find(|found| found.entry == reference);
        let near = right.and_then(|right| nearest_true(&right.runs, query, right.near));
        let recall = &mut self.recall[edit];
        recall.n += 1;
        recall.n_match += usize::from(near == Some(Near::Match));
        recall.n_lead += usize::from(near.is_some());
        if near.is_none() {
            let elsewhere = if right.is_some() { ", found elsewhere" } else { "" };
            self.remarks
                .push(format!("missed {} of {}{elsewhere}", query.edit, query.reference));
        }
        for run in right.iter().flat_map(|right| &right.runs) {
            self.sureness.push((edit, run.log10_chance, run.bit_errors));
            let is_good = has_good_edges(run, query, &entries[reference]);
            self.edges.n += 1;
            self.edges.n_good += usize::from(is_good);
            if !is_good {
                self.remarks.push(format!(
                    "edges {} of {}: {} is {}, truth {:?}",
                    query.edit,
                    query.reference,
                    shown(run.query),
                    shown(run.entry),
                    query.runs
                ));
            }
        }
        let family = &entries[reference].family;
        for (number, entry) in entries.iter().enumerate().filter(|(number, _)| *number != reference) {
            let is_family = entry.family == *family;
            let by = &format!("{} of {}", query.edit, query.reference);
            self.count_pair(
                found.iter().find(|found| found.entry == number),
                entry,
                Some(&entries[reference]),
                is_family,
                by,
            );
        }
    }

    /// Counts what was found in a video that shows none of the entries.
    pub fn count_stranger(&mut self, name: &str, entries: &[Entry], found: &[Found]) {
        for (number, entry) in entries.iter().enumerate() {
            self.count_pair(
                found.iter().find(|found| found.entry == number),
                entry,
                None,
                false,
                name,
            );
        }
    }

    fn count_pair(
        &mut self,
        found: Option<&Found>,
        entry: &Entry,
        reference: Option<&Entry>,
        is_family: bool,
        by: &str,
    ) {
        let wrong = &mut self.wrong;
        wrong.n_pairs += 1;
        wrong.n_family_pairs += usize::from(is_family);
        let Some(found) = found else { return };
        let runs: Vec<&FoundRun> = found
            .runs
            .iter()
            .filter(|run| !is_shared(run.entry, entry, reference))
            .collect();
        if runs.is_empty() && !found.runs.is_empty() {
            wrong.n_shared += 1;
            return;
        }
        let near = runs.iter().map(|run| run.near).min().unwrap_or(found.near);
        wrong.n_match += usize::from(near == Near::Match);
        wrong.n_lead += 1;
        wrong.n_family += usize::from(is_family);
        let runs: Vec<String> = runs
            .iter()
            .map(|run| {
                let sound = run.bit_errors.map(|share| format!(", sound, {share:.3} of bits"));
                format!(
                    "{} is {} (10^{:.1}, at {:.2}{})",
                    shown(run.query),
                    shown(run.entry),
                    run.log10_chance,
                    run.rate,
                    sound.unwrap_or_default()
                )
            })
            .collect();
        self.remarks
            .push(format!("false {near:?} of {} in {by}: {}", entry.name, runs.join("; ")));
    }

    /// Mean over edits, in percent: at match, at lead.
    pub fn mean(&self) -> (f64, f64) {
        let n = self.recall.len() as f64;
        let sum = |part: fn(&Recall) -> f64| self.recall.iter().map(part).sum::<f64>() / n;
        (sum(Recall::match_percent), sum(Recall::lead_percent))
    }
}

impl Recall {
    pub fn match_percent(&self) -> f64 {
        100.0 * self.n_match as f64 / self.n.max(1) as f64
    }

    pub fn lead_percent(&self) -> f64 {
        100.0 * self.n_lead as f64 / self.n.max(1) as f64
    }
}

/// How near the nearest run is that shows what the copy shows; a method without time is believed.
fn nearest_true(runs: &[FoundRun], query: &Query, near: Near) -> Option<Near> {
    if runs.is_empty() {
        return Some(near);
    }
    let is_true = |run: &&FoundRun| {
        let overlaps =
            |truth: &Run| run.query.overlap_ms(span(truth.query)) > 0 && run.entry.overlap_ms(span(truth.entry)) > 0;
        query.runs.iter().any(overlaps)
    };
    runs.iter().filter(is_true).map(|run| run.near).min()
}

/// Whether both ends, in the copy and in the entry, are told well. What everybody has, an intro, need not be told at all.
fn has_good_edges(run: &FoundRun, query: &Query, entry: &Entry) -> bool {
    query.runs.iter().any(|truth| {
        let rate = (truth.entry.1 - truth.entry.0) / (truth.query.1 - truth.query.0);
        let near = |a: u32, b: f64| (f64::from(a) - b * 1000.0).abs() <= f64::from(EDGE_MS);
        let is_start = |skipped: f64| {
            near(run.query.from_ms, truth.query.0 + skipped / rate) && near(run.entry.from_ms, truth.entry.0 + skipped)
        };
        let opening = entry
            .shared
            .iter()
            .find(|(from, ..)| *from == 0.0)
            .map_or(0.0, |(_, to, _)| (to - truth.entry.0).max(0.0));
        let ends = near(run.query.to_ms, truth.query.1) && near(run.entry.to_ms, truth.entry.1);
        ends && (is_start(0.0) || is_start(opening))
    })
}

/// Whether a run of an entry is one that the reference and the entry share by agreement. An intro is no such thing: that a video begins as all of a platform do
/// says nothing of it.
pub fn is_shared(run: Span, entry: &Entry, reference: Option<&Entry>) -> bool {
    let Some(reference) = reference else { return false };
    entry.shared.iter().any(|(from, to, what)| {
        let shared = span((*from, *to));
        let wide = Span {
            from_ms: shared.from_ms.saturating_sub(SHARED_MARGIN_MS),
            to_ms: shared.to_ms + SHARED_MARGIN_MS,
        };
        let is_material = what.starts_with("photo") || what.starts_with("scene");
        let is_both = is_material && reference.shared.iter().any(|(_, _, other)| other == what);
        is_both && f64::from(wide.overlap_ms(run)) >= SHARED_SHARE_MIN * f64::from(run.len_ms())
    })
}

fn shown(span: Span) -> String {
    format!(
        "{:.1}–{:.1}",
        f64::from(span.from_ms) / 1000.0,
        f64::from(span.to_ms) / 1000.0
    )
}

#[cfg(test)]
#[path = "evaluate_tests.rs"]
mod tests;
