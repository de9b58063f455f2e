//! How far the caller's changes are in the index: where to go on after a restart.

/// A place in the caller's stream of changes. The index keeps it and never interprets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which stream: a cursor of another one means nothing.
    pub stream: [u8; 16],
    /// Everything up to here is in the index.
    pub cursor: i64,
}
