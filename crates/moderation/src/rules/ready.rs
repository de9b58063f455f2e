//! The windows of a version, filled: from the newest snapshot and the rest of the log.

use std::sync::Arc;
use std::time::Duration;

use policy::window::{Seed, State, WindowSpec, decode_bumps};
use policy::{Event, Lists, Scratch};
use serde_json::{Map, Value};
use sqlx::AnyConnection;

use super::compiled::CompiledVersion;
use super::log::{self, Logged};
use super::snapshots;
use crate::model::off_thread;
use crate::store::columns::damaged;
use crate::store::{Store, StoreError, Tx};

/// Events that are read at a time.
pub(super) const PAGE: i64 = 2_000;
/// Clocks differ, and so do the moments at which things are posted and judged.
const LATENESS: Duration = Duration::from_secs(86_400);

/// A version with its windows filled, not yet in any place.
#[derive(Debug)]
pub struct Ready {
    pub(super) version: Arc<CompiledVersion>,
    pub(super) state: State,
    pub(super) seq: i64,
    pub(super) lists: Arc<Lists>,
}

impl Ready {
    /// Reads the windows of a version from the newest snapshot and the rest of the log.
    pub(super) async fn load(
        conn: &mut AnyConnection,
        version: Arc<CompiledVersion>,
        seed: Seed,
        lists: Arc<Lists>,
        to: i64,
    ) -> Result<Self, StoreError> {
        let mut ready = Self {
            state: State::new(&version.rules.windows(), seed),
            version,
            seq: 0,
            lists,
        };
        if !ready.keeps_windows() {
            ready.seq = to;
            return Ok(ready);
        }
        match snapshots::read(conn, ready.version.number, to).await? {
            Some((seq, bytes)) => {
                off_thread(|| ready.state.restore(&bytes)).map_err(|error| damaged("bytes", error))?;
                ready.seq = seq;
            }
            None => ready.seq = first_that_counts(conn, &ready.version.rules.windows(), to).await?,
        }
        ready.catch_up(conn, to).await?;
        Ok(ready)
    }

    /// Whether there is anything to remember.
    pub fn keeps_windows(&self) -> bool {
        self.version.keeps_windows()
    }

    /// Goes on to an event: with what was remembered of each if this version was asked then, else by asking it now.
    pub async fn catch_up(&mut self, conn: &mut AnyConnection, to: i64) -> Result<(), StoreError> {
        let mut scratch = Scratch::default();
        while self.keeps_windows() && self.seq < to {
            let page = log::list(conn, self.seq, to, PAGE).await?;
            let Some(last) = page.last().map(|logged| logged.seq) else {
                break;
            };
            off_thread(|| {
                page.iter().try_for_each(|logged| {
                    let was_asked = [Some(logged.version), logged.shadow].contains(&Some(self.version.number));
                    if was_asked || logged.facts.is_empty() {
                        return remember(&mut self.state, logged);
                    }
                    let event = event_of(&facts_of(logged)?);
                    let said = self
                        .version
                        .rules
                        .evaluate(&event, &self.lists, &self.state, &mut scratch);
                    self.state.apply(&said.bumps);
                    Ok(())
                })
            })?;
            self.seq = last;
        }
        self.seq = self.seq.max(to);
        Ok(())
    }

    /// Writes the windows down as they are, in a transaction of its own: while nobody waits for it.
    pub async fn write_down(&self, store: &Store) -> Result<(), StoreError> {
        if self.keeps_windows() {
            let mut tx = store.begin("write windows down").await?;
            self.keep(&mut tx, self.seq).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Goes on to the last event, in the transaction in which the version takes its place. What was judged since it was written down every process
    /// works out again by itself; only where lists have a say, which change meanwhile, the windows are written down once more.
    pub async fn settle(&mut self, tx: &mut Tx, last_seq: i64) -> Result<(), StoreError> {
        let is_written = self.seq == last_seq || self.version.rules.lists().is_empty();
        self.catch_up(tx.conn(), last_seq).await?;
        if is_written {
            return Ok(());
        }
        self.keep(tx, last_seq).await
    }

    /// Keeps the windows as they are after an event that was caught up with.
    pub async fn keep(&self, tx: &mut Tx, seq: i64) -> Result<(), StoreError> {
        debug_assert_eq!(self.seq, seq, "windows are kept where they stand");
        if self.keeps_windows() {
            let bytes = off_thread(|| self.state.snapshot());
            snapshots::insert(tx, self.version.number, seq, &bytes).await?;
        }
        Ok(())
    }

    /// The event up to which it goes.
    pub fn seq(&self) -> i64 {
        self.seq
    }
}

/// The event after which windows begin to remember something that is not over by the event `to`. Of what was posted long before it was judged a day
/// more is looked at.
async fn first_that_counts(conn: &mut AnyConnection, windows: &[WindowSpec], to: i64) -> Result<i64, StoreError> {
    let Some(last) = log::judged_at(conn, to).await? else {
        return Ok(0);
    };
    log::last_before(conn, last.before(horizon(windows) + LATENESS)).await
}

/// How long the longest of these windows remembers.
pub fn horizon(windows: &[WindowSpec]) -> Duration {
    let longest = windows.iter().map(WindowSpec::horizon_ms).max().unwrap_or(0);
    Duration::from_millis(longest.max(0).unsigned_abs())
}

/// The facts of an event that was judged.
pub fn facts_of(logged: &Logged) -> Result<Map<String, Value>, StoreError> {
    match serde_json::from_str(&logged.facts) {
        Ok(Value::Object(facts)) => Ok(facts),
        Ok(_) => Err(damaged("facts", "not an object")),
        Err(error) => Err(damaged("facts", error)),
    }
}

/// The facts as rules read them. One that the schema does not take is unknown, and the log says so: the event is judged all the same.
pub fn event_of(facts: &Map<String, Value>) -> Event {
    let whole = Event::from_json_object(facts);
    match whole {
        Ok(event) => event,
        Err(error) => {
            tracing::error!(error = %error, "a fact does not fit the schema of the rules; it counts as not known");
            let mut rest = facts.clone();
            // Of a name with a dot the first part may stand for all of them.
            let before = rest.len();
            rest.retain(|name, _| *name != error.name && !error.name.starts_with(&format!("{name}.")));
            if rest.len() == before {
                return Event::at(0);
            }
            event_of(&rest)
        }
    }
}

pub(super) fn remember(state: &mut State, logged: &Logged) -> Result<(), StoreError> {
    let bumps = decode_bumps(state, &logged.bumps).map_err(|error| damaged("bumps", error))?;
    state.apply(&bumps);
    Ok(())
}
