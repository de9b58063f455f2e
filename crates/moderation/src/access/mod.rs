//! Who may come in: users, invitations, sessions, API keys.
//!
//! Owns the tables `access_*`. Secrets are kept only as hashes, but for the seed of one-time passwords, which must be read.
//! [`secrets`] is the pure part; [`attempts`] slows those who guess. It must never know what people do once they are in.

pub mod attempts;
mod keys;
pub mod secrets;
mod sessions;
mod users;

pub use keys::{find_key_by_secret, insert_key, list_keys, maker_of_key, revoke_key, touch_key};
pub use sessions::{delete_session, delete_sessions_of, find_session, insert_session};
pub use users::{
    Credentials, InviteRow, credentials, delete_invite, find_invite, find_user, find_user_by_name, find_user_locked,
    find_with_credentials, insert_user, list_users, n_active_admins, n_users, put_invite, update_user,
    write_credentials,
};
