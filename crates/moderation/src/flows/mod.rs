//! The stories: each flow calls rooms in the order of what happens, and writes in one transaction.
//!
//! A flow checks first what its actor may do, then everything else that can be wrong, then acts. Ifs are here, loops are in
//! the rooms. No flow holds a transaction open while it talks to the network or to a media worker.

pub mod access;
pub mod actions;
mod again;
pub mod backup;
pub mod banks;
pub mod calibrate;
pub mod cases;
pub mod comments;
mod deciding;
mod due;
pub mod files;
pub mod follow;
pub mod hma;
mod hunt;
pub mod hunts;
pub mod incidents;
mod judgement;
mod judging;
pub mod leases;
pub mod lookup;
pub mod mail;
mod measures;
mod moot;
mod offering;
mod opening;
mod orders;
pub mod proposals;
pub mod quality;
pub mod rechecks;
mod remember;
pub mod resemble;
pub mod reveal;
pub mod routing;
pub mod rules;
mod scan;
pub mod scans;
pub mod shifts;
pub mod streams;
mod submission;
pub mod submit;
pub mod translate;
pub mod turn;
mod undo;
pub mod upkeep;
pub mod verify;
pub mod wishes;
