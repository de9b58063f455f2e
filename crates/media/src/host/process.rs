//! One worker process, seen from the host: start it, hand it a file, read its answer within a time limit.
//!
//! Everything here blocks and runs on a keeper's thread. Both ends of each pipe are bounded: the host's ends never block,
//! and every wait has a deadline.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::WorkerCommand;
use crate::StartHostError;
use crate::jail::{Parts, ProcessLimits};
use crate::wire::{Answer, AnswerHeader, BadMessage, Greeting, Request, decode_answer};

/// How long a worker may take to lock itself up and greet. It takes milliseconds; a loaded machine may need seconds.
pub(crate) const GREETING_TIME_MAX: Duration = Duration::from_secs(20);
/// How long a worker whose pipe broke may take to be gone, before it is made to.
const GOING_TIME_MAX: Duration = Duration::from_millis(500);
/// How often a wait looks whether the host was dropped.
const LOOK_UP_EVERY: Duration = Duration::from_millis(100);
/// Large enough that a worker reads a typical picture in few turns. The system's limit for one process is 1 MiB.
const PIPE_BYTES: i32 = 1 << 20;
/// As much of a worker's last words as is read. They only help to tell one cause of death from another.
const LAST_WORDS_BYTES_MAX: usize = 4 << 10;

/// A worker that has greeted.
pub(super) struct WorkerProcess {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    errors: ChildStderr,
    pub(super) parts: Parts,
}

/// Why an exchange with a worker gave no answer. The worker is of no more use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    TimeLimit,
    MemoryLimit,
    JailViolation,
    Crashed {
        cause: String,
    },
    BadAnswer(&'static str),
    /// The host was dropped while the worker was busy.
    Abandoned,
}

impl WorkerProcess {
    pub(super) fn start(command: &WorkerCommand, limits: ProcessLimits) -> Result<Self, StartHostError> {
        let program = &command.program;
        let not_spawned = |source| StartHostError::Spawn {
            program: program.clone(),
            source,
        };
        let mut child = Command::new(program)
            .args(&command.args)
            .arg(limits.to_arg())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A terminal's interrupt is for the server, which ends its workers itself.
            .process_group(0)
            .spawn()
            .map_err(not_spawned)?;
        let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            unreachable!("all three were asked for");
        };
        // A smaller pipe is slower, nothing else: an unprivileged user's share may be used up.
        let _ = fcntl(&input, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
        let mut worker = Self {
            child,
            input,
            output,
            errors,
            parts: Parts::default(),
        };
        worker.parts = match worker.greeting() {
            Ok(Greeting { parts }) => parts,
            Err(reason) => {
                return Err(StartHostError::Greeting {
                    program: program.clone(),
                    reason,
                });
            }
        };
        Ok(worker)
    }

    fn greeting(&mut self) -> Result<Greeting, String> {
        for pipe in [self.input.as_fd(), self.output.as_fd(), self.errors.as_fd()] {
            never_block(pipe).map_err(|error| error.to_string())?;
        }
        let mut greeting = [0; Greeting::SIZE_BYTES];
        let deadline = Instant::now() + GREETING_TIME_MAX;
        match read_exact(&mut self.output, &mut greeting, deadline, || false) {
            Ok(()) => Greeting::decode(greeting).map_err(|BadMessage(reason)| reason.to_owned()),
            Err(Stop::Deadline | Stop::Abandoned) => Err("it was silent".to_owned()),
            Err(Stop::Closed) => Err(match self.bury() {
                Broken::Crashed { cause } => cause,
                other => format!("{other:?}"),
            }),
        }
    }

    /// The worker's answer to one file. `meanwhile` is run once the worker has all the bytes.
    pub(super) fn exchange(
        &mut self,
        request: &Request,
        bytes: &[u8],
        time_max: Duration,
        is_abandoned: impl Fn() -> bool,
        meanwhile: impl FnOnce(),
    ) -> Result<Answer, Broken> {
        let deadline = Instant::now() + time_max;
        let mut header = [0; AnswerHeader::SIZE_BYTES];
        let mut body = Vec::new();
        let exchange = || -> Result<(), Result<Stop, BadMessage>> {
            write_all(&mut self.input, &request.encode(), deadline, &is_abandoned).map_err(Ok)?;
            write_all(&mut self.input, bytes, deadline, &is_abandoned).map_err(Ok)?;
            meanwhile();
            read_exact(&mut self.output, &mut header, deadline, &is_abandoned).map_err(Ok)?;
            let size_bytes = AnswerHeader::decode(&header, request.id).map_err(Err)?.size_bytes;
            body.resize(size_bytes as usize, 0);
            read_exact(&mut self.output, &mut body, deadline, &is_abandoned).map_err(Ok)
        };
        match exchange() {
            Ok(()) => {}
            Err(Ok(Stop::Deadline)) => return Err(Broken::TimeLimit),
            Err(Ok(Stop::Abandoned)) => return Err(Broken::Abandoned),
            Err(Ok(Stop::Closed)) => return Err(self.bury()),
            Err(Err(BadMessage(reason))) => return Err(Broken::BadAnswer(reason)),
        }
        decode_answer(&body, request).map_err(|BadMessage(reason)| Broken::BadAnswer(reason))
    }

    /// Whether the worker is still there. One that was idle may have been killed from outside.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn bury(&mut self) -> Broken {
        bury(&mut self.child, &mut self.errors)
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // An error means that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a worker that closed its pipe is gone, and tells what it died of. Its standard error must not block.
pub(crate) fn bury(child: &mut Child, errors: &mut ChildStderr) -> Broken {
    let deadline = Instant::now() + GOING_TIME_MAX;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
            Ok(None) => return Broken::BadAnswer("the worker closed its pipe and stayed"),
            Err(error) => {
                return Broken::Crashed {
                    cause: error.to_string(),
                };
            }
        }
    };
    let mut words = vec![0; LAST_WORDS_BYTES_MAX];
    let n = errors.read(&mut words).unwrap_or(0);
    cause_of_death(status, &String::from_utf8_lossy(&words[..n]))
}

fn cause_of_death(status: ExitStatus, last_words: &str) -> Broken {
    match status.signal() {
        Some(libc::SIGSYS) => Broken::JailViolation,
        Some(libc::SIGXCPU) => Broken::TimeLimit,
        // What Rust's allocation error handler prints before it aborts. A worker that was taken over could print it too;
        // all it would gain is the name of its failure.
        Some(libc::SIGABRT) if last_words.contains("memory allocation of") => Broken::MemoryLimit,
        Some(number) => {
            let name = nix::sys::signal::Signal::try_from(number).map_or("unknown signal", |signal| signal.as_str());
            Broken::Crashed {
                cause: format!("killed by {name}"),
            }
        }
        None => Broken::Crashed {
            cause: format!("exited with {}", status.code().unwrap_or_default()),
        },
    }
}

/// Why a transfer ended early.
pub(crate) enum Stop {
    Deadline,
    Closed,
    Abandoned,
}

fn write_all(
    pipe: &mut ChildStdin,
    mut bytes: &[u8],
    deadline: Instant,
    is_abandoned: impl Fn() -> bool,
) -> Result<(), Stop> {
    while !bytes.is_empty() {
        match pipe.write(bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => {}
                ErrorKind::WouldBlock => wait(pipe.as_fd(), PollFlags::POLLOUT, deadline, &is_abandoned)?,
                _ => return Err(Stop::Closed),
            },
        }
    }
    Ok(())
}

pub(crate) fn read_exact(
    pipe: &mut ChildStdout,
    mut buffer: &mut [u8],
    deadline: Instant,
    is_abandoned: impl Fn() -> bool,
) -> Result<(), Stop> {
    while !buffer.is_empty() {
        match pipe.read(buffer) {
            Ok(0) => return Err(Stop::Closed),
            Ok(n) => buffer = &mut buffer[n..],
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => {}
                ErrorKind::WouldBlock => wait(pipe.as_fd(), PollFlags::POLLIN, deadline, &is_abandoned)?,
                _ => return Err(Stop::Closed),
            },
        }
    }
    Ok(())
}

/// Waits until the pipe is ready or closed, or until it is time to look up.
fn wait(
    pipe: BorrowedFd<'_>,
    ready: PollFlags,
    deadline: Instant,
    is_abandoned: impl Fn() -> bool,
) -> Result<(), Stop> {
    if is_abandoned() {
        return Err(Stop::Abandoned);
    }
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Stop::Deadline);
    }
    // Rounded up, so that the last wait does not spin through its final fraction of a millisecond.
    let timeout_ms = left.min(LOOK_UP_EVERY).as_millis() as u16 + 1;
    // An interruption is a reason to look again, as every other outcome is.
    let _ = poll(&mut [PollFd::new(pipe, ready)], PollTimeout::from(timeout_ms));
    Ok(())
}

pub(crate) fn never_block(pipe: BorrowedFd<'_>) -> nix::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(pipe, FcntlArg::F_GETFL)?);
    fcntl(pipe, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map(drop)
}
