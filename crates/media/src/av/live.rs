//! The life of one worker that follows a stream.
//!
//! Two threads: one hands the worker what is fed, bit by bit; the other reads what it says, and watches the clock. A caller that does not take events holds up
//! the worker, and through it whoever feeds.

use std::io::Write as _;
use std::process::{ChildStdin, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use signal::video::Frame;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::gather::{Checker, Known, strip_picture};
use super::process::{AvProcess, scan_error, unavailable};
use super::wire::{AvRequest, Body};
use super::{AvLimits, AvSettings, StripPicture};
use crate::ScanError;
use crate::host::process::Broken;

/// The worker is handed so much at a time: what it takes within its time is a sign of life.
const WRITE_BYTES: usize = 64 << 10;
/// So much may wait for the worker, and one longer piece alone.
const WAITING_BYTES_MAX: u32 = 4 << 20;
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
        /// Whether all that it shows and plays is decoded; if not, some of it is looked at by nobody.
        is_all_known: bool,
    },
    /// A frame was taken.
    Frame(Box<Frame>),
    /// A small picture, [`crate::av::LIVE_PICTURE_MS`] or more after the last, before the frame of its moment. Only when asked for.
    Picture(StripPicture),
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
        /// Whether all of it up to here was.
        is_intact: bool,
    },
    /// It is over, as its sender said or because it is longer than may be. The last event.
    Ended {
        /// How long it was.
        duration_ms: u32,
        /// Whether all of it was looked at, and no decoder met damage.
        is_intact: bool,
        /// False where it went on beyond a limit.
        is_whole: bool,
    },
}

/// A stream that is followed. Dropping it ends the worker.
#[derive(Debug)]
pub struct LiveScan {
    input: Mutex<Option<Input>>,
    events: tokio::sync::Mutex<mpsc::Receiver<Result<LiveEvent, ScanError>>>,
    shared: Arc<Watch>,
}

/// The way to the worker.
#[derive(Debug, Clone)]
struct Input {
    pieces: mpsc::UnboundedSender<Piece>,
    /// A permit for each byte that waits.
    room: Arc<Semaphore>,
}

/// What was fed at once, with its room.
#[derive(Debug)]
struct Piece {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct Watch {
    is_dropped: AtomicBool,
    /// The worker is gone.
    is_over: AtomicBool,
    /// The worker is handed something just now.
    is_fed: AtomicBool,
    started: Instant,
    /// When something last went on, in milliseconds after the start.
    active_ms: AtomicU64,
}

impl Watch {
    fn new() -> Self {
        Self {
            is_dropped: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            is_fed: AtomicBool::new(false),
            started: Instant::now(),
            active_ms: AtomicU64::new(0),
        }
    }

    /// How long nothing may go on, in milliseconds: a worker that has something to do is to do it, a sender may pause.
    fn patience_ms(&self, limits: &AvLimits) -> u32 {
        match self.is_fed.load(Ordering::Relaxed) {
            true => limits.stall_ms_max,
            false => limits.live_idle_ms_max,
        }
    }

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
    ///
    /// They are taken whole, and last: a caller that gives up waiting has fed nothing, and may feed the same again.
    pub async fn feed(&self, bytes: Bytes) -> bool {
        let input = self.input.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(input) = input else { return false };
        let n_bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX).min(WAITING_BYTES_MAX);
        let Ok(room) = input.room.acquire_many_owned(n_bytes).await else {
            return false;
        };
        let piece = Piece { bytes, _room: room };
        !self.shared.is_over.load(Ordering::Relaxed) && input.pieces.send(piece).is_ok()
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
    let shared = Arc::new(Watch::new());
    let (input, pieces) = input();
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
        let fed = watch.clone();
        let feeder = feeder.spawn(move || feed(worker_input, pieces, &fed));
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

fn input() -> (Input, mpsc::UnboundedReceiver<Piece>) {
    let (pieces, fed) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(WAITING_BYTES_MAX as usize));
    (Input { pieces, room }, fed)
}

/// Until no more comes, or the worker is gone and its pipe with it.
fn feed(mut worker: ChildStdin, mut pieces: mpsc::UnboundedReceiver<Piece>, watch: &Watch) {
    while let Some(piece) = pieces.blocking_recv() {
        // In this order: only from now on the worker has something to do.
        watch.touch();
        watch.is_fed.store(true, Ordering::Relaxed);
        for part in piece.bytes.chunks(WRITE_BYTES) {
            if worker.write_all(part).is_err() {
                return;
            }
            watch.touch();
        }
        watch.is_fed.store(false, Ordering::Relaxed);
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
    let is_stalled = || watch.idle() > Duration::from_millis(watch.patience_ms(limits).into());
    let end = watch.started + Duration::from_millis(limits.live_ms_max.into());
    loop {
        let is_over = || watch.is_dropped.load(Ordering::Relaxed) || is_stalled();
        let body = match worker.next(end, is_over) {
            Ok(body) => body,
            Err(Broken::Abandoned) if is_stalled() => {
                return Err(ScanError::Stalled {
                    stall_ms_max: watch.patience_ms(limits),
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
                let is_all_known = opened.is_all_known;
                let opened = LiveEvent::Opened {
                    mime,
                    width,
                    height,
                    frame_rate,
                    video_codec,
                    audio_codec,
                    is_all_known,
                };
                (opened, false)
            }
            Body::Frame(frame) => (LiveEvent::Frame(frame), false),
            Body::Sound(sound) => {
                let (at_ms, samples) = (sound.at_ms, sound.samples);
                (LiveEvent::Sound { at_ms, samples }, false)
            }
            Body::Progress { at_ms, is_damaged, .. } => {
                let is_intact = !is_damaged;
                (LiveEvent::Progress { at_ms, is_intact }, false)
            }
            Body::End(end) => {
                let ended = LiveEvent::Ended {
                    duration_ms: end.at_ms,
                    // What came after a limit was looked at by nobody.
                    is_intact: end.is_intact && end.is_whole,
                    is_whole: end.is_whole,
                };
                (ended, true)
            }
            Body::Picture(picture) => (LiveEvent::Picture(strip_picture(picture)), false),
            Body::Refused(_) => unreachable!("the check made an error of it"),
        };
        if events.blocking_send(Ok(event)).is_err() || is_last {
            return Ok(());
        }
        watch.touch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_piece_that_did_not_fit_was_not_fed() {
        let (input, mut pieces) = input();
        let (_events, received) = mpsc::channel(1);
        let scan = LiveScan {
            input: Mutex::new(Some(input)),
            events: tokio::sync::Mutex::new(received),
            shared: Arc::new(Watch::new()),
        };
        let long = Bytes::from(vec![1; WAITING_BYTES_MAX as usize + 1]);
        assert!(scan.feed(long.clone()).await, "a long piece waits alone");
        let next = Bytes::from(vec![2; 3 * WRITE_BYTES]);
        let given_up = tokio::time::timeout(Duration::from_millis(20), scan.feed(next.clone())).await;
        assert!(given_up.is_err(), "there is no room yet");
        assert_eq!(pieces.try_recv().unwrap().bytes, long);
        assert!(pieces.try_recv().is_err(), "not a part of it came");
        assert!(scan.feed(next.clone()).await);
        assert_eq!(pieces.try_recv().unwrap().bytes, next, "the same again comes once");
    }

    #[test]
    fn a_sender_may_pause_for_longer_than_a_worker() {
        let watch = Watch::new();
        let limits = AvLimits {
            stall_ms_max: 30_000,
            live_idle_ms_max: 120_000,
            ..AvLimits::default()
        };
        assert_eq!(watch.patience_ms(&limits), 120_000);
        watch.is_fed.store(true, Ordering::Relaxed);
        assert_eq!(watch.patience_ms(&limits), 30_000);
    }
}
