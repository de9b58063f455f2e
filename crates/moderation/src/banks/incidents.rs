//! Which entries are part of an active incident, since when and until when.

use sqlx::{AnyConnection, query};

use crate::model::{EntryId, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// The kind of job that looks for an entry.
pub const HUNT: &str = "hunt_entry";

/// An entry that is part of an active incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incident {
    /// The entry.
    pub entry: EntryId,
    /// Until when.
    pub until: Timestamp,
    /// When somebody last said so; 1970 where that was before it was kept.
    pub marked_at: Timestamp,
}

/// Makes an entry part of an incident until then, or of none.
pub async fn set_incident(
    tx: &mut Tx,
    entry: EntryId,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let at = StoreError::at("mark an entry as part of an incident");
    let Some(until) = until else {
        query("DELETE FROM banks_incident WHERE entry_id = $1")
            .bind(entry.to_string())
            .execute(tx.conn())
            .await
            .map_err(&at)?;
        return Ok(());
    };
    query(
        "INSERT INTO banks_incident (entry_id, until_at, marked_at) VALUES ($1, $2, $3)
         ON CONFLICT (entry_id) DO UPDATE SET until_at = excluded.until_at, marked_at = excluded.marked_at",
    )
    .bind(entry.to_string())
    .bind(until.unix_ms())
    .bind(now.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(&at)?;
    Ok(())
}

/// Up to `limit` entries whose incident is over at `now`.
pub async fn incidents_over(conn: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<EntryId>, StoreError> {
    let rows = query("SELECT entry_id FROM banks_incident WHERE until_at <= $1 ORDER BY until_at, entry_id LIMIT $2")
        .bind(now.unix_ms())
        .bind(limit)
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("look for incidents that are over"))?;
    rows.iter().map(|row| row.parse("entry_id")).collect()
}

/// Up to `limit` entries that are part of an incident at `now`, the last marked first.
pub async fn active_incidents(
    conn: &mut AnyConnection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Incident>, StoreError> {
    let rows = query(
        "SELECT entry_id, until_at, marked_at FROM banks_incident WHERE until_at > $1
         ORDER BY marked_at DESC, entry_id DESC LIMIT $2",
    )
    .bind(now.unix_ms())
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read active incidents"))?;
    rows.iter()
        .map(|row| {
            Ok(Incident {
                entry: row.parse("entry_id")?,
                until: row.time("until_at")?,
                marked_at: row.time("marked_at")?,
            })
        })
        .collect()
}
