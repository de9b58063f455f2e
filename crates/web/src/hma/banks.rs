//! `/c/banks` and `/c/bank/…`: banks, by name.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use moderation::flows::hma::{self as flow, BankUpdate, HmaError};
use moderation::hma::HmaBank;
use moderation::views;
use serde_json::{Value, json};

use super::answers::{Refusal, no_bank};
use super::body::read_fields;
use crate::extract::Caller;
use crate::state::WebState;

/// A bank as HMA writes it.
pub(super) fn render(bank: &HmaBank) -> Value {
    json!({ "name": bank.name, "matching_enabled_ratio": bank.ratio })
}

/// `GET /c/banks`
pub(super) async fn list_banks(State(state): State<WebState>, caller: Caller) -> Result<Json<Value>, Refusal> {
    let banks = views::hma_banks(&state.app, &caller.actor).await?;
    Ok(Json(banks.iter().map(render).collect()))
}

/// `GET /c/bank/…`
pub(super) async fn get_bank(
    State(state): State<WebState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let bank = views::hma_bank(&state.app, &caller.actor, &name).await?;
    Ok(Json(render(&bank.ok_or_else(|| no_bank(&name))?)))
}

/// `POST /c/banks`
pub(super) async fn create_bank(
    State(state): State<WebState>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let mut fields = read_fields(&state, request, "BankCreateRequest").await?;
    let (name, ratio, is_enabled) = (
        fields.required_text("name"),
        fields.number("enabled_ratio"),
        fields.flag("enabled"),
    );
    fields.finish()?;
    let ratio = ratio.or(is_enabled.map(ratio_of)).unwrap_or(1.0);
    let bank = flow::create_bank(&state.app, &caller.actor, &name, ratio).await?;
    Ok((StatusCode::CREATED, Json(render(&bank))))
}

/// `PUT /c/bank/…`
pub(super) async fn update_bank(
    State(state): State<WebState>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let mut fields = read_fields(&state, request, "BankUpdateRequest").await?;
    let (new_name, ratio, is_enabled) = (
        fields.text("name"),
        fields.number("enabled_ratio"),
        fields.flag("enabled"),
    );
    fields.finish()?;
    let update = BankUpdate {
        name: new_name,
        ratio: ratio.or(is_enabled.map(ratio_of)),
    };
    let bank = flow::update_bank(&state.app, &caller.actor, &name, update).await;
    let bank = bank.map_err(|error| match error {
        HmaError::NotFound => Refusal::not_found("Bank not found"),
        HmaError::NameTaken => Refusal::forbidden("Bank name already exists"),
        other => other.into(),
    })?;
    Ok(Json(render(&bank)))
}

/// `DELETE /c/bank/…`: done, also where there was nothing to do.
pub(super) async fn delete_bank(
    State(state): State<WebState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    flow::delete_bank(&state.app, &caller.actor, &name).await?;
    Ok(Json(json!({ "message": "Done" })))
}

fn ratio_of(is_enabled: bool) -> f64 {
    f64::from(u8::from(is_enabled))
}
