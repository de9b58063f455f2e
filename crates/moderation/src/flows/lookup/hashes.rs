//! The hashes of a file, of its views too, are searched for among those of the banks.

use std::collections::{HashMap, HashSet};

use index::Hits;
use signal::nearness::Near;
use signal::{Pdq, SignalType};

use super::remembered::describe;
use super::{Counts, Piece, Query, off_thread, reach_of};
use crate::Seawall;
use crate::banks::Known;
use crate::matching::MatchSettings;
use crate::model::item::MediaSignal;
use crate::model::{Match, Timestamp};
use crate::store::StoreError;

/// What is asked of the index first, for each match that may be told: some entries may be out of force.
const SPARE: usize = 4;
/// What is asked for of an answer that hid something, for each that was asked for before.
const WIDER: usize = 8;
/// So many searches take less than handing them to another thread would, nearly always.
const SEARCHES_INLINE_MAX: usize = 4;

/// One search of the index: for which file and hash, and how much of the answer was asked for.
struct Search {
    file: usize,
    source: Source,
    hash: Pdq,
    within_bits: u32,
    limit: usize,
    hits: Hits,
}

/// What of a file was hashed.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// This of its signals.
    Signal(usize),
    /// This of its views.
    View(usize),
}

/// What lies near: handle by handle, file by file.
pub(super) async fn find(
    app: &Seawall,
    files: &[Query<'_>],
    within_bits: u32,
    counts: Counts<'_>,
    now: Timestamp,
) -> Result<Vec<Vec<Piece>>, StoreError> {
    let settings = *app.matcher.settings();
    let mut open: Vec<Search> = Vec::new();
    for (file, query) in files.iter().enumerate() {
        open.extend(searches_of(file, query, within_bits, &settings));
    }
    let mut known: HashMap<u64, Known> = HashMap::new();
    let mut asked: HashSet<u64> = HashSet::new();
    let mut done: Vec<Search> = Vec::new();
    while !open.is_empty() {
        open = search_all(app, open);
        let handles = open
            .iter()
            .flat_map(|search| search.hits.hits.iter().map(|hit| hit.key));
        let fresh: Vec<u64> = handles.filter(|handle| asked.insert(*handle)).collect();
        for entry in describe(app, &fresh, now).await? {
            if counts(&entry.target) {
                known.insert(entry.handle, entry);
            }
        }
        let (again, enough): (Vec<Search>, Vec<Search>) = open
            .into_iter()
            .partition(|search| search.hides_something(&settings, &known));
        done.extend(enough);
        open = again;
        for search in &mut open {
            search.limit = search.limit.saturating_mul(WIDER);
        }
    }
    let mut found: Vec<Vec<Piece>> = files.iter().map(|_| Vec::new()).collect();
    for search in done {
        let query = &files[search.file];
        for (entry, distance, near) in search.live(&settings, &known) {
            let m = search.matched(query, entry, distance, near, &settings);
            found[search.file].push(Piece {
                handle: Some(entry.handle),
                reach: Some(reach_of(entry, &settings)),
                m,
            });
        }
    }
    Ok(found)
}

/// The searches for a file: each hash once, as far as anything asks for it.
fn searches_of(file: usize, query: &Query<'_>, within_bits: u32, settings: &MatchSettings) -> Vec<Search> {
    let mut searches: Vec<Search> = Vec::new();
    let mut add = |source: Source, hash: Pdq, within_bits: u32| {
        let same = searches.iter_mut().find(|search| search.hash == hash);
        match same {
            // What is named first is the plainer: a picture as it is rather than its views.
            Some(search) if matches!(source, Source::View(_)) => {
                search.within_bits = search.within_bits.max(within_bits);
            }
            Some(_) | None => searches.push(Search {
                file,
                source,
                hash,
                within_bits,
                limit: settings.matches_max * SPARE + 64,
                hits: Hits::default(),
            }),
        }
    };
    for (at, kept) in query.signals.iter().enumerate() {
        if let Some(hash) = settings.comparable(&kept.signal) {
            add(Source::Signal(at), hash, within_bits);
        }
    }
    let widest = settings.nearness().lead_bits_max;
    for (at, seen) in query.looks.iter().flat_map(|looks| looks.views.iter().enumerate()) {
        if seen.pdq.quality >= settings.quality_min {
            let within_bits = match seen.view.is_for_leads() {
                true => widest,
                false => settings.match_distance_bits,
            };
            add(Source::View(at), seen.pdq.hash, within_bits);
        }
    }
    searches
}

impl Search {
    /// The hits on entries that are known and near enough for their own reach.
    fn live<'k>(
        &self,
        settings: &MatchSettings,
        known: &'k HashMap<u64, Known>,
    ) -> impl Iterator<Item = (&'k Known, u32, Near)> {
        self.hits.hits.iter().filter_map(move |hit| {
            let entry = known.get(&hit.key)?;
            let near = reach_of(entry, settings).of_distance(hit.distance)?;
            Some((entry, hit.distance, near))
        })
    }

    /// Hits that are not to be told must not crowd out those that are, nor matches in other banks one in a confirmed bank: as long as there is
    /// none, all that lies within the match distance is read.
    fn hides_something(&self, settings: &MatchSettings, known: &HashMap<u64, Known>) -> bool {
        if !self.hits.capped {
            return false;
        }
        let crowded = self.live(settings, known).count() <= settings.matches_max;
        let last_matches = self
            .hits
            .hits
            .last()
            .is_some_and(|hit| hit.distance <= settings.match_distance_bits);
        let is_confirmed = |(entry, _, near): (&Known, u32, Near)| entry.target.bank_confirmed && near == Near::Match;
        crowded || (last_matches && !self.live(settings, known).any(is_confirmed))
    }

    fn matched(&self, query: &Query<'_>, entry: &Known, distance: u32, near: Near, settings: &MatchSettings) -> Match {
        let reach = reach_of(entry, settings);
        let m = super::found(entry, near);
        let m = Match {
            signal_type: SignalType::Pdq,
            value: self.hash.to_string(),
            distance,
            threshold: match near {
                Near::Match => reach.match_bits,
                Near::Lead => reach.lead_bits,
            },
            ..m
        };
        match (self.source, query.looks) {
            (Source::Signal(at), _) => {
                let MediaSignal { view, frame, .. } = &query.signals[at];
                Match {
                    view: view.clone(),
                    frame: *frame,
                    ..m
                }
            }
            (Source::View(at), Some(looks)) => {
                let seen = &looks.views[at];
                Match {
                    view: seen.view.to_string(),
                    frame: query.first_frame(),
                    part: super::not_whole(seen.share),
                    ..m
                }
            }
            // Only looks have views.
            (Source::View(_), None) => m,
        }
    }
}

/// Searches the index for all of them, those that reach equally far together.
fn search_all(app: &Seawall, mut searches: Vec<Search>) -> Vec<Search> {
    let is_short = searches.len() <= SEARCHES_INLINE_MAX;
    let search_each = || {
        searches.sort_by_key(|search| (search.within_bits, search.limit));
        for alike in searches.chunk_by_mut(|a, b| (a.within_bits, a.limit) == (b.within_bits, b.limit)) {
            let hashes: Vec<Pdq> = alike.iter().map(|search| search.hash).collect();
            let answers = app.matcher.near(&hashes, alike[0].within_bits, alike[0].limit);
            for (search, hits) in alike.iter_mut().zip(answers) {
                search.hits = hits;
            }
        }
        searches
    };
    match is_short {
        true => search_each(),
        false => off_thread(search_each),
    }
}
