//! Abstract pictures, drawn from a number: pleasant to look at, different from each other, and of nothing at all.

use std::f32::consts::{PI, TAU};

use image::RgbImage;

use super::canvas::{
    Colour, Dice, along, blend, distance_to_line, grid_value, hex, lerp, noise, paint, rough_noise, shade, step,
};

/// Colours that go together, from dark to light.
const PALETTES: [[Colour; 5]; 10] = [
    [
        hex(0x14213d),
        hex(0x2a4d7a),
        hex(0xc8553d),
        hex(0xf28f3b),
        hex(0xffd5a6),
    ],
    [
        hex(0x0b3c49),
        hex(0x137c8b),
        hex(0x5bb8a6),
        hex(0xf2d388),
        hex(0xf7f1e1),
    ],
    [
        hex(0x2d1e2f),
        hex(0x6a3d5b),
        hex(0xb5546a),
        hex(0xe8977f),
        hex(0xf6dfc4),
    ],
    [
        hex(0x1b2e1f),
        hex(0x3b6b45),
        hex(0x86a873),
        hex(0xd9c97c),
        hex(0xf5efdc),
    ],
    [
        hex(0x1d1a39),
        hex(0x451952),
        hex(0xae445a),
        hex(0xf39f5a),
        hex(0xe8bcb9),
    ],
    [
        hex(0x22223b),
        hex(0x4a4e69),
        hex(0x9a8c98),
        hex(0xc9ada7),
        hex(0xf2e9e4),
    ],
    [
        hex(0x03254c),
        hex(0x1167b1),
        hex(0x2a9df4),
        hex(0x9bd4f5),
        hex(0xfff3d6),
    ],
    [
        hex(0x3a1c12),
        hex(0x7f3b1d),
        hex(0xc2742f),
        hex(0xe7b55b),
        hex(0xfbeccb),
    ],
    [
        hex(0x102a2e),
        hex(0x8c2f39),
        hex(0xd9825b),
        hex(0x6fa39b),
        hex(0xefe6d2),
    ],
    [
        hex(0x241e4e),
        hex(0x5d4e9e),
        hex(0xce6c9c),
        hex(0xf2b5a7),
        hex(0xfdf0d5),
    ],
];

/// Width and height of the pictures, in pixels.
const SIZES: [(u32, u32); 6] = [(800, 600), (640, 640), (600, 800), (880, 560), (720, 540), (560, 760)];

type Palette = [Colour; 5];
type Style = fn(u64, &Palette, u32, u32) -> RgbImage;

const STYLES: [(&str, Style); 10] = [
    ("hills", hills),
    ("map", map),
    ("window", window),
    ("chart", chart),
    ("tiles", tiles),
    ("ripples", ripples),
    ("blocks", blocks),
    ("discs", discs),
    ("night", night),
    ("weave", weave),
];

/// A picture and what it is called.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Such as `hills-03`.
    pub name: String,
    /// Its pixels.
    pub image: RgbImage,
}

/// The picture with this number. Neighbours differ in kind, colours and shape.
pub fn draw(number: u64) -> Picture {
    let (kind, style) = STYLES[(number % STYLES.len() as u64) as usize];
    let mut dice = Dice::new(number);
    // The palette walks with a stride of its own, so that one kind comes back in other colours.
    let palette = &PALETTES[((number * 7 + number / 10 * 3) % PALETTES.len() as u64) as usize];
    let (width, height) = *dice.pick(&SIZES);
    Picture {
        name: format!("{kind}-{number:02}"),
        image: style(number, palette, width, height),
    }
}

/// A landscape in layers under a low sun.
fn hills(seed: u64, palette: &Palette, width: u32, height: u32) -> RgbImage {
    let mut dice = Dice::new(seed);
    let (right, bottom) = extent(width, height);
    let sun = (
        dice.between(0.2, 0.8) * right,
        dice.between(0.22, 0.42) * bottom,
        dice.between(0.06, 0.11),
    );
    let n_layers = 5 + dice.below(3);
    let (roughness, horizon) = (dice.between(1.2, 2.4), dice.between(0.42, 0.55));
    paint(width, height, |x, y| {
        let depth = y / bottom;
        let haze = rough_noise(seed ^ 11, x * 2.0, y * 7.0, 3) * 0.10;
        let mut colour = along(&[palette[1], palette[3], palette[4]], depth * 1.7 + haze);
        let away = (x - sun.0).hypot(y - sun.1);
        colour = blend(colour, palette[4], 0.55 * (-away * 4.5).exp());
        colour = blend(
            colour,
            [1.0, 0.97, 0.88],
            1.0 - step(sun.2 - 0.004, sun.2 + 0.004, away),
        );
        for layer in 0..n_layers {
            let near = layer as f32 / (n_layers - 1) as f32;
            let ridge = rough_noise(
                seed + 31 * layer as u64,
                x * roughness * lerp(1.9, 0.8, near) + 9.0 * near,
                0.0,
                5,
            );
            let top = (horizon + near * 0.40 - (ridge - 0.3) * lerp(0.20, 0.34, near)) * bottom;
            let body = blend(
                along(&[palette[3], palette[2], palette[1], palette[0]], near),
                palette[4],
                0.12 * (1.0 - near),
            );
            let misted = blend(body, palette[4], 0.35 * (1.0 - near) * step(top, top + 0.25, y));
            colour = blend(colour, misted, step(top - 0.0025, top + 0.0025, y));
        }
        colour
    })
}

/// Heights with contour lines, as on a walker's map.
fn map(seed: u64, palette: &Palette, width: u32, height: u32) -> RgbImage {
    let mut dice = Dice::new(seed);
    let (scale, n_levels) = (dice.between(1.6, 2.6), dice.between(9.0, 14.0));
    paint(width, height, |x, y| {
        let bend = rough_noise(seed ^ 77, x * scale, y * scale, 3);
        let level = rough_noise(seed, x * scale + bend, y * scale - bend, 4) * 1.5 - 0.25;
        let place = level * n_levels;
        let base = along(palette, (place.floor() / n_levels).clamp(0.0, 1.0));
        let slope = rough_noise(seed, (x + 0.012) * scale + bend, (y + 0.012) * scale - bend, 4) * 1.5 - 0.25 - level;
        let lit = shade(base, 1.0 - slope * 6.0);
        let to_line = (place - place.round()).abs();
        let thick = if place.round() as i32 % 4 == 0 { 0.10 } else { 0.05 };
        blend(shade(palette[0], 0.7), lit, step(thick * 0.5, thick, to_line))
    })
}

/// Pieces of coloured glass in lead.
fn window(seed: u64, palette: &Palette, width: u32, height: u32) -> RgbImage {
    let mut dice = Dice::new(seed);
    let scale = dice.between(4.0, 7.5);
    let centre = (dice.between(0.3, 0.9), dice.between(0.3, 0.9));
    paint(width, height, |x, y| {
        let (u, v) = (x * scale, y * scale);
        let (mut first, mut second, mut cell) = (f32::MAX, f32::MAX, (0, 0));
        for row in -1..=1 {
            for column in -1..=1 {
                let (gx, gy) = (u.floor() as i32 + column, v.floor() as i32 + row);
                let px = gx as f32 + 0.15 + 0.7 * grid_value(seed, gx, gy);
                let py = gy as f32 + 0.15 + 0.7 * grid_value(seed ^ 5, gx, gy);
                let away = (u - px).hypot(v - py);
                if away < first {
                    (second, first, cell) = (first, away, (gx, gy));
                } else if away < second {
                    second = away;
                }
            }
        }
        let glass = along(&palette[1..], grid_value(seed ^ 9, cell.0, cell.1));
        let grain = 0.9 + 0.2 * noise(seed ^ 3, x * 60.0, y * 8.0);
        let light = 1.15 - 0.45 * (x - centre.0).hypot(y - centre.1);
        blend(
            shade(palette[0], 0.45),
            shade(glass, light * grain),
            step(0.05, 0.10, second - first),
        )
    })
}

/// A chart of made-up figures: lines or bars over a grid.
fn chart(seed: u64, palette: &Palette, width: u32, height: u32) -> RgbImage {
    let mut dice = Dice::new(seed);
    let (right, bottom) = extent(width, height);
    let (left, top, low, end) = (0.10, 0.12, bottom - 0.12, right - 0.07);
    let paper = blend(palette[4], [1.0, 1.0, 1.0], 0.6);
    let n_series = 2 + dice.below(2);
    let n_points = 7 + dice.below(5);
    let bars = dice.below(2) == 0;
    let mut series: Vec<Vec<f32>> = Vec::new();
    for _ in 0..n_series {
        let (mut value, drift) = (dice.between(0.2, 0.7), dice.between(-0.03, 0.06));
        series.push(
            (0..n_points)
                .map(|_| {
                    value = (value + drift + dice.between(-0.14, 0.14)).clamp(0.06, 0.95);
                    value
                })
                .collect(),
        );
    }
    let place = |idx: usize, value: f32| {
        (
            lerp(left, end, (idx as f32 + 0.5) / n_points as f32),
            lerp(low, top, value),
        )
    };
    let soft = 0.0018;
    let within = |value: f32, from: f32, to: f32| {
        step(from - soft, from + soft, value) * (1.0 - step(to - soft, to + soft, value))
    };
    paint(width, height, |x, y| {
        let mut colour = paper;
        for line in 0..=5 {
            let at = lerp(low, top, line as f32 / 5.0);
            let ink = within(y, at - 0.0012, at + 0.0012) * within(x, left, end);
            colour = blend(colour, shade(paper, 0.82), ink);
        }
        for (idx, values) in series.iter().enumerate() {
            let ink = palette[idx % 3 + usize::from(idx > 0)];
            if bars {
                let slot = (end - left) / n_points as f32;
                let bar = slot * 0.7 / n_series as f32;
                for (point, value) in values.iter().enumerate() {
                    let (middle, head) = place(point, *value);
                    let start = middle - slot * 0.35 + bar * idx as f32;
                    colour = blend(colour, ink, within(x, start, start + bar * 0.9) * within(y, head, low));
                }
            } else {
                for pair in 1..values.len() {
                    let (from, to) = (place(pair - 1, values[pair - 1]), place(pair, values[pair]));
                    let away = distance_to_line((x, y), from, to).min((x - to.0).hypot(y - to.1) - 0.006);
                    colour = blend(colour, ink, 1.0 - step(0.004, 0.007, away));
                }
            }
        }
        let axes = (within(x, left - 0.003, left + 0.003) * within(y, top, low))
            .max(within(y, low - 0.003, low + 0.003) * within(x, left, end));
        colour = blend(colour, palette[0], axes);
        let title = within(y, 0.05, 0.075) * within(x, left, left + 0.3 * right);
        blend(colour, palette[0], title * 0.8)
    })
}

/// Quarter circles on tiles, which join into a maze.
fn tiles(seed: u64, palette: &Palette, width: u32, height: u32) -> RgbImage {
    let mut dice = Dice::new(seed);
    let scale = dice.between(6.0, 10.0);
    let band = dice.between(0.10, 0.17);
    paint(width, height, |x, y| {
        let (u, v) = (x * scale, y * scale);
        let (column, row) = (u.floor(), v.floor());
        let (mut fu, fv) = (u - column, v - row);
        if grid_value(seed, column as i32, row as i32) < 0.5 {
            fu = 1.0 - fu;
        }
        let away = ((fu.hypot(fv) - 0.5).abs()).min(((1.0 - fu).hypot(1.0 - fv) - 0.5).abs());
        let ground = along(&[palette[4], palette[3]], rough_noise(seed ^ 2, x * 1.5, y * 1.5, 2));
        let ribbon = along(
            &[palette[0], palette[1], palette[2]],
            rough_noise(seed ^ 4, x * 2.2, y * 2.2, 2),
        );
        let shadowed = shade(ground, 1.0 - 0.22 * (1.0 - step(band, band + 0.16, away)));
        let colour = blend(ribbon, shadowed, step(band - 0.012, band + 0.012, away));
        blend(palette[4], colour, step(band * 0.16, band * 0.16 + 0.02, away))
    })
}

/// Rings from several stones in a pond.
fn ripples(seed: u64, palette: &Palette, width: u32, height: u32) -> RgbImage {
    let mut dice = Dice::new(seed);
    let (right, bottom) = extent(width, height);
    let stones: Vec<(f32, f32, f32)> = (0..3 + dice.below(3))
        .map(|_| {
            (
                dice.between(0.0, right),
                dice.between(0.0, bottom),
                dice.between(5.0, 11.0),
            )
        })
        .collect();
    paint(width, height, |x, y| {
        let height_at = |x: f32, y: f32| -> f32 {
            stones
                .iter()
                .map(|(sx, sy, rings)| {
                    let away = (x - sx).hypot(y - sy);
                    (away * rings * TAU).sin() / (1.0 + 1.6 * away)
                })
                .sum::<f32>()
                / stones.len() as f32
        };
        let level = height_at(x, y);
        let slope = (height_at(x + 0.004, y + 0.004) - level) * 3.0;
        let colour = along(
            palette,
            0.45 + level * 0.75 + 0.18 * (noise(seed, x * 2.0, y * 2.0) - 0.5),
        );
        shade(colour, 1.0 - slope)
    })
}

/// Rectangles between dark bars.
fn blocks(seed: u64, palette: &Palette, width: u32, height: u32) -> RgbImage {
    let mut dice = Dice::new(seed);
    let (right, bottom) = extent(width, height);
    let mut blocks = vec![(0.0, 0.0, right, bottom)];
    for _ in 0..9 + dice.below(6) {
        let largest = (0..blocks.len())
            .max_by(|a, b| area(blocks[*a]).total_cmp(&area(blocks[*b])))
            .unwrap_or(0);
        let chosen = if dice.below(3) == 0 {
            dice.below(blocks.len())
        } else {
            largest
        };
        let (x, y, w, h) = blocks.swap_remove(chosen);
        let cut = dice.between(0.3, 0.7);
        if w > h {
            blocks.extend([(x, y, w * cut, h), (x + w * cut, y, w * (1.0 - cut), h)]);
        } else {
            blocks.extend([(x, y, w, h * cut), (x, y + h * cut, w, h * (1.0 - cut))]);
        }
    }
    let fills: Vec<Colour> = blocks
        .iter()
        .map(|_| {
            let light = blend(palette[4], [1.0, 1.0, 1.0], 0.4);
            *dice.pick(&[light, light, palette[4], palette[3], palette[2], palette[1]])
        })
        .collect();
    let bar = dice.between(0.008, 0.014);
    paint(width, height, |x, y| {
        let mut colour = palette[0];
        for ((left, top, w, h), fill) in blocks.iter().zip(&fills) {
            let inside = (x - left).min(left + w - x).min(y - top).min(top + h - y);
            if inside > 0.0 {
                let canvas = 0.97 + 0.06 * noise(seed, x * 90.0, y * 90.0);
                colour = blend(
                    shade(palette[0], 0.6),
                    shade(*fill, canvas),
                    step(bar - 0.0015, bar + 0.0015, inside),
                );
            }
        }
        colour
    })
}

fn area((_, _, width, height): (f32, f32, f32, f32)) -> f32 {
    width * height
}

/// See-through discs over each other.
fn discs(seed: u64, palette: &Palette, width: u32, height: u32) -> RgbImage {
    let mut dice = Dice::new(seed);
    let (right, bottom) = extent(width, height);
    let discs: Vec<(f32, f32, f32, Colour, f32)> = (0..14 + dice.below(8))
        .map(|_| {
            let radius = dice.between(0.05, 0.26);
            let colour = *dice.pick(&palette[..4]);
            (
                dice.between(0.0, right),
                dice.between(0.0, bottom),
                radius,
                colour,
                dice.between(0.45, 0.9),
            )
        })
        .collect();
    paint(width, height, |x, y| {
        let mut colour = along(&[palette[4], palette[3]], 0.5 * (x / right + y / bottom));
        for (cx, cy, radius, ink, strength) in &discs {
            let away = (x - cx).hypot(y - cy);
            let cover = 1.0 - step(radius - 0.003, radius + 0.003, away);
            let rim = 1.0 - step(0.002, 0.006, (away - radius * 0.82).abs());
            colour = blend(colour, *ink, cover * strength * (0.75 + 0.25 * away / radius));
            colour = blend(colour, palette[4], rim * 0.5);
        }
        colour
    })
}

/// Clouds of light among stars.
fn night(seed: u64, palette: &Palette, width: u32, height: u32) -> RgbImage {
    let mut dice = Dice::new(seed);
    let tilt = dice.between(-0.9, 0.9);
    let scale = dice.between(1.3, 2.2);
    paint(width, height, |x, y| {
        let bend = rough_noise(seed ^ 21, x * scale, y * scale, 4) - 0.5;
        let band = (-((y - 0.5 - tilt * (x - 0.6) + bend * 0.7) * 2.4).powi(2)).exp();
        let cloud = rough_noise(seed, x * scale * 2.0 + bend * 2.0, y * scale * 2.0, 5);
        let glow = (band * (cloud * 1.7 - 0.25)).clamp(0.0, 1.0);
        let mut colour = along(
            &[shade(palette[0], 0.35), palette[1], palette[2], palette[3], palette[4]],
            glow,
        );
        let (u, v) = (x * 46.0, y * 46.0);
        let (column, row) = (u.floor() as i32, v.floor() as i32);
        let chance = grid_value(seed ^ 8, column, row);
        if chance > 0.80 {
            let sx = column as f32 + 0.2 + 0.6 * grid_value(seed ^ 6, column, row);
            let sy = row as f32 + 0.2 + 0.6 * grid_value(seed ^ 7, column, row);
            let bright = (chance - 0.80) * 5.0;
            colour = blend(
                colour,
                [1.0, 0.98, 0.93],
                bright * (1.0 - step(0.02, 0.05 + 0.13 * bright, (u - sx).hypot(v - sy))),
            );
        }
        colour
    })
}

/// Bands of cloth over and under each other.
fn weave(seed: u64, palette: &Palette, width: u32, height: u32) -> RgbImage {
    let mut dice = Dice::new(seed);
    let (scale, turn) = (dice.between(5.0, 9.0), dice.between(0.15, 0.6));
    let (sin, cos) = turn.sin_cos();
    paint(width, height, |x, y| {
        let (u, v) = ((x * cos - y * sin) * scale, (x * sin + y * cos) * scale);
        let (column, row) = (u.floor() as i32, v.floor() as i32);
        let (fu, fv) = (u - u.floor(), v - v.floor());
        let over = (column + row).rem_euclid(2) == 0;
        let (across, length, thread) = if over { (fu, fv, column) } else { (fv, fu, row + 1000) };
        let pick = grid_value(seed, thread, 0);
        let band = along(palette, 0.1 + 0.9 * pick);
        let inside = across.min(1.0 - across);
        let bulge = 0.72 + 0.38 * (length * PI).sin() * (0.6 + 0.4 * (across * PI).sin());
        let fibre = 0.94 + 0.12 * noise(seed, across * 40.0, length * 3.0);
        blend(
            shade(palette[0], 0.5),
            shade(band, bulge * fibre),
            step(0.03, 0.07, inside),
        )
    })
}

/// The canvas's width and height in units of the shorter side.
fn extent(width: u32, height: u32) -> (f32, f32) {
    let unit = width.min(height) as f32;
    (width as f32 / unit, height as f32 / unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal::pdq;

    #[test]
    fn pictures_are_the_same_each_time_and_far_from_each_other() {
        let hash = |number| {
            let picture = draw(number);
            let (width, height) = picture.image.dimensions();
            let pixels = pdq::RgbImage::new(width, height, picture.image.as_raw()).unwrap();
            (picture.name, pdq::hash_rgb(pixels))
        };
        let hashes: Vec<_> = (0..30).map(hash).collect();
        assert_eq!(hashes[7], hash(7));
        for (place, (name, one)) in hashes.iter().enumerate() {
            assert!(one.quality >= 80, "{name} is too flat: {}", one.quality);
            for (other_name, other) in &hashes[..place] {
                let distance = one.hash.distance(other.hash);
                assert!(distance > 60, "{name} and {other_name} are {distance} apart");
            }
        }
    }
}
