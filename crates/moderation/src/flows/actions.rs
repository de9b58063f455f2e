//! Orders are delivered: at least once, signed, one after the other for each item, until the platform confirms.
//!
//! An attempt is made outside any transaction; what came of it is written in one. If the process dies in between, the
//! lease runs out and the order is sent again under the same idempotency key.

use std::time::Duration;

use tokio::sync::watch;

use super::due::{TELL_GAP, deliver_telling};
use super::moot::{self, Moot};
use super::orders::{DELIVER, TELL_NOTICE, tell_notice};
use super::rechecks::{self, ALARM, RECHECK};
use super::routing::WARN;
use super::streams::{TELL, deliver_verdict};
use crate::actions::Tried;
use crate::actions::webhook::{Attempt, Webhook};
use crate::model::{Action, ActionId, ActionKind, ActionState, Actor, Answer, Denied, Right, Timestamp};
use crate::store::jobs::{self, Job};
use crate::store::{StoreError, Tx};
use crate::views::{history_of_account, reaches_action};
use crate::{Seawall, actions, decisions, items};

/// An action was not retried.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such action.
    #[error("there is no such action")]
    NotFound,
    /// The platform confirmed it.
    #[error("the action was confirmed; there is nothing to retry")]
    Confirmed,
    /// Its decision was undone before it left.
    #[error("the action was withdrawn; there is nothing to retry")]
    Withdrawn,
    /// It was given up or refused, and something else was ordered about the item since.
    #[error("another order about the item took the place of this action")]
    Superseded,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the worker does: it delivers orders, checks again whether they were carried out, and tells of streams, of doubts, of cases that are due and of shifts
/// that nobody has.
const KINDS: [&str; 7] = [DELIVER, TELL, TELL_NOTICE, RECHECK, ALARM, WARN, TELL_GAP];
/// How many orders one process has under way at the same time.
const DELIVERIES_MAX: usize = 8;
/// How much longer than an attempt may take a job is leased: time to write down what came of it.
const LEASE_MARGIN: Duration = Duration::from_secs(30);
/// How long to wait for an earlier order about the same item. The end of that order wakes the later one too.
const WAIT_FOR_EARLIER: Duration = Duration::from_secs(5);
/// The longest that a worker sleeps without looking: orders of other processes, leases of dead ones.
const POLL_MAX: Duration = Duration::from_secs(1);
/// How long to wait after the store failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Has an order that was given up, refused, or is waiting for its next attempt, tried now.
pub async fn retry_action(app: &Seawall, actor: &Actor, id: ActionId) -> Result<(), ActionError> {
    actor.require(Right::RetryActions)?;
    let mut tx = app.store.begin("retry action").await?;
    let now = app.clock.now();
    let tried = actions::find(tx.conn(), id).await?.ok_or(ActionError::NotFound)?;
    if !reaches_action(tx.conn(), actor, id).await? {
        return Err(ActionError::NotFound);
    }
    items::lock(&mut tx, &tried.action.item).await?;
    let tried = actions::find(tx.conn(), id).await?.ok_or(ActionError::NotFound)?;
    match tried.action.state {
        ActionState::Confirmed { .. } => return Err(ActionError::Confirmed),
        ActionState::Withdrawn { .. } => return Err(ActionError::Withdrawn),
        ActionState::Waiting
        | ActionState::Retrying { .. }
        | ActionState::Dead { .. }
        | ActionState::Refused { .. }
        | ActionState::Doubtful { .. } => {}
    }
    // Sent after the later order, it would undo what was decided last.
    if !tried.action.state.is_unfinished() && actions::is_followed(tx.conn(), &tried.action).await? {
        return Err(ActionError::Superseded);
    }
    let from = tried.action.state.as_str();
    let held_until = tried
        .action
        .held_until
        .filter(|_| tried.action.state == ActionState::Waiting);
    // What was confirmed is given under a key of its own: under the old one the platform would take it for a repeat.
    let was_confirmed = matches!(tried.action.state, ActionState::Doubtful { .. });
    let action = Action {
        state: ActionState::Waiting,
        attempts: 0,
        run: tried.action.run.saturating_add(u32::from(was_confirmed)),
        ..tried.action
    };
    actions::update(
        &mut tx,
        &Tried {
            action,
            trying_since: now,
        },
    )
    .await?;
    // What can still be undone, or is delayed, leaves no sooner for it.
    let due = held_until.map_or(now, |held_until| held_until.max(now));
    jobs::enqueue(&mut tx, now, &app.chance, DELIVER, id, due).await?;
    tx.event(now, actor, "action.retried", id, serde_json::json!({ "from": from }));
    tx.commit().await?;
    app.bells.jobs.notify_one();
    Ok(())
}

/// Delivers what is due until told to stop; then ends what is under way. With no webhook set up the orders wait.
pub async fn run_worker(app: Seawall, mut shutdown: watch::Receiver<bool>) {
    let Some(webhook) = app.webhook.clone() else {
        tracing::warn!("no webhook is set up: orders wait until there is one");
        // It ends when it is told to, like a worker that has something to do; not before, as if it had failed.
        let _ = shutdown.wait_for(|told| *told).await;
        return;
    };
    let worker = format!("worker-{}", hex::encode(app.chance.bytes::<8>()));
    let mut under_way = tokio::task::JoinSet::new();
    while !*shutdown.borrow() {
        while under_way.try_join_next().is_some() {}
        if under_way.len() >= DELIVERIES_MAX {
            under_way.join_next().await;
            continue;
        }
        let now = app.clock.now();
        match jobs::claim(&app.store, &worker, &KINDS, now, webhook.timeout() + LEASE_MARGIN).await {
            Ok(Some(job)) => {
                let (app, webhook, worker) = (app.clone(), webhook.clone(), worker.clone());
                under_way.spawn(async move {
                    if let Err(error) = deliver(&app, &webhook, &worker, &job).await {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(job.id = %job.id, error, "cannot write what came of a delivery; it will be repeated");
                    }
                });
            }
            Ok(None) => {
                tokio::select! {
                    () = app.bells.jobs.notified() => {}
                    () = sleep_until_due(&app) => {}
                    _ = shutdown.changed() => {}
                }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot look for work");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }
    while under_way.join_next().await.is_some() {}
}

/// Delivers everything that is due now, one after the other, and returns how many attempts were made. For tests and for
/// upkeep; a server uses [`run_worker`].
pub async fn deliver_due(app: &Seawall, worker: &str) -> Result<usize, StoreError> {
    let Some(webhook) = app.webhook.clone() else {
        return Ok(0);
    };
    let mut n_attempts = 0;
    let lease = webhook.timeout() + LEASE_MARGIN;
    while let Some(job) = jobs::claim(&app.store, worker, &KINDS, app.clock.now(), lease).await? {
        n_attempts += usize::from(deliver(app, &webhook, worker, &job).await?);
    }
    Ok(n_attempts)
}

async fn sleep_until_due(app: &Seawall) {
    let due = match app.store.reader().await {
        Ok(mut conn) => jobs::next_due(&mut conn, &KINDS).await.ok().flatten(),
        Err(_) => None,
    };
    let wait = due.map_or(POLL_MAX, |due| due.since(app.clock.now()).min(POLL_MAX));
    tokio::time::sleep(wait.max(Duration::from_millis(5))).await;
}

/// Does one job; says whether an attempt was made.
async fn deliver(app: &Seawall, webhook: &Webhook, worker: &str, job: &Job) -> Result<bool, StoreError> {
    match job.kind.as_str() {
        TELL_NOTICE => return tell_notice(app, webhook, worker, job).await,
        TELL => return deliver_verdict(app, webhook, worker, job).await,
        RECHECK => return rechecks::recheck(app, webhook, worker, job).await,
        ALARM => return rechecks::tell_alarm(app, webhook, worker, job).await,
        WARN | TELL_GAP => return deliver_telling(app, webhook, worker, job).await,
        _ => {}
    }
    let Some(order) = read_order(app, job).await? else {
        let mut tx = app.store.begin("drop job").await?;
        jobs::finish(&mut tx, job, worker).await?;
        tx.commit().await?;
        return Ok(false);
    };
    let Order {
        tried,
        decision,
        item,
        strikes,
        earlier,
    } = order;
    if earlier.is_some() {
        let mut tx = app.store.begin("postpone delivery").await?;
        let now = app.clock.now();
        items::lock(&mut tx, &item.id).await?;
        let taken = moot::cancel_out(&mut tx, &tried.action, now).await?;
        match taken.contains(&tried.action.id) {
            true => jobs::finish(&mut tx, job, worker).await?,
            false if taken.is_empty() => jobs::postpone(&mut tx, job, worker, now.after(WAIT_FOR_EARLIER)).await?,
            false => jobs::postpone(&mut tx, job, worker, now).await?,
        }
        tx.commit().await?;
        return Ok(false);
    }

    let is_first = tried.action.attempts == 0;
    if is_first || tried.action.kind == ActionKind::Restore || tried.action.what.is_shared() {
        // From here on the decision cannot be undone. If it just was, nothing leaves. What makes an order moot is looked at each time.
        let mut tx = app.store.begin("start delivery").await?;
        let moot = moot::look(app, &mut tx, &tried.action, &decision).await?;
        let now = app.clock.now();
        let may_leave = moot.is_none() && (!is_first || actions::start(&mut tx, tried.action.id, now).await?);
        match moot {
            Some(Moot::NotBefore(then)) => jobs::postpone(&mut tx, job, worker, then).await?,
            Some(Moot::TakenBack) => {
                jobs::finish(&mut tx, job, worker).await?;
                wake_next(app, &mut tx, &tried.action, now).await?;
            }
            None if !may_leave => jobs::finish(&mut tx, job, worker).await?,
            None => {}
        }
        tx.commit().await?;
        if !may_leave {
            return Ok(false);
        }
    }

    let attempt = webhook
        .deliver(&tried.action, &decision, &item, strikes, app.clock.now())
        .await;

    let mut tx = app.store.begin("write delivery").await?;
    let now = app.clock.now();
    items::lock(&mut tx, &item.id).await?;
    let Some(tried) = actions::find(tx.conn(), tried.action.id).await? else {
        return Ok(true);
    };
    if !tried.action.state.is_unfinished() {
        // Another worker, whose lease had run out, got an answer too.
        jobs::finish(&mut tx, job, worker).await?;
        tx.commit().await?;
        return Ok(true);
    }
    let after = tried.after_attempt(attempt, webhook, app.chance.unit(), now);
    actions::update(&mut tx, &after).await?;
    write_event(&mut tx, &after.action, now);
    match &after.action.state {
        ActionState::Retrying { next_at, .. } => jobs::postpone(&mut tx, job, worker, *next_at).await?,
        ActionState::Waiting
        | ActionState::Dead { .. }
        | ActionState::Confirmed { .. }
        | ActionState::Refused { .. }
        | ActionState::Withdrawn { .. }
        | ActionState::Doubtful { .. } => {
            jobs::finish(&mut tx, job, worker).await?;
            rechecks::plan(app, &mut tx, &after.action, now).await?;
            wake_next(app, &mut tx, &after.action, now).await?;
        }
    }
    tx.commit().await?;
    app.bells.jobs.notify_one();
    Ok(true)
}

/// The order about the item that waited for this one, if there is one, is tried.
async fn wake_next(app: &Seawall, tx: &mut Tx, action: &Action, now: Timestamp) -> Result<(), StoreError> {
    if let Some((next, held_until)) = actions::unfinished_after(tx.conn(), action).await? {
        // What can still be undone, or is delayed, leaves no sooner.
        let due = held_until.map_or(now, |held_until| held_until.max(now));
        jobs::enqueue(tx, now, &app.chance, DELIVER, next, due).await?;
    }
    Ok(())
}

/// Everything that a delivery needs to know.
struct Order {
    tried: Tried,
    decision: crate::model::Decision,
    item: crate::model::Item,
    strikes: Option<u32>,
    earlier: Option<ActionId>,
}

/// The order that the job is about, if it is still to be tried.
async fn read_order(app: &Seawall, job: &Job) -> Result<Option<Order>, StoreError> {
    let Ok(id) = job.subject.parse::<ActionId>() else {
        return Ok(None);
    };
    let mut conn = app.store.reader().await?;
    let Some(tried) = actions::find(&mut conn, id).await? else {
        return Ok(None);
    };
    if !tried.action.state.is_unfinished() {
        return Ok(None);
    }
    let decision = decisions::find(&mut conn, tried.action.decision).await?;
    let item = items::find(&mut conn, &tried.action.item).await?;
    // An order without its decision or item is never sent; `verify` reports it.
    let (Some(decision), Some((item, _))) = (decision, item) else {
        return Ok(None);
    };
    let earlier = actions::unfinished_before(&mut conn, &tried.action).await?;
    let strikes = match &item.account {
        Some(account) if earlier.is_none() => Some(
            history_of_account(app, &mut conn, account, app.clock.now())
                .await?
                .weight,
        ),
        Some(_) | None => None,
    };
    Ok(Some(Order {
        tried,
        decision,
        item,
        strikes,
        earlier,
    }))
}

impl Tried {
    /// How far the action got after one more attempt.
    fn after_attempt(self, attempt: Attempt, webhook: &Webhook, draw: f64, now: Timestamp) -> Tried {
        let attempts = self.action.attempts.saturating_add(1);
        // An order that waited, for a worker or for the order before it, is tried as long as any other.
        let trying_since = if self.action.attempts == 0 {
            now
        } else {
            self.trying_since
        };
        let state = match attempt {
            Attempt::Answered {
                answer: Answer::Refused,
                detail,
            } => ActionState::Refused { at: now, detail },
            Attempt::Answered { answer, .. } => ActionState::Confirmed { answer, at: now },
            Attempt::Failed { error } if now.since(trying_since) >= webhook.backoff().give_up_after => {
                ActionState::Dead { error }
            }
            Attempt::Failed { error } => ActionState::Retrying {
                error,
                next_at: now.after(webhook.backoff().wait_after(attempts, draw)),
            },
        };
        Tried {
            action: Action {
                state,
                attempts,
                ..self.action
            },
            trying_since,
        }
    }
}

fn write_event(tx: &mut Tx, action: &Action, now: Timestamp) {
    let (kind, body) = match &action.state {
        ActionState::Confirmed { answer, .. } => ("action.confirmed", serde_json::json!({ "answer": answer.as_str() })),
        ActionState::Refused { .. } => ("action.refused", serde_json::json!({})),
        ActionState::Dead { error } => (
            "action.dead",
            serde_json::json!({ "error": error, "attempts": action.attempts }),
        ),
        // Failed attempts are counted in the row; a line for each would drown the log in an outage.
        ActionState::Retrying { error, .. } if action.attempts == 1 => {
            ("action.failing", serde_json::json!({ "error": error }))
        }
        ActionState::Retrying { .. }
        | ActionState::Waiting
        | ActionState::Withdrawn { .. }
        | ActionState::Doubtful { .. } => return,
    };
    tx.event(now, &Actor::System, kind, action.id, body);
}
