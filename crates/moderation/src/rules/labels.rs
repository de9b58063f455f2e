//! Labels on accounts and channels: who set them, why, and until when.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{Label, LabelOn, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// Sets a label, as a person wants it: one that is there already gets the new end and reason.
pub async fn set(tx: &mut Tx, label: &Label) -> Result<(), StoreError> {
    put(tx, label, false).await.map(|_| ())
}

/// Sets a label, as a rule wants it: one that is there already is only ever made to last longer, whoever set it. False, if it lasts as long as it is.
pub async fn prolong(tx: &mut Tx, label: &Label) -> Result<bool, StoreError> {
    put(tx, label, true).await
}

async fn put(tx: &mut Tx, label: &Label, only_longer: bool) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO rules_label (subject_kind, subject, label, until_at, set_by, reason, set_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (subject_kind, subject, label) DO UPDATE SET
            until_at = excluded.until_at, set_by = excluded.set_by, reason = excluded.reason, set_at = excluded.set_at
         WHERE $8 = 0 OR (rules_label.until_at IS NOT NULL
                          AND (excluded.until_at IS NULL OR excluded.until_at > rules_label.until_at))",
    )
    .bind(label.on.as_str())
    .bind(label.subject.clone())
    .bind(label.label.clone())
    .bind(label.until.map(Timestamp::unix_ms))
    .bind(label.set_by.clone())
    .bind(label.reason.clone())
    .bind(label.set_at.unix_ms())
    .bind(i64::from(only_longer))
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("set a label"))?;
    Ok(done.rows_affected() > 0)
}

/// Takes a label away. False, if it was not there.
pub async fn remove(tx: &mut Tx, on: LabelOn, subject: &str, label: &str) -> Result<bool, StoreError> {
    let done = query("DELETE FROM rules_label WHERE subject_kind = $1 AND subject = $2 AND label = $3")
        .bind(on.as_str())
        .bind(subject.to_owned())
        .bind(label.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("take a label away"))?;
    Ok(done.rows_affected() > 0)
}

/// The labels of one account or channel in force at a moment, by their names.
pub async fn in_force(
    conn: &mut AnyConnection,
    on: LabelOn,
    subject: &str,
    now: Timestamp,
) -> Result<Vec<Label>, StoreError> {
    let rows = query(
        "SELECT subject_kind, subject, label, until_at, set_by, reason, set_at FROM rules_label
         WHERE subject_kind = $1 AND subject = $2 AND (until_at IS NULL OR until_at > $3) ORDER BY label LIMIT $4",
    )
    .bind(on.as_str())
    .bind(subject.to_owned())
    .bind(now.unix_ms())
    .bind(Label::N_MAX as i64)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read labels"))?;
    rows.iter().map(read).collect()
}

/// Up to `limit` labels in force after a place, by what carries them. With a label's name only those of that name.
pub async fn list(
    conn: &mut AnyConnection,
    label: Option<&str>,
    after: Option<(&str, &str, &str)>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Label>, StoreError> {
    let (kind, subject, name) = after.unwrap_or(("", "", ""));
    let rows = query(
        "SELECT subject_kind, subject, label, until_at, set_by, reason, set_at FROM rules_label
         WHERE (label = $1 OR $1 = '') AND (subject_kind, subject, label) > ($2, $3, $4)
           AND (until_at IS NULL OR until_at > $5)
         ORDER BY subject_kind, subject, label LIMIT $6",
    )
    .bind(label.unwrap_or_default().to_owned())
    .bind(kind.to_owned())
    .bind(subject.to_owned())
    .bind(name.to_owned())
    .bind(now.unix_ms())
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read labels"))?;
    rows.iter().map(read).collect()
}

/// Forgets labels that ended before a moment.
pub async fn forget_ended(tx: &mut Tx, before: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM rules_label WHERE until_at < $1")
        .bind(before.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget labels"))?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Label, StoreError> {
    Ok(Label {
        on: row.parse("subject_kind")?,
        subject: row.text("subject")?,
        label: row.text("label")?,
        until: row.opt_time("until_at")?,
        set_by: row.text("set_by")?,
        reason: row.text("reason")?,
        set_at: row.time("set_at")?,
    })
}
