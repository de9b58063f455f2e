//! The small pictures of files and entries: to those who may read cases, never kept by the browser.
//!
//! Pages show the blurred ones. A clear one is loaded by the browser only when someone uncovers it (it is lazy, and not laid
//! out before), and each is asked for as a revelation, which the log notes. A browser whose scripts are turned off loads lazy
//! pictures with the page (the HTML standard wants it so): there the log notes that the page was opened.

use axum::extract::{Path, State};
use moderation::flows::reveal::{self, ClearPicture};
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
    let bytes = match clear(&kind)? {
        None => views::blurred_media_preview(&state.app, &person.actor, id).await?,
        Some(picture) => reveal::reveal_media(&state.app, &person.actor, id, picture).await?,
    };
    Ok(jpeg(bytes.ok_or(ConsoleError::NotFound)?))
}

/// `GET /media/{id}/strip/{idx}/{kind}`: a frame of a video.
pub async fn show_strip_picture(
    State(state): State<WebState>,
    person: Person,
    Path((id, idx, kind)): Path<(String, u32, String)>,
) -> Answer {
    let id: MediaId = id.parse().map_err(|_| ConsoleError::NotFound)?;
    let bytes = match kind.parse().map_err(|_| ConsoleError::NotFound)? {
        PreviewKind::Blurred => views::blurred_strip_picture(&state.app, &person.actor, id, idx).await?,
        PreviewKind::Small => reveal::reveal_strip_picture(&state.app, &person.actor, id, idx).await?,
        PreviewKind::Greyscale => None,
    };
    Ok(jpeg(bytes.ok_or(ConsoleError::NotFound)?))
}

/// `GET /entries/{id}/strip/{idx}/{kind}`: a frame of a known video.
pub async fn show_entry_strip_picture(
    State(state): State<WebState>,
    person: Person,
    Path((id, idx, kind)): Path<(String, u32, String)>,
) -> Answer {
    let id: EntryId = id.parse().map_err(|_| ConsoleError::NotFound)?;
    let bytes = match kind.parse().map_err(|_| ConsoleError::NotFound)? {
        PreviewKind::Blurred => views::blurred_entry_strip_picture(&state.app, &person.actor, id, idx).await?,
        PreviewKind::Small => reveal::reveal_entry_strip_picture(&state.app, &person.actor, id, idx).await?,
        PreviewKind::Greyscale => None,
    };
    Ok(jpeg(bytes.ok_or(ConsoleError::NotFound)?))
}

/// `GET /entries/{id}/{kind}`
pub async fn show_entry_preview(
    State(state): State<WebState>,
    person: Person,
    Path((id, kind)): Path<(String, String)>,
) -> Answer {
    let id: EntryId = id.parse().map_err(|_| ConsoleError::NotFound)?;
    let bytes = match clear(&kind)? {
        None => views::blurred_entry_preview(&state.app, &person.actor, id).await?,
        Some(picture) => reveal::reveal_entry(&state.app, &person.actor, id, picture).await?,
    };
    Ok(jpeg(bytes.ok_or(ConsoleError::NotFound)?))
}

/// Which clear picture `kind` names; none for the blurred one.
fn clear(kind: &str) -> Result<Option<ClearPicture>, ConsoleError> {
    match kind.parse().map_err(|_| ConsoleError::NotFound)? {
        PreviewKind::Blurred => Ok(None),
        PreviewKind::Small => Ok(Some(ClearPicture::Small)),
        PreviewKind::Greyscale => Ok(Some(ClearPicture::Greyscale)),
    }
}
