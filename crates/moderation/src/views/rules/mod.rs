//! Rules for people: what each does, how often, how well; versions, changes and their differences.

mod changes;
mod diff;
mod explain;
mod lists;

pub use changes::{
    ChangeRow, ChangeView, VersionRow, VersionView, change, diff_versions, list_changes, list_rules_versions,
    rules_version,
};
pub use diff::{DiffLine, FileDiff, FileDiffKind, Hunk, LineKind, diff_files};
pub use explain::{CounterSeen, Explanation, FiredRule, UndecidedRule, explain};
pub use lists::{RuleListRow, labels_of, list_labels, list_rule_lists, rule_list};

use std::collections::HashMap;

use policy::measure::Share;
use policy::{Mode, PolicyOf, Rule, Severity, schema};

use super::{ViewError, names};
use crate::Seawall;
use crate::model::{Actor, Alarm, Measured, Right, RulesVersion, Standing, Timestamp};
use crate::rules::firings::{self, Day, Key, day_of};
use crate::rules::judge::CompiledVersion;
use crate::rules::standing::not_installed;
use crate::rules::{alarms, changes as kept_changes, standing, versions};
use crate::store::StoreError;

/// Over how many days precision is measured.
const PRECISION_DAYS: i64 = 90;
/// How many days of a rule are shown.
const DAYS_SHOWN: i64 = 28;
/// The most alarms that are shown.
const ALARMS_MAX: i64 = 200;
/// The most open changes that are counted.
const CHANGES_MAX: i64 = 1_000;

/// The rules that count, each with what is measured of it.
#[derive(Debug, Clone)]
pub struct RulesView {
    /// Which versions judge.
    pub standing: Standing,
    /// The live version.
    pub live: RulesVersion,
    /// Who wrote it.
    pub live_by_name: String,
    /// Its rules, in the order of their files.
    pub rules: Vec<RuleRow>,
    /// Alarms that nobody took note of.
    pub n_open_alarms: i64,
    /// Changes that may still become live.
    pub n_open_changes: usize,
    /// Events that were judged in the last seven days.
    pub n_events_7d: u64,
}

/// A rule in a line.
#[derive(Debug, Clone)]
pub struct RuleRow {
    /// Its name.
    pub name: String,
    /// `draft`, `shadow` or `live`.
    pub mode: &'static str,
    /// For what share of the items it counts, 0 to 1.
    pub share: f64,
    /// The kinds of items that it is about; empty, if of all.
    pub about: Vec<&'static str>,
    /// What happens, in words.
    pub outcomes: Vec<String>,
    /// The policy that it serves, or the fact that names one.
    pub policy: Option<String>,
    /// How grave it is.
    pub severity: &'static str,
    /// What people are told, as its author wrote it.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// When it has to be looked at again.
    pub review_at: Option<Timestamp>,
    /// Whether that day has passed.
    pub is_review_due: bool,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether it has ended.
    pub is_expired: bool,
    /// Since when its present text is measured; none before the first event.
    pub since: Option<Timestamp>,
    /// How often it fired in the last seven days.
    pub fired_7d: u64,
    /// How often it fired in the last four weeks.
    pub fired_28d: u64,
    /// What was measured of its present text in the last ninety days.
    pub measured: Measured,
    /// The share of its findings that people confirmed, with its interval.
    pub precision: Option<Share>,
    /// The least share that has to be confirmed.
    pub floor: Option<f64>,
    /// Whether it goes on when it suddenly fires far more often.
    pub keeps_surges: bool,
    /// Whether Seawall took it back to shadow, and nobody changed it since.
    pub is_suspended: bool,
    /// What asking it costs about, in nanoseconds.
    pub cost_ns: u32,
    /// The file's name.
    pub file: String,
    /// The line on which it begins.
    pub line: usize,
    /// Its text.
    pub text: String,
}

/// A rule with its days.
#[derive(Debug, Clone)]
pub struct RuleView {
    /// The rule.
    pub row: RuleRow,
    /// The last days on which anything was judged, oldest first.
    pub days: Vec<RuleDay>,
    /// Alarms about it, the newest first.
    pub alarms: Vec<Alarm>,
}

/// A day of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleDay {
    /// When it began, UTC.
    pub at: Timestamp,
    /// How often it fired.
    pub fired: u64,
    /// Events that were judged.
    pub n_events: u64,
}

/// The rules that count.
pub async fn rules(app: &Seawall, actor: &Actor) -> Result<RulesView, ViewError> {
    actor.require(Right::ReadRules)?;
    let mut conn = app.store.reader().await?;
    let kept = standing::read(&mut conn).await?.ok_or_else(not_installed)?;
    let live = versions::find(&mut conn, kept.standing.live)
        .await?
        .ok_or_else(not_installed)?;
    let compiled = app.judge.compiled(&mut conn, live.number).await?;
    let now = app.clock.now();
    let today = day_of(now);
    let measured = [7, DAYS_SHOWN, PRECISION_DAYS];
    let mut by_span = Vec::with_capacity(measured.len());
    for days in measured {
        by_span.push(firings::since(&mut conn, today - days + 1).await?);
    }
    let first_days = firings::first_days(&mut conn).await?;
    let raised = alarms::list(&mut conn, false, ALARMS_MAX).await?;
    let names = names::all(&mut conn).await?;
    let rows = compiled.rules.rules().iter().enumerate();
    let rows = rows.map(|(idx, rule)| {
        let key = compiled.key(idx);
        let of = |span: usize| by_span[span].get(&key).cloned().unwrap_or_default();
        let mut row = row_of(&compiled, idx, rule, now);
        (row.fired_7d, row.fired_28d) = (of(0).fired, of(1).fired);
        row.measured = of(2);
        row.precision = row.measured.precision();
        row.since = first_days
            .get(&key)
            .map(|day| Timestamp::from_unix_ms(day * 86_400_000));
        row.is_suspended = row.mode == "shadow"
            && raised.iter().any(|alarm| {
                alarm.rule == row.name && alarm.is_suspended && alarm.raised_at <= kept.standing.live_since
            })
            && live.source == crate::model::RulesSource::Suspended;
        row
    });
    let rules = rows.collect();
    Ok(RulesView {
        rules,
        live_by_name: names::of(&names, &live.author),
        live,
        standing: kept.standing,
        n_open_alarms: alarms::n_open(&mut conn).await?,
        n_open_changes: kept_changes::list(&mut conn, None, true, CHANGES_MAX).await?.len(),
        n_events_7d: firings::n_events(&mut conn, today - 6).await?,
    })
}

/// A rule of the live version, by its name.
pub async fn rule(app: &Seawall, actor: &Actor, name: &str) -> Result<Option<RuleView>, ViewError> {
    let view = rules(app, actor).await?;
    let Some(row) = view.rules.into_iter().find(|row| row.name == name) else {
        return Ok(None);
    };
    let mut conn = app.store.reader().await?;
    let compiled = app.judge.compiled(&mut conn, view.live.number).await?;
    let idx = compiled.rules.rules().iter().position(|rule| rule.name == name);
    let key = idx.map_or_else(
        || Key {
            rule: name.to_owned(),
            fingerprint: String::new(),
        },
        |idx| compiled.key(idx),
    );
    let from = day_of(app.clock.now()) - DAYS_SHOWN + 1;
    let days = firings::days(&mut conn, &key, from).await?;
    let mut alarms = alarms::list(&mut conn, false, ALARMS_MAX).await?;
    alarms.retain(|alarm| alarm.rule == name);
    let day = |day: Day| RuleDay {
        at: Timestamp::from_unix_ms(day.day * 86_400_000),
        fired: day.fired,
        n_events: day.n_events,
    };
    Ok(Some(RuleView {
        row,
        days: days.into_iter().map(day).collect(),
        alarms,
    }))
}

/// Alarms about rules, the newest first; only those that nobody took note of if `open_only`.
pub async fn rule_alarms(app: &Seawall, actor: &Actor, open_only: bool) -> Result<Vec<Alarm>, ViewError> {
    actor.require(Right::ReadRules)?;
    Ok(alarms::list(&mut *app.store.reader().await?, open_only, ALARMS_MAX).await?)
}

/// What is measured of rules, for the operator's monitoring.
#[derive(Debug, Clone, Default)]
pub struct RuleMetrics {
    /// Of each rule of the live version, since the day began: its name, how often it fired, how often it could not be decided.
    pub today: Vec<(String, u64, u64)>,
    /// Events that were judged, ever.
    pub n_events: i64,
    /// The live version.
    pub live: i64,
    /// Alarms that nobody took note of.
    pub n_open_alarms: i64,
    /// Keys that windows remember, and their bytes.
    pub windows: (usize, usize),
}

pub(super) async fn rule_metrics(app: &Seawall) -> Result<RuleMetrics, StoreError> {
    // Asked before a connection is taken: who judges may hold the one and wait for the other.
    let windows = app.judge.size().await;
    let mut conn = app.store.reader().await?;
    let Some(kept) = standing::read(&mut conn).await? else {
        return Ok(RuleMetrics::default());
    };
    let compiled = app.judge.compiled(&mut conn, kept.standing.live).await?;
    let measured: HashMap<Key, Measured> = firings::since(&mut conn, day_of(app.clock.now())).await?;
    let today = (0..compiled.texts.len()).map(|idx| {
        let key = compiled.key(idx);
        let measured = measured.get(&key).cloned().unwrap_or_default();
        (key.rule, measured.fired, measured.undecided)
    });
    Ok(RuleMetrics {
        today: today.collect(),
        n_events: kept.last_seq,
        live: kept.standing.live,
        n_open_alarms: alarms::n_open(&mut conn).await?,
        windows,
    })
}

fn row_of(compiled: &CompiledVersion, idx: usize, rule: &Rule, now: Timestamp) -> RuleRow {
    let time = |ms: Option<i64>| ms.map(Timestamp::from_unix_ms);
    let text = compiled.texts.get(idx);
    let sources = versions::sources(&compiled.files);
    let (review_at, expires_at) = (time(rule.review_ms), time(rule.expires_ms));
    RuleRow {
        name: rule.name.clone(),
        mode: match rule.mode {
            Mode::Draft => "draft",
            Mode::Shadow => "shadow",
            Mode::Live => "live",
        },
        share: rule.share,
        about: rule.about(),
        outcomes: rule.outcomes.iter().map(ToString::to_string).collect(),
        policy: match &rule.policy {
            PolicyOf::Nothing => None,
            PolicyOf::Named(policy) => Some(policy.clone()),
            PolicyOf::Fact(fact) => Some(schema::FACTS[*fact as usize].name.to_owned()),
        },
        severity: match rule.severity {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        },
        reason: rule.written_reason.clone(),
        owner: rule.owner.clone(),
        is_review_due: review_at.is_some_and(|review| review <= now),
        review_at,
        is_expired: expires_at.is_some_and(|expires| expires <= now),
        expires_at,
        since: None,
        fired_7d: 0,
        fired_28d: 0,
        measured: Measured::default(),
        precision: None,
        floor: rule.floor,
        keeps_surges: rule.keeps_surges,
        is_suspended: false,
        cost_ns: compiled.rules.cost_ns(rule),
        file: sources
            .get(rule.file)
            .map(|source| source.name.clone())
            .unwrap_or_default(),
        line: text.map_or(1, |text| text.line),
        text: text.map(|text| text.text.clone()).unwrap_or_default(),
    }
}
