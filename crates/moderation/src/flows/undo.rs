//! A person takes a decision back before its effect leaves: a decision never changes, so a new one puts back what stood before.
//!
//! It can be done for as long as the orders are held, by who decided, while nothing newer was decided. An order leaves with [`actions::start`] and is
//! taken back with [`actions::withdraw`]: of the two exactly one comes first, so that no order is both delivered and undone. Doing it twice: the second
//! time there is nothing to undo.
//!
//! What is not put back: the item's place in the benign sample. Somebody objected to it, and nobody has judged it yet.

use serde_json::json;

use super::cases::{Said, measure_rules, person};
use super::deciding::versions;
use super::orders::{Order, is_held_by_another, order_action};
use crate::model::{ActionKind, Actor, Author, CaseId, Decision, DecisionId, Denied, Outcome, Timestamp, UserId};
use crate::routing::outcomes;
use crate::rules::restrictions::Ending;
use crate::rules::{restrictions, standing};
use crate::store::{StoreError, Tx};
use crate::{Seawall, actions, cases, decisions, items, proposals};

/// A decision was not undone.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// The actor may not, or is not a person.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such decision of this person on this case.
    #[error("there is no such decision of yours")]
    NotFound,
    /// Its orders have left, or its time is over, or something newer was decided.
    #[error("it is too late to undo this decision")]
    TooLate,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What stood before the decision stands again, its orders are withdrawn, and the person holds the case as if they had not decided.
pub async fn undo_decision(
    app: &Seawall,
    actor: &Actor,
    case: CaseId,
    decision: DecisionId,
) -> Result<DecisionId, UndoError> {
    let user = person(actor)?;
    let mut tx = app.store.begin("undo decision").await?;
    let now = app.clock.now();
    // The item is locked first, then the case, as whoever decides does it.
    let found = cases::find(tx.conn(), case).await?.ok_or(UndoError::NotFound)?;
    items::lock(&mut tx, &found.item).await?;
    let found = cases::find_locked(&mut tx, case).await?.ok_or(UndoError::NotFound)?;
    let undone = decisions::find(tx.conn(), decision).await?.ok_or(UndoError::NotFound)?;
    if undone.case != Some(case) || undone.author != Author::Person(user) || undone.item != found.item {
        return Err(UndoError::NotFound);
    }
    if !is_in_time(app, &undone, now) {
        return Err(UndoError::TooLate);
    }
    let last = decisions::latest_of_item(tx.conn(), &undone.item).await?;
    let open = cases::find_open_of_item(tx.conn(), &undone.item).await?;
    // Of many that were decided together nobody can hold each.
    let is_bulk = undone.facts["bulk"].is_string();
    let (Some(reopened), true, None) = (
        found.reopen(user, undone.id, now),
        last.is_some_and(|last| last.id == undone.id),
        open,
    ) else {
        return Err(UndoError::TooLate);
    };
    let before = match undone.supersedes {
        Some(before) => decisions::find(tx.conn(), before).await?,
        None => None,
    };
    let before = before.ok_or(UndoError::TooLate)?;
    // What left already is not caught: then nothing at all is undone.
    let (withdrawn, is_all) = actions::withdraw(&mut tx, undone.id, now).await?;
    if !is_all {
        return Err(UndoError::TooLate);
    }

    let live = standing::read(tx.conn()).await?.map_or(0, |kept| kept.standing.live);
    let restricted = before.restricted();
    let again = Decision {
        id: DecisionId::fresh(now, &app.chance),
        item: undone.item.clone(),
        revision: undone.revision,
        outcome: before.outcome,
        author: Author::Person(user),
        policy: before.policy,
        reason: before.reason.clone(),
        facts: json!({
            "undoes": undone.id.to_string(), "restores": before.id.to_string(),
            "restores_author": if before.is_of_a_person() { "person" } else { "rule" },
            "restricted": restricted.iter().map(|what| what.as_str()).collect::<Vec<_>>(),
            "measures": before.facts["measures"],
            "restricted_before": before.facts["restricted_before"],
        }),
        versions: versions(live),
        supersedes: Some(undone.id),
        case: Some(case),
        decided_at: now,
    };
    let reopened = match is_bulk {
        true => reopened.release(user, now).map_err(|_| UndoError::TooLate)?,
        false => reopened,
    };
    decisions::insert(&mut tx, &again).await?;
    cases::update(&mut tx, &reopened).await?;
    proposals::note_undone(&mut tx, undone.id).await?;
    let body = json!({
        "decision": again.id.to_string(), "outcome": again.outcome.as_str(), "item": again.item.to_string(),
        "undoes": undone.id.to_string(),
    });
    tx.event(now, actor, "case.undone", case, body);
    for action in withdrawn {
        let body = json!({ "decision": undone.id.to_string() });
        tx.event(now, actor, "action.withdrawn", action, body);
    }
    put_endings_back(&mut tx, &undone).await?;
    hold_account_again(app, &mut tx, actor, &undone, &again).await?;
    measure_rules(app, &mut tx, &before, &undone, Said::TakenBack).await?;
    let (queue, source, was_confirmed) = (
        reopened.queue,
        &reopened.place.facts,
        undone.outcome == Outcome::Restrict,
    );
    outcomes::take_back(&mut tx, queue, source, was_confirmed, undone.decided_at).await?;
    tx.commit().await?;
    Ok(again.id)
}

/// Until when the person can undo the decision, if they can now.
pub async fn undo_until(app: &Seawall, user: UserId, decision: DecisionId) -> Result<Option<Timestamp>, StoreError> {
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let Some(decision) = decisions::find(&mut conn, decision).await? else {
        return Ok(None);
    };
    if decision.author != Author::Person(user) || !is_in_time(app, &decision, now) {
        return Ok(None);
    }
    let has_left = actions::has_left(&mut conn, decision.id, now).await?;
    Ok((!has_left).then(|| decision.decided_at.after(app.settings.desk.undo)))
}

fn is_in_time(app: &Seawall, decision: &Decision, now: Timestamp) -> bool {
    let is_undo = decision.facts["undoes"].is_string();
    !is_undo && now < decision.decided_at.after(app.settings.desk.undo)
}

/// Restrictions end again when they would have without the decision.
async fn put_endings_back(tx: &mut Tx, undone: &Decision) -> Result<(), StoreError> {
    restrictions::forget_by(tx, undone.id).await?;
    for kept in undone.facts["forgotten"].as_array().into_iter().flatten() {
        let of = kept["of"].as_str().and_then(|id| id.parse().ok());
        let what = kept["what"].as_str().and_then(|what| what.parse().ok());
        let (Some(decision), Some(what), Some(ends_at)) = (of, what, kept["ends_at"].as_i64()) else {
            continue;
        };
        let ending = Ending {
            decision,
            item: undone.item.clone(),
            what,
            ends_at: Timestamp::from_unix_ms(ends_at),
        };
        restrictions::insert(tx, &ending).await?;
    }
    Ok(())
}

/// An account that the decision let go of, because another item restricted it too, is restricted by this item again: without an order if it still
/// is by another.
async fn hold_account_again(
    app: &Seawall,
    tx: &mut Tx,
    actor: &Actor,
    undone: &Decision,
    again: &Decision,
) -> Result<(), StoreError> {
    for stands in actions::hold_account_again(tx, undone.id).await? {
        if is_held_by_another(tx, &undone.item, (stands.what, &stands.scope)).await? {
            continue;
        }
        let order = Order {
            kind: ActionKind::Restrict,
            what: stands.what,
            scope: stands.scope,
            until: stands.until,
            held_until: None,
        };
        order_action(app, tx, actor, again, order, again.decided_at).await?;
    }
    Ok(())
}
