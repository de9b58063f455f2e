//! AVIF and HEIC: the primary picture.

use image::metadata::Orientation;
use oxideav_heif::{DecodeOptions, HeifError};

use super::pixels::{Layout, Pixels};
use super::still::FramesTotal;
use super::{Frames, damaged};
use crate::wire::{Refusal, Unsupported};

/// The primary picture, turned as the container says; there is no other way to store it, so that is "as is". Frames of a
/// sequence are not looked at, and the total is then unknown.
pub(super) fn scan(bytes: &[u8], frames: &mut Frames) -> Result<FramesTotal, Refusal> {
    let info = oxideav_heif::info(bytes).map_err(refusal)?;
    frames.check_size(info.width, info.height)?;
    let options = DecodeOptions::default()
        .with_max_width(Some(frames.limits.side_max))
        .with_max_height(Some(frames.limits.side_max))
        .with_max_pixels(Some(frames.limits.pixels_max))
        .with_base_layer_fallback(true)
        .with_threads(Some(1));
    let picture = oxideav_heif::decode_with(bytes, &options).map_err(refusal)?;
    let (width, height) = (picture.width(), picture.height());
    let (layout, pixels) = match picture.format().has_alpha() {
        true => (Layout::Rgba, picture.try_to_rgba8()),
        false => (Layout::Rgb, picture.try_to_rgb8()),
    };
    let pixels = Pixels::new(width, height, layout, pixels.map_err(refusal)?)?;
    frames.add(0, 0, 0, &pixels, Orientation::NoTransforms);
    Ok(Some(1).filter(|_| info.frames <= 1))
}

fn refusal(error: HeifError) -> Refusal {
    match error {
        HeifError::Unsupported(_) => Refusal::Unsupported(Unsupported::Variant),
        HeifError::LimitExceeded(_) => Refusal::Memory,
        HeifError::InvalidData(detail) => Refusal::Damaged(detail),
        HeifError::Io(_) => damaged("it ends too early"),
        _ => damaged("the decoder gave no reason"),
    }
}
