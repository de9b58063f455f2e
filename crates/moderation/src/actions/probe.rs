//! Looks at the platform from outside, as its users do, whether an item is there.
//!
//! The operator names one address with `{item}` in its path or query. The host is theirs and no item can change it: what stands for `{item}` is
//! encoded so that it stays one part of the path. It is resolved here, every address has to be a public one unless the operator said otherwise, and
//! the connection goes to the addresses that were checked. No redirect is followed, no proxy used, no body read, nothing sent but the request.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::Url;

use super::address::is_public;
use super::webhook::Looked;
use crate::model::{Found, ItemId};

/// Where it is looked whether an item is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeSettings {
    /// The address, with `{item}` where the item's id belongs.
    pub url: String,
    /// How long one look may take.
    pub timeout: Duration,
    /// Whether the address may lie in a private network.
    pub allow_private: bool,
}

/// What stands for the item.
const PLACE: &str = "{item}";

/// The probe cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The address is not one.
    #[error("the probe's address is not an http or https address with `{{item}}` in its path or query")]
    Address,
    /// The HTTP client cannot be made.
    #[error("cannot set up the probe's client")]
    Client(#[source] reqwest::Error),
}

/// Looks whether items are there.
#[derive(Debug, Clone)]
pub struct Probe {
    client: reqwest::Client,
    settings: ProbeSettings,
}

impl Probe {
    /// Sets the client up.
    pub fn new(settings: ProbeSettings) -> Result<Self, ProbeError> {
        check_address(&settings.url)?;
        // Another part of the process may have chosen the same provider before; that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(settings.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .pool_max_idle_per_host(0)
            .dns_resolver(Resolver {
                allow_private: settings.allow_private,
            })
            .user_agent(concat!("seawall/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(ProbeError::Client)?;
        Ok(Self { client, settings })
    }

    /// Looks once. Whether something that is not there is restricted or exists no more cannot be seen from outside.
    pub async fn look(&self, item: &ItemId) -> Looked {
        let Ok(url) = address_of(&self.settings.url, item.as_str()) else {
            return Looked::Found(Found::Unknown);
        };
        // A host that is an address is asked without the resolver.
        let literal = url
            .host_str()
            .map(|host| host.trim_matches(['[', ']']).parse::<IpAddr>());
        if let Some(Ok(literal)) = literal
            && !may_be_asked(literal, self.settings.allow_private)
        {
            return failed("the probe's address is not a public one");
        }
        match self.client.get(url).send().await {
            Ok(response) => match response.status().as_u16() {
                200..=299 => Looked::Found(Found::Available),
                401 | 403 | 404 | 410 | 451 => Looked::Found(Found::Restricted),
                other => Looked::Failed {
                    error: format!("the probe was answered with HTTP status {other}"),
                },
            },
            Err(error) if error.is_timeout() => failed("the probe was not answered in time"),
            Err(_) => failed("the probe's address could not be reached, or may not be"),
        }
    }
}

fn failed(error: &str) -> Looked {
    Looked::Failed {
        error: error.to_owned(),
    }
}

/// Nothing, if the text can be the address of a probe: an item changes nothing of where it is looked.
pub fn check_address(url: &str) -> Result<(), ProbeError> {
    let one = address_of(url, "a")?;
    let other = address_of(url, "..%2f@:8/b")?;
    let is_plain = matches!(one.scheme(), "http" | "https") && one.username().is_empty() && one.password().is_none();
    let is_same_place = one.origin() == other.origin();
    let in_path_or_query = one.path() != other.path() || one.query() != other.query();
    match is_plain && is_same_place && in_path_or_query {
        true => Ok(()),
        false => Err(ProbeError::Address),
    }
}

fn address_of(url: &str, item: &str) -> Result<Url, ProbeError> {
    url.replace(PLACE, &encoded(item))
        .parse()
        .map_err(|_| ProbeError::Address)
}

/// The text as one part of a path: all but letters, digits and `-_~` is encoded, dots too, since a part `..` leads elsewhere.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => encoded.push(char::from(byte)),
            // A part of dots alone would be taken for a step up, even encoded; among other characters a dot is harmless.
            b'.' if text.bytes().any(|byte| byte != b'.') => encoded.push('.'),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

fn may_be_asked(address: IpAddr, allow_private: bool) -> bool {
    allow_private || is_public(address)
}

/// Resolves and checks in one step: the client connects to the very addresses that were checked.
struct Resolver {
    allow_private: bool,
}

/// Why the client was given no address.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the name resolves to an address that may not be asked, or to none")]
struct Blocked;

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| Blocked)?;
            let addresses: Vec<SocketAddr> = found.collect();
            let all_may = addresses
                .iter()
                .all(|address| may_be_asked(address.ip(), allow_private));
            if addresses.is_empty() || !all_may {
                return Err(Blocked.into());
            }
            Ok(Box::new(addresses.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_stays_one_part_of_the_path() {
        let address = |item: &str| {
            address_of("https://p.example/see/{item}?x=1", item)
                .unwrap()
                .to_string()
        };
        assert_eq!(address("post-1"), "https://p.example/see/post-1?x=1");
        assert_eq!(address("a.b"), "https://p.example/see/a.b?x=1");
        assert_eq!(
            address("@evil.example/../#?é"),
            "https://p.example/see/%40evil.example%2F..%2F%23%3F%C3%A9?x=1"
        );
    }

    #[test]
    fn an_item_never_chooses_the_host() {
        for good in ["https://p.example/{item}", "http://10.0.0.1:8080/see?item={item}"] {
            assert!(check_address(good).is_ok(), "{good}");
        }
        for bad in [
            "https://{item}/",
            "https://{item}.p.example/",
            "https://p.example:{item}/",
            "https://u:{item}@p.example/",
            "https://p.example/#{item}",
            "https://p.example/",
            "ftp://p.example/{item}",
            "{item}",
        ] {
            assert!(check_address(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_private_address_is_not_asked_unless_it_may_be() {
        for url in [
            "http://127.0.0.1:9/{item}",
            "http://localhost:9/{item}",
            "http://169.254.169.254/{item}",
        ] {
            let probe = Probe::new(ProbeSettings {
                url: url.to_owned(),
                timeout: Duration::from_secs(2),
                allow_private: false,
            });
            let looked = probe.unwrap().look(&"post-1".parse().unwrap()).await;
            assert!(matches!(looked, Looked::Failed { .. }), "{url}: {looked:?}");
        }
    }
}
