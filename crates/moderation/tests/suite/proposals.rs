//! What needs a second person waits for one; what is decided together is decided item by item. Nobody alone, nothing twice, nothing lost.

use std::sync::Arc;
use std::time::Duration;

use moderation::flows::cases::{CaseError, decide_case, take_case, take_next_case};
use moderation::flows::proposals::{
    CARRIED_AT_ONCE, Chosen, LeftOut, ProposalError, Settled, Together, approve_proposal, carry_on_proposals,
    decide_or_propose, decide_together, lapse_proposals, reject_proposal, undo_proposal, withdraw_proposal,
};
use moderation::flows::submit::submit_item;
use moderation::model::{
    Actor, Author, CaseId, CaseState, Chance, DecisionId, ItemId, Judgement, Lane, Notice, Outcome, PolicyCode,
    ProposalId, ProposalRefused, ProposalState, ProposedState, Queue, QueueSet, Role, SecondReason, Timestamp,
    TwoPersonSettings, UserId,
};
use moderation::routing::QueueSettings;
use moderation::{DeskSettings, Settings, views};

use super::routing::with_queues;
use super::world::{World, given, hash_near, hash_of, item};

const REASON: &str = "It calls for hatred.";

/// The same world, where nobody restricts as hate speech alone, and decisions can be undone for ten seconds.
fn with_two(mut world: World) -> World {
    world.app.settings = Arc::new(Settings {
        two_person: TwoPersonSettings {
            policies: vec![PolicyCode::HateSpeech],
            ..TwoPersonSettings::default()
        },
        ..(*world.app.settings).clone()
    });
    world
}

fn with_undo(mut world: World) -> World {
    world.app.settings = Arc::new(Settings {
        desk: DeskSettings {
            undo: Duration::from_secs(10),
            ..DeskSettings::default()
        },
        ..(*world.app.settings).clone()
    });
    world
}

fn person(seed: u64, role: Role) -> Actor {
    let user = UserId::fresh(Timestamp::from_unix_ms(7), &Chance::seeded(seed));
    Actor::person(user, role.into())
}

fn hate(revision: i64) -> Judgement {
    Judgement::restrict(revision, PolicyCode::HateSpeech, REASON)
}

/// Items that lie near to something unsure: each has a case among the leads.
async fn cases_of(world: &World, n: usize) -> Vec<(ItemId, CaseId)> {
    let bank = world.bank("unsure", false).await;
    world.entry(bank, hash_of(1)).await;
    let mut made = Vec::new();
    for at in 0..n {
        let id = format!("post-{at}");
        let case = world.submit(&id, hash_of(1)).await.case.unwrap();
        made.push((id.parse().unwrap(), case));
    }
    made
}

fn chosen(items: &[(ItemId, CaseId)]) -> Vec<Chosen> {
    let one = |(item, _): &(ItemId, CaseId)| Chosen {
        item: item.clone(),
        revision: 1,
        seen: None,
        notice: Some(Notice {
            language: "en".to_owned(),
            text: format!("Your post {item} is no longer available."),
        }),
    };
    items.iter().map(one).collect()
}

async fn propose(world: &World, case: CaseId) -> ProposalId {
    match decide_or_propose(&world.app, &world.moderator, case, None, hate(1))
        .await
        .unwrap()
    {
        Settled::Proposed(id) => id,
        Settled::Decided(id) => panic!("{id} was decided alone"),
    }
}

async fn state_of(world: &World, id: ProposalId) -> ProposalState {
    let view = views::proposal(&world.app, &world.admin, id).await.unwrap().unwrap();
    view.proposal.state
}

async fn states(world: &World, id: ProposalId) -> Vec<ProposedState> {
    let view = views::proposal(&world.app, &world.admin, id).await.unwrap().unwrap();
    view.items.iter().map(|(of, _)| of.state).collect()
}

/// The decisions of people on an item.
async fn decisions(world: &World, item: &ItemId) -> Vec<(DecisionId, Outcome, serde_json::Value, Author)> {
    let view = views::item(&world.app, &world.admin, item).await.unwrap().unwrap();
    let of_people = view.decisions.into_iter().map(|view| view.decision);
    let of_people = of_people.filter(|decision| matches!(decision.author, Author::Person(_)));
    of_people
        .map(|decision| (decision.id, decision.outcome, decision.facts, decision.author))
        .collect()
}

async fn is_open(world: &World, case: CaseId) -> bool {
    let view = views::case(&world.app, &world.admin, case).await.unwrap().unwrap();
    matches!(view.case.state, CaseState::Open { .. })
}

pub async fn nobody_decides_alone_what_needs_two(world: World) {
    let world = with_two(world);
    let made = cases_of(&world, 1).await;
    let (post, case) = made[0].clone();
    let alone = decide_case(&world.app, &world.admin, case, hate(1)).await;
    assert!(
        matches!(&alone, Err(CaseError::SecondPerson { reasons }) if reasons == &[SecondReason::Policy]),
        "{alone:?}"
    );
    let id = propose(&world, case).await;
    let again = decide_or_propose(&world.app, &world.colleague, case, None, hate(1)).await;
    assert!(matches!(again, Err(CaseError::Proposed)), "{again:?}");

    // It waits: nothing is ordered, nobody is handed the case, and its page says so.
    assert_eq!(world.deliver().await, 0);
    assert!(is_open(&world, case).await);
    assert_eq!(take_next_case(&world.app, &world.colleague, None).await.unwrap(), None);
    let waiting = views::waiting_proposal(&world.app, &world.colleague, &post)
        .await
        .unwrap();
    assert_eq!(waiting.map(|waiting| waiting.id), Some(id));
    assert_eq!(views::n_proposals(&world.app, &world.admin).await.unwrap(), 1);

    // Neither who proposed it nor who has no right to.
    let me = world.moderator.user().unwrap();
    let lead = Actor::person(me, Role::Lead.into());
    assert_eq!(views::n_proposals(&world.app, &lead).await.unwrap(), 0, "not one's own");
    for (who, is_denied) in [(&lead, false), (&world.colleague, true)] {
        let refused = approve_proposal(&world.app, who, id, &[], "").await.unwrap_err();
        let is_expected = match is_denied {
            true => matches!(refused, ProposalError::Denied(_)),
            false => matches!(refused, ProposalError::Refused(ProposalRefused::SamePerson)),
        };
        assert!(is_expected, "{refused:?}");
    }
    assert_eq!(state_of(&world, id).await, ProposalState::Waiting);

    approve_proposal(&world.app, &world.admin, id, &[], "Clear.")
        .await
        .unwrap();
    assert_eq!(states(&world, id).await, [ProposedState::Decided]);
    let decided = decisions(&world, &post).await;
    let [(_, Outcome::Restrict, facts, author)] = &decided[..] else {
        panic!("{decided:?}")
    };
    assert_eq!(*author, Author::Person(me), "who judged is the author");
    assert_eq!(facts["approved_by"], world.admin.user().unwrap().to_string());
    assert_eq!(facts["proposal"], id.to_string());
    assert!(facts["bulk"].is_null());
    assert!(!is_open(&world, case).await);
    assert_eq!(world.deliver().await, 1);
    let told = &world.platform.heard()[0].body;
    assert!(told.contains("\"person\"") && !told.contains("user_"), "{told}");
    let twice = approve_proposal(&world.app, &person(5, Role::Senior), id, &[], "").await;
    assert!(
        matches!(twice, Err(ProposalError::Refused(ProposalRefused::Ended { .. }))),
        "{twice:?}"
    );
    assert_eq!(world.faults().await, Vec::<String>::new());

    // What lets it be needs nobody else.
    let other = world.submit("other", hash_of(1)).await.case.unwrap();
    let settled = decide_or_propose(&world.app, &world.moderator, other, None, Judgement::allow(1, "fine")).await;
    assert!(matches!(settled, Ok(Settled::Decided(_))), "{settled:?}");
}

pub async fn what_is_decided_otherwise_or_changes_is_overtaken(world: World) {
    let world = with_two(world);
    let made = cases_of(&world, 2).await;
    let [(first, first_case), (second, second_case)] = &made[..] else {
        unreachable!()
    };
    let id = propose(&world, *first_case).await;
    decide_case(
        &world.app,
        &world.colleague,
        *first_case,
        Judgement::allow(1, "It quotes."),
    )
    .await
    .unwrap();
    assert_eq!(state_of(&world, id).await, ProposalState::Stale);
    assert_eq!(states(&world, id).await, [ProposedState::Overtaken]);
    let late = approve_proposal(&world.app, &world.admin, id, &[], "").await;
    assert!(matches!(late, Err(ProposalError::Refused(_))), "{late:?}");
    assert_eq!(decisions(&world, first).await.len(), 1);

    // Other content: the case is handed out again, and nobody approves what nobody saw.
    let id = propose(&world, *second_case).await;
    assert_eq!(take_next_case(&world.app, &world.colleague, None).await.unwrap(), None);
    let other = item(second.as_str(), vec![given(hash_near(1, 2))]);
    submit_item(&world.app, &Actor::Operator, other, None).await.unwrap();
    assert_eq!(states(&world, id).await, [ProposedState::Changed]);
    assert_eq!(state_of(&world, id).await, ProposalState::Stale);
    let next = take_next_case(&world.app, &world.colleague, None).await.unwrap();
    assert_eq!(next, Some(*second_case));
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_proposal_ends_once_however_it_ends(world: World) {
    let world = with_two(world);
    let made = cases_of(&world, 5).await;
    let senior = person(5, Role::Senior);

    let id = propose(&world, made[0].1).await;
    let unsaid = reject_proposal(&world.app, &senior, id, " ").await;
    assert!(matches!(unsaid, Err(ProposalError::Invalid { field: "note", .. })));
    reject_proposal(&world.app, &senior, id, "It is satire.").await.unwrap();
    assert_eq!(state_of(&world, id).await, ProposalState::Rejected);
    let view = views::proposal(&world.app, &world.moderator, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(view.proposal.note, "It is satire.", "who proposed it reads why not");
    let next = take_next_case(&world.app, &world.colleague, None).await.unwrap();
    assert_eq!(next, Some(made[0].1), "it waits for anybody again");

    let id = propose(&world, made[1].1).await;
    let foreign = withdraw_proposal(&world.app, &world.colleague, id).await;
    assert!(
        matches!(foreign, Err(ProposalError::Refused(ProposalRefused::NotYours))),
        "{foreign:?}"
    );
    withdraw_proposal(&world.app, &world.moderator, id).await.unwrap();
    assert_eq!(state_of(&world, id).await, ProposalState::Withdrawn);

    let id = propose(&world, made[2].1).await;
    assert_eq!(lapse_proposals(&world.app).await.unwrap(), 0);
    world.clock.advance(Duration::from_secs(24 * 3_600));
    assert_eq!(lapse_proposals(&world.app).await.unwrap(), 1);
    assert_eq!(lapse_proposals(&world.app).await.unwrap(), 0);
    assert_eq!(state_of(&world, id).await, ProposalState::Lapsed);

    // Two at once: one of them is first.
    let id = propose(&world, made[3].1).await;
    let (yes, no) = tokio::join!(
        approve_proposal(&world.app, &senior, id, &[], ""),
        approve_proposal(&world.app, &world.admin, id, &[], "")
    );
    assert_eq!([yes.is_ok(), no.is_ok()].iter().filter(|ok| **ok).count(), 1);
    assert_eq!(decisions(&world, &made[3].0).await.len(), 1);

    let id = propose(&world, made[4].1).await;
    let (yes, back) = tokio::join!(
        approve_proposal(&world.app, &senior, id, &[], ""),
        withdraw_proposal(&world.app, &world.moderator, id)
    );
    assert_ne!(yes.is_ok(), back.is_ok(), "{yes:?} {back:?}");
    let n_decided = decisions(&world, &made[4].0).await.len();
    assert_eq!(n_decided, usize::from(yes.is_ok()));
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn many_items_wait_for_a_second_person(world: World) {
    let made = cases_of(&world, 14).await;
    // One without a case, one that changes, one that a colleague holds, one that is nobody's.
    let free = world.submit("free", hash_of(40)).await;
    assert_eq!(free.case, None);
    take_case(&world.app, &world.colleague, made[0].1).await.unwrap();
    let other = item("post-1", vec![given(hash_near(1, 3))]);
    submit_item(&world.app, &Actor::Operator, other, None).await.unwrap();
    let mut basket = chosen(&made);
    let bare = |id: &str| Chosen {
        item: id.parse().unwrap(),
        revision: 1,
        seen: None,
        notice: None,
    };
    basket.push(bare("free"));
    basket.push(bare("nobody's"));
    let terrorist = Judgement::restrict(0, PolicyCode::TerroristContent, "It recruits.");
    let done = decide_together(&world.app, &world.moderator, basket.clone(), terrorist.clone())
        .await
        .unwrap();
    let Together {
        id,
        reasons,
        n_items,
        left_out,
    } = done;
    assert_eq!((reasons, n_items), (vec![SecondReason::Items], 13));
    let left_out: Vec<(&str, LeftOut)> = left_out.iter().map(|(item, why)| (item.as_str(), *why)).collect();
    assert_eq!(
        left_out,
        [
            ("post-0", LeftOut::Held),
            ("post-1", LeftOut::Changed),
            ("nobody's", LeftOut::Unreached)
        ]
    );
    let again = decide_together(&world.app, &world.colleague, chosen(&made[2..]), terrorist).await;
    assert!(matches!(again, Err(ProposalError::NothingLeft(left)) if left.len() == 12));
    assert_eq!(world.deliver().await, 0);

    // Meanwhile one is decided otherwise, one changes, and one is in a colleague's hands.
    decide_case(
        &world.app,
        &world.colleague,
        made[2].1,
        Judgement::allow(1, "It reports."),
    )
    .await
    .unwrap();
    let other = item("post-3", vec![given(hash_near(1, 3))]);
    submit_item(&world.app, &Actor::Operator, other, None).await.unwrap();
    take_case(&world.app, &world.colleague, made[4].1).await.unwrap();
    let excluded = [made[5].0.clone(), made[6].0.clone()];
    approve_proposal(&world.app, &world.admin, id, &excluded, "")
        .await
        .unwrap();
    let expected = [
        (2, ProposedState::Overtaken),
        (3, ProposedState::Changed),
        (4, ProposedState::Held),
        (5, ProposedState::Excluded),
        (6, ProposedState::Excluded),
    ];
    let states = states(&world, id).await;
    for (at, (post, case)) in made.iter().enumerate().skip(2) {
        let expected = expected.iter().find(|(of, _)| *of == at).map(|(_, state)| *state);
        assert_eq!(states[at - 2], expected.unwrap_or(ProposedState::Decided), "{post}");
        let decided = decisions(&world, post).await;
        let is_together = decided
            .iter()
            .filter(|(_, _, facts, _)| facts["bulk"] == id.to_string());
        assert_eq!(is_together.count(), usize::from(expected.is_none()), "{post}");
        assert_eq!(is_open(&world, *case).await, expected.is_some() && at != 2, "{post}");
    }
    // No order without a decision, and no decision without a case.
    let free = views::item(&world.app, &world.admin, &"free".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((free.cases.len(), free.actions.len()), (1, 1));
    assert!(matches!(free.cases[0].state, CaseState::Closed { .. }));
    assert_eq!(world.deliver().await, 8);
    let of_seven = world.platform.heard().into_iter().find(|heard| heard.item == "post-7");
    let told = of_seven.unwrap().body;
    assert!(told.contains("Your post post-7 is no longer available."), "{told}");
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn few_items_are_decided_at_once_and_undone_as_one(world: World) {
    let world = with_undo(world);
    let made = cases_of(&world, 3).await;
    let done = decide_together(&world.app, &world.moderator, chosen(&made), hate(0))
        .await
        .unwrap();
    assert_eq!((done.reasons.len(), done.n_items), (0, 3));
    assert_eq!(state_of(&world, done.id).await, ProposalState::Alone);
    for (post, case) in &made {
        let decided = decisions(&world, post).await;
        assert!(matches!(&decided[..], [(_, Outcome::Restrict, facts, _)]
            if facts["bulk"] == done.id.to_string() && facts["approved_by"].is_null()));
        assert!(!is_open(&world, *case).await);
    }
    let foreign = undo_proposal(&world.app, &world.colleague, done.id).await;
    assert!(matches!(foreign, Err(ProposalError::NotFound)), "{foreign:?}");
    world.clock.advance(Duration::from_secs(9));
    let undone = undo_proposal(&world.app, &world.moderator, done.id).await.unwrap();
    assert_eq!((undone.n_undone, undone.n_too_late), (3, 0));
    let undone = undo_proposal(&world.app, &world.moderator, done.id).await.unwrap();
    assert_eq!((undone.n_undone, undone.n_too_late), (3, 0), "twice is once");
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.deliver().await, 0, "nothing left");
    for (_, case) in &made {
        let view = views::case(&world.app, &world.moderator, *case).await.unwrap().unwrap();
        assert_eq!(
            view.case.state,
            CaseState::Open { lease: None },
            "nobody holds many at once"
        );
    }
    assert_eq!(states(&world, done.id).await, [ProposedState::Undone; 3]);
    let late = undo_proposal(&world.app, &world.moderator, done.id).await;
    assert!(
        matches!(late, Err(ProposalError::Refused(ProposalRefused::TooLate))),
        "{late:?}"
    );
    // They can be decided again.
    let again = decide_together(&world.app, &world.moderator, chosen(&made), hate(0)).await;
    assert_eq!(again.unwrap().n_items, 3);
    world.clock.advance(Duration::from_secs(11));
    assert_eq!(world.deliver().await, 3);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn the_second_person_can_take_back_what_they_approved(world: World) {
    let world = with_undo(with_two(world));
    let mut world = world;
    world.app.settings = Arc::new(Settings {
        two_person: TwoPersonSettings {
            policies: vec![PolicyCode::HateSpeech],
            ..TwoPersonSettings::default()
        },
        ..(*world.app.settings).clone()
    });
    let made = cases_of(&world, 1).await;
    let id = propose(&world, made[0].1).await;
    approve_proposal(&world.app, &world.admin, id, &[], "").await.unwrap();
    let view = views::proposal(&world.app, &world.admin, id).await.unwrap().unwrap();
    assert!(view.undo_until.is_some());
    let undone = undo_proposal(&world.app, &world.admin, id).await.unwrap();
    assert_eq!(undone.n_undone, 1);
    assert!(is_open(&world, made[0].1).await);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.deliver().await, 0);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn what_is_cut_off_is_gone_on_with_and_nothing_is_decided_twice(world: World) {
    const N: usize = CARRIED_AT_ONCE + 30;
    let made = cases_of(&world, N).await;
    let done = decide_together(&world.app, &world.moderator, chosen(&made), hate(0))
        .await
        .unwrap();
    approve_proposal(&world.app, &world.admin, done.id, &[], "")
        .await
        .unwrap();
    let waiting = |states: &[ProposedState]| states.iter().filter(|state| **state == ProposedState::Waiting).count();
    let left = states(&world, done.id).await;
    assert_eq!(waiting(&left), N - CARRIED_AT_ONCE, "the process dies here");
    // What is left is not handed out, though it is not decided yet.
    assert_eq!(take_next_case(&world.app, &world.colleague, None).await.unwrap(), None);
    let second = world.second_process().await;
    let (one, other) = tokio::join!(carry_on_proposals(&world.app), carry_on_proposals(&second));
    assert!(one.unwrap() + other.unwrap() >= 1);
    assert_eq!(carry_on_proposals(&second).await.unwrap(), 0);
    assert_eq!(states(&world, done.id).await, vec![ProposedState::Decided; N]);
    for (post, case) in &made {
        assert_eq!(decisions(&world, post).await.len(), 1, "{post}");
        assert!(!is_open(&world, *case).await);
    }
    assert_eq!(world.deliver().await, N);
    assert_eq!(world.platform.heard().len(), N);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn proposals_end_where_a_persons_queues_end(world: World) {
    let world = with_two(world);
    let made = cases_of(&world, 2).await;
    let view = views::case(&world.app, &world.admin, made[0].1).await.unwrap().unwrap();
    assert_eq!(view.case.queue, Queue::Matches);
    let id = propose(&world, made[0].1).await;
    let within = |queue| Actor::Person {
        user: UserId::fresh(Timestamp::from_unix_ms(7), &Chance::seeded(11)),
        roles: Role::Senior.into(),
        queues: QueueSet::Only([queue].into()),
        token: None,
    };
    let (theirs, elsewhere) = (within(Queue::Matches), within(Queue::Unscanned));
    let listed = |rows: (Vec<views::ProposalRow>, bool)| rows.0.len();
    for (who, n) in [(&theirs, 1), (&elsewhere, 0)] {
        assert_eq!(listed(views::list_proposals(&world.app, who, true).await.unwrap()), n);
        assert_eq!(views::n_proposals(&world.app, who).await.unwrap(), n as i64);
        assert_eq!(views::proposal(&world.app, who, id).await.unwrap().is_some(), n == 1);
    }
    for refused in [
        approve_proposal(&world.app, &elsewhere, id, &[], "").await,
        reject_proposal(&world.app, &elsewhere, id, "no").await,
        withdraw_proposal(&world.app, &elsewhere, id).await,
    ] {
        assert!(matches!(refused, Err(ProposalError::NotFound)), "{refused:?}");
    }
    let foreign = decide_together(&world.app, &elsewhere, chosen(&made[1..]), Judgement::allow(0, "x")).await;
    assert!(matches!(foreign, Err(ProposalError::NothingLeft(left)) if left[0].1 == LeftOut::Unreached));
    let basket = views::basket(&world.app, &elsewhere, &[made[1].0.clone()])
        .await
        .unwrap();
    assert_eq!((basket.items.len(), basket.n_unreached), (0, 1));
    approve_proposal(&world.app, &theirs, id, &[], "").await.unwrap();
    assert_eq!(state_of(&world, id).await, ProposalState::Approved);
}

pub async fn a_deadline_goes_on_while_a_second_person_is_waited_for(world: World) {
    let mut world = with_two(world);
    let due = QueueSettings {
        lane: Some(Lane::Deadline),
        due: Some(Duration::from_secs(3_600)),
        ..QueueSettings::default()
    };
    world.app = with_queues(&world.app, &[("reported", due)]);
    let made = cases_of(&world, 1).await;
    let mut new = item("urgent", vec![given(hash_of(50))]);
    new.report = Some("look".to_owned());
    let urgent = submit_item(&world.app, &Actor::Operator, new, None).await.unwrap();
    let rest = propose(&world, made[0].1).await;
    let urgent = propose(&world, urgent.verdict.case.unwrap()).await;
    let (rows, _) = views::list_proposals(&world.app, &world.admin, true).await.unwrap();
    let listed: Vec<ProposalId> = rows.iter().map(|row| row.proposal.id).collect();
    assert_eq!(listed, [urgent, rest], "what is due stands first, though it came last");
    world.clock.advance(Duration::from_secs(3_601));
    world.deliver().await;
    let heard = world.platform.heard();
    let told: Vec<(&str, &str)> = heard
        .iter()
        .map(|heard| (heard.kind.as_str(), heard.item.as_str()))
        .collect();
    assert_eq!(told, [("case.overdue", "urgent")]);
    approve_proposal(&world.app, &world.admin, urgent, &[], "")
        .await
        .unwrap();
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn small_baskets_are_counted_together(mut world: World) {
    world.app.settings = Arc::new(Settings {
        two_person: TwoPersonSettings {
            items_over: 5,
            ..TwoPersonSettings::default()
        },
        ..(*world.app.settings).clone()
    });
    let made = cases_of(&world, 12).await;
    let judge = async |who: &Actor, some: &[(ItemId, CaseId)], judgement: Judgement| {
        decide_together(&world.app, who, chosen(some), judgement).await.unwrap()
    };
    let me = &world.moderator;
    assert!(judge(me, &made[0..3], hate(1)).await.reasons.is_empty());
    // Another person, and another outcome, are counted by themselves.
    assert!(judge(&world.colleague, &made[3..6], hate(1)).await.reasons.is_empty());
    let allowed = judge(me, &made[6..8], Judgement::allow(1, "a harbour")).await;
    assert!(allowed.reasons.is_empty());
    let second = judge(me, &made[8..11], hate(1)).await;
    assert_eq!(
        second.reasons,
        [SecondReason::Items],
        "three and three are more than five"
    );
    assert_eq!(state_of(&world, second.id).await, ProposalState::Waiting);
    withdraw_proposal(&world.app, me, second.id).await.unwrap();
    // What waits for a second person is not decided alone, and what is an hour ago is over.
    assert!(judge(me, &made[8..10], hate(1)).await.reasons.is_empty());
    assert!(!judge(me, &made[10..11], hate(1)).await.reasons.is_empty());
    world.clock.advance(TwoPersonSettings::ITEMS_WITHIN);
    assert!(judge(me, &made[11..12], hate(1)).await.reasons.is_empty());
}
