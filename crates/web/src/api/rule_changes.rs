//! Changes of the rules: proposed, held against the past, watched in shadow, approved by another, refused, taken back.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use moderation::flows::rules::{self as flow, NewChange};
use moderation::model::{Backtest, ChangeId};
use moderation::store::Created;
use moderation::views;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::banks::{CreatedJson, CreatedResponse, created_response};
use super::comparison::ComparisonJson;
use super::media::present;
use super::pages::Rows;
use super::rules::{DAYS, FileJson, read_files};
use super::words::ChangeState;
use crate::extract::{Caller, JsonBody, PathId, QueryParams};
use crate::problem::ApiError;
use crate::state::WebState;

/// A change of the rules. Who proposed and decided it is told by ids.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuleChange)]
pub(crate) struct ChangeJson {
    /// Its id.
    #[schema(example = "chg_01kagy2s3q4v5w6x7y8z9a0b1c")]
    pub id: String,
    /// The version that it would make live.
    pub version: i64,
    /// The version that was live when it was proposed.
    pub base: i64,
    /// How far it got.
    pub state: ChangeState,
    /// Why.
    pub note: String,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    #[schema(format = DateTime)]
    pub proposed_at: String,
    /// Who approved, rejected or withdrew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_by: Option<String>,
    /// What the last backtest found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub backtest: Option<BacktestJson>,
    /// Of one change: what was counted in shadow.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Object>)]
    pub shadow: Option<Value>,
    /// Of one change: what is different from its base, as a patch.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub diff: Option<String>,
    /// Of one change: whether other rules became live since it was proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stale: Option<bool>,
}

/// What a backtest found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Backtest)]
pub(crate) struct BacktestJson {
    /// The version that was live.
    pub base: i64,
    /// From when.
    #[schema(format = DateTime)]
    pub from: String,
    /// To when.
    #[schema(format = DateTime)]
    pub to: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Events whose content is kept no more.
    pub n_forgotten: u64,
    /// How they differ.
    pub found: ComparisonJson,
}

impl From<&Backtest> for BacktestJson {
    fn from(backtest: &Backtest) -> Self {
        Self {
            base: backtest.base,
            from: backtest.from.to_string(),
            to: backtest.to.to_string(),
            took_ms: backtest.took_ms,
            n_forgotten: backtest.n_forgotten,
            found: ComparisonJson::from(&backtest.found),
        }
    }
}

impl From<views::ChangeRow> for ChangeJson {
    fn from(row: views::ChangeRow) -> Self {
        let change = row.change;
        Self {
            id: change.id.to_string(),
            version: change.version,
            base: change.base,
            state: change.state.into(),
            note: change.note,
            proposed_by: change.proposed_by,
            proposed_at: change.proposed_at.to_string(),
            decided_by: change.decided_by,
            backtest: change.backtest.as_ref().map(BacktestJson::from),
            shadow: None,
            diff: None,
            stale: None,
        }
    }
}

/// List changes of the rules
///
/// The newest first.
#[utoipa::path(
    get, path = "/api/v1/rules/changes", tag = "Rules", operation_id = "list_rule_changes",
    params(
        ("open" = Option<bool>, Query, description = "Only those that may still become live.", nullable = false),
        ("limit" = Option<u32>, Query, description = "Most rows of the page.", minimum = 1, maximum = 200, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.", nullable = false,
            pattern = "^chg_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    responses((status = 200, description = "A page of changes.", body = Rows<ChangeJson>)),
)]
pub(crate) async fn list_changes(
    State(state): State<WebState>,
    caller: Caller,
    mut query: QueryParams,
) -> Result<Json<Rows<ChangeJson>>, ApiError> {
    let open = query.take::<bool>("open")?.unwrap_or(false);
    let page = query.take_page()?;
    query.finish()?;
    let rows = views::list_changes(&state.app, &caller.actor, open, &page).await?;
    Ok(Json(Rows::of(rows, ChangeJson::from)))
}

/// A change that somebody proposes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRuleChange)]
pub(crate) struct ProposalInput {
    /// All files of the rules as they should be, not only those that are different.
    #[schema(min_items = 1, max_items = 500)]
    files: Vec<FileJson>,
    /// Why.
    #[schema(min_length = 1, max_length = 2000)]
    note: String,
}

/// Propose a change of the rules
///
/// They are checked and their tests run; only what passes is kept. Nothing is live by it.
#[utoipa::path(
    post, path = "/api/v1/rules/changes", tag = "Rules", operation_id = "propose_rule_change",
    request_body = ProposalInput,
    responses((status = 201, description = "It was proposed.", body = CreatedJson,
        headers(("Location" = String, description = "Where it is.")))),
)]
pub(crate) async fn propose_change(
    State(state): State<WebState>,
    caller: Caller,
    JsonBody { value, .. }: JsonBody<ProposalInput>,
) -> Result<CreatedResponse, ApiError> {
    let new = NewChange {
        files: read_files(value.files),
        note: value.note,
    };
    let id = flow::propose(&state.app, &caller.actor, new).await?;
    Ok(created_response(Created::New(id), "rules/changes"))
}

/// Get a change of the rules
#[utoipa::path(
    get, path = "/api/v1/rules/changes/{change}", tag = "Rules", operation_id = "get_rule_change",
    params(("change" = String, Path, description = "The change's id.", pattern = "^chg_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The change.", body = ChangeJson)),
)]
pub(crate) async fn get_change(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<ChangeId>,
) -> Result<Json<ChangeJson>, ApiError> {
    let view = views::change(&state.app, &caller.actor, id).await?;
    let view = view.ok_or(ApiError::NotFound { thing: "change" })?;
    let shadow = view.shadow.as_ref().map(|shadow| {
        let outcomes = shadow.outcomes.iter();
        let outcomes = outcomes.map(|(was, would_be, n)| json!({ "was": was, "would_be": would_be, "n": n }));
        let languages = shadow.languages.iter();
        let languages = languages
            .map(|(name, n_events, n_differ)| json!({ "name": name, "n_events": n_events, "n_differ": n_differ }));
        let examples = shadow.examples.iter().map(|example| {
            json!({
                "place": example.seq, "item": example.item.to_string(), "decision": example.decision.to_string(),
                "was": example.was, "would_be": example.would_be, "rules": example.rules,
            })
        });
        json!({
            "n_events": shadow.n_events, "n_differ": shadow.n_differ, "outcomes": outcomes.collect::<Vec<_>>(),
            "languages": languages.collect::<Vec<_>>(), "examples": examples.collect::<Vec<_>>(),
        })
    });
    let diff = patch(&view.diff);
    let is_stale = view.is_stale;
    let mut change = ChangeJson::from(view.row);
    change.shadow = shadow;
    change.diff = Some(diff);
    change.stale = Some(is_stale);
    Ok(Json(change))
}

/// Differences as people know them from patches.
fn patch(diffs: &[views::FileDiff]) -> String {
    let mut text = String::new();
    for diff in diffs {
        text.push_str(&format!("--- {}\n+++ {}\n", diff.name, diff.name));
        for hunk in &diff.hunks {
            text.push_str(&format!("@@ -{} +{} @@\n", hunk.old_start, hunk.new_start));
            for line in &hunk.lines {
                text.push(line.kind.sign());
                text.push_str(&line.text);
                text.push('\n');
            }
        }
    }
    text
}

/// How far a backtest looks back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BacktestDays)]
pub(crate) struct BacktestInput {
    /// Over how many days; seven if nothing is said.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 1, maximum = 400)]
    days: Option<u32>,
}

/// Backtest a change of the rules
///
/// Holds it against what was judged in the last days, beside the live rules. What was found is kept with the change. A process runs two backtests at a
/// time.
#[utoipa::path(
    post, path = "/api/v1/rules/changes/{change}/backtest", tag = "Rules", operation_id = "backtest_rule_change",
    params(("change" = String, Path, description = "The change's id.", pattern = "^chg_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = BacktestInput,
    responses(
        (status = 200, description = "What would have been different.", body = BacktestJson),
        (status = 409, description = "The change was decided before."),
    ),
)]
pub(crate) async fn backtest_change(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<ChangeId>,
    JsonBody { value, .. }: JsonBody<BacktestInput>,
) -> Result<Json<BacktestJson>, ApiError> {
    let backtest = flow::backtest(&state.app, &caller.actor, id, value.days.unwrap_or(DAYS)).await?;
    Ok(Json(BacktestJson::from(&backtest)))
}

/// Whether a change is watched.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ShadowSwitch)]
pub(crate) struct ShadowInput {
    /// Whether it is to be in shadow.
    on: bool,
}

/// Put a change of the rules in shadow
///
/// Every event is then judged by it too, and the differences are counted; or no longer.
#[utoipa::path(
    post, path = "/api/v1/rules/changes/{change}/shadow", tag = "Rules", operation_id = "shadow_rule_change",
    params(("change" = String, Path, description = "The change's id.", pattern = "^chg_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = ShadowInput,
    responses(
        (status = 204, description = "It is as you said."),
        (status = 409, description = "The change was decided before, or other rules became live since it was proposed."),
    ),
)]
pub(crate) async fn shadow_change(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<ChangeId>,
    JsonBody { value, .. }: JsonBody<ShadowInput>,
) -> Result<StatusCode, ApiError> {
    if value.on {
        flow::start_shadow(&state.app, &caller.actor, id).await?;
    } else {
        flow::stop_shadow(&state.app, &caller.actor, id).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// What is decided on a change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RuleChangeDecision)]
pub(crate) struct DecisionInput {
    /// What.
    decision: Verb,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 2000)]
    note: String,
}

/// `approve`: it counts from the next event on; by a person other than who proposed it, so no key does it. `reject`: somebody refuses it. `withdraw`: who
/// proposed it takes it back.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RuleChangeVerb)]
pub(crate) enum Verb {
    Approve,
    Reject,
    Withdraw,
}

/// Decide on a change of the rules
#[utoipa::path(
    post, path = "/api/v1/rules/changes/{change}/decision", tag = "Rules", operation_id = "decide_rule_change",
    params(("change" = String, Path, description = "The change's id.", pattern = "^chg_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = DecisionInput,
    responses(
        (status = 204, description = "It is as you said."),
        (status = 409, description = "The change was decided before, or other rules became live since it was proposed."),
    ),
)]
pub(crate) async fn decide_change(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<ChangeId>,
    JsonBody { value, .. }: JsonBody<DecisionInput>,
) -> Result<StatusCode, ApiError> {
    let (app, actor, note) = (&state.app, &caller.actor, value.note.as_str());
    match value.decision {
        Verb::Approve => flow::approve(app, actor, id, note).await.map(drop)?,
        Verb::Reject => flow::reject(app, actor, id, note).await?,
        Verb::Withdraw => flow::withdraw(app, actor, id, note).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}
