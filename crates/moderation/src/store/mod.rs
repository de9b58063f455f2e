//! The store: one SQL text over two engines, SQLite embedded and Postgres.
//!
//! It knows transactions, the event log, jobs and counters; it must never know what an item or a case is. Begin with
//! [`Store::begin`] and [`Tx`]: a row, its events and its jobs are written in one transaction or not at all, and nothing
//! inside a transaction talks to the network.

pub mod archive;
pub mod columns;
pub mod counter;
mod dialect;
pub mod events;
pub mod jobs;
mod migrate;
pub mod requests;
mod tx;
pub mod wipe;

use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Connection};

pub use dialect::Engine;
pub use migrate::MigrateError;
pub use requests::{Created, IdempotencyKey};
pub use sqlx::AnyConnection;
pub use tx::{Lock, Tx};

/// The condition of a statement that an item is reached by who works on some queues: given the column of the item and the place of the queues. One room alone knows how items and
/// queues hang together; the others are handed this by who joins them.
pub type Within = fn(column: &str, place: &str) -> String;

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    engine: Engine,
    writers: AnyPool,
    readers: AnyPool,
}

/// The store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// The address names neither engine.
    #[error("the store's address must begin with `sqlite:` or `postgres:`")]
    UnknownEngine,
    /// The database cannot be reached or opened.
    #[error("cannot open the database")]
    Connect(#[source] sqlx::Error),
    /// Its tables cannot be brought up to date.
    #[error("cannot bring the database's tables up to date")]
    Migrate(#[from] MigrateError),
}

/// Something went wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or did not answer.
    #[error("cannot {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// A row holds what Seawall never wrote.
    #[error("the database holds a damaged row: {what}")]
    Damaged {
        /// Where, and what is wrong with it.
        what: String,
    },
}

impl StoreError {
    /// Whether the database is away, full or overloaded: the same request may succeed later, with nothing mended here.
    pub fn is_unavailable(&self) -> bool {
        let StoreError::Database { source, .. } = self else {
            return false;
        };
        match source {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
            sqlx::Error::Database(error) => error.code().is_some_and(|code| dialect::says_unavailable(&code)),
            _ => false,
        }
    }

    /// For `map_err`: the database failed at `doing`.
    pub(crate) fn at(doing: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
        move |source| StoreError::Database { doing, source }
    }
}

/// The most connections that read at the same time.
const READERS_MAX: u32 = 8;
/// The most Postgres connections that write at the same time. SQLite has one writer by its nature.
const WRITERS_MAX: u32 = 8;
/// How long to wait for a connection before giving up.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a new file of SQLite is tried that another process makes at this moment, and how long is waited in between: whoever turns its journal on second is refused at
/// once, however patient.
const OPEN_TRIES: u32 = 100;
const OPEN_PAUSE: Duration = Duration::from_millis(50);

async fn first_connection(engine: Engine, options: &AnyConnectOptions) -> Result<AnyConnection, sqlx::Error> {
    let mut n_tried = 0;
    loop {
        n_tried += 1;
        let opened = async {
            let mut connection = AnyConnection::connect_with(options).await?;
            engine.prepare_connection(&mut connection).await?;
            Ok(connection)
        };
        match opened.await {
            Err(sqlx::Error::Database(error))
                if engine == Engine::Sqlite
                    && n_tried < OPEN_TRIES
                    && error.code().is_some_and(|code| dialect::says_busy(&code)) =>
            {
                tokio::time::sleep(OPEN_PAUSE).await;
            }
            result => return result,
        }
    }
}

impl Store {
    /// Opens the store and brings its tables up to date. `url` is `sqlite:///path/to/seawall.db` (made if missing) or
    /// `postgres://…`.
    pub async fn open(url: &str) -> Result<Self, OpenStoreError> {
        sqlx::any::install_default_drivers();
        // The TLS library wants its arithmetic chosen once a process; a second choice is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let engine = Engine::of_url(url).ok_or(OpenStoreError::UnknownEngine)?;
        let options: AnyConnectOptions = engine.connect_url(url).parse().map_err(OpenStoreError::Connect)?;

        // Once by hand: a pool tries what cannot work until its patience ends, and then says only that it waited in vain.
        let first = first_connection(engine, &options)
            .await
            .map_err(OpenStoreError::Connect)?;

        let pool = |connections: u32| {
            AnyPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .test_before_acquire(engine == Engine::Postgres)
                .after_connect(move |connection, _| Box::pin(engine.prepare_connection(connection)))
                .connect_with(options.clone())
        };
        let writers = pool(if engine == Engine::Sqlite { 1 } else { WRITERS_MAX })
            .await
            .map_err(OpenStoreError::Connect)?;
        let readers = pool(READERS_MAX).await.map_err(OpenStoreError::Connect)?;
        // A connection that cannot be closed in good order is as good as closed.
        let _ = first.close().await;
        let store = Self {
            engine,
            writers,
            readers,
        };
        migrate::run(&store).await?;
        Ok(store)
    }

    /// Which engine it is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Begins a transaction. `name` says what it is for, in the logs: `decide case`.
    pub async fn begin(&self, name: &'static str) -> Result<Tx, StoreError> {
        Tx::begin(&self.writers, self.engine, name).await
    }

    /// Begins a transaction that sees one moment of the whole store and writes nothing.
    pub async fn begin_snapshot(&self, name: &'static str) -> Result<Tx, StoreError> {
        Tx::begin_snapshot(&self.readers, self.engine, name).await
    }

    /// A connection to read with. What it reads may be a moment old; nothing may be written through it.
    pub async fn reader(&self) -> Result<PoolConnection<Any>, StoreError> {
        self.readers
            .acquire()
            .await
            .map_err(StoreError::at("take a connection"))
    }

    /// Closes all connections, after what is under way has ended.
    pub async fn close(&self) {
        self.writers.close().await;
        self.readers.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_that_make_one_file_at_once_all_open_it() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..8 {
            let url = format!("sqlite://{}/{round}.db", folder.path().display());
            let open = || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let opened = runtime.unwrap().block_on(Store::open(&url));
                opened
                    .map(|_| ())
                    .map_err(|error| format!("{error}: {:?}", std::error::Error::source(&error)))
            };
            std::thread::scope(|scope| {
                let all: Vec<_> = (0..6).map(|_| scope.spawn(open)).collect();
                for one in all {
                    assert_eq!(one.join().unwrap(), Ok(()), "round {round}");
                }
            });
        }
    }
}
