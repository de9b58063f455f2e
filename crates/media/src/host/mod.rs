//! The host: a pool of warm workers behind one `async` function.
//!
//! [`MediaHost::scan`] puts a file into the [`queue`]; a [`keeper`] thread takes it out, hands it to its worker
//! [`process`], and sends the result back.

mod keeper;
pub(crate) mod process;
mod queue;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::jail::{Part, ProcessLimits};
use crate::wire::FRAMES_MAX;
use crate::{Limits, Scan, ScanError, StartHostError, Want};
use keeper::Keeper;
use queue::{Job, Queue};

/// Below this a worker cannot decode anything of use.
const MEMORY_BYTES_MIN: u64 = 64 << 20;

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
    ///
    /// Named by the process and not by its path: while a server runs, a newer program may take the place of its file, and
    /// its workers must still start and still be of its own version.
    pub fn this_executable() -> std::io::Result<Self> {
        let program = PathBuf::from("/proc/self/exe");
        program.metadata()?;
        Ok(Self {
            program,
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

/// A pool of warm media workers. Dropping it stops them at once.
#[derive(Debug)]
pub struct MediaHost {
    shared: Arc<Shared>,
    missing_jail_parts: Vec<Part>,
    /// Closes when the last keeper thread has ended.
    keepers: tokio::sync::Mutex<mpsc::Receiver<Infallible>>,
}

/// What the host and its keepers have in common.
struct Shared {
    settings: HostSettings,
    queue: Queue,
    stats: Mutex<HostStats>,
    is_abandoned: AtomicBool,
}

impl MediaHost {
    /// Starts the workers and waits until each has greeted from inside its jail.
    pub async fn start(settings: HostSettings) -> Result<Self, StartHostError> {
        settings.check()?;
        let n_workers = settings.workers;
        let shared = Arc::new(Shared {
            queue: Queue::new(settings.limits.queue_max),
            stats: Mutex::default(),
            is_abandoned: AtomicBool::new(false),
            settings,
        });
        let (alive, keepers) = mpsc::channel(1);
        let (first, mut firsts) = mpsc::channel(n_workers);
        let mut host = Self {
            shared,
            missing_jail_parts: Vec::new(),
            keepers: tokio::sync::Mutex::new(keepers),
        };
        for _ in 0..n_workers {
            let mut keeper = Keeper::new(host.shared.clone());
            let (first, alive) = (first.clone(), alive.clone());
            let run = move || {
                let started = keeper.start_first();
                let goes_on = started.is_ok();
                // The host may have been dropped meanwhile; the queue is then closed.
                let _ = first.blocking_send(started);
                drop(first);
                if goes_on {
                    keeper.run();
                }
                drop(alive);
            };
            let program = host.shared.settings.worker.program.clone();
            std::thread::Builder::new()
                .name("media-keeper".to_owned())
                .spawn(run)
                .map_err(|source| StartHostError::Spawn { program, source })?;
        }
        drop((first, alive));
        // An error drops the host, and with it the workers that did start.
        while let Some(started) = firsts.recv().await {
            host.missing_jail_parts = started?;
        }
        Ok(host)
    }

    /// Scans one file. Waits for a free worker, at most [`Limits::queue_max`] callers at a time.
    ///
    /// Dropping the future before a worker took the file withdraws it; after that the worker finishes and its answer is
    /// thrown away. Either way the next file is not affected.
    pub async fn scan(&self, bytes: Bytes, want: Want) -> Result<Scan, ScanError> {
        let refused = if bytes.is_empty() {
            Some(ScanError::Empty)
        } else if bytes.len() > self.shared.settings.limits.bytes_max {
            Some(ScanError::TooLarge {
                bytes: bytes.len(),
                bytes_max: self.shared.settings.limits.bytes_max,
            })
        } else {
            None
        };
        let (reply, answer) = oneshot::channel();
        let queued = match refused {
            Some(error) => Err(error),
            None => self.shared.queue.push(Job { bytes, want, reply }),
        };
        if let Err(error) = queued {
            self.shared
                .count(|stats| *stats.failed.entry(error.kind()).or_default() += 1);
            return Err(error);
        }
        // A keeper that breaks off answers nothing; it is as good as no worker.
        answer.await.unwrap_or(Err(ScanError::NoWorker))
    }

    /// Stops taking scans, turns away those that wait, lets running ones finish within their time limit, and ends the
    /// workers.
    pub async fn shutdown(&self) {
        self.shared.queue.close();
        // Nothing is ever sent: the channel closes with the last keeper.
        self.keepers.lock().await.recv().await;
    }

    /// What one file may cost.
    pub fn limits(&self) -> &Limits {
        &self.shared.settings.limits
    }

    /// Counts since the start, for metrics.
    pub fn stats(&self) -> HostStats {
        let mut stats = self.shared.lock_stats().clone();
        stats.queued = self.shared.queue.len() as u64;
        stats
    }

    /// The parts of the jail that this system lacks and no other covers. Always empty with [`JailRequirement::Required`].
    pub fn missing_jail_parts(&self) -> &[Part] {
        &self.missing_jail_parts
    }
}

impl Drop for MediaHost {
    fn drop(&mut self) {
        self.shared.is_abandoned.store(true, Ordering::Relaxed);
        self.shared.queue.close();
    }
}

impl HostSettings {
    fn check(&self) -> Result<(), StartHostError> {
        let limits = &self.limits;
        let at_least_one = [
            ("workers", self.workers as u64),
            ("jobs_per_worker", self.jobs_per_worker.into()),
            ("bytes_max", limits.bytes_max as u64),
            ("pixels_max", limits.pixels_max),
            ("side_max", limits.side_max.into()),
            ("frames_max", limits.frames_max.into()),
            ("frames_decoded_max", limits.frames_decoded_max.into()),
            ("time_ms_max", limits.time_ms_max.into()),
            ("queue_max", limits.queue_max as u64),
        ];
        if let Some((name, _)) = at_least_one.into_iter().find(|(_, value)| *value == 0) {
            return Err(StartHostError::BadSetting {
                name,
                reason: "must be at least 1",
            });
        }
        if limits.frames_max > FRAMES_MAX {
            return Err(StartHostError::BadSetting {
                name: "frames_max",
                reason: "must be at most 1000",
            });
        }
        if limits.memory_bytes_max < MEMORY_BYTES_MIN {
            return Err(StartHostError::BadSetting {
                name: "memory_bytes_max",
                reason: "must be at least 64 MiB",
            });
        }
        Ok(())
    }

    fn process_limits(&self) -> ProcessLimits {
        let cpu_ms_max = u64::from(self.limits.time_ms_max) * u64::from(self.jobs_per_worker);
        ProcessLimits {
            memory_bytes_max: self.limits.memory_bytes_max,
            cpu_s_max: cpu_ms_max.div_ceil(1_000) + 1,
        }
    }
}

impl Shared {
    fn count(&self, change: impl FnOnce(&mut HostStats)) {
        change(&mut self.lock_stats());
    }

    fn workers_alive(&self) -> u64 {
        self.lock_stats().workers_alive
    }

    fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Relaxed)
    }

    fn lock_stats(&self) -> MutexGuard<'_, HostStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
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
