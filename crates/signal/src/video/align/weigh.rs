//! What a vote is worth: how much likelier a copy makes it than chance does.
//!
//! Chance has two faces. Footage that has nothing to do with an entry looks so like one of its frames now and then; how often is known once and for all
//! ([`Likeness::chance`]). Footage in the layout of the entry, the same studio, the same cards with other words, looks like all of its frames, always; how like,
//! the frame itself tells, by how like it is to moments of the entry far from this one. Where this one lies among those is turned into odds that a bet
//! against it would pay, so that they may be multiplied along a line (Shafer, Shen, Vereshchagin and Vovk, 2011: k p^(k - 1)).

use super::{Point, Subject, Vote};
use std::sync::atomic::{AtomicU32, Ordering};

/// Share of a copy's frames that are recognised, if it was edited much.
const HIT_RATE: f32 = 0.3;
/// Power of the odds against a layout: the least that tell, and the most that can be lost by one picture.
const BET_POWER: f32 = 0.3;
/// Moments of an entry so far apart are two.
const ELSEWHERE_MS: u32 = 10_000;
/// Marks within so many bits are one picture, wherever they stand: that both are as like says nothing of a layout.
const SAME_PICTURE_BITS: u32 = 10;
/// Spread of bits among the moments of a layout, where nothing is known of it.
const BITS_SPREAD: f32 = 3.0;
/// That of keypoints, as a share of the root of their mean: less than chance would spread them, as a layout's own are always there.
const PLACES_SPREAD: f32 = 0.6;
/// As many moments count what is expected of the spread.
const EXPECTED_WEIGHT: f32 = 4.0;
/// And it is never less than this share of what is expected.
const SPREAD_SHARE_MIN: f32 = 0.8;
/// So many moments that are alike are a layout.
const LAYOUT_MOMENTS: f32 = 8.0;
/// A near hash that more than this share of the entry's layout would have is no sign of its own.
const NEAR_LAYOUT_MAX: f32 = 1e-3;
/// Moments of an entry that a line passes within its tolerance of a frame: the likest of them counts, so that a share is as many times as easily had.
const MOMENTS_NEAR: f32 = 3.0;
/// The least chance that is believed.
const CHANCE_MIN: f32 = 1e-9;
/// Votes of one frame for one entry that are kept, the likeliest: a layout's are as many as its moments, and all of them were weighed.
const VOTES_OF_FRAME: usize = 16;

/// How like a frame is to a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Likeness {
    /// Bits between the mark's hash and that of the nearest view; [`crate::Pdq::BITS`] if none is near.
    pub bits: u32,
    /// Keypoints that lie alike.
    pub places: u32,
}

/// A vote with what it is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighed {
    /// Which of the query's frames.
    pub frame: u32,
    /// Which of the entry's marks.
    pub mark: u32,
    /// Whether they look alike in a mirror.
    pub is_mirrored: bool,
    /// Decimal logarithm of the odds of a copy, against the likelier of chance's two faces.
    pub odds: f32,
    /// A hash as near as a match asks, which the layout does not explain.
    pub is_near: bool,
    /// Other moments of the entry look like the frame too.
    pub is_in_layout: bool,
}

impl Likeness {
    /// Nothing alike.
    pub const NONE: Self = Self {
        bits: crate::Pdq::BITS,
        places: 0,
    };

    /// Both kinds of evidence for one mark, each at its best.
    pub fn or(self, other: Self) -> Self {
        Self {
            bits: self.bits.min(other.bits),
            places: self.places.max(other.places),
        }
    }

    /// How likely a frame of footage that has nothing to do with a mark is to look so like it; `None` if the likeness says nothing.
    pub fn chance(self) -> Option<f32> {
        let by_bits = chance_of_distance(self.bits);
        let by_places = chance_of_places(self.places);
        match (by_bits, by_places) {
            (Some(bits), Some(places)) => Some(bits.min(places)),
            (one, other) => one.or(other),
        }
    }
}

/// Of a view's hash so many bits from a mark's.
fn chance_of_distance(bits: u32) -> Option<f32> {
    match bits {
        0..=15 => Some(1e-5),
        16..=23 => Some(3e-5),
        24..=31 => Some(1e-4),
        32..=40 => Some(1e-3),
        41..=48 => Some(1e-2),
        _ => None,
    }
}

/// Of so many keypoints that lie as a mark's do.
fn chance_of_places(places: u32) -> Option<f32> {
    match places {
        0..=3 => None,
        4 => Some(3e-2),
        5 => Some(3e-3),
        6..=8 => Some(3e-4),
        9..=14 => Some(3e-5),
        15.. => Some(1e-5),
    }
}

/// How many moments of an entry lie elsewhere than each of its marks and show something else; counted when it is first asked for.
#[derive(Debug)]
pub struct Moments(Box<[AtomicU32]>);

const NOT_COUNTED: u32 = u32::MAX;

impl Moments {
    /// Of an entry with so many marks.
    pub fn new(n_marks: usize) -> Self {
        Self((0..n_marks).map(|_| AtomicU32::new(NOT_COUNTED)).collect())
    }

    fn elsewhere(&self, mark: usize, points: &[Point]) -> usize {
        let here = &points[mark];
        let count = || {
            points
                .iter()
                .filter(|point| !point.is_mute && is_elsewhere(here, point))
                .count()
        };
        let Some(kept) = self.0.get(mark) else {
            return count();
        };
        let known = kept.load(Ordering::Relaxed);
        if known != NOT_COUNTED {
            return known as usize;
        }
        let n = count();
        // Whoever counts at the same time counts the same.
        kept.store(n as u32, Ordering::Relaxed);
        n
    }
}

fn is_elsewhere(here: &Point, point: &Point) -> bool {
    point.at_ms.abs_diff(here.at_ms) > ELSEWHERE_MS && point.hash.distance(here.hash) > SAME_PICTURE_BITS
}

/// What the votes of one frame for one entry are worth, against each other and against chance: the likeliest, in order of marks. Votes for marks that
/// are not there or mute count for nothing.
pub fn weigh(of_frame: &[Vote], subject: Subject<'_>) -> Vec<Weighed> {
    let is_seen = |vote: &&Vote| {
        subject
            .points
            .get(vote.mark as usize)
            .is_some_and(|point| !point.is_mute)
    };
    let of_frame: Vec<Vote> = of_frame.iter().filter(is_seen).copied().collect();
    let weighed = of_frame.iter().filter_map(|vote| weighed(vote, &of_frame, subject));
    let mut weighed: Vec<Weighed> = weighed.collect();
    if weighed.len() > VOTES_OF_FRAME {
        weighed.sort_by(|a, b| b.odds.total_cmp(&a.odds).then(a.mark.cmp(&b.mark)));
        weighed.truncate(VOTES_OF_FRAME);
    }
    weighed.sort_by_key(|vote| (vote.mark, vote.is_mirrored));
    weighed
}

fn weighed(vote: &Vote, of_frame: &[Vote], subject: Subject<'_>) -> Option<Weighed> {
    let points = subject.points;
    let here = points[vote.mark as usize];
    let (mut bits, mut places) = (Vec::new(), Vec::new());
    for other in of_frame {
        if other.is_mirrored == vote.is_mirrored && is_elsewhere(&here, &points[other.mark as usize]) {
            bits.extend(chance_of_distance(other.likeness.bits).map(|_| alike(other.likeness.bits)));
            places.extend(chance_of_places(other.likeness.places).map(|_| other.likeness.places as f32));
        }
    }
    let n_moments = match (bits.is_empty(), places.is_empty()) {
        (true, true) => 0,
        _ => subject.moments.elsewhere(vote.mark as usize, points),
    };
    let shares = [
        share_above(alike(vote.likeness.bits), &bits, n_moments, |_| BITS_SPREAD),
        share_above(vote.likeness.places as f32, &places, n_moments, |mean| {
            PLACES_SPREAD * mean.sqrt()
        }),
    ];
    let chances = [
        chance_of_distance(vote.likeness.bits),
        chance_of_places(vote.likeness.places),
    ];
    // Whichever tells more. A layout that shows in one of the two tells nothing against the other.
    let odds = chances.into_iter().zip(shares).filter_map(|(chance, share)| {
        let by_chance = (HIT_RATE / chance?.max(subject.background).max(CHANCE_MIN)).log10();
        Some(share.map_or(by_chance, |share| by_chance.min(bet(share))))
    });
    Some(Weighed {
        frame: vote.frame,
        mark: vote.mark,
        is_mirrored: vote.is_mirrored,
        odds: odds.reduce(f32::max)?,
        is_in_layout: shares.iter().any(Option::is_some),
        is_near: vote.is_near() && shares[0].is_none_or(|share| share <= NEAR_LAYOUT_MAX),
    })
}

fn alike(bits: u32) -> f32 {
    crate::Pdq::BITS.saturating_sub(bits) as f32
}

/// Decimal logarithm of the odds that a share pays: its mean over all shares is one.
fn bet(share: f32) -> f32 {
    BET_POWER.log10() + (BET_POWER - 1.0) * share.max(CHANCE_MIN).log10()
}

/// Share of the moments of a layout that would be as like as this, when these are the most alike of the entry's others; `None` if none is alike. `expected_spread`
/// is that around a mean where nothing is known of it.
fn share_above(likeness: f32, others: &[f32], n_moments: usize, expected_spread: impl Fn(f32) -> f32) -> Option<f32> {
    if others.is_empty() {
        return None;
    }
    let n = others.len() as f32;
    let mean = others.iter().sum::<f32>() / n;
    let squares: f32 = others.iter().map(|other| (other - mean).powi(2)).sum();
    let expected = expected_spread(mean);
    let degrees = n + EXPECTED_WEIGHT;
    let spread = ((squares + EXPECTED_WEIGHT * expected.powi(2)) / degrees).sqrt();
    let spread = spread.max(expected * SPREAD_SHARE_MIN) * (1.0 + 1.0 / n).sqrt();
    // A few that are alike are accidents, as rare elsewhere as here; many are a layout, and may come in the same rhythm.
    let in_layout = (n / n_moments.max(1) as f32).max(n / LAYOUT_MOMENTS).min(1.0);
    Some((MOMENTS_NEAR * in_layout * student_tail((likeness - mean) / spread, degrees)).min(1.0))
}

/// Chance that a variable of Student's distribution lies above a value, by the normal one that Wallace (1959) puts beside it.
fn student_tail(t: f32, degrees: f32) -> f32 {
    let shrunk = (8.0 * degrees + 1.0) / (8.0 * degrees + 3.0);
    let z = shrunk * (degrees * (t * t / degrees).ln_1p()).sqrt();
    let tail = normal_tail(z);
    if t >= 0.0 { tail } else { 1.0 - tail }
}

/// Chance that a normal variable lies above a value that is not negative, within a tenth of it (Karagiannidis and Lioumpas, 2007).
fn normal_tail(z: f32) -> f32 {
    if z < 1e-3 {
        return 0.5;
    }
    let root = 2.0_f32.sqrt();
    let x = z / root;
    0.5 * (1.0 - (-1.98 * x).exp()) * (-x * x).exp() / (1.135 * std::f32::consts::PI.sqrt() * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_the_tables() {
        // Published tables of the normal and of Student's distribution.
        for (z, known) in [
            (0.0, 0.5),
            (0.5, 0.308_5),
            (1.0, 0.158_7),
            (2.0, 0.022_75),
            (3.0, 0.001_35),
            (4.0, 3.167e-5),
        ] {
            let tail = normal_tail(z);
            assert!((tail / known - 1.0).abs() < 0.1, "{z}: {tail}");
        }
        for (t, degrees, known) in [
            (2.015, 5.0, 0.05),
            (4.032, 5.0, 0.005),
            (2.764, 10.0, 0.01),
            (4.144, 10.0, 0.001),
            (-2.015, 5.0, 0.95),
        ] {
            let tail = student_tail(t, degrees);
            assert!((tail / known - 1.0).abs() < 0.06, "{t} {degrees}: {tail}");
        }
    }

    #[test]
    fn odds_against_a_layout_are_a_fair_bet() {
        // Whatever share comes up, as often as it should: the mean gain is one.
        let n = 200_000;
        let sum: f64 = (0..n)
            .map(|at| 10_f64.powf(f64::from(bet((at as f32 + 0.5) / n as f32))))
            .sum();
        assert!((0.9..=1.0).contains(&(sum / f64::from(n))), "{}", sum / f64::from(n));
    }
}
