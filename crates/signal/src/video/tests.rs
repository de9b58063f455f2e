//! Which marks are kept, and that their bytes come back as they went.

use super::*;
use proptest::prelude::*;

pub(super) fn code(seed: u64) -> Pdq {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut word = || {
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
        state
    };
    Pdq::from_words([word(), word(), word(), word()])
}

pub(super) fn frame(at_ms: u32, hash: Pdq) -> Frame {
    Frame {
        at_ms,
        number: u64::from(at_ms) / 40,
        is_scene: false,
        is_vpdq: at_ms.is_multiple_of(1000),
        pdq: PdqSignal { hash, quality: 100 },
        glimpse: None,
    }
}

fn glimpse(seed: u64) -> Glimpse {
    let point = |at: u64| Keypoint {
        code: code(seed * 1000 + at),
        mirrored: code(seed * 1000 + at + 500),
        place: Place {
            x: (at % 16) as f32 * 16.0,
            y: (at / 16) as f32 * 16.0,
            sigma: 2.0,
            direction: 1.0,
        },
    };
    Glimpse {
        views: Vec::new(),
        keypoints: (0..96).map(point).collect(),
        width: 320,
        height: 180,
    }
}

fn moving(n: u32) -> Vec<Frame> {
    let frames = (0..n).map(|at| Frame {
        glimpse: Some(glimpse(at.into())),
        ..frame(at * 500, code(at.into()))
    });
    frames.collect()
}

#[test]
fn moving_footage_has_a_mark_for_each_frame_and_keypoints_each_second() {
    let timeline = Timeline::of(&moving(40), 20_000);
    assert_eq!(timeline.duration_ms, 20_000);
    assert_eq!(timeline.marks.len(), 40);
    let with: Vec<u32> = timeline
        .marks
        .iter()
        .filter(|mark| !mark.keypoints.is_empty())
        .map(|mark| mark.at_ms)
        .collect();
    assert_eq!(with, (0..20).map(|second| second * 1000).collect::<Vec<_>>());
    assert!(timeline.marks[0].keypoints.len() == MARK_KEYPOINTS_MAX);
    assert!(
        timeline.marks[0]
            .keypoints
            .iter()
            .all(|(_, place)| place.x <= MARK_SIDE)
    );
}

#[test]
fn a_picture_that_stands_still_is_one_mark() {
    let mut frames: Vec<Frame> = (0..20).map(|at| frame(at * 500, code(7))).collect();
    frames.extend((20..24).map(|at| frame(at * 500, code(u64::from(at)))));
    let timeline = Timeline::of(&frames, 0);
    assert_eq!(timeline.marks.len(), 5);
    assert_eq!((timeline.marks[0].at_ms, timeline.marks[0].until_ms), (0, 9_500));
    assert_eq!(timeline.duration_ms, 11_500, "no shorter than its last frame");
}

#[test]
fn frames_close_together_are_passed_over_unless_a_scene_begins() {
    let mut frames: Vec<Frame> = (0..100).map(|at| frame(at * 40, code(at.into()))).collect();
    frames[33].is_scene = true;
    let marks = Timeline::of(&frames, 4_000).marks;
    assert!(marks.len() < 20);
    assert!(marks.iter().any(|mark| mark.at_ms == 33 * 40));
    frames.reverse();
    assert_eq!(Timeline::of(&frames, 4_000).marks, marks, "whatever order they come in");
}

#[test]
fn the_longest_video_fits() {
    let frames: Vec<Frame> = (0..45_000).map(|at| frame(at * 500, code(at.into()))).collect();
    let timeline = Timeline::of(&frames, 22_500_000);
    assert!(timeline.marks.len() <= MARKS_MAX && timeline.marks.len() > MARKS_MAX / 3);
    let all = Timeline::of(&moving(4_000), 2_000_000);
    let n_keypoints: usize = all.marks.iter().map(|mark| mark.keypoints.len()).sum();
    assert!(n_keypoints <= KEYPOINTS_MAX && n_keypoints > KEYPOINTS_MAX / 2);
    assert!(all.to_bytes().len() <= Timeline::BYTES_MAX);
    assert_eq!(
        Timeline::from_bytes(&all.to_bytes()).unwrap().marks.len(),
        all.marks.len()
    );
}

#[test]
fn nothing_gives_nothing() {
    let timeline = Timeline::of(&[], 5);
    assert!(timeline.marks.is_empty());
    assert_eq!(Timeline::from_bytes(&timeline.to_bytes()), Ok(timeline));
}

fn place() -> impl Strategy<Value = Place> {
    (any::<u16>(), any::<u16>(), any::<u16>(), any::<u16>()).prop_map(|(x, y, sigma, direction)| Place {
        x: f32::from(x) / 256.0,
        y: f32::from(y) / 256.0,
        sigma: f32::from(sigma) / 256.0,
        direction: f32::from(direction) / 256.0,
    })
}

fn timelines() -> impl Strategy<Value = Timeline> {
    let keypoint = (any::<[u64; 4]>().prop_map(Pdq::from_words), place());
    let mark = (
        0..9_000_u32,
        0..900_u32,
        any::<[u64; 4]>(),
        0..=100_u8,
        prop::collection::vec(keypoint, 0..5),
    );
    prop::collection::vec(mark, 0..12).prop_map(|marks| {
        let mut marks: Vec<Mark> = marks
            .into_iter()
            .map(|(at_ms, lasts, words, quality, keypoints)| Mark {
                at_ms,
                until_ms: at_ms + lasts,
                pdq: PdqSignal {
                    hash: Pdq::from_words(words),
                    quality,
                },
                keypoints,
            })
            .collect();
        marks.sort_by_key(|mark| mark.at_ms);
        Timeline {
            duration_ms: 10_000,
            marks,
        }
    })
}

proptest! {
    #[test]
    fn bytes_come_back_as_they_went(timeline in timelines()) {
        prop_assert_eq!(Timeline::from_bytes(&timeline.to_bytes()).unwrap(), timeline);
    }

    #[test]
    fn any_bytes_are_a_time_line_or_not(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Timeline::from_bytes(&bytes);
    }

    #[test]
    fn bytes_that_were_changed_are_refused_or_mean_what_they_say(timeline in timelines(), at in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut bytes = timeline.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(read) = Timeline::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes(), bytes.clone());
        }
        prop_assert!(Timeline::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn marks_lie_in_order_and_cover_what_moved(times in prop::collection::vec((0..60_000_u32, 0..6_u64, any::<bool>()), 0..60)) {
        let frames: Vec<Frame> = times.iter().map(|(at, seed, is_scene)| Frame { is_scene: *is_scene, ..frame(*at, code(*seed)) }).collect();
        let timeline = Timeline::of(&frames, 60_000);
        prop_assert!(timeline.marks.is_sorted_by_key(|mark| mark.at_ms));
        prop_assert!(timeline.marks.windows(2).all(|two| two[0].until_ms <= two[1].at_ms));
        for frame in &frames {
            // No frame is far from a mark.
            let nearest = timeline.marks.iter().map(|mark| frame.at_ms.abs_diff(frame.at_ms.clamp(mark.at_ms, mark.until_ms))).min();
            prop_assert!(nearest.is_some_and(|away| away <= 1000));
        }
        prop_assert_eq!(Timeline::from_bytes(&timeline.to_bytes()).unwrap().marks.len(), timeline.marks.len());
    }
}
