//! Expressions, by the strength of their operators (Pratt): CEL's grammar without maps, messages and optional values.

use super::ast::{BinaryOp, Expr, ExprKind, Name};
use super::lexer::Token;
use super::parser::{DEPTH_MAX, LIST_ENTRIES_MAX, Parsed, Parser, Stop};
use super::source::Span;

/// Most operands of one `&&` or `||`.
const OPERANDS_MAX: usize = 1_000;
/// Most arguments of a call.
const ARGUMENTS_MAX: usize = 16;

const CHOICE: u8 = 1;
const ANY: u8 = 2;
const ALL: u8 = 3;
const COMPARE: u8 = 4;
const SUM: u8 = 5;
const PRODUCT: u8 = 6;

impl Parser<'_> {
    /// An expression whose operators bind at least as strongly as `least`.
    pub(super) fn expression(&mut self, least: u8) -> Parsed<Expr> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.too_deep();
        }
        let mut left = self.unary()?;
        while let Some((strength, op)) = self.operator() {
            if strength < least || strength == 0 {
                break;
            }
            let op_span = self.span();
            self.advance();
            left = match strength {
                CHOICE => {
                    let yes = self.expression(ANY)?;
                    self.sign(":")?;
                    let no = self.expression(CHOICE)?;
                    self.node(left.span.to(no.span), ExprKind::Choice(Box::new([left, yes, no])))?
                }
                ANY | ALL => {
                    let right = self.expression(strength + 1)?;
                    let span = left.span.to(right.span);
                    let mut operands = match left {
                        // A chain, not one that stands in brackets: those span one sign more.
                        Expr {
                            kind: ExprKind::Any(operands),
                            ..
                        } if strength == ANY => operands,
                        Expr {
                            kind: ExprKind::All(operands),
                            ..
                        } if strength == ALL => operands,
                        other => vec![other],
                    };
                    operands.push(right);
                    if operands.len() > OPERANDS_MAX {
                        self.error(
                            "too-many",
                            op_span,
                            format!("more than {OPERANDS_MAX} conditions in a row"),
                        )
                        .help("a list says it shorter: `x in [\"a\", \"b\"]`");
                        return Err(Stop);
                    }
                    let kind = if strength == ANY {
                        ExprKind::Any(operands)
                    } else {
                        ExprKind::All(operands)
                    };
                    self.node(span, kind)?
                }
                _ => {
                    let right = self.expression(strength + 1)?;
                    if strength == COMPARE && self.operator().is_some_and(|(next, _)| next == COMPARE) {
                        let span = self.span();
                        self.error(
                            "chained-comparison",
                            span,
                            "comparisons do not follow one another".to_owned(),
                        )
                        .help("write `a < b && b < c`");
                        return Err(Stop);
                    }
                    // Unwrap safety: every operator but the ones above has an entry in the table of `operator`.
                    let op = op.unwrap_or(BinaryOp::Equal);
                    self.node(left.span.to(right.span), ExprKind::Binary(op, Box::new([left, right])))?
                }
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operator(&self) -> Option<(u8, Option<BinaryOp>)> {
        if self.word() == Some("in") {
            return Some((COMPARE, Some(BinaryOp::In)));
        }
        let Token::Sign(sign) = self.token() else {
            return None;
        };
        Some(match *sign {
            "?" => (CHOICE, None),
            "||" => (ANY, None),
            "&&" => (ALL, None),
            "==" => (COMPARE, Some(BinaryOp::Equal)),
            "!=" => (COMPARE, Some(BinaryOp::NotEqual)),
            "<" => (COMPARE, Some(BinaryOp::Less)),
            "<=" => (COMPARE, Some(BinaryOp::LessOrEqual)),
            ">" => (COMPARE, Some(BinaryOp::Greater)),
            ">=" => (COMPARE, Some(BinaryOp::GreaterOrEqual)),
            "+" => (SUM, Some(BinaryOp::Add)),
            "-" => (SUM, Some(BinaryOp::Subtract)),
            "*" => (PRODUCT, Some(BinaryOp::Multiply)),
            "/" => (PRODUCT, Some(BinaryOp::Divide)),
            "%" => (PRODUCT, Some(BinaryOp::Remainder)),
            _ => return None,
        })
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let span = self.span();
        let is_not = self.take("!");
        if !is_not && !self.take("-") {
            return self.member();
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.too_deep();
        }
        let inner = self.unary()?;
        self.depth -= 1;
        let span = span.to(inner.span);
        let inner = Box::new(inner);
        self.node(
            span,
            if is_not {
                ExprKind::Not(inner)
            } else {
                ExprKind::Minus(inner)
            },
        )
    }

    fn member(&mut self) -> Parsed<Expr> {
        let mut left = self.primary()?;
        while self.take(".") {
            let name = self.name("the name of a fact or a function")?;
            let span = left.span.to(name.span);
            left = if self.take("(") {
                let arguments = self.arguments()?;
                let span = left.span.to(self.last_span());
                let call = ExprKind::Call {
                    target: Some(Box::new(left)),
                    function: name,
                    arguments,
                };
                self.node(span, call)?
            } else {
                self.node(span, ExprKind::Select(Box::new(left), name))?
            };
        }
        if matches!(self.token(), Token::Sign("[")) {
            let span = self.span();
            self.error("no-index", span, "an entry of a list has no number here".to_owned())
                .help("ask for any with `.exists(x, …)`, for every with `.all(x, …)`");
            return Err(Stop);
        }
        Ok(left)
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let span = self.span();
        match self.token().clone() {
            Token::Value(constant) => {
                self.advance();
                self.node(span, ExprKind::Constant(constant))
            }
            Token::Word => {
                let name = self.name("a name")?;
                match name.text.as_str() {
                    "true" | "false" => {
                        let constant = super::ast::Constant::Bool(name.text == "true");
                        return self.node(span, ExprKind::Constant(constant));
                    }
                    "null" => {
                        self.error(
                            "no-null",
                            span,
                            "there is no null: what is missing is unknown".to_owned(),
                        )
                        .help("ask with `has(x)` whether it is known");
                        return Err(Stop);
                    }
                    _ => {}
                }
                if self.take("(") {
                    let arguments = self.arguments()?;
                    let span = span.to(self.last_span());
                    let call = ExprKind::Call {
                        target: None,
                        function: name,
                        arguments,
                    };
                    return self.node(span, call);
                }
                self.node(span, ExprKind::Name(name.text))
            }
            Token::Sign("(") => {
                self.advance();
                let inner = self.expression(0)?;
                self.sign(")")?;
                Ok(inner)
            }
            Token::Sign("[") => {
                self.advance();
                let mut entries = Vec::new();
                while !self.take("]") {
                    entries.push(self.expression(0)?);
                    if entries.len() > LIST_ENTRIES_MAX {
                        self.error(
                            "list-too-long",
                            span,
                            format!("a list here has at most {LIST_ENTRIES_MAX} entries"),
                        )
                        .help("keep it outside: `list NAME`");
                        return Err(Stop);
                    }
                    if !self.take(",") {
                        self.sign("]")?;
                        break;
                    }
                }
                self.node(span.to(self.last_span()), ExprKind::List(entries))
            }
            Token::Sign("{") => {
                self.error("no-maps", span, "there are no maps here".to_owned());
                Err(Stop)
            }
            _ => self.expected("a value, a fact or a function"),
        }
    }

    fn arguments(&mut self) -> Parsed<Vec<(Option<Name>, Expr)>> {
        let mut arguments = Vec::new();
        while !self.take(")") {
            let name = if *self.token() == Token::Word && self.is_next(":") {
                let name = self.name("a name")?;
                self.advance();
                Some(name)
            } else {
                None
            };
            arguments.push((name, self.expression(0)?));
            if arguments.len() > ARGUMENTS_MAX {
                return self.expected("fewer arguments");
            }
            if !self.take(",") {
                self.sign(")")?;
                break;
            }
        }
        Ok(arguments)
    }

    fn node(&mut self, span: Span, kind: ExprKind) -> Parsed<Expr> {
        let inner = match &kind {
            ExprKind::Constant(_) | ExprKind::Name(_) => 0,
            ExprKind::Select(inner, _) | ExprKind::Not(inner) | ExprKind::Minus(inner) => inner.depth,
            ExprKind::Call { target, arguments, .. } => {
                let target = target.as_ref().map_or(0, |target| target.depth);
                arguments
                    .iter()
                    .fold(target, |depth, (_, argument)| depth.max(argument.depth))
            }
            ExprKind::List(inner) | ExprKind::All(inner) | ExprKind::Any(inner) => {
                inner.iter().map(|expr| expr.depth).max().unwrap_or(0)
            }
            ExprKind::Choice(inner) => inner.iter().map(|expr| expr.depth).max().unwrap_or(0),
            ExprKind::Binary(_, inner) => inner[0].depth.max(inner[1].depth),
        };
        // A chain `a + b + c` is read in a loop, and is as deep as it is long.
        if inner >= DEPTH_MAX {
            self.error(
                "too-deep",
                span,
                format!("more than {DEPTH_MAX} expressions stand in each other"),
            )
            .help("give a part a name with `let`");
            return Err(Stop);
        }
        Ok(Expr {
            kind,
            span,
            depth: inner + 1,
        })
    }

    fn too_deep<T>(&mut self) -> Parsed<T> {
        let span = self.span();
        self.error(
            "too-deep",
            span,
            format!("more than {DEPTH_MAX} expressions stand in each other"),
        )
        .help("give a part a name with `let`");
        Err(Stop)
    }
}
