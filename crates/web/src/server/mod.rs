//! Accepts connections and speaks HTTP/1.1 on them, within limits on how many, how slow and for how long.
//!
//! Start with [`serve`]. What happens to a request after its head was read is the business of `layers.rs` and `body.rs`;
//! here are the limits that lie below: connections, slow heads, answers that nobody reads, and the end of the server.

mod connections;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use moderation::Seawall;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::fetch::{FetchSetupError, SystemResolver};
use crate::hma::HmaSettings;
use crate::layers::Peer;
use crate::router::router;
use crate::settings::{WebLimits, WebSettings};
use crate::state::WebState;
use connections::Connections;
use stream::TimedStream;

/// Why the server stopped before it was told to, or did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The client that fetches files cannot be set up.
    #[error(transparent)]
    Fetch(#[from] FetchSetupError),
    /// The listening socket cannot be used.
    #[error("cannot use the listening socket")]
    Listener(#[from] std::io::Error),
    /// Open access to the paths of HMA, where others than this machine could use it.
    #[error("{address} can be reached from other machines: HMA's open access is for addresses of this machine alone")]
    OpenAccess {
        /// Where it was to listen.
        address: std::net::SocketAddr,
    },
}

/// How long to wait when the system cannot give another connection, for want of file descriptors or memory.
const PAUSE_AFTER_ACCEPT_ERROR: Duration = Duration::from_millis(100);

/// Serves the API and the console until `shutdown` says `true` or its sender is gone. Then no connection is accepted any
/// more, requests under way are finished within [`WebLimits::drain_time_max`], and what is still left is cut off.
pub async fn serve(
    app: Seawall,
    settings: WebSettings,
    listener: TcpListener,
    shutdown: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let state = WebState::new(app, settings, Arc::new(SystemResolver))?;
    serve_state(state, listener, shutdown).await
}

/// The same for a state that was made before.
pub async fn serve_state(
    state: WebState,
    listener: TcpListener,
    mut shutdown: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    if state.settings.hma.as_ref().is_some_and(HmaSettings::is_open) && !address.ip().is_loopback() {
        return Err(ServeError::OpenAccess { address });
    }
    let limits = state.settings.limits.clone();
    let connections = Connections::new(limits.connections_max, limits.connections_per_address_max);
    let service = TowerToHyperService::new(router(state.clone()));
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        while tasks.try_join_next().is_some() {}
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(PAUSE_AFTER_ACCEPT_ERROR).await;
                continue;
            }
        };
        let trusted = state.settings.trusted_proxies.contains(&peer.ip().to_canonical());
        let Some(address_place) = connections.enter(peer.ip().to_canonical(), trusted) else {
            state.shared.metrics.connections_refused.add();
            continue;
        };
        let (state, service, limits, shutdown) = (state.clone(), service.clone(), limits.clone(), shutdown.clone());
        tasks.spawn(async move {
            let _places = (place, address_place);
            let _open = state.shared.metrics.connections.enter();
            speak(stream, Peer(peer), service, &limits, shutdown).await;
        });
    }
    drop(listener);
    let drained = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain_time_max, drained).await.is_err() {
        tracing::warn!("cutting off requests that were not finished in time");
        tasks.shutdown().await;
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    connections: &Connections,
) -> std::io::Result<(TcpStream, std::net::SocketAddr, connections::Place)> {
    let place = connections.wait_for_place().await;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

/// The life of one connection.
async fn speak(
    stream: TcpStream,
    peer: Peer,
    service: TowerToHyperService<Router>,
    limits: &WebLimits,
    mut shutdown: watch::Receiver<bool>,
) {
    // Answers are small and written at once: waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let stream = TokioIo::new(TimedStream::new(stream, limits.write_idle_max));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head_time_max)
        .max_buf_size(limits.head_bytes_max.max(8 << 10));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        service.call(request)
    });
    let connection = http.serve_connection(stream, service);
    let mut connection = std::pin::pin!(connection);
    let stopped = async { drop(shutdown.wait_for(|stop| *stop).await) };
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stopped => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients go away and send nonsense all day: worth a line only when someone looks for it.
        tracing::debug!(error = %crate::problem::chain(&error), "a connection ended badly");
    }
}
