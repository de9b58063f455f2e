//! The platform is told what was found in a stream, and that one cannot be looked at: signed, again and again until it confirms, like an order. An order to restrict goes its own way beside it.

use crate::Seawall;
use crate::actions::webhook::{Attempt, Webhook};
use crate::model::{Restricted, Stands, StreamVerdict};
use crate::store::StoreError;
use crate::store::jobs::{self, Job};
use crate::streams;
use crate::views::stands_of;

/// The kind of job that tells the platform.
pub const TELL: &str = "tell_stream";

/// Tells the platform once; says whether it was tried.
pub(crate) async fn deliver_verdict(
    app: &Seawall,
    webhook: &Webhook,
    worker: &str,
    job: &Job,
) -> Result<bool, StoreError> {
    let seq: Option<i64> = job.subject.parse().ok();
    let mut found = match seq {
        Some(seq) => streams::verdicts_after(&mut *app.store.reader().await?, None, seq - 1, 1).await?,
        None => Vec::new(),
    };
    let verdict = found.pop().filter(|verdict| Some(verdict.seq) == seq);
    let Some(verdict) = verdict else {
        let mut tx = app.store.begin("drop job").await?;
        jobs::finish(&mut tx, job, worker).await?;
        tx.commit().await?;
        return Ok(false);
    };
    let key = format!("verdict_{}", verdict.seq);
    let stands = stands_of(&mut *app.store.reader().await?, &verdict.item).await?;
    let attempt = webhook
        .send(&key, body(&key, &verdict, &stands).to_string(), app.clock.now())
        .await;
    let mut tx = app.store.begin("write delivery").await?;
    let now = app.clock.now();
    let waited = now.since(verdict.told_at);
    match attempt {
        Attempt::Answered { .. } => jobs::finish(&mut tx, job, worker).await?,
        Attempt::Failed { error } if waited >= webhook.backoff().give_up_after => {
            tracing::warn!(stream.id = %verdict.stream, error, "gave up telling the platform what was found in a stream");
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

fn body(key: &str, verdict: &StreamVerdict, stands: &[Stands]) -> serde_json::Value {
    // A stream can be restricted in other ways than being taken down: the outcome alone does not say which.
    let measures = stands.iter().map(|stands| {
        let mut measure = serde_json::json!({ "what": stands.what.as_str() });
        match (stands.what, stands.what.scope_name()) {
            (Restricted::Countries, Some(name)) => measure[name] = stands.scope.split(' ').collect(),
            (_, Some(name)) => measure[name] = stands.scope.clone().into(),
            (_, None) => {}
        }
        if let Some(until) = stands.until {
            measure["until"] = until.to_string().into();
        }
        measure
    });
    serde_json::json!({
        "measures": measures.collect::<Vec<_>>(),
        "id": key,
        "kind": "verdict",
        "item": verdict.item.to_string(),
        "item_kind": "stream",
        "stream": verdict.stream.to_string(),
        "at_ms": verdict.at_ms,
        "tier": verdict.tier.map(|tier| tier.as_str()),
        "decision": verdict.decision.to_string(),
        "outcome": verdict.outcome.as_str(),
        "case": verdict.case.map(|case| case.to_string()),
        "decided_at": verdict.told_at.to_string(),
    })
}
