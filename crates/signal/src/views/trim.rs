//! Borders of one colour, one inside another.

use crate::luma::{Luma, Rect};

/// How far a pixel of a border may lie from the border's grey: compression leaves that much.
const TOLERANCE: u8 = 14;
/// How many in a hundred pixels of a line must be of that grey.
const FLAT_PERCENT: usize = 97;
/// Borders inside each other.
const NESTED_MAX: usize = 4;
/// What is left is at least so many percent of each side.
const SIDE_PERCENT_MIN: usize = 12;

/// The picture without its flat borders; all of it if nothing would be left.
pub(super) fn trim(picture: &Luma) -> Rect {
    let whole = picture.rect();
    let mut rect = whole;
    for _ in 0..NESTED_MAX {
        let before = rect;
        for side in [Side::Top, Side::Bottom, Side::Left, Side::Right] {
            rect = trim_side(picture, rect, side);
        }
        if rect == before {
            break;
        }
    }
    let is_enough =
        rect.width * 100 >= whole.width * SIDE_PERCENT_MIN && rect.height * 100 >= whole.height * SIDE_PERCENT_MIN;
    if is_enough { rect } else { whole }
}

#[derive(Clone, Copy)]
enum Side {
    Top,
    Bottom,
    Left,
    Right,
}

fn trim_side(picture: &Luma, rect: Rect, side: Side) -> Rect {
    let (n_lines, n_pixels) = match side {
        Side::Top | Side::Bottom => (rect.height, rect.width),
        Side::Left | Side::Right => (rect.width, rect.height),
    };
    let pixel = |line: usize, at: usize| {
        let (x, y) = match side {
            Side::Top => (at, line),
            Side::Bottom => (at, rect.height - 1 - line),
            Side::Left => (line, at),
            Side::Right => (rect.width - 1 - line, at),
        };
        picture.row(rect.top + y)[rect.left + x]
    };
    let mut counts = [0_usize; 256];
    for at in 0..n_pixels {
        counts[usize::from(pixel(0, at))] += 1;
    }
    let Some(grey) = median(&counts, n_pixels) else {
        return rect;
    };
    let is_flat = |line: usize| {
        let n_off = (0..n_pixels)
            .filter(|at| pixel(line, *at).abs_diff(grey) > TOLERANCE)
            .count();
        n_off * 100 <= n_pixels * (100 - FLAT_PERCENT)
    };
    let mut n = (0..n_lines.saturating_sub(1)).take_while(|line| is_flat(*line)).count();
    if n == 0 {
        return rect;
    }
    // The line where border and picture blend belongs to neither.
    let blends = (0..n_pixels)
        .filter(|at| pixel(n, *at).abs_diff(grey) <= 3 * TOLERANCE)
        .count();
    if n + 1 < n_lines && blends * 2 > n_pixels && n > 1 {
        n += 1;
    }
    match side {
        Side::Top => Rect {
            top: rect.top + n,
            height: rect.height - n,
            ..rect
        },
        Side::Bottom => Rect {
            height: rect.height - n,
            ..rect
        },
        Side::Left => Rect {
            left: rect.left + n,
            width: rect.width - n,
            ..rect
        },
        Side::Right => Rect {
            width: rect.width - n,
            ..rect
        },
    }
}

fn median(counts: &[usize; 256], n: usize) -> Option<u8> {
    let mut seen = 0;
    (0..=255_u8).find(|grey| {
        seen += counts[usize::from(*grey)];
        seen * 2 >= n
    })
}
