//! What is shown: reads that join rooms, so that a page costs a few statements however long it is.
//!
//! Views write nothing. Each checks what its actor may see. The API and the console show the same views.

mod accounts;
mod banks;
mod cases;
mod cluster;
mod consistency;
mod context;
mod coverage;
mod desk;
mod exposure;
mod hma;
mod incidents;
mod items;
mod log;
mod metrics;
mod names;
mod numbers;
mod proposals;
mod quality;
mod reach;
mod rules;
mod search;
mod settings;
mod standing;
mod streams;
mod together;
mod workload;

pub use accounts::account_history;
pub(crate) use accounts::history as history_of_account;
pub use banks::{
    BankRow, bank, bank_by_name, blurred_entry_preview, blurred_entry_strip_picture, entry, entry_strip, list_banks,
    list_entries, list_whole_entries, long_signals,
};
pub(crate) use cases::stands_of;
pub use cases::{CaseFilter, CaseRow, CaseView, CommentView, DecisionView, EventView, Nearness, case, list_cases};
pub use cluster::{CLUSTER_ITEMS_MAX, Cluster, Member, Why, cluster, n_in_cluster};
pub(crate) use consistency::consistency_faults;
pub use context::{CONTEXT_ITEMS_MAX, CaseContext, EntryPast, Poster, RelatedCase, Tally, case_context};
pub(crate) use coverage::Plan;
pub use coverage::{Coverage, QueueCover, coverage, uncovered};
pub use desk::{ActionCounts, Desk, QueueCount, count_actions, desk};
pub(crate) use exposure::exposure_of;
pub use exposure::{EXPOSURE_DAYS, ExposureDay, exposure, exposure_days, own_wishes};
pub use hma::{
    HmaCensus, HmaContent, hma_bank, hma_banks, hma_census, hma_content, hma_exchange, hma_exchanges,
    hma_has_credentials, hma_is_caught_up,
};
pub use incidents::{HuntView, IncidentView, active_incidents, is_hunted};
pub use items::{
    ItemRow, ItemView, MatchView, MediaView, blurred_media_preview, blurred_strip_picture, item, verdict, waveform,
};
pub(crate) use items::{verdict_in_force, verdict_of_decision};
pub use log::{action, decision, list_actions, list_decisions, list_events, list_newest_events};
pub use metrics::{Metrics, metrics};
pub use numbers::{BURST_MAX, DEADLINE_MINUTES_MAX, NumbersView, PEOPLE_MAX, SURGE_MAX, WhatIf, numbers, what_if};
pub(crate) use proposals::reaches_proposal;
pub use proposals::{
    PROPOSALS_COUNTED_MAX, PROPOSALS_SHOWN_MAX, ProposalRow, ProposalView, WaitingProposal, list_proposals,
    n_proposals, page_of_proposals, proposal, waiting_proposal,
};
pub use quality::{
    BlindView, DISPUTES_MAX, DisputeView, GoldenAnswer, LEARNED_AFTER, QUALITY_OVER, QualityView, ReviewDesk,
    blind_review, dispute, disputes, is_golden, quality, review_desk,
};
pub(crate) use quality::{golden_candidate, held_review, overtaken_reviews, review_candidates};
pub(crate) use reach::{reached_comparison, reaches_action, reaches_item, reaches_media};
pub use rules::{
    ChangeRow, ChangeView, CounterSeen, DiffLine, Explanation, FileDiff, FileDiffKind, FiredRule, Hunk, LineKind,
    RuleDay, RuleListRow, RuleMetrics, RuleRow, RuleView, RulesView, UndecidedRule, VersionRow, VersionView, change,
    diff_files, diff_versions, explain, labels_of, list_changes, list_labels, list_rule_lists, list_rules_versions,
    rule, rule_alarms, rule_list, rules, rules_version,
};
pub use search::{ItemSearch, Place, list_items, place_of, search_items};
pub use settings::{KeyRow, list_keys, list_users};
pub use standing::Standing;
pub use streams::{VERDICTS_MAX, list_streams, stream, stream_verdicts};
pub use together::{Basket, ItemBrief, basket};
pub use workload::{WORKLOAD_LATELY, WORKLOAD_OVER, Workload, workload};

use crate::model::Denied;
use crate::store::StoreError;

/// Something was not shown.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The actor may not see it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The person uncovered so much that pictures stay covered for them for a while.
    #[error("pictures stay covered until {until}")]
    Resting {
        /// Until when.
        until: crate::model::Timestamp,
    },
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
