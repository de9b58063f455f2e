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

use signal::Pdq;
use signal::pdq::PdqSignal;

use crate::jail::Parts;
use crate::{FrameSignal, Limits, MediaType, View, Want};

const MAGIC: [u8; 4] = *b"SWMW";
/// Changes with every change of this file's formats. Host and worker are of one build; this catches when they are not.
const VERSION: u16 = 1;

/// Longest side of a preview in pixels.
pub(crate) const PREVIEW_SIDE_MAX: u32 = 320;
/// Most frames that may be asked for; keeps an answer below [`ANSWER_BYTES_MAX`].
pub(crate) const FRAMES_MAX: u32 = 1_000;
/// A larger answer is out of protocol. A preview has at most 300 KiB, the signals of a frame at most 126 bytes.
const ANSWER_BYTES_MAX: u32 = 512 << 10;
/// Longer reasons are cut.
const DETAIL_BYTES_MAX: usize = 200;

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
        writer.u16(match self.want {
            Want::Signals => 0,
            Want::SignalsAndPreviews => 1,
        });
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
            want: match reader.u16()? {
                0 => Want::Signals,
                1 => Want::SignalsAndPreviews,
                _ => return Err(BadMessage("the request wants the unknown")),
            },
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) media_type: MediaType,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) frames_total: Option<u32>,
    pub(crate) is_intact: bool,
    pub(crate) frames: Vec<FrameSignal>,
    pub(crate) preview: Option<SmallPicture>,
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

const FINDING: u8 = 0;
const UNSUPPORTED: u8 = 1;
const DAMAGED: u8 = 2;
const TOO_MANY_PIXELS: u8 = 3;
const MEMORY: u8 = 4;

/// The whole answer to request `id`, header and body.
pub(crate) fn encode_answer(id: u64, answer: &Answer) -> Vec<u8> {
    let mut writer = Writer(vec![0; AnswerHeader::SIZE_BYTES]);
    match answer {
        Ok(finding) => {
            writer.u8(FINDING);
            writer.u8(finding.media_type as u8);
            writer.u32(finding.width);
            writer.u32(finding.height);
            writer.u32(finding.frames_total.unwrap_or(0));
            writer.u8(finding.is_intact.into());
            writer.u32(finding.frames.len() as u32);
            for frame in &finding.frames {
                writer.u32(frame.index);
                writer.u32(frame.at_ms);
                writer.u8(frame.view as u8);
                writer.u8(frame.pdq.quality);
                writer.bytes(&frame.pdq.hash.to_bytes());
            }
            match &finding.preview {
                None => writer.u8(0),
                Some(picture) => {
                    writer.u8(1);
                    writer.u32(picture.width);
                    writer.u32(picture.height);
                    writer.bytes(&picture.rgb);
                }
            }
        }
        Err(Refusal::Unsupported(what)) => {
            writer.u8(UNSUPPORTED);
            writer.u8(*what as u8);
        }
        Err(Refusal::Damaged(detail)) => {
            writer.u8(DAMAGED);
            writer.bytes(cut(detail).as_bytes());
        }
        Err(Refusal::TooManyPixels { width, height }) => {
            writer.u8(TOO_MANY_PIXELS);
            writer.u32(*width);
            writer.u32(*height);
        }
        Err(Refusal::Memory) => writer.u8(MEMORY),
    }
    let mut message = writer.0;
    let size_bytes = (message.len() - AnswerHeader::SIZE_BYTES) as u32;
    message[..AnswerHeader::SIZE_BYTES].copy_from_slice(&AnswerHeader { id, size_bytes }.encode());
    message
}

/// Reads the body of an answer as hostile bytes: it must be what `request` asked for, to the last byte.
pub(crate) fn decode_answer(body: &[u8], request: &Request) -> Result<Answer, BadMessage> {
    let mut reader = Reader(body);
    let answer = match reader.u8()? {
        FINDING => Ok(decode_finding(&mut reader, request)?),
        UNSUPPORTED => {
            let code = usize::from(reader.u8()?);
            let what = Unsupported::ALL.get(code).ok_or(BadMessage("an unknown reason"))?;
            Err(Refusal::Unsupported(*what))
        }
        DAMAGED => {
            let detail = String::from_utf8_lossy(reader.rest());
            let printable = detail
                .chars()
                .map(|c| if c.is_control() || is_bidi_control(c) { ' ' } else { c });
            Err(Refusal::Damaged(cut(&printable.collect::<String>()).to_owned()))
        }
        TOO_MANY_PIXELS => Err(Refusal::TooManyPixels {
            width: reader.u32()?,
            height: reader.u32()?,
        }),
        MEMORY => Err(Refusal::Memory),
        _ => return Err(BadMessage("an unknown kind of answer")),
    };
    reader.end()?;
    Ok(answer)
}

fn decode_finding(reader: &mut Reader<'_>, request: &Request) -> Result<Finding, BadMessage> {
    let media_type = usize::from(reader.u8()?);
    let media_type = *MediaType::ALL
        .get(media_type)
        .ok_or(BadMessage("an unknown media type"))?;
    let (width, height) = (reader.u32()?, reader.u32()?);
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > request.limits.pixels_max {
        return Err(BadMessage("impossible dimensions"));
    }
    let frames_total = Some(reader.u32()?).filter(|total| *total != 0);
    let is_intact = match reader.u8()? {
        0 => false,
        1 => true,
        _ => return Err(BadMessage("neither intact nor not")),
    };
    let n_frames = reader.u32()?;
    if n_frames == 0 || n_frames > request.limits.frames_max.saturating_mul(View::ALL.len() as u32) {
        return Err(BadMessage("an impossible number of frames"));
    }
    let mut frames: Vec<FrameSignal> = Vec::with_capacity(n_frames as usize);
    for _ in 0..n_frames {
        let index = reader.u32()?;
        let at_ms = reader.u32()?;
        let view = usize::from(reader.u8()?);
        let view = *View::ALL.get(view).ok_or(BadMessage("an unknown view"))?;
        let quality = reader.u8()?;
        if quality > 100 {
            return Err(BadMessage("a quality above 100"));
        }
        let hash = Pdq::from_bytes(reader.array()?);
        let in_order = match frames.last() {
            None => (index, view) == (0, View::AsIs),
            Some(last) => (last.index, last.view) < (index, view) && (view == View::AsIs || index == last.index),
        };
        if !in_order || frames_total.is_some_and(|total| index >= total) {
            return Err(BadMessage("frames out of order"));
        }
        frames.push(FrameSignal {
            index,
            at_ms,
            view,
            pdq: PdqSignal { hash, quality },
        });
    }
    let preview = match (reader.u8()?, request.want) {
        (0, Want::Signals) => None,
        (1, Want::SignalsAndPreviews) => {
            let (width, height) = (reader.u32()?, reader.u32()?);
            let sides = 1..=PREVIEW_SIDE_MAX;
            if !sides.contains(&width) || !sides.contains(&height) {
                return Err(BadMessage("a preview of impossible size"));
            }
            let rgb = reader.take((width * height * 3) as usize)?.to_vec();
            Some(SmallPicture { width, height, rgb })
        }
        _ => return Err(BadMessage("a preview that was not asked for, or none")),
    };
    Ok(Finding {
        media_type,
        width,
        height,
        frames_total,
        is_intact,
        frames,
        preview,
    })
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(DETAIL_BYTES_MAX)]
}

struct Writer(Vec<u8>);

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], BadMessage> {
        let (taken, rest) = self
            .0
            .split_at_checked(n)
            .ok_or(BadMessage("the message is too short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadMessage> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u8(&mut self) -> Result<u8, BadMessage> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn u16(&mut self) -> Result<u16, BadMessage> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, BadMessage> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, BadMessage> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn magic(&mut self) -> Result<(), BadMessage> {
        if self.array()? != MAGIC {
            return Err(BadMessage("not a message of this protocol"));
        }
        Ok(())
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    fn end(&self) -> Result<(), BadMessage> {
        if !self.0.is_empty() {
            return Err(BadMessage("the message is too long"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(want: Want) -> Request {
        Request {
            id: 7,
            want,
            limits: DecodeLimits::from(&Limits::default()),
            size_bytes: 3,
        }
    }

    fn finding() -> Finding {
        let frame = |index, at_ms, view| FrameSignal {
            index,
            at_ms,
            view,
            pdq: PdqSignal {
                hash: Pdq::from_bytes([index as u8; 32]),
                quality: 100,
            },
        };
        Finding {
            media_type: MediaType::Gif,
            width: 640,
            height: 480,
            frames_total: Some(9),
            is_intact: true,
            frames: vec![
                frame(0, 0, View::AsIs),
                frame(0, 0, View::OnWhite),
                frame(8, 800, View::AsIs),
            ],
            preview: Some(SmallPicture {
                width: 2,
                height: 1,
                rgb: vec![1, 2, 3, 4, 5, 6],
            }),
        }
    }

    fn body_of(answer: &Answer) -> Vec<u8> {
        let message = encode_answer(7, answer);
        let (header, body) = message.split_first_chunk().unwrap();
        let header = AnswerHeader::decode(header, 7).unwrap();
        assert_eq!(header.size_bytes as usize, body.len());
        body.to_vec()
    }

    #[test]
    fn messages_are_read_back() {
        let greeting = Greeting {
            parts: Parts::from_bits(0b10111),
        };
        assert_eq!(Greeting::decode(greeting.encode()), Ok(greeting));
        for want in [Want::Signals, Want::SignalsAndPreviews] {
            assert_eq!(Request::decode(&request(want).encode()), Ok(request(want)));
        }
        let answers = [
            Ok(finding()),
            Err(Refusal::Unsupported(Unsupported::Variant)),
            Err(Refusal::Damaged("short".to_owned())),
            Err(Refusal::TooManyPixels {
                width: 65_535,
                height: 65_535,
            }),
            Err(Refusal::Memory),
        ];
        for answer in answers {
            assert_eq!(
                decode_answer(&body_of(&answer), &request(Want::SignalsAndPreviews)),
                Ok(answer)
            );
        }
        let numbered = Unsupported::ALL.map(|what| what as usize);
        assert_eq!(numbered, std::array::from_fn(|i| i));
    }

    #[test]
    fn every_cut_and_every_addition_is_refused() {
        let body = body_of(&Ok(finding()));
        let request = request(Want::SignalsAndPreviews);
        for end in 0..body.len() {
            assert!(decode_answer(&body[..end], &request).is_err(), "{end}");
        }
        assert_eq!(
            decode_answer(&[&body[..], &[0]].concat(), &request),
            Err(BadMessage("the message is too long"))
        );
    }

    #[test]
    fn a_lying_finding_is_refused() {
        let check = |change: fn(&mut Finding), reason| {
            let mut finding = finding();
            change(&mut finding);
            let answer = decode_answer(&body_of(&Ok(finding)), &request(Want::SignalsAndPreviews));
            assert_eq!(answer, Err(BadMessage(reason)));
        };
        check(|finding| finding.width = 0, "impossible dimensions");
        check(
            |finding| (finding.width, finding.height) = (u32::MAX, u32::MAX),
            "impossible dimensions",
        );
        check(|finding| finding.frames.clear(), "an impossible number of frames");
        check(
            |finding| finding.frames = vec![finding.frames[0].clone(); 100],
            "an impossible number of frames",
        );
        check(|finding| finding.frames.swap(0, 2), "frames out of order");
        check(|finding| finding.frames[1].view = View::AsIs, "frames out of order");
        check(|finding| finding.frames[2].view = View::Upright, "frames out of order");
        check(|finding| finding.frames_total = Some(8), "frames out of order");
        check(|finding| finding.frames[2].pdq.quality = 101, "a quality above 100");
        check(
            |finding| finding.preview = None,
            "a preview that was not asked for, or none",
        );
        check(
            |finding| {
                finding.preview = Some(SmallPicture {
                    width: 321,
                    height: 1,
                    rgb: vec![0; 963],
                })
            },
            "a preview of impossible size",
        );
        check(
            |finding| {
                finding.preview = Some(SmallPicture {
                    width: 2,
                    height: 2,
                    rgb: vec![0; 3],
                })
            },
            "the message is too short",
        );
    }

    #[test]
    fn a_header_is_bounded_before_the_body_is_read() {
        let header = AnswerHeader {
            id: 7,
            size_bytes: u32::MAX,
        };
        assert_eq!(
            AnswerHeader::decode(&header.encode(), 7),
            Err(BadMessage("the answer is too long"))
        );
        assert_eq!(
            AnswerHeader::decode(&header.encode(), 8),
            Err(BadMessage("the answer is to another request"))
        );
    }

    #[test]
    fn the_longest_honest_answer_fits() {
        let mut finding = finding();
        finding.frames_total = None;
        finding.frames = (0..FRAMES_MAX)
            .flat_map(|index| {
                View::ALL.map(|view| FrameSignal {
                    index,
                    view,
                    ..finding.frames[0].clone()
                })
            })
            .collect();
        let side = PREVIEW_SIDE_MAX;
        finding.preview = Some(SmallPicture {
            width: side,
            height: side,
            rgb: vec![0; (3 * side * side) as usize],
        });
        let mut request = request(Want::SignalsAndPreviews);
        request.limits.frames_max = FRAMES_MAX;
        let answer = Ok(finding);
        assert_eq!(decode_answer(&body_of(&answer), &request), Ok(answer));
    }

    #[test]
    fn a_reason_cannot_carry_control_characters() {
        let detail = format!("a\n\u{1b}[31mb\u{202e}c{}", "é".repeat(300));
        let answer = decode_answer(&body_of(&Err(Refusal::Damaged(detail))), &request(Want::Signals)).unwrap();
        let Err(Refusal::Damaged(detail)) = answer else {
            panic!("{answer:?}")
        };
        assert!(detail.starts_with("a  [31mb cé"), "{detail}");
        assert!(detail.len() <= DETAIL_BYTES_MAX);
    }
}
