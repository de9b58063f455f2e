//! Golden cases: made of a decided case, with the right answer and why it is right. Start with [`show_new_golden`].

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use moderation::flows::quality::{self as flow, QualityError};
use moderation::model::{CaseId, Judgement, PolicyCode, Right};
use moderation::views;
use serde::Deserialize;

use super::answer::answer_of;
use crate::WebState;
use crate::console::flash::Flash;
use crate::console::form::{FormState, Posted};
use crate::console::page::{Answer, go_saying, show, show_with};
use crate::console::problem::ConsoleError;
use crate::console::shell::Shell;
use crate::console::visit::Person;

#[derive(Template)]
#[template(path = "golden_new.html")]
struct NewGoldenPage {
    shell: Shell,
    form: FormState,
    action: &'static str,
    case: CaseId,
    item: String,
    is_golden: bool,
    policies: &'static [PolicyCode],
    reason_length_max: usize,
}

/// Which case.
#[derive(Debug, Deserialize)]
pub struct GoldenQuery {
    case: Option<String>,
}

/// `GET /quality/golden/new`
pub async fn show_new_golden(
    State(state): State<WebState>,
    person: Person,
    Query(query): Query<GoldenQuery>,
) -> Answer {
    let case = parse(query.case.as_deref().unwrap_or_default())?;
    show(&golden_page(&state, person, case, FormState::default()).await?)
}

async fn golden_page(
    state: &WebState,
    person: Person,
    case: CaseId,
    form: FormState,
) -> Result<NewGoldenPage, ConsoleError> {
    person.actor.require(Right::SettleReviews)?;
    let found = views::case(&state.app, &person.actor, case).await?;
    let view = found.ok_or(ConsoleError::NotFound)?;
    Ok(NewGoldenPage {
        form,
        action: "/quality/golden",
        case,
        item: view.item.id.to_string(),
        is_golden: views::is_golden(&state.app, &person.actor, case).await?,
        policies: PolicyCode::ALL,
        reason_length_max: Judgement::REASON_LENGTH_MAX,
        shell: person.shell,
    })
}

/// `POST /quality/golden`
pub async fn make_golden(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let case = parse(fields.get("case"))?;
    let wrong = match answer_of(&person.shell, &fields) {
        Ok(answer) => match flow::make_golden(&state.app, &person.actor, case, answer, fields.get("reason")).await {
            Ok(_) => {
                let done = Flash::new("flash.quality.golden", "");
                return Ok(go_saying(&state, "/quality", &done));
            }
            Err(QualityError::Invalid { field, what }) => {
                let what = person.shell.with("common.field_invalid", "what", what);
                let field = if field == "case" { "" } else { field };
                FormState::filled(fields).wrong(field, what)
            }
            Err(QualityError::Changed) => FormState::filled(fields).wrong("", person.shell.t("quality.golden_changed")),
            Err(error) => return Err(error.into()),
        },
        Err(form) => *form,
    };
    let page = golden_page(&state, person, case, wrong).await?;
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// `POST /quality/golden/{id}/retire`
pub async fn retire_golden(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = id.parse().map_err(|_| ConsoleError::NotFound)?;
    flow::retire_golden(&state.app, &posted.person.actor, id).await?;
    let done = Flash::new("flash.quality.retired", "");
    Ok(go_saying(&state, "/quality", &done))
}

fn parse(id: &str) -> Result<CaseId, ConsoleError> {
    id.parse().map_err(|_| ConsoleError::NotFound)
}
