//! All paths, and what each request passes before its handler.

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use axum::{Router, middleware};
use utoipa_axum::router::OpenApiRouter;

use crate::problem::ApiError;
use crate::state::WebState;
use crate::{api, console, docs_page, health, hma, layers, logout, openapi, upload};

/// Everything that is served.
pub fn router(state: WebState) -> Router {
    // Bodies are limited and held by the layers; the extractors' own limit would only be a second one.
    let (no_limit, with) = (DefaultBodyLimit::disable(), state.clone());
    let paths = |routes: OpenApiRouter<WebState>| routes.split_for_parts().0;

    // A submission may wait for files, from the client and from elsewhere, before it needs a place among those that are worked on.
    let submissions = paths(api::submission_routes())
        .layer(no_limit)
        .layer(from_fn_with_state(with.clone(), upload::stream_form));
    let imports = paths(api::import_routes())
        .layer(from_fn_with_state(with.clone(), layers::admit_import))
        .layer(no_limit)
        .layer(from_fn_with_state(with.clone(), layers::hold_large_body));
    let pieces = paths(api::piece_routes())
        .layer(from_fn_with_state(with.clone(), layers::admit))
        .layer(no_limit)
        .layer(from_fn_with_state(with.clone(), layers::hold_piece));
    let others = paths(api::other_routes())
        .layer(from_fn_with_state(with.clone(), layers::admit))
        .layer(from_fn_with_state(with.clone(), layers::hold_small_body));
    let api = submissions
        .merge(imports)
        .merge(pieces)
        .merge(others)
        .layer(from_fn_with_state(with.clone(), layers::authenticate));

    let open = Router::new()
        .route("/healthz", get(health::is_alive))
        .route("/readyz", get(health::is_ready))
        .route("/metrics", get(health::metrics))
        .route("/api/openapi.json", get(openapi::get_openapi))
        .route("/api/docs", get(docs_page::get_docs))
        .route("/api/docs.css", get(docs_page::get_style))
        .route("/problems/{kind}", get(docs_page::get_problem))
        .route("/api", any(unknown_path))
        .route("/api/", any(unknown_path))
        .route("/api/{*rest}", any(unknown_path))
        .layer(from_fn_with_state(with.clone(), layers::limit_address));
    // The identity provider itself calls this, without a browser and without a session.
    let logout = Router::new()
        .route(logout::LOGOUT_PATH, post(logout::log_out))
        // It takes no place from others: strangers can call it, and it may wait for the provider.
        .layer(from_fn_with_state(with.clone(), layers::end_in_time))
        .layer(no_limit)
        .layer(from_fn_with_state(with.clone(), logout::hold_token))
        .layer(from_fn_with_state(with.clone(), layers::limit_address));
    let console = console::router(&state).layer(from_fn_with_state(with.clone(), layers::limit_address));

    let hma = match &state.settings.hma {
        Some(settings) => hma::router(&state, settings),
        None => Router::new(),
    };

    api.merge(open)
        .merge(hma)
        .merge(logout)
        .merge(console)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(with, layers::observe))
        .with_state(state)
}

async fn unknown_path() -> ApiError {
    ApiError::UnknownPath
}

async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}

/// The path behind a one-time link that lets a person choose a password. The token is a secret: it goes to that person alone.
pub fn invite_path(token: &str) -> String {
    format!("/invite/{token}")
}
