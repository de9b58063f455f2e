//! What every request to the console passes, and what handlers take from it.
//!
//! [`visit`] refuses posts that another site caused, finds out who is there and how they want their pages, turns problems
//! into pages, and puts the security headers on every answer. Handlers then take a [`Visitor`] (anyone) or a [`Person`]
//! (someone signed in; others are sent to sign in). Nothing here knows a page's own matter.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use moderation::flows::access;
use moderation::model::Actor;
use moderation::views;

use super::agent::rough_agent;
use super::assets;
use super::cookies::Cookie;
use super::flash::Flash;
use super::page::{ProblemPage, ProblemPlainPage};
use super::prefs::Prefs;
use super::problem::{ConsoleError, Problem};
use super::shell::Shell;
use super::words::{Lang, Words};
use crate::{RequestInfo, WebState, layers};

/// Everything comes from this server, scripts and styles from files alone; nobody may frame a page.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The script of the page that asks, where that script shows the answer in the page's place.
const SCRIPT_OF_PAGE: HeaderName = HeaderName::from_static("x-seawall-script");

/// What no page needs.
const PERMISSIONS_POLICY: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), \
     fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=(), \
     xr-spatial-tracking=()";

/// See the head of this file.
pub async fn visit(State(state): State<WebState>, mut request: Request, next: Next) -> Response {
    let secure = state.settings.secure_cookies();
    let is_asset = request.uri().path().starts_with("/static/");
    if is_asset {
        let mut response = next.run(request).await;
        put_security_headers(response.headers_mut(), secure);
        return response;
    }
    let request_id = request.extensions().get::<RequestInfo>().map(|info| info.id.clone());
    // A script of another version does not show what it is answered: the page that it loads then has to say it.
    let is_shown = request
        .headers()
        .get(SCRIPT_OF_PAGE)
        .is_none_or(|url| url.as_bytes() == assets::script_url().as_bytes());
    let had_flash = is_shown && Cookie::Flash.read(request.headers(), secure).is_some();
    let shell = shell_of(&state, request.headers(), request.uri()).await;
    let mut response = match &shell {
        Err(_) => Problem::of_status(StatusCode::SERVICE_UNAVAILABLE).into_plain(),
        Ok(_)
            if changes_something(request.method()) && !is_from_here(request.headers(), &state.settings.public_url) =>
        {
            ConsoleError::Forged.into_response()
        }
        Ok(shell) => {
            request.extensions_mut().insert(shell.clone());
            next.run(request).await
        }
    };
    if let (Ok(shell), Some(problem)) = (shell, problem_of(&response)) {
        response = problem_page(shell, problem, request_id);
    }
    let headers = response.headers_mut();
    let is_page = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if had_flash && is_page && !headers.contains_key(header::SET_COOKIE) {
        headers.append(header::SET_COOKIE, Cookie::Flash.clear(secure));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    put_security_headers(headers, secure);
    response
}

async fn shell_of(state: &WebState, headers: &HeaderMap, uri: &Uri) -> Result<Shell, ConsoleError> {
    let secure = state.settings.secure_cookies();
    let prefs = Cookie::Prefs
        .read(headers, secure)
        .map(Prefs::parse)
        .unwrap_or_default();
    let accepted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let words = Words::of(prefs.lang.unwrap_or_else(|| Lang::accepted(accepted)));
    let session = match Cookie::Session.read(headers, secure) {
        Some(token) => access::session(&state.app, token).await?,
        None => None,
    };
    if let Some(session) = &session {
        // Only a stamp for lists of sessions: while the store takes no writes, people still see their pages.
        if let Err(error) = access::note_session_use(&state.app, session, &rough_agent(headers)).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot note that a session was used"
            );
        }
    }
    let flash = Cookie::Flash
        .read(headers, secure)
        .and_then(|text| Flash::parse(text, words));
    let here = uri.path_and_query().map_or("/", |here| here.as_str()).to_owned();
    let mut shell = Shell {
        words,
        prefs,
        zone_of_platform: state.settings.time_zone,
        now: state.app.clock.now(),
        here,
        session,
        flash,
        rests_until: None,
        n_proposals: 0,
    };
    if shell.may_approve_proposals()
        && let Some(session) = &shell.session
    {
        let actor = access::actor_of(&session.user);
        shell.n_proposals = views::n_proposals(&state.app, &actor).await?;
    }
    Ok(shell)
}

fn changes_something(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a page of this server made the browser send the request. A browser says so in `Sec-Fetch-Site` or, where it
/// leaves that out, in `Origin`; a request with neither comes from no browser that could be tricked, and from none of our
/// pages either.
fn is_from_here(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    let Some(origin) = text(header::ORIGIN) else {
        return false;
    };
    let host = text(header::HOST).unwrap_or_default();
    let is_host = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"))
        == Some(host);
    origin == public_url || (!host.is_empty() && is_host)
}

/// The problem that an answer carries, or that a layer of the API's words stands for: people get a page.
fn problem_of(response: &Response) -> Option<Problem> {
    if let Some(problem) = response.extensions().get::<Problem>() {
        return Some(*problem);
    }
    let kind = response.headers().get(header::CONTENT_TYPE)?;
    kind.as_bytes()
        .starts_with(b"application/problem+json")
        .then(|| Problem::of_status(response.status()))
}

fn problem_page(shell: Shell, problem: Problem, request_id: Option<String>) -> Response {
    let title = shell.t(problem.title).to_owned();
    let more = shell.t(problem.more).to_owned();
    let request_id = request_id.filter(|_| problem.status.is_server_error());
    let status = problem.status.as_u16();
    let page = if shell.session.is_some() {
        askama::Template::render(&ProblemPage {
            shell,
            status,
            title,
            more,
            request_id,
        })
    } else {
        askama::Template::render(&ProblemPlainPage {
            shell,
            title,
            more,
            request_id,
        })
    };
    match page {
        Ok(html) => (problem.status, axum::response::Html(html)).into_response(),
        Err(_) => problem.into_plain(),
    }
}

impl Problem {
    /// The problem without a page, where not even that can be made.
    fn into_plain(self) -> Response {
        (self.status, self.status.canonical_reason().unwrap_or_default()).into_response()
    }
}

fn put_security_headers(headers: &mut HeaderMap, secure: bool) {
    let lines = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: with that, browsers send forms with `Origin: null`.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS_POLICY),
    ];
    for (name, value) in lines {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if secure {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
}

/// Anyone, signed in or not.
#[derive(Debug, Clone)]
pub struct Visitor(pub Shell);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = ConsoleError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ConsoleError> {
        parts
            .extensions
            .get::<Shell>()
            .cloned()
            .map(Visitor)
            .ok_or(ConsoleError::BadRequest("not a visit"))
    }
}

/// Someone who is signed in.
#[derive(Debug, Clone)]
pub struct Person {
    /// What their pages know.
    pub shell: Shell,
    /// Who they are to the flows.
    pub actor: Actor,
}

/// The way to the sign-in page for someone who is not signed in.
#[derive(Debug)]
pub struct SignInFirst {
    here: Option<String>,
}

impl IntoResponse for SignInFirst {
    fn into_response(self) -> Response {
        let address = match self.here {
            Some(here) => {
                let query = form_urlencoded::Serializer::new(String::new())
                    .append_pair("next", &here)
                    .finish();
                format!("/sign-in?{query}")
            }
            None => "/sign-in".to_owned(),
        };
        Redirect::to(&address).into_response()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Person {
    type Rejection = SignInFirst;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, SignInFirst> {
        let shell = parts.extensions.get::<Shell>().cloned();
        let user = shell
            .as_ref()
            .and_then(|shell| shell.session.as_ref())
            .map(|session| session.user.clone());
        match (shell, user) {
            (Some(shell), Some(user)) => Ok(Person {
                shell,
                actor: access::actor_of(&user),
            }),
            // Only what can be asked for again by its address is worth coming back to.
            (shell, _) => {
                let here = shell
                    .map(|shell| shell.here)
                    .filter(|here| parts.method == Method::GET && here != "/desk");
                Err(SignInFirst { here })
            }
        }
    }
}

/// The largest form of someone who is not signed in: a name, a password, a code.
const STRANGERS_FORM_BYTES_MAX: usize = 16 << 10;

/// Reads the form of a small request; of someone who is not signed in only a very small one.
pub async fn hold_form(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let bytes_max = state.settings.limits.small_body_bytes_max;
    let bytes_max = if is_signed_in(&request) {
        bytes_max
    } else {
        bytes_max.min(STRANGERS_FORM_BYTES_MAX)
    };
    layers::hold_body(state, request, next, bytes_max).await
}

/// Sends those who are not signed in away before a byte of their upload is read: the memory for bodies is shared with the
/// platform's submissions, and strangers must not be able to fill it.
pub async fn require_session(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match Person::from_request_parts(&mut parts, &()).await {
        Ok(_) => next.run(Request::from_parts(parts, body)).await,
        Err(first) => first.into_response(),
    }
}

fn is_signed_in(request: &Request) -> bool {
    request
        .extensions()
        .get::<Shell>()
        .is_some_and(|shell| shell.session.is_some())
}

/// `next` if it is a path of this server, else the desk: a link to the sign-in page must not lead elsewhere afterwards.
pub fn local_path(next: &str) -> &str {
    let is_local = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|b| b.is_ascii_graphic())
        && !next.starts_with("/sign-");
    if is_local { next } else { "/desk" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_leads_nowhere_else() {
        let check = |next, expected| assert_eq!(local_path(next), expected, "{next}");
        check("/cases/case_1?x=1", "/cases/case_1?x=1");
        check("/", "/");
        check("", "/desk");
        check("https://evil.example/", "/desk");
        check("//evil.example/", "/desk");
        check("/\\evil.example/", "/desk");
        check("/\t/evil.example/", "/desk");
        check("/a\r\nSet-Cookie: x=1", "/desk");
        check("desk", "/desk");
        check("/sign-out", "/desk");
    }

    #[test]
    fn only_our_own_pages_send_forms() {
        let check = |pairs: &[(&'static str, &'static str)], expected| {
            let headers: HeaderMap = pairs
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            assert_eq!(
                is_from_here(&headers, "https://seawall.example.org"),
                expected,
                "{pairs:?}"
            );
        };
        check(&[("sec-fetch-site", "same-origin")], true);
        check(
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://seawall.example.org"),
            ],
            false,
        );
        check(&[("sec-fetch-site", "same-site")], false);
        check(&[("sec-fetch-site", "none")], false);
        check(&[("origin", "https://seawall.example.org")], true);
        check(
            &[("origin", "https://evil.example"), ("host", "seawall.example.org")],
            false,
        );
        check(&[("origin", "http://10.0.0.7:8410"), ("host", "10.0.0.7:8410")], true);
        check(&[("origin", "null"), ("host", "seawall.example.org")], false);
        check(&[("host", "seawall.example.org")], false);
        check(&[("origin", "http://"), ("host", "")], false);
    }
}
