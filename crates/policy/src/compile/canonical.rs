//! What a window remembers, as text: the same for every way of writing the same thing, whatever else stands in the files. Its
//! hash is the window's identity, so a window keeps its memory when rules around it change.

use std::fmt::Write;

use super::Compiler;
use crate::graph::{Const, NodeId, Op, Over, children};
use crate::schema::{FACTS, LISTS};
use crate::window::WindowKind;

impl Compiler<'_> {
    #[expect(clippy::too_many_arguments, reason = "they are the parts of a window, each once")]
    pub(super) fn window_text(
        &self,
        kind: &WindowKind,
        within_ms: i64,
        ago_ms: i64,
        keys: &[NodeId],
        value: Option<NodeId>,
        only: Option<NodeId>,
        over: Option<Over>,
    ) -> String {
        let mut out = format!("{kind:?} {within_ms} {ago_ms}");
        for key in keys {
            out.push_str(" by ");
            self.write(*key, &mut out);
        }
        let over = over.map(|over| over.list);
        for (what, node) in [(" of ", value), (" where ", only), (" over ", over)] {
            if let Some(node) = node {
                out.push_str(what);
                self.write(node, &mut out);
            }
        }
        out
    }

    fn write(&self, id: NodeId, out: &mut String) {
        let op = &self.graph.node(id).op;
        // Writing to a string cannot fail.
        let _ = match op {
            Op::Const(constant) => self.write_const(*constant, out),
            Op::Fact(idx) => write!(out, "{}", FACTS[*idx as usize].name),
            Op::Rows(idx) => write!(out, "{}", LISTS[*idx as usize].name),
            Op::Cell { list, column, .. } => {
                let list = &LISTS[*list as usize];
                write!(out, "{}[].{}", list.name, list.columns[*column as usize].name)
            }
            Op::ElementText { .. } => write!(out, "[]"),
            Op::Matches(_, pattern) => write!(out, "matches {:?}", self.patterns.source(*pattern)),
            Op::InTexts(_, set) => write!(out, "in {:?}", self.graph.text_sets[*set as usize]),
            Op::InList(_, list) => write!(out, "in list {}", self.outside[*list as usize]),
            Op::InValues(_, values) => {
                let mut values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
                values.sort_unstable();
                write!(out, "in {values:?}")
            }
            Op::Compare(op, ..) | Op::Arithmetic(op, ..) => write!(out, "{}", op.as_str()),
            Op::All(_) => write!(out, "all"),
            Op::Any(_) => write!(out, "any"),
            Op::Not(_) => write!(out, "not"),
            Op::Minus(_) => write!(out, "minus"),
            Op::Choice(_) => write!(out, "choice"),
            Op::Contains(..) => write!(out, "contains"),
            Op::StartsWith(..) => write!(out, "starts"),
            Op::EndsWith(..) => write!(out, "ends"),
            Op::Size(_) => write!(out, "size"),
            Op::Has(_) => write!(out, "has"),
            Op::OrElse(..) => write!(out, "or_else"),
            Op::InFact(..) => write!(out, "in"),
            Op::Exists { .. } => write!(out, "exists"),
            Op::Every { .. } => write!(out, "every"),
            Op::Filter { .. } => write!(out, "filter"),
            Op::Window(_) | Op::Rate(..) => write!(out, "window"),
        };
        let inner = children(op);
        if inner.is_empty() {
            return;
        }
        let mut parts: Vec<String> = inner
            .iter()
            .map(|child| {
                let mut part = String::new();
                self.write(*child, &mut part);
                part
            })
            .collect();
        if matches!(op, Op::All(_) | Op::Any(_)) {
            parts.sort_unstable();
        }
        let _ = write!(out, "({})", parts.join(", "));
    }

    fn write_const(&self, constant: Const, out: &mut String) -> std::fmt::Result {
        match constant {
            Const::Text(idx) => write!(out, "{:?}", self.graph.texts[idx as usize]),
            other => write!(out, "{other:?}"),
        }
    }
}
