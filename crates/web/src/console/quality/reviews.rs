//! Second opinions: a question with what was posted and nothing of what anybody said of it. Start with [`show_review`].

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use moderation::flows::quality::{self as flow, QualityError};
use moderation::model::{Judgement, PolicyCode, ReviewId};
use moderation::views::{self, BlindView, GoldenAnswer};

use super::answer::answer_of;
use crate::WebState;
use crate::console::beside::Beside;
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
    view: BlindView,
    files: Vec<FileCard>,
    policies: &'static [PolicyCode],
    reason_length_max: usize,
}

/// `GET /quality/reviews/{id}`
pub async fn show_review(State(state): State<WebState>, person: Person, Path(id): Path<String>) -> Answer {
    match review_page(&state, person, parse(&id)?, FormState::default()).await? {
        Some(page) => show(&page),
        None => Ok(go_saying(
            &state,
            "/quality/reviews",
            &Flash::new("problem.quality.gone", ""),
        )),
    }
}

async fn review_page(
    state: &WebState,
    person: Person,
    id: ReviewId,
    form: FormState,
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
    let wrong = match answer_of(&person.shell, &fields) {
        Ok(answer) => match flow::answer_review(&state.app, &person.actor, id, answer, fields.get("reason")).await {
            Ok(()) => return next_review(&state, &person, Some(Flash::new("flash.quality.answered", ""))).await,
            Err(QualityError::Invalid { field, what }) => {
                let what = person.shell.with("common.field_invalid", "what", what);
                FormState::filled(fields).wrong(field, what)
            }
            Err(QualityError::Refused(_) | QualityError::Changed) => {
                let gone = Flash::new("problem.quality.gone", "");
                return Ok(go_saying(&state, "/quality/reviews", &gone));
            }
            Err(error) => return Err(error.into()),
        },
        Err(form) => *form,
    };
    match review_page(&state, person, id, wrong).await? {
        Some(page) => show_with(StatusCode::UNPROCESSABLE_ENTITY, &page),
        None => Ok(go_saying(
            &state,
            "/quality/reviews",
            &Flash::new("problem.quality.gone", ""),
        )),
    }
}

fn parse(id: &str) -> Result<ReviewId, ConsoleError> {
    id.parse().map_err(|_| ConsoleError::NotFound)
}
