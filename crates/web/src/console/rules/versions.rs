//! Versions of the rules: what each says, and what is different from another. Start with [`show_version`].

use askama::Template;
use axum::extract::{Path, Query, State};
use moderation::model::{RuleFile, RulesVersion};
use moderation::views::{self, VersionRow};
use serde::Deserialize;

use super::diff::DiffFile;
use crate::WebState;
use crate::console::page::{Answer, page_request, show};
use crate::console::problem::ConsoleError;
use crate::console::shell::Shell;
use crate::console::visit::Person;

/// Rows of one page.
const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "rules_versions.html")]
struct VersionsPage {
    shell: Shell,
    tab: &'static str,
    rows: Vec<VersionRow>,
    next: Option<String>,
    is_first: bool,
}

#[derive(Template)]
#[template(path = "rules_version.html")]
struct VersionPage {
    shell: Shell,
    tab: &'static str,
    version: RulesVersion,
    by: String,
    is_live: bool,
    live: i64,
    is_shadow: bool,
    files: Vec<RuleFile>,
    against: Option<i64>,
    diff: Vec<DiffFile>,
}

/// Which page of the list.
#[derive(Debug, Deserialize)]
pub struct VersionsQuery {
    cursor: Option<String>,
}

/// What to compare with.
#[derive(Debug, Deserialize)]
pub struct VersionQuery {
    against: Option<i64>,
}

/// `GET /rules/versions`
pub async fn list_versions(
    State(state): State<WebState>,
    person: Person,
    Query(query): Query<VersionsQuery>,
) -> Answer {
    let request = page_request(query.cursor, ROWS);
    let versions = views::list_rules_versions(&state.app, &person.actor, &request).await?;
    show(&VersionsPage {
        tab: "versions",
        rows: versions.rows,
        next: versions.next,
        is_first: request.cursor.is_none(),
        shell: person.shell,
    })
}

/// `GET /rules/versions/{number}`
pub async fn show_version(
    State(state): State<WebState>,
    person: Person,
    Path(number): Path<String>,
    Query(query): Query<VersionQuery>,
) -> Answer {
    let number: i64 = number.parse().map_err(|_| ConsoleError::NotFound)?;
    let view = views::rules_version(&state.app, &person.actor, number).await?;
    let view = view.ok_or(ConsoleError::NotFound)?;
    let against = query
        .against
        .or(Some(number - 1))
        .filter(|other| *other > 0 && *other != number);
    let diff = match against {
        Some(other) => views::diff_versions(&state.app, &person.actor, other, number).await?,
        None => None,
    };
    show(&VersionPage {
        tab: "versions",
        by: view.row.author_name,
        is_live: view.row.is_live,
        live: view.live,
        is_shadow: view.row.is_shadow,
        version: view.row.version,
        files: view.files,
        against: against.filter(|_| diff.is_some()),
        diff: diff.unwrap_or_default().into_iter().map(DiffFile::of).collect(),
        shell: person.shell,
    })
}
