//! Sixteen bytes for a key: up to three times, or one value, or a quota. What needs more has a place beside the table.

/// Times are kept in forty bits of milliseconds from here: 2015 to 2049.
const EPOCH_MS: i64 = 1_420_070_400_000;
const TIME_BITS: u32 = 40;

/// What stands in the last byte of an entry that has its own place.
const SPILLED: u8 = 0xff;

/// The sixteen bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Entry(pub(super) [u8; 16]);

/// A time as it is kept; what lies outside is moved to the nearest that can be.
pub(super) fn kept_time(ms: i64) -> u64 {
    ms.saturating_sub(EPOCH_MS)
        .clamp(0, (1 << TIME_BITS) - 1)
        .unsigned_abs()
}

/// The instant that was kept.
pub(super) fn time_of(kept: u64) -> i64 {
    EPOCH_MS + kept as i64
}

impl Entry {
    /// How many times or values it holds.
    pub(super) fn n(self) -> usize {
        self.0[15] as usize
    }

    pub(super) fn set_n(&mut self, n: usize) {
        self.0[15] = n as u8;
    }

    pub(super) fn spilled(self) -> Option<u32> {
        (self.0[15] == SPILLED).then(|| u32::from_le_bytes([self.0[0], self.0[1], self.0[2], self.0[3]]))
    }

    pub(super) fn of_spilled(idx: u32) -> Self {
        let mut entry = Self::default();
        entry.0[..4].copy_from_slice(&idx.to_le_bytes());
        entry.0[15] = SPILLED;
        entry
    }

    pub(super) fn time(self, slot: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes[..5].copy_from_slice(&self.0[slot * 5..slot * 5 + 5]);
        u64::from_le_bytes(bytes)
    }

    pub(super) fn set_time(&mut self, slot: usize, time: u64) {
        self.0[slot * 5..slot * 5 + 5].copy_from_slice(&time.to_le_bytes()[..5]);
    }

    /// The times it holds.
    pub(super) fn times(self) -> impl Iterator<Item = u64> {
        (0..self.n().min(3)).map(move |slot| self.time(slot))
    }

    /// One value with its time, which stands in the first slot.
    pub(super) fn value(self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[5..13]);
        u64::from_le_bytes(bytes)
    }

    pub(super) fn set_value(&mut self, value: u64) {
        self.0[5..13].copy_from_slice(&value.to_le_bytes());
    }

    /// The tokens of a quota or session; its times stand in the first two slots.
    pub(super) fn tokens(self) -> i32 {
        i32::from_le_bytes([self.0[10], self.0[11], self.0[12], self.0[13]])
    }

    pub(super) fn set_tokens(&mut self, tokens: i32) {
        self.0[10..14].copy_from_slice(&tokens.to_le_bytes());
    }
}
