//! Banks and entries are made and changed; afterwards, before the call returns, they are matched against.

use media::{Previews, ScanError, Want};
use signal::video::Timeline;
use signal::{Looks, Signal, SignalType};

use super::files::{Decoded, FileContent, NotDecoded, decode};
use super::scan::{kept_strip, previews_of_strip, signals_of, signals_of_recording};
use super::{calibrate, follow};
use crate::banks::{IMPORT_MAX, NewRecording, SignalKey};
use crate::model::{
    Actor, Bank, BankChange, BankId, Crops, Denied, Entry, EntryId, EntryState, NewBank, NewEntry, NewStripPicture,
    PreviewKind, Right,
};
use crate::store::columns::damaged;
use crate::store::requests::{self, Recalled};
use crate::store::{Created, IdempotencyKey, StoreError, Tx};
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

/// What is found in the file of an entry, and kept with it.
#[derive(Debug, Default)]
pub(super) struct OfFile {
    pub signals: Vec<Signal>,
    pub previews: Option<Previews>,
    pub looks: Option<Looks>,
    pub timeline: Option<Timeline>,
    pub strip: Vec<NewStripPicture>,
}

/// Decodes the file of an entry.
pub(super) async fn of_file(app: &Seawall, content: &FileContent) -> Result<OfFile, BankError> {
    match decode(app, content, Want::Everything).await {
        Ok(Decoded::Picture(scan)) => Ok(OfFile {
            signals: signals_of(&scan).into_iter().map(|kept| kept.signal).collect(),
            previews: scan.previews,
            looks: scan.looks,
            ..OfFile::default()
        }),
        Ok(Decoded::Recording(scan)) => Ok(OfFile {
            signals: signals_of_recording(&scan),
            previews: previews_of_strip(&scan.strip),
            looks: None,
            timeline: calibrate::off_thread(|| {
                let timeline = || Timeline::of(&scan.frames, scan.duration_ms);
                (!scan.frames.is_empty()).then(timeline)
            }),
            strip: kept_strip(scan.strip),
        }),
        Err(NotDecoded::File(error)) => Err(BankError::Unscannable(error)),
        Err(NotDecoded::Busy) => Err(BankError::Busy),
    }
}

/// Adds an entry, from signals, from a file, or from both. The file is hashed in the jail and not kept; small
/// previews of it are, and the strip of a video.
pub async fn add_entry(
    app: &Seawall,
    actor: &Actor,
    bank: BankId,
    mut new: NewEntry,
    content: Option<FileContent>,
    key: Option<&IdempotencyKey>,
) -> Result<Created<EntryId>, BankError> {
    actor.require(Right::WriteBanks)?;
    check_entry(&new)?;
    let of_file = match &content {
        Some(content) => of_file(app, content).await?,
        None => OfFile::default(),
    };
    for signal in of_file.signals {
        // What the file itself says goes before what was said of it.
        new.signals
            .retain(|known| !(signal.is_long() && known.signal_type() == signal.signal_type()));
        if !new.signals.contains(&signal) {
            new.signals.push(signal);
        }
    }
    let prepared = match &of_file.looks {
        Some(looks) => Some(calibrate::prepare(app, &new.signals, looks).await?),
        None => None,
    };
    if new.signals.is_empty() {
        return Err(BankError::Invalid {
            field: "signals",
            what: "must not be empty where there is no file".to_owned(),
        });
    }
    let recording = calibrate::off_thread(|| NewRecording::of(&new.signals, of_file.timeline.as_ref()));

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
    banks::insert_recording(&mut tx, id, recording).await?;
    insert_previews(&mut tx, id, of_file.previews).await?;
    banks::insert_strip(&mut tx, id, of_file.strip).await?;
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

/// Keeps the previews of a new entry, those that there are.
pub(super) async fn insert_previews(tx: &mut Tx, id: EntryId, previews: Option<Previews>) -> Result<(), StoreError> {
    let Some(Previews {
        small,
        blurred,
        greyscale,
    }) = previews
    else {
        return Ok(());
    };
    let all = [
        (PreviewKind::Small, small),
        (PreviewKind::Blurred, blurred),
        (PreviewKind::Greyscale, greyscale),
    ];
    for (kind, bytes) in all {
        if !bytes.is_empty() {
            banks::insert_entry_preview(tx, id, kind, bytes).await?;
        }
    }
    Ok(())
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
    let n_of = |kind: SignalType| new.signals.iter().filter(|signal| signal.signal_type() == kind).count();
    if n_of(SignalType::Vpdq) > 1 || n_of(SignalType::Chromaprint) > 1 {
        return Err(BankError::Invalid {
            field: "signals",
            what: "are of several videos or sounds: each is an entry of its own".to_owned(),
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
