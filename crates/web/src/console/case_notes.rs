//! What people add to a case that decides nothing: a comment for the others, a translation of what was posted. Start with [`comment`].

use axum::extract::{Path, State};
use moderation::flows::cases::CaseError;
use moderation::flows::comments;
use moderation::flows::translate::{self, NewTranslation, TranslateError};
use moderation::model::{CaseId, CommentId};
use moderation::views::{self, CaseView};

use super::cases::show_again;
use super::flash::Flash;
use super::form::{FormState, Posted};
use super::page::{Answer, go_saying, go_to};
use super::problem::ConsoleError;
use crate::WebState;

/// `POST /cases/{id}/comments`
pub async fn comment(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    let Posted { person, fields } = posted;
    match comments::comment_on_case(&state.app, &person.actor, id, fields.get("comment")).await {
        Ok(_) => Ok(go_to(&format!("/cases/{id}#comments"))),
        Err(CaseError::Invalid { field, what }) => {
            let what = person.shell.with("common.field_invalid", "what", what);
            show_again(&state, person, id, FormState::filled(fields).wrong(field, what)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /cases/{id}/comments/{comment}/take-back`
pub async fn take_comment_back(
    State(state): State<WebState>,
    Path((id, comment)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let id = parse(&id)?;
    let comment: CommentId = comment.parse().map_err(|_| ConsoleError::NotFound)?;
    comments::take_comment_back(&state.app, &posted.person.actor, id, comment).await?;
    Ok(go_to(&format!("/cases/{id}#comments")))
}

/// `POST /cases/{id}/translation`: keeps one, or takes one away.
pub async fn translate(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    let Posted { person, fields } = posted;
    let view = case_of(&state, &person.actor, id).await?;
    let revision: i64 = fields.get("revision").parse().map_err(|_| ConsoleError::NotFound)?;
    let language = fields.get("translation-language").trim().to_owned();
    let done = match fields.get("do") {
        "remove" => translate::remove_translation(&state.app, &person.actor, &view.item.id, revision, &language).await,
        _ => {
            let new = NewTranslation {
                revision,
                language,
                text: fields.get("translation-text").to_owned(),
                translator: Some(person.shell.user_name().to_owned()).filter(|name| !name.is_empty()),
            };
            translate::put_translation(&state.app, &person.actor, &view.item.id, new).await
        }
    };
    match done {
        Ok(()) => Ok(go_to(&format!("/cases/{id}"))),
        Err(TranslateError::Changed) => {
            let changed = Flash::new("problem.translation_changed", "");
            Ok(go_saying(&state, &format!("/cases/{id}"), &changed))
        }
        Err(TranslateError::Invalid { field, what }) => {
            let field = match field {
                "language" => "translation-language",
                _ => "translation-text",
            };
            let what = person.shell.with("common.field_invalid", "what", what);
            show_again(&state, person, id, FormState::filled(fields).wrong(field, what)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn case_of(state: &WebState, actor: &moderation::model::Actor, id: CaseId) -> Result<CaseView, ConsoleError> {
    views::case(&state.app, actor, id).await?.ok_or(ConsoleError::NotFound)
}

fn parse(id: &str) -> Result<CaseId, ConsoleError> {
    id.parse().map_err(|_| ConsoleError::NotFound)
}
