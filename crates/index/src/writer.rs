//! The one who changes: keeps segments, head and the places of every key, and says what a new view contains.

use crate::segment::{Head, Segment};
use crate::snapshot::View;
use hashbrown::HashTable;
use signal::Pdq;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) struct Writer {
    segments: BTreeMap<u32, Sealed>,
    /// The same segments as views hold them; rebuilt when one comes or goes.
    segment_list: Arc<[Arc<Segment>]>,
    head: Arc<Head>,
    head_id: u32,
    head_len: usize,
    head_removed: usize,
    /// Every present code's place, found by the hash of its key.
    places: HashTable<Place>,
    /// Number of the last change that removed something.
    stamp: u64,
    /// Codes in a full head.
    segment_codes: usize,
}

struct Sealed {
    segment: Arc<Segment>,
    removed: usize,
}

/// A slot of a segment, or of the head under the number its segment will have.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    segment: u32,
    slot: u32,
}

impl Writer {
    pub(crate) fn new(segment_codes: usize) -> Self {
        Self {
            segments: BTreeMap::new(),
            segment_list: Arc::new([]),
            head: Arc::new(Head::new(segment_codes)),
            head_id: 0,
            head_len: 0,
            head_removed: 0,
            places: HashTable::new(),
            stamp: 0,
            segment_codes,
        }
    }

    /// What a search that starts now may see.
    pub(crate) fn view(&self) -> View {
        View {
            segments: Arc::clone(&self.segment_list),
            head: Arc::clone(&self.head),
            head_len: self.head_len,
            stamp: self.stamp,
            len: self.places.len(),
        }
    }

    pub(crate) fn insert(&mut self, key: u64, code: Pdq) {
        let hash = spread(key);
        let already = self.places.find(hash, |&place| self.at(place) == (key, code)).is_some();
        if !already {
            self.append(key, code);
        }
    }

    /// Removes every code of `key` and says how many there were.
    pub(crate) fn remove(&mut self, key: u64) -> usize {
        let hash = spread(key);
        let places: Vec<Place> = self
            .places
            .iter_hash(hash)
            .copied()
            .filter(|&place| self.at(place).0 == key)
            .collect();
        if places.is_empty() {
            return 0;
        }
        self.stamp += 1;
        for &place in &places {
            let entry = self.places.find_entry(hash, |&other| other == place);
            // Unwrap safety: the place was read from the table just now.
            entry.ok().unwrap().remove();
            self.strike(place);
        }
        // Only now: a segment given up earlier would have moved the key's other codes away from their places.
        for &place in &places {
            let mostly_removed = self
                .segments
                .get(&place.segment)
                .is_some_and(|sealed| sealed.removed * 2 > sealed.segment.len());
            if mostly_removed {
                self.evacuate(place.segment);
            }
        }
        places.len()
    }

    fn strike(&mut self, place: Place) {
        let slot = place.slot as usize;
        if place.segment == self.head_id {
            self.head.remove(slot, self.stamp);
            self.head_removed += 1;
        } else {
            // Unwrap safety: a place in the table is in a segment that is kept.
            let sealed = self.segments.get_mut(&place.segment).unwrap();
            sealed.segment.remove(slot, self.stamp);
            sealed.removed += 1;
        }
    }

    /// Gives up a segment that is mostly removed codes: the present ones move to the head. A code moves only after as
    /// many were removed, so removing costs a constant number of moves.
    fn evacuate(&mut self, id: u32) {
        let Some(Sealed { segment, .. }) = self.segments.get(&id) else {
            return;
        };
        let segment = Arc::clone(segment);
        let present: Vec<usize> = (0..segment.len())
            .filter(|&slot| segment.is_present_at(slot, self.stamp))
            .collect();
        // All places go before the segment does: a table that grows asks for the key at each of its places.
        for &slot in &present {
            let place = Place {
                segment: id,
                slot: slot as u32,
            };
            let entry = self
                .places
                .find_entry(spread(segment.key(slot)), |&other| other == place);
            // Unwrap safety: every present code is in the table.
            entry.ok().unwrap().remove();
        }
        self.segments.remove(&id);
        self.list_segments();
        for slot in present {
            self.append(segment.key(slot), segment.code(slot));
        }
    }

    fn append(&mut self, key: u64, code: Pdq) {
        if self.head_len == self.segment_codes {
            self.seal();
        }
        let place = Place {
            segment: self.head_id,
            slot: self.head_len as u32,
        };
        self.head.write(self.head_len, key, code);
        self.head_len += 1;
        let Self {
            places,
            segments,
            head,
            head_id,
            ..
        } = self;
        places.insert_unique(spread(key), place, |&place| {
            spread(key_at(segments, head, *head_id, place))
        });
    }

    fn seal(&mut self) {
        let sealed = Sealed {
            segment: Arc::new(self.head.seal()),
            removed: self.head_removed,
        };
        let id = self.head_id;
        let mostly_removed = sealed.removed * 2 > self.segment_codes;
        self.segments.insert(id, sealed);
        self.head = Arc::new(Head::new(self.segment_codes));
        self.head_id += 1;
        self.head_len = 0;
        self.head_removed = 0;
        if mostly_removed {
            self.evacuate(id);
        } else {
            self.list_segments();
        }
    }

    fn list_segments(&mut self) {
        self.segment_list = self
            .segments
            .values()
            .map(|sealed| Arc::clone(&sealed.segment))
            .collect();
    }

    fn at(&self, place: Place) -> (u64, Pdq) {
        let slot = place.slot as usize;
        if place.segment == self.head_id {
            (self.head.key(slot), self.head.code(slot))
        } else {
            let segment = &self.segments[&place.segment].segment;
            (segment.key(slot), segment.code(slot))
        }
    }
}

fn key_at(segments: &BTreeMap<u32, Sealed>, head: &Head, head_id: u32, place: Place) -> u64 {
    let slot = place.slot as usize;
    if place.segment == head_id {
        head.key(slot)
    } else {
        segments[&place.segment].segment.key(slot)
    }
}

/// Scatters keys, which are often consecutive numbers (the finaliser of SplitMix64).
fn spread(key: u64) -> u64 {
    let key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ (key >> 31)
}
