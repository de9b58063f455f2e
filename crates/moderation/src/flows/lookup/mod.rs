//! Signals become matches: the index says what lies near, the banks say whose it is, how near counts for it and whether it is in force.
//!
//! Of a file of which only signals are known, its hashes as they are and its digests are looked up. Of one that was decoded here its views are too
//! (`hashes.rs`), and entries are looked for in it by their keypoints (`sightings.rs`). Both end in one match for each entry and type of signal.

mod hashes;
mod parts;
mod recordings;
mod remembered;
mod sightings;

use std::collections::HashMap;

use signal::nearness::{Near, Reach};
use signal::views::Share;
use signal::{Looks, Signal, SignalType};

use super::calibrate::off_thread;
use crate::Seawall;
use crate::banks::{self, Known};
use crate::matching::{Durations, Found, MatchSettings, Played};
use crate::model::item::{FramePlace, MediaSignal};
use crate::model::{EntryId, Match, MatchTarget, Sighted, Tier};
use crate::store::StoreError;

pub use recordings::{RecordingQuery, tier_of_seen};
pub use remembered::Remembered;

/// A file to be looked up.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// Its signals.
    pub signals: &'a [MediaSignal],
    /// Its looks, if it was decoded here.
    pub looks: Option<&'a Looks>,
    /// What is seen and heard in it over a time, if it is a video or a sound.
    pub recording: Option<RecordingQuery<'a>>,
}

/// Which targets may be told.
type Counts<'a> = &'a (dyn Fn(&MatchTarget) -> bool + Sync);

/// A match in the making.
#[derive(Debug)]
struct Piece {
    /// The number of the entry; none where nothing more is asked of it.
    handle: Option<u64>,
    /// How near counts for it, if a hash was near.
    reach: Option<Reach>,
    m: Match,
}

impl Piece {
    /// Of which nothing more is asked.
    fn whole(m: Match) -> Self {
        Self {
            handle: None,
            reach: None,
            m,
        }
    }
}

impl<'a> Query<'a> {
    /// A file of which only signals are known.
    pub fn of_signals(signals: &'a [MediaSignal]) -> Self {
        Self {
            signals,
            looks: None,
            recording: None,
        }
    }

    /// The frame that looks are taken of, if the file moves.
    fn first_frame(&self) -> Option<FramePlace> {
        self.signals.iter().find_map(|kept| kept.frame)
    }
}

/// What each of these files lies near to.
pub async fn look_up(app: &Seawall, files: &[Query<'_>]) -> Result<Vec<Found>, StoreError> {
    let within_bits = app.matcher.settings().reach();
    Ok(look_up_among(app, files, within_bits, &|_| true).await?.found)
}

/// What was found, and by which numbers the index knows the entries.
pub struct Among {
    /// File by file.
    pub found: Vec<Found>,
    /// Of each entry that was found, and of some that were not told.
    pub handles: HashMap<EntryId, u64>,
}

/// The same, their pictures as they are at most so many bits away, and among the targets that count: the others take no place of those that may be
/// told.
pub async fn look_up_among(
    app: &Seawall,
    files: &[Query<'_>],
    within_bits: u32,
    counts: Counts<'_>,
) -> Result<Among, StoreError> {
    let settings = *app.matcher.settings();
    let now = app.clock.now();
    let mut strongest: Vec<HashMap<(EntryId, SignalType), Piece>> = files.iter().map(|_| HashMap::new()).collect();
    let mut handles: HashMap<EntryId, u64> = HashMap::new();
    let near = hashes::find(app, files, within_bits, counts, now).await?;
    for (strongest, pieces) in strongest.iter_mut().zip(near) {
        for piece in pieces {
            handles.extend(piece.handle.map(|handle| (piece.m.target.entry, handle)));
            keep_strongest(strongest, piece);
        }
    }
    let mut is_cut = vec![false; files.len()];
    for ((query, strongest), is_cut) in files.iter().zip(&mut strongest).zip(&mut is_cut) {
        let mut stills = Vec::new();
        if let Some(looks) = query.looks {
            parts::leave_out_unlike(app, looks, strongest).await?;
            let all = sightings::find(app, looks, counts, now).await?;
            *is_cut = all.is_cut;
            for seen in &all.seen {
                handles.insert(seen.entry.target.entry, seen.entry.handle);
                keep_sighting(strongest, query, looks, seen, &settings);
            }
            stills = recordings::find_still(app, looks, counts, now).await?;
        }
        if let Some(recording) = query.recording {
            let played = recordings::find(app, recording, counts, now).await?;
            keep_pieces(strongest, &mut handles, played);
            let pictures = recordings::find_pictures(app, recording, counts, now).await?;
            keep_pieces(strongest, &mut handles, pictures);
        }
        // Of a picture that moves, a run says more than its first frame does.
        stills.retain(|still| !is_seen_moving(strongest, still));
        keep_pieces(strongest, &mut handles, stills);
    }
    find_digests(app, files, counts, &mut strongest, &mut handles).await?;
    let mut told: Vec<(Vec<Piece>, bool)> = strongest.into_iter().map(|found| tell(found, &settings)).collect();
    for ((query, (pieces, capped)), is_cut) in files.iter().zip(&mut told).zip(is_cut) {
        *capped |= is_cut;
        if query.looks.is_some() || query.recording.is_some() {
            parts::name_entry_parts(app, pieces).await?;
        }
    }
    let found = told.into_iter().map(|(pieces, capped)| Found {
        matches: pieces.into_iter().map(|piece| piece.m).collect(),
        capped,
    });
    let found = found.collect();
    Ok(Among { found, handles })
}

/// What was seen and heard of a stream so far, and the pictures that it showed, by the numbers of their entries: those that are still in force.
pub(super) async fn found_in_stream(
    app: &Seawall,
    played: Played,
    pictures: &HashMap<u64, Match>,
    duration_ms: u32,
) -> Result<Found, StoreError> {
    let now = app.clock.now();
    let mut strongest: HashMap<(EntryId, SignalType), Piece> = HashMap::new();
    for piece in recordings::pieces_of(app, played, duration_ms, &|_| true, now).await? {
        keep_strongest(&mut strongest, piece);
    }
    let handles: Vec<u64> = pictures.keys().copied().collect();
    for entry in remembered::describe(app, &handles, now).await? {
        if let Some(m) = pictures.get(&entry.handle) {
            let target = entry.target;
            keep_strongest(&mut strongest, Piece::whole(Match { target, ..m.clone() }));
        }
    }
    let (pieces, capped) = tell(strongest, app.matcher.settings());
    let matches = pieces.into_iter().map(|piece| piece.m).collect();
    Ok(Found { matches, capped })
}

/// What was seen and heard of one entry alone, as matches.
pub(super) fn matches_of_one(entry: &Known, played: Played, duration_ms: u32, durations: Durations) -> Vec<Match> {
    let pieces = recordings::pieces_of_known(&[(entry, durations)], played, duration_ms);
    pieces.into_iter().map(|piece| piece.m).collect()
}

fn keep_pieces(
    strongest: &mut HashMap<(EntryId, SignalType), Piece>,
    handles: &mut HashMap<EntryId, u64>,
    pieces: Vec<Piece>,
) {
    for piece in pieces {
        handles.extend(piece.handle.map(|handle| (piece.m.target.entry, handle)));
        keep_strongest(strongest, piece);
    }
}

async fn find_digests(
    app: &Seawall,
    files: &[Query<'_>],
    counts: Counts<'_>,
    strongest: &mut [HashMap<(EntryId, SignalType), Piece>],
    handles: &mut HashMap<EntryId, u64>,
) -> Result<(), StoreError> {
    let is_digest = |kept: &&MediaSignal| matches!(kept.signal, Signal::Md5(_) | Signal::Sha256(_));
    let digests: Vec<&Signal> = files
        .iter()
        .flat_map(|query| query.signals.iter().filter(is_digest).map(|kept| &kept.signal))
        .collect();
    if digests.is_empty() {
        return Ok(());
    }
    let mut conn = app.store.reader().await?;
    let mut known = banks::known_of_digests(&mut conn, &digests, app.clock.now()).await?;
    drop(conn);
    known.retain(|(_, _, entry)| counts(&entry.target));
    handles.extend(known.iter().map(|(_, _, entry)| (entry.target.entry, entry.handle)));
    for (query, strongest) in files.iter().zip(strongest) {
        for kept in query.signals.iter().filter(is_digest) {
            let (kind, value) = (kept.signal.signal_type(), kept.signal.value());
            for (_, _, entry) in known.iter().filter(|(k, v, _)| (*k, v) == (kind, &value)) {
                let m = Match {
                    signal_type: kind,
                    value: value.clone(),
                    view: kept.view.clone(),
                    frame: kept.frame,
                    ..found(entry, Near::Match)
                };
                keep_strongest(strongest, Piece::whole(m));
            }
        }
    }
    Ok(())
}

/// Puts what was seen beside what its hashes say of the entry. The tier is the stronger of both.
fn keep_sighting(
    strongest: &mut HashMap<(EntryId, SignalType), Piece>,
    query: &Query<'_>,
    looks: &Looks,
    seen: &sightings::Seen,
    settings: &MatchSettings,
) {
    let (reach, near) = (reach_of(&seen.entry, settings), seen.near);
    let sighted = Sighted {
        places: seen.sighting.places,
        compared: seen.sighting.compared,
        alike: seen.sighting.alike,
        overlap: (seen.sighting.overlap.clamp(0.0, 1.0) * 10_000.0).round() as u32,
        is_mirrored: seen.sighting.is_mirrored,
        corners: seen.sighting.corners,
    };
    let key = (seen.entry.target.entry, SignalType::Pdq);
    match strongest.get_mut(&key) {
        Some(piece) => {
            piece.m.sighting = Some(sighted);
            if near == Near::Match {
                piece.m.tier = Tier::Match;
            }
        }
        None => {
            let m = Match {
                value: looks
                    .views
                    .first()
                    .map(|view| view.pdq.hash.to_string())
                    .unwrap_or_default(),
                distance: seen.distance,
                threshold: match near {
                    Near::Match => reach.match_bits,
                    Near::Lead => reach.lead_bits,
                },
                view: Match::SIGHTING.to_owned(),
                frame: query.first_frame(),
                sighting: Some(sighted),
                ..found(&seen.entry, near)
            };
            strongest.insert(key, Piece::whole(m));
        }
    }
}

/// The strongest first, no more than may be told, and whether there were more.
fn tell(found: HashMap<(EntryId, SignalType), Piece>, settings: &MatchSettings) -> (Vec<Piece>, bool) {
    let mut pieces: Vec<Piece> = found.into_values().collect();
    let nearness = |piece: &Piece| {
        let m = &piece.m;
        (m.tier == Tier::Lead, m.distance, m.signal_type.as_str(), m.target.entry)
    };
    let capped = pieces.len() > settings.matches_max;
    // A match in a confirmed bank weighs more than a nearer one in another, and is never the one that is left out.
    pieces.sort_by_key(|piece| {
        (
            piece.m.tier == Tier::Lead,
            !piece.m.target.bank_confirmed,
            nearness(piece),
        )
    });
    pieces.truncate(settings.matches_max);
    pieces.sort_by_key(nearness);
    (pieces, capped)
}

/// How near counts for an entry.
fn reach_of(entry: &Known, settings: &MatchSettings) -> Reach {
    entry.judged.map_or_else(|| settings.unjudged(), |judged| judged.reach)
}

/// A match with an entry, of which nothing else is said yet.
fn found(entry: &Known, near: Near) -> Match {
    Match {
        target: entry.target.clone(),
        signal_type: SignalType::Pdq,
        value: String::new(),
        distance: 0,
        threshold: 0,
        tier: match near {
            Near::Match => Tier::Match,
            Near::Lead => Tier::Lead,
        },
        view: String::new(),
        frame: None,
        part: None,
        entry_part: None,
        sighting: None,
        nearest_benign_bits: entry.judged.and_then(|judged| judged.nearest_benign_bits),
        segments: Vec::new(),
    }
}

fn not_whole(share: Share) -> Option<Share> {
    Some(share).filter(|share| *share != Share::WHOLE)
}

/// Whether a run that is as sure as this still was found of the same entry.
fn is_seen_moving(strongest: &HashMap<(EntryId, SignalType), Piece>, still: &Piece) -> bool {
    let known = strongest.get(&(still.m.target.entry, still.m.signal_type));
    known.is_some_and(|known| known.m.tier == Tier::Match || still.m.tier == Tier::Lead)
}

fn keep_strongest(strongest: &mut HashMap<(EntryId, SignalType), Piece>, piece: Piece) {
    let key = (piece.m.target.entry, piece.m.signal_type);
    match strongest.get(&key) {
        // Both tiers follow from the distance by the same reach.
        Some(known) if known.m.distance <= piece.m.distance => {}
        Some(_) | None => {
            strongest.insert(key, piece);
        }
    }
}
