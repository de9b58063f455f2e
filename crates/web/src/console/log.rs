//! The event log, the newest lines first. Start with [`list_events`].

use askama::Template;
use axum::extract::{Query, State};
use moderation::model::Timestamp;
use moderation::views::{self, EventView};
use serde::Deserialize;

use super::page::{Answer, in_query, page_request, show};
use super::shell::Shell;
use super::visit::Person;
use crate::WebState;

/// Rows of one page.
const ROWS: u32 = 100;

/// Hexadecimal digits of a hash that are shown; the rest is in its title.
const HASH_DIGITS: usize = 8;

#[derive(Template)]
#[template(path = "log.html")]
struct LogPage {
    shell: Shell,
    rows: Vec<EventRow>,
    next: Option<String>,
    is_first: bool,
}

struct EventRow {
    seq: i64,
    at: Timestamp,
    actor: String,
    kind: String,
    subject: String,
    url: Option<String>,
    body: String,
    hash: String,
    short_hash: String,
}

impl EventRow {
    fn of(view: EventView) -> Self {
        let event = view.event;
        Self {
            seq: event.seq,
            at: event.at,
            actor: view.actor_name,
            url: url_of(&event.kind, &event.subject),
            kind: event.kind,
            subject: event.subject,
            body: if event.body == "{}" { String::new() } else { event.body },
            short_hash: event.hash.chars().take(HASH_DIGITS).collect(),
            hash: event.hash,
        }
    }
}

/// Where the page of an event's subject is, if it has one.
fn url_of(kind: &str, subject: &str) -> Option<String> {
    let (thing, _) = kind.split_once('.')?;
    match thing {
        "case" => Some(format!("/cases/{subject}")),
        "item" => Some(format!("/item?id={}", in_query(subject))),
        "bank" => Some(format!("/banks/{subject}")),
        "entry" => Some(format!("/entries/{subject}")),
        "user" => Some(format!("/settings/users/{subject}")),
        _ => None,
    }
}

/// Which page of the log.
#[derive(Debug, Deserialize)]
pub struct LogQuery {
    cursor: Option<String>,
}

/// `GET /log`
pub async fn list_events(State(state): State<WebState>, person: Person, Query(query): Query<LogQuery>) -> Answer {
    let request = page_request(query.cursor, ROWS);
    let events = views::list_newest_events(&state.app, &person.actor, &request).await?;
    show(&LogPage {
        shell: person.shell,
        rows: events.rows.into_iter().map(EventRow::of).collect(),
        next: events.next,
        is_first: request.cursor.is_none(),
    })
}
