//! Signing in, and slowing those who guess.
//!
//! An attempt is counted as failed before it is looked at, in the lanes of [`attempts`]; a success takes its own count back.
//! So many guesses at once are as slow as one after the other, and an attempt that comes too soon is not looked at. What is
//! answered, read, written and computed is the same for a name that exists and one that does not.
//!
//! A browser in which a user has signed in before has a lane to itself, so that strangers who guess at the user's name, from
//! however many addresses, do not keep the user out. A user in a new browser can then be kept waiting; an admin's reset or a
//! new invitation lets them in.
//!
//! Start with [`sign_in`].

use std::time::Duration;

use super::{AccessError, SignedIn, actor_of, hashing, open_session, proof, provider};
use crate::Seawall;
use crate::access::attempts::{self, Lane, Patience};
use crate::access::{self, Credentials, secrets};
use crate::model::{Actor, User, UserState};

/// How long a browser is known again after its user last signed in.
pub const DEVICE_LIFETIME: Duration = Duration::from_secs(180 * 24 * 3600);
/// How long failures are remembered; long before, all of a lane are forgiven.
pub const ATTEMPTS_KEPT: Duration = Duration::from_secs(48 * 3600);

/// A seed of nobody's, so that a code is computed for a name that nobody has, too.
const DECOY_SEED: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Someone wants in.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// The name.
    pub name: &'a str,
    /// The password.
    pub password: &'a str,
    /// The one-time code, or a recovery code.
    pub totp_code: &'a str,
    /// Where the attempt comes from: an address, or the network that one customer is given.
    pub address: &'a str,
    /// What the browser knows of an earlier sign-in ([`SignedIn::device_token`]).
    pub device_token: Option<&'a str>,
}

/// An attempt that was counted and may be looked at.
struct Counted {
    found: Option<(User, Credentials)>,
    /// Whether the browser is known as this user's.
    is_known_device: bool,
    lanes: Vec<Lane>,
}

/// Signs a person in.
pub async fn sign_in(app: &Seawall, attempt: &Attempt<'_>) -> Result<SignedIn, AccessError> {
    // What no user can have typed; it says nothing about any.
    if attempt.password.len() > secrets::PASSWORD_BYTES_MAX || attempt.name.contains('\0') {
        return Err(AccessError::Refused);
    }
    let Counted {
        found,
        is_known_device,
        lanes,
    } = count(app, attempt).await?;
    let (user, credentials) = found.unzip();
    let hash = credentials.as_ref().and_then(|c| c.password_hash.clone());
    let (compared_with, password) = (hash.clone(), attempt.password.to_owned());
    let password_is_right = hashing::run(move || secrets::verify_password(&password, compared_with.as_deref())).await?;
    let seed = credentials.as_ref().and_then(|c| c.totp_secret.as_deref());
    let step_used = credentials.as_ref().map_or(0, |c| c.totp_step_used);
    // Which of the two it is depends on what was typed alone.
    let code_is_right = if secrets::is_recovery_code(attempt.totp_code) {
        let hash = secrets::token_hash(attempt.totp_code);
        let of = user.as_ref().map(|user| user.id);
        access::has_recovery_code(&mut *app.store.reader().await?, of, &hash).await?
    } else {
        let (seed, now) = (seed.unwrap_or(DECOY_SEED), app.clock.now());
        secrets::check_totp(seed, attempt.totp_code, now, step_used).is_some()
    };
    let Some(user) = user.filter(|_| password_is_right && code_is_right) else {
        return Err(AccessError::Refused);
    };

    let mut tx = app.store.begin("sign in").await?;
    let now = app.clock.now();
    // Comparing took a while. Meanwhile the user may have been disabled or invited anew; and of two attempts with one code
    // the second must see what the first wrote.
    let user = access::find_user_locked(&mut tx, user.id)
        .await?
        .filter(|user| user.state == UserState::Active)
        .ok_or(AccessError::Refused)?;
    // Who is to come in through the identity provider, or is let in by it no more, is refused in the same words.
    if !provider::may_come_in_locally(app, &mut tx, &user).await? {
        return Err(AccessError::Refused);
    }
    let mut credentials = access::credentials(tx.conn(), user.id).await?;
    if credentials.password_hash != hash
        || !proof::use_code(&mut tx, user.id, &mut credentials, attempt.totp_code, now).await?
    {
        return Err(AccessError::Refused);
    }
    access::write_credentials(&mut tx, user.id, &credentials).await?;
    attempts::forgive(&mut tx, &lanes, now).await?;
    let user = User {
        signed_in_at: Some(now),
        ..user
    };
    access::update_user(&mut tx, &user).await?;
    let device_token = attempt.device_token.filter(|_| is_known_device).map(str::to_owned);
    let signed_in = open_session(app, &mut tx, user, device_token, now).await?;
    tx.event(
        now,
        &actor_of(&signed_in.session.user),
        "user.signed_in",
        signed_in.session.user.id,
        serde_json::json!({}),
    );
    tx.commit().await?;
    Ok(signed_in)
}

/// Counts the attempt, unless it comes too soon.
async fn count(app: &Seawall, attempt: &Attempt<'_>) -> Result<Counted, AccessError> {
    let name = attempt.name.trim();
    let mut tx = app.store.begin("count an attempt to sign in").await?;
    let now = app.clock.now();
    let found = access::find_with_credentials(tx.conn(), name)
        .await?
        .filter(|(user, _)| user.state == UserState::Active);
    let device_hash = attempt.device_token.map(secrets::token_hash);
    let device_of = match &device_hash {
        Some(hash) => attempts::find_device(&mut tx, hash, now).await?,
        None => None,
    };
    let known_device =
        device_hash.filter(|_| device_of.is_some() && device_of == found.as_ref().map(|(user, _)| user.id));
    let is_known_device = known_device.is_some();
    // From the widest to the narrowest, always in this order, so that two attempts never wait for each other.
    let lanes = match known_device {
        Some(hash) => vec![Lane::of_device(&hash)],
        None => vec![
            Lane::of_address(attempt.address),
            Lane::of_name(name),
            Lane::of_name_from(name, attempt.address),
        ],
    };
    let tallies = match attempts::charge(&mut tx, &lanes, now).await? {
        Ok(tallies) => tallies,
        Err(until) => return Err(AccessError::TooManyAttempts { until }),
    };
    let of_name = lanes
        .iter()
        .zip(&tallies)
        .find(|(lane, _)| **lane == Lane::of_name(name));
    if let Some((_, tally)) = of_name.filter(|(_, tally)| tally.n_failures == Patience::NAME.free + 1) {
        // Written for a name that nobody has as well, as nobody's: the line takes its time.
        let subject = found
            .as_ref()
            .map_or("unknown".to_owned(), |(user, _)| user.id.to_string());
        let body = serde_json::json!({ "n_failures": tally.n_failures });
        tx.event(now, &Actor::System, "sign_in.slowed", subject, body);
    }
    tx.commit().await?;
    Ok(Counted {
        found,
        is_known_device,
        lanes,
    })
}
