//! Where a picture has blobs, and how large: extrema of differences of Gaussians (Lowe 2004).

use super::memory::Memory;
use crate::luma::Luma;

/// Scales to a doubling of the size.
const SCALES: usize = 3;
/// Blur of the first image of an octave, in its pixels.
const SIGMA: f32 = 1.6;
/// Blur that a photo has of itself.
const SIGMA_OF_PHOTO: f32 = 0.6;
/// Octaves end when a side is shorter.
const SIDE_PIXELS_MIN: usize = 20;
/// Contrast, of 255, below which a blob is noise.
const CONTRAST_MIN: f32 = 1.5;
/// Ratio of curvatures above which a blob is an edge.
const EDGE_RATIO_MAX: f32 = 12.0;

/// Grey values with fractions.
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<f32>,
}

/// A blob: place and size in pixels of the picture, strength of its contrast.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blob {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) sigma: f32,
    pub(super) contrast: f32,
    /// Where its surroundings are blurred as befits it.
    pub(super) octave: usize,
    pub(super) level: usize,
}

/// A picture, blurred more and more.
pub(super) struct ScaleSpace {
    /// For each octave the blurred images; each octave has half the size of the one before.
    pub(super) octaves: Vec<Vec<Plane>>,
}

impl Plane {
    #[inline(always)]
    fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.width + x]
    }

    /// The value at a place between pixels, that of the edge beyond it.
    #[inline(always)]
    pub(super) fn sample(&self, x: f32, y: f32) -> f32 {
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (fx, fy) = (x - left as f32, y - top as f32);
        let upper = self.at(left, top) + fx * (self.at(right, top) - self.at(left, top));
        let lower = self.at(left, bottom) + fx * (self.at(right, bottom) - self.at(left, bottom));
        upper + fy * (lower - upper)
    }

    /// The same for a place that lies inside by more than a pixel.
    #[inline(always)]
    pub(super) fn sample_inside(&self, x: f32, y: f32) -> f32 {
        let (left, top) = (x as usize, y as usize);
        let (fx, fy) = (x - left as f32, y - top as f32);
        let at = top * self.width + left;
        let (Some([upper_left, upper_right]), Some([lower_left, lower_right])) = (
            self.values[at..].first_chunk::<2>(),
            self.values[at + self.width..].first_chunk::<2>(),
        ) else {
            unreachable!("it lies inside")
        };
        let upper = upper_left + fx * (upper_right - upper_left);
        let lower = lower_left + fx * (lower_right - lower_left);
        upper + fy * (lower - upper)
    }

    /// Whether all within a reach of a place lies inside by more than a pixel.
    #[inline(always)]
    pub(super) fn has_around(&self, x: f32, y: f32, reach: f32) -> bool {
        let is_inside = |at: f32, side: usize| at - reach > 1.0 && at + reach < side as f32 - 2.0;
        is_inside(x, self.width) && is_inside(y, self.height)
    }

    #[inline(always)]
    fn blur(&self, sigma: f32, memory: &mut Memory) -> Self {
        let kernel = kernel(sigma);
        let reach = kernel.len() - 1;
        let (width, height) = (self.width, self.height);
        // Of rows blurred across only those are kept that rows to come are made of: they stay near the processor.
        let n_kept = 2 * reach + 1;
        let last_slot = (height - 1) % n_kept;
        let mut across = memory.take(width * n_kept);
        let mut n_across = 0;
        let mut padded = memory.take(width + 2 * reach);
        let mut values = memory.take(width * height);
        for (y, out) in values.chunks_exact_mut(width).enumerate() {
            while n_across <= (y + reach).min(height - 1) {
                let row = &self.values[n_across * width..][..width];
                padded[..reach].fill(row[0]);
                padded[reach..reach + width].copy_from_slice(row);
                padded[reach + width..].fill(row[width - 1]);
                let beside = |distance| {
                    (
                        &padded[reach - distance..][..width],
                        &padded[reach + distance..][..width],
                    )
                };
                let kept = &mut across[n_across % n_kept * width..][..width];
                weigh(&kernel, row, Sides::new(reach, beside).get(), kept);
                n_across += 1;
            }
            let kept = |slot: usize| &across[slot * width..][..width];
            // Round the ring without dividing.
            let wrapped = |slot: usize| if slot < n_kept { slot } else { slot - n_kept };
            let slot = y % n_kept;
            let beside = |distance| {
                let above = if distance <= y {
                    wrapped(slot + n_kept - distance)
                } else {
                    0
                };
                let below = if y + distance < height {
                    wrapped(slot + distance)
                } else {
                    last_slot
                };
                (kept(above), kept(below))
            };
            weigh(&kernel, kept(slot), Sides::new(reach, beside).get(), out);
        }
        memory.give_back(across);
        memory.give_back(padded);
        Self { width, height, values }
    }

    #[inline(always)]
    fn halve(&self, memory: &mut Memory) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut values = memory.take(width * height);
        let rows = self.values.chunks_exact(self.width).step_by(2);
        for (out, row) in values.chunks_exact_mut(width).zip(rows) {
            for (value, pair) in out.iter_mut().zip(row.as_chunks::<2>().0) {
                *value = pair[0];
            }
        }
        Self { width, height, values }
    }
}

/// What one blurred image has that the next one has not: the second less the first.
#[derive(Clone, Copy)]
struct Difference<'a> {
    finer: &'a Plane,
    coarser: &'a Plane,
}

impl Difference<'_> {
    #[inline(always)]
    fn at(self, x: usize, y: usize) -> f32 {
        self.coarser.at(x, y) - self.finer.at(x, y)
    }

    /// Whether all around a place is less than a value above nothing, or more than one below.
    #[inline(always)]
    fn is_beyond(self, value: f32, x: usize, y: usize) -> bool {
        let width = self.finer.width;
        let mut n_beyond = 0;
        for y in y - 1..=y + 1 {
            let at = y * width + x - 1;
            let (Some(coarser), Some(finer)) = (
                self.coarser.values[at..].first_chunk::<3>(),
                self.finer.values[at..].first_chunk::<3>(),
            ) else {
                return false;
            };
            for (coarser, finer) in coarser.iter().zip(finer) {
                let other = coarser - finer;
                n_beyond += u32::from(if value > 0.0 { other < value } else { other > value });
            }
        }
        n_beyond == 9
    }

    #[inline(always)]
    fn write_row(self, y: usize, out: &mut [f32]) {
        let width = self.finer.width;
        let rows = (
            &self.coarser.values[y * width..][..width],
            &self.finer.values[y * width..][..width],
        );
        for (out, (coarser, finer)) in out.iter_mut().zip(rows.0.iter().zip(rows.1)) {
            *out = coarser - finer;
        }
    }
}

/// Pairs of lines beside one, the nearest first.
struct Sides<'a> {
    pairs: [Pair<'a>; REACH_MAX],
    reach: usize,
}

type Pair<'a> = (&'a [f32], &'a [f32]);

/// The widest kernel reaches so far to each side.
const REACH_MAX: usize = 16;

impl<'a> Sides<'a> {
    #[inline(always)]
    fn new(reach: usize, beside: impl Fn(usize) -> Pair<'a>) -> Self {
        let nothing: &[f32] = &[];
        let mut pairs = [(nothing, nothing); REACH_MAX];
        for (at, pair) in pairs.iter_mut().take(reach).enumerate() {
            *pair = beside(at + 1);
        }
        Self { pairs, reach }
    }

    #[inline(always)]
    fn get(&self) -> &[Pair<'a>] {
        &self.pairs[..self.reach.min(REACH_MAX)]
    }
}

/// Values whose sums are kept in registers together.
const TOGETHER: usize = 64;

/// Writes the weighted sums of a line and of the lines to its two sides, the nearest first.
#[inline(always)]
fn weigh(kernel: &[f32], middle: &[f32], pairs: &[(&[f32], &[f32])], out: &mut [f32]) {
    let n = out.len();
    let Some(last) = n.checked_sub(TOGETHER) else {
        for (x, out) in out.iter_mut().enumerate() {
            let sides = kernel[1..].iter().zip(pairs);
            *out = sides.fold(kernel[0] * middle[x], |sum, (weight, (left, right))| {
                sum + weight * (left[x] + right[x])
            });
        }
        return;
    };
    // The last stretch reaches back over the one before it instead of past the end.
    for start in (0..last).step_by(TOGETHER).chain([last]) {
        let mut sums = [0.0_f32; TOGETHER];
        for (sum, value) in sums.iter_mut().zip(stretch(middle, start)) {
            *sum = kernel[0] * value;
        }
        for (weight, (left, right)) in kernel[1..].iter().zip(pairs) {
            let pairs = stretch(left, start).iter().zip(stretch(right, start));
            for (sum, (left, right)) in sums.iter_mut().zip(pairs) {
                *sum += weight * (left + right);
            }
        }
        out[start..start + TOGETHER].copy_from_slice(&sums);
    }
}

/// So many values of a line from here on. There must be as many.
#[inline(always)]
fn stretch(line: &[f32], start: usize) -> &[f32; TOGETHER] {
    match line[start..].first_chunk() {
        Some(values) => values,
        None => unreachable!("stretches end where the line does"),
    }
}

/// The middle and one side of a Gaussian.
fn kernel(sigma: f32) -> Vec<f32> {
    let reach = ((3.0 * sigma).ceil() as usize).min(REACH_MAX);
    let mut kernel: Vec<f32> = (0..=reach)
        .map(|at| (-0.5 * (at as f32 / sigma).powi(2)).exp())
        .collect();
    let sum = 2.0 * kernel.iter().sum::<f32>() - kernel[0];
    kernel.iter_mut().for_each(|weight| *weight /= sum);
    kernel
}

impl ScaleSpace {
    #[inline(always)]
    pub(super) fn new(picture: &Luma, memory: &mut Memory) -> Self {
        let mut values = memory.take(picture.pixels().len());
        for (value, byte) in values.iter_mut().zip(picture.pixels()) {
            *value = f32::from(*byte);
        }
        let first = Plane {
            width: picture.width(),
            height: picture.height(),
            values,
        };
        let mut base = first.blur((SIGMA * SIGMA - SIGMA_OF_PHOTO * SIGMA_OF_PHOTO).sqrt(), memory);
        memory.give_back(first.values);
        let step = 2.0_f32.powf(1.0 / SCALES as f32);
        let mut octaves = Vec::new();
        while base.width.min(base.height) >= SIDE_PIXELS_MIN {
            let mut levels = vec![base];
            for level in 1..SCALES + 3 {
                let before = SIGMA * step.powi(level as i32 - 1);
                let blurred = levels[level - 1].blur(before * (step * step - 1.0).sqrt(), memory);
                levels.push(blurred);
            }
            base = levels[SCALES].halve(memory);
            octaves.push(levels);
        }
        memory.give_back(base.values);
        Self { octaves }
    }

    /// Gives back what it took.
    pub(super) fn end(self, memory: &mut Memory) {
        for plane in self.octaves.into_iter().flatten() {
            memory.give_back(plane.values);
        }
    }

    /// All blobs, in no order that means anything.
    #[inline(always)]
    pub(super) fn blobs(&self, memory: &mut Memory) -> Vec<Blob> {
        let mut blobs = Vec::new();
        for (octave, levels) in self.octaves.iter().enumerate() {
            for (at, four) in levels.array_windows::<4>().enumerate() {
                find_extrema(four, octave, at + 1, &mut blobs, memory);
            }
        }
        blobs
    }
}

/// Rows of a difference that are made at a time.
const ROWS: usize = 3;

#[inline(always)]
fn find_extrema(planes: &[Plane; 4], octave: usize, level: usize, blobs: &mut Vec<Blob>, memory: &mut Memory) {
    let [below, here, above] = [0, 1, 2].map(|at| Difference {
        finer: &planes[at],
        coarser: &planes[at + 1],
    });
    let (width, height) = (planes[0].width, planes[0].height);
    let mut rows = memory.take(ROWS * width);
    // Beyond the row's end nothing is marked.
    let mut stand_out = vec![false; width + MARKS];
    for y in 1..height.saturating_sub(2).min(3) {
        here.write_row(y, &mut rows[y % ROWS * width..][..width]);
    }
    for y in 2..height.saturating_sub(2) {
        here.write_row(y + 1, &mut rows[(y + 1) % ROWS * width..][..width]);
        let row = |y: usize| &rows[y % ROWS * width..][..width];
        mark_extrema([row(y - 1), row(y), row(y + 1)], &mut stand_out[..width]);
        let mut next = 2;
        while let Some(x) = next_marked(&stand_out, next).filter(|x| x + 2 < width) {
            next = x + 1;
            let value = here.at(x, y);
            if below.is_beyond(value, x, y) && above.is_beyond(value, x, y) {
                blobs.extend(refine(below, here, above, x, y, octave, level));
            }
        }
    }
    memory.give_back(rows);
}

/// Marks that are looked at together.
const MARKS: usize = 8;

/// The next place from here on that is marked; few are. There are marks to the end of the last eight.
#[inline(always)]
fn next_marked(marked: &[bool], from: usize) -> Option<usize> {
    let mut start = from;
    while let Some(marks) = marked.get(start..).and_then(<[bool]>::first_chunk::<MARKS>) {
        let bits = u64::from_le_bytes(marks.map(u8::from));
        if bits != 0 {
            return Some(start + bits.trailing_zeros() as usize / MARKS);
        }
        start += MARKS;
    }
    None
}

/// Which values of the middle row stand out from the eight around them; all but a few are told so.
#[inline(always)]
fn mark_extrema([upper, middle, lower]: [&[f32]; 3], stand_out: &mut [bool]) {
    const THRESHOLD: f32 = 0.5 * CONTRAST_MIN;
    let Some(inner) = middle.len().checked_sub(2) else {
        return;
    };
    let out = &mut stand_out[1..][..inner];
    let around = [
        part(upper, 0, inner),
        part(upper, 1, inner),
        part(upper, 2, inner),
        part(middle, 0, inner),
        part(middle, 2, inner),
        part(lower, 0, inner),
        part(lower, 1, inner),
        part(lower, 2, inner),
    ];
    let here = part(middle, 1, inner);
    for at in 0..inner {
        let value = here[at];
        let (mut is_high, mut is_low) = (value > THRESHOLD, value < -THRESHOLD);
        for other in around {
            is_high &= value > other[at];
            is_low &= value < other[at];
        }
        out[at] = is_high | is_low;
    }
}

#[inline(always)]
fn part(row: &[f32], from: usize, n: usize) -> &[f32] {
    &row[from..][..n]
}

/// Where between the pixels and scales the extremum lies, by a parabola along each axis; nothing if it is weak or an edge.
#[inline(always)]
fn refine(
    below: Difference<'_>,
    here: Difference<'_>,
    above: Difference<'_>,
    x: usize,
    y: usize,
    octave: usize,
    level: usize,
) -> Option<Blob> {
    let value = here.at(x, y);
    let (left, right) = (here.at(x - 1, y), here.at(x + 1, y));
    let (up, down) = (here.at(x, y - 1), here.at(x, y + 1));
    let (finer, coarser) = (below.at(x, y), above.at(x, y));
    let dxx = left + right - 2.0 * value;
    let dyy = up + down - 2.0 * value;
    let dss = finer + coarser - 2.0 * value;
    let dxy = 0.25 * (here.at(x + 1, y + 1) - here.at(x - 1, y + 1) - here.at(x + 1, y - 1) + here.at(x - 1, y - 1));
    let (trace, determinant) = (dxx + dyy, dxx * dyy - dxy * dxy);
    if determinant <= 0.0 || trace * trace * EDGE_RATIO_MAX >= (EDGE_RATIO_MAX + 1.0).powi(2) * determinant {
        return None;
    }
    let offset = |before: f32, after: f32, curvature: f32| (0.5 * (before - after) / curvature).clamp(-0.5, 0.5);
    let (dx, dy, ds) = (
        offset(left, right, dxx),
        offset(up, down, dyy),
        offset(finer, coarser, dss),
    );
    let contrast = (value + 0.25 * ((right - left) * dx + (down - up) * dy + (coarser - finer) * ds)).abs();
    if contrast < CONTRAST_MIN {
        return None;
    }
    let size = (1 << octave) as f32;
    Some(Blob {
        x: (x as f32 + dx) * size,
        y: (y as f32 + dy) * size,
        sigma: SIGMA * 2.0_f32.powf((level as f32 + ds) / SCALES as f32) * size,
        contrast,
        octave,
        level,
    })
}
