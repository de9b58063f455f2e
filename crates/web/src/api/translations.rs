//! The text of an item in other languages: what the platform's translator made of it, for the eyes of who decides.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use moderation::flows::translate::{self as flow, NewTranslation};
use moderation::model::{ItemId, Translation};
use moderation::views;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::media::present;
use crate::extract::{Caller, JsonBody, PathId, QueryParams};
use crate::problem::ApiError;
use crate::state::WebState;

/// The text of an item in another language.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTranslation, example = json!({"revision": 1, "language": "en", "text": "Look at this", "translator": "our translator, version 7"}))]
pub(crate) struct TranslationInput {
    /// Which revision of the item was translated: the first is 1.
    #[schema(minimum = 1)]
    revision: i64,
    /// The language that it is translated into, as a tag of BCP 47.
    #[schema(min_length = 2, max_length = 35)]
    language: String,
    /// The text in it.
    #[schema(min_length = 1, max_length = 200_000)]
    text: String,
    /// Who or what translated: shown beside it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    translator: Option<String>,
}

/// The text of an item in another language.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Translation)]
pub(crate) struct TranslationJson {
    /// The language that it is translated into.
    #[schema(example = "en")]
    pub language: String,
    /// The text in it.
    pub text: String,
    /// Who or what translated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub translator: Option<String>,
    /// When it came.
    #[schema(format = DateTime)]
    pub at: String,
}

impl From<Translation> for TranslationJson {
    fn from(translation: Translation) -> Self {
        Self {
            language: translation.language,
            text: translation.text,
            translator: translation.translator,
            at: translation.at.to_string(),
        }
    }
}

/// Translations of an item's text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Translations)]
pub(crate) struct TranslationsJson {
    /// The revision that they are of: the latest.
    pub revision: i64,
    /// One for each language, by its tag.
    pub translations: Vec<TranslationJson>,
}

/// List the translations of an item's text
///
/// Of its latest revision: what was said of earlier ones is gone with them.
#[utoipa::path(
    get, path = "/api/v1/items/{item}/translations", tag = "Items", operation_id = "list_translations",
    params(("item" = String, Path, description = "The platform's own name for it.", min_length = 1, max_length = 256)),
    responses((status = 200, description = "Its translations.", body = TranslationsJson)),
)]
pub(crate) async fn list_translations(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<ItemId>,
) -> Result<Json<TranslationsJson>, ApiError> {
    let view = views::item(&state.app, &caller.actor, &id).await?;
    let view = view.ok_or(ApiError::NotFound { thing: "item" })?;
    Ok(Json(TranslationsJson {
        revision: view.item.revision,
        translations: view.translations.into_iter().map(TranslationJson::from).collect(),
    }))
}

/// Give an item's text in another language
///
/// It is shown beside the text to the people who decide; one into the same language is replaced. No rule reads it, and nothing is decided by it.
#[utoipa::path(
    put, path = "/api/v1/items/{item}/translations", tag = "Items", operation_id = "put_translation",
    params(("item" = String, Path, description = "The platform's own name for it.", min_length = 1, max_length = 256)),
    request_body = TranslationInput,
    responses((status = 204, description = "It is kept."), (status = 409, description = "The item has another revision.")),
)]
pub(crate) async fn put_translation(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<ItemId>,
    JsonBody { value, .. }: JsonBody<TranslationInput>,
) -> Result<StatusCode, ApiError> {
    let new = NewTranslation {
        revision: value.revision,
        language: value.language,
        text: value.text,
        translator: value.translator,
    };
    flow::put_translation(&state.app, &caller.actor, &id, new).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a translation away
#[utoipa::path(
    delete, path = "/api/v1/items/{item}/translations", tag = "Items", operation_id = "remove_translation",
    params(
        ("item" = String, Path, description = "The platform's own name for it.", min_length = 1, max_length = 256),
        ("revision" = i64, Query, description = "Of which revision.", minimum = 1),
        ("language" = String, Query, description = "Into which language.", min_length = 2, max_length = 35),
    ),
    responses((status = 204, description = "It is gone."), (status = 409, description = "The item has another revision.")),
)]
pub(crate) async fn remove_translation(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<ItemId>,
    mut query: QueryParams,
) -> Result<StatusCode, ApiError> {
    let (revision, language) = (query.take("revision")?, query.take("language")?);
    query.finish()?;
    let revision: i64 = revision.ok_or(ApiError::invalid("revision", "is missing"))?;
    let language: String = language.ok_or(ApiError::invalid("language", "is missing"))?;
    flow::remove_translation(&state.app, &caller.actor, &id, revision, &language).await?;
    Ok(StatusCode::NO_CONTENT)
}
