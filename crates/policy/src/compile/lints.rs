//! Conditions that cannot be what was meant: they never hold, always hold, or say one thing twice.

use super::Compiler;
use crate::graph::{Const, NodeId, Op, children};
use crate::lang::ast::BinaryOp;
use crate::lang::source::Span;
use crate::rules::{Outcome, Rule};
use crate::schema::{KINDS, at};
use crate::value::Type;

/// A rule that costs more than this for an event, in nanoseconds, is worth a look.
const COST_NS_MAX: u32 = 20_000;

/// The values that a comparison leaves open; both ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Interval {
    low: f64,
    high: f64,
}

impl Interval {
    const ALL: Self = Self {
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    };

    fn and(self, other: Self) -> Self {
        Self {
            low: self.low.max(other.low),
            high: self.high.min(other.high),
        }
    }

    fn is_empty(self) -> bool {
        self.low > self.high
    }
}

impl Compiler<'_> {
    pub(super) fn check_condition(&mut self, condition: NodeId, written: Span, kinds: u16) {
        if self.graph.node(condition).ty == Type::Broken {
            return;
        }
        let is_plain_true = self.sources[self.file].at(written) == "true";
        match self.always(condition, 0) {
            Some(false) => {
                self.error("never", written, "this condition never holds")
                    .help("its parts exclude each other, or one of them is always false");
            }
            Some(true) if !is_plain_true => {
                self.warning("always", written, "this condition always holds where it is known");
            }
            _ => {}
        }
        self.check_implied(condition, written);
        let parts = self.conjuncts(condition);
        for part in parts {
            if let Some(kind) = self.kind_asked(part)
                && kinds & (1 << kind) == 0
            {
                let kind = KINDS[kind];
                self.error(
                    "never",
                    written,
                    format!("it asks for \"{kind}\", and `on:` leaves that out"),
                );
            }
        }
        let cost = self.graph.node(condition).cost;
        if cost > COST_NS_MAX {
            self.warning(
                "costly",
                written,
                format!("this takes about {} µs for each event", cost / 1_000),
            )
            .help("put a cheap condition before it, or a shorter list");
        }
    }

    fn conjuncts(&self, condition: NodeId) -> Vec<NodeId> {
        match &self.graph.node(condition).op {
            Op::All(parts) => parts.to_vec(),
            _ => vec![condition],
        }
    }

    fn kind_asked(&self, part: NodeId) -> Option<usize> {
        let Op::Compare(BinaryOp::Equal, a, b) = self.graph.node(part).op else {
            return None;
        };
        let is_kind = |id: NodeId| self.graph.node(id).op == Op::Fact(at::ITEM_KIND as u8);
        let other = if is_kind(a) {
            b
        } else if is_kind(b) {
            a
        } else {
            return None;
        };
        match self.graph.constant(other) {
            Some(Const::Text(idx)) => KINDS.iter().position(|kind| **kind == *self.graph.texts[idx as usize]),
            _ => None,
        }
    }

    /// Whether a condition has the same answer wherever it has one.
    fn always(&self, id: NodeId, depth: u32) -> Option<bool> {
        if depth > 200 {
            return None;
        }
        match &self.graph.node(id).op {
            Op::Const(Const::Bool(b)) => Some(*b),
            Op::Not(inner) => self.always(*inner, depth + 1).map(|b| !b),
            Op::All(parts) => {
                let answers: Vec<Option<bool>> = parts.iter().map(|part| self.always(*part, depth + 1)).collect();
                if answers.contains(&Some(false)) || self.exclude_each_other(parts) {
                    return Some(false);
                }
                answers.iter().all(|answer| *answer == Some(true)).then_some(true)
            }
            Op::Any(parts) => {
                let answers: Vec<Option<bool>> = parts.iter().map(|part| self.always(*part, depth + 1)).collect();
                if answers.contains(&Some(true)) || self.has_opposites(parts) {
                    return Some(true);
                }
                answers.iter().all(|answer| *answer == Some(false)).then_some(false)
            }
            Op::Compare(op, a, b) => {
                if a == b {
                    return Some(matches!(op, BinaryOp::Equal | BinaryOp::LessOrEqual));
                }
                let (a, b) = (self.graph.constant(*a)?, self.graph.constant(*b)?);
                match (op, number(a), number(b)) {
                    (BinaryOp::Less, Some(a), Some(b)) => Some(a < b),
                    (BinaryOp::LessOrEqual, Some(a), Some(b)) => Some(a <= b),
                    (BinaryOp::Equal, Some(a), Some(b)) => Some(a == b),
                    (BinaryOp::Equal, None, None) => Some(a == b),
                    _ => None,
                }
            }
            Op::InTexts(_, set) => self.graph.text_sets[*set as usize].is_empty().then_some(false),
            Op::InValues(_, values) => values.is_empty().then_some(false),
            _ => None,
        }
    }

    fn has_opposites(&self, parts: &[NodeId]) -> bool {
        parts.iter().any(|part| match &self.graph.node(*part).op {
            Op::Not(inner) => parts.contains(inner),
            Op::Compare(BinaryOp::Less, a, b) => parts
                .iter()
                .any(|other| self.graph.node(*other).op == Op::Compare(BinaryOp::LessOrEqual, *b, *a)),
            _ => false,
        })
    }

    fn exclude_each_other(&self, parts: &[NodeId]) -> bool {
        if self.has_opposites(parts) {
            return true;
        }
        let mut intervals: Vec<(NodeId, Interval)> = Vec::new();
        let mut equals: Vec<(NodeId, Vec<Const>)> = Vec::new();
        for part in parts {
            if let Some((subject, interval)) = self.interval(*part) {
                let known = intervals.iter().position(|(known, _)| *known == subject);
                let at = known.unwrap_or_else(|| {
                    intervals.push((subject, Interval::ALL));
                    intervals.len() - 1
                });
                intervals[at].1 = intervals[at].1.and(interval);
            }
            if let Some((subject, allowed)) = self.allowed_texts(*part) {
                match equals.iter_mut().find(|(known, _)| *known == subject) {
                    Some((_, before)) => before.retain(|text| allowed.contains(text)),
                    None => equals.push((subject, allowed)),
                }
            }
        }
        intervals.iter().any(|(_, interval)| interval.is_empty()) || equals.iter().any(|(_, texts)| texts.is_empty())
    }

    /// The only texts that a condition leaves open.
    fn allowed_texts(&self, part: NodeId) -> Option<(NodeId, Vec<Const>)> {
        match &self.graph.node(part).op {
            Op::Compare(BinaryOp::Equal, a, b) => {
                let (subject, constant) = match (self.graph.constant(*a), self.graph.constant(*b)) {
                    (Some(constant), None) => (*b, constant),
                    (None, Some(constant)) => (*a, constant),
                    _ => return None,
                };
                matches!(constant, Const::Text(_) | Const::Bool(_)).then(|| (subject, vec![constant]))
            }
            Op::InTexts(subject, set) => {
                let set = &self.graph.text_sets[*set as usize];
                let place = |text: &str| self.graph.texts.iter().position(|known| **known == *text);
                let texts = set.iter().map(|text| place(text).map(|idx| Const::Text(idx as u32)));
                Some((*subject, texts.collect::<Option<Vec<_>>>()?))
            }
            _ => None,
        }
    }

    /// What a comparison with a number leaves open.
    fn interval(&self, part: NodeId) -> Option<(NodeId, Interval)> {
        let Op::Compare(op, a, b) = self.graph.node(part).op else {
            return None;
        };
        let value = |id: NodeId| self.graph.constant(id).and_then(number);
        let is_whole = |id: NodeId| self.graph.node(id).ty != Type::Float;
        // Whole numbers leave a gap of one; others of nothing that could be named.
        let step = |subject: NodeId, x: f64, by: f64| {
            if is_whole(subject) {
                x + by
            } else {
                x + by * x.abs() * 1e-15
            }
        };
        let (subject, interval) = match (op, value(a), value(b)) {
            (BinaryOp::Less, None, Some(x)) => (
                a,
                Interval {
                    high: step(a, x, -1.0),
                    ..Interval::ALL
                },
            ),
            (BinaryOp::LessOrEqual, None, Some(x)) => (
                a,
                Interval {
                    high: x,
                    ..Interval::ALL
                },
            ),
            (BinaryOp::Less, Some(x), None) => (
                b,
                Interval {
                    low: step(b, x, 1.0),
                    ..Interval::ALL
                },
            ),
            (BinaryOp::LessOrEqual, Some(x), None) => (
                b,
                Interval {
                    low: x,
                    ..Interval::ALL
                },
            ),
            (BinaryOp::Equal, None, Some(x)) => (a, Interval { low: x, high: x }),
            (BinaryOp::Equal, Some(x), None) => (b, Interval { low: x, high: x }),
            _ => return None,
        };
        Some((subject, interval))
    }

    /// `age < 1h && age < 2h`: the second says nothing.
    fn check_implied(&mut self, condition: NodeId, written: Span) {
        let parts = self.conjuncts(condition);
        let intervals: Vec<(NodeId, NodeId, Interval)> = parts
            .iter()
            .filter_map(|part| {
                self.interval(*part)
                    .map(|(subject, interval)| (*part, subject, interval))
            })
            .collect();
        for (idx, (part, subject, interval)) in intervals.iter().enumerate() {
            let is_implied = intervals.iter().enumerate().any(|(other_idx, (_, other, inner))| {
                let is_tighter = inner.and(*interval) == *inner && inner != interval;
                other_idx != idx && other == subject && is_tighter
            });
            if is_implied && !self.exclude_each_other(&parts) {
                let span = self.graph.node(*part).span;
                let is_here = self.graph.node(*part).file == self.file && written.start <= span.start;
                let span = if is_here && span.end <= written.end {
                    span
                } else {
                    written
                };
                self.warning("implied", span, "another condition beside it says this already");
            }
        }
    }

    /// What only shows between rules.
    pub(super) fn check_rules(&mut self, rules: &[Rule]) {
        for (idx, rule) in rules.iter().enumerate() {
            let is_broken = self.graph.node(rule.condition).ty == Type::Broken;
            let is_plain = children(&self.graph.node(rule.condition).op).is_empty();
            if is_broken || is_plain {
                continue;
            }
            let says = |outcomes: &[Outcome]| outcomes.to_vec();
            let same = rules[..idx].iter().find(|other| {
                other.condition == rule.condition
                    && other.kinds & rule.kinds == rule.kinds
                    && says(&other.outcomes) == says(&rule.outcomes)
            });
            if let Some(same) = same {
                let name = same.name.clone();
                self.file = rule.file;
                self.warning(
                    "same-rule",
                    rule.span,
                    format!("`{name}` asks the same and does the same"),
                );
            }
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "for comparing what people wrote, not for deciding"
)]
fn number(constant: Const) -> Option<f64> {
    match constant {
        Const::Int(n) | Const::Duration(n) | Const::Time(n) | Const::Bits(n) => Some(n as f64),
        Const::Float(bits) => Some(f64::from_bits(bits)),
        Const::Text(_) | Const::Bool(_) => None,
    }
}
