//! One message of a worker: written by it, read by the host as hostile bytes.

use signal::Pdq;
use signal::pdq::PdqSignal;
use signal::video::{FRAME_KEYPOINTS_MAX, Frame, Glimpse};

use super::{AUDIO_CODECS, BODY_BYTES_MAX, CONTAINERS, HEADER_BYTES, SAMPLES_MAX, STRIP_SIDE_MAX, VIDEO_CODECS};
use crate::wire::bytes::{Reader, Writer};
use crate::wire::looks::{decode_keypoints, decode_views, encode_keypoints, encode_views};
use crate::wire::{BadMessage, printable};
use signal::Luma;

const OPENED: u8 = 1;
const FRAME: u8 = 2;
const SOUND: u8 = 3;
const PICTURE: u8 = 4;
const PROGRESS: u8 = 5;
const END: u8 = 6;
const REFUSED: u8 = 7;

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// The container was opened.
    Opened(Opened),
    /// A frame was taken.
    Frame(Box<Frame>),
    /// A piece of sound.
    Sound(Sound),
    /// A picture of the strip.
    Picture(Picture),
    /// So far it was looked at.
    Progress {
        /// The file's own time.
        at_ms: u32,
        /// Bytes read.
        bytes_read: u64,
        /// Whether a decoder met damage so far.
        is_damaged: bool,
    },
    /// All of it was.
    End(End),
    /// It cannot be decoded.
    Refused(Refusal),
}

/// What a container holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opened {
    /// Index in [`CONTAINERS`].
    pub container: u8,
    /// What the container says; 0 when it does not.
    pub duration_ms: u32,
    /// The track of pictures that is decoded.
    pub video: Option<VideoTrack>,
    /// The track of sound that is decoded.
    pub sound: Option<SoundTrack>,
    /// Whether there are no other pictures, and no other sound, than of known codecs.
    pub is_all_known: bool,
}

/// A track of pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VideoTrack {
    /// Index in [`VIDEO_CODECS`].
    pub codec: u8,
    /// As a viewer sees it.
    pub width: u32,
    /// As a viewer sees it.
    pub height: u32,
    /// Frames a second, 0 where nobody knows.
    pub frame_rate: f64,
}

/// A track of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoundTrack {
    /// Index in [`AUDIO_CODECS`].
    pub codec: u8,
}

/// Samples of one channel, [`crate::av::SOUND_RATE`] a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// When the first is heard.
    pub at_ms: u32,
    /// At most [`SAMPLES_MAX`].
    pub samples: Vec<i16>,
}

/// A picture of the strip: 8-bit RGB, no side longer than [`STRIP_SIDE_MAX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// When it is shown.
    pub at_ms: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The pixels.
    pub rgb: Vec<u8>,
}

/// How a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The file's own time of its end, or of where a limit was reached.
    pub at_ms: u32,
    /// Whether it was looked at to the end.
    pub is_whole: bool,
    /// Whether no decoder met damage.
    pub is_intact: bool,
}

/// Why a worker did not decode a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It is of no container on the list.
    UnknownContainer,
    /// It has neither pictures nor sound of a codec on the list.
    UnknownCodecs,
    /// It does not hold together.
    Damaged(String),
    /// More streams than are looked at.
    TooManyStreams,
    /// Larger pictures than are decoded.
    TooManyPixels {
        /// As the file claims.
        width: u32,
        /// As the file claims.
        height: u32,
    },
    /// More memory than it may take.
    Memory,
    /// The place at which it was to go on is not there, or shows something else.
    Lost,
}

/// The whole message, header and body.
pub fn encode(body: &Body) -> Vec<u8> {
    let mut writer = Writer(vec![0; HEADER_BYTES]);
    let kind = match body {
        Body::Opened(opened) => {
            writer.u8(opened.container);
            writer.u32(opened.duration_ms);
            match &opened.video {
                None => writer.u8(0),
                Some(track) => {
                    writer.u8(1);
                    writer.u8(track.codec);
                    writer.u32(track.width);
                    writer.u32(track.height);
                    writer.u64(track.frame_rate.to_bits());
                }
            }
            match &opened.sound {
                None => writer.u8(0),
                Some(track) => {
                    writer.u8(1);
                    writer.u8(track.codec);
                }
            }
            writer.u8(opened.is_all_known.into());
            OPENED
        }
        Body::Frame(frame) => {
            encode_frame(&mut writer, frame);
            FRAME
        }
        Body::Sound(sound) => {
            writer.u32(sound.at_ms);
            sound
                .samples
                .iter()
                .for_each(|sample| writer.bytes(&sample.to_le_bytes()));
            SOUND
        }
        Body::Picture(picture) => {
            writer.u32(picture.at_ms);
            writer.u32(picture.width);
            writer.u32(picture.height);
            writer.bytes(&picture.rgb);
            PICTURE
        }
        Body::Progress {
            at_ms,
            bytes_read,
            is_damaged,
        } => {
            writer.u32(*at_ms);
            writer.u64(*bytes_read);
            writer.u8((*is_damaged).into());
            PROGRESS
        }
        Body::End(end) => {
            writer.u32(end.at_ms);
            writer.u8(end.is_whole.into());
            writer.u8(end.is_intact.into());
            END
        }
        Body::Refused(refusal) => {
            encode_refusal(&mut writer, refusal);
            REFUSED
        }
    };
    let mut message = writer.0;
    let size_bytes = (message.len() - HEADER_BYTES) as u32;
    message[0] = kind;
    message[1..HEADER_BYTES].copy_from_slice(&size_bytes.to_le_bytes());
    message
}

fn encode_frame(writer: &mut Writer, frame: &Frame) {
    writer.u32(frame.at_ms);
    writer.u64(frame.number);
    writer.u8(u8::from(frame.is_scene) | u8::from(frame.is_vpdq) << 1);
    writer.bytes(&frame.pdq.hash.to_bytes());
    writer.u8(frame.pdq.quality);
    match &frame.glimpse {
        None => writer.u8(0),
        Some(glimpse) => {
            writer.u8(1);
            writer.u16(glimpse.width);
            writer.u16(glimpse.height);
            encode_views(writer, &glimpse.views);
            encode_keypoints(writer, &glimpse.keypoints);
        }
    }
}

fn encode_refusal(writer: &mut Writer, refusal: &Refusal) {
    match refusal {
        Refusal::UnknownContainer => writer.u8(0),
        Refusal::UnknownCodecs => writer.u8(1),
        Refusal::Damaged(detail) => {
            writer.u8(2);
            writer.bytes(printable(detail.as_bytes()).as_bytes());
        }
        Refusal::TooManyStreams => writer.u8(3),
        Refusal::TooManyPixels { width, height } => {
            writer.u8(4);
            writer.u32(*width);
            writer.u32(*height);
        }
        Refusal::Memory => writer.u8(5),
        Refusal::Lost => writer.u8(6),
    }
}

/// The kind and size of the body that follows.
pub(crate) fn decode_header(header: [u8; HEADER_BYTES]) -> Result<(u8, usize), BadMessage> {
    let [kind, a, b, c, d] = header;
    let size_bytes = u32::from_le_bytes([a, b, c, d]);
    if !(OPENED..=REFUSED).contains(&kind) {
        return Err(BadMessage("an unknown kind of message"));
    }
    if size_bytes > BODY_BYTES_MAX {
        return Err(BadMessage("the message is too long"));
    }
    Ok((kind, size_bytes as usize))
}

/// Reads a body of the kind as hostile bytes, to the last byte.
pub(crate) fn decode(kind: u8, body: &[u8]) -> Result<Body, BadMessage> {
    let mut reader = Reader(body);
    let body = match kind {
        OPENED => Body::Opened(decode_opened(&mut reader)?),
        FRAME => Body::Frame(Box::new(decode_frame(&mut reader)?)),
        SOUND => decode_sound(&mut reader)?,
        PICTURE => decode_picture(&mut reader)?,
        PROGRESS => Body::Progress {
            at_ms: reader.u32()?,
            bytes_read: reader.u64()?,
            is_damaged: flag(&mut reader)?,
        },
        END => Body::End(End {
            at_ms: reader.u32()?,
            is_whole: flag(&mut reader)?,
            is_intact: flag(&mut reader)?,
        }),
        REFUSED => Body::Refused(match reader.u8()? {
            0 => Refusal::UnknownContainer,
            1 => Refusal::UnknownCodecs,
            2 => Refusal::Damaged(printable(reader.rest())),
            3 => Refusal::TooManyStreams,
            4 => Refusal::TooManyPixels {
                width: reader.u32()?,
                height: reader.u32()?,
            },
            5 => Refusal::Memory,
            6 => Refusal::Lost,
            _ => return Err(BadMessage("an unknown refusal")),
        }),
        _ => return Err(BadMessage("an unknown kind of message")),
    };
    reader.end()?;
    Ok(body)
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, BadMessage> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(BadMessage("neither yes nor no")),
    }
}

fn index(reader: &mut Reader<'_>, len: usize) -> Result<u8, BadMessage> {
    let index = reader.u8()?;
    if usize::from(index) >= len {
        return Err(BadMessage("a container or codec that is not on the list"));
    }
    Ok(index)
}

fn decode_opened(reader: &mut Reader<'_>) -> Result<Opened, BadMessage> {
    let container = index(reader, CONTAINERS.len())?;
    let duration_ms = reader.u32()?;
    let video = match flag(reader)? {
        false => None,
        true => {
            let track = VideoTrack {
                codec: index(reader, VIDEO_CODECS.len())?,
                width: reader.u32()?,
                height: reader.u32()?,
                frame_rate: f64::from_bits(reader.u64()?),
            };
            // Also false for what is no number.
            if !(0.0..=1_000_000.0).contains(&track.frame_rate) {
                return Err(BadMessage("an impossible frame rate"));
            }
            Some(track)
        }
    };
    let sound = match flag(reader)? {
        false => None,
        true => Some(SoundTrack {
            codec: index(reader, AUDIO_CODECS.len())?,
        }),
    };
    if video.is_none() && sound.is_none() {
        return Err(BadMessage("a file without tracks"));
    }
    Ok(Opened {
        container,
        duration_ms,
        video,
        sound,
        is_all_known: flag(reader)?,
    })
}

fn decode_frame(reader: &mut Reader<'_>) -> Result<Frame, BadMessage> {
    let (at_ms, number) = (reader.u32()?, reader.u64()?);
    let flags = reader.u8()?;
    if flags > 3 {
        return Err(BadMessage("an unknown flag of a frame"));
    }
    let hash = Pdq::from_bytes(reader.array()?);
    let quality = reader.u8()?;
    if quality > 100 {
        return Err(BadMessage("a quality above 100"));
    }
    let glimpse = match flag(reader)? {
        false => None,
        true => {
            let (width, height) = (reader.u16()?, reader.u16()?);
            let sides = 1..=Luma::WORK_SIDE;
            if !sides.contains(&width.into()) || !sides.contains(&height.into()) {
                return Err(BadMessage("a glimpse of impossible size"));
            }
            Some(Glimpse {
                views: decode_views(reader)?,
                keypoints: decode_keypoints(reader, FRAME_KEYPOINTS_MAX)?,
                width,
                height,
            })
        }
    };
    Ok(Frame {
        at_ms,
        number,
        is_scene: flags & 1 != 0,
        is_vpdq: flags & 2 != 0,
        pdq: PdqSignal { hash, quality },
        glimpse,
    })
}

fn decode_sound(reader: &mut Reader<'_>) -> Result<Body, BadMessage> {
    let at_ms = reader.u32()?;
    let (samples, left_over) = reader.rest().as_chunks::<2>();
    if samples.is_empty() || samples.len() > SAMPLES_MAX || !left_over.is_empty() {
        return Err(BadMessage("an impossible number of samples"));
    }
    let samples = samples.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
    Ok(Body::Sound(Sound { at_ms, samples }))
}

fn decode_picture(reader: &mut Reader<'_>) -> Result<Body, BadMessage> {
    let (at_ms, width, height) = (reader.u32()?, reader.u32()?, reader.u32()?);
    let sides = 1..=STRIP_SIDE_MAX;
    if !sides.contains(&width) || !sides.contains(&height) {
        return Err(BadMessage("a picture of impossible size"));
    }
    let rgb = reader.take((width * height * 3) as usize)?.to_vec();
    Ok(Body::Picture(Picture {
        at_ms,
        width,
        height,
        rgb,
    }))
}

#[cfg(test)]
mod tests;
