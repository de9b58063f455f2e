//! What the judge holds in memory: the versions that are asked with their windows, and the lists. It follows the store.

use std::collections::HashMap;
use std::sync::Arc;

use policy::window::{Bump, Seed, State};
use policy::{Evaluation, Event, Lists, Scratch};
use sqlx::AnyConnection;

use super::compiled::CompiledVersion;
use super::judge::Judge;
use super::log::Logged;
use super::ready::{PAGE, Ready, remember};
use super::standing::{self, not_installed};
use super::{lists, log};
use crate::model::{ChangeId, Timestamp, off_thread};
use crate::store::StoreError;
use crate::store::columns::damaged;

/// Changes of lists that are read at a time.
const LIST_PAGE: i64 = 20_000;

/// The versions that are asked, what their windows remember, and the lists.
#[derive(Debug, Default)]
pub(super) struct Engine {
    seed: Option<Seed>,
    pub(super) live: Option<Side>,
    pub(super) shadow: Option<(ChangeId, Side)>,
    /// Versions that were filled beside it, for the place that they are about to take.
    spare: Vec<Ready>,
    /// The last event that is in the windows.
    pub(super) applied: i64,
    pub(super) lists: Arc<Lists>,
    epochs: HashMap<String, i64>,
    list_cursor: i64,
}

/// A version in its place.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) version: Arc<CompiledVersion>,
    /// The event after which it took this place: the same version may take it twice.
    from_seq: i64,
    pub(super) state: State,
    scratch: Scratch,
}

impl Side {
    pub(super) fn ask(&mut self, event: &Event, lists: &Lists) -> Evaluation {
        self.version
            .rules
            .evaluate(event, lists, &self.state, &mut self.scratch)
    }

    /// Whether it was asked about an event, in whichever place.
    fn was_asked(&self, logged: &Logged) -> bool {
        [Some(logged.version), logged.shadow].contains(&Some(self.version.number))
    }
}

impl Engine {
    pub(super) fn seed(&self) -> Seed {
        self.seed.unwrap_or_default()
    }

    pub(super) fn parts(&mut self) -> Result<(&mut Side, &Lists), StoreError> {
        let live = self.live.as_mut().ok_or_else(not_installed)?;
        Ok((live, &self.lists))
    }

    /// Takes a version that is filled, for when its turn comes.
    pub(super) fn offer(&mut self, ready: Ready) {
        self.spare.push(ready);
    }

    /// The versions that it will have to load, with the events after which they took their places.
    pub(super) fn missing(&self, kept: &standing::Kept) -> Vec<i64> {
        let mut missing = Vec::new();
        let is_shadow = |number: i64| {
            self.shadow
                .as_ref()
                .is_some_and(|(_, side)| side.version.number == number)
        };
        if !self.has_live(kept) && !is_shadow(kept.standing.live) {
            missing.push((kept.standing.live, kept.live_from_seq));
        }
        if let (false, Some((number, _)), Some(from_seq)) =
            (self.has_shadow(kept), kept.standing.shadow, kept.shadow_from_seq)
        {
            missing.push((number, from_seq));
        }
        let is_spare = |number, from_seq| {
            let mut spare = self.spare.iter();
            spare.any(|ready| ready.version.number == number && ready.seq >= from_seq)
        };
        missing.retain(|(number, from_seq)| !is_spare(*number, *from_seq));
        missing.into_iter().map(|(number, _)| number).collect()
    }

    fn has_live(&self, kept: &standing::Kept) -> bool {
        let is_live = |side: &Side| (side.version.number, side.from_seq) == (kept.standing.live, kept.live_from_seq);
        self.live.as_ref().is_some_and(is_live)
    }

    fn has_shadow(&self, kept: &standing::Kept) -> bool {
        match (&self.shadow, kept.standing.shadow.zip(kept.shadow_from_seq)) {
            (None, None) => true,
            (Some((change, side)), Some(((version, of), from_seq))) => {
                (*change, side.version.number, side.from_seq) == (of, version, from_seq)
            }
            (_, _) => false,
        }
    }

    /// Takes up the versions that count, what was judged up to an event, and what the lists hold.
    pub(super) async fn follow(
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
        if !self.has_live(kept) {
            let (version, state) = match self.take_from_shadow(kept.standing.live) {
                Some(side) => (side.version, side.state),
                None => {
                    self.load(judge, conn, kept.standing.live, kept.live_from_seq, to)
                        .await?
                }
            };
            self.live = Some(side(version, state, kept.live_from_seq));
        }
        if !self.has_shadow(kept) {
            self.shadow = None;
            if let Some(((number, change), from_seq)) = kept.standing.shadow.zip(kept.shadow_from_seq) {
                let (version, state) = self.load(judge, conn, number, from_seq, to).await?;
                self.shadow = Some((change, side(version, state, from_seq)));
            }
        }
        self.applied = to;
        self.spare.clear();
        Ok(())
    }

    /// A version with its windows: one that was filled since it took its place, else from the store.
    async fn load(
        &mut self,
        judge: &Judge,
        conn: &mut AnyConnection,
        number: i64,
        from_seq: i64,
        to: i64,
    ) -> Result<(Arc<CompiledVersion>, State), StoreError> {
        let is_fit = |ready: &Ready| ready.version.number == number && (from_seq..=to).contains(&ready.seq);
        let ready = match self.spare.iter().position(is_fit) {
            Some(idx) => {
                let mut ready = self.spare.swap_remove(idx);
                ready.catch_up(conn, to).await?;
                ready
            }
            None => {
                let version = judge.compiled(conn, number).await?;
                Ready::load(conn, version, self.seed(), self.lists.clone(), to).await?
            }
        };
        Ok((ready.version, ready.state))
    }

    /// What was watched becomes what counts, with all that it remembers.
    fn take_from_shadow(&mut self, version: i64) -> Option<Side> {
        self.shadow
            .take_if(|(_, side)| side.version.number == version)
            .map(|(_, side)| side)
    }

    /// What others judged meanwhile. A version that was not asked about an event lacks what its windows would remember of it: it goes, and if it is
    /// needed again it comes whole from the store.
    async fn apply_log(&mut self, conn: &mut AnyConnection, to: i64) -> Result<(), StoreError> {
        while self.keeps_windows() && self.applied < to {
            let page = log::list(conn, self.applied, to, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for logged in &page {
                self.live.take_if(|side| !side.was_asked(logged));
                self.shadow.take_if(|(_, side)| !side.was_asked(logged));
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

    fn keeps_windows(&self) -> bool {
        let sides = self.live.iter().chain(self.shadow.iter().map(|(_, side)| side));
        sides.into_iter().any(|side| side.version.keeps_windows())
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

    /// Puts what an event left into the windows, if nobody was faster and the same versions are in their places.
    pub(super) fn apply(&mut self, seq: i64, live: &(i64, Vec<Bump>), shadow: Option<&(i64, Vec<Bump>)>) {
        let has = |side: Option<&Side>, version: i64| side.is_some_and(|side| side.version.number == version);
        let shadow_is_same = match (&self.shadow, shadow) {
            (None, None) => true,
            (Some((_, side)), Some((version, _))) => side.version.number == *version,
            (_, _) => false,
        };
        if self.applied != seq - 1 || !has(self.live.as_ref(), live.0) || !shadow_is_same {
            return;
        }
        if let Some(side) = &mut self.live {
            side.state.apply(&live.1);
        }
        if let (Some((_, side)), Some((_, bumps))) = (&mut self.shadow, shadow) {
            side.state.apply(bumps);
        }
        self.applied = seq;
    }
}

fn side(version: Arc<CompiledVersion>, state: State, from_seq: i64) -> Side {
    Side {
        version,
        from_seq,
        state,
        scratch: Scratch::default(),
    }
}

fn seed_of(hex: &str) -> Result<Seed, StoreError> {
    let mut seed = Seed::default();
    hex::decode_to_slice(hex, &mut seed.0).map_err(|error| damaged("seed", error))?;
    Ok(seed)
}
