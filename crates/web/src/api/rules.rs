//! Rules: those that count and how they do, versions, the checker, and the way back.

use axum::Json;
use axum::extract::State;
use moderation::flows::rules as flow;
use moderation::model::{DecisionId, RuleFile};
use moderation::views;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::comparison::ComparisonJson;
use super::media::present;
use super::pages::Rows;
use crate::extract::{Caller, JsonBody, PathId, QueryParams};
use crate::problem::ApiError;
use crate::state::WebState;

/// A file of rules (its name ends in `.rules`), or a sample beside them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RuleFile)]
pub(crate) struct FileJson {
    /// Its name, a relative path.
    #[schema(min_length = 1, max_length = 200, example = "links.rules")]
    pub name: String,
    /// What stands in it.
    pub text: String,
}

impl From<RuleFile> for FileJson {
    fn from(file: RuleFile) -> Self {
        Self {
            name: file.name,
            text: file.text,
        }
    }
}

pub(super) fn read_files(files: Vec<FileJson>) -> Vec<RuleFile> {
    let read = |file: FileJson| RuleFile {
        name: file.name,
        text: file.text,
    };
    files.into_iter().map(read).collect()
}

/// The rules that count.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rules)]
pub(crate) struct RulesJson {
    /// The version that counts.
    pub live: i64,
    /// Since when.
    #[schema(format = DateTime)]
    pub live_since: String,
    /// The version that is only watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shadow: Option<i64>,
    /// Alarms about rules that nobody took note of.
    pub open_alarms: i64,
    /// The rules, in the order of their files.
    pub rules: Vec<RuleJson>,
}

/// A rule and how it does.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rule)]
pub(crate) struct RuleJson {
    /// Its name.
    pub name: String,
    /// `draft`, `shadow` or `live`.
    pub mode: String,
    /// For what share of the items it counts, 0 to 1.
    pub share: f64,
    /// What happens, in words.
    pub outcomes: Vec<String>,
    /// What people are told.
    pub reason: String,
    /// How grave it is.
    pub severity: String,
    /// Who answers for it.
    pub owner: String,
    /// When it has to be looked at again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub review_at: Option<String>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub expires_at: Option<String>,
    /// How often it fired in the last seven days.
    pub fired_7d: u64,
    /// How often it could not be decided in the last ninety days.
    pub undecided_90d: u64,
    /// Findings that people confirmed in the last ninety days.
    pub confirmed_90d: u64,
    /// Findings that people reversed in the last ninety days.
    pub reversed_90d: u64,
    /// The share that they confirmed, and between what it lies nineteen times out of twenty.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub precision: Option<PrecisionJson>,
    /// Whether Seawall took it back to shadow.
    pub suspended: bool,
    /// The file in which it stands.
    pub file: String,
    /// The line on which it begins.
    pub line: usize,
}

/// A share with its interval.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Precision)]
pub(crate) struct PrecisionJson {
    /// What was measured.
    pub measured: f64,
    /// The least that it may be.
    pub low: f64,
    /// The most that it may be.
    pub high: f64,
}

impl From<views::RuleRow> for RuleJson {
    fn from(row: views::RuleRow) -> Self {
        Self {
            name: row.name,
            mode: row.mode.to_owned(),
            share: row.share,
            outcomes: row.outcomes,
            reason: row.reason,
            severity: row.severity.to_owned(),
            owner: row.owner,
            review_at: row.review_at.map(|at| at.to_string()),
            expires_at: row.expires_at.map(|at| at.to_string()),
            fired_7d: row.fired_7d,
            undecided_90d: row.measured.undecided,
            confirmed_90d: row.measured.looked.confirmed,
            reversed_90d: row.measured.looked.reversed,
            precision: row.precision.map(|share| PrecisionJson {
                measured: share.measured,
                low: share.low,
                high: share.high,
            }),
            suspended: row.is_suspended,
            file: row.file,
            line: row.line,
        }
    }
}

/// Get the rules that count
///
/// Each with how often it fired and what people said of what it found.
#[utoipa::path(
    get, path = "/api/v1/rules", tag = "Rules", operation_id = "get_rules",
    responses((status = 200, description = "The rules.", body = RulesJson)),
)]
pub(crate) async fn get_rules(State(state): State<WebState>, caller: Caller) -> Result<Json<RulesJson>, ApiError> {
    let view = views::rules(&state.app, &caller.actor).await?;
    Ok(Json(RulesJson {
        live: view.standing.live,
        live_since: view.standing.live_since.to_string(),
        shadow: view.standing.shadow.map(|(version, _)| version),
        open_alarms: view.n_open_alarms,
        rules: view.rules.into_iter().map(RuleJson::from).collect(),
    }))
}

/// Files to be checked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FilesToCheck)]
pub(crate) struct FilesInput {
    /// All files of the rules.
    #[schema(min_items = 1, max_items = 500)]
    files: Vec<FileJson>,
    /// Of a backtest: over how many days.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 1, maximum = 400)]
    days: Option<u32>,
}

/// What the checker and the tests say.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Checked)]
pub(crate) struct CheckedJson {
    /// Whether they could be proposed.
    pub good: bool,
    /// What there is to say.
    pub findings: Vec<FindingJson>,
    /// The tests.
    pub tests: Vec<TestJson>,
    /// All findings as text, with file, line and caret.
    pub rendered: String,
}

/// Something to say about a place.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Finding)]
pub(crate) struct FindingJson {
    /// `error` or `warning`.
    pub level: String,
    /// A short name that never changes.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub help: Option<String>,
    /// The file.
    pub file: String,
    /// The line, from one.
    pub line: usize,
    /// The column, from one.
    pub column: usize,
}

/// A test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuleTest)]
pub(crate) struct TestJson {
    /// Its name.
    pub name: String,
    /// The file.
    pub file: String,
    /// The line on which it begins.
    pub line: usize,
    /// Whether it passed.
    pub passed: bool,
}

impl From<flow::Checked> for CheckedJson {
    fn from(checked: flow::Checked) -> Self {
        let findings = checked.findings.into_iter().map(|finding| FindingJson {
            level: finding.level.as_str().to_owned(),
            code: finding.code.to_owned(),
            message: finding.message,
            help: finding.help,
            file: finding.file,
            line: finding.line,
            column: finding.column,
        });
        let tests = checked.tests.into_iter().map(|test| TestJson {
            name: test.name,
            file: test.file,
            line: test.line,
            passed: test.passed,
        });
        Self {
            good: checked.is_good,
            findings: findings.collect(),
            tests: tests.collect(),
            rendered: checked.rendered,
        }
    }
}

/// Check rules
///
/// Checks files of rules and runs the tests in them; nothing is kept.
#[utoipa::path(
    post, path = "/api/v1/rules/check", tag = "Rules", operation_id = "check_rules",
    request_body = FilesInput,
    responses((status = 200, description = "What there is to say.", body = CheckedJson)),
)]
pub(crate) async fn check_rules(
    State(state): State<WebState>,
    caller: Caller,
    JsonBody { value, .. }: JsonBody<FilesInput>,
) -> Result<Json<CheckedJson>, ApiError> {
    let checked = flow::check(&state.app, &caller.actor, &read_files(value.files))?;
    Ok(Json(checked.into()))
}

/// What trying rules out found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tried)]
pub(crate) struct TriedJson {
    /// How they differ from the live rules.
    pub found: ComparisonJson,
}

/// Try rules out
///
/// Holds files of rules against what was judged in the last days, beside the live rules; nothing is kept. A process runs two backtests at a time.
#[utoipa::path(
    post, path = "/api/v1/rules/try", tag = "Rules", operation_id = "try_rules",
    request_body = FilesInput,
    responses((status = 200, description = "What would have been different.", body = TriedJson)),
)]
pub(crate) async fn try_rules(
    State(state): State<WebState>,
    caller: Caller,
    JsonBody { value, .. }: JsonBody<FilesInput>,
) -> Result<Json<TriedJson>, ApiError> {
    let days = value.days.unwrap_or(DAYS);
    let found = flow::try_out(&state.app, &caller.actor, &read_files(value.files), days).await?;
    Ok(Json(TriedJson {
        found: ComparisonJson::from(&found),
    }))
}

/// How far a backtest looks back if nothing is said.
pub(super) const DAYS: u32 = 7;

/// A version of the rules.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RulesVersion)]
pub(crate) struct VersionJson {
    /// Its number: decisions name it.
    pub number: i64,
    /// SHA-256 of its files.
    pub digest: String,
    /// What it is for.
    pub note: String,
    /// Where it came from: `shipped`, `proposed` or `suspended`.
    pub source: String,
    /// How many rules it has.
    pub n_rules: i64,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Whether it counts.
    pub live: bool,
    /// Of one version: its files.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub files: Option<Vec<FileJson>>,
}

impl From<views::VersionRow> for VersionJson {
    fn from(row: views::VersionRow) -> Self {
        Self {
            number: row.version.number,
            digest: row.version.digest,
            note: row.version.note,
            source: row.version.source.to_string(),
            n_rules: row.version.n_rules,
            created_at: row.version.created_at.to_string(),
            live: row.is_live,
            files: None,
        }
    }
}

/// List versions of the rules
///
/// The newest first.
#[utoipa::path(
    get, path = "/api/v1/rules/versions", tag = "Rules", operation_id = "list_rules_versions",
    params(
        ("limit" = Option<u32>, Query, description = "Most rows of the page.", minimum = 1, maximum = 200, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.", nullable = false, pattern = "^[0-9]{1,18}$"),
    ),
    responses((status = 200, description = "A page of versions.", body = Rows<VersionJson>)),
)]
pub(crate) async fn list_versions(
    State(state): State<WebState>,
    caller: Caller,
    mut query: QueryParams,
) -> Result<Json<Rows<VersionJson>>, ApiError> {
    let page = query.take_page()?;
    query.finish()?;
    let rows = views::list_rules_versions(&state.app, &caller.actor, &page).await?;
    Ok(Json(Rows::of(rows, VersionJson::from)))
}

/// Get a version of the rules
///
/// With its files: what `seawall policy export` writes.
#[utoipa::path(
    get, path = "/api/v1/rules/versions/{version}", tag = "Rules", operation_id = "get_rules_version",
    params(("version" = i64, Path, description = "The version's number.", minimum = 1)),
    responses((status = 200, description = "The version.", body = VersionJson)),
)]
pub(crate) async fn get_version(
    State(state): State<WebState>,
    caller: Caller,
    PathId(VersionNumber(number)): PathId<VersionNumber>,
) -> Result<Json<VersionJson>, ApiError> {
    let view = views::rules_version(&state.app, &caller.actor, number).await?;
    let view = view.ok_or(ApiError::NotFound { thing: "version" })?;
    let mut json = VersionJson::from(view.row);
    json.files = Some(view.files.into_iter().map(FileJson::from).collect());
    Ok(Json(json))
}

/// A version's number in a path.
#[derive(Debug)]
pub(crate) struct VersionNumber(i64);

impl std::str::FromStr for VersionNumber {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(VersionNumber)
    }
}

impl crate::extract::Named for VersionNumber {
    const THING: &'static str = "version";
}

/// Where to go back to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RollBack)]
pub(crate) struct RollBackInput {
    /// A version that was live before; if nothing is said, the one before the live one first was, without what Seawall suspended.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 1)]
    to: Option<i64>,
    /// The version that you saw live. If another is by now, nothing happens: sent twice it is one step.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 1)]
    from: Option<i64>,
    /// Why.
    #[schema(min_length = 1, max_length = 2000)]
    why: String,
}

/// Which version counts now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LiveVersion)]
pub(crate) struct LiveJson {
    /// Its number.
    pub live: i64,
}

/// Roll the rules back
///
/// To a version that was live before. It counts from the next event on, in all processes.
#[utoipa::path(
    post, path = "/api/v1/rules/rollback", tag = "Rules", operation_id = "roll_back_rules",
    request_body = RollBackInput,
    responses(
        (status = 200, description = "It counts.", body = LiveJson),
        (status = 404, description = "No version with this number was live before."),
        (status = 409, description = "Other rules became live since you looked."),
    ),
)]
pub(crate) async fn roll_back(
    State(state): State<WebState>,
    caller: Caller,
    JsonBody { value, .. }: JsonBody<RollBackInput>,
) -> Result<Json<LiveJson>, ApiError> {
    let step = flow::RollBack {
        to: value.to,
        from: value.from,
        why: value.why,
    };
    let live = flow::roll_back(&state.app, &caller.actor, &step).await?;
    Ok(Json(LiveJson { live }))
}

/// A decision in plain words.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Explanation)]
pub(crate) struct ExplanationJson {
    /// What was decided and why, for the person whose item it is.
    pub sentence: String,
    /// All of it, for people who review.
    pub lines: Vec<String>,
}

/// Explain a decision
///
/// In plain words: which rules fired and why, which could not be decided, what was counted and looked at.
#[utoipa::path(
    get, path = "/api/v1/decisions/{decision}/explanation", tag = "Decisions", operation_id = "explain_decision",
    params(("decision" = String, Path, description = "The decision's id.", pattern = "^dec_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The decision in words.", body = ExplanationJson)),
)]
pub(crate) async fn explain_decision(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<DecisionId>,
) -> Result<Json<ExplanationJson>, ApiError> {
    let explanation = views::explain(&state.app, &caller.actor, id).await?;
    let explanation = explanation.ok_or(ApiError::NotFound { thing: "decision" })?;
    Ok(Json(ExplanationJson {
        sentence: explanation.sentence,
        lines: explanation.lines,
    }))
}
