//! Sessions of people who signed in.

use sqlx::{AnyConnection, query};

use crate::model::{Timestamp, UserId};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// Keeps a session, and forgets those that have ended.
pub async fn insert_session(
    tx: &mut Tx,
    token_hash: &str,
    user: UserId,
    csrf_token: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let at = StoreError::at("keep a session");
    query("DELETE FROM access_session WHERE expires_at <= $1")
        .bind(now.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    query("INSERT INTO access_session (token_hash, user_id, csrf_token, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(token_hash.to_owned())
        .bind(user.to_string())
        .bind(csrf_token.to_owned())
        .bind(now.unix_ms())
        .bind(expires_at.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    Ok(())
}

/// Whose session it is, its form token, and when it ends.
pub async fn find_session(
    conn: &mut AnyConnection,
    token_hash: &str,
) -> Result<Option<(UserId, String, Timestamp)>, StoreError> {
    let row = query("SELECT user_id, csrf_token, expires_at FROM access_session WHERE token_hash = $1")
        .bind(token_hash.to_owned())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read a session"))?;
    row.map(|row| Ok((row.parse("user_id")?, row.text("csrf_token")?, row.time("expires_at")?)))
        .transpose()
}

/// Ends a session.
pub async fn delete_session(tx: &mut Tx, token_hash: &str) -> Result<(), StoreError> {
    query("DELETE FROM access_session WHERE token_hash = $1")
        .bind(token_hash.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("end a session"))?;
    Ok(())
}

/// Ends all sessions of a user.
pub async fn delete_sessions_of(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    query("DELETE FROM access_session WHERE user_id = $1")
        .bind(user.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("end the sessions of a user"))?;
    Ok(())
}
