//! How far work is, on standard error, if that is a terminal: a bar for all files, and one for each video or sound that takes its time.

use std::path::Path;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use media::av::Progress;

use crate::output;

/// A recording that is done sooner shows no bar.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
/// So much of a file's name is shown.
const NAME_CHARS_MAX: usize = 40;

/// The bars of one command.
#[derive(Clone)]
pub struct Bars(MultiProgress);

impl Bars {
    /// On standard error.
    pub fn new() -> Self {
        Self(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
    }

    /// A bar for so many files.
    pub fn files(&self, n_files: u64) -> ProgressBar {
        let bar = self.0.add(ProgressBar::new(n_files));
        style(&bar, "{bar:30} {pos}/{len} files, {per_sec}, {eta} left");
        bar
    }

    /// Prints without tearing the bars.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }

    /// Follows the scan of one recording.
    pub fn recording(&self, path: &Path) -> Recording {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = output::printable(&name).chars().take(NAME_CHARS_MAX).collect();
        Recording {
            bars: self.clone(),
            name,
            began: std::time::Instant::now(),
            bar: None,
        }
    }
}

/// The bar of one recording; it goes with it.
pub struct Recording {
    bars: Bars,
    name: String,
    began: std::time::Instant,
    bar: Option<ProgressBar>,
}

impl Recording {
    /// It came so far.
    pub fn tell(&mut self, progress: &Progress) {
        if self.bar.is_none() && self.began.elapsed() < SHOWN_AFTER {
            return;
        }
        let (done, of) = far(progress);
        let bar = self.bar.get_or_insert_with(|| {
            let bar = self.bars.0.add(ProgressBar::new(of));
            style(&bar, "  {bar:28} {percent} % of {msg}, {eta} left");
            bar.set_message(self.name.clone());
            bar
        });
        bar.set_length(of);
        bar.set_position(done);
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// How much is done, of how much: by the file's own time where it says how long it is, and by its bytes where it does not, or lied.
fn far(progress: &Progress) -> (u64, u64) {
    match progress.duration_ms.filter(|ms| *ms >= progress.at_ms) {
        Some(duration_ms) => (progress.at_ms.into(), duration_ms.into()),
        None => (progress.bytes_read.min(progress.bytes), progress.bytes),
    }
}

fn style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_is_told_by_time_and_else_by_bytes() {
        let progress = |at_ms, duration_ms, bytes_read| Progress {
            at_ms,
            duration_ms,
            bytes_read,
            bytes: 1_000,
        };
        assert_eq!(far(&progress(30, Some(60), 900)), (30, 60));
        assert_eq!(far(&progress(30, None, 900)), (900, 1_000));
        assert_eq!(far(&progress(30, Some(20), 900)), (900, 1_000), "it lied");
        assert_eq!(far(&progress(30, None, 4_000)), (1_000, 1_000), "some were read twice");
    }
}
