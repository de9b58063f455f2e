//! What the next page has to say about what was just done, carried in a cookie across a redirect.
//!
//! The cookie holds the key of a sentence and one value, never the sentence or markup.

use std::time::Duration;

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
        }
    }

    /// The cookie's value.
    pub fn to_cookie(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .append_pair(&self.key, &self.what)
            .finish()
    }

    /// Reads the cookie's value. Only sentences that are made for it are said.
    pub fn parse(text: &str, words: &Words) -> Option<Self> {
        let (key, what) = form_urlencoded::parse(text.as_bytes()).next()?;
        let is_known = (key.starts_with("flash.") || key.starts_with("problem.")) && words.get(&key).is_some();
        is_known.then(|| Self {
            key: key.into_owned(),
            what: what.into_owned(),
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
