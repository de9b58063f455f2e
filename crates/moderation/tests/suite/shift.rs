//! A shift of eight people over thousands of cases: taken, renewed, left, let run out, taken over, released, escalated, decided, at random, over two
//! restarts and a process that is cut off in the middle of what it writes. Held against a ledger that is kept beside it: no case is decided twice, none
//! is lost, never do two people hold one, and each that is handed out is the first of those that are free and that the person can do.
//!
//! So many as take less than a minute, on Postgres, where each transaction goes over a socket, fewer; `SEAWALL_SHIFT_CASES` says otherwise. With 10,000 it
//! takes some minutes.

use std::collections::{BTreeSet, HashMap};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use moderation::flows::cases::{CaseError, decide_case, escalate_case, release_case, take_case, take_next_case};
use moderation::flows::leases::{leave_case, renew_case, take_over_case};
use moderation::items::NewItem;
use moderation::model::{
    Actor, Author, Case, CaseId, CaseState, Chance, Clock, Decision, DecisionId, ItemKind, Judgement, Lane,
    LearnedFrom, Outcome, PlaceFacts, PlatformFacts, PolicyCode, Queue, Role, Timestamp, UserId, Versions, WorkKind,
};
use moderation::routing::order::Waiting;
use moderation::routing::outcomes::Learnt;
use moderation::routing::{Learned, QueueSettings, Skills, people, place};
use moderation::{Seawall, cases, decisions, items};
use serde_json::json;

use super::routing::with_queues;
use super::world::{World, open};

const PEOPLE: usize = 8;
/// Cases that come together.
const BATCH: usize = 200;
/// So many wait at least while there are more to come.
const WAITING_MIN: usize = 400;

struct Held {
    by: usize,
    until: Timestamp,
    taken_at: Timestamp,
}

struct Known {
    key: (i64, Timestamp, CaseId),
    language: Option<String>,
    work: Option<WorkKind>,
    escalated: bool,
    held: Option<Held>,
}

/// What must be so, kept beside the store.
struct Ledger {
    open: HashMap<CaseId, Known>,
    order: BTreeSet<(i64, Timestamp, CaseId)>,
    decided: HashMap<CaseId, usize>,
}

impl Ledger {
    fn holder(&self, case: CaseId, now: Timestamp) -> Option<usize> {
        let held = self.open.get(&case)?.held.as_ref()?;
        (held.until > now).then_some(held.by)
    }

    fn held_by(&self, person: usize, now: Timestamp) -> Vec<CaseId> {
        let mut held: Vec<CaseId> = self.open.keys().copied().collect();
        held.retain(|case| self.holder(*case, now) == Some(person));
        held.sort_unstable();
        held
    }

    /// The case that must be handed out.
    fn first_free(&self, skills: &Skills, now: Timestamp) -> Option<CaseId> {
        let suits = |known: &Known| {
            known
                .language
                .as_ref()
                .is_none_or(|language| skills.languages.has(language))
                && known.work.is_none_or(|work| skills.work.has(work.as_str()))
        };
        let free = |id: &CaseId| self.holder(*id, now).is_none() && suits(&self.open[id]);
        self.order.iter().map(|(_, _, id)| *id).find(free)
    }

    fn take(&mut self, case: CaseId, by: usize, now: Timestamp) {
        let taken_at = match self.holder(case, now) {
            Some(holder) if holder == by => self.open[&case].held.as_ref().unwrap().taken_at,
            _ => now,
        };
        self.hold(case, by, now.after(Case::LEASE), taken_at);
    }

    fn hold(&mut self, case: CaseId, by: usize, until: Timestamp, taken_at: Timestamp) {
        self.open.get_mut(&case).unwrap().held = Some(Held { by, until, taken_at });
    }

    fn close(&mut self, case: CaseId, by: usize) {
        let known = self.open.remove(&case).expect("a case was decided that is not open");
        self.order.remove(&known.key);
        assert!(self.decided.insert(case, by).is_none(), "{case} was decided twice");
    }
}

struct Shift {
    world: World,
    people: Vec<(UserId, Actor, Skills)>,
    ledger: Ledger,
    chance: Chance,
    n_made: usize,
}

pub async fn a_shift_of_eight_loses_nothing_and_decides_nothing_twice(world: World) {
    let usual = if world.url.starts_with("sqlite") { 1_500 } else { 1_000 };
    let n_cases = std::env::var("SEAWALL_SHIFT_CASES").map_or(usual, |text| text.parse().unwrap());
    let mut shift = Shift::begin(world).await;
    let mut restarts = vec![n_cases / 3, 2 * n_cases / 3];
    let mut cuts = vec![n_cases / 2];
    // The last tenth all at once, each person for themselves.
    while shift.ledger.decided.len() < n_cases * 9 / 10 {
        if shift.n_made < n_cases && shift.ledger.open.len() < WAITING_MIN {
            shift.more_cases(BATCH.min(n_cases - shift.n_made)).await;
        }
        if restarts.first().is_some_and(|at| shift.ledger.decided.len() >= *at) {
            restarts.remove(0);
            shift.restart().await;
        }
        if cuts.first().is_some_and(|at| shift.ledger.decided.len() >= *at) {
            cuts.remove(0);
            shift.cut_off().await;
        }
        shift.step().await;
    }
    shift.more_cases(n_cases - shift.n_made).await;
    shift.all_at_once().await;
    shift.check(n_cases).await;
}

impl Shift {
    async fn begin(mut world: World) -> Self {
        let queues = [
            ("orders", Lane::Deadline, Some(60)),
            ("threats", Lane::Threat, None),
            ("live", Lane::Live, None),
            ("attack", Lane::Incident, Some(240)),
        ];
        let queues = queues.map(|(name, lane, due_min)| {
            let of = QueueSettings {
                lane: Some(lane),
                due: due_min.map(|min| Duration::from_secs(60 * min)),
                ..QueueSettings::default()
            };
            (name, of)
        });
        world.app = with_queues(&world.app, &queues);
        let mut people = Vec::new();
        let mut tx = world.app.store.begin("skills").await.unwrap();
        for n in 0..PEOPLE {
            let user = UserId::fresh(Timestamp::from_unix_ms(9), &Chance::seeded(n as u64));
            let skills = Skills {
                languages: if n < 3 { "en fr" } else { "*" }.parse().unwrap(),
                work: if n == 2 { "text image" } else { "*" }.parse().unwrap(),
                ..Skills::default()
            };
            people::put(&mut tx, user, &skills).await.unwrap();
            people.push((user, Actor::person(user, Role::Senior.into()), skills));
        }
        tx.commit().await.unwrap();
        Self {
            world,
            people,
            ledger: Ledger {
                open: HashMap::new(),
                order: BTreeSet::new(),
                decided: HashMap::new(),
            },
            chance: Chance::seeded(7),
            n_made: 0,
        }
    }

    fn draw(&self, n: usize) -> usize {
        (u64::from_be_bytes(self.chance.bytes()) % n as u64) as usize
    }

    fn app(&self) -> &Seawall {
        &self.world.app
    }

    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// Items with their decisions and cases, as submissions leave them, many in one transaction.
    async fn more_cases(&mut self, n: usize) {
        let now = self.now();
        let mut tx = self.app().store.begin("cases").await.unwrap();
        for _ in 0..n {
            let id = CaseId::fresh(now, &self.chance);
            let decision = DecisionId::fresh(now, &self.chance);
            let item: moderation::model::ItemId = format!("post-{}", self.n_made).parse().unwrap();
            self.n_made += 1;
            let names = [
                "orders", "threats", "live", "attack", "matches", "leads", "reported", "matches",
            ];
            let queue: Queue = names[self.draw(names.len())].parse().unwrap();
            let facts = PlaceFacts {
                views: Some(self.draw(1_000_000) as i64),
                posted_at: Some(now),
                work: Some(WorkKind::ALL[self.draw(3)]),
                language: [None, Some("en"), Some("fr"), Some("ar")][self.draw(4)].map(str::to_owned),
                ..PlaceFacts::default()
            };
            let waiting = Waiting {
                queue,
                priority: self.draw(100) as i32,
                opened_at: now,
            };
            let learned = Learned {
                chance: Learnt {
                    mean: 0.5,
                    from: LearnedFrom::Nothing,
                    n_confirmed: 0,
                    n_reversed: 0,
                },
                handling: None,
            };
            let place = place(waiting, facts, learned, now, &self.app().settings.routing);
            let case = Case {
                id,
                item: item.clone(),
                queue,
                priority: waiting.priority,
                reason: "because".to_owned(),
                state: CaseState::Open { lease: None },
                opened_at: now,
                opened_by: decision,
                place,
                taken_at: None,
                taken_over: None,
            };
            items::put(&mut tx, &new_item(&item), now).await.unwrap();
            decisions::insert(&mut tx, &opening(decision, &case)).await.unwrap();
            cases::insert(&mut tx, &case).await.unwrap();
            let body = json!({ "decision": decision.to_string(), "outcome": "review" });
            tx.event(now, &Actor::System, "item.submitted", &item, json!({}));
            tx.event(now, &Actor::System, "item.decided", &item, body);
            tx.event(now, &Actor::System, "case.opened", id, json!({}));
            let key = (case.place.lane.rank(), case.place.turn, id);
            self.ledger.order.insert(key);
            let known = Known {
                key,
                language: case.place.facts.language.clone(),
                work: case.place.facts.work,
                escalated: false,
                held: None,
            };
            self.ledger.open.insert(id, known);
        }
        tx.commit().await.unwrap();
    }

    /// Somebody does something.
    async fn step(&mut self) {
        self.world.clock.advance(Duration::from_secs(self.draw(40) as u64));
        let (now, person) = (self.now(), self.draw(PEOPLE));
        let actor = self.people[person].1.clone();
        let theirs = self.ledger.held_by(person, now);
        let Some(case) = theirs.first().copied() else {
            match self.draw(20) {
                0 => self.take_any(person, &actor).await,
                1 => self.take_over_any(person, &actor).await,
                2 => self.act_on_another(person, &actor).await,
                _ => self.take_next(person, &actor).await,
            }
            return;
        };
        match self.draw(20) {
            0 => {
                release_case(self.app(), &actor, case).await.unwrap();
                self.ledger.open.get_mut(&case).unwrap().held = None;
            }
            1 => {
                let renewed = renew_case(self.app(), &actor, case).await;
                let taken_at = self.ledger.open[&case].held.as_ref().unwrap().taken_at;
                assert_eq!(renewed.is_ok(), now.since(taken_at) < Case::HOLD_MAX, "{renewed:?}");
                if let Ok(until) = renewed {
                    self.ledger.hold(case, person, until, taken_at);
                }
            }
            2 => {
                leave_case(self.app(), &actor, case).await.unwrap();
                let held = self.ledger.open.get_mut(&case).unwrap().held.as_mut().unwrap();
                held.until = held.until.min(now.after(Case::LEAVE));
            }
            3 => self.escalate(&actor, case).await,
            // The lease runs out.
            4 => self.world.clock.advance(Duration::from_secs(200)),
            5 => self.act_on_another(person, &actor).await,
            // Two at a time.
            6 => self.take_next(person, &actor).await,
            _ => {
                decide(self.app(), &actor, case, self.draw(10) == 0).await.unwrap();
                self.ledger.close(case, person);
            }
        }
    }

    async fn take_next(&mut self, person: usize, actor: &Actor) {
        let now = self.now();
        let expected = self.ledger.first_free(&self.people[person].2, now);
        let taken = take_next_case(self.app(), actor, None).await.unwrap();
        assert_eq!(taken, expected, "not the first of what is free was handed out");
        if let Some(case) = taken {
            self.ledger.take(case, person, now);
        }
    }

    async fn take_any(&mut self, person: usize, actor: &Actor) {
        let Some(case) = self.any_open() else { return };
        let now = self.now();
        let taken = take_case(self.app(), actor, case).await;
        let is_free = self.ledger.holder(case, now).is_none_or(|holder| holder == person);
        assert_eq!(taken.is_ok(), is_free, "{taken:?}");
        if taken.is_ok() {
            self.ledger.take(case, person, now);
        }
    }

    async fn take_over_any(&mut self, person: usize, actor: &Actor) {
        let now = self.now();
        let mut held: Vec<CaseId> = self.ledger.open.keys().copied().collect();
        held.retain(|case| self.ledger.holder(*case, now).is_some_and(|holder| holder != person));
        held.sort_unstable();
        let Some(case) = held.first().copied() else { return };
        let from = self.ledger.holder(case, now).unwrap();
        take_over_case(self.app(), actor, case, "needed now".to_owned())
            .await
            .unwrap();
        self.ledger.hold(case, person, now.after(Case::LEASE), now);
        let late = self.people[from].1.clone();
        let refused = decide(self.app(), &late, case, false).await.unwrap_err();
        assert!(refused.to_string().contains("needed now"), "{refused}");
    }

    /// What is held by others or decided is left alone, whatever somebody tries.
    async fn act_on_another(&mut self, person: usize, actor: &Actor) {
        let now = self.now();
        let closed = self.ledger.decided.keys().min().copied();
        let mut held: Vec<CaseId> = self.ledger.open.keys().copied().collect();
        held.retain(|case| self.ledger.holder(*case, now).is_some_and(|holder| holder != person));
        for case in held.iter().min().copied().into_iter().chain(closed) {
            assert!(decide(self.app(), actor, case, true).await.is_err());
            assert!(leave_case(self.app(), actor, case).await.is_err());
            assert!(renew_case(self.app(), actor, case).await.is_err());
            assert!(release_case(self.app(), actor, case).await.is_err());
        }
    }

    async fn escalate(&mut self, actor: &Actor, case: CaseId) {
        let done = escalate_case(self.app(), actor, case, "hard".to_owned()).await;
        assert_eq!(done.is_ok(), !self.ledger.open[&case].escalated, "{done:?}");
        if done.is_err() {
            return;
        }
        let mut conn = self.app().store.reader().await.unwrap();
        let found = cases::find(&mut conn, case).await.unwrap().unwrap();
        let known = self.ledger.open.get_mut(&case).unwrap();
        self.ledger.order.remove(&known.key);
        known.key = (found.place.lane.rank(), found.place.turn, case);
        assert!(known.key.0 <= Lane::Escalated.rank());
        (known.held, known.escalated) = (None, true);
        self.ledger.order.insert(known.key);
    }

    fn any_open(&self) -> Option<CaseId> {
        let n = self.ledger.order.len();
        (n > 0).then(|| self.ledger.order.iter().nth(self.draw(n)).unwrap().2)
    }

    /// The process ends in good order, and another begins on the same store.
    async fn restart(&mut self) {
        let before = self.app().clone();
        before.media.shutdown().await;
        before.store.close().await;
        self.start().await;
    }

    async fn start(&mut self) {
        let routing = self.app().settings.routing.clone();
        let seed = 100 + self.n_made as u64;
        let fresh = open(&self.world.url, self.world.clock.clone(), &self.world.platform, seed).await;
        let queues: Vec<(String, QueueSettings)> = routing
            .queues
            .into_iter()
            .map(|(queue, of)| (queue.to_string(), of))
            .collect();
        let queues: Vec<(&str, QueueSettings)> = queues.iter().map(|(name, of)| (name.as_str(), of.clone())).collect();
        self.world.app = with_queues(&fresh, &queues);
    }

    /// Decisions are cut off after a little of their work, each a little later than the one before; then the process is another. What was cut off is
    /// done as a whole or not at all.
    async fn cut_off(&mut self) {
        let mut n_undone = 0;
        for turn in 1..60 {
            // How far a decision is after so many polls is for the store to say: each third one is cut off after a few at most.
            let n_polls = if turn % 3 == 0 { 1 + turn / 3 % 4 } else { turn };
            self.world.clock.advance(Duration::from_secs(3_600));
            let (person, now) = (turn % PEOPLE, self.now());
            let actor = self.people[person].1.clone();
            let Some(case) = take_next_case(self.app(), &actor, None).await.unwrap() else {
                continue;
            };
            self.ledger.take(case, person, now);
            let app = self.app().clone();
            polled(n_polls, decide(&app, &actor, case, true)).await;
            let mut conn = app.store.reader().await.unwrap();
            let found = cases::find(&mut conn, case).await.unwrap().unwrap();
            let made = decisions::list_of_item(&mut conn, &found.item, i64::MAX).await.unwrap();
            match found.state {
                CaseState::Closed { .. } => {
                    assert_eq!(made.len(), 2);
                    self.ledger.close(case, person);
                }
                CaseState::Open { .. } => {
                    assert_eq!(made.len(), 1, "a decision was left half done");
                    n_undone += 1;
                }
            }
        }
        assert!(n_undone > 5, "{n_undone} were cut off");
        self.start().await;
    }

    /// Everybody takes and decides at once until nothing is left.
    async fn all_at_once(&mut self) {
        self.world.clock.advance(Case::HOLD_MAX);
        let working = self.people.iter().enumerate().map(|(person, (_, actor, _))| {
            let (app, actor) = (self.app().clone(), actor.clone());
            tokio::spawn(async move {
                let mut decided = Vec::new();
                while let Some(case) = take_next_case(&app, &actor, None).await.unwrap() {
                    decide(&app, &actor, case, false).await.unwrap();
                    decided.push((case, person));
                }
                decided
            })
        });
        for done in working.collect::<Vec<_>>() {
            for (case, person) in done.await.unwrap() {
                self.ledger.close(case, person);
            }
        }
    }

    async fn check(&self, n_cases: usize) {
        assert_eq!(
            (self.n_made, self.ledger.decided.len(), self.ledger.open.len()),
            (n_cases, n_cases, 0)
        );
        let mut conn = self.app().store.reader().await.unwrap();
        let rows = sqlx::query(
            "SELECT c.id, c.closed_by, c.state, (SELECT COUNT(*) FROM store_event e WHERE e.subject = c.id AND e.kind = 'case.decided') AS n
             FROM cases_case c",
        )
        .fetch_all(&mut *conn)
        .await
        .unwrap();
        use sqlx::Row;
        assert_eq!(rows.len(), n_cases, "a case is lost");
        for row in rows {
            let id: CaseId = row.get::<String, _>("id").parse().unwrap();
            let by = self.people[self.ledger.decided[&id]].0.to_string();
            assert_eq!(
                (row.get::<String, _>("state").as_str(), row.get::<i64, _>("n")),
                ("closed", 1),
                "{id}"
            );
            assert_eq!(row.get::<String, _>("closed_by"), by, "{id}");
        }
        assert_eq!(self.world.faults().await, Vec::<String>::new());
    }
}

async fn decide(app: &Seawall, actor: &Actor, case: CaseId, restrict: bool) -> Result<DecisionId, CaseError> {
    let judgement = Judgement {
        revision: 1,
        outcome: if restrict { Outcome::Restrict } else { Outcome::Allow },
        policy: restrict.then_some(PolicyCode::HateSpeech),
        measures: Vec::new(),
        reason: "a person says so".to_owned(),
        assessment: None,
        notice: None,
    };
    decide_case(app, actor, case, judgement).await
}

/// Polls so often, and then drops what is not done: as a process that is gone.
async fn polled<T>(n_polls: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut n_done = 0;
    poll_fn(|cx| {
        n_done += 1;
        match n_done > n_polls {
            true => Poll::Ready(None),
            false => work.as_mut().poll(cx).map(Some),
        }
    })
    .await
}

fn new_item(id: &moderation::model::ItemId) -> NewItem {
    NewItem {
        id: id.clone(),
        kind: ItemKind::Post,
        account: Some("account-7".to_owned()),
        channel: None,
        audience: None,
        url: None,
        text: Some("a post".to_owned()),
        report: None,
        platform: PlatformFacts::default(),
        digest: id.to_string(),
        content: id.to_string(),
    }
}

fn opening(id: DecisionId, case: &Case) -> Decision {
    Decision {
        id,
        item: case.item.clone(),
        revision: 1,
        outcome: Outcome::Review,
        author: Author::Rule("a_rule".to_owned()),
        policy: None,
        reason: "because".to_owned(),
        facts: json!({}),
        versions: Versions {
            seawall: "0".to_owned(),
            rules: "0".to_owned(),
        },
        supersedes: None,
        case: Some(case.id),
        decided_at: case.opened_at,
    }
}
