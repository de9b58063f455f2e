//! What clients of Hasher-Matcher-Actioner say of banks and entries that banks do not know of themselves: how often a bank
//! takes part, notes and metadata of content, until when it is disabled; and the exchanges that they configure.
//!
//! Owns the tables `hma_*`. It must never know what an entry's signals are or how they are matched. Start with
//! [`ratio_of`], then `exchanges.rs`.

mod exchanges;

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{AnyConnection, query};

use crate::model::{BankId, EntryId, Timestamp};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

pub use exchanges::{
    Exchange, ExchangeApi, Fetched, delete_exchange, exchange_of_bank, find_exchange, has_credentials, insert_exchange,
    list_exchanges, set_credentials, set_exchange_enabled, set_fetched,
};

/// A bank as clients of HMA see it.
#[derive(Debug, Clone, PartialEq)]
pub struct HmaBank {
    /// Its id.
    pub id: BankId,
    /// Its name.
    pub name: String,
    /// In which share of lookups it takes part; 0 and less: in none, 1 and more: in all.
    pub ratio: f64,
}

/// In which share of lookups a bank takes part. What the client said holds as long as it agrees with whether the bank is
/// matched against at all, which the console may have changed since.
pub fn ratio_of(is_enabled: bool, said: Option<f64>) -> f64 {
    match (is_enabled, said) {
        (true, Some(ratio)) if ratio > 0.0 => ratio,
        (true, _) => 1.0,
        (false, Some(ratio)) if ratio <= 0.0 => ratio,
        (false, _) => 0.0,
    }
}

/// Keeps in which share of lookups a bank takes part.
pub async fn set_ratio(tx: &mut Tx, bank: BankId, ratio: f64) -> Result<(), StoreError> {
    query(
        "INSERT INTO hma_bank (bank_id, enabled_ratio) VALUES ($1, $2)
         ON CONFLICT (bank_id) DO UPDATE SET enabled_ratio = excluded.enabled_ratio",
    )
    .bind(bank.to_string())
    .bind(format!("{ratio:?}"))
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep a bank's ratio"))?;
    Ok(())
}

/// Keeps that a client removed a bank.
pub async fn set_bank_removed(tx: &mut Tx, bank: BankId, now: Timestamp) -> Result<(), StoreError> {
    query(
        "INSERT INTO hma_bank (bank_id, enabled_ratio, removed_at) VALUES ($1, '0.0', $2)
         ON CONFLICT (bank_id) DO UPDATE SET removed_at = excluded.removed_at",
    )
    .bind(bank.to_string())
    .bind(now.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep that a bank was removed"))?;
    Ok(())
}

/// What clients said of all banks: the ratio of each.
pub async fn ratios(conn: &mut AnyConnection) -> Result<HashMap<BankId, f64>, StoreError> {
    let rows = query("SELECT bank_id, enabled_ratio FROM hma_bank")
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read the ratios of banks"))?;
    rows.iter()
        .map(|row| Ok((row.parse("bank_id")?, row.parse("enabled_ratio")?)))
        .collect()
}

/// What clients said of one bank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BankNotes {
    /// In which share of lookups it takes part.
    pub ratio: f64,
    /// Whether a client removed it.
    pub is_removed: bool,
}

/// What clients said of a bank; none, if no client ever did.
pub async fn bank_notes(conn: &mut AnyConnection, bank: BankId) -> Result<Option<BankNotes>, StoreError> {
    let row = query("SELECT enabled_ratio, removed_at FROM hma_bank WHERE bank_id = $1")
        .bind(bank.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read what clients said of a bank"))?;
    row.map(|row| {
        Ok(BankNotes {
            ratio: row.parse("enabled_ratio")?,
            is_removed: row.opt_time("removed_at")?.is_some(),
        })
    })
    .transpose()
}

/// What a client said of an entry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContentNotes {
    /// The client's own names for it: `content_id`, `content_uri`, `json`.
    pub metadata: Option<Value>,
    /// A remark.
    pub note: Option<String>,
    /// Until when it is disabled, in seconds since 1970, as the client wrote it: 0 for ever, 1 not at all.
    pub disable_until_s: Option<i64>,
}

/// Keeps what a client said of an entry. `wake_at` is when the entry is to be enabled again.
pub async fn put_content(
    tx: &mut Tx,
    entry: EntryId,
    notes: &ContentNotes,
    wake_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO hma_content (entry_id, metadata, note, disable_until_s, wake_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (entry_id) DO UPDATE SET metadata = excluded.metadata, note = excluded.note,
             disable_until_s = excluded.disable_until_s, wake_at = excluded.wake_at",
    )
    .bind(entry.to_string())
    .bind(notes.metadata.as_ref().map(Value::to_string))
    .bind(notes.note.clone())
    .bind(notes.disable_until_s)
    .bind(wake_at.map(Timestamp::unix_ms))
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep what a client said of an entry"))?;
    Ok(())
}

/// What a client said of an entry; nothing, if no client ever did.
pub async fn content(conn: &mut AnyConnection, entry: EntryId) -> Result<ContentNotes, StoreError> {
    let row = query("SELECT metadata, note, disable_until_s FROM hma_content WHERE entry_id = $1")
        .bind(entry.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read what a client said of an entry"))?;
    let Some(row) = row else {
        return Ok(ContentNotes::default());
    };
    let metadata = row.opt_text("metadata")?;
    let metadata = metadata.map(|text| serde_json::from_str(&text).map_err(|error| damaged("metadata", error)));
    Ok(ContentNotes {
        metadata: metadata.transpose()?,
        note: row.opt_text("note")?,
        disable_until_s: row.opt_int("disable_until_s")?,
    })
}

/// Up to `limit` entries whose time of being disabled is over, the longest over first.
pub async fn due_to_wake(conn: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<EntryId>, StoreError> {
    let rows =
        query("SELECT entry_id FROM hma_content WHERE wake_at IS NOT NULL AND wake_at <= $1 ORDER BY wake_at LIMIT $2")
            .bind(now.unix_ms())
            .bind(limit)
            .fetch_all(conn)
            .await
            .map_err(StoreError::at("read what is to be enabled again"))?;
    rows.iter().map(|row| row.parse("entry_id")).collect()
}

/// Keeps that an entry was enabled again, or that nobody waits for it any more.
pub async fn set_woken(tx: &mut Tx, entry: EntryId) -> Result<(), StoreError> {
    query("UPDATE hma_content SET wake_at = NULL WHERE entry_id = $1")
        .bind(entry.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keep that an entry was enabled again"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_said_yields_to_what_the_console_did_since() {
        assert_eq!(ratio_of(true, None), 1.0);
        assert_eq!(ratio_of(true, Some(0.25)), 0.25);
        assert_eq!(ratio_of(true, Some(7.5)), 7.5);
        assert_eq!(ratio_of(true, Some(0.0)), 1.0, "enabled in the console");
        assert_eq!(ratio_of(false, Some(-1.0)), -1.0);
        assert_eq!(ratio_of(false, Some(0.25)), 0.0, "disabled in the console");
        assert_eq!(ratio_of(false, None), 0.0);
    }
}
