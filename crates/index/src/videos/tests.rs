//! Videos found among others, live and at once, and the same as a plain comparison of everything with everything.

use super::votes::{FAR_BITS, places, views};
use super::*;
use proptest::prelude::*;
use signal::keypoints::{Keypoint, Place};
use signal::nearness::Near;
use signal::pdq::PdqSignal;
use signal::video::Glimpse;
use signal::video::align::{Likeness, Moments, NEAR_BITS, Point, Subject, Vote};

fn code(seed: u64) -> Pdq {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut word = || {
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
        state
    };
    Pdq::from_words([word(), word(), word(), word()])
}

/// The code with the first bits of it turned.
fn near(code: Pdq, bits: u32) -> Pdq {
    let [a, b, c, d] = code.words();
    Pdq::from_words([a ^ ((1 << bits) - 1), b, c, d])
}

/// Keypoints of a picture; in an edited one their places are the same and the hash of the whole is not.
fn glimpse(seed: u64) -> Glimpse {
    let point = |at: u64| Keypoint {
        code: code(seed * 1000 + at),
        mirrored: code(seed * 1000 + at + 500),
        place: Place {
            x: 10.0 + (code(seed + at * 7).words()[0] % 300) as f32,
            y: 10.0 + (code(seed + at * 11).words()[1] % 160) as f32,
            sigma: 2.0,
            direction: 1.0,
        },
    };
    Glimpse {
        views: Vec::new(),
        keypoints: (0..24).map(point).collect(),
        width: 320,
        height: 180,
    }
}

fn frame(at_ms: u32, seed: u64) -> Frame {
    Frame {
        at_ms,
        number: u64::from(at_ms) / 40,
        is_scene: false,
        is_vpdq: at_ms.is_multiple_of(1000),
        pdq: PdqSignal {
            hash: code(seed),
            quality: 100,
        },
        glimpse: Some(glimpse(seed)),
    }
}

/// Footage of so many seconds, two frames in each.
fn film(seed: u64, seconds: u32) -> Vec<Frame> {
    (0..seconds * 2)
        .map(|at| frame(at * 500, seed * 100_000 + u64::from(at)))
        .collect()
}

/// Frames one after the other.
fn one_after_another(parts: &[&[Frame]]) -> Vec<Frame> {
    let frames = parts.iter().flat_map(|part| part.iter());
    frames
        .zip(0..)
        .map(|(frame, at)| Frame {
            at_ms: at * 500,
            ..frame.clone()
        })
        .collect()
}

fn index_of(films: &[(u64, Vec<Frame>)]) -> VideoIndex {
    let index = VideoIndex::new();
    for (handle, frames) in films {
        index.add(*handle, &Timeline::of(frames, frames.len() as u32 * 500));
    }
    index
}

fn films(n: u64) -> Vec<(u64, Vec<Frame>)> {
    (1..=n).map(|handle| (handle, film(handle, 40))).collect()
}

#[test]
fn parts_of_two_videos_in_another_are_found_with_their_times() {
    let films = films(5);
    let index = index_of(&films);
    let other = film(77, 10);
    let query = one_after_another(&[&other, &films[1].1[20..50], &other, &films[3].1[10..30]]);
    let found = index.look_up(&query);
    assert_eq!(found.len(), 2, "{found:?}");
    let of = |handle: u64| &found.iter().find(|(found, _)| *found == handle).unwrap().1[..];
    let [second] = of(2) else { panic!("{found:?}") };
    assert!(second.query.from_ms.abs_diff(10_000) <= 500 && second.query.to_ms.abs_diff(25_000) <= 1_000);
    assert!(second.entry.from_ms.abs_diff(10_000) <= 500 && second.entry.to_ms.abs_diff(25_000) <= 1_000);
    let [fourth] = of(4) else { panic!("{found:?}") };
    assert!(fourth.query.from_ms.abs_diff(35_000) <= 500 && fourth.entry.from_ms.abs_diff(5_000) <= 500);
    assert_eq!((second.near, fourth.near), (Near::Match, Near::Match));
}

#[test]
fn videos_added_at_once_are_found_as_those_added_one_by_one() {
    let films = films(9);
    let one_by_one = index_of(&films);
    let lines: Vec<Timeline> = films.iter().map(|(_, frames)| Timeline::of(frames, 30_000)).collect();
    let mut all: Vec<(u64, &Timeline)> = films.iter().map(|(handle, _)| *handle).zip(&lines).collect();
    // One is there already, and one is named twice: the last counts.
    all.insert(0, (3, &lines[7]));
    let at_once = VideoIndex::new();
    at_once.add(5, &lines[0]);
    at_once.add_many(&all);
    for (_, frames) in &films {
        let query = &frames[10..40];
        let handles = |index: &VideoIndex| {
            index
                .look_up(query)
                .iter()
                .map(|(handle, _)| *handle)
                .collect::<Vec<_>>()
        };
        assert_eq!(handles(&at_once).len(), 1);
        assert_eq!(handles(&at_once), handles(&one_by_one));
    }
    let stats = |index: &VideoIndex| (index.stats().n_videos, index.stats().n_marks, index.stats().n_keypoints);
    assert_eq!(stats(&at_once), stats(&one_by_one));
}

#[test]
fn keypoints_are_enough_where_no_hash_is_near() {
    let films = films(3);
    let index = index_of(&films);
    let edited: Vec<Frame> = films[0].1[10..60]
        .iter()
        .map(|frame| Frame {
            pdq: PdqSignal {
                hash: code(frame.number + 999_999),
                quality: 90,
            },
            ..frame.clone()
        })
        .collect();
    let found = index.look_up(&edited);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0, found[0].1[0].near), (1, Near::Match));
    let none = index.look_up(&film(55, 30));
    assert_eq!(none, []);
}

#[test]
fn what_was_removed_is_not_found_and_what_was_replaced_is_new() {
    let films = films(3);
    let index = index_of(&films);
    assert!(index.remove(2) && !index.remove(2));
    assert_eq!(index.look_up(&films[1].1), []);
    index.add(1, &Timeline::of(&films[1].1, 20_000));
    assert_eq!(index.look_up(&films[0].1), []);
    assert_eq!(index.look_up(&films[1].1)[0].0, 1);
    let stats = index.stats();
    assert_eq!((stats.n_videos, stats.n_marks), (2, 160));
    assert!(stats.n_keypoints > 1_000 && stats.n_bytes > stats.n_keypoints * 80);
    index.remove(1);
    index.remove(3);
    assert_eq!(
        index.stats(),
        VideoStats {
            n_bytes: index.stats().n_bytes,
            ..VideoStats::default()
        }
    );
}

#[test]
fn what_does_not_count_takes_no_place() {
    let film = film(9, 20);
    // Many copies of one video, and one that counts.
    let copies: Vec<(u64, Vec<Frame>)> = (0..120).map(|handle| (handle, film.clone())).collect();
    let index = index_of(&copies);
    let all = index.look_up(&film);
    assert!(!all.is_empty() && all.len() <= CANDIDATES_MAX);
    assert!(
        all.iter().all(|(_, segments)| segments[0].query.len_ms() > 18_000),
        "those that are found are found whole"
    );
    let one = index.look_up_where(&film, &|handle| handle == 117);
    assert_eq!(one.iter().map(|(handle, _)| *handle).collect::<Vec<_>>(), [117]);
}

fn timeline(frames: &[Frame]) -> Timeline {
    Timeline::of(frames, frames.len() as u32 * 500)
}

#[test]
fn what_two_harmless_videos_show_votes_for_nothing() {
    let opening = film(500, 8);
    let films: Vec<(u64, Vec<Frame>)> = films(3)
        .into_iter()
        .map(|(handle, frames)| (handle, one_after_another(&[&opening, &frames])))
        .collect();
    let index = index_of(&films[..2]);
    let harmless = |seed| one_after_another(&[&opening, &film(seed, 30)]);
    index.learn(1, &timeline(&harmless(600)));
    assert_eq!(index.look_up(&harmless(600)).len(), 2, "one is an accident");
    index.learn(1, &timeline(&harmless(600)));
    assert_eq!(index.look_up(&harmless(600)).len(), 2, "and so is the same again");
    index.learn(2, &timeline(&harmless(601)));
    assert_eq!(index.look_up(&harmless(600)), []);
    // Also in what is added later.
    index.add(3, &timeline(&films[2].1));
    assert_eq!(index.look_up(&harmless(602)), []);
    assert_eq!(index.stats().n_silent, 48);
    let found = index.look_up(&films[2].1);
    assert_eq!((found.len(), found[0].0), (1, 3));
    assert_eq!(found[0].1[0].near, Near::Match);
    // One of the two was not harmless after all.
    index.forget(2);
    assert_eq!(index.look_up(&harmless(600)).len(), 3);
    let stats = index.stats();
    assert_eq!((stats.n_silent, stats.n_common), (0, 76));
    index.forget(1);
    assert_eq!(index.stats().n_common, 0);
}

#[test]
fn copies_that_nobody_objected_to_yet_silence_nothing() {
    let film = film(7, 40);
    let index = VideoIndex::new();
    for source in 0..5 {
        index.learn(source, &timeline(&film));
    }
    index.add(1, &timeline(&film));
    index.learn(5, &timeline(&film));
    let found = index.look_up(&film);
    assert_eq!((found.len(), found[0].1[0].near), (1, Near::Match));
    assert_eq!(index.stats().n_silent, 0);
}

#[test]
fn keypoints_of_harmless_videos_come_back_when_those_are_forgotten() {
    let film = film(7, 40);
    let index = index_of(&[(1, film.clone())]);
    let before = index.stats().n_keypoints;
    // A quarter of it.
    index.learn(1, &timeline(&film[..20]));
    assert!(index.stats().n_keypoints < before);
    index.forget(1);
    assert_eq!(index.stats().n_keypoints, before);
}

/// Hours of other things, with one banked film in the middle of them that lies across parts, and another whose layout all of it shares.
#[test]
fn a_film_of_hours_is_found_as_one_of_minutes_is() {
    let banked = film(3, 120);
    let index = index_of(&[(1, banked.clone())]);
    let query = one_after_another(&[&film(40, 550), &banked, &film(41, 1_000), &banked[40..100]]);
    let found = index.look_up(&query);
    assert_eq!(found.len(), 1, "{found:?}");
    let [whole, clip] = &found[0].1[..] else {
        panic!("{found:?}")
    };
    assert!(
        whole.query.from_ms.abs_diff(550_000) <= 500 && whole.query.to_ms.abs_diff(669_500) <= 1_000,
        "{whole:?}"
    );
    assert!(
        whole.entry.from_ms <= 500 && whole.entry.to_ms >= 118_500 && (200..=245).contains(&whole.frames),
        "{whole:?}"
    );
    assert!(
        clip.query.from_ms.abs_diff(1_670_000) <= 500 && clip.entry.from_ms.abs_diff(20_000) <= 500,
        "{clip:?}"
    );
    assert_eq!((whole.near, clip.near), (Near::Match, Near::Match));
}

/// Footage of a studio: each frame is within some thirty bits of every other.
fn in_studio(seed: u64, seconds: u32) -> Vec<Frame> {
    let [a, b, c, d] = code(123).words();
    let frames = film(seed, seconds).into_iter().map(|frame| {
        let noise = frame.pdq.hash.words();
        let hash = Pdq::from_words([
            a ^ (noise[0] & noise[1] & noise[2]),
            b ^ (noise[1] & noise[2] & noise[3]),
            c,
            d,
        ]);
        Frame {
            pdq: PdqSignal { hash, quality: 100 },
            glimpse: None,
            ..frame
        }
    });
    frames.collect()
}

/// The marks nearest to a frame are of many entries then, a few of each: that it is like all of each must show still.
#[test]
fn a_layout_is_told_from_a_copy_however_many_entries_have_it() {
    let films: Vec<(u64, Vec<Frame>)> = (1..=100).map(|handle| (handle, in_studio(handle, 40))).collect();
    let index = index_of(&films);
    let is_match = |found: &(u64, Vec<Segment>)| found.1.iter().any(|segment| segment.near == Near::Match);
    for seed in 200..206 {
        let found = index.look_up(&in_studio(seed, 60));
        assert!(!found.iter().any(is_match), "{seed}: {found:?}");
    }
    let found = index.look_up(&films[6].1);
    let matches: Vec<u64> = found
        .iter()
        .filter(|found| is_match(found))
        .map(|(handle, _)| *handle)
        .collect();
    assert_eq!(matches, [7]);
}

/// A programme of half an hour in the layout of a banked minute, which it shows near its end: votes on the layout are no reason to stop looking.
#[test]
fn what_shares_a_layout_for_long_is_found_where_it_is_a_copy() {
    let banked = in_studio(3, 60);
    let index = index_of(&[(1, banked.clone())]);
    let query = one_after_another(&[&in_studio(4, 1_700), &banked, &in_studio(5, 60)]);
    let found = index.look_up(&query);
    let at = |segments: &[Segment]| {
        segments
            .iter()
            .find(|found| found.query.from_ms.abs_diff(1_700_000) <= 2_000)
            .copied()
    };
    let segment = found.iter().find_map(|(_, segments)| at(segments));
    assert!(segment.is_some_and(|segment| segment.near == Near::Match), "{found:?}");
    let others = index.look_up(&in_studio(6, 300));
    assert!(
        others
            .iter()
            .flat_map(|(_, segments)| segments)
            .all(|found| found.near != Near::Match),
        "{others:?}"
    );
}

#[test]
fn flat_frames_vote_for_nothing() {
    let flat = |frames: Vec<Frame>| -> Vec<Frame> {
        let flat = frames.into_iter().map(|frame| Frame {
            pdq: PdqSignal {
                quality: 49,
                ..frame.pdq
            },
            ..frame
        });
        flat.collect()
    };
    let index = index_of(&[(1, flat(film(1, 20)))]);
    assert_eq!(index.look_up(&film(1, 20)), []);
    let index = index_of(&[(1, film(1, 20))]);
    assert_eq!(index.look_up(&flat(film(1, 20))), []);
}

#[test]
fn a_stream_tells_a_segment_when_it_is_sure_and_when_it_has_grown() {
    let films = films(4);
    let index = index_of(&films);
    let stream = one_after_another(&[&film(88, 300), &films[2].1, &film(89, 60)]);
    let mut tracker = Tracker::new();
    let mut told: Vec<(u32, u64, Segment)> = Vec::new();
    for frame in &stream {
        let news = tracker.push(&index, frame);
        told.extend(news.into_iter().map(|(handle, segment)| (frame.at_ms, handle, segment)));
    }
    assert!(told.iter().all(|(_, handle, _)| *handle == 3), "{told:?}");
    let (first_ms, _, _) = told.iter().find(|(_, _, segment)| segment.near == Near::Match).unwrap();
    assert!(*first_ms <= 303_000, "told after {first_ms} ms");
    let (_, _, last) = told.last().unwrap();
    assert!(
        last.query.from_ms.abs_diff(300_000) <= 500 && last.query.to_ms >= 330_000,
        "{last:?}"
    );
    assert!(
        told.len() <= 6,
        "told again only when there is something to tell: {told:?}"
    );
    assert!(tracker.n_frames() <= 2 * (WINDOW_MS as usize / 1000) + 1);
}

#[test]
fn a_stream_longer_than_the_window_is_one_segment() {
    let long = film(3, 400);
    let index = index_of(&[(1, long.clone())]);
    let mut tracker = Tracker::new();
    let mut told = Vec::new();
    for frame in &long {
        told.extend(tracker.push(&index, frame));
    }
    let (_, last) = told.last().unwrap();
    assert!(last.query.from_ms <= 500 && last.query.to_ms >= 390_000, "{last:?}");
    index.remove(1);
    assert_eq!(
        tracker.push(&index, &frame(400_000, 300_799)),
        [],
        "nor is what was removed meanwhile told"
    );
}

#[test]
fn bare_hashes_are_enough() {
    let bare: Vec<Frame> = film(4, 40)
        .into_iter()
        .map(|frame| Frame { glimpse: None, ..frame })
        .collect();
    let index = index_of(&[(1, bare.clone())]);
    assert_eq!(index.look_up(&bare[20..50])[0].1[0].near, Near::Match);
}

/// The votes that everything compared with everything gives, aligned.
fn plainly(films: &[(u64, Vec<Frame>)], query: &[Frame]) -> Vec<(u64, Vec<Segment>)> {
    let mut shown: Vec<Shown> = query
        .iter()
        .map(|frame| Shown {
            at_ms: frame.at_ms,
            is_mute: frame.is_flat(),
            is_glanced_at: true,
        })
        .collect();
    let mut found = Vec::new();
    for (handle, frames) in films {
        let timeline = Timeline::of(frames, frames.len() as u32 * 500);
        let points: Vec<Point> = timeline.marks.iter().map(Point::of).collect();
        let moments = Moments::new(points.len());
        let subject = Subject {
            duration_ms: timeline.duration_ms,
            points: &points,
            moments: &moments,
            background: 0.0,
        };
        let mut votes = Vec::new();
        let mut asked: Option<(u32, Pdq)> = None;
        for (at, frame) in query.iter().enumerate().filter(|(_, frame)| !frame.is_flat()) {
            let is_due =
                asked.is_none_or(|(at_ms, hash)| frame.at_ms - at_ms >= 900 || hash.distance(frame.pdq.hash) > 40);
            if is_due {
                asked = Some((frame.at_ms, frame.pdq.hash));
                shown[at].is_glanced_at = false;
            }
            let mut of_frame = Vec::new();
            for (mark, kept) in timeline.marks.iter().enumerate().filter(|(_, mark)| !mark.is_flat()) {
                for is_mirrored in [false, true] {
                    let distances =
                        views(frame)
                            .filter(|view| view.1 == is_mirrored)
                            .filter_map(|(code, _, is_likely)| {
                                let bits = code.distance(kept.pdq.hash);
                                (bits <= if is_likely { FAR_BITS } else { NEAR_BITS }).then_some(bits)
                            });
                    let bits = distances.min();
                    let points = frame.glimpse.as_ref().map_or(&[][..], |glimpse| &glimpse.keypoints[..]);
                    let likeness = Likeness {
                        bits: bits.unwrap_or(Likeness::NONE.bits),
                        places: if is_due {
                            places(points, &kept.keypoints, is_mirrored)
                        } else {
                            0
                        },
                    };
                    of_frame.extend(likeness.chance().map(|_| Vote {
                        frame: at as u32,
                        mark: mark as u32,
                        likeness,
                        is_mirrored,
                    }));
                }
            }
            votes.extend(align::weigh(&of_frame, subject));
        }
        let asked_ms = query.last().map_or(0, |last| last.at_ms);
        let segments = if promise(&votes).is_some() {
            align::align(&shown, asked_ms, subject, &votes)
        } else {
            Vec::new()
        };
        if !segments.is_empty() {
            found.push((*handle, segments));
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_index_finds_what_a_plain_comparison_finds(
        parts in prop::collection::vec((1..4_u64, 0..30_usize, 1..30_usize, 0..60_u32), 1..5),
        removed in 0..4_u64,
    ) {
        let films: Vec<(u64, Vec<Frame>)> = (1..4).map(|handle| (handle, film(handle, 15))).collect();
        let index = index_of(&films);
        index.remove(removed);
        let parts: Vec<Vec<Frame>> = parts
            .into_iter()
            .map(|(handle, from, length, bits)| {
                let frames = &films[handle as usize - 1].1[from..(from + length).min(30)];
                let edited = frames.iter().map(|frame| Frame {
                    pdq: PdqSignal { hash: near(frame.pdq.hash, bits), quality: if bits % 10 == 9 { 40 } else { 90 } },
                    ..frame.clone()
                });
                edited.collect()
            })
            .collect();
        let query = one_after_another(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let mut found = index.look_up(&query);
        found.sort_by_key(|(handle, _)| *handle);
        let left: Vec<(u64, Vec<Frame>)> = films.into_iter().filter(|(handle, _)| *handle != removed).collect();
        prop_assert_eq!(found, plainly(&left, &query));
    }
}
