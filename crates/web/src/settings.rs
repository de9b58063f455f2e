//! What the operator chose about HTTP, and every limit on what a client may cost, by name.

use std::net::IpAddr;
use std::time::Duration;

use moderation::model::Zone;

use crate::fetch::FetchSettings;
use crate::hma::HmaSettings;
use crate::limits::RateLimit;

/// What the operator chose about HTTP.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// How people and programs reach Seawall from outside, such as `https://seawall.example.org`, without a slash at its
    /// end. Links are built from it; with `https`, cookies are `Secure`.
    pub public_url: String,
    /// What a client may cost.
    pub limits: WebLimits,
    /// Where files may be fetched from.
    pub fetch: FetchSettings,
    /// Who may read `/metrics`.
    pub metrics: MetricsAccess,
    /// The paths of Hasher-Matcher-Actioner, if they are served.
    pub hma: Option<HmaSettings>,
    /// The time zone in which people are told times who chose none.
    pub time_zone: Zone,
    /// Proxies whose `X-Forwarded-For` is believed. Without any, a client's address is that of its connection.
    pub trusted_proxies: Vec<IpAddr>,
}

/// Who may read `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Connections from this machine that no proxy passed on.
    Loopback,
    /// Everyone who reaches the port.
    Everyone,
}

/// What a client may cost.
#[derive(Debug, Clone)]
pub struct WebLimits {
    /// Most connections at once. More wait in the kernel's queue.
    pub connections_max: usize,
    /// Most connections at once from one address, other than a trusted proxy. One more is closed.
    pub connections_per_address_max: usize,
    /// Longest time for the head of a request, and longest silence between two requests of a connection.
    pub head_time_max: Duration,
    /// Largest head of a request.
    pub head_bytes_max: usize,
    /// Longest silence inside a request's body.
    pub body_idle_max: Duration,
    /// Slowest body, in bytes per second, measured from its beginning once [`WebLimits::body_idle_max`] has passed.
    pub body_rate_min: u64,
    /// Longest time for a whole body.
    pub body_time_max: Duration,
    /// Largest body of a submission, an entry or an import.
    pub body_bytes_max: usize,
    /// Largest body of any other request.
    pub small_body_bytes_max: usize,
    /// Most bytes of bodies and fetched files held at once, over all requests. One more is answered with 503.
    pub bodies_bytes_max: usize,
    /// Largest form with files. A video or a sound in it goes to a temporary file.
    pub upload_bytes_max: usize,
    /// Most bytes of temporary files at once, over all requests. One more is answered with 503.
    pub uploads_bytes_max: usize,
    /// Longest time to read a form with files and to work on it.
    pub upload_time_max: Duration,
    /// Most clients that listen to live streams at once. One more is answered with 503.
    pub stream_listeners_max: usize,
    /// Longest time a client may take to accept the next bytes of an answer.
    pub write_idle_max: Duration,
    /// Most requests that are worked on at once. A request counts only once its body is here.
    pub requests_at_once_max: usize,
    /// Longest wait for a place among them; then the answer is 503.
    pub admission_wait_max: Duration,
    /// Longest time to work on one request; then the answer is 503.
    pub request_time_max: Duration,
    /// The same for an import, which may hold hundreds of thousands of lines.
    pub import_time_max: Duration,
    /// How often one API key may call.
    pub rate_per_key: RateLimit,
    /// How often one address may call without a valid API key: the console, health, refused keys.
    pub rate_per_address: RateLimit,
    /// How long requests under way may go on after the server was told to stop.
    pub drain_time_max: Duration,
}

impl Default for WebLimits {
    fn default() -> Self {
        Self {
            connections_max: 2_048,
            connections_per_address_max: 512,
            head_time_max: Duration::from_secs(15),
            head_bytes_max: 32 << 10,
            body_idle_max: Duration::from_secs(10),
            body_rate_min: 2 << 10,
            body_time_max: Duration::from_secs(180),
            body_bytes_max: 96 << 20,
            small_body_bytes_max: 256 << 10,
            bodies_bytes_max: 512 << 20,
            upload_bytes_max: 8 << 30,
            uploads_bytes_max: 32 << 30,
            upload_time_max: Duration::from_secs(3_600),
            stream_listeners_max: 256,
            write_idle_max: Duration::from_secs(30),
            requests_at_once_max: 64,
            admission_wait_max: Duration::from_secs(5),
            request_time_max: Duration::from_secs(60),
            import_time_max: Duration::from_secs(600),
            rate_per_key: RateLimit {
                per_second: 500,
                burst: 2_000,
            },
            rate_per_address: RateLimit {
                per_second: 50,
                burst: 500,
            },
            drain_time_max: Duration::from_secs(20),
        }
    }
}

impl WebSettings {
    /// Default limits, nothing fetched, metrics for this machine only.
    pub fn new(public_url: impl Into<String>) -> Self {
        let public_url: String = public_url.into();
        Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            limits: WebLimits::default(),
            fetch: FetchSettings::default(),
            metrics: MetricsAccess::Loopback,
            hma: None,
            time_zone: Zone::UTC,
            trusted_proxies: Vec::new(),
        }
    }

    /// Whether cookies are sent over TLS only.
    pub fn secure_cookies(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
