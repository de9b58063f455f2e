//! What the host asks of a worker: one argument of its command line.

use std::str::FromStr;

use signal::Pdq;

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
    /// Where an earlier worker was cut off, if this one goes on from there.
    pub resume: Option<Resume>,
}

/// Where a worker was cut off. The next reads the file from its beginning and hears all of it again, which is cheap and exact, but decodes pictures only from a little
/// before this place on, and sends nothing that was sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    /// Samples of sound that were sent.
    pub n_samples: u64,
    /// The last frame that was sent; none where none was.
    pub frame: Option<LastFrame>,
}

/// The last frame that a worker sent, and what those before it mean for those that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastFrame {
    /// When it is shown.
    pub at_ms: u32,
    /// Its number.
    pub number: u64,
    /// Its hash: a decoder that begins in the middle must come to the same picture.
    pub hash: Pdq,
    /// Frames that were sent, this one counted.
    pub n_frames: u32,
    /// When the last frame was shown that is the first of a scene.
    pub scene_ms: Option<u32>,
    /// When the last frame with keypoints was shown, and its hash.
    pub keypoints: Option<(u32, Pdq)>,
    /// Pictures of the strip.
    pub strip: StripPlace,
}

/// How far a strip is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StripPlace {
    /// Pictures that are kept.
    pub n_pictures: u32,
    /// How often every other was left out.
    pub n_thinned: u32,
    /// When the last was shown.
    pub last_ms: u32,
    /// When the one before it was.
    pub before_ms: u32,
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
            resume: None,
        }
    }

    fn numbers(&self) -> Vec<u64> {
        let mut numbers = vec![
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
        ];
        if let Some(resume) = &self.resume {
            numbers.push(resume.n_samples);
            numbers.extend(resume.frame.iter().flat_map(LastFrame::numbers));
        }
        numbers
    }

    pub(crate) fn to_arg(self) -> String {
        let numbers: Vec<String> = self.numbers().iter().map(ToString::to_string).collect();
        format!("{REQUEST_ARG}{}", numbers.join(","))
    }
}

/// Numbers of a frame.
const FRAME_NUMBERS: usize = 17;
/// Stands for a time that there is none of.
const NEVER: u64 = u64::MAX;

impl LastFrame {
    fn numbers(&self) -> [u64; FRAME_NUMBERS] {
        let [a, b, c, d] = quarters(self.hash);
        let (keypoints_ms, keypoints) = self.keypoints.unzip();
        let [e, f, g, h] = keypoints.map_or([0; 4], quarters);
        let (strip, ms) = (self.strip, |ms: Option<u32>| ms.map_or(NEVER, u64::from));
        [
            self.at_ms.into(),
            self.number,
            a,
            b,
            c,
            d,
            self.n_frames.into(),
            ms(self.scene_ms),
            ms(keypoints_ms),
            e,
            f,
            g,
            h,
            strip.n_pictures.into(),
            strip.n_thinned.into(),
            strip.last_ms.into(),
            strip.before_ms.into(),
        ]
    }

    fn read(numbers: &[u64]) -> Result<Self, ()> {
        let &[
            at_ms,
            number,
            a,
            b,
            c,
            d,
            n_frames,
            scene_ms,
            keypoints_ms,
            e,
            f,
            g,
            h,
            n_pictures,
            n_thinned,
            last_ms,
            before_ms,
        ] = numbers
        else {
            return Err(());
        };
        let ms = |ms: u64| if ms == NEVER { Ok(None) } else { small(ms).map(Some) };
        Ok(Self {
            at_ms: small(at_ms)?,
            number,
            hash: of_quarters([a, b, c, d]),
            n_frames: small(n_frames)?,
            scene_ms: ms(scene_ms)?,
            keypoints: ms(keypoints_ms)?.map(|ms| (ms, of_quarters([e, f, g, h]))),
            strip: StripPlace {
                n_pictures: small(n_pictures)?,
                n_thinned: small(n_thinned)?,
                last_ms: small(last_ms)?,
                before_ms: small(before_ms)?,
            },
        })
    }
}

fn small(number: u64) -> Result<u32, ()> {
    u32::try_from(number).map_err(drop)
}

fn quarters(hash: Pdq) -> [u64; 4] {
    let bytes = hash.to_bytes();
    let mut quarters = [0; 4];
    for (quarter, bytes) in quarters.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *quarter = u64::from_le_bytes(*bytes);
    }
    quarters
}

fn of_quarters(quarters: [u64; 4]) -> Pdq {
    let mut bytes = [0; 32];
    for (bytes, quarter) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(quarters) {
        *bytes = quarter.to_le_bytes();
    }
    Pdq::from_bytes(bytes)
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
            ref resume @ ..,
        ] = numbers[..]
        else {
            return Err(());
        };
        let resume = match resume {
            [] => None,
            [n_samples] => Some((*n_samples, None)),
            [n_samples, frame @ ..] => Some((*n_samples, Some(LastFrame::read(frame)?))),
        };
        let flag = |number| match number {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(()),
        };
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
            resume: resume.map(|(n_samples, frame)| Resume { n_samples, frame }),
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
            let hash = |byte: u8| Pdq::from_bytes(std::array::from_fn(|at| byte ^ at as u8));
            let frame = LastFrame {
                at_ms: 77,
                number: 1 << 40,
                hash: hash(3),
                n_frames: 5,
                scene_ms: None,
                keypoints: Some((70, hash(9))),
                strip: StripPlace {
                    n_pictures: 3,
                    n_thinned: 1,
                    last_ms: 60,
                    before_ms: 30,
                },
            };
            let silent = LastFrame {
                scene_ms: Some(8),
                keypoints: None,
                ..frame
            };
            let resumes = [None, Some(None), Some(Some(frame)), Some(Some(silent))];
            for resume in resumes.map(|resume| resume.map(|frame| Resume { n_samples: 9, frame })) {
                let request = AvRequest { resume, ..request };
                let arg = request.to_arg();
                assert_eq!(arg.strip_prefix(REQUEST_ARG).unwrap().parse(), Ok(request));
                let one_more = format!("{arg},1");
                assert!(resume.is_none() || one_more[REQUEST_ARG.len()..].parse::<AvRequest>().is_err());
            }
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
