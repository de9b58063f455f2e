//! The rules are asked, in an order that every process on the store agrees on.
//!
//! Who judges takes the next number of the log in the transaction that remembers what was decided; that number's row keeps everybody else
//! waiting until the transaction ends. Before it asks, it reads what others judged meanwhile and which version counts by now. What windows
//! remember of an event stands in the log beside it, and goes into memory after the commit: a transaction that is rolled back changes no
//! window, a retry counts nothing twice, and the log replayed gives the same answers. [`Judge::turn`] is where to start;
//! [`Judge::look`] asks without remembering.

use std::collections::HashMap;
use std::sync::Arc;

use policy::compile::compile;
use policy::edit::RuleText;
use policy::window::{Bump, Seed, State, WindowSpec, encode_bumps};
use policy::{Cause, Evaluation, Event, Lists, Rules, Ruling, Scratch, compare};
use serde_json::{Map, Value};
use sqlx::AnyConnection;
use tokio::sync::Mutex;

use super::firings::{Firing, Key};
use super::log::Logged;
use super::ready::{PAGE, off_thread, remember};
use super::{differences, firings, lists, log, standing, versions};

pub use super::ready::{Ready, event_of, facts_of};
use crate::model::{ChangeId, DecisionId, ItemId, RuleFile, ShadowExample, Timestamp};
use crate::store::columns::damaged;
use crate::store::{Store, StoreError, Tx, counter};

/// Changes of lists that are read at a time.
const LIST_PAGE: i64 = 20_000;
/// Versions that are kept compiled.
const COMPILED_MAX: usize = 8;

/// Asks the rules.
#[derive(Debug, Default)]
pub struct Judge {
    engine: Mutex<Engine>,
    compiled: std::sync::Mutex<HashMap<i64, Arc<CompiledVersion>>>,
}

/// A version that can be asked.
#[derive(Debug)]
pub struct CompiledVersion {
    /// Its number.
    pub number: i64,
    /// Its files.
    pub files: Vec<RuleFile>,
    /// Its rules.
    pub rules: Rules,
    /// The texts of its rules, in the same order.
    pub texts: Vec<RuleText>,
}

impl CompiledVersion {
    /// What a rule is measured by.
    pub fn key(&self, rule: usize) -> Key {
        Key {
            rule: self.rules.rules()[rule].name.clone(),
            fingerprint: self
                .texts
                .get(rule)
                .map(|text| text.fingerprint.clone())
                .unwrap_or_default(),
        }
    }
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

#[derive(Debug, Default)]
struct Engine {
    seed: Option<Seed>,
    live: Option<Side>,
    shadow: Option<(ChangeId, Side)>,
    /// The last event that is in the windows.
    applied: i64,
    lists: Arc<Lists>,
    epochs: HashMap<String, i64>,
    list_cursor: i64,
}

#[derive(Debug)]
struct Side {
    version: Arc<CompiledVersion>,
    /// The event after which it took this place: the same version may take it twice.
    from_seq: i64,
    state: State,
    scratch: Scratch,
}

impl Side {
    fn ask(&mut self, event: &Event, lists: &Lists) -> Evaluation {
        self.version
            .rules
            .evaluate(event, lists, &self.state, &mut self.scratch)
    }
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
        let mut engine = self.engine.lock().await;
        let mut conn = store.reader().await?;
        let kept = standing::read(&mut conn).await?.ok_or_else(not_installed)?;
        engine.follow(self, &mut conn, &kept, kept.last_seq).await
    }

    /// Forgets all windows and versions, where the store forgot them too.
    pub async fn forget(&self) {
        let mut engine = self.engine.lock().await;
        *engine = Engine::default();
        self.compiled
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clear();
    }

    /// What the rules say of facts; nothing is remembered.
    pub async fn look(&self, store: &Store, facts: &Map<String, Value>) -> Result<Judged, StoreError> {
        let mut engine = self.engine.lock().await;
        let mut conn = store.reader().await?;
        let kept = standing::read(&mut conn).await?.ok_or_else(not_installed)?;
        engine.follow(self, &mut conn, &kept, kept.last_seq).await?;
        let event = event_of(facts);
        let (live, lists) = engine.parts()?;
        let evaluation = live.ask(&event, lists);
        judged(&live.version, &event, &evaluation)
    }

    /// A version, compiled.
    pub async fn compiled(&self, conn: &mut AnyConnection, number: i64) -> Result<Arc<CompiledVersion>, StoreError> {
        if let Some(known) = self.cache().get(&number) {
            return Ok(known.clone());
        }
        let files = versions::files(conn, number).await?;
        let made = off_thread(|| compile_version(number, files))?;
        let made = Arc::new(made);
        let mut cache = self.cache();
        if cache.len() >= COMPILED_MAX {
            cache.clear();
        }
        cache.insert(number, made.clone());
        Ok(made)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Arc<CompiledVersion>>> {
        // A map of finished values is sound whoever panicked beside it.
        self.compiled.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A version with its windows filled, as if it had judged all that is kept. Windows that the live version keeps too are taken from there, with all
    /// that they remember; the others are filled from the log.
    pub async fn prepare(&self, store: &Store, version: i64) -> Result<Ready, StoreError> {
        let mut engine = self.engine.lock().await;
        let mut conn = store.reader().await?;
        let kept = standing::read(&mut conn).await?.ok_or_else(not_installed)?;
        engine.follow(self, &mut conn, &kept, kept.last_seq).await?;
        let (seed, lists, to) = (engine.seed(), engine.lists.clone(), engine.applied);
        let version = self.compiled(&mut conn, version).await?;
        let live = engine.live.as_ref().ok_or_else(not_installed)?;
        let of_live = live.version.rules.windows();
        let wanted = version.rules.windows();
        let n_wanted = wanted.len();
        let is_shared = |window: &WindowSpec| of_live.iter().any(|known| known.id == window.id);
        let shared: Vec<WindowSpec> = wanted.into_iter().filter(is_shared).collect();
        let bytes = (!shared.is_empty()).then(|| off_thread(|| live.state.snapshot()));
        // Filling windows may take long, and others want to judge.
        drop(engine);
        let mut ready = if shared.len() == n_wanted {
            Ready {
                state: State::new(&version.rules.windows(), seed),
                version,
                seq: to,
                lists,
            }
        } else {
            Ready::load(&mut conn, version, seed, lists, to).await?
        };
        if let Some(bytes) = bytes {
            let mut copy = State::new(&shared, seed);
            off_thread(|| copy.restore(&bytes)).map_err(|error| damaged("bytes", error))?;
            ready.state.take_over(copy);
        }
        Ok(ready)
    }

    /// The lists and the seed as they are now, for who asks rules beside the order of events.
    pub async fn surroundings(&self, store: &Store) -> Result<(Seed, Arc<Lists>), StoreError> {
        self.follow(store).await?;
        let engine = self.engine.lock().await;
        Ok((engine.seed(), engine.lists.clone()))
    }

    /// How many keys the windows of the live rules remember, in how many bytes.
    pub async fn size(&self) -> (usize, usize) {
        let engine = self.engine.lock().await;
        let live = engine.live.as_ref();
        live.map_or((0, 0), |live| (live.state.n_keys(), live.state.n_bytes()))
    }
}

impl Turn<'_> {
    /// Judges an event and writes it down: the log, what is measured of the rules, what shadow would have said.
    pub async fn judge(&mut self, tx: &mut Tx, new: &NewEvent<'_>) -> Result<Judged, StoreError> {
        let mut engine = self.judge.engine.lock().await;
        let kept = standing::read(tx.conn()).await?.ok_or_else(not_installed)?;
        engine.follow(self.judge, tx.conn(), &kept, self.seq - 1).await?;
        let event = event_of(new.facts);
        let (live, lists) = engine.parts()?;
        let evaluation = live.ask(&event, lists);
        let judged = judged(&live.version, &event, &evaluation)?;
        let mut bytes = encode_bumps(&live.state, &evaluation.bumps);
        let mut firings = firings_of(&live.version, &evaluation);
        let mut pending = Pending {
            live: (live.version.number, evaluation.bumps),
            shadow: None,
        };
        let live_version = live.version.clone();
        let mut difference = None;
        let Engine { shadow, lists, .. } = &mut *engine;
        if let Some((change, side)) = shadow {
            let said = side.ask(&event, lists);
            let rules = &side.version.rules;
            let live_ids: Vec<u64> = live_version.rules.windows().iter().map(|window| window.id).collect();
            let windows = rules.windows();
            let is_own = |bump: &&Bump| !live_ids.contains(&windows[bump.window as usize].id);
            let own: Vec<Bump> = said.bumps.iter().filter(is_own).copied().collect();
            bytes.extend(encode_bumps(&side.state, &own));
            let of_live: Vec<Key> = (0..live_version.texts.len())
                .map(|rule| live_version.key(rule))
                .collect();
            let of_shadow = firings_of(&side.version, &said);
            // A rule that shadow did not change is measured once, where it counts; what shadow says counts nowhere.
            firings.extend(
                of_shadow
                    .into_iter()
                    .filter(|firing| !of_live.contains(&firing.key))
                    .map(|firing| Firing {
                        fired: firing.fired.map(|_| false),
                        ..firing
                    }),
            );
            let counting = said.counting(rules).map(|rule| rule.name.clone());
            difference = Some((*change, said.ruling(rules).brief(), counting.collect::<Vec<_>>()));
            pending.shadow = Some((side.version.number, said.bumps));
        }
        drop(engine);
        let was = judged.ruling.brief();
        log::insert(
            tx,
            &Logged {
                seq: self.seq,
                decision: new.decision,
                item: new.item.clone(),
                judged_at: new.now,
                version: judged.version,
                shadow: pending.shadow.as_ref().map(|(version, _)| *version),
                outcome: was.clone(),
                facts: Value::Object(new.facts.clone()).to_string(),
                bumps: bytes,
            },
        )
        .await?;
        if let Some((change, would_be, rules)) = difference {
            differences::count(tx, change, &was, &would_be, &compare::languages(&event)).await?;
            if was != would_be {
                let example = ShadowExample {
                    seq: self.seq,
                    item: new.item.clone(),
                    decision: new.decision,
                    was,
                    would_be,
                    rules,
                };
                differences::keep_example(tx, change, &example).await?;
            }
        }
        firings::note(tx, firings::day_of(new.now), &mut firings).await?;
        self.pending = Some(pending);
        Ok(judged)
    }

    /// The transaction was committed: windows remember the event. If this is never called, or somebody was faster, they are read from the log.
    pub async fn committed(self) {
        let Some(pending) = self.pending else { return };
        let mut engine = self.judge.engine.lock().await;
        let has = |side: Option<&Side>, version: i64| side.is_some_and(|side| side.version.number == version);
        let shadow_is_same = match (&engine.shadow, &pending.shadow) {
            (None, None) => true,
            (Some((_, side)), Some((version, _))) => side.version.number == *version,
            (_, _) => false,
        };
        if engine.applied != self.seq - 1 || !has(engine.live.as_ref(), pending.live.0) || !shadow_is_same {
            return;
        }
        if let Some(live) = &mut engine.live {
            live.state.apply(&pending.live.1);
        }
        if let (Some((_, side)), Some((_, bumps))) = (&mut engine.shadow, &pending.shadow) {
            side.state.apply(bumps);
        }
        engine.applied = self.seq;
    }
}

impl Engine {
    fn seed(&self) -> Seed {
        self.seed.unwrap_or_default()
    }

    fn parts(&mut self) -> Result<(&mut Side, &Lists), StoreError> {
        let live = self.live.as_mut().ok_or_else(not_installed)?;
        Ok((live, &self.lists))
    }

    /// Takes up the versions that count, what was judged up to an event, and what the lists hold.
    async fn follow(
        &mut self,
        judge: &Judge,
        conn: &mut AnyConnection,
        kept: &standing::Kept,
        to: i64,
    ) -> Result<(), StoreError> {
        let seed = seed_of(&kept.seed)?;
        if self.seed != Some(seed) {
            *self = Engine {
                seed: Some(seed),
                lists: Arc::new(Lists::new(seed)),
                ..Engine::default()
            };
        }
        if self.list_cursor < kept.last_list_change {
            self.follow_lists(conn, kept.last_list_change).await?;
        }
        // A reader may see less than what this process has judged already.
        let to = to.max(self.applied);
        self.apply_log(conn, to).await?;
        let is_live = |side: &Side| (side.version.number, side.from_seq) == (kept.standing.live, kept.live_from_seq);
        if !self.live.as_ref().is_some_and(is_live) {
            let taken = self.take_from_shadow(kept.standing.live);
            let (version, state) = match taken {
                Some(side) => (side.version, side.state),
                None => {
                    let version = judge.compiled(conn, kept.standing.live).await?;
                    let ready = Ready::load(conn, version, seed, self.lists.clone(), to).await?;
                    (ready.version, ready.state)
                }
            };
            self.live = Some(Side {
                version,
                from_seq: kept.live_from_seq,
                state,
                scratch: Scratch::default(),
            });
        }
        let shadow = kept.standing.shadow.zip(kept.shadow_from_seq);
        let is_shadow = match (&self.shadow, shadow) {
            (None, None) => true,
            (Some((change, side)), Some(((version, of), from_seq))) => {
                (*change, side.version.number, side.from_seq) == (of, version, from_seq)
            }
            (_, _) => false,
        };
        if !is_shadow {
            self.shadow = None;
            if let Some(((number, change), from_seq)) = shadow {
                let version = judge.compiled(conn, number).await?;
                let Ready { version, state, .. } = Ready::load(conn, version, seed, self.lists.clone(), to).await?;
                self.shadow = Some((
                    change,
                    Side {
                        version,
                        from_seq,
                        state,
                        scratch: Scratch::default(),
                    },
                ));
            }
        }
        self.applied = to;
        Ok(())
    }

    /// What was watched becomes what counts, with all that it remembers.
    fn take_from_shadow(&mut self, version: i64) -> Option<Side> {
        self.shadow
            .take_if(|(_, side)| side.version.number == version)
            .map(|(_, side)| side)
    }

    /// What others judged meanwhile. Of a change of versions between, the windows come from the snapshot that was made for it.
    async fn apply_log(&mut self, conn: &mut AnyConnection, to: i64) -> Result<(), StoreError> {
        let counts = |side: &Side| !side.version.rules.windows().is_empty();
        let is_needed = self.live.as_ref().is_some_and(counts) || self.shadow.as_ref().is_some_and(|(_, s)| counts(s));
        while is_needed && self.applied < to {
            let page = log::list(conn, self.applied, to, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for logged in &page {
                let sides = self.live.iter_mut().chain(self.shadow.iter_mut().map(|(_, side)| side));
                for side in sides {
                    remember(&mut side.state, logged)?;
                }
                self.applied = logged.seq;
            }
        }
        self.applied = self.applied.max(to);
        Ok(())
    }

    async fn follow_lists(&mut self, conn: &mut AnyConnection, to: i64) -> Result<(), StoreError> {
        let epochs = lists::epochs(conn).await?;
        let known = Arc::make_mut(&mut self.lists);
        let is_same = |name: &String, epoch: &i64| epochs.iter().any(|now| now.name == *name && now.epoch == *epoch);
        self.epochs.retain(|name, epoch| {
            let stays = is_same(name, epoch);
            if !stays {
                known.forget(name);
            }
            stays
        });
        for now in epochs {
            known.open(&now.name);
            self.epochs.insert(now.name, now.epoch);
        }
        let mut cursor = self.list_cursor;
        loop {
            let page = lists::changes_after(conn, cursor, LIST_PAGE).await?;
            let Some(last) = page.last() else { break };
            cursor = last.seq;
            let mut by_list: HashMap<&str, Vec<(&str, Option<i64>)>> = HashMap::new();
            for changed in &page {
                let ends = if changed.is_removed {
                    Some(i64::MIN)
                } else {
                    changed.until.map(Timestamp::unix_ms)
                };
                by_list.entry(&changed.list).or_default().push((&changed.key, ends));
            }
            off_thread(|| {
                by_list
                    .into_iter()
                    .for_each(|(list, changes)| known.change(list, changes))
            });
        }
        self.list_cursor = cursor.max(to);
        Ok(())
    }
}

fn judged(version: &CompiledVersion, event: &Event, evaluation: &Evaluation) -> Result<Judged, StoreError> {
    let said = evaluation.to_json(&version.rules, event);
    Ok(Judged {
        ruling: evaluation.ruling(&version.rules),
        version: version.number,
        said: serde_json::from_str(&said).map_err(|error| damaged("said", error))?,
    })
}

fn firings_of(version: &CompiledVersion, evaluation: &Evaluation) -> Vec<Firing> {
    let fired = evaluation.fired.iter().map(|fired| Firing {
        key: version.key(fired.rule),
        fired: Some(fired.counts),
        is_undecided: false,
        is_failed: false,
    });
    let undecided = evaluation.undecided.iter().map(|undecided| Firing {
        key: version.key(undecided.rule),
        fired: None,
        is_undecided: true,
        is_failed: undecided.causes.contains(&Cause::TooLong),
    });
    fired.chain(undecided).collect()
}

fn compile_version(number: i64, files: Vec<RuleFile>) -> Result<CompiledVersion, StoreError> {
    let sources = versions::sources(&files);
    // Only review dates depend on the day, and they stop nothing.
    let rules = compile(&sources, 0).rules;
    let rules =
        rules.ok_or_else(|| damaged("rules_file", format!("version {number} of the rules does not compile")))?;
    Ok(CompiledVersion {
        number,
        texts: versions::texts(&files),
        files,
        rules,
    })
}

fn seed_of(hex: &str) -> Result<Seed, StoreError> {
    let mut seed = Seed::default();
    hex::decode_to_slice(hex, &mut seed.0).map_err(|error| damaged("seed", error))?;
    Ok(seed)
}

fn not_installed() -> StoreError {
    StoreError::Damaged {
        what: "no rules are installed".to_owned(),
    }
}
