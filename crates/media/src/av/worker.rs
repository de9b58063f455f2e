//! The other side: what an `av-worker` does before and beside decoding. Its decoding stands in `crates/av`.

use std::io::Write as _;
use std::process::ExitCode;

use super::wire::{AvRequest, Body, REQUEST_ARG, encode};
use crate::jail::{self, Cell, Parts, ProcessLimits};
use crate::wire::Greeting;
use crate::worker::{LIMITS_ARG, settle_in};

/// What the host asked for, and the way to answer. The process is locked up.
pub struct Session {
    /// The request.
    pub request: AvRequest,
    output: std::io::Stdout,
}

/// The host is gone. There is nobody left to work for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

impl Session {
    /// Reads the command line, runs `rehearse`, locks the process up and greets. What libraries read once in a process's life, such as the time zone, is read in `rehearse`.
    pub fn begin(rehearse: impl FnOnce()) -> Result<Self, ExitCode> {
        let arg = |prefix| std::env::args().find_map(|arg| Some(arg.strip_prefix(prefix)?.to_owned()));
        let limits = arg(LIMITS_ARG).and_then(|limits| limits.parse::<ProcessLimits>().ok());
        let request = arg(REQUEST_ARG).and_then(|request| request.parse().ok());
        let (Some(limits), Some(request)) = (limits, request) else {
            eprintln!("av-worker: this is a part of Seawall that its media host starts; it is of no use by itself");
            return Err(ExitCode::from(2));
        };
        settle_in();
        rehearse();
        // The jail binds one thread. Should a library have started another, nothing would be locked up.
        let is_alone = n_threads() == 1;
        let parts = jail::lock(Cell::Av, limits);
        let parts = if is_alone { parts } else { Parts::default() };
        let mut session = Self {
            request,
            output: std::io::stdout(),
        };
        session
            .write(&Greeting { parts }.encode())
            .map_err(|Gone| ExitCode::FAILURE)?;
        Ok(session)
    }

    /// Sends a message. It waits while the host is busy.
    pub fn send(&mut self, body: &Body) -> Result<(), Gone> {
        self.write(&encode(body))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        let mut output = self.output.lock();
        output.write_all(bytes).and_then(|()| output.flush()).map_err(|_| Gone)
    }
}

fn n_threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}
