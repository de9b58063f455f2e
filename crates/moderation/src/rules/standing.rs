//! Which version counts, which is only watched. One row: it changes in one statement, for all processes at once.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::model::{ChangeId, Standing, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx, counter};

/// The standing with what only the judge needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which versions judge.
    pub standing: Standing,
    /// The event after which the live version became live.
    pub live_from_seq: i64,
    /// The event after which the version in shadow was put there.
    pub shadow_from_seq: Option<i64>,
    /// What keys of windows and lists are hashed with, in hex: chosen once, never changed.
    pub seed: String,
    /// The number of the last event that was judged.
    pub last_seq: i64,
    /// The number of the last change of a list.
    pub last_list_change: i64,
}

/// A version that was live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reign {
    /// Its place among all.
    pub ordinal: i64,
    /// The version.
    pub version: i64,
    /// Since when.
    pub since: Timestamp,
    /// After which event.
    pub from_seq: i64,
    /// Who made it so.
    pub actor: String,
    /// Why.
    pub why: String,
}

/// Reads the standing; none before the first rules were installed.
pub async fn read(conn: &mut AnyConnection) -> Result<Option<Kept>, StoreError> {
    // In one statement, because it is read for every event: what the row names is not after the numbers.
    let row = query(AssertSqlSafe(format!(
        "SELECT seed, live, live_since, live_from_seq, shadow, shadow_since, shadow_from_seq, shadow_change,
                {} AS last_list_change, {} AS last_seq
         FROM rules_standing WHERE id = 1",
        counter::value_of("rules_list"),
        counter::value_of("rules_event"),
    )))
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read which rules count"))?;
    row.map(|row| of_row(&row)).transpose()
}

fn of_row(row: &AnyRow) -> Result<Kept, StoreError> {
    let shadow = match (row.opt_int("shadow")?, row.opt_parse::<ChangeId>("shadow_change")?) {
        (Some(version), Some(change)) => Some((version, change)),
        (_, _) => None,
    };
    Ok(Kept {
        standing: Standing {
            live: row.int("live")?,
            live_since: row.time("live_since")?,
            shadow,
            shadow_since: row.opt_time("shadow_since")?,
        },
        live_from_seq: row.int("live_from_seq")?,
        shadow_from_seq: row.opt_int("shadow_from_seq")?,
        seed: row.text("seed")?,
        last_seq: row.int("last_seq")?,
        last_list_change: row.int("last_list_change")?,
    })
}

/// Waits until nobody else judges or changes what counts, and holds that until the transaction ends. The number of the last event.
pub async fn lock(tx: &mut Tx) -> Result<i64, StoreError> {
    // Taking no number takes the row's lock in both engines.
    Ok(counter::take(tx, "rules_event", 0).await? - 1)
}

/// Writes the first standing.
pub async fn insert(tx: &mut Tx, seed: &str, live: i64, now: Timestamp) -> Result<(), StoreError> {
    query("INSERT INTO rules_standing (id, seed, live, live_since, live_from_seq) VALUES (1, $1, $2, $3, 0)")
        .bind(seed.to_owned())
        .bind(live)
        .bind(now.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("install the first rules"))?;
    Ok(())
}

/// Makes a version live after an event, and remembers its reign.
pub async fn set_live(
    tx: &mut Tx,
    version: i64,
    from_seq: i64,
    actor: &str,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("UPDATE rules_standing SET live = $1, live_since = $2, live_from_seq = $3 WHERE id = 1")
        .bind(version)
        .bind(now.unix_ms())
        .bind(from_seq)
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("make rules live"))?;
    query(
        "INSERT INTO rules_reign (ordinal, version, since, from_seq, actor, why)
         VALUES ((SELECT COALESCE(MAX(ordinal), 0) + 1 FROM rules_reign), $1, $2, $3, $4, $5)",
    )
    .bind(version)
    .bind(now.unix_ms())
    .bind(from_seq)
    .bind(actor.to_owned())
    .bind(why.to_owned())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("remember which rules were live"))?;
    Ok(())
}

/// Puts a version in shadow after an event, or none.
pub async fn set_shadow(
    tx: &mut Tx,
    shadow: Option<(i64, ChangeId)>,
    from_seq: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "UPDATE rules_standing SET shadow = $1, shadow_change = $2, shadow_since = $3, shadow_from_seq = $4 WHERE id = 1",
    )
    .bind(shadow.map(|(version, _)| version))
    .bind(shadow.map(|(_, change)| change.to_string()))
    .bind(shadow.map(|_| now.unix_ms()))
    .bind(shadow.map(|_| from_seq))
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("put rules in shadow"))?;
    Ok(())
}

/// The last versions that were live, the newest first.
pub async fn reigns(conn: &mut AnyConnection, limit: i64) -> Result<Vec<Reign>, StoreError> {
    let rows =
        query("SELECT ordinal, version, since, from_seq, actor, why FROM rules_reign ORDER BY ordinal DESC LIMIT $1")
            .bind(limit)
            .fetch_all(conn)
            .await
            .map_err(StoreError::at("read which rules were live"))?;
    rows.iter()
        .map(|row| {
            Ok(Reign {
                ordinal: row.int("ordinal")?,
                version: row.int("version")?,
                since: row.time("since")?,
                from_seq: row.int("from_seq")?,
                actor: row.text("actor")?,
                why: row.text("why")?,
            })
        })
        .collect()
}

/// A store in which nobody installed rules.
pub fn not_installed() -> StoreError {
    StoreError::Damaged {
        what: "no rules are installed".to_owned(),
    }
}
