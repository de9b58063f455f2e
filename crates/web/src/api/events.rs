//! The event log, for those who keep a copy of it or check its chain.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use moderation::model::{Event, PageRequest};
use moderation::views;
use serde::Serialize;
use utoipa::ToSchema;

use super::pages::Rows;
use crate::extract::{Caller, QueryParams};
use crate::problem::ApiError;
use crate::state::WebState;

/// Who did what, when, to what. Each line holds the hash of the one before.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventJson {
    /// Its number, from 1, without gaps.
    pub seq: i64,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// When, in milliseconds since 1970 in UTC, as it is hashed.
    pub at_unix_ms: i64,
    /// Who: an id, never a name.
    pub actor: String,
    /// What.
    #[schema(example = "case.opened")]
    pub kind: String,
    /// To what.
    pub subject: String,
    /// More, as the very text of JSON that is hashed.
    pub body: String,
    /// The hash of the line before.
    pub prev_hash: String,
    /// The hash of this line: SHA-256 over the fields `seq at_unix_ms actor kind subject body prev_hash`, each after its
    /// length as eight bytes, big endian.
    pub hash: String,
}

impl From<Event> for EventJson {
    fn from(event: Event) -> Self {
        Self {
            seq: event.seq,
            at: event.at.to_string(),
            at_unix_ms: event.at.unix_ms(),
            actor: event.actor,
            kind: event.kind,
            subject: event.subject,
            body: event.body,
            prev_hash: event.prev_hash,
            hash: event.hash,
        }
    }
}

/// List the event log
///
/// The oldest first.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "Events", operation_id = "list_events",
    params(
        ("limit" = Option<u32>, Query, description = "Most rows of the page.", minimum = 1, maximum = 200, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.", nullable = false,
            pattern = "^[0-9]{1,18}$"),
    ),
    responses((status = 200, description = "A page of the log.", body = Rows<EventJson>)),
)]
pub(crate) async fn list_events(
    State(state): State<WebState>,
    caller: Caller,
    mut query: QueryParams,
) -> Result<Json<Rows<EventJson>>, ApiError> {
    let page = query.take_page()?;
    query.finish()?;
    let rows = views::list_events(&state.app, &caller.actor, &page).await?;
    Ok(Json(Rows::of(rows, EventJson::from)))
}

/// Get a line of the event log
#[utoipa::path(
    get, path = "/api/v1/events/{seq}", tag = "Events", operation_id = "get_event",
    params(("seq" = i64, Path, description = "The line's number.", minimum = 1)),
    responses((status = 200, description = "The line.", body = EventJson)),
)]
pub(crate) async fn get_event(
    State(state): State<WebState>,
    caller: Caller,
    seq: Result<Path<i64>, PathRejection>,
) -> Result<Json<EventJson>, ApiError> {
    let not_found = || ApiError::NotFound { thing: "event" };
    let Path(seq) = seq.map_err(|_| not_found())?;
    let before = seq.checked_sub(1).filter(|before| *before >= 0).ok_or_else(not_found)?;
    let page = PageRequest {
        cursor: Some(before.to_string()),
        limit: 1,
    };
    let rows = views::list_events(&state.app, &caller.actor, &page).await?.rows;
    let event = rows.into_iter().next().filter(|event| event.seq == seq);
    Ok(Json(event.ok_or_else(not_found)?.into()))
}
