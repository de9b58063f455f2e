//! Lines of time that many votes agree with.

use super::run::Run;
use super::weigh::Weighed;
use super::{Question, RATE_MAX, RATE_MIN};

/// How time goes by in an entry while a query plays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    /// Milliseconds of the entry in one of the query.
    pub rate: f64,
    /// Moment of the entry at the beginning of the query.
    pub offset_ms: f64,
}

/// Each rate that is tried is so much faster than the one before: over half a minute that is not yet a second off.
const RATE_STEP: f64 = 1.05;
/// Steps slower and faster than the plain rate.
const SLOWER: i32 = 18;
const FASTER: i32 = 16;
/// Rates that are tried.
pub(super) const N_RATES: usize = (SLOWER + 1 + FASTER) as usize;
/// Votes whose offsets fall into one such are counted together.
const BIN_MS: f64 = 1_000.0;
/// A mark that stands longer than so many bins is counted in so many, spread over it.
const BINS_OF_MARK_MAX: usize = 16;
/// Bins of one rate; longer recordings have wider ones.
const BINS_MAX: f64 = 65_536.0;
/// Lines that are looked at closely.
const LINES_MAX: usize = 8;
/// What a vote weighs at least, even one that the layout explains.
const ODDS_MIN: f32 = 0.05;
/// What the plain rate counts more where others do as well.
const PLAIN_BONUS: f32 = 1.05;

impl Line {
    /// The moment of the entry at one of the query.
    pub fn at(self, query_ms: u32) -> f64 {
        self.rate * f64::from(query_ms) + self.offset_ms
    }
}

/// What a vote weighs: how unlikely it is, less where the frame has many.
fn weight(question: &Question<'_>, vote: &Weighed) -> f32 {
    let n = question.votes_of(vote.frame as usize).len().max(1) as f32;
    vote.odds.max(ODDS_MIN) / n.sqrt()
}

/// The lines that most votes agree with, the most first.
pub(super) fn likely(question: &Question<'_>, mirrored: bool) -> Vec<Line> {
    let is_open = |vote: &&Weighed| vote.is_mirrored == mirrored && !question.is_used[vote.frame as usize];
    let votes: Vec<(&Weighed, f32)> = question
        .votes
        .iter()
        .filter(is_open)
        .map(|vote| (vote, weight(question, vote)))
        .collect();
    let Some(last) = question.frames.last() else {
        return Vec::new();
    };
    if votes.is_empty() {
        return Vec::new();
    }
    let longest = f64::from(last.at_ms) * RATE_STEP.powi(FASTER) + f64::from(question.subject.duration_ms);
    let bin_ms = BIN_MS.max(longest / BINS_MAX);
    let mut bins: Vec<f32> = Vec::new();
    let mut peaks: Vec<(f32, i32, usize, Line)> = Vec::new();
    for step in -SLOWER..=FASTER {
        let rate = RATE_STEP.powi(step);
        // The least offset there is: the query's end shows the entry's beginning.
        let least = -f64::from(last.at_ms) * rate - bin_ms;
        let n_bins = ((f64::from(question.subject.duration_ms) - least) / bin_ms) as usize + 3;
        bins.clear();
        bins.resize(n_bins, 0.0);
        for (vote, weight) in &votes {
            let shown = f64::from(question.frames[vote.frame as usize].at_ms) * rate;
            let point = question.subject.points[vote.mark as usize];
            let bin = |entry_ms: u32| ((f64::from(entry_ms) - shown - least) / bin_ms).max(0.0) as usize;
            let (from, to) = (bin(point.at_ms), bin(point.until_ms).min(n_bins - 1));
            let n = (to.saturating_sub(from) + 1).min(BINS_OF_MARK_MAX);
            let stride = (to.saturating_sub(from) + 1) / n;
            for at in 0..n {
                if let Some(bin) = bins.get_mut(from + at * stride) {
                    *bin += weight / n as f32;
                }
            }
        }
        let bonus = if step == 0 { PLAIN_BONUS } else { 1.0 };
        for at in 0..n_bins - 1 {
            let sum = (bins[at] + bins[at + 1]) * bonus;
            let is_weak = peaks.len() >= LINES_MAX && peaks.last().is_some_and(|least| sum <= least.0);
            if sum <= 0.0 || is_weak {
                continue;
            }
            let offset_ms = least + (at as f64 + 1.0) * bin_ms;
            add_peak(&mut peaks, (sum, step, at, Line { rate, offset_ms }));
        }
    }
    peaks.into_iter().map(|(_, _, _, line)| line).collect()
}

/// Keeps the highest peaks, one of those beside each other, the highest first.
fn add_peak(peaks: &mut Vec<(f32, i32, usize, Line)>, peak: (f32, i32, usize, Line)) {
    let is_beside = |other: &(f32, i32, usize, Line)| other.1 == peak.1 && other.2.abs_diff(peak.2) <= 2;
    if let Some(at) = peaks.iter().position(is_beside) {
        if peaks[at].0 >= peak.0 {
            return;
        }
        peaks.remove(at);
    }
    let at = peaks.partition_point(|other| other.0 >= peak.0);
    peaks.insert(at, peak);
    peaks.truncate(LINES_MAX);
}

/// Frames over which a rate can be told, in milliseconds from the first to the last.
const FIT_SPAN_MS: f64 = 4_000.0;
/// And how many at least.
const FIT_FRAMES_MIN: usize = 4;

/// The line that fits the frames of a run best.
pub(super) fn fit(question: &Question<'_>, run: &Run) -> Option<Line> {
    let mut pairs: Vec<(f64, f64, f64)> = Vec::with_capacity(run.hits.len());
    for vote in &run.hits {
        let shown = f64::from(question.frames[vote.frame as usize].at_ms);
        let point = question.subject.points[vote.mark as usize];
        // Anywhere in a mark that stands is right.
        let entry = run.line.at(question.frames[vote.frame as usize].at_ms);
        let entry = entry.clamp(f64::from(point.at_ms), f64::from(point.until_ms));
        pairs.push((shown, entry, f64::from(vote.odds.max(ODDS_MIN))));
    }
    let weights: f64 = pairs.iter().map(|(_, _, weight)| weight).sum();
    if weights <= 0.0 {
        return None;
    }
    let mean_q = pairs.iter().map(|(q, _, w)| q * w).sum::<f64>() / weights;
    let mean_e = pairs.iter().map(|(_, e, w)| e * w).sum::<f64>() / weights;
    let across: f64 = pairs.iter().map(|(q, _, w)| w * (q - mean_q).powi(2)).sum();
    let both: f64 = pairs.iter().map(|(q, e, w)| w * (q - mean_q) * (e - mean_e)).sum();
    let span = pairs.last()?.0 - pairs.first()?.0;
    let can_tell = pairs.len() >= FIT_FRAMES_MIN && span >= FIT_SPAN_MS && across > 0.0;
    let rate = if can_tell { both / across } else { run.line.rate };
    let rate = rate.clamp(f64::from(RATE_MIN), f64::from(RATE_MAX));
    Some(Line {
        rate,
        offset_ms: mean_e - rate * mean_q,
    })
}

/// The line of plain rate through the middle of a run.
pub(super) fn plain(question: &Question<'_>, run: &Run) -> Line {
    let middle = |at: usize| question.frames[at].at_ms;
    let middle = middle(run.first) / 2 + middle(run.last) / 2;
    Line {
        rate: 1.0,
        offset_ms: run.line.at(middle) - f64::from(middle),
    }
}
