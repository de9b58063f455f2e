//! What should happen, given facts. Pure: values in, values out; it knows no store, no clock, no media. Time, chance, facts and what
//! is remembered are arguments.
//!
//! Rules are files of text: [`lang`] reads them, [`compile`] checks them and makes [`Rules`], which [`Rules::evaluate`] asks about an
//! [`Event`]; [`window`] remembers. Rules' own tests run in [`author_tests`], many events at once in [`batch`].
//! What is asked today is [`default_rules`]: start with [`Facts`] and [`evaluate`].

pub mod author_tests;
pub mod batch;
pub mod compile;
pub mod lang;
pub mod schema;
pub mod value;
pub mod window;

mod arithmetic;
mod default_rules;
mod eval;
mod eval_windows;
mod evaluation;
mod event;
mod graph;
mod lists;
mod patterns;
mod rules;
mod words;

pub use default_rules::{DEFAULT_RULES, Facts, MatchFact, RULES_VERSION, Ruling, evaluate};
pub use eval::{CounterRead, STEPS_MAX, Scratch};
pub use evaluation::{Cause, Evaluation, Fired, Undecided};
pub use event::{Event, EventError, Given, LIST_ROWS_MAX, TEXT_BYTES_MAX};
pub use lang::source::{Diagnostic, Level, Report, Source};
pub use lists::Lists;
pub use rules::{Mode, Outcome as RuleOutcome, PolicyOf, RESTRICTIONS, Rule, Rules, Severity};
pub use words::{Outcome, PolicyCode, Queue, UnknownWord};
