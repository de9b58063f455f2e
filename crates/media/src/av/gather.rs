//! Which messages of a worker can be. What those of a file add up to is in `gathered.rs`.

use signal::video::Frame;

use super::scan::{AvWant, StripPicture};
use super::wire::{self, AvRequest, Body, Opened, Refusal, STRIP_SENT_MAX};
use super::{AvLimits, LIVE_PICTURE_MS};
use crate::ScanError;
use crate::preview;
use crate::wire::SmallPicture;

/// How far behind the limit of time a message may lie: the last frame is seen before it is over.
const LATE_MS: u32 = 60_000;

/// Checks messages one after the other. Files are gathered whole; of a stream nothing is kept.
#[derive(Debug)]
pub(crate) struct Checker {
    request: AvRequest,
    opened: Option<Opened>,
    last_frame: Option<(u32, u64)>,
    n_frames: u32,
    sound_ms: u32,
    n_samples: u64,
    progress_ms: u32,
    last_picture_ms: Option<u32>,
    n_pictures: usize,
    is_over: bool,
}

type Checked = Result<(), ScanError>;

fn bad(detail: &'static str) -> ScanError {
    ScanError::BadAnswer { detail }
}

impl Checker {
    pub(crate) fn new(request: AvRequest) -> Self {
        Self {
            request,
            opened: None,
            last_frame: None,
            n_frames: 0,
            sound_ms: 0,
            n_samples: 0,
            progress_ms: 0,
            last_picture_ms: None,
            n_pictures: 0,
            is_over: false,
        }
    }

    /// Whether the message may follow those before. A refusal is the error that it names.
    pub(crate) fn check(&mut self, body: &Body, limits: &AvLimits) -> Checked {
        if self.is_over {
            return Err(bad("a message after the last"));
        }
        if let Body::Refused(refusal) = body {
            return Err(refused(refusal, limits));
        }
        let Some(opened) = self.opened else {
            let Body::Opened(opened) = body else {
                return Err(bad("a message before the container was opened"));
            };
            self.check_opened(opened)?;
            self.opened = Some(*opened);
            return Ok(());
        };
        let want = self.request.want;
        match body {
            Body::Opened(_) => Err(bad("two containers")),
            Body::Refused(_) => unreachable!("returned above"),
            Body::Frame(_) if opened.video.is_none() => Err(bad("frames of a sound")),
            Body::Frame(frame) => self.check_frame(frame, want),
            Body::Sound(_) if opened.sound.is_none() || !want.audio => Err(bad("sound that was not asked for")),
            Body::Sound(sound) => {
                self.in_time(sound.at_ms)?;
                if sound.at_ms < self.sound_ms {
                    return Err(bad("sound that runs backwards"));
                }
                self.sound_ms = sound.at_ms;
                self.n_samples += sound.samples.len() as u64;
                let ms = u64::from(self.request.duration_ms_max) + u64::from(LATE_MS);
                if self.n_samples > ms * u64::from(super::SOUND_RATE) / 1_000 {
                    return Err(bad("more sound than time"));
                }
                Ok(())
            }
            Body::Picture(picture) => {
                self.in_time(picture.at_ms)?;
                self.n_pictures += 1;
                // Those of a stream go on as long as it does, each some time after the last.
                let is_live = self.request.is_live;
                let after_ms = if is_live { LIVE_PICTURE_MS } else { 1 };
                if !want.strip || (!is_live && self.n_pictures > STRIP_SENT_MAX) {
                    return Err(bad("more pictures than were asked for"));
                }
                let is_early = |last: u32| picture.at_ms < last.saturating_add(after_ms);
                if self.last_picture_ms.is_some_and(is_early) {
                    return Err(bad("pictures out of order"));
                }
                self.last_picture_ms = Some(picture.at_ms);
                Ok(())
            }
            Body::Progress { at_ms, .. } => {
                self.in_time(*at_ms)?;
                if *at_ms < self.progress_ms {
                    return Err(bad("progress that runs backwards"));
                }
                self.progress_ms = *at_ms;
                Ok(())
            }
            Body::End(end) => {
                self.in_time(end.at_ms)?;
                if self.last_frame.is_some_and(|(last, _)| last > end.at_ms) {
                    return Err(bad("an end before the last frame"));
                }
                self.is_over = true;
                Ok(())
            }
        }
    }

    fn check_opened(&self, opened: &Opened) -> Checked {
        let Some(track) = &opened.video else { return Ok(()) };
        let pixels = u64::from(track.width) * u64::from(track.height);
        let side = track.width.max(track.height);
        if pixels == 0 || pixels > self.request.pixels_max || side > self.request.side_max {
            return Err(bad("impossible dimensions"));
        }
        Ok(())
    }

    fn check_frame(&mut self, frame: &Frame, want: AvWant) -> Checked {
        self.in_time(frame.at_ms)?;
        let follows = |(at_ms, number)| at_ms <= frame.at_ms && number < frame.number;
        if !self.last_frame.is_none_or(follows) {
            return Err(bad("frames out of order"));
        }
        if frame.glimpse.is_some() && !want.glimpses {
            return Err(bad("glimpses that were not asked for"));
        }
        self.last_frame = Some((frame.at_ms, frame.number));
        self.n_frames = self.n_frames.saturating_add(1);
        if self.n_frames > self.request.frames_max {
            return Err(bad("more frames than were asked for"));
        }
        Ok(())
    }

    fn in_time(&self, at_ms: u32) -> Checked {
        if at_ms > self.request.duration_ms_max.saturating_add(LATE_MS) {
            return Err(bad("a time beyond the limit"));
        }
        Ok(())
    }
}

fn refused(refusal: &Refusal, limits: &AvLimits) -> ScanError {
    match refusal {
        Refusal::UnknownContainer => ScanError::UnsupportedType {
            found: "an unknown type",
        },
        Refusal::UnknownCodecs => ScanError::UnsupportedType {
            found: "a file without pictures or sound of a known codec",
        },
        Refusal::Damaged(detail) => ScanError::Damaged { detail: detail.clone() },
        Refusal::TooManyStreams => ScanError::TooManyStreams {
            streams_max: limits.streams_max,
        },
        Refusal::TooManyPixels { width, height } => ScanError::TooManyPixels {
            width: *width,
            height: *height,
        },
        Refusal::Lost => bad("it lost a place that it was not given"),
        Refusal::Memory => ScanError::MemoryLimit {
            memory_bytes_max: limits.memory_bytes_max,
        },
    }
}

/// A picture as people may see it.
pub(super) fn strip_picture(picture: wire::Picture) -> StripPicture {
    let previews = preview::make(SmallPicture {
        width: picture.width,
        height: picture.height,
        rgb: picture.rgb,
    });
    StripPicture {
        at_ms: picture.at_ms,
        small: previews.small,
        blurred: previews.blurred,
    }
}

/// What is known of a container once it was opened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Known {
    pub(super) mime: &'static str,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) frame_rate: f64,
    pub(super) video_codec: Option<&'static str>,
    pub(super) audio_codec: Option<&'static str>,
}

impl Known {
    /// The indexes were checked when the message was read.
    pub(super) fn of(opened: &Opened) -> Self {
        let container = wire::CONTAINERS[usize::from(opened.container)];
        let track = opened.video;
        Self {
            mime: if track.is_some() {
                container.with_pictures
            } else {
                container.without
            },
            width: track.map_or(0, |track| track.width),
            height: track.map_or(0, |track| track.height),
            frame_rate: track.map_or(0.0, |track| track.frame_rate),
            video_codec: track.map(|track| wire::codec_name(wire::VIDEO_CODECS[usize::from(track.codec)])),
            audio_codec: opened
                .sound
                .map(|track| wire::codec_name(wire::AUDIO_CODECS[usize::from(track.codec)])),
        }
    }
}
