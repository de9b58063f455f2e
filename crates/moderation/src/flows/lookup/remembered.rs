//! What the banks said lately of entries that were found, so that an entry that is found often is asked for once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Seawall;
use crate::banks::{self, EntryLook, Known};
use crate::model::Timestamp;
use crate::store::StoreError;

/// Entries whose description is remembered at most; then all are forgotten.
const REMEMBERED_MAX: usize = 50_000;
/// Entries whose looks are remembered at most, at some 25 KB each; then all are forgotten.
const LOOKS_MAX: usize = 2_000;

/// What the banks said lately, as of a place in their change feed. It is forgotten whenever the feed moves, which in the process that makes a change is before
/// the change's call returns.
#[derive(Debug, Default)]
pub struct Remembered(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    /// How often it was forgotten.
    turn: u64,
    known: HashMap<u64, Known>,
    /// Also of those that have none.
    looks: HashMap<u64, Option<Arc<EntryLook>>>,
}

impl Remembered {
    /// Forgets everything, also what is being asked just now.
    pub(crate) fn forget(&self) {
        let mut memory = self.memory();
        memory.turn += 1;
        memory.known.clear();
        memory.looks.clear();
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those of the handles whose entries are in force.
pub(super) async fn describe(app: &Seawall, handles: &[u64], now: Timestamp) -> Result<Vec<Known>, StoreError> {
    let (turn, mut known, unknown) = {
        let memory = app.remembered.memory();
        let known: Vec<Known> = handles
            .iter()
            .filter_map(|handle| memory.known.get(handle))
            .cloned()
            .collect();
        let unknown = handles
            .iter()
            .copied()
            .filter(|handle| !memory.known.contains_key(handle));
        (memory.turn, known, unknown.collect::<Vec<u64>>())
    };
    known.retain(|entry| entry.is_in_force(now));
    if unknown.is_empty() {
        return Ok(known);
    }
    let asked = banks::known_of_handles(&mut *app.store.reader().await?, &unknown, now).await?;
    let mut memory = app.remembered.memory();
    // What was read before the feed moved may be of before.
    if memory.turn == turn {
        if memory.known.len() + asked.len() > REMEMBERED_MAX {
            memory.known.clear();
        }
        memory
            .known
            .extend(asked.iter().map(|entry| (entry.handle, entry.clone())));
    }
    drop(memory);
    known.extend(asked);
    Ok(known)
}

/// The looks of those of the handles whose entries have one.
pub(super) async fn looks_of(app: &Seawall, handles: &[u64]) -> Result<HashMap<u64, Arc<EntryLook>>, StoreError> {
    let mut found: HashMap<u64, Arc<EntryLook>> = HashMap::new();
    let mut unknown: Vec<u64> = Vec::new();
    let turn = {
        let memory = app.remembered.memory();
        for handle in handles {
            match memory.looks.get(handle) {
                Some(Some(look)) => {
                    found.insert(*handle, look.clone());
                }
                Some(None) => {}
                None => unknown.push(*handle),
            }
        }
        memory.turn
    };
    if unknown.is_empty() {
        return Ok(found);
    }
    let asked = banks::looks_of_handles(&mut *app.store.reader().await?, &unknown).await?;
    found.extend(asked.into_iter().map(|look| (look.handle, Arc::new(look))));
    let mut memory = app.remembered.memory();
    if memory.turn == turn {
        if memory.looks.len() + unknown.len() > LOOKS_MAX {
            memory.looks.clear();
        }
        let asked = unknown.iter().map(|handle| (*handle, found.get(handle).cloned()));
        memory.looks.extend(asked.take(LOOKS_MAX));
    }
    Ok(found)
}
