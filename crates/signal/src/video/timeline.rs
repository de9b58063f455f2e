//! Which marks are kept of a video: a hash wherever the picture moved, keypoints a second or two apart where it moved much.

use super::{Frame, Glimpse, KEYPOINTS_MAX, MARK_KEYPOINTS_MAX, MARK_SIDE, MARKS_MAX, Mark, Timeline};
use crate::keypoints::{self, Place};
use crate::pdq::Pdq;

/// Frames within so many bits of a mark show that it lasts: what encoders change in a picture that stands still.
const STILL_BITS: u32 = 6;
/// A mark does not last over a longer time without a frame.
const STILL_GAP_MS: u32 = 1_500;
/// Frames nearer in time than this to the one before are passed over, unless a scene begins.
const SPACING_MS: u32 = 240;
/// Marks with keypoints are so far apart at least where everything moves.
const KEYPOINTS_SPACING_MS: u32 = 1_000;
/// They are this far apart where little moves.
const KEYPOINTS_SPACING_SLOW_MS: u32 = 2_000;
/// Bits from the last mark with keypoints from which on much has moved, and little.
const MOVED_MUCH_BITS: u32 = 24;
const MOVED_LITTLE_BITS: u32 = 10;
/// Fewer keypoints of a mark are not worth keeping; long videos keep fewer of each mark down to this.
const FEW_KEYPOINTS: usize = 24;

pub(super) fn choose(frames: &[Frame], duration_ms: u32) -> Timeline {
    let mut in_order: Vec<&Frame> = frames.iter().collect();
    in_order.sort_by_key(|frame| frame.at_ms);
    let last_ms = in_order.last().map_or(0, |frame| frame.at_ms);
    // A long video is looked at less often, until it fits.
    let mut wider = 1;
    let mut runs = runs(&in_order, wider);
    while runs.len() > MARKS_MAX {
        wider *= 2;
        runs = self::runs(&in_order, wider);
    }
    keep_keypoints(&mut runs, wider);
    Timeline {
        duration_ms: duration_ms.max(last_ms),
        marks: runs.into_iter().map(|run| run.mark).collect(),
    }
}

/// A mark, and the frame that it was made from.
struct Run<'a> {
    mark: Mark,
    frame: &'a Frame,
}

fn runs<'a>(in_order: &[&'a Frame], wider: u32) -> Vec<Run<'a>> {
    let mut runs: Vec<Run<'a>> = Vec::new();
    let spacing = SPACING_MS.saturating_mul(wider);
    for &frame in in_order {
        if let Some(last) = runs.last_mut() {
            let since = frame.at_ms - last.mark.until_ms;
            let is_alike = frame.is_flat() == last.mark.is_flat()
                && (frame.is_flat() || frame.pdq.hash.distance(last.mark.pdq.hash) <= STILL_BITS);
            if is_alike && since <= STILL_GAP_MS {
                last.mark.until_ms = frame.at_ms;
                // The first frame of a picture may have come too soon after another to have keypoints.
                if !has_keypoints(last.frame) && has_keypoints(frame) {
                    last.frame = frame;
                }
                continue;
            }
            let begins_scene = frame.is_scene && wider == 1 && frame.at_ms > last.mark.at_ms;
            if since < spacing && !begins_scene {
                continue;
            }
        }
        runs.push(Run {
            mark: Mark {
                at_ms: frame.at_ms,
                until_ms: frame.at_ms,
                pdq: frame.pdq,
                keypoints: Vec::new(),
            },
            frame,
        });
    }
    runs
}

fn keep_keypoints(runs: &mut [Run<'_>], wider: u32) {
    let mut chosen = with_keypoints(runs, wider);
    let mut wider = wider;
    while chosen.len() * FEW_KEYPOINTS > KEYPOINTS_MAX {
        wider *= 2;
        chosen = with_keypoints(runs, wider);
    }
    let each = (KEYPOINTS_MAX / chosen.len().max(1)).min(MARK_KEYPOINTS_MAX);
    for at in chosen {
        if let Some(glimpse) = &runs[at].frame.glimpse {
            runs[at].mark.keypoints = kept(glimpse, each);
        }
    }
}

fn has_keypoints(frame: &Frame) -> bool {
    frame.glimpse.as_ref().is_some_and(|found| !found.keypoints.is_empty())
}

/// The runs whose keypoints are kept.
fn with_keypoints(runs: &[Run<'_>], wider: u32) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        if run.mark.is_flat() || !has_keypoints(run.frame) {
            continue;
        }
        let is_wanted = chosen.last().is_none_or(|&last| {
            let before = &runs[last].mark;
            let since = run.mark.at_ms - before.at_ms;
            let moved = run.mark.pdq.hash.distance(before.pdq.hash);
            let is_far = |spacing: u32, bits: u32| since >= spacing.saturating_mul(wider) && moved > bits;
            is_far(KEYPOINTS_SPACING_MS, MOVED_MUCH_BITS) || is_far(KEYPOINTS_SPACING_SLOW_MS, MOVED_LITTLE_BITS)
        });
        if is_wanted {
            chosen.push(at);
        }
    }
    chosen
}

/// The distinctive keypoints of a glimpse, placed as marks place them.
fn kept(glimpse: &Glimpse, max: usize) -> Vec<(Pdq, Place)> {
    let scale = MARK_SIDE / glimpse.longest();
    keypoints::distinctive(&glimpse.keypoints)
        .take(max)
        .map(|point| (point.code, point.place.scaled(scale)))
        .collect()
}
