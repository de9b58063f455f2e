//! Content of banks as clients of HMA keep it: by number, with a note and metadata, disabled for a while or for good.

use std::time::Duration;

use media::Previews;
use serde_json::Value;
use signal::video::Timeline;
use signal::{Looks, Signal};
use tokio::sync::watch;

use crate::banks::NewRecording;
use crate::flows::banks::insert_previews;
use crate::flows::{calibrate, follow};
use crate::hma::{self, ContentNotes};
use crate::model::{Actor, Bank, BankId, Entry, EntryId, EntryState, NewEntry, NewStripPicture, Right, Timestamp};
use crate::store::{StoreError, Tx};
use crate::{Seawall, banks};

use super::{HmaError, find_bank};

/// Content to be added.
#[derive(Debug, Clone)]
pub struct NewContent {
    /// Its signals, at least one.
    pub signals: Vec<Signal>,
    /// Small pictures of it for reviewers, if it came as a file.
    pub previews: Option<Previews>,
    /// What it is recognised by beyond its hash, if it came as a picture.
    pub looks: Option<Looks>,
    /// Its marks, if it came as a video.
    pub timeline: Option<Timeline>,
    /// Some of its pictures, if it came as a video.
    pub strip: Vec<NewStripPicture>,
    /// The client's own names for it.
    pub metadata: Option<Value>,
    /// A remark.
    pub note: Option<String>,
}

/// What is to change in content; none leaves a thing as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentUpdate {
    /// Seconds since 1970 until which it is disabled; 0 for ever, 1 not at all.
    pub disable_until_s: Option<i64>,
    /// The remark; an inner none takes it away.
    pub note: Option<Option<String>>,
}

/// The most characters of a note.
pub const NOTE_LENGTH_MAX: usize = 255;
/// The most bytes of metadata as JSON.
pub const METADATA_BYTES_MAX: usize = 64 << 10;
/// The furthest end of being disabled.
const DISABLE_MAX: Duration = Duration::from_secs(5 * 365 * 24 * 3600);
/// How often it is looked for content whose time of being disabled is over.
const WAKE_EVERY: Duration = Duration::from_secs(1);
/// How much is enabled again at a time.
const WAKE_PAGE: i64 = 500;

/// Adds content to a bank and returns its number.
pub async fn add_content(app: &Seawall, actor: &Actor, bank: &str, new: NewContent) -> Result<i64, HmaError> {
    actor.require(Right::WriteBanks)?;
    check_note(new.note.as_deref())?;
    if new.signals.is_empty() || new.signals.len() > Entry::SIGNALS_MAX {
        return Err(HmaError::Invalid {
            what: "No signals given".to_owned(),
        });
    }
    let is_long = |metadata: &Value| metadata.to_string().len() > METADATA_BYTES_MAX;
    if new.metadata.as_ref().is_some_and(is_long) {
        return Err(HmaError::Invalid {
            what: format!("metadata must be at most {METADATA_BYTES_MAX} bytes"),
        });
    }
    let prepared = match &new.looks {
        Some(looks) => Some(calibrate::prepare(app, &new.signals, looks).await?),
        None => None,
    };
    let recording = calibrate::off_thread(|| NewRecording::of(&new.signals, new.timeline.as_ref()));
    let mut tx = app.store.begin("add entry").await?;
    let now = app.clock.now();
    let bank = find_bank(tx.conn(), bank).await?.ok_or(HmaError::NotFound)?;
    let id = EntryId::fresh(now, &app.chance);
    let entry = NewEntry {
        name: String::new(),
        labels: Vec::new(),
        source: String::new(),
        expires_at: None,
        signals: new.signals,
    };
    let handle = banks::insert_entry(&mut tx, id, bank.id, &entry, now).await?;
    banks::insert_recording(&mut tx, id, recording).await?;
    insert_previews(&mut tx, id, new.previews).await?;
    banks::insert_strip(&mut tx, id, new.strip).await?;
    match prepared {
        Some(prepared) => prepared.insert(&mut tx, id).await?,
        None => app.bells.unjudged.notify_one(),
    }
    let notes = ContentNotes {
        metadata: new.metadata,
        note: new.note,
        disable_until_s: None,
    };
    if notes != ContentNotes::default() {
        hma::put_content(&mut tx, id, &notes, None).await?;
    }
    let body = serde_json::json!({ "bank": bank.id.to_string(), "n_signals": entry.signals.len() });
    tx.event(now, actor, "entry.added", id, body);
    tx.commit().await?;
    follow::catch_up(app).await?;
    Ok(handle)
}

/// Changes content.
pub async fn update_content(
    app: &Seawall,
    actor: &Actor,
    bank: &str,
    content: i64,
    update: ContentUpdate,
) -> Result<(), HmaError> {
    actor.require(Right::WriteBanks)?;
    if let Some(note) = &update.note {
        check_note(note.as_deref())?;
    }
    let mut tx = app.store.begin("change entry").await?;
    let now = app.clock.now();
    banks::lock(&mut tx).await?;
    let bank = find_bank(tx.conn(), bank).await?.ok_or(HmaError::NotFound)?;
    let entry = find_content(&mut tx, &bank, content).await?.ok_or(HmaError::NotFound)?;
    let mut notes = hma::content(tx.conn(), entry.id).await?;
    let mut wake_at = None;
    if let Some(until_s) = update.disable_until_s {
        let state;
        (state, wake_at) = disabled_until(until_s, now)?;
        if state != entry.state {
            set_state(&mut tx, actor, bank.id, &entry, state, now).await?;
        }
        notes.disable_until_s = Some(until_s);
    } else if let Some(until_s) = notes.disable_until_s {
        // Only the note changes: whatever was to happen later still does.
        wake_at = disabled_until(until_s, now)
            .ok()
            .and_then(|(_, wake_at)| wake_at)
            .filter(|_| entry.state == EntryState::Disabled);
    }
    if let Some(note) = update.note {
        notes.note = note;
    }
    hma::put_content(&mut tx, entry.id, &notes, wake_at).await?;
    tx.commit().await?;
    follow::catch_up(app).await?;
    Ok(())
}

/// Takes content out of its bank. `false` if the bank holds no such content; an error if there is no such bank.
pub async fn remove_content(app: &Seawall, actor: &Actor, bank: &str, content: i64) -> Result<bool, HmaError> {
    actor.require(Right::WriteBanks)?;
    let mut tx = app.store.begin("change entry").await?;
    banks::lock(&mut tx).await?;
    let bank = find_bank(tx.conn(), bank).await?.ok_or(HmaError::NotFound)?;
    let Some(entry) = find_content(&mut tx, &bank, content).await? else {
        return Ok(false);
    };
    set_state(&mut tx, actor, bank.id, &entry, EntryState::Removed, app.clock.now()).await?;
    hma::set_woken(&mut tx, entry.id).await?;
    tx.commit().await?;
    follow::catch_up(app).await?;
    Ok(true)
}

/// Enables what was disabled until now.
pub async fn wake_due_content(app: &Seawall) -> Result<(), StoreError> {
    let now = app.clock.now();
    let due = hma::due_to_wake(&mut *app.store.reader().await?, now, WAKE_PAGE).await?;
    if due.is_empty() {
        return Ok(());
    }
    let mut tx = app.store.begin("enable entries again").await?;
    banks::lock(&mut tx).await?;
    // Read again under the lock: a client may have disabled some of it for longer since.
    for id in hma::due_to_wake(tx.conn(), now, WAKE_PAGE).await? {
        let entry = banks::find_entry(tx.conn(), id).await?;
        if let Some(entry) = entry.filter(|entry| entry.state == EntryState::Disabled) {
            set_state(&mut tx, &Actor::System, entry.bank, &entry, EntryState::Enabled, now).await?;
        }
        hma::set_woken(&mut tx, id).await?;
    }
    tx.commit().await?;
    follow::catch_up(app).await
}

/// Enables what was disabled until then, when its time has come, until told to stop.
pub async fn run_waker(app: Seawall, mut shutdown: watch::Receiver<bool>) {
    let mut failing = false;
    while !*shutdown.borrow() {
        match wake_due_content(&app).await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot enable entries whose time of being disabled is over"
                );
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(WAKE_EVERY) => {}
            _ = shutdown.changed() => {}
        }
    }
}

/// The entry, if the bank holds it and it was not removed.
async fn find_content(tx: &mut Tx, bank: &Bank, content: i64) -> Result<Option<Entry>, StoreError> {
    let entry = banks::find_entry_by_handle(tx.conn(), content).await?;
    Ok(entry.filter(|entry| entry.bank == bank.id && entry.state != EntryState::Removed))
}

async fn set_state(
    tx: &mut Tx,
    actor: &Actor,
    bank: BankId,
    entry: &Entry,
    state: EntryState,
    now: Timestamp,
) -> Result<(), StoreError> {
    banks::set_entry_state(tx, entry.id, state).await?;
    let body = serde_json::json!({ "bank": bank.to_string(), "from": entry.state.as_str(), "to": state.as_str() });
    tx.event(now, actor, "entry.changed", entry.id, body);
    Ok(())
}

/// What a client's instant means at `now`: the state, and when it ends.
fn disabled_until(until_s: i64, now: Timestamp) -> Result<(EntryState, Option<Timestamp>), HmaError> {
    let invalid = |what: &str| HmaError::Invalid { what: what.to_owned() };
    match until_s {
        ..0 => Err(invalid("disable_until_ts must be a non-negative integer")),
        0 => Ok((EntryState::Disabled, None)),
        until_s if until_s > now.after(DISABLE_MAX).unix_seconds() => {
            Err(invalid("disable_until_ts must be less than 5 years in the future"))
        }
        until_s if until_s <= now.unix_seconds() => Ok((EntryState::Enabled, None)),
        until_s => Ok((EntryState::Disabled, Some(Timestamp::from_unix_ms(until_s * 1000)))),
    }
}

fn check_note(note: Option<&str>) -> Result<(), HmaError> {
    let Some(note) = note else { return Ok(()) };
    if note.chars().count() > NOTE_LENGTH_MAX {
        return Err(HmaError::Invalid {
            what: format!("note must be at most {NOTE_LENGTH_MAX} characters"),
        });
    }
    if note.contains('\0') {
        return Err(HmaError::Invalid {
            what: "note has a NUL character".to_owned(),
        });
    }
    Ok(())
}
