//! Signing out here and at the provider: a person says so here, or the provider tells us that they did there.

use serde_json::json;

use super::provider_of;
use crate::Seawall;
use crate::access::provider::tokens::TokenError;
use crate::access::provider::{CallError, ProviderError};
use crate::access::{self, errands, identities, secrets};
use crate::model::Actor;
use crate::store::StoreError;

/// Nobody was signed out.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// There is no provider.
    #[error("no identity provider is set up")]
    Off,
    /// Its keys are not to be had.
    #[error("the identity provider does not answer as it should")]
    Unreachable(#[source] CallError),
    /// Its word is not believed.
    #[error("the logout token is not to be believed: {0}")]
    Refused(TokenError),
    /// The same word was taken before.
    #[error("the logout token was taken before")]
    Repeated,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Ends a session, and says where its browser goes to sign out at the provider as well, if it began there. `back` is where
/// the provider sends it afterwards.
pub async fn sign_out_everywhere(app: &Seawall, token: &str, back: &str) -> Result<Option<String>, StoreError> {
    let token_hash = secrets::token_hash(token);
    let mut tx = app.store.begin("sign out").await?;
    let origin = access::find_origin(tx.conn(), &token_hash).await?;
    access::delete_session(&mut tx, &token_hash).await?;
    tx.commit().await?;
    match (&app.provider, origin) {
        (Some(provider), Some(origin)) if provider.settings().issuer == origin.issuer => {
            let now = app.clock.now();
            Ok(provider.sign_out_url(origin.id_token.as_deref(), back, now).await)
        }
        (Some(_) | None, _) => Ok(None),
    }
}

/// Ends the sessions that the provider says are over (OpenID Connect Back-Channel Logout 1.0); how many. Each word is taken
/// once.
pub async fn log_out_by_provider(app: &Seawall, token: &str) -> Result<usize, LogoutError> {
    let provider = provider_of(app).map_err(|_| LogoutError::Off)?;
    let issuer = &provider.settings().issuer;
    let read = provider.read_logout(token, app.clock.now()).await;
    let told = read.map_err(|error| match error {
        ProviderError::Call(error) => LogoutError::Unreachable(error),
        ProviderError::Token(error) => LogoutError::Refused(error),
    })?;
    let mut tx = app.store.begin("sign out by the provider").await?;
    let now = app.clock.now();
    let token_hash = secrets::token_hash(&format!("{issuer}\n{}", told.token_id));
    if !errands::note_logout(&mut tx, &token_hash, told.expires_at).await? {
        return Err(LogoutError::Repeated);
    }
    // With both, the one session of that person; with the person alone, all of theirs.
    let (subject, session) = (told.subject.as_deref(), told.provider_session.as_deref());
    let users = access::delete_sessions_from(&mut tx, issuer, subject, session).await?;
    // Nor do they come in with a code that they still owe.
    if let Some(subject) = subject
        && let Some(identity) = identities::find_identity(tx.conn(), issuer, subject).await?
    {
        errands::forget_codes_of(&mut tx, identity.user).await?;
    }
    let mut told_of = Vec::new();
    for user in &users {
        if told_of.contains(user) {
            continue;
        }
        told_of.push(*user);
        let n_sessions = users.iter().filter(|other| *other == user).count();
        let body = json!({ "n_sessions": n_sessions, "by": "provider" });
        tx.event(now, &Actor::System, "session.ended", *user, body);
    }
    tx.commit().await?;
    Ok(users.len())
}
