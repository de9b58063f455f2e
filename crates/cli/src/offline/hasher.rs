//! Many files through the media host: read, decoded in a jail, and handed back in the order in which they were asked for.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use futures_util::{Stream, StreamExt, stream};
use media::{HostSettings, JailRequirement, MediaHost, Scan, StartHostError, View, Want, WorkerCommand};
use serde::Serialize;
use signal::views::{self, Share};
use signal::{Md5, Sha256, Signal};

use super::files::{self, FileError};
use crate::exit::BadUsage;

/// What came of one file.
#[derive(Debug)]
pub struct Hashed {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What was found in it.
    pub outcome: Result<Scan, FileError>,
    /// Digests of its bytes; there even if they could not be decoded.
    pub digests: Option<(Md5, Sha256)>,
}

/// A media host for files of this machine, with the default limits.
pub struct Hasher {
    host: MediaHost,
    want: Want,
    bytes_max: usize,
    n_at_once: usize,
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
        let host = MediaHost::start(settings).await.map_err(explain)?;
        // One more than there are workers for each worker: the next file is read while one is decoded.
        Ok(Self {
            host,
            want,
            bytes_max,
            n_at_once: workers * 2,
        })
    }

    /// Hashes the files, several at once; the answers come in the order of the files.
    pub fn hash(&self, paths: Vec<PathBuf>) -> impl Stream<Item = Hashed> + '_ {
        stream::iter(paths)
            .map(|path| self.hash_one(path))
            .buffered(self.n_at_once)
    }

    async fn hash_one(&self, path: PathBuf) -> Hashed {
        let (bytes_max, to_read) = (self.bytes_max, path.clone());
        let read = tokio::task::spawn_blocking(move || {
            let bytes = files::read(&to_read, bytes_max)?;
            let digests = (Md5::of(&bytes), Sha256::of(&bytes));
            Ok((bytes, digests))
        });
        let bytes = match read.await {
            Ok(bytes) => bytes,
            // The runtime ends only with the program, so the reading thread itself failed.
            Err(error) => Err(FileError {
                kind: "unreadable",
                detail: format!("reading failed: {error}"),
            }),
        };
        match bytes {
            Ok((bytes, digests)) => {
                let outcome = self
                    .host
                    .scan(bytes, self.want)
                    .await
                    .map_err(|error| FileError::from(&error));
                Hashed {
                    path,
                    outcome,
                    digests: Some(digests),
                }
            }
            Err(error) => Hashed {
                path,
                outcome: Err(error),
                digests: None,
            },
        }
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
}

impl FileView {
    /// All of a frame as the file stores it.
    pub const AS_IS: Self = Self::Frame(View::AsIs);

    /// Whether it is searched for as far as leads reach, or for matches alone.
    pub fn is_for_leads(self) -> bool {
        match self {
            Self::Frame(_) => true,
            Self::Edited(view, _) => view.is_for_leads(),
        }
    }

    /// Which part of the picture it shows, if not all of it.
    pub fn part(self) -> Option<Share> {
        match self {
            Self::Frame(_) => None,
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
