//! Items that are looked at together: in a basket, a cluster, a proposal. A few statements, however many they are.

use std::collections::HashMap;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use super::ViewError;
use crate::model::{
    Actor, Case, DecisionId, Item, ItemId, MediaId, Outcome, Proposal, ProposalId, Restricted, Right, Stands, Timestamp,
};
use crate::rules::restrictions;
use crate::store::StoreError;
use crate::store::columns::Columns;
use crate::{Seawall, actions, cases, items};

/// An item among others.
#[derive(Debug, Clone)]
pub struct ItemBrief {
    /// The item.
    pub item: Item,
    /// The languages that the platform named.
    pub languages: Option<Vec<String>>,
    /// Whether a person reported it.
    pub is_reported: bool,
    /// Whether a file of it lies near to something known.
    pub is_matched: bool,
    /// The decision in force.
    pub decision: Option<DecisionId>,
    /// What was last decided.
    pub outcome: Option<Outcome>,
    /// Whether a person decided that.
    pub is_decided_by_person: bool,
    /// What is restricted.
    pub stands: Vec<Stands>,
    /// The open case about it.
    pub open_case: Option<Case>,
    /// Who holds that.
    pub holder_name: Option<String>,
    /// Whether that is somebody else than who looks.
    pub is_held_by_another: bool,
    /// A file of it that has previews.
    pub media: Option<MediaId>,
    /// What waits for a second person about it.
    pub proposal: Option<ProposalId>,
}

/// What was chosen to be decided together.
#[derive(Debug, Clone, Default)]
pub struct Basket {
    /// The items that the person reaches, in the order in which they were chosen.
    pub items: Vec<ItemBrief>,
    /// How many of what was chosen are not there, or not theirs.
    pub n_unreached: usize,
}

/// The items that were chosen, as far as the person reaches them; at most [`Proposal::ITEMS_MAX`].
pub async fn basket(app: &Seawall, actor: &Actor, chosen: &[ItemId]) -> Result<Basket, ViewError> {
    actor.require(Right::DecideCases)?;
    let mut wanted: Vec<ItemId> = Vec::new();
    for id in chosen.iter().take(Proposal::ITEMS_MAX) {
        if !wanted.contains(id) {
            wanted.push(id.clone());
        }
    }
    let mut conn = app.store.reader().await?;
    let found = briefs(&mut conn, actor, &wanted, app.clock.now()).await?;
    Ok(Basket {
        n_unreached: wanted.len() - found.len(),
        items: found,
    })
}

/// The condition of a statement that all of an item is reached by who works on these queues: as [`cases::within_queues`] has it, and so is its open case.
pub(super) fn wholly_within(item: &str, queues: &str) -> String {
    format!(
        "({} AND ({queues} = '*' OR NOT EXISTS (
              SELECT 1 FROM cases_case o WHERE o.item_id = {item} AND o.state = 'open'
                AND REPLACE({queues}, ' ' || o.queue || ' ', '') = {queues})))",
        cases::within_queues(item, queues)
    )
}

/// What is to be known of these items, in their order; of those alone that the actor reaches and that were decided once.
pub(super) async fn briefs(
    conn: &mut AnyConnection,
    actor: &Actor,
    ids: &[ItemId],
    now: Timestamp,
) -> Result<Vec<ItemBrief>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<String> = (0..ids.len()).map(|at| format!("${}", at + 2)).collect();
    let statement = format!(
        "SELECT i.id, i.kind, i.account, i.channel, i.audience, i.url, i.text, i.revision, i.received_at, i.updated_at,
                i.facts AS said, CASE WHEN i.report IS NULL THEN 0 ELSE 1 END AS reported,
                (SELECT COUNT(*) FROM matching_match t WHERE t.item_id = i.id AND t.revision = i.revision) AS n_matches,
                d.id AS decision_id, d.outcome, d.author_kind, d.facts AS decided_on,
                (SELECT MIN(p.media_id) FROM items_preview p JOIN items_media m ON m.id = p.media_id
                 WHERE m.item_id = i.id AND m.revision = i.revision) AS media,
                (SELECT w.proposal_id FROM proposals_item w WHERE w.item_id = i.id AND w.state = 'waiting') AS proposal
         FROM items_item i
              JOIN decisions_decision d ON d.item_id = i.id
               AND d.ordinal = (SELECT MAX(x.ordinal) FROM decisions_decision x WHERE x.item_id = i.id)
         WHERE i.id IN ({}) AND {}",
        places.join(", "),
        wholly_within("i.id", "$1"),
    );
    let mut asked = query(AssertSqlSafe(statement)).bind(actor.queues().to_string());
    for id in ids {
        asked = asked.bind(id.to_string());
    }
    let at = StoreError::at("read items that are looked at together");
    let rows = asked.fetch_all(&mut *conn).await.map_err(&at)?;
    let mut open = open_cases(conn, ids).await?;
    let endings = restrictions::of_items(&mut *conn, ids).await?;
    let mut stands: HashMap<ItemId, Vec<Stands>> = HashMap::new();
    for (item, what, scope) in actions::restricted_of(conn, ids).await? {
        let ends = endings
            .iter()
            .filter(|ending| ending.item == item && ending.what == what);
        let until = ends.map(|ending| ending.ends_at).max();
        stands.entry(item).or_default().push(Stands { what, scope, until });
    }
    let mut found: HashMap<ItemId, ItemBrief> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let mut brief = read(row)?;
        brief.stands = stands.remove(&brief.item.id).unwrap_or_default();
        brief
            .stands
            .sort_by_key(|stands| Restricted::ALL.iter().position(|what| *what == stands.what));
        if let Some((case, name)) = open.remove(&brief.item.id) {
            let lease = case.lease(now);
            brief.is_held_by_another = lease.is_some_and(|lease| Some(lease.holder) != actor.user());
            brief.holder_name = name.filter(|_| lease.is_some());
            brief.open_case = Some(case);
        }
        found.insert(brief.item.id.clone(), brief);
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// The open cases about these items, and who holds each.
async fn open_cases(
    conn: &mut AnyConnection,
    ids: &[ItemId],
) -> Result<HashMap<ItemId, (Case, Option<String>)>, StoreError> {
    let places: Vec<String> = (0..ids.len()).map(|at| format!("${}", at + 1)).collect();
    let statement = format!(
        "SELECT {}, u.name AS holder_name FROM cases_case c LEFT JOIN access_user u ON u.id = c.leased_by
         WHERE c.state = 'open' AND c.item_id IN ({})",
        cases::columns(),
        places.join(", ")
    );
    let mut asked = query(AssertSqlSafe(statement));
    for id in ids {
        asked = asked.bind(id.to_string());
    }
    let rows = asked
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read open cases of items"))?;
    rows.iter()
        .map(|row| {
            let case = cases::read(row)?;
            Ok((case.item.clone(), (case, row.opt_text("holder_name")?)))
        })
        .collect()
}

fn read(row: &AnyRow) -> Result<ItemBrief, StoreError> {
    let said: serde_json::Value = match row.opt_text("said")? {
        Some(_) => row.json("said")?,
        None => serde_json::Value::Null,
    };
    let languages = said["languages"].as_array().map(|all| {
        let words = all.iter().filter_map(|tag| tag.as_str());
        words.map(str::to_owned).collect()
    });
    let outcome: Outcome = row.parse("outcome")?;
    let decided_on = row.json("decided_on")?;
    Ok(ItemBrief {
        item: items::read(row)?,
        languages,
        is_reported: row.flag("reported")?,
        is_matched: row.int("n_matches")? > 0,
        decision: row.opt_parse("decision_id")?,
        outcome: Some(outcome),
        // Who takes a decision back puts back what stood before.
        is_decided_by_person: row.text("author_kind")? == "person" && decided_on["restores_author"] != "rule",
        stands: Vec::new(),
        open_case: None,
        holder_name: None,
        is_held_by_another: false,
        media: row.opt_parse("media")?,
        proposal: row.opt_parse("proposal")?,
    })
}
