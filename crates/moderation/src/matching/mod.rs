//! Matching: which entries of the banks the signals of a file lie near to.
//!
//! [`Matcher`] holds what the banks' change feed told it; it never reads the banks' tables itself. [`evidence`] keeps what
//! was found. Owns the tables `matching_*`. It must never know what a match leads to.

pub mod evidence;
mod matcher;

pub use index::{Damage, OpenError as OpenIndexError};
pub use matcher::{Followed, Found, MatchSettings, Matcher, MatcherStats, Origin};
