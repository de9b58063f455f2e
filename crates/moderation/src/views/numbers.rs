//! How the desk keeps up, and what it could do with other people on shift. Counts and times, never an item or a name.

use sqlx::{AnyConnection, query};

use super::ViewError;
use crate::Seawall;
use crate::model::{Actor, Right, Timestamp, off_thread};
use crate::quality::figures::Share;
use crate::quality::numbers::{CaseTimes, Numbers, handling, looks_back_to};
use crate::quality::staffing::{Burst, Forecast, Plan, WEEK_HOURS, forecast};
use crate::store::StoreError;
use crate::store::columns::Columns;

/// The most cases that figures rest on.
pub const CASES_MAX: i64 = 50_000;
/// The most cases whose work is timed, the newest.
const TIMED_MAX: i64 = 1_000;
/// Work that took longer was something else in between.
const TIMED_LONGEST_MS: i64 = 2 * 3_600_000;
/// The most people on a shift that a forecast takes.
pub const PEOPLE_MAX: u32 = 500;
/// The most times as many cases.
pub const SURGE_MAX: f64 = 100.0;
/// The most cases at once.
pub const BURST_MAX: u32 = 20_000;
/// The longest deadline: a week.
pub const DEADLINE_MINUTES_MAX: u32 = 7 * 24 * 60;
/// Where the repetitions of a forecast begin: the same question gets the same answer.
const SEED: u64 = 20_261_122;

/// How the desk keeps up.
#[derive(Debug, Clone)]
pub struct NumbersView {
    /// The figures.
    pub numbers: Numbers,
    /// Of what people decided, how much a person decided otherwise later.
    pub people_reversed: Option<Share>,
    /// Of what rules restricted or let go and a person looked at, how much they decided otherwise.
    pub rules_reversed: Option<Share>,
    /// How long the newest cases took from the moment they were taken, in seconds.
    pub timed_seconds: Vec<f64>,
    /// There are more cases than figures rest on.
    pub is_cut: bool,
}

/// How the desk keeps up, in the queues of who asks.
pub async fn numbers(app: &Seawall, actor: &Actor) -> Result<NumbersView, ViewError> {
    actor.require(Right::ReadQuality)?;
    let now = app.clock.now();
    let since = looks_back_to(now);
    let mut conn = app.store.reader().await?;
    let mut cases = case_times(&mut conn, since).await?;
    let is_cut = cases.len() as i64 > CASES_MAX;
    cases.retain(|case| actor.queues().has(case.queue));
    let (people_reversed, rules_reversed) = reversals(&mut conn, since).await?;
    let timed_seconds = timed(&mut conn, since).await?;
    drop(conn);
    Ok(NumbersView {
        numbers: off_thread(|| Numbers::of(&cases, now)),
        people_reversed,
        rules_reversed,
        timed_seconds,
        is_cut,
    })
}

/// What somebody wants to know: so many people on each shift, so many cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WhatIf {
    /// People at work from 00 to 08, from 08 to 16 and from 16 to 24 o'clock UTC.
    pub people: [u32; 3],
    /// So many times as many cases as now.
    pub surge: f64,
    /// So many more at once.
    pub burst: u32,
    /// In which hour of the week.
    pub burst_hour: usize,
    /// A case is late if it is not decided after so many minutes.
    pub deadline_minutes: u32,
}

impl WhatIf {
    /// The first thing that is out of range, by its name.
    pub fn fault(&self) -> Option<&'static str> {
        if self.people.iter().any(|people| *people > PEOPLE_MAX) {
            return Some("people");
        }
        if !(0.0..=SURGE_MAX).contains(&self.surge) {
            return Some("surge");
        }
        if self.burst > BURST_MAX {
            return Some("burst");
        }
        if self.burst_hour >= WEEK_HOURS {
            return Some("burst_hour");
        }
        let deadline = 1..=DEADLINE_MINUTES_MAX;
        (!deadline.contains(&self.deadline_minutes)).then_some("deadline")
    }
}

/// What would become of a week that is like those of late. None, if nothing arrives, or something asked is out of range.
pub fn what_if(seen: &NumbersView, ask: WhatIf) -> Option<Forecast> {
    if ask.fault().is_some() {
        return None;
    }
    let mut on_shift = [0; WEEK_HOURS];
    for (hour, people) in on_shift.iter_mut().enumerate() {
        *people = ask.people[hour % 24 / 8];
    }
    let plan = Plan {
        arrivals: seen.numbers.hours,
        surge: ask.surge,
        burst: (ask.burst > 0).then_some(Burst {
            n: ask.burst as usize,
            at_hour: ask.burst_hour,
        }),
        backlog: seen.numbers.all.n_open,
        handling_seconds: handling(&seen.timed_seconds),
        on_shift,
        deadline_minutes: ask.deadline_minutes,
        hours: WEEK_HOURS,
    };
    off_thread(|| forecast(&plan, SEED))
}

async fn case_times(conn: &mut AnyConnection, since: Timestamp) -> Result<Vec<CaseTimes>, StoreError> {
    let rows = query(
        "SELECT queue, opened_at, closed_at, due_at FROM cases_case
         WHERE opened_at >= $1 OR closed_at >= $1 OR state = 'open' ORDER BY opened_at DESC LIMIT $2",
    )
    .bind(since.unix_ms())
    .bind(CASES_MAX + 1)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read how long cases took"))?;
    rows.iter()
        .map(|row| {
            Ok(CaseTimes {
                queue: row.parse("queue")?,
                opened_at: row.time("opened_at")?,
                closed_at: row.opt_time("closed_at")?,
                due_at: row.opt_time("due_at")?,
            })
        })
        .collect()
}

/// Of people's decisions and of rules': how many a person decided otherwise later.
async fn reversals(conn: &mut AnyConnection, since: Timestamp) -> Result<(Option<Share>, Option<Share>), StoreError> {
    let row = query(
        "SELECT COUNT(*) AS n_people,
                COUNT(CASE WHEN p.author_kind = 'person' AND p.outcome <> d.outcome THEN 1 END) AS people_reversed,
                COUNT(CASE WHEN p.author_kind = 'rule' AND p.outcome <> 'review' THEN 1 END) AS n_rules,
                COUNT(CASE WHEN p.author_kind = 'rule' AND p.outcome <> 'review' AND p.outcome <> d.outcome THEN 1 END)
                    AS rules_reversed
         FROM decisions_decision d LEFT JOIN decisions_decision p ON p.id = d.supersedes AND p.facts NOT LIKE '%\"undoes\"%'
         WHERE d.author_kind = 'person' AND d.decided_at >= $1 AND d.facts NOT LIKE '%\"undoes\"%'
           AND NOT EXISTS (SELECT 1 FROM decisions_decision u WHERE u.item_id = d.item_id AND u.supersedes = d.id AND u.facts LIKE '%\"undoes\"%')",
    )
    .bind(since.unix_ms())
    .fetch_one(conn)
    .await
    .map_err(StoreError::at("count reversals"))?;
    let share = |hits, n| Ok::<_, StoreError>(Share::of(row.int(hits)?.unsigned_abs(), row.int(n)?.unsigned_abs()));
    Ok((
        share("people_reversed", "n_people")?,
        share("rules_reversed", "n_rules")?,
    ))
}

/// How long cases took from the last time they were taken.
async fn timed(conn: &mut AnyConnection, since: Timestamp) -> Result<Vec<f64>, StoreError> {
    let rows = query(
        "SELECT c.closed_at - (SELECT MAX(e.at) FROM store_event e
                               WHERE e.subject = c.id AND e.kind IN ('case.taken', 'case.taken_over') AND e.at <= c.closed_at) AS took
         FROM cases_case c WHERE c.closed_at >= $1 ORDER BY c.closed_at DESC LIMIT $2",
    )
    .bind(since.unix_ms())
    .bind(TIMED_MAX)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read how long the work on cases took"))?;
    let mut timed = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some(took) = row
            .opt_int("took")?
            .filter(|took| (0..=TIMED_LONGEST_MS).contains(took))
        {
            timed.push(took as f64 / 1_000.0);
        }
    }
    Ok(timed)
}
