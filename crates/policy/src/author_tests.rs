//! Tests that authors write beside their rules: events in, what should happen out; and which conditions the tests ever saw hold.
//!
//! In a test every rule counts, drafts too: it is what a rule says that is tested, not whether it is switched on.

use crate::compile::{Compiled, compile};
use crate::eval::{Evaluator, Scratch};
use crate::event::{Event, Given};
use crate::graph::{NodeId, Op};
use crate::lang::ast::{Expected, Literal, Sample, Step, Test};
use crate::lang::source::{Report, Source, Span, nearest};
use crate::lists::Lists;
use crate::rules::{Mode, Outcome, Rules};
use crate::value::Value;
use crate::window::{Seed, State};

/// When a test begins, unless it says so itself: a Monday noon, in milliseconds.
pub const TEST_BEGIN_MS: i64 = 1_767_614_400_000;
/// Events of a sample that are named when a rule fires on them.
const NAMED_MAX: usize = 3;

/// What came of the tests.
#[derive(Debug)]
pub struct TestRun {
    /// Tests with what failed in them; those without failures passed.
    pub tests: Vec<TestResult>,
    /// For each rule, what the tests saw of it.
    pub coverage: Vec<Coverage>,
    /// What the checker has to say; with errors, nothing ran.
    pub report: Report,
}

/// A test.
#[derive(Debug)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// Which file.
    pub file: usize,
    /// From its name to its closing bracket.
    pub span: Span,
    /// How many events it ran.
    pub n_events: usize,
}

/// What the tests saw of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The rule.
    pub rule: String,
    /// How often it fired, did not fire, and could not be decided.
    pub fired: u64,
    /// How often it did not.
    pub not_fired: u64,
    /// How often it could not be decided.
    pub undecided: u64,
    /// Parts of its condition that were never seen to hold, or never seen not to, as they are written.
    pub never_true: Vec<String>,
    /// The others.
    pub never_false: Vec<String>,
}

impl TestRun {
    /// Whether every test passed.
    pub fn passed(&self) -> bool {
        !self.report.has_errors()
    }

    /// Whether this test passed.
    pub fn is_ok(&self, test: &TestResult) -> bool {
        let belongs = |d: &crate::lang::source::Diagnostic| {
            d.code == "test" && d.file == test.file && test.span.start <= d.span.start && d.span.end <= test.span.end
        };
        !self.report.diagnostics.iter().any(belongs)
    }
}

/// Checks the files and runs their tests. `read` gives the text of a sample that is named in one of the files, if there is one.
pub fn run(sources: &[Source], today_ms: i64, read: impl Fn(usize, &str) -> Result<String, String>) -> TestRun {
    let Compiled { rules, tests, report } = compile(sources, today_ms);
    let mut run = TestRun {
        tests: Vec::new(),
        coverage: Vec::new(),
        report,
    };
    let Some(mut rules) = rules else {
        return run;
    };
    rules.count_all();
    let mut seen = Seen::new(&rules);
    for (file, test) in &tests {
        let mut runner = Runner {
            rules: &rules,
            report: &mut run.report,
            seen: &mut seen,
            file: *file,
            scratch: Scratch::default(),
        };
        let n_events = runner.test(test, &read);
        run.tests.push(TestResult {
            name: test.name.text.clone(),
            file: *file,
            span: test.span,
            n_events,
        });
    }
    run.coverage = seen.coverage(&rules, sources);
    run.report.sort();
    run
}

struct Runner<'a> {
    rules: &'a Rules,
    report: &'a mut Report,
    seen: &'a mut Seen,
    file: usize,
    scratch: Scratch,
}

impl Runner<'_> {
    fn test(&mut self, test: &Test, read: &impl Fn(usize, &str) -> Result<String, String>) -> usize {
        let mut state = State::new(&self.rules.windows(), Seed::default());
        let mut n_events = 0;
        for step in &test.steps {
            n_events += 1;
            let Some(event) = self.event(step) else {
                continue;
            };
            let lists = Lists::default();
            let evaluation = self.rules.evaluate(&event, &lists, &state, &mut self.scratch);
            self.seen
                .note(self.rules, &event, &lists, &state, &mut self.scratch, &evaluation);
            if let Some(expected) = &step.expected {
                self.compare(&evaluation, expected, &event);
            }
            state.apply(&evaluation.bumps);
        }
        for sample in &test.samples {
            n_events += self.sample(sample, read);
        }
        n_events
    }

    fn event(&mut self, step: &Step) -> Option<Event> {
        let begins_itself = step.at_ms > 365 * 86_400_000;
        let time_ms = if begins_itself {
            step.at_ms
        } else {
            TEST_BEGIN_MS + step.at_ms
        };
        let mut event = Event::at(time_ms);
        for (name, literal) in &step.facts {
            if let Err(error) = event.set(&name.text, &Given::from_literal(literal)) {
                let span = match literal {
                    Literal::Plain(_, span) | Literal::List(_, span) | Literal::Row(_, span) => name.span.to(*span),
                };
                self.report.error("test", self.file, span, error.to_string());
                return None;
            }
        }
        Some(event)
    }

    fn compare(&mut self, evaluation: &crate::Evaluation, expected: &Expected, event: &Event) {
        let rules = self.rules.rules();
        let explained = || evaluation.explain(self.rules, event).replace('\n', "\n          ");
        for name in expected.fired.iter().chain(&expected.unknown) {
            if !rules.iter().any(|rule| rule.name == name.text) {
                let near = nearest(&name.text, rules.iter().map(|rule| rule.name.as_str()));
                let help = near.map_or_else(
                    || "rules of these files are meant".to_owned(),
                    |near| format!("was `{near}` meant?"),
                );
                self.report
                    .error(
                        "test",
                        self.file,
                        name.span,
                        format!("no rule is called `{}`", name.text),
                    )
                    .help(help);
                return;
            }
        }
        let fired: Vec<&str> = evaluation
            .fired
            .iter()
            .map(|fired| rules[fired.rule].name.as_str())
            .collect();
        let undecided: Vec<&str> = evaluation
            .undecided
            .iter()
            .map(|u| rules[u.rule].name.as_str())
            .collect();
        let only_allows = |name: &str| {
            let rule = rules.iter().find(|rule| rule.name == name);
            rule.is_some_and(|rule| rule.outcomes.iter().all(|outcome| *outcome == Outcome::Allow))
        };
        let mut wrong = Vec::new();
        for name in &expected.fired {
            if !fired.contains(&name.text.as_str()) {
                let state = if undecided.contains(&name.text.as_str()) {
                    "could not be decided"
                } else {
                    "did not fire"
                };
                wrong.push(format!("`{}` {state}", name.text));
            }
        }
        for name in &fired {
            // What only allows fires beside everything: it may be named and need not.
            if !expected.fired.iter().any(|expected| expected.text == *name) && !only_allows(name) {
                wrong.push(format!("`{name}` fired"));
            }
        }
        for name in &expected.unknown {
            if !undecided.contains(&name.text.as_str()) {
                wrong.push(format!("`{}` was decided", name.text));
            }
        }
        let deciding = evaluation.deciding.map(|idx| &evaluation.fired[idx]);
        if let Some(outcome) = &expected.outcome {
            let outcomes = deciding.map_or(&[][..], |fired| &rules[fired.rule].outcomes);
            let words: Vec<&str> = outcome.words.iter().map(|word| word.text.as_str()).collect();
            if !outcomes.iter().any(|known| is_meant(known, &outcome.verb.text, &words)) {
                let got: Vec<String> = outcomes.iter().map(ToString::to_string).collect();
                let got = if got.is_empty() {
                    "nothing".to_owned()
                } else {
                    got.join(", ")
                };
                wrong.push(format!("the outcome is {got}"));
            }
        }
        if let Some((because, _)) = &expected.because {
            let reason = deciding.map_or("", |fired| fired.reason.as_str());
            if !reason.contains(because.as_str()) {
                wrong.push(difference(because, reason));
            }
        }
        if !wrong.is_empty() {
            let help = explained();
            self.report
                .error("test", self.file, expected.span, wrong.join("; "))
                .help(help);
        }
    }

    fn sample(&mut self, sample: &Sample, read: &impl Fn(usize, &str) -> Result<String, String>) -> usize {
        let (name, span) = &sample.file;
        let text = match read(self.file, name) {
            Ok(text) => text,
            Err(error) => {
                self.report
                    .error("test", self.file, *span, format!("cannot read `{name}`: {error}"));
                return 0;
            }
        };
        let mut never = Vec::new();
        for rule in &sample.never {
            match self.rules.rules().iter().position(|known| known.name == rule.text) {
                Some(idx) => never.push((idx, rule.span, Vec::new(), 0_usize)),
                None => {
                    self.report.error(
                        "test",
                        self.file,
                        rule.span,
                        format!("no rule is called `{}`", rule.text),
                    );
                }
            }
        }
        let mut state = State::new(&self.rules.windows(), Seed::default());
        let lists = Lists::default();
        let mut n_events = 0;
        for (idx, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let json = serde_json::from_str(line).map_err(|error| error.to_string());
            let event = json.and_then(|json| Event::from_json(&json).map_err(|error| error.to_string()));
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    self.report
                        .error("test", self.file, *span, format!("`{name}`, line {}: {error}", idx + 1));
                    return n_events;
                }
            };
            n_events += 1;
            let evaluation = self.rules.evaluate(&event, &lists, &state, &mut self.scratch);
            self.seen
                .note(self.rules, &event, &lists, &state, &mut self.scratch, &evaluation);
            for (rule, _, lines, n) in &mut never {
                if evaluation.fired.iter().any(|fired| fired.rule == *rule) {
                    *n += 1;
                    if lines.len() < NAMED_MAX {
                        lines.push((idx + 1).to_string());
                    }
                }
            }
            state.apply(&evaluation.bumps);
        }
        for (rule, span, lines, n) in never.into_iter().filter(|(_, _, _, n)| *n > 0) {
            let rule = &self.rules.rules()[rule].name;
            let lines = lines.join(", ");
            self.report.error(
                "test",
                self.file,
                span,
                format!("`{rule}` fired on {n} of {n_events} events of `{name}`, first on line {lines}"),
            );
        }
        n_events
    }
}

fn is_meant(outcome: &Outcome, verb: &str, words: &[&str]) -> bool {
    match outcome {
        Outcome::Allow => verb == "allow",
        Outcome::Case { queue, .. } => verb == "case" && (words.is_empty() || words == [queue]),
        Outcome::Restrict { what, .. } => verb == "restrict" && (words.is_empty() || words == [what]),
        Outcome::Label { on, label, .. } => verb == "label" && (words.is_empty() || words == [on, label]),
    }
}

/// What was seen of each rule.
struct Seen {
    rules: Vec<RuleSeen>,
}

struct RuleSeen {
    fired: u64,
    not_fired: u64,
    undecided: u64,
    parts: Vec<(NodeId, bool, bool)>,
}

impl Seen {
    fn new(rules: &Rules) -> Self {
        let of_rule = |rule: &crate::Rule| {
            let parts = match &rules.graph.node(rule.condition).op {
                Op::All(parts) | Op::Any(parts) => parts.to_vec(),
                _ => vec![rule.condition],
            };
            RuleSeen {
                fired: 0,
                not_fired: 0,
                undecided: 0,
                parts: parts.into_iter().map(|part| (part, false, false)).collect(),
            }
        };
        Self {
            rules: rules.rules().iter().map(of_rule).collect(),
        }
    }

    fn note(
        &mut self,
        rules: &Rules,
        event: &Event,
        lists: &Lists,
        state: &State,
        scratch: &mut Scratch,
        evaluation: &crate::Evaluation,
    ) {
        let mut evaluator = Evaluator::resume(rules, event, lists, state, scratch);
        for (idx, seen) in self.rules.iter_mut().enumerate() {
            let is_about = event
                .kind()
                .is_none_or(|kind| rules.rules()[idx].kinds & (1 << kind) != 0);
            if evaluation.fired.iter().any(|fired| fired.rule == idx) {
                seen.fired += 1;
            } else if evaluation.undecided.iter().any(|undecided| undecided.rule == idx) {
                seen.undecided += 1;
            } else {
                seen.not_fired += 1;
            }
            for (part, is_true, is_false) in seen.parts.iter_mut().filter(|_| is_about) {
                match evaluator.ask(*part) {
                    Value::Bool(true) => *is_true = true,
                    Value::Bool(false) => *is_false = true,
                    _ => {}
                }
            }
        }
    }

    fn coverage(self, rules: &Rules, sources: &[Source]) -> Vec<Coverage> {
        let named = rules.rules().iter().zip(self.rules);
        let coverage = named.map(|(rule, seen)| {
            let written = |part: NodeId| {
                let node = rules.graph.node(part);
                let text = sources[node.file].at(node.span);
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            };
            let is_constant = |part: NodeId| matches!(rules.graph.node(part).op, Op::Const(_));
            let parts = seen.parts.iter().filter(|(part, ..)| !is_constant(*part));
            Coverage {
                rule: rule.name.clone(),
                fired: seen.fired,
                not_fired: seen.not_fired,
                undecided: seen.undecided,
                never_true: parts
                    .clone()
                    .filter(|(_, t, _)| !t)
                    .map(|(part, ..)| written(*part))
                    .collect(),
                never_false: parts.filter(|(_, _, f)| !f).map(|(part, ..)| written(*part)).collect(),
            }
        });
        coverage.collect()
    }
}

/// How a reason differs from the part of it that was expected: from where on, if it has the beginning.
fn difference(expected: &str, reason: &str) -> String {
    /// Shortest beginning that tells something, and longest piece that is shown, in characters.
    const BEGINNING_MIN: usize = 4;
    const PIECE_MAX: usize = 60;
    let ends: Vec<usize> = expected.char_indices().map(|(at, _)| at).skip(BEGINNING_MIN).collect();
    let found = ends
        .into_iter()
        .rev()
        .find_map(|end| Some((end, reason.find(&expected[..end])? + end)));
    let Some((end, at)) = found else {
        return format!("the reason does not hold {expected:?}; it is {reason:?}");
    };
    let piece = |text: &str| text.chars().take(PIECE_MAX).collect::<String>();
    let (beginning, is, should_be) = (&expected[..end], piece(&reason[at..]), piece(&expected[end..]));
    if is.is_empty() {
        return format!("the reason ends where {should_be:?} should follow, after {beginning:?}; it is {reason:?}");
    }
    format!("the reason has {is:?} where {should_be:?} should be, after {beginning:?}; it is {reason:?}")
}

impl Rules {
    /// Lets every rule count, as in a test.
    pub(crate) fn count_all(&mut self) {
        for rule in &mut self.rules {
            rule.mode = Mode::Live;
            rule.share = 1.0;
        }
        self.index();
    }
}
