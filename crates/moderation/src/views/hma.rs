//! Banks, content and exchanges as clients of HMA see them.

use std::sync::Arc;

use signal::SignalType;
use sqlx::{AnyConnection, query};

use super::ViewError;
use crate::hma::{self, ContentNotes, Exchange, ExchangeApi, HmaBank, ratio_of};
use crate::model::{Actor, EntryState, Right, Timestamp};
use crate::store::StoreError;
use crate::store::columns::{Columns, damaged};
use crate::{Seawall, banks};

/// Content of a bank.
#[derive(Debug, Clone, PartialEq)]
pub struct HmaContent {
    /// Its number.
    pub id: i64,
    /// The bank it is in.
    pub bank: HmaBank,
    /// Until when it is disabled, in seconds since 1970: 0 for ever, 1 not at all.
    pub disable_until_s: i64,
    /// What the client said of it.
    pub notes: ContentNotes,
    /// Its signals; the first of each kind.
    pub signals: Vec<(SignalType, String)>,
}

/// How many signals of a kind there are, and whether they are all matched against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HmaCensus {
    /// The kind.
    pub signal_type: SignalType,
    /// Signals of entries that are not removed.
    pub n_signals: i64,
    /// When the newest of them was added.
    pub newest_at: Option<Timestamp>,
}

/// The most banks that are listed: HMA's list has no pages.
const BANKS_MAX: i64 = 10_000;

/// All banks that were not removed, the oldest first.
pub async fn hma_banks(app: &Seawall, actor: &Actor) -> Result<Vec<HmaBank>, ViewError> {
    actor.require(Right::ReadBanks)?;
    let mut conn = app.store.reader().await?;
    let rows = query(
        "SELECT b.id, b.name, b.enabled, h.enabled_ratio FROM banks_bank b LEFT JOIN hma_bank h ON h.bank_id = b.id
         WHERE h.removed_at IS NULL ORDER BY b.id LIMIT $1",
    )
    .bind(BANKS_MAX)
    .fetch_all(&mut *conn)
    .await
    .map_err(StoreError::at("read banks"))?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(HmaBank {
            id: row.parse("id")?,
            name: row.text("name")?,
            ratio: ratio_of(row.flag("enabled")?, row.opt_parse("enabled_ratio")?),
        });
    }
    Ok(found)
}

/// The bank, by its name.
pub async fn hma_bank(app: &Seawall, actor: &Actor, name: &str) -> Result<Option<HmaBank>, ViewError> {
    actor.require(Right::ReadBanks)?;
    let mut conn = app.store.reader().await?;
    let Some(bank) = banks::find_bank_by_name(&mut conn, name).await? else {
        return Ok(None);
    };
    let notes = hma::bank_notes(&mut conn, bank.id).await?;
    if notes.is_some_and(|notes| notes.is_removed) {
        return Ok(None);
    }
    Ok(Some(HmaBank {
        id: bank.id,
        name: bank.name,
        ratio: ratio_of(bank.enabled, notes.map(|notes| notes.ratio)),
    }))
}

/// Content, by its bank's name and its number.
pub async fn hma_content(app: &Seawall, actor: &Actor, bank: &str, id: i64) -> Result<Option<HmaContent>, ViewError> {
    let Some(bank) = hma_bank(app, actor, bank).await? else {
        return Ok(None);
    };
    let mut conn = app.store.reader().await?;
    let entry = banks::find_entry_by_handle(&mut conn, id).await?;
    let Some(entry) = entry.filter(|entry| entry.bank == bank.id && entry.state != EntryState::Removed) else {
        return Ok(None);
    };
    let notes = hma::content(&mut conn, entry.id).await?;
    let now_s = app.clock.now().unix_seconds();
    // As the client wrote it, unless the console has said otherwise since.
    let disable_until_s = match (entry.state, notes.disable_until_s) {
        (EntryState::Enabled, Some(said)) if said >= 1 && said <= now_s => said,
        (EntryState::Enabled, _) => 1,
        (EntryState::Disabled | EntryState::Removed, Some(said)) if said > 1 => said,
        (EntryState::Disabled | EntryState::Removed, _) => 0,
    };
    let mut signals: Vec<(SignalType, String)> = Vec::new();
    let long = banks::long_signals(&mut conn, &[entry.id]).await?.remove(&entry.id);
    for signal in entry.signals.iter().chain(long.iter().flatten()) {
        let kind = signal.signal_type();
        if !signals.iter().any(|(known, _)| *known == kind) {
            signals.push((kind, signal.value()));
        }
    }
    Ok(Some(HmaContent {
        id,
        bank,
        disable_until_s,
        notes,
        signals,
    }))
}

/// How many signals there are, of each kind of which there is any. They are counted again only after the banks changed.
pub async fn hma_census(app: &Seawall, actor: &Actor) -> Result<Arc<Vec<HmaCensus>>, ViewError> {
    actor.require(Right::ReadBanks)?;
    let mut conn = app.store.reader().await?;
    // The end of the feed, and not how far this process followed it: what is counted is what the store holds.
    let end = banks::feed_end(&mut conn).await?;
    Ok(app.hma.census.get(end, count_signals(&mut conn)).await?)
}

async fn count_signals(conn: &mut AnyConnection) -> Result<Vec<HmaCensus>, StoreError> {
    let rows = query(
        "SELECT s.type, COUNT(*) AS n, MAX(e.created_at) AS newest
         FROM banks_signal s JOIN banks_entry e ON e.id = s.entry_id WHERE e.state <> 'removed' GROUP BY s.type
         UNION ALL
         SELECT 'vpdq', COUNT(*), MAX(e.created_at)
         FROM banks_timeline t JOIN banks_entry e ON e.id = t.entry_id WHERE e.state <> 'removed' HAVING COUNT(*) > 0
         UNION ALL
         SELECT 'chromaprint', COUNT(*), MAX(e.created_at)
         FROM banks_sound t JOIN banks_entry e ON e.id = t.entry_id WHERE e.state <> 'removed' HAVING COUNT(*) > 0",
    )
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("count signals"))?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let signal_type = row.text("type")?;
        found.push(HmaCensus {
            signal_type: signal_type.parse().map_err(|error| damaged("type", error))?,
            n_signals: row.int("n")?,
            newest_at: row.opt_time("newest")?,
        });
    }
    Ok(found)
}

/// Whether everything that was committed is matched against.
pub async fn hma_is_caught_up(app: &Seawall, actor: &Actor) -> Result<bool, ViewError> {
    actor.require(Right::ReadBanks)?;
    let end = banks::feed_end(&mut *app.store.reader().await?).await?;
    Ok(app.matcher.cursor() >= end)
}

/// All exchanges, the oldest first.
pub async fn hma_exchanges(app: &Seawall, actor: &Actor) -> Result<Vec<Exchange>, ViewError> {
    actor.require(Right::ReadBanks)?;
    Ok(hma::list_exchanges(&mut *app.store.reader().await?).await?)
}

/// The exchange, by its name.
pub async fn hma_exchange(app: &Seawall, actor: &Actor, name: &str) -> Result<Option<Exchange>, ViewError> {
    actor.require(Right::ReadBanks)?;
    Ok(hma::find_exchange(&mut *app.store.reader().await?, name).await?)
}

/// Whether there are credentials for a programme.
pub async fn hma_has_credentials(app: &Seawall, actor: &Actor, api: ExchangeApi) -> Result<bool, ViewError> {
    actor.require(Right::ReadBanks)?;
    Ok(hma::has_credentials(&mut *app.store.reader().await?, api).await?)
}
