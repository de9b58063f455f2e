//! Lists that rules name and that are kept outside of them: made, filled, looked at, ended. Start with [`show_list`].

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use moderation::flows::files::FileContent;
use moderation::flows::rules as flow;
use moderation::model::{ListEntry, Right, RuleList};
use moderation::rules::lists::NewListEntry;
use moderation::views::{self, RuleListRow};
use serde::Deserialize;

use super::{fault, until};
use crate::WebState;
use crate::console::flash::Flash;
use crate::console::form::{FormState, Posted, Upload};
use crate::console::page::{Answer, go_saying, in_query, page_request, show, show_with};
use crate::console::problem::ConsoleError;
use crate::console::shell::Shell;
use crate::console::visit::Person;

/// Rows of one page.
const ROWS: u32 = 100;

#[derive(Template)]
#[template(path = "rule_lists.html")]
struct ListsPage {
    shell: Shell,
    tab: &'static str,
    form: FormState,
    rows: Vec<RuleListRow>,
    may_change: bool,
    name_length_max: usize,
}

#[derive(Template)]
#[template(path = "rule_list.html")]
struct ListPage {
    shell: Shell,
    tab: &'static str,
    form: FormState,
    row: RuleListRow,
    entries: Vec<ListEntry>,
    may_change: bool,
    base: String,
    next: Option<String>,
    is_first: bool,
}

/// Which page of the entries.
#[derive(Debug, Deserialize)]
pub struct ListQuery {
    cursor: Option<String>,
}

/// `GET /rules/lists`
pub async fn list_lists(State(state): State<WebState>, person: Person) -> Answer {
    show(&lists_page(&state, person, FormState::default()).await?)
}

async fn lists_page(state: &WebState, person: Person, form: FormState) -> Result<ListsPage, ConsoleError> {
    Ok(ListsPage {
        tab: "lists",
        rows: views::list_rule_lists(&state.app, &person.actor).await?,
        may_change: person.actor.may(Right::ProposeRules),
        name_length_max: RuleList::NAME_LENGTH_MAX,
        form,
        shell: person.shell,
    })
}

/// `POST /rules/lists`: a new list, or other words about one.
pub async fn put_list(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let name = fields.get("name").trim();
    match flow::put_list(
        &state.app,
        &person.actor,
        name,
        fields.get("about"),
        fields.get("owner"),
    )
    .await
    {
        Ok(()) => Ok(go_saying(
            &state,
            &format!("/rules/lists/{name}"),
            &Flash::new("flash.list_saved", name),
        )),
        Err(error) => {
            let (field, what) = fault(&person.shell, error)?;
            let field = if field == "note" { "about" } else { field };
            let form = FormState::filled(fields).wrong(field, what);
            show_with(
                StatusCode::UNPROCESSABLE_ENTITY,
                &lists_page(&state, person, form).await?,
            )
        }
    }
}

/// `GET /rules/lists/{name}`
pub async fn show_list(
    State(state): State<WebState>,
    person: Person,
    Path(name): Path<String>,
    Query(query): Query<ListQuery>,
) -> Answer {
    show(&list_page(&state, person, &name, FormState::default(), query.cursor).await?)
}

async fn list_page(
    state: &WebState,
    person: Person,
    name: &str,
    form: FormState,
    cursor: Option<String>,
) -> Result<ListPage, ConsoleError> {
    let request = page_request(cursor, ROWS);
    let found = views::rule_list(&state.app, &person.actor, name, &request).await?;
    let (row, entries) = found.ok_or(ConsoleError::NotFound)?;
    Ok(ListPage {
        tab: "lists",
        base: format!("/rules/lists/{}", in_query(name)),
        row,
        entries: entries.rows,
        next: entries.next,
        is_first: request.cursor.is_none(),
        may_change: person.actor.may(Right::ProposeRules),
        form,
        shell: person.shell,
    })
}

/// `POST /rules/lists/{name}`: an entry ends or gets another end, or the whole list goes.
pub async fn change_list(State(state): State<WebState>, Path(name): Path<String>, posted: Posted) -> Answer {
    let Posted { person, fields } = posted;
    let (app, actor) = (&state.app, &person.actor);
    let address = format!("/rules/lists/{}", in_query(&name));
    let key = fields.get("key");
    let (done, to, flash) = match fields.get("do") {
        "remove" => (
            flow::remove_entry(app, actor, &name, key).await,
            address,
            Flash::new("flash.list_removed", key),
        ),
        "delete" if fields.get("confirm") == name => (
            flow::delete_list(app, actor, &name).await,
            "/rules/lists".to_owned(),
            Flash::new("flash.list_deleted", name.as_str()),
        ),
        "delete" => {
            let form = FormState::filled(fields).wrong("confirm", person.shell.t("rule_lists.confirm_wrong"));
            return show_with(
                StatusCode::UNPROCESSABLE_ENTITY,
                &list_page(&state, person, &name, form, None).await?,
            );
        }
        "until" => {
            let entry = until(fields.get("until")).map(|until| NewListEntry {
                key: key.to_owned(),
                until,
            });
            let entry = entry.map_err(ConsoleError::BadRequest)?;
            let done = flow::add_entries(app, actor, &name, vec![entry]).await;
            (done, address, Flash::new("flash.list_saved", name.as_str()))
        }
        _ => return Err(ConsoleError::BadRequest("no such step")),
    };
    done?;
    Ok(go_saying(&state, &to, &flash))
}

/// `POST /rules/lists/{name}/upload`: lines that were typed, and those of a file.
pub async fn upload_list(State(state): State<WebState>, Path(name): Path<String>, upload: Upload) -> Answer {
    let Upload {
        person,
        fields,
        file,
        held: _held,
    } = upload;
    let _place = state.shared.admission.enter().await.ok_or(ConsoleError::Busy)?;
    let mut text = fields.get("entries").to_owned();
    let mut form = FormState::filled(fields.clone());
    match file {
        None => {}
        Some((_, FileContent::Bytes(bytes))) => match std::str::from_utf8(&bytes) {
            Ok(more) => {
                text.push('\n');
                text.push_str(more.trim_start_matches('\u{feff}'));
            }
            Err(_) => form = form.wrong("file", person.shell.t("rule_lists.not_text")),
        },
        // A video is no list.
        Some((_, FileContent::Spooled(_))) => form = form.wrong("file", person.shell.t("rule_lists.not_text")),
    }
    let end = until(fields.get("until"));
    if let Err(what) = end {
        form = form.wrong("until", person.shell.with("common.field_invalid", "what", what));
    }
    if text.trim().is_empty() && !form.has_errors() {
        form = form.wrong("entries", person.shell.t("rule_lists.nothing"));
    }
    let (Ok(end), false) = (end, form.has_errors()) else {
        return show_with(
            StatusCode::UNPROCESSABLE_ENTITY,
            &list_page(&state, person, &name, form, None).await?,
        );
    };
    match flow::upload_list(&state.app, &person.actor, &name, &text, end).await {
        Ok(done) => {
            let what = person
                .shell
                .with_two("rule_lists.added", "n", done.n_added, "refused", done.n_refused);
            let address = format!("/rules/lists/{}", in_query(&name));
            Ok(go_saying(&state, &address, &Flash::new("flash.list_filled", what)))
        }
        Err(error) => {
            let (field, what) = fault(&person.shell, error)?;
            let form = form.wrong(if field == "file" { "entries" } else { field }, what);
            show_with(
                StatusCode::UNPROCESSABLE_ENTITY,
                &list_page(&state, person, &name, form, None).await?,
            )
        }
    }
}
