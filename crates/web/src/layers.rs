//! What every request passes on its way to a handler, from the outside in.
//!
//! 1. [`observe`]: gives it an id, catches what panics, counts and logs it. Logs hold ids, routes and statuses alone.
//! 2. [`limit_address`] or [`authenticate`]: how often this caller may call.
//! 3. [`hold_body`]: the whole body, within its limits.
//! 4. [`admit`]: a place among the requests that are worked on, for as long as the handler runs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tracing::Instrument;

use crate::extract::Caller;
use crate::problem::ApiError;
use crate::settings::WebSettings;
use crate::state::{RequestInfo, WebState};

/// The other end of a connection, put among the extensions of its requests by the server. A request without it comes from nowhere that is trusted.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

const REQUEST_ID: &str = "x-request-id";

/// Longest request id that is taken from a client.
const REQUEST_ID_LENGTH_MAX: usize = 64;

/// See the head of this file.
pub(crate) async fn observe(State(state): State<WebState>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let _under_way = state.shared.metrics.requests.enter();
    let peer = request
        .extensions()
        .get::<Peer>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip().to_canonical());
    let info = RequestInfo {
        id: request_id(request.headers()).unwrap_or_else(|| hex::encode(state.app.chance.bytes::<12>())),
        client: client_address(peer, request.headers(), &state.settings),
        peer,
    };
    let id = info.id.clone();
    request.extensions_mut().insert(info);
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();

    let span = tracing::info_span!("request", request.id = %id, %method, %route);
    let run = AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .instrument(span.clone());
    let mut response = match run.await {
        Ok(response) => response,
        Err(_) => {
            span.in_scope(|| tracing::error!("a handler panicked"));
            ApiError::Panicked.into_response()
        }
    };

    let took = start.elapsed();
    let status = response.status();
    state.shared.metrics.count(&method, &route, status, took);
    span.in_scope(|| {
        tracing::info!(
            http.status = status.as_u16(),
            took_ms = took.as_millis() as u64,
            "answered"
        )
    });
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Counts the request for its address.
pub(crate) async fn limit_address(State(state): State<WebState>, request: Request, next: Next) -> Response {
    match take_from_address(&state, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Finds out whose key it is, and counts the request for the key; without a valid one, for the address.
pub(crate) async fn authenticate(State(state): State<WebState>, mut request: Request, next: Next) -> Response {
    let caller = match Caller::of(&state, request.headers()).await {
        Ok(caller) => caller,
        Err(error @ ApiError::Unauthenticated { .. }) => {
            return take_from_address(&state, &request)
                .err()
                .unwrap_or(error)
                .into_response();
        }
        Err(error) => return error.into_response(),
    };
    if let Err(retry_after) = state.shared.keys.take(caller.actor.to_string(), state.app.clock.now()) {
        return ApiError::RateLimited { retry_after }.into_response();
    }
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Reads the body of a small request.
pub(crate) async fn hold_small_body(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let bytes_max = state.settings.limits.small_body_bytes_max;
    hold_body(state, request, next, bytes_max).await
}

/// Reads the body of a request that may carry files.
pub(crate) async fn hold_large_body(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let bytes_max = state.settings.limits.body_bytes_max;
    hold_body(state, request, next, bytes_max).await
}

/// Reads a piece of a live stream.
pub(crate) async fn hold_piece(State(state): State<WebState>, request: Request, next: Next) -> Response {
    hold_body(state, request, next, crate::api::PIECE_BYTES_MAX).await
}

/// Reads the body of a request, up to so many bytes.
pub(crate) async fn hold_body(state: WebState, request: Request, next: Next, bytes_max: usize) -> Response {
    hold_body_then(state, request, bytes_max, |request| next.run(request)).await
}

/// The same, and then does this with the request.
pub(crate) async fn hold_body_then<F: Future<Output = Response>>(
    state: WebState,
    request: Request,
    bytes_max: usize,
    then: impl FnOnce(Request) -> F,
) -> Response {
    let (parts, body) = request.into_parts();
    match crate::body::hold(body, bytes_max, &state.settings.limits, &state.shared.memory).await {
        Ok(held) => then(Request::from_parts(parts, Body::from(held.bytes.clone()))).await,
        Err(error) => {
            let mut response = error.into_response();
            // The rest of the body is not read, so the connection cannot carry another request.
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
            response
        }
    }
}

/// Gives the request a place among those that are worked on, and takes it back when its time is up.
pub(crate) async fn admit(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let time_max = state.settings.limits.request_time_max;
    limit_time(time_max, admit_and_run(&state, request, next)).await
}

/// The same for an import, which takes longer.
pub(crate) async fn admit_import(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let time_max = state.settings.limits.import_time_max;
    limit_time(time_max, admit_and_run(&state, request, next)).await
}

/// Ends the work on a request when its time is up. For handlers that ask for their place themselves.
pub(crate) async fn end_in_time(State(state): State<WebState>, request: Request, next: Next) -> Response {
    limit_time(state.settings.limits.request_time_max, next.run(request)).await
}

async fn admit_and_run(state: &WebState, request: Request, next: Next) -> Response {
    match state.shared.admission.enter().await {
        Some(_place) => next.run(request).await,
        None => ApiError::Busy {
            what: "Too many requests are worked on just now.",
        }
        .into_response(),
    }
}

/// Reads a body whole, and gives the work, which asks for its place itself, the time of an import from then on.
pub(crate) async fn hold_body_of_long_work(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let limits = &state.settings.limits;
    let (bytes_max, time_max) = (limits.body_bytes_max, limits.import_time_max);
    hold_body_then(state, request, bytes_max, |request| {
        limit_time(time_max, next.run(request))
    })
    .await
}

/// Ends the work when its time is up.
pub(crate) async fn limit_time(time_max: Duration, work: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(time_max, work).await {
        Ok(response) => response,
        Err(_) => ApiError::TimedOut.into_response(),
    }
}

fn take_from_address(state: &WebState, request: &Request) -> Result<(), ApiError> {
    let Some(info) = request.extensions().get::<RequestInfo>() else {
        return Ok(());
    };
    let taken = state
        .shared
        .addresses
        .take(rate_unit(info.client), state.app.clock.now());
    taken.map_err(|retry_after| ApiError::RateLimited { retry_after })
}

/// Whom a rate is counted for: an IPv4 address, or the /64 that one customer of an IPv6 network is given.
pub(crate) fn rate_unit(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
    }
}

/// The client's own id for the request, if it is a harmless one.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=REQUEST_ID_LENGTH_MAX).contains(&id.len()).then_some(())?;
    id.bytes().all(harmless).then(|| id.to_owned())
}

/// The last address in `X-Forwarded-For` that no trusted proxy has, if a trusted proxy sent it; else the connection's.
fn client_address(peer: IpAddr, headers: &HeaderMap, settings: &WebSettings) -> IpAddr {
    let trusted = |address: IpAddr| settings.trusted_proxies.contains(&address);
    if !trusted(peer) {
        return peer;
    }
    let forwarded = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok());
    let forwarded: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
    let mut client = peer;
    for address in forwarded.iter().rev() {
        // What stands before an address that cannot be read, or one of a stranger, was written by a stranger.
        let Ok(address) = address.trim().parse::<IpAddr>() else {
            break;
        };
        client = address.to_canonical();
        if !trusted(client) {
            break;
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let mut settings = WebSettings::new("http://127.0.0.1");
        settings.trusted_proxies = vec!["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        let client = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            client_address(peer.parse().unwrap(), &headers, &settings).to_string()
        };
        assert_eq!(client("192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6, nonsense, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn a_request_id_from_outside_is_harmless_or_replaced() {
        let id = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(text.as_bytes()).unwrap());
            request_id(&headers)
        };
        assert_eq!(id("a-1_B.2"), Some("a-1_B.2".to_owned()));
        for bad in ["", "a b", "ä", "a\"b", &"x".repeat(65)] {
            assert_eq!(id(bad), None, "{bad}");
        }
    }

    #[test]
    fn one_ipv6_customer_is_one_caller() {
        let unit = |text: &str| rate_unit(text.parse().unwrap()).to_string();
        assert_eq!(unit("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(unit("192.0.2.7"), "192.0.2.7");
    }
}
