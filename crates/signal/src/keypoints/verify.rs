//! The second look: is what keypoints claim to be the same really the same, pixel by pixel?
//!
//! The query is laid onto the entry as the alignment says, and both are compared block by block. Text cards of one layout share frames and
//! letters but not blocks of text; a copy shares nearly all blocks but those under a logo or caption.

use super::align::Alignment;
use crate::luma::Luma;

/// Side of a block, in pixels of the entry's picture.
const BLOCK: usize = 12;
/// How far a block may have slipped, in pixels of the entry's picture.
const SLIP: isize = 2;
/// Standard deviation of grey below which a block shows nothing.
const TEXTURE_MIN: f32 = 3.0;
/// Pixels to each side whose mean is the light of a place.
const AROUND: usize = 3;
/// Correlation from which on two blocks show the same.
const ALIKE_MIN: f32 = 0.7;

/// What the second look found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// Blocks of the entry that show something and lie inside the query.
    pub compared: usize,
    /// Those of them that are alike.
    pub alike: usize,
    /// Share of the entry that lies inside the query, 0 to 1.
    pub overlap: f32,
}

impl Likeness {
    /// Share of the compared blocks that are alike, 0 to 1.
    pub fn share(&self) -> f32 {
        self.alike as f32 / self.compared.max(1) as f32
    }
}

/// Compares an entry's picture with the query that it is said to lie in.
pub fn compare(entry: &Luma, query: &Luma, alignment: &Alignment) -> Likeness {
    let (width, height) = (entry.width(), entry.height());
    // The query as the entry would look: a margin lets blocks slip.
    let margin = SLIP as usize;
    let (wide, tall) = (width + 2 * margin, height + 2 * margin);
    let [a, b, _, d, e, _] = alignment.affine;
    let step = (a * e - b * d).abs().sqrt();
    let n_samples = (step.round() as usize).clamp(1, 4);
    let mut laid = vec![0.0_f32; wide * tall];
    let mut inside = vec![false; wide * tall];
    for y in 0..tall {
        for x in 0..wide {
            let mut sum = 0.0;
            let mut is_inside = true;
            for sy in 0..n_samples {
                for sx in 0..n_samples {
                    let along =
                        |at: usize, sub: usize| at as f32 - margin as f32 + (sub as f32 + 0.5) / n_samples as f32;
                    let (qx, qy) = alignment.to_query(along(x, sx), along(y, sy));
                    let (qx, qy) = (qx - 0.5, qy - 0.5);
                    is_inside &= qx >= -0.5
                        && qy >= -0.5
                        && qx <= query.width() as f32 - 0.5
                        && qy <= query.height() as f32 - 0.5;
                    sum += sample(query, qx, qy);
                }
            }
            laid[y * wide + x] = sum / (n_samples * n_samples) as f32;
            inside[y * wide + x] = is_inside;
        }
    }
    let laid = without_light(&laid, wide, tall);
    let shown: Vec<f32> = entry.pixels().iter().map(|grey| f32::from(*grey)).collect();
    let shown = without_light(&shown, width, height);
    let (mut compared, mut alike) = (0, 0);
    let n_inside = (0..height)
        .map(|y| {
            let row = &inside[(y + margin) * wide + margin..][..width];
            row.iter().filter(|is_inside| **is_inside).count()
        })
        .sum::<usize>();
    for top in (0..height.saturating_sub(BLOCK - 1)).step_by(BLOCK) {
        for left in (0..width.saturating_sub(BLOCK - 1)).step_by(BLOCK) {
            let block = Block::of(&shown[top * width + left..], width);
            let all_inside = (0..BLOCK).all(|y| {
                inside[(top + margin + y) * wide + left + margin..][..BLOCK]
                    .iter()
                    .all(|is_inside| *is_inside)
            });
            if !all_inside || block.deviation < TEXTURE_MIN {
                continue;
            }
            compared += 1;
            let slips = (-SLIP..=SLIP).flat_map(|down| (-SLIP..=SLIP).map(move |across| (across, down)));
            let best = slips
                .map(|(across, down)| {
                    let x = (left + margin).saturating_add_signed(across);
                    let y = (top + margin).saturating_add_signed(down);
                    block.correlation(&laid[y * wide + x..], wide)
                })
                .fold(-1.0, f32::max);
            alike += usize::from(best >= ALIKE_MIN);
        }
    }
    Likeness {
        compared,
        alike,
        overlap: n_inside as f32 / (width * height) as f32,
    }
}

/// A block less its mean.
struct Block {
    values: [f32; BLOCK * BLOCK],
    deviation: f32,
}

impl Block {
    fn of(shown: &[f32], stride: usize) -> Self {
        let mut values = [0.0; BLOCK * BLOCK];
        for (row, shown) in values.chunks_exact_mut(BLOCK).zip(shown.chunks(stride)) {
            row.copy_from_slice(&shown[..BLOCK]);
        }
        let n = (BLOCK * BLOCK) as f32;
        let mean = values.iter().sum::<f32>() / n;
        values.iter_mut().for_each(|value| *value -= mean);
        let deviation = (values.iter().map(|value| value * value).sum::<f32>() / n).sqrt();
        Self { values, deviation }
    }

    /// With the block at the beginning of `other`, whose rows are `stride` apart: -1 to 1.
    fn correlation(&self, other: &[f32], stride: usize) -> f32 {
        let n = (BLOCK * BLOCK) as f32;
        let (mut sum, mut squares, mut product) = (0.0_f32, 0.0, 0.0);
        for (row, values) in self.values.chunks_exact(BLOCK).enumerate() {
            for (value, other) in values.iter().zip(&other[row * stride..][..BLOCK]) {
                sum += other;
                squares += other * other;
                product += value * other;
            }
        }
        let deviation = (squares / n - (sum / n).powi(2)).max(0.0).sqrt();
        product / n / (self.deviation * deviation).max(1e-6)
    }
}

/// What is left when the mean of the surroundings is taken away: strokes and edges, not which stretch is light and which is dark. Lines of text on a card
/// are all dark stretches; only their strokes differ.
pub(super) fn without_light(values: &[f32], width: usize, height: usize) -> Vec<f32> {
    let around = |place: usize, n: usize| place.saturating_sub(AROUND)..(place + AROUND + 1).min(n);
    let mut across = vec![0.0_f32; values.len()];
    for (row, means) in values.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
        for (x, mean) in means.iter_mut().enumerate() {
            let near = &row[around(x, width)];
            *mean = near.iter().sum::<f32>() / near.len() as f32;
        }
    }
    let mut left = values.to_vec();
    for (y, row) in left.chunks_exact_mut(width).enumerate() {
        let near = around(y, height);
        let share = 1.0 / near.len() as f32;
        for means in across[near.start * width..near.end * width].chunks_exact(width) {
            for (value, mean) in row.iter_mut().zip(means) {
                *value -= share * mean;
            }
        }
    }
    left
}

fn sample(picture: &Luma, x: f32, y: f32) -> f32 {
    let x = x.clamp(0.0, (picture.width() - 1) as f32);
    let y = y.clamp(0.0, (picture.height() - 1) as f32);
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(picture.width() - 1), (top + 1).min(picture.height() - 1));
    let (fx, fy) = (x - left as f32, y - top as f32);
    let at = |x: usize, y: usize| f32::from(picture.row(y)[x]);
    let upper = at(left, top) + fx * (at(right, top) - at(left, top));
    let lower = at(left, bottom) + fx * (at(right, bottom) - at(left, bottom));
    upper + fy * (lower - upper)
}
