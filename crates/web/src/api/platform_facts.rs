//! What a platform says of an item, its account and its channel beside the content, as JSON. All of it is optional: what is not said is not known.

use moderation::model::facts::{AccountFacts, ChannelFacts, PlatformFacts, ReportFact};
use serde::Deserialize;
use utoipa::ToSchema;

use super::entries::read_instant;
use super::media::present;
use super::words::Reporter;
use crate::problem::ApiError;

/// What is known of the account that posted an item.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = AccountFacts)]
pub(crate) struct AccountInput {
    /// The name that it shows.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, max_length = 2000)]
    pub name: Option<String>,
    /// When it was made.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, format = DateTime)]
    pub created_at: Option<String>,
    /// How many items it has posted.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0)]
    pub items: Option<i64>,
    /// How many of its items were restricted and stayed so.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0)]
    pub restricted: Option<i64>,
    /// The strikes against it that count now.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0)]
    pub strikes: Option<i64>,
    /// How far it is trusted, 0 to 1.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0.0, maximum = 1.0)]
    pub trust: Option<f64>,
    /// How many follow it.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0)]
    pub followers: Option<i64>,
    /// The platform's labels on it; Seawall adds its own.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, max_items = 1000)]
    pub labels: Option<Vec<String>>,
}

/// What is known of the channel in which an item was posted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ChannelFacts)]
pub(crate) struct ChannelInput {
    /// The name that it shows.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, max_length = 2000)]
    pub name: Option<String>,
    /// When it was made.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, format = DateTime)]
    pub created_at: Option<String>,
    /// How many are in it.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0)]
    pub members: Option<i64>,
    /// The platform's labels on it; Seawall adds its own.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, max_items = 1000)]
    pub labels: Option<Vec<String>>,
}

/// That somebody reported an item. Who it was is not asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportFact)]
pub(crate) struct ReportInput {
    /// What they are.
    pub by: Reporter,
    /// The policy that they say it breaks.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 2000)]
    pub policy: Option<String>,
    /// When.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, format = DateTime)]
    pub at: Option<String>,
}

/// All of it, as it came.
pub(crate) struct PlatformInput {
    pub posted_at: Option<String>,
    pub languages: Option<Vec<String>>,
    pub views: Option<i64>,
    pub links: Option<Vec<String>>,
    pub reports: Option<Vec<ReportInput>>,
    pub account: Option<AccountInput>,
    pub channel: Option<ChannelInput>,
}

impl PlatformInput {
    /// The facts. How long and how many they may be is the flow's to check.
    pub fn read(self) -> Result<PlatformFacts, ApiError> {
        let instant = |field: &str, text: Option<String>| text.map(|text| read_instant(field, &text)).transpose();
        let (account, channel) = (self.account.unwrap_or_default(), self.channel.unwrap_or_default());
        let reports = self.reports.map(|reports| {
            let rows = reports.into_iter().enumerate().map(|(idx, report)| {
                Ok(ReportFact {
                    by: report.by.into(),
                    policy: report.policy,
                    at: instant(&format!("reports[{idx}].at"), report.at)?,
                })
            });
            rows.collect::<Result<Vec<_>, ApiError>>()
        });
        Ok(PlatformFacts {
            posted_at: instant("posted_at", self.posted_at)?,
            languages: self.languages,
            views: self.views,
            links: self.links,
            reports: reports.transpose()?,
            account: AccountFacts {
                name: account.name,
                created_at: instant("account_facts.created_at", account.created_at)?,
                items: account.items,
                restricted: account.restricted,
                strikes: account.strikes,
                trust: account.trust,
                followers: account.followers,
                labels: account.labels,
            },
            channel: ChannelFacts {
                name: channel.name,
                created_at: instant("channel_facts.created_at", channel.created_at)?,
                members: channel.members,
                labels: channel.labels,
            },
        })
    }
}
