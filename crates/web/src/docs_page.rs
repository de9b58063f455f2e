//! `/api/docs`: the OpenAPI document as a page, made on the server. It needs no scripts and nothing from elsewhere.
//!
//! It knows the shapes of an OpenAPI document and nothing of what stands in this one.

use std::fmt::Write;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::Value;

use crate::openapi;
use crate::problem::{ApiError, ProblemKind};

const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static PAGE: LazyLock<String> = LazyLock::new(|| page(openapi::document()));

pub(crate) async fn get_docs() -> impl IntoResponse {
    (
        [(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY)],
        Html(PAGE.as_str()),
    )
}

pub(crate) async fn get_style() -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, "text/css; charset=utf-8"),
            (header::CACHE_CONTROL, "max-age=3600"),
        ],
        STYLE,
    )
}

/// Where the `type` of a problem leads.
pub(crate) async fn get_problem(Path(name): Path<String>) -> Result<Response, ApiError> {
    let kind = ProblemKind::ALL
        .into_iter()
        .find(|kind| kind.name() == name)
        .ok_or(ApiError::UnknownPath)?;
    Ok(Redirect::to(&format!("/api/docs#problem-{}", kind.name())).into_response())
}

const STYLE: &str = include_str!("docs_page.css");

/// The order in which methods are listed.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn page(document: &Value) -> String {
    let mut html = Markup::default();
    let title = text(&document["info"]["title"]);
    let version = text(&document["info"]["version"]);
    html.raw("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">");
    html.raw("<link rel=\"stylesheet\" href=\"/api/docs.css\">");
    html.element("title", &format!("{title} API {version}"));
    html.raw("</head><body><header>");
    html.element("h1", &format!("{title} API {version}"));
    html.prose(text(&document["info"]["description"]));
    html.raw("<p>As a file: <a href=\"/api/openapi.json\">openapi.json</a></p></header>");

    let tags: Vec<&Value> = document["tags"].as_array().into_iter().flatten().collect();
    html.raw("<nav aria-label=\"Contents\"><ul>");
    for tag in &tags {
        let _ = write!(
            html.0,
            "<li><a href=\"#tag-{0}\">{0}</a></li>",
            escape(text(&tag["name"]))
        );
    }
    html.raw("<li><a href=\"#problems\">Problems</a></li><li><a href=\"#schemas\">Schemas</a></li></ul></nav><main>");
    for tag in &tags {
        let name = text(&tag["name"]);
        let _ = write!(html.0, "<section id=\"tag-{}\">", escape(name));
        html.element("h2", name);
        html.prose(text(&tag["description"]));
        for (path, operations) in object(&document["paths"]) {
            for method in METHODS {
                let operation = &operations[method];
                if operation["tags"]
                    .as_array()
                    .is_some_and(|tags| tags.iter().any(|tag| tag == name))
                {
                    write_operation(&mut html, method, path, operation, document);
                }
            }
        }
        html.raw("</section>");
    }
    write_problems(&mut html);
    html.raw("<section id=\"schemas\"><h2>Schemas</h2>");
    for (name, schema) in object(&document["components"]["schemas"]) {
        let _ = write!(html.0, "<article id=\"schema-{}\">", escape(name));
        html.element("h3", name);
        html.prose(text(&schema["description"]));
        write_schema(&mut html, schema);
        if !schema["example"].is_null() {
            html.raw("<p>For example:</p>");
            html.example(&schema["example"]);
        }
        html.raw("</article>");
    }
    html.raw("</section></main></body></html>");
    html.0
}

fn write_operation(html: &mut Markup, method: &str, path: &str, operation: &Value, document: &Value) {
    let _ = write!(html.0, "<article id=\"{}\">", escape(text(&operation["operationId"])));
    html.element("h3", text(&operation["summary"]));
    let _ = write!(
        html.0,
        "<p class=\"path\"><b>{}</b> <code>{}</code></p>",
        escape(&method.to_uppercase()),
        escape(path)
    );
    html.prose(text(&operation["description"]));
    let parameters = operation["parameters"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if !parameters.is_empty() {
        html.raw("<h4>Parameters</h4><table><thead><tr><th>Name<th>In<th>Type<th>Meaning</thead><tbody>");
        for parameter in parameters {
            html.raw("<tr><td>");
            html.element("code", text(&parameter["name"]));
            html.raw("<td>");
            html.text(text(&parameter["in"]));
            html.raw("<td>");
            write_type(html, &parameter["schema"]);
            html.raw("<td>");
            html.inline(text(&parameter["description"]));
        }
        html.raw("</tbody></table>");
    }
    let content = object(&operation["requestBody"]["content"]);
    if !content.is_empty() {
        html.raw("<h4>Body</h4><ul>");
        for (media_type, body) in content {
            html.raw("<li>");
            html.element("code", media_type);
            html.raw(" ");
            write_type(html, &body["schema"]);
            html.raw("</li>");
        }
        html.raw("</ul>");
    }
    html.raw("<h4>Answers</h4><table><thead><tr><th>Status<th>Meaning<th>Body</thead><tbody>");
    for (status, response) in object(&operation["responses"]) {
        let response = resolve(response, document);
        html.raw("<tr><td>");
        html.text(status);
        html.raw("<td>");
        html.inline(text(&response["description"]));
        html.raw("<td>");
        for (_, body) in object(&response["content"]) {
            write_type(html, &body["schema"]);
        }
    }
    html.raw("</tbody></table></article>");
}

fn write_problems(html: &mut Markup) {
    html.raw("<section id=\"problems\"><h2>Problems</h2>");
    html.raw("<p>What stands in <code>type</code> never changes its meaning.</p>");
    html.raw("<table><thead><tr><th>Type<th>Status<th>Meaning</thead><tbody>");
    for kind in ProblemKind::ALL {
        let _ = write!(
            html.0,
            "<tr id=\"problem-{0}\"><td><code>/problems/{0}</code><td>{1}<td>",
            kind.name(),
            kind.status().as_u16()
        );
        html.text(kind.title());
    }
    html.raw("</tbody></table></section>");
}

/// The properties, variants or words of a schema.
fn write_schema(html: &mut Markup, schema: &Value) {
    for part in schema["allOf"].as_array().into_iter().flatten() {
        if part["$ref"].is_string() {
            html.raw("<p>All of ");
            write_type(html, part);
            html.raw(", and:</p>");
        } else {
            write_schema(html, part);
        }
    }
    let variants: Vec<&Value> = schema["oneOf"].as_array().into_iter().flatten().collect();
    if !variants.is_empty() {
        html.raw("<p>One of:</p><ul>");
        for variant in variants {
            html.raw("<li>");
            if variant["$ref"].is_string() {
                write_type(html, variant);
            } else {
                html.inline(text(&variant["description"]));
                write_schema(html, variant);
            }
            html.raw("</li>");
        }
        html.raw("</ul>");
    }
    let properties = object(&schema["properties"]);
    if !properties.is_empty() {
        let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
        html.raw("<table><thead><tr><th>Field<th>Type<th>Meaning</thead><tbody>");
        for (name, property) in properties {
            html.raw("<tr><td>");
            html.element("code", name);
            if !required.iter().any(|required| required == name) {
                html.raw(" <small>optional</small>");
            }
            html.raw("<td>");
            write_type(html, property);
            html.raw("<td>");
            html.inline(text(&property["description"]));
        }
        html.raw("</tbody></table>");
    } else if schema["enum"].is_array() || schema["type"].is_string() && schema["type"] != "object" {
        html.raw("<p>");
        write_type(html, schema);
        html.raw("</p>");
    }
}

/// What kind of value a schema takes, in a few words.
fn write_type(html: &mut Markup, schema: &Value) {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next())
    {
        let _ = write!(html.0, "<a href=\"#schema-{0}\">{0}</a>", escape(name));
        return;
    }
    for part in schema["oneOf"]
        .as_array()
        .into_iter()
        .chain(schema["allOf"].as_array())
        .flatten()
    {
        write_type(html, part);
        html.raw(" ");
    }
    if let Some(words) = schema["enum"].as_array() {
        for (idx, word) in words.iter().enumerate() {
            html.raw(if idx == 0 { "" } else { " | " });
            html.element("code", text(word));
        }
        return;
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => {
            html.raw("list of ");
            write_type(html, &schema["items"]);
        }
        Value::String(kind) => html.text(kind),
        Value::Array(kinds) => html.text(&kinds.iter().map(text).collect::<Vec<_>>().join(" or ")),
        _ => {}
    }
    let bounds = [
        ("minLength", "at least"),
        ("maxLength", "at most"),
        ("minItems", "at least"),
        ("maxItems", "at most"),
        ("minimum", "from"),
        ("maximum", "to"),
    ];
    for (key, word) in bounds {
        if let Some(number) = schema[key].as_number() {
            let _ = write!(html.0, ", {word} {number}");
        }
    }
    if let Some(format) = schema["format"].as_str().filter(|format| !format.starts_with("int")) {
        let _ = write!(html.0, ", {}", escape(format));
    }
}

fn resolve<'a>(value: &'a Value, document: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn object(value: &Value) -> Vec<(&String, &Value)> {
    value.as_object().map(|map| map.iter().collect()).unwrap_or_default()
}

/// HTML that is being written. What comes in as text goes out escaped.
#[derive(Default)]
struct Markup(String);

impl Markup {
    fn raw(&mut self, html: &'static str) {
        self.0.push_str(html);
    }

    fn text(&mut self, text: &str) {
        self.0.push_str(&escape(text));
    }

    fn element(&mut self, name: &'static str, text: &str) {
        // Writing to a `String` cannot fail.
        let _ = write!(self.0, "<{name}>{}</{name}>", escape(text));
    }

    fn example(&mut self, value: &Value) {
        let _ = write!(self.0, "<pre><code>{}</code></pre>", escape(&format!("{value:#}")));
    }

    /// Text in which `…` between backquotes is code.
    fn inline(&mut self, text: &str) {
        for (idx, part) in text.split('`').enumerate() {
            if idx % 2 == 0 {
                self.text(part)
            } else {
                self.element("code", part)
            }
        }
    }

    /// Paragraphs of such text.
    fn prose(&mut self, text: &str) {
        for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
            self.raw("<p>");
            self.inline(paragraph.trim());
            self.raw("</p>");
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_operation_schema_and_problem_has_its_place() {
        let (page, document) = (page(openapi::document()), openapi::document());
        for (_, operations) in object(&document["paths"]) {
            for (_, operation) in object(operations) {
                assert!(page.contains(&format!("<article id=\"{}\">", text(&operation["operationId"]))));
            }
        }
        for (name, _) in object(&document["components"]["schemas"]) {
            assert!(page.contains(&format!("id=\"schema-{name}\"")), "{name}");
        }
        for kind in ProblemKind::ALL {
            assert!(page.contains(&format!("id=\"problem-{}\"", kind.name())));
        }
        for (idx, _) in page.match_indices("href=\"#") {
            let id = page[idx + 7..].split('"').next().unwrap();
            assert!(page.contains(&format!("id=\"{id}\"")), "#{id} leads nowhere");
        }
    }

    #[test]
    fn the_page_is_quiet() {
        let page = page(openapi::document());
        for noise in ["<script", "style=", "onclick", "http://", "src="] {
            assert!(!page.contains(noise), "{noise}");
        }
    }

    #[test]
    fn text_cannot_become_markup() {
        let evil = json!({
            "info": { "title": "<script>", "description": "a `<b>` & \"c\"" },
            "tags": [{ "name": "T\"><x>" }],
            "components": { "schemas": { "<s>": { "type": "string", "format": "<f>" } } },
        });
        let page = page(&evil);
        assert!(!page.contains("<script>") && !page.contains("<x>") && !page.contains("<s>") && !page.contains("<f>"));
        assert!(page.contains("a <code>&lt;b&gt;</code> &amp; &quot;c&quot;"));
    }
}
