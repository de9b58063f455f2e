//! The bytes of a time line, as they are stored and as anyone may have written them.

use super::{KEYPOINTS_MAX, MARK_KEYPOINTS_MAX, MARKS_MAX, Mark, Timeline};
use crate::keypoints::Place;
use crate::pdq::{Pdq, PdqSignal};

/// First byte of the bytes.
pub const FORMAT: u8 = 1;
/// Format, duration, number of marks.
const HEADER_BYTES: usize = 1 + 4 + 4;
/// From, until, quality, number of keypoints, hash.
const MARK_BYTES: usize = 4 + 4 + 1 + 1 + 32;
/// Code, x, y, sigma, direction.
const KEYPOINT_BYTES: usize = 32 + 4 * 2;
/// Steps to a pixel or radian.
const QUANTUM: f32 = 256.0;

/// Bytes are not a time line, or one of another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the time line of a video: {0}")]
pub struct BadTimeline(&'static str);

const ENDS_EARLY: BadTimeline = BadTimeline("it ends early");

impl Timeline {
    /// Most bytes that a time line takes.
    pub const BYTES_MAX: usize = HEADER_BYTES + MARKS_MAX * MARK_BYTES + KEYPOINTS_MAX * KEYPOINT_BYTES;

    /// For storage: format, duration, number of marks, then each mark with its keypoints; numbers little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let n_keypoints: usize = self.marks.iter().map(|mark| mark.keypoints.len()).sum();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.marks.len() * MARK_BYTES + n_keypoints * KEYPOINT_BYTES);
        bytes.push(FORMAT);
        bytes.extend(self.duration_ms.to_le_bytes());
        bytes.extend((self.marks.len() as u32).to_le_bytes());
        for mark in &self.marks {
            bytes.extend(mark.at_ms.to_le_bytes());
            bytes.extend(mark.until_ms.to_le_bytes());
            bytes.push(mark.pdq.quality);
            bytes.push(mark.keypoints.len() as u8);
            bytes.extend(mark.pdq.hash.to_bytes());
            for (code, place) in &mark.keypoints {
                bytes.extend(code.to_bytes());
                for number in [place.x, place.y, place.sigma, place.direction] {
                    bytes.extend(quantized(number).to_le_bytes());
                }
            }
        }
        bytes
    }

    /// From such bytes, whoever wrote them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadTimeline> {
        let mut rest = Rest(bytes);
        if rest.byte()? != FORMAT {
            return Err(BadTimeline("another version of Seawall wrote it"));
        }
        let duration_ms = rest.number()?;
        let n_marks = rest.number()? as usize;
        if n_marks > MARKS_MAX {
            return Err(BadTimeline("it has more marks than any"));
        }
        if rest.0.len() < n_marks * MARK_BYTES {
            return Err(ENDS_EARLY);
        }
        let mut marks: Vec<Mark> = Vec::with_capacity(n_marks);
        let mut n_keypoints = 0;
        for _ in 0..n_marks {
            let mark = rest.mark()?;
            n_keypoints += mark.keypoints.len();
            if n_keypoints > KEYPOINTS_MAX {
                return Err(BadTimeline("it has more keypoints than any"));
            }
            let is_in_order = marks.last().is_none_or(|before| before.at_ms <= mark.at_ms);
            if !is_in_order || mark.until_ms < mark.at_ms || mark.until_ms > duration_ms {
                return Err(BadTimeline("its marks are not in the order of time"));
            }
            marks.push(mark);
        }
        if !rest.0.is_empty() {
            return Err(BadTimeline("it goes on after its end"));
        }
        Ok(Self { duration_ms, marks })
    }
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], BadTimeline> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(ENDS_EARLY)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, BadTimeline> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Result<u32, BadTimeline> {
        self.take().map(u32::from_le_bytes)
    }

    fn quantum(&mut self) -> Result<f32, BadTimeline> {
        self.take().map(|bytes| f32::from(u16::from_le_bytes(bytes)) / QUANTUM)
    }

    fn mark(&mut self) -> Result<Mark, BadTimeline> {
        let (at_ms, until_ms) = (self.number()?, self.number()?);
        let (quality, n_keypoints) = (self.byte()?, usize::from(self.byte()?));
        if quality > 100 || n_keypoints > MARK_KEYPOINTS_MAX {
            return Err(BadTimeline("a mark has more than any"));
        }
        let hash = Pdq::from_bytes(self.take()?);
        let mut keypoints = Vec::with_capacity(n_keypoints);
        for _ in 0..n_keypoints {
            let code = Pdq::from_bytes(self.take()?);
            let place = Place {
                x: self.quantum()?,
                y: self.quantum()?,
                sigma: self.quantum()?,
                direction: self.quantum()?,
            };
            keypoints.push((code, place));
        }
        Ok(Mark {
            at_ms,
            until_ms,
            pdq: PdqSignal { hash, quality },
            keypoints,
        })
    }
}

fn quantized(number: f32) -> u16 {
    (number * QUANTUM).round().clamp(0.0, f32::from(u16::MAX)) as u16
}
