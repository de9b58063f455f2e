//! How one picture lies in another, told from keypoints that look alike.
//!
//! Each pair of like keypoints says alone how the whole picture would have been moved, turned and resized (Lowe 2004). The pairs that agree with it
//! are counted; accidents do not agree.

use super::Place;
use std::f32::consts::{PI, TAU};

/// Two keypoints that look alike: one of the query, one of the entry.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// In the query.
    pub query: Place,
    /// In the entry.
    pub entry: Place,
    /// Which of the query's keypoints it is.
    pub query_at: usize,
    /// Which of the entry's keypoints it is.
    pub entry_at: usize,
    /// Whether they look alike in a mirror.
    pub is_mirrored: bool,
}

/// Where the entry lies in the query, and how many pairs say so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alignment {
    /// A point (x, y) of the entry lies at `a·x + b·y + c`, `d·x + e·y + f` of the query, in the order a b c d e f.
    pub affine: [f32; 6],
    /// Pairs that agree.
    pub agreeing: usize,
    /// Whether the entry is seen in a mirror.
    pub is_mirrored: bool,
}

/// How far from where it should be a keypoint may lie, in shares of the entry's longest side.
const MISPLACED_MAX: f32 = 0.04;
/// How much larger or smaller than it should be.
const SIZE_RATIO_MAX: f32 = 1.6;
/// How far from where it should point, in radians.
const TURNED_MAX: f32 = 0.5;

impl Alignment {
    /// Where a point of the entry lies in the query.
    pub fn to_query(&self, x: f32, y: f32) -> (f32, f32) {
        let [a, b, c, d, e, f] = self.affine;
        (a * x + b * y + c, d * x + e * y + f)
    }
}

/// The alignment with which most pairs agree, if at least two do. `longest` is the longest side of the entry.
pub fn align(pairs: &[Pair], longest: f32) -> Option<Alignment> {
    let mut best: Option<(Alignment, Vec<usize>)> = None;
    for pair in pairs {
        let guess = guess_of(pair);
        let agreeing = agreeing(pairs, &guess, longest);
        if best.as_ref().is_none_or(|(_, most)| agreeing.len() > most.len()) {
            best = Some((guess, agreeing));
        }
    }
    let (mut alignment, mut members) = best?;
    for _ in 0..3 {
        let Some(affine) = fit(pairs, &members, &alignment) else {
            break;
        };
        let refined = Alignment { affine, ..alignment };
        let more = agreeing(pairs, &refined, longest);
        if more.len() < members.len() {
            break;
        }
        (alignment, members) = (refined, more);
    }
    alignment.agreeing = members.len();
    (alignment.agreeing >= 2).then_some(alignment)
}

fn guess_of(pair: &Pair) -> Alignment {
    let scale = pair.query.sigma / pair.entry.sigma;
    // In a mirror the angle of the entry counts the other way.
    let (mirror, turn) = match pair.is_mirrored {
        false => (1.0, pair.query.direction - pair.entry.direction),
        true => (-1.0, pair.query.direction + pair.entry.direction),
    };
    let (sin, cos) = turn.sin_cos();
    let (a, b, d, e) = (scale * cos, -mirror * scale * sin, scale * sin, mirror * scale * cos);
    let (x, y) = (pair.entry.x, pair.entry.y);
    Alignment {
        affine: [a, b, pair.query.x - a * x - b * y, d, e, pair.query.y - d * x - e * y],
        agreeing: 1,
        is_mirrored: pair.is_mirrored,
    }
}

/// The pairs that agree; of each keypoint only the first counts.
fn agreeing(pairs: &[Pair], alignment: &Alignment, longest: f32) -> Vec<usize> {
    let [a, b, _, d, e, _] = alignment.affine;
    let scale = (a * e - b * d).abs().sqrt();
    let tolerance = (MISPLACED_MAX * longest * scale).max(2.0);
    let mut found: Vec<usize> = Vec::new();
    for (at, pair) in pairs.iter().enumerate() {
        if pair.is_mirrored != alignment.is_mirrored {
            continue;
        }
        let (x, y) = alignment.to_query(pair.entry.x, pair.entry.y);
        let away = (x - pair.query.x).hypot(y - pair.query.y);
        let ratio = pair.query.sigma / (pair.entry.sigma * scale);
        let (sin, cos) = pair.entry.direction.sin_cos();
        let expected = (d * cos + e * sin).atan2(a * cos + b * sin);
        let turned = ((pair.query.direction - expected + PI).rem_euclid(TAU) - PI).abs();
        let agrees = away <= tolerance && ratio < SIZE_RATIO_MAX && ratio > 1.0 / SIZE_RATIO_MAX && turned < TURNED_MAX;
        let is_first = || {
            found
                .iter()
                .all(|&other| pairs[other].entry_at != pair.entry_at && pairs[other].query_at != pair.query_at)
        };
        if agrees && is_first() {
            found.push(at);
        }
    }
    found
}

/// The affine map that fits these pairs best, or nothing if they do not say; never one that bends a picture out of all shape.
fn fit(pairs: &[Pair], members: &[usize], guess: &Alignment) -> Option<[f32; 6]> {
    if members.len() < 4 {
        return None;
    }
    let n = members.len() as f64;
    let mean = |of: fn(&Pair) -> f32| members.iter().map(|at| f64::from(of(&pairs[*at]))).sum::<f64>() / n;
    let (ex, ey) = (mean(|p| p.entry.x), mean(|p| p.entry.y));
    let (qx, qy) = (mean(|p| p.query.x), mean(|p| p.query.y));
    let (mut xx, mut xy, mut yy) = (0.0_f64, 0.0, 0.0);
    let (mut ux, mut uy, mut vx, mut vy) = (0.0_f64, 0.0, 0.0, 0.0);
    for at in members {
        let pair = &pairs[*at];
        let (x, y) = (f64::from(pair.entry.x) - ex, f64::from(pair.entry.y) - ey);
        let (u, v) = (f64::from(pair.query.x) - qx, f64::from(pair.query.y) - qy);
        xx += x * x;
        xy += x * y;
        yy += y * y;
        ux += u * x;
        uy += u * y;
        vx += v * x;
        vy += v * y;
    }
    let determinant = xx * yy - xy * xy;
    if determinant < 0.02 * (xx + yy).powi(2) {
        return None;
    }
    let (a, b) = ((ux * yy - uy * xy) / determinant, (uy * xx - ux * xy) / determinant);
    let (d, e) = ((vx * yy - vy * xy) / determinant, (vy * xx - vx * xy) / determinant);
    let affine = [a, b, qx - a * ex - b * ey, d, e, qy - d * ex - e * ey].map(|value| value as f32);
    let area = |m: &[f32; 6]| m[0] * m[4] - m[1] * m[3];
    let ratio = area(&affine) / area(&guess.affine);
    let (across, down) = (affine[0].hypot(affine[3]), affine[1].hypot(affine[4]));
    let is_sane = ratio > 0.4 && ratio < 2.5 && across < 2.5 * down && down < 2.5 * across;
    is_sane.then_some(affine)
}
