//! Warnings about rules that do what they did not do before, and who took note of them.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{Alarm, AlarmId, AlarmKind, Timestamp};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// Keeps an alarm.
pub async fn insert(tx: &mut Tx, alarm: &Alarm) -> Result<(), StoreError> {
    query(
        "INSERT INTO rules_alarm (id, rule, kind, detail, suspended, version, raised_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(alarm.id.to_string())
    .bind(alarm.rule.clone())
    .bind(alarm.kind.as_str())
    .bind(alarm.detail.clone())
    .bind(i64::from(alarm.is_suspended))
    .bind(alarm.version)
    .bind(alarm.raised_at.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("raise an alarm"))?;
    Ok(())
}

/// Somebody took note. False, if somebody had before, or there is no such alarm.
pub async fn see(tx: &mut Tx, id: AlarmId, by: &str, now: Timestamp) -> Result<bool, StoreError> {
    let done = query("UPDATE rules_alarm SET seen_by = $1, seen_at = $2 WHERE id = $3 AND seen_by IS NULL")
        .bind(by.to_owned())
        .bind(now.unix_ms())
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("take note of an alarm"))?;
    Ok(done.rows_affected() > 0)
}

/// Up to `limit` alarms, the newest first; only those that nobody took note of if `open`.
pub async fn list(conn: &mut AnyConnection, open: bool, limit: i64) -> Result<Vec<Alarm>, StoreError> {
    let rows = query(
        "SELECT id, rule, kind, detail, suspended, version, raised_at, seen_by, seen_at FROM rules_alarm
         WHERE ($1 = 0 OR seen_by IS NULL) ORDER BY id DESC LIMIT $2",
    )
    .bind(i64::from(open))
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read alarms"))?;
    rows.iter().map(read).collect()
}

/// Whether an alarm of a kind was raised for a rule since a moment.
pub async fn is_raised(
    conn: &mut AnyConnection,
    rule: &str,
    kind: AlarmKind,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let row = query("SELECT COUNT(*) AS n FROM rules_alarm WHERE rule = $1 AND kind = $2 AND raised_at >= $3")
        .bind(rule.to_owned())
        .bind(kind.as_str())
        .bind(since.unix_ms())
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("look for an alarm"))?;
    Ok(row.int("n")? > 0)
}

/// How many alarms nobody took note of.
pub async fn n_open(conn: &mut AnyConnection) -> Result<i64, StoreError> {
    let row = query("SELECT COUNT(*) AS n FROM rules_alarm WHERE seen_by IS NULL")
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("count alarms"))?;
    row.int("n")
}

fn read(row: &AnyRow) -> Result<Alarm, StoreError> {
    let seen = match (row.opt_text("seen_by")?, row.opt_time("seen_at")?) {
        (Some(by), Some(at)) => Some((by, at)),
        (None, None) => None,
        (_, _) => return Err(damaged("seen_by", "by nobody, or never")),
    };
    Ok(Alarm {
        id: row.parse("id")?,
        rule: row.text("rule")?,
        kind: row.parse("kind")?,
        detail: row.text("detail")?,
        is_suspended: row.flag("suspended")?,
        version: row.int("version")?,
        raised_at: row.time("raised_at")?,
        seen,
    })
}
