//! The identity provider says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0). It comes from the
//! provider's own machine: no browser, no cookie, no session; its signature is all that is believed.

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use moderation::flows::access::{self, LogoutError};
use serde_json::json;

use crate::state::WebState;
use crate::{ApiError, layers};

/// Where the provider says so.
pub const LOGOUT_PATH: &str = "/sign-in/provider/logout";
/// The largest body of such a request.
const BODY_BYTES_MAX: usize = 80 << 10;

/// Where the provider says so, as the operator names it there.
pub fn logout_url(public_url: &str) -> String {
    format!("{public_url}{LOGOUT_PATH}")
}

/// Reads the body, which is small.
pub async fn hold_token(State(state): State<WebState>, request: Request, next: Next) -> Response {
    layers::hold_body(state, request, next, BODY_BYTES_MAX).await
}

/// `POST /sign-in/provider/logout`
pub async fn log_out(State(state): State<WebState>, body: Bytes) -> Response {
    let mut fields = form_urlencoded::parse(&body);
    let token = fields.find(|(name, _)| name == "logout_token");
    let token = token.map(|(_, token)| token.into_owned()).unwrap_or_default();
    let no_store = (header::CACHE_CONTROL, "no-store");
    match access::log_out_by_provider(&state.app, &token).await {
        Ok(_) => (StatusCode::OK, [no_store]).into_response(),
        Err(LogoutError::Off) => ApiError::UnknownPath.into_response(),
        Err(error @ (LogoutError::Refused(_) | LogoutError::Repeated)) => {
            tracing::warn!("a logout token was refused: {error}");
            let body = json!({ "error": "invalid_request" }).to_string();
            (
                StatusCode::BAD_REQUEST,
                [no_store, (header::CONTENT_TYPE, "application/json")],
                body,
            )
                .into_response()
        }
        Err(error @ LogoutError::Unreachable(_)) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a logout token could not be checked"
            );
            // The provider may try again.
            (StatusCode::SERVICE_UNAVAILABLE, [no_store]).into_response()
        }
        Err(LogoutError::Store(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "nobody could be signed out");
            (StatusCode::SERVICE_UNAVAILABLE, [no_store]).into_response()
        }
    }
}
