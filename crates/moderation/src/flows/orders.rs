//! What is ordered from the platform: with the decision that says so, and the job that delivers it, in one transaction.

use crate::actions::webhook::{Attempt, Webhook, add_scope};
use crate::actions::{Held, StandingOrder};
use crate::model::{
    Action, ActionId, ActionKind, ActionState, Actor, Decision, ItemId, ItemKind, Notice, Restricted, Timestamp,
};
use crate::store::jobs::{self, Job};
use crate::store::{AnyConnection, Lock, StoreError, Tx};
use crate::{Seawall, actions, decisions, items};

/// The kind of job that delivers an action.
pub(crate) const DELIVER: &str = "deliver";

/// What is ordered from the platform.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub kind: ActionKind,
    pub what: Restricted,
    /// In which countries, with which label, which service.
    pub scope: String,
    pub until: Option<Timestamp>,
    /// Before this it does not leave.
    pub held_until: Option<Timestamp>,
}

/// Until when a person's decision can be undone, and its orders wait. One about a live stream leaves at once: what is live does not wait.
pub(crate) fn held_until(app: &Seawall, decision: &Decision, kind: ItemKind) -> Option<Timestamp> {
    let undo = app.settings.desk.undo;
    let is_held = decision.is_of_a_person() && kind != ItemKind::Stream && !undo.is_zero();
    is_held.then(|| decision.decided_at.after(undo))
}

/// Orders an action and writes the job that will deliver it. Returns until when it is held.
pub(crate) async fn order_action(
    app: &Seawall,
    tx: &mut Tx,
    actor: &Actor,
    decision: &Decision,
    order: Order,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let Order {
        kind,
        what,
        scope,
        until,
        held_until,
    } = order;
    let delayed_until = delayed_until(app, tx, decision, kind, now).await?;
    let held_until = held_until.max(delayed_until);
    let action = Action {
        id: ActionId::fresh(now, &app.chance),
        item: decision.item.clone(),
        kind,
        what,
        scope,
        until,
        decision: decision.id,
        state: ActionState::Waiting,
        attempts: 0,
        ordered_at: now,
        held_until,
        run: 1,
    };
    let mut account = None;
    if kind == ActionKind::Restrict && what.is_of_account() {
        tx.lock(Lock::Accounts).await?;
        account = items::account_of(tx.conn(), &action.item).await?;
    }
    actions::insert(tx, &action, account.as_deref()).await?;
    crate::store::jobs::enqueue(tx, now, &app.chance, DELIVER, action.id, held_until.unwrap_or(now)).await?;
    let mut body = serde_json::json!({
        "item": action.item.to_string(), "kind": kind.as_str(), "what": what.as_str(),
        "decision": decision.id.to_string(),
    });
    add_scope(&mut body, &action);
    tx.event(now, actor, "action.ordered", action.id, body);
    Ok(held_until)
}

/// Until when a restriction is put off, where its policy wants that.
async fn delayed_until(
    app: &Seawall,
    tx: &mut Tx,
    decision: &Decision,
    kind: ActionKind,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let desk = &app.settings.desk;
    let is_meant = decision
        .policy
        .is_some_and(|policy| desk.delay_policies.contains(&policy));
    if kind != ActionKind::Restrict || !is_meant || desk.delay_max.is_zero() {
        return Ok(None);
    }
    let item = items::find(tx.conn(), &decision.item).await?;
    let is_live = item.is_some_and(|(item, _)| item.kind == ItemKind::Stream);
    Ok((!is_live).then(|| now.after(desk.delay_max.mul_f64(app.chance.unit()))))
}

/// Makes available again what an item restricted. An account is freed with the last item that restricts it so, whoever ends which of them first.
pub(super) async fn lift(
    app: &Seawall,
    tx: &mut Tx,
    actor: &Actor,
    decision: &Decision,
    stands: &StandingOrder,
    held_until: Option<Timestamp>,
) -> Result<(), StoreError> {
    let (now, what, scope) = (decision.decided_at, stands.what, &stands.scope);
    if is_held_by_another(tx, &decision.item, (what, scope)).await? {
        return actions::let_go_of_account(tx, &decision.item, (what, scope), decision.id).await;
    }
    let order = Order {
        kind: ActionKind::Restore,
        what,
        scope: scope.clone(),
        until: None,
        held_until,
    };
    order_action(app, tx, actor, decision, order, now).await?;
    Ok(())
}

/// Whether another item restricts the account in the same way. Of two items that let go at the same time the second sees that the first did.
pub(super) async fn is_held_by_another(
    tx: &mut Tx,
    item: &ItemId,
    (what, scope): (Restricted, &str),
) -> Result<bool, StoreError> {
    if !what.is_shared() {
        return Ok(false);
    }
    tx.lock(Lock::Accounts).await?;
    is_seen_held_by_another(tx.conn(), item, (what, scope)).await
}

/// The same, for who only looks.
pub(super) async fn is_seen_held_by_another(
    conn: &mut AnyConnection,
    item: &ItemId,
    (what, scope): (Restricted, &str),
) -> Result<bool, StoreError> {
    if !what.is_shared() {
        return Ok(false);
    }
    let Some(account) = actions::held_account(&mut *conn, item, what).await? else {
        return Ok(false);
    };
    let held = Held {
        account,
        what,
        scope: scope.to_owned(),
    };
    actions::is_held_by_another(conn, &held, item).await
}

/// A restriction that was delayed under another policy leaves as soon as this decision's own would.
pub(super) async fn hurry(
    app: &Seawall,
    tx: &mut Tx,
    decision: &Decision,
    what: Restricted,
    held_until: Option<Timestamp>,
) -> Result<(), StoreError> {
    let is_delayed = |policy| app.settings.desk.delay_policies.contains(&policy);
    if app.settings.desk.delay_max.is_zero() || decision.policy.is_some_and(is_delayed) {
        return Ok(());
    }
    let now = decision.decided_at;
    // What waits only so that it can be undone waits on.
    let latest = now.after(app.settings.desk.undo);
    for id in actions::hold_no_longer(tx, &decision.item, what, latest, held_until).await? {
        jobs::enqueue(tx, now, &app.chance, DELIVER, id, held_until.unwrap_or(now)).await?;
    }
    Ok(())
}

/// The kind of job that tells the platform what to tell a person, where the decision ordered nothing because what it wants was ordered before.
pub(super) const TELL_NOTICE: &str = "tell_notice";

/// Has the platform told what the affected person is to be told, once the decision can no longer be undone.
pub(super) async fn tell_notice_later(
    app: &Seawall,
    tx: &mut Tx,
    decision: &Decision,
    held_until: Option<Timestamp>,
) -> Result<(), StoreError> {
    let now = decision.decided_at;
    let due = held_until.unwrap_or(now);
    jobs::enqueue(tx, now, &app.chance, TELL_NOTICE, decision.id, due).await
}

/// Tells it once; says whether it was tried. What was undone, or decided anew by a person since, is not told; what rules found since, or what ended, takes nothing
/// from what a person decided.
pub(super) async fn tell_notice(app: &Seawall, webhook: &Webhook, worker: &str, job: &Job) -> Result<bool, StoreError> {
    let mut conn = app.store.reader().await?;
    let decision = match job.subject.parse() {
        Ok(id) => decisions::find(&mut conn, id).await?,
        Err(_) => None,
    };
    let told = match &decision {
        Some(decision) => {
            let stands = !decisions::is_overruled(&mut conn, decision).await?;
            let item = items::find(&mut conn, &decision.item).await?;
            Notice::of_facts(&decision.facts).zip(item).filter(|_| stands)
        }
        None => None,
    };
    drop(conn);
    let (Some(decision), Some((notice, (item, _)))) = (decision, told) else {
        let mut tx = app.store.begin("drop job").await?;
        jobs::finish(&mut tx, job, worker).await?;
        tx.commit().await?;
        return Ok(false);
    };
    let key = format!("notice.{}", decision.id);
    let body = serde_json::json!({
        "id": key,
        "kind": "decision.notice",
        "decision": decision.id.to_string(),
        "item": item.id.to_string(),
        "item_kind": item.kind.as_str(),
        "account": item.account,
        "policy": decision.policy.map(|policy| policy.as_str()),
        "notice": notice.to_json(),
        "decided_at": decision.decided_at.to_string(),
    });
    let attempt = webhook.send(&key, body.to_string(), app.clock.now()).await;
    let mut tx = app.store.begin("write delivery").await?;
    let now = app.clock.now();
    let waited = now.since(decision.decided_at);
    match attempt {
        Attempt::Failed { .. } if waited < webhook.backoff().give_up_after => {
            let wait = waited.clamp(webhook.backoff().first, webhook.backoff().max);
            jobs::postpone(&mut tx, job, worker, now.after(wait)).await?;
        }
        Attempt::Answered { .. } | Attempt::Failed { .. } => jobs::finish(&mut tx, job, worker).await?,
    }
    tx.commit().await?;
    Ok(true)
}
