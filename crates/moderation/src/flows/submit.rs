//! An item comes in: content → signals → matches → decision → case, and the verdict goes back.
//!
//! Until the transaction nothing is written, so a submission that is cut off anywhere can be sent again. The same item with
//! the same content is the same submission: it finds the decision in force.

use bytes::Bytes;
use futures_util::future::join_all;
use media::{Scan, Want};
use policy::{Facts, MatchFact, Ruling};
use sha2::{Digest, Sha256};
use signal::Signal;

use crate::items::{NewItem, NewMediaRow, Put};
use crate::matching::{Found, evidence};
use crate::model::item::{FramePlace, MediaSignal};
use crate::model::{
    Action, ActionId, ActionKind, ActionState, Actor, Audience, Author, Case, CaseId, CaseState, Decision, DecisionId, Denied,
    ItemId, ItemKind, Match, Media, MediaId, MediaStatus, MediaVerdict, Outcome, PreviewKind, Right, Tier, Timestamp, Verdict,
    Versions,
};
use crate::store::columns::damaged;
use crate::store::requests::{self, Recalled};
use crate::store::{IdempotencyKey, StoreError, Tx};
use crate::{Seawall, actions, cases, decisions, items, views};

/// The kind of job that delivers an action.
pub(crate) const DELIVER: &str = "deliver";

/// An item to be judged.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The platform's own name for it.
    pub id: ItemId,
    /// What kind of thing it is.
    pub kind: ItemKind,
    /// Who posted it.
    pub account: Option<String>,
    /// Where.
    pub channel: Option<String>,
    /// Who can see it.
    pub audience: Option<Audience>,
    /// Where it stands on the platform; shown to moderators as text, never fetched.
    pub url: Option<String>,
    /// Its text.
    pub text: Option<String>,
    /// Why a person reported it. Who did is not asked.
    pub report: Option<String>,
    /// Its files.
    pub media: Vec<NewMedia>,
}

impl Submission {
    /// The most characters of an item's text.
    pub const TEXT_LENGTH_MAX: usize = 100_000;
    /// The most characters of any other text of a submission.
    pub const FIELD_LENGTH_MAX: usize = 2_000;
    /// The most signals that one file may come with.
    pub const SIGNALS_MAX: usize = 1_000;
}

/// A file of an item to be judged.
#[derive(Debug, Clone)]
pub struct NewMedia {
    /// The platform's name for it.
    pub name: String,
    /// What there is of it.
    pub content: NewContent,
}

/// What there is of a file.
#[derive(Debug, Clone)]
pub enum NewContent {
    /// Its bytes.
    Bytes(Bytes),
    /// Signals that the platform computed before.
    Signals(Vec<Signal>),
    /// Nothing: it was to be fetched and could not be.
    Unfetched {
        /// A stable word for why.
        reason: &'static str,
        /// The same for people.
        detail: String,
    },
}

/// A submission that was judged.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// The verdict.
    pub verdict: Verdict,
    /// Whether it was judged now; not, if the same content had been judged before.
    pub fresh: bool,
}

/// An item was not judged.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Something about the submission is wrong.
    #[error("`{field}` {what}")]
    Invalid {
        /// Which part.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The idempotency key was used with another request.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// There is too much to decode just now: send it again.
    #[error("the media workers are busy")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Judges an item, and remembers it. With an idempotency key a late repeat finds its own decision, even if the item was
/// submitted with other content since.
pub async fn submit_item(
    app: &Seawall,
    actor: &Actor,
    submission: Submission,
    key: Option<&IdempotencyKey>,
) -> Result<Submitted, SubmitError> {
    actor.require(Right::SubmitItems)?;
    check_bounds(app, &submission)?;
    if let Some(key) = key {
        let recalled = requests::recall(&mut *app.store.reader().await?, key).await?;
        if let Some(verdict) = replayed_verdict(app, recalled).await? {
            return Ok(Submitted { verdict, fresh: false });
        }
    }
    let digest = digest(&submission);
    if let Some(verdict) = known_verdict(app, &submission.id, &digest).await? {
        return Ok(Submitted { verdict, fresh: false });
    }

    let files = scan_all(app, &submission.media, Want::SignalsAndPreviews).await?;
    let (files, found) = look_up_all(app, files).await?;

    let mut tx = app.store.begin("submit item").await?;
    let now = app.clock.now();
    let item = NewItem {
        id: submission.id.clone(),
        kind: submission.kind,
        account: submission.account,
        channel: submission.channel,
        audience: submission.audience,
        url: submission.url,
        text: submission.text,
        report: submission.report,
        digest,
    };
    let revision = match items::put(&mut tx, &item, now).await? {
        Put::Fresh { revision } => revision,
        // The same submission came twice at the same time, and the other one was first.
        Put::Same => {
            drop(tx);
            let verdict = views::verdict_in_force(app, &item.id).await?;
            return Ok(Submitted { verdict: verdict.ok_or_else(vanished)?, fresh: false });
        }
    };

    let standing = actions::standing_order(tx.conn(), &item.id).await?;
    let before = decisions::latest_of_item(tx.conn(), &item.id).await?;
    let restricted_before = match standing {
        Some(ActionKind::Restrict) => before.as_ref().and_then(|decision| decision.policy),
        Some(ActionKind::Restore) | None => None,
    };
    let facts = Facts {
        matches: found.iter().flat_map(|f| &f.matches).map(match_fact).collect(),
        n_unscanned: files.iter().filter(|file| matches!(file.status, MediaStatus::Unscanned { .. })).count(),
        reported: item.report.is_some(),
        restricted_before,
    };
    let ruling = policy::evaluate(&facts);

    let decision_id = DecisionId::fresh(now, &app.chance);
    if let Some(key) = key {
        let recalled = requests::reserve(&mut tx, key, decision_id, now).await?;
        if recalled != Recalled::Nothing {
            drop(tx);
            let verdict = replayed_verdict(app, recalled).await?.ok_or_else(vanished)?;
            return Ok(Submitted { verdict, fresh: false });
        }
    }
    let case = match ruling.queue {
        Some(_) => Some(open_or_join_case(app, &mut tx, &item.id, &ruling, decision_id, now).await?),
        None => cases::find_open_of_item(tx.conn(), &item.id).await?.map(|case| case.id),
    };
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
        items::insert_media(&mut tx, &NewMediaRow { media: media.clone(), matches_capped: found.capped }).await?;
        evidence::insert(&mut tx, &media, &found.matches).await?;
        // Pictures are kept only where a person will look at them.
        if let (Some(previews), Some(_)) = (file.previews, case) {
            items::insert_preview(&mut tx, media.id, PreviewKind::Small, previews.small).await?;
            items::insert_preview(&mut tx, media.id, PreviewKind::Blurred, previews.blurred).await?;
            items::insert_preview(&mut tx, media.id, PreviewKind::Greyscale, previews.greyscale).await?;
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
    if ruling.outcome == Outcome::Restrict && standing != Some(ActionKind::Restrict) {
        order_action(app, &mut tx, &Actor::System, &decision, ActionKind::Restrict, now).await?;
    }
    tx.commit().await?;
    app.bells.jobs.notify_one();

    let verdict = Verdict { item: item.id, outcome: ruling.outcome, decision: Some(decision.id), case, media: media_verdicts };
    Ok(Submitted { verdict, fresh: true })
}

/// Judges an item and forgets it: the same verdict, with no decision and no case.
pub async fn check_item(app: &Seawall, actor: &Actor, submission: Submission) -> Result<Verdict, SubmitError> {
    actor.require(Right::SubmitItems)?;
    check_bounds(app, &submission)?;
    let files = scan_all(app, &submission.media, Want::Signals).await?;
    let (files, found) = look_up_all(app, files).await?;
    let media: Vec<MediaVerdict> = files
        .into_iter()
        .zip(found)
        .map(|(file, found)| MediaVerdict {
            id: None,
            name: file.name,
            status: file.status,
            signals: file.signals,
            matches: found.matches,
            matches_capped: found.capped,
        })
        .collect();
    let facts = Facts {
        matches: media.iter().flat_map(|file| &file.matches).map(match_fact).collect(),
        n_unscanned: media.iter().filter(|file| matches!(file.status, MediaStatus::Unscanned { .. })).count(),
        reported: submission.report.is_some(),
        restricted_before: None,
    };
    let ruling = policy::evaluate(&facts);
    Ok(Verdict { item: submission.id, outcome: ruling.outcome, decision: None, case: None, media })
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
    Versions { seawall: env!("CARGO_PKG_VERSION").to_owned(), rules: policy::RULES_VERSION.to_owned() }
}

/// A file after the attempt to scan it.
struct ScannedFile {
    name: String,
    status: MediaStatus,
    signals: Vec<MediaSignal>,
    previews: Option<media::Previews>,
}

async fn known_verdict(app: &Seawall, item: &ItemId, digest: &str) -> Result<Option<Verdict>, StoreError> {
    let known = items::digest_of(&mut *app.store.reader().await?, item).await?;
    if known.as_deref() == Some(digest) { views::verdict_in_force(app, item).await } else { Ok(None) }
}

/// The verdict that an earlier request with the same key was given.
async fn replayed_verdict(app: &Seawall, recalled: Recalled) -> Result<Option<Verdict>, SubmitError> {
    match recalled {
        Recalled::Nothing => Ok(None),
        Recalled::Other => Err(SubmitError::KeyReused),
        Recalled::Same(subject) => {
            let decision = subject.parse().map_err(|error| damaged("subject", error))?;
            Ok(views::verdict_of_decision(app, decision).await?)
        }
    }
}

/// Looks the signals of all files up, away from the async threads: with many entries it takes milliseconds.
async fn look_up_all(app: &Seawall, files: Vec<ScannedFile>) -> Result<(Vec<ScannedFile>, Vec<Found>), SubmitError> {
    let (matcher, now) = (app.matcher.clone(), app.clock.now());
    let looked_up = tokio::task::spawn_blocking(move || {
        let found = files.iter().map(|file| matcher.lookup(&file.signals, now)).collect();
        (files, found)
    });
    // The task is never aborted, so it fails only if a lookup panicked: nothing was found out, and nothing may be said.
    looked_up.await.map_err(|_| SubmitError::Busy)
}

async fn open_or_join_case(
    app: &Seawall,
    tx: &mut Tx,
    item: &ItemId,
    ruling: &Ruling,
    decision: DecisionId,
    now: Timestamp,
) -> Result<CaseId, StoreError> {
    let queue = ruling.queue.unwrap_or(policy::Queue::Matches);
    if let Some(open) = cases::find_open_of_item(tx.conn(), item).await? {
        // It keeps its place, but moves to the more pressing of the two queues.
        let rank = |queue| policy::Queue::ALL.iter().position(|known| *known == queue);
        if rank(queue) < rank(open.queue) {
            let moved = Case { queue, reason: ruling.reason.to_owned(), ..open.clone() };
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
    let body = serde_json::json!({ "item": item.to_string(), "queue": queue.as_str(), "decision": decision.to_string() });
    tx.event(now, &Actor::System, "case.opened", case.id, body);
    Ok(case.id)
}

/// Scans all files of an item together. What cannot be hashed comes back as unscanned; only when Seawall itself cannot
/// scan just now is there an error.
async fn scan_all(app: &Seawall, media: &[NewMedia], want: Want) -> Result<Vec<ScannedFile>, SubmitError> {
    let scans = media.iter().map(|new| scan_one(app, new, want));
    join_all(scans).await.into_iter().collect()
}

async fn scan_one(app: &Seawall, new: &NewMedia, want: Want) -> Result<ScannedFile, SubmitError> {
    let name = new.name.clone();
    match &new.content {
        NewContent::Signals(signals) => {
            let signals = signals.iter().cloned().map(MediaSignal::as_is).collect();
            Ok(ScannedFile { name, status: MediaStatus::Given, signals, previews: None })
        }
        NewContent::Unfetched { reason, detail } => {
            let status = MediaStatus::Unscanned { reason: (*reason).to_owned(), detail: detail.clone() };
            Ok(ScannedFile { name, status, signals: Vec::new(), previews: None })
        }
        NewContent::Bytes(bytes) => match app.media.scan(bytes.clone(), want).await {
            Ok(scan) => Ok(scanned(name, bytes.len(), scan)),
            Err(error) if !error.is_about_the_file() => Err(SubmitError::Busy),
            Err(error) => {
                // The digests of the bytes need no decoding: a known file is found even if it is broken.
                let signals = vec![
                    MediaSignal::as_is(Signal::Md5(signal::Md5::of(bytes))),
                    MediaSignal::as_is(Signal::Sha256(signal::Sha256::of(bytes))),
                ];
                let status = MediaStatus::Unscanned { reason: error.kind().to_owned(), detail: error.to_string() };
                Ok(ScannedFile { name, status, signals, previews: None })
            }
        },
    }
}

fn scanned(name: String, size: usize, scan: Scan) -> ScannedFile {
    let status = MediaStatus::Scanned {
        media_type: scan.media_type.mime().to_owned(),
        size_bytes: size as u64,
        width: scan.width,
        height: scan.height,
    };
    ScannedFile { name, status, signals: signals_of(&scan), previews: scan.previews }
}

/// The signals of a scanned file.
pub(crate) fn signals_of(scan: &Scan) -> Vec<MediaSignal> {
    let moves = scan.frames.iter().any(|frame| frame.index > 0);
    let mut signals: Vec<MediaSignal> = scan
        .frames
        .iter()
        .map(|frame| MediaSignal {
            signal: Signal::Pdq { hash: frame.pdq.hash, quality: Some(frame.pdq.quality) },
            view: frame.view.name().to_owned(),
            frame: moves.then_some(FramePlace { index: frame.index, at_ms: frame.at_ms }),
        })
        .collect();
    signals.push(MediaSignal::as_is(Signal::Md5(scan.md5)));
    signals.push(MediaSignal::as_is(Signal::Sha256(scan.sha256)));
    signals
}

fn match_fact(found: &Match) -> MatchFact {
    MatchFact { bank_confirmed: found.target.bank_confirmed, lead: found.tier == Tier::Lead }
}

/// What the rule knew: enough to make its decision again, and no content.
fn facts_as_json(facts: &Facts, media: &[MediaVerdict]) -> serde_json::Value {
    let matches: Vec<serde_json::Value> = media
        .iter()
        .flat_map(|file| file.matches.iter().map(move |found| (file, found)))
        .map(|(file, found)| {
            serde_json::json!({
                "media": file.id.map(|id| id.to_string()), "entry": found.target.entry.to_string(),
                "bank": found.target.bank.to_string(), "bank_confirmed": found.target.bank_confirmed,
                "signal": found.signal_type.as_str(), "distance": found.distance, "threshold": found.threshold,
                "tier": found.tier.as_str(), "view": found.view,
            })
        })
        .collect();
    serde_json::json!({
        "matches": matches, "n_unscanned": facts.n_unscanned, "reported": facts.reported,
        "restricted_before": facts.restricted_before.map(|policy| policy.as_str()),
    })
}

fn check_bounds(app: &Seawall, submission: &Submission) -> Result<(), SubmitError> {
    let invalid = |field, what: String| Err(SubmitError::Invalid { field, what });
    if submission.media.len() > app.settings.media_per_item_max {
        return invalid("media", format!("has more than {} files", app.settings.media_per_item_max));
    }
    let texts = [
        ("account", &submission.account, Submission::FIELD_LENGTH_MAX),
        ("channel", &submission.channel, Submission::FIELD_LENGTH_MAX),
        ("url", &submission.url, Submission::FIELD_LENGTH_MAX),
        ("report", &submission.report, Submission::FIELD_LENGTH_MAX),
        ("text", &submission.text, Submission::TEXT_LENGTH_MAX),
    ];
    for (field, text, length_max) in texts {
        let Some(text) = text else { continue };
        if text.chars().count() > length_max {
            return invalid(field, format!("is longer than {length_max} characters"));
        }
        if text.contains('\0') {
            return invalid(field, "has a NUL character".to_owned());
        }
    }
    for file in &submission.media {
        if file.name.chars().count() > Submission::FIELD_LENGTH_MAX || file.name.chars().any(char::is_control) {
            return invalid("media", "has a file whose name is too long or has a control character".to_owned());
        }
        match &file.content {
            NewContent::Signals(signals) if signals.is_empty() => {
                return invalid("media", "has a file with neither bytes nor signals".to_owned());
            }
            NewContent::Signals(signals) if signals.len() > Submission::SIGNALS_MAX => {
                return invalid("media", format!("has a file with more than {} signals", Submission::SIGNALS_MAX));
            }
            NewContent::Signals(_) | NewContent::Bytes(_) | NewContent::Unfetched { .. } => {}
        }
    }
    Ok(())
}

/// SHA-256, in hex, over every part of the submission, each with its length before it.
fn digest(submission: &Submission) -> String {
    let mut hasher = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    part(submission.id.as_str().as_bytes());
    part(submission.kind.as_str().as_bytes());
    part(submission.audience.map_or("", Audience::as_str).as_bytes());
    let texts = [&submission.account, &submission.channel, &submission.url, &submission.text, &submission.report];
    for text in texts {
        part(if text.is_some() { b"1" } else { b"0" });
        part(text.as_deref().unwrap_or_default().as_bytes());
    }
    for file in &submission.media {
        part(file.name.as_bytes());
        match &file.content {
            NewContent::Bytes(bytes) => {
                part(b"bytes");
                part(&Sha256::digest(bytes));
            }
            NewContent::Signals(signals) => {
                part(b"signals");
                for signal in signals {
                    part(signal.signal_type().as_str().as_bytes());
                    part(signal.value().as_bytes());
                    part(signal.quality().map(|quality| quality.to_string()).unwrap_or_default().as_bytes());
                }
            }
            // What could not be fetched now may be fetched the next time: it is never the same submission by chance.
            NewContent::Unfetched { reason, .. } => {
                part(b"unfetched");
                part(reason.as_bytes());
            }
        }
    }
    hex::encode(hasher.finalize())
}

fn vanished() -> StoreError {
    StoreError::Damaged { what: "an item that was just submitted has no decision".to_owned() }
}
