//! The event log: append-only, each line chained to the last by its hash.

use sqlx::{AnyConnection, query};

use super::StoreError;
use super::columns::Columns;
use crate::model::{Actor, Event, Timestamp};

/// A line that its transaction will append.
#[derive(Debug, Clone)]
pub(super) struct NewEvent {
    pub at: Timestamp,
    pub actor: String,
    pub kind: &'static str,
    pub subject: String,
    pub body: String,
}

pub(super) async fn append(conn: &mut AnyConnection, pending: Vec<NewEvent>) -> Result<(), StoreError> {
    if pending.is_empty() {
        return Ok(());
    }
    let at = StoreError::at("append to the event log");
    // The update takes the lock on the chain's end in both engines: lines are numbered in the order of their commits.
    let row = query("UPDATE store_chain SET seq = seq + $1 WHERE id = 1 RETURNING seq, hash")
        .bind(pending.len() as i64)
        .fetch_one(&mut *conn)
        .await
        .map_err(&at)?;
    let first = row.int("seq")? - pending.len() as i64 + 1;
    let mut prev_hash = row.text("hash")?;
    for (seq, new) in (first..).zip(pending) {
        let mut event = Event {
            seq,
            at: new.at,
            actor: new.actor,
            kind: new.kind.to_owned(),
            subject: new.subject,
            body: new.body,
            prev_hash,
            hash: String::new(),
        };
        event.hash = event.compute_hash();
        query(
            "INSERT INTO store_event (seq, at, actor, kind, subject, body, prev_hash, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(event.seq)
        .bind(event.at.unix_ms())
        .bind(event.actor)
        .bind(event.kind)
        .bind(event.subject)
        .bind(event.body)
        .bind(event.prev_hash)
        .bind(event.hash.clone())
        .execute(&mut *conn)
        .await
        .map_err(&at)?;
        prev_hash = event.hash;
    }
    query("UPDATE store_chain SET hash = $1 WHERE id = 1")
        .bind(prev_hash)
        .execute(&mut *conn)
        .await
        .map_err(&at)?;
    Ok(())
}

/// The number and the hash of the last line, as the chain's end says.
pub async fn head(conn: &mut AnyConnection) -> Result<(i64, String), StoreError> {
    let row = query("SELECT seq, hash FROM store_chain WHERE id = 1")
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("read the end of the event log"))?;
    Ok((row.int("seq")?, row.text("hash")?))
}

/// The hash of a line, if there is one of this number.
pub async fn hash_of(conn: &mut AnyConnection, seq: i64) -> Result<Option<String>, StoreError> {
    let row = query("SELECT hash FROM store_event WHERE seq = $1")
        .bind(seq)
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read a line of the event log"))?;
    row.map(|row| row.text("hash")).transpose()
}

/// The number of the last line, locked until the transaction ends: nobody appends a line meanwhile.
pub async fn locked_head(conn: &mut AnyConnection) -> Result<i64, StoreError> {
    // A write that changes nothing takes the row's lock in both engines.
    let row = query("UPDATE store_chain SET seq = seq WHERE id = 1 RETURNING seq")
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("lock the end of the event log"))?;
    row.int("seq")
}

/// Up to `limit` lines after line `after`, oldest first.
pub async fn list(conn: &mut AnyConnection, after: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
    let rows = query(
        "SELECT seq, at, actor, kind, subject, body, prev_hash, hash FROM store_event
         WHERE seq > $1 ORDER BY seq LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the event log"))?;
    rows.iter().map(read).collect()
}

/// Up to `limit` lines before line `before`, newest first.
pub async fn list_newest(conn: &mut AnyConnection, before: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
    let rows = query(
        "SELECT seq, at, actor, kind, subject, body, prev_hash, hash FROM store_event
         WHERE seq < $1 ORDER BY seq DESC LIMIT $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the event log"))?;
    rows.iter().map(read).collect()
}

/// The last `limit` lines about `subject`, oldest first.
pub async fn list_about(conn: &mut AnyConnection, subject: &str, limit: i64) -> Result<Vec<Event>, StoreError> {
    let rows = query(
        "SELECT seq, at, actor, kind, subject, body, prev_hash, hash FROM store_event
         WHERE subject = $1 ORDER BY seq DESC LIMIT $2",
    )
    .bind(subject)
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the event log"))?;
    let mut events: Vec<Event> = rows.iter().map(read).collect::<Result<_, _>>()?;
    events.reverse();
    Ok(events)
}

/// Whether the actor has such a line about `subject` since then.
pub async fn is_noted(
    conn: &mut AnyConnection,
    kind: &str,
    subject: &str,
    actor: &Actor,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let row = query("SELECT seq FROM store_event WHERE subject = $1 AND kind = $2 AND actor = $3 AND at > $4 LIMIT 1")
        .bind(subject.to_owned())
        .bind(kind.to_owned())
        .bind(actor.to_string())
        .bind(since.unix_ms())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read the event log"))?;
    Ok(row.is_some())
}

fn read(row: &sqlx::any::AnyRow) -> Result<Event, StoreError> {
    Ok(Event {
        seq: row.int("seq")?,
        at: row.time("at")?,
        actor: row.text("actor")?,
        kind: row.text("kind")?,
        subject: row.text("subject")?,
        body: row.text("body")?,
        prev_hash: row.text("prev_hash")?,
        hash: row.text("hash")?,
    })
}
