//! A live stream comes in, piece by piece: frames and sound are looked up as they come, and what is found is told while it goes on.
//!
//! A hit becomes an item of kind `stream`, its matches, a decision, a case and an order, by the same path as a submission; a later hit that says more is
//! its next revision. What was seen and heard is in the memory of the process that the pieces come to, and nowhere else: where that ends, the stream is
//! `interrupted`. Opening an open stream again finds it; closing a closed one changes nothing.

mod live;
mod pcm;
mod runs;
mod said;
mod shown;
mod telling;
mod watched;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use media::ScanError;
use media::av::{AvWant, INSTALL_HINT};
use signal::video::Frame;
use tokio::sync::{broadcast, watch};

use super::hunts::search_streams;
use super::submit::{Submission, SubmitError};
use crate::model::{
    Actor, Denied, NewStream, Right, Stream, StreamId, StreamState, StreamStats, StreamVerdict, Timestamp,
};
use crate::store::{Created, StoreError};
use crate::{Seawall, streams};

use live::{Live, SEEN_EVERY};
pub use pcm::{PIECE_SOUND_S_MAX, Pcm, push_sound};
pub use said::push_transcript;
pub use telling::TELL;
pub(crate) use telling::deliver_verdict;

/// How live streams are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamSettings {
    /// The most streams that one process follows.
    pub open_max: usize,
    /// The most bytes of one stream, each second in the long run.
    pub bytes_per_second_max: u64,
    /// After how long without a piece a stream is over.
    pub idle: Duration,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            open_max: 32,
            bytes_per_second_max: 4 << 20,
            idle: Duration::from_secs(60),
        }
    }
}

/// The longest piece of a stream.
pub const PIECE_BYTES_MAX: usize = 64 << 20;
/// The most frames of one piece.
pub const PIECE_FRAMES_MAX: usize = 1_000;
/// So many seconds' bytes may come at once.
const BURST_S: u64 = 15;
/// How much of what is told waits for one who listens slowly.
const TOLD_MAX: usize = 256;
/// How often silent streams are looked for.
const KEEP_EVERY: Duration = Duration::from_secs(2);
/// A stream that is not in this process, and that no other wrote anything about for so long, is in none.
const LOST_AFTER: Duration = Duration::from_secs(3 * SEEN_EVERY.as_secs());
/// A worker that is to end has so much time to look at what came; then its stream is over without it.
const LOOKED_AT_WITHIN: Duration = Duration::from_secs(120);
/// The same where the process stops, for all streams together.
const STOPPED_WITHIN: Duration = Duration::from_secs(5);
const STOPPED_ASK_EVERY: Duration = Duration::from_millis(20);
/// Silent streams that are looked for at a time.
const PAGE: i64 = 100;

/// The open streams of this process.
#[derive(Debug)]
pub struct Streams {
    open: Mutex<HashMap<StreamId, Arc<Live>>>,
    /// How many more are about to be open.
    opening: Mutex<usize>,
    ended: Mutex<BTreeMap<&'static str, u64>>,
    told: broadcast::Sender<StreamVerdict>,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            opening: Mutex::default(),
            ended: Mutex::default(),
            told: broadcast::Sender::new(TOLD_MAX),
        }
    }
}

/// The place of a stream that is about to be open.
struct Place<'a>(&'a Mutex<usize>);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
    }
}

/// The moment of a stream at which something was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamHit {
    pub stream: StreamId,
    pub at_ms: u32,
}

/// What comes of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamInput {
    /// MPEG-TS or fragmented MP4, decoded here.
    Bytes,
    /// Frames that the platform hashed itself, and PCM beside them.
    Frames,
}

/// Something about a stream was not done.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such stream, or it is not open here.
    #[error("there is no such open stream")]
    NotOpen,
    /// Another process follows it.
    #[error("the stream is open in another process")]
    Elsewhere,
    /// Something about the request is wrong.
    #[error("`{field}` {what}")]
    Invalid {
        /// Which part.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// More comes than the operator allows.
    #[error("the stream sends more than {bytes_per_second_max} bytes a second")]
    TooFast {
        /// The limit.
        bytes_per_second_max: u64,
    },
    /// As many streams are open as may be.
    #[error("{open_max} streams are open already")]
    TooMany {
        /// The limit.
        open_max: usize,
    },
    /// Streams cannot be decoded here, or not now.
    #[error("the stream cannot be decoded")]
    Undecodable(#[source] ScanError),
    /// What was found could not be remembered: send the piece again.
    #[error("what was found cannot be remembered")]
    NotJudged(#[source] Box<SubmitError>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Streams {
    /// Hears what is told from now on. What was told before is read from the store.
    pub fn subscribe(&self) -> broadcast::Receiver<StreamVerdict> {
        self.told.subscribe()
    }

    /// How many are open here.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Counts, for metrics.
    pub fn stats(&self) -> StreamStats {
        StreamStats {
            open: self.len() as u64,
            ended: self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Whether none is open here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn tell(&self, verdict: StreamVerdict) {
        // Nobody may be listening.
        let _ = self.told.send(verdict);
    }

    pub(super) fn all(&self) -> Vec<Arc<Live>> {
        self.lock().values().cloned().collect()
    }

    fn count_end(&self, reason: &'static str) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        *ended.entry(reason).or_default() += 1;
    }

    /// A place for one more, unless so many are open or about to be.
    fn place(&self, open_max: usize) -> Result<Place<'_>, StreamError> {
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if self.len() + *opening >= open_max {
            return Err(StreamError::TooMany { open_max });
        }
        *opening += 1;
        Ok(Place(&self.opening))
    }

    fn find(&self, id: StreamId) -> Result<Arc<Live>, StreamError> {
        self.lock().get(&id).cloned().ok_or(StreamError::NotOpen)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<StreamId, Arc<Live>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a stream. One of the same item that is open already is found again.
pub async fn open_stream(
    app: &Seawall,
    actor: &Actor,
    new: NewStream,
    input: StreamInput,
) -> Result<Created<StreamId>, StreamError> {
    actor.require(Right::SubmitItems)?;
    check(&new)?;
    if let Some(open) = streams::find_open(&mut *app.store.reader().await?, &new.item).await? {
        if is_open(app, &open).await? {
            return Ok(Created::Replayed(open.id));
        }
        end_lost(app, open.id).await?;
    }
    // Held until it counts among those that are open.
    let _place = app.streams.place(app.settings.streams.open_max)?;
    let scan = match (input, &app.av) {
        (StreamInput::Frames, _) => None,
        (StreamInput::Bytes, None) => {
            return Err(StreamError::Undecodable(ScanError::AvUnavailable {
                reason: INSTALL_HINT.to_owned(),
            }));
        }
        (StreamInput::Bytes, Some(av)) => {
            let want = AvWant {
                sampling: app.settings.recordings.sampling,
                ..AvWant::EVERYTHING
            };
            Some(av.open_stream(want).await.map_err(StreamError::Undecodable)?)
        }
    };
    let mut tx = app.store.begin("open stream").await?;
    let now = app.clock.now();
    let id = StreamId::fresh(now, &app.chance);
    if !streams::insert(&mut tx, id, &new, now).await? {
        drop(tx);
        let open = streams::find_open(&mut *app.store.reader().await?, &new.item).await?;
        return open.map(|open| Created::Replayed(open.id)).ok_or(StreamError::NotOpen);
    }
    let body = serde_json::json!({ "item": new.item.to_string() });
    tx.event(now, actor, "stream.opened", id, body);
    tx.commit().await?;
    let live = Arc::new(Live::new(id, new, actor.clone(), scan, now));
    app.streams.lock().insert(id, live.clone());
    if live.is_decoded() {
        tokio::spawn(live::follow(app.clone(), live));
    }
    Ok(Created::New(id))
}

/// Whether pieces of it are taken, here or in another process.
async fn is_open(app: &Seawall, stream: &Stream) -> Result<bool, StoreError> {
    if let Ok(live) = app.streams.find(stream.id) {
        return Ok(!live.is_over());
    }
    // Not of this process; or it ended here since its row was read, which is written before this process forgets it.
    let now = streams::find_open(&mut *app.store.reader().await?, &stream.item).await?;
    let is_so = |now: Stream| now.id == stream.id && app.clock.now().since(now.seen_at) < LOST_AFTER;
    Ok(now.is_some_and(is_so))
}

/// Ends one that takes no more pieces: it was closed a moment ago, and its worker is not yet done; or its process is gone.
async fn end_lost(app: &Seawall, id: StreamId) -> Result<(), StoreError> {
    match app.streams.find(id) {
        Ok(_) => end_row(app, id, StreamState::Closed, "ended").await,
        Err(_) => end_row(app, id, StreamState::Interrupted, "stopped").await,
    }
}

fn check(new: &NewStream) -> Result<(), StreamError> {
    let texts = [("account", &new.account), ("channel", &new.channel), ("url", &new.url)];
    for (field, text) in texts {
        let Some(text) = text else { continue };
        if text.chars().count() > Submission::FIELD_LENGTH_MAX || text.contains('\0') {
            let what = format!(
                "is longer than {} characters or has a NUL",
                Submission::FIELD_LENGTH_MAX
            );
            return Err(StreamError::Invalid { field, what });
        }
    }
    Ok(())
}

/// Takes the next piece of a stream: MPEG-TS or fragmented MP4, in the order of the stream. Waits while the worker has enough to do.
pub async fn push_segment(app: &Seawall, actor: &Actor, id: StreamId, piece: Bytes) -> Result<(), StreamError> {
    actor.require(Right::SubmitItems)?;
    let live = app.streams.find(id)?;
    if live.is_over() {
        return Err(StreamError::NotOpen);
    }
    if !live.is_decoded() {
        let what = "is of a stream that was opened for frames".to_owned();
        return Err(StreamError::Invalid { field: "body", what });
    }
    if piece.len() > PIECE_BYTES_MAX {
        return Err(StreamError::Invalid {
            field: "body",
            what: format!("is longer than {PIECE_BYTES_MAX} bytes"),
        });
    }
    let now = app.clock.now();
    let bytes_per_second_max = app.settings.streams.bytes_per_second_max;
    if !live.takes(piece.len() as u64, bytes_per_second_max, BURST_S, now) {
        return Err(StreamError::TooFast { bytes_per_second_max });
    }
    live.touch(now);
    keep_seen(app, &live, now).await?;
    // The last thing to wait for: whoever gives up before has sent nothing.
    match live.feed(piece).await {
        true => Ok(()),
        false => Err(StreamError::NotOpen),
    }
}

async fn keep_seen(app: &Seawall, live: &Live, now: Timestamp) -> Result<(), StreamError> {
    if live.keep_seen(app, now).await {
        return Ok(());
    }
    live.finish();
    app.streams.lock().remove(&live.id);
    Err(StreamError::NotOpen)
}

/// Takes the next frames of a stream that the platform hashes itself, in the order of the stream. What is found is remembered before the call returns.
pub async fn push_frames(app: &Seawall, actor: &Actor, id: StreamId, frames: Vec<Frame>) -> Result<(), StreamError> {
    actor.require(Right::SubmitItems)?;
    let live = app.streams.find(id)?;
    if live.is_over() {
        return Err(StreamError::NotOpen);
    }
    if live.is_decoded() || frames.len() > PIECE_FRAMES_MAX {
        return Err(StreamError::Invalid {
            field: "frames",
            what: format!("are more than {PIECE_FRAMES_MAX}, or of a stream that was opened for bytes"),
        });
    }
    let now = app.clock.now();
    live.touch(now);
    keep_seen(app, &live, now).await?;
    let app = app.clone();
    let seen = to_its_end(async move { live.see_piece(&app, frames).await });
    seen.await.map_err(not_judged)
}

/// Does something even if who asked for it goes away meanwhile: what was written down and not yet noted here would be written again, or not at all.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

fn not_judged(error: SubmitError) -> StreamError {
    StreamError::NotJudged(Box::new(error))
}

/// Says that no more will come. What is still under way is looked at.
pub async fn close_stream(app: &Seawall, actor: &Actor, id: StreamId) -> Result<(), StreamError> {
    actor.require(Right::SubmitItems)?;
    let Ok(live) = app.streams.find(id) else {
        let known: Option<Stream> = streams::find(&mut *app.store.reader().await?, id).await?;
        let known = known.ok_or(StreamError::NotOpen)?;
        if known.state != StreamState::Open {
            return Ok(());
        }
        if is_open(app, &known).await? {
            return Err(StreamError::Elsewhere);
        }
        return Ok(end_lost(app, id).await?);
    };
    live.finish_as(StreamState::Closed, "ended", app.clock.now());
    // One that is decoded is over once its worker is done.
    if live.is_decoded() {
        return Ok(());
    }
    let app = app.clone();
    let ended = to_its_end(async move {
        live.judge_last(&app).await.map_err(not_judged)?;
        Ok(end(&app, &live, StreamState::Closed, "ended").await?)
    });
    ended.await
}

/// A stream is over.
async fn end(app: &Seawall, live: &Live, state: StreamState, reason: &'static str) -> Result<(), StoreError> {
    live.keep_last(app).await?;
    end_row(app, live.id, state, reason).await?;
    app.streams.lock().remove(&live.id);
    Ok(())
}

async fn end_row(app: &Seawall, id: StreamId, state: StreamState, reason: &'static str) -> Result<(), StoreError> {
    let mut tx = app.store.begin("end stream").await?;
    let now = app.clock.now();
    let is_ended = streams::end(&mut tx, id, state, reason, now).await?;
    if is_ended {
        let body = serde_json::json!({ "state": state.as_str(), "reason": reason });
        tx.event(now, &Actor::System, "stream.ended", id, body);
    }
    tx.commit().await?;
    if is_ended {
        app.streams.count_end(reason);
    }
    Ok(())
}

/// Ends streams of which nothing comes any more: those of this process as `idle`, those that no process follows as interrupted. Called now and then.
pub async fn end_silent_streams(app: &Seawall) -> Result<(), StoreError> {
    let now = app.clock.now();
    let since: Timestamp = now.before(app.settings.streams.idle);
    for live in app.streams.all() {
        match live.said_end() {
            None if live.last_piece_at() > since => {}
            None if live.is_decoded() => live.finish_as(StreamState::Closed, "idle", now),
            None => {
                live.finish();
                judge_last(app, &live).await;
                end(app, &live, StreamState::Closed, "idle").await?;
            }
            // Its worker looks at what came last, and what it finds is told before the end.
            Some(said) if live.is_decoded() && now.since(said.said_at) < LOOKED_AT_WITHIN => {
                live.keep_at(app, now).await?;
            }
            Some(said) => end(app, &live, said.state, said.reason).await?,
        }
    }
    // Others end their own; those of which nothing is written for longer have nobody.
    let since = since.before(LOST_AFTER);
    loop {
        let silent = streams::silent_since(&mut *app.store.reader().await?, since, PAGE).await?;
        // Those of this process that still get pieces say so seldom.
        let lost: Vec<StreamId> = silent.into_iter().filter(|id| app.streams.find(*id).is_err()).collect();
        if lost.is_empty() {
            return Ok(());
        }
        for id in lost {
            end_row(app, id, StreamState::Interrupted, "stopped").await?;
        }
    }
}

/// Ends all streams of this process, which is about to stop: they are interrupted, and whoever sends them is to open them anew.
pub async fn interrupt_streams(app: &Seawall) -> Result<(), StoreError> {
    for live in app.streams.all() {
        live.finish_as(StreamState::Interrupted, "stopped", app.clock.now());
        if !live.is_decoded() {
            judge_last(app, &live).await;
            end(app, &live, StreamState::Interrupted, "stopped").await?;
        }
    }
    // What workers find in what came before is told yet.
    let until = tokio::time::Instant::now() + STOPPED_WITHIN;
    while !app.streams.is_empty() && tokio::time::Instant::now() < until {
        tokio::time::sleep(STOPPED_ASK_EVERY).await;
    }
    for live in app.streams.all() {
        end(app, &live, StreamState::Interrupted, "stopped").await?;
    }
    Ok(())
}

/// Of one that is decoded the worker may still find something, and who follows it remembers that.
async fn judge_last(app: &Seawall, live: &Live) {
    if live.is_decoded() {
        return;
    }
    if let Err(error) = live.judge_last(app).await {
        tracing::error!(stream.id = %live.id, error = &error as &dyn std::error::Error, "cannot remember what was found last in a stream");
    }
}

async fn keep(app: &Seawall) -> Result<(), StoreError> {
    end_silent_streams(app).await?;
    search_streams(app).await
}

/// Ends silent streams and looks in the others for what became part of an incident, until told to stop; then all of this process are interrupted.
pub async fn run_keeper(app: Seawall, mut shutdown: watch::Receiver<bool>) {
    let mut failing = false;
    while !*shutdown.borrow() {
        match keep(&app).await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot end streams of which nothing comes any more, or look in them for entries of incidents"
                );
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(KEEP_EVERY) => {}
            _ = shutdown.changed() => {}
        }
    }
    if let Err(error) = interrupt_streams(&app).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "cannot write that streams are interrupted; the next process will"
        );
    }
}
