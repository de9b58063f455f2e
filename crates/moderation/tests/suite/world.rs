//! A small world to test in: a store, a clock that stands still, a platform that answers as it is told.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use media::{HostSettings, MediaHost, WorkerCommand};
use moderation::actions::backoff::Backoff;
use moderation::actions::webhook::{WebhookSettings, signature};
use moderation::flows::submit::{NewContent, NewMedia, Submission};
use moderation::flows::{access, banks, submit};
use moderation::matching::MatchSettings;
use moderation::model::{
    Actor, BankId, Chance, EntryId, ItemKind, ManualClock, NewBank, NewEntry, PlatformFacts, Role, Timestamp, UserId,
    Verdict,
};
use moderation::store::Store;
use moderation::{DeskSettings, Parts, Seawall, Settings};
use signal::{Pdq, Signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// The shared secret of the webhook.
pub const SECRET: &str = "whsec_of_the_tests";

pub struct World {
    pub app: Seawall,
    pub clock: Arc<ManualClock>,
    pub platform: Arc<Platform>,
    pub url: String,
    pub admin: Actor,
    pub moderator: Actor,
    pub colleague: Actor,
    _folder: Option<tempfile::TempDir>,
}

impl World {
    pub async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("seawall.db").display());
        Self::on(url, Some(folder)).await
    }

    pub async fn on_postgres() -> Self {
        Self::on(fresh_postgres().await, None).await
    }

    /// On a Postgres database that sorts text as the language does.
    pub async fn on_postgres_in(language: &str) -> Self {
        let options = format!("TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE '{language}'");
        Self::on(fresh_postgres_with(&options).await, None).await
    }

    async fn on(url: String, folder: Option<tempfile::TempDir>) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_ms(1_795_000_000_000)));
        let platform = Platform::start().await;
        let app = open(&url, clock.clone(), &platform, 1).await;
        let person = |seed, role: Role| {
            let user = UserId::fresh(Timestamp::from_unix_ms(seed), &Chance::seeded(seed as u64));
            Actor::person(user, role.into())
        };
        Self {
            app,
            clock,
            platform,
            url,
            admin: person(1, Role::Admin),
            moderator: person(2, Role::Moderator),
            colleague: person(3, Role::Moderator),
            _folder: folder,
        }
    }

    /// Another process on the same store.
    pub async fn second_process(&self) -> Seawall {
        open(&self.url, self.clock.clone(), &self.platform, 2).await
    }

    /// Another process on the same store, with an index in a folder of its own.
    pub async fn process_with_index(&self, folder: &std::path::Path) -> Seawall {
        self.process_with_settings(folder, MatchSettings::default()).await
    }

    /// The same, where other distances and qualities count.
    pub async fn process_with_settings(&self, folder: &std::path::Path, matching: MatchSettings) -> Seawall {
        let folder = Some(folder.to_owned());
        open_with_index(&self.url, self.clock.clone(), &self.platform, 2, folder, matching).await
    }

    pub async fn bank(&self, name: &str, confirmed: bool) -> BankId {
        let new = NewBank {
            name: name.to_owned(),
            description: String::new(),
            confirmed,
        };
        banks::create_bank(&self.app, &self.admin, new, None)
            .await
            .unwrap()
            .into_inner()
    }

    pub async fn entry(&self, bank: BankId, signal: Signal) -> EntryId {
        banks::add_entry(&self.app, &self.admin, bank, entry_of(vec![signal]), None, None)
            .await
            .unwrap()
            .into_inner()
    }

    /// Submits an item with one file that has this signal.
    pub async fn submit(&self, id: &str, signal: Signal) -> Verdict {
        submit::submit_item(&self.app, &Actor::Operator, item(id, vec![given(signal)]), None)
            .await
            .unwrap()
            .verdict
    }

    pub async fn check(&self, signal: Signal) -> Verdict {
        self.check_in(&self.app, signal).await
    }

    /// The same, asked of another process.
    pub async fn check_in(&self, app: &Seawall, signal: Signal) -> Verdict {
        submit::check_item(app, &Actor::Operator, item("probe", vec![given(signal)]))
            .await
            .unwrap()
    }

    /// A signed-in user, made the way people make one.
    pub async fn join(&self, name: &str, role: Role) -> (UserId, String, String) {
        let invite = access::invite_user(&self.app, &Actor::Operator, name, role.into())
            .await
            .unwrap();
        let view = access::open_invite(&self.app, &invite.token).await.unwrap();
        let code = self.code(&view.totp_secret_base32);
        let joined = access::accept_invite(&self.app, &invite.token, "correct horse battery", &code)
            .await
            .unwrap();
        (invite.user, view.totp_secret_base32, joined.session_token)
    }

    /// Signs in from an address of the tests.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &str,
        code: &str,
    ) -> Result<access::SignedIn, access::AccessError> {
        self.sign_in_from("192.0.2.1", None, name, password, code).await
    }

    /// Signs in from an address, with what a browser knows of an earlier time.
    pub async fn sign_in_from(
        &self,
        address: &str,
        device_token: Option<&str>,
        name: &str,
        password: &str,
        code: &str,
    ) -> Result<access::SignedIn, access::AccessError> {
        let attempt = access::Attempt {
            name,
            password,
            totp_code: code,
            address,
            device_token,
        };
        access::sign_in(&self.app, &attempt).await
    }

    pub fn code(&self, secret: &str) -> String {
        use moderation::model::Clock;
        moderation::access::secrets::totp_code(secret, self.clock.now()).unwrap()
    }

    /// Delivers what is due now.
    pub async fn deliver(&self) -> usize {
        moderation::flows::actions::deliver_due(&self.app, "worker-of-the-tests")
            .await
            .unwrap()
    }

    pub async fn faults(&self) -> Vec<String> {
        moderation::flows::verify::verify_store(&self.app).await.unwrap().faults
    }

    pub async fn sql(&self, statement: &'static str) {
        let mut tx = self.app.store.begin("tamper").await.unwrap();
        sqlx::query(statement).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
    }
}

pub async fn open(url: &str, clock: Arc<ManualClock>, platform: &Platform, seed: u64) -> Seawall {
    open_with_index(url, clock, platform, seed, None, MatchSettings::default()).await
}

/// The same, with an index that lies in a folder.
pub async fn open_with_index(
    url: &str,
    clock: Arc<ManualClock>,
    platform: &Platform,
    seed: u64,
    index_folder: Option<PathBuf>,
    matching: MatchSettings,
) -> Seawall {
    let settings = Settings {
        webhook: Some(WebhookSettings {
            url: platform.url.clone(),
            secret: SECRET.to_owned(),
            timeout: Duration::from_secs(5),
            backoff: Backoff {
                first: Duration::from_secs(2),
                max: Duration::from_secs(60),
                give_up_after: Duration::from_secs(3_600),
            },
        }),
        matching,
        // Most tests want orders to leave at once.
        desk: DeskSettings {
            undo: Duration::ZERO,
            ..DeskSettings::default()
        },
        ..Settings::default()
    };
    let mut host = HostSettings::new(WorkerCommand {
        program: worker_program(),
        args: Vec::new(),
    });
    host.workers = 1;
    let parts = Parts {
        store: Store::open(url).await.unwrap(),
        clock,
        chance: Arc::new(Chance::seeded(seed)),
        media: Arc::new(MediaHost::start(host).await.unwrap()),
        av: None,
        settings,
        index_folder,
    };
    Seawall::open(parts).await.unwrap()
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

/// A new database on the server of `SEAWALL_TEST_POSTGRES`.
pub async fn fresh_postgres() -> String {
    fresh_postgres_with("").await
}

async fn fresh_postgres_with(options: &str) -> String {
    use sqlx::{AssertSqlSafe, Connection};
    let server = std::env::var("SEAWALL_TEST_POSTGRES")
        .expect("SEAWALL_TEST_POSTGRES must name a Postgres server: run the tests through scripts/with-postgres.sh");
    sqlx::any::install_default_drivers();
    let chance = Chance::from_system().unwrap();
    let name = format!("seawall_test_{}", hex(&chance.bytes::<8>()));
    let mut conn = sqlx::AnyConnection::connect(&server).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name} {options}")))
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A PDQ hash that is `bits` away from [`hash_of`] of the same seed.
pub fn hash_near(seed: u64, bits: u32) -> Signal {
    let mut words = words_of(seed);
    for bit in 0..bits {
        words[(bit / 64) as usize] ^= 1 << (bit % 64);
    }
    Signal::Pdq {
        hash: Pdq::from_words(words),
        quality: Some(100),
    }
}

/// A PDQ hash of its own for each seed; two of them are far apart.
pub fn hash_of(seed: u64) -> Signal {
    hash_near(seed, 0)
}

fn words_of(seed: u64) -> [u64; 4] {
    let bytes = Chance::seeded(seed).bytes::<32>();
    std::array::from_fn(|word| u64::from_be_bytes(std::array::from_fn(|byte| bytes[word * 8 + byte])))
}

pub fn entry_of(signals: Vec<Signal>) -> NewEntry {
    NewEntry {
        name: "known".to_owned(),
        labels: vec!["test".to_owned()],
        source: String::new(),
        expires_at: None,
        signals,
    }
}

pub fn given(signal: Signal) -> NewMedia {
    NewMedia {
        transcript: Vec::new(),
        name: "a.jpg".to_owned(),
        content: NewContent::Signals(vec![signal]),
    }
}

pub fn bytes(name: &str, content: &[u8]) -> NewMedia {
    NewMedia {
        transcript: Vec::new(),
        name: name.to_owned(),
        content: NewContent::Bytes(Bytes::copy_from_slice(content)),
    }
}

pub fn item(id: &str, media: Vec<NewMedia>) -> Submission {
    Submission {
        id: id.parse().unwrap(),
        kind: ItemKind::Post,
        account: Some("account-7".to_owned()),
        channel: None,
        audience: None,
        url: None,
        text: Some("a post".to_owned()),
        report: None,
        platform: PlatformFacts::default(),
        media,
    }
}

/// What the platform heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub key: String,
    pub kind: String,
    pub item: String,
    pub decision: String,
    pub body: String,
}

/// A platform that checks signatures and answers as it is told: with the next prepared answer, or `done`.
pub struct Platform {
    pub url: String,
    heard: Mutex<Vec<Heard>>,
    answers: Mutex<VecDeque<(u16, String)>>,
    /// Once set, every answer is this status with nothing in it.
    pub down: Mutex<Option<u16>>,
}

impl Platform {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let platform = Arc::new(Self {
            url: format!("http://{}/hook", listener.local_addr().unwrap()),
            heard: Mutex::default(),
            answers: Mutex::default(),
            down: Mutex::default(),
        });
        let serving = platform.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let platform = serving.clone();
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    let mut chunk = [0; 4096];
                    while !is_whole(&request) {
                        let n = stream.read(&mut chunk).await.unwrap_or(0);
                        if n == 0 {
                            return;
                        }
                        request.extend_from_slice(&chunk[..n]);
                    }
                    let (status, body) = platform.answer(&request);
                    let head = format!(
                        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                        body.len()
                    );
                    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
                });
            }
        });
        platform
    }

    pub fn will_answer(&self, status: u16, body: &str) {
        self.answers.lock().unwrap().push_back((status, body.to_owned()));
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// The kinds of orders that were heard about an item, repeats left out.
    pub fn kinds_for(&self, item: &str) -> Vec<String> {
        let mut seen = Vec::new();
        let mut kinds = Vec::new();
        for heard in self.heard().into_iter().filter(|heard| heard.item == item) {
            if !seen.contains(&heard.key) {
                seen.push(heard.key);
                kinds.push(heard.kind);
            }
        }
        kinds
    }

    fn answer(&self, request: &[u8]) -> (u16, String) {
        if let Some(status) = *self.down.lock().unwrap() {
            return (status, String::new());
        }
        let text = String::from_utf8(request.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let header = |name: &str| {
            head.lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_owned())
                .unwrap_or_else(|| panic!("no header {name} in {head}"))
        };
        let sent = header("seawall-signature");
        let seconds: i64 = sent
            .strip_prefix("t=")
            .and_then(|rest| rest.split(',').next())
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(
            sent,
            signature(SECRET, Timestamp::from_unix_ms(seconds * 1_000), body.as_bytes()),
            "the signature is wrong"
        );
        let json: serde_json::Value = serde_json::from_str(body).unwrap();
        let field = |name: &str| {
            json[name]
                .as_str()
                .unwrap_or_else(|| panic!("no {name} in {body}"))
                .to_owned()
        };
        assert_eq!(field("id"), header("idempotency-key"));
        let heard = Heard {
            key: header("idempotency-key"),
            kind: field("kind"),
            // Not everything that is told is about an item.
            item: json["item"].as_str().unwrap_or_default().to_owned(),
            decision: json["decision"].as_str().unwrap_or_default().to_owned(),
            body: body.to_owned(),
        };
        self.heard.lock().unwrap().push(heard);
        self.answers
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or((200, r#"{"answer":"done"}"#.to_owned()))
    }
}

pub fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap());
    body.len() >= length
}
