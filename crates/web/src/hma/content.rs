//! `/c/bank/…/content` and `/c/bank/…/signal`: what a bank holds, by number.

use axum::Json;
use axum::extract::{Path, Request, State};
use moderation::flows::hma::{self as flow, ContentUpdate, HmaError, NewContent};
use moderation::model::Right;
use moderation::signal::Signal;
use moderation::views::{self, HmaContent};
use serde_json::{Map, Value, json};

use super::answers::{Refusal, no_bank};
use super::body::{Form, read_json, read_json_if_any};
use super::query::Query;
use super::types::HmaSignalType;
use super::{banks, files};
use crate::extract::{Caller, content_type};
use crate::problem::ApiError;
use crate::state::WebState;

/// `POST /c/bank/…/content`: a file, by upload or address, becomes content.
pub(super) async fn add_content(
    State(state): State<WebState>,
    caller: Caller,
    Path(bank): Path<String>,
    query: Query,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    caller.actor.require(Right::WriteBanks).map_err(ApiError::from)?;
    views::hma_bank(&state.app, &caller.actor, &bank)
        .await?
        .ok_or_else(|| no_bank(&bank))?;
    let is_form = content_type(request.headers()).as_deref() == Some("multipart/form-data");
    let (form, said) = match is_form {
        true => {
            let form = Form::read(&state, request).await?;
            let said = Said::of_form(&form)?;
            (form, said)
        }
        false => {
            let body = read_json_if_any(&state, request).await?.unwrap_or_default();
            (Form::default(), Said::of_json(&body)?)
        }
    };
    let file = match query.filled("url") {
        Some(url) => files::fetched(&state, &caller, url, &query).await?,
        None if form.files.is_empty() => {
            return Err(Refusal::bad("Neither `url` nor multipart file upload was received"));
        }
        None => files::uploaded(form)?,
    };
    let selected = files::hash_content(&state, &caller, file, &query).await?;
    for (kind, signal) in &selected.signals {
        files::check_comparable(&state.app.settings.matching, *kind, signal)
            .map_err(|what| refuse_signal(*kind, what))?;
    }
    let signals: Vec<Signal> = selected.signals.iter().map(|(_, signal)| signal.clone()).collect();
    let has_pdq = signals.iter().any(|signal| matches!(signal, Signal::Pdq { .. }));
    let has_vpdq = signals.iter().any(|signal| matches!(signal, Signal::Vpdq(_)));
    let new = NewContent {
        signals,
        previews: selected.hashed.previews,
        // What is to be known by its digest alone is not to be recognised by its looks.
        looks: selected.hashed.looks.filter(|_| has_pdq),
        timeline: selected.hashed.timeline.filter(|_| has_vpdq),
        strip: selected.hashed.strip,
        metadata: said.metadata,
        note: said.note,
    };
    let added = flow::add_content(&state.app, &caller.actor, &bank, new).await;
    let id = added.map_err(|error| Refusal::of_bank(error, &bank))?;
    Ok(Json(render_added(id, &selected.signals)))
}

/// `POST /c/bank/…/signal`: signals that were computed elsewhere become content.
pub(super) async fn add_signals(
    State(state): State<WebState>,
    caller: Caller,
    Path(bank): Path<String>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    caller.actor.require(Right::WriteBanks).map_err(ApiError::from)?;
    let settings = files::settings(&state)?;
    views::hma_bank(&state.app, &caller.actor, &bank)
        .await?
        .ok_or_else(|| no_bank(&bank))?;
    let Value::Object(mut fields) = read_json(&state, request).await? else {
        return Err(Refusal::bad("Request input was not a dict"));
    };
    let note = read_note(fields.remove("note").as_ref())?;
    let mut signals: Vec<(HmaSignalType, Signal)> = Vec::with_capacity(fields.len());
    for (name, value) in &fields {
        let kind = settings.find_type(name).ok_or_else(|| {
            let shown: String = name.chars().take(100).collect();
            Refusal::bad(format!("No such signal type {shown}"))
        })?;
        let text = value.as_str().ok_or_else(|| "expected a string".to_owned());
        let signal = text.and_then(|text| kind.read(text));
        signals.push((kind, signal.map_err(|what| refuse_signal(kind, what))?));
    }
    let new = NewContent {
        signals: signals.iter().map(|(_, signal)| signal.clone()).collect(),
        previews: None,
        looks: None,
        timeline: None,
        strip: Vec::new(),
        metadata: None,
        note,
    };
    let added = flow::add_content(&state.app, &caller.actor, &bank, new).await;
    let id = added.map_err(|error| Refusal::of_bank(error, &bank))?;
    Ok(Json(render_added(id, &signals)))
}

/// `GET /c/bank/…/content/…`
pub(super) async fn get_content(
    State(state): State<WebState>,
    caller: Caller,
    Path((bank, content)): Path<(String, String)>,
    query: Query,
) -> Result<Json<Value>, Refusal> {
    let id = read_id(&content)?;
    let only = match query.get("signal_type") {
        None => None,
        Some(name) => {
            let found = files::settings(&state)?.find_type(name);
            let shown: String = name.chars().take(100).collect();
            Some(found.ok_or_else(|| Refusal::bad(format!("No such signal type '{shown}'")))?)
        }
    };
    let found = find(&state, &caller, &bank, id).await?;
    let mut shown = render_content(&found);
    let metadata = found.notes.metadata.as_ref().map(|metadata| {
        let part = |name: &str| metadata.get(name).cloned().unwrap_or_default();
        json!({
            "collab": null,
            "content_id": part("content_id"),
            "content_uri": part("content_uri"),
            "json": part("json"),
        })
    });
    shown.insert("metadata".to_owned(), metadata.unwrap_or_default());
    if only.is_some()
        || query
            .get("include_signals")
            .is_some_and(|flag| flag.eq_ignore_ascii_case("true"))
    {
        let settings = files::settings(&state)?;
        let signals: Map<String, Value> = found
            .signals
            .iter()
            .filter_map(|(kind, value)| Some((settings.type_of(*kind)?, value)))
            .filter(|(kind, _)| only.is_none_or(|only| only == *kind))
            .map(|(kind, value)| (kind.name().to_owned(), Value::from(value.clone())))
            .collect();
        shown.insert("signals".to_owned(), Value::Object(signals));
    }
    Ok(Json(Value::Object(shown)))
}

/// `PUT /c/bank/…/content/…`
pub(super) async fn update_content(
    State(state): State<WebState>,
    caller: Caller,
    Path((bank, content)): Path<(String, String)>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let id = read_id(&content)?;
    caller.actor.require(Right::WriteBanks).map_err(ApiError::from)?;
    find(&state, &caller, &bank, id).await?;
    let Value::Object(fields) = read_json(&state, request).await? else {
        return Err(Refusal::bad("Request input was not a dict"));
    };
    let update = ContentUpdate {
        disable_until_s: fields.get("disable_until_ts").map(read_seconds).transpose()?,
        note: match fields.get("note") {
            None => None,
            some => Some(read_note(some)?),
        },
    };
    let updated = flow::update_content(&state.app, &caller.actor, &bank, id, update).await;
    updated.map_err(|error| match error {
        HmaError::NotFound => no_content(id),
        other => other.into(),
    })?;
    let found = find(&state, &caller, &bank, id).await?;
    let mut shown = render_content(&found);
    shown.insert("collab_metadata".to_owned(), json!({}));
    shown.insert("user_metadata".to_owned(), found.notes.metadata.unwrap_or_default());
    Ok(Json(Value::Object(shown)))
}

/// `DELETE /c/bank/…/content/…`
pub(super) async fn remove_content(
    State(state): State<WebState>,
    caller: Caller,
    Path((bank, content)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let id = read_id(&content)?;
    let removed = flow::remove_content(&state.app, &caller.actor, &bank, id).await;
    let removed = removed.map_err(|error| Refusal::of_bank(error, &bank))?;
    Ok(Json(json!({ "deleted": u8::from(removed) })))
}

/// What a client says of content.
#[derive(Default)]
struct Said {
    metadata: Option<Value>,
    note: Option<String>,
}

impl Said {
    fn of_form(form: &Form) -> Result<Self, Refusal> {
        let metadata = form.field("metadata")?.filter(|text| !text.is_empty());
        let metadata = metadata.map(|text| {
            let parsed: Result<Value, _> = serde_json::from_str(&text);
            parsed.map_err(|_| Refusal::bad("metadata should be a json object"))
        });
        Ok(Self {
            metadata: read_metadata(metadata.transpose()?.as_ref())?,
            note: form.field("note")?,
        })
    }

    fn of_json(body: &Value) -> Result<Self, Refusal> {
        Ok(Self {
            metadata: read_metadata(body.get("metadata"))?,
            note: read_note(body.get("note"))?,
        })
    }
}

/// The client's own names for content: any of three fields and no other.
fn read_metadata(metadata: Option<&Value>) -> Result<Option<Value>, Refusal> {
    let Some(metadata) = metadata.filter(|metadata| !metadata.is_null()) else {
        return Ok(None);
    };
    let Value::Object(fields) = metadata else {
        return Err(Refusal::bad("metadata should be a json object"));
    };
    for (name, value) in fields {
        let is_good = match name.as_str() {
            "content_id" | "content_uri" => value.is_string() || value.is_null(),
            "json" => value.is_object() || value.is_null(),
            _ => {
                let shown: String = name.chars().take(100).collect();
                return Err(Refusal::bad(format!(
                    "Invalid metadata: {shown}: Extra inputs are not permitted"
                )));
            }
        };
        if !is_good {
            return Err(Refusal::bad(format!("Invalid metadata: {name} is of another kind")));
        }
    }
    Ok(Some(metadata.clone()))
}

fn read_note(note: Option<&Value>) -> Result<Option<String>, Refusal> {
    match note {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(note)) => Ok(Some(note.clone())),
        Some(_) => Err(Refusal::bad("note must be a string")),
    }
}

fn read_seconds(value: &Value) -> Result<i64, Refusal> {
    let read = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    read.ok_or_else(|| {
        let shown: String = match value {
            Value::String(text) => text.chars().take(100).collect(),
            other => other.to_string().chars().take(100).collect(),
        };
        Refusal::bad(format!("Invalid int: '{shown}'"))
    })
}

/// Digits; with anything else there is no such path.
fn read_id(text: &str) -> Result<i64, Refusal> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return Err(Refusal::UnknownPath);
    }
    text.parse()
        .map_err(|_| Refusal::not_found(format!("content '{text}' not found")))
}

async fn find(state: &WebState, caller: &Caller, bank: &str, id: i64) -> Result<HmaContent, Refusal> {
    let found = views::hma_content(&state.app, &caller.actor, bank, id).await?;
    if let Some(found) = found {
        return Ok(found);
    }
    match views::hma_bank(&state.app, &caller.actor, bank).await? {
        Some(_) => Err(no_content(id)),
        None => Err(no_bank(bank)),
    }
}

fn no_content(id: i64) -> Refusal {
    Refusal::not_found(format!("content '{id}' not found"))
}

fn refuse_signal(kind: HmaSignalType, what: String) -> Refusal {
    Refusal::bad(format!("Invalid {kind} signal: {what}"))
}

fn render_added(id: i64, signals: &[(HmaSignalType, Signal)]) -> Value {
    let signals: Map<String, Value> = signals
        .iter()
        .map(|(kind, signal)| (kind.name().to_owned(), Value::from(signal.value())))
        .collect();
    json!({ "id": id, "signals": signals })
}

fn render_content(content: &HmaContent) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("id".to_owned(), content.id.into());
    shown.insert("bank".to_owned(), banks::render(&content.bank));
    shown.insert("disable_until_ts".to_owned(), content.disable_until_s.into());
    shown.insert("note".to_owned(), content.notes.note.clone().into());
    shown.insert("original_media_uri".to_owned(), Value::Null);
    shown
}
