//! Who is on shift when, and who can do what. Whoever plans shifts says so; when nobody who could will be there, the platform is told.

use super::due::TELL_GAP;
use super::mail::{About, write_later};
use crate::model::{Actor, Denied, Right, UserId, Zone};
use crate::routing::{Shift, ShiftId, Skills, people, shifts, told};
use crate::store::{StoreError, jobs};
use crate::views::Plan;
use crate::{Seawall, access};

/// A plan was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ShiftError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such shift or person.
    #[error("there is no such shift or person")]
    NotFound,
    /// Something about the request is wrong.
    #[error("`{field}` {what}")]
    Invalid {
        /// Which part.
        field: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A shift as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewShift {
    /// Who.
    pub user: UserId,
    /// On which days it begins; 0 is Monday.
    pub days: Vec<u8>,
    /// At which minute of the day it begins.
    pub from_minute: u16,
    /// How long it lasts by the clock.
    pub n_minutes: u16,
    /// By whose clocks.
    pub zone: Zone,
}

/// A person is on shift from now on.
pub async fn add_shift(app: &Seawall, actor: &Actor, new: NewShift) -> Result<ShiftId, ShiftError> {
    actor.require(Right::PlanShifts)?;
    let invalid = |field, what| ShiftError::Invalid { field, what };
    let mut days = new.days;
    days.sort_unstable();
    days.dedup();
    if days.is_empty() || days.iter().any(|day| *day > 6) {
        return Err(invalid("days", "must name days of the week"));
    }
    if new.from_minute >= Shift::MINUTES_MAX {
        return Err(invalid("from", "must be a time of day"));
    }
    if new.n_minutes == 0 || new.n_minutes > Shift::MINUTES_MAX {
        return Err(invalid("minutes", "must be at least a minute and at most a day"));
    }
    let mut tx = app.store.begin("add shift").await?;
    access::find_user(tx.conn(), new.user)
        .await?
        .ok_or(ShiftError::NotFound)?;
    let n_shifts = shifts::all(tx.conn()).await?.len();
    if i64::try_from(n_shifts).is_ok_and(|n| n >= shifts::SHIFTS_MAX) {
        return Err(invalid("days", "are too many shifts in all: 500 is the most"));
    }
    let shift = Shift {
        id: ShiftId::fresh(&app.chance),
        user: new.user,
        days,
        from_minute: new.from_minute,
        n_minutes: new.n_minutes,
        zone: new.zone,
    };
    shifts::insert(&mut tx, &shift).await?;
    let body = serde_json::json!({ "shift": shift.id.to_string() });
    tx.event(app.clock.now(), actor, "shift.added", new.user, body);
    tx.commit().await?;
    Ok(shift.id)
}

/// A person is on that shift no more.
pub async fn remove_shift(app: &Seawall, actor: &Actor, id: ShiftId) -> Result<(), ShiftError> {
    actor.require(Right::PlanShifts)?;
    let mut tx = app.store.begin("remove shift").await?;
    let user = shifts::delete(&mut tx, id).await?.ok_or(ShiftError::NotFound)?;
    let body = serde_json::json!({ "shift": id.to_string() });
    tx.event(app.clock.now(), actor, "shift.removed", user, body);
    tx.commit().await?;
    Ok(())
}

/// Says what a person can do: the cases that they are given are of that kind from now on.
pub async fn set_skills(app: &Seawall, actor: &Actor, user: UserId, skills: &Skills) -> Result<(), ShiftError> {
    actor.require(Right::PlanShifts)?;
    let mut tx = app.store.begin("set skills").await?;
    access::find_user_locked(&mut tx, user)
        .await?
        .ok_or(ShiftError::NotFound)?;
    people::put(&mut tx, user, skills).await?;
    let body = serde_json::json!({
        "languages": skills.languages.to_string().trim(), "work": skills.work.to_string().trim(),
        "skills": skills.skills.to_string().trim(),
    });
    tx.event(app.clock.now(), actor, "user.skills_changed", user, body);
    tx.commit().await?;
    Ok(())
}

/// Has the platform told of times at which nobody is on shift who could do urgent work: of each queue at most once a day. A platform that plans no shifts
/// at all is told only of what nobody who could do it wants to be given.
pub async fn tell_of_gaps(app: &Seawall) -> Result<(), StoreError> {
    const DAY_MS: i64 = 24 * 3600 * 1000;
    if app.webhook.is_none() && app.mailer.is_none() {
        return Ok(());
    }
    let now = app.clock.now();
    let plan = Plan::read(&mut *app.store.reader().await?).await?;
    for cover in plan.uncovered(app, now) {
        let Some(gap) = cover.gaps.first() else { continue };
        // The day stands for the gap: its edges move with the time that is looked ahead.
        let day = gap.from.unix_ms().div_euclid(DAY_MS) * DAY_MS;
        let key = format!("gap {} {day}", cover.queue);
        if told::was(&mut *app.store.reader().await?, &key).await? {
            continue;
        }
        let mut tx = app.store.begin("tell of a gap").await?;
        if told::note(&mut tx, &key, now).await? {
            let subject = format!("{} {} {}", cover.queue, gap.from.unix_ms(), gap.until.unix_ms());
            write_later(app, &mut tx, About::Gap, &subject, (now, now)).await?;
            if app.webhook.is_some() {
                jobs::enqueue(&mut tx, now, &app.chance, TELL_GAP, subject, now).await?;
            }
        }
        tx.commit().await?;
        app.bells.jobs.notify_one();
    }
    Ok(())
}
