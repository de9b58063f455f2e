//! Any course of events keeps the invariants: no order without a decision, orders in sequence, one open case an item, a
//! sound log. Courses are drawn from seeds; a seed that ever failed is kept in [`SEEDS`].

use std::collections::HashMap;
use std::time::Duration;

use moderation::flows::banks::set_entry_state;
use moderation::flows::cases::{decide_case, escalate_case, take_next_case};
use moderation::model::{
    ActionState, Actor, CaseId, Chance, EntryState, ItemId, Judgement, Outcome, PageRequest, PolicyCode,
};
use moderation::views::{self, CaseFilter};

use super::world::{World, hash_near, hash_of};

const SEEDS: std::ops::Range<u64> = 0..4;
const STEPS: usize = 60;
const ITEMS: u64 = 5;

pub async fn any_course_of_events_keeps_the_invariants(world: World) {
    let bank = world.bank("known", true).await;
    let unsure = world.bank("unsure", false).await;
    let entries = [
        world.entry(bank, hash_of(1)).await,
        world.entry(unsure, hash_of(2)).await,
    ];
    for seed in SEEDS {
        let chance = Chance::seeded(seed);
        let draw = |n: u64| u64::from_be_bytes(chance.bytes()) % n;
        for _ in 0..STEPS {
            let actor = if draw(2) == 0 {
                &world.moderator
            } else {
                &world.colleague
            };
            match draw(9) {
                0..=2 => {
                    let signal = hash_near(1 + draw(3), draw(45) as u32);
                    world.submit(&format!("post-{}", draw(ITEMS)), signal).await;
                }
                3 | 4 => {
                    if let Some(case) = take_next_case(&world.app, actor, None).await.unwrap() {
                        decide(&world, actor, case, draw(2) == 0).await;
                    }
                }
                5 => {
                    if let Some(case) = take_next_case(&world.app, actor, None).await.unwrap() {
                        let _ = escalate_case(&world.app, actor, case, "hard".to_owned()).await;
                    }
                }
                6 => {
                    let state = if draw(2) == 0 {
                        EntryState::Enabled
                    } else {
                        EntryState::Disabled
                    };
                    set_entry_state(&world.app, &world.admin, entries[draw(2) as usize], state)
                        .await
                        .unwrap();
                }
                7 => {
                    let down = if draw(2) == 0 { Some(503) } else { None };
                    *world.platform.down.lock().unwrap() = down;
                }
                _ => {
                    world.clock.advance(Duration::from_secs(draw(1_200)));
                    world.deliver().await;
                }
            }
        }
    }
    *world.platform.down.lock().unwrap() = None;
    for _ in 0..20 {
        world.clock.advance(Duration::from_secs(60));
        world.deliver().await;
    }
    check_invariants(&world).await;
}

async fn decide(world: &World, actor: &Actor, case: CaseId, restrict: bool) {
    let view = views::case(&world.app, actor, case).await.unwrap().unwrap();
    let revision = view.item.revision;
    let judgement = match restrict {
        true => Judgement::restrict(revision, PolicyCode::HateSpeech, "yes"),
        false => Judgement::allow(revision, "no"),
    };
    decide_case(&world.app, actor, case, judgement).await.unwrap();
}

async fn check_invariants(world: &World) {
    assert_eq!(world.faults().await, Vec::<String>::new());

    let open = CaseFilter {
        queue: None,
        open: Some(true),
    };
    let cases = views::list_cases(
        &world.app,
        &world.moderator,
        open,
        &PageRequest {
            cursor: None,
            limit: 200,
        },
    )
    .await
    .unwrap();
    let mut open_cases: HashMap<ItemId, usize> = HashMap::new();
    for row in cases.rows {
        *open_cases.entry(row.case.item).or_default() += 1;
    }
    assert!(open_cases.values().all(|n| *n == 1), "{open_cases:?}");

    for n in 0..ITEMS {
        let name = format!("post-{n}");
        let Some(item) = views::item(&world.app, &world.moderator, &name.parse().unwrap())
            .await
            .unwrap()
        else {
            continue;
        };
        // What the platform heard is what was ordered, in that order, turn by turn, each on a decision that stands.
        let ordered: Vec<String> = item
            .actions
            .iter()
            .map(|action| action.kind.as_str().to_owned())
            .collect();
        assert_eq!(world.platform.kinds_for(&name), ordered, "{name}");
        let turns = ordered
            .iter()
            .enumerate()
            .all(|(place, kind)| (kind == "restrict") == (place % 2 == 0));
        assert!(turns, "{name}: {ordered:?}");
        for action in &item.actions {
            assert!(matches!(action.state, ActionState::Confirmed { .. }), "{action:?}");
            assert!(
                item.decisions.iter().any(|view| view.decision.id == action.decision),
                "{action:?}"
            );
        }
        let decided = item.decisions.last().unwrap().decision.outcome;
        let restricted = ordered.last().is_some_and(|kind| kind == "restrict");
        assert_eq!(
            restricted,
            decided == Outcome::Restrict,
            "{name}: {decided:?} {ordered:?}"
        );
    }
}
