//! Who may call: keys as everywhere; and, where the operator allows it, any program of this machine.
//!
//! A page in a browser of this machine is no program of it, and neither is what a proxy on it passes on: both can be had to
//! call by strangers. So nothing is open to a request that names another host, comes from a page, or was forwarded.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use moderation::model::Actor;

use crate::extract::Caller;
use crate::layers;
use crate::problem::ApiError;
use crate::state::{RequestInfo, WebState};

/// Whom the rate of calls without a key is counted for.
const OPEN_CALLER: &str = "hma open access";

/// Finds out who calls.
pub(super) async fn authenticate(State(state): State<WebState>, mut request: Request, next: Next) -> Response {
    let Some(settings) = &state.settings.hma else {
        return ApiError::UnknownPath.into_response();
    };
    if !settings.is_open() || request.headers().contains_key(header::AUTHORIZATION) || !is_of_this_machine(&request) {
        return layers::authenticate(State(state), request, next).await;
    }
    if !settings.is_dev
        && let Err(retry_after) = state.shared.keys.take(OPEN_CALLER.to_owned(), state.app.clock.now())
    {
        return ApiError::RateLimited { retry_after }.into_response();
    }
    // Whoever runs programs on this machine is whom the command line obeys.
    request.extensions_mut().insert(Caller { actor: Actor::Operator });
    next.run(request).await
}

fn is_of_this_machine(request: &Request) -> bool {
    let peer = request.extensions().get::<RequestInfo>().map(|info| info.peer);
    peer.is_some_and(|peer| peer.is_loopback()) && is_by_a_program(request.headers())
}

/// What proxies add besides `X-Forwarded-…`.
const PROXY_HEADERS: [header::HeaderName; 3] = [
    header::FORWARDED,
    header::VIA,
    header::HeaderName::from_static("x-real-ip"),
];

/// Whether no proxy passed it on and no page made a browser send it.
fn is_by_a_program(headers: &HeaderMap) -> bool {
    let is_forwarded = headers
        .keys()
        .any(|name| name.as_str().starts_with("x-forwarded-") || PROXY_HEADERS.contains(name));
    let is_of_a_page = headers.contains_key(header::ORIGIN)
        || headers
            .get("sec-fetch-site")
            .is_some_and(|site| site != "none" && site != "same-origin");
    let names_this_machine = match headers.get(header::HOST) {
        Some(host) => host.to_str().is_ok_and(is_loopback_host),
        None => true,
    };
    !is_forwarded && !is_of_a_page && names_this_machine
}

/// Whether the value of `Host` is this machine by name or address, at any port.
fn is_loopback_host(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_proxies_are_told_from_programs() {
        let is_by_a_program = |pairs: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(
                    header::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    value.parse().unwrap(),
                );
            }
            is_by_a_program(&headers)
        };
        for good in ["127.0.0.1:8410", "localhost", "LOCALHOST:1", "[::1]:8410", "127.9.9.9"] {
            assert!(is_by_a_program(&[("host", good)]), "{good}");
        }
        for bad in ["evil.example:8410", "localhost.evil.example", "10.0.0.1", "[::2]:1", ""] {
            assert!(!is_by_a_program(&[("host", bad)]), "{bad}");
        }
        assert!(is_by_a_program(&[]));
        assert!(is_by_a_program(&[("sec-fetch-site", "none")]));
        assert!(!is_by_a_program(&[("sec-fetch-site", "cross-site")]));
        assert!(!is_by_a_program(&[("origin", "http://127.0.0.1:8410")]));
        assert!(!is_by_a_program(&[("x-forwarded-for", "192.0.2.1")]));
        assert!(!is_by_a_program(&[("forwarded", "for=192.0.2.1")]));
        assert!(!is_by_a_program(&[("via", "1.1 proxy")]));
        assert!(!is_by_a_program(&[("x-real-ip", "192.0.2.1")]));
        assert!(!is_by_a_program(&[("x-forwarded-proto", "https")]));
    }
}
