//! Everything that can go wrong with a request, and the one place that says so: RFC 9457, `application/problem+json`.
//!
//! A handler returns [`ApiError`]; [`ApiError::problem`] is the only function that knows what status it has and what the
//! client is told to do. The kinds are stable: programs look at `type`, people at `detail` and `remedy`.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use moderation::flows::banks::BankError;
use moderation::flows::submit::SubmitError;
use moderation::media::ScanError;
use moderation::model::Denied;
use moderation::store::StoreError;
use moderation::views::ViewError;
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong with a request.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The request cannot be read: its JSON, its multipart form, its encoding.
    #[error("malformed request: {what}")]
    Malformed {
        /// What is wrong.
        what: String,
    },
    /// No valid key came with the request.
    #[error("no valid API key")]
    Unauthenticated {
        /// What is wrong.
        what: &'static str,
    },
    /// The key does not open this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The path names a thing that does not exist.
    #[error("no such {thing}")]
    NotFound {
        /// The kind of thing.
        thing: &'static str,
    },
    /// The path names nothing.
    #[error("no such path")]
    UnknownPath,
    /// The path exists, but not for this method.
    #[error("the method is not allowed here")]
    MethodNotAllowed,
    /// The client sent its body too slowly.
    #[error("the body came too slowly")]
    SlowBody,
    /// The request contradicts what there is.
    #[error("{what}")]
    Conflict {
        /// What.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The body is larger than the limit.
    #[error("the body is larger than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// The body is of a type that is not taken here.
    #[error("expected {expected}")]
    UnsupportedMediaType {
        /// What is taken here.
        expected: &'static str,
    },
    /// A field has a value that it cannot have.
    #[error("{field} {what}")]
    Invalid {
        /// Where, such as `media[0].signals[1].value`.
        field: String,
        /// What is wrong with it.
        what: String,
    },
    /// Lines of a file cannot be read. Nothing was taken.
    #[error("{n_errors} lines cannot be read")]
    InvalidLines {
        /// The first of them.
        errors: Vec<LineProblem>,
        /// How many there are.
        n_errors: usize,
    },
    /// A file that was to become an entry cannot be hashed.
    #[error("the file cannot be hashed")]
    Unscannable(#[source] ScanError),
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Too many requests.
    #[error("too many requests")]
    RateLimited {
        /// When to try again.
        retry_after: Duration,
    },
    /// The server has too much to do.
    #[error("busy: {what}")]
    Busy {
        /// What is scarce.
        what: &'static str,
    },
    /// The work took too long.
    #[error("the request took too long")]
    TimedOut,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// A handler panicked. Our mistake.
    #[error("a handler panicked")]
    Panicked,
}

/// How long a client should wait when the server is busy.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(2);

/// A kind of problem: what stands in `type`, with its status and title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// See [`ApiError::Malformed`].
    MalformedRequest,
    /// See [`ApiError::Unauthenticated`].
    Unauthenticated,
    /// See [`ApiError::Denied`].
    Forbidden,
    /// See [`ApiError::NotFound`].
    NotFound,
    /// See [`ApiError::UnknownPath`].
    UnknownPath,
    /// See [`ApiError::MethodNotAllowed`].
    MethodNotAllowed,
    /// See [`ApiError::SlowBody`].
    SlowBody,
    /// See [`ApiError::Conflict`].
    Conflict,
    /// See [`ApiError::TooLarge`].
    TooLarge,
    /// See [`ApiError::UnsupportedMediaType`].
    UnsupportedMediaType,
    /// See [`ApiError::Invalid`] and [`ApiError::InvalidLines`].
    InvalidField,
    /// See [`ApiError::Unscannable`].
    Unscannable,
    /// See [`ApiError::KeyReused`].
    IdempotencyKeyReused,
    /// See [`ApiError::RateLimited`].
    RateLimited,
    /// See [`ApiError::Store`] and [`ApiError::Panicked`].
    Internal,
    /// See [`ApiError::Busy`] and [`ApiError::TimedOut`]; also a store that is away for a while.
    Busy,
}

impl ProblemKind {
    /// All kinds, by status.
    pub const ALL: [ProblemKind; 16] = [
        ProblemKind::MalformedRequest,
        ProblemKind::Unauthenticated,
        ProblemKind::Forbidden,
        ProblemKind::NotFound,
        ProblemKind::UnknownPath,
        ProblemKind::MethodNotAllowed,
        ProblemKind::SlowBody,
        ProblemKind::Conflict,
        ProblemKind::TooLarge,
        ProblemKind::UnsupportedMediaType,
        ProblemKind::InvalidField,
        ProblemKind::Unscannable,
        ProblemKind::IdempotencyKeyReused,
        ProblemKind::RateLimited,
        ProblemKind::Internal,
        ProblemKind::Busy,
    ];

    /// The last part of its `type`. Never changed or reused.
    pub const fn name(self) -> &'static str {
        match self {
            ProblemKind::MalformedRequest => "malformed-request",
            ProblemKind::Unauthenticated => "unauthenticated",
            ProblemKind::Forbidden => "forbidden",
            ProblemKind::NotFound => "not-found",
            ProblemKind::UnknownPath => "unknown-path",
            ProblemKind::MethodNotAllowed => "method-not-allowed",
            ProblemKind::SlowBody => "slow-body",
            ProblemKind::Conflict => "conflict",
            ProblemKind::TooLarge => "too-large",
            ProblemKind::UnsupportedMediaType => "unsupported-media-type",
            ProblemKind::InvalidField => "invalid-field",
            ProblemKind::Unscannable => "unscannable",
            ProblemKind::IdempotencyKeyReused => "idempotency-key-reused",
            ProblemKind::RateLimited => "rate-limited",
            ProblemKind::Internal => "internal",
            ProblemKind::Busy => "busy",
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        match self {
            ProblemKind::MalformedRequest => StatusCode::BAD_REQUEST,
            ProblemKind::Unauthenticated => StatusCode::UNAUTHORIZED,
            ProblemKind::Forbidden => StatusCode::FORBIDDEN,
            ProblemKind::NotFound | ProblemKind::UnknownPath => StatusCode::NOT_FOUND,
            ProblemKind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ProblemKind::SlowBody => StatusCode::REQUEST_TIMEOUT,
            ProblemKind::Conflict => StatusCode::CONFLICT,
            ProblemKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ProblemKind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ProblemKind::InvalidField | ProblemKind::Unscannable | ProblemKind::IdempotencyKeyReused => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            ProblemKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ProblemKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            ProblemKind::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What all problems of the kind have in common, in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            ProblemKind::MalformedRequest => "The request cannot be read",
            ProblemKind::Unauthenticated => "No valid API key",
            ProblemKind::Forbidden => "The API key does not open this",
            ProblemKind::NotFound => "There is no such thing",
            ProblemKind::UnknownPath => "There is no such path",
            ProblemKind::MethodNotAllowed => "The path does not take this method",
            ProblemKind::SlowBody => "The request came too slowly",
            ProblemKind::Conflict => "The request contradicts what there is",
            ProblemKind::TooLarge => "The request is too large",
            ProblemKind::UnsupportedMediaType => "The content type is not taken here",
            ProblemKind::InvalidField => "A field is not as it should be",
            ProblemKind::Unscannable => "The file cannot be hashed",
            ProblemKind::IdempotencyKeyReused => "The idempotency key belongs to another request",
            ProblemKind::RateLimited => "Too many requests",
            ProblemKind::Internal => "Seawall made a mistake",
            ProblemKind::Busy => "Too busy just now",
        }
    }
}

/// A problem as it is sent: RFC 9457, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// The stable name of the kind of problem, a reference relative to the server: what a program should look at.
    #[serde(rename = "type")]
    #[schema(pattern = "^/problems/[a-z-]+$", example = "/problems/invalid-field")]
    pub problem_type: String,
    /// What all problems of the kind have in common.
    pub title: String,
    /// The HTTP status, again.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong this time.
    pub detail: String,
    /// What to do about it.
    pub remedy: String,
    /// The part of the request that is wrong, such as `media[0].signals[1].value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub field: Option<String>,
    /// The lines of a file that cannot be read, the first hundred of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<LineProblem>,
}

/// A line of a file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LineProblem {
    /// Which line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub detail: String,
}

impl LineProblem {
    /// Most lines that are named.
    pub(crate) const N_MAX: usize = 100;
}

impl ApiError {
    /// A field that is not as it should be.
    pub fn invalid(field: impl Into<String>, what: impl Into<String>) -> Self {
        ApiError::Invalid {
            field: field.into(),
            what: what.into(),
        }
    }

    /// The kind of problem that it is.
    pub fn kind(&self) -> ProblemKind {
        match self {
            ApiError::Malformed { .. } => ProblemKind::MalformedRequest,
            ApiError::Unauthenticated { .. } => ProblemKind::Unauthenticated,
            ApiError::Denied(_) => ProblemKind::Forbidden,
            ApiError::NotFound { .. } => ProblemKind::NotFound,
            ApiError::UnknownPath => ProblemKind::UnknownPath,
            ApiError::MethodNotAllowed => ProblemKind::MethodNotAllowed,
            ApiError::SlowBody => ProblemKind::SlowBody,
            ApiError::Conflict { .. } => ProblemKind::Conflict,
            ApiError::TooLarge { .. } => ProblemKind::TooLarge,
            ApiError::UnsupportedMediaType { .. } => ProblemKind::UnsupportedMediaType,
            ApiError::Invalid { .. } | ApiError::InvalidLines { .. } => ProblemKind::InvalidField,
            ApiError::Unscannable(_) => ProblemKind::Unscannable,
            ApiError::KeyReused => ProblemKind::IdempotencyKeyReused,
            ApiError::RateLimited { .. } => ProblemKind::RateLimited,
            ApiError::Busy { .. } | ApiError::TimedOut => ProblemKind::Busy,
            ApiError::Store(error) if error.is_unavailable() => ProblemKind::Busy,
            ApiError::Store(_) | ApiError::Panicked => ProblemKind::Internal,
        }
    }

    /// What the client is told.
    pub fn problem(&self) -> Problem {
        let (detail, remedy) = self.words();
        let kind = self.kind();
        let field = match self {
            ApiError::Invalid { field, .. } => Some(field.clone()),
            ApiError::InvalidLines { .. } => Some("body".to_owned()),
            ApiError::KeyReused => Some("Idempotency-Key".to_owned()),
            _ => None,
        };
        let errors = match self {
            ApiError::InvalidLines { errors, .. } => errors.clone(),
            _ => Vec::new(),
        };
        Problem {
            problem_type: format!("/problems/{}", kind.name()),
            title: kind.title().to_owned(),
            status: kind.status().as_u16(),
            detail,
            remedy: remedy.to_owned(),
            field,
            errors,
        }
    }

    /// What is wrong, and what to do about it.
    fn words(&self) -> (String, &'static str) {
        match self {
            ApiError::Malformed { what } => (what.clone(), "Send the request as the OpenAPI document describes it."),
            ApiError::Unauthenticated { what } => (
                (*what).to_owned(),
                "Send `Authorization: Bearer sw_…` with a key that was made in the console's settings.",
            ),
            ApiError::Denied(denied) => (
                format!("This key may not {}.", denied.right),
                "Use a key with the scope that this needs, if there is one.",
            ),
            ApiError::NotFound { thing } => (format!("There is no such {thing}."), "Check the id."),
            ApiError::UnknownPath => (
                "Nothing is served at this path.".to_owned(),
                "See /api/docs for the paths there are.",
            ),
            ApiError::MethodNotAllowed => (
                "This path exists, but not for this method.".to_owned(),
                "See the `Allow` header for the methods it takes.",
            ),
            ApiError::SlowBody => (
                "The body came too slowly and was not waited for.".to_owned(),
                "Send it again, over a faster connection.",
            ),
            ApiError::Conflict { what, remedy } => ((*what).to_owned(), remedy),
            ApiError::TooLarge { bytes_max } => (
                format!("The body may have at most {bytes_max} bytes here."),
                "Send less at once.",
            ),
            ApiError::UnsupportedMediaType { expected } => (
                format!("The content type has to be {expected}."),
                "Set the Content-Type header.",
            ),
            ApiError::Invalid { field, what } => (
                format!("`{field}` {what}."),
                "Mend the field and send the request again.",
            ),
            ApiError::InvalidLines { n_errors, .. } => (
                format!("{n_errors} lines cannot be read; none was taken."),
                "Mend the lines that `errors` names and send the file again.",
            ),
            ApiError::Unscannable(error) => (
                format!("The file cannot be hashed: {error}."),
                "Send a picture in a format that can be decoded, or its signals instead.",
            ),
            ApiError::KeyReused => (
                "A request that differs from this one was made with the same idempotency key.".to_owned(),
                "Use a new key for each new request, and the same key for retries alone.",
            ),
            ApiError::RateLimited { .. } => (
                "There were too many requests in a short time.".to_owned(),
                "Wait as long as `Retry-After` says.",
            ),
            ApiError::Busy { what } => ((*what).to_owned(), "Send it again after the time in `Retry-After`."),
            ApiError::TimedOut => (
                "The request took too long and was given up.".to_owned(),
                "Send it again after the time in `Retry-After`; what was done already is not done twice.",
            ),
            ApiError::Store(error) if error.is_unavailable() => (
                "The store cannot be reached just now; nothing was half done.".to_owned(),
                "Send it again after the time in `Retry-After`.",
            ),
            ApiError::Store(_) | ApiError::Panicked => (
                "Something went wrong that is not your mistake; nothing was half done.".to_owned(),
                "Send it again. If it happens again, give the operator the `X-Request-Id` of this answer.",
            ),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let ApiError::Store(error) = &self {
            tracing::error!(error = %chain(error), "the store failed");
        }
        let problem = self.problem();
        let mut response = (self.kind().status(), Json(&problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        let retry_after = match &self {
            ApiError::RateLimited { retry_after } => Some(*retry_after),
            _ if self.kind() == ProblemKind::Busy => Some(BUSY_RETRY_AFTER),
            _ => None,
        };
        if let Some(retry_after) = retry_after {
            let seconds = retry_after.as_millis().div_ceil(1000).max(1);
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)),
            );
        }
        if let ApiError::Unauthenticated { .. } = self {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(problem);
        response
    }
}

/// An error and all its causes, for the log.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl ApiError {
    /// What went wrong with a bank, or with an entry if `thing` says so.
    pub(crate) fn of_bank(error: BankError, thing: &'static str) -> Self {
        match error {
            BankError::Denied(denied) => denied.into(),
            BankError::NotFound => ApiError::NotFound { thing },
            BankError::NameTaken => ApiError::Conflict {
                what: "Another bank has this name.",
                remedy: "Choose another name.",
            },
            BankError::Invalid { field, what } => ApiError::invalid(field, what),
            BankError::Unscannable(error) => ApiError::Unscannable(error),
            BankError::Busy => ApiError::Busy { what: MEDIA_BUSY },
            BankError::KeyReused => ApiError::KeyReused,
            BankError::Store(error) => error.into(),
        }
    }
}

const MEDIA_BUSY: &str = "Too many files wait to be decoded just now.";

impl From<BankError> for ApiError {
    fn from(error: BankError) -> Self {
        ApiError::of_bank(error, "bank")
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Denied(denied) => denied.into(),
            SubmitError::Invalid { field, what } => ApiError::invalid(field, what),
            SubmitError::KeyReused => ApiError::KeyReused,
            SubmitError::Busy => ApiError::Busy { what: MEDIA_BUSY },
            SubmitError::Store(error) => error.into(),
        }
    }
}

impl From<ViewError> for ApiError {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Denied(denied) => denied.into(),
            // Programs are shown no pictures.
            ViewError::Resting { .. } => ApiError::NotFound { thing: "picture" },
            ViewError::BadCursor => ApiError::invalid("cursor", "is not the `next` of a page of this list"),
            ViewError::Store(error) => error.into(),
        }
    }
}
