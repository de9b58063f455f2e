//! The matcher: the perceptual hashes of everything that is banked, and the keypoints of what came with its picture, as of a cursor of the banks' change
//! feed.
//!
//! It knows codes and handles alone; whose they are, and whether they are in force, is asked of the banks. Hashes and keypoints lie in two indexes
//! that are told everything together; after a crash one may lie behind the other, and then both go on from there.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use index::sounds::SoundStats;
use index::videos::VideoStats;
use index::{Checkpoint, Damage, Hits, Index, OpenError, Options};
use signal::nearness::{Nearness, Reach};
use signal::{Pdq, Signal, views};

use super::recordings::Recordings;
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
    /// Harmless pictures that are kept as bare codes, to find out how near counts for each entry. 0: none.
    pub benign_sample: usize,
}

impl Default for MatchSettings {
    fn default() -> Self {
        Self {
            match_distance_bits: 31,
            lead_distance_bits: 40,
            quality_min: 50,
            matches_max: 50,
            benign_sample: 2_000,
        }
    }
}

impl MatchSettings {
    /// How far away anything of interest lies at most, for a picture of which only the hash is known.
    pub fn reach(&self) -> u32 {
        self.lead_distance_bits.max(self.match_distance_bits)
    }

    /// The operator's limits.
    pub fn nearness(&self) -> Nearness {
        let usual = Nearness::default();
        Nearness {
            match_bits: self.match_distance_bits,
            lead_bits: self.lead_distance_bits,
            lead_bits_max: usual.lead_bits_max.max(self.reach()),
        }
    }

    /// How near counts for an entry of which nobody has found that out.
    pub fn unjudged(&self) -> Reach {
        Reach::unjudged(&self.nearness())
    }

    /// The hash, if its quality lets it say something. A hash that came without one is believed.
    pub fn comparable(&self, signal: &Signal) -> Option<Pdq> {
        match signal {
            Signal::Pdq { hash, quality } => quality.is_none_or(|q| q >= self.quality_min).then_some(*hash),
            Signal::Md5(_) | Signal::Sha256(_) | Signal::Vpdq(_) | Signal::Chromaprint(_) => None,
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
    pub hash: [u8; 6],
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
    /// See [`views::VERSION`]: the codes of another version are others.
    pub looks_version: u8,
}

/// How much the matcher holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatcherStats {
    /// Perceptual hashes in the index.
    pub n_hashes: usize,
    /// Keypoints in the index.
    pub n_keypoints: usize,
    /// The videos.
    pub videos: VideoStats,
    /// The sounds.
    pub sounds: SoundStats,
    /// How far the change feed was followed.
    pub cursor: i64,
}

/// An entry as the matcher is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The number of the entry.
    pub handle: u64,
    /// The hashes that it has now; none if it is not matched against.
    pub hashes: Vec<Pdq>,
    /// The codes of its keypoints.
    pub keypoints: Vec<Pdq>,
}

/// What a folder remembers, and what there was to find out about it.
#[derive(Debug)]
pub struct OpenedMatcher {
    /// The matcher.
    pub matcher: Matcher,
    /// How far the hashes go. `None`: nothing is remembered of them, or not all.
    pub hashes: Option<Followed>,
    /// How far the keypoints go.
    pub keypoints: Option<Followed>,
    /// Files that were damaged.
    pub damage: Vec<Damage>,
}

/// The codes of what is banked.
#[derive(Debug)]
pub struct Matcher {
    settings: MatchSettings,
    hashes: Index,
    keypoints: Index,
    recordings: Recordings,
    cursor: Mutex<i64>,
}

/// Heads are read code by code. A file asks for hundreds of keypoints and for some dozens of hashes, so the heads of keypoints are kept small.
fn keypoint_options() -> Options {
    Options {
        head_codes: 1 << 12,
        ..Options::default()
    }
}

/// The folder of the keypoints, in that of the hashes.
const KEYPOINTS: &str = "keypoints";

impl Matcher {
    /// A matcher that knows nothing yet and remembers nothing beyond this process.
    pub fn in_memory(settings: MatchSettings) -> Self {
        Self {
            settings,
            hashes: Index::new(),
            keypoints: Index::with_options(keypoint_options()),
            recordings: Recordings::default(),
            cursor: Mutex::new(0),
        }
    }

    /// The matcher that a folder remembers. The feed must be read on from where the one goes that lies behind, or from its beginning if one remembers
    /// nothing: what is told twice changes nothing.
    pub fn open(settings: MatchSettings, folder: &Path) -> Result<OpenedMatcher, OpenError> {
        let hashes = Index::open(folder, Options::default())?;
        let keypoints = Index::open(&folder.join(KEYPOINTS), keypoint_options())?;
        let followed_hashes = hashes.checkpoint.map(Followed::of_checkpoint);
        let followed_keypoints = keypoints.checkpoint.map(Followed::of_checkpoint);
        let cursor = match (followed_hashes, followed_keypoints) {
            (Some(hashes), Some(keypoints)) => hashes.cursor.min(keypoints.cursor),
            (_, _) => 0,
        };
        let matcher = Self {
            settings,
            hashes: hashes.index,
            keypoints: keypoints.index,
            recordings: Recordings::default(),
            cursor: Mutex::new(cursor),
        };
        Ok(OpenedMatcher {
            matcher,
            hashes: followed_hashes,
            keypoints: followed_keypoints,
            damage: hashes.damage.into_iter().chain(keypoints.damage).collect(),
        })
    }

    /// Removes what a folder remembers.
    pub fn forget(folder: &Path) -> Result<(), OpenError> {
        Self::forget_keypoints(folder)?;
        Index::forget(folder)
    }

    /// Removes what a folder remembers of keypoints.
    pub fn forget_keypoints(folder: &Path) -> Result<(), OpenError> {
        Index::forget(&folder.join(KEYPOINTS))
    }

    /// How near is near.
    pub fn settings(&self) -> &MatchSettings {
        &self.settings
    }

    /// The videos and sounds.
    pub fn recordings(&self) -> &Recordings {
        &self.recordings
    }

    /// How far the change feed was followed.
    pub fn cursor(&self) -> i64 {
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts.
    pub fn stats(&self) -> MatcherStats {
        let (videos, sounds) = self.recordings.stats();
        MatcherStats {
            videos,
            sounds,
            n_hashes: self.hashes.len(),
            n_keypoints: self.keypoints.len(),
            cursor: self.cursor(),
        }
    }

    /// Takes in a piece of the feed: of each entry what it has now. A piece that was applied before changes nothing. Pieces must be applied by one caller at a
    /// time, in their order.
    pub fn apply(&self, entries: &[Told], followed: Followed) {
        let checkpoint = Some(followed.as_checkpoint());
        let keypoints = entries.iter().map(|told| (told.handle, &*told.keypoints));
        self.keypoints.apply(keypoints, checkpoint);
        let hashes = entries.iter().map(|told| (told.handle, &*told.hashes));
        self.hashes.apply(hashes, checkpoint);
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = followed.cursor;
    }

    /// For each hash the handles with a hash at most so many bits away, the nearest first, at most `limit` of them.
    pub fn near(&self, hashes: &[Pdq], within_bits: u32, limit: usize) -> Vec<Hits> {
        self.hashes.snapshot().search_many(hashes, within_bits, limit)
    }

    /// The same among keypoints.
    pub fn near_keypoints(&self, codes: &[Pdq], within_bits: u32, limit: usize) -> Vec<Hits> {
        self.keypoints.snapshot().search_many(codes, within_bits, limit)
    }

    /// Puts the indexes in order and writes to their folder what is new. Takes seconds with millions of hashes; searches go on.
    pub fn maintain(&self) -> std::io::Result<bool> {
        Ok(self.hashes.maintain()? | self.keypoints.maintain()? | self.recordings.maintain()?)
    }

    /// Writes all of it to its folder, so that the next start need not read it from the feed.
    pub fn persist(&self) -> std::io::Result<()> {
        self.hashes.persist()?;
        self.keypoints.persist()
    }
}

impl Followed {
    /// The version of what is made now.
    pub const LOOKS_VERSION: u8 = views::VERSION as u8;

    fn as_checkpoint(self) -> Checkpoint {
        let mut stream = [0; 16];
        stream[..8].copy_from_slice(&self.origin.seq.to_le_bytes());
        stream[8..14].copy_from_slice(&self.origin.hash);
        stream[14] = self.looks_version;
        stream[15] = self.quality_min;
        Checkpoint {
            stream,
            cursor: self.cursor,
        }
    }

    fn of_checkpoint(checkpoint: Checkpoint) -> Self {
        let [a, b, c, d, e, f, g, h, hash @ .., looks_version, quality_min] = checkpoint.stream;
        Self {
            cursor: checkpoint.cursor,
            origin: Origin {
                seq: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
                hash,
            },
            quality_min,
            looks_version,
        }
    }
}
