//! Decisions, actions and the event log, as lists.

use super::reach::{reaches_action, reaches_item};
use super::{ViewError, cursor};
use crate::model::{Action, ActionId, Actor, Decision, DecisionId, Event, Page, PageRequest, Right};
use crate::store::events;
use crate::{Seawall, actions, cases, decisions};

/// Decisions, newest first.
pub async fn list_decisions(app: &Seawall, actor: &Actor, request: &PageRequest) -> Result<Page<Decision>, ViewError> {
    actor.require(Right::ReadItems)?;
    let before: Option<DecisionId> = cursor(request)?;
    let mut conn = app.store.reader().await?;
    let rows = decisions::list(&mut conn, before, request.probe(), actor.queues(), cases::within_queues).await?;
    Ok(Page::cut(rows, request, |decision| decision.id.to_string()))
}

/// A decision, by its id.
pub async fn decision(app: &Seawall, actor: &Actor, id: DecisionId) -> Result<Option<Decision>, ViewError> {
    actor.require(Right::ReadItems)?;
    let mut conn = app.store.reader().await?;
    match decisions::find(&mut conn, id).await? {
        Some(decision) if reaches_item(&mut conn, actor, &decision.item).await? => Ok(Some(decision)),
        Some(_) | None => Ok(None),
    }
}

/// Actions, newest first: of one state (as [`crate::model::ActionState::as_str`] words it), of all that are still being
/// tried (`unfinished`), or of all.
pub async fn list_actions(
    app: &Seawall,
    actor: &Actor,
    state: Option<&str>,
    request: &PageRequest,
) -> Result<Page<Action>, ViewError> {
    actor.require(Right::ReadItems)?;
    let before: Option<ActionId> = cursor(request)?;
    let mut conn = app.store.reader().await?;
    let rows = actions::list(
        &mut conn,
        state,
        before,
        request.probe(),
        actor.queues(),
        cases::within_queues,
    )
    .await?;
    Ok(Page::cut(rows, request, |action| action.id.to_string()))
}

/// An action, by its id.
pub async fn action(app: &Seawall, actor: &Actor, id: ActionId) -> Result<Option<Action>, ViewError> {
    actor.require(Right::ReadItems)?;
    let mut conn = app.store.reader().await?;
    if !reaches_action(&mut conn, actor, id).await? {
        return Ok(None);
    }
    Ok(actions::find(&mut conn, id).await?.map(|tried| tried.action))
}

/// The event log, oldest first. The cursor is the number of the last line seen.
pub async fn list_events(app: &Seawall, actor: &Actor, request: &PageRequest) -> Result<Page<Event>, ViewError> {
    actor.require(Right::ReadEvents)?;
    let after: i64 = cursor(request)?.unwrap_or(0);
    let rows = events::list(&mut *app.store.reader().await?, after, request.probe()).await?;
    Ok(Page::cut(rows, request, |event| event.seq.to_string()))
}

/// The event log, newest first, with the names of actors.
pub async fn list_newest_events(
    app: &Seawall,
    actor: &Actor,
    request: &PageRequest,
) -> Result<Page<super::EventView>, ViewError> {
    actor.require(Right::ReadEvents)?;
    let before: i64 = cursor(request)?.unwrap_or(i64::MAX);
    let mut conn = app.store.reader().await?;
    let rows = events::list_newest(&mut conn, before, request.probe()).await?;
    let names = super::names::all(&mut conn).await?;
    let page = Page::cut(rows, request, |event| event.seq.to_string());
    Ok(page.map(|event| super::EventView {
        actor_name: super::names::of(&names, &event.actor),
        event,
    }))
}
