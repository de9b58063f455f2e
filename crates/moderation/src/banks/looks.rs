//! The looks of entries that came with their pictures: kept as they are, with the hashes of their crops beside them.
//!
//! The crops could be made from the look at any time, but not for a whole bank while everyone waits for the index. They carry the version of
//! what made them; those of another are made anew where they are read.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use signal::pdq::PdqSignal;
use signal::views::{self, Grid, Share};
use signal::{KeptLook, Pdq, SignalType};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use super::CHANGES;
use super::known::VALUES_MAX;
use super::placeholders;
use crate::model::{BankId, Crops, EntryId, Timestamp};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx, counter};

/// A hash and its quality.
const CROP_BYTES: usize = 33;

/// A look to be kept. Making one takes a millisecond, a dense one twenty: never inside a transaction.
#[derive(Debug, Clone)]
pub struct NewLook {
    look: Vec<u8>,
    crops: Vec<u8>,
}

/// What the index is told of an entry beside its signals.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LookCodes {
    /// Hashes of its crops.
    pub crops: Vec<PdqSignal>,
    /// Codes of its keypoints.
    pub keypoints: Vec<Pdq>,
}

/// The look of an entry with all that it may be found by.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryLook {
    /// The number of the entry.
    pub handle: u64,
    /// Its look.
    pub kept: KeptLook,
    /// Its crops, as far as they are searched for.
    pub crops: Vec<(Share, PdqSignal)>,
    /// The PDQ hashes that it has as signals.
    pub hashes: Vec<Pdq>,
}

impl NewLook {
    /// Of an entry that is part of no incident.
    pub fn of(kept: &KeptLook) -> Self {
        Self::with(kept, Grid::Few)
    }

    /// Of one that is part of one.
    pub fn dense(kept: &KeptLook) -> Self {
        Self::with(kept, Grid::Dense)
    }

    /// The hashes of its crops.
    pub fn crops(&self) -> impl Iterator<Item = PdqSignal> {
        let codes = self.crops.split_first_chunk::<4>().map_or(&[][..], |(_, codes)| codes);
        codes.as_chunks::<CROP_BYTES>().0.iter().map(read_crop)
    }

    fn with(kept: &KeptLook, grid: Grid) -> Self {
        let mut crops = views::VERSION.to_le_bytes().to_vec();
        for (_, pdq) in views::crops(&kept.picture, grid) {
            crops.extend(pdq.hash.to_bytes());
            crops.push(pdq.quality);
        }
        Self {
            look: kept.to_bytes(),
            crops,
        }
    }
}

/// Keeps the look of a new entry.
pub async fn insert_look(tx: &mut Tx, entry: EntryId, new: NewLook) -> Result<(), StoreError> {
    query("INSERT INTO banks_look (entry_id, look, crops) VALUES ($1, $2, $3)")
        .bind(entry.to_string())
        .bind(new.look)
        .bind(new.crops)
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keep the look of an entry"))?;
    Ok(())
}

/// The look of an entry, if one is kept.
pub async fn find_look(conn: &mut AnyConnection, entry: EntryId) -> Result<Option<KeptLook>, StoreError> {
    let row = query("SELECT look FROM banks_look WHERE entry_id = $1")
        .bind(entry.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read the look of an entry"))?;
    row.map(|row| read_look(&row)).transpose()
}

/// Gives an entry the crops of an incident until then, or those that it has otherwise.
pub async fn set_dense(tx: &mut Tx, entry: EntryId, new: NewLook, until: Option<Timestamp>) -> Result<(), StoreError> {
    let at = StoreError::at("change the crops of an entry");
    query("UPDATE banks_look SET crops = $1, dense_until = $2 WHERE entry_id = $3")
        .bind(new.crops)
        .bind(until.map(Timestamp::unix_ms))
        .bind(entry.to_string())
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    let change_seq = counter::take(tx, CHANGES, 1).await?;
    query("UPDATE banks_entry SET change_seq = $1 WHERE id = $2")
        .bind(change_seq)
        .bind(entry.to_string())
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    Ok(())
}

/// Tells the feed of all entries of a bank that have a look: other crops of them are searched for now. Under [`super::lock`].
pub(super) async fn touch_looks(tx: &mut Tx, bank: BankId) -> Result<(), StoreError> {
    let at = StoreError::at("change the crops of a bank");
    let row =
        query("SELECT COUNT(*) AS n FROM banks_entry e JOIN banks_look l ON l.entry_id = e.id WHERE e.bank_id = $1")
            .bind(bank.to_string())
            .fetch_one(tx.conn())
            .await
            .map_err(&at)?;
    let n: usize = row.number("n")?;
    if n == 0 {
        return Ok(());
    }
    // Each has a number of its own in the feed, so that a page of the feed can end between any two.
    let first = counter::take(tx, CHANGES, n).await?;
    query(
        "UPDATE banks_entry SET change_seq = $1 + place
         FROM (SELECT e.id AS entry, ROW_NUMBER() OVER (ORDER BY e.id) - 1 AS place
               FROM banks_entry e JOIN banks_look l ON l.entry_id = e.id WHERE e.bank_id = $2) numbered
         WHERE numbered.entry = banks_entry.id",
    )
    .bind(first)
    .bind(bank.to_string())
    .execute(tx.conn())
    .await
    .map_err(&at)?;
    Ok(())
}

/// What the index is told of the looks of the entries that changed in a piece of the feed. One look is held at a time: a page of them is large.
pub(super) async fn codes_of_changes(
    conn: &mut AnyConnection,
    after: i64,
    upto: i64,
) -> Result<HashMap<EntryId, LookCodes>, StoreError> {
    let at = StoreError::at("read the looks of changed entries");
    let mut rows = query(
        "SELECT l.entry_id, l.look, l.crops, l.dense_until, b.crops AS bank_crops
         FROM banks_look l JOIN banks_entry e ON e.id = l.entry_id JOIN banks_bank b ON b.id = e.bank_id
         WHERE e.change_seq > $1 AND e.change_seq <= $2 AND e.state = 'enabled'",
    )
    .bind(after)
    .bind(upto)
    .fetch(conn);
    let mut found = HashMap::new();
    while let Some(row) = rows.try_next().await.map_err(&at)? {
        let kept = read_look(&row)?;
        let codes = LookCodes {
            crops: read_crops(&row, &kept)?.into_iter().map(|(_, pdq)| pdq).collect(),
            keypoints: kept.keypoints.iter().map(|(code, _)| *code).collect(),
        };
        found.insert(row.parse("entry_id")?, codes);
    }
    Ok(found)
}

/// The looks of those of the handles that have one, in no order.
pub async fn looks_of_handles(conn: &mut AnyConnection, handles: &[u64]) -> Result<Vec<EntryLook>, StoreError> {
    let mut found: Vec<EntryLook> = Vec::new();
    for some in handles.chunks(VALUES_MAX) {
        let statement = format!(
            "SELECT e.handle, l.look, l.crops, l.dense_until, b.crops AS bank_crops
             FROM banks_entry e JOIN banks_look l ON l.entry_id = e.id JOIN banks_bank b ON b.id = e.bank_id
             WHERE e.handle IN ({})",
            placeholders(1, some.len()),
        );
        let mut statement = query(AssertSqlSafe(statement));
        for handle in some {
            statement = statement.bind(handle.cast_signed());
        }
        let rows = statement
            .fetch_all(&mut *conn)
            .await
            .map_err(StoreError::at("read the looks of entries"))?;
        let begin = found.len();
        for row in &rows {
            let kept = read_look(row)?;
            found.push(EntryLook {
                handle: row.number("handle")?,
                crops: read_crops(row, &kept)?,
                kept,
                hashes: Vec::new(),
            });
        }
        if rows.is_empty() {
            continue;
        }
        let places: HashMap<u64, usize> = found[begin..]
            .iter()
            .enumerate()
            .map(|(at, l)| (l.handle, begin + at))
            .collect();
        let statement = format!(
            "SELECT e.handle, s.value FROM banks_entry e JOIN banks_signal s ON s.entry_id = e.id
             WHERE s.type = $1 AND e.handle IN ({})",
            placeholders(2, places.len()),
        );
        let mut statement = query(AssertSqlSafe(statement)).bind(SignalType::Pdq.as_str());
        for handle in places.keys() {
            statement = statement.bind(handle.cast_signed());
        }
        let rows = statement
            .fetch_all(&mut *conn)
            .await
            .map_err(StoreError::at("read the hashes of entries"))?;
        for row in &rows {
            if let Some(place) = places.get(&row.number("handle")?) {
                found[*place].hashes.push(row.parse("value")?);
            }
        }
    }
    Ok(found)
}

pub(super) fn read_look(row: &AnyRow) -> Result<KeptLook, StoreError> {
    KeptLook::from_bytes(&row.bytes("look")?).map_err(|error| damaged("look", error))
}

/// The crops of a row that has the columns of a look, and `bank_crops`.
pub(super) fn read_crops(row: &AnyRow, kept: &KeptLook) -> Result<Vec<(Share, PdqSignal)>, StoreError> {
    let bank: Crops = row.parse("bank_crops")?;
    let grid = match (row.opt_time("dense_until")?, bank) {
        (Some(_), Crops::None | Crops::Few) => Grid::Dense,
        (None, Crops::Few) => Grid::Few,
        (None, Crops::None) => return Ok(Vec::new()),
    };
    let bytes = row.bytes("crops")?;
    let (version, codes) = bytes
        .split_first_chunk::<4>()
        .ok_or_else(|| damaged("crops", "they end early"))?;
    if u32::from_le_bytes(*version) != views::VERSION {
        return Ok(views::crops(&kept.picture, grid));
    }
    let shares = grid.shares();
    let (codes, rest) = codes.as_chunks::<CROP_BYTES>();
    if codes.len() != shares.len() || !rest.is_empty() {
        return Err(damaged("crops", "they are not as many as there should be"));
    }
    Ok(shares.into_iter().zip(codes.iter().map(read_crop)).collect())
}

fn read_crop([hash @ .., quality]: &[u8; CROP_BYTES]) -> PdqSignal {
    PdqSignal {
        hash: Pdq::from_bytes(*hash),
        quality: *quality,
    }
}
