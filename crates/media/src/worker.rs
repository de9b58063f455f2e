//! The life of a worker: lock the jail, greet, then serve one file after the other until the host closes the pipe.

use std::process::ExitCode;

/// Runs a worker on standard input and output. Call it first of all in the process, before any thread is started.
pub fn main() -> ExitCode {
    ExitCode::FAILURE
}
