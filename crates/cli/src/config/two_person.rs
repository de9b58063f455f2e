//! The section of the configuration file about the second person. The comment of each field is its manual.

use std::time::Duration;

use moderation::model::{Proposal, TwoPersonSettings};
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
    /// Nobody takes these measures alone: `termination`, unless you say otherwise. See `[measures]`.
    pub measures: Vec<String>,
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
            measures: settings.measures.iter().map(ToString::to_string).collect(),
            lapse_hours: u32::try_from(settings.lapses_after.as_secs() / 3_600).unwrap_or(LAPSE_HOURS_MAX),
        }
    }
}

impl TwoPerson {
    /// What the flows go by.
    pub fn settings(&self) -> Result<TwoPersonSettings, ConfigError> {
        Ok(TwoPersonSettings {
            items_over: usize::try_from(self.items_over).unwrap_or(usize::MAX),
            policies: named("two_person.policies", &self.policies, "policy")?,
            measures: named("two_person.measures", &self.measures, "measure")?,
            lapses_after: Duration::from_secs(u64::from(self.lapse_hours) * 3_600),
        })
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
        self.settings().map(|_| ())
    }
}

fn named<T: std::str::FromStr>(key: &'static str, names: &[String], kind: &str) -> Result<Vec<T>, ConfigError> {
    let parsed = names.iter().map(|name| {
        name.parse().map_err(|_| ConfigError::Senseless {
            key,
            what: format!("`{name}` is no {kind}"),
        })
    });
    parsed.collect()
}
