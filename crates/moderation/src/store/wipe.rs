//! Everything is forgotten: all rows of all tables that the migrations make, for servers that are there to be tried out.
//!
//! Like a backup it touches the tables of all rooms and names none of them. The tables themselves stay, and so do the first
//! rows that migrations put into them.

use sqlx::{AssertSqlSafe, query};

use super::{StoreError, Tx, migrate};

/// The tables whose rows came with the migrations: they are set back, not emptied.
const KEPT_TABLES: [&str; 2] = ["store_counter", "store_chain"];

/// Empties the store. The counters begin again, but for the one that is named: what follows it would lose its place.
pub async fn empty(tx: &mut Tx, kept_counter: &'static str) -> Result<(), StoreError> {
    let at = StoreError::at("empty the store");
    for table in migrate::tables() {
        if KEPT_TABLES.contains(&table.name.as_str()) {
            continue;
        }
        query(AssertSqlSafe(format!("DELETE FROM {}", table.name)))
            .execute(tx.conn())
            .await
            .map_err(&at)?;
    }
    query("UPDATE store_counter SET value = 0 WHERE name <> $1")
        .bind(kept_counter)
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    query("UPDATE store_chain SET seq = 0, hash = $1 WHERE id = 1")
        .bind("0".repeat(64))
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    Ok(())
}
