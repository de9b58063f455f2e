//! Frames made into another format and size by swscale, which is set up once for each kind of frame.

use ac_ffmpeg::Error;
use ac_ffmpeg::codec::video::frame::get_pixel_format;
use ac_ffmpeg::codec::video::scaler::Algorithm;
use ac_ffmpeg::codec::video::{PixelFormat, VideoFrame, VideoFrameScaler};

/// Makes frames of one format.
pub struct Converter {
    /// FFmpeg's name of it.
    format: &'static str,
    /// Which frames it is set up for.
    known: Option<((PixelFormat, usize, usize), VideoFrameScaler)>,
}

impl Converter {
    /// To this format, by FFmpeg's name.
    pub fn to(format: &'static str) -> Self {
        Self { format, known: None }
    }

    /// The frame in that format and this size, which follows from the frame's own.
    pub fn convert(&mut self, frame: &VideoFrame, (width, height): (usize, usize)) -> Result<VideoFrame, Error> {
        let key = (frame.pixel_format(), frame.width(), frame.height());
        let scaler = match &mut self.known {
            Some((known, scaler)) if *known == key => scaler,
            other => {
                let scaler = VideoFrameScaler::builder()
                    .source_pixel_format(key.0)
                    .source_width(key.1)
                    .source_height(key.2)
                    .target_pixel_format(get_pixel_format(self.format))
                    .target_width(width)
                    .target_height(height)
                    .algorithm(Algorithm::Bilinear)
                    .build()?;
                &mut other.insert((key, scaler)).1
            }
        };
        scaler.scale(frame)
    }
}
