//! Browsers on their way: to the provider and back, or back and still owing a code. An errand is known by two secrets, one
//! that goes with the provider's answer and one that the browser keeps, and is good once.

use sqlx::any::AnyRow;
use sqlx::query;

use crate::model::{SessionId, Timestamp, UserId};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// The most errands under way at once. One more makes the oldest forgotten, so that strangers cannot fill the store.
pub const ERRANDS_MAX: i64 = 10_000;

/// What somebody was sent to the provider for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrandKind {
    /// To come in.
    SignIn,
    /// To join who they are there to who they are here.
    Link,
    /// To prove once more that it is them.
    Prove,
    /// They are back, and come in once they have typed a code.
    Code,
}

impl ErrandKind {
    /// The word for it in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrandKind::SignIn => "sign_in",
            ErrandKind::Link => "link",
            ErrandKind::Prove => "prove",
            ErrandKind::Code => "code",
        }
    }
}

/// An errand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// What for.
    pub kind: ErrandKind,
    /// Whose, where somebody is known already.
    pub user: Option<UserId>,
    /// The session that it began in, as its name.
    pub session: Option<String>,
    /// Where to go afterwards.
    pub next: String,
    /// What the provider said, where only a code is missing: JSON.
    pub carried: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it is too late.
    pub expires_at: Timestamp,
}

impl Errand {
    /// Whether it began in this session.
    pub fn is_of(&self, session: &SessionId) -> bool {
        self.session.as_deref() == Some(session.as_str())
    }
}

/// Keeps an errand under the hashes of its two secrets, and forgets those that are too late.
pub async fn put_errand(
    tx: &mut Tx,
    state_hash: &str,
    browser_hash: &str,
    errand: &Errand,
    now: Timestamp,
) -> Result<(), StoreError> {
    let at = StoreError::at("keep an errand");
    forget_errands_before(tx, now).await?;
    query(
        "INSERT INTO access_errand (state_hash, browser_hash, kind, user_id, session_id, next, carried, started_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(state_hash.to_owned())
    .bind(browser_hash.to_owned())
    .bind(errand.kind.as_str())
    .bind(errand.user.map(|user| user.to_string()))
    .bind(errand.session.clone())
    .bind(errand.next.clone())
    .bind(errand.carried.clone())
    .bind(errand.started_at.unix_ms())
    .bind(errand.expires_at.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(&at)?;
    query(
        "DELETE FROM access_errand WHERE state_hash IN (
            SELECT state_hash FROM access_errand ORDER BY expires_at DESC, state_hash LIMIT 1000 OFFSET $1)",
    )
    .bind(ERRANDS_MAX)
    .execute(tx.conn())
    .await
    .map_err(&at)?;
    Ok(())
}

/// Takes the errand of this browser away, so that nobody can take it again; none if there is none, or it is too late.
pub async fn take_errand(
    tx: &mut Tx,
    state_hash: &str,
    browser_hash: &str,
    now: Timestamp,
) -> Result<Option<Errand>, StoreError> {
    let row = query(
        "DELETE FROM access_errand WHERE state_hash = $1 AND browser_hash = $2
         RETURNING kind, user_id, session_id, next, carried, started_at, expires_at",
    )
    .bind(state_hash.to_owned())
    .bind(browser_hash.to_owned())
    .fetch_optional(tx.conn())
    .await
    .map_err(StoreError::at("take an errand"))?;
    let errand = row.map(|row| read(&row)).transpose()?;
    Ok(errand.filter(|errand| errand.expires_at > now))
}

/// The errand of this browser, left where it is.
pub async fn find_errand(
    conn: &mut sqlx::AnyConnection,
    state_hash: &str,
    browser_hash: &str,
    now: Timestamp,
) -> Result<Option<Errand>, StoreError> {
    let row = query(
        "SELECT kind, user_id, session_id, next, carried, started_at, expires_at FROM access_errand
         WHERE state_hash = $1 AND browser_hash = $2 AND expires_at > $3",
    )
    .bind(state_hash.to_owned())
    .bind(browser_hash.to_owned())
    .bind(now.unix_ms())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("look an errand up"))?;
    row.map(|row| read(&row)).transpose()
}

/// Forgets errands, and words of providers that somebody signed out, which are too late.
pub async fn forget_errands_before(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    let at = StoreError::at("forget errands");
    query("DELETE FROM access_errand WHERE expires_at <= $1")
        .bind(now.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    query("DELETE FROM access_logout WHERE expires_at <= $1")
        .bind(now.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    Ok(())
}

/// Forgets that somebody owes a code: they come in with it no more.
pub async fn forget_codes_of(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    query("DELETE FROM access_errand WHERE kind = $1 AND user_id = $2")
        .bind(ErrandKind::Code.as_str())
        .bind(user.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget a code that is owed"))?;
    Ok(())
}

/// Notes a provider's word that somebody signed out; `false` if it was said before.
pub async fn note_logout(tx: &mut Tx, token_hash: &str, expires_at: Timestamp) -> Result<bool, StoreError> {
    let done = query("INSERT INTO access_logout (token_hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(token_hash.to_owned())
        .bind(expires_at.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("note a sign-out"))?;
    Ok(done.rows_affected() == 1)
}

fn read(row: &AnyRow) -> Result<Errand, StoreError> {
    let kind = match row.text("kind")?.as_str() {
        "sign_in" => ErrandKind::SignIn,
        "link" => ErrandKind::Link,
        "prove" => ErrandKind::Prove,
        "code" => ErrandKind::Code,
        other => return Err(damaged("kind", format!("`{other}` is not what an errand is for"))),
    };
    Ok(Errand {
        kind,
        user: row.opt_parse("user_id")?,
        session: row.opt_text("session_id")?,
        next: row.text("next")?,
        carried: row.opt_text("carried")?,
        started_at: row.time("started_at")?,
        expires_at: row.time("expires_at")?,
    })
}
