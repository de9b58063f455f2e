//! What the affected person is told of a restriction: a text and its language. Drafted, shown and edited before it leaves; the platform passes it on.

/// A text for the affected person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The language, as a BCP 47 tag.
    pub language: String,
    /// What they are told: the rule, why, and how they can object.
    pub text: String,
}

impl Notice {
    /// The most characters of it.
    pub const LENGTH_MAX: usize = 8_000;
    /// The most characters of a language's tag.
    const TAG_LENGTH_MAX: usize = 35;

    /// What is wrong with it, if anything is.
    pub fn flaw(&self) -> Option<&'static str> {
        let text = self.text.trim();
        let is_tag = |tag: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (2..=Self::TAG_LENGTH_MAX).contains(&tag.len()) && tag.bytes().all(is_plain)
        };
        if text.is_empty() {
            Some("must tell the person something")
        } else if text.chars().count() > Self::LENGTH_MAX {
            Some("is longer than 8000 characters")
        } else if text.contains('\0') {
            Some("has a NUL character")
        } else if !is_tag(&self.language) {
            Some("is in a language without a tag")
        } else {
            None
        }
    }

    /// As it stands among a decision's facts, and in an order.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "language": self.language, "text": self.text.trim() })
    }

    /// From a decision's facts.
    pub fn of_facts(facts: &serde_json::Value) -> Option<Self> {
        let json = facts.get("notice")?;
        Some(Self {
            language: json["language"].as_str()?.to_owned(),
            text: json["text"].as_str()?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_says_something_in_a_language() {
        let notice = |language: &str, text: &str| Notice {
            language: language.to_owned(),
            text: text.to_owned(),
        };
        assert_eq!(notice("en", "Your post is no longer available.").flaw(), None);
        assert_eq!(notice("zh-Hant-TW", "x").flaw(), None);
        for wrong in [
            notice("en", " \n"),
            notice("en", &"x".repeat(8_001)),
            notice("en", "a\0b"),
            notice("", "x"),
            notice("en us", "x"),
        ] {
            assert!(wrong.flaw().is_some(), "{wrong:?}");
        }
    }

    #[test]
    fn it_comes_back_from_a_decisions_facts() {
        let notice = Notice {
            language: "fr".to_owned(),
            text: "Votre publication".to_owned(),
        };
        let facts = serde_json::json!({ "notice": notice.to_json() });
        assert_eq!(Notice::of_facts(&facts), Some(notice));
    }
}
