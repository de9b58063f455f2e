//! Labels on accounts and channels: who set them, why, until when. Start with [`list_labels`].

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use moderation::flows::rules::{self as flow, NewLabel};
use moderation::model::{Label, LabelOn, Right};
use moderation::views;
use serde::Deserialize;

use super::{fault, until};
use crate::WebState;
use crate::console::flash::Flash;
use crate::console::form::{FormState, Posted};
use crate::console::page::{Answer, go_saying, in_query, page_request, show, show_with};
use crate::console::problem::ConsoleError;
use crate::console::shell::Shell;
use crate::console::visit::Person;

/// Rows of one page.
const ROWS: u32 = 100;

#[derive(Template)]
#[template(path = "rule_labels.html")]
struct LabelsPage {
    shell: Shell,
    tab: &'static str,
    form: FormState,
    filter: String,
    rows: Vec<Label>,
    may_change: bool,
    base: String,
    next: Option<String>,
    is_first: bool,
    length_max: usize,
}

/// Which labels.
#[derive(Debug, Deserialize)]
pub struct LabelsQuery {
    label: Option<String>,
    cursor: Option<String>,
}

/// `GET /rules/labels`
pub async fn list_labels(State(state): State<WebState>, person: Person, Query(query): Query<LabelsQuery>) -> Answer {
    show(&labels_page(&state, person, FormState::default(), query).await?)
}

async fn labels_page(
    state: &WebState,
    person: Person,
    form: FormState,
    query: LabelsQuery,
) -> Result<LabelsPage, ConsoleError> {
    let filter = query.label.unwrap_or_default().trim().to_owned();
    let request = page_request(query.cursor, ROWS);
    let only = Some(filter.as_str()).filter(|label| !label.is_empty());
    let labels = views::list_labels(&state.app, &person.actor, only, &request).await?;
    Ok(LabelsPage {
        tab: "labels",
        base: match only {
            Some(label) => format!("/rules/labels?label={}", in_query(label)),
            None => "/rules/labels".to_owned(),
        },
        rows: labels.rows,
        next: labels.next,
        is_first: request.cursor.is_none(),
        may_change: person.actor.may(Right::ProposeRules),
        length_max: Label::LENGTH_MAX,
        filter,
        form,
        shell: person.shell,
    })
}

/// `POST /rules/labels`: one is set, or taken away.
pub async fn change_label(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let on: LabelOn = fields
        .get("on")
        .parse()
        .map_err(|_| ConsoleError::BadRequest("neither account nor channel"))?;
    let (subject, label) = (
        fields.get("subject").trim().to_owned(),
        fields.get("label").trim().to_owned(),
    );
    if fields.get("do") == "remove" {
        // As it stands in the page, blanks and all.
        flow::remove_label(&state.app, &person.actor, on, fields.get("subject"), &label).await?;
        return Ok(go_saying(
            &state,
            "/rules/labels",
            &Flash::new("flash.label_removed", label),
        ));
    }
    let done = match until(fields.get("until")) {
        Ok(until) => {
            let new = NewLabel {
                on,
                subject,
                label: label.clone(),
                until,
                reason: fields.get("reason").to_owned(),
            };
            match flow::set_label(&state.app, &person.actor, new).await {
                Ok(()) => Ok(()),
                Err(error) => Err(fault(&person.shell, error)?),
            }
        }
        Err(what) => Err(("until", person.shell.with("common.field_invalid", "what", what))),
    };
    match done {
        Ok(()) => Ok(go_saying(
            &state,
            "/rules/labels",
            &Flash::new("flash.label_set", label),
        )),
        Err((field, what)) => {
            let form = FormState::filled(fields).wrong(field, what);
            let query = LabelsQuery {
                label: None,
                cursor: None,
            };
            show_with(
                StatusCode::UNPROCESSABLE_ENTITY,
                &labels_page(&state, person, form, query).await?,
            )
        }
    }
}
