//! Somebody is told in time: that a case is still open at a point that was set, that it is overdue, and that nobody will be on shift.
//!
//! Told as streams are: signed, again and again until the platform confirms, under a key that is the same each time; told once, because what was told is
//! noted in the transaction that ends the job.

use serde_json::{Value, json};

use super::routing::WARN;
use crate::actions::webhook::{Attempt, Webhook};
use crate::model::{Actor, CaseId, CaseState, Timestamp};
use crate::routing::{told, warnings};
use crate::store::jobs::{self, Job};
use crate::store::{AnyConnection, StoreError};
use crate::{Seawall, cases};

/// The kind of job that tells of a time at which nobody is on shift.
pub(super) const TELL_GAP: &str = "tell_gap";

/// Something to be told.
pub(super) struct Telling {
    pub key: String,
    pub kind: &'static str,
    pub subject: String,
    /// When it was time to tell it.
    pub since: Timestamp,
    pub body: Value,
}

/// Tells once; says whether it was tried.
pub(super) async fn deliver_telling(
    app: &Seawall,
    webhook: &Webhook,
    worker: &str,
    job: &Job,
) -> Result<bool, StoreError> {
    let found = {
        let mut conn = app.store.reader().await?;
        let now = app.clock.now();
        match job.kind == WARN {
            true => telling_of_warning(app, &mut conn, &job.subject, now).await?,
            false => telling_of_gap(&job.subject),
        }
    };
    let was_told = match &found {
        Some(telling) => told::was(&mut *app.store.reader().await?, &telling.key).await?,
        None => false,
    };
    let Some(telling) = found.filter(|_| !was_told) else {
        let mut tx = app.store.begin("drop job").await?;
        jobs::finish(&mut tx, job, worker).await?;
        tx.commit().await?;
        return Ok(false);
    };
    let attempt = webhook
        .send(&telling.key, telling.body.to_string(), app.clock.now())
        .await;
    let mut tx = app.store.begin("write delivery").await?;
    let now = app.clock.now();
    let waited = now.since(telling.since);
    match attempt {
        Attempt::Answered { .. } => {
            jobs::finish(&mut tx, job, worker).await?;
            if told::note(&mut tx, &telling.key, now).await? {
                let body = json!({ "id": telling.key });
                tx.event(now, &Actor::System, telling.kind, &telling.subject, body);
            }
        }
        Attempt::Failed { error } if waited >= webhook.backoff().give_up_after => {
            tracing::warn!(telling.id = %telling.key, error, "gave up telling what is due");
            jobs::finish(&mut tx, job, worker).await?;
        }
        Attempt::Failed { .. } => {
            // The longer it was tried, the longer until the next time.
            let wait = waited.clamp(webhook.backoff().first, webhook.backoff().max);
            jobs::postpone(&mut tx, job, worker, now.after(wait)).await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}

/// What to tell of a case at one of its points; nothing if it was decided, or if its times are others now.
pub(super) async fn telling_of_warning(
    app: &Seawall,
    conn: &mut AnyConnection,
    subject: &str,
    now: Timestamp,
) -> Result<Option<Telling>, StoreError> {
    let Some((id, point)) = subject.split_once(' ') else {
        return Ok(None);
    };
    let (Ok(id), Ok(point)) = (id.parse::<CaseId>(), point.parse::<i64>()) else {
        return Ok(None);
    };
    let point = Timestamp::from_unix_ms(point);
    let Some(case) = cases::find(&mut *conn, id).await? else {
        return Ok(None);
    };
    let queue = app.settings.routing.of(case.queue);
    let is_point = warnings::points(&queue, case.opened_at, case.place.due_at).contains(&point);
    let key = format!("due_{id}_{}", point.unix_ms());
    let is_open = matches!(case.state, CaseState::Open { .. });
    if !is_open || !is_point {
        return Ok(None);
    }
    let is_over = case.place.due_at.is_some_and(|due_at| due_at <= now);
    let kind = if is_over { "case.overdue" } else { "case.due_soon" };
    let body = json!({
        "id": key,
        "kind": kind,
        "case": id.to_string(),
        "item": case.item.to_string(),
        "decision": case.opened_by.to_string(),
        "queue": case.queue.as_str(),
        "lane": case.place.lane.as_str(),
        "opened_at": case.opened_at.to_string(),
        "due_at": case.place.due_at.map(|due_at| due_at.to_string()),
        "is_held": case.lease(now).is_some(),
        "point": point.to_string(),
    });
    Ok(Some(Telling {
        key,
        kind,
        subject: id.to_string(),
        since: point,
        body,
    }))
}

/// What to tell of a time at which nobody is on shift.
pub(super) fn telling_of_gap(subject: &str) -> Option<Telling> {
    let parts: Vec<&str> = subject.split(' ').collect();
    let [queue, from, until] = parts.as_slice() else {
        return None;
    };
    let (Ok(from), Ok(until)) = (from.parse::<i64>(), until.parse::<i64>()) else {
        return None;
    };
    let key = format!("gap_{queue}_{from}");
    let body = json!({
        "id": key,
        "kind": "coverage.gap",
        "queue": queue,
        "from": Timestamp::from_unix_ms(from).to_string(),
        "until": Timestamp::from_unix_ms(until).to_string(),
    });
    Some(Telling {
        key,
        kind: "coverage.gap",
        subject: (*queue).to_owned(),
        since: Timestamp::from_unix_ms(from),
        body,
    })
}
