//! The same content comes again, and only what is said of it is other: how often it was seen, say. That is kept and judged, so that
//! windows know of it; the decision in force holds unless something else would come of it now.

use policy::NewLabel;
use serde_json::{Value, json};

use super::deciding::{Before, moves, prolong};
use super::judging::{KnownItem, judge, take_turn};
use super::remember::Kept;
use super::routing::place_again;
use super::scan::ScannedFile;
use crate::items::{self, NewItem};
use crate::matching::Found;
use crate::model::{Actor, Decision, LabelOn, Timestamp, spoken};
use crate::rules::judge::NewEvent;
use crate::rules::{Judged, labels};
use crate::store::requests::{self, Recalled};
use crate::store::{AnyConnection, IdempotencyKey, StoreError, Tx};
use crate::{Seawall, cases};

/// A submission of content that was judged before.
pub(super) struct Again<'a> {
    pub item: &'a NewItem,
    /// When the item first came.
    pub received_at: Timestamp,
    pub files: &'a [ScannedFile],
    pub found: &'a [Found],
    /// The key of the request: what it says is kept only if the key is its own.
    pub key: Option<&'a IdempotencyKey>,
    pub now: Timestamp,
}

impl<'a> Again<'a> {
    /// What rules are asked about.
    fn known(&self, before: Option<&Before>) -> KnownItem<'a> {
        let statuses = self.files.iter().map(|file| &file.status).collect();
        let matches = self.found.iter().flat_map(|found| &found.matches).collect();
        let restricted_before = before.and_then(Before::still_restricted_under);
        KnownItem {
            transcript: spoken(self.files.iter().flat_map(|file| &file.transcript)),
            ..KnownItem::of_new(self.item, self.received_at, statuses, matches, restricted_before)
        }
    }

    /// Takes the request's key for the decision that holds; what became of the request, if the key was used before. As where
    /// the item is new, this comes before the turn to judge, so that nobody who has the turn waits for a key.
    async fn reserve(&self, tx: &mut Tx, decision: &Decision) -> Result<Option<Kept>, StoreError> {
        let Some(key) = self.key else { return Ok(None) };
        let recalled = requests::reserve(tx, key, decision.id, self.now).await?;
        Ok((recalled != Recalled::Nothing).then_some(Kept::Before(recalled)))
    }

    /// Keeps what is said of it by now, and says so in the log.
    async fn keep(&self, tx: &mut Tx, actor: &Actor, decision: &Decision) -> Result<(), StoreError> {
        items::put_facts(tx, self.item).await?;
        let body = json!({
            "revision": decision.revision, "kind": self.item.kind.as_str(), "n_media": self.files.len(),
            "stands": decision.id.to_string(),
        });
        tx.event(self.now, actor, "item.submitted", &self.item.id, body);
        Ok(())
    }

    /// Whether its files became what they are kept as: one that could not be scanned then may be scanned now.
    pub async fn has_files_of(&self, conn: &mut AnyConnection, decision: &Decision) -> Result<bool, StoreError> {
        let kept = items::list_media(conn, &self.item.id, decision.revision).await?;
        let is_same = |(kept, new): (&items::NewMediaRow, &ScannedFile)| {
            let kept = &kept.media;
            kept.name == new.name && kept.status == new.status && kept.signals == new.signals
        };
        Ok(kept.len() == self.files.len() && kept.iter().zip(self.files).all(is_same))
    }
}

/// What a person decided on the same content holds: nothing follows.
pub(super) async fn keep_under_person(
    app: &Seawall,
    actor: &Actor,
    mut tx: Tx,
    again: &Again<'_>,
    decision: &Decision,
) -> Result<Kept, StoreError> {
    if let Some(kept) = again.reserve(&mut tx, decision).await? {
        return Ok(kept);
    }
    again.keep(&mut tx, actor, decision).await?;
    let (turn, _) = judge(app, &mut tx, &again.known(None), decision.id, again.now).await?;
    tx.commit().await?;
    turn.committed().await;
    Ok(Kept::Same)
}

/// What rules decided on the same content holds if they say the same again, and all that follows from it was done; only its ends
/// come later. If not, nothing is kept, and it is judged as what is new.
pub(super) async fn keep_if_same(
    app: &Seawall,
    actor: &Actor,
    mut tx: Tx,
    again: &Again<'_>,
    before: &Before,
    decision: &Decision,
) -> Result<Option<Kept>, StoreError> {
    if let Some(kept) = again.reserve(&mut tx, decision).await? {
        return Ok(Some(kept));
    }
    let known = again.known(Some(before));
    let (mut turn, facts) = take_turn(app, &mut tx, &known, again.now).await?;
    let judged = turn.look(&mut tx, &facts).await?;
    if !holds(&mut tx, again, before, decision, &judged).await? {
        return Ok(None);
    }
    again.keep(&mut tx, actor, decision).await?;
    let new = NewEvent {
        decision: decision.id,
        item: known.id,
        facts: &facts,
        now: again.now,
    };
    turn.judge(&mut tx, &new).await?;
    prolong(&mut tx, &known, decision.id, &judged.ruling, before, again.now).await?;
    place_again(app, &mut tx, &known, &judged, again.now).await?;
    tx.commit().await?;
    turn.committed().await;
    Ok(Some(Kept::Same))
}

/// Whether a new decision would be the one in force over again, and change nothing.
async fn holds(
    tx: &mut Tx,
    again: &Again<'_>,
    before: &Before,
    decision: &Decision,
    judged: &Judged,
) -> Result<bool, StoreError> {
    let ruling = &judged.ruling;
    let is_said_again = fired(&decision.facts["rules"]) == fired(&judged.said)
        && before.outcome(ruling) == decision.outcome
        && before.has_ordered(ruling)
        && before.policy(ruling) == decision.policy;
    if !is_said_again {
        return Ok(false);
    }
    if let Some(place) = ruling.case {
        let open = cases::find_open_of_item(tx.conn(), &again.item.id).await?;
        if open.is_none_or(|open| moves(&open, place)) {
            return Ok(false);
        }
    }
    for label in &ruling.labels {
        if !is_set(tx.conn(), again, label).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The rules that fired, which of them count, and which decided. What their reasons say may be a number that grows.
fn fired(said: &Value) -> Option<Vec<[&Value; 3]>> {
    let fired = said["fired"].as_array()?.iter();
    Some(
        fired
            .map(|fired| [&fired["rule"], &fired["counts"], &fired["decides"]])
            .collect(),
    )
}

async fn is_set(conn: &mut AnyConnection, again: &Again<'_>, new: &NewLabel) -> Result<bool, StoreError> {
    let (on, subject) = match new.on.as_str() {
        "channel" => (LabelOn::Channel, &again.item.channel),
        _ => (LabelOn::Account, &again.item.account),
    };
    // Of an item that nobody posted nobody carries a label.
    let Some(subject) = subject else { return Ok(true) };
    let in_force = labels::in_force(conn, on, subject, again.now).await?;
    let found = in_force.iter().find(|label| label.label == new.label);
    Ok(found.is_some_and(|label| label.until.is_none() || new.for_ms.is_some()))
}
