//! Cases: where work for people waits, and who holds it.
//!
//! Owns the tables `cases_*`. An item has at most one open case; the database itself sees to that. The states and their
//! transitions are in [`crate::model::case`].

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{Case, CaseId, CaseState, ItemId, Lease, Queue};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// The condition of a statement that an item is reached by who works on these queues: no case is about it, or one of theirs
/// is. `item` is a column with its table's name, `queues` the place of a [`crate::model::QueueSet`].
pub fn within_queues(item: &str, queues: &str) -> String {
    format!(
        "({queues} = '*' OR NOT EXISTS (SELECT 1 FROM cases_case c WHERE c.item_id = {item})
          OR EXISTS (SELECT 1 FROM cases_case c
                     WHERE c.item_id = {item} AND REPLACE({queues}, ' ' || c.queue || ' ', '') <> {queues}))"
    )
}

/// Keeps a new case.
pub async fn insert(tx: &mut Tx, case: &Case) -> Result<(), StoreError> {
    query(
        "INSERT INTO cases_case (id, item_id, queue, priority, reason, state, opened_at, opened_by)
         VALUES ($1, $2, $3, $7, $4, 'open', $5, $6)",
    )
    .bind(case.id.to_string())
    .bind(case.item.to_string())
    .bind(case.queue.as_str())
    .bind(case.reason.clone())
    .bind(case.opened_at.unix_ms())
    .bind(case.opened_by.to_string())
    .bind(i64::from(case.priority))
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("open a case"))?;
    Ok(())
}

/// Writes a case's queue, reason and state.
pub async fn update(tx: &mut Tx, case: &Case) -> Result<(), StoreError> {
    let lease = match case.state {
        CaseState::Open { lease } => lease,
        CaseState::Closed { .. } => None,
    };
    let (state, closed_at, closed_by, closing_decision) = match case.state {
        CaseState::Open { .. } => ("open", None, None, None),
        CaseState::Closed { at, by, decision } => (
            "closed",
            Some(at.unix_ms()),
            Some(by.to_string()),
            Some(decision.to_string()),
        ),
    };
    query(
        "UPDATE cases_case SET queue = $1, reason = $2, state = $3, leased_by = $4, leased_until = $5, closed_at = $6,
                closed_by = $7, closing_decision = $8, priority = $10
         WHERE id = $9",
    )
    .bind(case.queue.as_str())
    .bind(case.reason.clone())
    .bind(state)
    .bind(lease.map(|lease| lease.holder.to_string()))
    .bind(lease.map(|lease| lease.until.unix_ms()))
    .bind(closed_at)
    .bind(closed_by)
    .bind(closing_decision)
    .bind(case.id.to_string())
    .bind(i64::from(case.priority))
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("change a case"))?;
    Ok(())
}

/// The case, by its id.
pub async fn find(conn: &mut AnyConnection, id: CaseId) -> Result<Option<Case>, StoreError> {
    let row = query(
        "SELECT id, item_id, queue, priority, reason, state, opened_at, opened_by, leased_by, leased_until, closed_at, closed_by,
                closing_decision
         FROM cases_case WHERE id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read a case"))?;
    row.map(|row| read(&row)).transpose()
}

/// The case, by its id, locked until the transaction ends: two people who decide at once are put in order here.
pub async fn find_locked(tx: &mut Tx, id: CaseId) -> Result<Option<Case>, StoreError> {
    // A write that changes nothing takes the row's lock in both engines.
    query("UPDATE cases_case SET state = state WHERE id = $1")
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("lock a case"))?;
    find(tx.conn(), id).await
}

/// The open case about an item.
pub async fn find_open_of_item(conn: &mut AnyConnection, item: &ItemId) -> Result<Option<Case>, StoreError> {
    let row = query(
        "SELECT id, item_id, queue, priority, reason, state, opened_at, opened_by, leased_by, leased_until, closed_at, closed_by,
                closing_decision
         FROM cases_case WHERE item_id = $1 AND state = 'open'",
    )
    .bind(item.to_string())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read the open case of an item"))?;
    row.map(|row| read(&row)).transpose()
}

/// All cases about an item, oldest first.
pub async fn list_of_item(conn: &mut AnyConnection, item: &ItemId) -> Result<Vec<Case>, StoreError> {
    let rows = query(
        "SELECT id, item_id, queue, priority, reason, state, opened_at, opened_by, leased_by, leased_until, closed_at, closed_by,
                closing_decision
         FROM cases_case WHERE item_id = $1 ORDER BY id",
    )
    .bind(item.to_string())
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the cases of an item"))?;
    rows.iter().map(read).collect()
}

/// The queues in which cases are open, each with the priority of its most pressing one.
pub async fn waiting(conn: &mut AnyConnection) -> Result<Vec<(Queue, i64)>, StoreError> {
    let rows = query("SELECT queue, MAX(priority) AS priority FROM cases_case WHERE state = 'open' GROUP BY queue")
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("look where cases wait"))?;
    rows.iter()
        .map(|row| Ok((row.parse("queue")?, row.int("priority")?)))
        .collect()
}

/// The open cases of a queue that nobody holds at `now`, the most pressing first, of equals the oldest.
pub async fn list_free(
    conn: &mut AnyConnection,
    queue: Queue,
    now: i64,
    limit: i64,
) -> Result<Vec<CaseId>, StoreError> {
    let rows = query(
        "SELECT id FROM cases_case
         WHERE state = 'open' AND queue = $1 AND (leased_until IS NULL OR leased_until <= $2)
         ORDER BY priority DESC, id LIMIT $3",
    )
    .bind(queue.as_str())
    .bind(now)
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("look for a free case"))?;
    rows.iter().map(|row| row.parse("id")).collect()
}

/// A case from a row that has the case's columns under their own names.
pub fn read(row: &AnyRow) -> Result<Case, StoreError> {
    let state = match row.text("state")?.as_str() {
        "open" => {
            let lease = match (row.opt_parse("leased_by")?, row.opt_time("leased_until")?) {
                (Some(holder), Some(until)) => Some(Lease { holder, until }),
                (_, _) => None,
            };
            CaseState::Open { lease }
        }
        "closed" => CaseState::Closed {
            at: row.time("closed_at")?,
            by: row.parse("closed_by")?,
            decision: row.parse("closing_decision")?,
        },
        other => return Err(damaged("state", format!("`{other}` is not a state of a case"))),
    };
    Ok(Case {
        id: row.parse("id")?,
        item: row.parse("item_id")?,
        queue: row.parse("queue")?,
        priority: row.number("priority")?,
        reason: row.text("reason")?,
        state,
        opened_at: row.time("opened_at")?,
        opened_by: row.parse("opened_by")?,
    })
}
