//! Items that were submitted.

use axum::Json;
use axum::extract::State;
use moderation::model::{Item, ItemId};
use moderation::views::{self, ItemRow};
use serde::Serialize;
use utoipa::ToSchema;

use super::pages::Rows;
use super::verdict::VerdictJson;
use super::words::{Audience, ItemKind, Outcome};
use crate::extract::{Caller, PathId, QueryParams};
use crate::problem::ApiError;
use crate::state::WebState;

/// An item that was submitted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Item)]
pub(crate) struct ItemJson {
    /// The platform's own name for it.
    pub id: String,
    /// What kind of thing it is.
    pub kind: ItemKind,
    /// Who posted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub account: Option<String>,
    /// Where it was posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub channel: Option<String>,
    /// Who could see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub audience: Option<Audience>,
    /// Where it stands on the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub url: Option<String>,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text: Option<String>,
    /// How often its content was submitted anew, from 1.
    pub revision: i64,
    /// When it was first submitted.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// When this revision was submitted.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// A line of the list of items.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ItemRow)]
pub(crate) struct ItemRowJson {
    #[serde(flatten)]
    pub item: ItemJson,
    /// What was last decided on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub outcome: Option<Outcome>,
    /// The open case about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub open_case: Option<String>,
    /// How many files it has.
    pub n_media: i64,
    /// How many of them could not be examined.
    pub n_unscanned: i64,
}

/// An item, with the verdict in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ItemWithVerdict)]
pub(crate) struct ItemViewJson {
    #[serde(flatten)]
    pub item: ItemJson,
    /// The verdict in force.
    pub verdict: VerdictJson,
}

impl From<Item> for ItemJson {
    fn from(item: Item) -> Self {
        Self {
            id: item.id.to_string(),
            kind: item.kind.into(),
            account: item.account,
            channel: item.channel,
            audience: item.audience.map(Audience::from),
            url: item.url,
            text: item.text,
            revision: item.revision,
            received_at: item.received_at.to_string(),
            updated_at: item.updated_at.to_string(),
        }
    }
}

impl From<ItemRow> for ItemRowJson {
    fn from(row: ItemRow) -> Self {
        Self {
            item: row.item.into(),
            outcome: row.outcome.map(Outcome::from),
            open_case: row.open_case.map(|id| id.to_string()),
            n_media: row.n_media,
            n_unscanned: row.n_unscanned,
        }
    }
}

/// List items
///
/// The last submitted first.
#[utoipa::path(
    get, path = "/api/v1/items", tag = "Items", operation_id = "list_items",
    params(
        ("limit" = Option<u32>, Query, description = "Most rows of the page.", minimum = 1, maximum = 200, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.", nullable = false, max_length = 280,
            pattern = r"^[0-9]{1,15}:[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]{0,254}[^\s\x00-\x1f\x7f-\x9f])?$"),
    ),
    responses((status = 200, description = "A page of items.", body = Rows<ItemRowJson>)),
)]
pub(crate) async fn list_items(
    State(state): State<WebState>,
    caller: Caller,
    mut query: QueryParams,
) -> Result<Json<Rows<ItemRowJson>>, ApiError> {
    let page = query.take_page()?;
    query.finish()?;
    let rows = views::list_items(&state.app, &caller.actor, &page).await?;
    Ok(Json(Rows::of(rows, ItemRowJson::from)))
}

/// Get an item
///
/// With the verdict in force.
#[utoipa::path(
    get, path = "/api/v1/items/{item}", tag = "Items", operation_id = "get_item",
    params(("item" = String, Path, description = "The platform's own name for it.", min_length = 1, max_length = 256)),
    responses((status = 200, description = "The item.", body = ItemViewJson)),
)]
pub(crate) async fn get_item(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<ItemId>,
) -> Result<Json<ItemViewJson>, ApiError> {
    let not_found = || ApiError::NotFound { thing: "item" };
    let view = views::item(&state.app, &caller.actor, &id)
        .await?
        .ok_or_else(not_found)?;
    let verdict = views::verdict(&state.app, &caller.actor, &id)
        .await?
        .ok_or_else(not_found)?;
    Ok(Json(ItemViewJson {
        item: view.item.into(),
        verdict: verdict.into(),
    }))
}
