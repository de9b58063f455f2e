//! A searcher's view: what the index held at one moment.

use crate::collect::{Accept, Collector, Hits};
use crate::head::Head;
use crate::segment::{Scratch, Segment};
use signal::Pdq;
use std::fmt;
use std::sync::Arc;

/// What the index held when the snapshot was taken. Cheap to clone, safe to keep; a kept one keeps its memory.
#[derive(Clone)]
pub struct Snapshot {
    view: Arc<View>,
}

pub(crate) struct View {
    pub(crate) segments: Arc<[Arc<Segment>]>,
    /// Full heads that are not segments yet, each with its length.
    pub(crate) full_heads: Arc<[(Arc<Head>, usize)]>,
    pub(crate) head: Arc<Head>,
    pub(crate) head_len: usize,
    /// Codes removed by later changes are still there.
    pub(crate) stamp: u64,
    pub(crate) len: usize,
}

impl View {
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

impl Snapshot {
    pub(crate) fn new(view: Arc<View>) -> Self {
        Self { view }
    }

    /// The keys with a code at most `max_distance` bits from `query`, nearest first, at most `limit` of them.
    ///
    /// The codes near the complement of a code, those that differ from it in 256 − d bits, are found by a search for `!query`.
    pub fn search(&self, query: Pdq, max_distance: u32, limit: usize) -> Hits {
        self.search_one(query, Collector::new(max_distance, limit, None))
    }

    /// The same, counting only what `accept(key, distance)` lets pass: keys that have a threshold of their own, or that the caller knows to
    /// be out of force. What is not accepted takes no place of the `limit`.
    pub fn search_where(&self, query: Pdq, max_distance: u32, limit: usize, accept: &dyn Fn(u64, u32) -> bool) -> Hits {
        let accept: Accept<'_> = accept;
        self.search_one(query, Collector::new(max_distance, limit, Some(accept)))
    }

    /// The same as [`search`](Self::search) for many queries at once, answers in their order. Where codes are read in a row they are read once for
    /// all queries.
    pub fn search_many(&self, queries: &[Pdq], max_distance: u32, limit: usize) -> Vec<Hits> {
        let mut collectors: Vec<Collector<'_>> = queries
            .iter()
            .map(|_| Collector::new(max_distance, limit, None))
            .collect();
        self.collect(queries, &mut collectors);
        collectors.into_iter().map(Collector::finish).collect()
    }

    /// Number of (key, code) pairs.
    pub fn len(&self) -> usize {
        self.view.len()
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn search_one(&self, query: Pdq, collector: Collector<'_>) -> Hits {
        let mut collectors = [collector];
        self.collect(&[query], &mut collectors);
        let [collector] = collectors;
        collector.finish()
    }

    fn collect(&self, queries: &[Pdq], collectors: &mut [Collector<'_>]) {
        let View {
            segments,
            full_heads,
            head,
            head_len,
            stamp,
            ..
        } = &*self.view;
        let mut scratch = Scratch::default();
        for segment in segments.iter() {
            segment.collect(*stamp, queries, collectors, &mut scratch);
        }
        for (&query, collector) in queries.iter().zip(collectors) {
            for (full, len) in full_heads.iter() {
                full.collect(*len, *stamp, query, collector);
            }
            head.collect(*head_len, *stamp, query, collector);
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
