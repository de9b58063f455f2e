//! A person says what they do not want to be given. It is theirs alone: not even the log says what it is. Saying the same twice says it once.

use policy::PolicyCode;

use crate::model::{Actor, Denied, Right};
use crate::routing::{Wishes, wishes};
use crate::store::StoreError;
use crate::{Seawall, access};

/// A wish was not kept.
#[derive(Debug, thiserror::Error)]
pub enum WishError {
    /// The actor decides no cases, or is not a person who is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// From now on the person is given no case that may be about one of these. They may still open one on purpose; what they hold they go on holding.
pub async fn set_wishes(app: &Seawall, actor: &Actor, not: &[PolicyCode]) -> Result<(), WishError> {
    actor.require(Right::DecideCases)?;
    let user = actor.user().filter(|_| actor.token().is_none());
    let user = user.ok_or_else(|| Denied {
        actor: actor.to_string(),
        right: Right::DecideCases,
    })?;
    let said = Wishes::without(not);
    let mut tx = app.store.begin("set wishes").await?;
    access::find_user_locked(&mut tx, user).await?;
    if wishes::of(tx.conn(), user).await? == said {
        return Ok(());
    }
    wishes::put(&mut tx, user, &said).await?;
    tx.event(
        app.clock.now(),
        actor,
        "user.wishes_changed",
        user,
        serde_json::json!({}),
    );
    tx.commit().await?;
    Ok(())
}
