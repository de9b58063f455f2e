//! API keys are made, shown once, known again and revoked. It must never know what a key is used for. Start with
//! [`create_key`].

use std::time::Duration;

use super::{AccessError, check_name};
use crate::Seawall;
use crate::access::{self, secrets};
use crate::model::{Actor, Key, KeyId, Right, Scope, Timestamp, Token, UserState};
use crate::store::{Store, StoreError};

/// How often it is noted that a key was used.
const KEY_USE_NOTED_EVERY: Duration = Duration::from_secs(60);

/// A key that has just been made, with its secret, to be shown once.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The key.
    pub key: Key,
    /// Its secret.
    pub secret: String,
}

/// Makes an API key.
pub async fn create_key(app: &Seawall, actor: &Actor, name: &str, scopes: Vec<Scope>) -> Result<NewKey, AccessError> {
    actor.require(Right::ManageAccess)?;
    let name = check_name(name)?;
    if scopes.is_empty() {
        return Err(AccessError::Invalid {
            field: "scopes",
            what: "must name at least one".to_owned(),
        });
    }
    if scopes.iter().any(|scope| scope.is_of_people()) {
        return Err(AccessError::Invalid {
            field: "scopes",
            what: "must name none that only a person's own token can have".to_owned(),
        });
    }
    let mut tx = app.store.begin("create key").await?;
    let now = app.clock.now();
    let mut distinct: Vec<Scope> = Vec::new();
    for scope in scopes {
        if !distinct.contains(&scope) {
            distinct.push(scope);
        }
    }
    let key = Key {
        id: KeyId::fresh(now, &app.chance),
        name: name.to_owned(),
        scopes: distinct,
        made_by: actor.user(),
        person: None,
        expires_at: None,
        created_at: now,
        used_at: None,
        revoked_at: None,
    };
    let secret = format!("{}{}", secrets::KEY_PREFIX, secrets::fresh_token(&app.chance));
    access::insert_key(&mut tx, &key, &secrets::token_hash(&secret)).await?;
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    tx.event(
        now,
        actor,
        "key.created",
        key.id,
        serde_json::json!({ "name": key.name, "scopes": scopes }),
    );
    tx.commit().await?;
    Ok(NewKey { key, secret })
}

/// The key opens nothing any more.
pub async fn revoke_key(app: &Seawall, actor: &Actor, id: KeyId) -> Result<(), AccessError> {
    actor.require(Right::ManageAccess)?;
    let mut tx = app.store.begin("revoke key").await?;
    let now = app.clock.now();
    if !access::revoke_key(&mut tx, id, now).await? {
        return Err(AccessError::NotFound);
    }
    tx.event(now, actor, "key.revoked", id, serde_json::json!({}));
    tx.commit().await?;
    Ok(())
}

/// Who a key's secret stands for, if it opens anything.
pub async fn authenticate_key(app: &Seawall, secret: &str) -> Result<Option<Actor>, StoreError> {
    if !secret.starts_with(secrets::KEY_PREFIX) {
        return Ok(None);
    }
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let found = access::find_key_by_secret(&mut conn, &secrets::token_hash(secret)).await?;
    let is_good = |key: &Key| key.revoked_at.is_none() && key.expires_at.is_none_or(|end| end > now);
    let Some(key) = found.filter(is_good) else {
        return Ok(None);
    };
    // A token stands for its person as they are now, not as they were when they made it.
    let person = match key.person {
        Some(person) => match access::find_user(&mut conn, person).await? {
            Some(user) if user.state == UserState::Active => Some(user),
            Some(_) | None => return Ok(None),
        },
        None => None,
    };
    drop(conn);
    if key
        .used_at
        .is_none_or(|used_at| now.since(used_at) >= KEY_USE_NOTED_EVERY)
    {
        note_key_use(&app.store, key.id, now).await?;
    }
    Ok(Some(match person {
        Some(user) => Actor::Person {
            user: user.id,
            roles: user.roles,
            queues: user.queues,
            token: Some(Token {
                key: key.id,
                scopes: key.scopes,
            }),
        },
        None => Actor::Key {
            key: key.id,
            scopes: key.scopes,
        },
    }))
}

async fn note_key_use(store: &Store, key: KeyId, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = store.begin("note key use").await?;
    access::touch_key(&mut tx, key, now).await?;
    tx.commit().await
}
