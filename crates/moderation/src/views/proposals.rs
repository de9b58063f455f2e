//! What waits for a second person: the list, a proposal with all that its proposer saw, and the word on a case's page. Whoever does not reach all of what waits of
//! a proposal does not see it; who proposed it always does.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use super::together::{ItemBrief, briefs, wholly_within};
use super::{ViewError, cursor, names};
use crate::model::{
    Actor, ItemId, Lane, Page, PageRequest, Proposal, ProposalId, ProposalState, ProposedItem, ProposedState, Right,
    Timestamp,
};
use crate::store::StoreError;
use crate::store::columns::Columns;
use crate::{Seawall, proposals};

/// The most proposals that the list shows.
pub const PROPOSALS_SHOWN_MAX: i64 = 100;
/// So far is counted what waits for somebody: each of their pages says it.
pub const PROPOSALS_COUNTED_MAX: i64 = 100;
/// After every time that something is due.
const NEVER: i64 = i64::MAX;

/// A line of the list of proposals.
#[derive(Debug, Clone)]
pub struct ProposalRow {
    /// The proposal.
    pub proposal: Proposal,
    /// Who proposed it.
    pub by_name: String,
    /// Whether that is who looks.
    pub is_own: bool,
    /// One of its items.
    pub item: ItemId,
    /// How many items it has.
    pub n_items: i64,
    /// When the first of its cases is due.
    pub due_at: Option<Timestamp>,
}

/// A proposal with what its proposer saw.
#[derive(Debug, Clone)]
pub struct ProposalView {
    /// The proposal.
    pub proposal: Proposal,
    /// Who proposed it.
    pub by_name: String,
    /// Who approved, rejected or withdrew it.
    pub ended_by_name: Option<String>,
    /// Whether who looks proposed it.
    pub is_own: bool,
    /// Whether who looks may say yes or no to it.
    pub may_end: bool,
    /// Until when who looks can take all of it back.
    pub undo_until: Option<Timestamp>,
    /// Its items, each with what is known of it by now; nothing is known of those that who looks does not reach any more.
    pub items: Vec<(ProposedItem, Option<ItemBrief>)>,
    /// When the first of its cases is due.
    pub due_at: Option<Timestamp>,
}

impl ProposalView {
    /// How many of its items are in this state.
    pub fn n_in(&self, state: ProposedState) -> usize {
        self.items.iter().filter(|(of, _)| of.state == state).count()
    }
}

/// What waits about an item, as its case's page says it.
#[derive(Debug, Clone)]
pub struct WaitingProposal {
    /// Which.
    pub id: ProposalId,
    /// Who proposed it.
    pub by_name: String,
    /// When.
    pub at: Timestamp,
    /// How many items it is on.
    pub n_items: i64,
}

/// Proposals that wait, the most pressing lane and the soonest due first; or those that ended, the newest first. And whether there are more.
pub async fn list_proposals(app: &Seawall, actor: &Actor, open: bool) -> Result<(Vec<ProposalRow>, bool), ViewError> {
    actor.require(Right::ReadCases)?;
    let mut conn = app.store.reader().await?;
    let (states, order) = match open {
        true => ("p.state = 'waiting'", "lane, due_order, p.id"),
        false => ("p.state <> 'waiting'", "p.id DESC"),
    };
    let reached = reached("$1", "$2");
    let last = Lane::Rest.rank();
    let due = "(SELECT MIN(c.due_at) FROM proposals_item w JOIN cases_case c ON c.item_id = w.item_id
                WHERE w.proposal_id = p.id AND w.state = 'waiting' AND c.state = 'open')";
    let statement = format!(
        "SELECT p.id, p.proposed_by, p.proposed_at, p.reasons, p.judgement, p.state, p.lapses_at, p.ended_by, p.ended_at,
                p.note, p.carried_at, p.undone_at,
                (SELECT w.item_id FROM proposals_item w WHERE w.proposal_id = p.id ORDER BY w.idx LIMIT 1) AS item,
                (SELECT COUNT(*) FROM proposals_item w WHERE w.proposal_id = p.id) AS n_items,
                {due} AS due, COALESCE({due}, {NEVER}) AS due_order,
                COALESCE((SELECT MIN(c.lane) FROM proposals_item w JOIN cases_case c ON c.item_id = w.item_id
                          WHERE w.proposal_id = p.id AND w.state = 'waiting' AND c.state = 'open'), {last}) AS lane
         FROM proposals_proposal p WHERE {states} AND {reached} ORDER BY {order} LIMIT $3"
    );
    let rows = query(AssertSqlSafe(statement))
        .bind(actor.queues().to_string())
        .bind(who(actor))
        .bind(PROPOSALS_SHOWN_MAX + 1)
        .fetch_all(&mut *conn)
        .await
        .map_err(StoreError::at("read proposals"))?;
    let mut found = read_rows(&mut conn, actor, &rows).await?;
    let is_cut = found.len() as i64 > PROPOSALS_SHOWN_MAX;
    found.truncate(PROPOSALS_SHOWN_MAX as usize);
    Ok((found, is_cut))
}

/// Proposals that the actor reaches, the newest first, page by page; of one state or of all.
pub async fn page_of_proposals(
    app: &Seawall,
    actor: &Actor,
    state: Option<ProposalState>,
    request: &PageRequest,
) -> Result<Page<ProposalRow>, ViewError> {
    actor.require(Right::ReadCases)?;
    let before: Option<ProposalId> = cursor(request)?;
    let mut conn = app.store.reader().await?;
    let reached = reached("$1", "$2");
    let statement = format!(
        "SELECT p.id, p.proposed_by, p.proposed_at, p.reasons, p.judgement, p.state, p.lapses_at, p.ended_by, p.ended_at,
                p.note, p.carried_at, p.undone_at,
                (SELECT w.item_id FROM proposals_item w WHERE w.proposal_id = p.id ORDER BY w.idx LIMIT 1) AS item,
                (SELECT COUNT(*) FROM proposals_item w WHERE w.proposal_id = p.id) AS n_items,
                (SELECT MIN(c.due_at) FROM proposals_item w JOIN cases_case c ON c.item_id = w.item_id
                 WHERE w.proposal_id = p.id AND w.state = 'waiting' AND c.state = 'open') AS due
         FROM proposals_proposal p WHERE ($3 = '' OR p.state = $3) AND ($4 = '' OR p.id < $4) AND {reached}
         ORDER BY p.id DESC LIMIT $5"
    );
    let rows = query(AssertSqlSafe(statement))
        .bind(actor.queues().to_string())
        .bind(who(actor))
        .bind(state.map_or("", ProposalState::as_str))
        .bind(before.map(|id| id.to_string()).unwrap_or_default())
        .bind(request.probe())
        .fetch_all(&mut *conn)
        .await
        .map_err(StoreError::at("read a page of proposals"))?;
    let found = read_rows(&mut conn, actor, &rows).await?;
    Ok(Page::cut(found, request, |row| row.proposal.id.to_string()))
}

async fn read_rows(conn: &mut AnyConnection, actor: &Actor, rows: &[AnyRow]) -> Result<Vec<ProposalRow>, StoreError> {
    let names = names::all(conn).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let proposal = proposals::read(row)?;
        found.push(ProposalRow {
            by_name: names::of(&names, &proposal.by.to_string()),
            is_own: Some(proposal.by) == actor.user(),
            item: row.parse("item")?,
            n_items: row.int("n_items")?,
            due_at: row.opt_time("due")?,
            proposal,
        });
    }
    Ok(found)
}

/// A proposal with what its proposer saw.
pub async fn proposal(app: &Seawall, actor: &Actor, id: ProposalId) -> Result<Option<ProposalView>, ViewError> {
    actor.require(Right::ReadCases)?;
    let mut conn = app.store.reader().await?;
    let found = proposals::find(&mut conn, id).await?;
    let Some(proposal) = found else { return Ok(None) };
    let is_own = Some(proposal.by) == actor.user();
    let is_reached = reaches_proposal(&mut conn, actor, id).await?;
    if !is_own && !is_reached {
        return Ok(None);
    }
    let now = app.clock.now();
    let of = proposals::items_of(&mut conn, id).await?;
    let ids: Vec<ItemId> = of.iter().map(|one| one.item.clone()).collect();
    let known = briefs(&mut conn, actor, &ids, now).await?;
    let mut known: std::collections::HashMap<ItemId, ItemBrief> =
        known.into_iter().map(|brief| (brief.item.id.clone(), brief)).collect();
    let items: Vec<(ProposedItem, Option<ItemBrief>)> = of
        .into_iter()
        .map(|one| {
            let brief = known.remove(&one.item);
            (one, brief)
        })
        .collect();
    let waiting = items.iter().filter(|(one, _)| one.state == ProposedState::Waiting);
    let cases = waiting.filter_map(|(_, brief)| brief.as_ref()?.open_case.as_ref());
    let due_at = cases.filter_map(|case| case.place.due_at).min();
    let names = names::all(&mut conn).await?;
    let is_theirs = is_own || proposal.approved_by().is_some_and(|by| Some(by) == actor.user());
    let undo_until = proposal.agreed_at().map(|at| at.after(app.settings.desk.undo));
    let judges = actor.judges_proposals().is_ok();
    let can_undo = is_theirs && proposal.undone_at.is_none() && judges;
    Ok(Some(ProposalView {
        by_name: names::of(&names, &proposal.by.to_string()),
        ended_by_name: proposal.ended_by.map(|by| names::of(&names, &by.to_string())),
        may_end: !is_own
            && is_reached
            && proposal.state == ProposalState::Waiting
            && actor.may(Right::ApproveProposals)
            && judges,
        undo_until: undo_until.filter(|until| can_undo && now < *until),
        is_own,
        items,
        due_at,
        proposal,
    }))
}

/// How many proposals wait for this person to say yes or no; [`PROPOSALS_COUNTED_MAX`] for so many or more.
pub async fn n_proposals(app: &Seawall, actor: &Actor) -> Result<i64, ViewError> {
    actor.require(Right::ApproveProposals)?;
    let mut conn = app.store.reader().await?;
    let reached = reached("$1", "$2");
    let statement = format!(
        "SELECT COUNT(*) AS n FROM (SELECT p.id FROM proposals_proposal p
                                    WHERE p.state = 'waiting' AND p.proposed_by <> $2 AND {reached}
                                    LIMIT {PROPOSALS_COUNTED_MAX}) counted"
    );
    let row = query(AssertSqlSafe(statement))
        .bind(actor.queues().to_string())
        .bind(who(actor))
        .fetch_one(&mut *conn)
        .await
        .map_err(StoreError::at("count proposals"))?;
    Ok(row.int("n")?)
}

/// What waits for a second person about an item, if the actor reaches the item.
pub async fn waiting_proposal(
    app: &Seawall,
    actor: &Actor,
    item: &ItemId,
) -> Result<Option<WaitingProposal>, ViewError> {
    actor.require(Right::ReadCases)?;
    let mut conn = app.store.reader().await?;
    if !super::reaches_item(&mut conn, actor, item).await? {
        return Ok(None);
    }
    let Some((id, _)) = proposals::waiting_about(&mut conn, item).await? else {
        return Ok(None);
    };
    let Some(proposal) = proposals::find(&mut conn, id).await? else {
        return Ok(None);
    };
    let n_items = proposals::items_of(&mut conn, id).await?.len() as i64;
    let names = names::all(&mut conn).await?;
    Ok(Some(WaitingProposal {
        id,
        by_name: names::of(&names, &proposal.by.to_string()),
        at: proposal.at,
        n_items,
    }))
}

/// Whether the actor reaches all that waits of a proposal; of one that ended, all that it was about.
pub(crate) async fn reaches_proposal(
    conn: &mut AnyConnection,
    actor: &Actor,
    id: ProposalId,
) -> Result<bool, StoreError> {
    let reached = all_within("$1");
    let statement = format!("SELECT p.id FROM proposals_proposal p WHERE p.id = $2 AND {reached}");
    let row = query(AssertSqlSafe(statement))
        .bind(actor.queues().to_string())
        .bind(id.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("look whose proposal it is"))?;
    Ok(row.is_some())
}

/// The condition that a proposal is reached by who works on these queues, or made by this person.
fn reached(queues: &str, user: &str) -> String {
    format!("(p.proposed_by = {user} OR {})", all_within(queues))
}

fn all_within(queues: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM proposals_item q WHERE q.proposal_id = p.id
                      AND (p.state <> 'waiting' OR q.state = 'waiting') AND NOT {})",
        wholly_within("q.item_id", queues)
    )
}

fn who(actor: &Actor) -> String {
    actor.user().map(|user| user.to_string()).unwrap_or_default()
}
