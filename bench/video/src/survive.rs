//! Every copy and every stranger is scanned, looked up among all entries, and counted.

use crate::clock::processor_time;
use crate::corpus::Corpus;
use crate::evaluate::{Tally, Wrong};
use crate::kept::Kept;
use crate::methods::{Answers, Bank, BankCost, Found, LookUpCost};
use crate::scans::{Scanner, WANT};
use anyhow::{Context, Result};
use media::av::{AvWant, Sampling};
use signal::nearness::Near;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Share of a query's frames that must match by default, in percent: `VPDQ_QUERY_MATCH_THRESHOLD_PERCENT` of the package threatexchange.
pub const VPDQ_QUERY_PERCENT: f64 = 80.0;
/// Copies whose scan is timed.
const TIMED: usize = 12;

/// The methods' tallies, in the order of [`METHODS`].
pub struct Survival {
    pub tallies: Vec<Tally>,
    /// The least share, in percent, at which vPDQ finds nothing false here.
    pub vpdq_best: f64,
    pub bank: BankCost,
    pub look_ups: LookUpCost,
    pub scan_cost: ScanCost,
    /// Published vPDQ's processor time, per minute.
    pub vpdq_seconds_a_minute: f64,
    /// With key frames alone.
    pub key_frames: Tally,
}

#[derive(Debug, Default, Clone, Copy)]
pub struct ScanCost {
    pub minutes: f64,
    pub with_sound: Duration,
    pub pictures: Duration,
}

pub const METHODS: [&str; 5] = ["vPDQ", "vPDQ, best", "ours", "ours with sound", "sound alone"];

pub async fn measure(scanner: &Scanner, corpus: &Corpus, only: &[String], has_key_frames: bool) -> Result<Survival> {
    let entries = scan_all(
        scanner,
        corpus.entries.iter().map(|entry| entry.path.as_path()),
        Sampling::Full,
    )
    .await?;
    let benign = scan_all(scanner, corpus.benign.iter().map(PathBuf::as_path), Sampling::Full).await?;
    let bank = Bank::new(&corpus.entries, &entries, &benign);
    drop((entries, benign));
    let asked: Vec<_> = corpus
        .queries
        .iter()
        .filter(|query| only.is_empty() || only.contains(&query.edit))
        .collect();
    let scans = scan_all(scanner, asked.iter().map(|query| query.path.as_path()), Sampling::Full).await?;
    let pairs: Vec<_> = asked.iter().map(|query| &query.vpdq).zip(&scans).collect();
    let (answers, mut look_ups) = bank.look_up_all(&pairs)?;
    drop(scans);
    let scans = scan_all(
        scanner,
        corpus.strangers.iter().map(|stranger| stranger.path.as_path()),
        Sampling::Full,
    )
    .await?;
    let pairs: Vec<_> = corpus
        .strangers
        .iter()
        .map(|stranger| &stranger.vpdq)
        .zip(&scans)
        .collect();
    let (of_strangers, cost) = bank.look_up_all(&pairs)?;
    look_ups.add(cost);

    let tally = |say: &dyn Fn(&Answers) -> Vec<Found>| -> Result<Tally> {
        let mut tally = Tally::new(corpus.edits.len());
        for (query, answers) in asked.iter().zip(&answers) {
            let edit = corpus
                .edits
                .iter()
                .position(|edit| *edit == query.edit)
                .context("an edit without a name")?;
            let reference = corpus.entries.iter().position(|entry| entry.name == query.reference);
            let reference = reference.context("a copy of nothing")?;
            tally.count(edit, query, reference, &corpus.entries, &say(answers));
        }
        for (number, answers) in of_strangers.iter().enumerate() {
            tally.count_stranger(&format!("stranger {number}"), &corpus.entries, &say(answers));
        }
        Ok(tally)
    };
    let vpdq_best = lowest_without_wrong(|percent| Ok(tally(&|answers| best_of_vpdq(answers, percent))?.wrong))?;
    let tallies = vec![
        tally(&as_published)?,
        tally(&|answers| best_of_vpdq(answers, vpdq_best))?,
        tally(&|answers| answers.video.clone())?,
        tally(&Answers::together)?,
        tally(&|answers| answers.sound.clone())?,
    ];

    let by_key_frames = asked
        .iter()
        .filter(|_| has_key_frames)
        .map(|query| query.path.as_path());
    let with_key_frames = scan_all(scanner, by_key_frames, Sampling::KeyFrames).await?;
    let mut key_frames = Tally::new(corpus.edits.len());
    let pairs: Vec<_> = asked.iter().map(|query| &query.vpdq).zip(&with_key_frames).collect();
    let (by_key_frames, _) = bank.look_up_all(&pairs)?;
    for (query, answers) in asked.iter().zip(&by_key_frames) {
        let edit = corpus
            .edits
            .iter()
            .position(|edit| *edit == query.edit)
            .context("an edit without a name")?;
        let reference = corpus.entries.iter().position(|entry| entry.name == query.reference);
        key_frames.count(
            edit,
            query,
            reference.context("a copy of nothing")?,
            &corpus.entries,
            &answers.video,
        );
    }

    let published_minutes: f64 = corpus.entries.iter().map(|entry| entry.seconds / 60.0).sum();
    let published: f64 = corpus.entries.iter().map(|entry| entry.vpdq.cpu_seconds).sum();
    let timed = asked
        .iter()
        .step_by((asked.len() / TIMED).max(1))
        .map(|query| query.path.as_path());
    Ok(Survival {
        tallies,
        vpdq_best,
        bank: bank.cost,
        look_ups,
        scan_cost: time_scans(scanner, timed).await?,
        vpdq_seconds_a_minute: published / published_minutes,
        key_frames,
    })
}

impl Survival {
    /// What was missed and what is false, and how sure the least sure tenth of what is right is, edit by edit.
    pub fn remarks(&self, edits: &[String]) -> String {
        let mut text = String::new();
        for (method, tally) in METHODS.iter().zip(&self.tallies).skip(2) {
            for (number, edit) in edits.iter().enumerate() {
                let of_edit = || tally.sureness.iter().filter(|(at, ..)| *at == number);
                if let Some(chance) = least_tenth(of_edit().map(|(_, chance, _)| *chance)) {
                    let n = of_edit().count();
                    text += &format!("{method}, {edit}: a tenth of {n} segments above 10^{chance:.1}\n");
                }
                if let Some(share) = least_tenth(of_edit().filter_map(|(.., share)| *share)) {
                    text += &format!(
                        "{method}, {edit}: a tenth of the sounds differs in more than {share:.3} of the bits\n"
                    );
                }
            }
        }
        for (method, tally) in METHODS.iter().zip(&self.tallies).skip(2) {
            text += &format!("== {method}\n{}\n", tally.remarks.join("\n"));
        }
        text
    }
}

/// What a tenth is above.
fn least_tenth(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values.get(values.len() / 10).copied()
}

/// Two at a time: there are two cores.
pub async fn scan_all<'a>(
    scanner: &Scanner,
    paths: impl Iterator<Item = &'a Path>,
    sampling: Sampling,
) -> Result<Vec<Kept>> {
    let paths: Vec<&Path> = paths.collect();
    let mut scans: Vec<Option<Kept>> = vec![None; paths.len()];
    let scanner = Arc::new(scanner.clone());
    let mut tasks = JoinSet::new();
    for (number, path) in paths.iter().enumerate() {
        if tasks.len() >= 2
            && let Some(done) = tasks.join_next().await
        {
            let (number, scan): (usize, Result<Kept>) = done?;
            scans[number] = Some(scan?);
        }
        let (scanner, path) = (scanner.clone(), path.to_path_buf());
        tasks.spawn(async move { (number, scanner.scan(&path, sampling).await) });
    }
    while let Some(done) = tasks.join_next().await {
        let (number, scan) = done?;
        scans[number] = Some(scan?);
    }
    Ok(scans.into_iter().flatten().collect())
}

async fn time_scans<'a>(scanner: &Scanner, paths: impl Iterator<Item = &'a Path>) -> Result<ScanCost> {
    let mut cost = ScanCost::default();
    for path in paths {
        let began = processor_time()?;
        let scan = scanner.scan_now(path, WANT).await?;
        let between = processor_time()?;
        scanner.scan_now(path, AvWant { audio: false, ..WANT }).await?;
        cost.with_sound += between - began;
        cost.pictures += processor_time()? - between;
        cost.minutes += f64::from(scan.duration_ms) / 60_000.0;
    }
    Ok(cost)
}

/// As the tools of vPDQ decide by default: enough of the query's frames match, however few of the entry's do.
fn as_published(answers: &Answers) -> Vec<Found> {
    found_where(answers, |(query, _)| query >= VPDQ_QUERY_PERCENT)
}

/// More lenient than its tools: enough of either's frames match.
fn best_of_vpdq(answers: &Answers, percent: f64) -> Vec<Found> {
    found_where(answers, |(query, target)| query.max(target) >= percent)
}

fn found_where(answers: &Answers, is_found: impl Fn((f64, f64)) -> bool) -> Vec<Found> {
    let found = answers
        .vpdq
        .iter()
        .enumerate()
        .filter(|(_, percentages)| is_found(**percentages));
    let whole = |(entry, _): (usize, &(f64, f64))| Found {
        entry,
        near: Near::Match,
        runs: Vec::new(),
    };
    found.map(whole).collect()
}

/// In steps of one percent.
fn lowest_without_wrong(wrong: impl Fn(f64) -> Result<Wrong>) -> Result<f64> {
    for percent in 1..=100 {
        if wrong(percent.into())?.n_lead == 0 {
            return Ok(percent.into());
        }
    }
    Ok(101.0)
}
