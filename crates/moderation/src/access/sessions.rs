//! Sessions of people who signed in.

use sqlx::{AnyConnection, query};

use crate::model::{SessionId, SessionLine, Timestamp, UserId};
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
    query("INSERT INTO access_session (token_hash, user_id, csrf_token, created_at, expires_at, seen_at) VALUES ($1, $2, $3, $4, $5, $4)")
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

/// A session as it is kept.
pub struct SessionRow {
    /// Whose it is.
    pub user: UserId,
    /// The token of its forms.
    pub csrf_token: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used.
    pub seen_at: Timestamp,
}

/// The session, by the hash of its token.
pub async fn find_session(conn: &mut AnyConnection, token_hash: &str) -> Result<Option<SessionRow>, StoreError> {
    let row = query("SELECT user_id, csrf_token, expires_at, seen_at FROM access_session WHERE token_hash = $1")
        .bind(token_hash.to_owned())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read a session"))?;
    row.map(|row| {
        Ok(SessionRow {
            user: row.parse("user_id")?,
            csrf_token: row.text("csrf_token")?,
            expires_at: row.time("expires_at")?,
            seen_at: row.time("seen_at")?,
        })
    })
    .transpose()
}

/// Notes that a session was used, and roughly with which browser.
pub async fn touch_session(tx: &mut Tx, id: &SessionId, agent: &str, now: Timestamp) -> Result<(), StoreError> {
    query("UPDATE access_session SET seen_at = $1, agent = $2 WHERE SUBSTR(token_hash, 1, 32) = $3")
        .bind(now.unix_ms())
        .bind(agent.to_owned())
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("note that a session was used"))?;
    Ok(())
}

/// The sessions of a user that have not ended, the last used first.
pub async fn list_sessions(
    conn: &mut AnyConnection,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<SessionLine>, StoreError> {
    let rows = query(
        "SELECT token_hash, created_at, seen_at, agent FROM access_session WHERE user_id = $1 AND expires_at > $2
         ORDER BY seen_at DESC, token_hash",
    )
    .bind(user.to_string())
    .bind(now.unix_ms())
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the sessions of a user"))?;
    rows.iter()
        .map(|row| {
            Ok(SessionLine {
                id: SessionId::of_hash(&row.text("token_hash")?),
                created_at: row.time("created_at")?,
                seen_at: row.time("seen_at")?,
                agent: row.text("agent")?,
            })
        })
        .collect()
}

/// Ends one session of a user, by its name; `false` if they have none of that name.
pub async fn delete_session_of(tx: &mut Tx, user: UserId, id: &str) -> Result<bool, StoreError> {
    let done = query("DELETE FROM access_session WHERE user_id = $1 AND SUBSTR(token_hash, 1, 32) = $2")
        .bind(user.to_string())
        .bind(id.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("end a session"))?;
    Ok(done.rows_affected() > 0)
}

/// Ends all sessions of a user but one; says how many.
pub async fn delete_sessions_but(tx: &mut Tx, user: UserId, kept: &SessionId) -> Result<u64, StoreError> {
    let done = query("DELETE FROM access_session WHERE user_id = $1 AND SUBSTR(token_hash, 1, 32) <> $2")
        .bind(user.to_string())
        .bind(kept.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("end the other sessions of a user"))?;
    Ok(done.rows_affected())
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

/// Ends all sessions of a user; says how many.
pub async fn delete_sessions_of(tx: &mut Tx, user: UserId) -> Result<u64, StoreError> {
    let done = query("DELETE FROM access_session WHERE user_id = $1")
        .bind(user.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("end the sessions of a user"))?;
    Ok(done.rows_affected())
}
