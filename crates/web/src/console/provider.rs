//! The way in through the company's identity provider: there, back, and the code that may be missing. Start with
//! [`begin_sign_in`], then [`come_back`].
//!
//! A browser leaves by a link or by the address bar, never by a form: the pages' own rules let no form lead to another site.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use moderation::flows::access::{
    self, ARRIVAL_LIFETIME, AccessError, Arrival, Departure, InviteView, Landing, ProviderSignInError,
};
use serde::Deserialize;

use super::account::{account_page, proof_of, unproven, who};
use super::cookies::Cookie;
use super::flash::Flash;
use super::form::{FormState, OpenForm, Posted};
use super::page::{Answer, go_saying, go_to, show, show_with};
use super::session::{Next, QrPicture, digits, enter, sign_in_page};
use super::shell::Shell;
use super::visit::{Person, Visitor, local_path};
use crate::WebState;

/// Where the provider sends browsers back to.
pub const CALLBACK_PATH: &str = "/sign-in/callback";

#[derive(Template)]
#[template(path = "provider_code.html")]
struct CodePage {
    shell: Shell,
    form: FormState,
    provider: String,
    authenticator: Option<Authenticator>,
}

/// An authenticator that is set up now.
struct Authenticator {
    secret: String,
    uri: String,
    qr: QrPicture,
}

#[derive(Template)]
#[template(path = "provider_go.html")]
struct GoPage {
    shell: Shell,
    provider: String,
    url: String,
}

/// What the provider is called, if there is one.
pub fn name(state: &WebState) -> Option<String> {
    let provider = state.app.provider.as_ref();
    provider.map(|provider| provider.settings().name.clone())
}

/// The provider's own address, if there is one.
pub fn issuer(state: &WebState) -> Option<&str> {
    let provider = state.app.provider.as_ref();
    provider.map(|provider| provider.settings().issuer.as_str())
}

fn redirect_uri(state: &WebState) -> String {
    super::callback_url(&state.settings.public_url)
}

/// `GET /sign-in/provider`
pub async fn begin_sign_in(
    State(state): State<WebState>,
    Visitor(shell): Visitor,
    Query(query): Query<Next>,
) -> Answer {
    let next = local_path(&query.next).to_owned();
    match access::begin_sign_in(&state.app, &redirect_uri(&state), &next).await {
        Ok(departure) => Ok(leave(&state, &departure)),
        Err(error) => turned_back(&state, shell, next, error).await,
    }
}

/// `GET /account/prove`
pub async fn begin_proof(State(state): State<WebState>, person: Person) -> Answer {
    let (_, session) = who(&person)?;
    match access::begin_proof(&state.app, &session, &redirect_uri(&state), "/account").await {
        Ok(departure) => Ok(leave(&state, &departure)),
        Err(error) => turned_back(&state, person.shell, String::new(), error).await,
    }
}

/// `POST /account/identity`
pub async fn begin_link(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let (_, session) = who(&person)?;
    let code = digits(fields.get("code"));
    let proof = proof_of(&fields, &code);
    match access::begin_link(&state.app, &session, &proof, &redirect_uri(&state)).await {
        Ok(departure) => {
            let page = GoPage {
                shell: person.shell,
                provider: name(&state).unwrap_or_default(),
                url: departure.url.clone(),
            };
            let mut response = show(&page)?;
            keep(&state, &mut response, &departure.browser_token);
            Ok(response)
        }
        Err(ProviderSignInError::Access(error)) => {
            let form = unproven(&person.shell, FormState::default(), "identity-password", error)?;
            account_page(&state, person, StatusCode::UNPROCESSABLE_ENTITY, form).await
        }
        Err(error) => turned_back(&state, person.shell, String::new(), error).await,
    }
}

/// `POST /account/identity/remove`
pub async fn unlink_own(State(state): State<WebState>, Posted { person, .. }: Posted) -> Answer {
    let (user, _) = who(&person)?;
    match access::unlink_identity(&state.app, &person.actor, user).await {
        Ok(()) => Ok(go_saying(
            &state,
            "/account",
            &Flash::new("flash.identity_unlinked", ""),
        )),
        Err(ProviderSignInError::Access(AccessError::Invalid { .. })) => {
            let form = FormState::default().wrong("", person.shell.t("provider.only_way"));
            account_page(&state, person, StatusCode::UNPROCESSABLE_ENTITY, form).await
        }
        Err(error) => Err(error.into()),
    }
}

/// What the provider sends back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Returned {
    state: String,
    code: String,
    error: String,
    iss: Option<String>,
}

/// `GET /sign-in/callback`
pub async fn come_back(
    State(state): State<WebState>,
    Visitor(shell): Visitor,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Answer {
    let secure = state.settings.secure_cookies();
    let session = shell.session.clone();
    let landing = Landing {
        state: &returned.state,
        code: &returned.code,
        error: &returned.error,
        issuer: returned.iss.as_deref(),
        redirect_uri: &redirect_uri(&state),
        browser_token: Cookie::Errand.read(&headers, secure),
        session: session.as_ref(),
        device_token: Cookie::Device.read(&headers, secure),
    };
    let arrival = match access::come_back(&state.app, &landing).await {
        Ok(arrival) => arrival,
        Err(error) => return turned_back(&state, shell, "/desk".to_owned(), error).await,
    };
    let mut response = match arrival {
        Arrival::SignedIn { signed_in, next } => enter(&state, &headers, &signed_in, local_path(&next)).await?,
        Arrival::CodeNeeded { browser_token } => {
            let mut response = go_to("/sign-in/code");
            keep(&state, &mut response, &browser_token);
            return Ok(response);
        }
        Arrival::Linked => go_saying(&state, "/account", &Flash::new("flash.identity_linked", "")),
        Arrival::Proved { next } => go_saying(&state, local_path(&next), &Flash::new("flash.proved", "")),
    };
    forget(&state, &mut response);
    Ok(response)
}

/// `GET /sign-in/code`
pub async fn show_code(State(state): State<WebState>, Visitor(shell): Visitor, headers: HeaderMap) -> Answer {
    code_page(&state, shell, &headers, StatusCode::OK, FormState::default()).await
}

/// `POST /sign-in/code`
pub async fn finish_with_code(
    State(state): State<WebState>,
    headers: HeaderMap,
    OpenForm { shell, fields }: OpenForm,
) -> Answer {
    let secure = state.settings.secure_cookies();
    let browser_token = Cookie::Errand.read(&headers, secure).unwrap_or_default();
    let device_token = Cookie::Device.read(&headers, secure);
    let code = digits(fields.get("code"));
    let wrong = match access::finish_with_code(&state.app, browser_token, &code, device_token).await {
        Ok((signed_in, next)) => {
            let mut response = enter(&state, &headers, &signed_in, local_path(&next)).await?;
            forget(&state, &mut response);
            return Ok(response);
        }
        Err(ProviderSignInError::Access(AccessError::Refused)) => shell.t("provider.code_wrong").to_owned(),
        Err(ProviderSignInError::Access(AccessError::TooManyAttempts { until })) => {
            shell.with("sign_in.locked", "when", shell.moment_in(until))
        }
        Err(error) => return turned_back(&state, shell, "/desk".to_owned(), error).await,
    };
    let form = FormState::default().wrong("code", wrong);
    code_page(&state, shell, &headers, StatusCode::UNPROCESSABLE_ENTITY, form).await
}

async fn code_page(state: &WebState, shell: Shell, headers: &HeaderMap, status: StatusCode, form: FormState) -> Answer {
    let secure = state.settings.secure_cookies();
    let browser_token = Cookie::Errand.read(headers, secure).unwrap_or_default();
    let needed = match access::open_code(&state.app, browser_token).await {
        Ok(needed) => needed,
        Err(error) => return turned_back(state, shell, "/desk".to_owned(), error).await,
    };
    let authenticator = match needed.authenticator {
        None => None,
        Some(InviteView {
            totp_secret_base32,
            totp_uri,
            ..
        }) => Some(Authenticator {
            qr: QrPicture::of(&totp_uri)?,
            secret: totp_secret_base32,
            uri: totp_uri,
        }),
    };
    let page = CodePage {
        provider: name(state).unwrap_or_default(),
        shell,
        form,
        authenticator,
    };
    show_with(status, &page)
}

/// Says in plain words why somebody is not in, or not joined. Nothing tells whether they exist here.
async fn turned_back(state: &WebState, shell: Shell, next: String, error: ProviderSignInError) -> Answer {
    let (status, key) = match &error {
        ProviderSignInError::Unreachable(error) => {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "the identity provider cannot be asked"
            );
            (StatusCode::SERVICE_UNAVAILABLE, "provider.down")
        }
        ProviderSignInError::Stale => (StatusCode::UNPROCESSABLE_ENTITY, "provider.stale"),
        ProviderSignInError::Cancelled { word } => {
            tracing::info!("the identity provider signed nobody in: {word}");
            (StatusCode::UNPROCESSABLE_ENTITY, "provider.cancelled")
        }
        ProviderSignInError::LinkFirst => (StatusCode::FORBIDDEN, "provider.link_first"),
        ProviderSignInError::Refused { .. } => (StatusCode::FORBIDDEN, "provider.refused"),
        ProviderSignInError::Off | ProviderSignInError::Access(_) | ProviderSignInError::Store(_) => {
            return Err(error.into());
        }
    };
    let wrong = shell.with(key, "name", name(state).unwrap_or_default());
    let form = FormState::default().wrong("", wrong);
    let mut response = match shell.session.clone() {
        None => sign_in_page(state, shell, status, form, next)?,
        Some(session) => {
            let actor = access::actor_of(&session.user);
            account_page(state, Person { shell, actor }, status, form).await?
        }
    };
    forget(state, &mut response);
    Ok(response)
}

fn leave(state: &WebState, departure: &Departure) -> Response {
    let mut response = Redirect::to(&departure.url).into_response();
    keep(state, &mut response, &departure.browser_token);
    response
}

fn keep(state: &WebState, response: &mut Response, browser_token: &str) {
    let cookie = Cookie::Errand.write(browser_token, ARRIVAL_LIFETIME, state.settings.secure_cookies());
    response.headers_mut().append(header::SET_COOKIE, cookie);
}

fn forget(state: &WebState, response: &mut Response) {
    let cookie = Cookie::Errand.clear(state.settings.secure_cookies());
    response.headers_mut().append(header::SET_COOKIE, cookie);
}
