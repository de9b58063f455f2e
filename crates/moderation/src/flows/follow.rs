//! The matcher follows the banks' change feed: after each write of this process at once, and of others by polling.

use std::time::Duration;

use tokio::sync::watch;

use crate::matching::FeedEntry;
use crate::store::StoreError;
use crate::{Seawall, banks};

/// How many entries are read of the feed at a time.
const PAGE: i64 = 5_000;
/// How often the feed is looked at for what other processes wrote.
const POLL: Duration = Duration::from_millis(250);

/// Reads the feed to its end: afterwards everything that was committed before the call is matched against.
pub async fn catch_up(app: &Seawall) -> Result<(), StoreError> {
    let _alone = app.bells.feed.lock().await;
    let mut conn = app.store.reader().await?;
    loop {
        let changes = banks::changes_after(&mut conn, app.matcher.cursor(), PAGE).await?;
        if changes.cursor == app.matcher.cursor() {
            return Ok(());
        }
        let entries = changes
            .entries
            .into_iter()
            .map(|entry| FeedEntry {
                id: entry.id,
                handle: entry.handle,
                bank: entry.bank,
                state: entry.state,
                expires_at: entry.expires_at,
                signals: entry.signals,
            })
            .collect();
        app.matcher.apply(changes.banks, entries, changes.cursor);
        if !changes.more {
            return Ok(());
        }
    }
}

/// Follows the feed until told to stop.
pub async fn run_follower(app: Seawall, mut shutdown: watch::Receiver<bool>) {
    let mut failing = false;
    while !*shutdown.borrow() {
        match catch_up(&app).await {
            Ok(()) => failing = false,
            // Once for each row of failures, not four times a second.
            Err(error) if !failing => {
                failing = true;
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot follow the banks' change feed"
                );
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            _ = shutdown.changed() => {}
        }
    }
}
