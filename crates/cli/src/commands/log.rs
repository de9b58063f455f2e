//! Where log lines go: standard error, for people or for machines.

use tracing_subscriber::EnvFilter;

use crate::config::sections::{Log, LogFormat};
use crate::exit::BadUsage;

/// Turns the log on for the rest of the process.
pub fn start(log: &Log) -> Result<(), BadUsage> {
    let filter = EnvFilter::try_new(&log.level).map_err(|error| BadUsage(format!("log.level: {error}")))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // If standard error is gone, to complain there would end the task that logs.
        .log_internal_errors(false);
    let started = match log.format {
        LogFormat::Text => lines
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| BadUsage(format!("the log is on already: {error}")))
}
