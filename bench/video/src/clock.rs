//! Processor time: of this process and of the workers that it waited for, or of one thread.

use anyhow::{Context, Result};
use std::time::Duration;

/// Linux counts processor time for /proc in hundredths of a second, on every architecture it still supports.
const TICK: Duration = Duration::from_millis(10);

/// Spent so far by this process and its children that have ended.
pub fn processor_time() -> Result<Duration> {
    spent("/proc/self/stat", 4)
}

/// Spent so far by this thread.
pub fn thread_time() -> Result<Duration> {
    spent("/proc/thread-self/stat", 2)
}

/// The sum of the first times that the kernel tells: in user's and in kernel's mode, then of children in both.
fn spent(path: &str, n_fields: usize) -> Result<Duration> {
    let stat = std::fs::read_to_string(path).context("this needs /proc")?;
    // The second field, the program's name in brackets, may hold blanks.
    let (_, rest) = stat.rsplit_once(')').context("/proc is not as it was")?;
    let ticks: Vec<u32> = rest
        .split_whitespace()
        .skip(11)
        .take(n_fields)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    Ok(TICK * ticks.iter().sum())
}
