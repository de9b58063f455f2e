//! What the platform says of an item, its account and its channel beside the content: facts that rules may read. All of it is optional, and
//! what is not said is not known.

use policy::words;

use super::Timestamp;

/// What the platform says of an item beside its content.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlatformFacts {
    /// When it was posted; when it was submitted if it does not say.
    pub posted_at: Option<Timestamp>,
    /// The languages of its text, such as `en`.
    pub languages: Option<Vec<String>>,
    /// How often it was seen.
    pub views: Option<i64>,
    /// The addresses in it; those that stand in its text if it does not say.
    pub links: Option<Vec<String>>,
    /// What people said of it. Who they are is not asked.
    pub reports: Option<Vec<ReportFact>>,
    /// The account that posted it.
    pub account: AccountFacts,
    /// The channel in which it was posted.
    pub channel: ChannelFacts,
}

impl PlatformFacts {
    /// The most languages, links, reports or labels of one item.
    pub const ROWS_MAX: usize = 1_000;
    /// The most characters of a link.
    pub const LINK_LENGTH_MAX: usize = 2_000;

    /// Whether it says anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the platform says of an account.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AccountFacts {
    /// The name that it shows.
    pub name: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// How many items it has posted.
    pub items: Option<i64>,
    /// How many of its items were restricted and stayed so.
    pub restricted: Option<i64>,
    /// The strikes against it that count now.
    pub strikes: Option<i64>,
    /// How far the platform trusts it, 0 to 1.
    pub trust: Option<f64>,
    /// How many follow it.
    pub followers: Option<i64>,
    /// Labels that the platform gave it; Seawall's own are added.
    pub labels: Option<Vec<String>>,
}

/// What the platform says of a channel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChannelFacts {
    /// The name that it shows.
    pub name: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// How many are in it.
    pub members: Option<i64>,
    /// Labels that the platform gave it; Seawall's own are added.
    pub labels: Option<Vec<String>>,
}

/// That somebody reported an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFact {
    /// What they are.
    pub by: Reporter,
    /// The policy that they say it breaks.
    pub policy: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
}

words! {
    /// Who reports.
    Reporter, "a kind of reporter" {
        /// A user of the platform.
        User = "user",
        /// One whose reports the law gives priority.
        TrustedFlagger = "trusted_flagger",
        /// A partner of the platform.
        Partner = "partner",
        /// An authority.
        Authority = "authority",
        /// A program.
        Machine = "machine",
    }
}
