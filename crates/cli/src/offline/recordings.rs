//! The videos and sounds of a bank file in memory, and where a file shows or plays them.

use std::collections::HashMap;

use index::sounds::SoundIndex;
use index::videos::{Still, VideoIndex};
use media::av::AvScan;
use moderation::flows::lookup::tier_of_seen;
use moderation::model::Tier;
use serde::Serialize;
use signal::audio::SoundSegment;
use signal::nearness::Near;
use signal::video::Segment;
use signal::{Looks, Signal, SignalType, vpdq};

/// The videos and sounds of a bank, by the places of their entries.
pub struct KnownRecordings {
    videos: VideoIndex,
    sounds: SoundIndex,
}

/// An entry that a file shows or plays.
#[derive(Debug, Clone, PartialEq)]
pub struct Played {
    /// Which entry.
    pub place: usize,
    /// Seen or heard.
    pub signal: SignalType,
    /// What is heard alone is never more than a lead.
    pub tier: Tier,
    /// Where, in the order of the file. A still picture lies at 0.
    pub segments: Vec<SegmentLine>,
}

/// A run of a file that shows, or lets be heard, a run of an entry, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentLine {
    /// `picture` or `sound`.
    pub kind: &'static str,
    /// Where in the file, from and to.
    pub file_ms: [u32; 2],
    /// Where in the entry, from and to.
    pub entry_ms: [u32; 2],
    /// How fast the file shows the entry: 2 is twice as fast. Absent for a still picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f32>,
    /// Sampled frames that agree; absent for sounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<u32>,
    /// Whether the entry is seen in a mirror.
    pub mirrored: bool,
    /// The decimal logarithm of the chance that so much agrees by accident. Absent for a still picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log10_chance: Option<f32>,
}

impl KnownRecordings {
    /// Holds nothing yet.
    pub fn new() -> Self {
        Self {
            videos: VideoIndex::new(),
            sounds: SoundIndex::new(),
        }
    }

    /// Takes in a signal of the entry at a place, if it is of a video or a sound.
    pub fn add(&mut self, place: usize, signal: &Signal) {
        match signal {
            Signal::Vpdq(features) => self.videos.add(place as u64, &vpdq::to_timeline(features)),
            Signal::Chromaprint(print) => self.sounds.add(place as u64, print),
            Signal::Pdq { .. } | Signal::Md5(_) | Signal::Sha256(_) => {}
        }
    }

    /// The entries that a video or sound shows or plays, the surest first.
    pub fn look_up(&self, scan: &AvScan) -> Vec<Played> {
        let seen = self.videos.look_up(&scan.frames);
        let heard = match &scan.sound {
            Some(sound) => self.sounds.look_up(sound),
            None => Vec::new(),
        };
        let seen = seen.into_iter().map(|(place, segments)| {
            let heard = heard.iter().find(|(other, _)| *other == place);
            Played {
                place: place as usize,
                signal: SignalType::Vpdq,
                tier: surest(&segments, heard.map_or(&[], |(_, heard)| heard)),
                segments: segments.iter().map(SegmentLine::seen).collect(),
            }
        });
        let seen: Vec<Played> = seen.collect();
        let heard = heard.into_iter().map(|(place, segments)| Played {
            place: place as usize,
            signal: SignalType::Chromaprint,
            tier: Tier::Lead,
            segments: segments.iter().map(SegmentLine::heard).collect(),
        });
        let mut found: Vec<Played> = seen.into_iter().chain(heard).collect();
        found.sort_by_key(|played| played.tier == Tier::Lead);
        found
    }

    /// The videos that a picture is a still of.
    pub fn look_up_picture(&self, looks: &Looks) -> Vec<Played> {
        let mut stills: HashMap<usize, Played> = HashMap::new();
        for still in self.videos.look_up_picture(looks) {
            let place = still.handle as usize;
            stills.entry(place).or_insert_with(|| Played {
                place,
                signal: SignalType::Vpdq,
                tier: match still.near {
                    Near::Match => Tier::Match,
                    Near::Lead => Tier::Lead,
                },
                segments: vec![SegmentLine::still(&still)],
            });
        }
        let mut found: Vec<Played> = stills.into_values().collect();
        found.sort_by_key(|played| (played.tier == Tier::Lead, played.place));
        found
    }
}

/// As the server says: a lead that is heard at the same time is a match.
fn surest(seen: &[Segment], heard: &[SoundSegment]) -> Tier {
    match seen.iter().any(|segment| tier_of_seen(segment, heard) == Tier::Match) {
        true => Tier::Match,
        false => Tier::Lead,
    }
}

impl SegmentLine {
    fn seen(segment: &Segment) -> Self {
        Self {
            kind: "picture",
            file_ms: [segment.query.from_ms, segment.query.to_ms],
            entry_ms: [segment.entry.from_ms, segment.entry.to_ms],
            rate: Some(segment.rate),
            frames: Some(segment.frames),
            mirrored: segment.is_mirrored,
            log10_chance: Some(segment.log10_chance),
        }
    }

    fn heard(segment: &SoundSegment) -> Self {
        Self {
            kind: "sound",
            file_ms: [segment.query.from_ms, segment.query.to_ms],
            entry_ms: [segment.entry.from_ms, segment.entry.to_ms],
            rate: Some(segment.rate),
            frames: None,
            mirrored: false,
            log10_chance: Some(segment.log10_chance),
        }
    }

    fn still(still: &Still) -> Self {
        Self {
            kind: "picture",
            file_ms: [0, 0],
            entry_ms: [still.at_ms, still.at_ms],
            rate: None,
            frames: None,
            mirrored: false,
            log10_chance: None,
        }
    }

    /// For people: `0:12–0:42 shows 1:05–1:35`.
    pub fn words(&self) -> String {
        let [from, to] = self.file_ms.map(clock);
        let [entry_from, entry_to] = self.entry_ms.map(clock);
        let verb = if self.kind == "sound" { "plays" } else { "shows" };
        format!("{from}-{to} {verb} {entry_from}-{entry_to}")
    }
}

fn clock(ms: u32) -> String {
    let seconds = ms / 1_000;
    match seconds / 3_600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use signal::Span;

    use super::*;

    #[test]
    fn a_lead_that_is_heard_at_the_same_time_is_a_match() {
        let span = |from_ms, to_ms| Span { from_ms, to_ms };
        let seen = [Segment {
            query: span(10_000, 20_000),
            entry: span(60_000, 70_000),
            rate: 1.0,
            frames: 5,
            marks: 5,
            is_mirrored: false,
            log10_chance: -2.0,
            near: Near::Lead,
        }];
        let heard = |from_ms| SoundSegment {
            query: span(12_000, 18_000),
            entry: span(from_ms, from_ms + 6_000),
            rate: 1.0,
            pitch: 1.0,
            bit_errors_share: 0.1,
            log10_chance: -20.0,
        };
        assert_eq!(surest(&seen, &[]), Tier::Lead);
        assert_eq!(surest(&seen, &[heard(90_000)]), Tier::Lead, "another part of it");
        assert_eq!(surest(&seen, &[heard(62_000)]), Tier::Match);
    }

    #[test]
    fn times_are_told_as_players_do() {
        assert_eq!(
            [0, 59_999, 60_000, 3_600_000, 36_061_000].map(clock),
            ["0:00", "0:59", "1:00", "1:00:00", "10:01:01"]
        );
    }
}
