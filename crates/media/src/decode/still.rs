//! Pictures of one frame that the `image` crate reads in one piece.

use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::{bmp::BmpDecoder, tiff::TiffDecoder};
use image::metadata::Orientation;

use super::pixels::Pixels;
use super::{Frames, refusal};
use crate::wire::Refusal;

/// How many frames the file has, when all were looked at.
pub(super) type FramesTotal = Option<u32>;

pub(super) fn bmp(bytes: &[u8], frames: &mut Frames) -> Result<FramesTotal, Refusal> {
    picture(BmpDecoder::new(Cursor::new(bytes)).map_err(refusal)?, frames)
}

/// The first page. Others are not counted: a multi-page TIFF is a document.
///
/// The orientation is part of the decoding here, as it is in Pillow: a TIFF has no signal of the pixels as stored.
pub(super) fn tiff(bytes: &[u8], frames: &mut Frames) -> Result<FramesTotal, Refusal> {
    let mut decoder = TiffDecoder::new(Cursor::new(bytes)).map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    frames.check_size(width, height)?;
    // The decoder's own limit on memory is lower than ours, which the kernel keeps.
    decoder.set_limits(image::Limits::no_limits()).map_err(refusal)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let pixels = Pixels::read(decoder)?.turned(orientation);
    frames.add(0, 0, 0, &pixels, Orientation::NoTransforms);
    Ok(Some(1))
}

/// Any other still picture, as frame 0. A broken orientation is none.
pub(super) fn picture(mut decoder: impl ImageDecoder, frames: &mut Frames) -> Result<FramesTotal, Refusal> {
    let (width, height) = decoder.dimensions();
    frames.check_size(width, height)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let pixels = Pixels::read(decoder)?;
    frames.add(0, 0, 0, &pixels, orientation);
    Ok(Some(1))
}
