//! The life of one worker that follows a stream.
//!
//! Two threads: one hands the worker what is fed, in bounded pieces; the other reads what it says, and watches the clock. A caller that does not take events holds up
//! the worker, and through it whoever feeds.

use std::io::Write as _;
use std::process::{ChildStdin, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use signal::video::Frame;
use tokio::sync::{mpsc, oneshot};

use super::AvSettings;
use super::gather::{Checker, Known};
use super::process::{AvProcess, scan_error, unavailable};
use super::wire::{AvRequest, Body};
use crate::ScanError;
use crate::host::process::Broken;

/// What is fed travels in pieces of this size at most.
const PIECE_BYTES: usize = 64 << 10;
/// As many of them wait for the worker.
const PIECES_MAX: usize = 64;
/// As many events wait for the caller.
const EVENTS_MAX: usize = 64;

/// Something that was found in a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveEvent {
    /// Enough has come to know what it holds. The first event.
    Opened {
        /// The type the bytes themselves show.
        mime: &'static str,
        /// Width in pixels as a viewer sees it; 0 without pictures.
        width: u32,
        /// Height in pixels as a viewer sees it; 0 without pictures.
        height: u32,
        /// Frames a second; 0 where nobody knows.
        frame_rate: f64,
        /// None for a stream of sound.
        video_codec: Option<&'static str>,
        /// None for a silent stream.
        audio_codec: Option<&'static str>,
    },
    /// A frame was taken.
    Frame(Box<Frame>),
    /// A piece of sound: one channel, [`crate::av::SOUND_RATE`] samples a second, without gaps.
    Sound {
        /// When the first sample is heard.
        at_ms: u32,
        /// The samples.
        samples: Vec<i16>,
    },
    /// Up to here it was looked at.
    Progress {
        /// The stream's own time, from its beginning.
        at_ms: u32,
    },
    /// It is over, as its sender said. The last event.
    Ended {
        /// How long it was.
        duration_ms: u32,
        /// Whether no decoder met damage.
        is_intact: bool,
    },
}

/// A stream that is followed. Dropping it ends the worker.
#[derive(Debug)]
pub struct LiveScan {
    input: Mutex<Option<mpsc::Sender<Bytes>>>,
    events: tokio::sync::Mutex<mpsc::Receiver<Result<LiveEvent, ScanError>>>,
    shared: Arc<Watch>,
}

#[derive(Debug)]
struct Watch {
    is_dropped: AtomicBool,
    /// The worker is gone.
    is_over: AtomicBool,
    started: Instant,
    /// When something last went on, in milliseconds after the start.
    active_ms: AtomicU64,
}

impl Watch {
    fn touch(&self) {
        let now_ms = self.started.elapsed().as_millis() as u64;
        self.active_ms.store(now_ms, Ordering::Relaxed);
    }

    fn idle(&self) -> Duration {
        let active = Duration::from_millis(self.active_ms.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(active)
    }
}

impl LiveScan {
    /// Hands bytes to the worker, in the order of the stream; waits while it has enough to do. False when the stream is over: [`LiveScan::next`] tells why.
    pub async fn feed(&self, mut bytes: Bytes) -> bool {
        let input = self.input.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(input) = input else { return false };
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
            if self.shared.is_over.load(Ordering::Relaxed) || input.send(piece).await.is_err() {
                return false;
            }
            self.shared.touch();
        }
        true
    }

    /// Says that no more bytes will come. Events still do, until the end.
    pub fn finish(&self) {
        self.input.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The next event; None after the last. An error is the last too. Safe to drop while it waits: nothing is lost.
    pub async fn next(&self) -> Option<Result<LiveEvent, ScanError>> {
        self.events.lock().await.recv().await
    }
}

impl Drop for LiveScan {
    fn drop(&mut self) {
        self.shared.is_dropped.store(true, Ordering::Relaxed);
    }
}

/// Starts a worker. `over` is called once it is gone.
pub(super) async fn open(
    settings: AvSettings,
    request: AvRequest,
    over: impl FnOnce(Result<(), &ScanError>) + Send + 'static,
) -> Result<LiveScan, ScanError> {
    let shared = Arc::new(Watch {
        is_dropped: AtomicBool::new(false),
        is_over: AtomicBool::new(false),
        started: Instant::now(),
        active_ms: AtomicU64::new(0),
    });
    let (input, pieces) = mpsc::channel(PIECES_MAX);
    let (events, received) = mpsc::channel(EVENTS_MAX);
    let (ready, started) = oneshot::channel();
    let watch = shared.clone();
    let no_thread = |error: std::io::Error| ScanError::AvUnavailable {
        reason: format!("cannot start a thread: {error}"),
    };
    let follow = move || {
        let process = AvProcess::start(&settings, request, Stdio::piped());
        let (worker, worker_input) = match process {
            Ok((worker, Some(worker_input))) => (worker, worker_input),
            Ok((_, None)) => unreachable!("a pipe was asked for"),
            Err(error) => {
                // Whoever asked may have gone; the permit goes back either way.
                let _ = ready.send(Err(unavailable(&error)));
                over(Ok(()));
                return;
            }
        };
        watch.touch();
        let feeder = std::thread::Builder::new().name("av-feed".to_owned());
        let feeder = feeder.spawn(move || feed(worker_input, pieces));
        let _ = ready.send(feeder.map(drop).map_err(no_thread));
        let result = follow(worker, &settings, request, &watch, &events);
        watch.is_over.store(true, Ordering::Relaxed);
        over(result.as_ref().map(drop));
        if let Err(error) = result {
            let _ = events.blocking_send(Err(error));
        }
    };
    let thread = std::thread::Builder::new().name("av-live".to_owned());
    thread.spawn(follow).map_err(no_thread)?;
    // From here on a caller that gives up drops this, which ends the thread.
    let scan = LiveScan {
        input: Mutex::new(Some(input)),
        events: tokio::sync::Mutex::new(received),
        shared,
    };
    started.await.unwrap_or(Err(ScanError::NoWorker))?;
    Ok(scan)
}

/// Until no more comes, or the worker is gone and its pipe with it.
fn feed(mut worker: ChildStdin, mut pieces: mpsc::Receiver<Bytes>) {
    while let Some(piece) = pieces.blocking_recv() {
        if worker.write_all(&piece).is_err() {
            return;
        }
    }
}

fn follow(
    mut worker: AvProcess,
    settings: &AvSettings,
    request: AvRequest,
    watch: &Watch,
    events: &mpsc::Sender<Result<LiveEvent, ScanError>>,
) -> Result<(), ScanError> {
    let limits = &settings.limits;
    let mut checker = Checker::new(request);
    let stall = Duration::from_millis(limits.stall_ms_max.into());
    let end = watch.started + Duration::from_millis(limits.live_ms_max.into());
    loop {
        let is_over = || watch.is_dropped.load(Ordering::Relaxed) || watch.idle() > stall;
        let body = match worker.next(end, is_over) {
            Ok(body) => body,
            Err(Broken::Abandoned) if watch.idle() > stall => {
                return Err(ScanError::Stalled {
                    stall_ms_max: limits.stall_ms_max,
                });
            }
            Err(Broken::TimeLimit) => {
                return Err(ScanError::TimeLimit {
                    time_ms_max: limits.live_ms_max,
                });
            }
            Err(broken) => return Err(scan_error(broken, settings)),
        };
        checker.check(&body, limits)?;
        let (event, is_last) = match body {
            Body::Opened(opened) => {
                let Known {
                    mime,
                    width,
                    height,
                    frame_rate,
                    video_codec,
                    audio_codec,
                } = Known::of(&opened);
                let opened = LiveEvent::Opened {
                    mime,
                    width,
                    height,
                    frame_rate,
                    video_codec,
                    audio_codec,
                };
                (opened, false)
            }
            Body::Frame(frame) => (LiveEvent::Frame(frame), false),
            Body::Sound(sound) => {
                let (at_ms, samples) = (sound.at_ms, sound.samples);
                (LiveEvent::Sound { at_ms, samples }, false)
            }
            Body::Progress { at_ms, .. } => (LiveEvent::Progress { at_ms }, false),
            Body::End(end) => {
                let (duration_ms, is_intact) = (end.at_ms, end.is_intact);
                (LiveEvent::Ended { duration_ms, is_intact }, true)
            }
            Body::Picture(_) | Body::Refused(_) => unreachable!("the check made an error of it"),
        };
        if events.blocking_send(Ok(event)).is_err() || is_last {
            return Ok(());
        }
        watch.touch();
    }
}
