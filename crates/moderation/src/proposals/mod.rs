//! Proposals: judgements that wait for a second person, and what became of each of their items.
//!
//! Owns the tables `proposals_*`. Of one item one proposal waits at a time; the database itself sees to that, and that nobody approves what they proposed. The
//! states and their transitions are in [`crate::model::proposal`]. A proposal's row is locked after items and cases, and before the rows of its own items.

use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::proposal::{judgement_of_json, judgement_to_json};
use crate::model::{
    DecisionId, ItemId, Notice, Outcome, Proposal, ProposalId, ProposalState, ProposedItem, ProposedState,
    SecondReason, Timestamp, UserId,
};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// So many baskets of one person are looked at: more than one may fill without a second person.
const ALONE_MAX: i64 = 1_000;

/// The condition of a statement that nothing is proposed about an item. `item` is a column with its table's name.
pub fn none_waits(item: &str) -> String {
    format!("NOT EXISTS (SELECT 1 FROM proposals_item w WHERE w.item_id = {item} AND w.state = 'waiting')")
}

/// Keeps a new proposal.
pub async fn insert(tx: &mut Tx, proposal: &Proposal) -> Result<(), StoreError> {
    let reasons: Vec<&str> = proposal.reasons.iter().map(|reason| reason.as_str()).collect();
    query(
        "INSERT INTO proposals_proposal (id, proposed_by, proposed_at, reasons, judgement, state, lapses_at, note)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(proposal.id.to_string())
    .bind(proposal.by.to_string())
    .bind(proposal.at.unix_ms())
    .bind(reasons.join(" "))
    .bind(judgement_to_json(&proposal.judgement).to_string())
    .bind(proposal.state.as_str())
    .bind(proposal.lapses_at.unix_ms())
    .bind(proposal.note.clone())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep a proposal"))?;
    Ok(())
}

/// Keeps an item of a new proposal; not if another proposal about it waits. Says whether it was kept.
pub async fn insert_item(tx: &mut Tx, id: ProposalId, idx: usize, item: &ProposedItem) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO proposals_item (proposal_id, idx, item_id, revision, seen_decision, case_id, notice, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(id.to_string())
    .bind(idx as i64)
    .bind(item.item.to_string())
    .bind(item.revision)
    .bind(item.seen.map(|id| id.to_string()))
    .bind(item.case.map(|id| id.to_string()))
    .bind(item.notice.as_ref().map(|notice| notice.to_json().to_string()))
    .bind(item.state.as_str())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep an item of a proposal"))?;
    Ok(done.rows_affected() == 1)
}

/// Writes how far a proposal got.
pub async fn update(tx: &mut Tx, proposal: &Proposal) -> Result<(), StoreError> {
    query(
        "UPDATE proposals_proposal SET state = $1, ended_by = $2, ended_at = $3, note = $4, carried_at = $5, undone_at = $6
         WHERE id = $7",
    )
    .bind(proposal.state.as_str())
    .bind(proposal.ended_by.map(|user| user.to_string()))
    .bind(proposal.ended_at.map(Timestamp::unix_ms))
    .bind(proposal.note.clone())
    .bind(proposal.carried_at.map(Timestamp::unix_ms))
    .bind(proposal.undone_at.map(Timestamp::unix_ms))
    .bind(proposal.id.to_string())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("write how far a proposal got"))?;
    Ok(())
}

/// The proposal, by its id.
pub async fn find(conn: &mut AnyConnection, id: ProposalId) -> Result<Option<Proposal>, StoreError> {
    let row = query(
        "SELECT p.id, p.proposed_by, p.proposed_at, p.reasons, p.judgement, p.state, p.lapses_at, p.ended_by, p.ended_at,
                p.note, p.carried_at, p.undone_at
         FROM proposals_proposal p WHERE p.id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read a proposal"))?;
    row.map(|row| read(&row)).transpose()
}

/// The proposal, locked until the transaction ends: two people who end it at once are put in order here.
pub async fn find_locked(tx: &mut Tx, id: ProposalId) -> Result<Option<Proposal>, StoreError> {
    // A write that changes nothing takes the row's lock in both engines.
    query("UPDATE proposals_proposal SET state = state WHERE id = $1")
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("lock a proposal"))?;
    find(tx.conn(), id).await
}

/// The items of a proposal, in the order in which they were chosen.
pub async fn items_of(conn: &mut AnyConnection, id: ProposalId) -> Result<Vec<ProposedItem>, StoreError> {
    let rows = query(
        "SELECT item_id, revision, seen_decision, case_id, notice, state, decision_id
         FROM proposals_item WHERE proposal_id = $1 ORDER BY idx",
    )
    .bind(id.to_string())
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the items of a proposal"))?;
    rows.iter().map(read_item).collect()
}

/// One item of a proposal.
pub async fn item_of(
    conn: &mut AnyConnection,
    id: ProposalId,
    item: &ItemId,
) -> Result<Option<ProposedItem>, StoreError> {
    let row = query(
        "SELECT item_id, revision, seen_decision, case_id, notice, state, decision_id
         FROM proposals_item WHERE proposal_id = $1 AND item_id = $2",
    )
    .bind(id.to_string())
    .bind(item.to_string())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read an item of a proposal"))?;
    row.map(|row| read_item(&row)).transpose()
}

/// The proposal that waits about an item, and which revision of the item was looked at.
pub async fn waiting_about(conn: &mut AnyConnection, item: &ItemId) -> Result<Option<(ProposalId, i64)>, StoreError> {
    let row = query("SELECT proposal_id, revision FROM proposals_item WHERE item_id = $1 AND state = 'waiting'")
        .bind(item.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("look whether something is proposed about an item"))?;
    row.map(|row| Ok((row.parse("proposal_id")?, row.int("revision")?)))
        .transpose()
}

/// What became of an item that waited. Says whether it did wait.
pub async fn settle_item(
    tx: &mut Tx,
    id: ProposalId,
    item: &ItemId,
    state: ProposedState,
    decision: Option<DecisionId>,
) -> Result<bool, StoreError> {
    let done = query(
        "UPDATE proposals_item SET state = $1, decision_id = $2
         WHERE proposal_id = $3 AND item_id = $4 AND state = 'waiting'",
    )
    .bind(state.as_str())
    .bind(decision.map(|id| id.to_string()))
    .bind(id.to_string())
    .bind(item.to_string())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("write what became of an item of a proposal"))?;
    Ok(done.rows_affected() == 1)
}

/// All items of a proposal that wait still wait no longer.
pub async fn drop_items(tx: &mut Tx, id: ProposalId) -> Result<(), StoreError> {
    query("UPDATE proposals_item SET state = $1 WHERE proposal_id = $2 AND state = 'waiting'")
        .bind(ProposedState::Dropped.as_str())
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("end the items of a proposal"))?;
    Ok(())
}

/// A decision that a proposal became was taken back.
pub async fn note_undone(tx: &mut Tx, decision: DecisionId) -> Result<(), StoreError> {
    query("UPDATE proposals_item SET state = $1 WHERE decision_id = $2")
        .bind(ProposedState::Undone.as_str())
        .bind(decision.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("write that a decision of a proposal was undone"))?;
    Ok(())
}

/// How many items of a proposal wait.
pub async fn n_waiting(conn: &mut AnyConnection, id: ProposalId) -> Result<i64, StoreError> {
    let row = query("SELECT COUNT(*) AS n FROM proposals_item WHERE proposal_id = $1 AND state = 'waiting'")
        .bind(id.to_string())
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("count what waits of a proposal"))?;
    row.int("n")
}

/// On how many items a person decided so, several at once and with nobody else, since then. What was taken back or left out does not count.
pub async fn n_alone_since(
    conn: &mut AnyConnection,
    by: UserId,
    outcome: Outcome,
    since: Timestamp,
) -> Result<usize, StoreError> {
    let rows = query(
        "SELECT p.judgement, (SELECT COUNT(*) FROM proposals_item i
                              WHERE i.proposal_id = p.id AND i.state IN ('waiting', 'decided')) AS n_items
         FROM proposals_proposal p
         WHERE p.state = 'alone' AND p.proposed_by = $1 AND p.proposed_at > $2 AND p.undone_at IS NULL
         ORDER BY p.id DESC LIMIT $3",
    )
    .bind(by.to_string())
    .bind(since.unix_ms())
    .bind(ALONE_MAX)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("count what a person decided together"))?;
    let mut n_items = 0;
    for row in &rows {
        let judgement = judgement_of_json(&row.json("judgement")?);
        if judgement.is_some_and(|judgement| judgement.outcome == outcome) {
            n_items += row.number::<usize>("n_items")?;
        }
    }
    Ok(n_items)
}

/// Proposals whose time is over, the longest over first.
pub async fn list_lapsing(conn: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<ProposalId>, StoreError> {
    let rows = query(
        "SELECT id FROM proposals_proposal WHERE state = 'waiting' AND lapses_at <= $1 ORDER BY lapses_at, id LIMIT $2",
    )
    .bind(now.unix_ms())
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("look for proposals that lapse"))?;
    rows.iter().map(|row| row.parse("id")).collect()
}

/// Proposals that are agreed and of which not every item was dealt with yet.
pub async fn list_to_carry(conn: &mut AnyConnection, limit: i64) -> Result<Vec<ProposalId>, StoreError> {
    let rows = query(
        "SELECT id FROM proposals_proposal WHERE state IN ('approved', 'alone') AND carried_at IS NULL ORDER BY id LIMIT $1",
    )
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("look for proposals to carry out"))?;
    rows.iter().map(|row| row.parse("id")).collect()
}

/// A proposal from a row that has its columns under their own names.
pub fn read(row: &AnyRow) -> Result<Proposal, StoreError> {
    let reasons = row.text("reasons")?;
    let reasons = reasons.split(' ').filter(|word| !word.is_empty());
    let reasons: Result<Vec<SecondReason>, StoreError> = reasons
        .map(|word| word.parse().map_err(|error| damaged("reasons", error)))
        .collect();
    let judgement = judgement_of_json(&row.json("judgement")?);
    Ok(Proposal {
        id: row.parse("id")?,
        by: row.parse("proposed_by")?,
        at: row.time("proposed_at")?,
        reasons: reasons?,
        judgement: judgement.ok_or_else(|| damaged("judgement", "a part is missing"))?,
        state: row.parse::<ProposalState>("state")?,
        lapses_at: row.time("lapses_at")?,
        ended_by: row.opt_parse("ended_by")?,
        ended_at: row.opt_time("ended_at")?,
        note: row.text("note")?,
        carried_at: row.opt_time("carried_at")?,
        undone_at: row.opt_time("undone_at")?,
    })
}

fn read_item(row: &AnyRow) -> Result<ProposedItem, StoreError> {
    let notice = match row.opt_text("notice")? {
        Some(text) => {
            let json: Value = serde_json::from_str(&text).map_err(|error| damaged("notice", error))?;
            let notice = Notice::of_facts(&serde_json::json!({ "notice": json }));
            Some(notice.ok_or_else(|| damaged("notice", "a part is missing"))?)
        }
        None => None,
    };
    Ok(ProposedItem {
        item: row.parse("item_id")?,
        revision: row.int("revision")?,
        seen: row.opt_parse("seen_decision")?,
        case: row.opt_parse("case_id")?,
        notice,
        state: row.parse("state")?,
        decision: row.opt_parse("decision_id")?,
    })
}
