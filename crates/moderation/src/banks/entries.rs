//! The entries of a bank, their signals and previews.

use std::collections::HashMap;

use signal::{Signal, SignalType};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use super::reach::read_judged;
use super::strips::forget_strip;
use super::{CHANGES, HANDLES, tell_planner};
use crate::model::{BankId, Entry, EntryId, EntryState, KeptSound, KeptVideo, NewEntry, PreviewKind, Timestamp};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx, counter};

/// What [`read_entry`] reads, and whence.
const ENTRY_COLUMNS: &str =
    "e.id, e.handle, e.bank_id, e.name, e.labels, e.source, e.state, e.expires_at, e.created_at,
     (SELECT COUNT(*) FROM banks_preview p WHERE p.entry_id = e.id) AS n_previews,
     (SELECT COUNT(*) FROM banks_look k WHERE k.entry_id = e.id) AS has_look, i.until_at AS incident_until,
     t.duration_ms AS video_ms, t.n_frames, s.duration_ms AS sound_ms,
     r.match_bits, r.lead_bits, r.match_places, r.lead_places, r.nearest_benign_bits, r.nearest_benign_places,
     r.template_risk, r.judged_at
     FROM banks_entry e LEFT JOIN banks_incident i ON i.entry_id = e.id LEFT JOIN banks_reach r ON r.entry_id = e.id
     LEFT JOIN banks_timeline t ON t.entry_id = e.id LEFT JOIN banks_sound s ON s.entry_id = e.id";

/// Keeps a new entry, and says by which number the index knows it. Its long signals are kept by [`super::insert_recording`].
pub async fn insert_entry(
    tx: &mut Tx,
    id: EntryId,
    bank: BankId,
    new: &NewEntry,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let at = StoreError::at("keep an entry");
    let change_seq = counter::take(tx, CHANGES, 1).await?;
    let handle = counter::take(tx, HANDLES, 1).await?;
    query(
        "INSERT INTO banks_entry (id, handle, bank_id, name, labels, source, state, expires_at, created_at, change_seq)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(id.to_string())
    .bind(handle)
    .bind(bank.to_string())
    .bind(new.name.clone())
    .bind(serde_json::json!(new.labels).to_string())
    .bind(new.source.clone())
    .bind(EntryState::Enabled.as_str())
    .bind(new.expires_at.map(Timestamp::unix_ms))
    .bind(now.unix_ms())
    .bind(change_seq)
    .execute(tx.conn())
    .await
    .map_err(&at)?;
    for (idx, signal) in new.signals.iter().filter(|signal| !signal.is_long()).enumerate() {
        query(
            "INSERT INTO banks_signal (entry_id, idx, bank_id, type, value, quality) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id.to_string())
        .bind(idx as i64)
        .bind(bank.to_string())
        .bind(signal.signal_type().as_str())
        .bind(signal.value())
        .bind(signal.quality().map(i64::from))
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    }
    tell_planner(tx, handle..handle + 1).await?;
    Ok(handle)
}

/// Writes an entry's state. What is removed keeps no strip.
pub async fn set_entry_state(tx: &mut Tx, id: EntryId, state: EntryState) -> Result<(), StoreError> {
    let change_seq = counter::take(tx, CHANGES, 1).await?;
    query("UPDATE banks_entry SET state = $1, change_seq = $2 WHERE id = $3")
        .bind(state.as_str())
        .bind(change_seq)
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("change an entry"))?;
    match state {
        EntryState::Removed => forget_strip(tx, id).await,
        EntryState::Enabled | EntryState::Disabled => Ok(()),
    }
}

/// The entry, by its id.
pub async fn find_entry(conn: &mut AnyConnection, id: EntryId) -> Result<Option<Entry>, StoreError> {
    let rows = query(AssertSqlSafe(format!("SELECT {ENTRY_COLUMNS} WHERE e.id = $1")))
        .bind(id.to_string())
        .fetch_all(&mut *conn)
        .await
        .map_err(StoreError::at("read an entry"))?;
    Ok(with_signals(conn, &rows).await?.pop())
}

/// Up to `limit` entries of a bank that are not removed and come after `after`, oldest first.
pub async fn list_entries(
    conn: &mut AnyConnection,
    bank: BankId,
    after: Option<EntryId>,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let rows = query(AssertSqlSafe(format!(
        "SELECT {ENTRY_COLUMNS} WHERE e.bank_id = $1 AND e.id > $2 AND e.state <> 'removed' ORDER BY e.id LIMIT $3"
    )))
    .bind(bank.to_string())
    .bind(after.map(|id| id.to_string()).unwrap_or_default())
    .bind(limit)
    .fetch_all(&mut *conn)
    .await
    .map_err(StoreError::at("read the entries of a bank"))?;
    with_signals(conn, &rows).await
}

/// Keeps a preview (JPEG) of an entry.
pub async fn insert_entry_preview(
    tx: &mut Tx,
    entry: EntryId,
    kind: PreviewKind,
    bytes: Vec<u8>,
) -> Result<(), StoreError> {
    query("INSERT INTO banks_preview (entry_id, kind, bytes) VALUES ($1, $2, $3)")
        .bind(entry.to_string())
        .bind(kind.as_str())
        .bind(bytes)
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keep a preview of an entry"))?;
    Ok(())
}

/// A preview (JPEG) of an entry.
pub async fn entry_preview(
    conn: &mut AnyConnection,
    entry: EntryId,
    kind: PreviewKind,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = query("SELECT bytes FROM banks_preview WHERE entry_id = $1 AND kind = $2")
        .bind(entry.to_string())
        .bind(kind.as_str())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read a preview of an entry"))?;
    row.map(|row| row.bytes("bytes")).transpose()
}

/// The entries of `rows`, in their order, with their signals: one more statement, however many rows.
async fn with_signals(conn: &mut AnyConnection, rows: &[AnyRow]) -> Result<Vec<Entry>, StoreError> {
    let mut entries: Vec<Entry> = rows.iter().map(read_entry).collect::<Result<_, _>>()?;
    let (Some(first), Some(last)) = (entries.iter().map(|e| e.id).min(), entries.iter().map(|e| e.id).max()) else {
        return Ok(entries);
    };
    let bank = entries[0].bank;
    let places: HashMap<EntryId, usize> = entries
        .iter()
        .enumerate()
        .map(|(place, entry)| (entry.id, place))
        .collect();
    let rows = query(
        "SELECT entry_id, type, value, quality FROM banks_signal
         WHERE entry_id >= $1 AND entry_id <= $2 AND bank_id = $3 ORDER BY entry_id, idx",
    )
    .bind(first.to_string())
    .bind(last.to_string())
    .bind(bank.to_string())
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the signals of entries"))?;
    for row in &rows {
        if let Some(place) = places.get(&row.parse("entry_id")?) {
            entries[*place].signals.push(read_signal(row)?);
        }
    }
    Ok(entries)
}

fn read_entry(row: &AnyRow) -> Result<Entry, StoreError> {
    let labels = serde_json::from_str(&row.text("labels")?).map_err(|error| damaged("labels", error))?;
    Ok(Entry {
        id: row.parse("id")?,
        handle: row.int("handle")?,
        bank: row.parse("bank_id")?,
        name: row.text("name")?,
        labels,
        source: row.text("source")?,
        state: row.parse("state")?,
        expires_at: row.opt_time("expires_at")?,
        created_at: row.time("created_at")?,
        signals: Vec::new(),
        has_previews: row.int("n_previews")? > 0,
        has_look: row.int("has_look")? > 0,
        video: read_video(row)?,
        sound: row.opt_number("sound_ms")?.map(|duration_ms| KeptSound { duration_ms }),
        incident_until: row.opt_time("incident_until")?,
        judged: read_judged(row)?,
    })
}

fn read_video(row: &AnyRow) -> Result<Option<KeptVideo>, StoreError> {
    let (duration_ms, n_frames) = (row.opt_number("video_ms")?, row.opt_number("n_frames")?);
    Ok(duration_ms
        .zip(n_frames)
        .map(|(duration_ms, n_frames)| KeptVideo { duration_ms, n_frames }))
}

pub(super) fn read_signal(row: &AnyRow) -> Result<Signal, StoreError> {
    let signal_type: SignalType = row.parse("type")?;
    Signal::parse(signal_type, &row.text("value")?, row.opt_number("quality")?).map_err(|error| damaged("value", error))
}
