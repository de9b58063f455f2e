//! The texts of items in other languages.

use sqlx::{AnyConnection, query};

use crate::model::{ItemId, Translation};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// Keeps a translation of an item's revision, in the place of the one into the same language.
pub async fn put_translation(
    tx: &mut Tx,
    item: &ItemId,
    revision: i64,
    translation: &Translation,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO items_translation (item_id, revision, language, text, translator, at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (item_id, revision, language) DO UPDATE SET text = excluded.text, translator = excluded.translator, at = excluded.at",
    )
    .bind(item.to_string())
    .bind(revision)
    .bind(translation.language.clone())
    .bind(translation.text.clone())
    .bind(translation.translator.clone())
    .bind(translation.at.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep a translation"))?;
    Ok(())
}

/// Forgets the translation into a language. Says whether there was one.
pub async fn remove_translation(tx: &mut Tx, item: &ItemId, revision: i64, language: &str) -> Result<bool, StoreError> {
    let done = query("DELETE FROM items_translation WHERE item_id = $1 AND revision = $2 AND language = $3")
        .bind(item.to_string())
        .bind(revision)
        .bind(language.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget a translation"))?;
    Ok(done.rows_affected() > 0)
}

/// Forgets the translations of an item's earlier revisions: they say what is not there any more.
pub(super) async fn forget_before(tx: &mut Tx, item: &ItemId, revision: i64) -> Result<(), StoreError> {
    query("DELETE FROM items_translation WHERE item_id = $1 AND revision < $2")
        .bind(item.to_string())
        .bind(revision)
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget translations"))?;
    Ok(())
}

/// The translations of an item's revision, by language.
pub async fn translations(
    conn: &mut AnyConnection,
    item: &ItemId,
    revision: i64,
) -> Result<Vec<Translation>, StoreError> {
    let rows = query(
        "SELECT language, text, translator, at FROM items_translation WHERE item_id = $1 AND revision = $2 ORDER BY language",
    )
    .bind(item.to_string())
    .bind(revision)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read translations"))?;
    let read = |row: &sqlx::any::AnyRow| {
        Ok(Translation {
            language: row.text("language")?,
            text: row.text("text")?,
            translator: row.opt_text("translator")?,
            at: row.time("at")?,
        })
    };
    rows.iter().map(read).collect()
}
