//! Cases: work for people. A program can see them, never decide them.

use axum::Json;
use axum::extract::State;
use moderation::model::{Case, CaseId, CaseState, Queue as ModelQueue};
use moderation::views::{self, CaseFilter, Standing};
use serde::Serialize;
use utoipa::ToSchema;

use super::pages::Rows;
use super::verdict::MediaJson;
use super::words::{Lane, LearnedFrom, Queue};
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
    /// In which lane it waits, or waited.
    pub lane: Lane,
    /// By when it should be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub due_at: Option<String>,
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
    /// Why it stands where it stands; left out once it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub standing: Option<StandingJson>,
}

/// Why a case stands where it stands. Lanes come one after the other; within one, the earlier turn comes first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Standing)]
pub(crate) struct StandingJson {
    /// How many cases that nobody holds are handed out before it; 1000 for that many or more.
    #[schema(example = 3)]
    pub ahead: i64,
    /// When it was opened less its head start; in the lane `deadline`, when it is due.
    #[schema(format = DateTime)]
    pub turn: String,
    /// What its turn was computed from; left out for a case of before there were lanes, until it is placed anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub factors: Option<FactorsJson>,
    /// When that was computed.
    #[schema(format = DateTime)]
    pub placed_at: String,
}

/// `index = chance × severity × views_ahead ÷ minutes of handling`; each doubling of it is a head start of so much waiting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StandingFactors)]
pub(crate) struct FactorsJson {
    /// How likely a person finds that it breaks a policy, 0 to 1.
    pub chance: f64,
    /// Where that was learned.
    pub learned_from: LearnedFrom,
    /// Cases that people confirmed there, within 90 days.
    pub confirmed: i64,
    /// Cases that they did not.
    pub reversed: i64,
    /// How much it matters.
    pub severity: f64,
    /// Views expected within a day.
    pub views_ahead: f64,
    /// Whether that comes from views that the platform reported; if not, it is a default.
    pub views_known: bool,
    /// How long a person is expected to take, in milliseconds.
    pub handling_ms: u64,
    /// How many closed cases say so; 0 if it is a default.
    pub handled: i64,
    /// Their product.
    pub index: f64,
    /// By how much waiting that puts it forward, in milliseconds.
    pub head_start_ms: u64,
}

impl From<Standing> for StandingJson {
    fn from(standing: Standing) -> Self {
        let ms = |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let place = standing.place;
        Self {
            ahead: standing.n_ahead,
            turn: place.turn.to_string(),
            factors: place.factors.map(|of| FactorsJson {
                chance: of.chance,
                learned_from: of.learned_from.into(),
                confirmed: of.n_confirmed,
                reversed: of.n_reversed,
                severity: of.severity,
                views_ahead: of.views_ahead,
                views_known: of.views_known,
                handling_ms: ms(of.handling),
                handled: of.n_handled,
                index: of.index,
                head_start_ms: ms(of.head_start),
            }),
            placed_at: place.placed_at.to_string(),
        }
    }
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
            lane: case.place.lane.into(),
            due_at: case.place.due_at.map(|at| at.to_string()),
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
        standing: view.standing.map(StandingJson::from),
    }))
}
