//! Entries by the number that the index knows them by, and those that are not matched against.

use signal::{Signal, SignalType};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use super::entries::{find_entry, read_signal};
use super::strips::forget_strips_of_removed;
use super::{CHANGES, beginning, placeholders};
use crate::model::{BankId, Entry};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx, counter};

/// How many entries are asked for in one statement.
const CHUNK: usize = 100;

/// An entry that is not matched against, because it or its bank is disabled.
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

/// Up to `limit` signals of a type whose entries are disabled, each with its entry; removed ones are not among them.
pub async fn signals_of_disabled_entries(
    conn: &mut AnyConnection,
    kind: SignalType,
    limit: i64,
) -> Result<Vec<(Dormant, Signal)>, StoreError> {
    // By the index of disabled entries, of any bank.
    let rows = query(
        "SELECT e.handle, e.state, b.id AS bank_id, b.name, s.type, s.value, s.quality
         FROM banks_entry e JOIN banks_bank b ON b.id = e.bank_id JOIN banks_signal s ON s.entry_id = e.id
         WHERE e.state = 'disabled' AND s.type = $1 ORDER BY e.id, s.idx LIMIT $2",
    )
    .bind(kind.as_str())
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read disabled signals"))?;
    rows.iter()
        .map(|row| Ok((read_dormant(row)?, read_signal(row)?)))
        .collect()
}

/// Those of the handles that are enabled entries of disabled banks, in no order.
pub async fn dormant_of_handles(conn: &mut AnyConnection, handles: &[u64]) -> Result<Vec<Dormant>, StoreError> {
    let mut found = Vec::new();
    for some in handles.chunks(CHUNK) {
        let statement = format!(
            "SELECT e.handle, e.state, b.id AS bank_id, b.name FROM banks_entry e JOIN banks_bank b ON b.id = e.bank_id
             WHERE e.handle IN ({}) AND e.state = 'enabled' AND b.enabled = 0",
            placeholders(1, some.len()),
        );
        let mut statement = query(AssertSqlSafe(statement)).persistent(some.len() == CHUNK);
        for handle in some {
            statement = statement.bind(handle.cast_signed());
        }
        let rows = statement
            .fetch_all(&mut *conn)
            .await
            .map_err(StoreError::at("look up what is disabled"))?;
        for row in &rows {
            found.push(read_dormant(row)?);
        }
    }
    Ok(found)
}

pub(super) const DORMANT_STATEMENT: &str = "SELECT s.value, e.handle, e.state, b.id AS bank_id, b.name
     FROM banks_signal s JOIN banks_entry e ON e.id = s.entry_id JOIN banks_bank b ON b.id = e.bank_id
     WHERE s.type = $1 AND substr(s.value, 1, 16) = $2 AND (e.state = 'disabled' OR (e.state = 'enabled' AND b.enabled = 0))";

/// The entries with exactly this signal that are disabled, or whose bank is.
pub async fn dormant_of_signal(conn: &mut AnyConnection, signal: &Signal) -> Result<Vec<Dormant>, StoreError> {
    let value = signal.value();
    let rows = query(DORMANT_STATEMENT)
        .bind(signal.signal_type().as_str())
        .bind(beginning(&value))
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("look up what is disabled"))?;
    let mut found = Vec::new();
    for row in &rows {
        if row.text("value")? == value {
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
    .bind(bank.clone())
    .execute(tx.conn())
    .await
    .map_err(&at)?;
    forget_strips_of_removed(tx, &bank).await?;
    Ok(done.rows_affected())
}
