//! Rules are watched: one that people reverse too often, or that suddenly fires far more often, is taken back to shadow with an alarm. And what
//! rules remember is kept in order: windows are written down, what is over ends, what has had its time is forgotten.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use policy::Mode;
use policy::edit::to_shadow;
use policy::measure::is_jump;
use serde_json::json;

use super::RulesError;
use super::changes::standing_of;
use super::endings::end_restrictions;
use crate::Seawall;
use crate::model::{Actor, Alarm, AlarmId, AlarmKind, Measured, Right, RuleFile, RulesSource, Timestamp, off_thread};
use crate::rules::firings::{Day, Key, day_of};
use crate::rules::judge::CompiledVersion;
use crate::rules::versions::NewVersion;
use crate::rules::{alarms, changes, firings, labels, lists, log, snapshots, standing, versions};
use crate::store::{AnyConnection, StoreError, Tx};

/// How long the facts of what was judged are kept, for backtests.
const EVENTS_KEPT: Duration = Duration::from_secs(30 * 86_400);
/// Over how many days a rule's precision is measured.
const PRECISION_DAYS: i64 = 90;
/// Over how many days before today a rule's own past is looked at.
const PAST_DAYS: i64 = 28;
/// A past shorter than this, in whole days on which the rule was asked, says nothing about jumps.
const PAST_DAYS_MIN: usize = 3;
/// The same rule raises no second alarm within this time.
const ALARM_EVERY: Duration = Duration::from_secs(86_400);
/// Events after which the windows are written down again.
const SNAPSHOT_AFTER: i64 = 2_000;
/// Versions of which the windows are kept, for going back.
const SNAPSHOT_VERSIONS: i64 = 5;
/// How long traces of what lists held are kept, for processes that follow.
const LIST_TRACES_KEPT: Duration = Duration::from_secs(7 * 86_400);

/// Somebody takes note of an alarm.
pub async fn see_alarm(app: &Seawall, actor: &Actor, id: AlarmId) -> Result<(), RulesError> {
    actor.require(Right::ProposeRules)?;
    let mut tx = app.store.begin("see alarm").await?;
    let now = app.clock.now();
    if !alarms::see(&mut tx, id, &actor.to_string(), now).await? {
        return Err(RulesError::NotFound { what: "open alarm" });
    }
    tx.event(now, actor, "alarm.seen", id, json!({}));
    tx.commit().await?;
    Ok(())
}

/// The upkeep of rules. Doing it twice changes nothing more.
pub async fn keep_rules_up(app: &Seawall) -> Result<(), StoreError> {
    app.judge.write_counts(&app.store).await?;
    end_restrictions(app).await?;
    watch_rules(app).await?;
    write_windows_down(app).await?;
    let now = app.clock.now();
    let mut tx = app.store.begin("forget what rules remember").await?;
    let covered = covered_by_snapshots(app, &mut tx).await?;
    log::forget_before(&mut tx, now.before(EVENTS_KEPT), covered).await?;
    snapshots::forget_old(&mut tx, SNAPSHOT_VERSIONS).await?;
    labels::forget_ended(&mut tx, now).await?;
    lists::forget_ended(&mut tx, now.before(LIST_TRACES_KEPT)).await?;
    tx.commit().await
}

/// Up to which event the windows of the versions that are asked are written down.
async fn covered_by_snapshots(app: &Seawall, tx: &mut Tx) -> Result<i64, StoreError> {
    let Some(kept) = standing::read(tx.conn()).await? else {
        return Ok(0);
    };
    let mut covered = kept.last_seq;
    let shadow = kept.standing.shadow.map(|(version, _)| version);
    for version in [Some(kept.standing.live), shadow].into_iter().flatten() {
        let compiled = app.judge.compiled(tx.conn(), version).await?;
        if !compiled.rules.windows().is_empty() {
            let newest = snapshots::newest(tx.conn(), version, kept.last_seq).await?;
            covered = covered.min(newest.unwrap_or(0));
        }
    }
    Ok(covered)
}

/// Writes the windows down if much was judged since: a restart reads the rest of the log only.
async fn write_windows_down(app: &Seawall) -> Result<(), StoreError> {
    let mut conn = app.store.reader().await?;
    let Some(kept) = standing::read(&mut conn).await? else {
        return Ok(());
    };
    let shadow = kept.standing.shadow.map(|(version, _)| version);
    for version in [Some(kept.standing.live), shadow].into_iter().flatten() {
        let newest = snapshots::newest(&mut conn, version, kept.last_seq).await?.unwrap_or(0);
        if kept.last_seq - newest < SNAPSHOT_AFTER {
            continue;
        }
        // Filled beside those that judge, so that nobody waits while they are written.
        let ready = app.judge.prepare(&app.store, version).await?;
        ready.write_down(&app.store).await?;
    }
    Ok(())
}

/// Looks at each live rule, and takes back those that are wrong too often or fire too much.
async fn watch_rules(app: &Seawall) -> Result<(), StoreError> {
    let mut conn = app.store.reader().await?;
    let Some(kept) = standing::read(&mut conn).await? else {
        return Ok(());
    };
    let live = app.judge.compiled(&mut conn, kept.standing.live).await?;
    let now = app.clock.now();
    let measured = firings::since(&mut conn, day_of(now) - PRECISION_DAYS).await?;
    let live_since = live_since(&mut conn, &live, now).await?;
    let mut found = Vec::new();
    for (idx, rule) in live.rules.rules().iter().enumerate() {
        let is_over = rule.expires_ms.is_some_and(|expires| expires <= now.unix_ms());
        if rule.mode != Mode::Live || is_over {
            continue;
        }
        // Each kind has its own pause: a wave that is reported daily hides no rule that is wrong.
        let since = now.before(ALARM_EVERY);
        let key = live.key(idx);
        if let Some(detail) = misses_floor(rule, &measured, &key)
            && !alarms::is_raised(&mut conn, &rule.name, AlarmKind::Precision, since).await?
        {
            found.push((rule.name.clone(), AlarmKind::Precision, detail, true));
            continue;
        }
        let first = live_since.get(&key).copied().unwrap_or_else(|| day_of(now));
        let mut days = firings::days(&mut conn, &key, day_of(now) - PAST_DAYS).await?;
        // Of the day on which it became live it saw a part only, and nothing of the days before.
        days.retain(|day| day.day > first || day.day == day_of(now));
        if let Some(detail) = jumps(&days, now)
            && !alarms::is_raised(&mut conn, &rule.name, AlarmKind::Surge, since).await?
        {
            found.push((rule.name.clone(), AlarmKind::Surge, detail, !rule.keeps_surges));
        }
    }
    drop(conn);
    for (rule, kind, detail, suspends) in found {
        raise(app, &live, &rule, kind, detail, suspends).await?;
    }
    Ok(())
}

/// The day since which each rule of the live version is asked without a break, as far back as a past is looked at.
async fn live_since(
    conn: &mut AnyConnection,
    live: &CompiledVersion,
    now: Timestamp,
) -> Result<HashMap<Key, i64>, StoreError> {
    /// The most changes that are looked at: before them a rule has no past.
    const REIGNS_MAX: i64 = 200;
    let mut since: HashMap<Key, i64> = HashMap::new();
    let mut unbroken: HashSet<Key> = live.keys().iter().cloned().collect();
    for reign in standing::reigns(&mut *conn, REIGNS_MAX).await? {
        let files = versions::files(&mut *conn, reign.version).await?;
        let asked = off_thread(|| asked(&files));
        unbroken.retain(|key| asked.contains(key));
        let day = day_of(reign.since);
        since.extend(unbroken.iter().map(|key| (key.clone(), day)));
        if unbroken.is_empty() || day < day_of(now) - PAST_DAYS {
            break;
        }
    }
    Ok(since)
}

/// What the rules of these files are measured by, drafts left out.
fn asked(files: &[RuleFile]) -> HashSet<Key> {
    let texts = versions::texts(files).into_iter().filter(|text| text.is_asked);
    texts
        .map(|text| Key {
            rule: text.rule,
            fingerprint: text.fingerprint,
        })
        .collect()
}

fn misses_floor(rule: &policy::Rule, measured: &HashMap<Key, Measured>, key: &Key) -> Option<String> {
    let floor = rule.floor?;
    let looked = measured.get(key)?.looked;
    let precision = looked.precision().filter(|_| looked.is_below(floor))?;
    Some(format!(
        "people confirmed {} of {} findings: between {:.0} and {:.0} of 100 are right, and {:.0} have to be",
        looked.confirmed,
        looked.n(),
        precision.low * 100.0,
        precision.high * 100.0,
        floor * 100.0
    ))
}

/// Of as many events as today's, how many were found on the days before, and how many are today.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn jumps(days: &[Day], now: Timestamp) -> Option<String> {
    let today = day_of(now);
    let (past, present): (Vec<&Day>, Vec<&Day>) = days.iter().partition(|day| day.day < today);
    let present = present.first()?;
    if past.len() < PAST_DAYS_MIN {
        return None;
    }
    let (fired, events) = past
        .iter()
        .fold((0, 0), |(f, e), day| (f + day.fired, e + day.n_events));
    let expected = fired as f64 * present.n_events as f64 / (events.max(1)) as f64;
    is_jump(expected, present.fired).then(|| {
        format!(
            "it fired {} times today, and about {:.0} times were to be expected by the {} days before",
            present.fired,
            expected,
            past.len()
        )
    })
}

/// Raises an alarm; and, if it suspends, makes a version live in which the rule stands in shadow.
async fn raise(
    app: &Seawall,
    seen: &CompiledVersion,
    rule: &str,
    kind: AlarmKind,
    detail: String,
    suspends: bool,
) -> Result<(), StoreError> {
    let edited = to_shadow(&versions::sources(&seen.files), rule).filter(|_| suspends);
    let files: Option<Vec<RuleFile>> = edited.map(|sources| {
        let mut files = seen.files.clone();
        for source in sources {
            if let Some(file) = files.iter_mut().find(|file| file.name == source.name) {
                file.text = source.text;
            }
        }
        files
    });
    let now = app.clock.now();
    let alarm = Alarm {
        id: AlarmId::fresh(now, &app.chance),
        rule: rule.to_owned(),
        kind,
        detail,
        is_suspended: files.is_some(),
        version: seen.number,
        raised_at: now,
        seen: None,
    };
    let mut suspended = None;
    if let Some(files) = files {
        let mut tx = app.store.begin("make a suspended version").await?;
        let new = NewVersion {
            note: format!("`{rule}` was taken back to shadow: {}", alarm.detail),
            author: Actor::System.to_string(),
            source: RulesSource::Suspended,
            n_rules: seen.rules.rules().len(),
            files,
        };
        let number = versions::insert(&mut tx, &new, now).await?;
        tx.commit().await?;
        let ready = app.judge.prepare(&app.store, number).await?;
        ready.write_down(&app.store).await?;
        suspended = Some((number, ready, new.note));
    }
    let mut tx = app.store.begin("raise an alarm").await?;
    let last_seq = standing::lock(&mut tx).await?;
    let kept = standing_of(&mut tx).await?;
    // Another process may have been first, or somebody made other rules live: then it is looked at anew in an hour.
    if kept.standing.live != seen.number || alarms::is_raised(tx.conn(), rule, kind, now.before(ALARM_EVERY)).await? {
        return Ok(());
    }
    let mut taken = None;
    if let Some((number, mut ready, note)) = suspended {
        ready.settle(&mut tx, last_seq).await?;
        changes::end_live(&mut tx).await?;
        standing::set_live(&mut tx, number, last_seq, &Actor::System.to_string(), &note, now).await?;
        let body = json!({ "version": number, "from": seen.number, "suspended": rule, "alarm": alarm.id.to_string() });
        tx.event(now, &Actor::System, "rules.live", number, body);
        taken = Some(ready);
    }
    alarms::insert(&mut tx, &alarm).await?;
    let body = json!({ "rule": rule, "kind": kind.as_str(), "suspended": alarm.is_suspended });
    tx.event(now, &Actor::System, "alarm.raised", alarm.id, body);
    tx.commit().await?;
    if let Some(ready) = taken {
        app.judge.offer(ready).await;
    }
    tracing::warn!(
        rule,
        kind = kind.as_str(),
        suspended = alarm.is_suspended,
        "a rule raised an alarm: {}",
        alarm.detail
    );
    Ok(())
}
