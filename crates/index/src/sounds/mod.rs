//! Sounds: which of many recordings is heard in this one, from where to where?
//!
//! Prints are rows of 32-bit items ([`signal::audio`]). A copy's items differ from the entry's in some bits, so items are found by parts of them: each
//! pair of equal parts votes for a shift between query and entry. Shifts with votes are compared bit by bit and followed
//! as far as they agree, a little faster or slower as may be. What comes out says how likely it were by chance, held against other places of the index.
//!
//! Start with [`SoundIndex`]; [`Tracker`] asks it again and again while a stream goes on.

mod align;
mod arena;
mod chance;
mod tracker;
mod votes;

#[cfg(test)]
mod tests;

pub use tracker::Tracker;

use align::{Run, Shift};
use arena::Arena;
use signal::Span;
use signal::audio::{ITEM_MS, ITEM_SPAN_MS, Played, Print, QueryPrints, SoundSegment};
use std::collections::HashMap;

/// A segment is told when music that has nothing to do with it is as alike once in so many look-ups, as a power of ten.
pub const LOG10_CHANCE_MAX: f32 = -8.0;
/// Share of differing bits up to which that is enough: sound that was encoded again or clipped.
const CLEAR_SHARE: f32 = 0.14;
/// Where more differ, it must be so much less likely yet, as a power of ten. Speech of one voice keeps to one spectrum, which chance, measured on music, does not know: 45 s of one
/// synthetic voice saying different things differ in 0.28 of the bits, which music does once in 10^13 look-ups.
const LOG10_UNCLEAR: f32 = -7.0;
/// Segments of one entry in one query.
const SEGMENTS_MAX: usize = 64;
/// Shifts of one entry that are kept in mind, and those that are followed, in one query.
const SHIFTS_MAX: usize = 1024;
const FOLLOWED_MAX: usize = 128;
/// Items of a query between which votes are counted together, and how far apart such stretches begin.
const WINDOW: usize = 64;
const WINDOW_STEP: usize = 32;
/// What the first and the last item of a run rest on beyond what is surely the entry, where the query goes on.
const EDGE_MS: f64 = 800.0;

/// The prints of many recordings, in memory. Looking up takes `&self` and may happen on many threads at once.
#[derive(Debug, Clone, Default)]
pub struct SoundIndex {
    arena: Arena,
}

/// How much an index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SoundStats {
    /// Recordings.
    pub n_entries: usize,
    /// Items of all of them.
    pub n_items: usize,
    /// Bytes that it takes, tables included.
    pub n_bytes: usize,
}

impl SoundIndex {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a recording under a handle; what the handle had before is replaced.
    pub fn add(&mut self, handle: u64, print: &Print) {
        self.arena.remove(handle);
        self.arena.add(handle, &print.items);
    }

    /// Removes what a handle has. Whether it had anything.
    pub fn remove(&mut self, handle: u64) -> bool {
        self.arena.remove(handle)
    }

    /// How much it holds.
    pub fn stats(&self) -> SoundStats {
        self.arena.stats()
    }

    /// Every recording that is heard in a query, the surest first, and where.
    pub fn look_up(&self, query: &QueryPrints) -> Vec<(u64, Vec<SoundSegment>)> {
        self.look_up_within(query, LOG10_CHANCE_MAX)
    }

    /// The same, as sure as the caller asks for.
    pub fn look_up_within(&self, query: &QueryPrints, log10_chance_max: f32) -> Vec<(u64, Vec<SoundSegment>)> {
        let found = self.shifts(query);
        let n_trials = self.n_trials(query);
        let mut answers: Vec<(u64, Vec<SoundSegment>)> = found
            .into_iter()
            .filter_map(|(entry, shifts)| {
                let segments = self.segments(query, entry, shifts, n_trials, log10_chance_max);
                (!segments.is_empty()).then(|| (self.arena.handle(entry), segments))
            })
            .collect();
        let surest = |segments: &[SoundSegment]| segments.iter().map(|s| s.log10_chance).fold(0.0, f32::min);
        answers.sort_by(|a, b| surest(&a.1).total_cmp(&surest(&b.1)).then(a.0.cmp(&b.0)));
        answers
    }

    /// For each entry the shifts that are worth a look, the likeliest first.
    fn shifts(&self, query: &QueryPrints) -> HashMap<u32, Vec<Shift>> {
        let mut found: HashMap<u32, Vec<Shift>> = HashMap::new();
        let mut counter = votes::Counter::new(&self.arena);
        for (number, played) in query.played.iter().enumerate() {
            for from in (0..played.items.len()).step_by(WINDOW_STEP) {
                let to = (from + WINDOW).min(played.items.len());
                for diagonal in counter.candidates(played, from, to) {
                    for entry in self.arena.entries_of(diagonal, from, to) {
                        if let Some(shift) = align::glance(&self.arena, entry, number, played, diagonal, from, to) {
                            found.entry(entry).or_default().push(shift);
                        }
                    }
                }
                if to == played.items.len() {
                    break;
                }
            }
        }
        for shifts in found.values_mut() {
            shifts.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.key().cmp(&b.key())));
            shifts.truncate(SHIFTS_MAX);
        }
        found
    }

    /// How many comparisons a look-up makes, had it to make them all.
    fn n_trials(&self, query: &QueryPrints) -> f64 {
        let n_items: usize = query.played.iter().map(|played| played.items.len()).sum();
        let n_windows = n_items.div_ceil(WINDOW).max(1);
        n_windows as f64 * self.arena.n_items().max(1) as f64
    }

    /// Runs along shifts, the surest first; what a run covers already is not followed again.
    fn segments(
        &self,
        query: &QueryPrints,
        entry: u32,
        shifts: Vec<Shift>,
        n_trials: f64,
        log10_chance_max: f32,
    ) -> Vec<SoundSegment> {
        let mut followed: Vec<Run> = Vec::new();
        let mut runs: Vec<(f32, Run)> = Vec::new();
        for shift in shifts {
            if followed.len() >= FOLLOWED_MAX || followed.iter().any(|run| run.covers(&shift, query)) {
                continue;
            }
            let played = &query.played[shift.played];
            let Some(run) = align::follow(&self.arena, entry, played, shift) else {
                continue;
            };
            followed.push(run.clone());
            // What is no wonder anywhere needs no other places to compare with.
            if chance::log10_chance_anywhere(&run, n_trials) > log10_chance_max {
                continue;
            }
            let log10_chance = chance::log10_chance(&self.arena, played, &run, n_trials);
            let is_clear = run.bit_errors_share() <= CLEAR_SHARE;
            if log10_chance <= log10_chance_max + if is_clear { 0.0 } else { LOG10_UNCLEAR } {
                runs.push((log10_chance, run));
            }
        }
        runs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut segments: Vec<SoundSegment> = Vec::new();
        for (log10_chance, run) in runs {
            let segment = self.segment(&query.played[run.played], entry, &run, log10_chance);
            let is_told = segments.iter().any(|told| {
                let both = |a: Span, b: Span| 2 * a.overlap_ms(b) > a.len_ms().min(b.len_ms());
                both(told.query, segment.query)
            });
            if !is_told && segments.len() < SEGMENTS_MAX {
                segments.push(segment);
            }
        }
        segments.sort_by_key(|segment| (segment.query, segment.entry));
        segments
    }

    fn segment(&self, played: &Played, entry: u32, run: &Run, log10_chance: f32) -> SoundSegment {
        let tempo = f64::from(played.speed.tempo);
        let range = self.arena.range(entry);
        let in_query = |item: usize| f64::from(played.first) + item as f64;
        let reaches_start = run.from == 0 && played.first == 0;
        let start_edge = if reaches_start || run.at == range.start {
            0.0
        } else {
            EDGE_MS
        };
        let is_end = run.to == played.items.len() || run.end_at == range.end;
        let end_edge = if is_end { 0.0 } else { EDGE_MS };
        let span = |from: f64, to: f64, scale: f64| {
            let from_ms = (from * ITEM_MS + start_edge) / scale;
            let to_ms = ((to - 1.0) * ITEM_MS + ITEM_SPAN_MS - end_edge) / scale;
            Span {
                from_ms: from_ms as u32,
                to_ms: to_ms.max(from_ms) as u32,
            }
        };
        let in_entry = |at: usize| (at - range.start) as f64;
        SoundSegment {
            query: span(in_query(run.from), in_query(run.to), tempo),
            entry: span(in_entry(run.at), in_entry(run.end_at), 1.0),
            rate: (tempo * run.slope()) as f32,
            pitch: played.speed.pitch,
            bit_errors_share: run.bit_errors_share(),
            log10_chance,
        }
    }
}
