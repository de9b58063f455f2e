//! What the rules say becomes a decision and what follows from it: a case, orders, labels, ends of restrictions. In the transaction that remembers the item.
//!
//! Rules add to what stands and never take from it: a restriction is lifted by its end or by a person, and a decision says what stands.

use std::time::Duration;

use policy::{Queue, Ruling};
use serde_json::json;

use super::judging::{KnownItem, judge};
use super::orders::{Order, hurry, order_action};
use super::proposals::item_changed;
use super::routing::{facts_after_move, facts_of, place_anew, place_of, warn_in_time};
use crate::actions::StandingOrder;
use crate::matching::benign;
use crate::model::{
    ActionKind, Actor, Author, Case, CaseId, CaseState, Decision, DecisionId, ItemId, Label, LabelOn, MatchSegment,
    MediaStatus, MediaVerdict, Outcome, PolicyCode, Restricted, Timestamp, Versions,
};
use crate::rules::judge::Turn;
use crate::rules::restrictions::Ending;
use crate::rules::{Judged, labels, restrictions};
use crate::store::{AnyConnection, StoreError, Tx};
use crate::{Seawall, actions, cases, decisions};

/// How things stand with an item before it is decided anew.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// The decision in force.
    pub decision: Option<Decision>,
    standing: Vec<StandingOrder>,
    endings: Vec<Ending>,
}

impl Before {
    pub async fn of(conn: &mut AnyConnection, item: &ItemId) -> Result<Self, StoreError> {
        let standing = actions::standing_orders(&mut *conn, item).await?;
        let endings = match standing.is_empty() {
            true => Vec::new(),
            false => restrictions::of_item(&mut *conn, item).await?,
        };
        Ok(Self {
            decision: decisions::latest_of_item(conn, item).await?,
            standing,
            endings,
        })
    }

    /// What the platform was told to restrict.
    fn restricted(&self) -> impl Iterator<Item = Restricted> {
        let restricts = self.standing.iter().filter(|order| order.kind == ActionKind::Restrict);
        // Who was warned is not restricted.
        restricts
            .map(|order| order.what)
            .filter(|what| *what != Restricted::Warning)
    }

    /// The decision in force, if it restricts and goes on doing so because rules that find nothing any more lift nothing.
    fn stands(&self, ruling: &Ruling) -> Option<&Decision> {
        let is_restricted = self.restricted().next().is_some();
        let last = self.decision.as_ref();
        last.filter(|last| last.outcome == Outcome::Restrict && ruling.restrictions.is_empty() && is_restricted)
    }

    /// Whether all that a ruling would have ordered is ordered already, and goes on as long.
    pub fn has_ordered(&self, ruling: &Ruling) -> bool {
        ruling.restrictions.iter().all(|restriction| {
            let ends = self
                .endings
                .iter()
                .any(|ending| ending.what.as_str() == restriction.what);
            self.is_ordered(&restriction.what) && (restriction.for_ms.is_some() || !ends)
        })
    }

    fn is_ordered(&self, what: &str) -> bool {
        let is_it = |order: &StandingOrder| order.what.as_str() == what && order.is_in_force();
        self.standing.iter().any(is_it)
    }

    /// What a ruling comes to, with what stands.
    pub fn outcome(&self, ruling: &Ruling) -> Outcome {
        self.stands(ruling).map_or(ruling.outcome, |_| Outcome::Restrict)
    }

    /// The policy that it rests on then.
    pub fn policy(&self, ruling: &Ruling) -> Option<PolicyCode> {
        self.stands(ruling).map_or(ruling.policy, |stands| stands.policy)
    }

    /// When a restriction ends, if it does.
    fn end_of(&self, what: Restricted) -> Option<Timestamp> {
        let ends = self.endings.iter().filter(|ending| ending.what == what);
        ends.map(|ending| ending.ends_at).max()
    }

    /// The policy under which the item is restricted, now that its content is other. What ends by itself needs nobody who looks again.
    pub fn restricted_under(&self) -> Option<PolicyCode> {
        let is_restricted = self
            .standing
            .iter()
            .any(|order| order.what == Restricted::Item && order.kind == ActionKind::Restrict);
        let decision = self.decision.as_ref().filter(|_| is_restricted)?;
        decision.policy.filter(|_| self.end_of(Restricted::Item).is_none())
    }

    /// The same, where its content is what it was when it was last judged: what was true then is true still.
    pub fn still_restricted_under(&self) -> Option<PolicyCode> {
        let decision = self.decision.as_ref()?;
        decision.facts["restricted_before"].as_str()?.parse().ok()
    }
}

/// A decision that was made, and what it rests on.
pub(super) struct Decided<'a> {
    pub decision: Decision,
    /// Nothing speaks against the item, and it lies near to nothing.
    pub is_harmless: bool,
    /// To be told of the commit.
    pub turn: Turn<'a>,
}

/// Judges a revision of an item and does what the rules say. The item's row is locked.
pub(super) async fn decide<'a>(
    app: &'a Seawall,
    tx: &mut Tx,
    known: &KnownItem<'_>,
    media: &[MediaVerdict],
    before: &Before,
    (id, revision): (DecisionId, i64),
    now: Timestamp,
) -> Result<Decided<'a>, StoreError> {
    let (turn, judged) = judge(app, tx, known, id, now).await?;
    let ruling = &judged.ruling;
    let case = match ruling.case {
        Some(place) => Some(open_or_join_case(app, tx, known, &judged, place, id, now).await?),
        None => cases::find_open_of_item(tx.conn(), known.id).await?.map(|case| case.id),
    };
    if before.decision.is_some() {
        item_changed(tx, known.id, revision, now).await?;
    }
    let is_harmless = ruling.outcome == Outcome::Allow && known.matches.is_empty();
    if !is_harmless {
        benign::remove_item(tx, known.id).await?;
    }
    let mut restricted: Vec<Restricted> = before.restricted().collect();
    for restriction in &ruling.restrictions {
        let new = restriction.what.parse().ok();
        restricted.extend(new.filter(|what| !restricted.contains(what)));
    }
    let last = before.decision.as_ref();
    let stands = before.stands(ruling);
    let decision = Decision {
        id,
        item: known.id.clone(),
        revision,
        outcome: before.outcome(ruling),
        author: Author::Rule(ruling.rule.clone()),
        policy: before.policy(ruling),
        reason: stands.map_or_else(|| ruling.reason.clone(), |stands| stands.reason.clone()),
        facts: facts_as_json(known, media, &restricted, stands, judged.said.clone()),
        versions: versions(judged.version),
        supersedes: last.map(|decision| decision.id),
        case,
        decided_at: now,
    };
    decisions::insert(tx, &decision).await?;
    carry_out(app, tx, known, &decision, &judged, before).await?;
    Ok(Decided {
        decision,
        is_harmless,
        turn,
    })
}

/// What judged, for a decision made now.
pub(crate) fn versions(rules: i64) -> Versions {
    Versions {
        seawall: env!("CARGO_PKG_VERSION").to_owned(),
        rules: rules.to_string(),
    }
}

/// Does what the rules say beside the decision and its case: the line in the log, orders, labels, ends.
async fn carry_out(
    app: &Seawall,
    tx: &mut Tx,
    known: &KnownItem<'_>,
    decision: &Decision,
    judged: &Judged,
    before: &Before,
) -> Result<(), StoreError> {
    let (now, ruling) = (decision.decided_at, &judged.ruling);
    let body = json!({
        "decision": decision.id.to_string(), "revision": decision.revision, "outcome": decision.outcome.as_str(),
        "rule": ruling.rule, "rules": judged.version,
    });
    tx.event(now, &Actor::System, "item.decided", known.id, body);
    for restriction in &ruling.restrictions {
        // The checker lets no other words through.
        let Ok(what) = restriction.what.parse::<Restricted>() else {
            continue;
        };
        if !before.is_ordered(what.as_str()) {
            let order = Order {
                kind: ActionKind::Restrict,
                what,
                scope: String::new(),
                until: restriction.for_ms.map(|ms| after(now, ms)),
                held_until: None,
            };
            order_action(app, tx, &Actor::System, decision, order, now).await?;
        } else {
            hurry(app, tx, decision, what, None).await?;
        }
    }
    prolong(tx, known, decision.id, ruling, before, now).await
}

/// Makes ends of restrictions and labels as late as the rules say now.
pub(super) async fn prolong(
    tx: &mut Tx,
    known: &KnownItem<'_>,
    decision: DecisionId,
    ruling: &Ruling,
    before: &Before,
    now: Timestamp,
) -> Result<(), StoreError> {
    for restriction in &ruling.restrictions {
        let Ok(what) = restriction.what.parse::<Restricted>() else {
            continue;
        };
        let until = restriction.for_ms.map(|ms| after(now, ms));
        // A rule never shortens what stands: of two ends the later counts, and no end is later than any.
        let stands_until = before.end_of(what);
        let lasts = before.is_ordered(what.as_str())
            && stands_until.is_none_or(|stands| until.is_some_and(|until| until <= stands));
        if lasts {
            continue;
        }
        restrictions::forget_of(tx, known.id, what).await?;
        if let Some(ends_at) = until {
            let ending = Ending {
                decision,
                item: known.id.clone(),
                what,
                ends_at,
            };
            restrictions::insert(tx, &ending).await?;
        }
    }
    for new in &ruling.labels {
        let (on, subject) = match new.on.as_str() {
            "channel" => (LabelOn::Channel, known.channel),
            _ => (LabelOn::Account, known.account),
        };
        // Of an item that nobody posted nobody carries a label.
        let Some(subject) = subject else { continue };
        let label = Label {
            on,
            subject: subject.to_owned(),
            label: new.label.clone(),
            until: new.for_ms.map(|ms| after(now, ms)),
            set_by: format!("rule {}", new.rule),
            reason: new.reason.clone(),
            set_at: now,
        };
        if !labels::prolong(tx, &label).await? {
            continue;
        }
        let body = json!({
            "label": label.label, "on": on.as_str(), "rule": new.rule, "decision": decision.to_string(),
            "until": label.until.map(|until| until.to_string()),
        });
        tx.event(now, &Actor::System, "label.set", subject, body);
    }
    Ok(())
}

fn after(now: Timestamp, ms: i64) -> Timestamp {
    now.after(Duration::from_millis(ms.unsigned_abs()))
}

/// A case keeps its place, but moves to the more pressing of two queues, or up within its own.
pub(super) fn moves(open: &Case, (queue, priority): (Queue, i32)) -> bool {
    let weight = |queue: Queue, priority: i32| (queue.weight(priority.into()), priority);
    weight(queue, priority) > weight(open.queue, open.priority)
}

pub(super) async fn open_or_join_case(
    app: &Seawall,
    tx: &mut Tx,
    known: &KnownItem<'_>,
    judged: &Judged,
    (queue, priority): (Queue, i32),
    decision: DecisionId,
    now: Timestamp,
) -> Result<CaseId, StoreError> {
    let (item, reason) = (known.id, &judged.ruling.reason);
    let facts = facts_of(tx.conn(), known, judged, now).await?;
    // Locked and read again, so that nothing is taken from someone who takes or escalates it at this moment. It cannot be
    // closed meanwhile: who decides it locks the item first, and that is ours.
    let open = match cases::find_open_of_item(tx.conn(), item).await? {
        Some(open) => cases::find_locked(tx, open.id).await?,
        None => None,
    };
    if let Some(mut open) = open {
        let mut facts = facts;
        if moves(&open, (queue, priority)) {
            let moved = Case {
                queue,
                priority,
                reason: reason.clone(),
                ..open.clone()
            };
            cases::update(tx, &moved).await?;
            let body = json!({ "from": open.queue.as_str(), "to": queue.as_str() });
            tx.event(now, &Actor::System, "case.moved", open.id, body);
            facts.given_due = facts_after_move(&open.place).given_due;
            open = moved;
        }
        place_anew(app, tx, &open, facts, now).await?;
        return Ok(open.id);
    }
    let place = place_of(app, tx.conn(), (queue, priority, now), facts, now).await?;
    let case = Case {
        id: CaseId::fresh(now, &app.chance),
        item: item.clone(),
        queue,
        priority,
        reason: reason.clone(),
        state: CaseState::Open { lease: None },
        opened_at: now,
        opened_by: decision,
        place,
        taken_at: None,
        taken_over: None,
    };
    cases::insert(tx, &case).await?;
    warn_in_time(app, tx, &case, &case.place, now).await?;
    let body = json!({ "item": item.to_string(), "queue": queue.as_str(), "decision": decision.to_string() });
    tx.event(now, &Actor::System, "case.opened", case.id, body);
    Ok(case.id)
}

/// What the rule knew, and what all rules said: enough to make its decision again, and no content.
fn facts_as_json(
    known: &KnownItem<'_>,
    media: &[MediaVerdict],
    restricted: &[Restricted],
    stands: Option<&Decision>,
    said: serde_json::Value,
) -> serde_json::Value {
    let count = |is_so: fn(&MediaStatus) -> bool| known.media.iter().filter(|status| is_so(status)).count();
    let n_unscanned = count(|status| matches!(status, MediaStatus::Unscanned { .. }));
    let n_damaged = count(|status| matches!(status, MediaStatus::Scanned { is_intact: false, .. }));
    let matches: Vec<serde_json::Value> = media
        .iter()
        .flat_map(|file| file.matches.iter().map(move |found| (file, found)))
        .map(|(file, found)| {
            json!({
                "media": file.id.map(|id| id.to_string()), "entry": found.target.entry.to_string(),
                "bank": found.target.bank.to_string(), "bank_confirmed": found.target.bank_confirmed,
                "signal": found.signal_type.as_str(), "distance": found.distance, "threshold": found.threshold,
                "tier": found.tier.as_str(), "view": found.view, "nearest_benign": found.nearest_benign_bits,
                "segments": segments_as_json(&found.segments),
                "sighting": found.sighting.map(|seen| json!({
                    "places": seen.places, "compared": seen.compared, "alike": seen.alike,
                })),
            })
        })
        .collect();
    json!({
        "matches": matches, "n_unscanned": n_unscanned, "n_damaged": n_damaged,
        "reported": known.reported,
        "restricted_before": known.restricted_before.map(|policy| policy.as_str()),
        "restricted": restricted.iter().map(|what| what.as_str()).collect::<Vec<_>>(),
        "stands": stands.map(|decision| decision.id.to_string()),
        "rules": said,
    })
}

fn segments_as_json(segments: &[MatchSegment]) -> Option<Vec<serde_json::Value>> {
    let segments: Vec<serde_json::Value> = segments
        .iter()
        .map(|segment| {
            json!({
                "kind": segment.kind.as_str(), "tier": segment.tier.as_str(),
                "query_ms": [segment.query.from_ms, segment.query.to_ms],
                "entry_ms": [segment.entry.from_ms, segment.entry.to_ms],
                "rate": segment.rate_thousandths, "frames": segment.frames, "chance": segment.chance_log10_tenths,
            })
        })
        .collect();
    (!segments.is_empty()).then_some(segments)
}
