//! Second answers that are asked for blindly, golden cases among them, and what becomes of differences.

use std::sync::Arc;
use std::time::Duration;

use moderation::flows::cases::decide_case;
use moderation::flows::quality::{
    QualityError, WAITING_MAX, answer_review, draw_reviews, make_golden, retire_golden, set_share, settle_review,
    take_review,
};
use moderation::flows::turn::{Work, take_next};
use moderation::flows::wishes::set_wishes;
use moderation::model::{Actor, CaseId, Judgement, Lane, Outcome, PolicyCode, Queue, QueueSet, ReviewId, Role};
use moderation::quality::reviews::{Answer, ReviewRefused};
use moderation::quality::strata::{Stratum, WHOLE_PPM};
use moderation::routing::QueueSettings;
use moderation::{Seawall, views};

use super::routing::with_queues;
use super::world::{World, hash_of};

const ALLOW: Answer = Answer {
    outcome: Outcome::Allow,
    policy: None,
};
const RESTRICT: Answer = Answer {
    outcome: Outcome::Restrict,
    policy: Some(PolicyCode::TerroristContent),
};

fn judgement(answer: Answer) -> Judgement {
    let reason = "what the first one thought";
    match answer.policy {
        Some(policy) => Judgement::restrict(1, policy, reason),
        None => Judgement::allow(1, reason),
    }
}

/// Everything that people decide is asked twice from now on, and nothing that rules decide.
async fn ask_all(world: &World) {
    for stratum in Stratum::ALL {
        let ppm = if stratum.is_of_a_person() { WHOLE_PPM } else { 0 };
        set_share(&world.app, &world.admin, *stratum, ppm).await.unwrap();
    }
    // The first draw begins where the store is now.
    assert_eq!(draw_reviews(&world.app).await.unwrap(), 0);
}

/// A case that the moderator decided, and a later draw.
async fn decided(world: &World, item: &str, answer: Answer) -> CaseId {
    let case = world.submit(item, hash_of(1)).await.case.unwrap();
    decide_case(&world.app, &world.moderator, case, judgement(answer))
        .await
        .unwrap();
    case
}

async fn draw_later(world: &World) -> usize {
    world.clock.advance(Duration::from_secs(180));
    draw_reviews(&world.app).await.unwrap()
}

async fn known(world: &World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
}

async fn next(world: &World, actor: &Actor) -> Option<ReviewId> {
    take_review(&world.app, actor).await.unwrap()
}

/// A lead who is nobody of the world.
fn lead(world: &World) -> Actor {
    let user = moderation::model::UserId::fresh(
        moderation::model::Timestamp::from_unix_ms(9),
        &moderation::model::Chance::seeded(9),
    );
    assert_ne!(Some(user), world.admin.user());
    Actor::person(user, Role::Lead.into())
}

pub async fn a_second_answer_is_blind_and_changes_nothing(world: World) {
    known(&world).await;
    ask_all(&world).await;
    decided(&world, "post-1", RESTRICT).await;
    assert_eq!(
        draw_reviews(&world.app).await.unwrap(),
        0,
        "what is young may not be committed yet"
    );
    assert_eq!(draw_later(&world).await, 1);
    world.deliver().await;
    let told = world.platform.kinds_for("post-1");

    assert_eq!(next(&world, &world.moderator).await, None, "not the one who decided");
    let review = next(&world, &world.colleague).await.unwrap();
    assert_eq!(
        next(&world, &world.colleague).await,
        Some(review),
        "the same until it is answered"
    );
    assert_eq!(next(&world, &lead(&world)).await, None, "one person at a time");
    let blind = views::blind_review(&world.app, &world.colleague, review)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(blind.text.as_deref(), Some("a post"));
    assert!(
        blind
            .media
            .iter()
            .all(|file| file.matches.is_empty() && file.media.signals.is_empty())
    );
    let shown = format!("{blind:?}");
    for secret in ["known", "first one", "restrict", "terrorist", "dec_", "case_"] {
        assert!(!shown.contains(secret), "`{secret}` is in {shown}");
    }
    for other in [&world.moderator, &world.admin] {
        assert!(views::blind_review(&world.app, other, review).await.unwrap().is_none());
        let refused = answer_review(&world.app, other, review, ALLOW, "why").await;
        assert!(matches!(refused, Err(QualityError::Refused(ReviewRefused::NotYours))));
    }

    let no_policy = Answer {
        policy: None,
        ..RESTRICT
    };
    let invalid = answer_review(&world.app, &world.colleague, review, no_policy, "why").await;
    assert!(matches!(invalid, Err(QualityError::Invalid { field: "policy", .. })));
    answer_review(&world.app, &world.colleague, review, ALLOW, "a news report")
        .await
        .unwrap();
    let again = answer_review(&world.app, &world.colleague, review, RESTRICT, "no").await;
    assert!(
        matches!(again, Err(QualityError::Refused(ReviewRefused::NotYours))),
        "once"
    );
    assert!(
        views::blind_review(&world.app, &world.colleague, review)
            .await
            .unwrap()
            .is_none()
    );

    // The item is as it was, and so is what the platform was told.
    let item = views::item(&world.app, &world.admin, &"post-1".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let outcomes: Vec<_> = item.decisions.iter().map(|view| view.decision.outcome).collect();
    assert_eq!(outcomes, [Outcome::Restrict, Outcome::Restrict]);
    assert_eq!(world.deliver().await, 0);
    assert_eq!(world.platform.kinds_for("post-1"), told);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_difference_is_settled_by_a_third_and_decided_as_any_case(world: World) {
    known(&world).await;
    ask_all(&world).await;
    decided(&world, "post-1", RESTRICT).await;
    decided(&world, "post-2", RESTRICT).await;
    assert_eq!(draw_later(&world).await, 2);
    let lead = lead(&world);
    let second = &world.colleague;
    let one = next(&world, second).await.unwrap();
    answer_review(&world.app, second, one, RESTRICT, "the same")
        .await
        .unwrap();
    assert_eq!(
        views::disputes(&world.app, &lead).await.unwrap().len(),
        0,
        "both said the same"
    );
    let other = next(&world, second).await.unwrap();
    answer_review(&world.app, second, other, ALLOW, "a news report")
        .await
        .unwrap();
    let [dispute] = &views::disputes(&world.app, &lead).await.unwrap()[..] else {
        panic!("one difference")
    };
    assert_eq!(
        (dispute.id, dispute.first, dispute.second().unwrap().answer),
        (other, RESTRICT, ALLOW)
    );
    let view = views::dispute(&world.app, &lead, other).await.unwrap().unwrap();
    assert!(view.may_settle && view.first_reason == "what the first one thought");

    let denied = settle_review(&world.app, second, other, ALLOW, "mine").await;
    assert!(matches!(denied, Err(QualityError::Denied(_))));
    // Whoever gave one of the answers settles nothing, whatever they are by now.
    for user in [world.moderator.user().unwrap(), second.user().unwrap()] {
        let grown = Actor::person(user, Role::Lead.into());
        let own = settle_review(&world.app, &grown, other, ALLOW, "mine").await;
        assert!(matches!(own, Err(QualityError::Refused(ReviewRefused::OwnAnswer))));
        assert!(
            !views::dispute(&world.app, &grown, other)
                .await
                .unwrap()
                .unwrap()
                .may_settle
        );
    }
    let nothing = settle_review(&world.app, &lead, one, ALLOW, "why").await;
    assert!(matches!(
        nothing,
        Err(QualityError::Refused(ReviewRefused::NothingToSettle))
    ));

    world.deliver().await;
    let case = settle_review(&world.app, &lead, other, ALLOW, "it reports")
        .await
        .unwrap();
    let case = case.expect("the first decision was wrong: a case");
    assert!(views::disputes(&world.app, &lead).await.unwrap().is_empty());
    let view = views::case(&world.app, &lead, case).await.unwrap().unwrap();
    assert_eq!(
        (view.case.queue, view.case.reason.as_str()),
        (Queue::Escalated, "it reports")
    );
    assert_eq!(world.deliver().await, 0, "settling orders nothing");
    decide_case(&world.app, &lead, case, judgement(ALLOW)).await.unwrap();
    world.deliver().await;
    assert_eq!(world.platform.kinds_for("post-2"), ["restrict", "restore"]);
    assert_eq!(world.platform.kinds_for("post-1"), ["restrict"]);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn decisions_are_drawn_once_and_with_their_share(world: World) {
    known(&world).await;
    // Decided before the first draw: let be.
    decided(&world, "early", RESTRICT).await;
    ask_all(&world).await;
    for n in 0..4 {
        decided(&world, &format!("post-{n}"), if n % 2 == 0 { RESTRICT } else { ALLOW }).await;
    }
    set_share(&world.app, &world.admin, Stratum::PersonAllow, 0)
        .await
        .unwrap();
    assert_eq!(
        draw_later(&world).await,
        2,
        "of restrictions all, of what was let go nothing"
    );
    assert_eq!(draw_later(&world).await, 0);
    let second = world.second_process().await;
    assert_eq!(draw_reviews(&second).await.unwrap(), 0);
    set_share(&world.app, &world.admin, Stratum::RuleAllow, WHOLE_PPM)
        .await
        .unwrap();
    world.submit("harmless", hash_of(77)).await;
    assert_eq!(draw_later(&world).await, 1, "what no person ever saw is drawn too");
    let too_much = set_share(&world.app, &world.admin, Stratum::RuleAllow, WHOLE_PPM + 1).await;
    assert!(matches!(too_much, Err(QualityError::Invalid { field: "share", .. })));
}

pub async fn no_more_is_drawn_than_can_be_answered(world: World) {
    ask_all(&world).await;
    set_share(&world.app, &world.admin, Stratum::RuleAllow, WHOLE_PPM)
        .await
        .unwrap();
    let n = WAITING_MAX as u64 + 5;
    for seed in 0..n {
        world.submit(&format!("post-{seed}"), hash_of(1_000 + seed)).await;
    }
    assert_eq!(draw_later(&world).await, WAITING_MAX as usize);
    assert_eq!(draw_later(&world).await, 0);
    let review = next(&world, &world.colleague).await.unwrap();
    answer_review(&world.app, &world.colleague, review, ALLOW, "nothing")
        .await
        .unwrap();
    assert_eq!(draw_later(&world).await, 1, "what waited its turn is drawn later");
}

pub async fn a_question_about_a_changed_item_is_void(world: World) {
    known(&world).await;
    ask_all(&world).await;
    decided(&world, "post-1", ALLOW).await;
    decided(&world, "post-2", ALLOW).await;
    assert_eq!(draw_later(&world).await, 2);
    let held = next(&world, &world.colleague).await.unwrap();
    world.submit("post-1", hash_of(5)).await;
    world.submit("post-2", hash_of(6)).await;
    assert!(
        views::blind_review(&world.app, &world.colleague, held)
            .await
            .unwrap()
            .is_none()
    );
    let changed = answer_review(&world.app, &world.colleague, held, ALLOW, "why").await;
    assert!(matches!(changed, Err(QualityError::Changed)));
    draw_later(&world).await;
    assert_eq!(next(&world, &world.colleague).await, None);
    assert_eq!(views::quality(&world.app, &world.admin).await.unwrap().n_waiting, 0);
}

pub async fn golden_cases_are_asked_among_others_and_learned_of_later(world: World) {
    known(&world).await;
    let lead = lead(&world);
    let golden = decided(&world, "golden", ALLOW).await;
    let open = world.submit("open", hash_of(1)).await.case.unwrap();
    let undecided = make_golden(&world.app, &lead, open, RESTRICT, "why").await;
    assert!(matches!(undecided, Err(QualityError::Invalid { field: "case", .. })));
    // The right answer need not be the one that was given.
    make_golden(&world.app, &lead, golden, RESTRICT, "it calls for violence")
        .await
        .unwrap();
    assert!(views::is_golden(&world.app, &lead, golden).await.unwrap());
    ask_all(&world).await;
    let n = 30;
    for one in 0..n {
        decided(&world, &format!("post-{one}"), ALLOW).await;
    }
    assert_eq!(draw_later(&world).await, n);
    world.deliver().await;
    let told = world.platform.heard().len();

    let (mut n_asked, mut drawn_in) = (0, std::collections::BTreeSet::new());
    while let Some(review) = next(&world, &world.colleague).await {
        let blind = views::blind_review(&world.app, &world.colleague, review)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (blind.text.as_deref(), blind.media.len()),
            (Some("a post"), 1),
            "all look alike"
        );
        // An id begins with a time: ten digits.
        drawn_in.insert(review.to_string()[..14].to_owned());
        world.clock.advance(Duration::from_secs(60));
        answer_review(&world.app, &world.colleague, review, ALLOW, "nothing")
            .await
            .unwrap();
        n_asked += 1;
    }
    assert_eq!(n_asked, n + 1, "one of them was golden");
    assert_eq!(drawn_in.len(), 1, "and no id says when it was drawn");
    assert_eq!(world.deliver().await, 0);
    assert_eq!(world.platform.heard().len(), told, "nothing was ordered");
    let figures = views::quality(&world.app, &lead).await.unwrap().figures;
    assert_eq!(figures.agreement[0].n, n, "and it counts in no figure of the platform");

    let desk = |actor: Actor| {
        let app = world.app.clone();
        async move { views::review_desk(&app, &actor).await.unwrap() }
    };
    assert!(desk(world.colleague.clone()).await.golden.is_empty(), "not at once");
    world.clock.advance(views::LEARNED_AFTER);
    let learned = desk(world.colleague.clone()).await;
    assert_eq!((learned.golden.len(), learned.right.unwrap().hits), (1, 0));
    assert_eq!((learned.golden[0].given, learned.golden[0].right), (ALLOW, RESTRICT));
    assert_eq!(learned.golden[0].reason, "it calls for violence");
    assert!(desk(world.moderator.clone()).await.golden.is_empty(), "nobody else's");
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn golden_cases_keep_to_their_queues_and_versions(world: World) {
    known(&world).await;
    let lead = lead(&world);
    let case = decided(&world, "golden", ALLOW).await;
    let id = make_golden(&world.app, &lead, case, ALLOW, "one").await.unwrap();
    assert_eq!(
        make_golden(&world.app, &lead, case, RESTRICT, "two").await.unwrap(),
        id,
        "a new version"
    );
    let golden = views::quality(&world.app, &lead).await.unwrap().golden;
    assert_eq!(
        (golden.len(), golden[0].version, golden[0].reason.as_str()),
        (1, 2, "two")
    );
    let auditor = Actor::person(lead.user().unwrap(), Role::Auditor.into());
    let seen = views::quality(&world.app, &auditor).await.unwrap();
    assert!(
        seen.golden.is_empty() && seen.people.is_empty(),
        "whoever only reads figures sees no names"
    );
    ask_all(&world).await;
    decided(&world, "other", ALLOW).await;
    draw_later(&world).await;
    let elsewhere = Actor::Person {
        user: world.colleague.user().unwrap(),
        roles: Role::Moderator.into(),
        queues: "leads".parse::<QueueSet>().unwrap(),
        token: None,
    };
    assert_eq!(
        next(&world, &elsewhere).await,
        None,
        "what waited in other queues is not asked"
    );
    retire_golden(&world.app, &lead, id).await.unwrap();
    let again = retire_golden(&world.app, &lead, id).await;
    assert!(matches!(again, Err(QualityError::NotFound { .. })));
    assert!(!views::is_golden(&world.app, &lead, case).await.unwrap());
}

/// The same process, whose operator asks for so many second opinions at the desk.
fn asking(app: &Seawall, share: f64) -> Seawall {
    let mut settings = (*app.settings).clone();
    settings.desk.second_opinions = share;
    let mut app = app.clone();
    app.settings = Arc::new(settings);
    app
}

/// At the desk a question takes the place of a case: of none that presses, for nobody who had a hand in it, and a golden one looks like any other.
pub async fn a_question_comes_between_two_cases(mut world: World) {
    known(&world).await;
    ask_all(&world).await;
    let golden = decided(&world, "post-1", RESTRICT).await;
    make_golden(&world.app, &world.admin, golden, RESTRICT, "a flag and a call to kill")
        .await
        .unwrap();
    for item in ["post-2", "post-3", "post-4"] {
        decided(&world, item, ALLOW).await;
    }
    draw_later(&world).await;
    let waiting = world.submit("post-5", hash_of(1)).await.case.unwrap();
    let queue = views::case(&world.app, &world.colleague, waiting)
        .await
        .unwrap()
        .unwrap()
        .case
        .queue;
    let pressing = QueueSettings {
        lane: Some(Lane::Deadline),
        ..QueueSettings::default()
    };

    let [never, always] = [0.0, 1.0].map(|share| asking(&world.app, share));
    let of_moderator = take_next(&always, &world.moderator, None).await.unwrap();
    assert_eq!(of_moderator, Some(Work::Case(waiting)), "who decided is not asked");
    moderation::flows::cases::release_case(&always, &world.moderator, waiting)
        .await
        .unwrap();
    assert!(matches!(
        take_next(&never, &world.colleague, None).await.unwrap(),
        Some(Work::Case(_))
    ));
    moderation::flows::cases::release_case(&never, &world.colleague, waiting)
        .await
        .unwrap();

    // What presses goes before any question.
    let pressed = asking(&with_queues(&world.app, &[(queue.as_str(), pressing)]), 1.0);
    world.app = pressed.clone();
    let urgent = world.submit("post-6", hash_of(1)).await.case.unwrap();
    assert_eq!(
        take_next(&pressed, &world.colleague, None).await.unwrap(),
        Some(Work::Case(urgent))
    );
    // It is held now: nothing presses any more, and whoever comes next is asked. In the end every question was, and the golden one among them.
    let mut n_asked = 0;
    while let Some(Work::Question(question)) = take_next(&pressed, &lead(&world), None).await.unwrap() {
        let blind = views::blind_review(&world.app, &lead(&world), question).await.unwrap();
        assert!(blind.is_some_and(|blind| !format!("{blind:?}").to_lowercase().contains("golden")));
        answer_review(&world.app, &lead(&world), question, ALLOW, "as I see it")
            .await
            .unwrap();
        n_asked += 1;
    }
    assert!(n_asked >= 4, "{n_asked}");
}

pub async fn nobody_is_asked_about_what_they_do_not_want(world: World) {
    known(&world).await;
    ask_all(&world).await;
    decided(&world, "post-1", RESTRICT).await;
    assert_eq!(draw_later(&world).await, 1);
    let not = [moderation::model::PolicyCode::TerroristContent];
    set_wishes(&world.app, &world.colleague, &not).await.unwrap();
    assert_eq!(next(&world, &world.colleague).await, None);
    let desk = views::review_desk(&world.app, &world.colleague).await.unwrap();
    assert!(!desk.has_next, "and the page does not say that one waits");
    set_wishes(&world.app, &world.colleague, &[]).await.unwrap();
    assert!(next(&world, &world.colleague).await.is_some());
}
