//! What must be forgotten in time is forgotten, while the server runs.

use std::time::Duration;

use tokio::sync::watch;

use crate::Seawall;
use crate::access::{attempts, errands};
use crate::flows::access::ATTEMPTS_KEPT;
use crate::flows::calibrate::{Round, trim_sample};
use crate::flows::incidents::end_incidents;
use crate::flows::proposals::{carry_on_proposals, lapse_proposals};
use crate::flows::quality::draw_reviews;
use crate::flows::routing::{measure_pace, place_waiting};
use crate::flows::rules::{end_restrictions, keep_rules_up};
use crate::flows::shifts::tell_of_gaps;
use crate::items;
use crate::matching::benign::Sampled;
use crate::store::{StoreError, requests};

/// How long a request is known again by its idempotency key.
pub const IDEMPOTENCY_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often it is looked for what can be forgotten.
const EVERY: Duration = Duration::from_secs(3600);

/// How often it is looked for restrictions that are over: platforms were told until when.
const ENDINGS_EVERY: Duration = Duration::from_secs(60);

/// How long it is waited for more entries before those that came are judged.
const SETTLE: Duration = Duration::from_secs(5);

/// Forgets what has had its time.
pub async fn forget_what_is_over(app: &Seawall) -> Result<(), StoreError> {
    let mut tx = app.store.begin("upkeep").await?;
    let now = app.clock.now();
    requests::forget_before(&mut tx, now.before(IDEMPOTENCY_LIFETIME)).await?;
    items::forget_traces_before(&mut tx, now.before(app.settings.recordings.traces_kept)).await?;
    attempts::forget_attempts_before(&mut tx, now.before(ATTEMPTS_KEPT)).await?;
    errands::forget_errands_before(&mut tx, now).await?;
    tx.commit().await
}

/// Does the upkeep, now and every hour, and judges entries that came meanwhile, until told to stop.
pub async fn run_upkeep(app: Seawall, mut shutdown: watch::Receiver<bool>) {
    let mut round = Round::default();
    while !*shutdown.borrow() {
        if let Err(error) = keep_up(&app, &mut round, &shutdown).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "upkeep failed; it will be tried again in an hour"
            );
        }
        let hour = tokio::time::sleep(EVERY);
        tokio::pin!(hour);
        let mut minute = tokio::time::interval(ENDINGS_EVERY);
        minute.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut hour => break,
                _ = shutdown.changed() => break,
                _ = minute.tick() => {
                    if let Err(error) = end_restrictions(&app).await {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "cannot end restrictions whose time is over; it will be tried again"
                        );
                    }
                    if let Err(error) = draw_reviews(&app).await {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "cannot draw what is asked of a second person; it will be tried again"
                        );
                    }
                    if let Err(error) = keep_proposals(&app).await {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "cannot go on with what was proposed; it will be tried again"
                        );
                    }
                    if let Err(error) = keep_order(&app).await {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "cannot keep the order of cases up to date; it will be tried again"
                        );
                    }
                }
                () = app.bells.proposals.notified() => {
                    if let Err(error) = carry_on_proposals(&app).await {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "cannot carry out what was agreed to; it will be tried again"
                        );
                    }
                }
                () = app.bells.unjudged.notified() => {
                    tokio::select! {
                        () = tokio::time::sleep(SETTLE) => {}
                        _ = shutdown.changed() => break,
                    }
                    if let Err(error) = round.go_on(&app, &shutdown).await {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "cannot find out how near counts for new entries; it will be tried again"
                        );
                    }
                }
            }
        }
    }
}

/// What a process that died left undone is done, and what nobody looked at in time ends.
async fn keep_proposals(app: &Seawall) -> Result<(), StoreError> {
    carry_on_proposals(app).await?;
    lapse_proposals(app).await?;
    Ok(())
}

/// What may change while cases wait.
async fn keep_order(app: &Seawall) -> Result<(), StoreError> {
    place_waiting(app).await?;
    tell_of_gaps(app).await
}

async fn keep_up(app: &Seawall, round: &mut Round, shutdown: &watch::Receiver<bool>) -> Result<(), StoreError> {
    forget_what_is_over(app).await?;
    end_incidents(app).await?;
    measure_pace(app).await?;
    trim_sample(app, Sampled::Pictures).await?;
    trim_sample(app, Sampled::Videos).await?;
    keep_rules_up(app).await?;
    round.go_on(app, shutdown).await
}
