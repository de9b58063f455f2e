//! What waits for a second person is overtaken: its item is decided by another way, or is not what it was. Then the item is no longer part of the proposal, and a
//! proposal of which nothing is left ends by itself.

use crate::model::{Actor, ItemId, ProposalId, ProposalState, ProposedState, Timestamp};
use crate::proposals;
use crate::store::{StoreError, Tx};

/// The item was decided, by whatever way but this proposal. The item's row and its case are locked.
pub(in crate::flows) async fn overtake(
    tx: &mut Tx,
    actor: &Actor,
    item: &ItemId,
    by: Option<ProposalId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    match proposals::waiting_about(tx.conn(), item).await? {
        Some((id, _)) if Some(id) != by => leave_out(tx, actor, id, item, ProposedState::Overtaken, now).await,
        Some(_) | None => Ok(()),
    }
}

/// The item has another content now: who proposed something saw another one. The item's row is locked.
pub(in crate::flows) async fn item_changed(
    tx: &mut Tx,
    item: &ItemId,
    revision: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    match proposals::waiting_about(tx.conn(), item).await? {
        Some((id, seen)) if seen != revision => {
            leave_out(tx, &Actor::System, id, item, ProposedState::Changed, now).await
        }
        Some(_) | None => Ok(()),
    }
}

async fn leave_out(
    tx: &mut Tx,
    actor: &Actor,
    id: ProposalId,
    item: &ItemId,
    state: ProposedState,
    now: Timestamp,
) -> Result<(), StoreError> {
    let found = proposals::find_locked(tx, id).await?;
    if !proposals::settle_item(tx, id, item, state, None).await? {
        return Ok(());
    }
    let body = serde_json::json!({ "item": item.to_string(), "because": state.as_str() });
    tx.event(now, actor, "proposal.item_left_out", id, body);
    let n_left = proposals::n_waiting(tx.conn(), id).await?;
    // One that is being carried out ends with its last item anyway.
    if let (0, Some(Ok(stale))) = (
        n_left,
        found.map(|found| found.end_by_itself(ProposalState::Stale, now)),
    ) {
        super::ending::end(tx, &Actor::System, &stale, "proposal.stale", now).await?;
    }
    Ok(())
}
