//! Decisions: written once, never changed. The newest on an item is the one in force.
//!
//! Owns the tables `decisions_*`. It must never know how a decision was come to.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{Author, CaseId, Decision, DecisionId, ItemId, Outcome, QueueSet, Timestamp, Versions};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx, Within};

/// Keeps a decision. The item's row must be locked: decisions on one item are numbered in the order of their commits.
pub async fn insert(tx: &mut Tx, decision: &Decision) -> Result<(), StoreError> {
    query(
        "INSERT INTO decisions_decision
            (id, item_id, revision, outcome, author_kind, author, policy, reason, facts, seawall_version, rules_version,
             supersedes, case_id, decided_at, ordinal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                 (SELECT COALESCE(MAX(ordinal), 0) + 1 FROM decisions_decision WHERE item_id = $2))",
    )
    .bind(decision.id.to_string())
    .bind(decision.item.to_string())
    .bind(decision.revision)
    .bind(decision.outcome.as_str())
    .bind(decision.author.kind())
    .bind(decision.author.to_string())
    .bind(decision.policy.map(|policy| policy.as_str()))
    .bind(decision.reason.clone())
    .bind(decision.facts.to_string())
    .bind(decision.versions.seawall.clone())
    .bind(decision.versions.rules.clone())
    .bind(decision.supersedes.map(|id| id.to_string()))
    .bind(decision.case.map(|id| id.to_string()))
    .bind(decision.decided_at.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep a decision"))?;
    Ok(())
}

/// The decision, by its id.
pub async fn find(conn: &mut AnyConnection, id: DecisionId) -> Result<Option<Decision>, StoreError> {
    let row = query(
        "SELECT id, item_id, revision, outcome, author_kind, author, policy, reason, facts, seawall_version, rules_version,
                supersedes, case_id, decided_at
         FROM decisions_decision WHERE id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read a decision"))?;
    row.map(|row| read(&row)).transpose()
}

/// A decision in a few words: which, when, whether a person's, what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief {
    /// Which.
    pub id: DecisionId,
    /// When.
    pub decided_at: Timestamp,
    /// Whether a person made it.
    pub is_of_a_person: bool,
    /// What was decided.
    pub outcome: Outcome,
}

/// Up to `limit` decisions after this one, in the order in which they were begun.
pub async fn list_after(conn: &mut AnyConnection, after: &str, limit: i64) -> Result<Vec<Brief>, StoreError> {
    let rows =
        query("SELECT id, decided_at, author_kind, outcome FROM decisions_decision WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after.to_owned())
            .bind(limit)
            .fetch_all(conn)
            .await
            .map_err(StoreError::at("read decisions in their order"))?;
    rows.iter()
        .map(|row| {
            Ok(Brief {
                id: row.parse("id")?,
                decided_at: row.time("decided_at")?,
                is_of_a_person: row.text("author_kind")? == "person",
                outcome: row.parse("outcome")?,
            })
        })
        .collect()
}

/// The newest decision of all.
pub async fn newest(conn: &mut AnyConnection) -> Result<Option<DecisionId>, StoreError> {
    let row = query("SELECT MAX(id) AS id FROM decisions_decision")
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("look for the newest decision"))?;
    row.opt_parse("id")
}

/// The newest `limit` decisions on an item, oldest first.
pub async fn list_of_item(conn: &mut AnyConnection, item: &ItemId, limit: i64) -> Result<Vec<Decision>, StoreError> {
    let rows = query(
        "SELECT id, item_id, revision, outcome, author_kind, author, policy, reason, facts, seawall_version, rules_version,
                supersedes, case_id, decided_at
         FROM decisions_decision WHERE item_id = $1 ORDER BY ordinal DESC LIMIT $2",
    )
    .bind(item.to_string())
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the decisions on an item"))?;
    rows.iter().rev().map(read).collect()
}

/// The decision in force on an item.
pub async fn latest_of_item(conn: &mut AnyConnection, item: &ItemId) -> Result<Option<Decision>, StoreError> {
    let row = query(
        "SELECT id, item_id, revision, outcome, author_kind, author, policy, reason, facts, seawall_version, rules_version,
                supersedes, case_id, decided_at
         FROM decisions_decision WHERE item_id = $1 ORDER BY ordinal DESC LIMIT 1",
    )
    .bind(item.to_string())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read the decision in force"))?;
    row.map(|row| read(&row)).transpose()
}

/// Whether a person decided on the item after this decision, or took it back.
pub async fn is_overruled(conn: &mut AnyConnection, decision: &Decision) -> Result<bool, StoreError> {
    let row = query(
        "SELECT COUNT(*) AS n FROM decisions_decision
         WHERE item_id = $1 AND author_kind = 'person' AND ordinal > (SELECT ordinal FROM decisions_decision WHERE id = $2)",
    )
    .bind(decision.item.to_string())
    .bind(decision.id.to_string())
    .fetch_one(conn)
    .await
    .map_err(StoreError::at("look for a later decision of a person"))?;
    Ok(row.int("n")? > 0)
}

/// Up to `limit` decisions made before `before`, newest first, on items that are reached by who works on these queues.
pub async fn list(
    conn: &mut AnyConnection,
    before: Option<DecisionId>,
    limit: i64,
    queues: &QueueSet,
    within: Within,
) -> Result<Vec<Decision>, StoreError> {
    let reached = within("decisions_decision.item_id", "$3");
    let statement = format!(
        "SELECT id, item_id, revision, outcome, author_kind, author, policy, reason, facts, seawall_version, rules_version,
                supersedes, case_id, decided_at
         FROM decisions_decision WHERE (id < $1 OR $1 = '') AND {reached} ORDER BY id DESC LIMIT $2"
    );
    let rows = query(sqlx::AssertSqlSafe(statement))
        .bind(before.map(|id| id.to_string()).unwrap_or_default())
        .bind(limit)
        .bind(queues.to_string())
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read decisions"))?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Decision, StoreError> {
    let author = match row.text("author_kind")?.as_str() {
        "rule" => Author::Rule(row.text("author")?),
        "person" => Author::Person(row.parse("author")?),
        other => return Err(damaged("author_kind", format!("`{other}` is not a kind of author"))),
    };
    Ok(Decision {
        id: row.parse("id")?,
        item: row.parse("item_id")?,
        revision: row.int("revision")?,
        outcome: row.parse("outcome")?,
        author,
        policy: row.opt_parse("policy")?,
        reason: row.text("reason")?,
        facts: row.json("facts")?,
        versions: Versions {
            seawall: row.text("seawall_version")?,
            rules: row.text("rules_version")?,
        },
        supersedes: row.opt_parse::<DecisionId>("supersedes")?,
        case: row.opt_parse::<CaseId>("case_id")?,
        decided_at: row.time("decided_at")?,
    })
}
