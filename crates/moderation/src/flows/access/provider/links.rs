//! Who a person is at the provider is joined to who they are here: by themselves, signed in and proved, or by who manages
//! users and knows the provider's word for them. Never by a name or an address, which can change hands.

use serde_json::json;

use super::super::sessions::require_own;
use super::super::{AccessError, actor_of, proof};
use super::{Arrival, ProviderSignInError, fingerprint, may_come_in_locally, note_refusal, provider_of};
use crate::Seawall;
use crate::access::errands::Errand;
use crate::access::identities::{self, Identity};
use crate::access::provider::tokens::SUBJECT_BYTES_MAX;
use crate::access::provider::{Provider, Told};
use crate::access::{self, attempts};
use crate::model::{Actor, Right, Session, User, UserId, UserState};
use crate::store::{Lock, StoreError, Tx};

/// How a person comes in, as their own page shows it.
#[derive(Debug, Clone, Default)]
pub struct OwnAccess {
    /// Whether they have a password here.
    pub has_password: bool,
    /// Whether they have an authenticator here.
    pub has_authenticator: bool,
    /// What the provider is called, if there is one.
    pub provider: Option<String>,
    /// Who they are there, if that is known.
    pub identity: Option<Identity>,
    /// Whether they have just proved themselves at the provider.
    pub is_proved: bool,
}

/// How a person comes in.
pub async fn own_access(app: &Seawall, session: &Session) -> Result<OwnAccess, StoreError> {
    let mut conn = app.store.reader().await?;
    let user = session.user.id;
    let credentials = access::credentials(&mut conn, user).await?;
    let proved_at = access::proved_at(&mut conn, user, &session.id).await?;
    let settings = app.provider.as_ref().map(|provider| provider.settings());
    let identities = identities::list_identities(&mut conn, user).await?;
    let identity = identities
        .into_iter()
        .find(|identity| settings.is_some_and(|settings| settings.issuer == identity.issuer));
    Ok(OwnAccess {
        has_password: credentials.password_hash.is_some(),
        has_authenticator: credentials.totp_secret.is_some(),
        provider: settings.map(|settings| settings.name.clone()),
        is_proved: identity.as_ref().is_some_and(|identity| identity.refused_at.is_none())
            && proof::is_fresh(app, proved_at, app.clock.now()),
        identity,
    })
}

/// The identities of a person, for themselves and for who manages users.
pub async fn list_identities(app: &Seawall, actor: &Actor, of: UserId) -> Result<Vec<Identity>, AccessError> {
    require_own(actor, of)?;
    Ok(identities::list_identities(&mut *app.store.reader().await?, of).await?)
}

/// Joins a person to who the provider says they are, by its word for them. They come in with it from now on, also where they
/// were only invited.
pub async fn link_identity(app: &Seawall, actor: &Actor, of: UserId, subject: &str) -> Result<(), ProviderSignInError> {
    actor.require(Right::ManageAccess).map_err(AccessError::from)?;
    let issuer = provider_of(app)?.settings().issuer.clone();
    let subject = subject.trim();
    let is_one = !subject.is_empty() && subject.len() <= SUBJECT_BYTES_MAX && !subject.chars().any(char::is_control);
    if !is_one {
        return Err(invalid(&format!("must have 1 to {SUBJECT_BYTES_MAX} bytes")).into());
    }
    let mut tx = app.store.begin("link an identity").await?;
    // Somebody may come for the first time just now, with the same identity.
    tx.lock(Lock::Users).await?;
    access::find_user_locked(&mut tx, of)
        .await?
        .ok_or(AccessError::NotFound)?;
    match insert(app, &mut tx, actor, of, &issuer, subject).await? {
        true => Ok(tx.commit().await?),
        false => Err(invalid("is somebody's already, or this person has another").into()),
    }
}

/// Parts a person from who they are at the provider. Their sessions that began there end. Who has no other way in does not
/// take their own away.
pub async fn unlink_identity(app: &Seawall, actor: &Actor, of: UserId) -> Result<(), ProviderSignInError> {
    require_own(actor, of).map_err(AccessError::from)?;
    let issuer = provider_of(app)?.settings().issuer.clone();
    let mut tx = app.store.begin("unlink an identity").await?;
    tx.lock(Lock::Users).await?;
    let now = app.clock.now();
    let user = access::find_user_locked(&mut tx, of)
        .await?
        .ok_or(AccessError::NotFound)?;
    let found = identities::list_identities(tx.conn(), of).await?;
    let identity = found.into_iter().find(|identity| identity.issuer == issuer);
    let identity = identity.ok_or(AccessError::NotFound)?;
    if actor.user() == Some(of) && !has_other_way_in(app, &mut tx, &user).await? {
        return Err(invalid("is the only way in").into());
    }
    identities::delete_identity(&mut tx, &identity).await?;
    let ended = access::delete_sessions_from(&mut tx, &issuer, Some(&identity.subject), None).await?;
    let body = json!({
        "issuer": issuer, "identity": fingerprint(&issuer, &identity.subject), "n_sessions": ended.len(),
    });
    tx.event(now, actor, "identity.unlinked", of, body);
    tx.commit().await?;
    Ok(())
}

async fn has_other_way_in(app: &Seawall, tx: &mut Tx, user: &User) -> Result<bool, StoreError> {
    let has_password = access::credentials(tx.conn(), user.id).await?.password_hash.is_some();
    Ok(has_password && may_come_in_locally(app, tx, user).await?)
}

/// Somebody is back who wanted to be joined.
pub(super) async fn settle_link(
    app: &Seawall,
    provider: &Provider,
    told: &Told,
    session: &Session,
) -> Result<Arrival, ProviderSignInError> {
    let (issuer, subject) = (&provider.settings().issuer, &told.id.subject);
    let of = session.user.id;
    let mut tx = app.store.begin("link an identity").await?;
    tx.lock(Lock::Users).await?;
    let user = access::find_user_locked(&mut tx, of).await?;
    user.filter(|user| user.state == UserState::Active)
        .ok_or(ProviderSignInError::Stale)?;
    let actor = actor_of(&session.user);
    if !insert(app, &mut tx, &actor, of, issuer, subject).await? {
        note_refusal(&mut tx, Some(of), "identity_taken", app.clock.now());
        tx.commit().await?;
        return Err(ProviderSignInError::Refused {
            reason: "identity_taken",
        });
    }
    tx.commit().await?;
    Ok(Arrival::Linked)
}

/// Somebody is back who wanted to prove themselves.
pub(super) async fn settle_proof(
    app: &Seawall,
    provider: &Provider,
    told: &Told,
    session: &Session,
    errand: &Errand,
) -> Result<Arrival, ProviderSignInError> {
    let (issuer, subject) = (&provider.settings().issuer, &told.id.subject);
    let of = session.user.id;
    let mut tx = app.store.begin("prove oneself at the provider").await?;
    let now = app.clock.now();
    let identity = identities::find_identity(tx.conn(), issuer, subject).await?;
    if identity.is_none_or(|identity| identity.user != of || identity.refused_at.is_some()) {
        note_refusal(&mut tx, Some(of), "other_person", now);
        tx.commit().await?;
        return Err(ProviderSignInError::Refused { reason: "other_person" });
    }
    // Who has an authenticator here types its code when they use this proof; anybody else has shown theirs at the provider.
    let has_authenticator = access::credentials(tx.conn(), of).await?.totp_secret.is_some();
    if !has_authenticator && !provider.settings().second_factor.was_asked(&told.id.claims) {
        note_refusal(&mut tx, Some(of), "no_second_factor", now);
        tx.commit().await?;
        return Err(ProviderSignInError::Refused {
            reason: "no_second_factor",
        });
    }
    if !access::set_proved(&mut tx, of, &session.id, now).await? {
        return Err(ProviderSignInError::Stale);
    }
    tx.event(
        now,
        &actor_of(&session.user),
        "user.proved",
        of,
        json!({ "by": "provider" }),
    );
    tx.commit().await?;
    Ok(Arrival::Proved {
        next: errand.next.clone(),
    })
}

async fn insert(
    app: &Seawall,
    tx: &mut Tx,
    actor: &Actor,
    of: UserId,
    issuer: &str,
    subject: &str,
) -> Result<bool, StoreError> {
    let now = app.clock.now();
    let identity = Identity {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        user: of,
        linked_at: now,
        refused_at: None,
    };
    if !identities::insert_identity(tx, &identity).await? {
        return Ok(false);
    }
    // Whoever gains a way in is told apart from whoever had one: browsers that were known are so no more.
    attempts::delete_devices_of(tx, of).await?;
    let body = json!({ "issuer": issuer, "identity": fingerprint(issuer, subject) });
    tx.event(now, actor, "identity.linked", of, body);
    Ok(true)
}

fn invalid(what: &str) -> AccessError {
    AccessError::Invalid {
        field: "subject",
        what: what.to_owned(),
    }
}
