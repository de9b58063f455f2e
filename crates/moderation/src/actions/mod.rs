//! Actions: what was ordered from the platform, how it is told, and what it answered.
//!
//! Owns the tables `actions_*`. It must never decide. [`webhook`] speaks to the platform; [`backoff`] says when to try
//! again; [`mail`] to people; [`rechecks`] and [`probe`] find out whether what was confirmed is so. Orders about one item are delivered one after the other, so that a restore never overtakes its restrict.

pub mod address;
pub mod backoff;
pub mod mail;
pub mod probe;
pub mod rechecks;
pub mod webhook;
mod withdrawn;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{Action, ActionId, ActionKind, ActionState, DecisionId, ItemId, QueueSet, Restricted, Timestamp};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx, Within};

pub use withdrawn::{cancel_out, carried_out, has_left, is_restricted_since, let_go_by, withdraw, withdraw_one};

/// An action, and since when it has been tried without a person asking for it anew.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The action.
    pub action: Action,
    /// When the present run of attempts began; while there was none, when it was ordered or a person had it retried.
    pub trying_since: Timestamp,
}

/// Keeps a new action, of a restriction of an account with whom it restricts. The item's row must be locked: orders about one item are numbered
/// in the order of their commits.
pub async fn insert(tx: &mut Tx, action: &Action, account: Option<&str>) -> Result<(), StoreError> {
    query(
        "INSERT INTO actions_action (id, item_id, kind, what, scope, until_at, decision_id, account, state, attempts, trying_since, ordered_at, held_until, ordinal)
         VALUES ($1, $2, $3, $6, $10, $7, $4, $8, 'waiting', 0, $5, $5, $9,
                 (SELECT COALESCE(MAX(ordinal), 0) + 1 FROM actions_action WHERE item_id = $2))",
    )
    .bind(action.id.to_string())
    .bind(action.item.to_string())
    .bind(action.kind.as_str())
    .bind(action.decision.to_string())
    .bind(action.ordered_at.unix_ms())
    .bind(action.what.as_str())
    .bind(action.until.map(Timestamp::unix_ms))
    .bind(account.map(str::to_owned))
    .bind(action.held_until.map(Timestamp::unix_ms))
    .bind(action.scope.clone())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("order an action"))?;
    Ok(())
}

/// Writes how far an action got.
pub async fn update(tx: &mut Tx, tried: &Tried) -> Result<(), StoreError> {
    let action = &tried.action;
    let (next_at, answer, detail, settled_at) = match &action.state {
        ActionState::Waiting => (None, None, None, None),
        ActionState::Retrying { error, next_at } => (Some(next_at.unix_ms()), None, Some(error.clone()), None),
        ActionState::Dead { error } => (None, None, Some(error.clone()), None),
        ActionState::Confirmed { answer, at } => (None, Some(answer.as_str()), None, Some(at.unix_ms())),
        ActionState::Refused { at, detail } => (None, None, Some(detail.clone()), Some(at.unix_ms())),
        ActionState::Withdrawn { at } => (None, None, None, Some(at.unix_ms())),
        ActionState::Doubtful { answer, at, .. } => (None, Some(answer.as_str()), None, Some(at.unix_ms())),
    };
    let found = match &action.state {
        ActionState::Doubtful { found, .. } => Some(found.as_str()),
        ActionState::Waiting
        | ActionState::Retrying { .. }
        | ActionState::Dead { .. }
        | ActionState::Confirmed { .. }
        | ActionState::Refused { .. }
        | ActionState::Withdrawn { .. } => None,
    };
    query(
        "UPDATE actions_action SET state = $1, attempts = $2, trying_since = $3, next_at = $4, answer = $5, detail = $6,
                settled_at = $7, run = $9, found = $10
         WHERE id = $8",
    )
    .bind(action.state.as_str())
    .bind(i64::from(action.attempts))
    .bind(tried.trying_since.unix_ms())
    .bind(next_at)
    .bind(answer)
    .bind(detail)
    .bind(settled_at)
    .bind(action.id.to_string())
    .bind(i64::from(action.run))
    .bind(found)
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("write how far an action got"))?;
    Ok(())
}

/// It leaves now: from here on it cannot be taken back. False, if it was taken back before. Of this and [`withdraw`] exactly one comes first.
pub async fn start(tx: &mut Tx, id: ActionId, now: Timestamp) -> Result<bool, StoreError> {
    let done = query(
        "UPDATE actions_action SET started_at = COALESCE(started_at, $1)
         WHERE id = $2 AND state IN ('waiting', 'retrying')",
    )
    .bind(now.unix_ms())
    .bind(id.to_string())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("begin a delivery"))?;
    Ok(done.rows_affected() == 1)
}

/// The action, by its id.
pub async fn find(conn: &mut AnyConnection, id: ActionId) -> Result<Option<Tried>, StoreError> {
    let row = query(
        "SELECT id, item_id, kind, what, scope, until_at, decision_id, state, attempts, trying_since, next_at, answer, detail, ordered_at, settled_at,
                held_until, run, found
         FROM actions_action WHERE id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read an action"))?;
    row.map(|row| {
        Ok(Tried {
            action: read(&row)?,
            trying_since: row.time("trying_since")?,
        })
    })
    .transpose()
}

/// The newest `limit` actions on an item, oldest first.
pub async fn list_of_item(conn: &mut AnyConnection, item: &ItemId, limit: i64) -> Result<Vec<Action>, StoreError> {
    let rows = query(
        "SELECT id, item_id, kind, what, scope, until_at, decision_id, state, attempts, next_at, answer, detail, ordered_at, settled_at,
                held_until, run, found
         FROM actions_action WHERE item_id = $1 ORDER BY ordinal DESC LIMIT $2",
    )
    .bind(item.to_string())
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the actions on an item"))?;
    rows.iter().rev().map(read).collect()
}

/// The order about the item before `action` that is still being tried, if there is one. One about something else of it that is held for longer is not waited for.
pub async fn unfinished_before(conn: &mut AnyConnection, action: &Action) -> Result<Option<ActionId>, StoreError> {
    let row = query(
        "SELECT id FROM actions_action
         WHERE item_id = $1 AND state IN ('waiting', 'retrying')
           AND ordinal < (SELECT ordinal FROM actions_action WHERE id = $2)
           AND (what = $3 OR held_until IS NULL OR started_at IS NOT NULL
                OR held_until <= (SELECT held_until FROM actions_action WHERE id = $2))
         ORDER BY ordinal LIMIT 1",
    )
    .bind(action.item.to_string())
    .bind(action.id.to_string())
    .bind(action.what.as_str())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("look for an earlier order"))?;
    row.map(|row| row.parse("id")).transpose()
}

/// The order about the item that comes next after `action` and is still being tried, if there is one, and until when it is held.
pub async fn unfinished_after(
    conn: &mut AnyConnection,
    action: &Action,
) -> Result<Option<(ActionId, Option<Timestamp>)>, StoreError> {
    let row = query(
        "SELECT id, held_until FROM actions_action
         WHERE item_id = $1 AND state IN ('waiting', 'retrying')
           AND ordinal > (SELECT ordinal FROM actions_action WHERE id = $2)
         ORDER BY ordinal LIMIT 1",
    )
    .bind(action.item.to_string())
    .bind(action.id.to_string())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("look for a later order"))?;
    row.map(|row| Ok((row.parse("id")?, row.opt_time("held_until")?)))
        .transpose()
}

/// Whether the same of the item was ordered after `action`.
pub async fn is_followed(conn: &mut AnyConnection, action: &Action) -> Result<bool, StoreError> {
    let row = query(
        "SELECT COUNT(*) AS n FROM actions_action
         WHERE item_id = $1 AND what = $3 AND (what NOT IN ('label', 'service') OR scope = $4)
           AND state <> 'withdrawn' AND ordinal > (SELECT ordinal FROM actions_action WHERE id = $2)",
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

/// The order that the platform was last given about an item, or a part of what belongs to it, and did not refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingOrder {
    /// What was ordered.
    pub kind: ActionKind,
    /// Of what.
    pub what: Restricted,
    /// In which countries, with which label, which service.
    pub scope: String,
    /// Until when, as the platform was told.
    pub until: Option<Timestamp>,
    /// No answer ever came, or one that a re-check doubts: it may have been carried out or not.
    pub given_up: bool,
}

impl StandingOrder {
    /// Whether the platform was told to restrict it, and nobody has to tell it again.
    pub fn is_in_force(&self) -> bool {
        self.kind == ActionKind::Restrict && !self.given_up
    }
}

/// What was last ordered about the item itself and all that belongs to it: what should be restricted now. What the platform refused changed nothing.
pub async fn standing_orders(conn: &mut AnyConnection, item: &ItemId) -> Result<Vec<StandingOrder>, StoreError> {
    let rows = query(
        "SELECT a.kind, a.what, a.scope, a.until_at, a.state, a.let_go FROM actions_action a WHERE a.item_id = $1 AND a.state NOT IN ('refused', 'withdrawn')
           AND a.ordinal = (SELECT MAX(b.ordinal) FROM actions_action b
                            WHERE b.item_id = a.item_id AND b.what = a.what AND b.state NOT IN ('refused', 'withdrawn'))
         ORDER BY a.ordinal",
    )
    .bind(item.to_string())
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the last orders about an item"))?;
    rows.iter()
        .map(|row| {
            // What it let go of it restricts no more, though another item does and the platform was told nothing.
            let kind = match row.int("let_go")? {
                0 => row.parse("kind")?,
                _ => ActionKind::Restore,
            };
            Ok(StandingOrder {
                kind,
                what: row.parse("what")?,
                scope: row.text("scope")?,
                until: row.opt_time("until_at")?,
                given_up: matches!(row.text("state")?.as_str(), "dead" | "doubtful"),
            })
        })
        .collect()
}

/// What is restricted of each of these items, and by it; in no order.
pub async fn restricted_of(
    conn: &mut AnyConnection,
    items: &[ItemId],
) -> Result<Vec<(ItemId, Restricted, String)>, StoreError> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<String> = (1..=items.len()).map(|at| format!("${at}")).collect();
    let statement = format!(
        "SELECT a.item_id, a.what, a.scope FROM actions_action a
         WHERE a.item_id IN ({}) AND a.kind = 'restrict' AND a.let_go = 0 AND a.state NOT IN ('refused', 'withdrawn')
           AND a.ordinal = (SELECT MAX(b.ordinal) FROM actions_action b
                            WHERE b.item_id = a.item_id AND b.what = a.what AND b.state NOT IN ('refused', 'withdrawn'))",
        places.join(", ")
    );
    let mut asked = query(sqlx::AssertSqlSafe(statement));
    for item in items {
        asked = asked.bind(item.to_string());
    }
    let rows = asked
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read what is restricted of items"))?;
    rows.iter()
        .map(|row| Ok((row.parse("item_id")?, row.parse("what")?, row.text("scope")?)))
        .collect()
}

/// A way in which an account is restricted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The account.
    pub account: String,
    /// What of it.
    pub what: Restricted,
    /// Which service.
    pub scope: String,
}

/// Whom the item restricts in this way, if it restricts an account so.
pub async fn held_account(
    conn: &mut AnyConnection,
    item: &ItemId,
    what: Restricted,
) -> Result<Option<String>, StoreError> {
    let row = query(
        "SELECT a.account FROM actions_action a
         WHERE a.item_id = $1 AND a.what = $2 AND a.kind = 'restrict' AND a.state NOT IN ('refused', 'withdrawn')
         ORDER BY a.ordinal DESC LIMIT 1",
    )
    .bind(item.to_string())
    .bind(what.as_str())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read whom an item restricts"))?;
    row.map_or(Ok(None), |row| row.opt_text("account"))
}

/// Whether another item restricts the account in the same way, too.
pub async fn is_held_by_another(conn: &mut AnyConnection, held: &Held, item: &ItemId) -> Result<bool, StoreError> {
    let row = query(
        "SELECT a.id FROM actions_action a
         WHERE a.account = $1 AND a.item_id <> $2 AND a.what = $3 AND a.scope = $4 AND a.kind = 'restrict' AND a.let_go = 0
           AND a.state NOT IN ('refused', 'withdrawn')
           AND (a.held_until IS NULL OR a.started_at IS NOT NULL)
           AND a.ordinal = (SELECT MAX(b.ordinal) FROM actions_action b
                            WHERE b.item_id = a.item_id AND b.what = a.what AND b.state NOT IN ('refused', 'withdrawn'))
         LIMIT 1",
    )
    .bind(held.account.clone())
    .bind(item.to_string())
    .bind(held.what.as_str())
    .bind(held.scope.clone())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("look who else restricts an account"))?;
    Ok(row.is_some())
}

/// The item restricts the account in this way no more, and the platform is told nothing, because another item does.
pub async fn let_go_of_account(
    tx: &mut Tx,
    item: &ItemId,
    (what, scope): (Restricted, &str),
    decision: DecisionId,
) -> Result<(), StoreError> {
    query(
        "UPDATE actions_action SET let_go = 1, let_go_by = $2
         WHERE item_id = $1 AND what = $3 AND scope = $4 AND kind = 'restrict' AND let_go = 0",
    )
    .bind(item.to_string())
    .bind(decision.to_string())
    .bind(what.as_str())
    .bind(scope.to_owned())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("let go of an account"))?;
    Ok(())
}

/// Restrictions of a part of the item that are held for longer than until `latest` are held until `until` only: which ones.
pub async fn hold_no_longer(
    tx: &mut Tx,
    item: &ItemId,
    what: Restricted,
    latest: Timestamp,
    until: Option<Timestamp>,
) -> Result<Vec<ActionId>, StoreError> {
    let rows = query(
        "UPDATE actions_action SET held_until = $1
         WHERE item_id = $2 AND what = $3 AND kind = 'restrict' AND state = 'waiting' AND started_at IS NULL AND held_until > $4
         RETURNING id",
    )
    .bind(until.map(Timestamp::unix_ms))
    .bind(item.to_string())
    .bind(what.as_str())
    .bind(latest.unix_ms())
    .fetch_all(tx.conn())
    .await
    .map_err(StoreError::at("let an order leave sooner"))?;
    rows.iter().map(|row| row.parse("id")).collect()
}

/// An order that frees an account stays here, because another item restricts the account by now: the item lets go of it, and the platform is told nothing more. Says
/// whether the order was still to leave.
pub async fn let_others_restrict(tx: &mut Tx, action: &Action, now: Timestamp) -> Result<bool, StoreError> {
    let done = query(
        "UPDATE actions_action SET state = 'withdrawn', settled_at = $1 WHERE id = $2 AND state IN ('waiting', 'retrying')",
    )
    .bind(now.unix_ms())
    .bind(action.id.to_string())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("take an order back"))?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let_go_of_account(tx, &action.item, (action.what, &action.scope), action.decision).await?;
    Ok(true)
}

/// The item restricts again what a decision let go of without an order: what that is, as it was last ordered.
pub async fn hold_account_again(tx: &mut Tx, decision: DecisionId) -> Result<Vec<StandingOrder>, StoreError> {
    let at = StoreError::at("restrict an account again");
    let rows = query(
        "UPDATE actions_action SET let_go = 0, let_go_by = NULL WHERE let_go_by = $1
         RETURNING kind, what, scope, until_at, ordinal",
    )
    .bind(decision.to_string())
    .fetch_all(tx.conn())
    .await
    .map_err(&at)?;
    let mut again: Vec<(i64, StandingOrder)> = Vec::with_capacity(rows.len());
    for row in &rows {
        let order = StandingOrder {
            kind: row.parse("kind")?,
            what: row.parse("what")?,
            scope: row.text("scope")?,
            until: row.opt_time("until_at")?,
            given_up: false,
        };
        again.push((row.int("ordinal")?, order));
    }
    again.sort_by_key(|(ordinal, _)| std::cmp::Reverse(*ordinal));
    let mut latest: Vec<StandingOrder> = Vec::new();
    for (_, order) in again {
        if latest.iter().all(|later| later.what != order.what) {
            latest.push(order);
        }
    }
    Ok(latest)
}

/// Up to `limit` actions ordered before `before`, newest first: of one state, of all states that are still being tried
/// (`unfinished`), or of all; on items that are reached by who works on these queues.
pub async fn list(
    conn: &mut AnyConnection,
    state: Option<&str>,
    before: Option<ActionId>,
    limit: i64,
    queues: &QueueSet,
    within: Within,
) -> Result<Vec<Action>, StoreError> {
    let reached = within("actions_action.item_id", "$4");
    let statement = format!(
        "SELECT id, item_id, kind, what, scope, until_at, decision_id, state, attempts, next_at, answer, detail, ordered_at, settled_at,
                held_until, run, found
         FROM actions_action
         WHERE (state = $1 OR $1 = '' OR ($1 = 'unfinished' AND state IN ('waiting', 'retrying'))) AND (id < $2 OR $2 = '')
           AND {reached} ORDER BY id DESC LIMIT $3"
    );
    let rows = query(sqlx::AssertSqlSafe(statement))
        .bind(state.unwrap_or_default().to_owned())
        .bind(before.map(|id| id.to_string()).unwrap_or_default())
        .bind(limit)
        .bind(queues.to_string())
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read actions"))?;
    rows.iter().map(read).collect()
}

/// An action from a row that has the action's columns under their own names.
pub fn read(row: &AnyRow) -> Result<Action, StoreError> {
    let state = match row.text("state")?.as_str() {
        "waiting" => ActionState::Waiting,
        "retrying" => ActionState::Retrying {
            error: row.text("detail")?,
            next_at: row.time("next_at")?,
        },
        "dead" => ActionState::Dead {
            error: row.text("detail")?,
        },
        "confirmed" => ActionState::Confirmed {
            answer: row.parse("answer")?,
            at: row.time("settled_at")?,
        },
        "refused" => ActionState::Refused {
            at: row.time("settled_at")?,
            detail: row.text("detail")?,
        },
        "withdrawn" => ActionState::Withdrawn {
            at: row.time("settled_at")?,
        },
        "doubtful" => ActionState::Doubtful {
            answer: row.parse("answer")?,
            found: row.parse("found")?,
            at: row.time("settled_at")?,
        },
        other => return Err(damaged("state", format!("`{other}` is not a state of an action"))),
    };
    Ok(Action {
        id: row.parse("id")?,
        item: row.parse("item_id")?,
        kind: row.parse("kind")?,
        what: row.parse("what")?,
        scope: row.text("scope")?,
        until: row.opt_time("until_at")?,
        decision: row.parse("decision_id")?,
        state,
        attempts: row.number("attempts")?,
        ordered_at: row.time("ordered_at")?,
        held_until: row.opt_time("held_until")?,
        run: row.number("run")?,
    })
}
