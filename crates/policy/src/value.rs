//! Values while rules run: small, copied, and without texts of their own. A text is a place in the event or in the rules.

use std::fmt;

/// A value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// Not known. It is not false.
    Unknown,
    /// Waits for the windows: while what can be known without them is worked out. Never leaves this crate.
    Pending,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Text(TextRef),
    /// An instant, in milliseconds since 1970.
    Time(i64),
    /// A span of time, in milliseconds.
    Duration(i64),
    /// A distance, in bits.
    Bits(i64),
    /// A list.
    List(ListRef),
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextRef {
    /// Among the texts of the rules.
    Rules(u32),
    /// Among the texts of the event.
    Event(u32),
}

/// Where a list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListRef {
    /// Rows of the event: a list of the schema.
    Rows(u8),
    /// Rows of the event that a filter kept: a part of what the evaluation remembers.
    Kept {
        /// Whose rows.
        list: u8,
        /// The first that was kept.
        start: u32,
        /// How many were kept.
        len: u32,
    },
    /// Texts of the event.
    Texts(u32),
}

/// What kind of value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// A truth value.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A text.
    Text,
    /// A text from a closed set.
    Word(&'static [&'static str]),
    /// An instant.
    Time,
    /// A span of time.
    Duration,
    /// A distance in bits.
    Bits,
    /// Rows of a list of the schema.
    Rows(u8),
    /// A list of texts.
    Texts,
    /// A row of a list of the schema.
    Row(u8),
    /// What a mistake left behind: fits everywhere, so that one mistake is told once.
    Broken,
}

impl Type {
    /// Whether two of these can be compared.
    pub fn compares_with(self, other: Type) -> bool {
        let is_number = |t| matches!(t, Type::Int | Type::Float);
        let is_text = |t| matches!(t, Type::Text | Type::Word(_));
        self == other
            || self == Type::Broken
            || other == Type::Broken
            || (is_number(self) && is_number(other))
            || (is_text(self) && is_text(other))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Bool => "a truth value",
            Type::Int => "a whole number",
            Type::Float => "a number",
            Type::Text => "a text",
            Type::Word(_) => "a word",
            Type::Time => "a time",
            Type::Duration => "a span of time",
            Type::Bits => "bits",
            Type::Rows(_) | Type::Texts => "a list",
            Type::Row(_) => "a row of a list",
            Type::Broken => "a mistake",
        })
    }
}

/// A span of time in words: its two largest units.
pub(crate) fn duration_words(ms: i64) -> String {
    const UNITS: &[(i64, &str)] = &[
        (86_400_000, "day"),
        (3_600_000, "hour"),
        (60_000, "minute"),
        (1_000, "second"),
        (1, "millisecond"),
    ];
    let sign = if ms < 0 { "minus " } else { "" };
    let mut rest = ms.unsigned_abs();
    let mut parts = Vec::new();
    for (idx, (unit, name)) in UNITS.iter().enumerate() {
        let n = rest / unit.unsigned_abs();
        rest %= unit.unsigned_abs();
        if n > 0 {
            parts.push((idx, format!("{n} {name}{}", if n == 1 { "" } else { "s" })));
        }
    }
    let Some((first, text)) = parts.first().cloned() else {
        return "0 seconds".to_owned();
    };
    match parts.get(1) {
        Some((second, smaller)) if *second == first + 1 && first < 3 => format!("{sign}{text} and {smaller}"),
        _ => format!("{sign}{text}"),
    }
}
