//! Rules of the common shapes by form: what is filled in is shown as the text that it becomes, and goes to the editor. Start with
//! [`build_rule`]. What stood in the editor before is carried along.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use moderation::model::{Right, RuleFile};
use moderation::policy::form::{FormError, RuleForm, SHAPES, Shape, Unit, read};
use moderation::policy::{PolicyCode, Source};
use serde::Deserialize;

use super::editor::Sent;
use super::live_files;
use crate::WebState;
use crate::console::form::{Fields, FormState, Posted};
use crate::console::page::{Answer, show, show_with};
use crate::console::problem::ConsoleError;
use crate::console::shell::Shell;
use crate::console::visit::Person;

/// How far ahead the day of review lies, unless somebody says otherwise, in days.
const REVIEW_DAYS: u64 = 180;

#[derive(Template)]
#[template(path = "rules_form.html")]
struct BuilderPage {
    shell: Shell,
    form: FormState,
    shape: String,
    shapes: &'static [&'static str],
    policies: &'static [PolicyCode],
    units: [Unit; 3],
    preview: Option<String>,
    base: i64,
    carried: Vec<RuleFile>,
    gone: Vec<String>,
    count_max: u32,
    views_max: u32,
    words_max: usize,
    name_length_max: usize,
    queue_length_max: usize,
    priority_max: u16,
    words_length_max: usize,
    reason_length_max: usize,
    pattern_length_max: usize,
}

/// Which shape.
#[derive(Debug, Deserialize)]
pub struct ShapeQuery {
    shape: Option<String>,
}

/// `GET /rules/form`
pub async fn show_builder(State(state): State<WebState>, person: Person, Query(query): Query<ShapeQuery>) -> Answer {
    person.actor.require(Right::ProposeRules)?;
    let (base, _) = live_files(&state, &person).await?;
    let shape = query.shape.unwrap_or_default();
    let sent = Sent {
        base,
        files: Vec::new(),
        gone: Vec::new(),
    };
    show(&page(person.shell, None, shape, None, sent))
}

/// From the editor, with all that stands in it.
pub fn begin(person: Person, sent: Sent, _live: &[RuleFile]) -> Answer {
    show(&page(person.shell, None, String::new(), None, sent))
}

/// `POST /rules/form`: the text that the form becomes; or another shape.
pub async fn build_rule(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    person.actor.require(Right::ProposeRules)?;
    let _place = state.shared.admission.enter().await.ok_or(ConsoleError::Busy)?;
    let sent = Sent::of(&fields);
    let (_, live) = live_files(&state, &person).await?;
    let shape = fields.get("shape").to_owned();
    if fields.get("do") != "preview" {
        return show(&page(person.shell, None, shape, None, sent));
    }
    let others = sent.with_the_others(&live);
    let others: Vec<Source> = others
        .iter()
        .filter(|file| file.is_rules())
        .map(|file| Source::new(file.name.as_str(), file.text.as_str()))
        .collect();
    let written = read(|field| fields.get(field)).and_then(|form| form.text(&others));
    match written {
        Ok(text) => show(&page(
            person.shell,
            Some(FormState::filled(fields)),
            shape,
            Some(text),
            sent,
        )),
        Err(errors) => {
            let mut form = FormState::filled(fields);
            for FormError { field, what } in errors {
                form = form.wrong(field, person.shell.with("common.field_invalid", "what", what));
            }
            show_with(
                StatusCode::UNPROCESSABLE_ENTITY,
                &page(person.shell, Some(form), shape, None, sent),
            )
        }
    }
}

fn page(shell: Shell, form: Option<FormState>, shape: String, preview: Option<String>, sent: Sent) -> BuilderPage {
    let shape = if SHAPES.contains(&shape.as_str()) {
        shape
    } else {
        SHAPES[0].to_owned()
    };
    BuilderPage {
        form: form.unwrap_or_else(|| FormState::filled(beginning(&shell, &shape))),
        shape,
        shapes: SHAPES,
        policies: PolicyCode::ALL,
        units: Unit::ALL,
        preview,
        base: sent.base,
        carried: sent.files,
        gone: sent.gone,
        count_max: Shape::COUNT_MAX,
        views_max: Shape::VIEWS_MAX,
        words_max: Shape::WORDS_MAX,
        name_length_max: RuleForm::NAME_LENGTH_MAX,
        queue_length_max: RuleForm::QUEUE_LENGTH_MAX,
        priority_max: RuleForm::PRIORITY_MAX,
        words_length_max: RuleForm::WORDS_LENGTH_MAX,
        reason_length_max: RuleForm::REASON_LENGTH_MAX,
        pattern_length_max: Shape::PATTERN_BYTES_MAX,
        shell,
    }
}

/// What a form begins with: sensible values, so that few have to be changed.
fn beginning(shell: &Shell, shape: &str) -> Fields {
    let (name, queue) = match shape {
        "many_items" => ("many_items", "floods"),
        "known" => ("known_content", "matches"),
        "words" => ("words", "texts"),
        "pattern" => ("pattern", "texts"),
        "listed" => ("listed_link", "links"),
        "reported_and_seen" => ("reported_and_seen", "reported"),
        _ => ("shared_link", "links"),
    };
    let review = shell.now.after(std::time::Duration::from_secs(REVIEW_DAYS * 86_400));
    let review = super::day(review);
    let own: &[(&str, &str)] = &[
        ("name", name),
        ("queue", queue),
        ("review", &review),
        ("owner", shell.user_name()),
    ];
    let same: &[(&str, &str)] = &[
        ("then", "case"),
        ("priority", "50"),
        ("severity", "medium"),
        ("mode", "live"),
        ("accounts", "3"),
        ("thing", "link"),
        ("within", "10"),
        ("within_unit", "min"),
        ("younger_unit", "d"),
        ("more_than", "20"),
        ("tier", "match"),
        ("listed", "host"),
        ("views", "1000"),
    ];
    Fields::of(&[own, same].concat())
}
