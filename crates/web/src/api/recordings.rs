//! Videos and sounds as the API tells of them: how a file plays, what is kept of an entry, and which run of a file shows which run of an entry.

use moderation::model::{KeptSound, KeptVideo, MatchSegment, Plays, Span};
use serde::Serialize;
use utoipa::ToSchema;

use super::words::{SegmentKind, Tier};

/// How a video or a sound plays.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plays, example = json!({"duration_ms": 61_400, "video_codec": "h264", "audio_codec": "aac"}))]
pub(crate) struct PlaysJson {
    /// Milliseconds from its beginning to its end.
    pub duration_ms: u32,
    /// How its pictures are coded. Absent when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub video_codec: Option<String>,
    /// How its sound is coded. Absent when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub audio_codec: Option<String>,
}

/// What is kept of an entry that is a video.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeptVideo)]
pub(crate) struct KeptVideoJson {
    /// How long it plays, in milliseconds.
    pub duration_ms: u32,
    /// The frames of its vPDQ hash.
    pub n_frames: u32,
}

/// What is kept of an entry's sound.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeptSound)]
pub(crate) struct KeptSoundJson {
    /// How long it plays, in milliseconds.
    pub duration_ms: u32,
}

/// A run of the file that shows, or lets be heard, a run of the entry.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Segment, example = json!({
    "kind": "picture", "tier": "match", "query": {"from_ms": 4_000, "to_ms": 16_000}, "entry": {"from_ms": 30_000, "to_ms": 45_000},
    "rate": 1.25, "frames": 24, "query_coverage": 0.1954, "entry_coverage": 0.25, "mirrored": false, "chance_log10": -41.5
}))]
pub(crate) struct SegmentJson {
    /// Seen or heard.
    pub kind: SegmentKind,
    /// Match or lead, by itself.
    pub tier: Tier,
    /// Where in the file. Of a still picture both ends are 0.
    pub query: SpanJson,
    /// Where in the entry. Of an entry that is a picture both ends are 0.
    pub entry: SpanJson,
    /// How fast the file plays the entry: 2 is twice as fast. Absent where one of both stands still.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub rate: Option<f64>,
    /// Sampled frames of the file that agree with the entry. Of a sound 0.
    pub frames: u32,
    /// Share of the file's duration that this is.
    #[schema(minimum = 0, maximum = 1)]
    pub query_coverage: f64,
    /// Share of the entry's duration that this is.
    #[schema(minimum = 0, maximum = 1)]
    pub entry_coverage: f64,
    /// Whether the entry is seen in a mirror.
    pub mirrored: bool,
    /// The decimal logarithm of how likely so much agrees by chance: -6 is once in a million. Absent where it was not estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, maximum = 0)]
    pub chance_log10: Option<f64>,
}

/// A time within a file, in milliseconds from its beginning.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Span)]
pub(crate) struct SpanJson {
    /// Where it begins.
    pub from_ms: u32,
    /// Where it ends.
    pub to_ms: u32,
}

impl From<Plays> for PlaysJson {
    fn from(plays: Plays) -> Self {
        Self {
            duration_ms: plays.duration_ms,
            video_codec: plays.video_codec,
            audio_codec: plays.audio_codec,
        }
    }
}

impl From<KeptVideo> for KeptVideoJson {
    fn from(kept: KeptVideo) -> Self {
        Self {
            duration_ms: kept.duration_ms,
            n_frames: kept.n_frames,
        }
    }
}

impl From<KeptSound> for KeptSoundJson {
    fn from(kept: KeptSound) -> Self {
        Self {
            duration_ms: kept.duration_ms,
        }
    }
}

impl From<Span> for SpanJson {
    fn from(span: Span) -> Self {
        Self {
            from_ms: span.from_ms,
            to_ms: span.to_ms,
        }
    }
}

impl From<MatchSegment> for SegmentJson {
    fn from(segment: MatchSegment) -> Self {
        let share = |ten_thousandths: u32| f64::from(ten_thousandths) / 10_000.0;
        Self {
            kind: segment.kind.into(),
            tier: segment.tier.into(),
            query: segment.query.into(),
            entry: segment.entry.into(),
            rate: (segment.rate_thousandths > 0).then(|| f64::from(segment.rate_thousandths) / 1_000.0),
            frames: segment.frames,
            query_coverage: share(segment.query_share),
            entry_coverage: share(segment.entry_share),
            mirrored: segment.is_mirrored,
            chance_log10: (segment.chance_log10_tenths < 0).then(|| f64::from(segment.chance_log10_tenths) / 10.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moderation::model;

    #[test]
    fn a_segment_is_told_in_shares_and_factors_and_says_nothing_that_is_not_known() {
        let segment = MatchSegment {
            kind: model::SegmentKind::Picture,
            tier: model::Tier::Match,
            query: Span {
                from_ms: 500,
                to_ms: 12_500,
            },
            entry: Span {
                from_ms: 90_000,
                to_ms: 105_000,
            },
            rate_thousandths: 1_250,
            frames: 24,
            query_share: 9_600,
            entry_share: 1_234,
            is_mirrored: true,
            chance_log10_tenths: -415,
        };
        let json = serde_json::to_value(SegmentJson::from(segment)).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "kind": "picture", "tier": "match", "query": {"from_ms": 500, "to_ms": 12_500},
                "entry": {"from_ms": 90_000, "to_ms": 105_000}, "rate": 1.25, "frames": 24, "query_coverage": 0.96,
                "entry_coverage": 0.1234, "mirrored": true, "chance_log10": -41.5
            })
        );
        let still = MatchSegment {
            rate_thousandths: 0,
            chance_log10_tenths: 0,
            ..segment
        };
        let json = serde_json::to_value(SegmentJson::from(still)).unwrap();
        assert!(
            json.get("rate").is_none() && json.get("chance_log10").is_none(),
            "{json}"
        );
    }
}
