//! Who may come in: users, invitations, sessions, API keys; who people are at the company's identity provider.
//!
//! Owns the tables `access_*`. Secrets are kept only as hashes, but for the seed of one-time passwords, which must be read.
//! [`secrets`] is the pure part; [`attempts`] slows those who guess; [`provider`] speaks to the identity provider. It must never know what people do once they are in.

pub mod attempts;
pub mod errands;
pub mod identities;
mod keys;
pub mod provider;
mod recovery;
pub mod searches;
pub mod secrets;
mod sessions;
mod users;

pub use keys::{
    find_key_by_secret, insert_key, list_keys, list_tokens, maker_of_key, revoke_key, revoke_tokens_of, touch_key,
};
pub use recovery::{delete_recovery_codes, has_recovery_code, n_recovery_codes, put_recovery_codes, use_recovery_code};
pub use sessions::{
    Origin, SessionRow, delete_session, delete_session_of, delete_sessions_but, delete_sessions_from,
    delete_sessions_of, find_origin, find_session, insert_session, list_sessions, proved_at, set_origin, set_proved,
    touch_session,
};
pub use users::{
    Credentials, InviteRow, credentials, delete_invite, find_invite, find_user, find_user_by_name, find_user_locked,
    find_with_credentials, has_live_invite, insert_user, list_users, n_active_admins, n_other_admins, n_users,
    put_invite, update_user, write_credentials,
};
