//! Decodes JPEG with `zune-jpeg`: grey, colour, CMYK and YCCK become RGB, and a file that is cut off says so.

use image::metadata::Orientation;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::pixels::{Layout, Pixels};
use super::still::FramesTotal;
use super::{Frames, damaged};
use crate::wire::{Refusal, Unsupported};

/// Read strictly first, and if that fails as browsers read it: what is there is shown, the rest is grey. Such a file is
/// hashed, but not called intact.
pub(super) fn scan(bytes: &[u8], frames: &mut Frames) -> Result<FramesTotal, Refusal> {
    let options = DecoderOptions::default()
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let pixels_and_orientation = match read(bytes, options.set_strict_mode(true), frames) {
        Err(Refusal::Damaged(_)) => {
            frames.is_intact = false;
            read(bytes, options.set_strict_mode(false), frames)
        }
        other => other,
    };
    let (pixels, orientation) = pixels_and_orientation?;
    frames.add(0, 0, 0, &pixels, orientation);
    Ok(Some(1))
}

fn read(bytes: &[u8], options: DecoderOptions, frames: &Frames) -> Result<(Pixels, Orientation), Refusal> {
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(refusal)?;
    let (Some((width, height)), Some(stored)) = (decoder.dimensions(), decoder.input_colorspace()) else {
        return Err(damaged("it has no header"));
    };
    // A JPEG's sides have sixteen bits.
    let (width, height) = (width as u32, height as u32);
    frames.check_size(width, height)?;
    let (layout, wanted) = match stored {
        ColorSpace::Luma => (Layout::Grey, ColorSpace::Luma),
        _ => (Layout::Rgb, ColorSpace::RGB),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let size_bytes = decoder
        .output_buffer_size()
        .ok_or_else(|| damaged("it has no header"))?;
    let mut pixels = vec![0; size_bytes];
    decoder.decode_into(&mut pixels).map_err(refusal)?;
    // A broken orientation is none.
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    Ok((
        Pixels::new(width, height, layout, pixels)?,
        orientation.unwrap_or(Orientation::NoTransforms),
    ))
}

fn refusal(error: DecodeErrors) -> Refusal {
    match error {
        DecodeErrors::Unsupported(_) => Refusal::Unsupported(Unsupported::Variant),
        DecodeErrors::ExhaustedData => damaged("it ends too early"),
        _ => Refusal::Damaged(error.to_string()),
    }
}
