//! Pictures: decoded, and of each frame decided whether it is taken.
//!
//! Taken are two frames a second, four of a live stream, the first of each scene, and those that vPDQ takes: every n-th, n being the whole part of the frame rate.

use ac_ffmpeg::codec::video::{VideoDecoder, VideoFrame};
use ac_ffmpeg::codec::{CodecError, Decoder as _};
use ac_ffmpeg::packet::Packet;
use media::av::Sampling;
use media::av::wire::{AvRequest, Body};
use signal::Luma;
use signal::pdq::{self, Dihedral, LumaImage, Pdq, PdqSignal};
use signal::video::{Frame, Glimpse, are_keypoints_due};

use crate::clock::Clock;
use crate::container::{VideoSource, is_out_of_memory};
use crate::luma::Greys;
use crate::run::{Fault, Send};
use crate::scene::SceneTest;
use crate::strip::Strip;

/// From one frame that is taken to the next.
const EVERY_MS: u32 = 500;
/// The same in a live stream, where what is looked at sooner is known sooner: of what moves, twice as many frames are near to one that is banked.
const EVERY_MS_LIVE: u32 = 250;
/// No frame is taken for its time alone so soon after another: a share of the time from one to the next.
const APART_SHARE: (u32, u32) = (2, 5);
/// Scenes that are shorter are not told apart: what flickers would fill everything.
const SCENE_MS: u32 = 300;

/// The pictures of a file.
pub struct Pictures {
    decoder: VideoDecoder,
    greys: Greys,
    scenes: SceneTest,
    clock: Clock,
    strip: Option<Strip>,
    is_live: bool,
    choice: Choice,
    turn: Dihedral,
    pixels: Vec<u8>,
    has_glimpses: bool,
    /// When the last frame with keypoints was shown, and its hash.
    last_keypoints: Option<(u32, Pdq)>,
    is_full: bool,
    limits: Limits,
    n_taken: u32,
    end_ms: u32,
    /// Whether anything could not be decoded.
    pub is_damaged: bool,
}

struct Limits {
    pixels_max: u64,
    side_max: u32,
    frames_max: u32,
}

impl Pictures {
    /// Of a track whose clock is that of the file.
    pub fn new(source: VideoSource, clock: Clock, claimed_ms: u32, request: &AvRequest) -> Self {
        let want = request.want;
        let is_full = want.sampling == Sampling::Full;
        let every_ms = if request.is_live { EVERY_MS_LIVE } else { EVERY_MS };
        Self {
            decoder: source.decoder,
            greys: Greys::default(),
            scenes: SceneTest::default(),
            clock,
            strip: want.strip.then(|| match request.is_live {
                true => Strip::of_stream(source.turn),
                false => Strip::new(claimed_ms, source.turn),
            }),
            is_live: request.is_live,
            choice: Choice::new(source.frame_rate, want.from_ms, is_full, every_ms),
            turn: source.turn,
            pixels: Vec::new(),
            has_glimpses: want.glimpses,
            last_keypoints: None,
            is_full,
            limits: Limits {
                pixels_max: request.pixels_max,
                side_max: request.side_max,
                frames_max: request.frames_max,
            },
            n_taken: 0,
            end_ms: 0,
            is_damaged: false,
        }
    }

    /// Decodes a packet.
    pub fn push(&mut self, packet: Packet, send: &mut Send<'_>) -> Result<(), Fault> {
        // Where only key frames are looked at, the others need not reach the decoder to be passed over.
        if !self.is_full && !packet.is_key() {
            return Ok(());
        }
        let mut pushed = self.decoder.try_push(packet.clone());
        if pushed.as_ref().is_err_and(CodecError::is_again) {
            self.drain(send)?;
            pushed = self.decoder.try_push(packet);
        }
        self.note(pushed)?;
        self.drain(send)
    }

    /// What is left, at the end.
    pub fn finish(&mut self, send: &mut Send<'_>) -> Result<(), Fault> {
        let flushed = self.decoder.try_flush();
        self.note(flushed)?;
        self.drain(send)?;
        for picture in self.strip.take().map(Strip::into_pictures).unwrap_or_default() {
            send(&Body::Picture(picture))?;
        }
        Ok(())
    }

    /// When the last frame was shown.
    pub fn end_ms(&self) -> u32 {
        self.end_ms
    }

    /// Whether any frame was decoded.
    pub fn has_any(&self) -> bool {
        self.n_taken > 0
    }

    fn note(&mut self, pushed: Result<(), CodecError>) -> Result<(), Fault> {
        match pushed.map_err(CodecError::into_inner) {
            Ok(()) => Ok(()),
            Err(Some(error)) if is_out_of_memory(&error) => Err(Fault::Memory),
            Err(_) => {
                self.is_damaged = true;
                Ok(())
            }
        }
    }

    fn drain(&mut self, send: &mut Send<'_>) -> Result<(), Fault> {
        loop {
            match self.decoder.take() {
                Ok(Some(frame)) => self.look_at(&frame, send)?,
                Ok(None) => return Ok(()),
                Err(error) if is_out_of_memory(&error) => return Err(Fault::Memory),
                Err(_) => {
                    self.is_damaged = true;
                    return Ok(());
                }
            }
        }
    }

    fn look_at(&mut self, frame: &VideoFrame, send: &mut Send<'_>) -> Result<(), Fault> {
        let at_ms = self.clock.at_ms(frame.best_effort_timestamp());
        self.end_ms = at_ms;
        let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        let (width, height) = (side(frame.width()), side(frame.height()));
        // A stream may change its size at any frame.
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || pixels > self.limits.pixels_max || width.max(height) > self.limits.side_max {
            return Err(Fault::TooManyPixels { width, height });
        }
        let is_cut = self.is_full && {
            let planes = frame.planes();
            let plane = self.greys.plane(frame, &planes);
            plane.is_some_and(|plane| self.scenes.is_new(&plane))
        };
        let Some(chosen) = self.choice.next(at_ms, is_cut) else {
            return Ok(());
        };
        if self.n_taken >= self.limits.frames_max {
            return Err(Fault::Enough);
        }
        self.n_taken += 1;
        if let Some(strip) = &mut self.strip {
            let offered = strip.offer(at_ms, frame);
            self.is_damaged |= offered.is_err();
            // Of a stream nobody knows when it ends, and what is found in it is looked at before.
            let ready = if self.is_live { strip.drain() } else { Vec::new() };
            for picture in ready {
                send(&Body::Picture(picture))?;
            }
        }
        if let Err(error) = self.greys.take(frame, &mut self.pixels) {
            self.is_damaged = true;
            return if is_out_of_memory(&error) {
                Err(Fault::Memory)
            } else {
                Ok(())
            };
        }
        let Ok(image) = LumaImage::new(width, height, &self.pixels) else {
            unreachable!("as many pixels as the frame has were taken")
        };
        let (pdq, glimpse) = if self.has_glimpses {
            let (pdq, glimpse) = glimpse(image, self.turn, |hash| {
                are_keypoints_due(self.last_keypoints, at_ms, hash)
            });
            if !glimpse.keypoints.is_empty() {
                self.last_keypoints = Some((at_ms, pdq.hash));
            }
            (pdq, Some(glimpse))
        } else {
            (pdq::hash_luma(image), None)
        };
        send(&Body::Frame(Box::new(Frame {
            at_ms,
            number: chosen.number,
            is_scene: chosen.is_scene,
            is_vpdq: chosen.is_vpdq,
            pdq,
            glimpse,
        })))
    }
}

/// The hash of a frame as stored, and what it is recognised by as it is shown.
fn glimpse(image: LumaImage<'_>, turn: Dihedral, is_due: impl Fn(Pdq) -> bool) -> (PdqSignal, Glimpse) {
    let stored = pdq::nearly_hash_luma_dihedral(image);
    let as_stored = stored[Dihedral::Original as usize];
    let has_keypoints = is_due(as_stored.hash);
    let reduced = Luma::reduce_luma(image, Luma::WORK_SIDE);
    let glimpse = match turn {
        Dihedral::Original => Glimpse::of(&stored, &reduced, has_keypoints),
        turn => {
            let shown = reduced.turned(turn);
            Glimpse::of(&pdq::nearly_hash_luma_dihedral(shown.image()), &shown, has_keypoints)
        }
    };
    (as_stored, glimpse)
}

/// Decides which frames are taken.
#[derive(Debug)]
struct Choice {
    /// vPDQ takes every so many; 0 when the rate is unknown or not every frame is seen.
    every: u64,
    /// And time asks for one so often,
    every_ms: u32,
    /// but not so soon after another.
    apart_ms: u32,
    half_frame_ms: u32,
    from_ms: u32,
    frame_rate: f64,
    next_number: Option<u64>,
    due_ms: u32,
    last_taken_ms: Option<u32>,
    last_scene_ms: Option<u32>,
    /// A new scene began with a frame that came too soon after the last scene's.
    is_scene_owed: bool,
}

/// A frame that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chosen {
    number: u64,
    is_scene: bool,
    is_vpdq: bool,
}

impl Choice {
    fn new(frame_rate: f64, from_ms: u32, is_full: bool, every_ms: u32) -> Self {
        let every = if is_full && frame_rate > 0.0 {
            (frame_rate as u64).max(1)
        } else {
            0
        };
        let half_frame_ms = if frame_rate > 0.0 { 500.0 / frame_rate } else { 0.0 };
        Self {
            every,
            every_ms,
            apart_ms: every_ms * APART_SHARE.0 / APART_SHARE.1,
            half_frame_ms: (half_frame_ms as u32).min(every_ms / 2),
            from_ms,
            frame_rate,
            next_number: None,
            due_ms: 0,
            last_taken_ms: None,
            last_scene_ms: None,
            is_scene_owed: false,
        }
    }

    fn next(&mut self, at_ms: u32, is_cut: bool) -> Option<Chosen> {
        // From the middle, the number follows from the time.
        let first = || {
            if self.from_ms == 0 {
                0
            } else {
                (f64::from(at_ms) * self.frame_rate / 1_000.0).round() as u64
            }
        };
        let number = self.next_number.unwrap_or_else(first);
        self.next_number = Some(number + 1);
        self.is_scene_owed |= is_cut;
        let is_apart = |last: Option<u32>, ms: u32| last.is_none_or(|last| at_ms - last >= ms);
        let is_scene = self.is_scene_owed && is_apart(self.last_scene_ms, SCENE_MS);
        let is_vpdq = self.every > 0 && number.is_multiple_of(self.every);
        let reached_ms = at_ms.saturating_add(self.half_frame_ms);
        let is_due = reached_ms >= self.due_ms;
        if is_due {
            // On a grid, so that frames of vPDQ and of time fall together.
            self.due_ms = (reached_ms / self.every_ms + 1).saturating_mul(self.every_ms);
        }
        if is_scene {
            self.is_scene_owed = false;
            self.last_scene_ms = Some(at_ms);
        }
        // One that vPDQ takes in a moment will do.
        let left = if self.every > 0 {
            self.every - number % self.every
        } else {
            u64::MAX
        };
        let is_vpdq_soon = left.saturating_mul(2 * u64::from(self.half_frame_ms)) < self.apart_ms.into();
        let is_time = is_due && !is_vpdq_soon && is_apart(self.last_taken_ms, self.apart_ms);
        if !is_scene && !is_vpdq && !is_time {
            return None;
        }
        self.last_taken_ms = Some(at_ms);
        // What was taken by the scan that this one continues goes through the same motions, so that both take the same.
        if at_ms < self.from_ms {
            return None;
        }
        Some(Chosen {
            number,
            is_scene,
            is_vpdq,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(rate: f64, from_ms: u32, is_full: bool, seconds: f64, cuts: &[u64]) -> Vec<(u32, Chosen)> {
        let mut choice = Choice::new(rate, from_ms, is_full, EVERY_MS);
        let frames = (0..(seconds * rate) as u64)
            .map(|number| ((number as f64 * 1_000.0 / rate) as u32, cuts.contains(&number)));
        frames
            .filter_map(|(at_ms, is_cut)| Some((at_ms, choice.next(at_ms, is_cut)?)))
            .collect()
    }

    #[test]
    fn vpdq_takes_every_nth_frame() {
        for (rate, every) in [
            (30.0, 30),
            (25.0, 25),
            (30_000.0 / 1_001.0, 29),
            (24_000.0 / 1_001.0, 23),
            (60.0, 60),
            (0.5, 1),
        ] {
            let taken = choose(rate, 0, true, 20.0, &[]);
            let numbers: Vec<u64> = taken
                .iter()
                .filter(|(_, chosen)| chosen.is_vpdq)
                .map(|(_, chosen)| chosen.number)
                .collect();
            let expected: Vec<u64> = (0..(20.0 * rate) as u64).step_by(every).collect();
            assert_eq!(numbers, expected, "{rate}");
        }
    }

    #[test]
    fn two_frames_a_second_are_taken_and_hardly_more() {
        for rate in [
            10.0,
            24.0,
            25.0,
            30.0,
            50.0,
            60.0,
            30_000.0 / 1_001.0,
            24_000.0 / 1_001.0,
        ] {
            let taken = choose(rate, 0, true, 100.0, &[]);
            assert!((200..=260).contains(&taken.len()), "{rate}: {}", taken.len());
            let widest = taken.windows(2).map(|pair| pair[1].0 - pair[0].0).max().unwrap();
            assert!(widest <= EVERY_MS + EVERY_MS / 2 + 50, "{rate}: {widest}");
        }
        assert_eq!(choose(25.0, 0, true, 100.0, &[]).len(), 200);
        assert_eq!(choose(30.0, 0, true, 100.0, &[]).len(), 200);
    }

    #[test]
    fn four_frames_a_second_are_taken_of_a_live_stream() {
        for rate in [10.0, 24.0, 25.0, 30.0, 50.0, 60.0, 30_000.0 / 1_001.0] {
            let mut choice = Choice::new(rate, 0, true, EVERY_MS_LIVE);
            let all = (0..(100.0 * rate) as u64).map(|number| (number as f64 * 1_000.0 / rate) as u32);
            let taken: Vec<u32> = all.filter(|at_ms| choice.next(*at_ms, false).is_some()).collect();
            assert!((375..=490).contains(&taken.len()), "{rate}: {}", taken.len());
            let widest = taken.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            assert!(widest <= EVERY_MS_LIVE + EVERY_MS_LIVE / 2 + 50, "{rate}: {widest}");
        }
    }

    #[test]
    fn scenes_are_taken_and_flicker_is_not() {
        let scenes = |cuts: &[u64]| {
            let taken = choose(25.0, 0, true, 10.0, cuts);
            taken
                .iter()
                .filter(|(_, chosen)| chosen.is_scene)
                .map(|(_, chosen)| chosen.number)
                .collect::<Vec<_>>()
        };
        assert_eq!(scenes(&[0, 33, 111]), [0, 33, 111]);
        // The second cut comes too soon; its scene is taken as soon as may be.
        assert_eq!(scenes(&[33, 35]), [33, 41]);
        let all: Vec<u64> = (0..250).collect();
        assert!(scenes(&all).len() <= 34);
    }

    #[test]
    fn a_scan_that_begins_again_numbers_frames_as_one_that_did_not_stop() {
        let whole = choose(25.0, 0, true, 20.0, &[]);
        let mut choice = Choice::new(25.0, 10_000, true, EVERY_MS);
        // From the key frame before.
        let later: Vec<_> = (225..500)
            .filter_map(|number| Some((number * 40, choice.next(number * 40, false)?)))
            .collect();
        let expected: Vec<_> = whole.into_iter().filter(|(at_ms, _)| *at_ms >= 10_000).collect();
        assert_eq!(later, expected);
    }

    #[test]
    fn key_frames_are_none_of_vpdqs() {
        let taken = choose(0.5, 0, false, 20.0, &[]);
        assert_eq!(taken.len(), 10);
        assert!(taken.iter().all(|(_, chosen)| !chosen.is_vpdq));
        // Where every frame is a key frame.
        assert_eq!(choose(25.0, 0, false, 20.0, &[]).len(), 40);
    }
}
