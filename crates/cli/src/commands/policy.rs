//! `seawall policy`: rules as files, checked and tested where they are written, offline. What needs the store is in `rules.rs`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use moderation::model::{Clock, SystemClock};
use policy::author_tests::{self, TestRun};
use policy::compile::compile;
use policy::lang::parser::FILE_BYTES_MAX;
use policy::{Diagnostic, Level, Mode, Report, Source};
use serde::Serialize;

use super::rules;
use crate::args;
use crate::exit::{BadUsage, Exit};
use crate::offline::files::STDIN;
use crate::output;

/// Most files of one set.
const FILES_MAX: usize = 10_000;
/// Longest sample, in bytes.
const SAMPLE_BYTES_MAX: u64 = 1 << 30;

/// Does what was asked for about rules.
pub async fn run(command: args::Policy, config: Option<&Path>) -> anyhow::Result<Exit> {
    // Rules are read and asked without waiting for anything, which may take a while.
    let blocking: Box<dyn FnOnce() -> anyhow::Result<Exit> + Send> = match command {
        args::Policy::Check(args) => Box::new(move || check(&args)),
        args::Policy::Test(args) => Box::new(move || test(&args)),
        args::Policy::Backtest(args) if args.events.is_some() => Box::new(move || rules::backtest_offline(&args)),
        args::Policy::Backtest(args) => return rules::backtest(&args, config).await,
        args::Policy::List(args) => return rules::list(args.json, config).await,
        args::Policy::Export(args) => return rules::export(&args, config).await,
        args::Policy::Propose(args) => return rules::propose(&args, config).await,
        args::Policy::Changes(args) => return rules::changes(args.json, config).await,
        args::Policy::Events(args) => return rules::events(&args, config).await,
        args::Policy::Shadow(args) => return rules::shadow(&args, config).await,
        args::Policy::Approve(args) => return rules::approve(&args, config).await,
        args::Policy::Rollback(args) => return rules::rollback(&args, config).await,
    };
    tokio::task::spawn_blocking(blocking).await?
}

/// A line of JSON.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Diagnostic {
        file: &'a str,
        line: usize,
        column: usize,
        level: &'static str,
        code: &'static str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        help: Option<&'a str>,
    },
    Rule {
        rule: &'a str,
        mode: &'static str,
        outcomes: Vec<String>,
        owner: &'a str,
        cost_ns: u32,
    },
    Checked {
        rules: usize,
        errors: usize,
        warnings: usize,
    },
    Test {
        test: &'a str,
        file: &'a str,
        line: usize,
        passed: bool,
        events: usize,
    },
    Coverage {
        rule: &'a str,
        fired: u64,
        not_fired: u64,
        undecided: u64,
        never_true: &'a [String],
        never_false: &'a [String],
    },
    Tested {
        tests: usize,
        failed: usize,
        rules: usize,
        never_fired: usize,
    },
}

fn check(args: &args::PolicyCheck) -> anyhow::Result<Exit> {
    let sources = read_all(&args.files)?;
    let compiled = compile(&sources, SystemClock.now().unix_ms());
    tell(&compiled.report, &sources, args.json)?;
    let rules = compiled.rules.as_ref().map_or(&[][..], |rules| rules.rules());
    for rule in rules.iter().filter(|_| args.json) {
        output::json(&Line::Rule {
            rule: &rule.name,
            mode: mode_word(rule.mode),
            outcomes: rule.outcomes.iter().map(ToString::to_string).collect(),
            owner: &rule.owner,
            cost_ns: compiled.rules.as_ref().map_or(0, |rules| rules.cost_ns(rule)),
        })?;
    }
    let count = |level: Level| compiled.report.diagnostics.iter().filter(|d| d.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    if args.json {
        output::json(&Line::Checked {
            rules: rules.len(),
            errors,
            warnings,
        })?;
    } else {
        if let Some(compiled) = compiled.rules.as_ref().filter(|_| !rules.is_empty()) {
            let rows: Vec<Vec<String>> = rules
                .iter()
                .map(|rule| {
                    let outcomes: Vec<String> = rule.outcomes.iter().map(ToString::to_string).collect();
                    let cost = format!("{:.2} µs", f64::from(compiled.cost_ns(rule)) / 1_000.0);
                    vec![
                        rule.name.clone(),
                        mode_word(rule.mode).to_owned(),
                        cost,
                        outcomes.join(", "),
                    ]
                })
                .collect();
            output::table(&["RULE", "MODE", "COST", "OUTCOME"], &rows)?;
        }
        output::talk(&format!("{} rules, {errors} errors, {warnings} warnings", rules.len()));
    }
    let is_wrong = errors > 0 || args.deny_warnings && warnings > 0;
    Ok(if is_wrong { Exit::Failure } else { Exit::Success })
}

fn test(args: &args::PolicyTest) -> anyhow::Result<Exit> {
    let sources = read_all(&args.files)?;
    let read = |file: usize, name: &str| read_sample(Path::new(&sources[file].name), name);
    let run = author_tests::run(&sources, SystemClock.now().unix_ms(), read);
    let n_failed = run.tests.iter().filter(|test| !run.is_ok(test)).count();
    let n_never_fired = run.coverage.iter().filter(|rule| rule.fired == 0).count();
    if args.json {
        for test in &run.tests {
            let source = &sources[test.file];
            output::json(&Line::Test {
                test: &test.name,
                file: &source.name,
                line: source.line_and_column(test.span.start).0,
                passed: run.is_ok(test),
                events: test.n_events,
            })?;
        }
    }
    tell(&run.report, &sources, args.json)?;
    if args.json {
        for rule in &run.coverage {
            output::json(&Line::Coverage {
                rule: &rule.rule,
                fired: rule.fired,
                not_fired: rule.not_fired,
                undecided: rule.undecided,
                never_true: &rule.never_true,
                never_false: &rule.never_false,
            })?;
        }
        output::json(&Line::Tested {
            tests: run.tests.len(),
            failed: n_failed,
            rules: run.coverage.len(),
            never_fired: n_never_fired,
        })?;
    } else {
        print_run(&run)?;
        let n_tests = run.tests.len();
        output::talk(&format!(
            "{n_tests} tests, {n_failed} failed; {n_never_fired} rules never fired"
        ));
    }
    if run.tests.is_empty() && run.passed() {
        output::talk("seawall: these files hold no tests");
        return Ok(Exit::Failure);
    }
    Ok(if run.passed() { Exit::Success } else { Exit::Failure })
}

fn print_run(run: &TestRun) -> anyhow::Result<()> {
    for test in &run.tests {
        let word = if run.is_ok(test) { "ok    " } else { "FAILED" };
        output::line(&format!(
            "{word}  {} ({} events)",
            output::printable(&test.name),
            test.n_events
        ))?;
    }
    for rule in &run.coverage {
        let name = output::printable(&rule.rule);
        if rule.fired == 0 {
            output::line(&format!("untested  `{name}` never fired"))?;
            continue;
        }
        let parts = [("holds", &rule.never_true), ("does not hold", &rule.never_false)];
        for (how, parts) in parts {
            for part in parts {
                let part = output::printable(part);
                output::line(&format!("untested  `{name}`: no event where `{part}` {how}"))?;
            }
        }
    }
    Ok(())
}

/// Mistakes go to standard error as text; as JSON they are the data.
fn tell(report: &Report, sources: &[Source], json: bool) -> anyhow::Result<()> {
    for diagnostic in &report.diagnostics {
        if !json {
            output::talk(&diagnostic.render(sources));
            continue;
        }
        let Diagnostic {
            level,
            code,
            message,
            file,
            span,
            help,
        } = diagnostic;
        let source = &sources[*file];
        let (line, column) = source.line_and_column(span.start);
        output::json(&Line::Diagnostic {
            file: &source.name,
            line,
            column,
            level: level.as_str(),
            code,
            message,
            help: help.as_deref(),
        })?;
    }
    Ok(())
}

fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Draft => "draft",
        Mode::Shadow => "shadow",
        Mode::Live => "live",
    }
}

pub(super) fn read_all(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let n_before = files.len();
            collect(path, &mut files, 0)?;
            if files.len() == n_before {
                return Err(BadUsage(format!(
                    "the folder `{}` holds no file that ends in .rules",
                    path.display()
                ))
                .into());
            }
            files[n_before..].sort();
        } else {
            files.push(path.clone());
        }
    }
    files.iter().map(|path| read_file(path)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) -> anyhow::Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
    for entry in entries {
        let path = entry
            .with_context(|| format!("cannot read the folder `{}`", folder.display()))?
            .path();
        // Folders that lead back to themselves by a link end here too.
        if path.is_dir() && depth < 32 {
            collect(&path, files, depth + 1)?;
        } else if path.extension().is_some_and(|extension| extension == "rules") {
            files.push(path);
        }
        if files.len() > FILES_MAX {
            return Err(BadUsage(format!("more than {FILES_MAX} files of rules")).into());
        }
    }
    Ok(())
}

fn read_file(path: &Path) -> anyhow::Result<Source> {
    use std::io::Read;
    let name = path.display().to_string();
    let reader: Box<dyn Read> = if path == Path::new(STDIN) {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(path).with_context(|| format!("cannot open `{name}`"))?)
    };
    let mut bytes = Vec::new();
    // One more than is taken, so that the checker can say that it is too much.
    let limit = FILE_BYTES_MAX as u64 + 1;
    reader
        .take(limit)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read `{name}`"))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        anyhow::anyhow!("`{name}`, line {}: not UTF-8", line + 1)
    })?;
    Ok(Source::new(name, text))
}

/// A sample stands beside the file that names it, or below.
fn read_sample(rules: &Path, name: &str) -> Result<String, String> {
    let is_below = Path::new(name)
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    if !is_below {
        return Err("a sample stands beside the rules, or in a folder below".to_owned());
    }
    let path = rules.parent().unwrap_or(Path::new("")).join(name);
    let size = std::fs::metadata(&path).map_err(|error| error.to_string())?.len();
    if size > SAMPLE_BYTES_MAX {
        return Err(format!("it is longer than {SAMPLE_BYTES_MAX} bytes"));
    }
    std::fs::read_to_string(&path).map_err(|error| error.to_string())
}
