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

/// Where a session began, if at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The provider.
    pub issuer: String,
    /// Who there.
    pub subject: String,
    /// The provider's name for its own session, if it said one.
    pub provider_session: Option<String>,
    /// What the provider knows the sign-in by, for signing out there.
    pub id_token: Option<String>,
}

/// Notes where a session began, and when its person proved themselves there, if the provider says so.
pub async fn set_origin(
    tx: &mut Tx,
    token_hash: &str,
    origin: &Origin,
    proved_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    query(
        "UPDATE access_session SET issuer = $1, subject = $2, provider_session = $3, id_token = $4, proved_at = $5
         WHERE token_hash = $6",
    )
    .bind(origin.issuer.clone())
    .bind(origin.subject.clone())
    .bind(origin.provider_session.clone())
    .bind(origin.id_token.clone())
    .bind(proved_at.map(Timestamp::unix_ms))
    .bind(token_hash.to_owned())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("note where a session began"))?;
    Ok(())
}

/// Where a session began, if at a provider.
pub async fn find_origin(conn: &mut AnyConnection, token_hash: &str) -> Result<Option<Origin>, StoreError> {
    let row = query(
        "SELECT issuer, subject, provider_session, id_token FROM access_session
         WHERE token_hash = $1 AND issuer IS NOT NULL",
    )
    .bind(token_hash.to_owned())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read where a session began"))?;
    row.map(|row| {
        Ok(Origin {
            issuer: row.text("issuer")?,
            subject: row.text("subject")?,
            provider_session: row.opt_text("provider_session")?,
            id_token: row.opt_text("id_token")?,
        })
    })
    .transpose()
}

/// Notes that the person of a session proved themselves at the provider anew; `false` if the session has ended.
pub async fn set_proved(tx: &mut Tx, user: UserId, id: &SessionId, at: Timestamp) -> Result<bool, StoreError> {
    let done = query(
        "UPDATE access_session SET proved_at = $1 WHERE user_id = $2 AND SUBSTR(token_hash, 1, 32) = $3 AND expires_at > $1",
    )
    .bind(at.unix_ms())
    .bind(user.to_string())
    .bind(id.to_string())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("note that somebody proved themselves"))?;
    Ok(done.rows_affected() == 1)
}

/// When the person of a session last proved themselves at the provider.
pub async fn proved_at(
    conn: &mut AnyConnection,
    user: UserId,
    id: &SessionId,
) -> Result<Option<Timestamp>, StoreError> {
    let row = query("SELECT proved_at FROM access_session WHERE user_id = $1 AND SUBSTR(token_hash, 1, 32) = $2")
        .bind(user.to_string())
        .bind(id.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read when somebody proved themselves"))?;
    row.map_or(Ok(None), |row| row.opt_time("proved_at"))
}

/// Ends the sessions that began at a provider: of one of its people, or in one of its sessions, or both. Whose they were.
pub async fn delete_sessions_from(
    tx: &mut Tx,
    issuer: &str,
    subject: Option<&str>,
    provider_session: Option<&str>,
) -> Result<Vec<UserId>, StoreError> {
    let rows = query(
        "DELETE FROM access_session WHERE issuer = $1 AND ($2 = '' OR subject = $2) AND ($3 = '' OR provider_session = $3)
            AND ($2 <> '' OR $3 <> '')
         RETURNING user_id",
    )
    .bind(issuer.to_owned())
    .bind(subject.unwrap_or_default().to_owned())
    .bind(provider_session.unwrap_or_default().to_owned())
    .fetch_all(tx.conn())
    .await
    .map_err(StoreError::at("end the sessions that began at a provider"))?;
    rows.iter().map(|row| row.parse("user_id")).collect()
}
