//! What a person who works on some queues reaches beyond their cases: an item that no case is about, or one that a case of
//! theirs is about; of others they learn nothing, not even that they are there. Everyone else reaches everything.

use policy::compare::{Comparison, Example};
use sqlx::{AnyConnection, query};

use crate::model::{ActionId, Actor, ItemId, MediaId, QueueSet};
use crate::store::StoreError;

/// Whether the actor reaches an item.
pub(crate) async fn reaches_item(conn: &mut AnyConnection, actor: &Actor, item: &ItemId) -> Result<bool, StoreError> {
    reaches(
        conn,
        actor,
        "SELECT c.id FROM cases_case c WHERE c.item_id = $1",
        item.as_str(),
    )
    .await
}

/// Whether the actor reaches a file of an item.
pub(crate) async fn reaches_media(conn: &mut AnyConnection, actor: &Actor, media: MediaId) -> Result<bool, StoreError> {
    let of_its_item = "SELECT c.id FROM cases_case c JOIN items_media m ON m.item_id = c.item_id WHERE m.id = $1";
    reaches(conn, actor, of_its_item, &media.to_string()).await
}

/// Whether the actor reaches an order.
pub(crate) async fn reaches_action(conn: &mut AnyConnection, actor: &Actor, id: ActionId) -> Result<bool, StoreError> {
    let of_its_item = "SELECT c.id FROM cases_case c JOIN actions_action a ON a.item_id = c.item_id WHERE a.id = $1";
    reaches(conn, actor, of_its_item, &id.to_string()).await
}

/// Those examples whose items the actor reaches.
pub(crate) async fn only_reached<T>(
    conn: &mut AnyConnection,
    actor: &Actor,
    examples: Vec<T>,
    item_of: impl Fn(&T) -> Option<ItemId>,
) -> Result<Vec<T>, StoreError> {
    if *actor.queues() == QueueSet::All {
        return Ok(examples);
    }
    let mut reached = Vec::with_capacity(examples.len());
    for example in examples {
        if let Some(item) = item_of(&example)
            && reaches_item(conn, actor, &item).await?
        {
            reached.push(example);
        }
    }
    Ok(reached)
}

/// What is different between rules is counted over everything, and shown only by examples that the actor reaches.
pub(crate) async fn reached_comparison(
    conn: &mut AnyConnection,
    actor: &Actor,
    found: Comparison,
) -> Result<Comparison, StoreError> {
    let item_of = |example: &Example| example.item.parse().ok();
    Ok(Comparison {
        examples: only_reached(conn, actor, found.examples, item_of).await?,
        ..found
    })
}

/// `cases` selects the cases that are about `subject`.
async fn reaches(
    conn: &mut AnyConnection,
    actor: &Actor,
    cases: &'static str,
    subject: &str,
) -> Result<bool, StoreError> {
    let queues = actor.queues();
    if *queues == QueueSet::All {
        return Ok(true);
    }
    let at = StoreError::at("look whose case it is");
    let any = query(cases)
        .bind(subject.to_owned())
        .fetch_optional(&mut *conn)
        .await
        .map_err(&at)?;
    if any.is_none() {
        return Ok(true);
    }
    let own = format!("{cases} AND REPLACE($2, ' ' || c.queue || ' ', '') <> $2");
    let own = query(sqlx::AssertSqlSafe(own))
        .bind(subject.to_owned())
        .bind(queues.to_string())
        .fetch_optional(conn)
        .await
        .map_err(&at)?;
    Ok(own.is_some())
}
