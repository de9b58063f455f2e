//! Someone looks at a picture without its blur: the picture is handed out, and the log says who saw what and when.
//!
//! The line is written before the picture leaves, so nothing is seen that is not in the log. Who looks again soon adds no
//! line, so that holding and letting go does not drown the rest. Start with [`reveal_media`].

use std::time::Duration;

use crate::Seawall;
use crate::model::{Actor, EntryId, MediaId, PreviewKind, Right};
use crate::store::events;
use crate::views::{ViewError, exposure_of, reaches_media};
use crate::{banks, items};

/// For so long after a line, another look of the same person at the same thing adds none.
pub const NOTED_FOR: Duration = Duration::from_secs(15 * 60);

/// A clear picture of a submitted file.
pub async fn reveal_media(
    app: &Seawall,
    actor: &Actor,
    id: MediaId,
    picture: ClearPicture,
) -> Result<Option<Vec<u8>>, ViewError> {
    actor.require(Right::RevealMedia)?;
    let mut conn = app.store.reader().await?;
    if !reaches_media(&mut conn, actor, id).await? {
        return Ok(None);
    }
    let bytes = items::preview(&mut conn, id, picture.kind()).await?;
    drop(conn);
    if bytes.is_some() {
        note(app, actor, "media.revealed", &id.to_string(), picture).await?;
    }
    Ok(bytes)
}

/// A clear picture of a video's strip.
pub async fn reveal_strip_picture(
    app: &Seawall,
    actor: &Actor,
    id: MediaId,
    idx: u32,
) -> Result<Option<Vec<u8>>, ViewError> {
    actor.require(Right::RevealMedia)?;
    let mut conn = app.store.reader().await?;
    if !reaches_media(&mut conn, actor, id).await? {
        return Ok(None);
    }
    let bytes = items::strip_picture(&mut conn, id, idx, false).await?;
    drop(conn);
    if bytes.is_some() {
        note(app, actor, "media.revealed", &id.to_string(), ClearPicture::Small).await?;
    }
    Ok(bytes)
}

/// A clear picture of a banked entry.
pub async fn reveal_entry(
    app: &Seawall,
    actor: &Actor,
    id: EntryId,
    picture: ClearPicture,
) -> Result<Option<Vec<u8>>, ViewError> {
    actor.require(Right::RevealMedia)?;
    let bytes = banks::entry_preview(&mut *app.store.reader().await?, id, picture.kind()).await?;
    if bytes.is_some() {
        note(app, actor, "entry.revealed", &id.to_string(), picture).await?;
    }
    Ok(bytes)
}

/// A clear picture of an entry's strip.
pub async fn reveal_entry_strip_picture(
    app: &Seawall,
    actor: &Actor,
    id: EntryId,
    idx: u32,
) -> Result<Option<Vec<u8>>, ViewError> {
    actor.require(Right::RevealMedia)?;
    let bytes = banks::strip_picture(&mut *app.store.reader().await?, id, idx, false).await?;
    if bytes.is_some() {
        note(app, actor, "entry.revealed", &id.to_string(), ClearPicture::Small).await?;
    }
    Ok(bytes)
}

/// A preview without blur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearPicture {
    /// As it was posted, but small.
    Small,
    /// The same without colour.
    Greyscale,
}

impl ClearPicture {
    /// The picture as it is kept.
    pub const fn kind(self) -> PreviewKind {
        match self {
            ClearPicture::Small => PreviewKind::Small,
            ClearPicture::Greyscale => PreviewKind::Greyscale,
        }
    }
}

/// Writes down that it was seen. Who has uncovered so much that they rest sees nothing new; what they saw a moment ago stays open to them.
async fn note(
    app: &Seawall,
    actor: &Actor,
    kind: &'static str,
    subject: &str,
    picture: ClearPicture,
) -> Result<(), ViewError> {
    let now = app.clock.now();
    let since = now.before(NOTED_FOR);
    let mut conn = app.store.reader().await?;
    if events::is_noted(&mut conn, kind, subject, actor, since).await? {
        return Ok(());
    }
    if let Some(until) = exposure_of(app, &mut conn, actor).await?.rests_until {
        return Err(ViewError::Resting { until });
    }
    drop(conn);
    let mut tx = app.store.begin("note a look at a picture").await?;
    let body = serde_json::json!({ "picture": picture.kind().as_str() });
    tx.event(now, actor, kind, subject, body);
    Ok(tx.commit().await?)
}
