//! The figures as text, as JSON and as the section of bench/README.md. It measures nothing.

use crate::{
    evaluate::{False, Outcome, Rate, Recall},
    measure::{Cost, Measured, Sample},
    method::Stage,
    photos::Half,
};
use serde_json::{Value, json};
use std::fmt::Write;

pub struct Report {
    half: Half,
    n_photos: usize,
    n_benign: usize,
    stages: Vec<(&'static str, &'static str)>,
    pub edits: Option<Measured>,
    pub draws: Option<Measured>,
    pub draws_of_two: Option<Measured>,
    pub cards: Option<Measured>,
    pub patterns: Option<Measured>,
    /// By stage.
    pub cost: Vec<Cost>,
}

impl Report {
    pub fn new(sample: &Sample, stages: &[Box<dyn Stage>]) -> Self {
        Self {
            half: sample.half,
            n_photos: sample.photos.references.len(),
            n_benign: sample.benign.len(),
            stages: stages.iter().map(|stage| (stage.name(), stage.about())).collect(),
            edits: None,
            draws: None,
            draws_of_two: None,
            cards: None,
            patterns: None,
            cost: Vec::new(),
        }
    }

    /// The section of bench/README.md.
    pub fn markdown(&self, seeds: u64) -> String {
        format!(
            "## What matching survives\n\n\
             {n_photos} photos from Debian packages are banked; each is edited in the 44 ways of \
             `bench/robustness/src/edits.rs`, {seeds} times over (noise, places and backdrops differ), and looked up among all \
             of them. *Match* is for automation, *lead* for a person's eyes; the lead columns hold what was \
             found at match or at lead level. Everything is measured on the {half} half of photos and cards, which a hash of the \
             file's name decides (`bench/robustness/src/photos.rs`); methods and their parameters were chosen on the other half.\n\n\
             Entries are calibrated against {n_benign} benign pictures: photos that are not banked, and cards of the same layouts \
             with other texts. Draws (`bench/robustness/src/draws.rs`) have measures by chance, so that nothing can be fitted to one \
             edit. Cards are pictures of one layout with different nonsense text (`bench/robustness/src/cards.rs`): no card is a copy \
             of another. Patterns (`bench/robustness/src/patterns.rs`) repeat one motif; the benign sample holds none of them. The stage \
             *keypoints* is what a platform has before its benign sample is large enough to set the reach of an entry. ≤ is the upper end of a one-sided 95 % interval; it takes pairs for independent, which they are not \
             quite.\n\n{tables}\n\n`make bench-robustness`",
            n_photos = self.n_photos,
            half = self.half.as_str(),
            n_benign = self.n_benign,
            tables = self.tables(),
        )
    }

    pub fn tables(&self) -> String {
        let mut out = String::new();
        // Writing into a string cannot fail.
        let _ = self.write(&mut out);
        out.trim_end().to_string()
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "Stages, each with what stands before it:\n")?;
        for (name, about) in &self.stages {
            writeln!(out, "- *{name}*: {about}")?;
        }
        let recalls = [
            ("edits, % found at match / at lead", &self.edits),
            ("draws of one kind, % found at match / at lead", &self.draws),
            ("draws of two kinds; each counts with both", &self.draws_of_two),
        ];
        for (title, measured) in recalls {
            let Some(measured) = measured else { continue };
            self.head(out, title)?;
            for (n, group) in measured.groups.iter().enumerate() {
                let values = measured
                    .outcomes
                    .iter()
                    .map(|outcome| recall_text(outcome.recall_by_group[n]))
                    .collect();
                row(out, group, values)?;
            }
            let all = measured
                .outcomes
                .iter()
                .map(|outcome| format!("**{}**", recall_text(outcome.recall)))
                .collect();
            row(out, "**all**", all)?;
        }

        self.head(out, "wrong entries found")?;
        let photos: Vec<&Measured> = [&self.edits, &self.draws, &self.draws_of_two]
            .into_iter()
            .flatten()
            .collect();
        if !photos.is_empty() {
            let wrong: Vec<False> = (0..self.stages.len())
                .map(|stage| sum(photos.iter().flat_map(|measured| &measured.outcomes[stage].wrong)))
                .collect();
            write_wrong(out, "photo, another photo", &wrong)?;
        }
        if let Some(cards) = &self.cards {
            let same_template = |outcome: &Outcome| sum(&outcome.wrong[..outcome.wrong.len() - 1]);
            write_wrong(
                out,
                "card, same template",
                &cards.outcomes.iter().map(same_template).collect::<Vec<_>>(),
            )?;
            for (n, group) in cards.wrong_groups.iter().enumerate() {
                let wrong: Vec<False> = cards.outcomes.iter().map(|outcome| outcome.wrong[n].clone()).collect();
                write_wrong(out, &format!("card, {group}"), &wrong)?;
            }
        }

        if let Some(patterns) = &self.patterns {
            for (n, group) in patterns.wrong_groups.iter().enumerate() {
                let wrong: Vec<False> = patterns
                    .outcomes
                    .iter()
                    .map(|outcome| outcome.wrong[n].clone())
                    .collect();
                write_wrong(out, &format!("pattern, {group}"), &wrong)?;
            }
        }

        self.head(out, "cost on one core")?;
        let of_cost = |value: fn(&Cost) -> f64| self.cost.iter().map(|cost| format!("{:.2} ms", value(cost))).collect();
        row(
            out,
            "views and codes of a photo at 1920 px",
            of_cost(|cost| cost.large_ms),
        )?;
        row(out, "the slowest of the photos", of_cost(|cost| cost.large_ms_max))?;
        row(out, "at 384 px", of_cost(|cost| cost.small_ms))?;
        let all: Vec<&Measured> = photos.into_iter().chain(&self.cards).collect();
        if let Some(first) = all.first() {
            let codes_max = |stage: usize| {
                all.iter()
                    .map(|measured| measured.outcomes[stage].codes_max)
                    .max()
                    .unwrap_or(0)
            };
            row(
                out,
                "codes searched, most",
                (0..self.stages.len())
                    .map(|stage| codes_max(stage).to_string())
                    .collect(),
            )?;
            row(
                out,
                "bytes of an entry, mean",
                first.entry_bytes.iter().map(|bytes| format!("{bytes:.0}")).collect(),
            )?;
        }
        Ok(())
    }

    fn head(&self, out: &mut String, title: &str) -> std::fmt::Result {
        let names: Vec<&str> = self.stages.iter().map(|(name, _)| *name).collect();
        writeln!(
            out,
            "\n| {title} | {} |\n|---|{}",
            names.join(" | "),
            "--:|".repeat(names.len())
        )
    }

    /// Some of what was wrong, to look at.
    pub fn examples(&self) -> String {
        let mut out = String::new();
        for measured in [
            &self.edits,
            &self.draws,
            &self.draws_of_two,
            &self.cards,
            &self.patterns,
        ]
        .into_iter()
        .flatten()
        {
            for ((stage, _), outcome) in self.stages.iter().zip(&measured.outcomes) {
                for example in sum(&outcome.wrong).examples {
                    out.push_str(&format!("wrong, {stage}: {example}\n"));
                }
            }
        }
        out
    }

    pub fn json(&self) -> Value {
        let stages = self.stages.iter().enumerate().map(|(n, (name, about))| {
            let of = |measured: &Option<Measured>| measured.as_ref().map(|measured| measured_json(measured, n));
            json!({
                "stage": name,
                "about": about,
                "edits": of(&self.edits),
                "draws": of(&self.draws),
                "draws_of_two": of(&self.draws_of_two),
                "cards": of(&self.cards),
                "patterns": of(&self.patterns),
                "query_ms_1920": self.cost[n].large_ms,
                "query_ms_1920_max": self.cost[n].large_ms_max,
                "query_ms_384": self.cost[n].small_ms,
            })
        });
        json!({
            "set": self.half.as_str(),
            "n_photos": self.n_photos,
            "n_benign": self.n_benign,
            "stages": stages.collect::<Vec<_>>(),
        })
    }
}

fn row(out: &mut String, name: &str, values: Vec<String>) -> std::fmt::Result {
    writeln!(out, "| {name} | {} |", values.join(" | "))
}

fn write_wrong(out: &mut String, of: &str, wrong: &[False]) -> std::fmt::Result {
    let pairs = wrong.first().map_or(0, |wrong| wrong.pairs);
    let values = |value: fn(&False) -> Rate| wrong.iter().map(|wrong| rate_text(value(wrong))).collect();
    row(
        out,
        &format!("{of}, {} pairs: match", grouped(pairs)),
        values(False::match_rate),
    )?;
    row(out, "lead", values(False::lead_rate))
}

fn sum<'a>(wrong: impl IntoIterator<Item = &'a False>) -> False {
    wrong.into_iter().fold(False::default(), |mut sum, more| {
        sum.add(more.clone());
        sum
    })
}

fn recall_text(recall: Recall) -> String {
    let percent = |count: usize| 100.0 * count as f64 / recall.queries.max(1) as f64;
    format!("{:.1} / {:.1}", percent(recall.matches), percent(recall.leads))
}

fn rate_text(rate: Rate) -> String {
    if rate.count == 0 {
        return format!("0 (≤ {})", percent(rate.upper_95()));
    }
    format!(
        "{}: {} (≤ {})",
        grouped(rate.count),
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

/// With commas between thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn measured_json(measured: &Measured, stage: usize) -> Value {
    let outcome = &measured.outcomes[stage];
    let recall =
        |recall: &Recall| json!({ "queries": recall.queries, "matches": recall.matches, "leads": recall.leads });
    let by_group = measured.groups.iter().zip(&outcome.recall_by_group);
    let wrong = measured.wrong_groups.iter().zip(&outcome.wrong);
    json!({
        "recall": recall(&outcome.recall),
        "recall_by_group": by_group.map(|(name, value)| (name.clone(), recall(value))).collect::<serde_json::Map<_, _>>(),
        "wrong": wrong.map(|(name, value)| (name.clone(), wrong_json(value))).collect::<serde_json::Map<_, _>>(),
        "codes_of_a_query_max": outcome.codes_max,
        "entry_bytes": measured.entry_bytes[stage],
    })
}

fn wrong_json(wrong: &False) -> Value {
    json!({
        "pairs": wrong.pairs,
        "matches": wrong.matches,
        "matches_upper_95": wrong.match_rate().upper_95(),
        "leads": wrong.leads,
        "leads_upper_95": wrong.lead_rate().upper_95(),
        "examples": wrong.examples,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_so_that_they_say_something() {
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.000_003), "0.00030 %");
        assert_eq!(percent(0.0123), "1.2 %");
        assert_eq!(percent(0.97), "97 %");
        assert_eq!(grouped(983_400), "983,400");
        assert_eq!(grouped(12), "12");
    }
}
