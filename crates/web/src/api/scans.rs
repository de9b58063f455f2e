//! Files that are being decoded just now, and how far each is.

use axum::Json;
use axum::extract::State;
use moderation::flows::scans::{RunningScan, running_scans};
use moderation::model::ItemId;
use serde::Serialize;
use utoipa::ToSchema;

use super::pages::Rows;
use crate::extract::{Caller, QueryParams};
use crate::problem::ApiError;
use crate::state::WebState;

/// A file that is being decoded, or waits for its turn.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunningScan)]
pub(crate) struct RunningScanJson {
    /// The platform's own name for the item that it was sent with.
    pub item: String,
    /// The file's name there.
    pub file: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it came.
    #[schema(format = DateTime)]
    pub since: String,
    /// Of a video or a sound, how far it was looked at, in milliseconds of its own time. Absent before it is its turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub at_ms: Option<u32>,
    /// How long the file says it is. It may lie. Absent where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub duration_ms: Option<u32>,
}

impl From<RunningScan> for RunningScanJson {
    fn from(scan: RunningScan) -> Self {
        Self {
            item: scan.item.to_string(),
            file: scan.file,
            size: scan.size_bytes,
            since: scan.since.to_string(),
            at_ms: scan.progress.map(|progress| progress.at_ms),
            duration_ms: scan.progress.and_then(|progress| progress.duration_ms),
        }
    }
}

/// List scans under way
///
/// A submission is answered once its files were looked at, which takes a while for a long video. Meanwhile this says how far each file is, of those that came to the server that
/// answers; those that came first before the others, 200 at most. A client that goes away ends its scans: sent again, they begin anew.
#[utoipa::path(
    get, path = "/api/v1/scans", tag = "Items", operation_id = "list_scans",
    params(("item" = Option<String>, Query, description = "Only files of this item.", nullable = false)),
    responses((status = 200, description = "Files that are being decoded, or wait for their turn.", body = Rows<RunningScanJson>)),
)]
pub(crate) async fn list_scans(
    State(state): State<WebState>,
    caller: Caller,
    mut query: QueryParams,
) -> Result<Json<Rows<RunningScanJson>>, ApiError> {
    let item: Option<ItemId> = query.take("item")?;
    query.finish()?;
    let running = running_scans(&state.app, &caller.actor, item.as_ref()).map_err(ApiError::Denied)?;
    let rows = running.into_iter().map(RunningScanJson::from).collect();
    Ok(Json(Rows { rows, next: None }))
}
