//! Files are hashed, and hashes looked up among what is banked.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use media::{Previews, Want};
use signal::{Looks, Md5, Sha256, Signal};

use crate::flows::lookup::{self, Query};
use crate::hma::{self, ratio_of};
use crate::matching::Found;
use crate::model::item::MediaSignal;
use crate::model::{Actor, BankId, MatchTarget, Right, Tier};
use crate::store::StoreError;
use crate::{Seawall, banks};

use super::HmaError;

/// What a client says that a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentKind {
    /// A picture: it is decoded, and its first frame hashed as the file stores it.
    Photo,
    /// A video: its bytes are digested, nothing is decoded.
    Video,
}

/// The signals of a file.
#[derive(Debug, Clone)]
pub struct Hashed {
    /// One of a kind.
    pub signals: Vec<Signal>,
    /// Small pictures of a photo.
    pub previews: Option<Previews>,
    /// What a photo is recognised by beyond its hash, if it is to be kept.
    pub looks: Option<Looks>,
}

/// Hashes a file. What breaks off is refused: the hash of a part finds nothing, and that must not read as "no match".
pub async fn hash_file(app: &Seawall, actor: &Actor, kind: ContentKind, bytes: Bytes) -> Result<Hashed, HmaError> {
    hash(app, actor, kind, bytes, Want::Signals).await
}

/// The same for a file that is to be content of a bank, with all that is kept of it.
pub async fn hash_content(app: &Seawall, actor: &Actor, kind: ContentKind, bytes: Bytes) -> Result<Hashed, HmaError> {
    hash(app, actor, kind, bytes, Want::Everything).await
}

async fn hash(app: &Seawall, actor: &Actor, kind: ContentKind, bytes: Bytes, want: Want) -> Result<Hashed, HmaError> {
    actor.require(Right::SubmitItems)?;
    match kind {
        ContentKind::Video if bytes.is_empty() => Err(HmaError::Unscannable(media::ScanError::Empty)),
        ContentKind::Video => {
            let digested = tokio::task::spawn_blocking(move || {
                vec![Signal::Md5(Md5::of(&bytes)), Signal::Sha256(Sha256::of(&bytes))]
            });
            // The task is never aborted, and digests do not panic.
            let signals = digested.await.map_err(|_| HmaError::Busy)?;
            Ok(Hashed {
                signals,
                previews: None,
                looks: None,
            })
        }
        ContentKind::Photo => {
            let scan = app.media.scan(bytes, want).await.map_err(|error| {
                if error.is_about_the_file() {
                    HmaError::Unscannable(error)
                } else {
                    HmaError::Busy
                }
            })?;
            if !scan.is_intact {
                return Err(HmaError::Broken);
            }
            let first = scan.frames.first().ok_or(HmaError::Broken)?;
            Ok(Hashed {
                signals: vec![Signal::Pdq {
                    hash: first.pdq.hash,
                    quality: Some(first.pdq.quality),
                }],
                previews: scan.previews,
                looks: scan.looks,
            })
        }
    }
}

/// Among what a hash is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// What is matched against.
    Live,
    /// Also entries of disabled banks.
    DisabledBanks,
    /// Also disabled entries.
    Everything,
}

/// An entry that lies near.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The entry's number.
    pub content: i64,
    /// Its bank's name.
    pub bank_name: String,
    /// Bits between the two.
    pub distance: u32,
}

/// The signals that the index passes over, as of a place in the feed. They are few; reading them anew for each lookup would
/// cost more than the lookup.
#[derive(Debug, Default)]
pub struct Dormancy(Mutex<Option<(i64, Arc<Vec<banks::Dormant>>)>>);

/// The most signals that are compared one by one. With more disabled ones, the rest is not found by [`Reach::DisabledBanks`]
/// and [`Reach::Everything`].
pub const DORMANT_MAX: i64 = 200_000;

/// What lies near to a signal, the nearest first, in the banks that take part: of each its name and its ratio are asked. The others crowd
/// nothing out.
pub async fn look_up(
    app: &Seawall,
    actor: &Actor,
    signal: Signal,
    reach: Reach,
    takes_part: &(dyn Fn(&str, f64) -> bool + Sync),
) -> Result<Vec<Hit>, HmaError> {
    actor.require(Right::SubmitItems)?;
    let dormant = match reach {
        Reach::Live => Arc::default(),
        Reach::DisabledBanks | Reach::Everything => dormant_signals(app).await?,
    };
    let n_dormant = dormant.len();
    let kept = [MediaSignal::as_is(signal.clone())];
    // HMA knows no leads, and a search that looks for none is several times as fast.
    let threshold = app.settings.matching.match_distance_bits;
    let mut found = lookup::look_up_among(app, &[Query::of_signals(&kept)], threshold, &|_| true)
        .await?
        .pop();
    let compare = move || {
        let mut near: Vec<(banks::Dormant, u32)> = dormant
            .iter()
            .filter(|other| reach == Reach::Everything || other.is_entry_enabled)
            .filter_map(|other| Some((other, distance(&signal, &other.signal)?)))
            .filter(|(_, distance)| *distance <= threshold)
            .map(|(other, distance)| (other.clone(), distance))
            .collect();
        near.sort_by_key(|(other, distance)| (other.handle, *distance));
        near.dedup_by_key(|(other, _)| other.handle);
        near
    };
    let near = if n_dormant == 0 {
        Vec::new()
    } else {
        // The task is never aborted, and comparing does not panic.
        tokio::task::spawn_blocking(compare).await.map_err(|_| HmaError::Busy)?
    };
    if near.is_empty() && found.as_ref().is_none_or(|found| found.matches.is_empty()) {
        return Ok(Vec::new());
    }

    let ratios = hma::ratios(&mut *app.store.reader().await?).await?;
    let ratio = |bank: BankId, is_enabled| ratio_of(is_enabled, ratios.get(&bank).copied());
    let counts = |target: &MatchTarget| takes_part(&target.bank_name, ratio(target.bank, true));
    // It is rare that a second search is needed.
    let is_crowded = |found: &Found| found.capped && !found.matches.iter().all(|m| counts(&m.target));
    if found.as_ref().is_some_and(is_crowded) {
        found = lookup::look_up_among(app, &[Query::of_signals(&kept)], threshold, &counts)
            .await?
            .pop();
    }
    let matches = found.map(|found| found.matches).unwrap_or_default().into_iter();
    let live: Vec<_> = matches.filter(|m| m.tier == Tier::Match && counts(&m.target)).collect();
    let ids: Vec<_> = live.iter().map(|m| m.target.entry).collect();
    let handles = banks::handles_of(&mut *app.store.reader().await?, &ids).await?;
    let mut hits: Vec<Hit> = live
        .into_iter()
        .filter_map(|m| {
            Some(Hit {
                content: *handles.get(&m.target.entry)?,
                bank_name: m.target.bank_name,
                distance: m.distance,
            })
        })
        .collect();
    let near = near
        .into_iter()
        .filter(|(other, _)| takes_part(&other.bank_name, ratio(other.bank, false)));
    hits.extend(near.map(|(other, distance)| Hit {
        content: other.handle,
        bank_name: other.bank_name,
        distance,
    }));
    hits.sort_by_key(|hit| (hit.distance, hit.content));
    hits.dedup_by_key(|hit| hit.content);
    Ok(hits)
}

/// Bits between two signals of one kind; none between kinds, and none between digests that differ.
fn distance(one: &Signal, other: &Signal) -> Option<u32> {
    match (one, other) {
        (Signal::Pdq { hash, .. }, Signal::Pdq { hash: other, .. }) => Some(hash.distance(*other)),
        (Signal::Md5(one), Signal::Md5(other)) => (one == other).then_some(0),
        (Signal::Sha256(one), Signal::Sha256(other)) => (one == other).then_some(0),
        (Signal::Pdq { .. } | Signal::Md5(_) | Signal::Sha256(_), _) => None,
    }
}

async fn dormant_signals(app: &Seawall) -> Result<Arc<Vec<banks::Dormant>>, StoreError> {
    let cursor = app.matcher.cursor();
    let lock = || app.dormancy.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, kept)) = &*lock()
        && *at == cursor
    {
        return Ok(kept.clone());
    }
    // What changed while it was read has a later place in the feed, and has it read again.
    let read = Arc::new(banks::dormant_signals(&mut *app.store.reader().await?, DORMANT_MAX).await?);
    *lock() = Some((cursor, read.clone()));
    Ok(read)
}
