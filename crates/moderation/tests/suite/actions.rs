//! Orders reach the platform.

use std::time::Duration;

use moderation::flows::actions::{ActionError, retry_action};
use moderation::flows::cases::decide_case;
use moderation::model::{Action, ActionState, Answer, Judgement, PageRequest, PolicyCode};
use moderation::store::jobs;
use moderation::views;

use super::world::{World, hash_of};

async fn actions(world: &World) -> Vec<Action> {
    let mut rows = views::list_actions(&world.app, &world.moderator, None, &PageRequest::first())
        .await
        .unwrap()
        .rows;
    rows.reverse();
    rows
}

async fn known_bank(world: &World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
}

fn allow() -> Judgement {
    Judgement::allow(1, "news report")
}

fn restrict() -> Judgement {
    Judgement::restrict(1, PolicyCode::TerroristContent, "news report")
}

pub async fn an_order_is_signed_and_confirmed(world: World) {
    known_bank(&world).await;
    world.platform.will_answer(200, r#"{"answer":"already_done"}"#);
    let verdict = world.submit("post-1", hash_of(1)).await;
    assert_eq!(world.deliver().await, 1);
    let [heard] = &world.platform.heard()[..] else { panic!() };
    assert_eq!((heard.kind.as_str(), heard.item.as_str()), ("restrict", "post-1"));
    assert_eq!(heard.decision, verdict.decision.unwrap().to_string());
    let [action] = &actions(&world).await[..] else { panic!() };
    assert!(matches!(
        action.state,
        ActionState::Confirmed {
            answer: Answer::AlreadyDone,
            ..
        }
    ));
    assert_eq!(world.deliver().await, 0);
    let error = retry_action(&world.app, &world.admin, action.id).await.unwrap_err();
    assert!(matches!(error, ActionError::Confirmed));
}

pub async fn orders_about_one_item_are_never_overtaken(world: World) {
    known_bank(&world).await;
    *world.platform.down.lock().unwrap() = Some(503);
    let case = world.submit("post-1", hash_of(1)).await.case.unwrap();
    world.submit("post-2", hash_of(1)).await;
    decide_case(&world.app, &world.moderator, case, allow()).await.unwrap();
    world.deliver().await;
    *world.platform.down.lock().unwrap() = None;
    // The restore is due long before the restrict is tried again, and still waits for it.
    for _ in 0..40 {
        world.clock.advance(Duration::from_millis(500));
        world.deliver().await;
    }
    assert_eq!(world.platform.kinds_for("post-1"), ["restrict", "restore"]);
    assert_eq!(world.platform.kinds_for("post-2"), ["restrict"]);
    assert!(
        actions(&world)
            .await
            .iter()
            .all(|action| matches!(action.state, ActionState::Confirmed { .. }))
    );
}

pub async fn an_outage_is_survived_and_then_everything_is_delivered(world: World) {
    known_bank(&world).await;
    *world.platform.down.lock().unwrap() = Some(500);
    for n in 0..5 {
        world.submit(&format!("post-{n}"), hash_of(1)).await;
    }
    let mut attempts = 0;
    for _ in 0..600 {
        attempts += world.deliver().await;
        world.clock.advance(Duration::from_secs(1));
    }
    // Ten minutes of an outage: patient, not hammering. 2+4+…+60 s apart is about 14 attempts an order.
    assert!((50..=100).contains(&attempts), "{attempts}");
    assert!(
        actions(&world)
            .await
            .iter()
            .all(|action| matches!(action.state, ActionState::Retrying { .. }))
    );
    assert_eq!(world.faults().await, Vec::<String>::new());
    *world.platform.down.lock().unwrap() = None;
    world.clock.advance(Duration::from_secs(60));
    world.deliver().await;
    for n in 0..5 {
        assert_eq!(world.platform.kinds_for(&format!("post-{n}")), ["restrict"]);
    }
}

pub async fn what_is_given_up_can_be_retried(world: World) {
    known_bank(&world).await;
    *world.platform.down.lock().unwrap() = Some(404);
    world.submit("post-1", hash_of(1)).await;
    for _ in 0..70 {
        world.deliver().await;
        world.clock.advance(Duration::from_secs(60));
    }
    let [action] = &actions(&world).await[..] else { panic!() };
    assert!(
        matches!(&action.state, ActionState::Dead { error } if error.contains("404")),
        "{action:?}"
    );
    assert_eq!(
        views::desk(&world.app, &world.moderator).await.unwrap().n_dead_actions,
        1
    );
    assert_eq!(world.faults().await, Vec::<String>::new());

    *world.platform.down.lock().unwrap() = None;
    let denied = retry_action(&world.app, &world.moderator, action.id).await.unwrap_err();
    assert!(matches!(denied, ActionError::Denied(_)));
    retry_action(&world.app, &world.admin, action.id).await.unwrap();
    assert_eq!(world.deliver().await, 1);
    let [action] = &actions(&world).await[..] else { panic!() };
    assert!(matches!(action.state, ActionState::Confirmed { .. }));
}

pub async fn an_order_that_another_followed_is_not_retried(world: World) {
    known_bank(&world).await;
    *world.platform.down.lock().unwrap() = Some(404);
    let case = world.submit("post-1", hash_of(1)).await.case.unwrap();
    for _ in 0..70 {
        world.deliver().await;
        world.clock.advance(Duration::from_secs(60));
    }
    decide_case(&world.app, &world.moderator, case, allow()).await.unwrap();
    *world.platform.down.lock().unwrap() = None;
    world.deliver().await;
    let [restrict, restore] = &actions(&world).await[..] else {
        panic!()
    };
    assert!(matches!(restrict.state, ActionState::Dead { .. }), "{restrict:?}");
    assert!(matches!(restore.state, ActionState::Confirmed { .. }), "{restore:?}");
    // Sent now, it would restrict what a person has let go.
    let error = retry_action(&world.app, &world.admin, restrict.id).await.unwrap_err();
    assert!(matches!(error, ActionError::Superseded), "{error:?}");
    assert_eq!(world.deliver().await, 0);
    assert_eq!(world.platform.kinds_for("post-1"), ["restore"]);
}

pub async fn what_a_person_confirms_is_ordered_anew_if_it_was_given_up_or_refused(world: World) {
    known_bank(&world).await;
    *world.platform.down.lock().unwrap() = Some(404);
    let case = world.submit("post-1", hash_of(1)).await.case.unwrap();
    for _ in 0..70 {
        world.deliver().await;
        world.clock.advance(Duration::from_secs(60));
    }
    *world.platform.down.lock().unwrap() = None;
    decide_case(&world.app, &world.moderator, case, restrict())
        .await
        .unwrap();
    assert_eq!(world.deliver().await, 1);
    assert_eq!(world.platform.kinds_for("post-1"), ["restrict"]);

    world.platform.will_answer(200, r#"{"answer":"refused"}"#);
    let case = world.submit("post-2", hash_of(1)).await.case.unwrap();
    assert_eq!(world.deliver().await, 1);
    decide_case(&world.app, &world.moderator, case, restrict())
        .await
        .unwrap();
    assert_eq!(world.deliver().await, 1);
    assert_eq!(world.platform.kinds_for("post-2"), ["restrict", "restrict"]);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_refused_restriction_needs_no_restoring(world: World) {
    known_bank(&world).await;
    world.platform.will_answer(200, r#"{"answer":"refused"}"#);
    let case = world.submit("post-1", hash_of(1)).await.case.unwrap();
    assert_eq!(world.deliver().await, 1);
    decide_case(&world.app, &world.moderator, case, allow()).await.unwrap();
    assert_eq!(world.deliver().await, 0);
}

pub async fn an_order_that_waited_long_is_tried_as_long_as_any(world: World) {
    known_bank(&world).await;
    *world.platform.down.lock().unwrap() = Some(503);
    world.submit("post-1", hash_of(1)).await;
    // No worker was running for longer than an order is tried.
    world.clock.advance(Duration::from_secs(2 * 3_600));
    assert_eq!(world.deliver().await, 1);
    let [action] = &actions(&world).await[..] else { panic!() };
    assert!(matches!(action.state, ActionState::Retrying { .. }), "{action:?}");
    *world.platform.down.lock().unwrap() = None;
    world.clock.advance(Duration::from_secs(60));
    world.deliver().await;
    assert_eq!(world.platform.kinds_for("post-1"), ["restrict"]);
}

pub async fn a_refusal_is_kept_and_shown(world: World) {
    known_bank(&world).await;
    world
        .platform
        .will_answer(200, r#"{"answer":"refused","detail":"on legal hold"}"#);
    world.platform.will_answer(200, "<html>it works</html>");
    world.submit("post-1", hash_of(1)).await;
    world.submit("post-2", hash_of(1)).await;
    world.deliver().await;
    let [refused, unclear] = &actions(&world).await[..] else {
        panic!()
    };
    assert!(matches!(&refused.state, ActionState::Refused { detail, .. } if detail == "on legal hold"));
    assert!(
        matches!(&unclear.state, ActionState::Retrying { .. }),
        "a page of a proxy is no confirmation: {unclear:?}"
    );
    let shown = views::list_actions(&world.app, &world.moderator, Some("refused"), &PageRequest::first())
        .await
        .unwrap();
    assert_eq!(shown.rows.len(), 1);
}

pub async fn a_worker_that_died_loses_no_order(world: World) {
    known_bank(&world).await;
    world.submit("post-1", hash_of(1)).await;
    let now = moderation::model::Clock::now(&*world.clock);
    let lease = Duration::from_secs(35);
    let claimed = jobs::claim(&world.app.store, "worker-that-dies", &["deliver"], now, lease)
        .await
        .unwrap();
    assert!(claimed.is_some());
    assert_eq!(world.deliver().await, 0, "the job is leased");
    world.clock.advance(lease);
    assert_eq!(world.deliver().await, 1);
    assert_eq!(world.platform.kinds_for("post-1"), ["restrict"]);
}

pub async fn no_name_of_the_platforms_reaches_a_header(world: World) {
    known_bank(&world).await;
    let mut post = super::world::item("post-1", vec![super::world::given(hash_of(1))]);
    let evil = "heron\r\nSeawall-Signature: t=0,v1=00\r\n\r\n{\"answer\":\"done\"}";
    post.account = Some(evil.to_owned());
    post.channel = Some(evil.to_owned());
    moderation::flows::submit::submit_item(&world.app, &moderation::model::Actor::Operator, post, None)
        .await
        .unwrap();
    // The platform of the tests reads the request by its length and checks its signature: one order, and the name is in its body alone.
    world.deliver().await;
    let heard = world.platform.heard();
    assert_eq!(heard.len(), 1);
    let body: serde_json::Value = serde_json::from_str(&heard[0].body).unwrap();
    assert_eq!(body["account"], evil);
    assert!(heard[0].key.starts_with("act_") && !heard[0].key.contains('\n'));
}
