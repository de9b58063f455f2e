//! People work on cases: take, release, escalate, decide. Deciding makes a new decision, by the same path as a rule's.

use policy::Queue;

use super::deciding::versions;
use super::judgement::{check_judgement, check_reason, facts};
use super::measures::Plan;
use super::offering::Suited;
pub use super::opening::open_case;
use super::orders::held_until;
use super::proposals::overtake;
use super::routing::{facts_after_move, place_anew};
pub use super::undo::{UndoError, undo_decision, undo_until};
use crate::matching::benign;
use crate::model::{
    Actor, Author, Case, CaseId, Decision, DecisionId, Denied, InvalidTransition, ItemId, Judgement, Outcome,
    ProposalId, Right, SecondReason, Timestamp, UserId, reasons_for_second,
};
use crate::routing::outcomes;
use crate::rules::firings::Key;
use crate::rules::{firings, restrictions, standing};
use crate::store::{StoreError, Tx};
use crate::{Seawall, actions, cases, decisions, items};

/// A case was not changed.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The actor may not, or is not a person.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such case.
    #[error("there is no such case")]
    NotFound,
    /// Not in the state that it is in.
    #[error(transparent)]
    Transition(#[from] InvalidTransition),
    /// The platform submitted other content since the person looked: what they judged is not what would be decided on.
    #[error("revision {judged} was judged, and the item is at revision {stored} now")]
    Changed {
        /// The revision that the person looked at.
        judged: i64,
        /// The revision that is stored.
        stored: i64,
    },
    /// Something about the request is wrong.
    #[error("`{field}` {what}")]
    Invalid {
        /// Which part.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// One person alone cannot decide this: see [`super::proposals`].
    #[error("a second person has to agree")]
    SecondPerson {
        /// Why.
        reasons: Vec<SecondReason>,
    },
    /// Something else about it waits for a second person.
    #[error("a judgement on it waits for a second person")]
    Proposed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How many pages of free cases are looked through.
const NEXT_PAGES_MAX: i64 = 10;
/// The most decisions that say nothing of an item and follow one that does: ends of restrictions, and decisions that were undone.
const SAYS_NOTHING_MAX: usize = 32;

/// The person holds the case for a while.
pub async fn take_case(app: &Seawall, actor: &Actor, id: CaseId) -> Result<Case, CaseError> {
    let user = person(actor)?;
    let mut tx = app.store.begin("take case").await?;
    let now = app.clock.now();
    let before = find_open_to(&mut tx, actor, id, now).await?;
    let held_already = before.lease(now).is_some_and(|lease| lease.holder == user);
    let case = before.take(user, now)?;
    cases::update(&mut tx, &case).await?;
    if !held_already {
        tx.event(now, actor, "case.taken", id, serde_json::json!({}));
    }
    tx.commit().await?;
    Ok(case)
}

/// The person holds the next case that nobody holds and that they can do: of one queue, or of all that they work on.
pub async fn take_next_case(app: &Seawall, actor: &Actor, queue: Option<Queue>) -> Result<Option<CaseId>, CaseError> {
    let user = person(actor)?;
    let queues = match queue {
        Some(queue) if !actor.queues().has(queue) => return Ok(None),
        Some(queue) => format!(" {queue} "),
        None => actor.queues().to_string(),
    };
    let suited = Suited::of(app, actor, user).await?;
    for page in 0..NEXT_PAGES_MAX {
        let (free, is_last) = suited.free_cases(app, &queues, page).await?;
        for case in &free {
            match take_case(app, actor, case.id).await {
                Ok(_) => return Ok(Some(case.id)),
                // Someone else was faster: on to the next one.
                Err(CaseError::Transition(_) | CaseError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        if is_last {
            break;
        }
    }
    Ok(None)
}

/// The person lets go of the case.
pub async fn release_case(app: &Seawall, actor: &Actor, id: CaseId) -> Result<Case, CaseError> {
    let user = person(actor)?;
    let mut tx = app.store.begin("release case").await?;
    let now = app.clock.now();
    let case = find_open_to(&mut tx, actor, id, now).await?.release(user, now)?;
    cases::update(&mut tx, &case).await?;
    tx.event(now, actor, "case.released", id, serde_json::json!({}));
    tx.commit().await?;
    Ok(case)
}

/// The person finds the case too hard and says why; it moves to the queue of escalated cases. The reason is kept with the
/// case, not in the log: it may tell of people, and the log forgets nothing.
pub async fn escalate_case(app: &Seawall, actor: &Actor, id: CaseId, reason: String) -> Result<Case, CaseError> {
    let user = person(actor)?;
    check_reason(&reason)?;
    let mut tx = app.store.begin("escalate case").await?;
    let now = app.clock.now();
    let before = find_open_to(&mut tx, actor, id, now).await?;
    let from = before.queue;
    let case = Case {
        reason: reason.trim().to_owned(),
        ..before.escalate(user, now)?
    };
    cases::update(&mut tx, &case).await?;
    place_anew(app, &mut tx, &case, facts_after_move(&case.place), now).await?;
    tx.event(
        now,
        actor,
        "case.escalated",
        id,
        serde_json::json!({ "from": from.as_str() }),
    );
    tx.commit().await?;
    Ok(case)
}

/// The person decides on the revision that they saw. If the item must change for it, the platform is told.
pub async fn decide_case(
    app: &Seawall,
    actor: &Actor,
    id: CaseId,
    judgement: Judgement,
) -> Result<DecisionId, CaseError> {
    decide_as_seen(app, actor, id, None, judgement).await
}

/// The same, by a person who saw what this decision was the last on: what was restricted since they never looked at, and do not lift.
pub(super) async fn decide_as_seen(
    app: &Seawall,
    actor: &Actor,
    id: CaseId,
    seen: Option<DecisionId>,
    judgement: Judgement,
) -> Result<DecisionId, CaseError> {
    let user = person(actor)?;
    check_judgement(&judgement)?;
    let reasons = reasons_for_second(&judgement, (1, 0), &app.settings.two_person);
    if !reasons.is_empty() {
        return Err(CaseError::SecondPerson { reasons });
    }
    let mut tx = app.store.begin("decide case").await?;
    let now = app.clock.now();
    // The item is locked first, as a submission of it does: the two wait for each other and never both ways.
    let item_id = cases::find(tx.conn(), id).await?.ok_or(CaseError::NotFound)?.item;
    items::lock(&mut tx, &item_id).await?;
    let case = find_open_to(&mut tx, actor, id, now).await?;
    check_seen(&mut tx, &item_id, seen, judgement.revision).await?;
    let decision = decide_in(app, &mut tx, actor, (user, case), &judgement, None, now).await?;
    tx.commit().await?;
    app.bells.jobs.notify_one();
    Ok(decision)
}

/// Whether nothing was restricted since the person looked. The item is locked.
pub(super) async fn check_seen(
    tx: &mut Tx,
    item: &ItemId,
    seen: Option<DecisionId>,
    revision: i64,
) -> Result<(), CaseError> {
    match seen {
        Some(seen) if actions::is_restricted_since(tx.conn(), item, seen).await? => Err(CaseError::Changed {
            judged: revision,
            stored: revision,
        }),
        Some(_) | None => Ok(()),
    }
}

/// What a decision came of that was not made on its case's page alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Agreed {
    /// The proposal.
    pub proposal: ProposalId,
    /// The second person, if one was needed.
    pub approved_by: Option<UserId>,
    /// Whether other items were judged with it.
    pub is_bulk: bool,
    /// When it was proposed: what lasts a time lasts it from then, as the affected person is told.
    pub judged_at: Timestamp,
}

/// Decides in a transaction in which the item and the case are locked. Whoever calls it has checked the judgement, and that nobody else has to agree.
pub(super) async fn decide_in(
    app: &Seawall,
    tx: &mut Tx,
    actor: &Actor,
    (user, case): (UserId, Case),
    judgement: &Judgement,
    agreed: Option<Agreed>,
    now: Timestamp,
) -> Result<DecisionId, CaseError> {
    let id = case.id;
    let (item, _) = items::find(tx.conn(), &case.item).await?.ok_or(CaseError::NotFound)?;
    if item.revision != judgement.revision {
        return Err(CaseError::Changed {
            judged: judgement.revision,
            stored: item.revision,
        });
    }
    let before = decisions::latest_of_item(tx.conn(), &case.item).await?;
    let live = standing::read(tx.conn()).await?.map_or(0, |kept| kept.standing.live);
    let standing_orders = actions::standing_orders(tx.conn(), &case.item).await?;
    let ends = restrictions::of_item(tx.conn(), &case.item).await?;
    let judged_at = agreed.map_or(now, |agreed| agreed.judged_at);
    let plan = Plan::of(app, judgement, &item, standing_orders, &ends, (judged_at, now))?;
    let decision = Decision {
        id: DecisionId::fresh(now, &app.chance),
        item: case.item.clone(),
        revision: item.revision,
        outcome: judgement.outcome,
        author: Author::Person(user),
        policy: judgement.policy.filter(|_| judgement.outcome == Outcome::Restrict),
        reason: judgement.reason.trim().to_owned(),
        facts: facts(judgement, &case, &plan, agreed),
        versions: versions(live),
        supersedes: before.as_ref().map(|decision| decision.id),
        case: Some(id),
        decided_at: now,
    };
    let (queue, source) = (case.queue, case.place.facts.clone());
    let closed = case.close(user, decision.id, now)?;
    decisions::insert(tx, &decision).await?;
    cases::update(tx, &closed).await?;
    overtake(tx, actor, &decision.item, agreed.map(|agreed| agreed.proposal), now).await?;
    let mut body = serde_json::json!({
        "decision": decision.id.to_string(), "outcome": decision.outcome.as_str(), "item": decision.item.to_string(),
        "supersedes": decision.supersedes.map(|id| id.to_string()),
    });
    if let Some(agreed) = agreed {
        body["proposal"] = agreed.proposal.to_string().into();
        body["approved_by"] = agreed.approved_by.map(|user| user.to_string()).into();
    }
    tx.event(now, actor, "case.decided", id, body);
    if decision.outcome == Outcome::Restrict {
        benign::remove_item(tx, &decision.item).await?;
    }
    let held = held_until(app, &decision, item.kind);
    plan.order(app, tx, actor, &decision, held).await?;
    outcomes::note(tx, queue, &source, decision.outcome == Outcome::Restrict, now).await?;
    if let Some(before) = &before {
        measure_rules(app, tx, before, &decision, Said::Now).await?;
    }
    Ok(decision.id)
}

/// Whether something is said, or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// It is said.
    Now,
    /// It was said, and is taken back.
    TakenBack,
}

/// What a person says of an item is said of the rules that found something about it.
pub(super) async fn measure_rules(
    app: &Seawall,
    tx: &mut Tx,
    before: &Decision,
    decision: &Decision,
    said: Said,
) -> Result<(), StoreError> {
    // That its time was over says nothing of an item, and neither does a decision that was undone: what does stands before.
    let mut before = before.clone();
    for _ in 0..SAYS_NOTHING_MAX {
        let restores = before.facts["restores"].as_str().and_then(|id| id.parse().ok());
        let ended = before.supersedes.filter(|_| before.facts["ended"].is_object());
        let Some(earlier) = restores.or(ended) else {
            break;
        };
        match decisions::find(tx.conn(), earlier).await? {
            Some(earlier) => before = earlier,
            None => return Ok(()),
        }
    }
    let (Author::Rule(_), Ok(version)) = (&before.author, before.versions.rules.parse::<i64>()) else {
        return Ok(());
    };
    let fired = before.facts["rules"]["fired"].as_array().into_iter().flatten();
    let fired: Vec<&str> = fired.filter_map(|fired| fired["rule"].as_str()).collect();
    let judged_by = app.judge.compiled(tx.conn(), version).await?;
    let rules = judged_by.rules.rules().iter().enumerate();
    // What only allows or labels finds nothing that a person could confirm.
    let finds = |rule: &policy::Rule| rule.outcomes.iter().any(|outcome| outcome.strength() >= 2);
    let found = rules.filter(|(_, rule)| fired.contains(&rule.name.as_str()) && finds(rule));
    let mut keys: Vec<Key> = found.map(|(idx, _)| judged_by.key(idx)).collect();
    let is_confirmed = decision.outcome == Outcome::Restrict;
    let day = firings::day_of(before.decided_at);
    match said {
        Said::Now => firings::judge(tx, day, &mut keys, is_confirmed).await,
        Said::TakenBack => firings::unjudge(tx, day, &mut keys, is_confirmed).await,
    }
}

/// The case, locked, if the person reaches it. Of another they learn nothing, not even that it is there.
pub(super) async fn find_open_to(tx: &mut Tx, actor: &Actor, id: CaseId, now: Timestamp) -> Result<Case, CaseError> {
    let found = cases::find_locked(tx, id).await?;
    found
        .filter(|case| case.is_open_to(actor, now))
        .ok_or(CaseError::NotFound)
}

pub(super) fn person(actor: &Actor) -> Result<UserId, Denied> {
    actor.require(Right::DecideCases)?;
    actor.user().ok_or_else(|| Denied {
        actor: actor.to_string(),
        right: Right::DecideCases,
    })
}
