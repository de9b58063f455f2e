//! Conditions as one graph: what two rules ask is one node, worked out once. Nodes stand after those that they use.

use std::collections::HashMap;

use crate::lang::ast::BinaryOp;
use crate::lang::source::Span;
use crate::value::{TextRef, Type, Value};
use crate::window::WindowSpec;

/// A node, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(crate) u32);

/// What a node does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Const(Const),
    Fact(u8),
    Rows(u8),
    /// A column of the row that a macro looks at.
    Cell {
        list: u8,
        depth: u8,
        column: u8,
    },
    /// The text that a macro looks at.
    ElementText {
        depth: u8,
    },
    Not(NodeId),
    Minus(NodeId),
    All(Box<[NodeId]>),
    Any(Box<[NodeId]>),
    Choice([NodeId; 3]),
    Compare(BinaryOp, NodeId, NodeId),
    Arithmetic(BinaryOp, NodeId, NodeId),
    Contains(NodeId, NodeId),
    StartsWith(NodeId, NodeId),
    EndsWith(NodeId, NodeId),
    Matches(NodeId, u32),
    Size(NodeId),
    Has(NodeId),
    OrElse(NodeId, NodeId),
    InTexts(NodeId, u32),
    InValues(NodeId, Box<[Const]>),
    InList(NodeId, u32),
    InFact(NodeId, NodeId),
    Exists {
        list: NodeId,
        depth: u8,
        body: NodeId,
    },
    Every {
        list: NodeId,
        depth: u8,
        body: NodeId,
    },
    Filter {
        list: NodeId,
        depth: u8,
        body: NodeId,
    },
    Window(u32),
    /// Events for each span of this length.
    Rate(u32, i64),
}

/// A value that stands in the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Const {
    Bool(bool),
    Int(i64),
    /// Its bits, so that nodes can be compared.
    Float(u64),
    Text(u32),
    Time(i64),
    Duration(i64),
    Bits(i64),
}

impl Const {
    pub(crate) fn value(self) -> Value {
        match self {
            Const::Bool(b) => Value::Bool(b),
            Const::Int(n) => Value::Int(n),
            Const::Float(bits) => Value::Float(f64::from_bits(bits)),
            Const::Text(idx) => Value::Text(TextRef::Rules(idx)),
            Const::Time(ms) => Value::Time(ms),
            Const::Duration(ms) => Value::Duration(ms),
            Const::Bits(n) => Value::Bits(n),
        }
    }
}

/// A node and what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) ty: Type,
    /// Where it was first written.
    pub(crate) file: usize,
    pub(crate) span: Span,
    /// Nanoseconds, roughly.
    pub(crate) cost: u32,
    /// Whether it asks a window.
    pub(crate) is_stateful: bool,
    /// Which of the macros around it it looks at, a bit each.
    pub(crate) vars: u8,
}

/// A window and the nodes that feed it.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    pub(crate) spec: WindowSpec,
    /// The list whose every row adds something, if the key is a row's.
    pub(crate) over: Option<Over>,
    pub(crate) keys: Vec<NodeId>,
    pub(crate) value: Option<NodeId>,
    pub(crate) only: Option<NodeId>,
}

/// What a window goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Over {
    /// The whole list.
    pub(crate) list: NodeId,
    /// The depth of the macro that looks at it.
    pub(crate) depth: u8,
}

/// All conditions.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    known: HashMap<(Op, Type), NodeId>,
    pub(crate) texts: Vec<Box<str>>,
    known_texts: HashMap<Box<str>, u32>,
    pub(crate) text_sets: Vec<Vec<Box<str>>>,
    pub(crate) windows: Vec<Window>,
}

impl Graph {
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The node that does this, made if there is none yet.
    pub(crate) fn add(&mut self, op: Op, ty: Type, file: usize, span: Span) -> NodeId {
        let key = (op, ty);
        if let Some(id) = self.known.get(&key) {
            return *id;
        }
        let (op, ty) = key;
        let id = NodeId(self.nodes.len() as u32);
        let (mut cost, mut is_stateful, mut vars) = (own_cost(&op), false, 0_u8);
        for child in children(&op) {
            let child = self.node(child);
            cost = cost.saturating_add(child.cost);
            is_stateful |= child.is_stateful;
            vars |= child.vars;
        }
        match &op {
            Op::Cell { depth, .. } | Op::ElementText { depth } => vars |= 1 << depth,
            Op::Exists { list, depth, body } | Op::Every { list, depth, body } | Op::Filter { list, depth, body } => {
                // A list is some rows long: four, when nothing better is known.
                cost = cost.saturating_add(self.node(*body).cost.saturating_mul(3));
                vars = self.node(*list).vars | (self.node(*body).vars & !(1 << depth));
            }
            Op::Window(window) | Op::Rate(window, _) => {
                is_stateful = true;
                vars |= self.windows[*window as usize].over.map_or(0, |over| 1 << over.depth);
            }
            _ => {}
        }
        self.known.insert((op.clone(), ty), id);
        self.nodes.push(Node {
            op,
            ty,
            file,
            span,
            cost,
            is_stateful,
            vars,
        });
        id
    }

    pub(crate) fn text(&mut self, text: &str) -> u32 {
        if let Some(idx) = self.known_texts.get(text) {
            return *idx;
        }
        let idx = self.texts.len() as u32;
        self.texts.push(text.into());
        self.known_texts.insert(text.into(), idx);
        idx
    }

    /// A sorted set of texts.
    pub(crate) fn text_set(&mut self, mut texts: Vec<Box<str>>) -> u32 {
        texts.sort_unstable();
        texts.dedup();
        if let Some(idx) = self.text_sets.iter().position(|known| *known == texts) {
            return idx as u32;
        }
        self.text_sets.push(texts);
        self.text_sets.len() as u32 - 1
    }

    /// The constant that a node is, if it is one.
    pub(crate) fn constant(&self, id: NodeId) -> Option<Const> {
        match self.node(id).op {
            Op::Const(constant) => Some(constant),
            _ => None,
        }
    }
}

/// The nodes that a node uses, in the order in which they were written.
pub(crate) fn children(op: &Op) -> Vec<NodeId> {
    match op {
        Op::Const(_)
        | Op::Fact(_)
        | Op::Rows(_)
        | Op::Cell { .. }
        | Op::ElementText { .. }
        | Op::Window(_)
        | Op::Rate(..) => Vec::new(),
        Op::Not(a) | Op::Minus(a) | Op::Size(a) | Op::Has(a) | Op::Matches(a, _) | Op::InTexts(a, _) => vec![*a],
        Op::InValues(a, _) | Op::InList(a, _) => vec![*a],
        Op::All(all) | Op::Any(all) => all.to_vec(),
        Op::Choice(all) => all.to_vec(),
        Op::Compare(_, a, b) | Op::Arithmetic(_, a, b) | Op::Contains(a, b) => vec![*a, *b],
        Op::StartsWith(a, b) | Op::EndsWith(a, b) | Op::OrElse(a, b) | Op::InFact(a, b) => vec![*a, *b],
        Op::Exists { list, body, .. } | Op::Every { list, body, .. } | Op::Filter { list, body, .. } => {
            vec![*list, *body]
        }
    }
}

fn own_cost(op: &Op) -> u32 {
    match op {
        Op::Const(_) => 1,
        Op::Fact(_) | Op::Rows(_) | Op::Cell { .. } | Op::ElementText { .. } => 3,
        Op::Not(_) | Op::Minus(_) | Op::Has(_) | Op::OrElse(..) | Op::Size(_) | Op::Choice(_) => 3,
        Op::All(_) | Op::Any(_) | Op::Arithmetic(..) | Op::Exists { .. } | Op::Every { .. } | Op::Filter { .. } => 5,
        Op::Compare(..) | Op::StartsWith(..) | Op::EndsWith(..) | Op::InValues(..) => 8,
        Op::InTexts(..) | Op::InFact(..) => 30,
        Op::InList(..) => 60,
        Op::Contains(..) => 80,
        Op::Matches(..) => 120,
        Op::Window(_) | Op::Rate(..) => 200,
    }
}
