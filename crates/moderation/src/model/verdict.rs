//! What a submission ends in: the verdict, and the matches that are its evidence.

use signal::views::Share;
use signal::{SignalType, Span};

use policy::words;

use super::item::{FramePlace, MediaSignal};
use super::{BankId, CaseId, DecisionId, EntryId, ItemId, MediaId, MediaStatus, Outcome, Stands};

words! {
    /// How near a match is.
    Tier, "a tier" {
        /// Within the match threshold.
        Match = "match",
        /// Only within the wider lead threshold: for human eyes.
        Lead = "lead",
    }
}

words! {
    /// In what of two files they are alike over a time.
    SegmentKind, "a kind of segment" {
        /// In what is seen.
        Picture = "picture",
        /// In what is heard.
        Sound = "sound",
    }
}

/// The answer to a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The item.
    pub item: ItemId,
    /// What is to happen with it now.
    pub outcome: Outcome,
    /// The decision that says so; none if nothing was remembered.
    pub decision: Option<DecisionId>,
    /// The case that people will look at, if there is one.
    pub case: Option<CaseId>,
    /// What is restricted of it or by it, with scope and end: `restrict` alone does not say that it is unavailable.
    pub measures: Vec<Stands>,
    /// What was found, file by file.
    pub media: Vec<MediaVerdict>,
}

/// What was found in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaVerdict {
    /// Its id; none if nothing was remembered.
    pub id: Option<MediaId>,
    /// The name that the platform gave it.
    pub name: String,
    /// Whether it was scanned.
    pub status: MediaStatus,
    /// Its signals.
    pub signals: Vec<MediaSignal>,
    /// What it matched, the nearest first.
    pub matches: Vec<Match>,
    /// There were more matches than are named.
    pub matches_capped: bool,
}

/// A signal of a file lies near a signal of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The entry and its bank.
    pub target: MatchTarget,
    /// Which kind of signal.
    pub signal_type: SignalType,
    /// The file's signal, as text. Empty where it is that of a whole video or sound: `segments` say more.
    pub value: String,
    /// How far apart the two are; bits for PDQ, 0 for equal digests; of videos and sounds the hundredths of the shorter of both that lie in no segment.
    pub distance: u32,
    /// The threshold that it is within.
    pub threshold: u32,
    /// Match or lead.
    pub tier: Tier,
    /// How the file was looked at, such as `as_is`.
    pub view: String,
    /// Which frame, if the file moves.
    pub frame: Option<FramePlace>,
    /// Which part of the file's picture was looked at, if not all of it.
    pub part: Option<Share>,
    /// Which part of the entry's picture it is near to, if not all of it.
    pub entry_part: Option<Share>,
    /// Where in the file the entry was seen by its keypoints, if it was. It is what makes this a match, or a lead, where the distance alone would not.
    pub sighting: Option<Sighted>,
    /// Bits between the entry and the nearest of the platform's harmless pictures, where that is known: what the threshold was chosen by.
    pub nearest_benign_bits: Option<u32>,
    /// Where a video or sound shows which part of the entry, in the order of the file; at most [`Match::SEGMENTS_MAX`].
    pub segments: Vec<MatchSegment>,
}

impl Match {
    /// The most segments of one match that are kept, the surest.
    pub const SEGMENTS_MAX: usize = 32;

    /// The view of a file in which an entry was seen by its keypoints alone; the distance is that of the whole pictures then, and means little.
    pub const SIGHTING: &'static str = "sighting";
}

/// Where in a file an entry was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighted {
    /// Keypoints that agree about where it lies.
    pub places: u32,
    /// Blocks of the entry's picture that were compared.
    pub compared: u32,
    /// Those that look alike.
    pub alike: u32,
    /// Share of the entry that lies inside the file, in ten-thousandths.
    pub overlap: u32,
    /// Whether it is seen in a mirror.
    pub is_mirrored: bool,
    /// Where the entry's corners lie, in ten-thousandths of the file's width and height: upper left, upper right, lower right, lower left. They may lie
    /// outside.
    pub corners: [(i32, i32); 4],
}

/// A run of a file that shows, or lets be heard, a run of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchSegment {
    /// Seen or heard.
    pub kind: SegmentKind,
    /// Match or lead, by itself.
    pub tier: Tier,
    /// Where in the file. A still picture lies at 0.
    pub query: Span,
    /// Where in the entry.
    pub entry: Span,
    /// How fast the file shows the entry, in thousandths: 2,000 is twice as fast as the entry.
    pub rate_thousandths: u32,
    /// Sampled frames of the file that agree with it; of sounds 0.
    pub frames: u32,
    /// Share of the file's duration that it covers, in ten-thousandths.
    pub query_share: u32,
    /// Share of the entry's duration that it covers, in ten-thousandths.
    pub entry_share: u32,
    /// Whether the entry is seen in a mirror.
    pub is_mirrored: bool,
    /// How likely so much agrees by chance, as tenths of its decimal logarithm: -60 is one in a million.
    pub chance_log10_tenths: i32,
}

/// What a match points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchTarget {
    /// The entry.
    pub entry: EntryId,
    /// Its bank.
    pub bank: BankId,
    /// The bank's name.
    pub bank_name: String,
    /// Whether the bank was confirmed when the match was found.
    pub bank_confirmed: bool,
}
