//! The OpenAPI document: made from the routes and types of `api/`, completed with what holds for all of them.
//!
//! It is the contract: `docs/openapi.json` is a copy that has to match, clients are generated from it, and the tests send
//! what it allows and what it forbids.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::api;
use crate::problem::{Problem, ProblemKind};

/// What stands at the head of the document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Seawall",
        description = "Find, review and act on terrorist and violent-extremist content that the users of a platform post.\n\n\
            Every request carries an API key: `Authorization: Bearer sw_…`. Keys are made in the console, open what their \
            scopes name, and never decide a case. Errors are problems (RFC 9457): look at `type`. Answers carry an \
            `X-Request-Id`, yours if you send one.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "Items", description = "What the platform has judged."),
        (name = "Banks", description = "Named sets of known content."),
        (name = "Entries", description = "One piece of known content each."),
        (name = "Cases", description = "Work for people."),
        (name = "Decisions", description = "What was decided, on which facts. They never change."),
        (name = "Actions", description = "What was ordered from the platform, and how far it got."),
        (name = "Events", description = "The append-only log, each line chained to the last by its hash."),
    ),
    components(schemas(Problem)),
)]
struct Head;

static DOCUMENT: LazyLock<Value> = LazyLock::new(make);
static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = format!("{:#}", *DOCUMENT);
    text.push('\n');
    text
});

/// The OpenAPI document as JSON: indented, keys sorted, ends with a line end. The same for every server of this version.
pub fn openapi_json() -> String {
    TEXT.clone()
}

/// The document, for the page that shows it.
pub(crate) fn document() -> &'static Value {
    &DOCUMENT
}

pub(crate) async fn get_openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}

fn make() -> Value {
    let mut document = Head::openapi();
    for routes in [api::submission_routes(), api::upload_routes(), api::other_routes()] {
        document.merge(routes.into_openapi());
    }
    if let Some(components) = &mut document.components {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("sw_…")
            .description(Some("An API key, made in the console's settings and shown once."))
            .build();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
    }
    // Unwrap safety: the document is plain data with text for keys; there is nothing in it that JSON cannot hold.
    let mut document =
        serde_json::to_value(document).unwrap_or_else(|error| unreachable!("a document is JSON: {error}"));
    document["security"] = json!([{ "key": [] }]);
    document["components"]["responses"] = problem_responses();
    // The variants of a tagged enum refuse unknown fields like every other body, but their schemas do not say so by themselves.
    for variant in document["components"]["schemas"]["Signal"]["oneOf"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        variant["additionalProperties"] = json!(false);
    }
    if let Some(paths) = document["paths"].as_object_mut() {
        for operation in paths
            .values_mut()
            .filter_map(Value::as_object_mut)
            .flat_map(|path| path.values_mut())
        {
            add_problems(operation);
        }
    }
    sorted(document)
}

/// A response for each status that a problem can have.
fn problem_responses() -> Value {
    let mut responses = Map::new();
    for kind in ProblemKind::ALL {
        let status = kind.status();
        let described = responses
            .get(&name(status.as_u16()))
            .and_then(|known: &Value| known["description"].as_str());
        let description = match described {
            Some(known) => format!("{known} Or: {}.", lower_first(kind.title())),
            None => format!("{}.", kind.title()),
        };
        let mut response = json!({
            "description": description,
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        });
        if matches!(status.as_u16(), 429 | 503) {
            response["headers"] = json!({
                "Retry-After": { "description": "Seconds to wait.", "required": true, "schema": { "type": "integer", "minimum": 1 } }
            });
        }
        if status.as_u16() == 401 {
            response["headers"] = json!({
                "WWW-Authenticate": { "description": "`Bearer`.", "required": true, "schema": { "type": "string" } }
            });
        }
        responses.insert(name(status.as_u16()), response);
    }
    Value::Object(responses)
}

fn name(status: u16) -> String {
    format!("Problem{status}")
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_lowercase().chain(chars).collect())
        .unwrap_or_default()
}

/// Adds the problems that any request like this one can end in, and gives those that it declared their body.
fn add_problems(operation: &mut Value) {
    let has_parameter_in = |place: &str| {
        let parameters = operation["parameters"].as_array();
        parameters.is_some_and(|parameters| parameters.iter().any(|parameter| parameter["in"] == place))
    };
    let mut statuses = vec![401, 403, 429, 500, 503];
    if has_parameter_in("path") {
        statuses.extend([400, 404]);
    }
    if has_parameter_in("query") {
        statuses.extend([400, 422]);
    }
    if has_parameter_in("header") {
        statuses.push(422);
    }
    if operation["requestBody"].is_object() {
        statuses.extend([400, 408, 413, 415, 422]);
    }
    let Some(responses) = operation["responses"].as_object_mut() else {
        return;
    };
    for (status, response) in responses.iter_mut() {
        if status.starts_with(['4', '5']) {
            response["content"] =
                json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
        }
    }
    for status in statuses {
        let response = json!({ "$ref": format!("#/components/responses/{}", name(status)) });
        responses.entry(status.to_string()).or_insert(response);
    }
}

/// The same value with the keys of every object in order, whichever order the JSON library keeps them in.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<(String, Value)> = map.into_iter().collect();
            pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(pairs.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All objects in the document.
    fn each_object(value: &Value, visit: &mut impl FnMut(&Map<String, Value>)) {
        match value {
            Value::Object(map) => {
                visit(map);
                map.values().for_each(|value| each_object(value, visit));
            }
            Value::Array(values) => values.iter().for_each(|value| each_object(value, visit)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut n_references = 0;
        each_object(document, &mut |map| {
            if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                n_references += 1;
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
        });
        assert!(n_references > 100, "{n_references}");
    }

    #[test]
    fn request_bodies_take_no_unknown_field() {
        let schemas = &document()["components"]["schemas"];
        for name in [
            "NewItem",
            "UploadedMedia",
            "GivenMedia",
            "LinkedMedia",
            "NewBank",
            "BankChange",
            "NewEntry",
            "EntryChange",
        ] {
            assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
        }
        for variant in schemas["Signal"]["oneOf"].as_array().unwrap() {
            assert_eq!(variant["additionalProperties"], false, "{variant:#}");
        }
    }

    #[test]
    fn every_operation_says_what_it_is_and_how_it_fails() {
        let mut ids = Vec::new();
        for (path, operations) in document()["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let place = format!("{method} {path}");
                assert!(
                    operation["summary"].as_str().is_some_and(|text| !text.is_empty()),
                    "{place}"
                );
                ids.push(
                    operation["operationId"]
                        .as_str()
                        .unwrap_or_else(|| panic!("{place}"))
                        .to_owned(),
                );
                for status in ["401", "403", "429", "500", "503"] {
                    assert!(operation["responses"][status].is_object(), "{place} {status}");
                }
                assert_eq!(operation["responses"]["404"].is_object(), path.contains('{'), "{place}");
            }
        }
        let n_ids = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), n_ids);
        assert_eq!(n_ids, 22);
    }

    #[test]
    fn the_document_is_the_same_each_time() {
        assert_eq!(format!("{:#}", make()), format!("{:#}", make()));
        assert_eq!(document()["openapi"], "3.1.0");
    }
}
