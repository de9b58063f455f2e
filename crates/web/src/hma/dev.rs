//! `/dev`: HMA's helpers for tests, served by `seawall serve --hma-dev` alone. They answer with a redirect to a page, as HMA
//! does; the page is the console here.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use moderation::flows::hma::{self as flow, HmaError};
use moderation::hma::ExchangeApi;
use serde_json::json;

use super::answers::Refusal;
use crate::extract::Caller;
use crate::state::WebState;

/// The exchange that HMA sets up for a try, and its bank.
const SAMPLE_EXCHANGE: &str = "SEED_SAMPLE";

/// The same with the programme of Meta.
const THREATEXCHANGE_EXCHANGE: &str = "TX_EXAMPLE_COLLAB";

/// The group of Meta's that HMA takes for it.
const THREATEXCHANGE_GROUP: u64 = 1_012_185_296_055_235;

/// `POST /dev/factory_reset`: everything is forgotten.
pub(super) async fn factory_reset(State(state): State<WebState>, caller: Caller) -> Result<Response, Refusal> {
    flow::forget_everything(&state.app, &caller.actor).await?;
    Ok(go_to("/ui/"))
}

/// `POST /dev/setup_sample_example`: an exchange that gives a few published examples. Doing it twice is doing it once.
pub(super) async fn set_up_sample(State(state): State<WebState>, caller: Caller) -> Result<Response, Refusal> {
    let config = json!({});
    let made = flow::create_exchange(
        &state.app,
        &caller.actor,
        SAMPLE_EXCHANGE,
        ExchangeApi::Sample,
        config,
        true,
    );
    once(made.await)?;
    Ok(go_to("/ui/"))
}

/// `POST /dev/setup_tx_example`: the same with the programme of Meta, which nothing is fetched from yet.
pub(super) async fn set_up_threatexchange(State(state): State<WebState>, caller: Caller) -> Result<Response, Refusal> {
    let config = json!({ "privacy_group": THREATEXCHANGE_GROUP });
    let made = flow::create_exchange(
        &state.app,
        &caller.actor,
        THREATEXCHANGE_EXCHANGE,
        ExchangeApi::FbThreatexchange,
        config,
        true,
    );
    once(made.await)?;
    Ok(go_to("/ui/"))
}

/// `POST /dev/seed_banks`: two banks full of hashes that mean nothing.
pub(super) async fn seed_banks(State(state): State<WebState>, caller: Caller) -> Result<Response, Refusal> {
    flow::seed_banks(&state.app, &caller.actor).await?;
    Ok(go_to("/ui/"))
}

/// `POST /dev/run_fetch`: every enabled exchange is fetched from.
pub(super) async fn run_fetch(State(state): State<WebState>, caller: Caller) -> Result<Response, Refusal> {
    flow::fetch_exchanges(&state.app, &caller.actor).await?;
    Ok(go_to("/ui/exchanges"))
}

/// `GET /ui…`: for clients that follow the redirects.
pub(super) async fn go_to_console() -> Response {
    go_to("/")
}

fn once(made: Result<(), HmaError>) -> Result<(), Refusal> {
    match made {
        Ok(()) | Err(HmaError::NameTaken) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn go_to(path: &'static str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, path)]).into_response()
}
