//! Asking the graph about one event. Each node is worked out at most once, and only if something needs it.
//!
//! Truth has three values (Kleene): what is missing is unknown, and unknown is false only where the other side makes it so. A mistake
//! in arithmetic is unknown too. Nothing here can fail, so no rule stops another; a rule that would take too long is unknown.
//!
//! It goes in two steps. What needs no window is worked out first, and may run on any thread; then, in the order of the events, what
//! is left asks the windows.

use crate::event::{Event, Text};
use crate::graph::{NodeId, Op};
use crate::lang::ast::BinaryOp;
use crate::lists::Lists;
use crate::patterns::Seen;
use crate::rules::Rules;
use crate::value::{ListRef, TextRef, Value};
use crate::window::{Bump, Reading, Seed, State};

/// Most steps of one rule for one event; looking at 64 bytes of a text is one.
pub const STEPS_MAX: u32 = 200_000;
/// How long ago something is that never was: longer than any window.
pub(crate) const NEVER_MS: i64 = i64::MAX / 4;

/// What a window said while a rule was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CounterRead {
    /// Which window.
    pub window: u32,
    /// Of which key.
    pub key: u64,
    /// What it said.
    pub reading: Reading,
}

/// Memory that is used again for every event. Its content means nothing between two.
#[derive(Debug, Default)]
pub struct Scratch {
    stamp: u32,
    stamps: Vec<u32>,
    values: Vec<Value>,
    kept: Vec<u32>,
    /// For each group of patterns, what of their letters is in the text; and of which event that is.
    seen: Vec<(u32, Seen)>,
    pub(crate) facts_read: u128,
    pub(crate) lists_read: u32,
    pub(crate) counters: Vec<CounterRead>,
    pub(crate) bumps: Vec<Bump>,
    pub(crate) own: Vec<Own>,
    pub(crate) steps: u32,
    /// What was said of each rule that was asked and is not false; and whether that took too long.
    pub(crate) answers: Vec<(u32, Value, bool)>,
}

/// What the event itself adds to a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    /// It is not known what.
    Unknown,
    /// Nothing, or one value.
    Known { key: u64, value: Option<u64> },
}

/// A text, and whether its end was left out.
#[derive(Debug, Clone, Copy)]
struct Looked<'a> {
    text: &'a str,
    is_cut: bool,
}

/// The rows that the macros around a node look at.
pub(crate) type Rows = [u32; 2];

pub(crate) struct Evaluator<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) event: &'a Event,
    lists: &'a Lists,
    pub(crate) seed: Seed,
    pub(crate) state: Option<&'a State>,
    pub(crate) scratch: &'a mut Scratch,
}

impl<'a> Evaluator<'a> {
    /// Begins with a new event.
    pub(crate) fn begin(
        rules: &'a Rules,
        event: &'a Event,
        lists: &'a Lists,
        seed: Seed,
        scratch: &'a mut Scratch,
    ) -> Self {
        let n_nodes = rules.graph.nodes.len();
        let is_of_others = scratch.stamps.len() != n_nodes || scratch.seen.len() != rules.patterns.n_groups();
        if is_of_others || scratch.stamp == u32::MAX {
            scratch.stamps = vec![0; n_nodes];
            scratch.values = vec![Value::Unknown; n_nodes];
            scratch.seen = vec![(0, Seen::default()); rules.patterns.n_groups()];
            scratch.stamp = 0;
        }
        scratch.stamp += 1;
        scratch.kept.clear();
        scratch.facts_read = 0;
        scratch.lists_read = 0;
        scratch.counters.clear();
        scratch.bumps.clear();
        scratch.own.clear();
        scratch.answers.clear();
        Self {
            rules,
            event,
            lists,
            seed,
            state: None,
            scratch,
        }
    }

    /// Goes on with the event that the scratch was used for last.
    pub(crate) fn resume(
        rules: &'a Rules,
        event: &'a Event,
        lists: &'a Lists,
        state: &'a State,
        scratch: &'a mut Scratch,
    ) -> Self {
        Self {
            rules,
            event,
            lists,
            seed: state.seed(),
            state: Some(state),
            scratch,
        }
    }

    pub(crate) fn rules(&self) -> &'a Rules {
        self.rules
    }

    /// Asks a condition on behalf of a rule.
    pub(crate) fn ask(&mut self, condition: NodeId) -> Value {
        self.scratch.steps = 0;
        self.eval(condition, [0; 2])
    }

    /// Asks a condition of which the first parts are known to be true.
    pub(crate) fn ask_rest(&mut self, condition: NodeId, n_true: usize) -> Value {
        let rules = self.rules;
        let is_known = self.scratch.stamps[condition.0 as usize] == self.scratch.stamp;
        match &rules.graph.node(condition).op {
            Op::All(parts) if n_true > 0 && !is_known => {
                self.scratch.steps = 1;
                let value = self.junction(&parts[n_true..], false, [0; 2]);
                self.keep(condition, value);
                value
            }
            _ => self.ask(condition),
        }
    }

    /// Whether the last question took too long.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.scratch.steps > STEPS_MAX
    }

    pub(crate) fn eval(&mut self, id: NodeId, rows: Rows) -> Value {
        let rules = self.rules;
        let node = rules.graph.node(id);
        if let Op::Const(constant) = node.op {
            return constant.value();
        }
        let idx = id.0 as usize;
        let is_kept = node.vars == 0;
        if is_kept && self.scratch.stamps[idx] == self.scratch.stamp {
            return self.scratch.values[idx];
        }
        self.scratch.steps += 1;
        if self.scratch.steps > STEPS_MAX {
            return Value::Unknown;
        }
        let value = self.work_out(&node.op, rows);
        if is_kept {
            self.keep(id, value);
        }
        value
    }

    /// Keeps what was worked out, unless it waits for the windows or took too long.
    fn keep(&mut self, id: NodeId, value: Value) {
        if value != Value::Pending && self.scratch.steps <= STEPS_MAX {
            self.scratch.stamps[id.0 as usize] = self.scratch.stamp;
            self.scratch.values[id.0 as usize] = value;
        }
    }

    fn work_out(&mut self, op: &Op, rows: Rows) -> Value {
        match op {
            Op::Const(constant) => constant.value(),
            Op::Fact(idx) => {
                self.scratch.facts_read |= 1 << idx;
                self.event.fact(*idx as usize)
            }
            Op::Rows(list) => {
                self.scratch.lists_read |= 1 << list;
                let is_given = self.event.rows(*list).is_some();
                if is_given {
                    Value::List(ListRef::Rows(*list))
                } else {
                    Value::Unknown
                }
            }
            Op::Cell { list, depth, column } => self.event.cell(*list, rows[*depth as usize], *column),
            Op::ElementText { depth } => Value::Text(TextRef::Event(rows[*depth as usize])),
            Op::Not(inner) => match self.eval(*inner, rows) {
                Value::Bool(b) => Value::Bool(!b),
                other => other,
            },
            Op::All(parts) => self.junction(parts, false, rows),
            Op::Any(parts) => self.junction(parts, true, rows),
            Op::Choice([condition, yes, no]) => match self.eval(*condition, rows) {
                Value::Bool(true) => self.eval(*yes, rows),
                Value::Bool(false) => self.eval(*no, rows),
                other => other,
            },
            Op::Minus(inner) => match self.eval(*inner, rows) {
                Value::Int(n) => n.checked_neg().map_or(Value::Unknown, Value::Int),
                Value::Duration(ms) => ms.checked_neg().map_or(Value::Unknown, Value::Duration),
                Value::Float(x) => Value::Float(-x),
                other => other,
            },
            Op::Has(inner) => match self.eval(*inner, rows) {
                Value::Pending => Value::Pending,
                value => Value::Bool(value != Value::Unknown),
            },
            Op::OrElse(inner, other) => match self.eval(*inner, rows) {
                Value::Unknown => self.eval(*other, rows),
                value => value,
            },
            Op::Size(inner) => self.size(*inner, rows),
            Op::Compare(op, a, b) => {
                let (a, b) = (self.eval(*a, rows), self.eval(*b, rows));
                self.compare(*op, a, b)
            }
            Op::Arithmetic(op, a, b) => {
                let (a, b) = (self.eval(*a, rows), self.eval(*b, rows));
                crate::arithmetic::work_out(*op, a, b)
            }
            Op::Contains(a, b) | Op::StartsWith(a, b) | Op::EndsWith(a, b) => {
                let (Some(text), Some(part)) = (self.text_of(*a, rows), self.text_of(*b, rows)) else {
                    return Value::Unknown;
                };
                self.scratch.steps += text.text.len() as u32 / 64;
                if part.is_cut {
                    return Value::Unknown;
                }
                let part = part.text;
                match op {
                    Op::Contains(..) if text.text.contains(part) => Value::Bool(true),
                    Op::StartsWith(..) if !text.is_cut || part.len() <= text.text.len() => {
                        Value::Bool(text.text.starts_with(part))
                    }
                    _ if text.is_cut => Value::Unknown,
                    Op::EndsWith(..) => Value::Bool(text.text.ends_with(part)),
                    _ => Value::Bool(false),
                }
            }
            Op::Matches(source, pattern) => self.matches(*source, *pattern, rows),
            Op::InTexts(item, set) => {
                let Some(text) = self.text_of(*item, rows) else {
                    return Value::Unknown;
                };
                let set = &self.rules.graph.text_sets[*set as usize];
                let found = set
                    .binary_search_by(|known| known.as_bytes().cmp(text.text.as_bytes()))
                    .is_ok();
                if text.is_cut {
                    Value::Unknown
                } else {
                    Value::Bool(found)
                }
            }
            Op::InValues(item, values) => match self.eval(*item, rows) {
                Value::Unknown => Value::Unknown,
                Value::Pending => Value::Pending,
                item => {
                    let is_equal = |value: Value| self.compare(BinaryOp::Equal, item, value) == Value::Bool(true);
                    Value::Bool(values.iter().any(|value| is_equal(value.value())))
                }
            },
            Op::InList(item, list) => {
                let Some(text) = self.text_of(*item, rows) else {
                    return Value::Unknown;
                };
                if text.is_cut {
                    return Value::Unknown;
                }
                let name = &self.rules.outside[*list as usize];
                let found = self.lists.contains(name, text.text, self.event.time_ms());
                found.map_or(Value::Unknown, Value::Bool)
            }
            Op::InFact(item, list) => {
                let Some(text) = self.text_of(*item, rows) else {
                    return Value::Unknown;
                };
                let Value::List(ListRef::Texts(idx)) = self.eval(*list, rows) else {
                    return Value::Unknown;
                };
                let list = self.event.text_list(idx);
                let found = list
                    .texts
                    .iter()
                    .any(|known| *self.event.text_at(*known).text == *text.text);
                if !found && list.is_cut {
                    Value::Unknown
                } else {
                    Value::Bool(found)
                }
            }
            Op::Exists { list, depth, body } => self.over_rows(*list, *depth, *body, true, rows),
            Op::Every { list, depth, body } => self.over_rows(*list, *depth, *body, false, rows),
            Op::Filter { list, depth, body } => self.filter(*list, *depth, *body, rows),
            Op::Window(window) => self.read_window(*window, rows),
            Op::Rate(window, per_ms) => match self.read_window(*window, rows) {
                Value::Int(n) => {
                    let within = self.rules.graph.windows[*window as usize].spec.within_ms;
                    #[expect(clippy::cast_precision_loss, reason = "a rate is a share anyway")]
                    Value::Float(n as f64 * *per_ms as f64 / within as f64)
                }
                other => other,
            },
        }
    }

    /// Kleene's and, and or: one part can decide, whatever is unknown of the others.
    fn junction(&mut self, parts: &[NodeId], decides: bool, rows: Rows) -> Value {
        let (mut is_unknown, mut is_pending) = (false, false);
        for part in parts {
            match self.eval(*part, rows) {
                Value::Bool(b) if b == decides => return Value::Bool(decides),
                Value::Bool(_) => {}
                Value::Pending => is_pending = true,
                _ => is_unknown = true,
            }
        }
        match (is_pending, is_unknown) {
            (true, _) => Value::Pending,
            (false, true) => Value::Unknown,
            (false, false) => Value::Bool(!decides),
        }
    }

    fn over_rows(&mut self, list: NodeId, depth: u8, body: NodeId, decides: bool, mut rows: Rows) -> Value {
        let Value::List(list) = self.eval(list, rows) else {
            return Value::Unknown;
        };
        let mut is_unknown = self.is_cut(list);
        let mut is_pending = false;
        for at in 0..self.list_len(list) {
            rows[depth as usize] = self.row(list, at);
            match self.eval(body, rows) {
                Value::Bool(b) if b == decides => return Value::Bool(decides),
                Value::Bool(_) => {}
                Value::Pending => is_pending = true,
                _ => is_unknown = true,
            }
        }
        match (is_pending, is_unknown) {
            (true, _) => Value::Pending,
            (false, true) => Value::Unknown,
            (false, false) => Value::Bool(!decides),
        }
    }

    fn filter(&mut self, list: NodeId, depth: u8, body: NodeId, mut rows: Rows) -> Value {
        let Value::List(list) = self.eval(list, rows) else {
            return Value::Unknown;
        };
        let whose = match list {
            ListRef::Rows(whose) | ListRef::Kept { list: whose, .. } => whose,
            ListRef::Texts(_) => return Value::Unknown,
        };
        if self.is_cut(list) {
            return Value::Unknown;
        }
        let mut kept = Vec::new();
        for at in 0..self.list_len(list) {
            let row = self.row(list, at);
            rows[depth as usize] = row;
            match self.eval(body, rows) {
                Value::Bool(true) => kept.push(row),
                Value::Bool(false) => {}
                _ => return Value::Unknown,
            }
        }
        let start = self.scratch.kept.len() as u32;
        self.scratch.kept.extend(&kept);
        Value::List(ListRef::Kept {
            list: whose,
            start,
            len: kept.len() as u32,
        })
    }

    fn size(&mut self, inner: NodeId, rows: Rows) -> Value {
        match self.eval(inner, rows) {
            Value::List(list) if self.is_cut(list) => Value::Unknown,
            Value::List(list) => Value::Int(i64::from(self.list_len(list))),
            Value::Text(text) => {
                let text = self.looked_at(text);
                if text.is_cut {
                    Value::Unknown
                } else {
                    Value::Int(text.text.chars().count() as i64)
                }
            }
            other => other,
        }
    }

    fn matches(&mut self, source: NodeId, pattern: u32, rows: Rows) -> Value {
        let Some(text) = self.text_of(source, rows) else {
            return Value::Unknown;
        };
        let rules = self.rules;
        self.scratch.steps += text.text.len() as u32 / 64;
        let group = rules.pattern_groups[source.0 as usize].filter(|_| rules.graph.node(source).vars == 0);
        if let Some(group) = group.filter(|_| !text.is_cut) {
            let stamp = self.scratch.stamp;
            let (seen_at, seen) = &mut self.scratch.seen[group as usize];
            if *seen_at != stamp {
                rules.patterns.look(group as usize, text.text, seen);
                *seen_at = stamp;
            }
            return Value::Bool(rules.patterns.is_match_in(group as usize, pattern, text.text, seen));
        }
        rules
            .patterns
            .is_match(pattern, text.text, text.is_cut)
            .map_or(Value::Unknown, Value::Bool)
    }

    fn compare(&self, op: BinaryOp, a: Value, b: Value) -> Value {
        if let (Value::Text(a), Value::Text(b)) = (a, b) {
            let (a, b) = (self.looked_at(a), self.looked_at(b));
            let known = match (a.is_cut, b.is_cut) {
                (false, false) => true,
                (true, false) => b.text.len() <= a.text.len(),
                (false, true) => a.text.len() <= b.text.len(),
                (true, true) => false,
            };
            let is_equal = a.text == b.text && !a.is_cut && !b.is_cut;
            return if known { Value::Bool(is_equal) } else { Value::Unknown };
        }
        crate::arithmetic::compare(op, a, b)
    }

    fn text_of(&mut self, node: NodeId, rows: Rows) -> Option<Looked<'a>> {
        match self.eval(node, rows) {
            Value::Text(text) => Some(self.looked_at(text)),
            _ => None,
        }
    }

    /// The text itself. Texts of rules are never cut.
    fn looked_at(&self, text: TextRef) -> Looked<'a> {
        match text {
            TextRef::Rules(idx) => Looked {
                text: &self.rules.graph.texts[idx as usize],
                is_cut: false,
            },
            TextRef::Event(idx) => {
                let Text { text, is_cut } = self.event.text_at(idx);
                Looked { text, is_cut: *is_cut }
            }
        }
    }

    pub(crate) fn text(&self, text: TextRef) -> &'a str {
        self.looked_at(text).text
    }

    pub(crate) fn list_len(&self, list: ListRef) -> u32 {
        match list {
            ListRef::Rows(list) => self.event.rows(list).map_or(0, |rows| rows.n),
            ListRef::Kept { len, .. } => len,
            ListRef::Texts(idx) => self.event.text_list(idx).texts.len() as u32,
        }
    }

    pub(crate) fn row(&self, list: ListRef, at: u32) -> u32 {
        match list {
            ListRef::Rows(_) => at,
            ListRef::Kept { start, .. } => self.scratch.kept[(start + at) as usize],
            ListRef::Texts(idx) => self.event.text_list(idx).texts[at as usize],
        }
    }

    fn is_cut(&self, list: ListRef) -> bool {
        match list {
            ListRef::Rows(list) => self.event.rows(list).is_some_and(|rows| rows.is_cut),
            ListRef::Kept { .. } => false,
            ListRef::Texts(idx) => self.event.text_list(idx).is_cut,
        }
    }
}
