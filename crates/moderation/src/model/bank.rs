//! Banks of known content, and their entries.

use signal::Signal;
use signal::nearness::Reach;

use super::{BankId, EntryId, Timestamp};
use policy::words;

/// A named set of known content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bank {
    /// Its id.
    pub id: BankId,
    /// Its name, unique among banks.
    pub name: String,
    /// What belongs in it, for people.
    pub description: String,
    /// Whether people have confirmed what is in it, so that a match may restrict before anyone looks.
    pub confirmed: bool,
    /// Whether it is matched against.
    pub enabled: bool,
    /// By which parts of their pictures its entries are found too.
    pub crops: Crops,
    /// When it was made.
    pub created_at: Timestamp,
}

words! {
    /// By which parts of their pictures the entries of a bank are found, beside the whole.
    Crops, "a set of crops" {
        /// By none: the index is smaller, and copies that were cropped much are found by their keypoints alone.
        None = "none",
        /// By some twenty: the frame less a little on all sides or much on one, halves and quarters.
        Few = "few",
    }
}

impl Bank {
    /// The most characters that a bank's name may have.
    pub const NAME_LENGTH_MAX: usize = 100;
}

/// A bank to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBank {
    /// See [`Bank::name`].
    pub name: String,
    /// See [`Bank::description`].
    pub description: String,
    /// See [`Bank::confirmed`].
    pub confirmed: bool,
}

/// What is to change in a bank; none leaves a thing as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankChange {
    /// See [`Bank::description`].
    pub description: Option<String>,
    /// See [`Bank::confirmed`].
    pub confirmed: Option<bool>,
    /// See [`Bank::enabled`].
    pub enabled: Option<bool>,
    /// See [`Bank::crops`].
    pub crops: Option<Crops>,
}

words! {
    /// Whether an entry is matched against.
    EntryState, "a state of an entry" {
        /// It is.
        Enabled = "enabled",
        /// It is not, for now.
        Disabled = "disabled",
        /// It was taken out of the bank. The row stays, so that old evidence can be read.
        Removed = "removed",
    }
}

/// One piece of known content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// The number by which the index knows it; unique among all banks.
    pub handle: i64,
    /// The bank it is in.
    pub bank: BankId,
    /// What people call it.
    pub name: String,
    /// Labels, such as the kind of content.
    pub labels: Vec<String>,
    /// Where it came from, for people.
    pub source: String,
    /// Whether it is matched against.
    pub state: EntryState,
    /// When it stops being matched against by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// Its signals; not the long ones, of which `video` and `sound` tell.
    pub signals: Vec<Signal>,
    /// Whether there are previews of it.
    pub has_previews: bool,
    /// Whether its looks are kept, so that it is recognised by its keypoints and crops.
    pub has_look: bool,
    /// What is kept of it as a video, if it came as one or as the vPDQ hash of one.
    pub video: Option<KeptVideo>,
    /// What is kept of its sound, if it came with any.
    pub sound: Option<KeptSound>,
    /// Until when it is part of an active incident, and found by every crop of it.
    pub incident_until: Option<Timestamp>,
    /// How near counts for it; none as long as it was held against no sample.
    pub judged: Option<Judged>,
}

/// What is kept of an entry that is a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptVideo {
    /// How long it plays.
    pub duration_ms: u32,
    /// The frames of its vPDQ hash, one for each second.
    pub n_frames: u32,
}

/// What is kept of an entry's sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptSound {
    /// How long it plays.
    pub duration_ms: u32,
}

/// How near counts for an entry, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// How near counts.
    pub reach: Reach,
    /// Bits between it and the nearest of the platform's harmless pictures, if one is anywhere near.
    pub nearest_benign_bits: Option<u32>,
    /// The most keypoints that it shares with one of them.
    pub nearest_benign_places: u32,
    /// When that was found out.
    pub at: Timestamp,
}

impl Entry {
    /// The most signals that one entry may have.
    pub const SIGNALS_MAX: usize = 1_000;
    /// The most labels that one entry may have.
    pub const LABELS_MAX: usize = 32;
    /// The most characters of a name, a label or a source.
    pub const TEXT_LENGTH_MAX: usize = 500;
}

/// An entry to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// See [`Entry::name`].
    pub name: String,
    /// See [`Entry::labels`].
    pub labels: Vec<String>,
    /// See [`Entry::source`].
    pub source: String,
    /// See [`Entry::expires_at`].
    pub expires_at: Option<Timestamp>,
    /// See [`Entry::signals`]; at least one, unless the entry is made from bytes.
    pub signals: Vec<Signal>,
}
