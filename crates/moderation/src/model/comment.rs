//! What people tell each other about a case. It is no part of any decision: nobody outside sees it, and no rule reads it.

use super::{CaseId, CommentId, Timestamp, UserId};

/// A comment on a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The case.
    pub case: CaseId,
    /// Who wrote it.
    pub author: UserId,
    /// When.
    pub at: Timestamp,
    /// What they wrote; nothing any more once they took it back.
    pub text: Option<String>,
}

impl Comment {
    /// The most characters of a comment.
    pub const LENGTH_MAX: usize = 2_000;
    /// The most comments on a case, those that were taken back included.
    pub const PER_CASE_MAX: usize = 200;
}
