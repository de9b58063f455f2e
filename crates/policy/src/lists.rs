//! Lists that are kept outside of the rules: millions of addresses, hashes, accounts. Only hashes of the entries are kept here.

use std::sync::Arc;

use crate::window::{KeyHasher, Seed};

/// The least changes that are kept beside a list before they are worked into it.
const RECENT_MIN: usize = 4_096;
/// Beyond that, one for so many entries of the list: a list that grows is written anew seldom.
const RECENT_SHARE: usize = 16;

/// Entries with the moment at which each ends. A clone shares the most of them.
#[derive(Debug, Clone, Default)]
struct ListEntries {
    settled: Arc<Settled>,
    /// What changed since, sorted by hash: the moment at which each ends, `i64::MIN` if it was taken away.
    recent: Vec<(u64, i64)>,
}

#[derive(Debug, Default)]
struct Settled {
    /// Hashes, sorted.
    hashes: Vec<u64>,
    /// When each ends, in milliseconds; empty if none does.
    ends: Vec<i64>,
}

impl Settled {
    /// Of rows in the order of their hashes.
    fn of(rows: &[(u64, i64)]) -> Self {
        let has_ends = rows.iter().any(|(_, ends)| *ends != i64::MAX);
        Self {
            hashes: rows.iter().map(|(hash, _)| *hash).collect(),
            ends: if has_ends {
                rows.iter().map(|(_, ends)| *ends).collect()
            } else {
                Vec::new()
            },
        }
    }

    fn ends(&self, hash: u64) -> Option<i64> {
        let idx = self.hashes.binary_search(&hash).ok()?;
        Some(self.ends.get(idx).copied().unwrap_or(i64::MAX))
    }

    fn rows(&self) -> impl Iterator<Item = (u64, i64)> {
        let ends = |idx| self.ends.get(idx).copied().unwrap_or(i64::MAX);
        self.hashes
            .iter()
            .enumerate()
            .map(move |(idx, hash)| (*hash, ends(idx)))
    }
}

impl ListEntries {
    /// When an entry ends, if it is there.
    fn ends(&self, hash: u64) -> Option<i64> {
        match self.recent.binary_search_by_key(&hash, |(known, _)| *known) {
            Ok(idx) => Some(self.recent[idx].1).filter(|ends| *ends != i64::MIN),
            Err(_) => self.settled.ends(hash),
        }
    }

    /// Follows changes, in the order of their hashes and each once.
    fn change(&mut self, rows: Vec<(u64, i64)>) {
        self.recent = merged(self.recent.drain(..), rows);
        if self.recent.len() > RECENT_MIN.max(self.settled.hashes.len() / RECENT_SHARE) {
            let mut rows = merged(self.settled.rows(), std::mem::take(&mut self.recent));
            rows.retain(|(_, ends)| *ends != i64::MIN);
            self.settled = Arc::new(Settled::of(&rows));
        }
    }

    fn len(&self) -> usize {
        let is_old = |hash: u64| self.settled.hashes.binary_search(&hash).is_ok();
        let mut n = self.settled.hashes.len();
        for (hash, ends) in &self.recent {
            match (is_old(*hash), *ends == i64::MIN) {
                (true, true) => n -= 1,
                (false, false) => n += 1,
                (true, false) | (false, true) => {}
            }
        }
        n
    }
}

/// Both in the order of their hashes; of a hash that both have the second holds.
fn merged(old: impl Iterator<Item = (u64, i64)>, rows: Vec<(u64, i64)>) -> Vec<(u64, i64)> {
    let mut old = old.peekable();
    let mut merged = Vec::with_capacity(old.size_hint().0 + rows.len());
    for row in rows {
        while let Some(before) = old.next_if(|(known, _)| *known < row.0) {
            merged.push(before);
        }
        let _ = old.next_if(|(known, _)| *known == row.0);
        merged.push(row);
    }
    merged.extend(old);
    merged
}

/// The lists that rules name.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    seed: Seed,
    lists: Vec<(String, ListEntries)>,
}

impl Lists {
    /// No lists yet.
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            lists: Vec::new(),
        }
    }

    /// Puts a list in the place of the one of this name. Entries may end; of an entry that stands twice the later end counts.
    pub fn put<'a>(&mut self, name: &str, entries: impl IntoIterator<Item = (&'a str, Option<i64>)>) {
        let mut rows: Vec<(u64, i64)> = entries
            .into_iter()
            .map(|(entry, ends)| (self.hash(entry), ends.unwrap_or(i64::MAX)))
            .collect();
        rows.sort_unstable_by_key(|(hash, ends)| (*hash, std::cmp::Reverse(*ends)));
        rows.dedup_by_key(|(hash, _)| *hash);
        let entries = ListEntries {
            settled: Arc::new(Settled::of(&rows)),
            recent: Vec::new(),
        };
        self.lists.retain(|(known, _)| known != name);
        self.lists.push((name.to_owned(), entries));
    }

    /// Makes an empty list, unless there is one of this name.
    pub fn open(&mut self, name: &str) {
        if !self.lists.iter().any(|(known, _)| known == name) {
            self.lists.push((name.to_owned(), ListEntries::default()));
        }
    }

    /// Forgets a list: afterwards it is unknown.
    pub fn forget(&mut self, name: &str) {
        self.lists.retain(|(known, _)| known != name);
    }

    /// Follows changes of a list: entries that were added or whose end moved, and at the moment `i64::MIN` such as were taken away. Only
    /// now and then is it a pass over the whole list.
    pub fn change<'a>(&mut self, name: &str, changes: impl IntoIterator<Item = (&'a str, Option<i64>)>) {
        let mut rows: Vec<(u64, i64)> = changes
            .into_iter()
            .map(|(entry, ends)| (self.hash(entry), ends.unwrap_or(i64::MAX)))
            .collect();
        // Of two changes of one entry the later holds.
        rows.reverse();
        rows.sort_by_key(|(hash, _)| *hash);
        rows.dedup_by_key(|(hash, _)| *hash);
        self.open(name);
        if let Some((_, entries)) = self.lists.iter_mut().find(|(known, _)| known == name) {
            entries.change(rows);
        }
    }

    /// How many entries a list has, those that have ended included.
    pub fn len(&self, name: &str) -> Option<usize> {
        let found = self.lists.iter().find(|(known, _)| known == name);
        found.map(|(_, entries)| entries.len())
    }

    /// Whether an entry is in a list at a moment; unknown if there is no such list.
    pub(crate) fn contains(&self, name: &str, entry: &str, at_ms: i64) -> Option<bool> {
        let (_, entries) = self.lists.iter().find(|(known, _)| known == name)?;
        Some(entries.ends(self.hash(entry)).is_some_and(|ends| at_ms < ends))
    }

    fn hash(&self, entry: &str) -> u64 {
        let mut hasher = KeyHasher::new(self.seed);
        hasher.part(b'l', entry.as_bytes());
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_grows_in_small_steps_and_clones_share_it() {
        let mut lists = Lists::default();
        let keys: Vec<String> = (0..20_000).map(|n| format!("k{n}")).collect();
        for some in keys.chunks(500) {
            lists.change("l", some.iter().map(|key| (key.as_str(), None)));
        }
        lists.change("l", keys.iter().step_by(2).map(|key| (key.as_str(), Some(i64::MIN))));
        lists.change("l", [("k0", Some(7)), ("new", None)]);
        let shared = lists.clone();
        lists.change("l", [("new", Some(i64::MIN)), ("k1", Some(i64::MIN))]);
        assert_eq!((lists.len("l"), shared.len("l")), (Some(10_000), Some(10_002)));
        let (before, after) = (&shared.lists[0].1, &lists.lists[0].1);
        assert!(
            Arc::ptr_eq(&before.settled, &after.settled),
            "only what changed is copied"
        );
        for (key, at, is_in) in [
            ("k0", 6, true),
            ("k0", 7, false),
            ("k1", 0, false),
            ("k2", 0, false),
            ("k3", 0, true),
        ] {
            assert_eq!(lists.contains("l", key, at), Some(is_in), "{key}");
        }
        assert_eq!(shared.contains("l", "new", 0), Some(true));
    }

    #[test]
    fn a_list_that_is_followed_is_the_list_that_was_put() {
        let mut followed = Lists::default();
        assert_eq!(followed.contains("l", "a", 0), None);
        followed.change("l", [("a", None), ("b", Some(10)), ("c", None)]);
        followed.change(
            "l",
            [("c", Some(i64::MIN)), ("d", Some(5)), ("d", Some(20)), ("b", None)],
        );
        followed.change("l", [("zz", Some(i64::MIN))]);
        let mut put = Lists::default();
        put.put("l", [("a", None), ("b", None), ("d", Some(20))]);
        for entry in ["a", "b", "c", "d", "zz"] {
            for at in [0, 15, 30] {
                assert_eq!(
                    followed.contains("l", entry, at),
                    put.contains("l", entry, at),
                    "{entry} {at}"
                );
            }
        }
        assert_eq!(followed.len("l"), Some(3));
        followed.forget("l");
        assert_eq!(followed.contains("l", "a", 0), None);
        followed.open("l");
        assert_eq!(followed.contains("l", "a", 0), Some(false));
    }
}
