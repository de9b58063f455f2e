//! A server to test against: a store in a temporary folder, a clock that stands still, chance that repeats itself.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use expect_test::Expect;
use http_body_util::BodyExt;
use moderation::flows::{access, banks};
use moderation::media::{HostSettings, MediaHost, WorkerCommand};
use moderation::model::{Actor, BankId, Chance, EntryId, ManualClock, NewBank, NewEntry, Scope, Timestamp};
use moderation::signal::{Signal, SignalType};
use moderation::store::Store;
use moderation::{Parts, Seawall, Settings};
use serde_json::Value;
use tower_service::Service;
use web::fetch::{ResolveHost, SystemResolver};
use web::{Peer, WebSettings, WebState};

/// A picture: waves, drawn by a program.
pub const PICTURE: &[u8] = include_bytes!("../data/waves.jpg");

/// The PDQ hash of a known picture.
pub const KNOWN: &str = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";

pub struct World {
    pub app: Seawall,
    pub clock: Arc<ManualClock>,
    pub state: WebState,
    router: Router,
    _folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut WebSettings)) -> Self {
        Self::resolving(Arc::new(SystemResolver), change).await
    }

    pub async fn resolving(resolver: Arc<dyn ResolveHost>, change: impl FnOnce(&mut WebSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("seawall.db").display());
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_ms(1_795_000_000_000)));
        let mut host = HostSettings::new(WorkerCommand {
            program: worker_program(),
            args: Vec::new(),
        });
        host.workers = 1;
        let parts = Parts {
            store: Store::open(&url).await.unwrap(),
            clock: clock.clone(),
            chance: Arc::new(Chance::seeded(1)),
            media: Arc::new(MediaHost::start(host).await.unwrap()),
            av: None,
            settings: Settings::default(),
            index_folder: None,
        };
        let app = Seawall::open(parts).await.unwrap();
        let mut settings = WebSettings::new("http://127.0.0.1:8410");
        change(&mut settings);
        let state = WebState::new(app.clone(), settings, resolver).unwrap();
        Self {
            app,
            clock,
            router: web::router(state.clone()),
            state,
            _folder: folder,
        }
    }

    /// The same world with another part in it.
    pub fn changed(mut self, change: impl FnOnce(&mut Seawall)) -> Self {
        change(&mut self.app);
        let settings = (*self.state.settings).clone();
        self.state = WebState::new(self.app.clone(), settings, Arc::new(SystemResolver)).unwrap();
        self.router = web::router(self.state.clone());
        self
    }

    /// The secret of a new key.
    pub async fn key(&self, scopes: &[Scope]) -> String {
        access::create_key(&self.app, &Actor::Operator, "of the tests", scopes.to_vec())
            .await
            .unwrap()
            .secret
    }

    /// The secret of a new key that opens everything a key can open.
    pub async fn full_key(&self) -> String {
        self.key(&Scope::of_keys()).await
    }

    pub async fn bank(&self, name: &str, confirmed: bool) -> BankId {
        let new = NewBank {
            name: name.to_owned(),
            description: String::new(),
            confirmed,
        };
        banks::create_bank(&self.app, &Actor::Operator, new, None)
            .await
            .unwrap()
            .into_inner()
    }

    pub async fn entry(&self, bank: BankId, signal: Signal) -> EntryId {
        let new = NewEntry {
            name: "known".to_owned(),
            labels: Vec::new(),
            source: String::new(),
            expires_at: None,
            signals: vec![signal],
        };
        banks::add_entry(&self.app, &Actor::Operator, bank, new, None, None)
            .await
            .unwrap()
            .into_inner()
    }

    /// From this machine.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000));
        request.extensions_mut().insert(Peer(peer));
        self.send_from_nowhere(request).await
    }

    /// From this machine, up to where the answer's body begins.
    pub async fn begin(&self, mut request: Request<Body>) -> axum::response::Response {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000));
        request.extensions_mut().insert(Peer(peer));
        self.router.clone().call(request).await.unwrap()
    }

    /// Without saying who is at the connection's other end, as no server of ours does.
    pub async fn send_from_nowhere(&self, request: Request<Body>) -> Answer {
        let mut router = self.router.clone();
        let response = router.call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub async fn get(&self, key: &str, path: &str) -> Answer {
        self.send(request(Method::GET, path, key, &[], Body::empty())).await
    }

    pub async fn json(&self, method: Method, key: &str, path: &str, body: Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send(request(method, path, key, &headers, Body::from(body.to_string())))
            .await
    }

    pub async fn post(&self, key: &str, path: &str, body: Value) -> Answer {
        self.json(Method::POST, key, path, body).await
    }

    /// A POST with an idempotency key.
    pub async fn post_once(&self, key: &str, path: &str, once: &str, body: Value) -> Answer {
        let headers = [("content-type", "application/json"), ("idempotency-key", once)];
        self.send(request(Method::POST, path, key, &headers, Body::from(body.to_string())))
            .await
    }

    /// A POST of a multipart form. Each part is its name, its file name (none if empty) and its bytes.
    pub async fn post_form(
        &self,
        key: &str,
        path: &str,
        once: Option<&str>,
        boundary: &str,
        parts: &[(&str, &str, &[u8])],
    ) -> Answer {
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let mut headers = vec![("content-type", content_type.as_str())];
        headers.extend(once.map(|once| ("idempotency-key", once)));
        self.send(request(
            Method::POST,
            path,
            key,
            &headers,
            Body::from(form(boundary, parts)),
        ))
        .await
    }
}

pub fn request(method: Method, path: &str, key: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !key.is_empty() {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

pub fn form(boundary: &str, parts: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file_name, bytes) in parts {
        let file_name = if file_name.is_empty() {
            String::new()
        } else {
            format!("; filename=\"{file_name}\"")
        };
        body.extend(
            format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"{file_name}\r\n\r\n").bytes(),
        );
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").bytes());
    body
}

pub fn pdq(value: &str) -> Signal {
    Signal::parse(SignalType::Pdq, value, Some(100)).unwrap()
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} is not JSON: {}", self.status, self.body))
    }

    pub fn text(&self, field: &str) -> String {
        self.json()[field]
            .as_str()
            .unwrap_or_else(|| panic!("no `{field}` in {}", self.body))
            .to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status, type, and the field that is wrong: what a program looks at.
    pub fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{} {}",
            self.status,
            self.body
        );
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        for field in ["title", "detail", "remedy"] {
            assert!(
                json[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field} {}",
                self.body
            );
        }
        let field = json["field"]
            .as_str()
            .map(|field| format!(" {field}"))
            .unwrap_or_default();
        format!(
            "{} {}{field}",
            self.status.as_u16(),
            json["type"].as_str().unwrap().trim_start_matches("/problems/")
        )
    }

    /// Compares status and body.
    #[track_caller]
    pub fn check(&self, expected: Expect) {
        let mut text = format!("{}\n", self.status);
        for name in ["location", "retry-after", "allow", "www-authenticate"] {
            if let Some(value) = self.headers.get(name) {
                let _ = writeln!(text, "{name}: {}", value.to_str().unwrap());
            }
        }
        if !self.body.is_empty() {
            match serde_json::from_str::<Value>(&self.body) {
                Ok(json) => text.push_str(&format!("{:#}\n", sorted(json))),
                Err(_) => text.push_str(&self.body),
            }
        }
        expected.assert_eq(&text);
    }
}

/// The keys of every object in order, whichever order the JSON library keeps them in.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let pairs: BTreeMap<String, Value> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(pairs.into_iter().collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// Names resolve to what the test says.
pub struct Names(pub Vec<(&'static str, Vec<IpAddr>)>);

impl ResolveHost for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> futures_util::future::BoxFuture<'a, std::io::Result<Vec<IpAddr>>> {
        let found = self
            .0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, addresses)| addresses.clone());
        Box::pin(async move { found.ok_or(std::io::Error::other("no such name")) })
    }
}

/// The jailed decoder, which `cargo nextest run --workspace` builds beside the tests; alone, it is built here.
fn worker_program() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let exe = std::env::current_exe().unwrap();
            let program = exe
                .parent()
                .and_then(|deps| deps.parent())
                .unwrap()
                .join("media-worker");
            if !program.exists() {
                let done = Command::new(env!("CARGO"))
                    .args(["build", "-p", "media", "--bin", "media-worker"])
                    .status();
                assert!(done.unwrap().success(), "cannot build the media worker");
            }
            program
        })
        .clone()
}
