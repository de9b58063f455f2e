//! The console in a real browser, driven over WebDriver: the whole journey from the one-time link to the platform's
//! confirmation, by keyboard alone, without scripts, and how every page looks.
//!
//! Pictures of the pages are written to `target/screenshots/`. Start with `journey.rs`; `stage.rs` sets up what it needs.

#[path = "../common/mod.rs"]
mod common;

mod checks;
mod journey;
mod keyboard;
mod looks;
mod next;
mod provider;
mod rules;
mod shift;
mod stage;
mod together;
mod webdriver;
mod without_scripts;
