//! Codes that take the place of the authenticator when it is lost: kept as hashes, each good once.

use sqlx::{AnyConnection, query};

use crate::model::UserId;
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// Keeps these codes of a user, by their hashes; older ones are good no more.
pub async fn put_recovery_codes(tx: &mut Tx, user: UserId, hashes: &[String]) -> Result<(), StoreError> {
    delete_recovery_codes(tx, user).await?;
    for hash in hashes {
        query("INSERT INTO access_recovery (user_id, code_hash) VALUES ($1, $2)")
            .bind(user.to_string())
            .bind(hash.clone())
            .execute(tx.conn())
            .await
            .map_err(StoreError::at("keep a recovery code"))?;
    }
    Ok(())
}

/// How many codes a user has left.
pub async fn n_recovery_codes(conn: &mut AnyConnection, user: UserId) -> Result<i64, StoreError> {
    query("SELECT COUNT(*) AS n FROM access_recovery WHERE user_id = $1")
        .bind(user.to_string())
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("count recovery codes"))?
        .int("n")
}

/// Whether somebody has this code. `user` is none where nobody has the name that was tried: the statement is the same.
pub async fn has_recovery_code(conn: &mut AnyConnection, user: Option<UserId>, hash: &str) -> Result<bool, StoreError> {
    let row = query("SELECT code_hash FROM access_recovery WHERE user_id = $1 AND code_hash = $2")
        .bind(user.map(|user| user.to_string()).unwrap_or_default())
        .bind(hash.to_owned())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("look a recovery code up"))?;
    Ok(row.is_some())
}

/// Uses a code up; `false` if the user has none such, so that of two who use it at once one comes in.
pub async fn use_recovery_code(tx: &mut Tx, user: UserId, hash: &str) -> Result<bool, StoreError> {
    let done = query("DELETE FROM access_recovery WHERE user_id = $1 AND code_hash = $2")
        .bind(user.to_string())
        .bind(hash.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("use a recovery code"))?;
    Ok(done.rows_affected() == 1)
}

/// All codes of a user are good no more.
pub async fn delete_recovery_codes(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    query("DELETE FROM access_recovery WHERE user_id = $1")
        .bind(user.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget recovery codes"))?;
    Ok(())
}
