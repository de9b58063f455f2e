//! Pictures to test with: scenes of many shapes, cards of one layout, and what people do to them. All are drawn here, by a seed.

use moderation::model::Chance;

/// Red, green and blue, row after row.
#[derive(Clone)]
pub struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    fn filled(width: usize, height: usize, colour: [u8; 3]) -> Self {
        Self {
            width,
            height,
            pixels: vec![colour; width * height],
        }
    }

    /// A picture of a hundred overlapping shapes; another for each seed.
    pub fn scene(seed: u64) -> Self {
        let chance = Chance::seeded(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
        let (width, height) = (320, 240);
        let mut picture = Self::filled(width, height, [90, 110, 130]);
        for n in 0..110 {
            let colour = chance.bytes::<3>();
            let (x, y) = (chance.unit() * width as f64, chance.unit() * height as f64);
            let size = if n < 12 { 90.0 } else { 26.0 };
            let (a, b) = (6.0 + chance.unit() * size, 6.0 + chance.unit() * size);
            let (sin, cos) = (chance.unit() * std::f64::consts::PI).sin_cos();
            let is_box = chance.unit() < 0.4;
            let slope = chance.unit() * 0.8;
            picture.draw_within((x, y), a.hypot(b), |px, py| {
                let (dx, dy) = (px - x, py - y);
                let (u, v) = ((cos * dx + sin * dy) / a, (cos * dy - sin * dx) / b);
                let inside = if is_box {
                    u.abs().max(v.abs()) < 0.8
                } else {
                    u.hypot(v) < 1.0
                };
                let shade = 1.0 - slope * (u + 1.0) / 2.0;
                inside.then(|| colour.map(|value| (f64::from(value) * shade) as u8))
            });
        }
        picture
    }

    /// A card: the same band, circle and rules, with other words for each seed.
    pub fn card(seed: u64) -> Self {
        let chance = Chance::seeded(seed + 1_000_000);
        let mut picture = Self::filled(320, 240, [246, 240, 228]);
        picture.draw(|_, y| (y < 60.0).then_some([20, 60, 120]));
        picture.draw(|x, y| ((x - 40.0).hypot(y - 30.0) < 20.0).then_some([240, 190, 30]));
        picture.draw(|x, y| ((x - 40.0).abs().max((y - 30.0).abs()) < 7.0).then_some([120, 20, 20]));
        picture.draw(|x, y| (x > 250.0 && y > 150.0 && (x + y) as i64 % 14 < 7).then_some([180, 40, 60]));
        picture.draw(|_, y| (y > 225.0).then_some([60, 60, 60]));
        // Words in grey, of letters of four by four squares.
        for line in 0..3 {
            let mut x = 20.0;
            while x < 225.0 {
                let letter = chance.bytes::<4>();
                let top = 90.0 + 40.0 * f64::from(line);
                picture.draw_within((x, top), 20.0, |px, py| {
                    let (u, v) = ((px - x) / 2.0, (py - top) / 3.0);
                    let is_in = (0.0..4.0).contains(&u) && (0.0..4.0).contains(&v);
                    let bit = (v as usize * 4 + u as usize) % 16;
                    let is_ink = is_in && u16::from_le_bytes([letter[0], letter[1]]) >> bit & 1 == 1;
                    is_ink.then_some([120, 116, 110])
                });
                x += if letter[2] < 40 { 18.0 } else { 10.0 };
            }
        }
        picture
    }

    fn draw(&mut self, colour: impl Fn(f64, f64) -> Option<[u8; 3]>) {
        let reach = (self.width + self.height) as f64;
        self.draw_within((0.0, 0.0), reach, colour);
    }

    /// The same no further than so many pixels left, right, above and below a place.
    fn draw_within(&mut self, (x, y): (f64, f64), reach: f64, colour: impl Fn(f64, f64) -> Option<[u8; 3]>) {
        let range = |at: f64, side: usize| (at - reach).max(0.0) as usize..side.min((at + reach) as usize + 1);
        for y in range(y, self.height) {
            for x in range(x, self.width) {
                if let Some(colour) = colour(x as f64 + 0.5, y as f64 + 0.5) {
                    self.pixels[y * self.width + x] = colour;
                }
            }
        }
    }

    /// A picture each of whose pixels says whence it is taken; beside the picture lies grey.
    fn mapped(&self, width: usize, height: usize, from: impl Fn(f64, f64) -> (f64, f64)) -> Self {
        let mut picture = Self::filled(width, height, [128, 128, 128]);
        picture.draw(|x, y| self.at(from(x, y)));
        picture
    }

    /// The colour at a place, between the pixels.
    fn at(&self, (x, y): (f64, f64)) -> Option<[u8; 3]> {
        if x < 0.0 || y < 0.0 || x >= self.width as f64 || y >= self.height as f64 {
            return None;
        }
        let (x, y) = ((x - 0.5).max(0.0), (y - 0.5).max(0.0));
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (fx, fy) = (x.fract(), y.fract());
        let pixel = |x: usize, y: usize, c: usize| f64::from(self.pixels[y * self.width + x][c]);
        Some(std::array::from_fn(|c| {
            let upper = pixel(left, top, c) * (1.0 - fx) + pixel(right, top, c) * fx;
            let lower = pixel(left, bottom, c) * (1.0 - fx) + pixel(right, bottom, c) * fx;
            (upper * (1.0 - fy) + lower * fy).round() as u8
        }))
    }

    pub fn mirrored(&self) -> Self {
        let width = self.width as f64;
        self.mapped(self.width, self.height, |x, y| (width - x, y))
    }

    /// Less these shares of its sides: left, top, right, bottom.
    pub fn cropped(&self, left: f64, top: f64, right: f64, bottom: f64) -> Self {
        let pixels = |share: f64, side: usize| (share * side as f64) as usize;
        let (x0, y0) = (pixels(left, self.width), pixels(top, self.height));
        let width = self.width - x0 - pixels(right, self.width);
        let height = self.height - y0 - pixels(bottom, self.height);
        self.mapped(width, height, |x, y| (x + x0 as f64, y + y0 as f64))
    }

    pub fn framed(&self, border: usize, colour: [u8; 3]) -> Self {
        let mut picture = Self::filled(self.width + 2 * border, self.height + 2 * border, colour);
        picture.draw(|x, y| self.at((x - border as f64, y - border as f64)));
        picture
    }

    /// Turned about its middle, in a frame of the same size.
    pub fn rotated(&self, degrees: f64) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (x0, y0) = (self.width as f64 / 2.0, self.height as f64 / 2.0);
        self.mapped(self.width, self.height, |x, y| {
            let (dx, dy) = (x - x0, y - y0);
            (x0 + cos * dx + sin * dy, y0 + cos * dy - sin * dx)
        })
    }

    /// In another size, smoothed by the mean of four places in each pixel.
    pub fn resized(&self, width: usize, height: usize) -> Self {
        let (across, down) = (self.width as f64 / width as f64, self.height as f64 / height as f64);
        let mut picture = Self::filled(width, height, [0, 0, 0]);
        picture.draw(|x, y| {
            let places = [(-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25)];
            let colours = places.map(|(dx, dy)| self.at(((x + dx) * across, (y + dy) * down)).unwrap_or_default());
            Some(std::array::from_fn(|c| {
                (colours.iter().map(|colour| u32::from(colour[c])).sum::<u32>() / 4) as u8
            }))
        });
        picture
    }

    /// With another on it, its upper left corner here.
    pub fn with(&self, other: &Self, left: usize, top: usize) -> Self {
        let mut picture = self.clone();
        picture.draw(|x, y| other.at((x - left as f64, y - top as f64)));
        picture
    }

    /// As a Windows bitmap: a header of 54 bytes, rows from the bottom, each filled up to a multiple of four bytes.
    pub fn bmp(&self) -> Vec<u8> {
        let stride = (3 * self.width).next_multiple_of(4);
        let size = 54 + stride * self.height;
        let mut bytes = b"BM".to_vec();
        for number in [size as u32, 0, 54, 40, self.width as u32, self.height as u32] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend([1, 0, 24, 0]);
        bytes.extend([0; 24]);
        for row in self.pixels.chunks(self.width).rev() {
            let begin = bytes.len();
            bytes.extend(row.iter().flat_map(|[r, g, b]| [*b, *g, *r]));
            bytes.resize(begin + stride, 0);
        }
        bytes
    }
}
