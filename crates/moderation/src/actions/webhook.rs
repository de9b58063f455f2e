//! Tells the platform of an order, signed, and understands its answer.
//!
//! The signature is `Seawall-Signature: t=<unix seconds>,v1=<hex>` where the hex is HMAC-SHA256, keyed with the shared
//! secret, over the same seconds, a full stop, and the body's bytes. The platform checks that the time is near and the
//! code is right; the `Idempotency-Key` lets it see a repeat. The platform answers `{"answer": "done"}` (or
//! `already_done`, `gone`, `refused`), with a `detail` in words if it likes.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::backoff::Backoff;
use crate::model::{Action, ActionKind, Answer, Decision, Found, Item, Restricted, Timestamp};

/// Where orders are sent.
#[derive(Clone)]
pub struct WebhookSettings {
    /// The address that the platform listens on, `http` or `https`.
    pub url: String,
    /// The shared secret of the signature.
    pub secret: String,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// When to try again.
    pub backoff: Backoff,
}

impl std::fmt::Debug for WebhookSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookSettings")
            .field("url", &self.url)
            .field("backoff", &self.backoff)
            .finish_non_exhaustive()
    }
}

/// The most bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The most characters of the platform's words that are kept.
const DETAIL_LENGTH_MAX: usize = 300;

/// Sends orders.
#[derive(Debug, Clone)]
pub struct Webhook {
    client: reqwest::Client,
    settings: WebhookSettings,
}

/// The webhook cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The address is not one.
    #[error("the webhook's address is not an http or https address")]
    Address,
    /// The HTTP client cannot be made.
    #[error("cannot set up the webhook's client")]
    Client(#[source] reqwest::Error),
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The platform answered.
    Answered {
        /// What.
        answer: Answer,
        /// In its own words, if it said more.
        detail: String,
    },
    /// It did not, or not so that it can be understood: try again.
    Failed {
        /// Why, in words that carry no content.
        error: String,
    },
}

/// What came of looking whether an order was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// There was an answer.
    Found(Found),
    /// There was none: look again.
    Failed {
        /// Why, in words that carry no content.
        error: String,
    },
}

impl Webhook {
    /// Sets the client up. It follows no redirects and uses no proxy: an order goes where the operator said.
    pub fn new(settings: WebhookSettings) -> Result<Self, WebhookError> {
        let address: reqwest::Url = settings.url.parse().map_err(|_| WebhookError::Address)?;
        if !matches!(address.scheme(), "http" | "https") {
            return Err(WebhookError::Address);
        }
        // Another part of the process may have chosen the same provider before; that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(settings.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("seawall/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(WebhookError::Client)?;
        Ok(Self { client, settings })
    }

    /// When to try again.
    pub fn backoff(&self) -> Backoff {
        self.settings.backoff
    }

    /// How long one attempt may take.
    pub fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// Sends the order once, with what the account's strikes weigh.
    pub async fn deliver(
        &self,
        action: &Action,
        decision: &Decision,
        item: &Item,
        strikes: Option<u32>,
        now: Timestamp,
    ) -> Attempt {
        let body = body(action, decision, item, strikes).to_string();
        self.send(&action.key(), body, now).await
    }

    /// Asks what a part of an item is now, signed like an order.
    pub async fn ask(&self, key: &str, body: String, now: Timestamp) -> Looked {
        let signature = signature(&self.settings.secret, now, body.as_bytes());
        match self.post(key, body, Some(signature)).await {
            Ok((status, answer)) => understand_state(status, &answer),
            Err(error) => Looked::Failed { error },
        }
    }

    /// Sends something once, signed.
    pub async fn send(&self, key: &str, body: String, now: Timestamp) -> Attempt {
        let signature = signature(&self.settings.secret, now, body.as_bytes());
        match self.post(key, body, Some(signature)).await {
            Ok((status, answer)) => understand(status, &answer),
            Err(error) => Attempt::Failed { error },
        }
    }

    /// Sends a body as it is, under a signature that may be wrong or missing: for [`Webhook::send`] and for tests of a receiver. Status and body of
    /// the answer, or why there is none.
    pub async fn post(&self, key: &str, body: String, signature: Option<String>) -> Result<(u16, Vec<u8>), String> {
        let mut request = self
            .client
            .post(&self.settings.url)
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(body);
        if let Some(signature) = signature {
            request = request.header("seawall-signature", signature);
        }
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Err(describe(&error)),
        };
        let status = response.status().as_u16();
        let mut answer = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if answer.len() + chunk.len() <= ANSWER_BYTES_MAX => answer.extend_from_slice(&chunk),
                Ok(Some(_)) => return Err("the answer is longer than 64 KiB".to_owned()),
                Ok(None) => break,
                Err(error) => return Err(describe(&error)),
            }
        }
        Ok((status, answer))
    }
}

/// What is sent. It names the item, the order and why; never who at the desk decided.
fn body(action: &Action, decision: &Decision, item: &Item, strikes: Option<u32>) -> serde_json::Value {
    let mut body = serde_json::json!({
        "id": action.key(),
        "order": action.id.to_string(),
        "run": action.run,
        "kind": action.order_word(),
        "until": action.until.map(|until| until.to_string()),
        "item": item.id.to_string(),
        "item_kind": item.kind.as_str(),
        "account": item.account,
        "strikes": strikes,
        "channel": item.channel,
        "decision": decision.id.to_string(),
        "outcome": decision.outcome.as_str(),
        "author": decision.author.kind(),
        "policy": decision.policy.map(|policy| policy.as_str()),
        "reason": decision.reason,
        "notice": decision.facts.get("notice").filter(|_| action.kind == ActionKind::Restrict),
        "decided_at": decision.decided_at.to_string(),
        "ordered_at": action.ordered_at.to_string(),
    });
    add_scope(&mut body, action);
    body
}

/// Says in which countries, with which label or which service, where the order is of a kind that has such a scope.
pub fn add_scope(body: &mut serde_json::Value, action: &Action) {
    let Some(name) = action.what.scope_name() else {
        return;
    };
    body[name] = match action.what {
        Restricted::Countries => action.scope.split(' ').collect(),
        _ => action.scope.as_str().into(),
    };
}

/// The value of the `Seawall-Signature` header.
pub fn signature(secret: &str, at: Timestamp, body: &[u8]) -> String {
    let seconds = at.unix_seconds();
    // Unwrap safety: HMAC takes keys of any length.
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap_or_else(|_| unreachable!("any key length will do"));
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// The answer in a response. A 2xx with nothing in it is a plain "done"; a 2xx whose body says nothing that Seawall knows
/// is not a confirmation, since any proxy can send one.
pub fn understand(status: u16, body: &[u8]) -> Attempt {
    match status {
        200..=299 => {}
        410 => {
            return Attempt::Answered {
                answer: Answer::Gone,
                detail: String::new(),
            };
        }
        other => {
            return Attempt::Failed {
                error: format!("the platform answered with HTTP status {other}"),
            };
        }
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Attempt::Answered {
            answer: Answer::Done,
            detail: String::new(),
        };
    }
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Attempt::Failed {
            error: "the platform's answer is not JSON".to_owned(),
        };
    };
    match json.get("answer").and_then(serde_json::Value::as_str).map(str::parse) {
        Some(Ok(answer)) => {
            let detail = json
                .get("detail")
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default();
            let detail = detail
                .chars()
                .filter(|c| !c.is_control())
                .take(DETAIL_LENGTH_MAX)
                .collect();
            Attempt::Answered { answer, detail }
        }
        Some(Err(_)) | None => Attempt::Failed {
            error: "the platform's answer has no `answer` of done, already_done, gone or refused".to_owned(),
        },
    }
}

/// What an item is, in an answer. Whoever does not know the question refuses it, or says something else: then nobody knows.
pub fn understand_state(status: u16, body: &[u8]) -> Looked {
    match status {
        200..=299 => {}
        410 => return Looked::Found(Found::Gone),
        other => {
            return Looked::Failed {
                error: format!("the platform answered with HTTP status {other}"),
            };
        }
    }
    let json = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
    match json["state"].as_str().map(str::parse) {
        Some(Ok(found)) => Looked::Found(found),
        Some(Err(_)) | None => Looked::Found(Found::Unknown),
    }
}

/// Why a request failed, without the address and whatever secrets it may hold.
fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "the platform did not answer in time".to_owned()
    } else if error.is_connect() {
        "the platform could not be reached".to_owned()
    } else {
        "the connection to the platform broke".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_the_time_and_the_body() {
        // Computed with Python: hmac.new(b"whsec_test", b"1795226786.{}", "sha256").hexdigest()
        let header = signature("whsec_test", Timestamp::from_unix_ms(1_795_226_786_007), b"{}");
        assert_eq!(header, EXPECTED);
    }

    const EXPECTED: &str = "t=1795226786,v1=ac7f57d1c1816c99dcd70cd26cda51c0d706ac6643bb1c056a16c02c47bdc0d7";

    #[test]
    fn a_state_is_understood_or_unknown() {
        for (status, body, found) in [
            (200, &br#"{"state":"available"}"#[..], Found::Available),
            (200, br#"{"state":"restricted","answer":"done"}"#, Found::Restricted),
            (200, br#"{"state":"gone"}"#, Found::Gone),
            (410, b"", Found::Gone),
            (200, br#"{"answer":"refused"}"#, Found::Unknown),
            (200, br#"{"state":"perhaps"}"#, Found::Unknown),
            (204, b"", Found::Unknown),
        ] {
            assert_eq!(
                understand_state(status, body),
                Looked::Found(found),
                "{status} {body:?}"
            );
        }
        assert!(matches!(understand_state(503, b""), Looked::Failed { .. }));
        assert!(matches!(understand_state(302, b""), Looked::Failed { .. }));
    }

    #[test]
    fn answers_are_understood_or_tried_again() {
        let answered = |answer, detail: &str| Attempt::Answered {
            answer,
            detail: detail.to_owned(),
        };
        assert_eq!(understand(200, b""), answered(Answer::Done, ""));
        assert_eq!(understand(204, b" \n"), answered(Answer::Done, ""));
        assert_eq!(
            understand(200, br#"{"answer":"already_done"}"#),
            answered(Answer::AlreadyDone, "")
        );
        assert_eq!(
            understand(202, br#"{"answer":"refused","detail":"press\u0000 exemption"}"#),
            answered(Answer::Refused, "press exemption")
        );
        assert_eq!(understand(410, b"<html>"), answered(Answer::Gone, ""));
        for (status, body) in [
            (200, &b"<html>ok</html>"[..]),
            (200, br#"{"ok":true}"#),
            (200, br#"{"answer":"yes"}"#),
            (302, b""),
            (404, b""),
            (500, b""),
            (429, b""),
        ] {
            assert!(
                matches!(understand(status, body), Attempt::Failed { .. }),
                "{status} {body:?}"
            );
        }
    }
}
