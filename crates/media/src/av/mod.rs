//! The host of videos, sounds and live streams: like [`crate::MediaHost`], with a worker of its own.
//!
//! FFmpeg's libraries decode them. A process that links these takes some eighty milliseconds to start and maps two hundred libraries, so neither the server nor the
//! picture worker does: `crates/av` builds a program of its own, `av-worker`, and [`AvHost`] starts one for each file or stream. The file *is* the
//! worker's standard input: the host opens it, the worker may read and seek it and nothing else. Of a live stream, standard input is a pipe.
//!
//! It must never know what a bank, a rule or a case is, and it keeps nothing.
//!
//! Where to start reading: [`AvHost::scan`], then `file.rs` (the life of one worker that scans a file), `live.rs` (of one that follows a stream),
//! `wire/` (what crosses the pipe) and, in `crates/av`, `run.rs`.

mod file;
mod gather;
mod gathered;
mod host;
mod limits;
mod live;
mod process;
mod program;
mod scan;
mod sniff;
mod sound;
#[doc(hidden)]
pub mod wire;
#[doc(hidden)]
pub mod worker;

pub(crate) use gather::Checker;
pub use host::{AvHost, AvSettings, AvStats};
pub use limits::AvLimits;
pub use live::{LiveEvent, LiveScan};
pub use program::{AvWorkerCommand, INSTALL_HINT, NoAvWorker};
pub use scan::{AvScan, AvWant, Progress, Sampling, StripPicture};
pub use sniff::is_av;
#[doc(hidden)]
pub use sniff::{SNIFF_BYTES, container_of};

/// Samples a second of the sound that a stream's events carry: one channel, 16 bits.
pub const SOUND_RATE: u32 = 11_025;
/// How much sound one byte of a waveform stands for.
pub const WAVEFORM_MS: u32 = 100;
/// From one picture of a live stream to the next, at least.
pub const LIVE_PICTURE_MS: u32 = 5_000;
/// Most pictures in the strip of a file.
pub const STRIP_PICTURES_MAX: usize = 24;

/// Leaves out every other one of a strip that is full.
#[doc(hidden)]
pub fn every_other<T>(strip: &mut Vec<T>) {
    let mut idx = 0;
    strip.retain(|_| {
        idx += 1;
        idx % 2 == 1
    });
}
