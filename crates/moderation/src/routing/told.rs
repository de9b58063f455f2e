//! What somebody was told already, so that nothing is told twice: a warning about a case, a time at which nobody is on shift.

use sqlx::query;

use crate::model::Timestamp;
use crate::store::columns::Columns;
use crate::store::{AnyConnection, StoreError, Tx};

/// Notes that something is told; `false` if it was before.
pub async fn note(tx: &mut Tx, what: &str, now: Timestamp) -> Result<bool, StoreError> {
    let done = query("INSERT INTO routing_told (what, told_at) VALUES ($1, $2) ON CONFLICT (what) DO NOTHING")
        .bind(what.to_owned())
        .bind(now.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("note what was told"))?;
    Ok(done.rows_affected() == 1)
}

/// Whether it was told.
pub async fn was(conn: &mut AnyConnection, what: &str) -> Result<bool, StoreError> {
    let row = query("SELECT COUNT(*) AS n FROM routing_told WHERE what = $1")
        .bind(what.to_owned())
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("look what was told"))?;
    Ok(row.int("n")? > 0)
}

/// Forgets what was told before.
pub async fn forget_before(tx: &mut Tx, before: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM routing_told WHERE told_at < $1")
        .bind(before.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget what was told"))?;
    Ok(())
}
