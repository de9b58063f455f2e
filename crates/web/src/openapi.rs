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
            scopes name, and never decide a case. A person's token acts as the person. Errors are problems (RFC 9457): look at `type`. Answers carry an \
            `X-Request-Id`, yours if you send one.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "Items", description = "What the platform has judged."),
        (name = "Banks", description = "Named sets of known content."),
        (name = "Entries", description = "One piece of known content each."),
        (name = "Streams", description = "Live streams, looked at while they go on."),
        (name = "Cases", description = "Work for people."),
        (name = "Decisions", description = "What was decided, on which facts. They never change."),
        (name = "Actions", description = "What was ordered from the platform, and how far it got."),
        (name = "Rules", description = "What should happen, written down: rules, how they change, lists and labels that they read."),
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
    for routes in [
        api::submission_routes(),
        api::import_routes(),
        api::piece_routes(),
        api::other_routes(),
    ] {
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
    api::complete_item_schemas(&mut document["components"]["schemas"]);
    api::complete_entry_schemas(&mut document["components"]["schemas"]);
    if let Some(paths) = document["paths"].as_object_mut() {
        for operation in paths
            .values_mut()
            .filter_map(Value::as_object_mut)
            .flat_map(|path| path.values_mut())
        {
            add_problems(operation);
            add_links(operation);
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

/// Where the ids in an answer lead: operation, status, what stands where in the answer, and the parameter of another
/// operation that takes it.
const LINKS: [(&str, &str, &str, &str, &str); 28] = [
    ("open_stream", "201", "$response.body#/id", "get_stream", "stream"),
    ("open_stream", "201", "$response.body#/id", "push_segment", "stream"),
    ("open_stream", "201", "$response.body#/id", "close_stream", "stream"),
    (
        "list_streams",
        "200",
        "$response.body#/rows/0/id",
        "get_stream",
        "stream",
    ),
    ("submit_item", "200", "$response.body#/item", "get_item", "item"),
    (
        "submit_item",
        "200",
        "$response.body#/decision",
        "get_decision",
        "decision",
    ),
    ("submit_item", "200", "$response.body#/case", "get_case", "case"),
    ("list_items", "200", "$response.body#/rows/0/id", "get_item", "item"),
    ("search_items", "200", "$response.body#/rows/0/id", "get_item", "item"),
    (
        "list_proposals",
        "200",
        "$response.body#/rows/0/id",
        "get_proposal",
        "proposal",
    ),
    (
        "list_proposals",
        "200",
        "$response.body#/rows/0/id",
        "end_proposal",
        "proposal",
    ),
    ("list_banks", "200", "$response.body#/rows/0/id", "get_bank", "bank"),
    ("list_banks", "200", "$response.body#/rows/0/id", "list_entries", "bank"),
    ("create_bank", "201", "$response.body#/id", "get_bank", "bank"),
    ("create_bank", "201", "$response.body#/id", "change_bank", "bank"),
    ("create_bank", "201", "$response.body#/id", "create_entry", "bank"),
    ("create_bank", "201", "$response.body#/id", "import_entries", "bank"),
    ("list_entries", "200", "$response.body#/rows/0/id", "get_entry", "entry"),
    ("create_entry", "201", "$response.body#/id", "get_entry", "entry"),
    ("create_entry", "201", "$response.body#/id", "change_entry", "entry"),
    ("create_entry", "201", "$response.body#/id", "set_incident", "entry"),
    ("list_cases", "200", "$response.body#/rows/0/id", "get_case", "case"),
    (
        "get_case",
        "200",
        "$response.body#/opened_by",
        "get_decision",
        "decision",
    ),
    (
        "list_decisions",
        "200",
        "$response.body#/rows/0/id",
        "get_decision",
        "decision",
    ),
    (
        "list_actions",
        "200",
        "$response.body#/rows/0/id",
        "get_action",
        "action",
    ),
    (
        "list_actions",
        "200",
        "$response.body#/rows/0/id",
        "retry_action",
        "action",
    ),
    (
        "get_action",
        "200",
        "$response.body#/decision",
        "get_decision",
        "decision",
    ),
    ("list_events", "200", "$response.body#/rows/0/seq", "get_event", "seq"),
];

fn add_links(operation: &mut Value) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    for (_, status, expression, target, parameter) in LINKS.iter().filter(|(from, ..)| *from == id) {
        let link = json!({ "operationId": target, "parameters": { *parameter: expression } });
        operation["responses"][status]["links"][target] = link;
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
    use std::collections::HashMap;

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
            "DescribedMedia",
            "TranscriptLine",
            "NewBank",
            "BankChange",
            "NewEntry",
            "NewEntryPart",
            "NewEntryForm",
            "EntryChange",
            "Incident",
            "NewStream",
            "StreamFrames",
            "StreamFrame",
            "ProposalDecision",
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
                // What is named in the path may not be there, and what these two name elsewhere.
                let names_something = path.contains('{')
                    || ["delete /api/v1/labels", "post /api/v1/rules/rollback"].contains(&place.as_str());
                assert_eq!(operation["responses"]["404"].is_object(), names_something, "{place}");
            }
        }
        let n_ids = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), n_ids);
        assert_eq!(n_ids, 60);
    }

    #[test]
    fn every_link_joins_what_there_is() {
        let operations: HashMap<&str, &Value> = object_values(&document()["paths"])
            .flat_map(object_values)
            .map(|operation| (operation["operationId"].as_str().unwrap(), operation))
            .collect();
        for (from, status, _, to, parameter) in LINKS {
            let response = &operations[from]["responses"][status];
            assert!(
                response["content"].is_object() && response["links"][to].is_object(),
                "{from} {status}"
            );
            let parameters = operations[to]["parameters"].as_array().unwrap();
            assert!(
                parameters
                    .iter()
                    .any(|found| found["name"] == parameter && found["in"] == "path"),
                "{to}"
            );
        }
    }

    fn object_values(value: &Value) -> impl Iterator<Item = &Value> {
        value.as_object().unwrap().values()
    }

    #[test]
    fn the_document_is_the_same_each_time() {
        assert_eq!(format!("{:#}", make()), format!("{:#}", make()));
        assert_eq!(document()["openapi"], "3.1.0");
    }
}
