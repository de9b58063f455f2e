//! Orders that need not leave, or must not: each is looked at before every attempt, for what was decided since it was ordered.
//!
//! - A restoration of an account that another item restricts would undo what was decided there.
//! - A restoration that makes room for something that the platform then refused, or never carried out, would leave nothing in its place.
//! - A restriction of an account that was let go of belongs to nobody any more.
//! - A restriction that still waits out its delay and the order that lifts it undo each other.

use super::orders::is_held_by_another;
use crate::model::{Action, ActionId, ActionKind, Actor, Decision, Outcome, Restricted, Timestamp};
use crate::store::{StoreError, Tx};
use crate::{Seawall, actions, decisions};

/// Why an order does not leave now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moot {
    /// It was taken back: it never leaves.
    TakenBack,
    /// What makes it moot can still be undone, until then.
    NotBefore(Timestamp),
}

/// Whether the order is moot, and takes it back then. The reason stands in the log.
pub(super) async fn look(
    app: &Seawall,
    tx: &mut Tx,
    action: &Action,
    decision: &Decision,
) -> Result<Option<Moot>, StoreError> {
    let now = app.clock.now();
    match action.kind {
        ActionKind::Restore if is_held_by_another(tx, &action.item, (action.what, &action.scope)).await? => {
            let is_taken = actions::let_others_restrict(tx, action, now).await?;
            Ok(Some(taken_back(
                tx,
                action.id,
                is_taken,
                "another item restricts the account",
                now,
            )))
        }
        ActionKind::Restore if decision.outcome == Outcome::Restrict => {
            if has_what_stands(tx, action, decision).await? {
                return Ok(None);
            }
            let is_taken = actions::withdraw_one(tx, action.id, now).await?;
            let because = "nothing that was to take its place was carried out";
            Ok(Some(taken_back(tx, action.id, is_taken, because, now)))
        }
        ActionKind::Restore => Ok(None),
        ActionKind::Restrict if action.what.is_shared() => {
            let Some(by) = actions::let_go_by(tx.conn(), action.id).await? else {
                return Ok(None);
            };
            let let_go = decisions::find(tx.conn(), by).await?;
            let until = let_go.map_or(now, |let_go| let_go.decided_at.after(app.settings.desk.undo));
            if until > now {
                return Ok(Some(Moot::NotBefore(until)));
            }
            let is_taken = actions::withdraw_one(tx, action.id, now).await?;
            Ok(Some(taken_back(
                tx,
                action.id,
                is_taken,
                "its decision holds no more",
                now,
            )))
        }
        ActionKind::Restrict => Ok(None),
    }
}

/// Whether something that the decision wants stands: what it ordered and the platform did or may still do, or what stood before and goes on.
async fn has_what_stands(tx: &mut Tx, action: &Action, decision: &Decision) -> Result<bool, StoreError> {
    let wants = |what: &&Restricted| **what != Restricted::Warning;
    let n_wanted = decision.restricted().iter().filter(wants).count();
    let (n_ordered, n_failed) = actions::carried_out(tx.conn(), &action.item, decision.id).await?;
    Ok(n_failed == 0 || n_failed < n_ordered || n_ordered < n_wanted)
}

/// Of an order that waits for an earlier one about the same: whether that is a restriction which is held for longer, so that neither need leave. What was taken
/// back. What only waits for the platform to come back arrives in turn: nobody knows what of it the platform has.
pub(super) async fn cancel_out(tx: &mut Tx, action: &Action, now: Timestamp) -> Result<Vec<ActionId>, StoreError> {
    if action.kind != ActionKind::Restore {
        return Ok(Vec::new());
    }
    let taken = actions::cancel_out(tx, action, now).await?;
    for id in &taken {
        taken_back(tx, *id, true, "it was lifted before it left", now);
    }
    Ok(taken)
}

fn taken_back(tx: &mut Tx, id: ActionId, is_taken: bool, because: &str, now: Timestamp) -> Moot {
    if is_taken {
        let body = serde_json::json!({ "because": because });
        tx.event(now, &Actor::System, "action.withdrawn", id, body);
    }
    Moot::TakenBack
}
