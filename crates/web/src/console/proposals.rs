//! `/proposals`: what waits for a second person, what its proposer saw, and the form that says yes or no to it. Start with [`show_proposal`] and [`end_proposal`].

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use moderation::flows::proposals::{self as flow, ProposalError};
use moderation::model::{
    ItemId, Judgement, Lasts, PolicyCode, Proposal, ProposalId, ProposalRefused, ProposalState, ProposedState,
    Timestamp,
};
use moderation::views::{self, PROPOSALS_SHOWN_MAX, ProposalRow, ProposalView};
use serde::Deserialize;

use super::beside::Beside;
use super::evidence::{FileCard, file_cards};
use super::flash::Flash;
use super::form::{FormState, Posted};
use super::page::{Answer, go_saying, show, show_with};
use super::problem::ConsoleError;
use super::shell::Shell;
use super::standing::Due;
use super::together::ItemCard;
use super::visit::Person;
use crate::WebState;

/// Of so many items the files are shown whole; of more, a picture each.
const WHOLE_SHOWN_MAX: usize = 3;
/// So many different notices are shown.
const NOTICES_SHOWN_MAX: usize = 8;

#[derive(Template)]
#[template(path = "proposals.html")]
struct ProposalsPage {
    shell: Shell,
    rows: Vec<RowLine>,
    is_open: bool,
    is_cut: bool,
    n_shown_max: i64,
}

struct RowLine {
    row: ProposalRow,
    due: Option<Due>,
    policy: Option<PolicyCode>,
}

#[derive(Template)]
#[template(path = "proposal.html")]
struct ProposalPage {
    shell: Shell,
    form: FormState,
    view: ProposalView,
    judgement: Judgement,
    due: Option<Due>,
    lines: Vec<Line>,
    n_items: usize,
    whole: Vec<Whole>,
    notices: Vec<NoticeLine>,
    n_more_notices: usize,
    results: Vec<(ProposedState, usize)>,
    undo_s: Option<u64>,
    /// Why it needs two.
    why: String,
    lapses_at: Option<Timestamp>,
    action: String,
    note_length_max: usize,
}

impl ProposalPage {
    fn is_waiting(&self) -> bool {
        self.view.proposal.state == ProposalState::Waiting
    }
}

struct Line {
    item: ItemId,
    state: ProposedState,
    card: Option<ItemCard>,
    is_excluded: bool,
    has_changed: bool,
}

/// An item whose text and files are shown.
struct Whole {
    item: ItemId,
    text: Option<String>,
    report: Option<String>,
    files: Vec<FileCard>,
}

/// What people are told, and how many.
struct NoticeLine {
    language: String,
    text: String,
    n_items: usize,
}

/// Which proposals are listed.
#[derive(Debug, Deserialize)]
pub struct ListQuery {
    state: Option<String>,
}

/// `GET /proposals`
pub async fn list_proposals(State(state): State<WebState>, person: Person, Query(query): Query<ListQuery>) -> Answer {
    let is_open = query.state.as_deref() != Some("ended");
    let (rows, is_cut) = views::list_proposals(&state.app, &person.actor, is_open).await?;
    let shell = person.shell;
    show(&ProposalsPage {
        rows: rows
            .into_iter()
            .map(|row| RowLine {
                due: row.due_at.map(|at| Due::of(at, shell.now)),
                policy: row.proposal.judgement.policy,
                row,
            })
            .collect(),
        is_open,
        is_cut,
        n_shown_max: PROPOSALS_SHOWN_MAX,
        shell,
    })
}

/// `GET /proposals/{id}`
pub async fn show_proposal(State(state): State<WebState>, person: Person, Path(id): Path<String>) -> Answer {
    let page = proposal_page(&state, person, parse(&id)?, FormState::default()).await?;
    show(&page)
}

async fn proposal_page(
    state: &WebState,
    person: Person,
    id: ProposalId,
    form: FormState,
) -> Result<ProposalPage, ConsoleError> {
    let view = views::proposal(&state.app, &person.actor, id)
        .await?
        .ok_or(ConsoleError::NotFound)?;
    let mut shell = person.shell.clone();
    shell.rests_until = views::exposure(&state.app, &person.actor).await?.rests_until;
    let mut whole = Vec::new();
    if view.items.len() <= WHOLE_SHOWN_MAX {
        for (of, brief) in &view.items {
            // What is there now is what was proposed only while its revision is the same.
            if brief.as_ref().is_none_or(|brief| brief.item.revision != of.revision) {
                continue;
            }
            if let Some(found) = views::item(&state.app, &person.actor, &of.item).await? {
                let beside = Beside::of(state, &person.actor, found.item.url.clone(), &found.media).await?;
                whole.push(Whole {
                    item: of.item.clone(),
                    text: found.item.text,
                    report: found.report,
                    files: file_cards(found.media, &beside, &shell),
                });
            }
        }
    }
    let lines: Vec<Line> = view
        .items
        .iter()
        .map(|(of, brief)| Line {
            item: of.item.clone(),
            state: of.state,
            is_excluded: form.has("leave_out", of.item.as_str()),
            has_changed: brief.as_ref().is_some_and(|brief| brief.item.revision != of.revision),
            // That it waits for a second person is what the page is about.
            card: brief.as_ref().map(|brief| ItemCard {
                proposal: None,
                ..ItemCard::of(brief)
            }),
        })
        .collect();
    let mut told: BTreeMap<(String, String), usize> = BTreeMap::new();
    for notice in view.items.iter().filter_map(|(of, _)| of.notice.as_ref()) {
        *told.entry((notice.language.clone(), notice.text.clone())).or_default() += 1;
    }
    let notices = told.into_iter().map(|((language, text), n_items)| NoticeLine {
        language,
        text,
        n_items,
    });
    let mut notices: Vec<NoticeLine> = notices.collect();
    let n_more_notices = notices.len().saturating_sub(NOTICES_SHOWN_MAX);
    notices.truncate(NOTICES_SHOWN_MAX);
    let results = ProposedState::ALL.iter().map(|state| (*state, view.n_in(*state)));
    let reasons = view.proposal.reasons.iter();
    let why: Vec<String> = reasons.map(|reason| shell.word("second_reason", reason)).collect();
    let undo_s = view.undo_until.map(|until| {
        let left_ms = until.since(shell.now).as_millis().div_ceil(1_000);
        u64::try_from(left_ms).unwrap_or(u64::MAX)
    });
    Ok(ProposalPage {
        judgement: view.proposal.judgement.clone(),
        due: view.due_at.map(|at| Due::of(at, shell.now)),
        n_items: lines.len(),
        lines,
        whole,
        notices,
        n_more_notices,
        results: results.filter(|(_, n)| *n > 0).collect(),
        undo_s,
        why: why.join(" · "),
        lapses_at: (view.proposal.state == ProposalState::Waiting).then_some(view.proposal.lapses_at),
        action: format!("/proposals/{id}"),
        note_length_max: Proposal::NOTE_LENGTH_MAX,
        form,
        view,
        shell,
    })
}

/// `POST /proposals/{id}`: approve, reject, take back, undo.
pub async fn end_proposal(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    let Posted { person, fields } = posted;
    let (app, actor) = (&state.app, &person.actor);
    let note = fields.get("note");
    let done = match fields.get("do") {
        "approve" => {
            let left_out: Vec<ItemId> = fields.all("leave_out").filter_map(|id| id.parse().ok()).collect();
            let done = flow::approve_proposal(app, actor, id, &left_out, note).await;
            done.map(|()| Flash::new("flash.proposal_approved", ""))
        }
        "reject" => {
            let done = flow::reject_proposal(app, actor, id, note).await;
            done.map(|()| Flash::new("flash.proposal_rejected", ""))
        }
        "withdraw" => {
            let done = flow::withdraw_proposal(app, actor, id).await;
            done.map(|()| Flash::new("flash.proposal_withdrawn", ""))
        }
        "undo" => flow::undo_proposal(app, actor, id)
            .await
            .map(|undone| match undone.n_too_late {
                0 => Flash::new("flash.proposal_undone", ""),
                n => Flash::new("problem.partly_too_late", person.shell.number(n)),
            }),
        _ => {
            let form = FormState::filled(fields.clone()).wrong("do", person.shell.t("proposals.need_choice"));
            let page = proposal_page(&state, person, id, form).await?;
            return show_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let address = format!("/proposals/{id}");
    match done {
        Ok(flash) => Ok(go_saying(&state, &address, &flash)),
        Err(ProposalError::Refused(refused)) => {
            let key = match refused {
                ProposalRefused::Ended { .. } => "problem.proposal_ended",
                ProposalRefused::SamePerson => "problem.same_person",
                ProposalRefused::NotYours => "problem.not_your_proposal",
                ProposalRefused::TooLate => "problem.too_late_to_undo",
            };
            Ok(go_saying(&state, &address, &Flash::new(key, "")))
        }
        Err(ProposalError::Invalid { field, what }) => {
            let text = match (field, note.trim().is_empty()) {
                ("note", true) => person.shell.t("proposals.need_note").to_owned(),
                ("items", _) => person.shell.t("proposals.need_items").to_owned(),
                _ => person.shell.with("common.field_invalid", "what", what),
            };
            let form = FormState::filled(fields.clone()).wrong(field, text);
            let page = proposal_page(&state, person, id, form).await?;
            show_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

fn parse(id: &str) -> Result<ProposalId, ConsoleError> {
    id.parse().map_err(|_| ConsoleError::NotFound)
}
