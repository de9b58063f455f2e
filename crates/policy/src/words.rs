//! The closed sets that rules and people choose from.

use std::fmt;

/// A text that is not one of the words of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// What the word should have named.
    pub what: &'static str,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {}", self.what)
    }
}

impl std::error::Error for UnknownWord {}

/// Makes an enum of plain words: one word for each value, the same in tables, JSON and commands.
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All of them, in the order in which they are listed to people.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word for it in tables, JSON and commands.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(text: &str) -> Result<Self, $crate::UnknownWord> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or($crate::UnknownWord { what: $what })
            }
        }
    };
}

words! {
    /// What is to happen with an item.
    Outcome, "an outcome" {
        /// It stays.
        Allow = "allow",
        /// It stays until a person has looked at it.
        Review = "review",
        /// It is made unavailable, reversibly.
        Restrict = "restrict",
    }
}

words! {
    /// Where a case waits, the most pressing first.
    Queue, "a queue" {
        /// A person found it too hard, and a lead shall look.
        Escalated = "escalated",
        /// Matches known content.
        Matches = "matches",
        /// A person reported it.
        Reported = "reported",
        /// Could not be hashed.
        Unscanned = "unscanned",
        /// Lies in the wider distance of known content.
        Leads = "leads",
    }
}

words! {
    /// The policy that a restriction rests on. A fixed list until platforms bring their own.
    PolicyCode, "a policy" {
        /// Terrorist content: incites, instructs, solicits, glorifies, or threatens.
        TerroristContent = "terrorist_content",
        /// Violent extremism that no list names.
        ViolentExtremism = "violent_extremism",
        /// A violent attack filmed or described by those who did it.
        PerpetratorContent = "perpetrator_content",
        /// Hatred against people for what they are.
        HateSpeech = "hate_speech",
        /// Gore without context.
        GraphicViolence = "graphic_violence",
        /// Breaks another rule of the platform.
        OtherTerms = "other_terms",
    }
}
