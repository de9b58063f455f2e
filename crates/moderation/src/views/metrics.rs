//! What is measured: for the operator's monitoring. Counts and ages, never ids.

use std::time::Duration;

use media::HostStats;
use media::av::{AvHost, AvStats};
use sqlx::query;

use super::ViewError;
use crate::Seawall;
use crate::matching::MatcherStats;
use crate::model::{Actor, Right, StreamStats};
use crate::store::StoreError;
use crate::store::columns::Columns;
use crate::views::rules::{RuleMetrics, rule_metrics};
use crate::views::{Desk, desk};

/// What is measured at one moment.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Open cases by queue, and orders that wait or were given up.
    pub desk: Desk,
    /// How long the oldest order has been waiting for its confirmation.
    pub oldest_waiting_action: Option<Duration>,
    /// Proposals that wait for a second person.
    pub n_waiting_proposals: i64,
    /// How long the oldest of them has been waiting.
    pub oldest_waiting_proposal: Option<Duration>,
    /// Lines of the event log.
    pub n_events: i64,
    /// How much is matched against.
    pub matcher: MatcherStats,
    /// How many changes of banks the matcher has not seen yet.
    pub matcher_behind: i64,
    /// What rules did.
    pub rules: RuleMetrics,
    /// What the media workers did.
    pub media: HostStats,
    /// What the workers for videos, sounds and streams did; none where there is no program for it.
    pub av: Option<AvStats>,
    /// Live streams of this process.
    pub streams: StreamStats,
}

/// What is measured now.
pub async fn metrics(app: &Seawall) -> Result<Metrics, ViewError> {
    Actor::System.require(Right::ReadCases)?;
    let desk = desk(app, &Actor::System).await?;
    let mut conn = app.store.reader().await?;
    let row = query(
        "SELECT (SELECT MIN(ordered_at) FROM actions_action WHERE state IN ('waiting', 'retrying')) AS oldest,
                (SELECT COUNT(*) FROM proposals_proposal WHERE state = 'waiting') AS n_proposals,
                (SELECT MIN(proposed_at) FROM proposals_proposal WHERE state = 'waiting') AS oldest_proposal,
                (SELECT seq FROM store_chain WHERE id = 1) AS n_events,
                (SELECT value FROM store_counter WHERE name = 'banks_change') AS changes",
    )
    .fetch_one(&mut *conn)
    .await
    .map_err(StoreError::at("measure"))?;
    let matcher = app.matcher.stats();
    let now = app.clock.now();
    Ok(Metrics {
        desk,
        oldest_waiting_action: row.opt_time("oldest")?.map(|oldest| now.since(oldest)),
        n_waiting_proposals: row.int("n_proposals")?,
        oldest_waiting_proposal: row.opt_time("oldest_proposal")?.map(|oldest| now.since(oldest)),
        n_events: row.int("n_events")?,
        matcher_behind: (row.int("changes")? - matcher.cursor).max(0),
        matcher,
        rules: rule_metrics(app).await?,
        media: app.media.stats(),
        av: app.av.as_ref().map(AvHost::stats),
        streams: app.streams.stats(),
    })
}
