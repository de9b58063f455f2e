//! Entries by the number that the index knows them by, and those that the index passes over.

use std::collections::HashMap;

use signal::Signal;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use super::CHANGES;
use super::entries::{find_entry, read_signal};
use crate::model::{BankId, Entry, EntryId};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx, counter};

/// How many entries are asked for in one statement.
const CHUNK: usize = 100;

/// A signal that the index passes over, because its entry or its bank is disabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dormant {
    /// The number of the entry.
    pub handle: i64,
    /// Its bank.
    pub bank: BankId,
    /// The bank's name.
    pub bank_name: String,
    /// Whether the entry itself is enabled: then only its bank is not.
    pub is_entry_enabled: bool,
    /// The signal.
    pub signal: Signal,
}

/// The entry, by its number; also a removed one.
pub async fn find_entry_by_handle(conn: &mut AnyConnection, handle: i64) -> Result<Option<Entry>, StoreError> {
    let row = query("SELECT id FROM banks_entry WHERE handle = $1")
        .bind(handle)
        .fetch_optional(&mut *conn)
        .await
        .map_err(StoreError::at("read an entry"))?;
    match row {
        Some(row) => find_entry(conn, row.parse("id")?).await,
        None => Ok(None),
    }
}

/// The numbers of entries. One that is not there is left out.
pub async fn handles_of(conn: &mut AnyConnection, entries: &[EntryId]) -> Result<HashMap<EntryId, i64>, StoreError> {
    let mut handles = HashMap::with_capacity(entries.len());
    for chunk in entries.chunks(CHUNK) {
        // Ids are digits and letters of our own making, never a client's text.
        let list: Vec<String> = chunk.iter().map(|id| format!("'{id}'")).collect();
        let statement = format!("SELECT id, handle FROM banks_entry WHERE id IN ({})", list.join(", "));
        let rows = query(sqlx::AssertSqlSafe(statement))
            .fetch_all(&mut *conn)
            .await
            .map_err(StoreError::at("read the numbers of entries"))?;
        for row in &rows {
            handles.insert(row.parse("id")?, row.int("handle")?);
        }
    }
    Ok(handles)
}

/// Up to `limit` signals of entries that are disabled, or whose bank is; removed ones are not among them.
pub async fn dormant_signals(conn: &mut AnyConnection, limit: i64) -> Result<Vec<Dormant>, StoreError> {
    let at = StoreError::at("read disabled signals");
    // By the index of disabled entries, of any bank.
    let rows = query(
        "SELECT e.handle, e.state, b.id AS bank_id, b.name, s.type, s.value, s.quality
         FROM banks_entry e JOIN banks_bank b ON b.id = e.bank_id JOIN banks_signal s ON s.entry_id = e.id
         WHERE e.state = 'disabled' ORDER BY e.id, s.idx LIMIT $1",
    )
    .bind(limit)
    .fetch_all(&mut *conn)
    .await
    .map_err(&at)?;
    let mut found: Vec<Dormant> = rows.iter().map(read_dormant).collect::<Result<_, _>>()?;

    // Enabled entries of disabled banks, bank by bank: asked for all at once, a database may rather read every entry there is.
    let banks = query("SELECT id FROM banks_bank WHERE enabled = 0 ORDER BY id")
        .fetch_all(&mut *conn)
        .await
        .map_err(&at)?;
    for bank in &banks {
        let rows = query(
            "SELECT e.handle, e.state, b.id AS bank_id, b.name, s.type, s.value, s.quality
             FROM banks_entry e JOIN banks_bank b ON b.id = e.bank_id JOIN banks_signal s ON s.entry_id = e.id
             WHERE e.bank_id = $1 AND e.state = 'enabled' ORDER BY e.id, s.idx LIMIT $2",
        )
        .bind(bank.text("id")?)
        .bind(limit - found.len() as i64)
        .fetch_all(&mut *conn)
        .await
        .map_err(&at)?;
        for row in &rows {
            found.push(read_dormant(row)?);
        }
    }
    Ok(found)
}

fn read_dormant(row: &AnyRow) -> Result<Dormant, StoreError> {
    Ok(Dormant {
        handle: row.int("handle")?,
        bank: row.parse("bank_id")?,
        bank_name: row.text("name")?,
        is_entry_enabled: row.text("state")? == "enabled",
        signal: read_signal(row)?,
    })
}

/// Removes all entries of a bank, or of all banks, and says how many there were. Under [`super::lock`].
pub async fn remove_entries(tx: &mut Tx, bank: Option<BankId>) -> Result<u64, StoreError> {
    let at = StoreError::at("remove the entries of a bank");
    // An empty text stands for all banks.
    let bank = bank.map(|id| id.to_string()).unwrap_or_default();
    let row = query("SELECT COUNT(*) AS n FROM banks_entry WHERE state <> 'removed' AND ($1 = '' OR bank_id = $2)")
        .bind(bank.clone())
        .bind(bank.clone())
        .fetch_one(tx.conn())
        .await
        .map_err(&at)?;
    let n: usize = row.number("n")?;
    if n == 0 {
        return Ok(0);
    }
    // Each has a number of its own in the feed, so that a page of the feed can end between any two.
    let first = counter::take(tx, CHANGES, n).await?;
    let done = query(
        "UPDATE banks_entry SET state = 'removed', change_seq = $1 + place
         FROM (SELECT id AS entry, ROW_NUMBER() OVER (ORDER BY id) - 1 AS place FROM banks_entry
               WHERE state <> 'removed' AND ($2 = '' OR bank_id = $3)) numbered
         WHERE numbered.entry = banks_entry.id",
    )
    .bind(first)
    .bind(bank.clone())
    .bind(bank)
    .execute(tx.conn())
    .await
    .map_err(&at)?;
    Ok(done.rows_affected())
}
