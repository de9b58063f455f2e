//! What should happen, given facts. Pure: values in, values out; it knows no store, no clock, no media. Time, chance, facts and what
//! is remembered are arguments.
//!
//! Rules are files of text: [`lang`] reads them, [`compile`] checks them and makes [`Rules`], which [`Rules::evaluate`] asks about an
//! [`Event`]; [`window`] remembers. Rules' own tests run in [`author_tests`], many events at once in [`batch`].
//! What is to be done by an evaluation is a [`Ruling`]. Two sets of rules over the same events are compared in [`compare`], how good a rule is
//! is worked out in [`measure`].

pub mod author_tests;
pub mod batch;
pub mod compare;
pub mod compile;
pub mod edit;
pub mod form;
pub mod lang;
pub mod measure;
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
mod guards;
mod lists;
mod patterns;
mod rules;
mod ruling;
mod words;

pub use default_rules::{DEFAULT_RULES, DEFAULT_RULES_FILE};
pub use eval::{CounterRead, STEPS_MAX, Scratch};
pub use evaluation::{Cause, Evaluation, Fired, Undecided};
pub use event::{Event, EventError, Given, LIST_ROWS_MAX, TEXT_BYTES_MAX};
pub use lang::source::{Diagnostic, Level, Report, Source};
pub use lists::Lists;
pub use rules::{Mode, Outcome as RuleOutcome, PolicyOf, RESTRICTIONS, Rule, Rules, Severity};
pub use ruling::{NO_RULE, NewLabel, Restriction, Ruling};
pub use words::{Outcome, PolicyCode, Queue, QueueName, UnknownWord};
