//! A keeper: the thread that looks after one worker for as long as the host lives.
//!
//! It starts the worker, hands it one file at a time, and replaces it when it died, misbehaved or has served long enough.
//! A thread, not a task, for two reasons: a worker is tied to the thread that started it (it dies with it, so that none
//! outlives its host), and moving megabytes through pipes in order is simplest without pretending otherwise.

use std::sync::Arc;
use std::time::{Duration, Instant};

use signal::{Md5, Sha256};
use tracing::{info, warn};

use super::process::{Broken, WorkerProcess};
use super::queue::Job;
use super::{JailRequirement, Shared};
use crate::jail::Part;
use crate::preview;
use crate::wire::{Finding, Refusal, Request};
use crate::{Scan, ScanError, StartHostError};

/// As many replacements may follow each other at once: bad files come in bursts.
const REPLACEMENTS_MAX: f64 = 32.0;
/// After that, so many a second. Each costs a few milliseconds of a core.
const REPLACEMENTS_PER_S: f64 = 8.0;
/// The wait after a worker could not be started; it doubles up to the longest.
const START_WAIT_MIN: Duration = Duration::from_millis(50);
const START_WAIT_MAX: Duration = Duration::from_secs(5);

pub(super) struct Keeper {
    shared: Arc<Shared>,
    worker: Option<WorkerProcess>,
    n_served: u32,
    next_id: u64,
    replacements: Allowance,
    start_wait: Duration,
    start_not_before: Instant,
}

/// Why a worker is replaced; each is counted.
#[derive(Debug, Clone, Copy)]
enum Cause {
    Served,
    Crashed,
    TimeLimit,
    MemoryLimit,
    JailViolation,
    BadAnswer,
}

impl Keeper {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let now = Instant::now();
        Self {
            shared,
            worker: None,
            n_served: 0,
            next_id: 0,
            replacements: Allowance::new(now),
            start_wait: START_WAIT_MIN,
            start_not_before: now,
        }
    }

    /// Starts the first worker; what it says decides whether the host starts.
    pub(super) fn start_first(&mut self) -> Result<Vec<Part>, StartHostError> {
        self.start()
    }

    /// Serves until the queue is closed.
    pub(super) fn run(mut self) {
        while !self.shared.queue.is_closed() {
            // Before a file is taken, so that no caller waits for a worker that does not come.
            if self.worker.is_none() && !self.start_when_due() {
                continue;
            }
            let Some(job) = self.shared.queue.pop() else { break };
            if self.worker.as_mut().is_some_and(|worker| !worker.is_alive()) {
                warn!("a media worker that was idle is gone");
                self.replace(Cause::Crashed);
                self.shared.queue.give_back(job);
                continue;
            }
            self.shared.count(|stats| stats.running += 1);
            let result = self.serve(&job);
            self.shared.count(|stats| {
                stats.running -= 1;
                match &result {
                    Ok(_) => stats.scanned += 1,
                    Err(error) => *stats.failed.entry(error.kind()).or_default() += 1,
                }
            });
            // The caller may have gone meanwhile.
            let _ = job.reply.send(result);
            if self.worker.is_some() && self.n_served >= self.shared.settings.jobs_per_worker {
                self.replace(Cause::Served);
            }
        }
        self.end_worker();
    }

    fn serve(&mut self, job: &Job) -> Result<Scan, ScanError> {
        let Some(worker) = &mut self.worker else {
            unreachable!("a file is taken only for a worker")
        };
        let limits = &self.shared.settings.limits;
        let request = Request {
            id: self.next_id,
            want: job.want,
            limits: limits.into(),
            size_bytes: job.bytes.len() as u64,
        };
        self.next_id += 1;
        let time_max = Duration::from_millis(limits.time_ms_max.into());
        let mut digests = None;
        // The host's own digests: a worker cannot lie about them, and on two cores they cost no time.
        let digest = || digests = Some((Md5::of(&job.bytes), Sha256::of(&job.bytes)));
        let answer = worker.exchange(&request, &job.bytes, time_max, || self.shared.is_abandoned(), digest);
        self.n_served += 1;

        let finding = match answer {
            Ok(Ok(finding)) => finding,
            Ok(Err(refusal)) => {
                return Err(match refusal {
                    Refusal::Unsupported(what) => ScanError::UnsupportedType { found: what.name() },
                    Refusal::Damaged(detail) => ScanError::Damaged { detail },
                    Refusal::TooManyPixels { width, height } => ScanError::TooManyPixels { width, height },
                    Refusal::Memory => ScanError::MemoryLimit {
                        memory_bytes_max: limits.memory_bytes_max,
                    },
                });
            }
            Err(broken) => {
                let (cause, error) = match broken {
                    Broken::TimeLimit => (
                        Cause::TimeLimit,
                        ScanError::TimeLimit {
                            time_ms_max: limits.time_ms_max,
                        },
                    ),
                    Broken::MemoryLimit => (
                        Cause::MemoryLimit,
                        ScanError::MemoryLimit {
                            memory_bytes_max: limits.memory_bytes_max,
                        },
                    ),
                    Broken::JailViolation => (Cause::JailViolation, ScanError::JailViolation),
                    Broken::Crashed { cause } => (Cause::Crashed, ScanError::WorkerCrashed { cause }),
                    Broken::BadAnswer(detail) => (Cause::BadAnswer, ScanError::BadAnswer { detail }),
                    Broken::Abandoned => {
                        self.end_worker();
                        return Err(ScanError::ShutDown);
                    }
                };
                warn!(kind = error.kind(), "a media worker is replaced: {error}");
                self.replace(cause);
                return Err(error);
            }
        };
        let Finding {
            media_type,
            width,
            height,
            frames_total,
            is_intact,
            frames,
            preview,
            looks,
        } = finding;
        let Some((md5, sha256)) = digests else {
            unreachable!("made before the answer was read")
        };
        let previews = preview.map(preview::make);
        Ok(Scan {
            media_type,
            width,
            height,
            frames_total,
            is_intact,
            md5,
            sha256,
            frames,
            previews,
            looks,
        })
    }

    /// Waits until a worker may be started and tries. When none is left anywhere, the callers that wait are told.
    fn start_when_due(&mut self) -> bool {
        self.shared
            .queue
            .pause(self.start_not_before.saturating_duration_since(Instant::now()));
        if self.shared.queue.is_closed() {
            return false;
        }
        let started = self.start().is_ok();
        if !started && self.shared.workers_alive() == 0 {
            let n_turned_away = self.shared.queue.turn_away(&ScanError::NoWorker) as u64;
            self.shared
                .count(|stats| *stats.failed.entry(ScanError::NoWorker.kind()).or_default() += n_turned_away);
        }
        started
    }

    fn start(&mut self) -> Result<Vec<Part>, StartHostError> {
        let settings = &self.shared.settings;
        let started = WorkerProcess::start(&settings.worker, settings.process_limits()).and_then(|worker| {
            let missing = worker.parts.missing();
            match settings.jail {
                JailRequirement::Required if !missing.is_empty() => Err(StartHostError::JailIncomplete {
                    missing: missing.iter().map(|part| part.name()).collect(),
                }),
                JailRequirement::Required | JailRequirement::BestEffort => Ok((worker, missing)),
            }
        });
        match started {
            Ok((worker, missing)) => {
                self.worker = Some(worker);
                self.n_served = 0;
                self.start_wait = START_WAIT_MIN;
                self.shared.count(|stats| {
                    stats.workers_started += 1;
                    stats.workers_alive += 1;
                });
                Ok(missing)
            }
            Err(error) => {
                warn!(error = %error, "a media worker did not start");
                self.shared.count(|stats| stats.restarts.not_started += 1);
                self.start_not_before = Instant::now() + self.start_wait;
                self.start_wait = (self.start_wait * 2).min(START_WAIT_MAX);
                Err(error)
            }
        }
    }

    /// Ends the worker; when the next may start depends on how many were replaced lately.
    fn replace(&mut self, cause: Cause) {
        self.end_worker();
        self.shared.count(|stats| {
            let restarts = &mut stats.restarts;
            *match cause {
                Cause::Served => &mut restarts.served,
                Cause::Crashed => &mut restarts.crashed,
                Cause::TimeLimit => &mut restarts.time_limit,
                Cause::MemoryLimit => &mut restarts.memory_limit,
                Cause::JailViolation => &mut restarts.jail_violation,
                Cause::BadAnswer => &mut restarts.bad_answer,
            } += 1;
        });
        let now = Instant::now();
        self.start_not_before = now + self.replacements.take(now);
        if self.start_not_before > now {
            info!("media workers are replaced so often that the next one waits");
        }
    }

    fn end_worker(&mut self) {
        if self.worker.take().is_some() {
            self.shared.count(|stats| stats.workers_alive -= 1);
        }
    }
}

/// So many at once, then so many a second.
struct Allowance {
    left: f64,
    counted_at: Instant,
}

impl Allowance {
    fn new(now: Instant) -> Self {
        Self {
            left: REPLACEMENTS_MAX,
            counted_at: now,
        }
    }

    /// How long to wait before the next one.
    fn take(&mut self, now: Instant) -> Duration {
        let gained = now.saturating_duration_since(self.counted_at).as_secs_f64() * REPLACEMENTS_PER_S;
        self.left = (self.left + gained).min(REPLACEMENTS_MAX) - 1.0;
        self.counted_at = now;
        match self.left {
            left if left >= 0.0 => Duration::ZERO,
            left => Duration::from_secs_f64(-left / REPLACEMENTS_PER_S),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_replacements_is_free_and_a_storm_is_slowed() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        for _ in 0..REPLACEMENTS_MAX as u32 {
            assert_eq!(allowance.take(start), Duration::ZERO);
        }
        assert_eq!(allowance.take(start), Duration::from_secs_f64(1.0 / REPLACEMENTS_PER_S));
        assert_eq!(allowance.take(start), Duration::from_secs_f64(2.0 / REPLACEMENTS_PER_S));
        assert_eq!(allowance.take(start + Duration::from_secs(60)), Duration::ZERO);
    }
}
