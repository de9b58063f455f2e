//! Changes of the rules: who wants which version to be live, and how far that got.

use policy::compare::{Comparison, Example};
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{Backtest, Change, ChangeId, ChangeState, Timestamp};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// Keeps a new change.
pub async fn insert(tx: &mut Tx, change: &Change) -> Result<(), StoreError> {
    query(
        "INSERT INTO rules_change (id, version, base, state, note, proposed_by, proposed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(change.id.to_string())
    .bind(change.version)
    .bind(change.base)
    .bind(change.state.as_str())
    .bind(change.note.clone())
    .bind(change.proposed_by.clone())
    .bind(change.proposed_at.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep a change of the rules"))?;
    Ok(())
}

/// Writes how far a change got.
pub async fn update(tx: &mut Tx, change: &Change) -> Result<(), StoreError> {
    query(
        "UPDATE rules_change SET state = $1, backtest = $2, shadow_since = $3, decided_by = $4, decided_at = $5,
                decided_note = $6
         WHERE id = $7",
    )
    .bind(change.state.as_str())
    .bind(change.backtest.as_ref().map(|backtest| to_json(backtest).to_string()))
    .bind(change.shadow_since.map(Timestamp::unix_ms))
    .bind(change.decided_by.clone())
    .bind(change.decided_at.map(Timestamp::unix_ms))
    .bind(change.decided_note.clone())
    .bind(change.id.to_string())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("write how far a change of the rules got"))?;
    Ok(())
}

/// The change, by its id.
pub async fn find(conn: &mut AnyConnection, id: ChangeId) -> Result<Option<Change>, StoreError> {
    let row = query(
        "SELECT id, version, base, state, note, proposed_by, proposed_at, backtest, shadow_since, decided_by, decided_at,
                decided_note
         FROM rules_change WHERE id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read a change of the rules"))?;
    row.map(|row| read(&row)).transpose()
}

/// The change, locked until the transaction ends.
pub async fn find_locked(tx: &mut Tx, id: ChangeId) -> Result<Option<Change>, StoreError> {
    // A write that changes nothing takes the row's lock in both engines.
    query("UPDATE rules_change SET state = state WHERE id = $1")
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("lock a change of the rules"))?;
    find(tx.conn(), id).await
}

/// Up to `limit` changes before an id, the newest first; only those that may still become live if `open`.
pub async fn list(
    conn: &mut AnyConnection,
    before: Option<ChangeId>,
    open: bool,
    limit: i64,
) -> Result<Vec<Change>, StoreError> {
    let rows = query(
        "SELECT id, version, base, state, note, proposed_by, proposed_at, backtest, shadow_since, decided_by, decided_at,
                decided_note
         FROM rules_change
         WHERE (id < $1 OR $1 = '') AND ($2 = 0 OR state IN ('tested', 'backtested', 'shadow'))
         ORDER BY id DESC LIMIT $3",
    )
    .bind(before.map(|id| id.to_string()).unwrap_or_default())
    .bind(i64::from(open))
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read changes of the rules"))?;
    rows.iter().map(read).collect()
}

/// What was live is replaced: every change in that state.
pub async fn end_live(tx: &mut Tx) -> Result<(), StoreError> {
    query("UPDATE rules_change SET state = $1 WHERE state = $2")
        .bind(ChangeState::Replaced.as_str())
        .bind(ChangeState::Live.as_str())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("end the change that was live"))?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Change, StoreError> {
    let backtest = match row.opt_text("backtest")? {
        Some(_) => Some(of_json(&row.json("backtest")?).ok_or_else(|| damaged("backtest", "a part is missing"))?),
        None => None,
    };
    Ok(Change {
        id: row.parse("id")?,
        version: row.int("version")?,
        base: row.int("base")?,
        state: row.parse("state")?,
        note: row.text("note")?,
        proposed_by: row.text("proposed_by")?,
        proposed_at: row.time("proposed_at")?,
        backtest,
        shadow_since: row.opt_time("shadow_since")?,
        decided_by: row.opt_text("decided_by")?,
        decided_at: row.opt_time("decided_at")?,
        decided_note: row.opt_text("decided_note")?,
    })
}

/// A comparison as JSON, the same wherever it is shown.
pub fn comparison_to_json(found: &Comparison) -> Value {
    let pairs = |map: &std::collections::BTreeMap<String, (u64, u64)>, was: &str, would_be: &str| -> Vec<Value> {
        let rows = map.iter();
        rows.map(|(name, (a, b))| json!({ "name": name, was: a, would_be: b }))
            .collect()
    };
    let outcomes = found.outcomes.iter();
    let outcomes = outcomes.map(|((was, would_be), n)| json!({ "was": was, "would_be": would_be, "n": n }));
    let examples = found.examples.iter().map(|example| {
        json!({
            "place": example.place, "item": example.item, "was": example.was, "would_be": example.would_be,
            "rules": example.rules, "reason": example.reason,
        })
    });
    json!({
        "n_events": found.n_events, "n_differ": found.n_differ, "n_accounts": found.n_accounts,
        "outcomes": outcomes.collect::<Vec<_>>(),
        "queues": pairs(&found.queues, "was", "would_be"),
        "languages": pairs(&found.languages, "n_events", "n_differ"),
        "rules": pairs(&found.rules, "was", "would_be"),
        "examples": examples.collect::<Vec<_>>(),
    })
}

fn to_json(backtest: &Backtest) -> Value {
    json!({
        "base": backtest.base, "from": backtest.from.unix_ms(), "to": backtest.to.unix_ms(),
        "done_at": backtest.done_at.unix_ms(), "took_ms": backtest.took_ms, "n_forgotten": backtest.n_forgotten,
        "found": comparison_to_json(&backtest.found),
    })
}

fn of_json(json: &Value) -> Option<Backtest> {
    let time = |key: &str| json[key].as_i64().map(Timestamp::from_unix_ms);
    let found = &json["found"];
    let text = |json: &Value, key: &str| json[key].as_str().map(str::to_owned);
    let pairs = |key: &str, was: &str, would_be: &str| {
        let rows = found[key].as_array()?.iter();
        rows.map(|row| Some((text(row, "name")?, (row[was].as_u64()?, row[would_be].as_u64()?))))
            .collect::<Option<_>>()
    };
    let outcomes = found["outcomes"].as_array()?.iter();
    let outcomes = outcomes.map(|row| Some(((text(row, "was")?, text(row, "would_be")?), row["n"].as_u64()?)));
    let examples = found["examples"].as_array()?.iter().map(|row| {
        let rules = row["rules"].as_array()?.iter();
        Some(Example {
            place: row["place"].as_u64()?,
            item: text(row, "item")?,
            was: text(row, "was")?,
            would_be: text(row, "would_be")?,
            rules: rules
                .map(|rule| rule.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
            reason: text(row, "reason")?,
        })
    });
    Some(Backtest {
        base: json["base"].as_i64()?,
        from: time("from")?,
        to: time("to")?,
        done_at: time("done_at")?,
        took_ms: json["took_ms"].as_u64()?,
        n_forgotten: json["n_forgotten"].as_u64()?,
        found: Comparison {
            n_events: found["n_events"].as_u64()?,
            n_differ: found["n_differ"].as_u64()?,
            n_accounts: found["n_accounts"].as_u64()?,
            outcomes: outcomes.collect::<Option<_>>()?,
            queues: pairs("queues", "was", "would_be")?,
            languages: pairs("languages", "n_events", "n_differ")?,
            rules: pairs("rules", "was", "would_be")?,
            examples: examples.collect::<Option<_>>()?,
        },
    })
}
