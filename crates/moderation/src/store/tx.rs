//! A transaction: rows, events and jobs together or not at all.

use std::time::Instant;

use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Transaction, query};

use super::events::{self, NewEvent};
use super::{Engine, StoreError};
use crate::model::{Actor, Timestamp};

/// A transaction that will write. Dropped without [`Tx::commit`], it never happened.
pub struct Tx {
    inner: Transaction<'static, Any>,
    engine: Engine,
    name: &'static str,
    began: Instant,
    events: Vec<NewEvent>,
}

/// What only one transaction at a time may do, where no single row stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Bring the tables up to date.
    Migrations,
    /// Make the first user, or change who the admins are.
    Users,
    /// Restrict an account, or see whether another item still does. The one lock that is taken after rows: last of all.
    Accounts,
}

impl Tx {
    pub(super) async fn begin(pool: &AnyPool, engine: Engine, name: &'static str) -> Result<Self, StoreError> {
        let inner = pool
            .begin_with(engine.begin())
            .await
            .map_err(StoreError::at("begin a transaction"))?;
        Ok(Self {
            inner,
            engine,
            name,
            began: Instant::now(),
            events: Vec::new(),
        })
    }

    pub(super) async fn begin_snapshot(pool: &AnyPool, engine: Engine, name: &'static str) -> Result<Self, StoreError> {
        let inner = pool
            .begin_with(engine.begin_snapshot())
            .await
            .map_err(StoreError::at("begin a snapshot"))?;
        Ok(Self {
            inner,
            engine,
            name,
            began: Instant::now(),
            events: Vec::new(),
        })
    }

    /// The connection, for statements.
    pub fn conn(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }

    /// Waits until no other transaction holds the lock, and holds it until this one ends. Taken first, before any row, unless it says otherwise.
    pub async fn lock(&mut self, lock: Lock) -> Result<(), StoreError> {
        if let Some(statement) = self.engine.lock(lock) {
            query(statement)
                .execute(self.conn())
                .await
                .map_err(StoreError::at("wait for a lock"))?;
        }
        Ok(())
    }

    /// Tells the planner of statements what a table holds by now, this transaction's rows included. For when it holds much more than before.
    pub async fn refresh_statistics(&mut self, table: &str) -> Result<(), StoreError> {
        if let Some(statement) = self.engine.refresh_statistics(table) {
            query(AssertSqlSafe(statement))
                .execute(self.conn())
                .await
                .map_err(StoreError::at("count what a table holds"))?;
        }
        Ok(())
    }

    pub(super) fn engine(&self) -> Engine {
        self.engine
    }

    /// Writes a line of the event log when the transaction commits. `body` holds ids and words, never content. Where a personal
    /// token acts, the line names its person, and the body the token: so that it can be told which one was stolen.
    pub fn event(
        &mut self,
        at: Timestamp,
        actor: &Actor,
        kind: &'static str,
        subject: impl ToString,
        mut body: serde_json::Value,
    ) {
        if let (Some(token), Some(fields)) = (actor.token(), body.as_object_mut()) {
            fields.insert("token".to_owned(), token.to_string().into());
        }
        self.events.push(NewEvent {
            at,
            actor: actor.to_string(),
            kind,
            subject: subject.to_string(),
            body: body.to_string(),
        });
    }

    /// Makes it all so. The event lines are chained here, last, so that the lock on the chain's end is held for a moment.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        let pending = std::mem::take(&mut self.events);
        events::append(&mut self.inner, pending).await?;
        self.inner
            .commit()
            .await
            .map_err(StoreError::at("commit a transaction"))?;
        tracing::debug!(
            tx = self.name,
            ms = self.began.elapsed().as_millis() as u64,
            "committed"
        );
        Ok(())
    }
}
