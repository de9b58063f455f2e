//! Sound that a platform sends beside frames that it hashed itself: samples as they are, put in order of the stream's time. Start with [`push_sound`].

use signal::audio::{CHANNELS_MAX, Printer, RATE_MAX, RATE_MIN};

use super::{BURST_S, StreamError, keep_seen, not_judged};
use crate::Seawall;
use crate::model::{Actor, Right, StreamId};

/// Samples of a channel that one piece may hold, in seconds.
pub const PIECE_SOUND_S_MAX: u64 = 60;
/// The longest time without a sample that is taken for silence.
const SILENCE_MS_MAX: u32 = 10 * 60_000;
/// Silence is put in so much at a time.
const SILENCE_STEP: usize = 1 << 16;

/// A piece of sound: PCM of 16 bits, the samples of all channels of one moment beside each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pcm {
    /// When its first sample is heard, in milliseconds of the stream's own time.
    pub at_ms: u32,
    /// Samples a second of each channel.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
    /// Interleaved.
    pub samples: Vec<i16>,
}

/// Takes the next piece of the sound of a stream that was opened for frames, in the order of the stream. What was heard before is passed over, so that a piece may be sent
/// again; a gap is silence. What is found is remembered before the call returns.
pub async fn push_sound(app: &Seawall, actor: &Actor, id: StreamId, piece: Pcm) -> Result<(), StreamError> {
    actor.require(Right::SubmitItems)?;
    let live = app.streams.find(id)?;
    if live.is_over() {
        return Err(StreamError::NotOpen);
    }
    if live.is_decoded() {
        let what = "is for streams that were opened for frames; this one was opened for bytes".to_owned();
        return Err(StreamError::Invalid { field: "sound", what });
    }
    check(&piece)?;
    let now = app.clock.now();
    let n_bytes = 2 * piece.samples.len() as u64;
    let bytes_per_second_max = app.settings.streams.bytes_per_second_max;
    if !live.takes(n_bytes, bytes_per_second_max, BURST_S, now) {
        return Err(StreamError::TooFast { bytes_per_second_max });
    }
    live.touch(now);
    keep_seen(app, &live, now).await?;
    live.hear_piece(app, &piece).await?.map_err(not_judged)?;
    live.count_bytes(n_bytes);
    Ok(())
}

fn check(piece: &Pcm) -> Result<(), StreamError> {
    let invalid = |field, what: String| Err(StreamError::Invalid { field, what });
    if !(RATE_MIN..=RATE_MAX).contains(&piece.rate) {
        return invalid("rate", format!("is from {RATE_MIN} to {RATE_MAX} samples a second"));
    }
    if !(1..=CHANNELS_MAX).contains(&piece.channels) {
        return invalid("channels", format!("are from 1 to {CHANNELS_MAX}"));
    }
    if !piece.samples.len().is_multiple_of(usize::from(piece.channels)) {
        return invalid("sound", "breaks off in the middle of a moment".to_owned());
    }
    let n_moments = (piece.samples.len() / usize::from(piece.channels)) as u64;
    if n_moments > PIECE_SOUND_S_MAX * u64::from(piece.rate) {
        return invalid("sound", format!("is longer than {PIECE_SOUND_S_MAX} seconds"));
    }
    Ok(())
}

/// How far the sound of a stream has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heard {
    rate: u32,
    channels: u16,
    /// Samples of each channel, silence in gaps counted.
    n_moments: u64,
}

/// What of a piece is new.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct New<'a> {
    /// Samples of silence before it, of all channels.
    pub n_silent: usize,
    pub samples: &'a [i16],
}

impl Heard {
    /// Of a sound that begins.
    pub fn new(piece: &Pcm) -> Self {
        Self {
            rate: piece.rate,
            channels: piece.channels,
            n_moments: 0,
        }
    }

    /// When the next sample is heard.
    pub fn end_ms(&self) -> u32 {
        u32::try_from(self.n_moments * 1_000 / u64::from(self.rate)).unwrap_or(u32::MAX)
    }

    /// Puts a piece where it belongs.
    pub fn take<'a>(&mut self, piece: &'a Pcm) -> Result<New<'a>, StreamError> {
        let invalid = |field, what: String| Err(StreamError::Invalid { field, what });
        if (piece.rate, piece.channels) != (self.rate, self.channels) {
            let what = format!(
                "and `channels` stay as they were: {} samples a second, {} channels",
                self.rate, self.channels
            );
            return invalid("rate", what);
        }
        if piece.at_ms > self.end_ms().saturating_add(SILENCE_MS_MAX) {
            let what = format!(
                "lies more than {} minutes after what came before",
                SILENCE_MS_MAX / 60_000
            );
            return invalid("at_ms", what);
        }
        let channels = usize::from(self.channels);
        let first = u64::from(piece.at_ms) * u64::from(self.rate) / 1_000;
        // Times are whole milliseconds: what is less than two apart follows without a gap.
        let is_next = first.abs_diff(self.n_moments) * 1_000 <= 2 * u64::from(self.rate);
        let first = if is_next { self.n_moments } else { first };
        let n_silent = first.saturating_sub(self.n_moments) as usize * channels;
        let n_known = (self.n_moments.saturating_sub(first) as usize * channels).min(piece.samples.len());
        let samples = &piece.samples[n_known..];
        self.n_moments += ((n_silent + samples.len()) / channels) as u64;
        Ok(New { n_silent, samples })
    }
}

/// Gives silence to a printer, a bit at a time.
pub(super) fn push_silence(printer: &mut Printer, n_silent: usize) {
    let silence = vec![0; n_silent.min(SILENCE_STEP)];
    let mut left = n_silent;
    while left > 0 {
        let n = left.min(SILENCE_STEP);
        printer.push(&silence[..n]);
        left -= n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(at_ms: u32, n_moments: usize) -> Pcm {
        Pcm {
            at_ms,
            rate: 8_000,
            channels: 2,
            samples: (0..2 * n_moments).map(|at| at as i16).collect(),
        }
    }

    #[test]
    fn pieces_follow_each_other_gaps_are_silent_and_what_was_heard_is_passed_over() {
        let first = piece(0, 8_000);
        let mut heard = Heard::new(&first);
        let taken = |heard: &mut Heard, piece: &Pcm| {
            let new = heard.take(piece).unwrap();
            (new.n_silent, new.samples.len(), new.samples.first().copied())
        };
        assert_eq!(taken(&mut heard, &first), (0, 16_000, Some(0)));
        assert_eq!(heard.end_ms(), 1_000);
        assert_eq!(taken(&mut heard, &first), (0, 0, None), "the same again");
        assert_eq!(
            taken(&mut heard, &piece(1_001, 80)),
            (0, 160, Some(0)),
            "times are rounded"
        );
        // 10 ms more were heard; this one begins with the last 5 of them.
        assert_eq!(taken(&mut heard, &piece(1_005, 80)), (0, 80, Some(80)));
        assert_eq!(
            taken(&mut heard, &piece(2_015, 80)),
            (16_000, 160, Some(0)),
            "a second is missing"
        );
        assert_eq!(heard.end_ms(), 2_025);
        let late = piece(2_025 + SILENCE_MS_MAX + 1, 1);
        let late = heard.take(&late);
        assert!(
            matches!(late, Err(StreamError::Invalid { field: "at_ms", .. })),
            "{late:?}"
        );
        let other = Pcm {
            rate: 16_000,
            ..piece(2_025, 1)
        };
        assert!(matches!(
            heard.take(&other),
            Err(StreamError::Invalid { field: "rate", .. })
        ));
    }

    #[test]
    fn what_is_no_sound_is_refused() {
        let field = |piece: &Pcm| match check(piece) {
            Err(StreamError::Invalid { field, .. }) => field,
            _ => "none",
        };
        assert_eq!(field(&piece(0, 0)), "none", "silence of no length");
        assert_eq!(field(&Pcm { rate: 0, ..piece(0, 1) }), "rate");
        assert_eq!(
            field(&Pcm {
                channels: 0,
                ..piece(0, 1)
            }),
            "channels"
        );
        assert_eq!(
            field(&Pcm {
                samples: vec![0; 3],
                ..piece(0, 1)
            }),
            "sound"
        );
        assert_eq!(field(&piece(0, 8_000 * PIECE_SOUND_S_MAX as usize + 1)), "sound");
    }
}
