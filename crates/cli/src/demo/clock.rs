//! A clock that can run behind: the demonstration's story is told as if each part of it happened when it says.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use moderation::model::{Clock, SystemClock, Timestamp};

/// The machine's clock, some time ago.
#[derive(Debug, Default)]
pub struct LaggingClock {
    lag_ms: AtomicI64,
}

impl LaggingClock {
    /// From now on the clock shows what the machine's clock showed this long ago.
    pub fn set_lag(&self, lag: Duration) {
        self.lag_ms
            .store(i64::try_from(lag.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for LaggingClock {
    fn now(&self) -> Timestamp {
        let lag = u64::try_from(self.lag_ms.load(Ordering::SeqCst)).unwrap_or(0);
        SystemClock.now().before(Duration::from_millis(lag))
    }
}
