//! Variables of the environment that go before the file: `SEAWALL_SECTION_KEY`.
//!
//! The schema says which keys there are and of which kind, so that `SEAWALL_WEBHOOK_SECRET=12345` is a text and
//! `SEAWALL_MEDIA_WORKERS=2` a number. A variable that begins like a section but names no key is refused, like an unknown key of
//! the file. Other variables that begin with `SEAWALL_` are left alone: orchestrators invent such (`SEAWALL_SERVICE_HOST`).

use std::ffi::OsString;

use serde_json::Value as Json;

use super::ConfigError;
use super::sections::Config;

const PREFIX: &str = "SEAWALL_";

/// Puts the values of the variables into the table; returns the names of those that were put.
pub fn apply(table: &mut toml::Table, environment: &[(OsString, OsString)]) -> Result<Vec<String>, ConfigError> {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<Config>();
    let sections = schema.get("properties").and_then(Json::as_object);
    // Unwrap safety: the configuration is a struct with fields, and its schema an object with properties.
    let sections = sections.expect("the configuration has sections");

    let mut applied = Vec::new();
    for (name, value) in environment {
        let Some((name, rest)) = name.to_str().and_then(|name| Some((name, name.strip_prefix(PREFIX)?))) else {
            continue;
        };
        let Some((section, key)) = rest.split_once('_') else {
            continue;
        };
        let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
        let Some(section_schema) = sections.get(&section) else {
            continue;
        };
        let refuse = |what: String| ConfigError::Variable {
            name: name.to_owned(),
            what,
        };
        let Some(key_schema) = section_schema.pointer(&format!("/properties/{key}")) else {
            return Err(refuse(format!("names no key of the section [{section}]")));
        };
        let Some(value) = value.to_str() else {
            return Err(refuse("is not UTF-8".to_owned()));
        };
        let value = read(value, key_schema).map_err(refuse)?;
        // Tried by itself, so that the error names the variable.
        let alone = toml::Table::from_iter([(key.clone(), value.clone())]);
        let alone = toml::Table::from_iter([(section.clone(), toml::Value::Table(alone))]);
        alone
            .try_into::<Config>()
            .map_err(|error| refuse(format!("does not read: {}", error.message())))?;
        let place = table
            .entry(section)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        if let toml::Value::Table(place) = place {
            place.insert(key, value);
        }
        applied.push(name.to_owned());
    }
    applied.sort();
    Ok(applied)
}

/// Reads a variable's text as the kind of value that its key takes.
fn read(text: &str, schema: &Json) -> Result<toml::Value, String> {
    if has_kind(schema, "integer") {
        return text
            .trim()
            .parse()
            .map(toml::Value::Integer)
            .map_err(|_| "is not a whole number".to_owned());
    }
    if has_kind(schema, "boolean") {
        return text
            .trim()
            .parse()
            .map(toml::Value::Boolean)
            .map_err(|_| "is neither true nor false".to_owned());
    }
    if has_kind(schema, "array") {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        if schema.get("items").is_some_and(|items| has_kind(items, "integer")) {
            let numbers: Result<Vec<toml::Value>, _> =
                parts.map(|part| part.parse().map(toml::Value::Integer)).collect();
            return numbers
                .map(toml::Value::Array)
                .map_err(|_| "is not a list of whole numbers".to_owned());
        }
        return Ok(toml::Value::Array(
            parts.map(|part| toml::Value::String(part.to_owned())).collect(),
        ));
    }
    Ok(toml::Value::String(text.to_owned()))
}

/// Whether the schema allows a value of this kind: `{"type": "integer"}` or, for what may be left out, `{"type": ["integer", "null"]}`.
fn has_kind(schema: &Json, kind: &str) -> bool {
    match schema.get("type") {
        Some(Json::String(name)) => name == kind,
        Some(Json::Array(names)) => names.iter().any(|name| name == kind),
        _ => false,
    }
}
