//! What windows remembered after an event, in pieces that each engine takes.

use sqlx::{AnyConnection, query};

use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// Bytes of a piece.
const PIECE_BYTES: usize = 4 << 20;

/// Keeps the windows of a version after an event.
pub async fn insert(tx: &mut Tx, version: i64, seq: i64, bytes: &[u8]) -> Result<(), StoreError> {
    query("DELETE FROM rules_snapshot WHERE version = $1 AND seq = $2")
        .bind(version)
        .bind(seq)
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keep the windows"))?;
    for (idx, piece) in bytes.chunks(PIECE_BYTES).enumerate() {
        query("INSERT INTO rules_snapshot (version, seq, idx, bytes) VALUES ($1, $2, $3, $4)")
            .bind(version)
            .bind(seq)
            .bind(idx as i64)
            .bind(piece.to_vec())
            .execute(tx.conn())
            .await
            .map_err(StoreError::at("keep the windows"))?;
    }
    Ok(())
}

/// The newest event up to `to` after which the windows of a version were kept.
pub async fn newest(conn: &mut AnyConnection, version: i64, to: i64) -> Result<Option<i64>, StoreError> {
    let row = query("SELECT MAX(seq) AS seq FROM rules_snapshot WHERE version = $1 AND seq <= $2")
        .bind(version)
        .bind(to)
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("look for windows"))?;
    row.opt_int("seq")
}

/// The windows of a version after the newest event up to `to` after which they were kept, and that event. In one statement: older ones may be
/// forgotten at any time.
pub async fn read(conn: &mut AnyConnection, version: i64, to: i64) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
    let rows = query(
        "SELECT seq, bytes FROM rules_snapshot
         WHERE version = $1 AND seq = (SELECT MAX(s.seq) FROM rules_snapshot s WHERE s.version = $1 AND s.seq <= $2)
         ORDER BY idx",
    )
    .bind(version)
    .bind(to)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the windows"))?;
    let Some(first) = rows.first() else { return Ok(None) };
    let seq = first.int("seq")?;
    let mut whole = Vec::new();
    for row in &rows {
        whole.extend(row.bytes("bytes")?);
    }
    Ok(Some((seq, whole)))
}

/// Forgets all but the newest of each version, and of versions that cannot be gone back to everything.
pub async fn forget_old(tx: &mut Tx, kept_versions: i64) -> Result<(), StoreError> {
    query(
        "DELETE FROM rules_snapshot
         WHERE seq < (SELECT MAX(s.seq) FROM rules_snapshot s WHERE s.version = rules_snapshot.version)",
    )
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("forget windows"))?;
    query(
        "DELETE FROM rules_snapshot
         WHERE version < (SELECT COALESCE(MAX(number), 0) FROM rules_edition) - $1
           AND version NOT IN (SELECT live FROM rules_standing)
           AND version NOT IN (SELECT COALESCE(shadow, 0) FROM rules_standing)",
    )
    .bind(kept_versions)
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("forget windows"))?;
    Ok(())
}
