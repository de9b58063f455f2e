//! What a caller wants of a video or sound, and what a scan returns.

use signal::audio::QueryPrints;
use signal::video::Frame;
use signal::{Md5, Sha256};

/// Which frames are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// All of them; two a second are taken, the first of each scene, and those that vPDQ takes.
    Full,
    /// Only those that stand for themselves, one every few seconds: many times faster, and blind between them.
    KeyFrames,
}

/// What the caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvWant {
    /// Which frames are decoded.
    pub sampling: Sampling,
    /// Views and keypoints of each frame, besides its hash.
    pub glimpses: bool,
    /// Prints and the waveform of the sound.
    pub audio: bool,
    /// Small pictures that are spread over the duration.
    pub strip: bool,
    /// Where to begin: at the last key frame before. What was scanned up to there need not be scanned again.
    pub from_ms: u32,
}

impl AvWant {
    /// All there is, from the beginning.
    pub const EVERYTHING: Self = Self {
        sampling: Sampling::Full,
        glimpses: true,
        audio: true,
        strip: true,
        from_ms: 0,
    };
}

/// How far a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The file's own time up to which it was looked at: where to begin again, should the scan be broken off.
    pub at_ms: u32,
    /// How long the file says it is. It may lie.
    pub duration_ms: Option<u32>,
    /// Bytes read so far, some of them twice.
    pub bytes_read: u64,
    /// Size of the file.
    pub bytes: u64,
}

/// What was found in one file.
#[derive(Debug, Clone, PartialEq)]
pub struct AvScan {
    /// The type the bytes themselves show, such as `video/mp4`.
    pub mime: &'static str,
    /// How long it is: as measured where all of it was looked at, as it claims otherwise.
    pub duration_ms: u32,
    /// Up to where it was looked at.
    pub scanned_ms: u32,
    /// Width in pixels as a viewer sees it; 0 without pictures.
    pub width: u32,
    /// Height in pixels as a viewer sees it; 0 without pictures.
    pub height: u32,
    /// Frames a second, on average; 0 where nobody knows. vPDQ's time stamp of a frame is its number divided by this.
    pub frame_rate: f64,
    /// FFmpeg's name of the pictures' codec, such as `h264`. None for a sound.
    pub video_codec: Option<&'static str>,
    /// FFmpeg's name of the sound's codec, such as `aac`. None for a silent video.
    pub audio_codec: Option<&'static str>,
    /// False when a decoder met damage and went on, when the file is shorter than it says, or when a limit was reached. That nothing matches
    /// says less than it would of an intact file.
    pub is_intact: bool,
    /// Digest of the file's bytes, computed by the host.
    pub md5: Md5,
    /// Digest of the file's bytes, computed by the host.
    pub sha256: Sha256,
    /// Frames in order of time; none of a sound.
    pub frames: Vec<Frame>,
    /// Present when asked for, of what has sound.
    pub sound: Option<QueryPrints>,
    /// Loudest sample of each [`crate::av::WAVEFORM_MS`], 0–255, from `from_ms` on. Empty when not asked for or without sound.
    pub waveform: Vec<u8>,
    /// At most [`crate::av::STRIP_PICTURES_MAX`], in order of time. Empty when not asked for.
    pub strip: Vec<StripPicture>,
}

/// A small picture of one moment, upright, without any metadata of the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripPicture {
    /// When it is shown.
    pub at_ms: u32,
    /// JPEG.
    pub small: Vec<u8>,
    /// The same blurred so strongly that no detail can be recognised. JPEG.
    pub blurred: Vec<u8>,
}
