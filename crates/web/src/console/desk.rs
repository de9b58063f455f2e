//! The desk: what waits, how long, and the way to the next case. Start with [`show_desk`].

use askama::Template;
use axum::extract::{Query, State};
use moderation::flows::turn::{self, Work};
use moderation::model::{CaseId, CaseState, EntryId, ItemId, ItemKind, PreviewKind, Queue, Right, Tier, Timestamp};
use moderation::views::{self, CaseFilter, CaseRow, IncidentView, Nearness, QueueCover};
use serde::Deserialize;

use super::entries::name_of;
use super::evidence;
use super::flash::Flash;
use super::form::Posted;
use super::page::{Answer, go_saying, go_to, in_query, page_request, show};
use super::shell::Shell;
use super::standing::Due;
use super::visit::Person;
use crate::WebState;

/// Rows of one page.
const ROWS: u32 = 50;
/// Incidents that the banner names.
const INCIDENTS_SHOWN_MAX: usize = 5;

#[derive(Template)]
#[template(path = "desk.html")]
struct DeskPage {
    shell: Shell,
    queue: Option<Queue>,
    is_open: bool,
    n_open: i64,
    oldest_at: Option<Timestamp>,
    n_dead: i64,
    n_doubtful: i64,
    n_overdue: i64,
    uncovered: Vec<QueueCover>,
    incidents: Vec<IncidentLine>,
    n_more_incidents: usize,
    queues: Vec<QueueCard>,
    rows: Vec<CaseLine>,
    open_query: String,
    closed_query: String,
    base: String,
    next: Option<String>,
    is_first: bool,
}

/// An active incident, and what the last search for its entry came to.
struct IncidentLine {
    entry: EntryId,
    name: String,
    until: Timestamp,
    hunted: Option<String>,
}

struct QueueCard {
    queue: Queue,
    n_open: i64,
    oldest_at: Option<Timestamp>,
    due: Option<Due>,
    is_chosen: bool,
}

struct CaseLine {
    id: CaseId,
    item: ItemId,
    kind: ItemKind,
    account: Option<String>,
    preview: Option<String>,
    near: Option<Near>,
    reason: String,
    queue: Queue,
    holder: Option<String>,
    at: Timestamp,
}

struct Near {
    nearness: Nearness,
    tier: Tier,
    bank: String,
}

/// Which cases are shown.
#[derive(Debug, Deserialize)]
pub struct DeskQuery {
    queue: Option<String>,
    state: Option<String>,
    cursor: Option<String>,
}

/// `GET /`
pub async fn show_root(_person: Person) -> Answer {
    Ok(go_to("/desk"))
}

/// `GET /desk`
pub async fn show_desk(State(state): State<WebState>, person: Person, Query(query): Query<DeskQuery>) -> Answer {
    // Whoever has no cases begins where there is something for them.
    if !person.actor.may(Right::ReadCases) {
        let elsewhere = if person.actor.may(Right::ReadWorkload) {
            "/workload"
        } else {
            "/account"
        };
        return Ok(go_to(elsewhere));
    }
    let queue: Option<Queue> = query.queue.as_deref().and_then(|word| word.parse().ok());
    let is_open = query.state.as_deref() != Some("closed");
    let request = page_request(query.cursor, ROWS);
    let desk = views::desk(&state.app, &person.actor).await?;
    let filter = CaseFilter {
        queue,
        open: Some(is_open),
    };
    let cases = views::list_cases(&state.app, &person.actor, filter, &request).await?;
    let incidents = views::active_incidents(&state.app, &person.actor).await?;
    let uncovered = views::uncovered(&state.app, &person.actor).await?;
    let shell = person.shell;
    let closed_query = match queue {
        Some(queue) => format!("?queue={queue}&state=closed"),
        None => "?state=closed".to_owned(),
    };
    let open_query = queue.map(|queue| format!("?queue={queue}")).unwrap_or_default();
    show(&DeskPage {
        queue,
        is_open,
        n_open: desk.queues.iter().map(|count| count.n_open).sum(),
        oldest_at: desk.queues.iter().filter_map(|count| count.oldest_at).min(),
        n_dead: desk.n_dead_actions,
        n_doubtful: desk.n_doubtful_actions,
        n_overdue: desk.queues.iter().map(|count| count.n_overdue).sum(),
        uncovered,
        n_more_incidents: incidents.len().saturating_sub(INCIDENTS_SHOWN_MAX),
        incidents: incidents
            .into_iter()
            .take(INCIDENTS_SHOWN_MAX)
            .map(|incident| IncidentLine::of(incident, &shell))
            .collect(),
        queues: desk
            .queues
            .iter()
            .map(|count| QueueCard {
                queue: count.queue,
                n_open: count.n_open,
                oldest_at: count.oldest_at,
                due: count.due_at.map(|at| Due::of(at, shell.now)),
                is_chosen: queue == Some(count.queue),
            })
            .collect(),
        rows: cases.rows.into_iter().map(|row| CaseLine::of(row, &shell)).collect(),
        base: format!("/desk{}", if is_open { &open_query } else { &closed_query }),
        open_query,
        closed_query,
        next: cases.next,
        is_first: request.cursor.is_none(),
        shell,
    })
}

impl IncidentLine {
    fn of(incident: IncidentView, shell: &Shell) -> Self {
        let hunted = incident.hunted.filter(|_| !incident.is_hunted).map(|hunt| {
            let searched = [
                ("files", shell.count("desk.hunt_files", hunt.n_media)),
                ("streams", shell.count("desk.hunt_streams", hunt.n_streams)),
                ("items", shell.count("desk.hunt_items", hunt.n_found)),
            ];
            let searched = searched.each_ref().map(|(name, words)| (*name, words.as_str()));
            shell.words.with_all("desk.hunted", &searched)
        });
        let hunted = match incident.is_hunted {
            true => Some(shell.t("desk.hunting").to_owned()),
            false => hunted,
        };
        Self {
            name: name_of(&incident.entry, shell),
            entry: incident.entry.id,
            until: incident.until,
            hunted,
        }
    }
}

impl CaseLine {
    /// What to say about the match: how near, and the bank. Nothing where a person's words say more.
    fn bank(&self) -> Option<(Tier, &str)> {
        let near = self.near.as_ref().filter(|_| self.queue != Queue::Escalated)?;
        Some((near.tier, &near.bank))
    }

    fn of(row: CaseRow, shell: &Shell) -> Self {
        let holder = row.holder_name.map(|name| match &shell.session {
            Some(session) if session.user.name == name => shell.t("desk.held_by_you").to_owned(),
            Some(_) | None => shell.with("desk.held_by", "name", name),
        });
        let at = match row.case.state {
            CaseState::Open { .. } => row.case.opened_at,
            CaseState::Closed { at, .. } => at,
        };
        Self {
            id: row.case.id,
            item: row.case.item,
            kind: row.item_kind,
            account: row.account,
            preview: row.media.map(|id| evidence::media_url(id, PreviewKind::Blurred)),
            near: row
                .best_match
                .map(|(nearness, tier, bank)| Near { nearness, tier, bank }),
            reason: row.case.reason,
            queue: row.case.queue,
            holder,
            at,
        }
    }
}

/// `POST /desk/next`
pub async fn take_next_case(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let queue: Option<Queue> = fields.get("queue").parse().ok();
    next_case(&state, &person, queue, None).await
}

/// The way to what is to be done next: of `queue` if it has a free case, else of the most pressing; or to the desk if there is none.
pub async fn next_case(state: &WebState, person: &Person, queue: Option<Queue>, done: Option<Flash>) -> Answer {
    let mut next = turn::take_next(&state.app, &person.actor, queue).await?;
    if next.is_none() && queue.is_some() {
        next = turn::take_next(&state.app, &person.actor, None).await?;
    }
    let address = match next {
        Some(Work::Case(id)) => format!("/cases/{id}"),
        // Whoever comes from the desk goes on there, in the same queue.
        Some(Work::Question(id)) => {
            format!(
                "/quality/reviews/{id}?desk={}",
                queue.as_ref().map_or("all", Queue::as_str)
            )
        }
        None => "/desk".to_owned(),
    };
    let done = done.or_else(|| (address == "/desk").then(|| Flash::new("flash.queue_done", "")));
    Ok(match done {
        Some(done) => go_saying(state, &address, &done),
        None => go_to(&address),
    })
}

/// The address of the queue's part of the desk.
pub fn desk_of(queue: Queue) -> String {
    format!("/desk?queue={}", in_query(queue.as_str()))
}
