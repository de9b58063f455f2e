//! How long people take for cases of each kind: the median of the last that were closed, counted anew by the upkeep.

use std::time::Duration;

use sqlx::query;

use crate::model::{Timestamp, WorkKind};
use crate::store::columns::Columns;
use crate::store::{AnyConnection, StoreError, Tx};

/// Fewer closed cases say nothing.
pub const CASES_MIN: usize = 10;
/// The last so many count.
pub const CASES_MAX: i64 = 200;

/// The median of how long cases took; none if they are too few.
pub fn median(mut took_ms: Vec<i64>) -> Option<Duration> {
    if took_ms.len() < CASES_MIN {
        return None;
    }
    took_ms.sort_unstable();
    let middle = took_ms.get(took_ms.len() / 2).copied()?;
    u64::try_from(middle).ok().map(Duration::from_millis)
}

/// Keeps how long cases of a kind take.
pub async fn put(tx: &mut Tx, work: WorkKind, median: Duration, n: usize, now: Timestamp) -> Result<(), StoreError> {
    query(
        "INSERT INTO routing_pace (work, median_ms, n_cases, computed_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (work) DO UPDATE SET median_ms = excluded.median_ms, n_cases = excluded.n_cases,
             computed_at = excluded.computed_at",
    )
    .bind(work.as_str())
    .bind(i64::try_from(median.as_millis()).unwrap_or(i64::MAX))
    .bind(i64::try_from(n).unwrap_or(i64::MAX))
    .bind(now.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep how long cases take"))?;
    Ok(())
}

/// How long cases of a kind take, and how many say so.
pub async fn of(conn: &mut AnyConnection, work: WorkKind) -> Result<Option<(Duration, i64)>, StoreError> {
    let row = query("SELECT median_ms, n_cases FROM routing_pace WHERE work = $1")
        .bind(work.as_str())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read how long cases take"))?;
    match row {
        Some(row) => Ok(Some((
            Duration::from_millis(row.number("median_ms")?),
            row.int("n_cases")?,
        ))),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_went_to_lunch_moves_no_median() {
        let mut took: Vec<i64> = (1..=10).map(|n| n * 1_000).collect();
        took.push(4 * 3_600_000);
        assert_eq!(median(took), Some(Duration::from_secs(6)));
        assert_eq!(median(vec![1_000; CASES_MIN - 1]), None);
    }
}
