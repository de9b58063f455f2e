//! The videos and sounds of entries: what they are recognised by, and the forms in which they are exchanged.
//!
//! They may take megabytes, so that they lie beside the other signals and are read only where they are needed: by whoever follows the feed, and by whoever
//! exports an entry.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};
use signal::audio::{ITEM_MS, ITEM_SPAN_MS, Print};
use signal::video::Timeline;
use signal::{Signal, SignalType, vpdq};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use super::known::VALUES_MAX;
use super::{SignalKey, placeholders};
use crate::model::{BankId, EntryId};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// A video and a sound to be kept with a new entry. Made before the transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRecording {
    video: Option<NewVideo>,
    sound: Option<NewSound>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NewVideo {
    duration_ms: u32,
    n_frames: usize,
    timeline: Vec<u8>,
    vpdq: String,
    digest: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NewSound {
    duration_ms: u32,
    print: Vec<u8>,
    digest: String,
}

/// What an entry is recognised by over a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The number of the entry.
    pub handle: u64,
    /// Its marks, if it is a video.
    pub timeline: Option<Timeline>,
    /// Its sound, if it has any.
    pub print: Option<Print>,
}

impl NewRecording {
    /// Of the signals of an entry, and of the time line if it came as a file. A bare vPDQ hash is a time line by itself.
    pub fn of(signals: &[Signal], timeline: Option<&Timeline>) -> Self {
        let mut new = Self::default();
        for signal in signals {
            match signal {
                Signal::Pdq { .. } | Signal::Md5(_) | Signal::Sha256(_) => {}
                Signal::Vpdq(features) => {
                    let bare;
                    let timeline = match timeline {
                        Some(timeline) => timeline,
                        None => {
                            bare = vpdq::to_timeline(features);
                            &bare
                        }
                    };
                    let text = signal.value();
                    new.video = Some(NewVideo {
                        duration_ms: timeline.duration_ms,
                        n_frames: features.len(),
                        timeline: timeline.to_bytes(),
                        digest: digest(&text),
                        vpdq: text,
                    });
                }
                Signal::Chromaprint(print) => {
                    new.sound = Some(NewSound {
                        duration_ms: sound_ms(print),
                        print: print.to_bytes(),
                        digest: digest(&signal.value()),
                    });
                }
            }
        }
        new
    }
}

/// How long the sound is that a print was made of.
fn sound_ms(print: &Print) -> u32 {
    let steps = print.items.len().saturating_sub(1) as f64;
    (steps * ITEM_MS + ITEM_SPAN_MS).round() as u32
}

/// What a long signal is known by.
pub(super) fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// Keeps them with a new entry.
pub async fn insert_recording(tx: &mut Tx, entry: EntryId, new: NewRecording) -> Result<(), StoreError> {
    let at = StoreError::at("keep the recording of an entry");
    if let Some(video) = new.video {
        query(
            "INSERT INTO banks_timeline (entry_id, duration_ms, n_frames, timeline, vpdq, digest)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(entry.to_string())
        .bind(i64::from(video.duration_ms))
        .bind(video.n_frames as i64)
        .bind(video.timeline)
        .bind(video.vpdq)
        .bind(video.digest)
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    }
    if let Some(sound) = new.sound {
        query("INSERT INTO banks_sound (entry_id, duration_ms, print, digest) VALUES ($1, $2, $3, $4)")
            .bind(entry.to_string())
            .bind(i64::from(sound.duration_ms))
            .bind(sound.print)
            .bind(sound.digest)
            .execute(tx.conn())
            .await
            .map_err(&at)?;
    }
    Ok(())
}

/// The enabled entries with a video or a sound that changed in a piece of the feed, by their numbers.
pub async fn recorded_in(conn: &mut AnyConnection, after: i64, upto: i64) -> Result<Vec<u64>, StoreError> {
    let rows = query(
        "SELECT e.handle FROM banks_entry e
         WHERE e.change_seq > $1 AND e.change_seq <= $2 AND e.state = 'enabled'
           AND (EXISTS (SELECT 1 FROM banks_timeline t WHERE t.entry_id = e.id)
             OR EXISTS (SELECT 1 FROM banks_sound s WHERE s.entry_id = e.id))
         ORDER BY e.handle",
    )
    .bind(after)
    .bind(upto)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("look for recordings of entries"))?;
    rows.iter().map(|row| row.number("handle")).collect()
}

/// The recordings of those of the handles that have one, in no order. Few at a time: each may take megabytes.
pub async fn recordings_of_handles(conn: &mut AnyConnection, handles: &[u64]) -> Result<Vec<Recording>, StoreError> {
    let mut found = Vec::new();
    for some in handles.chunks(VALUES_MAX) {
        let statement = format!(
            "SELECT e.handle, t.timeline, t.vpdq, s.print,
                    CASE WHEN t.entry_id IS NULL THEN 0 ELSE 1 END AS has_video,
                    CASE WHEN s.entry_id IS NULL THEN 0 ELSE 1 END AS has_sound
             FROM banks_entry e LEFT JOIN banks_timeline t ON t.entry_id = e.id LEFT JOIN banks_sound s ON s.entry_id = e.id
             WHERE e.handle IN ({})",
            placeholders(1, some.len()),
        );
        let mut statement = query(AssertSqlSafe(statement)).persistent(false);
        for handle in some {
            statement = statement.bind(handle.cast_signed());
        }
        let rows = statement
            .fetch_all(&mut *conn)
            .await
            .map_err(StoreError::at("read the recordings of entries"))?;
        for row in &rows {
            found.push(Recording {
                handle: row.number("handle")?,
                timeline: match row.flag("has_video")? {
                    true => Some(read_timeline(row)?),
                    false => None,
                },
                print: match row.flag("has_sound")? {
                    true => Some(read_print(row)?),
                    false => None,
                },
            });
        }
    }
    Ok(found)
}

/// The long signals of these entries, in the forms in which they are exchanged.
pub async fn long_signals(
    conn: &mut AnyConnection,
    entries: &[EntryId],
) -> Result<HashMap<EntryId, Vec<Signal>>, StoreError> {
    let at = StoreError::at("read the long signals of entries");
    let mut found: HashMap<EntryId, Vec<Signal>> = HashMap::new();
    for some in entries.chunks(VALUES_MAX) {
        let list = placeholders(1, some.len());
        let videos = format!("SELECT entry_id, vpdq FROM banks_timeline WHERE entry_id IN ({list})");
        let mut statement = query(AssertSqlSafe(videos)).persistent(false);
        for id in some {
            statement = statement.bind(id.to_string());
        }
        for row in &statement.fetch_all(&mut *conn).await.map_err(&at)? {
            let video = Signal::parse(SignalType::Vpdq, &row.text("vpdq")?, None);
            let video = video.map_err(|error| damaged("vpdq", error))?;
            found.entry(row.parse("entry_id")?).or_default().push(video);
        }
        let sounds = format!("SELECT entry_id, print FROM banks_sound WHERE entry_id IN ({list})");
        let mut statement = query(AssertSqlSafe(sounds)).persistent(false);
        for id in some {
            statement = statement.bind(id.to_string());
        }
        for row in &statement.fetch_all(&mut *conn).await.map_err(&at)? {
            let sound = Signal::chromaprint(read_print(row)?);
            found.entry(row.parse("entry_id")?).or_default().extend(sound);
        }
    }
    Ok(found)
}

/// Those of the digests of long signals that entries of the bank have which are not removed.
pub(super) async fn known_long(
    conn: &mut AnyConnection,
    bank: BankId,
    kind: SignalType,
    digests: &[&str],
) -> Result<HashSet<SignalKey>, StoreError> {
    let table = match kind {
        SignalType::Vpdq => "banks_timeline",
        SignalType::Chromaprint => "banks_sound",
        SignalType::Pdq | SignalType::Md5 | SignalType::Sha256 => return Ok(HashSet::new()),
    };
    let mut known = HashSet::new();
    for some in digests.chunks(VALUES_MAX) {
        let statement = format!(
            "SELECT DISTINCT k.digest FROM {table} k JOIN banks_entry e ON e.id = k.entry_id
             WHERE e.bank_id = $1 AND e.state <> 'removed' AND k.digest IN ({})",
            placeholders(2, some.len()),
        );
        let mut statement = query(AssertSqlSafe(statement)).persistent(false).bind(bank.to_string());
        for digest in some {
            statement = statement.bind((*digest).to_owned());
        }
        let rows = statement
            .fetch_all(&mut *conn)
            .await
            .map_err(StoreError::at("look for recordings in a bank"))?;
        for row in &rows {
            known.insert((kind, row.text("digest")?));
        }
    }
    Ok(known)
}

/// A time line that another version wrote is made anew of the hash beside it, which knows less.
fn read_timeline(row: &AnyRow) -> Result<Timeline, StoreError> {
    if let Ok(timeline) = Timeline::from_bytes(&row.bytes("timeline")?) {
        return Ok(timeline);
    }
    let features = vpdq::parse(&row.text("vpdq")?).map_err(|error| damaged("vpdq", error))?;
    Ok(vpdq::to_timeline(&features))
}

fn read_print(row: &AnyRow) -> Result<Print, StoreError> {
    Print::from_bytes(&row.bytes("print")?).map_err(|error| damaged("print", error))
}
