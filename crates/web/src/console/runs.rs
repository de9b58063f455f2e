//! Runs of a file that show, or let be heard, runs of an entry, in words that a moderator understands. It knows no page. Start with [`Run`].

use moderation::model::{MatchSegment, SegmentKind, Span, Tier};

use super::shell::{Shell, isolated};

/// A run that agrees, for the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// From 1.
    pub number: usize,
    /// What was found.
    pub segment: MatchSegment,
    /// The known content is a picture.
    pub is_of_picture: bool,
}

impl Run {
    /// Seen or heard.
    pub fn kind(&self) -> SegmentKind {
        self.segment.kind
    }

    /// Match or lead.
    pub fn tier(&self) -> Tier {
        self.segment.tier
    }

    /// Where in the file.
    pub fn file_words(&self) -> String {
        span_words(self.segment.query)
    }

    /// Where in the entry; none where that is a picture.
    pub fn entry_words(&self) -> Option<String> {
        (!self.is_of_picture).then(|| span_words(self.segment.entry))
    }

    /// How fast, in words.
    pub fn speed_words(&self, shell: &Shell) -> Option<String> {
        let hundredths = (self.segment.rate_thousandths + 5) / 10;
        match hundredths {
            0 => None,
            98..=102 => Some(shell.t("recording.same_speed").to_owned()),
            _ => {
                let rate = format!("{}.{:02}", hundredths / 100, hundredths % 100);
                Some(shell.with("recording.speed", "rate", rate))
            }
        }
    }

    /// How much of both it is, in words.
    pub fn coverage_words(&self, shell: &Shell) -> String {
        let percent = |share: u32| isolated(&format!("{}\u{a0}%", (share + 50) / 100));
        let file = percent(self.segment.query_share);
        match self.is_of_picture {
            true => shell.with("recording.coverage_of_file", "file", file),
            false => shell.with_two(
                "recording.coverage",
                "file",
                file,
                "entry",
                percent(self.segment.entry_share),
            ),
        }
    }

    /// How sure it is, in words.
    pub fn sure_words(&self, shell: &Shell) -> String {
        let agrees = match (self.segment.kind, self.is_of_picture) {
            (SegmentKind::Picture, false) => shell.count("recording.frames", self.segment.frames),
            (SegmentKind::Picture, true) => shell.count("recording.frames_of_picture", self.segment.frames),
            (SegmentKind::Sound, _) => shell.t("recording.sound_agrees").to_owned(),
        };
        let mirrored = self
            .segment
            .is_mirrored
            .then(|| shell.t("recording.mirrored").to_owned());
        let parts = [Some(agrees), mirrored, self.chance_words(shell)];
        parts
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(shell.t("recording.joint"))
    }

    /// How often that happens by chance: never more seldom than was estimated.
    fn chance_words(&self, shell: &Shell) -> Option<String> {
        let zeros = -self.segment.chance_log10_tenths / 10;
        let key = match zeros {
            // It was not estimated.
            _ if self.segment.chance_log10_tenths == 0 => return None,
            ..2 => "recording.chance_often",
            2 => "recording.chance_hundred",
            3 => "recording.chance_thousand",
            4..=5 => "recording.chance_ten_thousand",
            6..=8 => "recording.chance_million",
            9..=11 => "recording.chance_billion",
            12.. => "recording.chance_never",
        };
        Some(shell.t(key).to_owned())
    }
}

/// `m:ss`, or `h:mm:ss` from an hour on; to the nearest second.
pub fn time_words(ms: u32) -> String {
    let seconds = ms.saturating_add(500) / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// From when to when; one time where both are the same second.
pub fn span_words(span: Span) -> String {
    let (from, to) = (time_words(span.from_ms), time_words(span.to_ms));
    if from == to { from } else { format!("{from}–{to}") }
}

/// How long all of these are together, where they overlap counted once.
pub fn covered_ms(spans: impl Iterator<Item = Span>) -> u32 {
    let mut spans: Vec<Span> = spans.collect();
    spans.sort_unstable_by_key(|span| (span.from_ms, span.to_ms));
    let (mut covered, mut reached) = (0, 0);
    for span in spans {
        covered += span.to_ms.saturating_sub(span.from_ms.max(reached));
        reached = reached.max(span.to_ms);
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_is_counted_once() {
        let spans = [(0, 500), (250, 750), (900, 1_000)].map(|(from_ms, to_ms)| Span { from_ms, to_ms });
        assert_eq!(covered_ms(spans.into_iter()), 850);
    }

    #[test]
    fn times_are_written_as_players_write_them() {
        assert_eq!(
            (time_words(59_499), time_words(61_000), time_words(3_661_000)),
            ("0:59".into(), "1:01".into(), "1:01:01".into())
        );
    }
}
