//! Items that answer a search: by what they are, say, and show, by who posted them where and when, and by what was decided. And the way from any id to its page.

use signal::Signal;
use sqlx::{AssertSqlSafe, query};

use super::items::ItemRow;
use super::{ViewError, reaches_item};
use crate::model::{
    ActionId, Actor, CaseId, DecisionId, EntryId, ItemId, ItemKind, Outcome, Page, PageRequest, Right, Timestamp,
};
use crate::store::StoreError;
use crate::store::columns::Columns;
use crate::{Seawall, actions, banks, cases, decisions, items};

/// What is searched for. What is left out is not asked.
#[derive(Debug, Clone, Default)]
pub struct ItemSearch {
    /// Words of its text, or a part of its id, account or channel: found as they stand; of the letters a to z, upper or lower case.
    pub words: Option<String>,
    /// Who posted it.
    pub account: Option<String>,
    /// Where it was posted.
    pub channel: Option<String>,
    /// What kind of thing it is.
    pub kind: Option<ItemKind>,
    /// What was last decided.
    pub outcome: Option<Outcome>,
    /// A label of an entry that it matches.
    pub label: Option<String>,
    /// A hash that one of its files has.
    pub signal: Option<Signal>,
    /// Submitted, in its latest revision, from then on.
    pub from: Option<Timestamp>,
    /// Submitted before.
    pub to: Option<Timestamp>,
}

impl ItemSearch {
    /// The most characters of a word, a name or a label that are searched for.
    pub const TEXT_LENGTH_MAX: usize = 256;

    /// Whether anything is asked.
    pub fn is_empty(&self) -> bool {
        let Self {
            words,
            account,
            channel,
            kind,
            outcome,
            label,
            signal,
            from,
            to,
        } = self;
        [words, account, channel, label].iter().all(|text| text.is_none())
            && (kind.is_none() && outcome.is_none() && signal.is_none())
            && (from.is_none() && to.is_none())
    }
}

/// The conditions of a statement, and what stands in their places.
struct Conditions {
    text: String,
    values: Vec<Value>,
}

enum Value {
    Text(String),
    Int(i64),
}

impl Conditions {
    /// The place of a value, such as `$3`.
    fn place(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// `condition` has `$` where the value stands.
    fn and(&mut self, condition: &str, value: Value) {
        let place = self.place(value);
        self.text.push_str(" AND ");
        self.text.push_str(&condition.replace('$', &place));
    }
}

/// Items, the last submitted first.
pub async fn list_items(app: &Seawall, actor: &Actor, request: &PageRequest) -> Result<Page<ItemRow>, ViewError> {
    search_items(app, actor, &ItemSearch::default(), request).await
}

/// Items that answer the search, the last submitted first.
pub async fn search_items(
    app: &Seawall,
    actor: &Actor,
    search: &ItemSearch,
    request: &PageRequest,
) -> Result<Page<ItemRow>, ViewError> {
    actor.require(Right::ReadItems)?;
    let mut conditions = Conditions {
        text: cases::within_queues("i.id", "$1"),
        values: vec![Value::Text(actor.queues().to_string())],
    };
    if let Some((at, id)) = before(request)? {
        let (at, id) = (
            conditions.place(Value::Int(at)),
            conditions.place(Value::Text(id.to_string())),
        );
        conditions
            .text
            .push_str(&format!(" AND (i.updated_at, i.id) < ({at}, {id})"));
    }
    if let Some(words) = &search.words {
        let pattern = format!("%{}%", escaped(words));
        conditions.and(
            "(COALESCE(i.text, '') LIKE $ ESCAPE '~' OR LOWER(COALESCE(i.text, '')) LIKE LOWER($) ESCAPE '~' OR LOWER(i.id) LIKE LOWER($) ESCAPE '~'
              OR LOWER(COALESCE(i.account, '')) LIKE LOWER($) ESCAPE '~' OR LOWER(COALESCE(i.channel, '')) LIKE LOWER($) ESCAPE '~')",
            Value::Text(pattern),
        );
    }
    let texts = [
        ("i.account = $", search.account.clone()),
        ("i.channel = $", search.channel.clone()),
        ("i.kind = $", search.kind.map(|kind| kind.to_string())),
        (
            "(SELECT d.outcome FROM decisions_decision d WHERE d.item_id = i.id ORDER BY d.ordinal DESC LIMIT 1) = $",
            search.outcome.map(|outcome| outcome.to_string()),
        ),
        (
            // Labels are kept as a list in JSON: a label stands there between quotes.
            "i.id IN (SELECT t.item_id FROM matching_match t JOIN banks_entry e ON e.id = t.entry_id
                      WHERE t.revision = i.revision AND e.labels LIKE $ ESCAPE '~')",
            search.label.as_ref().map(|label| {
                let quoted = serde_json::Value::from(label.as_str()).to_string();
                format!("%{}%", escaped(&quoted))
            }),
        ),
    ];
    for (condition, value) in texts {
        if let Some(value) = value {
            conditions.and(condition, Value::Text(value));
        }
    }
    if let Some(signal) = &search.signal {
        let value = conditions.place(Value::Text(signal.value()));
        let kind = conditions.place(Value::Text(signal.signal_type().to_string()));
        conditions.text.push_str(&format!(
            " AND i.id IN (SELECT m.item_id FROM items_signal s JOIN items_media m ON m.id = s.media_id
                                JOIN items_item x ON x.id = m.item_id AND x.revision = m.revision
                           WHERE s.value = {value} AND s.type = {kind})"
        ));
    }
    if let Some(from) = search.from {
        conditions.and("i.updated_at >= $", Value::Int(from.unix_ms()));
    }
    if let Some(to) = search.to {
        conditions.and("i.updated_at < $", Value::Int(to.unix_ms()));
    }
    let limit = conditions.place(Value::Int(request.probe()));
    let statement = format!(
        "SELECT i.id, i.kind, i.account, i.channel, i.audience, i.url, i.text, i.revision, i.received_at, i.updated_at,
                (SELECT d.outcome FROM decisions_decision d WHERE d.item_id = i.id ORDER BY d.ordinal DESC LIMIT 1) AS outcome,
                (SELECT c.id FROM cases_case c WHERE c.item_id = i.id AND c.state = 'open'
                 AND ($1 = '*' OR REPLACE($1, ' ' || c.queue || ' ', '') <> $1)) AS open_case,
                (SELECT COUNT(*) FROM items_media m WHERE m.item_id = i.id AND m.revision = i.revision) AS n_media,
                (SELECT COUNT(*) FROM items_media m
                 WHERE m.item_id = i.id AND m.revision = i.revision AND m.status = 'unscanned') AS n_unscanned
         FROM items_item i WHERE {}
         ORDER BY i.updated_at DESC, i.id DESC LIMIT {limit}",
        conditions.text
    );
    let mut asked = query(AssertSqlSafe(statement));
    for value in conditions.values {
        asked = match value {
            Value::Text(text) => asked.bind(text),
            Value::Int(number) => asked.bind(number),
        };
    }
    let mut conn = app.store.reader().await?;
    let rows = asked
        .fetch_all(&mut *conn)
        .await
        .map_err(StoreError::at("search items"))?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(ItemRow {
            item: items::read(row)?,
            outcome: row.opt_parse("outcome")?,
            open_case: row.opt_parse("open_case")?,
            n_media: row.int("n_media")?,
            n_unscanned: row.int("n_unscanned")?,
        });
    }
    Ok(Page::cut(found, request, |row| {
        format!("{}:{}", row.item.updated_at.unix_ms(), row.item.id)
    }))
}

/// After which item a page begins.
fn before(request: &PageRequest) -> Result<Option<(i64, ItemId)>, ViewError> {
    let Some(text) = &request.cursor else { return Ok(None) };
    let (at, id) = text.split_once(':').ok_or(ViewError::BadCursor)?;
    let id: ItemId = id.parse().map_err(|_| ViewError::BadCursor)?;
    Ok(Some((at.parse().map_err(|_| ViewError::BadCursor)?, id)))
}

/// Text as `LIKE … ESCAPE '~'` takes it literally.
fn escaped(text: &str) -> String {
    text.replace('~', "~~").replace('%', "~%").replace('_', "~_")
}

/// Where something is, that an id names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A case.
    Case(CaseId),
    /// An entry.
    Entry(EntryId),
    /// An item; or one that a decision or an order is about.
    Item(ItemId),
}

/// Where the thing is that has this id, if the actor reaches it.
pub async fn place_of(app: &Seawall, actor: &Actor, id: &str) -> Result<Option<Place>, ViewError> {
    let id = id.trim();
    let mut conn = app.store.reader().await?;
    if let Ok(id) = id.parse::<CaseId>() {
        let now = app.clock.now();
        let found = match actor.may(Right::ReadCases) {
            true => cases::find(&mut conn, id).await?,
            false => None,
        };
        return Ok(found
            .filter(|case| case.is_open_to(actor, now))
            .map(|_| Place::Case(id)));
    }
    if let Ok(id) = id.parse::<EntryId>() {
        let found = match actor.may(Right::ReadBanks) {
            true => banks::find_entry(&mut conn, id).await?,
            false => None,
        };
        return Ok(found.map(|_| Place::Entry(id)));
    }
    if !actor.may(Right::ReadItems) {
        return Ok(None);
    }
    let item = if let Ok(id) = id.parse::<DecisionId>() {
        decisions::find(&mut conn, id).await?.map(|decision| decision.item)
    } else if let Ok(id) = id.parse::<ActionId>() {
        actions::find(&mut conn, id).await?.map(|tried| tried.action.item)
    } else if let Ok(id) = id.parse::<ItemId>() {
        items::find(&mut conn, &id).await?.map(|_| id)
    } else {
        None
    };
    match item {
        Some(item) if reaches_item(&mut conn, actor, &item).await? => Ok(Some(Place::Item(item))),
        Some(_) | None => Ok(None),
    }
}
