//! Actions: what was ordered from the platform, and how far it got.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use moderation::flows::actions as flow;
use moderation::model::{Action, ActionId, ActionState};
use moderation::views;
use serde::Serialize;
use utoipa::ToSchema;

use super::pages::Rows;
use super::words::{ActionKind, Answer, Restricted};
use crate::extract::{Caller, PathId, QueryParams};
use crate::problem::ApiError;
use crate::state::WebState;

/// What was ordered from the platform.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Action)]
pub(crate) struct ActionJson {
    /// Its id; also the idempotency key that the platform sees.
    #[schema(example = "act_01kagy2s3q4v5w6x7y8z9a0b1c")]
    pub id: String,
    /// The item.
    pub item: String,
    /// What is ordered.
    pub kind: ActionKind,
    /// Of what.
    pub what: Restricted,
    /// Until when, if it has an end: the platform is told then, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub until: Option<String>,
    /// The decision that ordered it.
    pub decision: String,
    /// How far it got.
    pub state: StateWord,
    /// How often it was tried since it was ordered or retried.
    pub attempts: u32,
    /// When it was ordered.
    #[schema(format = DateTime)]
    pub ordered_at: String,
    /// Of a `retrying` action: when it is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub next_at: Option<String>,
    /// Of a `retrying` or `dead` action: what went wrong the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<String>,
    /// Of a `confirmed` or `refused` action: what the platform answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub answer: Option<Answer>,
    /// Of a `confirmed` or `refused` action: when the platform answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub answered_at: Option<String>,
    /// Of a `refused` action: why, in the platform's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
}

/// `waiting`: not tried yet. `retrying`: tried, and will be again. `dead`: given up, until someone retries it.
/// `confirmed`: done, by the platform's word. `refused`: the platform will not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ActionState)]
pub(crate) enum StateWord {
    Waiting,
    Retrying,
    Dead,
    Confirmed,
    Refused,
}

impl StateWord {
    const fn as_str(self) -> &'static str {
        match self {
            StateWord::Waiting => "waiting",
            StateWord::Retrying => "retrying",
            StateWord::Dead => "dead",
            StateWord::Confirmed => "confirmed",
            StateWord::Refused => "refused",
        }
    }
}

impl std::str::FromStr for StateWord {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let all = [
            StateWord::Waiting,
            StateWord::Retrying,
            StateWord::Dead,
            StateWord::Confirmed,
            StateWord::Refused,
        ];
        all.into_iter()
            .find(|state| state.as_str() == text)
            .ok_or("it is no state of an action")
    }
}

impl From<Action> for ActionJson {
    fn from(action: Action) -> Self {
        let mut json = Self {
            id: action.id.to_string(),
            item: action.item.to_string(),
            kind: action.kind.into(),
            what: action.what.into(),
            until: action.until.map(|until| until.to_string()),
            decision: action.decision.to_string(),
            state: StateWord::Waiting,
            attempts: action.attempts,
            ordered_at: action.ordered_at.to_string(),
            next_at: None,
            error: None,
            answer: None,
            answered_at: None,
            detail: None,
        };
        match action.state {
            ActionState::Waiting => {}
            ActionState::Retrying { error, next_at } => {
                json.state = StateWord::Retrying;
                json.error = Some(error);
                json.next_at = Some(next_at.to_string());
            }
            ActionState::Dead { error } => {
                json.state = StateWord::Dead;
                json.error = Some(error);
            }
            ActionState::Confirmed { answer, at } => {
                json.state = StateWord::Confirmed;
                json.answer = Some(answer.into());
                json.answered_at = Some(at.to_string());
            }
            ActionState::Refused { at, detail } => {
                json.state = StateWord::Refused;
                json.answer = Some(Answer::Refused);
                json.answered_at = Some(at.to_string());
                json.detail = Some(detail);
            }
        }
        json
    }
}

/// List actions
///
/// The newest first.
#[utoipa::path(
    get, path = "/api/v1/actions", tag = "Actions", operation_id = "list_actions",
    params(
        ("state" = Option<StateWord>, Query, description = "Only those in this state.", nullable = false),
        ("limit" = Option<u32>, Query, description = "Most rows of the page.", minimum = 1, maximum = 200, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.", nullable = false,
            pattern = "^act_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    responses((status = 200, description = "A page of actions.", body = Rows<ActionJson>)),
)]
pub(crate) async fn list_actions(
    State(state): State<WebState>,
    caller: Caller,
    mut query: QueryParams,
) -> Result<Json<Rows<ActionJson>>, ApiError> {
    let page = query.take_page()?;
    let only: Option<StateWord> = query.take("state")?;
    query.finish()?;
    let rows = views::list_actions(&state.app, &caller.actor, only.map(StateWord::as_str), &page).await?;
    Ok(Json(Rows::of(rows, ActionJson::from)))
}

/// Get an action
#[utoipa::path(
    get, path = "/api/v1/actions/{action}", tag = "Actions", operation_id = "get_action",
    params(("action" = String, Path, description = "The action's id.", pattern = "^act_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The action.", body = ActionJson)),
)]
pub(crate) async fn get_action(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<ActionId>,
) -> Result<Json<ActionJson>, ApiError> {
    let action = views::action(&state.app, &caller.actor, id).await?;
    Ok(Json(action.ok_or(ApiError::NotFound { thing: "action" })?.into()))
}

/// Have an action delivered again
///
/// Now, if it waits for its next attempt, was given up or was refused.
#[utoipa::path(
    post, path = "/api/v1/actions/{action}/retry", tag = "Actions", operation_id = "retry_action",
    params(("action" = String, Path, description = "The action's id.", pattern = "^act_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 204, description = "It will be tried at once."),
        (status = 409, description = "The platform confirmed it before: there is nothing to retry."),
    ),
)]
pub(crate) async fn retry_action(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<ActionId>,
) -> Result<StatusCode, ApiError> {
    flow::retry_action(&state.app, &caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_the_words_of_the_house() {
        let at = moderation::model::Timestamp::from_unix_ms(0);
        let answer = moderation::model::Answer::Done;
        for (state, word) in [
            (ActionState::Waiting, StateWord::Waiting),
            (
                ActionState::Retrying {
                    error: String::new(),
                    next_at: at,
                },
                StateWord::Retrying,
            ),
            (ActionState::Dead { error: String::new() }, StateWord::Dead),
            (ActionState::Confirmed { answer, at }, StateWord::Confirmed),
            (
                ActionState::Refused {
                    at,
                    detail: String::new(),
                },
                StateWord::Refused,
            ),
        ] {
            assert_eq!(state.as_str(), word.as_str());
            assert_eq!(serde_json::to_value(word).unwrap(), word.as_str());
            assert_eq!(word.as_str().parse(), Ok(word));
        }
    }
}
