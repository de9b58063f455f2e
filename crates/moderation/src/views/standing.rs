//! Why a case stands where it stands: its place, how long it has waited, and how many come before it.

use std::time::Duration;

use sqlx::{AnyConnection, query};

use crate::model::{Actor, Case, CaseState, Place, Timestamp};
use crate::proposals;
use crate::store::StoreError;
use crate::store::columns::Columns;

/// How a case stands among those that wait.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Its lane, its turn, and what they were computed from.
    pub place: Place,
    /// How long it has waited.
    pub waited: Duration,
    /// Cases that nobody holds and that are handed out before it, of the queues that the actor sees; at most [`Standing::AHEAD_MAX`].
    pub n_ahead: i64,
}

impl Standing {
    /// More are not counted.
    pub const AHEAD_MAX: i64 = 1_000;
}

/// How an open case stands.
pub(super) async fn standing(
    conn: &mut AnyConnection,
    actor: &Actor,
    case: &Case,
    now: Timestamp,
) -> Result<Option<Standing>, StoreError> {
    match case.state {
        CaseState::Open { .. } => {}
        CaseState::Closed { .. } => return Ok(None),
    }
    let free = proposals::none_waits("c.item_id");
    let statement = format!(
        "SELECT COUNT(*) AS n FROM (
             SELECT c.id FROM cases_case c
             WHERE c.state = 'open' AND (c.leased_until IS NULL OR c.leased_until <= $4) AND {free}
               AND ($5 = '*' OR REPLACE($5, ' ' || c.queue || ' ', '') <> $5)
               AND (c.lane < $1 OR (c.lane = $1 AND (c.turn < $2 OR (c.turn = $2 AND c.id < $3)))) LIMIT $6) AS ahead"
    );
    let row = query(sqlx::AssertSqlSafe(statement))
        .bind(case.place.lane.rank())
        .bind(case.place.turn.unix_ms())
        .bind(case.id.to_string())
        .bind(now.unix_ms())
        .bind(actor.queues().to_string())
        .bind(Standing::AHEAD_MAX)
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("count the cases before one"))?;
    Ok(Some(Standing {
        place: case.place.clone(),
        waited: now.since(case.opened_at),
        n_ahead: row.int("n")?,
    }))
}
