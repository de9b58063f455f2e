//! What was ordered from the platform, and how far each order got. Start with [`list_actions`].

use askama::Template;
use axum::extract::{Path, Query, State};
use moderation::flows::actions::{self as flow, ActionError};
use moderation::model::{Action, ActionId, ActionState, Answer as PlatformAnswer, Found, ItemId, Timestamp};
use moderation::views;
use serde::Deserialize;

use super::cases::ActionLine;
use super::flash::Flash;
use super::form::Posted;
use super::page::{Answer, go_saying, page_request, show};
use super::problem::ConsoleError;
use super::shell::Shell;
use super::visit::{Person, local_path};
use crate::WebState;

/// Rows of one page.
const ROWS: u32 = 50;

/// A tab of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    All,
    Waiting,
    Dead,
    Refused,
    Doubtful,
    Confirmed,
}

impl Tab {
    const ALL: [Tab; 6] = [
        Tab::All,
        Tab::Waiting,
        Tab::Dead,
        Tab::Refused,
        Tab::Doubtful,
        Tab::Confirmed,
    ];

    fn of_query(word: Option<&str>) -> Tab {
        Tab::ALL
            .into_iter()
            .find(|tab| word == Some(tab.word()))
            .unwrap_or(Tab::All)
    }

    const fn word(self) -> &'static str {
        match self {
            Tab::All => "all",
            Tab::Waiting => "waiting",
            Tab::Dead => "dead",
            Tab::Refused => "refused",
            Tab::Doubtful => "doubtful",
            Tab::Confirmed => "confirmed",
        }
    }

    /// Which states it shows, as the view words it.
    const fn filter(self) -> Option<&'static str> {
        match self {
            Tab::All => None,
            Tab::Waiting => Some("unfinished"),
            Tab::Dead | Tab::Refused | Tab::Doubtful | Tab::Confirmed => Some(self.word()),
        }
    }

    /// The keys of its title, and of what stands there when it is empty.
    const fn keys(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Tab::All => ("actions.all", "actions.none_all", "actions.none_all_more"),
            Tab::Waiting => ("actions.waiting", "actions.none_waiting", "actions.none_waiting_more"),
            Tab::Dead => ("actions.dead", "actions.none_dead", "actions.none_dead_more"),
            Tab::Refused => ("actions.refused", "actions.none_refused", "actions.none_refused_more"),
            Tab::Doubtful => ("doubts.tab", "doubts.none", "doubts.none_more"),
            Tab::Confirmed => (
                "actions.confirmed",
                "actions.none_confirmed",
                "actions.none_confirmed_more",
            ),
        }
    }

    fn query(self) -> String {
        if self == Tab::All {
            String::new()
        } else {
            format!("?state={}", self.word())
        }
    }
}

#[derive(Template)]
#[template(path = "actions.html")]
struct ActionsPage {
    shell: Shell,
    tabs: Vec<TabLink>,
    rows: Vec<ActionRow>,
    empty_key: &'static str,
    empty_more_key: &'static str,
    base: String,
    next: Option<String>,
    is_first: bool,
}

struct TabLink {
    key: &'static str,
    query: String,
    is_chosen: bool,
    count: Option<i64>,
}

struct ActionRow {
    id: ActionId,
    item: ItemId,
    kind: String,
    state: &'static str,
    answer: Option<PlatformAnswer>,
    found: Option<Found>,
    error: Option<String>,
    next_at: Option<Timestamp>,
    attempts: u32,
    may_retry: bool,
    at: Timestamp,
}

impl ActionRow {
    fn of(action: Action) -> Self {
        let line = ActionLine::of(&action);
        let (next_at, may_retry) = match action.state {
            ActionState::Retrying { next_at, .. } => (Some(next_at), true),
            ActionState::Dead { .. } | ActionState::Refused { .. } | ActionState::Doubtful { .. } => (None, true),
            ActionState::Waiting | ActionState::Confirmed { .. } | ActionState::Withdrawn { .. } => (None, false),
        };
        Self {
            id: action.id,
            item: action.item,
            kind: line.kind,
            state: line.state,
            answer: line.answer,
            found: line.found,
            error: line.error,
            next_at,
            attempts: action.attempts,
            may_retry,
            at: line.at,
        }
    }
}

/// Which actions are shown.
#[derive(Debug, Deserialize)]
pub struct ActionsQuery {
    state: Option<String>,
    cursor: Option<String>,
}

/// `GET /actions`
pub async fn list_actions(State(state): State<WebState>, person: Person, Query(query): Query<ActionsQuery>) -> Answer {
    let tab = Tab::of_query(query.state.as_deref());
    let request = page_request(query.cursor, ROWS);
    let counts = views::count_actions(&state.app, &person.actor).await?;
    let actions = views::list_actions(&state.app, &person.actor, tab.filter(), &request).await?;
    let (_, empty_key, empty_more_key) = tab.keys();
    show(&ActionsPage {
        shell: person.shell,
        tabs: Tab::ALL
            .into_iter()
            .map(|other| TabLink {
                key: other.keys().0,
                query: other.query(),
                is_chosen: other == tab,
                count: match other {
                    Tab::Waiting => Some(counts.n_waiting),
                    Tab::Dead => Some(counts.n_dead),
                    Tab::Doubtful => Some(counts.n_doubtful),
                    Tab::All | Tab::Refused | Tab::Confirmed => None,
                },
            })
            .collect(),
        rows: actions.rows.into_iter().map(ActionRow::of).collect(),
        empty_key,
        empty_more_key,
        base: format!("/actions{}", tab.query()),
        next: actions.next,
        is_first: request.cursor.is_none(),
    })
}

/// `POST /actions/{id}/retry`
pub async fn retry_action(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id: ActionId = id.parse().map_err(|_| ConsoleError::NotFound)?;
    let flash = match flow::retry_action(&state.app, &posted.person.actor, id).await {
        Ok(()) => Flash::new("flash.action_retried", ""),
        Err(ActionError::Confirmed) => Flash::new("problem.not_retryable", ""),
        Err(ActionError::Withdrawn) => Flash::new("problem.withdrawn", ""),
        Err(ActionError::Superseded) => Flash::new("problem.superseded", ""),
        Err(error) => return Err(error.into()),
    };
    let back = local_path(posted.fields.get("back"));
    Ok(go_saying(
        &state,
        if back.starts_with("/actions") { back } else { "/actions" },
        &flash,
    ))
}
