//! People come in through the company's identity provider.
//!
//! A browser is sent away with two secrets: one goes to the provider and comes back with its answer, the other stays in a
//! cookie. Only both together take the errand up again, once, and within [`ERRAND_LIFETIME`]: an answer that was planted,
//! stolen or sent again leads nowhere. From the browser's secret the two others are made that the provider is given, so that
//! the store holds none.
//!
//! The story: [`begin_sign_in`], then [`come_back`], which asks the provider who it was, then `landing.rs`, which lets them
//! in; [`finish_with_code`] where the provider asked for no second factor. Joining an account to an identity is in
//! `links.rs`, signing out in `logout.rs`. What is told of a refusal says nothing of who exists here.

mod code;
mod landing;
mod links;
mod logout;

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::proof::{compare, settle};
use super::{AccessError, Proof, SignedIn};
use crate::Seawall;
use crate::access::errands::{self, Errand, ErrandKind};
use crate::access::identities;
use crate::access::provider::{CallError, Code, LocalSignIn, Provider, ProviderError, Question, plain_word};
use crate::access::{self, secrets};
use crate::model::{Actor, Role, Session, Timestamp, User, UserId};
use crate::store::{StoreError, Tx};

pub use code::{CodeNeeded, finish_with_code, open_code};
pub use links::{OwnAccess, link_identity, list_identities, own_access, unlink_identity};
pub use logout::{LogoutError, log_out_by_provider, sign_out_everywhere};

/// How long somebody may take at the provider.
const ERRAND_LIFETIME: Duration = Duration::from_secs(600);
/// How long a browser keeps its part of an errand.
pub const ARRIVAL_LIFETIME: Duration = ERRAND_LIFETIME;
/// The longest that the provider's answer may be, in bytes of a part.
const PART_BYTES_MAX: usize = 4_096;

/// Nobody was let in, or joined.
#[derive(Debug, thiserror::Error)]
pub enum ProviderSignInError {
    /// There is no provider.
    #[error("no identity provider is set up")]
    Off,
    /// It does not answer.
    #[error("the identity provider does not answer as it should")]
    Unreachable(#[from] CallError),
    /// The errand was begun in another browser, or taken up already, or is too old.
    #[error("the sign-in was not begun here, or too long ago")]
    Stale,
    /// The provider let them not in, or they turned back.
    #[error("the provider says: {word}")]
    Cancelled {
        /// The provider's word for why.
        word: String,
    },
    /// What the provider says is not believed, or lets nobody in here.
    #[error("refused: {reason}")]
    Refused {
        /// The word for why in the event log. It is not shown.
        reason: &'static str,
    },
    /// They hold a one-time link, which comes first: the provider asked for no second factor.
    #[error("there is a one-time link that has not been used")]
    LinkFirst,
    /// What any way in may say.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A browser that is about to leave for the provider.
#[derive(Debug, Clone)]
pub struct Departure {
    /// Where to.
    pub url: String,
    /// What the browser keeps meanwhile. A secret.
    pub browser_token: String,
}

/// What a browser brings back from the provider.
#[derive(Debug, Clone, Copy)]
pub struct Landing<'a> {
    /// What it was sent away with.
    pub state: &'a str,
    /// What the provider gave it.
    pub code: &'a str,
    /// What the provider says if it gave nothing.
    pub error: &'a str,
    /// Which provider it says that it comes from, if it says.
    pub issuer: Option<&'a str>,
    /// Where it came back to.
    pub redirect_uri: &'a str,
    /// What it kept.
    pub browser_token: Option<&'a str>,
    /// Who is signed in there now.
    pub session: Option<&'a Session>,
    /// What it knows of an earlier sign-in ([`SignedIn::device_token`]).
    pub device_token: Option<&'a str>,
}

/// What came of it.
#[derive(Debug)]
pub enum Arrival {
    /// They are in.
    SignedIn {
        /// Who, and their session.
        signed_in: Box<SignedIn>,
        /// Where they wanted to go.
        next: String,
    },
    /// They come in with a code of our own.
    CodeNeeded {
        /// What the browser keeps until then. A secret.
        browser_token: String,
    },
    /// Their identity is joined to their account.
    Linked,
    /// They proved that it is them.
    Proved {
        /// Where they wanted to go.
        next: String,
    },
}

/// Whether anybody may come in with a password and a code.
pub fn may_sign_in_locally(app: &Seawall) -> bool {
    app.provider
        .as_ref()
        .is_none_or(|provider| provider.settings().local_sign_in != LocalSignIn::Nobody)
}

/// Whether this person may come in with a password and a code.
pub(super) async fn may_come_in_locally(app: &Seawall, tx: &mut Tx, user: &User) -> Result<bool, StoreError> {
    let identities = identities::list_identities(tx.conn(), user.id).await?;
    // Also where that provider is set up no more: taking it out gives nobody their password back.
    if identities.iter().any(|identity| identity.refused_at.is_some()) {
        return Ok(false);
    }
    let Some(provider) = &app.provider else {
        return Ok(true);
    };
    let settings = provider.settings();
    let is_admin = user.roles.has(Role::Admin);
    // What their groups give is asked for at each sign-in; a password would come in without. Admins alone keep theirs, so that
    // somebody can come in while the provider is down.
    let are_groups_asked = !settings.people.roles.is_empty();
    let is_linked = identities.iter().any(|identity| identity.issuer == settings.issuer);
    if are_groups_asked && is_linked && !is_admin {
        return Ok(false);
    }
    Ok(match settings.local_sign_in {
        LocalSignIn::Everyone => true,
        LocalSignIn::Admins => is_admin,
        LocalSignIn::Nobody => false,
    })
}

/// Sends a browser to the provider, to come in and then go to `next`.
pub async fn begin_sign_in(app: &Seawall, redirect_uri: &str, next: &str) -> Result<Departure, ProviderSignInError> {
    depart(app, ErrandKind::SignIn, None, redirect_uri, next).await
}

/// Sends somebody to the provider who is signed in and proves that it is them, to join who they are there to who they are
/// here: a session that somebody left open does not become a way in that outlives it.
pub async fn begin_link(
    app: &Seawall,
    session: &Session,
    proof: &Proof<'_>,
    redirect_uri: &str,
) -> Result<Departure, ProviderSignInError> {
    // Asked first, so that no code is used up for nothing.
    provider_of(app)?.discovery(app.clock.now()).await?;
    let compared = compare(app, session, proof).await?;
    let (mut tx, credentials) = settle(app, session, proof, compared).await?;
    access::write_credentials(&mut tx, session.user.id, &credentials).await?;
    tx.commit().await?;
    depart(app, ErrandKind::Link, Some(session), redirect_uri, "/account").await
}

/// Sends somebody to the provider who is signed in, to prove once more that it is them.
pub async fn begin_proof(
    app: &Seawall,
    session: &Session,
    redirect_uri: &str,
    next: &str,
) -> Result<Departure, ProviderSignInError> {
    depart(app, ErrandKind::Prove, Some(session), redirect_uri, next).await
}

async fn depart(
    app: &Seawall,
    kind: ErrandKind,
    session: Option<&Session>,
    redirect_uri: &str,
    next: &str,
) -> Result<Departure, ProviderSignInError> {
    let provider = provider_of(app)?;
    let state = secrets::fresh_token(&app.chance);
    let browser_token = secrets::fresh_token(&app.chance);
    let question = Question {
        redirect_uri,
        state: &state,
        nonce: &nonce(&browser_token),
        challenge: &secrets::challenge(&verifier(&browser_token)),
        // Who joins is not to be whoever happens to be signed in there.
        is_fresh: matches!(kind, ErrandKind::Prove | ErrandKind::Link),
    };
    let url = provider.question(&question, app.clock.now()).await?;
    let now = app.clock.now();
    let errand = Errand {
        kind,
        user: session.map(|session| session.user.id),
        session: session.map(|session| session.id.to_string()),
        next: next.chars().take(PART_BYTES_MAX).collect(),
        carried: None,
        started_at: now,
        expires_at: now.after(ERRAND_LIFETIME),
    };
    let mut tx = app.store.begin("leave for the provider").await?;
    let hashes = (secrets::token_hash(&state), secrets::token_hash(&browser_token));
    errands::put_errand(&mut tx, &hashes.0, &hashes.1, &errand, now).await?;
    tx.commit().await?;
    Ok(Departure { url, browser_token })
}

/// Takes up what a browser was sent to the provider for.
pub async fn come_back(app: &Seawall, landing: &Landing<'_>) -> Result<Arrival, ProviderSignInError> {
    let provider = provider_of(app)?.clone();
    let browser_token = landing.browser_token.ok_or(ProviderSignInError::Stale)?;
    let parts = [landing.state, landing.code, browser_token];
    if landing.state.is_empty() || parts.iter().any(|part| part.len() > PART_BYTES_MAX) {
        return Err(ProviderSignInError::Stale);
    }
    let mut tx = app.store.begin("come back from the provider").await?;
    let now = app.clock.now();
    let hashes = (secrets::token_hash(landing.state), secrets::token_hash(browser_token));
    let taken = errands::take_errand(&mut tx, &hashes.0, &hashes.1, now).await?;
    // Gone whatever comes of it: no answer is taken twice.
    tx.commit().await?;
    let errand = taken
        .filter(|errand| errand.kind != ErrandKind::Code)
        .ok_or(ProviderSignInError::Stale)?;
    // Another provider could have sent it here (RFC 9207).
    let discovery = provider.discovery(now).await?;
    let is_other = match landing.issuer {
        Some(issuer) => issuer != provider.settings().issuer,
        None => discovery.names_itself,
    };
    if is_other {
        // No line in the log: anybody can send this, as often as they like.
        tracing::warn!("an answer came from another identity provider than the one that was asked");
        return Err(ProviderSignInError::Refused {
            reason: "other_provider",
        });
    }
    if !landing.error.is_empty() || landing.code.is_empty() {
        return Err(ProviderSignInError::Cancelled {
            word: plain_word(landing.error),
        });
    }
    let session = session_of(&errand, landing)?;
    let code = Code {
        code: landing.code,
        redirect_uri: landing.redirect_uri,
        verifier: &verifier(browser_token),
    };
    let fresh_since = (errand.kind == ErrandKind::Prove).then_some(errand.started_at);
    let told = provider.redeem(&code, &nonce(browser_token), fresh_since, now).await;
    let told = match told {
        Ok(told) => told,
        // A code that it does not know: old, taken already, or made up. Any other word is about us, not about the person.
        Err(ProviderError::Call(CallError::Refused { word })) if word == "invalid_grant" => {
            tracing::warn!("the identity provider took no code: {word}");
            return Err(ProviderSignInError::Refused { reason: "code_refused" });
        }
        Err(ProviderError::Call(error)) => return Err(error.into()),
        Err(ProviderError::Token(error)) => return Err(refuse(app, error.reason()).await?),
    };
    match (errand.kind, session) {
        (ErrandKind::SignIn, _) => landing::sign_in(app, &provider, told, &errand, landing).await,
        (ErrandKind::Link, Some(session)) => links::settle_link(app, &provider, &told, session).await,
        (ErrandKind::Prove, Some(session)) => links::settle_proof(app, &provider, &told, session, &errand).await,
        (ErrandKind::Link | ErrandKind::Prove | ErrandKind::Code, _) => Err(ProviderSignInError::Stale),
    }
}

/// The session that an errand began in, which has to be the one that comes back.
fn session_of<'a>(errand: &Errand, landing: &Landing<'a>) -> Result<Option<&'a Session>, ProviderSignInError> {
    if errand.session.is_none() {
        return Ok(None);
    }
    match landing.session {
        Some(session) if errand.is_of(&session.id) => Ok(Some(session)),
        Some(_) | None => Err(ProviderSignInError::Stale),
    }
}

fn provider_of(app: &Seawall) -> Result<&Arc<Provider>, ProviderSignInError> {
    app.provider.as_ref().ok_or(ProviderSignInError::Off)
}

fn nonce(browser_token: &str) -> String {
    secrets::derived(browser_token, "nonce")
}

fn verifier(browser_token: &str) -> String {
    secrets::derived(browser_token, "verifier")
}

/// Writes down that nobody was let in whom the provider had let in: a code of its own was taken before.
async fn refuse(app: &Seawall, reason: &'static str) -> Result<ProviderSignInError, StoreError> {
    let mut tx = app.store.begin("refuse a sign-in").await?;
    let now = app.clock.now();
    note_refusal(&mut tx, None, reason, now);
    tx.commit().await?;
    Ok(ProviderSignInError::Refused { reason })
}

fn note_refusal(tx: &mut Tx, user: Option<UserId>, reason: &'static str, now: Timestamp) {
    let subject = user.map_or("unknown".to_owned(), |user| user.to_string());
    tx.event(
        now,
        &Actor::System,
        "sign_in.refused",
        subject,
        serde_json::json!({ "reason": reason }),
    );
}

/// What the log says of an identity: enough to tell two apart, and nobody's address.
fn fingerprint(issuer: &str, subject: &str) -> String {
    let digest = Sha256::new()
        .chain_update(issuer)
        .chain_update([0])
        .chain_update(subject)
        .finalize();
    hex::encode(&digest[..8])
}
