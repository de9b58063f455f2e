//! What rules remember over time: counts, distinct values, sums, first and last times, quotas and sessions, for each key.
//!
//! Time is the event's own. A window ends at the event, or at the newest that its key has seen: a late event sees what came since, so
//! that the order in which events arrive does not hide what they are together. Its first and last instants belong to it.
//!
//! Reading changes nothing. [`State::apply`] takes what an evaluation says should be remembered; doing so once for each event is the
//! caller's part, so that a retry counts nothing twice. Nothing here depends on the clock, on chance or on threads.

mod entry;
mod persist;
mod spill;
mod table;

pub use persist::{PersistError, decode_bumps, encode_bumps};

use std::hash::Hasher;

use siphasher::sip::SipHasher13;
use table::Table;

/// Most keys of one window; a key beyond is not remembered, and counted in [`State::n_refused`].
pub const KEYS_MAX: usize = 50_000_000;
/// Longest window.
pub const WITHIN_MS_MAX: i64 = 400 * 86_400_000;

/// What keeps outsiders from making two keys collide. Chance is an argument: choose it once, keep it with the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seed(pub [u8; 16]);

/// What a window remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// How many events.
    Count,
    /// How many different values.
    Distinct,
    /// The sum of a number.
    Sum,
    /// When the first event was.
    FirstSeen,
    /// When the last event before this one was.
    Since,
    /// How many are left of a quota that is refilled.
    Quota(Refill),
    /// How long a session has gone on, once its quota was used up.
    Session(Refill),
}

/// How a quota is refilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Refill {
    /// How many there are at most, and at first.
    pub max: i32,
    /// How often it is refilled.
    pub every_ms: i64,
    /// With how many.
    pub amount: i32,
    /// How many an event takes.
    pub take: i32,
    /// Whether asking while there is nothing left starts the wait anew.
    pub is_strict: bool,
}

/// A window, as rules define it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowSpec {
    /// Made of everything that changes what is remembered: the same definition finds the same memory after a restart.
    pub id: u64,
    /// What it remembers.
    pub kind: WindowKind,
    /// How long it is.
    pub within_ms: i64,
    /// How long ago it ends.
    pub ago_ms: i64,
    /// As its author wrote it.
    pub text: String,
}

impl WindowSpec {
    /// How long something is kept: late events are still counted rightly within it.
    pub fn horizon_ms(&self) -> i64 {
        match self.kind {
            WindowKind::FirstSeen | WindowKind::Since => self.within_ms,
            WindowKind::Quota(refill) | WindowKind::Session(refill) => {
                let n = i64::from((refill.max + refill.amount - 1) / refill.amount) + 1;
                n.saturating_mul(refill.every_ms).min(WITHIN_MS_MAX)
            }
            WindowKind::Count | WindowKind::Distinct | WindowKind::Sum => {
                let lateness = self.within_ms.clamp(60_000, 86_400_000);
                self.within_ms + self.ago_ms + lateness
            }
        }
    }
}

/// Something to remember: what one event adds to one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bump {
    /// Which window, by its place among those of the rules.
    pub window: u32,
    /// The key.
    pub key: u64,
    /// The hash of the value, or the number; nothing for a count.
    pub value: u64,
    /// When.
    pub time_ms: i64,
}

/// What a window says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The number, the instant or the span; nothing if there is none.
    pub value: Option<i64>,
    /// How far the truth may lie from it; for distinct values twice the standard error. Nothing while it is exact.
    pub error: i64,
}

impl Reading {
    const fn exact(value: i64) -> Self {
        Self {
            value: Some(value),
            error: 0,
        }
    }

    const NOTHING: Self = Self { value: None, error: 0 };
}

/// All that the windows of a set of rules remember.
#[derive(Debug)]
pub struct State {
    seed: Seed,
    windows: Vec<(WindowSpec, Table)>,
    n_refused: u64,
    keys_max: usize,
}

impl State {
    /// An empty memory for these windows.
    pub fn new(windows: &[WindowSpec], seed: Seed) -> Self {
        Self {
            seed,
            windows: windows.iter().map(|spec| (spec.clone(), Table::default())).collect(),
            n_refused: 0,
            keys_max: KEYS_MAX,
        }
    }

    /// The same with another limit of keys for each window.
    pub fn with_keys_max(mut self, keys_max: usize) -> Self {
        self.keys_max = keys_max;
        self
    }

    /// Takes up other rules: windows that are still defined keep what they remember, new ones begin empty, the rest is forgotten.
    pub fn adapt(&mut self, windows: &[WindowSpec]) {
        let mut old = std::mem::take(&mut self.windows);
        for spec in windows {
            let kept = old.iter().position(|(known, _)| known.id == spec.id);
            let table = kept.map_or_else(Table::default, |idx| old.swap_remove(idx).1);
            self.windows.push((spec.clone(), table));
        }
    }

    /// A copy of what it holds of some windows.
    pub fn copy(&self, windows: &[WindowSpec]) -> State {
        let is_wanted = |spec: &WindowSpec| windows.iter().any(|wanted| wanted.id == spec.id);
        let copied = self.windows.iter().filter(|(spec, _)| is_wanted(spec));
        State {
            seed: self.seed,
            windows: copied.cloned().collect(),
            n_refused: 0,
            keys_max: self.keys_max,
        }
    }

    /// Takes what another memory holds of the windows that both know, in the place of its own.
    pub fn take_over(&mut self, mut other: State) {
        for (spec, table) in &mut self.windows {
            let known = other.windows.iter().position(|(known, _)| known.id == spec.id);
            if let Some(idx) = known {
                *table = other.windows.swap_remove(idx).1;
            }
        }
    }

    /// What it was made with.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// How many keys are remembered.
    pub fn n_keys(&self) -> usize {
        self.windows.iter().map(|(_, table)| table.len()).sum()
    }

    /// How many new keys were not remembered because a window was full.
    pub fn n_refused(&self) -> u64 {
        self.n_refused
    }

    /// How many bytes it takes, spilled keys included; without the allocator's own.
    pub fn n_bytes(&self) -> usize {
        self.windows.iter().map(|(_, table)| table.n_bytes()).sum()
    }

    /// What a window says of a key at a moment, as if the event's own bump had been remembered.
    pub fn read(&self, window: u32, key: u64, time_ms: i64, own: Option<u64>) -> Reading {
        let (spec, table) = &self.windows[window as usize];
        table.read(spec, key, time_ms, own)
    }

    /// Remembers what an event adds.
    pub fn apply(&mut self, bumps: &[Bump]) {
        for bump in bumps {
            let (spec, table) = &mut self.windows[bump.window as usize];
            if !table.apply(spec, bump.key, bump.time_ms, bump.value, self.keys_max) {
                self.n_refused += 1;
            }
        }
    }
}

/// Makes keys out of texts and numbers.
#[derive(Debug, Clone)]
pub(crate) struct KeyHasher(SipHasher13);

impl KeyHasher {
    pub(crate) fn new(seed: Seed) -> Self {
        Self(SipHasher13::new_with_key(&seed.0))
    }

    /// Parts are told apart by their lengths: ("ab", "c") is not ("a", "bc").
    pub(crate) fn part(&mut self, kind: u8, bytes: &[u8]) {
        self.0.write(&[kind]);
        self.0.write(&(bytes.len() as u64).to_le_bytes());
        self.0.write(bytes);
    }

    pub(crate) fn finish(&self) -> u64 {
        self.0.finish().max(1)
    }
}

/// The identity of a definition: the same in every build and on every machine.
pub(crate) fn stable_id(text: &str) -> u64 {
    let mut hasher = KeyHasher::new(Seed(*b"seawall window 1"));
    hasher.part(0, text.as_bytes());
    hasher.finish()
}
