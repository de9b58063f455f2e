//! People are woken by e-mail: a case is due or overdue, nobody will be on shift for urgent work, the platform did not do what it confirmed.
//!
//! The same that the platform's webhook is told, by jobs of their own: where one of the two ways is down, the other still wakes somebody. A letter that was taken by
//! the mail server is noted in the transaction that ends its job, so it is sent once, or twice if the process dies in between; both have one id.

use std::time::Duration;

use tokio::sync::watch;

use super::due::{Telling, telling_of_gap, telling_of_warning};
use crate::actions::mail::{Letter, MailSettings, Mailer};
use crate::model::{ActionState, Actor, Timestamp};
use crate::routing::told;
use crate::store::jobs::{self, Job};
use crate::store::{StoreError, Tx};
use crate::{Seawall, actions};

/// The kind of job that writes of a case at one of its points.
const MAIL_WARNING: &str = "mail_warning";
/// The kind of job that writes of a time at which nobody is on shift.
const MAIL_GAP: &str = "mail_gap";
/// The kind of job that writes of an order in doubt.
const MAIL_DOUBT: &str = "mail_doubt";
const KINDS: [&str; 3] = [MAIL_WARNING, MAIL_GAP, MAIL_DOUBT];

/// The most addresses, one after the other.
const TO_MAX: u32 = MailSettings::TO_MAX as u32;
/// How much longer than an attempt may take a job is leased.
const LEASE_MARGIN: Duration = Duration::from_secs(30);
/// How long to wait for the next attempt at first, and at most.
const WAIT: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(30 * 60));
/// After this a letter is of no use any more.
const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3_600);
/// The longest that the worker sleeps without looking.
const POLL_MAX: Duration = Duration::from_secs(1);

/// What is written of.
#[derive(Debug, Clone, Copy)]
pub(super) enum About {
    /// A case at one of its points.
    Warning,
    /// A time at which nobody is on shift.
    Gap,
    /// An order in doubt.
    Doubt,
}

impl About {
    const fn job(self) -> &'static str {
        match self {
            About::Warning => MAIL_WARNING,
            About::Gap => MAIL_GAP,
            About::Doubt => MAIL_DOUBT,
        }
    }
}

/// Has people woken at a time, if there is anybody to write to.
pub(super) async fn write_later(
    app: &Seawall,
    tx: &mut Tx,
    about: About,
    subject: impl std::fmt::Display,
    (now, due): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    match app.mailer {
        Some(_) => jobs::enqueue(tx, now, &app.chance, about.job(), subject, due).await,
        None => Ok(()),
    }
}

/// Writes what is due until told to stop. With no mail set up it only waits for that.
pub async fn run_mailer(app: Seawall, mut shutdown: watch::Receiver<bool>) {
    let worker = format!("mailer-{}", hex::encode(app.chance.bytes::<8>()));
    while !*shutdown.borrow() {
        match mail_due(&app, &worker).await {
            Ok(_) => {}
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "cannot look for letters"),
        }
        tokio::select! {
            () = tokio::time::sleep(POLL_MAX) => {}
            _ = shutdown.changed() => {}
        }
        if app.mailer.is_none() {
            let _ = shutdown.wait_for(|told| *told).await;
        }
    }
}

/// Writes everything that is due now, and returns how many letters were tried.
pub async fn mail_due(app: &Seawall, worker: &str) -> Result<usize, StoreError> {
    let Some(mailer) = app.mailer.clone() else {
        return Ok(0);
    };
    let mut n_tried = 0;
    let lease = mailer.timeout() * TO_MAX + LEASE_MARGIN;
    while let Some(job) = jobs::claim(&app.store, worker, &KINDS, app.clock.now(), lease).await? {
        n_tried += usize::from(mail(app, &mailer, worker, &job).await?);
    }
    Ok(n_tried)
}

async fn mail(app: &Seawall, mailer: &Mailer, worker: &str, job: &Job) -> Result<bool, StoreError> {
    let found = letter(app, job).await?;
    let Some((letter, since)) = found else {
        let mut tx = app.store.begin("drop job").await?;
        jobs::finish(&mut tx, job, worker).await?;
        tx.commit().await?;
        return Ok(false);
    };
    let sent = mailer.send(&letter).await;
    let mut tx = app.store.begin("write what came of a letter").await?;
    let now = app.clock.now();
    let waited = now.since(since);
    match sent {
        Ok(n_taken) => {
            jobs::finish(&mut tx, job, worker).await?;
            if told::note(&mut tx, &noted(&letter.key), now).await? {
                let body = serde_json::json!({ "about": job.kind, "n_addresses": n_taken });
                tx.event(now, &Actor::System, "mail.sent", &letter.key, body);
            }
        }
        Err(error) if waited >= GIVE_UP_AFTER => {
            tracing::warn!(letter.id = %letter.key, error, "gave up writing to the people who are to be woken");
            jobs::finish(&mut tx, job, worker).await?;
        }
        Err(error) => {
            tracing::warn!(letter.id = %letter.key, error, "a letter was not taken; it is tried again");
            jobs::postpone(&mut tx, job, worker, now.after(waited.clamp(WAIT.0, WAIT.1))).await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}

fn noted(key: &str) -> String {
    format!("mail {key}")
}

/// What is to be written, and since when; nothing if it is so no more, or was written.
async fn letter(app: &Seawall, job: &Job) -> Result<Option<(Letter, Timestamp)>, StoreError> {
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let found = match job.kind.as_str() {
        MAIL_WARNING => telling_of_warning(app, &mut conn, &job.subject, now)
            .await?
            .map(of_case),
        MAIL_GAP => telling_of_gap(&job.subject).map(of_gap),
        _ => of_doubt(app, &job.subject).await?,
    };
    let Some((letter, since)) = found else {
        return Ok(None);
    };
    let was_told = told::was(&mut conn, &noted(&letter.key)).await?;
    Ok((!was_told).then_some((letter, since)))
}

fn of_case(telling: Telling) -> (Letter, Timestamp) {
    let word = |name: &str| telling.body[name].as_str().unwrap_or("-").to_owned();
    let is_over = telling.kind == "case.overdue";
    let held = match telling.body["is_held"].as_bool() {
        Some(true) => "Somebody holds it.",
        Some(false) | None => "Nobody holds it.",
    };
    let letter = Letter {
        subject: match is_over {
            true => format!("Overdue: a case in {}", word("queue")),
            false => format!("Due soon: a case in {}", word("queue")),
        },
        text: format!(
            "A case {}.\n\nQueue: {}\nLane: {}\nDue: {}\nOpened: {}\n{held}",
            if is_over {
                "is overdue and still open"
            } else {
                "is due soon and still open"
            },
            word("queue"),
            word("lane"),
            word("due_at"),
            word("opened_at"),
        ),
        path: format!("/cases/{}", telling.subject),
        key: telling.key,
    };
    (letter, telling.since)
}

fn of_gap(telling: Telling) -> (Letter, Timestamp) {
    let word = |name: &str| telling.body[name].as_str().unwrap_or("-").to_owned();
    let letter = Letter {
        subject: format!("Nobody on shift for {}", telling.subject),
        text: format!(
            "Nobody who can do all urgent work in the queue {} is on shift from {} until {}.",
            telling.subject,
            word("from"),
            word("until"),
        ),
        path: "/coverage".to_owned(),
        key: telling.key,
    };
    (letter, telling.since)
}

/// An order that a person has had given again is in doubt no more.
async fn of_doubt(app: &Seawall, subject: &str) -> Result<Option<(Letter, Timestamp)>, StoreError> {
    let Ok(id) = subject.parse() else {
        return Ok(None);
    };
    let tried = actions::find(&mut *app.store.reader().await?, id).await?;
    let Some(ActionState::Doubtful { found, at, .. }) = tried.as_ref().map(|tried| &tried.action.state) else {
        return Ok(None);
    };
    let action = tried.as_ref().map(|tried| &tried.action);
    let Some(action) = action else { return Ok(None) };
    let letter = Letter {
        key: format!("doubt_{}", action.key()),
        subject: "The platform did not do what it confirmed".to_owned(),
        text: format!(
            "An order was confirmed, and a re-check found that it is not so, or could not find out.\n\nOrder: {} ({})\nFound: {found}\nAt: {at}",
            action.id,
            action.order_word(),
        ),
        path: "/actions?state=doubtful".to_owned(),
    };
    Ok(Some((letter, *at)))
}
