//! Rules that were checked, ready to be asked: what each does, and the graph of their conditions.

use crate::graph::{Graph, NodeId, Op};
use crate::guards::Asked;
use crate::lang::source::Span;
use crate::patterns::Patterns;
use crate::schema::KINDS;
use crate::window::WindowSpec;

/// What can be restricted before a person has decided. Never what ends an account.
pub const RESTRICTIONS: &[&str] = &[
    "item",
    "reach",
    "age",
    "comments",
    "interaction",
    "account",
    "monetisation",
];

/// Whether a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Checked and tested, never asked.
    Draft,
    /// Asked, and what it says is only remembered.
    Shadow,
    /// It counts.
    Live,
}

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Can wait.
    Low,
    /// As most.
    Medium,
    /// Soon.
    High,
    /// Now.
    Critical,
}

/// What happens by a rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing speaks against it.
    Allow,
    /// A label is set.
    Label {
        /// `account` or `channel`.
        on: String,
        /// The label.
        label: String,
        /// How long.
        for_ms: Option<i64>,
    },
    /// A person looks.
    Case {
        /// Where it waits.
        queue: String,
        /// The higher, the sooner.
        priority: i32,
    },
    /// Something is made unavailable, reversibly.
    Restrict {
        /// One of [`RESTRICTIONS`].
        what: String,
        /// How long, before it is looked at again.
        for_ms: Option<i64>,
    },
}

impl Outcome {
    /// How strong it is: the strongest of all that fire decides.
    pub fn strength(&self) -> u8 {
        match self {
            Outcome::Allow => 0,
            Outcome::Label { .. } => 1,
            Outcome::Case { .. } => 2,
            Outcome::Restrict { .. } => 3,
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let length = |for_ms: &Option<i64>| {
            for_ms.map_or_else(String::new, |ms| format!(" for {}", crate::value::duration_words(ms)))
        };
        match self {
            Outcome::Allow => f.write_str("allow"),
            Outcome::Label { on, label, for_ms } => write!(f, "label {on} {label}{}", length(for_ms)),
            Outcome::Case { queue, priority: 0 } => write!(f, "case {queue}"),
            Outcome::Case { queue, priority } => write!(f, "case {queue} priority {priority}"),
            Outcome::Restrict { what, for_ms } => write!(f, "restrict {what}{}", length(for_ms)),
        }
    }
}

/// The policy that a rule serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyOf {
    /// None.
    Nothing,
    /// This one.
    Named(String),
    /// The one that a fact names.
    Fact(u8),
}

/// What people are told, with places for what was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Template {
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, Clone)]
pub(crate) enum Part {
    Text(String),
    Value(NodeId),
}

impl Template {
    pub(crate) fn push_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(Part::Text(last)) = self.parts.last_mut() {
            last.push_str(text);
            return;
        }
        self.parts.push(Part::Text(text.to_owned()));
    }

    pub(crate) fn n_values(&self) -> usize {
        self.parts.iter().filter(|part| matches!(part, Part::Value(_))).count()
    }
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// The kinds of items it is about, a bit each.
    pub(crate) kinds: u16,
    /// The policy that it serves.
    pub policy: PolicyOf,
    pub(crate) condition: NodeId,
    /// What happens.
    pub outcomes: Vec<Outcome>,
    pub(crate) reason: Template,
    /// What people are told, as its author wrote it.
    pub written_reason: String,
    /// How grave it is.
    pub severity: Severity,
    /// Who answers for it.
    pub owner: String,
    /// When it has to be looked at again.
    pub review_ms: Option<i64>,
    /// When it ends.
    pub expires_ms: Option<i64>,
    /// Whether it counts.
    pub mode: Mode,
    /// For what share of the items, 0 to 1.
    pub share: f64,
    /// The least share of its findings that people have to confirm; a rule that stays below it is suspended.
    pub floor: Option<f64>,
    /// Whether it goes on when it suddenly fires far more often than before.
    pub keeps_surges: bool,
    /// Which of the files.
    pub file: usize,
    /// Where its name stands.
    pub span: Span,
}

impl Rule {
    /// The kinds of items that it is about; empty, if of all.
    pub fn about(&self) -> Vec<&'static str> {
        let all = self.kinds == (1 << KINDS.len()) - 1;
        let named = KINDS
            .iter()
            .enumerate()
            .filter(|(idx, _)| !all && self.kinds & (1 << idx) != 0);
        named.map(|(_, kind)| *kind).collect()
    }

    /// The reason, if nothing has to be put in.
    pub fn plain_reason(&self) -> &str {
        match &self.reason.parts[..] {
            [Part::Text(text)] => text,
            _ => "",
        }
    }
}

/// A set of rules.
#[derive(Debug)]
pub struct Rules {
    pub(crate) rules: Vec<Rule>,
    pub(crate) graph: Graph,
    pub(crate) patterns: Patterns,
    pub(crate) outside: Vec<String>,
    /// Rules that are asked, for each kind of item.
    pub(crate) by_kind: Vec<Asked>,
    /// Rules that could be about an item of unknown kind.
    pub(crate) of_unknown_kind: Asked,
    /// For each node, the group of patterns that are asked of its text.
    pub(crate) pattern_groups: Vec<Option<u16>>,
}

impl Rules {
    pub(crate) fn new(rules: Vec<Rule>, graph: Graph, mut patterns: Patterns, outside: Vec<String>) -> Self {
        let asked: Vec<(NodeId, u32)> = graph
            .nodes
            .iter()
            .filter_map(|node| match node.op {
                // A text of a row is another for each row: it is matched by itself.
                Op::Matches(source, pattern) if graph.node(source).vars == 0 => Some((source, pattern)),
                _ => None,
            })
            .collect();
        patterns.group(&asked);
        let group_of = |idx: usize| patterns.group_of(NodeId(idx as u32)).map(|group| group as u16);
        let pattern_groups = (0..graph.nodes.len()).map(group_of).collect();
        let mut made = Self {
            by_kind: Vec::new(),
            of_unknown_kind: Asked::default(),
            pattern_groups,
            rules,
            graph,
            patterns,
            outside,
        };
        made.index();
        made
    }

    /// Finds out which rules are asked about which items.
    pub(crate) fn index(&mut self) {
        let asked = |kind| Asked::of(kind, &self.rules, &self.graph);
        self.by_kind = (0..KINDS.len()).map(|kind| asked(Some(kind))).collect();
        self.of_unknown_kind = asked(None);
    }

    /// The rules, in the order of their files.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The windows that they keep.
    pub fn windows(&self) -> Vec<WindowSpec> {
        self.graph.windows.iter().map(|window| window.spec.clone()).collect()
    }

    /// The lists that are kept outside.
    pub fn lists(&self) -> &[String] {
        &self.outside
    }

    /// What asking a rule costs about, in nanoseconds, when nothing it asks was asked before.
    pub fn cost_ns(&self, rule: &Rule) -> u32 {
        self.graph.node(rule.condition).cost
    }
}
