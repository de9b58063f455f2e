//! The matcher: everything that is banked, in memory, as of a cursor of the change feed.
//!
//! Searches of the index wait for nothing; only naming what was found takes a lock, for a moment. What was disabled,
//! removed or has expired is not found, from the moment the feed or the clock says so.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use index::Index;
use signal::{Pdq, Signal, SignalType};

use crate::model::item::MediaSignal;
use crate::model::{Bank, BankId, EntryId, EntryState, Match, MatchTarget, Tier, Timestamp};

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

/// What is banked, in memory.
#[derive(Debug)]
pub struct Matcher {
    settings: MatchSettings,
    index: Index,
    books: RwLock<Books>,
}

/// Whose the codes of the index are, and what is matched without it.
#[derive(Debug, Default)]
struct Books {
    cursor: i64,
    /// Digests and whose they are.
    digests: HashMap<Digest, Vec<u64>>,
    cards: HashMap<u64, Card>,
    banks: HashMap<BankId, Bank>,
}

/// What must be known of an entry to name it.
#[derive(Debug, Clone)]
struct Card {
    entry: EntryId,
    bank: BankId,
    expires_at: Option<Timestamp>,
    digests: Vec<Digest>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Digest {
    Md5(signal::Md5),
    Sha256(signal::Sha256),
}

/// An entry of the feed, as the matcher takes it.
#[derive(Debug, Clone)]
pub struct FeedEntry {
    /// Its id.
    pub id: EntryId,
    /// The number by which the index knows it.
    pub handle: u64,
    /// Its bank.
    pub bank: BankId,
    /// Whether it is matched against.
    pub state: EntryState,
    /// When it stops being matched against.
    pub expires_at: Option<Timestamp>,
    /// Its signals.
    pub signals: Vec<Signal>,
}

/// What was found for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The nearest first; one for each entry and type of signal.
    pub matches: Vec<Match>,
    /// There were more than the settings allow to tell.
    pub capped: bool,
}

/// How much the matcher holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatcherStats {
    /// Entries that are matched against.
    pub n_entries: usize,
    /// Perceptual hashes in the index.
    pub n_hashes: usize,
    /// How far the change feed was followed.
    pub cursor: i64,
}

impl Matcher {
    /// A matcher that knows nothing yet.
    pub fn new(settings: MatchSettings) -> Self {
        Self {
            settings,
            index: Index::new(),
            books: RwLock::new(Books::default()),
        }
    }

    /// How near is near.
    pub fn settings(&self) -> &MatchSettings {
        &self.settings
    }

    /// Where to go on reading the change feed.
    pub fn cursor(&self) -> i64 {
        self.read().cursor
    }

    /// How much it holds.
    pub fn stats(&self) -> MatcherStats {
        let books = self.read();
        MatcherStats {
            n_entries: books.cards.len(),
            n_hashes: self.index.snapshot().len(),
            cursor: books.cursor,
        }
    }

    /// Takes in a piece of the feed that reaches to `cursor`. The same piece twice changes nothing. Pieces must be applied
    /// by one caller at a time, in their order.
    pub fn apply(&self, banks: Vec<Bank>, entries: Vec<FeedEntry>, cursor: i64) {
        let mut gone = Vec::new();
        let mut come = Vec::new();
        let mut books = self.write();
        for bank in banks {
            books.banks.insert(bank.id, bank);
        }
        for entry in entries {
            books.forget(entry.handle);
            match entry.state {
                EntryState::Disabled | EntryState::Removed => gone.push(entry.handle),
                EntryState::Enabled => {
                    let codes: Vec<Pdq> = entry.signals.iter().filter_map(|signal| self.code_of(signal)).collect();
                    books.remember(&entry);
                    come.push((entry.handle, codes));
                }
            }
        }
        books.cursor = cursor;
        // What is gone is not named any more, whatever the index still says; what has come is named before it is found.
        drop(books);
        for handle in gone {
            self.index.remove(handle);
        }
        let (fresh, changed): (Vec<_>, Vec<_>) = come.into_iter().partition(|(_, codes)| codes.len() == 1);
        self.index.insert_many(
            fresh
                .into_iter()
                .flat_map(|(handle, codes)| codes.into_iter().map(move |code| (handle, code))),
        );
        for (handle, codes) in changed {
            self.index.replace(handle, &codes);
        }
    }

    /// What the signals of one file lie near to, at `now`.
    pub fn lookup(&self, signals: &[MediaSignal], now: Timestamp) -> Found {
        let mut nearest: HashMap<(EntryId, SignalType), Match> = HashMap::new();
        for kept in signals {
            match &kept.signal {
                Signal::Pdq { hash, .. } => {
                    if self.code_of(&kept.signal).is_some() {
                        self.near_hashes(*hash, kept, now, &mut nearest);
                    }
                }
                Signal::Md5(md5) => self.equal_digests(Digest::Md5(*md5), kept, now, &mut nearest),
                Signal::Sha256(sha256) => self.equal_digests(Digest::Sha256(*sha256), kept, now, &mut nearest),
            }
        }
        let mut matches: Vec<Match> = nearest.into_values().collect();
        let nearness = |m: &Match| (m.tier == Tier::Lead, m.distance, m.signal_type.as_str(), m.target.entry);
        let capped = matches.len() > self.settings.matches_max;
        // A match in a confirmed bank weighs more than a nearer one in another, and is never the one that is left out.
        matches.sort_by_key(|m| (m.tier == Tier::Lead, !m.target.bank_confirmed, nearness(m)));
        matches.truncate(self.settings.matches_max);
        matches.sort_by_key(nearness);
        Found { matches, capped }
    }

    /// The hash, if its quality lets it say something. A hash that came without one is believed.
    fn code_of(&self, signal: &Signal) -> Option<Pdq> {
        match signal {
            Signal::Pdq { hash, quality } => quality.is_none_or(|q| q >= self.settings.quality_min).then_some(*hash),
            Signal::Md5(_) | Signal::Sha256(_) => None,
        }
    }

    fn near_hashes(
        &self,
        hash: Pdq,
        kept: &MediaSignal,
        now: Timestamp,
        nearest: &mut HashMap<(EntryId, SignalType), Match>,
    ) {
        let snapshot = self.index.snapshot();
        let reach = self.settings.lead_distance_bits.max(self.settings.match_distance_bits);
        let mut limit = self.settings.matches_max * 4 + 64;
        loop {
            let hits = snapshot.search(hash, reach, limit);
            let books = self.read();
            let live: Vec<(MatchTarget, u32)> = hits
                .hits
                .iter()
                .filter_map(|hit| books.target(hit.key, now).map(|target| (target, hit.distance)))
                .collect();
            drop(books);
            // Hits on expired entries or disabled banks must not crowd out the live ones, nor matches in other banks one in a
            // confirmed bank: as long as there is none, all that lies within the match distance is read.
            let crowded = live.len() <= self.settings.matches_max;
            let may_hide_one = hits
                .hits
                .last()
                .is_some_and(|hit| hit.distance <= self.settings.match_distance_bits)
                && !live.iter().any(|(target, _)| target.bank_confirmed);
            if hits.capped && (crowded || may_hide_one) {
                limit = limit.saturating_mul(8);
                continue;
            }
            for (target, distance) in live {
                let is_match = distance <= self.settings.match_distance_bits;
                let (tier, threshold) = match is_match {
                    true => (Tier::Match, self.settings.match_distance_bits),
                    false => (Tier::Lead, self.settings.lead_distance_bits),
                };
                keep_nearest(nearest, found(target, kept, distance, threshold, tier));
            }
            return;
        }
    }

    fn equal_digests(
        &self,
        digest: Digest,
        kept: &MediaSignal,
        now: Timestamp,
        nearest: &mut HashMap<(EntryId, SignalType), Match>,
    ) {
        let books = self.read();
        for handle in books.digests.get(&digest).into_iter().flatten() {
            if let Some(target) = books.target(*handle, now) {
                keep_nearest(nearest, found(target, kept, 0, 0, Tier::Match));
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Books> {
        self.books.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Books> {
        self.books.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn remember(&mut self, entry: &FeedEntry) {
        let digests: Vec<Digest> = entry
            .signals
            .iter()
            .filter_map(|signal| match signal {
                Signal::Pdq { .. } => None,
                Signal::Md5(md5) => Some(Digest::Md5(*md5)),
                Signal::Sha256(sha256) => Some(Digest::Sha256(*sha256)),
            })
            .collect();
        for digest in &digests {
            let owners = self.digests.entry(*digest).or_default();
            if !owners.contains(&entry.handle) {
                owners.push(entry.handle);
            }
        }
        let card = Card {
            entry: entry.id,
            bank: entry.bank,
            expires_at: entry.expires_at,
            digests,
        };
        self.cards.insert(entry.handle, card);
    }

    fn forget(&mut self, handle: u64) {
        let Some(card) = self.cards.remove(&handle) else { return };
        for digest in card.digests {
            if let Some(owners) = self.digests.get_mut(&digest) {
                owners.retain(|owner| *owner != handle);
                if owners.is_empty() {
                    self.digests.remove(&digest);
                }
            }
        }
    }

    /// The entry and its bank, if both are matched against at `now`.
    fn target(&self, handle: u64, now: Timestamp) -> Option<MatchTarget> {
        let card = self.cards.get(&handle)?;
        let bank = self.banks.get(&card.bank)?;
        let live = bank.enabled && card.expires_at.is_none_or(|end| end > now);
        live.then(|| MatchTarget {
            entry: card.entry,
            bank: bank.id,
            bank_name: bank.name.clone(),
            bank_confirmed: bank.confirmed,
        })
    }
}

fn found(target: MatchTarget, kept: &MediaSignal, distance: u32, threshold: u32, tier: Tier) -> Match {
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
