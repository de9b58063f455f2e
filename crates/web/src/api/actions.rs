//! Actions: what was ordered from the platform, and how far it got.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use moderation::flows::actions as flow;
use moderation::model::{self, Action, ActionId, ActionState};
use moderation::views;
use serde::Serialize;
use utoipa::ToSchema;

use super::pages::Rows;
use super::words::{ActionKind, Answer, Found, Restricted};
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
    /// Of `countries`: which ones, by their ISO 3166-1 codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub countries: Option<Vec<String>>,
    /// Of `label`: which label.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<String>,
    /// Of `service`: which service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub service: Option<String>,
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
    /// Of a `waiting` action: it does not leave before this, since its decision can be undone until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub held_until: Option<String>,
    /// How often it was given, from 1: once more, under a key of its own, where a re-check found that it was not carried out.
    pub run: u32,
    /// Of a `doubtful` action: what a re-check found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub found: Option<Found>,
    /// Of a `doubtful` action: when that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub found_at: Option<String>,
    /// Of a `confirmed`, `doubtful` or `refused` action: what the platform answered.
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
/// `confirmed`: done, by the platform's word. `refused`: the platform will not. `withdrawn`: its decision was undone before it
/// left. `doubtful`: the platform confirmed it, and re-checks found that it is not so, or could not find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ActionState)]
pub(crate) enum StateWord {
    Waiting,
    Retrying,
    Dead,
    Confirmed,
    Refused,
    Withdrawn,
    Doubtful,
}

impl StateWord {
    const fn as_str(self) -> &'static str {
        match self {
            StateWord::Waiting => "waiting",
            StateWord::Retrying => "retrying",
            StateWord::Dead => "dead",
            StateWord::Confirmed => "confirmed",
            StateWord::Refused => "refused",
            StateWord::Withdrawn => "withdrawn",
            StateWord::Doubtful => "doubtful",
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
            StateWord::Withdrawn,
            StateWord::Doubtful,
        ];
        all.into_iter()
            .find(|state| state.as_str() == text)
            .ok_or("it is no state of an action")
    }
}

impl From<Action> for ActionJson {
    fn from(action: Action) -> Self {
        let scope = Some(action.scope.clone());
        let mut json = Self {
            countries: (action.what == model::Restricted::Countries)
                .then(|| action.scope.split(' ').map(str::to_owned).collect()),
            label: scope.clone().filter(|_| action.what == model::Restricted::Label),
            service: scope.filter(|_| action.what == model::Restricted::Service),
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
            held_until: None,
            run: action.run,
            found: None,
            found_at: None,
            error: None,
            answer: None,
            answered_at: None,
            detail: None,
        };
        match action.state {
            ActionState::Waiting => json.held_until = action.held_until.map(|until| until.to_string()),
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
            ActionState::Withdrawn { .. } => json.state = StateWord::Withdrawn,
            ActionState::Doubtful { answer, found, at } => {
                json.state = StateWord::Doubtful;
                json.answer = Some(answer.into());
                json.found = Some(found.into());
                json.found_at = Some(at.to_string());
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
/// Now, if it waits for its next attempt, was given up, was refused or is in doubt. One in doubt is given under a key of its own.
#[utoipa::path(
    post, path = "/api/v1/actions/{action}/retry", tag = "Actions", operation_id = "retry_action",
    params(("action" = String, Path, description = "The action's id.", pattern = "^act_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 204, description = "It will be tried at once."),
        (status = 409, description = "The platform confirmed it before, or its decision was undone: there is nothing to retry."),
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
            (ActionState::Withdrawn { at }, StateWord::Withdrawn),
            (
                ActionState::Doubtful {
                    answer,
                    found: moderation::model::Found::Available,
                    at,
                },
                StateWord::Doubtful,
            ),
        ] {
            assert_eq!(state.as_str(), word.as_str());
            assert_eq!(serde_json::to_value(word).unwrap(), word.as_str());
            assert_eq!(word.as_str().parse(), Ok(word));
        }
    }
}
