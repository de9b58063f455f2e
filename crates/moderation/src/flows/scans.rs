//! Files that are being decoded in this process, and how far each is: whoever waits for one can see that it goes on. Nothing of it is written down. Start with [`Scans`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use media::av::Progress;

use crate::Seawall;
use crate::model::{Actor, Denied, ItemId, QueueSet, Right, Timestamp};

/// A file that is being decoded, or waits for its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningScan {
    /// The item that it was sent with.
    pub item: ItemId,
    /// Its name there.
    pub file: String,
    /// Its size.
    pub size_bytes: u64,
    /// When it came.
    pub since: Timestamp,
    /// How far it is, of a video or a sound; none before it is its turn.
    pub progress: Option<Progress>,
}

/// The files that are being decoded in this process.
#[derive(Debug, Clone, Default)]
pub struct Scans(Arc<Mutex<Running>>);

#[derive(Debug, Default)]
struct Running {
    n_begun: u64,
    scans: BTreeMap<u64, RunningScan>,
}

impl Scans {
    /// The most that are listed; those that came first.
    pub const LISTED_MAX: usize = 200;

    /// A file came. It is listed until what is returned is dropped.
    pub(super) fn begin(&self, scan: RunningScan) -> Scanning {
        let mut running = self.lock();
        running.n_begun += 1;
        let number = running.n_begun;
        running.scans.insert(number, scan);
        drop(running);
        Scanning {
            scans: self.clone(),
            number,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file is being decoded for as long as this is held.
#[derive(Debug)]
pub(super) struct Scanning {
    scans: Scans,
    number: u64,
}

impl Scanning {
    /// So far it is.
    pub fn tell(&self, progress: Progress) {
        if let Some(scan) = self.scans.lock().scans.get_mut(&self.number) {
            scan.progress = Some(progress);
        }
    }
}

impl Drop for Scanning {
    fn drop(&mut self) {
        self.scans.lock().scans.remove(&self.number);
    }
}

/// Files that are being decoded in this process, those that came first before the others; of one item, if that is asked for. Who is bound to queues sees none: in no
/// queue is what was not judged yet.
pub fn running_scans(app: &Seawall, actor: &Actor, item: Option<&ItemId>) -> Result<Vec<RunningScan>, Denied> {
    actor.require(Right::ReadItems)?;
    if *actor.queues() != QueueSet::All {
        return Ok(Vec::new());
    }
    let running = app.scans.lock();
    let asked = running.scans.values();
    let asked = asked.filter(|scan| item.is_none_or(|item| scan.item == *item));
    Ok(asked.take(Scans::LISTED_MAX).cloned().collect())
}
