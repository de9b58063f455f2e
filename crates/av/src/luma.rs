//! Grey pixels of decoded frames: eight bits, full range, no padding.
//!
//! vPDQ lets swscale make RGB of a frame and takes the luma of that. The luma that the codec stored is the same but for rounding, once it is stretched from the range
//! of television to that of computers, which swscale does by the name of the pixel format alone. So do we, without the detour, but for frames so smooth that rounding decides.

use ac_ffmpeg::Error;
use ac_ffmpeg::codec::video::{PixelFormat, VideoFrame};

use crate::convert::Converter;
use crate::scene::Plane;

/// No row of a frame is longer. A binding that hands negative strides over as huge ones is caught by it.
const STRIDE_MAX: usize = 1 << 20;

/// How the first plane of a pixel format is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// A byte a pixel.
    Bytes { is_full_range: bool },
    /// Two bytes a pixel, the lower first, of which so many bits count, after so many that do not.
    Words {
        bits: u32,
        unused: u32,
        is_full_range: bool,
    },
    /// Anything else: swscale makes grey of it.
    Other,
}

impl Layout {
    fn of(format: PixelFormat) -> Self {
        let name = format.name();
        match name {
            "yuv420p" | "yuv422p" | "yuv444p" | "yuv440p" | "yuv411p" | "yuv410p" | "nv12" | "nv21" | "nv16"
            | "nv24" | "yuva420p" | "yuva422p" | "yuva444p" => Self::Bytes { is_full_range: false },
            "yuvj420p" | "yuvj422p" | "yuvj444p" | "yuvj440p" | "yuvj411p" | "gray" => {
                Self::Bytes { is_full_range: true }
            }
            "p010le" => Self::Words {
                bits: 10,
                unused: 6,
                is_full_range: false,
            },
            _ => {
                let yuv = name.strip_prefix("yuv").map(|rest| (rest, false));
                let grey = name.strip_prefix("gray").map(|rest| (rest, true));
                let Some((rest, is_full_range)) = yuv.or(grey) else {
                    return Self::Other;
                };
                let Some(rest) = rest.strip_suffix("le") else {
                    return Self::Other;
                };
                let bits = rest.rsplit('p').next().unwrap_or_default();
                match bits.parse() {
                    Ok(bits @ 9..=16) => Self::Words {
                        bits,
                        unused: 0,
                        is_full_range,
                    },
                    _ => Self::Other,
                }
            }
        }
    }
}

/// Takes grey pixels out of frames.
pub struct Greys {
    /// The format last seen, and its layout: asking for its name costs a little.
    layout: Option<(PixelFormat, Layout)>,
    grey: Converter,
    rgb: Converter,
    table: Vec<u8>,
}

impl Default for Greys {
    fn default() -> Self {
        Self {
            layout: None,
            grey: Converter::to("gray"),
            rgb: Converter::to("rgb24"),
            table: Vec::new(),
        }
    }
}

impl Greys {
    fn layout(&mut self, frame: &VideoFrame) -> Layout {
        let format = frame.pixel_format();
        match self.layout {
            Some((known, layout)) if known == format => layout,
            _ => {
                let layout = Layout::of(format);
                self.layout = Some((format, layout));
                self.table.clear();
                if let Layout::Words {
                    bits, is_full_range, ..
                } = layout
                {
                    self.table = table(bits, is_full_range);
                }
                layout
            }
        }
    }

    /// What the test for scenes looks at; none where that would have to be made first.
    pub fn plane<'a>(
        &mut self,
        frame: &'a VideoFrame,
        planes: &'a ac_ffmpeg::codec::video::frame::Planes<'a>,
    ) -> Option<Plane<'a>> {
        let layout = self.layout(frame);
        let plane = planes.first()?;
        let stride = plane.line_size();
        if stride == 0 || stride > STRIDE_MAX {
            return None;
        }
        let (sample, scale) = match layout {
            Layout::Bytes { .. } => ((1, 0), 1.0),
            // The upper byte: with 10 bits it has two that count.
            Layout::Words { bits, unused, .. } => {
                if bits + unused >= 16 {
                    ((2, 1), 1.0)
                } else {
                    ((2, 1), (1 << (16 - bits - unused)) as f32)
                }
            }
            Layout::Other => return None,
        };
        Some(Plane {
            data: plane.data(),
            stride,
            width: frame.width(),
            height: frame.height(),
            sample,
            scale,
        })
    }

    /// All of a frame, row after row.
    pub fn take(&mut self, frame: &VideoFrame, into: &mut Vec<u8>) -> Result<(), Error> {
        let layout = self.layout(frame);
        into.clear();
        into.reserve(frame.width() * frame.height());
        let is_plain = frame
            .planes()
            .first()
            .is_some_and(|plane| (1..=STRIDE_MAX).contains(&plane.line_size()));
        match layout {
            Layout::Bytes { is_full_range: true } if is_plain => each_row(frame, 1, |row| into.extend_from_slice(row)),
            Layout::Bytes { is_full_range: false } if is_plain => {
                each_row(frame, 1, |row| into.extend(row.iter().map(|y| stretched(*y))));
            }
            Layout::Words { unused, .. } if is_plain => {
                let table = &self.table;
                each_row(frame, 2, |row| {
                    let words = row.as_chunks::<2>().0.iter();
                    let value = |word: &[u8; 2]| usize::from(u16::from_le_bytes(*word) >> unused);
                    into.extend(words.map(|word| table[value(word).min(table.len() - 1)]));
                });
            }
            Layout::Bytes { .. } | Layout::Words { .. } | Layout::Other => {
                let grey = self.scaled(frame)?;
                each_row(&grey, 1, |row| into.extend_from_slice(row));
            }
        }
        // A plane that is shorter than its frame would be a mistake of the libraries; what hashes trusts the size.
        into.resize(frame.width() * frame.height(), 0);
        Ok(())
    }

    /// To swscale grey is of full range, as the luma of RGB is.
    fn scaled(&mut self, frame: &VideoFrame) -> Result<VideoFrame, Error> {
        self.grey.convert(frame, (frame.width(), frame.height()))
    }

    /// All of a frame as RGB, row after row, as vPDQ has it made: in swscale's quickest way.
    pub fn take_rgb(&mut self, frame: &VideoFrame, into: &mut Vec<u8>) -> Result<(), Error> {
        let rgb = self.rgb.convert(frame, (frame.width(), frame.height()))?;
        into.clear();
        each_row(&rgb, 3, |row| into.extend_from_slice(row));
        into.resize(3 * frame.width() * frame.height(), 0);
        Ok(())
    }
}

fn each_row(frame: &VideoFrame, bytes: usize, mut take: impl FnMut(&[u8])) {
    let planes = frame.planes();
    let Some(plane) = planes.first() else { return };
    let data = plane.data();
    for y in 0..frame.height() {
        if let Some(row) = data
            .get(y * plane.line_size()..)
            .and_then(|rest| rest.get(..frame.width() * bytes))
        {
            take(row);
        }
    }
}

/// 16–235 to 0–255, in 128ths.
fn stretched(y: u8) -> u8 {
    let y = u16::from(y.saturating_sub(16));
    ((y * 149 + 64) >> 7).min(255) as u8
}

/// Every value of so many bits in eight.
fn table(bits: u32, is_full_range: bool) -> Vec<u8> {
    let most = (1_u32 << bits) - 1;
    let eighths = (1_u32 << (bits - 8)) as f32;
    let value = |value: u32| {
        if is_full_range {
            value as f32 * 255.0 / most as f32
        } else {
            (value as f32 / eighths - 16.0) * 255.0 / 219.0
        }
    };
    (0..=most).map(|at| (value(at) + 0.5).clamp(0.0, 255.0) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ac_ffmpeg::codec::video::frame::get_pixel_format;

    #[test]
    fn pixel_formats_are_told_by_their_names() {
        let check = |name, expected| assert_eq!(Layout::of(get_pixel_format(name)), expected, "{name}");
        check("yuv420p", Layout::Bytes { is_full_range: false });
        check("yuvj422p", Layout::Bytes { is_full_range: true });
        check("gray", Layout::Bytes { is_full_range: true });
        let words = |bits, unused, is_full_range| Layout::Words {
            bits,
            unused,
            is_full_range,
        };
        check("yuv420p10le", words(10, 0, false));
        check("yuv444p12le", words(12, 0, false));
        check("p010le", words(10, 6, false));
        check("gray10le", words(10, 0, true));
        for other in [
            "gbrp",
            "rgb24",
            "yuyv422",
            "pal8",
            "yuv420p10be",
            "monow",
            "yuva444p10le",
        ] {
            let expected = if other == "yuva444p10le" {
                words(10, 0, false)
            } else {
                Layout::Other
            };
            check(other, expected);
        }
    }

    #[test]
    fn television_is_stretched() {
        for y in 0..=255_u8 {
            let exact = ((f32::from(y) - 16.0) * 255.0 / 219.0).clamp(0.0, 255.0);
            assert!((f32::from(stretched(y)) - exact).abs() <= 0.6, "{y}");
        }
        let ten = table(10, false);
        assert_eq!((ten[64], ten[940], ten[1023], ten[0]), (0, 255, 255, 0));
        assert_eq!((table(16, true)[65_535], table(12, true)[2_048]), (255, 128));
    }
}
