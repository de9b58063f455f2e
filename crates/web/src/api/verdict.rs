//! The answer to a submission, as JSON.

use moderation::model::item::{FramePlace, MediaSignal};
use moderation::model::{self, Match, MediaStatus, MediaVerdict, Sighted, Stands, Verdict};
use moderation::signal::views::Share;
use moderation::views::MediaView;
use serde::Serialize;
use utoipa::ToSchema;

use super::recordings::{PlaysJson, SegmentJson};
use super::words::{Outcome, Restricted, SignalType, Tier};

/// What is to happen with an item, and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verdict, example = json!({
    "item": "post-123", "outcome": "restrict", "decision": "dec_01kagy2s3q4v5w6x7y8z9a0b1c", "case": "case_01kagy2s3q4v5w6x7y8z9a0b1d",
    "measures": [{"what": "item"}],
    "media": [{
        "name": "a.jpg", "status": "scanned",
        "signals": [{"type": "pdq", "value": "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22", "quality": 100}],
        "matches": [{
            "bank": "demo", "entry": "ent_01kagy2s3q4v5w6x7y8z9a0b1e", "signal": "pdq", "distance": 4, "threshold": 31,
            "tier": "match", "view": "as_is"
        }]
    }]
}))]
pub(crate) struct VerdictJson {
    /// The item, by the platform's own name for it.
    pub item: String,
    /// What is to happen with it now.
    pub outcome: Outcome,
    /// The decision that says so. Absent when nothing is remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decision: Option<String>,
    /// The case in which a person will look at it. Absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub case: Option<String>,
    /// What is restricted of the item, and by it of the account that posted it. With the outcome `restrict`, look here: only `item` says that nobody may see it.
    /// Absent when nothing is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub measures: Vec<StandingMeasure>,
    /// What was found in each file, in the order in which they were submitted.
    pub media: Vec<MediaJson>,
}

/// Something that is restricted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StandingMeasure {
    /// What.
    pub what: Restricted,
    /// Of `countries`: which ones, by their ISO 3166-1 codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub countries: Option<Vec<String>>,
    /// Of `label`: which label.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<String>,
    /// Of `service`: which service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub service: Option<String>,
    /// Until when, if it has an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub until: Option<String>,
}

/// What was found in a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Media)]
pub(crate) struct MediaJson {
    /// The name that the platform gave it.
    pub name: String,
    /// Whether it was examined. `unscanned` is not "no match": it could not be examined.
    pub status: Status,
    /// Why it is `unscanned`: a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "unsupported_type")]
    pub reason: Option<String>,
    /// Why it is `unscanned`, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
    /// `false` when the file could be decoded only in part; its signals are of that part. Absent when it is whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub intact: Option<bool>,
    /// How it plays. Absent where it was not scanned as a video or a sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub plays: Option<PlaysJson>,
    /// What was computed of it, or what the platform had computed.
    pub signals: Vec<FoundSignal>,
    /// The entries that it lies near to, the nearest first.
    pub matches: Vec<MatchJson>,
    /// There were more matches than are named. Absent when there were not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub matches_capped: bool,
}

/// `scanned`: decoded and hashed here. `given`: hashed by the platform. `unscanned`: could not be examined.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MediaStatus)]
pub(crate) enum Status {
    Scanned,
    Given,
    Unscanned,
}

/// A signal of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FoundSignal {
    /// Its kind.
    #[serde(rename = "type")]
    pub signal_type: SignalType,
    /// Its value, in lower-case hexadecimal.
    pub value: String,
    /// Of a PDQ hash: 0 to 100, how much structure the picture had.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 100)]
    pub quality: Option<u8>,
    /// How the picture was turned before it was hashed, where that is not `as_is`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub view: Option<String>,
    /// Which frame it was made of, where the file moves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub frame: Option<Frame>,
}

/// A frame of a file that moves.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Frame {
    /// Which frame, from 0.
    pub index: u32,
    /// Milliseconds from the file's beginning.
    pub at_ms: u32,
}

/// A signal of the file lies near a signal of an entry.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Match)]
pub(crate) struct MatchJson {
    /// The name of the entry's bank.
    pub bank: String,
    /// The entry.
    pub entry: String,
    /// Which kind of signal.
    pub signal: SignalType,
    /// How far apart the two are: bits for `pdq`, 0 for equal digests; for `vpdq` and `chromaprint` how many hundredths of the shorter of
    /// both lie in no segment.
    pub distance: u32,
    /// The threshold that this is within.
    pub threshold: u32,
    /// Match or lead.
    pub tier: Tier,
    /// How the file was looked at: `as_is`; a part and a turn such as `whole.flip_y` (in a mirror), `trimmed` (without its border) or
    /// `box` (what stands out in it); or `sighting`, where keypoints alone found the entry. See the guide to matching.
    #[schema(example = "as_is")]
    pub view: String,
    /// Which part of the file's picture was looked at. Absent when it was all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub part: Option<PartJson>,
    /// Which part of the entry's picture it is near to. Absent when it is all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub entry_part: Option<PartJson>,
    /// Where in the file the entry was seen. Absent when it was not looked for by keypoints, or not seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sighting: Option<SightingJson>,
    /// Bits between the entry and the nearest of the platform's harmless pictures, which the threshold was chosen by. Absent when it is
    /// not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nearest_benign: Option<u32>,
    /// Which frame, where the file moves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub frame: Option<Frame>,
    /// Of a video or a sound: which run of the file shows which run of the entry, in the order of the file, at most 32. Absent where neither
    /// plays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 32)]
    pub segments: Vec<SegmentJson>,
}

/// A part of a picture: shares of its width and height.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Part, example = json!({"left": 0.125, "top": 0.125, "width": 0.75, "height": 0.75}))]
pub(crate) struct PartJson {
    /// Left edge.
    #[schema(minimum = 0, maximum = 1)]
    pub left: f64,
    /// Upper edge.
    #[schema(minimum = 0, maximum = 1)]
    pub top: f64,
    /// Width.
    #[schema(minimum = 0, maximum = 1)]
    pub width: f64,
    /// Height.
    #[schema(minimum = 0, maximum = 1)]
    pub height: f64,
}

/// Where in a file an entry was seen, and how sure that is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sighting)]
pub(crate) struct SightingJson {
    /// Keypoints that agree about where it lies.
    pub places: u32,
    /// Blocks of the entry's picture that were compared with the file's.
    pub compared: u32,
    /// Those that look alike.
    pub alike: u32,
    /// Whether it is seen in a mirror.
    pub mirrored: bool,
    /// Where the corners of the entry's picture lie in the file: upper left, upper right, lower right, lower left of the entry.
    #[schema(min_items = 4, max_items = 4)]
    pub corners: Vec<PointJson>,
}

/// A place in a picture: shares of its width and height. Below 0 or above 1 it lies outside.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Point)]
pub(crate) struct PointJson {
    /// From the left edge.
    pub x: f64,
    /// From the upper edge.
    pub y: f64,
}

/// Ten-thousandths as a number.
fn share(ten_thousandths: impl Into<f64>) -> f64 {
    ten_thousandths.into() / 10_000.0
}

impl From<Share> for PartJson {
    fn from(part: Share) -> Self {
        Self {
            left: share(part.left),
            top: share(part.top),
            width: share(part.width),
            height: share(part.height),
        }
    }
}

impl From<Sighted> for SightingJson {
    fn from(seen: Sighted) -> Self {
        Self {
            places: seen.places,
            compared: seen.compared,
            alike: seen.alike,
            mirrored: seen.is_mirrored,
            corners: seen
                .corners
                .map(|(x, y)| PointJson {
                    x: share(x),
                    y: share(y),
                })
                .into(),
        }
    }
}

impl From<Verdict> for VerdictJson {
    fn from(verdict: Verdict) -> Self {
        Self {
            item: verdict.item.to_string(),
            outcome: verdict.outcome.into(),
            decision: verdict.decision.map(|id| id.to_string()),
            case: verdict.case.map(|id| id.to_string()),
            measures: verdict.measures.into_iter().map(StandingMeasure::from).collect(),
            media: verdict.media.into_iter().map(MediaJson::from).collect(),
        }
    }
}

impl From<Stands> for StandingMeasure {
    fn from(stands: Stands) -> Self {
        let scope = |of: model::Restricted| (stands.what == of).then(|| stands.scope.clone());
        Self {
            what: stands.what.into(),
            countries: scope(model::Restricted::Countries).map(|codes| codes.split(' ').map(str::to_owned).collect()),
            label: scope(model::Restricted::Label),
            service: scope(model::Restricted::Service),
            until: stands.until.map(|until| until.to_string()),
        }
    }
}

impl From<MediaVerdict> for MediaJson {
    fn from(media: MediaVerdict) -> Self {
        let is_damaged = matches!(media.status, MediaStatus::Scanned { is_intact: false, .. });
        let (status, plays, reason, detail) = match media.status {
            MediaStatus::Scanned { plays, .. } => (Status::Scanned, plays, None, None),
            MediaStatus::Given => (Status::Given, None, None, None),
            MediaStatus::Unscanned { reason, detail } => (Status::Unscanned, None, Some(reason), Some(detail)),
        };
        Self {
            name: media.name,
            status,
            reason,
            detail,
            intact: is_damaged.then_some(false),
            plays: plays.map(PlaysJson::from),
            signals: media.signals.into_iter().map(FoundSignal::from).collect(),
            matches: media.matches.into_iter().map(MatchJson::from).collect(),
            matches_capped: media.matches_capped,
        }
    }
}

impl From<MediaView> for MediaJson {
    fn from(view: MediaView) -> Self {
        Self::from(MediaVerdict {
            id: Some(view.media.id),
            name: view.media.name,
            status: view.media.status,
            signals: view.media.signals,
            matches: view.matches.into_iter().map(|found| found.m).collect(),
            matches_capped: view.matches_capped,
        })
    }
}

impl From<MediaSignal> for FoundSignal {
    fn from(found: MediaSignal) -> Self {
        Self {
            signal_type: found.signal.signal_type().into(),
            value: found.signal.value(),
            quality: found.signal.quality(),
            view: Some(found.view).filter(|view| view != MediaSignal::AS_IS),
            frame: found.frame.map(Frame::from),
        }
    }
}

impl From<FramePlace> for Frame {
    fn from(frame: FramePlace) -> Self {
        Self {
            index: frame.index,
            at_ms: frame.at_ms,
        }
    }
}

impl From<Match> for MatchJson {
    fn from(found: Match) -> Self {
        Self {
            bank: found.target.bank_name,
            entry: found.target.entry.to_string(),
            signal: found.signal_type.into(),
            distance: found.distance,
            threshold: found.threshold,
            tier: found.tier.into(),
            view: found.view,
            part: found.part.map(PartJson::from),
            entry_part: found.entry_part.map(PartJson::from),
            sighting: found.sighting.map(SightingJson::from),
            nearest_benign: found.nearest_benign_bits,
            frame: found.frame.map(Frame::from),
            segments: found.segments.into_iter().map(SegmentJson::from).collect(),
        }
    }
}
