//! The change feed: what became of banks and entries since a cursor, in the order of commits.

use std::collections::HashMap;

use signal::Signal;
use sqlx::{AnyConnection, query};

use super::entries::read_signal;
use super::looks::{LookCodes, codes_of_changes};
use super::{CHANGES, read_bank};
use crate::model::{Bank, BankId, EntryId, EntryState, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, counter};

/// A piece of the feed.
#[derive(Debug, Clone)]
pub struct BankChanges {
    /// Banks that are new or changed, as they are now.
    pub banks: Vec<Bank>,
    /// Entries that are new or changed, as they are now.
    pub entries: Vec<ChangedEntry>,
    /// Where to go on.
    pub cursor: i64,
    /// Whether there is more to read at once.
    pub more: bool,
}

/// An entry as the index needs to know it.
#[derive(Debug, Clone)]
pub struct ChangedEntry {
    /// Its id.
    pub id: EntryId,
    /// The number by which the index knows it.
    pub handle: u64,
    /// Its bank.
    pub bank: BankId,
    /// Whether it is matched against.
    pub state: EntryState,
    /// When it stops being matched against.
    pub expires_at: Option<Timestamp>,
    /// Its signals.
    pub signals: Vec<Signal>,
    /// What it is found by beside them, if it is matched against.
    pub look: LookCodes,
}

/// The end of the feed: how far one has followed who has seen everything.
pub async fn feed_end(conn: &mut AnyConnection) -> Result<i64, StoreError> {
    counter::current(conn, CHANGES).await
}

/// What changed after `cursor`, up to about `limit` entries. A feed read from 0 gives everything there is.
pub async fn changes_after(conn: &mut AnyConnection, cursor: i64, limit: i64) -> Result<BankChanges, StoreError> {
    let at = StoreError::at("read the change feed of the banks");
    // Numbers are taken in the order of commits: whatever is numbered up to `end` can be seen now.
    let end = counter::current(conn, CHANGES).await?;
    if end <= cursor {
        return Ok(BankChanges {
            banks: Vec::new(),
            entries: Vec::new(),
            cursor,
            more: false,
        });
    }
    let rows = query(
        "SELECT id, name, description, confirmed, enabled, crops, created_at FROM banks_bank
         WHERE change_seq > $1 AND change_seq <= $2",
    )
    .bind(cursor)
    .bind(end)
    .fetch_all(&mut *conn)
    .await
    .map_err(&at)?;
    let banks: Vec<Bank> = rows.iter().map(read_bank).collect::<Result<_, _>>()?;

    let rows = query(
        "SELECT id, handle, bank_id, state, expires_at, change_seq FROM banks_entry
         WHERE change_seq > $1 AND change_seq <= $2 ORDER BY change_seq LIMIT $3",
    )
    .bind(cursor)
    .bind(end)
    .bind(limit)
    .fetch_all(&mut *conn)
    .await
    .map_err(&at)?;
    let more = rows.len() as i64 == limit;
    let mut reached = cursor;
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
        reached = row.int("change_seq")?;
        entries.push(ChangedEntry {
            id: row.parse("id")?,
            handle: row.number("handle")?,
            bank: row.parse("bank_id")?,
            state: row.parse("state")?,
            expires_at: row.opt_time("expires_at")?,
            signals: Vec::new(),
            look: LookCodes::default(),
        });
    }
    // With a full page the banks are read again by the next call: they are applied twice, which changes nothing.
    let reached = if more { reached } else { end };

    let places: HashMap<EntryId, usize> = entries.iter().enumerate().map(|(place, e)| (e.id, place)).collect();
    let rows = query(
        "SELECT s.entry_id, s.type, s.value, s.quality FROM banks_signal s JOIN banks_entry e ON e.id = s.entry_id
         WHERE e.change_seq > $1 AND e.change_seq <= $2 ORDER BY s.entry_id, s.idx",
    )
    .bind(cursor)
    .bind(reached)
    .fetch_all(&mut *conn)
    .await
    .map_err(&at)?;
    for row in &rows {
        if let Some(place) = places.get(&row.parse("entry_id")?) {
            entries[*place].signals.push(read_signal(row)?);
        }
    }
    for (entry, codes) in codes_of_changes(conn, cursor, reached).await? {
        if let Some(place) = places.get(&entry) {
            entries[*place].look = codes;
        }
    }
    Ok(BankChanges {
        banks,
        entries,
        cursor: reached,
        more,
    })
}
