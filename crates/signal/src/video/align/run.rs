//! Along a line of time: what speaks for a copy, what against, and from where to where it speaks most.

use super::lines::Line;
use super::weigh::Weighed;
use super::{Point, Question, Shown};
use crate::pdq::Pdq;

/// What a second of the query says against a copy, in decimal logarithms of odds, when no frame in it shows what it should.
const MISS_A_SECOND: f32 = 0.3;
/// Time without a frame counts so long at most.
const MISS_GAP_MS: u32 = 1_500;
/// Marks within so many bits are one picture; marks that are so many apart are two.
const SAME_BITS: u32 = 6;
const OTHER_BITS: u32 = 26;
/// A frame that shows the same picture again is no evidence, but the run goes on through it: what it counts for that.
const AGAIN_SHARE: f32 = 0.12;
/// Pictures that a frame's is compared with.
const PICTURES_MAX: usize = 64;

/// Frames on a line, from the first that agrees to the last.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub line: Line,
    pub is_mirrored: bool,
    pub tolerance_ms: f64,
    /// First and last frame.
    pub first: usize,
    pub last: usize,
    /// Frames that agree.
    pub frames: u32,
    /// Marks that they look like.
    pub marks: u32,
    /// How many pictures those are, if likeness is a matter of degree.
    pub pictures: f32,
    /// Frames with a near hash.
    pub near_frames: u32,
    /// Frames to which other moments of the entry are like as well.
    pub layout_frames: u32,
    /// Decimal logarithm of the odds of a copy.
    pub evidence: f32,
    /// The same with pictures that are shown again: by this the run is chosen.
    pub strength: f32,
    /// What spoke against it.
    pub against: f32,
    /// The votes that agree.
    pub hits: Vec<Weighed>,
}

/// A run as far as it has come.
struct Going {
    run: Run,
    /// `run` where it was strongest, without its votes, and how many it had.
    strongest: Option<(Run, usize)>,
    seen: Pictures,
    before_ms: u32,
}

/// The strongest run along a line.
pub(super) fn strongest(question: &Question<'_>, line: Line, is_mirrored: bool, tolerance_ms: f64) -> Option<Run> {
    let mut best: Option<Run> = None;
    let mut going: Option<Going> = None;
    let end = |going: &mut Option<Going>, best: &mut Option<Run>| {
        let Some(run) = going.take().and_then(Going::ended) else {
            return;
        };
        if best.as_ref().is_none_or(|best| run.strength > best.strength) {
            *best = Some(run);
        }
    };
    let duration = f64::from(question.subject.duration_ms);
    for (at, frame) in question.frames.iter().enumerate() {
        let entry_ms = line.at(frame.at_ms);
        let is_outside = entry_ms < -tolerance_ms || entry_ms > duration + tolerance_ms;
        if is_outside || question.is_used[at] {
            end(&mut going, &mut best);
            continue;
        }
        if let Some(vote) = agreeing(question, at, entry_ms, is_mirrored, tolerance_ms) {
            let going = going.get_or_insert_with(|| Going::new(line, is_mirrored, tolerance_ms, at, frame));
            going.hit(question, at, vote, frame);
        } else if let Some(run) = going.as_mut().filter(|_| !frame.is_glanced_at) {
            if !frame.is_mute && !is_mute_at(question.subject.points, entry_ms) {
                run.miss(frame);
            }
            run.before_ms = frame.at_ms;
            if run.run.strength <= 0.0 {
                end(&mut going, &mut best);
            }
        }
    }
    end(&mut going, &mut best);
    best
}

/// The best vote of a frame that agrees with a line.
fn agreeing<'a>(
    question: &'a Question<'_>,
    frame: usize,
    entry_ms: f64,
    is_mirrored: bool,
    tolerance_ms: f64,
) -> Option<&'a Weighed> {
    let away = |vote: &Weighed| {
        let point = &question.subject.points[vote.mark as usize];
        (f64::from(point.at_ms) - entry_ms)
            .max(entry_ms - f64::from(point.until_ms))
            .max(0.0)
    };
    let near = question
        .votes_of(frame)
        .iter()
        .filter(|vote| vote.is_mirrored == is_mirrored && away(vote) <= tolerance_ms);
    near.max_by(|a, b| a.odds.total_cmp(&b.odds).then(away(b).total_cmp(&away(a))))
}

/// Whether the entry shows nothing that could be recognised at a moment.
fn is_mute_at(points: &[Point], entry_ms: f64) -> bool {
    let after = points.partition_point(|point| f64::from(point.at_ms) <= entry_ms);
    after.checked_sub(1).is_none_or(|at| points[at].is_mute)
}

impl Going {
    fn new(line: Line, is_mirrored: bool, tolerance_ms: f64, at: usize, frame: &Shown) -> Self {
        Self {
            run: Run {
                line,
                is_mirrored,
                tolerance_ms,
                first: at,
                last: at,
                frames: 0,
                marks: 0,
                pictures: 0.0,
                near_frames: 0,
                layout_frames: 0,
                evidence: 0.0,
                strength: 0.0,
                against: 0.0,
                hits: Vec::new(),
            },
            strongest: None,
            seen: Pictures::default(),
            before_ms: frame.at_ms,
        }
    }

    fn hit(&mut self, question: &Question<'_>, at: usize, vote: &Weighed, frame: &Shown) {
        self.run.last = at;
        self.run.count(question, &mut self.seen, vote);
        self.run.hits.push(*vote);
        self.before_ms = frame.at_ms;
        let is_strongest = self
            .strongest
            .as_ref()
            .is_none_or(|(best, _)| self.run.strength > best.strength);
        if is_strongest {
            let hits = std::mem::take(&mut self.run.hits);
            self.strongest = Some((self.run.clone(), hits.len()));
            self.run.hits = hits;
        }
    }

    fn miss(&mut self, frame: &Shown) {
        let gap_ms = frame.at_ms.saturating_sub(self.before_ms).min(MISS_GAP_MS);
        let against = MISS_A_SECOND * gap_ms as f32 / 1000.0;
        self.run.evidence -= against;
        self.run.strength -= against;
        self.run.against += against;
    }

    fn ended(mut self) -> Option<Run> {
        let (mut run, n_hits) = self.strongest?;
        self.run.hits.truncate(n_hits);
        run.hits = self.run.hits;
        Some(run)
    }
}

/// The pictures that a run has shown.
#[derive(Default)]
struct Pictures {
    seen: Vec<Pdq>,
    marks: Vec<u32>,
}

impl Pictures {
    /// How much of a new picture this is, 0 to 1, and whether it is a new mark.
    fn add(&mut self, hash: Pdq, mark: u32) -> (f32, bool) {
        let nearest = self.seen.iter().map(|seen| seen.distance(hash)).min();
        let novelty = nearest.map_or(1.0, |bits| {
            let beyond = bits.saturating_sub(SAME_BITS) as f32;
            (beyond / (OTHER_BITS - SAME_BITS) as f32).min(1.0)
        });
        if novelty > AGAIN_SHARE {
            push(&mut self.seen, hash);
        }
        let is_new = !self.marks.contains(&mark);
        if is_new {
            push(&mut self.marks, mark);
        }
        (novelty, is_new)
    }
}

fn push<T>(all: &mut Vec<T>, one: T) {
    if all.len() >= PICTURES_MAX {
        all.remove(0);
    }
    all.push(one);
}

impl Run {
    /// What one vote adds.
    fn count(&mut self, question: &Question<'_>, seen: &mut Pictures, vote: &Weighed) {
        let hash = question.subject.points[vote.mark as usize].hash;
        let (novelty, is_new_mark) = seen.add(hash, vote.mark);
        self.frames += 1;
        self.marks += u32::from(is_new_mark);
        self.pictures += novelty;
        self.near_frames += u32::from(vote.is_near);
        self.layout_frames += u32::from(vote.is_in_layout);
        self.evidence += vote.odds * novelty;
        self.strength += vote.odds * novelty.max(AGAIN_SHARE);
    }

    /// Goes on with another run. What both show is one picture still.
    pub fn take(&mut self, question: &Question<'_>, other: Self) {
        let end_ms = question.frames[self.last].at_ms;
        let gap_ms = question.frames[other.first].at_ms.saturating_sub(end_ms);
        let against = self.against + other.against + MISS_A_SECOND * gap_ms as f32 / 1000.0;
        let mut both = Self {
            last: self.last.max(other.last),
            frames: 0,
            marks: 0,
            pictures: 0.0,
            near_frames: 0,
            layout_frames: 0,
            evidence: -against,
            strength: -against,
            against,
            hits: std::mem::take(&mut self.hits),
            ..*self
        };
        both.hits.extend(other.hits);
        let mut seen = Pictures::default();
        let hits = std::mem::take(&mut both.hits);
        for vote in &hits {
            both.count(question, &mut seen, vote);
        }
        both.hits = hits;
        // A gap does not make what was sure unsure.
        both.evidence = both.evidence.max(self.evidence).max(other.evidence);
        *self = both;
    }
}
