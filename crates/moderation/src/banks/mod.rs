//! Banks of known content: what is in them, and the feed of what changed, which the index follows.
//!
//! Owns the tables `banks_*`. It must never know items, cases, or how content is matched. Start with [`insert_entry`] and
//! [`changes_after`].

mod bulk;
pub mod csv;
mod entries;
mod feed;
mod handles;
mod incidents;
mod known;
mod looks;
mod reach;
mod recordings;
mod strips;

use std::ops::Range;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{Bank, BankId};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx, counter};

pub use bulk::{SignalKey, insert_entries, known_signals, signal_key};
pub use entries::{entry_preview, find_entry, insert_entry, insert_entry_preview, list_entries, set_entry_state};
pub use feed::{BankChanges, ChangedEntry, changes_after, feed_end};
pub use handles::{
    Dormant, dormant_of_handles, dormant_of_signal, find_entry_by_handle, remove_entries, signals_of_disabled_entries,
};
pub use incidents::{HUNT, Incident, active_incidents, incidents_over, set_incident};
pub use known::{Known, known_of_digests, known_of_handles, labels_of_entries};
pub use looks::{EntryLook, LookCodes, NewLook, find_look, insert_look, looks_of_handles, set_dense};
pub use reach::{JudgePage, ToJudge, entries_to_judge, set_judged, tell_followers, to_judge};
pub use recordings::{NewRecording, Recording, insert_recording, long_signals, recorded_in, recordings_of_handles};
pub use strips::{insert_strip, read_place, strip_picture, strip_places};

/// The counter that numbers changes of banks and entries in the order of their commits. It never goes back, not even when
/// everything is forgotten: who follows the feed would miss what comes.
pub const CHANGES: &str = "banks_change";
/// The counter that hands out the numbers by which the index knows entries.
const HANDLES: &str = "banks_handle";

/// The most entries that one import may add at a time: the more, the fewer pages of the store are written twice, and the longer others who write have
/// to wait.
pub const IMPORT_MAX: usize = 20_000;

/// Locks all banks until the transaction ends: of two changes the second reads what the first wrote. Every change of a bank
/// or an entry takes this lock when it takes its number; one that reads before it writes takes it before it reads.
pub async fn lock(tx: &mut Tx) -> Result<(), StoreError> {
    counter::take(tx, CHANGES, 0).await?;
    Ok(())
}

/// Below so many entries reading all of them is as fast as any index.
const COUNTED_MIN: i64 = 1_000;

/// After entries got these numbers. Whenever there are twice as many as when it was told last, the planner is told: one that knows of a bank as it was when
/// it was empty has all of it read for each signal that is looked for.
async fn tell_planner(tx: &mut Tx, numbers: Range<i64>) -> Result<(), StoreError> {
    let (before, after) = (numbers.start - 1, numbers.end - 1);
    if after >= COUNTED_MIN && before.max(1).ilog2() != after.ilog2() {
        tx.refresh_statistics("banks_signal").await?;
    }
    Ok(())
}

/// Keeps a new bank; `false` if the name is taken.
pub async fn insert_bank(tx: &mut Tx, bank: &Bank) -> Result<bool, StoreError> {
    let change_seq = counter::take(tx, CHANGES, 1).await?;
    let done = query(
        "INSERT INTO banks_bank (id, name, description, confirmed, enabled, crops, created_at, change_seq)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO NOTHING",
    )
    .bind(bank.id.to_string())
    .bind(bank.name.clone())
    .bind(bank.description.clone())
    .bind(i64::from(bank.confirmed))
    .bind(i64::from(bank.enabled))
    .bind(bank.crops.as_str())
    .bind(bank.created_at.unix_ms())
    .bind(change_seq)
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep a bank"))?;
    Ok(done.rows_affected() == 1)
}

/// Writes what changed about a bank.
pub async fn update_bank(tx: &mut Tx, before: &Bank, bank: &Bank) -> Result<(), StoreError> {
    if before.crops != bank.crops {
        looks::touch_looks(tx, bank.id).await?;
    }
    let change_seq = counter::take(tx, CHANGES, 1).await?;
    query("UPDATE banks_bank SET description = $1, confirmed = $2, enabled = $3, crops = $4, change_seq = $5 WHERE id = $6")
        .bind(bank.description.clone())
        .bind(i64::from(bank.confirmed))
        .bind(i64::from(bank.enabled))
        .bind(bank.crops.as_str())
        .bind(change_seq)
        .bind(bank.id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("change a bank"))?;
    Ok(())
}

/// Gives a bank another name; `false` if the name is taken. Under [`lock`].
pub async fn rename_bank(tx: &mut Tx, id: BankId, name: &str) -> Result<bool, StoreError> {
    if find_bank_by_name(tx.conn(), name)
        .await?
        .is_some_and(|other| other.id != id)
    {
        return Ok(false);
    }
    let change_seq = counter::take(tx, CHANGES, 1).await?;
    query("UPDATE banks_bank SET name = $1, change_seq = $2 WHERE id = $3")
        .bind(name.to_owned())
        .bind(change_seq)
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("rename a bank"))?;
    Ok(true)
}

/// The bank, by its id.
pub async fn find_bank(conn: &mut AnyConnection, id: BankId) -> Result<Option<Bank>, StoreError> {
    let row =
        query("SELECT id, name, description, confirmed, enabled, crops, created_at FROM banks_bank WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(conn)
            .await
            .map_err(StoreError::at("read a bank"))?;
    row.map(|row| read_bank(&row)).transpose()
}

/// The bank, by its name.
pub async fn find_bank_by_name(conn: &mut AnyConnection, name: &str) -> Result<Option<Bank>, StoreError> {
    let row =
        query("SELECT id, name, description, confirmed, enabled, crops, created_at FROM banks_bank WHERE name = $1")
            .bind(name.to_owned())
            .fetch_optional(conn)
            .await
            .map_err(StoreError::at("read a bank"))?;
    row.map(|row| read_bank(&row)).transpose()
}

/// A bank from a row that has the bank's columns under their own names.
pub fn read_bank(row: &AnyRow) -> Result<Bank, StoreError> {
    Ok(Bank {
        id: row.parse("id")?,
        name: row.text("name")?,
        description: row.text("description")?,
        confirmed: row.flag("confirmed")?,
        enabled: row.flag("enabled")?,
        crops: row.parse("crops")?,
        created_at: row.time("created_at")?,
    })
}

/// How many characters of a value the index of signals holds; as its migration says.
const BEGINNING: usize = 16;

/// The part of a signal's value that signals are found by. Statements compare `substr(value, 1, 16)`
/// with it and leave the rest of the value to their reader: where `value` stands beside it as equal to one value, some versions of SQLite (3.40, not
/// 3.51) put that value into `substr`, no longer see the index, and read every signal there is.
fn beginning(value: &str) -> String {
    value.get(..BEGINNING).unwrap_or(value).to_owned()
}

/// `$3, $4, …`: so many of them.
fn placeholders(first: usize, n: usize) -> String {
    let all: Vec<String> = (first..first + n).map(|at| format!("${at}")).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::store::Store;

    /// A statement that no longer sees its index answers as before, and a thousand times as slowly.
    #[tokio::test]
    async fn signals_are_found_by_their_index() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("seawall.db").display());
        let store = Store::open(&url).await.unwrap();
        let mut conn = store.reader().await.unwrap();
        for statement in [
            bulk::known_statement(1),
            bulk::known_statement(50),
            known::digests_statement(1),
            known::digests_statement(10),
            handles::DORMANT_STATEMENT.to_owned(),
        ] {
            let plan = query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
                .fetch_all(&mut *conn)
                .await
                .unwrap();
            let steps: Vec<String> = plan.iter().map(|step| step.text("detail").unwrap()).collect();
            assert!(
                steps[0].contains("SEARCH s USING INDEX banks_signal_beginning"),
                "{steps:?}\n{statement}"
            );
            assert!(
                steps.iter().all(|step| !step.starts_with("SCAN")),
                "{steps:?}\n{statement}"
            );
        }
    }
}
