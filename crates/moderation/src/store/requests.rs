//! Requests that carry an idempotency key: a repeat finds what the first one made.

use sqlx::{AnyConnection, query};

use super::columns::Columns;
use super::{StoreError, Tx};
use crate::model::Timestamp;

/// The key of a request, as its sender chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Who sent it: keys of different callers never meet.
    pub caller: String,
    /// The key.
    pub key: String,
    /// SHA-256 of the request, in hex: the same key with another request is a mistake.
    pub fingerprint: String,
}

/// What a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created<T> {
    /// It was made now.
    New(T),
    /// An earlier request with the same key made it.
    Replayed(T),
}

impl<T> Created<T> {
    /// The thing, whenever it was made.
    pub fn into_inner(self) -> T {
        match self {
            Created::New(thing) | Created::Replayed(thing) => thing,
        }
    }
}

/// What is remembered under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recalled {
    /// Nothing: the request is new.
    Nothing,
    /// The same request made this subject.
    Same(String),
    /// Another request used the key.
    Other,
}

/// Looks the key up.
pub async fn recall(conn: &mut AnyConnection, key: &IdempotencyKey) -> Result<Recalled, StoreError> {
    let row = query("SELECT fingerprint, subject FROM store_request WHERE caller = $1 AND key = $2")
        .bind(key.caller.clone())
        .bind(key.key.clone())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("look an idempotency key up"))?;
    match row {
        None => Ok(Recalled::Nothing),
        Some(row) if row.text("fingerprint")? == key.fingerprint => Ok(Recalled::Same(row.text("subject")?)),
        Some(_) => Ok(Recalled::Other),
    }
}

/// Takes the key for this transaction, or says who took it before. A second request that comes while the first is under
/// way waits here until the first has committed.
pub async fn reserve(
    tx: &mut Tx,
    key: &IdempotencyKey,
    subject: impl ToString,
    now: Timestamp,
) -> Result<Recalled, StoreError> {
    let done = query(
        "INSERT INTO store_request (caller, key, fingerprint, subject, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (caller, key) DO NOTHING",
    )
    .bind(key.caller.clone())
    .bind(key.key.clone())
    .bind(key.fingerprint.clone())
    .bind(subject.to_string())
    .bind(now.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("take an idempotency key"))?;
    if done.rows_affected() == 1 {
        Ok(Recalled::Nothing)
    } else {
        recall(tx.conn(), key).await
    }
}

/// Forgets the keys of requests that were made before `end`.
pub async fn forget_before(tx: &mut Tx, end: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM store_request WHERE at < $1")
        .bind(end.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget idempotency keys"))?;
    Ok(())
}
