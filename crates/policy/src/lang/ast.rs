//! What stands in a file of rules, as a tree that remembers its places. Nothing is resolved yet.

use super::source::Span;

/// A name with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A file.
#[derive(Debug, Clone, Default)]
pub struct File {
    /// `let`.
    pub lets: Vec<Let>,
    /// `list`.
    pub lists: Vec<List>,
    /// `rule`.
    pub rules: Vec<Rule>,
    /// `test`.
    pub tests: Vec<Test>,
}

/// `let young = account.age < 24h`
#[derive(Debug, Clone)]
pub struct Let {
    /// Its name.
    pub name: Name,
    /// What it stands for.
    pub value: Expr,
}

/// `list shorteners = ["a.example", "b.example"]`, or `list bad_links` for one that is kept outside.
#[derive(Debug, Clone)]
pub struct List {
    /// Its name.
    pub name: Name,
    /// Its entries; none if it is kept outside.
    pub entries: Option<Vec<(String, Span)>>,
}

/// A rule. What is missing is for the checker to say.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub name: Name,
    /// Kinds of items that it is about.
    pub on: Vec<Name>,
    /// A policy, or the fact that names one.
    pub policy: Option<Expr>,
    /// The condition.
    pub when: Option<Expr>,
    /// What happens.
    pub then: Vec<Outcome>,
    /// The template.
    pub reason: Option<(String, Span)>,
    /// How grave it is.
    pub severity: Option<Name>,
    /// Who answers for it.
    pub owner: Option<(String, Span)>,
    /// When it has to be looked at again, in milliseconds.
    pub review: Option<(i64, Span)>,
    /// When it ends, in milliseconds.
    pub expires: Option<(i64, Span)>,
    /// Whether it counts.
    pub mode: Option<Mode>,
    /// The least share of its findings that people have to confirm.
    pub floor: Option<(f64, Span)>,
    /// What happens when it suddenly fires far more often: `suspend` or `keep`.
    pub surge: Option<Name>,
    /// All of it.
    pub span: Span,
}

/// `live 10%`
#[derive(Debug, Clone)]
pub struct Mode {
    /// `draft`, `shadow` or `live`.
    pub word: Name,
    /// All that stands behind `mode:`.
    pub span: Span,
    /// Of the traffic, from 0 to 1.
    pub share: Option<(f64, Span)>,
}

/// `case links priority 50`, `restrict 24h`, `label account spammer 30d`, `allow`
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The first word.
    pub verb: Name,
    /// The other words.
    pub words: Vec<Name>,
    /// The number, if there is one.
    pub number: Option<(i64, Span)>,
    /// How long, if it says.
    pub duration_ms: Option<(i64, Span)>,
    /// All of it.
    pub span: Span,
}

/// A test that an author wrote.
#[derive(Debug, Clone)]
pub struct Test {
    /// Its name.
    pub name: Name,
    /// What comes in, and what is expected, in order.
    pub steps: Vec<Step>,
    /// `sample "benign.jsonl" never shared_link`
    pub samples: Vec<Sample>,
    /// From its name to its closing bracket.
    pub span: Span,
}

/// `at 2min { account.id: "a" } -> shared_link`
#[derive(Debug, Clone)]
pub struct Step {
    /// When, in milliseconds; since the test's beginning if it is a span of time.
    pub at_ms: i64,
    /// The facts.
    pub facts: Vec<(Name, Literal)>,
    /// What is expected; nothing is checked without it.
    pub expected: Option<Expected>,
    /// All of it.
    pub span: Span,
}

/// What a step expects.
#[derive(Debug, Clone)]
pub struct Expected {
    /// `nothing`, `unknown RULE`, or rules that fire.
    pub fired: Vec<Name>,
    /// Rules that could not be decided.
    pub unknown: Vec<Name>,
    /// The outcome, if it is named: `by case links`.
    pub outcome: Option<Outcome>,
    /// A part of the reason.
    pub because: Option<(String, Span)>,
    /// All of it.
    pub span: Span,
}

/// A property over a file of events.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The file of events, beside the rules.
    pub file: (String, Span),
    /// Rules that never fire on it.
    pub never: Vec<Name>,
}

/// A value in a test.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A truth value, number, text, time or span of time.
    Plain(Constant, Span),
    /// A list.
    List(Vec<Literal>, Span),
    /// A row of a list of rows.
    Row(Vec<(Name, Literal)>, Span),
}

/// A value that stands in the text.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// `true`
    Bool(bool),
    /// `3`
    Int(i64),
    /// `0.5`, `10%`
    Float(f64),
    /// `"a"`
    Text(String),
    /// `24h`, in milliseconds
    Duration(i64),
    /// `31 bits`
    Bits(i64),
    /// `2027-05-01`, in milliseconds
    Time(i64),
}

/// An expression.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
    /// How many expressions it holds in each other.
    pub depth: u16,
}

/// Kinds of expressions.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A value.
    Constant(Constant),
    /// A name.
    Name(String),
    /// `a.b`
    Select(Box<Expr>, Name),
    /// `f(a, by: b)` or `x.f(a)`
    Call {
        /// What stands before the dot.
        target: Option<Box<Expr>>,
        /// The function.
        function: Name,
        /// The arguments, some with a name.
        arguments: Vec<(Option<Name>, Expr)>,
    },
    /// `[a, b]`
    List(Vec<Expr>),
    /// `!a`
    Not(Box<Expr>),
    /// `-a`
    Minus(Box<Expr>),
    /// `a && b && c`
    All(Vec<Expr>),
    /// `a || b || c`
    Any(Vec<Expr>),
    /// `a ? b : c`
    Choice(Box<[Expr; 3]>),
    /// `a < b`, `a + b`, `a in b`
    Binary(BinaryOp, Box<[Expr; 2]>),
}

/// Operators between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `in`
    In,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

impl BinaryOp {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}
