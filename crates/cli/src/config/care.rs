//! The section of the configuration file about the people at the desk. The comment of each field is its manual.

use std::time::Duration;

use moderation::model::care::CareSettings;
use schemars::JsonSchema;
use serde::Deserialize;

/// How much one person looks at before they rest. When a cap is reached, pictures stay covered for that person until it ends; evidence, text and decisions stay as they are.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Care {
    /// The most clear pictures that one person uncovers in 24 hours; 0 for any number.
    pub reveals_per_day: u32,
    /// The most that they uncover without a break; 0 for any number.
    pub reveals_in_a_row: u32,
    /// How long a break is, in minutes.
    pub rest_minutes: u32,
}

impl Default for Care {
    fn default() -> Self {
        let care = CareSettings::default();
        Self {
            reveals_per_day: care.reveals_per_day,
            reveals_in_a_row: care.reveals_in_a_row,
            rest_minutes: 10,
        }
    }
}

impl Care {
    /// What it means to the parts of Seawall.
    pub fn settings(&self) -> CareSettings {
        CareSettings {
            reveals_per_day: self.reveals_per_day,
            reveals_in_a_row: self.reveals_in_a_row,
            rest: Duration::from_secs(u64::from(self.rest_minutes) * 60),
        }
    }
}
