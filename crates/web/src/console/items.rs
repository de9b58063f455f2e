//! What the platform submitted. Start with [`list_items`]. An item's id is the platform's own text, so it stands in the
//! query of the address, where every character may stand.

use askama::Template;
use axum::extract::{Query, State};
use moderation::model::{CaseId, CaseState, Item, ItemId, ItemKind, Outcome, Queue, Timestamp, Translation};
use moderation::views::{self, ItemRow};
use serde::Deserialize;

use super::beside::Beside;
use super::cases::{ActionLine, DecisionLine};
use super::evidence::{FileCard, file_cards};
use super::page::{Answer, page_request, show};
use super::problem::ConsoleError;
use super::shell::Shell;
use super::visit::Person;
use crate::WebState;

/// Rows of one page.
const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "items.html")]
struct ItemsPage {
    shell: Shell,
    rows: Vec<ItemLine>,
    next: Option<String>,
    is_first: bool,
}

/// A line of a list of items.
pub struct ItemLine {
    /// Which.
    pub id: ItemId,
    /// What kind of thing it is.
    pub kind: ItemKind,
    /// Who posted it.
    pub account: Option<String>,
    /// Its files.
    pub n_media: i64,
    /// Those that could not be hashed.
    pub n_unscanned: i64,
    /// What was last decided.
    pub outcome: Option<Outcome>,
    /// The open case about it.
    pub open_case: Option<CaseId>,
    /// When it was last submitted.
    pub at: Timestamp,
}

#[derive(Template)]
#[template(path = "item.html")]
struct ItemPage {
    shell: Shell,
    item: Item,
    languages: Vec<String>,
    translations: Vec<Translation>,
    report: Option<String>,
    outcome: Option<Outcome>,
    open_case: Option<CaseId>,
    n_files: usize,
    files: Vec<FileCard>,
    cases: Vec<CaseLink>,
    decisions: Vec<DecisionLine>,
    actions: Vec<ActionLine>,
}

struct CaseLink {
    id: CaseId,
    queue: Queue,
    is_open: bool,
    opened_at: Timestamp,
}

/// Which page of the list.
#[derive(Debug, Deserialize)]
pub struct ListQuery {
    cursor: Option<String>,
}

/// Which item.
#[derive(Debug, Deserialize)]
pub struct ItemQuery {
    #[serde(default)]
    id: String,
}

/// `GET /items`
pub async fn list_items(State(state): State<WebState>, person: Person, Query(query): Query<ListQuery>) -> Answer {
    let request = page_request(query.cursor, ROWS);
    let items = views::list_items(&state.app, &person.actor, &request).await?;
    show(&ItemsPage {
        shell: person.shell,
        rows: items.rows.into_iter().map(ItemLine::of).collect(),
        next: items.next,
        is_first: request.cursor.is_none(),
    })
}

impl ItemLine {
    /// The item as lists show it.
    pub fn of(row: ItemRow) -> Self {
        Self {
            id: row.item.id,
            kind: row.item.kind,
            account: row.item.account,
            n_media: row.n_media,
            n_unscanned: row.n_unscanned,
            outcome: row.outcome,
            open_case: row.open_case,
            at: row.item.updated_at,
        }
    }
}

/// `GET /item?id=…`
pub async fn show_item(State(state): State<WebState>, person: Person, Query(query): Query<ItemQuery>) -> Answer {
    let id: ItemId = query.id.trim().parse().map_err(|_| ConsoleError::NotFound)?;
    let view = views::item(&state.app, &person.actor, &id)
        .await?
        .ok_or(ConsoleError::NotFound)?;
    let beside = Beside::of(&state, &person.actor, view.item.url.clone(), &view.media).await?;
    let mut shell = person.shell;
    shell.rests_until = views::exposure(&state.app, &person.actor).await?.rests_until;
    let decisions: Vec<DecisionLine> = view.decisions.into_iter().map(DecisionLine::of).collect();
    let cases: Vec<CaseLink> = view
        .cases
        .iter()
        .map(|case| CaseLink {
            id: case.id,
            queue: case.queue,
            is_open: matches!(case.state, CaseState::Open { .. }),
            opened_at: case.opened_at,
        })
        .collect();
    show(&ItemPage {
        item: view.item,
        languages: view.languages,
        translations: view.translations,
        report: view.report,
        outcome: decisions.last().map(|decision| decision.outcome),
        open_case: cases.iter().find(|case| case.is_open).map(|case| case.id),
        n_files: view.media.len(),
        files: file_cards(view.media, &beside, &shell),
        cases,
        decisions: decisions.into_iter().rev().collect(),
        actions: ActionLine::all(&view.actions, &view.rechecks),
        shell,
    })
}
