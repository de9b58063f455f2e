//! Banks and entries are made and changed; afterwards, before the call returns, they are matched against.

use bytes::Bytes;
use media::{ScanError, Want};
use signal::Signal;

use super::scan::signals_of;
use super::{calibrate, follow};
use crate::banks::{IMPORT_MAX, SignalKey};
use crate::model::{
    Actor, Bank, BankChange, BankId, Crops, Denied, Entry, EntryId, EntryState, NewBank, NewEntry, PreviewKind, Right,
};
use crate::store::columns::damaged;
use crate::store::requests::{self, Recalled};
use crate::store::{Created, IdempotencyKey, StoreError};
use crate::{Seawall, banks};

/// A bank was not changed.
#[derive(Debug, thiserror::Error)]
pub enum BankError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such bank or entry.
    #[error("there is no such bank or entry")]
    NotFound,
    /// Another bank has this name.
    #[error("another bank has this name")]
    NameTaken,
    /// Something about the request is wrong.
    #[error("`{field}` {what}")]
    Invalid {
        /// Which part.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The file of the entry cannot be hashed, so it would never be found.
    #[error("the file cannot be hashed")]
    Unscannable(#[source] ScanError),
    /// There is too much to decode just now: send it again.
    #[error("the media workers are busy")]
    Busy,
    /// The idempotency key was used with another request.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an import came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// Entries that were added.
    pub added: usize,
    /// Entries all of whose signals were in the bank already.
    pub already_present: usize,
}

/// Makes a bank.
pub async fn create_bank(
    app: &Seawall,
    actor: &Actor,
    new: NewBank,
    key: Option<&IdempotencyKey>,
) -> Result<Created<BankId>, BankError> {
    actor.require(Right::WriteBanks)?;
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > Bank::NAME_LENGTH_MAX || name.chars().any(char::is_control) {
        let what = format!(
            "must have 1 to {} characters and no control characters",
            Bank::NAME_LENGTH_MAX
        );
        return Err(BankError::Invalid { field: "name", what });
    }
    check_text("description", &new.description)?;

    let mut tx = app.store.begin("create bank").await?;
    let now = app.clock.now();
    let bank = Bank {
        id: BankId::fresh(now, &app.chance),
        name: name.to_owned(),
        description: new.description,
        confirmed: new.confirmed,
        enabled: true,
        crops: Crops::Few,
        created_at: now,
    };
    if let Some(key) = key {
        let recalled = requests::reserve(&mut tx, key, bank.id, now).await?;
        if let Some(earlier) = replayed(recalled)? {
            return Ok(Created::Replayed(earlier));
        }
    }
    if !banks::insert_bank(&mut tx, &bank).await? {
        return Err(BankError::NameTaken);
    }
    tx.event(
        now,
        actor,
        "bank.created",
        bank.id,
        serde_json::json!({ "name": bank.name, "confirmed": bank.confirmed }),
    );
    tx.commit().await?;
    follow::catch_up(app).await?;
    Ok(Created::New(bank.id))
}

/// Changes a bank.
pub async fn change_bank(app: &Seawall, actor: &Actor, id: BankId, change: BankChange) -> Result<(), BankError> {
    actor.require(Right::WriteBanks)?;
    if let Some(description) = &change.description {
        check_text("description", description)?;
    }
    let mut tx = app.store.begin("change bank").await?;
    let now = app.clock.now();
    banks::lock(&mut tx).await?;
    let before = banks::find_bank(tx.conn(), id).await?.ok_or(BankError::NotFound)?;
    let after = Bank {
        description: change.description.unwrap_or_else(|| before.description.clone()),
        confirmed: change.confirmed.unwrap_or(before.confirmed),
        enabled: change.enabled.unwrap_or(before.enabled),
        crops: change.crops.unwrap_or(before.crops),
        ..before.clone()
    };
    if after == before {
        return Ok(());
    }
    banks::update_bank(&mut tx, &before, &after).await?;
    let body = serde_json::json!({
        "confirmed": { "from": before.confirmed, "to": after.confirmed },
        "enabled": { "from": before.enabled, "to": after.enabled },
        "crops": { "from": before.crops.as_str(), "to": after.crops.as_str() },
    });
    tx.event(now, actor, "bank.changed", id, body);
    tx.commit().await?;
    follow::catch_up(app).await?;
    Ok(())
}

/// Adds an entry, from signals, from the bytes of a file, or from both. The file is hashed in the jail and not kept; small
/// previews of it are.
pub async fn add_entry(
    app: &Seawall,
    actor: &Actor,
    bank: BankId,
    mut new: NewEntry,
    bytes: Option<Bytes>,
    key: Option<&IdempotencyKey>,
) -> Result<Created<EntryId>, BankError> {
    actor.require(Right::WriteBanks)?;
    check_entry(&new)?;
    let mut previews = None;
    let mut prepared = None;
    if let Some(bytes) = bytes {
        let scan = app.media.scan(bytes, Want::Everything).await.map_err(|error| {
            if error.is_about_the_file() {
                BankError::Unscannable(error)
            } else {
                BankError::Busy
            }
        })?;
        for kept in signals_of(&scan) {
            if !new.signals.contains(&kept.signal) {
                new.signals.push(kept.signal);
            }
        }
        if let Some(looks) = &scan.looks {
            prepared = Some(calibrate::prepare(app, &new.signals, looks).await?);
        }
        previews = scan.previews;
    }
    if new.signals.is_empty() {
        return Err(BankError::Invalid {
            field: "signals",
            what: "must not be empty where there is no file".to_owned(),
        });
    }

    let mut tx = app.store.begin("add entry").await?;
    let now = app.clock.now();
    banks::find_bank(tx.conn(), bank).await?.ok_or(BankError::NotFound)?;
    let id = EntryId::fresh(now, &app.chance);
    if let Some(key) = key {
        let recalled = requests::reserve(&mut tx, key, id, now).await?;
        if let Some(earlier) = replayed(recalled)? {
            return Ok(Created::Replayed(earlier));
        }
    }
    banks::insert_entry(&mut tx, id, bank, &new, now).await?;
    if let Some(previews) = previews {
        banks::insert_entry_preview(&mut tx, id, PreviewKind::Small, previews.small).await?;
        banks::insert_entry_preview(&mut tx, id, PreviewKind::Blurred, previews.blurred).await?;
        banks::insert_entry_preview(&mut tx, id, PreviewKind::Greyscale, previews.greyscale).await?;
    }
    match prepared {
        Some(prepared) => prepared.insert(&mut tx, id).await?,
        None => app.bells.unjudged.notify_one(),
    }
    let body = serde_json::json!({ "bank": bank.to_string(), "n_signals": new.signals.len() });
    tx.event(now, actor, "entry.added", id, body);
    tx.commit().await?;
    follow::catch_up(app).await?;
    Ok(Created::New(id))
}

/// Enables, disables or removes an entry. What was removed stays removed.
pub async fn set_entry_state(app: &Seawall, actor: &Actor, id: EntryId, state: EntryState) -> Result<(), BankError> {
    actor.require(Right::WriteBanks)?;
    let mut tx = app.store.begin("change entry").await?;
    let now = app.clock.now();
    banks::lock(&mut tx).await?;
    let before = banks::find_entry(tx.conn(), id).await?.ok_or(BankError::NotFound)?;
    if before.state == state {
        return Ok(());
    }
    if before.state == EntryState::Removed {
        return Err(BankError::Invalid {
            field: "state",
            what: "cannot change: the entry was removed".to_owned(),
        });
    }
    banks::set_entry_state(&mut tx, id, state).await?;
    let body =
        serde_json::json!({ "bank": before.bank.to_string(), "from": before.state.as_str(), "to": state.as_str() });
    tx.event(now, actor, "entry.changed", id, body);
    tx.commit().await?;
    follow::catch_up(app).await?;
    Ok(())
}

/// Adds many entries at once. An entry all of whose signals are in the bank already is passed over, so that an import that
/// was cut off can be run again.
pub async fn import_entries(
    app: &Seawall,
    actor: &Actor,
    bank: BankId,
    entries: Vec<NewEntry>,
) -> Result<Imported, BankError> {
    actor.require(Right::WriteBanks)?;
    if entries.len() > IMPORT_MAX {
        return Err(BankError::Invalid {
            field: "entries",
            what: format!("are more than {IMPORT_MAX}"),
        });
    }
    for entry in &entries {
        check_entry(entry)?;
        if entry.signals.is_empty() {
            return Err(BankError::Invalid {
                field: "signals",
                what: "must not be empty".to_owned(),
            });
        }
    }
    let mut tx = app.store.begin("import entries").await?;
    let now = app.clock.now();
    // Two imports of one file at the same time add each entry once.
    banks::lock(&mut tx).await?;
    banks::find_bank(tx.conn(), bank).await?.ok_or(BankError::NotFound)?;
    let signals = entries.iter().flat_map(|entry| &entry.signals);
    let mut present = banks::known_signals(tx.conn(), bank, signals).await?;
    let n_entries = entries.len();
    let fresh: Vec<(EntryId, NewEntry)> = entries
        .into_iter()
        .filter(|entry| {
            let keys: Vec<SignalKey> = entry.signals.iter().map(banks::signal_key).collect();
            let is_new = keys.iter().any(|key| !present.contains(key));
            present.extend(keys);
            is_new
        })
        .map(|entry| (EntryId::fresh(now, &app.chance), entry))
        .collect();
    banks::insert_entries(&mut tx, bank, &fresh, now).await?;
    let imported = Imported {
        added: fresh.len(),
        already_present: n_entries - fresh.len(),
    };
    if imported.added > 0 {
        let body = serde_json::json!({ "added": imported.added, "already_present": imported.already_present });
        tx.event(now, actor, "bank.imported", bank, body);
    }
    tx.commit().await?;
    app.bells.unjudged.notify_one();
    follow::catch_up(app).await?;
    Ok(imported)
}

fn check_entry(new: &NewEntry) -> Result<(), BankError> {
    check_text("name", &new.name)?;
    check_text("source", &new.source)?;
    if new.labels.len() > Entry::LABELS_MAX {
        return Err(BankError::Invalid {
            field: "labels",
            what: format!("are more than {}", Entry::LABELS_MAX),
        });
    }
    for label in &new.labels {
        check_text("labels", label)?;
    }
    if new.signals.len() > Entry::SIGNALS_MAX {
        return Err(BankError::Invalid {
            field: "signals",
            what: format!("are more than {}", Entry::SIGNALS_MAX),
        });
    }
    if let Some(Signal::Pdq { .. }) = new
        .signals
        .iter()
        .find(|signal| signal.quality().is_some_and(|quality| quality > 100))
    {
        return Err(BankError::Invalid {
            field: "signals",
            what: "have a quality over 100".to_owned(),
        });
    }
    Ok(())
}

fn check_text(field: &'static str, text: &str) -> Result<(), BankError> {
    if text.chars().count() > Entry::TEXT_LENGTH_MAX {
        return Err(BankError::Invalid {
            field,
            what: format!("is longer than {} characters", Entry::TEXT_LENGTH_MAX),
        });
    }
    if text.contains('\0') {
        return Err(BankError::Invalid {
            field,
            what: "has a NUL character".to_owned(),
        });
    }
    Ok(())
}

/// What an earlier request with the same key made, if there was one.
fn replayed<T: std::str::FromStr<Err: std::fmt::Display>>(recalled: Recalled) -> Result<Option<T>, BankError> {
    match recalled {
        Recalled::Nothing => Ok(None),
        Recalled::Other => Err(BankError::KeyReused),
        Recalled::Same(subject) => Ok(Some(
            subject.parse().map_err(|error: T::Err| damaged("subject", error))?,
        )),
    }
}
