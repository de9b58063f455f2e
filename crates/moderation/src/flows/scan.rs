//! Files become signals: each goes to the media host, and what cannot be hashed comes back as unscanned.

use futures_util::future::join_all;
use media::{Previews, Scan, Want};
use signal::{Looks, Signal};

use super::submission::{NewContent, NewMedia};
use super::submit::SubmitError;
use crate::Seawall;
use crate::model::MediaStatus;
use crate::model::item::{FramePlace, MediaSignal};

/// A file after the attempt to scan it.
pub(super) struct ScannedFile {
    pub name: String,
    pub status: MediaStatus,
    pub signals: Vec<MediaSignal>,
    pub previews: Option<Previews>,
    pub looks: Option<Looks>,
}

/// Scans all files of an item together. What cannot be hashed comes back as unscanned; only when Seawall itself cannot
/// scan just now is there an error.
pub(super) async fn scan_all(app: &Seawall, media: &[NewMedia], want: Want) -> Result<Vec<ScannedFile>, SubmitError> {
    let scans = media.iter().map(|new| scan_one(app, new, want));
    join_all(scans).await.into_iter().collect()
}

async fn scan_one(app: &Seawall, new: &NewMedia, want: Want) -> Result<ScannedFile, SubmitError> {
    let name = new.name.clone();
    match &new.content {
        NewContent::Signals(signals) => {
            let signals = signals.iter().cloned().map(MediaSignal::as_is).collect();
            Ok(ScannedFile {
                name,
                status: MediaStatus::Given,
                signals,
                previews: None,
                looks: None,
            })
        }
        NewContent::Unfetched { reason, detail, .. } => {
            let status = MediaStatus::Unscanned {
                reason: (*reason).to_owned(),
                detail: detail.clone(),
            };
            Ok(ScannedFile {
                name,
                status,
                signals: Vec::new(),
                previews: None,
                looks: None,
            })
        }
        NewContent::Bytes(bytes) => match app.media.scan(bytes.clone(), want).await {
            Ok(scan) => Ok(scanned(name, bytes.len(), scan)),
            Err(error) if !error.is_about_the_file() => Err(SubmitError::Busy),
            Err(error) => {
                // The digests of the bytes need no decoding: a known file is found even if it is broken.
                let signals = vec![
                    MediaSignal::as_is(Signal::Md5(signal::Md5::of(bytes))),
                    MediaSignal::as_is(Signal::Sha256(signal::Sha256::of(bytes))),
                ];
                let status = MediaStatus::Unscanned {
                    reason: error.kind().to_owned(),
                    detail: error.to_string(),
                };
                Ok(ScannedFile {
                    name,
                    status,
                    signals,
                    previews: None,
                    looks: None,
                })
            }
        },
    }
}

fn scanned(name: String, size: usize, scan: Scan) -> ScannedFile {
    let status = MediaStatus::Scanned {
        media_type: scan.media_type.mime().to_owned(),
        size_bytes: size as u64,
        width: scan.width,
        height: scan.height,
        is_intact: scan.is_intact,
        plays: None,
    };
    ScannedFile {
        name,
        status,
        signals: signals_of(&scan),
        previews: scan.previews,
        looks: scan.looks,
    }
}

/// The signals of a scanned file.
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
