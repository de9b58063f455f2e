//! A case gets its place: what is known of it is gathered from the rooms, and [`crate::routing::place`] says where it stands. It is placed when it is
//! opened, when it moves, when the platform says something else of it, and by the upkeep while it waits.
//!
//! Placing twice gives the same place: it depends on what is kept and on the time alone.

use std::collections::HashMap;
use std::time::Duration;

use policy::{PolicyCode, Queue};

use super::judging::{KnownItem, entries_of};
use super::mail::{About, write_later};
use crate::model::{Case, EntryId, ItemKind, MediaStatus, Place, PlaceFacts, Tier, Timestamp, WorkKind};
use crate::routing::order::Waiting;
use crate::routing::{Learned, outcomes, pace, place, told, warnings};
use crate::rules::Judged;
use crate::store::{AnyConnection, StoreError, Tx, jobs};
use crate::{Seawall, banks, cases, items, streams};

/// The kind of job that tells of a case that is still open.
pub(super) const WARN: &str = "warn_case";
/// How long a case waits until its place is computed anew.
const PLACE_EVERY: Duration = Duration::from_secs(3600);
/// Cases that are placed anew in one transaction.
const PLACE_PAGE: i64 = 50;
/// Transactions of one round of the upkeep.
const PLACE_PAGES_MAX: usize = 40;
/// The most entries of incidents that are looked at.
const INCIDENTS_MAX: i64 = 1_000;
/// How long it is remembered what was told.
const TOLD_KEPT: Duration = Duration::from_secs(400 * 24 * 3600);

/// What is known of an item that bears on the place of its case.
pub(super) async fn facts_of(
    conn: &mut AnyConnection,
    known: &KnownItem<'_>,
    judged: &Judged,
    now: Timestamp,
) -> Result<PlaceFacts, StoreError> {
    let ruling = &judged.ruling;
    let strength = |tier: Tier| match tier {
        Tier::Match => 0,
        Tier::Lead => 1,
    };
    let strongest = known
        .matches
        .iter()
        .min_by_key(|found| (strength(found.tier), found.distance));
    let is_live = known.kind == ItemKind::Stream && streams::find_open(&mut *conn, known.id).await?.is_some();
    let entries = entries_of(&known.matches);
    let incident_until = match entries.is_empty() {
        true => None,
        false => {
            let active = banks::active_incidents(&mut *conn, now, INCIDENTS_MAX).await?;
            let of_these = active
                .iter()
                .filter(|incident| entries.binary_search(&incident.entry).is_ok());
            of_these.map(|incident| incident.until).max()
        }
    };
    let labels = match entries.is_empty() {
        true => HashMap::new(),
        false => banks::labels_of_entries(&mut *conn, &entries).await?,
    };
    Ok(PlaceFacts {
        policies: policies_of(known, judged, &labels),
        rule: Some(ruling.rule.clone()),
        bank: strongest.map(|found| (found.target.bank.to_string(), found.target.bank_name.clone())),
        policy: ruling.policy.map(|policy| policy.as_str().to_owned()),
        views: known.platform.views,
        posted_at: Some(known.posted_at),
        work: Some(work_of(known)),
        language: language_of(known.platform.languages.as_deref()),
        incident_until,
        is_live,
        given_due: None,
    })
}

/// The policies that it may be about: those of the rules that fired, those that a label of an entry near it names, and what it was restricted under before. A bank
/// has none, and neither has a report: where nothing says so, nothing is known.
fn policies_of(known: &KnownItem<'_>, judged: &Judged, labels: &HashMap<EntryId, Vec<String>>) -> Vec<PolicyCode> {
    let fired = judged.said["fired"].as_array().into_iter().flatten();
    let fired = fired.filter_map(|fired| fired["policy"].as_str());
    let labels = labels.values().flatten().map(String::as_str);
    let named: Vec<PolicyCode> = fired.chain(labels).filter_map(|word| word.parse().ok()).collect();
    let is_one = |policy: &PolicyCode| {
        named.contains(policy) || judged.ruling.policy == Some(*policy) || known.restricted_before == Some(*policy)
    };
    PolicyCode::ALL.iter().copied().filter(is_one).collect()
}

/// The first language, without its region.
fn language_of(languages: Option<&[String]>) -> Option<String> {
    let first = languages?.first()?.split(['-', '_']).next()?.to_lowercase();
    // Words with spaces around each are kept: nothing else may stand in them.
    let is_plain = !first.is_empty() && first.len() <= 8 && first.bytes().all(|byte| byte.is_ascii_lowercase());
    is_plain.then_some(first)
}

fn work_of(known: &KnownItem<'_>) -> WorkKind {
    if known.kind == ItemKind::Stream {
        return WorkKind::Stream;
    }
    let of_file = |status: &&MediaStatus| match status {
        MediaStatus::Scanned { plays: Some(plays), .. } => match plays.video_codec {
            Some(_) => WorkKind::Video,
            None => WorkKind::Sound,
        },
        MediaStatus::Scanned { plays: None, .. } => WorkKind::Image,
        MediaStatus::Given | MediaStatus::Unscanned { .. } => WorkKind::File,
    };
    // What takes the longest counts.
    let slowness = |work: &WorkKind| match work {
        WorkKind::Text => 0,
        WorkKind::Image => 1,
        WorkKind::File => 2,
        WorkKind::Sound => 3,
        WorkKind::Video => 4,
        WorkKind::Stream => 5,
    };
    known
        .media
        .iter()
        .map(of_file)
        .max_by_key(slowness)
        .unwrap_or(WorkKind::Text)
}

/// Where a case stands that waits there.
pub(super) async fn place_of(
    app: &Seawall,
    conn: &mut AnyConnection,
    (queue, priority, opened_at): (Queue, i32, Timestamp),
    facts: PlaceFacts,
    now: Timestamp,
) -> Result<Place, StoreError> {
    let settings = &app.settings.routing;
    let chance = outcomes::learn(&mut *conn, queue, &facts, settings.prior, now).await?;
    let handling = match facts.work {
        Some(work) => pace::of(conn, work).await?,
        None => None,
    };
    let waiting = Waiting {
        queue,
        priority,
        opened_at,
    };
    Ok(place(waiting, facts, Learned { chance, handling }, now, settings))
}

/// What is known of a case that moves to another queue: whoever moves it moves no deadline. By when it was due it is due still.
pub(super) fn facts_after_move(before: &Place) -> PlaceFacts {
    PlaceFacts {
        given_due: before.due_at.or(before.facts.given_due),
        ..before.facts.clone()
    }
}

/// Places a case anew that is locked, by what is known of it now. A time that was set from outside stays.
pub(super) async fn place_anew(
    app: &Seawall,
    tx: &mut Tx,
    case: &Case,
    facts: PlaceFacts,
    now: Timestamp,
) -> Result<Place, StoreError> {
    let facts = PlaceFacts {
        given_due: facts.given_due.or(case.place.facts.given_due),
        ..facts
    };
    let at = (case.queue, case.priority, case.opened_at);
    let place = place_of(app, tx.conn(), at, facts, now).await?;
    cases::put_place(tx, case.id, &place).await?;
    warn_in_time(app, tx, case, &place, now).await?;
    Ok(place)
}

/// Has it told of a case at its points, as long as it is open. Of points that were there before there is a job already.
pub(super) async fn warn_in_time(
    app: &Seawall,
    tx: &mut Tx,
    case: &Case,
    place: &Place,
    now: Timestamp,
) -> Result<(), StoreError> {
    let queue = app.settings.routing.of(case.queue);
    for point in warnings::points(&queue, case.opened_at, place.due_at) {
        if point <= now {
            continue;
        }
        let subject = format!("{} {}", case.id, point.unix_ms());
        write_later(app, tx, About::Warning, &subject, (now, point)).await?;
        // With no address nobody is told so, and the desk shows what is due.
        if app.webhook.is_some() {
            jobs::enqueue(tx, now, &app.chance, WARN, subject, point).await?;
        }
    }
    Ok(())
}

/// Places the open case of an item anew whose content is the same, and of which something else is said.
pub(super) async fn place_again(
    app: &Seawall,
    tx: &mut Tx,
    known: &KnownItem<'_>,
    judged: &Judged,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(open) = cases::find_open_of_item(tx.conn(), known.id).await? else {
        return Ok(());
    };
    let Some(case) = cases::find_locked(tx, open.id).await? else {
        return Ok(());
    };
    let facts = facts_of(tx.conn(), known, judged, now).await?;
    place_anew(app, tx, &case, facts, now).await?;
    Ok(())
}

/// Places cases anew that have waited since they were last placed: rules may have been confirmed or reversed since, an incident may be over, a stream may
/// have ended. Says how many.
pub async fn place_waiting(app: &Seawall) -> Result<usize, StoreError> {
    let mut n_placed = 0;
    for _ in 0..PLACE_PAGES_MAX {
        let now = app.clock.now();
        let mut tx = app.store.begin("place cases").await?;
        let ids = cases::list_placed_before(tx.conn(), now.before(PLACE_EVERY), PLACE_PAGE).await?;
        for id in &ids {
            let Some(case) = cases::find_locked(&mut tx, *id).await? else {
                continue;
            };
            let mut facts = case.place.facts.clone();
            let said = items::facts_of(tx.conn(), &case.item).await?;
            facts.views = said.views.or(facts.views);
            if facts.is_live {
                facts.is_live = streams::find_open(tx.conn(), &case.item).await?.is_some();
            }
            place_anew(app, &mut tx, &case, facts, now).await?;
        }
        tx.commit().await?;
        n_placed += ids.len();
        if i64::try_from(ids.len()).is_ok_and(|n| n < PLACE_PAGE) {
            break;
        }
    }
    Ok(n_placed)
}

/// Counts anew how long cases of each kind take, and forgets what counts no more.
pub async fn measure_pace(app: &Seawall) -> Result<(), StoreError> {
    let mut tx = app.store.begin("measure pace").await?;
    let now = app.clock.now();
    for work in WorkKind::ALL {
        let took = cases::handled_ms(tx.conn(), work.as_str(), pace::CASES_MAX).await?;
        let n = took.len();
        if let Some(median) = pace::median(took) {
            pace::put(&mut tx, *work, median, n, now).await?;
        }
    }
    outcomes::forget(&mut tx, now).await?;
    told::forget_before(&mut tx, now.before(TOLD_KEPT)).await?;
    tx.commit().await
}
