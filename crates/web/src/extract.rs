//! What handlers take out of a request, each with an error that names what is wrong.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, RawQuery, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use moderation::flows::access;
use moderation::model::{Actor, PageRequest};
use moderation::store::IdempotencyKey;
use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use crate::problem::ApiError;
use crate::state::WebState;

/// Whose key the request carries. Put there by [`crate::layers::authenticate`].
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub actor: Actor,
}

/// Longest text after `Bearer` that is looked up.
const SECRET_LENGTH_MAX: usize = 200;

impl Caller {
    /// Whom the key in the headers stands for.
    pub async fn of(state: &WebState, headers: &HeaderMap) -> Result<Self, ApiError> {
        let refuse = |what| ApiError::Unauthenticated { what };
        let value = headers
            .get(header::AUTHORIZATION)
            .ok_or(refuse("The request has no Authorization header."))?;
        let value = value.to_str().ok().filter(|text| text.len() <= SECRET_LENGTH_MAX);
        let secret = value
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, secret) = secret.ok_or(refuse("The Authorization header is not `Bearer` and a key."))?;
        let actor = access::authenticate_key(&state.app, secret.trim()).await?;
        let actor = actor.ok_or(refuse("The key is unknown or was revoked."))?;
        Ok(Caller { actor })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // A route outside of the layer that authenticates is refused, not open.
        parts
            .extensions
            .get::<Caller>()
            .cloned()
            .ok_or(ApiError::Unauthenticated {
                what: "The request has no key.",
            })
    }
}

/// The one id in the path. What is not an id of the kind names nothing.
#[derive(Debug)]
pub(crate) struct PathId<T>(pub T);

/// Kinds of things that paths name.
pub(crate) trait Named: FromStr {
    /// What a person calls it.
    const THING: &'static str;
}

macro_rules! named {
    ($($id:ident = $thing:literal),+ $(,)?) => {
        $(impl Named for moderation::model::$id { const THING: &'static str = $thing; })+
    };
}

named! { ItemId = "item", BankId = "bank", EntryId = "entry", CaseId = "case", DecisionId = "decision", ActionId = "action", StreamId = "stream", ChangeId = "change", ProposalId = "proposal" }

impl<S: Send + Sync, T: Named> FromRequestParts<S> for PathId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let text = match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => text,
            Err(PathRejection::FailedToDeserializePathParams(_)) => {
                return Err(ApiError::Malformed {
                    what: "The path is not percent-encoded UTF-8.".to_owned(),
                });
            }
            Err(_) => return Err(ApiError::NotFound { thing: T::THING }),
        };
        text.parse()
            .map(PathId)
            .map_err(|_| ApiError::NotFound { thing: T::THING })
    }
}

/// The query, name by name. A name that nothing asks for is an error, so that a misspelt filter is not an absent one.
#[derive(Debug)]
pub(crate) struct QueryParams(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for QueryParams {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let RawQuery(query) = match RawQuery::from_request_parts(parts, state).await {
            Ok(query) => query,
            Err(never) => match never {},
        };
        QueryParams::parse(query.as_deref().unwrap_or_default())
    }
}

impl QueryParams {
    fn parse(query: &str) -> Result<Self, ApiError> {
        let mut params: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (percent_decode(name), percent_decode(value)) else {
                return Err(ApiError::Malformed {
                    what: "The query is not percent-encoded UTF-8.".to_owned(),
                });
            };
            if params.iter().any(|(known, _)| *known == name) {
                return Err(ApiError::invalid(name, "is there twice"));
            }
            params.push((name, value));
        }
        Ok(Self(params))
    }

    /// The value of a name, which is then no longer unknown.
    pub fn take<T: FromStr<Err: fmt::Display>>(&mut self, name: &str) -> Result<Option<T>, ApiError> {
        let Some(place) = self.0.iter().position(|(known, _)| known == name) else {
            return Ok(None);
        };
        let (_, value) = self.0.swap_remove(place);
        value
            .parse()
            .map(Some)
            .map_err(|error: T::Err| ApiError::invalid(name, format!("has a value that is not taken: {error}")))
    }

    /// The page that is asked for.
    pub fn take_page(&mut self) -> Result<PageRequest, ApiError> {
        let limit = self.take::<u32>("limit")?.unwrap_or(PageRequest::first().limit);
        if !(1..=PageRequest::LIMIT_MAX).contains(&limit) {
            return Err(ApiError::invalid(
                "limit",
                format!("is a number from 1 to {}", PageRequest::LIMIT_MAX),
            ));
        }
        let cursor: Option<String> = self.take("cursor")?;
        Ok(PageRequest { cursor, limit })
    }

    /// Nothing, if every name was asked for.
    pub fn finish(self) -> Result<(), ApiError> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(ApiError::invalid(
                name.chars().take(100).collect::<String>(),
                "is not a parameter here",
            )),
        }
    }
}

/// Decodes `%41` and `+`; none if it is not UTF-8 afterwards.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (high, low) = (rest.next()?, rest.next()?);
                let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                bytes.push(digit(high)? << 4 | digit(low)?);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// A JSON body, and the fingerprint of the request.
#[derive(Debug)]
pub(crate) struct JsonBody<T> {
    pub value: T,
    pub fingerprint: Fingerprint,
}

impl<S: Send + Sync, T: DeserializeOwned + Send + 'static> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        require_json(request.headers())?;
        let fingerprint = Fingerprint::of(&request);
        let bytes = whole_body(request, state).await?;
        off_thread_if_large(bytes.len(), move || {
            let fingerprint = fingerprint.with("body", &bytes);
            Ok(JsonBody {
                value: parse_json(&bytes)?,
                fingerprint,
            })
        })
        .await
    }
}

/// The content type of a request, without its parameters, in lower case.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    match content_type(headers).as_deref() {
        Some("application/json") => Ok(()),
        Some(_) | None => Err(ApiError::UnsupportedMediaType {
            expected: "application/json",
        }),
    }
}

/// The body, which the layers have read already.
pub(crate) async fn whole_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    let broken = |_| ApiError::Malformed {
        what: "The body cannot be read.".to_owned(),
    };
    Bytes::from_request(request, state).await.map_err(broken)
}

/// Reads JSON; the error names the field.
pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let Object(value) = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        describe_json_error(&path, &error.into_inner())
    })?;
    reader.end().map_err(|error| describe_json_error(".", &error))?;
    Ok(value)
}

/// A JSON object. By itself serde would take a list of a struct's fields for the struct, which no schema says.
#[derive(Debug)]
pub(crate) struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Visitor(PhantomData))
    }
}

fn describe_json_error(path: &str, error: &serde_json::Error) -> ApiError {
    use serde_json::error::Category;
    match error.classify() {
        Category::Data => {
            // serde's words end with the place, which is of no use beside the field's name.
            let text = error.to_string();
            let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
            let parent = if path == "." { "" } else { path };
            let missing = what
                .strip_prefix("missing field `")
                .and_then(|rest| rest.strip_suffix('`'));
            match missing {
                Some(name) if parent.is_empty() => ApiError::invalid(name, "is missing"),
                Some(name) => ApiError::invalid(format!("{parent}.{name}"), "is missing"),
                None if parent.is_empty() => ApiError::invalid("body", format!("is not as it should be: {what}")),
                None => ApiError::invalid(parent, format!("is not as it should be: {what}")),
            }
        }
        Category::Syntax | Category::Eof | Category::Io => ApiError::Malformed {
            what: format!("The body is not JSON: {error}."),
        },
    }
}

/// Bodies from this size on are read away from the async threads.
const LARGE_BODY_BYTES: usize = 64 << 10;

/// Does work whose cost grows with `size` where it delays no other request.
pub(crate) async fn off_thread_if_large<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    if size < LARGE_BODY_BYTES {
        return work();
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ApiError::Panicked)?
}

/// What a request is, for the comparison with an earlier one that had the same idempotency key.
#[derive(Debug, Clone)]
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    /// Of its method and path; the rest is added by [`Fingerprint::with`].
    pub fn of(request: &Request) -> Self {
        let start = Self(Sha256::new());
        let method: &Method = request.method();
        start
            .with("method", method.as_str().as_bytes())
            .with("path", request.uri().path().as_bytes())
    }

    /// With one more part.
    pub fn with(mut self, name: &str, bytes: &[u8]) -> Self {
        for part in [name.as_bytes(), bytes] {
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part);
        }
        self
    }
}

/// The request's `Idempotency-Key`, if it has one.
#[derive(Debug)]
pub(crate) struct IdempotencyHeader(Option<String>);

/// Longest idempotency key.
const KEY_LENGTH_MAX: usize = 255;

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyHeader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else {
            return Ok(Self(None));
        };
        let visible = |text: &&str| {
            (1..=KEY_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let key = value.to_str().ok().filter(visible);
        match (key, values.next()) {
            (Some(key), None) => Ok(Self(Some(key.to_owned()))),
            _ => Err(ApiError::invalid(
                "Idempotency-Key",
                format!("is one header of 1 to {KEY_LENGTH_MAX} visible ASCII characters"),
            )),
        }
    }
}

impl IdempotencyHeader {
    /// The key as flows take it.
    pub fn key(self, actor: &Actor, fingerprint: Fingerprint) -> Option<IdempotencyKey> {
        let fingerprint = hex::encode(fingerprint.0.finalize());
        self.0.map(|key| IdempotencyKey {
            caller: actor.to_string(),
            key,
            fingerprint,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_strictly() {
        let mut params = QueryParams::parse("limit=7&cursor=a%2Bb+c").unwrap();
        assert_eq!(
            params.take_page().unwrap(),
            PageRequest {
                cursor: Some("a+b c".to_owned()),
                limit: 7
            }
        );
        assert!(params.finish().is_ok());

        let error = |query: &str| {
            let read = QueryParams::parse(query).and_then(|mut params| {
                params.take_page()?;
                params.finish()
            });
            read.unwrap_err().problem().detail
        };
        assert_eq!(error("limit=0"), "`limit` is a number from 1 to 200.");
        assert_eq!(
            error("limit=x"),
            "`limit` has a value that is not taken: invalid digit found in string."
        );
        assert_eq!(error("limit=1&limit=2"), "`limit` is there twice.");
        assert_eq!(error("lmit=1"), "`lmit` is not a parameter here.");
        for bad in ["a=%", "a=%4", "a=%zz", "%ff=1"] {
            assert_eq!(error(bad), "The query is not percent-encoded UTF-8.");
        }
    }

    #[test]
    fn the_wrong_field_is_named() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Outer {
            #[expect(dead_code, reason = "only read")]
            inner: Vec<Inner>,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Inner {
            #[expect(dead_code, reason = "only read")]
            n: u8,
        }
        let error = |json: &str| {
            let problem = parse_json::<Outer>(json.as_bytes()).unwrap_err().problem();
            (problem.status, problem.field.unwrap_or_default(), problem.detail)
        };
        assert_eq!(error(r#"{"inner":[{"n":1},{"n":300}]}"#).1, "inner[1].n");
        assert_eq!(
            error(r#"{"inner":[{"n":1,"m":2}]}"#),
            (
                422,
                "inner[0].m".to_owned(),
                "`inner[0].m` is not as it should be: unknown field `m`, expected `n`.".to_owned()
            )
        );
        assert_eq!(error("[]").0, 422);
        assert_eq!(error("{").0, 400);
        assert_eq!(error(r#"{"inner":[]} x"#).0, 400);
        assert_eq!(error("\"\\ud800\"").0, 400);
    }

    #[test]
    fn parts_of_a_fingerprint_do_not_run_together() {
        let start = Fingerprint(Sha256::new());
        let one = hex::encode(start.clone().with("a", b"bc").0.finalize());
        let other = hex::encode(start.with("ab", b"c").0.finalize());
        assert_ne!(one, other);
    }
}
