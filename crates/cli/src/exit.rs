//! Exit codes, and how an error that ends the program is told.

use std::process::ExitCode;

/// How the program ended. The numbers are a contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: all that was asked for was done, and nothing is wrong.
    Success,
    /// 1: something failed or is wrong; what it was stands on standard error, or beside the data with `--json`.
    Failure,
    /// 2: the arguments or the configuration make no sense; nothing was done.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Success => ExitCode::SUCCESS,
            Exit::Failure => ExitCode::from(1),
            Exit::Usage => ExitCode::from(2),
        }
    }
}

/// The arguments are well-formed but make no sense, or the configuration does not: ends the program with [`Exit::Usage`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadUsage(pub String);

/// The reader of standard output went away, as `head` does: ends the program without a word.
#[derive(Debug, thiserror::Error)]
#[error("standard output is closed")]
pub struct OutputClosed;

/// Tells the error, unless nobody wants to hear, and chooses the exit code.
pub fn of_error(error: &anyhow::Error) -> Exit {
    if error.is::<OutputClosed>() {
        return Exit::Success;
    }
    tell(error);
    let usage = error.is::<BadUsage>() || error.chain().any(|cause| cause.is::<crate::config::ConfigError>());
    if usage { Exit::Usage } else { Exit::Failure }
}

/// Prints the error and all its causes on standard error, one line.
pub fn tell(error: &anyhow::Error) {
    crate::output::talk(&format!("seawall: {error:#}"));
}
