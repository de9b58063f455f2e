//! Answers in HMA's shapes: `{"message": …}` for what is refused, a list of fields with 422 for parameters that do not
//! read, a small page for unknown paths and methods.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use moderation::flows::hma::HmaError;
use moderation::media::ScanError;
use moderation::views::ViewError;
use serde::Serialize;
use serde_json::{Value, json};

use crate::problem::{ApiError, chain};

/// Why a request is not answered as the client hoped.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A status and a sentence.
    Message(StatusCode, String),
    /// Parameters or fields that do not read.
    Fields(Vec<FieldError>),
    /// There is nothing at this path.
    UnknownPath,
    /// What Seawall says of itself: too busy, the store is away.
    Api(ApiError),
}

/// A parameter or field that does not read, as pydantic words it for HMA.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FieldError {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub loc: Vec<String>,
    pub msg: String,
    pub input: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctx: Option<Value>,
    pub url: String,
}

impl FieldError {
    pub fn new(kind: &'static str, loc: &[&str], msg: impl Into<String>, input: Value) -> Self {
        Self {
            kind,
            loc: loc.iter().map(|part| (*part).to_owned()).collect(),
            msg: msg.into(),
            input,
            ctx: None,
            // The page that explains the kind; clients of HMA may show it.
            url: format!("https://errors.pydantic.dev/2.14/v/{kind}"),
        }
    }

    pub fn missing(name: &str, input: Value) -> Self {
        Self::new("missing", &[name], "Field required", input)
    }
}

impl Refusal {
    pub fn bad(message: impl Into<String>) -> Self {
        Refusal::Message(StatusCode::BAD_REQUEST, message.into())
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Refusal::Message(StatusCode::NOT_FOUND, message.into())
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Refusal::Message(StatusCode::FORBIDDEN, message.into())
    }

    /// What a flow refused, where `NotFound` means that the bank is missing.
    pub fn of_bank(error: HmaError, bank: &str) -> Self {
        match error {
            HmaError::NotFound => no_bank(bank),
            other => other.into(),
        }
    }
}

/// There is no such bank.
pub(super) fn no_bank(name: &str) -> Refusal {
    Refusal::not_found(format!("bank '{name}' not found"))
}

/// What a file is that is larger than the limit.
pub(super) fn too_large() -> Refusal {
    Refusal::Message(StatusCode::PAYLOAD_TOO_LARGE, "Content too large".to_owned())
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Refusal::Api(error)
    }
}

impl From<ViewError> for Refusal {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Denied(denied) => Refusal::Api(denied.into()),
            ViewError::Store(error) => Refusal::Api(error.into()),
            ViewError::BadCursor | ViewError::Resting { .. } => Refusal::UnknownPath,
        }
    }
}

impl From<HmaError> for Refusal {
    fn from(error: HmaError) -> Self {
        match error {
            HmaError::Denied(denied) => Refusal::Api(denied.into()),
            HmaError::NotFound => Refusal::not_found("not found"),
            HmaError::NameTaken => Refusal::forbidden("Bank already exists"),
            HmaError::Invalid { what } => Refusal::bad(what),
            HmaError::Unscannable(ScanError::TooLarge { .. }) => too_large(),
            HmaError::Unscannable(error) => Refusal::bad(format!("the file cannot be hashed: {error}")),
            HmaError::Broken => Refusal::bad("the file cannot be hashed: it breaks off or is damaged"),
            HmaError::Busy => Refusal::Api(ApiError::Busy {
                what: "Too many files are waiting to be decoded.",
            }),
            HmaError::TooManyDisabled => Refusal::Message(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            HmaError::Store(error) => Refusal::Api(error.into()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::Message(status, message) => (status, Json(json!({ "message": message }))).into_response(),
            Refusal::Fields(errors) => (StatusCode::UNPROCESSABLE_ENTITY, Json(errors)).into_response(),
            Refusal::UnknownPath => page(StatusCode::NOT_FOUND, "Nothing is served at this path."),
            // Becomes a message in `speak_hma`, like what the layers refuse.
            Refusal::Api(error) => error.into_response(),
        }
    }
}

pub(super) async fn unknown_path() -> Response {
    Refusal::UnknownPath.into_response()
}

pub(super) async fn method_not_allowed() -> Response {
    page(
        StatusCode::METHOD_NOT_ALLOWED,
        "This path exists, but not for this method.",
    )
}

fn page(status: StatusCode, what: &str) -> Response {
    let name = status.canonical_reason().unwrap_or_default();
    let text = format!(
        "<!doctype html>\n<html lang=en>\n<title>{} {name}</title>\n<h1>{name}</h1>\n<p>{what}</p>\n",
        status.as_u16()
    );
    (status, Html(text)).into_response()
}

/// Most bytes of a problem that is put into HMA's shape.
const PROBLEM_BYTES_MAX: usize = 64 << 10;

/// Puts what the layers refuse into HMA's shape: they speak `application/problem+json`.
pub(super) async fn speak_hma(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value == "application/problem+json");
    if !is_problem {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let message = match to_bytes(body, PROBLEM_BYTES_MAX).await {
        Ok(bytes) => serde_json::from_slice::<Value>(&bytes).unwrap_or_default(),
        Err(error) => {
            tracing::error!(error = %chain(&error), "cannot read an answer of our own");
            Value::Null
        }
    };
    let detail = message["detail"].as_str().unwrap_or("The request was refused.");
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    Response::from_parts(parts, Body::from(json!({ "message": detail }).to_string()))
}
