//! Users and keys, for those who manage them.

use super::ViewError;
use crate::model::{Actor, Key, Right, User};
use crate::{Seawall, access};

/// All users, by name.
pub async fn list_users(app: &Seawall, actor: &Actor) -> Result<Vec<User>, ViewError> {
    actor.require(Right::ManageAccess)?;
    Ok(access::list_users(&mut *app.store.reader().await?).await?)
}

/// All keys, newest first.
pub async fn list_keys(app: &Seawall, actor: &Actor) -> Result<Vec<Key>, ViewError> {
    actor.require(Right::ManageAccess)?;
    Ok(access::list_keys(&mut *app.store.reader().await?).await?)
}
