//! Hosts that files may be fetched from, as the operator writes them.

use std::fmt;
use std::str::FromStr;

/// `media.example.org`, `*.example.org` for everything below it, or either with a port. Without one, the usual ports of
/// http and https are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    /// In lower case, without a dot at its end; of a pattern with `*.`, what follows that.
    host: String,
    below: bool,
    port: Option<u16>,
}

/// The text is no host or pattern of hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host such as `media.example.org`, `*.example.org` or `media.example.org:8443`")]
pub struct ParseHostPatternError(String);

impl FromStr for HostPattern {
    type Err = ParseHostPatternError;

    fn from_str(text: &str) -> Result<Self, ParseHostPatternError> {
        let error = || ParseHostPatternError(text.to_owned());
        let (rest, below) = match text.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        // The parser of addresses brings names into the one form in which they are compared later.
        let url: reqwest::Url = format!("http://{rest}/").parse().map_err(|_| error())?;
        let host = url.host_str().ok_or_else(error)?.trim_end_matches('.').to_owned();
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !bare
            || host.is_empty()
            || rest.ends_with('/')
            || host.contains('*')
            || (below && host.parse::<std::net::IpAddr>().is_ok())
        {
            return Err(error());
        }
        let port = match rest.rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => Some(port.parse().map_err(|_| error())?),
            Some(_) | None => None,
        };
        Ok(Self { host, below, port })
    }
}

impl HostPattern {
    /// Whether a file may be fetched from there. `host` is as the parser of addresses gives it.
    pub(crate) fn allows(&self, scheme: &str, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.');
        let port_is_right = match (self.port, scheme) {
            (Some(own), _) => port == own,
            (None, "https") => port == 443,
            (None, _) => port == 80,
        };
        let host_is_right = if self.below {
            host.strip_suffix(self.host.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        } else {
            host == self.host
        };
        port_is_right && host_is_right
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.below {
            f.write_str("*.")?;
        }
        f.write_str(&self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pattern: &str, url: &str) -> bool {
        let pattern: HostPattern = pattern.parse().unwrap();
        let url: reqwest::Url = url.parse().unwrap();
        pattern.allows(
            url.scheme(),
            url.host_str().unwrap(),
            url.port_or_known_default().unwrap(),
        )
    }

    #[test]
    fn only_what_was_listed() {
        assert!(allows("media.example.org", "https://media.example.org/a"));
        assert!(allows("media.example.org", "http://MEDIA.example.org./a"));
        assert!(allows("Media.Example.org", "https://media.example.org:443/a"));
        assert!(allows("bücher.example", "https://xn--bcher-kva.example/a"));
        assert!(allows("media.example.org:8443", "https://media.example.org:8443/a"));
        assert!(allows("*.example.org", "https://a.b.example.org/a"));
        assert!(allows("127.0.0.1:8000", "http://127.0.0.1:8000/"));
        assert!(allows("127.0.0.1", "http://0x7f.1/"), "however it is written");
        assert!(allows("[::1]:80", "http://[::1]/"));

        assert!(!allows("media.example.org", "https://media.example.org:8443/a"));
        assert!(!allows("media.example.org", "http://media.example.org:443/a"));
        assert!(!allows("media.example.org", "https://x.media.example.org/a"));
        assert!(!allows("media.example.org:8443", "https://media.example.org/a"));
        assert!(!allows("*.example.org", "https://example.org/a"));
        assert!(!allows("*.example.org", "https://evilexample.org/a"));
        assert!(!allows("*.example.org", "https://.example.org/a"));
        assert!(!allows("media.example.org", "https://media.example.org.evil.example/a"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for bad in [
            "",
            "*",
            "*.",
            "*.*.org",
            "a.*.org",
            "https://a.example",
            "a.example/x",
            "a.example/",
            "u@a.example",
            "a.example:x",
            "a.example:99999",
            "a b",
            "*.127.0.0.1",
        ] {
            assert!(bad.parse::<HostPattern>().is_err(), "{bad}");
        }
        for good in ["media.example.org", "*.example.org:8443", "[::1]:80"] {
            assert_eq!(good.parse::<HostPattern>().unwrap().to_string(), good);
        }
    }
}
