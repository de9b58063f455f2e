//! The console: server-rendered pages that work without scripts, for the people who decide.
//!
//! A page is a file here with its handlers, and a template in `templates/`; its words are in `messages/`. A handler takes
//! who asks (`visit.rs`), reads one view or calls one flow, and renders. It must never name a table, decide anything, or
//! hold a sentence of its own. What the platform sent (names, addresses, text) is shown as text only: escaped, never
//! linked, never fetched.
//!
//! Start with [`router`], then `visit.rs`, which every request passes, then `cases.rs`.

mod account;
mod actions;
mod agent;
mod assets;
mod banks;
mod basket;
mod beside;
mod case_notes;
mod cases;
mod cluster;
mod cookies;
mod coverage;
mod desk;
mod entries;
mod entry;
mod evidence;
mod exposure;
mod figures;
mod flash;
mod form;
mod help;
mod items;
mod judgement;
mod keys;
mod log;
mod measures;
mod notice;
mod numbers;
mod page;
mod pairs;
mod plot;
mod preferences;
mod prefs;
mod previews;
mod problem;
mod proposals;
mod provider;
mod quality;
mod rules;
mod runs;
mod said;
mod search;
mod seen;
mod session;
mod shell;
mod standing;
mod streams;
mod strip;
mod timeline;
mod together;
mod users;
mod visit;
mod words;
mod workload;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use crate::{WebState, layers, upload};

/// All pages of the console.
pub fn router(state: &WebState) -> Router<WebState> {
    let pages = Router::new()
        .route("/", get(desk::show_root))
        .route("/sign-out", post(session::sign_out))
        .route(
            "/preferences",
            get(preferences::show_preferences).post(preferences::save_preferences),
        )
        .route("/help", get(help::show_help))
        .route("/desk", get(desk::show_desk))
        .route("/desk/next", post(desk::take_next_case))
        .route("/cases/{id}", get(cases::show_case))
        .route("/cases/{id}/take", post(cases::take_case))
        .route("/cases/{id}/release", post(cases::release_case))
        .route("/cases/{id}/escalate", post(cases::escalate_case))
        .route("/cases/{id}/comments", post(case_notes::comment))
        .route(
            "/cases/{id}/comments/{comment}/take-back",
            post(case_notes::take_comment_back),
        )
        .route("/cases/{id}/translation", post(case_notes::translate))
        .route("/cases/{id}/decide", post(cases::decide_case))
        .route("/cases/{id}/undo", post(cases::undo_decision))
        .route("/cases/{id}/renew", post(cases::renew_case))
        .route("/cases/{id}/leave", post(cases::leave_case))
        .route("/cases/{id}/take-over", post(cases::take_over_case))
        .route("/cases/{id}/cluster", get(cluster::show_cluster))
        .route("/basket", get(basket::show_empty).post(basket::show_basket))
        .route("/basket/decide", post(basket::decide_basket))
        .route("/proposals", get(proposals::list_proposals))
        .route(
            "/proposals/{id}",
            get(proposals::show_proposal).post(proposals::end_proposal),
        )
        .route("/coverage", get(coverage::show_coverage))
        .route("/coverage/shifts", post(coverage::add_shift))
        .route("/coverage/shifts/{id}/remove", post(coverage::remove_shift))
        .route("/coverage/people/{id}", post(coverage::set_skills))
        .route("/media/{id}/{kind}", get(previews::show_media_preview))
        .route("/media/{id}/strip/{idx}/{kind}", get(previews::show_strip_picture))
        .route("/items", get(items::list_items))
        .route("/item", get(items::show_item))
        .route("/item/case", post(search::open_case))
        .route("/search", get(search::show_search))
        .route("/search/keep", post(search::keep_search))
        .route("/streams", get(streams::list_streams))
        .route("/banks", get(banks::list_banks).post(banks::create_bank))
        .route("/banks/new", get(banks::show_new_bank))
        .route("/banks/{id}", get(banks::show_bank).post(banks::describe_bank))
        .route("/banks/{id}/enabled", post(banks::enable_bank))
        .route("/banks/{id}/crops", post(banks::choose_crops))
        .route(
            "/banks/{id}/confirm",
            get(banks::ask_confirm_bank).post(banks::confirm_bank),
        )
        .route("/banks/{id}/unconfirm", post(banks::unconfirm_bank))
        .route("/banks/{id}/export.csv", get(entries::export))
        .route("/banks/{id}/add", get(entries::show_add))
        .route("/banks/{id}/add-hash", post(entries::add_hashes))
        .route("/entries/{id}", get(entry::show_entry))
        .route("/entries/{id}/state", post(entries::change_entry))
        .route("/entries/{id}/incident", post(entry::set_incident))
        .route("/entries/{id}/remove", get(entries::ask_remove_entry))
        .route("/entries/{id}/signals/{kind}", get(entry::download_signal))
        .route("/entries/{id}/{kind}", get(previews::show_entry_preview))
        .route(
            "/entries/{id}/strip/{idx}/{kind}",
            get(previews::show_entry_strip_picture),
        )
        .route("/rules", get(rules::show_rules))
        .route("/rules/rule/{name}", get(rules::show_rule))
        .route("/rules/alarms/{id}/seen", post(rules::see_alarm))
        .route("/rules/changes", get(rules::list_changes))
        .route("/rules/changes/{id}", get(rules::show_change))
        .route("/rules/versions", get(rules::list_versions))
        .route("/rules/versions/{number}", get(rules::show_version))
        .route("/rules/lists", get(rules::list_lists).post(rules::put_list))
        .route("/rules/lists/{name}", get(rules::show_list).post(rules::change_list))
        .route("/rules/labels", get(rules::list_labels).post(rules::change_label))
        .route("/actions", get(actions::list_actions))
        .route("/actions/{id}/retry", post(actions::retry_action))
        .route("/log", get(log::list_events))
        .route("/workload", get(workload::show_workload))
        .route("/exposure", get(exposure::show_exposure))
        .route("/exposure/wishes", post(exposure::save_wishes))
        .route("/numbers", get(numbers::show_numbers))
        .route("/numbers.csv", get(numbers::download_numbers))
        .route("/quality", get(quality::show_quality))
        .route("/quality/shares", post(quality::set_shares))
        .route(
            "/quality/reviews",
            get(quality::show_reviews).post(quality::take_review),
        )
        .route(
            "/quality/reviews/{id}",
            get(quality::show_review).post(quality::answer_review),
        )
        .route("/quality/disputes", get(quality::list_disputes))
        .route(
            "/quality/disputes/{id}",
            get(quality::show_dispute).post(quality::settle_dispute),
        )
        .route("/quality/golden", post(quality::make_golden))
        .route("/quality/golden/new", get(quality::show_new_golden))
        .route("/quality/golden/{id}/retire", post(quality::retire_golden))
        .route("/account", get(account::show_account))
        .route("/account/prove", get(provider::begin_proof))
        .route("/account/identity", post(provider::begin_link))
        .route("/account/identity/remove", post(provider::unlink_own))
        .route("/account/sessions", post(account::end_sessions))
        .route("/account/password", post(account::change_password))
        .route("/account/recovery", post(account::renew_recovery_codes))
        .route("/account/tokens", post(account::create_token))
        .route("/account/tokens/{id}/revoke", post(account::revoke_token))
        .route("/settings/users", get(users::list_users).post(users::invite_user))
        .route("/settings/users/{id}", get(users::show_user))
        .route("/settings/users/{id}/role", post(users::change_role))
        .route("/settings/users/{id}/queues", post(users::change_queues))
        .route("/settings/users/{id}/sessions", post(users::end_sessions))
        .route("/settings/users/{id}/tokens/{token}/revoke", post(users::revoke_token))
        .route("/settings/users/{id}/identity", post(users::link_identity))
        .route("/settings/users/{id}/identity/remove", post(users::unlink_identity))
        .route("/settings/users/{id}/disabled", post(users::disable_user))
        .route("/settings/users/{id}/reset", post(users::reset_user))
        .route("/settings/keys", get(keys::list_keys).post(keys::create_key))
        .route(
            "/settings/keys/{id}/revoke",
            get(keys::ask_revoke_key).post(keys::revoke_key),
        )
        .route("/static/{name}", get(assets::show_asset))
        .fallback(not_found)
        .layer(from_fn_with_state(state.clone(), layers::admit))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), visit::hold_form));
    // Strangers take no place among the requests that are worked on: they wait for each other's passwords alone.
    let door = Router::new()
        .route("/sign-in", get(session::show_sign_in).post(session::sign_in))
        .route("/sign-in/provider", get(provider::begin_sign_in))
        .route(provider::CALLBACK_PATH, get(provider::come_back))
        .route(
            "/sign-in/code",
            get(provider::show_code).post(provider::finish_with_code),
        )
        .route(
            "/invite/{token}",
            get(session::show_invite).post(session::accept_invite),
        )
        .layer(from_fn_with_state(state.clone(), layers::end_in_time))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), visit::hold_form));
    // These ask for their places themselves, once their files are here.
    let uploads = Router::new()
        .route("/banks/{id}/add-file", post(entries::add_file))
        .route("/banks/{id}/import", get(entries::show_import).post(entries::import))
        .route("/rules/lists/{name}/upload", post(rules::upload_list))
        .route("/search/picture", post(search::search_picture))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), upload::stream_form))
        .layer(from_fn(visit::require_session));
    // All rules of a platform are larger than other forms, and to ask them about the events of many days takes longer than other work:
    // as long as through the API.
    let rule_forms = Router::new()
        .route("/rules/new", get(rules::show_editor).post(rules::edit_rules))
        .route("/rules/form", get(rules::show_builder).post(rules::build_rule))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), layers::hold_body_of_long_work))
        .layer(from_fn(visit::require_session));
    let rule_steps = Router::new()
        .route("/rules/changes/{id}", post(rules::move_change))
        .route("/rules/roll-back", post(rules::roll_back))
        .layer(from_fn_with_state(state.clone(), layers::admit_import))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), visit::hold_form));
    // Outside the layers that hold bodies, so that what they refuse becomes a page too.
    pages
        .merge(door)
        .merge(uploads)
        .merge(rule_forms)
        .merge(rule_steps)
        .layer(from_fn_with_state(state.clone(), visit::visit))
}

/// Where the identity provider sends browsers back to. The operator names it there.
pub fn callback_url(public_url: &str) -> String {
    format!("{public_url}{}", provider::CALLBACK_PATH)
}

async fn not_found() -> problem::ConsoleError {
    problem::ConsoleError::NotFound
}
