//! How people's decisions are dealt with, and how it is found out whether the platform did what it confirmed.

use moderation::model::PolicyCode;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;
use super::sections::Webhook;

/// How people's decisions are dealt with.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Desk {
    /// For how many seconds a person can undo their decision: what it orders leaves after that. 0: it leaves at once. What rules decide, and
    /// decisions about live streams, always leave at once.
    pub undo_seconds: u64,
    /// Policies under which a restriction is ordered after a random delay, so that who posts such things learns less of what gave them away. Never
    /// `terrorist_content` or `perpetrator_content`.
    pub delay_policies: Vec<String>,
    /// The longest such delay, in seconds.
    pub delay_max_s: u64,
    /// What one account or channel posted within so many hours before and after an item, and what the same rule or bank found, is offered to be decided with it.
    pub run_hours: u32,
    /// In how many of a hundred turns a person is asked for a second opinion instead of the next case, where one is waiting and nothing presses. 0: only those who
    /// open the page of second opinions are asked.
    pub second_opinions_percent: u8,
}

/// The longest delay, in seconds.
const DELAY_S_MAX: u64 = 24 * 3_600;
/// The longest that the effect of a decision is held back.
const UNDO_SECONDS_MAX: u64 = 600;
/// The longest run of posts, in hours.
const RUN_HOURS_MAX: u32 = 24 * 30;
/// In how many of a hundred turns people are asked for a second opinion, and the most.
const SECOND_OPINIONS_PERCENT: u8 = 10;
const SECOND_OPINIONS_PERCENT_MAX: u8 = 50;
/// The most times that one action is checked again.
const RECHECKS_MAX: usize = 8;

impl Default for Desk {
    fn default() -> Self {
        let settings = moderation::DeskSettings::default();
        Self {
            undo_seconds: settings.undo.as_secs(),
            delay_policies: Vec::new(),
            delay_max_s: 0,
            run_hours: u32::try_from(settings.run.as_secs() / 3_600).unwrap_or(RUN_HOURS_MAX),
            second_opinions_percent: SECOND_OPINIONS_PERCENT,
        }
    }
}

impl Desk {
    /// Says what makes no sense although it is of the right kind.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let senseless = |key, what: &str| {
            Err(ConfigError::Senseless {
                key,
                what: what.to_owned(),
            })
        };
        if self.undo_seconds > UNDO_SECONDS_MAX {
            return senseless(
                "desk.undo_seconds",
                "must be at most 600: meanwhile the item stays as it is",
            );
        }
        if self.delay_max_s > DELAY_S_MAX {
            return senseless("desk.delay_max_s", "must be at most 86400");
        }
        if !(1..=RUN_HOURS_MAX).contains(&self.run_hours) {
            return senseless("desk.run_hours", "must be 1 to 720");
        }
        if self.second_opinions_percent > SECOND_OPINIONS_PERCENT_MAX {
            return senseless("desk.second_opinions_percent", "must be at most 50: cases are the work");
        }
        self.delayed().map(|_| ())
    }

    /// The policies whose restrictions are put off.
    pub fn delayed(&self) -> Result<Vec<PolicyCode>, ConfigError> {
        let names = self.delay_policies.iter();
        let parsed = names.map(|name| match name.parse() {
            Ok(PolicyCode::TerroristContent | PolicyCode::PerpetratorContent) | Err(_) => Err(ConfigError::Senseless {
                key: "desk.delay_policies",
                what: format!("`{name}` is no policy that can be put off"),
            }),
            Ok(policy) => Ok(policy),
        });
        parsed.collect()
    }
}

/// Says whether it can be found out, as the section says, whether actions were carried out.
pub(super) fn check_rechecks(webhook: &Webhook) -> Result<(), ConfigError> {
    let senseless = |key, what: &str| ConfigError::Senseless {
        key,
        what: what.to_owned(),
    };
    let times = &webhook.recheck_after_s;
    let is_rising = times.windows(2).all(|pair| pair[0] < pair[1]);
    if !(1..=RECHECKS_MAX).contains(&times.len()) || !is_rising {
        return Err(senseless(
            "webhook.recheck_after_s",
            "must be 1 to 8 numbers in rising order",
        ));
    }
    if let Some(url) = &webhook.probe_url {
        let checked = moderation::actions::probe::check_address(url);
        checked.map_err(|error| senseless("webhook.probe_url", &error.to_string()))?;
        if webhook.recheck_ask {
            return Err(senseless(
                "webhook.recheck_ask",
                "must not be set beside webhook.probe_url: choose one",
            ));
        }
    }
    Ok(())
}
