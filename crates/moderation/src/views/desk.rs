//! The desk: how much waits where, and for how long.

use policy::Queue;
use sqlx::query;

use super::ViewError;
use crate::Seawall;
use crate::model::{Actor, Right, Timestamp};
use crate::store::StoreError;
use crate::store::columns::Columns;

/// What waits.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Each queue, the most pressing first, also the empty ones.
    pub queues: Vec<QueueCount>,
    /// Orders that the platform has not confirmed yet.
    pub n_waiting_actions: i64,
    /// Orders that Seawall gave up on.
    pub n_dead_actions: i64,
}

/// How much waits in a queue.
#[derive(Debug, Clone, Copy)]
pub struct QueueCount {
    /// Which.
    pub queue: Queue,
    /// Open cases.
    pub n_open: i64,
    /// When the oldest of them was opened.
    pub oldest_at: Option<Timestamp>,
}

/// The desk.
pub async fn desk(app: &Seawall, actor: &Actor) -> Result<Desk, ViewError> {
    actor.require(Right::ReadCases)?;
    let mut conn = app.store.reader().await?;
    let at = StoreError::at("count what waits");
    let rows = query(
        "SELECT queue, COUNT(*) AS n, MIN(opened_at) AS oldest FROM cases_case WHERE state = 'open' GROUP BY queue",
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(&at)?;
    let mut queues: Vec<QueueCount> = Queue::ALL
        .iter()
        .map(|queue| QueueCount {
            queue: *queue,
            n_open: 0,
            oldest_at: None,
        })
        .collect();
    for row in &rows {
        let queue: Queue = row.parse("queue")?;
        for count in &mut queues {
            if count.queue == queue {
                count.n_open = row.int("n")?;
                count.oldest_at = row.opt_time("oldest")?;
            }
        }
    }
    let row = query(
        "SELECT COUNT(CASE WHEN state IN ('waiting', 'retrying') THEN 1 END) AS waiting,
                COUNT(CASE WHEN state = 'dead' THEN 1 END) AS dead
         FROM actions_action WHERE state IN ('waiting', 'retrying', 'dead')",
    )
    .fetch_one(&mut *conn)
    .await
    .map_err(&at)?;
    Ok(Desk {
        queues,
        n_waiting_actions: row.int("waiting")?,
        n_dead_actions: row.int("dead")?,
    })
}
