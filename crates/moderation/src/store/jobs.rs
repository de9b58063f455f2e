//! Jobs: what must still be done, written in the transaction that makes it necessary and leased by one worker at a time.
//!
//! A job is done at least once, so what it does must bear being done twice.

use std::time::Duration;

use sqlx::{AnyConnection, AssertSqlSafe, query};

use super::columns::Columns;
use super::{Store, StoreError, Tx};
use crate::model::id::JobId;
use crate::model::{Chance, Timestamp};

/// A job that a worker holds.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What kind of work.
    pub kind: String,
    /// The id of what it is about.
    pub subject: String,
}

/// Has `subject` worked on from `run_at`. At most one job of a kind waits for a subject.
pub async fn enqueue(
    tx: &mut Tx,
    now: Timestamp,
    chance: &Chance,
    kind: &'static str,
    subject: impl ToString,
    run_at: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO store_job (id, kind, subject, run_at, attempts, created_at) VALUES ($1, $2, $3, $4, 0, $5)
         ON CONFLICT (kind, subject) DO UPDATE SET run_at = excluded.run_at",
    )
    .bind(JobId::fresh(now, chance).to_string())
    .bind(kind)
    .bind(subject.to_string())
    .bind(run_at.unix_ms())
    .bind(now.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("write a job"))?;
    Ok(())
}

/// Leases the job of one of these kinds that has been due the longest to `worker`, if one is due.
pub async fn claim(
    store: &Store,
    worker: &str,
    kinds: &[&'static str],
    now: Timestamp,
    lease: Duration,
) -> Result<Option<Job>, StoreError> {
    let mut tx = store.begin("claim job").await?;
    let statement = format!(
        "UPDATE store_job SET leased_by = $1, leased_until = $2, attempts = attempts + 1
         WHERE id = (SELECT id FROM store_job
                     WHERE kind IN ({}) AND run_at <= $3 AND (leased_until IS NULL OR leased_until <= $3)
                     ORDER BY run_at, id LIMIT 1 {})
         RETURNING id, kind, subject",
        quoted(kinds),
        tx.engine().skip_locked()
    );
    let row = query(AssertSqlSafe(statement))
        .bind(worker.to_owned())
        .bind(now.after(lease).unix_ms())
        .bind(now.unix_ms())
        .fetch_optional(tx.conn())
        .await
        .map_err(StoreError::at("claim a job"))?;
    let job = match row {
        Some(row) => Some(Job {
            id: row.parse("id")?,
            kind: row.text("kind")?,
            subject: row.text("subject")?,
        }),
        None => None,
    };
    tx.commit().await?;
    Ok(job)
}

/// Kinds are words of this program, never of anybody else.
fn quoted(kinds: &[&'static str]) -> String {
    let quoted: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
    quoted.join(", ")
}

/// When the next job of one of these kinds becomes due or its lease runs out, if there is any.
pub async fn next_due(conn: &mut AnyConnection, kinds: &[&'static str]) -> Result<Option<Timestamp>, StoreError> {
    let statement = format!(
        "SELECT MIN(CASE WHEN leased_until IS NULL OR leased_until < run_at THEN run_at ELSE leased_until END) AS due
         FROM store_job WHERE kind IN ({})",
        quoted(kinds)
    );
    let row = query(AssertSqlSafe(statement))
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("look for jobs"))?;
    row.opt_time("due")
}

/// Its holder needs longer; `false` if somebody else holds it by now, or nobody.
pub async fn renew(tx: &mut Tx, job: &Job, worker: &str, until: Timestamp) -> Result<bool, StoreError> {
    let done = query("UPDATE store_job SET leased_until = $1 WHERE id = $2 AND leased_by = $3")
        .bind(until.unix_ms())
        .bind(job.id.to_string())
        .bind(worker.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("go on with a job"))?;
    Ok(done.rows_affected() == 1)
}

/// The job is done: there is nothing left to do. Only its holder ends it.
pub async fn finish(tx: &mut Tx, job: &Job, worker: &str) -> Result<(), StoreError> {
    query("DELETE FROM store_job WHERE id = $1 AND leased_by = $2")
        .bind(job.id.to_string())
        .bind(worker.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("end a job"))?;
    Ok(())
}

/// The job is given back, to be done from `run_at`.
pub async fn postpone(tx: &mut Tx, job: &Job, worker: &str, run_at: Timestamp) -> Result<(), StoreError> {
    query("UPDATE store_job SET run_at = $1, leased_by = NULL, leased_until = NULL WHERE id = $2 AND leased_by = $3")
        .bind(run_at.unix_ms())
        .bind(job.id.to_string())
        .bind(worker.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("postpone a job"))?;
    Ok(())
}
