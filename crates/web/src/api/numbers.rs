//! How the desk keeps up, in figures, for the platform's own charts. No items and no names.

use axum::Json;
use axum::extract::State;
use moderation::quality::figures::Share;
use moderation::quality::numbers::QueueNumbers;
use moderation::views;
use serde::Serialize;
use utoipa::ToSchema;

use super::words::Queue;
use crate::extract::{Caller, QueryParams};
use crate::problem::ApiError;
use crate::state::WebState;

/// How the desk keeps up over the last 28 days.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Numbers)]
pub(crate) struct NumbersJson {
    /// Since when cases are looked at.
    #[schema(format = DateTime)]
    pub since: String,
    /// All queues together.
    pub all: QueueNumbersJson,
    /// Each queue that has cases.
    pub queues: Vec<NamedQueueNumbersJson>,
    /// Each day, the oldest first; the last is today.
    pub days: Vec<DayJson>,
    /// Cases that arrive in each of the 168 hours of the week on average; the first begins on Monday at 00:00 UTC.
    pub week_hours: Vec<f64>,
    /// Of what people decided, what a person decided otherwise later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub people_reversed: Option<ShareJson>,
    /// Of what rules restricted or let go and a person looked at, what they decided otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rules_reversed: Option<ShareJson>,
}

/// How one queue keeps up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueueNumbers)]
pub(crate) struct QueueNumbersJson {
    /// Cases opened since.
    pub arrived: usize,
    /// Cases decided since.
    pub decided: usize,
    /// Cases open now.
    pub open: usize,
    /// When the oldest of these was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub oldest_at: Option<String>,
    /// Within so many milliseconds half of what was opened since is decided; open cases count as longer than until now (Kaplan–Meier). Left out where that cannot be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub median_ms: Option<i64>,
    /// The same for nine of ten.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub p90_ms: Option<i64>,
}

/// How one queue keeps up, and which.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NamedQueueNumbers)]
pub(crate) struct NamedQueueNumbersJson {
    /// Which.
    pub queue: Queue,
    #[serde(flatten)]
    pub numbers: QueueNumbersJson,
}

/// A day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DayNumbers)]
pub(crate) struct DayJson {
    /// When it begins.
    #[schema(format = DateTime)]
    pub begins: String,
    /// Cases opened on it.
    pub arrived: usize,
    /// Cases decided on it.
    pub decided: usize,
    /// Cases open at its end; today, now.
    pub open: usize,
}

/// So many of so many, and where the share may well lie (Wilson, 95 %).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Share)]
pub(crate) struct ShareJson {
    /// How many.
    pub hits: u64,
    /// Of how many.
    pub n: u64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl From<Share> for ShareJson {
    fn from(share: Share) -> Self {
        Self {
            hits: share.hits,
            n: share.n,
            low: share.interval.low,
            high: share.interval.high,
        }
    }
}

impl From<QueueNumbers> for QueueNumbersJson {
    fn from(numbers: QueueNumbers) -> Self {
        Self {
            arrived: numbers.n_arrived,
            decided: numbers.n_decided,
            open: numbers.n_open,
            oldest_at: numbers.oldest_at.map(|at| at.to_string()),
            median_ms: numbers.median_ms,
            p90_ms: numbers.p90_ms,
        }
    }
}

/// Get how the desk keeps up
///
/// What arrived, what was decided, what waits, how long decisions take, over the last 28 days. It needs the scope `events:read`.
#[utoipa::path(
    get, path = "/api/v1/numbers", tag = "Cases", operation_id = "get_numbers",
    responses((status = 200, description = "The figures.", body = NumbersJson)),
)]
pub(crate) async fn get_numbers(
    State(state): State<WebState>,
    caller: Caller,
    query: QueryParams,
) -> Result<Json<NumbersJson>, ApiError> {
    query.finish()?;
    let view = views::numbers(&state.app, &caller.actor).await?;
    let numbers = view.numbers;
    let queues = numbers
        .queues
        .into_iter()
        .map(|(queue, numbers)| NamedQueueNumbersJson {
            queue: queue.into(),
            numbers: numbers.into(),
        });
    let days = numbers.days.into_iter().map(|day| DayJson {
        begins: day.begins.to_string(),
        arrived: day.n_arrived,
        decided: day.n_decided,
        open: day.n_open,
    });
    Ok(Json(NumbersJson {
        since: numbers.since.to_string(),
        all: numbers.all.into(),
        queues: queues.collect(),
        days: days.collect(),
        week_hours: numbers.hours.to_vec(),
        people_reversed: view.people_reversed.map(ShareJson::from),
        rules_reversed: view.rules_reversed.map(ShareJson::from),
    }))
}
