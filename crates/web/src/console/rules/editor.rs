//! The editor: all files of the live rules, checked, tested and tried out before anything is proposed. Start with [`edit_rules`].
//!
//! Nothing is kept between two requests but what the page itself sends back, so nothing is lost by an error, and two people do not write
//! over each other: the page knows which version it began with, and proposes nothing when another is live by now.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use moderation::flows::rules::{self as flow, BACKTEST_DAYS_MAX, Checked, NewChange, RulesError};
use moderation::model::{Right, RuleFile};
use moderation::policy::Level;

use super::compared::Compared;
use super::{builder, fault, live_files};
use crate::WebState;
use crate::console::flash::Flash;
use crate::console::form::{Fields, FormState, Posted};
use crate::console::page::{Answer, go_saying, show, show_with};
use crate::console::problem::ConsoleError;
use crate::console::shell::Shell;
use crate::console::visit::Person;

/// Most files that the editor shows; the others stay as they are.
const FILES_MAX: usize = 40;
/// How many days are looked back at, unless somebody says otherwise.
const DAYS: &str = "7";
/// Lines of a file that are shown before it scrolls, and the fewest.
const ROWS_MAX: usize = 32;
const ROWS_MIN: usize = 8;

#[derive(Template)]
#[template(path = "rules_editor.html")]
struct EditorPage {
    shell: Shell,
    form: FormState,
    base: i64,
    files: Vec<FileBox>,
    n_kept: usize,
    report: Option<ReportLines>,
    compared: Option<Compared>,
    days: String,
    days_max: u32,
}

/// A file in the editor.
struct FileBox {
    name: String,
    text: String,
    /// It is not among the live ones, so it may still be called something else.
    is_new: bool,
    is_open: bool,
    rows: usize,
    findings: Vec<FindingLine>,
}

/// What the checker and the tests say.
pub struct ReportLines {
    /// Whether they could be proposed.
    pub is_good: bool,
    /// How many errors.
    pub n_errors: usize,
    /// How many warnings.
    pub n_warnings: usize,
    /// How many tests failed.
    pub n_failed: usize,
    /// How many tests there are.
    pub n_tests: usize,
    /// The tests, with their files; none if only the checker was asked.
    pub tests: Vec<TestLine>,
    /// What no test saw: the rule, and what is missing.
    pub unseen: Vec<(String, Vec<String>)>,
}

/// A test and what came of it.
pub struct TestLine {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: String,
    /// Whether it passed.
    pub passed: bool,
    /// How many events it has.
    pub n_events: usize,
}

struct FindingLine {
    is_error: bool,
    code: &'static str,
    message: String,
    help: Option<String>,
    place: String,
    line_number: usize,
    line: String,
    /// As many blanks as the number of the line has digits.
    gutter: String,
    caret: String,
}

impl ReportLines {
    /// The report as it is shown; tests only if they were asked for.
    pub fn of(checked: &Checked, shell: &Shell, with_tests: bool) -> Self {
        let tests = checked.tests.iter().filter(|_| with_tests);
        let unseen = checked.coverage.iter().filter(|_| with_tests).filter_map(|seen| {
            let mut words = Vec::new();
            if seen.fired == 0 {
                words.push(shell.t("rules.never_fired").to_owned());
            }
            words.extend(
                seen.never_true
                    .iter()
                    .map(|part| shell.with("rules.never_true", "what", part)),
            );
            words.extend(
                seen.never_false
                    .iter()
                    .map(|part| shell.with("rules.never_false", "what", part)),
            );
            (!words.is_empty()).then(|| (seen.rule.clone(), words))
        });
        Self {
            is_good: checked.is_good,
            n_errors: checked.n_errors,
            n_warnings: checked.n_warnings,
            n_failed: checked.n_failed,
            n_tests: checked.tests.len(),
            unseen: unseen.collect(),
            tests: tests
                .map(|test| TestLine {
                    name: test.name.clone(),
                    place: format!("{}:{}", test.file, test.line),
                    passed: test.passed,
                    n_events: test.n_events,
                })
                .collect(),
        }
    }
}

fn findings_of(file: &RuleFile, report: Option<&Checked>) -> Vec<FindingLine> {
    let found = report.into_iter().flat_map(|report| &report.findings);
    let own = found.filter(|finding| finding.file == file.name);
    own.map(|finding| {
        let line = file
            .text
            .lines()
            .nth(finding.line.saturating_sub(1))
            .unwrap_or_default();
        // Tabs before the place stay tabs, so that the caret stands below it.
        let before = line.chars().take(finding.column.saturating_sub(1));
        let before: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        FindingLine {
            is_error: finding.level == Level::Error,
            code: finding.code,
            message: finding.message.clone(),
            help: finding.help.clone(),
            place: format!("{}:{}:{}", finding.file, finding.line, finding.column),
            line_number: finding.line,
            gutter: " ".repeat(finding.line.to_string().len()),
            line: line.to_owned(),
            caret: format!("{before}{}", "^".repeat(finding.length.max(1))),
        }
    })
    .collect()
}

/// What the page sent: which files, and what stands in them.
pub struct Sent {
    /// The version that the page began with.
    pub base: i64,
    /// The files of the page, in its order.
    pub files: Vec<RuleFile>,
    /// Names of files that shall go.
    pub gone: Vec<String>,
}

impl Sent {
    /// Reads the fields of a form; a new file without name and text is none.
    pub fn of(fields: &Fields) -> Self {
        let gone: Vec<String> = fields.all("remove").map(str::to_owned).collect();
        let pairs = fields.all("file").zip(fields.all("text"));
        let files = pairs.map(|(name, text)| RuleFile {
            name: name.trim().to_owned(),
            text: text.to_owned(),
        });
        let is_there =
            |file: &RuleFile| !(gone.contains(&file.name) || file.name.is_empty() && file.text.trim().is_empty());
        Self {
            base: fields.get("base").parse().unwrap_or(0),
            files: files.filter(is_there).collect(),
            gone,
        }
    }

    /// All files of the rules: those of the page, and those that it did not show. They stay in their order, which decides between equals.
    pub fn with_the_others(&self, live: &[RuleFile]) -> Vec<RuleFile> {
        let sent = |name: &str| self.files.iter().find(|file| file.name == name);
        let kept = live.iter().filter(|file| !self.gone.contains(&file.name));
        let kept = kept.map(|file| sent(&file.name).unwrap_or(file));
        // A name that was sent twice stays twice, so that the flow refuses it and nothing is lost.
        let is_second = |file: &RuleFile| sent(&file.name).is_some_and(|first| !std::ptr::eq(first, file));
        let is_new = |file: &&RuleFile| is_second(file) || !live.iter().any(|known| known.name == file.name);
        kept.chain(self.files.iter().filter(is_new)).cloned().collect()
    }
}

/// `GET /rules/new`
pub async fn show_editor(State(state): State<WebState>, person: Person) -> Answer {
    person.actor.require(Right::ProposeRules)?;
    let (base, live) = live_files(&state, &person).await?;
    let sent = Sent {
        base,
        files: live
            .iter()
            .filter(|file| file.is_rules())
            .take(FILES_MAX)
            .cloned()
            .collect(),
        gone: Vec::new(),
    };
    show(&editor_page(
        person.shell,
        FormState::default(),
        &sent,
        &live,
        None,
        false,
    ))
}

/// `POST /rules/new`
pub async fn edit_rules(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    person.actor.require(Right::ProposeRules)?;
    let _place = state.shared.admission.enter().await.ok_or(ConsoleError::Busy)?;
    let mut sent = Sent::of(&fields);
    let (live_number, live) = live_files(&state, &person).await?;
    let work = fields.get("do").to_owned();
    if work == "form" {
        return builder::begin(person, sent, &live);
    }
    if sent.base == 0 {
        sent.base = live_number;
    }
    if work == "open" {
        take_over(&mut sent, &fields, &live);
    }
    let files = sent.with_the_others(&live);
    let shell = person.shell.clone();
    let mut form = FormState::filled(fields.clone());
    let report = match flow::check(&state.app, &person.actor, &files) {
        Ok(report) => Some(report),
        Err(error) => {
            let (field, what) = fault(&shell, error)?;
            form = form.wrong(field, what);
            None
        }
    };
    let is_good = report.as_ref().is_some_and(|report| report.is_good);
    let mut compared = None;
    match work.as_str() {
        "backtest" if report.as_ref().is_some_and(|report| report.n_errors == 0) => {
            let days = fields.get("days").trim().parse().unwrap_or(0);
            match flow::try_out(&state.app, &person.actor, &files, days).await {
                Ok(found) => compared = Some(Compared::of(&found)),
                Err(error) => {
                    let (field, what) = fault(&shell, error)?;
                    form = form.wrong(field, what);
                }
            }
        }
        "propose" if sent.base != live_number => {
            form = form.wrong("", shell.with("rules.changed_meanwhile", "what", live_number));
            sent.base = live_number;
        }
        "propose" if is_good => {
            let note = fields.get("note").to_owned();
            match flow::propose(&state.app, &person.actor, NewChange { files, note }).await {
                Ok(id) => {
                    let address = format!("/rules/changes/{id}");
                    return Ok(go_saying(&state, &address, &Flash::new("flash.change_proposed", "")));
                }
                // The report says it already.
                Err(RulesError::Refused(_)) => {}
                Err(error) => {
                    let (field, what) = fault(&shell, error)?;
                    form = form.wrong(field, what);
                }
            }
        }
        _ => {}
    }
    let asked = matches!(work.as_str(), "propose" | "backtest");
    let is_refused = form.has_errors() || (asked && !is_good && compared.is_none());
    let status = if is_refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let mut page = editor_page(shell, form, &sent, &live, report.as_ref(), work != "check");
    page.compared = compared;
    show_with(status, &page)
}

/// A rule that the form wrote becomes a file beside the others, or beside what stood in the editor before.
fn take_over(sent: &mut Sent, fields: &Fields, live: &[RuleFile]) {
    if sent.files.is_empty() {
        sent.files = live
            .iter()
            .filter(|file| file.is_rules())
            .take(FILES_MAX)
            .cloned()
            .collect();
    }
    let name = fields.get("add_name");
    let is_taken = |name: &str| sent.files.iter().chain(live).any(|file| file.name == name);
    let names = (1..).map(|n| {
        if n == 1 {
            format!("{name}.rules")
        } else {
            format!("{name}_{n}.rules")
        }
    });
    let free = names.take(RuleFile::N_MAX).find(|name| !is_taken(name));
    sent.files.push(RuleFile {
        name: free.unwrap_or_else(|| format!("{name}.rules")),
        text: fields.get("add_text").to_owned(),
    });
}

fn editor_page(
    shell: Shell,
    form: FormState,
    sent: &Sent,
    live: &[RuleFile],
    report: Option<&Checked>,
    with_tests: bool,
) -> EditorPage {
    let is_live = |name: &str| live.iter().any(|file| file.name == name);
    let n_kept = sent.with_the_others(live).len().saturating_sub(sent.files.len());
    let few = sent.files.len() <= 2;
    let boxes = sent.files.iter().map(|file| {
        let findings = findings_of(file, report);
        let is_changed = live
            .iter()
            .find(|known| known.name == file.name)
            .is_none_or(|known| known.text != file.text);
        FileBox {
            is_new: !is_live(&file.name),
            is_open: few || is_changed || !findings.is_empty(),
            rows: file.text.lines().count().clamp(ROWS_MIN, ROWS_MAX),
            name: file.name.clone(),
            text: file.text.clone(),
            findings,
        }
    });
    EditorPage {
        base: sent.base,
        files: boxes.collect(),
        n_kept,
        report: report.map(|report| ReportLines::of(report, &shell, with_tests)),
        compared: None,
        days: match form.value("days") {
            "" => DAYS.to_owned(),
            days => days.to_owned(),
        },
        days_max: BACKTEST_DAYS_MAX,
        form,
        shell,
    }
}
