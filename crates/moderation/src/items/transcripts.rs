//! What is said in the videos and sounds of items.

use serde_json::{Value, json};
use sqlx::{AnyConnection, query};

use crate::model::{ItemId, MediaId, TranscriptLine};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// Keeps what is said in a file, if anything was written down.
pub async fn insert_transcript(tx: &mut Tx, media: MediaId, lines: &[TranscriptLine]) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let rows = lines.iter().map(
        |line| json!({ "from_ms": line.from_ms, "to_ms": line.to_ms, "text": line.text, "language": line.language }),
    );
    query("INSERT INTO items_transcript (media_id, lines) VALUES ($1, $2)")
        .bind(media.to_string())
        .bind(rows.collect::<Value>().to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keep what is said in a file"))?;
    Ok(())
}

/// Forgets what was said in the files of an item's earlier revisions.
pub(super) async fn forget_before(tx: &mut Tx, item: &ItemId, revision: i64) -> Result<(), StoreError> {
    query("DELETE FROM items_transcript WHERE media_id IN (SELECT id FROM items_media WHERE item_id = $1 AND revision < $2)")
        .bind(item.to_string())
        .bind(revision)
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget what was said in files"))?;
    Ok(())
}

/// What is said in the files of an item's revision.
pub async fn transcripts(
    conn: &mut AnyConnection,
    item: &ItemId,
    revision: i64,
) -> Result<Vec<(MediaId, Vec<TranscriptLine>)>, StoreError> {
    let rows = query(
        "SELECT t.media_id, t.lines FROM items_transcript t JOIN items_media m ON m.id = t.media_id
         WHERE m.item_id = $1 AND m.revision = $2 ORDER BY t.media_id",
    )
    .bind(item.to_string())
    .bind(revision)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read what is said in files"))?;
    rows.iter()
        .map(|row| Ok((row.parse("media_id")?, read(&row.json("lines")?)?)))
        .collect()
}

fn read(lines: &Value) -> Result<Vec<TranscriptLine>, StoreError> {
    let wrong = || damaged("lines", "they are no lines of a transcript");
    let read_one = |line: &Value| {
        let ms = |name: &str| line[name].as_u64().and_then(|ms| u32::try_from(ms).ok());
        Some(TranscriptLine {
            from_ms: ms("from_ms")?,
            to_ms: ms("to_ms")?,
            text: line["text"].as_str()?.to_owned(),
            language: line["language"].as_str().map(str::to_owned),
        })
    };
    let lines = lines.as_array().ok_or_else(wrong)?;
    lines.iter().map(|line| read_one(line).ok_or_else(wrong)).collect()
}
