//! Banks and their entries.

use signal::Signal;
use sqlx::query;

use super::{ViewError, cursor};
use crate::model::{Actor, Bank, BankId, Entry, EntryId, Page, PageRequest, PreviewKind, Right, StripPlace};
use crate::store::StoreError;
use crate::store::columns::Columns;
use crate::{Seawall, banks};

/// A bank, and how much is in it.
#[derive(Debug, Clone)]
pub struct BankRow {
    /// The bank.
    pub bank: Bank,
    /// Entries that are not removed.
    pub n_entries: i64,
}

/// Banks, oldest first.
pub async fn list_banks(app: &Seawall, actor: &Actor, request: &PageRequest) -> Result<Page<BankRow>, ViewError> {
    actor.require(Right::ReadBanks)?;
    let after: Option<BankId> = cursor(request)?;
    let mut conn = app.store.reader().await?;
    let rows = query(
        "SELECT b.id, b.name, b.description, b.confirmed, b.enabled, b.crops, b.created_at,
                (SELECT COUNT(*) FROM banks_entry e WHERE e.bank_id = b.id AND e.state <> 'removed') AS n_entries
         FROM banks_bank b WHERE b.id > $1 ORDER BY b.id LIMIT $2",
    )
    .bind(after.map(|id| id.to_string()).unwrap_or_default())
    .bind(request.probe())
    .fetch_all(&mut *conn)
    .await
    .map_err(StoreError::at("read banks"))?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(BankRow {
            bank: banks::read_bank(row)?,
            n_entries: row.int("n_entries")?,
        });
    }
    Ok(Page::cut(found, request, |row| row.bank.id.to_string()))
}

/// A bank, by its id.
pub async fn bank(app: &Seawall, actor: &Actor, id: BankId) -> Result<Option<BankRow>, ViewError> {
    actor.require(Right::ReadBanks)?;
    let mut conn = app.store.reader().await?;
    let Some(bank) = banks::find_bank(&mut conn, id).await? else {
        return Ok(None);
    };
    let row = query("SELECT COUNT(*) AS n FROM banks_entry WHERE bank_id = $1 AND state <> 'removed'")
        .bind(id.to_string())
        .fetch_one(&mut *conn)
        .await
        .map_err(StoreError::at("count entries"))?;
    Ok(Some(BankRow {
        bank,
        n_entries: row.int("n")?,
    }))
}

/// A bank, by its name.
pub async fn bank_by_name(app: &Seawall, actor: &Actor, name: &str) -> Result<Option<BankRow>, ViewError> {
    actor.require(Right::ReadBanks)?;
    let found = banks::find_bank_by_name(&mut *app.store.reader().await?, name).await?;
    match found {
        Some(found) => bank(app, actor, found.id).await,
        None => Ok(None),
    }
}

/// The entries of a bank that are not removed, oldest first.
pub async fn list_entries(
    app: &Seawall,
    actor: &Actor,
    bank: BankId,
    request: &PageRequest,
) -> Result<Page<Entry>, ViewError> {
    actor.require(Right::ReadBanks)?;
    let after: Option<EntryId> = cursor(request)?;
    let entries = banks::list_entries(&mut *app.store.reader().await?, bank, after, request.probe()).await?;
    Ok(Page::cut(entries, request, |entry| entry.id.to_string()))
}

/// An entry, by its id; also a removed one.
pub async fn entry(app: &Seawall, actor: &Actor, id: EntryId) -> Result<Option<Entry>, ViewError> {
    actor.require(Right::ReadBanks)?;
    Ok(banks::find_entry(&mut *app.store.reader().await?, id).await?)
}

/// The same, each entry with its long signals too: for who takes them elsewhere.
pub async fn list_whole_entries(
    app: &Seawall,
    actor: &Actor,
    bank: BankId,
    request: &PageRequest,
) -> Result<Page<Entry>, ViewError> {
    let mut page = list_entries(app, actor, bank, request).await?;
    let recorded = page
        .rows
        .iter()
        .filter(|entry| entry.video.is_some() || entry.sound.is_some());
    let recorded: Vec<EntryId> = recorded.map(|entry| entry.id).collect();
    let mut long = banks::long_signals(&mut *app.store.reader().await?, &recorded).await?;
    for entry in &mut page.rows {
        entry.signals.extend(long.remove(&entry.id).unwrap_or_default());
    }
    Ok(page)
}

/// The long signals of an entry: the hash of its video, the fingerprint of its sound.
pub async fn long_signals(app: &Seawall, actor: &Actor, id: EntryId) -> Result<Vec<Signal>, ViewError> {
    actor.require(Right::ReadBanks)?;
    let long = banks::long_signals(&mut *app.store.reader().await?, &[id]).await?;
    Ok(long.into_values().flatten().collect())
}

/// The blurred preview (JPEG) of an entry. The clear ones are [`crate::flows::reveal`]'s, because a look at them is logged.
pub async fn blurred_entry_preview(app: &Seawall, actor: &Actor, id: EntryId) -> Result<Option<Vec<u8>>, ViewError> {
    actor.require(Right::ReadCases)?;
    Ok(banks::entry_preview(&mut *app.store.reader().await?, id, PreviewKind::Blurred).await?)
}

/// Small pictures of an entry in the order of time, if it came as a video.
pub async fn entry_strip(app: &Seawall, actor: &Actor, id: EntryId) -> Result<Vec<StripPlace>, ViewError> {
    actor.require(Right::ReadCases)?;
    Ok(banks::strip_places(&mut *app.store.reader().await?, id).await?)
}

/// A blurred picture (JPEG) of an entry's strip. The clear ones are [`crate::flows::reveal`]'s.
pub async fn blurred_entry_strip_picture(
    app: &Seawall,
    actor: &Actor,
    id: EntryId,
    idx: u32,
) -> Result<Option<Vec<u8>>, ViewError> {
    actor.require(Right::ReadCases)?;
    Ok(banks::strip_picture(&mut *app.store.reader().await?, id, idx, true).await?)
}
