//! What FFmpeg's Matroska demuxer knows and the binding does not tell: how long a file is, and how long each of its frames.
//!
//! Only the first megabyte is looked at, where writers put both. What is not found there, or does not hold together, is unknown.

use std::io::{Read, Seek, SeekFrom};

/// As much of the file is looked at.
const HEAD_BYTES: u64 = 1 << 20;
/// Deeper than Segment, Tracks, TrackEntry nothing is of interest.
const DEPTH_MAX: usize = 4;

const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
const TIMESTAMP_SCALE: u32 = 0x2a_d7b1;
const DURATION: u32 = 0x4489;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK_ENTRY: u32 = 0xae;
const TRACK_TYPE: u32 = 0x83;
const DEFAULT_DURATION: u32 = 0x23_e383;
const CLUSTER: u32 = 0x1f43_b675;

const VIDEO: u64 = 1;
const DEFAULT_SCALE_NS: u64 = 1_000_000;

/// What the head of a file says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Head {
    /// How long it is.
    pub duration_ms: Option<f64>,
    /// How long a frame of its first track of pictures is.
    pub frame_ns: Option<u64>,
}

#[derive(Default)]
struct Found {
    head: Head,
    scale_ns: Option<u64>,
    duration: Option<f64>,
    track_type: u64,
    track_frame_ns: Option<u64>,
    has_video: bool,
}

/// Reads the head and puts the position back to the beginning.
pub fn head(input: &mut (impl Read + Seek)) -> Head {
    let mut bytes = Vec::new();
    // What cannot be read is unknown.
    let _ = input.take(HEAD_BYTES).read_to_end(&mut bytes);
    let _ = input.seek(SeekFrom::Start(0));
    of_bytes(&bytes)
}

fn of_bytes(bytes: &[u8]) -> Head {
    let mut found = Found::default();
    walk(bytes, 0, &mut found);
    let scale_ns = found.scale_ns.unwrap_or(DEFAULT_SCALE_NS);
    found.head.duration_ms = found
        .duration
        .map(|duration| duration * scale_ns as f64 / 1e6)
        .filter(|ms| (0.0..1e12).contains(ms));
    found.head
}

fn walk(mut bytes: &[u8], depth: usize, found: &mut Found) {
    if depth == DEPTH_MAX {
        return;
    }
    while let Some((id, size, rest)) = element(bytes) {
        if id == CLUSTER {
            return;
        }
        // An element of unknown size, or one that goes on beyond the head, is looked at as far as it is here.
        let inside = &rest[..size.map_or(rest.len(), |size| size.min(rest.len() as u64) as usize)];
        match id {
            SEGMENT | INFO | TRACKS => walk(inside, depth + 1, found),
            TRACK_ENTRY => {
                (found.track_type, found.track_frame_ns) = (0, None);
                walk(inside, depth + 1, found);
                if found.track_type == VIDEO && !found.has_video {
                    found.has_video = true;
                    found.head.frame_ns = found.track_frame_ns.filter(|ns| *ns > 0);
                }
            }
            TIMESTAMP_SCALE => found.scale_ns = Some(number(inside)),
            DURATION => {
                found.duration = match *inside {
                    [a, b, c, d] => Some(f32::from_be_bytes([a, b, c, d]).into()),
                    [a, b, c, d, e, f, g, h] => Some(f64::from_be_bytes([a, b, c, d, e, f, g, h])),
                    _ => None,
                };
            }
            TRACK_TYPE => found.track_type = number(inside),
            DEFAULT_DURATION => found.track_frame_ns = Some(number(inside)),
            _ => {}
        }
        bytes = &rest[inside.len()..];
    }
}

fn number(bytes: &[u8]) -> u64 {
    let bytes = &bytes[..bytes.len().min(8)];
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Its id, its size unless unknown, and all that follows.
fn element(bytes: &[u8]) -> Option<(u32, Option<u64>, &[u8])> {
    let id_bytes = bytes.first()?.leading_zeros() as usize + 1;
    let (id, bytes) = bytes.split_at_checked(id_bytes).filter(|_| id_bytes <= 4)?;
    let size_bytes = bytes.first()?.leading_zeros() as usize + 1;
    let (size, rest) = bytes.split_at_checked(size_bytes).filter(|_| size_bytes <= 8)?;
    let ones = (1_u64 << (7 * size_bytes)) - 1;
    let size = number(size) & ones;
    Some((number(id) as u32, Some(size).filter(|size| *size != ones), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element_of(id: &[u8], body: &[u8]) -> Vec<u8> {
        let size = (body.len() as u32) | 0x1000_0000;
        [id, &size.to_be_bytes(), body].concat()
    }

    fn file() -> Vec<u8> {
        let sound = element_of(
            &[0xae],
            &[
                &element_of(&[0x83], &[2])[..],
                &element_of(&[0x23, 0xe3, 0x83], &[9, 9]),
            ]
            .concat(),
        );
        let frame_ns = 33_333_333_u32.to_be_bytes();
        let video = element_of(
            &[0xae],
            &[
                &element_of(&[0x23, 0xe3, 0x83], &frame_ns)[..],
                &element_of(&[0x83], &[1]),
            ]
            .concat(),
        );
        let tracks = element_of(&[0x16, 0x54, 0xae, 0x6b], &[sound, video].concat());
        let info = [
            element_of(&[0x2a, 0xd7, 0xb1], &1_000_000_u32.to_be_bytes()),
            element_of(&[0x44, 0x89], &20_021.0_f64.to_be_bytes()),
        ];
        let info = element_of(&[0x15, 0x49, 0xa9, 0x66], &info.concat());
        // A segment of unknown size, as live writers leave it.
        let segment = [&[0x18, 0x53, 0x80, 0x67, 0xff][..], &info, &tracks].concat();
        [element_of(&[0x1a, 0x45, 0xdf, 0xa3], b"head"), segment].concat()
    }

    #[test]
    fn duration_and_frame_are_found() {
        let head = of_bytes(&file());
        assert_eq!(head.duration_ms, Some(20_021.0));
        assert_eq!(head.frame_ns, Some(33_333_333));
    }

    #[test]
    fn damage_is_unknown_and_nothing_worse() {
        let file = file();
        for end in 0..file.len() {
            of_bytes(&file[..end]);
        }
        for at in 0..file.len() {
            for flip in [1, 0x40, 0x80, 0xff] {
                let mut file = file.clone();
                file[at] ^= flip;
                of_bytes(&file);
            }
        }
        assert_eq!(of_bytes(&[]), Head::default());
        // Elements inside elements without end.
        of_bytes(&[0x18, 0x53, 0x80, 0x67, 0xff].repeat(1_000));
    }
}
