//! Importing a bank from a file.

use axum::Json;
use axum::extract::{Request, State};
use moderation::banks::{IMPORT_MAX, csv};
use moderation::flows::banks as flow;
use moderation::model::{BankId, NewEntry};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{Caller, PathId, content_type, off_thread_if_large, whole_body};
use crate::problem::{ApiError, LineProblem};
use crate::state::WebState;

/// What an import came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Imported)]
pub(crate) struct ImportedJson {
    /// Entries that were added.
    pub added: usize,
    /// Entries that were passed over, since all their signals were in the bank already.
    pub already_present: usize,
}

/// Import entries into a bank
///
/// A file with the columns `type,value,quality,name,labels` (labels separated by `;`; rows that follow each other with the
/// same name are one entry), or a plain list of PDQ hashes, one a line. If a line cannot be read, nothing is taken. Sending
/// the same file again adds nothing.
#[utoipa::path(
    post, path = "/api/v1/banks/{bank}/import", tag = "Entries", operation_id = "import_entries",
    params(("bank" = String, Path, description = "The bank's id.", pattern = "^bank_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body(content = String, content_type = "text/csv", description = "The file.",
        example = "type,value,quality,name,labels\npdq,f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22,100,picture 1,propaganda\n"),
    responses((status = 200, description = "The entries are in the bank.", body = ImportedJson)),
)]
pub(crate) async fn import_entries(
    State(state): State<WebState>,
    caller: Caller,
    PathId(bank): PathId<BankId>,
    request: Request,
) -> Result<Json<ImportedJson>, ApiError> {
    match content_type(request.headers()).as_deref() {
        Some("text/csv" | "text/plain") => {}
        Some(_) | None => {
            return Err(ApiError::UnsupportedMediaType {
                expected: "text/csv or text/plain",
            });
        }
    }
    let body = whole_body(request, &state).await?;
    let mut entries = off_thread_if_large(body.len(), move || read_entries(&body)).await?;
    let mut imported = ImportedJson {
        added: 0,
        already_present: 0,
    };
    // At least once, so that who may not import is told so even with an empty file.
    loop {
        let rest = entries.split_off(entries.len().min(IMPORT_MAX));
        let part = flow::import_entries(&state.app, &caller.actor, bank, entries).await;
        let part = part.map_err(|error| ApiError::of_bank(error, "bank"))?;
        imported.added += part.added;
        imported.already_present += part.already_present;
        if rest.is_empty() {
            return Ok(Json(imported));
        }
        entries = rest;
    }
}

fn read_entries(body: &[u8]) -> Result<Vec<NewEntry>, ApiError> {
    let parsed = csv::parse(body).map_err(|error| ApiError::Malformed {
        what: format!("The file is not CSV: {error}."),
    })?;
    if parsed.errors.is_empty() {
        return Ok(parsed.entries);
    }
    let n_errors = parsed.errors.len();
    let errors = parsed.errors.into_iter().take(LineProblem::N_MAX);
    let errors = errors
        .map(|error| LineProblem {
            line: error.line,
            detail: error.what,
        })
        .collect();
    Err(ApiError::InvalidLines { errors, n_errors })
}
