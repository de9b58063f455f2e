//! Cases: work for people. A program can see them, never decide them.

use axum::Json;
use axum::extract::State;
use moderation::model::{Case, CaseId, CaseState, Queue as ModelQueue};
use moderation::views::{self, CaseFilter};
use serde::Serialize;
use utoipa::ToSchema;

use super::pages::Rows;
use super::verdict::MediaJson;
use super::words::Queue;
use crate::extract::{Caller, PathId, QueryParams};
use crate::problem::ApiError;
use crate::state::WebState;

/// A case. Who works on it is not told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Case)]
pub(crate) struct CaseJson {
    /// Its id.
    #[schema(example = "case_01kagy2s3q4v5w6x7y8z9a0b1c")]
    pub id: String,
    /// The item that it is about.
    pub item: String,
    /// Where it waits, or waited.
    pub queue: Queue,
    /// Why it was opened.
    pub reason: String,
    /// Open or closed.
    pub state: OpenOrClosed,
    /// When it was opened.
    #[schema(format = DateTime)]
    pub opened_at: String,
    /// The decision that opened it.
    pub opened_by: String,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub closed_at: Option<String>,
    /// The decision that closed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed_by: Option<String>,
}

/// A case, with what the files of its item lie near to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CaseWithMatches)]
pub(crate) struct CaseViewJson {
    #[serde(flatten)]
    pub case: CaseJson,
    /// What was found in each file of the item's latest revision.
    pub media: Vec<MediaJson>,
}

/// `open`: waits for a person. `closed`: was decided.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CaseState)]
pub(crate) enum OpenOrClosed {
    Open,
    Closed,
}

impl std::str::FromStr for OpenOrClosed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "open" => Ok(OpenOrClosed::Open),
            "closed" => Ok(OpenOrClosed::Closed),
            _ => Err("it is `open` or `closed`"),
        }
    }
}

impl From<Case> for CaseJson {
    fn from(case: Case) -> Self {
        let (state, closed_at, closed_by) = match case.state {
            CaseState::Open { .. } => (OpenOrClosed::Open, None, None),
            CaseState::Closed { at, decision, .. } => (OpenOrClosed::Closed, Some(at), Some(decision)),
        };
        Self {
            id: case.id.to_string(),
            item: case.item.to_string(),
            queue: case.queue.into(),
            reason: case.reason,
            state,
            opened_at: case.opened_at.to_string(),
            opened_by: case.opened_by.to_string(),
            closed_at: closed_at.map(|at| at.to_string()),
            closed_by: closed_by.map(|id| id.to_string()),
        }
    }
}

/// List cases
///
/// The oldest first.
#[utoipa::path(
    get, path = "/api/v1/cases", tag = "Cases", operation_id = "list_cases",
    params(
        ("queue" = Option<Queue>, Query, description = "Only those of this queue.", nullable = false),
        ("state" = Option<OpenOrClosed>, Query, description = "Only open or only closed ones.", nullable = false),
        ("limit" = Option<u32>, Query, description = "Most rows of the page.", minimum = 1, maximum = 200, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.", nullable = false,
            pattern = "^case_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    responses((status = 200, description = "A page of cases.", body = Rows<CaseJson>)),
)]
pub(crate) async fn list_cases(
    State(state): State<WebState>,
    caller: Caller,
    mut query: QueryParams,
) -> Result<Json<Rows<CaseJson>>, ApiError> {
    let page = query.take_page()?;
    let queue: Option<ModelQueue> = query.take("queue")?;
    let open = query.take("state")?.map(|state| matches!(state, OpenOrClosed::Open));
    query.finish()?;
    let rows = views::list_cases(&state.app, &caller.actor, CaseFilter { queue, open }, &page).await?;
    Ok(Json(Rows::of(rows, |row| row.case.into())))
}

/// Get a case
///
/// With what the files of its item lie near to.
#[utoipa::path(
    get, path = "/api/v1/cases/{case}", tag = "Cases", operation_id = "get_case",
    params(("case" = String, Path, description = "The case's id.", pattern = "^case_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The case.", body = CaseViewJson)),
)]
pub(crate) async fn get_case(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<CaseId>,
) -> Result<Json<CaseViewJson>, ApiError> {
    let view = views::case(&state.app, &caller.actor, id).await?;
    let view = view.ok_or(ApiError::NotFound { thing: "case" })?;
    Ok(Json(CaseViewJson {
        case: view.case.into(),
        media: view.media.into_iter().map(MediaJson::from).collect(),
    }))
}
