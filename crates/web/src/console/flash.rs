//! What the next page has to say about what was just done, carried in a cookie across a redirect.
//!
//! The cookie holds the key of a sentence and one value, never the sentence or markup; after a decision also which, so that the page offers to undo it.
//! It gives no right: whether a decision can be undone, and by whom, is looked up when somebody asks for it.

use std::fmt;
use std::time::Duration;

use moderation::model::{CaseId, DecisionId, Timestamp};

use super::words::Words;

/// How long a browser keeps it if no page shows it.
pub const LIFETIME: Duration = Duration::from_secs(60);

/// Most bytes of the value.
const WHAT_BYTES_MAX: usize = 600;

/// A sentence for the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    key: String,
    what: String,
    undo: Option<Undo>,
}

/// What was just decided, and until when it can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undo {
    /// The case.
    pub case: CaseId,
    /// The decision.
    pub decision: DecisionId,
    /// Until when.
    pub until: Timestamp,
}

/// The name of the cookie's second part.
const UNDO: &str = "undo";

impl Undo {
    /// How many seconds are left, begun ones too; none if it is too late.
    pub fn seconds_left(&self, now: &Timestamp) -> Option<u64> {
        let left = self.until.since(*now).as_millis().div_ceil(1_000);
        u64::try_from(left).ok().filter(|left| *left > 0)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let (case, decision, until) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            case: case.parse().ok()?,
            decision: decision.parse().ok()?,
            until: Timestamp::from_unix_ms(until.parse().ok()?),
        })
    }
}

impl fmt::Display for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.case, self.decision, self.until.unix_ms())
    }
}

impl Flash {
    /// The sentence at `key`, about `what`.
    pub fn new(key: &'static str, what: impl Into<String>) -> Self {
        let mut what: String = what.into();
        if what.len() > WHAT_BYTES_MAX {
            let cut = (0..=WHAT_BYTES_MAX)
                .rev()
                .find(|cut| what.is_char_boundary(*cut))
                .unwrap_or(0);
            what.truncate(cut);
            what.push('…');
        }
        Self {
            key: key.to_owned(),
            what,
            undo: None,
        }
    }

    /// The same, with a way to undo what was done.
    pub fn with_undo(self, undo: Option<Undo>) -> Self {
        Self { undo, ..self }
    }

    /// What can be undone.
    pub fn undo(&self) -> Option<Undo> {
        self.undo
    }

    /// The cookie's value.
    pub fn to_cookie(&self) -> String {
        let mut cookie = form_urlencoded::Serializer::new(String::new());
        cookie.append_pair(&self.key, &self.what);
        if let Some(undo) = &self.undo {
            cookie.append_pair(UNDO, &undo.to_string());
        }
        cookie.finish()
    }

    /// Reads the cookie's value. Only sentences that are made for it are said.
    pub fn parse(text: &str, words: &Words) -> Option<Self> {
        let mut pairs = form_urlencoded::parse(text.as_bytes());
        let (key, what) = pairs.next()?;
        let undo = pairs.next().filter(|(name, _)| name == UNDO);
        let is_known = (key.starts_with("flash.") || key.starts_with("problem.")) && words.get(&key).is_some();
        is_known.then(|| Self {
            key: key.into_owned(),
            what: what.into_owned(),
            undo: undo.and_then(|(_, text)| Undo::parse(&text)),
        })
    }

    /// The sentence.
    pub fn text(&self, words: &Words) -> String {
        words.with_all(&self.key, &[("what", &self.what), ("time", &self.what)])
    }

    /// Whether something did not work.
    pub fn is_warning(&self) -> bool {
        self.key.starts_with("problem.")
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::Lang;
    use super::*;

    #[test]
    fn a_sentence_survives_the_cookie() {
        let words = Words::of(Lang::En);
        let flash = Flash::new("flash.decided_restrict", "post-1; <b>ä</b>");
        let cookie = flash.to_cookie();
        assert!(cookie.is_ascii() && !cookie.contains([';', ' ', '<']));
        assert_eq!(Flash::parse(&cookie, words), Some(flash.clone()));
        assert_eq!(flash.text(words), "Restricted \u{2068}post-1; <b>ä</b>\u{2069}.");
    }

    #[test]
    fn what_can_be_undone_survives_the_cookie() {
        let words = Words::of(Lang::En);
        let text = "case_01kagy2s3q4v5w6x7y8z9a0b1c dec_01kagy2s3q4v5w6x7y8z9a0b1c 10000";
        let undo = Undo::parse(text).unwrap();
        assert_eq!(undo.to_string(), text);
        let flash = Flash::new("flash.decided_allow", "post-1").with_undo(Some(undo));
        assert_eq!(Flash::parse(&flash.to_cookie(), words), Some(flash));
        let left = |ms| undo.seconds_left(&Timestamp::from_unix_ms(ms));
        assert_eq!(
            [left(0), left(9_001), left(10_000), left(20_000)],
            [Some(10), Some(1), None, None]
        );
        assert_eq!(Undo::parse("case_x dec_y 1"), None);
    }

    #[test]
    fn only_known_sentences_are_said() {
        let words = Words::of(Lang::En);
        assert_eq!(Flash::parse("sign_in.title=x", words), None);
        assert_eq!(Flash::parse("flash.no_such=x", words), None);
        assert_eq!(Flash::parse("", words), None);
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let flash = Flash::new("flash.decided_allow", "ä".repeat(400));
        assert_eq!(flash.what.chars().filter(|c| *c == 'ä').count(), 300);
    }
}
