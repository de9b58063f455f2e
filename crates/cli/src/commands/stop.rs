//! When to stop: the first SIGTERM or SIGINT asks for an orderly end, the second ends at once.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::output;

/// Watches for signals from now on. The receiver says `true` after the first.
pub fn on_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => 15,
                _ = interrupt.recv() => 2,
            }
        };
        next().await;
        output::talk("seawall: finishing what runs; once more ends at once");
        // Nobody listens any more only if the program is ending already.
        let _ = stop.send(true);
        let number = next().await;
        // What was acknowledged is in the store: ending here loses nothing. 128 + n is how shells tell of a signal.
        std::process::exit(128 + number);
    });
    Ok(stopped)
}
