//! The facts that rules may read: a fixed list, each with its type and its meaning. What a platform did not tell is unknown.
//!
//! A new fact is a line here and a line where the facts are gathered; the manual's tables are made of these.

use crate::value::Type;

/// A fact about the event, or a column of a list.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name; with dots, as rules write it.
    pub name: &'static str,
    /// Its type.
    pub ty: Type,
    /// What it means.
    pub doc: &'static str,
}

/// A list of rows.
#[derive(Debug, Clone, Copy)]
pub struct ListField {
    /// Its name.
    pub name: &'static str,
    /// What a row is.
    pub doc: &'static str,
    /// Its columns.
    pub columns: &'static [Field],
}

const fn field(name: &'static str, ty: Type, doc: &'static str) -> Field {
    Field { name, ty, doc }
}

/// Kinds of items. Rules are indexed by them.
pub const KINDS: &[&str] = &[
    "post",
    "image",
    "video",
    "audio",
    "document",
    "profile",
    "channel",
    "reported_message",
    "stream",
];
/// Who can see what a channel carries.
pub const AUDIENCES: &[&str] = &["public", "auto_admit", "human_admit", "interpersonal"];
/// How near a match lies.
pub const TIERS: &[&str] = &["match", "lead"];
/// What became of a file.
pub const MEDIA_STATUSES: &[&str] = &["scanned", "damaged", "unscanned"];
/// Kinds of signals.
pub const SIGNALS: &[&str] = &["pdq", "md5", "sha256", "vpdq", "chromaprint"];
/// Who reports.
pub const REPORTERS: &[&str] = &["user", "trusted_flagger", "partner", "authority", "machine"];

/// Facts about the event.
pub const FACTS: &[Field] = &[
    field("time", Type::Time, "when it happened, as the platform says"),
    field("time.hour", Type::Int, "the hour of the day, 0 to 23, UTC"),
    field(
        "time.weekday",
        Type::Int,
        "the day of the week, 1 (Monday) to 7 (Sunday), UTC",
    ),
    field("item.id", Type::Text, "the platform's name for the item"),
    field("item.kind", Type::Word(KINDS), "what kind of thing it is"),
    field("item.text", Type::Text, "its text"),
    field(
        "item.transcript",
        Type::Text,
        "what is said in its videos and sounds, as the platform wrote it down",
    ),
    field("item.url", Type::Text, "where it stands on the platform"),
    field("item.audience", Type::Word(AUDIENCES), "who can see it"),
    field(
        "item.languages",
        Type::Texts,
        "the languages of its text, such as \"en\"",
    ),
    field("item.views", Type::Int, "how often it was seen"),
    field("item.reported", Type::Bool, "whether a person reported it"),
    field(
        "item.restricted_under",
        Type::Text,
        "the policy under which it is restricted now without an end, if its content changed since",
    ),
    field("account.id", Type::Text, "the account that posted it"),
    field("account.name", Type::Text, "the name it shows"),
    field("account.age", Type::Duration, "how long the account has existed"),
    field("account.items", Type::Int, "how many items it has posted"),
    field(
        "account.restricted",
        Type::Int,
        "how many of its items were restricted and stayed so",
    ),
    field("account.strikes", Type::Int, "the strikes against it that count now"),
    field("account.trust", Type::Float, "how far the platform trusts it, 0 to 1"),
    field("account.followers", Type::Int, "how many follow it"),
    field("account.labels", Type::Texts, "the labels that it carries now"),
    field("channel.id", Type::Text, "where it was posted"),
    field("channel.name", Type::Text, "the name it shows"),
    field("channel.age", Type::Duration, "how long the channel has existed"),
    field("channel.members", Type::Int, "how many are in it"),
    field("channel.labels", Type::Texts, "the labels that it carries now"),
    field(
        "media.unscanned",
        Type::Int,
        "how many of its files could not be hashed",
    ),
    field(
        "media.damaged",
        Type::Int,
        "how many of its files could be decoded only in part",
    ),
];

/// Lists of rows.
pub const LISTS: &[ListField] = &[
    ListField {
        name: "media",
        doc: "the files of the item",
        columns: &[
            field("kind", Type::Text, "its media type, such as \"image/png\""),
            field("status", Type::Word(MEDIA_STATUSES), "whether it could be hashed"),
            field("size", Type::Int, "its bytes"),
            field("length", Type::Duration, "how long it plays"),
            field("text", Type::Text, "the text that was read in it"),
        ],
    },
    ListField {
        name: "matches",
        doc: "the entries of banks that its files lie near to",
        columns: &[
            field("tier", Type::Word(TIERS), "match, or only lead"),
            field("bank", Type::Text, "the bank's name"),
            field(
                "confirmed",
                Type::Bool,
                "whether people have confirmed what is in the bank",
            ),
            field("entry", Type::Text, "the entry"),
            field("labels", Type::Texts, "the entry's labels"),
            field("signal", Type::Word(SIGNALS), "what was compared"),
            field("distance", Type::Bits, "how far apart they are"),
            field("threshold", Type::Bits, "how far apart they may be"),
            field("view", Type::Text, "the rendering that was near, such as \"whole\""),
        ],
    },
    ListField {
        name: "links",
        doc: "the addresses in it",
        columns: &[
            field("url", Type::Text, "the whole address"),
            field("host", Type::Text, "the name of the machine"),
        ],
    },
    ListField {
        name: "reports",
        doc: "what people said of it",
        columns: &[
            field("by", Type::Word(REPORTERS), "who"),
            field("policy", Type::Text, "the policy that they say it breaks"),
            field("age", Type::Duration, "how long ago"),
        ],
    },
];

/// The place of a fact.
pub fn fact(name: &str) -> Option<usize> {
    FACTS.iter().position(|field| field.name == name)
}

/// The place of a list.
pub fn list(name: &str) -> Option<usize> {
    LISTS.iter().position(|list| list.name == name)
}

/// The place of a column.
pub fn column(list: usize, name: &str) -> Option<usize> {
    LISTS[list].columns.iter().position(|field| field.name == name)
}

/// Places that the code itself asks for.
pub(crate) mod at {
    /// `time`
    pub const TIME: usize = 0;
    /// `time.hour`
    pub const HOUR: usize = 1;
    /// `time.weekday`
    pub const WEEKDAY: usize = 2;
    /// `item.id`
    pub const ITEM_ID: usize = 3;
    /// `item.kind`
    pub const ITEM_KIND: usize = 4;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_are_where_the_code_says() {
        assert_eq!(fact("time"), Some(at::TIME));
        assert_eq!(fact("time.hour"), Some(at::HOUR));
        assert_eq!(fact("time.weekday"), Some(at::WEEKDAY));
        assert_eq!(fact("item.id"), Some(at::ITEM_ID));
        assert_eq!(fact("item.kind"), Some(at::ITEM_KIND));
        assert!(FACTS.len() <= 128, "the facts that were read are bits of a u128");
    }
}
