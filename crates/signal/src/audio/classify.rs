//! From rows of chroma to the 32 bits of an item, and how sure each of them is.
//!
//! Filters and thresholds are those of Chromaprint's algorithm 2 (Lukáš Lalinský; MIT), learnt there from music: each of sixteen filters compares two parts
//! of sixteen rows, and says in two bits of Gray code between which of its thresholds the answer lies.

use super::chroma::{Chroma, NOTES};

/// Rows that a filter sees.
pub(super) const ROWS: usize = 16;
/// Weights by which rows are smoothed first.
const SMOOTHING: [f64; 5] = [0.25, 0.75, 1.0, 0.75, 0.25];
/// Rows that an item rests on.
pub(super) const ROWS_OF_ITEM: usize = ROWS + SMOOTHING.len() - 1;
/// A row with less energy is silence.
const ENERGY_MIN: f64 = 0.01;
/// Bits of an item that are called doubtful.
pub const DOUBTS: usize = 8;

/// Which part of the sixteen rows is compared with which.
#[derive(Clone, Copy)]
enum Shape {
    /// The whole.
    Whole,
    /// Upper notes with lower ones.
    Notes,
    /// Later rows with earlier ones.
    Rows,
    /// Both, crosswise.
    Cross,
    /// The middle third of the notes with the rest.
    MiddleNotes,
    /// The middle third of the rows with the rest.
    MiddleRows,
}

struct Filter {
    shape: Shape,
    note: usize,
    notes: usize,
    rows: usize,
    thresholds: [f64; 3],
}

const fn filter(shape: Shape, note: usize, notes: usize, rows: usize, thresholds: [f64; 3]) -> Filter {
    Filter {
        shape,
        note,
        notes,
        rows,
        thresholds,
    }
}

/// The first says the highest two bits.
const FILTERS: [Filter; 16] = [
    filter(Shape::Whole, 4, 3, 15, [1.98215, 2.35817, 2.63523]),
    filter(Shape::MiddleNotes, 4, 6, 15, [-1.03809, -0.651211, -0.282167]),
    filter(Shape::Notes, 0, 4, 16, [-0.298702, 0.119262, 0.558497]),
    filter(Shape::Cross, 8, 2, 12, [-0.105439, 0.0153946, 0.135898]),
    filter(Shape::Cross, 4, 4, 8, [-0.142891, 0.0258736, 0.200632]),
    filter(Shape::MiddleNotes, 0, 3, 5, [-0.826319, -0.590612, -0.368214]),
    filter(Shape::Notes, 2, 2, 9, [-0.557409, -0.233035, 0.0534525]),
    filter(Shape::Rows, 7, 3, 4, [-0.0646826, 0.00620476, 0.0784847]),
    filter(Shape::Rows, 6, 2, 16, [-0.192387, -0.029699, 0.215855]),
    filter(Shape::Rows, 1, 3, 2, [-0.0397818, -0.00568076, 0.0292026]),
    filter(Shape::MiddleRows, 10, 1, 15, [-0.53823, -0.369934, -0.190235]),
    filter(Shape::Cross, 6, 2, 10, [-0.124877, 0.0296483, 0.139239]),
    filter(Shape::Rows, 1, 1, 14, [-0.101475, 0.0225617, 0.231971]),
    filter(Shape::Cross, 5, 6, 4, [-0.0799915, -0.00729616, 0.063262]),
    filter(Shape::Notes, 9, 2, 12, [-0.272556, 0.019424, 0.302559]),
    filter(Shape::Cross, 4, 2, 14, [-0.164292, -0.0321188, 0.0846339]),
];

/// 32 bits, and which of them are the least certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Chromaprint's bits.
    pub bits: u32,
    /// The [`DOUBTS`] bits whose answer lay nearest to a threshold.
    pub doubts: u32,
}

/// The last rows of one speed.
pub(super) struct Classifier {
    raw: [Chroma; SMOOTHING.len()],
    n_raw: u64,
    rows: [Chroma; ROWS],
    n_rows: u64,
}

impl Classifier {
    pub fn new() -> Self {
        Self {
            raw: [[0.0; NOTES]; SMOOTHING.len()],
            n_raw: 0,
            rows: [[0.0; NOTES]; ROWS],
            n_rows: 0,
        }
    }

    /// One more row; an item, once there are rows enough.
    pub fn push(&mut self, chroma: Chroma) -> Option<Item> {
        self.raw.rotate_left(1);
        self.raw[SMOOTHING.len() - 1] = chroma;
        self.n_raw += 1;
        if self.n_raw < SMOOTHING.len() as u64 {
            return None;
        }
        let mut row = [0.0; NOTES];
        for (raw, weight) in self.raw.iter().zip(SMOOTHING) {
            for (to, energy) in row.iter_mut().zip(raw) {
                *to += energy * weight;
            }
        }
        let norm = row.iter().map(|energy| energy * energy).sum::<f64>().sqrt();
        let scale = if norm < ENERGY_MIN { 0.0 } else { 1.0 / norm };
        self.rows.rotate_left(1);
        self.rows[ROWS - 1] = row.map(|energy| energy * scale);
        self.n_rows += 1;
        (self.n_rows >= ROWS as u64).then(|| classify(&self.rows))
    }
}

/// `sums[r][n]` is the energy of all notes before the `n`th in all rows before the `r`th.
type Sums = [[f64; NOTES + 1]; ROWS + 1];

fn classify(rows: &[Chroma; ROWS]) -> Item {
    let mut sums: Sums = [[0.0; NOTES + 1]; ROWS + 1];
    for (r, row) in rows.iter().enumerate() {
        let mut sum = 0.0;
        for (n, energy) in row.iter().enumerate() {
            sum += energy;
            sums[r + 1][n + 1] = sums[r][n + 1] + sum;
        }
    }
    let mut bits = 0;
    // How far each bit is from being the other, in units of its filter.
    let mut margins = [(0.0_f64, 0_u32); 32];
    for (number, filter) in FILTERS.iter().enumerate() {
        let value = filter.apply(&sums);
        let [low, middle, high] = filter.thresholds;
        let (code, low_bit) = match value {
            _ if value < low => (0, low),
            _ if value < middle => (1, low),
            _ if value < high => (3, high),
            _ => (2, high),
        };
        bits = bits << 2 | code;
        let unit = (high - low).recip();
        // The lower bit changes at the outer thresholds, the upper one at the middle one.
        let outer = (value - low_bit)
            .abs()
            .min((value - low).abs())
            .min((value - high).abs());
        let at = 30 - 2 * number as u32;
        margins[2 * number] = (outer * unit, at);
        margins[2 * number + 1] = ((value - middle).abs() * unit, at + 1);
    }
    margins.select_nth_unstable_by(DOUBTS, |a, b| a.0.total_cmp(&b.0));
    let doubts = margins[..DOUBTS].iter().fold(0, |mask, (_, at)| mask | 1 << at);
    Item { bits, doubts }
}

impl Filter {
    fn apply(&self, sums: &Sums) -> f64 {
        let (note, end, rows) = (self.note, self.note + self.notes, self.rows);
        let area =
            |r1: usize, r2: usize, n1: usize, n2: usize| sums[r2][n2] - sums[r1][n2] - sums[r2][n1] + sums[r1][n1];
        let half_note = note + self.notes / 2;
        let half_row = rows / 2;
        let (one, other) = match self.shape {
            Shape::Whole => (area(0, rows, note, end), 0.0),
            Shape::Notes => (area(0, rows, half_note, end), area(0, rows, note, half_note)),
            Shape::Rows => (area(half_row, rows, note, end), area(0, half_row, note, end)),
            Shape::Cross => (
                area(0, half_row, half_note, end) + area(half_row, rows, note, half_note),
                area(0, half_row, note, half_note) + area(half_row, rows, half_note, end),
            ),
            Shape::MiddleNotes => {
                let third = self.notes / 3;
                (
                    area(0, rows, note + third, note + 2 * third),
                    area(0, rows, note, note + third) + area(0, rows, note + 2 * third, end),
                )
            }
            Shape::MiddleRows => {
                let third = rows / 3;
                (
                    area(third, 2 * third, note, end),
                    area(0, third, note, end) + area(2 * third, rows, note, end),
                )
            }
        };
        // Sums of floats may end a hair below nothing.
        ((1.0 + one.max(0.0)) / (1.0 + other.max(0.0))).ln()
    }
}
