//! The section of the configuration file about the console. The comment of each field is its manual.

use moderation::model::Zone;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;

/// How the console is shown to people who chose nothing else.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// The time zone in which times are told, by its name in the tz database, such as `Europe/Berlin`. Each person may choose another. What is kept, exported and told
    /// to programs is in UTC whatever stands here.
    pub time_zone: String,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            time_zone: Zone::UTC.name().to_owned(),
        }
    }
}

impl Console {
    /// The time zone.
    pub fn zone(&self) -> Result<Zone, ConfigError> {
        Zone::named(&self.time_zone).ok_or_else(|| ConfigError::Senseless {
            key: "console.time_zone",
            what: "must be a time zone of the tz database, such as Europe/Berlin or UTC".to_owned(),
        })
    }
}
