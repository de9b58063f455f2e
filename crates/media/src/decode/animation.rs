//! Pictures that may have several frames, and which of the frames are hashed.

use std::io::Cursor;
use std::time::Instant;

use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{AnimationDecoder, Delay, ImageDecoder};

use super::pixels::{Layout, Pixels};
use super::still::{self, FramesTotal};
use super::{Frames, refusal};
use crate::FrameSignal;
use crate::wire::Refusal;

/// Browsers show a frame that asks for less than this much longer; see [`shown_ms`].
const SHOWN_MS_MIN: u32 = 11;

pub(super) fn png(bytes: &[u8], frames: &mut Frames) -> Result<FramesTotal, Refusal> {
    let open = || PngDecoder::new(Cursor::new(bytes)).map_err(refusal);
    let decoder = open()?;
    if !decoder.is_apng().map_err(refusal)? {
        return still::picture(decoder, frames);
    }
    let (width, height) = decoder.dimensions();
    frames.check_size(width, height)?;
    // What a viewer without animations shows is a frame like the others, before them when it is not one of them.
    let first_idx = if default_image_is_apart(bytes) {
        still::picture(open()?, frames)?;
        1
    } else {
        0
    };
    moving(decoder.apng().map_err(refusal)?, first_idx, frames)
}

pub(super) fn gif(bytes: &[u8], frames: &mut Frames) -> Result<FramesTotal, Refusal> {
    let decoder = GifDecoder::new(Cursor::new(bytes)).map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    frames.check_size(width, height)?;
    moving(decoder, 0, frames)
}

pub(super) fn webp(bytes: &[u8], frames: &mut Frames) -> Result<FramesTotal, Refusal> {
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(refusal)?;
    if !decoder.has_animation() {
        return still::picture(decoder, frames);
    }
    let (width, height) = decoder.dimensions();
    frames.check_size(width, height)?;
    moving(decoder, 0, frames)
}

/// The frames of an animation from `first_idx` on, until it ends, breaks, or a limit is reached. A first frame that
/// cannot be decoded fails the file: whatever else it shows, its animation was not seen.
fn moving<'a>(decoder: impl AnimationDecoder<'a>, first_idx: u32, frames: &mut Frames) -> Result<FramesTotal, Refusal> {
    let started = Instant::now();
    let mut at_ms = 0_u32;
    let mut index = first_idx;
    for frame in decoder.into_frames() {
        let is_first = index == first_idx;
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) if is_first => return Err(refusal(error)),
            Err(_) => {
                frames.is_intact = false;
                return Ok(None);
            }
        };
        let shown_ms = shown_ms(frame.delay());
        let canvas = frame.into_buffer();
        let (width, height) = canvas.dimensions();
        let pixels = Pixels::new(width, height, Layout::Rgba, canvas.into_raw())?;
        frames.add(index, at_ms, shown_ms, &pixels, Orientation::NoTransforms);
        at_ms = at_ms.saturating_add(shown_ms);
        index += 1;
        let out_of_time = started.elapsed().as_millis() >= u128::from(frames.limits.frames_ms_max);
        if index - first_idx >= frames.limits.frames_decoded_max || out_of_time {
            return Ok(None);
        }
    }
    if index == first_idx {
        return Err(super::damaged("its animation has no frame"));
    }
    Ok(Some(index))
}

/// As browsers do: a delay of up to 10 ms is taken for a mistake and replaced by 100 ms. So time always passes.
fn shown_ms(delay: Delay) -> u32 {
    let (numerator, denominator) = delay.numer_denom_ms();
    match numerator / denominator.max(1) {
        0..SHOWN_MS_MIN => 100,
        shown_ms => shown_ms,
    }
}

/// True when the picture in `IDAT` is not the animation's first frame: then no frame control stands before it.
fn default_image_is_apart(png: &[u8]) -> bool {
    let mut rest = png.get(8..).unwrap_or_default();
    while let Some((length, body)) = rest.split_first_chunk::<4>() {
        match body.first_chunk::<4>() {
            Some(b"fcTL") => return false,
            Some(b"IDAT") | None => break,
            Some(_) => {}
        }
        let length = u32::from_be_bytes(*length) as usize;
        rest = body.get(length.saturating_add(8)..).unwrap_or_default();
    }
    true
}

/// Chooses frames while they pass, without knowing how many will come: the first, and of each stretch of time the frame
/// that is shown longest. When there are too many, the stretches double.
///
/// So the chosen frames are spread over the duration, and a picture that is shown for seconds is not missed for a
/// hundred others that flash by.
pub(super) struct Sampler {
    n_max: usize,
    stretch_ms: u32,
    first: Vec<FrameSignal>,
    later: Vec<Sample>,
}

struct Sample {
    at_ms: u32,
    shown_ms: u32,
    signals: Vec<FrameSignal>,
}

impl Sampler {
    pub(super) fn new(n_max: u32) -> Self {
        Self {
            n_max: n_max.max(1) as usize,
            stretch_ms: 1,
            first: Vec::new(),
            later: Vec::new(),
        }
    }

    /// Whether [`Sampler::keep`] would keep a frame, so that the others need not be hashed. Frames come in order.
    pub(super) fn wants(&self, index: u32, at_ms: u32, shown_ms: u32) -> bool {
        if index == 0 {
            return true;
        }
        if self.n_max == 1 {
            return false;
        }
        match self.later.last() {
            Some(last) if last.at_ms / self.stretch_ms == at_ms / self.stretch_ms => shown_ms > last.shown_ms,
            _ => true,
        }
    }

    /// Takes the signals of a frame that is wanted.
    pub(super) fn keep(&mut self, at_ms: u32, shown_ms: u32, signals: Vec<FrameSignal>) {
        if self.first.is_empty() {
            self.first = signals;
            return;
        }
        self.later.push(Sample {
            at_ms,
            shown_ms,
            signals,
        });
        self.merge();
        while self.later.len() > self.n_max - 1 {
            self.stretch_ms = self.stretch_ms.saturating_mul(2);
            self.merge();
        }
    }

    /// Of each stretch only the longest shown frame stays; of equals, the earliest.
    fn merge(&mut self) {
        let stretch_ms = self.stretch_ms;
        self.later.dedup_by(|next, kept| {
            let same = next.at_ms / stretch_ms == kept.at_ms / stretch_ms;
            if same && next.shown_ms > kept.shown_ms {
                std::mem::swap(next, kept);
            }
            same
        });
    }

    pub(super) fn into_signals(self) -> Vec<FrameSignal> {
        let later = self.later.into_iter().flat_map(|sample| sample.signals);
        self.first.into_iter().chain(later).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::View;
    use signal::Pdq;
    use signal::pdq::PdqSignal;

    /// The indexes of the frames that are chosen out of frames shown for so many milliseconds each.
    fn chosen(n_max: u32, shown_ms: &[u32]) -> Vec<u32> {
        let mut sampler = Sampler::new(n_max);
        let mut at_ms = 0;
        for (index, &shown_ms) in (0..).zip(shown_ms) {
            if sampler.wants(index, at_ms, shown_ms) {
                let pdq = PdqSignal {
                    hash: Pdq::from_bytes([0; 32]),
                    quality: 0,
                };
                sampler.keep(
                    at_ms,
                    shown_ms,
                    vec![FrameSignal {
                        index,
                        at_ms,
                        view: View::AsIs,
                        pdq,
                    }],
                );
            }
            at_ms += shown_ms;
        }
        sampler.into_signals().iter().map(|frame| frame.index).collect()
    }

    #[test]
    fn few_frames_are_all_chosen() {
        assert_eq!(chosen(16, &[100; 16]), (0..16).collect::<Vec<_>>());
        assert_eq!(chosen(16, &[100]), [0]);
        assert_eq!(chosen(1, &[100; 50]), [0]);
    }

    #[test]
    fn many_frames_are_spread() {
        for n in [17, 100, 999] {
            let chosen = chosen(16, &vec![40; n]);
            assert!((8..=16).contains(&chosen.len()), "{n}: {chosen:?}");
            assert_eq!(chosen[0], 0);
            let widest_gap = chosen.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            assert!(widest_gap as usize <= n / 5, "{n}: {chosen:?}");
            assert!(*chosen.last().unwrap() as usize > n * 4 / 5, "{n}: {chosen:?}");
        }
    }

    #[test]
    fn what_is_shown_for_seconds_is_chosen_among_flashes() {
        let mut shown_ms = vec![20; 500];
        shown_ms[333] = 5_000;
        assert!(chosen(8, &shown_ms).contains(&333));
    }

    #[test]
    fn time_passes_even_when_a_file_says_it_does_not() {
        assert_eq!(shown_ms(Delay::from_numer_denom_ms(0, 1)), 100);
        assert_eq!(shown_ms(Delay::from_numer_denom_ms(10, 1)), 100);
        assert_eq!(shown_ms(Delay::from_numer_denom_ms(20, 1)), 20);
        assert_eq!(shown_ms(Delay::from_numer_denom_ms(u32::MAX, 1)), u32::MAX);
    }
}
