//! Orders that are taken back before they leave, and what tells that they should be.

use sqlx::{AnyConnection, query};

use crate::model::{Action, ActionId, DecisionId, ItemId, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// Takes back all orders of a decision that did not leave yet. Returns those that could be, and whether that is all of them.
pub async fn withdraw(tx: &mut Tx, decision: DecisionId, now: Timestamp) -> Result<(Vec<ActionId>, bool), StoreError> {
    let at = StoreError::at("take orders back");
    let rows = query(
        "UPDATE actions_action SET state = 'withdrawn', settled_at = $1
         WHERE decision_id = $2 AND state = 'waiting' AND started_at IS NULL RETURNING id",
    )
    .bind(now.unix_ms())
    .bind(decision.to_string())
    .fetch_all(tx.conn())
    .await
    .map_err(&at)?;
    let left = query("SELECT COUNT(*) AS n FROM actions_action WHERE decision_id = $1 AND state <> 'withdrawn'")
        .bind(decision.to_string())
        .fetch_one(tx.conn())
        .await
        .map_err(&at)?;
    let mut taken: Vec<ActionId> = rows.iter().map(|row| row.parse("id")).collect::<Result<_, _>>()?;
    taken.sort();
    Ok((taken, left.int("n")? == 0))
}

/// Of a restriction that is still held and the order that lifts it neither need leave: both are taken back, and the lifting one only where nothing of it was ever
/// restricted before. Returns what was taken back; empty, if the restriction has left.
pub async fn cancel_out(tx: &mut Tx, lifts: &Action, now: Timestamp) -> Result<Vec<ActionId>, StoreError> {
    let at = StoreError::at("take orders back that undo each other");
    let rows = query(
        "UPDATE actions_action SET state = 'withdrawn', settled_at = $1
         WHERE item_id = $2 AND kind = 'restrict' AND what = $3 AND scope = $4 AND state = 'waiting' AND started_at IS NULL
           AND held_until > $1
           AND ordinal < (SELECT ordinal FROM actions_action WHERE id = $5) RETURNING id",
    )
    .bind(now.unix_ms())
    .bind(lifts.item.to_string())
    .bind(lifts.what.as_str())
    .bind(lifts.scope.clone())
    .bind(lifts.id.to_string())
    .fetch_all(tx.conn())
    .await
    .map_err(&at)?;
    let mut taken: Vec<ActionId> = rows.iter().map(|row| row.parse("id")).collect::<Result<_, _>>()?;
    if taken.is_empty() {
        return Ok(taken);
    }
    let done = query(
        "UPDATE actions_action SET state = 'withdrawn', settled_at = $1
         WHERE id = $2 AND state = 'waiting' AND started_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM actions_action e
                           WHERE e.item_id = $3 AND e.kind = 'restrict' AND e.what = $4 AND e.state NOT IN ('withdrawn', 'refused')
                             AND e.ordinal < (SELECT ordinal FROM actions_action WHERE id = $2))",
    )
    .bind(now.unix_ms())
    .bind(lifts.id.to_string())
    .bind(lifts.item.to_string())
    .bind(lifts.what.as_str())
    .execute(tx.conn())
    .await
    .map_err(&at)?;
    taken.extend((done.rows_affected() > 0).then_some(lifts.id));
    Ok(taken)
}

/// How many restrictions of the item a decision ordered, warnings left out, and how many of them the platform refused or never carried out.
pub async fn carried_out(
    conn: &mut AnyConnection,
    item: &ItemId,
    decision: DecisionId,
) -> Result<(usize, usize), StoreError> {
    let row = query(
        "SELECT COUNT(*) AS n, COALESCE(SUM(CASE WHEN state IN ('refused', 'dead') THEN 1 ELSE 0 END), 0) AS n_failed
         FROM actions_action
         WHERE item_id = $1 AND decision_id = $2 AND kind = 'restrict' AND what <> 'warning' AND state <> 'withdrawn'",
    )
    .bind(item.to_string())
    .bind(decision.to_string())
    .fetch_one(conn)
    .await
    .map_err(StoreError::at("look whether a decision was carried out"))?;
    let count = |column| Ok::<_, StoreError>(usize::try_from(row.int(column)?).unwrap_or(usize::MAX));
    Ok((count("n")?, count("n_failed")?))
}

/// Takes one order back, if it has not been answered.
pub async fn withdraw_one(tx: &mut Tx, id: ActionId, now: Timestamp) -> Result<bool, StoreError> {
    let done = query(
        "UPDATE actions_action SET state = 'withdrawn', settled_at = $1 WHERE id = $2 AND state IN ('waiting', 'retrying')",
    )
    .bind(now.unix_ms())
    .bind(id.to_string())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("take an order back"))?;
    Ok(done.rows_affected() == 1)
}

/// The decision that let go of what the order restricts, because another item restricts the account too.
pub async fn let_go_by(conn: &mut AnyConnection, id: ActionId) -> Result<Option<DecisionId>, StoreError> {
    let row = query("SELECT let_go_by FROM actions_action WHERE id = $1 AND let_go = 1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("look whether an order was let go of"))?;
    row.map_or(Ok(None), |row| row.opt_parse("let_go_by"))
}

/// Whether an order of the decision has left, or could by now.
pub async fn has_left(conn: &mut AnyConnection, decision: DecisionId, now: Timestamp) -> Result<bool, StoreError> {
    let row = query(
        "SELECT COUNT(*) AS n FROM actions_action
         WHERE decision_id = $1 AND (started_at IS NOT NULL OR held_until IS NULL OR held_until <= $2)",
    )
    .bind(decision.to_string())
    .bind(now.unix_ms())
    .fetch_one(conn)
    .await
    .map_err(StoreError::at("look whether an order has left"))?;
    Ok(row.int("n")? > 0)
}

/// Whether something of the item was restricted by a decision that is younger than this one.
pub async fn is_restricted_since(
    conn: &mut AnyConnection,
    item: &ItemId,
    seen: DecisionId,
) -> Result<bool, StoreError> {
    let row = query(
        "SELECT COUNT(*) AS n FROM actions_action
         WHERE item_id = $1 AND kind = 'restrict' AND state <> 'withdrawn' AND decision_id > $2",
    )
    .bind(item.to_string())
    .bind(seen.to_string())
    .fetch_one(conn)
    .await
    .map_err(StoreError::at("look whether something was restricted since"))?;
    Ok(row.int("n")? > 0)
}
