//! What is said in an open stream, as the platform wrote it down: lines come as they are known, and rules are asked what they say to them. Start with [`push_transcript`].

use std::collections::{BTreeSet, VecDeque};

use signal::Span;

use super::shown::AROUND_MS;
use super::{StreamError, keep_seen, not_judged, to_its_end};
use crate::Seawall;
use crate::flows::submission::wrong_transcript;
use crate::model::{Actor, Right, StreamId, TranscriptLine};
use crate::rules::Judged;

/// Takes the next lines of a stream, whatever else comes of it. A line that came before is passed over, so that a piece may be sent again. What rules say to them is
/// remembered before the call returns.
pub async fn push_transcript(
    app: &Seawall,
    actor: &Actor,
    id: StreamId,
    lines: Vec<TranscriptLine>,
) -> Result<(), StreamError> {
    actor.require(Right::SubmitItems)?;
    let live = app.streams.find(id)?;
    if live.is_over() {
        return Err(StreamError::NotOpen);
    }
    if let Some(what) = wrong_transcript(&lines) {
        return Err(StreamError::Invalid {
            field: "transcript",
            what: format!("is one {what}"),
        });
    }
    let now = app.clock.now();
    live.touch(now);
    keep_seen(app, &live, now).await?;
    let app = app.clone();
    let said = to_its_end(async move { live.say_piece(&app, lines).await });
    said.await.map_err(not_judged)
}

/// The lines of a stream that are remembered: as many as those of an item may be. Beyond that the oldest go first, and those around what was found last.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// In the order of time.
    lines: VecDeque<TranscriptLine>,
    n_chars: usize,
}

impl Said {
    /// Lines were written down; says whether any is new. They may come late: what was said elsewhere at the same time may be known already.
    pub fn push(&mut self, lines: Vec<TranscriptLine>, found: &[Span]) -> bool {
        let mut is_new = false;
        for line in lines {
            let from = self.lines.partition_point(|known| known.from_ms < line.from_ms);
            let same_time = self.lines.iter().skip(from);
            let mut same_time = same_time.take_while(|known| known.from_ms == line.from_ms);
            if same_time.any(|known| *known == line) {
                continue;
            }
            is_new = true;
            let place = self.lines.partition_point(|known| known.from_ms <= line.from_ms);
            self.n_chars += n_chars(&line);
            self.lines.insert(place, line);
            self.trim(found);
        }
        is_new
    }

    fn trim(&mut self, found: &[Span]) {
        while self.lines.len() > TranscriptLine::LINES_MAX || self.n_chars > TranscriptLine::TEXT_LENGTH_MAX {
            let oldest = self.lines.iter().position(|line| !is_around(line, found));
            let Some(line) = self.lines.remove(oldest.unwrap_or(0)) else {
                return;
            };
            self.n_chars -= n_chars(&line);
        }
    }

    /// In the order of time.
    pub fn lines(&self) -> Vec<TranscriptLine> {
        self.lines.iter().cloned().collect()
    }
}

fn n_chars(line: &TranscriptLine) -> usize {
    line.text.chars().count()
}

fn is_around(line: &TranscriptLine, found: &[Span]) -> bool {
    let reaches = |span: &Span| {
        line.to_ms >= span.from_ms.saturating_sub(AROUND_MS) && line.from_ms <= span.to_ms.saturating_add(AROUND_MS)
    };
    found.iter().any(reaches)
}

/// The rules that count and fire because of what is said: they would not without it.
pub(super) fn fired_by_words(with: &Judged, without: &Judged) -> BTreeSet<String> {
    let before = fired(without);
    fired(with).into_iter().filter(|rule| !before.contains(rule)).collect()
}

fn fired(judged: &Judged) -> BTreeSet<String> {
    let fired = judged.said["fired"].as_array().into_iter().flatten();
    let counting = fired.filter(|fired| fired["counts"].as_bool() == Some(true));
    counting
        .filter_map(|fired| fired["rule"].as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(from_s: u32, text: &str) -> TranscriptLine {
        TranscriptLine {
            from_ms: from_s * 1_000,
            to_ms: from_s * 1_000 + 900,
            text: text.to_owned(),
            language: None,
        }
    }

    fn seconds(said: &Said) -> Vec<u32> {
        said.lines().iter().map(|line| line.from_ms / 1_000).collect()
    }

    #[test]
    fn lines_stand_in_the_order_of_time_each_once() {
        let mut said = Said::default();
        assert!(said.push(vec![line(1, "a"), line(5, "b")], &[]));
        assert!(!said.push(vec![line(5, "b")], &[]), "it came before");
        assert!(said.push(vec![line(3, "late"), line(5, "both at once")], &[]));
        let texts: Vec<String> = said.lines().into_iter().map(|line| line.text).collect();
        assert_eq!(texts, ["a", "late", "b", "both at once"]);
    }

    #[test]
    fn of_a_long_stream_the_last_lines_are_left_and_those_around_what_was_found() {
        let mut said = Said::default();
        let found = [Span {
            from_ms: 40_000,
            to_ms: 45_000,
        }];
        for at_s in 0..5_000 {
            said.push(vec![line(at_s, "word")], &found);
        }
        let left = seconds(&said);
        assert_eq!(left.len(), TranscriptLine::LINES_MAX);
        assert_eq!((left[0], left[65], left[66]), (10, 75, 5_000 - 2_000 + 66));
        let long = "a".repeat(TranscriptLine::LENGTH_MAX);
        for at_s in 5_000..5_200 {
            said.push(vec![line(at_s, &long)], &found);
        }
        let n_chars: usize = said.lines().iter().map(n_chars).sum();
        assert!(n_chars <= TranscriptLine::TEXT_LENGTH_MAX, "{n_chars}");
        assert_eq!(said.n_chars, n_chars);
        assert_eq!(seconds(&said)[..2], [10, 11]);
        // Where all lies around what was found, the first goes.
        let mut said = Said::default();
        let all = [Span {
            from_ms: 0,
            to_ms: u32::MAX,
        }];
        for at_s in 0..2_100 {
            said.push(vec![line(at_s, "word")], &all);
        }
        assert_eq!((said.lines.len(), seconds(&said)[0]), (2_000, 100));
    }
}
