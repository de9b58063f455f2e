//! Items and their media, as the platform submitted them.

use policy::words;
use signal::Signal;
use signal::video::Frame;

use super::{ItemId, MediaId, Timestamp};

words! {
    /// What kind of thing an item is.
    ItemKind, "a kind of item" {
        /// A post, with text and media.
        Post = "post",
        /// An image by itself.
        Image = "image",
        /// A video by itself.
        Video = "video",
        /// A sound by itself.
        Audio = "audio",
        /// A document.
        Document = "document",
        /// An account's own page.
        Profile = "profile",
        /// A channel or group.
        Channel = "channel",
        /// A message that someone who received it reported.
        ReportedMessage = "reported_message",
        /// A live stream.
        Stream = "stream",
    }
}

words! {
    /// Who can see what a channel carries.
    Audience, "an audience" {
        /// Everyone.
        Public = "public",
        /// Everyone who asks.
        AutoAdmit = "auto_admit",
        /// Whom a person lets in.
        HumanAdmit = "human_admit",
        /// The people in the conversation.
        Interpersonal = "interpersonal",
    }
}

words! {
    /// A small picture that was made of a file, for people to look at.
    PreviewKind, "a kind of preview" {
        /// At most 320 pixels on the longest side.
        Small = "small",
        /// The same, blurred until no detail is left.
        Blurred = "blurred",
        /// The same, without colour.
        Greyscale = "greyscale",
    }
}

/// An item as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The platform's own name for it.
    pub id: ItemId,
    /// What kind of thing it is.
    pub kind: ItemKind,
    /// The account that posted it, by the platform's name for it.
    pub account: Option<String>,
    /// The channel it was posted in.
    pub channel: Option<String>,
    /// Who could see it.
    pub audience: Option<Audience>,
    /// Where it stands on the platform: shown to moderators as text, never fetched.
    pub url: Option<String>,
    /// Its text.
    pub text: Option<String>,
    /// How often its content was submitted anew, from 1.
    pub revision: i64,
    /// When it was first submitted.
    pub received_at: Timestamp,
    /// When this revision was submitted.
    pub updated_at: Timestamp,
}

/// A file of an item, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Its id.
    pub id: MediaId,
    /// The item.
    pub item: ItemId,
    /// The item's revision that it came with.
    pub revision: i64,
    /// The name that the platform gave it.
    pub name: String,
    /// Whether it was scanned.
    pub status: MediaStatus,
    /// Its signals.
    pub signals: Vec<MediaSignal>,
}

/// What came of the attempt to scan a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaStatus {
    /// Decoded and hashed here.
    Scanned {
        /// The true type, as found in the bytes, such as `image/jpeg`.
        media_type: String,
        /// Bytes.
        size_bytes: u64,
        /// Pixels; 0 where there is nothing to see.
        width: u32,
        /// Pixels; 0 where there is nothing to see.
        height: u32,
        /// Whether the whole file could be decoded; if not, the signals tell of the part before the damage.
        is_intact: bool,
        /// How long it plays, and how it is coded, if it was scanned as a video or a sound.
        plays: Option<Plays>,
    },
    /// Not seen here: the platform sent signals that it had computed before.
    Given,
    /// Could not be hashed. Never to be read as "no match".
    Unscanned {
        /// A stable word for why, such as `unsupported_type`.
        reason: String,
        /// The same for people.
        detail: String,
    },
}

/// How a video or a sound plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plays {
    /// From its beginning to its end.
    pub duration_ms: u32,
    /// How its pictures are coded, such as `h264`, if it has any.
    pub video_codec: Option<String>,
    /// How its sound is coded, such as `aac`, if it has any.
    pub audio_codec: Option<String>,
}

impl MediaStatus {
    /// The word for it in tables and JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            MediaStatus::Scanned { .. } => "scanned",
            MediaStatus::Given => "given",
            MediaStatus::Unscanned { .. } => "unscanned",
        }
    }
}

/// A signal of a file, how the file was looked at, and which frame it was made of if the file moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaSignal {
    /// The signal.
    pub signal: Signal,
    /// How the file was looked at, such as `as_is`.
    pub view: String,
    /// The frame, and when it is shown.
    pub frame: Option<FramePlace>,
}

impl MediaSignal {
    /// The view of a file to which nothing was done.
    pub const AS_IS: &'static str = "as_is";

    /// A signal of a whole file as it is.
    pub fn as_is(signal: Signal) -> Self {
        Self {
            signal,
            view: Self::AS_IS.to_owned(),
            frame: None,
        }
    }

    /// The hash of a frame of a video.
    pub fn of_frame(frame: &Frame) -> Self {
        Self {
            frame: Some(FramePlace {
                index: u32::try_from(frame.number).unwrap_or(u32::MAX),
                at_ms: frame.at_ms,
            }),
            ..Self::as_is(Signal::Pdq {
                hash: frame.pdq.hash,
                quality: Some(frame.pdq.quality),
            })
        }
    }
}

/// A frame of a file that moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FramePlace {
    /// Which frame of the file, from 0.
    pub index: u32,
    /// Milliseconds from the file's beginning.
    pub at_ms: u32,
}
