//! A person has a case opened: because of what they searched for, or because two people judged differently. Cases that rules open are in [`super::deciding`].

use super::cases::{CaseError, person};
use super::judgement::check_reason;
use super::routing::{facts_after_move, place_anew, place_of, warn_in_time};
use crate::model::{Actor, Case, CaseId, CaseState, DecisionId, ItemId, PlaceFacts, Queue, Timestamp};
use crate::store::{StoreError, Tx};
use crate::views::reaches_item;
use crate::{Seawall, cases, decisions, items};

/// A person wants an item looked at that no case is open about: from a search, or from another case. The case rests on the decision in force, waits among
/// what people reported, and is held by nobody.
pub async fn open_case(app: &Seawall, actor: &Actor, item: &ItemId, reason: &str) -> Result<CaseId, CaseError> {
    person(actor)?;
    check_reason(reason)?;
    let mut tx = app.store.begin("open case").await?;
    let now = app.clock.now();
    items::lock(&mut tx, item).await?;
    if !reaches_item(tx.conn(), actor, item).await? {
        return Err(CaseError::NotFound);
    }
    if let Some(open) = cases::find_open_of_item(tx.conn(), item).await? {
        return match open.is_open_to(actor, now) {
            true => Ok(open.id),
            false => Err(CaseError::NotFound),
        };
    }
    // What was never decided was never submitted whole: there is nothing to look at.
    let before = decisions::latest_of_item(tx.conn(), item).await?;
    let before = before.ok_or(CaseError::NotFound)?;
    let id = open_or_move(app, &mut tx, actor, item, (Queue::Reported, reason), before.id, now).await?;
    tx.commit().await?;
    Ok(id)
}

/// A case about the item in that queue: a new one, or the open one, moved there. The item's row is locked. It stands where earlier cases of the item stood, as far
/// as what they were placed by is still so.
pub(super) async fn open_or_move(
    app: &Seawall,
    tx: &mut Tx,
    actor: &Actor,
    item: &ItemId,
    (queue, reason): (Queue, &str),
    decision: DecisionId,
    now: Timestamp,
) -> Result<CaseId, StoreError> {
    let open = match cases::find_open_of_item(tx.conn(), item).await? {
        Some(open) => cases::find_locked(tx, open.id).await?,
        None => None,
    };
    if let Some(open) = open {
        if open.queue != queue {
            let moved = Case {
                queue,
                reason: reason.trim().to_owned(),
                ..open.clone()
            };
            cases::update(tx, &moved).await?;
            place_anew(app, tx, &moved, facts_after_move(&moved.place), now).await?;
            let body = serde_json::json!({ "from": open.queue.as_str(), "to": queue.as_str() });
            tx.event(now, actor, "case.moved", open.id, body);
        }
        return Ok(open.id);
    }
    let mut facts = match cases::list_of_item(tx.conn(), item).await?.pop() {
        Some(earlier) => PlaceFacts {
            is_live: false,
            given_due: None,
            ..earlier.place.facts
        },
        None => PlaceFacts::default(),
    };
    // What it stands restricted under, it may be about.
    let in_force = decisions::latest_of_item(tx.conn(), item).await?;
    if let Some(policy) = in_force.and_then(|decision| decision.policy)
        && !facts.policies.contains(&policy)
    {
        facts.policies.push(policy);
    }
    let place = place_of(app, tx.conn(), (queue, 0, now), facts, now).await?;
    let case = Case {
        id: CaseId::fresh(now, &app.chance),
        item: item.clone(),
        queue,
        priority: 0,
        reason: reason.trim().to_owned(),
        state: CaseState::Open { lease: None },
        opened_at: now,
        opened_by: decision,
        place,
        taken_at: None,
        taken_over: None,
    };
    cases::insert(tx, &case).await?;
    warn_in_time(app, tx, &case, &case.place, now).await?;
    let body = serde_json::json!({
        "item": item.to_string(), "queue": queue.as_str(), "decision": decision.to_string(),
    });
    tx.event(now, actor, "case.opened", case.id, body);
    Ok(case.id)
}
