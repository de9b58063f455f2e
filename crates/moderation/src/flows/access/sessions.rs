//! Sessions: opened by who signs in, known again by their token, listed, ended. Start with [`session`].
//!
//! A session's token is fresh each time somebody proves who they are, so that one that was planted in a browser before
//! opens nothing afterwards.

use std::time::Duration;

use super::{AccessError, DEVICE_LIFETIME, SignedIn};
use crate::Seawall;
use crate::access::{self, attempts, secrets};
use crate::model::{Actor, Denied, Right, Session, SessionId, SessionLine, Timestamp, User, UserId, UserState};
use crate::store::{StoreError, Tx};

/// How long a session lasts.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 3600);
/// How often it is noted that a session was used.
const SESSION_USE_NOTED_EVERY: Duration = Duration::from_secs(60);
/// The most characters of a browser's rough name.
const AGENT_LENGTH_MAX: usize = 64;

/// The session that a browser's token belongs to, if it is still good.
pub async fn session(app: &Seawall, token: &str) -> Result<Option<Session>, StoreError> {
    let mut conn = app.store.reader().await?;
    let token_hash = secrets::token_hash(token);
    let Some(row) = access::find_session(&mut conn, &token_hash).await? else {
        return Ok(None);
    };
    if row.expires_at <= app.clock.now() {
        return Ok(None);
    }
    let user = access::find_user(&mut conn, row.user)
        .await?
        .filter(|user| user.state == UserState::Active);
    Ok(user.map(|user| Session {
        id: SessionId::of_hash(&token_hash),
        user,
        csrf_token: row.csrf_token,
        expires_at: row.expires_at,
        seen_at: row.seen_at,
    }))
}

/// Notes that a session was used, roughly with which browser, to about a minute. The first use is noted at once.
pub async fn note_session_use(app: &Seawall, session: &Session, agent: &str) -> Result<(), StoreError> {
    let now = app.clock.now();
    let opened_at = session.expires_at.before(SESSION_LIFETIME);
    if session.seen_at > opened_at && now.since(session.seen_at) < SESSION_USE_NOTED_EVERY {
        return Ok(());
    }
    // A use in the very millisecond of the sign-in is one all the same.
    let now = now.max(opened_at.after(Duration::from_millis(1)));
    let agent: String = agent.chars().take(AGENT_LENGTH_MAX).collect();
    let mut tx = app.store.begin("note session use").await?;
    access::touch_session(&mut tx, &session.id, &agent, now).await?;
    tx.commit().await
}

/// Ends a session.
pub async fn sign_out(app: &Seawall, token: &str) -> Result<(), StoreError> {
    let mut tx = app.store.begin("sign out").await?;
    access::delete_session(&mut tx, &secrets::token_hash(token)).await?;
    tx.commit().await
}

/// The sessions of a person, for themselves and for who manages users.
pub async fn list_sessions(app: &Seawall, actor: &Actor, of: UserId) -> Result<Vec<SessionLine>, AccessError> {
    require_own(actor, of)?;
    let mut conn = app.store.reader().await?;
    Ok(access::list_sessions(&mut conn, of, app.clock.now()).await?)
}

/// Ends one session of a person, by its name.
pub async fn end_session(app: &Seawall, actor: &Actor, of: UserId, id: &str) -> Result<(), AccessError> {
    require_own(actor, of)?;
    let mut tx = app.store.begin("end session").await?;
    if !access::delete_session_of(&mut tx, of, id).await? {
        return Err(AccessError::NotFound);
    }
    note_ended(app, &mut tx, actor, of, 1);
    tx.commit().await?;
    Ok(())
}

/// Ends all sessions of a person but the one that asks.
pub async fn end_other_sessions(
    app: &Seawall,
    actor: &Actor,
    of: UserId,
    kept: &SessionId,
) -> Result<u64, AccessError> {
    require_own(actor, of)?;
    let mut tx = app.store.begin("end other sessions").await?;
    let n_ended = access::delete_sessions_but(&mut tx, of, kept).await?;
    if n_ended > 0 {
        note_ended(app, &mut tx, actor, of, n_ended);
    }
    tx.commit().await?;
    Ok(n_ended)
}

/// Ends all sessions of a person, and revokes their tokens: whoever was in has to sign in again. Their browsers are known no
/// more, so that a stolen one has no lane of its own.
pub async fn end_all_sessions(app: &Seawall, actor: &Actor, of: UserId) -> Result<u64, AccessError> {
    actor.require(Right::ManageAccess)?;
    let mut tx = app.store.begin("end all sessions").await?;
    access::find_user_locked(&mut tx, of)
        .await?
        .ok_or(AccessError::NotFound)?;
    let n_ended = access::delete_sessions_of(&mut tx, of).await?;
    attempts::delete_devices_of(&mut tx, of).await?;
    let now = app.clock.now();
    let n_tokens = access::revoke_tokens_of(&mut tx, of, now).await?;
    let body = serde_json::json!({ "n_sessions": n_ended, "n_tokens": n_tokens });
    tx.event(now, actor, "session.ended", of, body);
    tx.commit().await?;
    Ok(n_ended)
}

fn note_ended(app: &Seawall, tx: &mut Tx, actor: &Actor, of: UserId, n_ended: u64) {
    let body = serde_json::json!({ "n_sessions": n_ended });
    tx.event(app.clock.now(), actor, "session.ended", of, body);
}

/// A person may see to what is their own, signed in; of others who manages users may. A token may not: it cannot make
/// itself room.
pub(super) fn require_own(actor: &Actor, of: UserId) -> Result<(), Denied> {
    match actor {
        Actor::Person { user, token: None, .. } if *user == of => Ok(()),
        Actor::Person { .. } | Actor::Key { .. } | Actor::Operator | Actor::System => {
            actor.require(Right::ManageAccess)
        }
    }
}

/// Opens a session, and sees to it that the browser is known again: by `device_token` if it has one that is this user's.
pub(super) async fn open_session(
    app: &Seawall,
    tx: &mut Tx,
    user: User,
    device_token: Option<String>,
    now: Timestamp,
) -> Result<SignedIn, StoreError> {
    let device_token = device_token.unwrap_or_else(|| secrets::fresh_token(&app.chance));
    let device_hash = secrets::token_hash(&device_token);
    attempts::put_device(tx, &device_hash, user.id, now, now.after(DEVICE_LIFETIME)).await?;
    let session_token = secrets::fresh_token(&app.chance);
    let csrf_token = secrets::fresh_token(&app.chance);
    let token_hash = secrets::token_hash(&session_token);
    let expires_at = now.after(SESSION_LIFETIME);
    access::insert_session(tx, &token_hash, user.id, &csrf_token, now, expires_at).await?;
    Ok(SignedIn {
        session_token,
        device_token,
        session: Session {
            id: SessionId::of_hash(&token_hash),
            user,
            csrf_token,
            expires_at,
            seen_at: now,
        },
    })
}
