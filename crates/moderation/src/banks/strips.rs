//! The strips of entries that came as videos: small pictures in the order of time, to be held against those of what was posted. They are kept as long as
//! the entry is in its bank.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{EntryId, NewStripPicture, StripPlace};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// Keeps the strip of a new entry.
pub async fn insert_strip(tx: &mut Tx, entry: EntryId, strip: Vec<NewStripPicture>) -> Result<(), StoreError> {
    for (idx, picture) in strip.into_iter().enumerate() {
        query("INSERT INTO banks_strip (entry_id, idx, at_ms, small, blurred) VALUES ($1, $2, $3, $4, $5)")
            .bind(entry.to_string())
            .bind(idx as i64)
            .bind(i64::from(picture.at_ms))
            .bind(picture.small)
            .bind(picture.blurred)
            .execute(tx.conn())
            .await
            .map_err(StoreError::at("keep the strip of an entry"))?;
    }
    Ok(())
}

/// Which pictures there are of an entry.
pub async fn strip_places(conn: &mut AnyConnection, entry: EntryId) -> Result<Vec<StripPlace>, StoreError> {
    let rows = query("SELECT idx, at_ms FROM banks_strip WHERE entry_id = $1 ORDER BY idx")
        .bind(entry.to_string())
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read the strip of an entry"))?;
    rows.iter().map(read_place).collect()
}

/// A row's place in its strip.
pub fn read_place(row: &AnyRow) -> Result<StripPlace, StoreError> {
    Ok(StripPlace {
        idx: row.number("idx")?,
        at_ms: row.number("at_ms")?,
    })
}

/// A picture of an entry's strip (JPEG), blurred or as it is.
pub async fn strip_picture(
    conn: &mut AnyConnection,
    entry: EntryId,
    idx: u32,
    is_blurred: bool,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = query(
        "SELECT CASE WHEN $1 = 1 THEN blurred ELSE small END AS bytes FROM banks_strip WHERE entry_id = $2 AND idx = $3",
    )
    .bind(i64::from(is_blurred))
    .bind(entry.to_string())
    .bind(i64::from(idx))
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read a picture of an entry's strip"))?;
    row.map(|row| row.bytes("bytes")).transpose()
}

/// Forgets the strips of all entries of a bank that are removed; an empty text stands for all banks.
pub(super) async fn forget_strips_of_removed(tx: &mut Tx, bank: &str) -> Result<(), StoreError> {
    query(
        "DELETE FROM banks_strip WHERE entry_id IN
         (SELECT id FROM banks_entry WHERE state = 'removed' AND ($1 = '' OR bank_id = $2))",
    )
    .bind(bank.to_owned())
    .bind(bank.to_owned())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("forget the strips of removed entries"))?;
    Ok(())
}

/// Forgets the strip of an entry.
pub(super) async fn forget_strip(tx: &mut Tx, entry: EntryId) -> Result<(), StoreError> {
    query("DELETE FROM banks_strip WHERE entry_id = $1")
        .bind(entry.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget the strip of an entry"))?;
    Ok(())
}
