//! Signals become matches: the index says what lies near, the banks say whose it is and whether it is in force.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use index::Hits;
use signal::{Pdq, Signal, SignalType};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::Seawall;
use crate::banks::{self, Known};
use crate::matching::{Found, MatchSettings, Matcher};
use crate::model::item::MediaSignal;
use crate::model::{EntryId, Match, MatchTarget, Tier, Timestamp};
use crate::store::StoreError;

/// What is asked of the index first, for each match that may be told: some entries may be out of force.
const SPARE: usize = 4;

/// Entries whose description is remembered at most; then all are forgotten.
const REMEMBERED_MAX: usize = 50_000;

/// What the banks said lately of entries that were found, as of a place in their change feed. It is forgotten whenever the feed moves, which in the
/// process that makes a change is before the change's call returns.
#[derive(Debug, Default)]
pub struct Remembered(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    /// How often it was forgotten.
    turn: u64,
    known: HashMap<u64, Known>,
}

impl Remembered {
    /// Forgets everything, also what is being asked just now.
    pub(crate) fn forget(&self) {
        let mut memory = self.memory();
        memory.turn += 1;
        memory.known.clear();
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those of the handles whose entries are in force.
async fn describe(app: &Seawall, handles: &[u64], now: Timestamp) -> Result<Vec<Known>, StoreError> {
    let (turn, mut known, unknown) = {
        let memory = app.remembered.memory();
        let known: Vec<Known> = handles
            .iter()
            .filter_map(|handle| memory.known.get(handle))
            .cloned()
            .collect();
        let unknown = handles
            .iter()
            .copied()
            .filter(|handle| !memory.known.contains_key(handle));
        (memory.turn, known, unknown.collect::<Vec<u64>>())
    };
    known.retain(|entry| entry.is_in_force(now));
    if unknown.is_empty() {
        return Ok(known);
    }
    let asked = banks::known_of_handles(&mut *app.store.reader().await?, &unknown, now).await?;
    let mut memory = app.remembered.memory();
    // What was read before the feed moved may be of before.
    if memory.turn == turn {
        if memory.known.len() + asked.len() > REMEMBERED_MAX {
            memory.known.clear();
        }
        memory
            .known
            .extend(asked.iter().map(|entry| (entry.handle, entry.clone())));
    }
    drop(memory);
    known.extend(asked);
    Ok(known)
}

/// One search of the index: for which file and signal, and how much of the answer was asked for.
struct Search {
    file: usize,
    signal: usize,
    hash: Pdq,
    limit: usize,
    hits: Hits,
}

/// What the signals of each of these files lie near to.
pub async fn look_up(app: &Seawall, files: &[&[MediaSignal]]) -> Result<Vec<Found>, StoreError> {
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

/// The same, at most so many bits away, and among the targets that count: the others take no place of those that may be told.
pub async fn look_up_among(
    app: &Seawall,
    files: &[&[MediaSignal]],
    within_bits: u32,
    counts: &(dyn Fn(&MatchTarget) -> bool + Sync),
) -> Result<Among, StoreError> {
    let settings = *app.matcher.settings();
    let now = app.clock.now();
    let mut open: Vec<Search> = Vec::new();
    for (file, signals) in files.iter().enumerate() {
        for (signal, kept) in signals.iter().enumerate() {
            if let Some(hash) = settings.comparable(&kept.signal) {
                let limit = settings.matches_max * SPARE + 64;
                let hits = Hits::default();
                open.push(Search {
                    file,
                    signal,
                    hash,
                    limit,
                    hits,
                });
            }
        }
    }

    let mut known: HashMap<u64, MatchTarget> = HashMap::new();
    let mut asked: HashSet<u64> = HashSet::new();
    let mut done: Vec<Search> = Vec::new();
    while !open.is_empty() {
        open = search_all(app, open, within_bits).await;
        let handles = open
            .iter()
            .flat_map(|search| search.hits.hits.iter().map(|hit| hit.key));
        let fresh: Vec<u64> = handles.filter(|handle| asked.insert(*handle)).collect();
        for Known { handle, target, .. } in describe(app, &fresh, now).await? {
            if counts(&target) {
                known.insert(handle, target);
            }
        }
        let (again, enough): (Vec<Search>, Vec<Search>) = open
            .into_iter()
            .partition(|search| search.hides_something(&settings, &known));
        done.extend(enough);
        open = again;
        for search in &mut open {
            search.limit = search.limit.saturating_mul(8);
        }
    }

    let mut nearest: Vec<HashMap<(EntryId, SignalType), Match>> = files.iter().map(|_| HashMap::new()).collect();
    for search in done {
        let kept = &files[search.file][search.signal];
        for hit in &search.hits.hits {
            if let Some(target) = known.get(&hit.key) {
                keep_nearest(
                    &mut nearest[search.file],
                    near_match(target.clone(), kept, hit.distance, &settings),
                );
            }
        }
    }
    let mut handles: HashMap<EntryId, u64> = known
        .into_iter()
        .map(|(handle, target)| (target.entry, handle))
        .collect();
    find_digests(app, files, counts, &mut nearest, &mut handles).await?;
    let found = nearest.into_iter().map(|found| told(found, &settings)).collect();
    Ok(Among { found, handles })
}

impl Search {
    /// Hits on entries out of force must not crowd out those in force, nor matches in other banks one in a confirmed bank: as long as there is
    /// none, all that lies within the match distance is read.
    fn hides_something(&self, settings: &MatchSettings, known: &HashMap<u64, MatchTarget>) -> bool {
        if !self.hits.capped {
            return false;
        }
        let live = self.hits.hits.iter().filter_map(|hit| known.get(&hit.key));
        let crowded = live.clone().count() <= settings.matches_max;
        let last_matches = self
            .hits
            .hits
            .last()
            .is_some_and(|hit| hit.distance <= settings.match_distance_bits);
        crowded || (last_matches && !live.clone().any(|target| target.bank_confirmed))
    }
}

/// So many searches take less than handing them to another thread would, nearly always.
const SEARCHES_INLINE_MAX: usize = 4;

/// Searches the index for all of them, and lets other tasks go on elsewhere when there are many.
async fn search_all(app: &Seawall, mut searches: Vec<Search>, within_bits: u32) -> Vec<Search> {
    let is_short = searches.len() <= SEARCHES_INLINE_MAX;
    let matcher = app.matcher.clone();
    let search_each = move |matcher: &Matcher| {
        for search in &mut searches {
            search.hits = matcher.near(search.hash, within_bits, search.limit);
        }
        searches
    };
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread if !is_short => tokio::task::block_in_place(|| search_each(&matcher)),
        _ => search_each(&matcher),
    }
}

async fn find_digests(
    app: &Seawall,
    files: &[&[MediaSignal]],
    counts: &(dyn Fn(&MatchTarget) -> bool + Sync),
    nearest: &mut [HashMap<(EntryId, SignalType), Match>],
    handles: &mut HashMap<EntryId, u64>,
) -> Result<(), StoreError> {
    let is_digest = |kept: &&MediaSignal| matches!(kept.signal, Signal::Md5(_) | Signal::Sha256(_));
    let digests: Vec<&Signal> = files
        .iter()
        .flat_map(|signals| signals.iter().filter(is_digest).map(|kept| &kept.signal))
        .collect();
    if digests.is_empty() {
        return Ok(());
    }
    let mut conn = app.store.reader().await?;
    let mut known = banks::known_of_digests(&mut conn, &digests, app.clock.now()).await?;
    drop(conn);
    known.retain(|(_, _, entry)| counts(&entry.target));
    handles.extend(known.iter().map(|(_, _, entry)| (entry.target.entry, entry.handle)));
    for (signals, nearest) in files.iter().zip(nearest) {
        for kept in signals.iter().filter(is_digest) {
            let (kind, value) = (kept.signal.signal_type(), kept.signal.value());
            for (_, _, entry) in known.iter().filter(|(k, v, _)| (*k, v) == (kind, &value)) {
                keep_nearest(nearest, matched(entry.target.clone(), kept, 0, 0, Tier::Match));
            }
        }
    }
    Ok(())
}

/// The nearest first, no more than may be told.
fn told(found: HashMap<(EntryId, SignalType), Match>, settings: &MatchSettings) -> Found {
    let mut matches: Vec<Match> = found.into_values().collect();
    let nearness = |m: &Match| (m.tier == Tier::Lead, m.distance, m.signal_type.as_str(), m.target.entry);
    let capped = matches.len() > settings.matches_max;
    // A match in a confirmed bank weighs more than a nearer one in another, and is never the one that is left out.
    matches.sort_by_key(|m| (m.tier == Tier::Lead, !m.target.bank_confirmed, nearness(m)));
    matches.truncate(settings.matches_max);
    matches.sort_by_key(nearness);
    Found { matches, capped }
}

fn near_match(target: MatchTarget, kept: &MediaSignal, distance: u32, settings: &MatchSettings) -> Match {
    let (tier, threshold) = match distance <= settings.match_distance_bits {
        true => (Tier::Match, settings.match_distance_bits),
        false => (Tier::Lead, settings.lead_distance_bits),
    };
    matched(target, kept, distance, threshold, tier)
}

fn matched(target: MatchTarget, kept: &MediaSignal, distance: u32, threshold: u32, tier: Tier) -> Match {
    Match {
        target,
        signal_type: kept.signal.signal_type(),
        value: kept.signal.value(),
        distance,
        threshold,
        tier,
        view: kept.view.clone(),
        frame: kept.frame,
    }
}

fn keep_nearest(nearest: &mut HashMap<(EntryId, SignalType), Match>, found: Match) {
    let key = (found.target.entry, found.signal_type);
    match nearest.get(&key) {
        Some(known) if known.distance <= found.distance => {}
        Some(_) | None => {
            nearest.insert(key, found);
        }
    }
}
