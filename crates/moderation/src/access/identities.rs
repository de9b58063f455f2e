//! Who people are at an identity provider.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{Timestamp, UserId};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// Who a person is at a provider: the provider, and its own word for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// Its word for the person, which it gives to nobody else.
    pub subject: String,
    /// The person.
    pub user: UserId,
    /// When the two were joined.
    pub linked_at: Timestamp,
    /// Since when the provider's groups give the person nothing here, if that is so.
    pub refused_at: Option<Timestamp>,
}

/// Keeps an identity; `false` if it is somebody's already, or the person has another there.
pub async fn insert_identity(tx: &mut Tx, identity: &Identity) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO access_identity (issuer, subject, user_id, linked_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(identity.issuer.clone())
    .bind(identity.subject.clone())
    .bind(identity.user.to_string())
    .bind(identity.linked_at.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep an identity"))?;
    Ok(done.rows_affected() == 1)
}

/// Whose identity it is.
pub async fn find_identity(
    conn: &mut AnyConnection,
    issuer: &str,
    subject: &str,
) -> Result<Option<Identity>, StoreError> {
    let row = query(
        "SELECT issuer, subject, user_id, linked_at, refused_at FROM access_identity WHERE issuer = $1 AND subject = $2",
    )
    .bind(issuer.to_owned())
    .bind(subject.to_owned())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("look an identity up"))?;
    row.map(|row| read(&row)).transpose()
}

/// The identities of a person, the oldest first.
pub async fn list_identities(conn: &mut AnyConnection, user: UserId) -> Result<Vec<Identity>, StoreError> {
    let rows = query(
        "SELECT issuer, subject, user_id, linked_at, refused_at FROM access_identity WHERE user_id = $1
         ORDER BY linked_at, issuer",
    )
    .bind(user.to_string())
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the identities of a user"))?;
    rows.iter().map(read).collect()
}

/// Forgets an identity of a person; `false` if it is not theirs.
pub async fn delete_identity(tx: &mut Tx, identity: &Identity) -> Result<bool, StoreError> {
    let done = query("DELETE FROM access_identity WHERE issuer = $1 AND subject = $2 AND user_id = $3")
        .bind(identity.issuer.clone())
        .bind(identity.subject.clone())
        .bind(identity.user.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget an identity"))?;
    Ok(done.rows_affected() == 1)
}

/// Notes since when the provider gives the person nothing here, or that it does again.
pub async fn set_refused(tx: &mut Tx, identity: &Identity, at: Option<Timestamp>) -> Result<(), StoreError> {
    query("UPDATE access_identity SET refused_at = $1 WHERE issuer = $2 AND subject = $3")
        .bind(at.map(Timestamp::unix_ms))
        .bind(identity.issuer.clone())
        .bind(identity.subject.clone())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("note what a provider says of a user"))?;
    Ok(())
}

/// Forgets for a person that a provider gives them nothing.
pub async fn clear_refused(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    query("UPDATE access_identity SET refused_at = NULL WHERE user_id = $1")
        .bind(user.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget what a provider says of a user"))?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Identity, StoreError> {
    Ok(Identity {
        issuer: row.text("issuer")?,
        subject: row.text("subject")?,
        user: row.parse("user_id")?,
        linked_at: row.time("linked_at")?,
        refused_at: row.opt_time("refused_at")?,
    })
}
