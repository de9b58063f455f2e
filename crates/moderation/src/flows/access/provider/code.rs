//! Somebody is back from a provider that asked for no second factor: they come in with a code of our own, as everybody
//! does who has a password here. Who has no authenticator yet gets one now. Start with [`open_code`].

use serde_json::{Value, json};

use super::super::{AccessError, InviteView, SignedIn, proof};
use super::{ERRAND_LIFETIME, ProviderSignInError, landing, provider_of};
use crate::Seawall;
use crate::access::attempts::{self, Lane};
use crate::access::errands::{self, Errand, ErrandKind};
use crate::access::{self, Origin, identities, secrets};
use crate::model::{Timestamp, User, UserId, UserState};
use crate::store::{StoreError, Tx};

/// What the page shows that asks for the code.
#[derive(Debug, Clone)]
pub struct CodeNeeded {
    /// The authenticator that they set up first, if they have none.
    pub authenticator: Option<InviteView>,
}

/// What the provider said, until the code is there.
pub(super) struct Carried {
    pub origin: Origin,
    pub signed_in_at: Option<Timestamp>,
}

/// Notes that somebody owes a code. What the browser keeps until then.
pub(super) async fn owe(
    app: &Seawall,
    tx: &mut Tx,
    user: &User,
    carried: Carried,
    next: &str,
    now: Timestamp,
) -> Result<String, StoreError> {
    let has_authenticator = access::credentials(tx.conn(), user.id).await?.totp_secret.is_some();
    let fresh_secret = (!has_authenticator).then(|| secrets::fresh_totp_secret(&app.chance));
    let browser_token = secrets::fresh_token(&app.chance);
    let carried = json!({
        "issuer": carried.origin.issuer,
        "subject": carried.origin.subject,
        "provider_session": carried.origin.provider_session,
        "id_token": carried.origin.id_token,
        "signed_in_at": carried.signed_in_at.map(Timestamp::unix_ms),
        "totp_secret": fresh_secret,
    });
    let errand = Errand {
        kind: ErrandKind::Code,
        user: Some(user.id),
        session: None,
        next: next.to_owned(),
        carried: Some(carried.to_string()),
        started_at: now,
        expires_at: now.after(ERRAND_LIFETIME),
    };
    let (state_hash, browser_hash) = hashes(&browser_token);
    errands::put_errand(tx, &state_hash, &browser_hash, &errand, now).await?;
    Ok(browser_token)
}

/// What the page shows that asks for the code. Looking does not use it up.
pub async fn open_code(app: &Seawall, browser_token: &str) -> Result<CodeNeeded, ProviderSignInError> {
    let mut conn = app.store.reader().await?;
    let (owed, _) = find(&mut conn, browser_token, app.clock.now()).await?;
    let user = access::find_user(&mut conn, owed.user).await?;
    let user = user.ok_or(ProviderSignInError::Stale)?;
    let authenticator = match owed.totp_secret {
        None => None,
        Some(secret) => Some(InviteView {
            totp_uri: secrets::totp_uri(&secret, &user.name).map_err(AccessError::from)?,
            user_name: user.name,
            totp_secret_base32: secret,
        }),
    };
    Ok(CodeNeeded { authenticator })
}

/// Lets somebody in who types the code that they owed, and says where they wanted to go. Attempts are counted like those of
/// people who prove themselves anew.
pub async fn finish_with_code(
    app: &Seawall,
    browser_token: &str,
    typed: &str,
    device_token: Option<&str>,
) -> Result<(SignedIn, String), ProviderSignInError> {
    let provider = provider_of(app)?;
    let mut tx = app.store.begin("count a code").await?;
    let now = app.clock.now();
    let (owed, errand) = find(tx.conn(), browser_token, now).await?;
    let lanes = [Lane::of_own(&owed.user.to_string())];
    if let Err(until) = attempts::charge(&mut tx, &lanes, now).await? {
        return Err(AccessError::TooManyAttempts { until }.into());
    }
    tx.commit().await?;

    let mut tx = app.store.begin("sign in with a code").await?;
    let now = app.clock.now();
    let user = access::find_user_locked(&mut tx, owed.user).await?;
    let user = user
        .filter(|user| user.state != UserState::Disabled)
        .ok_or(ProviderSignInError::Stale)?;
    // Meanwhile somebody may have given them a link.
    if access::has_live_invite(tx.conn(), user.id, now).await? {
        return Err(ProviderSignInError::LinkFirst);
    }
    // Meanwhile they may have been shut out.
    let origin = &owed.origin;
    let identity = identities::find_identity(tx.conn(), &origin.issuer, &origin.subject).await?;
    let is_still_theirs = identity.is_some_and(|identity| identity.user == user.id && identity.refused_at.is_none());
    if !is_still_theirs || origin.issuer != provider.settings().issuer {
        return Err(ProviderSignInError::Stale);
    }
    let mut credentials = access::credentials(tx.conn(), user.id).await?;
    let is_right = match (&credentials.totp_secret, owed.totp_secret) {
        (None, Some(secret)) => match secrets::check_totp(&secret, typed, now, 0) {
            Some(step) => {
                (credentials.totp_secret, credentials.totp_step_used) = (Some(secret), step);
                true
            }
            None => false,
        },
        (_, _) => proof::use_code(&mut tx, user.id, &mut credentials, typed, now).await?,
    };
    if !is_right {
        return Err(AccessError::Refused.into());
    }
    let (state_hash, browser_hash) = hashes(browser_token);
    let taken = errands::take_errand(&mut tx, &state_hash, &browser_hash, now).await?;
    taken.ok_or(ProviderSignInError::Stale)?;
    access::write_credentials(&mut tx, user.id, &credentials).await?;
    attempts::forgive(&mut tx, &lanes, now).await?;
    let signed_in = landing::enter(app, &mut tx, user, origin, owed.signed_in_at, device_token, now).await?;
    landing::note_entrance(&mut tx, &signed_in.session.user, "seawall", now);
    tx.commit().await?;
    Ok((signed_in, errand.next))
}

struct Owed {
    user: UserId,
    origin: Origin,
    signed_in_at: Option<Timestamp>,
    totp_secret: Option<String>,
}

async fn find(
    conn: &mut crate::store::AnyConnection,
    browser_token: &str,
    now: Timestamp,
) -> Result<(Owed, Errand), ProviderSignInError> {
    let (state_hash, browser_hash) = hashes(browser_token);
    let errand = errands::find_errand(conn, &state_hash, &browser_hash, now).await?;
    let errand = errand.ok_or(ProviderSignInError::Stale)?;
    let owed = read(&errand).ok_or(ProviderSignInError::Stale)?;
    Ok((owed, errand))
}

fn read(errand: &Errand) -> Option<Owed> {
    let carried: Value = serde_json::from_str(errand.carried.as_deref()?).ok()?;
    let text = |name: &str| carried.get(name).and_then(Value::as_str).map(str::to_owned);
    let signed_in_at = carried.get("signed_in_at").and_then(Value::as_i64);
    Some(Owed {
        user: errand.user.filter(|_| errand.kind == ErrandKind::Code)?,
        origin: Origin {
            issuer: text("issuer")?,
            subject: text("subject")?,
            provider_session: text("provider_session"),
            id_token: text("id_token"),
        },
        signed_in_at: signed_in_at.map(Timestamp::from_unix_ms),
        totp_secret: text("totp_secret"),
    })
}

/// The browser holds one secret; the other of the two is made from it, since nobody else is asked.
fn hashes(browser_token: &str) -> (String, String) {
    let state = secrets::derived(browser_token, "code");
    (secrets::token_hash(&state), secrets::token_hash(browser_token))
}
