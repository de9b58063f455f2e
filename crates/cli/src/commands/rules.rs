//! `seawall policy`, as far as it needs the store: propose, backtest, shadow, approve, roll back, export; and backtests over files of events.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use moderation::Seawall;
use moderation::flows::rules::{self as flow, NewChange, RollBack, RulesError};
use moderation::model::{Actor, ChangeId, PageRequest, RuleFile};
use moderation::rules::changes::comparison_to_json;
use moderation::views;
use policy::compare::{Comparer, Comparison};
use policy::compile::compile;
use policy::window::Seed;
use policy::{DEFAULT_RULES, DEFAULT_RULES_FILE, Event, Lists, Rules, Source};
use serde_json::json;

use super::app;
use super::policy::read_all;
use crate::args;
use crate::exit::{BadUsage, Exit};
use crate::output;

/// Events of a file that are read at a time.
const CHUNK: usize = 20_000;
/// Threads on which events are read and asked about.
const THREADS: usize = 2;

/// Opens the store, with rules in it.
async fn open(config: Option<&Path>) -> anyhow::Result<Seawall> {
    let (app, _) = app::open_for_upkeep(config).await?;
    flow::install(&app).await?;
    Ok(app)
}

/// Lists the rules that count.
pub async fn list(json: bool, config: Option<&Path>) -> anyhow::Result<Exit> {
    let app = open(config).await?;
    let view = views::rules(&app, &Actor::Operator).await?;
    for row in view.rules.iter().filter(|_| json) {
        let precision = row
            .precision
            .map(|share| json!({ "low": share.low, "measured": share.measured, "high": share.high }));
        output::json(&json!({
            "rule": row.name, "mode": row.mode, "share": row.share, "outcomes": row.outcomes, "owner": row.owner,
            "review_at": row.review_at.map(|at| at.to_string()), "fired_7d": row.fired_7d,
            "undecided_90d": row.measured.undecided, "confirmed_90d": row.measured.looked.confirmed,
            "reversed_90d": row.measured.looked.reversed, "precision": precision, "suspended": row.is_suspended,
        }))?;
    }
    if json {
        output::json(
            &json!({ "live": view.standing.live, "rules": view.rules.len(), "open_alarms": view.n_open_alarms }),
        )?;
    } else {
        let rows: Vec<Vec<String>> = view
            .rules
            .iter()
            .map(|row| {
                let precision = row.precision.map_or_else(String::new, |share| {
                    format!(
                        "{:.0}–{:.0} % of {}",
                        share.low * 100.0,
                        share.high * 100.0,
                        row.measured.looked.n()
                    )
                });
                let mode = if row.is_suspended { "suspended" } else { row.mode };
                vec![
                    row.name.clone(),
                    mode.to_owned(),
                    row.fired_7d.to_string(),
                    precision,
                    row.outcomes.join(", "),
                ]
            })
            .collect();
        output::table(&["RULE", "MODE", "FIRED IN 7 DAYS", "CONFIRMED", "OUTCOME"], &rows)?;
        output::talk(&format!(
            "version {} counts, since {}; {} open alarms",
            view.standing.live, view.standing.live_since, view.n_open_alarms
        ));
    }
    app::close(app).await;
    Ok(Exit::Success)
}

/// Writes the files of a version into a folder.
pub async fn export(args: &args::PolicyExport, config: Option<&Path>) -> anyhow::Result<Exit> {
    let app = open(config).await?;
    let number = match args.version {
        Some(number) => number,
        None => views::rules(&app, &Actor::Operator).await?.standing.live,
    };
    let view = views::rules_version(&app, &Actor::Operator, number).await?;
    app::close(app).await;
    let Some(view) = view else {
        return Err(BadUsage(format!("there is no version {number}")).into());
    };
    for file in &view.files {
        let path = args.dir.join(&file.name);
        if path.exists() && !args.force {
            return Err(BadUsage(format!("`{}` is there already; --force replaces it", path.display())).into());
        }
    }
    for file in &view.files {
        let path = args.dir.join(&file.name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
        }
        std::fs::write(&path, &file.text).with_context(|| format!("cannot write `{}`", path.display()))?;
        output::line(&path.display().to_string())?;
    }
    Ok(Exit::Success)
}

/// Proposes files as the next version.
pub async fn propose(args: &args::PolicyPropose, config: Option<&Path>) -> anyhow::Result<Exit> {
    let files = read_files(&args.files)?;
    let app = open(config).await?;
    let new = NewChange {
        files,
        note: args.note.clone(),
    };
    let proposed = flow::propose(&app, &Actor::Operator, new).await;
    app::close(app).await;
    match proposed {
        Ok(id) => {
            output::line(&id.to_string())?;
            Ok(Exit::Success)
        }
        Err(RulesError::Refused(report)) => {
            output::talk(&report.rendered);
            output::talk(&format!(
                "{} errors, {} tests failed: nothing was proposed",
                report.n_errors, report.n_failed
            ));
            Ok(Exit::Failure)
        }
        Err(error) => Err(error.into()),
    }
}

/// Lists changes.
pub async fn changes(json: bool, config: Option<&Path>) -> anyhow::Result<Exit> {
    let app = open(config).await?;
    let page = PageRequest {
        limit: PageRequest::LIMIT_MAX,
        ..PageRequest::first()
    };
    let found = views::list_changes(&app, &Actor::Operator, false, &page).await?;
    app::close(app).await;
    let mut rows = Vec::new();
    for row in &found.rows {
        let change = &row.change;
        if json {
            output::json(&json!({
                "change": change.id.to_string(), "version": change.version, "base": change.base,
                "state": change.state.as_str(), "note": change.note, "proposed_by": change.proposed_by,
                "proposed_at": change.proposed_at.to_string(),
            }))?;
        }
        rows.push(vec![
            change.id.to_string(),
            change.version.to_string(),
            change.state.to_string(),
            row.proposed_by_name.clone(),
            change.note.lines().next().unwrap_or_default().to_owned(),
        ]);
    }
    if !json {
        output::table(&["CHANGE", "VERSION", "STATE", "PROPOSED BY", "WHY"], &rows)?;
    }
    Ok(Exit::Success)
}

/// Holds a change, or files, against what was judged.
pub async fn backtest(args: &args::PolicyBacktest, config: Option<&Path>) -> anyhow::Result<Exit> {
    let change = match &args.files[..] {
        [one] => one.to_str().and_then(|text| text.parse::<ChangeId>().ok()),
        _ => None,
    };
    let files = match change {
        Some(_) => Vec::new(),
        None => read_files(&args.files)?,
    };
    let app = open(config).await?;
    let live = views::rules(&app, &Actor::Operator).await?;
    let found = match change {
        Some(id) => flow::backtest(&app, &Actor::Operator, id, args.days)
            .await
            .map(|backtest| backtest.found),
        None => flow::try_out(&app, &Actor::Operator, &files, args.days).await,
    };
    app::close(app).await;
    match found {
        Ok(found) => {
            if change.is_none() {
                let sources = files.iter().filter(|file| file.is_rules());
                let sources: Vec<Source> = sources.map(|file| Source::new(&*file.name, &*file.text)).collect();
                let new = compiled(&sources)?;
                let has = |name: &str| new.rules().iter().any(|rule| rule.name == name);
                let names = live.rules.iter().map(|row| row.name.as_str());
                let missing: Vec<&str> = names.filter(|name| !has(name)).collect();
                let how = "to keep them give their files too: `policy export DIR` writes them";
                tell_missing(&missing, "live rules", how);
            }
            show(&found, args.json)
        }
        Err(RulesError::Refused(report)) => {
            output::talk(&report.rendered);
            Ok(Exit::Failure)
        }
        Err(error) => Err(error.into()),
    }
}

/// A set of rules is whole: what is left out counts as taken away, which is seldom what somebody meant who tries one file.
fn tell_missing(missing: &[&str], whose: &str, how: &str) {
    if !missing.is_empty() {
        let names = output::printable(&missing.join(", ")).to_string();
        output::talk(&format!(
            "of the {whose} these are not in the files, and count as taken away: {names}; {how}"
        ));
    }
}

/// The same over a file of events, without a store. Lists that are kept outside are not known here.
pub fn backtest_offline(args: &args::PolicyBacktest) -> anyhow::Result<Exit> {
    let base = if args.base.is_empty() {
        vec![Source::new(DEFAULT_RULES_FILE, DEFAULT_RULES)]
    } else {
        read_all(&args.base)?
    };
    let (old, new) = (compiled(&base)?, compiled(&read_all(&args.files)?)?);
    let has = |name: &str| new.rules().iter().any(|rule| rule.name == name);
    let missing: Vec<&str> = old
        .rules()
        .iter()
        .map(|rule| rule.name.as_str())
        .filter(|name| !has(name))
        .collect();
    let (whose, how) = match args.base.is_empty() {
        true => (
            "rules that Seawall ships",
            "to keep them give their file too (`policy export DIR` writes it), or hold against other rules with --base",
        ),
        false => ("rules of --base", "to keep them give their files too"),
    };
    tell_missing(&missing, whose, how);
    let path = args.events.as_deref().unwrap_or(Path::new("-"));
    let file = std::fs::File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
    let mut lines = BufReader::new(file).lines();
    let lists = Lists::default();
    let mut comparer = Comparer::new(&old, &new, &lists, Seed::default());
    let mut n_lines = 0_u64;
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        for line in lines.by_ref().take(CHUNK) {
            chunk.push(line.with_context(|| format!("cannot read `{}`", path.display()))?);
        }
        if chunk.is_empty() {
            break;
        }
        let (events, places) = parse(&chunk, n_lines, path)?;
        n_lines += chunk.len() as u64;
        comparer.feed(&events, &places, THREADS);
    }
    show(&comparer.finish(), args.json)
}

/// Events of lines, on several threads; empty lines are passed over. Their places are the lines' numbers, from one.
fn parse(lines: &[String], before: u64, path: &Path) -> anyhow::Result<(Vec<Event>, Vec<u64>)> {
    let part = lines.len().div_ceil(THREADS).max(1);
    let read = |idx: usize, lines: &[String]| -> anyhow::Result<Vec<(Event, u64)>> {
        let mut events = Vec::with_capacity(lines.len());
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let number = before + (idx * part + at) as u64 + 1;
            let at = || format!("`{}`, line {number}", path.display());
            let json = serde_json::from_str(line).with_context(at)?;
            events.push((Event::from_json(&json).with_context(at)?, number));
        }
        Ok(events)
    };
    let parts = std::thread::scope(|scope| {
        let threads: Vec<_> = lines
            .chunks(part)
            .enumerate()
            .map(|(idx, lines)| scope.spawn(move || read(idx, lines)))
            .collect();
        threads
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect::<Vec<_>>()
    });
    let (mut events, mut places) = (Vec::with_capacity(lines.len()), Vec::with_capacity(lines.len()));
    for part in parts {
        let part = part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        for (event, place) in part {
            events.push(event);
            places.push(place);
        }
    }
    Ok((events, places))
}

fn compiled(sources: &[Source]) -> anyhow::Result<Rules> {
    let compiled = compile(sources, 0);
    match compiled.rules {
        Some(rules) => Ok(rules),
        None => bail!(
            "the rules do not pass the checker:\n{}",
            compiled.report.render(sources)
        ),
    }
}

fn show(found: &Comparison, json: bool) -> anyhow::Result<Exit> {
    if json {
        output::json(&comparison_to_json(found))?;
        return Ok(Exit::Success);
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    for ((was, would_be), n) in &found.outcomes {
        rows.push(vec![was.clone(), would_be.clone(), n.to_string()]);
    }
    output::table(&["WAS", "WOULD BE", "EVENTS"], &rows)?;
    let pairs = |map: &std::collections::BTreeMap<String, (u64, u64)>| -> Vec<Vec<String>> {
        let rows = map.iter();
        rows.map(|(name, (a, b))| vec![name.clone(), a.to_string(), b.to_string()])
            .collect()
    };
    output::table(&["QUEUE", "CASES", "WOULD BE"], &pairs(&found.queues))?;
    output::table(&["RULE", "FIRED", "WOULD FIRE"], &pairs(&found.rules))?;
    output::table(&["LANGUAGE", "EVENTS", "DIFFERENT"], &pairs(&found.languages))?;
    let examples = found.examples.iter().map(|example| {
        vec![
            example.place.to_string(),
            output::printable(&example.item).to_string(),
            format!("{} → {}", example.was, example.would_be),
            output::printable(&example.reason).to_string(),
        ]
    });
    output::table(
        &["EVENT", "ITEM", "DIFFERENCE", "REASON"],
        &examples.collect::<Vec<_>>(),
    )?;
    output::talk(&format!(
        "{} of {} events would be decided differently, of {} accounts",
        found.n_differ, found.n_events, found.n_accounts
    ));
    Ok(Exit::Success)
}

/// Writes what was judged as lines of JSON.
pub async fn events(args: &args::PolicyEvents, config: Option<&Path>) -> anyhow::Result<Exit> {
    let app = open(config).await?;
    let give = |line: &str| {
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")
    };
    let written = flow::export_events(&app, &Actor::Operator, args.days, give).await;
    app::close(app).await;
    output::talk(&format!("{} events", written?));
    Ok(Exit::Success)
}

/// Puts a change in shadow, or takes it out.
pub async fn shadow(args: &args::PolicyShadow, config: Option<&Path>) -> anyhow::Result<Exit> {
    let app = open(config).await?;
    let done = if args.off {
        flow::stop_shadow(&app, &Actor::Operator, args.change).await
    } else {
        flow::start_shadow(&app, &Actor::Operator, args.change).await
    };
    app::close(app).await;
    done?;
    Ok(Exit::Success)
}

/// Makes a change live that somebody else proposed.
pub async fn approve(args: &args::PolicyApprove, config: Option<&Path>) -> anyhow::Result<Exit> {
    let app = open(config).await?;
    let approved = flow::approve(&app, &Actor::Operator, args.change, &args.note).await;
    app::close(app).await;
    output::talk(&format!("version {} counts from now on", approved?));
    Ok(Exit::Success)
}

/// Goes back to rules that were live before.
pub async fn rollback(args: &args::PolicyRollback, config: Option<&Path>) -> anyhow::Result<Exit> {
    let app = open(config).await?;
    let step = RollBack {
        to: args.to,
        from: args.from,
        why: args.why.clone(),
    };
    let live = flow::roll_back(&app, &Actor::Operator, &step).await;
    app::close(app).await;
    output::talk(&format!("version {} counts from now on", live?));
    Ok(Exit::Success)
}

/// Files as the store keeps them: named within the folder that was given, or by their own names.
fn read_files(paths: &[PathBuf]) -> anyhow::Result<Vec<RuleFile>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let n_before = files.len();
            collect(path, path, &mut files, 0)?;
            files[n_before..].sort_by(|a: &RuleFile, b: &RuleFile| a.name.cmp(&b.name));
        } else {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push(read_file(path, name)?);
        }
    }
    Ok(files)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<RuleFile>, depth: usize) -> anyhow::Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
    for entry in entries {
        let path = entry
            .with_context(|| format!("cannot read the folder `{}`", folder.display()))?
            .path();
        let is_taken = path
            .extension()
            .is_some_and(|extension| extension == "rules" || extension == "jsonl");
        // Folders that lead back to themselves by a link end here too.
        if path.is_dir() && depth < 32 {
            collect(root, &path, files, depth + 1)?;
        } else if is_taken {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.push(read_file(&path, name)?);
        }
        if files.len() > RuleFile::N_MAX {
            return Err(BadUsage(format!("more than {} files", RuleFile::N_MAX)).into());
        }
    }
    Ok(())
}

fn read_file(path: &Path, name: String) -> anyhow::Result<RuleFile> {
    let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if size > RuleFile::BYTES_MAX as u64 {
        return Err(BadUsage(format!(
            "`{}` is longer than {} bytes",
            path.display(),
            RuleFile::BYTES_MAX
        ))
        .into());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(RuleFile { name, text })
}
