//! Second opinions: a question with what was posted and nothing of what anybody said of it. Start with [`show_review`].

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use moderation::flows::quality::{self as flow, QualityError};
use moderation::model::{Judgement, PolicyCode, ReviewId};
use moderation::views::{self, BlindView, GoldenAnswer};
use serde::Deserialize;

use super::answer::answer_of;
use crate::WebState;
use crate::console::beside::Beside;
use crate::console::desk::next_case;
use crate::console::evidence::{FileCard, file_cards};
use crate::console::figures::ShareWords;
use crate::console::flash::Flash;
use crate::console::form::{FormState, Posted};
use crate::console::page::{Answer, go_saying, go_to, show, show_with};
use crate::console::problem::ConsoleError;
use crate::console::shell::Shell;
use crate::console::visit::Person;

#[derive(Template)]
#[template(path = "reviews.html")]
struct ReviewsPage {
    shell: Shell,
    has_next: bool,
    golden: Vec<GoldenAnswer>,
    right: Option<ShareWords>,
}

/// `GET /quality/reviews`
pub async fn show_reviews(State(state): State<WebState>, person: Person) -> Answer {
    let desk = views::review_desk(&state.app, &person.actor).await?;
    show(&ReviewsPage {
        has_next: desk.has_next,
        golden: desk.golden,
        right: desk.right.map(|right| ShareWords::of(&person.shell, right)),
        shell: person.shell,
    })
}

/// `POST /quality/reviews`
pub async fn take_review(State(state): State<WebState>, Posted { person, .. }: Posted) -> Answer {
    next_review(&state, &person, None).await
}

async fn next_review(state: &WebState, person: &Person, done: Option<Flash>) -> Answer {
    let next = flow::take_review(&state.app, &person.actor).await?;
    let address = match next {
        Some(id) => format!("/quality/reviews/{id}"),
        None => "/quality/reviews".to_owned(),
    };
    Ok(match done {
        Some(done) => go_saying(state, &address, &done),
        None => go_to(&address),
    })
}

#[derive(Template)]
#[template(path = "review.html")]
struct ReviewPage {
    shell: Shell,
    form: FormState,
    action: String,
    /// Where the person came from: a queue of the desk, or `all` of it; nothing for the page of second opinions.
    desk: Option<String>,
    view: BlindView,
    files: Vec<FileCard>,
    policies: &'static [PolicyCode],
    reason_length_max: usize,
}

/// Where the person came from.
#[derive(Debug, Deserialize)]
pub struct ReviewQuery {
    /// A queue of the desk, or `all` of it.
    desk: Option<String>,
}

/// `GET /quality/reviews/{id}`
pub async fn show_review(
    State(state): State<WebState>,
    person: Person,
    Path(id): Path<String>,
    Query(query): Query<ReviewQuery>,
) -> Answer {
    match review_page(&state, person, parse(&id)?, FormState::default(), query.desk).await? {
        Some(page) => show(&page),
        None => Ok(gone(&state)),
    }
}

fn gone(state: &WebState) -> Response {
    go_saying(state, "/quality/reviews", &Flash::new("problem.quality.gone", ""))
}

async fn review_page(
    state: &WebState,
    person: Person,
    id: ReviewId,
    form: FormState,
    desk: Option<String>,
) -> Result<Option<ReviewPage>, ConsoleError> {
    let Some(mut view) = views::blind_review(&state.app, &person.actor, id).await? else {
        return Ok(None);
    };
    let beside = Beside::of(state, &person.actor, None, &view.media).await?;
    let mut shell = person.shell;
    shell.rests_until = views::exposure(&state.app, &person.actor).await?.rests_until;
    let files = file_cards(std::mem::take(&mut view.media), &beside, &shell);
    Ok(Some(ReviewPage {
        form,
        action: format!("/quality/reviews/{id}"),
        desk: desk.filter(|desk| !desk.is_empty()),
        view,
        files,
        policies: PolicyCode::ALL,
        reason_length_max: Judgement::REASON_LENGTH_MAX,
        shell,
    }))
}

/// `POST /quality/reviews/{id}`
pub async fn answer_review(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    let Posted { person, fields } = posted;
    let desk = fields.get("desk").to_owned();
    let wrong = match answer_of(&person.shell, &fields) {
        Ok(answer) => match flow::answer_review(&state.app, &person.actor, id, answer, fields.get("reason")).await {
            Ok(()) => {
                let done = Some(Flash::new("flash.quality.answered", ""));
                return match fields.get("desk") {
                    "" => next_review(&state, &person, done).await,
                    queue => next_case(&state, &person, queue.parse().ok(), done).await,
                };
            }
            Err(QualityError::Invalid { field, what }) => {
                let what = person.shell.with("common.field_invalid", "what", what);
                FormState::filled(fields).wrong(field, what)
            }
            Err(QualityError::Refused(_) | QualityError::Changed) => {
                return Ok(gone(&state));
            }
            Err(error) => return Err(error.into()),
        },
        Err(form) => *form,
    };
    match review_page(&state, person, id, wrong, Some(desk)).await? {
        Some(page) => show_with(StatusCode::UNPROCESSABLE_ENTITY, &page),
        None => Ok(gone(&state)),
    }
}

fn parse(id: &str) -> Result<ReviewId, ConsoleError> {
    id.parse().map_err(|_| ConsoleError::NotFound)
}
