//! The thumbnail in the reference's own order of `f32` operations, row by row in little memory.
//!
//! The blur is a running mean along each row, then down each column, and both once more. A mean's window is
//! `ceil(side / 128)` pixels, cut short at the edges. Only the sums' order makes the last bits; each column's sum depends
//! on the rows above alone, so a ring of the rows inside the window is all that is kept.

use super::SIDE_PIXELS_MIN;
use super::pixels::{LumaImage, RgbImage};
use super::spectrum::Thumbnail;

pub(super) fn thumbnail_rgb(image: RgbImage<'_>) -> Option<Thumbnail> {
    let stride = 3 * image.width();
    thumbnail(image.width(), image.height(), |row, luma| {
        let (pixels, _) = image.pixels()[row * stride..][..stride].as_chunks::<3>();
        for (luma, &[red, green, blue]) in luma.iter_mut().zip(pixels) {
            *luma = (f64::from(red) * 0.299 + f64::from(green) * 0.587 + f64::from(blue) * 0.114) as f32;
        }
    })
}

pub(super) fn thumbnail_luma(image: LumaImage<'_>) -> Option<Thumbnail> {
    thumbnail(image.width(), image.height(), |row, luma| {
        for (luma, &grey) in luma.iter_mut().zip(&image.pixels()[row * image.width()..]) {
            *luma = f32::from(grey);
        }
    })
}

/// Length of a running mean's window along a side, in pixels.
pub(super) fn window(side: usize) -> usize {
    side.div_ceil(128)
}

/// How many pixels a window reaches after its centre. Before it, an even window reaches one less.
pub(super) fn reach(window: usize) -> usize {
    window / 2
}

/// The pixel that stands for point `n` of 64 along a side: the one at the centre of its 64th.
pub(super) fn centre(n: usize, side: usize) -> usize {
    ((2 * n + 1) * side) / 128
}

/// Blurs and thins an image whose row `n` is written by `read_row(n, …)`. `None` when it is too small to hash.
fn thumbnail(width: usize, height: usize, mut read_row: impl FnMut(usize, &mut [f32])) -> Option<Thumbnail> {
    if width < SIDE_PIXELS_MIN || height < SIDE_PIXELS_MIN {
        return None;
    }
    let mut luma = vec![0.0; width];
    let mut once = vec![0.0; width];
    let mut twice = vec![0.0; width];
    let mut first = ColumnMean::new(width, height);
    let mut second = ColumnMean::new(width, height);
    let mut thumbnail = [[0.0; 64]; 64];
    let mut point = 0;

    // Each column mean lags behind its input by its reach, so the loop runs twice the reach past the last row.
    for row in 0..height + 2 * reach(window(height)) {
        let input = (row < height).then(|| {
            read_row(row, &mut luma);
            row_mean(&luma, &mut once);
            &*once
        });
        let Some((row, once_blurred)) = first.step(input) else {
            continue;
        };
        let input = (row < height).then(|| {
            row_mean(once_blurred, &mut twice);
            &*twice
        });
        let Some((row, twice_blurred)) = second.step(input) else {
            continue;
        };
        // A small image lends one row to several points.
        while point < 64 && centre(point, height) == row {
            for (n, value) in thumbnail[point].iter_mut().enumerate() {
                *value = twice_blurred[centre(n, width)];
            }
            point += 1;
        }
    }
    assert_eq!(point, 64, "every row of the thumbnail has been written");
    Some(thumbnail)
}

/// The running mean of a row.
fn row_mean(input: &[f32], output: &mut [f32]) {
    let window = window(input.len());
    let after = reach(window);
    let mut sum = 0.0_f32;
    let mut in_window = 0_u32;
    for &value in &input[..after] {
        sum += value;
        in_window += 1;
    }
    let growing = window - after;
    for (output, &enters) in output[..growing].iter_mut().zip(&input[after..]) {
        sum += enters;
        in_window += 1;
        *output = sum / in_window as f32;
    }
    let full = input.len() - after;
    for ((output, &enters), &leaves) in output[growing..full].iter_mut().zip(&input[window..]).zip(input) {
        sum += enters;
        sum -= leaves;
        *output = sum / in_window as f32;
    }
    for (output, &leaves) in output[full..].iter_mut().zip(&input[full - growing..]) {
        sum -= leaves;
        in_window -= 1;
        *output = sum / in_window as f32;
    }
}

/// The running mean of every column at once, fed with one row after another.
struct ColumnMean {
    width: usize,
    height: usize,
    window: usize,
    after: usize,
    /// Rows that have come in.
    rows_in: usize,
    /// The sum inside each column's window.
    sums: Vec<f32>,
    /// The last `window` rows that came in; row `n` at place `n % window`.
    ring: Vec<f32>,
    /// Rows that have gone out.
    rows_out: usize,
    output: Vec<f32>,
}

impl ColumnMean {
    fn new(width: usize, height: usize) -> Self {
        let window = window(height);
        Self {
            width,
            height,
            window,
            after: reach(window),
            rows_in: 0,
            sums: vec![0.0; width],
            ring: vec![0.0; width * window],
            rows_out: 0,
            output: vec![0.0; width],
        }
    }

    /// Takes the next row, or none when all have come, and gives back the next mean with its row number, unless its
    /// window still waits for rows.
    fn step(&mut self, input: Option<&[f32]>) -> Option<(usize, &[f32])> {
        let before = self.window - 1 - self.after;
        if let Some(input) = input {
            // The row that leaves the window stands where the new one will.
            let slot = &mut self.ring[self.rows_in % self.window * self.width..][..self.width];
            if self.rows_in >= self.window {
                for ((sum, &enters), leaves) in self.sums.iter_mut().zip(input).zip(slot) {
                    *sum += enters;
                    *sum -= std::mem::replace(leaves, enters);
                }
            } else {
                for ((sum, &enters), slot) in self.sums.iter_mut().zip(input).zip(slot) {
                    *sum += enters;
                    *slot = enters;
                }
            }
            self.rows_in += 1;
            if self.rows_in <= self.after {
                return None;
            }
        } else {
            let leaves = &self.ring[(self.rows_out - before - 1) % self.window * self.width..][..self.width];
            for (sum, leaves) in self.sums.iter_mut().zip(leaves) {
                *sum -= leaves;
            }
        }
        let row = self.rows_out;
        let in_window = (row + self.after + 1).min(self.height) - row.saturating_sub(before);
        for (output, sum) in self.output.iter_mut().zip(&self.sums) {
            *output = sum / in_window as f32;
        }
        self.rows_out += 1;
        Some((row, &self.output))
    }
}
