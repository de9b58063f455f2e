//! What the platform confirmed is checked again: is the item really gone, is it really back?
//!
//! At set times after the confirmation the platform is asked, or looked at from outside; what was found is kept. If it is not as ordered, the order is
//! given once more, under a key of its own, since under the old one the platform would take it for a repeat. If that was in vain too, or nobody could
//! tell at any of the times, the order is in doubt: people see it at the desk, the platform is told, and a person can have it given again.
//!
//! Doing a step twice changes nothing: what was found is kept under its number, and an order that is not confirmed any more is not looked at.

use serde_json::json;

use super::mail::{About, write_later};
use super::orders::{DELIVER, is_seen_held_by_another};
use crate::actions::rechecks::{self, HowRechecked};
use crate::actions::webhook::{Attempt, Looked, Webhook, add_scope};
use crate::actions::{self, Tried};
use crate::model::{Action, ActionId, ActionKind, ActionState, Actor, Answer, Found, Recheck, Restricted, Timestamp};
use crate::store::jobs::{self, Job};
use crate::store::{StoreError, Tx};
use crate::{Seawall, items};

/// The kind of job that checks again whether an order was carried out.
pub(crate) const RECHECK: &str = "recheck";
/// The kind of job that tells the platform of an order in doubt.
pub(crate) const ALARM: &str = "alarm";

/// The most characters of the reason why nothing was found that are kept.
const DETAIL_LENGTH_MAX: usize = 300;

/// Has an order that was just confirmed checked again, if that is wanted and can be.
pub(super) async fn plan(app: &Seawall, tx: &mut Tx, action: &Action, now: Timestamp) -> Result<(), StoreError> {
    let ActionState::Confirmed { answer, .. } = action.state else {
        return Ok(());
    };
    let can_be = match app.settings.rechecks.how {
        HowRechecked::Not => false,
        HowRechecked::Ask => action.what.can_be_rechecked(),
        HowRechecked::Probe(_) => action.what == Restricted::Item,
    };
    // What exists no more is neither restricted nor available.
    match app.settings.rechecks.after.first() {
        Some(after) if can_be && answer != Answer::Gone => {
            jobs::enqueue(tx, now, &app.chance, RECHECK, action.id, now.after(*after)).await
        }
        Some(_) | None => Ok(()),
    }
}

/// What a re-check is about.
struct Due {
    tried: Tried,
    answer: Answer,
    /// Those before it, of the same giving of the order.
    before: Vec<Recheck>,
    /// When it was due.
    at: Timestamp,
}

/// Checks once; says whether it was tried.
pub(super) async fn recheck(app: &Seawall, webhook: &Webhook, worker: &str, job: &Job) -> Result<bool, StoreError> {
    let due = match job.subject.parse::<ActionId>() {
        Ok(id) => find_due(app, &mut *app.store.reader().await?, id).await?,
        Err(_) => None,
    };
    let Some(due) = due else {
        return drop_job(app, worker, job).await;
    };
    let looked = look(app, webhook, &due.tried.action, due.before.len()).await;

    let mut tx = app.store.begin("write re-check").await?;
    let now = app.clock.now();
    let (run, item) = (due.tried.action.run, due.tried.action.item.clone());
    items::lock(&mut tx, &item).await?;
    let n_before = due.before.len();
    let still = find_due(app, tx.conn(), due.tried.action.id).await?;
    let Some(due) = still.filter(|still| still.tried.action.run == run && still.before.len() == n_before) else {
        jobs::finish(&mut tx, job, worker).await?;
        tx.commit().await?;
        return Ok(true);
    };
    let (found, detail) = match looked {
        Looked::Found(found) => (found, String::new()),
        // No answer is no finding: it is looked again, as patiently as orders are delivered.
        Looked::Failed { .. } if now.since(due.at) < webhook.backoff().give_up_after => {
            let wait = now.since(due.at).clamp(webhook.backoff().first, webhook.backoff().max);
            jobs::postpone(&mut tx, job, worker, now.after(wait)).await?;
            tx.commit().await?;
            return Ok(true);
        }
        Looked::Failed { error } => (Found::Unknown, error),
    };
    jobs::finish(&mut tx, job, worker).await?;
    let recheck = Recheck {
        action: due.tried.action.id,
        run,
        n: u32::try_from(n_before + 1).unwrap_or(u32::MAX),
        at: now,
        found,
        detail: detail.chars().take(DETAIL_LENGTH_MAX).collect(),
    };
    rechecks::insert(&mut tx, &recheck).await?;
    follow(app, &mut tx, due, &recheck, now).await?;
    tx.commit().await?;
    app.bells.jobs.notify_one();
    Ok(true)
}

async fn drop_job(app: &Seawall, worker: &str, job: &Job) -> Result<bool, StoreError> {
    let mut tx = app.store.begin("drop job").await?;
    jobs::finish(&mut tx, job, worker).await?;
    tx.commit().await?;
    Ok(false)
}

/// The action, if it is confirmed, nothing took its place, and a re-check of it is left to do.
async fn find_due(
    app: &Seawall,
    conn: &mut crate::store::AnyConnection,
    id: ActionId,
) -> Result<Option<Due>, StoreError> {
    let Some(tried) = actions::find(&mut *conn, id).await? else {
        return Ok(None);
    };
    let ActionState::Confirmed { answer, at } = tried.action.state else {
        return Ok(None);
    };
    if rechecks::is_replaced(&mut *conn, &tried.action).await? {
        return Ok(None);
    }
    // An account that this item let go of may be restricted by another: then what is found there says nothing of this order.
    let (what, scope) = (tried.action.what, tried.action.scope.as_str());
    if tried.action.kind == ActionKind::Restore
        && is_seen_held_by_another(&mut *conn, &tried.action.item, (what, scope)).await?
    {
        return Ok(None);
    }
    let mut before = rechecks::of_action(conn, id).await?;
    before.retain(|recheck| recheck.run == tried.action.run);
    let after = app.settings.rechecks.after.get(before.len());
    Ok(after.map(|after| Due {
        at: at.after(*after),
        tried,
        answer,
        before,
    }))
}

async fn look(app: &Seawall, webhook: &Webhook, action: &Action, n_before: usize) -> Looked {
    match (&app.settings.rechecks.how, &app.probe) {
        (HowRechecked::Probe(_), Some(probe)) => probe.look(&action.item).await,
        (HowRechecked::Ask, _) => {
            let key = format!("recheck.{}.{}", action.key(), n_before + 1);
            let mut body = json!({
                "id": key,
                "kind": "action.recheck",
                "order": action.id.to_string(),
                "ordered": action.order_word(),
                "what": action.what.as_str(),
                "item": action.item.to_string(),
            });
            add_scope(&mut body, action);
            webhook.ask(&key, body.to_string(), app.clock.now()).await
        }
        (HowRechecked::Not | HowRechecked::Probe(_), _) => Looked::Found(Found::Unknown),
    }
}

/// What follows from what was found: nothing yet, the order once more, or doubt.
async fn follow(app: &Seawall, tx: &mut Tx, due: Due, recheck: &Recheck, now: Timestamp) -> Result<(), StoreError> {
    let action = due.tried.action;
    let agrees = recheck.found.agrees_with(action.kind);
    let is_known = agrees.is_some() || due.before.iter().any(|before| before.found != Found::Unknown);
    let next = app.settings.rechecks.after.get(due.before.len() + 1);
    match (agrees, next) {
        (Some(false), _) => {}
        (None, None) if !is_known => {}
        (Some(true) | None, Some(after)) => {
            let wait = due_after(&action, *after).unwrap_or(now);
            return jobs::enqueue(tx, now, &app.chance, RECHECK, action.id, wait).await;
        }
        (Some(true) | None, None) => return Ok(()),
    }
    // Once by itself, and never again.
    let again = agrees == Some(false) && action.run == 1;
    let body = json!({ "found": recheck.found.as_str(), "run": action.run, "given_again": again });
    tx.event(now, &Actor::System, "action.doubtful", action.id, body);
    let (id, state, run) = match again {
        true => (action.id, ActionState::Waiting, action.run + 1),
        false => {
            let state = ActionState::Doubtful {
                answer: due.answer,
                found: recheck.found,
                at: now,
            };
            (action.id, state, action.run)
        }
    };
    let after = Tried {
        action: Action {
            state,
            run,
            attempts: if again { 0 } else { action.attempts },
            ..action
        },
        trying_since: now,
    };
    actions::update(tx, &after).await?;
    let job = if again { DELIVER } else { ALARM };
    if !again {
        write_later(app, tx, About::Doubt, id, (now, now)).await?;
    }
    jobs::enqueue(tx, now, &app.chance, job, id, now).await
}

/// When a confirmed action is due to be checked, so long after its confirmation.
fn due_after(action: &Action, after: std::time::Duration) -> Option<Timestamp> {
    match action.state {
        ActionState::Confirmed { at, .. } => Some(at.after(after)),
        ActionState::Waiting
        | ActionState::Retrying { .. }
        | ActionState::Dead { .. }
        | ActionState::Refused { .. }
        | ActionState::Withdrawn { .. }
        | ActionState::Doubtful { .. } => None,
    }
}

/// Tells the platform once that an order of its is in doubt; says whether it was tried.
pub(super) async fn tell_alarm(app: &Seawall, webhook: &Webhook, worker: &str, job: &Job) -> Result<bool, StoreError> {
    let tried = match job.subject.parse::<ActionId>() {
        Ok(id) => actions::find(&mut *app.store.reader().await?, id).await?,
        Err(_) => None,
    };
    let doubted = tried.and_then(|tried| match tried.action.state {
        ActionState::Doubtful { found, at, .. } => Some((tried.action, found, at)),
        ActionState::Waiting
        | ActionState::Retrying { .. }
        | ActionState::Dead { .. }
        | ActionState::Confirmed { .. }
        | ActionState::Refused { .. }
        | ActionState::Withdrawn { .. } => None,
    });
    let Some((action, found, at)) = doubted else {
        return drop_job(app, worker, job).await;
    };
    let key = format!("alarm.{}", action.key());
    let body = json!({
        "id": key,
        "kind": "action.doubtful",
        "order": action.id.to_string(),
        "ordered": action.order_word(),
        "what": action.what.as_str(),
        "item": action.item.to_string(),
        "found": found.as_str(),
        "found_at": at.to_string(),
    });
    let attempt = webhook.send(&key, body.to_string(), app.clock.now()).await;
    let mut tx = app.store.begin("write delivery").await?;
    let now = app.clock.now();
    let waited = now.since(at);
    match attempt {
        Attempt::Answered { .. } => jobs::finish(&mut tx, job, worker).await?,
        Attempt::Failed { .. } if waited >= webhook.backoff().give_up_after => {
            jobs::finish(&mut tx, job, worker).await?;
        }
        Attempt::Failed { .. } => {
            let wait = waited.clamp(webhook.backoff().first, webhook.backoff().max);
            jobs::postpone(&mut tx, job, worker, now.after(wait)).await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}
