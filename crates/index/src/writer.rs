//! The one who changes: what lies where, and what a new view contains.

use crate::checkpoint::Checkpoint;
use crate::head::Head;
use crate::merge::Size;
use crate::segment::Segment;
use crate::snapshot::View;
use signal::Pdq;
use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) struct Writer {
    /// The oldest first.
    segments: Arc<[Arc<Segment>]>,
    full: Vec<Full>,
    full_heads: Arc<[(Arc<Head>, usize)]>,
    head: Arc<Head>,
    head_len: usize,
    /// Number of the last change that removed something.
    stamp: u64,
    /// Pairs that are there.
    len: usize,
    next_id: u64,
    /// How far the caller has told all changes.
    pub(crate) checkpoint: Option<Checkpoint>,
    head_codes: usize,
}

/// A full head that waits to become a segment.
struct Full {
    head: Arc<Head>,
    /// Slots that were filled: all of them, unless it was closed early.
    len: usize,
    checkpoint: Option<Checkpoint>,
}

/// Where a pair lies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Segment(usize, usize),
    Full(usize, usize),
    Head(usize),
}

/// Segments and heads that are to become one segment, as a view of `stamp` sees them.
pub(crate) struct Work {
    pub(crate) id: u64,
    segments: Vec<Arc<Segment>>,
    heads: Vec<(Arc<Head>, usize)>,
    stamp: u64,
    /// What the changes up to the end of the heads were told up to.
    pub(crate) checkpoint: Option<Checkpoint>,
}

impl Work {
    /// All pairs that are to be in the new segment.
    pub(crate) fn pairs(&self) -> Vec<(u64, Pdq)> {
        let n_segments: usize = self.segments.iter().map(|segment| segment.n_present()).sum();
        let n_heads: usize = self.heads.iter().map(|(_, len)| *len).sum();
        let mut pairs = Vec::with_capacity(n_segments + n_heads);
        for segment in &self.segments {
            let present = (0..segment.n_pairs()).filter(|pair| segment.stamps.is_present_at(*pair, self.stamp));
            pairs.extend(present.map(|pair| segment.pair(pair)));
        }
        for (head, len) in &self.heads {
            let present = (0..*len).filter(|slot| head.stamps.is_present_at(*slot, self.stamp));
            pairs.extend(present.map(|slot| (head.key(slot), head.code(slot))));
        }
        pairs
    }
}

impl Writer {
    pub(crate) fn new(head_codes: usize) -> Self {
        Self {
            segments: Arc::new([]),
            full: Vec::new(),
            full_heads: Arc::new([]),
            head: Arc::new(Head::new(head_codes)),
            head_len: 0,
            stamp: 0,
            len: 0,
            next_id: 1,
            checkpoint: None,
            head_codes,
        }
    }

    /// What a search that starts now may see.
    pub(crate) fn view(&self) -> View {
        View {
            segments: Arc::clone(&self.segments),
            full_heads: Arc::clone(&self.full_heads),
            head: Arc::clone(&self.head),
            head_len: self.head_len,
            stamp: self.stamp,
            len: self.len,
        }
    }

    /// Segments that were read from a disk.
    pub(crate) fn adopt(&mut self, segments: Vec<Segment>, next_id: u64, checkpoint: Option<Checkpoint>) {
        self.next_id = next_id.max(segments.iter().map(|segment| segment.id + 1).max().unwrap_or(1));
        self.len = segments.iter().map(Segment::n_present).sum();
        self.segments = segments.into_iter().map(Arc::new).collect();
        self.checkpoint = checkpoint;
    }

    /// Adds a pair, unless it is there.
    pub(crate) fn insert(&mut self, key: u64, code: Pdq) {
        if !self.places_of(key).iter().any(|place| self.code_at(*place) == code) {
            self.append(key, code);
        }
    }

    /// Removes every code of `key` and says how many there were.
    pub(crate) fn remove(&mut self, key: u64) -> usize {
        let places = self.places_of(key);
        self.strike(&places);
        places.len()
    }

    /// Gives a key exactly these codes.
    pub(crate) fn replace(&mut self, key: u64, codes: &[Pdq]) {
        let mut wanted: BTreeSet<Pdq> = codes.iter().copied().collect();
        let mut surplus = self.places_of(key);
        surplus.retain(|place| !wanted.remove(&self.code_at(*place)));
        self.strike(&surplus);
        for code in wanted {
            self.append(key, code);
        }
    }

    fn strike(&mut self, places: &[Place]) {
        if places.is_empty() {
            return;
        }
        self.stamp += 1;
        for place in places {
            let is_gone = match *place {
                Place::Segment(at, pair) => self.segments[at].stamps.remove(pair, self.stamp),
                Place::Full(at, slot) => self.full[at].head.stamps.remove(slot, self.stamp),
                Place::Head(slot) => self.head.stamps.remove(slot, self.stamp),
            };
            self.len -= usize::from(is_gone);
        }
    }

    /// Where the codes of a key lie that are there now.
    fn places_of(&self, key: u64) -> Vec<Place> {
        let mut places = Vec::new();
        for (at, segment) in self.segments.iter().enumerate() {
            let pairs = segment
                .pairs_of(key)
                .filter(|pair| segment.stamps.is_present_at(*pair, self.stamp));
            places.extend(pairs.map(|pair| Place::Segment(at, pair)));
        }
        for (at, full) in self.full.iter().enumerate() {
            let slots = full.head.slots_of(key, full.len).into_iter();
            let slots = slots.filter(|slot| full.head.stamps.is_present_at(*slot, self.stamp));
            places.extend(slots.map(|slot| Place::Full(at, slot)));
        }
        let slots = self.head.slots_of(key, self.head_len).into_iter();
        let slots = slots.filter(|slot| self.head.stamps.is_present_at(*slot, self.stamp));
        places.extend(slots.map(Place::Head));
        places
    }

    fn code_at(&self, place: Place) -> Pdq {
        match place {
            Place::Segment(at, pair) => self.segments[at].pair(pair).1,
            Place::Full(at, slot) => self.full[at].head.code(slot),
            Place::Head(slot) => self.head.code(slot),
        }
    }

    fn append(&mut self, key: u64, code: Pdq) {
        if self.head_len == self.head.capacity() {
            self.close_head();
        }
        self.head.write(self.head_len, key, code);
        self.head_len += 1;
        self.len += 1;
    }

    /// Puts the head aside, to become a segment, and begins another.
    pub(crate) fn close_head(&mut self) {
        if self.head_len == 0 {
            return;
        }
        let head = std::mem::replace(&mut self.head, Arc::new(Head::new(self.head_codes)));
        self.full.push(Full {
            head,
            len: self.head_len,
            checkpoint: self.checkpoint,
        });
        self.head_len = 0;
        self.list_heads();
    }

    pub(crate) fn n_full(&self) -> usize {
        self.full.len()
    }

    /// Whether every pair is in a segment.
    pub(crate) fn is_settled(&self) -> bool {
        self.head_len == 0 && self.full.is_empty()
    }

    pub(crate) fn sizes(&self) -> Vec<Size> {
        let size = |segment: &Arc<Segment>| Size {
            id: segment.id,
            n_pairs: segment.n_pairs(),
            n_present: segment.n_present(),
        };
        self.segments.iter().map(size).collect()
    }

    /// A number that no segment had.
    pub(crate) fn fresh_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id
    }

    /// All full heads, to become one segment.
    pub(crate) fn sealing(&mut self) -> Option<Work> {
        let checkpoint = self.full.last()?.checkpoint;
        Some(Work {
            id: self.fresh_id(),
            segments: Vec::new(),
            heads: self
                .full
                .iter()
                .map(|full| (Arc::clone(&full.head), full.len))
                .collect(),
            stamp: self.stamp,
            checkpoint,
        })
    }

    /// These segments, to become one.
    pub(crate) fn merging(&mut self, ids: &[u64]) -> Work {
        let segments = self.segments.iter().filter(|segment| ids.contains(&segment.id));
        let segments = segments.cloned().collect();
        Work {
            id: self.fresh_id(),
            segments,
            heads: Vec::new(),
            stamp: self.stamp,
            checkpoint: None,
        }
    }

    /// Puts what was made of the work in its place. What was removed since the work began is removed from it too.
    pub(crate) fn install(&mut self, work: &Work, made: Segment) {
        let mut gone = Vec::new();
        for segment in &work.segments {
            let after = segment.stamps.removed_after(work.stamp).into_iter();
            gone.extend(after.map(|(pair, stamp)| (segment.pair(pair as usize), stamp)));
        }
        for (head, _) in &work.heads {
            let after = head.stamps.removed_after(work.stamp).into_iter();
            gone.extend(after.map(|(slot, stamp)| ((head.key(slot as usize), head.code(slot as usize)), stamp)));
        }
        for ((key, code), stamp) in gone {
            let pair = made.pairs_of(key).find(|pair| made.pair(*pair).1 == code);
            if let Some(pair) = pair {
                made.stamps.remove(pair, stamp);
            }
        }
        let is_used = |segment: &Arc<Segment>| work.segments.iter().any(|used| Arc::ptr_eq(used, segment));
        let mut segments: Vec<_> = self.segments.iter().filter(|s| !is_used(s)).cloned().collect();
        if made.n_present() > 0 {
            segments.push(Arc::new(made));
        }
        self.segments = segments.into();
        self.full
            .retain(|full| !work.heads.iter().any(|(used, _)| Arc::ptr_eq(used, &full.head)));
        self.list_heads();
    }

    /// Adds a segment that was made of pairs of keys that were not there.
    pub(crate) fn add_segment(&mut self, made: Segment) {
        self.len += made.n_present();
        self.segments = self.segments.iter().cloned().chain([Arc::new(made)]).collect();
    }

    /// Whether any pair of these keys may be there: by their greatest and least.
    pub(crate) fn may_have(&self, keys: std::ops::RangeInclusive<u64>) -> bool {
        if self.head_len > 0 || !self.full.is_empty() {
            return true;
        }
        self.segments.iter().any(|segment| segment.may_have(&keys))
    }

    fn list_heads(&mut self) {
        self.full_heads = self
            .full
            .iter()
            .map(|full| (Arc::clone(&full.head), full.len))
            .collect();
    }
}
