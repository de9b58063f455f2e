//! Who holds a case: renewed while they look at its page, given back when they leave it, taken over with a note.
//!
//! Each is safe to do twice. To renew and to leave write no line of the log: the log says who took a case, and what became of it.

use super::cases::{CaseError, find_open_to, person};
use super::judgement::check_reason;
use crate::model::{Actor, Case, CaseId, InvalidTransition, Right, Timestamp};
use crate::{Seawall, cases};

/// The person still looks at the case: it stays theirs for a while more. Says until when.
pub async fn renew_case(app: &Seawall, actor: &Actor, id: CaseId) -> Result<Timestamp, CaseError> {
    let user = person(actor)?;
    let mut tx = app.store.begin("renew case").await?;
    let now = app.clock.now();
    let case = find_open_to(&mut tx, actor, id, now).await?.renew(user, now)?;
    cases::update(&mut tx, &case).await?;
    tx.commit().await?;
    case.lease(now)
        .map(|lease| lease.until)
        .ok_or(CaseError::Transition(InvalidTransition::NotHeld))
}

/// The person left the page of the case: if they hold it still, it is soon free. What was decided, released or taken over meanwhile stays as it is.
pub async fn leave_case(app: &Seawall, actor: &Actor, id: CaseId) -> Result<(), CaseError> {
    let user = person(actor)?;
    let mut tx = app.store.begin("leave case").await?;
    let now = app.clock.now();
    let case = find_open_to(&mut tx, actor, id, now).await?.leave(user, now)?;
    cases::update(&mut tx, &case).await?;
    tx.commit().await?;
    Ok(())
}

/// The person takes a case over that a colleague holds, and says why. The note is kept with the case, not in the log: it may tell of people, and the
/// log forgets nothing. The colleague is told when they next do something with the case.
pub async fn take_over_case(app: &Seawall, actor: &Actor, id: CaseId, note: String) -> Result<Case, CaseError> {
    let user = person(actor)?;
    actor.require(Right::TakeOverCases)?;
    check_reason(&note)?;
    let mut tx = app.store.begin("take case over").await?;
    let now = app.clock.now();
    let before = find_open_to(&mut tx, actor, id, now).await?;
    let from = before.lease(now).map(|lease| lease.holder.to_string());
    let case = before.take_over(user, note.trim().to_owned(), now)?;
    cases::update(&mut tx, &case).await?;
    tx.event(now, actor, "case.taken_over", id, serde_json::json!({ "from": from }));
    tx.commit().await?;
    Ok(case)
}
