//! Active incidents, for the banner that everyone at the desk sees.

use sqlx::{AnyConnection, query};

use super::ViewError;
use crate::model::{Actor, Entry, EntryId, Right, Timestamp};
use crate::store::StoreError;
use crate::store::columns::{Columns, damaged};
use crate::{Seawall, banks};

/// The most incidents that are shown.
const INCIDENTS_MAX: i64 = 100;

/// An entry that is part of an active incident.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentView {
    /// The entry.
    pub entry: Entry,
    /// Until when.
    pub until: Timestamp,
    /// When somebody last said so.
    pub marked_at: Timestamp,
    /// The search of what is there is due or under way.
    pub is_hunted: bool,
    /// What the last search of what was there came to.
    pub hunted: Option<HuntView>,
}

/// What a search of what was there came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HuntView {
    /// When it was done.
    pub at: Timestamp,
    /// Files of items that were held against the entry.
    pub n_media: u64,
    /// Open streams that were.
    pub n_streams: u64,
    /// Items that were decided anew.
    pub n_found: u64,
}

/// The active incidents, the last marked first.
pub async fn active_incidents(app: &Seawall, actor: &Actor) -> Result<Vec<IncidentView>, ViewError> {
    actor.require(Right::ReadCases)?;
    let mut conn = app.store.reader().await?;
    let mut found = Vec::new();
    for incident in banks::active_incidents(&mut conn, app.clock.now(), INCIDENTS_MAX).await? {
        let Some(entry) = banks::find_entry(&mut conn, incident.entry).await? else {
            continue;
        };
        let row = query(
            "SELECT at, body FROM store_event WHERE subject = $1 AND kind = 'incident.hunted' ORDER BY seq DESC LIMIT 1",
        )
        .bind(incident.entry.to_string())
        .fetch_optional(&mut *conn)
        .await
        .map_err(StoreError::at("read what a hunt came to"))?;
        let hunted = row.map(|row| {
            let body = row.json("body")?;
            let count = |name: &str| body[name].as_u64().ok_or_else(|| damaged("body", "it has no counts"));
            Ok::<HuntView, StoreError>(HuntView {
                at: row.time("at")?,
                n_media: count("n_media")?,
                n_streams: count("n_streams")?,
                n_found: count("n_found")?,
            })
        });
        found.push(IncidentView {
            entry,
            until: incident.until,
            marked_at: incident.marked_at,
            is_hunted: is_due(&mut conn, incident.entry).await?,
            hunted: hunted.transpose()?,
        });
    }
    Ok(found)
}

/// Whether an entry is searched for, or about to be, in what is there already.
pub async fn is_hunted(app: &Seawall, actor: &Actor, entry: EntryId) -> Result<bool, ViewError> {
    actor.require(Right::ReadBanks)?;
    Ok(is_due(&mut *app.store.reader().await?, entry).await?)
}

async fn is_due(conn: &mut AnyConnection, entry: EntryId) -> Result<bool, StoreError> {
    let row = query("SELECT COUNT(*) AS n FROM store_job WHERE kind = $1 AND subject = $2")
        .bind(banks::HUNT)
        .bind(entry.to_string())
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("look for hunts that are due"))?;
    Ok(row.int("n")? > 0)
}
