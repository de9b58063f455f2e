//! One open stream: how far it is, and the task that takes in what its worker finds. What was seen and heard of it is in `watched.rs`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use media::ScanError;
use media::av::{LiveEvent, LiveScan};
use signal::video::Frame;

use super::pcm::Pcm;
use super::watched::{Flaw, Watch};
use super::{StreamError, end};
use crate::Seawall;
use crate::flows::hunt::Quarry;
use crate::flows::submit::SubmitError;
use crate::model::{Actor, NewStream, StreamId, StreamState, Timestamp, TranscriptLine};
use crate::store::StoreError;
use crate::streams;

/// How often the store is told how far a stream is.
pub const SEEN_EVERY: Duration = Duration::from_secs(5);
/// How often it is tried to remember what was found last, and how long is waited in between.
const LAST_TRIES: u32 = 10;
const LAST_PAUSE: Duration = Duration::from_secs(3);
/// The reason of one that ended because it went on for longer than may be.
const TOO_LONG: &str = "time_limit";

/// An open stream.
pub struct Live {
    pub id: StreamId,
    pub new: NewStream,
    pub opened_by: Actor,
    scan: Option<LiveScan>,
    is_over: AtomicBool,
    /// How it is to end, once what came was looked at.
    end: Mutex<Option<End>>,
    meter: Mutex<Meter>,
    watch: tokio::sync::Mutex<Watch>,
}

/// How a stream is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub state: StreamState,
    pub reason: &'static str,
    /// When that was said.
    pub said_at: Timestamp,
}

struct Meter {
    began_at: Timestamp,
    last_piece_at: Timestamp,
    kept_at: Timestamp,
    n_bytes: u64,
    at_ms: u32,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Live {
    pub fn new(id: StreamId, new: NewStream, opened_by: Actor, scan: Option<LiveScan>, now: Timestamp) -> Self {
        Self {
            id,
            new,
            opened_by,
            scan,
            is_over: AtomicBool::new(false),
            end: Mutex::new(None),
            meter: Mutex::new(Meter {
                began_at: now,
                last_piece_at: now,
                kept_at: now,
                n_bytes: 0,
                at_ms: 0,
            }),
            watch: tokio::sync::Mutex::new(Watch::new()),
        }
    }

    /// Whether its bytes are decoded here.
    pub fn is_decoded(&self) -> bool {
        self.scan.is_some()
    }

    /// Whether so many more bytes are not too many.
    pub fn takes(&self, n_bytes: u64, bytes_per_second_max: u64, burst_s: u64, now: Timestamp) -> bool {
        let meter = self.meter();
        let seconds = now.since(meter.began_at).as_secs() + burst_s;
        meter.n_bytes + n_bytes <= seconds.saturating_mul(bytes_per_second_max)
    }

    /// Something came.
    pub fn touch(&self, now: Timestamp) {
        self.meter().last_piece_at = now;
    }

    pub fn last_piece_at(&self) -> Timestamp {
        self.meter().last_piece_at
    }

    /// Bytes that came.
    pub fn n_bytes(&self) -> u64 {
        self.meter().n_bytes
    }

    /// Hands a piece to the worker; false when the stream is over. Nothing waits after it was handed over: who gives up before has sent nothing.
    pub async fn feed(&self, piece: Bytes) -> bool {
        let Some(scan) = &self.scan else { return false };
        let n_bytes = piece.len() as u64;
        let is_fed = !self.is_over() && scan.feed(piece).await;
        if is_fed {
            self.count_bytes(n_bytes);
        }
        is_fed
    }

    /// So many bytes came.
    pub fn count_bytes(&self, n_bytes: u64) {
        self.meter().n_bytes += n_bytes;
    }

    /// No more is to come, and no more is taken.
    pub fn finish(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(scan) = &self.scan {
            scan.finish();
        }
    }

    /// The same, and how it is to end. What was said first holds.
    pub fn finish_as(&self, state: StreamState, reason: &'static str, said_at: Timestamp) {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        end.get_or_insert(End { state, reason, said_at });
        drop(end);
        self.finish();
    }

    /// How it is to end, if that was said.
    pub fn said_end(&self) -> Option<End> {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was said that no more is to come. What came may still be looked at.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Tells the store now and then how far the stream is. False, if by the store it is over: another process opened it anew.
    pub async fn keep_seen(&self, app: &Seawall, now: Timestamp) -> bool {
        {
            let mut meter = self.meter();
            if now.since(meter.kept_at) < SEEN_EVERY {
                return true;
            }
            meter.kept_at = now;
        }
        self.keep_last(app).await.unwrap_or_else(|error| {
            tracing::warn!(stream.id = %self.id, error = &error as &dyn std::error::Error, "cannot write how far a stream is");
            true
        })
    }

    pub async fn keep_last(&self, app: &Seawall) -> Result<bool, StoreError> {
        self.keep_at(app, self.last_piece_at()).await
    }

    /// The same while nothing comes any more, so that no other process takes the stream for one that nobody follows.
    pub async fn keep_at(&self, app: &Seawall, seen_at: Timestamp) -> Result<bool, StoreError> {
        let (at_ms, n_bytes) = {
            let meter = self.meter();
            (meter.at_ms, meter.n_bytes)
        };
        let mut tx = app.store.begin("say how far a stream is").await?;
        let is_open = streams::set_seen(&mut tx, self.id, at_ms, n_bytes, seen_at).await?;
        tx.commit().await?;
        Ok(is_open)
    }

    /// Frames were seen. Those that were seen before, because a piece that was half taken is sent again, are passed over.
    pub async fn see_piece(&self, app: &Seawall, frames: Vec<Frame>) -> Result<(), SubmitError> {
        let mut watch = self.watch.lock().await;
        for frame in frames {
            if !watch.has_seen(&frame) {
                self.see(app, &mut watch, frame).await?;
            }
        }
        // What was found in those before may not have been remembered.
        watch.judge(app, self).await
    }

    /// Sound that the platform sends itself was heard. The outer error says that it cannot be put in its place, the inner one that what was found cannot be remembered.
    pub async fn hear_piece(&self, app: &Seawall, piece: &Pcm) -> Result<Result<(), SubmitError>, StreamError> {
        let mut watch = self.watch.lock().await;
        let end_ms = watch.hear_piece(app, piece)?;
        self.reached(&mut watch, end_ms);
        Ok(watch.judge(app, self).await)
    }

    /// Something was said, as the platform wrote it down.
    pub async fn say_piece(&self, app: &Seawall, lines: Vec<TranscriptLine>) -> Result<(), SubmitError> {
        let mut watch = self.watch.lock().await;
        watch.say(lines);
        watch.judge(app, self).await
    }

    async fn see(&self, app: &Seawall, watch: &mut Watch, frame: Frame) -> Result<(), SubmitError> {
        self.reached(watch, frame.at_ms);
        watch.see(app, frame).await?;
        watch.judge(app, self).await
    }

    /// Looks for one entry in what is remembered of the stream.
    pub async fn hunt(&self, app: &Seawall, quarry: &Quarry) -> Result<(), SubmitError> {
        let mut watch = self.watch.lock().await;
        watch.hunt(app, quarry);
        watch.judge(app, self).await
    }

    /// Remembers what was not yet, now that no more comes.
    pub async fn judge_last(&self, app: &Seawall) -> Result<(), SubmitError> {
        self.watch.lock().await.judge_last(app, self).await
    }

    fn reached(&self, watch: &mut Watch, at_ms: u32) {
        watch.plays.duration_ms = watch.plays.duration_ms.max(at_ms);
        let mut meter = self.meter();
        meter.at_ms = meter.at_ms.max(at_ms);
    }

    fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes in what the worker of a stream finds, until it is over.
pub async fn follow(app: Seawall, live: Arc<Live>) {
    let Some(scan) = &live.scan else { return };
    let (mut state, mut reason) = (StreamState::Closed, "ended");
    while let Some(event) = scan.next().await {
        if let Ok(LiveEvent::Ended { is_whole: false, .. }) = event {
            reason = TOO_LONG;
        }
        let taken = match event {
            Ok(event) => take_in(&app, &live, event).await,
            Err(error) => {
                reason = error.kind();
                if live.n_bytes() == 0 {
                    // Nothing came, so nothing went unseen.
                } else if error.is_about_the_file() {
                    let mut watch = live.watch.lock().await;
                    let flaw = flaw_of(&error, &watch);
                    watch.blame(flaw);
                } else {
                    state = StreamState::Interrupted;
                }
                break;
            }
        };
        if let Err(error) = taken {
            // The next frame has it judged again.
            tracing::error!(stream.id = %live.id, error = &error as &dyn std::error::Error, "cannot remember what was found in a stream");
        }
    }
    live.finish();
    remember_last(&app, &live).await;
    if let (Some(said), "ended") = (live.said_end(), reason) {
        (state, reason) = (said.state, said.reason);
    }
    if let Err(error) = end(&app, &live, state, reason).await {
        tracing::error!(stream.id = %live.id, error = &error as &dyn std::error::Error, "cannot write that a stream is over");
    }
}

/// Of a stream that was looked at for a while, what was found tells of the part before.
fn flaw_of(error: &ScanError, watch: &Watch) -> Flaw {
    match watch.plays.duration_ms {
        0 => Flaw::Unscanned {
            reason: error.kind(),
            detail: error.to_string(),
        },
        _ => Flaw::Damaged,
    }
}

/// Nothing comes after it that would have it judged again, so it is tried for a while.
async fn remember_last(app: &Seawall, live: &Live) {
    for n_tried in 1..=LAST_TRIES {
        let Err(error) = live.judge_last(app).await else {
            return;
        };
        tracing::error!(stream.id = %live.id, error = &error as &dyn std::error::Error, "cannot remember what was found last in a stream");
        if n_tried < LAST_TRIES {
            tokio::time::sleep(LAST_PAUSE).await;
        }
    }
}

async fn take_in(app: &Seawall, live: &Live, event: LiveEvent) -> Result<(), SubmitError> {
    let mut watch = live.watch.lock().await;
    match event {
        LiveEvent::Opened {
            mime,
            width,
            height,
            video_codec,
            audio_codec,
            frame_rate: _,
            is_all_known,
        } => {
            watch.mime = mime.to_owned();
            watch.size = (width, height);
            watch.plays.video_codec = video_codec.map(str::to_owned);
            watch.plays.audio_codec = audio_codec.map(str::to_owned);
            if !is_all_known {
                watch.blame(Flaw::Damaged);
            }
        }
        LiveEvent::Frame(frame) => return live.see(app, &mut watch, *frame).await,
        LiveEvent::Picture(picture) => watch.show(picture),
        LiveEvent::Sound { samples, .. } => watch.hear(app, &samples),
        LiveEvent::Progress { at_ms, is_intact } => {
            live.reached(&mut watch, at_ms);
            if !is_intact {
                watch.blame(Flaw::Damaged);
            }
        }
        LiveEvent::Ended {
            duration_ms, is_intact, ..
        } => {
            live.reached(&mut watch, duration_ms);
            if !is_intact {
                watch.blame(Flaw::Damaged);
            }
        }
    }
    watch.judge(app, live).await
}
