//! The section of the configuration file about the second person. The comment of each field is its manual.

use std::time::Duration;

use moderation::model::{PolicyCode, Proposal, TwoPersonSettings};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;

/// When a person's judgement needs a second person before it becomes a decision. Whoever proposes it is never the second; until somebody approves it, the item stays as it
/// is and its case keeps its deadline.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TwoPerson {
    /// One person decides on so many items at once; a judgement on more of them waits for a second person. 0: every judgement does.
    pub items_over: u32,
    /// Nobody restricts under these policies alone, such as `terrorist_content`.
    pub policies: Vec<String>,
    /// A proposal that nobody looked at for so many hours lapses, and its cases are handed out again.
    pub lapse_hours: u32,
}

/// The longest that a proposal waits.
const LAPSE_HOURS_MAX: u32 = 24 * 30;

impl Default for TwoPerson {
    fn default() -> Self {
        let settings = TwoPersonSettings::default();
        Self {
            items_over: u32::try_from(settings.items_over).unwrap_or(u32::MAX),
            policies: Vec::new(),
            lapse_hours: u32::try_from(settings.lapses_after.as_secs() / 3_600).unwrap_or(LAPSE_HOURS_MAX),
        }
    }
}

impl TwoPerson {
    /// What the flows go by.
    pub fn settings(&self) -> Result<TwoPersonSettings, ConfigError> {
        Ok(TwoPersonSettings {
            items_over: usize::try_from(self.items_over).unwrap_or(usize::MAX),
            policies: self.named()?,
            lapses_after: Duration::from_secs(u64::from(self.lapse_hours) * 3_600),
        })
    }

    fn named(&self) -> Result<Vec<PolicyCode>, ConfigError> {
        let names = self.policies.iter();
        let parsed = names.map(|name| {
            name.parse().map_err(|_| ConfigError::Senseless {
                key: "two_person.policies",
                what: format!("`{name}` is no policy"),
            })
        });
        parsed.collect()
    }

    /// Says what makes no sense although it is of the right kind.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let senseless = |key, what: String| Err(ConfigError::Senseless { key, what });
        if usize::try_from(self.items_over).is_ok_and(|n| n > Proposal::ITEMS_MAX) {
            let what = format!(
                "must be at most {}, the most items of one judgement",
                Proposal::ITEMS_MAX
            );
            return senseless("two_person.items_over", what);
        }
        if !(1..=LAPSE_HOURS_MAX).contains(&self.lapse_hours) {
            return senseless("two_person.lapse_hours", "must be 1 to 720".to_owned());
        }
        self.named().map(|_| ())
    }
}
