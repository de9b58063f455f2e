//! What was judged, in the order in which it was. The facts are content: they are kept for a time, for backtests, and then forgotten.
//!
//! What windows remember of an event stands beside its facts, as hashes: it outlives them, so that a restart counts as before.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{DecisionId, ItemId, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// An event as it was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its number: without gaps, in the order of commits.
    pub seq: i64,
    /// The decision that was made.
    pub decision: DecisionId,
    /// The item.
    pub item: ItemId,
    /// When it was judged.
    pub judged_at: Timestamp,
    /// The version that judged.
    pub version: i64,
    /// The version that was in shadow then.
    pub shadow: Option<i64>,
    /// What happened, as [`policy::Ruling::brief`] says.
    pub outcome: String,
    /// The facts, as JSON; empty when they were forgotten.
    pub facts: String,
    /// What windows remember of it.
    pub bumps: Vec<u8>,
}

/// Keeps an event.
pub async fn insert(tx: &mut Tx, event: &Logged) -> Result<(), StoreError> {
    query(
        "INSERT INTO rules_event (seq, decision_id, item_id, judged_at, version, shadow, outcome, facts, bumps)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(event.seq)
    .bind(event.decision.to_string())
    .bind(event.item.to_string())
    .bind(event.judged_at.unix_ms())
    .bind(event.version)
    .bind(event.shadow)
    .bind(event.outcome.clone())
    .bind(event.facts.clone())
    .bind(event.bumps.clone())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep what was judged"))?;
    Ok(())
}

/// Up to `limit` events after a number and up to another, in their order.
pub async fn list(conn: &mut AnyConnection, after: i64, to: i64, limit: i64) -> Result<Vec<Logged>, StoreError> {
    let rows = query(
        "SELECT seq, decision_id, item_id, judged_at, version, shadow, outcome, facts, bumps FROM rules_event
         WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
    )
    .bind(after)
    .bind(to)
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read what was judged"))?;
    rows.iter().map(read).collect()
}

/// The number of the last event before a moment, and 0 if there is none.
pub async fn last_before(conn: &mut AnyConnection, at: Timestamp) -> Result<i64, StoreError> {
    // Events are judged in the order of their numbers, and the clocks of two processes may differ by little.
    let row = query("SELECT COALESCE(MAX(seq), 0) AS seq FROM rules_event WHERE judged_at < $1")
        .bind(at.unix_ms())
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("look for what was judged"))?;
    row.int("seq")
}

/// When an event was judged; none, if it is kept no more.
pub async fn judged_at(conn: &mut AnyConnection, seq: i64) -> Result<Option<Timestamp>, StoreError> {
    let row = query("SELECT judged_at FROM rules_event WHERE seq = $1")
        .bind(seq)
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("look for what was judged"))?;
    row.map(|row| row.time("judged_at")).transpose()
}

/// Forgets events before a moment, up to a number: what is remembered of later ones rests on a snapshot.
pub async fn forget_before(tx: &mut Tx, at: Timestamp, up_to: i64) -> Result<(), StoreError> {
    query("DELETE FROM rules_event WHERE judged_at < $1 AND seq <= $2")
        .bind(at.unix_ms())
        .bind(up_to)
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget what was judged"))?;
    // What a snapshot does not cover yet keeps its hashes and loses its content.
    query("UPDATE rules_event SET facts = '' WHERE judged_at < $1 AND facts <> ''")
        .bind(at.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget facts"))?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Logged, StoreError> {
    Ok(Logged {
        seq: row.int("seq")?,
        decision: row.parse("decision_id")?,
        item: row.parse("item_id")?,
        judged_at: row.time("judged_at")?,
        version: row.int("version")?,
        shadow: row.opt_int("shadow")?,
        outcome: row.text("outcome")?,
        facts: row.text("facts")?,
        bumps: row.bytes("bumps")?,
    })
}
