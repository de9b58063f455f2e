//! The order of work. Pure: from what is known of a case to its [`Place`].
//!
//! Lanes come one after the other. In the deadline lane the earliest due comes first. In every other lane the index decides,
//!
//! ```text
//! index = chance that it breaks a policy × severity × further views within a day ÷ minutes of work
//! ```
//!
//! and waiting counts too: each doubling of the index stands for `head_start_per_doubling` of waiting, at most `head_start_max`. So a case's turn is
//! the moment at which it was opened less its head start, a number that does not change while it waits, and one index of the database keeps the order.
//!
//! **Nothing starves.** A turn lies between `opened_at - head_start_max` and `opened_at`. A case that was opened more than `head_start_max` after
//! another has a later turn than it, whatever its index. So a case is handed out after at most as many takes of its lane as there were cases waiting
//! when it was opened, plus those that were opened within `head_start_max` after it, however good those are that come later. Lanes themselves do not
//! age: what waits behind a lane that never empties is for the desk's alarms, and for more people.

use std::time::Duration;

use policy::Queue;

use super::outcomes::Learnt;
use super::settings::RoutingSettings;
use crate::model::{Factors, Lane, Place, PlaceFacts, Timestamp, WorkKind};

/// What was measured that bears on a case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Learned {
    /// How likely it breaks a policy.
    pub chance: Learnt,
    /// How long cases of its kind took, and how many of them; none if too few did.
    pub handling: Option<(Duration, i64)>,
}

/// A case as far as its place goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Where it waits.
    pub queue: Queue,
    /// What its rule gave it.
    pub priority: i32,
    /// When it was opened.
    pub opened_at: Timestamp,
}

/// Over what time further views are expected.
const VIEWS_OVER: Duration = Duration::from_secs(24 * 3600);
/// An item that is younger counts as this old: nothing is known of how it spreads yet.
const AGE_MIN: Duration = Duration::from_secs(10 * 60);
/// The least time that a case takes: a median of nothing shall not divide by nothing.
const HANDLING_MIN: Duration = Duration::from_secs(5);

/// Where a case stands.
pub fn place(
    waiting: Waiting,
    facts: PlaceFacts,
    learned: Learned,
    now: Timestamp,
    settings: &RoutingSettings,
) -> Place {
    let queue = settings.of(waiting.queue);
    let due_at = [facts.given_due, queue.due.map(|due| waiting.opened_at.after(due))]
        .into_iter()
        .flatten()
        .min();
    let lane = lane(waiting.queue, queue.lane, &facts, now);
    let work = facts.work.unwrap_or(WorkKind::File);
    let (handling, n_handled) = learned.handling.unwrap_or((settings.handling_of(work), 0));
    let handling = handling.max(HANDLING_MIN);
    let severity = settings.severity(waiting.queue, waiting.priority, facts.policy.as_deref());
    let views_ahead = match facts.views {
        Some(views) => views_ahead(views, now.since(facts.posted_at.unwrap_or(waiting.opened_at))),
        None => settings.views_ahead_default,
    };
    let index = learned.chance.mean * severity * views_ahead / (handling.as_secs_f64() / 60.0);
    let head_start = head_start(index, settings);
    let turn = match (lane, due_at) {
        (Lane::Deadline, Some(due_at)) => due_at,
        (Lane::Deadline, None) => waiting.opened_at,
        (_, _) => waiting.opened_at.before(head_start),
    };
    let factors = Factors {
        chance: learned.chance.mean,
        learned_from: learned.chance.from,
        n_confirmed: learned.chance.n_confirmed,
        n_reversed: learned.chance.n_reversed,
        severity,
        views_ahead,
        views_known: facts.views.is_some(),
        handling,
        n_handled,
        index,
        head_start,
    };
    Place {
        lane,
        turn,
        due_at,
        language: queue.language.or_else(|| facts.language.clone()),
        skill: queue.skill,
        facts,
        factors: Some(factors),
        placed_at: now,
    }
}

/// The most pressing lane that anything puts it into.
fn lane(queue: Queue, said: Option<Lane>, facts: &PlaceFacts, now: Timestamp) -> Lane {
    let of_queue = said.or((queue == Queue::Escalated).then_some(Lane::Escalated));
    let of_time = facts.given_due.map(|_| Lane::Deadline);
    let of_stream = facts.is_live.then_some(Lane::Live);
    let of_incident = facts
        .incident_until
        .filter(|until| *until > now)
        .map(|_| Lane::Incident);
    let all = [of_queue, of_time, of_stream, of_incident];
    all.into_iter()
        .flatten()
        .min_by_key(|lane| lane.rank())
        .unwrap_or(Lane::Rest)
}

/// How many more people are expected to see an item within a day, from how many saw it until now. What is posted spreads fast at first and slower
/// later: views grow with the square root of the time.
fn views_ahead(views: i64, age: Duration) -> f64 {
    let age = age.max(AGE_MIN).as_secs_f64();
    let grows = ((age + VIEWS_OVER.as_secs_f64()) / age).sqrt() - 1.0;
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let views = views.max(0) as f64;
    // One more at least: what nobody saw yet somebody may see.
    (views * grows).max(1.0)
}

/// How much waiting an index stands for.
fn head_start(index: f64, settings: &RoutingSettings) -> Duration {
    let doublings = (1.0 + index.max(0.0)).log2();
    let most = settings.head_start_max.as_secs_f64();
    let span = (doublings * settings.head_start_per_doubling.as_secs_f64()).min(most);
    Duration::try_from_secs_f64(span).unwrap_or(settings.head_start_max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LearnedFrom;

    const START: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);

    fn learned(chance: f64) -> Learned {
        Learned {
            chance: Learnt {
                mean: chance,
                from: LearnedFrom::Nothing,
                n_confirmed: 0,
                n_reversed: 0,
            },
            handling: None,
        }
    }

    fn of(queue: Queue, priority: i32, opened_at: Timestamp, facts: PlaceFacts, chance: f64) -> Place {
        let waiting = Waiting {
            queue,
            priority,
            opened_at,
        };
        place(waiting, facts, learned(chance), opened_at, &RoutingSettings::default())
    }

    fn seen(views: i64) -> PlaceFacts {
        PlaceFacts {
            views: Some(views),
            ..PlaceFacts::default()
        }
    }

    #[test]
    fn what_is_likelier_worse_or_seen_more_comes_sooner() {
        let base = of(Queue::Leads, 40, START, seen(1_000), 0.3).turn;
        assert!(of(Queue::Leads, 40, START, seen(1_000), 0.6).turn < base);
        assert!(of(Queue::Leads, 80, START, seen(1_000), 0.3).turn < base);
        assert!(of(Queue::Leads, 40, START, seen(9_000), 0.3).turn < base);
        let waiting = Waiting {
            queue: Queue::Leads,
            priority: 40,
            opened_at: START,
        };
        let slow = Learned {
            handling: Some((Duration::from_secs(1_200), 30)),
            ..learned(0.3)
        };
        assert!(place(waiting, seen(1_000), slow, START, &RoutingSettings::default()).turn > base);
    }

    #[test]
    fn the_most_pressing_lane_counts() {
        let lane_of = |queue, facts| of(queue, 0, START, facts, 0.5).lane;
        let facts = PlaceFacts::default;
        assert_eq!(lane_of(Queue::Matches, facts()), Lane::Rest);
        assert_eq!(lane_of(Queue::Escalated, facts()), Lane::Escalated);
        let incident = |hours: u64| PlaceFacts {
            incident_until: Some(START.after(Duration::from_secs(hours * 3600))),
            ..facts()
        };
        assert_eq!(lane_of(Queue::Escalated, incident(1)), Lane::Incident);
        assert_eq!(lane_of(Queue::Matches, incident(0)), Lane::Rest, "it is over");
        let live = || PlaceFacts {
            is_live: true,
            ..incident(1)
        };
        assert_eq!(lane_of(Queue::Matches, live()), Lane::Live);
        let due = PlaceFacts {
            given_due: Some(START.after(Duration::from_secs(3600))),
            ..live()
        };
        let place = of(Queue::Matches, 0, START, due, 0.5);
        assert_eq!((place.lane, Some(place.turn)), (Lane::Deadline, place.due_at));
    }

    /// Newer and better cases keep coming, far faster than they are done. The bound of the module's opening holds to the case.
    #[test]
    fn nothing_starves_and_the_bound_holds() {
        let settings = RoutingSettings::default();
        let poor = of(Queue::Leads, 1, START, seen(0), 0.01);
        let mut waiting: Vec<(Timestamp, usize)> = vec![(poor.turn, 0)];
        let (mut n_before, mut n_within) = (0, 0);
        for n in 1..=50 {
            waiting.push((of(Queue::Matches, 100, START, seen(1_000_000), 0.99).turn, n));
            n_before += 1;
        }
        let mut now = START;
        let mut n_takes = 0;
        loop {
            // Three better ones come for each that is taken.
            for _ in 0..3 {
                now = now.after(Duration::from_secs(120));
                waiting.push((of(Queue::Matches, 1_000, now, seen(i64::MAX), 1.0).turn, waiting.len()));
                n_within += usize::from(now.since(START) <= settings.head_start_max);
            }
            let first = (0..waiting.len()).min_by_key(|place| waiting[*place]).unwrap();
            n_takes += 1;
            if waiting.swap_remove(first).1 == 0 {
                break;
            }
            assert!(n_takes < 10_000, "it starves");
        }
        assert!(
            n_takes <= n_before + n_within + 1,
            "{n_takes} takes, {n_before} before, {n_within} within"
        );
        assert!(n_takes > n_before, "better ones go first for a time");
    }

    #[test]
    fn odd_numbers_give_a_place_all_the_same() {
        for (views, chance) in [(i64::MAX, 1.0), (i64::MIN, 0.0), (0, f64::NAN)] {
            let place = of(Queue::Leads, i32::MAX, START, seen(views), chance);
            let settings = RoutingSettings::default();
            assert!(
                place.turn <= START && START.since(place.turn) <= settings.head_start_max,
                "{place:?}"
            );
        }
    }
}
