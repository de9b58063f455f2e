//! The demonstration's way in: one click signs the visitor in, and a page plays the authenticator app.
//!
//! It lives beside the platform's stand-in, on a port of this machine's loopback, and not in the server: browsers share cookies
//! between the ports of a host, so the server needs no way around its own sign-in. The visitor is signed in by the same flow as anyone,
//! with name, password and one-time code. Both addresses hold a secret, so that no page and no other user of the machine can guess them.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use moderation::Seawall;
use moderation::access::secrets;
use moderation::flows::access::{self, AccessError, Attempt};
use tokio::sync::Mutex;

use super::seed::{VISITOR, Visitor};

/// The cookie in which the console looks for a session, on plain HTTP.
const SESSION_COOKIE: &str = "seawall_session";

/// The way in.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    app: Seawall,
    visitor: OnceLock<Visitor>,
    console_url: String,
    token: String,
    /// The last session that was opened here. One-time codes are good once, so that a second click uses it again.
    session: Mutex<Option<String>>,
}

impl Door {
    /// A way into the console at `console_url`, shut until there is a visitor.
    pub fn new(app: Seawall, console_url: String) -> Self {
        let token = secrets::fresh_token(&app.chance);
        Self(Arc::new(Inner {
            app,
            visitor: OnceLock::new(),
            console_url,
            token,
            session: Mutex::default(),
        }))
    }

    /// Opens it for the visitor. Only the first one counts.
    pub fn open_for(&self, visitor: Visitor) {
        let _ = self.0.visitor.set(visitor);
    }

    /// The visitor, for someone who knows the token.
    fn visitor(&self, token: &str) -> Option<&Visitor> {
        self.0.visitor.get().filter(|_| token == self.0.token)
    }

    /// The path that signs in.
    pub fn sign_in_path(&self) -> String {
        format!("/sign-in/{}", self.0.token)
    }

    /// The path of the page that shows the present one-time code.
    pub fn code_path(&self) -> String {
        format!("/code/{}", self.0.token)
    }

    /// Both paths.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/sign-in/{token}", get(sign_in))
            .route("/code/{token}", get(show_code))
            .with_state(self.clone())
    }

    async fn session(&self, visitor: &Visitor) -> Result<String, AccessError> {
        let Inner { app, session, .. } = &*self.0;
        let mut known = session.lock().await;
        if let Some(token) = known.as_ref()
            && access::session(app, token).await?.is_some()
        {
            return Ok(token.clone());
        }
        let code = secrets::totp_code(&visitor.totp_secret, app.clock.now())?;
        let attempt = Attempt {
            name: VISITOR,
            password: &visitor.password,
            totp_code: &code,
            address: "the demonstration's door",
            device_token: None,
        };
        let signed_in = access::sign_in(app, &attempt).await?;
        Ok(known.insert(signed_in.session_token).clone())
    }
}

async fn sign_in(State(door): State<Door>, Path(token): Path<String>) -> Response {
    let Some(visitor) = door.visitor(&token) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match door.session(visitor).await {
        Ok(session) => {
            let cookie = format!("{SESSION_COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax");
            let headers = [
                (header::SET_COOKIE, cookie),
                (header::LOCATION, format!("{}/desk", door.0.console_url)),
                (header::CACHE_CONTROL, "no-store".to_owned()),
                (header::REFERRER_POLICY, "no-referrer".to_owned()),
            ];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        Err(error) => {
            let text = format!(
                "Cannot sign in: {error}. A one-time code is good once; after half a minute there is a new one.\n"
            );
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

async fn show_code(State(door): State<Door>, Path(token): Path<String>) -> Response {
    let Some(visitor) = door.visitor(&token) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let now = door.0.app.clock.now();
    let Ok(code) = secrets::totp_code(&visitor.totp_secret, now) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let left_s = 30 - now.unix_seconds().rem_euclid(30);
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"refresh\" content=\"{left_s}\"><title>One-time code</title></head><body>\
         <p>In place of an authenticator app. Name <code>{VISITOR}</code>, password <code>{}</code>, code for the next {left_s} seconds:</p>\
         <p><output>{code}</output></p></body></html>",
        visitor.password
    );
    ([(header::CACHE_CONTROL, "no-store")], Html(page)).into_response()
}
