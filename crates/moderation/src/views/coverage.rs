//! Who is on shift when, who can do what, and when nobody is there who could do urgent work.

use policy::Queue;

use super::{ViewError, names};
use crate::model::{Actor, Place, Right, Timestamp, User, UserId, UserState};
use crate::routing::coverage::occurrences;
use crate::routing::{Gap, OnShift, QueueSettings, Shift, Skills, gaps, people, shifts};
use crate::store::{AnyConnection, StoreError};
use crate::{Seawall, access};

/// The plan of a week.
#[derive(Debug, Clone)]
pub struct Coverage {
    /// Queues that somebody must be there for, with the times at which nobody is.
    pub queues: Vec<QueueCover>,
    /// Everybody who can sign in and decide cases, by name, with what they can do.
    pub people: Vec<(UserId, String, Skills)>,
    /// Each shift, with the name of whose it is.
    pub shifts: Vec<(Shift, String)>,
}

/// The plan of a week.
pub async fn coverage(app: &Seawall, actor: &Actor) -> Result<Coverage, ViewError> {
    actor.require(Right::PlanShifts)?;
    let mut conn = app.store.reader().await?;
    let plan = Plan::read(&mut conn).await?;
    let names = names::all(&mut conn).await?;
    let people = plan.people().filter(|user| user.roles.give(Right::DecideCases));
    let people = people
        .map(|user| (user.id, user.name.clone(), plan.skills_of(user.id)))
        .collect();
    let named = |shift: &Shift| (shift.clone(), names::of(&names, &shift.user.to_string()));
    Ok(Coverage {
        queues: plan.cover(app, app.clock.now()),
        people,
        shifts: plan.shifts.iter().map(named).collect(),
    })
}

/// The queues that somebody must be there for and nobody will be, for the alarm of the desk: only those that the actor works on.
pub async fn uncovered(app: &Seawall, actor: &Actor) -> Result<Vec<QueueCover>, ViewError> {
    actor.require(Right::ReadCases)?;
    let plan = Plan::read(&mut *app.store.reader().await?).await?;
    // Who plans no shifts is not told that nobody has one.
    if plan.shifts.is_empty() {
        return Ok(Vec::new());
    }
    let mut queues = plan.cover(app, app.clock.now());
    queues.retain(|cover| !cover.gaps.is_empty() && actor.queues().has(cover.queue));
    Ok(queues)
}

/// What a queue needs, and when nobody is there who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueCover {
    /// Which.
    pub queue: Queue,
    /// The people who can do its cases, whether or not they are on shift.
    pub n_qualified: usize,
    /// When none of them is on shift.
    pub gaps: Vec<Gap>,
}

/// Everything that coverage depends on.
pub(crate) struct Plan {
    users: Vec<User>,
    skills: Vec<(UserId, Skills)>,
    pub(crate) shifts: Vec<Shift>,
}

impl Plan {
    /// As it is kept.
    pub(crate) async fn read(conn: &mut AnyConnection) -> Result<Self, StoreError> {
        Ok(Self {
            users: access::list_users(&mut *conn).await?,
            skills: people::all(&mut *conn).await?,
            shifts: shifts::all(conn).await?,
        })
    }

    /// What a person can do.
    pub(crate) fn skills_of(&self, user: UserId) -> Skills {
        let found = self.skills.iter().find(|(known, _)| *known == user);
        found.map(|(_, skills)| skills.clone()).unwrap_or_default()
    }

    /// The people who can sign in.
    pub(crate) fn people(&self) -> impl Iterator<Item = &User> {
        self.users.iter().filter(|user| user.state == UserState::Active)
    }

    /// The queues that somebody must be there for, each with the times at which nobody is: those that have a lane before everything else, or a time.
    pub(crate) fn cover(&self, app: &Seawall, now: Timestamp) -> Vec<QueueCover> {
        let settings = &app.settings.routing;
        let until = now.after(settings.coverage_ahead);
        let urgent = settings
            .queues
            .iter()
            .filter(|(_, of)| of.due.is_some() || of.lane.is_some());
        let cover = |(queue, of): (&Queue, &QueueSettings)| {
            let mut place = Place::by_age(now);
            place.skill.clone_from(&of.skill);
            place.language.clone_from(&of.language);
            let qualified: Vec<UserId> = self
                .people()
                .filter(|user| user.roles.give(Right::DecideCases) && user.queues.has(*queue))
                .filter(|user| self.skills_of(user.id).suit(&place))
                .map(|user| user.id)
                .collect();
            let theirs = self.shifts.iter().filter(|shift| qualified.contains(&shift.user));
            let on_shift: Vec<OnShift> = theirs.flat_map(|shift| occurrences(shift, now, until)).collect();
            QueueCover {
                queue: *queue,
                n_qualified: qualified.len(),
                gaps: gaps(&on_shift, now, until),
            }
        };
        urgent.map(cover).collect()
    }
}
