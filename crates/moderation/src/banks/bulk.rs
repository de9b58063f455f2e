//! Entries by the thousand, in few statements.
//!
//! An import is bound by how often it talks to the database and by how many pages of an index it touches. So rows go in several
//! at a time, and signals in the order of their values, which is the order of the one index that is not appended to.

use std::collections::HashSet;

use signal::{Signal, SignalType};
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, query};

use super::recordings::{NewRecording, digest, insert_recording, known_long};
use super::{CHANGES, HANDLES, beginning, placeholders, tell_planner};
use crate::model::{BankId, EntryId, EntryState, NewEntry, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx, counter};

/// Rows of one statement. More of them save no more: SQLite finds the name of each parameter by walking past those before it.
const ROWS: usize = 16;
/// Beginnings of values that one statement asks for.
const BEGINNINGS_MAX: usize = 50;

/// A signal as a bank knows it again: what it is, whatever the quality that was told with it.
pub type SignalKey = (SignalType, String);

/// What a signal is known by: its text, or the digest of a long one.
pub fn signal_key(signal: &Signal) -> SignalKey {
    let text = signal.value();
    let known_by = if signal.is_long() { digest(&text) } else { text };
    (signal.signal_type(), known_by)
}

/// Keeps new entries, in their order: the feed and the numbers by which the index knows them follow it.
pub async fn insert_entries(
    tx: &mut Tx,
    bank: BankId,
    entries: &[(EntryId, NewEntry)],
    now: Timestamp,
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let at = StoreError::at("keep entries");
    let change_seqs = counter::take(tx, CHANGES, entries.len()).await?..;
    let first_handle = counter::take(tx, HANDLES, entries.len()).await?;
    let bank = bank.to_string();

    let numbered: Vec<_> = entries.iter().zip(change_seqs.zip(first_handle..)).collect();
    for rows in numbered.chunks(ROWS) {
        let statement = format!(
            "INSERT INTO banks_entry (bank_id, state, created_at, id, handle, name, labels, source, expires_at, change_seq) VALUES {}",
            rows_of(rows.len(), 3, 7),
        );
        let mut statement = of_rows(statement, rows.len())
            .bind(bank.clone())
            .bind(EntryState::Enabled.as_str())
            .bind(now.unix_ms());
        for ((id, new), (change_seq, handle)) in rows {
            statement = statement
                .bind(id.to_string())
                .bind(*handle)
                .bind(new.name.clone())
                .bind(serde_json::json!(new.labels).to_string())
                .bind(new.source.clone())
                .bind(new.expires_at.map(Timestamp::unix_ms))
                .bind(*change_seq);
        }
        statement.execute(tx.conn()).await.map_err(&at)?;
    }

    let mut signals: Vec<(SignalKey, &EntryId, usize, Option<u8>)> = entries
        .iter()
        .flat_map(|(id, new)| {
            new.signals
                .iter()
                .filter(|signal| !signal.is_long())
                .enumerate()
                .map(move |(idx, signal)| (id, idx, signal))
        })
        .map(|(id, idx, signal)| (signal_key(signal), id, idx, signal.quality()))
        .collect();
    signals.sort_unstable_by(|((_, one), ..), ((_, other), ..)| one.cmp(other));
    for rows in signals.chunks(ROWS) {
        let statement = format!(
            "INSERT INTO banks_signal (bank_id, entry_id, idx, type, value, quality) VALUES {}",
            rows_of(rows.len(), 1, 5),
        );
        let mut statement = of_rows(statement, rows.len()).bind(bank.clone());
        for ((kind, value), id, idx, quality) in rows {
            statement = statement
                .bind(id.to_string())
                .bind(*idx as i64)
                .bind(kind.as_str())
                .bind(value.clone())
                .bind(quality.map(i64::from));
        }
        statement.execute(tx.conn()).await.map_err(&at)?;
    }
    for (id, new) in entries {
        insert_recording(tx, *id, NewRecording::of(&new.signals, None)).await?;
    }
    tell_planner(tx, first_handle..first_handle + entries.len() as i64).await
}

/// Those of the signals that entries of the bank have which are not removed.
pub async fn known_signals(
    conn: &mut AnyConnection,
    bank: BankId,
    signals: impl IntoIterator<Item = &Signal>,
) -> Result<HashSet<SignalKey>, StoreError> {
    let mut keys: Vec<SignalKey> = signals.into_iter().map(signal_key).collect();
    keys.sort_unstable_by(|(kind, one), (other_kind, other)| (kind.as_str(), one).cmp(&(other_kind.as_str(), other)));
    keys.dedup();
    let mut known = HashSet::new();
    for of_kind in keys.chunk_by(|(one, _), (other, _)| one == other) {
        let kind = of_kind[0].0;
        if matches!(kind, SignalType::Vpdq | SignalType::Chromaprint) {
            let digests: Vec<&str> = of_kind.iter().map(|(_, digest)| digest.as_str()).collect();
            known.extend(known_long(conn, bank, kind, &digests).await?);
            continue;
        }
        // Many values may begin alike, and are then asked for together.
        let mut beginnings: Vec<String> = of_kind.iter().map(|(_, value)| beginning(value)).collect();
        beginnings.dedup();
        for some in beginnings.chunks(BEGINNINGS_MAX) {
            // Not remembered: Postgres would go on with the plan that it made when the bank was empty, and read all of it each time.
            let mut statement = query(AssertSqlSafe(known_statement(some.len())))
                .persistent(false)
                .bind(bank.to_string())
                .bind(kind.as_str());
            for beginning in some {
                statement = statement.bind(beginning.clone());
            }
            let rows = statement
                .fetch_all(&mut *conn)
                .await
                .map_err(StoreError::at("look for signals in a bank"))?;
            for row in &rows {
                let value = row.text("value")?;
                if of_kind.binary_search_by(|(_, asked)| asked.cmp(&value)).is_ok() {
                    known.insert((kind, value));
                }
            }
        }
    }
    Ok(known)
}

pub(super) fn known_statement(n_beginnings: usize) -> String {
    format!(
        "SELECT DISTINCT s.value FROM banks_signal s JOIN banks_entry e ON e.id = s.entry_id
         WHERE s.bank_id = $1 AND s.type = $2 AND substr(s.value, 1, 16) IN ({}) AND e.state <> 'removed'",
        placeholders(3, n_beginnings),
    )
}

/// `($1, $2, $4, $5), ($1, $2, $6, $7)`: rows that share their first columns.
fn rows_of(n: usize, shared: usize, own: usize) -> String {
    let shared_places = placeholders(1, shared);
    let rows: Vec<String> = (0..n)
        .map(|row| format!("({shared_places}, {})", placeholders(shared + 1 + row * own, own)))
        .collect();
    rows.join(", ")
}

/// Full statements are all of one text, which the connection prepares once; the rest of an import is not worth remembering.
fn of_rows(statement: String, n_rows: usize) -> Query<'static, Any, AnyArguments> {
    query(AssertSqlSafe(statement)).persistent(n_rows == ROWS)
}
