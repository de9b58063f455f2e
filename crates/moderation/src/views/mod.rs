//! What is shown: reads that join rooms, so that a page costs a few statements however long it is.
//!
//! Views write nothing. Each checks what its actor may see. The API and the console show the same views.

mod banks;
mod cases;
mod consistency;
mod coverage;
mod desk;
mod hma;
mod incidents;
mod items;
mod log;
mod metrics;
mod names;
mod reach;
mod rules;
mod settings;
mod standing;
mod streams;
mod workload;

pub use banks::{
    BankRow, bank, bank_by_name, blurred_entry_preview, blurred_entry_strip_picture, entry, entry_strip, list_banks,
    list_entries, list_whole_entries, long_signals,
};
pub use cases::{CaseFilter, CaseRow, CaseView, DecisionView, EventView, Nearness, case, list_cases};
pub(crate) use consistency::consistency_faults;
pub(crate) use coverage::Plan;
pub use coverage::{Coverage, QueueCover, coverage, uncovered};
pub use desk::{ActionCounts, Desk, QueueCount, count_actions, desk};
pub use hma::{
    HmaCensus, HmaContent, hma_bank, hma_banks, hma_census, hma_content, hma_exchange, hma_exchanges,
    hma_has_credentials, hma_is_caught_up,
};
pub use incidents::{HuntView, IncidentView, active_incidents, is_hunted};
pub use items::{
    ItemRow, ItemView, MatchView, MediaView, blurred_media_preview, blurred_strip_picture, item, list_items, verdict,
    waveform,
};
pub(crate) use items::{verdict_in_force, verdict_of_decision};
pub use log::{action, decision, list_actions, list_decisions, list_events, list_newest_events};
pub use metrics::{Metrics, metrics};
pub(crate) use reach::{reached_comparison, reaches_action, reaches_item, reaches_media};
pub use rules::{
    ChangeRow, ChangeView, CounterSeen, DiffLine, Explanation, FileDiff, FileDiffKind, FiredRule, Hunk, LineKind,
    RuleDay, RuleListRow, RuleMetrics, RuleRow, RuleView, RulesView, UndecidedRule, VersionRow, VersionView, change,
    diff_files, diff_versions, explain, labels_of, list_changes, list_labels, list_rule_lists, list_rules_versions,
    rule, rule_alarms, rule_list, rules, rules_version,
};
pub use settings::{KeyRow, list_keys, list_users};
pub use standing::Standing;
pub use streams::{VERDICTS_MAX, list_streams, stream, stream_verdicts};
pub use workload::{WORKLOAD_LATELY, WORKLOAD_OVER, Workload, workload};

use crate::model::Denied;
use crate::store::StoreError;

/// Something was not shown.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The actor may not see it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The cursor is not one that the list gave out.
    #[error("the cursor is not one of this list")]
    BadCursor,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A cursor that a list gave out, read back.
fn cursor<T: std::str::FromStr>(request: &crate::model::PageRequest) -> Result<Option<T>, ViewError> {
    match &request.cursor {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| ViewError::BadCursor),
    }
}
