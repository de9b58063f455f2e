//! Counters whose numbers are taken in the order of commits.
//!
//! A database's own sequences hand out numbers before the commit, so that a reader who follows them by cursor can pass
//! over a row that commits late. Here the counter's row stays locked until the transaction ends.

use sqlx::{AnyConnection, query};

use super::columns::Columns;
use super::{StoreError, Tx};

/// Takes `n` numbers of the counter and returns the first.
pub async fn take(tx: &mut Tx, name: &'static str, n: usize) -> Result<i64, StoreError> {
    let row = query("UPDATE store_counter SET value = value + $1 WHERE name = $2 RETURNING value")
        .bind(n as i64)
        .bind(name)
        .fetch_one(tx.conn())
        .await
        .map_err(StoreError::at("take a number"))?;
    Ok(row.int("value")? - n as i64 + 1)
}

/// The last number that was taken by a transaction that has committed.
pub async fn current(conn: &mut AnyConnection, name: &'static str) -> Result<i64, StoreError> {
    let row = query("SELECT value FROM store_counter WHERE name = $1")
        .bind(name)
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("read a counter"))?;
    row.int("value")
}

/// An expression for the same, to stand in another statement.
pub fn value_of(name: &'static str) -> String {
    format!("(SELECT value FROM store_counter WHERE name = '{name}')")
}
