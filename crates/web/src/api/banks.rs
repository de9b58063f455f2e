//! Banks: named sets of known content.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use moderation::flows::banks as flow;
use moderation::model::{Bank, BankChange, BankId, Entry, NewBank};
use moderation::store::Created;
use moderation::views::{self, BankRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::media::present;
use super::pages::Rows;
use super::words::{Crops, bounded, bounded_option};
use crate::extract::{Caller, IdempotencyHeader, JsonBody, PathId, QueryParams};
use crate::problem::ApiError;
use crate::state::WebState;

/// A bank.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bank)]
pub(crate) struct BankJson {
    /// Its id.
    #[schema(example = "bank_01kagy2s3q4v5w6x7y8z9a0b1c")]
    pub id: String,
    /// Its name, unique among banks.
    pub name: String,
    /// What belongs in it, for people.
    pub description: String,
    /// Whether people have confirmed what is in it, so that a match restricts before anyone looks.
    pub confirmed: bool,
    /// Whether it is matched against.
    pub enabled: bool,
    /// By which parts of their pictures its entries are found, beside the whole.
    pub crops: Crops,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Entries that are not removed.
    pub n_entries: i64,
}

/// A bank to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBank, example = json!({"name": "demo", "description": "Known pictures", "confirmed": false}))]
pub(crate) struct NewBankJson {
    /// Its name, unique among banks. Spaces at its ends are left out.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    /// What belongs in it, for people.
    #[serde(default)]
    #[schema(required = false, max_length = 500, pattern = r"^[^\x00]*$")]
    description: String,
    /// Whether people have confirmed what will be in it, so that a match restricts before anyone looks.
    #[serde(default)]
    #[schema(required = false)]
    confirmed: bool,
}

/// What is to change in a bank. What is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BankChange, example = json!({"confirmed": true}))]
pub(crate) struct BankChangeJson {
    /// What belongs in it, for people.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 500, pattern = r"^[^\x00]*$")]
    description: Option<String>,
    /// Whether people have confirmed what is in it, so that a match restricts before anyone looks.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    confirmed: Option<bool>,
    /// Whether it is matched against.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// By which parts of their pictures its entries are found, beside the whole. It holds for entries that came with their pictures.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    crops: Option<Crops>,
}

/// What was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Created)]
pub(crate) struct CreatedJson {
    /// Its id.
    pub id: String,
}

/// What was made, and where it is: 201 if it was made now, 200 if an earlier request with the same key made it.
pub(crate) type CreatedResponse = (StatusCode, [(HeaderName, String); 1], Json<CreatedJson>);

pub(crate) fn created_response<T: ToString>(created: Created<T>, folder: &str) -> CreatedResponse {
    let status = match created {
        Created::New(_) => StatusCode::CREATED,
        Created::Replayed(_) => StatusCode::OK,
    };
    let id = created.into_inner().to_string();
    (
        status,
        [(header::LOCATION, format!("/api/v1/{folder}/{id}"))],
        Json(CreatedJson { id }),
    )
}

impl From<BankRow> for BankJson {
    fn from(row: BankRow) -> Self {
        let Bank {
            id,
            name,
            description,
            confirmed,
            enabled,
            crops,
            created_at,
        } = row.bank;
        Self {
            id: id.to_string(),
            name,
            description,
            confirmed,
            enabled,
            crops: crops.into(),
            created_at: created_at.to_string(),
            n_entries: row.n_entries,
        }
    }
}

/// List banks
///
/// The oldest first.
#[utoipa::path(
    get, path = "/api/v1/banks", tag = "Banks", operation_id = "list_banks",
    params(
        ("limit" = Option<u32>, Query, description = "Most rows of the page.", minimum = 1, maximum = 200, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.", nullable = false,
            pattern = "^bank_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    responses((status = 200, description = "A page of banks.", body = Rows<BankJson>)),
)]
pub(crate) async fn list_banks(
    State(state): State<WebState>,
    caller: Caller,
    mut query: QueryParams,
) -> Result<Json<Rows<BankJson>>, ApiError> {
    let page = query.take_page()?;
    query.finish()?;
    let rows = views::list_banks(&state.app, &caller.actor, &page).await?;
    Ok(Json(Rows::of(rows, BankJson::from)))
}

/// Get a bank
#[utoipa::path(
    get, path = "/api/v1/banks/{bank}", tag = "Banks", operation_id = "get_bank",
    params(("bank" = String, Path, description = "The bank's id.", pattern = "^bank_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The bank.", body = BankJson)),
)]
pub(crate) async fn get_bank(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<BankId>,
) -> Result<Json<BankJson>, ApiError> {
    let bank = views::bank(&state.app, &caller.actor, id).await?;
    Ok(Json(bank.ok_or(ApiError::NotFound { thing: "bank" })?.into()))
}

/// Make a bank
#[utoipa::path(
    post, path = "/api/v1/banks", tag = "Banks", operation_id = "create_bank",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same for each retry of this request; see the guide.",
        min_length = 1, max_length = 255, pattern = "^[!-~]+$", nullable = false)),
    request_body = NewBankJson,
    responses(
        (status = 201, description = "The bank was made.", body = CreatedJson, headers(("Location" = String, description = "Where it is."))),
        (status = 200, description = "An earlier request with the same key made it.", body = CreatedJson,
            headers(("Location" = String, description = "Where it is."))),
        (status = 409, description = "Another bank has this name."),
    ),
)]
pub(crate) async fn create_bank(
    State(state): State<WebState>,
    caller: Caller,
    key: IdempotencyHeader,
    JsonBody { value, fingerprint }: JsonBody<NewBankJson>,
) -> Result<CreatedResponse, ApiError> {
    let new = NewBank {
        name: bounded("name", value.name, 1, Bank::NAME_LENGTH_MAX)?,
        description: bounded("description", value.description, 0, Entry::TEXT_LENGTH_MAX)?,
        confirmed: value.confirmed,
    };
    let key = key.key(&caller.actor, fingerprint);
    let created = flow::create_bank(&state.app, &caller.actor, new, key.as_ref()).await?;
    Ok(created_response(created, "banks"))
}

/// Change a bank
#[utoipa::path(
    patch, path = "/api/v1/banks/{bank}", tag = "Banks", operation_id = "change_bank",
    params(("bank" = String, Path, description = "The bank's id.", pattern = "^bank_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = BankChangeJson,
    responses((status = 204, description = "It is as you said.")),
)]
pub(crate) async fn change_bank(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<BankId>,
    JsonBody { value, .. }: JsonBody<BankChangeJson>,
) -> Result<StatusCode, ApiError> {
    let change = BankChange {
        description: bounded_option("description", value.description, Entry::TEXT_LENGTH_MAX)?,
        confirmed: value.confirmed,
        enabled: value.enabled,
        crops: value.crops.map(Into::into),
    };
    flow::change_bank(&state.app, &caller.actor, id, change)
        .await
        .map_err(|error| ApiError::of_bank(error, "bank"))?;
    Ok(StatusCode::NO_CONTENT)
}
