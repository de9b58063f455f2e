//! Users and keys, for those who manage them.

use super::{ViewError, names};
use crate::model::{Actor, Key, Right, User};
use crate::{Seawall, access};

/// All users, by name.
pub async fn list_users(app: &Seawall, actor: &Actor) -> Result<Vec<User>, ViewError> {
    actor.require(Right::ManageAccess)?;
    Ok(access::list_users(&mut *app.store.reader().await?).await?)
}

/// A key, and who made it.
#[derive(Debug, Clone)]
pub struct KeyRow {
    /// The key.
    pub key: Key,
    /// The name of the person who made it; none if it was made at the command line, or before that was kept.
    pub made_by_name: Option<String>,
}

/// All keys, newest first.
pub async fn list_keys(app: &Seawall, actor: &Actor) -> Result<Vec<KeyRow>, ViewError> {
    actor.require(Right::ManageAccess)?;
    let mut conn = app.store.reader().await?;
    let keys = access::list_keys(&mut conn).await?;
    let names = names::all(&mut conn).await?;
    let rows = keys.into_iter().map(|key| KeyRow {
        made_by_name: key.made_by.map(|user| names::of(&names, &user.to_string())),
        key,
    });
    Ok(rows.collect())
}
