//! Lists that are kept outside of the rules: millions of addresses, hashes, accounts. Only hashes of the entries are kept here.

use crate::window::{KeyHasher, Seed};

/// Entries with the moment at which each ends.
#[derive(Debug, Clone, Default)]
pub struct ListEntries {
    /// Hashes, sorted.
    hashes: Vec<u64>,
    /// When each ends, in milliseconds; empty if none does.
    ends: Vec<i64>,
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
        let ends = if rows.iter().all(|(_, ends)| *ends == i64::MAX) {
            Vec::new()
        } else {
            rows.iter().map(|(_, ends)| *ends).collect()
        };
        let entries = ListEntries {
            hashes: rows.into_iter().map(|(hash, _)| hash).collect(),
            ends,
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

    /// Follows changes of a list: entries that were added or whose end moved, and at the moment `i64::MIN` such as were taken away. Costs one
    /// pass over the list, however many changes there are.
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
        let Some((_, entries)) = self.lists.iter_mut().find(|(known, _)| known == name) else {
            return;
        };
        let old_ends = std::mem::take(&mut entries.ends);
        let old = std::mem::take(&mut entries.hashes).into_iter().enumerate();
        let mut old = old
            .map(|(idx, hash)| (hash, old_ends.get(idx).copied().unwrap_or(i64::MAX)))
            .peekable();
        let mut merged: Vec<(u64, i64)> = Vec::with_capacity(old.len() + rows.len());
        for (hash, ends) in rows {
            while let Some(before) = old.next_if(|(known, _)| *known < hash) {
                merged.push(before);
            }
            let _ = old.next_if(|(known, _)| *known == hash);
            if ends != i64::MIN {
                merged.push((hash, ends));
            }
        }
        merged.extend(old);
        if merged.iter().any(|(_, ends)| *ends != i64::MAX) {
            entries.ends = merged.iter().map(|(_, ends)| *ends).collect();
        }
        entries.hashes = merged.into_iter().map(|(hash, _)| hash).collect();
    }

    /// How many entries a list has, those that have ended included.
    pub fn len(&self, name: &str) -> Option<usize> {
        let found = self.lists.iter().find(|(known, _)| known == name);
        found.map(|(_, entries)| entries.hashes.len())
    }

    /// Whether an entry is in a list at a moment; unknown if there is no such list.
    pub(crate) fn contains(&self, name: &str, entry: &str, at_ms: i64) -> Option<bool> {
        let (_, entries) = self.lists.iter().find(|(known, _)| known == name)?;
        let found = entries.hashes.binary_search(&self.hash(entry)).ok();
        Some(found.is_some_and(|idx| entries.ends.get(idx).is_none_or(|ends| at_ms < *ends)))
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
