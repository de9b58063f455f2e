//! Personal tokens: a person's programs act as the person, with what the token opens of what the person may, until it ends
//! or the person is disabled. Start with [`create_token`].

use std::time::Duration;

use super::proof::{Proof, compare, settle};
use super::sessions::require_own;
use super::{AccessError, NewKey, check_name};
use crate::Seawall;
use crate::access::{self, secrets};
use crate::model::actor::scope_for;
use crate::model::{Actor, Key, KeyId, Right, Roles, Scope, Session, UserId};

/// The longest that a token is good.
pub const TOKEN_LIFETIME_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// The most tokens that a person has at a time.
pub const TOKENS_MAX: usize = 20;

/// The scopes that a person with these roles can give a token: those that open something that they may.
pub fn scopes_of(roles: &Roles) -> Vec<Scope> {
    let opens = |scope: Scope| {
        let mut rights = Right::ALL.into_iter();
        // Who decides cases takes back what they proposed, whether or not they may be somebody else's second person.
        let takes_back = scope == Scope::ProposalsDecide && roles.give(Right::DecideCases);
        takes_back || rights.any(|right| roles.give(right) && scope_for(right) == Some(scope))
    };
    Scope::ALL.into_iter().filter(|scope| opens(*scope)).collect()
}

/// Makes a token for who is signed in and proves once more that it is them, good for so long: a session that somebody left
/// open does not become a key that outlives it. A token makes no tokens.
pub async fn create_token(
    app: &Seawall,
    session: &Session,
    proof: &Proof<'_>,
    name: &str,
    scopes: &[Scope],
    lifetime: Duration,
) -> Result<NewKey, AccessError> {
    let (person, allowed) = (session.user.id, scopes_of(&session.user.roles));
    let name = check_name(name)?;
    let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| scopes.contains(scope)).collect();
    let invalid = |field, what: &str| AccessError::Invalid {
        field,
        what: what.to_owned(),
    };
    if scopes.is_empty() || !scopes.iter().all(|scope| allowed.contains(scope)) {
        return Err(invalid("scopes", "must be some of what you may yourself"));
    }
    if lifetime.is_zero() || lifetime > TOKEN_LIFETIME_MAX {
        return Err(invalid("days", "must be from 1 to 366"));
    }
    let compared = compare(app, session, proof).await?;
    let (mut tx, credentials) = settle(app, session, proof, compared).await?;
    let now = app.clock.now();
    access::write_credentials(&mut tx, person, &credentials).await?;
    if access::list_tokens(tx.conn(), person).await?.len() >= TOKENS_MAX {
        return Err(invalid("name", "is one too many: revoke a token first"));
    }
    let key = Key {
        id: KeyId::fresh(now, &app.chance),
        name: name.to_owned(),
        scopes,
        made_by: Some(person),
        person: Some(person),
        expires_at: Some(now.after(lifetime)),
        created_at: now,
        used_at: None,
        revoked_at: None,
    };
    let secret = format!("{}{}", secrets::KEY_PREFIX, secrets::fresh_token(&app.chance));
    access::insert_key(&mut tx, &key, &secrets::token_hash(&secret)).await?;
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    let body = serde_json::json!({ "scopes": scopes, "person": person.to_string() });
    tx.event(now, &super::actor_of(&session.user), "token.created", key.id, body);
    tx.commit().await?;
    Ok(NewKey { key, secret })
}

/// The tokens of a person that were not revoked, newest first.
pub async fn list_tokens(app: &Seawall, actor: &Actor, of: UserId) -> Result<Vec<Key>, AccessError> {
    require_own(actor, of)?;
    Ok(access::list_tokens(&mut *app.store.reader().await?, of).await?)
}

/// A token of a person opens nothing any more. Somebody else's is not found.
pub async fn revoke_token(app: &Seawall, actor: &Actor, of: UserId, id: KeyId) -> Result<(), AccessError> {
    require_own(actor, of)?;
    let mut tx = app.store.begin("revoke token").await?;
    let now = app.clock.now();
    let is_theirs = access::list_tokens(tx.conn(), of).await?.iter().any(|key| key.id == id);
    if !is_theirs || !access::revoke_key(&mut tx, id, now).await? {
        return Err(AccessError::NotFound);
    }
    tx.event(now, actor, "token.revoked", id, serde_json::json!({}));
    tx.commit().await?;
    Ok(())
}
