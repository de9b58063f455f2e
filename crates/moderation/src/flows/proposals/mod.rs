//! One person judges, on a case or on several items at once; where that needs a second person it waits for one, and else it becomes decisions at once.
//!
//! What is decided together is decided item by item, each in a transaction of its own ([`carrying`]): a process that dies half-way leaves whole decisions, and the
//! upkeep goes on with the rest. None is decided twice, because an item's row says what became of it in the transaction that decides it. Ending a proposal twice
//! ends it once.

mod carrying;
mod ending;
mod overtaking;

use super::cases::{CaseError, check_seen, decide_as_seen, find_open_to, person};
use super::judgement::{check_judgement, check_notice};
use super::measures::Plan;
use crate::model::{
    Actor, CaseId, DecisionId, Denied, ItemId, Judgement, Notice, Outcome, Proposal, ProposalId, ProposalRefused,
    ProposalState, ProposedItem, ProposedState, SecondReason, Timestamp, TwoPersonSettings, UserId, reasons_for_second,
};
use crate::rules::restrictions;
use crate::store::{AnyConnection, StoreError, Tx};
use crate::views::reaches_item;
use crate::{Seawall, access, actions, cases, decisions, items, proposals};

pub use carrying::{Undone, carry_on_proposals, undo_proposal};
pub use ending::{approve_proposal, lapse_proposals, reject_proposal, withdraw_proposal};
pub(super) use overtaking::{item_changed, overtake};

/// So many items are decided while the person waits; with the rest the upkeep goes on at once.
pub const CARRIED_AT_ONCE: usize = 50;

/// Nothing was proposed, or a proposal is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ProposalError {
    /// The actor may not, or is not a person.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such proposal, or not for this person.
    #[error("there is no such proposal")]
    NotFound,
    /// Not in the state that it is in, or not by this person.
    #[error(transparent)]
    Refused(#[from] ProposalRefused),
    /// Of what was chosen nothing can be decided.
    #[error("nothing of what was chosen can be decided")]
    NothingLeft(Vec<(ItemId, LeftOut)>),
    /// Something about the request is wrong.
    #[error("`{field}` {what}")]
    Invalid {
        /// Which part.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an item is left out of what is decided together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeftOut {
    /// It is not there, or the person does not reach it.
    Unreached,
    /// A colleague holds its case.
    Held,
    /// Another proposal about it waits.
    Proposed,
    /// Its content changed since the person looked at it.
    Changed,
    /// Somebody decided on it since then; perhaps they themselves, with the same form.
    Decided,
}

/// An item that was chosen, as it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Which.
    pub item: ItemId,
    /// The revision that the person saw.
    pub revision: i64,
    /// The decision that was in force when the person looked, if they say so: what a person decided since is not decided over.
    pub seen: Option<DecisionId>,
    /// What the affected person is told, if it is restricted.
    pub notice: Option<Notice>,
}

/// What became of a judgement on one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is decided.
    Decided(DecisionId),
    /// It waits for a second person.
    Proposed(ProposalId),
}

/// What became of a judgement on several items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Together {
    /// Under which id they stand together.
    pub id: ProposalId,
    /// Why it waits for a second person; empty if it does not.
    pub reasons: Vec<SecondReason>,
    /// How many items it is on.
    pub n_items: usize,
    /// What was left out, and why.
    pub left_out: Vec<(ItemId, LeftOut)>,
}

/// The person judges a case: it is decided, or it waits for a second person if the judgement needs one. `seen` is the item's last decision when they looked:
/// what was restricted since then they did not see, and do not decide on.
pub async fn decide_or_propose(
    app: &Seawall,
    actor: &Actor,
    id: CaseId,
    seen: Option<DecisionId>,
    judgement: Judgement,
) -> Result<Settled, CaseError> {
    let user = person(actor)?;
    let reasons = reasons_for_second(&judgement, (1, 0), &app.settings.two_person);
    if reasons.is_empty() {
        return decide_as_seen(app, actor, id, seen, judgement)
            .await
            .map(Settled::Decided);
    }
    check_judgement(&judgement)?;
    let mut tx = app.store.begin("propose a decision").await?;
    let now = app.clock.now();
    let case = find_open_to(&mut tx, actor, id, now).await?;
    // Whoever could not decide it cannot propose it, and who proposed it has done their work on it.
    let case = case.release(user, now)?;
    let (item, _) = items::find(tx.conn(), &case.item).await?.ok_or(CaseError::NotFound)?;
    if item.revision != judgement.revision {
        return Err(CaseError::Changed {
            judged: judgement.revision,
            stored: item.revision,
        });
    }
    check_seen(&mut tx, &case.item, seen, item.revision).await?;
    // What could never be carried out is not proposed.
    let standing = actions::standing_orders(tx.conn(), &case.item).await?;
    let endings = restrictions::of_item(tx.conn(), &case.item).await?;
    Plan::of(app, &judgement, &item, standing, &endings, (now, now))?;
    cases::update(&mut tx, &case).await?;
    let seen = decisions::latest_of_item(tx.conn(), &case.item).await?;
    let only = ProposedItem {
        item: case.item,
        revision: item.revision,
        seen: seen.map(|decision| decision.id),
        case: Some(id),
        notice: judgement.notice.clone(),
        state: ProposedState::Waiting,
        decision: None,
    };
    let (proposal, n_kept) = keep(app, &mut tx, actor, (user, judgement, reasons), &[only], now).await?;
    if n_kept == 0 {
        return Err(CaseError::Proposed);
    }
    tx.commit().await?;
    Ok(Settled::Proposed(proposal.id))
}

/// The person gives one judgement on several items: each is decided, or all wait for a second person if the judgement needs one. Items that cannot be decided are
/// left out, and it is said which.
pub async fn decide_together(
    app: &Seawall,
    actor: &Actor,
    chosen: Vec<Chosen>,
    judgement: Judgement,
) -> Result<Together, ProposalError> {
    let user = person(actor)?;
    check_judgement(&judgement).map_err(invalid_of)?;
    for one in &chosen {
        check_notice(one.notice.as_ref()).map_err(invalid_of)?;
    }
    if chosen.is_empty() || chosen.len() > Proposal::ITEMS_MAX {
        let what = format!("must be 1 to {}", Proposal::ITEMS_MAX);
        return Err(ProposalError::Invalid { field: "items", what });
    }
    // What changes between here and the decision is noticed by whoever decides the item.
    let now = app.clock.now();
    let (mut kept, mut left_out): (Vec<ProposedItem>, Vec<(ItemId, LeftOut)>) = (Vec::new(), Vec::new());
    let mut conn = app.store.reader().await?;
    for one in chosen {
        if kept.iter().any(|known| known.item == one.item) {
            continue;
        }
        match look_at(&mut conn, actor, user, &one, now).await? {
            Ok((case, seen)) => kept.push(ProposedItem {
                item: one.item,
                revision: one.revision,
                seen: Some(seen),
                case,
                notice: one.notice.filter(|_| judgement.outcome == Outcome::Restrict),
                state: ProposedState::Waiting,
                decision: None,
            }),
            Err(why) => left_out.push((one.item, why)),
        }
    }
    drop(conn);
    if kept.is_empty() {
        return Err(ProposalError::NothingLeft(left_out));
    }
    let mut tx = app.store.begin("decide together").await?;
    // Two baskets of one person at once are counted one after the other.
    access::find_user_locked(&mut tx, user).await?;
    let since = now.before(TwoPersonSettings::ITEMS_WITHIN);
    let n_lately = proposals::n_alone_since(tx.conn(), user, judgement.outcome, since).await?;
    let reasons = reasons_for_second(&judgement, (kept.len(), n_lately), &app.settings.two_person);
    let (proposal, n_kept) = keep(app, &mut tx, actor, (user, judgement, reasons), &kept, now).await?;
    if n_kept < kept.len() {
        // Somebody proposed something about one of them this very moment.
        let taken = proposals::items_of(tx.conn(), proposal.id).await?;
        let lost = kept
            .iter()
            .filter(|one| taken.iter().all(|known| known.item != one.item));
        left_out.extend(lost.map(|one| (one.item.clone(), LeftOut::Proposed)));
    }
    if n_kept == 0 {
        return Err(ProposalError::NothingLeft(left_out));
    }
    tx.commit().await?;
    if proposal.is_agreed() {
        carrying::carry_out_at_once(app, proposal.id).await?;
    }
    Ok(Together {
        id: proposal.id,
        reasons: proposal.reasons,
        n_items: n_kept,
        left_out,
    })
}

/// Keeps the judgement with its items; says how many of them nothing else waits about.
async fn keep(
    app: &Seawall,
    tx: &mut Tx,
    actor: &Actor,
    (by, judgement, reasons): (UserId, Judgement, Vec<SecondReason>),
    of: &[ProposedItem],
    now: Timestamp,
) -> Result<(Proposal, usize), StoreError> {
    let state = match reasons.is_empty() {
        true => ProposalState::Alone,
        false => ProposalState::Waiting,
    };
    let proposal = Proposal {
        id: ProposalId::fresh(now, &app.chance),
        by,
        at: now,
        reasons,
        judgement,
        state,
        lapses_at: now.after(app.settings.two_person.lapses_after),
        ended_by: None,
        ended_at: None,
        note: String::new(),
        carried_at: None,
        undone_at: None,
    };
    proposals::insert(tx, &proposal).await?;
    let mut n_kept = 0;
    // Two who propose at once wait for each other in one order.
    let mut in_order: Vec<(usize, &ProposedItem)> = of.iter().enumerate().collect();
    in_order.sort_by(|(_, a), (_, b)| a.item.as_str().cmp(b.item.as_str()));
    for (idx, item) in in_order {
        if !proposals::insert_item(tx, proposal.id, idx, item).await? {
            continue;
        }
        n_kept += 1;
        if let (ProposalState::Waiting, Some(case)) = (state, item.case) {
            let body = serde_json::json!({ "proposal": proposal.id.to_string() });
            tx.event(now, actor, "case.proposed", case, body);
        }
    }
    let reasons: Vec<&str> = proposal.reasons.iter().map(|reason| reason.as_str()).collect();
    let body = serde_json::json!({
        "reasons": reasons, "n_items": n_kept, "outcome": proposal.judgement.outcome.as_str(),
    });
    let kind = match state {
        ProposalState::Alone => "proposal.alone",
        _ => "proposal.made",
    };
    tx.event(now, actor, kind, proposal.id, body);
    Ok((proposal, n_kept))
}

/// The open case of an item that was chosen and the decision in force on it; or why it is left out.
async fn look_at(
    conn: &mut AnyConnection,
    actor: &Actor,
    user: UserId,
    chosen: &Chosen,
    now: Timestamp,
) -> Result<Result<(Option<CaseId>, DecisionId), LeftOut>, StoreError> {
    if !reaches_item(&mut *conn, actor, &chosen.item).await? {
        return Ok(Err(LeftOut::Unreached));
    }
    // What was never decided was never submitted whole: there is nothing to look at.
    let (Some((item, _)), Some(seen)) = (
        items::find(&mut *conn, &chosen.item).await?,
        decisions::latest_of_item(&mut *conn, &chosen.item).await?,
    ) else {
        return Ok(Err(LeftOut::Unreached));
    };
    let open = cases::find_open_of_item(&mut *conn, &chosen.item).await?;
    if let Some(case) = &open {
        if !case.is_open_to(actor, now) {
            return Ok(Err(LeftOut::Unreached));
        }
        if case.lease(now).is_some_and(|lease| lease.holder != user) {
            return Ok(Err(LeftOut::Held));
        }
    }
    if item.revision != chosen.revision {
        return Ok(Err(LeftOut::Changed));
    }
    if let Some(looked_at) = chosen.seen.filter(|looked_at| *looked_at != seen.id)
        && (seen.is_of_a_person() || actions::is_restricted_since(conn, &chosen.item, looked_at).await?)
    {
        return Ok(Err(LeftOut::Decided));
    }
    if proposals::waiting_about(conn, &chosen.item).await?.is_some() {
        return Ok(Err(LeftOut::Proposed));
    }
    Ok(Ok((open.map(|case| case.id), seen.id)))
}

/// What is wrong with a judgement, said of a proposal.
fn invalid_of(error: CaseError) -> ProposalError {
    match error {
        CaseError::Denied(denied) => ProposalError::Denied(denied),
        CaseError::Invalid { field, what } => ProposalError::Invalid { field, what },
        CaseError::Store(error) => ProposalError::Store(error),
        CaseError::NotFound
        | CaseError::Transition(_)
        | CaseError::Changed { .. }
        | CaseError::SecondPerson { .. }
        | CaseError::Proposed => ProposalError::NotFound,
    }
}
