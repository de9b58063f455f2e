//! The host: a bounded number of workers at once, one for each file or stream.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::process::AvProcess;
use super::scan::{AvScan, AvWant, Progress};
use super::wire::AvRequest;
use super::{AvLimits, AvWorkerCommand, LiveScan, file, live};
use crate::jail::Part;
use crate::{JailRequirement, ScanError, StartHostError};

/// Below this not even the libraries' own tables fit.
const MEMORY_BYTES_MIN: u64 = 128 << 20;
/// Reports of progress that may wait for a caller; it may miss some.
const REPORTS_MAX: usize = 16;

/// How the host runs its workers.
#[derive(Debug, Clone)]
pub struct AvSettings {
    /// The program that becomes a worker.
    pub worker: AvWorkerCommand,
    /// How many files are scanned at once. One for each core that may be spent on them.
    pub scans_max: usize,
    /// How many live streams are followed at once.
    pub streams_max: usize,
    /// What one file or stream may cost.
    pub limits: AvLimits,
    /// Whether to run when the kernel lacks a part of the jail.
    pub jail: JailRequirement,
}

impl AvSettings {
    /// One scan for each core, 32 streams, default limits, the whole jail required.
    pub fn new(worker: AvWorkerCommand) -> Self {
        Self {
            worker,
            scans_max: std::thread::available_parallelism().map_or(1, usize::from),
            streams_max: 32,
            limits: AvLimits::default(),
            jail: JailRequirement::Required,
        }
    }

    fn check(&self) -> Result<(), StartHostError> {
        let limits = &self.limits;
        let at_least_one = [
            ("scans_max", self.scans_max as u64),
            ("streams_max", self.streams_max as u64),
            ("bytes_max", limits.bytes_max),
            ("pixels_max", limits.pixels_max),
            ("side_max", limits.side_max.into()),
            ("frames_max", limits.frames_max.into()),
            ("duration_ms_max", limits.duration_ms_max.into()),
            ("time_ms_max", limits.time_ms_max.into()),
            ("stall_ms_max", limits.stall_ms_max.into()),
            ("live_idle_ms_max", limits.live_idle_ms_max.into()),
            ("live_ms_max", limits.live_ms_max.into()),
            ("queue_max", limits.queue_max as u64),
            ("gathered_bytes_max", limits.gathered_bytes_max),
        ];
        let bad = |name, reason| Err(StartHostError::BadSetting { name, reason });
        if let Some((name, _)) = at_least_one.into_iter().find(|(_, value)| *value == 0) {
            return bad(name, "must be at least 1");
        }
        if limits.streams_max == 0 || limits.streams_max > 1_000 {
            return bad("streams_max", "must be 1 to 1000");
        }
        if limits.memory_bytes_max < MEMORY_BYTES_MIN {
            return bad("memory_bytes_max", "must be at least 128 MiB");
        }
        Ok(())
    }
}

/// Scans videos and sounds, and follows streams. Cheap to clone; nothing runs while nothing is scanned.
#[derive(Debug, Clone)]
pub struct AvHost {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: AvSettings,
    scans: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    stats: Mutex<AvStats>,
}

/// Counts since the host was made, and its present load.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AvStats {
    /// Files that were scanned.
    pub scanned: u64,
    /// Files and streams that were not, by [`ScanError::kind`].
    pub failed: BTreeMap<&'static str, u64>,
    /// Scans that went on where their worker was cut off.
    pub resumed: u64,
    /// How much of files was looked at, in milliseconds of their own time.
    pub looked_at_ms: u64,
    /// Scans that wait for their turn now.
    pub queued: u64,
    /// Scans that run now.
    pub running: u64,
    /// Streams that are followed now.
    pub streams: u64,
}

impl AvHost {
    /// Checks the settings; no worker is started.
    pub fn new(settings: AvSettings) -> Result<Self, StartHostError> {
        settings.check()?;
        Ok(Self {
            shared: Arc::new(Shared {
                scans: Arc::new(Semaphore::new(settings.scans_max)),
                streams: Arc::new(Semaphore::new(settings.streams_max)),
                stats: Mutex::default(),
                settings,
            }),
        })
    }

    /// Starts a worker, waits until it has greeted from inside its jail, and ends it: what keeps videos from being scanned is known before the first comes. Tells which
    /// parts of the jail this system lacks; none with [`JailRequirement::Required`].
    pub async fn try_worker(&self) -> Result<Vec<Part>, StartHostError> {
        let shared = self.shared.clone();
        let tried = in_thread("av-trial", move || {
            let request = AvRequest::new(AvWant::EVERYTHING, false, &shared.settings.limits);
            let (worker, _) = AvProcess::start(&shared.settings, request, std::process::Stdio::null())?;
            Ok(worker.missing_jail_parts().to_vec())
        });
        match tried {
            Ok(answer) => answer.await.unwrap_or_else(|_| unreachable!("the trial answers")),
            Err(source) => Err(StartHostError::Spawn {
                program: self.shared.settings.worker.program.clone(),
                source,
            }),
        }
    }

    /// Scans one file: a video or a sound. Waits for its turn, at most [`AvLimits::queue_max`] callers at a time.
    ///
    /// Dropping the future cancels: the worker is killed within a tenth of a second. `progress` is told about twice a second of work. Where a worker is killed, crashes or stalls,
    /// another goes on from there, at most [`AvLimits::resumes_max`] times: what comes of it is what would have come of one. A scan that was broken off for good
    /// can begin again at [`Progress::at_ms`] with [`AvWant::from_ms`].
    pub async fn scan(
        &self,
        file: File,
        want: AvWant,
        mut progress: impl FnMut(Progress),
    ) -> Result<AvScan, ScanError> {
        let result = async {
            let bytes = self.check_file(&file)?;
            let permit = self.take_turn().await?;
            let (reports, mut reported) = mpsc::channel(REPORTS_MAX);
            let cancel = CancelOnDrop(Arc::new(AtomicBool::new(false)));
            let is_cancelled = cancel.0.clone();
            let shared = self.shared.clone();
            let answer = in_thread("av-scan", move || {
                let _permit = permit;
                let _running = Counted::new(&shared, |stats| &mut stats.running);
                // A caller that is slow misses reports; the next one says as much.
                let report = |report| {
                    let _ = reports.try_send(report);
                };
                let resumed = || shared.count(|stats| stats.resumed += 1);
                file::scan(&shared.settings, &file, bytes, want, &is_cancelled, report, resumed)
            });
            let mut answer = answer.map_err(|error| ScanError::AvUnavailable {
                reason: format!("cannot start a thread: {error}"),
            })?;
            loop {
                tokio::select! {
                    biased;
                    Some(report) = reported.recv() => progress(report),
                    answer = &mut answer => break answer.unwrap_or(Err(ScanError::NoWorker)),
                }
            }
        };
        let result = result.await;
        self.shared.count(|stats| match &result {
            Ok(scan) => {
                stats.scanned += 1;
                stats.looked_at_ms += u64::from(scan.scanned_ms.saturating_sub(want.from_ms));
            }
            Err(error) => *stats.failed.entry(error.kind()).or_default() += 1,
        });
        result
    }

    /// Follows a live stream, MPEG-TS or fragmented MP4, whose bytes are fed as they come. `want.from_ms` means nothing here, and the
    /// pictures of `want.strip` come as they are shown.
    pub async fn open_stream(&self, want: AvWant) -> Result<LiveScan, ScanError> {
        let Ok(permit) = self.shared.streams.clone().try_acquire_owned() else {
            let error = ScanError::Busy {
                queue_max: self.shared.settings.streams_max,
            };
            self.shared.count_failure(&error);
            return Err(error);
        };
        let want = AvWant { from_ms: 0, ..want };
        let request = AvRequest::new(want, true, &self.shared.settings.limits);
        let shared = self.shared.clone();
        let opened = live::open(self.shared.settings.clone(), request, move |result| {
            drop(permit);
            if let Err(error) = result {
                shared.count_failure(error);
            }
        });
        opened.await.inspect_err(|error| self.shared.count_failure(error))
    }

    /// Counts since the start, for metrics.
    pub fn stats(&self) -> AvStats {
        let mut stats = self.shared.lock_stats().clone();
        let free = self.shared.streams.available_permits();
        stats.streams = self.shared.settings.streams_max.saturating_sub(free) as u64;
        stats
    }

    fn check_file(&self, file: &File) -> Result<u64, ScanError> {
        let unreadable = |reason: String| ScanError::AvUnavailable { reason };
        let metadata = file.metadata().map_err(|error| unreadable(error.to_string()))?;
        if !metadata.is_file() {
            return Err(unreadable("only a regular file can be scanned".to_owned()));
        }
        let (bytes, bytes_max) = (metadata.len(), self.shared.settings.limits.bytes_max);
        if bytes == 0 {
            return Err(ScanError::Empty);
        }
        if bytes > bytes_max {
            let shown = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
            return Err(ScanError::TooLarge {
                bytes: shown(bytes),
                bytes_max: shown(bytes_max),
            });
        }
        Ok(bytes)
    }

    async fn take_turn(&self) -> Result<OwnedSemaphorePermit, ScanError> {
        if let Ok(permit) = self.shared.scans.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let queue_max = self.shared.settings.limits.queue_max;
        if self.shared.lock_stats().queued >= queue_max as u64 {
            return Err(ScanError::Busy { queue_max });
        }
        let _queued = Counted::new(&self.shared, |stats| &mut stats.queued);
        let turn = self.shared.scans.clone().acquire_owned().await;
        turn.map_err(|_| ScanError::ShutDown)
    }
}

impl Shared {
    fn count(&self, change: impl FnOnce(&mut AvStats)) {
        change(&mut self.lock_stats());
    }

    fn count_failure(&self, error: &ScanError) {
        self.count(|stats| *stats.failed.entry(error.kind()).or_default() += 1);
    }

    fn lock_stats(&self) -> MutexGuard<'_, AvStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts in one field of the stats for as long as it lives.
struct Counted<'a> {
    shared: &'a Shared,
    field: fn(&mut AvStats) -> &mut u64,
}

impl<'a> Counted<'a> {
    fn new(shared: &'a Shared, field: fn(&mut AvStats) -> &mut u64) -> Self {
        shared.count(|stats| *field(stats) += 1);
        Self { shared, field }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.shared.count(|stats| *(self.field)(stats) -= 1);
    }
}

struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs on a thread of its own, whose end also ends the worker that it started.
fn in_thread<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<oneshot::Receiver<T>> {
    let (reply, answer) = oneshot::channel();
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(move || drop(reply.send(run())))?;
    Ok(answer)
}
