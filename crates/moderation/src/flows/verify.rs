//! Verifies the store: that the event log is whole, and that what it must never contain is not there.

use crate::Seawall;
use crate::model::Event;
use crate::store::{StoreError, events};
use crate::views;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many lines the event log has.
    pub n_events: i64,
    /// The hash of its last line. Written down elsewhere, it shows later whether the log was rewritten as a whole.
    pub head: String,
    /// What is wrong, in words; at most [`FAULTS_MAX`].
    pub faults: Vec<String>,
}

/// The most faults that one verification lists.
pub const FAULTS_MAX: usize = 100;
/// How many lines are read at a time.
const PAGE: i64 = 1_000;

/// Reads the whole log and checks each line's number, its hash, and the hash of the line before; then checks that every
/// order has its decision, that every decision and order has its line in the log, and that every item has a decision.
pub async fn verify_store(app: &Seawall) -> Result<Verified, StoreError> {
    // One moment of the log: a line after its end was not appended meanwhile.
    let mut tx = app.store.begin_snapshot("verify the log").await?;
    let mut faults = Vec::new();
    let (head_seq, head_hash) = events::head(tx.conn()).await?;
    let mut last_seq = 0;
    let mut last_hash = Event::GENESIS.to_owned();
    loop {
        let page = events::list(tx.conn(), last_seq, PAGE).await?;
        if page.is_empty() || faults.len() >= FAULTS_MAX {
            break;
        }
        for event in &page {
            check_line(event, last_seq, &last_hash, &mut faults);
            last_seq = event.seq;
            last_hash.clone_from(&event.hash);
        }
    }
    if faults.len() < FAULTS_MAX && (last_seq, &last_hash) != (head_seq, &head_hash) {
        faults.push(format!(
            "the log ends at line {last_seq}, its end is said to be line {head_seq} with hash {head_hash}"
        ));
    }
    drop(tx);
    faults.extend(views::consistency_faults(app, FAULTS_MAX as i64).await?);
    faults.truncate(FAULTS_MAX);
    Ok(Verified {
        n_events: last_seq,
        head: last_hash,
        faults,
    })
}

fn check_line(event: &Event, last_seq: i64, last_hash: &str, faults: &mut Vec<String>) {
    if event.seq != last_seq + 1 {
        faults.push(format!(
            "line {} of the event log follows line {last_seq}: lines are missing",
            event.seq
        ));
    }
    if event.prev_hash != last_hash {
        faults.push(format!(
            "line {} of the event log does not hold the hash of the line before",
            event.seq
        ));
    }
    if event.compute_hash() != event.hash {
        faults.push(format!(
            "line {} of the event log was changed after it was written",
            event.seq
        ));
    }
}
