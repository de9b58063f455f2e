//! Matches as they were found, kept with the file that they speak of.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::item::FramePlace;
use crate::model::{ItemId, Match, MatchTarget, Media, MediaId};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// Keeps the matches of a file.
pub async fn insert(tx: &mut Tx, media: &Media, matches: &[Match]) -> Result<(), StoreError> {
    for (idx, found) in matches.iter().enumerate() {
        query(
            "INSERT INTO matching_match
                (media_id, idx, item_id, revision, entry_id, bank_id, bank_name, bank_confirmed, type, value, distance,
                 threshold, tier, view, frame_index, frame_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .bind(media.id.to_string())
        .bind(idx as i64)
        .bind(media.item.to_string())
        .bind(media.revision)
        .bind(found.target.entry.to_string())
        .bind(found.target.bank.to_string())
        .bind(found.target.bank_name.clone())
        .bind(i64::from(found.target.bank_confirmed))
        .bind(found.signal_type.as_str())
        .bind(found.value.clone())
        .bind(i64::from(found.distance))
        .bind(i64::from(found.threshold))
        .bind(found.tier.as_str())
        .bind(found.view.clone())
        .bind(found.frame.map(|frame| i64::from(frame.index)))
        .bind(found.frame.map(|frame| i64::from(frame.at_ms)))
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keep a match"))?;
    }
    Ok(())
}

/// The matches of the files of an item's revision, file by file, the nearest first.
pub async fn list(conn: &mut AnyConnection, item: &ItemId, revision: i64) -> Result<Vec<(MediaId, Match)>, StoreError> {
    let rows = query(
        "SELECT media_id, entry_id, bank_id, bank_name, bank_confirmed, type, value, distance, threshold, tier, view,
                frame_index, frame_at_ms
         FROM matching_match WHERE item_id = $1 AND revision = $2 ORDER BY media_id, idx",
    )
    .bind(item.to_string())
    .bind(revision)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read matches"))?;
    rows.iter()
        .map(|row| Ok((row.parse("media_id")?, read(row)?)))
        .collect()
}

/// A match from a row that has the match's columns under their own names.
pub fn read(row: &AnyRow) -> Result<Match, StoreError> {
    let frame = match (row.opt_number("frame_index")?, row.opt_number("frame_at_ms")?) {
        (Some(index), Some(at_ms)) => Some(FramePlace { index, at_ms }),
        (_, _) => None,
    };
    Ok(Match {
        target: MatchTarget {
            entry: row.parse("entry_id")?,
            bank: row.parse("bank_id")?,
            bank_name: row.text("bank_name")?,
            bank_confirmed: row.flag("bank_confirmed")?,
        },
        signal_type: row.parse("type")?,
        value: row.text("value")?,
        distance: row.number("distance")?,
        threshold: row.number("threshold")?,
        tier: row.parse("tier")?,
        view: row.text("view")?,
        frame,
    })
}
