//! Restrictions that a rule or a person gave an end.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{DecisionId, ItemId, Restricted, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// A restriction that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The decision that restricted.
    pub decision: DecisionId,
    /// The item.
    pub item: ItemId,
    /// What of it.
    pub what: Restricted,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// Remembers when a restriction ends.
pub async fn insert(tx: &mut Tx, ending: &Ending) -> Result<(), StoreError> {
    query("INSERT INTO rules_restriction (decision_id, what, item_id, ends_at) VALUES ($1, $2, $3, $4)")
        .bind(ending.decision.to_string())
        .bind(ending.what.as_str())
        .bind(ending.item.to_string())
        .bind(ending.ends_at.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("remember when a restriction ends"))?;
    Ok(())
}

/// Up to `limit` restrictions that are over, the first first.
pub async fn over(conn: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<Ending>, StoreError> {
    let rows = query(
        "SELECT decision_id, what, item_id, ends_at FROM rules_restriction WHERE ends_at <= $1
         ORDER BY ends_at, decision_id, what LIMIT $2",
    )
    .bind(now.unix_ms())
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("look for restrictions that are over"))?;
    rows.iter().map(read).collect()
}

/// The ends of an item's restrictions.
pub async fn of_item(conn: &mut AnyConnection, item: &ItemId) -> Result<Vec<Ending>, StoreError> {
    let rows = query(
        "SELECT decision_id, what, item_id, ends_at FROM rules_restriction WHERE item_id = $1 ORDER BY what, ends_at",
    )
    .bind(item.to_string())
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read when restrictions end"))?;
    rows.iter().map(read).collect()
}

/// The ends of these items' restrictions.
pub async fn of_items(conn: &mut AnyConnection, items: &[ItemId]) -> Result<Vec<Ending>, StoreError> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<String> = (1..=items.len()).map(|at| format!("${at}")).collect();
    let statement = format!(
        "SELECT decision_id, what, item_id, ends_at FROM rules_restriction WHERE item_id IN ({})",
        places.join(", ")
    );
    let mut asked = query(sqlx::AssertSqlSafe(statement));
    for item in items {
        asked = asked.bind(item.to_string());
    }
    let rows = asked
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read when restrictions of items end"))?;
    rows.iter().map(read).collect()
}

/// Forgets it: it was ended, or does not count any more. False, if another was faster.
pub async fn forget(tx: &mut Tx, ending: &Ending) -> Result<bool, StoreError> {
    let done = query("DELETE FROM rules_restriction WHERE decision_id = $1 AND what = $2")
        .bind(ending.decision.to_string())
        .bind(ending.what.as_str())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget a restriction"))?;
    Ok(done.rows_affected() > 0)
}

/// Forgets when a part of an item becomes available again: it stays as it is until somebody decides.
pub async fn forget_of(tx: &mut Tx, item: &ItemId, what: Restricted) -> Result<(), StoreError> {
    query("DELETE FROM rules_restriction WHERE item_id = $1 AND what = $2")
        .bind(item.to_string())
        .bind(what.as_str())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget when a restriction ends"))?;
    Ok(())
}

/// Forgets all ends that a decision set: it was undone.
pub async fn forget_by(tx: &mut Tx, decision: DecisionId) -> Result<(), StoreError> {
    query("DELETE FROM rules_restriction WHERE decision_id = $1")
        .bind(decision.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget when restrictions end"))?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Ending, StoreError> {
    Ok(Ending {
        decision: row.parse("decision_id")?,
        item: row.parse("item_id")?,
        what: row.parse("what")?,
        ends_at: row.time("ends_at")?,
    })
}
