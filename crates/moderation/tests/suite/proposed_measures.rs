//! Measures that wait for a second person: kept and carried out as they were proposed, for the time that the person is told; and a form that is sent twice decides once.

use std::time::Duration;

use moderation::flows::cases::{CaseError, decide_case};
use moderation::flows::proposals::{
    Chosen, LeftOut, ProposalError, Settled, approve_proposal, decide_or_propose, decide_together,
};
use moderation::flows::rules::end_restrictions;
use moderation::model::{
    ActionKind, CaseId, Clock, ItemId, Judgement, Lasts, Measure, Outcome, PolicyCode, ProposalId, ProposedState,
    Restricted, SecondReason, Timestamp,
};
use moderation::views;

use super::world::{World, hash_of};

const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn case_of(world: &World, item: &str) -> CaseId {
    let bank = views::bank_by_name(&world.app, &world.admin, "unsure").await.unwrap();
    if bank.is_none() {
        let bank = world.bank("unsure", false).await;
        world.entry(bank, hash_of(1)).await;
    }
    world.submit(item, hash_of(1)).await.case.unwrap()
}

fn judgement(measures: &[Measure]) -> Judgement {
    Judgement {
        measures: measures.to_vec(),
        ..Judgement::restrict(1, PolicyCode::HateSpeech, "It calls for hatred.")
    }
}

async fn propose(world: &World, case: CaseId, measures: &[Measure]) -> ProposalId {
    let settled = decide_or_propose(&world.app, &world.moderator, case, None, judgement(measures)).await;
    match settled.unwrap() {
        Settled::Proposed(id) => id,
        Settled::Decided(id) => panic!("{id} was decided alone"),
    }
}

async fn states(world: &World, id: ProposalId) -> Vec<ProposedState> {
    let view = views::proposal(&world.app, &world.admin, id).await.unwrap().unwrap();
    view.items.iter().map(|(of, _)| of.state).collect()
}

async fn orders(world: &World, item: &str) -> Vec<(Restricted, ActionKind, Option<Timestamp>)> {
    let item: ItemId = item.parse().unwrap();
    let view = views::item(&world.app, &world.admin, &item).await.unwrap().unwrap();
    let orders = view
        .actions
        .iter()
        .map(|action| (action.what, action.kind, action.until));
    orders.collect()
}

pub async fn an_account_is_closed_by_two_and_for_as_long_as_was_proposed(world: World) {
    let case = case_of(&world, "a").await;
    let measures = [
        Measure::new(Restricted::Termination, Lasts::Open),
        Measure::new(Restricted::Monetisation, Lasts::For(DAY * 7)),
    ];
    let alone = decide_case(&world.app, &world.admin, case, judgement(&measures)).await;
    assert!(
        matches!(&alone, Err(CaseError::SecondPerson { reasons }) if reasons == &[SecondReason::Measure]),
        "{alone:?}"
    );
    let proposed_at = world.clock.now();
    let id = propose(&world, case, &measures).await;
    assert_eq!(orders(&world, "a").await, []);
    world.clock.advance(Duration::from_secs(20 * 3_600));
    approve_proposal(&world.app, &world.admin, id, &[], "yes")
        .await
        .unwrap();
    assert_eq!(states(&world, id).await, [ProposedState::Decided]);
    let until = proposed_at.after(DAY * 7);
    let expected = [
        (Restricted::Monetisation, ActionKind::Restrict, Some(until)),
        (Restricted::Termination, ActionKind::Restrict, None),
    ];
    assert_eq!(orders(&world, "a").await, expected);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn what_ended_while_it_waited_does_not_begin_anew(world: World) {
    let case = case_of(&world, "a").await;
    let suspended = Measure::new(Restricted::Account, Lasts::For(DAY));
    decide_case(&world.app, &world.moderator, case, judgement(&[suspended]))
        .await
        .unwrap();
    let case = moderation::flows::cases::open_case(&world.app, &world.moderator, &"a".parse().unwrap(), "look again")
        .await
        .unwrap();
    world.clock.advance(DAY / 2);
    let measures = [
        Measure::new(Restricted::Account, Lasts::AsItStands),
        Measure::new(Restricted::Termination, Lasts::Open),
    ];
    let id = propose(&world, case, &measures).await;
    world.clock.advance(DAY * 3 / 4);
    end_restrictions(&world.app).await.unwrap();
    let before = orders(&world, "a").await;
    approve_proposal(&world.app, &world.admin, id, &[], "yes")
        .await
        .unwrap();
    assert_eq!(states(&world, id).await, [ProposedState::Impossible]);
    assert_eq!(
        orders(&world, "a").await,
        before,
        "the suspension is over, and stays so"
    );

    // The same on a page that was opened before it ended.
    let stale = decide_case(
        &world.app,
        &world.moderator,
        case,
        judgement(&[Measure::new(Restricted::Account, Lasts::AsItStands)]),
    )
    .await;
    assert!(
        matches!(stale, Err(CaseError::Invalid { field: "measures", .. })),
        "{stale:?}"
    );
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_form_that_is_sent_twice_decides_once(world: World) {
    case_of(&world, "a").await;
    let case = case_of(&world, "b").await;
    let mut chosen = Vec::new();
    for item in ["a", "b"] {
        let view = views::item(&world.app, &world.admin, &item.parse().unwrap()).await;
        let seen = view.unwrap().unwrap().decisions.last().map(|last| last.decision.id);
        chosen.push(Chosen {
            item: item.parse().unwrap(),
            revision: 1,
            seen,
            notice: None,
        });
    }
    // A colleague was faster on one of them, and the person never saw that.
    decide_case(
        &world.app,
        &world.colleague,
        case,
        Judgement::allow(1, "a report of news"),
    )
    .await
    .unwrap();
    let together = async || decide_together(&world.app, &world.moderator, chosen.clone(), judgement(&[])).await;
    let first = together().await.unwrap();
    assert_eq!(first.n_items, 1);
    assert_eq!(first.left_out, [("b".parse().unwrap(), LeftOut::Decided)]);
    let again = together().await;
    assert!(
        matches!(&again, Err(ProposalError::NothingLeft(left)) if left.iter().all(|(_, why)| *why == LeftOut::Decided)),
        "{again:?}"
    );
    let of_people = async |item: &str| {
        let view = views::item(&world.app, &world.admin, &item.parse().unwrap()).await;
        let decisions = view.unwrap().unwrap().decisions;
        let of_people = decisions.iter().filter(|view| view.decision.is_of_a_person());
        of_people.map(|view| view.decision.outcome).collect::<Vec<_>>()
    };
    assert_eq!(of_people("a").await, [Outcome::Restrict]);
    assert_eq!(of_people("b").await, [Outcome::Allow]);
    assert_eq!(world.faults().await, Vec::<String>::new());
}
