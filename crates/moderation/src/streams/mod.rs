//! Live streams: which there are and were, and what was told of them.
//!
//! Owns the tables `streams_*`. What is seen and heard in an open stream is in memory alone; it must never know that, nor what an entry is.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{
    Audience, ItemId, NewStream, QueueSet, Stream, StreamId, StreamState, StreamVerdict, Tier, Timestamp,
};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx, Within, counter};

/// The counter that numbers what is told, in the order of commits.
const VERDICTS: &str = "streams_verdict";

/// What stands for the tier where nothing was found.
const NO_TIER: &str = "none";

const COLUMNS: &str =
    "id, item_id, account, channel, audience, url, state, reason, opened_at, seen_at, closed_at, at_ms, n_bytes";

/// Keeps a stream that was opened; `false` if one of this item is open already.
pub async fn insert(tx: &mut Tx, id: StreamId, new: &NewStream, now: Timestamp) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO streams_stream (id, item_id, account, channel, audience, url, state, opened_at, seen_at, at_ms, n_bytes)
         VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $7, 0, 0) ON CONFLICT DO NOTHING",
    )
    .bind(id.to_string())
    .bind(new.item.to_string())
    .bind(new.account.clone())
    .bind(new.channel.clone())
    .bind(new.audience.map(Audience::as_str))
    .bind(new.url.clone())
    .bind(now.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep a stream"))?;
    Ok(done.rows_affected() == 1)
}

/// Says how far an open stream is; `false` if it is over.
pub async fn set_seen(tx: &mut Tx, id: StreamId, at_ms: u32, n_bytes: u64, now: Timestamp) -> Result<bool, StoreError> {
    let done =
        query("UPDATE streams_stream SET at_ms = $1, n_bytes = $2, seen_at = $3 WHERE id = $4 AND state = 'open'")
            .bind(i64::from(at_ms))
            .bind(i64::try_from(n_bytes).unwrap_or(i64::MAX))
            .bind(now.unix_ms())
            .bind(id.to_string())
            .execute(tx.conn())
            .await
            .map_err(StoreError::at("say how far a stream is"))?;
    Ok(done.rows_affected() == 1)
}

/// Says that an open stream is over; `false` if it was before.
pub async fn end(
    tx: &mut Tx,
    id: StreamId,
    state: StreamState,
    reason: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done =
        query("UPDATE streams_stream SET state = $1, reason = $2, closed_at = $3 WHERE id = $4 AND state = 'open'")
            .bind(state.as_str())
            .bind(reason.to_owned())
            .bind(now.unix_ms())
            .bind(id.to_string())
            .execute(tx.conn())
            .await
            .map_err(StoreError::at("end a stream"))?;
    Ok(done.rows_affected() == 1)
}

/// The stream, by its id.
pub async fn find(conn: &mut AnyConnection, id: StreamId) -> Result<Option<Stream>, StoreError> {
    let row = query(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM streams_stream WHERE id = $1"
    )))
    .bind(id.to_string())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read a stream"))?;
    row.map(|row| read(&row)).transpose()
}

/// The open stream of an item.
pub async fn find_open(conn: &mut AnyConnection, item: &ItemId) -> Result<Option<Stream>, StoreError> {
    let statement = format!("SELECT {COLUMNS} FROM streams_stream WHERE item_id = $1 AND state = 'open'");
    let row = query(sqlx::AssertSqlSafe(statement))
        .bind(item.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read a stream"))?;
    row.map(|row| read(&row)).transpose()
}

/// How many are open, in all processes.
pub async fn count_open(conn: &mut AnyConnection) -> Result<u64, StoreError> {
    let row = query("SELECT COUNT(*) AS n FROM streams_stream WHERE state = 'open'")
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("count open streams"))?;
    row.number("n")
}

/// Up to `limit` streams, those of one state if that is asked for, the last opened first, before that one.
pub async fn list(
    conn: &mut AnyConnection,
    state: Option<StreamState>,
    before: Option<StreamId>,
    limit: i64,
    queues: &QueueSet,
    within: Within,
) -> Result<Vec<Stream>, StoreError> {
    let reached = within("streams_stream.item_id", "$6");
    let statement = format!(
        "SELECT {COLUMNS} FROM streams_stream
         WHERE ($1 = '' OR state = $2) AND ($3 = '' OR id < $4) AND {reached} ORDER BY id DESC LIMIT $5"
    );
    let state = state.map_or("", StreamState::as_str).to_owned();
    let before = before.map(|id| id.to_string()).unwrap_or_default();
    let rows = query(sqlx::AssertSqlSafe(statement))
        .bind(state.clone())
        .bind(state)
        .bind(before.clone())
        .bind(before)
        .bind(limit)
        .bind(queues.to_string())
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read streams"))?;
    rows.iter().map(read).collect()
}

/// Open streams of which nothing came since then.
pub async fn silent_since(conn: &mut AnyConnection, since: Timestamp, limit: i64) -> Result<Vec<StreamId>, StoreError> {
    let rows = query("SELECT id FROM streams_stream WHERE state = 'open' AND seen_at <= $1 ORDER BY id LIMIT $2")
        .bind(since.unix_ms())
        .bind(limit)
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("look for silent streams"))?;
    rows.iter().map(|row| row.parse("id")).collect()
}

/// Keeps what is told of a stream, and gives it its number.
pub async fn insert_verdict(tx: &mut Tx, verdict: StreamVerdict) -> Result<StreamVerdict, StoreError> {
    let seq = counter::take(tx, VERDICTS, 1).await?;
    let verdict = StreamVerdict { seq, ..verdict };
    query(
        "INSERT INTO streams_verdict (seq, stream_id, item_id, at_ms, tier, outcome, decision_id, case_id, told_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(seq)
    .bind(verdict.stream.to_string())
    .bind(verdict.item.to_string())
    .bind(i64::from(verdict.at_ms))
    .bind(verdict.tier.map_or(NO_TIER, Tier::as_str))
    .bind(verdict.outcome.as_str())
    .bind(verdict.decision.to_string())
    .bind(verdict.case.map(|case| case.to_string()))
    .bind(verdict.told_at.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep what is told of a stream"))?;
    Ok(verdict)
}

/// Up to `limit` of what was told after that number, of one stream or of all, in order.
pub async fn verdicts_after(
    conn: &mut AnyConnection,
    stream: Option<StreamId>,
    after: i64,
    limit: i64,
) -> Result<Vec<StreamVerdict>, StoreError> {
    let all: Within = |_, place| format!("{place} = '*'");
    verdicts_within(conn, stream, after, limit, &QueueSet::All, all).await
}

/// The same, of items that are reached by who works on these queues.
pub async fn verdicts_within(
    conn: &mut AnyConnection,
    stream: Option<StreamId>,
    after: i64,
    limit: i64,
    queues: &QueueSet,
    within: Within,
) -> Result<Vec<StreamVerdict>, StoreError> {
    let stream = stream.map(|id| id.to_string()).unwrap_or_default();
    let reached = within("streams_verdict.item_id", "$5");
    let statement = format!(
        "SELECT seq, stream_id, item_id, at_ms, tier, outcome, decision_id, case_id, told_at FROM streams_verdict
         WHERE seq > $1 AND ($2 = '' OR stream_id = $3) AND {reached} ORDER BY seq LIMIT $4"
    );
    let rows = query(sqlx::AssertSqlSafe(statement))
        .bind(after)
        .bind(stream.clone())
        .bind(stream)
        .bind(limit)
        .bind(queues.to_string())
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read what was told of streams"))?;
    rows.iter()
        .map(|row| {
            Ok(StreamVerdict {
                seq: row.int("seq")?,
                stream: row.parse("stream_id")?,
                item: row.parse("item_id")?,
                at_ms: row.number("at_ms")?,
                tier: match row.text("tier")?.as_str() {
                    NO_TIER => None,
                    _ => Some(row.parse("tier")?),
                },
                outcome: row.parse("outcome")?,
                decision: row.parse("decision_id")?,
                case: row.opt_parse("case_id")?,
                told_at: row.time("told_at")?,
            })
        })
        .collect()
}

fn read(row: &AnyRow) -> Result<Stream, StoreError> {
    Ok(Stream {
        id: row.parse("id")?,
        item: row.parse("item_id")?,
        account: row.opt_text("account")?,
        channel: row.opt_text("channel")?,
        audience: row.opt_parse("audience")?,
        url: row.opt_text("url")?,
        state: row.parse("state")?,
        reason: row.opt_text("reason")?,
        opened_at: row.time("opened_at")?,
        seen_at: row.time("seen_at")?,
        closed_at: row.opt_time("closed_at")?,
        at_ms: row.number("at_ms")?,
        n_bytes: row.number("n_bytes")?,
    })
}
