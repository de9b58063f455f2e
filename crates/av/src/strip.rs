//! A few small pictures that are spread over a video of unknown length.

use ac_ffmpeg::Error;
use ac_ffmpeg::codec::video::frame::get_pixel_format;
use ac_ffmpeg::codec::video::scaler::Algorithm;
use ac_ffmpeg::codec::video::{PixelFormat, VideoFrame, VideoFrameScaler};
use media::av::wire::{Picture, STRIP_SIDE_MAX};
use media::av::{LIVE_PICTURE_MS, STRIP_PICTURES_MAX};
use signal::pdq::Dihedral;

/// The first spacing where nobody knows how long the video is.
const SPACING_MS: u32 = 1_000;
const SPACING_MS_MIN: u32 = 250;

/// Gathers pictures; when there are too many, every other one goes and the spacing doubles.
pub struct Strip {
    pictures: Vec<Picture>,
    spacing_ms: u32,
    due_ms: u32,
    turn: Dihedral,
    scaler: Option<((PixelFormat, usize, usize), VideoFrameScaler)>,
}

impl Strip {
    /// Of a video that claims to be so long, and is shown turned.
    pub fn new(claimed_ms: u32, turn: Dihedral) -> Self {
        let spacing_ms = match claimed_ms {
            0 => SPACING_MS,
            claimed => claimed.div_ceil(STRIP_PICTURES_MAX as u32).max(SPACING_MS_MIN),
        };
        Self {
            pictures: Vec::new(),
            spacing_ms,
            due_ms: 0,
            turn,
            scaler: None,
        }
    }

    /// Of a stream, whose pictures are handed on as they come.
    pub fn of_stream(turn: Dihedral) -> Self {
        Self {
            spacing_ms: LIVE_PICTURE_MS,
            ..Self::new(0, turn)
        }
    }

    /// Takes the frame if a picture is due.
    pub fn offer(&mut self, at_ms: u32, frame: &VideoFrame) -> Result<(), Error> {
        if at_ms < self.due_ms {
            return Ok(());
        }
        if self.pictures.len() == STRIP_PICTURES_MAX {
            let mut at = 0;
            self.pictures.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.spacing_ms = self.spacing_ms.saturating_mul(2);
            let last_ms = self.pictures.last().map_or(0, |picture| picture.at_ms);
            self.due_ms = last_ms.saturating_add(self.spacing_ms);
            if at_ms < self.due_ms {
                return Ok(());
            }
        }
        let picture = self.shrink(at_ms, frame)?;
        self.pictures.push(picture);
        self.due_ms = at_ms.saturating_add(self.spacing_ms);
        Ok(())
    }

    /// Those since the last time, in order of time.
    pub fn drain(&mut self) -> Vec<Picture> {
        std::mem::take(&mut self.pictures)
    }

    /// In order of time.
    pub fn into_pictures(self) -> Vec<Picture> {
        self.pictures
    }

    fn shrink(&mut self, at_ms: u32, frame: &VideoFrame) -> Result<Picture, Error> {
        let key = (frame.pixel_format(), frame.width(), frame.height());
        let (width, height) = fit(key.1, key.2);
        let scaler = match &mut self.scaler {
            Some((known, scaler)) if *known == key => scaler,
            other => {
                let scaler = VideoFrameScaler::builder()
                    .source_pixel_format(key.0)
                    .source_width(key.1)
                    .source_height(key.2)
                    .target_pixel_format(get_pixel_format("rgb24"))
                    .target_width(width)
                    .target_height(height)
                    .algorithm(Algorithm::Bilinear)
                    .build()?;
                &mut other.insert((key, scaler)).1
            }
        };
        let small = scaler.scale(frame)?;
        let planes = small.planes();
        let stride = planes[0].line_size();
        let data = planes[0].data();
        let pixel = |x: usize, y: usize| {
            let at = y * stride + 3 * x;
            data.get(at..at + 3).unwrap_or(&[0; 3])
        };
        let (right, bottom) = (width - 1, height - 1);
        let (shown_width, shown_height) = if self.turn.swaps_sides() {
            (height, width)
        } else {
            (width, height)
        };
        let mut rgb = Vec::with_capacity(3 * width * height);
        for y in 0..shown_height {
            for x in 0..shown_width {
                let (x, y) = match self.turn {
                    Dihedral::Original => (x, y),
                    Dihedral::Rotate90 => (right - y, x),
                    Dihedral::Rotate180 => (right - x, bottom - y),
                    Dihedral::Rotate270 => (y, bottom - x),
                    Dihedral::FlipX => (x, bottom - y),
                    Dihedral::FlipY => (right - x, y),
                    Dihedral::FlipPlus => (y, x),
                    Dihedral::FlipMinus => (right - y, bottom - x),
                };
                rgb.extend_from_slice(pixel(x, y));
            }
        }
        Ok(Picture {
            at_ms,
            width: shown_width as u32,
            height: shown_height as u32,
            rgb,
        })
    }
}

/// The largest size of the same shape with no side beyond [`STRIP_SIDE_MAX`]; never larger than it is.
fn fit(width: usize, height: usize) -> (usize, usize) {
    let longest = width.max(height).max(1);
    let target = longest.min(STRIP_SIDE_MAX as usize);
    let scaled = |side: usize| ((side * target + longest / 2) / longest).max(1);
    (scaled(width), scaled(height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ac_ffmpeg::codec::video::VideoFrameMut;

    fn black() -> VideoFrame {
        VideoFrameMut::black(get_pixel_format("yuv420p"), 640, 360).freeze()
    }

    #[test]
    fn pictures_are_spread_however_long_it_takes() {
        for (claimed_ms, n_seconds) in [(0, 10), (0, 100_000), (7_200_000, 7_200), (1_000, 500)] {
            let mut strip = Strip::new(claimed_ms, Dihedral::Original);
            let frame = black();
            for second in 0..n_seconds {
                strip.offer(second * 1_000, &frame).unwrap();
            }
            let times: Vec<u32> = strip.into_pictures().iter().map(|picture| picture.at_ms).collect();
            assert_eq!(times[0], 0);
            assert!((10..=STRIP_PICTURES_MAX).contains(&times.len()), "{times:?}");
            let gaps: Vec<u32> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(
                gaps.iter().max() <= gaps.iter().min().map(|gap| gap * 2).as_ref(),
                "{gaps:?}"
            );
            assert!(
                times[times.len() - 1] + 2 * gaps[0] >= (n_seconds - 1) * 1_000,
                "{times:?}"
            );
        }
    }

    #[test]
    fn of_a_stream_they_come_one_by_one_however_long_it_goes_on() {
        let mut strip = Strip::of_stream(Dihedral::Original);
        let frame = black();
        let mut times = Vec::new();
        for at_ms in (0..600_000).step_by(1_900) {
            strip.offer(at_ms, &frame).unwrap();
            let drained = strip.drain();
            assert!(drained.len() <= 1);
            times.extend(drained.iter().map(|picture| picture.at_ms));
        }
        assert!((100..=120).contains(&times.len()), "{}", times.len());
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= LIVE_PICTURE_MS));
    }

    #[test]
    fn they_stand_upright() {
        let mut strip = Strip::new(0, Dihedral::Rotate270);
        strip.offer(0, &black()).unwrap();
        let picture = &strip.into_pictures()[0];
        assert_eq!((picture.width, picture.height), (135, 240));
        assert_eq!(picture.rgb.len(), 3 * 135 * 240);
    }
}
