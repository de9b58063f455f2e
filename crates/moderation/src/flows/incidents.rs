//! An entry becomes part of an active incident for a time: whoever cuts pieces out of it is found by every crop of it, and it is looked for in what is
//! there already, from the same moment on (`hunts.rs`).
//!
//! Setting an incident twice moves its end. What is over is taken away by the upkeep; entries whose time is over are found by all their crops until
//! then, never by fewer than they should be.

use std::time::Duration;

use super::banks::BankError;
use super::{calibrate, follow};
use crate::banks::NewLook;
use crate::model::{Actor, EntryId, Right, Timestamp};
use crate::store::{StoreError, jobs};
use crate::{Seawall, banks};

/// The longest time that an incident lasts before someone says so again.
pub const INCIDENT_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// Incidents that are ended at a time.
const PAGE: i64 = 20;

/// Makes an entry part of an active incident until then, or of none.
pub async fn set_incident(
    app: &Seawall,
    actor: &Actor,
    id: EntryId,
    until: Option<Timestamp>,
) -> Result<(), BankError> {
    actor.require(Right::WriteBanks)?;
    let now = app.clock.now();
    let invalid = |what: &str| BankError::Invalid {
        field: "until",
        what: what.to_owned(),
    };
    if until.is_some_and(|until| until <= now) {
        return Err(invalid("must lie in the future"));
    }
    if until.is_some_and(|until| until > now.after(INCIDENT_MAX)) {
        return Err(invalid("must lie within a year"));
    }
    let before = banks::find_entry(&mut *app.store.reader().await?, id)
        .await?
        .ok_or(BankError::NotFound)?;
    if before.incident_until == until {
        return Ok(());
    }
    let kept = banks::find_look(&mut *app.store.reader().await?, id).await?;
    let look = calibrate::off_thread(|| {
        kept.map(|kept| match until {
            Some(_) => NewLook::dense(&kept),
            None => NewLook::of(&kept),
        })
    });
    let mut tx = app.store.begin("set incident").await?;
    banks::lock(&mut tx).await?;
    // Looks never change; what matters of the entry is read again under the lock.
    let before = banks::find_entry(tx.conn(), id).await?.ok_or(BankError::NotFound)?;
    banks::set_incident(&mut tx, id, until, now).await?;
    let has_crops = look.is_some();
    if let Some(look) = look {
        banks::set_dense(&mut tx, id, look, until).await?;
    }
    let words = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let body = serde_json::json!({ "from": words(before.incident_until), "to": words(until) });
    tx.event(now, actor, "entry.incident", id, body);
    if until.is_some() {
        // A hunt takes longer than any request may.
        jobs::enqueue(&mut tx, now, &app.chance, banks::HUNT, id, now).await?;
    }
    tx.commit().await?;
    app.bells.hunts.notify_one();
    follow::catch_up(app).await?;
    if has_crops {
        calibrate::judge_again(app, id).await?;
    }
    Ok(())
}

/// Takes away the crops of incidents that are over.
pub async fn end_incidents(app: &Seawall) -> Result<(), StoreError> {
    loop {
        let now = app.clock.now();
        let over = banks::incidents_over(&mut *app.store.reader().await?, now, PAGE).await?;
        if over.is_empty() {
            return Ok(());
        }
        for id in over {
            let kept = banks::find_look(&mut *app.store.reader().await?, id).await?;
            let look = calibrate::off_thread(|| kept.as_ref().map(NewLook::of));
            let mut tx = app.store.begin("end incident").await?;
            banks::lock(&mut tx).await?;
            // Somebody may have moved its end meanwhile.
            let entry = banks::find_entry(tx.conn(), id).await?;
            let is_over = entry
                .and_then(|entry| entry.incident_until)
                .filter(|until| *until <= now);
            if let Some(until) = is_over {
                banks::set_incident(&mut tx, id, None, now).await?;
                if let Some(look) = look {
                    banks::set_dense(&mut tx, id, look, None).await?;
                }
                let body = serde_json::json!({ "from": until.to_string(), "to": null });
                tx.event(now, &Actor::System, "entry.incident", id, body);
            }
            tx.commit().await?;
        }
        follow::catch_up(app).await?;
    }
}
