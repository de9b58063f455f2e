//! Somebody whom the provider let in comes in here: their groups are looked at anew each time, what they give is written
//! down, and a session opens once a second factor was asked for. Start with [`sign_in`].

use serde_json::json;

use super::super::{NAME_LENGTH_MAX, actor_of, open_session};
use super::code::{self, Carried};
use super::{Arrival, ProviderSignInError, fingerprint, note_refusal};
use crate::Seawall;
use crate::access::errands::Errand;
use crate::access::identities::{self, Identity};
use crate::access::provider::people::name_of;
use crate::access::provider::{Provider, Told};
use crate::access::{self, attempts, secrets};
use crate::model::{Actor, QueueSet, Role, Timestamp, User, UserId, UserState};
use crate::store::{Lock, StoreError, Tx};

/// How many names are tried for a new person whose name somebody has already.
const NAMES_TRIED_MAX: u32 = 50;
/// The longest ID token that is kept with a session, in bytes.
const ID_TOKEN_BYTES_MAX: usize = 16 << 10;

/// Whom it is about, and why they do not come in.
type Refusal = (Option<UserId>, &'static str);

/// Lets somebody in whom the provider let in, or says what is missing.
pub(super) async fn sign_in(
    app: &Seawall,
    provider: &Provider,
    told: Told,
    errand: &Errand,
    landing: &super::Landing<'_>,
) -> Result<Arrival, ProviderSignInError> {
    let settings = provider.settings();
    let mut tx = app.store.begin("sign in at the provider").await?;
    let now = app.clock.now();
    // Roles may change here, and two who come at once for the first time must not be made twice.
    tx.lock(Lock::Users).await?;
    let user = match admit(app, &mut tx, provider, &told, now).await? {
        Ok(user) => user,
        Err((user, reason)) => {
            note_refusal(&mut tx, user, reason, now);
            tx.commit().await?;
            return Err(ProviderSignInError::Refused { reason });
        }
    };
    let origin = access::Origin {
        issuer: settings.issuer.clone(),
        subject: told.id.subject.clone(),
        provider_session: told.id.provider_session.clone(),
        id_token: Some(told.raw).filter(|token| token.len() <= ID_TOKEN_BYTES_MAX),
    };
    let signed_in_at = told.id.signed_in_at;
    if !settings.second_factor.was_asked(&told.id.claims) {
        // The provider's password alone does not take the place of a link that was handed to them.
        if access::has_live_invite(tx.conn(), user.id, now).await? {
            note_refusal(&mut tx, Some(user.id), "link_first", now);
            tx.commit().await?;
            return Err(ProviderSignInError::LinkFirst);
        }
        let carried = Carried { origin, signed_in_at };
        let browser_token = code::owe(app, &mut tx, &user, carried, &errand.next, now).await?;
        tx.commit().await?;
        return Ok(Arrival::CodeNeeded { browser_token });
    }
    let arrival = enter(app, &mut tx, user, &origin, signed_in_at, landing.device_token, now).await?;
    note_entrance(&mut tx, &arrival.session.user, "provider", now);
    tx.commit().await?;
    Ok(Arrival::SignedIn {
        signed_in: Box::new(arrival),
        next: errand.next.clone(),
    })
}

/// Opens a session that began at a provider. Who was only invited is there now.
pub(super) async fn enter(
    app: &Seawall,
    tx: &mut Tx,
    user: User,
    origin: &access::Origin,
    signed_in_at: Option<Timestamp>,
    device_token: Option<&str>,
    now: Timestamp,
) -> Result<super::SignedIn, StoreError> {
    let known_device = match device_token {
        Some(token) => attempts::find_device(tx, &secrets::token_hash(token), now)
            .await?
            .filter(|of| *of == user.id)
            .map(|_| token.to_owned()),
        None => None,
    };
    if user.state == UserState::Invited {
        access::delete_invite(tx, user.id).await?;
        let body = json!({ "by": "provider" });
        tx.event(now, &Actor::System, "user.joined", user.id, body);
    }
    let user = User {
        state: UserState::Active,
        signed_in_at: Some(now),
        ..user
    };
    access::update_user(tx, &user).await?;
    let signed_in = open_session(app, tx, user, known_device, now).await?;
    let token_hash = secrets::token_hash(&signed_in.session_token);
    access::set_origin(tx, &token_hash, origin, signed_in_at).await?;
    Ok(signed_in)
}

/// Writes down who came in, and who asked for the second factor.
pub(super) fn note_entrance(tx: &mut Tx, user: &User, second_factor: &str, now: Timestamp) {
    let body = json!({ "by": "provider", "second_factor": second_factor });
    tx.event(now, &actor_of(user), "user.signed_in", user.id, body);
}

/// The person, with what their groups give them now.
async fn admit(
    app: &Seawall,
    tx: &mut Tx,
    provider: &Provider,
    told: &Told,
    now: Timestamp,
) -> Result<Result<User, Refusal>, ProviderSignInError> {
    let settings = provider.settings();
    let claims = &told.id.claims;
    let is_admitted = settings.people.admits(claims);
    let roles = settings.people.roles_of(claims);
    let queues = settings.people.queues_of(claims);
    let identity = identities::find_identity(tx.conn(), &settings.issuer, &told.id.subject).await?;
    let Some(identity) = identity else {
        if !is_admitted {
            return Ok(Err((None, "email_domain")));
        }
        return match roles {
            _ if !settings.people.make_people => Ok(Err((None, "unknown_person"))),
            Some(Some(roles)) => {
                let user = User {
                    id: UserId::fresh(now, &app.chance),
                    name: name_of(claims, &told.id.subject),
                    roles,
                    queues: queues.unwrap_or(QueueSet::All),
                    state: UserState::Active,
                    created_at: now,
                    signed_in_at: None,
                };
                make(tx, user, &settings.issuer, &told.id.subject, now).await
            }
            // Whoever is made needs a role; without a mapping there is none to give.
            Some(None) | None => Ok(Err((None, "no_group"))),
        };
    };
    let Some(before) = access::find_user_locked(tx, identity.user).await? else {
        return Ok(Err((None, "unknown_person")));
    };
    if before.state == UserState::Disabled {
        return Ok(Err((Some(before.id), "disabled")));
    }
    let reason = match (&roles, is_admitted) {
        (_, false) => Some("email_domain"),
        (Some(None), true) => Some("no_group"),
        (Some(Some(_)) | None, true) => None,
    };
    // An admin who was invited and never came cannot manage anyone.
    let is_admin = before.roles.has(Role::Admin) && before.state == UserState::Active;
    let stays_admin = match (&roles, reason) {
        (_, Some(_)) => false,
        (Some(Some(roles)), None) => roles.has(Role::Admin),
        (Some(None) | None, None) => true,
    };
    // Nobody could manage users any more: what is wrong is in the mapping, or somebody here has to name another first.
    if is_admin && !stays_admin && access::n_other_admins(tx.conn(), before.id).await? == 0 {
        return Ok(Err((Some(before.id), "last_admin")));
    }
    if let Some(reason) = reason {
        shut_out(tx, &identity, now).await?;
        return Ok(Err((Some(before.id), reason)));
    }
    if identity.refused_at.is_some() {
        identities::set_refused(tx, &identity, None).await?;
    }
    let after = User {
        roles: roles.flatten().unwrap_or_else(|| before.roles.clone()),
        queues: queues.unwrap_or_else(|| before.queues.clone()),
        ..before.clone()
    };
    if after != before {
        change(tx, &before, &after, now).await?;
    }
    Ok(Ok(after))
}

/// The provider gives them nothing any more: what they had open ends, a one-time link with it, and a password of theirs lets
/// them in no more.
async fn shut_out(tx: &mut Tx, identity: &Identity, now: Timestamp) -> Result<(), StoreError> {
    let user = identity.user;
    identities::set_refused(tx, identity, Some(identity.refused_at.unwrap_or(now))).await?;
    let n_sessions = access::delete_sessions_of(tx, user).await?;
    attempts::delete_devices_of(tx, user).await?;
    access::delete_invite(tx, user).await?;
    let n_tokens = access::revoke_tokens_of(tx, user, now).await?;
    if n_sessions > 0 || n_tokens > 0 {
        let body = json!({ "n_sessions": n_sessions, "n_tokens": n_tokens, "by": "provider" });
        tx.event(now, &Actor::System, "session.ended", user, body);
    }
    Ok(())
}

/// Writes down what the groups changed. With other roles all their sessions end.
async fn change(tx: &mut Tx, before: &User, after: &User, now: Timestamp) -> Result<(), StoreError> {
    access::update_user(tx, after).await?;
    if after.roles != before.roles {
        access::delete_sessions_of(tx, after.id).await?;
    }
    if after.roles != before.roles || after.queues != before.queues {
        let body = json!({
            "by": "provider",
            "role": { "from": before.roles.to_string(), "to": after.roles.to_string() },
            "queues": { "from": before.queues.to_string().trim(), "to": after.queues.to_string().trim() },
        });
        tx.event(now, &Actor::System, "user.changed", after.id, body);
    }
    Ok(())
}

/// Makes a person of somebody who comes for the first time. A name that somebody has gets a number: it joins nobody to anybody.
async fn make(
    tx: &mut Tx,
    user: User,
    issuer: &str,
    subject: &str,
    now: Timestamp,
) -> Result<Result<User, Refusal>, ProviderSignInError> {
    let wanted: String = user.name.chars().take(NAME_LENGTH_MAX - 4).collect();
    let mut user = user;
    for n in 1..=NAMES_TRIED_MAX {
        if n > 1 {
            user.name = format!("{wanted} {n}");
        }
        if access::insert_user(tx, &user).await? {
            let identity = Identity {
                issuer: issuer.to_owned(),
                subject: subject.to_owned(),
                user: user.id,
                linked_at: now,
                refused_at: None,
            };
            if !identities::insert_identity(tx, &identity).await? {
                // Joined to somebody meanwhile: nothing of this stays, and who begins again is found.
                return Err(ProviderSignInError::Stale);
            }
            let body = json!({
                "role": user.roles.to_string(), "issuer": issuer, "identity": fingerprint(issuer, subject),
            });
            tx.event(now, &Actor::System, "user.made", user.id, body);
            return Ok(Ok(user));
        }
    }
    Ok(Err((None, "name_taken")))
}
