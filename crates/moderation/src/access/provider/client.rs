//! Asks the provider, with a limit to everything: how long, how much, how many at once. It follows no redirect and uses no
//! proxy, and speaks HTTPS, or to this machine.

use std::time::Duration;

use reqwest::{RequestBuilder, Url};
use serde_json::Value;
use tokio::sync::Semaphore;

/// The most bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// The most questions at once. One more is not asked.
const AT_ONCE_MAX: usize = 16;

/// The provider did not answer so that it can be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Too many questions at once.
    #[error("too many questions to the provider at once")]
    Busy,
    /// No answer in time.
    #[error("the provider did not answer in time")]
    Slow,
    /// No connection, or one that broke.
    #[error("the provider could not be reached")]
    Unreachable,
    /// Another status than expected.
    #[error("the provider answered with HTTP status {status}")]
    Status {
        /// Which.
        status: u16,
    },
    /// More than is read.
    #[error("the provider's answer is too long")]
    TooLong,
    /// Not what was asked for.
    #[error("the provider's answer does not read: {what}")]
    Unreadable {
        /// What is wrong with it.
        what: &'static str,
    },
    /// An address that is neither HTTPS nor on this machine.
    #[error("the provider names an address that is not https: {what}")]
    Address {
        /// Of what.
        what: &'static str,
    },
    /// It said no to a code, in the word of the standard.
    #[error("the provider refused: {word}")]
    Refused {
        /// The word.
        word: String,
    },
}

/// Asks the provider.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    places: Semaphore,
}

impl Client {
    pub fn new(time_max: Duration) -> Result<Self, reqwest::Error> {
        // Another part of the process may have chosen the same before; that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(time_max)
            .connect_timeout(time_max)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent(concat!("seawall/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            http,
            places: Semaphore::new(AT_ONCE_MAX),
        })
    }

    /// The JSON at an address, for who holds `bearer` if there is one.
    pub async fn get(&self, url: &Url, bearer: Option<&str>) -> Result<Value, CallError> {
        let request = self.http.get(url.clone()).header("accept", "application/json");
        let request = match bearer {
            Some(bearer) => request.bearer_auth(bearer),
            None => request,
        };
        let (status, body) = self.send(request).await?;
        match status {
            200 => read(&body),
            status => Err(CallError::Status { status }),
        }
    }

    /// The JSON that answers a form.
    pub async fn post(&self, url: &Url, form: String, basic: Option<(&str, &str)>) -> Result<Value, CallError> {
        let request = self
            .http
            .post(url.clone())
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let request = match basic {
            Some((name, secret)) => request.basic_auth(name, Some(secret)),
            None => request,
        };
        let (status, body) = self.send(request).await?;
        match status {
            200 => read(&body),
            400 | 401 => Err(CallError::Refused { word: refusal(&body) }),
            status => Err(CallError::Status { status }),
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<(u16, Vec<u8>), CallError> {
        // Not waited for: who waits holds a browser.
        let _place = self.places.try_acquire().map_err(|_| CallError::Busy)?;
        let broken = |error: reqwest::Error| match error.is_timeout() {
            true => CallError::Slow,
            false => CallError::Unreachable,
        };
        let mut response = request.send().await.map_err(broken)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(CallError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, body))
    }
}

fn read(body: &[u8]) -> Result<Value, CallError> {
    serde_json::from_slice(body).map_err(|_| CallError::Unreadable { what: "it is not JSON" })
}

/// The standard's word for why not; nothing else of the answer is kept.
fn refusal(body: &[u8]) -> String {
    let answer: Option<Value> = serde_json::from_slice(body).ok();
    let word = answer.as_ref().and_then(|answer| answer.get("error")?.as_str());
    plain_word(word.unwrap_or_default())
}

/// A word of the standard's kind; `unknown` for anything else that stands in its place.
pub fn plain_word(word: &str) -> String {
    const LENGTH_MAX: usize = 40;
    let is_plain =
        !word.is_empty() && word.len() <= LENGTH_MAX && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_plain {
        word.to_owned()
    } else {
        "unknown".to_owned()
    }
}

/// The address, if it is one that may be asked or shown: HTTPS, or HTTP on this machine, with nobody's name in it.
pub fn safe_url(text: &str) -> Option<Url> {
    let url: Url = text.parse().ok()?;
    let is_local = matches!(url.host_str()?, "localhost" | "127.0.0.1" | "[::1]");
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
    (is_safe && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_this_machine_is_asked() {
        for good in [
            "https://id.example/x?y=1",
            "http://127.0.0.1:8080/",
            "http://localhost/",
            "http://[::1]:1/",
        ] {
            assert!(safe_url(good).is_some(), "{good}");
        }
        for bad in [
            "http://id.example/",
            "http://127.0.0.1.example/",
            "http://localhost.example/",
            "https://u:p@id.example/",
            "https://id.example/#x",
            "javascript:alert(1)",
            "ftp://127.0.0.1/",
            "/path",
            "",
        ] {
            assert!(safe_url(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn of_a_refusal_only_the_standards_word_is_kept() {
        assert_eq!(
            refusal(br#"{"error":"invalid_grant","error_description":"amal@example"}"#),
            "invalid_grant"
        );
        assert_eq!(refusal(br#"{"error":"<script>"}"#), "unknown");
        assert_eq!(refusal(b"no"), "unknown");
    }
}
