//! The matcher follows the banks' change feed: after each write of this process at once, and of others by polling.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::watch;

use super::rules::run_rules_follower;
use crate::banks::{BankChanges, ChangedEntry};
use crate::matching::{Followed, MatchSettings, Matcher, OpenIndexError, Origin, Recordings, Told};
use crate::model::{EntryState, off_thread};
use crate::store::{AnyConnection, Store, StoreError, events};
use crate::{Seawall, banks};

/// How many entries are read of the feed at a time.
const PAGE: i64 = 5_000;
/// How many recordings are read at a time.
const RECORDINGS_PAGE: usize = 16;
/// How often the feed is looked at for what other processes wrote.
const POLL: Duration = Duration::from_millis(250);
/// How often the index is put in order, if there is anything to do.
const MAINTAIN_EVERY: Duration = Duration::from_secs(2);

/// The index could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenMatcherError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files of the index cannot be used.
    #[error(transparent)]
    Index(#[from] OpenIndexError),
}

/// The matcher that the folder remembers, if it was made of this store and with these settings; otherwise an empty one. What is missing is read from the feed.
pub(crate) async fn open_matcher(
    store: &Store,
    settings: MatchSettings,
    folder: &Path,
) -> Result<Matcher, OpenMatcherError> {
    let opened = blocking(folder, move |folder| Matcher::open(settings, folder)).await?;
    for damage in &opened.damage {
        tracing::warn!(
            file = damage.file,
            "a file of the index {}: it is made anew from the banks",
            damage.what
        );
    }
    let is_good = async |followed: Option<Followed>| match followed {
        Some(followed) => is_usable(store, followed, settings).await,
        None => Ok(true),
    };
    let forget = if !is_good(opened.hashes).await? {
        Matcher::forget
    } else if !is_good(opened.keypoints).await? {
        Matcher::forget_keypoints
    } else {
        return Ok(opened.matcher);
    };
    drop(opened);
    blocking(folder, forget).await?;
    Ok(blocking(folder, move |folder| Matcher::open(settings, folder))
        .await?
        .matcher)
}

/// Whether what was remembered is of this store and was made as it would be now; if not, the log says why.
async fn is_usable(store: &Store, followed: Followed, settings: MatchSettings) -> Result<bool, StoreError> {
    if followed.quality_min != settings.quality_min {
        tracing::warn!(
            "the index was made of hashes of quality {} and more, not {}: it is made anew from the banks",
            followed.quality_min,
            settings.quality_min
        );
        return Ok(false);
    }
    if followed.looks_version != Followed::LOOKS_VERSION {
        tracing::warn!("the index was made by another version of Seawall: it is made anew from the banks");
        return Ok(false);
    }
    let is_of = is_of(store, followed).await?;
    if !is_of {
        tracing::warn!(
            "the index was made of another store, or of this one before it was set back: it is made anew from the banks"
        );
    }
    Ok(is_of)
}

async fn blocking<T: Send + 'static>(
    folder: &Path,
    open: impl FnOnce(&Path) -> Result<T, OpenIndexError> + Send + 'static,
) -> Result<T, OpenMatcherError> {
    let folder = folder.to_owned();
    match tokio::task::spawn_blocking(move || open(&folder)).await {
        Ok(opened) => Ok(opened?),
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// Whether the store's history holds the event that the index was made after.
async fn is_of(store: &Store, followed: Followed) -> Result<bool, StoreError> {
    let mut conn = store.reader().await?;
    let Ok(seq) = i64::try_from(followed.origin.seq) else {
        return Ok(false);
    };
    let hash = events::hash_of(&mut conn, seq).await?;
    Ok(hash.is_some_and(|hash| beginning(&hash) == followed.origin.hash))
}

fn beginning(hash: &str) -> [u8; 6] {
    let mut bytes = [0; 6];
    // The empty log's hash is zeroes, and so is what is no hash at all.
    let _ = hex::decode_to_slice(hash.get(..12).unwrap_or_default(), &mut bytes);
    bytes
}

/// Reads the feed to its end: afterwards everything that was committed before the call is matched against. Nothing, where nothing is looked up.
pub async fn catch_up(app: &Seawall) -> Result<(), StoreError> {
    if !app.follows_banks {
        return Ok(());
    }
    let _alone = app.bells.feed.lock().await;
    let settings = app.matcher.settings();
    let mut conn = app.store.reader().await?;
    loop {
        let changes = banks::changes_after(&mut conn, app.matcher.cursor(), PAGE).await?;
        if changes.cursor == app.matcher.cursor() {
            return Ok(());
        }
        // Read after the changes: their own events are not after it.
        let (seq, hash) = events::head(&mut conn).await?;
        let followed = Followed {
            cursor: changes.cursor,
            origin: Origin {
                seq: seq.cast_unsigned(),
                hash: beginning(&hash),
            },
            quality_min: settings.quality_min,
            looks_version: Followed::LOOKS_VERSION,
        };
        tell_recordings(app, &mut conn, &changes).await?;
        let entries: Vec<Told> = changes.entries.into_iter().map(|entry| told(entry, settings)).collect();
        // A page takes milliseconds, and may have to wait until the index is put in order.
        match Handle::current().runtime_flavor() {
            RuntimeFlavor::MultiThread => tokio::task::block_in_place(|| app.matcher.apply(&entries, followed)),
            _ => app.matcher.apply(&entries, followed),
        }
        app.remembered.forget();
        if !changes.more {
            return Ok(());
        }
    }
}

/// Recordings are read few at a time: each may take megabytes. They are told before the cursor moves, so that none is passed over.
async fn tell_recordings(app: &Seawall, conn: &mut AnyConnection, changes: &BankChanges) -> Result<(), StoreError> {
    let recordings = app.matcher.recordings();
    let recorded = banks::recorded_in(conn, app.matcher.cursor(), changes.cursor).await?;
    let is_recorded: HashSet<u64> = recorded.iter().copied().collect();
    for entry in changes
        .entries
        .iter()
        .filter(|entry| !is_recorded.contains(&entry.handle))
    {
        recordings.remove(entry.handle);
    }
    read_recordings(conn, recordings, &recorded).await
}

async fn read_recordings(conn: &mut AnyConnection, recordings: &Recordings, handles: &[u64]) -> Result<(), StoreError> {
    for some in handles.chunks(RECORDINGS_PAGE) {
        let page = banks::recordings_of_handles(conn, some).await?;
        off_thread(|| {
            let entries = page.iter();
            let entries = entries.map(|entry| (entry.handle, entry.timeline.as_ref(), entry.print.as_ref()));
            recordings.set_many(&entries.collect::<Vec<_>>());
        });
    }
    Ok(())
}

/// Reads all recordings up to where the index goes: they are remembered in no folder. What came since is read from the feed.
pub(crate) async fn open_recordings(store: &Store, matcher: &Matcher) -> Result<(), StoreError> {
    let mut conn = store.reader().await?;
    let recorded = banks::recorded_in(&mut conn, 0, matcher.cursor()).await?;
    read_recordings(&mut conn, matcher.recordings(), &recorded).await?;
    if !recorded.is_empty() {
        tracing::info!(
            "read {} recordings of the banks; from here on they are found",
            recorded.len()
        );
    }
    Ok(())
}

fn told(entry: ChangedEntry, settings: &MatchSettings) -> Told {
    let handle = entry.handle;
    match entry.state {
        EntryState::Enabled => {
            let hashes = entry.signals.iter().filter_map(|signal| settings.comparable(signal));
            let crops = entry
                .look
                .crops
                .iter()
                .filter(|crop| crop.quality >= settings.quality_min);
            Told {
                handle,
                hashes: hashes.chain(crops.map(|crop| crop.hash)).collect(),
                keypoints: entry.look.keypoints,
            }
        }
        EntryState::Disabled | EntryState::Removed => Told {
            handle,
            hashes: Vec::new(),
            keypoints: Vec::new(),
        },
    }
}

/// Follows the feed until told to stop, and keeps the index in order and the rules at hand meanwhile.
pub async fn run_follower(app: Seawall, mut shutdown: watch::Receiver<bool>) {
    let keeper = tokio::spawn(keep_in_order(app.clone(), shutdown.clone()));
    let rules = tokio::spawn(run_rules_follower(app.clone(), shutdown.clone()));
    let mut failing = false;
    while !*shutdown.borrow() {
        match catch_up(&app).await {
            Ok(()) => failing = false,
            // Once for each row of failures, not four times a second.
            Err(error) if !failing => {
                failing = true;
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot follow the banks' change feed"
                );
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            told = shutdown.changed() => if told.is_err() { break },
        }
    }
    // They end when they are told to, and fail only by a panic, which was logged.
    let _ = keeper.await;
    let _ = rules.await;
}

async fn keep_in_order(app: Seawall, mut shutdown: watch::Receiver<bool>) {
    let mut failing = false;
    loop {
        let is_over = tokio::select! {
            () = tokio::time::sleep(MAINTAIN_EVERY) => false,
            told = shutdown.wait_for(|told| *told) => { let _ = told; true }
        };
        let matcher = app.matcher.clone();
        let work = move || {
            if is_over {
                matcher.persist()
            } else {
                matcher.maintain().map(drop)
            }
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(())) => failing = false,
            Ok(Err(error)) if !failing => {
                failing = true;
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot keep the index in order; lookups go on"
                );
            }
            Ok(Err(_)) => {}
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "keeping the index in order failed"
            ),
        }
        if is_over {
            return;
        }
    }
}
