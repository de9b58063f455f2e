//! How often, and how many at once. Bodies have their own limits in `body.rs`.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use moderation::model::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many calls a second in the long run, and so many at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls a second in the long run.
    pub per_second: u32,
    /// Calls at once after a pause.
    pub burst: u32,
}

/// A bucket of calls for each caller. A bucket that is full again is forgotten, so that memory follows the callers of the
/// last seconds.
pub(crate) struct RateLimiter<K> {
    limit: RateLimit,
    buckets: Mutex<HashMap<K, Bucket>>,
}

/// Most callers that are remembered. When more than these call within the time that a bucket takes to fill, the new ones
/// share what the refused ones get: nothing. It takes that many addresses to get there.
const CALLERS_MAX: usize = 100_000;

/// Calls left, in thousandths, at a moment.
struct Bucket {
    millicalls: u64,
    at: Timestamp,
}

impl<K: Hash + Eq> RateLimiter<K> {
    pub fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            buckets: Mutex::new(HashMap::new()),
        }
    }

    /// Counts a call; the error says after how long the next will be allowed.
    pub fn take(&self, caller: K, now: Timestamp) -> Result<(), Duration> {
        let RateLimit { per_second, burst } = self.limit;
        let (per_second, full) = (u64::from(per_second.max(1)), u64::from(burst.max(1)) * 1000);
        let filled = |bucket: &Bucket| {
            let ms = u64::try_from(now.since(bucket.at).as_millis()).unwrap_or(u64::MAX);
            bucket
                .millicalls
                .saturating_add(ms.saturating_mul(per_second))
                .min(full)
        };
        // A poisoned lock means that another thread panicked in here; the counts are sound at every point.
        let mut buckets = self.buckets.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if buckets.len() >= CALLERS_MAX && !buckets.contains_key(&caller) {
            buckets.retain(|_, bucket| filled(bucket) < full);
            if buckets.len() >= CALLERS_MAX {
                return Err(Duration::from_secs(1));
            }
        }
        let bucket = buckets.entry(caller).or_insert(Bucket {
            millicalls: full,
            at: now,
        });
        bucket.millicalls = filled(bucket);
        bucket.at = bucket.at.max(now);
        match bucket.millicalls.checked_sub(1000) {
            Some(left) => {
                bucket.millicalls = left;
                Ok(())
            }
            None => Err(Duration::from_millis((1000 - bucket.millicalls).div_ceil(per_second))),
        }
    }
}

/// Places for the requests that are worked on.
pub(crate) struct Admission {
    places: Arc<Semaphore>,
    wait_max: Duration,
}

impl Admission {
    pub fn new(places: usize, wait_max: Duration) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            wait_max,
        }
    }

    /// A place, or none if none became free in time.
    pub async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        let place = self.places.clone().acquire_owned();
        // The semaphore is never closed; a closed one would mean "no place" all the same.
        tokio::time::timeout(self.wait_max, place).await.ok()?.ok()
    }

    /// Places that are free.
    pub fn free(&self) -> usize {
        self.places.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    #[test]
    fn a_burst_then_a_steady_rate() {
        let limiter = RateLimiter::new(RateLimit {
            per_second: 2,
            burst: 3,
        });
        for _ in 0..3 {
            assert_eq!(limiter.take("a", at(0)), Ok(()));
        }
        assert_eq!(limiter.take("a", at(0)), Err(Duration::from_millis(500)));
        assert_eq!(limiter.take("b", at(0)), Ok(()), "another caller has its own bucket");
        assert_eq!(limiter.take("a", at(499)), Err(Duration::from_millis(1)));
        assert_eq!(limiter.take("a", at(500)), Ok(()));
        assert!(limiter.take("a", at(500)).is_err());
        for _ in 0..3 {
            assert_eq!(
                limiter.take("a", at(60_000)),
                Ok(()),
                "a pause fills the bucket, and no more than fills it"
            );
        }
        assert!(limiter.take("a", at(60_000)).is_err());
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing_away() {
        let limiter = RateLimiter::new(RateLimit {
            per_second: 1,
            burst: 1,
        });
        assert_eq!(limiter.take("a", at(10_000)), Ok(()));
        assert!(limiter.take("a", at(5_000)).is_err());
        assert!(
            limiter.take("a", at(10_500)).is_err(),
            "the time that was stepped back is not counted twice"
        );
        assert_eq!(limiter.take("a", at(11_000)), Ok(()));
    }
}
