//! The life of a worker: lock the jail, greet, then serve one file after the other until the host closes the pipe.
//!
//! A worker has one thread, three pipes (standard input, output and error) and nothing else. It keeps nothing of a file
//! once it has answered.

use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::str::FromStr;

use nix::errno::Errno;
use nix::sys::signal::Signal;

use crate::decode;
use crate::jail::{self, Cell, ProcessLimits};
use crate::wire::{BadMessage, Greeting, Refusal, Request, encode_answer};

/// The argument that the host appends to the worker's command: the limits the process puts on itself.
pub(crate) const LIMITS_ARG: &str = "--limits=";
/// A larger file's buffer is given back after the file was served.
const BUFFER_KEPT_BYTES_MAX: usize = 16 << 20;

/// Runs a worker on standard input and output until the host closes the pipe.
///
/// Call it first of all in the process, before any thread is started. It finds the argument that the host appended to
/// [`crate::WorkerCommand::args`] by itself; a program that parses its arguments must let it pass.
pub fn main() -> ExitCode {
    main_with(|_| ())
}

/// [`main`], which shows each file's bytes to `before_each` inside the jail before it decodes them. For tests of the
/// jail: a worker that misbehaves is this one with a `before_each` that does.
#[doc(hidden)]
pub fn main_with(before_each: fn(&[u8])) -> ExitCode {
    let limits = std::env::args().find_map(|arg| arg.strip_prefix(LIMITS_ARG)?.parse().ok());
    let Some(limits) = limits else {
        eprintln!("media-worker: this is a part of Seawall that its media host starts; it is of no use by itself");
        return ExitCode::from(2);
    };
    match live(limits, before_each) {
        Ok(()) => ExitCode::SUCCESS,
        Err(End::Pipe(error)) => {
            eprintln!("media-worker: a pipe broke: {error}");
            ExitCode::FAILURE
        }
        Err(End::Protocol(BadMessage(reason))) => {
            eprintln!("media-worker: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Why a worker ends before its host says so.
enum End {
    Pipe(Errno),
    Protocol(BadMessage),
}

fn live(limits: ProcessLimits, before_each: fn(&[u8])) -> Result<(), End> {
    settle_in();
    let parts = jail::lock(Cell::Pictures, limits);

    let (input, output) = (std::io::stdin(), std::io::stdout());
    let (input, output) = (input.as_fd(), output.as_fd());
    write_all(output, &Greeting { parts }.encode())?;
    let mut buffer = Vec::new();
    loop {
        let mut header = [0; Request::SIZE_BYTES];
        if !read_exact(input, &mut header)? {
            return Ok(());
        }
        let request = Request::decode(&header).map_err(End::Protocol)?;
        let size_bytes = request.size_bytes as usize;
        if buffer.len() < size_bytes {
            buffer.resize(size_bytes, 0);
        }
        let bytes = &mut buffer[..size_bytes];
        if !read_exact(input, bytes)? {
            return Ok(());
        }
        let answer = catch_unwind(AssertUnwindSafe(|| {
            before_each(bytes);
            decode::scan(bytes, request.want, request.limits)
        }));
        let answer = answer.unwrap_or_else(|_| Err(Refusal::Damaged("a decoder gave up on it".to_owned())));
        write_all(output, &encode_answer(request.id, &answer))?;
        if buffer.len() > BUFFER_KEPT_BYTES_MAX {
            buffer = Vec::new();
        }
    }
}

/// What every worker does before it locks itself up.
pub(crate) fn settle_in() {
    std::panic::set_hook(Box::new(|panic| {
        // Where, never what: the message may quote the file.
        if let Some(place) = panic.location() {
            eprintln!("worker: panic at {place}");
        }
    }));
    // Should the host be killed, its workers go with it. Neither call can fail on a kernel that has landlock.
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    let _ = nix::sys::prctl::set_dumpable(false);
    close_inherited_descriptors();
}

/// The host opens every file so that it closes when a program starts, but a library or the host's own parent may not.
fn close_inherited_descriptors() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    let names = open.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let descriptors: Vec<i32> = names
        .filter_map(|name| name.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for descriptor in descriptors {
        // The one that listed the others is closed already.
        let _ = nix::unistd::close(descriptor);
    }
}

/// False when the pipe was closed before the first byte, which is how the host says goodbye. A host that dies in the
/// middle of a file has nothing more to say either.
fn read_exact(pipe: BorrowedFd<'_>, mut buffer: &mut [u8]) -> Result<bool, End> {
    while !buffer.is_empty() {
        match nix::unistd::read(pipe, buffer) {
            Ok(0) => return Ok(false),
            Ok(n) => buffer = &mut buffer[n..],
            Err(Errno::EINTR) => {}
            Err(error) => return Err(End::Pipe(error)),
        }
    }
    Ok(true)
}

fn write_all(pipe: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), End> {
    while !bytes.is_empty() {
        match nix::unistd::write(pipe, bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(Errno::EINTR) => {}
            Err(error) => return Err(End::Pipe(error)),
        }
    }
    Ok(())
}

impl ProcessLimits {
    /// The form in which the limits travel on the worker's command line: `memory_bytes:1073741824,cpu_s:600`.
    pub(crate) fn to_arg(self) -> String {
        format!(
            "{LIMITS_ARG}memory_bytes:{},cpu_s:{}",
            self.memory_bytes_max, self.cpu_s_max
        )
    }
}

impl FromStr for ProcessLimits {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (memory, cpu) = text.split_once(',').ok_or(())?;
        let number = |text: &str, name| text.strip_prefix(name).and_then(|number| number.parse().ok()).ok_or(());
        Ok(Self {
            memory_bytes_max: number(memory, "memory_bytes:")?,
            cpu_s_max: number(cpu, "cpu_s:")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_back_from_the_command_line() {
        let limits = ProcessLimits {
            memory_bytes_max: 1 << 40,
            cpu_s_max: 7,
        };
        assert_eq!(limits.to_arg().strip_prefix(LIMITS_ARG).unwrap().parse(), Ok(limits));
        for text in [
            "",
            "memory_bytes:1",
            "memory_bytes:1,cpu_s:",
            "cpu_s:1,memory_bytes:1",
            "memory_bytes:-1,cpu_s:1",
        ] {
            assert_eq!(text.parse::<ProcessLimits>(), Err(()), "{text}");
        }
    }
}
