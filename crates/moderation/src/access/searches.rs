//! Searches that a person kept under a name.

use sqlx::{AnyConnection, query};

use crate::model::{Timestamp, UserId};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// The most searches of one person.
pub const SEARCHES_MAX: i64 = 50;

/// A search that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSearch {
    /// What the person calls it.
    pub name: String,
    /// What stands in the address after the question mark.
    pub query: String,
}

/// Keeps a search; one of that name is replaced. False, if the person keeps too many.
pub async fn put(tx: &mut Tx, user: UserId, search: &KeptSearch, now: Timestamp) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO access_search (user_id, name, query, created_at)
         SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT)
         WHERE (SELECT COUNT(*) FROM access_search WHERE user_id = $1 AND name <> $2) < $5
         ON CONFLICT (user_id, name) DO UPDATE SET query = excluded.query",
    )
    .bind(user.to_string())
    .bind(search.name.clone())
    .bind(search.query.clone())
    .bind(now.unix_ms())
    .bind(SEARCHES_MAX)
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep a search"))?;
    Ok(done.rows_affected() > 0)
}

/// Forgets a search.
pub async fn remove(tx: &mut Tx, user: UserId, name: &str) -> Result<(), StoreError> {
    query("DELETE FROM access_search WHERE user_id = $1 AND name = $2")
        .bind(user.to_string())
        .bind(name.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget a search"))?;
    Ok(())
}

/// The searches of a person, by name.
pub async fn list(conn: &mut AnyConnection, user: UserId) -> Result<Vec<KeptSearch>, StoreError> {
    let rows = query("SELECT name, query FROM access_search WHERE user_id = $1 ORDER BY name")
        .bind(user.to_string())
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read searches"))?;
    rows.iter()
        .map(|row| {
            Ok(KeptSearch {
                name: row.text("name")?,
                query: row.text("query")?,
            })
        })
        .collect()
}
