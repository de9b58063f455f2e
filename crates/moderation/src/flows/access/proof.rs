//! A person who is signed in proves once more that it is them, and then changes what they sign in with: a new password,
//! new recovery codes. A new token asks for the same proof. Start with [`change_password`].
//!
//! Proofs are counted like sign-ins, in a lane of the person's own, so that a session that somebody left open does not let
//! a passer-by guess.

use super::{AccessError, hashing};
use crate::Seawall;
use crate::access::attempts::{self, Lane};
use crate::access::{self, Credentials, identities, secrets};
use crate::model::{Actor, Denied, Right, Session, Timestamp, UserId, UserState};
use crate::store::{StoreError, Tx};

/// What a person shows to prove who they are.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// What they know and have.
    Typed {
        /// Their password.
        password: &'a str,
        /// The code that their authenticator shows, or a recovery code.
        code: &'a str,
    },
    /// That they have just signed in anew at the identity provider, in this session.
    AtProvider {
        /// The code that their authenticator shows, or a recovery code. Who has no authenticator here needs none: the
        /// provider has asked for a second factor.
        code: &'a str,
    },
}

/// Changes the password of who is signed in. All their other sessions end, and their tokens; the one that asks stays. Who has
/// none gives themselves none: it would outlive what the provider says of them.
pub async fn change_password(
    app: &Seawall,
    session: &Session,
    proof: &Proof<'_>,
    new_password: &str,
) -> Result<(), AccessError> {
    check_password(new_password)?;
    let user = session.user.id;
    let compared = compare(app, session, proof).await?;
    let (chance, new_password) = (app.chance.clone(), new_password.to_owned());
    let password_hash = hashing::run(move || secrets::hash_password(&new_password, &chance)).await??;
    let (mut tx, mut credentials) = settle(app, session, proof, compared).await?;
    if credentials.password_hash.is_none() {
        return Err(AccessError::Refused);
    }
    let now = app.clock.now();
    credentials.password_hash = Some(password_hash);
    access::write_credentials(&mut tx, user, &credentials).await?;
    access::delete_sessions_but(&mut tx, user, &session.id).await?;
    attempts::delete_devices_of(&mut tx, user).await?;
    // Who changes a password because somebody knows it must not leave them what they made with it.
    let n_tokens = access::revoke_tokens_of(&mut tx, user, now).await?;
    tx.event(
        now,
        &super::actor_of(&session.user),
        "user.password_changed",
        user,
        serde_json::json!({ "n_tokens": n_tokens }),
    );
    tx.commit().await?;
    Ok(())
}

/// Makes new recovery codes for who is signed in, to be shown once. Older ones are good no more. They stand in
/// for an authenticator: who has none gets none.
pub async fn renew_recovery_codes(
    app: &Seawall,
    session: &Session,
    proof: &Proof<'_>,
) -> Result<Vec<String>, AccessError> {
    let user = session.user.id;
    let compared = compare(app, session, proof).await?;
    let (mut tx, credentials) = settle(app, session, proof, compared).await?;
    if credentials.totp_secret.is_none() {
        return Err(AccessError::Refused);
    }
    access::write_credentials(&mut tx, user, &credentials).await?;
    let codes: Vec<String> = (0..secrets::RECOVERY_CODES)
        .map(|_| secrets::fresh_recovery_code(&app.chance))
        .collect();
    let hashes: Vec<String> = codes.iter().map(|code| secrets::token_hash(code)).collect();
    access::put_recovery_codes(&mut tx, user, &hashes).await?;
    let body = serde_json::json!({ "n_codes": codes.len() });
    tx.event(
        app.clock.now(),
        &super::actor_of(&session.user),
        "user.recovery_renewed",
        user,
        body,
    );
    tx.commit().await?;
    Ok(codes)
}

/// How many recovery codes a person has left.
pub async fn n_recovery_codes(app: &Seawall, actor: &Actor) -> Result<i64, AccessError> {
    let user = actor.user().ok_or_else(|| Denied {
        actor: actor.to_string(),
        right: Right::ManageAccess,
    })?;
    Ok(access::n_recovery_codes(&mut *app.store.reader().await?, user).await?)
}

/// What can be a password.
pub(super) fn check_password(password: &str) -> Result<(), AccessError> {
    let length = password.chars().count();
    if length < secrets::PASSWORD_LENGTH_MIN || password.len() > secrets::PASSWORD_BYTES_MAX {
        let what = format!(
            "must have at least {} characters and at most {} bytes",
            secrets::PASSWORD_LENGTH_MIN,
            secrets::PASSWORD_BYTES_MAX
        );
        return Err(AccessError::Invalid {
            field: "password",
            what,
        });
    }
    Ok(())
}

/// Uses a code up: one of the authenticator, whose step is then written in `credentials`, or one for recovery, of which
/// the log gets a line. `false` if it is neither.
pub(super) async fn use_code(
    tx: &mut Tx,
    user: UserId,
    credentials: &mut Credentials,
    code: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if secrets::is_recovery_code(code) {
        let is_used = access::use_recovery_code(tx, user, &secrets::token_hash(code)).await?;
        if is_used {
            let n_left = access::n_recovery_codes(tx.conn(), user).await?;
            let body = serde_json::json!({ "n_left": n_left });
            tx.event(now, &Actor::System, "user.recovery_used", user, body);
        }
        return Ok(is_used);
    }
    let secret = credentials.totp_secret.as_deref();
    let step = secret.and_then(|secret| secrets::check_totp(secret, code, now, credentials.totp_step_used));
    if let Some(step) = step {
        credentials.totp_step_used = step;
    }
    Ok(step.is_some())
}

/// What was compared, and fits; a code is used up when the change is written.
pub(super) enum Compared {
    Typed { hash: Option<String>, lane: Lane },
    AtProvider { lane: Lane },
}

pub(super) async fn compare(app: &Seawall, session: &Session, proof: &Proof<'_>) -> Result<Compared, AccessError> {
    let user = session.user.id;
    if matches!(proof, Proof::Typed { password, .. } if password.len() > secrets::PASSWORD_BYTES_MAX) {
        return Err(AccessError::Refused);
    }
    let mut tx = app.store.begin("count a proof").await?;
    let lane = Lane::of_own(&user.to_string());
    let lanes = [lane.clone()];
    if let Err(until) = attempts::charge(&mut tx, &lanes, app.clock.now()).await? {
        return Err(AccessError::TooManyAttempts { until });
    }
    tx.commit().await?;
    let Proof::Typed { password, .. } = proof else {
        // Whether it is fresh, and the code, are looked at in the transaction alone: there is nothing to compare.
        return Ok(Compared::AtProvider { lane });
    };
    let hash = access::credentials(&mut *app.store.reader().await?, user)
        .await?
        .password_hash;
    let (compared_with, password) = (hash.clone(), (*password).to_owned());
    let is_right = hashing::run(move || secrets::verify_password(&password, compared_with.as_deref())).await?;
    if !is_right {
        return Err(AccessError::Refused);
    }
    Ok(Compared::Typed { hash, lane })
}

pub(super) async fn settle(
    app: &Seawall,
    session: &Session,
    proof: &Proof<'_>,
    compared: Compared,
) -> Result<(Tx, Credentials), AccessError> {
    let user = session.user.id;
    let mut tx = app.store.begin("prove oneself").await?;
    let now = app.clock.now();
    // Comparing took a while: meanwhile the person may have been disabled or invited anew.
    access::find_user_locked(&mut tx, user)
        .await?
        .filter(|user| user.state == UserState::Active)
        .ok_or(AccessError::Refused)?;
    let mut credentials = access::credentials(tx.conn(), user).await?;
    match (proof, compared) {
        (Proof::Typed { code, .. }, Compared::Typed { hash, lane }) => {
            if credentials.password_hash != hash || !use_code(&mut tx, user, &mut credentials, code, now).await? {
                return Err(AccessError::Refused);
            }
            attempts::forgive(&mut tx, &[lane], now).await?;
        }
        (Proof::AtProvider { code }, Compared::AtProvider { lane }) => {
            let proved_at = access::proved_at(tx.conn(), user, &session.id).await?;
            let is_theirs = has_living_identity(app, &mut tx, user).await?;
            if !is_theirs || !is_fresh(app, proved_at, now) {
                return Err(AccessError::Refused);
            }
            let has_authenticator = credentials.totp_secret.is_some();
            if has_authenticator && !use_code(&mut tx, user, &mut credentials, code, now).await? {
                return Err(AccessError::Refused);
            }
            attempts::forgive(&mut tx, &[lane], now).await?;
        }
        (Proof::Typed { .. }, Compared::AtProvider { .. }) | (Proof::AtProvider { .. }, Compared::Typed { .. }) => {
            return Err(AccessError::Refused);
        }
    }
    Ok((tx, credentials))
}

/// Whether the provider knows them, and lets them in.
async fn has_living_identity(app: &Seawall, tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    let Some(provider) = &app.provider else {
        return Ok(false);
    };
    let identities = identities::list_identities(tx.conn(), user).await?;
    let issuer = &provider.settings().issuer;
    Ok(identities
        .iter()
        .any(|identity| identity.issuer == *issuer && identity.refused_at.is_none()))
}

/// Whether somebody who signed in anew at the provider then has still proved themselves.
pub(super) fn is_fresh(app: &Seawall, proved_at: Option<Timestamp>, now: Timestamp) -> bool {
    let lasts = app.provider.as_ref().map(|provider| provider.settings().proof_lasts);
    match (proved_at, lasts) {
        (Some(at), Some(lasts)) => now.since(at) < lasts,
        (Some(_) | None, _) => false,
    }
}
