//! A searcher's view: what the index held at one moment.

use crate::collect::{Collector, Hits};
use crate::scan;
use crate::segment::{Head, Segment};
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
    pub fn search(&self, query: Pdq, max_distance: u32, limit: usize) -> Hits {
        let mut collectors = [Collector::new(max_distance, limit)];
        self.collect(&[query], &mut collectors);
        let [collector] = collectors;
        collector.finish()
    }

    /// The same for many queries at once, answers in their order. Each code is read from memory once for all queries.
    pub fn search_many(&self, queries: &[Pdq], max_distance: u32, limit: usize) -> Vec<Hits> {
        let mut collectors: Vec<Collector> = queries.iter().map(|_| Collector::new(max_distance, limit)).collect();
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

    fn collect(&self, queries: &[Pdq], collectors: &mut [Collector]) {
        let View {
            segments,
            head,
            head_len,
            stamp,
            ..
        } = &*self.view;
        for segment in segments.iter() {
            for (&query, collector) in queries.iter().zip(&mut *collectors) {
                scan::near(segment.planes(), query, collector.radius(), |slot, distance| {
                    if segment.is_present_at(slot, *stamp) {
                        collector.add(segment.key(slot), distance);
                    }
                });
            }
        }
        for slot in 0..*head_len {
            let code = head.code(slot);
            for (&query, collector) in queries.iter().zip(&mut *collectors) {
                let distance = code.distance(query);
                if distance <= collector.radius() && head.is_present_at(slot, *stamp) {
                    collector.add(head.key(slot), distance);
                }
            }
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
