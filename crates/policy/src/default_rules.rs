//! The rules that Seawall starts with, in their own language. They become version 1 of a new store.
//!
//! A match in a bank that people confirmed restricts at once and opens a case. Everything else that speaks against an item only opens a
//! case. A test compiles them and holds them against the function that they took the place of.

/// Their file's name.
pub const DEFAULT_RULES_FILE: &str = "default.rules";

/// Their text.
pub const DEFAULT_RULES: &str = include_str!("default.rules");
