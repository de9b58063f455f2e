//! Cookies: which there are, and how they are written. All are `HttpOnly`, `SameSite=Lax` and for the whole site; over
//! HTTPS they are `Secure` and carry the `__Host-` prefix, so that no neighbouring host can plant one.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

/// A cookie of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// The secret of a session.
    Session,
    /// By which a browser is known again when its user next signs in, so that strangers who guess do not keep them waiting.
    Device,
    /// What a browser keeps while its person is at the identity provider.
    Errand,
    /// How the console looks.
    Prefs,
    /// What the next page has to say.
    Flash,
}

impl Cookie {
    const fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Cookie::Session, false) => "seawall_session",
            (Cookie::Session, true) => "__Host-seawall_session",
            (Cookie::Device, false) => "seawall_device",
            (Cookie::Device, true) => "__Host-seawall_device",
            (Cookie::Errand, false) => "seawall_errand",
            (Cookie::Errand, true) => "__Host-seawall_errand",
            (Cookie::Prefs, false) => "seawall_prefs",
            (Cookie::Prefs, true) => "__Host-seawall_prefs",
            (Cookie::Flash, false) => "seawall_flash",
            (Cookie::Flash, true) => "__Host-seawall_flash",
        }
    }

    /// What the browser sent for it.
    pub fn read(self, headers: &HeaderMap, secure: bool) -> Option<&str> {
        let name = self.name(secure);
        let lines = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok());
        let mut pairs = lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The header that keeps `value` for `lifetime`. The value must have no character that cookies cannot carry; one that
    /// has is written as an empty cookie.
    pub fn write(self, value: &str, lifetime: Duration, secure: bool) -> HeaderValue {
        let is_fit = value
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b';' | b',' | b'"' | b'\\'));
        let value = if is_fit { value } else { "" };
        let line = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{}",
            self.name(secure),
            lifetime.as_secs(),
            if secure { "; Secure" } else { "" }
        );
        HeaderValue::from_str(&line).unwrap_or(HeaderValue::from_static("seawall=; Max-Age=0"))
    }

    /// The header that takes the cookie away.
    pub fn clear(self, secure: bool) -> HeaderValue {
        self.write("", Duration::ZERO, secure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_only_under_its_own_name() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=1; seawall_session=tok=en; x_seawall_session=no"),
        );
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("seawall_prefs=theme=dark&keys=off"),
        );
        assert_eq!(Cookie::Session.read(&headers, false), Some("tok=en"));
        assert_eq!(Cookie::Prefs.read(&headers, false), Some("theme=dark&keys=off"));
        assert_eq!(Cookie::Flash.read(&headers, false), None);
        // Over HTTPS only the name that a neighbour cannot set counts.
        assert_eq!(Cookie::Session.read(&headers, true), None);
    }

    #[test]
    fn a_cookie_says_what_browsers_must_keep_to() {
        let plain = Cookie::Session.write("tok", Duration::from_secs(60), false);
        assert_eq!(plain, "seawall_session=tok; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
        let secure = Cookie::Session.write("tok", Duration::from_secs(60), true);
        assert_eq!(
            secure,
            "__Host-seawall_session=tok; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure"
        );
        assert_eq!(
            Cookie::Flash.clear(false),
            "seawall_flash=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        );
    }

    #[test]
    fn a_value_cannot_add_a_cookie_of_its_own() {
        let line = Cookie::Flash.write("x; Domain=evil.example", Duration::from_secs(1), false);
        assert_eq!(line, "seawall_flash=; Path=/; HttpOnly; SameSite=Lax; Max-Age=1");
    }
}
