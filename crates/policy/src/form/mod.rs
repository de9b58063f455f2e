//! The common shapes of rules as forms: what is filled in becomes the text that a person would write, with tests that prove it.
//!
//! A form is bounded and typed ([`RuleForm`]); [`read()`] makes one of the fields that a page or a program sends, and says of each
//! field what is wrong with it. [`RuleForm::text`] writes the rule and its tests; it knows the files that the rule will stand beside,
//! because other rules may fire on the same events, and a test names all that do. What it returns has passed the checker.

mod proof;
mod read;
mod shape;
mod texts;

pub use read::{FIELDS, SHAPES, read};
pub use shape::{Known, Listed, SameThing, Shape, Span, Thing, Tier, Unit};
pub use texts::Pattern;

use crate::PolicyCode;
use crate::lang::source::Source;
use proof::Proof;

/// Something is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {what}")]
pub struct FormError {
    /// The field; empty, if it is about all of them.
    pub field: &'static str,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// A rule, filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleForm {
    /// What it is called.
    pub name: String,
    /// What it looks for.
    pub shape: Shape,
    /// What happens.
    pub then: Then,
    /// How grave it is: `low`, `medium`, `high` or `critical`.
    pub severity: &'static str,
    /// Who answers for it.
    pub owner: String,
    /// The day by which it is looked at again, such as `2027-05-01`.
    pub review: String,
    /// Whether it counts: `draft`, `shadow` or `live`.
    pub mode: &'static str,
    /// What people are told; without it, what the shape says.
    pub reason: Option<String>,
}

/// What happens by a rule of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// A person looks.
    Case {
        /// Where it waits.
        queue: String,
        /// The higher, the sooner.
        priority: u16,
    },
    /// It is made unavailable, and a person looks. Only for matches in confirmed banks.
    Restrict {
        /// The policy that it serves.
        policy: PolicyCode,
        /// Where the case waits.
        queue: String,
        /// The higher, the sooner.
        priority: u16,
    },
}

impl RuleForm {
    /// The most characters of the rule's name; names of its tests are longer.
    pub const NAME_LENGTH_MAX: usize = 48;
    /// The most characters of a queue's name.
    pub const QUEUE_LENGTH_MAX: usize = 40;
    /// The highest priority.
    pub const PRIORITY_MAX: u16 = 1_000;
    /// The most characters of an owner, a bank or a label.
    pub const WORDS_LENGTH_MAX: usize = 120;
    /// The most characters of a reason.
    pub const REASON_LENGTH_MAX: usize = 400;

    /// What is wrong with the fields; empty, if nothing is.
    pub fn errors(&self) -> Vec<FormError> {
        let mut errors = Vec::new();
        let mut say = |field, what: String| errors.push(FormError { field, what });
        if !is_name(&self.name, Self::NAME_LENGTH_MAX) {
            say("name", name_help(Self::NAME_LENGTH_MAX));
        }
        let (Then::Case { queue, priority } | Then::Restrict { queue, priority, .. }) = &self.then;
        if !is_word(queue, Self::QUEUE_LENGTH_MAX) {
            say("queue", name_help(Self::QUEUE_LENGTH_MAX));
        }
        if *priority > Self::PRIORITY_MAX {
            say("priority", format!("is 0 to {}", Self::PRIORITY_MAX));
        }
        if let Some(what) = wrong_words(&self.owner, Self::WORDS_LENGTH_MAX) {
            say("owner", what);
        }
        if crate::lang::source_time(&self.review).is_none_or(|(length, _)| length != self.review.len())
            || self.review.len() != 10
        {
            say("review", "is a day such as 2027-05-01".to_owned());
        }
        if let Some(what) = self
            .reason
            .as_deref()
            .and_then(|reason| wrong_words(reason, Self::REASON_LENGTH_MAX))
        {
            say("reason", what);
        }
        let may_restrict = matches!(&self.shape, Shape::Known(known) if known.tier == Tier::Match);
        if matches!(self.then, Then::Restrict { .. }) && !may_restrict {
            say(
                "then",
                "restricts only what matches in a confirmed bank: for everything else a person looks first".to_owned(),
            );
        }
        self.shape.errors(&mut say);
        errors
    }

    /// The rule and its tests as text, to stand in a file beside `others`: files that are checked together with it. It passes the checker
    /// and its own tests, and those say which rules of the others fire on the same events.
    pub fn text(&self, others: &[Source]) -> Result<String, Vec<FormError>> {
        let errors = self.errors();
        if !errors.is_empty() {
            return Err(errors);
        }
        let rule = self.rule();
        let mut proof = Proof::of(self);
        proof.run(&self.name, &rule, others).map_err(|error| vec![error])?;
        Ok(format!("{rule}\n{}", proof.text(self)))
    }

    fn rule(&self) -> String {
        let mut lines: Vec<(&str, String)> = Vec::new();
        if let Then::Restrict { policy, .. } = self.then {
            lines.push(("policy", policy.as_str().to_owned()));
        }
        lines.push(("when", self.shape.condition()));
        lines.push(("then", self.then.text()));
        let reason = match &self.reason {
            Some(reason) => reason.clone(),
            None => self.shape.reason(),
        };
        // What is filled in is not a template: a brace is a brace.
        lines.push(("reason", quoted(&reason.replace('{', "{{").replace('}', "}}"))));
        lines.push(("severity", self.severity.to_owned()));
        lines.push(("owner", quoted(&self.owner)));
        lines.push(("review", self.review.clone()));
        lines.push(("mode", self.mode.to_owned()));
        let lines = lines
            .iter()
            .map(|(key, value)| format!("  {:<9} {value}\n", format!("{key}:")));
        format!("rule {} {{\n{}}}\n", self.name, lines.collect::<String>())
    }
}

impl Then {
    fn text(&self) -> String {
        let case = |queue: &str, priority: u16| match priority {
            0 => format!("case {queue}"),
            _ => format!("case {queue} priority {priority}"),
        };
        match self {
            Then::Case { queue, priority } => case(queue, *priority),
            Then::Restrict { queue, priority, .. } => format!("restrict, {}", case(queue, *priority)),
        }
    }

    /// The outcome as tests name it.
    fn expected(&self) -> String {
        match self {
            Then::Case { queue, .. } => format!("case {queue}"),
            Then::Restrict { .. } => "restrict".to_owned(),
        }
    }
}

/// Words of the language that name nothing else.
const RESERVED: &[&str] = &[
    "at", "because", "false", "in", "let", "list", "nothing", "priority", "rule", "sample", "test", "then", "true",
    "unknown",
];
/// Names of facts: a list or a rule that is called so is taken for one of them.
const FACTS: &[&str] = &[
    "account", "channel", "item", "links", "matches", "media", "reports", "time",
];

/// Whether a rule or a list can be called so.
fn is_name(name: &str, length_max: usize) -> bool {
    is_word(name, length_max) && !FACTS.contains(&name)
}

/// Whether a queue can be called so.
fn is_word(name: &str, length_max: usize) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= length_max
        && name.chars().all(is_plain)
        && !RESERVED.contains(&name)
}

fn name_help(length_max: usize) -> String {
    format!("is 1 to {length_max} small letters, digits and `_`, begins with a letter, and is no word of the language")
}

/// What is wrong with a line of words, if anything is.
fn wrong_words(words: &str, length_max: usize) -> Option<String> {
    let n = words.chars().count();
    let is_blank = words.trim().is_empty();
    if is_blank || n > length_max || words.chars().any(char::is_control) {
        return Some(format!("is one line of 1 to {length_max} characters"));
    }
    None
}

/// A text as the language writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
