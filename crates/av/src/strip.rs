//! A few small pictures that are spread over a video of unknown length. They are handed on as they are taken; whoever gathers them leaves out every other one when
//! there are too many, as is done here with their times.

use ac_ffmpeg::Error;
use ac_ffmpeg::codec::video::VideoFrame;
use media::av::wire::{Picture, STRIP_SIDE_MAX, StripPlace};
use media::av::{LIVE_PICTURE_MS, STRIP_PICTURES_MAX, every_other};
use signal::pdq::Dihedral;

use crate::convert::Converter;

/// The first spacing where nobody knows how long the video is.
const SPACING_MS: u32 = 1_000;
const SPACING_MS_MIN: u32 = 250;

/// Takes pictures; when there are too many, every other one goes and the spacing doubles.
pub struct Strip {
    /// Those that were taken and not yet handed on.
    ready: Vec<Picture>,
    /// When those of a file were shown that are kept.
    times: Vec<u32>,
    is_live: bool,
    spacing_ms: u32,
    due_ms: u32,
    turn: Dihedral,
    converter: Converter,
}

impl Strip {
    /// Of a video that claims to be so long, and is shown turned.
    pub fn new(claimed_ms: u32, turn: Dihedral) -> Self {
        let spacing_ms = match claimed_ms {
            0 => SPACING_MS,
            claimed => claimed.div_ceil(STRIP_PICTURES_MAX as u32).max(SPACING_MS_MIN),
        };
        Self {
            ready: Vec::new(),
            times: Vec::new(),
            is_live: false,
            spacing_ms,
            due_ms: 0,
            turn,
            converter: Converter::to("rgb24"),
        }
    }

    /// Of a stream, whose pictures are handed on as they come.
    pub fn of_stream(turn: Dihedral) -> Self {
        Self {
            is_live: true,
            spacing_ms: LIVE_PICTURE_MS,
            ..Self::new(0, turn)
        }
    }

    /// Goes on where another was cut off.
    pub fn resume(&mut self, place: StripPlace) {
        let n = (place.n_pictures as usize).min(STRIP_PICTURES_MAX);
        self.times = vec![place.before_ms; n];
        if let Some(last) = self.times.last_mut() {
            *last = place.last_ms;
            self.spacing_ms = self
                .spacing_ms
                .saturating_mul(1_u32.checked_shl(place.n_thinned).unwrap_or(u32::MAX));
            self.due_ms = place.last_ms.saturating_add(self.spacing_ms);
        }
    }

    /// Takes the frame if a picture is due.
    pub fn offer(&mut self, at_ms: u32, frame: &VideoFrame) -> Result<(), Error> {
        if at_ms < self.due_ms {
            return Ok(());
        }
        if self.times.len() == STRIP_PICTURES_MAX {
            every_other(&mut self.times);
            self.spacing_ms = self.spacing_ms.saturating_mul(2);
            let last_ms = self.times.last().copied().unwrap_or(0);
            self.due_ms = last_ms.saturating_add(self.spacing_ms);
            if at_ms < self.due_ms {
                return Ok(());
            }
        }
        let picture = self.shrink(at_ms, frame)?;
        self.ready.push(picture);
        if !self.is_live {
            self.times.push(at_ms);
        }
        self.due_ms = at_ms.saturating_add(self.spacing_ms);
        Ok(())
    }

    /// Those since the last time, in order of time.
    pub fn drain(&mut self) -> Vec<Picture> {
        std::mem::take(&mut self.ready)
    }

    fn shrink(&mut self, at_ms: u32, frame: &VideoFrame) -> Result<Picture, Error> {
        let (width, height) = fit(frame.width(), frame.height());
        let small = self.converter.convert(frame, (width, height))?;
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
    use ac_ffmpeg::codec::video::frame::get_pixel_format;

    fn black() -> VideoFrame {
        VideoFrameMut::black(get_pixel_format("yuv420p"), 640, 360).freeze()
    }

    #[test]
    fn pictures_are_spread_however_long_it_takes() {
        for (claimed_ms, n_seconds) in [(0, 10), (0, 100_000), (7_200_000, 7_200), (1_000, 500)] {
            let mut strip = Strip::new(claimed_ms, Dihedral::Original);
            let frame = black();
            let mut times: Vec<u32> = Vec::new();
            let mut n_sent = 0;
            for second in 0..n_seconds {
                strip.offer(second * 1_000, &frame).unwrap();
                for picture in strip.drain() {
                    // As the host does.
                    if times.len() == STRIP_PICTURES_MAX {
                        every_other(&mut times);
                    }
                    times.push(picture.at_ms);
                    n_sent += 1;
                }
            }
            assert_eq!(times, strip.times);
            assert!(n_sent <= media::av::wire::STRIP_SENT_MAX, "{n_sent}");
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
    fn one_that_goes_on_takes_what_the_first_would_have_taken() {
        let frame = black();
        for cut_s in [0, 1, 22, 23, 24, 25, 60, 97] {
            let mut whole = Strip::new(0, Dihedral::Original);
            let (mut kept, mut n_thinned, mut resumed) = (Vec::new(), 0, None);
            for second in 0..200_u32 {
                if second == cut_s {
                    let last = |back: usize| kept.len().checked_sub(back).map_or(0, |idx| kept[idx]);
                    let mut next = Strip::new(0, Dihedral::Original);
                    next.resume(StripPlace {
                        n_pictures: kept.len() as u32,
                        n_thinned,
                        last_ms: last(1),
                        before_ms: last(2),
                    });
                    resumed = Some(next);
                }
                whole.offer(second * 1_000, &frame).unwrap();
                let taken = whole.drain();
                if let Some(resumed) = &mut resumed {
                    resumed.offer(second * 1_000, &frame).unwrap();
                    assert_eq!(resumed.drain().len(), taken.len(), "cut at {cut_s}, {second} s");
                }
                for picture in taken {
                    if kept.len() == STRIP_PICTURES_MAX {
                        every_other(&mut kept);
                        n_thinned += 1;
                    }
                    kept.push(picture.at_ms);
                }
            }
        }
    }

    #[test]
    fn they_stand_upright() {
        let mut strip = Strip::new(0, Dihedral::Rotate270);
        strip.offer(0, &black()).unwrap();
        let picture = &strip.drain()[0];
        assert_eq!((picture.width, picture.height), (135, 240));
        assert_eq!(picture.rgb.len(), 3 * 135 * 240);
    }
}
