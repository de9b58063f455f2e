//! Re-checks: what was found when it was asked again whether the platform did what it confirmed. The results are kept.

use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use super::probe::ProbeSettings;
use crate::model::{Action, ActionId, ItemId, Recheck};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// How it is found out whether what the platform confirmed is so.
#[derive(Debug, Clone)]
pub struct RecheckSettings {
    /// How.
    pub how: HowRechecked,
    /// How long after the platform confirmed, each time.
    pub after: Vec<Duration>,
}

/// How it is found out whether what the platform confirmed is so.
#[derive(Debug, Clone)]
pub enum HowRechecked {
    /// Not at all.
    Not,
    /// The platform is asked, by a signed question at its webhook.
    Ask,
    /// It is looked from outside whether the item is there. Only orders about the item itself can be re-checked so.
    Probe(ProbeSettings),
}

impl Default for RecheckSettings {
    fn default() -> Self {
        Self {
            how: HowRechecked::Not,
            after: [60, 3_600, 86_400].map(Duration::from_secs).to_vec(),
        }
    }
}

/// Keeps what was found.
pub async fn insert(tx: &mut Tx, recheck: &Recheck) -> Result<(), StoreError> {
    query("INSERT INTO actions_recheck (action_id, run, n, checked_at, found, detail) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(recheck.action.to_string())
        .bind(i64::from(recheck.run))
        .bind(i64::from(recheck.n))
        .bind(recheck.at.unix_ms())
        .bind(recheck.found.as_str())
        .bind(recheck.detail.clone())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keep a re-check"))?;
    Ok(())
}

/// All re-checks of an action, oldest first.
pub async fn of_action(conn: &mut AnyConnection, action: ActionId) -> Result<Vec<Recheck>, StoreError> {
    let rows = query(
        "SELECT action_id, run, n, checked_at, found, detail FROM actions_recheck WHERE action_id = $1 ORDER BY run, n",
    )
    .bind(action.to_string())
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the re-checks of an action"))?;
    rows.iter().map(read).collect()
}

/// All re-checks of orders about an item, oldest first.
pub async fn of_item(conn: &mut AnyConnection, item: &ItemId, limit: i64) -> Result<Vec<Recheck>, StoreError> {
    let rows = query(
        "SELECT r.action_id, r.run, r.n, r.checked_at, r.found, r.detail
         FROM actions_recheck r JOIN actions_action a ON a.id = r.action_id
         WHERE a.item_id = $1 ORDER BY a.ordinal DESC, r.run DESC, r.n DESC LIMIT $2",
    )
    .bind(item.to_string())
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the re-checks of an item"))?;
    rows.iter().rev().map(read).collect()
}

/// Whether something else was ordered of the same part of the item since and has left, or the item lets others restrict it: then the order says nothing any more.
pub async fn is_replaced(conn: &mut AnyConnection, action: &Action) -> Result<bool, StoreError> {
    let row = query(
        "SELECT COUNT(*) AS n FROM actions_action a
         WHERE a.item_id = $1 AND a.what = $3 AND (a.what NOT IN ('label', 'service') OR a.scope = $4)
           AND ((a.id = $2 AND a.let_go = 1)
                OR (a.state NOT IN ('refused', 'withdrawn') AND (a.held_until IS NULL OR a.started_at IS NOT NULL)
                    AND a.ordinal > (SELECT b.ordinal FROM actions_action b WHERE b.id = $2)))",
    )
    .bind(action.item.to_string())
    .bind(action.id.to_string())
    .bind(action.what.as_str())
    .bind(action.scope.clone())
    .fetch_one(conn)
    .await
    .map_err(StoreError::at("look for a later order"))?;
    Ok(row.int("n")? > 0)
}

fn read(row: &AnyRow) -> Result<Recheck, StoreError> {
    Ok(Recheck {
        action: row.parse("action_id")?,
        run: row.number("run")?,
        n: row.number("n")?,
        at: row.time("checked_at")?,
        found: row.parse("found")?,
        detail: row.text("detail")?,
    })
}
