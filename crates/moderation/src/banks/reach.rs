//! How near counts for an entry: kept as others found it out, and what they need to find it out.

use signal::nearness::Reach;
use signal::pdq::PdqSignal;
use signal::{KeptLook, Signal, SignalType};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use super::CHANGES;
use super::entries::read_signal;
use super::looks::{read_crops, read_look};
use super::placeholders;
use crate::model::EntryId;
use crate::model::bank::Judged;
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx, counter};

/// An entry that a sample may be held against.
#[derive(Debug, Clone)]
pub struct ToJudge {
    /// Which.
    pub entry: EntryId,
    /// Its PDQ hashes.
    pub hashes: Vec<Signal>,
    /// Those of its crops that are searched for.
    pub crops: Vec<PdqSignal>,
    /// Its look, if one is kept.
    pub look: Option<KeptLook>,
    /// What was found out before.
    pub judged: Option<Judged>,
}

/// A page of entries that a sample may be held against.
#[derive(Debug, Clone)]
pub struct JudgePage {
    /// Those that have something to judge.
    pub entries: Vec<ToJudge>,
    /// The last entry that was read.
    pub last: Option<EntryId>,
    /// Whether there may be more.
    pub more: bool,
}

/// The columns of [`Judged`], of a table that goes by `r`.
pub(super) const COLUMNS: &str = "r.match_bits, r.lead_bits, r.match_places, r.lead_places, r.nearest_benign_bits,
     r.nearest_benign_places, r.template_risk, r.judged_at";

/// Keeps how near counts for an entry. Whoever remembers it otherwise hears of it by [`tell_followers`].
pub async fn set_judged(tx: &mut Tx, entry: EntryId, judged: &Judged) -> Result<(), StoreError> {
    query(
        "INSERT INTO banks_reach (entry_id, match_bits, lead_bits, match_places, lead_places, nearest_benign_bits,
                                  nearest_benign_places, template_risk, judged_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (entry_id) DO UPDATE SET match_bits = excluded.match_bits, lead_bits = excluded.lead_bits,
             match_places = excluded.match_places, lead_places = excluded.lead_places,
             nearest_benign_bits = excluded.nearest_benign_bits,
             nearest_benign_places = excluded.nearest_benign_places, template_risk = excluded.template_risk,
             judged_at = excluded.judged_at",
    )
    .bind(entry.to_string())
    .bind(i64::from(judged.reach.match_bits))
    .bind(i64::from(judged.reach.lead_bits))
    .bind(i64::from(judged.reach.match_places))
    .bind(i64::from(judged.reach.lead_places))
    .bind(judged.nearest_benign_bits.map(i64::from))
    .bind(i64::from(judged.nearest_benign_places))
    .bind(i64::from(judged.reach.is_template))
    .bind(judged.at.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep how near counts for an entry"))?;
    Ok(())
}

/// Moves the feed on, though no entry has other codes: who follows it forgets what is remembered of entries.
pub async fn tell_followers(tx: &mut Tx) -> Result<(), StoreError> {
    counter::take(tx, CHANGES, 1).await?;
    Ok(())
}

/// Up to `limit` enabled entries after `after`, oldest first.
pub async fn entries_to_judge(
    conn: &mut AnyConnection,
    after: Option<EntryId>,
    limit: usize,
) -> Result<JudgePage, StoreError> {
    let rows = query("SELECT id FROM banks_entry WHERE id > $1 AND state = 'enabled' ORDER BY id LIMIT $2")
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(limit as i64)
        .fetch_all(&mut *conn)
        .await
        .map_err(StoreError::at("read entries to be judged"))?;
    let ids: Vec<EntryId> = rows.iter().map(|row| row.parse("id")).collect::<Result<_, _>>()?;
    Ok(JudgePage {
        last: ids.last().copied(),
        more: ids.len() == limit,
        entries: to_judge(conn, &ids).await?,
    })
}

/// Those of the entries that have something to judge. At most as many as one statement may ask for.
pub async fn to_judge(conn: &mut AnyConnection, ids: &[EntryId]) -> Result<Vec<ToJudge>, StoreError> {
    let at = StoreError::at("read what an entry is judged by");
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = placeholders(2, ids.len());
    let statement = format!(
        "SELECT s.entry_id, s.type, s.value, s.quality, {COLUMNS}
         FROM banks_signal s LEFT JOIN banks_reach r ON r.entry_id = s.entry_id
         WHERE s.type = $1 AND s.entry_id IN ({list}) ORDER BY s.entry_id, s.idx"
    );
    let mut statement = query(AssertSqlSafe(statement)).bind(SignalType::Pdq.as_str());
    for id in ids {
        statement = statement.bind(id.to_string());
    }
    let rows = statement.fetch_all(&mut *conn).await.map_err(&at)?;
    let mut found: Vec<ToJudge> = Vec::with_capacity(ids.len());
    for row in &rows {
        let entry: EntryId = row.parse("entry_id")?;
        if found.last().is_none_or(|last| last.entry != entry) {
            found.push(ToJudge {
                entry,
                hashes: Vec::new(),
                crops: Vec::new(),
                look: None,
                judged: read_judged(row)?,
            });
        }
        if let Some(last) = found.last_mut() {
            last.hashes.push(read_signal(row)?);
        }
    }
    let statement = format!(
        "SELECT l.entry_id, l.look, l.crops, l.dense_until, b.crops AS bank_crops
         FROM banks_look l JOIN banks_entry e ON e.id = l.entry_id JOIN banks_bank b ON b.id = e.bank_id
         WHERE l.entry_id IN ({})",
        placeholders(1, ids.len())
    );
    let mut statement = query(AssertSqlSafe(statement));
    for id in ids {
        statement = statement.bind(id.to_string());
    }
    for row in &statement.fetch_all(conn).await.map_err(&at)? {
        let entry: EntryId = row.parse("entry_id")?;
        if let Some(found) = found.iter_mut().find(|found| found.entry == entry) {
            let kept = read_look(row)?;
            found.crops = read_crops(row, &kept)?.into_iter().map(|(_, pdq)| pdq).collect();
            found.look = Some(kept);
        }
    }
    Ok(found)
}

/// What was found out, from a row that has [`COLUMNS`].
pub(super) fn read_judged(row: &AnyRow) -> Result<Option<Judged>, StoreError> {
    let Some(at) = row.opt_time("judged_at")? else {
        return Ok(None);
    };
    Ok(Some(Judged {
        reach: Reach {
            match_bits: row.number("match_bits")?,
            lead_bits: row.number("lead_bits")?,
            match_places: row.number("match_places")?,
            lead_places: row.number("lead_places")?,
            is_template: row.flag("template_risk")?,
        },
        nearest_benign_bits: row.opt_number("nearest_benign_bits")?,
        nearest_benign_places: row.number("nearest_benign_places")?,
        at,
    }))
}
