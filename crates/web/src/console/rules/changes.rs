//! Changes of the rules: what is different, what the tests, the past and the shadow say of it, and the steps that lead on. Start with
//! [`show_change`].

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use moderation::flows::rules::{self as flow, BACKTEST_DAYS_MAX, RollBack, RulesError};
use moderation::model::{Change, ChangeId, ChangeState, RuleFile, Timestamp};
use moderation::views::{self, ChangeRow, ChangeView};
use serde::Deserialize;

use super::compared::Compared;
use super::diff::DiffFile;
use super::editor::ReportLines;
use super::{fault, percent, share};
use crate::WebState;
use crate::console::flash::Flash;
use crate::console::form::{FormState, Posted};
use crate::console::page::{Answer, go_saying, page_request, show, show_with};
use crate::console::problem::ConsoleError;
use crate::console::shell::Shell;
use crate::console::visit::Person;

/// Rows of one page.
const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "rules_changes.html")]
struct ChangesPage {
    shell: Shell,
    tab: &'static str,
    rows: Vec<ChangeLine>,
    is_open: bool,
    base: &'static str,
    next: Option<String>,
    is_first: bool,
}

struct ChangeLine {
    id: ChangeId,
    note: String,
    state: ChangeState,
    by: String,
    at: Timestamp,
}

#[derive(Template)]
#[template(path = "rules_change.html")]
struct ChangePage {
    shell: Shell,
    form: FormState,
    change: Change,
    by: String,
    decided_by: String,
    is_own: bool,
    is_by_own_key: bool,
    is_stale: bool,
    is_live: bool,
    live: i64,
    may_approve: bool,
    in_shadow: bool,
    diff: Vec<DiffFile>,
    report: Option<ReportLines>,
    compared: Option<Compared>,
    shadow: Option<ShadowLines>,
    days: String,
    days_max: u32,
    note_length_max: usize,
}

struct ShadowLines {
    n_events: i64,
    n_differ: i64,
    percent: String,
    outcomes: Vec<(String, String, i64)>,
    languages: Vec<(String, i64, i64)>,
    examples: Vec<ShadowLine>,
}

struct ShadowLine {
    item: String,
    was: String,
    would_be: String,
    rules: String,
}

/// Which changes.
#[derive(Debug, Deserialize)]
pub struct ChangesQuery {
    state: Option<String>,
    cursor: Option<String>,
}

/// `GET /rules/changes`
pub async fn list_changes(State(state): State<WebState>, person: Person, Query(query): Query<ChangesQuery>) -> Answer {
    let is_open = query.state.as_deref() != Some("all");
    let request = page_request(query.cursor, ROWS);
    let changes = views::list_changes(&state.app, &person.actor, is_open, &request).await?;
    show(&ChangesPage {
        tab: "changes",
        rows: changes.rows.into_iter().map(ChangeLine::of).collect(),
        is_open,
        base: if is_open {
            "/rules/changes"
        } else {
            "/rules/changes?state=all"
        },
        next: changes.next,
        is_first: request.cursor.is_none(),
        shell: person.shell,
    })
}

impl ChangeLine {
    fn of(row: ChangeRow) -> Self {
        Self {
            id: row.change.id,
            note: row.change.note,
            state: row.change.state,
            by: row.proposed_by_name,
            at: row.change.proposed_at,
        }
    }
}

/// `GET /rules/changes/{id}`
pub async fn show_change(State(state): State<WebState>, person: Person, Path(id): Path<String>) -> Answer {
    show(&change_page(&state, person, parse(&id)?, FormState::default()).await?)
}

async fn change_page(
    state: &WebState,
    person: Person,
    id: ChangeId,
    form: FormState,
) -> Result<ChangePage, ConsoleError> {
    let view = views::change(&state.app, &person.actor, id).await?;
    let ChangeView {
        row,
        files,
        diff,
        shadow,
        standing,
        is_stale,
        may_approve,
        is_own,
        is_by_own_key,
    } = view.ok_or(ConsoleError::NotFound)?;
    let shell = person.shell.clone();
    let change = row.change;
    Ok(ChangePage {
        by: row.proposed_by_name,
        decided_by: row.decided_by_name.unwrap_or_default(),
        is_own,
        is_by_own_key,
        is_stale,
        is_live: standing.live == change.version,
        live: standing.live,
        may_approve,
        in_shadow: standing.shadow.is_some_and(|(_, of)| of == id),
        diff: diff.into_iter().map(DiffFile::of).collect(),
        report: report_of(state, &person, &files, &shell)?,
        compared: change.backtest.as_ref().map(|backtest| Compared::of(&backtest.found)),
        shadow: shadow.map(|found| ShadowLines {
            n_events: found.n_events,
            n_differ: found.n_differ,
            percent: percent(share(found.n_differ.unsigned_abs(), found.n_events.unsigned_abs())),
            outcomes: found.outcomes,
            languages: found.languages,
            examples: found
                .examples
                .into_iter()
                .map(|example| ShadowLine {
                    item: example.item.to_string(),
                    was: example.was,
                    would_be: example.would_be,
                    rules: example.rules.join(", "),
                })
                .collect(),
        }),
        days: match form.value("days") {
            "" => "7".to_owned(),
            days => days.to_owned(),
        },
        days_max: BACKTEST_DAYS_MAX,
        note_length_max: Change::NOTE_LENGTH_MAX,
        change,
        form,
        shell,
    })
}

fn report_of(
    state: &WebState,
    person: &Person,
    files: &[RuleFile],
    shell: &Shell,
) -> Result<Option<ReportLines>, ConsoleError> {
    match flow::check(&state.app, &person.actor, files) {
        Ok(report) => Ok(Some(ReportLines::of(&report, shell, true))),
        Err(RulesError::Invalid { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// `POST /rules/changes/{id}`: one step on its way, as the button says.
pub async fn move_change(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    let Posted { person, fields } = posted;
    let (app, actor) = (&state.app, &person.actor);
    let note = fields.get("note");
    let done = match fields.get("do") {
        "backtest" => {
            let days = fields.get("days").trim().parse().unwrap_or(0);
            flow::backtest(app, actor, id, days)
                .await
                .map(|_| "flash.change_backtested")
        }
        "shadow" => flow::start_shadow(app, actor, id)
            .await
            .map(|()| "flash.change_in_shadow"),
        "stop_shadow" => flow::stop_shadow(app, actor, id)
            .await
            .map(|()| "flash.change_out_of_shadow"),
        "approve" => flow::approve(app, actor, id, note).await.map(|_| "flash.change_live"),
        "reject" => flow::reject(app, actor, id, note)
            .await
            .map(|()| "flash.change_rejected"),
        "withdraw" => flow::withdraw(app, actor, id, note)
            .await
            .map(|()| "flash.change_withdrawn"),
        _ => return Err(ConsoleError::BadRequest("no such step")),
    };
    match done {
        Ok(key) => Ok(go_saying(&state, &format!("/rules/changes/{id}"), &Flash::new(key, ""))),
        Err(error) => {
            let (field, what) = fault(&person.shell, error)?;
            let form = FormState::filled(fields).wrong(field, what);
            show_with(
                StatusCode::UNPROCESSABLE_ENTITY,
                &change_page(&state, person, id, form).await?,
            )
        }
    }
}

/// `POST /rules/roll-back`: to the last version that was live, or to the one that is named.
pub async fn roll_back(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let version = |field: &str| match fields.get(field) {
        "" => Ok(None),
        number => number
            .parse()
            .map(Some)
            .map_err(|_| ConsoleError::BadRequest("no such version")),
    };
    let step = RollBack {
        to: version("version")?,
        from: version("from")?,
        why: fields.get("why").to_owned(),
    };
    match flow::roll_back(&state.app, &person.actor, &step).await {
        Ok(version) => {
            let flash = Flash::new("flash.rolled_back", version.to_string());
            Ok(go_saying(&state, "/rules", &flash))
        }
        Err(
            error @ (RulesError::Invalid { .. }
            | RulesError::NotFound { .. }
            | RulesError::Same
            | RulesError::Stale { .. }),
        ) => {
            let key = match error {
                RulesError::Invalid { .. } => "problem.roll_back_why",
                RulesError::Stale { .. } => "problem.roll_back_stale",
                _ => "problem.roll_back",
            };
            Ok(go_saying(&state, "/rules/versions", &Flash::new(key, "")))
        }
        Err(error) => Err(error.into()),
    }
}

fn parse(id: &str) -> Result<ChangeId, ConsoleError> {
    id.parse().map_err(|_| ConsoleError::NotFound)
}
