//! What people can do: the languages that they read, the kinds of work that they take, and skills that only some have.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use sqlx::any::AnyRow;
use sqlx::query;

use crate::model::{Place, UserId};
use crate::store::columns::Columns;
use crate::store::{AnyConnection, StoreError, Tx};

/// All, or only these words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// All there are.
    All,
    /// Only these.
    Only(BTreeSet<String>),
}

impl Choice {
    /// The most words of one choice.
    pub const WORDS_MAX: usize = 50;
    /// The most characters of a word.
    pub const LENGTH_MAX: usize = 40;

    /// Whether this is one of them.
    pub fn has(&self, word: &str) -> bool {
        match self {
            Choice::All => true,
            Choice::Only(words) => words.contains(word),
        }
    }
}

/// `*`, or the words with a space around each.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choice::All => f.write_str("*"),
            Choice::Only(words) => {
                f.write_str(" ")?;
                words.iter().try_for_each(|word| write!(f, "{word} "))
            }
        }
    }
}

/// A text that names no choice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("words of letters, digits, `_` and `-`, with spaces or commas between them, at most 50; or `*`")]
pub struct NoChoice;

impl FromStr for Choice {
    type Err = NoChoice;

    fn from_str(text: &str) -> Result<Self, NoChoice> {
        if text.trim() == "*" {
            return Ok(Choice::All);
        }
        let words = text
            .split([' ', ',', '\n'])
            .map(str::trim)
            .filter(|word| !word.is_empty());
        let words: BTreeSet<String> = words.map(str::to_lowercase).collect();
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let is_word = |word: &String| word.chars().count() <= Self::LENGTH_MAX && word.chars().all(is_plain);
        if words.len() > Self::WORDS_MAX || !words.iter().all(is_word) {
            return Err(NoChoice);
        }
        Ok(Choice::Only(words))
    }
}

/// What a person can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skills {
    /// Languages that they read, such as `ar`.
    pub languages: Choice,
    /// Kinds of work that they take, by their words.
    pub work: Choice,
    /// Skills that queues ask for. Nobody has one who was not given it.
    pub skills: Choice,
}

/// Of whom nothing was said they take everything but what needs a skill.
impl Default for Skills {
    fn default() -> Self {
        Self {
            languages: Choice::All,
            work: Choice::All,
            skills: Choice::Only(BTreeSet::new()),
        }
    }
}

impl Skills {
    /// Whether they can do a case that stands there.
    pub fn suit(&self, place: &Place) -> bool {
        let facts = &place.facts;
        place
            .language
            .as_ref()
            .is_none_or(|language| self.languages.has(language))
            && facts.work.is_none_or(|work| self.work.has(work.as_str()))
            && place.skill.as_ref().is_none_or(|skill| self.skills.has(skill))
    }
}

/// What a person can do.
pub async fn of(conn: &mut AnyConnection, user: UserId) -> Result<Skills, StoreError> {
    let row = query("SELECT user_id, languages, work, skills FROM routing_person WHERE user_id = $1")
        .bind(user.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read what a person can do"))?;
    match row {
        Some(row) => Ok(read(&row)?.1),
        None => Ok(Skills::default()),
    }
}

/// What everybody can do of whom something was said.
pub async fn all(conn: &mut AnyConnection) -> Result<Vec<(UserId, Skills)>, StoreError> {
    let rows = query("SELECT user_id, languages, work, skills FROM routing_person ORDER BY user_id")
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read what people can do"))?;
    rows.iter().map(read).collect()
}

/// Says what a person can do.
pub async fn put(tx: &mut Tx, user: UserId, skills: &Skills) -> Result<(), StoreError> {
    query(
        "INSERT INTO routing_person (user_id, languages, work, skills) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id) DO UPDATE SET languages = excluded.languages, work = excluded.work,
             skills = excluded.skills",
    )
    .bind(user.to_string())
    .bind(skills.languages.to_string())
    .bind(skills.work.to_string())
    .bind(skills.skills.to_string())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep what a person can do"))?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<(UserId, Skills), StoreError> {
    let skills = Skills {
        languages: row.parse("languages")?,
        work: row.parse("work")?,
        skills: row.parse("skills")?,
    };
    Ok((row.parse("user_id")?, skills))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PlaceFacts, Timestamp, WorkKind};

    #[test]
    fn a_case_suits_who_reads_its_language_and_has_its_skill() {
        let mut place = Place::by_age(Timestamp::from_unix_ms(0));
        assert!(Skills::default().suit(&place));
        place.language = Some("ar".to_owned());
        place.facts = PlaceFacts {
            work: Some(WorkKind::Video),
            ..PlaceFacts::default()
        };
        assert!(Skills::default().suit(&place));
        let check = |languages: &str, work: &str, skills: &str, place: &Place| {
            let skills = Skills {
                languages: languages.parse().unwrap(),
                work: work.parse().unwrap(),
                skills: skills.parse().unwrap(),
            };
            skills.suit(place)
        };
        assert!(check("en, AR", "*", "", &place));
        assert!(!check("en", "*", "", &place) && !check("*", "text image", "", &place));
        place.skill = Some("legal".to_owned());
        assert!(!Skills::default().suit(&place), "a skill has to be given");
        assert!(check("*", "*", "legal", &place));
    }

    #[test]
    fn a_choice_is_read_as_it_was_written() {
        for text in ["*", " ", " ar en ", " zh-hans "] {
            let choice: Choice = text.parse().unwrap();
            assert_eq!(choice.to_string(), text);
        }
        assert!("a'b".parse::<Choice>().is_err());
    }
}
