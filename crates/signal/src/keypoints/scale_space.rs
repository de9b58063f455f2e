//! Where a picture has blobs, and how large: extrema of differences of Gaussians (Lowe 2004).

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
#[derive(Clone)]
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

    #[inline(always)]
    fn blur(&self, sigma: f32) -> Self {
        let kernel = kernel(sigma);
        let reach = kernel.len() - 1;
        let (width, height) = (self.width, self.height);
        // Of rows blurred across only those are kept that rows to come are made of: they stay near the processor.
        let n_kept = 2 * reach + 1;
        let mut across = vec![0.0_f32; width * n_kept];
        let mut n_across = 0;
        let mut padded = vec![0.0_f32; width + 2 * reach];
        let mut values = vec![0.0_f32; width * height];
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
            let row = |y: usize| &across[y.min(height - 1) % n_kept * width..][..width];
            let beside = |distance| (row(y.saturating_sub(distance)), row(y + distance));
            weigh(&kernel, row(y), Sides::new(reach, beside).get(), out);
        }
        Self { width, height, values }
    }

    #[inline(always)]
    fn halve(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut values = Vec::with_capacity(width * height);
        for row in self.values.chunks_exact(self.width).step_by(2).take(height) {
            values.extend(row.iter().step_by(2).take(width));
        }
        Self { width, height, values }
    }

    #[inline(always)]
    fn minus(&self, other: &Self) -> Self {
        // Not collected: that is a function of its own, compiled for processors of any kind.
        let mut values = self.values.clone();
        for (value, other) in values.iter_mut().zip(&other.values) {
            *value -= other;
        }
        Self {
            width: self.width,
            height: self.height,
            values,
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
const TOGETHER: usize = 32;

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
    pub(super) fn new(picture: &Luma) -> Self {
        let mut values = vec![0.0; picture.pixels().len()];
        for (value, byte) in values.iter_mut().zip(picture.pixels()) {
            *value = f32::from(*byte);
        }
        let first = Plane {
            width: picture.width(),
            height: picture.height(),
            values,
        };
        let mut base = first.blur((SIGMA * SIGMA - SIGMA_OF_PHOTO * SIGMA_OF_PHOTO).sqrt());
        let step = 2.0_f32.powf(1.0 / SCALES as f32);
        let mut octaves = Vec::new();
        while base.width.min(base.height) >= SIDE_PIXELS_MIN {
            let mut levels = vec![base];
            for level in 1..SCALES + 3 {
                let before = SIGMA * step.powi(level as i32 - 1);
                let blurred = levels[level - 1].blur(before * (step * step - 1.0).sqrt());
                levels.push(blurred);
            }
            base = levels[SCALES].halve();
            octaves.push(levels);
        }
        Self { octaves }
    }

    /// All blobs, in no order that means anything.
    #[inline(always)]
    pub(super) fn blobs(&self) -> Vec<Blob> {
        let mut blobs = Vec::new();
        for (octave, levels) in self.octaves.iter().enumerate() {
            let differences: Vec<Plane> = levels.windows(2).map(|pair| pair[1].minus(&pair[0])).collect();
            for (at, three) in differences.windows(3).enumerate() {
                find_extrema(three, octave, at + 1, &mut blobs);
            }
        }
        blobs
    }
}

#[inline(always)]
fn find_extrema(planes: &[Plane], octave: usize, level: usize, blobs: &mut Vec<Blob>) {
    let [below, here, above] = planes else { return };
    let (width, height) = (here.width, here.height);
    let mut stand_out = vec![false; width];
    for y in 2..height.saturating_sub(2) {
        let row = |y: usize| &here.values[y * width..][..width];
        mark_extrema([row(y - 1), row(y), row(y + 1)], &mut stand_out);
        let mut inner = 2..width.saturating_sub(2);
        while let Some(x) = next_marked(&stand_out, &mut inner) {
            let value = here.at(x, y);
            let is_extreme = |plane: &Plane, with_middle: bool| {
                (y - 1..=y + 1).all(|ny| {
                    let row = &plane.values[ny * width + x - 1..][..3];
                    row.iter().enumerate().all(|(at, &other)| {
                        (!with_middle && ny == y && at == 1) || if value > 0.0 { other < value } else { other > value }
                    })
                })
            };
            if is_extreme(here, false) && is_extreme(below, true) && is_extreme(above, true) {
                blobs.extend(refine(below, here, above, x, y, octave, level));
            }
        }
    }
}

/// Values of which most are passed over at once.
const PASSED_OVER: usize = 32;

/// The next of these places that is marked; few are.
#[inline(always)]
fn next_marked(marked: &[bool], places: &mut std::ops::Range<usize>) -> Option<usize> {
    while places.start < places.end {
        let stretch = marked
            .get(places.start..)
            .and_then(<[bool]>::first_chunk::<PASSED_OVER>);
        if stretch.is_some_and(|stretch| !stretch.iter().fold(false, |any, one| any | one)) {
            places.start += PASSED_OVER;
            continue;
        }
        let at = places.start;
        places.start += 1;
        if marked[at] {
            return Some(at);
        }
    }
    None
}

/// Which values of the middle row stand out from the four beside them; all but a few are told so.
#[inline(always)]
fn mark_extrema([upper, middle, lower]: [&[f32]; 3], stand_out: &mut [bool]) {
    const THRESHOLD: f32 = 0.5 * CONTRAST_MIN;
    let Some(inner) = middle.len().checked_sub(2) else {
        return;
    };
    let (left, here, right) = (&middle[..inner], &middle[1..][..inner], &middle[2..][..inner]);
    let (upper, lower) = (&upper[1..][..inner], &lower[1..][..inner]);
    let out = &mut stand_out[1..][..inner];
    for at in 0..inner {
        let value = here[at];
        let is_high =
            (value > THRESHOLD) & (value > left[at]) & (value > right[at]) & (value > upper[at]) & (value > lower[at]);
        let is_low =
            (value < -THRESHOLD) & (value < left[at]) & (value < right[at]) & (value < upper[at]) & (value < lower[at]);
        out[at] = is_high | is_low;
    }
}

/// Where between the pixels and scales the extremum lies, by a parabola along each axis; nothing if it is weak or an edge.
#[inline(always)]
fn refine(below: &Plane, here: &Plane, above: &Plane, x: usize, y: usize, octave: usize, level: usize) -> Option<Blob> {
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
