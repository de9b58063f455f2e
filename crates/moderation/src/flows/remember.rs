//! What was found out about an item is judged and remembered, in one transaction: item · media · matches · decision · case · action · event · jobs.
//!
//! Whoever found it out, a submission or a live stream, ends here.

use media::Previews;
use policy::Queue;

use super::calibrate;
use super::judging::{KnownItem, carry_out, judge, restricted_under};
use super::scan::{ScannedFile, ScannedRecording};
use super::streams::{StreamHit, TELL};
use super::submit::SubmitError;
use crate::items::{NewItem, NewMediaRow, NewStripPicture, Put};
use crate::matching::{Found, benign, evidence};
use crate::model::{
    Action, ActionId, ActionKind, ActionState, Actor, Author, Case, CaseId, CaseState, Decision, DecisionId, ItemId,
    MatchSegment, Media, MediaId, MediaStatus, MediaVerdict, Outcome, PreviewKind, Restricted, StreamVerdict, Tier,
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

    let standing = actions::standing_orders(tx.conn(), &item.id).await?;
    let before = decisions::latest_of_item(tx.conn(), &item.id).await?;
    let restricted_before = restricted_under(&standing, before.as_ref());
    let decision_id = DecisionId::fresh(now, &app.chance);
    let (files, media_verdicts) = insert_media(app, &mut tx, &item.id, revision, files, found, now).await?;

    if let Some(key) = key {
        let recalled = requests::reserve(&mut tx, key, decision_id, now).await?;
        if recalled != Recalled::Nothing {
            return Ok(Kept::Before(recalled));
        }
    }
    let known = KnownItem {
        id: &item.id,
        kind: item.kind,
        account: item.account.as_deref(),
        channel: item.channel.as_deref(),
        audience: item.audience,
        url: item.url.as_deref(),
        text: item.text.as_deref(),
        reported: item.report.is_some(),
        platform: &item.platform,
        media: media_verdicts.iter().map(|file| &file.status).collect(),
        matches: media_verdicts.iter().flat_map(|file| &file.matches).collect(),
        restricted_before,
    };
    let (turn, judged) = judge(app, &mut tx, &known, decision_id, now).await?;
    let ruling = &judged.ruling;
    let case = match ruling.case {
        Some(place) => Some(open_or_join_case(app, &mut tx, &item.id, place, &ruling.reason, decision_id, now).await?),
        None => cases::find_open_of_item(tx.conn(), &item.id).await?.map(|case| case.id),
    };
    let is_harmless = ruling.outcome == Outcome::Allow && known.matches.is_empty();
    if !is_harmless {
        benign::remove_item(&mut tx, &item.id).await?;
    }
    let mut entered = Vec::new();
    for (media, file) in files {
        // Pictures are kept only where a person will look at them.
        if let (Some(previews), Some(_)) = (file.previews, case) {
            insert_previews(&mut tx, media.id, previews).await?;
        }
        let (looks, recording) = (file.looks.as_ref(), file.recording.as_ref());
        let entrants = is_harmless.then(|| calibrate::draw(app, looks, recording));
        for entrant in entrants.into_iter().flatten() {
            entered.push(entrant.enter(&mut tx, &media.id.to_string(), &item.id, now).await?);
        }
        if let Some(recording) = file.recording {
            keep_recording(&mut tx, &media, recording, case.is_some(), now).await?;
        }
    }

    let decision = Decision {
        id: decision_id,
        item: item.id.clone(),
        revision,
        outcome: ruling.outcome,
        author: Author::Rule(ruling.rule.clone()),
        policy: ruling.policy,
        reason: ruling.reason.clone(),
        facts: facts_as_json(&known, &media_verdicts, judged.said.clone()),
        versions: versions(judged.version),
        supersedes: before.map(|decision| decision.id),
        case,
        decided_at: now,
    };
    decisions::insert(&mut tx, &decision).await?;
    let body = serde_json::json!({ "revision": revision, "kind": item.kind.as_str(), "n_media": media_verdicts.len() });
    tx.event(now, actor, "item.submitted", &item.id, body);
    carry_out(app, &mut tx, &known, &decision, &judged, &standing).await?;
    let told = match &hit {
        Some(hit) => Some(tell_hit(app, &mut tx, hit, &decision, &media_verdicts).await?),
        None => None,
    };
    tx.commit().await?;
    turn.committed().await;
    if let Some(told) = told {
        app.streams.tell(told);
    }
    app.bells.jobs.notify_one();
    if let Err(error) = calibrate::entered(app, &entered).await {
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

/// Keeps the files and what they lie near to, and gives back what else came of scanning them.
async fn insert_media(
    app: &Seawall,
    tx: &mut Tx,
    item: &ItemId,
    revision: i64,
    files: Vec<ScannedFile>,
    found: Vec<Found>,
    now: Timestamp,
) -> Result<(Vec<(Media, ScannedFile)>, Vec<MediaVerdict>), StoreError> {
    let mut kept = Vec::with_capacity(files.len());
    let mut verdicts = Vec::with_capacity(files.len());
    for (mut file, found) in files.into_iter().zip(found) {
        let media = Media {
            id: MediaId::fresh(now, &app.chance),
            item: item.clone(),
            revision,
            name: file.name.clone(),
            status: file.status.clone(),
            signals: std::mem::take(&mut file.signals),
        };
        let row = NewMediaRow {
            media: media.clone(),
            matches_capped: found.capped,
        };
        items::insert_media(tx, &row).await?;
        evidence::insert(tx, &media, &found.matches).await?;
        verdicts.push(MediaVerdict {
            id: Some(media.id),
            name: media.name.clone(),
            status: media.status.clone(),
            signals: media.signals.clone(),
            matches: found.matches,
            matches_capped: found.capped,
        });
        kept.push((media, file));
    }
    Ok((kept, verdicts))
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

/// What is ordered from the platform.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub kind: ActionKind,
    pub what: Restricted,
    pub until: Option<Timestamp>,
}

/// Orders an action and writes the job that will deliver it.
pub(crate) async fn order_action(
    app: &Seawall,
    tx: &mut Tx,
    actor: &Actor,
    decision: &Decision,
    order: Order,
    now: Timestamp,
) -> Result<ActionId, StoreError> {
    let Order { kind, what, until } = order;
    let action = Action {
        id: ActionId::fresh(now, &app.chance),
        item: decision.item.clone(),
        kind,
        what,
        until,
        decision: decision.id,
        state: ActionState::Waiting,
        attempts: 0,
        ordered_at: now,
    };
    actions::insert(tx, &action).await?;
    crate::store::jobs::enqueue(tx, now, &app.chance, DELIVER, action.id, now).await?;
    let body = serde_json::json!({
        "item": action.item.to_string(), "kind": kind.as_str(), "what": what.as_str(),
        "decision": decision.id.to_string(),
    });
    tx.event(now, actor, "action.ordered", action.id, body);
    Ok(action.id)
}

/// What judged, for a decision made now.
pub(crate) fn versions(rules: i64) -> Versions {
    Versions {
        seawall: env!("CARGO_PKG_VERSION").to_owned(),
        rules: rules.to_string(),
    }
}

pub(super) async fn open_or_join_case(
    app: &Seawall,
    tx: &mut Tx,
    item: &ItemId,
    (queue, priority): (Queue, i32),
    reason: &str,
    decision: DecisionId,
    now: Timestamp,
) -> Result<CaseId, StoreError> {
    // Locked and read again, so that nothing is taken from someone who takes or escalates it at this moment. It cannot be
    // closed meanwhile: who decides it locks the item first, and that is ours.
    let open = match cases::find_open_of_item(tx.conn(), item).await? {
        Some(open) => cases::find_locked(tx, open.id).await?,
        None => None,
    };
    if let Some(open) = open {
        // It keeps its place, but moves to the more pressing of the two queues.
        if queue.weight(priority.into()) > open.queue.weight(open.priority.into()) {
            let moved = Case {
                queue,
                priority,
                reason: reason.to_owned(),
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
        priority,
        reason: reason.to_owned(),
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

/// What the rule knew, and what all rules said: enough to make its decision again, and no content.
pub(super) fn facts_as_json(
    known: &KnownItem<'_>,
    media: &[MediaVerdict],
    said: serde_json::Value,
) -> serde_json::Value {
    let count = |is_so: fn(&MediaStatus) -> bool| known.media.iter().filter(|status| is_so(status)).count();
    let n_unscanned = count(|status| matches!(status, MediaStatus::Unscanned { .. }));
    let n_damaged = count(|status| matches!(status, MediaStatus::Scanned { is_intact: false, .. }));
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
        "matches": matches, "n_unscanned": n_unscanned, "n_damaged": n_damaged,
        "reported": known.reported,
        "restricted_before": known.restricted_before.map(|policy| policy.as_str()),
        "rules": said,
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
