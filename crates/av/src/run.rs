//! One file or stream, from its first byte to its last.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use ac_ffmpeg::packet::Packet;
use media::av::Sampling;
use media::av::wire::{AvRequest, Body, End, Opened, Refusal, SoundTrack, VideoTrack};
use media::av::worker::Gone;

use crate::clock::Clock;
use crate::container::{Source, refusal};
use crate::pictures::Pictures;
use crate::sound::Sounds;
use crate::{Input, log};

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// After so many packets in a row that could not be read, no more is expected.
const BAD_PACKETS_MAX: u32 = 64;
/// A file may end so much before the time that it claims, and a twentieth of that.
const SHORT_MS: u32 = 2_000;
/// Of a live stream so much is weighed at a time: its last bit may be cut off, and so may all before its first picture.
const WEIGHED_MS: u32 = 1_000;
/// Packets of pictures for so long, by their own time, of which not one becomes a picture: nothing is seen of the stream.
const BLIND_MS: u32 = 15_000;
/// The same where only key frames are decoded, which may lie far apart.
const BLIND_MS_KEY_FRAMES: u32 = 60_000;
/// A longer step from one packet to the next counts as so much: a pause is nothing that could be seen.
const STEP_MS_MAX: u32 = 1_000;
/// Sound without time stamps lasts as long as its samples do, which are counted elsewhere: its clock hardly goes on by itself.
const SOUND_STEPS: f64 = 1_000.0;
/// Where a scan goes on, so much before is decoded again, and so many frames: what tells one scene from the next remembers as much.
const WARM_MS: u32 = 2_000;
const WARM_FRAMES: f64 = 96.0;
/// Bytes of packets that are held back in search of the last key frame before that. Beyond, decoding begins sooner.
const HELD_BYTES_MAX: usize = 32 << 20;

/// Why a run ended before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The file was refused, and the host was told why.
    Refused,
    /// The host is gone.
    Gone,
}

/// What ends the decoding of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// As many frames were taken, or as much time was looked at, as was asked for.
    Enough,
    /// Memory ran out.
    Memory,
    /// A frame is larger than may be decoded.
    TooManyPixels {
        /// Its columns.
        width: u32,
        /// Its rows.
        height: u32,
    },
    /// The place at which it was to go on is not there.
    Lost,
    /// The host is gone.
    Gone,
}

/// Hands a message to the host.
pub type Send<'a> = dyn FnMut(&Body) -> Result<(), Fault> + 'a;

/// Decodes `input`, and hands what it finds to `send`.
pub fn run(input: Input, request: &AvRequest, send: &mut dyn FnMut(&Body) -> Result<(), Gone>) -> Result<(), Stop> {
    log::forget();
    // Both halves of a run look at how far it came, should a decoder give up.
    let end_ms = Cell::new(0);
    let has_opened = Cell::new(false);
    let mut send = |body: &Body| send(body).map_err(|Gone| Fault::Gone);
    let outcome = catch_unwind(AssertUnwindSafe(|| -> Result<End, Failure> {
        let source = Source::open(input, request)?;
        decode(source, request, &end_ms, &has_opened, &mut send)
    }));
    let end = match outcome {
        Ok(Ok(end)) => Ok(end),
        Ok(Err(Failure::Gone)) => return Err(Stop::Gone),
        Ok(Err(Failure::Refused(refusal))) => Err(refusal),
        Err(_) if has_opened.get() => Ok(End {
            at_ms: end_ms.get(),
            is_whole: false,
            is_intact: false,
        }),
        Err(_) => Err(Refusal::Damaged("a decoder gave up on it".to_owned())),
    };
    let gone = |_| Stop::Gone;
    match end {
        Ok(end) => send(&Body::End(end)).map_err(gone),
        Err(refusal) => {
            send(&Body::Refused(refusal)).map_err(gone)?;
            Err(Stop::Refused)
        }
    }
}

enum Failure {
    Refused(Refusal),
    Gone,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn decode(
    mut source: Source,
    request: &AvRequest,
    end_ms: &Cell<u32>,
    has_opened: &Cell<bool>,
    send: &mut Send<'_>,
) -> Result<End, Failure> {
    let want = request.want;
    let (video, sound) = (source.video.take(), source.sound.take());
    let size = |video: &crate::container::VideoSource| {
        if video.turn.swaps_sides() {
            (video.height, video.width)
        } else {
            (video.width, video.height)
        }
    };
    let opened = Body::Opened(Opened {
        container: source.container,
        duration_ms: source.duration_ms,
        video: video.as_ref().map(|video| VideoTrack {
            codec: video.codec,
            width: size(video).0,
            height: size(video).1,
            frame_rate: video.frame_rate,
        }),
        sound: sound.as_ref().map(|sound| SoundTrack { codec: sound.codec }),
        is_all_known: source.is_all_known,
    });
    send(&opened).map_err(|_| Failure::Gone)?;
    has_opened.set(true);

    // Pictures and sound share a beginning, so that they stay together.
    let video_base = video.as_ref().and_then(|video| video.base_ms);
    let base_ms = video_base.or(sound.as_ref().and_then(|sound| sound.base_ms));
    let claimed_ms = if request.is_live {
        0
    } else {
        i64::from(source.duration_ms)
    };
    let frame_rate = video.as_ref().map_or(0.0, |video| video.frame_rate);
    let clock = |rate| Clock::new(base_ms, claimed_ms, rate);
    if want.from_ms > 0 {
        source.seek(base_ms.unwrap_or(0).saturating_add(want.from_ms.into()));
    }
    let video_stream = video.as_ref().map(|video| video.stream);
    let sound_stream = sound.as_ref().map(|sound| sound.stream);
    let mut run = Run {
        pictures: video.map(|video| Pictures::new(video, clock(frame_rate), source.duration_ms, request)),
        // Asked for or not, sound alone is what a file without pictures has to show.
        sounds: sound.filter(|_| want.audio).map(|sound| {
            Sounds::new(
                sound,
                clock(SOUND_STEPS),
                want.from_ms,
                request.resume.map_or(0, |at| at.n_samples),
            )
        }),
        held: request
            .resume
            .and_then(|resume| resume.frame)
            .map(|last| Held::before(last.at_ms, frame_rate)),
        video_clock: clock(frame_rate),
        sound_clock: clock(SOUND_STEPS),
        video_stream,
        sound_stream,
        read_ms: 0,
        weighed: Weighed::default(),
        has_passed_over: false,
        blindness: Blindness::new(want.sampling),
    };
    let ended = run.read_all(&mut source, request, end_ms, send);
    let (is_whole, is_damaged) = match ended {
        Ok(is_damaged) => (true, is_damaged),
        Err(Fault::Enough) => (false, false),
        Err(Fault::Gone) => return Err(Failure::Gone),
        Err(Fault::Memory) => return Err(Refusal::Memory.into()),
        Err(Fault::Lost) => return Err(Refusal::Lost.into()),
        Err(Fault::TooManyPixels { width, height }) => return Err(Refusal::TooManyPixels { width, height }.into()),
    };
    // What was taken is sent even when a limit ended it.
    match run.finish(send) {
        Ok(()) | Err(Fault::Enough) => {}
        Err(Fault::Gone) => return Err(Failure::Gone),
        Err(Fault::Memory) => return Err(Refusal::Memory.into()),
        Err(Fault::Lost) => return Err(Refusal::Lost.into()),
        Err(Fault::TooManyPixels { width, height }) => return Err(Refusal::TooManyPixels { width, height }.into()),
    }
    if is_whole && want.from_ms == 0 && !run.found_anything() {
        return Err(Refusal::Damaged("nothing in it could be decoded".to_owned()).into());
    }
    let at_ms = run.end_ms();
    let short_ms = SHORT_MS.max(source.duration_ms / 20);
    let is_short = is_whole && at_ms.saturating_add(short_ms) < source.duration_ms;
    let is_damaged = match request.is_live {
        true => run.weighed.is_damaged || run.blindness.was_blind,
        false => is_damaged || run.is_damaged() || log::saw_damage(),
    };
    let is_intact = !is_damaged && !run.is_blind() && !is_short && source.is_all_known && !run.has_passed_over;
    Ok(End {
        at_ms,
        is_whole,
        is_intact,
    })
}

struct Run {
    pictures: Option<Pictures>,
    sounds: Option<Sounds>,
    /// Packets before the place at which it goes on.
    held: Option<Held>,
    /// Clocks of what is read, decoded or not.
    video_clock: Clock,
    sound_clock: Clock,
    video_stream: Option<usize>,
    sound_stream: Option<usize>,
    read_ms: u32,
    weighed: Weighed,
    /// Pictures or sound came that nobody looks at.
    has_passed_over: bool,
    blindness: Blindness,
}

/// How long nothing was seen though pictures came.
struct Blindness {
    ms_max: u32,
    ms: u32,
    last_ms: u32,
    /// Frames that were decoded when last asked.
    n_shown: u64,
    was_blind: bool,
}

impl Blindness {
    fn new(sampling: Sampling) -> Self {
        Self {
            ms_max: match sampling {
                Sampling::Full => BLIND_MS,
                Sampling::KeyFrames => BLIND_MS_KEY_FRAMES,
            },
            ms: 0,
            last_ms: 0,
            n_shown: 0,
            was_blind: false,
        }
    }

    /// A packet of pictures came; so many frames were decoded by then.
    fn note(&mut self, at_ms: u32, n_shown: u64) {
        let step_ms = at_ms.saturating_sub(self.last_ms).min(STEP_MS_MAX);
        self.last_ms = at_ms;
        self.ms = match n_shown > self.n_shown {
            true => 0,
            false => self.ms.saturating_add(step_ms),
        };
        self.n_shown = n_shown;
        self.was_blind |= self.ms > self.ms_max;
    }
}

/// Packets of pictures that may be needed to go on: those since the last key frame.
struct Held {
    /// From here on nothing is held back.
    until_ms: u32,
    packets: Vec<Packet>,
    n_bytes: usize,
}

impl Held {
    fn before(at_ms: u32, frame_rate: f64) -> Self {
        let frames_ms = if frame_rate > 0.0 {
            (WARM_FRAMES * 1_000.0 / frame_rate) as u32
        } else {
            0
        };
        Self {
            until_ms: at_ms.saturating_sub(WARM_MS.max(frames_ms)),
            packets: Vec::new(),
            n_bytes: 0,
        }
    }

    /// Holds a packet back; says whether enough are held, or more than may be.
    fn hold(&mut self, at_ms: u32, packet: Packet) -> bool {
        let is_over = at_ms > self.until_ms;
        if packet.is_key() && !is_over {
            self.packets.clear();
            self.n_bytes = 0;
        }
        self.n_bytes += packet.data().len();
        self.packets.push(packet);
        is_over || self.n_bytes > HELD_BYTES_MAX
    }
}

/// What was damaged of a live stream up to some moment.
#[derive(Default)]
struct Weighed {
    to_ms: u32,
    /// Pictures were shown by then.
    has_shown: bool,
    is_damaged: bool,
}

impl Run {
    /// Whether anything could not be read.
    fn read_all(
        &mut self,
        source: &mut Source,
        request: &AvRequest,
        end_ms: &Cell<u32>,
        send: &mut Send<'_>,
    ) -> Result<bool, Fault> {
        let mut is_damaged = false;
        let mut n_bad = 0;
        let mut told = Instant::now();
        let mut was_flawed = false;
        loop {
            let is_flawed = self.is_flawed(request.is_live);
            // That a stream is not seen whole is told at once: the packet after may not come for long.
            let is_news = request.is_live && is_flawed && !was_flawed;
            if is_news || told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                was_flawed = is_flawed;
                send(&Body::Progress {
                    at_ms: self.done_ms(),
                    bytes_read: source.bytes_read(),
                    is_damaged: is_flawed,
                })?;
            }
            let packet = match source.take() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(is_damaged),
                Err(error) => {
                    if matches!(refusal(&error), Refusal::Memory) {
                        return Err(Fault::Memory);
                    }
                    is_damaged = true;
                    n_bad += 1;
                    if n_bad > BAD_PACKETS_MAX {
                        self.weighed.is_damaged = true;
                        return Ok(true);
                    }
                    continue;
                }
            };
            n_bad = 0;
            let stamp = if packet.dts().is_null() {
                packet.pts()
            } else {
                packet.dts()
            };
            let stream = Some(packet.stream_index());
            let at_ms = if stream == self.video_stream {
                self.video_clock.believe(self.read_ms);
                self.video_clock.at_ms(stamp)
            } else if stream == self.sound_stream {
                self.sound_clock.believe(self.read_ms);
                self.sound_clock.at_ms(stamp)
            } else {
                self.has_passed_over |= source.is_passed_over(packet.stream_index());
                continue;
            };
            self.read_ms = self.read_ms.max(at_ms);
            end_ms.set(self.end_ms());
            if self.read_ms > request.duration_ms_max {
                return Err(Fault::Enough);
            }
            if let Some(pictures) = &mut self.pictures {
                pictures.believe(self.read_ms);
            }
            if let Some(sounds) = &mut self.sounds {
                sounds.believe(self.read_ms);
            }
            if stream == self.video_stream {
                self.push_picture(at_ms, packet, send)?;
                let n_shown = self.pictures.as_ref().map_or(0, Pictures::n_shown);
                self.blindness.note(at_ms, n_shown);
            } else if let Some(sounds) = &mut self.sounds {
                sounds.push(packet, send)?;
            }
            if request.is_live && self.read_ms >= self.weighed.to_ms.saturating_add(WEIGHED_MS) {
                self.weigh(std::mem::take(&mut is_damaged));
            }
        }
    }

    /// Counts what was damaged since the last time, unless there was nothing to be seen yet.
    fn weigh(&mut self, is_unread: bool) {
        let is_damaged = is_unread || self.is_damaged() || log::saw_damage();
        let has_shown = self.pictures.as_ref().is_none_or(Pictures::has_any);
        self.weighed = Weighed {
            to_ms: self.read_ms,
            is_damaged: self.weighed.is_damaged || (is_damaged && self.weighed.has_shown),
            has_shown,
        };
        log::forget();
        if let Some(pictures) = &mut self.pictures {
            pictures.is_damaged = false;
        }
        if let Some(sounds) = &mut self.sounds {
            sounds.is_damaged = false;
        }
    }

    fn push_picture(&mut self, at_ms: u32, packet: Packet, send: &mut Send<'_>) -> Result<(), Fault> {
        let Some(pictures) = &mut self.pictures else {
            return Ok(());
        };
        let Some(held) = &mut self.held else {
            return pictures.push(packet, send);
        };
        if held.hold(at_ms, packet) {
            for packet in self.held.take().map(|held| held.packets).unwrap_or_default() {
                pictures.push(packet, send)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, send: &mut Send<'_>) -> Result<(), Fault> {
        if let (Some(pictures), Some(held)) = (&mut self.pictures, self.held.take()) {
            for packet in held.packets {
                pictures.push(packet, send)?;
            }
        }
        if let Some(sounds) = &mut self.sounds {
            sounds.finish(send)?;
        }
        if let Some(pictures) = &mut self.pictures {
            pictures.finish(send)?;
        }
        Ok(())
    }

    /// Up to here nothing more will come.
    fn done_ms(&self) -> u32 {
        match &self.pictures {
            Some(pictures) => pictures.end_ms(),
            None => self.read_ms,
        }
    }

    fn end_ms(&self) -> u32 {
        let shown = self.pictures.as_ref().map_or(0, Pictures::end_ms);
        let heard = self.sounds.as_ref().map_or(0, Sounds::end_ms);
        self.read_ms.max(shown).max(heard)
    }

    fn found_anything(&self) -> bool {
        let seen = self.pictures.as_ref().is_some_and(Pictures::has_any);
        let heard = self.sounds.as_ref().is_some_and(|sounds| sounds.end_ms() > 0);
        // Sound that was not asked for was at least read.
        seen || heard || (self.pictures.is_none() && self.sounds.is_none() && self.read_ms > 0)
    }

    /// Whether it is known already that not all of it was looked at.
    fn is_flawed(&self, is_live: bool) -> bool {
        let is_damaged = match is_live {
            true => self.weighed.is_damaged || self.blindness.was_blind,
            false => self.is_damaged() || log::saw_damage(),
        };
        is_damaged || self.has_passed_over
    }

    fn is_damaged(&self) -> bool {
        let seen = self.pictures.as_ref().is_some_and(|pictures| pictures.is_damaged);
        let heard = self.sounds.as_ref().is_some_and(|sounds| sounds.is_damaged);
        seen || heard
    }

    /// Pictures of which not one could be shown.
    fn is_blind(&self) -> bool {
        self.pictures.as_ref().is_some_and(|pictures| !pictures.has_any())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_blind(steps: &[(u32, u64)], sampling: Sampling) -> bool {
        let mut blindness = Blindness::new(sampling);
        for (at_ms, n_shown) in steps {
            blindness.note(*at_ms, *n_shown);
        }
        blindness.was_blind
    }

    #[test]
    fn who_sees_nothing_for_long_is_blind_and_a_pause_is_nothing_to_see() {
        let nothing: Vec<(u32, u64)> = (0..400).map(|n| (n * 40, 0)).collect();
        assert!(is_blind(&nothing, Sampling::Full));
        assert!(!is_blind(&nothing[..300], Sampling::Full), "twelve seconds");
        assert!(!is_blind(&nothing, Sampling::KeyFrames), "one may come yet");
        let seldom: Vec<(u32, u64)> = (0..4_000).map(|n| (n * 40, u64::from(n) / 300)).collect();
        assert!(!is_blind(&seldom, Sampling::Full), "one each twelve seconds");
        assert!(!is_blind(&[(0, 1), (3_600_000, 1), (3_600_040, 2)], Sampling::Full));
    }
}
