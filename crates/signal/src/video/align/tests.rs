//! Copies that were cut, sped up, looped and mirrored, and footage that is none.

use super::*;
use crate::video::tests::code;
use proptest::prelude::*;

fn points(n: u32) -> Vec<Point> {
    let point = |at: u32| Point {
        at_ms: at * 500,
        until_ms: at * 500,
        hash: code(at.into()),
        is_mute: false,
        is_flat: false,
    };
    (0..n).map(point).collect()
}

fn shown(seconds: u32) -> Vec<Shown> {
    let frames = (0..seconds * 2).map(|at| Shown {
        at_ms: at * 500,
        is_mute: false,
        is_glanced_at: false,
    });
    frames.collect()
}

fn vote(frame: u32, mark: u32) -> Vote {
    Vote {
        frame,
        mark,
        likeness: near(28),
        is_mirrored: false,
    }
}

fn near(bits: u32) -> Likeness {
    Likeness { bits, ..Likeness::NONE }
}

fn placed(places: u32) -> Likeness {
    Likeness {
        places,
        ..Likeness::NONE
    }
}

/// Votes of a copy: from `query_s` on for `seconds` it shows the entry from `entry_s` on at a rate.
fn copy(query_s: f64, seconds: f64, entry_s: f64, rate: f64, n_points: u32) -> Vec<Vote> {
    let (from, to) = ((query_s * 2.0).ceil() as u32, ((query_s + seconds) * 2.0) as u32);
    let votes = (from..to).filter_map(|frame| {
        let entry = entry_s + (f64::from(frame) / 2.0 - query_s) * rate;
        let mark = (entry * 2.0).round();
        (mark >= 0.0 && mark < f64::from(n_points)).then(|| vote(frame, mark as u32))
    });
    votes.collect()
}

fn subject(points: &[Point]) -> Subject<'_> {
    static NOT_COUNTED: std::sync::LazyLock<Moments> = std::sync::LazyLock::new(|| Moments::new(0));
    Subject {
        duration_ms: points.last().map_or(0, |point| point.until_ms + 500),
        points,
        moments: &NOT_COUNTED,
        background: 0.0,
    }
}

/// The votes weighed, frame by frame, and aligned.
fn align(frames: &[Shown], subject: Subject<'_>, votes: &[Vote]) -> Vec<Segment> {
    let mut votes = votes.to_vec();
    votes.sort_by_key(|vote| (vote.frame, vote.mark, vote.is_mirrored));
    let weighed = votes
        .chunk_by(|a, b| a.frame == b.frame)
        .flat_map(|of_frame| weigh(of_frame, subject));
    let asked_ms = frames.last().map_or(0, |last| last.at_ms);
    super::align(frames, asked_ms, subject, &weighed.collect::<Vec<_>>())
}

#[track_caller]
fn assert_near(found: &Segment, query: (f64, f64), entry: (f64, f64), rate: f64) {
    let off = |ms: u32, s: f64| (f64::from(ms) / 1000.0 - s).abs();
    let is_near = off(found.query.from_ms, query.0) <= 1.5
        && off(found.query.to_ms, query.1) <= 1.5
        && off(found.entry.from_ms, entry.0) <= 2.0
        && off(found.entry.to_ms, entry.1) <= 2.0
        && (f64::from(found.rate) / rate - 1.0).abs() < 0.05;
    assert!(is_near, "{found:?} is not {query:?} {entry:?} {rate}");
}

#[test]
fn a_clip_is_found_at_any_rate() {
    let points = points(240);
    for rate in [0.5, 0.75, 0.96, 1.0, 1.25, 1.5, 2.0] {
        let votes = copy(20.0, 24.0, 30.0, rate, 240);
        let found = align(&shown(80), subject(&points), &votes);
        assert_eq!(found.len(), 1, "{rate}: {found:?}");
        assert_near(&found[0], (20.0, 44.0), (30.0, 30.0 + 24.0 * rate), rate);
        assert_eq!(found[0].near, Near::Match);
        assert!(found[0].log10_chance < -20.0);
    }
}

#[test]
fn each_part_of_a_compilation_is_a_segment() {
    let points = points(240);
    let mut votes = copy(5.0, 10.0, 80.0, 1.0, 240);
    votes.extend(copy(20.0, 10.0, 10.0, 1.0, 240));
    votes.extend(copy(30.0, 10.0, 10.0, 1.0, 240));
    let found = align(&shown(60), subject(&points), &votes);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_near(&found[0], (5.0, 15.0), (80.0, 90.0), 1.0);
    assert_near(&found[1], (20.0, 30.0), (10.0, 20.0), 1.0);
    assert_near(&found[2], (30.0, 40.0), (10.0, 20.0), 1.0);
}

#[test]
fn a_gap_of_a_few_seconds_does_not_part_a_segment() {
    let points = points(240);
    let votes: Vec<Vote> = copy(10.0, 40.0, 20.0, 1.0, 240)
        .into_iter()
        .filter(|vote| !(50..62).contains(&vote.frame))
        .collect();
    let found = align(&shown(60), subject(&points), &votes);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_near(&found[0], (10.0, 50.0), (20.0, 60.0), 1.0);
}

#[test]
fn few_recognised_frames_are_enough_and_stray_ones_do_no_harm() {
    let points = points(240);
    let mut votes: Vec<Vote> = copy(10.0, 40.0, 20.0, 1.25, 240)
        .into_iter()
        .filter(|vote| vote.frame % 4 == 0)
        .collect();
    votes.extend((0..100).map(|at| Vote {
        likeness: near(45),
        ..vote(at, (code(at.into()).words()[0] % 240) as u32)
    }));
    let found = align(&shown(60), subject(&points), &votes);
    assert_eq!(
        found.iter().filter(|found| found.near == Near::Match).count(),
        1,
        "{found:?}"
    );
    let longest = found.iter().max_by_key(|found| found.query.len_ms()).unwrap();
    assert_near(longest, (10.0, 50.0), (20.0, 70.0), 1.25);
}

#[test]
fn one_picture_is_never_a_match_however_long_it_stands() {
    let still = Point {
        until_ms: 60_000,
        ..points(1)[0]
    };
    let votes: Vec<Vote> = (10..90).map(|frame| vote(frame, 0)).collect();
    let found = align(&shown(60), subject(&[still]), &votes);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].near, found[0].rate), (Near::Lead, 1.0));
    // The same picture kept as many marks.
    let alike: Vec<Point> = points(120)
        .into_iter()
        .map(|point| Point { hash: code(3), ..point })
        .collect();
    let votes = copy(5.0, 40.0, 5.0, 1.0, 120);
    let found = align(&shown(60), subject(&alike), &votes);
    assert!(found.iter().all(|found| found.near == Near::Lead), "{found:?}");
}

#[test]
fn one_frame_alone_is_nothing() {
    let points = points(240);
    assert_eq!(align(&shown(60), subject(&points), &[vote(20, 30)]), []);
}

#[test]
fn a_mirrored_copy_says_so() {
    let points = points(120);
    let votes: Vec<Vote> = copy(5.0, 20.0, 10.0, 1.0, 120)
        .into_iter()
        .map(|vote| Vote {
            is_mirrored: true,
            ..vote
        })
        .collect();
    let found = align(&shown(30), subject(&points), &votes);
    assert!(found.len() == 1 && found[0].is_mirrored, "{found:?}");
}

#[test]
fn what_harmless_footage_shows_too_counts_less() {
    let points = points(120);
    let votes: Vec<Vote> = copy(5.0, 20.0, 10.0, 1.0, 120)
        .into_iter()
        .step_by(5)
        .map(|vote| Vote {
            likeness: placed(8),
            ..vote
        })
        .collect();
    let with = |background| {
        let subject = Subject {
            background,
            ..subject(&points)
        };
        align(&shown(30), subject, &votes)
    };
    assert_eq!(with(0.0)[0].near, Near::Match);
    assert_eq!(with(0.05), []);
}

/// A query in the layout of an entry: each frame is as like to every mark as chance has it, and `places` and `nearer` more to the one that it shows.
fn in_its_layout(places: u32, nearer: u32) -> Vec<Segment> {
    let points = points(240);
    let votes: Vec<Vote> = (0..120_u32)
        .flat_map(|frame| (0..24).map(move |at| (frame, frame % 10 + at * 10)))
        .map(|(frame, mark)| {
            let noise = code(u64::from(frame) << 20 | u64::from(mark)).words()[2] >> 16;
            let is_shown = frame == mark;
            let likeness = Likeness {
                bits: 36 - (noise % 8) as u32 - if is_shown { nearer } else { 0 },
                places: 30 + (noise >> 8) as u32 % 12 + if is_shown { places } else { 0 },
            };
            Vote {
                likeness,
                ..vote(frame, mark)
            }
        })
        .collect();
    align(&shown(60), subject(&points), &votes)
}

#[test]
fn a_layout_is_no_copy_of_what_else_is_laid_out_so() {
    let found = in_its_layout(0, 0);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_copy_stands_out_from_its_own_layout() {
    for (places, nearer) in [(25, 0), (0, 20), (20, 12)] {
        let found = in_its_layout(places, nearer);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].near, Near::Match, "{found:?}");
        assert_near(&found[0], (0.0, 60.0), (0.0, 60.0), 1.0);
    }
}

#[test]
fn where_other_moments_are_as_like_it_takes_more_to_be_sure() {
    let points = points(240);
    let with = |is_in_layout| {
        let weighed: Vec<Weighed> = (0..14)
            .map(|at| Weighed {
                frame: 20 + at,
                mark: 60 + at,
                is_mirrored: false,
                odds: 1.0,
                is_near: false,
                is_in_layout,
            })
            .collect();
        super::align(&shown(40), 40_000, subject(&points), &weighed)[0]
    };
    let (plain, in_layout) = (with(false), with(true));
    assert_eq!(plain.log10_chance, in_layout.log10_chance);
    assert!((-10.0..-6.0).contains(&plain.log10_chance), "{plain:?}");
    assert_eq!((plain.near, in_layout.near), (Near::Match, Near::Lead));
}

#[test]
fn what_cannot_be_recognised_is_not_missed() {
    let mut points = points(240);
    points[60..100].iter_mut().for_each(|point| point.is_mute = true);
    let votes = copy(10.0, 60.0, 10.0, 1.0, 240);
    let found = align(&shown(80), subject(&points), &votes);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_near(&found[0], (10.0, 70.0), (10.0, 70.0), 1.0);
}

#[test]
fn a_picture_that_stands_long_and_says_little_hides_no_clip() {
    // The entry is a clip, then a card of two minutes; the query shows another card like it, recognised by few keypoints, and later the clip.
    let card = Point {
        at_ms: 20_500,
        until_ms: 140_500,
        hash: code(999),
        is_mute: false,
        is_flat: false,
    };
    let mut points = points(40);
    points.push(card);
    let on_card = (0..600_u32).map(|frame| Vote {
        likeness: placed(15),
        ..vote(frame, 40)
    });
    let on_clip = (0..16_u32).map(|at| vote(640 + at, at));
    let votes: Vec<Vote> = on_card.chain(on_clip).collect();
    let found = align(&shown(340), subject(&points), &votes);
    let matches: Vec<_> = found.iter().filter(|found| found.near == Near::Match).collect();
    assert_eq!(matches.len(), 1, "{found:?}");
    assert_near(matches[0], (320.0, 328.0), (0.0, 8.0), 1.0);
}

#[test]
fn the_longer_a_query_the_more_it_takes_to_be_sure() {
    let points = points(60);
    let votes: Vec<Vote> = copy(5.0, 8.0, 10.0, 1.0, 60);
    let weighed: Vec<Weighed> = votes
        .iter()
        .flat_map(|vote| weigh(&[*vote], subject(&points)))
        .collect();
    let chance = |asked_ms| super::align(&shown(30), asked_ms, subject(&points), &weighed)[0].log10_chance;
    let gap = chance(3_600_000) - chance(36_000);
    assert!(
        (1.9..2.1).contains(&gap),
        "a hundred times the footage, a hundred times the chances: {gap}"
    );
}

#[test]
fn votes_on_what_is_not_there_count_for_nothing() {
    let votes = [vote(999, 0), vote(0, 999), vote(u32::MAX, u32::MAX)];
    assert_eq!(align(&shown(5), subject(&points(5)), &votes), []);
    assert_eq!(align(&[], subject(&[]), &votes), []);
}

proptest! {
    #[test]
    fn votes_at_random_are_never_a_match(seed in any::<u64>(), n in 0..60_u64) {
        let points = points(240);
        let random = |at: u64| code(seed.wrapping_add(at)).words();
        let votes: Vec<Vote> = (0..n)
            .map(|at| Vote { likeness: near(36), ..vote((random(at)[0] % 240) as u32, (random(at)[1] % 240) as u32) })
            .collect();
        let found = align(&shown(120), subject(&points), &votes);
        prop_assert!(found.iter().all(|found| found.near != Near::Match), "{:?}", found);
    }

    #[test]
    fn segments_lie_within_both_and_do_not_overlap(
        votes in prop::collection::vec((0..200_u32, 0..200_u32, any::<bool>(), 0..64_u32, 0..32_u32), 0..400),
        lengths in prop::collection::vec(0..9_000_u32, 1..100),
    ) {
        let mut at_ms = 0;
        let points: Vec<Point> = lengths
            .iter()
            .enumerate()
            .map(|(at, lasts)| {
                let is_mute = at % 9 == 0;
                let point = Point { at_ms, until_ms: at_ms + lasts / 2, hash: code(at as u64 % 17), is_mute, is_flat: is_mute };
                at_ms += lasts;
                point
            })
            .collect();
        let votes: Vec<Vote> = votes
            .iter()
            .map(|&(frame, mark, is_mirrored, bits, places)| Vote { frame, mark, likeness: Likeness { bits, places }, is_mirrored })
            .collect();
        let frames = shown(80);
        let moments = Moments::new(points.len());
        let subject = Subject { duration_ms: at_ms, points: &points, moments: &moments, background: 0.0 };
        let found = align(&frames, subject, &votes);
        prop_assert!(found.len() <= SEGMENTS_MAX);
        for segment in &found {
            prop_assert!(segment.query.from_ms <= segment.query.to_ms && segment.query.to_ms <= 80_000);
            prop_assert!(segment.entry.from_ms <= segment.entry.to_ms && segment.entry.to_ms <= at_ms);
            prop_assert!((RATE_MIN - 0.01..=RATE_MAX + 0.01).contains(&segment.rate));
        }
        prop_assert!(found.windows(2).all(|two| two[0].query.to_ms <= two[1].query.from_ms + 2 * 500));
    }
}
