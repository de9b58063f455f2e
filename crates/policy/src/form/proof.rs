//! The tests of a rule that was filled in: planned by its shape, run beside the other rules, and written with what they say.

use super::shape::span;
use super::{FormError, RuleForm};
use crate::author_tests::TEST_BEGIN_MS;
use crate::compile::{Compiled, compile};
use crate::eval::Scratch;
use crate::event::{Event, Given};
use crate::lang::source::Source;
use crate::lists::Lists;
use crate::rules::{Outcome, Rules};
use crate::window::{Seed, State};

/// A test of a rule.
#[derive(Debug, Clone)]
pub(super) struct TestPlan {
    /// What its name ends in.
    name: &'static str,
    steps: Vec<Step>,
}

/// An event of a test.
#[derive(Debug, Clone)]
pub(super) struct Step {
    at_ms: i64,
    facts: String,
    expect: Expect,
    /// Other rules that fire on it.
    others: Vec<String>,
}

/// What the rule says of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    Fires,
    Nothing,
    Unknown,
}

impl TestPlan {
    pub(super) fn new(name: &'static str, steps: Vec<Step>) -> Self {
        Self { name, steps }
    }
}

impl Step {
    pub(super) fn new(at_ms: i64, facts: String, expect: Expect) -> Self {
        Self {
            at_ms,
            facts,
            expect,
            others: Vec::new(),
        }
    }
}

/// The tests of a form, and what has to be declared for them.
pub(super) struct Proof {
    tests: Vec<TestPlan>,
    list: Option<String>,
}

impl Proof {
    pub(super) fn of(form: &RuleForm) -> Self {
        Self {
            tests: form.shape.tests(),
            list: form.shape.list().map(str::to_owned),
        }
    }

    /// Runs the tests beside the other rules, and notes which of those fire. What the rule itself says must be what was planned.
    pub(super) fn run(&mut self, name: &str, rule: &str, others: &[Source]) -> Result<(), FormError> {
        let is_sound = !others.is_empty() && compile(others, 0).rules.is_some();
        // Files with mistakes are for the checker to tell of: nothing is known of their rules.
        let others = if is_sound { others } else { &[] };
        let list = self.list.clone();
        if list.is_some_and(|list| declares(others, &list)) {
            self.list = None;
        }
        let mut sources = others.to_vec();
        let text = format!(
            "{}{rule}\n{}",
            self.declaration(),
            self.tests_text(name, |_| String::new())
        );
        sources.push(Source::new("form", text));
        let own_file = sources.len() - 1;
        let Compiled { rules, tests, report } = compile(&sources, 0);
        let Some(mut rules) = rules else {
            let first = report.diagnostics.iter().find(|found| found.file == own_file);
            let what = first.map_or_else(|| "does not read".to_owned(), |found| found.message.clone());
            let is_name = first.is_some_and(|found| found.code == "twice");
            let field = if is_name { "name" } else { "" };
            return Err(FormError { field, what });
        };
        rules.count_all();
        let own_tests = tests.iter().filter(|(file, _)| *file == own_file);
        for ((_, test), plan) in own_tests.zip(&mut self.tests) {
            let mut state = State::new(&rules.windows(), Seed::default());
            let (lists, mut scratch) = (Lists::default(), Scratch::default());
            for (written, step) in test.steps.iter().zip(&mut plan.steps) {
                let mut event = Event::at(TEST_BEGIN_MS + written.at_ms);
                for (fact, literal) in &written.facts {
                    let set = event.set(&fact.text, &Given::from_literal(literal));
                    set.map_err(|error| FormError {
                        field: "",
                        what: error.to_string(),
                    })?;
                }
                let said = rules.evaluate(&event, &lists, &state, &mut scratch);
                state.apply(&said.bumps);
                let names = |idx: usize| rules.rules()[idx].name.as_str();
                let fired: Vec<&str> = said.fired.iter().map(|fired| names(fired.rule)).collect();
                let is_unknown = said.undecided.iter().any(|undecided| names(undecided.rule) == name);
                let found = match (fired.contains(&name), is_unknown) {
                    (true, _) => Expect::Fires,
                    (false, true) => Expect::Unknown,
                    (false, false) => Expect::Nothing,
                };
                if found != step.expect {
                    let what = format!(
                        "makes a rule that does not do what it says: test `{}`, {}",
                        plan.name, step.facts
                    );
                    return Err(FormError { field: "", what });
                }
                let others = fired
                    .into_iter()
                    .filter(|fired| *fired != name && !only_allows(&rules, fired));
                step.others = others.map(str::to_owned).collect();
            }
        }
        Ok(())
    }

    pub(super) fn text(&self, form: &RuleForm) -> String {
        let outcome = form.then.expected();
        let tests = self.tests_text(&form.name, |step| {
            let mut said: Vec<String> = Vec::new();
            match step.expect {
                Expect::Fires => said.push(form.name.clone()),
                Expect::Unknown => said.push(format!("unknown {}", form.name)),
                Expect::Nothing => {}
            }
            said.extend(step.others.iter().cloned());
            let said = if said.is_empty() {
                "nothing".to_owned()
            } else {
                said.join(", ")
            };
            // Beside others it is not for this rule to say which of them decides.
            if step.expect == Expect::Fires && step.others.is_empty() {
                format!(" -> {said} then {outcome}")
            } else {
                format!(" -> {said}")
            }
        });
        format!("{}{tests}", self.declaration())
    }

    fn declaration(&self) -> String {
        self.list
            .as_ref()
            .map(|list| format!("list {list}\n\n"))
            .unwrap_or_default()
    }

    fn tests_text(&self, name: &str, expected: impl Fn(&Step) -> String) -> String {
        let tests = self.tests.iter().map(|test| {
            let steps = test.steps.iter();
            let steps = steps.map(|step| format!("  at {} {{ {} }}{}\n", span(step.at_ms), step.facts, expected(step)));
            format!("test {name}_{} {{\n{}}}\n", test.name, steps.collect::<String>())
        });
        tests.collect::<Vec<_>>().join("\n")
    }
}

fn declares(sources: &[Source], list: &str) -> bool {
    sources.iter().enumerate().any(|(idx, source)| {
        let mut report = crate::Report::default();
        let file = crate::lang::parser::parse(&source.text, idx, &mut report);
        file.lists.iter().any(|known| known.name.text == list)
    })
}

/// What only allows fires beside everything, and tests need not name it.
fn only_allows(rules: &Rules, name: &str) -> bool {
    let rule = rules.rules().iter().find(|rule| rule.name == name);
    rule.is_some_and(|rule| rule.outcomes.iter().all(|outcome| *outcome == Outcome::Allow))
}
