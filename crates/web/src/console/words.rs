//! The words of the console in the languages it speaks, from `messages/*.toml`.
//!
//! Pages never hold a sentence of their own: they ask [`Words`] by key, and the tests of this file compare the languages
//! with each other and with the keys that templates and handlers use. It knows no page. Start with [`Lang`].

use std::collections::HashMap;
use std::sync::LazyLock;

/// A language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lang {
    /// English, the source of the others.
    En,
    /// French.
    Fr,
    /// German.
    De,
    /// Arabic, written from right to left.
    Ar,
}

impl Lang {
    /// All languages, as they are listed to people.
    pub const ALL: [Lang; 4] = [Lang::En, Lang::Fr, Lang::De, Lang::Ar];

    /// The BCP 47 tag.
    pub const fn code(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Fr => "fr",
            Lang::De => "de",
            Lang::Ar => "ar",
        }
    }

    /// The language's own name for itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Lang::En => "English",
            Lang::Fr => "Français",
            Lang::De => "Deutsch",
            Lang::Ar => "العربية",
        }
    }

    /// The direction in which it is written, as HTML says it.
    pub const fn dir(self) -> &'static str {
        match self {
            Lang::En | Lang::Fr | Lang::De => "ltr",
            Lang::Ar => "rtl",
        }
    }

    /// The language with this tag.
    pub fn from_code(code: &str) -> Option<Lang> {
        Lang::ALL.into_iter().find(|lang| lang.code() == code)
    }

    /// The best language for an `Accept-Language` header; English if none fits.
    pub fn accepted(header: &str) -> Lang {
        let mut best = (Lang::En, 0.0);
        for part in header.split(',').take(ACCEPTED_MAX) {
            let mut pieces = part.split(';');
            let tag = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
            let weight = pieces
                .find_map(|p| p.trim().strip_prefix("q="))
                .map_or(Some(1.0), |q| q.parse::<f32>().ok());
            let primary = tag.split('-').next().unwrap_or_default();
            if let (Some(lang), Some(weight)) = (Lang::from_code(primary), weight)
                && weight > best.1
            {
                best = (lang, weight);
            }
        }
        best.0
    }

    /// The CLDR plural category of the cardinal number `n`.
    const fn plural(self, n: u64) -> &'static str {
        match self {
            Lang::En | Lang::De => match n {
                1 => "one",
                _ => "other",
            },
            Lang::Fr => match n {
                0 | 1 => "one",
                _ => "other",
            },
            Lang::Ar => match (n, n % 100) {
                (0, _) => "zero",
                (1, _) => "one",
                (2, _) => "two",
                (_, 3..=10) => "few",
                (_, 11..=99) => "many",
                _ => "other",
            },
        }
    }

    /// The plural categories that a counted word of this language needs.
    #[cfg(test)]
    const fn plurals(self) -> &'static [&'static str] {
        match self {
            Lang::En | Lang::De | Lang::Fr => &["one", "other"],
            Lang::Ar => &["zero", "one", "two", "few", "many", "other"],
        }
    }

    /// What stands between groups of three digits.
    const fn thousands(self) -> &'static str {
        match self {
            Lang::En | Lang::Ar => ",",
            Lang::De => ".",
            Lang::Fr => "\u{202f}",
        }
    }
}

/// The most languages of an `Accept-Language` header that are looked at.
const ACCEPTED_MAX: usize = 20;

/// All words of one language.
#[derive(Debug)]
pub struct Words {
    /// Which language.
    pub lang: Lang,
    by_key: HashMap<String, String>,
}

static ALL: LazyLock<[Words; 4]> = LazyLock::new(|| {
    Lang::ALL.map(|lang| {
        let text = match lang {
            Lang::En => include_str!("../../messages/en.toml"),
            Lang::Fr => include_str!("../../messages/fr.toml"),
            Lang::De => include_str!("../../messages/de.toml"),
            Lang::Ar => include_str!("../../messages/ar.toml"),
        };
        // Expect safety: the files are part of the program, and a test parses each.
        Words {
            lang,
            by_key: parse(text).expect("a message file is not as it should be"),
        }
    })
});

impl Words {
    /// The words of `lang`.
    pub fn of(lang: Lang) -> &'static Words {
        // Unwrap-free: the array holds the languages in the order of the enum.
        &ALL[lang as usize]
    }

    /// The words at `key`; the key itself if there are none, which a test keeps from happening.
    pub fn t<'a>(&'a self, key: &'a str) -> &'a str {
        self.get(key).unwrap_or(key)
    }

    /// The words at `key`, if there are any: for sets that are not closed, such as kinds of events.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.by_key.get(key).map(String::as_str)
    }

    /// The words at `key` with `{name}` replaced, set apart so that its direction does not disturb the sentence.
    pub fn with(&self, key: &str, name: &str, value: &str) -> String {
        self.with_all(key, &[(name, value)])
    }

    /// Like [`Words::with`], for several names.
    pub fn with_all(&self, key: &str, values: &[(&str, &str)]) -> String {
        let mut rest = self.t(key);
        let mut out = String::with_capacity(rest.len() + 32);
        while let Some(open) = rest.find('{') {
            let Some(length) = rest[open..].find('}') else { break };
            let name = &rest[open + 1..open + length];
            out.push_str(&rest[..open]);
            match values.iter().find(|(known, _)| *known == name) {
                // Numbers need no isolation, and copied figures should be plain.
                Some((_, value)) if value.bytes().all(|b| b.is_ascii_digit()) => out.push_str(value),
                Some((_, value)) => {
                    out.push('\u{2068}');
                    out.push_str(value);
                    out.push('\u{2069}');
                }
                None => out.push_str(&rest[open..=open + length]),
            }
            rest = &rest[open + length + 1..];
        }
        out.push_str(rest);
        out
    }

    /// The form of the word at `key` for the count `n`, with `{n}` replaced.
    pub fn count(&self, key: &str, n: u64) -> String {
        let form = format!("{key}.{}", self.lang.plural(n));
        let words = self
            .get(&form)
            .unwrap_or_else(|| self.get(&format!("{key}.other")).unwrap_or(key));
        words.replace("{n}", &self.number(n))
    }

    /// `n` as this language writes it.
    pub fn number(&self, n: u64) -> String {
        let digits = n.to_string();
        let mut out = String::with_capacity(digits.len() + digits.len() / 3 * 3);
        for (idx, digit) in digits.chars().enumerate() {
            if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
                out.push_str(self.lang.thousands());
            }
            out.push(digit);
        }
        out
    }
}

fn parse(text: &str) -> Result<HashMap<String, String>, String> {
    fn walk(prefix: &str, table: &toml::Table, out: &mut HashMap<String, String>) -> Result<(), String> {
        for (name, value) in table {
            let key = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}.{name}")
            };
            match value {
                toml::Value::String(words) => {
                    out.insert(key, words.clone());
                }
                toml::Value::Table(inner) => walk(&key, inner, out)?,
                other => return Err(format!("`{key}` is {}, not text", other.type_str())),
            }
        }
        Ok(())
    }
    let table = text.parse::<toml::Table>().map_err(|e| e.to_string())?;
    let mut out = HashMap::new();
    walk("", &table, &mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    /// Keys without their plural category, and the names in braces of all their forms.
    fn outline(words: &Words) -> BTreeMap<String, BTreeSet<String>> {
        let mut outline: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (key, text) in &words.by_key {
            let stem = match key.rsplit_once('.') {
                Some((stem, form)) if ["zero", "one", "two", "few", "many", "other"].contains(&form) => stem,
                _ => key.as_str(),
            };
            let names = outline.entry(stem.to_owned()).or_default();
            names.extend(
                text.split('{')
                    .skip(1)
                    .filter_map(|rest| rest.split_once('}'))
                    .map(|(name, _)| name.to_owned()),
            );
        }
        outline
    }

    #[test]
    fn every_language_says_the_same_things() {
        let english = outline(Words::of(Lang::En));
        for lang in Lang::ALL {
            let other = outline(Words::of(lang));
            let missing: Vec<_> = english.keys().filter(|key| !other.contains_key(*key)).collect();
            let extra: Vec<_> = other.keys().filter(|key| !english.contains_key(*key)).collect();
            assert!(
                missing.is_empty() && extra.is_empty(),
                "{}: missing {missing:?}, extra {extra:?}",
                lang.code()
            );
            for (key, names) in &english {
                assert_eq!(names, &other[key], "{}: names in braces of `{key}`", lang.code());
            }
        }
    }

    #[test]
    fn a_counted_word_has_every_form_of_its_language() {
        for lang in Lang::ALL {
            let words = Words::of(lang);
            let counted: BTreeSet<_> = words
                .by_key
                .keys()
                .filter_map(|key| key.strip_suffix(".other"))
                .filter(|key| *key != "common")
                .collect();
            assert!(counted.len() > 5);
            for key in counted {
                for form in lang.plurals() {
                    assert!(
                        words.get(&format!("{key}.{form}")).is_some(),
                        "{}: `{key}.{form}`",
                        lang.code()
                    );
                }
            }
        }
    }

    #[test]
    fn no_word_is_empty_and_the_file_is_named_for_its_language() {
        for lang in Lang::ALL {
            let words = Words::of(lang);
            assert_eq!(words.t("language.code"), lang.code());
            assert_eq!(words.t("language.dir"), lang.dir());
            assert_eq!(words.t("language.name"), lang.own_name());
            for (key, text) in &words.by_key {
                assert!(!text.trim().is_empty(), "{}: `{key}`", lang.code());
            }
        }
    }

    /// Every key that a template or a handler names in plain text exists.
    #[test]
    fn every_key_that_is_used_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        for folder in ["templates", "src/console"] {
            collect(&root.join(folder), &mut files);
        }
        let english = outline(Words::of(Lang::En));
        let mut n_uses = 0;
        for path in files {
            let text = std::fs::read_to_string(&path).unwrap();
            for call in [".t(\"", ".with(\"", ".with_all(\"", ".count(\"", "Said(\""] {
                for rest in text.split(call).skip(1) {
                    let key = rest.split('"').next().unwrap();
                    // The tests of this file name keys that do not exist.
                    if !path.ends_with("words.rs") {
                        assert!(english.contains_key(key), "`{key}` in {}", path.display());
                        n_uses += 1;
                    }
                }
            }
        }
        assert!(
            n_uses > 200,
            "only {n_uses} uses were found: has the way to ask for words changed?"
        );
    }

    fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, files)
            } else {
                files.push(path)
            }
        }
    }

    #[test]
    fn the_browsers_wish_chooses_the_language() {
        let check = |header, lang| assert_eq!(Lang::accepted(header), lang, "{header}");
        check("de-CH,de;q=0.9,en;q=0.8", Lang::De);
        check("es, fr;q=0.5, en;q=0.4", Lang::Fr);
        check("ar", Lang::Ar);
        check("", Lang::En);
        check("es;q=1, xx", Lang::En);
        check("en;q=0.1, ar;q=nonsense", Lang::En);
    }

    #[test]
    fn counts_take_the_form_and_digits_of_the_language() {
        let check = |lang, n, text: &str| assert_eq!(Words::of(lang).count("cases", n), text);
        check(Lang::En, 1, "1 case");
        check(Lang::En, 1234, "1,234 cases");
        check(Lang::De, 1_234_567, "1.234.567 Fälle");
        check(Lang::Fr, 0, "0 dossier");
        assert_eq!(Lang::Ar.plural(2), "two");
        assert_eq!(Lang::Ar.plural(103), "few");
        assert_eq!(Lang::Ar.plural(111), "many");
        assert_eq!(Lang::Ar.plural(200), "other");
    }

    #[test]
    fn what_is_put_into_a_sentence_cannot_turn_it_round() {
        let words = Words::of(Lang::En);
        assert_eq!(words.with("time.ago", "span", "3 h"), "\u{2068}3 h\u{2069} ago");
        assert_eq!(words.with("time.ago", "span", "{span}"), "\u{2068}{span}\u{2069} ago");
        assert_eq!(words.with("no.such.key", "a", "b"), "no.such.key");
    }
}
