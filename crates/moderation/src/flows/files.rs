//! Files as they come: small ones in memory, large ones spooled to a temporary file. What they are is told by how they begin; pictures go to the
//! picture workers, videos and sounds to theirs.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use media::av::{AvScan, AvWant, INSTALL_HINT, Progress, is_av};
use media::{Scan, ScanError, Want};
use signal::digest::Digests;
use signal::{Md5, Sha256};

use crate::Seawall;

/// So many bytes tell what a file is.
const SNIFF_BYTES: usize = 512;
/// Bytes that are read at a time where a file is digested.
const PIECE_BYTES: usize = 1 << 20;

/// What there is of a file.
#[derive(Debug, Clone)]
pub enum FileContent {
    /// Its bytes, in memory.
    Bytes(Bytes),
    /// Its bytes, in a temporary file.
    Spooled(SpooledFile),
}

impl From<Bytes> for FileContent {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<SpooledFile> for FileContent {
    fn from(file: SpooledFile) -> Self {
        Self::Spooled(file)
    }
}

/// A file that has no name and goes when the last clone of this does.
#[derive(Debug, Clone)]
pub struct SpooledFile {
    file: Arc<File>,
    size_bytes: u64,
    md5: Md5,
    sha256: Sha256,
}

/// A temporary file that is being written. Its digests are made on the way, so that nothing reads it twice for them.
#[derive(Debug)]
pub struct Spool {
    /// None only while a piece is written, and after a failure.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    digests: Digests,
    size_bytes: u64,
}

impl Spool {
    /// In this folder, or in the system's for temporary files.
    pub fn begin(folder: Option<&Path>) -> std::io::Result<Self> {
        let file = match folder {
            Some(folder) => tempfile::tempfile_in(folder)?,
            None => tempfile::tempfile()?,
        };
        let open = Open {
            file,
            digests: Digests::default(),
            size_bytes: 0,
        };
        Ok(Self { open: Some(open) })
    }

    /// Writes the next piece. After a failure nothing more can be written.
    pub async fn write(&mut self, piece: Bytes) -> std::io::Result<()> {
        let mut open = self.open.take().ok_or_else(broken)?;
        let written = tokio::task::spawn_blocking(move || {
            open.file.write_all(&piece)?;
            open.digests.push(&piece);
            open.size_bytes += piece.len() as u64;
            Ok::<Open, std::io::Error>(open)
        });
        // The task is never aborted, and writing does not panic.
        self.open = Some(written.await.map_err(|_| broken())??);
        Ok(())
    }

    /// Bytes that were written so far.
    pub fn size_bytes(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.size_bytes)
    }

    /// The file, whole.
    pub fn finish(self) -> std::io::Result<SpooledFile> {
        let open = self.open.ok_or_else(broken)?;
        let (md5, sha256) = open.digests.finish();
        Ok(SpooledFile {
            file: Arc::new(open.file),
            size_bytes: open.size_bytes,
            md5,
            sha256,
        })
    }
}

fn broken() -> std::io::Error {
    std::io::Error::other("an earlier piece could not be written")
}

impl SpooledFile {
    /// How large it is.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Opens it anew: each reader has a place of its own in it.
    fn open(&self) -> std::io::Result<File> {
        use std::os::fd::AsRawFd;
        File::open(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }
}

impl FileContent {
    /// How large it is.
    pub fn size_bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Spooled(file) => file.size_bytes,
        }
    }

    /// Digests of its bytes.
    pub fn digests(&self) -> (Md5, Sha256) {
        match self {
            Self::Bytes(bytes) => (Md5::of(bytes), Sha256::of(bytes)),
            Self::Spooled(file) => (file.md5, file.sha256),
        }
    }

    /// Digest of its bytes.
    pub(super) fn sha256(&self) -> Sha256 {
        match self {
            Self::Bytes(bytes) => Sha256::of(bytes),
            Self::Spooled(file) => file.sha256,
        }
    }

    fn first_bytes(&self) -> std::io::Result<Bytes> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.slice(..bytes.len().min(SNIFF_BYTES))),
            Self::Spooled(file) => read_at_most(file.open()?, SNIFF_BYTES as u64),
        }
    }
}

fn read_at_most(file: File, bytes_max: u64) -> std::io::Result<Bytes> {
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// What a file turned out to be.
#[derive(Debug)]
pub(super) enum Decoded {
    /// A picture.
    Picture(Box<Scan>),
    /// A video or a sound.
    Recording(Box<AvScan>),
}

/// Why a file was not decoded.
#[derive(Debug)]
pub(super) enum NotDecoded {
    /// It is about the file, or about what is not installed here: so it is with the next try.
    File(ScanError),
    /// There is too much to do just now.
    Busy,
}

impl NotDecoded {
    /// A stable word, and the same for people; none where a later try may succeed.
    pub fn reason(&self) -> Option<(String, String)> {
        match self {
            Self::File(error) => Some((error.kind().to_owned(), error.to_string())),
            Self::Busy => None,
        }
    }
}

impl From<ScanError> for NotDecoded {
    fn from(error: ScanError) -> Self {
        match error {
            // It will not be there in a minute either; the reason says what to do.
            ScanError::AvUnavailable { .. } => Self::File(error),
            error if error.is_about_the_file() => Self::File(error),
            _ => Self::Busy,
        }
    }
}

/// Decodes a file, whatever it is.
pub(super) async fn decode(app: &Seawall, content: &FileContent, want: Want) -> Result<Decoded, NotDecoded> {
    decode_telling(app, content, want, |_| {}).await
}

/// The same, and tells how far it is, of a video or a sound.
pub(super) async fn decode_telling(
    app: &Seawall,
    content: &FileContent,
    want: Want,
    tell: impl FnMut(Progress),
) -> Result<Decoded, NotDecoded> {
    let unreadable = |error: std::io::Error| {
        // Our own file: there is nothing that its sender could do about it.
        tracing::error!(error = &error as &dyn std::error::Error, "cannot read a spooled file");
        NotDecoded::Busy
    };
    let first = content.first_bytes().map_err(unreadable)?;
    if is_av(&first) {
        let Some(av) = &app.av else {
            return Err(NotDecoded::File(ScanError::AvUnavailable {
                reason: INSTALL_HINT.to_owned(),
            }));
        };
        let want = AvWant {
            sampling: app.settings.recordings.sampling,
            strip: matches!(want, Want::Everything | Want::SignalsAndPreviews),
            ..AvWant::EVERYTHING
        };
        let file = spooled(app, content).await.map_err(unreadable)?;
        return Ok(Decoded::Recording(Box::new(av.scan(file, want, tell).await?)));
    }
    let bytes_max = app.media.limits().bytes_max;
    let bytes = match content {
        FileContent::Bytes(bytes) => bytes.clone(),
        FileContent::Spooled(file) if file.size_bytes > bytes_max as u64 => {
            return Err(NotDecoded::File(ScanError::TooLarge {
                bytes: usize::try_from(file.size_bytes).unwrap_or(usize::MAX),
                bytes_max,
            }));
        }
        FileContent::Spooled(file) => {
            read_at_most(file.open().map_err(unreadable)?, bytes_max as u64).map_err(unreadable)?
        }
    };
    Ok(Decoded::Picture(Box::new(app.media.scan(bytes, want).await?)))
}

/// The file of its own that a worker reads.
async fn spooled(app: &Seawall, content: &FileContent) -> std::io::Result<File> {
    match content {
        FileContent::Spooled(file) => file.open(),
        FileContent::Bytes(bytes) => {
            let folder = app.settings.recordings.spool_folder.clone();
            let bytes = bytes.clone();
            let written = tokio::task::spawn_blocking(move || {
                let mut file = match folder {
                    Some(folder) => tempfile::tempfile_in(folder)?,
                    None => tempfile::tempfile()?,
                };
                bytes.chunks(PIECE_BYTES).try_for_each(|piece| file.write_all(piece))?;
                file.rewind()?;
                Ok(file)
            });
            written.await.unwrap_or_else(|_| Err(broken()))
        }
    }
}
