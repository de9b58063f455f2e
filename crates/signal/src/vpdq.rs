//! vPDQ: the exchange format of video hashes, and the percentages by which its makers compare them.
//!
//! A video is a list of features: hash, quality and moment of one frame each second, or of every frame. Two forms of it are published, and both are read and written:
//! a JSON list of texts `hash,quality,seconds` (python-threatexchange, Hasher-Matcher-Actioner), and lines `frame,quality,hash,seconds`
//! (the C++ tools). The comparison is a bag of frames that knows nothing of time; ours, which does, is [`crate::video`].

use crate::pdq::{ParsePdqError, Pdq, PdqSignal};
use crate::video::{Frame, Timeline};
use std::collections::HashSet;
use std::fmt::Write as _;

/// Features of one video: three and a half hours of every frame at thirty a second.
pub const FEATURES_MAX: usize = 400_000;
/// Bits within which two frames are the same, by vPDQ's makers.
pub const DISTANCE_MAX: u32 = 31;
/// Quality below which a frame is not compared, by vPDQ's makers.
pub const QUALITY_MIN: u8 = 50;

/// One frame of a video as vPDQ tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Feature {
    /// Its number among the frames of the video, where the form tells it.
    pub number: Option<u64>,
    /// Hash and quality of the whole frame.
    pub pdq: PdqSignal,
    /// When it is shown.
    pub at_ms: u32,
}

/// A text is not a video's hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseVpdqError {
    /// It begins like JSON and is none, or not a list of texts.
    #[error("a vPDQ hash is a JSON list of texts, and no text has an escape in it")]
    Json,
    /// A feature has too few or too many parts.
    #[error("feature {at} has {found} parts, `hash,quality,seconds` has 3 and `frame,quality,hash,seconds` has 4")]
    Parts {
        /// Which, from 0.
        at: usize,
        /// Parts that were found.
        found: usize,
    },
    /// A feature's hash is none.
    #[error("feature {at}: {source}")]
    Hash {
        /// Which, from 0.
        at: usize,
        /// What is wrong with it.
        source: ParsePdqError,
    },
    /// A feature's quality is not a whole number from 0 to 100.
    #[error("feature {at} has a quality that is not a whole number from 0 to 100")]
    Quality {
        /// Which, from 0.
        at: usize,
    },
    /// A feature's moment is not a number of seconds.
    #[error("feature {at} has a time stamp that is not a number of seconds")]
    Time {
        /// Which, from 0.
        at: usize,
    },
    /// A feature's frame number is not a whole number.
    #[error("feature {at} has a frame number that is not a whole number")]
    Number {
        /// Which, from 0.
        at: usize,
    },
    /// There are more features than [`FEATURES_MAX`].
    #[error("a vPDQ hash has at most {FEATURES_MAX} features")]
    TooMany,
    /// There is no feature.
    #[error("a vPDQ hash has at least one feature")]
    Empty,
}

/// Reads either form.
pub fn parse(text: &str) -> Result<Vec<Feature>, ParseVpdqError> {
    let text = text.trim();
    let mut features = Vec::new();
    let mut add = |line: &str| {
        if features.len() >= FEATURES_MAX {
            return Err(ParseVpdqError::TooMany);
        }
        features.push(feature(line, features.len())?);
        Ok(())
    };
    if text.starts_with('[') {
        for line in texts(text) {
            add(line.ok_or(ParseVpdqError::Json)?)?;
        }
    } else {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            add(line)?;
        }
    }
    match features.is_empty() {
        true => Err(ParseVpdqError::Empty),
        false => Ok(features),
    }
}

/// The texts of a JSON list, then `None` if it is not one. There is nothing to escape in a feature.
fn texts(list: &str) -> impl Iterator<Item = Option<&str>> {
    let inside = list
        .strip_prefix('[')
        .and_then(|list| list.trim_end().strip_suffix(']'));
    // What is left to read: `Some(None)` after something that cannot be read, `None` after the end.
    let mut rest = Some(inside.map(str::trim));
    let mut is_first = true;
    std::iter::from_fn(move || {
        let left = rest.take()?;
        if left == Some("") {
            return None;
        }
        let text = match is_first {
            true => left,
            false => left.and_then(|left| left.strip_prefix(',')).map(str::trim_start),
        };
        is_first = false;
        let parts = text
            .and_then(|text| text.strip_prefix('"'))
            .and_then(|text| text.split_once('"'));
        let parts = parts.filter(|(text, _)| !text.contains('\\'));
        rest = parts.map(|(_, rest)| Some(rest.trim_start()));
        Some(parts.map(|(text, _)| text))
    })
}

fn feature(line: &str, at: usize) -> Result<Feature, ParseVpdqError> {
    let parts: Vec<&str> = line.split(',').map(str::trim).collect();
    let (number, hash, quality, seconds) = match parts[..] {
        [hash, quality, seconds] => (None, hash, quality, seconds),
        [number, quality, hash, seconds] => (Some(number), hash, quality, seconds),
        _ => return Err(ParseVpdqError::Parts { at, found: parts.len() }),
    };
    let number = number.map(str::parse).transpose();
    let quality = quality.parse().ok().filter(|quality| *quality <= 100);
    // Python writes a hundred seconds as `1e+02`.
    let seconds: Option<f64> = seconds.parse().ok();
    let at_ms = seconds.map(|seconds| (seconds * 1000.0).round());
    let at_ms = at_ms.filter(|at_ms| (0.0..=f64::from(u32::MAX)).contains(at_ms));
    Ok(Feature {
        number: number.map_err(|_| ParseVpdqError::Number { at })?,
        pdq: PdqSignal {
            hash: hash.parse().map_err(|source| ParseVpdqError::Hash { at, source })?,
            quality: quality.ok_or(ParseVpdqError::Quality { at })?,
        },
        at_ms: at_ms.ok_or(ParseVpdqError::Time { at })? as u32,
    })
}

/// The JSON list. Seconds are written with up to three decimals, where python-threatexchange rounds to three digits; it reads both.
pub fn to_json(features: &[Feature]) -> String {
    let mut text = String::from("[");
    for (at, feature) in features.iter().enumerate() {
        let separator = if at == 0 { "" } else { ", " };
        let PdqSignal { hash, quality } = feature.pdq;
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}\"{hash},{quality},{}\"", seconds(feature.at_ms));
    }
    text.push(']');
    text
}

/// The lines of the C++ tools. Features without a number are numbered by their place.
pub fn to_lines(features: &[Feature]) -> String {
    let mut text = String::new();
    for (at, feature) in features.iter().enumerate() {
        let PdqSignal { hash, quality } = feature.pdq;
        let (number, ms) = (feature.number.unwrap_or(at as u64), feature.at_ms);
        let _ = writeln!(text, "{number},{quality},{hash},{}.{:03}", ms / 1000, ms % 1000);
    }
    text
}

/// Seconds with at least one decimal and no zero at the end beyond it.
fn seconds(ms: u32) -> String {
    let all = format!("{}.{:03}", ms / 1000, ms % 1000);
    let short = all.trim_end_matches('0');
    match short.ends_with('.') {
        true => format!("{short}0"),
        false => short.to_owned(),
    }
}

/// The features of a video of which frames were sampled: those that vPDQ takes. It tells a frame's moment by its number and the video's frames a second; where
/// nobody knows those (0), by when it is really shown.
pub fn of_frames(frames: &[Frame], frame_rate: f64) -> Vec<Feature> {
    let taken = frames.iter().filter(|frame| frame.is_vpdq);
    let features = taken.map(|frame| {
        let nominal_ms = frame.number as f64 * 1000.0 / frame_rate;
        Feature {
            number: Some(frame.number),
            pdq: frame.pdq,
            at_ms: match nominal_ms.is_finite() {
                true => nominal_ms.round() as u32,
                false => frame.at_ms,
            },
        }
    });
    features.collect()
}

/// Features as frames to look up: bare hashes, in order of time, in whatever order they came.
pub fn to_frames(features: &[Feature]) -> Vec<Frame> {
    let frames = features.iter().enumerate().map(|(at, feature)| Frame {
        at_ms: feature.at_ms,
        number: feature.number.unwrap_or(at as u64),
        is_scene: false,
        is_vpdq: true,
        pdq: feature.pdq,
        glimpse: None,
    });
    let mut frames: Vec<Frame> = frames.collect();
    frames.sort_by_key(|frame| frame.at_ms);
    frames
}

/// What is kept of a video of which only this is known: marks without keypoints.
pub fn to_timeline(features: &[Feature]) -> Timeline {
    let last_ms = features.iter().map(|feature| feature.at_ms).max().unwrap_or(0);
    Timeline::of(&to_frames(features), last_ms)
}

/// Features of a video of which only its time line was kept: one a second, as far as its marks say.
pub fn of_timeline(timeline: &Timeline) -> Vec<Feature> {
    let mut features = Vec::new();
    let mut marks = timeline.marks.iter().peekable();
    let mut shown = None;
    for second in 0..=timeline.duration_ms / 1000 {
        let at_ms = second * 1000;
        while let Some(mark) = marks.next_if(|mark| mark.at_ms <= at_ms) {
            shown = Some(mark);
        }
        let Some(mark) = shown.filter(|mark| at_ms <= mark.until_ms.saturating_add(1000)) else {
            continue;
        };
        features.push(Feature {
            number: None,
            pdq: mark.pdq,
            at_ms,
        });
    }
    features
}

/// How much of two videos is in the other, in percent of their frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percentages {
    /// Frames of the query that the target has.
    pub query: f64,
    /// Frames of the target that the query has.
    pub target: f64,
}

/// The comparison of python-threatexchange and of vPDQ's description: each hash once, those of less quality left out, the same within `distance_max` bits. `None`
/// if nothing is left of one of them (python-threatexchange divides by zero).
pub fn compare(query: &[Feature], target: &[Feature], distance_max: u32, quality_min: u8) -> Option<Percentages> {
    percentages(&unique(query, quality_min), &unique(target, quality_min), distance_max)
}

/// The comparison of the C++ tools: every feature counts, and the same means less than `distance` bits.
pub fn compare_all(query: &[Feature], target: &[Feature], distance: u32, quality_min: u8) -> Option<Percentages> {
    let good = |features: &[Feature]| -> Vec<Pdq> {
        let good = features.iter().filter(|feature| feature.pdq.quality >= quality_min);
        good.map(|feature| feature.pdq.hash).collect()
    };
    percentages(&good(query), &good(target), distance.checked_sub(1)?)
}

/// Each hash where it stands first, if it is good enough there.
fn unique(features: &[Feature], quality_min: u8) -> Vec<Pdq> {
    let mut seen = HashSet::new();
    let first = features.iter().filter(|feature| seen.insert(feature.pdq.hash));
    first
        .filter(|feature| feature.pdq.quality >= quality_min)
        .map(|feature| feature.pdq.hash)
        .collect()
}

fn percentages(query: &[Pdq], target: &[Pdq], distance_max: u32) -> Option<Percentages> {
    if query.is_empty() || target.is_empty() {
        return None;
    }
    let mut in_query = vec![false; target.len()];
    let mut n_query = 0_usize;
    for hash in query {
        let mut is_found = false;
        for (other, seen) in target.iter().zip(&mut in_query) {
            if hash.distance(*other) <= distance_max {
                is_found = true;
                *seen = true;
            }
        }
        n_query += usize::from(is_found);
    }
    let n_target = in_query.iter().filter(|seen| **seen).count();
    Some(Percentages {
        query: n_query as f64 * 100.0 / query.len() as f64,
        target: n_target as f64 * 100.0 / target.len() as f64,
    })
}

#[cfg(test)]
mod tests;
