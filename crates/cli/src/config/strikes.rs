//! What people's decisions weigh against an account.

use std::time::Duration;

use moderation::model::{PolicyCode, StrikeRule, StrikeSettings};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;

/// What people's decisions weigh against the account that posted the item, for as long as they hold. Strikes order nothing: past a threshold they suggest
/// something to a person, and the platform is told their sum with each order.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Strikes {
    /// Under the policy of this name: what it weighs, and for how many days.
    pub terrorist_content: Weighed,
    /// The same for this policy.
    pub violent_extremism: Weighed,
    /// The same for this policy.
    pub perpetrator_content: Weighed,
    /// The same for this policy.
    pub hate_speech: Weighed,
    /// The same for this policy.
    pub graphic_violence: Weighed,
    /// The same for this policy.
    pub other_terms: Weighed,
    /// From this sum on, the case page suggests to suspend the account.
    pub suspend_at: u32,
    /// From this sum on, it suggests to end it.
    pub terminate_at: u32,
}

/// What a decision weighs.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weighed {
    /// How much; 0 for nothing.
    pub weight: u32,
    /// For how many days.
    pub days: u32,
}

/// The longest that a strike counts, in days.
const DAYS_MAX: u32 = 3_650;
/// The most that one decision weighs.
const WEIGHT_MAX: u32 = 1_000;
const DAY: Duration = Duration::from_secs(24 * 3_600);

impl Default for Strikes {
    fn default() -> Self {
        let settings = StrikeSettings::default();
        let of = |policy| {
            let rule = settings.rules.iter().find(|rule| rule.policy == policy);
            rule.map_or(Weighed { weight: 0, days: 1 }, |rule| Weighed {
                weight: rule.weight,
                days: u32::try_from(rule.lasts.as_secs() / DAY.as_secs()).unwrap_or(DAYS_MAX),
            })
        };
        Self {
            terrorist_content: of(PolicyCode::TerroristContent),
            violent_extremism: of(PolicyCode::ViolentExtremism),
            perpetrator_content: of(PolicyCode::PerpetratorContent),
            hate_speech: of(PolicyCode::HateSpeech),
            graphic_violence: of(PolicyCode::GraphicViolence),
            other_terms: of(PolicyCode::OtherTerms),
            suspend_at: settings.suspend_at,
            terminate_at: settings.terminate_at,
        }
    }
}

impl Strikes {
    /// What the flows go by.
    pub fn settings(&self) -> StrikeSettings {
        let rules = PolicyCode::ALL.iter().map(|policy| {
            let weighed = self.of(*policy);
            StrikeRule {
                policy: *policy,
                weight: weighed.weight,
                lasts: DAY * weighed.days,
            }
        });
        StrikeSettings {
            rules: rules.collect(),
            suspend_at: self.suspend_at,
            terminate_at: self.terminate_at,
        }
    }

    fn of(&self, policy: PolicyCode) -> Weighed {
        match policy {
            PolicyCode::TerroristContent => self.terrorist_content,
            PolicyCode::ViolentExtremism => self.violent_extremism,
            PolicyCode::PerpetratorContent => self.perpetrator_content,
            PolicyCode::HateSpeech => self.hate_speech,
            PolicyCode::GraphicViolence => self.graphic_violence,
            PolicyCode::OtherTerms => self.other_terms,
        }
    }

    /// Says what makes no sense although it is of the right kind.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let senseless = |key, what: &str| {
            Err(ConfigError::Senseless {
                key,
                what: what.to_owned(),
            })
        };
        let all = PolicyCode::ALL.iter().map(|policy| self.of(*policy));
        let is_sane = |weighed: Weighed| weighed.weight <= WEIGHT_MAX && (1..=DAYS_MAX).contains(&weighed.days);
        if !all.into_iter().all(is_sane) {
            return senseless("strikes", "weights must be at most 1000, and days 1 to 3650");
        }
        match self.suspend_at <= self.terminate_at {
            true => Ok(()),
            false => senseless("strikes.suspend_at", "must be at most strikes.terminate_at"),
        }
    }
}
