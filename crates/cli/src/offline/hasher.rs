//! Many files through the media host: read, decoded in a jail, and handed back in the order in which they were asked for.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;
use futures_util::{Stream, StreamExt, stream};
use media::av::{AvHost, AvScan, AvSettings, AvWant, AvWorkerCommand, NoAvWorker};
use media::{HostSettings, JailRequirement, MediaHost, Scan, StartHostError, View, Want, WorkerCommand};
use serde::Serialize;
use signal::audio::QueryPrints;
use signal::views::{self, Share};
use signal::{Md5, Sha256, Signal, vpdq};

use super::files::{self, FileError, Input};
use super::progress::Bars;
use crate::exit::BadUsage;

/// What came of one file.
#[derive(Debug)]
pub struct Hashed {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What was found in it.
    pub outcome: Result<FileScan, FileError>,
    /// Digests of its bytes; there even if they could not be decoded.
    pub digests: Option<(Md5, Sha256)>,
}

/// What was found in a file.
#[derive(Debug)]
pub enum FileScan {
    /// It is a picture.
    Picture(Box<Scan>),
    /// It is a video or a sound.
    Recording(Box<AvScan>),
}

impl FileScan {
    /// Whether all of it could be decoded.
    pub fn is_intact(&self) -> bool {
        match self {
            Self::Picture(scan) => scan.is_intact,
            Self::Recording(scan) => scan.is_intact,
        }
    }

    /// Its signals, as [`signals`] and [`recording_signals`] say.
    pub fn signals(&self) -> Vec<FileSignal> {
        match self {
            Self::Picture(scan) => signals(scan),
            Self::Recording(scan) => recording_signals(scan),
        }
    }
}

/// A media host for files of this machine, with the default limits.
pub struct Hasher {
    host: MediaHost,
    av: Result<AvHost, NoAvWorker>,
    want: Want,
    bytes_max: usize,
    n_at_once: usize,
    bars: Bars,
}

impl Hasher {
    /// Starts a worker for each core, which find this in each file.
    pub async fn start(allow_weak_jail: bool, want: Want) -> anyhow::Result<Self> {
        let worker = WorkerCommand::this_executable().context("cannot find the program that is running")?;
        let mut settings = HostSettings::new(worker);
        if allow_weak_jail {
            settings.jail = JailRequirement::BestEffort;
        }
        let (bytes_max, workers) = (settings.limits.bytes_max, settings.workers);
        let jail = settings.jail;
        let host = MediaHost::start(settings).await.map_err(explain)?;
        let av = match AvWorkerCommand::beside_this_executable() {
            Ok(worker) => {
                let settings = AvSettings {
                    jail,
                    ..AvSettings::new(worker)
                };
                Ok(AvHost::new(settings).map_err(explain)?)
            }
            Err(error) => Err(error),
        };
        // One more than there are workers for each worker: the next file is read while one is decoded.
        Ok(Self {
            host,
            av,
            want,
            bytes_max,
            n_at_once: workers * 2,
            bars: Bars::new(),
        })
    }

    /// Where it shows how far it is. What else is printed must suspend them.
    pub fn bars(&self) -> &Bars {
        &self.bars
    }

    /// Hashes the files, several at once; the answers come in the order of the files.
    pub fn hash(&self, paths: Vec<PathBuf>) -> impl Stream<Item = Hashed> + '_ {
        stream::iter(paths)
            .map(|path| self.hash_one(path))
            .buffered(self.n_at_once)
    }

    async fn hash_one(&self, path: PathBuf) -> Hashed {
        let (bytes_max, to_read) = (self.bytes_max, path.clone());
        let opened = tokio::task::spawn_blocking(move || {
            let input = files::open(&to_read, bytes_max)?;
            let digests = match &input {
                Input::Bytes(bytes) => Some((Md5::of(bytes), Sha256::of(bytes))),
                Input::Recording(_) => None,
            };
            Ok((input, digests))
        });
        // The runtime ends only with the program, so the reading thread itself failed.
        let failed = |error: tokio::task::JoinError| {
            Err(FileError {
                kind: "unreadable",
                detail: format!("reading failed: {error}"),
            })
        };
        match opened.await.unwrap_or_else(failed) {
            Ok((Input::Bytes(bytes), digests)) => Hashed {
                path,
                outcome: match self.host.scan(bytes, self.want).await {
                    Ok(scan) => Ok(FileScan::Picture(Box::new(scan))),
                    Err(error) => Err(FileError::from(&error)),
                },
                digests,
            },
            Ok((Input::Recording(file), _)) => {
                let outcome = self.scan_recording(file, &path).await;
                let digests = match &outcome {
                    Ok(scan) => Some((scan.md5, scan.sha256)),
                    // A known file is found even if it is broken.
                    Err(_) => self.digests_of(path.clone()).await,
                };
                Hashed {
                    path,
                    outcome: outcome.map(|scan| FileScan::Recording(Box::new(scan))),
                    digests,
                }
            }
            Err(error) => Hashed {
                path,
                outcome: Err(error),
                digests: None,
            },
        }
    }

    async fn digests_of(&self, path: PathBuf) -> Option<(Md5, Sha256)> {
        let digested = tokio::task::spawn_blocking(move || files::digests(&path).ok());
        digested.await.ok().flatten()
    }

    async fn scan_recording(&self, file: File, path: &Path) -> Result<AvScan, FileError> {
        let av = self.av.as_ref().map_err(|error| FileError {
            kind: "av_unavailable",
            detail: error.to_string(),
        })?;
        let want = AvWant {
            glimpses: matches!(self.want, Want::SignalsAndLooks | Want::Everything),
            strip: false,
            ..AvWant::EVERYTHING
        };
        let mut shown = self.bars.recording(path);
        let scan = av.scan(file, want, |progress| shown.tell(&progress)).await;
        scan.map_err(|error| FileError::from(&error))
    }
}

/// Adds to a refusal to start what can be done about it.
pub fn explain(error: StartHostError) -> anyhow::Error {
    let advice = match &error {
        StartHostError::JailIncomplete { .. } => {
            Some("`seawall doctor` says what to do; --allow-weak-jail goes on without, for files that you trust")
        }
        StartHostError::BadSetting { .. } => return BadUsage(error.to_string()).into(),
        StartHostError::Spawn { .. } | StartHostError::Greeting { .. } => None,
    };
    let error = anyhow::Error::new(error);
    match advice {
        Some(advice) => anyhow::anyhow!("{error:#}. {advice}"),
        None => error,
    }
}

/// A signal as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignalLine {
    /// Which kind.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// As text.
    pub value: String,
    /// 0 to 100, if the kind has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<u8>,
    /// How the picture was turned, unless it is as the file stores it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// Which frame, unless it is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<u32>,
}

/// How a file's picture was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileView {
    /// All of a frame, turned as its file may ask for.
    Frame(View),
    /// A part of the first frame, or all of it in a mirror or otherwise changed, and where that lies.
    Edited(views::View, Share),
    /// All of a frame of a video.
    Shown,
}

impl FileView {
    /// All of a frame as the file stores it.
    pub const AS_IS: Self = Self::Frame(View::AsIs);

    /// Whether it is searched for as far as leads reach, or for matches alone.
    pub fn is_for_leads(self) -> bool {
        match self {
            Self::Frame(_) => true,
            Self::Edited(view, _) => view.is_for_leads(),
            // There are thousands of them.
            Self::Shown => false,
        }
    }

    /// Which part of the picture it shows, if not all of it.
    pub fn part(self) -> Option<Share> {
        match self {
            Self::Frame(_) | Self::Shown => None,
            Self::Edited(_, share) => Some(share).filter(|share| *share != Share::WHOLE),
        }
    }
}

/// The stable name that evidence has for it.
impl fmt::Display for FileView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(view) => f.write_str(view.name()),
            Self::Edited(view, _) => view.fmt(f),
            Self::Shown => f.write_str(View::AsIs.name()),
        }
    }
}

/// A part of a picture as `--json` prints it: shares of its width and height, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PartLine {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl From<Share> for PartLine {
    fn from(share: Share) -> Self {
        let shares = |ten_thousandths: u16| f64::from(ten_thousandths) / 10_000.0;
        Self {
            left: shares(share.left),
            top: shares(share.top),
            width: shares(share.width),
            height: shares(share.height),
        }
    }
}

/// A signal of a file, and of what in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSignal {
    /// The signal.
    pub signal: Signal,
    /// How the picture was looked at; as it is, for digests.
    pub view: FileView,
    /// Which frame; 0 for digests.
    pub frame: u32,
}

impl FileSignal {
    /// As it is printed.
    pub fn line(&self) -> SignalLine {
        SignalLine {
            kind: self.signal.signal_type().as_str(),
            value: self.signal.value(),
            quality: self.signal.quality(),
            view: (self.view != FileView::AS_IS).then(|| self.view.to_string()),
            frame: (self.frame != 0).then_some(self.frame),
        }
    }
}

/// The signals of a scan: PDQ of each frame and view, the first frame as it is stored first; then the digests. A frame that equals
/// one before it is left out.
pub fn signals(scan: &Scan) -> Vec<FileSignal> {
    let mut signals: Vec<FileSignal> = Vec::new();
    for frame in &scan.frames {
        let signal = Signal::Pdq {
            hash: frame.pdq.hash,
            quality: Some(frame.pdq.quality),
        };
        if signals.iter().all(|before| before.signal != signal) {
            signals.push(FileSignal {
                signal,
                view: FileView::Frame(frame.view),
                frame: frame.index,
            });
        }
    }
    signals.extend(digest_signals(scan.md5, scan.sha256));
    signals
}

/// The signals of a video or sound: digests, the hash of its frames, the fingerprint of its sound.
pub fn recording_signals(scan: &AvScan) -> Vec<FileSignal> {
    let mut signals = digest_signals(scan.md5, scan.sha256).to_vec();
    let video = Signal::vpdq(&vpdq::of_frames(&scan.frames, scan.frame_rate));
    let print = scan.sound.as_ref().map(QueryPrints::print);
    let long = video.into_iter().chain(print.and_then(Signal::chromaprint));
    signals.extend(long.map(|signal| FileSignal {
        signal,
        view: FileView::AS_IS,
        frame: 0,
    }));
    signals
}

/// What of a video is searched for among pictures and digests: its bytes' digests, and each frame that is not as the one before.
pub fn comparable_of_recording(scan: &AvScan) -> Vec<FileSignal> {
    let mut found = digest_signals(scan.md5, scan.sha256).to_vec();
    let mut before = None;
    for frame in &scan.frames {
        if before.replace(frame.pdq.hash) == Some(frame.pdq.hash) {
            continue;
        }
        found.push(FileSignal {
            signal: Signal::Pdq {
                hash: frame.pdq.hash,
                quality: Some(frame.pdq.quality),
            },
            view: FileView::Shown,
            frame: u32::try_from(frame.number).unwrap_or(u32::MAX),
        });
    }
    found
}

/// The signals of a scan that a bank is searched for: those of [`signals`], then the views of its first frame, the likeliest first.
pub fn comparable(scan: &Scan) -> Vec<FileSignal> {
    let views = scan.looks.iter().flat_map(|looks| &looks.views);
    // All of it as it is, is there already, and exactly.
    let views = views.filter(|seen| seen.view != views::View::AS_IS);
    let mut found = signals(scan);
    found.extend(views.map(|seen| FileSignal {
        signal: Signal::Pdq {
            hash: seen.pdq.hash,
            quality: Some(seen.pdq.quality),
        },
        view: FileView::Edited(seen.view, seen.share),
        frame: 0,
    }));
    found
}

/// The digests of a file as signals.
pub fn digest_signals(md5: Md5, sha256: Sha256) -> [FileSignal; 2] {
    [Signal::Md5(md5), Signal::Sha256(sha256)].map(|signal| FileSignal {
        signal,
        view: FileView::AS_IS,
        frame: 0,
    })
}

/// A path as text. What is not UTF-8 in it is replaced by U+FFFD.
pub fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
