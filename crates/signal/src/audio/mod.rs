//! Sound: prints by which a recording is found again, and where in it.
//!
//! A print is a row of 32-bit items, one each [`ITEM_MS`], each made from 2.7 s of sound: Chromaprint's raw form, algorithm 2, the one that AcoustID
//! exchanges. It is computed here anew rather than by a library, for two things that libraries do not tell: how sure each bit is, and what the
//! items would be had the sound been played faster or slower. A query is printed at [`SPEEDS`], all from one row of spectra.
//!
//! Who decodes a sound pushes its PCM into a [`Printer`] and takes [`QueryPrints`] out; [`QueryPrints::print`] is what is kept when it
//! becomes an entry. Prints are compared by `index`.

mod chroma;
mod classify;
mod forms;
mod printer;
mod resample;
#[cfg(test)]
mod tests;

pub use classify::{DOUBTS, Item};
pub use forms::BadPrint;
pub use printer::{BadSound, Printer};
pub use resample::{CHANNELS_MAX, RATE_MAX, RATE_MIN};

use crate::span::Span;
use crate::video;

/// Samples a second of what prints are made from.
pub const RATE: u32 = 11_025;
/// From one item to the next, in milliseconds.
pub const ITEM_MS: f64 = 1000.0 * chroma::HOP as f64 / RATE as f64;
/// What one item is made from, in milliseconds.
pub const ITEM_SPAN_MS: f64 =
    1000.0 * ((classify::ROWS_OF_ITEM - 1) * chroma::HOP + chroma::WINDOW) as f64 / RATE as f64;
/// Items of the longest print that is kept: a day and a half.
pub const ITEMS_MAX: usize = 1 << 20;

/// What is kept of a banked sound.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Print {
    /// Chromaprint's items, algorithm 2; item `i` begins at `i` times [`ITEM_MS`].
    pub items: Vec<u32>,
}

/// How a query differs from what it may be a copy of: 1.05 is five hundredths higher or faster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// By how much it is higher.
    pub pitch: f32,
    /// By how much it is faster.
    pub tempo: f32,
}

/// As it is.
pub const AS_IS: Speed = Speed { pitch: 1.0, tempo: 1.0 };

const fn both(ratio: f32) -> Speed {
    Speed {
        pitch: ratio,
        tempo: ratio,
    }
}

const fn tempo(tempo: f32) -> Speed {
    Speed { pitch: 1.0, tempo }
}

/// The speeds at which a query is printed, the likeliest first: as it is; a tape that runs faster or slower, in steps of one and a half hundredths, of which none changes more
/// than a fifth of the bits; the tempi that players and editors offer. A pitch that was changed alone, by as much, is found along a tape's.
pub const SPEEDS: [Speed; 24] = [
    AS_IS,
    both(0.985),
    both(1.015),
    both(0.97),
    both(1.03),
    both(0.955),
    both(1.045),
    both(0.94),
    both(1.06),
    both(0.925),
    both(1.075),
    both(0.91),
    both(1.09),
    both(0.895),
    both(1.105),
    tempo(0.75),
    tempo(0.9),
    tempo(1.1),
    tempo(1.25),
    tempo(1.5),
    tempo(2.0),
    both(0.8),
    both(1.25),
    both(1.5),
];

/// A query's print at one speed.
#[derive(Debug, Clone, PartialEq)]
pub struct Played {
    /// The speed that was undone.
    pub speed: Speed,
    /// Number of the first item here, counted from the beginning of the sound: not 0 in the later pieces of a stream.
    pub first: u32,
    /// The items that the sound would have at its right speed.
    pub items: Vec<Item>,
}

/// What a query is recognised by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QueryPrints {
    /// One for each of [`SPEEDS`], in that order; fewer for a sound that was printed as it is alone, none for no sound.
    pub played: Vec<Played>,
}

impl QueryPrints {
    /// What is kept when the sound becomes an entry; at most [`ITEMS_MAX`] items.
    pub fn print(&self) -> Print {
        let as_is = self.played.iter().find(|played| played.speed == AS_IS);
        Print {
            items: as_is.map_or_else(Vec::new, |played| {
                played.items.iter().take(ITEMS_MAX).map(|item| item.bits).collect()
            }),
        }
    }

    /// Whether nothing can be found by it: the sound is shorter than one item's.
    pub fn is_empty(&self) -> bool {
        self.played.iter().all(|played| played.items.is_empty())
    }
}

/// The item of silence.
pub const SILENCE: u32 = 627_964_279;

/// One run of a query that sounds like one run of an entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoundSegment {
    /// Where in the query.
    pub query: Span,
    /// Where in the entry.
    pub entry: Span,
    /// Milliseconds of the entry for one of the query: above 1 where the query was played faster.
    pub rate: f32,
    /// By how much the query is higher, as a ratio.
    pub pitch: f32,
    /// Share of bits that differ: about 0.5 between unrelated sounds.
    pub bit_errors_share: f32,
    /// The logarithm of the chance that sounds which have nothing to do with each other are so alike anywhere.
    pub log10_chance: f32,
}

/// What is seen and what is heard lie together if the entry's time differs by no more than this.
const TOGETHER_MS: u32 = 2_500;

impl SoundSegment {
    /// Whether the same moment of the entry is seen where it is heard. Two signals that know nothing of each other name one moment: what was a lead by each is sure by both.
    pub fn is_heard_with(&self, seen: &video::Segment) -> bool {
        if seen.query.overlap_ms(self.query) == 0 {
            return false;
        }
        let at = seen.query.from_ms.max(self.query.from_ms);
        let moment = |query: Span, entry: Span, rate: f32| {
            f64::from(entry.from_ms) + f64::from(at.saturating_sub(query.from_ms)) * f64::from(rate)
        };
        let apart = moment(seen.query, seen.entry, seen.rate) - moment(self.query, self.entry, self.rate);
        apart.abs() <= f64::from(TOGETHER_MS)
    }
}
