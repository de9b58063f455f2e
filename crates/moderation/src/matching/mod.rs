//! Matching: which entries of the banks the signals of a file lie near to.
//!
//! [`Matcher`] holds what the banks' change feed told it; it never reads the banks' tables itself. [`evidence`] keeps what
//! was found, [`benign`] and [`benign_videos`] samples of what was not. Owns the tables `matching_*`. It must never know what a match leads to.

pub mod benign;
pub mod benign_videos;
pub mod evidence;
mod matcher;
mod recordings;
mod segments;

pub use index::{Damage, OpenError as OpenIndexError};
pub use matcher::{Followed, Found, MatchSettings, Matcher, MatcherStats, OpenedMatcher, Origin, Told};
pub use recordings::{Durations, Played, Recordings};

/// Bits between two keypoints that look alike.
pub const ALIKE_BITS: u32 = 31;
