//! One event, with the facts that are known of it. What was not set is unknown.
//!
//! Texts and lists have limits. What lies beyond is not dropped in silence: it is remembered as cut, and a rule that would have
//! had to look there says that it does not know.

use serde_json::Value as Json;

use crate::lang::ast::{Constant, Literal};
use crate::lang::source_time;
use crate::schema::{self, FACTS, LISTS, at};
use crate::value::{ListRef, TextRef, Type, Value};

/// How much of a text rules look at, in bytes.
pub const TEXT_BYTES_MAX: usize = 256 << 10;
/// How many rows of a list, or texts of a list of texts, rules look at.
pub const LIST_ROWS_MAX: usize = 1_000;

/// An event.
#[derive(Debug, Clone)]
pub struct Event {
    facts: Vec<Value>,
    texts: Vec<Text>,
    text_lists: Vec<TextList>,
    rows: Vec<Option<Rows>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) text: Box<str>,
    pub(crate) is_cut: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct TextList {
    pub(crate) texts: Vec<u32>,
    pub(crate) is_cut: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    pub(crate) cells: Vec<Value>,
    pub(crate) n: u32,
    pub(crate) is_cut: bool,
}

/// An event was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}`: {what}")]
pub struct EventError {
    /// The fact.
    pub name: String,
    /// What is wrong.
    pub what: String,
}

impl Event {
    /// An event at a moment, in milliseconds since 1970, of which nothing else is known.
    pub fn at(time_ms: i64) -> Self {
        let mut event = Self {
            facts: vec![Value::Unknown; FACTS.len()],
            texts: Vec::new(),
            text_lists: Vec::new(),
            rows: vec![None; LISTS.len()],
        };
        event.facts[at::TIME] = Value::Time(time_ms);
        event.facts[at::HOUR] = Value::Int(time_ms.rem_euclid(86_400_000) / 3_600_000);
        // 1970 began on a Thursday.
        event.facts[at::WEEKDAY] = Value::Int((time_ms.div_euclid(86_400_000) + 3).rem_euclid(7) + 1);
        event
    }

    /// When it happened.
    pub fn time_ms(&self) -> i64 {
        match self.facts[at::TIME] {
            Value::Time(ms) => ms,
            _ => 0,
        }
    }

    /// Sets a fact.
    pub fn set(&mut self, name: &str, value: &Given) -> Result<(), EventError> {
        if let Some(idx) = schema::fact(name) {
            self.facts[idx] = self.scalar(name, FACTS[idx].ty, value)?;
            if idx == at::TIME {
                let ms = self.time_ms();
                let fresh = Event::at(ms);
                self.facts[at::HOUR] = fresh.facts[at::HOUR];
                self.facts[at::WEEKDAY] = fresh.facts[at::WEEKDAY];
            }
            return Ok(());
        }
        let Some(list) = schema::list(name) else {
            let known = FACTS.iter().map(|f| f.name).chain(LISTS.iter().map(|l| l.name));
            let what = crate::lang::source::nearest(name, known).map_or_else(
                || "no such fact".to_owned(),
                |near| format!("no such fact; was `{near}` meant?"),
            );
            return Err(error(name, what));
        };
        let Given::List(given) = value else {
            return Err(error(name, "should be a list of rows"));
        };
        let columns = LISTS[list].columns;
        let mut rows = Rows {
            is_cut: given.len() > LIST_ROWS_MAX,
            ..Rows::default()
        };
        for row in given.iter().take(LIST_ROWS_MAX) {
            let Given::Row(cells) = row else {
                return Err(error(name, "should be a list of rows"));
            };
            let start = rows.cells.len();
            rows.cells.resize(start + columns.len(), Value::Unknown);
            for (column, cell) in cells {
                let Some(idx) = schema::column(list, column) else {
                    return Err(error(&format!("{name}.{column}"), "no such column"));
                };
                rows.cells[start + idx] = self.scalar(&format!("{name}.{column}"), columns[idx].ty, cell)?;
            }
            rows.n += 1;
        }
        self.rows[list] = Some(rows);
        Ok(())
    }

    fn scalar(&mut self, name: &str, ty: Type, value: &Given) -> Result<Value, EventError> {
        Ok(match (ty, value) {
            (_, Given::Nothing) => Value::Unknown,
            (Type::Bool, Given::Bool(b)) => Value::Bool(*b),
            (Type::Int, Given::Int(n)) => Value::Int(*n),
            (Type::Bits, Given::Bits(n) | Given::Int(n)) => Value::Bits(*n),
            (Type::Duration, Given::Duration(ms) | Given::Int(ms)) => Value::Duration(*ms),
            (Type::Time, Given::Time(ms) | Given::Int(ms)) => Value::Time(*ms),
            (Type::Float, Given::Float(x)) if x.is_finite() => Value::Float(*x),
            #[expect(clippy::cast_precision_loss, reason = "a share that someone wrote as a whole number")]
            (Type::Float, Given::Int(n)) => Value::Float(*n as f64),
            (Type::Time, Given::Text(text)) => match source_time(text) {
                Some((length, ms)) if length == text.len() => Value::Time(ms),
                _ => return Err(error(name, "should be a time, such as 2027-05-01T10:00:00Z")),
            },
            (Type::Text, Given::Text(text)) => Value::Text(self.text(text)),
            (Type::Word(words), Given::Text(word)) => {
                if !words.contains(&word.as_str()) {
                    return Err(error(name, format!("should be one of {}", words.join(", "))));
                }
                Value::Text(self.text(word))
            }
            (Type::Texts, Given::List(list)) => {
                let is_cut = list.len() > LIST_ROWS_MAX;
                let mut texts = Vec::with_capacity(list.len().min(LIST_ROWS_MAX));
                for text in list.iter().take(LIST_ROWS_MAX) {
                    let Given::Text(text) = text else {
                        return Err(error(name, "should be a list of texts"));
                    };
                    match self.text(text) {
                        TextRef::Event(idx) => texts.push(idx),
                        TextRef::Rules(_) => {}
                    }
                }
                self.text_lists.push(TextList { texts, is_cut });
                Value::List(ListRef::Texts(self.text_lists.len() as u32 - 1))
            }
            (ty, _) => return Err(error(name, format!("should be {ty}"))),
        })
    }

    fn text(&mut self, text: &str) -> TextRef {
        let mut end = text.len().min(TEXT_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.texts.push(Text {
            text: text[..end].into(),
            is_cut: end < text.len(),
        });
        TextRef::Event(self.texts.len() as u32 - 1)
    }

    /// Reads an event from JSON: an object whose keys are facts, with or without dots, times as texts or milliseconds, spans of time and
    /// distances as numbers.
    pub fn from_json(json: &Json) -> Result<Self, EventError> {
        let Json::Object(map) = json else {
            return Err(error("", "an event is an object"));
        };
        Self::from_json_object(map)
    }

    /// The same, of the object's members.
    pub fn from_json_object(map: &serde_json::Map<String, Json>) -> Result<Self, EventError> {
        let mut event = Event::at(0);
        let mut pending = Vec::new();
        for (name, value) in map {
            match value {
                Json::Object(inner) => {
                    pending.extend(inner.iter().map(|(key, value)| (format!("{name}.{key}"), value)))
                }
                _ => pending.push((name.clone(), value)),
            }
        }
        for (name, value) in pending {
            event.set(&name, &Given::from_json(value))?;
        }
        Ok(event)
    }

    /// The texts of a fact that is a list of them; none if it is not known.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let Some(Value::List(ListRef::Texts(idx))) = schema::fact(name).map(|idx| self.facts[idx]) else {
            return Vec::new();
        };
        let list = &self.text_lists[idx as usize];
        list.texts
            .iter()
            .map(|text| self.texts[*text as usize].text.to_string())
            .collect()
    }

    pub(crate) fn fact(&self, idx: usize) -> Value {
        self.facts[idx]
    }

    pub(crate) fn text_at(&self, idx: u32) -> &Text {
        &self.texts[idx as usize]
    }

    pub(crate) fn text_list(&self, idx: u32) -> &TextList {
        &self.text_lists[idx as usize]
    }

    pub(crate) fn rows(&self, list: u8) -> Option<&Rows> {
        self.rows[list as usize].as_ref()
    }

    pub(crate) fn cell(&self, list: u8, row: u32, column: u8) -> Value {
        let n_columns = LISTS[list as usize].columns.len();
        self.rows[list as usize]
            .as_ref()
            .and_then(|rows| rows.cells.get(row as usize * n_columns + column as usize))
            .copied()
            .unwrap_or(Value::Unknown)
    }

    /// The kind of item, as a place in [`schema::KINDS`].
    pub(crate) fn kind(&self) -> Option<usize> {
        let kind = self.fact_text(at::ITEM_KIND)?;
        schema::KINDS.iter().position(|known| *known == kind)
    }

    pub(crate) fn fact_text(&self, idx: usize) -> Option<&str> {
        match self.facts[idx] {
            Value::Text(TextRef::Event(text)) => Some(&self.texts[text as usize].text),
            _ => None,
        }
    }
}

/// A value for a fact.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// Not known.
    Nothing,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text or a word.
    Text(String),
    /// An instant, in milliseconds.
    Time(i64),
    /// A span of time, in milliseconds.
    Duration(i64),
    /// A distance.
    Bits(i64),
    /// Texts or rows.
    List(Vec<Given>),
    /// A row: columns and values.
    Row(Vec<(String, Given)>),
}

impl From<&str> for Given {
    fn from(text: &str) -> Self {
        Given::Text(text.to_owned())
    }
}

impl Given {
    fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Given::Nothing,
            Json::Bool(b) => Given::Bool(*b),
            Json::Number(n) => n
                .as_i64()
                .map_or_else(|| Given::Float(n.as_f64().unwrap_or(f64::NAN)), Given::Int),
            Json::String(text) => Given::Text(text.clone()),
            Json::Array(list) => Given::List(list.iter().map(Given::from_json).collect()),
            Json::Object(map) => Given::Row(
                map.iter()
                    .map(|(key, value)| (key.clone(), Given::from_json(value)))
                    .collect(),
            ),
        }
    }

    pub(crate) fn from_literal(literal: &Literal) -> Self {
        match literal {
            Literal::Plain(constant, _) => match constant {
                Constant::Bool(b) => Given::Bool(*b),
                Constant::Int(n) => Given::Int(*n),
                Constant::Float(x) => Given::Float(*x),
                Constant::Text(text) => Given::Text(text.clone()),
                Constant::Duration(ms) => Given::Duration(*ms),
                Constant::Bits(n) => Given::Bits(*n),
                Constant::Time(ms) => Given::Time(*ms),
            },
            Literal::List(list, _) => Given::List(list.iter().map(Given::from_literal).collect()),
            Literal::Row(row, _) => Given::Row(
                row.iter()
                    .map(|(name, value)| (name.text.clone(), Given::from_literal(value)))
                    .collect(),
            ),
        }
    }
}

fn error(name: &str, what: impl Into<String>) -> EventError {
    EventError {
        name: name.to_owned(),
        what: what.into(),
    }
}
