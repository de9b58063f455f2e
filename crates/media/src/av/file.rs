//! The life of the worker that scans a file, and of those that go on where it was cut off. It blocks, and runs on a thread of its own: a worker dies with the thread that started it, so that none outlives its host.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use signal::{Digests, Md5, Sha256};

use super::AvSettings;
use super::gather::{Checker, Known};
use super::gathered::Gathered;
use super::process::{AvProcess, deadline, scan_error, unavailable};
use super::scan::{AvScan, AvWant, Progress};
use super::wire::{AvRequest, Body, Refusal};
use crate::ScanError;
use crate::host::process::Broken;

/// As much is read at once for the digests.
const DIGEST_BYTES: usize = 256 << 10;

/// Scans a file of `bytes` bytes until `is_cancelled`.
pub(super) fn scan(
    settings: &AvSettings,
    file: &File,
    bytes: u64,
    want: AvWant,
    is_cancelled: &AtomicBool,
    progress: impl FnMut(Progress),
    resumed: impl Fn(),
) -> Result<AvScan, ScanError> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let digests = scope.spawn(|| {
            let stops = || is_cancelled.load(Ordering::Relaxed) || is_over.load(Ordering::Relaxed);
            digest(file, bytes, stops)
        });
        let gathered = gather(settings, file, bytes, want, is_cancelled, progress, resumed);
        if gathered.is_err() {
            is_over.store(true, Ordering::Relaxed);
        }
        let digests = digests.join();
        let gathered = gathered?;
        let Ok(Some((md5, sha256))) = digests else {
            return Err(if is_cancelled.load(Ordering::Relaxed) {
                ScanError::ShutDown
            } else {
                // The file changed or its disk failed while it was scanned.
                ScanError::Damaged {
                    detail: "it could not be read to its end".to_owned(),
                }
            });
        };
        conclude(gathered, md5, sha256)
    })
}

/// Why a worker's messages ended before the end.
enum Cut {
    /// The scan has failed.
    Failed(ScanError),
    /// The worker was cut off. Another may go on.
    Off(ScanError),
    /// It did not find the place at which it was to go on.
    Lost,
}

fn gather(
    settings: &AvSettings,
    file: &File,
    bytes: u64,
    want: AvWant,
    is_cancelled: &AtomicBool,
    mut progress: impl FnMut(Progress),
    resumed: impl Fn(),
) -> Result<Gathered, ScanError> {
    let limits = &settings.limits;
    let end = deadline(Instant::now(), limits.time_ms_max);
    let mut request = AvRequest::new(want, false, limits);
    let mut gathered = Gathered::default();
    let mut n_resumed = 0;
    loop {
        let mut tell = |gathered: &Gathered| {
            progress(Progress {
                at_ms: gathered.at_ms,
                duration_ms: gathered.opened.map(|opened| opened.duration_ms).filter(|ms| *ms > 0),
                bytes_read: gathered.bytes_read,
                bytes,
            });
        };
        let cut = match follow(settings, file, request, &mut gathered, end, is_cancelled, &mut tell) {
            Ok(()) => return Ok(gathered),
            Err(cut) => cut,
        };
        let may_resume = n_resumed < limits.resumes_max && want.from_ms == 0;
        match cut {
            Cut::Failed(error) => return Err(error),
            Cut::Off(error) if !may_resume || !gathered.has_come_further() => return Err(error),
            Cut::Off(_) => request.resume = gathered.rewind(),
            Cut::Lost if !may_resume => {
                return Err(ScanError::WorkerCrashed {
                    cause: "another could not go on where it was cut off".to_owned(),
                });
            }
            // From the beginning, then.
            Cut::Lost => {
                gathered = Gathered::default();
                request.resume = None;
            }
        }
        n_resumed += 1;
        resumed();
    }
}

/// Follows one worker to the end of the file.
fn follow(
    settings: &AvSettings,
    file: &File,
    request: AvRequest,
    gathered: &mut Gathered,
    end: Instant,
    is_cancelled: &AtomicBool,
    tell: &mut impl FnMut(&Gathered),
) -> Result<(), Cut> {
    let limits = &settings.limits;
    let input = reopen(file).map_err(|error| {
        Cut::Failed(ScanError::AvUnavailable {
            reason: format!("cannot hand the file to the worker: {error}"),
        })
    })?;
    let (mut worker, _) =
        AvProcess::start(settings, request, Stdio::from(input)).map_err(|error| Cut::Failed(unavailable(&error)))?;
    let mut checker = Checker::new(request);
    while gathered.end.is_none() {
        let stall = deadline(Instant::now(), limits.stall_ms_max);
        let body = match worker.next(end.min(stall), || is_cancelled.load(Ordering::Relaxed)) {
            Ok(body) => body,
            Err(Broken::TimeLimit) if stall < end => {
                return Err(Cut::Off(ScanError::Stalled {
                    stall_ms_max: limits.stall_ms_max,
                }));
            }
            Err(broken @ Broken::Crashed { .. }) => return Err(Cut::Off(scan_error(broken, settings))),
            Err(broken) => return Err(Cut::Failed(scan_error(broken, settings))),
        };
        if body == Body::Refused(Refusal::Lost) && request.resume.is_some() {
            return Err(Cut::Lost);
        }
        checker.check(&body, limits).map_err(Cut::Failed)?;
        let tells = matches!(body, Body::Progress { .. });
        gathered.add(body).map_err(Cut::Failed)?;
        if gathered.size_bytes() > limits.gathered_bytes_max {
            gathered.stop();
        }
        if tells {
            tell(gathered);
        }
    }
    Ok(())
}

fn conclude(gathered: Gathered, md5: Md5, sha256: Sha256) -> Result<AvScan, ScanError> {
    let (Some(opened), Some(end)) = (gathered.opened, gathered.end) else {
        unreachable!("gathered to the end")
    };
    let known = Known::of(&opened);
    let (_, sound, waveform) = gathered
        .listener
        .map(super::sound::Listener::finish)
        .unwrap_or_default();
    Ok(AvScan {
        mime: known.mime,
        duration_ms: if end.is_whole {
            end.at_ms
        } else {
            opened.duration_ms.max(end.at_ms)
        },
        scanned_ms: end.at_ms,
        width: known.width,
        height: known.height,
        frame_rate: known.frame_rate,
        video_codec: known.video_codec,
        audio_codec: known.audio_codec,
        is_intact: end.is_intact && end.is_whole && !gathered.was_damaged,
        md5,
        sha256,
        frames: gathered.frames,
        sound,
        waveform,
        strip: gathered.strip,
    })
}

/// The same file with a position of its own, to be read only: the worker moves the position, and two scans of one file must not move each other's.
fn reopen(file: &File) -> std::io::Result<File> {
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// The digests of the whole file, read beside the worker: it cannot lie about them. None when it stopped, or the file could not be read.
fn digest(file: &File, bytes: u64, stops: impl Fn() -> bool) -> Option<(Md5, Sha256)> {
    let mut digests = Digests::default();
    let mut buffer = vec![0; DIGEST_BYTES];
    let mut at = 0;
    while at < bytes {
        if stops() {
            return None;
        }
        let n = match file.read_at(&mut buffer, at) {
            Ok(0) => return None,
            Ok(n) => n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
        digests.push(&buffer[..n]);
        at += n as u64;
    }
    Some(digests.finish())
}
