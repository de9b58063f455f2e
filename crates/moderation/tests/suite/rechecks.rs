//! What the platform confirmed is checked again; whatever it does, an order ends confirmed or in front of a person.

use std::sync::Arc;
use std::time::Duration;

use moderation::Settings;
use moderation::actions::probe::{Probe, ProbeSettings};
use moderation::actions::rechecks::{HowRechecked, RecheckSettings};
use moderation::flows::actions::retry_action;
use moderation::flows::cases::decide_case;
use moderation::model::{
    Action, ActionState, Chance, Found, ItemId, Judgement, Outcome, PageRequest, PolicyCode, Recheck,
};
use moderation::views;

use super::stand_in::{Mode, StandIn};
use super::world::{World, hash_of};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

async fn known_bank(world: &World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
}

/// The world with the stand-in for its platform, asked again after a minute, an hour and a day.
async fn with_stand_in(mut world: World) -> (World, Arc<StandIn>) {
    let platform = StandIn::start().await;
    world.app.webhook = Some(platform.webhook());
    world.app.settings = Arc::new(Settings {
        rechecks: RecheckSettings {
            how: HowRechecked::Ask,
            ..RecheckSettings::default()
        },
        ..(*world.app.settings).clone()
    });
    known_bank(&world).await;
    (world, platform)
}

async fn action_of(world: &World, item: &str) -> Action {
    let id: ItemId = item.parse().unwrap();
    let view = views::item(&world.app, &world.moderator, &id).await.unwrap().unwrap();
    view.actions.into_iter().next_back().unwrap()
}

async fn rechecks_of(world: &World, item: &str) -> Vec<Recheck> {
    let action = action_of(world, item).await;
    let mut conn = world.app.store.reader().await.unwrap();
    moderation::actions::rechecks::of_action(&mut conn, action.id)
        .await
        .unwrap()
}

async fn found(world: &World, item: &str) -> Vec<(u32, u32, Found)> {
    let rechecks = rechecks_of(world, item).await;
    rechecks
        .iter()
        .map(|recheck| (recheck.run, recheck.n, recheck.found))
        .collect()
}

async fn pass(world: &World, time: Duration) {
    world.clock.advance(time);
    world.deliver().await;
}

pub async fn what_was_carried_out_is_found_so_at_the_set_times(world: World) {
    let (world, platform) = with_stand_in(world).await;
    world.submit("post-1", hash_of(1)).await;
    world.deliver().await;
    pass(&world, MINUTE - Duration::from_secs(1)).await;
    assert_eq!(found(&world, "post-1").await, []);
    pass(&world, Duration::from_secs(1)).await;
    assert_eq!(found(&world, "post-1").await, [(1, 1, Found::Restricted)]);
    pass(&world, HOUR).await;
    pass(&world, 24 * HOUR).await;
    pass(&world, 24 * HOUR).await;
    let all = [1, 2, 3].map(|n| (1, n, Found::Restricted));
    assert_eq!(found(&world, "post-1").await, all);
    assert!(matches!(
        action_of(&world, "post-1").await.state,
        ActionState::Confirmed { .. }
    ));
    assert_eq!(platform.keys("post-1").len(), 1);
    assert_eq!(platform.questions().len(), 3);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn an_order_that_was_not_carried_out_is_given_once_more_and_then_a_person_sees_it(world: World) {
    let (world, platform) = with_stand_in(world).await;
    platform.behave("once", Mode::Lies { always: false });
    platform.behave("always", Mode::Lies { always: true });
    world.submit("once", hash_of(1)).await;
    let case = world.submit("always", hash_of(1)).await.case.unwrap();
    world.deliver().await;
    for item in ["once", "always"] {
        assert!(matches!(
            action_of(&world, item).await.state,
            ActionState::Confirmed { .. }
        ));
    }
    pass(&world, MINUTE).await;
    // Under a key of its own: under the old one it would be taken for a repeat.
    let keys = platform.keys("once");
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[1], format!("{}.2", keys[0]));
    assert!(platform.is_restricted("once") && !platform.is_restricted("always"));
    pass(&world, MINUTE).await;
    assert_eq!(
        found(&world, "once").await,
        [(1, 1, Found::Available), (2, 1, Found::Restricted)]
    );
    let doubted = action_of(&world, "always").await;
    assert!(
        matches!(
            doubted.state,
            ActionState::Doubtful {
                found: Found::Available,
                ..
            }
        ),
        "{doubted:?}"
    );
    assert_eq!(platform.alarms(), ["always"]);

    let desk = views::desk(&world.app, &world.moderator).await.unwrap();
    assert_eq!(desk.n_doubtful_actions, 1);
    let rows = views::list_actions(&world.app, &world.moderator, Some("doubtful"), &PageRequest::first()).await;
    assert_eq!(rows.unwrap().rows.len(), 1);
    let seen = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    assert_eq!(seen.rechecks.len(), 2);
    let kinds: Vec<&str> = seen.events.iter().map(|line| line.event.kind.as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "action.doubtful").count(), 2);

    // Never twice by itself; a person has it given again, and then it counts.
    pass(&world, 48 * HOUR).await;
    assert_eq!(platform.keys("always").len(), 2);
    platform.behave("always", Mode::Fine);
    retry_action(&world.app, &world.admin, doubted.id).await.unwrap();
    world.deliver().await;
    assert!(platform.is_restricted("always"));
    pass(&world, MINUTE).await;
    assert!(matches!(
        action_of(&world, "always").await.state,
        ActionState::Confirmed { .. }
    ));
    assert_eq!(platform.carried_out().values().copied().max(), Some(1));
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn what_comes_back_later_is_noticed_too(world: World) {
    let (world, platform) = with_stand_in(world).await;
    world.submit("post-1", hash_of(1)).await;
    world.deliver().await;
    pass(&world, MINUTE).await;
    platform.set_restricted("post-1", false);
    pass(&world, HOUR).await;
    assert!(platform.is_restricted("post-1"), "it was given again");
    platform.set_restricted("post-1", false);
    pass(&world, MINUTE).await;
    assert!(matches!(
        action_of(&world, "post-1").await.state,
        ActionState::Doubtful { .. }
    ));
}

pub async fn a_platform_that_answers_no_question_leaves_a_doubt_and_gets_no_second_order(world: World) {
    let (world, platform) = with_stand_in(world).await;
    platform.behave("post-1", Mode::Silent);
    world.submit("post-1", hash_of(1)).await;
    world.deliver().await;
    for _ in 0..40 {
        pass(&world, HOUR).await;
    }
    assert_eq!(found(&world, "post-1").await, [1, 2, 3].map(|n| (1, n, Found::Unknown)));
    let action = action_of(&world, "post-1").await;
    assert!(
        matches!(
            action.state,
            ActionState::Doubtful {
                found: Found::Unknown,
                ..
            }
        ),
        "{action:?}"
    );
    assert_eq!(platform.keys("post-1").len(), 1);
}

pub async fn an_order_that_another_replaced_is_not_checked(world: World) {
    let (world, platform) = with_stand_in(world).await;
    let case = world.submit("post-1", hash_of(1)).await.case.unwrap();
    world.deliver().await;
    decide_case(&world.app, &world.moderator, case, judgement(false))
        .await
        .unwrap();
    world.deliver().await;
    assert!(!platform.is_restricted("post-1"));
    for _ in 0..40 {
        pass(&world, HOUR).await;
    }
    // Only the restoring was looked at.
    assert_eq!(
        found(&world, "post-1").await,
        [1, 2, 3].map(|n| (1, n, Found::Available))
    );
    assert_eq!(platform.questions().len(), 3);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn an_address_can_tell_in_place_of_the_platform(world: World) {
    let (mut world, platform) = with_stand_in(world).await;
    let settings = ProbeSettings {
        url: format!("{}/see/{{item}}", platform.address),
        timeout: Duration::from_secs(2),
        allow_private: true,
    };
    world.app.probe = Some(Arc::new(Probe::new(settings.clone()).unwrap()));
    world.app.settings = Arc::new(Settings {
        rechecks: RecheckSettings {
            how: HowRechecked::Probe(settings),
            ..RecheckSettings::default()
        },
        ..(*world.app.settings).clone()
    });
    platform.behave("post-2", Mode::Lies { always: true });
    for item in ["post-1", "post-2"] {
        world.submit(item, hash_of(1)).await;
    }
    world.deliver().await;
    pass(&world, MINUTE).await;
    pass(&world, MINUTE).await;
    assert_eq!(found(&world, "post-1").await, [(1, 1, Found::Restricted)]);
    assert!(matches!(
        action_of(&world, "post-2").await.state,
        ActionState::Doubtful { .. }
    ));
}

fn judgement(restrict: bool) -> Judgement {
    Judgement {
        revision: 1,
        outcome: if restrict { Outcome::Restrict } else { Outcome::Allow },
        policy: restrict.then_some(PolicyCode::HateSpeech),
        measures: Vec::new(),
        reason: "because".to_owned(),
        assessment: None,
        notice: None,
    }
}

const SEEDS: std::ops::Range<u64> = 0..2;
const ITEMS: u64 = 12;

/// The promise that all of this is for. A platform that fails, is slow, lies, and is down for ten minutes, in any mix.
pub async fn every_order_ends_confirmed_or_before_a_person_and_none_is_carried_out_twice(world: World) {
    let (world, platform) = with_stand_in(world).await;
    let mut items = Vec::new();
    for seed in SEEDS {
        let chance = Chance::seeded(seed);
        let draw = |n: u64| u64::from_be_bytes(chance.bytes()) % n;
        platform.set_down(true);
        let mut cases = Vec::new();
        for n in 0..ITEMS {
            let name = format!("post-{seed}-{n}");
            let mode = match draw(7) {
                0 => Mode::Fails {
                    times: 1 + draw(3) as u32,
                    after_doing: draw(2) == 0,
                },
                1 => Mode::Slow,
                2 => Mode::Lies { always: false },
                3 => Mode::Lies { always: true },
                4 => Mode::Silent,
                5 => Mode::Refuses,
                _ => Mode::Fine,
            };
            platform.behave(&name, mode);
            cases.push(world.submit(&name, hash_of(1)).await.case.unwrap());
            items.push((name, mode));
        }
        // Down for ten minutes, while people go on deciding.
        for step in 0..60 {
            if step % 10 == 5 && !cases.is_empty() {
                let case = cases.remove(draw(cases.len() as u64) as usize);
                decide_case(&world.app, &world.moderator, case, judgement(draw(2) == 0))
                    .await
                    .unwrap();
            }
            pass(&world, Duration::from_secs(10)).await;
        }
        assert_eq!(
            platform.carried_out().len(),
            platform.carried_out().values().sum::<u32>() as usize
        );
        platform.set_down(false);
        for _ in 0..20 {
            pass(&world, MINUTE).await;
        }
        for _ in 0..60 {
            pass(&world, HOUR).await;
        }
    }
    for (name, mode) in items {
        let view = views::item(&world.app, &world.moderator, &name.parse().unwrap())
            .await
            .unwrap()
            .unwrap();
        let count = view.actions.len();
        for (place, action) in view.actions.iter().enumerate() {
            let is_last = place + 1 == count;
            match (&action.state, mode) {
                (ActionState::Confirmed { .. }, Mode::Silent) if is_last => {
                    panic!("{name} {mode:?} {action:?}")
                }
                (ActionState::Confirmed { .. }, _) => {}
                (ActionState::Refused { .. }, Mode::Refuses) => {}
                // Before a person, and rightly so.
                (ActionState::Doubtful { .. }, Mode::Lies { always: true } | Mode::Silent) => {}
                (state, mode) => panic!("{name} {mode:?} {state:?}"),
            }
        }
        // What ends confirmed is so, and was looked at.
        let last = view.actions.last().unwrap();
        if let ActionState::Confirmed { .. } = last.state {
            let is_restricted = last.kind == moderation::model::ActionKind::Restrict;
            assert_eq!(platform.is_restricted(&name), is_restricted, "{name} {mode:?}");
            let rechecks = rechecks_of(&world, &name).await;
            assert_eq!(
                rechecks.iter().filter(|recheck| recheck.run == last.run).count(),
                3,
                "{name} {mode:?}"
            );
        }
        assert!(last.run <= 2, "{name}");
    }
    let carried_out = platform.carried_out();
    assert!(carried_out.values().all(|n| *n == 1), "{carried_out:?}");
    assert_eq!(world.faults().await, Vec::<String>::new());
}
