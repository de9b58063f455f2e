//! Functions, macros over lists, and windows.

use super::{Compiler, Scope, Variable};
use crate::graph::{Const, NodeId, Op, Over, Window};
use crate::lang::ast::{Expr, ExprKind, Name};
use crate::lang::source::{Span, nearest};
use crate::value::Type;
use crate::window::{Refill, WITHIN_MS_MAX, WindowKind, WindowSpec, stable_id};

const METHODS: &[&str] = &[
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "size",
    "exists",
    "all",
    "filter",
    "or_else",
];
const FUNCTIONS: &[&str] = &[
    "has",
    "size",
    "count",
    "distinct",
    "sum",
    "rate",
    "first_seen",
    "since",
    "quota",
    "session",
];
/// Macros may stand in one another this deep: each costs a walk over a list.
const MACROS_MAX: usize = 2;
/// Most windows of a set of rules.
const WINDOWS_MAX: usize = 2_000;
/// The shortest window.
const WITHIN_MS_MIN: i64 = 1_000;

type Arguments = [(Option<Name>, Expr)];

impl Compiler<'_> {
    pub(super) fn call(
        &mut self,
        target: Option<&Expr>,
        function: &Name,
        arguments: &Arguments,
        span: Span,
        scope: &Scope,
    ) -> NodeId {
        let Some(target) = target else {
            return self.function(function, arguments, span, scope);
        };
        let plain: Vec<&Expr> = arguments.iter().map(|(_, argument)| argument).collect();
        match (function.text.as_str(), &plain[..]) {
            ("exists" | "all" | "filter", [variable, body]) => {
                self.macro_over(function, target, variable, body, span, scope)
            }
            ("contains" | "startsWith" | "endsWith", [argument]) => {
                let text = self.typed(target, Type::Text, scope);
                let part = self.typed(argument, Type::Text, scope);
                let op = match function.text.as_str() {
                    "contains" => Op::Contains(text, part),
                    "startsWith" => Op::StartsWith(text, part),
                    _ => Op::EndsWith(text, part),
                };
                self.add(op, Type::Bool, span)
            }
            ("matches", [pattern]) => self.matches(target, pattern, span, scope),
            ("size", []) => self.size(target, span, scope),
            ("or_else", [other]) => {
                let value = self.expr(target, scope);
                let ty = self.graph.node(value).ty;
                let other_node = self.expr(other, scope);
                let other_ty = self.graph.node(other_node).ty;
                if !ty.compares_with(other_ty) {
                    self.error("type", other.span, format!("this should be {ty}, and is {other_ty}"));
                }
                self.check_word(other_node, ty, other.span);
                self.add(Op::OrElse(value, other_node), ty, span)
            }
            (known, _) if METHODS.contains(&known) => {
                let help = match known {
                    "exists" | "all" | "filter" => "as in `matches.exists(m, m.confirmed)`",
                    "size" => "as in `links.size()`",
                    _ => "it takes one argument",
                };
                self.error("arguments", span, format!("`{known}` is not asked like this"))
                    .help(help);
                self.broken(span)
            }
            (unknown, _) => {
                let help = nearest(unknown, METHODS.iter().copied()).map_or_else(
                    || format!("there are {}", METHODS.join(", ")),
                    |near| format!("was `{near}` meant?"),
                );
                self.error(
                    "unknown-function",
                    function.span,
                    format!("nothing can be asked as `.{unknown}()`"),
                )
                .help(help);
                self.broken(span)
            }
        }
    }

    fn function(&mut self, function: &Name, arguments: &Arguments, span: Span, scope: &Scope) -> NodeId {
        match (function.text.as_str(), arguments) {
            ("has", [(None, inner)]) => {
                let inner = self.expr(inner, scope);
                self.add(Op::Has(inner), Type::Bool, span)
            }
            ("size", [(None, inner)]) => self.size(inner, span, scope),
            ("count" | "distinct" | "sum" | "rate" | "first_seen" | "since" | "quota" | "session", _) => {
                self.window(function, arguments, span, scope)
            }
            (known, _) if FUNCTIONS.contains(&known) => {
                self.error("arguments", span, format!("`{known}` takes one argument"));
                self.broken(span)
            }
            (unknown, _) => {
                let help = nearest(unknown, FUNCTIONS.iter().copied()).map_or_else(
                    || format!("there are {}", FUNCTIONS.join(", ")),
                    |near| format!("was `{near}` meant?"),
                );
                self.error(
                    "unknown-function",
                    function.span,
                    format!("no function is called `{unknown}`"),
                )
                .help(help);
                self.broken(span)
            }
        }
    }

    fn size(&mut self, inner: &Expr, span: Span, scope: &Scope) -> NodeId {
        let inner_node = self.expr(inner, scope);
        match self.graph.node(inner_node).ty {
            Type::Rows(_) | Type::Texts | Type::Text | Type::Word(_) | Type::Broken => {
                self.add(Op::Size(inner_node), Type::Int, span)
            }
            ty => {
                self.error("type", inner.span, format!("{ty} has no size"));
                self.broken(span)
            }
        }
    }

    fn matches(&mut self, target: &Expr, pattern: &Expr, span: Span, scope: &Scope) -> NodeId {
        let text = self.typed(target, Type::Text, scope);
        let node = self.typed(pattern, Type::Text, scope);
        let Some(Const::Text(idx)) = self.graph.constant(node) else {
            if self.graph.node(node).ty != Type::Broken {
                self.error(
                    "not-constant",
                    pattern.span,
                    "a pattern stands in the rules, not in what they judge",
                );
            }
            return self.broken(span);
        };
        let source = self.graph.texts[idx as usize].clone();
        match self.patterns.add(&source) {
            Ok(pattern) => self.add(Op::Matches(text, pattern), Type::Bool, span),
            Err(bad) => {
                let reason = bad.0;
                self.error("pattern", pattern.span, format!("this pattern does not work: {reason}"))
                    .help("patterns run in linear time: there is no looking around and no \\1");
                self.broken(span)
            }
        }
    }

    fn macro_over(
        &mut self,
        function: &Name,
        target: &Expr,
        variable: &Expr,
        body: &Expr,
        span: Span,
        scope: &Scope,
    ) -> NodeId {
        let list = self.expr(target, scope);
        let list_ty = self.graph.node(list).ty;
        let depth = scope.variables.len();
        let ExprKind::Name(name) = &variable.kind else {
            self.error("arguments", variable.span, "here stands a new name, such as `x`");
            return self.broken(span);
        };
        if depth >= MACROS_MAX {
            self.error(
                "too-deep",
                span,
                format!("at most {MACROS_MAX} of these stand in each other"),
            );
            return self.broken(span);
        }
        let depth = depth as u8;
        let variable = match list_ty {
            Type::Rows(list) => Variable::Row { list, depth },
            Type::Texts => Variable::Text { depth },
            Type::Broken => return self.broken(span),
            ty => {
                self.error(
                    "type",
                    target.span,
                    format!("only a list has entries, and this is {ty}"),
                );
                return self.broken(span);
            }
        };
        let mut inner = scope.clone();
        inner.variables.push((name.clone(), variable));
        inner.lists.push(list);
        let body = self.typed(body, Type::Bool, &inner);
        let (op, ty) = match function.text.as_str() {
            "exists" => (Op::Exists { list, depth, body }, Type::Bool),
            "all" => (Op::Every { list, depth, body }, Type::Bool),
            _ if self.graph.node(body).is_stateful => {
                self.error("window-in-filter", span, "a filter does not ask windows")
                    .help("ask with `.exists(x, …)`");
                return self.broken(span);
            }
            _ => (Op::Filter { list, depth, body }, list_ty),
        };
        if matches!(op, Op::Filter { .. }) && list_ty == Type::Texts {
            self.error(
                "type",
                span,
                "only rows are filtered; ask a list of texts with `.exists(x, …)`",
            );
            return self.broken(span);
        }
        self.add(op, ty, span)
    }

    fn window(&mut self, function: &Name, arguments: &Arguments, span: Span, scope: &Scope) -> NodeId {
        let name = function.text.as_str();
        let wants_value = matches!(name, "distinct" | "sum");
        let mut value = None;
        let mut keys = Vec::new();
        let mut only = None;
        let mut durations: Vec<(&str, i64)> = Vec::new();
        let mut numbers: Vec<(&str, i64)> = Vec::new();
        let mut is_strict = false;
        for (argument_name, argument) in arguments {
            let Some(argument_name) = argument_name else {
                if !wants_value || value.is_some() {
                    self.error(
                        "arguments",
                        argument.span,
                        format!("`{name}` takes only arguments with names"),
                    )
                    .help("as in `count(by: account.id, within: 10min)`");
                    return self.broken(span);
                }
                value = Some(self.expr(argument, scope));
                continue;
            };
            match argument_name.text.as_str() {
                "by" => keys.push(self.key(argument, scope)),
                "where" => only = Some(self.typed(argument, Type::Bool, scope)),
                length @ ("within" | "ago" | "per" | "every") => {
                    let node = self.typed(argument, Type::Duration, scope);
                    match self.graph.constant(node) {
                        Some(Const::Duration(ms)) => durations.push((length, ms)),
                        _ if self.graph.node(node).ty == Type::Broken => return self.broken(span),
                        _ => {
                            self.error(
                                "not-constant",
                                argument.span,
                                "how long is written down, not worked out",
                            );
                            return self.broken(span);
                        }
                    }
                }
                number @ ("max" | "refill" | "take") => {
                    let node = self.typed(argument, Type::Int, scope);
                    match self.graph.constant(node) {
                        Some(Const::Int(n)) if (1..=1_000_000).contains(&n) => numbers.push((number, n)),
                        _ => {
                            self.error("arguments", argument.span, "this is a whole number from 1 to 1,000,000");
                            return self.broken(span);
                        }
                    }
                }
                "strict" => {
                    let node = self.typed(argument, Type::Bool, scope);
                    is_strict = self.graph.constant(node) == Some(Const::Bool(true));
                }
                other => {
                    let known = [
                        "by", "within", "where", "ago", "per", "max", "every", "refill", "take", "strict",
                    ];
                    let help = nearest(other, known).map_or_else(
                        || format!("there are {}", known.join(", ")),
                        |near| format!("was `{near}` meant?"),
                    );
                    let at = argument_name.span;
                    self.error("arguments", at, format!("a window has no `{other}`"))
                        .help(help);
                    return self.broken(span);
                }
            }
        }
        let duration = |wanted: &str| durations.iter().find(|(name, _)| *name == wanted).map(|(_, ms)| *ms);
        let number = |wanted: &str| numbers.iter().find(|(name, _)| *name == wanted).map(|(_, n)| *n as i32);
        let allowed: &[&str] = match name {
            "count" | "distinct" | "sum" => &["within", "ago"],
            "rate" => &["within", "per"],
            "first_seen" | "since" => &["within"],
            _ => &["every", "max", "refill", "take"],
        };
        let given = durations
            .iter()
            .map(|(name, _)| *name)
            .chain(numbers.iter().map(|(name, _)| *name));
        let mut wrong = given.filter(|given| !allowed.contains(given));
        let wrong = wrong.next().map(str::to_owned);
        let (kind, ty) = match name {
            "count" | "rate" => (WindowKind::Count, Type::Int),
            "distinct" => (WindowKind::Distinct, Type::Int),
            "sum" => (WindowKind::Sum, Type::Int),
            "first_seen" => (WindowKind::FirstSeen, Type::Time),
            "since" => (WindowKind::Since, Type::Duration),
            _ => {
                let max = number("max").unwrap_or(1);
                let refill = Refill {
                    max,
                    every_ms: duration("every").unwrap_or(0),
                    amount: number("refill").unwrap_or(max),
                    take: number("take").unwrap_or(1),
                    is_strict,
                };
                if name == "quota" {
                    (WindowKind::Quota(refill), Type::Int)
                } else {
                    (WindowKind::Session(refill), Type::Duration)
                }
            }
        };
        let missing = match (name, kind) {
            ("distinct" | "sum", _) if value.is_none() => Some("a value first, as in `distinct(account.id, by: …)`"),
            (_, _) if keys.is_empty() => Some("`by:`, the key that it is kept for"),
            ("count" | "distinct" | "sum" | "rate", _) if duration("within").is_none() => Some("`within:`, how long"),
            ("rate", _) if duration("per").is_none() => Some("`per:`, as in `per: 1h`"),
            (_, WindowKind::Quota(refill) | WindowKind::Session(refill)) if refill.every_ms == 0 => {
                Some("`every:`, how often it is refilled")
            }
            _ => None,
        };
        if let Some(missing) = missing {
            self.error("arguments", span, format!("`{name}` lacks {missing}"));
            return self.broken(span);
        }
        if let Some(wrong) = wrong {
            self.error("arguments", span, format!("`{name}` has no `{wrong}`"));
            return self.broken(span);
        }
        let within_ms = match kind {
            WindowKind::FirstSeen => WITHIN_MS_MAX,
            WindowKind::Since => duration("within").unwrap_or(WITHIN_MS_MAX),
            WindowKind::Quota(refill) | WindowKind::Session(refill) => refill.every_ms,
            _ => duration("within").unwrap_or(0),
        };
        let ago_ms = duration("ago").unwrap_or(0);
        let per_ms = duration("per").unwrap_or(WITHIN_MS_MIN);
        let in_range = (WITHIN_MS_MIN..=WITHIN_MS_MAX).contains(&within_ms);
        if !in_range || ago_ms > WITHIN_MS_MAX || per_ms < WITHIN_MS_MIN {
            self.error("window-length", span, "a window is between 1s and 400d long");
            return self.broken(span);
        }
        if let Some(node) = value {
            let ty = self.graph.node(node).ty;
            let is_right = match kind {
                WindowKind::Sum => matches!(ty, Type::Int),
                _ => matches!(ty, Type::Text | Type::Word(_) | Type::Int | Type::Bool),
            };
            if !is_right && ty != Type::Broken {
                let at = self.graph.node(node).span;
                self.error("type", at, format!("`{name}` does not work on {ty}"));
                return self.broken(span);
            }
        }
        let inside: Vec<NodeId> = keys.iter().copied().chain(value).chain(only).collect();
        if inside.iter().any(|node| self.graph.node(*node).ty == Type::Broken) {
            return self.broken(span);
        }
        if inside.iter().any(|node| self.graph.node(*node).is_stateful) {
            self.error(
                "window-in-window",
                span,
                "a window is not kept by what another window says",
            );
            return self.broken(span);
        }
        let vars = inside.iter().fold(0, |vars, node| vars | self.graph.node(*node).vars);
        let over = match vars {
            0 => None,
            1 | 2 => {
                let depth = (vars - 1).min(1);
                let list = scope.lists[depth as usize];
                Some(Over { list, depth })
            }
            _ => {
                self.error("two-rows", span, "a window looks at one row, not at rows of two lists");
                return self.broken(span);
            }
        };
        if over.is_some_and(|over| self.graph.node(over.list).vars != 0) {
            self.error("two-rows", span, "a window looks at rows of a list of the event");
            return self.broken(span);
        }
        let text = self.window_text(&kind, within_ms, ago_ms, &keys, value, only, over);
        let spec = WindowSpec {
            id: stable_id(&text),
            kind,
            within_ms,
            ago_ms,
            text: self.sources[self.file]
                .at(span)
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        };
        let known = self.graph.windows.iter().position(|known| known.spec.id == spec.id);
        let window = known.unwrap_or_else(|| {
            self.graph.windows.push(Window {
                spec,
                over,
                keys,
                value,
                only,
            });
            self.graph.windows.len() - 1
        });
        if window >= WINDOWS_MAX {
            self.error("too-many", span, format!("more than {WINDOWS_MAX} windows"));
            return self.broken(span);
        }
        match name {
            "rate" => self.add(Op::Rate(window as u32, per_ms), Type::Float, span),
            _ => self.add(Op::Window(window as u32), ty, span),
        }
    }

    fn key(&mut self, expr: &Expr, scope: &Scope) -> NodeId {
        let node = self.expr(expr, scope);
        match self.graph.node(node).ty {
            Type::Text | Type::Word(_) | Type::Int | Type::Bool | Type::Broken => node,
            ty => {
                self.error("type", expr.span, format!("nothing is kept by {ty}"))
                    .help("a key is a text, such as `account.id`");
                self.broken(expr.span)
            }
        }
    }
}
