//! Files are hashed, and hashes looked up among what is banked.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use media::{Previews, Want};
use signal::{Looks, Md5, Sha256, Signal};

use crate::Seawall;
use crate::banks::{self, Dormant};
use crate::flows::lookup::{self, Query};
use crate::hma::ratio_of;
use crate::matching::Found;
use crate::model::item::MediaSignal;
use crate::model::{Actor, BankId, MatchTarget, Right, Tier};

use super::{HmaError, memory};

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

/// The most near entries that are asked whether their bank is disabled, the nearest first.
const DORMANT_NEAR_MAX: usize = 20_000;

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
    let kept = [MediaSignal::as_is(signal.clone())];
    // HMA knows no leads, and a search that looks for none is several times as fast.
    let threshold = app.settings.matching.match_distance_bits;
    let mut among = lookup::look_up_among(app, &[Query::of_signals(&kept)], threshold, &|_| true).await?;
    let dormant = match reach {
        Reach::Live => Vec::new(),
        Reach::DisabledBanks => dormant_near(app, &signal, threshold, false).await?,
        Reach::Everything => dormant_near(app, &signal, threshold, true).await?,
    };
    if dormant.is_empty() && among.found.iter().all(|found| found.matches.is_empty()) {
        return Ok(Vec::new());
    }

    let ratios = memory::ratios(app).await?;
    let ratio = |bank: BankId, is_enabled| ratio_of(is_enabled, ratios.get(&bank).copied());
    let counts = |target: &MatchTarget| takes_part(&target.bank_name, ratio(target.bank, true));
    // It is rare that a second search is needed.
    let is_crowded = |found: &Found| found.capped && !found.matches.iter().all(|m| counts(&m.target));
    if among.found.iter().any(is_crowded) {
        among = lookup::look_up_among(app, &[Query::of_signals(&kept)], threshold, &counts).await?;
    }
    let matches = among.found.into_iter().flat_map(|found| found.matches);
    let mut hits: Vec<Hit> = matches
        .filter(|m| m.tier == Tier::Match && counts(&m.target))
        .filter_map(|m| {
            Some(Hit {
                content: among.handles.get(&m.target.entry)?.cast_signed(),
                bank_name: m.target.bank_name,
                distance: m.distance,
            })
        })
        .collect();
    let dormant = dormant
        .into_iter()
        .filter(|(other, _)| takes_part(&other.bank_name, ratio(other.bank, false)));
    hits.extend(dormant.map(|(other, distance)| Hit {
        content: other.handle,
        bank_name: other.bank_name,
        distance,
    }));
    hits.sort_by_key(|hit| (hit.distance, hit.content));
    // An entry with several near signals is told once, with the nearest.
    let mut told = HashSet::new();
    hits.retain(|hit| told.insert(hit.content));
    Ok(hits)
}

/// Near entries that are not matched against: enabled ones of disabled banks and, if they are wanted, disabled ones.
async fn dormant_near(
    app: &Seawall,
    signal: &Signal,
    threshold: u32,
    with_disabled: bool,
) -> Result<Vec<(Dormant, u32)>, HmaError> {
    let Signal::Pdq { hash, .. } = signal else {
        let found = banks::dormant_of_signal(&mut *app.store.reader().await?, signal).await?;
        let wanted = found
            .into_iter()
            .filter(|other| with_disabled || other.is_entry_enabled);
        return Ok(wanted.map(|other| (other, 0)).collect());
    };
    // The index follows entries, whether their bank is enabled or not.
    let near = app.matcher.near(&[*hash], threshold, DORMANT_NEAR_MAX);
    let hits = near.iter().flat_map(|near| &near.hits);
    let distances: HashMap<u64, u32> = hits.map(|hit| (hit.key, hit.distance)).collect();
    let handles: Vec<u64> = distances.keys().copied().collect();
    let of_banks = banks::dormant_of_handles(&mut *app.store.reader().await?, &handles).await?;
    let mut found: Vec<(Dormant, u32)> = of_banks
        .into_iter()
        .filter_map(|other| {
            let distance = *distances.get(&other.handle.cast_unsigned())?;
            Some((other, distance))
        })
        .collect();
    if with_disabled {
        let disabled = memory::disabled_hashes(app).await?;
        let hash = *hash;
        let compare = move || {
            let near = disabled.iter().map(|(other, theirs)| (other, hash.distance(*theirs)));
            let near = near.filter(|(_, distance)| *distance <= threshold);
            near.map(|(other, distance)| (other.clone(), distance))
                .collect::<Vec<_>>()
        };
        // The task is never aborted, and comparing does not panic.
        found.extend(tokio::task::spawn_blocking(compare).await.map_err(|_| HmaError::Busy)?);
    }
    Ok(found)
}
