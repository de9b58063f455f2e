//! Some decisions are asked of a second person who does not know the first answer; where the two differ, a third says what is right. Beside them, past cases whose right
//! answer is known are asked, and nobody can tell which they are.
//!
//! An answer in here changes nothing of an item and orders nothing. If a first decision was wrong, a case is opened, and a person decides it as any other: by
//! [`super::cases::decide_case`]. Doing any of this twice does it once: a decision is drawn once, a question has one second answer, a difference is settled once.

use std::time::Duration;

use super::cases::CaseError;
use super::judgement::check_reason;
use super::offering::Suited;
use super::opening::open_or_move;
use crate::model::{
    Actor, Author, CaseId, CaseState, DecisionId, Denied, GoldenId, Outcome, Queue, ReviewId, Right, Timestamp, UserId,
};
use crate::quality::golden::{self, Golden};
use crate::quality::reviews::{self, Answer, Asks, Review, ReviewRefused, ReviewState, Said};
use crate::quality::strata::{self, Stratum, WHOLE_PPM};
use crate::store::{StoreError, Tx};
use crate::views::{golden_candidate, held_review, overtaken_reviews, reaches_item, review_candidates};
use crate::{Seawall, cases, decisions, items};

/// A decision is drawn once it is this old: those that began earlier are committed by then, and none is passed over.
pub const SETTLES_IN: Duration = Duration::from_secs(120);
/// While so many questions wait, no more are drawn; what was decided meanwhile is drawn later, with the same chance.
pub const WAITING_MAX: i64 = 300;
/// Decisions that are looked at in one transaction, and how many of these in one go.
const BATCH: i64 = 2_000;
const BATCHES_MAX: usize = 50;
/// How many questions are looked at for one that the person may be asked.
const TRIES_MAX: i64 = 100;
/// The share of questions whose right answer is known, while there are golden cases that the person has not answered.
pub const GOLDEN_SHARE: f64 = 0.15;

/// Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum QualityError {
    /// The actor may not, or is not a person.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such thing, or not for this person.
    #[error("there is no such {what}")]
    NotFound {
        /// Of what.
        what: &'static str,
    },
    /// Not in the state that it is in, or not by this person.
    #[error(transparent)]
    Refused(#[from] ReviewRefused),
    /// The item changed since: what was judged is not what is there.
    #[error("the item changed since the question was asked")]
    Changed,
    /// Something about the request is wrong.
    #[error("`{field}` {what}")]
    Invalid {
        /// Which part.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Draws from the decisions that were made since the last time which are asked of a second person. How many were.
pub async fn draw_reviews(app: &Seawall) -> Result<usize, StoreError> {
    void_overtaken(app).await?;
    let mut n_drawn = 0;
    for _ in 0..BATCHES_MAX {
        match draw_batch(app).await? {
            Some(n) => n_drawn += n,
            None => break,
        }
    }
    Ok(n_drawn)
}

/// None, if there was nothing left to look at.
async fn draw_batch(app: &Seawall) -> Result<Option<usize>, StoreError> {
    let mut tx = app.store.begin("draw reviews").await?;
    let now = app.clock.now();
    let Some(after) = strata::drawn_up_to(&mut tx).await? else {
        // The first time: what was decided before anybody thought of this is let be.
        let newest = decisions::newest(tx.conn()).await?;
        strata::set_drawn_up_to(&mut tx, &newest.map(|id| id.to_string()).unwrap_or_default()).await?;
        tx.commit().await?;
        return Ok(None);
    };
    let mut room = WAITING_MAX - reviews::n_waiting(tx.conn()).await?;
    let shares = strata::shares(tx.conn()).await?;
    let settled = now.before(SETTLES_IN);
    let mut up_to = None;
    let mut n_drawn = 0;
    let batch = decisions::list_after(tx.conn(), &after, BATCH).await?;
    for brief in &batch {
        if brief.decided_at > settled || room <= 0 {
            break;
        }
        up_to = Some(brief.id);
        let Some(stratum) = Stratum::of(brief.is_of_a_person, brief.outcome) else {
            continue;
        };
        let ppm = shares.of(stratum);
        if strata::is_drawn(ppm, app.chance.unit()) && ask_again(app, &mut tx, brief.id, stratum, ppm).await? {
            n_drawn += 1;
            room -= 1;
        }
    }
    let Some(up_to) = up_to else {
        return Ok(None);
    };
    strata::set_drawn_up_to(&mut tx, &up_to.to_string()).await?;
    tx.commit().await?;
    Ok((batch.len() as i64 == BATCH)
        .then_some(n_drawn)
        .or((n_drawn > 0).then_some(n_drawn)))
}

async fn ask_again(app: &Seawall, tx: &mut Tx, id: DecisionId, stratum: Stratum, ppm: u32) -> Result<bool, StoreError> {
    let now = app.clock.now();
    let Some(decision) = decisions::find(tx.conn(), id).await? else {
        return Ok(false);
    };
    // That a restriction is over says nothing of the item.
    if decision.facts["ended"].is_object() {
        return Ok(false);
    }
    // Nor does what was taken back, or that it was.
    let later = decisions::latest_of_item(tx.conn(), &decision.item).await?;
    if decision.is_undo() || later.is_some_and(|later| later.is_undo() && later.supersedes == Some(id)) {
        return Ok(false);
    }
    let case = match decision.case {
        Some(case) => cases::find(tx.conn(), case).await?,
        None => None,
    };
    let languages = items::facts_of(tx.conn(), &decision.item).await?.languages;
    let review = Review {
        id: ReviewId::fresh(now, &app.chance),
        asks: Asks::Again {
            decision: id,
            stratum,
            ppm,
        },
        item: decision.item,
        revision: decision.revision,
        queue: case.map(|case| case.queue),
        language: languages.and_then(|languages| languages.into_iter().next()),
        first: Answer {
            outcome: decision.outcome,
            policy: decision.policy,
        },
        first_author: decision.author,
        first_at: decision.decided_at,
        drawn_at: now,
        state: ReviewState::Waiting { held: None },
    };
    reviews::insert(tx, &review).await?;
    let body = serde_json::json!({ "decision": id.to_string(), "kind": stratum.as_str(), "ppm": ppm });
    tx.event(now, &Actor::System, "review.drawn", review.id, body);
    Ok(true)
}

/// Questions about items that changed are asked no more, and golden ones that nobody answered are asked anew.
async fn void_overtaken(app: &Seawall) -> Result<(), StoreError> {
    let now = app.clock.now();
    let overtaken = overtaken_reviews(&mut *app.store.reader().await?, now).await?;
    for id in overtaken {
        let mut tx = app.store.begin("void a review").await?;
        if let Some(review) = reviews::find_locked(&mut tx, id).await?
            && matches!(review.state, ReviewState::Waiting { .. })
        {
            void(app, &mut tx, review).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

async fn void(app: &Seawall, tx: &mut Tx, review: Review) -> Result<(), StoreError> {
    let void = Review {
        state: ReviewState::Void,
        ..review
    };
    reviews::update(tx, &void).await?;
    tx.event(
        app.clock.now(),
        &Actor::System,
        "review.void",
        void.id,
        serde_json::json!({}),
    );
    Ok(())
}

/// The person's next question: the one they hold, or another; none if there is none that they may answer. Whoever had a hand in the first answer is not asked.
pub async fn take_review(app: &Seawall, actor: &Actor) -> Result<Option<ReviewId>, QualityError> {
    let user = person(actor)?;
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    if let Some(held) = held_review(&mut conn, user, now).await? {
        return Ok(Some(held));
    }
    let suited = Suited::of(app, actor, user).await?;
    let mut candidates = Vec::new();
    for id in review_candidates(&mut conn, actor, user, now, TRIES_MAX).await? {
        if let Some(review) = reviews::find(&mut conn, id).await?
            && suited.may_be_asked(&mut conn, &review).await?
        {
            candidates.push(review);
        }
    }
    if let Some(instead_of) = candidates.first()
        && app.chance.unit() < GOLDEN_SHARE
        && let Some(golden) = golden_candidate(&mut conn, actor, user).await?
        && let asked = golden_review(app, &golden, instead_of.drawn_at)
        && suited.may_be_asked(&mut conn, &asked).await?
    {
        drop(conn);
        return Ok(Some(ask_golden(app, user, asked).await?));
    }
    drop(conn);
    for id in candidates.into_iter().map(|review| review.id) {
        let mut tx = app.store.begin("take a review").await?;
        let Some(review) = reviews::find_locked(&mut tx, id).await? else {
            continue;
        };
        // Someone else was faster: on to the next one.
        if let Ok(held) = review.hold(user, now) {
            reviews::update(&mut tx, &held).await?;
            tx.commit().await?;
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// The question is as old as the one whose place it takes: its id, in whose beginning is a time, tells nothing.
fn golden_review(app: &Seawall, golden: &Golden, drawn_at: Timestamp) -> Review {
    Review {
        id: ReviewId::fresh(drawn_at, &app.chance),
        asks: Asks::Golden { golden: golden.id },
        item: golden.item.clone(),
        revision: golden.revision,
        queue: golden.queue,
        language: golden.language.clone(),
        first: golden.answer,
        first_author: Author::Person(golden.owner),
        first_at: golden.made_at,
        drawn_at,
        state: ReviewState::Waiting { held: None },
    }
}

async fn ask_golden(app: &Seawall, user: UserId, review: Review) -> Result<ReviewId, QualityError> {
    let now = app.clock.now();
    let held = review.hold(user, now)?;
    let mut tx = app.store.begin("ask a golden case").await?;
    reviews::insert(&mut tx, &held).await?;
    tx.event(now, &Actor::System, "review.drawn", held.id, serde_json::json!({}));
    tx.commit().await?;
    Ok(held.id)
}

/// The person answers the question on their page. Nothing happens to the item.
pub async fn answer_review(
    app: &Seawall,
    actor: &Actor,
    id: ReviewId,
    answer: Answer,
    reason: &str,
) -> Result<(), QualityError> {
    let user = person(actor)?;
    let answer = checked(answer, reason)?;
    let mut tx = app.store.begin("answer a review").await?;
    let now = app.clock.now();
    let found = reviews::find_locked(&mut tx, id).await?;
    let review = found.ok_or(QualityError::NotFound { what: "question" })?;
    let item = items::find(tx.conn(), &review.item).await?;
    if review.is_held_by(user, now) && item.is_none_or(|(item, _)| item.revision != review.revision) {
        void(app, &mut tx, review).await?;
        tx.commit().await?;
        return Err(QualityError::Changed);
    }
    let answered = review.answer(Said {
        by: user,
        answer,
        reason: reason.trim().to_owned(),
        at: now,
    })?;
    reviews::update(&mut tx, &answered).await?;
    tx.event(now, actor, "review.answered", id, serde_json::json!({}));
    tx.commit().await?;
    Ok(())
}

/// A third person says what is right. If that is not what holds now, a case is opened for it, among those that were escalated.
pub async fn settle_review(
    app: &Seawall,
    actor: &Actor,
    id: ReviewId,
    answer: Answer,
    reason: &str,
) -> Result<Option<CaseId>, QualityError> {
    let user = settler(actor)?;
    let answer = checked(answer, reason)?;
    let mut tx = app.store.begin("settle a review").await?;
    let now = app.clock.now();
    let not_found = || QualityError::NotFound { what: "question" };
    // The item is locked first, as whoever decides on it does.
    let item = reviews::find(tx.conn(), id).await?.ok_or_else(not_found)?.item;
    items::lock(&mut tx, &item).await?;
    let review = reviews::find_locked(&mut tx, id).await?.ok_or_else(not_found)?;
    let is_of_queue = review.queue.is_none_or(|queue| actor.queues().has(queue));
    if !is_of_queue || !reaches_item(tx.conn(), actor, &item).await? {
        return Err(not_found());
    }
    let settled = review.settle(Said {
        by: user,
        answer,
        reason: reason.trim().to_owned(),
        at: now,
    })?;
    reviews::update(&mut tx, &settled).await?;
    let in_force = decisions::latest_of_item(tx.conn(), &item).await?;
    let is_there = items::find(tx.conn(), &item).await?;
    let is_same_content = is_there.is_some_and(|(item, _)| item.revision == settled.revision);
    let case = match in_force {
        Some(now_so) if is_same_content && (now_so.outcome, now_so.policy) != (answer.outcome, answer.policy) => {
            let place = (Queue::Escalated, reason);
            Some(open_or_move(app, &mut tx, actor, &item, place, now_so.id, now).await?)
        }
        Some(_) | None => None,
    };
    let body = serde_json::json!({
        "outcome": answer.outcome.as_str(), "case": case.map(|case| case.to_string()),
    });
    tx.event(now, actor, "review.settled", id, body);
    tx.commit().await?;
    Ok(case)
}

/// A decided case becomes golden: with this answer, which need not be the one that was given.
pub async fn make_golden(
    app: &Seawall,
    actor: &Actor,
    case: CaseId,
    answer: Answer,
    reason: &str,
) -> Result<GoldenId, QualityError> {
    let user = settler(actor)?;
    let answer = checked(answer, reason)?;
    let mut tx = app.store.begin("make a golden case").await?;
    let now = app.clock.now();
    let found = cases::find_locked(&mut tx, case).await?;
    let found = found.filter(|case| case.is_open_to(actor, now));
    let found = found.ok_or(QualityError::NotFound { what: "case" })?;
    let CaseState::Closed { decision, .. } = found.state else {
        let what = "must be decided first".to_owned();
        return Err(QualityError::Invalid { field: "case", what });
    };
    let decision = decisions::find(tx.conn(), decision).await?;
    let item = items::find(tx.conn(), &found.item).await?;
    let revision = match (decision, item) {
        (Some(decision), Some((item, _))) if decision.revision == item.revision => item.revision,
        (_, _) => return Err(QualityError::Changed),
    };
    if golden::n_asked(tx.conn()).await? >= Golden::CASES_MAX {
        let what = format!("would be one more than {} golden cases", Golden::CASES_MAX);
        return Err(QualityError::Invalid { field: "case", what });
    }
    let languages = items::facts_of(tx.conn(), &found.item).await?.languages;
    let golden = Golden {
        id: GoldenId::fresh(now, &app.chance),
        version: 1,
        item: found.item,
        revision,
        queue: Some(found.queue),
        language: languages.and_then(|languages| languages.into_iter().next()),
        answer,
        reason: reason.trim().to_owned(),
        owner: user,
        made_at: now,
        retired_at: None,
    };
    let (id, version) = golden::put(&mut tx, &golden).await?;
    let body = serde_json::json!({ "case": case.to_string(), "version": version, "outcome": answer.outcome.as_str() });
    tx.event(now, actor, "golden.made", id, body);
    tx.commit().await?;
    Ok(id)
}

/// The golden case is asked no more.
pub async fn retire_golden(app: &Seawall, actor: &Actor, id: GoldenId) -> Result<(), QualityError> {
    settler(actor)?;
    let mut tx = app.store.begin("retire a golden case").await?;
    let now = app.clock.now();
    let found = golden::find(tx.conn(), id).await?;
    let is_reached = found.is_some_and(|golden| golden.is_reached_by(actor.queues()));
    if !is_reached || !golden::retire(&mut tx, id, now).await? {
        return Err(QualityError::NotFound { what: "golden case" });
    }
    tx.event(now, actor, "golden.retired", id, serde_json::json!({}));
    tx.commit().await?;
    Ok(())
}

/// How many of a million decisions of a kind are asked of a second person, from now on.
pub async fn set_share(app: &Seawall, actor: &Actor, stratum: Stratum, ppm: u32) -> Result<(), QualityError> {
    settler(actor)?;
    if ppm > WHOLE_PPM {
        let what = format!("is more than {WHOLE_PPM}");
        return Err(QualityError::Invalid { field: "share", what });
    }
    let mut tx = app.store.begin("set how much is asked twice").await?;
    let now = app.clock.now();
    strata::set_share(&mut tx, stratum, ppm, now).await?;
    let body = serde_json::json!({ "ppm": ppm });
    tx.event(now, actor, "quality.share", stratum.as_str(), body);
    tx.commit().await?;
    Ok(())
}

/// The answer as it is kept: a policy only where something is restricted.
fn checked(answer: Answer, reason: &str) -> Result<Answer, QualityError> {
    match check_reason(reason) {
        Ok(()) => {}
        Err(CaseError::Invalid { field, what }) => return Err(QualityError::Invalid { field, what }),
        Err(CaseError::Store(error)) => return Err(error.into()),
        Err(_) => {
            let what = "cannot be taken".to_owned();
            return Err(QualityError::Invalid { field: "reason", what });
        }
    }
    match (answer.outcome, answer.policy) {
        (Outcome::Review, _) => Err(QualityError::Invalid {
            field: "outcome",
            what: "must be restrict or allow".to_owned(),
        }),
        (Outcome::Restrict, None) => Err(QualityError::Invalid {
            field: "policy",
            what: "must be named to restrict".to_owned(),
        }),
        (Outcome::Restrict, Some(_)) => Ok(answer),
        (Outcome::Allow, _) => Ok(Answer { policy: None, ..answer }),
    }
}

fn person(actor: &Actor) -> Result<UserId, Denied> {
    with_right(actor, Right::DecideCases)
}

fn settler(actor: &Actor) -> Result<UserId, Denied> {
    with_right(actor, Right::SettleReviews)
}

fn with_right(actor: &Actor, right: Right) -> Result<UserId, Denied> {
    actor.require(right)?;
    actor.user().ok_or_else(|| Denied {
        actor: actor.to_string(),
        right,
    })
}
