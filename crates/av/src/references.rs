//! Whether other pictures are made of the one in a packet. Of some none is, and who leaves those out decodes the rest to the same bit.
//!
//! Two codecs mark them: H.264 by `nal_ref_idc` (ITU-T H.264, 7.4.1), HEVC by the types of sub-layer non-reference pictures (ITU-T H.265, 7.4.2.2) where there is but one
//! sub-layer. Where anything is in doubt the answer is that others may be.

use h264_reader::nal::sps::{FrameMbsFlags, SeqParameterSet};
use h264_reader::nal::{NalHeader, UnitType};
use h264_reader::rbsp::{BitReader, decode_nal};

/// Reads the marks of one track.
#[derive(Debug)]
pub struct References {
    codec: Codec,
    /// Bytes of the length before each unit; none where start codes stand between them.
    length_bytes: Option<usize>,
    /// A parameter set was read, and none spoke against it.
    are_marks_enough: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    H264,
    Hevc,
}

/// What a unit means for who would leave its packet out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit<'a> {
    /// A part of a picture.
    Slice { is_referred_to: bool },
    /// A parameter set that says how pictures refer to each other.
    Sequence(&'a [u8]),
    /// Others need it.
    Needed,
    /// Says nothing that others need.
    Other,
}

impl References {
    /// Of a track of this codec (FFmpeg's name), with what stands before its packets. None where pictures are not marked.
    pub fn new(codec: &str, extradata: &[u8]) -> Option<Self> {
        let codec = match codec {
            "h264" => Codec::H264,
            "hevc" => Codec::Hevc,
            _ => return None,
        };
        let mut references = Self {
            codec,
            length_bytes: None,
            are_marks_enough: None,
        };
        // ISO/IEC 14496-15: a record begins with its version, units with zeros.
        if extradata.first() == Some(&1) {
            let (length_bytes, units) = match codec {
                Codec::H264 => avc_record(extradata)?,
                Codec::Hevc => hevc_record(extradata)?,
            };
            references.length_bytes = Some(length_bytes);
            units.into_iter().for_each(|unit| references.note(unit));
        } else {
            references.note_all(extradata);
        }
        Some(references)
    }

    /// Whether this packet can be left out: it holds slices of pictures that no other refers to, and nothing else that others need.
    pub fn is_needless(&mut self, data: &[u8]) -> bool {
        let is_whole = self.note_all(data);
        if !is_whole || self.are_marks_enough != Some(true) {
            return false;
        }
        let mut has_slices = false;
        for unit in Units::new(data, self.length_bytes).flatten() {
            match unit_of(self.codec, unit) {
                Unit::Slice { is_referred_to: false } => has_slices = true,
                Unit::Other => {}
                Unit::Slice { is_referred_to: true } | Unit::Sequence(_) | Unit::Needed => return false,
            }
        }
        has_slices
    }

    /// Reads parameter sets; says whether the bytes are whole units.
    fn note_all(&mut self, data: &[u8]) -> bool {
        let mut is_whole = true;
        for unit in Units::new(data, self.length_bytes) {
            match unit {
                Some(unit) => self.note(unit),
                None => is_whole = false,
            }
        }
        is_whole
    }

    fn note(&mut self, unit: &[u8]) {
        if let Unit::Sequence(set) = unit_of(self.codec, unit) {
            let is_enough = match self.codec {
                Codec::H264 => is_of_frames(set),
                Codec::Hevc => has_one_layer(set),
            };
            self.are_marks_enough = Some(is_enough && self.are_marks_enough.unwrap_or(true));
        }
    }
}

fn unit_of(codec: Codec, unit: &[u8]) -> Unit<'_> {
    match codec {
        Codec::H264 => {
            let Some(header) = unit.first().and_then(|byte| NalHeader::new(*byte).ok()) else {
                return Unit::Needed;
            };
            match header.nal_unit_type() {
                UnitType::SliceLayerWithoutPartitioningNonIdr => Unit::Slice {
                    is_referred_to: header.nal_ref_idc() > 0,
                },
                UnitType::SeqParameterSet => Unit::Sequence(unit),
                UnitType::SEI | UnitType::AccessUnitDelimiter | UnitType::FillerData => Unit::Other,
                _ => Unit::Needed,
            }
        }
        Codec::Hevc => {
            let [first, _, ..] = *unit else { return Unit::Needed };
            match (first >> 1) & 0x3f {
                // TRAIL, TSA, STSA, RADL, RASL: the even ones are those that no picture of their sub-layer refers to.
                kind @ 0..=9 => Unit::Slice {
                    is_referred_to: kind % 2 == 1,
                },
                33 => Unit::Sequence(unit),
                // Delimiters, filler, supplemental information.
                35 | 38 | 39 | 40 => Unit::Other,
                _ => Unit::Needed,
            }
        }
    }
}

/// Whether every picture is a whole frame. A field that nothing refers to may be half of a frame that something does.
fn is_of_frames(unit: &[u8]) -> bool {
    let Ok(payload) = decode_nal(unit) else { return false };
    match SeqParameterSet::from_bits(BitReader::new(&*payload)) {
        Ok(set) => set.frame_mbs_flags == FrameMbsFlags::Frames,
        Err(_) => false,
    }
}

/// Whether there is but one sub-layer: a picture that its own sub-layer does not refer to may be referred to by a higher one.
fn has_one_layer(unit: &[u8]) -> bool {
    // After two bytes of header: four bits of a number, three of how many sub-layers there are less one.
    unit.get(2).is_some_and(|byte| (byte >> 1) & 0b111 == 0)
}

/// Bytes of a length, and the parameter sets, of an `AVCDecoderConfigurationRecord`.
fn avc_record(record: &[u8]) -> Option<(usize, Vec<&[u8]>)> {
    let mut bytes = Bytes(record.get(4..)?);
    let length_bytes = usize::from(bytes.byte()? & 0b11) + 1;
    let n_sets = bytes.byte()? & 0x1f;
    let units = (0..n_sets).map(|_| bytes.unit()).collect::<Option<_>>()?;
    Some((length_bytes, units))
}

/// The same of an `HEVCDecoderConfigurationRecord`.
fn hevc_record(record: &[u8]) -> Option<(usize, Vec<&[u8]>)> {
    let mut bytes = Bytes(record.get(21..)?);
    let length_bytes = usize::from(bytes.byte()? & 0b11) + 1;
    let mut units = Vec::new();
    for _ in 0..bytes.byte()? {
        bytes.byte()?;
        for _ in 0..bytes.word()? {
            units.push(bytes.unit()?);
        }
    }
    Some((length_bytes, units))
}

/// What is left of a record.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn byte(&mut self) -> Option<u8> {
        self.0.split_off_first().copied()
    }

    fn word(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    fn unit(&mut self) -> Option<&'a [u8]> {
        let n_bytes = usize::from(self.word()?);
        self.0.split_off(..n_bytes)
    }
}

/// The units of a packet; none for bytes that are no whole unit, after which nothing more is read.
struct Units<'a> {
    rest: &'a [u8],
    length_bytes: Option<usize>,
}

impl<'a> Units<'a> {
    fn new(data: &'a [u8], length_bytes: Option<usize>) -> Self {
        let mut units = Self {
            rest: data,
            length_bytes,
        };
        if length_bytes.is_none() {
            // What stands before the first start code belongs to none.
            match start_code(data) {
                Some(at) => units.rest = &data[at + START_CODE.len()..],
                None => units.rest = &[],
            }
        }
        units
    }
}

const START_CODE: [u8; 3] = [0, 0, 1];

fn start_code(data: &[u8]) -> Option<usize> {
    memchr::memmem::find(data, &START_CODE)
}

impl<'a> Iterator for Units<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some(length_bytes) = self.length_bytes else {
            let (unit, rest) = match start_code(self.rest) {
                Some(at) => (&self.rest[..at], &self.rest[at + START_CODE.len()..]),
                None => (self.rest, &[][..]),
            };
            self.rest = rest;
            // Zeros before the next start code belong to it.
            let n_zeros = unit.iter().rev().take_while(|byte| **byte == 0).count();
            return Some(Some(&unit[..unit.len() - n_zeros]));
        };
        let rest = std::mem::take(&mut self.rest);
        let Some((length, rest)) = rest.split_at_checked(length_bytes) else {
            return Some(None);
        };
        let n_bytes = length.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
        match rest.split_at_checked(n_bytes) {
            Some((unit, rest)) => {
                self.rest = rest;
                Some(Some(unit))
            }
            None => Some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of x264, 320 x 240: frames, and the same coded in fields.
    const FRAMES: &[u8] = &[
        0x67, 0x64, 0x00, 0x0d, 0xac, 0xd9, 0x41, 0x41, 0xfb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00,
        0x03, 0x03, 0x20, 0xf1, 0x42, 0x99, 0x60,
    ];
    const FIELDS: &[u8] = &[
        0x67, 0x64, 0x00, 0x15, 0xac, 0xd9, 0x41, 0x41, 0x0f, 0xcb, 0x80, 0x88, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00,
        0x00, 0x03, 0x01, 0x90, 0xf8, 0xa1, 0x4c, 0xb0,
    ];
    /// Of x265, the beginning: one sub-layer, and two.
    const ONE_LAYER: &[u8] = &[0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90];
    const TWO_LAYERS: &[u8] = &[0x42, 0x01, 0x02, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90];

    fn with_start_codes(units: &[&[u8]]) -> Vec<u8> {
        let unit = |unit: &&[u8]| [&[0, 0, 0, 1], *unit].concat();
        units.iter().flat_map(unit).collect()
    }

    fn with_lengths(units: &[&[u8]]) -> Vec<u8> {
        let unit = |unit: &&[u8]| [&(unit.len() as u32).to_be_bytes(), *unit].concat();
        units.iter().flat_map(unit).collect()
    }

    fn avc_of(sets: &[&[u8]]) -> Vec<u8> {
        let mut record = vec![1, 0x64, 0, 0x0d, 0xff, 0xe0 | sets.len() as u8];
        for set in sets {
            record.extend((set.len() as u16).to_be_bytes());
            record.extend(*set);
        }
        record.push(0);
        record
    }

    fn hevc_of(set: &[u8]) -> Vec<u8> {
        let mut record = vec![0; 21];
        record[0] = 1;
        record.extend([0x0f, 1, 0x21, 0, 1]);
        record.extend((set.len() as u16).to_be_bytes());
        record.extend(set);
        record
    }

    #[test]
    fn pictures_that_nothing_refers_to_are_told_by_their_headers() {
        let mut avc = References::new("h264", &avc_of(&[FRAMES])).unwrap();
        let mut check =
            |units: &[&[u8]], expected| assert_eq!(avc.is_needless(&with_lengths(units)), expected, "{units:x?}");
        check(&[&[0x01, 7, 7]], true);
        check(&[&[0x09, 0xf0], &[0x06, 1], &[0x01, 7], &[0x01, 8]], true);
        check(&[&[0x41, 7]], false);
        check(&[&[0x01, 7], &[0x41, 7]], false);
        check(&[&[0x65, 7]], false);
        // Parameters of pictures to come, and what is none of a picture's.
        check(&[&[0x68, 7], &[0x01, 7]], false);
        check(&[&[0x0a], &[0x01, 7]], false);
        check(&[&[0x06, 1]], false);
        check(&[], false);
        check(&[&[]], false);
        let mut hevc = References::new("hevc", &hevc_of(ONE_LAYER)).unwrap();
        let mut check =
            |units: &[&[u8]], expected| assert_eq!(hevc.is_needless(&with_lengths(units)), expected, "{units:x?}");
        check(&[&[0x00, 1, 7]], true);
        check(&[&[0x02, 1, 7]], false);
        check(&[&[0x10, 1, 7]], true);
        check(&[&[0x12, 1, 7]], false);
        check(&[&[0x28, 1, 7]], false);
        check(&[&[0x00]], false);
    }

    #[test]
    fn where_the_parameters_leave_a_doubt_everything_is_needed() {
        let needless = [0x01, 7, 7];
        let check = |sets: &[&[u8]], expected| {
            let mut avc = References::new("h264", &avc_of(sets)).unwrap();
            assert_eq!(avc.is_needless(&with_lengths(&[&needless])), expected, "{sets:x?}");
        };
        check(&[FRAMES], true);
        check(&[], false);
        check(&[FIELDS], false);
        check(&[FRAMES, FIELDS], false);
        check(&[FIELDS, FRAMES], false);
        check(&[&FRAMES[..4]], false);
        for (set, expected) in [(ONE_LAYER, true), (TWO_LAYERS, false)] {
            let mut hevc = References::new("hevc", &hevc_of(set)).unwrap();
            assert_eq!(hevc.is_needless(&with_lengths(&[&[0, 1, 7]])), expected, "{set:x?}");
        }
        // Fields that begin in the middle of a stream.
        let mut stream = References::new("h264", &[]).unwrap();
        assert!(!stream.is_needless(&with_start_codes(&[&needless])));
        assert!(!stream.is_needless(&with_start_codes(&[FRAMES, &[0x65, 7]])));
        assert!(stream.is_needless(&with_start_codes(&[&needless])));
        assert!(!stream.is_needless(&with_start_codes(&[FIELDS, &[0x65, 7]])));
        assert!(!stream.is_needless(&with_start_codes(&[&needless])));
        assert!(References::new("vp9", &[]).is_none());
    }

    #[test]
    fn bytes_that_are_no_units_are_needed() {
        let mut avc = References::new("h264", &avc_of(&[FRAMES])).unwrap();
        let packet = with_lengths(&[&[0x01, 7, 7], &[0x01, 8]]);
        assert!(avc.is_needless(&packet));
        for n_bytes in 0..packet.len() {
            let is_at_an_end = n_bytes == 7;
            assert_eq!(avc.is_needless(&packet[..n_bytes]), is_at_an_end, "{n_bytes}");
        }
        let record = avc_of(&[FRAMES]);
        for n_bytes in 0..record.len() - 1 {
            let references = References::new("h264", &record[..n_bytes]);
            assert!(
                references.is_none_or(|mut found| !found.is_needless(&packet)),
                "{n_bytes}"
            );
        }
        let record = hevc_of(ONE_LAYER);
        for n_bytes in 0..record.len() {
            let references = References::new("hevc", &record[..n_bytes]);
            assert!(
                references.is_none_or(|mut found| !found.is_needless(&with_lengths(&[&[0, 1]]))),
                "{n_bytes}"
            );
        }
    }
}
