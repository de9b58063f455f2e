//! The body of an answer: written by the worker, read by the host as hostile bytes.

use signal::Pdq;
use signal::pdq::PdqSignal;

use super::bytes::{Reader, Writer};
use super::looks::{decode_looks, encode_looks};
use super::{Answer, AnswerHeader, BadMessage, Finding, PREVIEW_SIDE_MAX, Refusal, Request, SmallPicture, Unsupported};
use crate::{FrameSignal, MediaType, View};

/// Longer reasons are cut.
const DETAIL_BYTES_MAX: usize = 200;

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
            match &finding.looks {
                None => writer.u8(0),
                Some(looks) => {
                    writer.u8(1);
                    encode_looks(&mut writer, looks);
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
        DAMAGED => Err(Refusal::Damaged(printable(reader.rest()))),
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
        let is_later = frames.last().is_none_or(|last| last.at_ms <= at_ms);
        if !in_order || !is_later || frames_total.is_some_and(|total| index >= total) {
            return Err(BadMessage("frames out of order"));
        }
        frames.push(FrameSignal {
            index,
            at_ms,
            view,
            pdq: PdqSignal { hash, quality },
        });
    }
    let preview = match (reader.u8()?, request.want.has_previews()) {
        (0, false) => None,
        (1, true) => {
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
    let looks = match (reader.u8()?, request.want.has_looks()) {
        (0, false) => None,
        (1, true) => Some(decode_looks(reader)?),
        _ => return Err(BadMessage("looks that were not asked for, or none")),
    };
    Ok(Finding {
        media_type,
        width,
        height,
        frames_total,
        is_intact,
        frames,
        preview,
        looks,
    })
}

/// Words of a worker, short and free of control characters.
pub(crate) fn printable(words: &[u8]) -> String {
    let words = String::from_utf8_lossy(words);
    let plain = words
        .chars()
        .map(|c| if c.is_control() || is_bidi_control(c) { ' ' } else { c });
    cut(&plain.collect::<String>()).to_owned()
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(DETAIL_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::super::{DecodeLimits, FRAMES_MAX, Greeting};
    use super::*;
    use crate::jail::Parts;
    use crate::{Limits, Want};

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
            looks: Some(super::super::looks::tests::looks()),
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
        for want in Want::ALL {
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
            assert_eq!(decode_answer(&body_of(&answer), &request(Want::Everything)), Ok(answer));
        }
        let numbered = Unsupported::ALL.map(|what| what as usize);
        assert_eq!(numbered, std::array::from_fn(|i| i));
    }

    #[test]
    fn every_cut_and_every_addition_is_refused() {
        let body = body_of(&Ok(finding()));
        let request = request(Want::Everything);
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
            let answer = decode_answer(&body_of(&Ok(finding)), &request(Want::Everything));
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
        check(|finding| finding.looks = None, "looks that were not asked for, or none");
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
                });
                finding.looks = None;
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
        finding.looks = Some(super::super::looks::tests::largest());
        let mut request = request(Want::Everything);
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
