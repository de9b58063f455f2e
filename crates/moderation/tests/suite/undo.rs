//! A person takes a decision back before its effect leaves.

use std::sync::Arc;
use std::time::Duration;

use moderation::flows::actions::{ActionError, deliver_due, retry_action};
use moderation::flows::cases::{UndoError, decide_case, take_case, undo_decision, undo_until};
use moderation::model::{
    ActionState, Assessment, CaseId, CaseState, DecisionId, Judgement, Outcome, PageRequest, PolicyCode,
};
use moderation::{DeskSettings, Settings, views};

use super::world::{World, hash_of};

const UNDO: Duration = Duration::from_secs(10);

/// The same world, where decisions can be undone for a while.
fn with_undo(mut world: World) -> World {
    world.app.settings = Arc::new(Settings {
        desk: DeskSettings {
            undo: UNDO,
            ..DeskSettings::default()
        },
        ..(*world.app.settings).clone()
    });
    world
}

async fn case_of(world: &World, item: &str, confirmed: bool) -> CaseId {
    let name = if confirmed { "known" } else { "unsure" };
    let seed = if confirmed { 1 } else { 2 };
    if views::bank_by_name(&world.app, &world.admin, name)
        .await
        .unwrap()
        .is_none()
    {
        let bank = world.bank(name, confirmed).await;
        world.entry(bank, hash_of(seed)).await;
    }
    world.submit(item, hash_of(seed)).await.case.unwrap()
}

fn judgement(outcome: Outcome) -> Judgement {
    Judgement {
        revision: 1,
        outcome,
        policy: (outcome == Outcome::Restrict).then_some(PolicyCode::TerroristContent),
        measures: Vec::new(),
        reason: "because".to_owned(),
        assessment: Some(Assessment::no_purpose()),
        notice: None,
    }
}

async fn decide(world: &World, case: CaseId, outcome: Outcome) -> DecisionId {
    decide_case(&world.app, &world.moderator, case, judgement(outcome))
        .await
        .unwrap()
}

async fn states(world: &World, item: &str) -> Vec<ActionState> {
    let view = views::item(&world.app, &world.moderator, &item.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    view.actions.into_iter().map(|action| action.state).collect()
}

pub async fn what_is_undone_in_time_never_leaves(world: World) {
    let world = with_undo(world);
    let case = case_of(&world, "post-1", false).await;
    let decision = decide(&world, case, Outcome::Restrict).await;
    let me = world.moderator.user().unwrap();
    let until = undo_until(&world.app, me, decision).await.unwrap().unwrap();
    world.clock.advance(UNDO - Duration::from_secs(1));
    assert_eq!(world.deliver().await, 0, "it is held");

    let again = undo_decision(&world.app, &world.moderator, case, decision)
        .await
        .unwrap();
    assert!(matches!(
        &states(&world, "post-1").await[..],
        [ActionState::Withdrawn { .. }]
    ));
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(world.deliver().await, 0);
    assert!(world.platform.heard().is_empty());

    // What was taken back is no reversal, and the rule's word is a rule's again.
    let restored = moderation::views::verdict(&world.app, &world.moderator, &"post-1".parse().unwrap()).await;
    assert_eq!(restored.unwrap().unwrap().decision, Some(again));
    let context = views::case_context(&world.app, &world.moderator, &"post-1".parse().unwrap()).await;
    assert!(context.is_ok());
    let view = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    let lasts = view.decisions.iter().map(|view| &view.decision).collect::<Vec<_>>();
    let [first, undone, last] = &lasts[..] else {
        panic!("{lasts:?}")
    };
    assert_eq!((undone.id, last.id), (decision, again));
    assert_eq!((last.outcome, &last.reason), (first.outcome, &first.reason));
    assert_eq!(last.supersedes, Some(decision));
    assert_eq!(last.facts["undoes"], decision.to_string());
    assert_eq!(undone.outcome, Outcome::Restrict, "a decision never changes");
    assert!(
        last.is_undo() && !last.is_of_a_person(),
        "what stands again is what a rule said"
    );
    let CaseState::Open { lease: Some(lease) } = view.case.state else {
        panic!("{:?}", view.case)
    };
    assert_eq!(lease.holder, me);
    assert!(until < lease.until);
    assert_eq!(world.faults().await, Vec::<String>::new());

    // It is decided again, as if nothing had been.
    let case_again = decide(&world, case, Outcome::Restrict).await;
    world.clock.advance(UNDO);
    assert_eq!(world.deliver().await, 1);
    assert_eq!(world.platform.kinds_for("post-1"), ["restrict"]);
    assert_ne!(case_again, decision);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn an_undone_restoring_leaves_the_item_restricted(world: World) {
    let world = with_undo(world);
    let case = case_of(&world, "post-1", true).await;
    assert_eq!(world.deliver().await, 1, "what a rule decides leaves at once");
    let decision = decide(&world, case, Outcome::Allow).await;
    undo_decision(&world.app, &world.moderator, case, decision)
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.deliver().await, 0);
    assert_eq!(world.platform.kinds_for("post-1"), ["restrict"]);
    let item = views::item(&world.app, &world.moderator, &"post-1".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let last = &item.decisions.last().unwrap().decision;
    assert_eq!(
        (last.outcome, last.policy),
        (Outcome::Restrict, Some(PolicyCode::TerroristContent))
    );
    assert_eq!(world.faults().await, Vec::<String>::new());
    // To confirm it orders nothing, and can be undone as well.
    let decision = decide(&world, case, Outcome::Restrict).await;
    undo_decision(&world.app, &world.moderator, case, decision)
        .await
        .unwrap();
    assert_eq!(states(&world, "post-1").await.len(), 2);
    let decision = decide(&world, case, Outcome::Allow).await;
    world.clock.advance(UNDO);
    world.deliver().await;
    assert_eq!(world.platform.kinds_for("post-1"), ["restrict", "restore"]);
    let late = undo_decision(&world.app, &world.moderator, case, decision).await;
    assert!(matches!(late, Err(UndoError::TooLate)), "{late:?}");
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn only_who_decided_undoes_and_only_in_time(world: World) {
    let world = with_undo(world);
    let case = case_of(&world, "post-1", false).await;
    let decision = decide(&world, case, Outcome::Restrict).await;
    let other = case_of(&world, "post-2", false).await;
    for (actor, case) in [
        (&world.colleague, case),
        (&world.admin, case),
        (&world.moderator, other),
    ] {
        let refused = undo_decision(&world.app, actor, case, decision).await;
        assert!(matches!(refused, Err(UndoError::NotFound)), "{refused:?}");
    }
    let stranger = undo_decision(&world.app, &moderation::model::Actor::Operator, case, decision).await;
    assert!(matches!(stranger, Err(UndoError::Denied(_))), "{stranger:?}");
    let colleague = world.colleague.user().unwrap();
    assert_eq!(undo_until(&world.app, colleague, decision).await.unwrap(), None);

    world.clock.advance(UNDO);
    let late = undo_decision(&world.app, &world.moderator, case, decision).await;
    assert!(matches!(late, Err(UndoError::TooLate)), "{late:?}");
    assert!(matches!(&states(&world, "post-1").await[..], [ActionState::Waiting]));

    // Undone once is undone.
    let decision = decide(&world, other, Outcome::Restrict).await;
    let again = undo_decision(&world.app, &world.moderator, other, decision)
        .await
        .unwrap();
    for id in [decision, again] {
        let twice = undo_decision(&world.app, &world.moderator, other, id).await;
        assert!(matches!(twice, Err(UndoError::TooLate)), "{twice:?}");
    }
    let refused = take_case(&world.app, &world.colleague, other).await;
    assert!(refused.is_err(), "who undid it holds it");
    let rows = views::list_actions(&world.app, &world.admin, Some("withdrawn"), &PageRequest::first()).await;
    let [withdrawn] = &rows.unwrap().rows[..] else { panic!() };
    let retried = retry_action(&world.app, &world.admin, withdrawn.id).await;
    assert!(matches!(retried, Err(ActionError::Withdrawn)), "{retried:?}");
}

pub async fn what_was_decided_anew_is_not_undone(world: World) {
    let world = with_undo(world);
    let case = case_of(&world, "post-1", false).await;
    let decision = decide(&world, case, Outcome::Allow).await;
    // The platform submits other content: it is judged anew.
    let bank = world.bank("more", true).await;
    world.entry(bank, hash_of(7)).await;
    world.submit("post-1", hash_of(7)).await;
    let late = undo_decision(&world.app, &world.moderator, case, decision).await;
    assert!(matches!(late, Err(UndoError::TooLate)), "{late:?}");
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_delivery_and_an_undo_at_once_leave_one_winner(world: World) {
    let world = with_undo(world);
    let other = world.second_process().await;
    let (mut n_undone, mut n_left) = (0, 0);
    for n in 0..12 {
        let name = format!("post-{n}");
        let case = case_of(&world, &name, false).await;
        let decision = decide(&world, case, Outcome::Restrict).await;
        let view = views::item(&world.app, &world.moderator, &name.parse().unwrap())
            .await
            .unwrap()
            .unwrap();
        // Somebody has it sent now, and it is undone at the same moment.
        retry_action(&world.app, &world.admin, view.actions[0].id)
            .await
            .unwrap();
        let deliver = async {
            for _ in 0..n % 3 {
                tokio::task::yield_now().await;
            }
            deliver_due(&other, "worker-that-races").await.unwrap()
        };
        let undo = async {
            tokio::time::sleep(Duration::from_millis(n % 4)).await;
            undo_decision(&world.app, &world.moderator, case, decision).await
        };
        let (_, undone) = tokio::join!(deliver, undo);
        world.deliver().await;
        let heard = world.platform.kinds_for(&name).len();
        match undone {
            Ok(_) => {
                n_undone += 1;
                assert_eq!(heard, 0, "{name}");
                assert!(matches!(
                    &states(&world, &name).await[..],
                    [ActionState::Withdrawn { .. }]
                ));
            }
            Err(UndoError::TooLate) => {
                n_left += 1;
                assert_eq!(heard, 1, "{name}");
                assert!(matches!(
                    &states(&world, &name).await[..],
                    [ActionState::Confirmed { .. }]
                ));
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(n_undone + n_left, 12);
    assert_eq!(world.faults().await, Vec::<String>::new());
}
