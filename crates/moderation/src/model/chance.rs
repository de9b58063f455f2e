//! The source of chance for ids and secrets, an argument like the clock.

use std::fmt;
use std::sync::{Mutex, MutexGuard};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A cryptographically strong random source that can be shared and, in tests, replayed.
pub struct Chance(Mutex<State>);

struct State {
    rng: StdRng,
    /// The time and noise of the newest id, so that ids of one millisecond still sort in the order they were made.
    newest_id: (u64, u128),
}

impl Chance {
    /// Seeded by the operating system: what a server uses.
    pub fn from_system() -> Result<Self, rand::rngs::SysError> {
        Ok(Self::new(StdRng::try_from_rng(&mut rand::rngs::SysRng)?))
    }

    /// The same draws for the same seed: for tests and for the demo's data.
    pub fn seeded(seed: u64) -> Self {
        Self::new(StdRng::seed_from_u64(seed))
    }

    fn new(rng: StdRng) -> Self {
        Self(Mutex::new(State { rng, newest_id: (0, 0) }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock means that another thread panicked between two draws; the generator itself is still sound.
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Fills `bytes` with chance.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.lock().rng.fill_bytes(bytes);
    }

    /// `N` bytes of chance.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// 80 bits for an id made at `unix_ms`: chance, or one more than the last if that was made in the same millisecond.
    pub(crate) fn id_noise(&self, unix_ms: u64) -> u128 {
        let mut state = self.lock();
        let noise = if state.newest_id.0 == unix_ms {
            state.newest_id.1 + 1
        } else {
            let mut bytes = [0u8; 16];
            state.rng.fill_bytes(&mut bytes[6..]);
            // Half of the range, so that counting up never leaves it.
            u128::from_be_bytes(bytes) >> 1
        };
        state.newest_id = (unix_ms, noise);
        noise
    }

    /// A number in `0..1`.
    pub fn unit(&self) -> f64 {
        // 53 bits are what an f64 can hold without rounding to 1.
        (u64::from_be_bytes(self.bytes()) >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}
