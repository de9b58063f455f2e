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
