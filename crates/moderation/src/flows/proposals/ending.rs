//! A proposal ends: a second person says yes or no, who made it takes it back, or its time is over. Whoever is second locks its row; each ending happens once.

use super::{ProposalError, carrying};
use crate::model::{Actor, ItemId, Proposal, ProposalId, ProposalState, ProposedState, Right, Timestamp, UserId};
use crate::store::{StoreError, Tx};
use crate::views::reaches_proposal;
use crate::{Seawall, proposals};

/// Proposals that lapse in one round of the upkeep.
const LAPSES_MAX: i64 = 200;

/// The second person agrees, perhaps without some of the items. What is left becomes decisions of whoever proposed it.
pub async fn approve_proposal(
    app: &Seawall,
    actor: &Actor,
    id: ProposalId,
    excluded: &[ItemId],
    note: &str,
) -> Result<(), ProposalError> {
    let user = second_person(actor)?;
    let note = checked(note)?;
    let mut tx = app.store.begin("approve a proposal").await?;
    let now = app.clock.now();
    let before = find_reached(&mut tx, actor, id).await?;
    let approved = before.approve(user, note, now)?;
    let mut n_excluded = 0;
    for item in excluded.iter().take(Proposal::ITEMS_MAX) {
        n_excluded += i64::from(proposals::settle_item(&mut tx, id, item, ProposedState::Excluded, None).await?);
    }
    let n_items = proposals::n_waiting(tx.conn(), id).await?;
    if n_items == 0 {
        let what = "must be left with something: reject it instead".to_owned();
        return Err(ProposalError::Invalid { field: "items", what });
    }
    proposals::update(&mut tx, &approved).await?;
    let body = serde_json::json!({
        "proposed_by": approved.by.to_string(), "n_items": n_items, "n_excluded": n_excluded,
    });
    tx.event(now, actor, "proposal.approved", id, body);
    tx.commit().await?;
    carrying::carry_out_at_once(app, id).await?;
    Ok(())
}

/// The second person does not agree, and says why. The cases wait for anybody again.
pub async fn reject_proposal(app: &Seawall, actor: &Actor, id: ProposalId, note: &str) -> Result<(), ProposalError> {
    let user = second_person(actor)?;
    let note = checked(note)?;
    if note.is_empty() {
        let what = "must say why".to_owned();
        return Err(ProposalError::Invalid { field: "note", what });
    }
    let mut tx = app.store.begin("reject a proposal").await?;
    let now = app.clock.now();
    let rejected = find_reached(&mut tx, actor, id).await?.reject(user, note, now)?;
    end(&mut tx, actor, &rejected, "proposal.rejected", now).await?;
    tx.commit().await?;
    Ok(())
}

/// Who proposed it takes it back.
pub async fn withdraw_proposal(app: &Seawall, actor: &Actor, id: ProposalId) -> Result<(), ProposalError> {
    let user = actor.judges_proposals()?;
    let mut tx = app.store.begin("withdraw a proposal").await?;
    let now = app.clock.now();
    let found = proposals::find_locked(&mut tx, id).await?;
    // Of a colleague's proposal that they do not reach they learn nothing.
    let found = match found {
        Some(found) if found.by == user => found,
        Some(_) => find_reached(&mut tx, actor, id).await?,
        None => return Err(ProposalError::NotFound),
    };
    let withdrawn = found.withdraw(user, now)?;
    end(&mut tx, actor, &withdrawn, "proposal.withdrawn", now).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends proposals that nobody looked at in time. How many.
pub async fn lapse_proposals(app: &Seawall) -> Result<usize, StoreError> {
    let now = app.clock.now();
    let over = proposals::list_lapsing(&mut *app.store.reader().await?, now, LAPSES_MAX).await?;
    let mut n_lapsed = 0;
    for id in over {
        let mut tx = app.store.begin("end a proposal in time").await?;
        let Some(found) = proposals::find_locked(&mut tx, id).await? else {
            continue;
        };
        if let Ok(lapsed) = found.end_by_itself(ProposalState::Lapsed, now) {
            end(&mut tx, &Actor::System, &lapsed, "proposal.lapsed", now).await?;
            tx.commit().await?;
            n_lapsed += 1;
        }
    }
    Ok(n_lapsed)
}

/// Writes that a proposal ended without becoming decisions. Why stands with it, not in the log: it may tell of people, and the log forgets nothing.
pub(super) async fn end(
    tx: &mut Tx,
    actor: &Actor,
    ended: &Proposal,
    kind: &'static str,
    now: Timestamp,
) -> Result<(), StoreError> {
    proposals::drop_items(tx, ended.id).await?;
    proposals::update(tx, ended).await?;
    let body = serde_json::json!({ "proposed_by": ended.by.to_string() });
    tx.event(now, actor, kind, ended.id, body);
    Ok(())
}

/// The proposal, locked, if the actor reaches all that waits of it. Of another they learn nothing, not even that it is there.
async fn find_reached(tx: &mut Tx, actor: &Actor, id: ProposalId) -> Result<Proposal, ProposalError> {
    let found = proposals::find_locked(tx, id).await?;
    match reaches_proposal(tx.conn(), actor, id).await? {
        true => found.ok_or(ProposalError::NotFound),
        false => Err(ProposalError::NotFound),
    }
}

fn second_person(actor: &Actor) -> Result<UserId, ProposalError> {
    actor.require(Right::ApproveProposals)?;
    Ok(actor.judges_proposals()?)
}

fn checked(note: &str) -> Result<String, ProposalError> {
    let note = note.trim();
    let invalid = |what: String| Err(ProposalError::Invalid { field: "note", what });
    if note.chars().count() > Proposal::NOTE_LENGTH_MAX {
        return invalid(format!("is longer than {} characters", Proposal::NOTE_LENGTH_MAX));
    }
    if note.contains('\0') {
        return invalid("has a NUL character".to_owned());
    }
    Ok(note.to_owned())
}
