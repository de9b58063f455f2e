//! A segment: codes that no longer move or grow, each once, with the keys they stand for.
//!
//! Slots are sorted by key, so that the codes of a key are found by halving. Nearly always a slot has one key; the further keys of
//! a code that stands for several lie apart. A pair is numbered like its slot, or, if it is a further one, from the number of slots on.

use crate::chunks::Chunks;
use crate::codes::{Codes, GROUP};
use crate::collect::Collector;
use crate::memory::Column;
use crate::rows::{self, RowScratch, Rows};
use crate::scan::{self, Wanted};
use crate::stamps::Stamps;
use crate::tables::{TableScratch, Tables};
use signal::Pdq;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// Below so many codes a scan is faster than the first bucket of a table.
const TABLED_MIN: usize = 4096;

/// How segments are laid out in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Segments of more codes than this get no tables: a search reads every code of them, in a fifth of the memory. `usize::MAX`, the
    /// default, gives tables to all but the smallest.
    pub tabled_codes_max: usize,
    /// Segments of fewer codes than this get none either, because they need none.
    pub tabled_codes_min: usize,
    /// Segments of up to so many codes get rows instead of tables: several times as fast, 120 bytes a code instead of 80 to 110. At most
    /// 16,777,216, which is the default.
    pub rows_codes_max: usize,
    /// How many substrings the tables are made of, 11 to 16, in place of rows too; `None` chooses by the number of codes.
    pub substrings: Option<u32>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            tabled_codes_max: usize::MAX,
            tabled_codes_min: TABLED_MIN,
            rows_codes_max: rows::CODES_MAX,
            substrings: None,
        }
    }
}

/// How the codes near a query are found.
enum Lookup {
    Rows(Rows),
    Tables(Tables),
    /// All are looked at.
    Scan,
}

/// Keys in a row, in as few bytes as they need.
pub(crate) enum Keys {
    Narrow(Column<u32>),
    Wide(Column<u64>),
}

/// Further keys of codes that stand for several.
#[derive(Default)]
pub(crate) struct Extras {
    /// Slot and key, sorted.
    pub(crate) pairs: Vec<(u32, u64)>,
    /// Places in `pairs`, sorted by key.
    by_key: Vec<u32>,
}

/// Room that a search needs on its way.
#[derive(Default)]
pub(crate) struct Scratch {
    rows: RowScratch,
    tables: TableScratch,
}

/// Codes that no longer move or grow.
pub(crate) struct Segment {
    pub(crate) codes: Codes,
    pub(crate) keys: Keys,
    pub(crate) extras: Extras,
    lookup: Lookup,
    pub(crate) stamps: Stamps,
    /// Whether its file lies on the disk.
    pub(crate) is_kept: AtomicBool,
    pub(crate) id: u64,
}

impl Keys {
    fn collect(keys: impl ExactSizeIterator<Item = u64> + Clone) -> io::Result<Self> {
        if keys.clone().all(|key| u32::try_from(key).is_ok()) {
            let mut column = Column::zeroed(keys.len())?;
            for (place, key) in column.values_mut().iter_mut().zip(keys) {
                *place = key as u32;
            }
            Ok(Keys::Narrow(column))
        } else {
            let mut column = Column::zeroed(keys.len())?;
            for (place, key) in column.values_mut().iter_mut().zip(keys) {
                *place = key;
            }
            Ok(Keys::Wide(column))
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Keys::Narrow(keys) => keys.len(),
            Keys::Wide(keys) => keys.len(),
        }
    }

    pub(crate) fn get(&self, slot: usize) -> u64 {
        match self {
            Keys::Narrow(keys) => u64::from(keys[slot]),
            Keys::Wide(keys) => keys[slot],
        }
    }

    pub(crate) fn is_sorted(&self) -> bool {
        match self {
            Keys::Narrow(keys) => keys.is_sorted(),
            Keys::Wide(keys) => keys.is_sorted(),
        }
    }

    fn range_of(&self, key: u64) -> std::ops::Range<usize> {
        match self {
            Keys::Narrow(keys) => match u32::try_from(key) {
                Ok(key) => keys.partition_point(|k| *k < key)..keys.partition_point(|k| *k <= key),
                Err(_) => 0..0,
            },
            Keys::Wide(keys) => keys.partition_point(|k| *k < key)..keys.partition_point(|k| *k <= key),
        }
    }

    pub(crate) fn n_bytes(&self) -> usize {
        match self {
            Keys::Narrow(keys) => keys.n_bytes(),
            Keys::Wide(keys) => keys.n_bytes(),
        }
    }
}

impl Extras {
    /// From pairs of slot and key, sorted.
    pub(crate) fn new(pairs: Vec<(u32, u64)>) -> Self {
        let mut by_key: Vec<u32> = (0..pairs.len() as u32).collect();
        by_key.sort_unstable_by_key(|at| (pairs[*at as usize].1, *at));
        Self { pairs, by_key }
    }

    fn of_slot(&self, slot: usize) -> std::ops::Range<usize> {
        if self.pairs.is_empty() {
            return 0..0;
        }
        let slot = slot as u32;
        self.pairs.partition_point(|(s, _)| *s < slot)..self.pairs.partition_point(|(s, _)| *s <= slot)
    }

    fn of_key(&self, key: u64) -> &[u32] {
        let at = |place: &u32| self.pairs[*place as usize].1;
        let from = self.by_key.partition_point(|place| at(place) < key);
        let to = self.by_key.partition_point(|place| at(place) <= key);
        &self.by_key[from..to]
    }

    fn n_bytes(&self) -> usize {
        self.pairs.len() * (size_of::<(u32, u64)>() + size_of::<u32>())
    }
}

impl Segment {
    /// A segment of these pairs, which are taken away. Equal pairs count once. If there is no memory for it, the pairs are all still there.
    pub(crate) fn build(id: u64, pairs: &mut Vec<(u64, Pdq)>, layout: Layout) -> io::Result<Self> {
        if u32::try_from(pairs.len()).is_err() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a segment numbers its pairs in 32 bits",
            ));
        }
        // Equal codes together, the least key first: that one gives the code its place.
        pairs.sort_unstable_by_key(|(key, code)| (*code, *key));
        pairs.dedup();
        let mut further: Vec<(u64, Pdq)> = Vec::new();
        let mut last = None;
        pairs.retain(|&(key, code)| {
            let is_new = last != Some(code);
            last = Some(code);
            if !is_new {
                further.push((key, code));
            }
            is_new
        });
        pairs.sort_unstable_by_key(|(key, code)| (*key, *code));
        let columns = Codes::collect(pairs.iter().map(|(_, code)| *code))
            .and_then(|codes| Ok((codes, Keys::collect(pairs.iter().map(|(key, _)| *key))?)));
        let (codes, keys) = match columns {
            Ok(columns) => columns,
            Err(error) => {
                pairs.append(&mut further);
                return Err(error);
            }
        };
        let mut extras = Vec::with_capacity(further.len());
        if !further.is_empty() {
            // Which slot each code with several keys got: few, so they are looked up rather than all remembered.
            further.sort_unstable_by_key(|(key, code)| (*code, *key));
            for (slot, (_, code)) in pairs.iter().enumerate() {
                let from = further.partition_point(|(_, other)| other < code);
                let same = further[from..].iter().take_while(|(_, other)| other == code);
                extras.extend(same.map(|(key, _)| (slot as u32, *key)));
            }
        }
        // Before the tables, which weigh more than all the rest.
        *pairs = Vec::new();
        Ok(Self::assemble(id, codes, keys, Extras::new(extras), layout))
    }

    /// A segment of columns that are known to be sound. Without memory for tables it is scanned.
    pub(crate) fn assemble(id: u64, codes: Codes, keys: Keys, extras: Extras, layout: Layout) -> Self {
        let is_tabled = (layout.tabled_codes_min..=layout.tabled_codes_max).contains(&codes.len());
        let lookup = match layout.substrings {
            _ if !is_tabled => Ok(Lookup::Scan),
            None if codes.len() <= layout.rows_codes_max.min(rows::CODES_MAX) => Rows::build(&codes).map(Lookup::Rows),
            None => Tables::build(&codes, Chunks::best_number(codes.len())).map(Lookup::Tables),
            Some(n_chunks) => Tables::build(&codes, n_chunks.clamp(11, 16)).map(Lookup::Tables),
        };
        let n_pairs = codes.len() + extras.pairs.len();
        Self {
            codes,
            keys,
            extras,
            lookup: lookup.unwrap_or(Lookup::Scan),
            stamps: Stamps::new(n_pairs),
            is_kept: AtomicBool::new(false),
            id,
        }
    }

    /// Pairs, removed ones too.
    pub(crate) fn n_pairs(&self) -> usize {
        self.codes.len() + self.extras.pairs.len()
    }

    pub(crate) fn n_present(&self) -> usize {
        self.n_pairs().saturating_sub(self.stamps.n_removed())
    }

    pub(crate) fn n_bytes(&self) -> usize {
        self.codes.front.n_bytes()
            + self.codes.back.n_bytes()
            + self.keys.n_bytes()
            + self.extras.n_bytes()
            + match &self.lookup {
                Lookup::Rows(rows) => rows.n_bytes(),
                Lookup::Tables(tables) => tables.n_bytes(),
                Lookup::Scan => 0,
            }
            + self.n_pairs() / 8
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Acquire)
    }

    /// The key and code of a pair.
    pub(crate) fn pair(&self, pair: usize) -> (u64, Pdq) {
        let codes = self.codes.slices();
        match pair.checked_sub(self.codes.len()) {
            None => (self.keys.get(pair), codes.get(pair)),
            Some(extra) => {
                let (slot, key) = self.extras.pairs[extra];
                (key, codes.get(slot as usize))
            }
        }
    }

    /// The pairs of a key, removed ones too.
    pub(crate) fn pairs_of(&self, key: u64) -> impl Iterator<Item = usize> + '_ {
        let first = self.codes.len();
        let further = self.extras.of_key(key).iter().map(move |at| first + *at as usize);
        self.keys.range_of(key).chain(further)
    }

    /// Whether it may have a pair of one of these keys.
    pub(crate) fn may_have(&self, keys: &std::ops::RangeInclusive<u64>) -> bool {
        let n = self.keys.len();
        let in_slots = n > 0 && self.keys.get(0) <= *keys.end() && self.keys.get(n - 1) >= *keys.start();
        in_slots || self.extras.pairs.iter().any(|(_, key)| keys.contains(key))
    }

    /// Gives each collector every pair within its radius of its query that a view of this stamp sees.
    pub(crate) fn collect(&self, stamp: u64, queries: &[Pdq], collectors: &mut [Collector<'_>], scratch: &mut Scratch) {
        // Whether a search that takes so long is faster than a scan.
        let pays = |cost_ns: Option<f64>, radius: u32| {
            let scan_ns = self.codes.len() as f64 * scan::code_ns(radius, queries.len());
            cost_ns.is_some_and(|cost_ns| cost_ns < scan_ns)
        };
        let mut scanned: Vec<usize> = Vec::new();
        for (at, (&query, collector)) in queries.iter().zip(&mut *collectors).enumerate() {
            let (codes, radius) = (self.codes.slices(), collector.radius());
            match &self.lookup {
                Lookup::Rows(rows) if pays(rows.cost_ns(radius), radius) => {
                    rows.near(codes, query, radius, &mut scratch.rows, |slot, distance| {
                        self.add_slot(slot, distance, stamp, collector);
                    });
                }
                Lookup::Tables(tables) if pays(tables.cost_ns(radius, codes.len), radius) => {
                    tables.near(codes, query, radius, &mut scratch.tables, |slot, distance| {
                        self.add_slot(slot, distance, stamp, collector);
                    });
                }
                Lookup::Rows(_) | Lookup::Tables(_) | Lookup::Scan => scanned.push(at),
            }
        }
        if scanned.is_empty() {
            return;
        }
        let (codes, n_lines) = (self.codes.slices(), self.codes.len().div_ceil(GROUP));
        let mut wanted = Vec::with_capacity(scanned.len());
        for from in (0..n_lines).step_by(scan::BLOCK_LINES) {
            let lines = from..(from + scan::BLOCK_LINES).min(n_lines);
            wanted.clear();
            wanted.extend(scanned.iter().map(|&at| Wanted {
                query: queries[at],
                radius: collectors[at].radius(),
            }));
            scan::near(codes, lines, &wanted, |which, slot, distance| {
                self.add_slot(slot, distance, stamp, &mut collectors[scanned[which]]);
            });
        }
    }

    fn add_slot(&self, slot: usize, distance: u32, stamp: u64, collector: &mut Collector<'_>) {
        if self.stamps.is_present_at(slot, stamp) {
            collector.add(self.keys.get(slot), distance);
        }
        for extra in self.extras.of_slot(slot) {
            if self.stamps.is_present_at(self.codes.len() + extra, stamp) {
                collector.add(self.extras.pairs[extra].1, distance);
            }
        }
    }
}
