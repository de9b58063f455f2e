//! A change is watched beside the live rules: every event is judged by both, and only the live answer counts.

use super::RulesError;
use super::changes::{leave_shadow, open_change, standing_of};
use crate::Seawall;
use crate::model::{Actor, Change, ChangeId, ChangeState, Right};
use crate::rules::{changes, differences, standing};

/// Puts a change in shadow, in the place of one that is there. What is counted for it begins anew.
pub async fn start_shadow(app: &Seawall, actor: &Actor, id: ChangeId) -> Result<(), RulesError> {
    actor.require(Right::ProposeRules)?;
    let change = changes::find(&mut *app.store.reader().await?, id).await?;
    let change = change.ok_or(RulesError::NotFound { what: "change" })?;
    if !change.state.is_open() {
        return Err(RulesError::NotOpen { state: change.state });
    }
    // Its windows are filled and written down before the turn is taken, so that nobody waits for it.
    let mut ready = app.judge.prepare(&app.store, change.version).await?;
    ready.write_down(&app.store).await?;

    let mut tx = app.store.begin("put rules in shadow").await?;
    let last_seq = standing::lock(&mut tx).await?;
    let now = app.clock.now();
    let kept = standing_of(&mut tx).await?;
    let change = open_change(&mut tx, id).await?;
    if let Some((_, other)) = kept.standing.shadow.filter(|(_, other)| *other != id) {
        let other = open_change(&mut tx, other).await?;
        changes::update(&mut tx, &out_of_shadow(other)).await?;
    }
    ready.settle(&mut tx, last_seq).await?;
    standing::set_shadow(&mut tx, Some((change.version, id)), last_seq, now).await?;
    differences::begin(&mut tx, id).await?;
    let watched = Change {
        state: ChangeState::Shadow,
        shadow_since: Some(now),
        ..change
    };
    changes::update(&mut tx, &watched).await?;
    tx.event(
        now,
        actor,
        "rules.shadow",
        id,
        serde_json::json!({ "version": watched.version, "on": true }),
    );
    tx.commit().await?;
    app.judge.offer(ready).await;
    Ok(())
}

/// Watches a change no longer. What was counted stays.
pub async fn stop_shadow(app: &Seawall, actor: &Actor, id: ChangeId) -> Result<(), RulesError> {
    actor.require(Right::ProposeRules)?;
    let mut tx = app.store.begin("take rules out of shadow").await?;
    let last_seq = standing::lock(&mut tx).await?;
    let now = app.clock.now();
    let change = open_change(&mut tx, id).await?;
    if !leave_shadow(&mut tx, &change, last_seq, now).await? {
        return Err(RulesError::NotOpen { state: change.state });
    }
    let version = change.version;
    changes::update(&mut tx, &out_of_shadow(change)).await?;
    tx.event(
        now,
        actor,
        "rules.shadow",
        id,
        serde_json::json!({ "version": version, "on": false }),
    );
    tx.commit().await?;
    Ok(())
}

fn out_of_shadow(change: Change) -> Change {
    let state = match change.backtest {
        Some(_) => ChangeState::Backtested,
        None => ChangeState::Tested,
    };
    Change { state, ..change }
}
