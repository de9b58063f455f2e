//! Answers in the making: the nearest code of each key, the nearest keys first, no more than asked for.

/// A key with a code near the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hit {
    /// Bits that differ between the query and the key's nearest code.
    pub distance: u32,
    /// The key.
    pub key: u64,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hits {
    /// Every key once, sorted by distance, then key.
    pub hits: Vec<Hit>,
    /// Whether the limit cut off keys that lie within the distance too.
    pub capped: bool,
}

/// Bits of a code: no two lie further apart.
const BITS: u32 = 256;

/// Hits kept beyond the limit before the surplus is sorted out.
const SURPLUS_HITS: usize = 1024;

/// Which pairs count at all: each key may have a threshold of its own.
pub(crate) type Accept<'a> = &'a dyn Fn(u64, u32) -> bool;

pub(crate) struct Collector<'a> {
    found: Vec<Hit>,
    /// Nothing farther can enter the answer. Shrinks once there are more keys than asked for.
    radius: u32,
    limit: usize,
    capped: bool,
    accept: Option<Accept<'a>>,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(radius: u32, limit: usize, accept: Option<Accept<'a>>) -> Self {
        Self {
            found: Vec::new(),
            // Beyond, there is nothing; and one more than the greatest number is none.
            radius: radius.min(BITS),
            limit,
            capped: false,
            accept,
        }
    }

    #[inline]
    pub(crate) fn radius(&self) -> u32 {
        self.radius
    }

    pub(crate) fn add(&mut self, key: u64, distance: u32) {
        if distance > self.radius || self.accept.is_some_and(|accept| !accept(key, distance)) {
            return;
        }
        self.found.push(Hit { distance, key });
        if self.found.len() >= self.limit.saturating_mul(2).saturating_add(SURPLUS_HITS) {
            self.sort_out();
        }
    }

    pub(crate) fn finish(mut self) -> Hits {
        self.sort_out();
        Hits {
            hits: self.found,
            capped: self.capped,
        }
    }

    fn sort_out(&mut self) {
        self.found.sort_unstable_by_key(|hit| (hit.key, hit.distance));
        self.found.dedup_by_key(|hit| hit.key);
        self.found.sort_unstable();
        if self.found.len() > self.limit {
            self.found.truncate(self.limit);
            self.capped = true;
            if let Some(farthest) = self.found.last() {
                self.radius = farthest.distance;
            }
        }
    }
}
