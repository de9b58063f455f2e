//! Rules in the console: read, changed, tried out, approved by a second person. Start with [`show_rules`]; the way of a change begins in
//! `editor.rs`, or in `builder.rs` for the common shapes, and goes on in `changes.rs`.

mod builder;
mod changes;
mod compared;
mod diff;
mod editor;
mod labels;
mod lists;
mod versions;

pub use builder::{build_rule, show_builder};
pub use changes::{list_changes, move_change, roll_back, show_change};
pub use editor::{edit_rules, show_editor};
pub use labels::{change_label, list_labels};
pub use lists::{change_list, list_lists, put_list, show_list, upload_list};
pub use versions::{list_versions, show_version};

use askama::Template;
use axum::extract::{Path, State};
use moderation::flows::rules::{self as flow, RulesError};
use moderation::model::{Alarm, AlarmId, RuleFile, Timestamp};
use moderation::views::{self, RuleRow, RulesView};

use crate::WebState;
use crate::console::flash::Flash;
use crate::console::form::Posted;
use crate::console::page::{Answer, go_saying, show};
use crate::console::problem::ConsoleError;
use crate::console::shell::Shell;
use crate::console::visit::Person;

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    shell: Shell,
    tab: &'static str,
    live: i64,
    live_since: Timestamp,
    live_by: String,
    shadow: Option<(i64, String)>,
    n_open_changes: usize,
    n_events: u64,
    alarms: Vec<AlarmLine>,
    rules: Vec<RuleLine>,
}

#[derive(Template)]
#[template(path = "rule.html")]
struct RulePage {
    shell: Shell,
    tab: &'static str,
    rule: RuleLine,
    days: Vec<DayLine>,
    alarms: Vec<AlarmLine>,
}

struct AlarmLine {
    id: AlarmId,
    rule: String,
    kind: &'static str,
    detail: String,
    is_suspended: bool,
    is_seen: bool,
    at: Timestamp,
}

struct DayLine {
    day: String,
    fired: u64,
    n_events: u64,
}

struct RuleLine {
    name: String,
    mode: &'static str,
    percent: Option<String>,
    outcomes: String,
    policy: Option<String>,
    severity: &'static str,
    reason: String,
    owner: String,
    review: Option<String>,
    is_review_due: bool,
    expires: Option<String>,
    is_expired: bool,
    is_suspended: bool,
    since: Option<Timestamp>,
    fired_7d: u64,
    fired_28d: u64,
    rate: Option<String>,
    undecided: u64,
    failed: u64,
    precision: Option<String>,
    interval: Option<String>,
    n_looked: u64,
    floor: Option<String>,
    file: String,
    line: usize,
    text: String,
}

impl AlarmLine {
    fn of(alarm: Alarm) -> Self {
        Self {
            id: alarm.id,
            rule: alarm.rule,
            kind: alarm.kind.as_str(),
            detail: alarm.detail,
            is_suspended: alarm.is_suspended,
            is_seen: alarm.seen.is_some(),
            at: alarm.raised_at,
        }
    }
}

impl RuleLine {
    fn of(row: RuleRow, n_events: u64) -> Self {
        let is_part = row.mode == "live" && row.share < 1.0;
        Self {
            percent: is_part.then(|| percent(row.share)),
            outcomes: row.outcomes.join(", "),
            review: row.review_at.map(day),
            expires: row.expires_at.map(day),
            rate: (n_events > 0).then(|| percent(share(row.fired_7d, n_events))),
            undecided: row.measured.undecided,
            failed: row.measured.failed,
            precision: row.precision.map(|found| percent(found.measured)),
            interval: row
                .precision
                .map(|found| format!("{}–{}", percent(found.low), percent(found.high))),
            n_looked: row.measured.looked.n(),
            floor: row.floor.map(percent),
            name: row.name,
            mode: row.mode,
            policy: row.policy,
            severity: row.severity,
            reason: row.reason,
            owner: row.owner,
            is_review_due: row.is_review_due,
            is_expired: row.is_expired,
            is_suspended: row.is_suspended,
            since: row.since,
            fired_7d: row.fired_7d,
            fired_28d: row.fired_28d,
            file: row.file,
            line: row.line,
            text: row.text,
        }
    }
}

/// `GET /rules`
pub async fn show_rules(State(state): State<WebState>, person: Person) -> Answer {
    let view = views::rules(&state.app, &person.actor).await?;
    let alarms = views::rule_alarms(&state.app, &person.actor, true).await?;
    let RulesView { standing, live, .. } = &view;
    let n_events = view.n_events_7d;
    let mut page = RulesPage {
        tab: "rules",
        live: live.number,
        live_since: standing.live_since,
        shadow: standing.shadow.map(|(number, change)| (number, change.to_string())),
        live_by: view.live_by_name.clone(),
        n_open_changes: view.n_open_changes,
        n_events,
        alarms: alarms.into_iter().map(AlarmLine::of).collect(),
        rules: view.rules.into_iter().map(|row| RuleLine::of(row, n_events)).collect(),
        shell: person.shell,
    };
    // What Seawall took back comes first: somebody has to look at it.
    page.rules.sort_by_key(|rule| !rule.is_suspended);
    show(&page)
}

/// `GET /rules/rule/{name}`
pub async fn show_rule(State(state): State<WebState>, person: Person, Path(name): Path<String>) -> Answer {
    let view = views::rule(&state.app, &person.actor, &name).await?;
    let view = view.ok_or(ConsoleError::NotFound)?;
    let n_events = view.days.iter().rev().take(7).map(|day| day.n_events).sum();
    show(&RulePage {
        tab: "rules",
        rule: RuleLine::of(view.row, n_events),
        days: view
            .days
            .into_iter()
            .rev()
            .map(|line| DayLine {
                day: day(line.at),
                fired: line.fired,
                n_events: line.n_events,
            })
            .collect(),
        alarms: view.alarms.into_iter().map(AlarmLine::of).collect(),
        shell: person.shell,
    })
}

/// `POST /rules/alarms/{id}/seen`
pub async fn see_alarm(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id: AlarmId = id.parse().map_err(|_| ConsoleError::NotFound)?;
    flow::see_alarm(&state.app, &posted.person.actor, id).await?;
    Ok(go_saying(&state, "/rules", &Flash::new("flash.alarm_seen", "")))
}

/// The live version and its files.
async fn live_files(state: &WebState, person: &Person) -> Result<(i64, Vec<RuleFile>), ConsoleError> {
    let live = views::rules(&state.app, &person.actor).await?.standing.live;
    let version = views::rules_version(&state.app, &person.actor, live).await?;
    Ok((live, version.ok_or(ConsoleError::NotFound)?.files))
}

/// What a flow has against a form, as the field and the words beside it; errors that are no fault of the form come back.
fn fault(shell: &Shell, error: RulesError) -> Result<(&'static str, String), ConsoleError> {
    let (field, key, what) = match error {
        RulesError::Invalid { field, what } => (field, "common.field_invalid", what),
        RulesError::Same => ("", "rules.same", String::new()),
        RulesError::SamePerson => ("", "rules.same_person", String::new()),
        RulesError::Stale { live, .. } => ("", "rules.stale", live.to_string()),
        RulesError::NotOpen { state } => ("", "rules.not_open", shell.word("change_state", state.as_str())),
        RulesError::Refused(report) => ("", "rules.refused", (report.n_errors + report.n_failed).to_string()),
        RulesError::Busy => ("", "rules.busy", String::new()),
        error => return Err(error.into()),
    };
    Ok((field, shell.with(key, "what", what)))
}

/// A day as people and rules write it.
fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// The end of a day, or none for an empty text.
fn until(text: &str) -> Result<Option<Timestamp>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let instant: Result<jiff::Timestamp, _> = format!("{text}T00:00:00Z").parse();
    match instant {
        Ok(instant) => Ok(Some(Timestamp::from_unix_ms(instant.as_millisecond()))),
        Err(_) => Err("is a day such as 2027-05-01"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people, with one digit")]
fn share(n: u64, of: u64) -> f64 {
    n as f64 / of.max(1) as f64
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent >= 10.0 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_short() {
        let shown: Vec<String> = [0.0, 0.0042, 0.1, 0.999, 1.0].into_iter().map(percent).collect();
        assert_eq!(shown, ["0 %", "0.4 %", "10 %", "100 %", "100 %"]);
    }

    #[test]
    fn an_end_is_a_day() {
        assert_eq!(until(" "), Ok(None));
        assert_eq!(until("2027-05-01").unwrap().map(day).as_deref(), Some("2027-05-01"));
        assert!(until("tomorrow").is_err());
    }
}
