//! The items of all entries in one row, and where parts of items occur in it.

use super::SoundStats;
use signal::audio::SILENCE;
use std::collections::HashMap;
use std::ops::Range;

/// Which bits of an item are looked up together. Upper bits of a filter's two err least often.
pub(super) const PARTS: [u32; 4] = [0xAAAA_AAAA, 0xFFFF_0000, 0x0000_FFFF, 0x00FF_FF00];
/// Bits of a part.
const PART_BITS: u32 = 16;
/// A part that occurs this much more often than the mean part says nothing of which sound it is.
const COMMON: usize = 24;
/// As often may a part always occur.
const COMMON_MIN: usize = 512;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Arena {
    items: Vec<u32>,
    entries: Vec<Entry>,
    by_handle: HashMap<u64, u32>,
    /// For each of [`PARTS`], for each value, where it occurs; nothing as long as there are no items.
    tables: Vec<Vec<Vec<u32>>>,
    n_dead_items: usize,
}

#[derive(Debug, Clone)]
struct Entry {
    handle: u64,
    start: usize,
    end: usize,
    is_dead: bool,
}

impl Arena {
    pub fn add(&mut self, handle: u64, items: &[u32]) {
        // Places are counted in 32 bits; no machine that this is made for holds more.
        if items.is_empty() || self.items.len() + items.len() >= u32::MAX as usize / 2 {
            return;
        }
        let number = self.entries.len() as u32;
        let start = self.items.len();
        self.items.extend(items);
        self.entries.push(Entry {
            handle,
            start,
            end: self.items.len(),
            is_dead: false,
        });
        self.by_handle.insert(handle, number);
        self.tell_tables(start);
    }

    /// Tells the tables of the items from a place on.
    fn tell_tables(&mut self, start: usize) {
        if self.tables.is_empty() {
            self.tables = PARTS.iter().map(|_| vec![Vec::new(); 1 << PART_BITS]).collect();
        }
        let mut before = SILENCE;
        for (at, &item) in self.items.iter().enumerate().skip(start) {
            // What stays as it is votes once.
            if item != before && item != SILENCE {
                for (table, mask) in self.tables.iter_mut().zip(PARTS) {
                    table[part(item, mask)].push(at as u32);
                }
            }
            before = item;
        }
    }

    pub fn remove(&mut self, handle: u64) -> bool {
        let Some(number) = self.by_handle.remove(&handle) else {
            return false;
        };
        let entry = &mut self.entries[number as usize];
        entry.is_dead = true;
        self.n_dead_items += entry.end - entry.start;
        if 2 * self.n_dead_items > self.items.len() {
            self.compact();
        }
        true
    }

    /// Leaves out what was removed.
    fn compact(&mut self) {
        let old = std::mem::take(self);
        for entry in old.entries.iter().filter(|entry| !entry.is_dead) {
            self.add(entry.handle, &old.items[entry.start..entry.end]);
        }
    }

    /// Items of the entries that are there.
    pub fn n_items(&self) -> usize {
        self.items.len() - self.n_dead_items
    }

    pub fn stats(&self) -> SoundStats {
        let places: usize = self.tables.iter().flatten().map(Vec::capacity).sum();
        let buckets: usize = self.tables.iter().map(Vec::capacity).sum();
        SoundStats {
            n_entries: self.by_handle.len(),
            n_items: self.n_items(),
            n_bytes: (places + self.items.capacity()) * size_of::<u32>()
                + buckets * size_of::<Vec<u32>>()
                + self.entries.capacity() * size_of::<Entry>()
                + self.by_handle.capacity() * size_of::<(u64, u32)>(),
        }
    }

    /// Items, those of dead entries included.
    pub fn items(&self) -> &[u32] {
        &self.items
    }

    pub fn handle(&self, entry: u32) -> u64 {
        self.entries[entry as usize].handle
    }

    /// Where the items of an entry lie.
    pub fn range(&self, entry: u32) -> Range<usize> {
        let entry = &self.entries[entry as usize];
        entry.start..entry.end
    }

    /// Where a part has this value; nothing where it has it so often that it says nothing.
    pub fn places(&self, number: usize, value: usize) -> &[u32] {
        let Some(table) = self.tables.get(number) else {
            return &[];
        };
        let common = COMMON_MIN.max((COMMON * self.items.len()) >> PART_BITS);
        let places = &table[value];
        if places.len() > common { &[] } else { places }
    }

    /// The living entries that a stretch of a query touches when its item 0 lies at a place of the row.
    pub fn entries_of(&self, diagonal: i64, from: usize, to: usize) -> impl Iterator<Item = u32> + '_ {
        let (start, end) = (diagonal + from as i64, diagonal + to as i64);
        let first = self.entries.partition_point(|entry| entry.end as i64 <= start);
        let touched = self.entries[first..]
            .iter()
            .take_while(move |entry| (entry.start as i64) < end);
        touched
            .enumerate()
            .filter(|(_, entry)| !entry.is_dead)
            .map(move |(after, _)| (first + after) as u32)
    }
}

/// The bits of an item under a mask, moved together.
pub(super) fn part(item: u32, mask: u32) -> usize {
    match mask {
        0xFFFF_0000 => (item >> 16) as usize,
        0x0000_FFFF => (item & 0xFFFF) as usize,
        0x00FF_FF00 => (item >> 8 & 0xFFFF) as usize,
        _ => {
            // Every other bit, by halving the gaps.
            let mut x = item >> 1 & 0x5555_5555;
            x = (x | x >> 1) & 0x3333_3333;
            x = (x | x >> 2) & 0x0F0F_0F0F;
            x = (x | x >> 4) & 0x00FF_00FF;
            ((x | x >> 8) & 0xFFFF) as usize
        }
    }
}
