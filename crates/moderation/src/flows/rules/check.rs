//! Rules are checked and their tests run; nothing is written. The same for the editor, for a proposal and for the command line.

use policy::author_tests::{self, Coverage};
use policy::compile::{Compiled, compile};
use policy::lang::parser::FILE_BYTES_MAX;
use policy::{Diagnostic, Level, Source};

use super::{RulesError, invalid};
use crate::Seawall;
use crate::model::{Actor, Right, RuleFile, off_thread};
use crate::rules::versions;

/// What the checker and the tests say.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Whether they could be made live.
    pub is_good: bool,
    /// Errors first, then warnings; failed tests are errors with the code `test`.
    pub findings: Vec<Finding>,
    /// All of them as people know them from compilers, with file, line and caret.
    pub rendered: String,
    /// How many errors there are, failed tests left out.
    pub n_errors: usize,
    /// How many warnings.
    pub n_warnings: usize,
    /// How many tests failed.
    pub n_failed: usize,
    /// The tests; none, if there are errors.
    pub tests: Vec<TestOutcome>,
    /// What the tests saw of each rule.
    pub coverage: Vec<Coverage>,
    /// The rules; none, if there are errors.
    pub rules: Vec<RuleBrief>,
}

/// Something to say about a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Error or warning.
    pub level: Level,
    /// A short name that never changes.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The file's name.
    pub file: String,
    /// Where it begins, both from one; columns count characters.
    pub line: usize,
    /// See `line`.
    pub column: usize,
    /// How many characters of that line it is about, at least one.
    pub length: usize,
}

/// A test and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestOutcome {
    /// Its name.
    pub name: String,
    /// The file's name.
    pub file: String,
    /// The line on which it begins.
    pub line: usize,
    /// Whether it passed.
    pub passed: bool,
    /// How many events it ran.
    pub n_events: usize,
}

/// A rule in a line.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleBrief {
    /// Its name.
    pub name: String,
    /// `draft`, `shadow` or `live`.
    pub mode: &'static str,
    /// For what share of the items it counts, 0 to 1.
    pub share: f64,
    /// What happens, in words.
    pub outcomes: Vec<String>,
    /// What asking it costs about, in nanoseconds.
    pub cost_ns: u32,
}

/// Checks files and runs their tests.
pub fn check(app: &Seawall, actor: &Actor, files: &[RuleFile]) -> Result<Checked, RulesError> {
    actor.require(Right::ReadRules)?;
    check_files(files)?;
    let now_ms = app.clock.now().unix_ms();
    Ok(off_thread(|| checked(files, now_ms)))
}

/// The bounds of files, and that each has a name of its own.
pub(super) fn check_files(files: &[RuleFile]) -> Result<(), RulesError> {
    if files.len() > RuleFile::N_MAX || !files.iter().any(RuleFile::is_rules) {
        let what = format!(
            "are 1 to {} files, at least one of which ends in `.rules`",
            RuleFile::N_MAX
        );
        return Err(invalid("files", what));
    }
    if files.iter().map(|file| file.text.len()).sum::<usize>() > RuleFile::BYTES_MAX {
        return Err(invalid(
            "files",
            format!("have more than {} bytes", RuleFile::BYTES_MAX),
        ));
    }
    for (idx, file) in files.iter().enumerate() {
        let name = &file.name;
        let is_path = name
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..");
        let is_plain = name.chars().all(|c| !c.is_control() && c != '\\');
        if name.len() > RuleFile::NAME_LENGTH_MAX || !is_path || !is_plain {
            return Err(invalid("files", "have a name that is no relative path, or too long"));
        }
        if files[..idx].iter().any(|other| other.name == *name) {
            return Err(invalid("files", format!("have the name `{name}` twice")));
        }
        if file.text.contains('\0') {
            return Err(invalid("files", "have a NUL character"));
        }
        if file.is_rules() && file.text.len() > FILE_BYTES_MAX {
            return Err(invalid(
                "files",
                format!("have one with more than {FILE_BYTES_MAX} bytes of rules"),
            ));
        }
    }
    Ok(())
}

/// Checks and tests, without asking who wants to know.
pub(crate) fn checked(files: &[RuleFile], now_ms: i64) -> Checked {
    let sources = versions::sources(files);
    let beside = |file: usize, sample: &str| read_sample(files, &sources[file].name, sample);
    let run = author_tests::run(&sources, now_ms, beside);
    let Compiled { rules, .. } = compile(&sources, now_ms);
    let is_test = |d: &&Diagnostic| d.code == "test";
    let of_level = |level: Level| run.report.diagnostics.iter().filter(move |d| d.level == level);
    let tests = run.tests.iter().map(|test| TestOutcome {
        name: test.name.clone(),
        file: sources[test.file].name.clone(),
        line: sources[test.file].line_and_column(test.span.start).0,
        passed: run.is_ok(test),
        n_events: test.n_events,
    });
    let rules = rules.as_ref().map_or_else(Vec::new, |rules| {
        let briefs = rules.rules().iter().map(|rule| RuleBrief {
            name: rule.name.clone(),
            mode: mode_word(rule.mode),
            share: rule.share,
            outcomes: rule.outcomes.iter().map(ToString::to_string).collect(),
            cost_ns: rules.cost_ns(rule),
        });
        briefs.collect()
    });
    let tests: Vec<TestOutcome> = tests.collect();
    Checked {
        is_good: run.passed(),
        findings: run.report.diagnostics.iter().map(|d| finding(d, &sources)).collect(),
        rendered: run.report.render(&sources),
        n_errors: of_level(Level::Error).filter(|d| !is_test(d)).count(),
        n_warnings: of_level(Level::Warning).count(),
        n_failed: tests.iter().filter(|test| !test.passed).count(),
        tests,
        coverage: run.coverage,
        rules,
    }
}

/// The word for a mode.
pub(crate) fn mode_word(mode: policy::Mode) -> &'static str {
    match mode {
        policy::Mode::Draft => "draft",
        policy::Mode::Shadow => "shadow",
        policy::Mode::Live => "live",
    }
}

fn finding(diagnostic: &Diagnostic, sources: &[Source]) -> Finding {
    let source = sources.get(diagnostic.file);
    let (line, column) = source.map_or((1, 1), |source| source.line_and_column(diagnostic.span.start));
    let length = source.map_or(1, |source| {
        let first = source.at(diagnostic.span).lines().next();
        first.map_or(1, |first| first.chars().count().max(1))
    });
    Finding {
        level: diagnostic.level,
        code: diagnostic.code,
        message: diagnostic.message.clone(),
        help: diagnostic.help.clone(),
        file: source.map(|source| source.name.clone()).unwrap_or_default(),
        line,
        column,
        length,
    }
}

/// A sample stands beside the file that names it, or below.
fn read_sample(files: &[RuleFile], rules: &str, sample: &str) -> Result<String, String> {
    let folder = rules.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = if folder.is_empty() {
        sample.to_owned()
    } else {
        format!("{folder}/{sample}")
    };
    let found = files.iter().find(|file| file.name == path);
    found
        .map(|file| file.text.clone())
        .ok_or_else(|| format!("there is no file `{path}` beside the rules"))
}
