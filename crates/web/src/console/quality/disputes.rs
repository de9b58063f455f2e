//! Where two answers differ: both, side by side, for a third person to settle. Start with [`show_dispute`].

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use moderation::flows::quality::{self as flow, QualityError};
use moderation::model::{Judgement, PolicyCode, ReviewId};
use moderation::quality::reviews::{Answer as Given, Review};
use moderation::views::{self, DisputeView};

use super::answer::answer_of;
use crate::WebState;
use crate::console::beside::Beside;
use crate::console::evidence::{FileCard, file_cards};
use crate::console::flash::Flash;
use crate::console::form::{FormState, Posted};
use crate::console::page::{Answer, go_saying, show, show_with};
use crate::console::problem::ConsoleError;
use crate::console::shell::Shell;
use crate::console::visit::Person;

#[derive(Template)]
#[template(path = "disputes.html")]
struct DisputesPage {
    shell: Shell,
    rows: Vec<DisputeLine>,
}

struct DisputeLine {
    review: Review,
    second: Given,
}

/// `GET /quality/disputes`
pub async fn list_disputes(State(state): State<WebState>, person: Person) -> Answer {
    let found = views::disputes(&state.app, &person.actor).await?;
    let rows = found.into_iter().filter_map(|review| {
        let second = review.second()?.answer;
        Some(DisputeLine { review, second })
    });
    show(&DisputesPage {
        rows: rows.collect(),
        shell: person.shell,
    })
}

#[derive(Template)]
#[template(path = "dispute.html")]
struct DisputePage {
    shell: Shell,
    form: FormState,
    action: String,
    view: DisputeView,
    answers: Vec<AnswerCard>,
    files: Vec<FileCard>,
    policies: &'static [PolicyCode],
    reason_length_max: usize,
}

struct AnswerCard {
    key: &'static str,
    name: String,
    answer: Given,
    reason: String,
}

/// `GET /quality/disputes/{id}`
pub async fn show_dispute(State(state): State<WebState>, person: Person, Path(id): Path<String>) -> Answer {
    show(&dispute_page(&state, person, parse(&id)?, FormState::default()).await?)
}

async fn dispute_page(
    state: &WebState,
    person: Person,
    id: ReviewId,
    form: FormState,
) -> Result<DisputePage, ConsoleError> {
    let found = views::dispute(&state.app, &person.actor, id).await?;
    let mut view = found.ok_or(ConsoleError::NotFound)?;
    let beside = Beside::of(state, &person.actor, None, &view.media).await?;
    let mut shell = person.shell;
    shell.rests_until = views::exposure(&state.app, &person.actor).await?.rests_until;
    let files = file_cards(std::mem::take(&mut view.media), &beside, &shell);
    let mut answers = vec![AnswerCard {
        key: "quality.first",
        name: view.first_name.clone(),
        answer: view.review.first,
        reason: view.first_reason.clone(),
    }];
    answers.extend(view.review.second().map(|second| AnswerCard {
        key: "quality.second",
        name: view.second_name.clone(),
        answer: second.answer,
        reason: second.reason.clone(),
    }));
    Ok(DisputePage {
        form,
        action: format!("/quality/disputes/{id}"),
        view,
        answers,
        files,
        policies: PolicyCode::ALL,
        reason_length_max: Judgement::REASON_LENGTH_MAX,
        shell,
    })
}

/// `POST /quality/disputes/{id}`
pub async fn settle_dispute(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    let Posted { person, fields } = posted;
    let wrong = match answer_of(&person.shell, &fields) {
        Ok(answer) => match flow::settle_review(&state.app, &person.actor, id, answer, fields.get("reason")).await {
            Ok(Some(case)) => {
                let done = Flash::new("flash.quality.settled_case", "");
                return Ok(go_saying(&state, &format!("/cases/{case}"), &done));
            }
            Ok(None) => {
                let done = Flash::new("flash.quality.settled", "");
                return Ok(go_saying(&state, "/quality/disputes", &done));
            }
            Err(QualityError::Invalid { field, what }) => {
                let what = person.shell.with("common.field_invalid", "what", what);
                FormState::filled(fields).wrong(field, what)
            }
            Err(QualityError::Refused(_)) => {
                let not = Flash::new("problem.quality.not_yours", "");
                return Ok(go_saying(&state, "/quality/disputes", &not));
            }
            Err(error) => return Err(error.into()),
        },
        Err(form) => *form,
    };
    let page = dispute_page(&state, person, id, wrong).await?;
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

fn parse(id: &str) -> Result<ReviewId, ConsoleError> {
    id.parse().map_err(|_| ConsoleError::NotFound)
}
