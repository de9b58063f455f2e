//! The outside of Seawall: the HTTP API that platforms call and the console that people sign in to.
//!
//! It alone knows status codes, JSON fields, forms, cookies and pages. It must never name a table, compare two signals or
//! say what should happen with an item: a handler extracts, calls one flow or view of `moderation`, and renders.
//!
//! Where to start reading: [`serve`] (`server/`), then [`WebState`], then `layers.rs`, which every request passes, then
//! `api/` for programs and `console/` for people. Errors all end in `problem.rs`.

pub mod console;

mod api;
mod body;
mod docs_page;
mod extract;
pub mod fetch;
mod health;
mod hma;
mod layers;
mod limits;
mod logout;
mod metrics;
mod openapi;
mod problem;
mod refusals;
mod router;
mod server;
mod settings;
mod state;
mod streams;
mod upload;

pub use console::callback_url;
pub use hma::{HmaAccess, HmaSettings, HmaSignalType, ParseHmaSignalTypeError};
pub use layers::Peer;
pub use limits::RateLimit;
pub use logout::logout_url;
pub use openapi::openapi_json;
pub use problem::{ApiError, Problem, ProblemKind};
pub use router::{invite_path, router};
pub use server::{ServeError, serve, serve_state};
pub use settings::{MetricsAccess, WebLimits, WebSettings};
pub use state::{RequestInfo, WebState};
