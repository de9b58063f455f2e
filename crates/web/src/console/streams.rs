//! The live streams that the platform sends, the last opened first. Start with [`list_streams`].

use askama::Template;
use axum::extract::{Query, State};
use moderation::model::{Stream, StreamState, Timestamp};
use moderation::views;
use serde::Deserialize;

use super::page::{Answer, page_request, show};
use super::runs::time_words;
use super::shell::Shell;
use super::visit::Person;
use crate::WebState;

/// Rows of one page.
const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "streams.html")]
struct StreamsPage {
    shell: Shell,
    rows: Vec<StreamLine>,
    is_open: bool,
    base: &'static str,
    next: Option<String>,
    is_first: bool,
}

struct StreamLine {
    item: String,
    account: Option<String>,
    state: StreamState,
    reason: Option<String>,
    looked_at: String,
    opened_at: Timestamp,
}

/// Which page of the list.
#[derive(Debug, Deserialize)]
pub struct StreamsQuery {
    state: Option<String>,
    cursor: Option<String>,
}

/// `GET /streams`
pub async fn list_streams(State(state): State<WebState>, person: Person, Query(query): Query<StreamsQuery>) -> Answer {
    let is_open = query.state.as_deref() != Some("all");
    let request = page_request(query.cursor, ROWS);
    let in_state = is_open.then_some(StreamState::Open);
    let streams = views::list_streams(&state.app, &person.actor, in_state, &request).await?;
    show(&StreamsPage {
        rows: streams.rows.into_iter().map(StreamLine::of).collect(),
        is_open,
        base: if is_open { "/streams" } else { "/streams?state=all" },
        next: streams.next,
        is_first: request.cursor.is_none(),
        shell: person.shell,
    })
}

impl StreamLine {
    fn of(stream: Stream) -> Self {
        Self {
            item: stream.item.to_string(),
            account: stream.account,
            state: stream.state,
            reason: stream.reason,
            looked_at: time_words(stream.at_ms),
            opened_at: stream.opened_at,
        }
    }
}
