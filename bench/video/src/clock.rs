//! Processor time, of this process and of the workers that it waited for.

use anyhow::{Context, Result};
use std::time::Duration;

/// Linux counts processor time for /proc in hundredths of a second, on every architecture it still supports.
const TICK: Duration = Duration::from_millis(10);

/// Spent so far by this process and its children that have ended.
pub fn processor_time() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("this needs /proc")?;
    // The second field, the program's name in brackets, may hold blanks.
    let (_, rest) = stat.rsplit_once(')').context("/proc/self/stat is not as it was")?;
    let ticks: Vec<u32> = rest
        .split_whitespace()
        .skip(11)
        .take(4)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    Ok(TICK * ticks.iter().sum())
}
