//! What is agreed becomes decisions, item by item, and may be taken back as a whole for as long as one decision may.
//!
//! Each item is a transaction of its own: its row and its case are locked, then the proposal. Whatever is not as it was seen is left out. Doing it twice, or in
//! two processes at once, does it once: an item that does not wait any more is passed over.

use super::super::cases::{Agreed, CaseError, decide_in};
use super::super::opening::open_or_move;
use super::super::undo::{UndoError, undo_decision};
use super::{CARRIED_AT_ONCE, ProposalError};
use crate::model::{
    Actor, Case, Judgement, Outcome, Proposal, ProposalId, ProposalRefused, ProposedItem, ProposedState, Queue, Role,
    Timestamp, UserId,
};
use crate::store::{StoreError, Tx};
use crate::{Seawall, actions, cases, decisions, items, proposals};

/// Proposals that one round of the upkeep goes on with.
const CARRIED_MAX: i64 = 20;

/// Decides the first items while the person waits, and has the upkeep go on with the rest.
pub(super) async fn carry_out_at_once(app: &Seawall, id: ProposalId) -> Result<(), StoreError> {
    if !carry_out(app, id, CARRIED_AT_ONCE).await? {
        app.bells.proposals.notify_one();
    }
    app.bells.jobs.notify_one();
    Ok(())
}

/// Goes on with what is agreed and not done yet, or was taken back and is not undone yet. How many proposals are done with.
pub async fn carry_on_proposals(app: &Seawall) -> Result<usize, StoreError> {
    let unfinished = proposals::list_to_carry(&mut *app.store.reader().await?, CARRIED_MAX).await?;
    let mut n_done = 0;
    let mut failed = None;
    for id in unfinished {
        match carry_out(app, id, Proposal::ITEMS_MAX).await {
            Ok(is_done) => n_done += usize::from(is_done),
            // One that cannot be read keeps no other waiting.
            Err(error) => {
                tracing::error!(proposal.id = %id, error = &error as &dyn std::error::Error, "cannot go on with a proposal");
                failed.get_or_insert(error);
            }
        }
    }
    app.bells.jobs.notify_one();
    failed.map_or(Ok(n_done), Err)
}

/// Deals with up to `limit` items; says whether none is left.
async fn carry_out(app: &Seawall, id: ProposalId, limit: usize) -> Result<bool, StoreError> {
    let mut conn = app.store.reader().await?;
    let Some(proposal) = proposals::find(&mut conn, id).await? else {
        return Ok(true);
    };
    let of = proposals::items_of(&mut conn, id).await?;
    drop(conn);
    if proposal.undone_at.is_some() {
        undo_items(app, &proposal, &of).await?;
        return finish(app, id).await;
    }
    let n_all = of.len();
    let waiting = of.iter().filter(|one| one.state == ProposedState::Waiting);
    for one in waiting.take(limit) {
        carry_out_item(app, id, one, n_all).await?;
    }
    finish(app, id).await
}

/// Notes that every item was dealt with, once it is so.
async fn finish(app: &Seawall, id: ProposalId) -> Result<bool, StoreError> {
    let mut tx = app.store.begin("finish a proposal").await?;
    let now = app.clock.now();
    let Some(proposal) = proposals::find_locked(&mut tx, id).await? else {
        return Ok(true);
    };
    if proposals::n_waiting(tx.conn(), id).await? > 0 {
        return Ok(false);
    }
    if proposal.carried_at.is_some() {
        return Ok(true);
    }
    let of = proposals::items_of(tx.conn(), id).await?;
    let n_decided = of.iter().filter(|one| one.decision.is_some()).count();
    let carried = Proposal {
        carried_at: Some(now),
        ..proposal
    };
    proposals::update(&mut tx, &carried).await?;
    if carried.undone_at.is_none() {
        let body = serde_json::json!({ "n_decided": n_decided, "n_left_out": of.len() - n_decided });
        tx.event(now, &Actor::System, "proposal.carried_out", id, body);
    }
    tx.commit().await?;
    Ok(true)
}

/// Decides one item as it was proposed, if it is still what was seen; else notes why not.
async fn carry_out_item(app: &Seawall, id: ProposalId, of: &ProposedItem, n_all: usize) -> Result<(), StoreError> {
    let mut tx = app.store.begin("decide an item together").await?;
    let now = app.clock.now();
    items::lock(&mut tx, &of.item).await?;
    let open = match cases::find_open_of_item(tx.conn(), &of.item).await? {
        Some(open) => cases::find_locked(&mut tx, open.id).await?,
        None => None,
    };
    let Some(proposal) = proposals::find_locked(&mut tx, id).await? else {
        return Ok(());
    };
    let still = proposals::item_of(tx.conn(), id, &of.item).await?;
    let Some(still) = still.filter(|still| still.state == ProposedState::Waiting && proposal.is_agreed()) else {
        return Ok(());
    };
    let case = match case_of(app, &mut tx, &proposal, &still, open, now).await? {
        Ok(case) => case,
        Err(why) => return leave_out(tx, id, &still, why, now).await,
    };
    let judgement = Judgement {
        revision: still.revision,
        notice: still.notice.clone(),
        ..proposal.judgement.clone()
    };
    let agreed = Agreed {
        proposal: id,
        approved_by: proposal.approved_by(),
        is_bulk: n_all > 1,
        judged_at: proposal.at,
    };
    let author = in_name_of(proposal.by);
    match decide_in(
        app,
        &mut tx,
        &author,
        (proposal.by, case),
        &judgement,
        Some(agreed),
        now,
    )
    .await
    {
        Ok(decision) => {
            proposals::settle_item(&mut tx, id, &still.item, ProposedState::Decided, Some(decision)).await?;
            tx.commit().await
        }
        // Nothing of it was written: the transaction is dropped.
        Err(error) => {
            drop(tx);
            let why = match error {
                CaseError::Store(error) => return Err(error),
                CaseError::Invalid { .. } => ProposedState::Impossible,
                CaseError::Transition(_) => ProposedState::Held,
                CaseError::Changed { .. } => ProposedState::Changed,
                CaseError::Denied(_) | CaseError::NotFound | CaseError::SecondPerson { .. } | CaseError::Proposed => {
                    ProposedState::Overtaken
                }
            };
            let tx = app.store.begin("leave an item out").await?;
            leave_out(tx, id, &still, why, now).await
        }
    }
}

/// The case that the decision closes: the open one, held by nobody, or one that is opened for it. Or why the item is left out.
async fn case_of(
    app: &Seawall,
    tx: &mut Tx,
    proposal: &Proposal,
    of: &ProposedItem,
    open: Option<Case>,
    now: Timestamp,
) -> Result<Result<Case, ProposedState>, StoreError> {
    let Some((item, _)) = items::find(tx.conn(), &of.item).await? else {
        return Ok(Err(ProposedState::Changed));
    };
    let last = decisions::latest_of_item(tx.conn(), &of.item).await?;
    let (true, Some(last)) = (item.revision == of.revision, last) else {
        return Ok(Err(ProposedState::Changed));
    };
    // What confirms what stood is about what was seen, whoever changed it: else what ended meanwhile would begin anew.
    let confirms = proposal.judgement.outcome == Outcome::Restrict && proposal.judgement.measures.is_empty();
    let restricted_since = match of.seen {
        Some(seen) => actions::is_restricted_since(tx.conn(), &of.item, seen).await?,
        None => false,
    };
    if Some(last.id) != of.seen && (last.is_of_a_person() || confirms || restricted_since) {
        return Ok(Err(ProposedState::Overtaken));
    }
    let case = match open {
        Some(case) => case,
        None => {
            let place = (Queue::Reported, proposal.judgement.reason.as_str());
            let author = in_name_of(proposal.by);
            let id = open_or_move(app, tx, &author, &of.item, place, last.id, now).await?;
            match cases::find_locked(tx, id).await? {
                Some(case) => case,
                None => return Ok(Err(ProposedState::Overtaken)),
            }
        }
    };
    let holder = case.lease(now).map(|lease| lease.holder);
    let Some(holder) = holder else {
        return Ok(Ok(case));
    };
    // Those two looked at it for this; anybody else is in the middle of something.
    let is_theirs = holder == proposal.by || Some(holder) == proposal.approved_by();
    Ok(match is_theirs {
        true => case.release(holder, now).map_err(|_| ProposedState::Held),
        false => Err(ProposedState::Held),
    })
}

async fn leave_out(
    mut tx: Tx,
    id: ProposalId,
    of: &ProposedItem,
    why: ProposedState,
    now: Timestamp,
) -> Result<(), StoreError> {
    if proposals::settle_item(&mut tx, id, &of.item, why, None).await? {
        let body = serde_json::json!({ "item": of.item.to_string(), "because": why.as_str() });
        tx.event(now, &Actor::System, "proposal.item_left_out", id, body);
    }
    tx.commit().await
}

/// Whoever judged is named as who decides: what is done here is their judgement. Nobody's rights are asked for by this; those were asked for before.
fn in_name_of(user: UserId) -> Actor {
    Actor::person(user, Role::Moderator.into())
}

/// How much of a proposal was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undone {
    /// Decisions that were.
    pub n_undone: usize,
    /// Decisions whose effect had left.
    pub n_too_late: usize,
}

/// All that was decided together is taken back, by who proposed or approved it, for as long as a decision can be undone. What is not decided yet is not any more.
pub async fn undo_proposal(app: &Seawall, actor: &Actor, id: ProposalId) -> Result<Undone, ProposalError> {
    let user = actor.judges_proposals()?;
    let mut tx = app.store.begin("undo a proposal").await?;
    let now = app.clock.now();
    let found = proposals::find_locked(&mut tx, id).await?;
    let is_theirs = |found: &Proposal| found.by == user || found.approved_by() == Some(user);
    let found = found.filter(is_theirs).ok_or(ProposalError::NotFound)?;
    let is_in_time = found
        .agreed_at()
        .is_some_and(|at| now < at.after(app.settings.desk.undo));
    if !is_in_time {
        return Err(ProposalRefused::TooLate.into());
    }
    let is_first = found.undone_at.is_none();
    let undone = Proposal {
        undone_at: found.undone_at.or(Some(now)),
        // Should this be cut off, the upkeep goes on.
        carried_at: None,
        ..found
    };
    if is_first {
        proposals::drop_items(&mut tx, id).await?;
        proposals::update(&mut tx, &undone).await?;
        tx.event(now, actor, "proposal.undone", id, serde_json::json!({}));
    }
    tx.commit().await?;
    let of = proposals::items_of(&mut *app.store.reader().await?, id).await?;
    let done = undo_items(app, &undone, &of).await?;
    finish(app, id).await?;
    Ok(done)
}

/// Takes back what was decided and can be, as who decided it would.
async fn undo_items(app: &Seawall, proposal: &Proposal, of: &[ProposedItem]) -> Result<Undone, StoreError> {
    let mut done = Undone {
        n_undone: of.iter().filter(|one| one.state == ProposedState::Undone).count(),
        n_too_late: 0,
    };
    let author = in_name_of(proposal.by);
    for one in of.iter().filter(|one| one.state == ProposedState::Decided) {
        let Some(decision) = one.decision else { continue };
        let mut conn = app.store.reader().await?;
        let case = decisions::find(&mut conn, decision).await?.and_then(|found| found.case);
        drop(conn);
        let Some(case) = case else { continue };
        match undo_decision(app, &author, case, decision).await {
            Ok(_) => done.n_undone += 1,
            Err(UndoError::Store(error)) => return Err(error),
            Err(UndoError::TooLate | UndoError::NotFound | UndoError::Denied(_)) => done.n_too_late += 1,
        }
    }
    Ok(done)
}
