//! The judge follows the store between events: who judges next finds the rules loaded and little to read, also after a start and after somebody else
//! made other rules live.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::Seawall;
use crate::store::StoreError;

/// How often it is looked at what others did.
const POLL: Duration = Duration::from_millis(500);
/// How often what was added up is written down.
const WRITE_EVERY: Duration = Duration::from_secs(10);

/// Follows until told to stop, and then writes down what was added up.
pub(crate) async fn run_rules_follower(app: Seawall, mut shutdown: watch::Receiver<bool>) {
    let mut failing = false;
    let mut written = Instant::now();
    loop {
        let is_over = *shutdown.borrow();
        let writes = is_over || written.elapsed() >= WRITE_EVERY;
        if writes {
            written = Instant::now();
        }
        match follow(&app, writes).await {
            Ok(()) => failing = false,
            // Once for each row of failures, not twice a second.
            Err(error) if !failing => {
                failing = true;
                tracing::error!(error = &error as &dyn std::error::Error, "cannot follow the rules");
            }
            Err(_) => {}
        }
        if is_over {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            told = shutdown.changed() => if told.is_err() { return },
        }
    }
}

async fn follow(app: &Seawall, writes: bool) -> Result<(), StoreError> {
    if writes {
        app.judge.write_counts(&app.store).await?;
    }
    app.judge.follow(&app.store).await
}
