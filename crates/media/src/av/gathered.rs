//! What the messages about a file add up to, whichever worker sent them, and from where another can go on. Start with [`Gathered::rewind`].

use std::mem::size_of;

use signal::audio::{Item, SPEEDS};
use signal::keypoints::Keypoint;
use signal::video::Frame;
use signal::views::ViewSignal;

use super::gather::strip_picture;
use super::scan::StripPicture;
use super::sound::Listener;
use super::wire::{Body, End, LastFrame, Opened, Resume, StripPlace};
use super::{SOUND_RATE, STRIP_PICTURES_MAX, every_other};
use crate::ScanError;

/// Frames so soon after the first of a scene may owe another: no worker goes on from them.
const SCENE_MS: u32 = 300;
/// Items a second of a print, the fastest speed counted, and as much again for lists that grow.
const ITEMS_PER_SECOND: u64 = 2 * 10;

/// What was gathered.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) opened: Option<Opened>,
    pub(super) frames: Vec<Frame>,
    pub(super) listener: Option<Listener>,
    pub(super) strip: Vec<StripPicture>,
    pub(super) end: Option<End>,
    pub(super) at_ms: u32,
    pub(super) bytes_read: u64,
    /// A worker that was cut off told of damage.
    pub(super) was_damaged: bool,
    is_damaged: bool,
    n_samples: u64,
    frames_bytes: u64,
    strip_bytes: u64,
    n_thinned: u32,
    /// When the picture was shown that made the strip too long last.
    thinned_ms: Option<u32>,
    /// Frames and samples at the last progress: up to there a segment is whole.
    whole: (usize, u64),
    /// The same at the time that the last worker was cut off.
    went_on_from: (usize, u64),
}

impl Gathered {
    /// Adds a message that was checked.
    pub(super) fn add(&mut self, body: Body) -> Result<(), ScanError> {
        match body {
            Body::Opened(opened) => {
                if self.opened.is_some_and(|known| known != opened) {
                    let detail = "another container than the worker before";
                    return Err(ScanError::BadAnswer { detail });
                }
                self.opened = Some(opened);
            }
            Body::Frame(frame) => {
                if self.frames.last().is_some_and(|last| last.number >= frame.number) {
                    let detail = "frames that the worker before sent";
                    return Err(ScanError::BadAnswer { detail });
                }
                self.at_ms = self.at_ms.max(frame.at_ms);
                self.frames_bytes += frame_bytes(&frame);
                self.frames.push(*frame);
            }
            Body::Sound(sound) => {
                self.n_samples += sound.samples.len() as u64;
                self.listener
                    .get_or_insert_with(|| Listener::new(sound.at_ms))
                    .push(&sound.samples);
            }
            Body::Picture(picture) => {
                if self.strip.len() == STRIP_PICTURES_MAX {
                    every_other(&mut self.strip);
                    self.n_thinned += 1;
                    self.thinned_ms = Some(picture.at_ms);
                }
                self.strip.push(strip_picture(picture));
                let sizes = self
                    .strip
                    .iter()
                    .map(|picture| picture.small.len() + picture.blurred.len());
                self.strip_bytes = sizes.sum::<usize>() as u64;
            }
            Body::Progress {
                at_ms,
                bytes_read,
                is_damaged,
            } => {
                self.at_ms = self.at_ms.max(at_ms);
                self.bytes_read = self.bytes_read.max(bytes_read);
                self.is_damaged |= is_damaged;
                self.whole = (self.frames.len(), self.n_samples);
            }
            Body::End(end) => self.end = Some(end),
            Body::Refused(_) => unreachable!("the check made an error of it"),
        }
        Ok(())
    }

    /// Bytes that it takes, about; never less by much.
    pub(super) fn size_bytes(&self) -> u64 {
        let per_second = SPEEDS.len() as u64 * ITEMS_PER_SECOND * size_of::<Item>() as u64;
        let seconds = self.n_samples / u64::from(SOUND_RATE);
        self.frames_bytes + self.strip_bytes + seconds * per_second
    }

    /// Ends it here: what follows is not looked at.
    pub(super) fn stop(&mut self) {
        self.end = Some(End {
            at_ms: self.at_ms,
            is_whole: false,
            is_intact: false,
        });
    }

    /// Whether another worker would begin later than the last did.
    pub(super) fn has_come_further(&self) -> bool {
        self.whole.0 > self.went_on_from.0 || self.whole.1 > self.went_on_from.1
    }

    /// Goes back to the last frame after which another worker can go on, within what is whole; to the beginning, if there is none.
    pub(super) fn rewind(&mut self) -> Option<Resume> {
        self.went_on_from = self.whole;
        let has_pictures = self.opened.is_some_and(|opened| opened.video.is_some());
        let idx = (0..self.whole.0).rev().find(|idx| self.can_go_on_after(*idx));
        let Some(idx) = idx.filter(|_| has_pictures) else {
            if has_pictures {
                *self = Self {
                    went_on_from: self.went_on_from,
                    ..Self::default()
                };
                return None;
            }
            self.was_damaged |= self.is_damaged;
            return Some(Resume {
                n_samples: self.n_samples,
                frame: None,
            });
        };
        self.frames.truncate(idx + 1);
        self.frames_bytes = self.frames.iter().map(frame_bytes).sum();
        let last_ms = self.frames[idx].at_ms;
        self.strip.retain(|picture| picture.at_ms <= last_ms);
        self.was_damaged |= self.is_damaged;
        Some(Resume {
            n_samples: self.n_samples,
            frame: Some(self.last_frame(&self.frames[idx])),
        })
    }

    fn can_go_on_after(&self, idx: usize) -> bool {
        let at_ms = self.frames[idx].at_ms;
        let owes_none = self
            .scene_ms(idx)
            .is_none_or(|ms| ms == at_ms && self.frames[idx].is_scene || at_ms - ms >= SCENE_MS);
        // What was left out of the strip since cannot be put back.
        owes_none && self.thinned_ms.is_none_or(|ms| ms <= at_ms)
    }

    fn scene_ms(&self, idx: usize) -> Option<u32> {
        let scenes = self.frames[..=idx].iter().rev();
        scenes.filter(|frame| frame.is_scene).map(|frame| frame.at_ms).next()
    }

    fn last_frame(&self, last: &Frame) -> LastFrame {
        let has_keypoints = |frame: &&Frame| frame.glimpse.as_ref().is_some_and(|seen| !seen.keypoints.is_empty());
        let keypoints = self.frames.iter().rev().find(has_keypoints);
        let shown_ms = |back: usize| {
            let idx = self.strip.len().checked_sub(back);
            idx.map_or(0, |idx| self.strip[idx].at_ms)
        };
        LastFrame {
            at_ms: last.at_ms,
            number: last.number,
            hash: last.pdq.hash,
            n_frames: u32::try_from(self.frames.len()).unwrap_or(u32::MAX),
            scene_ms: self.scene_ms(self.frames.len() - 1),
            keypoints: keypoints.map(|frame| (frame.at_ms, frame.pdq.hash)),
            strip: StripPlace {
                n_pictures: self.strip.len() as u32,
                n_thinned: self.n_thinned,
                last_ms: shown_ms(1),
                before_ms: shown_ms(2),
            },
        }
    }
}

fn frame_bytes(frame: &Frame) -> u64 {
    let glimpse = frame.glimpse.as_ref().map_or(0, |glimpse| {
        glimpse.views.capacity() * size_of::<ViewSignal>() + glimpse.keypoints.capacity() * size_of::<Keypoint>()
    });
    (size_of::<Frame>() + glimpse) as u64
}
