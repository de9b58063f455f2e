//! Whether it is up, what it knows of, and how far the index is.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use moderation::model::Right;
use moderation::views;
use serde_json::{Map, Value, json};

use super::answers::Refusal;
use super::body::read_json_if_any;
use super::files::settings;
use super::query::Query;
use super::types::CONTENT_TYPES;
use crate::extract::Caller;
use crate::problem::{ApiError, chain};
use crate::state::WebState;

/// `GET /status/live`: the process is there.
pub(super) async fn is_alive() -> Html<&'static str> {
    Html("I-AM-ALIVE")
}

/// `GET /status`: the store answers and the banks are in memory.
pub(super) async fn is_ready(State(state): State<WebState>) -> Response {
    match state.app.ready().await {
        Ok(()) => Html("I-AM-ALIVE").into_response(),
        Err(error) => {
            tracing::warn!(error = %chain(&error), "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, Html("INDEX-STALE")).into_response()
        }
    }
}

/// What is known of one type of signal.
struct Count {
    n: i64,
    /// In seconds since 1970; -1 while there is none.
    newest_s: i64,
}

async fn counts(state: &WebState, caller: &Caller, query: &Query) -> Result<Vec<(&'static str, Count)>, Refusal> {
    let settings = settings(state)?;
    let only = match query.get("signal_type") {
        None => None,
        Some(name) => Some(settings.find_type(name).ok_or_else(|| no_such_type(name))?),
    };
    let census = views::hma_census(&state.app, &caller.actor).await?;
    let wanted = settings
        .signal_types
        .iter()
        .filter(|kind| only.is_none_or(|only| only == **kind));
    let counted = wanted.map(|kind| {
        let found = census.iter().find(|count| count.signal_type == kind.signal_type());
        let count = Count {
            n: found.map_or(0, |count| count.n_signals),
            newest_s: found
                .and_then(|count| count.newest_at)
                .map_or(-1, |at| at.unix_seconds()),
        };
        (kind.name(), count)
    });
    Ok(counted.collect())
}

/// `GET /m/index/status`: what is in the index. It is there from the start, and everything acknowledged is in it.
pub(super) async fn index_status(
    State(state): State<WebState>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, Refusal> {
    let render = |(name, count): (&str, Count)| {
        let status = json!({ "present": true, "built_to": count.newest_s, "size": count.n });
        (name.to_owned(), status)
    };
    let counts = counts(&state, &caller, &query).await?;
    let statuses: Map<String, Value> = counts.into_iter().map(render).collect();
    Ok(Json(Value::Object(statuses)))
}

/// `GET /c/signal_type/index`: the same beside what is in the store.
pub(super) async fn signal_type_index(
    State(state): State<WebState>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, Refusal> {
    let counts = counts(&state, &caller, &query).await?;
    let is_caught_up = views::hma_is_caught_up(&state.app, &caller.actor).await?;
    let render = |(name, count): (&str, Count)| {
        let status = json!({
            "db_size": count.n,
            "index_size": count.n,
            "index_out_of_date": !is_caught_up,
            "newest_db_item": count.newest_s,
            "index_built_to": count.newest_s,
        });
        (name.to_owned(), status)
    };
    let statuses: Map<String, Value> = counts.into_iter().map(render).collect();
    Ok(Json(Value::Object(statuses)))
}

/// `GET /c/signal_type`: the types of signals.
pub(super) async fn list_signal_types(State(state): State<WebState>, caller: Caller) -> Result<Json<Value>, Refusal> {
    caller.actor.require(Right::ReadBanks).map_err(ApiError::from)?;
    let types = settings(&state)?.signal_types.iter();
    let types: Vec<Value> = types
        .map(|kind| json!({ "name": kind.name(), "enabled_ratio": 1.0 }))
        .collect();
    Ok(Json(Value::Array(types)))
}

/// `PUT /c/signal_type/…`: refused. Which types there are stands in the configuration.
pub(super) async fn update_signal_type(
    State(state): State<WebState>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    caller.actor.require(Right::WriteBanks).map_err(ApiError::from)?;
    let kind = settings(&state)?.find_type(&name).ok_or_else(|| no_such_type(&name))?;
    let body = read_json_if_any(&state, request).await?.unwrap_or_default();
    let ratio = body.get("enabled_ratio").and_then(Value::as_f64);
    match ratio {
        Some(ratio) if (0.0..=1.0).contains(&ratio) => Err(Refusal::forbidden(format!(
            "{kind} cannot be changed here: which signal types there are stands in the configuration, at hma.signal_types"
        ))),
        Some(_) | None => Err(Refusal::bad("enabled_ratio must be a number from 0 to 1")),
    }
}

/// `GET /c/content_type`: what files can be.
pub(super) async fn list_content_types(caller: Caller) -> Result<Json<Value>, Refusal> {
    caller.actor.require(Right::ReadBanks).map_err(ApiError::from)?;
    let types = CONTENT_TYPES.iter();
    let types: Vec<Value> = types
        .map(|(name, _)| json!({ "name": name, "enabled": true }))
        .collect();
    Ok(Json(Value::Array(types)))
}

fn no_such_type(name: &str) -> Refusal {
    let shown: String = name.chars().take(100).collect();
    Refusal::bad(format!("No such signal type '{shown}'"))
}
