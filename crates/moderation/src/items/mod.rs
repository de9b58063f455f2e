//! Items and their media: what the platform submitted, and what was found out about each file.
//!
//! Owns the tables `items_*`. It must never know what a bank or a case is.

mod facts;
mod media;
mod recordings;
mod transcripts;
mod translations;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::facts::PlatformFacts;
use crate::model::{Audience, Item, ItemId, ItemKind, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

pub use facts::{facts_of, facts_to_json};
pub use media::{NewMediaRow, find_media, insert_media, insert_preview, list_media, preview, preview_kinds};
pub use recordings::{
    PictureTrace, Trace, forget_traces_before, frames_to_bytes, hashes_since, insert_strip, insert_trace,
    newest_hashes, strip_picture, strip_places, traces_since, waveform,
};
pub use transcripts::{insert_transcript, transcripts};
pub use translations::{put_translation, remove_translation, translations};

/// An item to be kept.
#[derive(Debug, Clone)]
pub struct NewItem {
    /// See [`Item::id`].
    pub id: ItemId,
    /// See [`Item::kind`].
    pub kind: ItemKind,
    /// See [`Item::account`].
    pub account: Option<String>,
    /// See [`Item::channel`].
    pub channel: Option<String>,
    /// See [`Item::audience`].
    pub audience: Option<Audience>,
    /// See [`Item::url`].
    pub url: Option<String>,
    /// See [`Item::text`].
    pub text: Option<String>,
    /// Why a person reported it.
    pub report: Option<String>,
    /// What the platform says beside its content.
    pub platform: PlatformFacts,
    /// SHA-256, in hex, of all of the above and of the media: the same digest is the same submission.
    pub digest: String,
    /// The same of its content alone, without the report and without what is only said of it.
    pub content: String,
}

/// What is known of an item before it is submitted anew.
#[derive(Debug, Clone)]
pub struct Known {
    /// See [`NewItem::digest`].
    pub digest: String,
    /// See [`NewItem::content`]; none, if it was kept by a Seawall that did not tell the two apart.
    pub content: Option<String>,
    /// Why a person reported it.
    pub report: Option<String>,
    /// See [`Item::revision`].
    pub revision: i64,
    /// See [`Item::received_at`].
    pub received_at: Timestamp,
}

impl Known {
    /// Whether a submission brings nothing that a person would look at: the same content, and no report that is new. What is only said of the
    /// item, such as how often it was seen, may be other.
    pub fn has_content_of(&self, new: &NewItem) -> bool {
        let is_reported_anew = new.report.is_some() && new.report != self.report;
        self.content.as_ref() == Some(&new.content) && !is_reported_anew
    }
}

/// What became of an item that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is new, or its content is: this is its revision now.
    Fresh {
        /// The revision, from 1.
        revision: i64,
    },
    /// Nothing about it is new.
    Same,
}

/// Keeps the item. The row stays locked until the transaction ends, so that two submissions of one item queue up here.
pub async fn put(tx: &mut Tx, new: &NewItem, now: Timestamp) -> Result<Put, StoreError> {
    let row = query(
        "INSERT INTO items_item (id, kind, account, channel, audience, url, text, report, facts, digest, content, revision, received_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $12, 1, $11, $11)
         ON CONFLICT (id) DO UPDATE SET
            kind = excluded.kind, account = excluded.account, channel = excluded.channel, audience = excluded.audience,
            url = excluded.url, text = excluded.text, report = COALESCE(excluded.report, items_item.report),
            facts = excluded.facts, digest = excluded.digest, content = excluded.content,
            revision = items_item.revision + 1, updated_at = excluded.updated_at
         WHERE items_item.digest <> excluded.digest
         RETURNING revision",
    )
    .bind(new.id.to_string())
    .bind(new.kind.as_str())
    .bind(new.account.clone())
    .bind(new.channel.clone())
    .bind(new.audience.map(Audience::as_str))
    .bind(new.url.clone())
    .bind(new.text.clone())
    .bind(new.report.clone())
    .bind(kept_facts(new))
    .bind(new.digest.clone())
    .bind(now.unix_ms())
    .bind(new.content.clone())
    .fetch_optional(tx.conn())
    .await
    .map_err(StoreError::at("keep an item"))?;
    let Some(row) = row else { return Ok(Put::Same) };
    let revision = row.int("revision")?;
    if revision > 1 {
        // What was said before is gone like the text that it stood beside.
        transcripts::forget_before(tx, &new.id, revision).await?;
        translations::forget_before(tx, &new.id, revision).await?;
    }
    Ok(Put::Fresh { revision })
}

fn kept_facts(new: &NewItem) -> Option<String> {
    (!new.platform.is_empty()).then(|| facts_to_json(&new.platform).to_string())
}

/// Locks the item, if it is there, until the transaction ends, and says what is known of it.
pub async fn lock_known(tx: &mut Tx, id: &ItemId) -> Result<Option<Known>, StoreError> {
    let row = query(
        "UPDATE items_item SET revision = revision WHERE id = $1 RETURNING digest, content, report, revision, received_at",
    )
    .bind(id.to_string())
    .fetch_optional(tx.conn())
    .await
    .map_err(StoreError::at("lock an item"))?;
    row.map(|row| {
        Ok(Known {
            digest: row.text("digest")?,
            content: row.opt_text("content")?,
            report: row.opt_text("report")?,
            revision: row.int("revision")?,
            received_at: row.time("received_at")?,
        })
    })
    .transpose()
}

/// Keeps what is said of the item by now. Its content is the same, and so is its revision.
pub async fn put_facts(tx: &mut Tx, new: &NewItem) -> Result<(), StoreError> {
    query("UPDATE items_item SET facts = $1, digest = $2 WHERE id = $3")
        .bind(kept_facts(new))
        .bind(new.digest.clone())
        .bind(new.id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keep what is said of an item"))?;
    Ok(())
}

/// Locks the item until the transaction ends: what is decided about one item is decided one after the other.
pub async fn lock(tx: &mut Tx, id: &ItemId) -> Result<(), StoreError> {
    // A write that changes nothing takes the row's lock in both engines.
    query("UPDATE items_item SET revision = revision WHERE id = $1")
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("lock an item"))?;
    Ok(())
}

/// Who posted the item.
pub async fn account_of(conn: &mut AnyConnection, id: &ItemId) -> Result<Option<String>, StoreError> {
    let row = query("SELECT account FROM items_item WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read who posted an item"))?;
    row.map_or(Ok(None), |row| row.opt_text("account"))
}

/// The digest that the item was last submitted with.
pub async fn digest_of(conn: &mut AnyConnection, id: &ItemId) -> Result<Option<String>, StoreError> {
    let row = query("SELECT digest FROM items_item WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read an item"))?;
    row.map(|row| row.text("digest")).transpose()
}

/// The item, and why it was reported if it was.
pub async fn find(conn: &mut AnyConnection, id: &ItemId) -> Result<Option<(Item, Option<String>)>, StoreError> {
    let row = query(
        "SELECT id, kind, account, channel, audience, url, text, report, revision, received_at, updated_at
         FROM items_item WHERE id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read an item"))?;
    match row {
        Some(row) => Ok(Some((read(&row)?, row.opt_text("report")?))),
        None => Ok(None),
    }
}

/// An item from a row that has the item's columns under their own names.
pub fn read(row: &AnyRow) -> Result<Item, StoreError> {
    Ok(Item {
        id: row.parse("id")?,
        kind: row.parse("kind")?,
        account: row.opt_text("account")?,
        channel: row.opt_text("channel")?,
        audience: row.opt_parse("audience")?,
        url: row.opt_text("url")?,
        text: row.opt_text("text")?,
        revision: row.int("revision")?,
        received_at: row.time("received_at")?,
        updated_at: row.time("updated_at")?,
    })
}
