//! The index on a disk: immutable segment files, and one meta file that says which of them count.
//!
//! A segment file is written whole and synced before the meta file names it, and the meta file is replaced in one step. So whenever the
//! machine stops, there is a meta file, and every file that it names is whole. What was added since is told again by the caller, from the
//! [`Checkpoint`] on: the index keeps no log of its own.

mod files;
mod meta;
mod segment_file;

pub(crate) use files::{Folder, remove_files};
#[cfg(feature = "fuzzing")]
pub(crate) use {
    meta::Meta as MetaFile,
    segment_file::{decode as decode_segment, seal as seal_segment},
};

use crate::checkpoint::Checkpoint;
use crate::memory::Region;
use crate::segment::{Layout, Segment};
use meta::{Meta, Named};
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Where files lie. Behind it stands a folder, or in tests a disk that fails when told to.
pub(crate) trait Disk: Send + Sync {
    /// A file's content.
    fn read(&self, name: &str) -> io::Result<Region>;
    /// Writes a file anew, of these parts, and syncs it.
    fn write(&self, name: &str, parts: &[&[u8]]) -> io::Result<()>;
    /// Puts a file in the place of another in one step, and syncs that.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;
}

/// The index cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be read or written.
    #[error("cannot read the index in {folder}")]
    Io {
        /// Which folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process has it open.
    #[error("the index in {folder} is in use by another process")]
    Locked {
        /// Which folder.
        folder: PathBuf,
    },
    /// Another version wrote it.
    #[error(
        "the index in {folder} has file format {found}, and this program reads {known}: use the version that wrote it, or remove the folder and it is made anew"
    )]
    Version {
        /// Which folder.
        folder: PathBuf,
        /// The version of the files.
        found: u32,
        /// The version that this program knows.
        known: u32,
    },
}

/// A file that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file's name in its folder.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
}

/// Why the content of a file cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    Damaged(&'static str),
    Version(u32),
}

/// The version of both kinds of files.
pub(crate) const FORMAT: u32 = 1;

const META: &str = "meta";
const META_NEW: &str = "meta.new";
const SEGMENT_PREFIX: &str = "segment-";

/// What a disk held.
pub(crate) struct Loaded {
    pub(crate) segments: Vec<Segment>,
    pub(crate) next_id: u64,
    /// None if anything is damaged: then everything must be told again.
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) damage: Vec<Damage>,
}

fn segment_name(id: u64) -> String {
    format!("{SEGMENT_PREFIX}{id:016x}")
}

/// Reads what the meta file names. Only a newer format and a disk that cannot be read are errors; what is damaged is left out and named.
pub(crate) fn load(disk: &dyn Disk, layout: Layout) -> Result<Loaded, LoadError> {
    let mut loaded = Loaded {
        segments: Vec::new(),
        next_id: 1,
        checkpoint: None,
        damage: Vec::new(),
    };
    let damaged = |file: &str, what: &str| Damage {
        file: file.to_owned(),
        what: what.to_owned(),
    };
    let meta = match disk.read(META) {
        Ok(region) => Meta::decode(region.bytes()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(loaded),
        Err(error) => return Err(error.into()),
    };
    let meta = match meta {
        Ok(meta) => meta,
        Err(Unusable::Version(found)) => return Err(LoadError::Version(found)),
        Err(Unusable::Damaged(what)) => {
            loaded.damage.push(damaged(META, what));
            return Ok(loaded);
        }
    };
    for named in &meta.segments {
        let name = segment_name(named.id);
        let region = match disk.read(&name) {
            Ok(region) => region,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                loaded.damage.push(damaged(&name, "is missing"));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        match segment_file::decode(&region, layout)? {
            Ok(segment) if segment.id == named.id && segment.n_pairs() as u64 == named.n_pairs => {
                for &pair in &named.removed {
                    segment.stamps.remove(pair as usize, 0);
                }
                segment.is_kept.store(true, Ordering::Release);
                loaded.segments.push(segment);
            }
            Ok(_) => loaded
                .damage
                .push(damaged(&name, "is not the segment that it should be")),
            Err(Unusable::Version(found)) => return Err(LoadError::Version(found)),
            Err(Unusable::Damaged(what)) => loaded.damage.push(damaged(&name, what)),
        }
    }
    loaded.next_id = meta.next_id;
    if loaded.damage.is_empty() {
        loaded.checkpoint = meta.checkpoint;
    }
    Ok(loaded)
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("format {0}")]
    Version(u32),
}

/// Makes the disk hold these segments, as a view of `stamp` sees them, and nothing else. If it fails or the machine stops, the disk holds
/// what it held before.
pub(crate) fn commit(
    disk: &dyn Disk,
    segments: &[Arc<Segment>],
    stamp: u64,
    next_id: u64,
    checkpoint: Option<Checkpoint>,
) -> io::Result<()> {
    for segment in segments {
        if !segment.is_kept() {
            segment_file::write(disk, &segment_name(segment.id), segment)?;
            segment.is_kept.store(true, Ordering::Release);
        }
    }
    let named = segments.iter().map(|segment| Named {
        id: segment.id,
        n_pairs: segment.n_pairs() as u64,
        removed: segment.stamps.removed_until(stamp),
    });
    let meta = Meta {
        next_id,
        checkpoint,
        segments: named.collect(),
    };
    disk.write(META_NEW, &[&meta.encode()])?;
    disk.rename(META_NEW, META)?;
    // What is left over costs room, not truth: the next commit tries again.
    let _ = sweep(disk, segments);
    Ok(())
}

fn sweep(disk: &dyn Disk, segments: &[Arc<Segment>]) -> io::Result<()> {
    let named: HashSet<String> = segments.iter().map(|segment| segment_name(segment.id)).collect();
    for name in disk.list()? {
        if name.starts_with(SEGMENT_PREFIX) && !named.contains(&name) {
            disk.remove(&name)?;
        }
    }
    Ok(())
}
