//! Live streams, and what was found out about one while it went on.

use std::collections::BTreeMap;

use policy::words;

use super::{Audience, CaseId, DecisionId, ItemId, Outcome, StreamId, Tier, Timestamp};

words! {
    /// How far a live stream is.
    StreamState, "a state of a stream" {
        /// It goes on.
        Open = "open",
        /// It is over.
        Closed = "closed",
        /// Seawall was stopped or lost it while it went on: what came since was looked at by nobody.
        Interrupted = "interrupted",
    }
}

/// A live stream as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Its id here.
    pub id: StreamId,
    /// The platform's own name for it, and of the item that it becomes when something is found in it.
    pub item: ItemId,
    /// Who streams.
    pub account: Option<String>,
    /// Where.
    pub channel: Option<String>,
    /// Who can see it.
    pub audience: Option<Audience>,
    /// Where it stands on the platform.
    pub url: Option<String>,
    /// How far it is.
    pub state: StreamState,
    /// Why it is over: a stable word such as `ended`, `idle`, `stopped`, or that of a scan's error.
    pub reason: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When something last came of it.
    pub seen_at: Timestamp,
    /// When it was over.
    pub closed_at: Option<Timestamp>,
    /// How far it was looked at, in its own time.
    pub at_ms: u32,
    /// Bytes that came.
    pub n_bytes: u64,
}

/// A stream to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStream {
    /// See [`Stream::item`].
    pub item: ItemId,
    /// See [`Stream::account`].
    pub account: Option<String>,
    /// See [`Stream::channel`].
    pub channel: Option<String>,
    /// See [`Stream::audience`].
    pub audience: Option<Audience>,
    /// See [`Stream::url`].
    pub url: Option<String>,
}

/// Something was found in a stream, or some of it cannot be looked at: told to the platform and to whoever listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamVerdict {
    /// Its number among those of all streams; later ones have greater numbers.
    pub seq: i64,
    /// The stream.
    pub stream: StreamId,
    /// The platform's own name for it.
    pub item: ItemId,
    /// How far the stream was, in its own time.
    pub at_ms: u32,
    /// The best of what was found; none if nothing was: rules speak against what is said, or a person is to look since not all of it was looked at.
    pub tier: Option<Tier>,
    /// What is to happen.
    pub outcome: Outcome,
    /// The decision that says so.
    pub decision: DecisionId,
    /// The case in which a person will look at it.
    pub case: Option<CaseId>,
    /// When it was decided.
    pub told_at: Timestamp,
}

/// Counts since this process began, and its present load.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamStats {
    /// Streams that are open here.
    pub open: u64,
    /// Streams that this process ended, by the reason.
    pub ended: BTreeMap<&'static str, u64>,
}
