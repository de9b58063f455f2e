//! The matcher: the perceptual hashes of everything that is banked, as of a cursor of the banks' change feed.
//!
//! It knows hashes and handles alone; whose they are, and whether they are in force, is asked of the banks.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use index::{Checkpoint, Damage, Hits, Index, OpenError, Options};
use signal::{Pdq, Signal};

use crate::model::Match;

/// How near is near.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchSettings {
    /// PDQ hashes within so many bits are a match. 31 is what the makers of PDQ advise.
    pub match_distance_bits: u32,
    /// PDQ hashes within so many bits, but not within the match distance, are a lead.
    pub lead_distance_bits: u32,
    /// PDQ hashes of a lower quality say nothing and are not compared.
    pub quality_min: u8,
    /// The most matches of one file that are told.
    pub matches_max: usize,
}

impl Default for MatchSettings {
    fn default() -> Self {
        Self {
            match_distance_bits: 31,
            lead_distance_bits: 40,
            quality_min: 50,
            matches_max: 50,
        }
    }
}

impl MatchSettings {
    /// How far away anything of interest lies at most.
    pub fn reach(&self) -> u32 {
        self.lead_distance_bits.max(self.match_distance_bits)
    }

    /// The hash, if its quality lets it say something. A hash that came without one is believed.
    pub fn comparable(&self, signal: &Signal) -> Option<Pdq> {
        match signal {
            Signal::Pdq { hash, quality } => quality.is_none_or(|q| q >= self.quality_min).then_some(*hash),
            Signal::Md5(_) | Signal::Sha256(_) => None,
        }
    }
}

/// What was found for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The nearest first; one for each entry and type of signal.
    pub matches: Vec<Match>,
    /// There were more than the settings allow to tell.
    pub capped: bool,
}

/// A line of the store's history: it proves that an index was made of this store and not of another, nor of this one before it was set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The number of an event.
    pub seq: u64,
    /// The beginning of its hash.
    pub hash: [u8; 7],
}

/// How far the change feed was followed, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Followed {
    /// Everything up to here was read.
    pub cursor: i64,
    /// An event that was written after all of it.
    pub origin: Origin,
    /// See [`MatchSettings::quality_min`]: hashes of a lower quality were left out.
    pub quality_min: u8,
}

/// How much the matcher holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatcherStats {
    /// Perceptual hashes in the index.
    pub n_hashes: usize,
    /// How far the change feed was followed.
    pub cursor: i64,
}

/// The perceptual hashes of what is banked.
#[derive(Debug)]
pub struct Matcher {
    settings: MatchSettings,
    index: Index,
    cursor: Mutex<i64>,
}

impl Matcher {
    /// A matcher that knows nothing yet and remembers nothing beyond this process.
    pub fn in_memory(settings: MatchSettings) -> Self {
        Self {
            settings,
            index: Index::new(),
            cursor: Mutex::new(0),
        }
    }

    /// The matcher that a folder remembers. `None` beside it: the folder remembers nothing, and the feed must be read from its beginning. Files that were
    /// damaged are named.
    pub fn open(settings: MatchSettings, folder: &Path) -> Result<(Self, Option<Followed>, Vec<Damage>), OpenError> {
        let opened = Index::open(folder, Options::default())?;
        let followed = opened.checkpoint.map(Followed::of_checkpoint);
        let matcher = Self {
            settings,
            index: opened.index,
            cursor: Mutex::new(followed.map_or(0, |followed| followed.cursor)),
        };
        Ok((matcher, followed, opened.damage))
    }

    /// Removes what a folder remembers.
    pub fn forget(folder: &Path) -> Result<(), OpenError> {
        Index::forget(folder)
    }

    /// How near is near.
    pub fn settings(&self) -> &MatchSettings {
        &self.settings
    }

    /// How far the change feed was followed.
    pub fn cursor(&self) -> i64 {
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts.
    pub fn stats(&self) -> MatcherStats {
        MatcherStats {
            n_hashes: self.index.len(),
            cursor: self.cursor(),
        }
    }

    /// Takes in a piece of the feed: for each handle the hashes that it has now. A piece that was applied before changes nothing. Pieces must be
    /// applied by one caller at a time, in their order.
    pub fn apply(&self, entries: &[(u64, Vec<Pdq>)], followed: Followed) {
        let changes = entries.iter().map(|(handle, codes)| (*handle, &**codes));
        self.index.apply(changes, Some(followed.as_checkpoint()));
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = followed.cursor;
    }

    /// The handles with a hash at most so many bits away, the nearest first, at most `limit` of them.
    pub fn near(&self, hash: Pdq, within_bits: u32, limit: usize) -> Hits {
        self.index.snapshot().search(hash, within_bits, limit)
    }

    /// Puts the index in order and writes to its folder what is new. Takes seconds with millions of hashes; searches go on.
    pub fn maintain(&self) -> std::io::Result<bool> {
        self.index.maintain()
    }

    /// Writes all of it to its folder, so that the next start need not read it from the feed.
    pub fn persist(&self) -> std::io::Result<()> {
        self.index.persist()
    }
}

impl Followed {
    fn as_checkpoint(self) -> Checkpoint {
        let mut stream = [0; 16];
        stream[..8].copy_from_slice(&self.origin.seq.to_le_bytes());
        stream[8..15].copy_from_slice(&self.origin.hash);
        stream[15] = self.quality_min;
        Checkpoint {
            stream,
            cursor: self.cursor,
        }
    }

    fn of_checkpoint(checkpoint: Checkpoint) -> Self {
        let [a, b, c, d, e, f, g, h, hash @ .., quality_min] = checkpoint.stream;
        Self {
            cursor: checkpoint.cursor,
            origin: Origin {
                seq: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
                hash,
            },
            quality_min,
        }
    }
}
