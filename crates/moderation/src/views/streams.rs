//! Live streams, and what was told of them.

use super::{ViewError, cursor, reaches_item};
use crate::model::{Actor, Page, PageRequest, Right, Stream, StreamId, StreamState, StreamVerdict};
use crate::{Seawall, cases, streams};

/// The most of what was told that is read at once.
pub const VERDICTS_MAX: i64 = 500;

/// Streams, the last opened first.
pub async fn list_streams(
    app: &Seawall,
    actor: &Actor,
    state: Option<StreamState>,
    request: &PageRequest,
) -> Result<Page<Stream>, ViewError> {
    actor.require(Right::ReadItems)?;
    let before = cursor(request)?;
    let found = streams::list(
        &mut *app.store.reader().await?,
        state,
        before,
        request.probe(),
        actor.queues(),
        cases::within_queues,
    )
    .await?;
    Ok(Page::cut(found, request, |stream| stream.id.to_string()))
}

/// The stream.
pub async fn stream(app: &Seawall, actor: &Actor, id: StreamId) -> Result<Option<Stream>, ViewError> {
    actor.require(Right::ReadItems)?;
    let mut conn = app.store.reader().await?;
    match streams::find(&mut conn, id).await? {
        Some(stream) if reaches_item(&mut conn, actor, &stream.item).await? => Ok(Some(stream)),
        Some(_) | None => Ok(None),
    }
}

/// What was told after that number, of one stream or of all, in order; at most [`VERDICTS_MAX`].
pub async fn stream_verdicts(
    app: &Seawall,
    actor: &Actor,
    stream: Option<StreamId>,
    after: i64,
) -> Result<Vec<StreamVerdict>, ViewError> {
    actor.require(Right::ReadItems)?;
    Ok(streams::verdicts_within(
        &mut *app.store.reader().await?,
        stream,
        after,
        VERDICTS_MAX,
        actor.queues(),
        cases::within_queues,
    )
    .await?)
}
