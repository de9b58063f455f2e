//! A secret: a text that is never printed.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// A secret of the configuration. It shows itself to [`Secret::reveal`] alone.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "Anything")]
#[schemars(with = "String")]
pub struct Secret(String);

/// Reads a value of any kind, because the usual error for a wrong kind would show the value.
#[derive(Deserialize)]
#[serde(untagged)]
enum Anything {
    Text(String),
    Other(IgnoredAny),
}

impl TryFrom<Anything> for Secret {
    type Error = &'static str;

    fn try_from(value: Anything) -> Result<Self, &'static str> {
        match value {
            Anything::Text(text) => Ok(Self(text)),
            Anything::Other(_) => Err("expected a text in quotation marks"),
        }
    }
}

impl Secret {
    /// Keeps `text` secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text. It goes to where it is needed, never into a log or a message.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
