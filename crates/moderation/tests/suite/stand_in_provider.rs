//! An identity provider of the tests' own: it signs what it is told to, right or wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use moderation::access::provider::people::{PeopleRules, SecondFactor};
use moderation::access::provider::{LocalSignIn, Provider, ProviderSettings};
use moderation::model::{Clock, ManualClock, Role};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// The secret by which it knows Seawall.
pub const CLIENT_SECRET: &str = "of the tests: 100% secret";

/// A key that it signs with.
#[derive(Clone)]
pub struct SigningKey {
    name: String,
    pkcs8: Vec<u8>,
}

impl SigningKey {
    pub fn fresh(name: &str) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        Self {
            name: name.to_owned(),
            pkcs8: pkcs8.as_ref().to_vec(),
        }
    }

    fn pair(&self) -> EcdsaKeyPair {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.pkcs8, &SystemRandom::new()).unwrap()
    }

    /// As it is published.
    fn public(&self) -> Value {
        let pair = self.pair();
        let point = pair.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.name,
            "x": part(&point[1..33]), "y": part(&point[33..65]),
        })
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        let head = unsigned(&json!({ "alg": "ES256", "typ": "JWT", "kid": self.name }), claims);
        let signature = self.pair().sign(&SystemRandom::new(), head.as_bytes()).unwrap();
        format!("{head}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    /// A token that is signed with what everybody knows, as if it were a shared secret.
    pub fn sign_with_what_is_public(&self, claims: &Value) -> String {
        use hmac::{Hmac, KeyInit, Mac};
        let head = unsigned(&json!({ "alg": "HS256", "typ": "JWT", "kid": self.name }), claims);
        let mut mac = Hmac::<Sha256>::new_from_slice(self.public().to_string().as_bytes()).unwrap();
        mac.update(head.as_bytes());
        format!("{head}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

/// A token before it is signed.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// Makes a token of a key and the right claims.
pub type Forger = dyn Fn(&SigningKey, &Value) -> String + Send;

struct Inner {
    key: SigningKey,
    published: Vec<Value>,
    /// What it says of the person who signs in; put over what is right.
    says: Map<String, Value>,
    /// What it says of them when asked with the access token.
    userinfo: Value,
    /// A token that takes the place of the right one.
    instead: Option<Box<Forger>>,
    codes: HashMap<String, (String, String)>,
    asked: Vec<String>,
    discovery: Map<String, Value>,
    is_down: bool,
    n_codes: usize,
}

/// The provider.
#[derive(Clone)]
pub struct StandIn {
    pub issuer: String,
    pub clock: Arc<ManualClock>,
    inner: Arc<Mutex<Inner>>,
}

impl StandIn {
    pub async fn start(clock: Arc<ManualClock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = SigningKey::fresh("first");
        let discovery = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize?tenant=1"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "end_session_endpoint": format!("{issuer}/end"),
        });
        let inner = Inner {
            published: vec![key.public()],
            key,
            says: Map::new(),
            userinfo: Value::Null,
            instead: None,
            codes: HashMap::new(),
            asked: Vec::new(),
            discovery: discovery.as_object().unwrap().clone(),
            is_down: false,
            n_codes: 0,
        };
        let provider = Self {
            issuer,
            clock,
            inner: Arc::new(Mutex::new(inner)),
        };
        let served = provider.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let served = served.clone();
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    let mut chunk = [0; 4_096];
                    while !is_whole(&request) {
                        match stream.read(&mut chunk).await {
                            Ok(n) if n > 0 => request.extend_from_slice(&chunk[..n]),
                            _ => return,
                        }
                    }
                    let (status, body) = served.answer(&String::from_utf8(request).unwrap());
                    let head = format!(
                        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                        body.len()
                    );
                    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
                });
            }
        });
        provider
    }

    /// Settings that let in whoever is in the groups `desk` (moderators), `leads` and `admins`, and make people of them.
    pub fn settings(&self) -> ProviderSettings {
        let role = |group: &str, role| (group.to_owned(), vec![role]);
        ProviderSettings {
            issuer: self.issuer.clone(),
            client_id: "seawall".to_owned(),
            client_secret: Some(CLIENT_SECRET.to_owned()),
            name: "Harbour Inc".to_owned(),
            scopes: vec!["openid".to_owned(), "profile".to_owned()],
            timeout: std::time::Duration::from_secs(5),
            people: PeopleRules {
                groups_claim: "groups".to_owned(),
                roles: vec![
                    role("desk", Role::Moderator),
                    role("leads", Role::Lead),
                    role("admins", Role::Admin),
                ],
                queues: Vec::new(),
                make_people: true,
                email_domains: Vec::new(),
            },
            second_factor: SecondFactor {
                is_always_asked: false,
                methods: vec!["mfa".to_owned()],
                classes: Vec::new(),
            },
            local_sign_in: LocalSignIn::Everyone,
            proof_lasts: std::time::Duration::from_secs(300),
        }
    }

    /// The provider, as Seawall holds it.
    pub fn with(&self, change: impl FnOnce(&mut ProviderSettings)) -> Option<Arc<Provider>> {
        let mut settings = self.settings();
        change(&mut settings);
        Some(Arc::new(Provider::new(settings).unwrap()))
    }

    /// Who signs in from now on, and what it says of them. A claim that is null is left out.
    pub fn says(&self, claims: Value) {
        self.inner.lock().unwrap().says = claims.as_object().unwrap().clone();
    }

    /// What it says of them when asked.
    pub fn says_when_asked(&self, claims: Value) {
        self.inner.lock().unwrap().userinfo = claims;
    }

    /// From now on it sends what this makes of the right claims.
    pub fn sends(&self, instead: impl Fn(&SigningKey, &Value) -> String + Send + 'static) {
        self.inner.lock().unwrap().instead = Some(Box::new(instead));
    }

    /// It sends what is right again.
    pub fn sends_what_is_right(&self) {
        self.inner.lock().unwrap().instead = None;
    }

    /// It signs with another key, and publishes it if it says so.
    pub fn changes_key(&self, name: &str, publishes: bool) {
        let mut inner = self.inner.lock().unwrap();
        inner.key = SigningKey::fresh(name);
        if publishes {
            inner.published = vec![inner.key.public()];
        }
    }

    pub fn key(&self) -> SigningKey {
        self.inner.lock().unwrap().key.clone()
    }

    /// What it says of itself changes.
    pub fn describes_itself(&self, name: &str, value: Value) {
        self.inner.lock().unwrap().discovery.insert(name.to_owned(), value);
    }

    pub fn is_down(&self, is_down: bool) {
        self.inner.lock().unwrap().is_down = is_down;
    }

    /// How often something was asked for.
    pub fn n_asked(&self, path: &str) -> usize {
        let inner = self.inner.lock().unwrap();
        inner
            .asked
            .iter()
            .filter(|asked| asked.split('?').next() == Some(path))
            .count()
    }

    /// Somebody signs in there who was sent with this address. The state that goes back, and the code.
    pub fn visit(&self, url: &str) -> (String, String) {
        assert!(
            url.starts_with(&format!("{}/authorize?tenant=1&", self.issuer)),
            "{url}"
        );
        let query = url.split_once('?').unwrap().1;
        let parts: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert_eq!(parts["response_type"], "code");
        assert_eq!(parts["code_challenge_method"], "S256");
        assert_eq!(parts["client_id"], "seawall");
        let mut inner = self.inner.lock().unwrap();
        inner.n_codes += 1;
        let code = format!("code-{}", inner.n_codes);
        let held = (parts["nonce"].clone(), parts["code_challenge"].clone());
        inner.codes.insert(code.clone(), held);
        (parts["state"].clone(), code)
    }

    /// The claims of a right token.
    pub fn claims(&self, nonce: &str) -> Value {
        let now = self.clock.now().unix_ms() / 1_000;
        let mut claims = json!({
            "iss": self.issuer, "aud": "seawall", "sub": "u-1", "iat": now, "exp": now + 300, "nonce": nonce,
        });
        for (name, value) in &self.inner.lock().unwrap().says {
            match value {
                Value::Null => claims.as_object_mut().unwrap().remove(name),
                value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        claims
    }

    /// A right logout token.
    pub fn logout_claims(&self, token_id: &str, more: Value) -> Value {
        let now = self.clock.now().unix_ms() / 1_000;
        let mut claims = json!({
            "iss": self.issuer, "aud": "seawall", "iat": now, "exp": now + 120, "jti": token_id,
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn answer(&self, request: &str) -> (u16, String) {
        let path = request.split(' ').nth(1).unwrap().to_owned();
        {
            let mut inner = self.inner.lock().unwrap();
            inner.asked.push(path.clone());
            if inner.is_down {
                return (503, "{}".to_owned());
            }
        }
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        match path.as_str() {
            "/.well-known/openid-configuration" => {
                let inner = self.inner.lock().unwrap();
                (200, Value::Object(inner.discovery.clone()).to_string())
            }
            "/keys" => {
                let inner = self.inner.lock().unwrap();
                (200, json!({ "keys": inner.published }).to_string())
            }
            "/userinfo" => {
                assert!(
                    head.to_ascii_lowercase().contains("authorization: bearer at-1"),
                    "{head}"
                );
                let inner = self.inner.lock().unwrap();
                let nothing_more = json!({ "sub": inner.says.get("sub").unwrap_or(&json!("u-1")) });
                let said = if inner.userinfo.is_null() {
                    &nothing_more
                } else {
                    &inner.userinfo
                };
                (200, said.to_string())
            }
            "/token" => self.take_code(head, body),
            other => panic!("nobody should ask for {other}"),
        }
    }

    fn take_code(&self, head: &str, body: &str) -> (u16, String) {
        let parts: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let refuse = |word: &str| (400, json!({ "error": word }).to_string());
        // Name and secret are each encoded before they are joined.
        let secret = form_urlencoded::byte_serialize(CLIENT_SECRET.as_bytes()).collect::<String>();
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("seawall:{secret}"));
        if !head.contains(&format!("Basic {basic}")) {
            return refuse("invalid_client");
        }
        let held = self.inner.lock().unwrap().codes.remove(&parts["code"]);
        let Some((nonce, challenge)) = held else {
            return refuse("invalid_grant");
        };
        let shown = URL_SAFE_NO_PAD.encode(Sha256::digest(parts["code_verifier"].as_bytes()));
        if shown != challenge || parts["grant_type"] != "authorization_code" {
            return refuse("invalid_grant");
        }
        let claims = self.claims(&nonce);
        let inner = self.inner.lock().unwrap();
        let token = match &inner.instead {
            Some(instead) => instead(&inner.key, &claims),
            None => inner.key.sign(&claims),
        };
        let answer = json!({ "access_token": "at-1", "token_type": "Bearer", "id_token": token });
        (200, answer.to_string())
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length:")
            .map(str::to_owned)
    });
    let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
    body.len() >= length
}
