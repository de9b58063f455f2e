//! What every handler is given.

use std::net::IpAddr;
use std::sync::Arc;

use moderation::Seawall;
use tokio::sync::Semaphore;

use crate::body::Share;
use crate::fetch::{FetchSetupError, Fetcher, ResolveHost};
use crate::limits::{Admission, RateLimiter};
use crate::metrics::HttpMetrics;
use crate::settings::WebSettings;
use crate::streams::Sequences;

/// What every handler is given. Cheap to clone.
#[derive(Clone)]
pub struct WebState {
    /// What flows and views need.
    pub app: Seawall,
    /// What the operator chose.
    pub settings: Arc<WebSettings>,
    pub(crate) shared: Arc<Shared>,
}

/// What all requests share.
pub(crate) struct Shared {
    pub fetcher: Fetcher,
    pub metrics: HttpMetrics,
    pub admission: Admission,
    /// For the bodies and fetched files that are held; see [`Share`].
    pub memory: Arc<Semaphore>,
    /// For the temporary files of uploads; see [`Share`].
    pub disk: Arc<Semaphore>,
    /// Which pieces of live streams were taken.
    pub sequences: Sequences,
    /// Places for those who listen to live streams.
    pub listeners: Arc<Semaphore>,
    pub keys: RateLimiter<String>,
    pub addresses: RateLimiter<IpAddr>,
}

impl WebState {
    /// The state of a server. `resolver` turns the names of hosts into addresses when files are fetched.
    pub fn new(app: Seawall, settings: WebSettings, resolver: Arc<dyn ResolveHost>) -> Result<Self, FetchSetupError> {
        let limits = &settings.limits;
        let shared = Shared {
            fetcher: Fetcher::new(settings.fetch.clone(), resolver)?,
            metrics: HttpMetrics::default(),
            admission: Admission::new(limits.requests_at_once_max, limits.admission_wait_max),
            memory: Share::memory(limits.bodies_bytes_max),
            disk: Share::memory(limits.uploads_bytes_max),
            sequences: Sequences::default(),
            listeners: Arc::new(Semaphore::new(limits.stream_listeners_max)),
            keys: RateLimiter::new(limits.rate_per_key),
            addresses: RateLimiter::new(limits.rate_per_address),
        };
        Ok(Self {
            app,
            settings: Arc::new(settings),
            shared: Arc::new(shared),
        })
    }
}

/// What is known of a request besides its own words. Every handler finds it among the request's extensions.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// The request's id: in its answer's `X-Request-Id`, in the log, in problems.
    pub id: String,
    /// Whom the rate is counted for: the connection's other end, or the client that a trusted proxy names.
    pub client: IpAddr,
    /// The connection's other end.
    pub peer: IpAddr,
}
