//! What pictures are drawn with: numbers from a seed, smooth noise, colours, and a canvas of RGB pixels. All of it gives the same
//! bytes for the same seed.

use image::RgbImage;

/// A colour, each part in `0.0..=1.0`.
pub type Colour = [f32; 3];

/// Numbers from a seed (SplitMix64): for pictures and sample data, never for secrets.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that always fall the same way for a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5eaa_5eaa_5eaa_5eaa)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in `low..high`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.next() >> 40) as f32 / (1u64 << 24) as f32;
        low + unit * (high - low)
    }

    /// A number in `0..below`.
    pub fn below(&mut self, below: usize) -> usize {
        (self.next() % below.max(1) as u64) as usize
    }

    /// One of them. There has to be one.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number in `0.0..1.0` for a point of a grid.
pub fn grid_value(seed: u64, x: i32, y: i32) -> f32 {
    let point = (u64::from(x.cast_unsigned()) << 32) | u64::from(y.cast_unsigned());
    (mix(point ^ seed.wrapping_mul(0xd6e8_feb8_6659_fd93)) >> 40) as f32 / (1u64 << 24) as f32
}

/// Smooth noise in `0.0..1.0`, one bump about every unit.
pub fn noise(seed: u64, x: f32, y: f32) -> f32 {
    let (column, row) = (x.floor(), y.floor());
    let (across, down) = (ease(x - column), ease(y - row));
    let at = |dx: i32, dy: i32| grid_value(seed, column as i32 + dx, row as i32 + dy);
    let top = lerp(at(0, 0), at(1, 0), across);
    let bottom = lerp(at(0, 1), at(1, 1), across);
    lerp(top, bottom, down)
}

/// Noise with finer noise on it, in `0.0..1.0`.
pub fn rough_noise(seed: u64, x: f32, y: f32, octaves: u32) -> f32 {
    let (mut sum, mut weight, mut total, mut scale) = (0.0, 0.5, 0.0, 1.0);
    for octave in 0..octaves {
        sum += weight * noise(seed.wrapping_add(u64::from(octave)), x * scale, y * scale);
        total += weight;
        weight *= 0.5;
        scale *= 2.03;
    }
    sum / total
}

/// From `a` to `b`.
pub fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

fn ease(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// 0 below `low`, 1 above `high`, smooth between.
pub fn step(low: f32, high: f32, value: f32) -> f32 {
    ease(((value - low) / (high - low)).clamp(0.0, 1.0))
}

/// From one colour to another.
pub fn blend(a: Colour, b: Colour, t: f32) -> Colour {
    [lerp(a[0], b[0], t), lerp(a[1], b[1], t), lerp(a[2], b[2], t)]
}

/// Lighter (above 1) or darker.
pub fn shade(colour: Colour, by: f32) -> Colour {
    colour.map(|part| part * by)
}

/// Along a row of colours, `t` in `0.0..=1.0`.
pub fn along(colours: &[Colour], t: f32) -> Colour {
    let place = t.clamp(0.0, 1.0) * (colours.len() - 1) as f32;
    let left = (place as usize).min(colours.len() - 2);
    blend(colours[left], colours[left + 1], place - left as f32)
}

/// A colour as designers write it: `0xrrggbb`.
pub const fn hex(rgb: u32) -> Colour {
    [
        ((rgb >> 16) & 255) as f32 / 255.0,
        ((rgb >> 8) & 255) as f32 / 255.0,
        (rgb & 255) as f32 / 255.0,
    ]
}

/// Paints each pixel: the function is given the place, `x` and `y` in units of the shorter side, from the top left.
pub fn paint(width: u32, height: u32, colour_at: impl Fn(f32, f32) -> Colour) -> RgbImage {
    let unit = 1.0 / width.min(height) as f32;
    RgbImage::from_fn(width, height, |x, y| {
        let colour = colour_at((x as f32 + 0.5) * unit, (y as f32 + 0.5) * unit);
        image::Rgb(colour.map(|part| (part.clamp(0.0, 1.0) * 255.0 + 0.5) as u8))
    })
}

/// How far a point lies from a line between two others.
pub fn distance_to_line(point: (f32, f32), from: (f32, f32), to: (f32, f32)) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = (dx * dx + dy * dy).max(1e-9);
    let t = (((point.0 - from.0) * dx + (point.1 - from.1) * dy) / length).clamp(0.0, 1.0);
    (point.0 - from.0 - t * dx).hypot(point.1 - from.1 - t * dy)
}
