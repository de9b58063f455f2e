//! What lookups ask of the store again and again, kept for as long as the banks' change feed does not move.
//!
//! Whatever is remembered here must change with the feed alone. A process forgets when it sees the feed move: of its own changes before their calls
//! return, of another process's when its follower looks next, as the index does. Start with [`AsOf`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use signal::{Pdq, Signal, SignalType};

use super::HmaError;
use crate::banks::{self, Dormant};
use crate::model::BankId;
use crate::store::StoreError;
use crate::views::HmaCensus;
use crate::{Seawall, hma};

/// Something that was read, and the place in the feed that it is of.
#[derive(Debug)]
pub struct AsOf<T>(Mutex<Option<(i64, Arc<T>)>>);

impl<T> Default for AsOf<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> AsOf<T> {
    /// What is kept, if it is of this place; else what `read` gives. `cursor` was read before `read` is called: what changes meanwhile has a later place
    /// and has it read again.
    pub(crate) async fn get(
        &self,
        cursor: i64,
        read: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<Arc<T>, StoreError> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, kept)) = &*lock()
            && *at == cursor
        {
            return Ok(kept.clone());
        }
        let read = Arc::new(read.await?);
        *lock() = Some((cursor, read.clone()));
        Ok(read)
    }
}

/// All that is remembered for clients of HMA.
#[derive(Debug, Default)]
pub struct Memory {
    /// The PDQ hashes of disabled entries: the index does not hold them, and they are few.
    disabled: AsOf<Vec<(Dormant, Pdq)>>,
    ratios: AsOf<HashMap<BankId, f64>>,
    /// How many signals there are.
    pub(crate) census: AsOf<Vec<HmaCensus>>,
}

/// The most PDQ hashes of disabled entries that are compared one by one. With more of them nothing is looked up among what is disabled: an answer that
/// leaves some out would read as "no match".
pub const DISABLED_MAX: usize = 500_000;

/// The hashes of disabled entries.
pub(super) async fn disabled_hashes(app: &Seawall) -> Result<Arc<Vec<(Dormant, Pdq)>>, HmaError> {
    let limit = DISABLED_MAX as i64 + 1;
    let read = async {
        let mut conn = app.store.reader().await?;
        let found = banks::signals_of_disabled_entries(&mut conn, SignalType::Pdq, limit).await?;
        let hashes = found.into_iter().filter_map(|(dormant, signal)| match signal {
            Signal::Pdq { hash, .. } => Some((dormant, hash)),
            Signal::Md5(_) | Signal::Sha256(_) | Signal::Vpdq(_) | Signal::Chromaprint(_) => None,
        });
        Ok(hashes.collect::<Vec<_>>())
    };
    let found = app.hma.disabled.get(app.matcher.cursor(), read).await?;
    match found.len() {
        ..=DISABLED_MAX => Ok(found),
        _ => Err(HmaError::TooManyDisabled),
    }
}

/// What clients said of all banks: the ratio of each.
pub(super) async fn ratios(app: &Seawall) -> Result<Arc<HashMap<BankId, f64>>, StoreError> {
    let read = async { hma::ratios(&mut *app.store.reader().await?).await };
    app.hma.ratios.get(app.matcher.cursor(), read).await
}
