//! A form from the texts of its fields: what a page or a program sends. Every error names its field.

use super::shape::{Known, Listed, SameThing, Shape, Span, Thing, Tier, Unit};
use super::texts::Pattern;
use super::{FormError, RuleForm, Then};
use crate::PolicyCode;

/// The shapes, as the field `shape` names them.
pub const SHAPES: &[&str] = &[
    "same_thing",
    "many_items",
    "known",
    "words",
    "pattern",
    "listed",
    "reported_and_seen",
];

/// All fields of all shapes; a span of time is two fields, the second with `_unit` at its end.
pub const FIELDS: &[&str] = &[
    "shape",
    "name",
    "then",
    "queue",
    "priority",
    "policy",
    "severity",
    "owner",
    "review",
    "mode",
    "reason",
    "accounts",
    "thing",
    "within",
    "within_unit",
    "younger",
    "younger_unit",
    "more_than",
    "bank",
    "label",
    "tier",
    "words",
    "pattern",
    "example",
    "other",
    "listed",
    "list",
    "views",
];

const SEVERITIES: [&str; 4] = ["low", "medium", "high", "critical"];
const MODES: [&str; 3] = ["draft", "shadow", "live"];

/// Reads a form; `get` gives the text of a field, empty if it was not sent.
pub fn read<'a>(get: impl Fn(&str) -> &'a str) -> Result<RuleForm, Vec<FormError>> {
    let mut reader = Reader {
        get,
        errors: Vec::new(),
    };
    let form = reader.form();
    let mut errors = reader.errors;
    // What could not be read at all is not looked at again.
    for error in form.errors() {
        if errors.iter().all(|known| known.field != error.field) {
            errors.push(error);
        }
    }
    if errors.is_empty() { Ok(form) } else { Err(errors) }
}

struct Reader<G> {
    get: G,
    errors: Vec<FormError>,
}

impl<'a, G: Fn(&str) -> &'a str> Reader<G> {
    fn form(&mut self) -> RuleForm {
        let shape = self.shape();
        let queue = self.text("queue");
        let priority = self.number("priority", RuleForm::PRIORITY_MAX.into());
        let priority = u16::try_from(priority).unwrap_or(u16::MAX);
        let then = match self.one_of("then", &["case", "restrict"]) {
            "restrict" => Then::Restrict {
                policy: self.policy(),
                queue,
                priority,
            },
            _ => Then::Case { queue, priority },
        };
        RuleForm {
            name: self.text("name"),
            shape,
            then,
            severity: self.one_of("severity", &SEVERITIES),
            owner: self.text("owner"),
            review: self.text("review"),
            mode: self.one_of("mode", &MODES),
            reason: self.optional("reason"),
        }
    }

    fn shape(&mut self) -> Shape {
        match self.one_of("shape", SHAPES) {
            "many_items" => Shape::ManyItems {
                more_than: self.number("more_than", Shape::COUNT_MAX),
                within: self.span("within", "within_unit"),
            },
            "known" => Shape::Known(Known {
                bank: self.optional("bank"),
                label: self.optional("label"),
                tier: match self.one_of("tier", &["match", "lead", "any"]) {
                    "lead" => Tier::Lead,
                    "any" => Tier::Any,
                    _ => Tier::Match,
                },
            }),
            "words" => {
                let lines = (self.get)("words").lines().map(str::trim);
                Shape::Words(lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
            }
            "pattern" => Shape::Pattern(Pattern {
                pattern: self.text("pattern"),
                example: (self.get)("example").to_owned(),
                other: (self.get)("other").to_owned(),
            }),
            "listed" => Shape::Listed {
                what: match self.one_of("listed", &["link", "host", "account"]) {
                    "host" => Listed::Host,
                    "account" => Listed::Account,
                    _ => Listed::Link,
                },
                list: self.text("list"),
            },
            "reported_and_seen" => Shape::ReportedAndSeen {
                views: self.number("views", Shape::VIEWS_MAX),
            },
            _ => Shape::SameThing(SameThing {
                accounts: self.number("accounts", Shape::COUNT_MAX),
                thing: match self.one_of("thing", &["link", "host", "text", "entry"]) {
                    "host" => Thing::Host,
                    "text" => Thing::Text,
                    "entry" => Thing::Entry,
                    _ => Thing::Link,
                },
                within: self.span("within", "within_unit"),
                younger: match (self.get)("younger").trim() {
                    "" => None,
                    _ => Some(self.span("younger", "younger_unit")),
                },
            }),
        }
    }

    fn text(&self, field: &str) -> String {
        (self.get)(field).trim().to_owned()
    }

    fn optional(&self, field: &str) -> Option<String> {
        Some(self.text(field)).filter(|text| !text.is_empty())
    }

    fn wrong(&mut self, field: &'static str, what: impl Into<String>) {
        self.errors.push(FormError {
            field,
            what: what.into(),
        });
    }

    fn number(&mut self, field: &'static str, max: u32) -> u32 {
        let number = (self.get)(field).trim().parse::<u32>();
        number.unwrap_or_else(|_| {
            self.wrong(field, format!("is a whole number up to {max}"));
            0
        })
    }

    fn span(&mut self, field: &'static str, unit_field: &'static str) -> Span {
        let unit = (self.get)(unit_field);
        let unit = Unit::ALL.into_iter().find(|known| known.as_str() == unit);
        if unit.is_none() {
            self.wrong(field, "is in minutes, hours or days");
        }
        let n = self.number(field, u32::MAX);
        Span {
            n,
            unit: unit.unwrap_or(Unit::Minutes),
        }
    }

    fn one_of(&mut self, field: &'static str, words: &[&'static str]) -> &'static str {
        let given = (self.get)(field);
        let known = words.iter().copied().find(|word| *word == given);
        known.unwrap_or_else(|| {
            self.wrong(field, format!("is one of {}", words.join(", ")));
            words[0]
        })
    }

    fn policy(&mut self) -> PolicyCode {
        (self.get)("policy").parse().unwrap_or_else(|_| {
            self.wrong("policy", "is needed to restrict");
            PolicyCode::OtherTerms
        })
    }
}
