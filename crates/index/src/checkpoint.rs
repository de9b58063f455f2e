//! How far the caller's changes are in the index: where to go on after a restart.

/// A place in the caller's stream of changes. The index keeps it and never interprets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which stream: a cursor of another one means nothing. What a disk held is of the stream that was told last, also where the cursor is
    /// an earlier one: removals lie on the disk before the cursor passes them.
    pub stream: [u8; 16],
    /// Everything up to here is in the index.
    pub cursor: i64,
}
