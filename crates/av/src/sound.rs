//! Sound: decoded, mixed down to one channel, cut into pieces without gaps.

use ac_ffmpeg::Error;
use ac_ffmpeg::codec::audio::frame::{get_channel_layout, get_sample_format};
use ac_ffmpeg::codec::audio::{AudioDecoder, AudioFrame, AudioResampler};
use ac_ffmpeg::codec::{CodecError, Decoder as _};
use ac_ffmpeg::packet::Packet;
use media::av::SOUND_RATE;
use media::av::wire::{Body, SAMPLES_MAX, Sound};

use crate::clock::Clock;
use crate::container::{SoundSource, is_out_of_memory};
use crate::run::{Fault, Send};

/// Samples of a piece: half a second, so that a stream's events come soon.
const PIECE_SAMPLES: usize = SAMPLES_MAX / 2;
/// A hole in the sound longer than this is filled with silence, so that what follows stays in time.
const HOLE_MS: u32 = 100;
/// No more silence than this is filled in at once.
const SILENCE_MS_MAX: u32 = 600_000;
/// A frame of sound that is longer is a lie.
const FRAME_SAMPLES_MAX: usize = 1 << 20;

/// The sound of a file.
pub struct Sounds {
    decoder: AudioDecoder,
    resampler: Option<(Format, AudioResampler)>,
    clock: Clock,
    from_ms: u32,
    /// When the first sample was heard.
    began_ms: Option<u32>,
    n_samples: u64,
    /// Samples that an earlier worker sent: they are not sent again.
    n_sent_before: u64,
    piece: Vec<i16>,
    /// Whether anything could not be decoded.
    pub is_damaged: bool,
}

/// (samples a second, FFmpeg's name of their form, channels).
type Format = (u32, &'static str, u32);

impl Sounds {
    /// Of a track whose clock is that of the file.
    pub fn new(source: SoundSource, clock: Clock, from_ms: u32, n_sent_before: u64) -> Self {
        Self {
            decoder: source.decoder,
            resampler: None,
            clock,
            from_ms,
            began_ms: None,
            n_samples: 0,
            n_sent_before,
            piece: Vec::with_capacity(SAMPLES_MAX),
            is_damaged: false,
        }
    }

    /// Decodes a packet.
    pub fn push(&mut self, packet: Packet, send: &mut Send<'_>) -> Result<(), Fault> {
        let mut pushed = self.decoder.try_push(packet.clone());
        if pushed.as_ref().is_err_and(CodecError::is_again) {
            self.drain(send)?;
            pushed = self.decoder.try_push(packet);
        }
        self.note(pushed)?;
        self.drain(send)
    }

    /// The file is known to have come so far: sound that begins or goes on there is late, and no new beginning.
    pub fn believe(&mut self, ms: u32) {
        self.clock.believe(ms);
    }

    /// What is left, at the end.
    pub fn finish(&mut self, send: &mut Send<'_>) -> Result<(), Fault> {
        let flushed = self.decoder.try_flush();
        self.note(flushed)?;
        self.drain(send)?;
        if let Some((_, mut resampler)) = self.resampler.take()
            && resampler.try_flush().is_ok()
        {
            self.drain_resampler(&mut resampler, send)?;
        }
        self.send_pieces(1, send)
    }

    /// When the last sample was heard.
    pub fn end_ms(&self) -> u32 {
        self.after(self.n_samples + self.piece.len() as u64)
    }

    fn after(&self, n_samples: u64) -> u32 {
        let ms = n_samples * 1_000 / u64::from(SOUND_RATE);
        let began_ms = self.began_ms.unwrap_or(0);
        began_ms.saturating_add(u32::try_from(ms).unwrap_or(u32::MAX))
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
                Ok(Some(frame)) => self.take_frame(frame, send)?,
                Ok(None) => return Ok(()),
                Err(error) if is_out_of_memory(&error) => return Err(Fault::Memory),
                Err(_) => {
                    self.is_damaged = true;
                    return Ok(());
                }
            }
        }
    }

    fn take_frame(&mut self, frame: AudioFrame, send: &mut Send<'_>) -> Result<(), Fault> {
        // Of several frames in one packet of a stream only the first may be stamped: the others follow it.
        let at_ms = match self.began_ms.is_some() && frame.pts().is_null() {
            true => self.end_ms(),
            false => self.clock.at_ms(frame.pts()),
        };
        if at_ms < self.from_ms {
            return Ok(());
        }
        let channels = frame.channel_layout().channels();
        if channels == 0 || frame.samples() > FRAME_SAMPLES_MAX {
            self.is_damaged = true;
            return Ok(());
        }
        // Sound that comes in later than the pictures is told from their beginning, so that all times are those of the file.
        let is_late = self.from_ms == 0 && at_ms >= HOLE_MS;
        self.began_ms.get_or_insert(if is_late { 0 } else { at_ms });
        let hole_ms = at_ms.saturating_sub(self.end_ms());
        if hole_ms > HOLE_MS {
            let silence_ms = u64::from(hole_ms.min(SILENCE_MS_MAX));
            let mut missing = (silence_ms * u64::from(SOUND_RATE) / 1_000) as usize;
            while missing > 0 {
                let n = missing.min(PIECE_SAMPLES);
                self.add(std::iter::repeat_n(0, n), send)?;
                missing -= n;
            }
        }
        let format = (frame.sample_rate(), frame.sample_format().name(), channels);
        let mut resampler = match self.resampler.take() {
            Some((known, resampler)) if known == format => resampler,
            other => {
                if let Some((_, mut old)) = other
                    && old.try_flush().is_ok()
                {
                    self.drain_resampler(&mut old, send)?;
                }
                match resampler(&frame) {
                    Ok(resampler) => resampler,
                    Err(_) => {
                        self.is_damaged = true;
                        return Ok(());
                    }
                }
            }
        };
        match resampler.try_push(frame) {
            Ok(()) => self.drain_resampler(&mut resampler, send)?,
            // The layout of the channels changed though their number did not: the next frame begins anew.
            Err(_) => {
                self.is_damaged = true;
                return Ok(());
            }
        }
        self.resampler = Some((format, resampler));
        Ok(())
    }

    fn drain_resampler(&mut self, resampler: &mut AudioResampler, send: &mut Send<'_>) -> Result<(), Fault> {
        while let Ok(Some(frame)) = resampler.take() {
            let planes = frame.planes();
            let (samples, _) = planes[0].data().as_chunks::<2>();
            let samples = samples.iter().take(frame.samples());
            self.add(samples.map(|sample| i16::from_le_bytes(*sample)), send)?;
        }
        Ok(())
    }

    fn add(&mut self, samples: impl Iterator<Item = i16>, send: &mut Send<'_>) -> Result<(), Fault> {
        self.piece.extend(samples);
        self.send_pieces(PIECE_SAMPLES, send)
    }

    /// Sends what has gathered once it is this much.
    fn send_pieces(&mut self, least: usize, send: &mut Send<'_>) -> Result<(), Fault> {
        while self.piece.len() >= least {
            let n = self.piece.len().min(PIECE_SAMPLES);
            let known = self.n_sent_before.saturating_sub(self.n_samples).min(n as u64);
            let sound = Sound {
                at_ms: self.after(self.n_samples + known),
                samples: self.piece.drain(..n).skip(known as usize).collect(),
            };
            self.n_samples += n as u64;
            if !sound.samples.is_empty() {
                send(&Body::Sound(sound))?;
            }
        }
        Ok(())
    }
}

fn resampler(frame: &AudioFrame) -> Result<AudioResampler, Error> {
    AudioResampler::builder()
        .source_channel_layout(frame.channel_layout().to_owned())
        .source_sample_format(frame.sample_format())
        .source_sample_rate(frame.sample_rate())
        .target_channel_layout(get_channel_layout("mono"))
        .target_sample_format(get_sample_format("s16"))
        .target_sample_rate(SOUND_RATE)
        .build()
}
