//! Cases: where work for people waits, and who holds it.
//!
//! Owns the tables `cases_*`. An item has at most one open case; the database itself sees to that. The states and their
//! transitions are in [`crate::model::case`].

pub mod comments;

use policy::PolicyCode;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::model::{Case, CaseId, CaseState, ItemId, Lane, Lease, Place, PlaceFacts, TakenOver, Timestamp};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// The condition of a statement that an item is reached by who works on these queues: no case is about it, or one of theirs
/// is. `item` is a column with its table's name, `queues` the place of a [`crate::model::QueueSet`].
pub fn within_queues(item: &str, queues: &str) -> String {
    format!(
        "({queues} = '*' OR NOT EXISTS (SELECT 1 FROM cases_case c WHERE c.item_id = {item})
          OR EXISTS (SELECT 1 FROM cases_case c
                     WHERE c.item_id = {item} AND REPLACE({queues}, ' ' || c.queue || ' ', '') <> {queues}))"
    )
}

/// The columns of a case, of the table that a statement calls `c`.
pub const fn columns() -> &'static str {
    "c.id, c.item_id, c.queue, c.priority, c.reason, c.state, c.opened_at, c.opened_by, c.leased_by, c.leased_until,
     c.closed_at, c.closed_by, c.closing_decision, c.lane, c.turn, c.due_at, c.language, c.work, c.skill, c.place,
     c.placed_at, c.taken_at, c.taken_over_from, c.taken_over_note"
}

/// Keeps a new case.
pub async fn insert(tx: &mut Tx, case: &Case) -> Result<(), StoreError> {
    query(
        "INSERT INTO cases_case (id, item_id, queue, priority, reason, state, opened_at, opened_by)
         VALUES ($1, $2, $3, $7, $4, 'open', $5, $6)",
    )
    .bind(case.id.to_string())
    .bind(case.item.to_string())
    .bind(case.queue.as_str())
    .bind(case.reason.clone())
    .bind(case.opened_at.unix_ms())
    .bind(case.opened_by.to_string())
    .bind(i64::from(case.priority))
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("open a case"))?;
    put_place(tx, case.id, &case.place).await
}

/// Writes where a case stands, and nothing else of it: whoever holds it meanwhile goes on doing so.
pub async fn put_place(tx: &mut Tx, id: CaseId, place: &Place) -> Result<(), StoreError> {
    let facts = &place.facts;
    query(
        "UPDATE cases_case SET lane = $1, turn = $2, due_at = $3, language = $4, work = $5, skill = $6, place = $7,
                placed_at = $8, policies = $10
         WHERE id = $9",
    )
    .bind(place.lane.rank())
    .bind(place.turn.unix_ms())
    .bind(place.due_at.map(Timestamp::unix_ms))
    .bind(place.language.clone().unwrap_or_default())
    .bind(facts.work.map(|work| work.as_str().to_owned()).unwrap_or_default())
    .bind(place.skill.clone().unwrap_or_default())
    .bind(place.to_json().to_string())
    .bind(place.placed_at.unix_ms())
    .bind(id.to_string())
    .bind(
        facts
            .policies
            .iter()
            .fold(" ".to_owned(), |text, policy| format!("{text}{policy} ")),
    )
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("place a case"))?;
    Ok(())
}

/// Writes a case's queue, reason and state; not where it stands.
pub async fn update(tx: &mut Tx, case: &Case) -> Result<(), StoreError> {
    let lease = match case.state {
        CaseState::Open { lease } => lease,
        CaseState::Closed { .. } => None,
    };
    let (state, closed_at, closed_by, closing_decision) = match case.state {
        CaseState::Open { .. } => ("open", None, None, None),
        CaseState::Closed { at, by, decision } => (
            "closed",
            Some(at.unix_ms()),
            Some(by.to_string()),
            Some(decision.to_string()),
        ),
    };
    query(
        "UPDATE cases_case SET queue = $1, reason = $2, state = $3, leased_by = $4, leased_until = $5, closed_at = $6,
                closed_by = $7, closing_decision = $8, priority = $10, taken_at = $11, taken_over_from = $12,
                taken_over_note = $13
         WHERE id = $9",
    )
    .bind(case.queue.as_str())
    .bind(case.reason.clone())
    .bind(state)
    .bind(lease.map(|lease| lease.holder.to_string()))
    .bind(lease.map(|lease| lease.until.unix_ms()))
    .bind(closed_at)
    .bind(closed_by)
    .bind(closing_decision)
    .bind(case.id.to_string())
    .bind(i64::from(case.priority))
    .bind(case.taken_at.map(Timestamp::unix_ms))
    .bind(case.taken_over.as_ref().map(|taken| taken.from.to_string()))
    .bind(
        case.taken_over
            .as_ref()
            .map(|taken| taken.note.clone())
            .unwrap_or_default(),
    )
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("change a case"))?;
    Ok(())
}

/// The case, by its id.
pub async fn find(conn: &mut AnyConnection, id: CaseId) -> Result<Option<Case>, StoreError> {
    let row = query(AssertSqlSafe(format!(
        "SELECT {} FROM cases_case c WHERE c.id = $1",
        columns()
    )))
    .bind(id.to_string())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read a case"))?;
    row.map(|row| read(&row)).transpose()
}

/// The case, by its id, locked until the transaction ends: two people who decide at once are put in order here.
pub async fn find_locked(tx: &mut Tx, id: CaseId) -> Result<Option<Case>, StoreError> {
    // A write that changes nothing takes the row's lock in both engines.
    query("UPDATE cases_case SET state = state WHERE id = $1")
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("lock a case"))?;
    find(tx.conn(), id).await
}

/// The open case about an item.
pub async fn find_open_of_item(conn: &mut AnyConnection, item: &ItemId) -> Result<Option<Case>, StoreError> {
    let row = query(AssertSqlSafe(format!(
        "SELECT {} FROM cases_case c WHERE c.item_id = $1 AND c.state = 'open'",
        columns()
    )))
    .bind(item.to_string())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read the open case of an item"))?;
    row.map(|row| read(&row)).transpose()
}

/// All cases about an item, oldest first.
pub async fn list_of_item(conn: &mut AnyConnection, item: &ItemId) -> Result<Vec<Case>, StoreError> {
    let rows = query(AssertSqlSafe(format!(
        "SELECT {} FROM cases_case c WHERE c.item_id = $1 ORDER BY c.id",
        columns()
    )))
    .bind(item.to_string())
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the cases of an item"))?;
    rows.iter().map(read).collect()
}

/// Who looks for work: what they reach and can do, as [`crate::model::QueueSet`] and its like are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeker {
    /// The queues that they look in.
    pub queues: String,
    /// The languages that they read.
    pub languages: String,
    /// The kinds of work that they take.
    pub work: String,
    /// The skills that they have.
    pub skills: String,
    /// What they do not want to be given.
    pub not: Vec<PolicyCode>,
}

/// The open cases that nobody holds at `now`, about whose items nothing is proposed, and that the seeker can do: so many, in the order in which they are handed out,
/// after a number of them.
pub async fn list_free(
    conn: &mut AnyConnection,
    seeker: &Seeker,
    now: i64,
    none_waits: fn(&str) -> String,
    (limit, offset): (i64, i64),
) -> Result<Vec<Case>, StoreError> {
    let among = |column: &str, place: &str| {
        format!("(c.{column} = '' OR {place} = '*' OR REPLACE({place}, ' ' || c.{column} || ' ', '') <> {place})")
    };
    // A word of the house, with a space around it: nothing of it comes from outside.
    let wishes: String = seeker
        .not
        .iter()
        .map(|policy| format!(" AND REPLACE(c.policies, ' {policy} ', '') = c.policies"))
        .collect();
    let statement = format!(
        "SELECT {} FROM cases_case c
         WHERE c.state = 'open' AND (c.leased_until IS NULL OR c.leased_until <= $2)
           AND {} AND {} AND {} AND {} AND {}{wishes}
         ORDER BY c.lane, c.turn, c.id LIMIT $3 OFFSET $7",
        columns(),
        none_waits("c.item_id"),
        among("queue", "$1"),
        among("language", "$4"),
        among("work", "$5"),
        among("skill", "$6"),
    );
    let rows = query(AssertSqlSafe(statement))
        .bind(seeker.queues.clone())
        .bind(now)
        .bind(limit)
        .bind(seeker.languages.clone())
        .bind(seeker.work.clone())
        .bind(seeker.skills.clone())
        .bind(offset)
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("look for a free case"))?;
    rows.iter().map(read).collect()
}

/// Open cases whose place was not computed since then, the longest ago first.
pub async fn list_placed_before(
    conn: &mut AnyConnection,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<CaseId>, StoreError> {
    let rows =
        query("SELECT id FROM cases_case WHERE state = 'open' AND placed_at < $1 ORDER BY placed_at, id LIMIT $2")
            .bind(before.unix_ms())
            .bind(limit)
            .fetch_all(conn)
            .await
            .map_err(StoreError::at("look for cases to place anew"))?;
    rows.iter().map(|row| row.parse("id")).collect()
}

/// How long the last cases of a kind took, from when they were taken until they were decided, in milliseconds.
pub async fn handled_ms(conn: &mut AnyConnection, work: &str, limit: i64) -> Result<Vec<i64>, StoreError> {
    let rows = query(
        "SELECT closed_at - taken_at AS took FROM cases_case
         WHERE state = 'closed' AND work = $1 AND taken_at IS NOT NULL ORDER BY closed_at DESC LIMIT $2",
    )
    .bind(work.to_owned())
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read how long cases took"))?;
    rows.iter().map(|row| row.int("took")).collect()
}

/// A case from a row that has the case's columns under their own names.
pub fn read(row: &AnyRow) -> Result<Case, StoreError> {
    let state = match row.text("state")?.as_str() {
        "open" => {
            let lease = match (row.opt_parse("leased_by")?, row.opt_time("leased_until")?) {
                (Some(holder), Some(until)) => Some(Lease { holder, until }),
                (_, _) => None,
            };
            CaseState::Open { lease }
        }
        "closed" => CaseState::Closed {
            at: row.time("closed_at")?,
            by: row.parse("closed_by")?,
            decision: row.parse("closing_decision")?,
        },
        other => return Err(damaged("state", format!("`{other}` is not a state of a case"))),
    };
    Ok(Case {
        id: row.parse("id")?,
        item: row.parse("item_id")?,
        queue: row.parse("queue")?,
        priority: row.number("priority")?,
        reason: row.text("reason")?,
        state,
        opened_at: row.time("opened_at")?,
        opened_by: row.parse("opened_by")?,
        place: read_place(row)?,
        taken_at: row.opt_time("taken_at")?,
        taken_over: match row.opt_parse("taken_over_from")? {
            Some(from) => Some(TakenOver {
                from,
                note: row.text("taken_over_note")?,
            }),
            None => None,
        },
    })
}

fn read_place(row: &AnyRow) -> Result<Place, StoreError> {
    let lane = Lane::of_rank(row.int("lane")?).ok_or_else(|| damaged("lane", "not a lane"))?;
    let word = |column| row.text(column).map(|text| Some(text).filter(|text| !text.is_empty()));
    let mut place = Place {
        lane,
        turn: row.time("turn")?,
        due_at: row.opt_time("due_at")?,
        language: word("language")?,
        skill: word("skill")?,
        facts: PlaceFacts::default(),
        factors: None,
        placed_at: row.time("placed_at")?,
    };
    place.fill_from(&row.json("place")?);
    place.facts.work = match word("work")? {
        Some(work) => Some(work.parse().map_err(|error| damaged("work", error))?),
        None => None,
    };
    Ok(place)
}
