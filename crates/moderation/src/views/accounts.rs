//! What is known of an account's past: its strikes, what was restricted of it, and how much of that was reversed.

use sqlx::{AnyConnection, query};

use super::ViewError;
use crate::Seawall;
use crate::model::{AccountHistory, Actor, PastDecision, Right, Timestamp};
use crate::store::StoreError;
use crate::store::columns::Columns;

/// The most decisions of an account that are looked at, the newest. Of more, the older ones count no more.
const DECISIONS_MAX: i64 = 2_000;

/// The past of an account. Numbers, and the items that strikes were given for: who reads cases may know of them.
pub async fn account_history(app: &Seawall, actor: &Actor, account: &str) -> Result<AccountHistory, ViewError> {
    actor.require(Right::ReadCases)?;
    let mut conn = app.store.reader().await?;
    Ok(history(app, &mut conn, account, app.clock.now()).await?)
}

/// The same, for what the platform is told with an order.
pub(crate) async fn history(
    app: &Seawall,
    conn: &mut AnyConnection,
    account: &str,
    now: Timestamp,
) -> Result<AccountHistory, StoreError> {
    let rows = query(
        "SELECT id, item_id, outcome, policy, author_kind, facts, decided_at, ordinal FROM (
             SELECT d.id, d.item_id, d.outcome, d.policy, d.author_kind, d.decided_at, d.ordinal,
                    CASE WHEN d.facts LIKE '%\"undoes\"%' OR d.facts LIKE '%\"ended\"%' THEN d.facts ELSE '{}' END AS facts
             FROM items_item i JOIN decisions_decision d ON d.item_id = i.id
             WHERE i.account = $1 ORDER BY d.id DESC LIMIT $2) AS newest
         ORDER BY item_id, ordinal",
    )
    .bind(account.to_owned())
    .bind(DECISIONS_MAX)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read what was decided on an account's items"))?;
    let mut decisions = Vec::with_capacity(rows.len());
    for row in &rows {
        let facts = row.json("facts")?;
        decisions.push(PastDecision {
            id: row.parse("id")?,
            item: row.parse("item_id")?,
            outcome: row.parse("outcome")?,
            policy: row.opt_parse("policy")?,
            by_person: row.text("author_kind")? == "person",
            undoes: facts["undoes"].as_str().and_then(|id| id.parse().ok()),
            is_end: facts["ended"].is_object(),
            at: row.time("decided_at")?,
        });
    }
    Ok(app.settings.strikes.history(&decisions, now))
}
