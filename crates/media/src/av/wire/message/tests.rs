//! Every message there is crosses the pipe as it was written, and nothing else is taken for one.

use super::super::{decode, decode_header};
use super::*;
use signal::keypoints::{Keypoint, Place};
use signal::views::{self, Share, View, ViewSignal};

fn frame() -> Frame {
    let pdq = PdqSignal {
        hash: Pdq::from_bytes([7; 32]),
        quality: 93,
    };
    let view = ViewSignal {
        view: View::AS_IS,
        share: Share::WHOLE,
        pdq,
    };
    let place = Place {
        x: 10.0,
        y: 20.0,
        sigma: 2.0,
        direction: 1.0,
    };
    let keypoint = Keypoint {
        code: Pdq::from_bytes([1; 32]),
        mirrored: Pdq::from_bytes([2; 32]),
        place,
    };
    Frame {
        at_ms: 1_500,
        number: 37,
        is_scene: true,
        is_vpdq: false,
        pdq,
        glimpse: Some(Glimpse {
            views: vec![view; views::CODES_MAX],
            keypoints: vec![keypoint; FRAME_KEYPOINTS_MAX],
            width: 512,
            height: 288,
        }),
    }
}

fn messages() -> Vec<Body> {
    let side = STRIP_SIDE_MAX;
    vec![
        Body::Opened(Opened {
            container: 1,
            duration_ms: 0,
            video: Some(VideoTrack {
                codec: 3,
                width: 1280,
                height: 720,
                frame_rate: 29.97,
            }),
            sound: Some(SoundTrack { codec: 2 }),
            is_all_known: true,
        }),
        Body::Frame(Box::new(frame())),
        Body::Frame(Box::new(Frame {
            is_scene: false,
            is_vpdq: true,
            glimpse: None,
            ..frame()
        })),
        Body::Sound(Sound {
            at_ms: 9,
            samples: vec![-2; SAMPLES_MAX],
        }),
        Body::Picture(Picture {
            at_ms: 0,
            width: side,
            height: side,
            rgb: vec![9; (3 * side * side) as usize],
        }),
        Body::Progress {
            at_ms: 12,
            bytes_read: 1 << 40,
            is_damaged: true,
        },
        Body::End(End {
            at_ms: 99,
            is_whole: true,
            is_intact: false,
        }),
        Body::Refused(Refusal::UnknownContainer),
        Body::Refused(Refusal::UnknownCodecs),
        Body::Refused(Refusal::Damaged("short".to_owned())),
        Body::Refused(Refusal::TooManyStreams),
        Body::Refused(Refusal::TooManyPixels {
            width: 70_000,
            height: 1,
        }),
        Body::Refused(Refusal::Memory),
        Body::Refused(Refusal::Lost),
    ]
}

fn split(message: &[u8]) -> (u8, &[u8]) {
    let (header, body) = message.split_first_chunk().unwrap();
    let (kind, size_bytes) = decode_header(*header).unwrap();
    assert_eq!(size_bytes, body.len());
    (kind, body)
}

#[test]
fn the_largest_of_each_kind_fits_and_is_read_back() {
    for body in messages() {
        let message = encode(&body);
        let (kind, bytes) = split(&message);
        assert_eq!(decode(kind, bytes), Ok(body));
    }
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    for body in messages() {
        let message = encode(&body);
        let (kind, bytes) = split(&message);
        // What ends in words, samples or pixels of any number is cut to another of its kind.
        let is_open_ended = matches!(body, Body::Sound(_) | Body::Refused(Refusal::Damaged(_)));
        let step = bytes.len().div_ceil(500);
        for end in (0..bytes.len()).step_by(step) {
            if let Ok(read) = decode(kind, &bytes[..end]) {
                assert!(is_open_ended, "{read:?} of {end} bytes");
            }
        }
        if !is_open_ended {
            assert_eq!(
                decode(kind, &[bytes, &[0]].concat()),
                Err(BadMessage("the message is too long"))
            );
        }
    }
}

#[test]
fn a_header_is_bounded_before_the_body_is_read() {
    let header = |kind, size_bytes: u32| {
        let [a, b, c, d] = size_bytes.to_le_bytes();
        decode_header([kind, a, b, c, d])
    };
    assert_eq!(header(FRAME, BODY_BYTES_MAX), Ok((FRAME, BODY_BYTES_MAX as usize)));
    assert_eq!(
        header(FRAME, BODY_BYTES_MAX + 1),
        Err(BadMessage("the message is too long"))
    );
    assert_eq!(header(0, 0), Err(BadMessage("an unknown kind of message")));
    assert_eq!(header(REFUSED + 1, 0), Err(BadMessage("an unknown kind of message")));
}

#[test]
fn lies_are_refused() {
    let check = |body: Body, reason| {
        let message = encode(&body);
        let (kind, bytes) = split(&message);
        assert_eq!(decode(kind, bytes), Err(BadMessage(reason)), "{body:?}");
    };
    let opened = |change: fn(&mut Opened)| {
        let Body::Opened(mut opened) = messages()[0].clone() else {
            unreachable!("the first message")
        };
        change(&mut opened);
        Body::Opened(opened)
    };
    let unlisted = "a container or codec that is not on the list";
    check(opened(|opened| opened.container = CONTAINERS.len() as u8), unlisted);
    check(
        opened(|opened| opened.sound = Some(SoundTrack { codec: 200 })),
        unlisted,
    );
    check(
        opened(|opened| (opened.video, opened.sound) = (None, None)),
        "a file without tracks",
    );
    let rate = |frame_rate| {
        Body::Opened(Opened {
            video: Some(VideoTrack {
                codec: 0,
                width: 1,
                height: 1,
                frame_rate,
            }),
            container: 0,
            duration_ms: 0,
            sound: None,
            is_all_known: true,
        })
    };
    for frame_rate in [f64::NAN, f64::INFINITY, -1.0] {
        check(rate(frame_rate), "an impossible frame rate");
    }
    let changed = |change: fn(&mut Frame)| {
        let mut frame = frame();
        change(&mut frame);
        Body::Frame(Box::new(frame))
    };
    check(changed(|frame| frame.pdq.quality = 101), "a quality above 100");
    let glimpse = |change: fn(&mut Glimpse)| {
        let mut frame = frame();
        change(frame.glimpse.as_mut().unwrap());
        Body::Frame(Box::new(frame))
    };
    check(glimpse(|glimpse| glimpse.width = 513), "a glimpse of impossible size");
    check(glimpse(|glimpse| glimpse.height = 0), "a glimpse of impossible size");
    check(
        glimpse(|glimpse| glimpse.keypoints = vec![glimpse.keypoints[0]; FRAME_KEYPOINTS_MAX + 1]),
        "an impossible number of keypoints",
    );
    let sound = |n| {
        Body::Sound(Sound {
            at_ms: 0,
            samples: vec![0; n],
        })
    };
    check(sound(0), "an impossible number of samples");
    check(sound(SAMPLES_MAX + 1), "an impossible number of samples");
    let picture = |width| {
        Body::Picture(Picture {
            at_ms: 0,
            width,
            height: 1,
            rgb: vec![0; 3],
        })
    };
    check(picture(0), "a picture of impossible size");
    check(picture(STRIP_SIDE_MAX + 1), "a picture of impossible size");
    check(picture(2), "the message is too short");
}

#[test]
fn every_codec_that_is_read_has_a_name_of_its_own() {
    for list in [&VIDEO_CODECS[..], &AUDIO_CODECS[..]] {
        let mut names: Vec<_> = list.iter().collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), list.len());
        assert!(list.len() <= usize::from(u8::MAX));
    }
}
