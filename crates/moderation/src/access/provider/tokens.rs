//! What a provider's tokens say, and whether it may be believed: OpenID Connect Core 1.0, section 3.1.3.7, and Back-Channel
//! Logout 1.0, section 2.6. Pure. Start with [`check_id_token`].

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::keys::Signed;
use crate::model::Timestamp;

/// So far the provider's clock and ours may differ.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// The longest that a provider's word for a person is.
pub const SUBJECT_BYTES_MAX: usize = 255;
/// What a logout token says that it is.
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How old a logout token may be.
const LOGOUT_AGE_MAX: Duration = Duration::from_secs(600);

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It does not read.
    #[error("it does not read")]
    Malformed,
    /// Signed in a way that is not taken.
    #[error("it is signed in a way that is not taken")]
    Algorithm,
    /// No key of the provider is the one that it names.
    #[error("no key of the provider fits it")]
    UnknownKey,
    /// Several keys may be the one, and it does not say which.
    #[error("several keys of the provider fit it")]
    SeveralKeys,
    /// Somebody else signed it, or it was changed.
    #[error("its signature is wrong")]
    Signature,
    /// It comes from another provider.
    #[error("another provider made it")]
    Issuer,
    /// It was made for another program.
    #[error("it was made for another program")]
    Audience,
    /// Its time is over.
    #[error("its time is over")]
    Expired,
    /// It is from the future.
    #[error("it is from the future")]
    Early,
    /// It answers another question than ours.
    #[error("it answers another sign-in")]
    Nonce,
    /// It does not belong to the access token that came with it.
    #[error("it does not belong to the access token")]
    AccessToken,
    /// It does not say who it is about.
    #[error("it does not say who it is about")]
    Subject,
    /// The sign-in that it tells of is too long ago, or it does not say when that was.
    #[error("it tells of no fresh sign-in")]
    NotFresh,
    /// It is no logout token.
    #[error("it is no logout token")]
    NotLogout,
}

impl TokenError {
    /// The word for it in the event log.
    pub const fn reason(self) -> &'static str {
        match self {
            TokenError::Malformed => "token_malformed",
            TokenError::Algorithm => "token_algorithm",
            TokenError::UnknownKey => "token_unknown_key",
            TokenError::SeveralKeys => "token_several_keys",
            TokenError::Signature => "token_signature",
            TokenError::Issuer => "token_issuer",
            TokenError::Audience => "token_audience",
            TokenError::Expired => "token_expired",
            TokenError::Early => "token_early",
            TokenError::Nonce => "token_nonce",
            TokenError::AccessToken => "token_access_token",
            TokenError::Subject => "token_subject",
            TokenError::NotFresh => "token_not_fresh",
            TokenError::NotLogout => "token_not_logout",
        }
    }
}

/// What a token has to fit.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who has to have made it.
    pub issuer: &'a str,
    /// For whom.
    pub client_id: &'a str,
    /// What time it is.
    pub now: Timestamp,
}

/// Which sign-in an ID token has to tell of.
#[derive(Debug, Clone, Copy)]
pub struct SignInExpected<'a> {
    /// What was sent along with the question.
    pub nonce: &'a str,
    /// The access token that came with it.
    pub access_token: Option<&'a str>,
    /// The person has to have signed in since, where that was asked for.
    pub fresh_since: Option<Timestamp>,
}

/// Who signed in at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdToken {
    /// The provider's word for the person.
    pub subject: String,
    /// The provider's name for its session.
    pub provider_session: Option<String>,
    /// When the person last signed in there, if it says.
    pub signed_in_at: Option<Timestamp>,
    /// Everything that it says.
    pub claims: Map<String, Value>,
}

/// Who signed out at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutToken {
    /// Who, if it says.
    pub subject: Option<String>,
    /// From which of the provider's sessions, if it says.
    pub provider_session: Option<String>,
    /// What makes it this one and no other.
    pub token_id: String,
    /// Until when it could be sent again.
    pub expires_at: Timestamp,
}

/// Whether an ID token tells of the sign-in that was asked for.
pub fn check_id_token(
    signed: Signed,
    expected: &Expected<'_>,
    sign_in: &SignInExpected<'_>,
) -> Result<IdToken, TokenError> {
    let claims = &signed.claims;
    check_common(claims, expected)?;
    if text(claims, "nonce") != Some(sign_in.nonce) {
        return Err(TokenError::Nonce);
    }
    if let (Some(claimed), Some(token)) = (claims.get("at_hash"), sign_in.access_token)
        && claimed.as_str() != Some(&half_hash(signed.algorithm, token))
    {
        return Err(TokenError::AccessToken);
    }
    if let Some(since) = sign_in.fresh_since {
        let at = time(claims, "auth_time").ok_or(TokenError::NotFresh)?;
        if at < since.before(CLOCK_SKEW) || at > expected.now.after(CLOCK_SKEW) {
            return Err(TokenError::NotFresh);
        }
    }
    // A logout token must never do for a sign-in.
    if claims.contains_key("events") {
        return Err(TokenError::Malformed);
    }
    let subject = subject(claims)?.ok_or(TokenError::Subject)?;
    Ok(IdToken {
        subject,
        provider_session: text(claims, "sid").map(str::to_owned),
        // A time to come proves nothing for longer than one that is now.
        signed_in_at: time(claims, "auth_time").map(|at| at.min(expected.now)),
        claims: signed.claims,
    })
}

/// Whether a token is the provider's word that somebody signed out there.
pub fn check_logout_token(signed: &Signed, expected: &Expected<'_>) -> Result<LogoutToken, TokenError> {
    let claims = &signed.claims;
    check_common(claims, expected)?;
    let is_logout = claims
        .get("events")
        .and_then(Value::as_object)
        .is_some_and(|events| events.get(LOGOUT_EVENT).is_some_and(Value::is_object));
    // An ID token must never do for a logout token: those have a nonce, these must not.
    if !is_logout || claims.contains_key("nonce") {
        return Err(TokenError::NotLogout);
    }
    let issued_at = time(claims, "iat").ok_or(TokenError::Malformed)?;
    if issued_at.after(LOGOUT_AGE_MAX) < expected.now {
        return Err(TokenError::Expired);
    }
    let (subject, provider_session) = (subject(claims)?, text(claims, "sid").map(str::to_owned));
    if subject.is_none() && provider_session.as_deref().is_none_or(str::is_empty) {
        return Err(TokenError::Subject);
    }
    let token_id = text(claims, "jti").filter(|id| !id.is_empty());
    Ok(LogoutToken {
        subject,
        provider_session,
        token_id: token_id.ok_or(TokenError::Malformed)?.to_owned(),
        expires_at: expected.now.after(LOGOUT_AGE_MAX + CLOCK_SKEW),
    })
}

fn check_common(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), TokenError> {
    if text(claims, "iss") != Some(expected.issuer) {
        return Err(TokenError::Issuer);
    }
    let audience: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let party = claims.get("azp");
    let is_ours = audience.contains(&expected.client_id);
    // One that was made for several says for whom in the first place.
    let party_is_us = match party {
        Some(party) => party.as_str() == Some(expected.client_id),
        None => audience.len() <= 1,
    };
    if !is_ours || !party_is_us {
        return Err(TokenError::Audience);
    }
    let expires_at = time(claims, "exp").ok_or(TokenError::Expired)?;
    if expires_at.after(CLOCK_SKEW) <= expected.now {
        return Err(TokenError::Expired);
    }
    let issued_at = time(claims, "iat").ok_or(TokenError::Malformed)?;
    let from = match claims.contains_key("nbf") {
        true => time(claims, "nbf").ok_or(TokenError::Malformed)?.max(issued_at),
        false => issued_at,
    };
    match from > expected.now.after(CLOCK_SKEW) {
        true => Err(TokenError::Early),
        false => Ok(()),
    }
}

fn subject(claims: &Map<String, Value>) -> Result<Option<String>, TokenError> {
    match claims.get("sub") {
        None => Ok(None),
        Some(Value::String(subject)) if !subject.is_empty() && subject.len() <= SUBJECT_BYTES_MAX => {
            // A zero byte is no text to Postgres.
            match subject.contains('\0') {
                true => Err(TokenError::Subject),
                false => Ok(Some(subject.clone())),
            }
        }
        Some(_) => Err(TokenError::Subject),
    }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str().filter(|text| !text.contains('\0'))
}

/// Seconds since 1970, perhaps with a fraction. What no clock can show is no time.
fn time(claims: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    const SECONDS_MAX: f64 = 253_402_300_799.0;
    let seconds = claims.get(name)?.as_f64()?;
    let is_sane = (0.0..=SECONDS_MAX).contains(&seconds);
    is_sane.then(|| Timestamp::from_unix_ms((seconds * 1_000.0) as i64))
}

/// The left half of a token's hash, by the hash of the signature.
fn half_hash(algorithm: Algorithm, token: &str) -> String {
    let bytes = match algorithm {
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => Sha384::digest(token).to_vec(),
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::EdDSA => Sha512::digest(token).to_vec(),
        _ => Sha256::digest(token).to_vec(),
    };
    URL_SAFE_NO_PAD.encode(&bytes[..bytes.len() / 2])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW_S: i64 = 1_795_000_000;

    fn good() -> Value {
        json!({ "iss": "https://id.example", "aud": "seawall", "sub": "u-1", "exp": NOW_S + 300, "iat": NOW_S, "nonce": "n-1" })
    }

    fn with(changes: Value) -> Map<String, Value> {
        let mut claims = good().as_object().unwrap().clone();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => claims.remove(name),
                value => claims.insert(name.clone(), value.clone()),
            };
        }
        claims
    }

    const EXPECTED: Expected<'static> = Expected {
        issuer: "https://id.example",
        client_id: "seawall",
        now: Timestamp::from_unix_ms(NOW_S * 1_000),
    };

    fn checked(changes: Value, sign_in: SignInExpected<'_>) -> Result<IdToken, TokenError> {
        let signed = Signed {
            algorithm: Algorithm::RS256,
            kind: None,
            claims: with(changes),
        };
        check_id_token(signed, &EXPECTED, &sign_in)
    }

    #[test]
    fn only_the_answer_to_our_own_question_is_believed() {
        let ours = SignInExpected {
            nonce: "n-1",
            access_token: None,
            fresh_since: None,
        };
        assert_eq!(checked(json!({}), ours).unwrap().subject, "u-1");
        let check = |changes: Value, expected: TokenError| {
            assert_eq!(checked(changes.clone(), ours), Err(expected), "{changes}");
        };
        check(json!({ "iss": "https://id.example/" }), TokenError::Issuer);
        check(json!({ "iss": ["https://id.example"] }), TokenError::Issuer);
        check(json!({ "iss": null }), TokenError::Issuer);
        check(json!({ "aud": "other" }), TokenError::Audience);
        check(json!({ "aud": null }), TokenError::Audience);
        check(json!({ "aud": ["seawall", "other"] }), TokenError::Audience);
        check(json!({ "azp": "other" }), TokenError::Audience);
        check(
            json!({ "aud": ["seawall", "other"], "azp": "other" }),
            TokenError::Audience,
        );
        check(json!({ "exp": NOW_S - 60 }), TokenError::Expired);
        check(json!({ "exp": null }), TokenError::Expired);
        check(json!({ "exp": "9999999999" }), TokenError::Expired);
        check(json!({ "iat": NOW_S + 61 }), TokenError::Early);
        check(json!({ "nbf": NOW_S + 61 }), TokenError::Early);
        check(json!({ "nbf": "soon" }), TokenError::Malformed);
        check(json!({ "iat": null }), TokenError::Malformed);
        check(json!({ "nonce": "n-2" }), TokenError::Nonce);
        check(json!({ "nonce": null }), TokenError::Nonce);
        check(json!({ "sub": "" }), TokenError::Subject);
        check(json!({ "sub": null }), TokenError::Subject);
        check(json!({ "sub": "x".repeat(256) }), TokenError::Subject);
        check(json!({ "sub": "a\u{0}b" }), TokenError::Subject);
        check(json!({ "events": {} }), TokenError::Malformed);
        for fine in [
            json!({ "aud": ["seawall"] }),
            json!({ "aud": ["other", "seawall"], "azp": "seawall" }),
            json!({ "exp": NOW_S - 59 }),
            json!({ "iat": NOW_S + 60 }),
        ] {
            assert!(checked(fine.clone(), ours).is_ok(), "{fine}");
        }
    }

    #[test]
    fn an_access_token_that_does_not_belong_is_noticed() {
        // The example of OpenID Connect Core 1.0, appendix A.3.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        let of = |token| SignInExpected {
            nonce: "n-1",
            access_token: Some(token),
            fresh_since: None,
        };
        let hash = json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RQ" });
        assert!(checked(hash.clone(), of(token)).is_ok());
        assert_eq!(checked(hash, of("another")), Err(TokenError::AccessToken));
        assert_eq!(
            checked(json!({ "at_hash": 7 }), of(token)),
            Err(TokenError::AccessToken)
        );
        assert!(checked(json!({}), of(token)).is_ok());
    }

    #[test]
    fn a_fresh_sign_in_is_one_since_it_was_asked_for() {
        let fresh = SignInExpected {
            nonce: "n-1",
            access_token: None,
            fresh_since: Some(EXPECTED.now.before(Duration::from_secs(120))),
        };
        assert!(checked(json!({ "auth_time": NOW_S - 100 }), fresh).is_ok());
        for stale in [
            json!({}),
            json!({ "auth_time": NOW_S - 181 }),
            json!({ "auth_time": NOW_S + 61 }),
        ] {
            assert_eq!(checked(stale.clone(), fresh), Err(TokenError::NotFresh), "{stale}");
        }
    }

    #[test]
    fn a_logout_token_is_nothing_else() {
        let events = json!({ LOGOUT_EVENT: {} });
        let check = |changes: Value| {
            let signed = Signed {
                algorithm: Algorithm::RS256,
                kind: None,
                claims: with(changes),
            };
            check_logout_token(&signed, &EXPECTED)
        };
        let told = check(json!({ "nonce": null, "events": events, "jti": "j", "sid": "s" })).unwrap();
        assert_eq!(
            (told.subject.as_deref(), told.provider_session.as_deref()),
            (Some("u-1"), Some("s"))
        );
        let refused = |changes: Value, expected| assert_eq!(check(changes), Err(expected));
        // An ID token, which the browser has seen, ends nobody's sessions.
        refused(json!({ "jti": "j" }), TokenError::NotLogout);
        refused(json!({ "events": events, "jti": "j" }), TokenError::NotLogout);
        refused(
            json!({ "nonce": null, "events": { LOGOUT_EVENT: 1 }, "jti": "j" }),
            TokenError::NotLogout,
        );
        refused(json!({ "nonce": null, "events": events }), TokenError::Malformed);
        refused(
            json!({ "nonce": null, "events": events, "jti": "j", "sub": null }),
            TokenError::Subject,
        );
        refused(
            json!({ "nonce": null, "events": events, "jti": "j", "iat": NOW_S - 601 }),
            TokenError::Expired,
        );
        refused(
            json!({ "nonce": null, "events": events, "jti": "j", "aud": "other" }),
            TokenError::Audience,
        );
    }
}
