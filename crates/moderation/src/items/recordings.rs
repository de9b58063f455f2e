//! What is kept of the videos and sounds of items: small pictures and loudness for people, where they will look; bare codes for some time, so
//! that an entry which becomes part of an incident can be looked for in what was posted before.

use signal::audio::Print;
use signal::pdq::PdqSignal;
use signal::video::Frame;
use signal::{Pdq, Signal, SignalType};
use sqlx::{AnyConnection, query};

use crate::model::{ItemId, Media, MediaId, NewStripPicture, StripPlace, Timestamp};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// Keeps the strip of a file and how loud it is.
pub async fn insert_strip(
    tx: &mut Tx,
    media: MediaId,
    strip: Vec<NewStripPicture>,
    waveform: Vec<u8>,
) -> Result<(), StoreError> {
    let at = StoreError::at("keep the strip of a video");
    for (idx, picture) in strip.into_iter().enumerate() {
        query("INSERT INTO items_strip (media_id, idx, at_ms, small, blurred) VALUES ($1, $2, $3, $4, $5)")
            .bind(media.to_string())
            .bind(idx as i64)
            .bind(i64::from(picture.at_ms))
            .bind(picture.small)
            .bind(picture.blurred)
            .execute(tx.conn())
            .await
            .map_err(&at)?;
    }
    if !waveform.is_empty() {
        query("INSERT INTO items_waveform (media_id, peaks) VALUES ($1, $2)")
            .bind(media.to_string())
            .bind(waveform)
            .execute(tx.conn())
            .await
            .map_err(&at)?;
    }
    Ok(())
}

/// Which pictures there are of the files of an item's revision.
pub async fn strip_places(
    conn: &mut AnyConnection,
    item: &ItemId,
    revision: i64,
) -> Result<Vec<(MediaId, StripPlace)>, StoreError> {
    let rows = query(
        "SELECT s.media_id, s.idx, s.at_ms FROM items_strip s JOIN items_media m ON m.id = s.media_id
         WHERE m.item_id = $1 AND m.revision = $2 ORDER BY s.media_id, s.idx",
    )
    .bind(item.to_string())
    .bind(revision)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the strips of videos"))?;
    rows.iter()
        .map(|row| {
            let place = StripPlace {
                idx: row.number("idx")?,
                at_ms: row.number("at_ms")?,
            };
            Ok((row.parse("media_id")?, place))
        })
        .collect()
}

/// A picture of a strip (JPEG), blurred or as it is.
pub async fn strip_picture(
    conn: &mut AnyConnection,
    media: MediaId,
    idx: u32,
    is_blurred: bool,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = query("SELECT CASE WHEN $1 = 1 THEN blurred ELSE small END AS bytes FROM items_strip WHERE media_id = $2 AND idx = $3")
        .bind(i64::from(is_blurred))
        .bind(media.to_string())
        .bind(i64::from(idx))
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read a picture of a video"))?;
    row.map(|row| row.bytes("bytes")).transpose()
}

/// How loud a file is: a byte for each tenth of a second.
pub async fn waveform(conn: &mut AnyConnection, media: MediaId) -> Result<Option<Vec<u8>>, StoreError> {
    let row = query("SELECT peaks FROM items_waveform WHERE media_id = $1")
        .bind(media.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read how loud a file is"))?;
    row.map(|row| row.bytes("peaks")).transpose()
}

/// What a file was recognised by.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The file.
    pub media: MediaId,
    /// Its item.
    pub item: ItemId,
    /// The item's revision.
    pub revision: i64,
    /// Its frames, by their hashes alone.
    pub frames: Vec<Frame>,
    /// Its sound.
    pub print: Option<Print>,
    /// How long it plays. None, where hashes came alone.
    pub duration_ms: Option<u32>,
}

/// The most frames of one trace: of longer videos every so many.
const TRACE_FRAMES_MAX: usize = 20_000;
/// When it is shown, its hash, its quality.
const FRAME_BYTES: usize = 4 + 32 + 1;
/// Which frame of the file it is. These numbers stand behind all frames; what was kept before there were any has none.
const NUMBER_BYTES: usize = 4;

/// Keeps what a file was recognised by.
pub async fn insert_trace(
    tx: &mut Tx,
    media: &Media,
    frames: Vec<u8>,
    print: Option<Vec<u8>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO items_trace (media_id, item_id, revision, frames, print, taken_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(media.id.to_string())
    .bind(media.item.to_string())
    .bind(media.revision)
    .bind(frames)
    .bind(print)
    .bind(now.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep the trace of a video"))?;
    Ok(())
}

/// Frames as they are kept. Those that say next to nothing are left out.
pub fn frames_to_bytes(frames: &[Frame]) -> Vec<u8> {
    let good: Vec<&Frame> = frames.iter().filter(|frame| !frame.is_flat()).collect();
    let step = good.len().div_ceil(TRACE_FRAMES_MAX).max(1);
    let kept: Vec<&Frame> = good.into_iter().step_by(step).collect();
    let mut bytes = Vec::with_capacity(kept.len() * (FRAME_BYTES + NUMBER_BYTES) + 2 * FRAME_BYTES);
    for frame in &kept {
        bytes.extend(frame.at_ms.to_le_bytes());
        bytes.extend(frame.pdq.hash.to_bytes());
        bytes.push(frame.pdq.quality);
    }
    if kept.is_empty() {
        return bytes;
    }
    for frame in &kept {
        bytes.extend(u32::try_from(frame.number).unwrap_or(u32::MAX).to_le_bytes());
    }
    // What has numbers is no whole number of frames long, and ends with how many there are.
    while (bytes.len() + NUMBER_BYTES) % FRAME_BYTES != 2 {
        bytes.push(0);
    }
    bytes.extend((kept.len() as u32).to_le_bytes());
    bytes
}

/// Frames, and their numbers, where they were kept.
fn split_numbers(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    if bytes.len().is_multiple_of(FRAME_BYTES) {
        return Some((bytes, &[]));
    }
    let (rest, n_kept) = bytes.split_last_chunk::<NUMBER_BYTES>()?;
    let n_kept = u32::from_le_bytes(*n_kept) as usize;
    let (frames, rest) = rest.split_at_checked(n_kept.checked_mul(FRAME_BYTES)?)?;
    let (numbers, padding) = rest.split_at_checked(n_kept.checked_mul(NUMBER_BYTES)?)?;
    (padding.len() < FRAME_BYTES).then_some((frames, numbers))
}

fn frames_from_bytes(bytes: &[u8]) -> Result<Vec<Frame>, StoreError> {
    let (frames, numbers) = split_numbers(bytes).ok_or_else(|| damaged("frames", "they end early"))?;
    let (frames, numbers) = (
        frames.as_chunks::<FRAME_BYTES>().0,
        numbers.as_chunks::<NUMBER_BYTES>().0,
    );
    let read = |(idx, bytes): (usize, &[u8; FRAME_BYTES])| {
        let mut hash = [0; 32];
        hash.copy_from_slice(&bytes[4..36]);
        Frame {
            at_ms: u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            number: numbers
                .get(idx)
                .map_or(idx as u64, |number| u32::from_le_bytes(*number).into()),
            is_scene: false,
            is_vpdq: false,
            pdq: PdqSignal {
                hash: Pdq::from_bytes(hash),
                quality: bytes[36],
            },
            glimpse: None,
        }
    };
    Ok(frames.iter().enumerate().map(read).collect())
}

/// Up to `limit` traces that were taken since then, of the revisions in force, after that file, in the order of their ids.
pub async fn traces_since(
    conn: &mut AnyConnection,
    since: Timestamp,
    after: Option<MediaId>,
    limit: i64,
) -> Result<Vec<Trace>, StoreError> {
    let rows = query(
        "SELECT t.media_id, t.item_id, t.revision, t.frames, t.print, m.duration_ms,
                CASE WHEN t.print IS NULL THEN 0 ELSE 1 END AS has_print
         FROM items_trace t JOIN items_item i ON i.id = t.item_id AND i.revision = t.revision
              JOIN items_media m ON m.id = t.media_id
         WHERE t.taken_at >= $1 AND t.media_id > $2 ORDER BY t.media_id LIMIT $3",
    )
    .bind(since.unix_ms())
    .bind(after.map(|id| id.to_string()).unwrap_or_default())
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the traces of videos"))?;
    rows.iter()
        .map(|row| {
            Ok(Trace {
                media: row.parse("media_id")?,
                item: row.parse("item_id")?,
                revision: row.int("revision")?,
                frames: frames_from_bytes(&row.bytes("frames")?)?,
                print: match row.int("has_print")? {
                    1 => Some(Print::from_bytes(&row.bytes("print")?).map_err(|error| damaged("print", error))?),
                    _ => None,
                },
                duration_ms: row.opt_number("duration_ms")?,
            })
        })
        .collect()
}

/// A picture of an item, by its hash as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureTrace {
    /// The file.
    pub media: MediaId,
    /// Its item.
    pub item: ItemId,
    /// The item's revision.
    pub revision: i64,
    /// Which of its signals.
    pub idx: i64,
    /// The hash.
    pub signal: Signal,
}

/// Up to `limit` hashes of files of items, of the revisions in force, before that signal of that file: the newest files first.
pub async fn newest_hashes(
    conn: &mut AnyConnection,
    before: Option<(MediaId, i64)>,
    limit: i64,
) -> Result<Vec<PictureTrace>, StoreError> {
    // After every id of a file, in the order of text.
    let (media, idx) = before.map_or(("~".to_owned(), 0), |(media, idx)| (media.to_string(), idx));
    let rows = query(
        "SELECT s.media_id, s.idx, s.value, s.quality, m.item_id, m.revision
         FROM items_signal s JOIN items_media m ON m.id = s.media_id
              JOIN items_item i ON i.id = m.item_id AND i.revision = m.revision
         WHERE s.type = $1 AND (s.media_id, s.idx) < ($2, $3)
         ORDER BY s.media_id DESC, s.idx DESC LIMIT $4",
    )
    .bind(SignalType::Pdq.as_str())
    .bind(media)
    .bind(idx)
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the hashes of items"))?;
    rows.iter().map(read_hash).collect()
}

fn read_hash(row: &sqlx::any::AnyRow) -> Result<PictureTrace, StoreError> {
    let signal = Signal::parse(SignalType::Pdq, &row.text("value")?, row.opt_number("quality")?);
    Ok(PictureTrace {
        media: row.parse("media_id")?,
        item: row.parse("item_id")?,
        revision: row.int("revision")?,
        idx: row.int("idx")?,
        signal: signal.map_err(|error| damaged("value", error))?,
    })
}

/// Up to `limit` hashes of files of items that were submitted since then, of the revisions in force, after that signal of that file.
pub async fn hashes_since(
    conn: &mut AnyConnection,
    since: Timestamp,
    after: Option<(MediaId, i64)>,
    limit: i64,
) -> Result<Vec<PictureTrace>, StoreError> {
    let (media, idx) = after.map_or((String::new(), -1), |(media, idx)| (media.to_string(), idx));
    let rows = query(
        "SELECT s.media_id, s.idx, s.value, s.quality, m.item_id, m.revision
         FROM items_item i JOIN items_media m ON m.item_id = i.id AND m.revision = i.revision
              JOIN items_signal s ON s.media_id = m.id
         WHERE i.updated_at >= $1 AND s.type = $2 AND (s.media_id, s.idx) > ($3, $4)
         ORDER BY s.media_id, s.idx LIMIT $5",
    )
    .bind(since.unix_ms())
    .bind(SignalType::Pdq.as_str())
    .bind(media)
    .bind(idx)
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the hashes of items"))?;
    rows.iter().map(read_hash).collect()
}

/// Forgets traces that were taken before then.
pub async fn forget_traces_before(tx: &mut Tx, oldest: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM items_trace WHERE taken_at < $1")
        .bind(oldest.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget the traces of videos"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(n: u32) -> Vec<Frame> {
        let frame = |idx: u32| Frame {
            at_ms: idx * 500,
            number: u64::from(idx) * 12 + 3,
            is_scene: false,
            is_vpdq: false,
            pdq: PdqSignal {
                hash: Pdq::from_bytes([0b1010_0101 ^ idx as u8; 32]),
                quality: 100,
            },
            glimpse: None,
        };
        (0..n).map(frame).collect()
    }

    #[test]
    fn frames_come_back_with_their_numbers_and_old_ones_without() {
        for n in [0, 1, 2, 9, 36, 37, 38, 400] {
            let frames = frames(n);
            let bytes = frames_to_bytes(&frames);
            assert_eq!(frames_from_bytes(&bytes).unwrap(), frames, "{n}");
            let old = frames_from_bytes(&bytes[..frames.len() * FRAME_BYTES]).unwrap();
            assert!(old.iter().map(|frame| frame.number).eq(0..u64::from(n)), "{n}");
            assert!(old.iter().zip(&frames).all(|(old, frame)| old.pdq == frame.pdq), "{n}");
            if n > 0 {
                assert!(frames_from_bytes(&bytes[..bytes.len() - 1]).is_err(), "{n}");
            }
        }
    }
}
