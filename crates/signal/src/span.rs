//! A stretch of time in a recording.

/// From one moment to another, in milliseconds from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Where it begins.
    pub from_ms: u32,
    /// Where it ends; not before it begins.
    pub to_ms: u32,
}

impl Span {
    /// How long it is.
    pub fn len_ms(self) -> u32 {
        self.to_ms.saturating_sub(self.from_ms)
    }

    /// How long both are at once.
    pub fn overlap_ms(self, other: Self) -> u32 {
        self.to_ms
            .min(other.to_ms)
            .saturating_sub(self.from_ms.max(other.from_ms))
    }
}
