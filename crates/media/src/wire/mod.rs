//! What crosses the pipes between host and worker. All numbers are little-endian.
//!
//! ```text
//! worker → host, once   greeting:  magic · version · parts of the jail in force
//! host → worker, each   request:   magic · version · id · want · limits · size, then the file's bytes
//! worker → host, each   answer:    magic · id · size, then the body: a finding or a refusal
//! ```
//!
//! The worker trusts the host. The host trusts nothing that a worker says: it may have been taken over by the file it
//! decoded. So an answer is bounded before it is read, every field is checked, nothing may be left over, and pictures
//! come as bare pixels: the host compresses them itself, and no file that a worker wrote ever reaches a browser.

mod answer;
pub(crate) mod bytes;
pub(crate) mod looks;

pub(crate) use answer::{decode_answer, encode_answer, printable};

use crate::jail::Parts;
use crate::{FrameSignal, Limits, MediaType, Want};
use bytes::{Reader, Writer};
use signal::Looks;

const MAGIC: [u8; 4] = *b"SWMW";
/// Changes with every change of this file's formats. Host and worker are of one build; this catches when they are not.
const VERSION: u16 = 2;

/// Longest side of a preview in pixels.
pub(crate) const PREVIEW_SIDE_MAX: u32 = 320;
/// Most frames that may be asked for; keeps an answer below [`ANSWER_BYTES_MAX`].
pub(crate) const FRAMES_MAX: u32 = 1_000;
/// A larger answer is out of protocol. A preview has at most 300 KiB, the looks 259 + 13 KiB, the signals of a frame at most 126 bytes.
const ANSWER_BYTES_MAX: u32 = 768 << 10;

/// What a worker says once it is locked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Greeting {
    pub(crate) parts: Parts,
}

impl Greeting {
    pub(crate) const SIZE_BYTES: usize = 8;

    pub(crate) fn encode(self) -> [u8; Self::SIZE_BYTES] {
        let [v0, v1] = VERSION.to_le_bytes();
        let [m0, m1, m2, m3] = MAGIC;
        [m0, m1, m2, m3, v0, v1, self.parts.to_bits(), 0]
    }

    pub(crate) fn decode(bytes: [u8; Self::SIZE_BYTES]) -> Result<Self, BadMessage> {
        let mut reader = Reader(&bytes);
        reader.magic()?;
        if reader.u16()? != VERSION {
            return Err(BadMessage("the worker is of another version"));
        }
        let parts = Parts::from_bits(reader.u8()?);
        if reader.u8()? != 0 {
            return Err(BadMessage("the greeting has an unknown field"));
        }
        Ok(Self { parts })
    }
}

/// What the host asks of a worker. The file's bytes follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    /// Chosen by the host; the answer repeats it.
    pub(crate) id: u64,
    pub(crate) want: Want,
    pub(crate) limits: DecodeLimits,
    pub(crate) size_bytes: u64,
}

/// The limits that the worker itself keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DecodeLimits {
    pub(crate) pixels_max: u64,
    pub(crate) side_max: u32,
    pub(crate) frames_max: u32,
    pub(crate) frames_decoded_max: u32,
    /// After this time no further frame of an animation is begun.
    pub(crate) frames_ms_max: u32,
}

impl From<&Limits> for DecodeLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            pixels_max: limits.pixels_max,
            side_max: limits.side_max,
            frames_max: limits.frames_max,
            frames_decoded_max: limits.frames_decoded_max,
            frames_ms_max: limits.time_ms_max / 2,
        }
    }
}

impl Request {
    pub(crate) const SIZE_BYTES: usize = 48;

    pub(crate) fn encode(&self) -> [u8; Self::SIZE_BYTES] {
        let mut writer = Writer(Vec::with_capacity(Self::SIZE_BYTES));
        writer.bytes(&MAGIC);
        writer.u16(VERSION);
        writer.u64(self.id);
        writer.u16(self.want as u16);
        writer.u64(self.limits.pixels_max);
        writer.u32(self.limits.side_max);
        writer.u32(self.limits.frames_max);
        writer.u32(self.limits.frames_decoded_max);
        writer.u32(self.limits.frames_ms_max);
        writer.u64(self.size_bytes);
        let mut header = [0; Self::SIZE_BYTES];
        header.copy_from_slice(&writer.0);
        header
    }

    pub(crate) fn decode(bytes: &[u8; Self::SIZE_BYTES]) -> Result<Self, BadMessage> {
        let mut reader = Reader(bytes);
        reader.magic()?;
        if reader.u16()? != VERSION {
            return Err(BadMessage("the host is of another version"));
        }
        let request = Self {
            id: reader.u64()?,
            want: *Want::ALL
                .get(usize::from(reader.u16()?))
                .ok_or(BadMessage("the request wants the unknown"))?,
            limits: DecodeLimits {
                pixels_max: reader.u64()?,
                side_max: reader.u32()?,
                frames_max: reader.u32()?,
                frames_decoded_max: reader.u32()?,
                frames_ms_max: reader.u32()?,
            },
            size_bytes: reader.u64()?,
        };
        reader.end()?;
        Ok(request)
    }
}

/// The size of an answer's body and whose answer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnswerHeader {
    pub(crate) id: u64,
    pub(crate) size_bytes: u32,
}

impl AnswerHeader {
    pub(crate) const SIZE_BYTES: usize = 16;

    pub(crate) fn encode(self) -> [u8; Self::SIZE_BYTES] {
        let mut header = [0; Self::SIZE_BYTES];
        header[..4].copy_from_slice(&MAGIC);
        header[4..12].copy_from_slice(&self.id.to_le_bytes());
        header[12..].copy_from_slice(&self.size_bytes.to_le_bytes());
        header
    }

    pub(crate) fn decode(bytes: &[u8; Self::SIZE_BYTES], id: u64) -> Result<Self, BadMessage> {
        let mut reader = Reader(bytes);
        reader.magic()?;
        let header = Self {
            id: reader.u64()?,
            size_bytes: reader.u32()?,
        };
        if header.id != id {
            return Err(BadMessage("the answer is to another request"));
        }
        if header.size_bytes > ANSWER_BYTES_MAX {
            return Err(BadMessage("the answer is too long"));
        }
        Ok(header)
    }
}

/// A worker's answer.
pub(crate) type Answer = Result<Finding, Refusal>;

/// What a worker found in a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    pub(crate) media_type: MediaType,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) frames_total: Option<u32>,
    pub(crate) is_intact: bool,
    pub(crate) frames: Vec<FrameSignal>,
    pub(crate) preview: Option<SmallPicture>,
    pub(crate) looks: Option<Looks>,
}

/// A picture small enough to hand around: 8-bit RGB, no side longer than [`PREVIEW_SIDE_MAX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SmallPicture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) rgb: Vec<u8>,
}

/// Why a worker did not decode a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unsupported(Unsupported),
    Damaged(String),
    TooManyPixels { width: u32, height: u32 },
    Memory,
}

/// What bytes look like that cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Unsupported {
    Unknown,
    Avif,
    Heic,
    JpegXl,
    Jpeg2000,
    Icon,
    Photoshop,
    Svg,
    Pdf,
    IsoMedia,
    Matroska,
    Riff,
    Ogg,
    Mp3,
    Archive,
    /// A known type, of a kind or with a feature that the decoder does not know.
    Variant,
}

impl Unsupported {
    const ALL: [Self; 16] = [
        Self::Unknown,
        Self::Avif,
        Self::Heic,
        Self::JpegXl,
        Self::Jpeg2000,
        Self::Icon,
        Self::Photoshop,
        Self::Svg,
        Self::Pdf,
        Self::IsoMedia,
        Self::Matroska,
        Self::Riff,
        Self::Ogg,
        Self::Mp3,
        Self::Archive,
        Self::Variant,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unknown => "an unknown type",
            Self::Avif => "AVIF",
            Self::Heic => "HEIC",
            Self::JpegXl => "JPEG XL",
            Self::Jpeg2000 => "JPEG 2000",
            Self::Icon => "a Windows icon",
            Self::Photoshop => "a Photoshop document",
            Self::Svg => "SVG or other XML",
            Self::Pdf => "PDF",
            Self::IsoMedia => "an MP4 or QuickTime file",
            Self::Matroska => "a Matroska or WebM file",
            Self::Riff => "an AVI or WAV file",
            Self::Ogg => "an Ogg file",
            Self::Mp3 => "an MP3 file",
            Self::Archive => "an archive",
            Self::Variant => "an unusual variant of an image type",
        }
    }
}

/// A message that is not in the protocol, and what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadMessage(pub(crate) &'static str);
