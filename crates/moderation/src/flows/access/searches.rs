//! A person keeps searches under names of their own.

use super::AccessError;
use crate::access::searches::{self, KeptSearch, SEARCHES_MAX};
use crate::model::{Actor, Denied, Right, UserId};
use crate::{Seawall, access};

/// The most bytes of a search.
const QUERY_BYTES_MAX: usize = 2_000;

/// The searches that the person kept.
pub async fn kept_searches(app: &Seawall, actor: &Actor) -> Result<Vec<KeptSearch>, AccessError> {
    let user = person(actor)?;
    Ok(access::searches::list(&mut *app.store.reader().await?, user).await?)
}

/// Keeps a search under a name; one of that name is replaced.
pub async fn keep_search(app: &Seawall, actor: &Actor, search: KeptSearch) -> Result<(), AccessError> {
    let user = person(actor)?;
    let name = search.name.trim().to_owned();
    let invalid = |what: &str| AccessError::Invalid {
        field: "name",
        what: what.to_owned(),
    };
    if name.is_empty() || name.chars().count() > super::NAME_LENGTH_MAX || name.contains('\0') {
        return Err(invalid("must be a name of at most 64 characters"));
    }
    if search.query.len() > QUERY_BYTES_MAX || search.query.contains('\0') {
        return Err(invalid("names a search that is too long to keep"));
    }
    let mut tx = app.store.begin("keep a search").await?;
    let search = KeptSearch { name, ..search };
    if !searches::put(&mut tx, user, &search, app.clock.now()).await? {
        return Err(invalid(&format!("would be one search more than {SEARCHES_MAX}")));
    }
    tx.commit().await?;
    Ok(())
}

/// Forgets a search of the person's.
pub async fn forget_search(app: &Seawall, actor: &Actor, name: &str) -> Result<(), AccessError> {
    let user = person(actor)?;
    let mut tx = app.store.begin("forget a search").await?;
    searches::remove(&mut tx, user, name).await?;
    tx.commit().await?;
    Ok(())
}

/// A search is a person's own; programs keep theirs themselves.
fn person(actor: &Actor) -> Result<UserId, Denied> {
    actor.require(Right::ReadItems)?;
    actor.user().ok_or_else(|| Denied {
        actor: actor.to_string(),
        right: Right::ReadItems,
    })
}
