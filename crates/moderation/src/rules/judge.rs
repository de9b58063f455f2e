//! The rules are asked, in an order that every process on the store agrees on.
//!
//! Who judges takes the next number of the log in the transaction that remembers what was decided; that number's row keeps everybody else
//! waiting until the transaction ends. Before it asks, it reads what others judged meanwhile and which version counts by now. What windows
//! remember of an event stands in the log beside it, and goes into memory after the commit: a transaction that is rolled back changes no
//! window, a retry counts nothing twice, and the log replayed gives the same answers. [`Judge::turn`] is where to start;
//! [`Judge::look`] asks without remembering.

use std::collections::HashMap;
use std::sync::Arc;

use policy::window::{Bump, Seed, State, WindowSpec, encode_bumps};
use policy::{Evaluation, Event, Lists, Ruling, compare};
use serde_json::{Map, Value};
use sqlx::AnyConnection;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

use super::engine::Engine;
use super::firings::{self, Firing};
use super::log::Logged;
use super::standing::not_installed;
use super::{differences, log, standing, versions};

pub use super::compiled::CompiledVersion;
pub use super::ready::{Ready, event_of, facts_of, horizon};
use crate::model::{DecisionId, ItemId, ShadowExample, Timestamp, off_thread};
use crate::store::{Store, StoreError, Tx, counter};

/// Versions that are kept compiled.
const COMPILED_MAX: usize = 8;
/// Backtests that one process runs at the same time: each takes two cores, and connections that others need.
const BACKTESTS_MAX: usize = 2;

/// Asks the rules.
///
/// Who needs a connection beside the engine takes the connection first: nobody who holds the engine waits for one.
#[derive(Debug)]
pub struct Judge {
    engine: Mutex<Engine>,
    compiled: std::sync::Mutex<HashMap<i64, Arc<CompiledVersion>>>,
    uncounted: std::sync::Mutex<HashMap<(i64, i64), Uncounted>>,
    backtests: Semaphore,
}

impl Default for Judge {
    fn default() -> Self {
        Self {
            engine: Mutex::default(),
            compiled: std::sync::Mutex::default(),
            uncounted: std::sync::Mutex::default(),
            backtests: Semaphore::new(BACKTESTS_MAX),
        }
    }
}

/// Of one day and version, how often each rule could not be decided, and how often because it took too long. With facts that a platform never sends
/// that is every rule of every event, so it is added up here and written now and then.
#[derive(Debug)]
struct Uncounted {
    version: Arc<CompiledVersion>,
    n: Vec<(i64, i64)>,
}

/// What the rules said of an event.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What is to be done.
    pub ruling: Ruling,
    /// The version that said so.
    pub version: i64,
    /// All that was said, for the decision: rules that fired or could not be decided, facts and windows that were read.
    pub said: Value,
}

/// An event to be judged and remembered.
#[derive(Debug, Clone)]
pub struct NewEvent<'a> {
    /// The decision that will be made of it.
    pub decision: DecisionId,
    /// The item.
    pub item: &'a ItemId,
    /// The facts, as [`policy::Event::from_json`] takes them.
    pub facts: &'a Map<String, Value>,
    /// When.
    pub now: Timestamp,
}

/// The turn to judge, in a transaction.
#[derive(Debug)]
pub struct Turn<'a> {
    judge: &'a Judge,
    seq: i64,
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    live: (i64, Vec<Bump>),
    shadow: Option<(i64, Vec<Bump>)>,
    day: i64,
    undecided: Vec<Undecided>,
}

/// The rules of a version that an event could not be decided by, and whether because they took too long.
#[derive(Debug)]
struct Undecided {
    version: Arc<CompiledVersion>,
    rules: Vec<(usize, bool)>,
}

impl Judge {
    /// Takes the turn to judge, and catches up with what others judged. Held until the transaction ends.
    pub async fn turn(&self, tx: &mut Tx) -> Result<Turn<'_>, StoreError> {
        let seq = counter::take(tx, "rules_event", 1).await?;
        Ok(Turn {
            judge: self,
            seq,
            pending: None,
        })
    }

    /// Catches up with what was committed, so that a turn finds little to read.
    pub async fn follow(&self, store: &Store) -> Result<(), StoreError> {
        let mut conn = store.reader().await?;
        self.get_ahead(&mut conn).await?;
        let mut engine = self.engine.lock().await;
        // Read while nobody else judges here: what it says is not older than what this process knows.
        let kept = standing::read(&mut conn).await?.ok_or_else(not_installed)?;
        engine.follow(self, &mut conn, &kept, kept.last_seq).await
    }

    /// Fills versions that others made live or put in shadow, while those who judge go on.
    async fn get_ahead(&self, conn: &mut AnyConnection) -> Result<(), StoreError> {
        let kept = standing::read(conn).await?.ok_or_else(not_installed)?;
        let (missing, seed, lists) = {
            let engine = self.engine.lock().await;
            // At the start there is nothing that others could go on with.
            if engine.live.is_none() {
                return Ok(());
            }
            (engine.missing(&kept), engine.seed(), engine.lists.clone())
        };
        for number in missing {
            let version = self.compiled(conn, number).await?;
            let ready = Ready::load(conn, version, seed, lists.clone(), kept.last_seq).await?;
            self.engine.lock().await.offer(ready);
        }
        Ok(())
    }

    /// Forgets all windows and versions, where the store forgot them too.
    pub async fn forget(&self) {
        let mut engine = self.engine.lock().await;
        *engine = Engine::default();
        lock(&self.compiled).clear();
        lock(&self.uncounted).clear();
    }

    /// What the rules say of facts; nothing is remembered.
    pub async fn look(&self, store: &Store, facts: &Map<String, Value>) -> Result<Judged, StoreError> {
        let mut conn = store.reader().await?;
        let mut engine = self.engine.lock().await;
        let kept = standing::read(&mut conn).await?.ok_or_else(not_installed)?;
        engine.follow(self, &mut conn, &kept, kept.last_seq).await?;
        drop(conn);
        let event = event_of(facts);
        let (live, lists) = engine.parts()?;
        let evaluation = live.ask(&event, lists);
        let version = live.version.clone();
        drop(engine);
        Ok(judged(&version, &event, &evaluation))
    }

    /// A version, compiled.
    pub async fn compiled(&self, conn: &mut AnyConnection, number: i64) -> Result<Arc<CompiledVersion>, StoreError> {
        if let Some(known) = lock(&self.compiled).get(&number) {
            return Ok(known.clone());
        }
        let files = versions::files(conn, number).await?;
        let made = off_thread(|| CompiledVersion::new(number, files))?;
        let made = Arc::new(made);
        let mut cache = lock(&self.compiled);
        if cache.len() >= COMPILED_MAX {
            cache.clear();
        }
        cache.insert(number, made.clone());
        Ok(made)
    }

    /// A version with its windows filled, as if it had judged all that is kept. Windows that the live version keeps too are taken from there, with all
    /// that they remember; the others are filled from the log.
    pub async fn prepare(&self, store: &Store, version: i64) -> Result<Ready, StoreError> {
        let mut conn = store.reader().await?;
        let version = self.compiled(&mut conn, version).await?;
        let mut engine = self.engine.lock().await;
        let kept = standing::read(&mut conn).await?.ok_or_else(not_installed)?;
        engine.follow(self, &mut conn, &kept, kept.last_seq).await?;
        let (seed, lists, to) = (engine.seed(), engine.lists.clone(), engine.applied);
        let live = engine.live.as_ref().ok_or_else(not_installed)?;
        let of_live = live.version.rules.windows();
        let is_shared = |window: &WindowSpec| of_live.iter().any(|known| known.id == window.id);
        let (shared, own): (Vec<WindowSpec>, Vec<WindowSpec>) =
            version.rules.windows().into_iter().partition(is_shared);
        // Copied as it is: written as bytes it would keep all who judge waiting for as long as that takes.
        let copy = (!shared.is_empty()).then(|| off_thread(|| live.state.copy(&shared)));
        // Filling windows may take long, and others want to judge.
        drop(engine);
        let mut ready = if own.is_empty() {
            Ready {
                state: State::new(&version.rules.windows(), seed),
                version,
                seq: to,
                lists,
            }
        } else {
            Ready::load(&mut conn, version, seed, lists, to).await?
        };
        if let Some(copy) = copy {
            ready.state.take_over(copy);
        }
        Ok(ready)
    }

    /// Takes a version that was filled and is about to take its place here, so that nobody has to fill it again.
    pub async fn offer(&self, ready: Ready) {
        self.engine.lock().await.offer(ready);
    }

    /// The lists and the seed as they are now, for who asks rules beside the order of events.
    pub async fn surroundings(&self, store: &Store) -> Result<(Seed, Arc<Lists>), StoreError> {
        self.follow(store).await?;
        let engine = self.engine.lock().await;
        Ok((engine.seed(), engine.lists.clone()))
    }

    /// A place among the backtests of this process; none, if there are as many as may be.
    pub fn begin_backtest(&self) -> Option<SemaphorePermit<'_>> {
        self.backtests.try_acquire().ok()
    }

    /// How many keys the windows of the live rules remember, in how many bytes.
    pub async fn size(&self) -> (usize, usize) {
        let engine = self.engine.lock().await;
        let live = engine.live.as_ref();
        live.map_or((0, 0), |live| (live.state.n_keys(), live.state.n_bytes()))
    }

    /// Writes down what was added up of rules that could not be decided. What is lost when a process is killed is a few seconds of that.
    pub async fn write_counts(&self, store: &Store) -> Result<(), StoreError> {
        let uncounted = std::mem::take(&mut *lock(&self.uncounted));
        if uncounted.is_empty() {
            return Ok(());
        }
        let mut by_day: std::collections::BTreeMap<i64, Vec<Firing>> = Default::default();
        for ((day, _), Uncounted { version, n }) in &uncounted {
            let rules = n.iter().enumerate().filter(|(_, (undecided, _))| *undecided > 0);
            by_day.entry(*day).or_default().extend(
                rules.map(|(rule, (undecided, failed))| Firing::undecided(version.key(rule), *undecided, *failed)),
            );
        }
        let written = write_counts(store, by_day).await;
        if written.is_err() {
            let mut kept = lock(&self.uncounted);
            for ((day, _), Uncounted { version, n }) in uncounted {
                add_up(&mut kept, day, &version, n.into_iter().enumerate());
            }
        }
        written
    }
}

/// Rows are written in the order of days and keys, so that two who write wait for each other one way only.
async fn write_counts(store: &Store, by_day: std::collections::BTreeMap<i64, Vec<Firing>>) -> Result<(), StoreError> {
    let mut tx = store.begin("count what could not be decided").await?;
    for (day, mut firings) in by_day {
        firings::note(&mut tx, day, &mut firings).await?;
    }
    tx.commit().await
}

fn add_up(
    kept: &mut HashMap<(i64, i64), Uncounted>,
    day: i64,
    version: &Arc<CompiledVersion>,
    counts: impl Iterator<Item = (usize, (i64, i64))>,
) {
    let of_version = kept.entry((day, version.number)).or_insert_with(|| Uncounted {
        version: version.clone(),
        n: vec![(0, 0); version.keys().len()],
    });
    for (rule, (undecided, failed)) in counts {
        let n = &mut of_version.n[rule];
        n.0 += undecided;
        n.1 += failed;
    }
}

impl Turn<'_> {
    /// What the rules say of facts in this turn; nothing is written down.
    pub async fn look(&self, tx: &mut Tx, facts: &Map<String, Value>) -> Result<Judged, StoreError> {
        let mut engine = self.judge.engine.lock().await;
        let kept = standing::read(tx.conn()).await?.ok_or_else(not_installed)?;
        engine.follow(self.judge, tx.conn(), &kept, self.seq - 1).await?;
        let event = event_of(facts);
        let (live, lists) = engine.parts()?;
        let evaluation = live.ask(&event, lists);
        Ok(judged(&live.version, &event, &evaluation))
    }

    /// Judges an event and writes it down: the log, what is measured of the rules, what shadow would have said.
    pub async fn judge(&mut self, tx: &mut Tx, new: &NewEvent<'_>) -> Result<Judged, StoreError> {
        let mut engine = self.judge.engine.lock().await;
        let kept = standing::read(tx.conn()).await?.ok_or_else(not_installed)?;
        engine.follow(self.judge, tx.conn(), &kept, self.seq - 1).await?;
        let event = event_of(new.facts);
        let (live, lists) = engine.parts()?;
        let evaluation = live.ask(&event, lists);
        let version = live.version.clone();
        let mut bytes = encode_bumps(&live.state, &evaluation.bumps);
        let Engine { shadow, lists, .. } = &mut *engine;
        let of_shadow = shadow.as_mut().map(|(change, side)| {
            let said = side.ask(&event, lists);
            // What the live version remembers too stands there already.
            let own = said.bumps.iter();
            let own: Vec<Bump> = own
                .filter(|bump| !version.shares_window(&side.version, bump.window))
                .copied()
                .collect();
            bytes.extend(encode_bumps(&side.state, &own));
            (*change, side.version.clone(), said)
        });
        drop(engine);

        let judged = judged(&version, &event, &evaluation);
        let was = judged.ruling.brief();
        log::insert(
            tx,
            &Logged {
                seq: self.seq,
                decision: new.decision,
                item: new.item.clone(),
                judged_at: new.now,
                version: judged.version,
                shadow: of_shadow.as_ref().map(|(_, version, _)| version.number),
                outcome: was.clone(),
                facts: Value::Object(new.facts.clone()).to_string(),
                bumps: bytes,
            },
        )
        .await?;
        let day = firings::day_of(new.now);
        let mut firings = version.fired(&evaluation);
        let mut undecided = vec![Undecided {
            version: version.clone(),
            rules: version.undecided(&evaluation),
        }];
        let mut shadow = None;
        if let Some((change, watched, said)) = of_shadow {
            let would_be = said.ruling(&watched.rules).brief();
            differences::count(tx, change, &was, &would_be, &compare::languages(&event)).await?;
            if was != would_be {
                let counting = said.counting(&watched.rules).map(|rule| rule.name.clone());
                let example = ShadowExample {
                    seq: self.seq,
                    item: new.item.clone(),
                    decision: new.decision,
                    was,
                    would_be,
                    rules: counting.collect(),
                };
                differences::keep_example(tx, change, &example).await?;
            }
            // A rule that shadow did not change is measured once, where it counts; what shadow says counts nowhere.
            let is_new = |rule: usize| !version.shares_rule(&watched, rule);
            let fired = said.fired.iter().filter(|fired| is_new(fired.rule));
            firings.extend(fired.map(|fired| Firing::once(watched.key(fired.rule), false)));
            let mut of_watched = watched.undecided(&said);
            of_watched.retain(|(rule, _)| is_new(*rule));
            undecided.push(Undecided {
                version: watched.clone(),
                rules: of_watched,
            });
            shadow = Some((watched.number, said.bumps));
        }
        firings::count_event(tx, day).await?;
        firings::note(tx, day, &mut firings).await?;
        self.pending = Some(Pending {
            live: (version.number, evaluation.bumps),
            shadow,
            day,
            undecided,
        });
        Ok(judged)
    }

    /// The transaction was committed: windows remember the event. If this is never called, or somebody was faster, they are read from the log.
    pub async fn committed(self) {
        let Some(pending) = self.pending else { return };
        {
            let mut uncounted = lock(&self.judge.uncounted);
            for Undecided { version, rules } in &pending.undecided {
                let counts = rules
                    .iter()
                    .map(|(rule, is_failed)| (*rule, (1, i64::from(*is_failed))));
                add_up(&mut uncounted, pending.day, version, counts);
            }
        }
        let mut engine = self.judge.engine.lock().await;
        engine.apply(self.seq, &pending.live, pending.shadow.as_ref());
    }
}

fn judged(version: &CompiledVersion, event: &Event, evaluation: &Evaluation) -> Judged {
    Judged {
        ruling: evaluation.ruling(&version.rules),
        version: version.number,
        said: evaluation.to_value(&version.rules, event),
    }
}

fn lock<T>(values: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Maps of finished values are sound whoever panicked beside them.
    values.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
