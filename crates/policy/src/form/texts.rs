//! What a text says: words as a pattern, patterns, and the texts that show them.

use regex::Regex;

use super::proof::{Expect, Step, TestPlan};
use super::{Shape, quoted};
use crate::patterns::Patterns;

/// Its text matches a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The pattern.
    pub pattern: String,
    /// A text that it shall match.
    pub example: String,
    /// A text that it shall not match.
    pub other: String,
}

impl Pattern {
    pub(super) fn errors(&self, say: &mut impl FnMut(&'static str, String)) {
        let is_long = |text: &str| text.is_empty() || text.len() > Shape::PATTERN_BYTES_MAX;
        if is_long(&self.pattern) || self.pattern.contains(char::is_control) {
            return say(
                "pattern",
                format!("is one line of 1 to {} bytes", Shape::PATTERN_BYTES_MAX),
            );
        }
        if self.pattern.contains('"') && self.pattern.contains('\'') {
            return say(
                "pattern",
                "holds both kinds of quotes: write one of them as \\x22 or \\x27".to_owned(),
            );
        }
        let regex = match compiled(&self.pattern) {
            Ok(regex) => regex,
            Err(what) => return say("pattern", what),
        };
        let is_line = |text: &str| text.len() <= Shape::PATTERN_BYTES_MAX && !text.contains(char::is_control);
        if !is_line(&self.example) || !regex.is_match(&self.example) {
            say("example", "is one line of text that the pattern matches".to_owned());
        }
        if !is_line(&self.other) || regex.is_match(&self.other) {
            say(
                "other",
                "is one line of text that the pattern does not match".to_owned(),
            );
        }
    }
}

/// How many of the words stand in the tests.
pub(super) const WORDS_SHOWN: usize = 3;

pub(super) fn texts(found: Vec<&str>, left: String) -> Vec<TestPlan> {
    let step = |text: &str, expect| Step::new(0, format!("item.text: {}", quoted(text)), expect);
    let fires = found.into_iter().map(|text| step(text, Expect::Fires));
    vec![
        TestPlan::new("fires", fires.collect()),
        TestPlan::new("leaves_others", vec![step(&left, Expect::Nothing)]),
    ]
}

/// A text that holds none of the words.
pub(super) fn without(words: &[String]) -> String {
    let candidates = ["a quiet day by the sea", "0"];
    let regex = compiled(&word_pattern(words)).ok();
    let plain = candidates
        .into_iter()
        .find(|text| regex.as_ref().is_some_and(|regex| !regex.is_match(text)));
    plain.unwrap_or_default().to_owned()
}

/// The words as they are, in capitals or not, and not within longer words.
pub(super) fn word_pattern(words: &[String]) -> String {
    // What is within a word is for the pattern to say: it knows other letters and digits than the rest of the program.
    let (first, last) = (Regex::new(r"^\w"), Regex::new(r"\w$"));
    let is_letter =
        |side: &Result<Regex, regex::Error>, word: &str| side.as_ref().is_ok_and(|side| side.is_match(word));
    let parts = words.iter().map(|word| {
        let begin = if is_letter(&first, word) { r"\b" } else { "" };
        let end = if is_letter(&last, word) { r"\b" } else { "" };
        // A quote would end the text in which the pattern stands.
        let word = regex_syntax::escape(word).replace('"', r"\x22");
        format!("{begin}{word}{end}")
    });
    let parts: Vec<String> = parts.collect();
    match &parts[..] {
        [one] => format!("(?i){one}"),
        several => format!("(?i)(?:{})", several.join("|")),
    }
}

pub(super) fn compiled(pattern: &str) -> Result<Regex, String> {
    // The limits are those of the checker.
    if let Err(bad) = Patterns::default().add(pattern) {
        return Err(format!("is no pattern that can be used: {}", bad.0));
    }
    Regex::new(pattern).map_err(|_| "is no pattern that can be used".to_owned())
}

/// A pattern as the language writes it.
pub(super) fn raw(pattern: &str) -> String {
    let quote = if pattern.contains('"') { '\'' } else { '"' };
    format!("r{quote}{pattern}{quote}")
}
