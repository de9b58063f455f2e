//! `seawall scan`: which files of a folder are near to the entries of a bank file. Offline.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use media::Want;
use moderation::model::Tier;
use serde::Serialize;
use signal::Signal;

use crate::args::{Scan, ScanTier};
use crate::exit::{BadUsage, Exit};
use crate::offline::files::{self, FileError};
use crate::offline::hasher::{self, FileScan, FileSignal, Hashed, Hasher, PartLine, digest_signals, path_text};
use crate::offline::known::{Found, Known, Thresholds};
use crate::offline::recordings::{Played, SegmentLine};
use crate::output;

/// A line of JSON about a file.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Found {
        file: &'a str,
        entry: &'a str,
        bank: &'a str,
        signal: &'static str,
        distance: u32,
        threshold: u32,
        tier: &'static str,
        view: String,
        /// Which part of the picture that is, if not all of it.
        #[serde(skip_serializing_if = "Option::is_none")]
        part: Option<PartLine>,
        /// Which frame of a video that is.
        #[serde(skip_serializing_if = "Option::is_none")]
        frame: Option<u32>,
    },
    Played {
        file: &'a str,
        entry: &'a str,
        bank: &'a str,
        signal: &'static str,
        tier: &'static str,
        segments: &'a [SegmentLine],
    },
    Failed {
        file: &'a str,
        error: &'a FileError,
    },
}

/// How many files came to what.
#[derive(Debug, Default)]
struct Counts {
    files: usize,
    matched: usize,
    leads: usize,
    failed: usize,
    too_flat: usize,
    damaged: usize,
}

/// How many lines of a bank that do not read are told one by one.
const LINE_ERRORS_TOLD_MAX: usize = 20;

/// Scans the folder; [`Exit::Failure`] if a file could not be read or a line of the bank does not read.
pub async fn run(args: Scan) -> anyhow::Result<Exit> {
    let thresholds = thresholds(args.threshold, args.tier);
    let (bank_path, dir) = (args.bank.clone(), args.dir.clone());
    let (known, line_errors) =
        tokio::task::spawn_blocking(move || Known::read(&bank_path, thresholds.quality_min)).await??;
    for error in line_errors.iter().take(LINE_ERRORS_TOLD_MAX) {
        output::talk(&format!(
            "seawall: {}, line {}: {}",
            args.bank.display(),
            error.line,
            output::printable(&error.what)
        ));
    }
    if known.len() == 0 {
        return Err(BadUsage(format!("the bank `{}` holds no entries", args.bank.display())).into());
    }
    if !args.dir.is_dir() {
        return Err(BadUsage(format!(
            "`{}` is not a folder; `seawall hash` takes files",
            args.dir.display()
        ))
        .into());
    }
    let hasher = Hasher::start(args.jail.allow_weak_jail, Want::SignalsAndLooks).await?;
    let started = Instant::now();
    let found = tokio::task::spawn_blocking(move || files::find(&dir)).await?;

    let mut counts = Counts {
        files: found.files.len() + found.errors.len(),
        ..Counts::default()
    };
    let bars = hasher.bars();
    let bar = bars.files(counts.files as u64);
    for (path, error) in &found.errors {
        counts.failed += 1;
        bar.inc(1);
        bars.suspend(|| print_failed(&path_text(path), error, args.json))?;
    }
    let mut hashed = std::pin::pin!(hasher.hash(found.files));
    while let Some(hashed) = hashed.next().await {
        bar.inc(1);
        let signals = comparable(&hashed);
        let near = known.lookup(&signals, thresholds);
        let played = match &hashed.outcome {
            Ok(scan) => known.lookup_recordings(scan),
            Err(_) => Vec::new(),
        };
        let played: Vec<(&str, Played)> = played
            .into_iter()
            .filter(|(_, played)| args.tier == ScanTier::Lead || played.tier == Tier::Match)
            .collect();
        counts.count(&hashed, &signals, &near, &played, thresholds.quality_min);
        let file = path_text(&hashed.path);
        bars.suspend(|| {
            near.iter()
                .try_for_each(|found| print_found(&file, &known.bank, found, args.json))?;
            played
                .iter()
                .try_for_each(|(entry, played)| print_played(&file, &known.bank, entry, played, args.json))?;
            hashed
                .outcome
                .as_ref()
                .err()
                .map_or(Ok(()), |error| print_failed(&file, error, args.json))
        })?;
    }
    bar.finish_and_clear();
    output::talk(&counts.summary(&known, args.tier, line_errors.len(), started.elapsed()));
    Ok(if counts.failed > 0 || !line_errors.is_empty() {
        Exit::Failure
    } else {
        Exit::Success
    })
}

fn thresholds(threshold: Option<u32>, tier: ScanTier) -> Thresholds {
    let defaults = crate::config::sections::Matching::default();
    let match_distance_bits = threshold.unwrap_or(defaults.match_distance_bits);
    Thresholds {
        match_distance_bits,
        lead_distance_bits: match tier {
            ScanTier::Match => match_distance_bits,
            ScanTier::Lead => threshold.unwrap_or(defaults.lead_distance_bits),
        },
        quality_min: defaults.quality_min,
    }
}

/// What of a file can be compared. A file that could not be decoded still has the digests of its bytes.
fn comparable(hashed: &Hashed) -> Vec<FileSignal> {
    match (&hashed.outcome, hashed.digests) {
        (Ok(FileScan::Picture(scan)), _) => hasher::comparable(scan),
        (Ok(FileScan::Recording(scan)), _) => hasher::comparable_of_recording(scan),
        (Err(_), Some((md5, sha256))) => digest_signals(md5, sha256).into(),
        (Err(_), None) => Vec::new(),
    }
}

impl Counts {
    fn count(
        &mut self,
        hashed: &Hashed,
        signals: &[FileSignal],
        near: &[Found<'_>],
        played: &[(&str, Played)],
        quality_min: u8,
    ) {
        self.failed += usize::from(hashed.outcome.is_err());
        self.damaged += usize::from(hashed.outcome.as_ref().is_ok_and(|scan| !scan.is_intact()));
        let tiers = near.iter().map(|found| found.tier);
        let tiers: Vec<Tier> = tiers.chain(played.iter().map(|(_, played)| played.tier)).collect();
        self.matched += usize::from(tiers.contains(&Tier::Match));
        self.leads += usize::from(!tiers.is_empty() && !tiers.contains(&Tier::Match));
        let says_something = |signal: &FileSignal| match &signal.signal {
            Signal::Pdq { quality, .. } => quality.is_none_or(|quality| quality >= quality_min),
            Signal::Md5(_) | Signal::Sha256(_) | Signal::Vpdq(_) | Signal::Chromaprint(_) => false,
        };
        self.too_flat += usize::from(hashed.outcome.is_ok() && !signals.iter().any(says_something));
    }

    fn summary(&self, known: &Known, tier: ScanTier, n_line_errors: usize, took: Duration) -> String {
        let Self {
            files,
            matched,
            leads,
            failed,
            too_flat,
            damaged,
        } = self;
        let leads = match tier {
            ScanTier::Match => String::new(),
            ScanTier::Lead => format!("{leads} only leads, "),
        };
        let mut text = format!(
            "{files} files in {:.1} s against {} entries: {matched} matched, {leads}{failed} could not be read",
            took.as_secs_f64(),
            known.len(),
        );
        if *too_flat > 0 {
            text.push_str(&format!(
                "; {too_flat} too flat for PDQ, compared by their digests alone"
            ));
        }
        if *damaged > 0 {
            text.push_str(&format!("; {damaged} damaged, compared by what could be seen of them"));
        }
        if n_line_errors > 0 {
            text.push_str(&format!("; {n_line_errors} lines of the bank do not read"));
        }
        text
    }
}

fn print_found(file: &str, bank: &str, found: &Found<'_>, json: bool) -> anyhow::Result<()> {
    let (signal, tier) = (found.signal.as_str(), found.tier.as_str());
    if json {
        return output::json(&Line::Found {
            file,
            entry: found.entry,
            bank,
            signal,
            distance: found.distance,
            threshold: found.threshold,
            tier,
            view: found.view.to_string(),
            part: found.view.part().map(PartLine::from),
            frame: found.frame,
        });
    }
    let (entry, file) = (output::printable(found.entry), output::printable(file));
    output::line(&format!(
        "{tier:<5}  {:>3}  {signal:<6}  {:<14}  {entry}  {file}",
        found.distance,
        found.view.to_string()
    ))
}

fn print_played(file: &str, bank: &str, entry: &str, played: &Played, json: bool) -> anyhow::Result<()> {
    let (signal, tier) = (played.signal.as_str(), played.tier.as_str());
    if json {
        return output::json(&Line::Played {
            file,
            entry,
            bank,
            signal,
            tier,
            segments: &played.segments,
        });
    }
    let (entry, file) = (output::printable(entry), output::printable(file));
    played.segments.iter().try_for_each(|segment| {
        output::line(&format!(
            "{tier:<5}       {signal:<6}  {:<14}  {entry}  {file}",
            segment.words()
        ))
    })
}

fn print_failed(file: &str, error: &FileError, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(&Line::Failed { file, error });
    }
    output::talk(&format!(
        "seawall: {}: {}",
        output::printable(file),
        output::printable(&error.detail)
    ));
    Ok(())
}
