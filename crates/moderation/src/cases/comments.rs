//! What people told each other about cases.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{CaseId, Comment, CommentId};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// Keeps a comment.
pub async fn insert(tx: &mut Tx, comment: &Comment) -> Result<(), StoreError> {
    query("INSERT INTO cases_comment (id, case_id, author, at, text) VALUES ($1, $2, $3, $4, $5)")
        .bind(comment.id.to_string())
        .bind(comment.case.to_string())
        .bind(comment.author.to_string())
        .bind(comment.at.unix_ms())
        .bind(comment.text.clone())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keep a comment"))?;
    Ok(())
}

/// Forgets what a comment said. That there was one stays.
pub async fn forget_text(tx: &mut Tx, id: CommentId) -> Result<(), StoreError> {
    query("UPDATE cases_comment SET text = NULL WHERE id = $1")
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("take a comment back"))?;
    Ok(())
}

/// The comments on a case, the oldest first.
pub async fn of_case(conn: &mut AnyConnection, case: CaseId) -> Result<Vec<Comment>, StoreError> {
    let rows = query("SELECT id, case_id, author, at, text FROM cases_comment WHERE case_id = $1 ORDER BY at, id")
        .bind(case.to_string())
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read the comments on a case"))?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Comment, StoreError> {
    Ok(Comment {
        id: row.parse("id")?,
        case: row.parse("case_id")?,
        author: row.parse("author")?,
        at: row.time("at")?,
        text: row.opt_text("text")?,
    })
}
