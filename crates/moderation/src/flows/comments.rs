//! People tell each other what they know of a case. The log says that somebody did, never what: it forgets nothing, and a comment may tell of people.

use super::cases::{CaseError, find_open_to, person};
use crate::model::{Actor, CaseId, Comment, CommentId};
use crate::{Seawall, cases};

/// Keeps what the person tells the others about a case of their queues, open or closed.
pub async fn comment_on_case(app: &Seawall, actor: &Actor, id: CaseId, text: &str) -> Result<CommentId, CaseError> {
    let author = person(actor)?;
    let text = text.trim();
    let invalid = |what: String| CaseError::Invalid { field: "comment", what };
    let n_characters = text.chars().count();
    if n_characters == 0 || n_characters > Comment::LENGTH_MAX || text.contains('\0') {
        return Err(invalid(format!("must be 1 to {} characters", Comment::LENGTH_MAX)));
    }
    let mut tx = app.store.begin("comment on a case").await?;
    let now = app.clock.now();
    let case = find_open_to(&mut tx, actor, id, now).await?;
    if cases::comments::of_case(tx.conn(), case.id).await?.len() >= Comment::PER_CASE_MAX {
        return Err(invalid(format!(
            "is one more than {} on one case",
            Comment::PER_CASE_MAX
        )));
    }
    let comment = Comment {
        id: CommentId::fresh(now, &app.chance),
        case: case.id,
        author,
        at: now,
        text: Some(text.to_owned()),
    };
    cases::comments::insert(&mut tx, &comment).await?;
    let body = serde_json::json!({ "comment": comment.id.to_string() });
    tx.event(now, actor, "case.commented", id, body);
    tx.commit().await?;
    Ok(comment.id)
}

/// The author takes a comment back: what it said is gone. Doing it twice does it once.
pub async fn take_comment_back(app: &Seawall, actor: &Actor, id: CaseId, comment: CommentId) -> Result<(), CaseError> {
    let author = person(actor)?;
    let mut tx = app.store.begin("take a comment back").await?;
    let now = app.clock.now();
    let case = find_open_to(&mut tx, actor, id, now).await?;
    let comments = cases::comments::of_case(tx.conn(), case.id).await?;
    let own = comments.iter().find(|one| one.id == comment && one.author == author);
    match own.ok_or(CaseError::NotFound)?.text {
        None => return Ok(()),
        Some(_) => cases::comments::forget_text(&mut tx, comment).await?,
    }
    let body = serde_json::json!({ "comment": comment.to_string() });
    tx.event(now, actor, "case.comment_taken_back", id, body);
    tx.commit().await?;
    Ok(())
}
