//! Who is on shift when, who can do what, and when nobody is there who could do urgent work.

use policy::{PolicyCode, Queue};

use super::{ViewError, names};
use crate::model::{Actor, Place, Right, Timestamp, User, UserId, UserState};
use crate::routing::coverage::{joined, occurrences};
use crate::routing::{Gap, OnShift, QueueSettings, Shift, Skills, gaps, people, shifts, wishes};
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
    let mut queues = plan.uncovered(app, app.clock.now());
    queues.retain(|cover| actor.queues().has(cover.queue));
    Ok(queues)
}

/// What a queue needs, and when nobody is there who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueCover {
    /// Which.
    pub queue: Queue,
    /// The people who can do its cases, whether or not they are on shift.
    pub n_qualified: usize,
    /// When none of them is on shift, or none who takes every kind of content that may come.
    pub gaps: Vec<Gap>,
    /// When nobody at all is there who can do its cases.
    pub nobody: Vec<Gap>,
    /// Whether there are more of these times because not everybody takes everything. Who does not, and what, is theirs.
    pub is_limited: bool,
    /// Whether there is a kind of content that nobody takes who could do it.
    pub is_refused: bool,
}

impl QueueCover {
    /// Whether, for a part of that time, nobody at all is there: else only some kinds of content have nobody.
    pub fn has_nobody_in(&self, gap: &Gap) -> bool {
        let overlaps = |nobody: &Gap| nobody.from < gap.until && gap.from < nobody.until;
        self.nobody.iter().any(overlaps)
    }
}

/// Everything that coverage depends on.
pub(crate) struct Plan {
    users: Vec<User>,
    skills: Vec<(UserId, Skills)>,
    wishes: Vec<(UserId, PolicyCode)>,
    shifts: Vec<Shift>,
}

impl Plan {
    /// As it is kept.
    pub(crate) async fn read(conn: &mut AnyConnection) -> Result<Self, StoreError> {
        Ok(Self {
            users: access::list_users(&mut *conn).await?,
            skills: people::all(&mut *conn).await?,
            wishes: wishes::all(&mut *conn).await?,
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
            let gaps_of = |people: &[UserId]| {
                let theirs = self.shifts.iter().filter(|shift| people.contains(&shift.user));
                let on_shift: Vec<OnShift> = theirs.flat_map(|shift| occurrences(shift, now, until)).collect();
                gaps(&on_shift, now, until)
            };
            let nobody = gaps_of(&qualified);
            // What will come is not known: somebody has to be there for each kind of it.
            let mut all = nobody.clone();
            let mut is_refused = false;
            for policy in PolicyCode::ALL {
                let takes = |user: &UserId| !self.wishes.contains(&(*user, *policy));
                let willing: Vec<UserId> = qualified.iter().copied().filter(takes).collect();
                is_refused |= willing.is_empty() && !qualified.is_empty();
                if willing.len() < qualified.len() {
                    all.extend(gaps_of(&willing));
                }
            }
            let all = joined(all);
            QueueCover {
                queue: *queue,
                n_qualified: qualified.len(),
                is_limited: all != nobody,
                is_refused,
                gaps: all,
                nobody,
            }
        };
        urgent.map(cover).collect()
    }

    /// Those of these queues of which somebody has to be told. Who plans no shifts is not told that nobody has one, but that nobody takes what may come.
    pub(crate) fn uncovered(&self, app: &Seawall, now: Timestamp) -> Vec<QueueCover> {
        let mut queues = self.cover(app, now);
        queues.retain(|cover| !cover.gaps.is_empty() && (cover.is_refused || !self.shifts.is_empty()));
        queues
    }
}
