//! The section of the configuration file about what the platform can do. The comment of each field is its manual.

use moderation::model::{Measure, MeasureSettings, Restricted};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;

/// What people at the desk can have done about an item and the account that posted it. Leave out what your platform cannot do: it would refuse the order.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Measures {
    /// The measures that people may choose: `item`, `countries`, `reach`, `age`, `comments`, `interaction`, `label`, `warning`, `account`, `service`,
    /// `monetisation`, `termination`. `item` is always among them.
    pub offered: Vec<String>,
    /// The labels that your platform can put by an item, by your own names of small letters, digits, `_` and `-`; with none, no label is offered.
    pub labels: Vec<String>,
    /// The services that it can close to an account one by one, such as `live` or `upload`; with none, none is offered.
    pub services: Vec<String>,
}

/// The most labels, and the most services.
const WORDS_MAX: usize = 50;

impl Default for Measures {
    fn default() -> Self {
        let settings = MeasureSettings::default();
        Self {
            offered: settings.offered.iter().map(ToString::to_string).collect(),
            labels: settings.labels,
            services: settings.services,
        }
    }
}

impl Measures {
    /// Says what makes no sense although it is of the right kind.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let settings = self.settings()?;
        if !settings.offered.contains(&Restricted::Item) {
            return Err(ConfigError::Senseless {
                key: "measures.offered",
                what: "must have `item`: what is decided most often".to_owned(),
            });
        }
        check_words("measures.labels", &self.labels)?;
        check_words("measures.services", &self.services)
    }

    /// What it means to the parts of Seawall.
    pub fn settings(&self) -> Result<MeasureSettings, ConfigError> {
        let offered = self.offered.iter().map(|name| {
            name.parse().map_err(|_| ConfigError::Senseless {
                key: "measures.offered",
                what: format!("`{name}` is no measure"),
            })
        });
        Ok(MeasureSettings {
            offered: offered.collect::<Result<_, _>>()?,
            labels: self.labels.clone(),
            services: self.services.clone(),
        })
    }
}

fn check_words(key: &'static str, words: &[String]) -> Result<(), ConfigError> {
    let is_word = |word: &String| {
        let is_sign = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        (1..=Measure::WORD_LENGTH_MAX).contains(&word.len()) && word.chars().all(is_sign)
    };
    match words.len() <= WORDS_MAX && words.iter().all(is_word) {
        true => Ok(()),
        false => Err(ConfigError::Senseless {
            key,
            what: "must be at most 50 words of up to 32 small letters, digits, `_` and `-`".to_owned(),
        }),
    }
}
