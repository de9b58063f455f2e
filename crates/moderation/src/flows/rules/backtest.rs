//! A version of the rules is held against what was judged before: what would have been different. Nothing but the result is written.
//!
//! Both versions judge the same events anew, with windows of their own that are filled with the events of before. So a rule that counts is
//! asked as it would be, and what labels it would have set is the one thing that is not played through.

use std::time::Duration;

use policy::compare::{Comparer, Comparison};
use policy::compile::compile;
use policy::{Event, Rules};

use super::changes::open_change;
use super::check::{check_files, checked};
use super::{RulesError, invalid};
use crate::Seawall;
use crate::model::{Actor, Backtest, ChangeId, ChangeState, Right, RuleFile, Timestamp, off_thread};
use crate::rules::judge::{event_of, facts_of, horizon};
use crate::rules::standing::not_installed;
use crate::rules::{changes, log, standing, versions};
use crate::views::reached_comparison;

/// The longest time that a backtest looks back.
pub const BACKTEST_DAYS_MAX: u32 = 400;
/// The most events that a backtest compares: the newest, if there are more.
pub const BACKTEST_EVENTS_MAX: i64 = 5_000_000;
/// Events that are read at a time.
const PAGE: i64 = 5_000;
/// Threads on which events are asked about.
const THREADS: usize = 2;

const DAY: Duration = Duration::from_secs(86_400);

/// What was found, and over what.
struct Replayed {
    from: Timestamp,
    to: Timestamp,
    n_forgotten: u64,
    found: Comparison,
}

/// Holds a change against the last days, and keeps with it what was found.
pub async fn backtest(app: &Seawall, actor: &Actor, id: ChangeId, days: u32) -> Result<Backtest, RulesError> {
    actor.require(Right::ProposeRules)?;
    let days = check_days(days)?;
    let mut conn = app.store.reader().await?;
    let change = changes::find(&mut conn, id).await?;
    let change = change.ok_or(RulesError::NotFound { what: "change" })?;
    if !change.state.is_open() {
        return Err(RulesError::NotOpen { state: change.state });
    }
    let new = app.judge.compiled(&mut conn, change.version).await?;
    drop(conn);
    let began = app.clock.now();
    let (base, replayed) = replay(app, &new.rules, days).await?;
    let mut tx = app.store.begin("keep a backtest").await?;
    // It may have been decided meanwhile.
    let mut change = open_change(&mut tx, id).await?;
    let now = app.clock.now();
    let result = Backtest {
        base,
        from: replayed.from,
        to: replayed.to,
        done_at: now,
        took_ms: now.since(began).as_millis() as u64,
        n_forgotten: replayed.n_forgotten,
        found: replayed.found,
    };
    change.backtest = Some(result.clone());
    if change.state == ChangeState::Tested {
        change.state = ChangeState::Backtested;
    }
    changes::update(&mut tx, &change).await?;
    let body = serde_json::json!({
        "version": change.version, "base": base, "n_events": result.found.n_events, "n_differ": result.found.n_differ,
    });
    tx.event(now, actor, "rules.backtested", id, body);
    tx.commit().await?;
    // All of it is kept; who asks is shown what they may see.
    let mut conn = app.store.reader().await?;
    Ok(Backtest {
        found: reached_comparison(&mut conn, actor, result.found).await?,
        ..result
    })
}

/// Holds files that nobody proposed against the last days: what stands in an editor.
pub async fn try_out(app: &Seawall, actor: &Actor, files: &[RuleFile], days: u32) -> Result<Comparison, RulesError> {
    actor.require(Right::ProposeRules)?;
    check_files(files)?;
    let days = check_days(days)?;
    let compiled = off_thread(|| compile(&versions::sources(files), 0)).rules;
    let Some(rules) = compiled else {
        let report = off_thread(|| checked(files, app.clock.now().unix_ms()));
        return Err(RulesError::Refused(Box::new(report)));
    };
    let found = replay(app, &rules, days).await?.1.found;
    Ok(reached_comparison(&mut *app.store.reader().await?, actor, found).await?)
}

/// Calls `give` with each event of the last days as a line of JSON, as `policy::Event::from_json` reads it, in the order in which they were judged.
pub async fn export_events(
    app: &Seawall,
    actor: &Actor,
    days: u32,
    mut give: impl FnMut(&str) -> std::io::Result<()> + Send,
) -> Result<u64, RulesError> {
    // It is content: whoever may read rules may not read all of it.
    actor.require(Right::ApproveRules)?;
    let since = app.clock.now().before(check_days(days)?);
    let mut conn = app.store.reader().await?;
    let mut after = log::last_before(&mut conn, since).await?;
    let mut n = 0;
    loop {
        let page = log::list(&mut conn, after, i64::MAX, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for logged in page.iter().filter(|logged| !logged.facts.is_empty()) {
            give(&logged.facts).map_err(|error| invalid("out", format!("cannot be written: {error}")))?;
            n += 1;
        }
    }
    Ok(n)
}

fn check_days(days: u32) -> Result<Duration, RulesError> {
    if (1..=BACKTEST_DAYS_MAX).contains(&days) {
        Ok(DAY * days)
    } else {
        Err(invalid("days", format!("are 1 to {BACKTEST_DAYS_MAX}")))
    }
}

/// Asks the live rules and the new ones about the same events. Says which version was live.
async fn replay(app: &Seawall, new: &Rules, back: Duration) -> Result<(i64, Replayed), RulesError> {
    let _place = app.judge.begin_backtest().ok_or(RulesError::Busy)?;
    let (seed, lists) = app.judge.surroundings(&app.store).await?;
    let to = app.clock.now();
    let from = to.before(back);
    let (base, old, last, first, mut after) = {
        let mut conn = app.store.reader().await?;
        let kept = standing::read(&mut conn).await?.ok_or_else(not_installed)?;
        let old = app.judge.compiled(&mut conn, kept.standing.live).await?;
        let oldest = kept.last_seq - BACKTEST_EVENTS_MAX;
        let first = log::last_before(&mut conn, from).await?.max(oldest);
        // Windows are filled with what came before and is not over by then.
        let windows = [new.windows(), old.rules.windows()].concat();
        let after = if windows.is_empty() {
            first
        } else {
            let before = log::last_before(&mut conn, from.before(horizon(&windows) + DAY)).await?;
            before.clamp(0.max(first - BACKTEST_EVENTS_MAX).min(first), first)
        };
        (kept.standing.live, old, kept.last_seq, first, after)
    };
    let mut comparer = Comparer::new(&old.rules, new, &lists, seed);
    let mut n_forgotten = 0;
    loop {
        let end = if after < first { first } else { last };
        // Taken for a page at a time: others want to read between two.
        let page = log::list(&mut *app.store.reader().await?, after, end, PAGE).await?;
        let Some(last_of_page) = page.last().map(|logged| logged.seq) else {
            if end == last {
                break;
            }
            after = first;
            continue;
        };
        let is_warming = after < first;
        off_thread(|| {
            let mut events: Vec<Event> = Vec::with_capacity(page.len());
            let mut places = Vec::with_capacity(page.len());
            for logged in &page {
                if logged.facts.is_empty() {
                    n_forgotten += u64::from(!is_warming);
                    continue;
                }
                events.push(event_of(&facts_of(logged)?));
                places.push(logged.seq.unsigned_abs());
            }
            if is_warming {
                comparer.warm_up(&events, THREADS);
            } else {
                comparer.feed(&events, &places, THREADS);
            }
            Ok::<(), crate::store::StoreError>(())
        })?;
        after = last_of_page;
    }
    let replayed = Replayed {
        from,
        to,
        n_forgotten,
        found: comparer.finish(),
    };
    Ok((base, replayed))
}
