//! What a blob's surroundings look like, in 256 bits that a turn, a change of size or of light leaves nearly alone.
//!
//! The surroundings are turned so that their strongest gradient points one way, and cut into 2 x 2, 3 x 3 and 4 x 4 cells. A bit says which of two
//! cells has the higher mean, or the steeper slope across or down (as the local difference binary does, Yang and Cheng 2012).

use super::scale_space::{Blob, Plane, ScaleSpace};
use crate::pdq::Pdq;
use std::f32::consts::TAU;
use std::sync::LazyLock;

/// Directions that are told apart when the strongest is sought.
const DIRECTIONS: usize = 36;
/// Samples on a side of the surroundings.
const SAMPLES: usize = 24;
/// Half a side of the surroundings, in multiples of the blob's sigma.
const REACH_SIGMAS: f32 = 6.0;
/// A direction this near the strongest makes a keypoint of its own.
const SECOND_SHARE: f32 = 0.8;
/// Directions of a blob at most.
const DIRECTIONS_MAX: usize = 2;
/// Cells on a side.
const GRIDS: [usize; 3] = [2, 3, 4];
const CELLS: usize = 4 + 9 + 16;
/// Mean, slope across, slope down.
const CHANNELS: usize = 3;

/// The directions of the strongest gradients around a blob, in radians.
#[inline(always)]
pub(super) fn directions(space: &ScaleSpace, blob: &Blob) -> Vec<f32> {
    let plane = &space.octaves[blob.octave][blob.level];
    let size = (1 << blob.octave) as f32;
    let (x, y, sigma) = (blob.x / size, blob.y / size, blob.sigma / size);
    let spread = 1.5 * sigma;
    let reach = (2.5 * spread).round() as isize;
    let (middle_x, middle_y) = (x.round() as isize, y.round() as isize);
    let mut histogram = [0.0_f32; DIRECTIONS];
    let (width, height) = (plane.width as isize, plane.height as isize);
    for ny in (middle_y - reach).max(1)..=(middle_y + reach).min(height - 2) {
        for nx in (middle_x - reach).max(1)..=(middle_x + reach).min(width - 2) {
            let (from_x, from_y) = (nx as f32 - x, ny as f32 - y);
            let away = (from_x * from_x + from_y * from_y) / (2.0 * spread * spread);
            if away > 3.0 {
                continue;
            }
            let at = (ny * width + nx) as usize;
            let across = plane.values[at + 1] - plane.values[at - 1];
            let down = plane.values[at + plane.width] - plane.values[at - plane.width];
            let weight = (1.0 - away / 3.0).powi(2) * (across * across + down * down).sqrt();
            let direction = angle(down, across) / TAU * DIRECTIONS as f32;
            let (bin, rest) = (direction as usize, direction.fract());
            histogram[bin % DIRECTIONS] += weight * (1.0 - rest);
            histogram[(bin + 1) % DIRECTIONS] += weight * rest;
        }
    }
    for _ in 0..2 {
        let before = histogram;
        for (at, value) in histogram.iter_mut().enumerate() {
            let (left, right) = (
                before[(at + DIRECTIONS - 1) % DIRECTIONS],
                before[(at + 1) % DIRECTIONS],
            );
            *value = 0.25 * (left + 2.0 * before[at] + right);
        }
    }
    let strongest = histogram.iter().copied().fold(0.0, f32::max);
    let mut peaks: Vec<(f32, f32)> = Vec::new();
    for (at, &value) in histogram.iter().enumerate() {
        let (left, right) = (
            histogram[(at + DIRECTIONS - 1) % DIRECTIONS],
            histogram[(at + 1) % DIRECTIONS],
        );
        if value > left && value >= right && value >= SECOND_SHARE * strongest {
            let offset = 0.5 * (left - right) / (left - 2.0 * value + right);
            peaks.push((value, (at as f32 + offset) / DIRECTIONS as f32 * TAU));
        }
    }
    peaks.sort_by(|a, b| b.0.total_cmp(&a.0));
    peaks.truncate(DIRECTIONS_MAX);
    peaks.into_iter().map(|(_, direction)| direction).collect()
}

/// The angle of a vector, 0 to 2π, to a hundredth of a radian.
#[inline(always)]
fn angle(y: f32, x: f32) -> f32 {
    let (ax, ay) = (x.abs(), y.abs());
    let ratio = ax.min(ay) / ax.max(ay).max(1e-12);
    let square = ratio * ratio;
    let mut angle = ((-0.046_496_475 * square + 0.159_314_22) * square - 0.327_622_76) * square * ratio + ratio;
    if ay > ax {
        angle = TAU / 4.0 - angle;
    }
    if x < 0.0 {
        angle = TAU / 2.0 - angle;
    }
    if y < 0.0 { TAU - angle } else { angle }
}

/// The code of the surroundings, and that of their mirror image (the axis of the direction stays, the other is turned round).
#[inline(always)]
pub(super) fn describe(space: &ScaleSpace, blob: &Blob, direction: f32) -> (Pdq, Pdq) {
    let plane = &space.octaves[blob.octave][blob.level];
    let cells = cells(&patch(plane, blob, direction));
    let mut mirrored = cells;
    let mut first = 0;
    for side in GRIDS {
        for row in 0..side {
            for column in 0..side {
                let [mean, across, down] = cells[first + (side - 1 - row) * side + column];
                mirrored[first + row * side + column] = [mean, across, -down];
            }
        }
        first += side * side;
    }
    (bits(&cells), bits(&mirrored))
}

#[inline(always)]
fn patch(plane: &Plane, blob: &Blob, direction: f32) -> [f32; SAMPLES * SAMPLES] {
    let size = (1 << blob.octave) as f32;
    let (x, y) = (blob.x / size, blob.y / size);
    let step = 2.0 * REACH_SIGMAS * blob.sigma / size / SAMPLES as f32;
    let (sin, cos) = direction.sin_cos();
    let mut patch = [0.0; SAMPLES * SAMPLES];
    // Corners lie furthest away.
    let reach = std::f32::consts::SQRT_2 * step * SAMPLES as f32 / 2.0;
    let is_inside = plane.has_around(x, y, reach);
    for (row, values) in patch.chunks_exact_mut(SAMPLES).enumerate() {
        let v = (row as f32 - (SAMPLES - 1) as f32 / 2.0) * step;
        for (column, value) in values.iter_mut().enumerate() {
            let u = (column as f32 - (SAMPLES - 1) as f32 / 2.0) * step;
            let (x, y) = (x + u * cos - v * sin, y + u * sin + v * cos);
            *value = match is_inside {
                true => plane.sample_inside(x, y),
                false => plane.sample(x, y),
            };
        }
    }
    patch
}

type Cells = [[f32; CHANNELS]; CELLS];

#[inline(always)]
fn cells(patch: &[f32; SAMPLES * SAMPLES]) -> Cells {
    // Cells of 2 x 2 samples first: those of all grids are made of them.
    const SMALL: usize = SAMPLES / 2;
    let at = |x: usize, y: usize| patch[y.min(SAMPLES - 1) * SAMPLES + x.min(SAMPLES - 1)];
    let mut small = [[0.0_f32; CHANNELS]; SMALL * SMALL];
    for (place, small) in small.iter_mut().enumerate() {
        let (x, y) = (2 * (place % SMALL), 2 * (place / SMALL));
        *small = [
            at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1),
            at(x + 2, y) + at(x + 2, y + 1) - at(x.saturating_sub(1), y) - at(x.saturating_sub(1), y + 1),
            at(x, y + 2) + at(x + 1, y + 2) - at(x, y.saturating_sub(1)) - at(x + 1, y.saturating_sub(1)),
        ];
    }
    let mut cells = [[0.0; CHANNELS]; CELLS];
    let mut first = 0;
    for side in GRIDS {
        let width = SMALL / side;
        for (place, small) in small.iter().enumerate() {
            let (x, y) = (place % SMALL / width, place / SMALL / width);
            for (sum, value) in cells[first + y * side + x].iter_mut().zip(small) {
                *sum += value;
            }
        }
        first += side * side;
    }
    cells
}

/// The two cells and the channel that each bit compares.
static COMPARISONS: LazyLock<Vec<(usize, usize, usize)>> = LazyLock::new(|| {
    let mut chosen = Vec::with_capacity(256);
    let mut rest = Vec::new();
    let mut first = 0;
    for side in GRIDS {
        let n = side * side;
        for a in 0..n {
            for b in a + 1..n {
                for channel in 0..CHANNELS {
                    let comparison = (first + a, first + b, channel);
                    if side < 4 {
                        chosen.push(comparison)
                    } else {
                        rest.push(comparison)
                    }
                }
            }
        }
        first += n;
    }
    // The finest grid has more than are needed: some of them, evenly.
    let mut state = 1_usize;
    while chosen.len() < 256 {
        state = (state * 48_271) % 0x7fff_ffff;
        chosen.push(rest.swap_remove(state % rest.len()));
    }
    chosen
});

#[inline(always)]
fn bits(cells: &Cells) -> Pdq {
    let mut words = [0_u64; 4];
    for (at, &(a, b, channel)) in COMPARISONS.iter().enumerate() {
        words[at / 64] |= u64::from(cells[a][channel] > cells[b][channel]) << (at % 64);
    }
    Pdq::from_words(words)
}
