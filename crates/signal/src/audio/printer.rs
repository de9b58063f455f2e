//! PCM in, prints out, as it comes: see [`Printer`].

use super::chroma::{Chroma, Chromas, FINE, NOTES};
use super::classify::Classifier;
use super::resample::{CHANNELS_MAX, RATE_MAX, RATE_MIN, Resampler};
use super::{AS_IS, ITEM_MS, ITEMS_MAX, Item, Played, QueryPrints, SPEEDS, Speed};

/// A sound that cannot be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSound {
    /// Fewer or more samples a second than any sound has.
    #[error("a sound of {0} samples a second; from {RATE_MIN} to {RATE_MAX} are possible")]
    Rate(u32),
    /// No channel, or more than any sound has.
    #[error("a sound of {0} channels; from 1 to {CHANNELS_MAX} are possible")]
    Channels(u16),
}

/// Prints a sound while it is decoded. It holds three seconds of sound, and the items that nobody has taken.
pub struct Printer {
    resampler: Resampler,
    chromas: Chromas,
    /// Of each pitch, the chroma before the newest.
    before: Vec<Chroma>,
    /// Number of the newest chroma, for each pitch.
    n_chromas: Vec<u64>,
    tracks: Vec<Track>,
}

/// One speed.
struct Track {
    speed: Speed,
    /// Which of the pitches.
    pitch: usize,
    classifier: Classifier,
    /// Rows so far.
    n_rows: u64,
    first: u32,
    items: Vec<Item>,
}

impl Printer {
    /// For a query: at all [`SPEEDS`].
    pub fn new(rate: u32, channels: u16) -> Result<Self, BadSound> {
        Self::at_speeds(rate, channels, &SPEEDS)
    }

    /// For a query of which nothing was heard before that moment, in milliseconds: its items lie where they belong.
    pub fn beginning_at(rate: u32, channels: u16, at_ms: u32) -> Result<Self, BadSound> {
        let mut printer = Self::new(rate, channels)?;
        for track in &mut printer.tracks {
            track.first = (f64::from(at_ms) * f64::from(track.speed.tempo) / ITEM_MS).round() as u32;
        }
        Ok(printer)
    }

    /// For what only becomes an entry: as it is.
    pub fn as_is(rate: u32, channels: u16) -> Result<Self, BadSound> {
        Self::at_speeds(rate, channels, &[AS_IS])
    }

    /// At other speeds, for who measures.
    pub fn at_speeds(rate: u32, channels: u16, speeds: &[Speed]) -> Result<Self, BadSound> {
        let resampler = resampler(rate, channels)?;
        let mut pitches: Vec<f32> = Vec::new();
        let mut tracks = Vec::with_capacity(speeds.len());
        for &speed in speeds {
            let known = pitches.iter().position(|pitch| *pitch == speed.pitch);
            let pitch = known.unwrap_or_else(|| {
                pitches.push(speed.pitch);
                pitches.len() - 1
            });
            tracks.push(Track {
                speed,
                pitch,
                classifier: Classifier::new(),
                n_rows: 0,
                first: 0,
                items: Vec::new(),
            });
        }
        Ok(Self {
            resampler,
            before: vec![[0.0; NOTES]; pitches.len()],
            n_chromas: vec![0; pitches.len()],
            chromas: Chromas::new(pitches.into_iter().map(f64::from)),
            tracks,
        })
    }

    /// From here on the samples have another rate or number of channels, as happens in a stream.
    pub fn set_input(&mut self, rate: u32, channels: u16) -> Result<(), BadSound> {
        self.resampler = resampler(rate, channels)?;
        Ok(())
    }

    /// Interleaved samples; a frame may be cut anywhere.
    pub fn push(&mut self, samples: &[i16]) {
        self.resampler.push(samples, self.chromas.pending());
        self.run();
    }

    /// Samples of one channel between -1 and 1, whatever the number of channels otherwise.
    pub fn push_mono(&mut self, samples: &[f32]) {
        self.resampler.push_mono(samples, self.chromas.pending());
        self.run();
    }

    /// The items since the last call. Those of the last 2.7 s are still to come.
    pub fn drain(&mut self) -> QueryPrints {
        QueryPrints {
            played: self.tracks.iter_mut().map(Track::drain).collect(),
        }
    }

    /// The items that were not drained, when no more will come.
    pub fn finish(mut self) -> QueryPrints {
        self.drain()
    }

    fn run(&mut self) {
        let Self {
            chromas,
            before,
            n_chromas,
            tracks,
            ..
        } = self;
        chromas.run(|pitch, chroma| {
            let at = n_chromas[pitch];
            for track in tracks.iter_mut().filter(|track| track.pitch == pitch) {
                track.push(at, &before[pitch], chroma);
            }
            before[pitch] = *chroma;
            n_chromas[pitch] += 1;
        });
    }
}

fn resampler(rate: u32, channels: u16) -> Result<Resampler, BadSound> {
    if !(RATE_MIN..=RATE_MAX).contains(&rate) {
        return Err(BadSound::Rate(rate));
    }
    if !(1..=CHANNELS_MAX).contains(&channels) {
        return Err(BadSound::Channels(channels));
    }
    Ok(Resampler::new(rate, channels))
}

impl Track {
    /// The chroma number `at`, and the one before it. Rows lie between them where the speed is not 1.
    fn push(&mut self, at: u64, before: &Chroma, chroma: &Chroma) {
        loop {
            let place = (self.n_rows * FINE as u64) as f64 / f64::from(self.speed.tempo);
            if place > at as f64 {
                return;
            }
            let part = place - (at as f64 - 1.0);
            let row = match part >= 1.0 {
                true => *chroma,
                false => std::array::from_fn(|note| before[note] + (chroma[note] - before[note]) * part),
            };
            self.n_rows += 1;
            // Beyond the longest print nothing is kept that was not drained.
            if let Some(item) = self.classifier.push(row)
                && self.items.len() < ITEMS_MAX
            {
                self.items.push(item);
            }
        }
    }

    fn drain(&mut self) -> Played {
        let items = std::mem::take(&mut self.items);
        let first = self.first;
        self.first += items.len() as u32;
        Played {
            speed: self.speed,
            first,
            items,
        }
    }
}
