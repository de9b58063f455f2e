//! The API for programs, `/api/v1`: one file for each kind of thing, with its routes, its JSON and its OpenAPI text.
//!
//! A handler extracts, calls one flow or view, and renders; who may do what is checked by the flow. What a write answers is
//! an id or nothing, so that a key that may only write learns nothing. Start with `items.rs`.

mod actions;
mod banks;
mod cases;
mod comparison;
mod decisions;
mod entries;
mod events;
mod imports;
mod items;
mod media;
mod numbers;
mod pages;
mod platform_facts;
mod proposals;
mod reach;
mod recordings;
mod rule_changes;
mod rule_lists;
mod rules;
mod scans;
mod search;
mod stream_events;
mod streams;
mod submit;
mod translations;
mod verdict;
mod words;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::WebState;

pub(crate) use entries::complete_schemas as complete_entry_schemas;
pub(crate) use streams::BYTES_MAX as PIECE_BYTES_MAX;
pub(crate) use submit::complete_schemas as complete_item_schemas;

/// Routes that take files, and wait for them.
pub(crate) fn submission_routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(submit::submit_item))
        .routes(routes!(submit::check_item))
        .routes(routes!(entries::create_entry))
}

/// Routes that take files of many lines, or take long because they ask rules about much.
pub(crate) fn import_routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(imports::import_entries))
        .routes(routes!(rules::check_rules))
        .routes(routes!(rules::try_rules))
        .routes(routes!(rule_changes::propose_change))
        .routes(routes!(rule_changes::backtest_change))
        .routes(routes!(rule_changes::shadow_change))
        .routes(routes!(rule_changes::decide_change))
        .routes(routes!(rules::roll_back))
        .routes(routes!(rule_lists::upload_entries))
}

/// Routes that take pieces of live streams.
pub(crate) fn piece_routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(streams::push_segment))
}

/// All other routes.
pub(crate) fn other_routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(items::list_items))
        .routes(routes!(items::get_item))
        .routes(routes!(
            translations::list_translations,
            translations::put_translation,
            translations::remove_translation
        ))
        .routes(routes!(scans::list_scans))
        .routes(routes!(search::search_items))
        .routes(routes!(banks::list_banks, banks::create_bank))
        .routes(routes!(banks::get_bank, banks::change_bank))
        .routes(routes!(entries::list_entries))
        .routes(routes!(entries::get_entry, entries::change_entry))
        .routes(routes!(reach::set_incident))
        .routes(routes!(streams::list_streams, streams::open_stream))
        .routes(routes!(streams::get_stream))
        .routes(routes!(streams::close_stream))
        .routes(routes!(stream_events::listen_to_stream))
        .routes(routes!(cases::list_cases))
        .routes(routes!(cases::get_case))
        .routes(routes!(proposals::list_proposals))
        .routes(routes!(proposals::get_proposal))
        .routes(routes!(proposals::end_proposal))
        .routes(routes!(decisions::list_decisions))
        .routes(routes!(decisions::get_decision))
        .routes(routes!(actions::list_actions))
        .routes(routes!(actions::get_action))
        .routes(routes!(actions::retry_action))
        .routes(routes!(rules::get_rules))
        .routes(routes!(rules::list_versions))
        .routes(routes!(rules::get_version))
        .routes(routes!(rules::explain_decision))
        .routes(routes!(rule_changes::list_changes))
        .routes(routes!(rule_changes::get_change))
        .routes(routes!(rule_lists::list_lists))
        .routes(routes!(rule_lists::put_list, rule_lists::delete_list))
        .routes(routes!(rule_lists::list_entries, rule_lists::remove_entry))
        .routes(routes!(
            rule_lists::list_labels,
            rule_lists::set_label,
            rule_lists::remove_label
        ))
        .routes(routes!(numbers::get_numbers))
        .routes(routes!(events::list_events))
        .routes(routes!(events::get_event))
}
