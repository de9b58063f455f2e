//! An item's text in another language, for the eyes of who decides. What is judged is the item: no rule reads a translation, and none is part of a decision.

use super::Timestamp;

/// The text of an item's revision in another language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// The language that it is translated into, as a tag of BCP 47 such as `fr` or `zh-Hant`.
    pub language: String,
    /// The text in it.
    pub text: String,
    /// Which person or program translated, in the words of who sent it.
    pub translator: Option<String>,
    /// When it came.
    pub at: Timestamp,
}

impl Translation {
    /// The most characters of a translation: twice those of an item's text, for languages differ in length.
    pub const LENGTH_MAX: usize = 200_000;
    /// The most characters of a translator's name.
    pub const TRANSLATOR_LENGTH_MAX: usize = 100;
    /// The most languages that one item is translated into.
    pub const LANGUAGES_MAX: usize = 8;

    /// Whether a text has the form of a language tag: groups of 1 to 8 letters and digits with hyphens between, the first of 2 to 8 letters (RFC 5646 §2.1).
    pub fn is_language(text: &str) -> bool {
        let mut groups = text.split('-');
        let first = groups.next().unwrap_or_default();
        let is_first = (2..=8).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_alphabetic());
        let is_group = |group: &str| (1..=8).contains(&group.len()) && group.bytes().all(|b| b.is_ascii_alphanumeric());
        is_first && text.len() <= 35 && groups.all(is_group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_languages_are_told_from_other_texts() {
        for tag in ["fr", "ckb", "zh-Hant", "sr-Latn-RS", "de-CH-1996"] {
            assert!(Translation::is_language(tag), "{tag}");
        }
        let long = "a-".repeat(20) + "b";
        for text in [
            "",
            "f",
            "fr-",
            "-fr",
            "fr FR",
            "français",
            "fr--CH",
            "../x",
            "123",
            &long,
        ] {
            assert!(!Translation::is_language(text), "{text}");
        }
    }
}
