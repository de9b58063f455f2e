//! Pictures: decoded, and of each frame that is taken what it is recognised by. Which are, is decided in `choice.rs`.

use ac_ffmpeg::codec::video::{VideoDecoder, VideoFrame};
use ac_ffmpeg::codec::{CodecError, Decoder as _};
use ac_ffmpeg::packet::Packet;
use media::av::Sampling;
use media::av::wire::{AvRequest, Body, LastFrame};
use signal::Luma;
use signal::pdq::{self, Dihedral, LumaImage, Pdq, PdqSignal, RgbImage};
use signal::video::{Frame, Glimpse, are_keypoints_due};

use crate::choice::{Choice, EVERY_MS, EVERY_MS_LIVE};
use crate::clock::Clock;
use crate::container::{VideoSource, is_out_of_memory};
use crate::log;
use crate::luma::Greys;
use crate::run::{Fault, Send};
use crate::scene::SceneTest;
use crate::strip::Strip;

/// With more bits in doubt than photos have, a frame is hashed as RGB.
const DOUBTFUL_BITS_MAX: u32 = 8;
/// Larger frames are not: it takes six bytes a pixel.
const RGB_PIXELS_MAX: usize = 16 << 20;

/// The pictures of a file.
pub struct Pictures {
    decoder: VideoDecoder,
    greys: Greys,
    scenes: SceneTest,
    clock: Clock,
    strip: Option<Strip>,
    choice: Choice,
    /// The frame after which it goes on where an earlier worker was cut off, until that is reached.
    goes_on_after: Option<LastFrame>,
    turn: Dihedral,
    pixels: Vec<u8>,
    has_glimpses: bool,
    /// When the last frame with keypoints was shown, and its hash.
    last_keypoints: Option<(u32, Pdq)>,
    is_full: bool,
    limits: Limits,
    n_taken: u32,
    n_shown: u64,
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
            choice: Choice::new(source.frame_rate, want.from_ms, is_full, every_ms),
            goes_on_after: request.resume.and_then(|resume| resume.frame),
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
            n_shown: 0,
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

    /// The file is known to have come so far.
    pub fn believe(&mut self, ms: u32) {
        self.clock.believe(ms);
    }

    /// What is left, at the end.
    pub fn finish(&mut self, send: &mut Send<'_>) -> Result<(), Fault> {
        let flushed = self.decoder.try_flush();
        self.note(flushed)?;
        self.drain(send)?;
        match self.goes_on_after {
            Some(_) => Err(Fault::Lost),
            None => Ok(()),
        }
    }

    /// When the last frame was shown.
    pub fn end_ms(&self) -> u32 {
        self.end_ms
    }

    /// Whether any frame was decoded.
    pub fn has_any(&self) -> bool {
        self.n_taken > 0
    }

    /// How many frames were decoded, taken or not.
    pub fn n_shown(&self) -> u64 {
        self.n_shown
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
        self.n_shown += 1;
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
        if let Some(last) = self.goes_on_after {
            return match at_ms < last.at_ms {
                true => Ok(()),
                false => self.go_on(&last, at_ms, frame),
            };
        }
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
            for picture in strip.drain() {
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
        let image = image_of(frame, &self.pixels);
        let (pdq, n_doubtful, glimpse) = if self.has_glimpses {
            let is_due = |hash| are_keypoints_due(self.last_keypoints, at_ms, hash);
            let (pdq, n_doubtful, glimpse) = glimpse(image, self.turn, is_due);
            (pdq, n_doubtful, Some(glimpse))
        } else {
            let (pdq, n_doubtful) = pdq::hash_luma_and_doubt(image);
            (pdq, n_doubtful, None)
        };
        let pdq = self.exchanged(pdq, n_doubtful, chosen.number, frame);
        if glimpse.as_ref().is_some_and(|glimpse| !glimpse.keypoints.is_empty()) {
            self.last_keypoints = Some((at_ms, pdq.hash));
        }
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

impl Pictures {
    /// Goes on after this frame, if it is the one that an earlier worker sent last.
    fn go_on(&mut self, last: &LastFrame, at_ms: u32, frame: &VideoFrame) -> Result<(), Fault> {
        if at_ms != last.at_ms || self.greys.take(frame, &mut self.pixels).is_err() {
            return Err(Fault::Lost);
        }
        let image = image_of(frame, &self.pixels);
        let (pdq, n_doubtful) = match self.has_glimpses {
            true => {
                let (stored, n_doubtful) = pdq::nearly_hash_luma_dihedral_and_doubt(image);
                (stored[Dihedral::Original as usize], n_doubtful)
            }
            false => pdq::hash_luma_and_doubt(image),
        };
        if self.exchanged(pdq, n_doubtful, last.number, frame).hash != last.hash {
            return Err(Fault::Lost);
        }
        self.goes_on_after = None;
        self.choice.go_on_after(last);
        self.n_taken = last.n_frames;
        self.last_keypoints = last.keypoints;
        if let Some(strip) = &mut self.strip {
            strip.resume(last.strip);
        }
        // What a decoder missed that began in the middle is no damage, and what was damaged before was told before.
        self.is_damaged = false;
        log::forget();
        Ok(())
    }

    /// The hash of a frame as others would have it, which take the luma of the RGB that swscale makes. Where vPDQ takes the frame and it matters how pixels are rounded, so do we.
    fn exchanged(&mut self, pdq: PdqSignal, n_doubtful: u32, number: u64, frame: &VideoFrame) -> PdqSignal {
        if n_doubtful <= DOUBTFUL_BITS_MAX || !self.choice.is_vpdq(number) {
            return pdq;
        }
        let (width, height) = (frame.width(), frame.height());
        if width * height > RGB_PIXELS_MAX || self.greys.take_rgb(frame, &mut self.pixels).is_err() {
            return pdq;
        }
        let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        match RgbImage::new(side(width), side(height), &self.pixels) {
            Ok(image) => pdq::hash_rgb(image),
            Err(_) => pdq,
        }
    }
}

fn image_of<'a>(frame: &VideoFrame, pixels: &'a [u8]) -> LumaImage<'a> {
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
    let Ok(image) = LumaImage::new(side(frame.width()), side(frame.height()), pixels) else {
        unreachable!("as many pixels as the frame has were taken")
    };
    image
}

/// The hash of a frame as stored, how many of its bits are in doubt, and what it is recognised by as it is shown.
fn glimpse(image: LumaImage<'_>, turn: Dihedral, is_due: impl Fn(Pdq) -> bool) -> (PdqSignal, u32, Glimpse) {
    let (stored, n_doubtful) = pdq::nearly_hash_luma_dihedral_and_doubt(image);
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
    (as_stored, n_doubtful, glimpse)
}
