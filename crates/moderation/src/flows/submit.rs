//! An item comes in: content → signals → matches → decision → case, and the verdict goes back.
//!
//! Until the transaction nothing is written, so a submission that is cut off anywhere can be sent again. The same item with
//! the same content is the same submission: it finds the decision in force.

use std::time::Duration;

use media::Want;
use policy::Ruling;

use super::judging::{self, KnownItem};
use super::lookup::{Query, look_up};
use super::remember::{Judged, Kept, remember};
use super::scan::{ScannedFile, ScannedRecording, scan_all};
use super::submission::{check_bounds, digests};
use crate::items::NewItem;
use crate::matching::Found;
use crate::model::{
    Actor, Denied, ItemId, MediaVerdict, QueueSet, Restricted, Right, Stands, Timestamp, Verdict, spoken,
};
use crate::rules::Judged as Ruled;
use crate::store::columns::damaged;
use crate::store::requests::{self, Recalled};
use crate::store::{IdempotencyKey, StoreError};
use crate::{Seawall, items, views};

pub use super::submission::{NewContent, NewMedia, Submission};

/// A submission that was judged.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// The verdict.
    pub verdict: Verdict,
    /// Whether it was decided now; not, if the same content had been judged before.
    pub fresh: bool,
}

/// An item was not judged.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The actor may not, or not this item: a case in queues that they do not work on is about it.
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
    // Nobody reads or overwrites what is in queues of others by sending it again.
    let is_bounded = *actor.queues() != QueueSet::All;
    if is_bounded && !views::reaches_item(&mut *app.store.reader().await?, actor, &submission.id).await? {
        return Err(SubmitError::Denied(Denied {
            actor: actor.to_string(),
            right: Right::SubmitItems,
        }));
    }
    let digests = digests(&submission);
    if let Some(verdict) = known_verdict(app, &submission.id, &digests.whole).await? {
        return give_again(app, verdict, key).await;
    }

    let files = scan_all(app, &submission.id, &submission.media, Want::Everything).await?;
    let found = look_up_all(app, &files).await?;

    let item = NewItem {
        id: submission.id,
        kind: submission.kind,
        account: submission.account,
        channel: submission.channel,
        audience: submission.audience,
        url: submission.url,
        text: submission.text,
        report: submission.report,
        platform: submission.platform,
        digest: digests.whole,
        content: digests.content,
    };
    let id = item.id.clone();
    let judged = Judged {
        item,
        files,
        found,
        hit: None,
    };
    match remember(app, actor, judged, key).await? {
        Kept::Now(verdict) => Ok(Submitted { verdict, fresh: true }),
        // The same submission came twice at the same time, and the other one was first; or what is new of it changes nothing.
        Kept::Same => {
            let verdict = views::verdict_in_force(app, &id).await?.ok_or_else(vanished)?;
            give_again(app, verdict, key).await
        }
        Kept::Before(recalled) => {
            let verdict = replayed_verdict(app, recalled).await?.ok_or_else(vanished)?;
            Ok(Submitted { verdict, fresh: false })
        }
    }
}

/// Judges an item and forgets it: the same verdict, with no decision and no case.
pub async fn check_item(app: &Seawall, actor: &Actor, submission: Submission) -> Result<Verdict, SubmitError> {
    actor.require(Right::SubmitItems)?;
    check_bounds(app, &submission)?;
    let files = scan_all(app, &submission.id, &submission.media, Want::SignalsAndLooks).await?;
    let found = look_up_all(app, &files).await?;
    let ruling = look(app, &submission, &files, &found).await?.ruling;
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
    Ok(Verdict {
        item: submission.id,
        outcome: ruling.outcome,
        decision: None,
        case: None,
        measures: would_stand(&ruling, app.clock.now()),
        media,
    })
}

/// What would be restricted, in the order in which measures are listed.
fn would_stand(ruling: &Ruling, now: Timestamp) -> Vec<Stands> {
    let of = |what: &Restricted| {
        let restriction = ruling.restrictions.iter().find(|of| of.what == what.as_str())?;
        let until = restriction
            .for_ms
            .map(|ms| now.after(Duration::from_millis(ms.unsigned_abs())));
        Some(Stands {
            what: *what,
            scope: String::new(),
            until,
        })
    };
    Restricted::ALL.iter().filter_map(of).collect()
}

/// What the rules say, with nothing remembered.
async fn look(
    app: &Seawall,
    submission: &Submission,
    files: &[ScannedFile],
    found: &[Found],
) -> Result<Ruled, StoreError> {
    let now = app.clock.now();
    let (account, channel) = (submission.account.as_deref(), submission.channel.as_deref());
    let known = KnownItem {
        id: &submission.id,
        kind: submission.kind,
        account,
        channel,
        audience: submission.audience,
        url: submission.url.as_deref(),
        text: submission.text.as_deref(),
        transcript: spoken(files.iter().flat_map(|file| &file.transcript)),
        reported: submission.report.is_some(),
        platform: &submission.platform,
        posted_at: submission.platform.posted_at.unwrap_or(now),
        media: files.iter().map(|file| &file.status).collect(),
        matches: found.iter().flat_map(|found| &found.matches).collect(),
        restricted_before: None,
    };
    judging::look(app, &known, now).await
}

async fn known_verdict(app: &Seawall, item: &ItemId, digest: &str) -> Result<Option<Verdict>, StoreError> {
    let known = items::digest_of(&mut *app.store.reader().await?, item).await?;
    if known.as_deref() == Some(digest) {
        views::verdict_in_force(app, item).await
    } else {
        Ok(None)
    }
}

/// Gives a verdict that stood before, and takes the request's key for it: a late repeat finds the same.
async fn give_again(app: &Seawall, verdict: Verdict, key: Option<&IdempotencyKey>) -> Result<Submitted, SubmitError> {
    if let (Some(key), Some(decision)) = (key, verdict.decision) {
        let mut tx = app.store.begin("keep idempotency key").await?;
        let recalled = requests::reserve(&mut tx, key, decision, app.clock.now()).await?;
        if recalled != Recalled::Nothing {
            drop(tx);
            let verdict = replayed_verdict(app, recalled).await?.ok_or_else(vanished)?;
            return Ok(Submitted { verdict, fresh: false });
        }
        tx.commit().await?;
    }
    Ok(Submitted { verdict, fresh: false })
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

/// What the signals of all files lie near to.
async fn look_up_all(app: &Seawall, files: &[ScannedFile]) -> Result<Vec<Found>, StoreError> {
    let queries = files.iter().map(|file| Query {
        signals: &file.signals,
        looks: file.looks.as_ref(),
        recording: file.recording.as_ref().map(ScannedRecording::query),
    });
    look_up(app, &queries.collect::<Vec<Query<'_>>>()).await
}

fn vanished() -> StoreError {
    StoreError::Damaged {
        what: "an item that was just submitted has no decision".to_owned(),
    }
}
