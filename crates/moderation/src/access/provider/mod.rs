//! The company's identity provider: where people of the platform sign in anyway (OpenID Connect).
//!
//! [`Provider`] asks it, [`tokens`] says whether what it answered may be believed, [`people`] what that means here. It must
//! never know a table, and nothing here lets anybody in: `flows/access/provider` does.
//!
//! What the provider published is kept for a while. A token of a key that nobody knows yet makes its keys be asked for once
//! more, at most once a minute, so that strangers who send such tokens cost the provider nothing.

mod client;
mod keys;
pub mod people;
pub mod tokens;

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde_json::{Map, Value};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::model::Timestamp;

use client::Client;
use people::{PeopleRules, SecondFactor};
use tokens::{Expected, IdToken, LogoutToken, SignInExpected, TokenError};

pub use client::{CallError, plain_word, safe_url};
pub use keys::{Keys, Signed};

/// How long what the provider published is believed without asking again.
const PUBLISHED_KEPT: Duration = Duration::from_secs(3_600);
/// How often keys are asked for because a token names one that is not known.
const UNKNOWN_KEY_EVERY: Duration = Duration::from_secs(60);
/// How long a provider that did not answer is not asked again: who waits behind the first does not wait as long.
const OUTAGE_KEPT: Duration = Duration::from_secs(5);
/// The longest access token that is taken, in bytes.
const ACCESS_TOKEN_BYTES_MAX: usize = 32 << 10;

/// Who may still sign in with a password and a code of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalSignIn {
    /// Whoever has them.
    Everyone,
    /// Admins alone: the way in while the provider is down.
    Admins,
    /// Nobody. A one-time link, which the command line makes, still lets its person in.
    Nobody,
}

/// Which provider, and what it may say.
#[derive(Clone)]
pub struct ProviderSettings {
    /// The provider's own address, exactly as it writes it.
    pub issuer: String,
    /// By which name it knows this Seawall.
    pub client_id: String,
    /// The secret that goes with it; none for a client without one.
    pub client_secret: Option<String>,
    /// What people call it: it stands on the button.
    pub name: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// How long one question may take.
    pub timeout: Duration,
    /// Who comes in, and as what.
    pub people: PeopleRules,
    /// When a code of our own is not asked for.
    pub second_factor: SecondFactor,
    /// Who may do without the provider.
    pub local_sign_in: LocalSignIn,
    /// How long a fresh sign-in at the provider proves that it is the person.
    pub proof_lasts: Duration,
}

impl std::fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderSettings")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// The provider cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ProviderSetupError {
    /// Its address is not one.
    #[error("the provider's address is not an https address (http only on this machine)")]
    Address,
    /// The HTTP client cannot be made.
    #[error("cannot set up the client that asks the provider")]
    Client(#[source] reqwest::Error),
}

/// The provider gave no answer that can be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It did not answer as it should.
    #[error(transparent)]
    Call(#[from] CallError),
    /// What it answered is not to be believed.
    #[error("the provider's token is not to be believed: {0}")]
    Token(#[from] TokenError),
}

/// What a provider says of itself.
#[derive(Debug, Clone)]
pub struct Discovery {
    authorization: Url,
    token: Url,
    keys: Url,
    userinfo: Option<Url>,
    end_session: Option<Url>,
    /// Whether the secret goes into the form and not into the header.
    posts_secret: bool,
    /// Whether it always says in its answer who it is.
    pub names_itself: bool,
    /// Whether it says that it takes the proof by which a stolen code is worth nothing.
    pub takes_pkce: bool,
    /// Whether it says that it tells of people who signed out.
    pub tells_of_logout: bool,
}

/// How a browser is sent to the provider.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Where the answer goes.
    pub redirect_uri: &'a str,
    /// What the answer carries back.
    pub state: &'a str,
    /// What the token carries back.
    pub nonce: &'a str,
    /// The hash of what proves later that the code was ours.
    pub challenge: &'a str,
    /// Whether the person has to sign in anew.
    pub is_fresh: bool,
}

/// What the provider sent back through the browser.
#[derive(Debug, Clone, Copy)]
pub struct Code<'a> {
    /// The code.
    pub code: &'a str,
    /// Where it was sent to.
    pub redirect_uri: &'a str,
    /// What proves that it was ours.
    pub verifier: &'a str,
}

/// Who signed in, and the token that says so.
#[derive(Debug, Clone)]
pub struct Told {
    /// Who.
    pub id: IdToken,
    /// The token itself: signing out at the provider takes it.
    pub raw: String,
}

#[derive(Debug, Default)]
struct Known {
    discovery: Option<(Arc<Discovery>, Timestamp)>,
    keys: Option<(Arc<Keys>, Timestamp)>,
    searched_at: Option<Timestamp>,
    failed: Option<(CallError, Timestamp)>,
    keys_failed: Option<(CallError, Timestamp)>,
}

/// The company's identity provider.
#[derive(Debug)]
pub struct Provider {
    settings: ProviderSettings,
    client: Client,
    known: Mutex<Known>,
}

impl Provider {
    /// Sets the client up. Nothing is asked yet.
    pub fn new(settings: ProviderSettings) -> Result<Self, ProviderSetupError> {
        safe_url(&settings.issuer).ok_or(ProviderSetupError::Address)?;
        Ok(Self {
            client: Client::new(settings.timeout).map_err(ProviderSetupError::Client)?,
            settings,
            known: Mutex::default(),
        })
    }

    /// Which provider, and what it may say.
    pub fn settings(&self) -> &ProviderSettings {
        &self.settings
    }

    /// What the provider says of itself.
    pub async fn discovery(&self, now: Timestamp) -> Result<Arc<Discovery>, CallError> {
        let mut known = self.known().await?;
        self.discovery_in(&mut known, now).await
    }

    /// What is known, once nobody else is asking for it. Who waits longer than one question may take is told so.
    async fn known(&self) -> Result<MutexGuard<'_, Known>, CallError> {
        let waited = tokio::time::timeout(self.settings.timeout, self.known.lock()).await;
        waited.map_err(|_| CallError::Busy)
    }

    async fn discovery_in(&self, known: &mut Known, now: Timestamp) -> Result<Arc<Discovery>, CallError> {
        if let Some((discovery, at)) = &known.discovery
            && now.since(*at) < PUBLISHED_KEPT
        {
            return Ok(discovery.clone());
        }
        // What was known an hour ago is better than nothing while the provider is down.
        let or_older = |known: &Known, error: CallError| match &known.discovery {
            Some((discovery, _)) => Ok(discovery.clone()),
            None => Err(error),
        };
        if let Some((error, at)) = &known.failed
            && now.since(*at) < OUTAGE_KEPT
        {
            return or_older(known, error.clone());
        }
        let issuer = self.settings.issuer.trim_end_matches('/');
        let address = safe_url(&format!("{issuer}/.well-known/openid-configuration"));
        let address = address.ok_or(CallError::Address { what: "itself" })?;
        let asked_at = Instant::now();
        let asked = self.client.get(&address, None).await;
        match asked.and_then(|said| read_discovery(&said, &self.settings.issuer)) {
            Ok(discovery) => {
                let discovery = Arc::new(discovery);
                (known.discovery, known.failed) = (Some((discovery.clone(), now)), None);
                Ok(discovery)
            }
            Err(error) => {
                // From when it gave up, which may be long after it was asked.
                known.failed = Some((error.clone(), now.after(asked_at.elapsed())));
                or_older(known, error)
            }
        }
    }

    /// The keys that it signs with.
    pub async fn keys(&self, now: Timestamp) -> Result<Arc<Keys>, CallError> {
        let mut known = self.known().await?;
        if let Some((keys, at)) = &known.keys
            && now.since(*at) < PUBLISHED_KEPT
        {
            return Ok(keys.clone());
        }
        let fetched = self.fetch_keys(&mut known, now).await;
        match (fetched, &known.keys) {
            // As with what it says of itself: older ones are better than none.
            (Err(_), Some((older, _))) => Ok(older.clone()),
            (fetched, _) => fetched,
        }
    }

    async fn fetch_keys(&self, known: &mut Known, now: Timestamp) -> Result<Arc<Keys>, CallError> {
        if let Some((error, at)) = &known.keys_failed
            && now.since(*at) < OUTAGE_KEPT
        {
            return Err(error.clone());
        }
        let discovery = self.discovery_in(known, now).await?;
        let asked_at = Instant::now();
        let asked = self.client.get(&discovery.keys, None).await;
        let read = asked.and_then(|said| Keys::read(&said).ok_or(CallError::Unreadable { what: "its keys" }));
        match read {
            Ok(keys) => {
                let keys = Arc::new(keys);
                (known.keys, known.keys_failed) = (Some((keys.clone(), now)), None);
                Ok(keys)
            }
            Err(error) => {
                known.keys_failed = Some((error.clone(), now.after(asked_at.elapsed())));
                Err(error)
            }
        }
    }

    /// Reads a token that the provider signed. If it names a key that is not known, the keys are asked for once more.
    async fn open(&self, token: &str, now: Timestamp) -> Result<Signed, ProviderError> {
        // Rubbish is seen without its keys, so that nobody who sends it makes the provider be asked.
        keys::read_header(token)?;
        let keys = self.keys(now).await?;
        match keys.open(token) {
            Err(TokenError::UnknownKey) => {
                let mut known = self.known().await?;
                let is_too_soon = known.searched_at.is_some_and(|at| now.since(at) < UNKNOWN_KEY_EVERY);
                if is_too_soon {
                    // Somebody else may have found it meanwhile.
                    let newest = known.keys.as_ref().map(|(keys, _)| keys.clone());
                    return Ok(newest.unwrap_or(keys).open(token)?);
                }
                let keys = self.fetch_keys(&mut known, now).await?;
                known.searched_at = Some(now);
                Ok(keys.open(token)?)
            }
            opened => Ok(opened?),
        }
    }

    /// Where a browser is sent to.
    pub async fn question(&self, question: &Question<'_>, now: Timestamp) -> Result<String, CallError> {
        let mut url = self.discovery(now).await?.authorization.clone();
        let settings = &self.settings;
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &settings.client_id)
                .append_pair("redirect_uri", question.redirect_uri)
                .append_pair("scope", &settings.scopes.join(" "))
                .append_pair("state", question.state)
                .append_pair("nonce", question.nonce)
                .append_pair("code_challenge", question.challenge)
                .append_pair("code_challenge_method", "S256");
            if !settings.second_factor.classes.is_empty() {
                query.append_pair("acr_values", &settings.second_factor.classes.join(" "));
            }
            if question.is_fresh {
                query.append_pair("prompt", "login").append_pair("max_age", "0");
            }
        }
        Ok(url.into())
    }

    /// Takes a code to the provider, and believes who it says that signed in, if everything fits.
    pub async fn redeem(
        &self,
        code: &Code<'_>,
        nonce: &str,
        fresh_since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Told, ProviderError> {
        let discovery = self.discovery(now).await?;
        let answer = self.send_code(&discovery, code).await?;
        let raw = answer.get("id_token").and_then(Value::as_str);
        let raw = raw.ok_or(CallError::Unreadable {
            what: "there is no ID token",
        })?;
        let access_token = answer.get("access_token").and_then(Value::as_str);
        let access_token = access_token.filter(|token| token.len() <= ACCESS_TOKEN_BYTES_MAX);
        let signed = self.open(raw, now).await?;
        let sign_in = SignInExpected {
            nonce,
            access_token,
            fresh_since,
        };
        let mut id = tokens::check_id_token(signed, &self.expected(now), &sign_in)?;
        if let (true, Some(address), Some(token)) = (
            self.settings.people.lacks(&id.claims),
            &discovery.userinfo,
            access_token,
        ) {
            let said = self.client.get(address, Some(token)).await?;
            add_claims(&mut id, said)?;
        }
        Ok(Told {
            id,
            raw: raw.to_owned(),
        })
    }

    async fn send_code(&self, discovery: &Discovery, code: &Code<'_>) -> Result<Value, CallError> {
        // The standard (RFC 6749, section 2.3.1) has both encoded before they go into the header.
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let name = encoded(&self.settings.client_id);
        let secret = self.settings.client_secret.as_deref();
        let in_header = secret.filter(|_| !discovery.posts_secret).map(encoded);
        let basic = in_header.as_deref().map(|secret| (name.as_str(), secret));
        let form = self.code_form(code, secret.filter(|_| in_header.is_none()), basic.is_none());
        self.client.post(&discovery.token, form, basic).await
    }

    fn code_form(&self, code: &Code<'_>, secret: Option<&str>, names_client: bool) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code.code)
            .append_pair("redirect_uri", code.redirect_uri)
            .append_pair("code_verifier", code.verifier);
        if names_client {
            form.append_pair("client_id", &self.settings.client_id);
        }
        if let Some(secret) = secret {
            form.append_pair("client_secret", secret);
        }
        form.finish()
    }

    /// Believes a provider's word that somebody signed out there, if everything fits.
    pub async fn read_logout(&self, token: &str, now: Timestamp) -> Result<LogoutToken, ProviderError> {
        let signed = self.open(token, now).await?;
        Ok(tokens::check_logout_token(&signed, &self.expected(now))?)
    }

    /// Where a browser goes to sign out at the provider as well; none if it has no such place.
    pub async fn sign_out_url(&self, id_token: Option<&str>, back: &str, now: Timestamp) -> Option<String> {
        let discovery = self.discovery(now).await.ok()?;
        let mut url = discovery.end_session.clone()?;
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("client_id", &self.settings.client_id)
                .append_pair("post_logout_redirect_uri", back);
            if let Some(token) = id_token {
                query.append_pair("id_token_hint", token);
            }
        }
        Some(url.into())
    }

    fn expected(&self, now: Timestamp) -> Expected<'_> {
        Expected {
            issuer: &self.settings.issuer,
            client_id: &self.settings.client_id,
            now,
        }
    }
}

/// Adds what the provider says of the person elsewhere. What the signed token says stands.
fn add_claims(id: &mut IdToken, said: Value) -> Result<(), ProviderError> {
    let Value::Object(said) = said else {
        return Err(CallError::Unreadable {
            what: "its word about the person",
        }
        .into());
    };
    if said.get("sub").and_then(Value::as_str) != Some(&id.subject) {
        return Err(TokenError::Subject.into());
    }
    let said: Map<String, Value> = said;
    for (name, value) in said {
        // What says how somebody signed in is believed of the signed token alone.
        if !matches!(name.as_str(), "amr" | "acr" | "auth_time") {
            id.claims.entry(name).or_insert(value);
        }
    }
    Ok(())
}

fn read_discovery(said: &Value, issuer: &str) -> Result<Discovery, CallError> {
    if said.get("issuer").and_then(Value::as_str) != Some(issuer) {
        return Err(CallError::Unreadable {
            what: "it calls itself otherwise than the configuration does",
        });
    }
    // A provider elsewhere has nothing on this machine.
    let is_allowed = |url: &Url| url.scheme() == "https" || issuer.starts_with("http://");
    let address = |name: &str, what: &'static str| match said.get(name) {
        None => Ok(None),
        Some(text) => text
            .as_str()
            .and_then(safe_url)
            .filter(is_allowed)
            .map(Some)
            .ok_or(CallError::Address { what }),
    };
    let required = |name: &str, what: &'static str| address(name, what)?.ok_or(CallError::Unreadable { what });
    let has = |name: &str, word: &str| {
        said.get(name)
            .and_then(Value::as_array)
            .map(|list| list.iter().any(|found| found.as_str() == Some(word)))
    };
    let flag = |name: &str| said.get(name).and_then(Value::as_bool).unwrap_or(false);
    let methods = "token_endpoint_auth_methods_supported";
    let takes_header = has(methods, "client_secret_basic").unwrap_or(true);
    Ok(Discovery {
        authorization: required("authorization_endpoint", "where people sign in")?,
        token: required("token_endpoint", "where codes are taken")?,
        keys: required("jwks_uri", "where its keys are")?,
        userinfo: address("userinfo_endpoint", "where it tells of people")?,
        end_session: address("end_session_endpoint", "where people sign out")?,
        posts_secret: !takes_header && has(methods, "client_secret_post").unwrap_or(false),
        names_itself: flag("authorization_response_iss_parameter_supported"),
        takes_pkce: has("code_challenge_methods_supported", "S256").unwrap_or(false),
        tells_of_logout: flag("backchannel_logout_supported"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_provider_that_calls_itself_otherwise_is_not_believed() {
        let said = |issuer: &str, keys: &str| {
            json!({
                "issuer": issuer,
                "authorization_endpoint": "https://id.example/auth",
                "token_endpoint": "https://id.example/token",
                "jwks_uri": keys,
            })
        };
        let good = read_discovery(
            &said("https://id.example", "https://keys.example/k"),
            "https://id.example",
        )
        .unwrap();
        assert!(!good.posts_secret && !good.names_itself && good.end_session.is_none());
        for bad in [
            said("https://id.example/", "https://id.example/k"),
            said("https://evil.example", "https://id.example/k"),
            said("https://id.example", "http://id.example/k"),
            said("https://id.example", "http://127.0.0.1:9200/k"),
            said("https://id.example", "file:///etc/passwd"),
            json!({ "issuer": "https://id.example" }),
            json!([]),
        ] {
            assert!(read_discovery(&bad, "https://id.example").is_err(), "{bad}");
        }
    }

    #[test]
    fn the_secret_goes_where_the_provider_takes_it() {
        let with = |methods: Value| {
            let mut said = json!({
                "issuer": "https://id.example", "authorization_endpoint": "https://id.example/a",
                "token_endpoint": "https://id.example/t", "jwks_uri": "https://id.example/k",
            });
            said["token_endpoint_auth_methods_supported"] = methods;
            read_discovery(&said, "https://id.example").unwrap().posts_secret
        };
        assert!(with(json!(["client_secret_post"])));
        assert!(!with(json!(["client_secret_post", "client_secret_basic"])));
        assert!(!with(json!(["private_key_jwt"])));
    }

    #[test]
    fn what_is_said_of_somebody_else_is_not_added() {
        let mut id = IdToken {
            subject: "u-1".to_owned(),
            provider_session: None,
            signed_in_at: None,
            claims: json!({ "sub": "u-1", "groups": ["desk"] }).as_object().unwrap().clone(),
        };
        let other = add_claims(&mut id, json!({ "sub": "u-2", "email": "x@y" }));
        assert_eq!(other, Err(TokenError::Subject.into()));
        let unsigned = json!({ "sub": "u-1", "groups": ["admins"], "email": "a@b", "amr": ["mfa"], "acr": "high" });
        add_claims(&mut id, unsigned).unwrap();
        assert_eq!(id.claims["groups"], json!(["desk"]));
        assert!(id.claims.contains_key("email") && !id.claims.contains_key("amr") && !id.claims.contains_key("acr"));
    }
}
