//! What `hash`, `scan` and `bank make` share: files of this machine, read and hashed many at a time, without a store.
//!
//! [`files`] finds and reads them, [`hasher`] sends them through the media host in order, [`known`] compares what comes back with
//! a bank file, [`recordings`] its videos and sounds, [`progress`] shows how far it is, and [`target`] writes files that are whole or not there.

pub mod files;
pub mod hasher;
pub mod known;
pub mod progress;
pub mod recordings;
pub mod target;
