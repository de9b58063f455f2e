//! What is said in a file, line by line: when, and whether it lies in what agrees. It knows no page. Start with [`lines_of`].

use moderation::model::{MatchSegment, StripPlace, TranscriptLine};

use super::runs::time_words;
use super::strip::nearest;

/// A line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidLine {
    /// When it begins.
    pub time: String,
    /// The frame that is shown then, or soon: which of the strip.
    pub frame: Option<u32>,
    /// What is said.
    pub text: String,
    /// Its language, if that is known.
    pub language: Option<String>,
    /// Whether it lies inside a run that agrees with the best match.
    pub is_inside: bool,
}

/// The lines of a transcript, beside a strip with these pictures, where these runs agree.
pub fn lines_of(lines: Vec<TranscriptLine>, strip: &[StripPlace], runs: &[MatchSegment]) -> Vec<SaidLine> {
    let is_inside = |line: &TranscriptLine| {
        let overlaps = |run: &MatchSegment| line.from_ms <= run.query.to_ms && line.to_ms >= run.query.from_ms;
        runs.iter().any(overlaps)
    };
    let said = lines.into_iter().map(|line| SaidLine {
        time: time_words(line.from_ms),
        frame: (!strip.is_empty()).then(|| nearest(strip, line.from_ms)),
        is_inside: is_inside(&line),
        text: line.text,
        language: line.language,
    });
    said.collect()
}
