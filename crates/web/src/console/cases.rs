//! The page of a case: what is known, and the form that decides it. Start with [`show_case`] and [`decide_case`].

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use moderation::flows::cases::{self as flow, CaseError, UndoError};
use moderation::flows::leases;
use moderation::flows::proposals::{Settled, decide_or_propose};
use moderation::model::{
    AccountHistory, Action, ActionState, Answer as PlatformAnswer, Assessment, CaseId, CaseState, Comment, CommentId,
    DecisionId, Found, InvalidTransition, Item, Judgement, Notice, Outcome, PolicyCode, Queue, Recheck, Restricted,
    Timestamp, Translation,
};
use moderation::views::{self, CaseContext, CaseView, CommentView, DecisionView, Explanation, WaitingProposal};
use serde::Deserialize;

use super::beside::Beside;
use super::desk::{desk_of, next_case};
use super::evidence::{FileCard, file_cards};
use super::flash::{Flash, Undo};
use super::form::{Fields, FormState, Posted};
use super::judgement::{self, DecideForm};
use super::measures::Scope;
use super::page::{Answer, go_saying, go_to, show, show_with};
use super::problem::ConsoleError;
use super::shell::Shell;
use super::standing::StandingCard;
use super::visit::Person;
use super::words::Lang;
use crate::WebState;

#[derive(Template)]
#[template(path = "case.html")]
struct CasePage {
    shell: Shell,
    form: FormState,
    id: CaseId,
    queue: Queue,
    reason: String,
    opened_at: Timestamp,
    outcome: Option<Outcome>,
    lease: LeaseLine,
    standing: Option<StandingCard>,
    /// What waits for a second person.
    waiting: Option<WaitingProposal>,
    /// How many more items it stands for.
    n_more: usize,
    may_escalate: bool,
    item: Item,
    /// The languages of its text, as the platform named them.
    languages: Vec<String>,
    translations: Vec<Translation>,
    report: Option<String>,
    n_files: usize,
    files: Vec<FileCard>,
    context: CaseContext,
    explained: Option<Explanation>,
    decisions: Vec<DecisionLine>,
    /// The decision in force: whoever decides has seen what it restricts.
    in_force: Option<DecisionId>,
    actions: Vec<ActionLine>,
    events: Vec<EventLine>,
    comments: Vec<CommentLine>,
    comment_length_max: usize,
    decide: DecideForm,
    /// Languages that the affected person can be told in.
    langs: [Lang; 4],
    history: Option<AccountHistory>,
    reason_length_max: usize,
    note_length_max: usize,
    notice_length_max: usize,
}

/// Who works on the case.
enum LeaseLine {
    /// Nobody.
    Free,
    /// Whoever looks at the page.
    Mine { until: Timestamp },
    /// A colleague.
    Other {
        name: String,
        until: Timestamp,
        /// Why they took it over, if they did.
        note: Option<String>,
    },
    /// It was decided.
    Closed { at: Timestamp, by: String },
}

impl LeaseLine {
    fn of(view: &CaseView, shell: &Shell) -> Self {
        if let CaseState::Closed { at, .. } = view.case.state {
            return LeaseLine::Closed {
                at,
                by: view.closed_by_name.clone().unwrap_or_default(),
            };
        }
        let me = shell.session.as_ref().map(|session| session.user.id);
        match view.case.lease(shell.now) {
            None => LeaseLine::Free,
            Some(lease) if Some(lease.holder) == me => LeaseLine::Mine { until: lease.until },
            Some(lease) => LeaseLine::Other {
                name: view.holder_name.clone().unwrap_or_default(),
                until: lease.until,
                note: view.case.taken_over.as_ref().map(|taken| taken.note.clone()),
            },
        }
    }

    fn is_mine(&self) -> bool {
        matches!(self, LeaseLine::Mine { .. })
    }

    fn is_closed(&self) -> bool {
        matches!(self, LeaseLine::Closed { .. })
    }

    fn may_decide(&self) -> bool {
        match self {
            LeaseLine::Free | LeaseLine::Mine { .. } => true,
            LeaseLine::Other { .. } | LeaseLine::Closed { .. } => false,
        }
    }
}

/// A decision as the pages of cases and items show it.
pub struct DecisionLine {
    /// What was decided.
    pub outcome: Outcome,
    /// Which policy was broken.
    pub policy: Option<PolicyCode>,
    /// What is restricted, where that is not the item itself alone.
    pub parts: Vec<Restricted>,
    /// Whether a rule decided.
    pub is_rule: bool,
    /// The rule or the person.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl DecisionLine {
    /// The decision as it is shown.
    pub fn of(view: DecisionView) -> Self {
        Self {
            outcome: view.decision.outcome,
            policy: view.decision.policy,
            parts: parts(view.decision.restricted()),
            is_rule: view.decision.author.kind() == "rule",
            author: view.author_name,
            reason: view.decision.reason,
            at: view.decision.decided_at,
        }
    }
}

fn parts(restricted: Vec<Restricted>) -> Vec<Restricted> {
    match restricted.as_slice() {
        [Restricted::Item] => Vec::new(),
        _ => restricted,
    }
}

/// An action as the pages of cases and items show it.
pub struct ActionLine {
    /// What was ordered, by the word for it.
    pub kind: String,
    /// In which countries, with which label, which service.
    pub scope: String,
    /// Until when, if it has an end.
    pub until: Option<Timestamp>,
    /// How far it got.
    pub state: &'static str,
    /// What the platform answered.
    pub answer: Option<PlatformAnswer>,
    /// What went wrong.
    pub error: Option<String>,
    /// Of one in doubt: what a re-check found.
    pub found: Option<Found>,
    /// What all re-checks of it found.
    pub rechecks: Vec<RecheckLine>,
    /// When it was ordered.
    pub at: Timestamp,
}

/// A re-check as the pages of cases and items show it.
pub struct RecheckLine {
    /// What was found.
    pub found: Found,
    /// Whether that is not as ordered.
    pub is_wrong: bool,
    /// When.
    pub at: Timestamp,
}

impl ActionLine {
    /// The action as it is shown.
    pub fn of(action: &Action) -> Self {
        let (answer, error) = match &action.state {
            ActionState::Waiting | ActionState::Withdrawn { .. } => (None, None),
            ActionState::Retrying { error, .. } | ActionState::Dead { error } => (None, Some(error.clone())),
            ActionState::Confirmed { answer, .. } | ActionState::Doubtful { answer, .. } => (Some(*answer), None),
            ActionState::Refused { detail, .. } => (None, Some(detail.clone()).filter(|detail| !detail.is_empty())),
        };
        Self {
            kind: action.order_word(),
            scope: action.scope.clone(),
            until: action.until,
            state: action.state.as_str(),
            answer,
            error,
            found: match action.state {
                ActionState::Doubtful { found, .. } => Some(found),
                _ => None,
            },
            rechecks: Vec::new(),
            at: action.ordered_at,
        }
    }

    /// The actions as they are shown, the newest first, with what was found of each.
    pub fn all(actions: &[Action], rechecks: &[Recheck]) -> Vec<Self> {
        let lines = actions.iter().rev().map(|action| {
            let of_it = rechecks.iter().filter(|recheck| recheck.action == action.id);
            let rechecks = of_it.map(|recheck| RecheckLine {
                found: recheck.found,
                is_wrong: recheck.found.agrees_with(action.kind) == Some(false),
                at: recheck.at,
            });
            Self {
                rechecks: rechecks.collect(),
                ..Self::of(action)
            }
        });
        lines.collect()
    }
}

struct CommentLine {
    id: CommentId,
    author: String,
    at: Timestamp,
    text: Option<String>,
    is_mine: bool,
}

impl CommentLine {
    fn of(view: CommentView, shell: &Shell) -> Self {
        let me = shell.session.as_ref().map(|session| session.user.id);
        Self {
            id: view.comment.id,
            author: view.author_name,
            at: view.comment.at,
            text: view.comment.text,
            is_mine: me == Some(view.comment.author),
        }
    }
}

struct EventLine {
    kind: String,
    actor: String,
    at: Timestamp,
}

/// How the page is to be shown.
#[derive(Debug, Deserialize)]
pub struct CaseQuery {
    /// The language that the affected person is to be told in.
    notice: Option<String>,
}

/// `GET /cases/{id}`
pub async fn show_case(
    State(state): State<WebState>,
    person: Person,
    Path(id): Path<String>,
    Query(query): Query<CaseQuery>,
) -> Answer {
    let notice = query.notice.as_deref();
    let page = case_page(&state, person, parse(&id)?, FormState::default(), notice).await?;
    show(&page)
}

async fn case_page(
    state: &WebState,
    person: Person,
    id: CaseId,
    form: FormState,
    notice: Option<&str>,
) -> Result<CasePage, ConsoleError> {
    let view = views::case(&state.app, &person.actor, id)
        .await?
        .ok_or(ConsoleError::NotFound)?;
    let mut shell = person.shell.clone();
    shell.rests_until = views::exposure(&state.app, &person.actor).await?.rests_until;
    let lease = LeaseLine::of(&view, &shell);
    let decide = DecideForm::of(&view, &state.app.settings.measures, &shell, &form, notice);
    let opened_at = view.case.opened_at;
    let standing = view.standing.clone().map(|of| StandingCard::of(of, opened_at, &shell));
    let beside = Beside::of(state, &person.actor, view.item.url.clone(), &view.media).await?;
    let by_rule = view.decisions.iter().rev().map(|view| &view.decision);
    let by_rule = by_rule
        .filter(|decision| decision.author.kind() == "rule")
        .map(|decision| decision.id);
    let explained = match by_rule.into_iter().next() {
        Some(decision) => views::explain(&state.app, &person.actor, decision).await?,
        None => None,
    };
    let waiting = views::waiting_proposal(&state.app, &person.actor, &view.item.id).await?;
    let n_more = match lease.is_closed() {
        true => 0,
        false => views::n_in_cluster(&state.app, &person.actor, &view.item).await?,
    };
    let context = views::case_context(&state.app, &person.actor, &view.item.id).await?;
    let history = match &view.item.account {
        Some(account) => Some(views::account_history(&state.app, &person.actor, account).await?),
        None => None,
    };
    let in_force = view.decisions.last().map(|view| view.decision.id);
    let decisions: Vec<DecisionLine> = view.decisions.into_iter().map(DecisionLine::of).collect();
    Ok(CasePage {
        form,
        id,
        queue: view.case.queue,
        reason: view.case.reason,
        opened_at: view.case.opened_at,
        outcome: decisions.last().map(|decision| decision.outcome),
        lease,
        standing,
        waiting,
        n_more,
        may_escalate: view.case.queue != Queue::Escalated,
        item: view.item,
        languages: view.facts.languages.unwrap_or_default(),
        translations: view.translations,
        report: view.report,
        n_files: view.media.len(),
        files: file_cards(view.media, &beside, &shell),
        context,
        explained,
        decisions: decisions.into_iter().rev().collect(),
        in_force,
        actions: ActionLine::all(&view.actions, &view.rechecks),
        events: view
            .events
            .into_iter()
            .rev()
            .map(|line| EventLine {
                kind: line.event.kind,
                actor: line.actor_name,
                at: line.event.at,
            })
            .collect(),
        comments: view
            .comments
            .into_iter()
            .map(|comment| CommentLine::of(comment, &shell))
            .collect(),
        comment_length_max: Comment::LENGTH_MAX,
        decide,
        langs: Lang::ALL,
        history,
        reason_length_max: Judgement::REASON_LENGTH_MAX,
        note_length_max: Assessment::NOTE_LENGTH_MAX,
        notice_length_max: Notice::LENGTH_MAX,
        shell,
    })
}

/// The page of a case with a form that was not taken.
pub(super) async fn show_again(state: &WebState, person: Person, id: CaseId, form: FormState) -> Answer {
    show_with(
        StatusCode::UNPROCESSABLE_ENTITY,
        &case_page(state, person, id, form, None).await?,
    )
}

/// `POST /cases/{id}/take`
pub async fn take_case(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    let taken = flow::take_case(&state.app, &posted.person.actor, id).await;
    after_change(&state, &posted.person, id, taken.map(|_| None))
}

/// `POST /cases/{id}/release`
pub async fn release_case(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    match flow::release_case(&state.app, &posted.person.actor, id).await {
        Ok(case) => {
            let flash = Flash::new("flash.released", case.item.to_string());
            Ok(go_saying(&state, &desk_of(case.queue), &flash))
        }
        Err(error) => after_change(&state, &posted.person, id, Err(error)),
    }
}

/// `POST /cases/{id}/renew`: the page is open still. It is asked by the page's script, which understands the status alone.
pub async fn renew_case(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let renewed = leases::renew_case(&state.app, &posted.person.actor, parse(&id)?).await;
    answer_script(renewed.map(drop))
}

/// `POST /cases/{id}/leave`: the page was left. Nobody reads the answer.
pub async fn leave_case(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    answer_script(leases::leave_case(&state.app, &posted.person.actor, parse(&id)?).await)
}

fn answer_script(done: Result<(), CaseError>) -> Answer {
    match done {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        // Decided, released or taken over meanwhile.
        Err(CaseError::Transition(_) | CaseError::NotFound) => Ok(StatusCode::CONFLICT.into_response()),
        Err(error) => Err(error.into()),
    }
}

/// `POST /cases/{id}/take-over`
pub async fn take_over_case(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    let Posted { person, fields } = posted;
    match leases::take_over_case(&state.app, &person.actor, id, fields.get("note").to_owned()).await {
        Ok(case) => {
            let done = Flash::new("flash.taken_over", case.item.to_string());
            after_change(&state, &person, id, Ok(Some(done)))
        }
        Err(CaseError::Invalid { .. }) => {
            let typed = Fields::of(&[("take-over-note", fields.get("note"))]);
            let form = FormState::filled(typed).wrong("take-over-note", person.shell.t("decide.need_reason"));
            show_again(&state, person, id, form).await
        }
        Err(error) => after_change(&state, &person, id, Err(error)),
    }
}

/// `POST /cases/{id}/escalate`
pub async fn escalate_case(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    let Posted { person, fields } = posted;
    let queue = queue_of(&state, &person, id).await?;
    match flow::escalate_case(&state.app, &person.actor, id, fields.get("reason").to_owned()).await {
        Ok(case) => {
            let done = Flash::new("flash.escalated", case.item.to_string());
            next_case(&state, &person, Some(queue), Some(done)).await
        }
        Err(CaseError::Invalid { .. }) => {
            let typed = Fields::of(&[("escalate-reason", fields.get("reason"))]);
            let form = FormState::filled(typed).wrong("escalate-reason", person.shell.t("decide.need_reason"));
            show_again(&state, person, id, form).await
        }
        Err(error) => after_change(&state, &person, id, Err(error)),
    }
}

/// `POST /cases/{id}/decide`
pub async fn decide_case(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    let Posted { person, fields } = posted;
    let view = views::case(&state.app, &person.actor, id)
        .await?
        .ok_or(ConsoleError::NotFound)?;
    let (item, queue) = (view.item.id.to_string(), view.case.queue);
    let judgement = match judgement::read(&view, &state.app.settings.measures, &person.shell, &fields) {
        Ok(judgement) => judgement,
        Err(form) => {
            return show_again(&state, person, id, form).await;
        }
    };
    let outcome = judgement.outcome;
    let form = FormState::filled(fields.clone());
    // A form of before this was asked, or of hands of one's own, says nothing: then what is there now was seen.
    let seen: Option<DecisionId> = fields.get("decision").parse().ok();
    match decide_or_propose(&state.app, &person.actor, id, seen, judgement).await {
        Ok(Settled::Proposed(_)) => {
            let done = Flash::new("flash.proposed", item);
            match fields.get("then") {
                "stay" => Ok(go_saying(&state, &format!("/cases/{id}"), &done)),
                _ => next_case(&state, &person, Some(queue), Some(done)).await,
            }
        }
        Ok(Settled::Decided(decision)) => {
            let until = match person.actor.user() {
                Some(user) => flow::undo_until(&state.app, user, decision).await?,
                None => None,
            };
            let undo = until.map(|until| Undo {
                case: id,
                decision,
                until,
            });
            let key = if outcome == Outcome::Restrict {
                "flash.decided_restrict"
            } else {
                "flash.decided_allow"
            };
            let done = Flash::new(key, item).with_undo(undo);
            match fields.get("then") {
                "stay" => Ok(go_saying(&state, &format!("/cases/{id}"), &done)),
                _ => next_case(&state, &person, Some(queue), Some(done)).await,
            }
        }
        Err(CaseError::Invalid { field, what }) => {
            let form = form.wrong(field, person.shell.with("common.field_invalid", "what", what));
            show_again(&state, person, id, form).await
        }
        Err(CaseError::Changed { .. }) => {
            let form = form.wrong("", person.shell.t("decide.changed"));
            show_with(StatusCode::CONFLICT, &case_page(&state, person, id, form, None).await?)
        }
        Err(error) => after_change(&state, &person, id, Err(error)),
    }
}

/// `POST /cases/{id}/undo`
pub async fn undo_decision(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    let Posted { person, fields } = posted;
    let decision: DecisionId = fields.get("decision").parse().map_err(|_| ConsoleError::NotFound)?;
    let flash = match flow::undo_decision(&state.app, &person.actor, id, decision).await {
        Ok(_) => Flash::new("flash.undone", ""),
        Err(UndoError::TooLate) => Flash::new("problem.too_late_to_undo", ""),
        Err(UndoError::NotFound) => return Err(ConsoleError::NotFound),
        Err(UndoError::Denied(denied)) => return Err(ConsoleError::Denied(denied)),
        Err(UndoError::Store(error)) => return Err(error.into()),
    };
    Ok(go_saying(&state, &format!("/cases/{id}"), &flash))
}

/// Back to the case, with a word about what was done or why it could not be.
fn after_change(state: &WebState, person: &Person, id: CaseId, done: Result<Option<Flash>, CaseError>) -> Answer {
    let address = format!("/cases/{id}");
    let flash = match done {
        Ok(None) => return Ok(go_to(&address)),
        Ok(Some(flash)) => flash,
        Err(CaseError::Transition(InvalidTransition::AlreadyClosed { .. })) => Flash::new("problem.already_closed", ""),
        Err(CaseError::Transition(InvalidTransition::HeldByAnother { until })) => {
            Flash::new("problem.held", person.shell.clock_time(until))
        }
        Err(CaseError::Transition(InvalidTransition::TakenOver { note, .. })) => Flash::new("problem.taken_over", note),
        Err(CaseError::Transition(InvalidTransition::NotHeld)) => Flash::new("problem.not_held", ""),
        Err(CaseError::Transition(InvalidTransition::HeldTooLong)) => Flash::new("problem.held_too_long", ""),
        Err(CaseError::Proposed) => Flash::new("problem.proposed_already", ""),
        Err(CaseError::Transition(InvalidTransition::SameQueue)) => Flash::new("problem.same_queue", ""),
        Err(error) => return Err(error.into()),
    };
    Ok(go_saying(state, &address, &flash))
}

async fn queue_of(state: &WebState, person: &Person, id: CaseId) -> Result<Queue, ConsoleError> {
    let view = views::case(&state.app, &person.actor, id)
        .await?
        .ok_or(ConsoleError::NotFound)?;
    Ok(view.case.queue)
}

fn parse(id: &str) -> Result<CaseId, ConsoleError> {
    id.parse().map_err(|_| ConsoleError::NotFound)
}
