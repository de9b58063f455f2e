//! The configuration: one TOML file in which every key may be left out, and variables of the environment that go before it.
//!
//! [`sections`] is the manual: one struct for each section, and the comment of each field says what it does. Unknown keys are
//! refused, so that a misspelt limit is an error and not a missing limit. This module knows files and variables; what a value
//! means to the server stands in [`settings`].

pub mod care;
pub mod console;
pub mod desk;
pub mod mail;
pub mod measures;
pub mod oidc;
pub mod routing;
pub mod sections;
pub mod settings;
pub mod strikes;
pub mod two_person;
pub mod video;

mod environment;
mod secret;

pub use secret::Secret;
pub use sections::Config;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where the file is looked for when nothing names one.
const USUAL_PLACES: [&str; 2] = ["seawall.toml", "/etc/seawall/seawall.toml"];

/// The variable that names the file.
const FILE_VARIABLE: &str = "SEAWALL_CONFIG";

/// The configuration makes no sense. Says where and what to do; never the value of a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is not TOML, has an unknown key, or a value of the wrong kind.
    #[error("the configuration `{path}` does not read: {what}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, key, and what was expected.
        what: String,
    },
    /// A variable names no key, or its value is of the wrong kind.
    #[error("the variable {name} {what}")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// A value is of the right kind but makes no sense.
    #[error("{key}: {what}")]
    Senseless {
        /// The key, such as `webhook.url`.
        key: &'static str,
        /// What is wrong and what to do.
        what: String,
    },
    /// The file that holds a secret cannot be read.
    #[error("cannot read the file that {key} names, `{path}`")]
    SecretFile {
        /// The key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// The configuration, and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What holds.
    pub config: Config,
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// The variables that went before the file, by name.
    pub variables: Vec<String>,
}

/// Reads the file that `named` names, or that is found in the usual places, and the variables of `environment`.
pub fn load(
    named: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Loaded, ConfigError> {
    let environment: Vec<(OsString, OsString)> = environment.into_iter().collect();
    let from_variable = environment
        .iter()
        .find(|(name, _)| name == FILE_VARIABLE)
        .map(|(_, value)| PathBuf::from(value));
    let named = named
        .map(Path::to_owned)
        .or(from_variable.filter(|path| !path.as_os_str().is_empty()));
    let file = match named {
        Some(path) => Some(path),
        None => USUAL_PLACES.iter().map(PathBuf::from).find(|path| path.is_file()),
    };
    let text = match &file {
        Some(path) => std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.clone(),
            source,
        })?,
        None => String::new(),
    };
    let (config, variables) = parse(file.as_deref().unwrap_or(Path::new("(none)")), &text, &environment)?;
    Ok(Loaded {
        config,
        file,
        variables,
    })
}

/// Reads the text of a file and lets the variables go before it. The second value names the variables that did.
fn parse(path: &Path, text: &str, environment: &[(OsString, OsString)]) -> Result<(Config, Vec<String>), ConfigError> {
    // Read by itself first: only the text knows line numbers, and a wrong file shall not hide behind a right variable.
    let malformed = |error: toml::de::Error| ConfigError::Malformed {
        path: path.to_owned(),
        what: explain(&error, text),
    };
    let _: Config = toml::from_str(text).map_err(malformed)?;
    let mut table: toml::Table = toml::from_str(text).map_err(malformed)?;
    let variables = environment::apply(&mut table, environment)?;
    let config: Config = table.try_into().map_err(malformed)?;
    config.check()?;
    Ok((config, variables))
}

/// Line and reason. The library's own form also shows the line, which may hold a secret.
fn explain(error: &toml::de::Error, text: &str) -> String {
    let reason = error.message().trim().replace('\n', ", ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {reason}", before.matches('\n').count() + 1),
        None => reason,
    }
}

/// The schema of the configuration file (JSON Schema 2020-12), for editors and for the documentation.
pub fn schema_json() -> String {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(Config)).unwrap_or_else(|error| {
        // Unwrap safety: a schema is plain JSON with text keys; there is nothing in it that could not be written.
        unreachable!("a schema is JSON: {error}")
    });
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
