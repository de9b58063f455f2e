//! Ids: a type for each thing, so that a case can never be passed for a decision.
//!
//! Our own ids are 128 bits: 48 of time in milliseconds, 80 of chance, written as a prefix and 26 digits of Crockford's
//! base 32. They sort by the time they were made, in memory and as text. An [`ItemId`] is the platform's own.

use std::fmt;
use std::str::FromStr;

use super::{Chance, Timestamp};

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A text that is not an id of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form `{prefix}_…`")]
pub struct ParseIdError {
    /// The prefix that the id should have had.
    pub prefix: &'static str,
}

fn fresh(now: Timestamp, chance: &Chance) -> u128 {
    let time = now.unix_ms().unsigned_abs() & ((1 << 48) - 1);
    (u128::from(time) << 80) | chance.id_noise(time)
}

fn write_digits(value: u128, prefix: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(prefix)?;
    f.write_str("_")?;
    for place in (0..26).rev() {
        let digit = (value >> (place * 5)) & 31;
        write!(f, "{}", char::from(DIGITS[digit as usize]))?;
    }
    Ok(())
}

fn parse_digits(text: &str, prefix: &'static str) -> Result<u128, ParseIdError> {
    let error = ParseIdError { prefix };
    let digits = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .ok_or(error.clone())?;
    if digits.len() != 26 || digits.as_bytes()[0] > b'7' {
        return Err(error);
    }
    let mut value = 0u128;
    for byte in digits.bytes() {
        let digit = DIGITS.iter().position(|d| *d == byte).ok_or(error.clone())?;
        value = (value << 5) | digit as u128;
    }
    Ok(value)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// What every id of this kind begins with, before the underscore.
            pub const PREFIX: &str = $prefix;

            /// A new id, made at `now`.
            pub fn fresh(now: Timestamp, chance: &Chance) -> Self {
                Self(fresh(now, chance))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_digits(self.0, $prefix, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_digits(self.0, $prefix, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_digits(text, $prefix).map(Self)
            }
        }
    };
}

id!(/** A bank. */ BankId, "bank");
id!(/** An entry of a bank. */ EntryId, "ent");
id!(/** A file that belongs to an item. */ MediaId, "med");
id!(/** A decision. */ DecisionId, "dec");
id!(/** A case. */ CaseId, "case");
id!(/** What somebody told the others about a case. */ CommentId, "note");
id!(/** An action ordered from the platform. */ ActionId, "act");
id!(/** A live stream. */ StreamId, "stream");
id!(/** A change of the rules. */ ChangeId, "chg");
id!(/** A warning about a rule. */ AlarmId, "alarm");
id!(/** A person who signs in. */ UserId, "user");
id!(/** An API key. */ KeyId, "key");
id!(/** A job in the store. */ JobId, "job");
id!(/** A question that is answered blindly. */ ReviewId, "rev");
id!(/** A judgement that waits for a second person. */ ProposalId, "prop");
id!(/** A past case whose right answer is known. */ GoldenId, "gold");

/// The platform's own name for an item, such as `post-123`: 1 to 256 characters, no control characters, no space at
/// either end. Seawall never makes one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(String);

/// Why a text cannot be an item's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseItemIdError {
    /// The text is empty.
    #[error("an item's id is empty")]
    Empty,
    /// The text is longer than [`ItemId::LENGTH_MAX`] characters.
    #[error("an item's id is longer than 256 characters")]
    TooLong,
    /// The text has a control character, or begins or ends with a space.
    #[error("an item's id has a control character, or a space at its end")]
    Malformed,
}

impl ItemId {
    /// The most characters that an item's id may have.
    pub const LENGTH_MAX: usize = 256;

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ItemId {
    type Err = ParseItemIdError;

    fn from_str(text: &str) -> Result<Self, ParseItemIdError> {
        if text.is_empty() {
            return Err(ParseItemIdError::Empty);
        }
        if text.chars().count() > Self::LENGTH_MAX {
            return Err(ParseItemIdError::TooLong);
        }
        if text.chars().any(char::is_control) || text.trim() != text {
            return Err(ParseItemIdError::Malformed);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_sorts_by_time() {
        let chance = Chance::seeded(7);
        let early = CaseId::fresh(Timestamp::from_unix_ms(1_000), &chance);
        let late = CaseId::fresh(Timestamp::from_unix_ms(2_000), &chance);
        assert_eq!(early.to_string().parse::<CaseId>(), Ok(early));
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
        assert_eq!(early.to_string().len(), "case_".len() + 26);
        let same_moment = CaseId::fresh(Timestamp::from_unix_ms(2_000), &chance);
        assert!(late < same_moment);
    }

    #[test]
    fn an_id_of_another_kind_or_shape_is_refused() {
        let id = CaseId::fresh(Timestamp::from_unix_ms(1), &Chance::seeded(1)).to_string();
        assert!(id.parse::<DecisionId>().is_err());
        for bad in [
            "",
            "case_",
            "case_1",
            "case_zzzzzzzzzzzzzzzzzzzzzzzzzz",
            "case_0000000000000000000000000u",
        ] {
            assert!(bad.parse::<CaseId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_item_id_is_the_platforms_own_text_within_bounds() {
        assert_eq!(
            "post-123/ä".parse::<ItemId>().map(|id| id.to_string()),
            Ok("post-123/ä".to_owned())
        );
        assert_eq!("".parse::<ItemId>(), Err(ParseItemIdError::Empty));
        assert_eq!("a\nb".parse::<ItemId>(), Err(ParseItemIdError::Malformed));
        assert_eq!(" a".parse::<ItemId>(), Err(ParseItemIdError::Malformed));
        assert_eq!("a".repeat(257).parse::<ItemId>(), Err(ParseItemIdError::TooLong));
    }
}
