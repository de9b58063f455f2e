//! How much each person at the desk looked at, for who looks after them: counts, never what it was.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::query;

use super::{ViewError, names};
use crate::Seawall;
use crate::model::{Actor, Right};
use crate::store::StoreError;
use crate::store::columns::Columns;

/// So far back is counted.
pub const WORKLOAD_OVER: Duration = Duration::from_secs(7 * 24 * 3600);
/// So far back is counted as of late.
pub const WORKLOAD_LATELY: Duration = Duration::from_secs(24 * 3600);

/// How much a person looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Who.
    pub name: String,
    /// Pictures seen without their blur in the last day.
    pub n_revealed_lately: i64,
    /// The same, in the last week.
    pub n_revealed: i64,
    /// Cases decided in the last week.
    pub n_decided: i64,
}

/// How much each person looked at, who saw most first. Who did nothing has no line.
pub async fn workload(app: &Seawall, actor: &Actor) -> Result<Vec<Workload>, ViewError> {
    actor.require(Right::ReadWorkload)?;
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let names = names::all(&mut conn).await?;
    let rows = query(
        "SELECT actor, kind, COUNT(*) AS n, COUNT(CASE WHEN at > $2 THEN 1 END) AS lately FROM store_event
         WHERE at > $1 AND kind IN ('media.revealed', 'entry.revealed', 'case.decided') GROUP BY actor, kind",
    )
    .bind(now.before(WORKLOAD_OVER).unix_ms())
    .bind(now.before(WORKLOAD_LATELY).unix_ms())
    .fetch_all(&mut *conn)
    .await
    .map_err(StoreError::at("count what people looked at"))?;
    let mut of: HashMap<String, Workload> = HashMap::new();
    for row in &rows {
        let id = row.text("actor")?;
        // Programs and the command line are nobody's to look after.
        if !id.starts_with("user_") {
            continue;
        }
        let name = names::of(&names, &id);
        let line = of.entry(id).or_insert(Workload {
            name,
            n_revealed_lately: 0,
            n_revealed: 0,
            n_decided: 0,
        });
        if row.text("kind")? == "case.decided" {
            line.n_decided += row.int("n")?;
        } else {
            line.n_revealed += row.int("n")?;
            line.n_revealed_lately += row.int("lately")?;
        }
    }
    let mut lines: Vec<Workload> = of.into_values().collect();
    lines.sort_by(|a, b| (b.n_revealed, &a.name).cmp(&(a.n_revealed, &b.name)));
    Ok(lines)
}
