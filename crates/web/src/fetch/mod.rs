//! Fetches a file that a submission names by its address, and nothing but that.
//!
//! Whoever may submit an item chooses the address, so it is a stranger's: Seawall could be made to ask its own network for
//! things (server-side request forgery). Therefore only hosts that the operator listed are asked; their names are resolved
//! here, every address they resolve to has to be a public one, and the connection goes to exactly the addresses that were
//! checked. A redirect is a new address and is checked from the beginning. No proxy, no credentials, no cookies.
//!
//! A file that cannot be had is no error of the submission: the item is then `unscanned`, with a reason.

mod host;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use moderation::actions::address;
use moderation::flows::submit::NewContent;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, Url};
use tokio::sync::Semaphore;

use crate::body::{NoMemory, Share};

pub use host::{HostPattern, ParseHostPatternError};

/// What may be fetched.
#[derive(Debug, Clone)]
pub struct FetchSettings {
    /// The hosts that may be asked. With none, nothing is fetched.
    pub hosts: Vec<HostPattern>,
    /// Whether this machine's own addresses may be asked too: for tests and the demonstration, never on a network.
    pub allow_loopback: bool,
    /// Whether this machine may be asked at every port, listed or not: for HMA's development mode.
    pub allow_unlisted_loopback: bool,
    /// Largest file.
    pub bytes_max: usize,
    /// Longest time for a connection.
    pub connect_time_max: Duration,
    /// Longest time for one file, with all redirects.
    pub time_max: Duration,
    /// Most redirects.
    pub redirects_max: usize,
    /// Most files that are fetched at once, over all requests.
    pub at_once_max: usize,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            allow_loopback: false,
            allow_unlisted_loopback: false,
            bytes_max: 64 << 20,
            connect_time_max: Duration::from_secs(5),
            time_max: Duration::from_secs(15),
            redirects_max: 3,
            at_once_max: 32,
        }
    }
}

/// Turns the name of a host into its addresses.
pub trait ResolveHost: Send + Sync {
    /// All addresses of the name.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, std::io::Result<Vec<IpAddr>>>;
}

/// Asks the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl ResolveHost for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, std::io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            Ok(tokio::net::lookup_host((name, 0))
                .await?
                .map(|address| address.ip())
                .collect())
        })
    }
}

/// The client that fetches cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the client that fetches files")]
pub struct FetchSetupError(#[from] reqwest::Error);

/// Why a file could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the address is not an http or https address of a file")]
    BadUrl,
    #[error("the address carries a name or a password")]
    Credentials,
    #[error("{host} is not among the hosts that files may be fetched from")]
    HostNotAllowed { host: String },
    #[error("{host} does not lie at a public address")]
    AddressRefused { host: String },
    #[error("{host} cannot be found")]
    Unresolved { host: String },
    #[error("a redirect leads from https to http")]
    Downgrade,
    #[error("there are more than {redirects_max} redirects")]
    TooManyRedirects { redirects_max: usize },
    #[error("{host} answered with status {status}")]
    Status { host: String, status: u16 },
    #[error("the file has more than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    #[error("the file did not come within {seconds} s")]
    TimeLimit { seconds: u64 },
    #[error("the connection to {host} failed")]
    Connection { host: String },
    #[error("there is no memory left to hold it")]
    NoMemory,
}

impl FetchError {
    /// The stable word for it.
    pub fn reason(&self) -> &'static str {
        match self {
            FetchError::BadUrl => "fetch_bad_url",
            FetchError::Credentials => "fetch_credentials",
            FetchError::HostNotAllowed { .. } => "fetch_host_not_allowed",
            FetchError::AddressRefused { .. } => "fetch_address_refused",
            FetchError::Unresolved { .. } => "fetch_unresolved",
            FetchError::Downgrade => "fetch_downgrade",
            FetchError::TooManyRedirects { .. } => "fetch_too_many_redirects",
            FetchError::Status { .. } => "fetch_status",
            FetchError::TooLarge { .. } => "fetch_too_large",
            FetchError::TimeLimit { .. } => "fetch_time_limit",
            FetchError::Connection { .. } => "fetch_connection",
            FetchError::NoMemory => "fetch_no_memory",
        }
    }
}

/// A file that was fetched.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    pub bytes: Bytes,
    /// What its host says that it is.
    pub content_type: Option<String>,
}

/// Fetches files.
pub(crate) struct Fetcher {
    settings: FetchSettings,
    client: Client,
    places: Semaphore,
}

impl Fetcher {
    pub fn new(settings: FetchSettings, resolver: Arc<dyn ResolveHost>) -> Result<Self, FetchSetupError> {
        // Another part of the process may have chosen the same provider before; that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let checked = CheckedResolver {
            resolver,
            allow_loopback: settings.allow_loopback || settings.allow_unlisted_loopback,
        };
        let client = Client::builder()
            .dns_resolver(checked)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            // Each request looks its host up and connects anew: a connection that was checked a while ago is not reused.
            .pool_max_idle_per_host(0)
            .connect_timeout(settings.connect_time_max)
            .user_agent(concat!("seawall/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            places: Semaphore::new(settings.at_once_max),
            client,
            settings,
        })
    }

    /// The file at the address, or why it is not to be had, and the share of `memory` that it takes. There is an error only
    /// when Seawall itself has no room for it.
    pub async fn fetch(&self, url: &str, memory: &Arc<Semaphore>) -> Result<(NewContent, Share), NoMemory> {
        match self.fetch_file(url, memory).await {
            Ok((file, share)) => Ok((NewContent::Bytes(file.bytes), share)),
            Err(FetchError::NoMemory) => Err(NoMemory),
            Err(error) => {
                let content = NewContent::Unfetched {
                    url: url.to_owned(),
                    reason: error.reason(),
                    detail: error.to_string(),
                };
                Ok((content, Share::default()))
            }
        }
    }

    /// The same for who needs to know what its host says that the file is, and why it is not to be had.
    pub async fn fetch_file(&self, url: &str, memory: &Arc<Semaphore>) -> Result<(Fetched, Share), FetchError> {
        // The semaphore is never closed; if it were, nothing could be fetched.
        let _place = self.places.acquire().await.map_err(|_| FetchError::NoMemory)?;
        let mut share = Share::default();
        let file = self.try_fetch(url, &mut share, memory).await?;
        Ok((file, share))
    }

    async fn try_fetch(&self, url: &str, share: &mut Share, memory: &Arc<Semaphore>) -> Result<Fetched, FetchError> {
        let whole = async {
            let mut url: Url = url.parse().map_err(|_| FetchError::BadUrl)?;
            for _ in 0..=self.settings.redirects_max {
                match self.ask(&url, share, memory).await? {
                    Answer::File(file) => return Ok(file),
                    Answer::Redirect(next) if url.scheme() == "https" && next.scheme() != "https" => {
                        return Err(FetchError::Downgrade);
                    }
                    Answer::Redirect(next) => url = next,
                }
            }
            Err(FetchError::TooManyRedirects {
                redirects_max: self.settings.redirects_max,
            })
        };
        let time_max = self.settings.time_max;
        let in_time = tokio::time::timeout(time_max, whole).await;
        in_time.unwrap_or(Err(FetchError::TimeLimit {
            seconds: time_max.as_secs(),
        }))
    }

    /// Checks the address from the beginning and asks it once.
    async fn ask(&self, url: &Url, share: &mut Share, memory: &Arc<Semaphore>) -> Result<Answer, FetchError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::BadUrl);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Credentials);
        }
        let (host, port) = (
            url.host_str().ok_or(FetchError::BadUrl)?,
            url.port_or_known_default().ok_or(FetchError::BadUrl)?,
        );
        let is_listed = self
            .settings
            .hosts
            .iter()
            .any(|pattern| pattern.allows(url.scheme(), host, port));
        let is_allowed = is_listed || (self.settings.allow_unlisted_loopback && names_loopback(host));
        if !is_allowed {
            return Err(FetchError::HostNotAllowed { host: host.to_owned() });
        }
        if let Ok(literal) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>()
            && !may_be_asked(
                literal,
                self.settings.allow_loopback || self.settings.allow_unlisted_loopback,
            )
        {
            return Err(FetchError::AddressRefused { host: host.to_owned() });
        }
        let broken = || FetchError::Connection { host: host.to_owned() };
        let mut response = match self.client.get(url.clone()).send().await {
            Ok(response) => response,
            Err(error) => return Err(blocked(&error, host).unwrap_or_else(broken)),
        };
        let status = response.status();
        if status.is_redirection() {
            let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let next = target
                .and_then(|target| url.join(target).ok())
                .ok_or(FetchError::BadUrl)?;
            return Ok(Answer::Redirect(next));
        }
        if status.as_u16() != 200 {
            return Err(FetchError::Status {
                host: host.to_owned(),
                status: status.as_u16(),
            });
        }
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let too_large = FetchError::TooLarge {
            bytes_max: self.settings.bytes_max,
        };
        if response
            .content_length()
            .is_some_and(|length| length > self.settings.bytes_max as u64)
        {
            return Err(too_large);
        }
        let mut file = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| broken())? {
            if file.len() + chunk.len() > self.settings.bytes_max {
                return Err(too_large);
            }
            share
                .grow_to(file.len() + chunk.len(), memory)
                .map_err(|NoMemory| FetchError::NoMemory)?;
            file.extend_from_slice(&chunk);
        }
        Ok(Answer::File(Fetched {
            bytes: file.freeze(),
            content_type,
        }))
    }
}

enum Answer {
    File(Fetched),
    Redirect(Url),
}

/// Whether a host, as the parser of addresses gives it, is this machine by its name or address.
fn names_loopback(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.trim_end_matches('.') == "localhost" || literal.is_ok_and(|address| address.to_canonical().is_loopback())
}

fn may_be_asked(address: IpAddr, allow_loopback: bool) -> bool {
    address::is_public(address) || (allow_loopback && address.is_loopback())
}

/// Resolves and checks in one step, inside the client: it connects to the very addresses that were checked, since there is
/// no second look-up whose answer could differ.
struct CheckedResolver {
    resolver: Arc<dyn ResolveHost>,
    allow_loopback: bool,
}

/// Why the client was given no address.
#[derive(Debug, Clone, Copy, thiserror::Error)]
enum Blocked {
    #[error("the name cannot be resolved")]
    Unresolved,
    #[error("the name resolves to an address that may not be asked")]
    Refused,
}

impl reqwest::dns::Resolve for CheckedResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let (resolver, allow_loopback) = (self.resolver.clone(), self.allow_loopback);
        Box::pin(async move {
            let addresses = resolver.resolve(name.as_str()).await.map_err(|_| Blocked::Unresolved)?;
            if addresses.is_empty() {
                return Err(Blocked::Unresolved.into());
            }
            // One address that may not be asked refuses the name: honest names do not mix.
            if !addresses.iter().all(|address| may_be_asked(*address, allow_loopback)) {
                return Err(Blocked::Refused.into());
            }
            // The port is the address's own; the client puts it in.
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as reqwest::dns::Addrs)
        })
    }
}

/// What [`CheckedResolver`] said, if it is why a request failed.
fn blocked(error: &reqwest::Error, host: &str) -> Option<FetchError> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<Blocked>() {
            Some(Blocked::Unresolved) => return Some(FetchError::Unresolved { host: host.to_owned() }),
            Some(Blocked::Refused) => return Some(FetchError::AddressRefused { host: host.to_owned() }),
            None => cause = error.source(),
        }
    }
    None
}
