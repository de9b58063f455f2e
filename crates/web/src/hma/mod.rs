//! The HTTP surface of Hasher-Matcher-Actioner (HMA, by Meta): its paths, parameters, statuses and shapes over Seawall's own
//! banks, so that a program that was written for it works by changing its base URL.
//!
//! It calls the flows and views that everything else calls, with the same keys, rights, limits and log. Its rules are those
//! of the other program, which is why its errors and queries are read and written here and nowhere else. Where HMA fails
//! with 500 over bad input, the answer here is a 4xx; `docs/hma.md` lists all differences. It must never name a table, nor
//! say what HMA would store. Start with [`router`], then `matching.rs`.

mod access;
mod answers;
mod banks;
mod body;
mod compare;
mod content;
mod dev;
mod exchanges;
mod files;
mod hashing;
mod matching;
mod query;
mod status;
mod types;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get, post};

use crate::layers;
use crate::state::WebState;

pub use types::{HmaSignalType, ParseHmaSignalTypeError};

/// What the operator chose about the paths of HMA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HmaSettings {
    /// Who may call them.
    pub access: HmaAccess,
    /// The types of signals that they know.
    pub signal_types: Vec<HmaSignalType>,
    /// Whether HMA's helpers for tests are served too. They forget everything at one request.
    pub is_dev: bool,
}

/// Who may call the paths of HMA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HmaAccess {
    /// Who has an API key with the scopes, as everywhere in the API.
    Keys,
    /// Also, without a key, programs of this machine.
    OpenOnLoopback,
}

impl HmaSettings {
    /// Keys, and the types of signals of HMA's own reference configuration.
    pub fn new() -> Self {
        Self {
            access: HmaAccess::Keys,
            signal_types: vec![HmaSignalType::Pdq, HmaSignalType::VideoMd5],
            is_dev: false,
        }
    }

    /// Whether anyone may call without a key.
    pub fn is_open(&self) -> bool {
        match self.access {
            HmaAccess::Keys => false,
            HmaAccess::OpenOnLoopback => true,
        }
    }
}

impl Default for HmaSettings {
    fn default() -> Self {
        Self::new()
    }
}

/// All paths of HMA.
pub(crate) fn router(state: &WebState, settings: &HmaSettings) -> Router<WebState> {
    let with = state.clone();
    // These may wait for files from elsewhere before they need a place among those that are worked on.
    let with_files = Router::new()
        .route("/h/hash", get(hashing::hash_url).post(hashing::hash_upload))
        .route("/m/lookup", get(matching::look_up).post(matching::look_up_upload))
        .route("/c/bank/{bank}/content", post(content::add_content))
        .layer(from_fn_with_state(with.clone(), layers::end_in_time))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(with.clone(), layers::hold_large_body));
    let mut without_files = Router::new()
        .route("/m/raw_lookup", get(matching::look_up_raw))
        .route("/m/compare", post(compare::compare))
        .route("/m/index/status", get(status::index_status))
        .route("/c/banks", get(banks::list_banks).post(banks::create_bank))
        .route(
            "/c/bank/{bank}",
            get(banks::get_bank).put(banks::update_bank).delete(banks::delete_bank),
        )
        .route(
            "/c/bank/{bank}/content/{content}",
            get(content::get_content)
                .put(content::update_content)
                .delete(content::remove_content),
        )
        .route("/c/bank/{bank}/signal", post(content::add_signals))
        .route("/c/signal_type", get(status::list_signal_types))
        .route("/c/signal_type/index", get(status::signal_type_index))
        .route("/c/signal_type/{name}", axum::routing::put(status::update_signal_type))
        .route("/c/content_type", get(status::list_content_types))
        .route("/c/exchanges/apis", get(exchanges::list_apis))
        .route(
            "/c/exchanges/api/{api}",
            get(exchanges::get_api).post(exchanges::set_api),
        )
        .route("/c/exchanges/api/{api}/schema", get(exchanges::get_schema))
        .route(
            "/c/exchanges",
            get(exchanges::list_exchanges).post(exchanges::create_exchange),
        )
        .route(
            "/c/exchange/{name}",
            get(exchanges::get_exchange)
                .put(exchanges::update_exchange)
                .delete(exchanges::delete_exchange),
        )
        .route("/c/exchange/{name}/status", get(exchanges::get_exchange_status));
    if settings.is_dev {
        without_files = without_files
            .route("/dev/factory_reset", post(dev::factory_reset))
            .route("/dev/setup_sample_example", post(dev::set_up_sample))
            .route("/dev/setup_tx_example", post(dev::set_up_threatexchange))
            .route("/dev/seed_banks", post(dev::seed_banks))
            .route("/dev/run_fetch", post(dev::run_fetch));
    }
    let without_files = without_files
        .layer(from_fn_with_state(with.clone(), layers::admit))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(with.clone(), layers::hold_small_body));
    let guarded = with_files
        .merge(without_files)
        .layer(from_fn_with_state(with.clone(), access::authenticate));

    let mut open = Router::new()
        .route("/status", get(status::is_ready))
        .route("/status/live", get(status::is_alive));
    for unknown in ["/h/{*rest}", "/m/{*rest}", "/c/{*rest}", "/dev/{*rest}"] {
        open = open.route(unknown, any(answers::unknown_path));
    }
    if settings.is_dev {
        open = open
            .route("/ui", get(dev::go_to_console))
            .route("/ui/", get(dev::go_to_console))
            .route("/ui/{*rest}", get(dev::go_to_console));
    } else {
        open = open.layer(from_fn_with_state(with, layers::limit_address));
    }
    guarded
        .merge(open)
        .method_not_allowed_fallback(answers::method_not_allowed)
        .layer(from_fn(answers::speak_hma))
}
