//! The small pictures of files and entries: to those who may read cases, never kept by the browser.

use axum::extract::{Path, State};
use moderation::model::{EntryId, MediaId, PreviewKind};
use moderation::views;

use super::page::{Answer, jpeg};
use super::problem::ConsoleError;
use super::visit::Person;
use crate::WebState;

/// `GET /media/{id}/{kind}`
pub async fn show_media_preview(
    State(state): State<WebState>,
    person: Person,
    Path((id, kind)): Path<(String, String)>,
) -> Answer {
    let id: MediaId = id.parse().map_err(|_| ConsoleError::NotFound)?;
    let kind: PreviewKind = kind.parse().map_err(|_| ConsoleError::NotFound)?;
    let bytes = views::media_preview(&state.app, &person.actor, id, kind)
        .await?
        .ok_or(ConsoleError::NotFound)?;
    Ok(jpeg(bytes))
}

/// `GET /entries/{id}/{kind}`
pub async fn show_entry_preview(
    State(state): State<WebState>,
    person: Person,
    Path((id, kind)): Path<(String, String)>,
) -> Answer {
    let id: EntryId = id.parse().map_err(|_| ConsoleError::NotFound)?;
    let kind: PreviewKind = kind.parse().map_err(|_| ConsoleError::NotFound)?;
    let bytes = views::entry_preview(&state.app, &person.actor, id, kind)
        .await?
        .ok_or(ConsoleError::NotFound)?;
    Ok(jpeg(bytes))
}
