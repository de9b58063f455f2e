//! Hunts are work that is due: whoever makes an entry part of an incident writes a job, and a worker looks for the entry (`hunt.rs`). A hunt that is cut
//! off is begun again by whoever has the time, and finds the same.
//!
//! Items are searched once, by the worker that holds the job. Streams are in the memory of the process that their pieces come to, so each process searches
//! its own, a moment after the entry became part of the incident.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;

use super::hunt::{self, Quarry};
use super::{calibrate, follow};
use crate::model::{Actor, EntryId, Timestamp};
use crate::store::StoreError;
use crate::store::jobs::{self, Job};
use crate::{Seawall, banks};

const KINDS: [&str; 2] = [banks::HUNT, HUNT_LATE];
/// The kind of job that looks once more, in what was being submitted during the hunt.
const HUNT_LATE: &str = "hunt_entry_late";
/// Whatever is submitted is held against the banks and remembered within this time, and every process has followed the banks long before.
const LATE_AFTER: Duration = Duration::from_secs(30);
/// An item bears the time at which it began to be remembered, which may lie so much before it could be read.
const LATE_BEFORE: Duration = Duration::from_secs(60);
/// A worker that says nothing for so long has died, and its hunt is begun again.
const LEASE: Duration = Duration::from_secs(60);
/// How often a worker says that it goes on.
const RENEW_EVERY: Duration = Duration::from_secs(15);
/// The longest that a worker sleeps without looking: incidents of other processes, leases of dead ones.
const POLL_MAX: Duration = Duration::from_secs(2);
/// Active incidents whose entries are looked for in streams, the last marked first.
const INCIDENTS_MAX: i64 = 1_000;

/// Which entries of incidents the streams of this process were searched for, and when each was marked.
#[derive(Debug, Default)]
pub(crate) struct Searched(tokio::sync::Mutex<HashMap<EntryId, Timestamp>>);

/// Hunts for what is due until told to stop. What is under way then is left to the next process.
pub async fn run_hunter(app: Seawall, mut shutdown: watch::Receiver<bool>) {
    let worker = format!("hunter-{}", hex::encode(app.chance.bytes::<8>()));
    while !*shutdown.borrow() {
        let done = match jobs::claim(&app.store, &worker, &KINDS, app.clock.now(), LEASE).await {
            Ok(Some(job)) => {
                let done = tokio::select! {
                    done = work_on(&app, &worker, &job) => Some(done),
                    () = told_to_stop(&mut shutdown) => None,
                };
                match done {
                    Some(done) => done.map(|()| true),
                    None => give_back(&app, &worker, &job).await.map(|()| false),
                }
            }
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        match done {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot look for an entry of an incident; it will be tried again"
            ),
        }
        tokio::select! {
            () = app.bells.hunts.notified() => {}
            () = tokio::time::sleep(POLL_MAX) => {}
            _ = shutdown.changed() => {}
        }
    }
}

async fn told_to_stop(shutdown: &mut watch::Receiver<bool>) {
    // Whoever would tell is gone: that tells it too.
    let _ = shutdown.wait_for(|told| *told).await;
}

/// Does all hunts that are due now, one after the other, and returns how many. For tests; a server uses [`run_hunter`].
pub async fn hunt_due(app: &Seawall, worker: &str) -> Result<usize, StoreError> {
    let mut n_done = 0;
    while let Some(job) = jobs::claim(&app.store, worker, &KINDS, app.clock.now(), LEASE).await? {
        work_on(app, worker, &job).await?;
        n_done += 1;
    }
    Ok(n_done)
}

/// Hunts, and says meanwhile that it goes on.
async fn work_on(app: &Seawall, worker: &str, job: &Job) -> Result<(), StoreError> {
    let hunting = async {
        match job.kind == HUNT_LATE {
            true => hunt_late_for(app, job).await.map(|()| None),
            false => hunt_for(app, job).await,
        }
    };
    tokio::pin!(hunting);
    loop {
        tokio::select! {
            done = &mut hunting => {
                let looks_again_for = done?;
                let mut tx = app.store.begin("end a hunt").await?;
                if let Some(entry) = looks_again_for {
                    let now = app.clock.now();
                    jobs::enqueue(&mut tx, now, &app.chance, HUNT_LATE, entry, now.after(LATE_AFTER)).await?;
                }
                jobs::finish(&mut tx, job, worker).await?;
                return tx.commit().await;
            }
            () = tokio::time::sleep(RENEW_EVERY) => {
                let mut tx = app.store.begin("go on with a hunt").await?;
                let is_ours = jobs::renew(&mut tx, job, worker, app.clock.now().after(LEASE)).await?;
                tx.commit().await?;
                if !is_ours {
                    // This process stood still for so long that another took it over.
                    return Ok(());
                }
            }
        }
    }
}

async fn give_back(app: &Seawall, worker: &str, job: &Job) -> Result<(), StoreError> {
    let mut tx = app.store.begin("leave a hunt to another").await?;
    jobs::postpone(&mut tx, job, worker, app.clock.now()).await?;
    tx.commit().await
}

/// Looks for the entry that the job names, if it still is part of an incident, and returns it then.
async fn hunt_for(app: &Seawall, job: &Job) -> Result<Option<EntryId>, StoreError> {
    let Ok(id) = job.subject.parse::<EntryId>() else {
        return Ok(None);
    };
    follow::catch_up(app).await?;
    // The request that made it part of the incident may have been cut off before it came to this.
    calibrate::judge_again(app, id).await?;
    let entry = banks::find_entry(&mut *app.store.reader().await?, id).await?;
    let Some(entry) = entry.filter(|entry| entry.incident_until.is_some()) else {
        return Ok(None);
    };
    search_streams(app).await?;
    hunt::hunt(app, &Actor::System, &entry).await?;
    Ok(Some(id))
}

/// Looks in what was submitted since the entry became part of an incident.
async fn hunt_late_for(app: &Seawall, job: &Job) -> Result<(), StoreError> {
    let Ok(id) = job.subject.parse::<EntryId>() else {
        return Ok(());
    };
    let active = banks::active_incidents(&mut *app.store.reader().await?, app.clock.now(), INCIDENTS_MAX).await?;
    let entry = banks::find_entry(&mut *app.store.reader().await?, id).await?;
    let incident = active.iter().find(|incident| incident.entry == id);
    if let (Some(incident), Some(entry)) = (incident, entry) {
        hunt::hunt_late(app, &entry, incident.marked_at.before(LATE_BEFORE)).await?;
    }
    Ok(())
}

/// Looks in the streams of this process for entries that became part of an incident since it last looked. Called now and then.
pub async fn search_streams(app: &Seawall) -> Result<(), StoreError> {
    let mut searched = app.searched.0.lock().await;
    let active = banks::active_incidents(&mut *app.store.reader().await?, app.clock.now(), INCIDENTS_MAX).await?;
    searched.retain(|entry, _| active.iter().any(|incident| incident.entry == *entry));
    let new = active
        .iter()
        .filter(|incident| searched.get(&incident.entry) != Some(&incident.marked_at));
    let new: Vec<banks::Incident> = new.copied().collect();
    if new.is_empty() {
        return Ok(());
    }
    // A stream that is opened from now on is held against the entry as it comes.
    follow::catch_up(app).await?;
    for incident in new {
        let streams = app.streams.all();
        let entry = match streams.is_empty() {
            true => None,
            false => banks::find_entry(&mut *app.store.reader().await?, incident.entry).await?,
        };
        let quarry = match &entry {
            Some(entry) => Quarry::of(app, entry).await?,
            None => None,
        };
        for live in streams {
            let Some(quarry) = &quarry else { break };
            if let Err(error) = live.hunt(app, quarry).await {
                // The next frame has it judged again.
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot remember what was found in a stream"
                );
            }
        }
        searched.insert(incident.entry, incident.marked_at);
    }
    Ok(())
}
