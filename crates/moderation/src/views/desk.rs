//! The desk: how much waits where, and for how long.

use policy::Queue;
use sqlx::{AnyConnection, query};

use super::ViewError;
use crate::model::{Actor, Lane, QueueSet, Right, Timestamp};
use crate::rules::alarms;
use crate::store::StoreError;
use crate::store::columns::Columns;
use crate::{Seawall, cases};

/// What waits.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Each queue, the most pressing first: also the empty ones, if they are always there.
    pub queues: Vec<QueueCount>,
    /// Orders that the platform has not confirmed yet.
    pub n_waiting_actions: i64,
    /// Orders that Seawall gave up on.
    pub n_dead_actions: i64,
    /// Orders that the platform confirmed, and that re-checks doubt.
    pub n_doubtful_actions: i64,
    /// Alarms about rules that nobody took note of.
    pub n_rule_alarms: i64,
}

/// How many orders are not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionCounts {
    /// Those that the platform has not confirmed yet.
    pub n_waiting: i64,
    /// Those that Seawall gave up on.
    pub n_dead: i64,
    /// Those that the platform confirmed, and that re-checks doubt.
    pub n_doubtful: i64,
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
    /// When the first of them is due, if any is due at all.
    pub due_at: Option<Timestamp>,
    /// How many of them are overdue.
    pub n_overdue: i64,
}

/// The desk.
pub async fn desk(app: &Seawall, actor: &Actor) -> Result<Desk, ViewError> {
    actor.require(Right::ReadCases)?;
    let mut conn = app.store.reader().await?;
    let at = StoreError::at("count what waits");
    let rows = query(
        "SELECT queue, COUNT(*) AS n, MIN(opened_at) AS oldest, MAX(priority) AS priority, MIN(due_at) AS due,
                COUNT(CASE WHEN due_at <= $1 THEN 1 END) AS overdue
         FROM cases_case WHERE state = 'open' GROUP BY queue",
    )
    .bind(app.clock.now().unix_ms())
    .fetch_all(&mut *conn)
    .await
    .map_err(&at)?;
    let empty = |queue: Queue| QueueCount {
        queue,
        n_open: 0,
        oldest_at: None,
        due_at: None,
        n_overdue: 0,
    };
    // Those that are always there, and those that rules made while something waits in them.
    let mut queues: Vec<(i64, QueueCount)> = Queue::ALL
        .iter()
        .filter(|queue| actor.queues().has(**queue))
        .map(|queue| (queue.weight(0), empty(*queue)))
        .collect();
    for row in &rows {
        let queue: Queue = row.parse("queue")?;
        if !actor.queues().has(queue) {
            continue;
        }
        let count = QueueCount {
            queue,
            n_open: row.int("n")?,
            oldest_at: row.opt_time("oldest")?,
            due_at: row.opt_time("due")?,
            n_overdue: row.int("overdue")?,
        };
        match queues.iter_mut().find(|(_, known)| known.queue == queue) {
            Some((_, known)) => *known = count,
            None => queues.push((queue.weight(row.int("priority")?), count)),
        }
    }
    let lane = |queue: Queue| {
        app.settings
            .routing
            .of(queue)
            .lane
            .map_or(Lane::Rest.rank(), Lane::rank)
    };
    queues.sort_by_key(|(weight, count)| (lane(count.queue), std::cmp::Reverse(*weight), count.queue));
    let queues = queues.into_iter().map(|(_, count)| count).collect();
    let actions = actions_within(&mut conn, actor.queues()).await?;
    Ok(Desk {
        queues,
        n_waiting_actions: actions.n_waiting,
        n_dead_actions: actions.n_dead,
        n_doubtful_actions: actions.n_doubtful,
        n_rule_alarms: alarms::n_open(&mut conn).await?,
    })
}

/// How many orders wait or were given up on: also for those who see orders but no cases.
pub async fn count_actions(app: &Seawall, actor: &Actor) -> Result<ActionCounts, ViewError> {
    actor.require(Right::ReadItems)?;
    Ok(actions_within(&mut *app.store.reader().await?, actor.queues()).await?)
}

async fn actions_within(conn: &mut AnyConnection, queues: &QueueSet) -> Result<ActionCounts, StoreError> {
    let reached = cases::within_queues("a.item_id", "$1");
    let statement = format!(
        "SELECT COUNT(CASE WHEN a.state IN ('waiting', 'retrying') THEN 1 END) AS waiting,
                COUNT(CASE WHEN a.state = 'dead' THEN 1 END) AS dead,
                COUNT(CASE WHEN a.state = 'doubtful' THEN 1 END) AS doubtful
         FROM actions_action a WHERE a.state IN ('waiting', 'retrying', 'dead', 'doubtful') AND {reached}"
    );
    let row = query(sqlx::AssertSqlSafe(statement))
        .bind(queues.to_string())
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("count orders"))?;
    Ok(ActionCounts {
        n_waiting: row.int("waiting")?,
        n_dead: row.int("dead")?,
        n_doubtful: row.int("doubtful")?,
    })
}
