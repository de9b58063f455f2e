//! Expressions become nodes, with types. Each mistake is told once: what comes of it fits everywhere.

use super::{Compiler, Scope, Variable};
use crate::graph::{Const, NodeId, Op};
use crate::lang::ast::{BinaryOp, Constant, Expr, ExprKind, Name};
use crate::lang::source::{Span, nearest};
use crate::schema::{self, FACTS, LISTS};
use crate::value::Type;

/// How deeply definitions and expressions may stand in each other, all together.
const NESTED_MAX: u32 = 160;

impl Compiler<'_> {
    pub(super) fn expr(&mut self, expr: &Expr, scope: &Scope) -> NodeId {
        self.nested += 1;
        let node = if self.nested > NESTED_MAX {
            if self.nested == NESTED_MAX + 1 {
                self.error("too-deep", expr.span, "definitions stand in each other too deeply");
            }
            self.broken(expr.span)
        } else {
            self.expr_inner(expr, scope)
        };
        self.nested -= 1;
        node
    }

    fn expr_inner(&mut self, expr: &Expr, scope: &Scope) -> NodeId {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Constant(constant) => self.constant(constant, span),
            ExprKind::Name(_) | ExprKind::Select(..) => self.path(expr, scope),
            ExprKind::Call {
                target,
                function,
                arguments,
            } => self.call(target.as_deref(), function, arguments, span, scope),
            ExprKind::List(_) => {
                self.error("list-alone", span, "a list stands only to the right of `in`");
                self.broken(span)
            }
            ExprKind::Not(inner) => {
                let inner = self.typed(inner, Type::Bool, scope);
                self.not(inner, span)
            }
            ExprKind::Minus(inner) => {
                let node = self.expr(inner, scope);
                let ty = self.graph.node(node).ty;
                match (ty, self.graph.constant(node)) {
                    (_, Some(Const::Int(n))) => self.add(Op::Const(Const::Int(-n)), ty, span),
                    (_, Some(Const::Float(bits))) => {
                        let minus = (-f64::from_bits(bits)).to_bits();
                        self.add(Op::Const(Const::Float(minus)), ty, span)
                    }
                    (Type::Int | Type::Float | Type::Duration | Type::Broken, _) => self.add(Op::Minus(node), ty, span),
                    _ => {
                        self.error("type", span, format!("{ty} has no minus"));
                        self.broken(span)
                    }
                }
            }
            ExprKind::All(parts) => self.junction(true, parts, span, scope),
            ExprKind::Any(parts) => self.junction(false, parts, span, scope),
            ExprKind::Choice(parts) => {
                let condition = self.typed(&parts[0], Type::Bool, scope);
                let (yes, no) = (self.expr(&parts[1], scope), self.expr(&parts[2], scope));
                let (yes_ty, no_ty) = (self.graph.node(yes).ty, self.graph.node(no).ty);
                let ty = match (yes_ty, no_ty) {
                    (a, b) if a == b => a,
                    (Type::Broken, _) | (_, Type::Broken) => Type::Broken,
                    (Type::Word(_) | Type::Text, Type::Word(_) | Type::Text) => Type::Text,
                    (a, b) => {
                        self.error("type", span, format!("one side gives {a}, the other {b}"));
                        Type::Broken
                    }
                };
                self.add(Op::Choice([condition, yes, no]), ty, span)
            }
            ExprKind::Binary(op, sides) => self.binary(*op, &sides[0], &sides[1], span, scope),
        }
    }

    /// An expression of this type.
    pub(super) fn typed(&mut self, expr: &Expr, wanted: Type, scope: &Scope) -> NodeId {
        let node = self.expr(expr, scope);
        let ty = self.graph.node(node).ty;
        let fits = ty == wanted || ty == Type::Broken || (wanted == Type::Text && matches!(ty, Type::Word(_)));
        if fits {
            return node;
        }
        let help = match (wanted, ty) {
            (Type::Bool, Type::Rows(_) | Type::Texts) => Some("ask `.exists(x, …)`, or `.size() > 0`"),
            (Type::Bool, _) => Some("compare it with something: `==`, `<`, `in`"),
            (Type::Duration, Type::Int) => Some("give it a unit: 10min, 24h, 30d"),
            _ => None,
        };
        let diagnostic = self.error("type", expr.span, format!("this should be {wanted}, and is {ty}"));
        if let Some(help) = help {
            diagnostic.help(help);
        }
        self.broken(expr.span)
    }

    fn constant(&mut self, constant: &Constant, span: Span) -> NodeId {
        let (constant, ty) = match constant {
            Constant::Bool(b) => (Const::Bool(*b), Type::Bool),
            Constant::Int(n) => (Const::Int(*n), Type::Int),
            Constant::Float(x) => (Const::Float(x.to_bits()), Type::Float),
            Constant::Text(text) => (Const::Text(self.graph.text(text)), Type::Text),
            Constant::Duration(ms) => (Const::Duration(*ms), Type::Duration),
            Constant::Bits(n) => (Const::Bits(*n), Type::Bits),
            Constant::Time(ms) => (Const::Time(*ms), Type::Time),
        };
        self.add(Op::Const(constant), ty, span)
    }

    fn junction(&mut self, is_all: bool, parts: &[Expr], span: Span, scope: &Scope) -> NodeId {
        let mut nodes = Vec::with_capacity(parts.len());
        for part in parts {
            let node = self.typed(part, Type::Bool, scope);
            if nodes.contains(&node) && self.graph.node(node).ty != Type::Broken {
                self.warning("said-twice", part.span, "this condition stands here already")
                    .help("leave it out: it changes nothing");
                continue;
            }
            nodes.push(node);
        }
        // The cheap ones are asked first; those that need a window last. What is said does not depend on it.
        nodes.sort_by_key(|node| {
            let node = self.graph.node(*node);
            (node.is_stateful, node.cost)
        });
        if let [only] = nodes[..] {
            return only;
        }
        let nodes = nodes.into_boxed_slice();
        let op = if is_all { Op::All(nodes) } else { Op::Any(nodes) };
        self.add(op, Type::Bool, span)
    }

    fn not(&mut self, inner: NodeId, span: Span) -> NodeId {
        match self.graph.node(inner).op {
            Op::Not(double) => double,
            Op::Const(Const::Bool(b)) => self.add(Op::Const(Const::Bool(!b)), Type::Bool, span),
            _ => self.add(Op::Not(inner), Type::Bool, span),
        }
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, span: Span, scope: &Scope) -> NodeId {
        use BinaryOp::{Add, Divide, Equal, Multiply, NotEqual, Remainder, Subtract};
        if op == BinaryOp::In {
            return self.membership(left, right, span, scope);
        }
        let (a, b) = (self.expr(left, scope), self.expr(right, scope));
        let (ta, tb) = (self.graph.node(a).ty, self.graph.node(b).ty);
        if ta == Type::Broken || tb == Type::Broken {
            return self.broken(span);
        }
        match op {
            Add | Subtract | Multiply | Divide | Remainder => {
                let ty = match (op, ta, tb) {
                    (_, Type::Int, Type::Int) => Some(Type::Int),
                    (Add | Subtract | Multiply | Divide, Type::Float, Type::Float) => Some(Type::Float),
                    (Add | Subtract, Type::Duration, Type::Duration) => Some(Type::Duration),
                    (Add | Subtract, Type::Time, Type::Duration) | (Add, Type::Duration, Type::Time) => {
                        Some(Type::Time)
                    }
                    (Subtract, Type::Time, Type::Time) => Some(Type::Duration),
                    (Multiply | Divide, Type::Duration, Type::Int) => Some(Type::Duration),
                    (Add | Subtract, Type::Bits, Type::Bits) => Some(Type::Bits),
                    _ => None,
                };
                let Some(ty) = ty else {
                    let diagnostic = self.error(
                        "type",
                        span,
                        format!("`{}` does not go between {ta} and {tb}", op.as_str()),
                    );
                    if matches!((ta, tb), (Type::Int, Type::Float) | (Type::Float, Type::Int)) {
                        diagnostic.help("write the whole number with a point, `2.0`");
                    }
                    return self.broken(span);
                };
                self.add(Op::Arithmetic(op, a, b), ty, span)
            }
            _ => {
                let is_order = !matches!(op, Equal | NotEqual);
                let has_order = matches!(ta, Type::Int | Type::Float | Type::Time | Type::Duration | Type::Bits);
                if !ta.compares_with(tb) {
                    self.cannot_compare(op, ta, tb, span);
                    return self.broken(span);
                }
                if matches!(ta, Type::Rows(_) | Type::Texts | Type::Row(_)) || (is_order && !has_order) {
                    self.error(
                        "type",
                        span,
                        format!("`{}` does not go between {ta} and {tb}", op.as_str()),
                    );
                    return self.broken(span);
                }
                self.check_word(a, tb, left.span);
                self.check_word(b, ta, right.span);
                // One form for both ways of writing it, so that equal questions are one node.
                let (op, a, b) = match op {
                    BinaryOp::Greater => (BinaryOp::Less, b, a),
                    BinaryOp::GreaterOrEqual => (BinaryOp::LessOrEqual, b, a),
                    Equal | NotEqual if b < a => (op, b, a),
                    other => (other, a, b),
                };
                if op == NotEqual {
                    let equal = self.add(Op::Compare(Equal, a, b), Type::Bool, span);
                    return self.not(equal, span);
                }
                self.add(Op::Compare(op, a, b), Type::Bool, span)
            }
        }
    }

    fn cannot_compare(&mut self, op: BinaryOp, a: Type, b: Type, span: Span) {
        let help = match (a, b) {
            (Type::Duration, Type::Int | Type::Float) | (Type::Int | Type::Float, Type::Duration) => {
                Some("give the number a unit: 10min, 24h, 30d")
            }
            (Type::Bits, Type::Int) | (Type::Int, Type::Bits) => Some("give the number its unit: `31 bits`"),
            (Type::Time, Type::Text) | (Type::Text, Type::Time) => Some("a time is written without quotes: 2027-05-01"),
            (Type::Texts, Type::Text) | (Type::Text, Type::Texts) => Some("ask `\"a\" in list`"),
            _ => None,
        };
        let diagnostic = self.error(
            "type",
            span,
            format!("`{}` does not go between {a} and {b}", op.as_str()),
        );
        if let Some(help) = help {
            diagnostic.help(help);
        }
    }

    /// A word that can never be equal was likely mistyped.
    pub(super) fn check_word(&mut self, node: NodeId, other: Type, span: Span) {
        let (Some(Const::Text(idx)), Type::Word(words)) = (self.graph.constant(node), other) else {
            return;
        };
        let word = self.graph.texts[idx as usize].clone();
        if words.contains(&&*word) {
            return;
        }
        let help = nearest(&word, words.iter().copied()).map_or_else(
            || format!("the words are {}", words.join(", ")),
            |near| format!("was \"{near}\" meant?"),
        );
        self.error("unknown-word", span, format!("it is never \"{word}\""))
            .help(help);
    }

    fn membership(&mut self, left: &Expr, right: &Expr, span: Span, scope: &Scope) -> NodeId {
        let item = self.expr(left, scope);
        let ty = self.graph.node(item).ty;
        if let ExprKind::List(entries) = &right.kind {
            let mut texts = Vec::new();
            let mut values = Vec::new();
            for entry in entries {
                let node = self.expr(entry, scope);
                let entry_ty = self.graph.node(node).ty;
                if !ty.compares_with(entry_ty) {
                    self.cannot_compare(BinaryOp::In, ty, entry_ty, entry.span);
                    return self.broken(span);
                }
                self.check_word(node, ty, entry.span);
                match self.graph.constant(node) {
                    Some(Const::Text(idx)) => texts.push(self.graph.texts[idx as usize].clone()),
                    Some(constant) => values.push(constant),
                    None if entry_ty == Type::Broken => {}
                    None => {
                        self.error(
                            "not-constant",
                            entry.span,
                            "entries of a list are values, not questions",
                        )
                        .help("ask with `==` and `||`");
                    }
                }
            }
            if entries.is_empty() {
                self.warning("empty-list", right.span, "nothing is in an empty list");
            }
            if ty == Type::Broken {
                return self.broken(span);
            }
            if values.is_empty() && matches!(ty, Type::Text | Type::Word(_)) {
                let set = self.graph.text_set(texts);
                return self.add(Op::InTexts(item, set), Type::Bool, span);
            }
            return self.add(Op::InValues(item, values.into_boxed_slice()), Type::Bool, span);
        }
        if let ExprKind::Name(name) = &right.kind
            && let Some(list) = self.lists.get(name).copied()
        {
            self.lists_used.insert(name.clone());
            if !matches!(ty, Type::Text | Type::Word(_) | Type::Broken) {
                self.error("type", left.span, format!("a list holds texts, and this is {ty}"));
                return self.broken(span);
            }
            if let Some(set) = list.set {
                return self.add(Op::InTexts(item, set), Type::Bool, span);
            }
            return self.add(Op::InList(item, list.outside), Type::Bool, span);
        }
        let list = self.expr(right, scope);
        match self.graph.node(list).ty {
            Type::Texts if matches!(ty, Type::Text | Type::Word(_)) => {
                self.add(Op::InFact(item, list), Type::Bool, span)
            }
            Type::Broken => self.broken(span),
            other => {
                self.error(
                    "type",
                    right.span,
                    format!("`in` wants a list of texts here, and this is {other}"),
                );
                self.broken(span)
            }
        }
    }

    /// A fact, a definition, or a column of the row that a macro looks at.
    fn path(&mut self, expr: &Expr, scope: &Scope) -> NodeId {
        let span = expr.span;
        let Some(names) = path_names(expr) else {
            // A column of something that is not a plain name.
            self.error("no-column", span, "only a fact or a row of a list has parts");
            return self.broken(span);
        };
        let first = names[0];
        if let Some((_, variable)) = scope.variables.iter().rev().find(|(name, _)| name == first) {
            return self.variable(*variable, &names, span);
        }
        if names.len() == 1
            && let Some(node) = self.definition(first, span)
        {
            return node;
        }
        let dotted = names.join(".");
        if let Some(idx) = schema::fact(&dotted) {
            return self.add(Op::Fact(idx as u8), FACTS[idx].ty, span);
        }
        if let Some(idx) = schema::list(&dotted) {
            return self.add(Op::Rows(idx as u8), Type::Rows(idx as u8), span);
        }
        if let Some(idx) = schema::list(first).filter(|_| names.len() > 1) {
            let column = names[1];
            self.error("not-one", span, format!("`{first}` is a list; which of its rows?"))
                .help(format!(
                    "`{}.exists(x, x.{column} …)` asks whether any does",
                    LISTS[idx].name
                ));
            return self.broken(span);
        }
        if names.len() == 1 && self.lists.contains_key(first) {
            self.lists_used.insert(first.to_owned());
            self.error("list-alone", span, "a list stands only to the right of `in`");
            return self.broken(span);
        }
        let known = FACTS
            .iter()
            .map(|fact| fact.name)
            .chain(LISTS.iter().map(|list| list.name));
        let mut known: Vec<&str> = known.collect();
        known.extend(self.lets.keys().map(String::as_str));
        known.extend(scope.variables.iter().map(|(name, _)| name.as_str()));
        let near = nearest(&dotted, known).map(str::to_owned);
        let group: Vec<&str> = FACTS
            .iter()
            .map(|fact| fact.name)
            .filter(|name| name.starts_with(&format!("{first}.")))
            .collect();
        let diagnostic = self.error("unknown-name", span, format!("nothing is called `{dotted}`"));
        match near {
            Some(near) => diagnostic.help(format!("was `{near}` meant?")),
            None if !group.is_empty() => diagnostic.help(format!("there are {}", group.join(", "))),
            None => diagnostic.help("define it with `let`, or see the list of facts in the manual"),
        }
        self.broken(span)
    }

    fn variable(&mut self, variable: Variable, names: &[&str], span: Span) -> NodeId {
        match (variable, names) {
            (Variable::Row { list, depth }, [_, column]) => {
                if let Some(idx) = schema::column(list as usize, column) {
                    let ty = LISTS[list as usize].columns[idx].ty;
                    let op = Op::Cell {
                        list,
                        depth,
                        column: idx as u8,
                    };
                    return self.add(op, ty, span);
                }
                let columns: Vec<&str> = LISTS[list as usize].columns.iter().map(|field| field.name).collect();
                let help = nearest(column, columns.iter().copied()).map_or_else(
                    || format!("it has {}", columns.join(", ")),
                    |near| format!("was `{near}` meant?"),
                );
                let list = LISTS[list as usize].name;
                self.error("unknown-name", span, format!("a row of `{list}` has no `{column}`"))
                    .help(help);
                self.broken(span)
            }
            (Variable::Text { depth }, [_]) => self.add(Op::ElementText { depth }, Type::Text, span),
            (Variable::Row { list, .. }, [_]) => self.add(Op::Const(Const::Bool(false)), Type::Row(list), span),
            _ => {
                self.error("no-column", span, "this has no parts");
                self.broken(span)
            }
        }
    }

    pub(super) fn add(&mut self, op: Op, ty: Type, span: Span) -> NodeId {
        let file = self.file;
        self.graph.add(op, ty, file, span)
    }

    pub(super) fn broken(&mut self, span: Span) -> NodeId {
        self.add(Op::Const(Const::Bool(false)), Type::Broken, span)
    }
}

/// The names of `a.b.c`.
pub(super) fn path_names(expr: &Expr) -> Option<Vec<&str>> {
    match &expr.kind {
        ExprKind::Name(name) => Some(vec![name]),
        ExprKind::Select(inner, Name { text, .. }) => {
            let mut names = path_names(inner)?;
            names.push(text);
            Some(names)
        }
        _ => None,
    }
}
