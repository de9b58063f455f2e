//! One open stream: what was seen and heard of it lately, what was told of it, and the task that takes in what its worker finds.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use index::sounds;
use index::videos::{self, WINDOW_MS};
use media::av::{LiveEvent, LiveScan, SOUND_RATE};
use sha2::{Digest, Sha256};
use signal::audio::{Printer, SoundSegment};
use signal::video::{Frame, Segment};
use signal::{Signal, SignalType};

use super::{StreamHit, end};
use crate::Seawall;
use crate::flows::calibrate::off_thread;
use crate::flows::hunt::Quarry;
use crate::flows::lookup::{self, Query};
use crate::flows::remember::{Judged, remember};
use crate::flows::scan::{ScannedFile, ScannedRecording};
use crate::flows::submit::SubmitError;
use crate::items::NewItem;
use crate::matching::{Found, Played};
use crate::model::item::{FramePlace, MediaSignal};
use crate::model::{
    Actor, EntryId, ItemKind, Match, MediaStatus, NewStream, PlatformFacts, Plays, StreamId, StreamState, Tier,
    Timestamp,
};
use crate::store::StoreError;
use crate::streams;

/// How often the store is told how far a stream is.
const SEEN_EVERY: Duration = Duration::from_secs(5);
/// Frames that are remembered, so that they can be held against an entry of an incident.
const FRAMES_MAX: usize = 720;
/// Segments of one entry that are remembered.
const SEGMENTS_MAX: usize = 32;
/// A frame so near to the one before shows the same picture.
const SAME_BITS: u32 = 4;
/// A segment that begins no further from another continues it.
const SAME_SEGMENT_MS: u32 = 2_000;
/// How much is read of a stream whose sound no printer takes.
const NO_PRINTER: &str = "the sound of streams has a rate that prints are made of";

/// An open stream.
pub struct Live {
    pub id: StreamId,
    pub new: NewStream,
    opened_by: Actor,
    scan: Option<LiveScan>,
    meter: Mutex<Meter>,
    watch: tokio::sync::Mutex<Watch>,
}

struct Meter {
    began_at: Timestamp,
    last_piece_at: Timestamp,
    kept_at: Timestamp,
    n_bytes: u64,
    at_ms: u32,
}

/// What was seen and heard.
struct Watch {
    videos: videos::Tracker,
    sounds: sounds::Tracker,
    printer: Printer,
    frames: VecDeque<Frame>,
    plays: Plays,
    size: (u32, u32),
    mime: String,
    seen: HashMap<u64, Vec<Segment>>,
    heard: HashMap<u64, Vec<SoundSegment>>,
    pictures: HashMap<EntryId, Match>,
    told: HashMap<(EntryId, SignalType), Tier>,
    n_told: u64,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Live {
    pub fn new(id: StreamId, new: NewStream, opened_by: Actor, scan: Option<LiveScan>, now: Timestamp) -> Self {
        let printer = Printer::new(SOUND_RATE, 1);
        Self {
            id,
            new,
            opened_by,
            scan,
            meter: Mutex::new(Meter {
                began_at: now,
                last_piece_at: now,
                kept_at: now,
                n_bytes: 0,
                at_ms: 0,
            }),
            watch: tokio::sync::Mutex::new(Watch {
                videos: videos::Tracker::new(),
                sounds: sounds::Tracker::new(),
                printer: printer.unwrap_or_else(|_| unreachable!("{NO_PRINTER}")),
                frames: VecDeque::new(),
                plays: Plays {
                    duration_ms: 0,
                    video_codec: None,
                    audio_codec: None,
                },
                size: (0, 0),
                mime: String::new(),
                seen: HashMap::new(),
                heard: HashMap::new(),
                pictures: HashMap::new(),
                told: HashMap::new(),
                n_told: 0,
            }),
        }
    }

    /// Whether its bytes are decoded here.
    pub fn is_decoded(&self) -> bool {
        self.scan.is_some()
    }

    /// Whether so many more bytes are not too many.
    pub fn takes(&self, n_bytes: u64, bytes_per_second_max: u64, burst_s: u64, now: Timestamp) -> bool {
        let mut meter = self.meter();
        let seconds = now.since(meter.began_at).as_secs() + burst_s;
        let sum = meter.n_bytes + n_bytes;
        let is_taken = sum <= seconds.saturating_mul(bytes_per_second_max);
        if is_taken {
            meter.n_bytes = sum;
            meter.last_piece_at = now;
        }
        is_taken
    }

    /// Something came.
    pub fn touch(&self, now: Timestamp) {
        self.meter().last_piece_at = now;
    }

    pub fn last_piece_at(&self) -> Timestamp {
        self.meter().last_piece_at
    }

    pub async fn feed(&self, piece: Bytes) -> bool {
        match &self.scan {
            Some(scan) => scan.feed(piece).await,
            None => false,
        }
    }

    pub fn finish(&self) {
        if let Some(scan) = &self.scan {
            scan.finish();
        }
    }

    /// Tells the store now and then how far the stream is.
    pub async fn keep_seen(&self, app: &Seawall, now: Timestamp) -> Result<(), StoreError> {
        {
            let mut meter = self.meter();
            if now.since(meter.kept_at) < SEEN_EVERY {
                return Ok(());
            }
            meter.kept_at = now;
        }
        self.keep_last(app).await
    }

    pub async fn keep_last(&self, app: &Seawall) -> Result<(), StoreError> {
        let (at_ms, n_bytes, seen_at) = {
            let meter = self.meter();
            (meter.at_ms, meter.n_bytes, meter.last_piece_at)
        };
        let mut tx = app.store.begin("say how far a stream is").await?;
        streams::set_seen(&mut tx, self.id, at_ms, n_bytes, seen_at).await?;
        tx.commit().await
    }

    /// A frame was seen.
    pub async fn see(&self, app: &Seawall, frame: Frame) -> Result<(), SubmitError> {
        let mut watch = self.watch.lock().await;
        self.reached(&mut watch, frame.at_ms);
        let found = off_thread(|| watch.videos.push(app.matcher.recordings().videos(), &frame));
        for (handle, segment) in found {
            merge(watch.seen.entry(handle).or_default(), segment);
        }
        let is_same = |last: &Frame| last.pdq.hash.distance(frame.pdq.hash) <= SAME_BITS;
        if !watch.frames.back().is_some_and(is_same) {
            see_picture(app, &mut watch, &frame).await?;
        }
        let oldest_ms = frame.at_ms.saturating_sub(WINDOW_MS);
        watch.frames.push_back(Frame { glimpse: None, ..frame });
        while watch.frames.len() > FRAMES_MAX || watch.frames.front().is_some_and(|first| first.at_ms < oldest_ms) {
            watch.frames.pop_front();
        }
        self.judge(app, &mut watch).await
    }

    /// A piece of sound was heard.
    async fn hear(&self, app: &Seawall, samples: &[i16]) -> Result<(), SubmitError> {
        let mut watch = self.watch.lock().await;
        let watch = &mut *watch;
        let found = off_thread(|| {
            watch.printer.push(samples);
            let prints = watch.printer.drain();
            watch.sounds.push(&app.matcher.recordings().sounds(), prints)
        });
        for (handle, segment) in found {
            let known = watch.heard.entry(handle).or_default();
            let is_same = |other: &SoundSegment| {
                other.query.from_ms.abs_diff(segment.query.from_ms) <= SAME_SEGMENT_MS
                    || other.query.overlap_ms(segment.query) > 0
            };
            known.retain(|other| !is_same(other));
            known.push(segment);
            known.truncate(SEGMENTS_MAX);
        }
        self.judge(app, watch).await
    }

    /// Looks for one entry in what is remembered of the stream.
    pub async fn hunt(&self, app: &Seawall, quarry: &Quarry) -> Result<(), SubmitError> {
        let mut watch = self.watch.lock().await;
        let frames: Vec<Frame> = watch.frames.iter().cloned().collect();
        let played = off_thread(|| quarry.look_up(&frames, None));
        for (handle, segments) in played.seen {
            for segment in segments {
                merge(watch.seen.entry(handle).or_default(), segment);
            }
        }
        if let Some(m) = quarry.shown(app, &frames) {
            watch.pictures.entry(m.target.entry).or_insert(m);
        }
        self.judge(app, &mut watch).await
    }

    fn reached(&self, watch: &mut Watch, at_ms: u32) {
        watch.plays.duration_ms = watch.plays.duration_ms.max(at_ms);
        let mut meter = self.meter();
        meter.at_ms = meter.at_ms.max(at_ms);
    }

    /// Remembers and tells what was found, if it says more than what was told before.
    async fn judge(&self, app: &Seawall, watch: &mut Watch) -> Result<(), SubmitError> {
        if watch.seen.is_empty() && watch.heard.is_empty() && watch.pictures.is_empty() {
            return Ok(());
        }
        let played = Played {
            seen: watch
                .seen
                .iter()
                .map(|(handle, segments)| (*handle, segments.clone()))
                .collect(),
            heard: watch
                .heard
                .iter()
                .map(|(handle, segments)| (*handle, segments.clone()))
                .collect(),
        };
        let mut matches = lookup::matches_of(app, played, watch.plays.duration_ms).await?;
        matches.extend(watch.pictures.values().cloned());
        let says_more = |m: &Match| match watch.told.get(&(m.target.entry, m.signal_type)) {
            None => true,
            Some(told) => *told == Tier::Lead && m.tier == Tier::Match,
        };
        if !matches.iter().any(says_more) {
            return Ok(());
        }
        matches.sort_by_key(|m| (m.tier == Tier::Lead, m.distance, m.target.entry));
        let at_ms = watch.plays.duration_ms;
        let n_told = watch.n_told + 1;
        let digest = hex::encode(Sha256::digest(format!("{}/{n_told}", self.id).as_bytes()));
        let (width, height) = watch.size;
        let file = ScannedFile {
            name: "stream".to_owned(),
            status: MediaStatus::Scanned {
                media_type: watch.mime.clone(),
                size_bytes: self.meter().n_bytes,
                width,
                height,
                is_intact: true,
                plays: Some(watch.plays.clone()),
            },
            signals: Vec::new(),
            previews: None,
            looks: None,
            recording: Some(ScannedRecording {
                duration_ms: at_ms,
                frames: watch.frames.iter().cloned().collect(),
                ..ScannedRecording::default()
            }),
        };
        let judged = Judged {
            item: NewItem {
                id: self.new.item.clone(),
                kind: ItemKind::Stream,
                account: self.new.account.clone(),
                channel: self.new.channel.clone(),
                audience: self.new.audience,
                url: self.new.url.clone(),
                text: None,
                report: None,
                platform: PlatformFacts::default(),
                content: digest.clone(),
                digest,
            },
            files: vec![file],
            found: vec![Found {
                matches: matches.clone(),
                capped: false,
            }],
            hit: Some(StreamHit { stream: self.id, at_ms }),
        };
        remember(app, &self.opened_by, judged, None).await?;
        watch.n_told = n_told;
        for m in matches {
            watch.told.insert((m.target.entry, m.signal_type), m.tier);
        }
        Ok(())
    }

    fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A segment that goes on takes the place of what was known of it.
fn merge(known: &mut Vec<Segment>, segment: Segment) {
    let is_same = |other: &Segment| {
        other.is_mirrored == segment.is_mirrored
            && (other.query.from_ms.abs_diff(segment.query.from_ms) <= SAME_SEGMENT_MS
                || (other.query.overlap_ms(segment.query) > 0 && other.entry.overlap_ms(segment.entry) > 0))
    };
    known.retain(|other| !is_same(other));
    known.push(segment);
    if known.len() > SEGMENTS_MAX {
        known.remove(0);
    }
}

/// Looks a frame up among the pictures of the banks.
async fn see_picture(app: &Seawall, watch: &mut Watch, frame: &Frame) -> Result<(), SubmitError> {
    let settings = app.matcher.settings();
    if frame.pdq.quality < settings.quality_min {
        return Ok(());
    }
    let signals = [MediaSignal {
        signal: Signal::Pdq {
            hash: frame.pdq.hash,
            quality: Some(frame.pdq.quality),
        },
        view: MediaSignal::AS_IS.to_owned(),
        frame: Some(FramePlace {
            index: u32::try_from(frame.number).unwrap_or(u32::MAX),
            at_ms: frame.at_ms,
        }),
    }];
    let within_bits = settings.match_distance_bits;
    let among = lookup::look_up_among(app, &[Query::of_signals(&signals)], within_bits, &|_| true).await?;
    for m in among.found.into_iter().flat_map(|found| found.matches) {
        watch.pictures.entry(m.target.entry).or_insert(m);
    }
    Ok(())
}

/// Takes in what the worker of a stream finds, until it is over.
pub async fn follow(app: Seawall, live: Arc<Live>) {
    let Some(scan) = &live.scan else { return };
    let mut reason = "ended";
    while let Some(event) = scan.next().await {
        let taken = match event {
            Ok(event) => take_in(&app, &live, event).await,
            Err(error) => {
                reason = error.kind();
                break;
            }
        };
        if let Err(error) = taken {
            // The next frame has it judged again.
            tracing::error!(stream.id = %live.id, error = &error as &dyn std::error::Error, "cannot remember what was found in a stream");
        }
    }
    if let Err(error) = end(&app, &live, StreamState::Closed, reason).await {
        tracing::error!(stream.id = %live.id, error = &error as &dyn std::error::Error, "cannot write that a stream is over");
    }
}

async fn take_in(app: &Seawall, live: &Live, event: LiveEvent) -> Result<(), SubmitError> {
    match event {
        LiveEvent::Opened {
            mime,
            width,
            height,
            video_codec,
            audio_codec,
            frame_rate: _,
        } => {
            let mut watch = live.watch.lock().await;
            watch.mime = mime.to_owned();
            watch.size = (width, height);
            watch.plays.video_codec = video_codec.map(str::to_owned);
            watch.plays.audio_codec = audio_codec.map(str::to_owned);
            Ok(())
        }
        LiveEvent::Frame(frame) => live.see(app, *frame).await,
        LiveEvent::Sound { samples, .. } => live.hear(app, &samples).await,
        LiveEvent::Progress { at_ms } => {
            let mut watch = live.watch.lock().await;
            live.reached(&mut watch, at_ms);
            Ok(())
        }
        LiveEvent::Ended { duration_ms, .. } => {
            let mut watch = live.watch.lock().await;
            live.reached(&mut watch, duration_ms);
            Ok(())
        }
    }
}
