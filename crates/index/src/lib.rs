//! The index: which of many PDQ codes lie within a distance of this one? Exact, never approximate.
//!
//! It holds codes under keys that the caller chooses and knows nothing of banks, entries, files of users or what a hit means.
//!
//! Start with [`Index`], which takes codes in and out, and [`Snapshot`], which answers. Behind them, new codes go to a small head that is
//! searched as it grows; full heads become immutable segments, small segments become larger ones ([`Index::maintain`]); a removal stamps a code
//! instead of moving anything. So a snapshot is a reference count, a change is visible to the next snapshot, and neither waits for the
//! other. Within small radii a segment is searched through rows or tables of substrings (multi-index hashing: Norouzi, Punjani and Fleet, 2012; rows
//! are a ring besides: Qin and Xiao, "Pigeonring", 2018), beyond that by a scan; all give the same answer. An index may live in a folder: see [`Index::open`].

mod buckets;
mod checkpoint;
mod chunks;
mod codes;
mod collect;
mod compare;
mod disk;
mod head;
mod memory;
mod merge;
mod rows;
mod scan;
mod segment;
mod snapshot;
mod stamps;
mod tables;
mod writer;

pub mod sounds;
pub mod videos;

pub use checkpoint::Checkpoint;
pub use collect::{Hit, Hits};
pub use disk::{Damage, OpenError};
pub use segment::Layout;
pub use snapshot::Snapshot;

#[cfg(feature = "fuzzing")]
pub mod fuzzing;
#[cfg(test)]
mod tests;

use arc_swap::ArcSwap;
use disk::{Disk, Folder};
use segment::Segment;
use signal::Pdq;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use writer::Writer;

/// How an index is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Codes in a head: the more, the fewer segments are made, and the longer a search takes in the head.
    pub head_codes: usize,
    /// How segments are laid out.
    pub layout: Layout,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            head_codes: 1 << 16,
            layout: Layout::default(),
        }
    }
}

/// A set of (key, code) pairs to search. Shared between threads by reference; changes wait for each other, searches wait
/// for nothing.
pub struct Index {
    options: Options,
    writer: Mutex<Writer>,
    current: ArcSwap<snapshot::View>,
    /// Held by the one who turns heads into segments and writes files.
    keeper: Mutex<Keeper>,
}

/// What the disk holds.
struct Keeper {
    disk: Option<Box<dyn Disk>>,
    /// Everything up to here is in segments.
    reached: Option<Checkpoint>,
    /// Segments were made or dropped since the last commit.
    is_changed: bool,
}

/// How much an index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// (key, code) pairs.
    pub n_pairs: usize,
    /// Segments that a search asks, besides the head.
    pub n_segments: usize,
    /// Bytes that the segments take, tables and mapped files included.
    pub n_bytes: usize,
}

/// An index that was opened, and what was found damaged.
#[derive(Debug)]
pub struct Opened {
    /// The index, without what was damaged.
    pub index: Index,
    /// How far the caller's changes are in it. `None`: everything must be told, again if need be; what is there already costs little.
    pub checkpoint: Option<Checkpoint>,
    /// Files that were not as they were written.
    pub damage: Vec<Damage>,
}

/// Full heads that may wait before whoever adds codes has to help.
const FULL_HEADS_MAX: usize = 4;

impl Index {
    /// An empty index, in memory alone.
    pub fn new() -> Self {
        Self::with_options(Options::default())
    }

    /// An empty index, in memory alone, laid out otherwise.
    pub fn with_options(options: Options) -> Self {
        let writer = Writer::new(options.head_codes.max(1));
        let current = ArcSwap::from_pointee(writer.view());
        let keeper = Keeper {
            disk: None,
            reached: None,
            is_changed: false,
        };
        Self {
            options,
            writer: Mutex::new(writer),
            current,
            keeper: Mutex::new(keeper),
        }
    }

    /// The index that lies in a folder; an empty one if there is none. The folder is made if it is missing, and is this process's alone
    /// while the index is open.
    ///
    /// What is told to the index after this lies on the disk only once it is in a segment. So after a restart the caller goes on from
    /// [`Opened::checkpoint`], and tells what became of each key since; telling something twice changes nothing.
    pub fn open(folder: &Path, options: Options) -> Result<Opened, OpenError> {
        let io_error = |source| OpenError::Io {
            folder: folder.to_owned(),
            source,
        };
        let disk = Folder::open(folder).map_err(|error| error.of(folder))?;
        Self::open_on(Box::new(disk), options).map_err(|error| match error {
            disk::LoadError::Io(source) => io_error(source),
            disk::LoadError::Version(found) => OpenError::Version {
                folder: folder.to_owned(),
                found,
                known: disk::FORMAT,
            },
        })
    }

    /// Removes the index that lies in a folder, and nothing else from it.
    pub fn forget(folder: &Path) -> Result<(), OpenError> {
        disk::remove_files(folder).map_err(|error| error.of(folder))
    }

    fn open_on(disk: Box<dyn Disk>, options: Options) -> Result<Opened, disk::LoadError> {
        let loaded = disk::load(&*disk, options.layout)?;
        let index = Self::with_options(options);
        index.change(|writer| writer.adopt(loaded.segments, loaded.next_id, loaded.checkpoint));
        {
            let mut keeper = index.keeper();
            keeper.disk = Some(disk);
            keeper.reached = loaded.checkpoint;
            keeper.is_changed = !loaded.damage.is_empty();
        }
        Ok(Opened {
            index,
            checkpoint: loaded.checkpoint,
            damage: loaded.damage,
        })
    }

    /// Adds a code under a key. A key may have many codes; adding a pair that is there changes nothing.
    pub fn insert(&self, key: u64, code: Pdq) {
        self.change(|writer| {
            writer.insert(key, code);
        });
        self.help_if_behind();
    }

    /// Adds many pairs at once: they become visible together, and faster than one by one. So many that they fill several heads become a
    /// segment at once, if none of their keys is there.
    pub fn insert_many(&self, pairs: impl IntoIterator<Item = (u64, Pdq)>) {
        let mut pairs: Vec<(u64, Pdq)> = pairs.into_iter().collect();
        let least = pairs.iter().map(|(key, _)| *key).min();
        let greatest = pairs.iter().map(|(key, _)| *key).max();
        let (Some(least), Some(greatest)) = (least, greatest) else {
            return;
        };
        let fills_heads = pairs.len() >= self.options.head_codes.saturating_mul(FULL_HEADS_MAX);
        if fills_heads {
            let mut keeper = self.keeper();
            let mut writer = self.lock();
            if !writer.may_have(least..=greatest) {
                let id = writer.fresh_id();
                // Without memory for it at once, they go one by one.
                if let Ok(made) = Segment::build(id, &mut pairs, self.options.layout) {
                    writer.add_segment(made);
                    keeper.is_changed = true;
                    self.current.store(writer.view().into());
                    return;
                }
            }
        }
        self.change(|writer| {
            for (key, code) in pairs {
                writer.insert(key, code);
            }
        });
        self.help_if_behind();
    }

    /// Removes every code of a key. Returns how many there were.
    pub fn remove(&self, key: u64) -> usize {
        self.change(|writer| writer.remove(key))
    }

    /// Gives a key exactly these codes, whatever it had: no snapshot sees it with some of both, or with none between. A key that has them
    /// already is left as it is.
    pub fn replace(&self, key: u64, codes: &[Pdq]) {
        self.change(|writer| writer.replace(key, codes));
        self.help_if_behind();
    }

    /// Replaces the codes of many keys at once; a key with no codes is removed. If a checkpoint is given, everything up to it has now been
    /// told. All becomes visible together.
    pub fn apply<'a>(&self, changes: impl IntoIterator<Item = (u64, &'a [Pdq])>, checkpoint: Option<Checkpoint>) {
        self.change(|writer| {
            for (key, codes) in changes {
                writer.replace(key, codes);
            }
            if checkpoint.is_some() {
                writer.checkpoint = checkpoint;
            }
        });
        self.help_if_behind();
    }

    /// Turns full heads into segments and segments into fewer, until there is nothing to be done, and writes what changed to the disk.
    /// Searches and changes go on meanwhile. Returns whether there was anything to do. After an error the index is as good as before, and
    /// the next call tries again.
    pub fn maintain(&self) -> io::Result<bool> {
        let mut keeper = self.keeper();
        let mut worked = false;
        while self.maintain_once(&mut keeper)? {
            worked = true;
        }
        if keeper.is_changed {
            self.commit(&mut keeper)?;
        }
        Ok(worked)
    }

    /// Like [`maintain`](Self::maintain), with the head too: afterwards the disk holds everything that was told before the call.
    pub fn persist(&self) -> io::Result<()> {
        let mut keeper = self.keeper();
        self.lock().close_head();
        while self.maintain_once(&mut keeper)? {}
        {
            let writer = self.lock();
            if writer.is_settled() {
                keeper.reached = writer.checkpoint;
            }
        }
        self.commit(&mut keeper)
    }

    /// One piece of work, if there is any.
    fn maintain_once(&self, keeper: &mut Keeper) -> io::Result<bool> {
        let unit = self.options.head_codes;
        let work = {
            let mut writer = self.lock();
            writer.sealing().or_else(|| {
                let sizes: Vec<merge::Size> = writer.sizes();
                let chosen = merge::choose(&sizes, unit);
                (!chosen.is_empty()).then(|| writer.merging(&chosen))
            })
        };
        let Some(work) = work else { return Ok(false) };
        let made = Segment::build(work.id, &mut work.pairs(), self.options.layout)?;
        self.change(|writer| writer.install(&work, made));
        keeper.is_changed = true;
        if work.checkpoint.is_some() {
            keeper.reached = work.checkpoint;
        }
        Ok(true)
    }

    fn commit(&self, keeper: &mut Keeper) -> io::Result<()> {
        if let Some(disk) = &keeper.disk {
            let (view, next_id, told) = {
                let writer = self.lock();
                (writer.view(), writer.next_id(), writer.checkpoint)
            };
            // What was removed since lies on the disk as well, so it is an index of the stream as it was told last.
            let checkpoint = keeper.reached.map(|reached| Checkpoint {
                stream: told.unwrap_or(reached).stream,
                cursor: reached.cursor,
            });
            disk::commit(&**disk, &view.segments, view.stamp, next_id, checkpoint)?;
        }
        keeper.is_changed = false;
        Ok(())
    }

    /// Whoever adds codes faster than they are put in order puts some in order.
    fn help_if_behind(&self) {
        if self.lock().n_full() > FULL_HEADS_MAX {
            // Nothing is lost if it fails: heads are searched as they are, and who maintains the index hears of it.
            let _ = self.maintain();
        }
    }

    /// What the index holds now, for as long as the snapshot is kept. Takes no lock and copies no code.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.current.load_full())
    }

    /// Number of (key, code) pairs.
    pub fn len(&self) -> usize {
        self.current.load().len()
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much it holds.
    pub fn stats(&self) -> Stats {
        let view = self.current.load_full();
        Stats {
            n_pairs: view.len(),
            n_segments: view.segments.len(),
            n_bytes: view.segments.iter().map(|segment| segment.n_bytes()).sum(),
        }
    }

    fn change<T>(&self, make: impl FnOnce(&mut Writer) -> T) -> T {
        let mut writer = self.lock();
        let outcome = make(&mut writer);
        self.current.store(writer.view().into());
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        // An iterator handed to a change may panic between two pairs; each of them leaves the writer whole.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Index {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
