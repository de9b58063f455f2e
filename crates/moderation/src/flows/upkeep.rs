//! What must be forgotten in time is forgotten, while the server runs.

use std::time::Duration;

use tokio::sync::watch;

use crate::Seawall;
use crate::access::attempts;
use crate::flows::access::ATTEMPTS_KEPT;
use crate::store::{StoreError, requests};

/// How long a request is known again by its idempotency key.
pub const IDEMPOTENCY_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often it is looked for what can be forgotten.
const EVERY: Duration = Duration::from_secs(3600);

/// Forgets what has had its time.
pub async fn forget_what_is_over(app: &Seawall) -> Result<(), StoreError> {
    let mut tx = app.store.begin("upkeep").await?;
    let now = app.clock.now();
    requests::forget_before(&mut tx, now.before(IDEMPOTENCY_LIFETIME)).await?;
    attempts::forget_attempts_before(&mut tx, now.before(ATTEMPTS_KEPT)).await?;
    tx.commit().await
}

/// Does the upkeep, now and every hour, until told to stop.
pub async fn run_upkeep(app: Seawall, mut shutdown: watch::Receiver<bool>) {
    while !*shutdown.borrow() {
        if let Err(error) = forget_what_is_over(&app).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "upkeep failed; it will be tried again in an hour"
            );
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = shutdown.changed() => {}
        }
    }
}
