//! One av-worker process, seen from the host: start it, read its messages within their time.

use std::os::fd::AsFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::AvSettings;
use super::wire::{self, AvRequest, Body, HEADER_BYTES};
use crate::host::process::{Broken, GREETING_TIME_MAX, Stop, bury, never_block, read_exact};
use crate::jail::{Part, Parts, ProcessLimits};
use crate::wire::{BadMessage, Greeting};
use crate::{JailRequirement, ScanError, StartHostError};

/// The C library gives memory back to the system after every frame and takes it again for the next, a tenth of all the time. The worker lives as long as its file: it may
/// keep what it has, within its limit.
const ALLOCATOR: [(&str, &str); 3] = [
    ("MALLOC_TRIM_THRESHOLD_", "536870912"),
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
    ("MALLOC_TOP_PAD_", "16777216"),
];

/// A worker that has greeted. Dropped, it is killed.
pub(super) struct AvProcess {
    child: Child,
    output: ChildStdout,
    errors: ChildStderr,
    missing: Vec<Part>,
    body: Vec<u8>,
}

impl AvProcess {
    /// `input` becomes standard input: the file, or a pipe whose other end is then returned too.
    pub(super) fn start(
        settings: &AvSettings,
        request: AvRequest,
        input: Stdio,
    ) -> Result<(Self, Option<ChildStdin>), StartHostError> {
        let program = &settings.worker.program;
        let limits = &settings.limits;
        let time_ms_max = if request.is_live {
            limits.live_ms_max
        } else {
            limits.time_ms_max
        };
        let process_limits = ProcessLimits {
            memory_bytes_max: limits.memory_bytes_max,
            cpu_s_max: u64::from(time_ms_max).div_ceil(1_000) + 1,
        };
        let mut child = Command::new(program)
            .args(&settings.worker.args)
            .arg(process_limits.to_arg())
            .arg(request.to_arg())
            .env_clear()
            .envs(ALLOCATOR)
            .current_dir("/")
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|source| StartHostError::Spawn {
                program: program.clone(),
                source,
            })?;
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            unreachable!("both were asked for");
        };
        let input = child.stdin.take();
        let mut process = Self {
            child,
            output,
            errors,
            missing: Vec::new(),
            body: Vec::new(),
        };
        let parts = process.greeting().map_err(|reason| StartHostError::Greeting {
            program: program.clone(),
            reason,
        })?;
        process.missing = parts.missing();
        match settings.jail {
            JailRequirement::Required if !process.missing.is_empty() => Err(StartHostError::JailIncomplete {
                missing: process.missing.iter().map(|part| part.name()).collect(),
            }),
            JailRequirement::Required | JailRequirement::BestEffort => Ok((process, input)),
        }
    }

    fn greeting(&mut self) -> Result<Parts, String> {
        for pipe in [self.output.as_fd(), self.errors.as_fd()] {
            never_block(pipe).map_err(|error| error.to_string())?;
        }
        let mut greeting = [0; Greeting::SIZE_BYTES];
        let deadline = Instant::now() + GREETING_TIME_MAX;
        match read_exact(&mut self.output, &mut greeting, deadline, || false) {
            Ok(()) => match Greeting::decode(greeting) {
                Ok(Greeting { parts }) => Ok(parts),
                Err(BadMessage(reason)) => Err(reason.to_owned()),
            },
            Err(Stop::Deadline | Stop::Abandoned) => Err("it was silent".to_owned()),
            Err(Stop::Closed) => Err(match bury(&mut self.child, &mut self.errors) {
                Broken::Crashed { cause } => cause,
                other => format!("{other:?}"),
            }),
        }
    }

    /// Parts of the jail that this system lacks.
    pub(super) fn missing_jail_parts(&self) -> &[Part] {
        &self.missing
    }

    /// The next message. `is_abandoned` is asked ten times a second.
    pub(super) fn next(&mut self, deadline: Instant, is_abandoned: impl Fn() -> bool) -> Result<Body, Broken> {
        let mut header = [0; HEADER_BYTES];
        let read = read_exact(&mut self.output, &mut header, deadline, &is_abandoned);
        self.check(read)?;
        let bad = |BadMessage(reason)| Broken::BadAnswer(reason);
        let (kind, size_bytes) = wire::decode_header(header).map_err(bad)?;
        self.body.resize(size_bytes, 0);
        let read = read_exact(&mut self.output, &mut self.body, deadline, &is_abandoned);
        self.check(read)?;
        wire::decode(kind, &self.body).map_err(bad)
    }

    fn check(&mut self, read: Result<(), Stop>) -> Result<(), Broken> {
        match read {
            Ok(()) => Ok(()),
            Err(Stop::Deadline) => Err(Broken::TimeLimit),
            Err(Stop::Abandoned) => Err(Broken::Abandoned),
            Err(Stop::Closed) => Err(bury(&mut self.child, &mut self.errors)),
        }
    }
}

impl Drop for AvProcess {
    fn drop(&mut self) {
        // An error means that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a worker's end means for its file. A deadline and a caller that went are for the caller to name.
pub(super) fn scan_error(broken: Broken, settings: &AvSettings) -> ScanError {
    match broken {
        Broken::TimeLimit => ScanError::TimeLimit {
            time_ms_max: settings.limits.time_ms_max,
        },
        Broken::MemoryLimit => ScanError::MemoryLimit {
            memory_bytes_max: settings.limits.memory_bytes_max,
        },
        Broken::JailViolation => ScanError::JailViolation,
        Broken::Crashed { cause } => ScanError::WorkerCrashed { cause },
        Broken::BadAnswer(detail) => ScanError::BadAnswer { detail },
        Broken::Abandoned => ScanError::ShutDown,
    }
}

/// A worker that did not start is nobody's file's fault.
pub(super) fn unavailable(error: &StartHostError) -> ScanError {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        reason = format!("{reason}: {error}");
        source = error.source();
    }
    ScanError::AvUnavailable { reason }
}

/// The moment after which a wait is over; far away when a limit is larger than any clock.
pub(super) fn deadline(from: Instant, wait_ms: u32) -> Instant {
    from + Duration::from_millis(wait_ms.into())
}
