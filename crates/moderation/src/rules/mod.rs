//! Rules: their versions, which of them counts, what they judged, and how that went.
//!
//! Owns the tables `rules_*`. It must never know what an item or a case is: it takes facts and gives answers. [`judge`] asks the rules,
//! in an order that every process on the store agrees on; start there.

pub mod alarms;
pub mod changes;
mod compiled;
pub mod differences;
mod engine;
pub mod firings;
pub mod judge;
pub mod labels;
pub mod lists;
pub mod log;
mod ready;
pub mod restrictions;
pub mod snapshots;
pub mod standing;
pub mod versions;

pub use judge::{Judge, Judged};
