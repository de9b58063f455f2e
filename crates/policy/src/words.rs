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

/// Where a case waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Queue {
    /// A person found it too hard, and a lead shall look.
    Escalated,
    /// Matches known content.
    Matches,
    /// A person reported it.
    Reported,
    /// Could not be hashed.
    Unscanned,
    /// Lies in the wider distance of known content.
    Leads,
    /// One that a rule made by naming it.
    Named(QueueName),
}

/// The name of a queue that a rule made: letters a to z, digits and `_`, beginning with a letter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueName {
    bytes: [u8; QueueName::LENGTH_MAX],
    len: u8,
}

impl QueueName {
    /// The most bytes of a name.
    pub const LENGTH_MAX: usize = 40;

    fn new(name: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if !begins || name.len() > Self::LENGTH_MAX || !name.bytes().all(is_plain) {
            return None;
        }
        let mut bytes = [0; Self::LENGTH_MAX];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Some(Self {
            bytes,
            len: name.len() as u8,
        })
    }

    fn as_str(&self) -> &str {
        // Its bytes were those of a text.
        std::str::from_utf8(&self.bytes[..self.len as usize]).unwrap_or_default()
    }
}

impl fmt::Debug for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Queue {
    /// Those that are always there, the most pressing first.
    pub const ALL: &[Self] = &[
        Queue::Escalated,
        Queue::Matches,
        Queue::Reported,
        Queue::Unscanned,
        Queue::Leads,
    ];

    /// The word for it in tables, JSON and commands.
    pub fn as_str(&self) -> &str {
        match self {
            Queue::Escalated => "escalated",
            Queue::Matches => "matches",
            Queue::Reported => "reported",
            Queue::Unscanned => "unscanned",
            Queue::Leads => "leads",
            Queue::Named(name) => name.as_str(),
        }
    }

    /// How pressing it is against the others, when its most pressing case has this priority. Those that are always there keep their order.
    pub fn weight(self, priority: i64) -> i64 {
        match self {
            Queue::Escalated => i64::MAX,
            Queue::Matches => 80,
            Queue::Reported => 60,
            Queue::Unscanned => 45,
            Queue::Leads => 40,
            Queue::Named(_) => priority,
        }
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Queue {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let known = Self::ALL.iter().copied().find(|queue| queue.as_str() == text);
        let named = || QueueName::new(text).map(Queue::Named);
        known.or_else(named).ok_or(UnknownWord { what: "a queue" })
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
