//! Patterns: pictures of one motif over and over, a weave, a chessboard, a wall of bricks. Any two of a motif agree, keypoint for keypoint and block for block, once one is
//! laid onto the other; that they do is no sign of a copy.

use super::align::Alignment;
use super::verify;
use crate::luma::Luma;

/// Shortest and longest shift that is tried, in pixels of the entry's picture: a motif is smaller than that, or is seen too seldom to matter.
const SHIFT_MIN: isize = 4;
const SHIFT_MAX: isize = 44;
/// Every how many pixels are compared, across and down, to find likely shifts.
const STRIDE: usize = 2;
/// Shifts whose blocks are looked at.
const SHIFTS_LOOKED_AT: usize = 4;
/// Correlation of the whole from which on a shift is looked at.
const PROMISING: f32 = 0.25;
/// How much less alike it must be half-way.
const DIP: f32 = 0.5;
/// Share of the blocks that look like the block one motif on, in percent, from which on a picture is a pattern.
const ALIKE_PERCENT: usize = 70;
/// Blocks that must be compared for that.
const COMPARED_MIN: usize = 8;

/// Whether a picture looks like itself, moved.
pub fn repeats(picture: &Luma) -> bool {
    let (width, height) = (picture.width(), picture.height());
    let greys: Vec<f32> = picture.pixels().iter().map(|grey| f32::from(*grey)).collect();
    let shown = verify::without_light(&greys, width, height);
    let reach = |side: usize| SHIFT_MAX.min(side as isize / 3);
    let mut shifts: Vec<(f32, isize, isize)> = Vec::new();
    for down in 0..=reach(height) {
        for across in -reach(width)..=reach(width) {
            if across.abs().max(down) < SHIFT_MIN || (down == 0 && across < 0) {
                continue;
            }
            let alike = correlation(&shown, width, height, across, down);
            // Half-way a pattern is unlike itself; what is merely smooth is not.
            if alike >= PROMISING && correlation(&shown, width, height, across / 2, down / 2) <= alike * DIP {
                shifts.push((alike, across, down));
            }
        }
    }
    shifts.sort_by(|a, b| b.0.total_cmp(&a.0));
    shifts.into_iter().take(SHIFTS_LOOKED_AT).any(|(_, across, down)| {
        let moved = Alignment {
            affine: [1.0, 0.0, across as f32, 0.0, 1.0, down as f32],
            agreeing: 0,
            is_mirrored: false,
        };
        let found = verify::compare(picture, picture, &moved);
        found.compared >= COMPARED_MIN && found.alike * 100 >= found.compared * ALIKE_PERCENT
    })
}

/// Of a picture with itself, so far to the right and down: -1 to 1.
fn correlation(shown: &[f32], width: usize, height: usize, across: isize, down: isize) -> f32 {
    let left = 0.max(-across) as usize;
    let right = width - 0.max(across) as usize;
    let (mut product, mut here_squared, mut there_squared) = (0.0_f32, 0.0_f32, 0.0_f32);
    for y in (0..height - down as usize).step_by(STRIDE) {
        let here = &shown[y * width + left..y * width + right];
        let there = &shown[(y + down as usize) * width..][..width];
        let there = &there[left.saturating_add_signed(across)..][..here.len()];
        for (here, there) in here.iter().zip(there).step_by(STRIDE) {
            product += here * there;
            here_squared += here * here;
            there_squared += there * there;
        }
    }
    product / (here_squared * there_squared).sqrt().max(1e-3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawn;

    fn drawn_by(width: usize, height: usize, grey: impl Fn(f32, f32) -> f32) -> Luma {
        let pixels =
            (0..width * height).map(|at| grey((at % width) as f32, (at / width) as f32).clamp(0.0, 255.0) as u8);
        Luma::new(width, height, pixels.collect()).unwrap()
    }

    #[test]
    fn patterns_repeat() {
        let turned =
            |x: f32, y: f32, angle: f32| (x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin());
        for period in [7.0_f32, 11.0, 18.0, 26.0] {
            for angle in [0.0_f32, 0.15] {
                let checks = drawn_by(160, 110, |x, y| {
                    let (u, v) = turned(x, y, angle);
                    if ((u / period).floor() + (v / period).floor()).rem_euclid(2.0) < 1.0 {
                        40.0
                    } else {
                        210.0
                    }
                });
                assert!(repeats(&checks), "checks {period} {angle}");
                let waves = drawn_by(120, 160, |x, y| {
                    let (u, v) = turned(x, y, angle);
                    128.0 + 90.0 * ((v + 0.3 * period * (u / period).sin()) * std::f32::consts::TAU / period).sin()
                });
                assert!(repeats(&waves), "waves {period} {angle}");
            }
        }
    }

    #[test]
    fn other_pictures_do_not() {
        for seed in 0..40 {
            assert!(!repeats(&drawn::photo(160, 120, seed)), "{seed}");
            assert!(!repeats(&drawn::text(160, 120, seed)), "{seed}");
        }
        assert!(!repeats(&drawn_by(160, 120, |_, _| 128.0)));
        assert!(!repeats(&drawn_by(8, 8, |x, y| x * y)));
        assert!(!repeats(&drawn_by(1, 1, |_, _| 0.0)));
    }
}
