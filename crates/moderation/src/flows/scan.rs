//! Files become signals: each is decoded in its jail, and what cannot be hashed comes back as unscanned.

use futures_util::future::join_all;
use media::av::{AvScan, StripPicture};
use media::{Previews, Scan, View, Want};
use signal::audio::{AS_IS, Item, Played, Print, QueryPrints};
use signal::video::Frame;
use signal::{Looks, Signal, vpdq};

use super::files::{Decoded, FileContent, decode_telling};
use super::lookup::RecordingQuery;
use super::scans::RunningScan;
use super::submission::{NewContent, NewMedia};
use super::submit::SubmitError;
use crate::Seawall;
use crate::model::item::{FramePlace, MediaSignal};
use crate::model::{ItemId, MediaStatus, NewStripPicture, Plays, TranscriptLine};

/// A file after the attempt to scan it.
pub(super) struct ScannedFile {
    pub name: String,
    pub status: MediaStatus,
    pub signals: Vec<MediaSignal>,
    pub previews: Option<Previews>,
    pub looks: Option<Looks>,
    /// There, if it is a video or a sound, the hash of one, or a picture that moves.
    pub recording: Option<ScannedRecording>,
    /// What is said in it, as the platform wrote it down.
    pub transcript: Vec<TranscriptLine>,
}

/// What a video or a sound was seen and heard to be.
#[derive(Debug, Clone, Default)]
pub(super) struct ScannedRecording {
    pub duration_ms: u32,
    pub frames: Vec<Frame>,
    pub sound: Option<QueryPrints>,
    pub waveform: Vec<u8>,
    pub strip: Vec<StripPicture>,
}

impl ScannedRecording {
    /// What is looked up.
    pub fn query(&self) -> RecordingQuery<'_> {
        RecordingQuery {
            duration_ms: self.duration_ms,
            frames: &self.frames,
            sound: self.sound.as_ref(),
        }
    }
}

/// Scans all files of an item together. What cannot be hashed comes back as unscanned; only when Seawall itself cannot
/// scan just now is there an error.
pub(super) async fn scan_all(
    app: &Seawall,
    item: &ItemId,
    media: &[NewMedia],
    want: Want,
) -> Result<Vec<ScannedFile>, SubmitError> {
    let scans = media.iter().map(|new| scan_one(app, item, new, want));
    let scanned = join_all(scans).await.into_iter().zip(media);
    let with_transcript = |(file, new): (Result<ScannedFile, SubmitError>, &NewMedia)| {
        Ok(ScannedFile {
            transcript: new.transcript.clone(),
            ..file?
        })
    };
    scanned.map(with_transcript).collect()
}

async fn scan_one(app: &Seawall, item: &ItemId, new: &NewMedia, want: Want) -> Result<ScannedFile, SubmitError> {
    let name = new.name.clone();
    let content = match &new.content {
        NewContent::Bytes(bytes) => FileContent::Bytes(bytes.clone()),
        NewContent::File(file) => FileContent::Spooled(file.clone()),
        NewContent::Signals(signals) => {
            let (long, short): (Vec<_>, Vec<_>) = signals.iter().cloned().partition(Signal::is_long);
            return Ok(ScannedFile {
                signals: short.into_iter().map(MediaSignal::as_is).collect(),
                recording: of_long_signals(&long),
                ..nothing_of(name, MediaStatus::Given)
            });
        }
        NewContent::Unfetched { reason, detail, .. } => {
            let status = MediaStatus::Unscanned {
                reason: (*reason).to_owned(),
                detail: detail.clone(),
            };
            return Ok(nothing_of(name, status));
        }
    };
    let scanning = app.scans.begin(RunningScan {
        item: item.clone(),
        file: name.clone(),
        size_bytes: content.size_bytes(),
        since: app.clock.now(),
        progress: None,
    });
    match decode_telling(app, &content, want, |progress| scanning.tell(progress)).await {
        Ok(Decoded::Picture(scan)) => Ok(of_picture(name, content.size_bytes(), *scan)),
        Ok(Decoded::Recording(scan)) => Ok(of_recording(name, content.size_bytes(), *scan)),
        Err(error) => {
            let (reason, detail) = error.reason().ok_or(SubmitError::Busy)?;
            // The digests of the bytes need no decoding: a known file is found even if it is broken.
            let (md5, sha256) = content.digests();
            Ok(ScannedFile {
                signals: vec![
                    MediaSignal::as_is(Signal::Md5(md5)),
                    MediaSignal::as_is(Signal::Sha256(sha256)),
                ],
                ..nothing_of(name, MediaStatus::Unscanned { reason, detail })
            })
        }
    }
}

fn nothing_of(name: String, status: MediaStatus) -> ScannedFile {
    ScannedFile {
        name,
        status,
        signals: Vec::new(),
        previews: None,
        looks: None,
        recording: None,
        transcript: Vec::new(),
    }
}

fn of_picture(name: String, size_bytes: u64, scan: Scan) -> ScannedFile {
    let status = MediaStatus::Scanned {
        media_type: scan.media_type.mime().to_owned(),
        size_bytes,
        width: scan.width,
        height: scan.height,
        is_intact: scan.is_intact,
        plays: None,
    };
    ScannedFile {
        signals: signals_of(&scan),
        recording: of_moving(&scan),
        previews: scan.previews,
        looks: scan.looks,
        ..nothing_of(name, status)
    }
}

/// A picture that moves is compared over its time too, by its frames as they are.
fn of_moving(scan: &Scan) -> Option<ScannedRecording> {
    let as_is = scan.frames.iter().filter(|frame| frame.view == View::AsIs);
    let frames = as_is.map(|frame| Frame {
        at_ms: frame.at_ms,
        number: frame.index.into(),
        is_scene: false,
        is_vpdq: false,
        pdq: frame.pdq,
        glimpse: None,
    });
    let frames: Vec<Frame> = frames.collect();
    let (last, n_before) = (frames.last()?, u32::try_from(frames.len()).ok()?.checked_sub(1)?);
    // How long the last is shown is not told: as long as the others, one by the other.
    let step_ms = last.at_ms.checked_div(n_before)?;
    Some(ScannedRecording {
        duration_ms: last.at_ms.saturating_add(step_ms),
        frames,
        ..ScannedRecording::default()
    })
}

fn of_recording(name: String, size_bytes: u64, scan: AvScan) -> ScannedFile {
    let status = MediaStatus::Scanned {
        media_type: scan.mime.to_owned(),
        size_bytes,
        width: scan.width,
        height: scan.height,
        is_intact: scan.is_intact,
        plays: Some(Plays {
            duration_ms: scan.duration_ms,
            video_codec: scan.video_codec.map(str::to_owned),
            audio_codec: scan.audio_codec.map(str::to_owned),
        }),
    };
    ScannedFile {
        signals: vec![
            MediaSignal::as_is(Signal::Md5(scan.md5)),
            MediaSignal::as_is(Signal::Sha256(scan.sha256)),
        ],
        previews: previews_of_strip(&scan.strip),
        recording: Some(ScannedRecording {
            duration_ms: scan.duration_ms,
            frames: scan.frames,
            sound: scan.sound,
            waveform: scan.waveform,
            strip: scan.strip,
        }),
        ..nothing_of(name, status)
    }
}

/// Of a video the picture in the middle stands for it.
pub(super) fn previews_of_strip(strip: &[StripPicture]) -> Option<Previews> {
    let middle = strip.get(strip.len() / 2)?;
    Some(Previews {
        small: middle.small.clone(),
        blurred: middle.blurred.clone(),
        greyscale: Vec::new(),
    })
}

/// A strip as it is kept.
pub(super) fn kept_strip(strip: Vec<StripPicture>) -> Vec<NewStripPicture> {
    let kept = strip.into_iter().map(|picture| NewStripPicture {
        at_ms: picture.at_ms,
        small: picture.small,
        blurred: picture.blurred,
    });
    kept.collect()
}

/// What hashes of videos and sounds are looked up by, that the platform computed before.
pub(super) fn of_long_signals(signals: &[Signal]) -> Option<ScannedRecording> {
    let mut recording = ScannedRecording::default();
    for signal in signals {
        match signal {
            Signal::Pdq { .. } | Signal::Md5(_) | Signal::Sha256(_) => {}
            Signal::Vpdq(features) => {
                recording.frames = vpdq::to_frames(features);
                // Each feature stands for a second.
                let last_ms = features.iter().map(|feature| feature.at_ms).max().unwrap_or(0);
                recording.duration_ms = recording.duration_ms.max(last_ms.saturating_add(1_000));
            }
            Signal::Chromaprint(print) => {
                let prints = prints_of(print);
                let ms = print.items.len() as f64 * signal::audio::ITEM_MS;
                recording.duration_ms = recording.duration_ms.max(ms.round() as u32);
                recording.sound = Some(prints);
            }
        }
    }
    (!recording.frames.is_empty() || recording.sound.is_some()).then_some(recording)
}

/// A bare print as a query: at no other speed, and each bit as sure as the next.
pub(super) fn prints_of(print: &Print) -> QueryPrints {
    let items = print.items.iter().map(|bits| Item { bits: *bits, doubts: 0 });
    QueryPrints {
        played: vec![Played {
            speed: AS_IS,
            first: 0,
            items: items.collect(),
        }],
    }
}

/// The signals of a scanned picture.
pub(super) fn signals_of(scan: &Scan) -> Vec<MediaSignal> {
    let moves = scan.frames.iter().any(|frame| frame.index > 0);
    let mut signals: Vec<MediaSignal> = scan
        .frames
        .iter()
        .map(|frame| MediaSignal {
            signal: Signal::Pdq {
                hash: frame.pdq.hash,
                quality: Some(frame.pdq.quality),
            },
            view: frame.view.name().to_owned(),
            frame: moves.then_some(FramePlace {
                index: frame.index,
                at_ms: frame.at_ms,
            }),
        })
        .collect();
    signals.push(MediaSignal::as_is(Signal::Md5(scan.md5)));
    signals.push(MediaSignal::as_is(Signal::Sha256(scan.sha256)));
    signals
}

/// The signals of a scanned video or sound that is to be an entry.
pub(super) fn signals_of_recording(scan: &AvScan) -> Vec<Signal> {
    let mut signals = vec![Signal::Md5(scan.md5), Signal::Sha256(scan.sha256)];
    signals.extend(Signal::vpdq(&vpdq::of_frames(&scan.frames, scan.frame_rate)));
    let print = scan.sound.as_ref().map(QueryPrints::print);
    signals.extend(print.and_then(Signal::chromaprint));
    signals
}
