//! `/c/exchanges…` and `/c/exchange/…`: where entries come from, as it is configured. Fetching is not here.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use moderation::flows::hma::{self as flow, HmaError};
use moderation::hma::{Exchange, ExchangeApi};
use moderation::model::Right;
use moderation::views;
use serde_json::{Map, Value, json};

use super::answers::Refusal;
use super::body::{as_flag, read_json};
use crate::extract::Caller;
use crate::problem::ApiError;
use crate::state::WebState;

/// A field of a configuration or of credentials.
struct Field {
    name: &'static str,
    kind: FieldKind,
    help: &'static str,
}

#[derive(Clone, Copy)]
enum FieldKind {
    Number,
    Text,
}

/// What a programme needs to know.
fn config_fields(api: ExchangeApi) -> &'static [Field] {
    match api {
        ExchangeApi::Sample => &[],
        ExchangeApi::FbThreatexchange => &[Field {
            name: "privacy_group",
            kind: FieldKind::Number,
            help: "ThreatPrivacyGroup ID for this collaboration",
        }],
    }
}

/// The credentials that a programme needs; none if it needs none.
fn credential_fields(api: ExchangeApi) -> Option<&'static [Field]> {
    match api {
        ExchangeApi::Sample => None,
        ExchangeApi::FbThreatexchange => Some(&[Field {
            name: "api_token",
            kind: FieldKind::Text,
            help: "Meta app access token of an app that has access to ThreatExchange.",
        }]),
    }
}

fn render_fields(fields: &[Field]) -> Value {
    let fields: Vec<Value> = fields
        .iter()
        .map(|field| {
            let kind = match field.kind {
                FieldKind::Number => "number",
                FieldKind::Text => "string",
            };
            json!({ "name": field.name, "type": kind, "required": true, "default": null, "help": field.help, "choices": null })
        })
        .collect();
    json!({ "fields": fields })
}

/// The values of the fields, each there and of its kind, and no other.
fn read_fields(given: &Map<String, Value>, fields: &[Field], also: &[&str]) -> Result<Map<String, Value>, String> {
    let mut read = Map::new();
    for field in fields {
        let value = given
            .get(field.name)
            .ok_or_else(|| format!("missing value for field \"{}\"", field.name))?;
        let is_good = match field.kind {
            FieldKind::Number => value.is_i64() || value.is_u64(),
            FieldKind::Text => value.as_str().is_some_and(is_credential),
        };
        if !is_good {
            return Err(format!("wrong value for field \"{}\"", field.name));
        }
        read.insert(field.name.to_owned(), value.clone());
    }
    // Which other field it was may be a secret that slipped.
    match given
        .keys()
        .all(|name| read.contains_key(name) || also.contains(&name.as_str()))
    {
        true => Ok(read),
        false => Err("there is a field that is not known".to_owned()),
    }
}

/// Longest text of a credential.
const CREDENTIAL_LENGTH_MAX: usize = 4_096;

fn is_credential(text: &str) -> bool {
    (1..=CREDENTIAL_LENGTH_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// `GET /c/exchanges/apis`
pub(super) async fn list_apis(caller: Caller) -> Result<Json<Value>, Refusal> {
    caller.actor.require(Right::ReadBanks).map_err(ApiError::from)?;
    Ok(Json(ExchangeApi::ALL.iter().map(|api| api.as_str()).collect()))
}

/// `GET /c/exchanges/api/…`
pub(super) async fn get_api(
    State(state): State<WebState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let api = named_api(&name)?;
    render_api(&state, &caller, api).await
}

/// `POST /c/exchanges/api/…`: credentials are set, or taken away by an empty object.
pub(super) async fn set_api(
    State(state): State<WebState>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let api = named_api(&name)?;
    let Value::Object(body) = read_json(&state, request).await? else {
        return Err(Refusal::bad("this endpoint expects a json object payload"));
    };
    match body.get("credential_json") {
        None | Some(Value::Null) => {}
        Some(Value::Object(given)) if given.is_empty() => {
            flow::set_credentials(&state.app, &caller.actor, api, None).await?;
        }
        Some(Value::Object(given)) => {
            let fields = credential_fields(api).ok_or_else(|| Refusal::bad(format!("{api} takes no credentials")))?;
            let read = read_fields(given, fields, &[]);
            let read = read.map_err(|what| Refusal::bad(format!("Failed to parse `credential_json` - {what}")))?;
            flow::set_credentials(&state.app, &caller.actor, api, Some(&Value::Object(read))).await?;
        }
        Some(_) => return Err(Refusal::bad("Field `credential_json` must be object")),
    }
    render_api(&state, &caller, api).await
}

async fn render_api(state: &WebState, caller: &Caller, api: ExchangeApi) -> Result<Json<Value>, Refusal> {
    let has = views::hma_has_credentials(&state.app, &caller.actor, api).await?;
    // HMA's spelling.
    Ok(Json(json!({
        "supports_authentification": credential_fields(api).is_some(),
        "has_set_authentification": has,
    })))
}

/// `GET /c/exchanges/api/…/schema`
pub(super) async fn get_schema(caller: Caller, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    caller.actor.require(Right::ReadBanks).map_err(ApiError::from)?;
    let api: ExchangeApi = name
        .parse()
        .map_err(|_| Refusal::not_found(format!("Exchange API '{}' not found", short(&name))))?;
    Ok(Json(json!({
        "config_schema": render_fields(config_fields(api)),
        "credentials_schema": credential_fields(api).map(render_fields),
    })))
}

/// `GET /c/exchanges`
pub(super) async fn list_exchanges(State(state): State<WebState>, caller: Caller) -> Result<Json<Value>, Refusal> {
    let exchanges = views::hma_exchanges(&state.app, &caller.actor).await?;
    Ok(Json(exchanges.into_iter().map(|exchange| exchange.name).collect()))
}

/// `POST /c/exchanges`
pub(super) async fn create_exchange(
    State(state): State<WebState>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let Value::Object(body) = read_json(&state, request).await? else {
        return Err(Refusal::bad("this endpoint expects a json object payload"));
    };
    let name = match body.get("bank") {
        Some(Value::String(name)) => name,
        Some(_) => return Err(Refusal::bad("Field `bank` must be string")),
        None => return Err(Refusal::bad("Field `bank` is required")),
    };
    let is_named = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(is_named) {
        return Err(Refusal::bad("Field `bank` must match /^[A-Z0-9_]+$/"));
    }
    let empty = Map::new();
    let given = match body.get("api_json") {
        None => &empty,
        Some(Value::Object(given)) => given,
        Some(_) => return Err(Refusal::bad("Field `api_json` must be object")),
    };
    let api: ExchangeApi = match body.get("api") {
        None | Some(Value::Null) => return Err(Refusal::bad("Field `api_type` is required")),
        Some(Value::String(api)) => api
            .parse()
            .map_err(|_| Refusal::bad(format!("No such exchange type '{}'", short(api))))?,
        Some(_) => return Err(Refusal::bad("Field `api` must be string")),
    };
    let config = read_fields(given, config_fields(api), &["enabled", "name", "api"]);
    let config = config.map_err(|what| Refusal::bad(format!("Failed to parse `api_json` - {what}")))?;
    let is_enabled = match given.get("enabled") {
        None => true,
        Some(value) => as_flag(value)
            .ok_or_else(|| Refusal::bad("Failed to parse `api_json` - wrong value for field \"enabled\""))?,
    };
    let config = Value::Object(config);
    flow::create_exchange(&state.app, &caller.actor, name, api, config, is_enabled).await?;
    Ok((StatusCode::CREATED, Json(json!({ "message": "Created successfully" }))))
}

/// `GET /c/exchange/…`
pub(super) async fn get_exchange(
    State(state): State<WebState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(render(find(&state, &caller, &name).await?)))
}

/// `PUT /c/exchange/…`: it is fetched from, or not.
pub(super) async fn update_exchange(
    State(state): State<WebState>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    find(&state, &caller, &name).await?;
    let Value::Object(body) = read_json(&state, request).await? else {
        return Err(Refusal::bad("this endpoint expects a json object payload"));
    };
    if let Some(value) = body.get("enabled") {
        let is_enabled = as_flag(value).ok_or_else(|| Refusal::bad("Field `enabled` must be a boolean"))?;
        let changed = flow::set_exchange_enabled(&state.app, &caller.actor, &name, is_enabled).await;
        changed.map_err(|error| match error {
            HmaError::NotFound => no_exchange(&name),
            other => other.into(),
        })?;
    }
    Ok(Json(render(find(&state, &caller, &name).await?)))
}

/// `DELETE /c/exchange/…`: done, also where there was nothing to do.
pub(super) async fn delete_exchange(
    State(state): State<WebState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    flow::delete_exchange(&state.app, &caller.actor, &name).await?;
    Ok(Json(json!({ "message": "Exchange deleted" })))
}

/// `GET /c/exchange/…/status`
pub(super) async fn get_exchange_status(
    State(state): State<WebState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let exchange = find(&state, &caller, &name).await?;
    let succeeded = exchange.fetched.map(|fetched| fetched.has_succeeded);
    Ok(Json(json!({
        "checkpoint_ts": null,
        "fetched_items": exchange.n_fetched,
        "last_fetch_complete_ts": exchange.fetched.map(|fetched| fetched.at.unix_seconds()),
        "last_fetch_succeeded": succeeded,
        "running_fetch_start_ts": null,
        "up_to_date": succeeded == Some(true),
    })))
}

async fn find(state: &WebState, caller: &Caller, name: &str) -> Result<Exchange, Refusal> {
    let found = views::hma_exchange(&state.app, &caller.actor, name).await?;
    found.ok_or_else(|| no_exchange(name))
}

fn no_exchange(name: &str) -> Refusal {
    Refusal::not_found(format!("Exchange '{}' not found", short(name)))
}

fn named_api(name: &str) -> Result<ExchangeApi, Refusal> {
    name.parse()
        .map_err(|_| Refusal::bad(format!("no such Exchange API '{}'", short(name))))
}

fn render(exchange: Exchange) -> Value {
    let mut shown = match exchange.config {
        Value::Object(config) => config,
        _ => Map::new(),
    };
    shown.insert("name".to_owned(), exchange.name.into());
    shown.insert("api".to_owned(), exchange.api.as_str().into());
    shown.insert("enabled".to_owned(), exchange.is_enabled.into());
    Value::Object(shown)
}

/// As much of a client's text as a message should carry.
fn short(text: &str) -> String {
    text.chars().take(100).collect()
}
