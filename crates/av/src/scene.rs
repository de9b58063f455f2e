//! Where one scene ends and another begins: a test on every decoded frame, so it must cost next to nothing.

/// Points of the grid on which frames are compared.
const COLUMNS: usize = 48;
const ROWS: usize = 27;
/// Neighbours that are averaged at each point, against noise.
const NEIGHBOURS: usize = 4;
/// Mean difference of a point, of 255, below which nothing has changed.
const DIFFERENCE_MIN: f32 = 14.0;
/// By how much a cut stands out of what moves anyway.
const STANDS_OUT: f32 = 3.0;
/// How fast what moves is forgotten.
const MEMORY: f32 = 0.8;

/// Rows of luma, one sample each one or two bytes wide.
pub struct Plane<'a> {
    /// The bytes.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Of each sample the byte that is looked at: (bytes of a sample, offset in it).
    pub sample: (usize, usize),
    /// Samples are multiplied by this to fill 8 bits.
    pub scale: f32,
}

/// Compares each frame with the one before.
#[derive(Debug, Default)]
pub struct SceneTest {
    last: Vec<u16>,
    /// The next frame's, so that no frame asks for memory.
    now: Vec<u16>,
    moving: f32,
}

impl SceneTest {
    /// Whether a new scene begins with this frame. The first frame of all begins one.
    pub fn is_new(&mut self, plane: &Plane<'_>) -> bool {
        take_points(plane, &mut self.now);
        std::mem::swap(&mut self.now, &mut self.last);
        let (points, before) = (&self.last, &self.now);
        if before.len() != points.len() {
            return true;
        }
        let n = points.len().max(1) as f32;
        let sum = |points: &[u16]| points.iter().map(|point| u32::from(*point)).sum::<u32>() as f32 / n;
        // A fade or a flash moves all points alike: that is no other picture.
        let shift = sum(points) - sum(before);
        let difference = difference(points, before, shift) / n / NEIGHBOURS as f32 * plane.scale;
        let is_new = difference > DIFFERENCE_MIN && difference > STANDS_OUT * self.moving;
        // The cut itself is no movement.
        let moved = if is_new { self.moving } else { difference };
        self.moving = MEMORY * self.moving + (1.0 - MEMORY) * moved;
        is_new
    }
}

/// Sums that are kept apart, so that they need not wait for each other.
const SUMS: usize = 8;

/// Sum of the differences of points that a shift does not explain.
fn difference(points: &[u16], before: &[u16], shift: f32) -> f32 {
    let differs = |now: u16, before: u16| (f32::from(now) - f32::from(before) - shift).abs();
    let (points, rest) = points.as_chunks::<SUMS>();
    let (before, rest_before) = before.as_chunks::<SUMS>();
    let mut sums = [0.0_f32; SUMS];
    for (points, before) in points.iter().zip(before) {
        for (sum, (now, before)) in sums.iter_mut().zip(points.iter().zip(before)) {
            *sum += differs(*now, *before);
        }
    }
    let rest = rest.iter().zip(rest_before).map(|(now, before)| differs(*now, *before));
    sums.iter().sum::<f32>() + rest.sum::<f32>()
}

fn take_points(plane: &Plane<'_>, points: &mut Vec<u16>) {
    let (bytes, offset) = plane.sample;
    points.clear();
    for row in 0..ROWS.min(plane.height) {
        let y = (2 * row + 1) * plane.height / (2 * ROWS.min(plane.height));
        let Some(line) = plane.data.get(y * plane.stride..) else {
            break;
        };
        for column in 0..COLUMNS {
            let x = column * plane.width / COLUMNS;
            let four = line.get(x..).and_then(<[u8]>::first_chunk::<NEIGHBOURS>);
            // What nearly all videos have: a byte a sample, and as many to the right.
            if let Some(four) = four.filter(|_| bytes == 1 && x + NEIGHBOURS <= plane.width) {
                points.push(four.iter().map(|byte| u16::from(*byte)).sum());
                continue;
            }
            let neighbours = (x..x + NEIGHBOURS).map(|x| x.min(plane.width - 1) * bytes + offset);
            points.push(neighbours.map(|at| u16::from(line.get(at).copied().unwrap_or(0))).sum());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 320;
    const HEIGHT: usize = 180;

    fn frame(pixel: impl Fn(usize, usize) -> usize) -> Vec<u8> {
        let pixel = &pixel;
        (0..HEIGHT)
            .flat_map(|y| (0..WIDTH).map(move |x| pixel(x, y).min(255) as u8))
            .collect()
    }

    fn test(test: &mut SceneTest, data: &[u8]) -> bool {
        test.is_new(&Plane {
            data,
            stride: WIDTH,
            width: WIDTH,
            height: HEIGHT,
            sample: (1, 0),
            scale: 1.0,
        })
    }

    #[test]
    fn a_cut_is_seen_and_movement_and_light_are_not() {
        let mut scenes = SceneTest::default();
        let bars = |shift: usize, light: usize| frame(move |x, y| (x + shift) % 160 / 2 + y / 3 + light);
        assert!(test(&mut scenes, &bars(0, 0)), "the first");
        for step in 1..20 {
            assert!(!test(&mut scenes, &bars(step * 2, 0)), "it moves");
        }
        assert!(!test(&mut scenes, &bars(40, 70)), "a flash");
        assert!(!test(&mut scenes, &bars(40, 0)), "and back");
        let other = frame(|x, y| if (x / 40 + y / 40) % 2 == 0 { 220 } else { 10 });
        assert!(test(&mut scenes, &other), "a cut");
        assert!(!test(&mut scenes, &other), "what follows it");
    }

    #[test]
    fn sizes_may_be_anything() {
        for (width, height, n) in [(1, 1, 1), (1, 100, 100), (100, 1, 100), (3, 5, 2), (16, 16, 0)] {
            let data = vec![7; n];
            let plane = Plane {
                data: &data,
                stride: width,
                width,
                height,
                sample: (1, 0),
                scale: 1.0,
            };
            SceneTest::default().is_new(&plane);
        }
    }
}
