//! The thumbnail in the reference's own order of `f32` operations, row by row in little memory.
//!
//! The blur is a running mean along each row, then down each column, and both once more. A mean's window is
//! `ceil(side / 128)` pixels, cut short at the edges. Sums are carried from pixel to pixel, so the order of additions makes
//! the last bits. But rows do not touch each other in the first step, nor columns in the second: eight rows go side by
//! side, a column keeps only the rows inside its window, and of the second column mean only the 64 columns that stay are
//! made at all.

use super::spectrum::Thumbnail;

/// Rows whose running means are made side by side.
const LANES: usize = 8;

/// One column of a block of rows.
type Lanes = [f32; LANES];

/// Length of a running mean's window along a side, in pixels.
pub(super) fn window(side: usize) -> usize {
    side.div_ceil(128)
}

/// How many pixels a window reaches past its centre.
pub(super) fn reach(window: usize) -> usize {
    window / 2
}

/// How many pixels a window begins before its centre.
pub(super) fn before(window: usize) -> usize {
    window - 1 - reach(window)
}

/// The pixel that stands for point `n` of 64 along a side: the one at the centre of its 64th.
pub(super) fn centre(n: usize, side: usize) -> usize {
    ((2 * n + 1) * side) / 128
}

/// The thumbnail of interleaved pixels with `CHANNELS` bytes each: 3 for RGB, 1 for luma.
pub(super) fn thumbnail<const CHANNELS: usize>(width: usize, height: usize, pixels: &[u8]) -> Thumbnail {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "a function compiled for features of this processor")]
        // SAFETY: the processor has the feature that the function is compiled for.
        return unsafe { thumbnail_avx2::<CHANNELS>(width, height, pixels) };
    }
    thumbnail_portable::<CHANNELS>(width, height, pixels)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn thumbnail_avx2<const CHANNELS: usize>(width: usize, height: usize, pixels: &[u8]) -> Thumbnail {
    thumbnail_portable::<CHANNELS>(width, height, pixels)
}

#[inline(always)]
fn thumbnail_portable<const CHANNELS: usize>(width: usize, height: usize, pixels: &[u8]) -> Thumbnail {
    let rows = pixels.chunks_exact(width * CHANNELS);
    if (width, height) == (64, 64) {
        // Nothing to thin, so the reference does not blur either.
        let mut thumbnail = [[0.0; 64]; 64];
        for (points, row) in thumbnail.iter_mut().zip(rows) {
            for (point, pixel) in points.iter_mut().zip(row.as_chunks::<CHANNELS>().0) {
                *point = luma(pixel);
            }
        }
        return thumbnail;
    }

    let mut block = vec![[0.0; LANES]; width];
    let mut means = vec![[0.0; LANES]; width];
    let mut first = ColumnMean::new(width, height);
    let mut second = Second::new(width, height);
    for (row, pixels) in rows.enumerate() {
        let lane = row % LANES;
        for (column, pixel) in block.iter_mut().zip(pixels.as_chunks::<CHANNELS>().0) {
            column[lane] = luma(pixel);
        }
        if lane == LANES - 1 || row == height - 1 {
            row_mean(&block, |x, mean| means[x] = mean);
            for lane in 0..=lane {
                if first.enter(means.iter().map(|column| column[lane])) {
                    second.push(first.leave());
                }
            }
        }
    }
    for _ in 0..first.after {
        second.push(first.leave());
    }
    second.finish()
}

/// The grey level of a pixel, rounded as the reference's sum of `f64` products rounds: no sum of thousandths lies so near to
/// the middle between two `f32` that the errors of the products could carry it over.
#[inline(always)]
fn luma<const CHANNELS: usize>(pixel: &[u8; CHANNELS]) -> f32 {
    match *pixel.as_slice() {
        [red, green, blue] => (299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue)) as f32 / 1000.0,
        _ => f32::from(pixel[0]),
    }
}

/// The running means of eight rows, handed out column by column.
#[inline(always)]
fn row_mean(rows: &[Lanes], mut mean: impl FnMut(usize, Lanes)) {
    let width = rows.len();
    let window = window(width);
    let after = reach(window);
    let growing = window - after;
    let mut sum = [0.0; LANES];
    for enters in &rows[..after] {
        add(&mut sum, enters);
    }
    for (x, enters) in rows[after..window].iter().enumerate() {
        add(&mut sum, enters);
        mean(x, sum.map(|sum| sum / (after + x + 1) as f32));
    }
    for (x, (enters, leaves)) in rows[window..].iter().zip(rows).enumerate() {
        add(&mut sum, enters);
        subtract(&mut sum, leaves);
        mean(growing + x, sum.map(|sum| sum / window as f32));
    }
    for (x, leaves) in rows[width - window..width - growing].iter().enumerate() {
        subtract(&mut sum, leaves);
        mean(width - after + x, sum.map(|sum| sum / (window - x - 1) as f32));
    }
}

#[inline(always)]
fn add(sum: &mut Lanes, numbers: &Lanes) {
    for (sum, number) in sum.iter_mut().zip(numbers) {
        *sum += number;
    }
}

#[inline(always)]
fn subtract(sum: &mut Lanes, numbers: &Lanes) {
    for (sum, number) in sum.iter_mut().zip(numbers) {
        *sum -= number;
    }
}

/// The running mean of every column, fed with one row after another.
struct ColumnMean {
    height: usize,
    window: usize,
    after: usize,
    /// The sum inside each column's window.
    sums: Vec<f32>,
    /// The last `window` rows that entered; row `n` at place `n % window`.
    ring: Vec<f32>,
    rows_entered: usize,
    rows_left: usize,
    means: Vec<f32>,
}

impl ColumnMean {
    fn new(width: usize, height: usize) -> Self {
        let window = window(height);
        Self {
            height,
            window,
            after: reach(window),
            sums: vec![0.0; width],
            ring: vec![0.0; width * window],
            rows_entered: 0,
            rows_left: 0,
            means: vec![0.0; width],
        }
    }

    /// Takes the next row. Returns whether a row of means can leave for it.
    #[inline(always)]
    fn enter(&mut self, row: impl Iterator<Item = f32>) -> bool {
        let width = self.sums.len();
        // The row that leaves the window stands where the new one will.
        let slots = &mut self.ring[self.rows_entered % self.window * width..][..width];
        if self.rows_entered < self.window {
            for ((sum, slot), enters) in self.sums.iter_mut().zip(slots).zip(row) {
                *sum += enters;
                *slot = enters;
            }
        } else {
            for ((sum, slot), enters) in self.sums.iter_mut().zip(slots).zip(row) {
                *sum += enters;
                *sum -= *slot;
                *slot = enters;
            }
        }
        self.rows_entered += 1;
        self.rows_entered > self.after
    }

    /// The next row of means. After the last row has entered, as many are still to leave as the window reaches ahead.
    #[inline(always)]
    fn leave(&mut self) -> &[f32] {
        let width = self.sums.len();
        let row = self.rows_left;
        let before = before(self.window);
        if row + self.after >= self.height {
            let leaves = &self.ring[(row - before - 1) % self.window * width..][..width];
            for (sum, leaves) in self.sums.iter_mut().zip(leaves) {
                *sum -= leaves;
            }
        }
        let in_window = (row + self.after + 1).min(self.height) - row.saturating_sub(before);
        for (mean, sum) in self.means.iter_mut().zip(&self.sums) {
            *mean = sum / in_window as f32;
        }
        self.rows_left += 1;
        &self.means
    }
}

/// The second blur and the thinning.
struct Second {
    height: usize,
    block: Vec<Lanes>,
    filled: usize,
    /// The columns that stay.
    centres: [usize; 64],
    columns: ColumnMean,
    thumbnail: Thumbnail,
    points_done: usize,
}

impl Second {
    fn new(width: usize, height: usize) -> Self {
        Self {
            height,
            block: vec![[0.0; LANES]; width],
            filled: 0,
            centres: std::array::from_fn(|point| centre(point, width)),
            columns: ColumnMean::new(64, height),
            thumbnail: [[0.0; 64]; 64],
            points_done: 0,
        }
    }

    #[inline(always)]
    fn push(&mut self, row: &[f32]) {
        for (column, value) in self.block.iter_mut().zip(row) {
            column[self.filled] = *value;
        }
        self.filled += 1;
        if self.filled == LANES {
            self.blur();
        }
    }

    #[inline(always)]
    fn blur(&mut self) {
        let mut kept = [[0.0; LANES]; 64];
        let mut point = 0;
        row_mean(&self.block, |x, mean| {
            // A small picture lends one column to several points.
            while point < 64 && self.centres[point] == x {
                kept[point] = mean;
                point += 1;
            }
        });
        for lane in 0..std::mem::take(&mut self.filled) {
            if self.columns.enter(kept.iter().map(|column| column[lane])) {
                self.keep();
            }
        }
    }

    #[inline(always)]
    fn keep(&mut self) {
        let row = self.columns.rows_left;
        let means = self.columns.leave();
        while self.points_done < 64 && centre(self.points_done, self.height) == row {
            self.thumbnail[self.points_done].copy_from_slice(means);
            self.points_done += 1;
        }
    }

    #[inline(always)]
    fn finish(mut self) -> Thumbnail {
        self.blur();
        for _ in 0..self.columns.after {
            self.keep();
        }
        assert_eq!(self.points_done, 64, "every row of the thumbnail has been written");
        self.thumbnail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, on whole images: rows, columns, rows, columns, and a pixel for each point.
    fn by_definition(width: usize, height: usize, pixels: &[u8]) -> Thumbnail {
        let mean = |values: &[f32]| {
            let window = window(values.len());
            let (before, after) = (before(window), reach(window));
            let mut sum = 0.0;
            let mut means = Vec::new();
            for n in 0..values.len() + after {
                if n < values.len() {
                    sum += values[n];
                }
                if n >= window {
                    sum -= values[n - window];
                }
                if n >= after {
                    let centre = n - after;
                    let in_window = n.min(values.len() - 1) + 1 - centre.saturating_sub(before);
                    means.push(sum / in_window as f32);
                }
            }
            means
        };
        let transposed = |values: &[f32], width: usize| -> Vec<f32> {
            (0..width)
                .flat_map(|x| values[x..].iter().step_by(width).copied())
                .collect()
        };
        let mut image: Vec<f32> = pixels.as_chunks::<3>().0.iter().map(luma).collect();
        for _ in 0..2 {
            image = image.chunks(width).flat_map(mean).collect();
            image = transposed(&image, width).chunks(height).flat_map(mean).collect();
            image = transposed(&image, height);
        }
        std::array::from_fn(|y| std::array::from_fn(|x| image[centre(y, height) * width + centre(x, width)]))
    }

    #[test]
    fn streaming_is_the_definition_to_the_last_bit() {
        let sizes = if cfg!(miri) {
            vec![(5, 6), (131, 9)]
        } else {
            vec![
                (5, 5),
                (63, 64),
                (64, 65),
                (100, 7),
                (128, 128),
                (129, 256),
                (257, 129),
                (300, 1000),
                (1023, 511),
            ]
        };
        for (width, height) in sizes {
            let byte = |n: usize| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0];
            let pixels: Vec<u8> = (0..width * height * 3).map(byte).collect();
            let found = thumbnail::<3>(width, height, &pixels);
            assert_eq!(found, by_definition(width, height, &pixels), "{width} x {height}");
        }
    }

    #[test]
    fn every_colour_has_the_luma_of_the_reference() {
        let step = if cfg!(miri) { 63 } else { 1 };
        for red in (0..=255_u8).step_by(step) {
            for green in (0..=255_u8).step_by(step) {
                for blue in (0..=255_u8).step_by(step) {
                    let expected = f64::from(red) * 0.299 + f64::from(green) * 0.587 + f64::from(blue) * 0.114;
                    assert_eq!(luma(&[red, green, blue]), expected as f32, "{red} {green} {blue}");
                }
            }
        }
    }
}
