//! Files are hashed, and hashes looked up among what is banked.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use media::{Previews, Want};
use signal::nearness::Near;
use signal::video::Timeline;
use signal::vpdq::{self, Feature, Percentages};
use signal::{Looks, Md5, Sha256, Signal, SignalType};

use crate::Seawall;
use crate::banks::{self, Dormant};
use crate::flows::calibrate::off_thread;
use crate::flows::files::{Decoded, FileContent, NotDecoded, decode};
use crate::flows::lookup::{self, Query, RecordingQuery};
use crate::flows::scan::{kept_strip, previews_of_strip, signals_of_recording};
use crate::hma::ratio_of;
use crate::matching::Found;
use crate::model::item::MediaSignal;
use crate::model::{Actor, BankId, EntryId, Match, MatchTarget, NewStripPicture, Right, Tier};

use super::{HmaError, memory};

/// What a client says that a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentKind {
    /// A picture: it is decoded, and its first frame hashed as the file stores it.
    Photo,
    /// A video: its bytes are digested, and its frames hashed where that is wanted.
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
    /// What a video is recognised by beyond its hash, if it is to be kept.
    pub timeline: Option<Timeline>,
    /// Some of a video's pictures.
    pub strip: Vec<NewStripPicture>,
}

/// Hashes a file, with these types of signals among others. What breaks off is refused: the hash of a part finds nothing, and that must not read as "no
/// match".
pub async fn hash_file(
    app: &Seawall,
    actor: &Actor,
    kind: ContentKind,
    bytes: Bytes,
    wanted: &[SignalType],
) -> Result<Hashed, HmaError> {
    hash(app, actor, kind, bytes, wanted, Want::Signals).await
}

/// The same for a file that is to be content of a bank, with all that is kept of it.
pub async fn hash_content(
    app: &Seawall,
    actor: &Actor,
    kind: ContentKind,
    bytes: Bytes,
    wanted: &[SignalType],
) -> Result<Hashed, HmaError> {
    hash(app, actor, kind, bytes, wanted, Want::Everything).await
}

async fn hash(
    app: &Seawall,
    actor: &Actor,
    kind: ContentKind,
    bytes: Bytes,
    wanted: &[SignalType],
    want: Want,
) -> Result<Hashed, HmaError> {
    actor.require(Right::SubmitItems)?;
    match kind {
        ContentKind::Video if bytes.is_empty() => Err(HmaError::Unscannable(media::ScanError::Empty)),
        ContentKind::Video if wanted.contains(&SignalType::Vpdq) => hash_video(app, bytes, want).await,
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
                timeline: None,
                strip: Vec::new(),
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
                timeline: None,
                strip: Vec::new(),
            })
        }
    }
}

async fn hash_video(app: &Seawall, bytes: Bytes, want: Want) -> Result<Hashed, HmaError> {
    let decoded = decode(app, &FileContent::from(bytes), want).await;
    let scan = match decoded {
        Ok(Decoded::Recording(scan)) if scan.is_intact => scan,
        Ok(Decoded::Recording(_) | Decoded::Picture(_)) => return Err(HmaError::Broken),
        Err(NotDecoded::File(error)) => return Err(HmaError::Unscannable(error)),
        Err(NotDecoded::Busy) => return Err(HmaError::Busy),
    };
    let is_kept = want == Want::Everything && !scan.frames.is_empty();
    Ok(Hashed {
        signals: signals_of_recording(&scan),
        previews: previews_of_strip(&scan.strip),
        looks: None,
        timeline: off_thread(|| is_kept.then(|| Timeline::of(&scan.frames, scan.duration_ms))),
        strip: kept_strip(scan.strip),
    })
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
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The entry's number.
    pub content: i64,
    /// Its bank's name.
    pub bank_name: String,
    /// Bits between the two.
    pub distance: u32,
    /// Of two videos, how much of each is in the other, as vPDQ counts it.
    pub percentages: Option<Percentages>,
}

/// So much of a video must be in an entry for HMA to call it a match, in percent.
const VPDQ_QUERY_PERCENT_MIN: f64 = 80.0;

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
    if let Signal::Vpdq(features) = &signal {
        return look_up_video(app, features, reach, takes_part).await;
    }
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
                percentages: None,
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
        percentages: None,
    }));
    hits.sort_by_key(|hit| (hit.distance, hit.content));
    // An entry with several near signals is told once, with the nearest.
    let mut told = HashSet::new();
    hits.retain(|hit| told.insert(hit.content));
    Ok(hits)
}

/// The same for videos. What is near by the order in which frames come is a match, and so is what vPDQ's makers call one. Disabled entries are not looked up:
/// videos of them are held nowhere.
async fn look_up_video(
    app: &Seawall,
    features: &[Feature],
    reach: Reach,
    takes_part: &(dyn Fn(&str, f64) -> bool + Sync),
) -> Result<Vec<Hit>, HmaError> {
    let frames = vpdq::to_frames(features);
    let query = Query {
        signals: &[],
        looks: None,
        recording: Some(RecordingQuery {
            duration_ms: frames.last().map_or(0, |frame| frame.at_ms),
            frames: &frames,
            sound: None,
        }),
    };
    let threshold = app.settings.matching.match_distance_bits;
    let among = lookup::look_up_among(app, &[query], threshold, &|_| true).await?;
    let matches = among.found.into_iter().flat_map(|found| found.matches);
    let matches: Vec<Match> = matches.filter(|m| m.signal_type == SignalType::Vpdq).collect();
    let mut found: Vec<(i64, MatchTarget, EntryId, bool, bool)> = Vec::new();
    for m in matches {
        if let Some(handle) = among.handles.get(&m.target.entry) {
            let (entry, is_match) = (m.target.entry, m.tier == Tier::Match);
            found.push((handle.cast_signed(), m.target, entry, is_match, true));
        }
    }
    if reach != Reach::Live {
        // The index follows entries, whether their bank is enabled or not.
        let played = off_thread(|| app.matcher.recordings().look_up(&frames, None));
        let handles: Vec<u64> = played.seen.iter().map(|(handle, _)| *handle).collect();
        let mut conn = app.store.reader().await?;
        for other in banks::dormant_of_handles(&mut conn, &handles).await? {
            let segments = played
                .seen
                .iter()
                .find(|(handle, _)| *handle == other.handle.cast_unsigned());
            let is_match = segments.is_some_and(|(_, all)| all.iter().any(|segment| segment.near == Near::Match));
            let Some(entry) = banks::find_entry_by_handle(&mut conn, other.handle).await? else {
                continue;
            };
            let target = MatchTarget {
                entry: entry.id,
                bank: other.bank,
                bank_name: other.bank_name,
                bank_confirmed: false,
            };
            found.push((other.handle, target, entry.id, is_match, false));
        }
    }
    let entries: Vec<EntryId> = found.iter().map(|(_, _, entry, ..)| *entry).collect();
    let targets = banks::long_signals(&mut *app.store.reader().await?, &entries).await?;
    let ratios = memory::ratios(app).await?;
    let mut hits = Vec::new();
    for (content, target, entry, is_match, is_enabled) in found {
        let ratio = ratio_of(is_enabled, ratios.get(&target.bank).copied());
        if !takes_part(&target.bank_name, ratio) {
            continue;
        }
        let percentages = targets.get(&entry).and_then(|signals| percentages(features, signals));
        let is_near = percentages.is_some_and(|both| both.query >= VPDQ_QUERY_PERCENT_MIN);
        if is_match || is_near {
            hits.push(Hit {
                content,
                bank_name: target.bank_name,
                distance: 0,
                percentages,
            });
        }
    }
    hits.sort_by_key(|hit| hit.content);
    Ok(hits)
}

fn percentages(features: &[Feature], target: &[Signal]) -> Option<Percentages> {
    target.iter().find_map(|signal| match signal {
        Signal::Vpdq(target) => vpdq::compare(features, target, vpdq::DISTANCE_MAX, vpdq::QUALITY_MIN),
        Signal::Pdq { .. } | Signal::Md5(_) | Signal::Sha256(_) | Signal::Chromaprint(_) => None,
    })
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
