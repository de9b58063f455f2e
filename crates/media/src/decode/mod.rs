//! Decoding: bytes in, signals and a small picture out. Runs in the worker, inside the jail, and nowhere else.
//!
//! Everything here is pure: bytes and limits are arguments, nothing is read from the outside. What the bytes are is
//! told by [`sniff`]; [`still`] and [`animation`] decode what the `image` crate knows, [`jpeg`] and [`heif`] the rest. Each
//! frame passes through [`Frames`], which hashes it and lets it go.

mod animation;
#[cfg(feature = "heif")]
mod heif;
mod jpeg;
mod pixels;
mod sniff;
mod still;

use image::metadata::Orientation;
use signal::Looks;

use crate::wire::{Answer, DecodeLimits, Finding, Refusal, SmallPicture, Unsupported};
use crate::{FrameSignal, MediaType, Want};
use animation::Sampler;
use pixels::Pixels;

/// Scans one file.
pub(crate) fn scan(bytes: &[u8], want: Want, limits: DecodeLimits) -> Answer {
    let media_type = sniff::media_type(bytes).map_err(Refusal::Unsupported)?;
    let mut frames = Frames {
        want,
        limits,
        size: None,
        preview: None,
        looks: None,
        is_intact: true,
        sampler: Sampler::new(limits.frames_max),
    };
    let frames_total = match media_type {
        MediaType::Jpeg => jpeg::scan(bytes, &mut frames)?,
        MediaType::Bmp => still::bmp(bytes, &mut frames)?,
        MediaType::Tiff => still::tiff(bytes, &mut frames)?,
        MediaType::Png => animation::png(bytes, &mut frames)?,
        MediaType::Gif => animation::gif(bytes, &mut frames)?,
        MediaType::WebP => animation::webp(bytes, &mut frames)?,
        #[cfg(feature = "heif")]
        MediaType::Avif | MediaType::Heic => heif::scan(bytes, &mut frames)?,
        #[cfg(not(feature = "heif"))]
        MediaType::Avif => return Err(Refusal::Unsupported(Unsupported::Avif)),
        #[cfg(not(feature = "heif"))]
        MediaType::Heic => return Err(Refusal::Unsupported(Unsupported::Heic)),
    };
    let (width, height) = frames.size.ok_or_else(|| damaged("it has no frame"))?;
    let is_intact = frames.is_intact;
    let signals = frames.sampler.into_signals();
    Ok(Finding {
        media_type,
        width,
        height,
        frames_total,
        is_intact,
        frames: signals,
        preview: frames.preview,
        looks: frames.looks,
    })
}

/// What becomes of the frames of one file. Pixels are borrowed for a moment; only signals and one small picture stay.
struct Frames {
    want: Want,
    limits: DecodeLimits,
    size: Option<(u32, u32)>,
    preview: Option<SmallPicture>,
    looks: Option<Looks>,
    /// False once a decoder met damage and went on.
    is_intact: bool,
    sampler: Sampler,
}

impl Frames {
    /// To be asked with what a header claims, before memory is taken for pixels.
    fn check_size(&self, width: u32, height: u32) -> Result<(), Refusal> {
        if width == 0 || height == 0 {
            return Err(damaged("it has no pixels"));
        }
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.limits.pixels_max || width.max(height) > self.limits.side_max {
            return Err(Refusal::TooManyPixels { width, height });
        }
        Ok(())
    }

    /// The frame at `index`, which is shown for `shown_ms` from `at_ms` on.
    fn add(&mut self, index: u32, at_ms: u32, shown_ms: u32, pixels: &Pixels, orientation: Orientation) {
        if index == 0 {
            self.size = Some(pixels.size_upright(orientation));
            if self.want.has_previews() {
                self.preview = Some(pixels.shrink(orientation));
            }
            if self.want.has_looks() {
                self.looks = Some(pixels.looks(orientation));
            }
        }
        if self.sampler.wants(index, at_ms, shown_ms) {
            let signal = |(view, pdq)| FrameSignal {
                index,
                at_ms,
                view,
                pdq,
            };
            let signals = pixels.hash(orientation).into_iter().map(signal).collect();
            self.sampler.keep(at_ms, shown_ms, signals);
        }
    }
}

fn damaged(detail: &str) -> Refusal {
    Refusal::Damaged(detail.to_owned())
}

/// What the `image` crate says, in our words where it is not about the file's content.
fn refusal(error: image::ImageError) -> Refusal {
    match error {
        image::ImageError::Unsupported(_) => Refusal::Unsupported(Unsupported::Variant),
        image::ImageError::Limits(_) => Refusal::Memory,
        image::ImageError::IoError(_) => damaged("it ends too early"),
        image::ImageError::Decoding(error) => Refusal::Damaged(error.to_string()),
        image::ImageError::Encoding(error) => Refusal::Damaged(error.to_string()),
        image::ImageError::Parameter(error) => Refusal::Damaged(error.to_string()),
    }
}
