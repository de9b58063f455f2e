//! An item's text gets a translation: from the platform's own translator by the API, or from a colleague who reads the language. It is shown beside the text, to
//! everyone who sees that; nothing is decided by it, and no rule reads it.

use crate::model::{Actor, Denied, ItemId, Right, Timestamp, Translation};
use crate::store::{StoreError, Tx};
use crate::views::reaches_item;
use crate::{Seawall, items};

/// Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum TranslateError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such item, or not for this actor; or it has no text, or no translation into that language.
    #[error("there is no such {what}")]
    NotFound {
        /// Of what.
        what: &'static str,
    },
    /// The item changed since: what was translated is not what is there.
    #[error("the item changed since its text was translated")]
    Changed,
    /// Something about the request is wrong.
    #[error("`{field}` {what}")]
    Invalid {
        /// Which part.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A translation that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTranslation {
    /// Which revision of the item was translated.
    pub revision: i64,
    /// Into which language.
    pub language: String,
    /// The text in it.
    pub text: String,
    /// Who or what translated.
    pub translator: Option<String>,
}

/// Keeps a translation, in the place of the one into the same language. Platforms send it with the right to submit, people with the right to decide.
pub async fn put_translation(
    app: &Seawall,
    actor: &Actor,
    id: &ItemId,
    new: NewTranslation,
) -> Result<(), TranslateError> {
    check_right(actor)?;
    check(&new)?;
    let mut tx = app.store.begin("translate an item").await?;
    let now = app.clock.now();
    let text = text_of(&mut tx, actor, id, new.revision).await?;
    text.ok_or(TranslateError::NotFound { what: "text" })?;
    let known = items::translations(tx.conn(), id, new.revision).await?;
    let is_another = known.iter().all(|one| one.language != new.language);
    if is_another && known.len() >= Translation::LANGUAGES_MAX {
        let what = format!("is one more than {} for one item", Translation::LANGUAGES_MAX);
        return Err(TranslateError::Invalid {
            field: "language",
            what,
        });
    }
    let revision = new.revision;
    let translation = kept(new, now);
    items::put_translation(&mut tx, id, revision, &translation).await?;
    let body = serde_json::json!({ "language": translation.language, "revision": revision });
    tx.event(now, actor, "item.translated", id, body);
    tx.commit().await?;
    Ok(())
}

/// Forgets the translation of the item's revision into a language.
pub async fn remove_translation(
    app: &Seawall,
    actor: &Actor,
    id: &ItemId,
    revision: i64,
    language: &str,
) -> Result<(), TranslateError> {
    check_right(actor)?;
    let mut tx = app.store.begin("forget a translation").await?;
    let now = app.clock.now();
    text_of(&mut tx, actor, id, revision).await?;
    if !items::remove_translation(&mut tx, id, revision, language).await? {
        return Err(TranslateError::NotFound { what: "translation" });
    }
    let body = serde_json::json!({ "language": language, "revision": revision, "removed": true });
    tx.event(now, actor, "item.translated", id, body);
    tx.commit().await?;
    Ok(())
}

fn check_right(actor: &Actor) -> Result<(), Denied> {
    match actor.may(Right::DecideCases) {
        true => Ok(()),
        false => actor.require(Right::SubmitItems),
    }
}

/// The text of an item's revision, of an item that the actor reaches. The item stays as it is until the transaction ends.
async fn text_of(tx: &mut Tx, actor: &Actor, id: &ItemId, revision: i64) -> Result<Option<String>, TranslateError> {
    let not_found = TranslateError::NotFound { what: "item" };
    if items::lock_known(tx, id).await?.is_none() || !reaches_item(tx.conn(), actor, id).await? {
        return Err(not_found);
    }
    let (item, _) = items::find(tx.conn(), id).await?.ok_or(not_found)?;
    match item.revision == revision {
        true => Ok(item.text),
        false => Err(TranslateError::Changed),
    }
}

fn check(new: &NewTranslation) -> Result<(), TranslateError> {
    let invalid = |field, what: String| Err(TranslateError::Invalid { field, what });
    if !Translation::is_language(&new.language) {
        return invalid(
            "language",
            "must be a language tag such as `fr` or `zh-Hant`".to_owned(),
        );
    }
    let is_text =
        |text: &str, most: usize| !text.trim().is_empty() && text.chars().count() <= most && !text.contains('\0');
    if !is_text(&new.text, Translation::LENGTH_MAX) {
        return invalid("text", format!("must be 1 to {} characters", Translation::LENGTH_MAX));
    }
    let most = Translation::TRANSLATOR_LENGTH_MAX;
    if new.translator.as_deref().is_some_and(|name| !is_text(name, most)) {
        return invalid("translator", format!("must be 1 to {most} characters"));
    }
    Ok(())
}

fn kept(new: NewTranslation, at: Timestamp) -> Translation {
    Translation {
        language: new.language,
        text: new.text.trim().to_owned(),
        translator: new.translator.map(|name| name.trim().to_owned()),
        at,
    }
}
