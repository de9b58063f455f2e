//! `/h`: files are hashed, and nothing is kept of them.

use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Map, Value};

use super::answers::Refusal;
use super::body::Form;
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
    let form = read_upload(&state, request).await?;
    let file = files::uploaded(form)?;
    Ok(Json(render(&files::hash(&state, &caller, file, &query).await?)))
}

/// A form that has to have a file.
pub(super) async fn read_upload(state: &WebState, request: Request) -> Result<Form, Refusal> {
    let form = Form::read(state, request).await?;
    if form.files.is_empty() {
        return Err(Refusal::bad("Missing multipart/form-data file upload"));
    }
    Ok(form)
}

fn render(selected: &Selected) -> Value {
    let signals = selected.signals.iter();
    let signals: Map<String, Value> = signals
        .map(|(kind, signal)| (kind.name().to_owned(), Value::from(write(signal))))
        .collect();
    Value::Object(signals)
}
