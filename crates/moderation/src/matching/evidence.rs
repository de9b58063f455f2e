//! Matches as they were found, kept with the file that they speak of.

use signal::views::Share;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use super::segments;
use crate::model::item::FramePlace;
use crate::model::{ItemId, Match, MatchTarget, Media, MediaId, Sighted};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// Keeps the matches of a file.
pub async fn insert(tx: &mut Tx, media: &Media, matches: &[Match]) -> Result<(), StoreError> {
    for (idx, found) in matches.iter().enumerate() {
        append(tx, media, idx, found).await?;
    }
    Ok(())
}

/// Keeps one more match of a file that has so many.
pub async fn append(tx: &mut Tx, media: &Media, idx: usize, found: &Match) -> Result<(), StoreError> {
    query(
            "INSERT INTO matching_match
                (media_id, idx, item_id, revision, entry_id, bank_id, bank_name, bank_confirmed, type, value, distance,
                 threshold, tier, view, frame_index, frame_at_ms, part, entry_part, sighting, nearest_benign_bits, segments)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
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
        .bind(found.part.map(share_text))
        .bind(found.entry_part.map(share_text))
        .bind(found.sighting.map(|sighting| sighting_json(&sighting).to_string()))
        .bind(found.nearest_benign_bits.map(i64::from))
        .bind(segments::to_text(&found.segments))
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keep a match"))?;
    Ok(())
}

/// The matches of the files of an item's revision, file by file, the nearest first.
pub async fn list(conn: &mut AnyConnection, item: &ItemId, revision: i64) -> Result<Vec<(MediaId, Match)>, StoreError> {
    let rows = query(
        "SELECT media_id, entry_id, bank_id, bank_name, bank_confirmed, type, value, distance, threshold, tier, view,
                frame_index, frame_at_ms, part, entry_part, sighting, nearest_benign_bits, segments
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
        part: read_share(row, "part")?,
        entry_part: read_share(row, "entry_part")?,
        sighting: read_sighting(row)?,
        nearest_benign_bits: row.opt_number("nearest_benign_bits")?,
        segments: segments::from_text(row.opt_text("segments")?.as_deref())?,
    })
}

/// Left, top, width and height with spaces between.
fn share_text(share: Share) -> String {
    format!("{} {} {} {}", share.left, share.top, share.width, share.height)
}

fn read_share(row: &AnyRow, column: &'static str) -> Result<Option<Share>, StoreError> {
    let Some(text) = row.opt_text(column)? else {
        return Ok(None);
    };
    let numbers: Result<Vec<u16>, _> = text.split(' ').map(str::parse).collect();
    match numbers.as_deref() {
        Ok(&[left, top, width, height]) => Ok(Some(Share {
            left,
            top,
            width,
            height,
        })),
        Ok(_) | Err(_) => Err(damaged(column, "not four numbers")),
    }
}

fn sighting_json(sighting: &Sighted) -> serde_json::Value {
    serde_json::json!({
        "places": sighting.places, "compared": sighting.compared, "alike": sighting.alike,
        "overlap": sighting.overlap, "mirrored": sighting.is_mirrored, "corners": sighting.corners,
    })
}

fn read_sighting(row: &AnyRow) -> Result<Option<Sighted>, StoreError> {
    if row.opt_text("sighting")?.is_none() {
        return Ok(None);
    }
    let json = row.json("sighting")?;
    let number = |value: &serde_json::Value| value.as_i64().and_then(|number| i32::try_from(number).ok());
    let count = |name: &str| number(&json[name]).and_then(|number| u32::try_from(number).ok());
    let mut corners = [(0, 0); 4];
    let mut read = || {
        for (at, corner) in corners.iter_mut().enumerate() {
            *corner = (number(&json["corners"][at][0])?, number(&json["corners"][at][1])?);
        }
        Some(Sighted {
            places: count("places")?,
            compared: count("compared")?,
            alike: count("alike")?,
            overlap: count("overlap")?,
            is_mirrored: json["mirrored"].as_bool()?,
            corners,
        })
    };
    match read() {
        Some(sighting) => Ok(Some(sighting)),
        None => Err(damaged("sighting", "it is not whole")),
    }
}
