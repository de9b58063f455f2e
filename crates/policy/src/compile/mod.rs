//! Files of rules become one set that can be asked: names are resolved, types checked, conditions put into one graph, and what is
//! likely a mistake is said with its place. Start with [`compile`].

mod calls;
mod canonical;
mod expr;
mod lints;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Graph, NodeId};
use crate::lang::ast::{Expr, File, Test};
use crate::lang::parser::parse;
use crate::lang::source::{Diagnostic, Report, Source, Span, nearest};
use crate::patterns::Patterns;
use crate::rules::{Mode, Rule, Rules};

/// Most rules of a set.
pub const RULES_MAX: usize = 10_000;
/// Most nodes of all conditions together.
const NODES_MAX: usize = 1_000_000;

/// What came of the files.
#[derive(Debug)]
pub struct Compiled {
    /// The rules, unless something is wrong.
    pub rules: Option<Rules>,
    /// The tests that stand beside them, with the file of each.
    pub tests: Vec<(usize, Test)>,
    /// What there is to say.
    pub report: Report,
}

/// Checks files that belong together, and makes rules of them. `today_ms` is for review dates that have passed.
pub fn compile(sources: &[Source], today_ms: i64) -> Compiled {
    let mut report = Report::default();
    let files: Vec<File> = sources
        .iter()
        .enumerate()
        .map(|(file, source)| parse(&source.text, file, &mut report))
        .collect();
    let mut compiler = Compiler {
        sources,
        report,
        graph: Graph::default(),
        patterns: Patterns::default(),
        lets: BTreeMap::new(),
        lists: BTreeMap::new(),
        outside: Vec::new(),
        lists_used: BTreeSet::new(),
        file: 0,
        nested: 0,
    };
    compiler.collect(&files);
    let mut rules: Vec<Rule> = Vec::new();
    for (file, parsed) in files.iter().enumerate() {
        for rule in &parsed.rules {
            compiler.file = file;
            if rules.len() >= RULES_MAX || compiler.graph.nodes.len() >= NODES_MAX {
                compiler.error(
                    "too-many",
                    rule.name.span,
                    format!("more than {RULES_MAX} rules, or too much in them"),
                );
                break;
            }
            if let Some(first) = rules.iter().find(|known| known.name == rule.name.text) {
                let (line, _) = sources[first.file].line_and_column(first.span.start);
                let place = format!("{}, line {line}", sources[first.file].name);
                compiler
                    .error(
                        "twice",
                        rule.name.span,
                        format!("another rule is called `{}`", rule.name.text),
                    )
                    .help(format!("it stands in {place}"));
                continue;
            }
            if let Some(rule) = compiler.rule(rule, today_ms) {
                rules.push(rule);
            }
        }
    }
    compiler.check_unused();
    compiler.check_rules(&rules);
    let Compiler {
        mut report,
        graph,
        patterns,
        outside,
        ..
    } = compiler;
    report.sort();
    let has_errors = report.has_errors();
    let tests = files
        .into_iter()
        .enumerate()
        .flat_map(|(file, parsed)| parsed.tests.into_iter().map(move |test| (file, test)))
        .collect();
    Compiled {
        rules: (!has_errors).then(|| Rules::new(rules, graph, patterns, outside)),
        tests,
        report,
    }
}

/// What a variable of a macro stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variable {
    Row { list: u8, depth: u8 },
    Text { depth: u8 },
}

/// The macros around an expression.
#[derive(Debug, Clone, Default)]
struct Scope {
    variables: Vec<(String, Variable)>,
    lists: Vec<NodeId>,
}

struct Definition {
    file: usize,
    name_span: Span,
    value: Expr,
    state: DefinitionState,
    is_used: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DefinitionState {
    Waiting,
    Working,
    Done(NodeId),
}

#[derive(Debug, Clone, Copy)]
struct ListDefinition {
    file: usize,
    span: Span,
    /// Its entries, if they stand in the file.
    set: Option<u32>,
    /// Its place among those that are kept outside.
    outside: u32,
}

struct Compiler<'a> {
    sources: &'a [Source],
    report: Report,
    graph: Graph,
    patterns: Patterns,
    lets: BTreeMap<String, Definition>,
    lists: BTreeMap<String, ListDefinition>,
    outside: Vec<String>,
    lists_used: BTreeSet<String>,
    file: usize,
    nested: u32,
}

impl Compiler<'_> {
    /// Takes up all definitions, so that their order does not matter.
    fn collect(&mut self, files: &[File]) {
        for (file, parsed) in files.iter().enumerate() {
            self.file = file;
            for list in &parsed.lists {
                if self.is_taken(&list.name.text, list.name.span) {
                    continue;
                }
                let set = list.entries.as_ref().map(|entries| {
                    let texts = entries.iter().map(|(text, _)| text.as_str().into()).collect();
                    self.graph.text_set(texts)
                });
                if set.is_none() {
                    self.outside.push(list.name.text.clone());
                }
                let definition = ListDefinition {
                    file,
                    span: list.name.span,
                    set,
                    outside: self.outside.len().saturating_sub(1) as u32,
                };
                self.lists.insert(list.name.text.clone(), definition);
            }
            for definition in &parsed.lets {
                if self.is_taken(&definition.name.text, definition.name.span) {
                    continue;
                }
                let entry = Definition {
                    file,
                    name_span: definition.name.span,
                    value: definition.value.clone(),
                    state: DefinitionState::Waiting,
                    is_used: false,
                };
                self.lets.insert(definition.name.text.clone(), entry);
            }
        }
        let names: Vec<String> = self.lets.keys().cloned().collect();
        for name in names {
            self.resolve(&name);
        }
    }

    fn is_taken(&mut self, name: &str, span: Span) -> bool {
        let is_fact = crate::schema::fact(name).is_some() || crate::schema::list(name).is_some();
        let is_taken = is_fact || self.lets.contains_key(name) || self.lists.contains_key(name);
        if is_fact {
            self.error("twice", span, format!("`{name}` is a fact; choose another name"));
        } else if is_taken {
            self.error("twice", span, format!("`{name}` is defined already"));
        }
        is_taken
    }

    /// The node of a definition that is used by its name.
    fn definition(&mut self, name: &str, span: Span) -> Option<NodeId> {
        let definition = self.lets.get_mut(name)?;
        definition.is_used = true;
        if definition.state == DefinitionState::Working {
            self.error("cycle", span, format!("`{name}` is defined by itself"));
            return Some(self.broken(span));
        }
        Some(self.resolve(name))
    }

    fn resolve(&mut self, name: &str) -> NodeId {
        let Some(definition) = self.lets.get_mut(name) else {
            return self.broken(Span::default());
        };
        if let DefinitionState::Done(node) = definition.state {
            return node;
        }
        definition.state = DefinitionState::Working;
        let (value, file) = (definition.value.clone(), definition.file);
        let file_before = std::mem::replace(&mut self.file, file);
        let node = self.expr(&value, &Scope::default());
        self.file = file_before;
        if let Some(definition) = self.lets.get_mut(name) {
            definition.state = DefinitionState::Done(node);
        }
        node
    }

    fn check_unused(&mut self) {
        let lets: Vec<(String, usize, Span)> = self
            .lets
            .iter()
            .filter(|(_, definition)| !definition.is_used)
            .map(|(name, definition)| (name.clone(), definition.file, definition.name_span))
            .collect();
        let lists = self.lists.iter().filter(|(name, _)| !self.lists_used.contains(*name));
        let lists: Vec<_> = lists.map(|(name, list)| (name.clone(), list.file, list.span)).collect();
        for (name, file, span) in lets.into_iter().chain(lists) {
            self.file = file;
            self.warning("unused", span, format!("nothing uses `{name}`"));
        }
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.report.error(code, self.file, span, message)
    }

    fn warning(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.report.warning(code, self.file, span, message)
    }

    /// A word of a closed set.
    fn word_of(&mut self, name: &crate::lang::ast::Name, known: &[&str], what: &str) -> Option<usize> {
        let found = known.iter().position(|word| *word == name.text);
        if found.is_none() {
            let help = nearest(&name.text, known.iter().copied()).map_or_else(
                || format!("there are {}", known.join(", ")),
                |near| format!("was `{near}` meant?"),
            );
            self.error("unknown-word", name.span, format!("`{}` is not {what}", name.text))
                .help(help);
        }
        found
    }
}

/// Which of the modes a word names.
const MODES: &[(&str, Mode)] = &[("draft", Mode::Draft), ("shadow", Mode::Shadow), ("live", Mode::Live)];
