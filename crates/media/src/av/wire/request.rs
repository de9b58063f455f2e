//! What the host asks of a worker: one argument of its command line.

use std::str::FromStr;

use crate::av::{AvLimits, AvWant, Sampling};

/// What the argument begins with.
pub const REQUEST_ARG: &str = "--scan=";

/// What to look for, where to begin, and the limits that the worker itself keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvRequest {
    /// What to look for.
    pub want: AvWant,
    /// Whether standard input is a stream that is looked at as it comes.
    pub is_live: bool,
    /// As [`AvLimits`] says.
    pub pixels_max: u64,
    /// As [`AvLimits`] says.
    pub side_max: u32,
    /// As [`AvLimits`] says.
    pub streams_max: u32,
    /// As [`AvLimits`] says.
    pub duration_ms_max: u32,
    /// As [`AvLimits`] says.
    pub frames_max: u32,
}

impl AvRequest {
    pub(crate) fn new(want: AvWant, is_live: bool, limits: &AvLimits) -> Self {
        Self {
            want,
            is_live,
            pixels_max: limits.pixels_max,
            side_max: limits.side_max,
            streams_max: limits.streams_max,
            duration_ms_max: if is_live {
                limits.live_ms_max
            } else {
                limits.duration_ms_max
            },
            frames_max: if is_live { u32::MAX } else { limits.frames_max },
        }
    }

    fn numbers(&self) -> [u64; 11] {
        [
            u64::from(self.want.sampling == Sampling::KeyFrames),
            self.want.glimpses.into(),
            self.want.audio.into(),
            self.want.strip.into(),
            self.want.from_ms.into(),
            self.is_live.into(),
            self.pixels_max,
            self.side_max.into(),
            self.streams_max.into(),
            self.duration_ms_max.into(),
            self.frames_max.into(),
        ]
    }

    pub(crate) fn to_arg(self) -> String {
        let numbers = self.numbers().map(|number| number.to_string());
        format!("{REQUEST_ARG}{}", numbers.join(","))
    }
}

/// Reads what [`AvRequest::to_arg`] wrote behind [`REQUEST_ARG`].
impl FromStr for AvRequest {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let numbers: Vec<u64> = text
            .split(',')
            .map(|number| number.parse().map_err(drop))
            .collect::<Result<_, ()>>()?;
        let [
            key_frames,
            glimpses,
            audio,
            strip,
            from_ms,
            live,
            pixels,
            side,
            streams,
            duration,
            frames,
        ] = numbers[..]
        else {
            return Err(());
        };
        let flag = |number| match number {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(()),
        };
        let small = |number: u64| u32::try_from(number).map_err(drop);
        Ok(Self {
            want: AvWant {
                sampling: if flag(key_frames)? {
                    Sampling::KeyFrames
                } else {
                    Sampling::Full
                },
                glimpses: flag(glimpses)?,
                audio: flag(audio)?,
                strip: flag(strip)?,
                from_ms: small(from_ms)?,
            },
            is_live: flag(live)?,
            pixels_max: pixels,
            side_max: small(side)?,
            streams_max: small(streams)?,
            duration_ms_max: small(duration)?,
            frames_max: small(frames)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_back() {
        let wants = [
            AvWant::EVERYTHING,
            AvWant {
                sampling: Sampling::KeyFrames,
                glimpses: false,
                audio: true,
                strip: false,
                from_ms: 17,
            },
        ];
        for want in wants {
            let request = AvRequest::new(want, want.from_ms == 0, &AvLimits::default());
            let arg = request.to_arg();
            assert_eq!(arg.strip_prefix(REQUEST_ARG).unwrap().parse(), Ok(request));
        }
        for text in [
            "",
            "1",
            "0,1,1,1,0,0,1,1,1,1",
            "2,1,1,1,0,0,1,1,1,1,1",
            "0,1,1,1,0,0,1,1,1,1,4294967296",
        ] {
            assert_eq!(text.parse::<AvRequest>(), Err(()), "{text}");
        }
    }
}
