//! What Seawall remembers, and why: items, banks, matches, decisions, cases, actions, the people and the event log.
//!
//! The rooms ([`items`], [`banks`], [`matching`], [`decisions`], [`cases`], [`actions`], [`access`], [`streams`], [`rules`], [`routing`], [`quality`], [`proposals`], [`hma`]) each own the tables
//! that begin with their name and know only [`model`] and [`store`]. [`flows`] alone joins rooms to write, [`views`] alone
//! joins them to read. It must never know a status code, a page or an argument of the command line.
//!
//! Start with `flows/submit.rs`, which reads from top to bottom as content → signals → matches → decision → case.

pub mod access;
pub mod actions;
pub mod banks;
pub mod cases;
pub mod decisions;
pub mod flows;
pub mod hma;
pub mod items;
pub mod matching;
pub mod model;
pub mod proposals;
pub mod quality;
pub mod routing;
pub mod rules;
pub mod store;
pub mod streams;
pub mod views;

mod seawall;

pub use media;
pub use policy;
pub use seawall::{DeskSettings, NotReady, OpenError, Parts, RecordingSettings, Seawall, Settings};
pub use signal;
