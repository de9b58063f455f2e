//! Videos: what is kept of one, what a query of frames is recognised by, and where one shows the other.
//!
//! A banked video is a [`Timeline`] of marks; a query is a row of [`Frame`]s. Which frames look like which marks is searched for by `index`; whether
//! the likenesses lie in time as those of a copy do, faster or slower, is told by [`align`]. The answer is [`Segment`]s.

pub mod align;
mod bytes;
mod timeline;

#[cfg(test)]
mod tests;

pub use bytes::{BadTimeline, FORMAT};

use crate::keypoints::{self, Keypoint, Place};
use crate::looks::Looks;
use crate::luma::Luma;
use crate::nearness::Near;
use crate::pdq::{Pdq, PdqSignal};
use crate::span::Span;
use crate::views::{self, ViewSignal};

/// A frame or mark of less quality shows next to nothing: it is no evidence, and none is missed where it stands.
pub const FLAT_QUALITY: u8 = 50;
/// Longest side that places of marks are told in: that of the picture kept of an entry.
pub const MARK_SIDE: f32 = 160.0;
/// Keypoints of one frame of a query.
pub const FRAME_KEYPOINTS_MAX: usize = 96;
/// Keypoints kept of one mark.
pub const MARK_KEYPOINTS_MAX: usize = 64;
/// Marks of one video.
pub const MARKS_MAX: usize = 20_000;
/// Keypoints of one video.
pub const KEYPOINTS_MAX: usize = 40_000;

/// What a frame of a query is recognised by: [`Looks`] without its picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Glimpse {
    /// Views, the likeliest first; at most [`views::CODES_MAX`].
    pub views: Vec<ViewSignal>,
    /// Keypoints, the strongest first; at most [`FRAME_KEYPOINTS_MAX`]. Places are in pixels of a picture of this size.
    pub keypoints: Vec<Keypoint>,
    /// Columns of that picture.
    pub width: u16,
    /// Rows of that picture.
    pub height: u16,
}

/// One sampled frame of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// When it is shown, from the start of the video.
    pub at_ms: u32,
    /// Its number among the frames of the video, from 0.
    pub number: u64,
    /// Whether it is the first of a scene.
    pub is_scene: bool,
    /// Whether vPDQ takes it.
    pub is_vpdq: bool,
    /// The hash of the whole frame as stored, the one that vPDQ exchanges.
    pub pdq: PdqSignal,
    /// What else it is recognised by. Without it a frame is compared by its hash alone.
    pub glimpse: Option<Glimpse>,
}

/// What is kept of a banked video: marks in order of time.
///
/// Its bytes are versioned and may come from anyone: [`to_bytes`](Self::to_bytes), [`from_bytes`](Self::from_bytes).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    /// How long the video is.
    pub duration_ms: u32,
    /// Marks in order of time; at most [`MARKS_MAX`], with at most [`KEYPOINTS_MAX`] keypoints.
    pub marks: Vec<Mark>,
}

/// What a video shows from one moment to another in which nothing moves.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// The first moment.
    pub at_ms: u32,
    /// The last sampled moment at which the picture was still the same; `at_ms` where everything moves.
    pub until_ms: u32,
    /// The hash of the whole frame.
    pub pdq: PdqSignal,
    /// Codes and places of keypoints, the strongest first; at most [`MARK_KEYPOINTS_MAX`], none at most marks. Places are told as if the frame's longest
    /// side were [`MARK_SIDE`].
    pub keypoints: Vec<(Pdq, Place)>,
}

/// One run of a query that shows one run of an entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Where in the query.
    pub query: Span,
    /// Where in the entry.
    pub entry: Span,
    /// Milliseconds of the entry that go by in one of the query: 2 when the query plays twice as fast.
    pub rate: f32,
    /// Frames of the query that look like the entry at the moment at which they should.
    pub frames: u32,
    /// Marks of the entry that they look like.
    pub marks: u32,
    /// Whether the entry is seen in a mirror.
    pub is_mirrored: bool,
    /// Decimal logarithm of the chance that footage which does not show the entry looks like it so often, in that order.
    pub log10_chance: f32,
    /// Whether that is sure, or for a person to look at.
    pub near: Near,
}

/// Frames nearer in time than this to the last with keypoints need none, unless much has moved.
const KEYPOINTS_EVERY_MS: u32 = 900;
/// Bits from the last frame with keypoints from which on much has moved.
const KEYPOINTS_MOVED_BITS: u32 = 40;

/// Whether keypoints of a frame tell anything that those of the last frame that had any (when it was shown, its hash) did not.
pub fn are_keypoints_due(last: Option<(u32, Pdq)>, at_ms: u32, hash: Pdq) -> bool {
    last.is_none_or(|(last_ms, last_hash)| {
        at_ms.abs_diff(last_ms) >= KEYPOINTS_EVERY_MS || hash.distance(last_hash) > KEYPOINTS_MOVED_BITS
    })
}

impl Glimpse {
    /// Of a frame that was reduced to [`Luma::WORK_SIDE`]. `whole` are the hashes of the whole frame in the order of [`crate::pdq::Dihedral::ALL`].
    /// Keypoints cost as much as all views together: they are found if asked for.
    pub fn of(whole: &[PdqSignal; 8], picture: &Luma, has_keypoints: bool) -> Self {
        let keypoints = has_keypoints.then(|| keypoints::find(picture, FRAME_KEYPOINTS_MAX));
        Self {
            views: views::of_query(whole, picture),
            keypoints: keypoints.unwrap_or_default(),
            width: u16::try_from(picture.width()).unwrap_or(u16::MAX),
            height: u16::try_from(picture.height()).unwrap_or(u16::MAX),
        }
    }

    /// Of a picture.
    pub fn of_looks(looks: &Looks) -> Self {
        Self {
            views: looks.views.clone(),
            keypoints: looks.keypoints.iter().take(FRAME_KEYPOINTS_MAX).copied().collect(),
            width: u16::try_from(looks.picture.width()).unwrap_or(u16::MAX),
            height: u16::try_from(looks.picture.height()).unwrap_or(u16::MAX),
        }
    }

    /// The longest side of the picture that places lie in.
    pub fn longest(&self) -> f32 {
        f32::from(self.width.max(self.height)).max(1.0)
    }
}

impl Frame {
    /// Whether it shows next to nothing.
    pub fn is_flat(&self) -> bool {
        self.pdq.quality < FLAT_QUALITY
    }
}

impl Mark {
    /// Whether it shows next to nothing.
    pub fn is_flat(&self) -> bool {
        self.pdq.quality < FLAT_QUALITY
    }
}

impl Timeline {
    /// What is kept of a video of which these frames were sampled.
    pub fn of(frames: &[Frame], duration_ms: u32) -> Self {
        timeline::choose(frames, duration_ms)
    }
}
