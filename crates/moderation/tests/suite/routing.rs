//! Which case is handed out next and to whom, who holds it, who is told in time.

use std::sync::Arc;
use std::time::Duration;

use moderation::flows::cases::{CaseError, decide_case, escalate_case, release_case, take_case, take_next_case};
use moderation::flows::leases::{leave_case, renew_case, take_over_case};
use moderation::flows::routing::{measure_pace, place_waiting};
use moderation::flows::shifts::{NewShift, ShiftError, add_shift, remove_shift, set_skills, tell_of_gaps};
use moderation::flows::submit::{Submission, submit_item};
use moderation::model::{
    Actor, Case, CaseId, InvalidTransition, Judgement, Lane, LearnedFrom, Outcome, PlatformFacts, PolicyCode, Queue,
    Role, WorkKind, Zone,
};
use moderation::routing::{QueueSettings, RoutingSettings, Skills};
use moderation::views::{self, ViewError};
use moderation::{Seawall, Settings};

use super::rules::{live, post, rule, submit};
use super::world::{World, hash_of};

const MINUTE: Duration = Duration::from_secs(60);

/// The same process, whose operator chose this of queues.
pub fn with_queues(app: &Seawall, queues: &[(&str, QueueSettings)]) -> Seawall {
    let queues = queues.iter().map(|(name, of)| (name.parse().unwrap(), of.clone()));
    let routing = RoutingSettings {
        queues: queues.collect(),
        ..RoutingSettings::default()
    };
    let mut app = app.clone();
    app.settings = Arc::new(Settings {
        routing,
        ..(*app.settings).clone()
    });
    app
}

fn in_lane(lane: Lane) -> QueueSettings {
    QueueSettings {
        lane: Some(lane),
        ..QueueSettings::default()
    }
}

fn due_in(minutes: u32) -> QueueSettings {
    QueueSettings {
        due: Some(MINUTE * minutes),
        ..in_lane(Lane::Deadline)
    }
}

async fn decide(app: &Seawall, actor: &Actor, case: CaseId, outcome: Outcome) -> Result<(), CaseError> {
    let judgement = Judgement {
        revision: 1,
        outcome,
        policy: Some(PolicyCode::HateSpeech),
        measures: Vec::new(),
        reason: "a person says so".to_owned(),
        assessment: None,
        notice: None,
    };
    decide_case(app, actor, case, judgement).await.map(drop)
}

fn seen(id: &str, text: &str, views: i64) -> Submission {
    Submission {
        platform: PlatformFacts {
            views: Some(views),
            ..PlatformFacts::default()
        },
        ..post(id, "ann", text)
    }
}

async fn standing(app: &Seawall, actor: &Actor, case: CaseId) -> views::Standing {
    let view = views::case(app, actor, case).await.unwrap().unwrap();
    view.standing.unwrap()
}

/// Hard lanes first, the earliest due first among what is due, and a case says why it stands where it stands.
pub async fn lanes_go_one_before_the_other(mut world: World) {
    let queues = [
        ("orders", due_in(60)),
        ("requests", due_in(30)),
        ("threats", in_lane(Lane::Threat)),
        ("attack", in_lane(Lane::Incident)),
    ];
    world.app = with_queues(&world.app, &queues);
    let app = &world.app;
    let names = ["posts", "orders", "requests", "threats", "attack"];
    let rules: String = names
        .iter()
        .map(|name| {
            rule(
                name,
                &format!("item.text.contains(\"{name}\")"),
                &format!("case {name} priority 50"),
                "",
            )
        })
        .collect();
    live(&world, &rules).await;
    let mut cases = Vec::new();
    for (n, name) in names.iter().enumerate() {
        cases.push(submit(app, seen(&format!("p{n}"), name, 1_000_000)).await.case.unwrap());
        world.clock.advance(MINUTE);
    }
    // Half an hour later comes another order: what was due earlier is still first.
    let hard = submit(app, seen("p9", "posts", 1)).await.case.unwrap();
    take_case(app, &world.moderator, hard).await.unwrap();
    escalate_case(app, &world.moderator, hard, "hard".to_owned())
        .await
        .unwrap();

    let first = standing(app, &world.moderator, cases[0]).await;
    assert_eq!((first.place.lane, first.n_ahead), (Lane::Rest, 5));
    let factors = first.place.factors.unwrap();
    assert_eq!((factors.chance, factors.learned_from), (0.5, LearnedFrom::Nothing));
    assert!(factors.views_known && factors.severity == 50.0 && factors.n_handled == 0);
    assert_eq!(first.place.facts.work, Some(WorkKind::Text));

    let mut order = Vec::new();
    while let Some(case) = take_next_case(app, &world.moderator, None).await.unwrap() {
        order.push(case);
    }
    assert_eq!(order, [cases[2], cases[1], cases[3], cases[4], hard, cases[0]]);
    let desk = views::desk(app, &world.moderator).await.unwrap();
    let orders = desk
        .queues
        .iter()
        .find(|count| count.queue.as_str() == "orders")
        .unwrap();
    assert!(orders.due_at.is_some() && orders.n_overdue == 0);
    world.clock.advance(MINUTE * 60);
    let desk = views::desk(app, &world.moderator).await.unwrap();
    let orders = desk
        .queues
        .iter()
        .find(|count| count.queue.as_str() == "orders")
        .unwrap();
    assert_eq!(orders.n_overdue, 1);
}

/// What people find in the cases of a rule, and how long they take, moves those that wait.
pub async fn what_people_find_moves_what_waits(world: World) {
    let app = &world.app;
    let text = rule("right", "item.text.contains(\"right\")", "case matches priority 50", "")
        + &rule("wrong", "item.text.contains(\"wrong\")", "case matches priority 50", "");
    live(&world, &text).await;
    let waits = submit(app, post("w", "ann", "wrong")).await.case.unwrap();
    let also = submit(app, post("r", "ann", "right")).await.case.unwrap();
    for n in 0..12 {
        let (text, outcome) = match n % 2 {
            0 => ("right", Outcome::Restrict),
            _ => ("wrong", Outcome::Allow),
        };
        let case = submit(app, post(&format!("p{n}"), "ann", text)).await.case.unwrap();
        take_case(app, &world.moderator, case).await.unwrap();
        world.clock.advance(Duration::from_secs(30));
        decide(app, &world.moderator, case, outcome).await.unwrap();
    }
    measure_pace(app).await.unwrap();
    world.clock.advance(MINUTE * 120);
    assert_eq!(place_waiting(app).await.unwrap(), 2);
    assert_eq!(place_waiting(app).await.unwrap(), 0, "they were placed just now");
    let wrong = standing(app, &world.moderator, waits).await.place.factors.unwrap();
    let right = standing(app, &world.moderator, also).await.place.factors.unwrap();
    assert_eq!(
        (wrong.learned_from, wrong.n_confirmed, wrong.n_reversed),
        (LearnedFrom::Rule, 0, 6)
    );
    assert_eq!((right.n_confirmed, right.n_reversed), (6, 0));
    // The queue's 6 of 12 stand for four cases: (4 × 0.5 + 6) / 10 and (4 × 0.5) / 10.
    assert!((right.chance - 0.8).abs() < 1e-9 && (wrong.chance - 0.2).abs() < 1e-9);
    assert_eq!((right.handling, right.n_handled), (Duration::from_secs(30), 12));
    assert_eq!(take_next_case(app, &world.moderator, None).await.unwrap(), Some(also));
    // More views move a case as soon as the platform says so.
    let before = standing(app, &world.moderator, waits).await.place.turn;
    submit_item(app, &Actor::Operator, seen("w", "wrong", 5_000_000), None)
        .await
        .unwrap();
    assert!(standing(app, &world.moderator, waits).await.place.turn < before);
}

/// A case is renewed while its holder looks at it, soon free when they leave, and theirs still after a restart.
pub async fn a_lease_lasts_as_long_as_its_holder_looks(world: World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    let case = world.submit("post-1", hash_of(1)).await.case.unwrap();
    let (app, amal, ben) = (&world.app, &world.moderator, &world.colleague);
    let is_held = |error: CaseError| matches!(error, CaseError::Transition(InvalidTransition::HeldByAnother { .. }));
    let is_not_held = |error: CaseError| matches!(error, CaseError::Transition(InvalidTransition::NotHeld));

    assert!(is_not_held(renew_case(app, amal, case).await.unwrap_err()));
    take_case(app, amal, case).await.unwrap();
    for _ in 0..4 {
        world.clock.advance(MINUTE * 10);
        renew_case(app, amal, case).await.unwrap();
    }
    assert!(is_held(take_case(app, ben, case).await.unwrap_err()));
    let restarted = world.second_process().await;
    assert!(is_held(take_case(&restarted, ben, case).await.unwrap_err()));
    assert!(is_held(renew_case(&restarted, ben, case).await.unwrap_err()));
    renew_case(&restarted, amal, case).await.unwrap();

    leave_case(app, amal, case).await.unwrap();
    assert!(
        is_held(take_case(app, ben, case).await.unwrap_err()),
        "a page loaded anew finds its case"
    );
    renew_case(app, amal, case).await.unwrap();
    world.clock.advance(Case::LEAVE);
    assert!(is_held(take_case(app, ben, case).await.unwrap_err()));
    leave_case(app, amal, case).await.unwrap();
    world.clock.advance(Case::LEAVE);
    assert_eq!(take_next_case(app, ben, None).await.unwrap(), Some(case));
    // Amal's page is still open somewhere: nothing it says takes the case from Ben, or opens what he decided.
    assert!(is_held(leave_case(app, amal, case).await.unwrap_err()));
    decide(app, ben, case, Outcome::Restrict).await.unwrap();
    for late in [leave_case(app, ben, case).await, leave_case(app, amal, case).await] {
        let error = late.unwrap_err();
        assert!(matches!(
            error,
            CaseError::Transition(InvalidTransition::AlreadyClosed { .. })
        ));
    }
}

/// Who may takes a case over with a note; whoever held it is told why when they next act.
pub async fn a_case_is_taken_over_with_a_note(world: World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    let case = world.submit("post-1", hash_of(1)).await.case.unwrap();
    let (app, amal, lead) = (&world.app, &world.moderator, &world.admin);
    let note = || " Amal went home. ".to_owned();
    let error = take_over_case(app, lead, case, note()).await.unwrap_err();
    assert!(matches!(error, CaseError::Transition(InvalidTransition::NotHeld)));
    take_case(app, amal, case).await.unwrap();
    let error = take_over_case(app, &world.colleague, case, note()).await.unwrap_err();
    assert!(matches!(error, CaseError::Denied(_)));
    let error = take_over_case(app, lead, case, "  ".to_owned()).await.unwrap_err();
    assert!(matches!(error, CaseError::Invalid { field: "reason", .. }));
    take_over_case(app, lead, case, note()).await.unwrap();

    let restarted = world.second_process().await;
    let refused = [
        decide(&restarted, amal, case, Outcome::Allow).await.err(),
        renew_case(&restarted, amal, case).await.err(),
        leave_case(&restarted, amal, case).await.err(),
        release_case(&restarted, amal, case).await.err(),
    ];
    for error in refused {
        let Some(CaseError::Transition(InvalidTransition::TakenOver { note, .. })) = error else {
            panic!("{error:?}")
        };
        assert_eq!(note, "Amal went home.");
    }
    let view = views::case(app, lead, case).await.unwrap().unwrap();
    let taken = view
        .events
        .iter()
        .find(|line| line.event.kind == "case.taken_over")
        .unwrap();
    assert!(taken.event.body.contains(&amal.to_string()) && !taken.event.body.contains("home"));
    decide(app, lead, case, Outcome::Restrict).await.unwrap();
    assert_eq!(world.faults().await, Vec::<String>::new());
}

/// People are given what they can do, and nothing else.
pub async fn people_are_given_what_they_can_do(mut world: World) {
    let orders = QueueSettings {
        skill: Some("legal".to_owned()),
        ..in_lane(Lane::Deadline)
    };
    world.app = with_queues(&world.app, &[("orders", orders)]);
    let app = &world.app;
    let text = rule("order", "item.text.contains(\"order\")", "case orders", "")
        + &rule("other", "item.text.contains(\"other\")", "case matches", "");
    live(&world, &text).await;
    let in_language = |id: &str, text: &str, language: &str| Submission {
        platform: PlatformFacts {
            languages: Some(vec![language.to_owned()]),
            ..PlatformFacts::default()
        },
        ..post(id, "ann", text)
    };
    let order = submit(app, in_language("a", "order", "en")).await.case.unwrap();
    let arabic = submit(app, in_language("b", "other", "ar-EG")).await.case.unwrap();
    let french = submit(app, in_language("c", "other", "fr")).await.case.unwrap();

    let (amal, _, _) = world.join("amal", Role::Moderator).await;
    let skills = |languages: &str, work: &str, skills: &str| Skills {
        languages: languages.parse().unwrap(),
        work: work.parse().unwrap(),
        skills: skills.parse().unwrap(),
    };
    let actor = Actor::person(amal, Role::Moderator.into());
    let next = async || take_next_case(app, &actor, None).await.unwrap();
    set_skills(app, &world.admin, amal, &skills("fr", "*", ""))
        .await
        .unwrap();
    assert_eq!((next().await, next().await), (Some(french), None));
    set_skills(app, &world.admin, amal, &skills("ar fr", "image", ""))
        .await
        .unwrap();
    assert_eq!(next().await, None, "no pictures wait");
    set_skills(app, &world.admin, amal, &skills("*", "text", ""))
        .await
        .unwrap();
    assert_eq!((next().await, next().await), (Some(arabic), None));
    set_skills(app, &world.admin, amal, &skills("*", "*", "legal"))
        .await
        .unwrap();
    assert_eq!(next().await, Some(order));
    // What they reach they may still take by hand: a colleague asked them to.
    release_case(app, &actor, order).await.unwrap();
    set_skills(app, &world.admin, amal, &skills("*", "*", ""))
        .await
        .unwrap();
    take_case(app, &actor, order).await.unwrap();
    let denied = set_skills(app, &actor, amal, &skills("*", "*", "legal"))
        .await
        .unwrap_err();
    assert!(matches!(denied, ShiftError::Denied(_)));
}

/// The platform is told of a case that is still open at each point that was set, once, and of none that was decided.
pub async fn the_platform_is_told_of_what_is_due(mut world: World) {
    let orders = QueueSettings {
        warn_after: [5, 15, 30].map(|n| MINUTE * n).to_vec(),
        warn_before: vec![MINUTE * 15],
        ..due_in(60)
    };
    world.app = with_queues(&world.app, &[("orders", orders)]);
    let app = &world.app;
    live(
        &world,
        &rule("order", "item.text.contains(\"order\")", "case orders", ""),
    )
    .await;
    let case = submit(app, post("a", "ann", "order")).await.case.unwrap();
    let done = submit(app, post("b", "ann", "order")).await.case.unwrap();
    decide(app, &world.moderator, done, Outcome::Allow).await.unwrap();
    let told = || -> Vec<(String, String)> {
        let heard = world.platform.heard().into_iter();
        heard.map(|heard| (heard.kind, heard.item)).collect()
    };
    let soon = || ("case.due_soon".to_owned(), "a".to_owned());
    world.deliver().await;
    assert_eq!(told(), []);
    world.clock.advance(MINUTE * 5);
    // The platform is away for a moment: it is told again, under the same key.
    world.platform.will_answer(503, "");
    world.deliver().await;
    world.clock.advance(MINUTE);
    world.deliver().await;
    world.deliver().await;
    assert_eq!(told(), [soon(), soon()]);
    let keys: Vec<String> = world.platform.heard().into_iter().map(|heard| heard.key).collect();
    assert_eq!(keys[0], keys[1]);
    // It comes again: nothing is told twice for that.
    submit(app, seen("a", "order", 7)).await;
    world.clock.advance(MINUTE * 9);
    world.deliver().await;
    assert_eq!(told().len(), 3);
    world.clock.advance(MINUTE * 45);
    world.deliver().await;
    let kinds: Vec<String> = told().into_iter().map(|(kind, _)| kind).skip(3).collect();
    assert_eq!(
        kinds, ["case.overdue"; 3],
        "what could not be told in time is told as it is now"
    );
    decide(app, &world.moderator, case, Outcome::Allow).await.unwrap();
    let view = views::case(app, &world.moderator, case).await.unwrap().unwrap();
    let n_told = view
        .events
        .iter()
        .filter(|line| line.event.kind.starts_with("case.due") || line.event.kind == "case.overdue");
    assert_eq!(n_told.count(), 5);
    let body: serde_json::Value = serde_json::from_str(&world.platform.heard()[0].body).unwrap();
    assert_eq!(
        (body["queue"].as_str(), body["lane"].as_str()),
        (Some("orders"), Some("deadline"))
    );
    assert_eq!(world.faults().await, Vec::<String>::new());
}

/// When nobody is on shift who could do what is due, whoever plans shifts sees it, and the platform is told once.
pub async fn a_time_without_anybody_is_told(mut world: World) {
    let orders = QueueSettings {
        skill: Some("legal".to_owned()),
        ..due_in(60)
    };
    world.app = with_queues(&world.app, &[("orders", orders)]);
    let app = &world.app;
    let (amal, _, _) = world.join("amal", Role::Moderator).await;
    let shift = |from_hour: u16, hours: u16| NewShift {
        user: amal,
        days: (0..7).collect(),
        from_minute: from_hour * 60,
        n_minutes: hours * 60,
        zone: Zone::UTC,
    };
    // Who plans no shifts is not told of them.
    tell_of_gaps(app).await.unwrap();
    assert!(views::uncovered(app, &world.moderator).await.unwrap().is_empty());
    let whole_day = add_shift(app, &world.admin, shift(0, 24)).await.unwrap();
    let gaps = async || views::coverage(app, &world.admin).await.unwrap().queues[0].gaps.clone();
    assert_eq!(gaps().await.len(), 1, "amal is there and is no jurist");
    world.deliver().await;
    tell_of_gaps(app).await.unwrap();
    tell_of_gaps(app).await.unwrap();
    world.deliver().await;
    let kinds: Vec<String> = world.platform.heard().into_iter().map(|heard| heard.kind).collect();
    assert_eq!(kinds, ["coverage.gap"]);
    let jurist = Skills {
        skills: "legal".parse().unwrap(),
        ..Skills::default()
    };
    set_skills(app, &world.admin, amal, &jurist).await.unwrap();
    assert!(gaps().await.is_empty());
    assert!(views::uncovered(app, &world.moderator).await.unwrap().is_empty());
    add_shift(app, &world.admin, shift(8, 8)).await.unwrap();
    remove_shift(app, &world.admin, whole_day).await.unwrap();
    let gone = remove_shift(app, &world.admin, whole_day).await.unwrap_err();
    assert!(matches!(gone, ShiftError::NotFound));
    assert!(!gaps().await.is_empty());
    assert_eq!(
        views::uncovered(app, &world.moderator).await.unwrap()[0].queue.as_str(),
        "orders"
    );

    let denied = add_shift(app, &world.moderator, shift(8, 8)).await.unwrap_err();
    assert!(matches!(denied, ShiftError::Denied(_)));
    let unseen = views::coverage(app, &world.moderator).await.unwrap_err();
    assert!(matches!(unseen, ViewError::Denied(_)));
    let wrong = NewShift {
        days: vec![7],
        ..shift(8, 8)
    };
    let wrong = add_shift(app, &world.admin, wrong).await.unwrap_err();
    assert!(matches!(wrong, ShiftError::Invalid { field: "days", .. }));
    assert!(Queue::ALL.iter().all(|queue| queue.as_str() != "orders"));
}

pub async fn a_case_that_moves_keeps_its_deadline(mut world: World) {
    world.app = with_queues(&world.app, &[("orders", due_in(60))]);
    let app = &world.app;
    live(
        &world,
        &rule("order", "item.text.contains(\"order\")", "case orders", ""),
    )
    .await;
    let case = submit(app, post("a", "ann", "order")).await.case.unwrap();
    let place = async || {
        let view = views::case(app, &world.moderator, case).await.unwrap().unwrap();
        view.case.place
    };
    let before = place().await;
    escalate_case(app, &world.moderator, case, "too hard".to_owned())
        .await
        .unwrap();
    let after = place().await;
    assert_eq!(after.due_at, before.due_at);
    assert!(after.due_at.is_some() && after.lane == Lane::Deadline);
    world.clock.advance(MINUTE * 61);
    world.deliver().await;
    let kinds: Vec<String> = world.platform.heard().into_iter().map(|heard| heard.kind).collect();
    assert!(kinds.contains(&"case.overdue".to_owned()), "{kinds:?}");
}

pub async fn a_shift_lies_where_its_clocks_say(mut world: World) {
    world.app = with_queues(&world.app, &[("orders", due_in(60))]);
    let app = &world.app;
    let (amal, _, _) = world.join("amal", Role::Moderator).await;
    let new = NewShift {
        user: amal,
        days: (0..7).collect(),
        from_minute: 0,
        n_minutes: 12 * 60,
        zone: "Asia/Kathmandu".parse().unwrap(),
    };
    add_shift(app, &world.admin, new.clone()).await.unwrap();
    let view = views::coverage(app, &world.admin).await.unwrap();
    assert_eq!(view.shifts[0].0.zone, new.zone, "kept with its zone");
    // From noon there, a quarter past six in universal time, nobody is there until midnight.
    let gaps = &view.queues[0].gaps;
    assert!(gaps[0].until.to_string().ends_with("T18:15:00.000Z"), "{gaps:?}");
    assert!(gaps[1].from.to_string().ends_with("T06:15:00.000Z"), "{gaps:?}");
}
