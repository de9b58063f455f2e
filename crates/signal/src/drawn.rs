//! Pictures for tests: textured as photos are, drawn from a seed, and edited as people edit them.

use crate::luma::{Luma, Rect};

/// Noise of several sizes, with blobs: no two seeds look alike, no two places of one do.
pub(crate) fn photo(width: usize, height: usize, seed: u64) -> Luma {
    let value = |x: usize, y: usize| {
        let mut sum = 0.0;
        for (size, weight) in [(64.0, 1.0), (23.0, 0.7), (9.0, 0.45)] {
            sum += weight * smooth(x as f32 / size, y as f32 / size, seed ^ size as u64);
        }
        (sum / 2.15 * 255.0) as u8
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| value(x, y)));
    Luma::new(width, height, pixels.collect()).unwrap()
}

fn smooth(x: f32, y: f32, seed: u64) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (fx, fy) = (ease(x - left), ease(y - top));
    let at = |dx: f32, dy: f32| {
        let mut state = seed ^ ((left + dx) as i64 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state ^= ((top + dy) as i64 as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        state = (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 32)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    let upper = at(0.0, 0.0) + fx * (at(1.0, 0.0) - at(0.0, 0.0));
    let lower = at(0.0, 1.0) + fx * (at(1.0, 1.0) - at(0.0, 1.0));
    upper + fy * (lower - upper)
}

/// Dark strokes on white, in letters of 15 by 24 pixels; each seed other words.
pub(crate) fn text(width: usize, height: usize, seed: u64) -> Luma {
    let is_ink = |x: usize, y: usize| {
        let (letter, line) = (x / 20, y / 36);
        let (column, row) = (x % 20 / 5, y % 36 / 6);
        let is_gap = column == 3 || row >= 4 || smooth(letter as f32, line as f32, seed ^ 77) < 0.2;
        !is_gap && smooth((letter * 3 + column) as f32, (line * 4 + row) as f32, seed) < 0.5
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| if is_ink(x, y) { 20 } else { 240 }));
    Luma::new(width, height, pixels.collect()).unwrap()
}

/// A picture of this size whose pixel is what `place` of it shows in `source`, or `outside`.
pub(crate) fn warped(
    source: &Luma,
    (width, height): (usize, usize),
    outside: u8,
    place: impl Fn(f32, f32) -> (f32, f32),
) -> Luma {
    let mut pixels = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let (sx, sy) = place(x as f32 + 0.5, y as f32 + 0.5);
            let (sx, sy) = (sx - 0.5, sy - 0.5);
            let (left, top) = (sx.floor(), sy.floor());
            let at = |x: f32, y: f32| {
                let inside = x >= 0.0 && y >= 0.0 && (x as usize) < source.width() && (y as usize) < source.height();
                f32::from(if inside {
                    source.row(y as usize)[x as usize]
                } else {
                    outside
                })
            };
            let (fx, fy) = (sx - left, sy - top);
            let upper = at(left, top) * (1.0 - fx) + at(left + 1.0, top) * fx;
            let lower = at(left, top + 1.0) * (1.0 - fx) + at(left + 1.0, top + 1.0) * fx;
            pixels.push((upper * (1.0 - fy) + lower * fy + 0.5) as u8);
        }
    }
    Luma::new(width, height, pixels).unwrap()
}

pub(crate) fn mirrored(source: &Luma) -> Luma {
    let width = source.width() as f32;
    warped(source, (source.width(), source.height()), 0, |x, y| (width - x, y))
}

pub(crate) fn rotated(source: &Luma, degrees: f32) -> Luma {
    let (width, height) = (source.width() as f32, source.height() as f32);
    let (sin, cos) = degrees.to_radians().sin_cos();
    warped(source, (source.width(), source.height()), 0, |x, y| {
        let (x, y) = (x - width / 2.0, y - height / 2.0);
        (x * cos + y * sin + width / 2.0, -x * sin + y * cos + height / 2.0)
    })
}

/// `inner` laid onto `ground` with its upper left corner there.
pub(crate) fn laid_onto(ground: &Luma, inner: &Luma, left: usize, top: usize) -> Luma {
    let mut pixels = ground.pixels().to_vec();
    for y in 0..inner.height() {
        pixels[(top + y) * ground.width() + left..][..inner.width()].copy_from_slice(inner.row(y));
    }
    Luma::new(ground.width(), ground.height(), pixels).unwrap()
}

pub(crate) fn flat(width: usize, height: usize, grey: u8) -> Luma {
    Luma::new(width, height, vec![grey; width * height]).unwrap()
}

pub(crate) fn rgb(picture: &Luma) -> Vec<u8> {
    picture.pixels().iter().flat_map(|grey| [*grey; 3]).collect()
}

pub(crate) fn rect(left: usize, top: usize, width: usize, height: usize) -> Rect {
    Rect {
        left,
        top,
        width,
        height,
    }
}
