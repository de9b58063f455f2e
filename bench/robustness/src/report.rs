//! The figures as text and as JSON. It measures nothing.

use crate::{
    evaluate::{False, Outcome, Rate},
    method::Stage,
    photos::{Half, Photos},
};
use serde_json::{Value, json};
use std::fmt::Write;

pub struct Report {
    set: Half,
    n_photos: usize,
    n_benign: usize,
    stages: Vec<(&'static str, &'static str)>,
    pub edits: Vec<&'static str>,
    /// By stage.
    pub edit_outcomes: Vec<Outcome>,
    /// By stage.
    pub entry_bytes: Vec<f64>,
    /// By stage.
    pub cost: Vec<Cost>,
}

/// Milliseconds on one core for making a query of decoded pixels.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Longest side 384.
    pub small_ms: f64,
    /// Longest side 1920.
    pub large_ms: f64,
}

impl Report {
    pub fn new(set: Half, photos: &Photos, stages: &[Box<dyn Stage>]) -> Self {
        Self {
            set,
            n_photos: photos.references.len(),
            n_benign: photos.benign.len(),
            stages: stages.iter().map(|stage| (stage.name(), stage.about())).collect(),
            edits: Vec::new(),
            edit_outcomes: Vec::new(),
            entry_bytes: Vec::new(),
            cost: Vec::new(),
        }
    }

    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing into a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "{} photos of the {} half, calibrated against {} benign pictures.",
            self.n_photos,
            self.set.as_str(),
            self.n_benign
        )?;
        writeln!(out, "\nStages, each with what stands before it:")?;
        for (name, about) in &self.stages {
            writeln!(out, "- `{name}`: {about}")?;
        }
        writeln!(out, "\n| found at match / at lead or better, % |{}", self.stage_names())?;
        self.write_recall(out, &self.edits, &self.edit_outcomes)?;
        writeln!(out, "\n| (photo, other photo) |{}", self.stage_names())?;
        writeln!(out, "|---|{}", "--:|".repeat(self.stages.len()))?;
        self.write_wrong(
            out,
            "",
            &self.edit_outcomes.iter().map(Outcome::wrong_in_all).collect::<Vec<_>>(),
        )?;
        writeln!(out, "\n| cost |{}", self.stage_names())?;
        writeln!(out, "|---|{}", "--:|".repeat(self.stages.len()))?;
        let row =
            |out: &mut String, name: &str, values: Vec<String>| writeln!(out, "| {name} | {} |", values.join(" | "));
        row(
            out,
            "query at 1920 px, ms",
            self.cost.iter().map(|cost| format!("{:.2}", cost.large_ms)).collect(),
        )?;
        row(
            out,
            "query at 384 px, ms",
            self.cost.iter().map(|cost| format!("{:.2}", cost.small_ms)).collect(),
        )?;
        row(
            out,
            "codes of a query, most",
            self.edit_outcomes
                .iter()
                .map(|outcome| outcome.codes_max.to_string())
                .collect(),
        )?;
        row(
            out,
            "bytes of an entry",
            self.entry_bytes.iter().map(|bytes| format!("{bytes:.0}")).collect(),
        )?;
        for ((name, _), outcome) in self.stages.iter().zip(&self.edit_outcomes) {
            for example in outcome.wrong_in_all().examples {
                writeln!(out, "wrong, {name}: {example}")?;
            }
        }
        Ok(())
    }

    fn stage_names(&self) -> String {
        self.stages.iter().map(|(name, _)| format!(" {name} |")).collect()
    }

    /// A row for each group of queries and one for the mean of the groups.
    fn write_recall(&self, out: &mut String, groups: &[&str], outcomes: &[Outcome]) -> std::fmt::Result {
        writeln!(out, "|---|{}", "--:|".repeat(outcomes.len()))?;
        for (n, group) in groups.iter().enumerate() {
            write!(out, "| {group} |")?;
            for outcome in outcomes {
                let recall = outcome.recall[n];
                let percent = |count: usize| 100.0 * count as f64 / recall.queries.max(1) as f64;
                write!(out, " {:.1} / {:.1} |", percent(recall.matches), percent(recall.leads))?;
            }
            writeln!(out)?;
        }
        write!(out, "| **mean** |")?;
        for outcome in outcomes {
            let (matches, leads) = outcome.mean();
            write!(out, " **{:.1} / {:.1}** |", 100.0 * matches, 100.0 * leads)?;
        }
        writeln!(out)
    }

    fn write_wrong(&self, out: &mut String, of: &str, wrong: &[False]) -> std::fmt::Result {
        let row = |out: &mut String, name: &str, value: &dyn Fn(&False) -> String| {
            let values: Vec<String> = wrong.iter().map(value).collect();
            writeln!(out, "| {of}{name} | {} |", values.join(" | "))
        };
        row(out, "pairs", &|wrong| wrong.pairs.to_string())?;
        row(out, "false matches", &|wrong| rate(wrong.match_rate()))?;
        row(out, "false leads, matches among them", &|wrong| rate(wrong.lead_rate()))
    }

    pub fn json(&self) -> Value {
        let stages = self.stages.iter().enumerate().map(|(n, (name, about))| {
            let outcome = &self.edit_outcomes[n];
            let (mean_match, mean_lead) = outcome.mean();
            json!({
                "stage": name,
                "about": about,
                "edits": { "mean_match": mean_match, "mean_lead": mean_lead, "by_edit": recall_json(&self.edits, outcome) },
                "photos": wrong_json(&outcome.wrong_in_all()),
                "codes_of_a_query_max": outcome.codes_max,
                "entry_bytes": self.entry_bytes[n],
                "query_ms_1920": self.cost[n].large_ms,
                "query_ms_384": self.cost[n].small_ms,
            })
        });
        json!({ "set": self.set.as_str(), "n_photos": self.n_photos, "n_benign": self.n_benign, "stages": stages.collect::<Vec<_>>() })
    }
}

fn rate(rate: Rate) -> String {
    format!(
        "{} = {} (≤ {})",
        rate.count,
        percent(rate.share()),
        percent(rate.upper_95())
    )
}

/// With two figures that say something, however small.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent == 0.0 {
        return "0 %".into();
    }
    let digits = (1.0 - percent.log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{percent:.digits$} %")
}

fn recall_json(groups: &[&str], outcome: &Outcome) -> Value {
    let by_group = groups.iter().zip(&outcome.recall).map(|(group, recall)| {
        json!({ "name": group, "queries": recall.queries, "matches": recall.matches, "leads": recall.leads })
    });
    Value::Array(by_group.collect())
}

fn wrong_json(wrong: &False) -> Value {
    json!({
        "pairs": wrong.pairs,
        "false_matches": wrong.matches,
        "false_matches_upper_95": wrong.match_rate().upper_95(),
        "false_leads": wrong.leads,
        "false_leads_upper_95": wrong.lead_rate().upper_95(),
        "examples": wrong.examples,
    })
}
