//! What was found out about an item is judged and remembered, in one transaction: item · media · matches · decision · case · action · event · jobs.
//!
//! Whoever found it out, a submission or a live stream, ends here.

use media::Previews;

use super::again::{self, Again};
use super::calibrate;
use super::deciding::{Before, Decided, decide};
use super::judging::KnownItem;
use super::scan::{ScannedFile, ScannedRecording, kept_strip};
use super::streams::{StreamHit, TELL};
use super::submit::SubmitError;
use crate::items::{NewItem, NewMediaRow, Put};
use crate::matching::{Found, evidence};
use crate::model::{
    Actor, Decision, DecisionId, ItemId, Match, Media, MediaId, MediaVerdict, PreviewKind, StreamVerdict, Tier,
    Timestamp, Verdict, spoken,
};
use crate::store::requests::{self, Recalled};
use crate::store::{IdempotencyKey, StoreError, Tx};
use crate::views::stands_of;
use crate::{Seawall, items, streams};

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
    /// The decision in force holds: nothing about the item is new, or nothing that could change what a person decided.
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
    let mut may_hold = hit.is_none();
    let (mut tx, now, known, before) = loop {
        let mut tx = app.store.begin("submit item").await?;
        let now = app.clock.now();
        let known = items::lock_known(&mut tx, &item.id).await?;
        let before = match &known {
            Some(known) if known.digest == item.digest => return Ok(Kept::Same),
            Some(_) => Before::of(tx.conn(), &item.id).await?,
            None => Before::default(),
        };
        let (Some(same), Some(decision)) = (
            known.as_ref().filter(|known| known.has_content_of(&item)),
            &before.decision,
        ) else {
            break (tx, now, known, before);
        };
        let again = Again {
            item: &item,
            received_at: same.received_at,
            files: &files,
            found: &found,
            key,
            now,
        };
        let known_matches = evidence::list(tx.conn(), &item.id, decision.revision).await?;
        if brings_evidence(&known_matches, &found) {
            break (tx, now, known, before);
        }
        if decision.is_of_a_person() {
            return Ok(again::keep_under_person(app, actor, tx, &again, decision).await?);
        }
        if !may_hold || !again.has_files_of(tx.conn(), decision).await? {
            break (tx, now, known, before);
        }
        if let Some(kept) = again::keep_if_same(app, actor, tx, &again, &before, decision).await? {
            return Ok(kept);
        }
        // Something follows. Who judges waits for nobody while it is their turn, so it begins anew.
        may_hold = false;
    };
    let received_at = known.as_ref().map_or(now, |known| known.received_at);
    let is_same_content = known.as_ref().is_some_and(|known| known.has_content_of(&item));
    let revision = match items::put(&mut tx, &item, now).await? {
        Put::Fresh { revision } => revision,
        Put::Same => return Ok(Kept::Same),
    };
    // Another version of it came at the same time, and was first.
    let before = match known.is_none() && revision > 1 {
        true => Before::of(tx.conn(), &item.id).await?,
        false => before,
    };
    let decision_id = DecisionId::fresh(now, &app.chance);
    let (files, media_verdicts) = insert_media(app, &mut tx, &item.id, revision, files, found, now).await?;

    if let Some(key) = key {
        let recalled = requests::reserve(&mut tx, key, decision_id, now).await?;
        if recalled != Recalled::Nothing {
            return Ok(Kept::Before(recalled));
        }
    }
    let body = serde_json::json!({ "revision": revision, "kind": item.kind.as_str(), "n_media": media_verdicts.len() });
    tx.event(now, actor, "item.submitted", &item.id, body);
    let known = KnownItem {
        transcript: spoken(files.iter().flat_map(|(_, file)| &file.transcript)),
        ..KnownItem::of_new(
            &item,
            received_at,
            media_verdicts.iter().map(|file| &file.status).collect(),
            media_verdicts.iter().flat_map(|file| &file.matches).collect(),
            match is_same_content {
                true => before.still_restricted_under(),
                false => before.restricted_under(),
            },
        )
    };
    let decided = decide(
        app,
        &mut tx,
        &known,
        &media_verdicts,
        &before,
        (decision_id, revision),
        now,
    )
    .await?;
    let Decided {
        decision,
        is_harmless,
        turn,
    } = decided;
    let mut entered = Vec::new();
    for (media, file) in files {
        // Pictures are kept only where a person will look at them.
        if let (Some(previews), Some(_)) = (file.previews, decision.case) {
            insert_previews(&mut tx, media.id, previews).await?;
        }
        let (looks, recording) = (file.looks.as_ref(), file.recording.as_ref());
        let entrants = is_harmless.then(|| calibrate::draw(app, looks, recording));
        for entrant in entrants.into_iter().flatten() {
            entered.push(entrant.enter(&mut tx, &media.id.to_string(), &item.id, now).await?);
        }
        if let Some(recording) = file.recording {
            keep_recording(&mut tx, &media, recording, decision.case.is_some(), now).await?;
        }
    }
    let told = match &hit {
        Some(hit) => Some(tell_hit(app, &mut tx, hit, &decision, &media_verdicts).await?),
        None => None,
    };
    let measures = stands_of(tx.conn(), &item.id).await?;
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
        outcome: decision.outcome,
        decision: Some(decision.id),
        case: decision.case,
        measures,
        media: media_verdicts,
    };
    Ok(Kept::Now(verdict))
}

/// Whether something is found in files that was not found in them before, or a match where only a lead was.
fn brings_evidence(known: &[(MediaId, Match)], found: &[Found]) -> bool {
    let is_known = |new: &Match| {
        known.iter().any(|(_, old)| {
            (old.target.entry, old.signal_type) == (new.target.entry, new.signal_type)
                && (old.tier == Tier::Match || new.tier == Tier::Lead)
        })
    };
    !found.iter().flat_map(|found| &found.matches).all(is_known)
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
        items::insert_transcript(tx, media.id, &file.transcript).await?;
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
        items::insert_strip(tx, media.id, kept_strip(recording.strip), recording.waveform).await?;
    }
    Ok(())
}

/// Writes what is told of a hit, or of what cannot be looked at, and the job that tells the platform.
async fn tell_hit(
    app: &Seawall,
    tx: &mut Tx,
    hit: &StreamHit,
    decision: &Decision,
    media: &[MediaVerdict],
) -> Result<StreamVerdict, StoreError> {
    let matches = media.iter().flat_map(|file| &file.matches);
    let verdict = StreamVerdict {
        seq: 0,
        stream: hit.stream,
        item: decision.item.clone(),
        at_ms: hit.at_ms,
        tier: matches.map(|m| m.tier).min_by_key(|tier| *tier == Tier::Lead),
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
