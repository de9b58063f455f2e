//! Which likenesses of frames lie in time as those of a copy do.
//!
//! A frame that looks like a mark is a [`Vote`]. A copy's votes lie on a line: so many milliseconds of the entry go by in one of the query. Lines that many votes
//! agree with are found (`lines`), made exact, and run through (`run`): each frame that shows what it should is evidence for, each that does not
//! against. The evidence is the logarithm of the odds of a copy against chance, so its greatest sum along a line says how improbable the whole
//! run is by chance: fair odds of x come up in footage without a copy at most once in x times, for each line and each beginning that were tried (Ville's
//! inequality; the same sum and reasoning compare sequences of genes: Karlin and Altschul, 1990). The odds of one frame are not quite fair, as the best of several
//! votes counts, and frames that follow each other are not independent: what is told as a chance is an estimate, for one entry, and is held against
//! unrelated footage by `make bench-video`.

mod lines;
mod run;
mod weigh;

#[cfg(test)]
mod tests;

use super::{Mark, Segment};
use crate::nearness::Near;
use crate::pdq::Pdq;
use crate::span::Span;
use lines::Line;
use run::Run;

pub use weigh::{Likeness, Moments, Weighed, weigh};

/// Slowest and fastest that a copy may play: milliseconds of the entry in one of the query.
pub const RATE_MIN: f32 = 0.4;
/// See [`RATE_MIN`].
pub const RATE_MAX: f32 = 2.2;
/// Segments that are told of one entry.
pub const SEGMENTS_MAX: usize = 16;
/// Runs of one picture or two that are not sure and are passed over for what else there may be: a picture that stands for minutes and says little hides no clip.
const PASSED_OVER_MAX: usize = 4;

/// Bits within which the hash of a view is as near as a match asks.
pub const NEAR_BITS: u32 = 31;
/// Decimal logarithm of the chance from which on a segment is a match, and a lead.
const MATCH_LOG10: f32 = -5.0;
/// The same where most frames are like other moments of the entry, too: frames of a layout, of a camera that stands still, go with those beside them, and their odds, multiplied as
/// if they did not, are told too high.
const MATCH_IN_LAYOUT_LOG10: f32 = -13.0;
const LEAD_LOG10: f32 = -1.0;
/// Pictures that differ from each other which a match must show: one picture is never a match, however long it stands.
const MATCH_PICTURES: f32 = 2.5;
/// Frames with a near hash that are a lead, even of one picture.
const LEAD_NEAR_FRAMES: u32 = 2;
/// Runs of one line with so little between them are one.
const JOIN_GAP_MS: u32 = 10_000;
/// And whose lines are so near where they meet.
const JOIN_AWAY_MS: f64 = 1_500.0;
/// How far beyond its first and last frame a segment may reach.
const EDGE_MS: u32 = 500;

/// A frame of a query that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// When it is shown.
    pub at_ms: u32,
    /// It could not have been recognised: flat, or what everything shows.
    pub is_mute: bool,
    /// Its hash alone was asked for: that it is not recognised says nothing.
    pub is_glanced_at: bool,
}

/// A mark that can be voted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The first moment.
    pub at_ms: u32,
    /// The last moment.
    pub until_ms: u32,
    /// The hash of the whole frame, by which marks of one picture are told.
    pub hash: Pdq,
    /// It cannot be recognised: flat, or everything shows it.
    pub is_mute: bool,
    /// It cannot be recognised because next to nothing is seen.
    pub is_flat: bool,
}

/// What is known of an entry.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// How long it is.
    pub duration_ms: u32,
    /// Its marks in order of time.
    pub points: &'a [Point],
    /// How many other moments each has.
    pub moments: &'a Moments,
    /// Share of harmless frames that vote for any one moment of it; 0 if none was asked.
    pub background: f32,
}

/// A frame that looks like a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// Which of the query's frames.
    pub frame: u32,
    /// Which of the entry's marks.
    pub mark: u32,
    /// How like.
    pub likeness: Likeness,
    /// Whether they look alike in a mirror.
    pub is_mirrored: bool,
}

impl Vote {
    /// Whether the hash of a view is as near as a match asks.
    pub fn is_near(&self) -> bool {
        self.likeness.bits <= NEAR_BITS
    }
}

impl Point {
    /// Of a mark.
    pub fn of(mark: &Mark) -> Self {
        Self {
            at_ms: mark.at_ms,
            until_ms: mark.until_ms,
            hash: mark.pdq.hash,
            is_mute: mark.is_flat(),
            is_flat: mark.is_flat(),
        }
    }
}

/// A query, an entry and the votes between them.
struct Question<'a> {
    frames: &'a [Shown],
    subject: Subject<'a>,
    /// In order of frames.
    votes: Vec<Weighed>,
    /// Where in `votes` those of each frame are.
    of_frame: Vec<(u32, u32)>,
    /// Frames that are in a segment already.
    is_used: Vec<bool>,
}

/// The segments in which a query shows an entry, in order of the query's time. `frames` are in order of time, and are all there is of a query that goes on for
/// `asked_ms` or the part of it that is remembered; votes on frames or marks that are not there count for nothing.
pub fn align(frames: &[Shown], asked_ms: u32, subject: Subject<'_>, votes: &[Weighed]) -> Vec<Segment> {
    let mut question = Question::new(frames, subject, votes);
    let tries = tries(asked_ms, subject);
    let mut found: Vec<Run> = Vec::new();
    let mut n_passed_over = 0;
    while found.len() < SEGMENTS_MAX && n_passed_over < PASSED_OVER_MAX {
        let candidates = [false, true]
            .into_iter()
            .filter_map(|mirrored| best(&question, mirrored));
        let Some(run) = candidates.max_by(|a, b| a.strength.total_cmp(&b.strength)) else {
            break;
        };
        question.is_used[run.first..=run.last].fill(true);
        if near_of(&run, tries).is_some() {
            found.push(run);
        } else if run.pictures < MATCH_PICTURES {
            n_passed_over += 1;
        } else {
            // The strongest run of many pictures is no copy: what is weaker and by chance surer is a layout's.
            break;
        }
    }
    found.sort_by_key(|run| run.first);
    let joined = join(&question, found);
    joined
        .iter()
        .filter_map(|run| segment(frames, subject, run, tries))
        .collect()
}

impl<'a> Question<'a> {
    fn new(frames: &'a [Shown], subject: Subject<'a>, votes: &[Weighed]) -> Self {
        let counts = |vote: &&Weighed| {
            let frame = frames.get(vote.frame as usize);
            let point = subject.points.get(vote.mark as usize);
            frame.is_some_and(|frame| !frame.is_mute) && point.is_some_and(|point| !point.is_mute)
        };
        let mut votes: Vec<Weighed> = votes.iter().filter(counts).copied().collect();
        votes.sort_by_key(|vote| (vote.frame, vote.mark, vote.is_mirrored));
        let mut of_frame = vec![(0, 0); frames.len()];
        for (at, vote) in votes.iter().enumerate() {
            let (from, to) = &mut of_frame[vote.frame as usize];
            if *to == 0 {
                *from = at as u32;
            }
            *to = at as u32 + 1;
        }
        Self {
            frames,
            subject,
            votes,
            of_frame,
            is_used: vec![false; frames.len()],
        }
    }

    fn votes_of(&self, frame: usize) -> &[Weighed] {
        let (from, to) = self.of_frame[frame];
        &self.votes[from as usize..to as usize]
    }
}

/// Decimal logarithm of how many lines and beginnings there are: a second of the query, a second of the entry, a rate.
fn tries(asked_ms: u32, subject: Subject<'_>) -> f32 {
    let seconds = |ms: u32| (ms as f32 / 1000.0 + 1.0).log10();
    seconds(asked_ms) + seconds(subject.duration_ms) + (lines::N_RATES as f32).log10()
}

/// The strongest run along any line.
fn best(question: &Question<'_>, mirrored: bool) -> Option<Run> {
    let candidates = lines::likely(question, mirrored);
    let runs = candidates
        .into_iter()
        .filter_map(|line| refined(question, line, mirrored));
    runs.max_by(|a, b| a.strength.total_cmp(&b.strength))
}

/// Rounds in which a line is made exact.
const ROUNDS_MAX: usize = 8;
/// How far a frame may be from where the line has it while the line is a guess.
const TOLERANCE_GUESS_MS: f64 = 1_500.0;
/// And after that: half of the time between marks with keypoints.
const TOLERANCE_MS: f64 = 1_000.0;
/// What the plain rate may cost and still be preferred: where little moves, any rate fits.
const PLAIN_SHARE: f32 = 0.97;

fn refined(question: &Question<'_>, guess: Line, mirrored: bool) -> Option<Run> {
    let guessed = run::strongest(question, guess, mirrored, TOLERANCE_GUESS_MS)?;
    let rough = fitted(question, guessed, mirrored);
    let line = lines::fit(question, &rough)?;
    let mut best = fitted(
        question,
        run::strongest(question, line, mirrored, TOLERANCE_MS)?,
        mirrored,
    );
    if (best.line.rate - 1.0).abs() > 1e-6 {
        let plain = run::strongest(question, lines::plain(question, &best), mirrored, TOLERANCE_MS);
        if let Some(plain) = plain.filter(|plain| plain.strength >= PLAIN_SHARE * best.strength) {
            best = plain;
        }
    }
    Some(best)
}

/// The run along the line that fits its own frames, again and again while that makes it stronger: the more exact the line, the farther it goes.
fn fitted(question: &Question<'_>, run: Run, mirrored: bool) -> Run {
    let mut best = run;
    for _ in 0..ROUNDS_MAX {
        let line = lines::fit(question, &best);
        let better = line.and_then(|line| run::strongest(question, line, mirrored, best.tolerance_ms));
        match better.filter(|better| better.strength > best.strength * 1.001) {
            Some(better) => best = better,
            None => break,
        }
    }
    best
}

fn near_of(run: &Run, tries: f32) -> Option<Near> {
    let log10_chance = tries - run.evidence;
    let is_in_layout = run.layout_frames * 2 > run.frames;
    let match_log10 = if is_in_layout {
        MATCH_IN_LAYOUT_LOG10
    } else {
        MATCH_LOG10
    };
    if log10_chance <= match_log10 && run.pictures >= MATCH_PICTURES {
        Some(Near::Match)
    } else if log10_chance <= LEAD_LOG10 || run.near_frames >= LEAD_NEAR_FRAMES {
        Some(Near::Lead)
    } else {
        None
    }
}

/// Runs that go on where another ended become one.
fn join(question: &Question<'_>, runs: Vec<Run>) -> Vec<Run> {
    let mut joined: Vec<Run> = Vec::with_capacity(runs.len());
    for run in runs {
        if let Some(before) = joined.last_mut() {
            let (end, start) = (question.frames[before.last].at_ms, question.frames[run.first].at_ms);
            let away = |at_ms: u32| (before.line.at(at_ms) - run.line.at(at_ms)).abs();
            let goes_on = before.is_mirrored == run.is_mirrored
                && start.saturating_sub(end) <= JOIN_GAP_MS
                && away(end) <= JOIN_AWAY_MS
                && away(start) <= JOIN_AWAY_MS;
            if goes_on {
                before.take(question, run);
                continue;
            }
        }
        joined.push(run);
    }
    joined
}

fn segment(frames: &[Shown], subject: Subject<'_>, run: &Run, tries: f32) -> Option<Segment> {
    let near = near_of(run, tries)?;
    let (first, last) = (frames[run.first].at_ms, frames[run.last].at_ms);
    // Where frames agree now and then, the copy begins before the first that does: half of the usual gap.
    let gap = ((last - first) / run.frames.max(1) / 2).min(EDGE_MS);
    let earliest = frames.first().map_or(0, |frame| frame.at_ms);
    let latest = frames.last().map_or(0, |frame| frame.at_ms);
    let query = Span {
        from_ms: first.saturating_sub(gap).max(earliest),
        to_ms: last.saturating_add(gap).min(latest),
    };
    let in_entry = |at_ms: u32| run.line.at(at_ms).round().clamp(0.0, f64::from(subject.duration_ms)) as u32;
    Some(Segment {
        query,
        entry: Span {
            from_ms: in_entry(query.from_ms),
            to_ms: in_entry(query.to_ms),
        },
        rate: run.line.rate as f32,
        frames: run.frames,
        marks: run.marks,
        is_mirrored: run.is_mirrored,
        log10_chance: tries - run.evidence,
        near,
    })
}
