//! How often each rule fired, day by day, and what people said of what it found. Of a rule whose text changes the count begins anew.

use std::collections::HashMap;

use policy::measure::Looked;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::model::{Measured, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// A rule as it is measured: its name and its text's fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its name.
    pub rule: String,
    /// See [`policy::edit::RuleText::fingerprint`].
    pub fingerprint: String,
}

/// What is added to what is measured of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    key: Key,
    fired: i64,
    counted: i64,
    undecided: i64,
    failed: i64,
}

impl Firing {
    /// It fired once, and that counted or not.
    pub fn once(key: Key, counts: bool) -> Self {
        Self {
            key,
            fired: 1,
            counted: i64::from(counts),
            undecided: 0,
            failed: 0,
        }
    }

    /// It could not be decided so often, and so often of these because it took too long.
    pub fn undecided(key: Key, undecided: i64, failed: i64) -> Self {
        Self {
            key,
            fired: 0,
            counted: 0,
            undecided,
            failed,
        }
    }
}

/// A day of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970.
    pub day: i64,
    /// How often it fired.
    pub fired: u64,
    /// Events of that day.
    pub n_events: u64,
}

/// The day that an instant lies in, UTC.
pub fn day_of(at: Timestamp) -> i64 {
    at.unix_ms().div_euclid(86_400_000)
}

/// Counts an event of a day.
pub async fn count_event(tx: &mut Tx, day: i64) -> Result<(), StoreError> {
    query(
        "INSERT INTO rules_day (day, n_events) VALUES ($1, 1)
         ON CONFLICT (day) DO UPDATE SET n_events = rules_day.n_events + 1",
    )
    .bind(day)
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("count an event"))?;
    Ok(())
}

/// Adds to what is measured of rules on a day. Rules in the order of their keys, so that two who write wait for each other one way only.
pub async fn note(tx: &mut Tx, day: i64, firings: &mut [Firing]) -> Result<(), StoreError> {
    /// Rows of one statement.
    const ROWS: usize = 32;
    firings.sort_by(|a, b| a.key.cmp(&b.key));
    for some in firings.chunks(ROWS) {
        let place = |row: usize, column: usize| row * 6 + column + 2;
        let rows: Vec<String> = (0..some.len())
            .map(|row| {
                let [a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5].map(|column| place(row, column));
                format!("(${a}, ${b}, $1, ${c}, ${d}, ${e}, ${f}, 0, 0)")
            })
            .collect();
        let statement = format!(
            "INSERT INTO rules_firing (rule, fingerprint, day, fired, counted, undecided, failed, confirmed, reversed)
             VALUES {}
             ON CONFLICT (rule, fingerprint, day) DO UPDATE SET
                fired = rules_firing.fired + excluded.fired, counted = rules_firing.counted + excluded.counted,
                undecided = rules_firing.undecided + excluded.undecided, failed = rules_firing.failed + excluded.failed",
            rows.join(", ")
        );
        let mut statement = query(AssertSqlSafe(statement)).bind(day);
        for firing in some {
            statement = statement
                .bind(firing.key.rule.clone())
                .bind(firing.key.fingerprint.clone())
                .bind(firing.fired)
                .bind(firing.counted)
                .bind(firing.undecided)
                .bind(firing.failed);
        }
        statement
            .execute(tx.conn())
            .await
            .map_err(StoreError::at("count what a rule did"))?;
    }
    Ok(())
}

/// Writes what a person said of what rules found on a day.
pub async fn judge(tx: &mut Tx, day: i64, keys: &mut [Key], is_confirmed: bool) -> Result<(), StoreError> {
    count_judged(tx, day, keys, is_confirmed, 1).await
}

/// Takes back what a person said of what rules found on a day.
pub async fn unjudge(tx: &mut Tx, day: i64, keys: &mut [Key], was_confirmed: bool) -> Result<(), StoreError> {
    count_judged(tx, day, keys, was_confirmed, -1).await
}

async fn count_judged(
    tx: &mut Tx,
    day: i64,
    keys: &mut [Key],
    is_confirmed: bool,
    times: i64,
) -> Result<(), StoreError> {
    keys.sort();
    for key in keys {
        query(
            "UPDATE rules_firing SET confirmed = confirmed + $1, reversed = reversed + $2
             WHERE rule = $3 AND fingerprint = $4 AND day = $5",
        )
        .bind(times * i64::from(is_confirmed))
        .bind(times * i64::from(!is_confirmed))
        .bind(key.rule.clone())
        .bind(key.fingerprint.clone())
        .bind(day)
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("count what people said of a rule"))?;
    }
    Ok(())
}

/// What was measured of all rules from a day on.
pub async fn since(conn: &mut AnyConnection, day: i64) -> Result<HashMap<Key, Measured>, StoreError> {
    let rows = query(
        "SELECT rule, fingerprint, CAST(SUM(fired) AS BIGINT) AS fired, CAST(SUM(counted) AS BIGINT) AS counted,
                CAST(SUM(undecided) AS BIGINT) AS undecided, CAST(SUM(failed) AS BIGINT) AS failed,
                CAST(SUM(confirmed) AS BIGINT) AS confirmed, CAST(SUM(reversed) AS BIGINT) AS reversed
         FROM rules_firing WHERE day >= $1 GROUP BY rule, fingerprint",
    )
    .bind(day)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read what rules did"))?;
    rows.iter().map(|row| Ok((key(row)?, measured(row)?))).collect()
}

/// The days of a rule from a day on, oldest first; days without an event are left out.
pub async fn days(conn: &mut AnyConnection, key: &Key, from: i64) -> Result<Vec<Day>, StoreError> {
    let rows = query(
        "SELECT d.day, d.n_events, COALESCE(f.fired, 0) AS fired
         FROM rules_day d LEFT JOIN rules_firing f ON f.day = d.day AND f.rule = $1 AND f.fingerprint = $2
         WHERE d.day >= $3 ORDER BY d.day",
    )
    .bind(key.rule.clone())
    .bind(key.fingerprint.clone())
    .bind(from)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the days of a rule"))?;
    rows.iter()
        .map(|row| {
            Ok(Day {
                day: row.int("day")?,
                fired: row.int("fired")?.unsigned_abs(),
                n_events: row.int("n_events")?.unsigned_abs(),
            })
        })
        .collect()
}

/// The day on which each rule was first measured.
pub async fn first_days(conn: &mut AnyConnection) -> Result<HashMap<Key, i64>, StoreError> {
    let rows = query("SELECT rule, fingerprint, MIN(day) AS day FROM rules_firing GROUP BY rule, fingerprint")
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read since when rules are measured"))?;
    rows.iter().map(|row| Ok((key(row)?, row.int("day")?))).collect()
}

/// How many events were judged from a day on.
pub async fn n_events(conn: &mut AnyConnection, from: i64) -> Result<u64, StoreError> {
    let row = query("SELECT CAST(COALESCE(SUM(n_events), 0) AS BIGINT) AS n FROM rules_day WHERE day >= $1")
        .bind(from)
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("count events"))?;
    Ok(row.int("n")?.unsigned_abs())
}

fn key(row: &AnyRow) -> Result<Key, StoreError> {
    Ok(Key {
        rule: row.text("rule")?,
        fingerprint: row.text("fingerprint")?,
    })
}

fn measured(row: &AnyRow) -> Result<Measured, StoreError> {
    let count = |column| Ok::<u64, StoreError>(row.int(column)?.unsigned_abs());
    Ok(Measured {
        fired: count("fired")?,
        counted: count("counted")?,
        undecided: count("undecided")?,
        failed: count("failed")?,
        looked: Looked {
            confirmed: count("confirmed")?,
            reversed: count("reversed")?,
        },
    })
}
