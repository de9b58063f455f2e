//! Patterns: pictures of one small motif over and over, which keypoints take for copies of each other, since one knot of a weave looks
//! like any other. No two of a run are copies: measures, colours and the seed of their unevenness differ.
//!
//! None of them is in the benign sample. A platform whose sample holds patterns does better.

use crate::{
    chance::Chance,
    paint,
    photos::Half,
    picture::{self, Colour, Picture},
};

/// How dark or light a pattern is at a place, 0–1, in units of its motif.
type Motif = fn(f64, f64) -> f64;

const MOTIFS: [(&str, Motif); 7] = [
    ("weave", weave),
    ("tiles", tiles),
    ("bricks", bricks),
    ("dots", dots),
    ("stripes", stripes),
    ("checks", checks),
    ("waves", waves),
];

/// Names of the motifs.
pub fn motifs() -> impl Iterator<Item = &'static str> {
    MOTIFS.iter().map(|(name, _)| *name)
}

/// Which motif the `n`-th pattern repeats.
pub fn motif_of(n: usize) -> usize {
    n % MOTIFS.len()
}

/// The `n`-th pattern of a half.
pub fn pattern(half: Half, n: usize) -> Picture {
    let (name, motif) = MOTIFS[motif_of(n)];
    let mut chance = Chance::of(&["pattern", half.as_str(), name], n as u64);
    let sizes = [(480, 480), (600, 400), (400, 500), (640, 360)];
    let (width, height) = *chance.pick(&sizes);
    let period = chance.between(12.0, 60.0);
    let angle = chance.between(-0.2, 0.2);
    let phase = (chance.share(), chance.share());
    let (dark, light): (Colour, Colour) = (
        [0; 3].map(|_: u8| chance.between(10.0, 110.0) as u8),
        [0; 3].map(|_: u8| chance.between(140.0, 250.0) as u8),
    );
    // As photographed: light from one side, and grain.
    let (slope, grain) = (chance.between(-0.15, 0.15), chance.between(0.0, 0.03));
    let (sin, cos) = angle.sin_cos();
    let mut page = Picture::filled(width, height, dark);
    for y in 0..height {
        for x in 0..width {
            let (across, down) = (x as f64 / period, y as f64 / period);
            let (u, v) = (across * cos + down * sin + phase.0, down * cos - across * sin + phase.1);
            let lit = motif(u, v) + slope * (x as f64 / width as f64 - 0.5) + grain * chance.normal();
            let lit = lit.clamp(0.0, 1.0);
            let mix = |dark: u8, light: u8| {
                picture::byte((f64::from(dark) + lit * (f64::from(light) - f64::from(dark))) as f32)
            };
            page.mix(x as isize, y as isize, [0, 1, 2].map(|n| mix(dark[n], light[n])), 1.0);
        }
    }
    // What every pattern has that someone photographed: something that lies on it, somewhere, and differs from picture to picture.
    let radius = chance.between(0.02, 0.06) * width as f64;
    let middle = (chance.share() * width as f64, chance.share() * height as f64);
    let colour = chance.colour();
    paint::disc(&mut page, middle, radius, colour);
    page
}

fn part(x: f64) -> f64 {
    x - x.floor()
}

fn is_odd(x: f64) -> bool {
    (x.floor() as i64).rem_euclid(2) == 1
}

/// Threads over and under each other.
fn weave(u: f64, v: f64) -> f64 {
    let across = is_odd(u) == is_odd(v);
    let bulge = |x: f64| (part(x) * std::f64::consts::PI).sin();
    if across {
        0.2 + 0.8 * bulge(v)
    } else {
        0.15 + 0.6 * bulge(u)
    }
}

fn tiles(u: f64, v: f64) -> f64 {
    let is_gap = |x: f64| part(x) < 0.08;
    if is_gap(u) || is_gap(v) {
        0.1
    } else {
        0.75 + 0.25 * part(u) * part(v)
    }
}

fn bricks(u: f64, v: f64) -> f64 {
    let shifted = if is_odd(v) { u / 2.0 + 0.5 } else { u / 2.0 };
    if part(v) < 0.12 || part(shifted) < 0.06 {
        0.9
    } else {
        0.3
    }
}

fn dots(u: f64, v: f64) -> f64 {
    let (x, y) = (part(u) - 0.5, part(v) - 0.5);
    if x.hypot(y) < 0.28 { 1.0 } else { 0.1 }
}

fn stripes(u: f64, _: f64) -> f64 {
    if part(u) < 0.5 { 0.9 } else { 0.2 }
}

fn checks(u: f64, v: f64) -> f64 {
    0.5 * f64::from(u8::from(is_odd(u))) + 0.5 * f64::from(u8::from(is_odd(v)))
}

fn waves(u: f64, v: f64) -> f64 {
    0.5 + 0.5 * (std::f64::consts::TAU * (v + 0.3 * (std::f64::consts::TAU * u / 2.0).sin())).sin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_drawn_again_as_they_were_and_differ_from_each_other() {
        let first = pattern(Half::HeldOut, 0);
        assert!(first == pattern(Half::HeldOut, 0));
        assert!(
            first != pattern(Half::HeldOut, MOTIFS.len()),
            "another of the same motif"
        );
        assert!(first != pattern(Half::Tuning, 0), "the other half's");
    }
}
