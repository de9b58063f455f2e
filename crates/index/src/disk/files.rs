//! A folder on a real disk.

use super::{Disk, META, META_NEW, OpenError, SEGMENT_PREFIX};
use crate::memory::Region;
use memmap2::Mmap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder that one process at a time may use.
pub(crate) struct Folder {
    path: PathBuf,
    /// Held as long as the folder is open; the system lets go of it when the process ends, however it ends.
    _lock: File,
}

/// The folder cannot be used.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Another process uses it.
    InUse,
    /// The system refused.
    Io(io::Error),
}

impl LockError {
    pub(crate) fn of(self, folder: &Path) -> OpenError {
        let folder = folder.to_owned();
        match self {
            LockError::InUse => OpenError::Locked { folder },
            LockError::Io(source) => OpenError::Io { folder, source },
        }
    }
}

impl Folder {
    /// Opens the folder, and makes it if it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self, LockError> {
        fs::create_dir_all(path).map_err(LockError::Io)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(LockError::Io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(LockError::InUse),
            Err(fs::TryLockError::Error(error)) => return Err(LockError::Io(error)),
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }
}

/// Removes the files of an index from a folder, and nothing else. A folder that is not there is no error.
pub(crate) fn remove_files(path: &Path) -> Result<(), LockError> {
    if !path.exists() {
        return Ok(());
    }
    let folder = Folder::open(path)?;
    // The meta file first: without it the segments do not count.
    let mut names = folder.list().map_err(LockError::Io)?;
    names.retain(|name| [META, META_NEW].contains(&name.as_str()) || name.starts_with(SEGMENT_PREFIX));
    names.sort();
    for name in names {
        folder.remove(&name).map_err(LockError::Io)?;
    }
    Ok(())
}

impl Disk for Folder {
    fn read(&self, name: &str) -> io::Result<Region> {
        let file = File::open(self.path.join(name))?;
        if file.metadata()?.len() == 0 {
            return Region::copy(&[]);
        }
        #[expect(unsafe_code, reason = "memory of a file")]
        // SAFETY: the folder is ours alone while its lock is held, and a file that was written is never written again: it is removed or replaced
        // by another, which leaves the mapped one as it is.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Region::Mapped(Arc::new(map)))
    }

    fn write(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        // A file of that name that a crash left half written may still be mapped by nobody: it was never named.
        let mut file = File::create(self.path.join(name))?;
        for part in parts {
            file.write_all(part)?;
        }
        file.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))?;
        File::open(&self.path)?.sync_all()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.collect()
    }
}
