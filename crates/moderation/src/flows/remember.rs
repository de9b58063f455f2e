//! What was found out about an item is judged and remembered, in one transaction: item · media · matches · decision · case · action · event · jobs.
//!
//! Whoever found it out, a submission or a live stream, ends here.

use media::Previews;
use policy::{Facts, MatchFact, PolicyCode, Ruling};

use super::calibrate;
use super::scan::{ScannedFile, ScannedRecording};
use super::streams::{StreamHit, TELL};
use super::submit::SubmitError;
use crate::items::{NewItem, NewMediaRow, NewStripPicture, Put};
use crate::matching::{Found, benign, evidence};
use crate::model::{
    Action, ActionId, ActionKind, ActionState, Actor, Author, Case, CaseId, CaseState, Decision, DecisionId, ItemId,
    Match, MatchSegment, Media, MediaId, MediaStatus, MediaVerdict, Outcome, PreviewKind, StreamVerdict, Tier,
    Timestamp, Verdict, Versions,
};
use crate::store::requests::{self, Recalled};
use crate::store::{IdempotencyKey, StoreError, Tx};
use crate::{Seawall, actions, cases, decisions, items, streams};

/// The kind of job that delivers an action.
pub(crate) const DELIVER: &str = "deliver";

/// What was found out about an item.
pub(super) struct Judged {
    /// The item.
    pub item: NewItem,
    /// Its files.
    pub files: Vec<ScannedFile>,
    /// What they lie near to, file by file.
    pub found: Vec<Found>,
    /// The moment of a live stream at which it was found out.
    pub hit: Option<StreamHit>,
}

/// What became of it.
pub(super) enum Kept {
    /// It was judged now.
    Now(Verdict),
    /// Nothing about the item is new.
    Same,
    /// The idempotency key was used before.
    Before(Recalled),
}

/// Judges an item and remembers it.
pub(super) async fn remember(
    app: &Seawall,
    actor: &Actor,
    judged: Judged,
    key: Option<&IdempotencyKey>,
) -> Result<Kept, SubmitError> {
    let Judged {
        item,
        files,
        found,
        hit,
    } = judged;
    let mut tx = app.store.begin("submit item").await?;
    let now = app.clock.now();
    let revision = match items::put(&mut tx, &item, now).await? {
        Put::Fresh { revision } => revision,
        Put::Same => return Ok(Kept::Same),
    };

    let standing = actions::standing_order(tx.conn(), &item.id).await?;
    let before = decisions::latest_of_item(tx.conn(), &item.id).await?;
    let restricted_before = match standing.map(|last| last.kind) {
        Some(ActionKind::Restrict) => before.as_ref().and_then(|decision| decision.policy),
        Some(ActionKind::Restore) | None => None,
    };
    let facts = facts(&files, &found, item.report.is_some(), restricted_before);
    let ruling = policy::evaluate(&facts);

    let decision_id = DecisionId::fresh(now, &app.chance);
    if let Some(key) = key {
        let recalled = requests::reserve(&mut tx, key, decision_id, now).await?;
        if recalled != Recalled::Nothing {
            return Ok(Kept::Before(recalled));
        }
    }
    let case = match ruling.queue {
        Some(_) => Some(open_or_join_case(app, &mut tx, &item.id, &ruling, decision_id, now).await?),
        None => cases::find_open_of_item(tx.conn(), &item.id).await?.map(|case| case.id),
    };
    let is_harmless = ruling.outcome == Outcome::Allow && facts.matches.is_empty();
    if !is_harmless {
        benign::remove_item(&mut tx, &item.id).await?;
    }
    let mut n_entered = 0;
    let mut media_verdicts = Vec::with_capacity(files.len());
    for (file, found) in files.into_iter().zip(found) {
        let media = Media {
            id: MediaId::fresh(now, &app.chance),
            item: item.id.clone(),
            revision,
            name: file.name,
            status: file.status,
            signals: file.signals,
        };
        items::insert_media(
            &mut tx,
            &NewMediaRow {
                media: media.clone(),
                matches_capped: found.capped,
            },
        )
        .await?;
        evidence::insert(&mut tx, &media, &found.matches).await?;
        // Pictures are kept only where a person will look at them.
        if let (Some(previews), Some(_)) = (file.previews, case) {
            insert_previews(&mut tx, media.id, previews).await?;
        }
        if let Some(recording) = file.recording {
            keep_recording(&mut tx, &media, recording, case.is_some(), now).await?;
        }
        let entrant = file.looks.filter(|_| is_harmless);
        if let Some(entrant) = entrant.and_then(|looks| calibrate::draw(app, &looks)) {
            entrant.enter(&mut tx, &media.id.to_string(), &item.id, now).await?;
            n_entered += 1;
        }
        media_verdicts.push(MediaVerdict {
            id: Some(media.id),
            name: media.name,
            status: media.status,
            signals: media.signals,
            matches: found.matches,
            matches_capped: found.capped,
        });
    }

    let decision = Decision {
        id: decision_id,
        item: item.id.clone(),
        revision,
        outcome: ruling.outcome,
        author: Author::Rule(ruling.rule.to_owned()),
        policy: ruling.policy,
        reason: ruling.reason.to_owned(),
        facts: facts_as_json(&facts, &media_verdicts),
        versions: versions(),
        supersedes: before.map(|decision| decision.id),
        case,
        decided_at: now,
    };
    decisions::insert(&mut tx, &decision).await?;
    let body = serde_json::json!({ "revision": revision, "kind": item.kind.as_str(), "n_media": media_verdicts.len() });
    tx.event(now, actor, "item.submitted", &item.id, body);
    let body = serde_json::json!({
        "decision": decision.id.to_string(), "revision": revision, "outcome": decision.outcome.as_str(),
        "rule": ruling.rule, "rules": policy::RULES_VERSION,
    });
    tx.event(now, &Actor::System, "item.decided", &item.id, body);
    let is_ordered = standing.is_some_and(|last| last.kind == ActionKind::Restrict && !last.given_up);
    if ruling.outcome == Outcome::Restrict && !is_ordered {
        order_action(app, &mut tx, &Actor::System, &decision, ActionKind::Restrict, now).await?;
    }
    let told = match &hit {
        Some(hit) => Some(tell_hit(app, &mut tx, hit, &decision, &media_verdicts).await?),
        None => None,
    };
    tx.commit().await?;
    if let Some(told) = told {
        app.streams.tell(told);
    }
    app.bells.jobs.notify_one();
    if let Err(error) = calibrate::entered(app, n_entered).await {
        // The verdict stands; the sample is trimmed another time.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "cannot trim the benign sample"
        );
    }

    let verdict = Verdict {
        item: item.id,
        outcome: ruling.outcome,
        decision: Some(decision.id),
        case,
        media: media_verdicts,
    };
    Ok(Kept::Now(verdict))
}

async fn insert_previews(tx: &mut Tx, media: MediaId, previews: Previews) -> Result<(), StoreError> {
    let all = [
        (PreviewKind::Small, previews.small),
        (PreviewKind::Blurred, previews.blurred),
        (PreviewKind::Greyscale, previews.greyscale),
    ];
    for (kind, bytes) in all {
        if !bytes.is_empty() {
            items::insert_preview(tx, media, kind, bytes).await?;
        }
    }
    Ok(())
}

/// Keeps what a video was recognised by, and its strip where a person will look at it.
async fn keep_recording(
    tx: &mut Tx,
    media: &Media,
    recording: ScannedRecording,
    has_case: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let frames = items::frames_to_bytes(&recording.frames);
    let print = recording.sound.as_ref().map(|sound| sound.print().to_bytes());
    items::insert_trace(tx, media, frames, print, now).await?;
    if has_case {
        let strip = recording.strip.into_iter().map(|picture| NewStripPicture {
            at_ms: picture.at_ms,
            small: picture.small,
            blurred: picture.blurred,
        });
        items::insert_strip(tx, media.id, strip.collect(), recording.waveform).await?;
    }
    Ok(())
}

/// Orders an action and writes the job that will deliver it.
pub(crate) async fn order_action(
    app: &Seawall,
    tx: &mut Tx,
    actor: &Actor,
    decision: &Decision,
    kind: ActionKind,
    now: Timestamp,
) -> Result<ActionId, StoreError> {
    let action = Action {
        id: ActionId::fresh(now, &app.chance),
        item: decision.item.clone(),
        kind,
        decision: decision.id,
        state: ActionState::Waiting,
        attempts: 0,
        ordered_at: now,
    };
    actions::insert(tx, &action).await?;
    crate::store::jobs::enqueue(tx, now, &app.chance, DELIVER, action.id, now).await?;
    let body = serde_json::json!({
        "item": action.item.to_string(), "kind": kind.as_str(), "decision": decision.id.to_string(),
    });
    tx.event(now, actor, "action.ordered", action.id, body);
    Ok(action.id)
}

/// What judged, for a decision made now.
pub(crate) fn versions() -> Versions {
    Versions {
        seawall: env!("CARGO_PKG_VERSION").to_owned(),
        rules: policy::RULES_VERSION.to_owned(),
    }
}

pub(super) async fn open_or_join_case(
    app: &Seawall,
    tx: &mut Tx,
    item: &ItemId,
    ruling: &Ruling,
    decision: DecisionId,
    now: Timestamp,
) -> Result<CaseId, StoreError> {
    let queue = ruling.queue.unwrap_or(policy::Queue::Matches);
    // Locked and read again, so that nothing is taken from someone who takes or escalates it at this moment. It cannot be
    // closed meanwhile: who decides it locks the item first, and that is ours.
    let open = match cases::find_open_of_item(tx.conn(), item).await? {
        Some(open) => cases::find_locked(tx, open.id).await?,
        None => None,
    };
    if let Some(open) = open {
        // It keeps its place, but moves to the more pressing of the two queues.
        let rank = |queue| policy::Queue::ALL.iter().position(|known| *known == queue);
        if rank(queue) < rank(open.queue) {
            let moved = Case {
                queue,
                reason: ruling.reason.to_owned(),
                ..open.clone()
            };
            cases::update(tx, &moved).await?;
            let body = serde_json::json!({ "from": open.queue.as_str(), "to": queue.as_str() });
            tx.event(now, &Actor::System, "case.moved", open.id, body);
        }
        return Ok(open.id);
    }
    let case = Case {
        id: CaseId::fresh(now, &app.chance),
        item: item.clone(),
        queue,
        reason: ruling.reason.to_owned(),
        state: CaseState::Open { lease: None },
        opened_at: now,
        opened_by: decision,
    };
    cases::insert(tx, &case).await?;
    let body =
        serde_json::json!({ "item": item.to_string(), "queue": queue.as_str(), "decision": decision.to_string() });
    tx.event(now, &Actor::System, "case.opened", case.id, body);
    Ok(case.id)
}

pub(super) fn facts(
    files: &[ScannedFile],
    found: &[Found],
    reported: bool,
    restricted_before: Option<PolicyCode>,
) -> Facts {
    let count = |is_so: fn(&MediaStatus) -> bool| files.iter().filter(|file| is_so(&file.status)).count();
    Facts {
        matches: found.iter().flat_map(|f| &f.matches).map(match_fact).collect(),
        n_unscanned: count(|status| matches!(status, MediaStatus::Unscanned { .. })),
        n_damaged: count(|status| matches!(status, MediaStatus::Scanned { is_intact: false, .. })),
        reported,
        restricted_before,
    }
}

pub(super) fn match_fact(found: &Match) -> MatchFact {
    MatchFact {
        bank_confirmed: found.target.bank_confirmed,
        lead: found.tier == Tier::Lead,
    }
}

/// What the rule knew: enough to make its decision again, and no content.
pub(super) fn facts_as_json(facts: &Facts, media: &[MediaVerdict]) -> serde_json::Value {
    let matches: Vec<serde_json::Value> = media
        .iter()
        .flat_map(|file| file.matches.iter().map(move |found| (file, found)))
        .map(|(file, found)| {
            serde_json::json!({
                "media": file.id.map(|id| id.to_string()), "entry": found.target.entry.to_string(),
                "bank": found.target.bank.to_string(), "bank_confirmed": found.target.bank_confirmed,
                "signal": found.signal_type.as_str(), "distance": found.distance, "threshold": found.threshold,
                "tier": found.tier.as_str(), "view": found.view, "nearest_benign": found.nearest_benign_bits,
                "segments": segments_as_json(&found.segments),
                "sighting": found.sighting.map(|seen| serde_json::json!({
                    "places": seen.places, "compared": seen.compared, "alike": seen.alike,
                })),
            })
        })
        .collect();
    serde_json::json!({
        "matches": matches, "n_unscanned": facts.n_unscanned, "n_damaged": facts.n_damaged,
        "reported": facts.reported,
        "restricted_before": facts.restricted_before.map(|policy| policy.as_str()),
    })
}

fn segments_as_json(segments: &[MatchSegment]) -> Option<Vec<serde_json::Value>> {
    let segments: Vec<serde_json::Value> = segments
        .iter()
        .map(|segment| {
            serde_json::json!({
                "kind": segment.kind.as_str(), "tier": segment.tier.as_str(),
                "query_ms": [segment.query.from_ms, segment.query.to_ms],
                "entry_ms": [segment.entry.from_ms, segment.entry.to_ms],
                "rate": segment.rate_thousandths, "frames": segment.frames, "chance": segment.chance_log10_tenths,
            })
        })
        .collect();
    (!segments.is_empty()).then_some(segments)
}

/// Writes what is told of a hit, and the job that tells the platform.
async fn tell_hit(
    app: &Seawall,
    tx: &mut Tx,
    hit: &StreamHit,
    decision: &Decision,
    media: &[MediaVerdict],
) -> Result<StreamVerdict, StoreError> {
    let matches = media.iter().flat_map(|file| &file.matches);
    let is_match = matches.clone().any(|m| m.tier == Tier::Match);
    let verdict = StreamVerdict {
        seq: 0,
        stream: hit.stream,
        item: decision.item.clone(),
        at_ms: hit.at_ms,
        tier: if is_match { Tier::Match } else { Tier::Lead },
        outcome: decision.outcome,
        decision: decision.id,
        case: decision.case,
        told_at: decision.decided_at,
    };
    let verdict = streams::insert_verdict(tx, verdict).await?;
    let now = decision.decided_at;
    crate::store::jobs::enqueue(tx, now, &app.chance, TELL, verdict.seq, now).await?;
    Ok(verdict)
}
