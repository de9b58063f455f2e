//! Golden cases: past cases with their right answer, why it is right, and who answers for it. They are asked among other questions, and nobody can tell them apart.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use super::reviews::Answer;
use crate::model::{GoldenId, ItemId, Queue, QueueSet, Timestamp, UserId};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// A past case with its right answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Golden {
    /// Its id.
    pub id: GoldenId,
    /// How often its answer was written, from 1.
    pub version: i64,
    /// The item.
    pub item: ItemId,
    /// Its revision: once it changes, the case is asked no more.
    pub revision: i64,
    /// The queue in which it waited.
    pub queue: Option<Queue>,
    /// The language of its text, if the platform told it.
    pub language: Option<String>,
    /// What is right.
    pub answer: Answer,
    /// Why, for those who learn from it.
    pub reason: String,
    /// Who answers for it.
    pub owner: UserId,
    /// When this version was made.
    pub made_at: Timestamp,
    /// Since when it is asked no more.
    pub retired_at: Option<Timestamp>,
}

impl Golden {
    /// The most golden cases that are asked.
    pub const CASES_MAX: i64 = 1_000;

    /// Whether who works on these queues reaches it.
    pub fn is_reached_by(&self, queues: &QueueSet) -> bool {
        self.queue.is_none_or(|queue| queues.has(queue))
    }
}

/// Keeps a golden case, or a new version of the one about the same item. Answers its id, which stays.
pub async fn put(tx: &mut Tx, golden: &Golden) -> Result<(GoldenId, i64), StoreError> {
    let row = query(
        "INSERT INTO quality_golden
            (id, version, item_id, revision, queue, language, outcome, policy, reason, owner, made_at)
         VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (item_id) DO UPDATE SET
            version = quality_golden.version + 1, revision = excluded.revision, queue = excluded.queue,
            language = excluded.language, outcome = excluded.outcome, policy = excluded.policy,
            reason = excluded.reason, owner = excluded.owner, made_at = excluded.made_at, retired_at = NULL
         RETURNING id, version",
    )
    .bind(golden.id.to_string())
    .bind(golden.item.to_string())
    .bind(golden.revision)
    .bind(golden.queue.map(|queue| queue.to_string()).unwrap_or_default())
    .bind(golden.language.clone().unwrap_or_default())
    .bind(golden.answer.outcome.as_str())
    .bind(golden.answer.policy.map(|policy| policy.as_str()))
    .bind(golden.reason.clone())
    .bind(golden.owner.to_string())
    .bind(golden.made_at.unix_ms())
    .fetch_one(tx.conn())
    .await
    .map_err(StoreError::at("keep a golden case"))?;
    Ok((row.parse("id")?, row.int("version")?))
}

/// The golden case is asked no more. Whether it was until now.
pub async fn retire(tx: &mut Tx, id: GoldenId, now: Timestamp) -> Result<bool, StoreError> {
    let done = query("UPDATE quality_golden SET retired_at = $1 WHERE id = $2 AND retired_at IS NULL")
        .bind(now.unix_ms())
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("retire a golden case"))?;
    Ok(done.rows_affected() > 0)
}

/// The golden case, by its id.
pub async fn find(conn: &mut AnyConnection, id: GoldenId) -> Result<Option<Golden>, StoreError> {
    let row = query("SELECT * FROM quality_golden WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read a golden case"))?;
    row.map(|row| read(&row)).transpose()
}

/// Golden cases, the newest first, at most [`Golden::CASES_MAX`].
pub async fn list(conn: &mut AnyConnection) -> Result<Vec<Golden>, StoreError> {
    let rows = query("SELECT * FROM quality_golden ORDER BY made_at DESC, id DESC LIMIT $1")
        .bind(Golden::CASES_MAX)
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read golden cases"))?;
    rows.iter().map(read).collect()
}

/// How many are asked.
pub async fn n_asked(conn: &mut AnyConnection) -> Result<i64, StoreError> {
    let row = query("SELECT COUNT(*) AS n FROM quality_golden WHERE retired_at IS NULL")
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("count golden cases"))?;
    row.int("n")
}

/// A golden case from a row that has its columns under their own names.
pub fn read(row: &AnyRow) -> Result<Golden, StoreError> {
    let some = |text: String| (!text.is_empty()).then_some(text);
    let queue = some(row.text("queue")?).map(|word| word.parse::<Queue>()).transpose();
    Ok(Golden {
        id: row.parse("id")?,
        version: row.int("version")?,
        item: row.parse("item_id")?,
        revision: row.int("revision")?,
        queue: queue.map_err(|error| damaged("queue", error))?,
        language: some(row.text("language")?),
        answer: Answer {
            outcome: row.parse("outcome")?,
            policy: row.opt_parse("policy")?,
        },
        reason: row.text("reason")?,
        owner: row.parse("owner")?,
        made_at: row.time("made_at")?,
        retired_at: row.opt_time("retired_at")?,
    })
}
