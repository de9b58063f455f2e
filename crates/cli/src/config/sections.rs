//! The sections of the configuration file. The comment of each field is its manual.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::care::Care;
use super::console::Console;
use super::desk::{Desk, check_rechecks};
use super::mail::Mail;
use super::measures::Measures;
use super::oidc::Oidc;
use super::routing::Routing;
use super::strikes::Strikes;
use super::two_person::TwoPerson;
use super::video::Video;
use super::{ConfigError, Secret};

/// The configuration of Seawall. Every section and every key may be left out; the defaults are meant for a small platform.
///
/// Any key can be set by a variable of the environment, which goes before the file: SEAWALL_SECTION_KEY, such as
/// SEAWALL_HTTP_LISTEN. Lists are then separated by commas.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where everything is remembered.
    pub store: Store,
    /// The HTTP API and the console.
    pub http: Http,
    /// How the console is shown to people who chose nothing else.
    pub console: Console,
    /// Where people sign in, if not here.
    pub oidc: Oidc,
    /// How files from outside are decoded.
    pub media: Media,
    /// How videos, sounds and live streams are decoded.
    pub video: Video,
    /// How much one person looks at before they rest.
    pub care: Care,
    /// When a file counts as known content.
    pub matching: Matching,
    /// In which order cases are handed out, and to whom.
    pub routing: Routing,
    /// How the platform is told what to do.
    pub webhook: Webhook,
    /// How people are woken by e-mail.
    pub mail: Mail,
    /// How people's decisions are dealt with.
    pub desk: Desk,
    /// What the platform can do.
    pub measures: Measures,
    /// When a second person has to agree.
    pub two_person: TwoPerson,
    /// What people's decisions weigh against an account.
    pub strikes: Strikes,
    /// Where files may be fetched from when a submission names an address in place of the bytes.
    pub fetch: Fetch,
    /// The paths of Hasher-Matcher-Actioner (HMA), for programs that were written for it.
    pub hma: Hma,
    /// What is logged.
    pub log: Log,
}

/// Where everything is remembered.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// `sqlite:///absolute/path/seawall.db`, `sqlite://relative.db` or `postgres://user:password@host:port/database`. Without it, the file
    /// `seawall.db` in `seawall` of the user's data folder (`$XDG_DATA_HOME` or `~/.local/share`), or in `./.seawall` for a user
    /// without a home.
    pub url: Option<Secret>,
    /// The folder of the index of perceptual hashes, this server's alone. It holds nothing that is not in the store, and is made anew when it is
    /// missing. Without it, beside the file of an embedded store (`seawall.index` beside `seawall.db`), or `seawall.index` in the user's data folder.
    pub index_dir: Option<PathBuf>,
}

/// The HTTP API and the console.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and port to listen on. Seawall speaks plain HTTP: from other machines it is reached through a proxy that
    /// speaks TLS.
    pub listen: SocketAddr,
    /// How people and programs reach Seawall from outside, such as `https://seawall.example.org`. Links are built from it, and with `https` cookies
    /// are sent over TLS only. Without it, `http://` and the address listened on.
    pub public_url: Option<String>,
    /// Addresses of proxies whose `X-Forwarded-For` is believed. Without any, a client's address is that of its connection.
    pub trusted_proxies: Vec<IpAddr>,
    /// Let everyone who reaches the port read `/metrics`. Otherwise only this machine may.
    pub metrics_for_everyone: bool,
    /// Largest body of a submission, an entry or an import, in bytes. A submission holds all files of an item.
    pub body_bytes_max: usize,
    /// Most bytes of bodies that are held at once, over all requests.
    pub bodies_bytes_max: usize,
    /// Most connections at once. More wait in the kernel.
    pub connections_max: usize,
    /// Most connections at once from one address that is no trusted proxy.
    pub connections_per_address_max: usize,
    /// Most requests that are worked on at once. More wait a few seconds, and are then answered with 503.
    pub requests_at_once_max: usize,
    /// How often one API key may call, each second in the long run.
    pub key_calls_per_second: u32,
    /// How often one API key may call at once after a pause.
    pub key_calls_burst: u32,
    /// How often one address may call without a valid API key, the console included, each second in the long run.
    pub address_calls_per_second: u32,
    /// How often one address may call at once after a pause.
    pub address_calls_burst: u32,
    /// How long requests under way may go on after Seawall was told to stop, in seconds.
    pub drain_s: u64,
}

/// How files from outside are decoded.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Media {
    /// How many workers decode at the same time; 0 is one for each core.
    pub workers: usize,
    /// After how many files a worker is replaced by a fresh one.
    pub files_per_worker: u32,
    /// Largest file that is decoded, in bytes.
    pub bytes_max: usize,
    /// Most pixels in one frame, width times height.
    pub pixels_max: u64,
    /// Longest side of a picture, in pixels.
    pub side_max: u32,
    /// Most frames of an animation that are hashed.
    pub frames_max: u32,
    /// Longest time that a worker may take over one file, in milliseconds.
    pub time_ms_max: u32,
    /// Most memory that a worker may map, in bytes.
    pub memory_bytes_max: u64,
    /// Most files that may wait for a worker. One more is refused with 503.
    pub queue_max: usize,
    /// Start even if this system cannot lock a worker in completely. `seawall doctor` says what is missing. Memory-safe decoders and
    /// the limits above then protect the server alone.
    pub allow_weak_jail: bool,
}

/// When a file counts as known content.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Matching {
    /// A file within this many of PDQ's 256 bits of an entry is a match.
    pub match_distance_bits: u32,
    /// A file within this many bits, but further than a match, is a lead: for human eyes only.
    pub lead_distance_bits: u32,
    /// PDQ hashes of a lower quality (0 to 100) are not compared: flat pictures all look alike to it.
    pub quality_min: u8,
    /// Most matches that are kept for one file, the nearest first.
    pub matches_max: usize,
    /// Harmless pictures that are kept as bare codes, nothing of which can be seen: how near they come to an entry tells how near counts for it.
    /// 0: none are kept.
    pub benign_sample: usize,
    /// Most files of one item.
    pub media_per_item_max: usize,
}

/// How the platform is told what to do. Without a URL, actions wait in the store.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// Where actions are sent by POST, `https://…`, or `http://…` on a network that you trust.
    pub url: Option<String>,
    /// The secret that actions are signed with, of at least 16 characters. Better kept in a file of its own: see `secret_file`.
    pub secret: Option<Secret>,
    /// A file that holds the secret and nothing else. White space around it is left out.
    pub secret_file: Option<PathBuf>,
    /// How long one attempt may take, in milliseconds.
    pub timeout_ms: u64,
    /// How long to wait after the first failed attempt, in milliseconds. Each later wait is twice as long.
    pub backoff_first_ms: u64,
    /// The longest wait between two attempts, in milliseconds.
    pub backoff_max_ms: u64,
    /// After how many seconds without success an action is put aside as dead, until a person has it tried again.
    pub give_up_after_s: u64,
    /// Ask the platform, some time after it confirmed an action, whether the item is really so: by a signed question of the kind
    /// `action.recheck`, which it has to understand.
    pub recheck_ask: bool,
    /// Look from outside instead whether an item is there: an address with `{item}` in its path or query, such as
    /// `https://platform.example.org/p/{item}`, at which anybody sees what is available, and nobody what is not.
    pub probe_url: Option<String>,
    /// Let `probe_url` lie in a private network.
    pub probe_private: bool,
    /// How long after the platform confirmed an action it is checked again, in seconds, in rising order.
    pub recheck_after_s: Vec<u64>,
}

/// Where files may be fetched from when a submission names an address in place of the bytes.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fetch {
    /// The hosts, such as `media.example.org`, `*.example.org` for everything below it, or `media.example.org:8443`. Nothing is fetched from
    /// any other, and never from private addresses. Empty: nothing is fetched at all.
    pub hosts: Vec<String>,
}

/// The paths of Hasher-Matcher-Actioner (HMA) by Meta: `/h`, `/m`, `/c` and `/status`, for programs that were written for it. They are not served
/// unless they are turned on here.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hma {
    /// Serve them. API keys apply as everywhere, with the scopes `items:write`, `banks:read` and `banks:write`.
    pub enabled: bool,
    /// Let programs of this machine call them without a key, as HMA does. Taken only where `http.listen` is an address of this machine's
    /// loopback; what a proxy passes on or a page in a browser sends still needs a key.
    pub open_access: bool,
    /// The types of signals that they know: `pdq`, `video_md5`, `video_sha256`, `vpdq`. For `vpdq` every video that comes is decoded.
    pub signal_types: Vec<String>,
}

/// What is logged. Logs go to standard error; they hold ids, never content, names of people or secrets.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// The form of a line.
    pub format: LogFormat,
    /// From which level on: `error`, `warn`, `info`, `debug`, `trace`; or by module, such as `info,media=debug`.
    pub level: String,
}

/// The form of a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl Default for Http {
    fn default() -> Self {
        let limits = web::WebLimits::default();
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8410),
            public_url: None,
            trusted_proxies: Vec::new(),
            metrics_for_everyone: false,
            body_bytes_max: limits.body_bytes_max,
            bodies_bytes_max: limits.bodies_bytes_max,
            connections_max: limits.connections_max,
            connections_per_address_max: limits.connections_per_address_max,
            requests_at_once_max: limits.requests_at_once_max,
            key_calls_per_second: limits.rate_per_key.per_second,
            key_calls_burst: limits.rate_per_key.burst,
            address_calls_per_second: limits.rate_per_address.per_second,
            address_calls_burst: limits.rate_per_address.burst,
            drain_s: limits.drain_time_max.as_secs(),
        }
    }
}

impl Default for Media {
    fn default() -> Self {
        let limits = media::Limits::default();
        Self {
            workers: 0,
            files_per_worker: 1_000,
            bytes_max: limits.bytes_max,
            pixels_max: limits.pixels_max,
            side_max: limits.side_max,
            frames_max: limits.frames_max,
            time_ms_max: limits.time_ms_max,
            memory_bytes_max: limits.memory_bytes_max,
            queue_max: limits.queue_max,
            allow_weak_jail: false,
        }
    }
}

/// The largest benign sample.
const BENIGN_SAMPLE_MAX: usize = 20_000;

impl Default for Matching {
    fn default() -> Self {
        Self {
            match_distance_bits: 31,
            lead_distance_bits: 40,
            quality_min: 50,
            matches_max: 50,
            benign_sample: 2_000,
            media_per_item_max: 20,
        }
    }
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            url: None,
            secret: None,
            secret_file: None,
            timeout_ms: 10_000,
            backoff_first_ms: 1_000,
            backoff_max_ms: 300_000,
            give_up_after_s: 3 * 24 * 60 * 60,
            recheck_ask: false,
            probe_url: None,
            probe_private: false,
            recheck_after_s: vec![60, 60 * 60, 24 * 60 * 60],
        }
    }
}

impl Default for Hma {
    fn default() -> Self {
        let settings = web::HmaSettings::new();
        Self {
            enabled: false,
            open_access: false,
            signal_types: settings.signal_types.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info".to_owned(),
        }
    }
}

impl Config {
    /// The shortest secret that actions may be signed with, in bytes.
    pub const WEBHOOK_SECRET_LENGTH_MIN: usize = 16;

    /// Says what makes no sense although it is of the right kind. Does not touch files or the network.
    pub fn check(&self) -> Result<(), ConfigError> {
        let Config {
            store,
            http,
            console,
            oidc,
            media,
            video,
            matching,
            routing,
            webhook,
            mail,
            desk,
            measures,
            two_person,
            strikes,
            fetch,
            hma,
            log: _,
            care: _,
        } = self;
        let require = |holds: bool, key: &'static str, what: &str| {
            if holds {
                Ok(())
            } else {
                Err(ConfigError::Senseless {
                    key,
                    what: what.to_owned(),
                })
            }
        };
        if let Some(url) = &store.url {
            let known = ["sqlite:", "postgres://", "postgresql://"]
                .iter()
                .any(|scheme| url.reveal().starts_with(scheme));
            require(known, "store.url", "must begin with sqlite:// or postgres://")?;
        }
        if let Some(url) = &http.public_url {
            let known = is_http(url) && !url.ends_with('/');
            require(
                known,
                "http.public_url",
                "must begin with https:// or http:// and must not end in a slash",
            )?;
        }
        console.zone()?;
        oidc.check()?;
        let body_sizes = http.body_bytes_max > 0 && http.body_bytes_max <= http.bodies_bytes_max;
        require(
            body_sizes,
            "http.body_bytes_max",
            "must be at least 1 and at most http.bodies_bytes_max",
        )?;
        let counts = [
            (http.connections_max, "http.connections_max"),
            (http.connections_per_address_max, "http.connections_per_address_max"),
            (http.requests_at_once_max, "http.requests_at_once_max"),
        ];
        for (count, key) in counts {
            require((1..=1_000_000).contains(&count), key, "must be 1 to 1000000")?;
        }
        let rates = [
            (http.key_calls_per_second, "http.key_calls_per_second"),
            (http.key_calls_burst, "http.key_calls_burst"),
            (http.address_calls_per_second, "http.address_calls_per_second"),
            (http.address_calls_burst, "http.address_calls_burst"),
        ];
        for (rate, key) in rates {
            require(rate > 0, key, "must be at least 1")?;
        }
        require(
            media.files_per_worker > 0,
            "media.files_per_worker",
            "must be at least 1",
        )?;
        require(
            media.workers <= 1_024,
            "media.workers",
            "must be at most 1024; 0 is one for each core",
        )?;
        require(media.queue_max > 0, "media.queue_max", "must be at least 1")?;
        require(media.bytes_max > 0, "media.bytes_max", "must be at least 1")?;
        require(media.frames_max > 0, "media.frames_max", "must be at least 1")?;
        require(media.time_ms_max > 0, "media.time_ms_max", "must be at least 1")?;
        video.check()?;
        routing.check()?;
        require(
            matching.lead_distance_bits <= 256,
            "matching.lead_distance_bits",
            "must be at most 256, the length of a hash",
        )?;
        require(
            matching.match_distance_bits <= matching.lead_distance_bits,
            "matching.match_distance_bits",
            "must be at most matching.lead_distance_bits: a lead lies further away than a match",
        )?;
        require(
            matching.quality_min <= 100,
            "matching.quality_min",
            "must be at most 100",
        )?;
        require(matching.matches_max > 0, "matching.matches_max", "must be at least 1")?;
        require(
            matching.benign_sample <= BENIGN_SAMPLE_MAX,
            "matching.benign_sample",
            "must be at most 20000: each takes some 20 KB of memory",
        )?;
        require(
            matching.media_per_item_max > 0,
            "matching.media_per_item_max",
            "must be at least 1",
        )?;
        if let Some(url) = &webhook.url {
            require(is_http(url), "webhook.url", "must begin with https:// or http://")?;
            let signed = webhook.secret.is_some() || webhook.secret_file.is_some();
            require(
                signed,
                "webhook.secret_file",
                "must be set where webhook.url is: orders are signed",
            )?;
        }
        let both = webhook.secret.is_some() && webhook.secret_file.is_some();
        require(
            !both,
            "webhook.secret",
            "must not be set beside webhook.secret_file: choose one",
        )?;
        if let Some(secret) = &webhook.secret {
            check_secret(secret, "webhook.secret")?;
        }
        require(webhook.timeout_ms > 0, "webhook.timeout_ms", "must be at least 1")?;
        require(
            webhook.backoff_first_ms > 0,
            "webhook.backoff_first_ms",
            "must be at least 1",
        )?;
        require(
            webhook.backoff_first_ms <= webhook.backoff_max_ms,
            "webhook.backoff_first_ms",
            "must be at most webhook.backoff_max_ms",
        )?;
        check_rechecks(webhook)?;
        desk.check()?;
        measures.check()?;
        mail.check()?;
        two_person.check()?;
        strikes.check()?;
        for host in &fetch.hosts {
            let parsed: Result<web::fetch::HostPattern, _> = host.parse();
            parsed.map_err(|error| ConfigError::Senseless {
                key: "fetch.hosts",
                what: error.to_string(),
            })?;
        }
        require(
            !hma.open_access || http.listen.ip().is_loopback(),
            "hma.open_access",
            "must not be set where http.listen can be reached from other machines: give programs API keys",
        )?;
        let is_behind_proxy = http.public_url.as_ref().is_some_and(|url| !names_loopback(url));
        require(
            !hma.open_access || !is_behind_proxy || !http.trusted_proxies.is_empty(),
            "hma.open_access",
            "must not be set where a proxy at http.public_url could pass strangers on as if they were programs of this machine: name it in http.trusted_proxies and have it send X-Forwarded-For, or give programs API keys",
        )?;
        require(
            !hma.signal_types.is_empty(),
            "hma.signal_types",
            "must name at least one",
        )?;
        for name in &hma.signal_types {
            let parsed: Result<web::HmaSignalType, _> = name.parse();
            parsed.map_err(|error| ConfigError::Senseless {
                key: "hma.signal_types",
                what: error.to_string(),
            })?;
        }
        Ok(())
    }
}

/// Says whether a secret is long enough to sign with.
pub(super) fn check_secret(secret: &Secret, key: &'static str) -> Result<(), ConfigError> {
    if secret.reveal().len() >= Config::WEBHOOK_SECRET_LENGTH_MIN {
        return Ok(());
    }
    let what = format!("must have at least {} characters", Config::WEBHOOK_SECRET_LENGTH_MIN);
    Err(ConfigError::Senseless { key, what })
}

/// Whether an address is one of this machine alone.
pub(crate) fn names_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_loopback = |text: &str| {
        let address = text.trim_matches(['[', ']']).parse::<IpAddr>();
        text.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    };
    is_loopback(host) || is_loopback(name)
}

fn is_http(url: &str) -> bool {
    ["https://", "http://"]
        .iter()
        .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}
