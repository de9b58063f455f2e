//! Users, what they sign in with, and the invitations that let them choose it.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{Role, Roles, Timestamp, User, UserId, UserState};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// What a user signs in with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The password's hash, in PHC form.
    pub password_hash: Option<String>,
    /// The seed of one-time passwords, in base 32.
    pub totp_secret: Option<String>,
    /// The newest time step whose one-time password was used: none is good twice.
    pub totp_step_used: i64,
}

/// An invitation that was not used yet.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteRow {
    /// SHA-256 of its token, in hex.
    pub token_hash: String,
    /// For whom.
    pub user: UserId,
    /// The seed that the user's one-time passwords will have.
    pub totp_secret: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// How many users there are.
pub async fn n_users(conn: &mut AnyConnection) -> Result<i64, StoreError> {
    query("SELECT COUNT(*) AS n FROM access_user")
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("count users"))?
        .int("n")
}

/// How many admins can sign in. One who was only invited may never come.
pub async fn n_active_admins(conn: &mut AnyConnection) -> Result<i64, StoreError> {
    let rows = query("SELECT role FROM access_user WHERE state = 'active'")
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("count admins"))?;
    let mut n = 0;
    for row in &rows {
        n += i64::from(row.parse::<Roles>("role")?.has(Role::Admin));
    }
    Ok(n)
}

/// How many other admins can sign in and are not refused by a provider.
pub async fn n_other_admins(conn: &mut AnyConnection, but: UserId) -> Result<i64, StoreError> {
    let rows = query(
        "SELECT role FROM access_user WHERE state = 'active' AND id <> $1 AND NOT EXISTS (
            SELECT 1 FROM access_identity WHERE user_id = access_user.id AND refused_at IS NOT NULL)",
    )
    .bind(but.to_string())
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("count other admins"))?;
    let mut n = 0;
    for row in &rows {
        n += i64::from(row.parse::<Roles>("role")?.has(Role::Admin));
    }
    Ok(n)
}

/// Keeps a new user; `false` if the name is taken.
pub async fn insert_user(tx: &mut Tx, user: &User) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO access_user (id, name, role, state, totp_step_used, n_failures, created_at, queues)
         VALUES ($1, $2, $3, $4, 0, 0, $5, $6) ON CONFLICT (name) DO NOTHING",
    )
    .bind(user.id.to_string())
    .bind(user.name.clone())
    .bind(user.roles.to_string())
    .bind(user.state.as_str())
    .bind(user.created_at.unix_ms())
    .bind(user.queues.to_string())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep a user"))?;
    Ok(done.rows_affected() == 1)
}

/// Writes a user's roles, queues, state and last sign-in.
pub async fn update_user(tx: &mut Tx, user: &User) -> Result<(), StoreError> {
    query("UPDATE access_user SET role = $1, state = $2, signed_in_at = $3, queues = $5 WHERE id = $4")
        .bind(user.roles.to_string())
        .bind(user.state.as_str())
        .bind(user.signed_in_at.map(Timestamp::unix_ms))
        .bind(user.id.to_string())
        .bind(user.queues.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("change a user"))?;
    Ok(())
}

/// The user, by their id.
pub async fn find_user(conn: &mut AnyConnection, id: UserId) -> Result<Option<User>, StoreError> {
    let row = query("SELECT id, name, role, queues, state, created_at, signed_in_at FROM access_user WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read a user"))?;
    row.map(|row| read_user(&row)).transpose()
}

/// The user, by their id, locked until the transaction ends: who signs in and who changes them are put in order here.
pub async fn find_user_locked(tx: &mut Tx, id: UserId) -> Result<Option<User>, StoreError> {
    // A write that changes nothing takes the row's lock in both engines.
    query("UPDATE access_user SET state = state WHERE id = $1")
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("lock a user"))?;
    find_user(tx.conn(), id).await
}

/// The user, by the name that they sign in with.
pub async fn find_user_by_name(conn: &mut AnyConnection, name: &str) -> Result<Option<User>, StoreError> {
    let row = query("SELECT id, name, role, queues, state, created_at, signed_in_at FROM access_user WHERE name = $1")
        .bind(name.to_owned())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read a user"))?;
    row.map(|row| read_user(&row)).transpose()
}

/// All users, by name.
pub async fn list_users(conn: &mut AnyConnection) -> Result<Vec<User>, StoreError> {
    let rows = query("SELECT id, name, role, queues, state, created_at, signed_in_at FROM access_user ORDER BY name")
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read users"))?;
    rows.iter().map(read_user).collect()
}

/// What a user signs in with.
pub async fn credentials(conn: &mut AnyConnection, id: UserId) -> Result<Credentials, StoreError> {
    let row = query("SELECT password_hash, totp_secret, totp_step_used FROM access_user WHERE id = $1")
        .bind(id.to_string())
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("read credentials"))?;
    read_credentials(&row)
}

/// The user with this name, and what they sign in with: one statement, whether there is one or not.
pub async fn find_with_credentials(
    conn: &mut AnyConnection,
    name: &str,
) -> Result<Option<(User, Credentials)>, StoreError> {
    let row = query(
        "SELECT id, name, role, queues, state, created_at, signed_in_at, password_hash, totp_secret, totp_step_used
         FROM access_user WHERE name = $1",
    )
    .bind(name.to_owned())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read a user"))?;
    row.map(|row| Ok((read_user(&row)?, read_credentials(&row)?)))
        .transpose()
}

/// Writes what a user signs in with.
pub async fn write_credentials(tx: &mut Tx, id: UserId, credentials: &Credentials) -> Result<(), StoreError> {
    query("UPDATE access_user SET password_hash = $1, totp_secret = $2, totp_step_used = $3 WHERE id = $4")
        .bind(credentials.password_hash.clone())
        .bind(credentials.totp_secret.clone())
        .bind(credentials.totp_step_used)
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("write credentials"))?;
    Ok(())
}

/// Keeps an invitation; an older one for the same user ends.
pub async fn put_invite(tx: &mut Tx, invite: &InviteRow) -> Result<(), StoreError> {
    query(
        "INSERT INTO access_invite (token_hash, user_id, totp_secret, expires_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash, totp_secret = excluded.totp_secret,
             expires_at = excluded.expires_at",
    )
    .bind(invite.token_hash.clone())
    .bind(invite.user.to_string())
    .bind(invite.totp_secret.clone())
    .bind(invite.expires_at.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep an invitation"))?;
    Ok(())
}

/// The invitation, by the hash of its token.
pub async fn find_invite(conn: &mut AnyConnection, token_hash: &str) -> Result<Option<InviteRow>, StoreError> {
    let row = query("SELECT token_hash, user_id, totp_secret, expires_at FROM access_invite WHERE token_hash = $1")
        .bind(token_hash.to_owned())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read an invitation"))?;
    match row {
        None => Ok(None),
        Some(row) => Ok(Some(InviteRow {
            token_hash: row.text("token_hash")?,
            user: row.parse("user_id")?,
            totp_secret: row.text("totp_secret")?,
            expires_at: row.time("expires_at")?,
        })),
    }
}

/// Whether the person holds a one-time link that is still good.
pub async fn has_live_invite(conn: &mut AnyConnection, user: UserId, now: Timestamp) -> Result<bool, StoreError> {
    let row = query("SELECT 1 FROM access_invite WHERE user_id = $1 AND expires_at > $2")
        .bind(user.to_string())
        .bind(now.unix_ms())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("look for an invitation"))?;
    Ok(row.is_some())
}

/// The user's invitation ends; `false` if there was none, so that of two who use one link only one comes in.
pub async fn delete_invite(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    let done = query("DELETE FROM access_invite WHERE user_id = $1")
        .bind(user.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("end an invitation"))?;
    Ok(done.rows_affected() > 0)
}

fn read_user(row: &AnyRow) -> Result<User, StoreError> {
    let state = match row.text("state")?.as_str() {
        "invited" => UserState::Invited,
        "active" => UserState::Active,
        "disabled" => UserState::Disabled,
        other => return Err(damaged("state", format!("`{other}` is not a state of a user"))),
    };
    Ok(User {
        id: row.parse("id")?,
        name: row.text("name")?,
        roles: row.parse("role")?,
        queues: row.parse("queues")?,
        state,
        created_at: row.time("created_at")?,
        signed_in_at: row.opt_time("signed_in_at")?,
    })
}

fn read_credentials(row: &AnyRow) -> Result<Credentials, StoreError> {
    Ok(Credentials {
        password_hash: row.opt_text("password_hash")?,
        totp_secret: row.opt_text("totp_secret")?,
        totp_step_used: row.int("totp_step_used")?,
    })
}
