//! Proposals: judgements that wait for a second person. A program can see them; only a program that acts as a person, by that person's token, says yes or no to
//! one or takes it back. Start with [`end_proposal`].

use axum::Json;
use axum::extract::State;
use moderation::flows::proposals as flow;
use moderation::model::{ItemId, Judgement, Lasts, Measure, Proposal, ProposalId, ProposedItem};
use moderation::model::{ProposalState as ModelState, Restricted as ModelRestricted};
use moderation::views::{self, ProposalRow, ProposalView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pages::Rows;
use super::words::{Outcome, PolicyCode, ProposalState, ProposedState, Restricted, SecondReason, bounded};
use crate::extract::{Caller, JsonBody, PathId, QueryParams};
use crate::problem::ApiError;
use crate::state::WebState;

/// A judgement that waits, or waited, for a second person. Who made and who ended it is not told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Proposal)]
pub(crate) struct ProposalJson {
    /// Its id.
    #[schema(example = "prop_01kagy2s3q4v5w6x7y8z9a0b1c")]
    pub id: String,
    /// How far it got.
    pub state: ProposalState,
    /// Whether the person of the token made it: then somebody else ends it.
    pub own: bool,
    /// Why it needs a second person; empty if it needed none.
    pub reasons: Vec<SecondReason>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub proposed_at: String,
    /// When it lapses, if nobody says yes or no before.
    #[schema(format = DateTime)]
    pub lapses_at: String,
    /// By when the first of its cases should be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub due_at: Option<String>,
    /// On how many items it is.
    pub n_items: i64,
    /// What is proposed on each of them.
    pub judgement: JudgementJson,
    /// When it was approved, rejected, withdrawn, or ended by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub ended_at: Option<String>,
    /// What was said to it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub note: Option<String>,
    /// When all of it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub undone_at: Option<String>,
}

/// What a person judged.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Judgement)]
pub(crate) struct JudgementJson {
    /// What is to happen.
    pub outcome: Outcome,
    /// Under which policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub policy: Option<PolicyCode>,
    /// Why.
    pub reason: String,
    /// By which measures. None, of a restriction: what stands goes on; where nothing does, the item itself.
    pub measures: Vec<MeasureJson>,
    /// What was found of the purpose for which the item is spread, and how grave it was found to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Object>)]
    pub assessment: Option<serde_json::Value>,
}

/// A measure that somebody proposes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProposedMeasure)]
pub(crate) struct MeasureJson {
    /// What would be restricted.
    pub what: Restricted,
    /// Of `countries`: which ones, by their ISO 3166-1 codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub countries: Option<Vec<String>>,
    /// Of `label`: which label.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<String>,
    /// Of `service`: which service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub service: Option<String>,
    /// For how many seconds from when it was proposed. Absent where it stands until somebody decides, or ends as it does already.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lasts_s: Option<u64>,
}

/// A proposal, item by item.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProposalWithItems)]
pub(crate) struct ProposalViewJson {
    #[serde(flatten)]
    pub proposal: ProposalJson,
    /// Whether the person of the token may say yes or no to it.
    pub may_end: bool,
    /// Until when the person of the token can take all of it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub undo_until: Option<String>,
    /// Its items, in the order in which they were chosen.
    pub items: Vec<ProposedItemJson>,
}

/// One item of a proposal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProposedItem)]
pub(crate) struct ProposedItemJson {
    /// The item.
    pub item: String,
    /// Its revision that was looked at.
    pub revision: i64,
    /// What became of it. It stays `waiting` for a moment after a yes, while a long list is gone through.
    pub state: ProposedState,
    /// The case that was open about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub case: Option<String>,
    /// The decision that it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decision: Option<String>,
    /// What the affected person would be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notice: Option<NoticeJson>,
}

/// What an affected person is told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProposedNotice)]
pub(crate) struct NoticeJson {
    /// In which language, as a BCP 47 tag.
    pub language: String,
    /// The text.
    pub text: String,
}

impl From<Measure> for MeasureJson {
    fn from(measure: Measure) -> Self {
        let scope = |of: ModelRestricted| (measure.what == of).then(|| measure.scope.clone());
        Self {
            what: measure.what.into(),
            countries: scope(ModelRestricted::Countries).map(|codes| codes.split(' ').map(str::to_owned).collect()),
            label: scope(ModelRestricted::Label),
            service: scope(ModelRestricted::Service),
            lasts_s: match measure.lasts {
                Lasts::AsItStands | Lasts::Open => None,
                Lasts::For(length) => Some(length.as_secs()),
            },
        }
    }
}

impl From<Judgement> for JudgementJson {
    fn from(judgement: Judgement) -> Self {
        Self {
            outcome: judgement.outcome.into(),
            policy: judgement.policy.map(PolicyCode::from),
            reason: judgement.reason,
            measures: judgement.measures.into_iter().map(MeasureJson::from).collect(),
            assessment: judgement.assessment.map(|assessment| assessment.to_json()),
        }
    }
}

impl ProposalJson {
    fn of(proposal: Proposal, own: bool, n_items: i64, due_at: Option<String>) -> Self {
        Self {
            id: proposal.id.to_string(),
            state: proposal.state.into(),
            own,
            reasons: proposal.reasons.into_iter().map(SecondReason::from).collect(),
            proposed_at: proposal.at.to_string(),
            lapses_at: proposal.lapses_at.to_string(),
            due_at,
            n_items,
            judgement: proposal.judgement.into(),
            ended_at: proposal.ended_at.map(|at| at.to_string()),
            note: Some(proposal.note).filter(|note| !note.is_empty()),
            undone_at: proposal.undone_at.map(|at| at.to_string()),
        }
    }
}

impl From<ProposalRow> for ProposalJson {
    fn from(row: ProposalRow) -> Self {
        let due_at = row.due_at.map(|at| at.to_string());
        Self::of(row.proposal, row.is_own, row.n_items, due_at)
    }
}

impl From<ProposedItem> for ProposedItemJson {
    fn from(of: ProposedItem) -> Self {
        Self {
            item: of.item.to_string(),
            revision: of.revision,
            state: of.state.into(),
            case: of.case.map(|id| id.to_string()),
            decision: of.decision.map(|id| id.to_string()),
            notice: of.notice.map(|notice| NoticeJson {
                language: notice.language,
                text: notice.text,
            }),
        }
    }
}

impl From<ProposalView> for ProposalViewJson {
    fn from(view: ProposalView) -> Self {
        let n_items = i64::try_from(view.items.len()).unwrap_or(i64::MAX);
        let due_at = view.due_at.map(|at| at.to_string());
        Self {
            may_end: view.may_end,
            undo_until: view.undo_until.map(|at| at.to_string()),
            items: view
                .items
                .into_iter()
                .map(|(of, _)| ProposedItemJson::from(of))
                .collect(),
            proposal: ProposalJson::of(view.proposal, view.is_own, n_items, due_at),
        }
    }
}

/// List proposals
///
/// The newest first; those of which the caller reaches every item, and their own. A judgement on several items that needed nobody else stands among them as
/// `alone`.
#[utoipa::path(
    get, path = "/api/v1/proposals", tag = "Cases", operation_id = "list_proposals",
    params(
        ("state" = Option<ProposalState>, Query, description = "Only those in this state.", nullable = false),
        ("limit" = Option<u32>, Query, description = "Most rows of the page.", minimum = 1, maximum = 200, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.", nullable = false,
            pattern = "^prop_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    responses((status = 200, description = "A page of proposals.", body = Rows<ProposalJson>)),
)]
pub(crate) async fn list_proposals(
    State(state): State<WebState>,
    caller: Caller,
    mut query: QueryParams,
) -> Result<Json<Rows<ProposalJson>>, ApiError> {
    let page = query.take_page()?;
    let only: Option<ModelState> = query.take("state")?;
    query.finish()?;
    let rows = views::page_of_proposals(&state.app, &caller.actor, only, &page).await?;
    Ok(Json(Rows::of(rows, ProposalJson::from)))
}

/// Get a proposal
///
/// With what became of each of its items.
#[utoipa::path(
    get, path = "/api/v1/proposals/{proposal}", tag = "Cases", operation_id = "get_proposal",
    params(("proposal" = String, Path, description = "The proposal's id.", pattern = "^prop_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The proposal.", body = ProposalViewJson)),
)]
pub(crate) async fn get_proposal(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<ProposalId>,
) -> Result<Json<ProposalViewJson>, ApiError> {
    Ok(Json(find(&state, &caller, id).await?.into()))
}

/// What is said to a proposal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProposalDecision)]
pub(crate) struct DecisionInput {
    /// What.
    decision: Verb,
    /// Of `approve`: items of the proposal that are left out. At least one has to be left.
    #[serde(default)]
    #[schema(max_items = 500)]
    leave_out: Vec<String>,
    /// Why; `reject` needs it.
    #[serde(default)]
    #[schema(max_length = 2000)]
    note: String,
}

/// `approve`: it becomes decisions, but for what is left out. `reject`: somebody refuses it. Both by a person other than who made it. `withdraw`: who made it
/// takes it back while it waits. `undo`: who made or approved it takes it back for as long as a decision can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ProposalVerb)]
pub(crate) enum Verb {
    Approve,
    Reject,
    Withdraw,
    Undo,
}

/// End a proposal
///
/// Needs the token of a person, with the scopes `proposals:decide` and `cases:read`; no key of a program opens it, and nobody is their own second person. The
/// answer says what became of each item; of a long list some may still be `waiting`: ask again.
#[utoipa::path(
    post, path = "/api/v1/proposals/{proposal}/decision", tag = "Cases", operation_id = "end_proposal",
    params(("proposal" = String, Path, description = "The proposal's id.", pattern = "^prop_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = DecisionInput,
    responses(
        (status = 200, description = "It is as you said.", body = ProposalViewJson),
        (status = 409, description = "It ended before, it is your own, it is not your own, or it is too late."),
    ),
)]
pub(crate) async fn end_proposal(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<ProposalId>,
    JsonBody { value, .. }: JsonBody<DecisionInput>,
) -> Result<Json<ProposalViewJson>, ApiError> {
    // Whoever may not at all is told so, whatever else is wrong.
    caller.actor.judges_proposals()?;
    let note = bounded("note", value.note, 0, Proposal::NOTE_LENGTH_MAX)?;
    if value.decision != Verb::Approve && !value.leave_out.is_empty() {
        return Err(ApiError::invalid("leave_out", "goes with `approve` alone"));
    }
    let view = find(&state, &caller, id).await?;
    let left_out = left_out_of(&view, &value.leave_out)?;
    let (app, actor) = (&state.app, &caller.actor);
    match value.decision {
        Verb::Approve => flow::approve_proposal(app, actor, id, &left_out, &note).await?,
        Verb::Reject => flow::reject_proposal(app, actor, id, &note).await?,
        Verb::Withdraw => flow::withdraw_proposal(app, actor, id).await?,
        Verb::Undo => drop(flow::undo_proposal(app, actor, id).await?),
    }
    Ok(Json(find(&state, &caller, id).await?.into()))
}

/// The items that are named, each of which has to be one of the proposal's: a misspelt one would be approved.
fn left_out_of(view: &ProposalView, named: &[String]) -> Result<Vec<ItemId>, ApiError> {
    let mut left_out = Vec::with_capacity(named.len().min(Proposal::ITEMS_MAX));
    for (at, name) in named.iter().enumerate() {
        let found = view.items.iter().find(|(of, _)| of.item.as_str() == name);
        let (of, _) =
            found.ok_or_else(|| ApiError::invalid(format!("leave_out[{at}]"), "is no item of this proposal"))?;
        left_out.push(of.item.clone());
    }
    Ok(left_out)
}

async fn find(state: &WebState, caller: &Caller, id: ProposalId) -> Result<ProposalView, ApiError> {
    let view = views::proposal(&state.app, &caller.actor, id).await?;
    view.ok_or(ApiError::NotFound { thing: "proposal" })
}
