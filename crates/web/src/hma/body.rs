//! Bodies as HMA reads them: JSON that it checks field by field, JSON that it does not, and forms with files.

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::answers::{FieldError, Refusal};
use crate::extract::{content_type, off_thread_if_large, whole_body};
use crate::state::WebState;

/// The JSON of a request that has to have some.
pub(super) async fn read_json(state: &WebState, request: Request) -> Result<Value, Refusal> {
    if !is_json(request.headers()) {
        return Err(Refusal::Message(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Did not attempt to load JSON data because the request Content-Type was not 'application/json'.".to_owned(),
        ));
    }
    let bytes = whole_body(request, state).await?;
    parse(bytes)
        .await?
        .ok_or_else(|| Refusal::bad("Failed to decode JSON object"))
}

/// The JSON of a request, none if it has another body or none.
pub(super) async fn read_json_if_any(state: &WebState, request: Request) -> Result<Option<Value>, Refusal> {
    if !is_json(request.headers()) {
        return Ok(None);
    }
    let bytes = whole_body(request, state).await?;
    match parse(bytes).await? {
        Some(value) => Ok(Some(value)),
        None => Err(Refusal::bad("Failed to decode JSON object")),
    }
}

/// The JSON object of a request whose fields are checked one by one. `class` is HMA's name for it.
pub(super) async fn read_fields(state: &WebState, request: Request, class: &'static str) -> Result<Fields, Refusal> {
    let value = match is_json(request.headers()) {
        true => parse(whole_body(request, state).await?).await?,
        false => None,
    };
    match value {
        Some(Value::Object(map)) => Ok(Fields {
            map,
            errors: Vec::new(),
        }),
        other => {
            let mut error = FieldError::new(
                "model_type",
                &[],
                format!("Input should be a valid dictionary or instance of {class}"),
                other.unwrap_or_default(),
            );
            error.ctx = Some(json!({ "class_name": class }));
            Err(Refusal::Fields(vec![error]))
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    content_type(headers)
        .is_some_and(|kind| kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json")))
}

async fn parse(bytes: Bytes) -> Result<Option<Value>, Refusal> {
    let parsed = off_thread_if_large(bytes.len(), move || Ok(serde_json::from_slice(&bytes).ok())).await?;
    Ok(parsed)
}

/// The fields of an object, and what is wrong with those that were read so far.
#[derive(Debug)]
pub(super) struct Fields {
    map: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// A text that has to be there.
    pub fn required_text(&mut self, name: &'static str) -> String {
        if !self.map.contains_key(name) {
            let error = FieldError::missing(name, Value::Object(self.map.clone()));
            self.errors.push(error);
            return String::new();
        }
        let read = |value: &Value| value.as_str().map(str::to_owned);
        self.read(name, "string_type", "Input should be a valid string", read)
            .unwrap_or_default()
    }

    /// A text, or nothing.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        if self.map.get(name).is_none_or(Value::is_null) {
            return None;
        }
        let read = |value: &Value| value.as_str().map(str::to_owned);
        self.read(name, "string_type", "Input should be a valid string", read)
    }

    /// A number, or nothing. A text that reads as one is one.
    pub fn number(&mut self, name: &'static str) -> Option<f64> {
        if self.map.get(name).is_none_or(Value::is_null) {
            return None;
        }
        let read = |value: &Value| match value {
            Value::Number(number) => number.as_f64().filter(|number| number.is_finite()),
            Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        self.read(name, "float_type", "Input should be a valid number", read)
    }

    /// A flag, or nothing.
    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        if self.map.get(name).is_none_or(Value::is_null) {
            return None;
        }
        let message = "Input should be a valid boolean, unable to interpret input";
        self.read(name, "bool_parsing", message, as_flag)
    }

    /// Nothing, if all fields were as they should be.
    pub fn finish(self) -> Result<(), Refusal> {
        match self.errors.is_empty() {
            true => Ok(()),
            false => Err(Refusal::Fields(self.errors)),
        }
    }

    fn read<T>(
        &mut self,
        name: &'static str,
        kind: &'static str,
        message: &'static str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.map.get(name)?;
        let found = read(value);
        if found.is_none() {
            let error = FieldError::new(kind, &[name], message, value.clone());
            self.errors.push(error);
        }
        found
    }
}

/// A flag as clients of HMA write it.
pub(super) fn as_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
            "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
            _ => None,
        },
        Value::Number(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A form: its files and its other fields, by name.
#[derive(Debug, Default)]
pub(super) struct Form {
    /// Parts with a file name.
    pub files: Vec<(String, Bytes)>,
    fields: Vec<(String, Bytes)>,
}

/// Most parts of a form.
const PARTS_MAX: usize = 100;

impl Form {
    /// Reads a form. Any other body is a form without parts.
    pub async fn read(state: &WebState, request: Request) -> Result<Self, Refusal> {
        let mut form = Self::default();
        if content_type(request.headers()).as_deref() != Some("multipart/form-data") {
            return Ok(form);
        }
        let broken = |error: &dyn std::fmt::Display| Refusal::bad(format!("The form cannot be read: {error}"));
        let mut parts = Multipart::from_request(request, state)
            .await
            .map_err(|error| broken(&error))?;
        while let Some(part) = parts.next_field().await.map_err(|error| broken(&error))? {
            if form.files.len() + form.fields.len() >= PARTS_MAX {
                return Err(Refusal::bad(format!("The form has more than {PARTS_MAX} parts")));
            }
            let name = part.name().unwrap_or_default().to_owned();
            let is_file = part.file_name().is_some();
            let bytes = part.bytes().await.map_err(|error| broken(&error))?;
            match is_file {
                true => form.files.push((name, bytes)),
                false => form.fields.push((name, bytes)),
            }
        }
        Ok(form)
    }

    /// The first field of a name.
    pub fn field(&self, name: &str) -> Result<Option<String>, Refusal> {
        let Some((_, bytes)) = self.fields.iter().find(|(known, _)| known == name) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(bytes).map_err(|_| Refusal::bad(format!("{name} is not UTF-8")))?;
        Ok(Some(text.to_owned()))
    }
}
