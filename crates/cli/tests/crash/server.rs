//! The server under test, the platform it talks to, and what one needs to use them.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cli::demo::canvas::Dice;
use cli::demo::platform::{self, Behaviour, ORDERS_PATH, Platform};
use media::{HostSettings, MediaHost, WorkerCommand};
use moderation::access::secrets;
use moderation::flows::access;
use moderation::model::{Actor, Chance, Role, SystemClock};
use moderation::store::Store;
use moderation::{Parts, Seawall, Settings};
use signal::Pdq;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::common::{self, Home};

/// The secret that orders are signed with.
const SECRET: &str = "a secret of the crash test";

/// The people who decide.
const NAMES: [&str; 8] = ["amal", "ben", "chi", "dana", "emre", "fay", "gus", "hana"];

/// A person who is signed in, as a browser knows them.
#[derive(Debug, Clone)]
pub struct Browser {
    /// The console's cookie.
    pub cookie: String,
    /// The token that forms carry.
    pub csrf: String,
}

/// Everything around the server.
pub struct World {
    home: Home,
    store_url: String,
    child: Option<Child>,
    /// Where the server listens; the same after each restart.
    pub url: String,
    /// What the platform calls with.
    pub api_key: String,
    /// Who decides.
    pub browser: Browser,
    /// The people of a shift, that one among them.
    pub people: Vec<Browser>,
    /// Hashes in the confirmed bank.
    pub confirmed: Vec<Pdq>,
    /// Hashes in the bank that is not confirmed.
    pub unconfirmed: Vec<Pdq>,
    /// The platform.
    pub platform: Platform,
    platform_address: std::net::SocketAddr,
    platform_task: Option<JoinHandle<std::io::Result<()>>>,
}

impl World {
    /// Fills a store with banks, a person and a key, and starts the platform.
    pub async fn prepare(store_url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let platform_address = listener.local_addr().unwrap();
        let platform = Platform::new(
            SECRET,
            Arc::new(SystemClock),
            Behaviour {
                fail_every: 5,
                ..Behaviour::default()
            },
        );
        let platform_task = Some(tokio::spawn(platform::serve(
            platform.router(),
            listener,
            std::future::pending(),
        )));

        let port = free_port();
        let home = Home::new("");
        let config = format!(
            "[store]\nurl = \"{store_url}\"\n[http]\nlisten = \"127.0.0.1:{port}\"\naddress_calls_per_second = 5000\naddress_calls_burst = 5000\n\
             [media]\nworkers = 1\n[webhook]\nurl = \"http://{platform_address}{ORDERS_PATH}\"\nsecret = \"{SECRET}\"\ntimeout_ms = 2000\n\
             backoff_first_ms = 100\nbackoff_max_ms = 2000\n[log]\nlevel = \"error\"\n"
        );
        std::fs::write(home.config(), config).unwrap();

        let mut dice = Dice::new(99);
        let mut hashes = |n: usize| -> Vec<Pdq> { (0..n).map(|_| any_hash(&mut dice)).collect() };
        let (confirmed, unconfirmed) = (hashes(40), hashes(40));
        for (name, list, more) in [
            ("confirmed", &confirmed, &["--confirmed"][..]),
            ("unconfirmed", &unconfirmed, &[]),
        ] {
            let file = home.dir.path().join(name);
            let text: String = list.iter().map(|hash| format!("{hash}\n")).collect();
            std::fs::write(&file, text).unwrap();
            home.ok(&[
                &["bank", "import", file.to_str().unwrap(), "--bank", name, "--create"],
                more,
            ]
            .concat());
        }
        let scopes = "items:write,items:read,cases:read";
        let api_key = home
            .ok(&["key", "create", "platform", "--scope", scopes])
            .out
            .trim()
            .to_owned();
        let mut world = Self {
            home,
            store_url: store_url.to_owned(),
            child: None,
            url: format!("http://127.0.0.1:{port}"),
            api_key,
            browser: Browser {
                cookie: String::new(),
                csrf: String::new(),
            },
            people: Vec::new(),
            confirmed,
            unconfirmed,
            platform,
            platform_address,
            platform_task,
        };
        world.people = world.sign_in().await;
        world.browser = world.people[0].clone();
        world
    }

    /// Opens the store from here. Not while the server runs: another connection would change how the store comes up after a kill.
    pub async fn open(&self) -> Seawall {
        assert!(self.child.is_none(), "the server holds the store");
        let worker = WorkerCommand {
            program: PathBuf::from(env!("CARGO_BIN_EXE_seawall")),
            args: vec![cli::MEDIA_WORKER.into()],
        };
        let media = MediaHost::start(HostSettings {
            workers: 1,
            ..HostSettings::new(worker)
        })
        .await
        .unwrap();
        Seawall::open_for_upkeep(Parts {
            store: Store::open(&self.store_url).await.unwrap(),
            clock: Arc::new(SystemClock),
            chance: Arc::new(Chance::from_system().unwrap()),
            media: Arc::new(media),
            av: None,
            settings: Settings::default(),
            index_folder: None,
        })
        .unwrap()
    }

    async fn sign_in(&self) -> Vec<Browser> {
        let app = self.open().await;
        let mut people = Vec::new();
        for name in NAMES {
            let invite = access::invite_user(&app, &Actor::Operator, name, Role::Lead.into())
                .await
                .unwrap();
            let seed = access::open_invite(&app, &invite.token)
                .await
                .unwrap()
                .totp_secret_base32;
            let code = secrets::totp_code(&seed, app.clock.now()).unwrap();
            let signed_in = access::accept_invite(&app, &invite.token, "a password of the crash test", &code)
                .await
                .unwrap();
            people.push(Browser {
                cookie: format!("seawall_session={}", signed_in.session_token),
                csrf: signed_in.session.csrf_token,
            });
        }
        app.media.shutdown().await;
        app.store.close().await;
        people
    }

    /// Starts the server and waits until it is ready.
    pub async fn start_server(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.home.dir.path().join("log"))
            .unwrap();
        let child = self
            .home
            .command(&["serve"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let client = reqwest::Client::new();
        let started = Instant::now();
        loop {
            let answer = client.get(format!("{}/readyz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {ended:?}\n{}", self.log());
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "the server does not become ready:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Kills the server, and sees that its media workers end with it.
    pub async fn kill_server(&mut self) {
        let mut child = self.child.take().unwrap();
        let workers = children_of(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        let killed = Instant::now();
        while workers.iter().any(|worker| is_alive(*worker)) {
            assert!(
                killed.elapsed() < Duration::from_secs(20),
                "media workers outlive the server: {workers:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends the server in good order.
    pub async fn stop_server(&mut self) {
        let mut child = self.child.take().unwrap();
        let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        let status = tokio::task::spawn_blocking(move || child.wait().unwrap())
            .await
            .unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.log());
    }

    /// Runs `seawall verify` on the store.
    pub fn verify(&self, when: &str) {
        let ran = self.home.run(&["verify", "--json"]);
        assert_eq!(ran.code, 0, "{when}: {ran:?}");
    }

    /// Nobody reaches the platform any more, and whoever is connected is answered with 503.
    pub async fn platform_down(&mut self) {
        self.platform.set_down(true);
        let task = self.platform_task.take().unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }

    /// The platform is back.
    pub async fn platform_up(&mut self) {
        self.platform.set_down(false);
        if self.platform_task.is_none() {
            let listener = TcpListener::bind(self.platform_address).await.unwrap();
            self.platform_task = Some(tokio::spawn(platform::serve(
                self.platform.router(),
                listener,
                std::future::pending(),
            )));
        }
    }

    /// How many actions still have to be delivered; at most 200 of each state are counted.
    pub async fn n_unfinished_actions(&self) -> usize {
        let mut n_unfinished = 0;
        for state in ["waiting", "retrying"] {
            let url = format!("{}/api/v1/actions?limit=200&state={state}", self.url);
            let answer = reqwest::Client::new()
                .get(url)
                .bearer_auth(&self.api_key)
                .send()
                .await
                .unwrap();
            let body: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            n_unfinished += body["rows"].as_array().unwrap_or_else(|| panic!("{body}")).len();
        }
        n_unfinished
    }

    /// Waits until every action is delivered.
    pub async fn wait_until_delivered(&self, at_most: Duration) {
        let since = Instant::now();
        loop {
            let n_unfinished = self.n_unfinished_actions().await;
            if n_unfinished == 0 {
                return;
            }
            assert!(
                since.elapsed() < at_most,
                "{n_unfinished} actions are not delivered:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.home.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A hash of nothing.
pub fn any_hash(dice: &mut Dice) -> Pdq {
    Pdq::from_bytes(std::array::from_fn(|_| dice.below(256) as u8))
}

/// A PNG of nothing that is known.
pub fn any_png(seed: u32) -> Vec<u8> {
    common::png(&common::picture(seed))
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The processes that this process started.
fn children_of(pid: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}

/// Whether it still runs. A dead process whose parent has not asked about it counts as dead.
fn is_alive(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    !stat
        .rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']))
}
