//! The rectangles of a picture that stand out: their four sides are long straight edges, or edges of the picture itself.
//!
//! Screenshots, captions, a picture within a picture and blurred pillars all have them. An edge counts where it is stronger *on* a line than
//! a few pixels beside it, so that texture says nothing.

use crate::luma::{Luma, Rect};

/// Difference of two pixels that is an edge.
const EDGE_MIN: u8 = 12;
/// Pixels beside a line where texture would be as rich as on it.
const BESIDE: usize = 4;
/// Lines of each direction that are tried.
const LINES_MAX: usize = 8;
/// Rectangles found at most.
const BOXES_MAX: usize = 2;
/// Sides are at least so many percent of the picture's.
const SIDE_PERCENT_MIN: usize = 18;
/// A side along the picture's own edge counts as if it stood out this much.
const OWN_EDGE: f32 = 0.4;
/// The sides stand out at least this much, on the whole.
const STANDS_OUT_MIN: f32 = 0.33;

/// Edges across lines of one direction, summed along each line.
struct Edges {
    n_lines: usize,
    n_along: usize,
    /// For each line, how many edges lie before each place along it.
    sums: Vec<u32>,
    /// From a line to the next in `sums`, and from a place along it to the next.
    strides: (usize, usize),
}

/// Whether line n lies between pixels n - 1 and n; a soft edge is as wide as two.
#[inline(always)]
fn is_edge(before: u8, here: u8, after: u8) -> bool {
    here.abs_diff(before).max(after.abs_diff(before)) >= EDGE_MIN
}

impl Edges {
    /// Those across level lines.
    fn level(rows: &[&[u8]], width: usize) -> Self {
        let (n_lines, n_along) = (rows.len(), width);
        let mut sums = vec![0; n_lines * (n_along + 1)];
        for line in 1..n_lines.saturating_sub(1) {
            let row = &mut sums[line * (n_along + 1)..][..n_along + 1];
            let pixels = rows[line - 1].iter().zip(rows[line]).zip(rows[line + 1]);
            let mut sum = 0;
            for (row, ((before, here), after)) in row[1..].iter_mut().zip(pixels) {
                sum += u32::from(is_edge(*before, *here, *after));
                *row = sum;
            }
        }
        let strides = (n_along + 1, 1);
        Self {
            n_lines,
            n_along,
            sums,
            strides,
        }
    }

    /// Those across upright lines, all of which go down together: columns lie scattered in memory.
    fn upright(rows: &[&[u8]], width: usize) -> Self {
        let (n_lines, n_along) = (width, rows.len());
        let mut sums = vec![0; n_lines * (n_along + 1)];
        for (along, row) in rows.iter().enumerate() {
            let (above, below) = sums[along * n_lines..].split_at_mut(n_lines);
            let Some(inner) = n_lines.checked_sub(2) else { break };
            let (before, here, after) = (&row[..inner], &row[1..][..inner], &row[2..][..inner]);
            let (above, below) = (&above[1..][..inner], &mut below[1..][..inner]);
            for line in 0..inner {
                below[line] = above[line] + u32::from(is_edge(before[line], here[line], after[line]));
            }
        }
        let strides = (1, n_lines);
        Self {
            n_lines,
            n_along,
            sums,
            strides,
        }
    }

    /// Share of the line between two places that is edge.
    fn share(&self, line: usize, from: usize, to: usize) -> f32 {
        let before = |along: usize| self.sums[line * self.strides.0 + along * self.strides.1];
        (before(to) - before(from)) as f32 / (to - from).max(1) as f32
    }

    /// How much more edge there is on the line than beside it.
    fn stands_out(&self, line: usize, from: usize, to: usize) -> f32 {
        if line == 0 || line >= self.n_lines {
            return OWN_EDGE;
        }
        let at = |line: usize| self.share(line.clamp(1, self.n_lines - 1), from, to);
        let beside = 0.5 * (at(line.saturating_sub(BESIDE)) + at(line + BESIDE));
        at(line) - beside
    }

    /// The lines that stand out most over a part of their length, and both ends.
    fn lines(&self) -> Vec<usize> {
        let thirds = [
            (0, self.n_along),
            (0, self.n_along / 2),
            (self.n_along / 4, self.n_along * 3 / 4),
            (self.n_along / 2, self.n_along),
        ];
        let strength: Vec<f32> = (0..self.n_lines)
            .map(|line| {
                if line == 0 {
                    return 0.0;
                }
                let of_part = |(from, to): (usize, usize)| self.stands_out(line, from, to);
                thirds.into_iter().map(of_part).fold(0.0, f32::max)
            })
            .collect();
        let mut peaks: Vec<usize> = (2..self.n_lines.saturating_sub(2))
            .filter(|&line| {
                let around = &strength[line - 2..=line + 2];
                strength[line] > 0.15 && around.iter().all(|other| *other <= strength[line])
            })
            .collect();
        peaks.sort_by(|a, b| strength[*b].total_cmp(&strength[*a]));
        peaks.truncate(LINES_MAX);
        peaks.extend([0, self.n_lines]);
        peaks.sort_unstable();
        peaks
    }
}

/// The rectangles inside `within` that stand out, the most first.
pub(super) fn find(picture: &Luma, within: Rect) -> Vec<Rect> {
    let rows: Vec<&[u8]> = (within.top..within.top + within.height)
        .map(|y| &picture.row(y)[within.left..within.left + within.width])
        .collect();
    let upright = Edges::upright(&rows, within.width);
    let level = Edges::level(&rows, within.width);
    let (columns, lines) = (upright.lines(), level.lines());
    let mut found: Vec<(f32, Rect)> = Vec::new();
    for (at, &left) in columns.iter().enumerate() {
        for &right in &columns[at + 1..] {
            if (right - left) * 100 < within.width * SIDE_PERCENT_MIN {
                continue;
            }
            for (at, &top) in lines.iter().enumerate() {
                for &bottom in &lines[at + 1..] {
                    let is_whole = right - left == within.width && bottom - top == within.height;
                    if (bottom - top) * 100 < within.height * SIDE_PERCENT_MIN || is_whole {
                        continue;
                    }
                    let sides = [
                        upright.stands_out(left, top, bottom),
                        upright.stands_out(right, top, bottom),
                        level.stands_out(top, left, right),
                        level.stands_out(bottom, left, right),
                    ];
                    let least = sides.iter().copied().fold(f32::INFINITY, f32::min);
                    let mean = sides.iter().sum::<f32>() / 4.0;
                    let area = ((right - left) * (bottom - top)) as f32 / (within.width * within.height) as f32;
                    let score = 0.5 * (least + mean) + 0.1 * area;
                    if 0.5 * (least + mean) >= STANDS_OUT_MIN {
                        let rect = Rect {
                            left: within.left + left,
                            top: within.top + top,
                            width: right - left,
                            height: bottom - top,
                        };
                        found.push((score, rect));
                    }
                }
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut boxes: Vec<Rect> = Vec::new();
    for (_, rect) in found {
        let is_like = |other: &Rect| {
            let off = rect.left.abs_diff(other.left) + rect.top.abs_diff(other.top);
            let size = rect.width.abs_diff(other.width) + rect.height.abs_diff(other.height);
            (off + size) * 50 <= rect.width + rect.height
        };
        if !boxes.iter().any(is_like) {
            boxes.push(rect);
        }
        if boxes.len() == BOXES_MAX {
            break;
        }
    }
    boxes
}
