//! Orders that something overtook before they left, and people who looked at what is not so any more.

use std::sync::Arc;
use std::time::Duration;

use moderation::flows::actions::retry_action;
use moderation::flows::cases::{CaseError, decide_case, undo_decision};
use moderation::flows::proposals::decide_or_propose;
use moderation::flows::rules::end_restrictions;
use moderation::model::{ActionState, Judgement, Lasts, Measure, Notice, Outcome, PolicyCode, Restricted};
use moderation::{DeskSettings, Settings, views};

use super::measures::{DAY, again, allow, case_of, heard, judgement, open, restrict, scoped, stands, with_measures};
use super::world::World;

const REFUSED: &str = r#"{"answer":"refused"}"#;

/// The platform does not know what shall take the place of a restriction: what stood goes on standing, and the order is in front of a person.
pub async fn nothing_is_lifted_for_what_was_refused(world: World) {
    let world = with_measures(world);
    let case = case_of(&world, "a").await;
    restrict(&world, case, &[open(Restricted::Item)]).await;
    assert_eq!(heard(&world, "a", 0).await, ["restrict"]);
    let case = again(&world, "a").await;
    restrict(&world, case, &[scoped(Restricted::Countries, "DE")]).await;
    world.platform.will_answer(200, REFUSED);
    assert_eq!(
        heard(&world, "a", 1).await,
        ["restrict_countries [\"DE\"]"],
        "no restore"
    );
    world.clock.advance(DAY);
    assert_eq!(heard(&world, "a", 2).await, Vec::<String>::new());
    let stands: Vec<Restricted> = stands(&world, case).await.iter().map(|one| one.what).collect();
    assert_eq!(stands, [Restricted::Item]);
    assert_eq!(world.faults().await, Vec::<String>::new());

    // Where something else that was wanted stands, what was not wanted any more is lifted all the same.
    let kept = case_of(&world, "b").await;
    restrict(&world, kept, &[open(Restricted::Item), open(Restricted::Reach)]).await;
    assert_eq!(heard(&world, "b", 0).await.len(), 2);
    let kept = again(&world, "b").await;
    restrict(&world, kept, &[open(Restricted::Reach), open(Restricted::Comments)]).await;
    world.platform.will_answer(200, REFUSED);
    assert_eq!(heard(&world, "b", 2).await, ["restrict_comments", "restore"]);

    // What the platform knows takes its place.
    let case = again(&world, "a").await;
    restrict(&world, case, &[open(Restricted::Reach)]).await;
    assert_eq!(heard(&world, "a", 2).await, ["restrict_reach", "restore"]);
}

pub async fn what_was_restricted_while_a_person_looked_is_not_lifted(world: World) {
    let world = with_measures(world);
    let case = case_of(&world, "a").await;
    let seen = |world: &World| {
        let (app, actor) = (world.app.clone(), world.moderator.clone());
        async move {
            let view = views::case(&app, &actor, case).await.unwrap().unwrap();
            view.decisions.last().unwrap().decision.id
        }
    };
    let before = seen(&world).await;
    // A colleague restricts it and the case comes back, or an incident does: in between a person looks at what was before.
    restrict(&world, case, &[open(Restricted::Item)]).await;
    let case = again(&world, "a").await;
    for judged in [
        judgement(Outcome::Allow, &[]),
        judgement(Outcome::Restrict, &[open(Restricted::Reach)]),
    ] {
        let late = decide_or_propose(&world.app, &world.colleague, case, Some(before), judged).await;
        assert!(matches!(late, Err(CaseError::Changed { .. })), "{late:?}");
    }
    assert_eq!(heard(&world, "a", 0).await, ["restrict"]);
    let now = views::case(&world.app, &world.colleague, case).await.unwrap().unwrap();
    let now = now.decisions.last().unwrap().decision.id;
    decide_or_propose(
        &world.app,
        &world.colleague,
        case,
        Some(now),
        judgement(Outcome::Allow, &[]),
    )
    .await
    .unwrap();
    assert_eq!(heard(&world, "a", 1).await, ["restore"]);
}

/// Who was warned once is not thereby restricted: what is confirmed is the item, what ends leaves nothing, and a second warning is told.
pub async fn a_warning_is_given_and_restricts_nothing(world: World) {
    let world = with_measures(world);
    let case = case_of(&world, "a").await;
    let warning = open(Restricted::Warning);
    restrict(
        &world,
        case,
        &[warning.clone(), Measure::new(Restricted::Reach, Lasts::For(DAY))],
    )
    .await;
    assert_eq!(heard(&world, "a", 0).await.len(), 2);
    world.clock.advance(DAY);
    end_restrictions(&world.app).await.unwrap();
    let view = views::item(&world.app, &world.admin, &"a".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        view.decisions.last().unwrap().decision.outcome,
        Outcome::Allow,
        "nothing is restricted now"
    );
    assert_eq!(heard(&world, "a", 2).await, ["restore_reach"]);

    let case = again(&world, "a").await;
    restrict(&world, case, &[]).await;
    assert_eq!(heard(&world, "a", 3).await, ["restrict"]);
    let case = again(&world, "a").await;
    restrict(&world, case, &[warning, open(Restricted::Item)]).await;
    assert_eq!(heard(&world, "a", 4).await, ["warn_account"], "told again");
    assert_eq!(world.faults().await, Vec::<String>::new());
}

/// A person confirmed what stands and says why; before that is told one of the measures ends. It is told.
pub async fn what_a_person_told_is_told_though_something_ended(world: World) {
    let world = with_measures(world);
    let case = case_of(&world, "a").await;
    restrict(
        &world,
        case,
        &[open(Restricted::Item), Measure::new(Restricted::Reach, Lasts::For(DAY))],
    )
    .await;
    assert_eq!(heard(&world, "a", 0).await.len(), 2);
    world.clock.advance(DAY - Duration::from_secs(23));
    let case = again(&world, "a").await;
    let confirms = Judgement {
        notice: Some(Notice {
            language: "en".to_owned(),
            text: "A person looked at it again.".to_owned(),
        }),
        ..judgement(Outcome::Restrict, &[])
    };
    decide_case(&world.app, &world.moderator, case, confirms).await.unwrap();
    world.clock.advance(Duration::from_secs(5));
    end_restrictions(&world.app).await.unwrap();
    let said = heard(&world, "a", 2).await;
    assert!(said.iter().any(|kind| kind == "decision.notice"), "{said:?}");

    // What a person decided otherwise meanwhile is not told.
    let case = again(&world, "a").await;
    let confirms = Judgement {
        notice: Some(Notice {
            language: "en".to_owned(),
            text: "And again.".to_owned(),
        }),
        ..judgement(Outcome::Restrict, &[])
    };
    decide_case(&world.app, &world.moderator, case, confirms).await.unwrap();
    let case = again(&world, "a").await;
    allow(&world, case).await;
    let said = heard(&world, "a", 2 + said.len()).await;
    assert_eq!(said, ["restore"]);
}

/// What is ordered after a delay and lifted before that is over: the platform hears of neither.
pub async fn what_was_lifted_in_its_delay_never_leaves(world: World) {
    let mut world = with_measures(world);
    world.app.settings = Arc::new(Settings {
        desk: DeskSettings {
            delay_policies: vec![PolicyCode::HateSpeech],
            delay_max: DAY * 30,
            ..DeskSettings::default()
        },
        ..(*world.app.settings).clone()
    });
    let case = case_of(&world, "a").await;
    restrict(&world, case, &[open(Restricted::Item)]).await;
    assert_eq!(heard(&world, "a", 0).await, Vec::<String>::new(), "it waits");
    let case = again(&world, "a").await;
    allow(&world, case).await;
    for _ in 0..40 {
        assert_eq!(heard(&world, "a", 0).await, Vec::<String>::new());
        world.clock.advance(DAY);
    }
    let view = views::case(&world.app, &world.admin, case).await.unwrap().unwrap();
    let withdrawn = |state: &ActionState| matches!(state, ActionState::Withdrawn { .. });
    assert_eq!(view.actions.len(), 2);
    assert!(
        view.actions.iter().all(|action| withdrawn(&action.state)),
        "{:?}",
        view.actions
    );
    assert_eq!(world.faults().await, Vec::<String>::new());

    // What stood before the delay is lifted all the same.
    let case = case_of(&world, "b").await;
    let outright = Judgement {
        policy: Some(PolicyCode::TerroristContent),
        ..judgement(Outcome::Restrict, &[open(Restricted::Reach)])
    };
    decide_case(&world.app, &world.moderator, case, outright).await.unwrap();
    assert_eq!(heard(&world, "b", 0).await, ["restrict_reach"]);
    let case = again(&world, "b").await;
    restrict(&world, case, &[Measure::new(Restricted::Reach, Lasts::For(DAY * 60))]).await;
    let case = again(&world, "b").await;
    allow(&world, case).await;
    assert_eq!(heard(&world, "b", 1).await, ["restore_reach"]);
}

pub async fn to_retry_cuts_no_undo_short(world: World) {
    let world = with_measures(world);
    let case = case_of(&world, "a").await;
    let decision = restrict(&world, case, &[open(Restricted::Item)]).await;
    let view = views::case(&world.app, &world.admin, case).await.unwrap().unwrap();
    retry_action(&world.app, &world.admin, view.actions[0].id)
        .await
        .unwrap();
    assert_eq!(world.deliver().await, 0, "it can still be undone");
    undo_decision(&world.app, &world.moderator, case, decision)
        .await
        .unwrap();
    assert_eq!(heard(&world, "a", 0).await, Vec::<String>::new());
}

/// Two items suspend an account while the platform is down, both are let go of: when it is back, the account ends up free.
pub async fn what_an_item_let_go_of_is_not_delivered_later(world: World) {
    let world = with_measures(world);
    let (x, y) = (case_of(&world, "x").await, case_of(&world, "y").await);
    *world.platform.down.lock().unwrap() = Some(503);
    for case in [x, y] {
        restrict(&world, case, &[open(Restricted::Account)]).await;
    }
    world.clock.advance(Duration::from_secs(20));
    world.deliver().await;
    for item in ["x", "y"] {
        let case = again(&world, item).await;
        allow(&world, case).await;
    }
    world.clock.advance(Duration::from_secs(20));
    world.deliver().await;
    *world.platform.down.lock().unwrap() = None;
    for _ in 0..20 {
        world.clock.advance(Duration::from_secs(60));
        world.deliver().await;
    }
    let kinds: Vec<(String, String)> = world
        .platform
        .heard()
        .into_iter()
        .map(|one| (one.item, one.kind))
        .collect();
    let last_restrict = kinds
        .iter()
        .rposition(|(_, kind)| kind.starts_with("suspend") || kind.starts_with("restrict"));
    let last_restore = kinds.iter().rposition(|(_, kind)| kind.starts_with("restore"));
    assert!(last_restore > last_restrict, "{kinds:?}");
    assert!(
        kinds.iter().all(|(item, _)| item == "y"),
        "what x ordered belongs to nobody: {kinds:?}"
    );
    assert_eq!(world.faults().await, Vec::<String>::new());
}
