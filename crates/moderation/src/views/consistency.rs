//! What must never be in the store, looked for across rooms. Each statement finds nothing in a sound store.

use sqlx::query;

use crate::Seawall;
use crate::store::StoreError;
use crate::store::columns::Columns;

/// What is looked for: what it means if it is found, and the statement that finds ids.
const CHECKS: &[(&str, &str)] = &[
    (
        "an action has no decision on its item",
        "SELECT a.id FROM actions_action a
         WHERE NOT EXISTS (SELECT 1 FROM decisions_decision d WHERE d.id = a.decision_id AND d.item_id = a.item_id) LIMIT $1",
    ),
    (
        "an action was ordered without a line in the event log",
        "SELECT a.id FROM actions_action a
         WHERE NOT EXISTS (SELECT 1 FROM store_event e WHERE e.subject = a.id AND e.kind = 'action.ordered') LIMIT $1",
    ),
    (
        "an action that is still to be tried has no job",
        "SELECT a.id FROM actions_action a
         WHERE a.state IN ('waiting', 'retrying')
           AND NOT EXISTS (SELECT 1 FROM store_job j WHERE j.subject = a.id AND j.kind = 'deliver') LIMIT $1",
    ),
    (
        "an item has no decision",
        "SELECT i.id FROM items_item i
         WHERE NOT EXISTS (SELECT 1 FROM decisions_decision d WHERE d.item_id = i.id AND d.revision = i.revision) LIMIT $1",
    ),
    (
        "an item was submitted without a line in the event log",
        "SELECT i.id FROM items_item i
         WHERE NOT EXISTS (SELECT 1 FROM store_event e WHERE e.subject = i.id AND e.kind = 'item.submitted') LIMIT $1",
    ),
    (
        "a closed case has no decision of a person",
        "SELECT c.id FROM cases_case c
         WHERE c.state = 'closed'
           AND NOT EXISTS (SELECT 1 FROM decisions_decision d
                           WHERE d.id = c.closing_decision AND d.case_id = c.id AND d.author_kind = 'person') LIMIT $1",
    ),
    (
        "a case was opened without a line in the event log",
        "SELECT c.id FROM cases_case c
         WHERE NOT EXISTS (SELECT 1 FROM store_event e WHERE e.subject = c.id AND e.kind = 'case.opened') LIMIT $1",
    ),
    (
        "a decision does not stand in the event log as it is",
        "SELECT d.id FROM decisions_decision d
         WHERE NOT EXISTS (SELECT 1 FROM store_event e
                           WHERE e.subject = CASE d.author_kind WHEN 'person' THEN d.case_id ELSE d.item_id END
                             AND e.kind IN (CASE d.author_kind WHEN 'person' THEN 'case.decided' ELSE 'item.decided' END,
                                            CASE d.author_kind WHEN 'person' THEN 'case.undone' ELSE 'item.decided' END)
                             AND e.body LIKE '%\"decision\":\"' || d.id || '\"%'
                             AND e.body LIKE '%\"outcome\":\"' || d.outcome || '\"%') LIMIT $1",
    ),
    (
        "an item is restricted by its last decision and its last order does not say so",
        "SELECT d.item_id AS id FROM decisions_decision d
         WHERE d.outcome = 'restrict'
           AND NOT EXISTS (SELECT 1 FROM decisions_decision later WHERE later.item_id = d.item_id AND later.ordinal > d.ordinal)
           AND NOT EXISTS (SELECT 1 FROM actions_action a WHERE a.item_id = d.item_id AND a.kind = 'restrict' AND a.let_go = 0
                             AND a.state <> 'withdrawn'
                             AND a.ordinal = (SELECT MAX(last.ordinal) FROM actions_action last
                                              WHERE last.item_id = d.item_id AND last.what = a.what AND last.state <> 'withdrawn'))
         LIMIT $1",
    ),
    (
        "an item is let go by its last decision and its last order restricts it",
        "SELECT d.item_id AS id FROM decisions_decision d
         WHERE d.outcome <> 'restrict'
           AND NOT EXISTS (SELECT 1 FROM decisions_decision later WHERE later.item_id = d.item_id AND later.ordinal > d.ordinal)
           AND EXISTS (SELECT 1 FROM actions_action a WHERE a.item_id = d.item_id AND a.kind = 'restrict' AND a.let_go = 0
                         AND a.state NOT IN ('refused', 'withdrawn') AND a.what <> 'warning'
                         AND a.ordinal = (SELECT MAX(last.ordinal) FROM actions_action last
                                          WHERE last.item_id = d.item_id AND last.what = a.what AND last.state <> 'withdrawn'))
         LIMIT $1",
    ),
    (
        "a proposal was approved by who proposed it, or by nobody",
        "SELECT p.id FROM proposals_proposal p
         WHERE (p.state = 'approved' AND (p.ended_by IS NULL OR p.ended_by = p.proposed_by))
            OR (p.state = 'alone' AND p.reasons <> '') LIMIT $1",
    ),
    (
        "a proposal was made or approved without a line in the event log",
        "SELECT p.id FROM proposals_proposal p
         WHERE NOT EXISTS (SELECT 1 FROM store_event e WHERE e.subject = p.id AND e.actor = p.proposed_by
                             AND e.kind = CASE p.reasons WHEN '' THEN 'proposal.alone' ELSE 'proposal.made' END)
            OR (p.state = 'approved'
                AND NOT EXISTS (SELECT 1 FROM store_event e WHERE e.subject = p.id AND e.actor = p.ended_by
                                  AND e.kind = 'proposal.approved')) LIMIT $1",
    ),
    (
        "a decision of a proposal is not what the proposal says",
        "SELECT w.decision_id AS id FROM proposals_item w JOIN proposals_proposal p ON p.id = w.proposal_id
         WHERE w.decision_id IS NOT NULL
           AND (p.state NOT IN ('approved', 'alone')
                OR NOT EXISTS (SELECT 1 FROM decisions_decision d
                               WHERE d.id = w.decision_id AND d.item_id = w.item_id AND d.revision = w.revision
                                 AND d.author = p.proposed_by)) LIMIT $1",
    ),
];

/// What is wrong, in words; at most `limit` of each kind.
pub(crate) async fn consistency_faults(app: &Seawall, limit: i64) -> Result<Vec<String>, StoreError> {
    // One moment of the whole store: what is written meanwhile must not look like a fault.
    let mut tx = app.store.begin_snapshot("verify").await?;
    let mut faults = Vec::new();
    for (what, statement) in CHECKS {
        let rows = query(*statement)
            .bind(limit)
            .fetch_all(tx.conn())
            .await
            .map_err(StoreError::at("look for faults"))?;
        for row in &rows {
            faults.push(format!("{what}: {}", row.text("id")?));
        }
    }
    Ok(faults)
}
