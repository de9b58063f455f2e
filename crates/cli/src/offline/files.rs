//! Files of this machine: finding them below a folder, and reading them within a limit.

use std::collections::HashSet;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use media::av::is_av;
use serde::Serialize;
use signal::{Digests, Md5, Sha256};

/// Why a file could not be hashed, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileError {
    /// A stable word: one of this module's, or [`media::ScanError::kind`].
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The same for people.
    pub detail: String,
}

impl FileError {
    fn new(kind: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }

    /// From the system's refusal to do `what`.
    fn of_io(what: &str, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::NotFound => "not_found",
            ErrorKind::PermissionDenied => "permission_denied",
            _ => "unreadable",
        };
        Self::new(kind, format!("cannot {what}: {error}"))
    }
}

impl From<&media::ScanError> for FileError {
    fn from(error: &media::ScanError) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

/// The name for standard input.
pub const STDIN: &str = "-";

/// Reads a regular file, or standard input for [`STDIN`], of at most `bytes_max` bytes. Blocks.
pub fn read(path: &Path, bytes_max: usize) -> Result<Bytes, FileError> {
    if path == Path::new(STDIN) {
        return read_all(std::io::stdin().lock(), bytes_max);
    }
    let metadata = std::fs::metadata(path).map_err(|error| FileError::of_io("open the file", &error))?;
    // Before it is opened: to open a pipe without a writer would wait for ever.
    check_kind(&metadata)?;
    if metadata.len() > bytes_max as u64 {
        return Err(too_large(metadata.len(), bytes_max));
    }
    let file = File::open(path).map_err(|error| FileError::of_io("open the file", &error))?;
    read_all(file, bytes_max)
}

/// What there is of a file: its bytes, or the open file where it is a video or a sound.
#[derive(Debug)]
pub enum Input {
    /// For the picture workers.
    Bytes(Bytes),
    /// For those of videos, which read it themselves.
    Recording(File),
}

/// So many bytes tell what a file is.
const SNIFF_BYTES: usize = 512;

/// Opens a regular file, or takes standard input for [`STDIN`]. What is no video or sound is read, at most `bytes_max` bytes of it. Blocks.
pub fn open(path: &Path, bytes_max: usize) -> Result<Input, FileError> {
    if path == Path::new(STDIN) {
        let bytes = read(path, bytes_max)?;
        if !is_av(&bytes[..bytes.len().min(SNIFF_BYTES)]) {
            return Ok(Input::Bytes(bytes));
        }
        let spooled = || {
            let mut file = tempfile::tempfile()?;
            file.write_all(&bytes)?;
            Ok(file)
        };
        let spooled: std::io::Result<File> = spooled();
        return spooled
            .map(Input::Recording)
            .map_err(|error| FileError::of_io("spool standard input", &error));
    }
    let metadata = std::fs::metadata(path).map_err(|error| FileError::of_io("open the file", &error))?;
    // Before it is opened: to open a pipe without a writer would wait for ever.
    check_kind(&metadata)?;
    let file = File::open(path).map_err(|error| FileError::of_io("open the file", &error))?;
    let mut first = Vec::new();
    (&file)
        .take(SNIFF_BYTES as u64)
        .read_to_end(&mut first)
        .map_err(|error| FileError::of_io("read the file", &error))?;
    match is_av(&first) {
        true => Ok(Input::Recording(file)),
        false => read(path, bytes_max).map(Input::Bytes),
    }
}

/// Digests of a file, read piece by piece. Blocks.
pub fn digests(path: &Path) -> std::io::Result<(Md5, Sha256)> {
    let mut file = File::open(path)?;
    let mut digests = Digests::default();
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(digests.finish()),
            n_read => digests.push(&piece[..n_read]),
        }
    }
}

fn check_kind(metadata: &Metadata) -> Result<(), FileError> {
    if metadata.is_dir() {
        return Err(FileError::new(
            "is_a_directory",
            "a folder: `seawall scan` goes through folders",
        ));
    }
    if !metadata.is_file() {
        return Err(FileError::new(
            "not_a_regular_file",
            "a pipe, socket or device; give its content as `-` (standard input)",
        ));
    }
    Ok(())
}

fn read_all(reader: impl Read, bytes_max: usize) -> Result<Bytes, FileError> {
    let mut bytes = Vec::new();
    let limit = (bytes_max as u64).saturating_add(1);
    reader
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| FileError::of_io("read the file", &error))?;
    if bytes.len() > bytes_max {
        return Err(FileError::new(
            "too_large",
            format!("the file has more than {bytes_max} bytes, the most that is scanned"),
        ));
    }
    Ok(bytes.into())
}

fn too_large(bytes: u64, bytes_max: usize) -> FileError {
    FileError::new(
        "too_large",
        format!("the file has {bytes} bytes; at most {bytes_max} are scanned"),
    )
}

/// What was found below a folder.
#[derive(Debug, Default)]
pub struct Found {
    /// Regular files, in the order of their paths.
    pub files: Vec<PathBuf>,
    /// What could not be looked at, and why, in the order of the paths.
    pub errors: Vec<(PathBuf, FileError)>,
}

/// Finds every file below `root`. Follows symbolic links, but enters each folder once, so that links in a circle end and links
/// crosswise do not multiply. What is no regular file is an error of its own: it might have held something. Blocks.
pub fn find(root: &Path) -> Found {
    let mut found = Found::default();
    let mut entered = HashSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        match std::fs::metadata(&folder) {
            Ok(metadata) if !entered.insert((metadata.dev(), metadata.ino())) => continue,
            Ok(_) => {}
            Err(error) => {
                found.errors.push((folder, FileError::of_io("open the folder", &error)));
                continue;
            }
        }
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                found.errors.push((folder, FileError::of_io("open the folder", &error)));
                continue;
            }
        };
        for entry in entries {
            let path = match entry {
                Ok(entry) => entry.path(),
                Err(error) => {
                    found
                        .errors
                        .push((folder.clone(), FileError::of_io("read the folder", &error)));
                    break;
                }
            };
            match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => folders.push(path),
                Ok(metadata) => match check_kind(&metadata) {
                    Ok(()) => found.files.push(path),
                    Err(error) => found.errors.push((path, error)),
                },
                Err(error) => found.errors.push((path, of_link(&error))),
            }
        }
    }
    found.files.sort();
    found.errors.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

/// A name that is there but leads nowhere: a link to what is gone, or to itself.
fn of_link(error: &std::io::Error) -> FileError {
    FileError::of_io("follow the name", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_in_a_circle_and_crosswise_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(path("a/b")).unwrap();
        std::fs::write(path("a/b/file"), "x").unwrap();
        symlink("..", path("a/b/up")).unwrap();
        symlink("itself", path("itself")).unwrap();
        symlink("nothing", path("gone")).unwrap();
        // Each level has two links to the next: 2^24 paths lead to the last.
        for level in 0..24 {
            std::fs::create_dir(path(&format!("cross{level}"))).unwrap();
            for link in ["left", "right"] {
                let next = if level == 23 {
                    "../a".to_owned()
                } else {
                    format!("../cross{}", level + 1)
                };
                symlink(next, path(&format!("cross{level}/{link}"))).unwrap();
            }
        }
        let found = find(dir.path());
        assert_eq!(found.files.len(), 1, "{:?}", found.files);
        let errors: Vec<_> = found
            .errors
            .iter()
            .map(|(path, e)| (path.file_name().unwrap().to_str().unwrap(), e.kind))
            .collect();
        assert_eq!(errors, [("gone", "not_found"), ("itself", "unreadable")]);
    }

    #[test]
    fn what_is_no_regular_file_is_neither_opened_nor_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let found = find(dir.path());
        assert!(found.files.is_empty());
        assert_eq!(found.errors[0].1.kind, "not_a_regular_file");
        assert_eq!(read(&socket, 10).unwrap_err().kind, "not_a_regular_file");
        assert_eq!(read(dir.path(), 10).unwrap_err().kind, "is_a_directory");
        assert_eq!(read(&dir.path().join("none"), 10).unwrap_err().kind, "not_found");
        assert_eq!(read(Path::new("/dev/zero"), 10).unwrap_err().kind, "not_a_regular_file");
    }

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(read(&path, 10).unwrap().len(), 10);
        assert_eq!(read(&path, 9).unwrap_err().kind, "too_large");
        assert_eq!(read_all(&b"0123456789"[..], 9).unwrap_err().kind, "too_large");
    }
}
