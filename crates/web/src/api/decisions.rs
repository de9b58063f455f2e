//! Decisions: an outcome, on which facts, by a rule or a person. They never change.

use axum::Json;
use axum::extract::State;
use moderation::model::{Author, Decision, DecisionId};
use moderation::views;
use serde::Serialize;
use utoipa::ToSchema;

use super::pages::Rows;
use super::words::{Outcome, PolicyCode};
use crate::extract::{Caller, PathId, QueryParams};
use crate::problem::ApiError;
use crate::state::WebState;

/// A decision. It never changes; a later one takes its place.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decision)]
pub(crate) struct DecisionJson {
    /// Its id.
    #[schema(example = "dec_01kagy2s3q4v5w6x7y8z9a0b1c")]
    pub id: String,
    /// The item.
    pub item: String,
    /// The item's revision that was judged.
    pub revision: i64,
    /// What was decided.
    pub outcome: Outcome,
    /// Whether a rule or a person decided. Which person is not told.
    pub author: AuthorKind,
    /// Which rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rule: Option<String>,
    /// The policy that it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub policy: Option<PolicyCode>,
    /// Why.
    pub reason: String,
    /// What was known.
    #[schema(value_type = Object)]
    pub facts: serde_json::Value,
    /// The version of Seawall that judged.
    pub seawall_version: String,
    /// The version of the rules that judged.
    pub rules_version: String,
    /// The decision on the same item that this one takes the place of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supersedes: Option<String>,
    /// The case that it opened or closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub case: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    pub decided_at: String,
}

/// Who decided.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuthorKind {
    Rule,
    Person,
}

impl From<Decision> for DecisionJson {
    fn from(mut decision: Decision) -> Self {
        // Who at the desk decides, or agrees, is nobody's business elsewhere.
        if let Some(facts) = decision.facts.as_object_mut() {
            facts.remove("approved_by");
        }
        let (author, rule) = match decision.author {
            Author::Rule(name) => (AuthorKind::Rule, Some(name)),
            Author::Person(_) => (AuthorKind::Person, None),
        };
        Self {
            id: decision.id.to_string(),
            item: decision.item.to_string(),
            revision: decision.revision,
            outcome: decision.outcome.into(),
            author,
            rule,
            policy: decision.policy.map(PolicyCode::from),
            reason: decision.reason,
            facts: decision.facts,
            seawall_version: decision.versions.seawall,
            rules_version: decision.versions.rules,
            supersedes: decision.supersedes.map(|id| id.to_string()),
            case: decision.case.map(|id| id.to_string()),
            decided_at: decision.decided_at.to_string(),
        }
    }
}

/// List decisions
///
/// The newest first.
#[utoipa::path(
    get, path = "/api/v1/decisions", tag = "Decisions", operation_id = "list_decisions",
    params(
        ("limit" = Option<u32>, Query, description = "Most rows of the page.", minimum = 1, maximum = 200, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.", nullable = false,
            pattern = "^dec_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    responses((status = 200, description = "A page of decisions.", body = Rows<DecisionJson>)),
)]
pub(crate) async fn list_decisions(
    State(state): State<WebState>,
    caller: Caller,
    mut query: QueryParams,
) -> Result<Json<Rows<DecisionJson>>, ApiError> {
    let page = query.take_page()?;
    query.finish()?;
    let rows = views::list_decisions(&state.app, &caller.actor, &page).await?;
    Ok(Json(Rows::of(rows, DecisionJson::from)))
}

/// Get a decision
#[utoipa::path(
    get, path = "/api/v1/decisions/{decision}", tag = "Decisions", operation_id = "get_decision",
    params(("decision" = String, Path, description = "The decision's id.", pattern = "^dec_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The decision.", body = DecisionJson)),
)]
pub(crate) async fn get_decision(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<DecisionId>,
) -> Result<Json<DecisionJson>, ApiError> {
    let decision = views::decision(&state.app, &caller.actor, id).await?;
    Ok(Json(decision.ok_or(ApiError::NotFound { thing: "decision" })?.into()))
}
