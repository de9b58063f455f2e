//! A change of the rules: proposed with its tests passing, approved by a second person, live for all processes with one statement; and the
//! way back.
//!
//! Approving, refusing and withdrawing are safe to do twice: the second finds the change in another state and says so. So is going back, if who does it
//! says which version they saw live; proposing twice makes two changes.

use super::check::{check_files, checked};
use super::{RulesError, invalid, text};
use crate::model::{Actor, Change, ChangeId, ChangeState, KeyId, Right, RuleFile, RulesSource, Timestamp, off_thread};
use crate::rules::firings::Key;
use crate::rules::standing::{Reign, not_installed};
use crate::rules::versions::NewVersion;
use crate::rules::{changes, standing, versions};
use crate::store::{AnyConnection, StoreError, Tx};
use crate::{Seawall, access};

/// A change that somebody proposes.
#[derive(Debug, Clone)]
pub struct NewChange {
    /// All files of the rules as they should be, not only those that are different.
    pub files: Vec<RuleFile>,
    /// Why.
    pub note: String,
}

/// Proposes a change: the rules are checked and their tests run, and only what passes is kept.
pub async fn propose(app: &Seawall, actor: &Actor, new: NewChange) -> Result<ChangeId, RulesError> {
    actor.require(Right::ProposeRules)?;
    check_files(&new.files)?;
    let note = text("note", &new.note, 1, Change::NOTE_LENGTH_MAX)?;
    let now = app.clock.now();
    let report = off_thread(|| checked(&new.files, now.unix_ms()));
    if !report.is_good {
        return Err(RulesError::Refused(Box::new(report)));
    }
    let mut tx = app.store.begin("propose rules").await?;
    let live = standing_of(&mut tx).await?.standing.live;
    let base = versions::find(tx.conn(), live).await?;
    if base.is_some_and(|base| base.digest == versions::digest(&new.files)) {
        return Err(RulesError::Same);
    }
    let version = NewVersion {
        files: new.files,
        note: note.clone(),
        author: actor.to_string(),
        source: RulesSource::Proposed,
        n_rules: report.rules.len(),
    };
    let number = versions::insert(&mut tx, &version, now).await?;
    let change = Change {
        id: ChangeId::fresh(now, &app.chance),
        version: number,
        base: live,
        state: ChangeState::Tested,
        note,
        proposed_by: actor.to_string(),
        proposed_at: now,
        backtest: None,
        shadow_since: None,
        decided_by: None,
        decided_at: None,
        decided_note: None,
    };
    changes::insert(&mut tx, &change).await?;
    let body = serde_json::json!({ "version": number, "base": live, "n_rules": report.rules.len() });
    tx.event(now, actor, "rules.proposed", change.id, body);
    tx.commit().await?;
    Ok(change.id)
}

/// Takes one's own change back.
pub async fn withdraw(app: &Seawall, actor: &Actor, id: ChangeId, note: &str) -> Result<(), RulesError> {
    actor.require(Right::ProposeRules)?;
    end(app, actor, id, ChangeState::Withdrawn, note).await
}

/// Refuses a change.
pub async fn reject(app: &Seawall, actor: &Actor, id: ChangeId, note: &str) -> Result<(), RulesError> {
    actor.require(Right::StopRules)?;
    end(app, actor, id, ChangeState::Rejected, note).await
}

async fn end(app: &Seawall, actor: &Actor, id: ChangeId, state: ChangeState, note: &str) -> Result<(), RulesError> {
    let note = text("note", note, 0, Change::NOTE_LENGTH_MAX)?;
    let mut tx = app.store.begin("end a change of the rules").await?;
    let last_seq = standing::lock(&mut tx).await?;
    let now = app.clock.now();
    let change = open_change(&mut tx, id).await?;
    if state == ChangeState::Withdrawn && change.proposed_by != actor.to_string() {
        return Err(invalid("change", "was proposed by somebody else: reject it instead"));
    }
    leave_shadow(&mut tx, &change, last_seq, now).await?;
    let ended = decided(change, state, actor, now, note);
    changes::update(&mut tx, &ended).await?;
    let kind = match state {
        ChangeState::Withdrawn => "rules.withdrawn",
        _ => "rules.rejected",
    };
    tx.event(now, actor, kind, id, serde_json::json!({ "version": ended.version }));
    tx.commit().await?;
    Ok(())
}

/// Makes a change live that somebody else proposed. From the next event on all processes judge by it. Says the version.
pub async fn approve(app: &Seawall, actor: &Actor, id: ChangeId, note: &str) -> Result<i64, RulesError> {
    actor.require(Right::ApproveRules)?;
    let note = text("note", note, 0, Change::NOTE_LENGTH_MAX)?;
    let mut conn = app.store.reader().await?;
    let change = changes::find(&mut conn, id).await?;
    let change = change.ok_or(RulesError::NotFound { what: "change" })?;
    check_approval(&mut conn, actor, &change).await?;
    drop(conn);
    // Its windows are filled and written down before the turn is taken, so that nobody waits for it.
    let mut ready = app.judge.prepare(&app.store, change.version).await?;
    ready.write_down(&app.store).await?;

    let mut tx = app.store.begin("approve rules").await?;
    let last_seq = standing::lock(&mut tx).await?;
    let now = app.clock.now();
    let kept = standing_of(&mut tx).await?;
    let change = open_change(&mut tx, id).await?;
    check_approval(tx.conn(), actor, &change).await?;
    if change.base != kept.standing.live {
        return Err(RulesError::Stale {
            base: change.base,
            live: kept.standing.live,
        });
    }
    ready.settle(&mut tx, last_seq).await?;
    leave_shadow(&mut tx, &change, last_seq, now).await?;
    changes::end_live(&mut tx).await?;
    let why = format!("change {id}");
    standing::set_live(&mut tx, change.version, last_seq, &actor.to_string(), &why, now).await?;
    let approved = decided(change, ChangeState::Live, actor, now, note);
    changes::update(&mut tx, &approved).await?;
    let body = serde_json::json!({
        "version": approved.version, "from": kept.standing.live, "change": id.to_string(),
        "proposed_by": approved.proposed_by,
    });
    tx.event(now, actor, "rules.live", approved.version, body);
    tx.commit().await?;
    app.judge.offer(ready).await;
    Ok(approved.version)
}

/// A step back.
#[derive(Debug, Clone)]
pub struct RollBack {
    /// To which version, of those that were live before; with none, to the one before.
    pub to: Option<i64>,
    /// The version that they saw live who want this. If another is by now, nothing happens: the same step taken twice is one step.
    pub from: Option<i64>,
    /// Why.
    pub why: String,
}

/// Goes back to a version that was live before: the one before, or the one that is named. One person can do it, because it makes nothing live
/// that was not approved once. Says the version.
pub async fn roll_back(app: &Seawall, actor: &Actor, step: &RollBack) -> Result<i64, RulesError> {
    /// How far one can go back.
    const REIGNS_MAX: i64 = 1_000;
    actor.require(Right::StopRules)?;
    let why = text("why", &step.why, 1, Change::NOTE_LENGTH_MAX)?;
    let mut conn = app.store.reader().await?;
    let kept = standing::read(&mut conn).await?.ok_or_else(not_installed)?;
    let live = kept.standing.live;
    let is_seen = |live: i64| match step.from {
        Some(base) if base != live => Err(RulesError::Stale { base, live }),
        _ => Ok(()),
    };
    is_seen(live)?;
    let reigns = standing::reigns(&mut conn, REIGNS_MAX).await?;
    let version = match step.to {
        Some(to) if to == live => return Err(RulesError::Same),
        Some(to) => reigns.iter().map(|reign| reign.version).find(|version| *version == to),
        None => version_before(app, &mut conn, &reigns, live).await?,
    };
    drop(conn);
    let version = version.ok_or(RulesError::NotFound {
        what: "version that was live before",
    })?;
    let mut ready = app.judge.prepare(&app.store, version).await?;
    ready.write_down(&app.store).await?;

    let mut tx = app.store.begin("roll rules back").await?;
    let last_seq = standing::lock(&mut tx).await?;
    let now = app.clock.now();
    let kept = standing_of(&mut tx).await?;
    is_seen(kept.standing.live)?;
    if kept.standing.live != live {
        return Err(RulesError::Stale {
            base: live,
            live: kept.standing.live,
        });
    }
    ready.settle(&mut tx, last_seq).await?;
    changes::end_live(&mut tx).await?;
    let said = format!("rolled back: {why}");
    standing::set_live(&mut tx, version, last_seq, &actor.to_string(), &said, now).await?;
    let body = serde_json::json!({ "version": version, "from": live, "rolled_back": true });
    tx.event(now, actor, "rules.live", version, body);
    tx.commit().await?;
    app.judge.offer(ready).await;
    Ok(version)
}

/// The version that was live before a version first was: going back twice goes two steps, and never forward again. Of what Seawall suspended nothing
/// comes back by itself: versions in which it still counts are passed over.
async fn version_before(
    app: &Seawall,
    conn: &mut AnyConnection,
    reigns: &[Reign],
    live: i64,
) -> Result<Option<i64>, StoreError> {
    let mut suspended: Vec<Key> = Vec::new();
    let mut at = live;
    loop {
        // The newest stands first.
        let first = reigns.iter().rposition(|reign| reign.version == at);
        let Some(before) = first.and_then(|first| reigns.get(first + 1)) else {
            return Ok(None);
        };
        let version = app.judge.compiled(&mut *conn, before.version).await?;
        let edition = versions::find(&mut *conn, at).await?;
        if edition.is_some_and(|edition| edition.source == RulesSource::Suspended) {
            let now = app.judge.compiled(&mut *conn, at).await?;
            let keys = version.keys().iter();
            suspended.extend(keys.filter(|key| version.counts(key) && !now.counts(key)).cloned());
        }
        if !suspended.iter().any(|key| version.counts(key)) {
            return Ok(Some(before.version));
        }
        at = before.version;
    }
}

async fn check_approval(conn: &mut AnyConnection, actor: &Actor, change: &Change) -> Result<(), RulesError> {
    if !change.state.is_open() {
        return Err(RulesError::NotOpen { state: change.state });
    }
    // Whoever holds a key proposes by it: its maker is no second person.
    let maker = match change.proposed_by.parse::<KeyId>() {
        Ok(key) => access::maker_of_key(conn, key).await?,
        Err(_) => None,
    };
    if change.proposed_by == actor.to_string() || (maker.is_some() && maker == actor.user()) {
        return Err(RulesError::SamePerson);
    }
    Ok(())
}

/// The change, locked, if it may still become live.
pub(super) async fn open_change(tx: &mut Tx, id: ChangeId) -> Result<Change, RulesError> {
    let change = changes::find_locked(tx, id).await?;
    let change = change.ok_or(RulesError::NotFound { what: "change" })?;
    if !change.state.is_open() {
        return Err(RulesError::NotOpen { state: change.state });
    }
    Ok(change)
}

/// Nothing is in shadow for a change that ends.
pub(super) async fn leave_shadow(
    tx: &mut Tx,
    change: &Change,
    last_seq: i64,
    now: Timestamp,
) -> Result<bool, RulesError> {
    let kept = standing_of(tx).await?;
    let is_in_shadow = kept.standing.shadow.is_some_and(|(_, of)| of == change.id);
    if is_in_shadow {
        standing::set_shadow(tx, None, last_seq, now).await?;
    }
    Ok(is_in_shadow)
}

fn decided(change: Change, state: ChangeState, actor: &Actor, now: Timestamp, note: String) -> Change {
    Change {
        state,
        decided_by: Some(actor.to_string()),
        decided_at: Some(now),
        decided_note: Some(note).filter(|note| !note.is_empty()),
        ..change
    }
}

pub(super) async fn standing_of(tx: &mut Tx) -> Result<standing::Kept, StoreError> {
    standing::read(tx.conn()).await?.ok_or_else(not_installed)
}
