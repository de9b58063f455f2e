//! People and programs come in: invitations, sign-in, sessions, API keys.
//!
//! Every refusal of a sign-in reads the same and takes as long, so that it tells nothing about which part was wrong, or
//! whether there is such a name. See `sign_in.rs`.
//!
//! Whoever changes a user locks their row first and reads it again: what was read before may have changed meanwhile.

mod hashing;
mod keys;
mod proof;
mod provider;
mod searches;
mod sessions;
mod sign_in;
mod tokens;

use std::time::Duration;

use crate::Seawall;
use crate::access::secrets::{self, SecretError};
use crate::access::{self, Credentials, InviteRow, attempts, errands, identities};
use crate::model::{Actor, Denied, QueueSet, Right, Role, Roles, Session, Timestamp, User, UserId, UserState};
use crate::store::{Lock, StoreError, Tx};

pub use keys::{NewKey, authenticate_key, create_key, revoke_key};
pub use proof::{Proof, change_password, n_recovery_codes, renew_recovery_codes};
pub use provider::{
    ARRIVAL_LIFETIME, Arrival, CodeNeeded, Departure, Landing, LogoutError, OwnAccess, ProviderSignInError, begin_link,
    begin_proof, begin_sign_in, come_back, finish_with_code, link_identity, list_identities, log_out_by_provider,
    may_sign_in_locally, open_code, own_access, sign_out_everywhere, unlink_identity,
};
pub use searches::{forget_search, keep_search, kept_searches};
pub use sessions::{
    SESSION_LIFETIME, end_all_sessions, end_other_sessions, end_session, list_sessions, note_session_use, session,
    sign_out,
};
pub use sign_in::{ATTEMPTS_KEPT, Attempt, DEVICE_LIFETIME, sign_in};
pub use tokens::{TOKEN_LIFETIME_MAX, TOKENS_MAX, create_token, list_tokens, revoke_token, scopes_of};

use sessions::open_session;

/// How long an invitation is good.
pub const INVITE_LIFETIME: Duration = Duration::from_secs(48 * 3600);
/// The name of the first user.
const FIRST_USER: &str = "admin";
/// The most characters of a user's or key's name.
pub const NAME_LENGTH_MAX: usize = 64;

/// Someone was not let in, or access was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Name, password or one-time password are wrong. Which one is not told.
    #[error("the name, the password or the one-time code is wrong")]
    Refused,
    /// Too many failed attempts: this one was not looked at. It says nothing about whether there is such a name.
    #[error("too many failed attempts: the next is looked at from {until} on")]
    TooManyAttempts {
        /// From when on.
        until: Timestamp,
    },
    /// Too many people sign in just now.
    #[error("too many people sign in just now")]
    Busy,
    /// The invitation does not exist, was used, or has ended.
    #[error("the invitation was used or has ended")]
    InviteGone,
    /// Something about the request is wrong.
    #[error("`{field}` {what}")]
    Invalid {
        /// Which part.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// Another user has this name.
    #[error("another user has this name")]
    NameTaken,
    /// There is no such user or key.
    #[error("there is no such user or key")]
    NotFound,
    /// Nobody could manage users any more.
    #[error("this is the last admin")]
    LastAdmin,
    /// A secret could not be made or read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An invitation, to be shown once.
#[derive(Debug, Clone)]
pub struct Invite {
    /// For whom.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// The secret part of the one-time link.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What the page behind a one-time link shows.
#[derive(Debug, Clone)]
pub struct InviteView {
    /// For whom.
    pub user_name: String,
    /// The seed of one-time passwords, in base 32.
    pub totp_secret_base32: String,
    /// The same as a link for authenticator apps.
    pub totp_uri: String,
}

/// Someone who has just signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The secret that the browser keeps.
    pub session_token: String,
    /// The secret by which this browser is known again when its user next signs in.
    pub device_token: String,
    /// The session.
    pub session: Session,
}

/// On the first start, when there are no users: makes the first admin and their invitation. While that admin has not used
/// it, each start makes a new one. `None` once someone has signed in.
pub async fn first_invite(app: &Seawall) -> Result<Option<Invite>, AccessError> {
    let mut tx = app.store.begin("first invitation").await?;
    // Two processes that start at the same time make one admin.
    tx.lock(Lock::Users).await?;
    let now = app.clock.now();
    let user = match access::n_users(tx.conn()).await? {
        0 => {
            let user = new_user(app, FIRST_USER, Role::Admin.into(), now);
            access::insert_user(&mut tx, &user).await?;
            let body = serde_json::json!({ "role": user.roles.to_string() });
            tx.event(now, &Actor::Operator, "user.invited", user.id, body);
            user
        }
        1 => {
            let Some(user) = access::find_user_by_name(tx.conn(), FIRST_USER).await? else {
                return Ok(None);
            };
            match access::find_user_locked(&mut tx, user.id).await? {
                Some(user) if user.state == UserState::Invited => user,
                Some(_) | None => return Ok(None),
            }
        }
        _ => return Ok(None),
    };
    let invite = put_invite(app, &mut tx, &user, now).await?;
    tx.commit().await?;
    Ok(Some(invite))
}

/// Makes a user, and the invitation that lets them choose a password.
pub async fn invite_user(app: &Seawall, actor: &Actor, name: &str, roles: Roles) -> Result<Invite, AccessError> {
    actor.require(Right::ManageAccess)?;
    let name = check_name(name)?;
    let mut tx = app.store.begin("invite user").await?;
    let now = app.clock.now();
    let user = new_user(app, name, roles, now);
    if !access::insert_user(&mut tx, &user).await? {
        return Err(AccessError::NameTaken);
    }
    let invite = put_invite(app, &mut tx, &user, now).await?;
    tx.event(
        now,
        actor,
        "user.invited",
        user.id,
        serde_json::json!({ "role": user.roles.to_string() }),
    );
    tx.commit().await?;
    Ok(invite)
}

/// Invites a user anew: their password and authenticator stop working at once, and all their sessions end.
pub async fn reinvite_user(app: &Seawall, actor: &Actor, id: UserId) -> Result<Invite, AccessError> {
    actor.require(Right::ManageAccess)?;
    let mut tx = app.store.begin("reinvite user").await?;
    let now = app.clock.now();
    let user = access::find_user_locked(&mut tx, id)
        .await?
        .ok_or(AccessError::NotFound)?;
    let user = User {
        state: UserState::Invited,
        ..user
    };
    access::update_user(&mut tx, &user).await?;
    let nothing = Credentials {
        password_hash: None,
        totp_secret: None,
        totp_step_used: 0,
    };
    access::write_credentials(&mut tx, id, &nothing).await?;
    access::delete_sessions_of(&mut tx, id).await?;
    attempts::delete_devices_of(&mut tx, id).await?;
    access::delete_recovery_codes(&mut tx, id).await?;
    access::revoke_tokens_of(&mut tx, id, now).await?;
    errands::forget_codes_of(&mut tx, id).await?;
    // Whoever invites somebody anew has seen to it that they may come in.
    identities::clear_refused(&mut tx, id).await?;
    let invite = put_invite(app, &mut tx, &user, now).await?;
    tx.event(now, actor, "user.reinvited", id, serde_json::json!({}));
    tx.commit().await?;
    Ok(invite)
}

/// What the page behind a one-time link shows. Looking does not use it up.
pub async fn open_invite(app: &Seawall, token: &str) -> Result<InviteView, AccessError> {
    let mut conn = app.store.reader().await?;
    let invite = live_invite(&mut conn, token, app.clock.now()).await?;
    let user = access::find_user(&mut conn, invite.user)
        .await?
        .ok_or(AccessError::InviteGone)?;
    let totp_uri = secrets::totp_uri(&invite.totp_secret, &user.name)?;
    Ok(InviteView {
        user_name: user.name,
        totp_secret_base32: invite.totp_secret,
        totp_uri,
    })
}

/// Uses a one-time link: the user has a password and an authenticator now, and is signed in.
pub async fn accept_invite(
    app: &Seawall,
    token: &str,
    password: &str,
    totp_code: &str,
) -> Result<SignedIn, AccessError> {
    proof::check_password(password)?;
    // Looked at before the slow hash, so that guesses at links cost nothing; and again in the transaction.
    let invite = live_invite(&mut *app.store.reader().await?, token, app.clock.now()).await?;
    let Some(step) = secrets::check_totp(&invite.totp_secret, totp_code, app.clock.now(), 0) else {
        let what = "is not the code that the authenticator shows now".to_owned();
        return Err(AccessError::Invalid {
            field: "totp_code",
            what,
        });
    };
    let (chance, password) = (app.chance.clone(), password.to_owned());
    let password_hash = hashing::run(move || secrets::hash_password(&password, &chance)).await??;

    let mut tx = app.store.begin("accept invitation").await?;
    let now = app.clock.now();
    // The user is locked first, as by those who disable them or invite them anew.
    let user = access::find_user_locked(&mut tx, invite.user)
        .await?
        .filter(|user| user.state != UserState::Disabled)
        .ok_or(AccessError::InviteGone)?;
    let invite = live_invite(tx.conn(), token, now).await?;
    if !access::delete_invite(&mut tx, invite.user).await? {
        return Err(AccessError::InviteGone);
    }
    let user = User {
        state: UserState::Active,
        signed_in_at: Some(now),
        ..user
    };
    let credentials = Credentials {
        password_hash: Some(password_hash),
        totp_secret: Some(invite.totp_secret),
        totp_step_used: step,
    };
    access::write_credentials(&mut tx, user.id, &credentials).await?;
    access::update_user(&mut tx, &user).await?;
    let signed_in = open_session(app, &mut tx, user, None, now).await?;
    tx.event(
        now,
        &actor_of(&signed_in.session.user),
        "user.joined",
        signed_in.session.user.id,
        serde_json::json!({}),
    );
    tx.commit().await?;
    Ok(signed_in)
}

/// Who a signed-in person is to the flows.
pub fn actor_of(user: &User) -> Actor {
    Actor::Person {
        user: user.id,
        roles: user.roles.clone(),
        queues: user.queues.clone(),
        token: None,
    }
}

/// Changes a user's roles, or whether they can sign in. With other roles all their sessions end.
pub async fn change_user(
    app: &Seawall,
    actor: &Actor,
    id: UserId,
    roles: Option<Roles>,
    disabled: Option<bool>,
) -> Result<(), AccessError> {
    actor.require(Right::ManageAccess)?;
    let mut tx = app.store.begin("change user").await?;
    let now = app.clock.now();
    // Of two admins who demote each other one must see what the other did.
    tx.lock(Lock::Users).await?;
    let before = access::find_user_locked(&mut tx, id)
        .await?
        .ok_or(AccessError::NotFound)?;
    let state = match disabled {
        Some(true) => UserState::Disabled,
        Some(false) if before.state == UserState::Disabled => {
            let has_password = access::credentials(tx.conn(), id).await?.password_hash.is_some();
            let has_identity = !identities::list_identities(tx.conn(), id).await?.is_empty();
            if has_password || has_identity {
                UserState::Active
            } else {
                UserState::Invited
            }
        }
        Some(false) | None => before.state,
    };
    let after = User {
        roles: roles.unwrap_or_else(|| before.roles.clone()),
        state,
        ..before.clone()
    };
    if after == before {
        return Ok(());
    }
    access::update_user(&mut tx, &after).await?;
    // An admin who was invited and never came cannot manage anyone.
    let was_admin = before.roles.has(Role::Admin) && before.state == UserState::Active;
    if was_admin && access::n_active_admins(tx.conn()).await? == 0 {
        return Err(AccessError::LastAdmin);
    }
    if after.state == UserState::Disabled {
        access::delete_sessions_of(&mut tx, id).await?;
        attempts::delete_devices_of(&mut tx, id).await?;
        access::delete_invite(&mut tx, id).await?;
        access::revoke_tokens_of(&mut tx, id, now).await?;
    }
    if after.roles != before.roles {
        access::delete_sessions_of(&mut tx, id).await?;
    }
    let body = serde_json::json!({
        "role": { "from": before.roles.to_string(), "to": after.roles.to_string() },
        "state": { "from": before.state.as_str(), "to": after.state.as_str() },
    });
    tx.event(now, actor, "user.changed", id, body);
    tx.commit().await?;
    Ok(())
}

/// Changes whose cases a user sees: those of these queues.
pub async fn change_queues(app: &Seawall, actor: &Actor, id: UserId, queues: QueueSet) -> Result<(), AccessError> {
    actor.require(Right::ManageAccess)?;
    let mut tx = app.store.begin("change the queues of a user").await?;
    let now = app.clock.now();
    let before = access::find_user_locked(&mut tx, id)
        .await?
        .ok_or(AccessError::NotFound)?;
    if before.queues == queues {
        return Ok(());
    }
    let body = serde_json::json!({
        "queues": { "from": before.queues.to_string().trim(), "to": queues.to_string().trim() },
    });
    access::update_user(&mut tx, &User { queues, ..before }).await?;
    tx.event(now, actor, "user.changed", id, body);
    tx.commit().await?;
    Ok(())
}

async fn live_invite(
    conn: &mut crate::store::AnyConnection,
    token: &str,
    now: Timestamp,
) -> Result<InviteRow, AccessError> {
    let invite = access::find_invite(conn, &secrets::token_hash(token)).await?;
    invite
        .filter(|invite| invite.expires_at > now)
        .ok_or(AccessError::InviteGone)
}

async fn put_invite(app: &Seawall, tx: &mut Tx, user: &User, now: Timestamp) -> Result<Invite, StoreError> {
    let token = secrets::fresh_token(&app.chance);
    let row = InviteRow {
        token_hash: secrets::token_hash(&token),
        user: user.id,
        totp_secret: secrets::fresh_totp_secret(&app.chance),
        expires_at: now.after(INVITE_LIFETIME),
    };
    access::put_invite(tx, &row).await?;
    Ok(Invite {
        user: user.id,
        name: user.name.clone(),
        token,
        expires_at: row.expires_at,
    })
}

fn new_user(app: &Seawall, name: &str, roles: Roles, now: Timestamp) -> User {
    let id = UserId::fresh(now, &app.chance);
    User {
        id,
        name: name.to_owned(),
        roles,
        queues: QueueSet::All,
        state: UserState::Invited,
        created_at: now,
        signed_in_at: None,
    }
}

fn check_name(name: &str) -> Result<&str, AccessError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_LENGTH_MAX || name.chars().any(char::is_control) {
        let what = format!("must have 1 to {NAME_LENGTH_MAX} characters and no control characters");
        return Err(AccessError::Invalid { field: "name", what });
    }
    Ok(name)
}
