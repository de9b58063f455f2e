//! `/h`: files are hashed, and nothing is kept of them.

use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Map, Value};

use super::answers::Refusal;
use super::files::{self, Selected};
use super::query::Query;
use super::types::write;
use crate::extract::Caller;
use crate::state::WebState;

/// `GET /h/hash?url=…`: the signals of the file at an address.
pub(super) async fn hash_url(
    State(state): State<WebState>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, Refusal> {
    let [url] = query.required(["url"])?;
    let file = files::fetched(&state, &caller, url, &query).await?;
    Ok(Json(render(&files::hash(&state, &caller, file, &query).await?)))
}

/// `POST /h/hash`: the signals of an uploaded file.
pub(super) async fn hash_upload(
    State(state): State<WebState>,
    caller: Caller,
    query: Query,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let file = files::upload(&state, request).await?;
    Ok(Json(render(&files::hash(&state, &caller, file, &query).await?)))
}

fn render(selected: &Selected) -> Value {
    let signals = selected.signals.iter();
    let signals: Map<String, Value> = signals
        .map(|(kind, signal)| (kind.name().to_owned(), Value::from(write(signal))))
        .collect();
    Value::Object(signals)
}
