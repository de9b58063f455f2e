//! API keys of programs.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{Key, KeyId, Timestamp, UserId};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// Keeps a key; of its secret only the hash.
pub async fn insert_key(tx: &mut Tx, key: &Key, secret_hash: &str) -> Result<(), StoreError> {
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    query(
        "INSERT INTO access_key (id, name, secret_hash, scopes, made_by, created_at, person_id, expires_at)
          VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(key.id.to_string())
    .bind(key.name.clone())
    .bind(secret_hash.to_owned())
    .bind(scopes.join(" "))
    .bind(key.made_by.map(|user| user.to_string()))
    .bind(key.created_at.unix_ms())
    .bind(key.person.map(|user| user.to_string()))
    .bind(key.expires_at.map(Timestamp::unix_ms))
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep a key"))?;
    Ok(())
}

/// The key, by the hash of its secret, whether revoked or not.
pub async fn find_key_by_secret(conn: &mut AnyConnection, secret_hash: &str) -> Result<Option<Key>, StoreError> {
    let row = query("SELECT id, name, scopes, made_by, created_at, used_at, revoked_at, person_id, expires_at FROM access_key WHERE secret_hash = $1")
        .bind(secret_hash.to_owned())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read a key"))?;
    row.map(|row| read(&row)).transpose()
}

/// Who made the key, if a person did.
pub async fn maker_of_key(conn: &mut AnyConnection, id: KeyId) -> Result<Option<UserId>, StoreError> {
    let row = query("SELECT made_by FROM access_key WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read who made a key"))?;
    row.map_or(Ok(None), |row| row.opt_parse("made_by"))
}

/// All keys of programs, newest first.
pub async fn list_keys(conn: &mut AnyConnection) -> Result<Vec<Key>, StoreError> {
    let rows = query(
        "SELECT id, name, scopes, made_by, created_at, used_at, revoked_at, person_id, expires_at FROM access_key
         WHERE person_id IS NULL ORDER BY id DESC",
    )
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read keys"))?;
    rows.iter().map(read).collect()
}

/// The tokens of a person that were not revoked, newest first.
pub async fn list_tokens(conn: &mut AnyConnection, person: UserId) -> Result<Vec<Key>, StoreError> {
    let rows = query(
        "SELECT id, name, scopes, made_by, created_at, used_at, revoked_at, person_id, expires_at FROM access_key
         WHERE person_id = $1 AND revoked_at IS NULL ORDER BY id DESC",
    )
    .bind(person.to_string())
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read tokens"))?;
    rows.iter().map(read).collect()
}

/// All tokens of a person open nothing any more. Says how many that were.
pub async fn revoke_tokens_of(tx: &mut Tx, person: UserId, now: Timestamp) -> Result<u64, StoreError> {
    let done = query("UPDATE access_key SET revoked_at = $1 WHERE person_id = $2 AND revoked_at IS NULL")
        .bind(now.unix_ms())
        .bind(person.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("revoke the tokens of a person"))?;
    Ok(done.rows_affected())
}

/// Notes that the key was used.
pub async fn touch_key(tx: &mut Tx, id: KeyId, now: Timestamp) -> Result<(), StoreError> {
    query("UPDATE access_key SET used_at = $1 WHERE id = $2")
        .bind(now.unix_ms())
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("note that a key was used"))?;
    Ok(())
}

/// The key opens nothing any more; `false` if there is no such key that still does.
pub async fn revoke_key(tx: &mut Tx, id: KeyId, now: Timestamp) -> Result<bool, StoreError> {
    let done = query("UPDATE access_key SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")
        .bind(now.unix_ms())
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("revoke a key"))?;
    Ok(done.rows_affected() == 1)
}

fn read(row: &AnyRow) -> Result<Key, StoreError> {
    let scopes = row.text("scopes")?;
    let scopes = scopes
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|e| damaged("scopes", e))?;
    Ok(Key {
        id: row.parse("id")?,
        name: row.text("name")?,
        scopes,
        made_by: row.opt_parse("made_by")?,
        created_at: row.time("created_at")?,
        used_at: row.opt_time("used_at")?,
        revoked_at: row.opt_time("revoked_at")?,
        person: row.opt_parse("person_id")?,
        expires_at: row.opt_time("expires_at")?,
    })
}
