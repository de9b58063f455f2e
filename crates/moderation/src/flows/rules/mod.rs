//! Rules change as code does: proposed, checked, tested, held against the past, watched in shadow, approved by a second person, live.
//!
//! A version of the rules never changes; what changes is which version counts, in one statement, for all processes at once. Start with
//! [`changes`], then [`super::judging`] for how they are asked.

mod backtest;
mod changes;
mod check;
mod endings;
mod follow;
mod install;
mod labels;
mod lists;
mod shadow;
mod watch;

pub use backtest::{BACKTEST_DAYS_MAX, BACKTEST_EVENTS_MAX, backtest, export_events, try_out};
pub use changes::{NewChange, RollBack, approve, propose, reject, roll_back, withdraw};
pub use check::{Checked, Finding, RuleBrief, TestOutcome, check};
pub use endings::end_restrictions;
pub(crate) use follow::run_rules_follower;
pub use install::install;
pub use labels::{NewLabel, remove_label, set_label};
pub use lists::{ListUpload, add_entries, delete_list, put_list, remove_entry, upload_list};
pub use shadow::{start_shadow, stop_shadow};
pub use watch::{keep_rules_up, see_alarm};

use crate::model::{ChangeState, Denied};
use crate::store::StoreError;

/// Something about the rules was not changed.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such thing.
    #[error("there is no such {what}")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
    },
    /// Something about the request is wrong.
    #[error("`{field}` {what}")]
    Invalid {
        /// Which part.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The rules do not pass the checker or their own tests.
    #[error("the rules do not pass: {} errors, {} tests failed", .0.n_errors, .0.n_failed)]
    Refused(Box<Checked>),
    /// The change is no longer open.
    #[error("the change is {} by now", .state.as_str())]
    NotOpen {
        /// What it is.
        state: ChangeState,
    },
    /// Other rules became live since it was proposed: propose it anew on top of them.
    #[error("it was proposed when version {base} was live, and now version {live} is")]
    Stale {
        /// What was live.
        base: i64,
        /// What is.
        live: i64,
    },
    /// Nobody approves their own change, nor one that a key of theirs proposed.
    #[error(
        "whoever proposed a change, themselves or by a key that they made, cannot approve it: another lead or admin can in the console, or the \
         operator with `seawall policy approve` if it is not the operator's own"
    )]
    SamePerson,
    /// The rules are those that are live.
    #[error("nothing is different from the live rules")]
    Same,
    /// As many backtests are run as may be.
    #[error("as many backtests are run as one process runs at a time")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn invalid(field: &'static str, what: impl Into<String>) -> RulesError {
    RulesError::Invalid {
        field,
        what: what.into(),
    }
}

/// A text that people wrote: bounded, and storable.
fn text(field: &'static str, text: &str, length_min: usize, length_max: usize) -> Result<String, RulesError> {
    let text = text.trim();
    let length = text.chars().count();
    if length < length_min || length > length_max {
        return Err(invalid(field, format!("has {length_min} to {length_max} characters")));
    }
    if text.contains('\0') {
        return Err(invalid(field, "has a NUL character"));
    }
    Ok(text.to_owned())
}
