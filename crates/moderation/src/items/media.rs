//! The files of an item, their signals and previews.

use signal::{Signal, SignalType};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::item::{FramePlace, MediaSignal};
use crate::model::{ItemId, Media, MediaId, MediaStatus, Plays, PreviewKind};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// A file to be kept.
#[derive(Debug, Clone)]
pub struct NewMediaRow {
    /// The file.
    pub media: Media,
    /// Whether it matched more than is kept.
    pub matches_capped: bool,
}

/// Keeps a file and its signals.
pub async fn insert_media(tx: &mut Tx, new: &NewMediaRow) -> Result<(), StoreError> {
    let at = StoreError::at("keep a file of an item");
    let media = &new.media;
    let (reason, detail) = match &media.status {
        MediaStatus::Unscanned { reason, detail } => (Some(reason.clone()), Some(detail.clone())),
        MediaStatus::Scanned { .. } | MediaStatus::Given => (None, None),
    };
    let (media_type, size_bytes, width, height, is_intact, plays) = match &media.status {
        MediaStatus::Scanned {
            media_type,
            size_bytes,
            width,
            height,
            is_intact,
            plays,
        } => (
            Some(media_type.clone()),
            Some(*size_bytes as i64),
            Some(i64::from(*width)),
            Some(i64::from(*height)),
            Some(i64::from(*is_intact)),
            plays.clone(),
        ),
        MediaStatus::Given | MediaStatus::Unscanned { .. } => (None, None, None, None, None, None),
    };
    query(
        "INSERT INTO items_media
            (id, item_id, revision, name, status, reason, detail, media_type, size_bytes, width, height, is_intact,
             matches_capped, duration_ms, video_codec, audio_codec)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(media.id.to_string())
    .bind(media.item.to_string())
    .bind(media.revision)
    .bind(media.name.clone())
    .bind(media.status.as_str())
    .bind(reason)
    .bind(detail)
    .bind(media_type)
    .bind(size_bytes)
    .bind(width)
    .bind(height)
    .bind(is_intact)
    .bind(i64::from(new.matches_capped))
    .bind(plays.as_ref().map(|plays| i64::from(plays.duration_ms)))
    .bind(plays.as_ref().and_then(|plays| plays.video_codec.clone()))
    .bind(plays.as_ref().and_then(|plays| plays.audio_codec.clone()))
    .execute(tx.conn())
    .await
    .map_err(&at)?;

    for (idx, kept) in media.signals.iter().enumerate() {
        query(
            "INSERT INTO items_signal (media_id, idx, type, value, quality, view, frame_index, frame_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(media.id.to_string())
        .bind(idx as i64)
        .bind(kept.signal.signal_type().as_str())
        .bind(kept.signal.value())
        .bind(kept.signal.quality().map(i64::from))
        .bind(kept.view.clone())
        .bind(kept.frame.map(|frame| i64::from(frame.index)))
        .bind(kept.frame.map(|frame| i64::from(frame.at_ms)))
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    }
    Ok(())
}

/// Keeps a preview (JPEG) of a file.
pub async fn insert_preview(tx: &mut Tx, media: MediaId, kind: PreviewKind, bytes: Vec<u8>) -> Result<(), StoreError> {
    query("INSERT INTO items_preview (media_id, kind, bytes) VALUES ($1, $2, $3)")
        .bind(media.to_string())
        .bind(kind.as_str())
        .bind(bytes)
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keep a preview"))?;
    Ok(())
}

/// A preview (JPEG) of a file.
pub async fn preview(
    conn: &mut AnyConnection,
    media: MediaId,
    kind: PreviewKind,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = query("SELECT bytes FROM items_preview WHERE media_id = $1 AND kind = $2")
        .bind(media.to_string())
        .bind(kind.as_str())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read a preview"))?;
    row.map(|row| row.bytes("bytes")).transpose()
}

/// Which previews there are of the files of an item's revision.
pub async fn preview_kinds(
    conn: &mut AnyConnection,
    item: &ItemId,
    revision: i64,
) -> Result<Vec<(MediaId, PreviewKind)>, StoreError> {
    let rows = query(
        "SELECT p.media_id, p.kind FROM items_preview p JOIN items_media m ON m.id = p.media_id
         WHERE m.item_id = $1 AND m.revision = $2 ORDER BY p.media_id, p.kind",
    )
    .bind(item.to_string())
    .bind(revision)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read previews"))?;
    rows.iter()
        .map(|row| Ok((row.parse("media_id")?, row.parse("kind")?)))
        .collect()
}

/// The file, by its id.
pub async fn find_media(conn: &mut AnyConnection, id: MediaId) -> Result<Option<Media>, StoreError> {
    let row = query(
        "SELECT id, item_id, revision, name, status, reason, detail, media_type, size_bytes, width, height, is_intact,
                matches_capped, duration_ms, video_codec, audio_codec
         FROM items_media WHERE id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read a file of an item"))?;
    row.map(|row| read(&row).map(|new| new.media)).transpose()
}

/// The files of an item's revision, in the order in which they were submitted, each with its signals.
pub async fn list_media(
    conn: &mut AnyConnection,
    item: &ItemId,
    revision: i64,
) -> Result<Vec<NewMediaRow>, StoreError> {
    let at = StoreError::at("read the files of an item");
    let rows = query(
        "SELECT id, item_id, revision, name, status, reason, detail, media_type, size_bytes, width, height, is_intact,
                matches_capped, duration_ms, video_codec, audio_codec
         FROM items_media WHERE item_id = $1 AND revision = $2 ORDER BY id",
    )
    .bind(item.to_string())
    .bind(revision)
    .fetch_all(&mut *conn)
    .await
    .map_err(&at)?;
    let mut media: Vec<NewMediaRow> = rows.iter().map(read).collect::<Result<_, _>>()?;

    let rows = query(
        "SELECT s.media_id, s.type, s.value, s.quality, s.view, s.frame_index, s.frame_at_ms
         FROM items_signal s JOIN items_media m ON m.id = s.media_id
         WHERE m.item_id = $1 AND m.revision = $2 ORDER BY s.media_id, s.idx",
    )
    .bind(item.to_string())
    .bind(revision)
    .fetch_all(conn)
    .await
    .map_err(&at)?;
    for row in &rows {
        let owner: MediaId = row.parse("media_id")?;
        if let Some(new) = media.iter_mut().find(|new| new.media.id == owner) {
            new.media.signals.push(read_signal(row)?);
        }
    }
    Ok(media)
}

fn read(row: &AnyRow) -> Result<NewMediaRow, StoreError> {
    let status = match row.text("status")?.as_str() {
        "scanned" => MediaStatus::Scanned {
            media_type: row.text("media_type")?,
            size_bytes: row.number("size_bytes")?,
            width: row.number("width")?,
            height: row.number("height")?,
            is_intact: row.flag("is_intact")?,
            plays: read_plays(row)?,
        },
        "given" => MediaStatus::Given,
        "unscanned" => MediaStatus::Unscanned {
            reason: row.text("reason")?,
            detail: row.text("detail")?,
        },
        other => return Err(damaged("status", format!("`{other}` is not a status of a file"))),
    };
    let media = Media {
        id: row.parse("id")?,
        item: row.parse("item_id")?,
        revision: row.int("revision")?,
        name: row.text("name")?,
        status,
        signals: Vec::new(),
    };
    Ok(NewMediaRow {
        media,
        matches_capped: row.flag("matches_capped")?,
    })
}

fn read_plays(row: &AnyRow) -> Result<Option<Plays>, StoreError> {
    let Some(duration_ms) = row.opt_number("duration_ms")? else {
        return Ok(None);
    };
    Ok(Some(Plays {
        duration_ms,
        video_codec: row.opt_text("video_codec")?,
        audio_codec: row.opt_text("audio_codec")?,
    }))
}

fn read_signal(row: &AnyRow) -> Result<MediaSignal, StoreError> {
    let signal_type: SignalType = row.parse("type")?;
    let signal = Signal::parse(signal_type, &row.text("value")?, row.opt_number("quality")?)
        .map_err(|error| damaged("value", error))?;
    let frame = match (row.opt_number("frame_index")?, row.opt_number("frame_at_ms")?) {
        (Some(index), Some(at_ms)) => Some(FramePlace { index, at_ms }),
        (_, _) => None,
    };
    Ok(MediaSignal {
        signal,
        view: row.text("view")?,
        frame,
    })
}
