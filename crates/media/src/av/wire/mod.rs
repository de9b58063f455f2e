//! What crosses the pipe between the host and an `av-worker`. All numbers are little-endian.
//!
//! ```text
//! host → worker   the request: an argument of its command line. Standard input is the file, or a pipe
//! worker → host   greeting, as a picture worker greets
//!                 messages: kind · size · body. Opened comes first, then frames, strip pictures, sound and progress in order of time, then the end
//!                 or, at any time, a refusal
//! ```
//!
//! The worker trusts the host. The host trusts nothing that a worker says: a message is bounded before it is read, every field is checked, time never runs
//! backwards, and codecs and containers are numbers in a list of ours. Pictures come as bare pixels and sound as bare samples.

mod message;
mod request;

pub use message::{Body, End, Opened, Picture, Refusal, Sound, SoundTrack, VideoTrack, encode};
pub(crate) use message::{decode, decode_header};
pub use request::{AvRequest, LastFrame, REQUEST_ARG, Resume, StripPlace};

/// Longest body of a message. A strip picture has at most 169 KiB, a frame 11, a piece of sound 22.
pub const BODY_BYTES_MAX: u32 = 192 << 10;
/// Kind and size.
pub const HEADER_BYTES: usize = 5;
/// Most pictures that a worker sends of a file: each time that a strip is full, every other is left out and the rest lie twice as far apart.
pub const STRIP_SENT_MAX: usize = super::STRIP_PICTURES_MAX * 16;
/// Longest side of a picture of the strip.
pub const STRIP_SIDE_MAX: u32 = 240;
/// Most samples in a piece of sound: a second.
pub const SAMPLES_MAX: usize = super::SOUND_RATE as usize;

/// A container that is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Container {
    /// FFmpeg's short name of the demuxer.
    pub demuxer: &'static str,
    /// The media type of a file with pictures.
    pub with_pictures: &'static str,
    /// The media type of a file without.
    pub without: &'static str,
}

const fn container(demuxer: &'static str, with_pictures: &'static str, without: &'static str) -> Container {
    Container {
        demuxer,
        with_pictures,
        without,
    }
}

/// Every container that is opened, and no other. None of these demuxers needs a second file: lists of segments, scripts that join files and descriptions of sessions
/// are read by others.
pub const CONTAINERS: [Container; 14] = [
    container("mov", "video/mp4", "audio/mp4"),
    container("mov", "video/quicktime", "video/quicktime"),
    container("mov", "video/3gpp", "audio/3gpp"),
    container("matroska", "video/x-matroska", "audio/x-matroska"),
    container("matroska", "video/webm", "audio/webm"),
    container("avi", "video/x-msvideo", "video/x-msvideo"),
    container("mpegts", "video/mp2t", "video/mp2t"),
    container("mpeg", "video/mpeg", "audio/mpeg"),
    container("ogg", "video/ogg", "audio/ogg"),
    container("mp3", "audio/mpeg", "audio/mpeg"),
    container("wav", "audio/wav", "audio/wav"),
    container("flac", "audio/flac", "audio/flac"),
    container("aac", "audio/aac", "audio/aac"),
    container("amr", "audio/amr", "audio/amr"),
];

/// Decoders of pictures that may be opened, by FFmpeg's names.
pub const VIDEO_CODECS: [&str; 10] = [
    "h264",
    "hevc",
    "vp8",
    "vp9",
    "libdav1d",
    "mpeg4",
    "mpeg2video",
    "mpeg1video",
    "mjpeg",
    "h263",
];

/// Decoders of sound that may be opened, by FFmpeg's names.
pub const AUDIO_CODECS: [&str; 25] = [
    "aac",
    "mp3float",
    "mp3",
    "opus",
    "vorbis",
    "flac",
    "alac",
    "ac3",
    "eac3",
    "amrnb",
    "amrwb",
    "mp2float",
    "mp2",
    "pcm_s16le",
    "pcm_s16be",
    "pcm_s24le",
    "pcm_s24be",
    "pcm_s32le",
    "pcm_f32le",
    "pcm_f64le",
    "pcm_u8",
    "pcm_s8",
    "pcm_alaw",
    "pcm_mulaw",
    "adpcm_ima_wav",
];

/// What people call what a decoder decodes.
pub(crate) fn codec_name(decoder: &'static str) -> &'static str {
    match decoder {
        "libdav1d" => "av1",
        "mp3float" => "mp3",
        "mp2float" => "mp2",
        "amrnb" => "amr_nb",
        "amrwb" => "amr_wb",
        other => other,
    }
}
