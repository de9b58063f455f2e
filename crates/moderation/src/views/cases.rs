//! Cases: the list of a queue, and everything that a person needs to decide one.

use std::collections::HashMap;

use policy::Queue;
use signal::SignalType;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use super::items::{MediaView, media_views};
use super::standing::{Standing, standing};
use super::{ViewError, cursor, names};
use crate::model::{
    Action, ActionKind, Actor, Author, Case, CaseId, CaseState, Comment, Decision, Event, Item, ItemId, ItemKind,
    Match, MediaId, Page, PageRequest, PlatformFacts, Recheck, Right, Stands, Tier, Translation,
};
use crate::rules::restrictions;
use crate::store::columns::Columns;
use crate::store::{StoreError, events};
use crate::{Seawall, actions, cases, decisions, items};

/// Which cases are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CaseFilter {
    /// Only those of a queue.
    pub queue: Option<Queue>,
    /// Only open ones, or only closed ones.
    pub open: Option<bool>,
}

/// A line of the list of cases.
#[derive(Debug, Clone)]
pub struct CaseRow {
    /// The case.
    pub case: Case,
    /// What kind of thing the item is.
    pub item_kind: ItemKind,
    /// Who posted it.
    pub account: Option<String>,
    /// A file of the item that has previews.
    pub media: Option<MediaId>,
    /// The strongest match: how near it is, its tier, the bank's name.
    pub best_match: Option<(Nearness, Tier, String)>,
    /// Who holds the case.
    pub holder_name: Option<String>,
}

/// How near the strongest match of a case is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nearness {
    /// So many bits; 0 for the same file.
    Bits(u32),
    /// Its entry was seen by its keypoints alone: the distance would mean little.
    Seen,
    /// Its entry was seen or heard over a time.
    Played,
}

/// Everything that a person needs to decide a case.
#[derive(Debug, Clone)]
pub struct CaseView {
    /// The case.
    pub case: Case,
    /// How it stands among those that wait; none once it is closed.
    pub standing: Option<Standing>,
    /// Who holds it.
    pub holder_name: Option<String>,
    /// Who closed it.
    pub closed_by_name: Option<String>,
    /// The item.
    pub item: Item,
    /// Its text in other languages.
    pub translations: Vec<Translation>,
    /// Why a person reported it.
    pub report: Option<String>,
    /// What the platform said of it beside its content.
    pub facts: PlatformFacts,
    /// Its files and what they matched.
    pub media: Vec<MediaView>,
    /// Decisions on the item, oldest first: the newest [`CaseView::PAST_MAX`].
    pub decisions: Vec<DecisionView>,
    /// What is restricted now.
    pub stands: Vec<Stands>,
    /// Orders about the item, oldest first; as many.
    pub actions: Vec<Action>,
    /// What re-checks of them found, oldest first.
    pub rechecks: Vec<Recheck>,
    /// What people told each other about the case, oldest first.
    pub comments: Vec<CommentView>,
    /// What happened to the case and the item, oldest first; at most [`CaseView::EVENTS_MAX`].
    pub events: Vec<EventView>,
}

impl CaseView {
    /// The most lines of the log that a case shows for each of its subjects.
    pub const EVENTS_MAX: i64 = 100;
    /// The most decisions, orders and re-checks of an item that are shown: the newest. All of them are in the log and the API.
    pub const PAST_MAX: i64 = 100;
    /// Of so many of the newest orders the log is shown.
    pub const ACTIONS_LOGGED_MAX: usize = 20;
}

/// A comment, and by whom in words.
#[derive(Debug, Clone)]
pub struct CommentView {
    /// The comment.
    pub comment: Comment,
    /// Who wrote it: for the console only.
    pub author_name: String,
}

/// A decision, and by whom in words.
#[derive(Debug, Clone)]
pub struct DecisionView {
    /// The decision.
    pub decision: Decision,
    /// The rule's name or the person's: for the console only.
    pub author_name: String,
}

impl DecisionView {
    pub(super) fn of(decision: Decision, names: &HashMap<String, String>) -> Self {
        let author_name = match &decision.author {
            Author::Rule(rule) => rule.clone(),
            Author::Person(user) => names::of(names, &user.to_string()),
        };
        Self { decision, author_name }
    }
}

/// A line of the log, and by whom in words.
#[derive(Debug, Clone)]
pub struct EventView {
    /// The line.
    pub event: Event,
    /// The person's or key's name: for the console only.
    pub actor_name: String,
}

/// Cases: the oldest first, since they have waited the longest; closed ones the newest first.
pub async fn list_cases(
    app: &Seawall,
    actor: &Actor,
    filter: CaseFilter,
    request: &PageRequest,
) -> Result<Page<CaseRow>, ViewError> {
    actor.require(Right::ReadCases)?;
    let place: Option<CaseId> = cursor(request)?;
    // `match` comes after `lead` in the alphabet, so the strongest match is the first by tier descending.
    // The order is that of the primary key, either way, so that the rows of one page are read and no others.
    let (beyond, direction) = match filter.open {
        Some(false) => ("c.id < $3", "DESC"),
        Some(true) | None => ("c.id > $3", "ASC"),
    };
    let columns = cases::columns();
    let statement = format!(
        "SELECT {columns}, i.kind AS item_kind, i.account,
                (SELECT MIN(p.media_id) FROM items_preview p JOIN items_media m ON m.id = p.media_id
                 WHERE m.item_id = c.item_id AND m.revision = i.revision) AS media,
                (SELECT t.distance FROM matching_match t WHERE t.item_id = c.item_id AND t.revision = i.revision
                 ORDER BY t.tier DESC, t.distance, t.media_id, t.idx LIMIT 1) AS best_distance,
                (SELECT t.view FROM matching_match t WHERE t.item_id = c.item_id AND t.revision = i.revision
                 ORDER BY t.tier DESC, t.distance, t.media_id, t.idx LIMIT 1) AS best_view,
                (SELECT t.type FROM matching_match t WHERE t.item_id = c.item_id AND t.revision = i.revision
                 ORDER BY t.tier DESC, t.distance, t.media_id, t.idx LIMIT 1) AS best_type,
                (SELECT t.tier FROM matching_match t WHERE t.item_id = c.item_id AND t.revision = i.revision
                 ORDER BY t.tier DESC, t.distance, t.media_id, t.idx LIMIT 1) AS best_tier,
                (SELECT t.bank_name FROM matching_match t WHERE t.item_id = c.item_id AND t.revision = i.revision
                 ORDER BY t.tier DESC, t.distance, t.media_id, t.idx LIMIT 1) AS best_bank,
                u.name AS holder_name
         FROM cases_case c JOIN items_item i ON i.id = c.item_id LEFT JOIN access_user u ON u.id = c.leased_by
         WHERE (c.queue = $1 OR $1 = '') AND (c.state = $2 OR $2 = '') AND ({beyond} OR $3 = '')
           AND ($5 = '*' OR REPLACE($5, ' ' || c.queue || ' ', '') <> $5)
         ORDER BY c.id {direction} LIMIT $4"
    );
    let mut conn = app.store.reader().await?;
    let rows = query(AssertSqlSafe(statement))
        .bind(filter.queue.map(|queue| queue.to_string()).unwrap_or_default())
        .bind(filter.open.map_or("", |open| if open { "open" } else { "closed" }))
        .bind(place.map(|id| id.to_string()).unwrap_or_default())
        .bind(request.probe())
        .bind(actor.queues().to_string())
        .fetch_all(&mut *conn)
        .await
        .map_err(StoreError::at("read cases"))?;
    let now = app.clock.now();
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let case = cases::read(row)?;
        let best_match = match (
            row.opt_number("best_distance")?,
            row.opt_parse("best_tier")?,
            row.opt_text("best_bank")?,
        ) {
            (Some(distance), Some(tier), Some(bank)) => {
                let nearness = match row.opt_parse("best_type")? {
                    Some(SignalType::Vpdq | SignalType::Chromaprint) => Nearness::Played,
                    _ if row.opt_text("best_view")?.as_deref() == Some(Match::SIGHTING) => Nearness::Seen,
                    _ => Nearness::Bits(distance),
                };
                Some((nearness, tier, bank))
            }
            (_, _, _) => None,
        };
        let holder_name = if case.lease(now).is_some() {
            row.opt_text("holder_name")?
        } else {
            None
        };
        found.push(CaseRow {
            item_kind: row.parse("item_kind")?,
            account: row.opt_text("account")?,
            media: row.opt_parse("media")?,
            best_match,
            holder_name,
            case,
        });
    }
    Ok(Page::cut(found, request, |row| row.case.id.to_string()))
}

/// Everything that a person needs to decide a case.
pub async fn case(app: &Seawall, actor: &Actor, id: CaseId) -> Result<Option<CaseView>, ViewError> {
    actor.require(Right::ReadCases)?;
    let mut conn = app.store.reader().await?;
    let found = cases::find(&mut conn, id).await?;
    let now = app.clock.now();
    let Some(case) = found.filter(|case| case.is_open_to(actor, now)) else {
        return Ok(None);
    };
    let Some((item, report)) = items::find(&mut conn, &case.item).await? else {
        return Ok(None);
    };
    let facts = items::facts_of(&mut conn, &case.item).await?;
    let media = media_views(&mut conn, &case.item, item.revision).await?;
    let names = names::all(&mut conn).await?;
    let decisions = decisions::list_of_item(&mut conn, &case.item, CaseView::PAST_MAX).await?;
    let actions = actions::list_of_item(&mut conn, &case.item, CaseView::PAST_MAX).await?;
    let rechecks = actions::rechecks::of_item(&mut conn, &case.item, CaseView::PAST_MAX).await?;
    let stands = stands_of(&mut conn, &case.item).await?;
    let translations = items::translations(&mut conn, &case.item, item.revision).await?;
    let comments = cases::comments::of_case(&mut conn, id).await?;

    let mut log = events::list_about(&mut conn, &id.to_string(), CaseView::EVENTS_MAX).await?;
    log.extend(events::list_about(&mut conn, case.item.as_str(), CaseView::EVENTS_MAX).await?);
    for action in actions.iter().rev().take(CaseView::ACTIONS_LOGGED_MAX) {
        log.extend(events::list_about(&mut conn, &action.id.to_string(), CaseView::EVENTS_MAX).await?);
    }
    log.sort_by_key(|event| event.seq);
    let events = log
        .into_iter()
        .map(|event| EventView {
            actor_name: names::of(&names, &event.actor),
            event,
        })
        .collect();

    let name_of = |id: crate::model::UserId| names::of(&names, &id.to_string());
    let holder_name = case.lease(now).map(|lease| name_of(lease.holder));
    let closed_by_name = match case.state {
        CaseState::Closed { by, .. } => Some(name_of(by)),
        CaseState::Open { .. } => None,
    };
    let comments = comments.into_iter().map(|comment| CommentView {
        author_name: name_of(comment.author),
        comment,
    });
    let comments = comments.collect();
    let decisions = decisions
        .into_iter()
        .map(|decision| DecisionView::of(decision, &names))
        .collect();
    let standing = standing(&mut conn, actor, &case, now).await?;
    Ok(Some(CaseView {
        case,
        standing,
        holder_name,
        closed_by_name,
        item,
        translations,
        report,
        facts,
        media,
        decisions,
        stands,
        actions,
        rechecks,
        comments,
        events,
    }))
}

/// All that is restricted of an item, and by it.
pub(crate) async fn stands_of(conn: &mut AnyConnection, item: &ItemId) -> Result<Vec<Stands>, StoreError> {
    let orders = actions::standing_orders(&mut *conn, item).await?;
    let endings = restrictions::of_item(conn, item).await?;
    let restricts = orders.into_iter().filter(|order| order.kind == ActionKind::Restrict);
    let stands = restricts.map(|order| Stands {
        until: endings
            .iter()
            .filter(|ending| ending.what == order.what)
            .map(|ending| ending.ends_at)
            .max(),
        what: order.what,
        scope: order.scope,
    });
    Ok(stands.collect())
}
