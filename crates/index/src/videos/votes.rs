//! Which marks a frame looks like: by the hashes of its views, and by its keypoints where they lie alike.

use super::VideoIndex;
use super::entries::Entries;
use crate::collect::Hits;
use signal::Pdq;
use signal::keypoints::align::{Pair, align};
use signal::keypoints::{ALIKE_BITS_MAX, Keypoint, Place};
use signal::pdq::{Dihedral, PdqSignal};
use signal::video::align::{self, Likeness, NEAR_BITS, Shown, Vote, Weighed};
use signal::video::{FLAT_QUALITY, Frame, MARK_SIDE, are_keypoints_due};
use std::collections::{HashMap, HashSet};

/// Bits within which the likeliest views vote.
pub(super) const FAR_BITS: u32 = 48;
/// Marks that one view votes for, the nearest.
const MARKS_OF_VIEW: usize = 48;
/// Marks that one keypoint is found in.
const MARKS_OF_KEYPOINT: usize = 48;
/// Keypoints that a mark must share with a frame for their places to be compared.
const SHARED_MIN: usize = 4;
/// Marks whose keypoints' places are compared with those of one frame, those that share most.
const MARKS_PLACED: usize = 24;
/// Pairs of keypoints whose places are compared.
const PAIRS_MAX: usize = 96;
/// Videos that one frame votes for, those that it is most like.
const ENTRIES_OF_FRAME: usize = 64;
/// Marks of one video that a frame is held against, evenly spread: how like it is to the others tells what one likeness is worth.
const MARKS_COMPARED: usize = 512;
/// And those whose keypoints' places are.
const PLACES_COMPARED: usize = 16;

/// What was asked for last, in a query that goes on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked {
    keypoints: Option<(u32, Pdq)>,
}

/// What a frame votes for. The number of the frame is left open.
#[derive(Debug)]
pub(super) struct FrameVotes {
    pub shown: Shown,
    /// Each with the number of the first mark of the video that it is for: no other video ever has it.
    pub votes: Vec<(u64, Weighed)>,
}

/// What speaks for each mark, mirrored or not.
type Found = HashMap<(u64, bool), Likeness>;

impl VideoIndex {
    /// The votes of frames that follow each other.
    pub(super) fn votes(&self, frames: &[Frame], asked: &mut Asked, counts: &dyn Fn(u64) -> bool) -> Vec<FrameVotes> {
        let entries = self.read();
        let hashes = self.hashes.snapshot();
        let is_counted = |key: u64, _: u32| {
            let mark = entries.of_mark(key);
            mark.is_some_and(|(entry, at)| !entry.points[at].is_mute && counts(entry.handle))
        };
        // Near hashes of the likeliest views are few: all frames' are asked for at once.
        let likely: Vec<(usize, Pdq, bool)> = frames
            .iter()
            .enumerate()
            .flat_map(|(at, frame)| likely_views(at, frame))
            .collect();
        let codes: Vec<Pdq> = likely.iter().map(|(_, code, _)| *code).collect();
        let far = hashes.search_many(&codes, FAR_BITS, MARKS_OF_VIEW);
        let mut found: Vec<Found> = frames.iter().map(|_| HashMap::new()).collect();
        for ((at, code, is_mirrored), mut hits) in likely.into_iter().zip(far) {
            if hits.capped {
                // What does not count may have taken the places.
                hits = hashes.search_where(code, FAR_BITS, MARKS_OF_VIEW, &is_counted);
            }
            add_hits(&mut found[at], &hits, is_mirrored);
        }
        let mut is_glanced_at = Vec::with_capacity(frames.len());
        for (frame, found) in frames.iter().zip(&mut found) {
            for (code, is_mirrored) in other_views(frame) {
                let hits = hashes.search_where(code, NEAR_BITS, MARKS_OF_VIEW, &is_counted);
                add_hits(found, &hits, is_mirrored);
            }
            is_glanced_at.push(!self.add_placed(frame, asked, &entries, &is_counted, found));
            hold_against_all(&entries, frame, found, counts);
        }
        let voted = frames.iter().zip(found).zip(is_glanced_at);
        let voted = voted.map(|((frame, found), is_glanced_at)| {
            let votes = weighed(&entries, found, counts);
            // What copies of an entry show that nobody objected to is no mark's silence.
            let is_common = votes.is_empty() && self.harmless.is_common(frame.pdq.hash);
            let shown = Shown {
                at_ms: frame.at_ms,
                is_mute: frame.is_flat() || is_common,
                is_glanced_at,
            };
            FrameVotes { shown, votes }
        });
        voted.collect()
    }

    /// Votes by keypoints. Returns whether they were asked for.
    fn add_placed(
        &self,
        frame: &Frame,
        asked: &mut Asked,
        entries: &Entries,
        is_counted: &dyn Fn(u64, u32) -> bool,
        found: &mut Found,
    ) -> bool {
        let Some(glimpse) = frame.glimpse.as_ref().filter(|_| !frame.is_flat()) else {
            return false;
        };
        if !are_keypoints_due(asked.keypoints, frame.at_ms, frame.pdq.hash) || glimpse.keypoints.is_empty() {
            return false;
        }
        asked.keypoints = Some((frame.at_ms, frame.pdq.hash));
        let keypoints = self.keypoints.snapshot();
        let mut shared: HashMap<(u64, bool), usize> = HashMap::new();
        for point in &glimpse.keypoints {
            for (code, is_mirrored) in [(point.code, false), (point.mirrored, true)] {
                let hits = keypoints.search_where(code, ALIKE_BITS_MAX, MARKS_OF_KEYPOINT, is_counted);
                for hit in hits.hits {
                    *shared.entry((hit.key, is_mirrored)).or_default() += 1;
                }
            }
        }
        let mut likely: Vec<(usize, (u64, bool))> = shared
            .into_iter()
            .filter(|(_, n)| *n >= SHARED_MIN)
            .map(|(mark, n)| (n, mark))
            .collect();
        likely.sort_unstable_by_key(|(n, mark)| (std::cmp::Reverse(*n), *mark));
        for (_, (number, is_mirrored)) in likely.into_iter().take(MARKS_PLACED) {
            let Some((entry, at)) = entries.of_mark(number) else {
                continue;
            };
            let places = places(&glimpse.keypoints, &entry.marks[at], is_mirrored);
            let likeness = Likeness {
                places,
                ..Likeness::NONE
            };
            add(found, (number, is_mirrored), likeness);
        }
        true
    }
}

/// The nearest marks that an index gives are those of whatever is banked; in a large bank few are of one video. So the videos that a frame is most like are held against it
/// mark by mark: a layout shows only where a frame is seen to be like all of one.
fn hold_against_all(entries: &Entries, frame: &Frame, found: &mut Found, counts: &dyn Fn(u64) -> bool) {
    let mut best: HashMap<u64, (f32, Sides)> = HashMap::new();
    for ((number, is_mirrored), likeness) in found.iter() {
        let Some((_, at)) = entries.of_mark(*number).filter(|(entry, _)| counts(entry.handle)) else {
            continue;
        };
        let (least, sides) = best.entry(number - at as u64).or_insert((1.0, Sides::default()));
        *least = least.min(likeness.chance().unwrap_or(1.0));
        sides.is_asked[usize::from(*is_mirrored)] = true;
        sides.is_placed[usize::from(*is_mirrored)] |= likeness.places > 0;
    }
    let mut likest: Vec<(f32, u64, Sides)> = best
        .into_iter()
        .map(|(first, (least, sides))| (least, first, sides))
        .collect();
    likest.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    if likest.len() > ENTRIES_OF_FRAME {
        let left: HashSet<u64> = likest.drain(ENTRIES_OF_FRAME..).map(|(_, first, _)| first).collect();
        found.retain(|(number, _), _| {
            let mark = entries.of_mark(*number);
            mark.is_some_and(|(_, at)| !left.contains(&(number - at as u64)))
        });
    }
    let views: Vec<(Pdq, bool, u32)> = views(frame)
        .map(|(code, is_mirrored, is_likely)| (code, is_mirrored, if is_likely { FAR_BITS } else { NEAR_BITS }))
        .collect();
    let keypoints = frame.glimpse.as_ref().map_or(&[][..], |glimpse| &glimpse.keypoints);
    for (_, first, sides) in likest {
        let Some(entry) = entries.of_first(first) else {
            continue;
        };
        let stride = entry.points.len().div_ceil(MARKS_COMPARED).max(1);
        let points = entry.points.iter().enumerate().step_by(stride);
        for (at, point) in points.filter(|(_, point)| !point.is_mute) {
            for is_mirrored in [false, true] {
                if !sides.is_asked[usize::from(is_mirrored)] {
                    continue;
                }
                let seen = views.iter().filter(|(_, mirrored, _)| *mirrored == is_mirrored);
                let near =
                    seen.filter_map(|(code, _, within)| Some(code.distance(point.hash)).filter(|bits| bits <= within));
                if let Some(bits) = near.min() {
                    let likeness = Likeness { bits, ..Likeness::NONE };
                    add(found, (first + at as u64, is_mirrored), likeness);
                }
            }
        }
        let with_keypoints: Vec<usize> = (0..entry.marks.len())
            .filter(|at| !entry.marks[*at].is_empty())
            .collect();
        let stride = with_keypoints.len().div_ceil(PLACES_COMPARED).max(1);
        for at in with_keypoints.into_iter().step_by(stride) {
            for is_mirrored in [false, true] {
                let mark = (first + at as u64, is_mirrored);
                let is_known = found.get(&mark).is_some_and(|likeness| likeness.places > 0);
                if sides.is_placed[usize::from(is_mirrored)] && !is_known {
                    let likeness = Likeness {
                        places: places(keypoints, &entry.marks[at], is_mirrored),
                        ..Likeness::NONE
                    };
                    add(found, mark, likeness);
                }
            }
        }
    }
}

/// Which ways round a video was found, and by keypoints.
#[derive(Default)]
struct Sides {
    is_asked: [bool; 2],
    is_placed: [bool; 2],
}

/// Keypoints of a frame that lie as those of a mark do.
pub(super) fn places(points: &[Keypoint], kept: &[(Pdq, Place)], is_mirrored: bool) -> u32 {
    let mut pairs: Vec<(u32, Pair)> = Vec::new();
    for (query_at, point) in points.iter().enumerate() {
        let code = if is_mirrored { point.mirrored } else { point.code };
        for (entry_at, (kept, place)) in kept.iter().enumerate() {
            let distance = code.distance(*kept);
            if distance <= ALIKE_BITS_MAX {
                let pair = Pair {
                    query: point.place,
                    entry: *place,
                    query_at,
                    entry_at,
                    is_mirrored,
                };
                pairs.push((distance, pair));
            }
        }
    }
    pairs.sort_by_key(|(distance, _)| *distance);
    let pairs: Vec<Pair> = pairs.into_iter().take(PAIRS_MAX).map(|(_, pair)| pair).collect();
    align(&pairs, MARK_SIDE).map_or(0, |found| found.agreeing as u32)
}

/// The views that are asked for leads, and the frame as it is: which frame, code, mirrored.
fn likely_views(at: usize, frame: &Frame) -> impl Iterator<Item = (usize, Pdq, bool)> {
    views(frame)
        .filter(|(_, _, is_likely)| *is_likely)
        .map(move |(code, is_mirrored, _)| (at, code, is_mirrored))
}

fn other_views(frame: &Frame) -> impl Iterator<Item = (Pdq, bool)> {
    views(frame)
        .filter(|(_, _, is_likely)| !is_likely)
        .map(|(code, is_mirrored, _)| (code, is_mirrored))
}

/// Code, mirrored, whether it is one of the likeliest.
pub(super) fn views(frame: &Frame) -> impl Iterator<Item = (Pdq, bool, bool)> {
    let is_good = |pdq: PdqSignal| pdq.quality >= FLAT_QUALITY;
    let whole = is_good(frame.pdq).then_some((frame.pdq.hash, false, true));
    let others = frame.glimpse.iter().flat_map(|glimpse| &glimpse.views);
    let others = others
        .filter(move |seen| is_good(seen.pdq) && is_good(frame.pdq))
        .map(|seen| {
            let is_mirrored = match seen.view.turn {
                Dihedral::Original | Dihedral::Rotate90 | Dihedral::Rotate180 | Dihedral::Rotate270 => false,
                Dihedral::FlipX | Dihedral::FlipY | Dihedral::FlipPlus | Dihedral::FlipMinus => true,
            };
            (seen.pdq.hash, is_mirrored, seen.view.is_for_leads())
        });
    whole.into_iter().chain(others)
}

fn add_hits(found: &mut Found, hits: &Hits, is_mirrored: bool) {
    for hit in &hits.hits {
        let likeness = Likeness {
            bits: hit.distance,
            ..Likeness::NONE
        };
        add(found, (hit.key, is_mirrored), likeness);
    }
}

fn add(found: &mut Found, mark: (u64, bool), likeness: Likeness) {
    if likeness.chance().is_some() {
        let best = found.entry(mark).or_insert(Likeness::NONE);
        *best = best.or(likeness);
    }
}

/// The votes for each entry, weighed against each other.
fn weighed(entries: &Entries, found: Found, counts: &dyn Fn(u64) -> bool) -> Vec<(u64, Weighed)> {
    let mut found: Vec<((u64, bool), Likeness)> = found.into_iter().collect();
    found.sort_unstable_by_key(|(mark, _)| *mark);
    let votes = found.into_iter().filter_map(|((number, is_mirrored), likeness)| {
        let (entry, at) = entries.of_mark(number)?;
        let vote = Vote {
            frame: 0,
            mark: at as u32,
            likeness,
            is_mirrored,
        };
        counts(entry.handle).then_some((number - at as u64, vote))
    });
    let votes: Vec<(u64, Vote)> = votes.collect();
    let mut weighed = Vec::with_capacity(votes.len());
    for of_entry in votes.chunk_by(|a, b| a.0 == b.0) {
        let first = of_entry[0].0;
        let Some(entry) = entries.of_first(first) else {
            continue;
        };
        let votes: Vec<Vote> = of_entry.iter().map(|(_, vote)| *vote).collect();
        let worth = align::weigh(&votes, entry.subject());
        weighed.extend(worth.into_iter().map(|vote| (first, vote)));
    }
    weighed
}
