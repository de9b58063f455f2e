//! A table from keys to entries of sixteen bytes: open addressing, in shards, so that growing moves little at a time. What has
//! left its window is dropped when a shard would have to grow.

use super::entry::{Entry, kept_time, time_of};
use super::spill::Spill;
use super::{Reading, Refill, WindowKind, WindowSpec};

const SHARDS: usize = 64;
const SLOTS_MIN: usize = 8;

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// Zero is an empty slot.
    key: u64,
    entry: Entry,
}

#[derive(Debug, Clone, Default)]
struct Shard {
    slots: Vec<Slot>,
    used: usize,
    spills: Vec<Option<Box<Spill>>>,
    free: Vec<u32>,
}

/// All keys of a window.
#[derive(Debug, Clone)]
pub(super) struct Table {
    shards: Vec<Shard>,
    /// The newest time that any key has seen.
    pub(super) newest: u64,
    len: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            newest: 0,
            len: 0,
        }
    }
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn n_bytes(&self) -> usize {
        let of_shard = |shard: &Shard| {
            let spilled: usize = shard
                .spills
                .iter()
                .flatten()
                .map(|spill| size_of::<Spill>() + spill.n_bytes())
                .sum();
            shard.slots.capacity() * size_of::<Slot>() + shard.spills.capacity() * 8 + spilled
        };
        self.shards.iter().map(of_shard).sum()
    }

    pub(super) fn read(&self, spec: &WindowSpec, key: u64, time_ms: i64, own: Option<u64>) -> Reading {
        let shard = &self.shards[shard_of(key)];
        let found = shard.find(key).map(|idx| shard.slots[idx].entry);
        let entry = found.unwrap_or_default();
        let spill = entry.spilled().and_then(|idx| shard.spills[idx as usize].as_deref());
        let now = kept_time(time_ms);
        match spec.kind {
            WindowKind::Count | WindowKind::Sum => {
                let (from, to) = window(spec, now.max(newest_of(spec.kind, entry, spill)));
                let is_inside = |time: u64| from <= time as i64 && time as i64 <= to;
                let mut reading = match (spill, spec.kind) {
                    (Some(spill), _) => spill.sum(from, to),
                    (None, WindowKind::Count) => {
                        Reading::exact(entry.times().filter(|time| is_inside(*time)).count() as i64)
                    }
                    (None, _) if entry.n() > 0 && is_inside(entry.time(0)) => Reading::exact(entry.value() as i64),
                    (None, _) => Reading::exact(0),
                };
                if let Some(own) = own.filter(|_| is_inside(now)) {
                    let amount = if spec.kind == WindowKind::Count { 1 } else { own as i64 };
                    reading.value = reading.value.map(|value| value.saturating_add(amount));
                }
                reading
            }
            WindowKind::Distinct => {
                let (from, to) = window(spec, now.max(newest_of(spec.kind, entry, spill)));
                let is_inside = |time: u64| from <= time as i64 && time as i64 <= to;
                let own = own.filter(|_| is_inside(now));
                if let Some(spill) = spill {
                    return spill.distinct(from, to, own);
                }
                let held = (entry.n() > 0 && is_inside(entry.time(0))).then(|| entry.value());
                let is_new = own.is_some() && own != held;
                Reading::exact(i64::from(held.is_some()) + i64::from(is_new))
            }
            WindowKind::FirstSeen => {
                let held = (entry.n() > 0).then(|| entry.time(0));
                let own = own.map(|_| now);
                match (held, own) {
                    (None, None) => Reading::NOTHING,
                    (held, own) => Reading::exact(time_of(held.unwrap_or(u64::MAX).min(own.unwrap_or(u64::MAX)))),
                }
            }
            WindowKind::Since => {
                let last = entry.times().filter(|time| *time <= now).max();
                last.filter(|last| now - last <= spec.within_ms.unsigned_abs())
                    .map_or(Reading::NOTHING, |last| Reading::exact((now - last) as i64))
            }
            WindowKind::Quota(refill) => Reading::exact(i64::from(quota(entry, refill, now).0)),
            WindowKind::Session(refill) => {
                let (start, _) = session(entry, refill, now);
                start.map_or(Reading::NOTHING, |start| Reading::exact(now as i64 - start as i64))
            }
        }
    }

    /// Remembers; false if there is no place for another key.
    pub(super) fn apply(&mut self, spec: &WindowSpec, key: u64, time_ms: i64, value: u64, keys_max: usize) -> bool {
        let time = kept_time(time_ms);
        self.newest = self.newest.max(time);
        let horizon = spec.horizon_ms();
        let shard = &mut self.shards[shard_of(key)];
        let idx = match shard.find(key) {
            Some(idx) => idx,
            None => {
                let n_gone = shard.make_room(spec.kind, self.newest.saturating_sub(horizon.unsigned_abs()));
                self.len -= n_gone;
                if self.len >= keys_max {
                    return false;
                }
                self.len += 1;
                shard.insert(key, Entry::default())
            }
        };
        let entry = &mut shard.slots[idx].entry;
        let span = spec.within_ms + spec.ago_ms;
        if let Some(spilled) = entry.spilled() {
            if let Some(spill) = &mut shard.spills[spilled as usize] {
                match spec.kind {
                    WindowKind::Distinct => spill.add_value(value, time, horizon),
                    WindowKind::Count => spill.add(time, 1, span, horizon),
                    _ => spill.add(time, value as i64, span, horizon),
                }
            }
            return true;
        }
        match spec.kind {
            WindowKind::Count | WindowKind::Since => {
                let newest = entry.times().max().unwrap_or(0).max(time);
                let mut kept: Vec<u64> = entry
                    .times()
                    .filter(|kept| kept + horizon.unsigned_abs() >= newest)
                    .collect();
                kept.push(time);
                if kept.len() > 3 && spec.kind == WindowKind::Since {
                    // The latest three: enough for an event that comes a little late.
                    kept.sort_unstable();
                    kept.remove(0);
                }
                if kept.len() > 3 {
                    let points = kept.into_iter().map(|time| (time, 1)).collect();
                    let spilled = shard.spill(Spill::Points(points));
                    shard.slots[idx].entry = spilled;
                } else {
                    *entry = Entry::default();
                    kept.iter()
                        .enumerate()
                        .for_each(|(slot, time)| entry.set_time(slot, *time));
                    entry.set_n(kept.len());
                }
            }
            WindowKind::Sum => {
                let is_gone = entry.n() == 0 || entry.time(0) + horizon.unsigned_abs() < time;
                if is_gone {
                    entry.set_time(0, time);
                    entry.set_value(value);
                    entry.set_n(1);
                } else {
                    let points = vec![(entry.time(0), entry.value() as i64), (time, value as i64)];
                    let spilled = shard.spill(Spill::Points(points));
                    shard.slots[idx].entry = spilled;
                }
            }
            WindowKind::Distinct => {
                let is_gone = entry.n() == 0 || entry.time(0) + horizon.unsigned_abs() < time;
                if is_gone || entry.value() == value {
                    let last = if is_gone { time } else { time.max(entry.time(0)) };
                    entry.set_time(0, last);
                    entry.set_value(value);
                    entry.set_n(1);
                } else {
                    let mut items = vec![(entry.value(), entry.time(0)), (value, time)];
                    items.sort_unstable();
                    let newest = entry.time(0).max(time);
                    let spilled = shard.spill(Spill::Sample {
                        level: 0,
                        items,
                        newest,
                    });
                    shard.slots[idx].entry = spilled;
                }
            }
            WindowKind::FirstSeen => {
                let first = if entry.n() == 0 { time } else { time.min(entry.time(0)) };
                entry.set_time(0, first);
                entry.set_n(1);
            }
            WindowKind::Quota(refill) => *entry = quota(*entry, refill, time).1,
            WindowKind::Session(refill) => *entry = session(*entry, refill, time).1,
        }
        true
    }

    /// Every key, shard by shard and by key within, so that equal memories are written as equal bytes.
    pub(super) fn for_each(&self, mut give: impl FnMut(u64, Entry, Option<&Spill>)) {
        for shard in &self.shards {
            let mut slots: Vec<&Slot> = shard.slots.iter().filter(|slot| slot.key != 0).collect();
            slots.sort_unstable_by_key(|slot| slot.key);
            for slot in slots {
                let spill = slot
                    .entry
                    .spilled()
                    .and_then(|idx| shard.spills[idx as usize].as_deref());
                give(slot.key, slot.entry, spill);
            }
        }
    }

    /// Puts a key that was written down.
    pub(super) fn put(&mut self, kind: WindowKind, key: u64, entry: Entry, spill: Option<Spill>) {
        let shard = &mut self.shards[shard_of(key)];
        shard.make_room(kind, 0);
        let entry = match spill {
            Some(spill) => shard.spill(spill),
            None => entry,
        };
        if shard.find(key).is_none() {
            shard.insert(key, entry);
            self.len += 1;
        }
    }
}

impl Shard {
    fn find(&self, key: u64) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let mut idx = home(key, self.slots.len());
        loop {
            match self.slots[idx].key {
                0 => return None,
                found if found == key => return Some(idx),
                _ => idx = if idx + 1 == self.slots.len() { 0 } else { idx + 1 },
            }
        }
    }

    /// There is room: [`Shard::make_room`] was called.
    fn insert(&mut self, key: u64, entry: Entry) -> usize {
        let mut idx = home(key, self.slots.len());
        while self.slots[idx].key != 0 {
            idx = if idx + 1 == self.slots.len() { 0 } else { idx + 1 };
        }
        self.slots[idx] = Slot { key, entry };
        self.used += 1;
        idx
    }

    /// Makes room for one more: drops what is older than `oldest`, and grows by a quarter if that was little. Says how many were dropped.
    fn make_room(&mut self, kind: WindowKind, oldest: u64) -> usize {
        if (self.used + 1) * 4 <= self.slots.len() * 3 {
            return 0;
        }
        let old = std::mem::take(&mut self.slots);
        let is_kept = |slot: &Slot| {
            let spill = slot
                .entry
                .spilled()
                .and_then(|idx| self.spills[idx as usize].as_deref());
            slot.key != 0 && newest_of(kind, slot.entry, spill) >= oldest
        };
        let kept: Vec<bool> = old.iter().map(is_kept).collect();
        let n_kept = kept.iter().filter(|kept| **kept).count();
        let n_gone = self.used - n_kept;
        let room = (n_kept + 1) * 4 / 3 + 1;
        let size = if room * 5 > old.len() * 4 {
            (room * 5 / 4).max(SLOTS_MIN)
        } else {
            old.len()
        };
        self.slots = vec![Slot::default(); size];
        self.used = 0;
        for (slot, is_kept) in old.into_iter().zip(kept) {
            if is_kept {
                self.insert(slot.key, slot.entry);
            } else if let Some(spilled) = slot.entry.spilled().filter(|_| slot.key != 0) {
                self.spills[spilled as usize] = None;
                self.free.push(spilled);
            }
        }
        n_gone
    }

    fn spill(&mut self, spill: Spill) -> Entry {
        let spill = Some(Box::new(spill));
        if let Some(idx) = self.free.pop() {
            self.spills[idx as usize] = spill;
            return Entry::of_spilled(idx);
        }
        self.spills.push(spill);
        Entry::of_spilled(self.spills.len() as u32 - 1)
    }
}

fn shard_of(key: u64) -> usize {
    (key % SHARDS as u64) as usize
}

/// The slot where a key would stand if it were alone: its high bits, spread over the slots.
fn home(key: u64, n_slots: usize) -> usize {
    ((u128::from(key) * n_slots as u128) >> 64) as usize
}

/// From and to, both included.
fn window(spec: &WindowSpec, end: u64) -> (i64, i64) {
    let to = end as i64 - spec.ago_ms;
    (to - spec.within_ms, to)
}

fn newest_of(kind: WindowKind, entry: Entry, spill: Option<&Spill>) -> u64 {
    match (spill, kind) {
        (Some(spill), _) => spill.newest(),
        (None, WindowKind::Count | WindowKind::Since) => entry.times().max().unwrap_or(0),
        (None, WindowKind::Quota(_) | WindowKind::Session(_)) => entry.time(0).max(entry.time(1)),
        // The first sight of a key is the one thing that must not be forgotten because it is old.
        (None, WindowKind::FirstSeen) => u64::MAX,
        (None, WindowKind::Sum | WindowKind::Distinct) => entry.time(0),
    }
}

/// Tokens after refilling: in whole steps, and only when there are fewer than an event takes.
fn refilled(entry: Entry, refill: Refill, now: u64) -> (i32, u64) {
    if entry.n() == 0 {
        return (refill.max, now);
    }
    let (tokens, last) = (entry.tokens(), entry.time(1));
    if tokens >= refill.take {
        return (tokens, last);
    }
    let n = now.saturating_sub(last) / refill.every_ms.unsigned_abs();
    let added = i64::try_from(n)
        .unwrap_or(i64::MAX)
        .saturating_mul(i64::from(refill.amount));
    let tokens = i64::from(tokens).saturating_add(added).min(i64::from(refill.max));
    (tokens as i32, last + n * refill.every_ms.unsigned_abs())
}

/// What is left before this event takes its share, and the entry after it.
fn quota(entry: Entry, refill: Refill, now: u64) -> (i32, Entry) {
    let (tokens, mut last) = refilled(entry, refill, now);
    if tokens == 0 && refill.is_strict {
        last = now;
    }
    let mut after = Entry::default();
    after.set_n(1);
    after.set_time(0, now.max(entry.time(0)));
    after.set_time(1, last);
    after.set_tokens((tokens - refill.take).max(0));
    (tokens, after)
}

/// When the session began, if one goes on, and the entry after this event. A session goes on while its quota is used up.
fn session(entry: Entry, refill: Refill, now: u64) -> (Option<u64>, Entry) {
    let (tokens, mut last) = refilled(entry, refill, now);
    let start = if tokens >= refill.take { now } else { entry.time(0) };
    let going = (tokens == 0).then_some(start);
    if tokens == 0 {
        last = now;
    }
    let mut after = Entry::default();
    after.set_n(1);
    after.set_time(0, start);
    after.set_time(1, last);
    after.set_tokens((tokens - refill.take).max(0));
    (going, after)
}
