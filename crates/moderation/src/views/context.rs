//! What stands around a case: what else its account and channel posted and what came of it, what was decided on other items that show the same known
//! content, and open cases that are about the same.
//!
//! It counts decisions about content. It says nothing of what a person thinks, and is shown to who decides and nobody else.

use sqlx::{AnyConnection, query};

use super::ViewError;
use crate::model::{Actor, CaseId, EntryId, ItemId, LabelOn, QueueSet, Right, Timestamp};
use crate::rules::labels;
use crate::store::StoreError;
use crate::store::columns::Columns;
use crate::{Seawall, items};

/// So many of the latest items of an account, a channel or an entry are counted.
pub const CONTEXT_ITEMS_MAX: i64 = 1_000;
/// The most entries whose history is shown.
const ENTRIES_MAX: i64 = 5;
/// The most related cases that are shown.
const RELATED_MAX: i64 = 10;

/// What stands around a case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseContext {
    /// Who posted it.
    pub account: Option<Poster>,
    /// Where.
    pub channel: Option<Poster>,
    /// What was decided on other items that match what this one matches.
    pub entries: Vec<EntryPast>,
    /// Open cases about other items of the account or channel, or that match the same.
    pub related: Vec<RelatedCase>,
}

/// An account or a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poster {
    /// The platform's name for it.
    pub name: String,
    /// What came of its items.
    pub tally: Tally,
    /// Labels that rules or people put on it.
    pub labels: Vec<String>,
}

/// What came of some items, at most [`CONTEXT_ITEMS_MAX`] of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many.
    pub n_items: i64,
    /// How many of them are restricted now.
    pub n_restricted: i64,
    /// How many had been restricted, and a person put them back.
    pub n_reversed: i64,
}

/// What was decided on other items that match an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPast {
    /// The entry.
    pub entry: EntryId,
    /// What people call it.
    pub name: String,
    /// What came of them.
    pub tally: Tally,
}

/// An open case that is about the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelatedCase {
    /// The case.
    pub case: CaseId,
    /// Its item.
    pub item: ItemId,
    /// Whether it matches the same entry.
    pub is_same_entry: bool,
    /// Whether the same account posted it.
    pub is_same_account: bool,
}

/// What stands around the case of an item.
pub async fn case_context(app: &Seawall, actor: &Actor, item: &ItemId) -> Result<CaseContext, ViewError> {
    actor.require(Right::ReadCases)?;
    let mut conn = app.store.reader().await?;
    if !super::reaches_item(&mut conn, actor, item).await? {
        return Ok(CaseContext::default());
    }
    let Some((found, _)) = items::find(&mut conn, item).await? else {
        return Ok(CaseContext::default());
    };
    let now = app.clock.now();
    let account = match &found.account {
        Some(name) => {
            let own = "SELECT i.id FROM items_item i WHERE i.account = $1 AND i.id <> $2 ORDER BY i.updated_at DESC";
            Some(poster(&mut conn, LabelOn::Account, own, name, item, now).await?)
        }
        None => None,
    };
    let channel = match &found.channel {
        Some(name) => {
            let own = "SELECT i.id FROM items_item i WHERE i.channel = $1 AND i.id <> $2 ORDER BY i.updated_at DESC";
            Some(poster(&mut conn, LabelOn::Channel, own, name, item, now).await?)
        }
        None => None,
    };
    let at = StoreError::at("read what an item matches");
    let rows = query(
        "SELECT t.entry_id, MIN(e.name) AS name, MIN(t.distance) AS distance
         FROM matching_match t JOIN banks_entry e ON e.id = t.entry_id
         WHERE t.item_id = $1 AND t.revision = $2 GROUP BY t.entry_id ORDER BY MIN(t.distance), t.entry_id LIMIT $3",
    )
    .bind(item.to_string())
    .bind(found.revision)
    .bind(ENTRIES_MAX)
    .fetch_all(&mut *conn)
    .await
    .map_err(&at)?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
        let entry: EntryId = row.parse("entry_id")?;
        let others = "SELECT DISTINCT t.item_id AS id FROM matching_match t WHERE t.entry_id = $1 AND t.item_id <> $2";
        entries.push(EntryPast {
            entry,
            name: row.text("name")?,
            tally: tally(&mut conn, others, &entry.to_string(), item).await?,
        });
    }
    let related = related(&mut conn, actor.queues(), item, found.account.as_deref()).await?;
    Ok(CaseContext {
        account,
        channel,
        entries,
        related,
    })
}

async fn poster(
    conn: &mut AnyConnection,
    on: LabelOn,
    ids: &'static str,
    name: &str,
    item: &ItemId,
    now: Timestamp,
) -> Result<Poster, StoreError> {
    let labels = labels::in_force(&mut *conn, on, name, now).await?;
    Ok(Poster {
        name: name.to_owned(),
        tally: tally(conn, ids, name, item).await?,
        labels: labels.into_iter().map(|label| label.label).collect(),
    })
}

/// `ids` selects items by `$1`, all but `$2`.
async fn tally(conn: &mut AnyConnection, ids: &'static str, value: &str, item: &ItemId) -> Result<Tally, StoreError> {
    let statement = format!(
        "SELECT COUNT(*) AS n_items,
                COUNT(CASE WHEN (SELECT d.outcome FROM decisions_decision d WHERE d.item_id = o.id
                                 ORDER BY d.ordinal DESC LIMIT 1) = 'restrict' THEN 1 END) AS n_restricted,
                COUNT(CASE WHEN EXISTS (SELECT 1 FROM decisions_decision d JOIN decisions_decision l ON l.supersedes = d.id
                                        WHERE d.item_id = o.id AND l.item_id = o.id AND d.outcome = 'restrict'
                                          AND l.outcome = 'allow' AND l.author_kind = 'person'
                                          AND l.facts NOT LIKE '%\"undoes\"%'
                                          AND NOT EXISTS (SELECT 1 FROM decisions_decision u WHERE u.item_id = l.item_id
                                                          AND u.supersedes = l.id AND u.facts LIKE '%\"undoes\"%')) THEN 1 END) AS n_reversed
         FROM ({ids} LIMIT $3) o"
    );
    let row = query(sqlx::AssertSqlSafe(statement))
        .bind(value.to_owned())
        .bind(item.to_string())
        .bind(CONTEXT_ITEMS_MAX)
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("count what came of items"))?;
    Ok(Tally {
        n_items: row.int("n_items")?,
        n_restricted: row.int("n_restricted")?,
        n_reversed: row.int("n_reversed")?,
    })
}

async fn related(
    conn: &mut AnyConnection,
    queues: &QueueSet,
    item: &ItemId,
    account: Option<&str>,
) -> Result<Vec<RelatedCase>, StoreError> {
    let rows = query(
        "SELECT c.id, c.item_id, r.same_entry, r.same_account
         FROM (SELECT o.item_id, MAX(o.same_entry) AS same_entry, MAX(o.same_account) AS same_account
               FROM (SELECT m.item_id, m.same_entry, m.same_account FROM (
                         SELECT t.item_id, 1 AS same_entry, 0 AS same_account FROM matching_match t
                         WHERE t.entry_id IN (SELECT own.entry_id FROM matching_match own JOIN items_item i ON i.id = own.item_id
                                              WHERE own.item_id = $1 AND own.revision = i.revision)
                         LIMIT $5) m
                     UNION ALL
                     SELECT n.item_id, n.same_entry, n.same_account FROM (
                         SELECT i.id AS item_id, 0 AS same_entry, 1 AS same_account FROM items_item i WHERE i.account = $2
                         ORDER BY i.updated_at DESC LIMIT $5) n) o
               GROUP BY o.item_id) r
              JOIN cases_case c ON c.item_id = r.item_id
         WHERE c.state = 'open' AND c.item_id <> $1
           AND ($3 = '*' OR REPLACE($3, ' ' || c.queue || ' ', '') <> $3)
         ORDER BY r.same_entry DESC, c.id LIMIT $4",
    )
    .bind(item.to_string())
    .bind(account.map(str::to_owned))
    .bind(queues.to_string())
    .bind(RELATED_MAX)
    .bind(CONTEXT_ITEMS_MAX)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("look for cases about the same"))?;
    rows.iter()
        .map(|row| {
            Ok(RelatedCase {
                case: row.parse("id")?,
                item: row.parse("item_id")?,
                is_same_entry: row.int("same_entry")? == 1,
                is_same_account: row.int("same_account")? == 1,
            })
        })
        .collect()
}
