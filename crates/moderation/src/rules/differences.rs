//! What the version in shadow said beside the live one: counts, and the last examples.

use policy::compare::OTHER;
use sqlx::{AnyConnection, query};

use crate::model::{ChangeId, ShadowExample, ShadowResult};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// Languages that are told apart in the counts of one event.
const LANGUAGES_OF_AN_EVENT_MAX: usize = 5;
/// Most languages that are told apart for a change, [`ALL`] and [`OTHER`] among them; the rest counts as [`OTHER`]: platforms send what they like.
const LANGUAGES_MAX: i64 = 100;
/// What stands for the sum over all languages: it is nobody's name of a language.
const ALL: &str = "*";

/// Forgets what was counted for a change: it begins anew.
pub async fn begin(tx: &mut Tx, change: ChangeId) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM rules_difference WHERE change_id = $1",
        "DELETE FROM rules_example WHERE change_id = $1",
    ] {
        query(statement)
            .bind(change.to_string())
            .execute(tx.conn())
            .await
            .map_err(StoreError::at("begin to count in shadow"))?;
    }
    Ok(())
}

/// Counts one event.
pub async fn count(
    tx: &mut Tx,
    change: ChangeId,
    was: &str,
    would_be: &str,
    languages: &[String],
) -> Result<(), StoreError> {
    let languages = languages.iter().take(LANGUAGES_OF_AN_EVENT_MAX).map(String::as_str);
    for language in [ALL].into_iter().chain(languages.filter(|language| *language != ALL)) {
        if add(tx, change, was, would_be, language).await? {
            continue;
        }
        let language = if language == ALL || has_room(tx.conn(), change, language).await? {
            language
        } else {
            OTHER
        };
        insert(tx, change, was, would_be, language).await?;
    }
    Ok(())
}

/// Adds one to what is counted already; false, if nothing is.
async fn add(tx: &mut Tx, change: ChangeId, was: &str, would_be: &str, language: &str) -> Result<bool, StoreError> {
    let done = query(
        "UPDATE rules_difference SET n = n + 1 WHERE change_id = $1 AND was = $2 AND would_be = $3 AND language = $4",
    )
    .bind(change.to_string())
    .bind(was.to_owned())
    .bind(would_be.to_owned())
    .bind(language.to_owned())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("count what shadow says"))?;
    Ok(done.rows_affected() > 0)
}

async fn insert(tx: &mut Tx, change: ChangeId, was: &str, would_be: &str, language: &str) -> Result<(), StoreError> {
    query(
        "INSERT INTO rules_difference (change_id, was, would_be, language, n) VALUES ($1, $2, $3, $4, 1)
         ON CONFLICT (change_id, was, would_be, language) DO UPDATE SET n = rules_difference.n + 1",
    )
    .bind(change.to_string())
    .bind(was.to_owned())
    .bind(would_be.to_owned())
    .bind(language.to_owned())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("count what shadow says"))?;
    Ok(())
}

/// Whether a language is told apart: it is already, or not too many are.
async fn has_room(conn: &mut AnyConnection, change: ChangeId, language: &str) -> Result<bool, StoreError> {
    let row =
        query("SELECT COUNT(DISTINCT language) AS n FROM rules_difference WHERE change_id = $1 AND language <> $2")
            .bind(change.to_string())
            .bind(language.to_owned())
            .fetch_one(&mut *conn)
            .await
            .map_err(StoreError::at("count languages"))?;
    if row.int("n")? < LANGUAGES_MAX {
        return Ok(true);
    }
    let row = query("SELECT COUNT(*) AS n FROM rules_difference WHERE change_id = $1 AND language = $2")
        .bind(change.to_string())
        .bind(language.to_owned())
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("look for a language"))?;
    Ok(row.int("n")? > 0)
}

/// Keeps an example, and forgets the oldest beyond the limit.
pub async fn keep_example(tx: &mut Tx, change: ChangeId, example: &ShadowExample) -> Result<(), StoreError> {
    query(
        "INSERT INTO rules_example (change_id, seq, item_id, decision_id, was, would_be, rules)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(change.to_string())
    .bind(example.seq)
    .bind(example.item.to_string())
    .bind(example.decision.to_string())
    .bind(example.was.clone())
    .bind(example.would_be.clone())
    .bind(serde_json::json!(example.rules).to_string())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep what shadow says"))?;
    query(
        "DELETE FROM rules_example WHERE change_id = $1 AND seq <=
            (SELECT seq FROM rules_example WHERE change_id = $1 ORDER BY seq DESC LIMIT 1 OFFSET $2)",
    )
    .bind(change.to_string())
    .bind(ShadowResult::EXAMPLES_MAX)
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("forget what shadow said"))?;
    Ok(())
}

/// What was counted for a change.
pub async fn of_change(conn: &mut AnyConnection, change: ChangeId) -> Result<ShadowResult, StoreError> {
    let rows = query(
        "SELECT was, would_be, language, n FROM rules_difference WHERE change_id = $1 ORDER BY n DESC, was, would_be",
    )
    .bind(change.to_string())
    .fetch_all(&mut *conn)
    .await
    .map_err(StoreError::at("read what shadow said"))?;
    let mut result = ShadowResult::default();
    let mut languages = std::collections::BTreeMap::<String, (i64, i64)>::new();
    for row in &rows {
        let (was, would_be, n) = (row.text("was")?, row.text("would_be")?, row.int("n")?);
        let differs = was != would_be;
        let language = row.text("language")?;
        if language != ALL {
            let counts = languages.entry(language).or_default();
            counts.0 += n;
            counts.1 += if differs { n } else { 0 };
            continue;
        }
        result.n_events += n;
        if differs {
            result.n_differ += n;
            result.outcomes.push((was, would_be, n));
        }
    }
    result.languages = languages
        .into_iter()
        .map(|(language, (n_events, n_differ))| (language, n_events, n_differ))
        .collect();
    let rows = query(
        "SELECT seq, item_id, decision_id, was, would_be, rules FROM rules_example WHERE change_id = $1 ORDER BY seq DESC",
    )
    .bind(change.to_string())
    .fetch_all(&mut *conn)
    .await
    .map_err(StoreError::at("read what shadow said"))?;
    for row in &rows {
        let rules = serde_json::from_str(&row.text("rules")?).map_err(|error| damaged("rules", error))?;
        result.examples.push(ShadowExample {
            seq: row.int("seq")?,
            item: row.parse("item_id")?,
            decision: row.parse("decision_id")?,
            was: row.text("was")?,
            would_be: row.text("would_be")?,
            rules,
        });
    }
    Ok(result)
}
